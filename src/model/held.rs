//! The things that an App had, as far as is remembered. AWS's lists may leave some of them out, and so a list in which one
//! is missing decides nothing: it is asked for by name before anything is created or destroyed for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::desired::{Desired, RecordKey};
use super::keeping::kept_until;
use super::name::Arn;
use super::named::Named;
use super::owner::{Owner, Tags};
use super::part::Part;
use super::record::{RecordSet, ownership_name};
use super::state::{LoadBalancerState, Observed, TargetGroupState};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// True if it carried the App's own tags.
    things: BTreeMap<Named, bool>,
    /// By DNS name, the names of the records that it had: its own, its ownership record's, or both.
    records: BTreeMap<RecordKey, BTreeSet<String>>,
    /// Names in a status, which does not say in which zones they are.
    hostnames: BTreeSet<String>,
    /// The target groups that a process may have, and how many of them it wants: which ones, only AWS tells.
    slots: Vec<([String; 2], usize)>,
    /// No pass of this process has come to its end: what the manifest wants may be there, too.
    pub is_vague: bool,
}

impl Held {
    /// Returns nothing, as far as is remembered.
    pub fn nothing(is_vague: bool) -> Self {
        Held {
            is_vague,
            ..Held::default()
        }
    }

    /// Returns everything that was found, with that of others under names of ours.
    pub fn of(observed: &Observed, owner: &Owner) -> Self {
        let services = observed.services.keys().cloned();
        let schedules = observed.schedules.keys().cloned();
        let claims = observed.ports.claims.iter().map(|claim| Named::Port(claim.port));
        let plain = services
            .map(Named::Service)
            .chain(schedules.map(Named::Schedule))
            .chain(claims);
        let load_balancers = observed.load_balancers.values();
        let load_balancers =
            load_balancers.map(|l| (Named::LoadBalancer(l.name.clone()), owner.owns(&l.tags)));
        let groups = observed.target_groups.values();
        let groups = groups.map(|g| (Named::TargetGroup(g.name.clone()), owner.owns(&g.tags)));
        let things = plain
            .map(|named| (named, true))
            .chain(load_balancers)
            .chain(groups);
        let mut held = Held {
            things: things.collect(),
            ..Held::default()
        };
        for (zone, state) in &observed.zones {
            // What is kept is nobody's.
            let is_had = |record: &&Arc<RecordSet>| kept_until(&record.text()).is_none();
            for record in state.records.iter().filter(is_had) {
                let name = record.about();
                let key = RecordKey {
                    zone: zone.clone(),
                    name: name.into(),
                };
                held.records.entry(key).or_default().insert(record.name.clone());
            }
        }
        held
    }

    /// Remembers one thing of the App's own.
    pub fn hold(&mut self, named: Named) {
        if let Named::Name(key) = named {
            self.hold_name(key);
        } else {
            self.things.insert(named, true);
        }
    }

    /// Remembers what may be there, whoever has it.
    pub fn hold_perhaps(&mut self, named: Named) {
        if let Named::Name(key) = named {
            self.hold_name(key);
        } else {
            self.things.entry(named).or_insert(false);
        }
    }

    /// Remembers what another one does, too.
    pub fn extend(&mut self, other: Held) {
        let Held {
            things,
            records,
            hostnames,
            slots,
            is_vague,
        } = other;
        self.things.extend(things);
        for (key, names) in records {
            self.records.entry(key).or_default().extend(names);
        }
        self.hostnames.extend(hostnames);
        self.slots.extend(slots);
        self.is_vague |= is_vague;
    }

    /// Remembers a name, in whatever zone it is.
    pub fn hold_hostname(&mut self, name: &str) {
        self.hostnames.insert(name.into());
    }

    fn hold_name(&mut self, key: RecordKey) {
        let records = [ownership_name(&key.name), key.name.clone()];
        self.records.entry(key).or_default().extend(records);
    }

    /// Remembers what is wanted, which a pass that did not come to its end may have made, whoever has it now.
    pub fn hold_wanted(&mut self, desired: &Desired) {
        let mut hold = |named| {
            self.things.entry(named).or_insert(false);
        };
        for process in desired.processes.values() {
            if let Some(schedule) = process.schedule() {
                hold(Named::Schedule(schedule.name.clone()));
            }
            if let Some(balancing) = &process.load_balancing {
                hold(Named::LoadBalancer(balancing.load_balancer.name.clone()));
                self.slots.push((balancing.slots.clone(), balancing.ports.len()));
            }
        }
        for key in desired.records.keys() {
            self.hold_name(key.clone());
        }
    }

    /// Finds the zones of names that a status speaks of; and takes what is wanted for held, where that is vague.
    pub fn complete(&mut self, desired: &Desired) {
        if self.is_vague {
            self.hold_wanted(desired);
        }
        for name in std::mem::take(&mut self.hostnames) {
            if self.records.keys().any(|key| key.name == name) {
                continue;
            }
            for zone in &desired.place.zones {
                self.hold_name(RecordKey {
                    zone: zone.clone(),
                    name: name.clone(),
                });
            }
        }
    }

