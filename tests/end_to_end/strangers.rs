//! What a tenant does that means harm, with no more than the ClusterRole `edit` in its namespace: with the admission policy
//! it is refused, and without it the controller holds what it can.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::aws::Seen;
use super::manifests::{app, merge};
use super::place::{Cloud, Place};
use crate::support::control_plane::ControlPlane;
use crate::support::controller::{Controller, install};
use crate::support::kubectl::Kubectl;

const QUICK: [&str; 2] = ["--resync-interval=1s", "--retire-after=1s"];
const RECORD: &str = "jsonpath={.metadata.annotations.empire\\.dev/platform-record}";
const FINALIZERS: &str = "jsonpath={.metadata.finalizers}";

struct Tenant<'a> {
    place: &'a Place,
    user: String,
}

impl<'a> Tenant<'a> {
    /// Somebody who may edit in the place's namespace, once the roles are aggregated.
    async fn of(place: &'a Place) -> Self {
        let user = format!("{}-tenant", place.name);
        let flag = format!("--user={user}");
        place.kubectl(&["create", "rolebinding", "tenant", "--clusterrole=edit", &flag]);
        let tenant = Tenant { place, user };
        let may = ["auth", "can-i", "create", "apps.empire.dev"];
        place
            .eventually("the tenant may edit", async || tenant.tried(&may, "").ok())
            .await;
        tenant
    }

    fn tried(&self, arguments: &[&str], stdin: &str) -> Result<String, String> {
        self.place
            .try_kubectl(&[&["--as", &self.user], arguments].concat(), stdin)
    }

    fn does(&self, arguments: &[&str], manifest: &Value) -> String {
        self.tried(arguments, &manifest.to_string())
            .unwrap_or_else(|complaint| panic!("{arguments:?}: {complaint}"))
    }

    /// By stdin: the value may be longer than a command line.
    fn annotates(&self, app: &str, annotation: &str, value: &str) -> Result<String, String> {
        let patch = json!({ "metadata": { "annotations": { annotation: value } } });
        let arguments = ["patch", "app", app, "--type=merge", "--patch-file=/dev/stdin"];
        self.tried(&arguments, &patch.to_string())
    }

    fn takes_the_finalizer_off(&self, app: &str) -> Result<String, String> {
        let off = json!({ "metadata": { "finalizers": null } }).to_string();
        self.tried(&["patch", "app", app, "--type=merge", "-p", &off], "")
    }

    /// The App that its namespace has, on the place's Platform.
    fn app(&self, name: &str) -> Value {
        let mut app = app(name);
        app["spec"]["platform"] = json!(self.place.name);
        app
    }

    fn status(&self, app: &str) -> String {
        self.place
            .kubectl(&["get", "app", app, "-o", "jsonpath={.status}"])
    }
}

/// Returns a record like this one, of another Platform.
fn forged(record: &str, platform: &str) -> String {
    let mut record: Value = serde_json::from_str(record).unwrap();
    record["name"] = json!(platform);
    record.to_string()
}

