//! Load balancers.

use std::fmt;

use super::Verb;
use crate::model::echo::Echo;
use crate::model::load_balancer::{LoadBalancer, LoadBalancerAttributes};
use crate::model::state::Observed;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LoadBalancerWrite {
    Create {
        load_balancer: LoadBalancer,
    },
    SetSubnets {
        load_balancer: String,
        subnets: Vec<String>,
    },
    SetSecurityGroups {
        load_balancer: String,
        security_groups: Vec<String>,
    },
    ModifyAttributes {
        load_balancer: String,
        attributes: LoadBalancerAttributes,
    },
    Delete {
        load_balancer: String,
    },
}

impl LoadBalancerWrite {
    pub(super) fn verb(&self) -> Verb {
        match self {
            LoadBalancerWrite::Create { .. } => Verb::Created,
            LoadBalancerWrite::SetSubnets { .. }
            | LoadBalancerWrite::SetSecurityGroups { .. }
            | LoadBalancerWrite::ModifyAttributes { .. } => Verb::Updated,
            LoadBalancerWrite::Delete { .. } => Verb::Deleted,
        }
    }

    pub(super) fn operation(&self) -> &'static str {
        match self {
            LoadBalancerWrite::Create { .. } => "elasticloadbalancing:CreateLoadBalancer",
            LoadBalancerWrite::SetSubnets { .. } => "elasticloadbalancing:SetSubnets",
            LoadBalancerWrite::SetSecurityGroups { .. } => "elasticloadbalancing:SetSecurityGroups",
            LoadBalancerWrite::ModifyAttributes { .. } => "elasticloadbalancing:ModifyLoadBalancerAttributes",
            LoadBalancerWrite::Delete { .. } => "elasticloadbalancing:DeleteLoadBalancer",
        }
    }

    pub(super) fn name(&self) -> &String {
        match self {
            LoadBalancerWrite::Create { load_balancer } => &load_balancer.name,
            LoadBalancerWrite::SetSubnets { load_balancer, .. }
            | LoadBalancerWrite::SetSecurityGroups { load_balancer, .. }
            | LoadBalancerWrite::ModifyAttributes { load_balancer, .. }
            | LoadBalancerWrite::Delete { load_balancer } => load_balancer,
        }
    }

    pub(super) fn resource(&self) -> String {
        self.name().clone()
    }

    pub(super) fn echo(&self, observed: &Observed) -> Option<(String, Echo)> {
        let name = self.name();
        let found = observed.load_balancers.get(name);
        let (setting, echo) = match self {
            LoadBalancerWrite::SetSubnets { subnets, .. } => {
                ("subnets", Echo::new(&[subnets], &[&found.map(|l| &l.subnets)]))
            }
            LoadBalancerWrite::SetSecurityGroups { security_groups, .. } => (
                "security groups",
                Echo::new(&[security_groups], &[&found.map(|l| &l.security_groups)]),
            ),
            LoadBalancerWrite::ModifyAttributes { attributes, .. } => (
                "attributes",
                Echo::new(&[attributes], &[&found.map(|l| &l.attributes)]),
            ),
            LoadBalancerWrite::Create { .. } | LoadBalancerWrite::Delete { .. } => return None,
        };
        Some((format!("load balancer {name} {setting}"), echo))
    }
}

impl fmt::Display for LoadBalancerWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self {
            LoadBalancerWrite::Create { load_balancer } => {
                let (scheme, kind) = (load_balancer.scheme.as_str(), load_balancer.kind.as_str());
                write!(f, "create {scheme} {kind} load balancer {name}")
            }
            LoadBalancerWrite::SetSubnets { subnets, .. } => {
                write!(f, "set subnets of load balancer {name} to {}", subnets.join(", "))
            }
            LoadBalancerWrite::SetSecurityGroups { security_groups, .. } => write!(
                f,
                "set security groups of load balancer {name} to {}",
                security_groups.join(", ")
            ),
            LoadBalancerWrite::ModifyAttributes { attributes, .. } => write!(
                f,
                "set idle timeout of load balancer {name} to {} s",
                attributes.idle_timeout
            ),
            LoadBalancerWrite::Delete { .. } => write!(f, "delete load balancer {name}"),
        }
    }
}
