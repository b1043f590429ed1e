//! The choice of an App in a file, and the live App after an edit.

use serde_json::json;

use super::*;

const TWO: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: acme}
---
apiVersion: empire.dev/v1alpha1
kind: App
metadata: {name: acme}
spec: {image: a}
---
apiVersion: v1
kind: List
items:
- apiVersion: empire.dev/v1alpha1
  kind: App
  metadata: {name: other}
- {apiVersion: apps/v1, kind: Deployment}
";

fn found(manifest: &str, name: Option<&str>) -> Result<String, String> {
    find(manifest.as_bytes(), name).map(|app| app.name_any())
}

#[test]
fn the_app_of_a_manifest_is_found_among_other_documents() {
    let one =
        "{\"apiVersion\": \"empire.dev/v1alpha1\", \"kind\": \"App\", \"metadata\": {\"name\": \"acme\"}}";
    assert_eq!(found(one, None).unwrap(), "acme");
    assert_eq!(found(TWO, Some("acme")).unwrap(), "acme");
    assert_eq!(found(TWO, Some("other")).unwrap(), "other");
}

#[test]
fn a_manifest_without_just_one_app_is_refused() {
    let check = |manifest: &str, name, says: &str| {
        let message = found(manifest, name).unwrap_err();
        assert!(message.contains(says), "{message}");
    };
    check(TWO, None, "several Apps; name one of acme, other");
    check(TWO, Some("third"), "no App of empire.dev/v1alpha1 named third");
    check("", None, "holds no App");
    check("kind: App", None, "holds no App");
    check("{a: [}", None, "no YAML");
    check(&" ".repeat(MANIFEST_LIMIT + 1), None, "more than 3145728 bytes");
    assert!(find(b"\xff", None).unwrap_err().contains("no text"));
}

#[test]
fn an_edit_replaces_the_spec_and_adds_to_the_annotations() {
    let object = |value: Value| serde_json::from_value::<DynamicObject>(value).unwrap();
    let kind = json!({ "apiVersion": "empire.dev/v1alpha1", "kind": "App" });
    let with = |more: Value| {
        let mut value = kind.clone();
        value
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        object(value)
    };
    let live = with(json!({
        "metadata": { "name": "acme", "uid": "u-1", "annotations": { "record": "r", "redeploy": "1" } },
        "spec": { "image": "a", "suspend": true },
        "status": { "observedGeneration": 3 },
    }));
    let manifest = with(json!({
        "metadata": { "name": "acme", "annotations": { "redeploy": "2" } },
        "spec": { "image": "b" },
        "status": { "observedGeneration": 9 },
    }));
    let expected = with(json!({
        "metadata": {
            "name": "acme", "uid": "u-1", "annotations": { "record": "r", "redeploy": "2" }, "labels": {},
        },
        "spec": { "image": "b" },
        "status": { "observedGeneration": 3 },
    }));
    assert_eq!(edited(live, manifest), expected);
}
