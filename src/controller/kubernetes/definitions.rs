//! The custom resource definitions as the API server has them. A field that they lack is dropped from what we write: a
//! status that cannot be stored is memory lost, so nothing is written to AWS before they are brought up to date.

use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{Api, Client, ResourceExt};
use serde_json::Value;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::{error, info, warn};

use super::error::{failed, message_of};
use crate::api;
use crate::error::Error;
use crate::health::{Health, Obstacle};

/// How the health endpoint calls it.
pub(super) const API_SERVER: &str = "API server";
/// A silent API server is noticed, and definitions that were applied are, this often.
const PROBE: Duration = Duration::from_secs(15);
const PATIENCE: Duration = Duration::from_secs(10);
/// Definitions with which nothing was wrong are read again after so many probes.
const SELDOM: u32 = 20;

const APPLY: &str = "apply those of this version: empire-controller crds | kubectl apply --server-side -f -";

/// Looks at the definitions, and says at once what is wrong with them.
pub(in crate::controller) async fn look(client: &Client, health: &Health) -> Result<(), Error> {
    match read(client).await {
        // The controller's role is older than this look, without which it worked before.
        Err(Error::Forbidden { message, .. }) => {
            warn!("the custom resource definitions cannot be compared with this version's: {message}");
        }
        found => {
            note(health, found?);
        }
    }
    Ok(())
}

/// Asks whether the API server answers and whether the definitions are good, until the process ends.
pub(in crate::controller) async fn watch(
    client: &Client,
    health: &Health,
    changed: impl Fn(),
    stopped: impl Future<Output = ()>,
) {
    let probe = async {
        let mut probes = interval(PROBE);
        probes.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut since_read = 0;
        loop {
            probes.tick().await;
            match timeout(PATIENCE, client.apiserver_version()).await {
                // Also one that does not tell us its version has answered.
                Ok(Err(kube::Error::Api(status))) if status.is_forbidden() => health.succeeded(API_SERVER),
                Ok(Ok(_)) => health.succeeded(API_SERVER),
                Ok(Err(error)) => health.failed(API_SERVER, message_of(&error)),
                Err(_) => health.failed(API_SERVER, format!("no reply within {} s", PATIENCE.as_secs())),
            }
            since_read += 1;
            if health.obstacle().is_none() && since_read < SELDOM {
                continue;
            }
            since_read = 0;
            if let Ok(Ok(found)) = timeout(PATIENCE, read(client)).await
                && note(health, found)
            {
                changed();
            }
        }
    };
    futures::pin_mut!(probe, stopped);
    let _: futures::future::Either<_, _> = futures::future::select(probe, stopped).await;
}

/// Says what has changed about the definitions; true if anything has.
fn note(health: &Health, found: Option<Obstacle>) -> bool {
    let message = found.as_ref().map(|obstacle| obstacle.message.clone());
    let changed = health.set_obstacle(found);
    match message {
        Some(message) if changed => error!("{message}; they are looked at again every {} s", PROBE.as_secs()),
        None if changed => info!("the custom resource definitions are this version's"),
        Some(_) | None => {}
    }
    changed
}

/// Reads what is wrong with the definitions.
async fn read(client: &Client) -> Result<Option<Obstacle>, Error> {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let mut pairs = Vec::new();
    for ours in api::definitions() {
        let name = ours.name_any();
        let live = definitions.get_opt(&name).await;
        pairs.push((ours, live.map_err(failed("get the CustomResourceDefinition"))?));
    }
    Ok(compare(&pairs))
}

/// Compares ours with those of the API server.
fn compare(pairs: &[(CustomResourceDefinition, Option<CustomResourceDefinition>)]) -> Option<Obstacle> {
    let missing = pairs.iter().filter(|(_, live)| live.is_none());
    let missing: Vec<String> = missing.map(|(ours, _)| ours.name_any()).collect();
    let lacks = |(ours, live): &(CustomResourceDefinition, Option<CustomResourceDefinition>)| {
        let lacks = lacking(ours, live.as_ref()?);
        let more = match lacks.len() {
            0 | 1 => String::new(),
            many => format!(" and {} more", many - 1),
        };
        Some(format!("{} lacks {}{more}", ours.name_any(), lacks.first()?))
    };
    let older: Vec<String> = pairs.iter().filter_map(lacks).collect();
    let version = env!("CARGO_PKG_VERSION");
    if !missing.is_empty() {
        let missing = missing.join(", ");
        let and_older = if older.is_empty() {
            String::new()
        } else {
            format!(
                "; older than this controller ({version}): {}; nothing is written to AWS",
                older.join(", ")
            )
        };
        return Some(Obstacle {
            message: format!("missing custom resource definitions: {missing}{and_older}; {APPLY}"),
            // What needs them fails by itself. What is there may have to be taken down, or to be kept, in an uninstall.
            stops_writes: !older.is_empty(),
        });
    }
    (!older.is_empty()).then(|| Obstacle {
        message: format!(
            "custom resource definitions older than this controller ({version}): {}; nothing is written to AWS; {APPLY}",
            older.join(", ")
        ),
        stops_writes: true,
    })
}

