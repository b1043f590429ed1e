//! Commands that edit an App, with the rights that developers have, under both names of the program; and what every command
//! prints as JSON.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::CommandFactory;
use empire_controller::cli::Plugin;
use serde_json::{Value, json};

use super::manifests::{app, merge, web_app};
use super::place::{Cloud, Place};
use super::plugin::{Printed, on_path, printed, tenant};

/// A command as somebody gives it who has a kubeconfig file and credentials of the emulator.
fn given(program: &Path, kubeconfig: &Path, arguments: &[&str]) -> Printed {
    let mut command = Command::new(program);
    command.args(arguments).env("KUBECONFIG", kubeconfig);
    command
        .env("AWS_ACCESS_KEY_ID", "testing")
        .env("AWS_SECRET_ACCESS_KEY", "testing");
    printed(command)
}

fn program() -> PathBuf {
    env!("CARGO_BIN_EXE_empire-controller").into()
}

async fn counts(place: &Place) -> Vec<(String, i32)> {
    let seen = place.aws.see().await;
    let counts = seen.services.iter();
    counts
        .map(|(name, service)| (name.clone(), service.desired))
        .collect()
}

fn read(text: &str, complaint: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}{complaint}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_developer_scales_redeploys_suspends_and_waits() {
    let place = Place::new(Cloud::Moto, "edits", "ap-southeast-1").await;
    let (editor, viewer) = (tenant(&place, "edit"), tenant(&place, "view"));
    let edits = |arguments: &[&str]| given(&program(), &editor, arguments);
    let console = json!({ "console": { "noservice": true } });
    let mut acme = app("acme");
    merge(&mut acme, &json!({ "spec": { "processes": console } }));
    place.converge(&acme);

    let (status, said, complaint) = edits(&["scale", "acme", "web=3", "worker=2", "--wait", "--timeout=90s"]);
    assert_eq!(status, 0, "{said}{complaint}");
    let name = format!("{}/acme", place.name);
    let did = format!("App {name} scale: web from 2 to 3, worker from 1 to 2\n");
    assert!(said.starts_with(&did), "{said}");
    assert!(
        said.contains("\nPROCESS") && !said.contains("Follow it"),
        "{said}"
    );
    let end = said.lines().next_back().unwrap_or_default();
    assert!(end.starts_with(&format!("App {name} is Ready: ")), "{said}");
    println!("{said}{complaint}");
    let expected = [("acme_web".to_owned(), 3), ("acme_worker".to_owned(), 2)];
    assert_eq!(counts(&place).await, expected);
    let warning = "empire-controller: warning: kubectl apply has set spec.processes.web.quantity, \
                   spec.processes.worker.quantity: the next one reverts this";
    assert!(
        complaint.starts_with(warning) && complaint.lines().count() == 1,
        "{complaint}"
    );
    only_counts_are_ours(&place);

    let generation = || place.kubectl(&["get", "app", "acme", "-o", "jsonpath={.metadata.generation}"]);
    let before = generation();
    let (status, said, _) = edits(&["scale", "acme", "web=3"]);
    assert!(
        status == 0 && said.contains("web has 3 already; nothing was written"),
        "{said}"
    );
    // One of them is wrong, so none is written.
    let (status, said, complaint) = edits(&["scale", "acme", "web=5", "console=1", "wroker=1"]);
    assert_eq!((status, said.as_str()), (1, ""), "{complaint}");
    for part in [
        "process console has no count",
        "there is no process wroker",
        "with a count: web, worker;",
    ] {
        assert!(complaint.contains(part), "{part}: {complaint}");
    }
    // A viewer may not, and there are no such Apps, and no such counts.
    let view = given(&program(), &viewer, &["scale", "acme", "web=5"]);
    let gone = edits(&["scale", "nobody", "web=5"]);
    let large = edits(&["scale", "acme", "web=20000"]);
    for ((status, said, complaint), part) in [
        (view, "cannot patch resource \"apps\""),
        (gone, "there is no App nobody in namespace edits"),
        (large, "spec.processes.web.quantity"),
    ] {
        assert_eq!((status, said.as_str()), (1, ""), "{complaint}");
        assert!(
            complaint.contains(part) && complaint.lines().count() == 1,
            "{complaint}"
        );
    }
    assert_eq!(generation(), before);

    // Two at once: neither is lost.
    let workers = [["scale", "acme", "web=4"], ["scale", "acme", "worker=3"]].map(|arguments| {
        let editor = editor.clone();
        std::thread::spawn(move || given(&program(), &editor, &arguments))
    });
    for worker in workers {
        let (status, said, complaint) = worker.join().unwrap();
        assert_eq!(status, 0, "{said}{complaint}");
    }
    place
        .eventually("both are scaled", async || {
            let expected = [("acme_web".to_owned(), 4), ("acme_worker".to_owned(), 3)];
            (counts(&place).await == expected).then_some(())
        })
        .await;

    redeploys_and_suspends(&place, &edits);
    place.delete("acme");
    says_why_it_does_not_come(&place, &edits).await;
}

/// Of the fields of an App, the editor owns those that were edited and no other.
fn only_counts_are_ours(place: &Place) {
    let shown = ["get", "app", "acme", "--show-managed-fields", "-o", "json"];
    let found: Value = serde_json::from_str(&place.kubectl(&shown)).unwrap();
    let entries = found["metadata"]["managedFields"].as_array().unwrap();
    let ours = entries.iter().find(|entry| entry["manager"] == "empire-plugin");
    let count = json!({ "f:quantity": {} });
    let processes = json!({ "f:web": count, "f:worker": count });
    assert_eq!(
        ours.unwrap()["fieldsV1"],
        json!({ "f:spec": { "f:processes": processes } })
    );
}

