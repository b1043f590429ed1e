//! `deploy/base` on a real API server: it takes the manifests, the controller may make its calls and no others, people
//! may do what their role says, and the pod meets the restricted standard.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up its cluster fails")]

#[path = "support"]
mod support {
    pub(crate) mod control_plane;
    pub(crate) mod kubectl;
    pub(crate) mod script;
}

#[path = "deploy/admission.rs"]
mod admission;
#[path = "deploy/attempts.rs"]
mod attempts;
#[path = "deploy/chart.rs"]
mod chart;

use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use clap::CommandFactory;
use empire_controller::cli::Arguments;
use empire_controller::procfile::{Identity, to_yaml, translate};
use serde_json::{Value, json};

use support::control_plane::ControlPlane;
use support::kubectl::Kubectl;

const CONTROLLER: &str = "system:serviceaccount:empire-system:empire-controller";

struct Cluster {
    kubectl: Kubectl,
    /// The manifests that `deploy/base` renders to.
    manifests: Vec<Value>,
    _control_plane: ControlPlane,
}

/// A cluster with `crds` and `deploy/base` applied, and two namespaces: shop, where jane may edit and joe may view, and other.
static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| {
    let control_plane = ControlPlane::start(true);
    let kubectl = control_plane.kubectl.clone();
    let rendered = kubectl.run(&["kustomize", &path("deploy/base")], "").unwrap();
    let manifests: Vec<Value> = serde_saphyr::from_multiple(&rendered).unwrap();
    // As a newcomer may, without `--server-side`.
    kubectl.run(&["apply", "-f", &path("crds")], "").unwrap();
    kubectl.run(&["apply", "-f", "-"], &rendered).unwrap();
    for namespace in ["shop", "other"] {
        kubectl.run(&["create", "namespace", namespace], "").unwrap();
    }
    for (name, role) in [("jane", "edit"), ("joe", "view")] {
        let (role, user) = (format!("--clusterrole={role}"), format!("--user={name}"));
        kubectl
            .run(&["create", "rolebinding", name, &role, &user, "-n", "shop"], "")
            .unwrap();
    }
    Cluster {
        kubectl,
        manifests,
        _control_plane: control_plane,
    }
});

fn path(file: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(file)
        .to_str()
        .unwrap()
        .to_owned()
}

impl Cluster {
    fn manifest(&self, kind: &str, name: &str) -> &Value {
        let is_it = |manifest: &&Value| manifest["kind"] == kind && manifest["metadata"]["name"] == name;
        self.manifests.iter().find(is_it).unwrap()
    }

    /// Returns true if a user may do something, such as `get apps.empire.dev -n shop`.
    fn may(&self, user: &str, what: &str) -> bool {
        let arguments: Vec<&str> = ["--as", user, "auth", "can-i"]
            .into_iter()
            .chain(what.split(' '))
            .collect();
        match self.kubectl.run(&arguments, "") {
            Ok(answer) => answer.trim() == "yes",
            // `no` is also an exit status, and a mistake of ours must not look like one.
            Err(complaint) => {
                assert!(
                    complaint.trim().is_empty() || complaint.starts_with("Warning"),
                    "{what}: {complaint}"
                );
                false
            }
        }
    }

    /// The namespace enforces the restricted standard, so the API server judges the pod.
    fn take_pod(&self, spec: &Value) -> Result<String, String> {
        let pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": { "name": "judged", "namespace": "empire-system" },
            "spec": spec,
        });
        self.kubectl
            .run(&["create", "--dry-run=server", "-f", "-"], &pod.to_string())
    }

    fn check(&self, user: &str, expected: bool, questions: &[&str]) {
        let wrong: Vec<&&str> = questions
            .iter()
            .filter(|what| self.may(user, what) != expected)
            .collect();
        assert!(wrong.is_empty(), "{user} should get {expected} for {wrong:?}");
    }
}

