//! Application Auto Scaling of services: a scalable target each, with policies and scheduled actions, whoever's they are. Nothing
//! scales and nothing fires by itself: a test says when, from the console.
//!
//! Two things that AWS says or others saw, and that the controller must be right with and without, are off until a test turns
//! them on: `moves_counts` and `goes_with_services`.

mod check;
mod console;

use std::collections::BTreeMap;

use async_trait::async_trait;
use empire_controller::aws::{self, Result};
use empire_controller::model::name::Arn;
use empire_controller::model::owner::{OWNER_TAG, Tags};
use empire_controller::model::scaling::{
    Metric, OURS, Range, ScalableTargetState, ScalingPolicy, ScalingPolicyState, ScheduledAction,
    ScheduledActionState, resource_label,
};

use super::billed::TARGETS_BATCH;
use super::ecs::{Ecs, Running};
use super::{FakeAws, State, refuse};

const DESCRIBE_TARGETS: &str = "application-autoscaling:DescribeScalableTargets";
const DESCRIBE_POLICIES: &str = "application-autoscaling:DescribeScalingPolicies";
const DESCRIBE_ACTIONS: &str = "application-autoscaling:DescribeScheduledActions";
const LIST_TAGS: &str = "application-autoscaling:ListTagsForResource";
const REGISTER: &str = "application-autoscaling:RegisterScalableTarget";
const DEREGISTER: &str = "application-autoscaling:DeregisterScalableTarget";
const TAG: &str = "application-autoscaling:TagResource";
const UNTAG: &str = "application-autoscaling:UntagResource";
const PUT_POLICY: &str = "application-autoscaling:PutScalingPolicy";
const DELETE_POLICY: &str = "application-autoscaling:DeleteScalingPolicy";
const PUT_ACTION: &str = "application-autoscaling:PutScheduledAction";
const DELETE_ACTION: &str = "application-autoscaling:DeleteScheduledAction";

#[derive(Clone, Debug, Default)]
pub(super) struct Scaling {
    /// By cluster and service.
    pub(super) targets: BTreeMap<(String, String), ScalableTargetState>,
    /// Registering moves a count that is outside of the range into it:
    /// <https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html>
    moves_counts: bool,
    /// A service takes its target with it as it is deleted: <https://github.com/eagletmt/hako/pull/69>
    goes_with_services: bool,
}

impl Scaling {
    pub(super) fn tick(&mut self, ecs: &Ecs) {
        if self.goes_with_services {
            let stays =
                |key: &(String, String)| ecs.services.get(key).is_some_and(|found| !found.is_draining());
            self.targets.retain(|key, _| stays(key));
        }
    }

    fn by_arn(&mut self, action: &'static str, arn: &Arn) -> Result<&mut ScalableTargetState> {
        let mut all = self.targets.values_mut();
        match all.find(|found| found.arn.as_ref() == Some(arn)) {
            Some(found) => Ok(found),
            None => refuse(action, "ResourceNotFoundException", format!("No resource {arn}")),
        }
    }
}

/// A Platform may name its cluster by ARN.
fn key(cluster: &str, service: &str) -> (String, String) {
    let cluster = cluster.rsplit('/').next().unwrap_or(cluster);
    (cluster.into(), service.into())
}

#[async_trait]
impl aws::AutoScaling for FakeAws {
    async fn scalable_targets(
        &self,
        cluster: &str,
        services: &[String],
    ) -> Result<BTreeMap<String, ScalableTargetState>> {
        if services.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut found: BTreeMap<String, ScalableTargetState> =
            self.read(DESCRIBE_TARGETS, &services.join(" "), |state| {
                let found = services.iter().filter_map(|service| {
                    let target = state.scaling.targets.get(&key(cluster, service))?;
                    Some((service.clone(), state.echo.scalable_target(target.clone())))
                });
                Ok(found.collect())
            })?;
        self.bill_more(DESCRIBE_TARGETS, services.len(), TARGETS_BATCH);
        for (service, target) in &mut found {
            for (action, about) in [
                (LIST_TAGS, target.arn.as_ref().map(|arn| &arn.0)),
                (DESCRIBE_POLICIES, Some(service)),
                (DESCRIBE_ACTIONS, Some(service)),
            ] {
                if let Some(about) = about {
                    self.read(action, about, |_| Ok(()))?;
                }
            }
            target.policies.retain(|name, _| name.starts_with(OURS));
        }
        Ok(found)
    }
}

