//! What waits and what is in flight in one hosted zone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use super::culprits::{self, Trial, named_in};
use super::{Flight, Id, Route};
use crate::aws::AwsError;
use crate::change::{BatchSize, makes_nothing};
use crate::model::owner::AppName;
use crate::model::record::RecordChange;

/// A name waits so long for others, so that one release of many Apps is one batch.
const COMPANY: Duration = Duration::from_secs(2);
/// After a throttle a zone waits so long, twice as long after each that follows, up to 64 times.
const THROTTLED: Duration = Duration::from_secs(5);
const DOUBLINGS: u32 = 6;
/// The hosted zone is gone.
const NO_SUCH_ZONE: &str = "NoSuchHostedZone";
/// The one code that is about single records of a batch, and not about the batch:
/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html>.
const INVALID_BATCH: &str = "InvalidChangeBatch";

/// The changes of one name, which are never torn apart. `C` is what it takes to send them.
#[derive(Clone, Debug)]
pub(super) struct Queued<C> {
    pub changes: Vec<RecordChange>,
    /// When they were put here first.
    pub since: Timestamp,
    /// True if the pass that runs has planned them, too.
    pub is_planned: bool,
    /// Nobody is to hear of them any more.
    pub is_forgotten: bool,
    pub carrier: C,
}

/// One hosted zone, as one role changes it.
#[derive(Clone, Debug)]
pub(super) struct Zone<C> {
    pub queued: BTreeMap<Id, Queued<C>>,
    /// A batch is in flight. Of its names, some may be forgotten.
    pub is_flying: bool,
    pub flying: BTreeMap<Id, Queued<C>>,
    /// The groups of names that go by themselves, before all else, to find the one that Route 53 refuses.
    pub trials: VecDeque<Trial>,
    /// The names of which one is refused if the flight is not.
    pub suspects: BTreeSet<Id>,
    /// Throttles in a row, and when the next batch may be sent after them.
    pub throttles: u32,
    pub not_before: Option<Timestamp>,
}

impl<C> Default for Zone<C> {
    fn default() -> Self {
        Zone {
            queued: BTreeMap::new(),
            is_flying: false,
            flying: BTreeMap::new(),
            trials: VecDeque::new(),
            suspects: BTreeSet::new(),
            throttles: 0,
            not_before: None,
        }
    }
}

impl<C: Clone> Zone<C> {
    /// Returns when the next batch is due; `None` while one is in flight, or if nothing may be sent.
    pub(super) fn due(&self, held: &BTreeSet<AppName>) -> Option<Timestamp> {
        if self.is_flying {
            return None;
        }
        let ready = self.queued.iter().filter(|((app, _), _)| !held.contains(app));
        let since = ready.map(|(_, queued)| queued.since).min()?;
        let company = if self.trials.is_empty() {
            COMPANY
        } else {
            Duration::ZERO
        };
        let due = since + company;
        Some(self.not_before.map_or(due, |time| time.max(due)))
    }

    /// Makes a batch of a trial, or of all that waits; the oldest first.
    pub(super) fn depart(&mut self, route: &Route, held: &BTreeSet<AppName>) -> Option<Flight<C>> {
        self.suspects.clear();
        let mut ids: Vec<Id> = Vec::new();
        while ids.is_empty()
            && let Some(trial) = self.trials.pop_front()
        {
            ids = trial.first.into_iter().collect();
            ids.retain(|id| self.queued.contains_key(id));
            self.suspects = trial.second;
        }
        if ids.is_empty() {
            self.suspects.clear();
            ids = self.queued.keys().cloned().collect();
            ids.sort_by_key(|id| self.queued.get(id).map(|queued| queued.since));
        }
        let (mut size, mut names) = (BatchSize::default(), BTreeSet::new());
        for id in ids {
            let Some(queued) = self.queued.get(&id).filter(|_| !held.contains(&id.0)) else {
                continue;
            };
            // Of two Apps that want one name, the second hears from the next batch that it is taken.
            let fits = !names.contains(&id.1) && size.takes(&queued.changes);
            if fits && let Some(queued) = self.queued.remove(&id) {
                names.insert(id.1.clone());
                self.flying.insert(id, queued);
            }
        }
        let carrier = self.flying.values().next()?.carrier.clone();
        self.is_flying = true;
        let changes = self.flying.values().flat_map(|queued| queued.changes.clone());
        Some(Flight {
            route: route.clone(),
            changes: changes.collect(),
            carrier,
        })
    }

    /// Decides who hears of a refusal; all others are queued again.
    pub(super) fn refused(
        &mut self,
        flown: BTreeMap<Id, Queued<C>>,
        error: &AwsError,
    ) -> Vec<(Id, Queued<C>)> {
        let ids: BTreeSet<Id> = flown.keys().cloned().collect();
        let changes = flown.iter().map(|(id, queued)| (id, queued.changes.as_slice()));
        let (told, trials) = if error.code == INVALID_BATCH {
            let named = named_in(&error.message, changes);
            culprits::of_batch(&ids, &named)
        } else if error.code == NO_SUCH_ZONE {
            // It refuses what is to be made in it, and takes what goes.
            let goes = changes.filter(|(_, changes)| makes_nothing(changes));
            let goes: BTreeSet<Id> = goes.map(|(id, _)| id.clone()).collect();
            let told = ids.difference(&goes).cloned().collect();
            (told, Trial::alone(goes).into_iter().collect())
        } else if culprits::are_of_several(&ids) && culprits::may_be_about_one(error) {
            (BTreeSet::new(), culprits::each_app(&ids))
        } else {
            (ids, Vec::new())
        };
        for trial in trials.into_iter().rev() {
            self.trials.push_front(trial);
        }
        let (said, again): (Vec<_>, Vec<_>) = flown.into_iter().partition(|(id, _)| told.contains(id));
        self.again(again);
        said
    }

    /// A zone waits after a throttle, and its names with it: told of it, each App would come back by itself.
    pub(super) fn throttled(&mut self, flown: BTreeMap<Id, Queued<C>>, now: Timestamp) {
        self.not_before = Some(now + THROTTLED * 2_u32.pow(self.throttles.min(DOUBLINGS)));
        self.throttles = self.throttles.saturating_add(1);
        self.again(flown);
    }

    /// Queues names again. A pass that runs has not planned them, or says so at its end.
    fn again(&mut self, flown: impl IntoIterator<Item = (Id, Queued<C>)>) {
        let again = flown.into_iter().filter(|(_, queued)| !queued.is_forgotten);
        let again = again.map(|(id, queued)| {
            let queued = Queued {
                is_planned: false,
                ..queued
            };
            (id, queued)
        });
        self.queued.extend(again);
    }

    /// The flight was taken, so that the refused name is among those that did not travel in it.
    pub(super) fn try_suspects(&mut self) {
        let suspects = std::mem::take(&mut self.suspects);
        self.trials.extend(Trial::halves(suspects));
    }

    /// An App whose pass runs may withdraw its names. The others are still to be tried; but what the names in flight do not
    /// explain may have been its.
    pub(super) fn leave_trials(&mut self, app: &AppName) {
        for trial in &mut self.trials {
            for ids in [&mut trial.first, &mut trial.second] {
                ids.retain(|(of, _)| of != app);
            }
        }
        self.trials
            .retain(|trial| !(trial.first.is_empty() && trial.second.is_empty()));
        self.suspects.retain(|(of, _)| of != app);
    }
}
