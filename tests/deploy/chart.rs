//! The Helm chart: with its own values it renders what `deploy/base` holds; whatever the values, real Helm, kubeconform and
//! the API server take what it renders; and it refuses values that mean nothing.
//!
//! Chart and base are written twice and held equal, not rendered from one another: each is read by people who know only
//! that one tool, and an overlay needs plain manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use serde_json::{Value, json};
use similar_asserts::assert_eq;

use super::support::kubectl::fed;
use super::support::script::printed_by;
use super::{CLUSTER, path};

const CHART: &str = "deploy/helm/empire-controller";

/// Values that turn on all that is optional, and change all that can be named.
const EVERYTHING: &str = r#"
image: {repository: registry.example.com/empire, tag: v1, digest: "sha256:DIGEST", pullPolicy: Always}
imagePullSecrets: [{name: registry}]
fullnameOverride: empire
replicas: 3
crds: {install: false}
serviceAccount:
  name: operator
  annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::123456789012:role/empire-controller"}
logFormat: human
logLevel: debug
ownerId: production
extraArgs: [--concurrency=32]
extraEnv:
  - {name: AWS_REGION, value: eu-west-1}
  - {name: AWS_ACCESS_KEY_ID, valueFrom: {secretKeyRef: {name: aws, key: id}}}
nodeSelector: {kubernetes.io/arch: arm64}
tolerations: [{key: dedicated, operator: Exists, effect: NoSchedule}]
affinity:
  nodeAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      nodeSelectorTerms: [{matchExpressions: [{key: pool, operator: In, values: [system]}]}]
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: topology.kubernetes.io/zone
    whenUnsatisfiable: ScheduleAnyway
    labelSelector: {matchLabels: {app.kubernetes.io/name: empire-controller}}
priorityClassName: system-cluster-critical
podAnnotations: {example.com/team: platform}
podLabels: {team: platform}
podDisruptionBudget: {enabled: true}
networkPolicy: {extraEgress: [{ports: [{protocol: TCP, port: 3128}]}]}
serviceMonitor: {enabled: true, labels: {release: monitoring}}
prometheusRule: {enabled: true, labels: {release: monitoring}, docsUrl: "https://git.example.com/empire/"}
dashboard: {enabled: true}
"#;

fn everything() -> String {
    EVERYTHING.replace("DIGEST", &"ab".repeat(32))
}

static TOOLS: LazyLock<PathBuf> = LazyLock::new(|| printed_by("go", &["deploy/local/tools"]));

/// Runs a tool of `deploy/local/tools`, and returns what it printed, or else its complaint.
fn run(tool: &str, arguments: &[&str], stdin: &str) -> Result<String, String> {
    let mut command = Command::new(TOOLS.join(tool));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = fed(&mut command, stdin);
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    if output.status.success() {
        Ok(stdout)
    } else {
        Err(format!("{stdout}{stderr}"))
    }
}

/// Returns what the chart renders to, as the release that docs/install.md makes.
fn rendered(values: &str) -> Result<String, String> {
    let arguments = [
        "template",
        "empire-controller",
        CHART,
        "--namespace=empire-system",
        "--values=-",
    ];
    run("helm", &arguments, values)
}

fn objects(manifests: &str) -> Vec<Value> {
    let all: Vec<Value> = serde_saphyr::from_multiple(manifests).unwrap();
    all.into_iter().filter(|object| !object.is_null()).collect()
}

fn find<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    objects.iter().find(|object| object["kind"] == kind).unwrap()
}

/// Returns objects by kind and name.
fn by_name(objects: impl IntoIterator<Item = Value>) -> BTreeMap<String, Value> {
    let named = objects.into_iter().map(|object| {
        let [kind, name] = [&object["kind"], &object["metadata"]["name"]].map(|text| text.as_str().unwrap());
        (format!("{kind} {name}"), object)
    });
    named.collect()
}

