//! The status of a process.

#![expect(unreachable_pub, reason = "KubeSchema repeats each type inside a function")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
