//! Load balancers, target groups and listeners, as we want them.

use super::owner::Tags;
use super::small_set::SmallSet;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LoadBalancerKind {
    /// Speaks HTTP and HTTPS.
    Application,
    /// Speaks TCP and TLS.
    Network,
}

impl LoadBalancerKind {
    pub fn as_str(self) -> &'static str {
        match self {
            LoadBalancerKind::Application => "application",
            LoadBalancerKind::Network => "network",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

    /// Names the part of a Platform's network that such load balancers are in.
    pub fn side(self) -> &'static str {
        match self {
            Scheme::Internal => "internal",
            Scheme::InternetFacing => "external",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LoadBalancer {
    pub name: String,
    pub kind: LoadBalancerKind,
    pub scheme: Scheme,
    pub subnets: SmallSet<String>,
    pub security_groups: SmallSet<String>,
    /// `None`: left as AWS creates them.
    pub attributes: Option<LoadBalancerAttributes>,
    pub tags: Tags,
}

/// Attributes that can be changed in place, in one call. Only application load balancers have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LoadBalancerAttributes {
    /// Seconds that a connection may be idle before it is closed.
    pub idle_timeout: u32,
}

impl LoadBalancerAttributes {
    /// The attributes that AWS makes a load balancer with:
    /// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html>.
    pub const AS_CREATED: Self = LoadBalancerAttributes { idle_timeout: 60 };
}

/// The protocol between a load balancer and the tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TargetProtocol {
    Http,
    Tcp,
}

impl TargetProtocol {
    pub fn as_str(self) -> &'static str {
        match self {
            TargetProtocol::Http => "HTTP",
            TargetProtocol::Tcp => "TCP",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HealthCheck {
    pub probe: Probe,
    /// Seconds.
    pub interval: u32,
    /// Seconds.
    pub timeout: u32,
    pub healthy_threshold: u32,
    pub unhealthy_threshold: u32,
}

/// The statuses that count as healthy unless others are given.
pub const DEFAULT_SUCCESS_CODES: &str = "200-399";

/// The question that a health check asks a target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Probe {
    Http {
        path: String,
        /// Statuses that count as healthy, such as `200-399`.
        success_codes: String,
    },
    /// A connection to its port.
    Tcp,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TargetGroupAttributes {
    /// Seconds that a target keeps its connections after it is taken out.
    pub deregistration_delay: u32,
    /// For network load balancers, else `None`. With it, a task that calls the load balancer before its own host hangs.
    pub preserve_client_ip: Option<bool>,
    /// For network load balancers, else `None`: application load balancers always send to all zones.
    pub cross_zone: Option<bool>,
}

impl TargetGroupAttributes {
    /// Returns the attributes that AWS makes a target group with, of which these are wanted:
    /// <https://docs.aws.amazon.com/elasticloadbalancing/latest/network/edit-target-group-attributes.html>.AWS's default
    /// for client addresses depends on the type of the targets; it is taken for the one that is not wanted, so that it is sent in any case.
    pub fn as_created(&self) -> Self {
        TargetGroupAttributes {
            deregistration_delay: DEFAULT_DEREGISTRATION_DELAY,
            preserve_client_ip: self.preserve_client_ip.map(|wanted| !wanted),
            cross_zone: self.cross_zone.map(|_| false),
        }
    }
}

/// In seconds, where the manifest has none.
pub const DEFAULT_DEREGISTRATION_DELAY: u32 = 300;

/// The protocol between clients and a load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListenerProtocol {
    Http,
    Https,
    Tcp,
    Tls,
}

impl ListenerProtocol {
    pub fn as_str(self) -> &'static str {
        match self {
            ListenerProtocol::Http => "HTTP",
            ListenerProtocol::Https => "HTTPS",
            ListenerProtocol::Tcp => "TCP",
            ListenerProtocol::Tls => "TLS",
        }
    }

    /// True with certificates.
    pub fn is_encrypted(self) -> bool {
        match self {
            ListenerProtocol::Https | ListenerProtocol::Tls => true,
            ListenerProtocol::Http | ListenerProtocol::Tcp => false,
        }
    }
}

/// TLS 1.3 and 1.2 with ciphers that are safe today, as AWS recommends for both kinds; its own default goes back to TLS 1.0:
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html>.
pub const SECURITY_POLICY: &str = "ELBSecurityPolicy-TLS13-1-2-2021-06";

/// The port that a redirect leads to.
pub const HTTPS_PORT: u16 = 443;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listener {
    pub port: u16,
    pub protocol: ListenerProtocol,
    /// ARNs, where the protocol is encrypted: the first is for clients that name no host, or one that is in none of them.
    pub certificates: Vec<String>,
    pub action: ListenerAction<String>,
    pub tags: Tags,
}

/// The answer to a request. `T` is a target group's name in the core and its ARN in a call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListenerAction<T> {
    Forward(T),
    /// A permanent redirect to the same address on [`HTTPS_PORT`].
    RedirectToHttps,
}

impl Listener {
    /// The target group that it forwards to.
    pub fn target_group(&self) -> Option<&str> {
        match &self.action {
            ListenerAction::Forward(group) => Some(group),
            ListenerAction::RedirectToHttps => None,
        }
    }

    pub fn default_certificate(&self) -> Option<&String> {
        self.certificates.first()
    }

    /// Returns the certificates besides the default one.
    pub fn more_certificates(&self) -> &[String] {
        self.certificates.get(1..).unwrap_or_default()
    }
}
