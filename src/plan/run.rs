//! A one-off run: a task that is started once. What is next is read off what was recorded and what ECS says of it, as for the
//! [release phase](super::release), whose rules these are; but nothing follows an end.
//!
//! ```text
//!  ──record──▶ Open ──start──▶ task ──any end──▶ Succeeded, Failed, Unknown
//!                ▲               │
//!                └─never started─┘
//! ```

use super::release::{Next as Step, Seen, abandoned, leaving};
use crate::model::container::Logging;
use crate::model::log::Log;
use crate::model::name::Arn;
use crate::model::pending::Stage;
use crate::model::release::{Age, Attempt, Failure, Phase, ReleaseState, Sight, TaskRequest};
use crate::model::run::token;

/// A Run as it is wanted now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WantedRun {
    pub uid: String,
    /// All that would be sent, but for the token. `None`: nothing may be recorded now.
    pub request: Option<TaskRequest>,
    /// Seconds.
    pub timeout: u32,
    /// Of the spec.
    pub digest: String,
    /// It is deleted.
    pub is_leaving: bool,
    /// By what its task was registered with.
    pub logging: Option<Logging>,
}

/// The next step of a Run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextOfRun {
    /// Nothing may be recorded now.
    Blocked,
    Wait(Stage),
    Start,
    Stop,
    /// It has ended.
    Over,
    /// It is deleted, and nothing of it is left.
    Gone,
}

/// Returns the attempt to remember, and what is next. One that is new has no time at which it was recorded.
pub fn run(state: &ReleaseState, wanted: &WantedRun) -> (Option<Attempt>, NextOfRun) {
    let attempt = state.memory.as_ref().and_then(|memory| memory.attempt.clone());
    let log = |process: &str, task: &Arn| {
        let found = wanted
            .logging
            .as_ref()
            .map(|logging| Log::of(logging, process, Some(task)));
        found.map(|log| format!("; its log: {log}")).unwrap_or_default()
    };
    match Seen::of(state, attempt, log) {
        Seen::Over(Some(attempt)) => {
            let next = if wanted.is_leaving {
                NextOfRun::Gone
            } else {
                NextOfRun::Over
            };
            (Some(attempt), next)
        }
        Seen::Over(None) | Seen::NeverStarted(..) if wanted.is_leaving => (None, NextOfRun::Gone),
        Seen::Over(None) => record(wanted, None, None),
        // ECS may not show yet what it has just started.
        Seen::Open(attempt)
            if wanted.is_leaving
                && attempt.task.is_some()
                && state.sight == Sight::Missing
                && attempt.phase != Phase::Stopping =>
        {
            (Some(attempt), NextOfRun::Stop)
        }
        Seen::Open(attempt) if wanted.is_leaving => match leaving(state, attempt) {
            (None, _) => (None, NextOfRun::Gone),
            (attempt, Step::Stop) => (attempt, NextOfRun::Stop),
            (attempt, Step::Wait(wait)) => (attempt, NextOfRun::Wait(wait)),
            (attempt, Step::Nothing | Step::Run | Step::Stuck(..)) => {
                (attempt, NextOfRun::Wait(Stage::Stopping))
            }
        },
        Seen::Open(attempt) if attempt.task.is_some() => {
            let next = match (&state.sight, &attempt.phase) {
                (_, Phase::Stopping) => NextOfRun::Wait(Stage::Stopping),
                (Sight::Seen(_), _) if state.is_overdue => NextOfRun::Stop,
                (Sight::Seen(task), _) => NextOfRun::Wait(Stage::Going(task.status.clone())),
                _ => NextOfRun::Wait(Stage::Start),
            };
            (Some(attempt), next)
        }
        Seen::Open(attempt) => starting(state, wanted, attempt),
        Seen::NeverStarted(attempt, why) if state.is_overdue => {
            let why = format!("it did not start within {} s: {why}", attempt.timeout);
            failed(attempt, why)
        }
        Seen::NeverStarted(attempt, why) => record(wanted, Some(attempt), Some(why)),
    }
}

/// The task is not known to be there. With the same token, it is started once.
fn starting(state: &ReleaseState, wanted: &WantedRun, attempt: Attempt) -> (Option<Attempt>, NextOfRun) {
    let is_absent = state.sight == Sight::Missing && state.age >= Age::Listed;
    if attempt.phase == Phase::Abandoned {
        if !is_absent {
            return (Some(attempt), NextOfRun::Wait(Stage::Abandoned));
        }
        // It may have been started before, and have ended longer ago than ECS remembers.
        if state.age == Age::Old {
            let phase = Phase::Unknown;
            return (Some(Attempt { phase, ..attempt }), NextOfRun::Over);
        }
        let why = attempt.refusal.as_ref().map(|why| format!(": {why}"));
        let why = format!(
            "it was not started within {} s{}",
            attempt.timeout,
            why.unwrap_or_default()
        );
        return failed(attempt, why);
    }
    if state.is_overdue {
        return (Some(abandoned(attempt)), NextOfRun::Wait(Stage::Abandoned));
    }
    if state.is_refused && state.age >= Age::Aging && is_absent {
        let why = attempt.refusal.clone();
        return record(wanted, Some(attempt), why);
    }
    match &wanted.request {
        // Of another process, its task would be looked for in vain.
        Some(request)
            if request.process == attempt.request.process && !is_same(request, &attempt.request) =>
        {
            let token = attempt.request.token.clone();
            let request = TaskRequest {
                token,
                ..request.clone()
            };
            let attempt = Attempt { request, ..attempt };
            (Some(attempt), NextOfRun::Wait(Stage::Record(None)))
        }
        Some(_) => (Some(attempt), NextOfRun::Start),
        // It is looked for all the same: the call may have been made.
        None => (Some(attempt), NextOfRun::Blocked),
    }
}

/// Returns true if two requests differ in their tokens at most.
fn is_same(one: &TaskRequest, other: &TaskRequest) -> bool {
    let token = one.token.clone();
    *one == TaskRequest {
        token,
        ..other.clone()
    }
}

/// Returns the next attempt, which this pass records. The first one waits until it may be; those after it are of a Run that is
/// under way.
fn record(wanted: &WantedRun, before: Option<Attempt>, why: Option<String>) -> (Option<Attempt>, NextOfRun) {
    let known = before.as_ref().map(|before| &before.request);
    let Some(request) = wanted.request.as_ref().or(known).cloned() else {
        return (None, NextOfRun::Blocked);
    };
    let number = before
        .as_ref()
        .map_or(1, |before| before.number.saturating_add(1));
    // Those of its spec, which cannot change; and now it may be wanted no more.
    let (digest, timeout) = match &before {
        Some(before) => (before.digest.clone(), before.timeout),
        None => (wanted.digest.clone(), wanted.timeout),
    };
    let attempt = Attempt {
        number,
        digest,
        redeploy: None,
        timeout,
        since: before.and_then(|before| before.since),
        recorded: None,
        request: TaskRequest {
            token: token(&wanted.uid, number),
            ..request
        },
        task: None,
        phase: Phase::Open,
        refusal: why.clone(),
    };
    (Some(attempt), NextOfRun::Wait(Stage::Record(why)))
}

fn failed(attempt: Attempt, reason: String) -> (Option<Attempt>, NextOfRun) {
    let phase = Phase::Failed(Failure {
        is_late: true,
        exit_code: None,
        reason,
    });
    (Some(Attempt { phase, ..attempt }), NextOfRun::Over)
}

#[cfg(test)]
mod tests;
