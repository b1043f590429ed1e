//! Tenancy: who may run Apps on a Platform, and what they may ask for.

#![expect(unreachable_pub, reason = "KubeSchema repeats each type inside a function")]

pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules::keeps_what_it_grants;
use crate::api::app::PATHS;
use crate::api::schema::patterns::{
    arn_patterns, arn_templates, file_system_patterns, hostname_templates, image_templates, some_of,
};
use crate::api::schema::{between, ids, selector};

/// The namespaces whose Apps may run here, and what they may ask for. It is checked whenever something would be changed: an
/// App that is no longer allowed keeps what it has and can be deleted, but is not changed any more.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = keeps_what_it_grants())]
pub struct Tenancy {
    /// The namespaces whose Apps may run here, by their labels; `{}` is all of them.
    #[schemars(schema_with = "selector")]
    pub namespace_selector: LabelSelector,

    /// The ARNs of the IAM roles that Apps may name as `taskRoleArn`, at most 100; `*` stands for any characters of a field,
    /// and of all the rest at the end. Left out: none but those of `grants`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = arn_patterns)]
    pub task_role_arns: Vec<String>,

    /// The ARNs that Apps may name in `secrets` and `repositoryCredentials`, at most 100; `*` as in `taskRoleArns`. Left out: none but those of `grants`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = arn_patterns)]
    pub secret_arns: Vec<String>,

    /// The file systems in EFS that Apps may name in `volumes`, at most 100: an id such as `fs-0123456789abcdef0` allows all
    /// of it, one with an access point, `fs-0123456789abcdef0/fsap-0123456789abcdef0`, no more than that. `*` stands for any
    /// characters up to the `/`. Left out: none but those of `grants`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = file_system_patterns(100))]
    pub file_systems: Vec<String>,

    /// The ARNs of objects in S3 that Apps may name in `environmentFiles`, which ECS reads with `tasks.executionRoleArn`, at most
    /// 100; `*` as in `taskRoleArns`. Left out: none but those of `grants`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = arn_patterns)]
    pub file_arns: Vec<String>,

    /// The ids of the security groups that processes may name in `securityGroups`, at most 100. Left out: none but those of `grants`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = ids("sg-", 0, 100))]
    pub security_groups: Vec<String>,

    /// True: processes may have `sidecars`. Left out: only where `grants` allow it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sidecars: Option<bool>,

    /// True: processes may have `exec`, a shell with the task's role for who may use ECS Exec. Left out: only where `grants`
    /// allow it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exec: Option<bool>,

    /// True: processes and sidecars may have `logging` of their own, and sidecars be a `logRouter`. Left out: only where `grants`
    /// allow it, and all else logs as `tasks.logging` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logging: Option<bool>,

    /// The members of ECS's task definition that Apps may change by `overrides`, each by its path, such as
    /// `containerDefinitions.linuxParameters.capabilities.drop`; none is allowed by another, nor by a longer or a shorter path. Left
    /// out: none but those of `grants`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = some_of(&PATHS))]
    pub overrides: Vec<String>,

    /// What Apps may ask for, by their namespaces, at most 50. An App has all that is given by any of those that select its
    /// namespace, besides what is above. `[]` gives nothing. Left out: any name, certificate and image, constraints, capacity,
    /// and to be external, to adopt and to retain.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 50))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub grants: Option<Vec<Grant>>,

    /// With `grants`, the time for which a DNS name that an App gives up is kept for Apps of its namespace, `0s` to `2160h` (90
    /// days), in whole hours, minutes and seconds; rounded up to the next full hour. The ownership record `_empire.<name>`
    /// stays for so long, and says until when. `0s`: it is free at once. Left out: `168h` (a week).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = between("0s", "2160h"))]
    pub keep_names_for: Option<String>,
}

