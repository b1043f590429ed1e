//! The chart as a newcomer uses it: real Helm 4 installs, upgrades, uninstalls and installs again on a real API server,
//! with an App that runs all the while. There are no nodes: this test is the Deployment's controller and its kubelet. It
//! starts the binary with the arguments and variables of the pod template, and writes into the Deployment's status that
//! the pod is available once it is, which is what `helm --wait` looks at.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::manifests::{app, merge};
use super::place::{Cloud, Place};
use crate::support::control_plane::ControlPlane;
use crate::support::controller::Controller;
use crate::support::kubectl::Kubectl;
use crate::support::script::printed_by;

const CHART: &str = "deploy/helm/empire-controller";
/// What a controller on an emulator need not wait for.
const VALUES: &str = "extraArgs={--resync-interval=1s,--retire-after=1s}";
/// The test's own definition of Apps lacks this column, as that of an older chart might.
const COLUMN: &str = "Processes";

struct Helm<'a> {
    binary: PathBuf,
    kubectl: &'a Kubectl,
    /// Of the pod template that runs now.
    running: Option<(Value, Controller)>,
}

impl<'a> Helm<'a> {
    fn new(kubectl: &'a Kubectl) -> Self {
        Helm {
            binary: printed_by("go", &["deploy/local/tools"]).join("helm"),
            kubectl,
            running: None,
        }
    }

    /// Runs Helm to its end, and does meanwhile what nodes would do.
    fn run(&mut self, arguments: &[&str]) -> String {
        let mut helm = self.started(arguments);
        let deadline = Instant::now() + Duration::from_mins(3);
        while helm.try_wait().unwrap().is_none() {
            self.run_pods();
            assert!(Instant::now() < deadline, "helm {arguments:?} goes on and on");
            std::thread::sleep(Duration::from_millis(100));
        }
        self.run_pods();
        let output = helm.wait_with_output().unwrap();
        let [said, complaint] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        assert!(
            output.status.success(),
            "helm {arguments:?}: {said}{complaint}\n{:?}",
            self.running
                .as_ref()
                .map(|(_, controller)| controller.end_of_log())
        );
        said
    }

    fn started(&self, arguments: &[&str]) -> Child {
        let folder = self.kubectl.kubeconfig.with_file_name("helm");
        Command::new(&self.binary)
            .args(arguments)
            .args(["--namespace", "empire-system", "--kubeconfig"])
            .arg(&self.kubectl.kubeconfig)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("HELM_CACHE_HOME", &folder)
            .env("HELM_CONFIG_HOME", &folder)
            .env("HELM_DATA_HOME", &folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn run_pods(&mut self) {
        let found = ["get", "deployments", "-n", "empire-system", "-o", "json"];
        let found: Value = serde_json::from_str(&self.kubectl.run(&found, "").unwrap()).unwrap();
        let Some(deployment) = found["items"].get(0) else {
            self.running = None;
            return;
        };
        let template = &deployment["spec"]["template"]["spec"];
        let is_new = self.running.as_ref().is_none_or(|(old, _)| old != template);
        if is_new {
            // The old one first: a standby is another test's concern.
            self.running = None;
            let container = &template["containers"][0];
            let controller = Controller::start_as(self.kubectl, &arguments(container), &variables(container));
            self.running = Some((template.clone(), controller));
        }
        if is_new || deployment["status"]["observedGeneration"] != deployment["metadata"]["generation"] {
            self.say_available(deployment);
        }
    }

    fn say_available(&self, deployment: &Value) {
        let count = &deployment["spec"]["replicas"];
        let condition =
            |kind: &str, reason: &str| json!({ "type": kind, "status": "True", "reason": reason });
        let status = json!({ "status": {
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": count, "updatedReplicas": count, "readyReplicas": count, "availableReplicas": count,
            "conditions": [
                condition("Available", "MinimumReplicasAvailable"),
                condition("Progressing", "NewReplicaSetAvailable"),
            ],
        }});
        let status = status.to_string();
        let name = deployment["metadata"]["name"].as_str().unwrap();
        let patch = [
            "patch",
            "deployment",
            name,
            "-n",
            "empire-system",
            "--subresource=status",
            "--type=merge",
            "-p",
        ];
        self.kubectl
            .run(&[&patch[..], &[status.as_str()]].concat(), "")
            .unwrap();
    }

    fn columns(&self) -> String {
        let path = "jsonpath={.spec.versions[0].additionalPrinterColumns[*].name}";
        self.kubectl
            .run(&["get", "crd", "apps.empire.dev", "-o", path], "")
            .unwrap()
    }
}

fn arguments(container: &Value) -> Vec<String> {
    let arguments = container["args"].as_array().unwrap().iter();
    let arguments: Vec<String> = arguments.map(|one| one.as_str().unwrap().to_owned()).collect();
    assert_eq!(arguments[0], "run");
    arguments[1..].to_vec()
}

fn variables(container: &Value) -> Vec<(String, String)> {
    let variables = container["env"].as_array().unwrap().iter();
    let value = |variable: &Value| match variable["valueFrom"]["fieldRef"]["fieldPath"].as_str() {
        Some("metadata.namespace") => "empire-system".to_owned(),
        Some("metadata.name") => "empire-controller-0".to_owned(),
        Some(other) => panic!("{other}"),
        None => variable["value"].as_str().unwrap().to_owned(),
    };
    variables
        .map(|variable| (variable["name"].as_str().unwrap().to_owned(), value(variable)))
        .collect()
}

/// Copies the chart, which then has an older definition of Apps and an older version.
fn older_chart(into: &Path) -> String {
    let chart = into.join("older-chart");
    let copied = Command::new("cp")
        .args(["--recursive", "--dereference", CHART])
        .arg(&chart)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap();
    assert!(copied.success());
    let definition = chart.join("files/crds/app.yaml");
    let mut older: Value = serde_saphyr::from_str(&std::fs::read_to_string(&definition).unwrap()).unwrap();
    let columns = &mut older["spec"]["versions"][0]["additionalPrinterColumns"];
    columns
        .as_array_mut()
        .unwrap()
        .retain(|column| column["name"] != COLUMN);
    std::fs::write(&definition, older.to_string()).unwrap();
    chart.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn helm_installs_upgrades_and_uninstalls_beside_an_app_that_goes_on() {
    let control_plane = ControlPlane::start(true);
    let administrator = &control_plane.kubectl;
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": {
        "name": "empire-system", "labels": { "pod-security.kubernetes.io/enforce": "restricted" },
    }});
    administrator
        .run(&["create", "-f", "-"], &namespace.to_string())
        .unwrap();
    let mut helm = Helm::new(administrator);
    let older = older_chart(administrator.kubeconfig.parent().unwrap());
    let install = [
        "install",
        "empire-controller",
        "--wait",
        "--timeout=2m",
        "--set",
        VALUES,
    ];

