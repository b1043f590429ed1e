//! Manifests for tests, as users write them.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a manifest is written where it is used"
)]

use serde_json::{Value, json};

use crate::api::app::App;
use crate::api::platform::Platform;
use crate::desired::{self, Built, NamespaceLabels};
use crate::error::Error;
use crate::model::owner::{AppName, Owner};
use crate::model::secret::Secrets;
use crate::model::service::TaskDefinition;

/// App `shop/acme` with these processes.
pub(crate) fn app(processes: Value) -> App {
    app_with(json!({ "spec": { "processes": processes } }))
}

/// App `shop/acme` without processes, patched.
pub(crate) fn app_with(patch: Value) -> App {
    let mut app = json!({
        "apiVersion": "empire.dev/v1alpha1",
        "kind": "App",
        "metadata": { "name": "acme", "namespace": "shop", "uid": "uid-of-acme", "generation": 3 },
        "spec": { "image": "registry.example/acme:v42", "processes": {} },
    });
    merge(&mut app, patch);
    serde_json::from_value(app).unwrap()
}

/// Platform `staging`: bridge with dynamic host ports, and zones `corp.example` and `example.com`; its spec patched.
pub(crate) fn platform(spec: Value) -> Platform {
    platform_with(json!({ "spec": spec }))
}

pub(crate) fn platform_with(patch: Value) -> Platform {
    let mut platform = json!({
        "apiVersion": "empire.dev/v1alpha1",
        "kind": "Platform",
        "metadata": { "name": "staging", "generation": 5 },
        "spec": {
            "region": "eu-west-9",
            "cluster": "cluster-3",
            "network": {
                "vpcId": "vpc-7",
                "mode": "bridge",
                "internal": { "subnets": ["subnet-i2", "subnet-i1"], "securityGroups": ["sg-internal"] },
                "external": { "subnets": ["subnet-e1", "subnet-e2"], "securityGroups": ["sg-external"] },
            },
            "dns": {
                "internal": { "hostedZoneId": "Z-INTERNAL" },
                "external": { "hostedZoneId": "Z-EXTERNAL" },
            },
        },
        "status": {
            "observedGeneration": 5,
            "zones": { "internal": "corp.example", "external": "example.com" },
        },
    });
    merge(&mut platform, patch);
    serde_json::from_value(platform).unwrap()
}

pub(crate) fn owner() -> Owner {
    Owner {
        installation: "installation-1".into(),
        app: AppName {
            namespace: "shop".into(),
            name: "acme".into(),
        },
    }
}

/// The labels of namespace `shop`.
pub(crate) fn namespace() -> NamespaceLabels {
    [("kubernetes.io/metadata.name", "shop"), ("team", "retail")]
        .map(|(key, value)| (key.into(), value.into()))
        .into()
}

/// Builds what an App means whose secrets nobody has asked for.
pub(crate) fn build(
    app: &App,
    platform: &Platform,
    owner: &Owner,
    namespace: &NamespaceLabels,
) -> Result<Built, Error> {
    desired::build(app, platform, owner, namespace, &Secrets::default())
}

/// The same, also of what it may not ask for.
pub(crate) fn build_unchecked(app: &App, platform: &Platform, owner: &Owner) -> Result<Built, Error> {
    desired::build_unchecked(app, platform, owner, &Secrets::default())
}

/// Returns the task definition of process `api` on a Platform of this spec, or why there is none.
pub(crate) fn task_definition(app: &App, spec: Value) -> Result<TaskDefinition, String> {
    let built = build(app, &platform(spec), &owner(), &namespace());
    let mut built = built.map_err(|error| error.to_string())?;
    Ok(built.desired.processes.remove("api").unwrap().task_definition)
}

/// A JSON merge patch: `null` takes a field away.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let target = target.as_object_mut().unwrap();
    for (key, value) in patch {
        if value.is_null() {
            target.remove(&key);
        } else {
            merge(target.entry(key).or_insert(Value::Null), value);
        }
    }
}