/// What the Apps of some namespaces may ask for. In patterns, `{namespace}` and `{app}` stand for the names of the App's own;
/// who writes the App chooses `{app}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// The namespaces that it is for, by their labels; `{}` is all of them.
    #[schemars(schema_with = "selector")]
    pub namespace_selector: LabelSelector,

    /// The DNS names that Apps may have, in `hostnames` or derived, at most 50; `*` stands for any characters between two
    /// dots, and alone for every name. A zone's own name only if it is written out. Left out: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = hostname_templates)]
    pub hostnames: Vec<String>,

    /// The ARNs that Apps may name in `certificateArns`, at most 50; `*` as in `tenancy.taskRoleArns`. Left out: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = arn_templates)]
    pub certificate_arns: Vec<String>,

    /// The ARNs of the IAM roles that Apps may name as `taskRoleArn`, at most 50; `*` likewise. Left out: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = arn_templates)]
    pub task_role_arns: Vec<String>,

    /// The ARNs that Apps may name in `secrets` and `repositoryCredentials`, at most 50; `*` likewise. Left out: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = arn_templates)]
    pub secret_arns: Vec<String>,

    /// The images that Apps may run, as they write them, at most 50; `*` stands for any characters, slashes too, but before
    /// the first `/` not for a `/`, and alone for every image. Left out: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = image_templates)]
    pub images: Vec<String>,

    /// The file systems in EFS that Apps may name in `volumes`, as in `tenancy.fileSystems`, at most 50. Left out: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = file_system_patterns(50))]
    pub file_systems: Vec<String>,

    /// The ARNs of objects in S3 that Apps may name in `environmentFiles`, at most 50; `*` likewise. Left out: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = arn_templates)]
    pub file_arns: Vec<String>,

    /// The ids of the security groups that processes may name in `securityGroups`, at most 50. Left out: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = ids("sg-", 0, 50))]
    pub security_groups: Vec<String>,

    /// True: Apps may have processes that are `external`. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<bool>,

    /// True: Apps annotated `empire.dev/adopt: "true"` take over what carries nobody's tags. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adopt: Option<bool>,

    /// True: Apps may ask for `deletionPolicy: Retain`. Left out: false. Where it is the Platform's own, it is not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retain: Option<bool>,

    /// True: Apps may take DNS names that are kept for other namespaces, of those that `hostnames` give them. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub take_names: Option<bool>,

    /// True: Apps may have `placement.constraints` of their own, besides those of the Platform, which they cannot take away.
    /// Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constraints: Option<bool>,

    /// True: processes may have `capacity`, shares of their own of the Platform's `capacityProviders`. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<bool>,

    /// True: processes may have `exec`, a shell with the task's role for who may use ECS Exec in AWS. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exec: Option<bool>,

    /// True: processes may have `sidecars`, whose images and secrets are asked as those of processes are. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sidecars: Option<bool>,

    /// True: processes and sidecars may have `logging` of their own, and sidecars be a `logRouter`. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logging: Option<bool>,

    /// The members of ECS's task definition that Apps may change by `overrides`, each by its path, such as
    /// `containerDefinitions.linuxParameters.capabilities.drop`; none is allowed by another, nor by a longer or a shorter path. Left
    /// out: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = some_of(&PATHS))]
    pub overrides: Vec<String>,

    /// The amounts that all Apps of one namespace may take here together; each namespace has its own. Of several grants that
    /// select a namespace the largest number holds, of each limit; there is none where none of them says one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
}

/// The amounts that all Apps of one namespace may take together, each 0 to 1,000,000,000. Older Apps come first. One that has
/// more already keeps it, and is only refused to grow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// The number of Apps. Left out: this grant does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub apps: Option<i32>,

    /// The number of processes, those without a service too. Left out: this grant does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub processes: Option<i32>,

    /// The number of tasks: `quantity`, or where it is left out, as many as there are, at least one; of a process with `cron`
    /// one. A rollout may have more for a while. Left out: this grant does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub tasks: Option<i32>,

    /// The CPU units of these tasks; 1,024 are one vCPU. Left out: this grant does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub cpu: Option<i32>,

    /// The memory of these tasks, in MiB. Left out: this grant does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub memory: Option<i32>,

    /// The number of load balancers: one of each exposed process. One that is replaced goes on for a while besides. Left out:
    /// this grant does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub load_balancers: Option<i32>,

    /// The number of host ports, where the Platform has `network.hostPorts`: one of each port of a container that clients
    /// reach. Left out: this grant does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub host_ports: Option<i32>,

    /// The number of processes with `cron`. Left out: this grant does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub schedules: Option<i32>,
}
