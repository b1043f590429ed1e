//! Apps that went without the controller: nobody took down what they have in AWS.

use std::sync::Arc;

use kube::runtime::reflector::ObjectRef;
use kube::{Resource, ResourceExt};
use tracing::error;

use super::context::Context;
use super::kubernetes::report::{EventType, Note, NoteReason};
use super::leadership::Scope;
use super::packed::PackedApp;
use crate::api::event::EventReason;

/// Tells the operator, on the Platform, of an App that was removed at once though it is bound to the Platform. That is so
/// where somebody took its finalizer off before it was deleted, and where the API server had begun to delete it in the moment
/// before the controller added the finalizer: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go>,
/// `Delete` looks for finalizers once, and its transaction begins anew if the object has changed.
pub(super) fn tell(app: &PackedApp, context: &Arc<Context>) {
    let Some(platform) = lost_from(app) else {
        return;
    };
    let object = context.caches.platforms.get(&ObjectRef::new(&platform));
    let Some(object) = object.filter(|_| {
        let scope = Scope::of_app(app, &context.caches.platforms);
        context.leases.leads(&scope)
    }) else {
        return;
    };
    let text = format!(
        "App {}/{} was deleted without its finalizer: what it has in AWS runs on, and no App owns it. `kubectl empire orphans` \
         lists it; an App of the same name takes it over",
        app.namespace().unwrap_or_default(),
        app.name_any(),
    );
    error!(platform, "{text}");
    let context = context.clone();
    tokio::spawn(async move {
        let note = Note {
            kind: EventType::Warning,
            reason: NoteReason::Event(EventReason::Orphaned),
            action: "Delete",
            text,
        };
        context.publish(&*object, vec![note]).await;
    });
}

/// Returns the Platform of an App that is gone and was never seen to wait for its finalizer.
fn lost_from(app: &PackedApp) -> Option<String> {
    let waited = app.meta().deletion_timestamp.is_some();
    app.recorded().filter(|_| !waited).map(|record| record.name)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn lost(metadata: &Value) -> Option<String> {
        let record =
            json!({ "name": "staging", "region": "us-east-1", "cluster": "default", "vpcId": "vpc-1" });
        let mut app = json!({
            "apiVersion": "empire.dev/v1alpha1", "kind": "App",
            "metadata": { "name": "acme", "namespace": "shop" },
            "spec": { "image": "registry.example.com/acme:v1", "processes": {} },
        });
        for (field, value) in metadata.as_object().unwrap() {
            app["metadata"][field] = value.clone();
        }
        if metadata.get("annotations").is_some() {
            app["metadata"]["annotations"] = json!({ "empire.dev/platform-record": record.to_string() });
        }
        lost_from(&serde_json::from_value(app).unwrap())
    }

    #[test]
    fn one_that_is_bound_and_never_waited_for_its_finalizer_is_lost() {
        let held = json!({ "annotations": {}, "finalizers": ["empire.dev/controller"] });
        assert_eq!(lost(&held).as_deref(), Some("staging"));
        assert_eq!(lost(&json!({ "annotations": {} })).as_deref(), Some("staging"));
        let waited = json!({ "annotations": {}, "deletionTimestamp": "2026-01-01T00:00:00Z" });
        assert_eq!(lost(&waited), None);
        // Nothing was made for it yet.
        assert_eq!(lost(&json!({})), None);
    }
}
