//! Load balancers, target groups and listeners. What cannot be changed in place has another name, so a replacement is
//! just one that is wanted and one that is not; when the old one may go is decided here.

use std::collections::BTreeMap;

use super::view::View;
use super::{Change, Obstacle, ObstacleKind, Pending, Plan};
use crate::model::desired::LoadBalancing;
use crate::model::load_balancer::{LoadBalancer, TargetGroup};
use crate::model::owner::Tags;
use crate::model::state::{LoadBalancerState, LoadBalancerStatus, TargetGroupState};

/// What one AddTags call takes:
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AddTags.html>.
const RESOURCES_PER_CALL: usize = 20;

pub(super) fn plan(view: &View<'_>, plan: &mut Plan) {
    for process in view.processes() {
        if let Some(wanted) = view.load_balancing(process) {
            build(view, plan, process, wanted);
        }
    }
    tags(view, plan);
    for process in view.processes() {
        take_down(view, plan, process);
    }
}

fn build(view: &View<'_>, plan: &mut Plan, process: &str, wanted: &LoadBalancing) {
    let load_balancer = load_balancer(view, plan, process, &wanted.load_balancer);
    let group = target_group(view, plan, process, &wanted.target_group);
    if let (Some(load_balancer), Some(group)) = (load_balancer, group) {
        listeners(plan, process, wanted, load_balancer, group);
    }
}

fn load_balancer<'a>(
    view: &View<'a>,
    plan: &mut Plan,
    process: &str,
    wanted: &LoadBalancer,
) -> Option<&'a LoadBalancerState> {
    let name = &wanted.name;
    let Some(found) = view.observed.load_balancers.get(name) else {
        plan.changes.push(Change::CreateLoadBalancer {
            process: process.into(),
            load_balancer: wanted.clone(),
        });
        return None;
    };
    if !view.desired.owner.owns(&found.tags) {
        plan.foreign(process, &format!("load balancer {name}"));
        return None;
    }
    match &found.status {
        LoadBalancerStatus::Active => {}
        LoadBalancerStatus::Provisioning => plan.pending.push(Pending::Provisioning {
            process: process.into(),
            load_balancer: name.clone(),
        }),
        LoadBalancerStatus::Failed(reason) => plan.obstacles.push(Obstacle {
            process: process.into(),
            kind: ObstacleKind::LoadBalancerFailed,
            message: format!("load balancer {name} failed to come up: {reason}"),
        }),
    }
    if found.subnets != wanted.subnets {
        plan.changes.push(Change::SetSubnets {
            process: process.into(),
            load_balancer: name.clone(),
            subnets: wanted.subnets.iter().cloned().collect(),
        });
    }
    // Without any, AWS chose the VPC's default group, and that is as wanted.
    if !wanted.security_groups.is_empty() && found.security_groups != wanted.security_groups {
        plan.changes.push(Change::SetSecurityGroups {
            process: process.into(),
            load_balancer: name.clone(),
            security_groups: wanted.security_groups.iter().cloned().collect(),
        });
    }
    Some(found)
}

fn target_group<'a>(
    view: &View<'a>,
    plan: &mut Plan,
    process: &str,
    wanted: &TargetGroup,
) -> Option<&'a TargetGroupState> {
    let name = &wanted.name;
    let Some(found) = view.observed.target_groups.get(name) else {
        plan.changes.push(Change::CreateTargetGroup {
            process: process.into(),
            target_group: wanted.clone(),
        });
        return None;
    };
    if !view.desired.owner.owns(&found.tags) {
        plan.foreign(process, &format!("target group {name}"));
        return None;
    }
    if found.check != wanted.check {
        plan.changes.push(Change::ModifyTargetGroup {
            process: process.into(),
            target_group: name.clone(),
            check: wanted.check.clone(),
        });
    }
    if found
        .attributes
        .as_ref()
        .is_some_and(|found| found != &wanted.attributes)
    {
        plan.changes.push(Change::ModifyTargetGroupAttributes {
            process: process.into(),
            target_group: name.clone(),
            attributes: wanted.attributes.clone(),
        });
    }
    Some(found)
}

