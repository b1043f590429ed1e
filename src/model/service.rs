//! Task definitions and ECS services, as we want them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::owner::Tags;

/// Environment variables. Their values are the user's: `Debug` shows names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(pub BTreeMap<String, String>);

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkMode {
    Bridge,
    Awsvpc,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaunchType {
    Ec2,
    Fargate,
    External,
}

/// The content of a task definition, with one container. Two of equal content run the same task, so the second is
/// never registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskDefinition {
    pub family: String,
    pub network_mode: NetworkMode,
    pub launch_type: LaunchType,
    /// Whose permissions ECS has while it starts the task.
    pub execution_role_arn: Option<String>,
    /// Whose permissions the task itself has.
    pub task_role_arn: Option<String>,
    /// Named after the process.
    pub container: String,
    pub image: String,
    /// ECS's `command`; the image's entry point is left alone.
    pub command: Vec<String>,
    /// CPU units: 1024 are one vCPU.
    pub cpu: u32,
    /// Hard limit in MiB.
    pub memory: u32,
    pub environment: Environment,
    /// By environment variable, the ARN of the secret or parameter that ECS reads its value from.
    pub secrets: BTreeMap<String, String>,
    /// The ulimit `nproc`, soft and hard.
    pub process_limit: Option<u32>,
    /// Seconds from the signal to stop to the kill; `None`: as the container instance is set up.
    pub stop_timeout: Option<u32>,
    pub read_only_root_filesystem: bool,
    /// By container port, in ascending order.
    pub ports: Vec<PortMapping>,
    pub logging: Option<Logging>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortMapping {
    pub container_port: u16,
    pub host_port: HostPort,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostPort {
    /// ECS picks one; sent as 0.
    Dynamic,
    /// One per process and container port, held by a claim that is yet to be looked up. Only in what is desired, never in AWS.
    Claimed,
    Fixed(u16),
    /// awsvpc: the task has its own address.
    SameAsContainer,
}

impl PortMapping {
    pub fn fixed_host_port(&self) -> Option<u16> {
        match self.host_port {
            HostPort::Fixed(port) => Some(port),
            HostPort::Dynamic | HostPort::Claimed | HostPort::SameAsContainer => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logging {
    pub driver: String,
    pub options: BTreeMap<String, String>,
}

/// An ECS service as the manifest wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub name: String,
    pub launch_type: LaunchType,
    /// `None`: created with one task, then left to whoever scales it.
    pub quantity: Option<u32>,
    pub settings: ServiceSettings,
    pub tags: Tags,
}

/// What one `UpdateService` can change besides task definition, count and target groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceSettings {
    pub minimum_healthy_percent: u32,
    pub maximum_percent: u32,
    pub zone_rebalancing: bool,
    pub placement: Vec<PlacementStrategy>,
    /// Seconds in which failed health checks do not count; only with target groups.
    pub grace_period: Option<u32>,
    /// awsvpc only.
    pub network: Option<TaskNetwork>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
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

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskNetwork {
    pub subnets: BTreeSet<String>,
    pub security_groups: BTreeSet<String>,
    pub assign_public_ip: bool,
}

/// A target group that ECS keeps filled with a service's tasks. `T` is its name in the core and its ARN in a call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attachment<T> {
    pub target_group: T,
    pub container: String,
    pub container_port: u16,
}

/// The part of a service that one `UpdateService` changes; `None` leaves a field as it is. Task definition and target
/// groups travel beside it, because they have an ARN only in the call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceUpdate {
    pub desired_count: Option<u32>,
    /// Minimum healthy and maximum percent, which AWS replaces together; the circuit breaker goes off with them.
    pub deployment_percent: Option<(u32, u32)>,
    pub zone_rebalancing: Option<bool>,
    pub placement: Option<Vec<PlacementStrategy>>,
    pub grace_period: Option<u32>,
    pub network: Option<TaskNetwork>,
}

impl ServiceUpdate {
    pub fn is_empty(&self) -> bool {
        *self == ServiceUpdate::default()
    }
}
