//! Load balancers, target groups and listeners. What cannot be changed in place has another name, so a replacement is
//! just one that is wanted and one that is not; when the old one may go is decided here.

use std::collections::BTreeMap;

use super::adopted::next_of;
use super::untag::untag;
use super::view::View;
use super::{Obstacle, ObstacleKind, Pending, Plan};
use super::{listeners, subnets};
use crate::change::{Change, LoadBalancerWrite, Tagged, TagsWrite, TargetGroupWrite};
use crate::model::desired::LoadBalancing;
use crate::model::exclusive::Exclusive;
use crate::model::load_balancer::{HealthCheck, Probe, TargetGroup, TargetGroupAttributes};
use crate::model::owner::{Tags, has_no_owner, missing_tags};
use crate::model::part::Part;
use crate::model::state::{LoadBalancerState, LoadBalancerStatus};

pub(super) fn plan(view: &View<'_>, plan: &mut Plan) {
    if view.is_unread(&Part::LoadBalancing) {
        return;
    }
    for process in view.processes() {
        if let Some(wanted) = view.load_balancing(process) {
            build(view, plan, process, wanted);
        }
    }
    tags(view, plan);
    take_down(view, plan);
}

fn build(view: &View<'_>, plan: &mut Plan, process: &str, wanted: &LoadBalancing) {
    let load_balancer = load_balancer(view, plan, process, wanted);
    for group in wanted.target_groups() {
        target_group(view, plan, process, group);
    }
    if let Some(load_balancer) = load_balancer {
        listeners::plan(view, plan, process, wanted, load_balancer);
    }
}

fn load_balancer<'a>(
    view: &View<'a>,
    plan: &mut Plan,
    process: &str,
    balancing: &LoadBalancing,
) -> Option<&'a LoadBalancerState> {
    let wanted = &balancing.load_balancer;
    let name = &wanted.name;
    let Some(found) = view.observed.load_balancers.get(name) else {
        // Of a service that nobody can make, it would be in front of nothing: the cluster may be a wrong one.
        if !view.is_unread(&Part::Ecs) {
            plan.changes.push(Change::of(
                process,
                LoadBalancerWrite::Create {
                    load_balancer: wanted.clone(),
                },
            ));
        }
        return None;
    };
    if !view.desired.owner.owns(&found.tags) {
        if !view.may_adopt(&found.tags) {
            let awaited = Exclusive::LoadBalancer(name.clone());
            plan.foreign(
                process,
                &format!("load balancer {name}"),
                &view.advice(&found.tags),
                awaited,
            );
        }
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
    if is_other(&wanted.subnets, &found.subnets) {
        subnets::plan(view, plan, process, wanted, found);
    }
    security_groups(plan, process, balancing, found);
    if let Some((wanted, found)) = wanted.attributes.zip(found.attributes)
        && wanted != found
    {
        plan.changes.push(Change::of(
            process,
            LoadBalancerWrite::ModifyAttributes {
                load_balancer: name.clone(),
                attributes: wanted,
            },
        ));
    }
    Some(found)
}

/// Without any, AWS chose the VPC's default group, and that is as wanted; but those that were given cannot be taken away
/// again, since SetSecurityGroups takes no empty list.
fn security_groups(plan: &mut Plan, process: &str, balancing: &LoadBalancing, found: &LoadBalancerState) {
    let (wanted, dropped) = (&balancing.load_balancer, &balancing.dropped_security_groups);
    let name = &wanted.name;
    if !wanted.security_groups.is_empty() {
        if is_other(&wanted.security_groups, &found.security_groups) {
            plan.changes.push(Change::of(
                process,
                LoadBalancerWrite::SetSecurityGroups {
                    load_balancer: name.clone(),
                    security_groups: wanted.security_groups.iter().cloned().collect(),
                },
            ));
        }
        return;
    }
    let left = dropped
        .iter()
        .filter(|group| found.security_groups.contains(*group));
    let left: Vec<&str> = left.map(String::as_str).collect();
    if !left.is_empty() {
        let side = wanted.scheme.side();
        plan.obstacles.push(Obstacle {
            process: process.into(),
            kind: ObstacleKind::PlatformIncomplete,
            message: format!(
                "process {process}: load balancer {name} still has {}, which the Platform no longer names, and AWS leaves it \
                 none without another: name the groups that it shall have in network.{side}.securityGroups, such as the \
                 VPC's default one",
                left.join(", ")
            ),
        });
    }
}

