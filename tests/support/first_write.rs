//! A fleet that is settled, at AWS's token buckets: what a restart costs, and how soon edits come while all of it is read.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use empire_controller::budget::{Budget, Shares};
use empire_controller::reconcile::Outcome;

use crate::fake_aws::{Buckets, Calls, Given};
use crate::fleet::{is_write, member};
use crate::makespan::settled;
use crate::world::Pass;

/// Virtual seconds; far more than either takes.
const LONG: u64 = 7_200;
/// One edit in so many seconds: RegisterTaskDefinition takes one a second, so that they do not wait for each other.
const EACH: u64 = 3;
/// As many as the time of a sweep has room for.
const EDITS: usize = 100;

/// A controller that was started again.
#[derive(Debug)]
pub(crate) struct Restart {
    /// Until all Apps have been compared with AWS, in seconds.
    pub(crate) took: Result<u64, String>,
    pub(crate) calls: Calls,
    pub(crate) buckets: Buckets,
}

impl Restart {
    pub(crate) fn writes(&self) -> usize {
        let writes = self.calls.iter().filter(|(action, _)| is_write(action));
        writes.map(|(_, calls)| calls).sum()
    }
}

pub(crate) fn restart(size: usize) -> Restart {
    let mut world = settled(size);
    world.budget = Arc::new(Mutex::new(Budget::new(Shares::all(1.0))));
    world.aws.take_calls();
    world.aws.give(Given::AsDocumented);
    world.restart();
    let compared = RefCell::new(BTreeSet::new());
    let took = world.run_until(
        LONG,
        &|world| compared.borrow().len() == size && !world.is_sweeping(),
        &mut |_, pass| {
            if pass.result.as_ref().is_ok_and(Outcome::is_settled) {
                compared.borrow_mut().insert(pass.app.clone());
            }
        },
    );
    let mut calls = world.aws.take_calls();
    // The API server's.
    calls.retain(|action, _| !action.starts_with("claims:"));
    Restart {
        took,
        calls,
        buckets: world.aws.take_buckets(),
    }
}

/// The seconds from each edit of an image to the first write for it, the shortest first.
#[derive(Debug)]
pub(crate) struct Waits {
    pub(crate) waits: Vec<u64>,
    pub(crate) buckets: Buckets,
}

impl Waits {
    /// Returns the wait that so many percent of the edits do not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> u64 {
        let last = (self.waits.len() * percent).div_ceil(100).max(1) - 1;
        self.waits[last]
    }
}

/// Edits Apps all over the fleet, one after the other, while the lists are swept: in their turn, or because the controller
/// has just been started.
pub(crate) fn edits(size: usize, starts: bool) -> Waits {
    let mut world = settled(size);
    world
        .run_until(LONG, &|world| world.is_sweeping(), &mut |_, _| {})
        .unwrap();
    world.budget = Arc::new(Mutex::new(Budget::new(Shares::all(1.0))));
    world.aws.give(Given::AsDocumented);
    if starts {
        world.restart();
    }
    let edits = EDITS.min(size);
    let (mut edited, mut waits) = (BTreeMap::new(), Vec::new());
    let begun = world.aws.now();
    for n in 0..edits {
        let fixture = member(n * size / edits, 2);
        world.apply(&fixture);
        edited.insert(fixture.key(), world.aws.now());
        note(&mut edited, &mut waits, world.run_seconds(EACH));
    }
    while !edited.is_empty() && world.aws.now() - begun < LONG {
        note(&mut edited, &mut waits, world.run_seconds(1));
    }
    assert!(edited.is_empty(), "not written for: {edited:?}");
    waits.sort_unstable();
    Waits {
        waits,
        buckets: world.aws.take_buckets(),
    }
}

/// Notes the first writes for what was edited.
fn note(edited: &mut BTreeMap<String, u64>, waits: &mut Vec<u64>, passes: Vec<(u64, Pass)>) {
    for (time, pass) in passes {
        if pass.result.is_ok_and(|outcome| !outcome.done.is_empty()) {
            waits.extend(edited.remove(&pass.app).map(|since| time - since));
        }
    }
}
