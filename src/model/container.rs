//! Containers of a task definition, as we want them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::extras::Extras;
use super::members::ContainerMembers;
use super::small_map::SmallMap;
use super::volume::Mount;

/// One container of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Container {
    /// Unique within its task.
    pub name: String,
    pub image: String,
    /// ECS's `command`; the image's entry point is left alone, unless `entry_point` says another.
    pub command: Vec<String>,
    /// CPU units: 1024 are one vCPU.
    pub cpu: u32,
    /// Hard limit in MiB; 0 for a sidecar that has none of its own.
    pub memory: u32,
    pub environment: Environment,
    /// By environment variable, the ARN of the secret or parameter that ECS reads its value from.
    pub secrets: SmallMap<String, String>,
    /// The ulimit `nproc`, soft and hard.
    pub process_limit: Option<u32>,
    /// Seconds from the signal to stop to the kill; `None`: as the container instance is set up.
    pub stop_timeout: Option<u32>,
    pub read_only_root_filesystem: bool,
    /// By container port, in ascending order.
    pub ports: Vec<PortMapping>,
    pub logging: Option<Logging>,
    /// What most containers do without; see [`Container::details`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Box<Details>>,
}

impl Container {
    /// Returns what most containers do without.
    pub fn details(&self) -> &Details {
        static NONE: Details = Details::none();
        self.details.as_deref().unwrap_or(&NONE)
    }

    /// Returns what only `overrides` say.
    pub fn members(&self) -> &ContainerMembers {
        static NONE: ContainerMembers = ContainerMembers::none();
        self.details().extras.members.as_deref().unwrap_or(&NONE)
    }

    /// Returns true if it logs to the log router of its task.
    pub fn logs_to_router(&self) -> bool {
        self.logging.as_ref().is_some_and(Logging::is_to_router)
    }
}

/// The settings of a container that most do without. Kept apart, so that those take no memory for them.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Details {
    /// The task goes on without it: not `essential`.
    pub optional: bool,
    pub entry_point: Vec<String>,
    pub health_check: Option<ContainerCheck>,
    /// A name or an id, a group after a colon.
    pub user: Option<String>,
    pub working_directory: Option<String>,
    /// A process of the container runtime's own reaps those that end and passes signals on.
    pub init: bool,
    pub labels: SmallMap<String, String>,
    /// The ARN of the secret by which ECS pulls the image.
    pub repository_credentials: Option<String>,
    /// By path, MiB.
    pub tmpfs: SmallMap<String, u32>,
    /// By container, what it waits for before this one starts.
    pub depends_on: SmallMap<String, Condition>,
    /// By path, a volume of the task.
    #[serde(default, skip_serializing_if = "SmallMap::is_empty")]
    pub mounts: SmallMap<String, Mount>,
    #[serde(default, skip_serializing_if = "Extras::is_none")]
    pub extras: Extras,
}

impl Details {
    const fn none() -> Self {
        Details {
            optional: false,
            entry_point: Vec::new(),
            health_check: None,
            user: None,
            working_directory: None,
            init: false,
            labels: SmallMap::new(),
            repository_credentials: None,
            tmpfs: SmallMap::new(),
            depends_on: SmallMap::new(),
            mounts: SmallMap::new(),
            extras: Extras::none(),
        }
    }

    /// Returns what a container keeps of them: nothing, where they say nothing, so that equal ones are equal.
    pub fn kept(self) -> Option<Box<Self>> {
        (self != Details::none()).then(|| Box::new(self))
    }
}

/// The check that ECS runs in a container. It has nothing to do with that of a target group. All times in seconds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ContainerCheck {
    /// As ECS has it: `CMD` and words, or `CMD-SHELL` and a line for the container's shell.
    pub command: Vec<String>,
    pub interval: u32,
    pub timeout: u32,
    /// The number of failed checks in a row after which a container is unhealthy.
    pub retries: u32,
    /// The time in which failed checks do not count; 0 without.
    pub start_period: u32,
}

impl ContainerCheck {
    /// ECS's defaults: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html>.
    pub const INTERVAL: u32 = 30;
    pub const TIMEOUT: u32 = 5;
    pub const RETRIES: u32 = 3;

    /// Returns for how many seconds ECS waits for a container that never passes.
    pub fn patience(&self) -> u32 {
        let each = self.interval.saturating_add(self.timeout);
        self.start_period
            .saturating_add(each.saturating_mul(self.retries))
    }
}

/// The state of another container for which one waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Condition {
    Start,
    Complete,
    Success,
    Healthy,
}

impl Condition {
    /// As AWS spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Condition::Start => "START",
            Condition::Complete => "COMPLETE",
            Condition::Success => "SUCCESS",
            Condition::Healthy => "HEALTHY",
        }
    }
}

/// Environment variables. Their values are the user's: `Debug` shows names only.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Environment(pub SmallMap<String, String>);

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PortMapping {
    pub container_port: u16,
    pub host_port: HostPort,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum HostPort {
    /// ECS picks one; sent as 0.
    Dynamic,
    /// One per process and container port, held by a claim that is yet to be looked up. Only in what is desired, never in AWS.
    Claimed,
    Fixed(u16),
    /// awsvpc, where the task has its own address, and host, where it has that of its instance.
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

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Logging {
    pub driver: String,
    pub options: SmallMap<String, String>,
    /// Options whose values ECS reads: ARNs, by their names.
    #[serde(default, skip_serializing_if = "SmallMap::is_empty")]
    pub secret_options: SmallMap<String, String>,
}

/// The log driver that is a container of the task.
pub const ROUTED: &str = "awsfirelens";

impl Logging {
    /// Returns true for the driver that is a container of the task.
    pub fn is_to_router(&self) -> bool {
        self.driver == ROUTED
    }
}
