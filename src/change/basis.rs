//! The knowledge that a change may rest on. Lists may be minutes old, and may leave out what is there: what they show is
//! enough to create and to set by, and what they do not show is enough for nothing.

use std::collections::BTreeSet;

use super::{Change, Write};
use crate::model::desired::Desired;
use crate::model::name::family;
use crate::model::named::Named;
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
    /// names away from a load balancer, or needs a complete rollout, rests on reads by name.
    pub fn rests_on(&self, desired: &Desired, observed: &Observed) -> Basis {
        let service = |process: &str| Named::Service(family(&desired.owner.app, process));
        let of_process = self.process().map(service);
        match &self.write {
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
            Write::Task(_) => Basis::singly([Named::ReleaseTask]),
            Write::Tags(write) => write.rests_on(desired, observed),
            Write::Records(batch) => batch.rests_on(desired, service),
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
            Write::Task(_) => vec![Named::ReleaseTask],
            Write::Tags(write) => write.things(),
            Write::Records(batch) => batch.things(),
        }
    }
}

#[cfg(test)]
mod tests;
