//! The scaling of a service by Application Auto Scaling: a scalable target, which holds the range of the service's task count,
//! and its scaling policies and scheduled actions. All of them go when the target does.

use std::collections::BTreeMap;

use super::name::Arn;
use super::owner::Tags;

/// The prefix of the names that we give policies and scheduled actions. Those with other names are other people's.
pub const OURS: &str = "empire-";

/// The scaling of a service as the manifest wants it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scaling {
    /// The range outside of the times that scheduled actions set.
    pub range: Range,
    pub policies: Vec<Tracking>,
    /// By name.
    pub actions: BTreeMap<String, ScheduledAction>,
}

/// The task counts between which a service is scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    pub min: u32,
    pub max: u32,
}

impl Range {
    /// Returns the count of the range that is nearest.
    pub fn nearest(self, count: u32) -> u32 {
        count.min(self.max).max(self.min)
    }
}

/// A metric that a policy keeps near a value. `L` is what tells a load balancer and its target group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric<L> {
    /// Percent of the CPU units that the tasks reserve, on average.
    Cpu,
    /// Percent of the memory that the tasks reserve, on average.
    Memory,
    /// Requests that a target gets in a minute.
    Requests(L),
}

/// A policy as the manifest wants it: where its load balancer is, the plan knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tracking {
    pub metric: Metric<()>,
    pub value: u32,
    /// Seconds; `None` is AWS's default, 300 for a service.
    pub scale_in_cooldown: Option<u32>,
    pub scale_out_cooldown: Option<u32>,
}

/// A policy of the type `TargetTrackingScaling`, as a call sends it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScalingPolicy {
    pub name: String,
    /// With the resource label, as AWS spells it: see [`resource_label`].
    pub metric: Metric<String>,
    pub value: u32,
    pub scale_in_cooldown: Option<u32>,
    pub scale_out_cooldown: Option<u32>,
}

/// The range that is in force from the given times on, until another action or a call sets another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScheduledAction {
    /// As AWS reads it: `cron(0 8 ? * 2-6 *)`.
    pub expression: String,
    /// A name of the IANA database: `Europe/Berlin`.
    pub time_zone: String,
    /// `None`: as it is then.
    pub min: Option<u32>,
    pub max: Option<u32>,
}

/// A scalable target that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScalableTargetState {
    /// Not known where an endpoint, an emulator, tells none. Such a target has no tags either.
    pub arn: Option<Arn>,
    pub range: Range,
    pub tags: Tags,
    /// By name, those with names of ours.
    pub policies: BTreeMap<String, ScalingPolicyState>,
    /// By name, likewise.
    pub actions: BTreeMap<String, ScheduledActionState>,
}

/// `None` in a field that the reply left out, or that says what no policy of ours does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScalingPolicyState {
    pub metric: Option<Metric<String>>,
    /// As AWS spells the number.
    pub value: Option<String>,
    pub scale_in_cooldown: Option<u32>,
    pub scale_out_cooldown: Option<u32>,
    /// True if all else is as in policies of ours: it tracks a target, with a predefined metric, and also scales in.
    pub is_usual: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduledActionState {
    pub expression: Option<String>,
    pub time_zone: Option<String>,
    pub min: Option<u32>,
    pub max: Option<u32>,
    /// True if it has neither start nor end.
    pub is_usual: bool,
}

/// Names the load balancer and the target group of a policy for requests, by their ARNs: `app/NAME/ID/targetgroup/NAME/ID`.
/// <https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PredefinedMetricSpecification.html>
pub fn resource_label(load_balancer: &Arn, target_group: &Arn) -> Option<String> {
    let (_, load_balancer) = load_balancer.0.split_once(":loadbalancer/")?;
    let (_, target_group) = target_group.0.split_once(":targetgroup/")?;
    Some(format!("{load_balancer}/targetgroup/{target_group}"))
}
