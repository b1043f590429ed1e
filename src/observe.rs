//! The observed state: reads AWS and the claims, writes nothing.
//!
//! What an App holds is found, not remembered: by name prefix in the lists, by tags, and by ownership records. What is
//! not there is absent from [`Observed`], never an error. Only what the plan can use is read, and nothing twice.

mod definitions;
mod details;
mod load_balancing;
mod log_group;
mod pending;
mod ports;
mod reads;
mod scaling;
mod schedules;
mod singly;
mod zones;

use std::collections::{BTreeMap, BTreeSet};

use definitions::task_definitions;
pub use details::Details;
pub use pending::observe_pending;
pub use ports::ports_in_use;
use reads::Reads;
pub use reads::Unread;
use singly::recall_claims;
pub use singly::singly;
use zones::{records, unclaimed};

use crate::aws::{self, Aws, AwsError};
use crate::claims::Claims;
use crate::error::Error;
use crate::lists::{Found, Lists};
pub use crate::lists::{KnownSecrets, live_secrets};
use crate::model::class::Class;
use crate::model::desired::Desired;
use crate::model::echo::EchoMemory;
use crate::model::held::Held;
use crate::model::name::Arn;
use crate::model::part::{Evidence, Holdings, Part};
use crate::model::port::Claim;
use crate::model::release::{ReleaseMemory, ReleaseState};
use crate::model::rollout::RolloutMemory;
use crate::model::shared_map::SharedMap;
use crate::model::small_map::SmallMap;
use crate::model::state::{Observed, PortState, ServiceState, TaskDefinitionState};

/// Facts that are already known, and need not be read again.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Task definitions never change.
    pub task_definitions: SharedMap<Arn, TaskDefinitionState>,
    /// Processes that the App's status mentions, or its manifest where the status was lost: lists hide draining services.
    pub mentioned: BTreeSet<String>,
    /// Where the details are from that AWS gives singly.
    pub details: Details,
    /// The memory of each process's rollouts.
    pub rollouts: SharedMap<String, RolloutMemory>,
    /// The memory of the release phase; `None` without a status.
    pub release: Option<Box<ReleaseMemory>>,
    /// By the digest of its content, a revision that the status mentions.
    pub revisions: SmallMap<String, Arn>,
    /// Settings that AWS reports otherwise than they were sent.
    pub echoes: EchoMemory,
    /// By process, what its status says that it runs.
    pub reported_definitions: BTreeMap<String, Arn>,
    pub port_cursor: Option<u16>,
    pub ports_recovered: bool,
    /// Where it holds something.
    pub holdings: Holdings,
    /// What it had: lists may leave out any of it.
    pub held: Held,
    /// Why secrets that it names could not be read.
    pub secrets_failed: Option<AwsError>,
}

