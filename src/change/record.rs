//! DNS records.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::{Basis, Verb};
use crate::model::desired::{Adopted, Desired, RecordKey};
use crate::model::echo::Echo;
use crate::model::exclusive::Exclusive;
use crate::model::keeping::kept_until;
use crate::model::named::Named;
use crate::model::owner::process_in_record_text;
use crate::model::record::{RecordChange, RecordContent, RecordKind, RecordSet};
use crate::model::state::Observed;

/// Changes of one zone that happen together or not at all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordBatch {
    pub zone: String,
    pub changes: Vec<RecordChange>,
}

/// Groups changes by the name that they are about: an ownership record is about the name that it marks.
pub fn names_of(changes: &[RecordChange]) -> BTreeMap<String, Vec<RecordChange>> {
    let mut names: BTreeMap<String, Vec<RecordChange>> = BTreeMap::new();
    for change in changes {
        let name = change.record().about();
        names.entry(name.into()).or_default().push(change.clone());
    }
    names
}

/// True if changes only take away.
pub fn makes_nothing(changes: &[RecordChange]) -> bool {
    let deletes = |change: &RecordChange| matches!(change, RecordChange::Delete(_));
    changes.iter().all(deletes)
}

/// The size of a batch as Route 53 limits it:
/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html>.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchSize {
    records: usize,
    /// Of the records' values.
    characters: usize,
}

impl BatchSize {
    pub const RECORDS: usize = 1_000;
    pub const CHARACTERS: usize = 32_000;

    /// Adds changes, if a batch takes them, too. An empty one takes any, so that none waits for ever.
    pub fn takes(&mut self, changes: &[RecordChange]) -> bool {
        let characters = |change: &RecordChange| match &change.record().content {
            RecordContent::Values { values, .. } => values.iter().map(String::len).sum(),
            RecordContent::Alias { .. } | RecordContent::Routed { .. } => 0,
        };
        let with = BatchSize {
            records: self.records + changes.len(),
            characters: self.characters + changes.iter().map(characters).sum::<usize>(),
        };
        let fits = with.records <= Self::RECORDS && with.characters <= Self::CHARACTERS;
        let takes = fits || self.records == 0;
        if takes {
            *self = with;
        }
        takes
    }
}

impl RecordBatch {
    /// A batch that makes some names and takes others away changes names.
    pub(super) fn verb(&self) -> Verb {
        let creates = |change: &RecordChange| matches!(change, RecordChange::Create(_));
        if self.changes.iter().all(creates) {
            Verb::Created
        } else if self.changes.iter().any(creates) {
            Verb::Updated
        } else {
            Verb::Deleted
        }
    }

