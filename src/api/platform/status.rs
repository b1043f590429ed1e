//! What was found where a Platform says that Apps run.

#![expect(unreachable_pub, reason = "KubeSchema repeats each type inside a function")]

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was found there. Until a controller has seen it, `observedGeneration` is -1, which tools that judge health by it
/// take for "not there yet".
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlatformStatus {
    /// The `metadata.generation` that this status is about.
    pub observed_generation: i64,

    /// `Ready`; and `Reconciling` while something is under way, or `Stalled` while something is stuck, each only when
    /// true and never both. Reasons are a closed, documented list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,

    /// What its hosted zones are called. Apps that need a zone wait for its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zones: Option<ZoneNames>,

    /// What its capacity providers are made of, by name; without `FARGATE` and `FARGATE_SPOT`, which are known. Apps that
    /// run on one wait for it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub capacity_providers: BTreeMap<String, CapacityProviderKind>,

    /// How many host ports are held and free, if it allocates them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_ports: Option<HostPortCounts>,

    /// The security groups that load balancers were last given, also where the spec names none any more: AWS exchanges them,
    /// but takes the last one from no load balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_groups: Option<SecurityGroups>,

    /// How many Apps hold anything here. While there are any, what would orphan their resources cannot be changed.
    #[serde(default)]
    pub apps: i32,
}

/// What a capacity provider is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum CapacityProviderKind {
    /// Container instances of an Auto Scaling group.
    AutoScalingGroup,
    /// Instances that ECS itself runs.
    ManagedInstances,
    /// There is none of that name, as far as AWS says.
    NotFound,
}

/// What hosted zones are called.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ZoneNames {
    /// The name of the internal zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal: Option<String>,

    /// The name of the external zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<String>,
}

/// The security groups that load balancers were last given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SecurityGroups {
    /// Those of internal load balancers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub internal: Vec<String>,

    /// Those of internet-facing load balancers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external: Vec<String>,
}

/// How many host ports are held and free.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HostPortCounts {
    /// How many are held, inside the range or outside.
    pub allocated: i32,

    /// How many of the range can still be claimed.
    pub available: i32,
}
