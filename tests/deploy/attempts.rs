//! A cluster with the admission policy, Apps of each kind, and attempts of some users at them.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::path;
use super::support::control_plane::ControlPlane;
use super::support::kubectl::Kubectl;

pub(super) struct Cluster {
    pub(super) kubectl: Kubectl,
    _control_plane: ControlPlane,
}

/// A cluster with the policy. In namespace shop, all users may edit, and all but tenant have one more verb on Apps; and
/// there are Apps: fresh; held, which a pass has begun to write for; runs; bare, as an operator's `kubectl replace` leaves it; leaving;
/// unnamed, whose status does not say where it runs; and old, of before the policy. Of App runs, there are Runs: waits, and
/// goes-on, whose task may run.
pub(super) static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| {
    let control_plane = ControlPlane::start(true);
    let cluster = Cluster {
        kubectl: control_plane.kubectl.clone(),
        _control_plane: control_plane,
    };
    let run = |arguments: &[&str]| cluster.kubectl.run(arguments, "").unwrap();
    run(&["apply", "-f", &path("crds")]);
    let definitions = ["crd/apps.empire.dev", "crd/runs.empire.dev"];
    run(&[&["wait", "--for=condition=Established"], &definitions[..]].concat());
    run(&["create", "namespace", "shop"]);
    let mut old = app("old", &json!({ "empire.dev/redeploy": "x".repeat(300) }), false);
    old["metadata"]["annotations"]["empire.dev/adopt"] = json!("true");
    cluster.make("shop", &old, false);
    run(&["apply", "-k", &path("deploy/base")]);
    for (user, verb) in [
        ("tenant", None),
        ("owner", Some("own")),
        ("keeper", Some("orphan")),
        ("adopter", Some("adopt")),
        ("star", Some("*")),
    ] {
        let user = format!("--user={user}");
        let bind = |name: &str, role: &str| run(&["create", "rolebinding", "-n", "shop", name, role, &user]);
        bind(&format!("{}-edits", &user[7..]), "--clusterrole=edit");
        if let Some(verb) = verb {
            let role = json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
                "metadata": { "name": &user[7..], "namespace": "shop" },
                "rules": [{ "apiGroups": ["empire.dev"], "resources": ["apps"], "verbs": [verb] }],
            });
            cluster
                .kubectl
                .run(&["create", "-f", "-"], &role.to_string())
                .unwrap();
            bind(&user[7..], &format!("--role={}", &user[7..]));
        }
    }
    cluster.make("shop", &app("fresh", &json!({}), false), false);
    cluster.make("shop", &app("held", &record("staging"), true), false);
    cluster.make("shop", &app("bare", &json!({}), false), true);
    for name in ["runs", "leaving", "unnamed"] {
        cluster.make("shop", &app(name, &record("staging"), true), true);
    }
    cluster.patch_status("shop", "unnamed", &json!({ "platform": null }));
    run(&["delete", "app", "leaving", "-n", "shop", "--wait=false"]);
    for (name, is_held) in [("waits", false), ("goes-on", true)] {
        cluster.make("shop", &run_of(name, is_held), false);
    }
    // The roles are aggregated a moment after they are there, and the policy is heeded.
    let forged = app("forged", &record("staging"), false);
    cluster.until("the policy is heeded", || {
        let tried = cluster.tried("tenant", &["create", "-f", "-"], &forged);
        tried
            .is_err_and(|complaint| complaint.contains("empire-apps"))
            .then_some(())
    });
    cluster
});

pub(super) fn record(platform: &str) -> Value {
    let record = json!({ "name": platform, "region": "us-east-1", "cluster": "default", "vpcId": "vpc-1" });
    json!({ "empire.dev/platform-record": record.to_string() })
}

pub(super) fn app(name: &str, annotations: &Value, is_held: bool) -> Value {
    let mut app = json!({
        "apiVersion": "empire.dev/v1alpha1",
        "kind": "App",
        "metadata": { "name": name, "annotations": annotations },
        "spec": {
            "image": "registry.example.com/acme:v1",
            "processes": { "web": { "command": "./bin/web" } },
        },
    });
    if is_held {
        app["metadata"]["finalizers"] = json!(["empire.dev/controller"]);
    }
    app
}

