//! Task definitions and ECS services, as we want them.

mod update;

pub use update::ServiceUpdate;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::container::{Condition, Container, ContainerCheck, HostPort};
use super::members::TaskMembers;
use super::owner::Tags;
use super::scaling::Scaling;
use super::secret::SecretVersions;
use super::small_map::SmallMap;
use super::volume::Volume;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum NetworkMode {
    Bridge,
    Awsvpc,
    /// That of the instance.
    Host,
}

impl NetworkMode {
    /// As AWS spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            NetworkMode::Bridge => "bridge",
            NetworkMode::Awsvpc => "awsvpc",
            NetworkMode::Host => "host",
        }
    }

    /// Returns true where all containers of a task have one network, so that each port is there once.
    pub fn is_shared(self) -> bool {
        match self {
            NetworkMode::Awsvpc | NetworkMode::Host => true,
            NetworkMode::Bridge => false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LaunchType {
    Ec2,
    Fargate,
    External,
    /// By capacity provider only: instances that ECS itself runs.
    ManagedInstances,
}

impl LaunchType {
    /// Returns the one that AWS spells so.
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Ec2, Self::Fargate, Self::External, Self::ManagedInstances];
        all.into_iter().find(|known| known.as_str() == name)
    }

    /// As AWS spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            LaunchType::Ec2 => "EC2",
            LaunchType::Fargate => "FARGATE",
            LaunchType::External => "EXTERNAL",
            LaunchType::ManagedInstances => "MANAGED_INSTANCES",
        }
    }
}

/// The compute behind a capacity provider, other than AWS's own two of Fargate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CapacityProviderKind {
    AutoScalingGroup,
    ManagedInstances,
}

/// The architecture of a processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Architecture {
    Arm64,
    X8664,
}

impl Architecture {
    /// As AWS spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Architecture::Arm64 => "ARM64",
            Architecture::X8664 => "X86_64",
        }
    }
}

/// The content of a task definition. Two of equal content run the same task, so the second is never registered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TaskDefinition {
    pub family: String,
    pub network_mode: NetworkMode,
    pub launch_type: LaunchType,
    /// The role whose permissions ECS has while it starts the task.
    pub execution_role_arn: Option<String>,
    /// The role whose permissions the task itself has.
    pub task_role_arn: Option<String>,
    /// GiB, where it is more than Fargate gives anyway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ephemeral_storage: Option<u32>,
    /// `None`: as ECS has it, on Fargate x86-64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,
    /// By name.
    #[serde(default, skip_serializing_if = "SmallMap::is_empty")]
    pub volumes: SmallMap<String, Volume>,
    /// What only `overrides` say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<Box<TaskMembers>>,
    /// The container of the process, and named after it.
    pub main: Container,
    /// The containers beside it, in order of their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sidecars: Vec<Container>,
}

impl TaskDefinition {
    /// Returns all containers, the main one first.
    pub fn containers(&self) -> impl Iterator<Item = &Container> {
        std::iter::once(&self.main).chain(&self.sidecars)
    }

    /// Returns true if its tasks want ports that are the same on each instance, of which each has room for one of them then.
    pub fn is_alone_on_its_instance(&self) -> bool {
        let in_host = self.network_mode == NetworkMode::Host;
        let mut containers = self.containers();
        containers.any(|container| {
            let has_claims = container
                .ports
                .iter()
                .any(|port| port.host_port == HostPort::Claimed);
            let has_ports = !container.ports.is_empty() || !container.details().extras.ports.is_empty();
            has_claims || in_host && has_ports
        })
    }

    /// Returns what only `overrides` say of the task.
    pub fn members(&self) -> &TaskMembers {
        static NONE: TaskMembers = TaskMembers::none();
        self.members.as_deref().unwrap_or(&NONE)
    }

    /// Returns the container to which others of the task log.
    pub fn log_router(&self) -> Option<&Container> {
        self.containers()
            .find(|container| container.details().extras.log_router.is_some())
    }

