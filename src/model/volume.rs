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

/// A volume in a container.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mount {
    pub volume: String,
    pub read_only: bool,
}
