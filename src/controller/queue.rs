//! The choice of the object that gets the next pass: plain data, and no clock of its own.
//!
//! Namespaces take turns: every other time those that have something of the most urgent rank, so that an edit does not wait
//! for a resync in each other namespace; else all of them.
//!
//! Within one, edits go first, then deletions, repairs and resyncs, the oldest of each first. A repair goes before a resync
//! that waits, but only once: of all that is due, everything has had a pass before anything has a second one. And one start
//! in ten is of what has waited longest, whatever it is.
//!
//! An object whose turn in a line for AWS's request rates has come goes before all others of its namespace: a token is kept
//! for it for seconds. Among namespaces it is as an edit. AWS's rates bound how many there are.

pub(super) mod dispatch;
mod entry;

use std::collections::BTreeMap;
use std::fmt::{Display, Formatter, Result};
use std::time::{Duration, Instant};

use self::entry::{Entry, Next, Running};
use crate::model::rank::Rank;
use crate::pass::Requeue;

/// Names an object; one without a namespace has an empty one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Object {
    pub namespace: String,
    pub name: String,
}

impl Display for Object {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The number of passes that run at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slots {
    pub all: usize,
    /// The last free slot is only for a namespace in which nothing runs.
    pub keeps_last: bool,
}

/// The objects that may have a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Only {
    All,
    Deleted,
}

/// So many starts of a namespace in a row may pass over what has waited longest in it.
const PASSED_OVER: u8 = 9;

/// Later than anything is looked at again: an [`Instant`] has an end.
const FAR: Duration = Duration::from_hours(24 * 365);

/// Holds what waits, what runs, and what is to wait later.
#[derive(Debug)]
pub(super) struct Queue {
    slots: Slots,
    lanes: BTreeMap<String, Lane>,
    running: usize,
    /// Passes begun so far.
    begun: u64,
}

/// The objects of one namespace.
#[derive(Debug, Default)]
struct Lane {
    objects: BTreeMap<String, Entry>,
    running: usize,
    /// When a pass of each rank, or of a more urgent one, last began here: how many had begun by then.
    served: [u64; Rank::ALL.len()],
    passed_over: u8,
}

impl Lane {
    /// The objects here that wait; of all, or of those that are being deleted.
    fn waiting(&self, now: Instant, only: Only) -> impl Iterator<Item = (&String, &Entry, Next)> {
        let objects = self
            .objects
            .iter()
            .filter(move |(_, entry)| only == Only::All || entry.is_deleted);
        objects.filter_map(move |(name, entry)| Some((name, entry, entry.waiting(now)?)))
    }

    /// The next object of these.
    fn candidate(&self, now: Instant, only: Only) -> Option<(&String, Next)> {
        let waiting = self.waiting(now, only);
        let first = if self.passed_over >= PASSED_OVER {
            waiting.min_by_key(|(_, _, next)| next.due)
        } else {
            waiting.min_by_key(|(_, entry, next)| entry.place(*next))
        };
        first.map(|(name, _, next)| (name, next))
    }

    fn oldest(&self, now: Instant) -> Option<Instant> {
        let waiting = self.objects.values().filter_map(|entry| entry.waiting(now));
        waiting.map(|next| next.due).min()
    }
}

impl Queue {
    pub(super) fn new(slots: Slots) -> Self {
        Queue {
            slots,
            lanes: BTreeMap::new(),
            running: 0,
            begun: 0,
        }
    }

    /// Somebody changed an object, which has this version now. While a pass runs, it has one more after that, unless it
    /// took this version or a later one.
    pub(super) fn changed(&mut self, object: &Object, rank: Rank, version: Option<u64>, now: Instant) {
        let entry = self.entry(object);
        entry.is_deleted = rank == Rank::Deletion;
        let is_seen = |running: &Running| !running.gone && version.is_some() && version <= running.version;
        if !entry.running.as_deref().is_some_and(is_seen) {
            entry.ask(rank, now);
        }
    }

    /// Something that an object depends on may have changed.
    pub(super) fn woken(&mut self, object: &Object, now: Instant) {
        self.entry(object).ask(Rank::Repair, now);
    }