    #[expect(clippy::unused_self, reason = "asked of every noun")]
    pub(super) fn operation(&self) -> &'static str {
        "route53:ChangeResourceRecordSets"
    }

    /// True if an alias is among the records: a zone's own name can be nothing else.
    pub(super) fn has_alias(&self) -> bool {
        let mut contents = self.changes.iter().map(|change| &change.record().content);
        contents.any(|content| matches!(content, RecordContent::Alias { .. }))
    }

    /// Names the zone and the names.
    pub fn resource(&self) -> String {
        let names: Vec<String> = names_of(&self.changes).into_keys().collect();
        format!("{}: {}", self.zone, names.join(", "))
    }

    pub(super) fn releases(&self) -> Vec<Exclusive> {
        let deletes = |change: &RecordChange| matches!(change, RecordChange::Delete(_));
        let names = names_of(&self.changes).into_iter();
        names
            .filter(|(_, changes)| changes.iter().any(deletes))
            .map(|(name, _)| Exclusive::name(&self.zone, &name))
            .collect()
    }

    fn keys(&self) -> impl Iterator<Item = RecordKey> {
        let names = names_of(&self.changes).into_keys();
        names.map(|name| RecordKey {
            zone: self.zone.clone(),
            name,
        })
    }

    /// A record that goes is compared by AWS itself, with the ownership record beside it: a batch happens whole or not at
    /// all. But a name that is taken away from somewhere leads to a load balancer that is there, and to a service behind it; and
    /// of an App that has adopted something, one that goes was not that of a service which stays.
    pub(super) fn rests_on(&self, desired: &Desired, service: impl Fn(&str) -> Named) -> Basis {
        let deletes = |change: &RecordChange| matches!(change, RecordChange::Delete(_));
        if !self.changes.iter().any(deletes) {
            return Basis::Lists;
        }
        let wanted = self.keys().filter_map(|key| desired.records.get(&key));
        let wanted = wanted.flat_map(|record| {
            let load_balancer = Named::LoadBalancer(record.load_balancer.clone());
            [service(&record.process), load_balancer]
        });
        let Adopted { stays, may_be_there } = desired.adopted;
        let texts = self.changes.iter().filter_map(|change| match change {
            RecordChange::Delete(record) if stays && may_be_there => Some(record.text()),
            RecordChange::Delete(_) | RecordChange::Create(_) => None,
        });
        let gone = texts.filter_map(|text| Some(service(process_in_record_text(&text)?)));
        Basis::singly(wanted.chain(gone))
    }

    pub(super) fn things(&self) -> Vec<Named> {
        self.keys().map(Named::Name).collect()
    }

    pub(super) fn echo(&self, observed: &Observed) -> Option<(String, Echo)> {
        let RecordBatch { zone, changes } = self;
        let names = names_of(changes);
        let is_named = |record: &&Arc<RecordSet>| names.contains_key(record.about());
        let state = observed.zones.get(zone).into_iter();
        let records = state.flat_map(|zone| &zone.records).filter(is_named);
        let mut found: Vec<String> = records.map(|r| format!("{r:?}")).collect();
        found.sort();
        if found.is_empty() {
            return None;
        }
        let names: Vec<&String> = names.keys().collect();
        Some((
            format!("records {names:?} of zone {zone}"),
            Echo::new(&[changes], &[&found]),
        ))
    }

    pub(super) fn fold(&self, observed: &mut Observed) {
        for change in &self.changes {
            if let RecordChange::Delete(record) = change
                && let Some(target) = record.target()
                && let Some(was) = observed.load_balancers.values().find(|l| l.host() == target)
            {
                let ttl = observed.replaced_ttl.entry(was.name.clone()).or_default();
                *ttl = record.ttl().max(*ttl);
                // Whatever it waited before, the wait begins now.
                observed.waits_over.remove(&was.name);
            }
        }
        let Some(state) = observed.zones.get_mut(&self.zone) else {
            return;
        };
        for change in &self.changes {
            // What was read since may show it already.
            state.records.retain(|known| **known != *change.record());
            if let RecordChange::Create(record) = change {
                state.records.push(record.clone().into());
            }
        }
    }
}

impl fmt::Display for RecordBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "change records in zone {}:", self.zone)?;
        for (index, change) in self.changes.iter().enumerate() {
            let separator = if index == 0 { " " } else { ", " };
            let (sign, record) = match change {
                RecordChange::Delete(record) => ('-', record),
                RecordChange::Create(record) => ('+', record),
            };
            write!(f, "{separator}{sign}{}", Pointing(record))?;
        }
        Ok(())
    }
}

/// A record and where it leads.
struct Pointing<'a>(&'a RecordSet);

impl fmt::Display for Pointing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RecordSet { name, kind, content } = self.0;
        if *kind == RecordKind::Txt {
            write!(f, "{name} TXT")?;
            return match kept_until(&self.0.text()) {
                Some(until) => write!(f, " (free until {until})"),
                None => Ok(()),
            };
        }
        write!(f, "{name} {} ", kind.as_str())?;
        match content {
            RecordContent::Values { ttl, values } => write!(f, "{} (TTL {ttl} s)", values.join(" ")),
            RecordContent::Alias { target, .. } => write!(f, "alias of {target}"),
            RecordContent::Routed { .. } => f.write_str("with a routing policy"),
        }
    }
}
