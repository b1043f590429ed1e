//! What counts of an App.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a manifest is written where it is used"
)]

use serde_json::{Value, json};

use super::{Amounts, Usage, counted};
use crate::api::app::App;
use crate::desired::fixtures::app_with;

/// In the order of [`Amounts`].
fn amounts(numbers: [u64; 8]) -> Amounts {
    let [
        apps,
        processes,
        tasks,
        cpu,
        memory,
        load_balancers,
        host_ports,
        schedules,
    ] = numbers;
    Amounts {
        apps,
        processes,
        tasks,
        cpu,
        memory,
        load_balancers,
        host_ports,
        schedules,
    }
}

const NOTHING: [u64; 8] = [0; 8];

fn app(spec: Value, status: Value) -> App {
    app_with(json!({ "spec": spec, "status": status }))
}

#[track_caller]
fn check(app: &App, asks: [u64; 8], keeps: [u64; 8], holds: [u64; 8]) {
    let expected = Usage {
        asks: amounts(asks),
        keeps: amounts(keeps),
        holds: amounts(holds),
    };
    assert_eq!(Usage::of(app, app.status.as_ref()), expected);
}

/// One of each kind, all that was never made.
fn every_kind() -> Value {
    json!({ "processes": {
        "web": { "quantity": 3, "cpu": 512, "memory": "1Gi" },
        "api": { "quantity": 2, "expose": { "listeners": [
            { "port": 80, "protocol": "http", "containerPort": 8080 },
            { "port": 81, "protocol": "http", "containerPort": 8081 },
            { "port": 82, "protocol": "http", "containerPort": 8081 },
        ] } },
        "worker": { "memory": "100Mi" },
        "nightly": { "cron": "0 3 * * ? *", "cpu": 1024 },
        "console": { "noservice": true, "cpu": 4096 },
    } })
}

#[test]
fn a_new_app_asks_for_all_that_its_manifest_says_and_has_nothing() {
    let app = app(every_kind(), json!(null));
    let tasks = 3 + 2 + 1 + 1;
    let (cpu, memory) = (3 * 512 + 2 * 256 + 256 + 1024, 3 * 1024 + 2 * 512 + 100 + 512);
    check(&app, [1, 5, tasks, cpu, memory, 2, 3, 1], NOTHING, NOTHING);
    assert!(Usage::of(&app, None).grows());
}

/// As the status shows all of it.
fn shown(extra: Value) -> Value {
    let process = |name: &str, desired: u32| json!({ "name": name, "desired": desired, "taskDefinition": name, "rollout": "Completed" });
    let mut web = process("web", 3);
    web["loadBalancer"] = "e-web".into();
    let mut status = json!({
        "observedGeneration": 3, "platform": { "name": "staging", "region": "", "cluster": "", "vpcId": "" },
        "processes": [
            web, process("worker", 7),
            { "name": "nightly", "taskDefinition": "nightly", "schedule": { "name": "nightly" } },
            { "name": "console", "taskDefinition": "console" },
        ],
    });
    for (field, value) in extra.as_object().unwrap() {
        status[field] = value.clone();
    }
    status
}

fn spec() -> Value {
    json!({ "processes": {
        "web": { "quantity": 3 }, "worker": {},
        "nightly": { "cron": "0 3 * * ? *" }, "console": { "noservice": true },
    } })
}

/// Host ports are for the Platform to count or not, of which some have none.
#[test]
fn an_app_from_before_there_were_limits_keeps_what_its_status_shows() {
    let app = app(spec(), shown(json!({})));
    let tasks = 3 + 7 + 1;
    check(
        &app,
        [1, 4, tasks, tasks * 256, tasks * 512, 1, 1, 1],
        [1, 4, tasks, tasks * 256, tasks * 512, 1, 0, 1],
        [1, 4, tasks, tasks * 256, tasks * 512, 1, 0, 1],
    );
}

#[test]
fn more_than_was_let_in_is_growth_by_whatever_number() {
    let before = app(spec(), shown(json!({})));
    let counted = counted(&before, before.status.as_ref());
    let counted = json!(counted);
    assert_eq!(
        counted,
        json!({
            "processes": 4, "tasks": 5, "cpu": 5 * 256, "memory": 5 * 512, "loadBalancers": 1, "hostPorts": 1, "schedules": 1,
        })
    );
    let grows = |process: &str, fields: Value| {
        let mut spec = spec();
        for (name, value) in fields.as_object().unwrap() {
            spec["processes"][process][name] = value.clone();
        }
        let app = app(spec, shown(json!({ "counted": counted })));
        Usage::of(&app, app.status.as_ref()).grows()
    };
    assert!(!grows("web", json!({ "image": "registry.example/acme:v43" })));
    assert!(!grows("web", json!({ "quantity": 2, "memory": "256Mi" })));
    assert!(grows("web", json!({ "quantity": 4 })));
    assert!(grows("web", json!({ "cpu": 512 })));
    assert!(grows("worker", json!({ "memory": "1Gi" })));
    assert!(grows("worker", json!({ "expose": {} })));
    assert!(grows("other", json!({ "command": "run" })));
    assert!(grows("console", json!({ "noservice": false })));
    // Written down, what others have scaled it to is the App's own.
    assert!(grows("worker", json!({ "quantity": 7 })));
}

