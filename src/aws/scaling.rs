//! Application Auto Scaling through the SDK: of the task counts of ECS services, and of nothing else.
//!
//! A policy and a scheduled action are written whole each time. A target is tagged only by the call that makes it: AWS refuses
//! tags for one that is there.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_applicationautoscaling::types as sdk;

use super::answer::Answering;
use super::clients::AwsClients;
use super::error::Call;
use super::wire::{every_page, from_i32, text, to_i32, unless_absent};
use super::{AutoScaling, AutoScalingWrites, Result};
use crate::model::name::{Arn, last_segment};
use crate::model::owner::Tags;
use crate::model::scaling::{
    Metric, OURS, Range, ScalableTargetState, ScalingPolicy, ScalingPolicyState, ScheduledAction,
    ScheduledActionState,
};

const DESCRIBE_TARGETS: Call = Call::read("application-autoscaling:DescribeScalableTargets");
const DESCRIBE_POLICIES: Call = Call::read("application-autoscaling:DescribeScalingPolicies");
const DESCRIBE_ACTIONS: Call = Call::read("application-autoscaling:DescribeScheduledActions");
const LIST_TAGS: Call = Call::read("application-autoscaling:ListTagsForResource");
const REGISTER: Call = Call::create("application-autoscaling:RegisterScalableTarget");
const DEREGISTER: Call = Call::delete("application-autoscaling:DeregisterScalableTarget");
const TAG: Call = Call::modify("application-autoscaling:TagResource");
const UNTAG: Call = Call::modify("application-autoscaling:UntagResource");
// A put makes what is not there, and names a parent as a create does.
const PUT_POLICY: Call = Call::create("application-autoscaling:PutScalingPolicy");
const DELETE_POLICY: Call = Call::delete("application-autoscaling:DeleteScalingPolicy");
const PUT_ACTION: Call = Call::create("application-autoscaling:PutScheduledAction");
const DELETE_ACTION: Call = Call::delete("application-autoscaling:DeleteScheduledAction");

/// <https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DescribeScalableTargets.html>
const BATCH: usize = 50;

const ECS: sdk::ServiceNamespace = sdk::ServiceNamespace::Ecs;
const TASKS: sdk::ScalableDimension = sdk::ScalableDimension::EcsServiceDesiredCount;

#[async_trait]
impl AutoScaling for AwsClients {
    async fn scalable_targets(
        &self,
        cluster: &str,
        services: &[String],
    ) -> Result<BTreeMap<String, ScalableTargetState>> {
        let mut all = BTreeMap::new();
        for batch in services.chunks(BATCH) {
            let ids: BTreeMap<String, &String> = batch
                .iter()
                .map(|service| (resource_id(cluster, service), service))
                .collect();
            for found in self.targets(ids.keys().cloned().collect()).await? {
                if let Some(&service) = ids.get(found.resource_id()) {
                    all.insert(service.clone(), self.with_details(found).await?);
                }
            }
        }
        Ok(all)
    }
}

impl AwsClients {
    async fn targets(&self, ids: Vec<String>) -> Result<Vec<sdk::ScalableTarget>> {
        let list = self
            .scaling
            .describe_scalable_targets()
            .service_namespace(ECS)
            .scalable_dimension(TASKS)
            .set_resource_ids(Some(ids));
        let ask = |token| {
            let page = list.clone().set_next_token(token);
            page.send().answering(DESCRIBE_TARGETS)
        };
        every_page(DESCRIBE_TARGETS, ask, |page| {
            (page.scalable_targets, page.next_token)
        })
        .await
    }

    async fn with_details(&self, found: sdk::ScalableTarget) -> Result<ScalableTargetState> {
        let arn = text(found.scalable_target_arn()).map(Arn);
        Ok(ScalableTargetState {
            range: Range {
                min: from_i32(found.min_capacity()),
                max: from_i32(found.max_capacity()),
            },
            tags: match &arn {
                Some(arn) => self.target_tags(arn).await?,
                None => Tags::new(),
            },
            policies: self.policies(found.resource_id()).await?,
            actions: self.actions(found.resource_id()).await?,
            arn,
        })
    }

    async fn target_tags(&self, target: &Arn) -> Result<Tags> {
        let reply = self
            .scaling
            .list_tags_for_resource()
            .resource_arn(&target.0)
            .send()
            .answering(LIST_TAGS)
            .await;
        let tags = unless_absent(reply)?.and_then(|reply| reply.tags);
        let pair = |(key, value): (String, String)| (key.into(), value.into());
        Ok(tags.into_iter().flatten().map(pair).collect())
    }

