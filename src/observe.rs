//! The observed state: reads AWS and the claims, writes nothing.
//!
//! What an App holds is found, not remembered: by name prefix in the lists, by tags, and by ownership records. What is
//! not there is absent from [`Observed`], never an error. Only what the plan can use is read, and nothing twice.

mod load_balancing;
mod ports;
mod schedules;
mod singly;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub use ports::ports_in_use;
pub use singly::singly;
use singly::{recall, recall_claims};

use crate::aws::{self, Aws, AwsError};
use crate::claims::Claims;
use crate::error::Error;
use crate::model::content::CONTENT_TAG;
use crate::model::desired::{Desired, Runs};
use crate::model::echo::EchoMemory;
use crate::model::held::Held;
use crate::model::name::{self, Arn};
use crate::model::named::Named;
use crate::model::part::{Evidence, Holdings, Part};
use crate::model::pending::Pending;
use crate::model::port::Claim;
use crate::model::record::ownership_name;
use crate::model::rollout::RolloutMemory;
use crate::model::service::TaskDefinition;
use crate::model::state::{
    LoadBalancerState, Observed, PortState, RefusedBatches, ServiceState, TaskDefinitionState, ZoneState,
};

/// Facts that are already known, and need not be read again.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Task definitions never change.
    pub task_definitions: BTreeMap<Arn, TaskDefinitionState>,
    /// Processes that the App's status mentions: lists hide draining services.
    pub mentioned: BTreeSet<String>,
    /// The memory of each process's rollouts.
    pub rollouts: BTreeMap<String, RolloutMemory>,
    /// By the digest of its content, a revision that the status mentions.
    pub revisions: BTreeMap<String, Arn>,
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
}

/// A part of AWS that could not be read, and why.
#[derive(Clone, Debug)]
pub struct Unread {
    pub part: Part,
    pub error: AwsError,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unread { part, error } = self;
        write!(
            f,
            "{part} cannot be read, and what depends on that waits: {error}"
        )
    }
}

/// Everything that the App holds or wants; and what of that could not be read, which is no reason to leave the rest.
pub async fn observe(
    aws: &dyn Aws,
    claims: &dyn Claims,
    desired: &Desired,
    known: Known,
) -> Result<(Observed, Vec<Unread>), Error> {
    let mut observed = Observed {
        ports: ports(claims, desired, &known).await?,
        rollouts: known.rollouts,
        revisions: known.revisions,
        echoes: known.echoes,
        ..Observed::default()
    };
    let (owner, holdings, mut held) = (&desired.owner, &known.holdings, known.held);
    recall_claims(claims, desired, &held, &mut observed).await?;
    let mut reads = Reads {
        desired,
        unread: Vec::new(),
    };
    let mut evidence = holdings.evidence(&Part::LoadBalancing);
    if !observed.ports.claims.is_empty() {
        // A host port is claimed for a target group.
        evidence = Evidence::Yes;
    }
    let is_read = reads.load_balancing(aws, evidence, &mut observed).await;
    let mut mentioned = known.mentioned;
    mentioned.extend(observed.processes_of(owner).into_iter().map(Into::into));

    let found = services(aws, desired, &mentioned).await;
    observed.services = reads.take(Part::Ecs, Evidence::Yes, found).unwrap_or_default();
    if !reads.has_missed(&Part::Ecs) {
        // By name, whatever the list shows.
        let mentioned = mentioned.iter().map(|process| name::family(&owner.app, process));
        let described = observed.services.keys().cloned().chain(mentioned);
        observed.fresh.extend(described.map(Named::Service));
    }
    let is_ours = |service: &&ServiceState| owner.owns(&service.tags);
    let is_attached = |service: &ServiceState| !service.attachments.is_empty();
    if !is_read && observed.services.values().filter(is_ours).any(is_attached) {
        // Nothing remembers it, but the service leads there.
        reads.load_balancing(aws, Evidence::Yes, &mut observed).await;
    }
    held.retain(|part| reads.asks(part, holdings.evidence(part)));
    let evidence = holdings.evidence(&Part::Schedules);
    if reads.asks(&Part::Schedules, evidence) {
        let read = schedules::read(aws, desired, &mut observed).await;
        if reads.take(Part::Schedules, evidence, read).is_none() {
            (observed.schedule_group, observed.schedules) = (None, BTreeMap::new());
        }
        let read = observed.schedules.keys().cloned().map(Named::Schedule);
        observed.fresh.extend(read);
    }
    observed.task_definitions = known.task_definitions;
    reads.recall(aws, &held, &mut observed).await;
    if !reads.has_missed(&Part::Ecs) {
        let read = task_definitions(aws, desired, &known.reported_definitions, &mut observed).await;
        reads.take(Part::Ecs, Evidence::Yes, read);
    }
    // Anybody's name may lead to a load balancer.
    let may_be_named = reads.has_missed(&Part::LoadBalancing) || observed.holds(&Part::LoadBalancing, owner);
    for zone in &desired.place.zones {
        let part = Part::Zone(zone.clone());
        let mut evidence = holdings.evidence(&part);
        if may_be_named {
            evidence = Evidence::Yes;
        }
        if reads.asks(&part, evidence) {
            let read = records(aws, desired, &observed.load_balancers, zone).await;
            if let Some(Some(state)) = reads.take(part, evidence, read) {
                observed.zones.insert(zone.clone(), state);
            }
        }
    }
    reads.recall(aws, &held, &mut observed).await;
    let Reads { unread, .. } = reads;
    observed.unread = unread.iter().map(|unread| unread.part.clone()).collect();
    observed.is_whole = observed.unread.is_empty();
    Ok((observed, unread))
}

