//! One App from `kubectl apply` through every kind of edit to `kubectl delete`, with what each costs in AWS writes
//! (section 3 of the project's AWS notes). Two zones are written where a name is external, so z is 2 then.
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
    let mut acme = app("acme");
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

    edit(place, &mut acme, &expected).await;

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
        ownership_records: 4,
    }
}

/// What `kubectl get` and the status say of an App that is Ready.
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

/// One kind of edit after the other, back to what it was but for the processes.
async fn edit(place: &Place, acme: &mut Value, created: &Seen) {
    let mut expected = created.clone();
    let mut step = async |patch: Value, cost: &[(&str, usize)], change: &dyn Fn(&mut Seen)| {
        merge(acme, &json!({ "spec": patch }));
        let writes = place.converge(acme);
        assert_eq!(tally(&writes), cost, "{patch}: {writes:?}");
        change(&mut expected);
        assert_eq!(place.aws.see().await, expected, "{patch}");
    };
    let (register, update) = (("RegisterTaskDefinition", 1), ("UpdateService", 1));

    let image = "registry.example.com/acme:v2";
    step(
        json!({ "image": image }),
        &[("RegisterTaskDefinition", 2), ("UpdateService", 2)],
        &|seen| {
            seen.services
                .values_mut()
                .for_each(|service| service.image = image.into());
        },
    )
    .await;
    let env = json!({ "processes": { "worker": { "env": { "QUEUES": "mail" } } } });
    step(env, &[register, update], &|seen| {
        worker(seen).environment.insert("QUEUES".into(), "mail".into());
    })
    .await;
    step(
        json!({ "processes": { "worker": { "quantity": 4 } } }),
        &[update],
        &|seen| worker(seen).desired = 4,
    )
    .await;
    let check = json!({ "processes": { "web": { "expose": { "check": { "path": "/healthz" } } } } });
    step(check, &[("ModifyTargetGroup", 1)], &|seen| {
        seen.target_groups = vec!["/healthz".into()]
    })
    .await;

    let internal = format!("internal.{}", place.zone);
    let inside = vec![format!("acme-web.{internal}"), format!("acme.{internal}")];
    let flip = json!({ "processes": { "web": { "expose": { "external": false } } } });
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
    step(flip, &replaced, &|seen| {
        seen.load_balancers = vec![("internal".into(), vec![80])];
        seen.names.clone_from(&inside);
        seen.ownership_records = 2;
    })
    .await;

    let hostnames =
        json!({ "processes": { "web": { "expose": { "hostnames": [format!("www.{internal}")] } } } });
    step(hostnames, &[("ChangeResourceRecordSets", 1)], &|seen| {
        seen.names.push(format!("www.{internal}"));
        seen.ownership_records = 3;
    })
    .await;

    let api = json!({ "command": "./bin/api", "quantity": 1, "expose": { "containerPort": 3000 } });
    let added = [
        ("ChangeResourceRecordSets", 1),
        ("CreateListener", 1),
        ("CreateLoadBalancer", 1),
        ("CreateService", 1),
        ("CreateTargetGroup", 1),
        ("ModifyTargetGroupAttributes", 1),
        ("RegisterTaskDefinition", 1),
    ];
    merge(
        acme,
        &json!({ "spec": { "processes": { "api": api, "worker": null } } }),
    );
    let writes = place.converge(acme);
    let mut both = added.to_vec();
    both.insert(5, ("DeleteService", 1));
    assert_eq!(tally(&writes), both, "{writes:?}");
    let seen = place.aws.see().await;
    assert_eq!(seen.services.keys().collect::<Vec<_>>(), ["acme_api", "acme_web"]);
    assert_eq!(seen.load_balancers.len(), 2);
    assert_eq!(place.claims().len(), if place.has_host_ports() { 2 } else { 0 });

    merge(
        acme,
        &json!({ "spec": { "processes": { "web": { "expose": { "type": "none" } } } } }),
    );
    for field in ["external", "check", "hostnames"] {
        merge(
            acme,
            &json!({ "spec": { "processes": { "web": { "expose": { field: null } } } } }),
        );
    }
    let writes = place.converge(acme);
    let dropped = [
        ("ChangeResourceRecordSets", 1),
        ("DeleteLoadBalancer", 1),
        ("DeleteTargetGroup", 1),
        ("RegisterTaskDefinition", 1),
        ("UpdateService", 1),
    ];
    assert_eq!(tally(&writes), dropped, "{writes:?}");
    let seen = place.aws.see().await;
    assert_eq!(seen.services["acme_web"].target_groups, 0);
    assert_eq!(seen.names, [format!("acme-api.{internal}")]);
    assert_eq!(
        place.claims().len(),
        usize::from(place.has_host_ports()),
        "web's is free again"
    );

    // moto refuses to make a record again that it once had, if any other record sorts after it.
    if matches!(place.cloud, Cloud::Moto) {
        return;
    }
    merge(
        acme,
        &json!({ "spec": { "processes": { "web": { "expose": null } } } }),
    );
    let writes = place.converge(acme);
    let exposed = [
        ("ChangeResourceRecordSets", 1),
        ("CreateListener", 1),
        ("CreateLoadBalancer", 1),
        ("CreateTargetGroup", 1),
        ("ModifyTargetGroupAttributes", 1),
        ("RegisterTaskDefinition", 1),
        ("UpdateService", 1),
    ];
    assert_eq!(tally(&writes), exposed, "{writes:?}");
    let seen = place.aws.see().await;
    assert_eq!(seen.services["acme_web"].target_groups, 1);
    assert_eq!(
        seen.names,
        [
            format!("acme-api.{internal}"),
            inside[0].clone(),
            inside[1].clone()
        ]
    );
}

fn worker(seen: &mut Seen) -> &mut SeenService {
    seen.services.get_mut("acme_worker").unwrap()
}
