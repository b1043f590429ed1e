//! Tenancy: who may run Apps on a Platform, and which roles and secrets they may name.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::schema::{arn_patterns, selector};

/// The namespaces whose Apps may run here, and the roles and secrets that they may name. It is checked whenever something
/// would be changed: an App that is no longer allowed keeps what it has and can be deleted, but is not changed any more.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tenancy {
    /// The namespaces whose Apps may run here, by their labels; `{}` is all of them.
    #[schemars(schema_with = "selector")]
    pub namespace_selector: LabelSelector,

    /// The ARNs of the IAM roles that Apps may name as `taskRoleArn`, at most 100; `*` stands for any characters of a field,
    /// and of all the rest at the end. Left out: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = arn_patterns)]
    pub task_role_arns: Vec<String>,

    /// The ARNs that Apps may name in `secrets`, at most 100; `*` as in `taskRoleArns`. Left out: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = arn_patterns)]
    pub secret_arns: Vec<String>,
}