/// A kustomize that knows the policy's kinds for what they are adds none of its own.
#[test]
fn the_policy_is_in_no_namespace_whether_kustomize_gives_it_one_or_not() {
    let folder = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(path("deploy/base")).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    let file = folder.path().join("kustomization.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    for text in [text.clone(), text.replace("\nnamespace: empire-system\n", "\n")] {
        std::fs::write(&file, &text).unwrap();
        let rendered = CLUSTER
            .kubectl
            .run(&["kustomize", folder.path().to_str().unwrap()], "");
        let rendered: Vec<Value> = serde_saphyr::from_multiple(&rendered.unwrap()).unwrap();
        let is_of_policy = |object: &&Value| {
            object["kind"]
                .as_str()
                .unwrap()
                .starts_with("ValidatingAdmissionPolicy")
        };
        let of_policy: Vec<&Value> = rendered.iter().filter(is_of_policy).collect();
        assert_eq!(of_policy.len(), 4, "two policies with a binding each");
        assert!(
            of_policy
                .iter()
                .all(|object| object["metadata"]["namespace"].is_null())
        );
    }
}

#[test]
fn the_api_server_takes_the_examples() {
    for (file, kind) in [
        ("app", "app.empire.dev/acme"),
        ("platform", "platform.empire.dev/staging"),
    ] {
        let file = path(&format!("deploy/examples/{file}.yaml"));
        let arguments = [
            "apply",
            "--server-side",
            "--dry-run=server",
            "--validate=strict",
            "-f",
            &file,
        ];
        let said = CLUSTER.kubectl.run(&arguments, "").unwrap();
        assert!(said.starts_with(kind), "{said}");
    }
}

#[test]
fn the_example_app_is_what_the_example_procfile_is_translated_to() {
    let text = std::fs::read(path("deploy/examples/Procfile")).unwrap();
    let identity = Identity {
        name: "acme".into(),
        image: "registry.example.com/acme:v42".into(),
        platform: None,
    };
    let translated = to_yaml(&translate(&text, &identity).unwrap()).unwrap();
    let app = std::fs::read_to_string(path("deploy/examples/app.yaml")).unwrap();
    let without_comments: Vec<&str> = app
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .collect();
    assert_eq!(without_comments, translated.lines().collect::<Vec<_>>());
}

#[test]
fn the_controller_may_make_its_calls() {
    CLUSTER.check(
        CONTROLLER,
        true,
        &[
            "list apps.empire.dev -A",
            "watch apps.empire.dev -A",
            "get apps.empire.dev/acme -n shop",
            "patch apps.empire.dev/acme -n shop",
            "patch apps.empire.dev/acme --subresource=status -n shop",
            "own apps.empire.dev/acme -n shop",
            "get platforms.empire.dev/staging",
            "list platforms.empire.dev",
            "watch platforms.empire.dev",
            "patch platforms.empire.dev/staging",
            "patch platforms.empire.dev/staging --subresource=status",
            "list portallocations.empire.dev",
            "watch portallocations.empire.dev",
            "get portallocations.empire.dev/staging-9000",
            "create portallocations.empire.dev",
            "patch portallocations.empire.dev/staging-9000",
            "delete portallocations.empire.dev/staging-9000",
            "list runs.empire.dev -A",
            "watch runs.empire.dev -A",
            "get runs.empire.dev/console -n shop",
            "patch runs.empire.dev/console -n shop",
            "patch runs.empire.dev/console --subresource=status -n shop",
            "delete runs.empire.dev/console -n shop",
            "create events.events.k8s.io -n shop",
            "get customresourcedefinitions.apiextensions.k8s.io/apps.empire.dev",
            "get customresourcedefinitions.apiextensions.k8s.io/platforms.empire.dev",
            "get customresourcedefinitions.apiextensions.k8s.io/portallocations.empire.dev",
            "get customresourcedefinitions.apiextensions.k8s.io/runs.empire.dev",
            "get namespaces/kube-system",
            "get namespaces/shop",
            "list namespaces",
            "watch namespaces",
            "create configmaps -n empire-system",
            "get configmaps/empire-installation -n empire-system",
            "patch configmaps/empire-installation -n empire-system",
            "list leases.coordination.k8s.io -n empire-system",
            "create leases.coordination.k8s.io -n empire-system",
            "update leases.coordination.k8s.io/empire-123456789012-00000000 -n empire-system",
        ],
    );
}

