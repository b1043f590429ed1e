//! Containers of a task definition, as we want them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::small_map::SmallMap;

/// One container of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Container {
    /// Unique within its task.
    pub name: String,
    pub image: String,
    /// ECS's `command`; the image's entry point is left alone.
    pub command: Vec<String>,
    /// CPU units: 1024 are one vCPU.
    pub cpu: u32,
    /// Hard limit in MiB.
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

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Logging {
    pub driver: String,
    pub options: SmallMap<String, String>,
    /// Options whose values ECS reads: ARNs, by their names.
    #[serde(default, skip_serializing_if = "SmallMap::is_empty")]
    pub secret_options: SmallMap<String, String>,
}
