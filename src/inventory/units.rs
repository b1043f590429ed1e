//! The lists of one kind, each under its key.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::sweep::{Content, Key};
use super::{State, Unit};
use crate::aws::AwsError;
use crate::budget::Place;

/// All lists of one kind.
#[derive(Debug)]
pub struct Units<T> {
    all: Mutex<BTreeMap<Key, Arc<Unit<T>>>>,
    /// Those that nobody sweeps yet.
    new: Mutex<Vec<Key>>,
}

impl<T> Default for Units<T> {
    fn default() -> Self {
        Units {
            all: Mutex::default(),
            new: Mutex::default(),
        }
    }
}

impl<T: Content> Units<T> {
    fn all(&self) -> MutexGuard<'_, BTreeMap<Key, Arc<Unit<T>>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn known(&self, key: &Key) -> Option<Arc<Unit<T>>> {
        self.all().get(key).cloned()
    }

    /// Returns a list; a new one, if nobody has asked for it before.
    pub fn want(&self, key: &Key) -> Arc<Unit<T>> {
        let mut all = self.all();
        if let Some(known) = all.get(key) {
            return known.clone();
        }
        let unit = Arc::new(Unit::default());
        all.insert(key.clone(), unit.clone());
        let mut new = self.new.lock().unwrap_or_else(PoisonError::into_inner);
        new.push(key.clone());
        unit
    }

    /// Takes the lists that are to be swept from now on.
    pub fn take_new(&self) -> Vec<(Key, Arc<Unit<T>>)> {
        let mut new = self.new.lock().unwrap_or_else(PoisonError::into_inner);
        let new = std::mem::take(&mut *new);
        new.into_iter()
            .filter_map(|key| Some((key.clone(), self.known(&key)?)))
            .collect()
    }

    /// True as long as the list under this key is this one.
    pub fn has(&self, key: &Key, unit: &Arc<Unit<T>>) -> bool {
        self.known(key).is_some_and(|known| Arc::ptr_eq(&known, unit))
    }

    /// Forgets lists.
    pub fn forget(&self, is_meant: impl Fn(&Key) -> bool) {
        self.all().retain(|key, _| !is_meant(key));
    }

    pub(super) fn each(&self, change: impl Fn(&mut T)) {
        for unit in self.all().values() {
            change(&mut unit.content());
        }
    }

    /// Adds up a number of each list in a place.
    pub(super) fn sum(&self, place: &Place, number: impl Fn(&T) -> u32) -> u32 {
        let all = self.all();
        let there = all.iter().filter(|(key, _)| key.is_in(place));
        there.map(|(_, unit)| number(&unit.content())).sum()
    }

    /// Returns the lists of a kind that are old.
    pub(super) fn old(
        &self,
        kind: &'static str,
        is_meant: impl Fn(&Key) -> bool,
        is_old: impl Fn(&State) -> bool,
    ) -> Vec<Old> {
        let all = self.all();
        let old = all
            .iter()
            .filter(|(key, _)| is_meant(key))
            .filter_map(|(_, unit)| {
                let state = unit.state();
                let read = state.read.filter(|_| is_old(&state))?;
                let error = state.failed.clone();
                Some(Old { kind, read, error })
            });
        old.collect()
    }

    /// Returns when each list was read.
    pub fn read(&self) -> Vec<(Key, Option<Timestamp>)> {
        let all = self.all();
        all.iter().map(|(key, unit)| (key.clone(), unit.read())).collect()
    }
}

/// A list that was not read for long.
#[derive(Clone, Debug)]
pub struct Old {
    /// The kind of what is in it.
    pub kind: &'static str,
    /// When it was last read to its end.
    pub read: Timestamp,
    /// Why it was not read since; `None` where it is being read, and that takes long.
    pub error: Option<AwsError>,
}
