//! The outbox of Route 53: what passes want to change in a hosted zone waits here for company, and travels in as few batches
//! as Route 53 takes. Nothing here waits or sends: whoever keeps the outbox takes [`Flight`]s out of it, sends them, and
//! gives the answers back.
//!
//! ```text
//!  pass ──put──▶ queued ──2 s, or the end of the flight before──▶ flight ──▶ Route 53
//!   ▲                ▲                                              │
//!   │                └──── the others, where one name was refused ──┤
//!   └───── answers, by name ────────────────────────────────────────┘
//! ```
//!
//! While a pass runs, nothing that its App has queued is sent: what it does not plan again is withdrawn at its end.

mod culprits;
mod desk;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

pub use desk::{Desk, Names, Outboxes};

use self::culprits::{Trial, named_in};
use crate::aws::{AwsError, AwsSettings, Fault};
use crate::change::{BatchSize, makes_nothing};
use crate::model::class::Class;
use crate::model::desired::RecordKey;
use crate::model::owner::AppName;
use crate::model::record::RecordChange;

/// A name waits so long for others, so that one release of many Apps is one batch.
const COMPANY: Duration = Duration::from_secs(2);
/// Nobody takes up an answer that is older: what it says may have changed since, and is read by name.
const ANSWERS_LAST: SignedDuration = SignedDuration::from_mins(5);
/// After a throttle a zone waits so long, twice as long after each that follows, up to 64 times.
const THROTTLED: Duration = Duration::from_secs(5);
const DOUBLINGS: u32 = 6;
/// The hosted zone is gone.
const NO_SUCH_ZONE: &str = "NoSuchHostedZone";
/// The one code that is about single records of a batch, and not about the batch:
/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html>.
const INVALID_BATCH: &str = "InvalidChangeBatch";

/// The hosted zone, and the role and endpoint with which it is changed: one batch has one sender. Route 53 is in no region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    way: AwsSettings,
    pub zone: String,
}

impl Route {
    fn new(way: &AwsSettings, zone: &str) -> Self {
        Route {
            way: AwsSettings {
                region: String::new(),
                ..way.clone()
            },
            zone: zone.into(),
        }
    }
}

/// A name of an App.
type Id = (AppName, String);

/// The changes of one name, which are never torn apart. `C` is what it takes to send them.
#[derive(Clone, Debug)]
struct Queued<C> {
    changes: Vec<RecordChange>,
    /// When they were put here first.
    since: Timestamp,
    /// True if the pass that runs has planned them, too.
    is_planned: bool,
    /// Nobody is to hear of them any more.
    is_forgotten: bool,
    carrier: C,
}

/// A batch that is to be sent.
#[derive(Clone, Debug)]
pub struct Flight<C> {
    pub route: Route,
    pub changes: Vec<RecordChange>,
    pub carrier: C,
}

/// The result for one name.
#[derive(Clone, Debug)]
pub struct Answer {
    pub key: RecordKey,
    pub changes: Vec<RecordChange>,
    pub result: Result<(), AwsError>,
    at: Timestamp,
}

/// The effects of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    /// The Apps to which it says something.
    pub apps: BTreeSet<AppName>,
    /// For each name that was changed, the time since it was put here.
    pub waited: Vec<Duration>,
}

#[derive(Clone, Debug)]
struct Zone<C> {
    queued: BTreeMap<Id, Queued<C>>,
    is_flying: bool,
    flying: BTreeMap<Id, Queued<C>>,
    /// The groups of names that go by themselves, before all else, to find the one that Route 53 refuses.
    trials: VecDeque<Trial>,
    /// The names of which one is refused if the flight is not.
    suspects: BTreeSet<Id>,
    /// Throttles in a row, and when the next batch may be sent after them.
    throttles: u32,
    not_before: Option<Timestamp>,
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

/// All zones of one replica.
#[derive(Clone, Debug)]
pub struct Outbox<C> {
    zones: BTreeMap<Route, Zone<C>>,
    /// The Apps over which a pass runs.
    held: BTreeSet<AppName>,
    answers: BTreeMap<AppName, Vec<Answer>>,
}

impl<C> Default for Outbox<C> {
    fn default() -> Self {
        Outbox {
            zones: BTreeMap::new(),
            held: BTreeSet::new(),
            answers: BTreeMap::new(),
        }
    }
}

impl<C: Clone> Outbox<C> {
    /// Keeps back what an App has queued, while a pass over it runs.
    fn hold(&mut self, app: &AppName) {
        self.held.insert(app.clone());
        for zone in self.zones.values_mut() {
            for (_, queued) in of(&mut zone.queued, app) {
                queued.is_planned = false;
            }
            zone.leave_trials(app);
        }
    }

