//! When `--wait` is over, and how it ended: a pure function of the App as it is seen, and of how long that has taken.

use std::time::Duration;

use serde::Serialize;

use super::decide::{Action, services};
use crate::api::REDEPLOY_ANNOTATION;
use crate::api::app::App;
use crate::api::condition::{ConditionType, Reason};
use crate::screen;

/// An annotation is no new generation: that a Stalled was there before shows only by its staying so long.
const GRACE: Duration = Duration::from_secs(30);

/// What an edit is to lead to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goal {
    /// The generation that the edit has made.
    generation: i64,
    wants: Wants,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wants {
    Ready,
    /// Ready, with every task replaced.
    Replaced,
    /// Seen by the controller.
    Suspended,
    Gone,
}

/// How the waiting ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Outcome {
    state: State,
    /// True if it is what the edit was to lead to.
    pub reached: bool,
    reason: String,
    message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
enum State {
    Ready,
    Suspended,
    Stalled,
    Gone,
    TimedOut,
}

impl Goal {
    /// The goal of an edit, by the App as it was then.
    pub(super) fn of(action: &Action, app: &App) -> Self {
        let deleting = app.metadata.deletion_timestamp.is_some();
        Goal {
            generation: app.metadata.generation.unwrap_or_default(),
            wants: match action {
                Action::Redeploy => Wants::Replaced,
                Action::Suspend => Wants::Suspended,
                Action::Resume if deleting => Wants::Gone,
                Action::Scale(_) | Action::Resume => Wants::Ready,
            },
        }
    }

    /// Returns how it ended; `None` if it is under way. The App is `None` once it is gone.
    pub(super) fn outcome(self, app: Option<&App>, waited: Duration) -> Option<Outcome> {
        let Some(app) = app else {
            return Some(Outcome {
                state: State::Gone,
                reached: self.wants == Wants::Gone,
                reason: String::new(),
                message: String::new(),
            });
        };
        let status = app.status.as_ref();
        if status.is_none_or(|status| status.observed_generation < self.generation) {
            return None;
        }
        let conditions = status.map_or(&[][..], |status| &status.conditions);
        let ended = |state: State, kind: ConditionType| {
            let condition = kind.find(conditions);
            Outcome {
                state,
                reached: match self.wants {
                    Wants::Ready | Wants::Replaced => state == State::Ready,
                    Wants::Suspended => state == State::Suspended,
                    Wants::Gone => false,
                },
                reason: condition.map_or_else(String::new, |found| found.reason.clone()),
                message: condition.map_or_else(String::new, |found| found.message.clone()),
            }
        };
        if self.wants == Wants::Suspended {
            return Some(ended(State::Suspended, ConditionType::Ready));
        }
        let is_new = self.wants != Wants::Replaced || is_carried_out(app);
        if ConditionType::Stalled.is_true(conditions) {
            return (is_new || waited >= GRACE).then(|| ended(State::Stalled, ConditionType::Stalled));
        }
        let ready = ConditionType::Ready.find(conditions)?;
        // A pass that could not look at ECS again leaves Ready as it was.
        let is_new = is_new && (self.wants != Wants::Replaced || is_complete(app));
        let is_ready = ready.status == "True" && ready.observed_generation >= Some(self.generation);
        if is_ready && is_new && self.wants != Wants::Gone {
            return Some(ended(State::Ready, ConditionType::Ready));
        }
        (ready.reason == Reason::Suspended.as_str()).then(|| ended(State::Suspended, ConditionType::Ready))
    }
}

/// True if ECS has been told to replace the tasks of every service, for the last value of the annotation.
fn is_carried_out(app: &App) -> bool {
    let annotations = app.metadata.annotations.as_ref();
    let asked = annotations.and_then(|annotations| annotations.get(REDEPLOY_ANNOTATION));
    let found = app.status.as_ref().map_or(&[][..], |status| &status.processes);
    services(app).into_iter().all(|service| {
        let process = found.iter().find(|process| process.name == service);
        let submitted = process.and_then(|process| process.submitted.as_ref());
        submitted.is_some_and(|submitted| submitted.redeploy.as_ref() == asked)
    })
}

/// True if the rollout that was submitted last of every service was seen complete.
fn is_complete(app: &App) -> bool {
    let found = app.status.as_ref().map_or(&[][..], |status| &status.processes);
    let mut submitted = found.iter().filter_map(|process| process.submitted.as_ref());
    submitted.all(|submitted| submitted.complete)
}

impl Outcome {
    /// The App was last seen so, or never.
    pub(super) fn timed_out(last: Option<&screen::Status>, patience: Duration) -> Self {
        let ready = last.map(|status| &status.ready);
        let (reason, told) = ready.map_or(("", ""), |ready| (&ready.reason, &ready.message));
        let seen = if told.is_empty() {
            String::new()
        } else {
            format!(": {told}")
        };
        Outcome {
            state: State::TimedOut,
            reached: false,
            reason: reason.into(),
            message: format!("after {} s, and it goes on{seen}", patience.as_secs()),
        }
    }

    /// One line.
    pub(super) fn text(&self, app: &str) -> String {
        let Outcome {
            state,
            reached,
            reason,
            message,
        } = self;
        let state = match (state, reached) {
            (State::Ready, _) => return format!("App {app} is Ready: {message}"),
            (State::Suspended, true) => return format!("App {app} is suspended: {message}"),
            (State::Gone, _) => return format!("App {app} is gone"),
            (State::Suspended, false) => "is suspended",
            (State::Stalled, _) => "is Stalled",
            (State::TimedOut, _) => "is not there yet",
        };
        let reason = if reason.is_empty() {
            String::new()
        } else {
            format!(", {reason}")
        };
        format!("App {app} {state}{reason}: {message}")
    }
}

#[cfg(test)]
mod tests;
