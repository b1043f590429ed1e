//! The sentence: observe, plan, apply, until the plan is empty. It knows neither Kubernetes nor the SDK.
//!
//! Guarantees: when a pass ends without failures, planning again finds nothing to change; a pass over an unchanged App
//! writes nothing; a pass that stops anywhere is carried on by the next one, which needs no memory of it.

mod confirm;
mod names;
mod outcome;
pub mod platform;
mod rounds;
pub mod run;

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::aws::Aws;
use crate::change::{Change, Deferred, TaskWrite, Write};
use crate::claims::Claims;
use crate::error::Error;
use crate::lists::Lists;
use crate::model::class::Class;
use crate::model::desired::Desired;
use crate::model::part::Part;
use crate::model::release::ReleaseState;
use crate::model::state::Observed;
pub use crate::observe::Unread;
use crate::observe::{Known, observe, observe_pending, observe_rollouts};
use crate::plan::{Pending, note_progress, plan};
use crate::write::{Names, Writer};
pub use outcome::{Contradicted, Deferral, Interruption, Later, Outcome};
use rounds::Rounds;

/// The extent of the reads.
#[derive(Clone, Debug)]
pub enum Scope {
    /// After a start, on a new generation, on a resync and while deleting.
    Everything,
    /// A pass woken by something pending: what it waits for.
    Pending {
        before: Box<Observed>,
        pending: Vec<Pending>,
    },
    /// A pass that yielded a moment ago goes on from what it had come to.
    Interrupted(Box<Outcome>),
}

/// Makes true what must be before the first write of a pass: the finalizer is on the App, and its Platform is recorded.
#[async_trait]
pub trait BeforeWrites: Send + Sync {
    async fn before_writes(&self) -> Result<(), Error>;
    /// Asked before each write. The write in flight is finished in any case.
    fn permission(&self) -> Permission;
}

/// Decides if a pass may make its next write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    Go,
    /// The process is about to end, or another one to lead.
    Stop,
    /// Others wait: the pass ends here in good order, and goes on in its turn.
    Yield,
}

#[derive(Clone, Debug)]
pub struct Request {
    pub known: Known,
    pub scope: Scope,
    /// Load balancers that no name pointed at in the last pass.
    pub retiring: BTreeMap<String, Option<u32>>,
    /// The ones of them that have waited long enough to be detached.
    pub waits_over: Vec<String>,
    /// Seconds since 1970.
    pub now: i64,
    /// Observe and report, change nothing.
    pub suspended: bool,
    /// What an earlier pass knew may be wrong: everything of this App is read by name, whatever lists say.
    pub looks_now: bool,
    /// Changes that failed in an earlier pass, and why: too soon to try them again.
    pub backing_off: Vec<(Change, Error)>,
    /// From the pass before.
    pub contradicted: Contradicted,
}

