//! The parts of Elastic Load Balancing calls.

use aws_sdk_elasticloadbalancingv2::types::{self as sdk, ActionTypeEnum, ProtocolEnum};

use super::DEREGISTRATION_DELAY;
use crate::model::load_balancer::{
    HealthCheck, LoadBalancerKind, Scheme, TargetGroupAttributes, TargetProtocol, TargetType,
};
use crate::model::name::Arn;
use crate::model::owner::Tags;

/// The short form. AWS reports it together with the long one, `ForwardConfig`.
pub(super) fn forward_to(target_group: &Arn) -> sdk::Action {
    sdk::Action::builder()
        .r#type(ActionTypeEnum::Forward)
        .target_group_arn(&target_group.0)
        .build()
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

pub(super) fn target_type(target_type: TargetType) -> sdk::TargetTypeEnum {
    target_type.as_str().into()
}

pub(super) const CHECK_PROTOCOL: ProtocolEnum = ProtocolEnum::Http;

pub(super) fn matcher(check: &HealthCheck) -> sdk::Matcher {
    sdk::Matcher::builder().http_code(&check.success_codes).build()
}

pub(super) fn attributes(attributes: &TargetGroupAttributes) -> Vec<sdk::TargetGroupAttribute> {
    let TargetGroupAttributes { deregistration_delay } = attributes;
    let delay = sdk::TargetGroupAttribute::builder()
        .key(DEREGISTRATION_DELAY)
        .value(deregistration_delay.to_string())
        .build();
    vec![delay]
}

/// `None` without tags: AWS refuses an empty list.
pub(super) fn tags(tags: &Tags) -> Option<Vec<sdk::Tag>> {
    let tag = |(key, value): (&String, &String)| sdk::Tag::builder().key(key).value(value).build();
    Some(tags.iter().map(tag).collect()).filter(|tags: &Vec<_>| !tags.is_empty())
}

/// What exceeds it is refused by AWS all the same.
pub(super) fn number(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
