//! Sweeps that take the time that they take in the controller: one task a list, which goes step by step, one after the
//! other where the list is not known yet, and else over half of the resync interval.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use empire_controller::aws::{Caller, Kind, calling};
use empire_controller::inventory::{Apps, Content, Inventory, Key, LoadBalancers, Records, Schedules};
use empire_controller::inventory::{Secrets, Services, Units};
use empire_controller::model::owner::AppName;
use empire_controller::pass::{delay, spread};
use jiff::Timestamp;

use super::shared::{Callers, Shared, buckets, time_of};
use super::{SETTINGS, World, now};
use crate::fake_aws::FakeAws;

/// What Apps wait for is looked at so often, in seconds.
const AWAITED: u64 = 10;
/// A list that failed, and that passes ask for, is read again after so many seconds.
const SELDOM: Duration = Duration::from_secs(10);
/// So long AWS takes to answer: steps follow each other.
const ANSWER: Duration = Duration::from_millis(100);
/// A step that AWS throttles is made again after so long, and so often in a row before the sweep has failed.
const A_MOMENT: Duration = Duration::from_secs(1);
const THROTTLES: u32 = 10;
/// A sweep of fewer steps than that is no slower for it.
const STEPS: u32 = 20;

/// The keepers of all lists.
#[derive(Default)]
pub(super) struct Keepers {
    services: Kept<Services>,
    load_balancers: Kept<LoadBalancers>,
    records: Kept<Records>,
    schedules: Kept<Schedules>,
    secrets: Kept<Secrets>,
    /// When what Apps wait for is looked at next.
    looks: u64,
}

type Kept<T> = BTreeMap<Key, Keeper<T>>;

/// One list, and its sweep under way.
struct Keeper<T: Content> {
    steps: VecDeque<T::Step>,
    /// The Apps that were there when it began.
    apps: Apps,
    /// The Apps of which it found something else than was known.
    changed: BTreeSet<AppName>,
    begun: Timestamp,
    /// When the next step is made, and so that rounding adds up to nothing, to the fraction of a second.
    due: Timestamp,
    all: u32,
    is_urgent: bool,
    failures: u32,
    /// So often in a row AWS has thrown the step back.
    throttled: u32,
}

impl std::fmt::Debug for Keepers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keepers")
    }
}

impl Keepers {
    /// True once every so many seconds.
    pub(super) fn look(&mut self, aws: &FakeAws) -> bool {
        let is_due = aws.now() >= self.looks;
        if is_due {
            self.looks = aws.now() + AWAITED;
        }
        is_due
    }

