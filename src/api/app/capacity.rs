//! The compute that the tasks of a process run on, of what its Platform offers.

#![expect(unreachable_pub, reason = "KubeSchema repeats each type inside a function")]

use kube::KubeSchema;
use kube::core::Rule;
use serde::{Deserialize, Serialize};

use crate::api::schema::rule;

/// The shares of a process's tasks on the Platform's `capacityProviders`, in place of the Platform's own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "has(self.spot) != (has(self.capacityProviders) && size(self.capacityProviders) > 0)",
    "capacity: say spot or capacityProviders, one or the other",
))]
pub struct ProcessCapacity {
    /// The percentage of the tasks that run on Fargate Spot, 0 to 100, where AWS may end a task with two minutes' notice; the others
    /// run on Fargate. The Platform must have both `FARGATE` and `FARGATE_SPOT` among its `capacityProviders`. Left out: see
    /// `capacityProviders`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub spot: Option<i32>,

    /// Capacity providers of the Platform's `capacityProviders`, with weights and bases of the process's own, at most 20. Left out: see
    /// `spot`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[x_kube(validation = one_has_a_base())]
    #[x_kube(validation = one_has_a_weight())]
    pub capacity_providers: Vec<CapacityProvider>,
}

/// A capacity provider, and its share of a service's tasks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct CapacityProvider {
    /// Its name; it must be associated with the cluster.
    #[schemars(length(max = 255))]
    #[x_kube(validation = rule(
        "self.matches('^[a-zA-Z0-9_-]+$')",
        "must be the name of a capacity provider, such as FARGATE_SPOT",
    ))]
    pub name: String,

    /// Its share of the tasks beyond the `base`, relative to the others' weights, 0 to 1,000. Left out: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000))]
    pub weight: Option<i32>,

    /// The number of tasks of each service that it runs before the weights count, 0 to 100,000. Left out: 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100_000))]
    pub base: Option<i32>,
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CapacityProviderStrategyItem.html>
pub(crate) fn one_has_a_base() -> Rule {
    rule(
        "self.filter(p, has(p.base) && p.base > 0).size() <= 1",
        "capacity.capacityProviders: only one of them can have a base",
    )
}

/// The same page: no task could be placed.
pub(crate) fn one_has_a_weight() -> Rule {
    rule(
        "size(self) == 0 || self.exists(p, !has(p.weight) || p.weight > 0)",
        "capacity.capacityProviders: one of them at least needs a weight above 0",
    )
}
