//! `App`: an extended Procfile as a resource, and what became of it.
//!
//! Descriptions are what `kubectl explain` shows. A default is named in words only: one in the schema would be written
//! into the user's object, and GitOps tools would see drift.

#![expect(unreachable_pub, reason = "KubeSchema repeats each type inside a function")]

mod rules;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::rules::{
    exposed_names_fit, name_is_a_label, platform_is_the_recorded_one, port_is_reserved,
    process_names_are_labels, process_names_are_text,
};
use super::schema::{LABEL, between, environment, hostnames, rule, shorter};

/// What runs.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "empire.dev",
    version = "v1alpha1",
    kind = "App",
    namespaced,
    status = "AppStatus",
    derive = "PartialEq",
    category = "empire",
    doc = "An application described as an extended Procfile: named processes, each with a command, a size, and how it is \
           exposed. Each process runs as a service on the ECS cluster of a Platform; an exposed one also gets a load \
           balancer and DNS names.",
    printcolumn(
        name = "Platform",
        type_ = "string",
        json_path = ".status.platform.name",
        description = "The Platform that the App runs on"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#,
        description = "Whether AWS is as the manifest wants it"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#,
        description = "Why the App is Ready, or is not"
    ),
    printcolumn(
        name = "Processes",
        type_ = "string",
        json_path = ".status.processesComplete",
        description = "How many processes are complete, of those with a service"
    ),
    printcolumn(
        name = "URL",
        type_ = "string",
        json_path = ".status.url",
        description = "Where web, or else the first exposed process, answers"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].message"#,
        description = "What Ready says, in words",
        priority = 1
    ),
    validation = name_is_a_label(),
    validation = platform_is_the_recorded_one(),
    validation = exposed_names_fit(),
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "!has(oldSelf.platform) || (has(self.platform) && self.platform == oldSelf.platform)",
    "platform cannot be changed once it is set: to move, make a new App",
).field_path(".platform"))]
pub struct AppSpec {
    /// The Platform to run on. Left out: the one annotated `empire.dev/is-default-platform: "true"`. Cannot be changed
    /// once it is set; an App stays on the Platform that it started on, even if the default moves.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    #[x_kube(validation = rule(
        format!("self.matches('{LABEL}')"),
        "must be the name of a Platform: at most 63 lower case letters, digits and hyphens",
    ))]
    pub platform: Option<String>,

    /// The container image that every process runs, such as `registry.example.com/acme:v42`. At most 512 characters.
    #[schemars(length(max = 512))]
    #[x_kube(validation = rule(
        r"self.matches('^\\S+$')",
        "must be a container image, such as registry.example.com/acme:v42, without spaces",
    ))]
    pub image: String,

    /// Environment variables of every process; a process's own come before them. At most 250, of at most 32,768
    /// characters each. `PORT`, `SOURCE` and names that begin with `EMPIRE_` are reserved. Not for secrets: whoever may
    /// read ECS task definitions can read them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = environment)]
    #[x_kube(validation = rule(
        "!('PORT' in self)",
        "env: PORT is reserved: each exposed process gets its own, set by expose.containerPort",
    ))]
    pub env: BTreeMap<String, String>,

    /// True: observe and report, but change nothing in AWS. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,

    /// The processes by name, 1 to 100: the Procfile. A name consists of at most 63 lower case letters, digits and
    /// hyphens; with an exposed process, `<app>-<process>` has at most 63 characters. A process named `web` that says
    /// nothing about exposure is exposed as `http`, internally.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 100))]
    #[x_kube(validation = process_names_are_labels())]
    #[x_kube(validation = process_names_are_text())]
    #[x_kube(validation = port_is_reserved())]
    pub processes: BTreeMap<String, Process>,
}

/// One line of the Procfile, extended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// The command line, such as `./bin/web --verbose`. Split into words like a shell does, but not run by one: `$PORT`
    /// would reach the program as these five characters. At most 4,096 characters.
    #[schemars(length(max = 4_096))]
    #[x_kube(validation = rule(
        r"self.matches('\\S')",
        "must not be empty: say what the process runs, such as ./bin/web",
    ))]
    pub command: String,

    /// Further words of the command line, appended as they are. At most 100, of at most 4,096 characters each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(length(max = 4_096)))]
    pub args: Vec<String>,

    /// How many tasks run, 0 to 10,000, enforced: a count changed in AWS is set back. Left out: the service starts with
    /// 1, and is then left to whoever scales it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 10_000))]
    pub quantity: Option<i32>,

    /// CPU units per task, 2 to 262,144; 1,024 are one vCPU. Left out: 256. Fargate takes certain sizes only, each with
    /// certain amounts of memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 262_144))]
    pub cpu: Option<i32>,

    /// Memory per task, as a Kubernetes quantity of bytes such as `512Mi` or `2Gi`, 6Mi to 32Ti: a hard limit, at which
    /// the container is killed. Rounded up to whole MiB. Left out: 512Mi.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rule(
        "isQuantity(self) && quantity(self).compareTo(quantity('6Mi')) >= 0 && quantity(self).compareTo(quantity('32Ti')) <= 0",
        "must be an amount of memory from 6Mi to 32Ti, such as 512Mi or 2Gi",
    ))]
    pub memory: Option<String>,

    /// Environment variables of this process, which come before those of the App. At most 250, of at most 32,768
    /// characters each. `SOURCE`, names that begin with `EMPIRE_` and, if the process is exposed, `PORT` are reserved.
    /// Not for secrets: whoever may read ECS task definitions can read them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = environment)]
    pub env: BTreeMap<String, String>,

    /// How the process is reached. Left out: a process named `web` is exposed as `http`, internally; any other is not
    /// exposed. `{}` is the same as `{type: http}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expose: Option<Expose>,
}

