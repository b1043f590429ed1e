//! The names that are kept in a zone, out of the list that all Apps share: it costs no call.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;

use super::{Clock, Inventory, Key, Learned};
use crate::aws::Result;
use crate::budget::Place;
use crate::lists::KeptNames;
use crate::model::record::RecordSet;

/// The lists of one Platform.
pub struct KeptLists<'a> {
    pub inventory: &'a Inventory,
    pub place: Place,
    pub clock: Clock<'a>,
}

impl KeptLists<'_> {
    fn key(&self, zone: &str) -> Key {
        let place = Place {
            region: String::new(),
            ..self.place.clone()
        };
        Key {
            place,
            name: zone.into(),
        }
    }
}

#[async_trait]
impl KeptNames for KeptLists<'_> {
    async fn kept(&self, zone: &str, installation: &str) -> Result<Option<Vec<Arc<RecordSet>>>> {
        let unit = self.inventory.records.want(&self.key(zone));
        unit.ask((self.clock)());
        Ok(unit.content().kept(installation))
    }

    fn removed(&self, zone: &str, names: &BTreeSet<String>) {
        if let Some(unit) = self.inventory.records.known(&self.key(zone)) {
            let written = Learned::Written((self.clock)());
            unit.content().unmarked(names, written);
        }
    }
}
