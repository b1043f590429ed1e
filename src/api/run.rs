//! `Run`: a command that runs once beside an App, as a task of its own, and what became of it.

#![expect(unreachable_pub, reason = "KubeSchema repeats each type inside a function")]

mod status;

pub use status::{RunCondition, RunLog, RunOverrides, RunPhase, RunStatus};

use std::collections::BTreeMap;

use kube::core::Rule;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::schema::container::memory;
use super::schema::{LABEL, between, few_variables, no_controls, rule, words};

/// One run of a command, in a task that has what a process of an App has.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "empire.dev",
    version = "v1alpha1",
    kind = "Run",
    namespaced,
    status = "RunStatus",
    derive = "PartialEq",
    category = "empire",
    doc = "A command that runs once, in a task of its own beside the services of an App, such as a console or the repair of some data: \
           with the image, the variables, the secrets and the role that a process of the App has now. It is never run twice.",
    printcolumn(name = "App", type_ = "string", json_path = ".spec.app", description = "The App"),
    printcolumn(
        name = "Process",
        type_ = "string",
        json_path = ".status.attempt.request.process",
        description = "The process whose task definition it runs"
    ),
    printcolumn(
        name = "Phase",
        type_ = "string",
        json_path = ".status.phase",
        description = "Pending, Running, Succeeded, Failed or Unknown"
    ),
    printcolumn(
        name = "Exit",
        type_ = "integer",
        json_path = ".status.exitCode",
        description = "The exit code of its command"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.reason",
        description = "Why it is in its phase",
        priority = 1
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.message",
        description = "The same in words",
        priority = 1
    ),
    selectable = ".spec.app",
    validation = nothing_but_the_ttl_comes_or_goes(),
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "!has(self.args) || size(self.args) == 0 || has(self.command)",
    "args: need a command before them",
).field_path(".args"))]
#[x_kube(validation = rule(
    "!has(self.shell) || !self.shell || has(self.command)",
    "shell: needs a command for it to run",
).field_path(".shell"))]
pub struct RunSpec {
    /// The App, in the same namespace. Until there is one of this name that has registered the process in AWS, the Run waits.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = rule(
        format!("self.matches('{LABEL}')"),
        "must be the name of an App: at most 63 lower case letters, digits and hyphens",
    ))]
    #[x_kube(validation = unchanged())]
    pub app: String,

    /// The process whose task definition is run: its image, variables, secrets, role, volumes and sidecars, as they were last
    /// registered. Left out: the App's only process; where it has several, the Run fails and names them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = unchanged())]
    pub process: Option<String>,

    /// The command line in place of the process's own, read as that of a process is: split into words like a shell does, `$(NAME)` is
    /// a variable of the process or of `env`. At most 4,096 characters. Left out: the process's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4_096))]
    #[x_kube(validation = rule(r"self.matches('\\S')", "must not be empty: say what to run, such as ./bin/console"))]
    #[x_kube(validation = no_controls())]
    #[x_kube(validation = unchanged())]
    pub command: Option<String>,

    /// Further words of the command line, only with `command`: appended as they are but for `$(NAME)`, or where `shell` is true its
    /// `$1`, `$2` and so on. At most 100, of at most 4,096 characters each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = words)]
    #[x_kube(validation = unchanged())]
    pub args: Vec<String>,

    /// True: the image's `sh -c` runs the command, as for a process. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = unchanged())]
    pub shell: Option<bool>,

    /// Environment variables beside the process's own, or in place of those of the same name. At most 50, of at most 4,096
    /// characters each; ECS takes 8,192 characters for all that a Run has otherwise than its process. Not for secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = few_variables)]
    #[x_kube(validation = unchanged())]
    pub env: BTreeMap<String, String>,

    /// CPU units in place of the process's, 2 to 262,144; 1,024 are one vCPU.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 262_144))]
    #[x_kube(validation = unchanged())]
    pub cpu: Option<i32>,

    /// Memory in place of the process's, as a Kubernetes quantity of bytes such as `512Mi` or `2Gi`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = memory())]
    #[x_kube(validation = unchanged())]
    pub memory: Option<String>,

    /// The time, from when it was first recorded for AWS, in which it must have ended, `10s` to `24h`: one that runs longer is stopped
    /// and has failed. Left out: 1h.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = between("10s", "24h"))]
    #[x_kube(validation = unchanged())]
    pub timeout: Option<String>,

    /// The time after its end at which the Run is deleted, `0s` to `720h`. The only field that can be changed. Left out: it is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = between("0s", "720h"))]
    pub ttl_after_finished: Option<String>,
}

const CHANGED: &str = "a Run cannot be changed but for ttlAfterFinished: make another one";

/// What has been sent to ECS cannot be taken back.
fn unchanged() -> Rule {
    rule("self == oldSelf", CHANGED)
}

/// The same of a field that is added or left out. Each by itself: optional values of CEL have no size by which the API server
/// could tell what it costs to compare them.
fn nothing_but_the_ttl_comes_or_goes() -> Rule {
    const FIELDS: [&str; 8] = [
        "process", "command", "args", "shell", "env", "cpu", "memory", "timeout",
    ];
    let same = FIELDS.map(|field| format!("has(self.spec.{field}) == has(oldSelf.spec.{field})"));
    rule(same.join(" && "), CHANGED).field_path(".spec")
}

/// Returns what a Run says, as text.
pub fn run_content(spec: &RunSpec) -> serde_json::Result<String> {
    serde_json::to_string(spec)
}

/// Returns the characters of overrides as JSON, or a few more: as ECS counts them.
pub fn overrides_length(command: &[String], env: &BTreeMap<String, String>) -> serde_json::Result<usize> {
    /// The names of members around them.
    const AROUND: usize = 200;
    let pair = |(name, value): (&String, &String)| json!({ "name": name, "value": value });
    let env: Vec<Value> = env.iter().map(pair).collect();
    let texts = [serde_json::to_string(command)?, serde_json::to_string(&env)?];
    Ok(texts.iter().map(|text| text.chars().count()).sum::<usize>() + AROUND)
}