fn target_group(view: &View<'_>, plan: &mut Plan, process: &str, wanted: &TargetGroup) {
    let name = &wanted.name;
    let Some(found) = view.observed.target_groups.get(name) else {
        if !view.is_unread(&Part::Ecs) {
            plan.changes.push(Change::of(
                process,
                TargetGroupWrite::Create {
                    target_group: wanted.clone(),
                },
            ));
        }
        return;
    };
    if !view.desired.owner.owns(&found.tags) {
        if !view.may_adopt(&found.tags) {
            let awaited = Exclusive::TargetGroup(name.clone());
            plan.foreign(
                process,
                &format!("target group {name}"),
                &view.advice(&found.tags),
                awaited,
            );
        }
        return;
    }
    if is_other_check(&wanted.check, &found.check) {
        plan.changes.push(Change::of(
            process,
            TargetGroupWrite::Modify {
                target_group: name.clone(),
                check: wanted.check.clone(),
            },
        ));
    }
    let found = found.attributes.as_ref();
    if found.is_some_and(|found| is_other_attributes(&wanted.attributes, found)) {
        plan.changes.push(Change::of(
            process,
            TargetGroupWrite::ModifyAttributes {
                target_group: name.clone(),
                attributes: wanted.attributes.clone(),
            },
        ));
    }
}

/// True if a setting differs. One that a reply left out is unknown, and that is no difference.
fn is_other<T: Default + PartialEq>(wanted: &T, found: &T) -> bool {
    *found != T::default() && found != wanted
}

fn is_other_check(wanted: &HealthCheck, found: &HealthCheck) -> bool {
    let HealthCheck {
        probe,
        interval,
        timeout,
        healthy_threshold,
        unhealthy_threshold,
    } = found;
    is_other_probe(&wanted.probe, probe)
        || is_other(&wanted.interval, interval)
        || is_other(&wanted.timeout, timeout)
        || is_other(&wanted.healthy_threshold, healthy_threshold)
        || is_other(&wanted.unhealthy_threshold, unhealthy_threshold)
}

fn is_other_probe(wanted: &Probe, found: &Probe) -> bool {
    match (wanted, found) {
        (
            Probe::Http { path, success_codes },
            Probe::Http {
                path: found_path,
                success_codes: found_codes,
            },
        ) => is_other(path, found_path) || is_other(success_codes, found_codes),
        (Probe::Tcp, Probe::Tcp) => false,
        (Probe::Http { .. }, Probe::Tcp) | (Probe::Tcp, Probe::Http { .. }) => true,
    }
}

fn is_other_attributes(wanted: &TargetGroupAttributes, found: &TargetGroupAttributes) -> bool {
    let is_other = |wanted: Option<bool>, found: Option<bool>| {
        wanted.zip(found).is_some_and(|(wanted, found)| wanted != found)
    };
    wanted.deregistration_delay != found.deregistration_delay
        || is_other(wanted.preserve_client_ip, found.preserve_client_ip)
        || is_other(wanted.cross_zone, found.cross_zone)
}

