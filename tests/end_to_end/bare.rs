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
    let (status, said) = ended(kubeconfig, called, arguments, &[]);
    assert_eq!(status, 1, "{arguments:?}: {said}");
    said.trim_end().lines().last().unwrap_or_default().to_owned()
}

/// Runs the program to its end, and returns the exit status and what it printed on standard error.
fn ended(kubeconfig: &Path, called: &str, arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String) {
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
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    assert!(
        output.stdout.is_empty() || called == "empire-controller",
        "{arguments:?}"
    );
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), said)
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
    for definition in ["apps", "platforms", "portallocations", "runs"] {
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
        assert!(
            line.contains("no cluster to speak to: KUBECONFIG=/nonexistent: ")
                && !line.contains("--kubeconfig"),
            "{line}"
        );
    }
    what_is_named_wrongly_is_named(here);
    what_a_role_lacks_is_said_and_tried_again(&kubeconfig, administrator);
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

/// Files that hold no App, and names that can be none.
fn what_is_named_wrongly_is_named(kubeconfig: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let app = |version: &str| {
        format!(
            "apiVersion: {version}\nkind: App\nmetadata: {{name: acme, namespace: default}}\nspec: {{image: a, processes: {{web: {{comand: b}}}}}}\n"
        )
    };
    for (file, says) in [
        (file("empty.yaml", ""), "holds no App of empire.dev/v1alpha1"),
        (
            file("other.yaml", &app("empire.dev/v1")),
            "holds no App of empire.dev/v1alpha1, but App of empire.dev/v1",
        ),
        (file("broken.yaml", "a: ["), "is no YAML: "),
        (
            file("typo.yaml", &app("empire.dev/v1alpha1")),
            "unknown field \"spec.processes.web.comand\"",
        ),
        (folder.path().to_str().unwrap().to_owned(), "Is a directory"),
        (
            folder.path().join("none.yaml").to_str().unwrap().to_owned(),
            "No such file",
        ),
    ] {
        let line = complaint(kubeconfig, "kubectl-empire", &["plan", "-f", &file]);
        assert!(
            line.starts_with(&format!("kubectl empire: {file}: ")) && line.contains(says),
            "{line}"
        );
    }
    for (arguments, says) in [
        (&["status", "shop/acme"][..], "acme -n NAMESPACE"),
        (&["explain", "app/acme"], "acme -n NAMESPACE"),
        (&["redeploy", ""], "<APP>"),
        (&["status", "acme", "-n", ""], "--namespace"),
        (&["man", "nothing"], "nothing is no command"),
    ] {
        let (status, said) = ended(kubeconfig, "kubectl-empire", arguments, &[]);
        assert!(status == 2 && said.contains(says), "{arguments:?}: {said}");
    }
    let (status, said) = ended(kubeconfig, "empire-controller", &["run"], &[("RUST_LOG", "!!")]);
    assert!(
        status == 1 && said.trim_end().lines().count() == 1 && said.contains("RUST_LOG=!!"),
        "{said}"
    );
}

/// One line for each failure, which says who may mend it; and it goes on.
fn what_a_role_lacks_is_said_and_tried_again(kubeconfig: &Path, administrator: &Kubectl) {
    for arguments in [
        &["create", "namespace", "empire-system"][..],
        &[
            "create",
            "clusterrole",
            "identity",
            "--verb=*",
            "--resource=configmaps,namespaces",
        ],
        &[
            "create",
            "clusterrolebinding",
            "identity",
            "--clusterrole=identity",
            "--serviceaccount=default:nobody",
        ],
        &[
            "create",
            "clusterrole",
            "records",
            "--verb=list",
            "--resource=apps.empire.dev",
        ],
        &[
            "create",
            "clusterrolebinding",
            "records",
            "--clusterrole=records",
            "--serviceaccount=default:nobody",
        ],
    ] {
        administrator.run(arguments, "").unwrap();
    }
    let output = Command::new("timeout")
        .args(["--preserve-status", "--kill-after=5", "5"])
        .arg(env!("CARGO_BIN_EXE_empire-controller"))
        .args(["run", "--health-address=127.0.0.1:0"])
        .env("KUBECONFIG", kubeconfig)
        .output()
        .unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    let denied: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("watch of Apps"))
        .collect();
    assert!(
        denied
            .iter()
            .all(|line| line.contains("cannot watch resource") && line.contains("deploy/base/rbac.yaml")),
        "{log}"
    );
    assert!(
        (2..8).contains(&denied.len()),
        "tried again, and not at once: {log}"
    );
    assert!(!log.contains("ListMeta"), "no reply as Rust prints it: {log}");
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
