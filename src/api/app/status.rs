//! The status of an App. Every field but the first may be missing: a newer controller reads what an older one wrote.

#![expect(unreachable_pub, reason = "KubeSchema repeats each type inside a function")]

mod process;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::process::{
    ExecStatus, HostPortStatus, LogsStatus, ProcessStatus, RejectedRollout, Retiring, RolloutProgress,
    RolloutStatus, ScaleStatus, ScheduleStatus, SecretChangeStatus, SubmittedRollout,
};
use super::release::ReleaseStatus;

/// The state of the App in AWS. Until a controller has seen it, `observedGeneration` is -1, which tools that judge health
/// by it take for "not there yet".
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppStatus {
    /// The `metadata.generation` that this status is about.
    pub observed_generation: i64,

    /// `Ready`; and `Reconciling` while something is under way, or `Stalled` while something is stuck, each only when
    /// true and never both. Reasons are a closed, documented list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,

    /// The Platform that the App runs on for good, and where that was when it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<PlatformRecord>,

    /// The `metadata.generation` of the Platform that this status was last written for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_generation: Option<i64>,

    /// The amounts that the App was last let in with, where its Platform has `limits` for its namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<Counted>,

    /// The processes; one that is being removed stays listed until nothing of it is left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub processes: Vec<ProcessStatus>,

    /// The release phase, if the App has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<ReleaseStatus>,

    /// The task definitions that its processes ran last, newest first: content that one has again is not registered again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["taskDefinition".into()]))]
    pub revisions: Vec<RevisionStatus>,

    /// The secrets in Secrets Manager that the App gives by name, each with the ARN that ECS is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub secrets: Vec<SecretStatus>,

    /// Settings that AWS reports otherwise than they were sent, and that are not sent again before one of the two changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["setting".into()]))]
    pub echoes: Vec<EchoStatus>,

    /// The number of processes that are complete, of those with a service, such as `3/3`. Complete: rolled out, with at least its
    /// quantity running, and nothing left to change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes_complete: Option<String>,

    /// The parts of AWS in which the App holds something, or may: `LoadBalancers`, `Scaling`, `Schedules`, `Zone/` and the id of a
    /// hosted zone. Other parts that it does not want are not read. Missing: nothing is known, and all parts are read. Also
    /// each load balancer, target group, schedule and DNS name in them that is on its way out; and `Adopted` where one of
    /// its services was adopted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<Vec<String>>,

    /// True: `$(NAME)` in a command of this generation is a variable. Missing: no command has any, or the App was stored by a
    /// version that took it for plain text, which it stays until the spec is edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces_variables: Option<bool>,

    /// The address at which `web`, or else the first exposed process, answers: a hostname, derived name or load balancer name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A secret that is given by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretStatus {
    /// The name in Secrets Manager.
    pub name: String,

    /// The ARN, which is another one for a secret that is made again under its name.
    pub arn: String,
}

/// The amounts that an App was let in with. They count as the App's before anything of them is made, and it keeps them when a
/// limit is lowered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counted {
    /// The number of processes.
    #[serde(default)]
    pub processes: i64,

    /// The number of tasks, one of each process without `quantity`, however many others have scaled it to.
    #[serde(default)]
    pub tasks: i64,

    /// The CPU units of these tasks.
    #[serde(default)]
    pub cpu: i64,

    /// The memory of these tasks, in MiB.
    #[serde(default)]
    pub memory: i64,

    /// The number of load balancers.
    #[serde(default)]
    pub load_balancers: i64,

    /// The number of host ports, which count where the Platform allocates them.
    #[serde(default)]
    pub host_ports: i64,

    /// The number of schedules.
    #[serde(default)]
    pub schedules: i64,

    /// The size of one task of each process without `quantity`, of which there may be any number: larger ones are growth.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sizes: BTreeMap<String, TaskSize>,
}

/// The size of one task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TaskSize {
    /// CPU units.
    #[serde(default)]
    pub cpu: i64,

    /// Memory, in MiB.
    #[serde(default)]
    pub memory: i64,
}

/// A Platform, as far as an App's resources depend on it for good.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlatformRecord {
    /// Its name.
    pub name: String,

    /// The AWS account of its role, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,

    /// Its AWS region.
    pub region: String,

    /// Its ECS cluster, name or ARN.
    pub cluster: String,

    /// The id of its VPC.
    pub vpc_id: String,

    /// The id of its internal hosted zone, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal_zone_id: Option<String>,

    /// The id of its external hosted zone, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_zone_id: Option<String>,

    /// The owner id that the App's resources carry, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<String>,
}

/// A revision of a task definition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevisionStatus {
    /// The digest of its content, as its tag `empire.dev/content` has it.
    pub content: String,

    /// Its ARN.
    pub task_definition: String,
}

/// A setting that AWS reports otherwise than it was sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EchoStatus {
    /// The setting, after the resource that it is of.
    pub setting: String,

    /// The digest of what was sent.
    pub sent: String,

    /// The digest of what AWS reported then.
    pub reported: String,
}