/// An App with the marks of one that has something on another Platform.
fn forgery(tenant: &Tenant<'_>, record: &str) -> Value {
    let mut forgery = tenant.app("forgery");
    let marks = json!({
        "metadata": {
            "annotations": { "empire.dev/platform-record": record },
            "finalizers": ["empire.dev/controller"],
        },
        "spec": { "platform": null },
    });
    merge(&mut forgery, &marks);
    forgery
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_policy_a_tenant_is_refused_what_is_not_its_own_to_write() {
    let place = Place::new(Cloud::Ministack, "refused", "ap-east-2").await;
    let tenant = Tenant::of(&place).await;
    let acme = tenant.app("acme");
    tenant.does(&["apply", "-f", "-"], &acme);
    place.wait("app", "acme", "condition=Ready");
    let record = place.kubectl(&["get", "app", "acme", "-o", RECORD]);
    let (before, status) = (place.aws.see().await, tenant.status("acme"));
    place.proxy.take_writes();

    let other = forged(&record, "other");
    let create = ["create", "-f", "-"];
    let adopts = tenant.annotates("acme", "empire.dev/adopt", "true");
    for (tried, words) in [
        (
            tenant.annotates("acme", "empire.dev/redeploy", &"x".repeat(250_000)),
            "has 250000 characters, and at most 256 are taken",
        ),
        (
            tenant.annotates("acme", "empire.dev/platform-record", &other),
            "is written by the controller alone",
        ),
        (
            tenant.tried(&create, &forgery(&tenant, &other).to_string()),
            "is written by the controller alone",
        ),
        (adopts, "the verb adopt"),
        // It would drop finalizer and record, and a DELETE that was quick enough would leave everything running.
        (
            tenant.tried(&["replace", "-f", "-"], &acme.to_string()),
            "kubectl apply does, kubectl replace does not",
        ),
    ] {
        let complaint = tried.unwrap_err();
        assert!(
            complaint.contains("empire-apps") && complaint.contains(words),
            "{complaint}"
        );
    }
    place.looked_at_again().await;
    assert_eq!(place.proxy.take_writes(), [""; 0]);
    assert_eq!((place.aws.see().await, tenant.status("acme")), (before, status));

    // While AWS says no, it stays, and its finalizer with it.
    let busy = json!({ "__type": "ServerException", "message": "busy" });
    place
        .proxy
        .answer("DeleteService", StatusCode::INTERNAL_SERVER_ERROR, &busy);
    tenant.does(&["delete", "app", "acme", "--wait=false"], &Value::Null);
    let complaint = tenant.takes_the_finalizer_off("acme").unwrap_err();
    assert!(
        complaint.contains("are the controller's to take off"),
        "{complaint}"
    );
    place.proxy.pass_on("DeleteService");
    place.wait("app", "acme", "delete");
    assert_eq!(place.aws.see().await, Seen::default());
}

/// Deletes the policy, and waits until it is not heeded any more.
async fn without_policy(tenant: &Tenant<'_>, administrator: &Kubectl) {
    let policy = [
        "delete",
        "validatingadmissionpolicybinding,validatingadmissionpolicy",
        "empire-apps",
    ];
    administrator.run(&policy, "").unwrap();
    let mut adopts = tenant.app("probe");
    adopts["metadata"]["annotations"] = json!({ "empire.dev/adopt": "true" });
    let tries = ["create", "--dry-run=server", "-f", "-"];
    tenant
        .place
        .eventually("the policy is forgotten", async || {
            tenant.tried(&tries, &adopts.to_string()).ok()
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_policy_forgeries_win_nothing_and_pin_no_platform() {
    let control_plane = ControlPlane::start(true);
    let administrator = &control_plane.kubectl;
    install(administrator);
    let _controller = Controller::start(administrator, &QUICK);
    let place = Place::under(administrator, Cloud::Ministack, "forged", "ap-northeast-1").await;
    place.apply(&place.platform);
    // Another team's, on the same cluster, which does not take this namespace.
    let mut other = place.platform.clone();
    let tenancy = json!({ "namespaceSelector": { "matchLabels": { "team": "other" } } });
    merge(
        &mut other,
        &json!({ "metadata": { "name": "other" }, "spec": { "tenancy": tenancy } }),
    );
    place.apply(&other);
    let tenant = Tenant::of(&place).await;
    without_policy(&tenant, administrator).await;
    tenant.does(&["apply", "-f", "-"], &tenant.app("acme"));
    place.wait("app", "acme", "condition=Ready");
    place.wait("platform", "other", "condition=Ready");
    let record = place.kubectl(&["get", "app", "acme", "-o", RECORD]);
    let before = place.aws.see().await;
    place.proxy.take_writes();

    // What it has is where the status says, and the finalizer comes back.
    let elsewhere = forged(&record, "other");
    tenant
        .annotates("acme", "empire.dev/platform-record", &elsewhere)
        .unwrap();
    tenant.takes_the_finalizer_off("acme").unwrap();
    place
        .eventually("finalizer and record are put right", async || {
            let held = place.kubectl(&["get", "app", "acme", "-o", FINALIZERS]);
            let found = place.kubectl(&["get", "app", "acme", "-o", RECORD]);
            (held.contains("empire.dev/controller") && found == record).then_some(())
        })
        .await;

    // Also while its manifest is invalid, and of what is copied into the status, nothing is.
    tenant
        .annotates("acme", "empire.dev/redeploy", &"x".repeat(250_000))
        .unwrap();
    let message = place.condition("acme", "Stalled", "InvalidSpec").await;
    assert!(message.contains("has 250000 characters"), "{message}");
    assert!(tenant.status("acme").len() < 10_000);
    tenant.takes_the_finalizer_off("acme").unwrap();
    place
        .eventually("the finalizer is back", async || {
            let held = place.kubectl(&["get", "app", "acme", "-o", FINALIZERS]);
            held.contains("empire.dev/controller").then_some(())
        })
        .await;
    tenant.does(&["annotate", "app", "acme", "empire.dev/redeploy-"], &Value::Null);
    place.wait("app", "acme", "condition=Ready");
    assert_eq!(place.proxy.take_writes(), [""; 0]);
    assert_eq!(place.aws.see().await, before);

    // An App that says that it has something on another Platform is none of its tenants.
    tenant.does(&["create", "-f", "-"], &forgery(&tenant, &elsewhere));
    place.condition("forgery", "Stalled", "NotAllowed").await;
    let moved = json!({ "spec": { "network": { "vpcId": "vpc-0123456789abcdef0" } } }).to_string();
    let edit = [
        "patch",
        "platform",
        "other",
        "--type=merge",
        "--dry-run=server",
        "-p",
        &moved,
    ];
    place.kubectl(&edit);
    place.kubectl(&["delete", "platform", "other", "--timeout=60s"]);

    // With it gone, the forgery is its author's own to clear away.
    place.kubectl(&["delete", "app", "acme", "--timeout=90s"]);
    assert_eq!(place.aws.see().await, Seen::default());
}

/// An older version wrote no Platform into the status of an App whose Platform was not ready at first, and may have been
/// killed before it did.
#[tokio::test(flavor = "multi_thread")]
async fn an_app_whose_status_does_not_say_where_it_is_stays_there_while_its_platform_goes() {
    let place = Place::new(Cloud::Ministack, "unsaid", "af-south-1").await;
    for name in ["acme", "other"] {
        place.apply(&app(name));
        place.wait("app", name, "condition=Ready");
    }
    let marks = || {
        ["acme", "other"]
            .map(|app| [FINALIZERS, RECORD].map(|path| place.kubectl(&["get", "app", app, "-o", path])))
    };
    let (before, seen) = (marks(), place.aws.see().await);
    // While the other one keeps it.
    place.kubectl(&["delete", "platform", "unsaid", "--wait=false"]);
    place.patch_status("acme", &json!({ "platform": null, "processes": null }));
    place
        .eventually("the status says it again", async || {
            let status = place.kubectl(&["get", "app", "acme", "-o", "jsonpath={.status}"]);
            (status.contains("vpcId") && status.contains("taskDefinition")).then_some(())
        })
        .await;
    place.wait("app", "acme", "condition=Ready");
    assert_eq!((marks(), place.aws.see().await), (before, seen));

    place.delete("other");
    place.looked_at_again().await;
    place.kubectl(&["get", "platform", "unsaid"]);
    place.delete("acme");
    place.wait("platform", "unsaid", "delete");
    assert_eq!(place.aws.see().await, Seen::default());
}

/// Likewise over a start, where the Platform's own pass may be the first.
#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_goes_waits_at_a_start_until_each_app_with_its_record_was_judged() {
    let control_plane = ControlPlane::start(true);
    let administrator = &control_plane.kubectl;
    install(administrator);
    let controller = Controller::start(administrator, &QUICK);
    let place = Place::under(administrator, Cloud::Ministack, "unjudged", "ap-southeast-5").await;
    place.apply(&place.platform);
    place.converge(&app("acme"));
    let seen = place.aws.see().await;
    drop(controller);
    place.patch_status("acme", &json!({ "platform": null, "processes": null }));
    place.kubectl(&["delete", "platform", "unjudged", "--wait=false"]);
    let _controller = Controller::start(administrator, &QUICK);
    place.wait("app", "acme", "jsonpath={.status.platform.name}=unjudged");
    place.looked_at_again().await;
    place.wait("app", "acme", "condition=Ready");
    assert_eq!(place.aws.see().await, seen);
    place.kubectl(&["get", "platform", "unjudged"]);

    place.delete("acme");
    place.wait("platform", "unjudged", "delete");
    assert_eq!(place.aws.see().await, Seen::default());
}

/// As many Events as a large release takes, and then few.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_edits_fills_no_store_with_events() {
    let place = Place::new(Cloud::Ministack, "eventful", "ap-southeast-4").await;
    let tenant = Tenant::of(&place).await;
    let process = json!({ "command": "./bin/task", "noservice": true });
    let processes: serde_json::Map<_, _> = (0..100).map(|n| (format!("p{n}"), process.clone())).collect();
    for edit in 0..3 {
        let mut acme = tenant.app("acme");
        acme["spec"]["processes"] = Value::Object(processes.clone());
        acme["spec"]["image"] = json!(format!("registry.example.com/acme:v{edit}"));
        tenant.does(&["apply", "-f", "-"], &acme);
        let generation = format!("jsonpath={{.status.observedGeneration}}={}", edit + 1);
        place.wait("app", "acme", &generation);
        place.wait("app", "acme", "condition=Ready");
    }
    let writes = place.proxy.take_writes().len();
    assert!(writes >= 300, "{writes}");
    let events = place.kubectl(&["get", "events", "-o", "name"]).lines().count();
    assert!((100..=150).contains(&events), "{events}");
    place.delete("acme");
}

/// What is beyond is refused before any of it is made, and what runs goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_gets_no_more_than_the_limits_of_its_namespace() {
    let grant = json!({
        "namespaceSelector": {}, "images": ["*"], "hostnames": ["*"], "limits": { "processes": 3, "tasks": 4 },
    });
    let spec = json!({ "tenancy": { "namespaceSelector": {}, "grants": [grant] } });
    let place = Place::with(Cloud::Ministack, "limited", "ap-south-2", spec).await;
    let tenant = Tenant::of(&place).await;
    place.proxy.take_writes();
    let apply = ["apply", "-f", "-"];
    let mut greedy = tenant.app("greedy");
    greedy["spec"]["processes"] = (0..100)
        .map(|number| {
            let worker = json!({ "command": "./bin/worker", "quantity": 10_000 });
            (format!("worker-{number}"), worker)
        })
        .collect::<serde_json::Map<_, _>>()
        .into();
    tenant.does(&apply, &greedy);
    let message = place.condition("greedy", "Stalled", "NotAllowed").await;
    for number in [
        "1000000",
        "gives namespace limited 4",
        "gives namespace limited 3",
    ] {
        assert!(message.contains(number), "{message}");
    }
    assert_eq!(place.proxy.take_writes(), [""; 0]);
    tenant.does(&["delete", "app", "greedy"], &Value::Null);

    let mut acme = tenant.app("acme");
    acme["spec"]["processes"] = json!({
        "web": { "command": "./bin/web", "expose": {} },
        "worker": { "command": "./bin/worker", "quantity": 3 },
    });
    tenant.does(&apply, &acme);
    place.wait("app", "acme", "condition=Ready");
    let before = place.aws.see().await;
    place.proxy.take_writes();
    acme["spec"]["processes"]["worker"]["quantity"] = json!(4);
    tenant.does(&apply, &acme);
    let message = place.condition("acme", "Stalled", "NotAllowed").await;
    assert!(message.contains("this App has 4"), "{message}");
    acme["spec"]["processes"]["worker"]["quantity"] = json!(3);
    tenant.does(&apply, &acme);
    place.wait("app", "acme", "condition=Ready");
    assert_eq!(place.proxy.take_writes(), [""; 0]);
    assert_eq!(place.aws.see().await, before);
    assert!(before.ownership_records > 0);

    // Its names are kept for its namespace, until the Platform goes.
    place.delete("acme");
    let after = place.aws.see().await;
    assert_eq!(
        (after.names, after.ownership_records),
        (vec![], before.ownership_records)
    );
    place.kubectl(&["delete", "platform", &place.name, "--timeout=90s"]);
    assert_eq!(place.aws.see().await, Seen::default());
}
