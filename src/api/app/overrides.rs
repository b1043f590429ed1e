//! Members of ECS's task definitions that have no field of their own in an App, by AWS's names.
//!
//! All of them are typed and bounded here: a structure of any form could be nested as deep as its author likes, in the API
//! server's memory and in ours. What has a field elsewhere is not here, so that there is one way to say it, but where AWS has
//! more to say of it than the field. What `desired` judges has no rule in CEL, since there may be a thousand of them in an App.

#![expect(unreachable_pub, reason = "KubeSchema repeats each type inside a function")]

mod container;
mod task;

use kube::KubeSchema;
use kube::core::Rule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::container::{
    Capabilities, ContainerMembers, Device, DevicePermission, LinuxParameters, Tmpfs, Ulimit,
    VersionConsistency, VolumeFrom,
};
pub use self::task::{
    DockerVolume, DockerVolumeScope, HostVolume, IpcMode, PidMode, TaskConstraint, TaskMembers, VolumeMembers,
};
use crate::api::schema::rule_saying;

/// Stands in `on` for the task definition itself. No container can have a dot in its name.
pub const TASK_DEFINITION: &str = ".taskDefinition";

/// The members that overrides may change, by their paths in ECS's RegisterTaskDefinition: what `tenancy` grants.
pub const PATHS: [&str; 25] = [
    "containerDefinitions.disableNetworking",
    "containerDefinitions.dnsSearchDomains",
    "containerDefinitions.dnsServers",
    "containerDefinitions.dockerSecurityOptions",
    "containerDefinitions.hostname",
    "containerDefinitions.interactive",
    "containerDefinitions.links",
    "containerDefinitions.linuxParameters.capabilities.add",
    "containerDefinitions.linuxParameters.capabilities.drop",
    "containerDefinitions.linuxParameters.devices",
    "containerDefinitions.linuxParameters.maxSwap",
    "containerDefinitions.linuxParameters.swappiness",
    "containerDefinitions.linuxParameters.tmpfs",
    "containerDefinitions.logConfiguration",
    "containerDefinitions.privileged",
    "containerDefinitions.pseudoTerminal",
    "containerDefinitions.ulimits",
    "containerDefinitions.versionConsistency",
    "containerDefinitions.volumesFrom",
    "enableFaultInjection",
    "ipcMode",
    "pidMode",
    "placementConstraints",
    "volumes.dockerVolumeConfiguration",
    "volumes.host",
];

/// Members of a container of the process, or of its task definition, as AWS has them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = members_are_of(false))]
#[x_kube(validation = members_are_of(true))]
pub struct Override {
    /// The container that they are of, by name: the process's own has the process's name, its sidecars have theirs; a sidecar of
    /// the Platform cannot be changed. `.taskDefinition`, with the dot that no name has, is the task definition itself. Each once.
    /// Write it as `"on"`: without quotes, YAML 1.1 takes it for a truth value, and with it kubectl.
    #[schemars(length(max = 63))]
    pub on: String,

    /// The members and what they are to be, by AWS's names. The Platform's `tenancy` must allow each by its path. Left out: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set: Option<Members>,

    /// Members that the container would have by the Platform, and is to be without: `logConfiguration`. The Platform's `tenancy`
    /// must allow it. Left out: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub remove: Vec<Removed>,
}

/// A member that can be taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Removed {
    LogConfiguration,
}

/// Those of a container beside those of a task definition: AWS has no name in both.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Members {
    #[serde(flatten)]
    pub container: ContainerMembers,

    #[serde(flatten)]
    pub task: TaskMembers,
}

/// The names within `set` of the members of a task definition, and of those of a container.
pub const TASK_MEMBERS: [&str; 5] = [
    "enableFaultInjection",
    "ipcMode",
    "pidMode",
    "placementConstraints",
    "volumes",
];
pub const CONTAINER_MEMBERS: [&str; 13] = [
    "disableNetworking",
    "dnsSearchDomains",
    "dnsServers",
    "dockerSecurityOptions",
    "hostname",
    "interactive",
    "links",
    "linuxParameters",
    "privileged",
    "pseudoTerminal",
    "ulimits",
    "versionConsistency",
    "volumesFrom",
];

/// Refuses members of the one on the other.
fn members_are_of(task: bool) -> Rule {
    let (is_other, members, advice) = if task {
        ("==", &CONTAINER_MEMBERS[..], NO_CONTAINER)
    } else {
        ("!=", &TASK_MEMBERS[..], NO_TASK)
    };
    let listed: Vec<String> = members
        .iter()
        .map(|member| format!("has(self.set.{member})"))
        .collect();
    let removed = if task {
        "has(self.remove) && size(self.remove) > 0 || "
    } else {
        ""
    };
    let any = format!("{removed}has(self.set) && ({})", listed.join(" || "));
    rule_saying(
        format!("!(self.on {is_other} '{TASK_DEFINITION}' && ({any}))"),
        format!("'overrides: ' + self.on + ': {advice}'"),
    )
}

/// Says what is wrong with members of a container, or removals, on the task definition.
pub const NO_CONTAINER: &str = "has members of a container: name that in on";
/// Says what is wrong with members of the task definition on a container.
pub const NO_TASK: &str = "has members of the task definition: say .taskDefinition in on";