/// Everything that the App holds or wants; and what of that could not be read, which is no reason to leave the rest.
pub async fn observe(
    aws: &dyn Aws,
    lists: &dyn Lists,
    claims: &dyn Claims,
    desired: &Desired,
    known: Known,
) -> Result<(Observed, Vec<Unread>), Error> {
    let mut observed = Observed {
        ports: ports(claims, desired, &known).await?,
        release: ReleaseState::of(known.release),
        rollouts: known.rollouts,
        revisions: known.revisions,
        echoes: known.echoes,
        scaled: known.holdings.scaled.clone(),
        ..Observed::default()
    };
    let (owner, holdings, mut held) = (&desired.owner, &known.holdings, known.held);
    recall_claims(claims, desired, &held, &mut observed).await?;
    let mut reads = Reads {
        aws,
        lists,
        desired,
        details: &known.details,
        unread: Vec::new(),
    };
    reads.release(&mut observed).await;
    let mut evidence = holdings.evidence(&Part::LoadBalancing);
    if !observed.ports.claims.is_empty() {
        // A host port is claimed for a target group.
        evidence = Evidence::Yes;
    }
    let is_read = reads.load_balancing(evidence, &mut observed).await?;
    let mut mentioned = known.mentioned;
    mentioned.extend(observed.processes_of(owner).into_iter().map(Into::into));

    let found = services(lists, desired, &mentioned).await;
    let Found { found, fresh } = reads.take(Part::Ecs, Evidence::Yes, found)?.unwrap_or_default();
    observed.services = found;
    observed.fresh.extend(fresh);
    let is_ours = |service: &&ServiceState| owner.owns(&service.tags);
    let is_attached = |service: &ServiceState| !service.attachments.is_empty();
    if !is_read && observed.services.values().filter(is_ours).any(is_attached) {
        // Nothing remembers it, but the service leads there.
        reads.load_balancing(Evidence::Yes, &mut observed).await?;
    }
    held.retain(|part| reads.asks(part, holdings.evidence(part)));
    let evidence = holdings.evidence(&Part::Scaling);
    if reads.asks(&Part::Scaling, evidence) {
        let asked = (&known.details, evidence, &mentioned);
        let read = scaling::read(aws, desired, asked, &mut observed).await;
        // Whoever is not let in has never made any.
        let is_missed = read.as_ref().is_err_and(|error| error.class() != Class::Denied);
        if reads.take(Part::Scaling, evidence, read)?.is_none() {
            observed.scaling = SharedMap::new();
            observed.missed_scaling = is_missed;
        }
    }
    let evidence = holdings.evidence(&Part::Schedules);
    if reads.asks(&Part::Schedules, evidence) {
        let read = schedules::read(aws, lists, desired, &known.details, &mut observed).await;
        if reads.take(Part::Schedules, evidence, read)?.is_none() {
            (observed.schedule_group, observed.schedules) = (None, SharedMap::new());
        }
    }
    // Whose Platform has none made never looks for one.
    if desired.minds_log_group() {
        let evidence = holdings.evidence(&Part::LogGroup);
        if reads.asks(&Part::LogGroup, evidence) {
            let read = log_group::read(aws, desired, &known.details, &mut observed).await;
            reads.unread.extend(log_group::missed(desired, evidence, read));
        }
    }
    observed.task_definitions = known.task_definitions;
    reads.recall(aws, &held, &mut observed).await;
    if !reads.has_missed(&Part::Ecs) {
        let read = task_definitions(aws, desired, &known.reported_definitions, &mut observed).await;
        reads.take(Part::Ecs, Evidence::Yes, read)?;
    }
    // Anybody's name may lead to a load balancer.
    let mut asked = BTreeSet::new();
    let may_be_named = reads.has_missed(&Part::LoadBalancing) || observed.holds(&Part::LoadBalancing, owner);
    for zone in &desired.place.zones {
        let part = Part::Zone(zone.clone());
        let mut evidence = holdings.evidence(&part);
        if may_be_named {
            evidence = Evidence::Yes;
        }
        if reads.asks(&part, evidence) {
            asked.insert(zone.clone());
            let read = records(lists, desired, &observed.load_balancers, zone).await;
            let Found { found, fresh } = reads.take(part, evidence, read)?.unwrap_or_default();
            observed.fresh.extend(fresh);
            observed.zones.extend(found.map(|state| (zone.clone(), state)));
        }
    }
    for zone in unclaimed(desired, &observed).difference(&asked) {
        let part = Part::Zone(zone.clone());
        let read = records(lists, desired, &observed.load_balancers, zone).await;
        let Found { found, fresh } = reads.take(part, Evidence::Yes, read)?.unwrap_or_default();
        observed.fresh.extend(fresh);
        observed.zones.extend(found.map(|state| (zone.clone(), state)));
    }
    reads.recall(aws, &held, &mut observed).await;
    let read = load_balancing::listeners_left(aws, desired, &mut observed).await;
    reads.take(Part::LoadBalancing, Evidence::Yes, read)?;
    let Reads { unread, .. } = reads;
    observed.unread = unread.iter().map(|unread| unread.part.clone()).collect();
    observed.is_whole = observed.unread.is_empty() && !known.details.are_partial();
    Ok((observed, unread))
}

/// ECS's record of the rollouts of these services. Where it cannot be read, only their next rollouts wait for it.
pub async fn observe_rollouts(
    aws: &dyn Aws,
    desired: &Desired,
    observed: &mut Observed,
    services: &BTreeSet<String>,
) -> Result<(), Unread> {
    for service in services {
        let found = aws
            .list_service_deployments(&desired.place.cluster, service)
            .await;
        let found = found.map_err(|error| Unread {
            part: Part::Ecs,
            error,
        });
        observed.service_deployments.insert(service.clone(), found?);
    }
    Ok(())
}

/// The App's claims, from what all passes share, unless what may be missing there matters: before an owner's first claim,
/// lest it get a second one, and where all are to go. Which ports are taken is asked only before a first claim.
async fn ports(claims: &dyn Claims, desired: &Desired, known: &Known) -> Result<PortState, Error> {
    let (platform, app) = (&desired.place.platform, &desired.owner.app);
    if desired.place.host_ports.is_none() {
        return Ok(PortState::default());
    }
    let needs_more = |held: &[Claim]| {
        let processes = desired.processes.keys();
        let mut owners = processes.flat_map(|process| desired.port_owners(process));
        owners.any(|owner| held.iter().all(|claim| claim.owner != owner))
    };
    let mut held = claims.seen(platform, app).await?;
    if desired.processes.is_empty() || needs_more(&held) {
        held = claims.live(platform, app).await?;
    }
    let mut ports = PortState {
        cursor: known.port_cursor,
        recovered: known.ports_recovered,
        ..PortState::default()
    };
    if needs_more(&held) {
        let taken = claims.taken(platform);
        ports.recovered &= taken.is_some();
        ports.taken = taken.unwrap_or_default();
        ports.cursor = ports.cursor.or(ports.taken.last().copied());
    }
    ports.claims = held;
    Ok(ports)
}

async fn services(
    lists: &dyn Lists,
    desired: &Desired,
    mentioned: &BTreeSet<String>,
) -> aws::Result<Found<SharedMap<String, ServiceState>>> {
    let cluster = &desired.place.cluster;
    let wanted = desired.processes.keys().cloned().collect();
    let processes = (mentioned, &wanted);
    match lists.services(cluster, &desired.owner.app, processes).await {
        // Nothing is left in a cluster that is gone; but an App that wants to run in it must hear of it.
        Err(error) if error.code == "ClusterNotFoundException" && desired.processes.is_empty() => {
            Ok(Found::default())
        }
        // AWS does not say which one it looked for, and whoever reads this has to make it.
        Err(error) if error.action == "ecs:ListServices" => Err(AwsError {
            message: format!("cluster {cluster}: {}", error.message),
            ..error
        }),
        found => found,
    }
}
