//! What a pass comes to: what it has seen and written, and what is left.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::Unread;
use crate::aws::AwsError;
use crate::budget::Bucket;
use crate::change::{Change, Deferred, TargetGroupWrite, Write};
use crate::error::Error;
use crate::model::desired::{Desired, RecordKey};
use crate::model::echo::Echo;
use crate::model::named::Named;
use crate::model::pending::rounded;
use crate::model::state::Observed;
use crate::plan::{Pending, Plan, plan, replies};

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
    pub(super) fn of(change: &Change, bucket: Bucket, until: Timestamp) -> Self {
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

/// Decides which changes the rest of a pass does not try.
#[derive(Clone, Debug, Default)]
pub struct Deferral {
    /// The changes that failed, and with them those that are backing off.
    pub(super) changes: Deferred,
    /// The processes of which something is not as it was observed.
    pub(super) processes: BTreeSet<String>,
    /// The operations of which AWS wants fewer.
    pub(super) operations: BTreeSet<&'static str>,
    /// The changes that were made already: wanted once more, they would be for ever.
    pub(super) made: BTreeSet<Change>,
    /// The things that could not be read by name: no change rests on them.
    pub(super) unreadable: BTreeSet<Named>,
    /// The target groups whose load balancer was deleted.
    pub(super) left: BTreeSet<String>,
}

impl Deferral {
    /// Returns the target group that a change deletes, if its load balancer was deleted in this pass.
    pub(super) fn left_behind<'a>(&self, change: &'a Change) -> Option<&'a str> {
        let Write::TargetGroup(TargetGroupWrite::Delete { target_group }) = &change.write else {
            return None;
        };
        self.left.contains(target_group).then_some(target_group)
    }

    pub(super) fn concerns(&self, change: &Change) -> bool {
        change
            .process()
            .is_some_and(|process| self.processes.contains(process))
            || self.operations.contains(change.operation())
    }
}

impl Outcome {
    pub(super) fn before_writes(desired: &Desired, observed: Observed, deferred: Deferred) -> Self {
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
    pub(super) fn resumed(mut self, desired: &Desired) -> Self {
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
    pub(super) fn is_contradicted(&mut self, change: &Change, error: &AwsError, now: i64) -> bool {
        let answer = (change.clone(), error.code.clone());
        let since = *self.contradicted.entry(answer).or_insert(now);
        now - since >= CONSISTENT_WITHIN
    }

    /// Learns echoes: the settings in AWS's reply, or those before the write, if they are there again.
    pub(super) fn learn(&mut self, change: &Change, before: Vec<(String, Echo)>) {
        let observed = &mut self.observed;
        for (setting, echo) in before {
            observed.echoes.wrote(setting, echo);
        }
        for (setting, echo) in replies(change, observed) {
            observed.echoes.replied(setting, echo);
        }
    }

    /// Has the plan wait for what AWS takes later: of each process and kind of call, for the last.
    pub(super) fn waits_in_line(&mut self, now: i64) {
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
    pub(super) fn waits_for_releases(&mut self) {
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
    pub(super) fn wait_for(&mut self, waits: impl IntoIterator<Item = Pending>) {
        let pending = &mut self.plan.pending;
        pending.extend(waits);
        pending.sort();
        pending.dedup();
    }

    /// A mistake of ours. It is not tried again in this pass, and holds up nothing else.
    pub(super) fn give_up(&mut self, change: Change, why: &str) {
        self.deferral.changes.insert(change.clone());
        let error = Error::Bug(format!("{change}: {why}"));
        self.failures.push((change, error));
    }
}
