//! Keeps the inventory: one task a list, which sweeps it, and wakes the Apps that it finds otherwise than they were known.
//!
//! The first sweep of a list is as fast as AWS answers; after that its calls are spread over the resync interval, as many when
//! nothing happens as when everything does. A list is read under the Lease of its account, with the role of one of the
//! Platforms there, and with the next one's where that is denied.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{debug, warn};

use super::clock::now;
use super::context::{Context, place_of, settings_of};
use super::leadership::Scope;
use super::memory::{Key as ObjectKey, app_key, lock};
use crate::api::app::{App, PlatformRecord};
use crate::api::platform::Platform;
use crate::aws::{Account, AwsError, Kind, calling, within};
use crate::budget::Place;
use crate::desired::app_name;
use crate::fence::under;
use crate::inventory::{Apps, Content, Inventory, Key, Old, Unit, Units, View, ZoneLists};
use crate::model::class::Class;
use crate::model::owner::AppName;
use crate::model::part::{Evidence, Part};
use crate::pass::platform::{OldList, may_keep_names};
use crate::pass::{Work, delay, recorded, spread};
use crate::reconcile::Request;

/// A list that no pass has asked for over so many resync intervals is not swept any more.
const ASKED_WITHIN: u32 = 3;
/// What Apps wait for is looked at so often.
const AWAITED: Duration = Duration::from_secs(10);
/// A step that AWS throttles is made again after so long, and so often in a row before the sweep has failed.
const A_MOMENT: Duration = Duration::from_secs(1);
const THROTTLES: u32 = 10;
/// A list that failed is not read more often because passes ask for it.
const SELDOM: Duration = Duration::from_secs(10);

/// Returns the lists of a pass, and sees to it that they are swept.
pub(super) fn view<'a>(
    context: &'a Arc<Context>,
    platform: &Platform,
    aws: &'a Arc<dyn Account>,
    work: &Work,
    request: &Request,
) -> View<'a> {
    let (desired, holdings) = (&work.desired, &request.known.holdings);
    let view = View {
        inventory: &context.inventory,
        aws: &**aws,
        app: desired.owner.app.clone(),
        place: place_of(platform),
        resync: context.config.resync_interval,
        now: request.looks_now,
        rank: work.rank,
        clock: &now,
    };
    context
        .readers
        .note(place_of(platform), settings_of(platform), aws.clone());
    let may_have = |part: &Part| desired.wants(part) || holdings.evidence(part) > Evidence::No;
    let is_there = |part: &Part| desired.place.load_balancing || part != &Part::LoadBalancing;
    let parts = desired.parts().filter(|part| is_there(part) && may_have(part));
    let parts: Vec<Part> = parts.chain([Part::Ecs]).collect();
    view.want(desired, &parts);
    keep_new(context);
    view
}

/// Returns the lists by which a Platform knows its zones, and the names that are kept in them.
pub(super) fn zones<'a>(
    context: &'a Arc<Context>,
    platform: &Platform,
    aws: &Arc<dyn Account>,
) -> ZoneLists<'a> {
    if may_keep_names(platform) {
        let settings = settings_of(platform);
        context.readers.note(place_of(platform), settings, aws.clone());
    }
    ZoneLists {
        inventory: &context.inventory,
        place: place_of(platform),
        resync: context.config.resync_interval,
        clock: &now,
    }
}

/// Returns the lists of a Platform that were not read for long.
pub(super) fn old_lists(context: &Context, platform: &Platform) -> Vec<OldList> {
    let place = place_of(platform);
    let resync = context.config.resync_interval;
    let old = context.inventory.old(|key| key.is_in(&place), now(), resync);
    let old = old.into_iter().map(|Old { kind, read, error }| OldList {
        kind,
        read,
        error: error.map(Into::into),
    });
    old.collect()
}

/// The details that AWS gives singly are compared once in so many resync intervals, or more seldom.
const DETAILS: u32 = 6;

/// Returns the interval at which the details of an App are compared that AWS gives singly: those of all Apps at its Platform
/// take a tenth of AWS's request rate at most.
pub(super) fn details_interval(context: &Context, app: &App, platforms: &[Platform]) -> Duration {
    let least = context.config.resync_interval * DETAILS;
    let record = recorded(app);
    let is_its = |platform: &&Platform| {
        record
            .as_ref()
            .is_some_and(|record| record.name == platform.name_any())
    };
    // One that is new has all of them read at once.
    let Some(platform) = platforms.iter().find(is_its) else {
        return least;
    };
    let place = place_of(platform);
    let rate = |bucket| lock(&context.budget).rate(Timestamp::now(), &place, bucket);
    context.inventory.details_interval(&place, least, rate)
}

