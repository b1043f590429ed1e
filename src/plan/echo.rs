//! What a change sends and what there is of it, so that what AWS reports otherwise than it was sent is not sent for ever.

use std::fmt::Debug;

use super::{Change, Tagged, names_of};
use crate::model::content::digest;
use crate::model::echo::Echo;
use crate::model::record::RecordSet;
use crate::model::service::{Capacity, ServiceUpdate};
use crate::model::state::{LoadBalancerState, Observed, ServiceState};

/// One part of a service that an update sets.
struct Setting {
    name: String,
    echo: Echo,
    leave: fn(&mut ServiceUpdate),
}

/// What an update sets of a service, but for what starts a rollout on demand and for the count, which is a number in any
/// words.
fn settings(update: &ServiceUpdate, found: &ServiceState) -> Vec<Setting> {
    let ServiceUpdate {
        desired_count: _,
        deployment,
        zone_rebalancing,
        placement,
        constraints,
        grace_period,
        network,
        capacity_providers,
        rolling: _,
        redeploy: _,
        again: _,
    } = update;
    let mut settings = Vec::new();
    let mut add =
        |name: &str, sent: Option<&dyn Debug>, reported: &[&dyn Debug], leave: fn(&mut ServiceUpdate)| {
            settings.extend(sent.map(|sent| Setting {
                name: format!("service {} {name}", found.name),
                echo: Echo::new(&[sent], reported),
                leave,
            }));
        };
    add(
        "deployment configuration",
        deployment.as_ref().map(|sent| sent as _),
        &[&found.deployment_percent, &found.circuit_breaker, &found.strategy],
        |update| update.deployment = None,
    );
    add(
        "zone rebalancing",
        zone_rebalancing.as_ref().map(|sent| sent as _),
        &[&found.zone_rebalancing],
        |update| update.zone_rebalancing = None,
    );
    add(
        "placement strategy",
        placement.as_ref().map(|sent| sent as _),
        &[&found.placement],
        |update| update.placement = None,
    );
    add(
        "placement constraints",
        constraints.as_ref().map(|sent| sent as _),
        &[&found.constraints],
        |update| update.constraints = None,
    );
    add(
        "health check grace period",
        grace_period.as_ref().map(|sent| sent as _),
        &[&found.grace_period],
        |update| update.grace_period = None,
    );
    add(
        "network",
        network.as_ref().map(|sent| sent as _),
        &[&found.network],
        |update| update.network = None,
    );
    add(
        "capacity providers",
        capacity_providers.as_ref().map(|sent| sent as _),
        &[&found.capacity_providers],
        |update| update.capacity_providers = None,
    );
    settings
}

/// Takes out of an update what AWS reports otherwise than it was sent before, and says what that is.
pub(super) fn without_echoes(
    observed: &Observed,
    found: &ServiceState,
    mut update: ServiceUpdate,
) -> (ServiceUpdate, Vec<(String, Echo)>) {
    let mut explained = Vec::new();
    for Setting { name, echo, leave } in settings(&update, found) {
        if observed.echoes.explains(&name, &echo) {
            leave(&mut update);
            explained.push((name, echo));
        }
    }
    (update, explained)
}

/// What a change sends, setting by setting, and what there is of each before it. Of what starts rollouts only the target
/// groups: a release that ECS or a hand takes back looks as it did before.
pub fn sent(change: &Change, observed: &Observed) -> Vec<(String, Echo)> {
    let Change::UpdateService {
        service,
        update,
        task_definition,
        attachments,
        ..
    } = change
    else {
        return whole(change, observed).into_iter().collect();
    };
    let mut sent = of_service(observed, service, update);
    if task_definition.is_none() && attachments.is_some() {
        sent.extend(whole(change, observed));
    }
    sent
}

/// The same, as the reply to a change shows it: `observed` is the world with the reply.
pub fn replies(change: &Change, observed: &Observed) -> Vec<(String, Echo)> {
    let mut replies = Vec::new();
    if let Change::CreateService { service, .. } = change {
        let all = ServiceUpdate {
            deployment: Some(service.settings.deployment),
            zone_rebalancing: Some(service.settings.zone_rebalancing),
            placement: Some(service.settings.placement.clone()),
            constraints: Some(service.settings.constraints.clone()),
            grace_period: service.settings.grace_period,
            network: service.settings.network.clone(),
            capacity_providers: match &service.capacity {
                Capacity::LaunchType(_) => None,
                Capacity::Providers(all) => Some(all.clone()),
            },
            ..ServiceUpdate::default()
        };
        replies = of_service(observed, &service.name, &all);
    }
    if let Change::UpdateService { service, update, .. } = change {
        replies = of_service(observed, service, update);
        replies.extend(whole(change, observed));
    }
    replies
}

fn of_service(observed: &Observed, service: &str, update: &ServiceUpdate) -> Vec<(String, Echo)> {
    let found = observed.services.get(service).into_iter();
    let all = found.flat_map(|found| settings(update, found));
    all.map(|setting| (setting.name, setting.echo)).collect()
}