    /// Forgets what is in parts that are not read, since the App has never had anything there.
    pub fn retain(&mut self, is_read: impl Fn(&Part) -> bool) {
        let is_read = |named: &Named| named.part().is_none_or(|part| is_read(&part));
        self.things.retain(|named, _| is_read(named));
        self.slots
            .retain(|([slot, _], _)| is_read(&Named::TargetGroup(slot.clone())));
    }

    /// Returns the DNS names that the App had.
    pub fn names(&self) -> impl Iterator<Item = &RecordKey> {
        self.records.keys()
    }

    /// Returns the things that were there before, or that others which are there refer to, and that were not found: neither
    /// in a list nor by name.
    pub fn missing(&self, desired: &Desired, observed: &Observed) -> BTreeSet<Named> {
        let (place, owner) = (&desired.place, &desired.owner);
        let is_found = |(named, ours): &(&Named, &bool)| {
            let is_it = |tags: &Tags| !**ours || owner.owns(tags);
            match named {
                Named::Service(name) => observed.services.contains_key(name),
                Named::LoadBalancer(name) => {
                    !place.load_balancing || observed.load_balancers.get(name).is_some_and(|l| is_it(&l.tags))
                }
                Named::TargetGroup(name) => {
                    !place.load_balancing || observed.target_groups.get(name).is_some_and(|g| is_it(&g.tags))
                }
                // A group that is wanted was asked for by name, and all of it went with it.
                Named::Schedule(name) => {
                    let has_gone = observed.schedule_group.is_none() && desired.wants(&Part::Schedules);
                    has_gone || observed.schedules.contains_key(name)
                }
                Named::Port(port) => {
                    place.host_ports.is_none()
                        || observed.ports.claims.iter().any(|claim| claim.port == *port)
                }
                Named::ScalableTarget(_)
                | Named::Listeners(_)
                | Named::Name(_)
                | Named::LogGroup(_)
                | Named::ReleaseTask => true,
            }
        };
        let things = self.things.iter().filter(|held| !is_found(held));
        let mut missing: BTreeSet<Named> = things.map(|(named, _)| named.clone()).collect();
        missing.extend(self.missing_names(observed));
        if place.load_balancing {
            for (slots, wanted) in &self.slots {
                let there = slots
                    .iter()
                    .filter(|name| observed.target_groups.contains_key(*name));
                if there.count() < *wanted {
                    let absent = slots
                        .iter()
                        .filter(|name| !observed.target_groups.contains_key(*name));
                    missing.extend(absent.cloned().map(Named::TargetGroup));
                }
            }
            missing.extend(dangling(owner, observed));
        }
        let is_unread = |named: &Named| named.part().is_some_and(|part| observed.is_unread(&part));
        missing.retain(|named| !observed.fresh.contains(named) && !is_unread(named));
        missing
    }

    fn missing_names(&self, observed: &Observed) -> impl Iterator<Item = Named> {
        let is_missing = move |(key, held): &(&RecordKey, &BTreeSet<String>)| {
            let zone = observed.zones.get(&key.zone);
            let is_there = |name: &String| {
                let mut records = zone.into_iter().flat_map(|zone| &zone.records);
                records.any(|record| record.name == *name)
            };
            zone.is_some() && !held.iter().all(is_there)
        };
        let names = self.records.iter().filter(is_missing);
        names.map(|(key, _)| Named::Name(key.clone()))
    }
}

/// Returns what the App's services, listeners and target groups lead to, and what was not found.
fn dangling(owner: &Owner, observed: &Observed) -> BTreeSet<Named> {
    let services = observed.services.values().filter(|found| owner.owns(&found.tags));
    let attached = services.flat_map(|service| service.attachments.iter().map(|a| &a.target_group));
    let is_ours = |found: &&LoadBalancerState| owner.owns(&found.tags);
    let load_balancers = observed.load_balancers.values().filter(is_ours);
    let listeners = load_balancers.flat_map(|found| found.listeners.iter().flatten());
    let groups = attached.chain(listeners.filter_map(|listener| listener.forwards_to()));
    let groups = groups.filter_map(Arn::name);
    // Under its name is another's, or one whose tags were left out.
    let knows_group = |name: &&str| {
        let found = observed.target_groups.get(*name);
        found.is_some_and(|found| owner.owns(&found.tags))
    };
    let groups = groups.filter(|name| !knows_group(name));
    let is_ours = |found: &&TargetGroupState| owner.owns(&found.tags);
    let in_front = observed.target_groups.values().filter(is_ours);
    let in_front = in_front
        .flat_map(|group| &group.load_balancers)
        .filter_map(Arn::name);
    let in_front = in_front.filter(|name| !observed.load_balancers.contains_key(*name));
    let groups = groups.map(|name| Named::TargetGroup(name.into()));
    groups
        .chain(in_front.map(|name| Named::LoadBalancer(name.into())))
        .collect()
}

#[cfg(test)]
mod tests;
