//! What a Platform's own pass needs to know of its zones, out of the lists that all Apps share: it costs no call.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Clock, Inventory, Key, Learned};
use crate::aws::Result;
use crate::budget::Place;
use crate::lists::Zones;
use crate::model::record::RecordSet;

/// The lists of one Platform.
pub struct ZoneLists<'a> {
    pub inventory: &'a Inventory,
    pub place: Place,
    /// The interval at which lists are read.
    pub resync: Duration,
    pub clock: Clock<'a>,
}

#[async_trait]
impl Zones for ZoneLists<'_> {
    fn name(&self, zone: &str) -> Option<String> {
        let unit = self.inventory.records.known(&Key::of_zone(&self.place, zone))?;
        let is_known = unit.is_young((self.clock)(), self.resync);
        is_known.then(|| unit.content().apex().map(Into::into)).flatten()
    }

    async fn kept(&self, zone: &str, installation: &str) -> Result<Option<Vec<Arc<RecordSet>>>> {
        let unit = self.inventory.records.want(&Key::of_zone(&self.place, zone));
        unit.ask((self.clock)());
        Ok(unit.content().kept(installation))
    }

    fn removed(&self, zone: &str, names: &BTreeSet<String>) {
        if let Some(unit) = self.inventory.records.known(&Key::of_zone(&self.place, zone)) {
            let written = Learned::Written((self.clock)());
            unit.content().unmarked(names, written);
        }
    }
}
