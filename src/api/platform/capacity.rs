//! The compute that tasks run on: one launch type, or capacity providers.

#![expect(unreachable_pub, reason = "KubeSchema repeats each type inside a function")]

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::app::{CapacityProvider, Constraint, one_has_a_base, one_has_a_weight};
use crate::api::schema::rule;

/// The compute that tasks run on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "!has(self.launchType) || !has(self.capacityProviders) || size(self.capacityProviders) == 0",
    "capacity: launchType or capacityProviders, one or the other",
).field_path(".capacityProviders"))]
pub struct Capacity {
    /// `EC2`: container instances of the cluster. `FARGATE`: no instances; needs network mode `awsvpc`. `EXTERNAL`:
    /// registered machines outside AWS, without load balancing. Left out: `EC2`, unless there are `capacityProviders`. Cannot
    /// be changed while Apps are here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub launch_type: Option<LaunchType>,

    /// Capacity providers of the cluster, at most 20, in place of a launch type, over which ECS spreads the tasks of each
    /// service. `FARGATE` and `FARGATE_SPOT` go with each other only, and need network mode `awsvpc`. Processes may have other
    /// shares of these by `capacity`; one with weight 0 is for those alone. The list may be changed
    /// while Apps are here, but not between Fargate's and others, and not to a launch type or back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[x_kube(validation = one_has_a_base())]
    #[x_kube(validation = one_has_a_weight())]
    #[x_kube(validation = rule(
        "self.all(p, p.name.startsWith('FARGATE')) || !self.exists(p, p.name.startsWith('FARGATE'))",
        "capacity.capacityProviders: FARGATE and FARGATE_SPOT cannot be mixed with others",
    ))]
    pub capacity_providers: Vec<CapacityProvider>,
}

/// The container instances that tasks may run on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Placement {
    /// Conditions that an instance must meet, at most 10 with those of the process: of each service and schedule here, in
    /// addition to `placement.constraints` of its process, whatever these are. Tasks that somebody starts by hand have those
    /// that are named then. Left out: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub constraints: Vec<Constraint>,
}

/// ECS's launch types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum LaunchType {
    Ec2,
    Fargate,
    External,
}
