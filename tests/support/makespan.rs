//! Fleets against AWS's token buckets, on virtual time: how long each change of a whole fleet takes, beside the time that it
//! takes at least.
//!
//! The floor is the time in which the bucket that is emptied longest gives the tokens for the writes, plus the time that an
//! App takes that has AWS for itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use empire_controller::budget::{Budget, Shares};

use crate::fake_aws::{Bucket, Buckets, Given, bucket_of};
use crate::fixtures::staging;
use crate::fleet::{CREATE, DELETE, IMAGE, is_write, member};
use crate::world::{Pass, World};

/// Of a fleet, at least so many times the floor is waited for it.
const LIMIT: f64 = 4.0;
/// More than one App takes for anything, in seconds.
pub(crate) const LONG: u64 = 3_600;
/// So many times what AWS documents.
pub(crate) const PLENTY: f64 = 1e6;

/// The time that a change takes at least, in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Floor {
    /// Of the bucket that gives the tokens for the writes last.
    pub(crate) buckets: f64,
    pub(crate) bucket: &'static str,
    /// An App's that has AWS for itself.
    pub(crate) own: u64,
}

impl Floor {
    pub(crate) fn total(&self) -> f64 {
        self.buckets + seconds(self.own)
    }
}

/// One change of a whole fleet.
#[derive(Debug)]
pub(crate) struct Phase {
    pub(crate) name: &'static str,
    pub(crate) given: Given,
    pub(crate) floor: Floor,
    /// In seconds; or what is still waited for, long after that.
    pub(crate) took: Result<u64, String>,
    pub(crate) buckets: Buckets,
}

impl Phase {
    /// Returns the makespan by the floor.
    pub(crate) fn ratio(&self) -> f64 {
        let took = self.took.as_ref();
        took.map_or(f64::INFINITY, |took| seconds(*took) / self.floor.total())
    }

    /// Returns the bucket of whose tokens the greatest share was used, and that share.
    pub(crate) fn limit(&self) -> (&'static str, f64) {
        let time = self.time();
        let used = self.buckets.all.values().map(|bucket: &Bucket| {
            let tokens = bucket.limit.burst + bucket.limit.rate * seconds(time);
            (bucket.limit.name, number(bucket.used()) / tokens)
        });
        used.max_by(|(_, one), (_, other)| one.total_cmp(other)).unwrap()
    }

    /// Returns the seconds that it was watched.
    pub(crate) fn time(&self) -> u64 {
        self.took
            .as_ref()
            .copied()
            .unwrap_or_else(|_| limit_of(self.floor))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "hours, in seconds"
)]
fn limit_of(floor: Floor) -> u64 {
    (floor.total() * LIMIT) as u64
}

pub(crate) fn seconds(time: u64) -> f64 {
    f64::from(u32::try_from(time).unwrap())
}

pub(crate) fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

/// A change of one App that has AWS for itself.
#[derive(Clone, Debug)]
struct Alone {
    took: u64,
    /// The writes that took effect, by bucket.
    writes: BTreeMap<&'static str, usize>,
}

/// A fleet of so many Apps, at full buckets of the controller's own.
pub(crate) fn fleet(size: usize, share: f64) -> (World, usize) {
    let mut world = World::sharing(&staging());
    world.gathers = true;
    world.aws.trust();
    world.take_time();
    world.budget = Arc::new(Mutex::new(Budget::new(Shares::all(share))));
    (world, size)
}

type Change = fn(&mut World, usize);
type IsOver = fn(&World) -> bool;

/// The changes of a fleet's life, and whether one has come to its end.
const PHASES: [(&str, Change, IsOver); 3] = [
    (CREATE, |world, size| apply(world, size, 1), World::are_ready),
    (IMAGE, |world, size| apply(world, size, 2), World::are_ready),
    (DELETE, delete, |world| world.keys().is_empty()),
];

fn apply(world: &mut World, size: usize, version: u32) {
    for number in 0..size {
        world.apply(&member(number, version));
    }
}

fn delete(world: &mut World, _: usize) {
    for key in world.keys() {
        world.delete(&key);
    }
}

fn no_telling(_: u64, _: &Pass) {}

/// The changes of one App's life. Names of a hosted zone travel together, so they are left out.
fn alone() -> Vec<Alone> {
    let (mut world, size) = fleet(1, PLENTY);
    let lives = PHASES.map(|(_, change, is_over)| {
        let before = world.aws.writes().len();
        change(&mut world, size);
        let took = world.run_until(LONG, &is_over, &mut no_telling).unwrap();
        let mut writes = BTreeMap::new();
        for write in world.aws.writes().split_off(before) {
            if let Some(bucket) = bucket_of(write.action).filter(|bucket| *bucket != "route53/all") {
                assert!(is_write(write.action));
                *writes.entry(bucket).or_default() += 1;
            }
        }
        Alone { took, writes }
    });
    lives.into()
}

impl Alone {
    fn floor(&self, size: usize, given: Given) -> Floor {
        let times = self.writes.iter().map(|(bucket, writes)| {
            let limit = given.limit(bucket);
            (
                *bucket,
                (number(writes * size) - limit.burst).max(0.0) / limit.rate,
            )
        });
        let last = times.max_by(|(_, one), (_, other)| one.total_cmp(other));
        let (bucket, buckets) = last.unwrap();
        Floor {
            buckets,
            bucket,
            own: self.took,
        }
    }
}

/// A fleet that is Ready, at an AWS that throttles nothing.
pub(crate) fn settled(size: usize) -> World {
    let (mut world, size) = fleet(size, PLENTY);
    apply(&mut world, size, 1);
    world.run_until(LONG, &World::are_ready, &mut no_telling).unwrap();
    world
}

/// Lives the life of a fleet of so many Apps. Each change of it begins at full buckets, and with a controller that believes
/// in what AWS documents.
pub(crate) fn live(size: usize, given: Given) -> Vec<Phase> {
    let alone = alone();
    let (mut world, size) = fleet(size, 1.0);
    let mut phases = Vec::new();
    for ((name, change, is_over), alone) in PHASES.into_iter().zip(&alone) {
        let floor = alone.floor(size, given);
        world.budget = Arc::new(Mutex::new(Budget::new(Shares::all(1.0))));
        world.aws.give(given);
        change(&mut world, size);
        let took = world.run_until(limit_of(floor), &is_over, &mut no_telling);
        let buckets = world.aws.take_buckets();
        if took.is_err() {
            // What comes after it begins where it would have ended.
            world.budget = Arc::new(Mutex::new(Budget::new(Shares::all(PLENTY))));
            world.run_until(100 * LONG, &is_over, &mut no_telling).unwrap();
        }
        phases.push(Phase {
            name,
            given,
            floor,
            took,
            buckets,
        });
    }
    phases
}
