//! The owner id: one that differs from what is recorded makes nothing a second time.

use serde_json::json;

use super::manifests::{app, merge, web_app};
use super::place::{Cloud, Place};
use crate::support::control_plane::ControlPlane;
use crate::support::controller::{Controller, install};
use crate::support::kubectl::Kubectl;

const QUICK: [&str; 2] = ["--resync-interval=1s", "--retire-after=1s"];

fn start(administrator: &Kubectl, flags: &[&str]) -> Controller {
    Controller::start(administrator, &[&QUICK, flags].concat())
}

/// Waits until the Platform refuses to work under an id and returns why.
async fn refusal(place: &Place) -> String {
    let ready = "jsonpath={.status.conditions[?(@.type==\"Ready\")]}";
    let look = async || {
        let ready = place.kubectl(&["get", "platform", &place.name, "-o", ready]);
        let ready: serde_json::Value = serde_json::from_str(&ready).ok()?;
        (ready["reason"] == "OwnerChanged").then(|| ready["message"].as_str().unwrap().to_owned())
    };
    place.eventually("the Platform says OwnerChanged", look).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistyped_owner_id_makes_nothing_a_second_time() {
    let control_plane = ControlPlane::start(false);
    let administrator = &control_plane.kubectl;
    install(administrator);
    let controller = start(administrator, &["--owner-id=blue"]);
    let place = Place::under(administrator, Cloud::Ministack, "owned", "eu-south-2").await;
    place.apply(&place.platform);
    place.converge(&app("acme"));
    let before = place.aws.see().await;
    drop(controller);

    // Refused by what the cluster records, and where that is lost, by what the App records.
    let record = ["--namespace=empire-system", "configmap", "empire-installation"];
    for is_lost in [false, true] {
        if is_lost {
            administrator
                .run(&[&["delete"][..], &record].concat(), "")
                .unwrap();
        }
        let controller = start(administrator, &["--owner-id=bleu"]);
        let message = refusal(&place).await;
        for part in ["is bleu", "--owner-id blue", "--replace-owner-id blue"] {
            assert!(message.contains(part), "{message}");
        }
        assert!(
            !message.contains("--owner-id bleu"),
            "the advice names the typo: {message}"
        );
        place.condition("acme", "Reconciling", "OwnerChanged").await;
        let mut another = web_app("another");
        merge(
            &mut another,
            &json!({ "metadata": { "name": if is_lost { "new" } else { "newer" } } }),
        );
        place.apply(&another);
        let name = another["metadata"]["name"].as_str().unwrap();
        place.condition(name, "Reconciling", "OwnerChanged").await;
        place.kubectl(&["delete", "app", name]);
        assert_eq!(place.proxy.take_writes(), [""; 0]);
        drop(controller);
    }
    // The typo was recorded nowhere.
    let controller = start(administrator, &["--owner-id=blue"]);
    place.wait("platform", &place.name, "condition=Ready");
    place.wait("app", "acme", "condition=Ready");
    place.looked_at_again().await;
    assert_eq!(place.proxy.take_writes(), [""; 0]);
    assert_eq!(place.aws.see().await, before);
    place.delete("acme");
    drop(controller);

    for flags in [
        &["--owner-id=green", "--replace-owner-id=blue"][..],
        &["--owner-id=green"],
    ] {
        let controller = start(administrator, flags);
        place.wait("platform", &place.name, "condition=Ready");
        drop(controller);
    }
    let _controller = start(administrator, &["--owner-id=blue"]);
    assert!(refusal(&place).await.contains("--owner-id green"));
}

/// As records were before they held the owner id.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_without_an_owner_is_completed_and_nothing_is_written_to_aws() {
    let control_plane = ControlPlane::start(false);
    let administrator = &control_plane.kubectl;
    install(administrator);
    let controller = start(administrator, &[]);
    let place = Place::under(administrator, Cloud::Ministack, "completed", "mx-central-1").await;
    place.apply(&place.platform);
    place.converge(&app("acme"));
    drop(controller);
    let annotation = "jsonpath={.metadata.annotations.empire\\.dev/platform-record}";
    let record = || place.kubectl(&["get", "app", "acme", "-o", annotation]);
    let complete = record();
    let mut old: serde_json::Value = serde_json::from_str(&complete).unwrap();
    old.as_object_mut().unwrap().remove("ownerId").unwrap();
    let old = format!("empire.dev/platform-record={old}");
    place.kubectl(&["annotate", "--overwrite", "app", "acme", &old]);
    place.patch_status("acme", &json!({ "platform": { "ownerId": null } }));
    assert!(!record().contains("ownerId"));
    place.proxy.take_writes();

    let _controller = start(administrator, &[]);
    place
        .eventually("the record is complete", async || {
            (record() == complete).then_some(())
        })
        .await;
    place.wait("app", "acme", "condition=Ready");
    assert_eq!(place.proxy.take_writes(), [""; 0]);
}
