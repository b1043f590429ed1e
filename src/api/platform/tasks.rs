//! What the tasks of a Platform share.

#![expect(unreachable_pub, reason = "KubeSchema repeats each type inside a function")]

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::log_group::{
    LogGroups, RETENTION_DAYS, group_is_named_by_the_controller, group_is_of_awslogs, key, needs_a_group,
};
use super::rules::{
    a_log_router_is_there, sidecars_have_names, sidecars_have_no_mounts, sidecars_route_to_one,
};
use crate::api::app::{DeletionPolicy, Sidecar};
use crate::api::schema::{options, role, secret_options};

/// The settings that all tasks share.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = a_log_router_is_there())]
pub struct Tasks {
    /// The ARN of the IAM role that ECS itself uses to pull images, to read secrets and to write logs. Left out: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(validation = role())]
    pub execution_role_arn: Option<String>,

    /// The ARN of the IAM role by which EventBridge Scheduler starts the tasks of `cron` processes. Left out: none, and an
    /// App with such a process is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(validation = role())]
    pub scheduler_role_arn: Option<String>,

    /// The log driver of tasks. Left out: as the container instances are set up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logging: Option<Logging>,

    /// Containers in each task of each App here, by name, at most 5: what no App should have to write, such as a log router or an
    /// agent. Beside an App's own `sidecars`, of which none may have such a name, and like those, but without `mounts`; nothing
    /// of them is asked of `tenancy`. In values of `env`, `{namespace}`, `{app}` and `{process}` stand for the names of the
    /// process's own. An edit rolls all tasks here. Left out: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 5))]
    #[x_kube(validation = sidecars_have_names())]
    #[x_kube(validation = sidecars_have_no_mounts())]
    #[x_kube(validation = sidecars_route_to_one())]
    pub sidecars: BTreeMap<String, Sidecar>,

    /// The output of the log router among `tasks.sidecars`, which must be there: if this is, all containers but the router log to
    /// it (`awsfirelens`), and the router itself as `tasks.logging` says. An edit rolls all tasks here. Left out: all log as
    /// `tasks.logging` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_routing: Option<LogRouting>,
}

/// The options of `awsfirelens`, by which a log router sends on what it gets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogRouting {
    /// The options of the router's output, such as `Name: cloudwatch_logs`. At most 50, of at most 2,048 characters each; in these,
    /// `{namespace}`, `{app}` and `{process}` stand for the names of the process's own. Not for secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = options)]
    pub options: BTreeMap<String, String>,

    /// Options with secret values: each the ARN of a secret or of a parameter, which ECS reads with `tasks.executionRoleArn`. At
    /// most 50.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = secret_options)]
    pub secret_options: BTreeMap<String, String>,
}

/// The log driver of tasks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = group_is_of_awslogs())]
#[x_kube(validation = group_is_named_by_the_controller("options"))]
#[x_kube(validation = group_is_named_by_the_controller("secretOptions"))]
#[x_kube(validation = needs_a_group("retentionDays"))]
#[x_kube(validation = needs_a_group("kmsKeyArn"))]
#[x_kube(validation = needs_a_group("deletionPolicy"))]
pub struct Logging {
    /// The log driver of ECS, such as `awslogs`.
    #[schemars(extend(
        "enum" = ["awslogs", "fluentd", "gelf", "journald", "json-file", "splunk", "syslog"]
    ))]
    pub driver: String,

    /// The driver's own options, such as `awslogs-group`. At most 50, of at most 2,048 characters each; in these, `{namespace}`,
    /// `{app}` and `{process}` stand for the names of the process's own. Not for secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = options)]
    pub options: BTreeMap<String, String>,

    /// Options with secret values, such as `splunk-token`: each the ARN of a secret or of a parameter, which ECS reads with
    /// `tasks.executionRoleArn`. At most 50.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = secret_options)]
    pub secret_options: BTreeMap<String, String>,

    /// `PerApp`, for the driver `awslogs`: a log group of CloudWatch Logs for each App, `/empire/CLUSTER/NAMESPACE/APP`, which the
    /// controller makes before any task logs there, and keeps as it is said here. The options `awslogs-group` and
    /// `awslogs-region` are then the controller's, and where `options` do not say otherwise, `awslogs-stream-prefix` is the
    /// name of the process, `mode` is `non-blocking` and `max-buffer-size` is `25m`. An edit rolls all tasks here. The
    /// controller's role needs `deploy/iam/logs.json` for it. Left out: containers log as `options` say, and no group is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<LogGroups>,

    /// The number of days for which CloudWatch Logs keeps what is in the groups: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365,
    /// 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653. A retention set by hand is set back. Left out: for ever, or as
    /// somebody has set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = RETENTION_DAYS))]
    pub retention_days: Option<i32>,

    /// The ARN of the KMS key by which CloudWatch Logs encrypts what is logged from then on. The key's policy has to let
    /// CloudWatch Logs use it. Left out: AWS's own, or as somebody has set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    #[x_kube(validation = key())]
    pub kms_key_arn: Option<String>,

    /// The fate of an App's log group when the App is deleted. `Retain`: it stays as it is, and an App of the same name
    /// here goes on in it. `Delete`: it is deleted with all that is in it, once the App's services are gone. Left out:
    /// `Retain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,
}