/// Begins to sweep the lists that nobody has asked for before.
pub(super) fn keep_new(context: &Arc<Context>) {
    keep(context, |inventory| &inventory.services);
    keep(context, |inventory| &inventory.load_balancers);
    keep(context, |inventory| &inventory.records);
    keep(context, |inventory| &inventory.schedules);
    keep(context, |inventory| &inventory.secrets);
}

/// Forgets an account, which another replica writes to from now on.
pub(super) fn leave(context: &Context, scope: &Scope) {
    let account = match scope {
        Scope::Account(account) => Some(account.as_str()),
        Scope::OwnAccount => None,
        Scope::NoPlatform => return,
    };
    context.inventory.forget_account(account);
    context.readers.forget(account);
}

fn keep<T: Content>(context: &Arc<Context>, units: fn(&Inventory) -> &Units<T>) {
    for (key, unit) in units(&context.inventory).take_new() {
        let keeper = Keeper {
            context: context.clone(),
            units,
            key,
            unit,
        };
        tokio::spawn(keeper.keep());
    }
}

struct Keeper<T: Content> {
    context: Arc<Context>,
    units: fn(&Inventory) -> &Units<T>,
    key: Key,
    unit: Arc<Unit<T>>,
}

/// Why a sweep did not come to its end.
enum Interrupted {
    /// Another replica leads, nobody asks any more, or the process ends.
    Over,
    Failed(AwsError),
}