fn redeploys_and_suspends(place: &Place, edits: &impl Fn(&[&str]) -> Printed) {
    let mut values = Vec::new();
    for _ in 0..2 {
        place.wait("app", "acme", "condition=Ready");
        place.proxy.take_writes();
        let (status, said, complaint) = edits(&["redeploy", "acme", "--wait", "-o", "json"]);
        assert_eq!((status, complaint.as_str()), (0, ""), "{said}");
        let done = read(&said, &complaint);
        assert_eq!(done["outcome"]["state"], "Ready");
        values.push(done["value"].clone());
        // It has not ended before it began.
        let writes = place.proxy.take_writes();
        let updates = writes.iter().filter(|write| *write == "UpdateService").count();
        assert_eq!(updates, 2, "{writes:?}");
    }
    assert_ne!(values[0], values[1]);

    let (status, said, complaint) = edits(&["suspend", "acme", "--wait", "-o", "json"]);
    assert_eq!(status, 0, "{said}{complaint}");
    let outcome = &read(&said, &complaint)["outcome"];
    assert_eq!(
        (&outcome["state"], &outcome["reached"]),
        (&json!("Suspended"), &json!(true))
    );
    let (status, said, complaint) = edits(&["scale", "acme", "web=1", "--wait"]);
    assert_eq!(status, 1, "{said}{complaint}");
    let end = complaint.lines().next_back().unwrap_or_default();
    assert!(end.contains("acme is suspended, Suspended: "), "{complaint}");
    let (status, said, complaint) = edits(&["resume", "acme", "--wait"]);
    assert_eq!(status, 0, "{said}{complaint}");
    assert!(
        said.contains("spec.suspend is unset") && said.contains("acme is Ready: "),
        "{said}"
    );
}

async fn says_why_it_does_not_come(place: &Place, edits: &impl Fn(&[&str]) -> Printed) {
    let mut broken = web_app("broken");
    merge(
        &mut broken,
        &json!({ "spec": { "processes": { "web": { "command": "./bin/web 'unclosed" } } } }),
    );
    place.apply(&broken);
    place.condition("broken", "Stalled", "InvalidSpec").await;
    let (status, said, complaint) = edits(&["scale", "broken", "web=2", "--wait", "-o", "json"]);
    assert_eq!(status, 1, "{said}{complaint}");
    let done = read(&said, &complaint);
    assert_eq!(
        (&done["changed"], &done["outcome"]["state"]),
        (&json!(true), &json!("Stalled"))
    );
    let end = complaint.lines().next_back().unwrap_or_default();
    assert!(end.contains("broken is Stalled, InvalidSpec: "), "{complaint}");

    let mut lost = web_app("lost");
    merge(&mut lost, &json!({ "spec": { "platform": "nowhere" } }));
    place.apply(&lost);
    place.condition("lost", "Reconciling", "PlatformNotFound").await;
    let (status, said, complaint) = edits(&["redeploy", "lost", "--wait", "--timeout=1s"]);
    assert_eq!(status, 1, "{said}{complaint}");
    let end = "lost is not there yet, PlatformNotFound: after 1 s, and it goes on: ";
    assert!(
        complaint.contains(end) && complaint.lines().count() == 1,
        "{complaint}"
    );
    for app in ["broken", "lost"] {
        place.delete(app);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_that_reads_the_cluster_prints_json() {
    let place = Place::new(Cloud::Moto, "as-json", "ap-southeast-2").await;
    place.converge(&app("acme"));
    let plugin = on_path(&place).join("kubectl-empire");
    let has = |command: &clap::Command, name: &str| {
        let mut arguments = command.get_arguments();
        arguments.any(|argument| argument.get_long() == Some(name))
    };
    let commands = Plugin::command();
    // What was logged is no object of the cluster: logs.rs has its JSON.
    let commands = commands
        .get_subcommands()
        .filter(|command| has(command, "context") && command.get_name() != "logs");
    let names: Vec<&str> = commands.map(clap::Command::get_name).collect();
    assert!(names.len() >= 8, "{names:?}");
    // More than ECS takes: nothing is started, whose tags moto would not know.
    let [a, b, c] = ["A", "B", "C"].map(|name| format!("{name}={}", "x".repeat(4_000)));
    let run_once = ["acme", "worker", "--detach", "-e", &a, "-e", &b, "-e", &c];
    for name in names {
        let more: &[&str] = match name {
            "exec" => &["acme", "worker"],
            "run-once" => &run_once,
            "scale" => &["acme", "worker=2"],
            "orphans" => &["--platform", &place.name],
            _ => &["acme"],
        };
        for program in [&program(), &plugin] {
            let arguments = [&[name][..], more, &["-n", &place.name, "-o", "json"]].concat();
            let (status, said, complaint) = given(program, &place.kubectl.kubeconfig, &arguments);
            // 2: of `plan`, there are changes.
            assert!(
                status == 0 || (name == "plan" && status == 2),
                "{name}: {said}{complaint}"
            );
            let object = read(&said, &complaint);
            let of = match name {
                "orphans" => &object["owner"],
                "run-once" => &object["spec"]["app"],
                _ => &object["app"],
            };
            assert!(of.is_string(), "{name}: {said}");
        }
    }
    place.delete("acme");
}