/// The fields and values of ours that the other does not know.
fn lacking(ours: &CustomResourceDefinition, live: &CustomResourceDefinition) -> Vec<String> {
    let mut lacks = Vec::new();
    for version in &ours.spec.versions {
        let found = live
            .spec
            .versions
            .iter()
            .find(|found| found.name == version.name && found.served);
        let Some(found) = found else {
            lacks.push(format!("version {}", version.name));
            continue;
        };
        let schema = |schema| serde_json::to_value(schema).unwrap_or_default();
        let (ours, live) = (schema(&version.schema), schema(&found.schema));
        compare_schemas(&ours["openAPIV3Schema"], &live["openAPIV3Schema"], "", &mut lacks);
    }
    lacks
}

fn compare_schemas(ours: &Value, live: &Value, path: &str, lacks: &mut Vec<String>) {
    if live["x-kubernetes-preserve-unknown-fields"] == true {
        return;
    }
    for (name, schema) in ours["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        match live["properties"].get(name) {
            None => lacks.push(path),
            Some(live) => compare_schemas(schema, live, &path, lacks),
        }
    }
    for (key, suffix) in [("items", "[]"), ("additionalProperties", "[*]")] {
        if ours[key].is_object() {
            compare_schemas(&ours[key], &live[key], &format!("{path}{suffix}"), lacks);
        }
    }
    if let (Some(ours), Some(live)) = (ours["enum"].as_array(), live["enum"].as_array()) {
        let unknown = ours
            .iter()
            .filter(|value| !value.is_null() && !live.contains(value));
        lacks.extend(unknown.map(|value| format!("{path} {value}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pair = (CustomResourceDefinition, Option<CustomResourceDefinition>);

    /// Ours and the same, one of which was changed as JSON.
    fn pairs(changed: usize, change: impl Fn(&mut Value)) -> Vec<Pair> {
        let pair = |(index, ours): (usize, CustomResourceDefinition)| {
            let mut live = serde_json::to_value(&ours).unwrap();
            if index == changed {
                change(&mut live["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]);
            }
            (ours, Some(serde_json::from_value(live).unwrap()))
        };
        api::definitions().into_iter().enumerate().map(pair).collect()
    }

    fn remove(from: &mut Value, path: &str) {
        let (parent, name) = path.rsplit_once('/').unwrap();
        let parent = from.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        assert!(parent.remove(name).is_some(), "{path}");
    }

    #[test]
    fn the_same_are_good_and_newer_ones_are_too() {
        assert_eq!(compare(&pairs(9, |_| {})), None);
        let newer = pairs(0, |schema| {
            schema["spec"]["properties"]["later"] = serde_json::json!({"type": "string"});
        });
        assert_eq!(compare(&newer), None);
    }

    #[test]
    fn missing_ones_are_named_with_the_command_that_applies_them() {
        let mut pairs = pairs(9, |_| {});
        pairs[1].1 = None;
        let Obstacle {
            message,
            stops_writes,
        } = compare(&pairs).unwrap();
        assert!(!stops_writes);
        assert!(message.contains(": platforms.empire.dev; apply"), "{message}");
        assert!(message.contains("empire-controller crds | kubectl apply --server-side -f -"));
        assert!(!message.contains('\n'));
    }

    /// A new definition is missing wherever an older version ran: that must not excuse what the others lack.
    #[test]
    fn older_ones_stop_writes_also_where_another_is_missing() {
        let mut pairs = pairs(0, |schema| remove(schema, "/status/properties/release"));
        pairs.last_mut().unwrap().1 = None;
        let obstacle = compare(&pairs).unwrap();
        assert!(obstacle.stops_writes);
        assert!(
            obstacle
                .message
                .contains("runs.empire.dev; older than this controller"),
            "{}",
            obstacle.message
        );
        assert!(
            obstacle.message.contains("apps.empire.dev lacks status.release;"),
            "{}",
            obstacle.message
        );
    }

    #[test]
    fn older_ones_are_named_with_what_they_lack() {
        let check = |index, path: &str, expected: &str| {
            let older = compare(&pairs(index, |schema| remove(schema, path)));
            let Obstacle {
                message,
                stops_writes,
            } = older.unwrap();
            assert!(stops_writes && message.contains(expected), "{message}");
        };
        check(0, "/status/properties/url", "apps.empire.dev lacks status.url;");
        check(
            0,
            "/status/properties/processes/items/properties/rollout",
            "apps.empire.dev lacks status.processes[].rollout;",
        );
        check(
            0,
            "/spec/properties/processes/additionalProperties/properties/expose",
            "lacks spec.processes[*].expose;",
        );
        check(
            2,
            "/spec/properties/retained",
            "portallocations.empire.dev lacks spec.retained;",
        );
        check(0, "/status", "lacks status;");
        let fewer = compare(&pairs(0, |schema| {
            schema["spec"]["properties"]["deletionPolicy"]["enum"] = serde_json::json!(["Delete"]);
        }));
        let message = fewer.unwrap().message;
        assert!(
            message.contains("lacks spec.deletionPolicy \"Retain\""),
            "{message}"
        );
    }
}
