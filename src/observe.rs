//! What is there: reads AWS and the claims, writes nothing.
//!
//! What an App holds is found, not remembered: by name prefix in the lists, by tags, and by ownership records. What is
//! not there is absent from [`Observed`], never an error. Only what the plan can use is read, and nothing twice.

mod schedules;

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join;

use crate::aws::Aws;
use crate::claims::Claims;
use crate::error::Error;
use crate::model::desired::{self, Desired, Runs};
use crate::model::name::{self, Arn};
use crate::model::owner::{Tags, is_nobodys};
use crate::model::port::Claim;
use crate::model::record::ownership_name;
use crate::model::rollout::RolloutMemory;
use crate::model::service::TaskDefinition;
use crate::model::state::{
    ListenerState, LoadBalancerState, Observed, PortState, RefusedBatches, ServiceState, TargetGroupState,
    TaskDefinitionState, ZoneState,
};
use crate::plan::{Pending, wanted_definitions};

/// What is already known, and need not be read again.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Task definitions never change.
    pub task_definitions: BTreeMap<Arn, TaskDefinitionState>,
    /// Processes that the App's status mentions: lists hide draining services.
    pub mentioned: BTreeSet<String>,
    /// What is remembered of each process's rollouts.
    pub rollouts: BTreeMap<String, RolloutMemory>,
    /// By the digest of its content, a revision that the status mentions.
    pub revisions: BTreeMap<String, Arn>,
    /// By process, what its status says that it runs.
    pub reported_definitions: BTreeMap<String, Arn>,
    pub port_cursor: Option<u16>,
    pub ports_recovered: bool,
}

/// Everything that the App holds or wants.
pub async fn observe(
    aws: &dyn Aws,
    claims: &dyn Claims,
    desired: &Desired,
    known: Known,
) -> Result<Observed, Error> {
    let mut observed = Observed {
        ports: ports(claims, desired, &known).await?,
        rollouts: known.rollouts,
        revisions: known.revisions,
        ..Observed::default()
    };
    if desired.place.load_balancing {
        (observed.load_balancers, observed.target_groups) = load_balancing(aws, desired).await?;
    }
    let mut mentioned = known.mentioned;
    let owner = &desired.owner;
    mentioned.extend(
        observed
            .load_balancers
            .values()
            .filter_map(|l| owner.process_of(&l.tags).map(Into::into)),
    );
    mentioned.extend(
        observed
            .target_groups
            .values()
            .filter_map(|g| owner.process_of(&g.tags).map(Into::into)),
    );
    let ours = |claim: &&Claim| claim.owner.app == owner.app;
    mentioned.extend(
        observed
            .ports
            .claims
            .iter()
            .filter(ours)
            .map(|claim| claim.owner.process.clone()),
    );

    observed.services = services(aws, desired, &mentioned).await?;
    schedules::read(aws, desired, &mut observed).await?;
    observed.task_definitions = known.task_definitions;
    task_definitions(aws, desired, &known.reported_definitions, &mut observed).await?;
    for zone in &desired.place.zones {
        if let Some(state) = records(aws, desired, &observed.load_balancers, zone).await? {
            observed.zones.insert(zone.clone(), state);
        }
    }
    Ok(observed)
}

