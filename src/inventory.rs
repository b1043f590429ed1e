//! One reader of AWS for all Apps together. Each list is read once for all of them, by a [sweep], and kept up by what passes
//! write and read; a pass finds its App in it and reads nothing but what AWS gives singly.
//!
//! ```text
//!  AWS ──sweep──▶ Unit: services of a cluster     ─┐
//!                 Unit: load balancers of a region ├──View──▶ the lists of one pass
//!                 Unit: records of a zone          │               │
//!                 Unit: schedules of a group      ─┘◀── learned ───┘
//!                 Unit: secrets that Apps name    ────▶ what a pass knows before it says what its App means
//! ```
//!
//! Which of two facts is newer, `entries` decides. An absence is never believed on the word of a list: what one leaves out
//! is read by name before it counts as gone.

mod entries;
mod load_balancers;
mod owned;
mod records;
mod schedules;
mod secrets;
mod services;
mod singly;
mod sweep;
mod touched;
mod units;
mod view;
mod zones;

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;

pub use load_balancers::LoadBalancers;
pub use records::Records;
pub use schedules::Schedules;
pub use secrets::{AskedFor, Secrets};
pub use services::Services;
pub use sweep::{Apps, Content, Found, Key};
pub use units::{Old, Units};
pub use view::View;
pub use zones::ZoneLists;

use crate::aws::{Aws, AwsError, Fault, Result};
use crate::budget::{Bucket, Place};
use crate::model::class::Class;
use crate::model::owner::AppName;
use crate::model::rank::Rank;

/// Tells the time.
pub type Clock<'a> = &'a (dyn Fn() -> Timestamp + Send + Sync);

/// How a pass came to know something.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Learned {
    /// It was read by name, at that time or later.
    Read(Timestamp),
    /// It was written by then.
    Written(Timestamp),
}

/// One list: what is known of what is in it, and how well.
#[derive(Debug)]
pub struct Unit<T> {
    content: Mutex<T>,
    state: Mutex<State>,
    /// A pass met the failure of the last sweep.
    missed: Notify,
}

impl<T: Default> Default for Unit<T> {
    fn default() -> Self {
        Unit {
            content: Mutex::default(),
            state: Mutex::default(),
            missed: Notify::new(),
        }
    }
}

#[derive(Debug, Default)]
struct State {
    /// When the newest sweep began that came to its end.
    read: Option<Timestamp>,
    /// When that sweep ended.
    ended: Option<Timestamp>,
    /// Why the last one did not.
    failed: Option<AwsError>,
    /// When a pass last asked.
    asked: Option<Timestamp>,
    /// The Apps that found it unread.
    waiting: BTreeSet<AppName>,
    /// The Apps that went by it although it is old. What they left undone for that they do once it is read, and no failure
    /// is news to them.
    behind: BTreeSet<AppName>,
}

/// A list that is not read is old after so many resync intervals: its Platform says so, and what is made or changed by it
/// is read by name before.
const OLD: u32 = 2;
/// No sooner is a list old of which no sweep failed, however short the interval: a sweep may take longer than two intervals
/// of a second.
const SLOW: Duration = Duration::from_mins(10);

/// How a list is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    Young,
    /// It was not read for long. What it shows may be otherwise by now, and what it does not show may be there.
    Old,
}

impl State {
    /// True for a list that was read before, and not for long. That counts from when a sweep ended: else a list whose sweeps
    /// take longer than that were never anything but old, and no App could be deleted by it.
    fn is_old(&self, now: Timestamp, resync: Duration) -> bool {
        let least = match self.failed {
            Some(_) => resync * OLD,
            None => SLOW.max(resync * OLD),
        };
        self.ended
            .is_some_and(|since| now.duration_since(since).unsigned_abs() >= least)
    }
}

