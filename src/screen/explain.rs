//! Why an App is not Ready, in order of cause: what comes first keeps what follows from getting better.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde::Serialize;

use super::layout::{BAD, FAINT, GOOD, PLAIN, STRONG, Width, age, headline, paint, wrap};
use super::runbook::{entry, fill};
use super::status::{self, Status, status};
use super::{Facts, Sight};
use crate::api::app::{App, RolloutStatus};
use crate::api::condition::{ConditionType, Reason};

/// Fields may be added, none is taken away.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// `namespace/name`.
    pub app: String,
    /// True, False or Unknown.
    pub ready: String,
    pub since: Option<Timestamp>,
    /// The first is to be dealt with first.
    pub causes: Vec<Cause>,
}

/// One thing that is not as wanted.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    /// `App`, `Platform <name>`, `process <name>`, `Event` or `controller`.
    pub subject: String,
    /// That of a condition or an Event, which has a heading in the runbook; or none.
    pub reason: Option<String>,
    pub since: Option<Timestamp>,
    pub message: String,
    /// What the runbook says of the reason.
    pub means: Option<String>,
    pub see: Option<String>,
    /// What to do.
    #[serde(rename = "do")]
    pub act: Option<String>,
}

/// The causes, from what is known of an App.
pub fn explain(facts: &Facts) -> Explanation {
    let status = status(facts);
    let mut causes = Causes::default();
    if status.observed_generation < status.generation {
        causes.add(not_seen(&status));
    }
    if status.suspended && status.ready.reason != Reason::Suspended.as_str() {
        causes.add(suspended());
    }
    if !is_served(&status) {
        platform(facts, &mut causes);
        conditions(facts, &mut causes);
        processes(&status, &mut causes);
    } else if let Some(also) = &status.also {
        causes.add(Cause::of("App", also));
    }
    events(facts, &status, &mut causes);
    causes.fill(&status);
    Explanation {
        app: status.app,
        ready: status.ready.status,
        since: status.ready.since,
        causes: causes.0,
    }
}

/// True if it is Ready at its newest generation.
fn is_served(status: &Status) -> bool {
    status.ready.status == "True" && status.observed_generation >= status.generation
}

#[derive(Default)]
struct Causes(Vec<Cause>);

impl Causes {
    /// Adds one that none before it has told already: an App repeats what its Platform says.
    fn add(&mut self, cause: Cause) {
        let told = |before: &Cause| {
            before.message.contains(&cause.message)
                || (before.reason == cause.reason && cause.message.contains(&before.message))
        };
        if !self.0.iter().any(told) {
            self.0.push(cause);
        }
    }

    /// Names the App where the runbook has a word in its place.
    fn fill(&mut self, status: &Status) {
        let (namespace, app) = status.app.split_once('/').unwrap_or_default();
        let mut names = vec![("NAMESPACE", namespace), ("APP", app)];
        if let Some(platform) = &status.platform {
            names.push(("PLATFORM", &platform.name));
            names.extend(platform.cluster.as_deref().map(|cluster| ("CLUSTER", cluster)));
        }
        for cause in &mut self.0 {
            for text in [&mut cause.means, &mut cause.see, &mut cause.act] {
                *text = text.take().map(|text| fill(&text, &names));
            }
        }
    }
}

impl Cause {
    fn of(subject: &str, condition: &status::Condition) -> Self {
        Cause {
            since: condition.since,
            ..Cause::because(subject, &condition.reason, condition.message.clone())
        }
    }

    fn because(subject: &str, reason: &str, message: String) -> Self {
        let entry = entry(reason);
        Cause {
            subject: subject.into(),
            reason: Some(reason.into()),
            since: None,
            message,
            means: entry.as_ref().map(|entry| entry.means.clone()),
            see: entry.as_ref().map(|entry| entry.see.clone()),
            act: entry.map(|entry| entry.act),
        }
    }
}

fn not_seen(status: &Status) -> Cause {
    let Status {
        generation,
        observed_generation,
        ..
    } = status;
    let message = if *observed_generation < 0 {
        "no controller has seen the App yet".to_owned()
    } else {
        format!(
            "the controller has seen generation {observed_generation} of the App, and not yet generation {generation}"
        )
    };
    Cause {
        subject: "controller".into(),
        reason: None,
        since: None,
        message,
        means: None,
        see: Some("kubectl get pods -n empire-system, the pod's log, and its /readyz and /queue".into()),
        act: Some("If it lasts for more than a minute, see that the controller runs and is ready.".into()),
    }
}

fn suspended() -> Cause {
    Cause {
        means: None,
        see: None,
        ..Cause::because(
            "App",
            Reason::Suspended.as_str(),
            "spec.suspend is true: nothing is changed in AWS, whatever is edited, before the App is resumed"
                .into(),
        )
    }
}

