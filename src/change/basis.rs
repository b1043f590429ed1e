//! The knowledge that a change may rest on. Lists may be minutes old, and may leave out what is there: what they show is
//! enough to create and to set by, and what they do not show is enough for nothing.

use std::collections::BTreeSet;

use super::{Change, ScheduleWrite, ServiceWrite, TaskWrite, Write};
use crate::model::desired::Desired;
use crate::model::name::family;
use crate::model::named::Named;
use crate::model::part::Part;
use crate::model::service::TaskDefinition;
use crate::model::state::Observed;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Nothing older than the lists of the pass. What was there before was asked for by name where they do not show it.
    Lists,
    /// The newest revision of the family, unless this process registered or read it: every look sees to that.
    NewestRevision,
    /// One read by name of each of these, in the pass, before the change.
    Singly(BTreeSet<Named>),
    /// The same, and of each DNS name that the App is known to have had: none may lead to a load balancer that goes.
    Unnamed(BTreeSet<Named>),
}

impl Basis {
    pub(super) fn singly(things: impl IntoIterator<Item = Named>) -> Self {
        Basis::Singly(things.into_iter().collect())
    }

    /// Returns the same, and one read by name of each of these.
    pub(super) fn with(self, more: impl IntoIterator<Item = Named>) -> Self {
        match self {
            Basis::Lists | Basis::NewestRevision => Basis::singly(more),
            Basis::Singly(things) => Basis::singly(things.into_iter().chain(more)),
            Basis::Unnamed(things) => Basis::unnamed(things.into_iter().chain(more)),
        }
    }

    pub(super) fn unnamed(things: impl IntoIterator<Item = Named>) -> Self {
        Basis::Unnamed(things.into_iter().collect())
    }
}

impl Change {
    /// Returns the knowledge that it rests on: all that deletes, detaches, untags, stops a rollout, releases a port, takes
    /// names away from a load balancer, or needs a complete rollout, rests on reads by name; and so does all that starts tasks
    /// which log to a group.
    pub fn rests_on(&self, desired: &Desired, observed: &Observed) -> Basis {
        let service = |process: &str| Named::Service(family(&desired.owner.app, process));
        let of_process = self.process().map(service);
        let basis = match &self.write {
            Write::Port(write) => write.rests_on(of_process),
            Write::LoadBalancer(write) => write.rests_on(of_process),
            Write::TargetGroup(write) => write.rests_on(of_process),
            Write::Listener(write) => write.rests_on(of_process),
            Write::TaskDefinition(_) => Basis::NewestRevision,
            Write::Service(write) => match write.scaled(observed) {
                Some(things) => write.rests_on(observed).with(things),
                None => write.rests_on(observed),
            },
            Write::Scaling(write) => write.rests_on(),
            Write::Schedule(write) => write.rests_on(of_process),
            Write::LogGroup(write) => write.rests_on(),
            Write::Task(_) => Basis::singly([Named::ReleaseTask]),
            Write::Tags(write) => write.rests_on(desired, observed),
            Write::Records(batch) => batch.rests_on(desired, service),
        };
        match desired
            .log_group
            .as_ref()
            .filter(|_| !observed.is_unread(&Part::LogGroup))
        {
            Some(group)
                if self
                    .content(desired)
                    .is_some_and(|content| content.logs_to(&group.name)) =>
            {
                basis.with([Named::LogGroup(group.name.clone())])
            }
            Some(_) | None => basis,
        }
    }

    /// Returns the content with which it has tasks started, of which ECS starts none without their log group.
    fn content<'a>(&'a self, desired: &'a Desired) -> Option<&'a TaskDefinition> {
        match &self.write {
            Write::TaskDefinition(registration) => Some(&registration.content),
            Write::Service(ServiceWrite::Create { task_definition, .. })
            | Write::Schedule(
                ScheduleWrite::Create { task_definition, .. } | ScheduleWrite::Update { task_definition, .. },
            ) => Some(task_definition),
            Write::Service(ServiceWrite::Update { task_definition, .. }) => task_definition.as_ref(),
            Write::Task(TaskWrite::Run { .. }) => {
                let process = desired.processes.get(self.process()?)?;
                Some(&process.task_definition)
            }
            Write::Port(_)
            | Write::LoadBalancer(_)
            | Write::TargetGroup(_)
            | Write::Listener(_)
            | Write::Service(_)
            | Write::Scaling(_)
            | Write::Schedule(_)
            | Write::LogGroup(_)
            | Write::Task(_)
            | Write::Tags(_)
            | Write::Records(_) => None,
        }
    }

    /// Returns the things that it writes. Its reply is as good as a read of each.
    pub fn things(&self) -> Vec<Named> {
        match &self.write {
            Write::Port(write) => vec![Named::Port(write.claim().port)],
            Write::LoadBalancer(write) => write.things(),
            Write::TargetGroup(write) => vec![Named::TargetGroup(write.name().clone())],
            Write::Listener(write) => write.things(),
            Write::TaskDefinition(_) => Vec::new(),
            Write::Service(write) => vec![Named::Service(write.name().clone())],
            Write::Scaling(write) => write.things(),
            Write::Schedule(write) => write.things(),
            Write::LogGroup(write) => write.things(),
            Write::Task(_) => vec![Named::ReleaseTask],
            Write::Tags(write) => write.things(),
            Write::Records(batch) => batch.things(),
        }
    }
}

#[cfg(test)]
mod tests;
