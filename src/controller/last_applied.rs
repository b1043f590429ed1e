//! The manifest that `kubectl apply` leaves behind on an App.

use std::collections::{BTreeMap, BTreeSet};

use kube::core::ObjectMeta;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use crate::api::app::App;

/// <https://kubernetes.io/docs/reference/labels-annotations-taints/#kubectl-kubernetes-io-last-applied-configuration>
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The processes that a manifest names without a value (`web:`). To client-side apply that means to remove them; the API
/// server never sees their names, so only the annotation that kubectl leaves behind can tell.
pub(super) fn processes_without_value(app: &App) -> BTreeSet<String> {
    let annotations = app.metadata.annotations.as_ref();
    let applied = annotations.and_then(|all| all.get(LAST_APPLIED));
    let mut found = applied.map(|text| nulls(text)).unwrap_or_default();
    found.retain(|name| !app.spec.processes.contains_key(name));
    found
}

fn nulls(applied: &str) -> BTreeSet<String> {
    #[derive(Deserialize)]
    struct Applied {
        spec: Spec,
    }
    #[derive(Deserialize)]
    struct Spec {
        processes: BTreeMap<String, Option<IgnoredAny>>,
    }
    let Ok(applied) = serde_json::from_str::<Applied>(applied) else {
        return BTreeSet::new();
    };
    let processes = applied.spec.processes.into_iter();
    let nulls = processes.filter(|(_, value)| value.is_none());
    nulls.map(|(name, _)| name).collect()
}

/// Takes from an App's metadata, before it is kept in memory, what nobody reads: its managed fields, and of what kubectl left
/// behind all but the processes without a value. Either can be as large as the App.
pub(super) fn compact(metadata: &mut ObjectMeta) {
    metadata.managed_fields = None;
    let Some(annotations) = &mut metadata.annotations else {
        return;
    };
    let applied = annotations.remove(LAST_APPLIED);
    let nulls = applied.map(|text| nulls(&text)).unwrap_or_default();
    if !nulls.is_empty() {
        let processes: Map<String, Value> = nulls.into_iter().map(|name| (name, Value::Null)).collect();
        let applied = json!({ "spec": { "processes": processes } });
        annotations.insert(LAST_APPLIED.into(), applied.to_string());
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
            let mut app = app;
            compact(&mut app.metadata);
            let found: Vec<String> = processes_without_value(&app).into_iter().collect();
            assert_eq!(found, expected, "{applied}, compacted");
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
