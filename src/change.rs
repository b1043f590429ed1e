//! A write as data: one change is one call. It speaks in names; only the door (`write`) knows ARNs.
//!
//! One file is one noun: its writes, and of each the text, the operation and the resource in the log, what it rests on, how
//! AWS reports it, and how its reply is folded into what was observed. A change is compared by value, never by its text.

mod basis;
mod listener;
mod load_balancer;
mod log_group;
mod port;
mod record;
mod reply;
mod scaling;
mod schedule;
mod service;
mod tags;
mod target_group;
mod task;
mod task_definition;

use std::collections::BTreeSet;
use std::fmt;

pub use basis::Basis;
pub use listener::ListenerWrite;
pub use load_balancer::LoadBalancerWrite;
pub use log_group::{LogGroupStep, LogGroupWrite};
pub use port::PortWrite;
pub use record::{BatchSize, RecordBatch, makes_nothing, names_of};
pub use reply::{Reply, fold};
pub use scaling::{ScalingStep, ScalingWrite};
pub use schedule::ScheduleWrite;
pub use service::ServiceWrite;
pub use tags::{Tagged, TagsWrite};
pub use target_group::TargetGroupWrite;
pub use task::TaskWrite;
pub use task_definition::Registration;

use crate::model::echo::Echo;
use crate::model::exclusive::Exclusive;
use crate::model::owner::{OWNER_TAG, Tags};
use crate::model::part::Part;
use crate::model::state::Observed;

/// The changes that are not tried again in a pass: they failed in it, or in an earlier one and are backing off.
pub type Deferred = BTreeSet<Change>;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The process that it is for; `None` for a write for several of them.
    pub process: Option<String>,
    pub write: Write,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Write {
    Port(PortWrite),
    LoadBalancer(LoadBalancerWrite),
    TargetGroup(TargetGroupWrite),
    Listener(ListenerWrite),
    TaskDefinition(Registration),
    Service(ServiceWrite),
    Scaling(ScalingWrite),
    Schedule(ScheduleWrite),
    LogGroup(LogGroupWrite),
    Task(TaskWrite),
    Tags(TagsWrite),
    Records(RecordBatch),
}

/// The reason of the Event about a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    Created,
    Updated,
    Deleted,
}

/// Asks each noun.
macro_rules! noun {
    ($write:expr, $noun:pat => $answer:expr) => {
        match $write {
            Write::Port($noun) => $answer,
            Write::LoadBalancer($noun) => $answer,
            Write::TargetGroup($noun) => $answer,
            Write::Listener($noun) => $answer,
            Write::TaskDefinition($noun) => $answer,
            Write::Service($noun) => $answer,
            Write::Scaling($noun) => $answer,
            Write::Schedule($noun) => $answer,
            Write::LogGroup($noun) => $answer,
            Write::Task($noun) => $answer,
            Write::Tags($noun) => $answer,
            Write::Records($noun) => $answer,
        }
    };
}

impl Change {
    pub fn of(process: &str, write: impl Into<Write>) -> Self {
        Change {
            process: Some(process.into()),
            write: write.into(),
        }
    }

    /// Returns the process that the change is for, where it is for one.
    pub fn process(&self) -> Option<&str> {
        self.process.as_deref()
    }