/// What a change sends, and what there is of it now. `None` for one that makes something or takes it away: what is absent
/// is no echo.
#[expect(clippy::too_many_lines, reason = "one arm a change")]
pub(super) fn whole(change: &Change, observed: &Observed) -> Option<(String, Echo)> {
    let balancer = |name: &String| observed.load_balancers.get(name);
    let group = |name: &String| observed.target_groups.get(name);
    Some(match change {
        Change::SetSubnets {
            load_balancer,
            subnets,
            ..
        } => (
            format!("load balancer {load_balancer} subnets"),
            Echo::new(&[subnets], &[&balancer(load_balancer).map(|l| &l.subnets)]),
        ),
        Change::SetSecurityGroups {
            load_balancer,
            security_groups,
            ..
        } => (
            format!("load balancer {load_balancer} security groups"),
            Echo::new(
                &[security_groups],
                &[&balancer(load_balancer).map(|l| &l.security_groups)],
            ),
        ),
        Change::ModifyLoadBalancerAttributes {
            load_balancer,
            attributes,
            ..
        } => (
            format!("load balancer {load_balancer} attributes"),
            Echo::new(&[attributes], &[&balancer(load_balancer).map(|l| &l.attributes)]),
        ),
        Change::ModifyTargetGroup {
            target_group, check, ..
        } => (
            format!("target group {target_group} health check"),
            Echo::new(&[check], &[&group(target_group).map(|g| &g.check)]),
        ),
        Change::ModifyTargetGroupAttributes {
            target_group,
            attributes,
            ..
        } => (
            format!("target group {target_group} attributes"),
            Echo::new(&[attributes], &[&group(target_group).map(|g| &g.attributes)]),
        ),
        Change::ModifyListener {
            load_balancer,
            listener,
            ..
        } => {
            let listeners = balancer(load_balancer).and_then(|l| l.listeners.as_ref());
            let found = listeners.and_then(|all| all.iter().find(|found| found.port == listener.port));
            (
                format!("listener {} of load balancer {load_balancer}", listener.port),
                Echo::new(&[listener], &[&found]),
            )
        }
        Change::UpdateService {
            service,
            update,
            task_definition,
            attachments,
            rollout,
            ..
        } => {
            let content = task_definition.as_ref().map(digest);
            let sent: [&dyn Debug; 4] = [update, &content, attachments, rollout];
            let found = observed.services.get(service)?;
            (format!("service {service}"), Echo::new(&sent, &reported(found)))
        }
        Change::UpdateSchedule {
            schedule,
            task_definition,
            ..
        } => (
            format!("schedule {}", schedule.name),
            Echo::new(
                &[schedule, &digest(task_definition)],
                &[&observed.schedules.get(&schedule.name)],
            ),
        ),
        Change::TagService { service, tags, .. } => (
            format!("tags of service {service}"),
            Echo::new(&[tags], &[&observed.services.get(service).map(|s| &s.tags)]),
        ),
        Change::AddTags { resources, tags } => {
            let found: Vec<_> = resources
                .iter()
                .map(|resource| tags_of(observed, resource))
                .collect();
            (format!("tags of {resources:?}"), Echo::new(&[tags], &[&found]))
        }
        Change::ChangeRecords { zone, changes } => {
            let names = names_of(changes);
            let is_named = |record: &&RecordSet| {
                let name = record.name.strip_prefix("_empire.").unwrap_or(&record.name);
                names.contains_key(name)
            };
            let records = observed
                .zones
                .get(zone)
                .into_iter()
                .flat_map(|zone| &zone.records);
            let mut found: Vec<String> = records.filter(is_named).map(|r| format!("{r:?}")).collect();
            found.sort();
            if found.is_empty() {
                return None;
            }
            let names: Vec<&String> = names.keys().collect();
            (
                format!("records {names:?} of zone {zone}"),
                Echo::new(&[changes], &[&found]),
            )
        }
        Change::ClaimPort(_)
        | Change::FreePort(_)
        | Change::RetainPort(_)
        | Change::TakeBackPort(_)
        | Change::CreateLoadBalancer { .. }
        | Change::DeleteLoadBalancer { .. }
        | Change::CreateTargetGroup { .. }
        | Change::DeleteTargetGroup { .. }
        | Change::CreateListener { .. }
        | Change::DeleteListener { .. }
        | Change::AddCertificate { .. }
        | Change::RemoveCertificate { .. }
        | Change::RegisterTaskDefinition { .. }
        | Change::CreateService { .. }
        | Change::StopRollout { .. }
        | Change::DeleteService { .. }
        | Change::CreateScheduleGroup { .. }
        | Change::CreateSchedule { .. }
        | Change::ReleaseSchedule { .. }
        | Change::DeleteSchedule { .. }
        | Change::UntagService { .. }
        | Change::RemoveTags { .. } => return None,
    })
}

/// What an update may change of a service.
fn reported(found: &ServiceState) -> [&dyn Debug; 12] {
    [
        &found.task_definition,
        &found.desired,
        &found.attachments,
        &found.deployment_percent,
        &found.circuit_breaker,
        &found.strategy,
        &found.grace_period,
        &found.zone_rebalancing,
        &found.placement,
        &found.constraints,
        &found.capacity_providers,
        &found.network,
    ]
}

fn tags_of(observed: &Observed, resource: &Tagged) -> String {
    let balancer = |name: &String| observed.load_balancers.get(name);
    match resource {
        Tagged::LoadBalancer(name) => format!("{:?}", balancer(name).map(|l| &l.tags)),
        Tagged::TargetGroup(name) => format!("{:?}", observed.target_groups.get(name).map(|g| &g.tags)),
        Tagged::Listener { load_balancer, port } => {
            let listeners = |found: &LoadBalancerState| found.listeners.clone().unwrap_or_default();
            let all = balancer(load_balancer).map(listeners).unwrap_or_default();
            format!("{:?}", all.iter().find(|l| l.port == *port).map(|l| &l.tags))
        }
    }
}