#[test]
fn the_controller_may_make_no_others() {
    CLUSTER.check(
        CONTROLLER,
        false,
        &[
            "create apps.empire.dev -n shop",
            "update apps.empire.dev/acme -n shop",
            "delete apps.empire.dev/acme -n shop",
            "orphan apps.empire.dev/acme -n shop",
            "adopt apps.empire.dev/acme -n shop",
            "create platforms.empire.dev",
            "update platforms.empire.dev/staging",
            "delete platforms.empire.dev/staging",
            "create runs.empire.dev -n shop",
            "update runs.empire.dev/console -n shop",
            "deletecollection runs.empire.dev -n shop",
            "update portallocations.empire.dev/staging-9000",
            "deletecollection portallocations.empire.dev",
            "get customresourcedefinitions.apiextensions.k8s.io/others.example.com",
            "list customresourcedefinitions.apiextensions.k8s.io",
            "patch customresourcedefinitions.apiextensions.k8s.io/apps.empire.dev",
            "delete customresourcedefinitions.apiextensions.k8s.io/apps.empire.dev",
            "patch namespaces/shop",
            "delete namespaces/shop",
            "list configmaps -n empire-system",
            "get configmaps/other -n empire-system",
            "patch configmaps/other -n empire-system",
            "delete configmaps/empire-installation -n empire-system",
            "get configmaps/empire-installation -n shop",
            "create configmaps -n shop",
            "list leases.coordination.k8s.io -n kube-system",
            "update leases.coordination.k8s.io/kube-scheduler -n kube-system",
            "delete leases.coordination.k8s.io/empire-123456789012-00000000 -n empire-system",
            "list events.events.k8s.io -n shop",
            "get secrets -n empire-system",
            "get secrets -n shop",
            "create pods -n empire-system",
            "create serviceaccounts --subresource=token -n empire-system",
            "escalate clusterroles.rbac.authorization.k8s.io",
            "bind clusterroles.rbac.authorization.k8s.io",
            "impersonate serviceaccounts -n empire-system",
        ],
    );
}

/// The controller manager fills the aggregated roles a moment after it sees ours.
#[test]
fn people_may_what_their_role_says() {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !(CLUSTER.may("jane", "create apps.empire.dev -n shop")
        && CLUSTER.may("joe", "get apps.empire.dev -n shop"))
    {
        assert!(Instant::now() < deadline, "the roles are not aggregated");
    }
    CLUSTER.check(
        "jane",
        true,
        &[
            "get apps.empire.dev -n shop",
            "patch apps.empire.dev -n shop",
            "delete apps.empire.dev -n shop",
            "create runs.empire.dev -n shop",
            "delete runs.empire.dev -n shop",
        ],
    );
    CLUSTER.check(
        "joe",
        true,
        &["watch apps.empire.dev -n shop", "watch runs.empire.dev -n shop"],
    );
    for user in ["jane", "joe"] {
        CLUSTER.check(
            user,
            false,
            &[
                "get apps.empire.dev -n other",
                "patch apps.empire.dev --subresource=status -n shop",
                "patch runs.empire.dev --subresource=status -n shop",
                "own apps.empire.dev -n shop",
                "orphan apps.empire.dev -n shop",
                "adopt apps.empire.dev -n shop",
                "create platforms.empire.dev",
                "patch platforms.empire.dev",
                "delete portallocations.empire.dev",
            ],
        );
    }
    CLUSTER.check(
        "joe",
        false,
        &["create apps.empire.dev -n shop", "delete apps.empire.dev -n shop"],
    );
    for (role, verbs) in [
        ("view", "get list watch"),
        ("admin", "get list watch create patch update delete"),
    ] {
        let rules = CLUSTER
            .kubectl
            .run(&["get", "clusterrole", role, "-o", "json"], "")
            .unwrap();
        let rules: Value = serde_json::from_str(&rules).unwrap();
        let mut granted = Vec::new();
        for rule in rules["rules"].as_array().unwrap() {
            if rule["apiGroups"] == json!(["empire.dev"]) {
                granted.extend(rule["verbs"].as_array().unwrap().iter().filter_map(Value::as_str));
            }
        }
        for verb in verbs.split(' ') {
            assert!(granted.contains(&verb), "{role} lacks {verb}: {granted:?}");
        }
    }
}

