//! Secrets by name, in the emulator, which has a Secrets Manager and SSM: their values are there, and the controller asks for none.

use serde_json::{Value, json};

use super::manifests::merge;
use super::place::{Cloud, Place, tally};

const NAME: &str = "shop/database";
const ROLE: &str = "arn:aws:iam::123456789012:role/ecs-execution";

/// What ECS reads for the only process, and the task definition's revision.
async fn given(place: &Place) -> (Option<String>, String) {
    let services = place.aws.services().await;
    let [service] = &*services else {
        panic!("{services:?}")
    };
    let revision = service.task_definition().unwrap().to_owned();
    let described = place
        .aws
        .ecs
        .describe_task_definition()
        .task_definition(&revision);
    let described = described.send().await.unwrap();
    let containers = described.task_definition().unwrap().container_definitions();
    let secret = containers[0].secrets().first();
    (secret.map(|secret| secret.value_from().to_owned()), revision)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_an_arn_and_tasks_are_replaced_once_for_each_rotation_on_ministack() {
    // The emulator has secrets in an account of its own.
    let patterns = ["arn:aws:secretsmanager:*:*:secret:shop/*"];
    let spec = json!({
        "tasks": { "executionRoleArn": ROLE },
        "tenancy": { "namespaceSelector": {}, "secretArns": patterns },
    });
    let place = &Place::with(Cloud::Ministack, "secrets-ministack", "ap-east-1", spec).await;
    let secrets = &place.aws.secrets;
    let mut acme = json!({
        "apiVersion": "empire.dev/v1alpha1",
        "kind": "App",
        "metadata": { "name": "acme" },
        "spec": {
            "image": "registry.example.com/acme:v1",
            "secrets": { "DB": format!("secretsmanager:{NAME}:password") },
            "rollOnChange": true,
            "processes": { "worker": { "command": "./bin/worker" } },
        },
    });
    place.apply(&acme);
    let message = place.condition("acme", "Reconciling", "SecretNotFound").await;
    assert!(
        message.contains("secrets: DB") && message.contains(NAME),
        "{message}"
    );
    assert_eq!(place.aws.services().await.len(), 0);

    let made = secrets
        .create_secret()
        .name(NAME)
        .secret_string("{\"password\":\"a\"}");
    let arn = made.send().await.unwrap().arn().unwrap().to_owned();
    merge(&mut acme, &json!({ "spec": { "env": { "EDITED": "1" } } }));
    let writes = place.converge(&acme);
    assert!(writes.iter().any(|write| write == "CreateService"), "{writes:?}");
    let (value, revision) = given(place).await;
    assert_eq!(value, Some(format!("{arn}:password::")));
    let shown = place.kubectl(&["get", "app", "acme", "-o", "jsonpath={.status.secrets}"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown, json!([{ "name": NAME, "arn": arn }]));
    place.looked_at_again().await;
    assert_eq!(place.proxy.take_writes(), [""; 0]);

    let put = secrets
        .put_secret_value()
        .secret_id(NAME)
        .secret_string("{\"password\":\"b\"}");
    put.send().await.unwrap();
    let mut writes = Vec::new();
    let rolled = async || {
        writes.extend(place.proxy.take_writes());
        (!writes.is_empty()).then_some(())
    };
    place.eventually("the tasks are replaced", rolled).await;
    place.wait("app", "acme", "condition=Ready");
    for _ in 0..3 {
        place.looked_at_again().await;
    }
    writes.extend(place.proxy.take_writes());
    assert_eq!(tally(&writes), [("UpdateService", 1)], "{writes:?}");
    assert_eq!(given(place).await, (value, revision));
    assert_eq!(place.proxy.take_needs(), ["secrets".to_owned()].into());

    place.delete("acme");
    place.proxy.take_needs();
}
