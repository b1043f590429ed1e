//! The result of a pass as an App's status. Time is an argument.
//!
//! `Ready` is true only for the generation at hand and only when nothing is left to do or to wait for. `Reconciling`
//! and `Stalled` are abnormal-true and never both: whatever still moves makes it Reconciling, else whatever is stuck
//! makes it Stalled. So kstatus, `kubectl wait` and Flux agree. Reconciling stands beside Ready only where calls fail
//! and nothing shows that the App has changed.

mod echo;
mod holdings;
mod logs;
mod process;
mod reason;
mod release;
mod request;
mod revision;
mod rollout;
mod run;
mod secrets;
mod verdict;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use crate::api::app::{App, AppStatus, PlatformRecord, ProcessStatus};
use crate::api::condition::{ConditionType, Reason};
use crate::model::desired::Desired;
use crate::model::on_one_line;
use crate::model::part::Part;
use crate::reconcile::Outcome;
pub use echo::echoes;
pub use holdings::{holdings, recorded_ahead};
pub use reason::reason_of;
pub use release::release;
pub use request::{is_same, without_requests};
pub use revision::revisions;
pub use rollout::{RolloutChange, next_deadline, rollout_changes, rollouts};
pub use run::{RunUpdate, run_attempt, run_log, run_status};
pub use secrets::secrets;
pub use verdict::{Verdict, troubles, verdict_of, verdict_of_error};

/// The most characters of a message: <https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/>.
pub const MESSAGE_LENGTH: usize = 1_024;

/// A disturbance that Reconciling has shown for so long takes Ready away.
pub const LASTING: Duration = Duration::from_secs(90);

/// The status of an App after a pass; `before` is the one that it goes on from, which may be newer than the App's own.
pub fn compute(
    app: &App,
    before: Option<AppStatus>,
    platform: Option<&PlatformRecord>,
    pass: Option<(&Desired, &Outcome)>,
    verdict: &Verdict,
    now: Timestamp,
) -> AppStatus {
    let before = before.unwrap_or_default();
    let generation = app.metadata.generation.unwrap_or_default();
    // What one Platform has let in is nothing to another one.
    let known = before.platform.as_ref().map(|known| &known.name);
    let is_there = platform.is_none_or(|platform| Some(&platform.name) == known);
    let mut status = AppStatus {
        observed_generation: generation,
        conditions: conditions(&before.conditions, generation, verdict, now),
        counted: before.counted.filter(|_| is_there),
        platform: platform.cloned().or(before.platform),
        ..before
    };
    if let Some((desired, outcome)) = pass {
        status.processes = process::all(app, desired, outcome, &status.processes, now);
        let is_unread = |part: &Part| outcome.observed.is_unread(part);
        if !is_unread(&Part::Ecs) {
            status.processes_complete = Some(process::complete(desired, outcome));
        }
        if !is_unread(&Part::LoadBalancing) && !outcome.observed.has_unread_zone() {
            status.url = process::url(app, desired, outcome);
        }
        status.holds = Some(holdings::found(desired, &outcome.observed));
        if !is_unread(&Part::Ecs) {
            status.revisions = revision::remembered(desired, outcome, &status.revisions);
        }
        status.release = release::remembered(app, outcome, status.release.as_ref(), now);
        status.secrets = secrets::remembered(desired);
        status.echoes = echo::remembered(&outcome.plan.echoes.known);
    } else if matches!(verdict, Verdict::Stalled(..)) {
        // Nothing is waited for any more, and nobody looks if it has come.
        for process in &mut status.processes {
            process.message = None;
        }
    }
    status
}

