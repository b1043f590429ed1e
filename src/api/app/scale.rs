//! The scaling of a process by Application Auto Scaling.

#![expect(unreachable_pub, reason = "KubeSchema repeats each type inside a function")]

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::rules::{says, time_zone};
use crate::api::schema::{between, rule};

/// The scaling of a process between two numbers of tasks, by Application Auto Scaling. Each of `cpu`, `memory` and
/// `requestsPerTarget` keeps a metric near a value; where several ask for different counts, the largest holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule("self.min <= self.max", "scale: min must not be more than max").field_path(".max"))]
#[x_kube(validation = rule(
    "!(has(self.scaleInCooldown) || has(self.scaleOutCooldown)) || has(self.cpu) || has(self.memory) || has(self.requestsPerTarget)",
    "scale: a cooldown needs cpu, memory or requestsPerTarget, which it is between two steps of",
))]
pub struct Scale {
    /// The fewest tasks, 0 to 10,000, with which the service is created. From 0, only a schedule brings tasks back: there is no
    /// metric of no task.
    #[schemars(range(min = 0, max = 10_000))]
    pub min: i32,

    /// The most tasks, 1 to 10,000.
    #[schemars(range(min = 1, max = 10_000))]
    pub max: i32,

    /// The percentage of their CPU that all tasks are to use on average, 1 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub cpu: Option<i32>,

    /// The percentage of their memory that all tasks are to use on average, 1 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub memory: Option<i32>,

    /// The number of requests that each task is to get in a minute, 1 to 1,000,000; only for `http` and `https` with one container
    /// port.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub requests_per_target: Option<i32>,

    /// The time after tasks were taken away before more are, `0s` to `1h`, in whole seconds. Left out: AWS's own, 300s.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = between("0s", "1h"))]
    pub scale_in_cooldown: Option<String>,

    /// The time after tasks were added before more are, `0s` to `1h`, in whole seconds. Left out: AWS's own, 300s.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = between("0s", "1h"))]
    pub scale_out_cooldown: Option<String>,

    /// Times from which on another range holds, until the next of them. At most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub schedules: Vec<ScaleSchedule>,
}

/// Times from which on another range holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "has(self.min) || has(self.max)",
    "scale.schedules: say min, max or both, which hold from then on",
))]
#[x_kube(validation = rule(
    "!has(self.min) || !has(self.max) || self.min <= self.max",
    "scale.schedules: min must not be more than max",
).field_path(".max"))]
pub struct ScaleSchedule {
    /// The times: six fields as Application Auto Scaling takes them (minute, hour, day of month, month, day of week, year), such as
    /// `0 8 ? * 2-6 *`, or five as in a crontab, such as `0 8 * * 1-5`. At most 128 characters.
    #[schemars(length(max = 128))]
    #[x_kube(validation = says("when, such as 0 8 ? * 2-6 *"))]
    pub cron: String,

    /// The time zone that `cron` is read in, by its IANA name, such as `Europe/Berlin`. Left out: UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(validation = time_zone())]
    pub timezone: Option<String>,

    /// The fewest tasks from then on, 0 to 10,000. Left out: as before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 10_000))]
    pub min: Option<i32>,

    /// The most tasks from then on, 0 to 10,000. Left out: as before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 10_000))]
    pub max: Option<i32>,
}