/// The reads of one pass.
struct Reads<'a> {
    desired: &'a Desired,
    unread: Vec<Unread>,
}

impl Reads<'_> {
    /// True if a part is read: not one that an App neither wants nor has.
    fn asks(&self, part: &Part, evidence: Evidence) -> bool {
        evidence > Evidence::No || self.desired.wants(part)
    }

    /// Returns the part that was read; `None`, and remembers why, if it could not be read.
    fn take<T>(&mut self, part: Part, evidence: Evidence, read: aws::Result<T>) -> Option<T> {
        match read {
            Ok(found) => Some(found),
            Err(error) => {
                if evidence == Evidence::Yes || self.desired.wants(&part) {
                    self.unread.push(Unread { part, error });
                }
                None
            }
        }
    }

    fn has_missed(&self, part: &Part) -> bool {
        self.unread.iter().any(|unread| &unread.part == part)
    }

    /// True if it was read, or was to be.
    async fn load_balancing(&mut self, aws: &dyn Aws, evidence: Evidence, observed: &mut Observed) -> bool {
        if !self.desired.place.load_balancing || !self.asks(&Part::LoadBalancing, evidence) {
            return false;
        }
        let read = load_balancing::read(aws, self.desired).await;
        if let Some(found) = self.take(Part::LoadBalancing, evidence, read) {
            (observed.load_balancers, observed.target_groups) = found;
            let read = observed.load_balancers.values().filter(|l| l.listeners.is_some());
            let read = read.map(|found| Named::Listeners(found.name.clone()));
            observed.fresh.extend(read);
        }
        true
    }

    async fn recall(&mut self, aws: &dyn Aws, held: &Held, observed: &mut Observed) {
        observed.unread = self.unread.iter().map(|unread| unread.part.clone()).collect();
        let unread = recall(aws, self.desired, held, observed).await;
        self.unread.extend(unread);
    }
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
    observed.rollouts.clone_from(&known.rollouts);
    observed.revisions.clone_from(&known.revisions);
    observed.echoes.clone_from(&known.echoes);
    observed.is_whole = false;
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
            Pending::GroupDeletion { .. } => schedules::read(aws, desired, &mut observed).await?,
            Pending::PortRecovery { .. }
            | Pending::ZoneChange { .. }
            | Pending::Retiring { .. }
            | Pending::Names { .. } => {}
        }
    }
    if !services.is_empty() {
        let names: Vec<String> = services.iter().cloned().collect();
        observed.services.retain(|name, _| !services.contains(name));
        let found = aws.describe_services(&desired.place.cluster, &names).await?;
        observed
            .services
            .extend(found.into_iter().map(|service| (service.name.clone(), service)));
        observed.fresh.extend(names.into_iter().map(Named::Service));
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
                    .insert(name.clone(), LoadBalancerState { status, ..before });
            }
            observed.fresh.insert(Named::LoadBalancer(name));
        }
    }
    Ok(observed)
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
    aws: &dyn Aws,
    desired: &Desired,
    mentioned: &BTreeSet<String>,
) -> aws::Result<BTreeMap<String, ServiceState>> {
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
            return Err(error);
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

/// Reads the task definitions that services and schedules run, and the last reported one of a process that has neither.
/// Where that is not the wanted one, reads the revision that had the wanted content before; and else the newest of the
/// family, which a pass that crashed before it used it may have left.
async fn task_definitions(
    aws: &dyn Aws,
    desired: &Desired,
    reported: &BTreeMap<String, Arn>,
    observed: &mut Observed,
) -> aws::Result<()> {
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
    let wanted = desired.processes.iter().map(|(name, process)| {
        let content = desired.definition(observed, name, process);
        (process.task_definition.family.clone(), content)
    });
    let wanted: Vec<_> = wanted.collect();
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
            && let Some(newest) = aws.describe_task_definition(&family).await?
        {
            let unknown = unknown_before(observed, desired, &newest);
            observed.task_definitions.insert(newest.arn.clone(), newest);
            for arn in unknown {
                if content.is_none() || is_settled(observed) {
                    break;
                }
                if let Some(found) = aws.describe_task_definition(&arn.0).await? {
                    observed.task_definitions.insert(arn, found);
                }
            }
        }
    }
    Ok(())
}

/// Revisions of a family that are looked at before one is registered, the newest included: as many as a status remembers
/// of one process.
const LOOKED_BACK: usize = 10;

/// The revisions before the newest of a family that no status says anything of: it was lost, and one of them may be what
/// would else be registered a second time. Of a family without digests nothing is remembered in any case.
fn unknown_before(observed: &Observed, desired: &Desired, newest: &TaskDefinitionState) -> Vec<Arn> {
    if !desired.owner.owns(&newest.tags) || !newest.tags.contains_key(CONTENT_TAG) {
        return Vec::new();
    }
    let known: BTreeSet<&Arn> = observed.revisions.values().collect();
    let earlier = newest.arn.earlier_revisions().take(LOOKED_BACK - 1);
    let is_unknown = |arn: &Arn| !known.contains(arn) && !observed.task_definitions.contains_key(arn);
    earlier.filter(is_unknown).collect()
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

/// The records of a zone that may matter: those of wanted names, those with an ownership record of ours, and those that
/// point at a load balancer of ours.
async fn records(
    aws: &dyn Aws,
    desired: &Desired,
    load_balancers: &BTreeMap<String, LoadBalancerState>,
    zone: &str,
) -> aws::Result<Option<ZoneState>> {
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