/// The verdict as conditions; `lastTransitionTime` moves only when a condition's status does.
pub fn conditions(
    before: &[Condition],
    generation: i64,
    verdict: &Verdict,
    now: Timestamp,
) -> Vec<Condition> {
    let condition = |kind: ConditionType, status: bool, reason: Reason, message: &str| {
        let status = if status { "True" } else { "False" };
        let same = before
            .iter()
            .find(|c| c.type_ == kind.as_str() && c.status == status);
        Condition {
            type_: kind.as_str().into(),
            status: status.into(),
            reason: reason.as_str().into(),
            message: match same {
                Some(same) if is_same(&same.message, &cut(message)) => same.message.clone(),
                Some(_) | None => cut(message),
            },
            observed_generation: Some(generation),
            last_transition_time: same.map_or(Time(now), |same| same.last_transition_time.clone()),
        }
    };
    match verdict {
        Verdict::Ready(message) => vec![condition(ConditionType::Ready, true, Reason::Available, message)],
        Verdict::Suspended(message) => {
            vec![condition(ConditionType::Ready, false, Reason::Suspended, message)]
        }
        Verdict::Reconciling(reason, message) => vec![
            condition(ConditionType::Ready, false, *reason, message),
            condition(ConditionType::Reconciling, true, *reason, message),
        ],
        Verdict::Stalled(reason, message) => vec![
            condition(ConditionType::Ready, false, *reason, message),
            condition(ConditionType::Stalled, true, *reason, message),
        ],
        Verdict::Disturbed(reason, message)
        | Verdict::Lasting(reason, message)
        | Verdict::Denied(reason, message) => {
            let reconciling = || condition(ConditionType::Reconciling, true, *reason, message);
            let lasts = || {
                matches!(verdict, Verdict::Lasting(..))
                    && until_lasting(before, now).is_some_and(|left| left.is_zero())
            };
            match (ready_of(before, generation), verdict) {
                // A moment's trouble does not take Ready away from a generation that had it.
                (Some(ready), Verdict::Disturbed(Reason::Progressing, _)) => vec![ready.clone()],
                (Some(_), Verdict::Disturbed(..)) => before.to_vec(),
                (Some(ready), _) if !lasts() => vec![ready.clone(), reconciling()],
                (Some(_) | None, _) => {
                    let verdict = Verdict::Reconciling(*reason, message.clone());
                    conditions(before, generation, &verdict, now)
                }
            }
        }
    }
}

/// The condition that says that this generation is ready.
fn ready_of(conditions: &[Condition], generation: i64) -> Option<&Condition> {
    let is_ready = |c: &&Condition| {
        c.type_ == ConditionType::Ready.as_str()
            && c.status == "True"
            && c.observed_generation == Some(generation)
    };
    conditions.iter().find(is_ready)
}

/// Returns the time until a disturbance that Reconciling shows takes Ready away. It counts from the condition's own, so
/// that no restart of the controller begins it anew.
pub fn until_lasting(conditions: &[Condition], now: Timestamp) -> Option<Duration> {
    let is_reconciling =
        |c: &&Condition| c.type_ == ConditionType::Reconciling.as_str() && c.status == "True";
    let since = conditions.iter().find(is_reconciling)?.last_transition_time.0;
    let waited = Duration::try_from(now.duration_since(since)).unwrap_or(Duration::ZERO);
    Some(LASTING.saturating_sub(waited))
}

/// A message as it can be shown, since a manifest may have put into it what a terminal obeys; cut at a character, with an
/// ellipsis, to what Kubernetes takes.
pub fn cut(message: &str) -> String {
    let message = on_one_line(message.chars());
    if message.len() <= MESSAGE_LENGTH {
        return message;
    }
    let end = message.floor_char_boundary(MESSAGE_LENGTH - '…'.len_utf8());
    format!("{}…", &message[..end])
}

/// The load balancers that wait, those that have waited long enough, and how long until the next one has.
pub struct Waits {
    pub retiring: BTreeMap<String, Option<u32>>,
    pub over: Vec<String>,
    pub next: Option<Duration>,
}

/// A replaced load balancer waits for the larger of `retire_after` and twice the TTL of the records that named it.
pub fn waits(status: Option<&AppStatus>, retire_after: Duration, ttl: u32, now: Timestamp) -> Waits {
    let mut waits = Waits {
        retiring: BTreeMap::new(),
        over: Vec::new(),
        next: None,
    };
    let retiring = status
        .iter()
        .flat_map(|status| &status.processes)
        .flat_map(|process| &process.retiring);
    for entry in retiring {
        let taken = entry.ttl_seconds.and_then(|ttl| u32::try_from(ttl).ok());
        waits.retiring.insert(entry.load_balancer.clone(), taken);
        let ttl = u64::from(taken.unwrap_or(ttl));
        let wait = retire_after.max(Duration::from_secs(2 * ttl));
        let waited = Duration::try_from(now.duration_since(entry.since.0)).unwrap_or(Duration::ZERO);
        match wait.checked_sub(waited).filter(|left| !left.is_zero()) {
            None => waits.over.push(entry.load_balancer.clone()),
            Some(left) => waits.next = Some(waits.next.map_or(left, |next| next.min(left))),
        }
    }
    waits
}

/// Returns a status's processes by name.
fn by_name(processes: &[ProcessStatus]) -> BTreeMap<&str, &ProcessStatus> {
    processes
        .iter()
        .map(|process| (process.name.as_str(), process))
        .collect()
}
