//! The sentence of a one-off run: read its task, plan, and make one write at the most.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{BeforeWrites, Permission};
use crate::aws::Aws;
use crate::budget::Bucket;
use crate::change::{Change, TaskWrite, fold};
use crate::error::Error;
use crate::model::desired::Desired;
use crate::model::name::family;
use crate::model::named::Named;
use crate::model::release::{Attempt, ReleaseMemory, ReleaseState, Sight};
use crate::model::state::Observed;
use crate::observe::singly;
use crate::plan::{NextOfRun, WantedRun, run};
use crate::write::{Arns, Refusal, Writer};

/// A Run as its status remembers it, and as it is wanted now.
#[derive(Clone, Debug)]
pub struct RunRequest {
    /// The attempt that is recorded.
    pub attempt: Option<Attempt>,
    pub wanted: WantedRun,
    /// The last answer to its call was no, and a clear one, as far as this process knows.
    pub is_refused: bool,
    /// Seconds since 1970.
    pub now: i64,
}

/// What a pass over a Run came to.
#[derive(Clone, Debug)]
pub struct RunOutcome {
    /// The attempt to remember.
    pub attempt: Option<Attempt>,
    pub next: NextOfRun,
    pub sight: Sight,
    /// The write that was made.
    pub done: Option<Change>,
    /// The write that failed.
    pub failure: Option<Error>,
    /// When AWS takes a call again for which it has no token.
    pub later: Option<(Timestamp, Bucket)>,
    /// The process is about to end, or another one to lead, or others wait.
    pub interrupted: Option<Permission>,
}

/// Reads the task of the attempt that is recorded, if it is open, and makes what is planned. `desired` is empty but for whose
/// the task is, and where.
pub async fn reconcile(
    aws: &dyn Aws,
    door: &dyn Writer,
    before_writes: &dyn BeforeWrites,
    desired: &Desired,
    request: &RunRequest,
) -> Result<RunOutcome, Error> {
    let memory = request.attempt.clone().map(|attempt| ReleaseMemory {
        succeeded: None,
        attempt: Some(attempt),
    });
    let mut observed = Observed {
        release: ReleaseState::of(memory.map(Box::new)),
        ..Observed::default()
    };
    if observed.release.open().is_some() {
        let task = BTreeSet::from([Named::ReleaseTask]);
        let mut failed = singly(aws, desired, &mut observed, &task).await;
        if let Some((_, unread)) = failed.pop() {
            return Err(unread.error.into());
        }
    }
    observed.release.note_time(None, request.now);
    observed.release.is_refused = request.is_refused;
    let outcome = outcome(&observed, &request.wanted);
    let Some(change) = change(desired, &outcome) else {
        return Ok(outcome);
    };
    match before_writes.permission() {
        Permission::Go => {}
        stop @ (Permission::Stop | Permission::Yield) => {
            return Ok(RunOutcome {
                interrupted: Some(stop),
                ..outcome
            });
        }
    }
    let arns = Arns {
        desired,
        observed: &observed,
    };
    match door.write(&change, &arns).await {
        Ok(reply) => {
            fold(&mut observed, &change, reply);
            Ok(RunOutcome {
                done: Some(change),
                ..self::outcome(&observed, &request.wanted)
            })
        }
        Err(Refusal::Later { until, bucket } | Refusal::Throttled { until, bucket, .. }) => Ok(RunOutcome {
            later: Some((until, bucket)),
            ..outcome
        }),
        Err(Refusal::Fenced(error)) => Err(error),
        Err(Refusal::PortTaken) => Err(Error::Bug("a port was taken from a Run, which has none".into())),
        Err(Refusal::Failed(error)) => Ok(RunOutcome {
            attempt: outcome.attempt.map(|attempt| Attempt {
                refusal: Some(error.to_string()),
                ..attempt
            }),
            failure: Some(error),
            ..outcome
        }),
    }
}

fn outcome(observed: &Observed, wanted: &WantedRun) -> RunOutcome {
    let (attempt, next) = run(&observed.release, wanted);
    RunOutcome {
        attempt,
        next,
        sight: observed.release.sight.clone(),
        done: None,
        failure: None,
        later: None,
        interrupted: None,
    }
}

fn change(desired: &Desired, outcome: &RunOutcome) -> Option<Change> {
    let attempt = outcome.attempt.as_ref()?;
    let process = &attempt.request.process;
    let family = family(&desired.owner.app, process);
    let write = match outcome.next {
        NextOfRun::Start => TaskWrite::Run {
            family,
            attempt: attempt.number,
        },
        NextOfRun::Stop => TaskWrite::Stop { family },
        NextOfRun::Blocked | NextOfRun::Wait(_) | NextOfRun::Over | NextOfRun::Gone => return None,
    };
    Some(Change::of(process, write))
}
