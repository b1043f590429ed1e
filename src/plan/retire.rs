//! Load balancers that nobody wants any more, and what each of them still waits for.
//!
//! First every name has to leave it. Then, if its process stays, resolvers have to forget that it ever had one; how
//! long that takes is a fact of time in [`Observed`](crate::model::state::Observed). Until both are over it is held:
//! `ecs.rs` keeps its target groups attached and `elbv2.rs` keeps it. Removing a process waits for no resolver.

use super::view::View;
use super::{Pending, Plan};
use crate::model::load_balancer::TargetGroup;
use crate::model::state::LoadBalancerState;

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
                edits_wait: view.edits_wait(process),
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
            !wanted.fits_beside(&attached)
                || wanted.target_groups().all(is_attached)
                    && (service.is_rolled_out() || view.is_named_by_us(&wanted.load_balancer.name))
        })
}
