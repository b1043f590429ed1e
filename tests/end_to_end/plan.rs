//! `empire-controller plan`, as a developer runs it: it says beforehand what the controller then does, and does nothing.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::manifests::{app, merge};
use super::place::{Cloud, Place};
use crate::support::kubectl::Kubectl;

/// Exit status, standard output and standard error.
type Printed = (i32, String, String);

/// Runs the command in the test's namespace, as some user, and holds it to writing nothing to AWS.
fn plan(place: &Place, kubeconfig: &Path, arguments: &[&str], manifest: &Value) -> Printed {
    place.proxy.take_writes();
    let mut process = Command::new(env!("CARGO_BIN_EXE_empire-controller"))
        .args(["plan", "--namespace", &place.name])
        .args(arguments)
        .env("KUBECONFIG", kubeconfig)
        .env("AWS_ACCESS_KEY_ID", "testing")
        .env("AWS_SECRET_ACCESS_KEY", "testing")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = process.stdin.take().unwrap();
    // Whoever does not read it has its reasons.
    let _ = stdin.write_all(manifest.to_string().as_bytes());
    drop(stdin);
    let output = process.wait_with_output().unwrap();
    assert_eq!(place.proxy.take_writes(), [""; 0], "{arguments:?}");
    let [printed, complaint] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.code().unwrap(), printed, complaint)
}

/// A user who may look at everything and change nothing.
fn viewer(place: &Place) -> PathBuf {
    let name = &place.name;
    place.kubectl(&["create", "serviceaccount", "viewer"]);
    let binding = format!("{name}-viewer");
    let account = format!("--serviceaccount={name}:viewer");
    place.kubectl(&[
        "create",
        "clusterrolebinding",
        &binding,
        "--clusterrole=view",
        &account,
    ]);
    let kubeconfig = place
        .kubectl
        .kubeconfig
        .with_file_name(format!("{name}.kubeconfig"));
    std::fs::copy(&place.kubectl.kubeconfig, &kubeconfig).unwrap();
    let token = place.kubectl(&["create", "token", "viewer"]);
    let own = Kubectl {
        kubeconfig: kubeconfig.clone(),
        ..place.kubectl.clone()
    };
    own.run(
        &[
            "config",
            "set-credentials",
            "viewer",
            &format!("--token={}", token.trim()),
        ],
        "",
    )
    .unwrap();
    own.run(&["config", "set-context", "--current", "--user=viewer"], "")
        .unwrap();
    kubeconfig
}

