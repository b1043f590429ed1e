//! Things that are not ready yet: a pass waits for them by coming again, and reads only them then.

use std::fmt;

/// Something that comes about by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pending {
    /// A rollout, or a scaling, that is not complete.
    Rollout { process: String, service: String },
    /// The task of the release phase: to be recorded, to be started, or not at its end. Nothing else goes on before.
    Release { process: String, stage: Stage },
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
    /// A target group that is to go after its load balancer, which was deleted only just now.
    Releasing { process: String, target_group: String },
    /// A network load balancer leaves an availability zone, to come back to it in another subnet.
    ZoneChange { process: String, load_balancer: String },
    /// Ports in use by our services are being claimed for them.
    PortRecovery { process: String },
    /// A schedule group that somebody deletes, and that must be gone before it can be made again.
    GroupDeletion { process: String, group: String },
    /// Names that wait until their load balancer serves.
    Names { process: String, load_balancer: String },
    /// A change of secrets that is to be recorded before tasks are replaced for it.
    SecretChange { process: String },
    /// Something that goes once the names of a zone are known whose list is old: one of them may lead to it.
    OldZone {
        process: String,
        zone: String,
        /// Such as `load balancer l-1`.
        what: String,
    },
    /// A name whose change waits to be sent with others, or is on its way.
    Batch { process: String, name: String },
    /// Changes that wait in line for AWS to take more calls of their kind. A change for several processes has none.
    Budget {
        process: String,
        bucket: String,
        /// The time until then, roughly: as one that is exact is another with every look.
        minutes: u8,
    },
}

/// How far the task of the release phase has come.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The attempt is to be recorded before its task is started; the reason why the one before it did not start, if there is one.
    Record(Option<String>),
    /// It is started, or looked for.
    Start,
    /// ECS reports it so, such as `RUNNING`.
    Going(String),
    /// One of other content has to end first.
    Other,
    /// It is not started any more, and looked for: it may have been a moment before.
    Abandoned,
    Stopping,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stage::Record(None) | Stage::Start => f.write_str("to be started"),
            Stage::Record(Some(why)) => write!(f, "to be started again: {why}"),
            Stage::Going(status) => write!(f, "to succeed, which is {status}"),
            Stage::Other => f.write_str("of the release before to end"),
            Stage::Abandoned => f.write_str("to be found, if it was started after all"),
            Stage::Stopping => f.write_str("to stop"),
        }
    }
}

/// Returns the minutes that a message speaks of, at least as long as the time itself up to an hour.
pub fn rounded(seconds: i64) -> u8 {
    match seconds {
        ..=60 => 1,
        61..=300 => 5,
        301..=900 => 15,
        _ => 60,
    }
}

/// Ends a message about a process that cannot change before it is not exposed any more.
pub const EDITS_FOLLOW: &str = "the other changes of the process follow then";

impl Pending {
    /// True for what is to be recorded before it is done: an attempt of the release phase, or a change of secrets.
    pub fn is_to_record(&self) -> bool {
        matches!(
            self,
            Pending::SecretChange { .. }
                | Pending::Release {
                    stage: Stage::Record(_),
                    ..
                }
        )
    }

    pub fn process(&self) -> &str {
        match self {
            Pending::Rollout { process, .. }
            | Pending::Release { process, .. }
            | Pending::Draining { process, .. }
            | Pending::Provisioning { process, .. }
            | Pending::Releasing { process, .. }
            | Pending::ZoneChange { process, .. }
            | Pending::Retiring { process, .. }
            | Pending::PortRecovery { process }
            | Pending::SecretChange { process }
            | Pending::GroupDeletion { process, .. }
            | Pending::Names { process, .. }
            | Pending::OldZone { process, .. }
            | Pending::Batch { process, .. }
            | Pending::Budget { process, .. } => process,
        }
    }
}

impl fmt::Display for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pending::Rollout { service, .. } => write!(f, "waiting for the rollout of service {service}"),
            Pending::Release { stage, .. } => write!(f, "waiting for the release task {stage}"),
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
            Pending::Releasing { target_group, .. } => {
                write!(
                    f,
                    "waiting for AWS to release target group {target_group} from its load balancer"
                )
            }
            Pending::SecretChange { .. } => f.write_str(
                "waiting for a change of its secrets to be recorded, before its tasks are replaced",
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
            Pending::OldZone { zone, what, .. } => write!(
                f,
                "waiting until the names of hosted zone {zone} can be read before {what} goes"
            ),
            Pending::Budget { bucket, minutes, .. } => write!(
                f,
                "waiting in line for AWS to take more calls of {bucket}, about {minutes} min"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_rounded_so_that_it_seldom_changes() {
        let times = [-5, 0, 60, 61, 300, 301, 900, 901, 100_000];
        assert_eq!(times.map(rounded), [1, 1, 1, 5, 5, 15, 15, 60, 60]);
    }
}
