//! The sentence: observe, plan, apply, until the plan is empty. It knows neither Kubernetes nor the SDK.
//!
//! Guarantees: when a pass ends without failures, planning again finds nothing to change; a pass over an unchanged App
//! writes nothing; a pass that stops anywhere is carried on by the next one, which needs no memory of it.

mod confirm;
mod names;
pub mod platform;
mod rounds;
pub mod run;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::aws::{Aws, AwsError};
use crate::budget::Bucket;
use crate::change::{Change, Deferred, TargetGroupWrite, TaskWrite, Write};
use crate::claims::Claims;
use crate::error::Error;
use crate::lists::Lists;
use crate::model::class::Class;
use crate::model::desired::{Desired, RecordKey};
use crate::model::echo::Echo;
use crate::model::named::Named;
use crate::model::part::Part;
use crate::model::pending::rounded;
use crate::model::release::ReleaseState;
use crate::model::state::Observed;
pub use crate::observe::Unread;
use crate::observe::{Known, observe, observe_pending, observe_rollouts};
use crate::plan::{Pending, Plan, note_progress, plan, replies};
use crate::write::{Names, Writer};
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

/// The reason why a pass ended with changes that it had not tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    Stopped,
    Yielded,
}

#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub observed: Observed,
    /// The plan that is left: changes only where they were held back, because the App is suspended or because they failed.
    pub plan: Plan,
    /// The changes that were written.
    pub done: Vec<Change>,
    /// The changes that are not ready yet: AWS will take them later.
    pub not_ready: Vec<(Change, AwsError)>,
    pub failures: Vec<(Change, Error)>,
    /// The parts that could not be read, so that what depends on them waits.
    pub unread: Vec<Unread>,
    /// The changes that are backing off: they failed in an earlier pass, are still to be made, and were not tried again.
    pub backing_off: Vec<(Change, Error)>,
    /// The world was not as it was observed, so the next pass reads all of it again.
    pub stale: bool,
    /// The contradictions among changes that are still to be made.
    pub contradicted: Contradicted,
    /// The changes that wait for AWS to take more calls. Their [`Pending`]s are in the plan.
    pub later: Vec<Later>,
    /// The pass went on from where it had yielded, so that what waits in line has asked before.
    pub is_resumed: bool,
    /// Changes are left that nothing but this holds back.
    pub interrupted: Option<Interruption>,
    pub deferral: Deferral,
    /// The answers of the outbox that this pass has taken up.
    pub answered: usize,
    /// The names that were being changed when this pass began.
    pub flying: BTreeSet<RecordKey>,
}

/// A change that waits for AWS to take more calls of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Later {
    /// Empty for a change for several processes.
    pub process: String,
    pub bucket: Bucket,
    pub until: Timestamp,
}

impl Later {
    fn of(change: &Change, bucket: Bucket, until: Timestamp) -> Self {
        let process = change.process().unwrap_or_default().into();
        Later {
            process,
            bucket,
            until,
        }
    }
}

/// The time, in seconds since 1970, since when AWS has answered a change as if the world were another, by (change, code).
pub type Contradicted = BTreeMap<(Change, String), i64>;

/// AWS's lists are eventually consistent: a new look at everything that was taken sooner may have been as old as the one
/// before. After that, the same answer to the same change is a refusal.
const CONSISTENT_WITHIN: i64 = 15;

impl Outcome {
    pub fn is_settled(&self) -> bool {
        self.plan.is_settled()
            && self.plan.deferred.is_empty()
            && self.unread.is_empty()
            && self.not_ready.is_empty()
            && self.troubles().next().is_none()
            && !self.stale
    }

    /// True if nothing kept the pass from trying all that is to be written now.
    pub fn has_tried_everything(&self) -> bool {
        !self.is_resumed
            && self.interrupted.is_none()
            && self.unread.is_empty()
            && self.deferral.unreadable.is_empty()
            && !self.stale
            && self.deferral.operations.is_empty()
            && self.deferral.processes.is_empty()
    }

    /// Why something could not be written, in this pass or before, or read.
    pub fn errors(&self) -> impl Iterator<Item = Error> {
        let written = self.troubles().map(|(_, error)| error.clone());
        // What waits in line is no trouble.
        let unread = self.unread.iter().filter(|unread| !unread.is_in_line());
        written.chain(unread.map(|unread| unread.error.clone().into()))
    }

