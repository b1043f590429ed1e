//! The placement and the replacement of tasks.

#![expect(unreachable_pub, reason = "KubeSchema repeats each type inside a function")]

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::schema::{between, rule};

/// The container instances that tasks run on. A placement that is given replaces the defaults as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Placement {
    /// Conditions that an instance must meet, at most 10 with those of the Platform, which are always added. Where the Platform
    /// has `tenancy.grants`, one must give `constraints`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub constraints: Vec<Constraint>,

    /// Rules by which to choose among the instances that may be used, in this order, at most 5.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub strategy: Vec<Strategy>,
}

/// A condition that an instance must meet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "has(self.expression) == (self.type == 'memberOf')",
    "placement.constraints: memberOf needs an expression, and distinctInstance takes none",
))]
pub struct Constraint {
    /// `distinctInstance`: each task on an instance of its own. `memberOf`: on one that the expression matches.
    #[serde(rename = "type")]
    pub type_: ConstraintType,

    /// An expression of the cluster query language, such as `attribute:ecs.instance-type =~ t3.*`. At most 2,000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2_000))]
    pub expression: Option<String>,
}

/// ECS's placement constraints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ConstraintType {
    DistinctInstance,
    MemberOf,
}

/// A rule by which to choose among the instances that may be used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "has(self.field) != (self.type == 'random')",
    "placement.strategy: spread and binpack need a field, and random takes none",
))]
#[x_kube(validation = rule(
    "self.type != 'binpack' || !has(self.field) || self.field.lowerAscii() in ['cpu', 'memory']",
    "placement.strategy: binpack is by cpu or memory",
))]
pub struct Strategy {
    /// `spread`: evenly over the values of the field. `binpack`: where the least of the field is left. `random`: anywhere.
    #[serde(rename = "type")]
    pub type_: StrategyType,

    /// With `spread`, `instanceId`, `host` or an attribute such as `attribute:ecs.availability-zone`; with `binpack`, `cpu` or
    /// `memory`. At most 255 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub field: Option<String>,
}

/// ECS's placement strategies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum StrategyType {
    Spread,
    Binpack,
    Random,
}

/// The way in which a new release replaces the old one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "!has(self.minimumHealthyPercent) || !has(self.maximumPercent) || self.minimumHealthyPercent < 100 || self.maximumPercent > 100",
    "deploy: minimumHealthyPercent 100 with maximumPercent 100 lets no task stop and none start",
).field_path(".maximumPercent"))]
pub struct Deploy {
    /// The fewest tasks that must stay healthy, in percent of the quantity and rounded up, 0 to 100. Left out: 100; with a
    /// claimed host port, as many as leave one instance free for a new task.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub minimum_healthy_percent: Option<i32>,

    /// The most tasks that there may be, old and new, in percent of the quantity and rounded down, 100 to 200. Left out: 200; with
    /// a claimed host port and two or more tasks, 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 100, max = 200))]
    pub maximum_percent: Option<i32>,

    /// ECS's reaction to a release whose tasks fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub circuit_breaker: Option<CircuitBreaker>,

    /// The longest time that a rollout may make no progress, `1m` to `24h`, in whole seconds: counted from the last time
    /// that more of its tasks ran than ever before, or fewer of the old ones were left. After that it has failed: it is
    /// rolled back unless `circuitBreaker.rollback` is false, and not tried again before the manifest or `empire.dev/redeploy` changes.
    /// Old tasks that drain while all new ones run make no rollout late. Left out: 10m.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = between("1m", "24h"))]
    pub progress_deadline: Option<String>,
}

/// ECS's reaction to a release whose tasks fail.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct CircuitBreaker {
    /// True: ECS gives up on a release when too many of its tasks have failed. False: it starts more for ever. Left out:
    /// true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable: Option<bool>,

    /// True: the last release that worked comes back when ECS gives up on a new one, or `progressDeadline` is over. Left
    /// out: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback: Option<bool>,
}
