//! What the tasks of a Platform share.

#![expect(unreachable_pub, reason = "KubeSchema repeats each type inside a function")]

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules::{
    a_log_router_is_there, sidecars_have_names, sidecars_have_no_mounts, sidecars_route_to_one,
};
use crate::api::app::Sidecar;
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
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
}
