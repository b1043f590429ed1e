//! `kubectl empire`, by the real kubectl with the plugin on its `PATH`, with the rights that people have.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::manifests::{app, merge, web_app};
use super::place::{Cloud, Place};
use crate::support::kubectl::Kubectl;

/// Exit status, standard output and standard error.
pub(crate) type Printed = (i32, String, String);

/// A folder with the program under the names by which kubectl finds it.
pub(crate) fn on_path(place: &Place) -> PathBuf {
    let folder = place
        .kubectl
        .kubeconfig
        .with_file_name(format!("{}-bin", place.name));
    std::fs::create_dir(&folder).unwrap();
    for name in ["kubectl-empire", "kubectl_complete-empire"] {
        symlink(env!("CARGO_BIN_EXE_empire-controller"), folder.join(name)).unwrap();
    }
    folder
}

/// Runs kubectl as some user, without AWS credentials.
fn kubectl(place: &Place, path: &Path, kubeconfig: &Path, arguments: &[&str]) -> Printed {
    let mut command = Command::new(&place.kubectl.binary);
    command
        .args(arguments)
        .env("PATH", path)
        .env("KUBECONFIG", kubeconfig);
    for variable in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"] {
        command.env_remove(variable);
    }
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    printed(command)
}

pub(crate) fn printed(mut command: Command) -> Printed {
    let output = command.output().unwrap();
    let [printed, complaint] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.code().unwrap(), printed, complaint)
}