/// What Helm says of a release is taken off, once it is known to be there.
fn without_release(mut object: Value) -> Value {
    for (label, value) in [
        ("app.kubernetes.io/instance", "empire-controller"),
        ("app.kubernetes.io/managed-by", "Helm"),
        ("app.kubernetes.io/version", env!("CARGO_PKG_VERSION")),
        (
            "helm.sh/chart",
            concat!("empire-controller-", env!("CARGO_PKG_VERSION")),
        ),
    ] {
        let labels = object["metadata"]["labels"].as_object_mut().unwrap();
        assert_eq!(labels.remove(label), Some(json!(value)), "{label} of {object}");
    }
    object
}

#[test]
fn the_chart_renders_what_the_base_holds() {
    let of_the_chart = objects(&rendered("").unwrap());
    let (definitions, of_the_chart): (Vec<_>, Vec<_>) = of_the_chart.into_iter().partition(|object| {
        object["apiVersion"] == "apiextensions.k8s.io/v1"
            || object["metadata"]["name"] == "empire-definitions"
    });
    // A Namespace is `helm install --create-namespace`'s to make.
    let base = CLUSTER.manifests.iter().cloned();
    let mut base = by_name(base.filter(|object| object["kind"] != "Namespace"));
    // In the base, an overlay names the image.
    let image = &mut base.get_mut("Deployment empire-controller").unwrap()["spec"]["template"]["spec"]["containers"]
        [0]["image"];
    assert_eq!(*image, json!("empire-controller"));
    *image = json!(concat!("empire-controller:", env!("CARGO_PKG_VERSION")));
    let of_the_chart = by_name(of_the_chart.into_iter().map(without_release));
    assert_eq!(
        of_the_chart, base,
        "write an edit of deploy/base into deploy/helm/empire-controller, too"
    );

    let folder = std::fs::read_dir(path("crds")).unwrap();
    let files = folder.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let files: Vec<Value> = files.flat_map(|file| objects(&file)).collect();
    assert_eq!(by_name(definitions), by_name(files));
}

