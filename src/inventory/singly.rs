//! The calls that take what AWS gives singly, of all Apps together, and the interval at which they may be made.
//!
//! Lists grow by a page for hundreds of Apps; these calls are two or three for each. So the round in which they are made is
//! the longer the more there are of them, and takes its share of the bucket and no more.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::desired::{Desired, LoadBalancing};
use crate::model::owner::{AppName, Tags, has_no_owner};
use crate::model::state::Observed;

/// The share of a bucket's rate that a round takes at most.
const SHARE: f64 = 0.1;
/// Longer than any round: a [`Duration`] has an end.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// The calls of one kind, by App.
#[derive(Debug, Default)]
pub(super) struct Singly {
    of: BTreeMap<AppName, u32>,
    all: u32,
}

impl Singly {
    /// Notes how many calls an App's details take from now on.
    pub(super) fn note(&mut self, app: &AppName, calls: usize) {
        let calls = u32::try_from(calls).unwrap_or(u32::MAX);
        let before = if calls == 0 {
            self.of.remove(app)
        } else if let Some(known) = self.of.get_mut(app) {
            Some(std::mem::replace(known, calls))
        } else {
            self.of.insert(app.clone(), calls)
        };
        self.all = self
            .all
            .saturating_sub(before.unwrap_or_default())
            .saturating_add(calls);
    }

    pub(super) fn all(&self) -> u32 {
        self.all
    }
}

/// Returns the calls that take the listeners, certificates and attributes of an App, known or not: by the same rules as
/// `observe` makes them.
pub(super) fn of_load_balancing(desired: &Desired, observed: &Observed) -> usize {
    let balancings = || {
        let processes = desired.processes.values();
        processes.filter_map(|process| process.load_balancing.as_ref())
    };
    let is_looked_at = |tags: &Tags| desired.owner.owns(tags) || desired.adopts && has_no_owner(tags);
    let left: BTreeSet<&String> = desired
        .left_balancers(observed)
        .map(|found| &found.name)
        .collect();
    let of_balancer = |name: &String| {
        let wanted = balancings().find(|balancing| balancing.load_balancer.name == *name);
        wanted.map_or(usize::from(desired.retains || left.contains(name)), of_wanted)
    };
    let balancers = observed.load_balancers.iter();
    let balancers = balancers
        .filter(|(_, found)| is_looked_at(&found.tags))
        .map(|(name, _)| of_balancer(name));
    let is_wanted = |name: &String| balancings().any(|balancing| balancing.slots.contains(name));
    let groups = observed.target_groups.iter();
    let groups = groups.filter(|(name, found)| is_looked_at(&found.tags) && is_wanted(name));
    balancers.sum::<usize>() + groups.count()
}

/// Returns the calls that take so many scalable targets: one for all of them, and for each its tags, policies and scheduled
/// actions.
pub(super) fn of_scaling(targets: usize) -> usize {
    if targets == 0 { 0 } else { 1 + 3 * targets }
}

/// Returns the calls that take so many log groups: for each itself and its tags.
pub(super) fn of_log_groups(groups: usize) -> usize {
    2 * groups
}

/// Its listeners, the certificates of each that has some, and its attributes where any are wanted.
fn of_wanted(balancing: &LoadBalancing) -> usize {
    let listeners = balancing.listeners.iter();
    let encrypted = listeners
        .filter(|listener| listener.protocol.is_encrypted())
        .count();
    1 + encrypted + usize::from(balancing.load_balancer.attributes.is_some())
}

/// Returns the interval of a round: as configured, or longer, where so many calls of a bucket take more than a tenth of what
/// it gets a second.
pub(super) fn round(least: Duration, calls: u32, rate: f64) -> Duration {
    let needed = Duration::try_from_secs_f64(f64::from(calls) / (rate * SHARE));
    least.max(needed.map_or(LONGEST, |needed| needed.min(LONGEST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_takes_a_tenth_of_its_bucket_however_many_calls_it_makes() {
        for (calls, rate, expected) in [
            (0, 10.0, 3_600),
            (2_000, 10.0, 3_600),
            (3_600, 10.0, 3_600),
            (3_700, 10.0, 3_700),
            (20_000, 10.0, 20_000),
            (2_000, 1.0, 20_000),
            // As seldom as that, whatever AWS gives.
            (20_000, 0.0, 31_536_000),
            (20_000, 1e-9, 31_536_000),
        ] {
            let interval = round(Duration::from_hours(1), calls, rate);
            assert_eq!(interval.as_secs(), expected, "{calls} at {rate}");
        }
    }

    #[test]
    fn each_app_counts_as_it_was_last_noted() {
        let app = |name: &str| AppName {
            namespace: "shop".into(),
            name: name.into(),
        };
        let mut singly = Singly::default();
        for (name, calls, all) in [
            ("a", 2, 2),
            ("b", 3, 5),
            ("a", 4, 7),
            ("a", 4, 7),
            ("b", 0, 4),
            ("b", 0, 4),
        ] {
            singly.note(&app(name), calls);
            assert_eq!(singly.all(), all, "{name} {calls}");
        }
        assert_eq!(singly.of.len(), 1);
    }
}
