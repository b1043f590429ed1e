//! One App from `kubectl apply` through every kind of edit to `kubectl delete`, with what each costs in AWS writes
//! (docs/aws.md#the-floor). Two zones are written where a name is external, so z is 2 then.
//!
//! Allocated host ports are shown on moto only. They make ECS replace tasks one by one, within 100 %, which ministack
//! does not go through with unless it runs real containers. Its rollouts are otherwise more real than moto's, which are
//! over before they begin.

use serde_json::{Value, json};

use super::aws::{Seen, SeenService};
use super::manifests::{app, merge};
use super::place::{Cloud, Place, tally};

#[tokio::test(flavor = "multi_thread")]
async fn an_app_lives_and_leaves_nothing_behind_on_ministack() {
    live(&Place::new(Cloud::Ministack, "life-ministack", "us-east-1").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_lives_and_leaves_nothing_behind_on_moto() {
    let spec = json!({ "network": { "hostPorts": { "first": 9000, "last": 9100 } } });
    live(&Place::with(Cloud::Moto, "life-moto", "us-east-1", spec).await).await;
}

async fn live(place: &Place) {
    let acme = app("acme");
    let writes = place.converge(&acme);
    let created = [
        ("ChangeResourceRecordSets", 2),
        ("CreateListener", 1),
        ("CreateLoadBalancer", 1),
        ("CreateService", 2),
        ("CreateTargetGroup", 1),
        ("ModifyTargetGroupAttributes", 1),
        ("RegisterTaskDefinition", 2),
    ];
    assert_eq!(tally(&writes), created, "{writes:?}");
    let port = place.claims().first().copied();
    assert_eq!(port.is_some(), place.has_host_ports());
    let expected = after_create(place, port);
    assert_eq!(place.aws.see().await, expected);
    shows_what_serves(place, port);

    assert!(place.apply(&acme).contains("unchanged"));
    place.looked_at_again().await;
    assert_eq!(place.proxy.take_writes(), [""; 0], "nothing changed");

    let mut story = Story {
        place,
        acme,
        expected,
    };
    edit_what_runs(&mut story).await;
    edit_how_it_is_reached(&mut story).await;
    add_and_remove_processes(&mut story).await;
    drop_exposure_and_take_it_up_again(&mut story).await;

    let exposed = place.aws.see().await.load_balancers.len();
    let writes = place.delete("acme");
    let deleted = [
        ("ChangeResourceRecordSets", 1),
        ("DeleteLoadBalancer", exposed),
        ("DeleteService", 2),
        ("DeleteTargetGroup", exposed),
    ];
    assert_eq!(tally(&writes), deleted, "{writes:?}");
    assert_eq!(place.aws.see().await, Seen::default());
    assert_eq!(place.claims(), [0; 0]);
    place.kubectl(&["delete", "platform", &place.name, "--timeout=60s"]);
}

fn after_create(place: &Place, port: Option<i32>) -> Seen {
    let zone = &place.zone;
    let environment = |process: &str, more: &[(&str, &str)]| {
        let source = format!("acme.{process}");
        let common = [
            ("RAILS_ENV", "production"),
            ("EMPIRE_APPNAME", "acme"),
            ("EMPIRE_PROCESS", process),
            ("SOURCE", &source),
        ];
        let all = common.iter().chain(more);
        all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    let web = SeenService {
        desired: 2,
        image: "registry.example.com/acme:v1".into(),
        environment: environment("web", &[("PORT", "8080")]),
        host_port: Some(port.unwrap_or(0)),
        target_groups: 1,
    };
    let worker = SeenService {
        desired: 1,
        environment: environment("worker", &[]),
        host_port: None,
        target_groups: 0,
        ..web.clone()
    };
    Seen {
        services: [("acme_web".into(), web), ("acme_worker".into(), worker)].into(),
        load_balancers: vec![("internet-facing".into(), vec![80])],
        target_groups: vec!["/health".into()],
        names: vec![
            format!("acme-web.internal.{zone}"),
            format!("acme-web.{zone}"),
            format!("acme.internal.{zone}"),
            format!("acme.{zone}"),
        ],
        dangling_names: Vec::new(),
        ownership_records: 4,
    }
}

/// Checks `kubectl get` and the status of an App that is Ready.
fn shows_what_serves(place: &Place, port: Option<i32>) {
    let row = place.kubectl(&["get", "apps.empire.dev", "acme", "--no-headers"]);
    let columns: Vec<&str> = row.split_whitespace().collect();
    let url = format!("http://acme.{}", place.zone);
    assert_eq!(
        columns[..6],
        ["acme", &place.name, "True", "Available", "2/2", &url],
        "{row}"
    );
    let object = place.kubectl(&["get", "app", "acme", "-o", "json"]);
    let object: Value = serde_json::from_str(&object).unwrap();
    let processes = object["status"]["processes"].as_array().unwrap();
    assert_eq!(processes[0]["name"], "web");
    // moto says 100.
    assert!(processes[0]["running"].as_i64() >= Some(2), "{row}");
    assert_eq!(
        processes[0]["hostPorts"].as_array().map_or(0, Vec::len),
        port.iter().len()
    );
    assert!(
        processes[0]["taskDefinition"]
            .as_str()
            .unwrap()
            .contains("_acme_web:")
    );
    assert_eq!(
        object["status"]["observedGeneration"],
        object["metadata"]["generation"]
    );
    // GitOps tools compare: the spec is what was applied, to the letter.
    let mut applied = app("acme");
    applied["spec"]["platform"] = json!(place.name);
    assert_eq!(object["spec"], applied["spec"]);
}

/// An App, and what AWS should hold for it.
struct Story<'a> {
    place: &'a Place,
    acme: Value,
    expected: Seen,
}

impl Story<'_> {
    /// An edit, what it costs, and what it makes different in AWS.
    async fn edit(&mut self, patch: Value, cost: &[(&str, usize)], change: impl FnOnce(&mut Seen)) {
        merge(&mut self.acme, &json!({ "spec": patch }));
        let writes = self.place.converge(&self.acme);
        assert_eq!(tally(&writes), cost, "{patch}: {writes:?}");
        change(&mut self.expected);
        assert_eq!(self.place.aws.see().await, self.expected, "{patch}");
    }

    /// The same for one process.
    async fn edit_process(
        &mut self,
        process: &str,
        patch: Value,
        cost: &[(&str, usize)],
        change: impl FnOnce(&mut Seen),
    ) {
        self.edit(json!({ "processes": { process: patch } }), cost, change)
            .await;
    }

    fn internal(&self, name: &str) -> String {
        format!("{name}.internal.{}", self.place.zone)
    }
}

async fn edit_what_runs(story: &mut Story<'_>) {
    let image = "registry.example.com/acme:v2";
    let both = [("RegisterTaskDefinition", 2), ("UpdateService", 2)];
    let change = |seen: &mut Seen| seen.services.values_mut().for_each(|s| s.image = image.into());
    story.edit(json!({ "image": image }), &both, change).await;

    let one = [("RegisterTaskDefinition", 1), ("UpdateService", 1)];
    let env = json!({ "env": { "QUEUES": "mail" } });
    let change = |seen: &mut Seen| {
        worker(seen).environment.insert("QUEUES".into(), "mail".into());
    };
    story.edit_process("worker", env, &one, change).await;

    let change = |seen: &mut Seen| worker(seen).desired = 4;
    let scale = json!({ "quantity": 4 });
    story
        .edit_process("worker", scale, &[("UpdateService", 1)], change)
        .await;
}

async fn edit_how_it_is_reached(story: &mut Story<'_>) {
    let check = json!({ "expose": { "check": { "path": "/healthz" } } });
    let change = |seen: &mut Seen| seen.target_groups = vec!["/healthz".into()];
    story
        .edit_process("web", check, &[("ModifyTargetGroup", 1)], change)
        .await;

    // Its load balancer is replaced: the old one goes when the new one serves and has the names.
    let replaced = [
        ("ChangeResourceRecordSets", 2),
        ("CreateListener", 1),
        ("CreateLoadBalancer", 1),
        ("CreateTargetGroup", 1),
        ("DeleteLoadBalancer", 1),
        ("DeleteTargetGroup", 1),
        ("ModifyTargetGroupAttributes", 1),
        ("UpdateService", 2),
    ];
    let names = vec![story.internal("acme-web"), story.internal("acme")];
    let change = |seen: &mut Seen| {
        seen.load_balancers = vec![("internal".into(), vec![80])];
        seen.names = names;
        seen.ownership_records = 2;
    };
    let flip = json!({ "expose": { "external": false } });
    story.edit_process("web", flip, &replaced, change).await;

    let name = story.internal("www");
    let hostnames = json!({ "expose": { "hostnames": [name] } });
    let change = |seen: &mut Seen| {
        seen.names.push(name);
        seen.ownership_records = 3;
    };
    story
        .edit_process("web", hostnames, &[("ChangeResourceRecordSets", 1)], change)
        .await;
}

async fn add_and_remove_processes(story: &mut Story<'_>) {
    let cost = [
        ("ChangeResourceRecordSets", 1),
        ("CreateListener", 1),
        ("CreateLoadBalancer", 1),
        ("CreateService", 1),
        ("CreateTargetGroup", 1),
        ("DeleteService", 1),
        ("ModifyTargetGroupAttributes", 1),
        ("RegisterTaskDefinition", 1),
    ];
    let api = json!({ "command": "./bin/api", "quantity": 1, "expose": { "containerPort": 3000 } });
    let patch = json!({ "processes": { "api": api, "worker": null } });
    merge(&mut story.acme, &json!({ "spec": patch }));
    let writes = story.place.converge(&story.acme);
    assert_eq!(tally(&writes), cost, "{writes:?}");
    story.expected = story.place.aws.see().await;
    let (names, seen) = (story.internal("acme-api"), &story.expected);
    assert_eq!(seen.services.keys().collect::<Vec<_>>(), ["acme_api", "acme_web"]);
    assert_eq!(seen.services["acme_api"].environment["PORT"], "3000");
    assert_eq!(seen.load_balancers.len(), 2);
    assert!(seen.names.contains(&names), "{:?}", seen.names);
    let claims = if story.place.has_host_ports() { 2 } else { 0 };
    assert_eq!(story.place.claims().len(), claims, "one host port each");
}

async fn drop_exposure_and_take_it_up_again(story: &mut Story<'_>) {
    let place = story.place;
    let dropped = [
        ("ChangeResourceRecordSets", 1),
        ("DeleteLoadBalancer", 1),
        ("DeleteTargetGroup", 1),
        ("RegisterTaskDefinition", 1),
        ("UpdateService", 1),
    ];
    let api = story.internal("acme-api");
    let change = |seen: &mut Seen| {
        let web = seen.services.get_mut("acme_web").unwrap();
        (web.host_port, web.target_groups) = (None, 0);
        web.environment.remove("PORT");
        seen.load_balancers.truncate(1);
        seen.target_groups = vec!["/".into()];
        seen.names = vec![api];
        seen.ownership_records = 1;
    };
    let none = json!({ "type": "none", "external": null, "check": null, "hostnames": null });
    story
        .edit_process("web", json!({ "expose": none }), &dropped, change)
        .await;
    let claims = usize::from(place.has_host_ports());
    assert_eq!(place.claims().len(), claims, "web's port is free again");

    // moto refuses to make a record again that it once had, if any other record sorts after it.
    if matches!(place.cloud, Cloud::Moto) {
        return;
    }
    // What it ran before it was not exposed is registered already.
    let exposed = [
        ("ChangeResourceRecordSets", 1),
        ("CreateListener", 1),
        ("CreateLoadBalancer", 1),
        ("CreateTargetGroup", 1),
        ("ModifyTargetGroupAttributes", 1),
        ("UpdateService", 1),
    ];
    let names = [story.internal("acme-web"), story.internal("acme")];
    let change = |seen: &mut Seen| {
        let web = seen.services.get_mut("acme_web").unwrap();
        (web.host_port, web.target_groups) = (Some(0), 1);
        web.environment.insert("PORT".into(), "8080".into());
        seen.load_balancers.push(("internal".into(), vec![80]));
        seen.target_groups.push("/".into());
        seen.names.extend(names);
        seen.ownership_records = 3;
    };
    story
        .edit_process("web", json!({ "expose": null }), &exposed, change)
        .await;
}

fn worker(seen: &mut Seen) -> &mut SeenService {
    seen.services.get_mut("acme_worker").unwrap()
}
