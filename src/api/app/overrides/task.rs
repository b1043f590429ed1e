//! Members of a task definition.

#![expect(unreachable_pub, reason = "KubeSchema repeats each type inside a function")]

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::schema::container::{driver_options, labels};

/// Members of a task definition.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskMembers {
    /// True: AWS's Fault Injection Service may disturb the network of its tasks. Not with network mode `bridge`. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_fault_injection: Option<bool>,

    /// The containers that share memory segments and semaphores: `host`, `task` or `none`. Not on Fargate. Left out: as Docker on
    /// the instance has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipc_mode: Option<IpcMode>,

    /// The containers that see each other's processes: `host` or `task`; on Fargate `task` only. Left out: each sees its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid_mode: Option<PidMode>,

    /// Conditions for the instance of each of its tasks, those besides the service's included, at most 10 with all others. Not on Fargate.
    /// Left out: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub placement_constraints: Vec<TaskConstraint>,

    /// The kind of some of the process's `volumes`, by name, at most 10, each without `efs` there. Not on Fargate. Left out: as
    /// `volumes` has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub volumes: Vec<VolumeMembers>,
}

/// The containers that share memory segments and semaphores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum IpcMode {
    Host,
    None,
    Task,
}

/// The containers that see each other's processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PidMode {
    Host,
    Task,
}

/// A condition for an instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskConstraint {
    /// `memberOf`: a task definition has no other.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["memberOf"]))]
    pub type_: String,

    /// A query for instances, such as `attribute:pool == shop`. At most 2,000 characters.
    #[schemars(length(max = 2_000))]
    pub expression: String,
}

/// The kind of a volume.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct VolumeMembers {
    /// The name of one of the process's `volumes`; each once.
    #[schemars(length(max = 63))]
    pub name: String,

    /// A file or a directory of the instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<HostVolume>,

    /// A volume of the instance's Docker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docker_volume_configuration: Option<DockerVolume>,
}

/// A file or a directory of the instance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct HostVolume {
    /// Its absolute path, such as `/var/run/docker.sock`. At most 1,024 characters. Left out: an empty directory for the task.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1_024))]
    pub source_path: Option<String>,
}

/// A volume of the instance's Docker. Its driver and options reach whatever Docker does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DockerVolume {
    /// `shared`: it is there for all tasks of the instance, and stays. Left out: `task`, it is gone with its task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<DockerVolumeScope>,

    /// True: a shared volume is made where it is missing. Only with scope `shared`. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autoprovision: Option<bool>,

    /// The driver, such as `rexray/ebs`. At most 255 characters. Left out: `local`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub driver: Option<String>,

    /// Options of the driver, at most 20. Not for secrets. Left out: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = driver_options)]
    pub driver_opts: BTreeMap<String, String>,

    /// Labels of the volume, at most 50. Left out: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = labels)]
    pub labels: BTreeMap<String, String>,
}

/// The life of a volume of Docker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DockerVolumeScope {
    Shared,
    Task,
}