/// Deleting the base deletes nothing else with it.
#[test]
fn the_base_holds_nothing_that_apps_depend_on() {
    let kinds = CLUSTER.manifests.iter().map(|manifest| &manifest["kind"]);
    let kinds: Vec<&str> = kinds.filter_map(Value::as_str).collect();
    assert!(kinds.contains(&"Deployment"), "{kinds:?}");
    assert!(!kinds.contains(&"CustomResourceDefinition"), "{kinds:?}");
    let protects = |manifest: &Value| manifest["metadata"]["name"] == "empire-definitions";
    assert!(!CLUSTER.manifests.iter().any(protects));
}

#[test]
fn no_rule_has_a_wildcard() {
    let grants = CLUSTER
        .manifests
        .iter()
        .filter_map(|manifest| manifest["rules"].as_array());
    let rules: Vec<&Value> = grants.flatten().collect();
    assert!(rules.len() >= 8, "{rules:?}");
    for rule in rules {
        assert!(!rule.to_string().contains('*'), "{rule}");
    }
}

#[test]
fn the_pod_meets_the_restricted_standard() {
    let template = &CLUSTER.manifest("Deployment", "empire-controller")["spec"]["template"];
    assert!(CLUSTER.take_pod(&template["spec"]).unwrap().contains("created"));

    let mut lax = template["spec"].clone();
    lax["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = json!(true);
    let refusal = CLUSTER.take_pod(&lax).unwrap_err();
    assert!(refusal.contains("violates PodSecurity \"restricted"), "{refusal}");
    assert_eq!(
        template["spec"]["containers"][0]["securityContext"]["readOnlyRootFilesystem"],
        json!(true),
        "which the standard does not ask for"
    );
}

#[test]
fn one_of_two_controllers_is_there_whatever_is_drained_or_updated() {
    let spec = &CLUSTER.manifest("Deployment", "empire-controller")["spec"];
    assert_eq!(
        (
            &spec["replicas"],
            &spec["strategy"]["rollingUpdate"]["maxUnavailable"]
        ),
        (&json!(2), &json!(0))
    );
    let budget = &CLUSTER.manifest("PodDisruptionBudget", "empire-controller")["spec"];
    assert_eq!(budget["maxUnavailable"], 1);
    assert_eq!(budget["selector"], spec["selector"]);
    for constraint in spec["template"]["spec"]["topologySpreadConstraints"]
        .as_array()
        .unwrap()
    {
        assert_eq!(constraint["labelSelector"], spec["selector"]);
    }
}

#[test]
fn the_container_is_started_as_the_binary_understands() {
    let container =
        &CLUSTER.manifest("Deployment", "empire-controller")["spec"]["template"]["spec"]["containers"][0];
    let command = Arguments::command();
    let run = command
        .find_subcommand(container["args"][0].as_str().unwrap())
        .unwrap();
    let arguments: Vec<_> = run.get_arguments().collect();
    for variable in container["env"].as_array().unwrap() {
        let name = variable["name"].as_str().unwrap();
        let known = arguments
            .iter()
            .any(|argument| argument.get_env().is_some_and(|env| env == name));
        assert!(known, "{name} is no variable of `run`");
    }
    let health = arguments
        .iter()
        .find(|argument| argument.get_id() == "health_address")
        .unwrap();
    let address = health.get_default_values()[0].to_str().unwrap();
    let port = container["ports"][0]["containerPort"].to_string();
    assert_eq!(address.rsplit(':').next(), Some(port.as_str()));
}