/// Only what is being waited for; everything else as it was found before.
pub async fn observe_pending(
    aws: &dyn Aws,
    claims: &dyn Claims,
    desired: &Desired,
    known: Known,
    before: Observed,
    pending: &[Pending],
) -> Result<Observed, Error> {
    let mut observed = before;
    observed.parked.clear();
    observed.grace_period_follows.clear();
    observed.waiting.clear();
    observed.waits_over.clear();
    observed.replaced_ttl.clear();
    observed.overdue.clear();
    observed.certificate_limits.clear();
    observed.zones_taken.clear();
    observed.service_deployments.clear();
    observed.rollouts.clone_from(&known.rollouts);
    observed.revisions.clone_from(&known.revisions);
    for zone in observed.zones.values_mut() {
        zone.refused = RefusedBatches::default();
    }
    let mut services = BTreeSet::new();
    let mut load_balancers = BTreeSet::new();
    for pending in pending {
        match pending {
            Pending::Rollout { service, .. } | Pending::Draining { service, .. } => {
                services.insert(service.clone());
            }
            Pending::Provisioning { load_balancer, .. } => {
                load_balancers.insert(load_balancer.clone());
            }
            Pending::PortRecovery { .. } => observed.ports = ports(claims, desired, &known).await?,
            Pending::GroupDeletion { .. } => schedules::read(aws, desired, &mut observed).await?,
            Pending::ZoneChange { .. } | Pending::Retiring { .. } | Pending::Names { .. } => {}
        }
    }
    if !services.is_empty() {
        let names: Vec<String> = services.iter().cloned().collect();
        observed.services.retain(|name, _| !services.contains(name));
        let found = aws.describe_services(&desired.place.cluster, &names).await?;
        observed
            .services
            .extend(found.into_iter().map(|service| (service.name.clone(), service)));
        task_definitions(aws, desired, &known.reported_definitions, &mut observed).await?;
    }
    if !load_balancers.is_empty() {
        let names: Vec<String> = load_balancers.into_iter().collect();
        let found = aws.describe_load_balancers_named(&names).await?;
        for name in names {
            let before = observed.load_balancers.remove(&name);
            let now = found.iter().find(|found| found.name == name);
            if let (Some(before), Some(now)) = (before, now) {
                let LoadBalancerState { status, .. } = now.clone();
                observed
                    .load_balancers
                    .insert(name, LoadBalancerState { status, ..before });
            }
        }
    }
    Ok(observed)
}

/// ECS's record of the rollouts of these services.
pub async fn observe_rollouts(
    aws: &dyn Aws,
    desired: &Desired,
    observed: &mut Observed,
    services: &BTreeSet<String>,
) -> Result<(), Error> {
    for service in services {
        let found = aws
            .list_service_deployments(&desired.place.cluster, service)
            .await?;
        observed.service_deployments.insert(service.clone(), found);
    }
    Ok(())
}

async fn ports(claims: &dyn Claims, desired: &Desired, known: &Known) -> Result<PortState, Error> {
    if desired.place.host_ports.is_none() {
        return Ok(PortState::default());
    }
    let claims = claims.list(&desired.place.platform).await?;
    let highest = claims.iter().map(|claim| claim.port).max();
    Ok(PortState {
        cursor: known.port_cursor.or(highest),
        recovered: known.ports_recovered,
        claims,
    })
}

async fn services(
    aws: &dyn Aws,
    desired: &Desired,
    mentioned: &BTreeSet<String>,
) -> Result<BTreeMap<String, ServiceState>, Error> {
    let (app, cluster) = (&desired.owner.app, &desired.place.cluster);
    let listed = match aws.list_services(cluster).await {
        Ok(listed) => listed,
        // Nothing is left in a cluster that is gone; but an App that wants to run in it must hear of it.
        Err(error) if error.code == "ClusterNotFoundException" && desired.processes.is_empty() => {
            return Ok(BTreeMap::new());
        }
        Err(mut error) => {
            // AWS does not say which one it looked for, and whoever reads this has to make it.
            error.message = format!("cluster {cluster}: {}", error.message);
            return Err(error.into());
        }
    };
    let prefix = name::family_prefix(app);
    let mut names: BTreeSet<String> = listed
        .into_iter()
        .filter(|name| name.starts_with(&prefix))
        .collect();
    names.extend(mentioned.iter().map(|process| name::family(app, process)));
    let names: Vec<String> = names.into_iter().collect();
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let found = aws.describe_services(cluster, &names).await?;
    Ok(found
        .into_iter()
        .map(|service| (service.name.clone(), service))
        .collect())
}

