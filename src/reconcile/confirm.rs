//! Confirms a plan: what its changes rest on, and was not read by name in this pass, is read now, and the plan is made
//! again. Only a change that is still planned then is made. Nothing is tried twice for it: what cannot be read holds back
//! what rests on it.

use std::collections::BTreeSet;

use super::rounds::Rounds;
use super::{Later, Outcome};
use crate::change::{Basis, Change};
use crate::model::held::Held;
use crate::model::named::Named;
use crate::model::part::Part;
use crate::observe::singly;
use crate::plan::plan;

impl Rounds<'_> {
    /// Reads and plans until all that the plan rests on is known. Of an App that is suspended no change is made, and only the
    /// beginning of a wait rests on anything, and what is said of a count or a range, which AWS goes on changing.
    pub(super) async fn confirm(&self, outcome: &mut Outcome, suspended: bool) {
        let Some(held) = self.held else {
            return;
        };
        loop {
            // In a world that is made up, nothing takes any time.
            if self.names.is_some() && outcome.leaves_behind() {
                outcome.plan = plan(self.desired, &outcome.observed, &outcome.deferral.changes);
            }
            let changes = outcome.plan.changes.iter();
            // What this pass is not to try rests on nothing.
            let is_looked_at = |change: &Change| !suspended || change.is_scaling(&outcome.observed);
            let changes = changes.filter(|change| is_looked_at(change) && !outcome.deferral.concerns(change));
            let resting = changes.map(|change| (change.clone(), self.unconfirmed(held, outcome, change)));
            let resting: Vec<(Change, BTreeSet<Named>)> = resting.collect();
            // Read before its turn, it would have to be read again in it.
            let unread = resting.iter().filter(|(_, things)| !things.is_empty());
            if self.puts_off(outcome, unread.map(|(change, _)| change)) {
                outcome.plan = plan(self.desired, &outcome.observed, &outcome.deferral.changes);
                continue;
            }
            let waits = self.unconfirmed_waits(held, outcome);
            let mut things = waits.clone();
            things.extend(resting.iter().flat_map(|(_, things)| things.iter().cloned()));
            if things.is_empty() {
                return;
            }
            let unreadable = &mut outcome.deferral.unreadable;
            things.retain(|named| !unreadable.contains(named));
            for (unread, why) in singly(self.aws, self.desired, &mut outcome.observed, &things).await {
                if unread.iter().any(|named| waits.contains(named)) {
                    // A name there may lead to what seems to have none.
                    outcome.observed.unread.insert(why.part.clone());
                    outcome.observed.is_whole = false;
                }
                if why.part == Part::LogGroup {
                    // What is known to log there goes on; nothing else of the pass waits for it.
                    outcome.observed.unread.insert(why.part.clone());
                    outcome.observed.is_whole = false;
                } else {
                    unreadable.extend(unread);
                }
                // A trouble says more than a turn.
                outcome
                    .unread
                    .retain(|known| known.part != why.part || !known.is_in_line());
                if !outcome.unread.iter().any(|known| known.part == why.part) {
                    outcome.unread.push(why);
                }
            }
            let is_held_back = |things: &BTreeSet<Named>| !things.is_disjoint(unreadable);
            let held_back = resting.into_iter().filter(|(_, things)| is_held_back(things));
            let held_back: Vec<Change> = held_back.map(|(change, _)| change).collect();
            outcome.deferral.changes.extend(held_back);
            outcome.plan = plan(self.desired, &outcome.observed, &outcome.deferral.changes);
        }
    }

    /// Puts off the changes that AWS takes later. True if there are any.
    fn puts_off<'a>(&self, outcome: &mut Outcome, changes: impl Iterator<Item = &'a Change>) -> bool {
        let later = changes.filter_map(|change| Some((change, self.door.later(change)?)));
        let later: Vec<_> = later.collect();
        for (change, (until, bucket)) in &later {
            outcome.later.push(Later::of(change, *bucket, *until));
            outcome.deferral.changes.insert((*change).clone());
        }
        !later.is_empty()
    }

    /// Returns the things that a change rests on and that were not read by name in this pass.
    fn unconfirmed(&self, held: &Held, outcome: &Outcome, change: &Change) -> BTreeSet<Named> {
        let mut things = match change.rests_on(self.desired, &outcome.observed) {
            // What was there before and is not in the lists was read by name before anything was planned.
            Basis::Lists | Basis::NewestRevision => BTreeSet::new(),
            Basis::Singly(things) => things,
            Basis::Unnamed(mut things) => {
                things.extend(self.names(held, outcome));
                things
            }
        };
        things.retain(|named| !outcome.observed.fresh.contains(named));
        things
    }

    /// Returns the names that are to be read before the wait of a load balancer begins which nothing seems to name any more.
    fn unconfirmed_waits(&self, held: &Held, outcome: &Outcome) -> BTreeSet<Named> {
        let is_known = |load_balancer: &String| outcome.observed.waiting.contains_key(load_balancer);
        let mut retiring = outcome.plan.retiring.iter();
        if retiring.all(|(_, load_balancer)| is_known(load_balancer)) {
            return BTreeSet::new();
        }
        let mut names = self.names(held, outcome);
        let is_open = |named: &Named| {
            !outcome.observed.fresh.contains(named) && !outcome.deferral.unreadable.contains(named)
        };
        names.retain(is_open);
        names
    }

    /// Returns all DNS names that the App wants or had, in zones that are there.
    fn names(&self, held: &Held, outcome: &Outcome) -> BTreeSet<Named> {
        // One that was only just to be made is neither observed nor held.
        let unreadable = outcome
            .deferral
            .unreadable
            .iter()
            .filter_map(|named| match named {
                Named::Name(key) => Some(key),
                Named::Service(_)
                | Named::LoadBalancer(_)
                | Named::TargetGroup(_)
                | Named::Listeners(_)
                | Named::ScalableTarget(_)
                | Named::LogGroup(_)
                | Named::Schedule(_)
                | Named::ReleaseTask
                | Named::Port(_) => None,
            });
        let all = self.desired.records.keys().chain(held.names()).chain(unreadable);
        let there = all.filter(|key| outcome.observed.zones.contains_key(&key.zone));
        there.cloned().map(Named::Name).collect()
    }
}

impl Outcome {
    /// Puts off the deletions of target groups whose load balancer went in this pass: AWS takes them a moment after it. Tried
    /// now, each would be a call in vain, on the bucket that deletions wait for, and its reads another three. True if there
    /// are any.
    fn leaves_behind(&mut self) -> bool {
        let Outcome { plan, deferral, .. } = self;
        let put_off = plan
            .changes
            .iter()
            .filter(|change| deferral.left_behind(change).is_some());
        let put_off: Vec<Change> = put_off.cloned().collect();
        let has_any = !put_off.is_empty();
        deferral.changes.extend(put_off);
        has_any
    }
}
