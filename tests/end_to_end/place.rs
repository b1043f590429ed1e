//! Where a test plays: a namespace and a Platform of its own, on a region, a cluster and zones of its own in an emulator
//! (everything of the region is looked at, so no two tests may use one; there are two emulators of each kind, since tests
//! are more than regions).
//! The control plane, the controller and the emulators are shared, so the tests also disturb one another as Apps of one
//! installation do: not at all.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_ecs::config::{Credentials, SharedCredentialsProvider};
use serde_json::{Value, json};

use super::aws::Aws;
use super::manifests::{merge, platform};
use crate::support::control_plane::ControlPlane;
use crate::support::controller::{Controller, install};
use crate::support::emulator::Emulator;
use crate::support::kubectl::Kubectl;
use crate::support::proxy::Proxy;
use crate::support::script::printed_by;

/// The flags of the controller: it resyncs often, and removes a replaced load balancer soon.
const QUICK: [&str; 2] = ["--resync-interval=2s", "--retire-after=1s"];

/// Longer than anything here takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

static SHARED: LazyLock<(ControlPlane, Controller)> = LazyLock::new(|| {
    let control_plane = ControlPlane::start(true);
    install(&control_plane.kubectl);
    let controller = Controller::start(&control_plane.kubectl, &QUICK);
    (control_plane, controller)
});
static MINISTACK: [LazyLock<Emulator>; 2] = [const { LazyLock::new(|| Emulator::start("ministack")) }; 2];
static MOTO: [LazyLock<Emulator>; 2] = [const { LazyLock::new(|| Emulator::start("moto")) }; 2];
/// The regions of each emulator that tests play in.
static TAKEN: Mutex<BTreeSet<(String, String)>> = Mutex::new(BTreeSet::new());

#[derive(Clone, Copy, Debug)]
pub(crate) enum Cloud {
    Ministack,
    Moto,
}

pub(crate) struct Place {
    pub(crate) cloud: Cloud,
    /// The name of the Platform, the namespace and the ECS cluster.
    pub(crate) name: String,
    pub(crate) zone: String,
    pub(crate) kubectl: Kubectl,
    /// Between the controller and AWS.
    pub(crate) proxy: Proxy,
    /// Of the emulator, past the proxy.
    pub(crate) endpoint: String,
    pub(crate) aws: Aws,
    /// The Platform as a manifest; not applied yet.
    pub(crate) platform: Value,
}

impl Place {
    /// With a Platform, under the shared controller.
    pub(crate) async fn new(cloud: Cloud, name: &str, region: &str) -> Self {
        Place::with(cloud, name, region, json!({})).await
    }

    /// With a Platform that says something more in its spec.
    pub(crate) async fn with(cloud: Cloud, name: &str, region: &str, spec: Value) -> Self {
        let mut place = Place::under_shared(cloud, name, region).await;
        merge(&mut place.platform, &json!({ "spec": spec }));
        place.apply(&place.platform);
        place.wait("platform", name, "condition=Ready");
        place
    }

    /// With a namespace only, under the shared controller.
    pub(crate) async fn under_shared(cloud: Cloud, name: &str, region: &str) -> Self {
        Place::under(&SHARED.0.kubectl, cloud, name, region).await
    }

    /// With a namespace only, on somebody's control plane.
    pub(crate) async fn under(administrator: &Kubectl, cloud: Cloud, name: &str, region: &str) -> Self {
        Place::made(administrator, cloud, name, region, None).await
    }

    /// With a Platform in the account of an IAM role, under the shared controller.
    pub(crate) async fn in_account_of(cloud: Cloud, name: &str, region: &str, role: &str) -> Self {
        let place = Place::made(&SHARED.0.kubectl, cloud, name, region, Some(role)).await;
        place.apply(&place.platform);
        place.wait("platform", name, "condition=Ready");
        place
    }

    /// Likewise, on somebody's control plane, with an App.
    pub(crate) async fn with_app_in(
        administrator: &Kubectl,
        cloud: Cloud,
        name: &str,
        region: &str,
        role: &str,
        app: &Value,
    ) -> Self {
        let place = Place::made(administrator, cloud, name, region, Some(role)).await;
        place.apply(&place.platform);
        place.converge(app);
        place
    }

