//! The tags of load balancers, target groups and listeners, and our own among any.

use super::{listener_at, load_balancer_arn, target_group_arn};
use crate::change::Tagged;
use crate::error::Error;
use crate::model::name::Arn;
use crate::model::owner::{TAGS, Tags};
use crate::model::state::Observed;

pub(super) fn arn_of(observed: &mut Observed, resource: &Tagged) -> Result<Arn, Error> {
    match resource {
        Tagged::LoadBalancer(name) => load_balancer_arn(observed, name),
        Tagged::TargetGroup(name) => target_group_arn(observed, name),
        Tagged::Listener { load_balancer, port } => {
            listener_at(observed, load_balancer, *port).map(|listener| listener.arn.clone())
        }
    }
}

/// `None` where they were not read.
pub(super) fn of<'a>(observed: &'a mut Observed, resource: &Tagged) -> Option<&'a mut Tags> {
    match resource {
        Tagged::LoadBalancer(name) => observed.load_balancers.get_mut(name).map(|l| &mut l.tags),
        Tagged::TargetGroup(name) => observed.target_groups.get_mut(name).map(|g| &mut g.tags),
        Tagged::Listener { load_balancer, port } => {
            listener_at(observed, load_balancer, *port).ok()?.tags.as_mut()
        }
    }
}

pub(super) fn remove_ours(tags: &mut Tags) {
    tags.retain(|key, _| !TAGS.contains(&key.as_str()));
}
