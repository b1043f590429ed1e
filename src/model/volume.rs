//! Volumes of a task, and where its containers have them.

use serde::{Deserialize, Serialize};

use super::small_map::SmallMap;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Volume {
    /// On the disk of a task: empty at its start, and gone with it.
    Scratch,
    FileSystem(FileSystem),
    /// A file or a directory of the instance, by its path.
    Host(String),
    /// A volume of the instance's Docker.
    Docker(Box<DockerVolume>),
}

/// A file system in EFS, with encryption in transit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileSystem {
    pub id: String,
    /// `None`: its root, or the directory of the access point.
    pub directory: Option<String>,
    pub access_point: Option<String>,
    /// True: it is mounted with the task's role.
    pub iam: bool,
}

/// A volume that Docker makes, or finds, on the instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct DockerVolume {
    /// True: it is there for all tasks of the instance, and stays.
    pub shared: bool,
    /// Only of a shared one: it is made where it is missing. `None`: as ECS has it.
    pub autoprovision: Option<bool>,
    pub driver: Option<String>,
    pub options: SmallMap<String, String>,
    pub labels: SmallMap<String, String>,
}

impl DockerVolume {
    /// The options by which Docker's driver `local` mounts something, be it a directory of the instance; there is also `o`, which may
    /// have a password in it: <https://docs.docker.com/reference/cli/docker/volume/create/>.
    pub const MOUNTS: [&str; 2] = ["device", "type"];

    /// Returns the driver, which is Docker's own unless another one is named.
    pub fn driver_name(&self) -> &str {
        self.driver.as_deref().unwrap_or("local")
    }

    /// Returns true if it may be a directory of the instance.
    pub fn may_bind(&self) -> bool {
        self.driver_name() == "local" && self.options.keys().any(|name| name == "device" || name == "o")
    }
}

/// A volume in a container.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mount {
    pub volume: String,
    pub read_only: bool,
}