    /// Returns what a container waits for: what it says, the log router that it logs to, as ECS has it of its own accord
    /// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_firelens.html>), and the containers that it is linked
    /// to or has the volumes of (<https://github.com/aws/amazon-ecs-agent/blob/master/agent/engine/dependencygraph/graph.go>).
    pub fn needed_by<'a>(&'a self, container: &'a Container) -> impl Iterator<Item = (&'a str, Condition)> {
        let said = &container.details().depends_on;
        let router = self.log_router().filter(|_| container.logs_to_router());
        let router =
            router.filter(|router| router.name != container.name && !said.contains_key(&*router.name));
        let router = router.map(|router| &*router.name);
        let needed = container.members().needs();
        let needed = needed.filter(|name| !said.contains_key(*name));
        said.iter().map(|(name, condition)| (&**name, *condition)).chain(
            router
                .into_iter()
                .chain(needed)
                .map(|name| (name, Condition::Start)),
        )
    }

    /// Returns true if a revision that AWS reports as `found` is of this content: an architecture that was left out may come
    /// back as the default. On EC2, where that is none, a revision without a digest that asks for it passes for one without, too.
    pub fn is_reported_as(&self, found: &TaskDefinition) -> bool {
        let default = Some(Architecture::X8664);
        if self.architecture.is_none() && found.architecture == default {
            return TaskDefinition {
                architecture: default,
                ..self.clone()
            } == *found;
        }
        self == found
    }

    /// Returns the CPU units of a task: those of its containers together.
    pub fn cpu(&self) -> u32 {
        self.sum(|container| container.cpu)
    }

    /// Returns the MiB of a task.
    pub fn memory(&self) -> u32 {
        self.sum(|container| container.memory)
    }

    /// Returns true where a task has a size of its own: Fargate and Managed Instances find it an instance by that, which is
    /// the size of its containers together. Elsewhere it would only be a second limit.
    fn has_size(&self) -> bool {
        match self.launch_type {
            LaunchType::Fargate | LaunchType::ManagedInstances => true,
            LaunchType::Ec2 | LaunchType::External => false,
        }
    }

    /// Returns the CPU units that a task definition says of its task.
    pub fn task_cpu(&self) -> Option<u32> {
        self.has_size().then(|| self.cpu())
    }

    /// Likewise its MiB. A sidecar without a limit of its own has that of the task, and AWS wants one or the other:
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html>.
    pub fn task_memory(&self) -> Option<u32> {
        let has_unlimited = self.sidecars.iter().any(|sidecar| sidecar.memory == 0);
        (self.has_size() || has_unlimited).then(|| self.memory())
    }

    fn sum(&self, of: fn(&Container) -> u32) -> u32 {
        self.containers().map(of).fold(0, u32::saturating_add)
    }

    /// Returns for how many seconds ECS waits until the checks of all containers have passed, where one starts after the other.
    /// Nobody knows for how long one runs that is to end first.
    pub fn patience(&self) -> u32 {
        let check = |container: &Container| {
            let check = container.details().health_check.as_ref();
            check.map_or(0, ContainerCheck::patience)
        };
        self.longest(check, |condition| match condition {
            Condition::Healthy => true,
            Condition::Start | Condition::Complete | Condition::Success => false,
        })
    }

    /// Returns in how many seconds all containers have stopped, where one stops after the other.
    pub fn stop_time(&self) -> u32 {
        /// ECS's own, unless the container instance is set up otherwise:
        /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html>.
        const STOP_TIMEOUT: u32 = 30;
        self.longest(
            |container| container.stop_timeout.unwrap_or(STOP_TIMEOUT),
            |condition| match condition {
                Condition::Start | Condition::Healthy => true,
                // It has ended before the other began.
                Condition::Complete | Condition::Success => false,
            },
        )
    }

    /// Returns the seconds of the longest chain of containers that wait for each other, each with its own, where those of one
    /// count that others wait for in this way.
    fn longest(&self, own: impl Fn(&Container) -> u32, counts: impl Fn(Condition) -> bool) -> u32 {
        let mut before: BTreeMap<&str, u32> = BTreeMap::new();
        // No chain has more links than there are containers.
        for _ in self.containers() {
            for container in self.containers() {
                let ways = self.needed_by(container).filter_map(|(name, condition)| {
                    let other = self.containers().find(|other| other.name == name)?;
                    let way = before.get(&*other.name).copied().unwrap_or(0);
                    Some(way.saturating_add(if counts(condition) { own(other) } else { 0 }))
                });
                let longest = ways.max().unwrap_or(0);
                before.insert(&container.name, longest);
            }
        }
        let whole = self.containers().map(|container| {
            let way = before.get(&*container.name).copied().unwrap_or(0);
            way.saturating_add(own(container))
        });
        whole.max().unwrap_or(0)
    }
}

