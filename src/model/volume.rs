//! Volumes of a task, and where its containers have them.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Volume {
    /// On the disk of a task: empty at its start, and gone with it.
    Scratch,
    FileSystem(FileSystem),
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

/// A volume in a container.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mount {
    pub volume: String,
    pub read_only: bool,
}
