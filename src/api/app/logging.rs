//! Where the containers of an App log, if it is elsewhere than those of its Platform do.

#![expect(unreachable_pub, reason = "KubeSchema repeats each type inside a function")]

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::schema::container::{log_options, router_options, secret_log_options};

/// A log driver in place of the Platform's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContainerLogging {
    /// The log driver of ECS, such as `awslogs`; `awsfirelens` is the sidecar with a `logRouter`. On Fargate `awslogs`, `splunk`
    /// and `awsfirelens` only.
    #[schemars(extend(
        "enum" = ["awsfirelens", "awslogs", "fluentd", "gelf", "journald", "json-file", "splunk", "syslog"]
    ))]
    pub driver: String,

    /// The driver's own options, or with `awsfirelens` those of the output of the log router, such as `Name: cloudwatch_logs`. At
    /// most 50, of at most 2,048 characters each; in these, `{namespace}`, `{app}` and `{process}` stand for the names of the
    /// process's own. Not for secrets. Left out: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = log_options)]
    pub options: BTreeMap<String, String>,

    /// Options with secret values, such as `splunk-token`: each a secret or a parameter as in `secrets`, which ECS reads. At most 50.
    /// The Platform's `tenancy` must allow them as `secretArns`. Left out: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = secret_log_options)]
    pub secret_options: BTreeMap<String, String>,
}

/// The container to which others of the task log with `awsfirelens`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogRouter {
    /// The program that the image runs: `fluentbit` or `fluentd`.
    #[serde(rename = "type")]
    pub type_: LogRouterType,

    /// FireLens's own options: `enable-ecs-log-metadata` (`true` or `false`), `config-file-type` (`file`, or not on Fargate `s3`)
    /// and `config-file-value` (the path in the image, or the ARN of an object in S3, which the Platform's `tenancy` must allow
    /// as one of `fileArns`). Left out: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = router_options)]
    pub options: BTreeMap<String, String>,
}

/// The program of a log router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogRouterType {
    Fluentbit,
    Fluentd,
}