impl<T> Unit<T> {
    fn content(&self) -> MutexGuard<'_, T> {
        // Every statement leaves it whole.
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides if what is known may be believed. A failure that passes does no harm to a list that was read before, nor that
    /// it is read slowly, except that an App does not go by an old one: it would leave behind what has come since.
    fn readable(&self, app: &AppName, rank: Rank, now: Timestamp, resync: Duration) -> Result<Age> {
        let mut state = self.state();
        state.asked = Some(now);
        let is_old = state.is_old(now, resync);
        let result = match (&state.failed, state.read) {
            (None, None) => Err(not_listed()),
            (Some(error), read) if read.is_none() || !error.class().is_passing() => Err(error.clone()),
            (Some(_) | None, Some(_)) if !is_old => Ok(Age::Young),
            (Some(_) | None, Some(_)) if rank != Rank::Deletion => Ok(Age::Old),
            (Some(error), _) => Err(error.clone()),
            (None, Some(read)) => Err(read_slowly(read)),
        };
        match result {
            Ok(Age::Young) => {}
            // An App that is as it should be has left nothing undone.
            Ok(Age::Old) if rank == Rank::Resync => {}
            Ok(Age::Old) => {
                state.behind.insert(app.clone());
            }
            Err(_) => {
                state.waiting.insert(app.clone());
                self.missed.notify_one();
            }
        }
        result
    }

    /// Has the list swept on, though no pass over an App may ask for it.
    fn ask(&self, now: Timestamp) {
        self.state().asked = Some(now);
    }

    /// Notes that a sweep which began then has come to its end. Returns the Apps that waited for it, or could not do all
    /// without.
    pub fn swept(&self, begun: Timestamp, now: Timestamp) -> BTreeSet<AppName> {
        let mut state = self.state();
        (state.read, state.ended, state.failed) = (Some(begun), Some(now), None);
        let mut woken = std::mem::take(&mut state.waiting);
        woken.append(&mut state.behind);
        woken
    }

    /// Notes that a sweep failed. Returns the Apps that are to hear of it.
    pub fn failed(&self, error: AwsError) -> BTreeSet<AppName> {
        let mut state = self.state();
        let is_news = state.failed.as_ref() != Some(&error);
        state.failed = Some(error);
        if is_news {
            std::mem::take(&mut state.waiting)
        } else {
            BTreeSet::new()
        }
    }

    /// True for a list that was read lately, and can be read.
    fn is_young(&self, now: Timestamp, resync: Duration) -> bool {
        let state = self.state();
        let is_recent = |ended: Timestamp| now.duration_since(ended).unsigned_abs() < resync * OLD;
        state.failed.is_none() && state.ended.is_some_and(is_recent)
    }

    /// True for a list that was read before, and not for long.
    pub fn is_old(&self, now: Timestamp, resync: Duration) -> bool {
        self.state().is_old(now, resync)
    }

    /// Returns the id of the account that it is of, once anything in it was seen.
    pub fn account(&self) -> Option<String>
    where
        T: Content,
    {
        self.content().account().map(Into::into)
    }

    /// Returns the steps that show Apps what they wait for.
    pub fn awaited(&self, now: Timestamp) -> Vec<T::Step>
    where
        T: Content,
    {
        self.content().awaited(now)
    }

    /// Resolves when a pass meets the failure of the last sweep.
    pub async fn missed(&self) {
        self.missed.notified().await;
    }

    /// Returns when a pass last asked for it.
    pub fn asked(&self) -> Option<Timestamp> {
        self.state().asked
    }

    /// Returns when the newest sweep began that came to its end.
    pub fn read(&self) -> Option<Timestamp> {
        self.state().read
    }
}

/// The error of a list that nobody has read yet.
fn not_listed() -> AwsError {
    AwsError {
        action: "list",
        code: "NotListed".into(),
        message: "the list that all Apps share is not read yet".into(),
        fault: Fault::NotListed,
        request_id: None,
    }
}

/// The error of a list that was read long ago, and is being read since.
fn read_slowly(read: Timestamp) -> AwsError {
    // To the second: it stays as it is until the list is read.
    let read = Timestamp::from_second(read.as_second()).unwrap_or(read);
    AwsError {
        action: "list",
        code: "ListOld".into(),
        message: format!(
            "the list that all Apps share is of {read}: AWS's request rates let it be read no sooner"
        ),
        fault: Fault::Failed(Class::Throttled),
        request_id: None,
    }
}

