//! Which fields of an App an edit sets, and what is said of it: a pure function of the App as it was read and of the time.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kube::ResourceExt;
use serde::Serialize;
use serde_json::{Value, json};

use super::MANAGER;
use super::counts::{Count, by_process, refused, without_count};
use super::managers::{Field, warnings};
use crate::api::REDEPLOY_ANNOTATION;
use crate::api::app::App;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Action {
    /// The number of tasks of each process that is named.
    Scale(BTreeMap<String, i32>),
    Redeploy,
    Suspend,
    Resume,
}

/// An edit, and what it leads to. Fields may be added, none is taken away.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Edited {
    /// `namespace/name`.
    pub app: String,
    pub action: &'static str,
    /// False if it was so already, and nothing was written.
    pub changed: bool,
    pub field: &'static str,
    pub value: Value,
    /// The counts of before and after; of `scale` alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub processes: Vec<Scaled>,
    /// What happens next.
    pub next: String,
    pub warnings: Vec<String>,
    /// The merge patch.
    #[serde(skip)]
    pub patch: Value,
}

/// The count of a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Scaled {
    pub process: String,
    /// `null` if it said none.
    pub before: Option<i32>,
    pub after: i32,
}

/// What the messages of an edit depend on beside the App.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hints<'a> {
    /// The words by which the program is called.
    pub program: &'a str,
    /// The App is followed in any case.
    pub waits: bool,
}

const SUSPEND: &str = "spec.suspend";
const REDEPLOY: &str = "metadata.annotations[empire.dev/redeploy]";
const PROCESSES: &str = "spec.processes";

/// A field that is set, and to what.
struct Set {
    field: &'static str,
    value: Value,
    /// False if it is so already.
    changed: bool,
    processes: Vec<Scaled>,
    next: String,
}

impl Action {
    pub(in crate::cli) fn scale(counts: &[Count]) -> Result<Self, String> {
        by_process(counts).map(Action::Scale)
    }

    pub(super) fn verb(&self) -> &'static str {
        match self {
            Action::Scale(_) => "scale",
            Action::Redeploy => "redeploy",
            Action::Suspend => "suspend",
            Action::Resume => "resume",
        }
    }

    /// Decides on the edit of an App; fails if it makes no sense, and then for all that is asked.
    pub(super) fn edited(&self, app: &App, now: Timestamp, hints: Hints<'_>) -> Result<Edited, String> {
        let name = format!("{}/{}", app.namespace().unwrap_or_default(), app.name_any());
        let words = Words::of(app, hints);
        let set = match self {
            Action::Scale(asked) => match refused(app, asked) {
                Some(problem) => return Err(format!("scale App {name}: {problem}")),
                None => scale(app, asked, &words),
            },
            Action::Redeploy => redeploy(app, now, &words),
            Action::Suspend => suspend(&words),
            Action::Resume => resume(&words),
        };
        let Set {
            field,
            value,
            changed,
            processes,
            next,
        } = set;
        let mut patch = match self {
            Action::Scale(_) => json!({ "spec": { "processes": value } }),
            Action::Redeploy => json!({ "metadata": { "annotations": { REDEPLOY_ANNOTATION: value } } }),
            Action::Suspend | Action::Resume => json!({ "spec": { "suspend": value } }),
        };
        // So that it lands on the App that this was decided by, and on no other of its name.
        patch["metadata"]["resourceVersion"] = json!(app.resource_version());
        let warnings = if changed {
            self.warnings(app, &processes)
        } else {
            Vec::new()
        };
        Ok(Edited {
            app: name,
            action: self.verb(),
            changed,
            field,
            value,
            processes,
            next,
            warnings,
            patch,
        })
    }

    fn warnings(&self, app: &App, processes: &[Scaled]) -> Vec<String> {
        let changed = processes
            .iter()
            .filter(|scaled| scaled.before != Some(scaled.after));
        let fields: Vec<Field> = match self {
            Action::Scale(_) => changed
                .clone()
                .map(|scaled| Field::of(&["spec", "processes", &scaled.process, "quantity"]))
                .collect(),
            Action::Redeploy => vec![Field::named(
                REDEPLOY,
                &["metadata", "annotations", REDEPLOY_ANNOTATION],
            )],
            Action::Suspend | Action::Resume => vec![Field::of(&["spec", "suspend"])],
        };
        let mut found = warnings(&app.metadata, &fields, MANAGER);
        found.extend(changed.filter(|scaled| scaled.before.is_none()).map(|scaled| {
            format!(
                "process {} had no quantity, so its count was left to whoever scales the service in AWS: from now on {} is \
                 enforced",
                scaled.process, scaled.after
            )
        }));
        found
    }
}

/// What is so of an App, and the commands to give next.
struct Words {
    suspended: bool,
    deleting: bool,
    /// What the App stands at.
    status: String,
    resume: String,
    /// A sentence with a space before it, or nothing.
    follow: String,
}

