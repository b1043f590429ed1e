//! From what a pass left undone to one verdict.

mod findings;

use std::collections::BTreeSet;

use self::findings::{Findings, Said, findings};
use super::reason::{is_denial, reason_of};
use super::request::{with_request, without_requests};
use crate::api::condition::Reason;
use crate::error::Error;
use crate::model::class::Class;
use crate::model::counted;
use crate::model::owner::has_no_owner;
use crate::model::state::Observed;
use crate::plan::Pending;
use crate::reconcile::Outcome;

/// The meaning of the conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Ready(String),
    /// Told to change nothing, while something would have to change.
    Suspended(String),
    Reconciling(Reason, String),
    Stalled(Reason, String),
    /// Throttled, or out of order for a moment: Ready stays as it is within a generation.
    Disturbed(Reason, String),
    /// The same for several passes in a row: Reconciling says so, and Ready is lost once it has for [`super::LASTING`].
    Lasting(Reason, String),
    /// AWS denies a call, or more of a thing, and nothing shows that the App does not serve: Ready stays as it is within a
    /// generation, and Reconciling says why.
    Denied(Reason, String),
}

/// So many passes in a row fail before a disturbance lasts.
const PASSES: u32 = 3;

impl Verdict {
    /// Returns the reason and message that somebody should hear of, and none where work is merely under way.
    pub fn trouble(&self) -> Option<(Reason, String)> {
        match self {
            Verdict::Ready(_)
            | Verdict::Suspended(_)
            | Verdict::Reconciling(
                Reason::Progressing
                | Reason::ReleaseInProgress
                | Reason::RolloutInProgress
                | Reason::Deleting,
                _,
            )
            // Its own pass is on its way.
            | Verdict::Disturbed(Reason::PlatformNotReady | Reason::Progressing, _) => None,
            Verdict::Reconciling(reason, message)
            | Verdict::Stalled(reason, message)
            | Verdict::Disturbed(reason, message)
            | Verdict::Lasting(reason, message)
            | Verdict::Denied(reason, message) => Some((*reason, message.clone())),
        }
    }

    /// The verdict on a pass before which so many in a row have failed.
    #[must_use]
    pub fn after(self, failures: u32) -> Self {
        match self {
            Verdict::Disturbed(reason, message)
                // A Platform's own pass is on its way, and so is a turn.
                if failures + 1 >= PASSES
                    && !matches!(reason, Reason::PlatformNotReady | Reason::Progressing) =>
            {
                Verdict::Lasting(reason, message)
            }
            Verdict::Ready(_)
            | Verdict::Suspended(_)
            | Verdict::Reconciling(..)
            | Verdict::Stalled(..)
            | Verdict::Disturbed(..)
            | Verdict::Lasting(..)
            | Verdict::Denied(..) => self,
        }
    }
}

pub fn verdict_of(outcome: &Outcome, suspended: bool) -> Verdict {
    let changes = outcome.plan.changes.iter().map(ToString::to_string);
    let changes: Vec<String> = changes.chain(unrecorded(outcome)).collect();
    if suspended && !changes.is_empty() {
        return Verdict::Suspended(format!(
            "suspended with {} pending: {}{}",
            counted(changes.len() as u64, "change"),
            changes.join("; "),
            scaled_meanwhile(outcome)
        ));
    }
    let Findings {
        waiting,
        missing,
        denied,
        stuck,
        mut disturbed,
        raced,
        in_line,
    } = findings(outcome);
    disturbed.extend(raced);
    // It may yet serve as it should.
    let moves = waiting.first().or(in_line.first().filter(|_| !stuck.is_empty()));
    // What failed says more than what is merely under way.
    let unmet = [missing.as_slice(), &denied].concat();
    let only_denied = missing.is_empty() && waiting.is_empty() && stuck.is_empty();
    if let Some((reason, _)) = denied.first().filter(|_| only_denied) {
        Verdict::Denied(*reason, joined(&[&denied, &disturbed]))
    } else if let Some((reason, _)) = unmet.first().or(moves) {
        Verdict::Reconciling(*reason, joined(&[&unmet, &stuck, &disturbed, &waiting, &in_line]))
    } else if let Some((reason, _)) = stuck.first() {
        Verdict::Stalled(*reason, joined(&[&stuck, &disturbed]))
    } else if let Some((reason, _)) = disturbed.first().or(in_line.first()) {
        Verdict::Disturbed(*reason, joined(&[&disturbed, &in_line]))
    } else {
        let Observed {
            services, schedules, ..
        } = &outcome.observed;
        let services = counted(services.len() as u64, "service");
        let mut message = match schedules.len() as u64 {
            0 => format!("{services} as the manifest wants"),
            many => format!(
                "{services} and {} as the manifest wants",
                counted(many, "schedule")
            ),
        };
        let echoed: Vec<&str> = outcome.plan.echoed.keys().map(String::as_str).collect();
        if !echoed.is_empty() {
            message.push_str(
                "; AWS reports otherwise than it was sent, and it is not sent again before it changes: ",
            );
            message.push_str(&echoed.join(", "));
        }
        if suspended {
            message.push_str(&scaled_meanwhile(outcome));
        }
        Verdict::Ready(message)
    }
}

/// Says that a suspended App's services go on being scaled: that is done in AWS.
fn scaled_meanwhile(outcome: &Outcome) -> String {
    let scaled = outcome
        .observed
        .scaling
        .iter()
        .filter(|(_, found)| !has_no_owner(&found.tags));
    let services: Vec<&str> = scaled.map(|(service, _)| service.as_str()).collect();
    if services.is_empty() {
        return String::new();
    }
    format!("; suspended, while AWS goes on scaling {}", services.join(", "))
}

/// Returns the start of the release phase, or what a changed secret leads to: neither is a change before it is recorded.
fn unrecorded(outcome: &Outcome) -> Option<String> {
    let mut pending = outcome.plan.pending.iter();
    let pending = pending.find(|pending| pending.is_to_record())?;
    let process = pending.process();
    if matches!(pending, Pending::SecretChange { .. }) {
        return Some(format!(
            "replace the tasks of {process}, as a secret of theirs has changed"
        ));
    }
    Some(format!("run the release task of {process}"))
}

/// Everything that somebody should hear of, whatever else is under way.
pub fn troubles(outcome: &Outcome) -> Vec<(Reason, String)> {
    let Findings {
        waiting: _,
        missing,
        denied,
        stuck,
        disturbed,
        raced: _,
        in_line: _,
    } = findings(outcome);
    [missing, denied, stuck, disturbed].concat()
}

/// Each thing once.
fn joined(all: &[&[Said]]) -> String {
    let mut seen = BTreeSet::new();
    let messages: Vec<&str> = all
        .iter()
        .flat_map(|said| said.iter())
        .map(|(_, message)| message.as_str())
        .filter(|message| seen.insert(without_requests(message)))
        .collect();
    messages.join("; ")
}

/// The verdict on a pass that could not even be planned.
pub fn verdict_of_error(error: &Error) -> Verdict {
    let (reason, message) = (reason_of(error), with_request(error));
    match error.class() {
        Class::Transient | Class::Throttled => Verdict::Disturbed(reason, message),
        Class::Denied if is_denial(reason) => Verdict::Denied(reason, message),
        Class::Denied => Verdict::Reconciling(reason, message),
        Class::Refused | Class::Conflict | Class::Invalid | Class::Bug => Verdict::Stalled(reason, message),
    }
}

#[cfg(test)]
mod tests;
