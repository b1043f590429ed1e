//! Host port claims: one per (process, container port) that needs one, kept while images come and go, and released only
//! when nothing uses the port any more.

use super::view::View;
use super::{Obstacle, ObstacleKind, Pending, Plan};
use crate::change::PortWrite;
use crate::model::exclusive::Exclusive;
use crate::model::name;
use crate::model::part::Part;
use crate::model::port::{Claim, PortOwner};

pub(super) fn plan(view: &View<'_>, plan: &mut Plan) {
    // A service may have the port that another one would be claimed for.
    if view.is_unread(&Part::Ecs) {
        return;
    }
    let mut handed_out = Vec::new();
    for process in view.desired.processes.keys() {
        for owner in view.desired.port_owners(process) {
            if view.claimed_port(&owner).is_none() {
                claim(view, plan, owner, &mut handed_out);
            }
        }
    }
    for claim in view.claims() {
        if claim.retained && is_left_running(view, claim) {
            continue;
        }
        match is_wanted(view, claim) {
            true if claim.retained => plan.changes.push(PortWrite::TakeBack(claim.clone()).into()),
            false if is_unused(view, claim) => plan.changes.push(PortWrite::Release(claim.clone()).into()),
            false if !claim.retained && is_left(view, claim) => {
                plan.changes.push(PortWrite::Retain(claim.clone()).into());
            }
            true | false => {}
        }
    }
}

fn claim(view: &View<'_>, plan: &mut Plan, owner: PortOwner, handed_out: &mut Vec<u16>) {
    let (ports, process) = (&view.observed.ports, owner.process.clone());
    let Some(range) = view.desired.place.host_ports else {
        return;
    };
    if !ports.recovered {
        plan.pending.push(Pending::PortRecovery { process });
        return;
    }
    let taken = |port| handed_out.contains(&port) || ports.is_taken(port);
    let cursor = handed_out.last().copied().or(ports.cursor);
    // Its claim was deleted by hand: its tasks still have the port.
    let running = view.running_host_port(&owner).filter(|port| !taken(*port));
    if let Some(port) = running.or_else(|| range.next_free(cursor, taken)) {
        handed_out.push(port);
        plan.changes
            .push(PortWrite::Claim(Claim::new(port, owner)).into());
    } else {
        let platform = view.desired.place.platform.clone();
        plan.awaits.insert(Exclusive::HostPort(platform));
        plan.obstacles.push(Obstacle {
            kind: ObstacleKind::PortsExhausted,
            message: format!(
                "no host port is left for process {process}: all {} of Platform {} ({}-{}) are allocated",
                range.size(),
                view.desired.place.platform,
                range.first,
                range.last
            ),
            process,
        });
    }
}

fn is_wanted(view: &View<'_>, claim: &Claim) -> bool {
    let mut owners = view.desired.port_owners(&claim.owner.process);
    owners.any(|owner| owner == claim.owner) && view.claimed_port(&claim.owner) == Some(claim.port)
}

/// True if the service that was retained with a claimed port is there, and not ours again yet.
fn is_left_running(view: &View<'_>, claim: &Claim) -> bool {
    let process = &claim.owner.process;
    let family = name::family(&claim.owner.app, process);
    view.service(process).is_none() && view.observed.services.contains_key(&family)
}

/// No deployment, running or draining, uses the port, and no target group that will not stay serves it.
fn is_unused(view: &View<'_>, claim: &Claim) -> bool {
    let process = &claim.owner.process;
    let stays = |group: &str| {
        let wanted = view.load_balancing(process);
        wanted.is_some_and(|wanted| wanted.container_port(group).is_some())
    };
    let served = view.observed.target_groups.values().any(|group| {
        view.desired.owner.process_of(&group.tags) == Some(process.as_str()) && !stays(&group.name)
    });
    !served && !is_used(view, claim) && !view.is_unread(&Part::LoadBalancing)
}

/// True if the service of the process has the port, or may.
pub(super) fn is_used(view: &View<'_>, claim: &Claim) -> bool {
    let process = &claim.owner.process;
    view.service(process).is_some_and(|service| {
        // Until the only deployment is complete, tasks of an older one may still hold the port.
        !service.is_rolled_out()
            || view.observed.running_definition(service).is_none()
            || view
                .desired
                .running_ports(view.observed, process)
                .iter()
                .any(|port| port.fixed_host_port() == Some(claim.port))
    })
}

/// True for a port of a service that stays.
fn is_left(view: &View<'_>, claim: &Claim) -> bool {
    view.lets_go(&claim.owner.process) && is_used(view, claim)
}

#[cfg(test)]
mod tests;
