//! The lists that all Apps share, swept on virtual time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use empire_controller::aws::{Caller, Kind, calling};
use empire_controller::budget::Place;
use empire_controller::inventory::{Apps, Content, Inventory, Key, Units, sweep};
use empire_controller::model::owner::AppName;
use jiff::{SignedDuration, Timestamp};

use super::sweeps::Keepers;
use super::{World, now};
use crate::fake_aws::FakeAws;

pub(super) fn time_of(aws: &FakeAws) -> Timestamp {
    let elapsed = SignedDuration::from_secs(aws.now().try_into().unwrap());
    Timestamp::UNIX_EPOCH + elapsed
}

/// What AWS gives singly is compared so often, or more seldom.
const DETAILS: Duration = Duration::from_hours(1);

/// Where the token buckets are.
pub(super) fn buckets() -> Place {
    Place {
        account: None,
        region: "us-east-1".into(),
        endpoint_url: None,
    }
}

impl World {
    /// Returns the interval of the details that AWS gives singly. Without shared lists, every pass that looks at everything
    /// looks at them, too.
    pub(crate) fn details_interval(&self) -> Duration {
        let Some(shared) = &self.shared else {
            return Duration::ZERO;
        };
        let mut budget = self.budget.lock().unwrap();
        let rate = |bucket| budget.rate(self.time(), &buckets(), bucket);
        shared.inventory.details_interval(&shared.place, DETAILS, rate)
    }
}

/// A list that failed is read again after so many seconds.
const AGAIN: u64 = 10;

/// The lists of all Apps, and when they are swept.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) inventory: Inventory,
    pub(super) place: Place,
    pub(super) due: u64,
    /// The calls of the last sweep.
    pub(super) calls: Vec<String>,
    /// Sweeps that take their time.
    pub(super) keepers: Keepers,
}

impl Default for Shared {
    fn default() -> Self {
        Shared {
            inventory: Inventory::default(),
            place: buckets(),
            due: 0,
            calls: Vec::new(),
            keepers: Keepers::default(),
        }
    }
}

impl Shared {
    /// Looks at what Apps wait for, as the keepers of lists do. Returns the Apps to wake.
    pub(super) fn look(&mut self, aws: &FakeAws, callers: Option<Callers<'_>>) -> BTreeSet<AppName> {
        let mut changed = looked(&self.inventory.services, aws, callers);
        changed.extend(looked(&self.inventory.load_balancers, aws, callers));
        changed
    }

    /// Sweeps all lists, or those that are new. Returns the Apps to wake.
    pub(super) fn sweep(&mut self, aws: &FakeAws, apps: &Apps, all: bool) -> BTreeSet<AppName> {
        aws.take_reads();
        let Inventory {
            services,
            load_balancers,
            records,
            schedules,
            secrets,
        } = &self.inventory;
        let mut failed = false;
        let mut woken = swept(services, aws, apps, all, &mut failed);
        woken.extend(swept(load_balancers, aws, apps, all, &mut failed));
        woken.extend(swept(records, aws, apps, all, &mut failed));
        woken.extend(swept(schedules, aws, apps, all, &mut failed));
        woken.extend(swept(secrets, aws, apps, all, &mut failed));
        if failed {
            self.due = aws.now() + AGAIN;
        }
        let calls = aws.take_reads();
        if !calls.is_empty() {
            self.calls = calls;
        }
        woken
    }
}

/// Makes the callers of sweeps and looks.
pub(super) type Callers<'a> = &'a dyn Fn(Kind) -> Arc<Caller>;

/// Looks at what Apps wait for. What cannot be read their passes miss.
fn looked<T: Content>(units: &Units<T>, aws: &FakeAws, callers: Option<Callers<'_>>) -> BTreeSet<AppName> {
    let mut changed = BTreeSet::new();
    for (key, _) in units.read() {
        let unit = units.want(&key);
        let clock = || time_of(aws);
        for step in unit.awaited(time_of(aws)) {
            let apps = Apps::default();
            let took = T::take(&unit, &key, aws, step, &apps, &clock);
            let found = match callers {
                Some(callers) => now(calling(callers(Kind::Look), took)),
                None => now(took),
            };
            changed.extend(found.into_iter().flat_map(|found| found.changed));
        }
    }
    changed
}

fn swept<T: Content>(
    units: &Units<T>,
    aws: &FakeAws,
    apps: &Apps,
    all: bool,
    failed: &mut bool,
) -> BTreeSet<AppName> {
    let new: Vec<Key> = units.take_new().into_iter().map(|(key, _)| key).collect();
    let mut woken = BTreeSet::new();
    for (key, _) in units.read() {
        if !all && !new.contains(&key) {
            continue;
        }
        let (unit, begun) = (units.want(&key), time_of(aws));
        let clock = || time_of(aws);
        match now(sweep(&unit, &key, aws, apps, &clock)) {
            Ok(changed) => woken.extend(changed.into_iter().chain(unit.swept(begun, clock()))),
            Err(error) => {
                woken.extend(unit.failed(error));
                *failed = true;
            }
        }
    }
    woken
}
