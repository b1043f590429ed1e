//! Task definitions.

use std::fmt;

use super::Reply;
use crate::model::counted;
use crate::model::owner::Tags;
use crate::model::service::TaskDefinition;
use crate::model::state::{Observed, TaskDefinitionState};

/// Registers a revision; there is no other write of one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Registration {
    pub content: TaskDefinition,
    pub tags: Tags,
}

#[expect(clippy::unused_self, reason = "asked of every noun")]
impl Registration {
    pub(super) fn operation(&self) -> &'static str {
        "ecs:RegisterTaskDefinition"
    }

    pub(super) fn resource(&self) -> String {
        self.content.family.clone()
    }
}

impl Registration {
    /// The content that was sent counts as registered: a reply in other words would be registered again and again.
    pub(super) fn fold(&self, observed: &mut Observed, reply: Reply) {
        if let Reply::TaskDefinition(state) = reply {
            let state = TaskDefinitionState {
                content: self.content.clone(),
                tags: self.tags.clone(),
                ..state
            };
            observed.task_definitions.insert(state.arn.clone(), state);
        }
    }
}

impl fmt::Display for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (family, content) = (&self.content.family, Content(&self.content));
        write!(f, "register task definition {family} with {content}")
    }
}

/// A task definition in a few words, without the values of its variables.
pub(super) struct Content<'a>(pub &'a TaskDefinition);

impl fmt::Display for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TaskDefinition { main, .. } = self.0;
        write!(f, "{} ({} CPU units, {} MiB", main.image, main.cpu, main.memory)?;
        for port in &main.ports {
            write!(f, ", port {}", port.container_port)?;
            if let Some(host) = port.fixed_host_port() {
                write!(f, " on host port {host}")?;
            }
        }
        write!(f, ", {} variables", main.environment.0.len())?;
        if !main.secrets.is_empty() {
            write!(
                f,
                ", {}",
                counted(u64::try_from(main.secrets.len()).unwrap_or(u64::MAX), "secret")
            )?;
        }
        if let Some(role) = &self.0.task_role_arn {
            write!(f, ", role {role}")?;
        }
        if let Some(limit) = main.process_limit {
            write!(f, ", nproc {limit}")?;
        }
        if let Some(seconds) = main.stop_timeout {
            write!(f, ", stop timeout {seconds} s")?;
        }
        if main.read_only_root_filesystem {
            f.write_str(", read-only root filesystem")?;
        }
        f.write_str(")")
    }
}
