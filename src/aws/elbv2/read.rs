//! Load balancers, target groups and listeners as AWS reports them.

use std::collections::HashMap;

use aws_sdk_elasticloadbalancingv2::types::{self as sdk, ActionTypeEnum, LoadBalancerStateEnum};

use super::{DEFAULT_DEREGISTRATION_DELAY, DEREGISTRATION_DELAY, TRAFFIC_PORT};
use crate::aws::Result;
use crate::aws::error::Call;
use crate::model::load_balancer::{HealthCheck, TargetGroupAttributes};
use crate::model::name::Arn;
use crate::model::owner::Tags;
use crate::model::state::{ListenerState, LoadBalancerState, LoadBalancerStatus, TargetGroupState};

pub(super) fn load_balancer(call: Call, found: &sdk::LoadBalancer) -> Result<LoadBalancerState> {
    let zones = found.availability_zones();
    Ok(LoadBalancerState {
        name: required(call, found.load_balancer_name(), "a load balancer's name")?,
        arn: Arn(required(
            call,
            found.load_balancer_arn(),
            "a load balancer's ARN",
        )?),
        // A gateway load balancer has none.
        dns_name: found.dns_name().unwrap_or_default().to_owned(),
        zone_id: found.canonical_hosted_zone_id().unwrap_or_default().to_owned(),
        status: status(found.state()),
        subnets: zones.iter().filter_map(|zone| zone.subnet_id.clone()).collect(),
        security_groups: found.security_groups().iter().cloned().collect(),
        tags: Tags::new(),
        listeners: None,
    })
}

fn status(state: Option<&sdk::LoadBalancerState>) -> LoadBalancerStatus {
    match state.and_then(sdk::LoadBalancerState::code) {
        Some(LoadBalancerStateEnum::Active | LoadBalancerStateEnum::ActiveImpaired) => {
            LoadBalancerStatus::Active
        }
        Some(LoadBalancerStateEnum::Failed) => {
            let reason = state.and_then(sdk::LoadBalancerState::reason);
            LoadBalancerStatus::Failed(reason.unwrap_or("AWS gave no reason").to_owned())
        }
        Some(_) | None => LoadBalancerStatus::Provisioning,
    }
}

pub(super) fn target_group(call: Call, found: &sdk::TargetGroup) -> Result<TargetGroupState> {
    Ok(TargetGroupState {
        name: required(call, found.target_group_name(), "a target group's name")?,
        arn: Arn(required(call, found.target_group_arn(), "a target group's ARN")?),
        check: health_check(found),
        load_balancers: found.load_balancer_arns().iter().cloned().map(Arn).collect(),
        tags: Tags::new(),
        attributes: None,
    })
}

fn health_check(found: &sdk::TargetGroup) -> HealthCheck {
    let number = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0);
    let matcher = found.matcher().and_then(sdk::Matcher::http_code);
    HealthCheck {
        path: check_path(found),
        interval: number(found.health_check_interval_seconds()),
        timeout: number(found.health_check_timeout_seconds()),
        healthy_threshold: number(found.healthy_threshold_count()),
        unhealthy_threshold: number(found.unhealthy_threshold_count()),
        success_codes: matcher.unwrap_or_default().to_owned(),
    }
}

/// The model holds no protocol, port or switch of a health check, because ours are always the same. Where a hand has
/// changed one, the path is read as an address, which is no path of ours: it shows as drift, and `ModifyTargetGroup`
/// sets all of them back.
fn check_path(found: &sdk::TargetGroup) -> String {
    let path = found.health_check_path().unwrap_or_default();
    let protocol = found
        .health_check_protocol()
        .map_or("HTTP", sdk::ProtocolEnum::as_str);
    let port = found.health_check_port().unwrap_or(TRAFFIC_PORT);
    let is_ours = protocol == "HTTP" && port == TRAFFIC_PORT && found.health_check_enabled() != Some(false);
    if is_ours {
        path.to_owned()
    } else {
        let state = if found.health_check_enabled() == Some(false) {
            "off "
        } else {
            ""
        };
        format!("{state}{protocol}://target:{port}{path}")
    }
}

pub(super) fn listener(call: Call, found: &sdk::Listener) -> Result<ListenerState> {
    let port = found.port().and_then(|port| u16::try_from(port).ok());
    Ok(ListenerState {
        arn: Arn(required(call, found.listener_arn(), "a listener's ARN")?),
        // A gateway load balancer's listener has neither port nor protocol.
        port: port.unwrap_or(0),
        protocol: found.protocol().map_or("", sdk::ProtocolEnum::as_str).to_owned(),
        forwards_to: forwards_to(found.default_actions()),
    })
}

/// AWS reports one target group in both forms, and several in the long one alone.
fn forwards_to(actions: &[sdk::Action]) -> Option<Arn> {
    let [action] = actions else {
        return None;
    };
    if action.r#type() != Some(&ActionTypeEnum::Forward) {
        return None;
    }
    let long = action
        .forward_config()
        .map(sdk::ForwardActionConfig::target_groups)
        .unwrap_or_default();
    let arn = match long {
        [] => action.target_group_arn(),
        [only] => only.target_group_arn(),
        _ => None,
    };
    arn.map(|arn| Arn(arn.to_owned()))
}

pub(super) fn attributes(found: &[sdk::TargetGroupAttribute]) -> TargetGroupAttributes {
    let delay = found
        .iter()
        .find(|attribute| attribute.key() == Some(DEREGISTRATION_DELAY));
    let delay = delay.and_then(|attribute| attribute.value()?.parse().ok());
    TargetGroupAttributes {
        deregistration_delay: delay.unwrap_or(DEFAULT_DEREGISTRATION_DELAY),
    }
}

/// By ARN.
pub(super) fn tags(found: &[sdk::TagDescription]) -> HashMap<String, Tags> {
    let pair = |tag: &sdk::Tag| Some((tag.key.clone()?, tag.value.clone().unwrap_or_default()));
    found
        .iter()
        .filter_map(|found| {
            Some((
                found.resource_arn.clone()?,
                found.tags().iter().filter_map(pair).collect(),
            ))
        })
        .collect()
}

fn required(call: Call, field: Option<&str>, what: &str) -> Result<String> {
    field
        .map(str::to_owned)
        .ok_or_else(|| call.bug(format!("no {what} in the reply")))
}
