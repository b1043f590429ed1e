//! Deleting the controller, the definitions or a namespace, and its effect on what runs: production is not lost by
//! mistake. These tests delete what all others need, and so have a control plane of their own.

use serde_json::{Value, json};

use super::aws::Seen;
use super::manifests::{app, merge, web_app};
use super::place::{Cloud, Place};
use crate::support::control_plane::ControlPlane;
use crate::support::controller::{Controller, install};
use crate::support::kubectl::Kubectl;
use crate::support::proxy::Hold;

const QUICK: [&str; 2] = ["--resync-interval=1s", "--retire-after=1s"];
const DEFINITIONS: [&str; 4] = [
    "crd/apps.empire.dev",
    "crd/platforms.empire.dev",
    "crd/portallocations.empire.dev",
    "crd/runs.empire.dev",
];

/// On ministack, with host ports, which are claimed in objects that go with their definition.
async fn place_with_host_ports(administrator: &Kubectl, name: &str, region: &str) -> Place {
    let mut place = Place::under(administrator, Cloud::Ministack, name, region).await;
    let ports = json!({ "spec": { "network": { "hostPorts": { "first": 9000, "last": 9100 } } } });
    merge(&mut place.platform, &ports);
    place.apply(&place.platform);
    place
}

fn on_definitions(administrator: &Kubectl, command: &[&str], more: &[&str]) -> Result<String, String> {
    administrator.run(&[command, &DEFINITIONS, more].concat(), "")
}

fn delete_definitions(administrator: &Kubectl) -> Result<String, String> {
    on_definitions(administrator, &["delete"], &["--wait=false"])
}

fn until_definitions_are_gone(place: &Place) {
    let gone = on_definitions(&place.kubectl, &["wait", "--for=delete", "--timeout=90s"], &[]);
    if let Err(complaint) = gone {
        let left = place
            .kubectl
            .run(&["get", "apps,platforms", "-A", "-o", "yaml"], "");
        panic!("{complaint}\n{left:?}");
    }
}

/// The API server takes a moment to heed a policy, and to forget one.
async fn until_deletion_is(place: &Place, allowed: bool) -> String {
    place
        .eventually("the policy is heeded", async || {
            let tried = on_definitions(&place.kubectl, &["delete"], &["--dry-run=server"]);
            (tried.is_ok() == allowed).then(|| tried.unwrap_or_else(|complaint| complaint))
        })
        .await
}

