//! A fleet of Apps of one exposed http process each, through its life: what each phase of it costs in calls of AWS and in
//! patches of the API server.

use crate::fake_aws::Calls;
use crate::fixtures::{AppFixture, app, staging, web};
use crate::world::{Patches, World};

/// Longer than the resync interval.
const RESYNC: u64 = 700;
/// Six resyncs.
const AN_HOUR: u64 = 6;

/// What a phase cost.
#[derive(Debug)]
pub(crate) struct Phase {
    pub(crate) name: &'static str,
    pub(crate) calls: Calls,
    pub(crate) patches: Patches,
}

impl Phase {
    pub(crate) fn total(&self) -> usize {
        self.calls.values().sum()
    }

    pub(crate) fn writes(&self) -> usize {
        let writes = self.calls.iter().filter(|(action, _)| is_write(action));
        writes.map(|(_, calls)| calls).sum()
    }
}

pub(crate) fn is_write(action: &str) -> bool {
    let verb = action.split_once(':').map_or(action, |(_, verb)| verb);
    !["Describe", "Get", "List"]
        .iter()
        .any(|read| verb.starts_with(read))
}

pub(crate) const CREATE: &str = "create";
pub(crate) const RESTART: &str = "restart";
pub(crate) const SWEEP: &str = "unchanged resync";
pub(crate) const AGAIN: &str = "the same manifests again";
pub(crate) const HOUR: &str = "an hour";
pub(crate) const IMAGE: &str = "another image";
pub(crate) const DELETE: &str = "delete";

pub(crate) struct Fleet {
    pub(crate) world: World,
    size: usize,
    /// The patches when the last phase ended.
    patches: Patches,
}

/// Its spec is of about a kibibyte.
pub(crate) fn member(number: usize, version: u32) -> AppFixture {
    let name = format!("app-{number:05}");
    app(&name)
        .image(&format!("registry.example/{name}:v{version}"))
        .process("web", web().env("SETTINGS", &"x".repeat(900)).exposed())
}

impl Fleet {
    /// Nothing is there yet but the Platform.
    pub(crate) fn new(size: usize) -> Self {
        let mut world = World::sharing(&staging());
        // As long as they are on average: with none, all details would be due at once.
        world.jitter = 0.5;
        world.gathers = true;
        world.aws.trust();
        world.aws.take_calls();
        Fleet {
            patches: world.patches,
            world,
            size,
        }
    }

    /// Lives its whole life.
    pub(crate) fn live(&mut self) -> Vec<Phase> {
        let mut phases = Vec::new();
        self.apply(1);
        self.world.settle();
        self.world.assert_ready();
        phases.push(self.phase(CREATE));

        self.world.restart();
        self.world.settle();
        self.world.assert_ready();
        phases.push(self.phase(RESTART));

        self.world.aws.advance(RESYNC);
        self.world.step();
        phases.push(self.phase(SWEEP));

        self.apply(1);
        self.world.pass_due();
        phases.push(self.phase(AGAIN));

        self.apply(2);
        self.world.settle();
        self.world.assert_ready();
        phases.push(self.phase(IMAGE));

        for _ in 0..AN_HOUR {
            self.world.aws.advance(600);
            self.world.pass_due();
        }
        phases.push(self.phase(HOUR));

        for key in self.world.keys() {
            self.world.delete(&key);
        }
        self.world.settle();
        assert_eq!(self.world.keys(), Vec::<String>::new());
        phases.push(self.phase(DELETE));
        phases
    }

    fn apply(&mut self, version: u32) {
        for number in 0..self.size {
            self.world.apply(&member(number, version));
        }
    }

    /// Takes what was counted since the phase before.
    fn phase(&mut self, name: &'static str) -> Phase {
        let patches = self.world.patches;
        let mut calls = self.world.aws.take_calls();
        // The API server's.
        calls.retain(|action, _| !action.starts_with("claims:"));
        let phase = Phase {
            name,
            calls,
            patches: Patches {
                statuses: patches.statuses - self.patches.statuses,
                metadata: patches.metadata - self.patches.metadata,
                platform_statuses: patches.platform_statuses - self.patches.platform_statuses,
            },
        };
        self.patches = patches;
        phase
    }
}
