//! Load balancers, target groups and listeners as AWS reports them.

use std::collections::HashMap;

use aws_sdk_elasticloadbalancingv2::types::{
    self as sdk, ActionTypeEnum, LoadBalancerStateEnum, RedirectActionStatusCodeEnum,
};

use super::{CROSS_ZONE, DEREGISTRATION_DELAY, IDLE_TIMEOUT, PRESERVE_CLIENT_IP, TRAFFIC_PORT};
use crate::aws::Result;
use crate::aws::error::Call;
use crate::model::load_balancer::{
    DEFAULT_DEREGISTRATION_DELAY, HTTPS_PORT, HealthCheck, ListenerAction, LoadBalancerAttributes, Probe,
    TargetGroupAttributes,
};
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
        attributes: None,
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
    HealthCheck {
        probe: probe(found),
        interval: number(found.health_check_interval_seconds()),
        timeout: number(found.health_check_timeout_seconds()),
        healthy_threshold: number(found.healthy_threshold_count()),
        unhealthy_threshold: number(found.unhealthy_threshold_count()),
    }
}

/// The model holds no port or switch of a health check, because ours are always the same. Where a hand has changed one,
/// or the protocol to one that we never ask, the path is read as an address, which is no path of ours: it shows as drift,
/// and `ModifyTargetGroup` sets all of them back.
fn probe(found: &sdk::TargetGroup) -> Probe {
    let path = found.health_check_path().unwrap_or_default();
    // One that asks nothing but TCP is of a target group that speaks it.
    let protocol = found.health_check_protocol().or(found.protocol());
    let protocol = protocol.map_or("HTTP", sdk::ProtocolEnum::as_str);
    let port = found.health_check_port().unwrap_or(TRAFFIC_PORT);
    let is_off = found.health_check_enabled() == Some(false);
    let matcher = found.matcher().and_then(sdk::Matcher::http_code);
    let success_codes = matcher.unwrap_or_default().to_owned();
    match protocol {
        "HTTP" if port == TRAFFIC_PORT && !is_off => Probe::Http {
            path: path.to_owned(),
            success_codes,
        },
        "TCP" if port == TRAFFIC_PORT && !is_off => Probe::Tcp,
        _ => {
            let state = if is_off { "off " } else { "" };
            Probe::Http {
                path: format!("{state}{protocol}://target:{port}{path}"),
                success_codes,
            }
        }
    }
}

pub(super) fn listener(call: Call, found: &sdk::Listener) -> Result<ListenerState> {
    let port = found.port().and_then(|port| u16::try_from(port).ok());
    Ok(ListenerState {
        arn: Arn(required(call, found.listener_arn(), "a listener's ARN")?),
        // A gateway load balancer's listener has neither port nor protocol.
        port: port.unwrap_or(0),
        protocol: found.protocol().map_or("", sdk::ProtocolEnum::as_str).to_owned(),
        action: action(found.default_actions()),
        default_certificate: found
            .certificates()
            .first()
            .and_then(|certificate| certificate.certificate_arn.clone()),
        more_certificates: None,
        security_policy: found.ssl_policy.clone().filter(|policy| !policy.is_empty()),
        tags: None,
    })
}

/// Returns a listener's certificates besides its default one.
pub(super) fn certificates(found: &[sdk::Certificate]) -> impl Iterator<Item = String> {
    let others = found.iter().filter(|found| found.is_default() != Some(true));
    others.filter_map(|found| found.certificate_arn.clone())
}

fn action(actions: &[sdk::Action]) -> Option<ListenerAction<Arn>> {
    let [action] = actions else {
        return None;
    };
    let kind = action.r#type()?;
    if *kind == ActionTypeEnum::Forward {
        return forwards_to(action).map(ListenerAction::Forward);
    }
    let redirect = action
        .redirect_config()
        .filter(|_| *kind == ActionTypeEnum::Redirect);
    redirect
        .is_some_and(redirects_to_https)
        .then_some(ListenerAction::RedirectToHttps)
}

/// AWS fills in what is left out: the rest of the address as it came.
fn redirects_to_https(found: &sdk::RedirectActionConfig) -> bool {
    let is = |found: Option<&str>, default: &str| found.is_none_or(|found| found == default);
    found.protocol() == Some("HTTPS")
        && found.port() == Some(HTTPS_PORT.to_string().as_str())
        && found.status_code() == Some(&RedirectActionStatusCodeEnum::Http301)
        && is(found.host(), "#{host}")
        && is(found.path(), "/#{path}")
        && is(found.query(), "#{query}")
}

/// AWS reports one target group in both forms, and several in the long one alone.
fn forwards_to(action: &sdk::Action) -> Option<Arn> {
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
    let value = |key: &str| {
        let attribute = found.iter().find(|attribute| attribute.key() == Some(key));
        attribute.and_then(|attribute| attribute.value())
    };
    let delay = value(DEREGISTRATION_DELAY).and_then(|delay| delay.parse().ok());
    TargetGroupAttributes {
        deregistration_delay: delay.unwrap_or(DEFAULT_DEREGISTRATION_DELAY),
        preserve_client_ip: value(PRESERVE_CLIENT_IP).map(|value| value == "true"),
        // Besides true and false there is what its load balancer says, which is off for ours.
        cross_zone: value(CROSS_ZONE).map(|value| value == "true"),
    }
}

pub(super) fn load_balancer_attributes(
    found: &[sdk::LoadBalancerAttribute],
) -> Option<LoadBalancerAttributes> {
    let timeout = found
        .iter()
        .find(|attribute| attribute.key() == Some(IDLE_TIMEOUT))?;
    let idle_timeout = timeout.value()?.parse().ok()?;
    Some(LoadBalancerAttributes { idle_timeout })
}

/// By ARN.
pub(super) fn tags(found: &[sdk::TagDescription]) -> HashMap<String, Tags> {
    let pair = |tag: &sdk::Tag| Some((tag.key()?.into(), tag.value().unwrap_or_default().into()));
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
