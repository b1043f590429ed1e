//! Slots: the choice between two target groups for each container port of a process.
//!
//! Clients know listeners, and a listener that is turned to another target group finds other tasks there, or none yet.
//! So a container port keeps the target group that its listeners lead to already, in whatever order a manifest now has
//! them and whatever comes or goes beside it. No step of the way there makes another answer better.

use std::borrow::Cow;

use crate::model::desired::{Desired, ExposedPort, LoadBalancing};
use crate::model::name;
use crate::model::owner::has_no_owner;
use crate::model::state::Observed;

/// Returns the desired state, as far as possible with the target groups that are in use.
pub(super) fn kept<'a>(desired: &'a Desired, observed: &Observed) -> Cow<'a, Desired> {
    let mut kept = Cow::Borrowed(desired);
    for (process, wanted) in &desired.processes {
        let Some(balancing) = &wanted.load_balancing else {
            continue;
        };
        let swapped = balancing.swapped();
        let use_of = |balancing| in_use(desired, observed, process, balancing);
        if use_of(&swapped) > use_of(balancing)
            && let Some(wanted) = kept.to_mut().processes.get_mut(process)
        {
            wanted.load_balancing = Some(swapped);
        }
    }
    kept
}

/// Counts what is already as wanted: the listeners, which count most, then the container ports of the tasks, then
/// whether tasks are there at all.
fn in_use(
    desired: &Desired,
    observed: &Observed,
    process: &str,
    wanted: &LoadBalancing,
) -> (usize, usize, usize) {
    let group = |name: &str| {
        let found = observed.target_groups.get(name);
        found.filter(|found| desired.owner.owns(&found.tags) || desired.adopts && has_no_owner(&found.tags))
    };
    let load_balancer = observed.load_balancers.get(&wanted.load_balancer.name);
    let found = || {
        load_balancer
            .iter()
            .flat_map(|found| found.listeners.iter().flatten())
    };
    let service = observed.services.get(&name::family(&desired.owner.app, process));
    let attached = || service.iter().flat_map(|service| &service.attachments);

    let forwards = wanted.listeners.iter().filter(|listener| {
        let wanted = listener.target_group().and_then(group);
        wanted.is_some_and(|wanted| {
            found().any(|l| l.port == listener.port && l.forwards_to() == Some(&wanted.arn))
        })
    });
    let behind = |port: &ExposedPort| {
        let group = group(&port.target_group.name).map(|group| &group.arn);
        attached().filter(move |attachment| Some(&attachment.target_group) == group)
    };
    let leads = |port: &&ExposedPort| behind(port).any(|a| a.container_port == port.container_port);
    let is_attached = |port: &&ExposedPort| behind(port).next().is_some();
    let ports = || wanted.ports.iter();
    (
        forwards.count(),
        ports().filter(leads).count(),
        ports().filter(is_attached).count(),
    )
}
