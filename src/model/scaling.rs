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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScalableTargetState {
    /// Not known where an endpoint, an emulator, tells none. Such a target has no tags either.
    pub arn: Option<Arn>,
    pub range: Range,
    pub tags: Tags,
    /// By name, those with names of ours.
    pub policies: BTreeMap<String, ScalingPolicyState>,
    /// By name, whoever's they are: each may have set the range.
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

impl Tracking {
    /// Returns the name of its policy, of which a service has one for each metric.
    pub fn name(&self) -> String {
        let metric = match self.metric {
            Metric::Cpu => "cpu",
            Metric::Memory => "memory",
            Metric::Requests(()) => "requests",
        };
        format!("{OURS}{metric}")
    }

    /// Returns the policy, if its metric is one of a service alone, or if the label is known.
    pub fn policy(&self, label: Option<String>) -> Option<ScalingPolicy> {
        Some(ScalingPolicy {
            name: self.name(),
            metric: match self.metric {
                Metric::Cpu => Metric::Cpu,
                Metric::Memory => Metric::Memory,
                Metric::Requests(()) => Metric::Requests(label?),
            },
            value: self.value,
            scale_in_cooldown: self.scale_in_cooldown,
            scale_out_cooldown: self.scale_out_cooldown,
        })
    }
}

impl ScalingPolicy {
    /// Returns the policy as it is there once it was written.
    pub fn written(&self) -> ScalingPolicyState {
        ScalingPolicyState {
            metric: Some(self.metric.clone()),
            value: Some(self.value.to_string()),
            scale_in_cooldown: self.scale_in_cooldown,
            scale_out_cooldown: self.scale_out_cooldown,
            is_usual: true,
        }
    }

    /// Returns true if a policy that is there is known to be another.
    pub fn differs(&self, found: &ScalingPolicyState) -> bool {
        /// Seconds, of an ECS service:
        /// <https://docs.aws.amazon.com/autoscaling/application/APIReference/API_TargetTrackingScalingPolicyConfiguration.html>.
        const COOLDOWN: u32 = 300;
        let waits_otherwise =
            |wanted: Option<u32>, found: Option<u32>| wanted.unwrap_or(COOLDOWN) != found.unwrap_or(COOLDOWN);
        let is_other = found.metric.as_ref().is_some_and(|found| *found != self.metric);
        let has_other_value = found
            .value
            .as_ref()
            .is_some_and(|found| *found != self.value.to_string());
        is_other
            || has_other_value
            || !found.is_usual
            || waits_otherwise(self.scale_in_cooldown, found.scale_in_cooldown)
            || waits_otherwise(self.scale_out_cooldown, found.scale_out_cooldown)
    }
}

impl ScheduledAction {
    /// Returns the action as it is there once it was written.
    pub fn written(&self) -> ScheduledActionState {
        ScheduledActionState {
            expression: Some(self.expression.clone()),
            time_zone: Some(self.time_zone.clone()),
            min: self.min,
            max: self.max,
            is_usual: true,
        }
    }

    /// Returns true if an action that is there is known to be another.
    pub fn differs(&self, found: &ScheduledActionState) -> bool {
        let written = self.written();
        let is_other = |wanted: &Option<String>, found: &Option<String>| found.is_some() && wanted != found;
        is_other(&written.expression, &found.expression)
            || is_other(&written.time_zone, &found.time_zone)
            || (written.min, written.max) != (found.min, found.max)
            || !found.is_usual
    }
}

impl Scaling {
    /// Returns the fewest tasks that there may be at any time, but 1.
    pub fn fewest(&self) -> u32 {
        let later = self.actions.values().filter_map(|action| action.min);
        later.fold(self.range.min, u32::min).max(1)
    }

    /// Returns the range that is to be in place of the one that is there, if that is not right: each end of it may be the manifest's,
    /// or that of a scheduled action, also of somebody else's.
    pub fn correction(&self, target: &ScalableTargetState) -> Option<Range> {
        let found = target.range;
        let kept = Range {
            min: self
                .end(target, found.min, |action| action.min, |action| action.min)
                .unwrap_or(self.range.min),
            max: self
                .end(target, found.max, |action| action.max, |action| action.max)
                .unwrap_or(self.range.max),
        };
        let right = if kept.min <= kept.max { kept } else { self.range };
        (right != found).then_some(right)
    }

    /// Returns an end of the range that a scheduled action has set, as that is to set it now.
    fn end(
        &self,
        target: &ScalableTargetState,
        found: u32,
        wanted: impl Fn(&ScheduledAction) -> Option<u32>,
        there: impl Fn(&ScheduledActionState) -> Option<u32>,
    ) -> Option<u32> {
        let mut all = self.actions.values().filter_map(&wanted);
        if all.any(|end| end == found) {
            return Some(found);
        }
        let setting = target
            .actions
            .iter()
            .filter(|(_, action)| there(action) == Some(found));
        let mut setting = setting.map(|(name, _)| name);
        setting.find_map(|name| match self.actions.get(name) {
            Some(edited) => wanted(edited),
            None => (!name.starts_with(OURS)).then_some(found),
        })
    }
}
