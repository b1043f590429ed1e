//! Clusters in which something is not there yet, and users who may do nothing: one clear line each, and an end.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::json;

use crate::support::control_plane::ControlPlane;
use crate::support::kubectl::Kubectl;

/// Runs the program to its end, which must be an error, and returns its last line.
fn complaint(kubeconfig: &Path, called: &str, arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join(called);
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_empire-controller"), &program).unwrap();
    let output = Command::new("timeout")
        .arg("60")
        .arg(&program)
        .args(arguments)
        .env("KUBECONFIG", kubeconfig)
        .env("HOME", folder.path())
        .env("NO_COLOR", "1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {text}");
    assert!(
        output.stdout.is_empty() || called == "empire-controller",
        "{arguments:?}"
    );
    text.trim_end().lines().last().unwrap_or_default().to_owned()
}

#[test]
fn each_thing_that_is_missing_is_one_line_and_an_end() {
    let control_plane = ControlPlane::start(false);
    let administrator = &control_plane.kubectl;
    let here = administrator.kubeconfig.as_path();
    let run = ["run", "--health-address=127.0.0.1:0", "--namespace=nowhere"];

    for (called, arguments) in [
        ("kubectl-empire", &["status", "acme"][..]),
        ("kubectl-empire", &["suspend", "acme"]),
        ("empire-controller", &["plan", "acme"]),
    ] {
        let line = complaint(here, called, arguments);
        assert!(
            line.contains("the custom resource definitions of empire.dev/v1alpha1 are not in this cluster")
                && line.contains("empire-controller crds | kubectl apply --server-side -f -"),
            "{line}"
        );
    }
    administrator
        .run(&["apply", "--server-side", "-f", "crds"], "")
        .unwrap();
    for definition in ["apps", "platforms", "portallocations"] {
        let definition = format!("crd/{definition}.empire.dev");
        administrator
            .run(&["wait", "--for=condition=Established", &definition], "")
            .unwrap();
    }
    let line = complaint(here, "empire-controller", &run);
    assert!(
        line.contains("--namespace: there is no namespace nowhere")
            && line.contains("kubectl create namespace nowhere"),
        "{line}"
    );

    // A user without any rights.
    let kubeconfig = here.with_file_name("nobody.kubeconfig");
    std::fs::copy(here, &kubeconfig).unwrap();
    administrator
        .run(&["create", "serviceaccount", "nobody", "-n", "default"], "")
        .unwrap();
    let token = administrator
        .run(&["create", "token", "nobody", "-n", "default"], "")
        .unwrap();
    let own = Kubectl {
        kubeconfig: kubeconfig.clone(),
        ..administrator.clone()
    };
    let token = format!("--token={}", token.trim());
    own.run(&["config", "set-credentials", "nobody", &token], "")
        .unwrap();
    own.run(&["config", "set-context", "--current", "--user=nobody"], "")
        .unwrap();
    let user = "User \"system:serviceaccount:default:nobody\" cannot";
    for (called, arguments) in [
        ("kubectl-empire", &["status", "acme"][..]),
        ("kubectl-empire", &["orphans"]),
        ("empire-controller", &["plan", "acme"]),
        ("empire-controller", &run),
    ] {
        let line = complaint(&kubeconfig, called, arguments);
        assert!(
            line.contains("is forbidden") && line.contains(user),
            "{arguments:?}: {line}"
        );
    }

    // No cluster at all, and flags that name what is not there.
    let nothing = Path::new("/nonexistent");
    for (called, arguments) in [
        ("kubectl-empire", &["status", "acme"][..]),
        ("empire-controller", &run),
    ] {
        let line = complaint(nothing, called, arguments);
        assert!(line.contains("no cluster to speak to"), "{line}");
    }
    let line = complaint(
        here,
        "kubectl-empire",
        &["status", "acme", "--context", "elsewhere"],
    );
    assert!(line.contains("--context elsewhere"), "{line}");
    let line = complaint(
        here,
        "kubectl-empire",
        &["status", "acme", "--kubeconfig", "/nonexistent"],
    );
    assert!(line.contains("--kubeconfig /nonexistent"), "{line}");
}

/// One that takes connections, and never says a word.
#[test]
fn a_silent_api_server_is_named_within_30_s_and_asked_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    thread::spawn(move || {
        let mut open = Vec::new();
        for connection in listener.incoming() {
            counted.fetch_add(1, Ordering::Relaxed);
            open.push(connection);
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    let config = json!({
        "clusters": [{ "name": "silent", "cluster": { "server": url } }],
        "users": [{ "name": "user", "user": {} }],
        "contexts": [{ "name": "silent", "context": { "cluster": "silent", "user": "user" } }],
        "current-context": "silent",
    });
    std::fs::write(&kubeconfig, config.to_string()).unwrap();
    let silent = format!("the API server at {url}/: no reply within 30 s");

    let (asked, file) = (silent.clone(), kubeconfig.clone());
    let plugin = thread::spawn(move || {
        let line = complaint(&file, "kubectl-empire", &["status", "acme"]);
        assert!(line.ends_with(&asked), "{line}");
    });
    // Told to end while it waits again.
    let output = Command::new("timeout")
        .args(["--preserve-status", "--kill-after=5", "35"])
        .arg(env!("CARGO_BIN_EXE_empire-controller"))
        .args(["run", "--health-address=127.0.0.1:0"])
        .env("KUBECONFIG", &kubeconfig)
        .output()
        .unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{log}");
    assert_eq!(log.matches(&silent).count(), 1, "{log}");
    assert!(log.contains("it is asked again"), "{log}");
    plugin.join().unwrap();
    assert_eq!(
        connections.load(Ordering::Relaxed),
        3,
        "two of one, one of the other"
    );
}
