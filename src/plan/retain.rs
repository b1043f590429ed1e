//! Letting go: an App that is deleted and leaves behind what it has takes the owner off, and nothing else: the tags that say of
//! which App and process a thing was stay.
//!
//! Each thing is found by its own mark, so they may come off in any order, and a pass that stops in the middle leaves the
//! rest to be found. A listener alone is found by its load balancer, and so goes with it in one call, before it.

use super::view::View;
use super::{Plan, schedules};
use crate::change::{Change, PortWrite, ServiceWrite, Tagged, TagsWrite};
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
            plan.changes.push(Change::of(
                process,
                ServiceWrite::Untag {
                    service: service.name.clone(),
                },
            ));
        }
    }
    schedules::release(view, plan);
    let mut calls: Vec<Vec<Tagged>> = Vec::new();
    for together in balancing(view) {
        match calls.last_mut() {
            Some(call) if call.len() + together.len() <= TagsWrite::RESOURCES => call.extend(together),
            Some(_) | None => calls.extend(together.chunks(TagsWrite::RESOURCES).map(<[_]>::to_vec)),
        }
    }
    let calls = calls.into_iter();
    plan.changes
        .extend(calls.map(|resources| TagsWrite::Remove { resources }.into()));
}

/// Returns the resources to untag, a list for each call.
fn balancing(view: &View<'_>) -> Vec<Vec<Tagged>> {
    let owner = &view.desired.owner;
    let load_balancers = view.observed.load_balancers.values();
    let with_listeners = load_balancers.filter(|l| owner.owns(&l.tags)).map(|l| {
        let listeners = l.listeners.iter().flatten();
        let ours = listeners.filter(|found| found.tags.as_ref().is_none_or(|tags| owner.owns(tags)));
        let listeners = ours.map(|listener| Tagged::Listener {
            load_balancer: l.name.clone(),
            port: listener.port,
        });
        listeners.chain([Tagged::LoadBalancer(l.name.clone())]).collect()
    });
    let groups = view.observed.target_groups.values();
    let groups = groups
        .filter(|group| owner.owns(&group.tags))
        .map(|group| vec![Tagged::TargetGroup(group.name.clone())]);
    with_listeners.chain(groups).collect()
}

#[cfg(test)]
mod tests;