/// A user with a role in the test's namespace alone: Platforms, which are in none, are not theirs to see.
pub(crate) fn tenant(place: &Place, role: &str) -> PathBuf {
    place.kubectl(&["create", "serviceaccount", role]);
    let account = format!("--serviceaccount={}:{role}", place.name);
    let role_flag = format!("--clusterrole={role}");
    place.kubectl(&["create", "rolebinding", role, &role_flag, &account]);
    let name = format!("{}-{role}.kubeconfig", place.name);
    let kubeconfig = place.kubectl.kubeconfig.with_file_name(name);
    std::fs::copy(&place.kubectl.kubeconfig, &kubeconfig).unwrap();
    let token = format!("--token={}", place.kubectl(&["create", "token", role]).trim());
    let own = Kubectl {
        kubeconfig: kubeconfig.clone(),
        ..place.kubectl.clone()
    };
    own.run(&["config", "set-credentials", role, &token], "").unwrap();
    let (user, namespace) = (format!("--user={role}"), format!("--namespace={}", place.name));
    own.run(&["config", "set-context", "--current", &user, &namespace], "")
        .unwrap();
    kubeconfig
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_looks_at_an_app_and_edits_it_with_kubectl_empire() {
    let place = Place::new(Cloud::Moto, "plugin", "us-east-2").await;
    let (path, viewer, editor) = (on_path(&place), tenant(&place, "view"), tenant(&place, "edit"));
    let look = |arguments: &[&str]| kubectl(&place, &path, &viewer, arguments);
    let edits = |arguments: &[&str]| kubectl(&place, &path, &editor, arguments);
    place.converge(&app("acme"));

    let (status, screen, complaint) = look(&["empire", "status", "acme"]);
    assert_eq!((status, complaint.as_str()), (0, ""), "{screen}");
    let title = format!(
        "App {0}/acme on Platform {0} (us-east-2, cluster {0})\nReady=True  Available",
        place.name
    );
    assert!(screen.starts_with(&title), "{screen}");
    for part in [
        "/2   complete   plugin_acme_web:1",
        "/1   complete   plugin_acme_worker:1",
        "\n  Load balancer   e-acme-web-",
        "Created",
    ] {
        assert!(screen.contains(part), "{part}: {screen}");
    }
    assert!(!screen.contains('\u{1b}'), "colours, but no terminal");
    println!("{screen}");
    // Before the command, as kubectl itself takes it.
    let (_, printed, complaint) = look(&["empire", "-n", &place.name, "status", "acme", "-o", "json"]);
    let found: Value = serde_json::from_str(&printed).unwrap_or_else(|_| panic!("{printed}{complaint}"));
    assert_eq!(found["ready"]["status"], "True");
    assert_eq!(found["platform"]["exists"], json!(null), "a tenant may not look");
    let (_, printed, _) = look(&["empire", "explain", "acme"]);
    assert!(
        printed.contains("/acme is Ready, for ") && printed.contains("nothing is wrong"),
        "{printed}"
    );

    // What a viewer may not do is one line.
    for command in ["redeploy", "suspend"] {
        let (status, printed, complaint) = look(&["empire", command, "acme"]);
        assert_eq!((status, printed.as_str()), (1, ""), "{complaint}");
        let start = format!(
            "kubectl empire: {command} App {}/acme: apps.empire.dev \"acme\" is forbidden",
            place.name
        );
        assert!(
            complaint.starts_with(&start) && complaint.trim_end().lines().count() == 1,
            "{complaint}"
        );
    }
    says_what_is_missing(&place, &path, &look);
    let (status, _, complaint) = look(&["empire", "status", "nobody"]);
    let line = format!(
        "kubectl empire: there is no App nobody in namespace {}\n",
        place.name
    );
    assert_eq!((status, complaint), (1, line));
    assert_eq!(look(&["empire", "status"]).0, 2, "wrong usage");

    let (status, printed, complaint) = edits(&["empire", "redeploy", "acme", "-o", "json"]);
    assert_eq!((status, complaint.as_str()), (0, ""), "{printed}");
    let value = serde_json::from_str::<Value>(&printed).unwrap()["value"].clone();
    let asked = "jsonpath={.metadata.annotations.empire\\.dev/redeploy}";
    assert_eq!(place.kubectl(&["get", "app", "acme", "-o", asked]), value);
    place
        .eventually("the tasks are replaced", async || {
            let writes = place.proxy.take_writes();
            writes.iter().any(|write| write == "UpdateService").then_some(())
        })
        .await;

    let (_, printed, complaint) = edits(&["empire", "suspend", "acme"]);
    assert!(printed.contains("spec.suspend is true"), "{printed}{complaint}");
    assert!(
        edits(&["empire", "suspend", "acme"])
            .1
            .contains("is suspended already")
    );
    let managers = "jsonpath={.metadata.managedFields[*].manager}";
    let managers = place.kubectl(&["get", "app", "acme", "--show-managed-fields", "-o", managers]);
    assert!(managers.contains("empire-plugin"), "{managers}");
    shows_a_run_that_waits(&place, &look, &edits).await;
    let (_, printed, _) = look(&["empire", "status", "acme"]);
    assert!(printed.contains("\nSuspended: "), "{printed}");
    let (_, printed, _) = look(&["empire", "explain", "acme"]);
    let resume = format!("kubectl empire resume acme -n {}", place.name);
    assert_eq!(printed.matches(&resume).count(), 1, "{printed}");
    assert!(
        edits(&["empire", "resume", "acme"])
            .1
            .contains("spec.suspend is unset")
    );
    assert_eq!(
        place.kubectl(&["get", "app", "acme", "-o", "jsonpath={.spec.suspend}"]),
        ""
    );

    explains_and_completes(&place, &look).await;
    for app in ["acme", "broken"] {
        place.delete(app);
    }
}

async fn shows_a_run_that_waits(
    place: &Place,
    look: &impl Fn(&[&str]) -> Printed,
    edits: &impl Fn(&[&str]) -> Printed,
) {
    place.apply(&json!({
        "apiVersion": "empire.dev/v1alpha1", "kind": "Run", "metadata": { "name": "console" },
        "spec": { "app": "acme", "process": "worker" },
    }));
    let waits = async || {
        let screen = look(&["empire", "status", "acme"]).1;
        let line = screen.lines().find(|line| line.starts_with("console "))?;
        line.contains("App acme is suspended").then(|| line.to_owned())
    };
    let line = place.eventually("the screen shows the Run", waits).await;
    assert!(line.starts_with("console   worker    Pending   "), "{line}");
    place.kubectl(&["delete", "runs.empire.dev", "console"]);
    let (status, _, complaint) = edits(&["empire", "run-once", "acme", "wep"]);
    assert_eq!(status, 125, "{complaint}");
    assert!(
        complaint.ends_with("App acme has no process wep: it has web, worker\n"),
        "{complaint}"
    );
    let (status, _, complaint) = edits(&["empire", "run-once", "acme", "worker", "--timeout", "10s"]);
    assert_eq!(status, 124, "{complaint}");
    assert!(
        complaint.contains("was not begun within 10 s, and is deleted"),
        "{complaint}"
    );
    let runs = place.kubectl(&["get", "runs.empire.dev", "-o", "name"]);
    assert_eq!(runs, "");
    // Who may make one, and not delete it, is told so rather than kept waiting.
    place.kubectl(&[
        "create",
        "role",
        "makes",
        "--verb=create",
        "--resource=runs.empire.dev",
    ]);
    let viewer = format!("--serviceaccount={}:view", place.name);
    place.kubectl(&["create", "rolebinding", "makes", "--role=makes", &viewer]);
    let (status, _, complaint) = look(&["empire", "run-once", "acme", "worker", "--timeout", "10s"]);
    assert_eq!(status, 125, "{complaint}");
    for part in [
        "was not begun within 10 s, and runs.empire.dev \"acme-",
        "cannot delete resource \"runs\"",
        "goes on. Look: kubectl get runs.empire.dev/acme-",
    ] {
        assert!(complaint.contains(part), "{part}: {complaint}");
    }
    place.kubectl(&["delete", "runs.empire.dev", "--all"]);
}

/// Rights, credentials, a namespace.
fn says_what_is_missing(place: &Place, path: &Path, look: &impl Fn(&[&str]) -> Printed) {
    let (status, _, complaint) = look(&["empire", "plan", "acme"]);
    assert!(
        status == 1
            && complaint.contains("cannot list resource \"platforms\"")
            && complaint.contains("ClusterRole view"),
        "{complaint}"
    );
    // Who may read all that plan needs, and has no credentials.
    for command in [
        &["empire", "plan", "acme", "-n", &place.name][..],
        &["empire", "orphans"],
    ] {
        let (status, printed, complaint) = kubectl(place, path, &place.kubectl.kubeconfig, command);
        assert_eq!((status, printed.as_str()), (1, ""), "{complaint}");
        let says = "NoCredentials: none in the environment, a profile, ";
        assert!(
            complaint.contains(says) && complaint.lines().count() == 1,
            "{complaint}"
        );
    }
    let procfile = path.join("Procfile");
    std::fs::write(&procfile, "web: ./bin/web").unwrap();
    let translate = [
        "empire",
        "procfile",
        procfile.to_str().unwrap(),
        "--name=acme",
        "--image=a",
        "-n",
        "shop",
    ];
    let (_, printed, complaint) = look(&translate);
    assert!(
        printed.contains("\n  name: acme\n  namespace: shop\n"),
        "{printed}{complaint}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_app_left_behind_is_found_and_stays() {
    let place = Place::new(Cloud::Moto, "orphans", "us-west-1").await;
    let (path, user) = (on_path(&place), place.kubectl.kubeconfig.clone());
    place.converge(&app("acme"));
    let orphans = |arguments: &[&str]| {
        let mut command = Command::new(&place.kubectl.binary);
        command
            .args(["empire", "orphans", "--platform", &place.name])
            .args(arguments);
        command.env("PATH", &path).env("KUBECONFIG", &user);
        command
            .env("AWS_ACCESS_KEY_ID", "testing")
            .env("AWS_SECRET_ACCESS_KEY", "testing");
        printed(command)
    };
    let (status, printed, complaint) = orphans(&[]);
    assert_eq!((status, complaint.as_str()), (0, ""), "{printed}");
    assert!(printed.starts_with("No orphans: "), "{printed}");

    // As after an uninstall that kept everything: the App went, and its tags stayed.
    let owner = place.kubectl(&[
        "get",
        "configmap",
        "empire-installation",
        "-n",
        "empire-system",
        "-o",
        "jsonpath={.data.ownerId}",
    ]);
    let tag = |key: &str, value: &str| {
        let tag = aws_sdk_elasticloadbalancingv2::types::Tag::builder();
        tag.key(key).value(value).build()
    };
    let gone = format!("{}/gone", place.name);
    let made = place.aws.elbv2.create_target_group().name("left-behind");
    let made = made
        .tags(tag("empire.dev/owner", &owner))
        .tags(tag("empire.dev/app", &gone));
    let made = made.tags(tag("empire.dev/process", "web"));
    // The only kind without a VPC.
    made.target_type("lambda".into()).send().await.unwrap();
    // As `deletionPolicy: Retain` leaves it.
    let left = place.aws.elbv2.create_target_group().name("left-retained");
    let left = left
        .tags(tag("empire.dev/app", &gone))
        .tags(tag("empire.dev/process", "web"));
    left.target_type("lambda".into()).send().await.unwrap();
    place.proxy.take_writes();
    let (status, printed, complaint) = orphans(&["-o", "json"]);
    assert_eq!((status, complaint.as_str()), (2, ""), "{printed}");
    let found: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(found["unread"], json!([]));
    assert_eq!(
        found["orphans"],
        json!([{
            "platform": place.name, "kind": "target group", "name": "left-behind",
            "app": gone, "process": "web", "retained": false,
        }, {
            "platform": place.name, "kind": "target group", "name": "left-retained",
            "app": gone, "process": "web", "retained": true,
        }])
    );
    assert_eq!(place.proxy.take_writes(), [""; 0]);
    let (status, _, complaint) = orphans(&["--context", "nowhere"]);
    assert!(
        status == 1 && complaint.starts_with("kubectl empire: --context nowhere: "),
        "{complaint}"
    );
    place.delete("acme");
}

async fn explains_and_completes(place: &Place, look: &impl Fn(&[&str]) -> (i32, String, String)) {
    let mut broken = web_app("broken");
    merge(
        &mut broken,
        &json!({ "spec": { "processes": { "web": { "command": "./bin/web 'unclosed" } } } }),
    );
    place.apply(&broken);
    place.condition("broken", "Stalled", "InvalidSpec").await;
    let (status, printed, _) = look(&["empire", "explain", "broken"]);
    assert_eq!(status, 0);
    for part in [
        "is not Ready",
        "\n1. App: InvalidSpec",
        "missing closing quote",
        "\n   Do     Edit it.",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }

    let (status, printed, complaint) = look(&["__complete", "empire", "stat"]);
    assert_eq!(status, 0, "{complaint}");
    assert!(
        printed.contains("status\tShow an App") && printed.contains(":4"),
        "{printed}"
    );
    let (_, printed, _) = look(&["__complete", "empire", "status", "ac"]);
    assert!(printed.starts_with("acme\n"), "{printed}");
    let (_, printed, _) = look(&["__complete", "empire", "scale", "acme", "w"]);
    assert_eq!(printed, "web=\nworker=\n:6\n", "counts, which go on");
    let (_, printed, _) = look(&["__complete", "empire", "plan", "-f", ""]);
    assert_eq!(printed, ":0\n", "files");
}