    /// An object is gone.
    pub(super) fn removed(&mut self, object: &Object) {
        if let Some(entry) = self.known(object) {
            (entry.next, entry.turn) = (None, None);
            if let Some(running) = &mut entry.running {
                running.gone = true;
            }
        }
        self.forget(object);
    }

    /// Drops what is not among these.
    pub(super) fn retain(&mut self, there: impl Fn(&Object) -> bool) {
        for object in self.objects() {
            if !there(&object) {
                self.removed(&object);
            }
        }
    }

    /// Begins the next pass that is due and has a slot, on the version of its object that `take` gives. What it gives none
    /// for is dropped. The objects that `only` leaves out go on waiting.
    pub(super) fn start<T>(
        &mut self,
        now: Instant,
        only: Only,
        mut take: impl FnMut(&Object) -> Option<(T, Option<u64>)>,
    ) -> Option<(Object, T)> {
        loop {
            let (object, next) = self.next(now, None, only)?;
            if let Some((taken, version)) = take(&object) {
                self.begin(&object, next, version, now);
                return Some((object, taken));
            }
            // Where one is another replica's, thousands may be: they go together, not by a search for each.
            for object in self.due(now, only) {
                if take(&object).is_none() {
                    self.removed(&object);
                }
            }
        }
    }

    fn due(&self, now: Instant, only: Only) -> Vec<Object> {
        let due = self.lanes.iter().flat_map(|(namespace, lane)| {
            let names = lane.waiting(now, only).map(|(name, _, _)| name);
            names.map(move |name| object(namespace, name))
        });
        due.collect()
    }

    /// The object whose turn it is; `back` is a namespace that gives one slot back before.
    fn next(&self, now: Instant, back: Option<&str>, only: Only) -> Option<(Object, Next)> {
        let back_in = |namespace: &str| usize::from(back == Some(namespace));
        let running = self.running - usize::from(back.is_some());
        let free = self.slots.all.saturating_sub(running);
        let candidates = self.lanes.iter().filter_map(|(namespace, lane)| {
            let is_last = free == 1 && self.slots.keeps_last;
            if free == 0 || (is_last && lane.running > back_in(namespace)) {
                return None;
            }
            let (name, next) = lane.candidate(now, only)?;
            let counts = if self.begun.is_multiple_of(2) {
                next.urgency()
            } else {
                Rank::Resync
            };
            let turn = (counts, lane.served[counts as usize]);
            Some((turn, next, namespace, name))
        });
        let place = |(turn, next, namespace, name): &(_, Next, _, _)| {
            (*turn, next.urgency(), next.due, *namespace, *name)
        };
        let (_, next, namespace, name) = candidates.min_by_key(place)?;
        Some((object(namespace, name), next))
    }

    fn begin(&mut self, object: &Object, next: Next, version: Option<u64>, now: Instant) {
        self.running += 1;
        self.begun += 1;
        let begun = self.begun;
        let lane = self.lanes.entry(object.namespace.clone()).or_default();
        lane.running += 1;
        lane.passed_over = match lane.oldest(now) {
            Some(oldest) if oldest < next.due => lane.passed_over.saturating_add(1),
            Some(_) | None => 0,
        };
        for served in &mut lane.served[next.urgency() as usize..] {
            *served = begun;
        }
        let entry = lane.objects.entry(object.name.clone()).or_default();
        (entry.next, entry.turn) = (None, None);
        entry.began = Some(now);
        entry.running = Some(Box::new(Running {
            rank: next.rank,
            version,
            waited: now.saturating_duration_since(next.due),
            gone: false,
        }));
    }