    let begun = Instant::now();
    let said = helm.run(&[&install[..], &[older.as_str()]].concat());
    assert!(
        said.contains("STATUS: deployed") && said.contains("create-pod-identity-association"),
        "{said}"
    );
    assert!(!helm.columns().contains(COLUMN), "{}", helm.columns());
    let installed = begun.elapsed();
    let mut place = Place::under(administrator, Cloud::Ministack, "helm", "ap-southeast-6").await;
    let ports = json!({ "spec": { "network": { "hostPorts": { "first": 9000, "last": 9100 } } } });
    merge(&mut place.platform, &ports);
    let begun = Instant::now();
    place.apply(&place.platform);
    place.converge(&app("acme"));
    println!(
        "helm install: {installed:?}; then Platform and App until Ready: {:?}",
        begun.elapsed()
    );
    let (before, claims) = (place.aws.see().await, place.claims());

    // The definitions are upgraded, which Helm's own crds/ would not be, and the controller is another.
    let upgrade = [
        "upgrade",
        "empire-controller",
        CHART,
        "--wait",
        "--timeout=2m",
        "--reset-then-reuse-values",
    ];
    helm.run(
        &[
            &upgrade[..],
            &["--set", "extraEnv[0].name=RUST_LOG,extraEnv[0].value=info"],
        ]
        .concat(),
    );
    assert!(helm.columns().contains(COLUMN), "{}", helm.columns());
    place.looked_at_again().await;
    // What a message of the controller's asks for, whoever installed it: what is the same is no conflict.
    let definitions = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
    place.kubectl(&["apply", "--server-side", "-f", definitions.to_str().unwrap()]);

    // Back to the older chart, and the definitions stay as they are.
    let back = [
        &upgrade[..2],
        &[older.as_str()],
        &upgrade[3..],
        &["--set", "crds.install=false"],
    ]
    .concat();
    helm.run(&back);
    assert!(helm.columns().contains(COLUMN), "{}", helm.columns());
    place.looked_at_again().await;
    helm.run(&[&upgrade[..], &["--set", "crds.install=true"]].concat());
    place.looked_at_again().await;

    helm.run(&["uninstall", "empire-controller", "--wait", "--timeout=2m"]);
    assert!(helm.running.is_none(), "the Deployment is gone");
    for kept in [
        &[
            "get",
            "crd/apps.empire.dev",
            "crd/platforms.empire.dev",
            "crd/portallocations.empire.dev",
            "crd/runs.empire.dev",
        ][..],
        &[
            "get",
            "validatingadmissionpolicy,validatingadmissionpolicybinding",
            "empire-definitions",
        ],
        &["get", "platform/helm"],
        &["get", "app/acme"],
    ] {
        place.kubectl(kept);
    }
    assert_eq!(place.aws.see().await, before);

    // The same release owns what it had left there.
    helm.run(&[&install[..], &[CHART]].concat());
    place.looked_at_again().await;
    assert_eq!(
        place.proxy.take_writes(),
        [""; 0],
        "of upgrade, uninstalling and a new installation"
    );
    assert_eq!((place.aws.see().await, place.claims()), (before, claims));
    place.delete("acme");
}

/// Helm takes over what kubectl had applied, without a change of the selector, so that no pod runs beside the old one.
#[test]
fn helm_takes_over_an_installation_made_with_kustomize() {
    let control_plane = ControlPlane::start(false);
    let administrator = &control_plane.kubectl;
    for (flag, folder) in [("-f", "crds"), ("-k", "deploy/base")] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let apply = ["apply", "--server-side", flag, folder.to_str().unwrap()];
        administrator.run(&apply, "").unwrap();
    }
    let mut helm = Helm::new(administrator);
    helm.run_pods();
    let uids = || {
        let path = "jsonpath={.items[*].metadata.uid}";
        let kinds = "deployments,serviceaccounts,customresourcedefinitions";
        administrator
            .run(&["get", kinds, "-n", "empire-system", "-o", path], "")
            .unwrap()
    };
    let before = uids();
    helm.run(&[
        "install",
        "empire-controller",
        CHART,
        "--take-ownership",
        "--force-conflicts",
        "--wait",
        "--timeout=2m",
    ]);
    assert_eq!(uids(), before);
    let path = r"jsonpath={.metadata.annotations.meta\.helm\.sh/release-name}";
    let owner = [
        "get",
        "deployment/empire-controller",
        "-n",
        "empire-system",
        "-o",
        path,
    ];
    assert_eq!(administrator.run(&owner, "").unwrap(), "empire-controller");
}
