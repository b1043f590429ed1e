//! The room that an App takes within the limits of its namespace, from the moment that it is let in.

use std::collections::BTreeSet;
use std::sync::Arc;

use kube::ResourceExt;

use super::Pass;
use crate::api::platform::Platform;
use crate::controller::memory::app_name;
use crate::desired::has_limits;
use crate::error::Error;
use crate::model::exclusive::Exclusive;
use crate::pass::{Facts, Sibling, Work, check_room};

impl Pass<'_> {
    /// Returns the Apps of the namespace, where they may have to share anything.
    pub(super) fn siblings(&self, platforms: &[Platform], namespace: &str) -> Vec<Arc<Sibling>> {
        if platforms.iter().any(has_limits) {
            self.context.siblings.of(namespace)
        } else {
            Vec::new()
        }
    }

    /// Takes the room that the App grows into, unless passes of others have taken it since this one was begun.
    pub(super) fn take_room(&self, work: &Work, facts: &Facts<'_>) -> Result<(), Error> {
        let is_its = |platform: &&Platform| platform.name_any() == work.record.name;
        let (Some(grown), Some(platform), Some(namespace)) =
            (&work.grown, facts.platforms.iter().find(is_its), &facts.namespace)
        else {
            return Ok(());
        };
        let status = self.remember(|memory| memory.status(self.app));
        let platforms = (platform, facts.platforms);
        let siblings = &self.context.siblings;
        siblings.take(&app_name(self.key), grown, |others| {
            check_room(self.app, status.as_ref(), platforms, namespace, others)
        })
    }

    /// Gives back the room that was taken, if no status says so.
    pub(super) fn leave_room(&self) {
        let app = app_name(self.key);
        if self.context.siblings.leave(&app) {
            let room = Exclusive::Room(app.namespace.to_string());
            self.context.wake_waiting(&BTreeSet::from([room]), Some(self.key));
        }
    }
}