/// What services and schedules run, and what was last reported of a process that has neither. Where that is not what is
/// wanted, the revision that had the wanted content before; and else the newest of the family, which a pass that crashed
/// before it used it may have left.
async fn task_definitions(
    aws: &dyn Aws,
    desired: &Desired,
    reported: &BTreeMap<String, Arn>,
    observed: &mut Observed,
) -> Result<(), Error> {
    let services = observed.services.values().map(|s| &s.task_definition);
    let schedules = observed.schedules.values();
    let schedules = schedules.filter_map(|schedule| schedule.task_definition.as_ref());
    let running: BTreeSet<Arn> = services.chain(schedules).cloned().collect();
    // Another installation's, in another cluster, may be the newest of the family: a look there would find it each time.
    let by_hand = desired.processes.iter();
    let by_hand = by_hand
        .filter(|(_, process)| matches!(process.runs, Runs::ByHand(_)))
        .filter_map(|(name, _)| reported.get(name));
    for arn in running.iter().chain(by_hand) {
        if !observed.task_definitions.contains_key(arn)
            && let Some(found) = aws.describe_task_definition(&arn.0).await?
        {
            observed.task_definitions.insert(found.arn.clone(), found);
        }
    }
    let wanted = wanted_definitions(desired, observed);
    // Old revisions would pile up with every release.
    let is_wanted = |known: &TaskDefinitionState| {
        let mut wanted = wanted.iter().filter_map(|(_, content)| content.as_ref());
        wanted.any(|content| known.is_of(content, &desired.owner))
    };
    observed
        .task_definitions
        .retain(|arn, known| running.contains(arn) || is_wanted(known));
    for (family, content) in wanted {
        let is_settled = |observed: &Observed| {
            let content = content.as_ref();
            content.is_some_and(|content| is_settled(observed, desired, &family, content))
        };
        let earlier = content.as_ref().and_then(|content| observed.revision_of(content));
        if let Some(arn) = earlier.cloned()
            && !is_settled(observed)
            && !observed.task_definitions.contains_key(&arn)
            && let Some(found) = aws.describe_task_definition(&arn.0).await?
        {
            observed.task_definitions.insert(arn, found);
        }
        if !is_settled(observed)
            && let Some(found) = aws.describe_task_definition(&family).await?
        {
            observed.task_definitions.insert(found.arn.clone(), found);
        }
    }
    Ok(())
}

/// The content is there to be run. One that has its digest, but reads otherwise, and that is not the one which had it
/// before, may be a copy of that.
fn is_settled(observed: &Observed, desired: &Desired, family: &str, content: &TaskDefinition) -> bool {
    let service = observed.services.get(family);
    let runs = service.and_then(|service| observed.running_definition(service));
    // No rollout begins with one that was deregistered.
    let runs = runs.filter(|runs| runs.active && observed.has_content(runs, content, &desired.owner));
    let found = runs.or_else(|| observed.registered(content, &desired.owner));
    found.is_some_and(|found| {
        let earlier = observed.revision_of(content);
        found.content == *content || earlier.is_none_or(|arn| observed.task_definitions.contains_key(arn))
    })
}

type LoadBalancing = (
    BTreeMap<String, LoadBalancerState>,
    BTreeMap<String, TargetGroupState>,
);