/// Flags and variables, name and image: what a value is for arrives there.
#[test]
fn each_value_arrives() {
    let objects = objects(&rendered(&everything()).unwrap());
    let deployment = find(&objects, "Deployment");
    assert_eq!(deployment["metadata"]["name"], "empire");
    assert_eq!(deployment["spec"]["replicas"], 3);
    let template = &deployment["spec"]["template"];
    assert_eq!(
        template["metadata"]["annotations"]["example.com/team"],
        "platform"
    );
    assert_eq!(template["metadata"]["labels"]["team"], "platform");
    let pod = &template["spec"];
    let given: Value = serde_saphyr::from_str(&everything()).unwrap();
    for field in [
        "imagePullSecrets",
        "nodeSelector",
        "tolerations",
        "affinity",
        "topologySpreadConstraints",
        "priorityClassName",
    ] {
        assert_eq!(pod[field], given[field], "{field}");
    }
    assert_eq!(pod["serviceAccountName"], "operator");
    let container = &pod["containers"][0];
    let digest = "ab".repeat(32);
    assert_eq!(
        container["image"],
        format!("registry.example.com/empire:v1@sha256:{digest}")
    );
    assert_eq!(container["imagePullPolicy"], "Always");
    assert_eq!(container["args"], json!(["run", "--concurrency=32"]));
    for variable in [
        json!({ "name": "EMPIRE_LOG_FORMAT", "value": "human" }),
        json!({ "name": "RUST_LOG", "value": "debug" }),
        json!({ "name": "EMPIRE_OWNER_ID", "value": "production" }),
        given["extraEnv"][0].clone(),
        given["extraEnv"][1].clone(),
    ] {
        assert!(
            container["env"].as_array().unwrap().contains(&variable),
            "{variable}"
        );
    }
    let account = find(&objects, "ServiceAccount");
    assert_eq!(account["metadata"]["name"], "operator");
    assert_eq!(
        account["metadata"]["annotations"],
        given["serviceAccount"]["annotations"]
    );
    for binding in ["ClusterRoleBinding", "RoleBinding"] {
        let binding = find(&objects, binding);
        assert_eq!(
            binding["subjects"],
            json!([{ "kind": "ServiceAccount", "name": "operator", "namespace": "empire-system" }])
        );
        assert_eq!(binding["roleRef"]["name"], "empire");
    }
    let egress = find(&objects, "NetworkPolicy")["spec"]["egress"]
        .as_array()
        .unwrap();
    assert_eq!(egress.last().unwrap(), &given["networkPolicy"]["extraEgress"][0]);
    let [service, monitor] = ["Service", "ServiceMonitor"].map(|kind| find(&objects, kind));
    assert_eq!(monitor["metadata"]["labels"]["release"], "monitoring");
    let selected = monitor["spec"]["selector"]["matchLabels"].as_object().unwrap();
    for (label, value) in selected {
        assert_eq!(&service["metadata"]["labels"][label], value);
    }
    assert_eq!(
        service["spec"]["selector"],
        deployment["spec"]["selector"]["matchLabels"]
    );
    let rule = find(&objects, "PrometheusRule");
    assert_eq!(rule["metadata"]["labels"]["release"], "monitoring");
    let alerts = ours("deploy/monitoring/alerts.yaml").replace(
        "runbook_url: docs/",
        "runbook_url: https://git.example.com/empire/docs/",
    );
    let alerts: Value = serde_saphyr::from_str(&alerts).unwrap();
    assert_eq!(rule["spec"], alerts);
    let dashboard = find(&objects, "ConfigMap");
    assert_eq!(dashboard["metadata"]["labels"]["grafana_dashboard"], "1");
    let dashboard = dashboard["data"]["empire-controller.json"].as_str().unwrap();
    assert_eq!(
        dashboard.trim_end(),
        ours("deploy/monitoring/dashboard.json").trim_end()
    );
    let budget = find(&objects, "PodDisruptionBudget");
    assert_eq!(budget["spec"]["selector"], deployment["spec"]["selector"]);
    assert!(
        objects
            .iter()
            .all(|object| object["kind"] != "CustomResourceDefinition")
    );
}

