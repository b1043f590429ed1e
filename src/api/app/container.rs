//! What a container may have, be it the one of a process or one beside it.

#![expect(unreachable_pub, reason = "KubeSchema repeats each type inside a function")]

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::extras::{Extras, SidecarPort};
use super::logging::LogRouter;
use super::volumes::Mount;
use crate::api::schema::container::{few_secrets, few_variables, labels, repository_credentials};
use crate::api::schema::{between, image, no_controls, rule, words};

/// Limits that the kernel sets for each process in the container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ulimits {
    /// The most processes and threads that the container's user may have, 1 to 2,147,483,647: soft and hard limit. Not on
    /// Fargate. Left out: as the container instances are set up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub nproc: Option<i32>,

    /// The most files and sockets that each may have open, 1 to 1,048,576: soft and hard limit. Left out: as the container instances
    /// are set up, on Fargate 65,535.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_048_576))]
    pub nofile: Option<i32>,
}

/// The architecture of a processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Architecture {
    #[serde(rename = "arm64")]
    Arm64,
    #[serde(rename = "x86_64")]
    X8664,
}

/// The check that ECS runs inside a container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContainerCheck {
    /// The command line, such as `curl -f http://localhost:8080/health`; the check passes if it ends with 0. Split into words
    /// like a shell does, but not run by one; `$(NAME)` is a variable of the container. At most 1,024 characters.
    #[schemars(length(max = 1_024))]
    #[x_kube(validation = rule(r"self.matches('\\S')", "must not be empty: say what checks the container, such as ./bin/check"))]
    #[x_kube(validation = no_controls())]
    pub command: String,

    /// True: the container's own shell runs the command, as it stands. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shell: Option<bool>,

    /// The time from one check to the next, `5s` to `300s`, in whole seconds. Left out: 30s.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = between("5s", "300s"))]
    pub interval: Option<String>,

    /// The time that one check may take, `2s` to `60s`, in whole seconds. Left out: 5s.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = between("2s", "60s"))]
    pub timeout: Option<String>,

    /// The number of failed checks in a row after which the container is unhealthy, 1 to 10. Left out: 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10))]
    pub retries: Option<i32>,

    /// The time after the start in which failed checks do not count, `0s` to `300s`, in whole seconds. Left out: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = between("0s", "300s"))]
    pub start_period: Option<String>,
}

/// The state of another container for which one waits: that it has started and runs, that its health check has passed, that it
/// has ended, or that it has ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum DependencyCondition {
    Start,
    Healthy,
    Complete,
    Success,
}

/// A container beside that of a process. It shares the network of the task where the Platform's network mode is `awsvpc`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sidecar {
    /// The container image. At most 255 characters. A grant must give it as it does those of processes.
    #[schemars(length(max = 512))]
    #[x_kube(validation = image())]
    pub image: String,

    /// The command line, split into words like that of a process, where `$(NAME)` is a variable of the sidecar. At most 4,096
    /// characters. Left out: the image's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4_096))]
    pub command: Option<String>,

    /// Further words of the command line; only with `command` or `entryPoint`. At most 100, of at most 4,096 characters each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = words)]
    pub args: Vec<String>,

    /// The entry point, word by word, in place of the image's own, whose command (CMD) is not run then. At most 100 words, of at
    /// most 4,096 characters each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = words)]
    pub entry_point: Vec<String>,

    /// Environment variables, at most 100, of at most 4,096 characters each. It has none of the process's or the App's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = few_variables)]
    pub env: BTreeMap<String, String>,

    /// Environment variables whose values ECS reads, by name a secret or a parameter as in those of the App, at most 100. The Platform's
    /// `tenancy` must allow them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = few_secrets)]
    pub secrets: BTreeMap<String, String>,

    /// CPU units of the task's that are the sidecar's, 0 to 262,144. Left out: 0, it takes what others leave.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 262_144))]
    pub cpu: Option<i32>,

    /// Memory of the task's that is the sidecar's, as a Kubernetes quantity of bytes, at least 6Mi: a hard limit. Left out: no
    /// limit but the task's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub memory: Option<String>,

    /// False: the task goes on when the sidecar ends. Left out: true, the task ends with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub essential: Option<bool>,

    /// The check that ECS runs inside the sidecar. If it is essential, its health is that of the task, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check: Option<ContainerCheck>,

    /// Containers of the task for which it waits before it starts, by name; that of the process has the process's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 9))]
    pub depends_on: BTreeMap<String, DependencyCondition>,

    /// The user that it runs as, or user and group, such as `1000` or `app:app`. At most 128 characters. Left out: the image's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub user: Option<String>,

    /// The directory that it starts in, by its absolute path. At most 1,024 characters. Left out: the image's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1_024))]
    pub working_directory: Option<String>,

    /// True: an init process reaps its processes that end, and passes signals on. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init: Option<bool>,

    /// Labels of the container, as Docker has them, at most 50. Left out: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = labels)]
    pub docker_labels: BTreeMap<String, String>,

    /// The secret with the user name and password of the image's registry, by ARN or as `secretsmanager:` and its name. The
    /// Platform's `tenancy` must allow it as one of `secretArns`. Left out: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(validation = repository_credentials())]
    pub repository_credentials: Option<String>,

    /// The time that it has to stop before it is killed, `2s` to `1h`, in whole seconds; on Fargate at most `120s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = between("2s", "1h"))]
    pub stop_timeout: Option<String>,

    /// True: it cannot write to its root file system. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only_root_filesystem: Option<bool>,

    /// Volumes of the process in the sidecar, by the absolute path of each, at most 10. Left out: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 10))]
    pub mounts: BTreeMap<String, Mount>,

    /// Limits that the kernel sets for each process in it, as for a process of the App.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ulimits: Option<Ulimits>,

    /// Ports of it by name, at most 10, such as `metrics: {containerPort: 9100}`: lower case letters, digits, hyphens and
    /// underscores. No load balancer leads to them; in bridge mode, ECS picks a free port of the instance for each. Left out: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 10))]
    pub ports: BTreeMap<String, SidecarPort>,

    /// If it is there, containers of the task whose log driver is `awsfirelens` log to this one. One sidecar of a process may be a
    /// log router. The Platform's `tenancy` must allow it as it does `logging`. Left out: it is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_router: Option<LogRouter>,

    #[serde(flatten)]
    pub extras: Extras,
}