fn listeners(
    plan: &mut Plan,
    process: &str,
    wanted: &LoadBalancing,
    load_balancer: &LoadBalancerState,
    group: &TargetGroupState,
) {
    let Some(found) = &load_balancer.listeners else {
        return;
    };
    for listener in &wanted.listeners {
        let change = match found.iter().find(|found| found.port == listener.port) {
            None => Change::CreateListener {
                process: process.into(),
                load_balancer: load_balancer.name.clone(),
                listener: listener.clone(),
            },
            Some(found)
                if found.protocol != listener.protocol.as_str()
                    || found.forwards_to.as_ref() != Some(&group.arn) =>
            {
                Change::ModifyListener {
                    process: process.into(),
                    load_balancer: load_balancer.name.clone(),
                    listener: listener.clone(),
                }
            }
            Some(_) => continue,
        };
        plan.changes.push(change);
    }
}

/// Tags that are missing or differ; a tag that nobody wants any more stays.
pub(super) fn missing_tags(wanted: &Tags, found: &Tags) -> Tags {
    let missing = wanted
        .iter()
        .filter(|(key, value)| found.get(*key) != Some(value));
    missing.map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn tags(view: &View<'_>, plan: &mut Plan) {
    let mut missing: BTreeMap<Tags, (Vec<String>, Vec<String>)> = BTreeMap::new();
    for wanted in view
        .desired
        .processes
        .values()
        .filter_map(|process| process.load_balancing.as_ref())
    {
        if let Some(found) = view.load_balancer(&wanted.load_balancer.name) {
            let tags = missing_tags(&wanted.load_balancer.tags, &found.tags);
            missing.entry(tags).or_default().0.push(found.name.clone());
        }
        if let Some(found) = view.target_group(&wanted.target_group.name) {
            let tags = missing_tags(&wanted.target_group.tags, &found.tags);
            missing.entry(tags).or_default().1.push(found.name.clone());
        }
    }
    missing.remove(&Tags::new());
    for (tags, (mut load_balancers, mut target_groups)) in missing {
        while !load_balancers.is_empty() || !target_groups.is_empty() {
            let later = load_balancers.split_off(load_balancers.len().min(RESOURCES_PER_CALL));
            let room = RESOURCES_PER_CALL - load_balancers.len();
            let later_groups = target_groups.split_off(target_groups.len().min(room));
            plan.changes.push(Change::AddTags {
                load_balancers,
                target_groups,
                tags: tags.clone(),
            });
            (load_balancers, target_groups) = (later, later_groups);
        }
    }
}

/// Deletes what is ours and not wanted, once neither a service nor a name uses it.
fn take_down(view: &View<'_>, plan: &mut Plan, process: &str) {
    let wanted = || {
        let processes = view.desired.processes.values();
        processes.filter_map(|process| process.load_balancing.as_ref())
    };
    let of_process = |tags: &Tags| view.desired.owner.process_of(tags) == Some(process);
    for load_balancer in view.observed.load_balancers.values() {
        let name = &load_balancer.name;
        let unwanted =
            of_process(&load_balancer.tags) && wanted().all(|wanted| &wanted.load_balancer.name != name);
        if unwanted
            && !view.is_named(name)
            && is_released(view, process, |group| {
                view.in_front_of(group).any(|l| &l.name == name)
            })
        {
            plan.changes.push(Change::DeleteLoadBalancer {
                process: process.into(),
                load_balancer: name.clone(),
            });
        }
    }
    for group in view.observed.target_groups.values() {
        let name = &group.name;
        let unwanted = of_process(&group.tags) && wanted().all(|wanted| &wanted.target_group.name != name);
        let in_front = view.in_front_of(name).next().is_some();
        if unwanted && !in_front && is_released(view, process, |attached| attached == name) {
            plan.changes.push(Change::DeleteTargetGroup {
                process: process.into(),
                target_group: name.clone(),
            });
        }
    }
}

/// No deployment of the process's service, running or on its way out, uses a target group of this kind, and no other
/// service does: the process in a tag may have been changed by hand. A service that was deleted uses all of its own
/// until it is gone.
fn is_released(view: &View<'_>, process: &str, uses: impl Fn(&str) -> bool) -> bool {
    let settled = view
        .service(process)
        .is_none_or(|service| view.process(process).is_some() && service.is_rolled_out());
    let services = view.observed.services.values();
    let mut attached = services
        .filter(|service| view.desired.owner.owns(&service.tags))
        .flat_map(|service| view.attached(service));
    settled && !attached.any(|attachment| uses(&attachment.target_group))
}

#[cfg(test)]
mod tests;