#[test]
fn what_others_scale_counts_and_is_no_growth() {
    for (desired, tasks) in [(0, 1), (1, 1), (40, 40)] {
        let worker =
            json!({ "name": "worker", "desired": desired, "taskDefinition": "1", "rollout": "Completed" });
        let one = json!({ "processes": 1, "tasks": 1, "cpu": 256, "memory": 512 });
        for counted in [json!(null), one] {
            let status = json!({ "observedGeneration": 3, "processes": [worker], "counted": counted });
            let app = app(json!({ "processes": { "worker": {} } }), status);
            let usage = Usage::of(&app, app.status.as_ref());
            assert_eq!((usage.asks.tasks, usage.keeps.tasks), (tasks, tasks), "{desired}");
            assert_eq!((usage.holds.tasks, usage.holds.cpu), (tasks, tasks * 256));
        }
    }
}

#[test]
fn what_is_on_its_way_out_is_held_and_no_reason_to_grow() {
    let status = shown(json!({ "processes": [
        { "name": "web", "desired": 3, "taskDefinition": "1", "rollout": "Completed", "loadBalancer": "e-web",
          "retiring": [{ "loadBalancer": "e-old", "since": "2026-01-02T03:04:05Z" }] },
        { "name": "gone", "desired": 9, "taskDefinition": "1", "rollout": "Completed", "loadBalancer": "e-gone",
          "hostPorts": [{ "containerPort": 8080, "hostPort": 9001 }] },
    ] }));
    let app = app(json!({ "processes": { "web": { "quantity": 1 } } }), status);
    let one = [1, 1, 1, 256, 512, 1, 0, 0];
    let asks = [1, 1, 1, 256, 512, 1, 1, 0];
    // The size of what is no longer in the manifest is not known.
    check(&app, asks, one, [1, 2, 12, 3 * 256, 3 * 512, 3, 1, 0]);
}

/// Its place is kept by what it was let in with, though little of it is there yet.
#[test]
fn what_was_let_in_is_held_before_it_is_made() {
    let counted = json!({ "processes": 1, "tasks": 5, "cpu": 1280, "memory": 2560 });
    let app = app(
        json!({ "processes": { "worker": { "quantity": 5 } } }),
        shown(json!({ "processes": [], "counted": counted })),
    );
    let let_in = [1, 1, 5, 1280, 2560, 0, 0, 0];
    check(&app, let_in, let_in, let_in);
}

#[test]
fn a_suspended_app_asks_for_what_it_has_and_a_new_one_for_its_place() {
    let mut suspended = every_kind();
    suspended["suspend"] = true.into();
    let place = [1, 0, 0, 0, 0, 0, 0, 0];
    check(&app(suspended, json!(null)), place, NOTHING, NOTHING);

    let mut larger = spec();
    (larger["suspend"], larger["processes"]["web"]["quantity"]) = (true.into(), 900.into());
    let app = app(larger, shown(json!({})));
    let usage = Usage::of(&app, app.status.as_ref());
    assert_eq!((usage.asks, usage.grows()), (usage.keeps, false));
    assert_eq!(usage.asks.tasks, 3 + 7 + 1);
}

#[test]
fn a_deleted_app_asks_for_nothing_and_holds_what_it_has() {
    let mut app = app(spec(), shown(json!({})));
    let before = Usage::of(&app, app.status.as_ref());
    app.metadata.deletion_timestamp = serde_json::from_value(json!("2026-01-02T03:04:05Z")).unwrap();
    let usage = Usage::of(&app, app.status.as_ref());
    assert_eq!((usage.asks, usage.holds), (amounts(NOTHING), before.holds));
    assert!(!usage.grows());
    assert!(usage.is_less_than(&before));
    assert!(!before.is_less_than(&usage));
    assert!(!before.is_less_than(&before));
}

/// More than all limits, and no overflow.
#[test]
fn the_largest_app_of_all_can_be_counted() {
    let process = json!({ "quantity": 10_000, "cpu": 262_144, "memory": "32Ti" });
    let processes: Value = (0..100)
        .map(|n| (format!("p{n}"), process.clone()))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let app = app(json!({ "processes": processes }), json!(null));
    let usage = Usage::of(&app, None);
    assert_eq!(usage.asks.tasks, 1_000_000);
    assert_eq!(usage.asks.cpu, 262_144_000_000);
    assert_eq!(usage.asks.memory, 33_554_432_000_000);
    assert_eq!(counted(&app, None).memory, 33_554_432_000_000);
}