    /// Everything that could not be written, in this pass or before.
    pub fn troubles(&self) -> impl Iterator<Item = &(Change, Error)> {
        self.failures.iter().chain(&self.backing_off)
    }
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

/// Decides which changes the rest of a pass does not try.
#[derive(Clone, Debug, Default)]
pub struct Deferral {
    /// The changes that failed, and with them those that are backing off.
    changes: Deferred,
    /// The processes of which something is not as it was observed.
    processes: BTreeSet<String>,
    /// The operations of which AWS wants fewer.
    operations: BTreeSet<&'static str>,
    /// The changes that were made already: wanted once more, they would be for ever.
    made: BTreeSet<Change>,
    /// The things that could not be read by name: no change rests on them.
    unreadable: BTreeSet<Named>,
    /// The target groups whose load balancer was deleted.
    left: BTreeSet<String>,
}

impl Deferral {
    /// Returns the target group that a change deletes, if its load balancer was deleted in this pass.
    fn left_behind<'a>(&self, change: &'a Change) -> Option<&'a str> {
        let Write::TargetGroup(TargetGroupWrite::Delete { target_group }) = &change.write else {
            return None;
        };
        self.left.contains(target_group).then_some(target_group)
    }

    fn concerns(&self, change: &Change) -> bool {
        change
            .process()
            .is_some_and(|process| self.processes.contains(process))
            || self.operations.contains(change.operation())
    }
}

impl Outcome {
    fn before_writes(desired: &Desired, observed: Observed, deferred: Deferred) -> Self {
        Outcome {
            plan: plan(desired, &observed, &deferred),
            observed,
            deferral: Deferral {
                changes: deferred,
                ..Deferral::default()
            },
            ..Outcome::default()
        }
    }

    /// Resumes a pass: what it wrote is reported already; all else is as if it had never ended.
    fn resumed(mut self, desired: &Desired) -> Self {
        self.observed.fresh.clear();
        // Names may have been dropped from the outbox since, so that they are put again; those that failed are not.
        let mut deferred = std::mem::take(&mut self.deferral.changes);
        let is_name = |change: &Change| matches!(change.write, Write::Records(_));
        deferred.retain(|change| !is_name(change) || self.troubles().any(|(failed, _)| failed == change));
        self.deferral.changes = deferred;
        Outcome {
            plan: plan(desired, &self.observed, &self.deferral.changes),
            done: Vec::new(),
            is_resumed: true,
            interrupted: None,
            ..self
        }
    }

    /// AWS has answered so before, and everything was read anew since. A pass in which it does so for the first time is
    /// remembered.
    fn is_contradicted(&mut self, change: &Change, error: &AwsError, now: i64) -> bool {
        let answer = (change.clone(), error.code.clone());
        let since = *self.contradicted.entry(answer).or_insert(now);
        now - since >= CONSISTENT_WITHIN
    }

    /// Learns echoes: the settings in AWS's reply, or those before the write, if they are there again.
    fn learn(&mut self, change: &Change, before: Vec<(String, Echo)>) {
        let observed = &mut self.observed;
        for (setting, echo) in before {
            observed.echoes.wrote(setting, echo);
        }
        for (setting, echo) in replies(change, observed) {
            observed.echoes.replied(setting, echo);
        }
    }

    /// Has the plan wait for what AWS takes later: of each process and kind of call, for the last.
    fn waits_in_line(&mut self, now: i64) {
        let mut lasts = BTreeMap::new();
        let writes = self.later.iter();
        let writes = writes.map(|later| (later.process.as_str(), later.bucket, later.until));
        let reads = self.unread.iter().filter_map(|unread| unread.error.later());
        let reads = reads.map(|(until, bucket)| ("", bucket, until));
        for (process, bucket, until) in writes.chain(reads) {
            let last = lasts.entry((process, bucket)).or_insert(until);
            *last = (*last).max(until);
        }
        let waits = lasts
            .into_iter()
            .map(|((process, bucket), until)| Pending::Budget {
                process: process.into(),
                bucket: bucket.as_str().into(),
                minutes: rounded(until.as_second() - now),
            });
        let waits: Vec<_> = waits.collect();
        self.wait_for(waits);
    }

    /// Has the plan wait for target groups that go after their load balancer.
    fn waits_for_releases(&mut self) {
        let waits = self.plan.deferred.iter().filter_map(|change| {
            Some(Pending::Releasing {
                process: change.process().unwrap_or_default().into(),
                target_group: self.deferral.left_behind(change)?.into(),
            })
        });
        let waits: Vec<_> = waits.collect();
        self.wait_for(waits);
    }

    /// Has the plan wait for more than what it found itself.
    fn wait_for(&mut self, waits: impl IntoIterator<Item = Pending>) {
        let pending = &mut self.plan.pending;
        pending.extend(waits);
        pending.sort();
        pending.dedup();
    }

    /// A mistake of ours. It is not tried again in this pass, and holds up nothing else.
    fn give_up(&mut self, change: Change, why: &str) {
        self.deferral.changes.insert(change.clone());
        let error = Error::Bug(format!("{change}: {why}"));
        self.failures.push((change, error));
    }
}
