//! What few containers have: settings of ECS that most do without even where they have others.

use serde::{Deserialize, Serialize};

use super::members::ContainerMembers;
use super::small_map::SmallMap;

/// The settings of a container that few have. Each is as ECS has it where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Extras {
    /// The ulimit `nofile`, soft and hard.
    pub open_files: Option<u32>,
    /// Seconds that others wait for it to become what they need.
    pub start_timeout: Option<u32>,
    pub restart: Option<Restart>,
    /// MiB; beside a hard limit, which is more.
    pub memory_reservation: Option<u32>,
    /// MiB of `/dev/shm`.
    pub shared_memory: Option<u32>,
    pub gpus: Option<u32>,
    /// ARNs of objects in S3, in their order.
    pub environment_files: Vec<String>,
    /// By name as sysctl has it.
    pub system_controls: SmallMap<String, String>,
    /// By name, an IP address.
    pub extra_hosts: SmallMap<String, String>,
    /// By name. They have no load balancer, and host ports of ECS's own choice.
    pub ports: SmallMap<String, NamedPort>,
    /// Others of the task log to it.
    pub log_router: Option<LogRouter>,
    /// What only `overrides` say; see [`Container::members`](super::container::Container::members).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<Box<ContainerMembers>>,
}

impl Extras {
    /// The same as the default, for a constant.
    pub const fn none() -> Self {
        Extras {
            open_files: None,
            start_timeout: None,
            restart: None,
            memory_reservation: None,
            shared_memory: None,
            gpus: None,
            environment_files: Vec::new(),
            system_controls: SmallMap::new(),
            extra_hosts: SmallMap::new(),
            ports: SmallMap::new(),
            log_router: None,
            members: None,
        }
    }

    /// Returns true if they say nothing.
    pub fn is_none(&self) -> bool {
        *self == Extras::none()
    }
}

/// ECS's start of a container that has ended, without a new task.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Restart {
    /// Seconds.
    pub attempt_period: u32,
    /// In ascending order.
    pub ignored_exit_codes: Vec<u32>,
}

impl Restart {
    /// ECS's default, in seconds: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerRestartPolicy.html>.
    pub const ATTEMPT_PERIOD: u32 = 300;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NamedPort {
    pub container_port: u16,
    pub transport: Transport,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Transport {
    Tcp,
    Udp,
}

impl Transport {
    /// As AWS spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
        }
    }
}

/// ECS's FireLens: a container to which those log whose driver is `awsfirelens`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LogRouter {
    pub kind: LogRouterKind,
    pub options: SmallMap<String, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LogRouterKind {
    Fluentbit,
    Fluentd,
}

impl LogRouterKind {
    /// As AWS spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            LogRouterKind::Fluentbit => "fluentbit",
            LogRouterKind::Fluentd => "fluentd",
        }
    }
}