    /// Withdraws what the pass has not planned again, and lets the rest go out.
    fn release(&mut self, app: &AppName) {
        self.held.remove(app);
        for zone in self.zones.values_mut() {
            let dropped = of(&mut zone.queued, app).filter(|(_, queued)| !queued.is_planned);
            let dropped: Vec<Id> = dropped.map(|(id, _)| id.clone()).collect();
            for id in dropped {
                zone.queued.remove(&id);
            }
        }
        self.tidy();
    }

    /// Forgets an App that is gone, or another replica's from now on.
    pub fn forget(&mut self, app: &AppName) {
        for zone in self.zones.values_mut() {
            for (_, flying) in of(&mut zone.flying, app) {
                flying.is_forgotten = true;
            }
        }
        self.withdraw(app);
        self.answers.remove(app);
    }

    /// Withdraws what an App has queued: its pass ended before it came to plan names.
    pub fn withdraw(&mut self, app: &AppName) {
        let is_held = self.held.contains(app);
        self.hold(app);
        self.release(app);
        if is_held {
            self.held.insert(app.clone());
        }
    }

    fn tidy(&mut self) {
        self.zones
            .retain(|_, zone| zone.is_flying || !zone.queued.is_empty());
    }

    /// Returns what became of the names of an App.
    fn answers(&mut self, app: &AppName, now: Timestamp) -> Vec<Answer> {
        let Some(answers) = self.answers.get_mut(app) else {
            return Vec::new();
        };
        answers.retain(|answer| now.duration_since(answer.at) < ANSWERS_LAST);
        answers.clone()
    }

    fn forget_answers(&mut self, app: &AppName, oldest: usize) {
        if let Some(answers) = self.answers.get_mut(app) {
            answers.drain(..oldest.min(answers.len()));
            if answers.is_empty() {
                self.answers.remove(app);
            }
        }
    }

    /// Returns the names of an App that are being changed at this moment.
    fn flying(&self, app: &AppName) -> BTreeSet<RecordKey> {
        let from = (app.clone(), String::new());
        let zones = self.zones.iter();
        let flying = zones.flat_map(|(route, zone)| {
            let its = zone
                .flying
                .range(from.clone()..)
                .take_while(|((of, _), _)| of == app);
            its.map(|((_, name), _)| key(route, name))
        });
        flying.collect()
    }

    /// Queues the changes of a name, in the place of others that were queued for it, for as long as the pass runs. One that is
    /// in flight is answered first.
    fn put(&mut self, route: Route, id: Id, changes: &[RecordChange], now: Timestamp, carrier: C) {
        let zone = self.zones.entry(route).or_default();
        if zone.flying.contains_key(&id) {
            return;
        }
        let known = zone.queued.get(&id);
        let since = known.filter(|queued| queued.changes == changes);
        let queued = Queued {
            since: since.map_or(now, |queued| queued.since),
            changes: changes.to_vec(),
            is_planned: false,
            is_forgotten: false,
            carrier,
        };
        zone.queued.insert(id, queued);
    }

    /// Keeps the changes of a name queued after the pass, if just these are.
    fn keep(&mut self, route: &Route, id: &Id, changes: &[RecordChange]) -> bool {
        let zone = self.zones.get_mut(route);
        let queued = zone.and_then(|zone| zone.queued.get_mut(id));
        let Some(queued) = queued.filter(|queued| queued.changes == changes) else {
            return false;
        };
        queued.is_planned = true;
        true
    }

    /// Returns when the next batch is due; `None` if nothing waits for the time alone.
    pub fn due(&self) -> Option<Timestamp> {
        let zones = self.zones.values();
        zones.filter_map(|zone| zone.due(&self.held)).min()
    }

    /// Takes the batches that are due. What may not be sent any more is forgotten.
    pub fn take(&mut self, now: Timestamp, may_send: impl Fn(&C) -> bool) -> Vec<Flight<C>> {
        let mut flights = Vec::new();
        for (route, zone) in &mut self.zones {
            if zone.due(&self.held).is_some_and(|due| due <= now) {
                let held = &self.held;
                zone.queued
                    .retain(|(app, _), queued| held.contains(app) || may_send(&queued.carrier));
                flights.extend(zone.depart(route, held));
            }
        }
        self.tidy();
        flights
    }

