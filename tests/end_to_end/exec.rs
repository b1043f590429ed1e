//! ECS Exec: turned on in the emulator by the binary under its role, and what `exec` prints.

use serde_json::json;

use super::manifests::{app, merge};
use super::place::{Cloud, Place, tally};

const ROLE: &str = "arn:aws:iam::123456789012:role/apps/acme";

async fn is_on(place: &Place) -> bool {
    let services = place.aws.services().await;
    let worker = services
        .iter()
        .find(|service| service.service_name().unwrap().ends_with("_worker"));
    worker.unwrap().enable_execute_command()
}

fn status(place: &Place) -> String {
    let path = "jsonpath={.status.processes[?(@.name==\"worker\")].exec}";
    place.kubectl(&["get", "apps.empire.dev", "acme", "-o", path])
}

#[tokio::test(flavor = "multi_thread")]
async fn exec_is_turned_on_without_a_rollout_on_moto() {
    let tenancy = json!({ "namespaceSelector": {}, "taskRoleArns": [ROLE], "exec": true });
    let place = &Place::with(
        Cloud::Moto,
        "exec-moto",
        "ap-southeast-3",
        json!({ "tenancy": tenancy }),
    )
    .await;
    let mut acme = app("acme");
    merge(&mut acme, &json!({ "spec": { "taskRoleArn": ROLE } }));
    place.converge(&acme);
    assert!(!is_on(place).await);
    assert_eq!(place.proxy.take_needs(), [].into());

    merge(
        &mut acme,
        &json!({ "spec": { "processes": { "worker": { "exec": true } } } }),
    );
    let writes = place.converge(&acme);
    assert_eq!(tally(&writes), [("UpdateService", 1)], "{writes:?}");
    assert_eq!(place.proxy.take_needs(), ["exec".to_owned()].into());
    assert!(is_on(place).await);
    assert_eq!(status(place), "NextRollout");

    merge(
        &mut acme,
        &json!({ "metadata": { "annotations": { "empire.dev/redeploy": "1" } } }),
    );
    place.converge(&acme);
    assert_eq!(place.proxy.take_needs(), [].into());
    assert_eq!(status(place), "Enabled");

    merge(
        &mut acme,
        &json!({ "spec": { "processes": { "worker": { "exec": false } } } }),
    );
    let writes = place.converge(&acme);
    assert_eq!(tally(&writes), [("UpdateService", 1)], "{writes:?}");
    assert!(!is_on(place).await);
    assert_eq!(status(place), "");
}
