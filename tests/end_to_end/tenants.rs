//! Tenancy: who may run Apps on a Platform, with which roles and secrets; and Platforms in accounts of their own.

use aws_sdk_ecs::types::TaskDefinition;
use serde_json::{Value, json};

use super::aws::Seen;
use super::manifests::{app, merge};
use super::place::{Cloud, Place};

const ROLE: &str = "arn:aws:iam::123456789012:role/apps/acme";
const SECRET: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop/token-a1b2c3";

fn secretive() -> Value {
    let mut acme = app("acme");
    let worker = json!({ "ulimits": { "nproc": 512 }, "stopTimeout": "45s", "readOnlyRootFilesystem": true });
    merge(
        &mut acme,
        &json!({ "spec": {
            "secrets": { "TOKEN": SECRET }, "taskRoleArn": ROLE, "processes": { "worker": worker },
        }}),
    );
    acme
}

async fn definition(place: &Place, process: &str) -> TaskDefinition {
    let services = place.aws.services().await;
    let mut services = services.iter();
    let service = services.find(|service| service.service_name().unwrap().ends_with(process));
    let described = place.aws.ecs.describe_task_definition();
    let described = described
        .task_definition(service.unwrap().task_definition().unwrap())
        .send()
        .await
        .unwrap();
    described.task_definition().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_is_let_in_and_shut_out_and_what_runs_goes_on() {
    let tenancy = json!({
        "tasks": { "executionRoleArn": "arn:aws:iam::123456789012:role/ecs-execution" },
        "tenancy": {
            "namespaceSelector": { "matchLabels": { "team": "retail" } },
            "taskRoleArns": ["arn:aws:iam::123456789012:role/apps/*"],
            "secretArns": ["arn:aws:secretsmanager:us-east-1:123456789012:secret:shop/*"],
        },
    });
    let place = Place::with(Cloud::Ministack, "tenants", "me-south-1", tenancy).await;
    place.apply(&secretive());
    let message = place.condition("acme", "Stalled", "NotAllowed").await;
    assert!(message.contains("namespaceSelector"), "{message}");

    place.kubectl(&["label", "namespace", &place.name, "team=retail"]);
    place.wait("app", "acme", "condition=Ready");
    let worker = definition(&place, "worker").await;
    assert_eq!(worker.task_role_arn(), Some(ROLE));
    let container = &worker.container_definitions()[0];
    let secrets = container.secrets().iter();
    let secrets: Vec<_> = secrets.map(|s| (s.name(), s.value_from())).collect();
    assert_eq!(secrets, [("TOKEN", SECRET)]);
    assert_eq!(container.ulimits()[0].hard_limit(), 512);
    assert_eq!(container.stop_timeout(), Some(45));
    assert_eq!(container.readonly_root_filesystem(), Some(true));
    place.proxy.take_writes();
    place.looked_at_again().await;
    assert_eq!(place.proxy.take_writes(), [""; 0], "nothing changed");

    let before = place.aws.see().await;
    place.kubectl(&["label", "namespace", &place.name, "team-"]);
    let mut edited = secretive();
    merge(
        &mut edited,
        &json!({ "spec": { "image": "registry.example.com/acme:v2" } }),
    );
    place.apply(&edited);
    place.condition("acme", "Stalled", "NotAllowed").await;
    assert_eq!(place.proxy.take_writes(), [""; 0], "shut out");
    assert_eq!(place.aws.see().await, before);
    place.delete("acme");
    assert_eq!(place.aws.see().await, Seen::default());
}

/// moto has an account for each role that is assumed.
#[tokio::test(flavor = "multi_thread")]
async fn a_platform_is_in_the_account_of_its_role() {
    let role = "arn:aws:iam::222222222222:role/empire";
    let place = Place::in_account_of(Cloud::Moto, "accounts", "eu-central-1", role).await;
    place.converge(&app("acme"));
    let seen = place.aws.see().await;
    assert_eq!(seen.services.len(), 2);
    for service in place.aws.services().await {
        assert!(service.service_arn().unwrap().contains(":222222222222:"));
    }
    let record = place.kubectl(&["get", "app", "acme", "-o", "jsonpath={.status.platform.account}"]);
    assert_eq!(record, "222222222222");

    place.wait("platform", &place.name, "jsonpath={.status.apps}=1");
    let elsewhere = json!({ "spec": { "roleArn": "arn:aws:iam::333333333333:role/empire" } });
    let moved = [
        "patch",
        "platform",
        &place.name,
        "--type=merge",
        "-p",
        &elsewhere.to_string(),
    ];
    let complaint = place.try_kubectl(&moved, "").unwrap_err();
    assert!(complaint.contains("roleArn cannot be changed"), "{complaint}");
    place.delete("acme");
    assert_eq!(place.aws.see().await, Seen::default());
}