    /// Takes what Route 53 answered to a flight.
    pub fn answered(&mut self, route: &Route, result: &Result<(), AwsError>, now: Timestamp) -> Answered {
        let mut answered = Answered::default();
        let Some(zone) = self.zones.get_mut(route) else {
            return answered;
        };
        zone.is_flying = false;
        let flown = std::mem::take(&mut zone.flying);
        let mut said: Vec<(Id, Queued<C>)> = Vec::new();
        match result {
            Ok(()) => {
                zone.throttles = 0;
                zone.try_suspects();
                let waited = flown.values().map(|queued| now.duration_since(queued.since));
                answered.waited = waited.map(jiff::SignedDuration::unsigned_abs).collect();
                said.extend(flown);
            }
            // Whoever leads now puts them again.
            Err(error) if error.fault == Fault::Fenced => {
                answered.apps.extend(flown.into_keys().map(|id| id.0));
            }
            Err(error) if error.class() == Class::Throttled => zone.throttled(flown, now),
            Err(error) => said = zone.refused(flown, error),
        }
        for ((app, name), queued) in said {
            if queued.is_forgotten {
                continue;
            }
            answered.apps.insert(app.clone());
            self.answers.entry(app).or_default().push(Answer {
                key: key(route, &name),
                changes: queued.changes,
                result: result.clone(),
                at: now,
            });
        }
        self.tidy();
        answered
    }

    /// Returns how many names wait or are in flight.
    pub fn len(&self) -> usize {
        let zones = self.zones.values();
        zones.map(|zone| zone.queued.len() + zone.flying.len()).sum()
    }

    /// True if no name waits or is in flight.
    pub fn is_empty(&self) -> bool {
        self.zones.is_empty()
    }
}

/// The names of an App.
fn of<'a, T>(
    all: &'a mut BTreeMap<Id, T>,
    app: &'a AppName,
) -> impl Iterator<Item = (&'a Id, &'a mut T)> + use<'a, T> {
    let from = all.range_mut((app.clone(), String::new())..);
    from.take_while(move |((of, _), _)| of == app)
}

fn key(route: &Route, name: &str) -> RecordKey {
    RecordKey {
        zone: route.zone.clone(),
        name: name.into(),
    }
}

impl<C: Clone> Zone<C> {
    fn due(&self, held: &BTreeSet<AppName>) -> Option<Timestamp> {
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
    fn depart(&mut self, route: &Route, held: &BTreeSet<AppName>) -> Option<Flight<C>> {
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
    fn refused(&mut self, flown: BTreeMap<Id, Queued<C>>, error: &AwsError) -> Vec<(Id, Queued<C>)> {
        let ids: BTreeSet<Id> = flown.keys().cloned().collect();
        let changes = flown.iter().map(|(id, queued)| (id, queued.changes.as_slice()));
        let mut apps = ids.iter().map(|(app, _)| app);
        let first = apps.next();
        let has_others = apps.any(|app| Some(app) != first);
        let (told, trials) = if error.code == INVALID_BATCH {
            let named = named_in(&error.message, changes);
            culprits::of_batch(&ids, &named, has_others)
        } else if error.code == NO_SUCH_ZONE {
            // It refuses what is to be made in it, and takes what goes.
            let goes = changes.filter(|(_, changes)| makes_nothing(changes));
            let goes: BTreeSet<Id> = goes.map(|(id, _)| id.clone()).collect();
            let told = ids.difference(&goes).cloned().collect();
            (told, Trial::alone(goes).into_iter().collect())
        } else if has_others && culprits::may_be_about_one(error) {
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
    fn throttled(&mut self, flown: BTreeMap<Id, Queued<C>>, now: Timestamp) {
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
    fn try_suspects(&mut self) {
        let suspects = std::mem::take(&mut self.suspects);
        self.trials.extend(Trial::halves(suspects));
    }

    /// An App whose pass runs may withdraw its names. The others are still to be tried; but what the names in flight do not
    /// explain may have been its.
    fn leave_trials(&mut self, app: &AppName) {
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

#[cfg(test)]
mod tests;