/// How a process is reached.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "!has(self.type) || self.type != 'none' || !(has(self.external) || has(self.containerPort) || has(self.hostnames) \
     || has(self.gracePeriod) || has(self.check))",
    "expose: type none takes no other field, since the process is not exposed",
))]
pub struct Expose {
    /// `http`: an application load balancer that listens on port 80. `none`: not exposed, for a process named `web`; takes
    /// no other field. Left out: `http`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_: Option<ExposeType>,

    /// True: an internet-facing load balancer, with names in both DNS zones. False: an internal one, with names in the
    /// internal zone only. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<bool>,

    /// The port that the program listens on in its container, 1 to 65535, which it is told in the environment variable
    /// `PORT`. Left out: 8080.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65_535))]
    pub container_port: Option<i32>,

    /// Further DNS names of the process, at most 10, in full and without wildcards, such as `www.example.com`. Each is
    /// made in the Platform's zone that it lies in. Besides them, every exposed process has `<app>-<process>.<zone>`, and
    /// `web` also `<app>.<zone>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = hostnames)]
    pub hostnames: Vec<String>,

    /// How long a task that has just started may fail its health check without being replaced, `0s` to `24h`, in whole
    /// seconds. Left out: 60s.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = between("0s", "24h"))]
    pub grace_period: Option<String>,

    /// The load balancer's health check. Every field has a default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<HealthCheck>,
}

/// Whether a process is exposed, and by which protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExposeType {
    Http,
    None,
}

/// How the load balancer finds out whether a task works. Statuses 200 to 399 pass.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    format!(
        "!has(self.timeout) || (has(self.interval) ? {} : {})",
        shorter("self.timeout", "self.interval"),
        shorter("self.timeout", "'10s'"),
    ),
    "check: timeout must be shorter than interval, which is 10s if left out",
).field_path(".timeout"))]
pub struct HealthCheck {
    /// The path that is asked for, such as `/health`; may have a query. At most 1,024 printable ASCII characters. Left
    /// out: `/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1_024))]
    #[x_kube(validation = rule(
        "self.matches('^/[!-~]*$')",
        "must begin with / and have printable ASCII characters only, without spaces",
    ))]
    pub path: Option<String>,

    /// The time from one check of a task to the next, `5s` to `300s`, in whole seconds. Left out: 10s.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = between("5s", "300s"))]
    pub interval: Option<String>,

    /// How long one check may take, `2s` to `120s`, in whole seconds and less than the interval. Left out: the lesser of
    /// 5s and the interval less 1s.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = between("2s", "120s"))]
    pub timeout: Option<String>,

    /// After how many passed checks in a row a task counts as healthy, 2 to 10. Left out: 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 10))]
    pub healthy_threshold: Option<i32>,

    /// After how many failed checks in a row a task counts as unhealthy, 2 to 10. Left out: 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 10))]
    pub unhealthy_threshold: Option<i32>,
}

/// What became of the App. Until a controller has seen it, `observedGeneration` is -1, which tools that judge health by
/// it take for "not there yet".
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

    /// The processes; one that is being removed stays listed until nothing of it is left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub processes: Vec<ProcessStatus>,

    /// How many processes are complete, of those with a service, such as `3/3`. Complete: rolled out, with at least its
    /// quantity running, and nothing left to change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes_complete: Option<String>,

    /// Where `web`, or else the first exposed process, answers: by hostname, derived name or load balancer name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A Platform, as far as an App's resources depend on it for good.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlatformRecord {
    /// Its name.
    pub name: String,

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
}

/// One process, as it is in AWS.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProcessStatus {
    /// Its name in the App.
    pub name: String,

    /// How many tasks its service is told to run.
    #[serde(default)]
    pub desired: i32,

    /// How many tasks run.
    #[serde(default)]
    pub running: i32,

    /// How many tasks are starting.
    #[serde(default)]
    pub pending: i32,

    /// The newest rollout of its service: `InProgress`, `Completed` or `Failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutStatus>,

    /// The ARN of the task definition that its service is told to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_definition: Option<String>,

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

    /// What it waits for, or what is wrong with it, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,

    /// Load balancers that were replaced and go on serving until nobody can have their address any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["loadBalancer".into()]))]
    pub retiring: Vec<Retiring>,
}

/// How far the newest rollout of a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RolloutStatus {
    InProgress,
    Completed,
    Failed,
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

/// A load balancer that was replaced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Retiring {
    /// Its name in AWS.
    pub load_balancer: String,

    /// Since when no DNS name of ours leads to it.
    pub since: Time,

    /// The largest TTL, in seconds, of the names that led to it. It waits for at least twice as long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<i32>,
}
