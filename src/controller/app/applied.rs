//! Warnings where kubectl's record of what it applied is not what arrived.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Pass;
use crate::api::app::App;
use crate::api::event::EventReason;
use crate::controller::report::{self, EventType, Note, NoteReason};

/// <https://kubernetes.io/docs/reference/labels-annotations-taints/#kubectl-kubernetes-io-last-applied-configuration>
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The processes that a manifest names without a value (`web:`). To client-side apply that means to remove them; the API
/// server never sees their names, so only the annotation that kubectl leaves behind can tell.
fn processes_without_value(app: &App) -> BTreeSet<String> {
    let annotations = app.metadata.annotations.as_ref();
    let applied = annotations.and_then(|all| all.get(LAST_APPLIED));
    let applied: Option<Value> = applied.and_then(|text| serde_json::from_str(text).ok());
    let processes = applied
        .as_ref()
        .and_then(|applied| applied.pointer("/spec/processes")?.as_object());
    let written = processes.into_iter().flatten();
    written
        .filter(|(name, value)| value.is_null() && !app.spec.processes.contains_key(*name))
        .map(|(name, _)| name.clone())
        .collect()
}

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
        report::publish(&self.context.client, self.app, news.collect()).await;
        if found != known {
            self.remember(|memory| memory.without_value = found);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::desired::fixtures::app_with;

    #[test]
    fn processes_that_were_written_without_a_value_are_known_by_what_kubectl_left() {
        let check = |applied: &str, expected: &[&str]| {
            let app = app_with(json!({
                "metadata": { "annotations": { LAST_APPLIED: applied } },
                "spec": { "processes": { "web": { "command": "./bin/web" } } },
            }));
            let found: Vec<String> = processes_without_value(&app).into_iter().collect();
            assert_eq!(found, expected, "{applied}");
        };
        check(
            "{\"spec\":{\"processes\":{\"web\":{},\"worker\":null}}}",
            &["worker"],
        );
        check("{\"spec\":{\"processes\":{\"b\":null,\"a\":null}}}", &["a", "b"]);
        // Somebody gave it a value since, by other means.
        check("{\"spec\":{\"processes\":{\"web\":null}}}", &[]);
        check("{\"spec\":{\"processes\":{\"worker\":{}}}}", &[]);
        for odd in [
            "",
            "{}",
            "null",
            "{\"spec\":null}",
            "{\"spec\":{\"processes\":[null]}}",
            "{\"spec\":{\"processes\":null}}",
        ] {
            check(odd, &[]);
        }
    }
}
