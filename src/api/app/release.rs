//! The release phase: what it runs, and what became of that.

#![expect(unreachable_pub, reason = "KubeSchema repeats each type inside a function")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use kube::core::Rule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{AppSpec, Process};
use crate::api::schema::{between, rule_saying};

/// A task that runs once for each new content of the App, before any of its services and schedules is given it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    /// The process whose task is run, such as one that migrates a database: one with `noservice`.
    #[schemars(length(min = 1, max = 63))]
    pub process: String,

    /// The time, from the first attempt on, in which the task must have succeeded, `10s` to `12h`: one that runs longer is stopped,
    /// and the release has failed. Left out: 1h.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = between("10s", "12h"))]
    pub timeout: Option<String>,
}

/// Returns what an App says that it runs, as text, and nothing of how much of it, where and how it is reached: to scale is no release.
/// Of the task's own process all counts, since its memory or its user may be why it failed. A field that comes later is no
/// part of it where it is left out.
pub fn released_content(spec: &AppSpec, name: &str, process: &Process) -> serde_json::Result<String> {
    let mut programs = Map::new();
    for (name, process) in &spec.processes {
        programs.insert(name.clone(), program(process)?);
    }
    let mut content = json!({
        "image": spec.image,
        "env": spec.env,
        "secrets": spec.secrets,
        "taskRoleArn": spec.task_role_arn,
        "processes": programs,
        "release": { "name": name, "process": process },
    });
    // Else it would hang on the order of fields in the source.
    content.sort_all_objects();
    Ok(content.to_string())
}

/// Returns what runs in the containers of a process.
fn program(process: &Process) -> serde_json::Result<Value> {
    const PROGRAM: [&str; 10] = [
        "image",
        "command",
        "args",
        "shell",
        "entryPoint",
        "env",
        "secrets",
        "user",
        "workingDirectory",
        "sidecars",
    ];
    let mut fields = serde_json::to_value(process)?;
    if let Value::Object(fields) = &mut fields {
        fields.retain(|field, _| PROGRAM.contains(&field.as_str()));
    }
    Ok(fields)
}

pub(super) fn release_is_of_a_process() -> Rule {
    rule_saying(
        "!has(self.release) || self.release.process in self.processes",
        "'release.process: there is no process ' + self.release.process",
    )
    .field_path(".release")
}

/// Nothing else would run it, too.
pub(super) fn release_is_of_a_process_of_nobody() -> Rule {
    rule_saying(
        "!has(self.release) || !(self.release.process in self.processes) || self.processes[self.release.process].?noservice.orValue(false)",
        "'release.process: process ' + self.release.process + ': needs noservice: true, so that nothing else runs it'",
    )
    .field_path(".release")
}

/// The release phase of an App, as far as it is remembered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseStatus {
    /// The digest of the content that the last task succeeded for. It is never run for the same content again, unless another one
    /// was released in between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub succeeded: Option<String>,

    /// The last attempt, which is recorded before its task is started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<ReleaseAttempt>,
}

/// One call that starts the task, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseAttempt {
    /// The number of the attempt for this content, from 1: a task that never started is tried again.
    pub number: i32,

    /// `Pending` until its task is seen, `Abandoned` if it is not started any more, `Running`, `Stopping` once it has run longer than
    /// it may, `Succeeded`, `Failed`, `TimedOut`, or `Unknown` if nobody saw its end.
    pub phase: ReleasePhase,

    /// The digest of the content that it is for.
    pub content: String,

    /// The value of the annotation `empire.dev/redeploy` that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redeploy: Option<String>,

    /// The time in which it must succeed, in seconds from `since` on.
    pub timeout_seconds: i32,

    /// The time at which the first attempt for this content was recorded.
    pub since: Time,

    /// The time at which this one was.
    pub recorded: Time,

    /// All that is sent to ECS.
    pub request: ReleaseRequest,

    /// The ARN of the task, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,

    /// The exit code of the process's container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,

    /// A message: why it failed, or could not be started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// The state of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ReleasePhase {
    Pending,
    Abandoned,
    Running,
    Stopping,
    Succeeded,
    Failed,
    TimedOut,
    Unknown,
}

/// The part of a call of RunTask that differs from one to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseRequest {
    /// The process.
    pub process: String,

    /// The ARN of the revision.
    pub task_definition: String,

    /// The client token, and the `startedBy` by which the task is found again.
    pub token: String,

    /// The launch type, if the Platform has no capacity providers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch_type: Option<String>,

    /// The capacity providers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub capacity_providers: Vec<ReleaseCapacity>,

    /// The placement constraints, each as its type and expression.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<String>,

    /// The network, where the task has one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<ReleaseNetwork>,
}

/// A part of a capacity provider strategy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseCapacity {
    /// The name of the capacity provider.
    pub name: String,

    /// Its weight.
    pub weight: i32,

    /// Its base.
    pub base: i32,
}

/// The network of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseNetwork {
    /// The ids of its subnets.
    pub subnets: Vec<String>,

    /// The ids of its security groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security_groups: Vec<String>,

    /// True if it has a public IP address.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub assign_public_ip: bool,
}
