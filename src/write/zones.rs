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
mod zone;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

pub use desk::{Desk, Names, Outboxes};

use self::zone::{Queued, Zone};
use crate::aws::{AwsError, AwsSettings, Fault};
use crate::model::class::Class;
use crate::model::desired::RecordKey;
use crate::model::owner::AppName;
use crate::model::record::RecordChange;

/// Nobody takes up an answer that is older: what it says may have changed since, and is read by name.
const ANSWERS_LAST: SignedDuration = SignedDuration::from_mins(5);

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

    /// Has a pass that plans nothing leave what is queued as it is.
    fn keep_all(&mut self, app: &AppName) {
        for zone in self.zones.values_mut() {
            for (_, queued) in of(&mut zone.queued, app) {
                queued.is_planned = true;
            }
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
                answered.waited = waited.map(SignedDuration::unsigned_abs).collect();
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
            let answers = self.answers.entry(app).or_default();
            // For one, as most have, a vector makes room for four.
            answers.reserve_exact(1);
            answers.push(Answer {
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

#[cfg(test)]
mod tests;
