//! The state that a scrape of the metrics shows.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;

use super::carrier::Outbox;
use super::context::{Caches, Context, Wake};
use super::leadership::Leases;
use super::{clock, lines};
use crate::budget::Budget;
use crate::inventory::Inventory;
use crate::metrics::{Controller, Gauges};

/// The state that a scrape shows.
pub(super) struct Shown {
    caches: Caches,
    wake: Wake,
    leases: Arc<Leases>,
    inventory: Arc<Inventory>,
    resync: Duration,
    outbox: Arc<Outbox>,
    budget: Arc<Mutex<Budget>>,
}

impl Shown {
    pub(super) fn of(context: &Context) -> Self {
        Shown {
            caches: context.caches.clone(),
            wake: context.wake.clone(),
            leases: context.leases.clone(),
            inventory: context.inventory.clone(),
            resync: context.config.resync_interval,
            outbox: context.outbox.clone(),
            budget: context.budget.clone(),
        }
    }

    /// Fills the gauges of a scrape.
    pub(super) fn fill(&self, gauges: &Gauges) {
        let now = Timestamp::now();
        for app in self.caches.apps.state() {
            match &app.outline().0 {
                Ok(app) => gauges.app(app, now),
                Err(_) => gauges.undecodable_app(),
            }
        }
        for run in self.caches.runs.state() {
            gauges.run(run.phase, run.reason, run.made.unwrap_or(now), now);
        }
        for platform in self.caches.platforms.state() {
            if let Ok(platform) = &platform.0 {
                gauges.platform(platform);
            }
        }
        for (lease, is_held) in self.leases.held() {
            gauges.leader(&lease, is_held);
        }
        for (list, age) in self.inventory.ages(clock::now()) {
            gauges.inventory(list, age);
        }
        gauges.resync(self.resync);
        let (states, now) = lines::states(&self.budget);
        gauges.buckets(&states, now);
        gauges.names_waiting(self.outbox.outbox().len());
        gauges.queue(Controller::App, &self.wake.apps.state());
        gauges.queue(Controller::Platform, &self.wake.platforms.state());
        gauges.queue(Controller::Run, &self.wake.runs.state());
    }
}
