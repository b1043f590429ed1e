//! Scalable targets, policies and scheduled actions that AWS refuses.

use empire_controller::aws::Result;
use empire_controller::model::owner::Tags;
use empire_controller::model::scaling::{
    Metric, Range, ScalableTargetState, ScalingPolicy, ScheduledAction, resource_label,
};

use super::super::ecs::Running;
use super::super::{State, refuse};
use super::{PUT_ACTION, PUT_POLICY, REGISTER, Scaling};

const INVALID: &str = "ValidationException";

/// <https://docs.aws.amazon.com/autoscaling/application/userguide/resource-tagging-support.html>
pub(super) const TAGS: usize = 50;
/// <https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-quotas.html>
const POLICIES: usize = 50;
const ACTIONS: usize = 200;
/// <https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html>
const NAME: usize = 256;

/// <https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html>
pub(super) fn target(state: &State, key: &(String, String), range: Range, tags: Option<&Tags>) -> Result<()> {
    let invalid = |message: &str| refuse(REGISTER, INVALID, message);
    let service = state.ecs.services.get(key);
    if service.is_none_or(Running::is_draining) {
        return invalid(&format!("ECS service doesn't exist: service/{}/{}", key.0, key.1));
    }
    if range.min > range.max {
        return invalid("Maximum capacity cannot be less than minimum capacity");
    }
    // In these words: <https://github.com/hashicorp/terraform-provider-aws/issues/31839>
    if tags.is_some() && state.scaling.targets.contains_key(key) {
        return invalid(
            "The scalable target that you tried to tag already exists. To update tags on an existing scalable target, use \
             the TagResource API.",
        );
    }
    if tags.is_some_and(|tags| tags.len() > TAGS) {
        return invalid("A scalable target has at most 50 tags");
    }
    Ok(())
}

pub(super) fn existing<'a>(
    scaling: &'a mut Scaling,
    action: &'static str,
    key: &(String, String),
) -> Result<&'a mut ScalableTargetState> {
    match scaling.targets.get_mut(key) {
        Some(found) => Ok(found),
        None => refuse(
            action,
            "ObjectNotFoundException",
            format!(
                "No scalable target registered for service namespace: ecs, resource ID: service/{}/{}",
                key.0, key.1
            ),
        ),
    }
}

/// <https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html>
pub(super) fn policy(state: &mut State, key: &(String, String), policy: &ScalingPolicy) -> Result<()> {
    let invalid = |message: &str| refuse(PUT_POLICY, INVALID, message);
    let target = existing(&mut state.scaling, PUT_POLICY, key)?;
    check_name(PUT_POLICY, &policy.name)?;
    if policy.value == 0 {
        return invalid("TargetValue must be greater than 0");
    }
    // Also where the other one is somebody else's: <https://github.com/hashicorp/terraform-provider-aws/issues/41179>
    let mut others = target.policies.iter().filter(|(name, _)| **name != policy.name);
    if others.any(|(_, other)| other.metric.as_ref() == Some(&policy.metric)) {
        return invalid("Only one TargetTrackingScaling policy for a given metric specification is allowed.");
    }
    if !target.policies.contains_key(&policy.name) && target.policies.len() >= POLICIES {
        let message = "A scalable target has at most 50 scaling policies";
        return refuse(PUT_POLICY, "LimitExceededException", message);
    }
    match &policy.metric {
        Metric::Cpu | Metric::Memory => Ok(()),
        Metric::Requests(label) => check_label(state, key, label),
    }
}

/// What AWS refuses: <https://github.com/hashicorp/terraform-provider-aws/issues/9734>,
/// <https://github.com/hashicorp/terraform-provider-aws/issues/16888>
fn check_label(state: &State, key: &(String, String), label: &str) -> Result<()> {
    let refused = |message: &str| refuse(PUT_POLICY, INVALID, format!("{message}: {label}"));
    if !label.starts_with("app/") {
        return refused("Not the label of an application load balancer");
    }
    if !state.is_forwarded(label) {
        return refused("The load balancer does not route traffic to the target group");
    }
    let service = state.ecs.services.get(key).into_iter();
    let mut groups = service.flat_map(|service| &service.attachments);
    let is_named = |group| {
        let balancer = state.elbv2.in_front_of(group);
        balancer.and_then(|arn| resource_label(arn, group)).as_deref() == Some(label)
    };
    if !groups.any(|attachment| is_named(&attachment.target_group)) {
        return refused("The target group is not attached to the ECS service");
    }
    Ok(())
}

fn check_name(action: &'static str, name: &str) -> Result<()> {
    if name.is_empty() || name.len() > NAME {
        let message = format!("{name:?} is no name of 1 to {NAME} characters");
        return refuse(action, INVALID, message);
    }
    Ok(())
}

/// <https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScheduledAction.html>
pub(super) fn action(target: &ScalableTargetState, name: &str, action: &ScheduledAction) -> Result<()> {
    let invalid = |message: &str| refuse(PUT_ACTION, INVALID, message);
    check_name(PUT_ACTION, name)?;
    if !is_schedule(&action.expression) {
        return invalid("Schedule expression is invalid");
    }
    let zones = jiff::tz::TimeZoneDatabase::bundled();
    let zone = zones.get(&action.time_zone).ok();
    if zone.as_ref().and_then(|zone| zone.iana_name()) != Some(&action.time_zone) {
        return invalid("Timezone is invalid");
    }
    match (action.min, action.max) {
        (None, None) => return invalid("A scheduled action needs a minimum or a maximum capacity"),
        (Some(min), Some(max)) if min > max => {
            return invalid("Maximum capacity cannot be less than minimum capacity");
        }
        (Some(_), _) | (None, Some(_)) => {}
    }
    if !target.actions.contains_key(name) && target.actions.len() >= ACTIONS {
        let message = "A scalable target has at most 200 scheduled actions";
        return refuse(PUT_ACTION, "LimitExceededException", message);
    }
    Ok(())
}

/// Only what AWS documents:
/// <https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html>
fn is_schedule(expression: &str) -> bool {
    let within = |kind: &str| {
        expression
            .strip_prefix(kind)?
            .strip_prefix('(')?
            .strip_suffix(')')
    };
    if let Some(body) = within("cron") {
        return is_cron(body);
    }
    if let Some((value, unit)) = within("rate").and_then(|body| body.split_once(' ')) {
        let unit = unit.strip_suffix('s').unwrap_or(unit);
        return value.parse::<u32>().is_ok_and(|value| value > 0)
            && ["minute", "hour", "day"].contains(&unit);
    }
    within("at").is_some_and(|body| body.parse::<jiff::civil::DateTime>().is_ok())
}

/// Six fields, of which the one for days of the month or the one for days of the week is `?`.
fn is_cron(body: &str) -> bool {
    let fields: Vec<&str> = body.split(' ').collect();
    let documented = |field: &&str| {
        let is_documented = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || "*?,-/#".contains(c);
        !field.is_empty() && field.chars().all(is_documented)
    };
    let questions = fields.iter().filter(|field| field.contains('?')).count();
    fields.len() == 6
        && fields.iter().all(documented)
        && questions == 1
        && (fields[2] == "?" || fields[4] == "?")
}
