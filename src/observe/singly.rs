//! Reads by name, of things that a list does not show or that a change rests on. What is found takes the place of what a
//! list showed; what is not is gone, however many lists still show it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::load_balancing::Described;
use super::{Unread, load_balancing, log_group, scaling};
use crate::aws::{self, Aws};
use crate::claims::Claims;
use crate::error::Error;
use crate::model::desired::{Desired, RecordKey};
use crate::model::held::Held;
use crate::model::name::{Arn, family, schedule_group};
use crate::model::named::Named;
use crate::model::part::Part;
use crate::model::record::{RecordSet, ownership_name};
use crate::model::release::{Sight, TaskState};
use crate::model::state::Observed;

/// Reads what was there before and was not found, and what that leads to. Without it, nothing is known of its part.
pub(super) async fn recall(
    aws: &dyn Aws,
    desired: &Desired,
    held: &Held,
    observed: &mut Observed,
) -> Vec<Unread> {
    let mut unread = Vec::new();
    for group in observed.target_groups.values_mut() {
        // Of two load balancers of one name, one is gone.
        group.load_balancers.retain(|arn| {
            let named = arn.name().and_then(|name| observed.load_balancers.get(name));
            named.is_none_or(|named| named.arn == *arn)
        });
    }
    loop {
        let mut missing = held.missing(desired, observed);
        missing.retain(|named| named.part().is_some());
        if missing.is_empty() {
            return unread;
        }
        for (_, failed) in singly(aws, desired, observed, &missing).await {
            observed.unread.insert(failed.part.clone());
            unread.push(failed);
        }
    }
}

/// Reads the App's claims that were there before and were not found.
pub(super) async fn recall_claims(
    claims: &dyn Claims,
    desired: &Desired,
    held: &Held,
    observed: &mut Observed,
) -> Result<(), Error> {
    for named in held.missing(desired, observed) {
        let Named::Port(port) = named else { continue };
        let found = claims.at(&desired.place.platform, port).await?;
        let ours = found.filter(|claim| claim.owner.app == desired.owner.app);
        observed.ports.claims.extend(ours);
        observed.fresh.insert(named);
    }
    Ok(())
}

/// Reads these things, one call for each but services. Returns those that could not be read, and why.
pub async fn singly(
    aws: &dyn Aws,
    desired: &Desired,
    observed: &mut Observed,
    things: &BTreeSet<Named>,
) -> Vec<(Vec<Named>, Unread)> {
    let mut failed = Vec::new();
    let mut parts: BTreeSet<Part> = BTreeSet::new();
    parts.extend(things.iter().filter_map(Named::part));
    for part in parts {
        let of_part = things.iter().filter(|named| named.part().as_ref() == Some(&part));
        let of_part: Vec<Named> = of_part.cloned().collect();
        let read = match &part {
            Part::Ecs => services(aws, desired, observed, &of_part).await,
            Part::LoadBalancing => balancing(aws, desired, observed, &of_part).await,
            Part::Scaling => scalable_targets(aws, desired, observed, &of_part).await,
            Part::Schedules => schedules(aws, desired, observed, &of_part).await,
            Part::Zone(_) => names(aws, observed, &of_part).await,
            Part::LogGroup => log_group::again(aws, desired, observed).await,
            Part::Tasks => release_task(aws, desired, observed).await,
            // Nothing rests on them.
            Part::Secrets => Ok(()),
        };
        match read {
            Ok(()) => observed.fresh.extend(of_part),
            Err(error) => failed.push((of_part, Unread { part, error })),
        }
    }
    failed
}

async fn services(
    aws: &dyn Aws,
    desired: &Desired,
    observed: &mut Observed,
    things: &[Named],
) -> aws::Result<()> {
    let mut names = Vec::new();
    for named in things {
        if let Named::Service(name) = named {
            names.push(name.clone());
        }
    }
    let found = match aws.describe_services(&desired.place.cluster, &names).await {
        // Nothing is left in a cluster that is gone.
        Err(error) if error.code == "ClusterNotFoundException" && desired.processes.is_empty() => Vec::new(),
        found => found?,
    };
    for service in &found {
        definition(aws, observed, &service.task_definition).await?;
    }
    observed.services.retain(|name, _| !names.contains(name));
    let found = found.into_iter().map(|service| (service.name.clone(), service));
    observed.services.extend(found);
    Ok(())
}

/// Reads a task definition that something runs.
async fn definition(aws: &dyn Aws, observed: &mut Observed, arn: &Arn) -> aws::Result<()> {
    if !observed.task_definitions.contains_key(arn)
        && let Some(found) = aws.describe_task_definition(&arn.0).await?
    {
        observed.task_definitions.insert(found.arn.clone(), found);
    }
    Ok(())
}