/// Returns a Run of App runs.
pub(super) fn run_of(name: &str, is_held: bool) -> Value {
    let mut run = json!({
        "apiVersion": "empire.dev/v1alpha1",
        "kind": "Run",
        "metadata": { "name": name },
        "spec": { "app": "runs", "command": "./bin/fix" },
    });
    if is_held {
        run["metadata"]["finalizers"] = json!(["empire.dev/run"]);
    }
    run
}

impl Cluster {
    /// Makes an App as an administrator, with a status that shows what it has or with none.
    pub(super) fn make(&self, namespace: &str, app: &Value, runs: bool) {
        self.kubectl
            .run(&["create", "-n", namespace, "-f", "-"], &app.to_string())
            .unwrap();
        if runs {
            let record = &record("staging")["empire.dev/platform-record"];
            let record: Value = serde_json::from_str(record.as_str().unwrap()).unwrap();
            let status = json!({
                "observedGeneration": 1,
                "platform": record,
                "processes": [{ "name": "web", "taskDefinition": "arn:definition/shop_acme_web:1" }],
            });
            self.patch_status(namespace, app["metadata"]["name"].as_str().unwrap(), &status);
        }
    }

    fn patch_status(&self, namespace: &str, app: &str, status: &Value) {
        let patch = json!({ "status": status }).to_string();
        let arguments = ["patch", "app", app, "-n", namespace, "--subresource=status"];
        let arguments = [&arguments[..], &["--type=merge", "-p", &patch]].concat();
        self.kubectl.run(&arguments, "").unwrap();
    }

    /// Tries something in namespace shop, without effect.
    fn tried(&self, user: &str, arguments: &[&str], manifest: &Value) -> Result<String, String> {
        let mut all = vec!["-n", "shop", "--as", user];
        if user == "admin" {
            all.push("--as-group=system:masters");
        }
        all.extend(arguments);
        if !arguments.contains(&"--raw") {
            all.push("--dry-run=server");
        }
        self.kubectl.run(&all, &manifest.to_string())
    }

    pub(super) fn until<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            if let Some(found) = look() {
                return found;
            }
            let apps = self
                .kubectl
                .run(&["get", "apps,namespaces", "-A", "-o", "yaml"], "");
            assert!(Instant::now() < deadline, "never: {what}\n{apps:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// An attempt of some users.
pub(super) struct Try<'a> {
    pub(super) users: &'a [&'a str],
    pub(super) arguments: Vec<String>,
    pub(super) manifest: Value,
}

pub(super) fn patch<'a>(users: &'a [&'a str], app: &str, metadata: &Value) -> Try<'a> {
    patch_of("app", users, app, metadata)
}

pub(super) fn patch_of<'a>(kind: &str, users: &'a [&'a str], name: &str, metadata: &Value) -> Try<'a> {
    let patch = json!({ "metadata": metadata }).to_string();
    let arguments = ["patch", kind, name, "--type=merge", "-p", &patch];
    Try {
        users,
        arguments: arguments.map(ToOwned::to_owned).to_vec(),
        manifest: Value::Null,
    }
}

pub(super) fn give<'a>(users: &'a [&'a str], arguments: &[&str], manifest: Value) -> Try<'a> {
    let arguments = [arguments, &["-f", "-"]].concat();
    Try {
        users,
        arguments: arguments.into_iter().map(ToOwned::to_owned).collect(),
        manifest,
    }
}

pub(super) fn delete<'a>(users: &'a [&'a str], app: &str) -> Try<'a> {
    let arguments = ["delete", "app", app, "--wait=false"];
    Try {
        users,
        arguments: arguments.map(ToOwned::to_owned).to_vec(),
        manifest: Value::Null,
    }
}

impl Try<'_> {
    pub(super) fn results(&self) -> Vec<(&str, Result<String, String>)> {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        let users = self.users.iter();
        users
            .map(|user| (*user, CLUSTER.tried(user, &arguments, &self.manifest)))
            .collect()
    }
}
