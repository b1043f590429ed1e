//! The status of an App. Every field but the first may be missing: a newer controller reads what an older one wrote.

#![expect(unreachable_pub, reason = "KubeSchema repeats each type inside a function")]

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// One process, as it is in AWS.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProcessStatus {
    /// Its name in the App.
    pub name: String,

    /// The number of tasks that its service is to run.
    #[serde(default)]
    pub desired: i32,

    /// The number of tasks that run.
    #[serde(default)]
    pub running: i32,

    /// The number of tasks that are starting.
    #[serde(default)]
    pub pending: i32,

    /// The range in which AWS scales it, as it was read last: a schedule may have set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<ScaleStatus>,

    /// The newest rollout of its service: `InProgress`, `Completed`, `Failed`, or `RolledBack` to the last complete one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutStatus>,

    /// The ARN of the task definition that its service or its schedule is to run, or that is there to be run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_definition: Option<String>,

    /// The times at which its tasks are started, if it has `cron`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleStatus>,

    /// The name of its load balancer in AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<String>,

    /// The DNS name that AWS gave to its load balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_balancer_dns_name: Option<String>,

    /// The host ports that are claimed for it, if its Platform allocates them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["hostPort".into()]))]
    pub host_ports: Vec<HostPortStatus>,

    /// The DNS names that it is to have: its hostnames, then the derived ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hostnames: Vec<String>,

    /// Where its own container logs, if its Platform or its manifest says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logs: Option<LogsStatus>,

    /// A message: what it waits for, or what is wrong with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,

    /// The rollout that was submitted to ECS last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted: Option<SubmittedRollout>,

    /// The rollout that failed and is not submitted again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<RejectedRollout>,

    /// ECS Exec, where `exec` has turned it on: `Enabled`, or `NextRollout` while there may be tasks that were started before:
    /// ECS replaces none for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exec: Option<ExecStatus>,

    /// The ids of the ECS deployments whose tasks were started before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub exec_lacked_by: Vec<String>,

    /// The seconds for which a rollout of it may make no progress, where `deploy.progressDeadline` is too short for its tasks to
    /// drain, stop and pass their checks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress_deadline_seconds: Option<i32>,

    /// Load balancers that were replaced and go on serving until nobody can have their address any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["loadBalancer".into()]))]
    pub retiring: Vec<Retiring>,
}

/// The tasks in which ECS Exec runs commands: all, or those that start from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ExecStatus {
    Enabled,
    NextRollout,
}

/// The state of the newest rollout of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RolloutStatus {
    InProgress,
    Completed,
    Failed,
    RolledBack,
}

/// A rollout that was submitted to ECS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubmittedRollout {
    /// The hash of what it is of.
    pub hash: String,

    /// The id of ECS's deployment.
    pub deployment_id: String,

    /// The last value of the annotation `empire.dev/redeploy` that was carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redeploy: Option<String>,

    /// The digest of the versions of its secrets that its tasks have read, where `rollOnChange` replaces them for others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secrets: Option<String>,

    /// A change of them for which its tasks are to be replaced, recorded before that begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_change: Option<SecretChangeStatus>,

    /// True once it was seen complete.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub complete: bool,

    /// Its progress, until it is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<RolloutProgress>,
}

/// A change of the secrets of a process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretChangeStatus {
    /// The digest of the new versions.
    pub versions: String,

    /// The id of ECS's deployment that was there: one that begins later has them.
    pub after: String,
}

/// The progress of a rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutProgress {
    /// The time at which it last advanced; `deploy.progressDeadline` counts from there.
    pub since: Time,

    /// The most of its tasks that ran at once.
    #[serde(default)]
    pub most_new: i32,

    /// The fewest tasks of the releases before it that were left.
    #[serde(default)]
    pub fewest_old: i32,

    /// The most tasks that it was to have. Missing: as many as it is to have now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_desired: Option<i32>,

    /// The number of its tasks that had failed then, as ECS counts them.
    #[serde(default)]
    pub failed: i32,

    /// True if a task of it failed, or was lost, since then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub faltered: bool,
}

/// A rollout that failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RejectedRollout {
    /// The hash of what it is of.
    pub hash: String,

    /// ECS's message.
    pub message: String,
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

/// A host port, claimed on the whole cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HostPortStatus {
    /// The port in the container that it leads to.
    pub container_port: i32,

    /// The port on the container instances.
    pub host_port: i32,
}

/// A range in which Application Auto Scaling keeps the number of tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScaleStatus {
    /// The fewest tasks.
    pub min: i32,

    /// The most tasks.
    pub max: i32,
}

/// Where a container logs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogsStatus {
    /// The log driver, such as `awslogs`.
    pub driver: String,

    /// The log group of CloudWatch Logs, with `awslogs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,

    /// The AWS region of the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,

    /// The beginning of the names of its log streams: they are it, the name of the container and the id of the task, with slashes
    /// between. Missing: they are the ids that Docker gives containers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_prefix: Option<String>,
}

/// A schedule of EventBridge Scheduler.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleStatus {
    /// Its name in AWS.
    pub name: String,

    /// The times, as EventBridge Scheduler reads them: `cron(0 3 * * ? *)`.
    #[serde(default)]
    pub expression: String,

    /// The time zone of the times.
    #[serde(default)]
    pub time_zone: String,
}

/// A load balancer that was replaced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Retiring {
    /// Its name in AWS.
    pub load_balancer: String,

    /// The time since which no DNS name of ours leads to it.
    pub since: Time,

    /// The largest TTL, in seconds, of the names that led to it. It waits for at least twice as long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<i32>,
}
