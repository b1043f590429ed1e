//! The ways to read AWS, of all Platforms together: each with its own role.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use super::memory::lock;
use crate::aws::{Account, AwsSettings};
use crate::budget::Place;
use crate::inventory::Key;

/// The ways to read one place.
type Ways = BTreeMap<AwsSettings, Arc<dyn Account>>;

/// The ways to read AWS, by place.
#[derive(Default)]
pub(super) struct Readers(Mutex<BTreeMap<Place, Ways>>);

impl Readers {
    /// Notes a way to read a place.
    pub(super) fn note(&self, place: Place, settings: AwsSettings, aws: Arc<dyn Account>) {
        lock(&self.0).entry(place).or_default().insert(settings, aws);
    }

    /// Returns the ways to read a list. A zone is in no region, and any of its account's regions' clients reads it.
    pub(super) fn of(&self, key: &Key) -> Vec<Arc<dyn Account>> {
        let readers = lock(&self.0);
        let there = readers.iter().filter(|(place, _)| key.is_in(place));
        there.flat_map(|(_, readers)| readers.values().cloned()).collect()
    }

    /// Forgets the ways of Platforms that are gone or have changed theirs.
    pub(super) fn keep(&self, settings: &BTreeSet<AwsSettings>) {
        let mut readers = lock(&self.0);
        for ways in readers.values_mut() {
            ways.retain(|way, _| settings.contains(way));
        }
        readers.retain(|_, ways| !ways.is_empty());
    }

    /// Forgets an account.
    pub(super) fn forget(&self, account: Option<&str>) {
        lock(&self.0).retain(|place, _| place.account.as_deref() != account);
    }
}
