//! Events for Apps whose DNS names others ask for: their own team hears of it, and the one that asks does not hear of them.

use std::collections::BTreeSet;

use tracing::warn;

use super::Pass;
use crate::api::event::EventReason;
use crate::controller::kubernetes::report::{EventType, Note, NoteReason};
use crate::controller::memory::app_key;
use crate::model::owner::AppName;

impl Pass<'_> {
    /// Writes an Event about each App whose name this one asks for, once for each name and whoever asks. The log alone, which is
    /// its operator's, names both.
    pub(super) async fn tell_holders(&self, contested: &BTreeSet<(AppName, String)>) {
        let context = self.context;
        for (holder, name) in contested {
            let key = app_key(holder);
            let Some(object) = context.caches.apps.get(&key) else {
                continue;
            };
            if context.published.is_first_contest(&key.to_string(), name) {
                warn!(app = %self.key, %holder, name, "asks for a DNS name that another App has");
                let note = Note {
                    kind: EventType::Normal,
                    reason: NoteReason::Event(EventReason::NameWanted),
                    action: "Reconcile",
                    text: format!(
                        "an App of another namespace asks for the name {name}, which this App has; it does not get it"
                    ),
                };
                context.publish(&*object, vec![note]).await;
            }
        }
    }
}