    async fn made(
        administrator: &Kubectl,
        cloud: Cloud,
        name: &str,
        region: &str,
        role: Option<&str>,
    ) -> Self {
        let emulators = match cloud {
            Cloud::Ministack => &MINISTACK,
            Cloud::Moto => &MOTO,
        };
        let is_free = |emulator: &&LazyLock<Emulator>| {
            let seat = (emulator.url.clone(), region.to_owned());
            TAKEN.lock().unwrap().insert(seat)
        };
        let emulator = emulators.iter().find(is_free);
        let emulator =
            emulator.unwrap_or_else(|| panic!("{name} would see what another test makes in {region}"));
        let proxy = Proxy::start(&emulator.url).await;
        let zone = format!("{name}.example.com");
        let mut made = seed(&emulator.url, region, name, &zone, role);
        let zones = ["internal", "external"].map(|side| &made["spec"]["dns"][side]["hostedZoneId"]);
        let zones = zones.map(|id| id.as_str().unwrap().to_owned()).to_vec();
        merge(
            &mut made,
            &json!({ "spec": { "endpointUrl": proxy.url, "roleArn": role } }),
        );
        let mut config = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .endpoint_url(&emulator.url)
            .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests()))
            .load()
            .await;
        if let Some(role) = role {
            let assumed = AssumeRoleProvider::builder(role).session_name("tests");
            let assumed = SharedCredentialsProvider::new(assumed.configure(&config).build().await);
            config = config.into_builder().credentials_provider(assumed).build();
        }
        administrator.run(&["create", "namespace", name], "").unwrap();
        Place {
            cloud,
            name: name.into(),
            zone,
            kubectl: administrator.clone(),
            proxy,
            endpoint: emulator.url.clone(),
            aws: Aws {
                ecs: aws_sdk_ecs::Client::new(&config),
                elbv2: aws_sdk_elasticloadbalancingv2::Client::new(&config),
                route53: aws_sdk_route53::Client::new(&config),
                scheduler: aws_sdk_scheduler::Client::new(&config),
                logs: aws_sdk_cloudwatchlogs::Client::new(&config),
                secrets: aws_sdk_secretsmanager::Client::new(&config),
                cluster: name.into(),
                zones,
            },
            platform: platform(name, &made),
        }
    }

    /// kubectl in the test's namespace. Panics with kubectl's words.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        self.try_kubectl(arguments, "")
            .unwrap_or_else(|complaint| panic!("kubectl {arguments:?}: {complaint}"))
    }

    /// Applies an App or a Platform. An App that names no Platform is given the test's own.
    /// Merges into the status of an App, as its controller alone may.
    pub(crate) fn patch_status(&self, app: &str, status: &Value) {
        let patch = json!({ "status": status }).to_string();
        let to = ["patch", "app", app, "--subresource=status", "--type=merge", "-p"];
        self.kubectl(&[to.as_slice(), &[&patch]].concat());
    }

    pub(crate) fn apply(&self, manifest: &Value) -> String {
        let mut manifest = manifest.clone();
        if manifest["kind"] == "App" && manifest["spec"]["platform"].is_null() {
            manifest["spec"]["platform"] = json!(self.name);
        }
        let applied = self.try_kubectl(&["apply", "-f", "-"], &manifest.to_string());
        applied.unwrap_or_else(|complaint| panic!("{complaint}"))
    }

    /// Waits as a developer does: `kubectl wait --for=...`.
    pub(crate) fn wait(&self, kind: &str, name: &str, condition: &str) {
        let (what, condition) = (format!("{kind}/{name}"), format!("--for={condition}"));
        let patience = format!("--timeout={}s", PATIENCE.as_secs());
        if let Err(complaint) = self.try_kubectl(&["wait", &what, &condition, &patience], "") {
            panic!("{complaint}\n{}", self.describe(kind, name));
        }
    }

    /// Applies an App and waits until it is Ready. Returns the AWS writes that it took.
    pub(crate) fn converge(&self, app: &Value) -> Vec<String> {
        self.proxy.take_writes();
        self.apply(app);
        self.wait(
            "app",
            app["metadata"]["name"].as_str().unwrap(),
            "condition=Ready",
        );
        self.proxy.take_writes()
    }

    /// Deletes an App and waits until the object is gone. Returns the AWS writes that it took.
    pub(crate) fn delete(&self, app: &str) -> Vec<String> {
        self.proxy.take_writes();
        let patience = format!("--timeout={}s", PATIENCE.as_secs());
        if let Err(complaint) = self.try_kubectl(&["delete", "app", app, &patience], "") {
            panic!("{complaint}\n{}", self.describe("app", app));
        }
        self.proxy.take_writes()
    }

    /// Waits for a reason of a condition that is True and returns its message.
    pub(crate) async fn condition(&self, app: &str, condition: &str, reason: &str) -> String {
        let path = format!("jsonpath={{.status.conditions[?(@.type==\"{condition}\")]}}");
        let what = format!("{app} has {condition}, {reason}");
        self.eventually(&what, async || {
            let found = self.kubectl(&["get", "app", app, "-o", &path]);
            let found: Value = serde_json::from_str(&found).ok()?;
            let is_it = found["status"] == "True" && found["reason"] == reason;
            is_it.then(|| found["message"].as_str().unwrap().to_owned())
        })
        .await
    }

    /// Looks until there is something to return.
    pub(crate) async fn eventually<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(
                Instant::now() < deadline,
                "never: {what}\n{}",
                self.describe("apps", "")
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Until each App here has been compared with AWS as a whole, at least twice from now on.
    pub(crate) async fn looked_at_again(&self) {
        let before = self.proxy.reads("ListServices");
        // The first may have been under way.
        self.eventually("the controller looks again", async || {
            (self.proxy.reads("ListServices") >= before + 3).then_some(())
        })
        .await;
    }

    pub(crate) fn has_host_ports(&self) -> bool {
        !self.platform["spec"]["network"]["hostPorts"].is_null()
    }

    /// The host ports that are claimed on the test's Platform.
    pub(crate) fn claims(&self) -> Vec<i32> {
        let path = format!(
            "jsonpath={{.items[?(@.spec.platform==\"{}\")].spec.port}}",
            self.name
        );
        let ports = self.kubectl(&["get", "portallocations", "-o", &path]);
        let mut ports: Vec<i32> = ports
            .split_whitespace()
            .map(|port| port.parse().unwrap())
            .collect();
        ports.sort_unstable();
        ports
    }

    pub(crate) fn try_kubectl(&self, arguments: &[&str], stdin: &str) -> Result<String, String> {
        let mut all = vec!["--namespace", &self.name];
        all.extend(arguments);
        self.kubectl.run(&all, stdin)
    }

    fn describe(&self, kind: &str, name: &str) -> String {
        let described = self
            .try_kubectl(
                &["describe", kind, name][..if name.is_empty() { 2 } else { 3 }],
                "",
            )
            .unwrap_or_else(|complaint| complaint);
        let log = std::fs::read_to_string(self.kubectl.kubeconfig.with_file_name("controller.log"));
        let log = log.unwrap_or_default();
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(&self.name)).collect();
        let tail = lines[lines.len().saturating_sub(40)..].join("\n");
        format!(
            "{described}\nlast AWS writes: {:?}\nof the controller's log:\n{tail}",
            self.proxy.take_writes()
        )
    }
}

/// Every request of every story is one that AWS would have taken, of a controller with the policy that we ship.
impl Drop for Place {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let faults: Vec<String> = self.proxy.faults().into_iter().collect();
            assert!(faults.is_empty(), "AWS would refuse:\n{}", faults.join("\n"));
            assert_eq!(
                self.proxy.take_needs(),
                BTreeSet::new(),
                "of deploy/iam, by a test that does not say so"
            );
        }
    }
}

/// Returns the number of times that each call was made.
pub(crate) fn tally(calls: &[String]) -> Vec<(&str, usize)> {
    let mut tally = std::collections::BTreeMap::new();
    for call in calls {
        *tally.entry(call.as_str()).or_default() += 1;
    }
    tally.into_iter().collect()
}

fn seed(endpoint: &str, region: &str, cluster: &str, zone: &str, role: Option<&str>) -> Value {
    let python = printed_by("emulators/install", &[]).join("python");
    let seed = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/local/emulators/seed");
    let output = Command::new(python)
        .arg(seed)
        .args([endpoint, region, cluster, zone])
        .args(role)
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    serde_json::from_slice(&output.stdout).unwrap()
}
