//! Volumes of a task, and where its containers have them.

#![expect(unreachable_pub, reason = "KubeSchema repeats each type inside a function")]

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::schema::container::directory;
use crate::api::schema::{id, rule};

/// A volume of each task of a process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Volume {
    /// The file system in EFS that it is. Left out: a volume on the disk of the task, empty at its start and gone with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub efs: Option<Efs>,
}

/// A file system in EFS, or a directory of one. What goes over the network is always encrypted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "!has(self.accessPointId) || !has(self.rootDirectory) || self.rootDirectory == '/'",
    "efs.rootDirectory: not with accessPointId: an access point has a directory of its own",
).field_path(".rootDirectory"))]
pub struct Efs {
    /// The id of the file system, such as `fs-0123456789abcdef0`. The Platform's `tenancy` must allow it.
    #[schemars(length(max = 64))]
    #[x_kube(validation = id("fs-"))]
    pub file_system_id: String,

    /// The directory of it, by its absolute path, which must be there; not with `accessPointId`. At most 1,024 characters. Left
    /// out: `/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1_024))]
    #[x_kube(validation = directory())]
    pub root_directory: Option<String>,

    /// The id of the access point by which it is mounted, such as `fsap-0123456789abcdef0`. Left out: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(validation = id("fsap-"))]
    pub access_point_id: Option<String>,

    /// True: it is mounted with the App's `taskRoleArn`, which must be there. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iam: Option<bool>,
}

/// A volume in a container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Mount {
    /// The name of one of the process's `volumes`.
    #[schemars(length(max = 63))]
    pub volume: String,

    /// True: the container cannot write to it. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
}
