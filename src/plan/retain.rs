//! Letting go: an App that is deleted and leaves behind what it has takes the owner off, and nothing else: the tags that say of
//! which App and process a thing was stay.
//!
//! Each thing is found by its own mark, so they may come off in any order, and a pass that stops in the middle leaves the
//! rest to be found. A listener alone is found by its load balancer, and so goes with it in one call, before it. A service that
//! was adopted comes last all the same: until then its mark says that the rest stays, also where the policy is edited.

use super::untag::{untag, with_listeners};
use super::view::View;
use super::{Plan, adopted, log_group, scaling, schedules};
use crate::change::{Change, PortWrite, ServiceWrite, Tagged};
use crate::model::name;
use crate::model::state::ServiceStatus;

pub(super) fn plan(view: &View<'_>, plan: &mut Plan) {
    let owner = &view.desired.owner;
    let claims = view.claims().filter(|claim| !claim.retained);
    plan.changes
        .extend(claims.cloned().map(|claim| PortWrite::Retain(claim).into()));
    for service in view.observed.services.values() {
        // One that was deleted goes, whoever it belongs to.
        if owner.owns(&service.tags) && service.status == ServiceStatus::Active {
            let process = name::process_of_family(&owner.app, &service.name).unwrap_or_default();
            if view.desired.leaves(service) {
                adopted::untag_service(view, plan, process, service);
                continue;
            }
            plan.changes.push(Change::of(
                process,
                ServiceWrite::Untag {
                    service: service.name.clone(),
                },
            ));
        }
    }
    scaling::release(view, plan);
    schedules::release(view, plan);
    log_group::release(view, plan);
    plan.changes.extend(untag(balancing(view)));
}

/// Returns the resources to untag, a list for each call.
fn balancing(view: &View<'_>) -> Vec<Vec<Tagged>> {
    let owner = &view.desired.owner;
    let load_balancers = view.observed.load_balancers.values();
    let with_listeners = load_balancers
        .filter(|l| owner.owns(&l.tags))
        .map(|l| with_listeners(owner, l));
    let groups = view.observed.target_groups.values();
    let groups = groups
        .filter(|group| owner.owns(&group.tags))
        .map(|group| vec![Tagged::TargetGroup(group.name.clone())]);
    with_listeners.chain(groups).collect()
}

#[cfg(test)]
mod tests;