    /// Makes the steps that are due. Returns the Apps to wake.
    pub(super) fn keep(
        &mut self,
        inventory: &Inventory,
        aws: (&FakeAws, Callers<'_>),
        apps: &dyn Fn() -> Apps,
        roll: &mut dyn FnMut() -> f64,
    ) -> BTreeSet<AppName> {
        let mut woken = kept(&mut self.services, &inventory.services, aws, apps, roll);
        woken.extend(kept(
            &mut self.load_balancers,
            &inventory.load_balancers,
            aws,
            apps,
            roll,
        ));
        woken.extend(kept(&mut self.records, &inventory.records, aws, apps, roll));
        woken.extend(kept(&mut self.schedules, &inventory.schedules, aws, apps, roll));
        woken.extend(kept(&mut self.secrets, &inventory.secrets, aws, apps, roll));
        aws.0.take_reads();
        woken
    }

    /// True if any list is being swept.
    pub(super) fn are_sweeping(&self) -> bool {
        fn any<T: Content>(kept: &Kept<T>) -> bool {
            kept.values().any(|keeper| !keeper.steps.is_empty())
        }
        any(&self.services)
            || any(&self.load_balancers)
            || any(&self.records)
            || any(&self.schedules)
            || any(&self.secrets)
    }
}

fn kept<T: Content>(
    keepers: &mut Kept<T>,
    units: &Units<T>,
    (aws, callers): (&FakeAws, Callers<'_>),
    apps: &dyn Fn() -> Apps,
    roll: &mut dyn FnMut() -> f64,
) -> BTreeSet<AppName> {
    units.take_new();
    let mut woken = BTreeSet::new();
    for (key, _) in units.read() {
        let begun = time_of(aws);
        let keeper = keepers.entry(key.clone()).or_insert_with(|| Keeper {
            steps: VecDeque::new(),
            apps: Apps::default(),
            changed: BTreeSet::new(),
            begun,
            due: begun,
            all: STEPS,
            is_urgent: true,
            failures: 0,
            throttled: 0,
        });
        while keeper.due <= time_of(aws) {
            woken.extend(keeper.step(&key, units, (aws, callers), apps, roll));
        }
    }
    woken
}

impl World {
    /// Sweeps the lists that are due, and those that a pass has asked for in vain; wakes the Apps that they concern.
    pub(super) fn sweep(&mut self) {
        let (mut dice, budget, at) = (self.dice, self.budget.clone(), self.time());
        let callers = |kind| Caller::new(budget.clone(), buckets(), kind, move || at);
        let Some(shared) = &mut self.shared else { return };
        let now = self.aws.now();
        let held = &self.apps;
        let apps = || {
            let mut apps = Apps::default();
            for held in held.values() {
                let metadata = &held.app.metadata;
                let app = AppName {
                    namespace: metadata.namespace.as_deref().unwrap().into(),
                    name: metadata.name.as_deref().unwrap().into(),
                };
                let status = held.app.status.iter().flat_map(|status| &status.processes);
                apps.insert(&app, status.map(|process| &process.name));
            }
            apps
        };
        let (looked, woken) = if let Some(dice) = &mut dice {
            let is_due = shared.keepers.look(&self.aws);
            let looked = if is_due {
                shared.look(&self.aws, Some(&callers))
            } else {
                BTreeSet::new()
            };
            let Shared {
                keepers, inventory, ..
            } = shared;
            let woken = keepers.keep(inventory, (&self.aws, &callers), &apps, &mut || dice.roll());
            (looked, woken)
        } else {
            let is_due = now >= shared.due;
            if is_due {
                shared.due = now + SETTINGS.resync_interval.as_secs();
                self.aws.look();
            }
            (
                shared.look(&self.aws, None),
                shared.sweep(&self.aws, &apps(), is_due),
            )
        };
        self.dice = dice;
        for app in looked.iter().chain(&woken) {
            if let Some(held) = self.apps.get_mut(&app.to_string()) {
                if woken.contains(app) {
                    held.memory.invalidate();
                }
                held.wake(now);
            }
        }
    }
}

impl<T: Content> Keeper<T> {
    fn step(
        &mut self,
        key: &Key,
        units: &Units<T>,
        (aws, callers): (&FakeAws, Callers<'_>),
        apps: &dyn Fn() -> Apps,
        roll: &mut dyn FnMut() -> f64,
    ) -> BTreeSet<AppName> {
        let (unit, clock) = (units.want(key), || time_of(aws));
        let step = self.steps.pop_front().unwrap_or_else(|| {
            aws.look();
            self.apps = apps();
            (self.begun, self.all) = (clock(), STEPS);
            T::first()
        });
        let took = T::take(&unit, key, aws, step.clone(), &self.apps, &clock);
        match now(calling(callers(Kind::Sweep), took)) {
            Ok(found) => {
                self.throttled = 0;
                self.changed.extend(found.changed);
                self.steps.extend(found.next);
                if let Some(rest) = found.rest {
                    self.steps.push_front(rest);
                    self.due += ANSWER;
                    return BTreeSet::new();
                }
                self.all = self.all.max(self.steps.len().try_into().unwrap());
                if !self.steps.is_empty() {
                    self.due += if self.is_urgent {
                        ANSWER
                    } else {
                        SETTINGS.resync_interval / 2 / self.all
                    };
                    return BTreeSet::new();
                }
                (self.is_urgent, self.failures) = (false, 0);
                self.due = clock().max(self.begun + spread(SETTINGS.resync_interval, roll()));
                let mut woken = std::mem::take(&mut self.changed);
                woken.extend(unit.swept(self.begun, clock()));
                woken
            }
            Err(error) if let Some((until, _)) = error.later() => {
                self.steps.push_front(step);
                self.due = until;
                BTreeSet::new()
            }
            Err(error) if error.is_about_rates() && self.throttled < THROTTLES => {
                self.throttled += 1;
                self.steps.push_front(step);
                self.due = clock() + A_MOMENT;
                BTreeSet::new()
            }
            Err(error) => {
                self.throttled = 0;
                self.steps.clear();
                self.changed.clear();
                (self.is_urgent, self.failures) = (true, self.failures + 1);
                let after = delay(error.class(), self.failures, roll()).unwrap_or(SELDOM);
                self.due = clock() + after.clamp(Duration::from_secs(1), SELDOM);
                unit.failed(error)
            }
        }
    }
}