    async fn policies(&self, resource_id: &str) -> Result<BTreeMap<String, ScalingPolicyState>> {
        let list = self
            .scaling
            .describe_scaling_policies()
            .service_namespace(ECS)
            .scalable_dimension(TASKS)
            .resource_id(resource_id);
        let ask = |token| {
            let page = list.clone().set_next_token(token);
            page.send().answering(DESCRIBE_POLICIES)
        };
        let found = every_page(DESCRIBE_POLICIES, ask, |page| {
            let found = page.scaling_policies.into_iter().flatten();
            let ours = found.filter(|policy| policy.policy_name().starts_with(OURS));
            let read = |policy: sdk::ScalingPolicy| (policy.policy_name().to_owned(), read_policy(&policy));
            (Some(ours.map(read).collect()), page.next_token)
        })
        .await;
        Ok(unless_absent(found)?.into_iter().flatten().collect())
    }

    async fn actions(&self, resource_id: &str) -> Result<BTreeMap<String, ScheduledActionState>> {
        let list = self
            .scaling
            .describe_scheduled_actions()
            .service_namespace(ECS)
            .scalable_dimension(TASKS)
            .resource_id(resource_id);
        let ask = |token| {
            let page = list.clone().set_next_token(token);
            page.send().answering(DESCRIBE_ACTIONS)
        };
        let found = every_page(DESCRIBE_ACTIONS, ask, |page| {
            let found = page.scheduled_actions.into_iter().flatten();
            let read = |action: sdk::ScheduledAction| {
                (action.scheduled_action_name().to_owned(), read_action(&action))
            };
            (Some(found.map(read).collect()), page.next_token)
        })
        .await;
        Ok(unless_absent(found)?.into_iter().flatten().collect())
    }
}

#[async_trait]
impl AutoScalingWrites for AwsClients {
    async fn register_scalable_target(
        &self,
        cluster: &str,
        service: &str,
        range: Range,
        tags: Option<&Tags>,
    ) -> Result<Option<Arn>> {
        let pair = |(key, value): (&_, &_)| (ToString::to_string(key), ToString::to_string(value));
        let reply = self
            .scaling
            .register_scalable_target()
            .service_namespace(ECS)
            .scalable_dimension(TASKS)
            .resource_id(resource_id(cluster, service))
            .min_capacity(to_i32(range.min))
            .max_capacity(to_i32(range.max))
            .set_tags(tags.map(|tags| tags.iter().map(pair).collect()))
            .send()
            .answering(REGISTER)
            .await?;
        Ok(text(reply.scalable_target_arn()).map(Arn))
    }

    async fn deregister_scalable_target(&self, cluster: &str, service: &str) -> Result<()> {
        let reply = self
            .scaling
            .deregister_scalable_target()
            .service_namespace(ECS)
            .scalable_dimension(TASKS)
            .resource_id(resource_id(cluster, service))
            .send()
            .answering(DEREGISTER)
            .await;
        unless_absent(reply)?;
        Ok(())
    }

    async fn tag_scalable_target(&self, target: &Arn, tags: &Tags) -> Result<()> {
        let mut call = self.scaling.tag_resource().resource_arn(&target.0);
        for (key, value) in tags {
            call = call.tags(key.to_string(), value.to_string());
        }
        call.send().answering(TAG).await?;
        Ok(())
    }

    async fn untag_scalable_target(&self, target: &Arn, keys: &[&str]) -> Result<()> {
        self.scaling
            .untag_resource()
            .resource_arn(&target.0)
            .set_tag_keys(Some(keys.iter().map(|&key| key.into()).collect()))
            .send()
            .answering(UNTAG)
            .await?;
        Ok(())
    }

    async fn put_scaling_policy(&self, cluster: &str, service: &str, policy: &ScalingPolicy) -> Result<()> {
        self.scaling
            .put_scaling_policy()
            .policy_name(&policy.name)
            .service_namespace(ECS)
            .scalable_dimension(TASKS)
            .resource_id(resource_id(cluster, service))
            .policy_type(sdk::PolicyType::TargetTrackingScaling)
            .target_tracking_scaling_policy_configuration(write_policy(policy)?)
            .send()
            .answering(PUT_POLICY)
            .await?;
        Ok(())
    }

    async fn delete_scaling_policy(&self, cluster: &str, service: &str, name: &str) -> Result<()> {
        let reply = self
            .scaling
            .delete_scaling_policy()
            .policy_name(name)
            .service_namespace(ECS)
            .scalable_dimension(TASKS)
            .resource_id(resource_id(cluster, service))
            .send()
            .answering(DELETE_POLICY)
            .await;
        unless_absent(reply)?;
        Ok(())
    }