    /// A pass has ended.
    pub(super) fn finished(&mut self, object: &Object, requeue: Requeue, now: Instant) {
        let Some(running) = self.known(object).and_then(|entry| entry.running.take()) else {
            return;
        };
        self.running -= 1;
        if let Some(lane) = self.lanes.get_mut(&object.namespace) {
            lane.running -= 1;
        }
        let gone = running.gone;
        let entry = self.entry(object);
        let mut later = |rank, delay: Duration| {
            // What it was asked for meanwhile is due now.
            entry.next.get_or_insert(Next {
                rank,
                due: now + delay.min(FAR),
                is_turn: false,
            });
        };
        match requeue {
            _ if gone => {}
            Requeue::Yielded => entry.ask(running.rank, now),
            Requeue::After(delay) => later(Rank::Repair, delay),
            Requeue::Turn { turn, after } => {
                later(Rank::Repair, after);
                entry.turn = Some(now + turn.min(FAR));
            }
            Requeue::Resync(delay) => later(Rank::Resync, delay),
            Requeue::Never => {}
        }
        if gone {
            self.forget(object);
        }
    }

    /// True if another pass would begin, were the slot of this object's pass free.
    pub(super) fn wants_slot_of(&self, object: &Object, now: Instant) -> bool {
        self.next(now, Some(&object.namespace), Only::All).is_some()
    }

    /// When the next object falls due that does not wait yet.
    pub(super) fn next_due(&self, now: Instant) -> Option<Instant> {
        let entries = self.lanes.values().flat_map(|lane| lane.objects.values());
        let later = entries
            .filter(|entry| entry.running.is_none())
            .flat_map(|entry| [entry.next.map(|next| next.due), entry.turn]);
        later.flatten().filter(|due| *due > now).min()
    }

    /// Returns the number of objects of a rank that wait for a slot, and for how long the first of them has.
    pub(super) fn waiting(&self, rank: Rank, now: Instant) -> (usize, Duration) {
        let entries = self.lanes.values().flat_map(|lane| lane.objects.values());
        let waiting = entries
            .filter_map(|entry| entry.waiting(now))
            .filter(|next| next.rank == rank);
        waiting.fold((0, Duration::ZERO), |(length, age), next| {
            (length + 1, age.max(now.duration_since(next.due)))
        })
    }

    pub(super) fn running(&self) -> usize {
        self.running
    }

    /// Returns when each pass under way began.
    pub(super) fn begun(&self) -> Vec<Instant> {
        let entries = self.lanes.values().flat_map(|lane| lane.objects.values());
        let running = entries.filter(|entry| entry.running.is_some());
        running.filter_map(|entry| entry.began).collect()
    }

    /// Returns for how long the pass under way over an object had waited for its slot.
    pub(super) fn waited(&self, object: &Object) -> Duration {
        let lane = self.lanes.get(&object.namespace);
        let entry = lane.and_then(|lane| lane.objects.get(&object.name));
        let running = entry.and_then(|entry| entry.running.as_ref());
        running.map(|running| running.waited).unwrap_or_default()
    }

    pub(super) fn slots(&self) -> usize {
        self.slots.all
    }

    fn objects(&self) -> Vec<Object> {
        let lanes = self.lanes.iter();
        lanes
            .flat_map(|(namespace, lane)| lane.objects.keys().map(move |name| object(namespace, name)))
            .collect()
    }

    fn entry(&mut self, object: &Object) -> &mut Entry {
        let lane = self.lanes.entry(object.namespace.clone()).or_default();
        lane.objects.entry(object.name.clone()).or_default()
    }

    fn known(&mut self, object: &Object) -> Option<&mut Entry> {
        self.lanes
            .get_mut(&object.namespace)?
            .objects
            .get_mut(&object.name)
    }

    /// Keeps nothing of an object that is gone, unless another of its name has come.
    fn forget(&mut self, object: &Object) {
        let Some(lane) = self.lanes.get_mut(&object.namespace) else {
            return;
        };
        let is_void = |entry: &Entry| entry.running.is_none() && entry.next.is_none() && entry.turn.is_none();
        if lane.objects.get(&object.name).is_some_and(is_void) {
            lane.objects.remove(&object.name);
        }
        if lane.objects.is_empty() {
            self.lanes.remove(&object.namespace);
        }
    }
}

fn object(namespace: &str, name: &str) -> Object {
    Object {
        namespace: namespace.into(),
        name: name.into(),
    }
}

#[cfg(test)]
mod tests;