impl Words {
    fn of(app: &App, hints: Hints<'_>) -> Self {
        let (name, namespace) = (app.name_any(), app.namespace().unwrap_or_default());
        let Hints { program, waits } = hints;
        let status = format!("{program} status {name} -n {namespace}");
        Words {
            suspended: app.spec.suspend.unwrap_or_default(),
            deleting: app.metadata.deletion_timestamp.is_some(),
            resume: format!("{program} resume {name} -n {namespace}"),
            follow: if waits {
                String::new()
            } else {
                format!(". Follow it: {status} --watch")
            },
            status,
        }
    }
}

fn scale(app: &App, asked: &BTreeMap<String, i32>, words: &Words) -> Set {
    let quantity = |name: &str| app.spec.processes.get(name).and_then(|process| process.quantity);
    let processes: Vec<Scaled> = asked
        .iter()
        .map(|(name, after)| Scaled {
            process: name.clone(),
            before: quantity(name),
            after: *after,
        })
        .collect();
    let changed: Vec<&Scaled> = processes
        .iter()
        .filter(|scaled| scaled.before != Some(scaled.after))
        .collect();
    let value = changed
        .iter()
        .map(|scaled| (scaled.process.clone(), json!({ "quantity": scaled.after })))
        .collect();
    let next = if changed.is_empty() {
        format!("How it stands: {}", words.status)
    } else if words.deleting {
        "The App is being deleted: no count is changed any more".into()
    } else if words.suspended {
        format!(
            "The App is suspended: no count is changed before {}",
            words.resume
        )
    } else {
        format!("The controller has ECS start or stop tasks{}", words.follow)
    };
    Set {
        field: PROCESSES,
        value: Value::Object(value),
        changed: !changed.is_empty(),
        processes,
        next,
    }
}

fn redeploy(app: &App, now: Timestamp, words: &Words) -> Set {
    let next = match services(app) {
        _ if words.deleting => "The App is being deleted: no task is replaced any more".to_owned(),
        _ if words.suspended => format!(
            "The App is suspended: nothing is replaced before {}",
            words.resume
        ),
        services if services.is_empty() => {
            "No process has a service: there are no tasks to replace".to_owned()
        }
        services => format!(
            "Every task of {} is replaced, as `deploy` says{}",
            services.join(", "),
            words.follow
        ),
    };
    Set {
        field: REDEPLOY,
        // To the nanosecond, so that two are not alike.
        value: json!(format!("{now:.9}")),
        changed: true,
        processes: Vec::new(),
        next,
    }
}

fn suspend(words: &Words) -> Set {
    let next = if words.deleting {
        format!(
            "The App is being deleted, and stays as it is until {}",
            words.resume
        )
    } else {
        "The controller compares and reports, and changes nothing in AWS. Tasks go on running, and a rollout that has begun \
         is ECS's to finish"
            .to_owned()
    };
    Set {
        field: SUSPEND,
        value: json!(true),
        changed: !words.suspended,
        processes: Vec::new(),
        next,
    }
}

fn resume(words: &Words) -> Set {
    let next = match (words.suspended, words.deleting) {
        (false, _) => format!("How it stands: {}", words.status),
        (true, true) => format!("Its deletion goes on{}", words.follow),
        (true, false) => format!("The controller makes what was pending{}", words.follow),
    };
    Set {
        field: SUSPEND,
        value: Value::Null,
        changed: words.suspended,
        processes: Vec::new(),
        next,
    }
}

/// The processes whose tasks a service keeps.
pub(in crate::cli) fn services(app: &App) -> Vec<&str> {
    let processes = app.spec.processes.iter();
    let names = processes.filter(|(_, process)| without_count(process).is_none());
    names.map(|(name, _)| name.as_str()).collect()
}

impl Edited {
    /// What was done, and what happens next.
    pub(super) fn text(&self) -> String {
        let Edited {
            app,
            action,
            changed,
            field,
            value,
            processes,
            next,
            ..
        } = self;
        let done = match (*changed, value) {
            _ if !processes.is_empty() => {
                let counts: Vec<String> = processes.iter().map(Scaled::text).collect();
                let unwritten = if *changed { "" } else { "; nothing was written" };
                format!("{action}: {}{unwritten}", counts.join(", "))
            }
            (false, Value::Bool(_)) => "is suspended already, nothing was written".to_owned(),
            (false, _) => "is not suspended, nothing was written".to_owned(),
            (true, Value::Null) => format!("{action}: {field} is unset"),
            (true, Value::String(value)) => format!("{action}: {field} is {value}"),
            (true, value) => format!("{action}: {field} is {value}"),
        };
        format!("App {app} {done}\n{next}.\n")
    }
}

impl Scaled {
    fn text(&self) -> String {
        let Scaled {
            process,
            before,
            after,
        } = self;
        match before {
            Some(before) if before == after => format!("{process} has {after} already"),
            Some(before) => format!("{process} from {before} to {after}"),
            None => format!("{process} from no quantity to {after}"),
        }
    }
}
