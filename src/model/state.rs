//! The state found: the world as AWS and the claims reported it, plus the facts of time that a plan may use.

mod load_balancing;

pub use load_balancing::{ListenerState, LoadBalancerState, LoadBalancerStatus, TargetGroupState};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::content::{digest, recorded};
use super::echo::EchoMemory;
use super::log_group::LogGroupState;
use super::name::{Arn, family, process_of_family};
use super::named::Named;
use super::owner::{Owner, Tags, process_in_record_text};
use super::part::Part;
use super::port::Claim;
use super::record::RecordSet;
use super::release::ReleaseState;
use super::rollout::{RolloutMemory, ServiceDeployment};
use super::scaling::ScalableTargetState;
use super::schedule::{ScheduleGroupState, ScheduleState};
use super::service::{
    Attachment, CapacityProvider, CircuitBreaker, LaunchType, PlacementConstraint, PlacementStrategy,
    ServiceUpdate, TaskDefinition, TaskNetwork,
};
use super::shared_map::SharedMap;
use super::small_map::SmallMap;
use super::small_set::SmallSet;

/// Everything that may be an App's, by name. Tags decide what is: see [`super::owner`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Active and draining services; an inactive one is absent.
    pub services: SharedMap<String, ServiceState>,
    /// The definitions that services and schedules run and, where one of those is not what is wanted, the newest of its family.
    /// Immutable, so never read twice.
    pub task_definitions: SharedMap<Arn, TaskDefinitionState>,
    /// By the digest of its content, a revision that an earlier pass found: an older content that is wanted again is not
    /// registered again, and a copy that was made of it by hand is told from it.
    pub revisions: SmallMap<String, Arn>,
    pub load_balancers: SharedMap<String, LoadBalancerState>,
    pub target_groups: SharedMap<String, TargetGroupState>,
    /// By zone id. A zone that does not exist, or was not read, is absent.
    pub zones: SmallMap<String, ZoneState>,
    /// The cluster's own ARN; read only where a process runs on a schedule.
    pub cluster: Option<Arn>,
    /// The schedule group of the installation; `None` if there is none, or if it was not read because it holds nothing
    /// of the App's, which wants nothing in it.
    pub schedule_group: Option<ScheduleGroupState>,
    /// The schedules of the group whose names are the App's.
    pub schedules: SharedMap<String, ScheduleState>,
    /// By service, the scalable targets that were looked for.
    pub scaling: SharedMap<String, ScalableTargetState>,
    /// The processes that were scaled before this pass.
    pub scaled: BTreeSet<String>,
    /// True if there may be scalable targets that nothing speaks of, and they could not be read: another pass looks again.
    pub missed_scaling: bool,
    /// The App's log group; `None` also where it was not looked at.
    pub log_group: Option<LogGroupState>,
    pub ports: PortState,
    /// The list of waits: load balancers that had no name and were not wanted in an earlier pass, with the TTL, in
    /// seconds, of the records that were taken from them: `None` if they never had any, as far as is known.
    pub waiting: BTreeMap<String, Option<u32>>,
    /// The load balancers of that list that no resolver sends anyone to any more.
    pub waits_over: BTreeSet<String>,
    /// By load balancer: the TTL, in seconds, of the records that were taken from it in this pass.
    pub replaced_ttl: BTreeMap<String, u32>,
    pub release: ReleaseState,
    /// By process.
    pub rollouts: SharedMap<String, RolloutMemory>,
    pub echoes: EchoMemory,
    /// True if this pass has read all of it, and not only what an earlier one waits for.
    pub is_whole: bool,
    /// By service, of those where it matters, ECS's record of its rollouts, newest first. Empty where ECS keeps none.
    pub service_deployments: BTreeMap<String, Vec<ServiceDeployment>>,
    /// The services whose newest rollout has taken longer than it may.
    pub overdue: BTreeSet<String>,
    /// The services whose grace period ECS refused in this pass, since it judged it by the target groups that they had: they
    /// get it once they have some.
    pub grace_period_follows: BTreeSet<String>,
    /// By load balancer: how many certificates besides the default ones it takes, where that was too few in this pass.
    pub certificate_limits: BTreeMap<String, usize>,
    /// By load balancer, the subnets that it could not be given in this pass: it has others in the same availability zones.
    pub zones_taken: BTreeMap<String, BTreeSet<SmallSet<String>>>,
    /// The parts that could not be read. Nothing is known of them, so that nothing that depends on them is written.
    pub unread: BTreeSet<Part>,
    /// The things that were read by name in this pass, or that the reply to a write in it tells of. Of one that is not here it
    /// is only known that a list does not show it.
    pub fresh: BTreeSet<Named>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceState {
    pub name: String,
    pub arn: Arn,
    pub status: ServiceStatus,
    pub task_definition: Arn,
    pub desired: u32,
    pub running: u32,
    pub pending: u32,
    pub deployments: Vec<Deployment>,
    pub attachments: Vec<Attachment<Arn>>,
    pub deployment_percent: Option<(u32, u32)>,
    pub circuit_breaker: Option<CircuitBreaker>,
    /// The deployment strategy, as AWS spells it: see [`ROLLING`].
    pub strategy: Option<String>,
    pub zone_rebalancing: Option<bool>,
    pub placement: Option<Vec<PlacementStrategy>>,
    pub constraints: Option<Vec<PlacementConstraint>>,
    /// `None` if it has capacity providers, or if the reply left it out.
    pub launch_type: Option<LaunchType>,
    /// Settings that cannot be changed and that no service of ours has, such as `scheduling strategy DAEMON`.
    pub unlike_ours: Vec<String>,
    /// `None` also for a service with a launch type.
    pub capacity_providers: Option<Vec<CapacityProvider>>,
    pub grace_period: Option<u32>,
    pub network: Option<TaskNetwork>,
    pub exec: Option<bool>,
    pub tags: Tags,
    /// The text of the newest event.
    pub newest_event: Option<String>,
}

