//! Warnings where kubectl's record of what it applied is not what arrived.

use super::Pass;
use crate::api::event::EventReason;
use crate::controller::kubernetes::report::{EventType, Note, NoteReason};
use crate::controller::last_applied::processes_without_value;

impl Pass<'_> {
    /// A Warning for each, once for as long as this process knows the App.
    pub(super) async fn warn_of_processes_without_value(&self) {
        let found = processes_without_value(self.app);
        let known = self.remember(|memory| memory.without_value.clone());
        let note = |name: &String| Note {
            kind: EventType::Warning,
            reason: NoteReason::Event(EventReason::ProcessWithoutValue),
            action: "Build",
            text: format!(
                "processes.{name}: is written without a value, which kubectl apply takes for a process that is to be \
                 removed, and so it is: say what it runs, or leave it out; kubectl apply --server-side refuses it"
            ),
        };
        let news = found.iter().filter(|name| !known.contains(*name)).map(note);
        self.context.publish(self.app, news.collect()).await;
        if found != known {
            self.remember(|memory| memory.without_value = found);
        }
    }
}