#[async_trait]
impl aws::AutoScalingWrites for FakeAws {
    async fn register_scalable_target(
        &self,
        cluster: &str,
        service: &str,
        range: Range,
        tags: Option<&Tags>,
    ) -> Result<Option<Arn>> {
        let key = key(cluster, service);
        let about = format!("{service} {}-{}", range.min, range.max);
        self.write(REGISTER, about, |state| {
            check::target(state, &key, range, tags)?;
            let arn = state.arn("application-autoscaling", "scalable-target");
            let made = || ScalableTargetState {
                arn: Some(arn),
                range,
                tags: tags.cloned().unwrap_or_default(),
                policies: BTreeMap::new(),
                actions: BTreeMap::new(),
            };
            let target = state.scaling.targets.entry(key.clone()).or_insert_with(made);
            target.range = range;
            if state.scaling.moves_counts {
                state.move_count(&key);
            }
            Ok(state.scaling.targets[&key].arn.clone())
        })
    }

    async fn deregister_scalable_target(&self, cluster: &str, service: &str) -> Result<()> {
        let key = key(cluster, service);
        if !self.lock().scaling.targets.contains_key(&key) {
            return self.bill(DEREGISTER);
        }
        self.write(DEREGISTER, service.into(), |state| {
            state.scaling.targets.remove(&key);
            Ok(())
        })
    }

    async fn tag_scalable_target(&self, target: &Arn, tags: &Tags) -> Result<()> {
        self.write(TAG, target.0.clone(), |state| {
            let found = state.scaling.by_arn(TAG, target)?;
            found.tags.extend(tags.clone());
            if found.tags.len() > check::TAGS {
                return refuse(TAG, "TooManyTagsException", "The request contains too many tags.");
            }
            Ok(())
        })
    }

    async fn untag_scalable_target(&self, target: &Arn, keys: &[&str]) -> Result<()> {
        self.write(UNTAG, target.0.clone(), |state| {
            let found = state.scaling.by_arn(UNTAG, target)?;
            found.tags.retain(|key, _| !keys.contains(&key.as_str()));
            Ok(())
        })
    }

    async fn put_scaling_policy(&self, cluster: &str, service: &str, policy: &ScalingPolicy) -> Result<()> {
        let key = key(cluster, service);
        let about = format!("{service} {} at {}", policy.name, policy.value);
        self.write(PUT_POLICY, about, |state| {
            check::policy(state, &key, policy)?;
            let put = ScalingPolicyState {
                metric: Some(policy.metric.clone()),
                value: Some(policy.value.to_string()),
                scale_in_cooldown: policy.scale_in_cooldown,
                scale_out_cooldown: policy.scale_out_cooldown,
                is_usual: true,
            };
            let target = check::existing(&mut state.scaling, PUT_POLICY, &key)?;
            target.policies.insert(policy.name.clone(), put);
            Ok(())
        })
    }

    async fn delete_scaling_policy(&self, cluster: &str, service: &str, name: &str) -> Result<()> {
        let key = key(cluster, service);
        let has = |target: &ScalableTargetState| target.policies.contains_key(name);
        if !self.lock().scaling.targets.get(&key).is_some_and(has) {
            return self.bill(DELETE_POLICY);
        }
        self.write(DELETE_POLICY, format!("{service} {name}"), |state| {
            let target = check::existing(&mut state.scaling, DELETE_POLICY, &key)?;
            target.policies.remove(name);
            Ok(())
        })
    }

