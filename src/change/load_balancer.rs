//! Load balancers.

use std::fmt;

use super::{Basis, Reply};
use crate::model::echo::Echo;
use crate::model::load_balancer::{LoadBalancer, LoadBalancerAttributes};
use crate::model::named::Named;
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

    pub(super) fn rests_on(&self, service: Option<Named>) -> Basis {
        match self {
            LoadBalancerWrite::Create { .. }
            | LoadBalancerWrite::SetSubnets { .. }
            | LoadBalancerWrite::SetSecurityGroups { .. }
            | LoadBalancerWrite::ModifyAttributes { .. } => Basis::Lists,
            LoadBalancerWrite::Delete { load_balancer } => {
                let itself = Named::LoadBalancer(load_balancer.clone());
                Basis::unnamed(service.into_iter().chain([itself]))
            }
        }
    }

    /// One that is made has no listener, and one that is gone has none any more.
    pub(super) fn things(&self) -> Vec<Named> {
        let itself = Named::LoadBalancer(self.name().clone());
        match self {
            LoadBalancerWrite::Create { .. } | LoadBalancerWrite::Delete { .. } => {
                vec![itself, Named::Listeners(self.name().clone())]
            }
            LoadBalancerWrite::SetSubnets { .. }
            | LoadBalancerWrite::SetSecurityGroups { .. }
            | LoadBalancerWrite::ModifyAttributes { .. } => vec![itself],
        }
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

    pub(super) fn fold(&self, observed: &mut Observed, reply: Reply) {
        if let (LoadBalancerWrite::Create { load_balancer }, Reply::LoadBalancer(mut state)) = (self, reply) {
            state.tags.clone_from(&load_balancer.tags);
            state.listeners = Some(Vec::new());
            observed.load_balancers.insert(state.name.clone(), state);
            return;
        }
        let name = self.name();
        let Some(state) = observed.load_balancers.get_mut(name) else {
            return;
        };
        match self {
            LoadBalancerWrite::Create { .. } => {}
            LoadBalancerWrite::SetSubnets { subnets, .. } => {
                state.subnets = subnets.iter().cloned().collect();
                // Another call may be taken now.
                observed.zones_taken.remove(name);
            }
            LoadBalancerWrite::SetSecurityGroups { security_groups, .. } => {
                state.security_groups = security_groups.iter().cloned().collect();
            }
            LoadBalancerWrite::ModifyAttributes { attributes, .. } => state.attributes = Some(*attributes),
            LoadBalancerWrite::Delete { .. } => {
                let arn = state.arn.clone();
                observed.load_balancers.remove(name);
                for group in observed.target_groups.values_mut() {
                    group.load_balancers.remove(&arn);
                }
            }
        }
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
