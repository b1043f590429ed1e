//! Things whose tags say whose they are, and the Apps that wait for some of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::entries::{Entries, Fact};
use crate::model::owner::{AppName, Tags, installation_and_app};
use crate::model::state::{LoadBalancerState, ServiceState, TargetGroupState};

pub(super) trait Owned: Fact {
    fn name(&self) -> &str;

    fn tags(&self) -> &Tags;

    fn tags_mut(&mut self) -> &mut Tags;

    fn owner(&self) -> Option<AppName> {
        installation_and_app(self.tags()).map(|(_, app)| app)
    }
}

impl Fact for ServiceState {}

impl Fact for LoadBalancerState {
    fn is_listed_as(&self, other: &Self) -> bool {
        let LoadBalancerState {
            name,
            arn,
            dns_name,
            zone_id,
            status,
            subnets,
            security_groups,
            tags,
            listeners: _,
            attributes: _,
        } = self;
        (name, arn, dns_name, zone_id) == (&other.name, &other.arn, &other.dns_name, &other.zone_id)
            && (status, tags) == (&other.status, &other.tags)
            && (subnets, security_groups) == (&other.subnets, &other.security_groups)
    }
}

impl Fact for TargetGroupState {
    fn is_listed_as(&self, other: &Self) -> bool {
        let TargetGroupState {
            name,
            arn,
            check,
            load_balancers,
            tags,
            attributes: _,
        } = self;
        (name, arn, check) == (&other.name, &other.arn, &other.check)
            && (load_balancers, tags) == (&other.load_balancers, &other.tags)
    }
}

impl Owned for ServiceState {
    fn name(&self) -> &str {
        &self.name
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn tags_mut(&mut self) -> &mut Tags {
        &mut self.tags
    }
}

impl Owned for LoadBalancerState {
    fn name(&self) -> &str {
        &self.name
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn tags_mut(&mut self) -> &mut Tags {
        &mut self.tags
    }
}

impl Owned for TargetGroupState {
    fn name(&self) -> &str {
        &self.name
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn tags_mut(&mut self) -> &mut Tags {
        &mut self.tags
    }
}

impl<T: Owned> Entries<T> {
    /// Takes a fact about one thing. Returns the Apps to which that is news: whose it was, and whose it is.
    pub(super) fn take(&mut self, name: &str, fact: impl FnOnce(&mut Self) -> bool) -> Vec<AppName> {
        let before = self.get(name).and_then(Owned::owner);
        if !fact(self) {
            return Vec::new();
        }
        let after = self.get(name).and_then(Owned::owner);
        before.into_iter().chain(after).collect()
    }

    /// Takes the answer about some names. Returns the Apps to which it is news.
    pub(super) fn read_all<'a>(
        &mut self,
        names: impl IntoIterator<Item = &'a String>,
        found: &[Arc<T>],
        asked: Timestamp,
    ) -> BTreeSet<AppName> {
        let mut changed = BTreeSet::new();
        for name in names {
            let now = found.iter().find(|found| found.name() == name).cloned();
            changed.extend(self.take(name, |all| all.read_shared(name, now, asked)));
        }
        changed
    }

    /// Returns what a list shows without its tags: what is known, if nothing else of it is otherwise.
    pub(super) fn known_or(&self, mut listed: T) -> Arc<T> {
        let Some(known) = self.shared(listed.name()) else {
            return Arc::new(listed);
        };
        listed.tags_mut().clone_from(known.tags());
        if known.is_listed_as(&listed) {
            known.clone()
        } else {
            Arc::new(listed)
        }
    }

    /// Takes what a list shows, likewise.
    pub(super) fn list_all(&mut self, found: Vec<Arc<T>>, asked: Timestamp) -> BTreeSet<AppName> {
        let mut changed = BTreeSet::new();
        for now in found {
            let name = now.name().to_owned();
            changed.extend(self.take(&name, |all| all.listed(&name, now, asked)));
        }
        changed
    }

    /// Returns those of the named things that are there, and the names that were not read at that time or since.
    pub(super) fn read_since(&self, names: &[String], time: Timestamp) -> (Vec<T>, Vec<String>) {
        let (mut found, mut unknown) = (Vec::new(), Vec::new());
        for name in names {
            if self.is_read_since(name, time) {
                found.extend(self.get(name).cloned());
            } else {
                unknown.push(name.clone());
            }
        }
        (found, unknown)
    }
}

/// The names that Apps wait for.
#[derive(Debug, Default)]
pub(super) struct Awaited(BTreeMap<AppName, BTreeSet<String>>);

impl Awaited {
    /// Notes what an App waits for from now on.
    pub(super) fn note(&mut self, app: &AppName, names: BTreeSet<String>) {
        if names.is_empty() {
            self.0.remove(app);
        } else {
            self.0.insert(app.clone(), names);
        }
    }

    /// Returns all names.
    pub(super) fn names(&self) -> Vec<String> {
        self.0.values().flatten().cloned().collect()
    }
}