    async fn put_scheduled_action(
        &self,
        cluster: &str,
        service: &str,
        name: &str,
        action: &ScheduledAction,
    ) -> Result<()> {
        let key = key(cluster, service);
        let about = format!("{service} {name} {}", action.expression);
        self.write(PUT_ACTION, about, |state| {
            let target = check::existing(&mut state.scaling, PUT_ACTION, &key)?;
            check::action(target, name, action)?;
            let put = ScheduledActionState {
                expression: Some(action.expression.clone()),
                time_zone: Some(action.time_zone.clone()),
                min: action.min,
                max: action.max,
                is_usual: true,
            };
            target.actions.insert(name.into(), put);
            Ok(())
        })
    }

    async fn delete_scheduled_action(&self, cluster: &str, service: &str, name: &str) -> Result<()> {
        let key = key(cluster, service);
        let has = |target: &ScalableTargetState| target.actions.contains_key(name);
        if !self.lock().scaling.targets.get(&key).is_some_and(has) {
            return self.bill(DELETE_ACTION);
        }
        self.write(DELETE_ACTION, format!("{service} {name}"), |state| {
            let target = check::existing(&mut state.scaling, DELETE_ACTION, &key)?;
            target.actions.remove(name);
            Ok(())
        })
    }
}

impl State {
    /// The service gets the count of its range that is nearest.
    fn move_count(&mut self, key: &(String, String)) {
        let (Some(service), Some(target)) = (self.ecs.services.get_mut(key), self.scaling.targets.get(key))
        else {
            return;
        };
        if !service.is_draining() {
            service.desired = target.range.nearest(service.desired);
        }
    }

    /// True if the label is that of a load balancer and of a target group that it forwards to.
    fn is_forwarded(&self, label: &str) -> bool {
        let mut groups = self.elbv2.target_groups.keys();
        groups.any(|group| {
            let balancer = self.elbv2.in_front_of(group);
            balancer.and_then(|arn| resource_label(arn, group)).as_deref() == Some(label)
        })
    }

    /// Returns what is wrong with scaling of ours as it stands.
    pub(super) fn stray_scaling(&self) -> Vec<String> {
        let mut stray = Vec::new();
        let all = self.scaling.targets.iter();
        for (key, target) in all.filter(|(_, target)| target.tags.contains_key(OWNER_TAG)) {
            let service = self.ecs.services.get(key);
            if service.is_none_or(Running::is_draining) {
                stray.push(format!("the scalable target of {} is there without it", key.1));
            }
            let ours = target.policies.iter().filter(|(name, _)| name.starts_with(OURS));
            for (name, policy) in ours {
                if let Some(Metric::Requests(label)) = &policy.metric
                    && !self.is_forwarded(label)
                {
                    stray.push(format!("{name} of {} counts requests that are no more", key.1));
                }
            }
        }
        stray
    }

    /// Services that a target of ours scales, and that were given a count outside of its range, or another one than AWS had them
    /// at within it.
    pub(super) fn counts_out_of_range(&self, before: &State) -> Vec<String> {
        let mut found = Vec::new();
        for (key, service) in &self.ecs.services {
            let ours = |target: &&ScalableTargetState| target.tags.contains_key(OWNER_TAG);
            let target = self.scaling.targets.get(key).filter(ours);
            let was = before.ecs.services.get(key).map(|was| was.desired);
            if let Some(ScalableTargetState { range, .. }) = target
                && let Some(was) = was.filter(|was| *was != service.desired)
                && !service.is_draining()
                && (range.nearest(service.desired) != service.desired || range.nearest(was) == was)
            {
                let Range { min, max } = range;
                found.push(format!(
                    "{} got {} tasks in place of {was}, with {min} to {max}",
                    key.1, service.desired
                ));
            }
        }
        found
    }
}
