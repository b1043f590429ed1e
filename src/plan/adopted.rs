//! What stays of a process that is to have no service any more, since its service was adopted: see [`crate::model::adopted`].
//!
//! A service cannot start tasks without the target groups that it is attached to. So those stay, with their load balancer, the
//! names that lead there and the host ports. The service alone has the mark that says so, and is untagged last: a pass that
//! stops in the middle goes on from there, and what the service needs is never taken for something that nobody uses.

use std::iter;

use super::untag::with_listeners;
use super::view::View;
use super::{Pending, Plan, ports, route53};
use crate::change::{Change, ServiceWrite, Tagged};
use crate::model::desired::Adopted;
use crate::model::name::family;
use crate::model::part::Part;
use crate::model::state::{LoadBalancerState, ServiceState};

impl View<'_> {
    /// Returns true for a process without a wanted service whose service stays, or may, where it could not be read.
    pub(super) fn keeps(&self, process: &str) -> bool {
        let is_unread = self.is_unread(&Part::Ecs) && !self.is_service(process);
        let Adopted { stays, may_be_there } = self.desired.adopted;
        self.service(process)
            .map_or(stays && may_be_there && is_unread, |service| {
                self.desired.leaves(service)
            })
    }

    /// Returns true if the time has come to let go of such a process: what it is to be instead is there.
    pub(super) fn lets_go(&self, process: &str) -> bool {
        self.service(process)
            .is_some_and(|service| self.desired.leaves(service))
            && !self.is_unread(&Part::Ecs)
            && self.runs_otherwise(process)
    }

    /// Returns true for a load balancer of ours that a service which stays is attached to, and for a target group behind it:
    /// a listener may still forward to one that the service is attached to no more, or not yet.
    pub(super) fn is_kept(&self, name: &str) -> bool {
        let in_front = self.in_front_of(name).iter().map(|found| found.name.as_str());
        let mut all = iter::once(name).chain(in_front);
        all.any(|name| self.attached_to(name).is_some_and(|process| self.keeps(process)))
    }

    /// Returns the load balancers and target groups of ours that belong to a process and that nobody wants any more.
    fn balancing_of(&self, process: &str) -> impl Iterator<Item = &str> {
        let load_balancers = self
            .unwanted_load_balancers()
            .filter(move |found| self.user_of(found) == process);
        let owner = &self.desired.owner;
        let groups = self.observed.target_groups.values().filter(move |group| {
            let of = self.attached_to(&group.name).or(owner.process_of(&group.tags));
            owner.owns(&group.tags) && !self.is_wanted(&group.name) && of == Some(process)
        });
        let groups = groups.map(|group| group.name.as_str());
        load_balancers.map(|found| found.name.as_str()).chain(groups)
    }

    /// Returns true if more than the service of a process is ours.
    fn has_more(&self, process: &str) -> bool {
        let mut claims = self.claims().filter(|claim| claim.owner.process == process);
        self.balancing_of(process).next().is_some()
            || claims.any(|claim| !claim.retained || !ports::is_used(self, claim))
            || route53::has_names(self, process)
            || self
                .scalable_target(&family(&self.desired.owner.app, process))
                .is_some()
            || self.observed.may_be_scaled(process)
    }
}

/// Untags a service once nothing else of its process is ours.
pub(super) fn untag_service(view: &View<'_>, plan: &mut Plan, process: &str, found: &ServiceState) {
    if !view.has_more(process) {
        plan.changes.push(Change::of(
            process,
            ServiceWrite::Untag {
                service: found.name.clone(),
            },
        ));
    } else if view
        .balancing_of(process)
        .any(|name| !view.is_released(process, name) && !view.is_kept(name))
    {
        // Tasks of an older deployment may still be behind what goes.
        plan.pending.push(Pending::Rollout {
            process: process.into(),
            service: found.name.clone(),
        });
    }
}

/// Returns what is untagged next of a load balancer that stays: the target groups behind it that no service is attached to,
/// which are kept for its sake alone; then itself behind its listeners. Those that the service is attached to come after it, in
/// another call: by them alone the service is seen to be attached to it, and AWS does not say that a call happens whole.
pub(super) fn next_of(view: &View<'_>, load_balancer: &LoadBalancerState) -> Vec<Tagged> {
    let groups = view.observed.target_groups.values().filter(|group| {
        let mut in_front = view.in_front_of(&group.name).iter();
        in_front.any(|found| found.name == load_balancer.name)
            && view.attached_to(&group.name).is_none()
            && !view.is_wanted(&group.name)
    });
    let groups: Vec<Tagged> = groups
        .map(|group| Tagged::TargetGroup(group.name.clone()))
        .collect();
    if groups.is_empty() {
        return with_listeners(&view.desired.owner, load_balancer);
    }
    groups
}

#[cfg(test)]
mod tests;
