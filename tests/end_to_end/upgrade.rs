//! An upgrade from the last release to this version, and back, over Apps of every kind: nothing is written to AWS, no task
//! is replaced, and the writes to Kubernetes are counted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use aws_sdk_ecs::types::Deployment;
use serde_json::{Value, json};

use super::aws::Seen;
use super::exposures::certificate;
use super::manifests::{app, merge, web_app};
use super::place::{Cloud, Place};
use crate::support::control_plane::ControlPlane;
use crate::support::controller::{Controller, Version, install, install_from};
use crate::support::kubectl::Kubectl;
use crate::support::script::printed_by;

const QUICK: [&str; 2] = ["--resync-interval=1s", "--retire-after=1s"];
const ROLE: &str = "arn:aws:iam::123456789012:role/scheduler";

/// Two versions, of which each may be started again and again.
struct Versions<'a> {
    administrator: &'a Kubectl,
    /// The source of the old one, with its binary beside it.
    release: PathBuf,
}

impl Versions<'_> {
    fn start_old(&self) -> Controller {
        let binary = self.release.join("empire-controller");
        let release = Version {
            binary: &binary,
            log: "release.log",
        };
        Controller::launch_version(self.administrator, &release, &QUICK, &[]).ready()
    }

    fn start_new(&self) -> Controller {
        Controller::start(self.administrator, &QUICK)
    }

    fn install_old(&self) {
        install_from(self.administrator, &self.release.join("source"));
    }

    /// Returns the number of passes over an App that have ended since the start, by the log of a version.
    fn passes(&self, log: &str, app: &str) -> usize {
        let log = std::fs::read_to_string(self.administrator.kubeconfig.with_file_name(log));
        let (log, done) = (log.unwrap_or_default(), format!("object={app} "));
        let lines = log.lines().filter(|line| line.contains("pass done kind=App"));
        lines.filter(|line| line.contains(&done)).count()
    }
}

/// A Platform and its Apps.
struct Fleet {
    place: Place,
    apps: Vec<Value>,
    /// Apps that are not to be Ready: the condition that is True of each, and its reason.
    troubled: Vec<(&'static str, &'static str, &'static str)>,
}

/// Everything that must be the same after an upgrade.
#[derive(Debug, PartialEq)]
struct Footprint {
    seen: Seen,
    /// The ids of the services' deployments: a new one replaces tasks.
    deployments: BTreeMap<String, Vec<String>>,
    tasks: BTreeSet<String>,
    /// The status of each App.
    statuses: BTreeMap<String, Value>,
}

impl Fleet {
    fn names(&self) -> impl Iterator<Item = &str> {
        self.apps
            .iter()
            .map(|app| app["metadata"]["name"].as_str().unwrap())
    }

    async fn settle(&self) {
        self.place.apply(&self.place.platform);
        for app in &self.apps {
            self.place.apply(app);
        }
        for name in self.names() {
            match self.troubled.iter().find(|(troubled, ..)| *troubled == name) {
                None => self.place.wait("app", name, "condition=Ready"),
                Some((_, condition, reason)) => {
                    self.place.condition(name, condition, reason).await;
                }
            }
        }
    }

    async fn footprint(&self) -> Footprint {
        let aws = &self.place.aws;
        let id = |deployment: &Deployment| deployment.id().unwrap_or_default().to_owned();
        let services = aws.services().await;
        let deployments = services.iter().map(|service| {
            let name = service.service_name().unwrap().to_owned();
            (name, service.deployments().iter().map(id).collect())
        });
        let tasks = aws.ecs.list_tasks().cluster(&aws.cluster).send().await.unwrap();
        Footprint {
            seen: aws.see().await,
            deployments: deployments.collect(),
            tasks: tasks.task_arns().iter().cloned().collect(),
            statuses: self.statuses(),
        }
    }