/// The load balancers and target groups that are ours, and those that carry a name which we want.
async fn load_balancing(aws: &dyn Aws, desired: &Desired) -> Result<LoadBalancing, Error> {
    let prefix = name::load_balancer_prefix(&desired.owner.app);
    let (mut load_balancers, mut groups) =
        try_join(aws.describe_load_balancers(), aws.describe_target_groups()).await?;
    // A target group may speak of a load balancer for a moment longer than that is there.
    let there: BTreeSet<Arn> = load_balancers.iter().map(|l| l.arn.clone()).collect();
    for group in &mut groups {
        group.load_balancers.retain(|arn| there.contains(arn));
    }
    load_balancers.retain(|load_balancer| load_balancer.name.starts_with(&prefix));
    groups.retain(|group| group.name.starts_with(&prefix));

    let arns: Vec<Arn> = load_balancers
        .iter()
        .map(|l| &l.arn)
        .chain(groups.iter().map(|g| &g.arn))
        .cloned()
        .collect();
    let mut tags = if arns.is_empty() {
        Vec::new()
    } else {
        aws.describe_tags(&arns).await?
    }
    .into_iter();
    for load_balancer in &mut load_balancers {
        load_balancer.tags = tags.next().unwrap_or_default();
    }
    for group in &mut groups {
        group.tags = tags.next().unwrap_or_default();
    }

    let balancings = || {
        let processes = desired.processes.values();
        processes.filter_map(|process| process.load_balancing.as_ref())
    };
    let balancing = |name: &str| balancings().find(|b| b.load_balancer.name == name);
    let wanted = |name: &str| {
        balancing(name).is_some() || balancings().any(|b| b.slots.iter().any(|slot| slot == name))
    };
    // What is to be changed is looked at more closely.
    let ours = |tags: &Tags| desired.owner.owns(tags);
    let adopted = |tags: &Tags| desired.adopts && is_nobodys(tags);
    let mut found = LoadBalancing::default();
    for mut load_balancer in load_balancers {
        let (tags, wanted) = (&load_balancer.tags, balancing(&load_balancer.name));
        if !ours(tags) && wanted.is_none() {
            continue;
        }
        let (arn, is_changed) = (&load_balancer.arn, ours(tags) || adopted(tags));
        if is_changed && (wanted.is_some() || desired.retains) {
            load_balancer.listeners = listeners(aws, wanted, arn).await?;
        }
        if is_changed && wanted.is_some_and(|wanted| wanted.load_balancer.attributes.is_some()) {
            load_balancer.attributes = aws.describe_load_balancer_attributes(arn).await?;
        }
        found.0.insert(load_balancer.name.clone(), load_balancer);
    }
    for mut group in groups {
        let (tags, wanted) = (&group.tags, wanted(&group.name));
        if !ours(tags) && !wanted {
            continue;
        }
        if wanted && (ours(tags) || adopted(tags)) {
            group.attributes = aws.describe_target_group_attributes(&group.arn).await?;
        }
        found.1.insert(group.name.clone(), group);
    }
    Ok(found)
}

/// What a load balancer listens on; and whose it is where nothing wants the port.
async fn listeners(
    aws: &dyn Aws,
    wanted: Option<&desired::LoadBalancing>,
    load_balancer: &Arn,
) -> Result<Option<Vec<ListenerState>>, Error> {
    let Some(mut found) = aws.describe_listeners(load_balancer).await? else {
        return Ok(None);
    };
    let (of_wanted, mut others): (Vec<_>, Vec<_>) = found.iter_mut().partition(|found| {
        wanted.is_some_and(|wanted| wanted.listeners.iter().any(|l| l.port == found.port))
    });
    for listener in of_wanted {
        if listener.is_encrypted() {
            listener.more_certificates = aws.describe_listener_certificates(&listener.arn).await?;
        }
    }
    if !others.is_empty() {
        let arns: Vec<Arn> = others.iter().map(|listener| listener.arn.clone()).collect();
        let tags = aws.describe_tags(&arns).await?;
        for (listener, tags) in others.iter_mut().zip(tags) {
            listener.tags = Some(tags);
        }
    }
    Ok(Some(found))
}

/// The records of a zone that may matter: those of wanted names, those with an ownership record of ours, and those that
/// point at a load balancer of ours.
async fn records(
    aws: &dyn Aws,
    desired: &Desired,
    load_balancers: &BTreeMap<String, LoadBalancerState>,
    zone: &str,
) -> Result<Option<ZoneState>, Error> {
    let Some(records) = aws.list_records(zone).await? else {
        return Ok(None);
    };
    let mut names: BTreeSet<String> = desired
        .records
        .keys()
        .filter(|key| key.zone == zone)
        .map(|key| key.name.clone())
        .collect();
    let hosts: BTreeSet<String> = load_balancers.values().map(LoadBalancerState::host).collect();
    for record in &records {
        if record.target().is_some_and(|target| hosts.contains(&target)) {
            names.insert(record.name.clone());
        }
        if let Some(name) = record.name.strip_prefix("_empire.")
            && desired.owner.owns_record_text(&record.text())
        {
            names.insert(name.into());
        }
    }
    let wanted: BTreeSet<String> = names
        .iter()
        .map(|name| ownership_name(name))
        .chain(names.iter().cloned())
        .collect();
    let records = records
        .into_iter()
        .filter(|record| wanted.contains(&record.name))
        .collect();
    Ok(Some(ZoneState {
        records,
        refused: RefusedBatches::default(),
    }))
}
