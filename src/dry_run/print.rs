//! A dry run for people, and for programs. Both say the same, step by step, and within a step process by process.

use crate::change::{Change, Verb};
use std::fmt;

use serde::Serialize;

use super::{DryRun, Step};

/// The App and the place that the plan is of.
#[derive(Clone, Debug, Serialize)]
pub struct Heading {
    /// `namespace/name`.
    pub app: String,
    pub platform: String,
    /// The changes wait for as long as it is.
    pub suspended: bool,
    /// Everything goes.
    pub deleting: bool,
}

/// The heading of changes without a process.
const WHOLE_APP: &str = "all processes";

/// The plan as people read it, with a line for each change: `+` for what is created, `~` for what is updated, `-` for
/// what is deleted, `…` for what is waited for and `!` for what is in the way.
pub fn text(heading: &Heading, dry_run: &DryRun) -> String {
    Text { heading, dry_run }.to_string()
}

struct Text<'a> {
    heading: &'a Heading,
    dry_run: &'a DryRun,
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Text { heading, dry_run } = self;
        if heading.deleting {
            f.write_str("Deletion of ")?;
        }
        write!(f, "App {} on Platform {}", heading.app, heading.platform)?;
        if heading.suspended {
            f.write_str("; the App is suspended: nothing is done before it is resumed")?;
        }
        f.write_str("\n\n")?;
        for step in &dry_run.steps {
            for (process, changes) in by_process(step) {
                writeln!(f, "{}", process.unwrap_or(WHOLE_APP))?;
                for change in changes {
                    writeln!(f, "  {} {change}", mark(change.verb()))?;
                }
            }
            for wait in &step.waits {
                writeln!(f, "  … {}: {wait}", wait.process())?;
            }
            f.write_str("\n")?;
        }
        for obstacle in &dry_run.obstacles {
            let (process, message) = (&obstacle.process, &obstacle.message);
            let said = format!("process {process}: ");
            writeln!(
                f,
                "! {process}: {}",
                message.strip_prefix(&said).unwrap_or(message)
            )?;
        }
        for (change, error) in &dry_run.failures {
            writeln!(
                f,
                "! {}: {change}: {error}",
                change.process().unwrap_or(WHOLE_APP)
            )?;
        }
        for unread in &dry_run.unread {
            writeln!(f, "! {WHOLE_APP}: {unread}")?;
        }
        let nothing = dry_run.obstacles.is_empty() && dry_run.failures.is_empty();
        if !(nothing && dry_run.unread.is_empty()) {
            f.write_str("\n")?;
        }
        match dry_run.changes().next() {
            None if nothing && dry_run.unread.is_empty() => return f.write_str("Plan: nothing to do.\n"),
            None => return f.write_str("Plan: nothing can be done about what is in the way.\n"),
            Some(_) => {}
        }
        let Summary {
            create,
            update,
            delete,
        } = Summary::of(dry_run);
        writeln!(
            f,
            "Plan: {create} to create, {update} to update, {delete} to delete."
        )
    }
}

fn mark(verb: Verb) -> char {
    match verb {
        Verb::Created => '+',
        Verb::Updated => '~',
        Verb::Deleted => '-',
    }
}

/// By process, in the order in which they are made.
fn by_process(step: &Step) -> Vec<(Option<&str>, Vec<&Change>)> {
    let mut groups: Vec<(Option<&str>, Vec<&Change>)> = Vec::new();
    for change in &step.changes {
        let process = change.process();
        match groups.iter_mut().find(|(known, _)| *known == process) {
            Some((_, changes)) => changes.push(change),
            None => groups.push((process, vec![change])),
        }
    }
    groups
}

/// The plan as programs read it: an object with `app`, `platform`, `suspended`, `deleting`, `steps`, `obstacles`,
/// `failures` and `summary`. Fields may be added to it, none is taken away.
pub fn json(heading: &Heading, dry_run: &DryRun) -> serde_json::Result<String> {
    let of_step = |step| JsonStep {
        changes: by_process(step)
            .into_iter()
            .flat_map(|(process, changes)| changes.into_iter().map(move |change| (process, change)))
            .map(|(process, change)| JsonChange {
                process,
                action: action(change.verb()),
                description: change.to_string(),
            })
            .collect(),
        waits: step
            .waits
            .iter()
            .map(|wait| Said {
                process: Some(wait.process()),
                message: wait.to_string(),
            })
            .collect(),
    };
    let obstacles = dry_run.obstacles.iter().map(|obstacle| Said {
        process: Some(&obstacle.process),
        message: obstacle.message.clone(),
    });
    let failures = dry_run.failures.iter().map(|(change, error)| Said {
        process: change.process(),
        message: format!("{change}: {error}"),
    });
    let unread = dry_run.unread.iter().map(|unread| Said {
        process: None,
        message: unread.to_string(),
    });
    let all = Json {
        heading,
        steps: dry_run.steps.iter().map(of_step).collect(),
        obstacles: obstacles.collect(),
        failures: failures.chain(unread).collect(),
        summary: Summary::of(dry_run),
    };
    serde_json::to_string_pretty(&all)
}

#[derive(Serialize)]
struct Json<'a> {
    #[serde(flatten)]
    heading: &'a Heading,
    steps: Vec<JsonStep<'a>>,
    obstacles: Vec<Said<'a>>,
    failures: Vec<Said<'a>>,
    summary: Summary,
}

#[derive(Serialize)]
struct JsonStep<'a> {
    changes: Vec<JsonChange<'a>>,
    waits: Vec<Said<'a>>,
}

#[derive(Serialize)]
struct JsonChange<'a> {
    process: Option<&'a str>,
    action: &'static str,
    description: String,
}

#[derive(Serialize)]
struct Said<'a> {
    process: Option<&'a str>,
    message: String,
}

fn action(verb: Verb) -> &'static str {
    match verb {
        Verb::Created => "create",
        Verb::Updated => "update",
        Verb::Deleted => "delete",
    }
}

#[derive(Serialize)]
struct Summary {
    create: usize,
    update: usize,
    delete: usize,
}

impl Summary {
    fn of(dry_run: &DryRun) -> Self {
        let count = |verb| dry_run.changes().filter(|change| change.verb() == verb).count();
        Summary {
            create: count(Verb::Created),
            update: count(Verb::Updated),
            delete: count(Verb::Deleted),
        }
    }
}
