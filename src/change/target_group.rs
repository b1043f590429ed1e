//! Target groups.

use std::fmt;

use super::{Basis, Reply};
use crate::model::echo::Echo;
use crate::model::load_balancer::{
    DEFAULT_SUCCESS_CODES, HealthCheck, Probe, TargetGroup, TargetGroupAttributes,
};
use crate::model::named::Named;
use crate::model::state::Observed;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TargetGroupWrite {
    Create {
        target_group: TargetGroup,
    },
    Modify {
        target_group: String,
        check: HealthCheck,
    },
    ModifyAttributes {
        target_group: String,
        attributes: TargetGroupAttributes,
    },
    Delete {
        target_group: String,
    },
}

impl TargetGroupWrite {
    pub(super) fn operation(&self) -> &'static str {
        match self {
            TargetGroupWrite::Create { .. } => "elasticloadbalancing:CreateTargetGroup",
            TargetGroupWrite::Modify { .. } => "elasticloadbalancing:ModifyTargetGroup",
            TargetGroupWrite::ModifyAttributes { .. } => "elasticloadbalancing:ModifyTargetGroupAttributes",
            TargetGroupWrite::Delete { .. } => "elasticloadbalancing:DeleteTargetGroup",
        }
    }

    pub(super) fn name(&self) -> &String {
        match self {
            TargetGroupWrite::Create { target_group } => &target_group.name,
            TargetGroupWrite::Modify { target_group, .. }
            | TargetGroupWrite::ModifyAttributes { target_group, .. }
            | TargetGroupWrite::Delete { target_group } => target_group,
        }
    }

    pub(super) fn resource(&self) -> String {
        self.name().clone()
    }

    pub(super) fn rests_on(&self, service: Option<Named>) -> Basis {
        match self {
            TargetGroupWrite::Create { .. }
            | TargetGroupWrite::Modify { .. }
            | TargetGroupWrite::ModifyAttributes { .. } => Basis::Lists,
            TargetGroupWrite::Delete { target_group } => {
                let itself = Named::TargetGroup(target_group.clone());
                Basis::singly(service.into_iter().chain([itself]))
            }
        }
    }

    pub(super) fn echo(&self, observed: &Observed) -> Option<(String, Echo)> {
        let name = self.name();
        let found = observed.target_groups.get(name);
        let (setting, echo) = match self {
            TargetGroupWrite::Modify { check, .. } => {
                ("health check", Echo::new(&[check], &[&found.map(|g| &g.check)]))
            }
            TargetGroupWrite::ModifyAttributes { attributes, .. } => (
                "attributes",
                Echo::new(&[attributes], &[&found.map(|g| &g.attributes)]),
            ),
            TargetGroupWrite::Create { .. } | TargetGroupWrite::Delete { .. } => return None,
        };
        Some((format!("target group {name} {setting}"), echo))
    }

    pub(super) fn fold(&self, observed: &mut Observed, reply: Reply) {
        if let (TargetGroupWrite::Create { target_group }, Reply::TargetGroup(mut state)) = (self, reply) {
            state.tags.clone_from(&target_group.tags);
            observed.target_groups.insert(state.name.clone(), state);
            return;
        }
        let Some(state) = observed.target_groups.get_mut(self.name()) else {
            return;
        };
        match self {
            TargetGroupWrite::Create { .. } => {}
            TargetGroupWrite::Modify { check, .. } => state.check = check.clone(),
            TargetGroupWrite::ModifyAttributes { attributes, .. } => {
                state.attributes = Some(attributes.clone());
            }
            TargetGroupWrite::Delete { target_group } => {
                observed.target_groups.remove(target_group);
            }
        }
    }
}

impl fmt::Display for TargetGroupWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self {
            TargetGroupWrite::Create { target_group } => {
                write!(
                    f,
                    "create target group {name} checking {}",
                    Checking(&target_group.check)
                )
            }
            TargetGroupWrite::Modify { check, .. } => write!(
                f,
                "set health check of target group {name} to {} every {} s, timeout {} s, {} healthy, {} unhealthy",
                Checking(check),
                check.interval,
                check.timeout,
                check.healthy_threshold,
                check.unhealthy_threshold
            ),
            TargetGroupWrite::ModifyAttributes { attributes, .. } => {
                let delay = attributes.deregistration_delay;
                write!(f, "set deregistration delay of target group {name} to {delay} s")?;
                if let Some(preserve) = attributes.preserve_client_ip {
                    write!(
                        f,
                        ", client addresses {}",
                        if preserve { "kept" } else { "not kept" }
                    )?;
                }
                if let Some(cross_zone) = attributes.cross_zone {
                    write!(f, ", across zones {}", if cross_zone { "on" } else { "off" })?;
                }
                Ok(())
            }
            TargetGroupWrite::Delete { .. } => write!(f, "delete target group {name}"),
        }
    }
}

/// The answer that a health check asks for.
struct Checking<'a>(&'a HealthCheck);

impl fmt::Display for Checking<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.probe {
            Probe::Http { path, success_codes } if success_codes == DEFAULT_SUCCESS_CODES => {
                f.write_str(path)
            }
            Probe::Http { path, success_codes } => write!(f, "{path} for {success_codes}"),
            Probe::Tcp => f.write_str("that the port answers"),
        }
    }
}