fn version(place: &Place) -> String {
    place.kubectl(&[
        "get",
        "app",
        "acme",
        "--output=jsonpath={.metadata.resourceVersion}",
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_what_is_done_and_does_nothing() {
    let place = Place::new(Cloud::Ministack, "plan-ministack", "ap-southeast-1").await;
    let user = place.kubectl.kubeconfig.clone();
    let mut acme = app("acme");
    merge(&mut acme, &json!({ "spec": { "platform": place.name } }));

    let (status, printed, complaint) = plan(&place, &user, &["-f", "-"], &acme);
    assert_eq!((status, complaint.as_str()), (2, ""), "{printed}");
    let heading = format!("App {0}/acme on Platform {0}\n", place.name);
    assert!(printed.starts_with(&heading), "{printed}");
    assert!(
        printed.contains("\n  + create internet-facing application load balancer e-acme-web-"),
        "{printed}"
    );
    assert!(
        printed.contains("\n  … web: waiting for the rollout of service "),
        "{printed}"
    );
    assert!(
        printed.ends_with("\nPlan: 9 to create, 1 to update, 0 to delete.\n"),
        "{printed}"
    );
    assert_eq!(place.kubectl(&["get", "apps.empire.dev", "--output=name"]), "");

    comes_true(&place, &user, &acme);
    for arguments in [&["-f", "-"][..], &["acme"]] {
        let (status, printed, complaint) = plan(&place, &user, arguments, &acme);
        assert_eq!((status, complaint.as_str()), (0, ""), "{printed}");
        assert!(printed.ends_with("\nPlan: nothing to do.\n"), "{printed}");
    }

    // A load balancer is replaced, in several steps; a process goes and another one comes.
    let edit = json!({
        "web": { "expose": { "external": false } },
        "worker": null,
        "mailer": { "command": "./bin/mailer" },
    });
    merge(&mut acme, &json!({ "spec": { "processes": edit } }));
    let before = version(&place);
    comes_true(&place, &user, &acme);
    assert_ne!(version(&place), before, "it was applied");

    let before = version(&place);
    let (status, printed, _) = plan(&place, &user, &["acme", "--delete"], &json!(null));
    assert_eq!(status, 2, "{printed}");
    assert!(printed.contains("\n  - delete service "), "{printed}");
    assert!(
        printed.ends_with("\nPlan: 0 to create, 0 to update, 5 to delete.\n"),
        "{printed}"
    );
    assert_eq!(version(&place), before);

    merge(
        &mut acme,
        &json!({ "spec": { "image": "registry.example.com/acme:v2" } }),
    );
    let viewer = viewer(&place);
    let (status, printed, complaint) = plan(&place, &viewer, &["-f", "-"], &acme);
    assert_eq!(status, 2, "{complaint}");
    assert!(
        printed.ends_with("\nPlan: 2 to create, 2 to update, 0 to delete.\n"),
        "{printed}"
    );
    let warning = "empire-controller: warning: the API server was not asked whether the manifest is valid: ";
    assert!(complaint.starts_with(warning), "{complaint}");
    assert_eq!(version(&place), before);
    place.delete("acme");
}

/// Every kind of process at once, and the first thing that a newcomer sees.
#[tokio::test(flavor = "multi_thread")]
async fn the_example_is_done_as_it_is_planned() {
    let roles = json!({ "tasks": { "schedulerRoleArn": "arn:aws:iam::123456789012:role/scheduler" } });
    let place = Place::with(Cloud::Ministack, "plan-example", "ap-northeast-2", roles).await;
    let user = place.kubectl.kubeconfig.clone();
    let example = include_str!("../../deploy/examples/app.yaml");
    let mut example: Value = serde_saphyr::from_str(example).unwrap();
    merge(&mut example, &json!({ "spec": { "platform": place.name } }));
    let (status, printed, complaint) = plan(&place, &user, &["-f", "-"], &example);
    assert_eq!((status, complaint.as_str()), (2, ""), "{printed}");
    for process in ["console", "grpc", "nightly", "web", "worker"] {
        assert!(
            printed.contains(&format!("\n{process}\n")),
            "{process}: {printed}"
        );
    }
    comes_true(&place, &user, &example);
    let (status, printed, _) = plan(&place, &user, &["acme"], &json!(null));
    assert_eq!(status, 0, "{printed}");
    let (_, planned, _) = plan(&place, &user, &["acme", "--delete", "-o", "json"], &json!(null));
    let planned: Value = serde_json::from_str(&planned).unwrap();
    assert_eq!(planned["deleting"], true);
    let writes = place.delete("acme");
    assert_eq!(
        planned["summary"]["delete"],
        writes.len(),
        "{planned:#}\n{writes:#?}"
    );
}

/// Planned, applied, and done as it was planned: as many writes, and not one more.
fn comes_true(place: &Place, user: &Path, acme: &Value) {
    let (status, printed, _) = plan(place, user, &["-f", "-", "-o", "json"], acme);
    assert_eq!(status, 2);
    let planned: Value = serde_json::from_str(&printed).unwrap();
    let steps = planned["steps"].as_array().unwrap();
    let changes = steps.iter().flat_map(|step| step["changes"].as_array().unwrap());
    let changes: Vec<&Value> = changes.collect();
    let summary = &planned["summary"];
    let counted = ["create", "update", "delete"].map(|action| summary[action].as_u64().unwrap());
    assert_eq!(counted.iter().sum::<u64>(), changes.len() as u64);
    let writes = place.converge(acme);
    assert_eq!(writes.len(), changes.len(), "{changes:#?}\n{writes:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_cannot_be_made_says_why_and_ends_with_1() {
    let place = Place::new(Cloud::Ministack, "plan-refused", "ap-southeast-2").await;
    let user = place.kubectl.kubeconfig.clone();
    let refused = |patch: Value, arguments: &[&str], says: &[&str]| {
        let mut acme = app("acme");
        merge(&mut acme, &json!({ "spec": { "platform": place.name } }));
        merge(&mut acme, &patch);
        let (status, printed, complaint) = plan(&place, &user, arguments, &acme);
        assert_eq!((status, printed.as_str()), (1, ""), "{patch}: {complaint}");
        assert!(
            says.iter().all(|says| complaint.contains(says)),
            "{patch}: {complaint}"
        );
    };
    let file = &["-f", "-"][..];
    let worker = |worker: Value| json!({ "spec": { "processes": { "worker": worker } } });
    // What the API server refuses, in its words.
    refused(
        worker(json!({ "quantity": -1 })),
        file,
        &["spec.processes.worker.quantity"],
    );
    refused(
        worker(json!({ "quantty": 1 })),
        file,
        &["unknown field", "spec.processes.worker.quantty"],
    );
    // What only the controller can judge.
    refused(
        worker(json!({ "command": "sh -c 'oops" })),
        file,
        &["worker", "command"],
    );
    let elsewhere = json!({ "spec": { "platform": "nowhere" } });
    refused(
        elsewhere,
        file,
        &["PlatformNotFound: there is no Platform nowhere"],
    );
    // What is given to the command.
    refused(
        json!({ "kind": "Application" }),
        file,
        &["no App of empire.dev/v1alpha1"],
    );
    refused(
        json!({ "metadata": { "namespace": "default" } }),
        file,
        &["--namespace says plan-refused"],
    );
    refused(
        json!({}),
        &["acme"],
        &["there is no App acme in namespace plan-refused"],
    );
    refused(json!({}), &["-f", "/nonexistent"], &["/nonexistent"]);
    refused(json!({}), &[], &["Usage: empire-controller plan"]);
    refused(json!({}), &["acme", "--colour"], &["--colour"]);
}
