//! The status of a Run. Every field but the first may be missing.

#![expect(unreachable_pub, reason = "KubeSchema repeats each type inside a function")]

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::app::{PlatformRecord, ReleaseAttempt, TaskSize};

/// The state of a Run. Until a controller has seen it, `observedGeneration` is -1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunStatus {
    /// The `metadata.generation` that this status is about.
    pub observed_generation: i64,

    /// `Complete`, as a Job has it: true once its command ended with exit code 0; `Failed`, true once it is certain that it will
    /// not, or that nobody knows; `Finished`, true once it is one of the two. For tools that judge health by conditions also
    /// `Reconciling` until it is finished, and `Stalled` once it has failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,

    /// `Pending` until its task runs, `Running`, `Succeeded` with exit code 0, `Failed`, or `Unknown` if nobody saw its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<RunPhase>,

    /// Why it is in its phase: a reason of the closed list that conditions have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,

    /// The same in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,

    /// The exit code of its command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,

    /// The ARN of its task, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,

    /// The place of the log of its command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<RunLog>,

    /// The time at which the call that starts it was first recorded; `timeout` counts from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_at: Option<Time>,

    /// The time at which its task was first seen running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,

    /// The time at which its end was seen; `ttlAfterFinished` counts from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,

    /// The Platform of its App, and where that was when the Run was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<PlatformRecord>,

    /// The size of its task, which counts against the limits of the namespace until it is finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<TaskSize>,

    /// The last call that starts it, which is recorded before it is made. Its `content` is the digest of the spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<ReleaseAttempt>,

    /// The part of that call which says what its task has otherwise than its process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overrides: Option<RunOverrides>,
}

/// The phase of a Run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RunPhase {
    Pending,
    Running,
    Succeeded,
    Failed,
    Unknown,
}

impl RunPhase {
    /// All there are.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Unknown,
    ];

    /// Returns its name, as users read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Unknown => "Unknown",
        }
    }

    /// Returns true once nothing follows it.
    pub fn is_over(self) -> bool {
        match self {
            Self::Pending | Self::Running => false,
            Self::Succeeded | Self::Failed | Self::Unknown => true,
        }
    }
}

/// The types of a Run's conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunCondition {
    Complete,
    Failed,
    Finished,
    Reconciling,
    Stalled,
}

impl RunCondition {
    /// Returns its name, as users read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "Complete",
            Self::Failed => "Failed",
            Self::Finished => "Finished",
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
        }
    }
}

/// The place of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunLog {
    /// The log driver.
    pub driver: String,

    /// The log group in CloudWatch Logs, where the driver is `awslogs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,

    /// The AWS region of the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,

    /// The part of its streams' names that the task definition says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_prefix: Option<String>,

    /// The stream in it, once the task is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
}

/// The overrides of a call of RunTask.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunOverrides {
    /// The words that its container is started with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,

    /// The variables of its container.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,

    /// The CPU units of its container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<i64>,

    /// The MiB of its container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<i64>,

    /// The CPU units of its task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_cpu: Option<i64>,

    /// The MiB of its task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_memory: Option<i64>,
}