/// Deletes the policy, as deleting the folder does first: then the definitions can be deleted.
async fn lift_protection(place: &Place) {
    place.kubectl(&[
        "delete",
        "validatingadmissionpolicybinding,validatingadmissionpolicy",
        "empire-definitions",
    ]);
    until_deletion_is(place, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn definitions_deleted_by_mistake_take_nothing_with_them_and_all_is_owned_again() {
    let control_plane = ControlPlane::start(true);
    let administrator = &control_plane.kubectl;
    install(administrator);
    let controller = Controller::start(administrator, &QUICK);
    let place = place_with_host_ports(administrator, "kept", "ca-west-1").await;
    let apps = [app("acme"), web_app("other")];
    for app in &apps {
        place.converge(app);
    }
    let (before, claims) = (place.aws.see().await, place.claims());
    assert_eq!(claims.len(), 2);

    let refusal = until_deletion_is(&place, false).await;
    for part in [
        "apps.empire.dev",
        "empire.dev/uninstall: keep",
        "empire.dev/uninstall: delete",
    ] {
        assert!(refusal.contains(part), "{refusal}");
    }
    lift_protection(&place).await;
    delete_definitions(administrator).unwrap();
    for app in ["acme", "other"] {
        let message = place.condition(app, "Reconciling", "UninstallUnsaid").await;
        assert!(message.contains("apps.empire.dev is being deleted"), "{message}");
    }
    drop(controller);

    // The definition of claims is gone, so this one is never ready.
    let passes = || {
        let log = std::fs::read_to_string(administrator.kubeconfig.with_file_name("controller.log"));
        let log = log.unwrap();
        let of_apps = log.lines().filter(|line| line.contains("pass done kind=App"));
        of_apps.count()
    };
    let before_start = passes();
    let controller = Controller::launch(administrator, &QUICK);
    place
        .eventually("it looks at both Apps", async || {
            (passes() >= before_start + 2).then_some(())
        })
        .await;
    assert_eq!(place.proxy.take_writes(), [""; 0]);
    assert_eq!(place.aws.see().await, before);
    place.kubectl(&["annotate", DEFINITIONS[0], "empire.dev/uninstall=keep"]);
    place.kubectl(&["wait", "--for=delete", "--timeout=90s", DEFINITIONS[0]]);
    drop(controller);

    // That of Apps is gone, that of Platforms still has some.
    let controller = Controller::launch(administrator, &QUICK);
    until_definitions_are_gone(&place);
    drop(controller);
    assert_eq!(place.proxy.take_writes(), [""; 0]);
    assert_eq!(place.aws.see().await, before);

    install(administrator);
    let _controller = Controller::start(administrator, &QUICK);
    place.apply(&place.platform);
    for app in &apps {
        assert_eq!(place.converge(app), [""; 0], "all of it is ours");
    }
    place.looked_at_again().await;
    assert_eq!(place.proxy.take_writes(), [""; 0]);
    assert_eq!(place.aws.see().await, before);
    assert_eq!(place.claims(), claims);
    place.delete("acme");
    place.delete("other");
    assert_eq!(place.aws.see().await, Seen::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn definitions_that_say_so_take_everything_with_them() {
    let control_plane = ControlPlane::start(true);
    let administrator = &control_plane.kubectl;
    install(administrator);
    let controller = Controller::start(administrator, &QUICK);
    let place = place_with_host_ports(administrator, "uninstalled", "il-central-1").await;
    for app in [app("acme"), web_app("other")] {
        place.converge(&app);
    }
    place.proxy.take_writes();
    until_deletion_is(&place, false).await;
    on_definitions(administrator, &["annotate"], &["empire.dev/uninstall=delete"]).unwrap();
    place.proxy.hold(Hold {
        after: 3,
        takes_effect: true,
    });
    delete_definitions(administrator).unwrap();
    assert!(place.proxy.holds().await);
    drop(controller);
    let _controller = Controller::launch(administrator, &QUICK);
    until_definitions_are_gone(&place);
    assert_eq!(place.aws.see().await, Seen::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_the_controller_deletes_nothing_else() {
    let control_plane = ControlPlane::start(true);
    let administrator = &control_plane.kubectl;
    install(administrator);
    let base = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/base");
    administrator
        .run(&["apply", "--server-side", "-k", base], "")
        .unwrap();
    let controller = Controller::start(administrator, &QUICK);
    let place = place_with_host_ports(administrator, "base", "ap-southeast-3").await;
    for app in [app("acme"), web_app("other"), web_app("third")] {
        place.converge(&app);
    }
    let before = place.aws.see().await;
    place.proxy.take_writes();
    administrator
        .run(&["delete", "--timeout=90s", "-k", base], "")
        .unwrap();
    let deleted = "jsonpath={.items[*].metadata.deletionTimestamp}";
    assert_eq!(place.kubectl(&["get", "apps", "-o", deleted]), "");
    drop(controller);

    install(administrator);
    let controller = Controller::start(administrator, &QUICK);
    place.looked_at_again().await;
    for app in ["acme", "other", "third"] {
        place.wait("app", app, "condition=Ready");
    }
    assert_eq!(place.proxy.take_writes(), [""; 0]);
    assert_eq!(place.aws.see().await, before);

    // Without the right to read its definition, an App is not removed, and the others go on.
    let role = place.kubectl(&["get", "clusterrole", "empire-controller", "-o", "json"]);
    let role: Value = serde_json::from_str(&role).unwrap();
    let mut rules = role["rules"].as_array().unwrap().iter();
    let reading = rules.position(|rule| rule["apiGroups"] == json!(["apiextensions.k8s.io"]));
    let without = json!([{ "op": "remove", "path": format!("/rules/{}", reading.unwrap()) }]);
    let patch = ["patch", "clusterrole", "empire-controller", "--type=json", "-p"];
    place.kubectl(&[&patch[..], &[&without.to_string()]].concat());
    place.kubectl(&["delete", "app", "third", "--wait=false"]);
    let message = place.condition("third", "Reconciling", "AccessDenied").await;
    assert!(message.contains("apps.empire.dev"), "{message}");
    place.kubectl(&[
        "patch",
        "app",
        "other",
        "--type=merge",
        "-p",
        "{\"spec\":{\"image\":\"registry.example.com/web:v2\"}}",
    ]);
    place.wait("app", "other", "jsonpath={.status.observedGeneration}=2");
    place.wait("app", "other", "condition=Ready");
    assert!(place.aws.see().await.services.contains_key("third_web"));
    drop(controller);
    install(administrator);
    let _controller = Controller::start(administrator, &QUICK);
    place.wait("app", "third", "delete");

    // A namespace is deleted by whoever means it.
    place.kubectl(&["delete", "namespace", &place.name, "--timeout=90s"]);
    assert_eq!(place.aws.see().await, Seen::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_may_have_everything_left_behind() {
    let spec = json!({ "deletionPolicy": "Retain" });
    let place = Place::with(Cloud::Ministack, "retains", "ap-southeast-4", spec).await;
    place.converge(&app("acme"));
    let before = place.aws.see().await;
    place.delete("acme");
    let left = Seen {
        ownership_records: 0,
        ..before
    };
    assert_eq!(place.aws.see().await, left);

    let mut own = web_app("other");
    merge(&mut own, &json!({ "spec": { "deletionPolicy": "Delete" } }));
    place.converge(&own);
    place.delete("other");
    assert_eq!(place.aws.see().await, left, "what an App says itself counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_written_without_a_value_is_told_of() {
    let place = Place::new(Cloud::Ministack, "valueless", "eu-central-2").await;
    place.converge(&app("acme"));
    let without_worker = |name: &str| {
        let platform = &place.name;
        format!(
            "apiVersion: empire.dev/v1alpha1\nkind: App\nmetadata: {{name: {name}}}\nspec:\n  platform: {platform}\n  \
             image: registry.example.com/acme:v1\n  env: {{RAILS_ENV: production}}\n  processes:\n    \
             web: {{command: ./bin/web, quantity: 2, expose: {{external: true, check: {{path: /health}}}}}}\n    worker:\n"
        )
    };
    // To server-side apply it is a mistake.
    let server_side = ["apply", "--server-side", "-f", "-"];
    let refusal = place.try_kubectl(&server_side, &without_worker("other"));
    assert!(
        refusal
            .as_ref()
            .is_err_and(|refusal| refusal.contains("spec.processes.worker")),
        "{refusal:?}"
    );

    place
        .try_kubectl(&["apply", "-f", "-"], &without_worker("acme"))
        .unwrap();
    place.wait("app", "acme", "jsonpath={.status.observedGeneration}=2");
    place.wait("app", "acme", "condition=Ready");
    let events = "jsonpath={.items[?(@.reason==\"ProcessWithoutValue\")].message}";
    let told = place
        .eventually("a Warning", async || {
            let told = place.kubectl(&["get", "events", "-o", events]);
            (!told.is_empty()).then_some(told)
        })
        .await;
    assert!(told.starts_with("processes.worker: "), "{told}");
    assert!(told.contains("--server-side"), "{told}");
    assert_eq!(told.matches("processes.worker").count(), 1, "{told}");
    let services = place.aws.see().await.services;
    assert_eq!(services.keys().collect::<Vec<_>>(), ["acme_web"]);
    place.delete("acme");
}