/// Plans the tags of resources that are ours, or become ours by them: then a load balancer's listeners get our own tags too,
/// without which they could not be changed.
fn tags(view: &View<'_>, plan: &mut Plan) {
    let mut missing: BTreeMap<Tags, Vec<Tagged>> = BTreeMap::new();
    let mut miss = |tags: Tags, resource: Tagged| {
        if !tags.is_empty() {
            missing.entry(tags).or_default().push(resource);
        }
    };
    let balancings = || {
        let processes = view.desired.processes.iter();
        processes.filter_map(|(process, wanted)| Some((process, wanted.load_balancing.as_ref()?)))
    };
    for (process, wanted) in balancings() {
        let Some(found) = view.observed.load_balancers.get(&wanted.load_balancer.name) else {
            continue;
        };
        if view.desired.owner.owns(&found.tags) {
            let tags = missing_tags(&wanted.load_balancer.tags, &found.tags);
            miss(tags, Tagged::LoadBalancer(found.name.clone()));
        }
        if view.may_adopt(&found.tags) {
            // A listener is found by its load balancer, and so comes before it, in the same call. All other tags follow.
            let listeners = found.listeners.iter().flatten();
            let unowned = listeners.filter(|found| found.tags.as_ref().is_none_or(has_no_owner));
            let listeners = unowned.map(|listener| Tagged::Listener {
                load_balancer: found.name.clone(),
                port: listener.port,
            });
            for resource in listeners.chain([Tagged::LoadBalancer(found.name.clone())]) {
                miss(view.desired.owner.tags(process), resource);
            }
        }
    }
    for (process, wanted) in balancings() {
        for wanted in wanted.target_groups() {
            let Some(found) = view.observed.target_groups.get(&wanted.name) else {
                continue;
            };
            let mut tags = missing_tags(&wanted.tags, &found.tags);
            if view.may_adopt(&found.tags) {
                // Also those that it has already, so that it goes in the call of its load balancer.
                tags.extend(view.desired.owner.tags(process));
            } else if !view.desired.owner.owns(&found.tags) {
                continue;
            }
            miss(tags, Tagged::TargetGroup(found.name.clone()));
        }
    }
    for (tags, resources) in missing {
        for resources in resources.chunks(TagsWrite::RESOURCES) {
            plan.changes.push(
                TagsWrite::Add {
                    resources: resources.to_vec(),
                    tags: tags.clone(),
                }
                .into(),
            );
        }
    }
}

/// Deletes what is ours and not wanted, once neither a service nor a name uses it; or untags it, where its service stays.
fn take_down(view: &View<'_>, plan: &mut Plan) {
    let mut left: Vec<Vec<Tagged>> = Vec::new();
    for load_balancer in view.unwanted_load_balancers() {
        let (process, name) = (view.user_of(load_balancer), &load_balancer.name);
        if view.is_kept(name) {
            left.extend(view.lets_go(process).then(|| next_of(view, load_balancer)));
            continue;
        }
        if view.pointers(name).is_empty()
            && let Some(zone) = view.old_zone()
        {
            plan.pending.push(Pending::OldZone {
                process: process.into(),
                zone: zone.clone(),
                what: format!("load balancer {name}"),
            });
        }
        if !view.is_held(load_balancer) && view.is_released(process, name) {
            plan.changes.push(Change::of(
                process,
                LoadBalancerWrite::Delete {
                    load_balancer: name.clone(),
                },
            ));
        }
    }
    let owner = &view.desired.owner;
    for group in view.observed.target_groups.values() {
        let (process, name) = (owner.process_of(&group.tags).unwrap_or_default(), &group.name);
        if !owner.owns(&group.tags) || view.is_wanted(name) || !view.in_front_of(name).is_empty() {
            continue;
        }
        if let Some(user) = view.attached_to(name).filter(|_| view.is_kept(name)) {
            left.extend(
                view.lets_go(user)
                    .then(|| vec![Tagged::TargetGroup(name.clone())]),
            );
            continue;
        }
        if !view.is_released(process, name) {
            continue;
        }
        match group.load_balancers.first() {
            None => plan.changes.push(Change::of(
                process,
                TargetGroupWrite::Delete {
                    target_group: name.clone(),
                },
            )),
            Some(foreign) => {
                let named = foreign.name();
                plan.awaits
                    .extend(named.map(|name| Exclusive::LoadBalancer(name.into())));
                plan.obstacles.push(Obstacle {
                process: process.into(),
                kind: ObstacleKind::Foreign,
                message: format!(
                    "process {process}: load balancer {foreign} is not this App's and forwards to target group {name}, \
                     which nothing wants any more: let it forward elsewhere, and the target group goes"
                ),
            });
            }
        }
    }
    plan.changes.extend(untag(left));
}

#[cfg(test)]
mod tests;
