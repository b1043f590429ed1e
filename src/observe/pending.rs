//! Another look at what is waited for, and at nothing else.

use std::collections::BTreeSet;

use super::definitions::task_definitions;
use super::zones::{records, unclaimed};
use super::{Details, Known, ports, recall_claims, scaling, schedules, singly};
use crate::aws::Aws;
use crate::claims::Claims;
use crate::error::Error;
use crate::lists::{Found, Lists};
use crate::model::desired::Desired;
use crate::model::named::Named;
use crate::model::pending::Pending;
use crate::model::release::ReleaseState;
use crate::model::state::{LoadBalancerState, Observed};

/// Only what is being waited for; everything else as it was found before.
pub async fn observe_pending(
    aws: &dyn Aws,
    lists: &dyn Lists,
    claims: &dyn Claims,
    desired: &Desired,
    known: Known,
    before: Observed,
    pending: &[Pending],
) -> Result<Observed, Error> {
    let mut observed = before;
    observed.fresh.clear();
    observed.ports = ports(claims, desired, &known).await?;
    recall_claims(claims, desired, &known.held, &mut observed).await?;
    observed.grace_period_follows.clear();
    observed.waiting.clear();
    observed.waits_over.clear();
    observed.replaced_ttl.clear();
    observed.overdue.clear();
    observed.certificate_limits.clear();
    observed.zones_taken.clear();
    observed.service_deployments.clear();
    observed.release = ReleaseState::of(known.release);
    observed.rollouts.clone_from(&known.rollouts);
    observed.revisions.clone_from(&known.revisions);
    observed.echoes.clone_from(&known.echoes);
    observed.is_whole = false;
    let (mut services, mut load_balancers, mut old_zones) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut draining = Vec::new();
    for pending in pending {
        match pending {
            Pending::Rollout { service, .. } => {
                services.insert(service.clone());
            }
            Pending::Draining { service, .. } => {
                services.insert(service.clone());
                // AWS may take its target along.
                draining.extend(observed.scaling.contains_key(service).then(|| service.clone()));
            }
            Pending::Provisioning { load_balancer, .. } => {
                load_balancers.insert(load_balancer.clone());
            }
            Pending::GroupDeletion { .. } => {
                schedules::read(aws, lists, desired, &Details::Read, &mut observed).await?;
            }
            Pending::Release { .. } => {
                let task = BTreeSet::from([Named::ReleaseTask]);
                let mut failed = Box::pin(singly(aws, desired, &mut observed, &task)).await;
                if let Some((_, failed)) = failed.pop() {
                    return Err(failed.error.into());
                }
            }
            Pending::OldZone { .. } => {
                let old = observed.zones.iter().filter(|(_, zone)| zone.is_old);
                old_zones.extend(old.map(|(id, _)| id.clone()));
            }
            Pending::PortRecovery { .. }
            | Pending::SecretChange { .. }
            | Pending::Releasing { .. }
            | Pending::ZoneChange { .. }
            | Pending::Retiring { .. }
            | Pending::Names { .. }
            | Pending::Batch { .. }
            | Pending::Budget { .. } => {}
        }
    }
    if !services.is_empty() {
        let names: Vec<String> = services.iter().cloned().collect();
        observed.services.retain(|name, _| !services.contains(name));
        let found = lists.services_now(&desired.place.cluster, &names).await?;
        observed
            .services
            .extend(found.into_iter().map(|service| (service.name.clone(), service)));
        observed.fresh.extend(names.into_iter().map(Named::Service));
        task_definitions(aws, desired, &known.reported_definitions, &mut observed).await?;
    }
    scaling::again(aws, desired, &mut observed, draining).await?;
    if !load_balancers.is_empty() {
        let names: Vec<String> = load_balancers.into_iter().collect();
        let found = lists.load_balancers_now(&names).await?;
        for name in names {
            let before = observed.load_balancers.remove(&name);
            let now = found.iter().find(|found| found.name == name);
            if let (Some(before), Some(now)) = (before, now) {
                let LoadBalancerState { status, .. } = now.clone();
                observed
                    .load_balancers
                    .insert(name.clone(), LoadBalancerState { status, ..before });
            }
            observed.fresh.insert(Named::LoadBalancer(name));
        }
    }
    // Somebody may have taken a name since.
    old_zones.extend(unclaimed(desired, &observed));
    // As long as a list is old, nothing of it is read just to wait for it.
    for zone in old_zones.into_iter().filter(|zone| lists.is_young(zone)) {
        let Found { found, fresh } = records(lists, desired, &observed.load_balancers, &zone).await?;
        observed.zones.remove(&zone);
        observed.zones.extend(found.map(|state| (zone, state)));
        observed.fresh.extend(fresh);
    }
    Ok(observed)
}