/// Reads with `aws`, `lists` and `claims`, and writes through the door alone; names go into the outbox, if there is one.
pub async fn reconcile(
    aws: &dyn Aws,
    lists: &dyn Lists,
    claims: &dyn Claims,
    (door, names): (&dyn Writer, Option<&dyn Names>),
    before_writes: &dyn BeforeWrites,
    desired: &Desired,
    mut request: Request,
) -> Result<Outcome, Error> {
    let (now, suspended) = (request.now, request.suspended);
    request.known.held.complete(desired);
    let held = request.known.held.clone();
    let goes_on = !matches!(request.scope, Scope::Everything);
    let begun = Box::pin(begin(aws, lists, claims, desired, request)).await;
    if let (Err(error), Some(names), true) = (&begun, names, goes_on)
        && error.later().is_some()
    {
        // Nobody has edited it since they were planned.
        names.keep_all();
    }
    let mut outcome = begun?;
    if let Some(names) = names {
        names::take_up(names, aws, desired, &mut outcome).await;
    }
    if !outcome.plan.unexplained.is_empty() {
        let Outcome {
            observed,
            plan,
            unread,
            ..
        } = &mut outcome;
        let read = observe_rollouts(aws, desired, observed, &plan.unexplained).await;
        unread.extend(read.err());
        outcome.plan = self::plan(desired, &outcome.observed, &outcome.deferral.changes);
    }
    let rounds = Rounds {
        aws,
        door,
        names,
        before_writes,
        desired,
        held: Some(&held),
        now,
    };
    Box::pin(rounds.confirm(&mut outcome, suspended)).await;
    if !suspended && !outcome.plan.changes.is_empty() {
        before_writes.before_writes().await?;
        Box::pin(rounds.write(&mut outcome)).await;
    }
    outcome.waits_in_line(now);
    outcome.waits_for_releases();
    if let Some(names) = names {
        names::leave(names, desired, &mut outcome);
    }
    // One that is no longer wanted is forgotten.
    let Outcome {
        plan,
        backing_off,
        contradicted,
        ..
    } = &mut outcome;
    backing_off.retain(|(change, _)| plan.deferred.contains(change));
    contradicted.retain(|(change, _), _| plan.deferred.contains(change));
    Ok(outcome)
}

/// Looks at what the scope asks for, or takes up what an earlier pass had come to.
async fn begin(
    aws: &dyn Aws,
    lists: &dyn Lists,
    claims: &dyn Claims,
    desired: &Desired,
    request: Request,
) -> Result<Outcome, Error> {
    let Request {
        known,
        scope,
        retiring,
        waits_over,
        now,
        suspended: _,
        looks_now: _,
        backing_off,
        contradicted,
    } = request;
    let secrets_failed = known.secrets_failed.clone();
    let (mut observed, mut unread) = match scope {
        Scope::Everything => observe(aws, lists, claims, desired, known).await?,
        Scope::Pending { before, pending } => {
            let found = observe_pending(aws, lists, claims, desired, known, *before, &pending).await?;
            (found, Vec::new())
        }
        Scope::Interrupted(mut before) => {
            let observed = &mut before.observed;
            observed.release = ReleaseState::of(known.release);
            observed.release.note_time(desired.release.as_deref(), now);
            return Ok(before.resumed(desired));
        }
    };
    // Nothing else waits for them, so that nothing else is taken for unread.
    let part = Part::Secrets;
    unread.extend(secrets_failed.map(|error| Unread { part, error }));
    observed.release.note_time(desired.release.as_deref(), now);
    observed.release.is_refused = is_refused(&observed, &backing_off);
    observed.waiting.extend(retiring);
    observed.waits_over.extend(waits_over);
    let deferred = backing_off.iter().map(|(change, _)| change.clone()).collect();
    note_progress(desired, &mut observed, now);
    Ok(Outcome {
        unread,
        backing_off,
        contradicted,
        ..Outcome::before_writes(desired, observed, deferred)
    })
}

/// The last answer to the call that starts the open attempt's task was no, and a clear one.
fn is_refused(observed: &Observed, backing_off: &[(Change, Error)]) -> bool {
    let open = observed.release.open().map(|open| open.number);
    let is_it = |(change, error): &(Change, Error)| {
        let is_no = matches!(error.class(), Class::Denied | Class::Refused);
        matches!(&change.write, Write::Task(TaskWrite::Run { attempt, .. }) if Some(*attempt) == open)
            && is_no
    };
    backing_off.iter().any(is_it)
}

/// Carries on from what was observed, and believes all of it.
pub async fn carry_on(
    aws: &dyn Aws,
    door: &dyn Writer,
    before_writes: &dyn BeforeWrites,
    desired: &Desired,
    observed: Observed,
    deferred: Deferred,
) -> Outcome {
    let mut outcome = Outcome::before_writes(desired, observed, deferred);
    let rounds = Rounds {
        aws,
        door,
        names: None,
        before_writes,
        desired,
        held: None,
        now: 0,
    };
    rounds.write(&mut outcome).await;
    outcome
}
