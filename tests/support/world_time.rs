//! The world second by second, as long as something takes: sweeps take the time that they take in the controller, waits are
//! unlike each other, and AWS may give no more tokens than it has.

use std::collections::BTreeSet;

use empire_controller::plan::Pending;

use super::{Held, Pass, World};

/// The waits of a world, each unlike the one before and all the same at each run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Uniform in 0..1: Knuth's MMIX.
    pub(super) fn roll(&mut self) -> f64 {
        const MULTIPLIER: u64 = 6_364_136_223_846_793_005;
        self.0 = self
            .0
            .wrapping_mul(MULTIPLIER)
            .wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(self.0 >> 32).unwrap()) / f64::from(u32::MAX)
    }
}

impl World {
    /// Has all take the time that it takes in the controller, from now on.
    pub(crate) fn take_time(&mut self) {
        self.dice = Some(Dice(1));
    }

    /// Spreads one wait.
    pub(super) fn roll(&mut self) -> f64 {
        self.dice.as_mut().map_or(self.jitter, Dice::roll)
    }

    /// Goes on, second by second, until this is so. Returns the seconds that it took, or what is still waited for after so
    /// many of them.
    pub(crate) fn run_until(
        &mut self,
        limit: u64,
        is_over: &dyn Fn(&World) -> bool,
        tell: &mut dyn FnMut(u64, &Pass),
    ) -> Result<u64, String> {
        let begun = self.aws.now();
        loop {
            let now = self.aws.now();
            for pass in self.pass_due() {
                tell(now, &pass);
            }
            self.aws.note_waiting(&self.in_line_for());
            if is_over(self) {
                return Ok(now - begun);
            }
            if now - begun >= limit {
                let waiting = self.apps.iter().filter(|(_, held)| !held.is_ready());
                let waiting = waiting.map(|(key, held)| format!("{key}: {:?}", held.memory.pending()));
                return Err(waiting.take(3).collect::<Vec<_>>().join("\n"));
            }
            self.aws.advance(1);
        }
    }

    /// True if all Apps are as their last edit wants them.
    pub(crate) fn are_ready(&self) -> bool {
        self.apps.values().all(Held::is_ready)
    }

    /// True if an App is as its last edit wants it.
    pub(crate) fn is_ready(&self, key: &str) -> bool {
        self.apps.get(key).is_some_and(Held::is_ready)
    }

    pub(crate) fn is_sweeping(&self) -> bool {
        let shared = self.shared.as_ref();
        shared.is_some_and(|shared| shared.keepers.are_sweeping())
    }

    /// The buckets that changes are in line for.
    fn in_line_for(&self) -> BTreeSet<&str> {
        let pending = self.apps.values().flat_map(|held| held.memory.pending());
        let mut buckets = BTreeSet::new();
        for pending in pending {
            if let Pending::Budget { bucket, .. } = pending {
                buckets.insert(bucket.as_str());
            }
        }
        buckets
    }
}

impl Held {
    fn is_ready(&self) -> bool {
        let Some(status) = &self.app.status else {
            return false;
        };
        let ready = status.conditions.iter().find(|c| c.type_ == "Ready");
        Some(status.observed_generation) == self.app.metadata.generation
            && ready.is_some_and(|ready| ready.status == "True")
    }
}
