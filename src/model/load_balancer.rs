//! Load balancers, target groups and listeners, as we want them.

use std::collections::BTreeSet;

use super::owner::Tags;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadBalancerKind {
    Application,
}

impl LoadBalancerKind {
    pub fn as_str(self) -> &'static str {
        match self {
            LoadBalancerKind::Application => "application",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Internal,
    InternetFacing,
}

impl Scheme {
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Internal => "internal",
            Scheme::InternetFacing => "internet-facing",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBalancer {
    pub name: String,
    pub kind: LoadBalancerKind,
    pub scheme: Scheme,
    pub subnets: BTreeSet<String>,
    pub security_groups: BTreeSet<String>,
    pub tags: Tags,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetProtocol {
    Http,
}

impl TargetProtocol {
    /// As AWS spells it, for target groups and listeners alike.
    pub fn as_str(self) -> &'static str {
        match self {
            TargetProtocol::Http => "HTTP",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetType {
    Instance,
    Ip,
}

impl TargetType {
    pub fn as_str(self) -> &'static str {
        match self {
            TargetType::Instance => "instance",
            TargetType::Ip => "ip",
        }
    }
}

/// ECS registers each target with the target's own port, so the group's port is a placeholder.
pub const TARGET_GROUP_PORT: u16 = 80;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetGroup {
    pub name: String,
    pub vpc: String,
    pub protocol: TargetProtocol,
    pub target_type: TargetType,
    pub check: HealthCheck,
    pub attributes: TargetGroupAttributes,
    pub tags: Tags,
}

/// All of it can be changed in place, in one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    pub path: String,
    /// Seconds.
    pub interval: u32,
    /// Seconds.
    pub timeout: u32,
    pub healthy_threshold: u32,
    pub unhealthy_threshold: u32,
    /// HTTP codes that count as healthy, such as `200-399`.
    pub success_codes: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetGroupAttributes {
    /// Seconds that a target keeps its connections after it is taken out.
    pub deregistration_delay: u32,
}

/// A listener that forwards to one target group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    pub port: u16,
    pub protocol: TargetProtocol,
    pub target_group: String,
    pub tags: Tags,
}
