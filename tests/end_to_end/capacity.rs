//! Capacity providers, of which AWS says what they are made of. Neither emulator knows Managed Instances, so the proxy
//! answers for AWS there.

use aws_sdk_ecs::types::Compatibility;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::manifests::merge;
use super::place::{Cloud, Place};

const CALL: &str = "DescribeCapacityProviders";

fn worker() -> Value {
    json!({
        "apiVersion": "empire.dev/v1alpha1",
        "kind": "App",
        "metadata": { "name": "acme" },
        "spec": {
            "image": "registry.example.com/acme:v1",
            "processes": { "worker": { "command": "./bin/worker", "quantity": 1 } },
        },
    })
}

/// A Platform on `pool` alone, applied and looked at.
async fn on_pool(name: &str, region: &str, mode: &str) -> Place {
    let mut place = Place::under_shared(Cloud::Ministack, name, region).await;
    let subnets = place.platform["spec"]["network"]["internal"]["subnets"].clone();
    let tasks = (mode == "awsvpc").then(|| json!({ "subnets": subnets }));
    merge(
        &mut place.platform,
        &json!({ "spec": {
            "capacity": { "launchType": null, "capacityProviders": [{ "name": "pool" }] },
            "network": { "mode": mode, "tasks": tasks },
        } }),
    );
    place
}

fn managed() -> Value {
    json!({ "capacityProviders": [{ "name": "pool", "type": "MANAGED_INSTANCES" }], "failures": [] })
}

#[tokio::test(flavor = "multi_thread")]
async fn managed_instances_get_what_they_take_and_no_bridge() {
    let place = on_pool("managed", "ap-south-2", "awsvpc").await;
    place.proxy.answer(CALL, StatusCode::OK, &managed());
    place.apply(&place.platform);
    place.wait("platform", &place.name, "condition=Ready");
    place.wait(
        "platform",
        &place.name,
        "jsonpath={.status.capacityProviders.pool}=ManagedInstances",
    );
    place.converge(&worker());
    let described = place
        .aws
        .ecs
        .describe_task_definition()
        .task_definition("managed_acme_worker")
        .send()
        .await
        .unwrap();
    let definition = described.task_definition().unwrap();
    let kinds = definition.requires_compatibilities();
    assert_eq!(
        kinds.iter().map(Compatibility::as_str).collect::<Vec<_>>(),
        ["MANAGED_INSTANCES"]
    );
    assert_eq!(
        (definition.cpu(), definition.memory()),
        (Some("256"), Some("512"))
    );
    place.looked_at_again().await;
    assert_eq!(place.proxy.take_writes(), [""; 0], "nothing changed");
    place.delete("acme");

    let bridge = on_pool("managed-bridge", "ap-southeast-5", "bridge").await;
    bridge.proxy.answer(CALL, StatusCode::OK, &managed());
    bridge.apply(&bridge.platform);
    bridge.wait("platform", &bridge.name, "condition=Stalled");
    bridge.apply(&worker());
    let message = bridge.condition("acme", "Stalled", "InvalidSpec").await;
    assert!(
        message.contains("network.mode: bridge does not go with capacity provider pool"),
        "{message}"
    );
    assert_eq!(bridge.proxy.take_writes(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_until_it_is_known_what_capacity_is_made_of() {
    let place = on_pool("unknown-pool", "ap-southeast-7", "bridge").await;
    let denied = json!({ "__type": "AccessDeniedException", "message": "not authorized: ecs:DescribeCapacityProviders" });
    place.proxy.answer(CALL, StatusCode::BAD_REQUEST, &denied);
    place.apply(&place.platform);
    place.apply(&worker());
    let message = place.condition("acme", "Reconciling", "AccessDenied").await;
    assert!(
        message.contains("ecs:DescribeCapacityProviders: AccessDeniedException"),
        "{message}"
    );
    // What AWS says may be about what others have, and is for the operator.
    let of_platform = "jsonpath={.status.conditions[?(@.type==\"Ready\")].message}";
    let message = place.kubectl(&["get", "platform", &place.name, "-o", of_platform]);
    assert!(
        message.contains("not authorized: ecs:DescribeCapacityProviders"),
        "{message}"
    );
    assert_eq!(place.proxy.take_writes(), [""; 0]);
    let group = json!({ "capacityProviders": [{ "name": "pool", "autoScalingGroupProvider": {} }] });
    place.proxy.answer(CALL, StatusCode::OK, &group);
    place.kubectl(&["annotate", "platform", &place.name, "looked=again"]);
    place.wait("app", "acme", "condition=Ready");
    place.delete("acme");
}
