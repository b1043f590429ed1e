//! The calls in which load balancing loses its owner.

use crate::change::{Change, Tagged, TagsWrite};
use crate::model::owner::Owner;
use crate::model::state::LoadBalancerState;

/// Returns a load balancer behind its listeners of ours.
pub(super) fn with_listeners(owner: &Owner, load_balancer: &LoadBalancerState) -> Vec<Tagged> {
    let listeners = load_balancer.listeners.iter().flatten();
    let ours = listeners.filter(|found| found.tags.as_ref().is_none_or(|tags| owner.owns(tags)));
    let listeners = ours.map(|listener| Tagged::Listener {
        load_balancer: load_balancer.name.clone(),
        port: listener.port,
    });
    let itself = Tagged::LoadBalancer(load_balancer.name.clone());
    listeners.chain([itself]).collect()
}

/// Returns the changes that untag these resources, as few as take all of each list that fits in one.
pub(super) fn untag(lists: Vec<Vec<Tagged>>) -> impl Iterator<Item = Change> {
    let mut calls: Vec<Vec<Tagged>> = Vec::new();
    for together in lists {
        match calls.last_mut() {
            Some(call) if call.len() + together.len() <= TagsWrite::RESOURCES => call.extend(together),
            Some(_) | None => calls.extend(together.chunks(TagsWrite::RESOURCES).map(<[_]>::to_vec)),
        }
    }
    let calls = calls.into_iter();
    calls.map(|resources| TagsWrite::Remove { resources }.into())
}
