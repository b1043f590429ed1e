//! The parts of Elastic Load Balancing calls.

use aws_sdk_elasticloadbalancingv2::types::{
    self as sdk, ActionTypeEnum, ProtocolEnum, RedirectActionStatusCodeEnum,
};

use super::{CROSS_ZONE, DEREGISTRATION_DELAY, IDLE_TIMEOUT, PRESERVE_CLIENT_IP};
use crate::aws::wire::unless_empty;
use crate::model::load_balancer::{
    HTTPS_PORT, HealthCheck, Listener, ListenerAction, ListenerProtocol, LoadBalancerAttributes,
    LoadBalancerKind, Probe, SECURITY_POLICY, Scheme, TargetGroupAttributes, TargetProtocol, TargetType,
};
use crate::model::name::Arn;
use crate::model::owner::Tags;

pub(super) fn action(action: &ListenerAction<Arn>) -> sdk::Action {
    match action {
        // The short form. AWS reports it together with the long one, `ForwardConfig`.
        ListenerAction::Forward(target_group) => sdk::Action::builder()
            .r#type(ActionTypeEnum::Forward)
            .target_group_arn(&target_group.0)
            .build(),
        ListenerAction::RedirectToHttps => {
            // Host, path and query stay as they came.
            let redirect = sdk::RedirectActionConfig::builder()
                .protocol("HTTPS")
                .port(HTTPS_PORT.to_string())
                .status_code(RedirectActionStatusCodeEnum::Http301)
                .build();
            sdk::Action::builder()
                .r#type(ActionTypeEnum::Redirect)
                .redirect_config(redirect)
                .build()
        }
    }
}

/// The default one alone: no call takes the others with it.
pub(super) fn default_certificate(listener: &Listener) -> Option<Vec<sdk::Certificate>> {
    listener.default_certificate().map(|arn| vec![certificate(arn)])
}

pub(super) fn certificate(arn: &str) -> sdk::Certificate {
    sdk::Certificate::builder().certificate_arn(arn).build()
}

pub(super) fn security_policy(listener: &Listener) -> Option<String> {
    listener
        .protocol
        .is_encrypted()
        .then(|| SECURITY_POLICY.to_owned())
}

pub(super) fn kind(kind: LoadBalancerKind) -> sdk::LoadBalancerTypeEnum {
    kind.as_str().into()
}

pub(super) fn scheme(scheme: Scheme) -> sdk::LoadBalancerSchemeEnum {
    scheme.as_str().into()
}

pub(super) fn protocol(protocol: TargetProtocol) -> ProtocolEnum {
    protocol.as_str().into()
}

pub(super) fn listener_protocol(protocol: ListenerProtocol) -> ProtocolEnum {
    protocol.as_str().into()
}

pub(super) fn target_type(target_type: TargetType) -> sdk::TargetTypeEnum {
    target_type.as_str().into()
}

pub(super) fn check_protocol(check: &HealthCheck) -> ProtocolEnum {
    match &check.probe {
        Probe::Http { .. } => ProtocolEnum::Http,
        Probe::Tcp => ProtocolEnum::Tcp,
    }
}

pub(super) fn check_path(check: &HealthCheck) -> Option<String> {
    match &check.probe {
        Probe::Http { path, .. } => Some(path.clone()),
        Probe::Tcp => None,
    }
}

pub(super) fn matcher(check: &HealthCheck) -> Option<sdk::Matcher> {
    match &check.probe {
        Probe::Http { success_codes, .. } => Some(sdk::Matcher::builder().http_code(success_codes).build()),
        Probe::Tcp => None,
    }
}

pub(super) fn attributes(attributes: &TargetGroupAttributes) -> Vec<sdk::TargetGroupAttribute> {
    let TargetGroupAttributes {
        deregistration_delay,
        preserve_client_ip,
        cross_zone,
    } = attributes;
    let values = [
        (DEREGISTRATION_DELAY, Some(deregistration_delay.to_string())),
        (PRESERVE_CLIENT_IP, preserve_client_ip.map(|on| on.to_string())),
        (CROSS_ZONE, cross_zone.map(|on| on.to_string())),
    ];
    let given = values.into_iter().filter_map(|(key, value)| Some((key, value?)));
    given
        .map(|(key, value)| sdk::TargetGroupAttribute::builder().key(key).value(value).build())
        .collect()
}

pub(super) fn load_balancer_attributes(attributes: LoadBalancerAttributes) -> sdk::LoadBalancerAttribute {
    let LoadBalancerAttributes { idle_timeout } = attributes;
    sdk::LoadBalancerAttribute::builder()
        .key(IDLE_TIMEOUT)
        .value(idle_timeout.to_string())
        .build()
}

/// `None` without tags: AWS refuses an empty list.
pub(super) fn tags(tags: &Tags) -> Option<Vec<sdk::Tag>> {
    let tags = tags.iter();
    unless_empty(tags.map(|(key, value)| sdk::Tag::builder().key(&**key).value(&**value).build()))
}