/// Seconds in which a task behind an application load balancer may fail its checks, unless the manifest says otherwise.
pub const APPLICATION_GRACE_PERIOD: u32 = 60;
/// The same behind a network load balancer, which may take minutes from the registration of a target to its first check:
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-register-targets.html>.
pub const NETWORK_GRACE_PERIOD: u32 = 300;

/// An ECS service as the manifest wants it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Service {
    pub name: String,
    pub capacity: Capacity,
    /// `None`: created with one task, then left to whoever scales it.
    pub quantity: Option<u32>,
    /// In place of a quantity.
    pub scaling: Option<Box<Scaling>>,
    pub settings: ServiceSettings,
    /// Seconds after which a rollout that is not complete counts as failed.
    pub progress_deadline: u32,
    /// True if the last complete rollout comes back then.
    pub rolls_back: bool,
    /// The minimum healthy and maximum percent of the manifest itself, and not what follows from the quantity.
    pub given_percent: (Option<u32>, Option<u32>),
    /// The grace period is the manifest's own, and not the default.
    pub given_grace_period: bool,
    /// A new value asks for a rollout of what is there.
    pub redeploy: Option<String>,
    /// Its tasks are replaced when they change.
    pub secret_versions: SecretVersions,
    pub tags: Tags,
}

impl Service {
    /// Returns the number of tasks to create it with.
    pub fn first_count(&self) -> u32 {
        let fewest = self.scaling.as_ref().map(|scaling| scaling.range.min);
        self.quantity.or(fewest).unwrap_or(1)
    }
}

/// Where the tasks of a service run. ECS takes one or the other, and what a service began with it keeps.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Capacity {
    LaunchType(LaunchType),
    /// In AWS's order, which means nothing: compare them sorted.
    Providers(Vec<CapacityProvider>),
}

/// One part of a capacity provider strategy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CapacityProvider {
    pub name: String,
    pub weight: u32,
    pub base: u32,
}

/// The settings that one `UpdateService` can change besides task definition, count and target groups.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceSettings {
    pub deployment: DeploymentConfiguration,
    pub zone_rebalancing: bool,
    pub placement: Vec<PlacementStrategy>,
    pub constraints: Vec<PlacementConstraint>,
    /// Seconds in which failed health checks do not count; only with target groups.
    pub grace_period: Option<u32>,
    /// awsvpc only.
    pub network: Option<TaskNetwork>,
    /// True: who may have ECS do it can run commands in its tasks. `None`: as it is, unless it was turned on here.
    pub exec: Option<bool>,
}

/// The way in which tasks are replaced. AWS takes and replaces it as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeploymentConfiguration {
    pub minimum_healthy_percent: u32,
    pub maximum_percent: u32,
    pub circuit_breaker: CircuitBreaker,
}

/// Decides if ECS gives up a rollout whose tasks do not come up, and if it then goes back to the last complete one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CircuitBreaker {
    pub enable: bool,
    pub rollback: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlacementConstraint {
    /// `distinctInstance` or `memberOf`.
    pub kind: String,
    /// Empty for `distinctInstance`.
    pub expression: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlacementStrategy {
    /// `spread`, `binpack` or `random`.
    pub kind: String,
    pub field: String,
}

impl PlacementStrategy {
    pub fn spread(field: &str) -> Self {
        PlacementStrategy {
            kind: "spread".into(),
            field: field.into(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaskNetwork {
    pub subnets: BTreeSet<String>,
    pub security_groups: BTreeSet<String>,
    pub assign_public_ip: bool,
}

impl TaskNetwork {
    /// Without security groups, AWS chose the VPC's default one and reports it, and that is as wanted; but not `dropped`
    /// ones, which tasks were given before.
    pub fn differs(&self, found: &TaskNetwork, dropped: &BTreeSet<String>) -> bool {
        let TaskNetwork {
            subnets,
            security_groups,
            assign_public_ip,
        } = found;
        let groups_differ = if self.security_groups.is_empty() {
            !dropped.is_disjoint(security_groups)
        } else {
            self.security_groups != *security_groups
        };
        self.subnets != *subnets || groups_differ || self.assign_public_ip != *assign_public_ip
    }
}

/// A target group that ECS keeps filled with a service's tasks. `T` is its name in the core and its ARN in a call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attachment<T> {
    pub target_group: T,
    pub container: String,
    pub container_port: u16,
}

#[cfg(test)]
mod tests;