impl<T: Content> Keeper<T> {
    /// Keeps the list for as long as this replica leads the account and passes ask for it.
    async fn keep(self) {
        let mut stopping = self.context.stopping.clone();
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stopping| *stopping) => {}
            () = self.sweeps() => {}
            () = self.looks() => {}
        }
        let (units, key) = ((self.units)(&self.context.inventory), &self.key);
        if units.has(key, &self.unit) {
            units.forget(|known| known == key);
        }
        debug!(list = %self.name(), "not swept any more");
    }

    /// One sweep after the other.
    async fn sweeps(&self) {
        let (mut failures, mut is_urgent) = (0, true);
        loop {
            let (begun, at) = (now(), Instant::now());
            let resync = self.context.config.resync_interval;
            let jitter = fastrand::f64();
            match self.sweep(is_urgent).await {
                Ok(changed) => {
                    let was_old = self.unit.is_old(now(), resync);
                    self.wake(&changed);
                    self.wake(&self.unit.swept(begun, now()));
                    if failures > 0 || was_old {
                        self.wake_platforms();
                    }
                    (failures, is_urgent) = (0, false);
                    self.learn_account();
                    sleep_until(at + spread(resync, jitter)).await;
                }
                Err(Interrupted::Over) => return,
                Err(Interrupted::Failed(error)) => {
                    // The list has grown old meanwhile.
                    (failures, is_urgent) = (failures + 1, true);
                    warn!(list = %self.name(), %error, "a list cannot be read");
                    let after = delay(error.class(), failures, jitter).unwrap_or(resync);
                    self.wake(&self.unit.failed(error));
                    self.wake_platforms();
                    let is_missed = async {
                        sleep(SELDOM).await;
                        self.unit.missed().await;
                    };
                    tokio::select! {
                        () = sleep(after) => {}
                        () = is_missed => {}
                    }
                }
            }
            if !self.is_asked_for() {
                return;
            }
        }
    }

    /// Looks at what Apps wait for, beside the sweeps. What cannot be read their passes will miss, and say so.
    async fn looks(&self) {
        loop {
            sleep(AWAITED).await;
            let steps = || self.unit.awaited(now()).into();
            match self.read(steps, &Apps::default(), None, Kind::Look).await {
                // They look at nothing else for it.
                Ok(changed) => self.context.wake.apps(objects(&changed)),
                Err(Interrupted::Over) => return,
                Err(Interrupted::Failed(error)) => debug!(list = %self.name(), %error, "not looked at"),
            }
        }
    }

    async fn sweep(&self, is_urgent: bool) -> Result<BTreeSet<AppName>, Interrupted> {
        let platforms = self.context.caches.platforms();
        let platforms = platforms.iter().map(settings_of);
        self.context.readers.keep(&platforms.collect());
        // Half of the interval, so that a slow sweep is over when the next one is due.
        let spread_over = (!is_urgent).then(|| self.context.config.resync_interval / 2);
        let first = || [T::first()].into();
        self.read(first, &self.apps(), spread_over, Kind::Sweep).await
    }

    /// Makes these steps in the first of the roles that is not denied them.
    async fn read(
        &self,
        steps: impl Fn() -> VecDeque<T::Step>,
        apps: &Apps,
        spread_over: Option<Duration>,
        kind: Kind,
    ) -> Result<BTreeSet<AppName>, Interrupted> {
        let mut denied = None;
        for reader in self.context.readers.of(&self.key) {
            match self.take(&reader, steps(), apps, spread_over, &kind).await {
                Err(Interrupted::Failed(error)) if error.class() == Class::Denied => denied = Some(error),
                read => return read,
            }
        }
        Err(denied.map_or(Interrupted::Over, Interrupted::Failed))
    }

    /// Makes steps, and those that follow from them.
    async fn take(
        &self,
        reader: &Arc<dyn Account>,
        mut steps: VecDeque<T::Step>,
        apps: &Apps,
        spread_over: Option<Duration>,
        kind: &Kind,
    ) -> Result<BTreeSet<AppName>, Interrupted> {
        let scope = Scope::of_account(self.key.place.account.clone());
        let (mut changed, mut all, mut throttled) = (BTreeSet::new(), STEPS, 0);
        while let Some(step) = steps.pop_front() {
            let context = &self.context;
            let Some(fence) = context.leases.led(&scope).filter(|_| self.is_kept()) else {
                return Err(Interrupted::Over);
            };
            let took = T::take(&self.unit, &self.key, &**reader, step.clone(), apps, &now);
            // A list whose pages never end is given up as a pass is.
            let took = within(context.config.pass_deadline, took);
            let caller = context.caller(self.key.place.clone(), kind.clone());
            let found = match under(fence, calling(caller, took)).await {
                Err(error) if let Some((until, _)) = error.later() => {
                    steps.push_front(step);
                    sleep(time_until(until)).await;
                    continue;
                }
                // Its bucket has learned from it, and what the steps before have read is as good as it was.
                Err(error) if error.is_about_rates() && throttled < THROTTLES => {
                    throttled += 1;
                    steps.push_front(step);
                    sleep(A_MOMENT).await;
                    continue;
                }
                Err(error) => {
                    // What the steps before it have found is so all the same.
                    self.wake(&changed);
                    return Err(Interrupted::Failed(error));
                }
                Ok(found) => found,
            };
            throttled = 0;
            changed.extend(found.changed);
            steps.extend(found.next);
            if let Some(rest) = found.rest {
                steps.push_front(rest);
                continue;
            }
            all = all.max(u32::try_from(steps.len()).unwrap_or(u32::MAX));
            if let Some(time) = spread_over.filter(|_| !steps.is_empty()) {
                sleep(time / all).await;
            }
        }
        Ok(changed)
    }

    /// True as long as it is this list that passes look into.
    fn is_kept(&self) -> bool {
        (self.units)(&self.context.inventory).has(&self.key, &self.unit)
    }

    fn is_asked_for(&self) -> bool {
        let within = self.context.config.resync_interval * ASKED_WITHIN;
        let asked = self.unit.asked();
        asked.is_some_and(|asked| now().duration_since(asked).unsigned_abs() < within)
    }

    /// Has the controller's own account, which no role names, share its buckets with Platforms whose role is of it.
    fn learn_account(&self) {
        let place = &self.key.place;
        if let (None, Some(account)) = (&place.account, self.unit.account()) {
            lock(&self.context.budget).learn_own(place.endpoint_url.as_deref(), &account);
        }
    }

    /// The Apps that may have something there.
    fn apps(&self) -> Apps {
        let mut apps = Apps::default();
        if !T::ASKS_FOR_APPS {
            return apps;
        }
        for app in self.context.caches.apps.state() {
            // Before its status is unpacked.
            if !self.may_have(app.recorded()) {
                continue;
            }
            if let Ok(app) = app.outline().0 {
                let processes = app.status.iter().flat_map(|status| &status.processes);
                apps.insert(&app_name(&app), processes.map(|process| &process.name));
            }
        }
        apps
    }

    fn may_have(&self, recorded: Option<PlatformRecord>) -> bool {
        let Place { account, region, .. } = &self.key.place;
        recorded.is_none_or(|record| {
            &record.account == account
                && (region.is_empty() || &record.region == region)
                && T::is_about(&self.key, &record.cluster)
        })
    }

    /// Has Apps look at everything, since something is not as it was known.
    fn wake(&self, apps: &BTreeSet<AppName>) {
        self.context.look_again(objects(apps));
    }

    /// Has Platforms say how old the list is, or that it is not any more.
    fn wake_platforms(&self) {
        for platform in self.context.caches.platforms() {
            if self.key.is_in(&place_of(&platform)) {
                self.context.wake.platform(&platform.name_any());
            }
        }
    }

    fn name(&self) -> String {
        let Key { place, name } = &self.key;
        format!("{}/{name}", place.region)
    }
}

/// By the clock of the budget.
fn time_until(time: Timestamp) -> Duration {
    Duration::try_from(time.duration_since(Timestamp::now())).unwrap_or_default()
}

fn objects(apps: &BTreeSet<AppName>) -> Vec<ObjectKey> {
    apps.iter().map(app_key).collect()
}

/// A sweep of fewer steps than that is no slower for it.
const STEPS: u32 = 20;
