//! The status of a Platform: what was found in its region, cluster and zones.

#![expect(unreachable_pub, reason = "KubeSchema repeats each type inside a function")]

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The state of the Platform. Until a controller has seen it, `observedGeneration` is -1, which tools that judge health
/// by it take for "not there yet".
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

    /// The names of its hosted zones. Apps that need a zone wait for its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zones: Option<ZoneNames>,

    /// The kinds of its capacity providers, by name; without `FARGATE` and `FARGATE_SPOT`, which are known. Apps that
    /// run on one wait for it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub capacity_providers: BTreeMap<String, CapacityProviderKind>,

    /// The numbers of host ports that are held and free, if it allocates them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_ports: Option<HostPortCounts>,

    /// The number of DNS names that are kept for namespaces whose Apps have given them up. Left out: none, and
    /// no grants by which one could be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_names: Option<i32>,

    /// The security groups that load balancers and tasks were last given, also where the spec names none any more: then tasks
    /// get the VPC's default one, and load balancers keep theirs, since AWS takes the last one from none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_groups: Option<SecurityGroups>,

    /// `Open`: the spec has no `tenancy.grants`, so that Apps may ask for any name, certificate and image, and to be external,
    /// to adopt and to retain. `Granted`: only for what is granted. A new Platform reads `Open` until its first pass.
    #[serde(default)]
    pub tenancy: Openness,

    /// The number of Apps that hold anything here. While there are any, fields that their resources depend on cannot be
    /// changed.
    #[serde(default)]
    pub apps: i32,
}

/// The kind of a capacity provider, by the compute behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum CapacityProviderKind {
    /// Container instances of an Auto Scaling group.
    AutoScalingGroup,
    /// Instances that ECS itself runs.
    ManagedInstances,
    /// There is none of that name, as far as AWS says.
    NotFound,
}

/// One word for what Apps may ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Openness {
    #[default]
    Open,
    Granted,
}

/// The names of hosted zones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ZoneNames {
    /// The name of the internal zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal: Option<String>,

    /// The name of the external zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<String>,
}

/// The security groups that load balancers and tasks were last given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SecurityGroups {
    /// The groups of internal load balancers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub internal: Vec<String>,

    /// The groups of internet-facing load balancers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external: Vec<String>,

    /// The groups of tasks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<String>,
}

/// The numbers of host ports that are held and free.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HostPortCounts {
    /// The number that is held, inside the range or outside.
    pub allocated: i32,

    /// The number of the range that can still be claimed.
    pub available: i32,
}