async fn balancing(
    aws: &dyn Aws,
    desired: &Desired,
    observed: &mut Observed,
    things: &[Named],
) -> aws::Result<()> {
    let (mut load_balancers, mut groups) = (Vec::new(), Vec::new());
    for named in things {
        if let Named::LoadBalancer(name) = named {
            load_balancers.push(name.clone());
        } else if let Named::TargetGroup(name) = named {
            groups.push(name.clone());
        }
    }
    let found = load_balancing::named(aws, desired, observed, &load_balancers, &groups).await?;
    let Described {
        found: described,
        fresh,
    } = found.described;
    observed.fresh.extend(fresh);
    let before = observed.target_groups.clone();
    observed.target_groups.retain(|name, _| !groups.contains(name));
    for name in &found.asked {
        let gone = observed.load_balancers.remove(name);
        let gone = gone.filter(|gone| !found.there.contains(&gone.arn));
        // Listeners go with it.
        observed
            .fresh
            .extend(gone.map(|_| Named::Listeners(name.clone())));
    }
    observed.load_balancers.extend(described.load_balancers);
    let is_gone = |arn: &Arn| {
        let is_asked_for = arn
            .name()
            .is_some_and(|name| found.asked.iter().any(|asked| asked == name));
        is_asked_for && !found.there.contains(arn)
    };
    for group in observed.target_groups.values_mut() {
        group.load_balancers.retain(|arn| !is_gone(arn));
    }
    for (name, mut group) in described.target_groups {
        // AWS may speak of a load balancer for a moment longer than that is there.
        let was_known = |arn: &Arn| {
            let before = before.get(&name).filter(|_| groups.contains(&name));
            before.is_some_and(|before| before.load_balancers.contains(arn))
        };
        let was_read = |arn: &Arn| {
            let named = arn.name().map(|name| Named::LoadBalancer(name.into()));
            named.is_some_and(|named| observed.fresh.contains(&named))
        };
        let is_there = |arn: &Arn| observed.load_balancers.values().any(|known| known.arn == *arn);
        group
            .load_balancers
            .retain(|arn| !is_gone(arn) && (is_there(arn) || was_known(arn) || !was_read(arn)));
        observed.target_groups.insert(name, group);
    }
    let asked = found.asked.into_iter().map(Named::LoadBalancer);
    observed.fresh.extend(asked);
    for named in things {
        let Named::Listeners(name) = named else { continue };
        if observed.fresh.contains(named) {
            continue;
        }
        if let Some(arn) = observed.load_balancers.get(name).map(|found| found.arn.clone()) {
            let listeners = load_balancing::listeners_again(aws, desired, name, &arn).await?;
            if let Some(known) = observed.load_balancers.get_mut(name) {
                known.listeners = listeners;
            }
        }
    }
    Ok(())
}

async fn scalable_targets(
    aws: &dyn Aws,
    desired: &Desired,
    observed: &mut Observed,
    things: &[Named],
) -> aws::Result<()> {
    let mut services = Vec::new();
    for named in things {
        if let Named::ScalableTarget(service) = named {
            services.push(service.clone());
        }
    }
    scaling::again(aws, desired, observed, services).await
}

async fn schedules(
    aws: &dyn Aws,
    desired: &Desired,
    observed: &mut Observed,
    things: &[Named],
) -> aws::Result<()> {
    let group = schedule_group(&desired.owner.installation);
    if observed.schedule_group.is_none()
        && let Some(mut found) = aws.get_schedule_group(&group).await?
    {
        found.tags = aws.list_schedule_group_tags(&found.arn).await?;
        observed.schedule_group = Some(found);
    }
    let is_ours = observed
        .schedule_group
        .as_ref()
        .is_some_and(|found| desired.owner.shares(&found.tags));
    for named in things {
        let Named::Schedule(name) = named else { continue };
        let found = if is_ours {
            aws.get_schedule(&group, name).await?
        } else {
            None
        };
        if let Some(arn) = found.as_ref().and_then(|found| found.task_definition.as_ref()) {
            definition(aws, observed, arn).await?;
        }
        observed.schedules.remove(name);
        observed
            .schedules
            .extend(found.map(|found| (name.clone(), found)));
    }
    Ok(())
}

/// By its ARN, or else by the token that it is started with.
async fn release_task(aws: &dyn Aws, desired: &Desired, observed: &mut Observed) -> aws::Result<()> {
    let Some(open) = observed.release.open() else {
        return Ok(());
    };
    let cluster = &desired.place.cluster;
    let family = family(&desired.owner.app, &open.request.process);
    let tasks = match &open.task {
        Some(task) => Ok(vec![task.clone()]),
        None => aws.list_tasks(cluster, &family).await,
    };
    let found = match tasks {
        Ok(tasks) if tasks.is_empty() => Ok(Vec::new()),
        Ok(tasks) => aws.describe_tasks(cluster, &tasks).await,
        Err(error) => Err(error),
    };
    let found = match found {
        // No task is left in a cluster that is gone.
        Err(error) if error.code == "ClusterNotFoundException" && desired.processes.is_empty() => Vec::new(),
        found => found?,
    };
    let is_it = |task: &TaskState| match &open.task {
        Some(known) => task.arn == *known,
        None => task.started_by.as_ref() == Some(&open.request.token),
    };
    let found = found.into_iter().find(is_it);
    let memory = observed.release.memory.as_mut();
    if let (Some(task), Some(memory)) = (&found, memory)
        && let Some(attempt) = &mut memory.attempt
    {
        attempt.task = Some(task.arn.clone());
    }
    observed.release.sight = found.map_or(Sight::Missing, Sight::Seen);
    Ok(())
}

async fn names(aws: &dyn Aws, observed: &mut Observed, things: &[Named]) -> aws::Result<()> {
    for named in things {
        let Named::Name(RecordKey { zone, name }) = named else {
            continue;
        };
        // A zone that is gone has no names.
        if !observed.zones.contains_key(zone) {
            continue;
        }
        let found = aws.list_name(zone, name).await?;
        let ownership = ownership_name(name);
        let is_of_name = |record: &RecordSet| record.name == *name || record.name == ownership;
        if let Some(state) = observed.zones.get_mut(zone) {
            state.records.retain(|record| !is_of_name(record));
            state.records.extend(found.into_iter().map(Arc::new));
        }
    }
    Ok(())
}