/// The one deployment strategy of services of ours. The others, `BLUE_GREEN`, `LINEAR` and `CANARY`, have no circuit breaker,
/// and move traffic between target groups in their own way.
pub const ROLLING: &str = "ROLLING";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceStatus {
    Active,
    Draining,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    pub id: String,
    pub primary: bool,
    pub task_definition: Arn,
    pub rollout: Rollout,
    pub desired: u32,
    pub running: u32,
    pub pending: u32,
    /// The number of its tasks that did not start, or ended, since the last one that did start.
    pub failed: u32,
    /// Seconds since 1970.
    pub created: Option<i64>,
    /// ECS's message about the rollout.
    pub reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rollout {
    InProgress,
    Completed,
    Failed,
}

impl ServiceState {
    /// Returns the deployment that ECS brings about, or has brought about.
    pub fn primary(&self) -> Option<&Deployment> {
        self.deployments.iter().find(|deployment| deployment.primary)
    }

    /// Sets what an update sets, but for task definition, target groups and deployments.
    pub fn change(&mut self, update: &ServiceUpdate) {
        let ServiceUpdate {
            desired_count,
            deployment,
            zone_rebalancing,
            placement,
            constraints,
            grace_period,
            network,
            exec,
            capacity_providers,
            rolling: _,
            redeploy: _,
            secrets: _,
            again: _,
        } = update;
        self.desired = desired_count.unwrap_or(self.desired);
        if let Some(deployment) = deployment {
            let percent = (deployment.minimum_healthy_percent, deployment.maximum_percent);
            self.deployment_percent = Some(percent);
            self.circuit_breaker = Some(deployment.circuit_breaker);
            self.strategy = self.strategy.take().map(|_| ROLLING.into());
        }
        self.zone_rebalancing = zone_rebalancing.or(self.zone_rebalancing);
        self.placement = placement.clone().or(self.placement.take());
        self.constraints = constraints.clone().or(self.constraints.take());
        self.grace_period = grace_period.or(self.grace_period);
        self.network = network.clone().or(self.network.take());
        self.exec = exec.or(self.exec);
        self.capacity_providers = capacity_providers.clone().or(self.capacity_providers.take());
    }

    /// Returns true if it is known to have another deployment strategy than ours.
    pub fn rolls_otherwise(&self) -> bool {
        self.strategy.as_deref().is_some_and(|found| found != ROLLING)
    }

    /// Returns true for one deployment, and that one complete: no task is on its way in or out.
    pub fn is_rolled_out(&self) -> bool {
        match self.deployments.as_slice() {
            [only] => only.rollout == Rollout::Completed,
            _ => false,
        }
    }
}

/// A registered task definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskDefinitionState {
    pub arn: Arn,
    pub content: TaskDefinition,
    /// False for a revision that was deregistered: services may still run it, but no service may be given it.
    pub active: bool,
    pub tags: Tags,
}

