//! Questions about what is on its way out: who may still use it, and whether what replaces it is there.

use std::collections::BTreeSet;

use super::View;
use crate::model::desired::{DesiredProcess, Runs};
use crate::model::part::Part;
use crate::model::schedule::{Schedule, SchedulePart, ScheduleState};
use crate::model::state::{LoadBalancerState, ServiceStatus};

/// The variable that a process has while it is exposed, and that goes with its port.
const PORT: &str = "PORT";

impl<'a> View<'a> {
    /// Returns our load balancers that no process wants.
    pub(in crate::plan) fn unwanted_load_balancers(&self) -> impl Iterator<Item = &'a LoadBalancerState> {
        let all = self.observed.load_balancers.values();
        all.filter(|l| self.desired.owner.owns(&l.tags) && !self.is_wanted(&l.name))
    }

    /// Returns the process whose service is attached to it, else the one in its tags, which may have been changed by hand.
    pub(in crate::plan) fn user_of(&self, load_balancer: &'a LoadBalancerState) -> &'a str {
        let tagged = || self.desired.owner.process_of(&load_balancer.tags);
        let attached = self.attached_to(&load_balancer.name);
        attached.or_else(tagged).unwrap_or_default()
    }

    /// Returns true for an unwanted load balancer to which clients may still be sent.
    pub(in crate::plan) fn is_held(&self, load_balancer: &'a LoadBalancerState) -> bool {
        let name = &load_balancer.name;
        let waits = || self.is_remembered(load_balancer) && !self.observed.waits_over.contains(name);
        !self.is_wanted(name) && (self.is_named(name) || waits())
    }

    /// Returns true if names were taken from a load balancer in front of this target group, so that its replacement is
    /// complete, and only other content rolls out.
    pub(in crate::plan) fn had_names(&self, target_group: &str) -> bool {
        let mut in_front = self.in_front_of(target_group).iter();
        in_front.any(|l| self.observed.waiting.get(&l.name).is_some_and(Option::is_some))
    }

    /// Returns true if resolvers, or readers of the status, may know its name: it serves a process that stays, or did.
    pub(in crate::plan) fn is_remembered(&self, load_balancer: &'a LoadBalancerState) -> bool {
        self.is_service(self.user_of(load_balancer))
            && (self.is_waiting(load_balancer) || self.attached_to(&load_balancer.name).is_some())
    }

    /// Returns true if it waits since an earlier pass, or has just lost a name in this one.
    pub(in crate::plan) fn is_waiting(&self, load_balancer: &LoadBalancerState) -> bool {
        let name = &load_balancer.name;
        self.observed.waiting.contains_key(name) || self.observed.replaced_ttl.contains_key(name)
    }

    /// Returns true if no deployment of the process's service, running or on its way out, uses this load balancer or
    /// target group, and no other service does: the process in a tag may have been changed by hand. A service that was
    /// deleted uses all of its own until it is gone; one that stays uses no more than it is attached to.
    pub(in crate::plan) fn is_released(&self, process: &str, name: &str) -> bool {
        let settled = match self.service(process) {
            None => true,
            Some(service) if self.is_service(process) => service.is_rolled_out(),
            Some(service) => self.keeps(process) && service.deployments.len() < 2,
        };
        !self.is_unread(&Part::Ecs) && settled && self.attached_to(name).is_none()
    }

    /// Returns true if more than its port is to change of a process that stops being exposed: it keeps its task definition
    /// until it is detached.
    pub(in crate::plan) fn edits_wait(&self, process: &str) -> bool {
        let (Some(wanted), Some(service)) = (self.process(process), self.service(process)) else {
            return false;
        };
        let Some(running) = self.observed.running_definition(service) else {
            return false;
        };
        let mut content = wanted.task_definition.clone();
        content.main.ports.clone_from(&running.content.main.ports);
        if let Some(port) = running.content.main.environment.0.get(PORT) {
            content.main.environment.0.insert(PORT.into(), port.clone());
        }
        wanted.service().is_some()
            && wanted.load_balancing.is_none()
            && !running.is_of(&content, &self.desired.owner)
    }

    /// Returns true if what replaces a process is there, so that the old one may be removed. A process that is removed waits
    /// for nothing.
    pub(in crate::plan) fn runs_otherwise(&self, process: &str) -> bool {
        let Some(wanted) = self.process(process) else {
            return true;
        };
        match &wanted.runs {
            Runs::Service(_) => self
                .service(process)
                .is_some_and(|service| service.status == ServiceStatus::Active),
            Runs::Schedule(schedule) => {
                let mut ours = self.observed.schedules_of(&self.desired.owner);
                ours.any(|found| {
                    found.name == schedule.name && self.differing(wanted, schedule, found).is_empty()
                })
            }
            Runs::ByHand(_) => {
                let registered = self
                    .observed
                    .registered(&wanted.task_definition, &self.desired.owner);
                registered.is_some()
            }
        }
    }

    /// Returns the parts in which a schedule is known to differ.
    pub(in crate::plan) fn differing(
        &self,
        wanted: &DesiredProcess,
        schedule: &Schedule,
        found: &ScheduleState,
    ) -> BTreeSet<SchedulePart> {
        let mut differing = schedule.differing(found, &self.desired.place.dropped_security_groups);
        let starts = found.task_definition.as_ref();
        let known = starts.and_then(|arn| self.observed.task_definitions.get(arn));
        // An inactive one cannot be started any more.
        let owner = &self.desired.owner;
        let starts_wanted = known.is_some_and(|known| {
            known.active
                && owner.owns(&known.tags)
                && self.observed.has_content(known, &wanted.task_definition, owner)
        });
        if !starts_wanted {
            differing.insert(SchedulePart::TaskDefinition);
        }
        let (cluster, found) = (self.observed.cluster.as_ref(), found.cluster.as_ref());
        if cluster.is_some_and(|cluster| found.is_some_and(|found| found != cluster)) {
            differing.insert(SchedulePart::Cluster);
        }
        differing
    }
}
