//! The manifests that the tests apply.

use serde_json::{Value, json};

/// web, external http, twice; and worker, once.
pub(crate) fn app(name: &str) -> Value {
    json!({
        "apiVersion": "empire.dev/v1alpha1",
        "kind": "App",
        "metadata": { "name": name },
        "spec": {
            "image": "registry.example.com/acme:v1",
            "env": { "RAILS_ENV": "production" },
            "processes": {
                "web": {
                    "command": "./bin/web",
                    "quantity": 2,
                    "expose": { "type": "http", "external": true, "check": { "path": "/health" } },
                },
                "worker": { "command": "./bin/worker", "quantity": 1 },
            },
        },
    })
}

/// web alone, which is exposed without saying so.
pub(crate) fn web_app(name: &str) -> Value {
    json!({
        "apiVersion": "empire.dev/v1alpha1",
        "kind": "App",
        "metadata": { "name": name },
        "spec": {
            "image": "registry.example.com/web:v1",
            "processes": { "web": { "command": "./bin/web", "quantity": 1 } },
        },
    })
}

/// With dynamic host ports. `place` is what `deploy/local/emulators/seed` prints. The shortest TTL there is, or replacing would take long.
pub(crate) fn platform(name: &str, place: &Value) -> Value {
    let mut platform = json!({
        "apiVersion": "empire.dev/v1alpha1",
        "kind": "Platform",
        "metadata": { "name": name },
        "spec": {
            "capacity": { "launchType": "EC2" },
            "network": { "mode": "bridge" },
            "loadBalancing": { "provider": "ELBv2" },
            "dns": { "ttlSeconds": 1 },
            "tags": { "cost-center": "42" },
            "tenancy": { "namespaceSelector": {} },
        },
    });
    merge(&mut platform, place);
    platform
}

/// A JSON merge patch.
pub(crate) fn merge(into: &mut Value, patch: &Value) {
    let (Value::Object(into), Value::Object(patch)) = (&mut *into, patch) else {
        *into = patch.clone();
        return;
    };
    for (key, value) in patch {
        if value.is_null() {
            into.remove(key);
        } else {
            merge(into.entry(key).or_insert(Value::Null), value);
        }
    }
}