    /// Returns the noun that it writes.
    pub fn noun(&self) -> &'static str {
        match &self.write {
            Write::Port(_) => "port",
            Write::LoadBalancer(_) => "load_balancer",
            Write::TargetGroup(_) => "target_group",
            Write::Listener(_) => "listener",
            Write::TaskDefinition(_) => "task_definition",
            Write::Service(_) => "service",
            Write::Scaling(_) => "scaling",
            Write::Schedule(_) => "schedule",
            Write::LogGroup(_) => "log_group",
            Write::Task(_) => "task",
            Write::Tags(_) => "tags",
            Write::Records(_) => "record",
        }
    }

    /// Returns what the controller's role needs for it besides `deploy/iam-policy.json`, as a hint for who meets a denial.
    pub fn added_policy(&self) -> Option<&'static str> {
        let takes_over = |tags: &Tags| tags.contains_key(OWNER_TAG);
        match &self.write {
            Write::Service(ServiceWrite::Tag { tags, .. }) | Write::Tags(TagsWrite::Add { tags, .. })
                if takes_over(tags) =>
            {
                Some("to take over what has no owner tag, its role needs deploy/iam/adopt.json")
            }
            Write::Service(write) if write.turns_on_exec() => {
                Some("for ECS Exec, its role needs deploy/iam/exec.json")
            }
            Write::Scaling(_) => Part::Scaling.added_policy(),
            Write::LogGroup(_) => Part::LogGroup.added_policy(),
            Write::Records(batch) if batch.has_alias() => {
                Some("where it is the zone's own name, its role needs deploy/iam/zone-names.json")
            }
            Write::TaskDefinition(registration) if registration.is_privileged() => {
                Some("for a privileged container, its role needs deploy/iam/privileged.json")
            }
            Write::Port(_)
            | Write::LoadBalancer(_)
            | Write::TargetGroup(_)
            | Write::Listener(_)
            | Write::TaskDefinition(_)
            | Write::Service(_)
            | Write::Schedule(_)
            | Write::Task(_)
            | Write::Tags(_)
            | Write::Records(_) => None,
        }
    }

    /// Returns true if ECS begins a rollout for it.
    pub fn starts_rollout(&self) -> bool {
        match self.of_service() {
            Some(ServiceWrite::Create { .. }) => true,
            Some(ServiceWrite::Update { rollout, .. }) => rollout.is_some(),
            Some(_) | None => false,
        }
    }

    /// Returns true if it rolls out what is there already, because somebody asked for it or a secret has changed.
    pub fn is_redeploy(&self) -> bool {
        let write = self.of_service();
        matches!(
            write,
            Some(ServiceWrite::Update { update, .. }) if update.redeploy.is_some() || update.secrets.is_some()
        )
    }

    /// Returns true if it sets the count or the range of a service that AWS scales.
    pub fn is_scaling(&self, observed: &Observed) -> bool {
        match &self.write {
            Write::Scaling(write) => matches!(write.step, ScalingStep::SetRange(_)),
            Write::Service(write) => write.scaled(observed).is_some(),
            Write::Port(_)
            | Write::LoadBalancer(_)
            | Write::TargetGroup(_)
            | Write::Listener(_)
            | Write::TaskDefinition(_)
            | Write::Schedule(_)
            | Write::LogGroup(_)
            | Write::Task(_)
            | Write::Tags(_)
            | Write::Records(_) => false,
        }
    }

    fn of_service(&self) -> Option<&ServiceWrite> {
        if let Write::Service(write) = &self.write {
            return Some(write);
        }
        None
    }

    /// Returns the verb of its operation; that of a batch of records goes by what is in it.
    pub fn verb(&self) -> Verb {
        if let Write::Records(batch) = &self.write {
            return batch.verb();
        }
        if let Write::Scaling(write) = &self.write {
            return write.verb();
        }
        if let Write::LogGroup(write) = &self.write {
            return write.verb();
        }
        let operation = self.operation();
        let name = operation.rsplit(':').next().unwrap_or(operation);
        if name.starts_with("Create") || name.starts_with("Register") || name.starts_with("Run") {
            Verb::Created
        } else if name.starts_with("Delete") {
            Verb::Deleted
        } else {
            Verb::Updated
        }
    }

    /// Names the operation as IAM does, such as `ecs:CreateService`. Kubernetes' own have the prefix `kubernetes:`.
    pub fn operation(&self) -> &'static str {
        noun!(&self.write, noun => noun.operation())
    }

    /// Returns the name of what is written, as AWS or Kubernetes knows it. A batch has several.
    pub fn resource(&self) -> String {
        noun!(&self.write, noun => noun.resource())
    }

    /// Returns the names, ports and resources that may be another's after it.
    pub fn releases(&self) -> Vec<Exclusive> {
        let deletes = self.verb() == Verb::Deleted;
        match &self.write {
            Write::Port(write) if deletes => vec![Exclusive::HostPort(write.claim().owner.platform.clone())],
            Write::LoadBalancer(write) if deletes => vec![Exclusive::LoadBalancer(write.name().clone())],
            Write::TargetGroup(write) if deletes => vec![Exclusive::TargetGroup(write.name().clone())],
            Write::Listener(write) => write.releases(),
            Write::Service(write) => write.releases(),
            Write::Tags(write) => write.releases(),
            Write::Records(batch) => batch.releases(),
            Write::Scaling(write) => write.releases(),
            Write::Schedule(write) => write.releases(),
            Write::LogGroup(write) => write.releases(),
            Write::Port(_)
            | Write::LoadBalancer(_)
            | Write::TargetGroup(_)
            | Write::TaskDefinition(_)
            | Write::Task(_) => Vec::new(),
        }
    }

    /// Returns what a change sends, and what there is of it now. `None` for one that creates or deletes something: what is
    /// absent is no echo.
    pub fn echo(&self, observed: &Observed) -> Option<(String, Echo)> {
        match &self.write {
            Write::LoadBalancer(write) => write.echo(observed),
            Write::TargetGroup(write) => write.echo(observed),
            Write::Listener(write) => write.echo(observed),
            Write::Service(write) => write.echo(observed),
            Write::Scaling(write) => write.echo(observed),
            Write::Schedule(write) => write.echo(observed),
            Write::LogGroup(write) => write.echo(observed),
            Write::Tags(write) => write.echo(observed),
            Write::Records(batch) => batch.echo(observed),
            Write::Port(_) | Write::TaskDefinition(_) | Write::Task(_) => None,
        }
    }
}

/// One line that a person can judge; values of environment variables never appear.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        noun!(&self.write, noun => noun.fmt(f))
    }
}

impl From<PortWrite> for Change {
    fn from(write: PortWrite) -> Self {
        Change {
            process: Some(write.claim().owner.process.clone()),
            write: Write::Port(write),
        }
    }
}

impl From<TagsWrite> for Change {
    fn from(write: TagsWrite) -> Self {
        Change {
            process: None,
            write: Write::Tags(write),
        }
    }
}

impl From<RecordBatch> for Change {
    fn from(batch: RecordBatch) -> Self {
        Change {
            process: None,
            write: Write::Records(batch),
        }
    }
}

macro_rules! into_write {
    ($($noun:ident($write:ident)),*) => {
        $(impl From<$write> for Write {
            fn from(write: $write) -> Self {
                Write::$noun(write)
            }
        })*
    };
}

into_write!(
    LoadBalancer(LoadBalancerWrite),
    TargetGroup(TargetGroupWrite),
    Listener(ListenerWrite),
    TaskDefinition(Registration),
    Service(ServiceWrite),
    Scaling(ScalingWrite),
    Schedule(ScheduleWrite),
    Task(TaskWrite)
);

#[cfg(test)]
mod tests;
