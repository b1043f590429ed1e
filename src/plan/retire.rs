//! Load balancers that nobody wants any more, and what each of them still waits for.
//!
//! First every name has to leave it. Then, if its process stays, resolvers have to forget that it ever had one; how
//! long that takes is a fact of time in [`Observed`](crate::model::state::Observed). Until both are over it is held:
//! `ecs.rs` keeps its target groups attached and `elbv2.rs` keeps it. Removing a process waits for no resolver.

use super::ecs::fits_beside;
use super::view::View;
use super::{Pending, Plan};
use crate::model::load_balancer::TargetGroup;
use crate::model::service::TaskDefinition;
use crate::model::state::LoadBalancerState;

/// The variable that a process has while it is exposed, and that goes with its port.
const PORT: &str = "PORT";

pub(super) fn plan(view: &View<'_>, plan: &mut Plan) {
    for load_balancer in view.unwanted_load_balancers() {
        let (process, name) = (view.user_of(load_balancer), &load_balancer.name);
        if view.is_named(name) || !view.is_remembered(load_balancer) || !wait_has_begun(view, load_balancer) {
            continue;
        }
        plan.retiring.insert((process.into(), name.clone()));
        if view.is_held(load_balancer) {
            plan.pending.push(Pending::Retiring {
                process: process.into(),
                load_balancer: name.clone(),
                edits_wait: edits_wait(view, process),
            });
        }
    }
}

/// True once clients of a load balancer without a name of ours can reach the wanted one, which must be complete; a
/// name that points there says so, however the rollouts after it fare. Where a service has no room for the wanted one
/// beside those that it has, they must go first, and nothing else is worth waiting for.
fn wait_has_begun(view: &View<'_>, load_balancer: &LoadBalancerState) -> bool {
    let process = view.user_of(load_balancer);
    let Some(wanted) = view.load_balancing(process) else {
        return true;
    };
    view.is_waiting(load_balancer)
        || view.service(process).is_some_and(|service| {
            let attached = view.attached(service);
            let is_attached = |group: &TargetGroup| attached.iter().any(|a| a.target_group == group.name);
            !fits_beside(&attached, wanted)
                || wanted.target_groups().all(is_attached)
                    && (service.is_rolled_out() || view.is_named_by_us(&wanted.load_balancer.name))
        })
}

/// A process that stops being exposed keeps its task definition until it is detached: whether more than its port is to
/// change.
pub(super) fn edits_wait(view: &View<'_>, process: &str) -> bool {
    let (Some(wanted), Some(service)) = (view.process(process), view.service(process)) else {
        return false;
    };
    let Some(running) = view.observed.running_definition(service) else {
        return false;
    };
    let mut content: TaskDefinition = wanted.task_definition.clone();
    content.ports.clone_from(&running.content.ports);
    if let Some(port) = running.content.environment.0.get(PORT) {
        content.environment.0.insert(PORT.into(), port.clone());
    }
    wanted.service().is_some()
        && wanted.load_balancing.is_none()
        && !running.is_of(&content, &view.desired.owner)
}

impl<'a> View<'a> {
    /// The load balancers that are ours, and that no process wants.
    pub(super) fn unwanted_load_balancers(&self) -> impl Iterator<Item = &'a LoadBalancerState> {
        let all = self.observed.load_balancers.values();
        all.filter(|l| self.desired.owner.owns(&l.tags) && !self.is_wanted(&l.name))
    }

    /// The process whose service is attached to it, else the one in its tags, which a hand may have changed.
    pub(super) fn user_of(&self, load_balancer: &'a LoadBalancerState) -> &'a str {
        let tagged = || self.desired.owner.process_of(&load_balancer.tags);
        let attached = self.attached_to(&load_balancer.name);
        attached.or_else(tagged).unwrap_or_default()
    }

    /// An unwanted load balancer to which somebody may still be sent.
    pub(super) fn is_held(&self, load_balancer: &'a LoadBalancerState) -> bool {
        let name = &load_balancer.name;
        let waits = || self.is_remembered(load_balancer) && !self.observed.waits_over.contains(name);
        !self.is_wanted(name) && (self.is_named(name) || waits())
    }

    /// Whether names were taken from a load balancer before this target group, so that its replacement is complete, and
    /// only other content rolls out.
    pub(super) fn had_names(&self, target_group: &str) -> bool {
        let mut in_front = self.in_front_of(target_group).iter();
        in_front.any(|l| self.observed.waiting.get(&l.name).is_some_and(Option::is_some))
    }

    /// Resolvers, or whoever read its name in the status, may know it: it serves a process that stays, or did.
    fn is_remembered(&self, load_balancer: &'a LoadBalancerState) -> bool {
        self.is_service(self.user_of(load_balancer))
            && (self.is_waiting(load_balancer) || self.attached_to(&load_balancer.name).is_some())
    }

    /// It waits since an earlier pass, or has just lost a name in this one.
    fn is_waiting(&self, load_balancer: &LoadBalancerState) -> bool {
        let name = &load_balancer.name;
        self.observed.waiting.contains_key(name) || self.observed.replaced_ttl.contains_key(name)
    }
}