/// The Platform comes before its Apps.
fn platform(facts: &Facts, causes: &mut Causes) {
    let Sight::Seen(platform) = &facts.platform else {
        return;
    };
    let subject = format!(
        "Platform {}",
        platform.metadata.name.as_deref().unwrap_or_default()
    );
    let conditions = platform.status.as_ref().map(|status| &status.conditions);
    let Some(ready) = ConditionType::Ready.find(conditions.map_or(&[][..], |found| found)) else {
        causes.add(Cause::because(
            &subject,
            Reason::PlatformNotReady.as_str(),
            "no controller has looked at the Platform yet".into(),
        ));
        return;
    };
    if ready.status != "True" {
        causes.add(Cause::of(&subject, &status::condition(ready)));
    }
}

/// The App's own: what is stuck before what is under way, and Ready where it says more.
fn conditions(facts: &Facts, causes: &mut Causes) {
    let found: &[Condition] = facts.app.status.as_ref().map_or(&[], |status| &status.conditions);
    for kind in [
        ConditionType::Stalled,
        ConditionType::Reconciling,
        ConditionType::Ready,
    ] {
        if let Some(condition) = kind
            .find(found)
            .filter(|found| (kind, found.status.as_str()) != (ConditionType::Ready, "True"))
        {
            causes.add(Cause::of("App", &status::condition(condition)));
        }
    }
}

fn processes(status: &Status, causes: &mut Causes) {
    for process in &status.processes {
        let subject = format!("process {}", process.name);
        if let Some(rejected) = &process.rejected {
            causes.add(Cause::because(
                &subject,
                Reason::RolloutFailed.as_str(),
                rejected.clone(),
            ));
        }
        let (desired, running) = (process.desired, process.running);
        let message = match (&process.message, &process.rollout) {
            (Some(message), _) => message.clone(),
            (None, Some(rollout)) if rollout.state == RolloutStatus::InProgress => {
                format!("its rollout is under way: {running} of {desired} tasks run")
            }
            (None, Some(_)) if running < desired => format!("{running} of {desired} tasks run"),
            (None, _) => continue,
        };
        causes.add(Cause {
            subject,
            reason: None,
            since: process.rollout.as_ref().and_then(|rollout| rollout.advanced),
            message,
            means: None,
            see: None,
            act: None,
        });
    }
}

/// Warnings that no condition tells. What a condition can tell is in the past if none does; so is what is about a manifest
/// of before the last edit.
fn events(facts: &Facts, status: &Status, causes: &mut Causes) {
    let edited = edited_at(&facts.app);
    let is_of_now = |event: &&status::Event| {
        event.kind == "Warning" && Reason::named(&event.reason).is_none() && event.time >= edited
    };
    for event in status.events.iter().flatten().filter(is_of_now) {
        causes.add(Cause {
            since: event.time,
            ..Cause::because("Event", &event.reason, event.message.clone())
        });
    }
}

/// When the spec was last written, as far as the API server has noted it.
fn edited_at(app: &App) -> Option<Timestamp> {
    let writers = app.metadata.managed_fields.iter().flatten();
    let of_spec = writers.filter(|writer| {
        let fields = writer.fields_v1.as_ref();
        fields.is_some_and(|fields| !fields.0["f:spec"].is_null())
    });
    of_spec
        .filter_map(|writer| writer.time.as_ref())
        .map(|time| time.0)
        .max()
}

impl Explanation {
    /// The causes as text, with colours.
    pub fn text(&self, now: Timestamp, width: Width) -> String {
        let since = self
            .since
            .map_or_else(String::new, |since| format!(", for {}", age(since, now)));
        let app = format!("App {}", self.app);
        let (style, ready, end) = match self.ready.as_str() {
            "True" if self.causes.is_empty() => (GOOD, "Ready", ": nothing is wrong."),
            "True" => (GOOD, "Ready", ", and yet:"),
            _ => (BAD, "not Ready", "."),
        };
        let end = format!("{since}{end}");
        let head = [
            (STRONG, app.as_str()),
            (PLAIN, " is "),
            (style, ready),
            (PLAIN, &end),
        ];
        let mut lines = headline(&head, width);
        for (index, cause) in self.causes.iter().enumerate() {
            lines.push(String::new());
            lines.extend(cause.lines(index + 1, now, width));
        }
        lines.join("\n") + "\n"
    }
}

impl Cause {
    fn lines(&self, number: usize, now: Timestamp, width: Width) -> Vec<String> {
        let reason = self
            .reason
            .as_ref()
            .map_or_else(String::new, |reason| format!(": {reason}"));
        let since = self
            .since
            .map_or_else(String::new, |since| format!(", {} ago", age(since, now)));
        let head = format!("{number}. {}{reason}", self.subject);
        let mut lines = headline(&[(STRONG, &head), (PLAIN, &since)], width);
        lines.extend(wrap(&self.message, 3, width));
        for (label, text) in [("Means", &self.means), ("See", &self.see), ("Do", &self.act)] {
            let Some(text) = text else { continue };
            let mut broken = wrap(text, 3 + LABEL, width).into_iter();
            let first = broken.next().unwrap_or_default();
            let label = paint(FAINT, &format!("   {label:<LABEL$}"));
            lines.push(format!("{label}{}", first.trim_start()));
            lines.extend(broken);
        }
        lines
    }
}

const LABEL: usize = 7;