/// All steps of one sweep, one after the other. Returns the Apps of which something is not as it was known.
pub async fn sweep<T: Content>(
    unit: &Unit<T>,
    key: &Key,
    aws: &dyn Aws,
    apps: &Apps,
    clock: Clock<'_>,
) -> Result<BTreeSet<AppName>> {
    let (mut steps, mut changed) = (vec![T::first()], BTreeSet::new());
    while let Some(step) = steps.pop() {
        let found = T::take(unit, key, aws, step, apps, clock).await?;
        changed.extend(found.changed);
        steps.extend(found.next);
        steps.extend(found.rest);
    }
    Ok(changed)
}

/// Everything that is known of AWS, by list.
#[derive(Debug, Default)]
pub struct Inventory {
    pub services: Units<Services>,
    pub load_balancers: Units<LoadBalancers>,
    pub records: Units<Records>,
    pub schedules: Units<Schedules>,
    pub secrets: Units<Secrets>,
}

impl Inventory {
    /// Returns the age of the oldest list of each kind of which there is one.
    pub fn ages(&self, now: Timestamp) -> Vec<(&'static str, Duration)> {
        let oldest = |read: Vec<(Key, Option<Timestamp>)>| {
            let read = read.into_iter().filter_map(|(_, read)| read).min()?;
            Some(now.duration_since(read).unsigned_abs())
        };
        let kinds = [
            ("services", self.services.read()),
            ("load_balancers", self.load_balancers.read()),
            ("records", self.records.read()),
            ("schedules", self.schedules.read()),
            ("secrets", self.secrets.read()),
        ];
        kinds
            .into_iter()
            .filter_map(|(kind, read)| Some((kind, oldest(read)?)))
            .collect()
    }

    /// Returns the lists of a place that were read before, and not for long.
    pub fn old(&self, is_meant: impl Fn(&Key) -> bool, now: Timestamp, resync: Duration) -> Vec<Old> {
        let is_old = |state: &State| state.is_old(now, resync);
        [
            self.services.old("services", &is_meant, is_old),
            self.load_balancers.old("load balancers", &is_meant, is_old),
            self.records.old("records", &is_meant, is_old),
            self.schedules.old("schedules", &is_meant, is_old),
        ]
        .concat()
    }

    /// Forgets what an App that is gone waited for.
    pub fn forget_app(&self, app: &AppName) {
        fn none<T>() -> BTreeSet<T> {
            BTreeSet::new()
        }
        self.services.each(|services| {
            services.awaited.note(app, none());
            services.singly.note(app, 0);
            services.log_groups.note(app, 0);
        });
        self.load_balancers
            .each(|balancers| balancers.awaited.note(app, none()));
        self.load_balancers
            .each(|balancers| balancers.singly.note(app, 0));
        self.schedules.each(|schedules| schedules.singly.note(app, 0));
        self.secrets.each(|secrets| secrets.note(app, &none()));
    }

    /// Returns the interval at which all that AWS gives singly in a place may be read: `least`, or longer where that would
    /// take more than a tenth of what a bucket gets a second.
    pub fn details_interval(
        &self,
        place: &Place,
        least: Duration,
        mut rate: impl FnMut(Bucket) -> f64,
    ) -> Duration {
        let calls = [
            (
                Bucket::Elbv2Reads,
                self.load_balancers.sum(place, |content| content.singly.all()),
            ),
            (
                Bucket::ScalingReads,
                self.services.sum(place, |content| content.singly.all()),
            ),
            (
                Bucket::LogReads,
                self.services.sum(place, |content| content.log_groups.all()),
            ),
            (
                Bucket::ScheduleReads,
                self.schedules.sum(place, |content| content.singly.all()),
            ),
        ];
        let there = calls.into_iter().filter(|(_, calls)| *calls > 0);
        there.fold(least, |least, (bucket, calls)| {
            singly::round(least, calls, rate(bucket))
        })
    }

    /// Forgets an account: what is known of it will be of another time when it is asked for again.
    pub fn forget_account(&self, account: Option<&str>) {
        let is_its = |key: &Key| key.place.account.as_deref() == account;
        self.services.forget(is_its);
        self.load_balancers.forget(is_its);
        self.records.forget(is_its);
        self.schedules.forget(is_its);
        self.secrets.forget(is_its);
    }
}

#[cfg(test)]
mod tests;