impl TaskDefinitionState {
    /// Compares by the digest, where the revision is this App's and has one, else by what AWS reports of it: a revision of
    /// an older release has none, and one made by hand may have none.
    pub fn is_of(&self, content: &TaskDefinition, owner: &Owner) -> bool {
        match recorded(&self.tags).filter(|_| owner.owns(&self.tags)) {
            Some(recorded) => self.content.family == content.family && recorded == digest(content),
            None => content.is_reported_as(&self.content),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ZoneState {
    /// The inventory shares them.
    pub records: Vec<Arc<RecordSet>>,
    /// Its list was not read for long: what is not in it may be there.
    pub is_old: bool,
    /// The number of names that are kept in it for the App's namespace, as far as its list shows.
    pub kept: usize,
}

/// The host ports of the App's Platform.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortState {
    /// The App's own claims there.
    pub claims: Vec<Claim>,
    /// The ports that somebody holds, one set for all Apps; read only where the App needs one more, for this pass alone.
    pub taken: Arc<BTreeSet<u16>>,
    /// The port that was handed out last.
    pub cursor: Option<u16>,
    /// True once the ports that our services already use have been claimed for them; before that, no new one is handed out.
    pub recovered: bool,
}

impl PortState {
    pub fn is_taken(&self, port: u16) -> bool {
        self.taken.contains(&port) || self.claims.iter().any(|claim| claim.port == port)
    }
}

impl Observed {
    /// Returns the target group of an ARN, if it still exists and may be ours.
    pub fn target_group_by_arn(&self, arn: &Arn) -> Option<&TargetGroupState> {
        self.target_groups.values().find(|group| &group.arn == arn)
    }

    /// A service's target groups by name; those that are gone, or foreign, are left out.
    pub fn attached(&self, service: &ServiceState) -> Vec<Attachment<String>> {
        let named = |attachment: &Attachment<Arn>| {
            self.target_group_by_arn(&attachment.target_group)
                .map(|group| Attachment {
                    target_group: group.name.clone(),
                    container: attachment.container.clone(),
                    container_port: attachment.container_port,
                })
        };
        service.attachments.iter().filter_map(named).collect()
    }

    /// Returns the service of a process, if it exists and is ours.
    pub fn service_of(&self, owner: &Owner, process: &str) -> Option<&ServiceState> {
        let service = self.services.get(&family(&owner.app, process))?;
        owner.owns(&service.tags).then_some(service)
    }

    /// Returns the number of tasks without which a service is not as it should be. Those that AWS adds to the range of a scaled one
    /// come and go.
    pub fn least_tasks(&self, service: &ServiceState) -> u32 {
        let target = self.scaling.get(&service.name);
        target.map_or(service.desired, |target| service.desired.min(target.range.min))
    }

    /// Returns the processes of which the App has anything, as far as it was read.
    pub fn processes_of<'a>(&'a self, owner: &'a Owner) -> BTreeSet<&'a str> {
        let services = self.services.values().filter(|found| owner.owns(&found.tags));
        let services = services.filter_map(|found| process_of_family(&owner.app, &found.name));
        let scaling = self.scaling.iter().filter(|(_, found)| owner.owns(&found.tags));
        let scaled = scaling.filter_map(|(service, _)| process_of_family(&owner.app, service));
        let load_balancers = self.load_balancers.values().map(|found| &found.tags);
        let tags = load_balancers.chain(self.target_groups.values().map(|found| &found.tags));
        let schedules = self.schedules_of(owner);
        let schedules = schedules.filter_map(|found| process_in_record_text(&found.description));
        let claims = self
            .ports
            .claims
            .iter()
            .filter(|claim| claim.owner.app == owner.app);
        services
            .chain(tags.filter_map(|tags| owner.process_of(tags)))
            .chain(scaled)
            .chain(schedules)
            .chain(claims.map(|claim| claim.owner.process.as_str()))
            .collect()
    }

    /// Returns true if something of the App's is there, as far as it was read.
    pub fn holds(&self, part: &Part, owner: &Owner) -> bool {
        let is_ours = |tags: &Tags| owner.owns(tags);
        match part {
            Part::Ecs => self.services.values().any(|found| is_ours(&found.tags)),
            Part::LoadBalancing => {
                self.load_balancers.values().any(|found| is_ours(&found.tags))
                    || self.target_groups.values().any(|found| is_ours(&found.tags))
            }
            Part::Zone(id) => {
                let records = self.zones.get(id).into_iter().flat_map(|zone| &zone.records);
                let mut texts = records.filter(|record| record.marks().is_some());
                texts.any(|record| owner.owns_record_text(&record.text()))
            }
            Part::Scaling => self.scaling.values().any(|found| is_ours(&found.tags)),
            Part::Schedules => self.schedules_of(owner).next().is_some(),
            Part::Tasks => self.release.open().is_some(),
            Part::LogGroup => self.log_group.as_ref().is_some_and(|found| is_ours(&found.tags)),
            // It only reads them.
            Part::Secrets => false,
        }
    }

    /// Returns true for a process whose service AWS may scale, as far as is known while scalable targets cannot be read.
    pub fn may_be_scaled(&self, process: &str) -> bool {
        self.is_unread(&Part::Scaling) && self.scaled.contains(process)
    }

    pub fn is_unread(&self, part: &Part) -> bool {
        self.unread.contains(part)
    }

    /// Returns true if a hosted zone is unread, or was read long ago: a name in it may lead anywhere.
    pub fn has_unread_zone(&self) -> bool {
        let mut unread = self.unread.iter();
        unread.any(|part| matches!(part, Part::Zone(_))) || self.zones.values().any(|zone| zone.is_old)
    }

    /// Returns the schedules that are the App's: in a group of ours, with a description that names it.
    pub fn schedules_of<'a>(&'a self, owner: &'a Owner) -> impl Iterator<Item = &'a ScheduleState> {
        let group = self.schedule_group.as_ref();
        let is_ours = group.is_some_and(|group| owner.shares(&group.tags));
        self.schedules
            .values()
            .filter(move |found| is_ours && found.is_of(owner))
    }

    /// Returns the task definition that a service runs now.
    pub fn running_definition(&self, service: &ServiceState) -> Option<&TaskDefinitionState> {
        self.task_definitions.get(&service.task_definition)
    }

    /// Returns a task definition of this content that a service may be given. One without our tags is not ours to use, since a
    /// family is account wide.
    pub fn registered(&self, content: &TaskDefinition, owner: &Owner) -> Option<&TaskDefinitionState> {
        let usable = |known: &&TaskDefinitionState| {
            known.active && owner.owns(&known.tags) && self.has_content(known, content, owner)
        };
        self.task_definitions.values().find(usable)
    }

    /// Returns true if the revision is of this content, and no copy of it.
    pub fn has_content(&self, known: &TaskDefinitionState, content: &TaskDefinition, owner: &Owner) -> bool {
        known.is_of(content, owner) && !self.is_copy(known, content)
    }

    /// Returns true for a revision that was made by hand from one of ours, tags and all, as the ECS console does: its digest
    /// says nothing of its content.
    fn is_copy(&self, known: &TaskDefinitionState, content: &TaskDefinition) -> bool {
        !content.is_reported_as(&known.content)
            && self.revision_of(content).is_some_and(|original| {
                let found = self.task_definitions.get(original);
                *original != known.arn && found.is_some_and(|found| found.active)
            })
    }

    /// Returns the revision that an earlier pass found for this content.
    pub fn revision_of(&self, content: &TaskDefinition) -> Option<&Arn> {
        if self.revisions.is_empty() {
            return None;
        }
        self.revisions.get(&digest(content))
    }
}
