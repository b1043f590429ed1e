//! Things that are not ready yet: a pass waits for them by coming again, and reads only them then.

use std::fmt;

/// Something that comes about by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pending {
    /// A rollout, or a scaling, that is not complete.
    Rollout { process: String, service: String },
    /// A deleted service that ECS still winds down.
    Draining { process: String, service: String },
    /// A load balancer that is not active yet.
    Provisioning { process: String, load_balancer: String },
    /// A load balancer that nothing names any more: resolvers may still send clients to it.
    Retiring {
        process: String,
        load_balancer: String,
        /// The process stops being exposed, and other changes of its task definition wait until it has.
        edits_wait: bool,
    },
    /// A network load balancer leaves an availability zone, to come back to it in another subnet.
    ZoneChange { process: String, load_balancer: String },
    /// Ports in use by our services are being claimed for them.
    PortRecovery { process: String },
    /// A schedule group that somebody deletes, and that must be gone before it can be made again.
    GroupDeletion { process: String, group: String },
    /// Names that wait until their load balancer serves.
    Names { process: String, load_balancer: String },
    /// A name whose change waits to be sent with others, or is on its way.
    Batch { process: String, name: String },
}

/// Ends a message about a process that cannot change before it is not exposed any more.
pub const EDITS_FOLLOW: &str = "the other changes of the process follow then";

impl Pending {
    pub fn process(&self) -> &str {
        match self {
            Pending::Rollout { process, .. }
            | Pending::Draining { process, .. }
            | Pending::Provisioning { process, .. }
            | Pending::ZoneChange { process, .. }
            | Pending::Retiring { process, .. }
            | Pending::PortRecovery { process }
            | Pending::GroupDeletion { process, .. }
            | Pending::Names { process, .. }
            | Pending::Batch { process, .. } => process,
        }
    }
}

impl fmt::Display for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pending::Rollout { service, .. } => write!(f, "waiting for the rollout of service {service}"),
            Pending::Draining { service, .. } => {
                write!(f, "waiting for the deleted service {service} to drain")
            }
            Pending::Provisioning { load_balancer, .. } => {
                write!(f, "waiting for load balancer {load_balancer} to become active")
            }
            Pending::Retiring {
                load_balancer,
                edits_wait,
                ..
            } => {
                write!(
                    f,
                    "waiting until no resolver can still name load balancer {load_balancer}"
                )?;
                if *edits_wait {
                    write!(f, "; {EDITS_FOLLOW}")?;
                }
                Ok(())
            }
            Pending::ZoneChange { load_balancer, .. } => write!(
                f,
                "waiting for load balancer {load_balancer} to leave an availability zone, for another subnet of that zone"
            ),
            Pending::PortRecovery { .. } => f.write_str("waiting for the host ports in use to be claimed"),
            Pending::GroupDeletion { group, .. } => {
                write!(f, "waiting for schedule group {group} to finish deleting")
            }
            Pending::Batch { name, .. } => write!(f, "waiting for the DNS name {name} to be changed"),
            Pending::Names { load_balancer, .. } => {
                write!(
                    f,
                    "waiting for load balancer {load_balancer} to serve before names point to it"
                )
            }
        }
    }
}