    fn statuses(&self) -> BTreeMap<String, Value> {
        let listed = self.place.kubectl(&["get", "apps.empire.dev", "-o", "json"]);
        let listed: Value = serde_json::from_str(&listed).unwrap();
        let apps = listed["items"].as_array().unwrap().iter();
        let of = |object: &Value| {
            let name = object["metadata"]["name"].as_str().unwrap();
            (name.to_owned(), object["status"].clone())
        };
        apps.map(of).collect()
    }
}

fn exposed(name: &str, expose: &Value) -> Value {
    let mut exposed = web_app(name);
    merge(
        &mut exposed,
        &json!({ "spec": { "processes": { "web": { "expose": expose } } } }),
    );
    exposed
}

fn of_process(name: &str, process: &Value) -> Value {
    json!({
        "apiVersion": "empire.dev/v1alpha1",
        "kind": "App",
        "metadata": { "name": name },
        "spec": { "image": "registry.example.com/jobs:v1", "processes": { "job": process } },
    })
}

fn cron(name: &str) -> Value {
    let process = json!({ "command": "./bin/nightly", "cron": "0 3 * * 1-5", "timezone": "Europe/Berlin" });
    of_process(name, &process)
}

fn two_listeners(name: &str) -> Value {
    let listeners = json!([
        { "port": 80, "protocol": "http", "containerPort": 5000 },
        { "port": 8080, "protocol": "http", "containerPort": 5001 },
    ]);
    exposed(name, &json!({ "external": true, "listeners": listeners }))
}

/// Returns Apps on container instances with claimed host ports, and those that are in trouble.
async fn on_instances(administrator: &Kubectl) -> Fleet {
    let mut place = Place::under(administrator, Cloud::Ministack, "upgrade", "sa-east-1").await;
    let spec = json!({
        "network": { "hostPorts": { "first": 9000, "last": 9100 } },
        "tasks": { "schedulerRoleArn": ROLE },
    });
    merge(&mut place.platform, &json!({ "spec": spec }));
    let hostname = json!({ "external": true, "hostnames": ["www.upgrade.example.com"] });
    let mut invalid = web_app("invalid");
    merge(
        &mut invalid,
        &json!({ "spec": { "processes": { "web": { "command": "./bin/web 'unclosed" } } } }),
    );
    Fleet {
        place,
        apps: vec![
            app("acme"),
            web_app("internal"),
            exposed(
                "tcp",
                &json!({ "type": "tcp", "external": true, "containerPort": 5000 }),
            ),
            two_listeners("listeners"),
            cron("nightly"),
            of_process(
                "console",
                &json!({ "command": "./bin/console", "noservice": true }),
            ),
            of_process("unscaled", &json!({ "command": "./bin/worker --name $(SOURCE)" })),
            exposed("named", &hostname),
            exposed("suspended", &json!({ "external": true })),
            invalid,
            exposed("late", &hostname),
        ],
        troubled: vec![
            ("invalid", "Stalled", "InvalidSpec"),
            ("late", "Stalled", "Conflict"),
        ],
    }
}

/// Returns Apps on Fargate, with security groups of tasks.
async fn on_fargate(administrator: &Kubectl) -> Fleet {
    let mut place = Place::under(administrator, Cloud::Ministack, "upgrade-awsvpc", "eu-south-1").await;
    let internal = &place.platform["spec"]["network"]["internal"];
    let tasks = json!({ "subnets": internal["subnets"], "securityGroups": internal["securityGroups"] });
    let spec = json!({
        "capacity": { "launchType": "FARGATE" },
        "network": { "mode": "awsvpc", "tasks": tasks },
        "tasks": { "schedulerRoleArn": ROLE },
    });
    merge(&mut place.platform, &json!({ "spec": spec }));
    Fleet {
        place,
        apps: vec![
            app("acme"),
            exposed("tcp", &json!({ "type": "tcp" })),
            two_listeners("listeners"),
            cron("nightly"),
            of_process("worker", &json!({ "quantity": 3, "cpu": 512, "memory": "1Gi" })),
        ],
        troubled: Vec::new(),
    }
}

/// Returns Apps on moto, which alone knows the certificates of a listener; with free host ports.
async fn with_certificates(administrator: &Kubectl) -> Fleet {
    let region = "ca-central-1";
    let place = Place::under(administrator, Cloud::Moto, "upgrade-https", region).await;
    let certificates: Vec<String> = (0..2).map(|_| certificate(&place, region)).collect();
    let https = json!({
        "type": "https", "external": true, "certificateArns": certificates, "idleTimeout": "2m",
    });
    let ports = json!([
        { "port": 443, "protocol": "https" },
        { "port": 8443, "protocol": "https", "containerPort": 5001 },
    ]);
    let ports = json!({ "external": true, "listeners": ports, "certificateArns": certificates[..1] });
    Fleet {
        place,
        apps: vec![
            app("acme"),
            exposed("https", &https),
            exposed("ports", &ports),
            exposed("tcp", &json!({ "type": "tcp" })),
        ],
        troubled: Vec::new(),
    }
}

/// Returns the number of writes that the API server has been asked for, of each kind, by the controller: other than
/// those to Leases, which come by the clock.
fn api_writes(administrator: &Kubectl) -> BTreeMap<String, u64> {
    let metrics = administrator.run(&["get", "--raw", "/metrics"], "").unwrap();
    let mut writes = BTreeMap::new();
    for line in metrics.lines() {
        let Some(line) = line.strip_prefix("apiserver_request_total{") else {
            continue;
        };
        let (labels, count) = line.rsplit_once("} ").unwrap();
        let label = |name: &str| {
            let (_, rest) = labels.split_once(&format!("{name}=\"")).unwrap();
            rest.split('"').next().unwrap().to_owned()
        };
        let (verb, resource) = (label("verb"), label("resource"));
        let is_write = ["POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION"];
        let of_ours = ["apps", "platforms", "portallocations", "events", "configmaps"];
        let is_ours = ["empire.dev", "events.k8s.io", ""].contains(&label("group").as_str());
        if is_write.contains(&verb.as_str()) && of_ours.contains(&resource.as_str()) && is_ours {
            let what = format!("{verb} {resource} {}", label("subresource"));
            let count: u64 = count.parse().unwrap();
            *writes.entry(what.trim_end().to_owned()).or_default() += count;
        }
    }
    writes
}

/// Returns the writes that came since then.
fn since(before: &BTreeMap<String, u64>, administrator: &Kubectl) -> Vec<(String, u64)> {
    let now = api_writes(administrator).into_iter();
    let new = now.map(|(what, count)| {
        let known = before.get(&what).copied().unwrap_or_default();
        (what, count - known)
    });
    new.filter(|(_, count)| *count > 0).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_from_the_last_release_and_back_writes_nothing() {
    let control_plane = ControlPlane::start(false);
    let administrator = &control_plane.kubectl;
    let release = printed_by("release/build", &[]);
    let versions = Versions {
        administrator,
        release,
    };
    versions.install_old();
    let old = versions.start_old();
    let fleets = [
        on_instances(administrator).await,
        on_fargate(administrator).await,
        with_certificates(administrator).await,
    ];
    let count: usize = fleets.iter().map(|fleet| fleet.apps.len()).sum();
    assert_eq!(count, 20);
    for fleet in &fleets {
        fleet.settle().await;
    }
    // One with a change that waits.
    let instances = &fleets[0].place;
    let suspended = json!({ "spec": { "suspend": true, "image": "registry.example.com/web:v2" } });
    let patch = ["patch", "app", "suspended", "--type=merge", "-p"];
    instances.kubectl(&[&patch[..], &[&suspended.to_string()]].concat());
    let reason = "jsonpath={.status.conditions[?(@.type==\"Ready\")].reason}";
    instances
        .eventually("it is suspended", async || {
            let reason = instances.kubectl(&["get", "app", "suspended", "-o", reason]);
            (reason == "Suspended").then_some(())
        })
        .await;
    looked(&versions, &fleets, &["release.log"]).await;

    let mut before = Vec::new();
    for fleet in &fleets {
        fleet.place.proxy.take_writes();
        before.push(fleet.footprint().await);
    }
    let writes = api_writes(administrator);
    // Of all that ever comes: the Platform with security groups of tasks, which this version records.
    let once = [("APPLY platforms status", 1)];
    let check = async |step: &str, logs: &[&str], expected: &[(&str, u64)]| {
        looked(&versions, &fleets, logs).await;
        for (fleet, before) in fleets.iter().zip(&before) {
            assert_eq!(fleet.place.proxy.take_writes(), [""; 0], "{step}");
            similar_asserts::assert_eq!(&fleet.footprint().await, before, "{step}");
        }
        let found = since(&writes, administrator);
        let found: Vec<_> = found
            .iter()
            .map(|(what, count)| (what.as_str(), *count))
            .collect();
        assert_eq!(found, expected, "{step}");
    };
    check("nothing yet", &["release.log"], &[]).await;
    install(administrator);
    check("new definitions and RBAC", &["release.log"], &[]).await;
    drop(old);
    let new = versions.start_new();
    check("the new controller", &["controller.log"], &once).await;
    drop(new);
    let old = versions.start_old();
    check("the old controller, new definitions", &["release.log"], &once).await;
    versions.install_old();
    check("old definitions", &["release.log"], &once).await;
    drop(old);
    install(administrator);
    let (new, old) = (versions.start_new(), versions.start_old());
    check("both at once", &["release.log", "controller.log"], &once).await;
    drop(old);
    check("the new one alone", &["controller.log"], &once).await;

    // It was not for want of power.
    for fleet in &fleets {
        let mut acme = app("acme");
        let worker = json!({ "spec": { "processes": { "worker": { "env": { "EDITED": "yes" } } } } });
        merge(&mut acme, &worker);
        fleet.place.apply(&acme);
        fleet
            .place
            .wait("app", "acme", "jsonpath={.status.observedGeneration}=2");
        fleet.place.wait("app", "acme", "condition=Ready");
        let writes = fleet.place.proxy.take_writes();
        assert!(writes.contains(&"UpdateService".to_owned()), "{writes:?}");
    }
    drop(new);
}

/// Waits until every App has been looked at twice from now on, by each of the versions that have these logs.
async fn looked(versions: &Versions<'_>, fleets: &[Fleet], logs: &[&str]) {
    for log in logs {
        let keys: Vec<String> = fleets
            .iter()
            .flat_map(|fleet| fleet.names().map(|name| format!("{}/{name}", fleet.place.name)))
            .collect();
        let before: Vec<usize> = keys.iter().map(|key| versions.passes(log, key)).collect();
        for (key, before) in keys.iter().zip(before) {
            // What cannot be right is not looked at before an edit.
            let few = key.ends_with("/invalid") || key.ends_with("/late");
            let wanted = if few { 0 } else { before + 2 };
            fleets[0]
                .place
                .eventually(&format!("{log} has passes over {key}"), async || {
                    (versions.passes(log, key) >= wanted).then_some(())
                })
                .await;
        }
    }
}