/// Returns the text of a file of this repository.
fn ours(file: &str) -> String {
    std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// Returns how a schema says that nothing else may be there, as kubeconform's own schemas do.
fn strict(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.values_mut().for_each(strict);
            if fields.get("properties").is_some_and(Value::is_object)
                && !fields.contains_key("additionalProperties")
                && fields.get("type") == Some(&json!("object"))
            {
                fields.insert("additionalProperties".into(), json!(false));
            }
        }
        Value::Array(all) => all.iter_mut().for_each(strict),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Writes the schemas of all kinds among the objects as the API server publishes them; kubeconform would fetch others
/// from the network.
fn write_schemas(objects: &[Value], folder: &std::path::Path) {
    for object in objects {
        let [version, kind] = [&object["apiVersion"], &object["kind"]].map(|text| text.as_str().unwrap());
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        let served = if group.is_empty() {
            format!("/openapi/v3/api/{version}")
        } else {
            format!("/openapi/v3/apis/{group}/{version}")
        };
        let document = CLUSTER.kubectl.run(&["get", "--raw", &served], "").unwrap();
        let mut document: Value = serde_json::from_str(&document).unwrap();
        let is_it = json!({ "group": group, "kind": kind, "version": version });
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let is_it = |schema: &Value| {
            schema["x-kubernetes-group-version-kind"]
                .as_array()
                .is_some_and(|kinds| kinds.contains(&is_it))
        };
        let name = schemas
            .iter()
            .find(|(_, schema)| is_it(schema))
            .unwrap()
            .0
            .clone();
        strict(&mut document["components"]);
        let schema = json!({
            "$ref": format!("#/components/schemas/{name}"),
            "components": document["components"],
        });
        let group = group.split('.').next().filter(|group| !group.is_empty());
        let file: Vec<String> = [Some(kind.to_lowercase().as_str()), group, Some(version)]
            .into_iter()
            .flatten()
            .map(str::to_owned)
            .collect();
        let file = format!("{}.json", file.join("-"));
        std::fs::write(folder.join(file), schema.to_string()).unwrap();
    }
}

/// Says no of what the Prometheus operator defines.
fn is_kubernetes_own(object: &Value) -> bool {
    object["apiVersion"] != "monitoring.coreos.com/v1"
}

#[test]
fn helm_and_kubeconform_find_nothing_to_complain_of() {
    let folder = tempfile::tempdir().unwrap();
    let location = folder.path().join("{{.ResourceKind}}{{.KindSuffix}}.json");
    let location = location.to_str().unwrap();
    for values in ["", &everything()] {
        run("helm", &["lint", "--strict", CHART, "--values=-"], values).unwrap();
        let manifests = rendered(values).unwrap();
        let known: Vec<Value> = objects(&manifests)
            .into_iter()
            .filter(is_kubernetes_own)
            .collect();
        write_schemas(&known, folder.path());
        let arguments = [
            "-strict",
            "-summary",
            "-skip=ServiceMonitor,PrometheusRule",
            "-schema-location",
            location,
        ];
        let said = run("kubeconform", &arguments, &manifests).unwrap();
        let valid = format!("Valid: {}, Invalid: 0, Errors: 0", known.len());
        assert!(said.contains(&valid), "{said}");

        let misspelt = manifests.replace("terminationGracePeriodSeconds", "terminationGracePeriod");
        let said = run("kubeconform", &arguments, &misspelt).unwrap_err();
        assert!(said.contains("terminationGracePeriod"), "{said}");
    }
}

#[test]
fn the_api_server_takes_what_the_chart_renders() {
    let manifests = objects(&rendered(&everything()).unwrap());
    for object in manifests.iter().filter(|object| is_kubernetes_own(object)) {
        let arguments = [
            "apply",
            "--server-side",
            "--dry-run=server",
            "--validate=strict",
            "-f",
            "-",
        ];
        CLUSTER.kubectl.run(&arguments, &object.to_string()).unwrap();
    }
    let mut pod = find(&manifests, "Deployment")["spec"]["template"]["spec"].clone();
    // Which was made in no more than a dry run.
    pod["serviceAccountName"] = json!("empire-controller");
    CLUSTER.take_pod(&pod).unwrap();
}

/// A role of one's own may lack the verb that the policy asks the controller for.
#[test]
fn the_policy_comes_with_the_role_that_it_asks_for_or_not_at_all() {
    let rendered = |values: &str| {
        let objects = objects(&rendered(values).unwrap());
        let named = |name: &str| objects.iter().any(|object| object["metadata"]["name"] == name);
        assert_eq!(named("empire-apps"), named("empire-runs"));
        (named("empire-apps"), named("empire-controller-own"))
    };
    assert_eq!(rendered(""), (true, true));
    assert_eq!(rendered("admissionPolicy: {enabled: false}"), (false, true));
    assert_eq!(rendered("rbac: {create: false}"), (false, false));
}

#[test]
fn values_that_mean_nothing_are_refused_by_name() {
    for (values, named) in [
        ("replica: 2", "replica"),
        ("replicas: many", "/replicas"),
        ("replicas: 0", "/replicas"),
        ("image: {repository: null}", "/image"),
        ("networkPolicy: null", "networkPolicy"),
        ("admissionPolicy: null", "admissionPolicy"),
        ("admissionPolicy: {enabled: 'no'}", "/admissionPolicy/enabled"),
        (
            "podDisruptionBudget: {maxUnavailable: -1}",
            "/podDisruptionBudget/maxUnavailable",
        ),
        (
            "podDisruptionBudget: {maxUnavailable: some}",
            "/podDisruptionBudget/maxUnavailable",
        ),
        (
            "image: {repository: 'registry.example.com/empire@sha256:1'}",
            "/image/repository",
        ),
        ("image: {digest: latest}", "/image/digest"),
        ("logFormat: xml", "/logFormat"),
        ("ownerId: two words", "/ownerId"),
        ("extraArgs: [{concurrency: 3}]", "/extraArgs/0"),
        ("extraEnv: [{value: 1}]", "/extraEnv/0"),
        (
            "serviceAccount: {annotations: {a: 1}}",
            "/serviceAccount/annotations/a",
        ),
        ("networkPolicy: {enabled: 'no'}", "/networkPolicy/enabled"),
    ] {
        let refusal = rendered(values).unwrap_err();
        assert!(refusal.contains(named), "{values}: {refusal}");
    }
}

/// Neither is released without the other.
#[test]
fn the_chart_has_the_version_of_the_controller() {
    let chart = std::fs::read_to_string(path(&format!("{CHART}/Chart.yaml"))).unwrap();
    let chart: Value = serde_saphyr::from_str(&chart).unwrap();
    for field in ["version", "appVersion"] {
        assert_eq!(chart[field], env!("CARGO_PKG_VERSION"), "{field}");
    }
}

/// The longest release name, and one that does not say what it is, still make names that Kubernetes takes.
#[test]
fn objects_are_named_after_the_release() {
    for (release, name) in [
        ("empire-controller", "empire-controller"),
        ("prod", "prod-empire-controller"),
        ("my-empire-controller", "my-empire-controller"),
        (&"r".repeat(53), &format!("{}-empire-controller", "r".repeat(35))),
    ] {
        let manifests = run("helm", &["template", release, CHART], "").unwrap();
        let objects = objects(&manifests);
        assert_eq!(find(&objects, "Deployment")["metadata"]["name"], *name);
    }
}

/// Returns the values by their path, such as `image.tag`; what is empty or a list is one value.
fn leaves(values: &Value, path: &str) -> BTreeMap<String, Value> {
    match values.as_object().filter(|fields| !fields.is_empty()) {
        Some(fields) => {
            let inner = fields.iter().flat_map(|(name, value)| {
                let dot = if path.is_empty() { "" } else { "." };
                leaves(value, &format!("{path}{dot}{name}"))
            });
            inner.collect()
        }
        None => BTreeMap::from([(path.to_owned(), values.clone())]),
    }
}

#[test]
fn the_reference_has_each_value_and_its_default() {
    let read = |file: &str| std::fs::read_to_string(path(file)).unwrap();
    let values: Value = serde_saphyr::from_str(&read(&format!("{CHART}/values.yaml"))).unwrap();
    let schema: Value = serde_json::from_str(&read(&format!("{CHART}/values.schema.json"))).unwrap();
    let expected: Vec<(String, String)> = leaves(&values, "")
        .into_iter()
        .map(|(path, value)| {
            let shown = match value.as_str() {
                Some("") => "none".to_owned(),
                Some(text) => format!("`{text}`"),
                None => format!("`{value}`"),
            };
            (format!("`{path}`"), shown)
        })
        .collect();
    let page = read("docs/reference/chart.md");
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let mut found: Vec<(String, String)> = rows
        .map(|row| {
            let mut cells = row.split('|').map(str::trim).skip(1);
            (cells.next().unwrap().to_owned(), cells.next().unwrap().to_owned())
        })
        .collect();
    found.sort();
    assert_eq!(found, expected);
    // What the schema does not know, it refuses.
    let known = schema["properties"].as_object().unwrap().keys();
    let known: BTreeSet<&String> = known.filter(|name| *name != "global").collect();
    assert_eq!(known, values.as_object().unwrap().keys().collect());
}
