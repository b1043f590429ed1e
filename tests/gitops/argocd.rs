//! What we write for Argo CD, run through Argo CD's own packages: see tests/gitops/argocd/main.go.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use similar_asserts::assert_eq;

use super::ALONE;
use super::manifests::{app, merge};
use super::page::{block, programs, root};
use super::place::{Cloud, Place};

const CUSTOMIZATIONS: &str = "deploy/argocd/resource_customizations";

/// Runs the program and returns what it printed, or else what it complained of.
fn argocd(arguments: &[&Path]) -> Result<String, String> {
    let output = Command::new(programs("argocd").join("argocd"))
        .current_dir(root())
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if output.status.success() {
        Ok(text(output.stdout))
    } else {
        Err(text(output.stderr))
    }
}

#[test]
fn health_and_actions_pass_their_tests_in_upstreams_form() {
    let printed = argocd(&["test".as_ref(), CUSTOMIZATIONS.as_ref()]).unwrap();
    assert_eq!(printed, "22 tests passed\n");
}

#[test]
fn the_config_map_holds_the_same_scripts() {
    let printed = argocd(&["configmap".as_ref(), CUSTOMIZATIONS.as_ref()]).unwrap();
    let path = root().join("deploy/argocd/argocd-cm.yaml");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &printed).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), printed);
}

/// Argo CD's way with server-side apply, which `argocd/apps.yaml` of the page asks for, and its way without.
#[tokio::test(flavor = "multi_thread")]
async fn a_live_app_is_synced_and_its_health_is_told() {
    assert!(block("argocd/apps.yaml").contains("ServerSideApply=true"));
    let _alone = ALONE.lock().await;
    let place = Place::new(Cloud::Ministack, "argocd", "us-west-2").await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, value: &Value| {
        let path = folder.path().join(name);
        fs::write(&path, value.to_string()).unwrap();
        path
    };
    for server_side in [true, false] {
        let name = if server_side { "server" } else { "client" };
        let mut manifest = app(name);
        let tracking = format!("apps:empire.dev/App:{}/{name}", place.name);
        merge(
            &mut manifest,
            &json!({
                "metadata": {
                    "namespace": place.name,
                    "annotations": { "argocd.argoproj.io/tracking-id": tracking },
                },
                "spec": { "platform": place.name },
            }),
        );
        let apply = |manifest: &Value, dry_run: bool| -> Value {
            let mut arguments = vec!["apply", "-f", "-", "-o", "json", "--show-managed-fields"];
            if server_side {
                arguments.extend([
                    "--server-side",
                    "--force-conflicts",
                    "--field-manager=argocd-controller",
                ]);
            }
            if dry_run {
                arguments.push("--dry-run=server");
            }
            let applied = place.try_kubectl(&arguments, &manifest.to_string());
            serde_json::from_str(&applied.unwrap()).unwrap()
        };
        let live = || -> Value {
            let live = place.kubectl(&["get", "app", name, "-o", "json", "--show-managed-fields"]);
            serde_json::from_str(&live).unwrap()
        };
        let health = |live: &Value| {
            let live = file("live.json", live);
            argocd(&["health".as_ref(), CUSTOMIZATIONS.as_ref(), &live]).unwrap()
        };
        // Argo CD compares again when the object has changed meanwhile, as here a status does.
        let compared = |manifest: &Value| loop {
            let before = live();
            let predicted = file("predicted.json", &apply(manifest, true));
            if live()["metadata"]["resourceVersion"] != before["metadata"]["resourceVersion"] {
                continue;
            }
            let (wanted, before) = (file("manifest.json", manifest), file("live.json", &before));
            let mut arguments: Vec<&Path> = vec!["diff".as_ref(), &wanted, &before];
            if server_side {
                arguments.push(&predicted);
            }
            break argocd(&arguments);
        };

        let fresh = apply(&manifest, false);
        assert!(health(&fresh).starts_with("Progressing: Waiting"), "{fresh}");
        place.wait("app", name, "condition=Ready");
        let ready = live();
        assert!(health(&ready).starts_with("Healthy: "), "{ready}");
        let metadata = &ready["metadata"];
        assert!(metadata["finalizers"].is_array() && metadata["annotations"].as_object().unwrap().len() > 1);
        assert_eq!(compared(&manifest), Ok("Synced\n".into()));

        // What the actions do is no difference either, and resuming leaves nothing behind.
        let patches = [
            json!({ "metadata": { "annotations": { "empire.dev/redeploy": "2026-01-01T00:00:00Z" } } }),
            json!({ "spec": { "suspend": true } }),
        ];
        for patch in patches {
            place.kubectl(&["patch", "app", name, "--type=merge", "-p", &patch.to_string()]);
            assert_eq!(compared(&manifest), Ok("Synced\n".into()));
        }
        place
            .eventually("it is Suspended", async || {
                health(&live()).starts_with("Suspended: ").then_some(())
            })
            .await;

        // The comparison is one that can fail.
        merge(
            &mut manifest,
            &json!({ "spec": { "image": "registry.example.com/acme:v2" } }),
        );
        let complaint = compared(&manifest).unwrap_err();
        assert!(complaint.starts_with("OutOfSync"), "{complaint}");
        let resume = json!({ "spec": { "suspend": null } });
        place.kubectl(&["patch", "app", name, "--type=merge", "-p", &resume.to_string()]);
        place.delete(name);
    }
    let platform: Value =
        serde_json::from_str(&place.kubectl(&["get", "platform", &place.name, "-o", "json"])).unwrap();
    let platform = file("platform.json", &platform);
    let printed = argocd(&["health".as_ref(), CUSTOMIZATIONS.as_ref(), &platform]).unwrap();
    assert!(printed.starts_with("Healthy: "), "{printed}");
    // Its AWS ends with this test; a Platform that is left would say so at some time, and other tests count what is written.
    place.kubectl(&["delete", "platform", &place.name, "--timeout=60s"]);
}