    async fn put_scheduled_action(
        &self,
        cluster: &str,
        service: &str,
        name: &str,
        action: &ScheduledAction,
    ) -> Result<()> {
        let range = sdk::ScalableTargetAction::builder()
            .set_min_capacity(action.min.map(to_i32))
            .set_max_capacity(action.max.map(to_i32));
        self.scaling
            .put_scheduled_action()
            .scheduled_action_name(name)
            .service_namespace(ECS)
            .scalable_dimension(TASKS)
            .resource_id(resource_id(cluster, service))
            .schedule(&action.expression)
            .timezone(&action.time_zone)
            .scalable_target_action(range.build())
            .send()
            .answering(PUT_ACTION)
            .await?;
        Ok(())
    }

    async fn delete_scheduled_action(&self, cluster: &str, service: &str, name: &str) -> Result<()> {
        let reply = self
            .scaling
            .delete_scheduled_action()
            .scheduled_action_name(name)
            .service_namespace(ECS)
            .scalable_dimension(TASKS)
            .resource_id(resource_id(cluster, service))
            .send()
            .answering(DELETE_ACTION)
            .await;
        unless_absent(reply)?;
        Ok(())
    }
}

/// Names a service in AWS's way. A Platform may name its cluster by ARN.
fn resource_id(cluster: &str, service: &str) -> String {
    format!("service/{}/{service}", last_segment(cluster))
}

fn write_policy(policy: &ScalingPolicy) -> Result<sdk::TargetTrackingScalingPolicyConfiguration> {
    let (kind, label) = match &policy.metric {
        Metric::Cpu => (sdk::MetricType::EcsServiceAverageCpuUtilization, None),
        Metric::Memory => (sdk::MetricType::EcsServiceAverageMemoryUtilization, None),
        Metric::Requests(label) => (sdk::MetricType::AlbRequestCountPerTarget, Some(label.clone())),
    };
    let metric = sdk::PredefinedMetricSpecification::builder()
        .predefined_metric_type(kind)
        .set_resource_label(label)
        .build()
        .map_err(|error| PUT_POLICY.bug(error.to_string()))?;
    sdk::TargetTrackingScalingPolicyConfiguration::builder()
        .target_value(policy.value.into())
        .predefined_metric_specification(metric)
        .set_scale_in_cooldown(policy.scale_in_cooldown.map(to_i32))
        .set_scale_out_cooldown(policy.scale_out_cooldown.map(to_i32))
        .build()
        .map_err(|error| PUT_POLICY.bug(error.to_string()))
}

fn read_policy(found: &sdk::ScalingPolicy) -> ScalingPolicyState {
    let tracking = found.target_tracking_scaling_policy_configuration();
    let predefined = tracking.and_then(|tracking| tracking.predefined_metric_specification());
    let metric = predefined.and_then(read_metric);
    let is_usual = *found.policy_type() == sdk::PolicyType::TargetTrackingScaling
        && metric.is_some()
        && tracking.is_some_and(|tracking| {
            tracking.customized_metric_specification().is_none()
                && !tracking.disable_scale_in().unwrap_or(false)
        });
    ScalingPolicyState {
        metric,
        value: tracking.map(|tracking| tracking.target_value().to_string()),
        scale_in_cooldown: tracking.and_then(|tracking| tracking.scale_in_cooldown().map(from_i32)),
        scale_out_cooldown: tracking.and_then(|tracking| tracking.scale_out_cooldown().map(from_i32)),
        is_usual,
    }
}

/// Returns `None` for a metric that no policy of ours has.
fn read_metric(found: &sdk::PredefinedMetricSpecification) -> Option<Metric<String>> {
    let kind = found.predefined_metric_type();
    if *kind == sdk::MetricType::EcsServiceAverageCpuUtilization {
        Some(Metric::Cpu)
    } else if *kind == sdk::MetricType::EcsServiceAverageMemoryUtilization {
        Some(Metric::Memory)
    } else if *kind == sdk::MetricType::AlbRequestCountPerTarget {
        Some(Metric::Requests(
            found.resource_label().unwrap_or_default().into(),
        ))
    } else {
        None
    }
}

fn read_action(found: &sdk::ScheduledAction) -> ScheduledActionState {
    let range = found.scalable_target_action();
    ScheduledActionState {
        expression: text(Some(found.schedule())),
        time_zone: text(found.timezone()),
        min: range.and_then(|range| range.min_capacity().map(from_i32)),
        max: range.and_then(|range| range.max_capacity().map(from_i32)),
        is_usual: found.start_time().is_none() && found.end_time().is_none(),
    }
}

#[cfg(test)]
pub(super) mod tests;
