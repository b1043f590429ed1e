//! A backup of one cluster is restored into another, with the commands of docs/upgrading.md, and nothing is written to AWS.

use serde_json::{Value, json};

use super::manifests::{app, merge, web_app};
use super::place::{Cloud, Place};
use crate::support::control_plane::ControlPlane;
use crate::support::controller::{Controller, install};
use crate::support::page::blocks;
use crate::support::shell::Shell;

const QUICK: [&str; 2] = ["--resync-interval=1s", "--retire-after=1s"];
const PAGE: &str = include_str!("../../docs/upgrading.md");
const ROLE: &str = "arn:aws:iam::123456789012:role/scheduler";

/// Runs the blocks of commands below a heading of the page, but for those that no test runs. Returns what the last printed.
fn follow(shell: &Shell, heading: &str) -> String {
    let blocks = blocks(PAGE).into_iter();
    let commands = blocks.filter(|block| block.heading == heading && block.info == "sh");
    commands.fold(String::new(), |_, block| shell.run(&block))
}

fn use_of(shell: &mut Shell, control_plane: &ControlPlane) {
    let kubectl = &control_plane.kubectl;
    shell.programs = vec![kubectl.binary.parent().unwrap().into()];
    shell.variables = vec![("KUBECONFIG", kubectl.kubeconfig.to_str().unwrap().into())];
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_restored_into_another_cluster_owns_everything_as_before() {
    let mut shell = Shell::new(Vec::new(), Vec::new());
    let first = ControlPlane::start(false);
    install(&first.kubectl);
    let controller = Controller::start(&first.kubectl, &QUICK);
    let mut place = Place::under(&first.kubectl, Cloud::Moto, "restored", "ap-south-1").await;
    let spec = json!({
        "network": { "hostPorts": { "first": 9000, "last": 9100 } },
        "tasks": { "schedulerRoleArn": ROLE },
    });
    merge(&mut place.platform, &json!({ "spec": spec }));
    place.apply(&place.platform);
    let mut jobs = web_app("jobs");
    let cron = json!({ "command": "./bin/nightly", "cron": "0 3 * * 1-5" });
    merge(
        &mut jobs,
        &json!({ "spec": { "processes": { "nightly": cron } } }),
    );
    for app in [app("acme"), web_app("other"), jobs] {
        place.converge(&app);
    }
    place.converge(&{
        let mut edited = app("acme");
        merge(&mut edited, &json!({ "spec": { "env": { "EDITED": "yes" } } }));
        edited
    });
    place.looked_at_again().await;
    place.proxy.take_writes();
    let (before, claims, statuses) = (place.aws.see().await, place.claims(), statuses(&place));
    assert_eq!(claims.len(), 3);
    use_of(&mut shell, &first);
    follow(&shell, "Back up");
    drop(controller);
    drop(first);

    let second = ControlPlane::start(false);
    use_of(&mut shell, &second);
    place.kubectl = second.kubectl.clone();
    second
        .kubectl
        .run(&["create", "namespace", &place.name], "")
        .unwrap();
    install(&second.kubectl);
    let owner = follow(&shell, "Restore");
    assert_eq!(self::statuses(&place), statuses, "status is restored as it was");
    assert_eq!(place.claims(), claims);

    // As another installation it touches nothing.
    let controller = Controller::start(&second.kubectl, &QUICK);
    let message = place.condition("acme", "Reconciling", "OwnerChanged").await;
    assert!(message.contains(&format!("--owner-id {owner}")), "{message}");
    drop(controller);
    let _controller = Controller::start(&second.kubectl, &[&QUICK[..], &["--owner-id", &owner]].concat());
    place.wait("platform", &place.name, "condition=Ready");
    for app in ["acme", "other", "jobs"] {
        place.wait("app", app, "condition=Ready");
    }
    place.looked_at_again().await;
    assert_eq!(place.proxy.take_writes(), [""; 0]);
    assert_eq!(place.aws.see().await, before);
    assert_eq!(place.claims(), claims);

    // It is the owner again: what goes is removed.
    for app in ["acme", "other", "jobs"] {
        place.delete(app);
    }
    assert_eq!(place.aws.see().await.services.len(), 0);
}

fn statuses(place: &Place) -> Vec<Value> {
    let listed = place.kubectl(&["get", "apps.empire.dev", "-o", "json"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let apps = listed["items"].as_array().unwrap().iter();
    apps.map(|app| app["status"].clone()).collect()
}
