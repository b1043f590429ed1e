//! Tags of load balancers, target groups and listeners.

use std::fmt;

use super::Basis;
use crate::model::desired::Desired;
use crate::model::echo::Echo;
use crate::model::exclusive::Exclusive;
use crate::model::named::Named;
use crate::model::owner::{OWNER_TAG, Tags};
use crate::model::state::{LoadBalancerState, Observed};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TagsWrite {
    /// The same tags for up to 20 resources.
    Add { resources: Vec<Tagged>, tags: Tags },
    /// Takes the owner's tag away from up to 20 resources. The tags that say of which App and process they were stay.
    Remove { resources: Vec<Tagged> },
}

/// A part of load balancing that carries tags.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tagged {
    LoadBalancer(String),
    Listener { load_balancer: String, port: u16 },
    TargetGroup(String),
}

impl TagsWrite {
    /// The most resources that one call takes:
    /// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AddTags.html>.
    pub const RESOURCES: usize = 20;

    pub(super) fn operation(&self) -> &'static str {
        match self {
            TagsWrite::Add { .. } => "elasticloadbalancing:AddTags",
            TagsWrite::Remove { .. } => "elasticloadbalancing:RemoveTags",
        }
    }

    /// Returns what gets the tags, or loses them.
    pub fn resources(&self) -> &[Tagged] {
        match self {
            TagsWrite::Add { resources, .. } | TagsWrite::Remove { resources } => resources,
        }
    }

    pub(super) fn resource(&self) -> String {
        let name = |resource: &Tagged| match resource {
            Tagged::LoadBalancer(name) | Tagged::TargetGroup(name) => name.clone(),
            Tagged::Listener { load_balancer, port } => format!("{load_balancer}:{port}"),
        };
        let names: Vec<String> = self.resources().iter().map(name).collect();
        names.join(", ")
    }

    /// Returns the resources that lose their owner, and may then be adopted.
    pub(super) fn releases(&self) -> Vec<Exclusive> {
        match self {
            TagsWrite::Add { .. } => Vec::new(),
            TagsWrite::Remove { resources } => resources.iter().map(exclusive).collect(),
        }
    }

    /// What stays with services that were adopted stays if they are there.
    pub(super) fn rests_on(&self, desired: &Desired, observed: &Observed) -> Basis {
        match self {
            TagsWrite::Add { .. } => Basis::Lists,
            TagsWrite::Remove { .. } => {
                let services = observed.services.values().filter(|found| desired.leaves(found));
                let services = services.map(|found| Named::Service(found.name.clone()));
                Basis::singly(self.things().into_iter().chain(services))
            }
        }
    }

    pub(super) fn things(&self) -> Vec<Named> {
        let named = |resource: &Tagged| match resource {
            Tagged::LoadBalancer(name) => Named::LoadBalancer(name.clone()),
            Tagged::TargetGroup(name) => Named::TargetGroup(name.clone()),
            Tagged::Listener { load_balancer, .. } => Named::Listeners(load_balancer.clone()),
        };
        self.resources().iter().map(named).collect()
    }

    pub(super) fn echo(&self, observed: &Observed) -> Option<(String, Echo)> {
        let TagsWrite::Add { resources, tags } = self else {
            return None;
        };
        let found: Vec<_> = resources
            .iter()
            .map(|resource| tags_of(observed, resource))
            .collect();
        Some((format!("tags of {resources:?}"), Echo::new(&[tags], &[&found])))
    }

    pub(super) fn fold(&self, observed: &mut Observed) {
        for resource in self.resources() {
            let Some(known) = known(observed, resource) else {
                continue;
            };
            match self {
                TagsWrite::Add { tags, .. } => known.extend(tags.clone()),
                TagsWrite::Remove { .. } => remove_owner(known),
            }
        }
    }
}

/// `None` where they were not read.
fn known<'a>(observed: &'a mut Observed, resource: &Tagged) -> Option<&'a mut Tags> {
    match resource {
        Tagged::LoadBalancer(name) => observed.load_balancers.get_mut(name).map(|l| &mut l.tags),
        Tagged::TargetGroup(name) => observed.target_groups.get_mut(name).map(|g| &mut g.tags),
        Tagged::Listener { load_balancer, port } => {
            let state = observed.load_balancers.get_mut(load_balancer)?;
            let mut listeners = state.listeners.iter_mut().flatten();
            listeners.find(|listener| listener.port == *port)?.tags.as_mut()
        }
    }
}

pub(super) fn remove_owner(tags: &mut Tags) {
    tags.retain(|key, _| key != OWNER_TAG);
}

fn tags_of(observed: &Observed, resource: &Tagged) -> String {
    let balancer = |name: &String| observed.load_balancers.get(name);
    match resource {
        Tagged::LoadBalancer(name) => format!("{:?}", balancer(name).map(|l| &l.tags)),
        Tagged::TargetGroup(name) => format!("{:?}", observed.target_groups.get(name).map(|g| &g.tags)),
        Tagged::Listener { load_balancer, port } => {
            let listeners = |found: &LoadBalancerState| found.listeners.clone().unwrap_or_default();
            let all = balancer(load_balancer).map(listeners).unwrap_or_default();
            format!("{:?}", all.iter().find(|l| l.port == *port).map(|l| &l.tags))
        }
    }
}

impl fmt::Display for TagsWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |resource: &Tagged| match resource {
            Tagged::LoadBalancer(name) | Tagged::TargetGroup(name) => name.clone(),
            Tagged::Listener { load_balancer, port } => format!("listener {port} of {load_balancer}"),
        };
        let names: Vec<String> = self.resources().iter().map(name).collect();
        let names = names.join(", ");
        match self {
            TagsWrite::Add { tags, .. } => write!(f, "tag {names} with {}", listed(tags)),
            TagsWrite::Remove { .. } => write!(f, "untag {names} (Retain)"),
        }
    }
}

pub(super) fn listed(tags: &Tags) -> String {
    let pairs: Vec<String> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    pairs.join(", ")
}

fn exclusive(tagged: &Tagged) -> Exclusive {
    match tagged {
        Tagged::LoadBalancer(name)
        | Tagged::Listener {
            load_balancer: name, ..
        } => Exclusive::LoadBalancer(name.clone()),
        Tagged::TargetGroup(name) => Exclusive::TargetGroup(name.clone()),
    }
}
