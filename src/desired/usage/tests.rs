//! What counts of an App.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a manifest is written where it is used"
)]

use serde_json::{Value, json};

use super::{Amounts, Usage, counted, kept_amounts};
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
    assert_eq!(Usage::of(app, app.status.as_ref(), None), expected);
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
    assert!(Usage::of(&app, None, None).grows());
}

/// As the status of the generation before shows all of it.
fn shown(extra: Value) -> Value {
    let process = |name: &str, desired: u32| json!({ "name": name, "desired": desired, "taskDefinition": name, "rollout": "Completed" });
    let mut web = process("web", 3);
    web["loadBalancer"] = "e-web".into();
    let mut status = json!({
        "observedGeneration": 2, "platform": { "name": "staging", "region": "", "cluster": "", "vpcId": "" },
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
    let counted = counted(&before, before.status.as_ref(), "staging");
    let counted = json!(counted);
    assert_eq!(
        counted,
        json!({
            "processes": 4, "tasks": 5, "cpu": 5 * 256, "memory": 5 * 512, "loadBalancers": 1, "hostPorts": 1, "schedules": 1,
            "sizes": { "worker": { "cpu": 256, "memory": 512 } },
        })
    );
    let grows = |process: &str, fields: Value| {
        let mut spec = spec();
        for (name, value) in fields.as_object().unwrap() {
            spec["processes"][process][name] = value.clone();
        }
        let app = app(spec, shown(json!({ "counted": counted })));
        Usage::of(&app, app.status.as_ref(), None).grows()
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
        let one = json!({
            "processes": 1, "tasks": 1, "cpu": 256, "memory": 512, "sizes": { "worker": { "cpu": 256, "memory": 512 } },
        });
        for counted in [json!(null), one] {
            let status = json!({ "observedGeneration": 3, "processes": [worker], "counted": counted });
            let app = app(json!({ "processes": { "worker": {} } }), status);
            let usage = Usage::of(&app, app.status.as_ref(), None);
            assert_eq!((usage.asks.tasks, usage.keeps.tasks), (tasks, tasks), "{desired}");
            assert_eq!((usage.holds.tasks, usage.holds.cpu), (tasks, tasks * 256));
        }
    }
}

/// So that its repair is not refused, whatever of it is missing just when limits come.
#[test]
fn an_app_that_is_as_it_was_before_there_were_limits_keeps_what_its_manifest_asks_for() {
    let condition = |status: &str, reason: &str| json!({ "type": "Ready", "status": status, "reason": reason, "message": "", "lastTransitionTime": "2026-01-02T03:04:05Z" });
    let of = |extra: Value, spec: Value| {
        let app = app(spec, shown(extra));
        Usage::of(&app, app.status.as_ref(), Some("staging"))
    };
    let one = json!([{ "name": "console", "taskDefinition": "console" }]);
    let made = |ready: Value, processes: &Value| json!({ "observedGeneration": 3, "conditions": [ready], "processes": processes });
    let (failed, ready) = (|| condition("False", "Refused"), condition("True", "Available"));
    let all = [1, 4, 3 + 1 + 1, 5 * 256, 5 * 512, 1, 1, 1];
    assert_eq!(of(made(failed(), &one), spec()).keeps, amounts(all));
    assert_eq!(of(made(ready, &json!([])), spec()).keeps, amounts(all));
    let mut suspended = spec();
    suspended["suspend"] = true.into();
    let usage = of(made(condition("False", "Suspended"), &one), suspended);
    assert_eq!((usage.asks, usage.keeps), (amounts(all), amounts(all)));
    // Not one that was refused as it is now, nor one that was edited, nor one of another Platform.
    let console = amounts([1, 1, 0, 0, 0, 0, 0, 0]);
    for reason in ["NotAllowed", "InvalidSpec"] {
        assert_eq!(
            of(made(condition("False", reason), &one), spec()).keeps,
            console,
            "{reason}"
        );
    }
    let mut edited = made(failed(), &one);
    edited["observedGeneration"] = 2.into();
    assert_eq!(of(edited, spec()).keeps, console);
    let mut elsewhere = made(failed(), &one);
    elsewhere["platform"] = json!({ "name": "other", "region": "", "cluster": "", "vpcId": "" });
    assert_eq!(of(elsewhere, spec()).keeps, console);
    assert_eq!(of(made(failed(), &json!([])), spec()).keeps, amounts(NOTHING));
}

/// Its status names the Platform all the same, as one does that says what is wrong with the manifest.
#[test]
fn an_app_keeps_a_place_once_it_was_let_in_or_has_anything() {
    let places = |extra: Value| {
        let app = app(spec(), shown(extra));
        Usage::of(&app, app.status.as_ref(), Some("staging")).keeps.apps
    };
    let of = |process: Value| places(json!({ "processes": [process] }));
    assert_eq!(places(json!({ "processes": [] })), 0);
    assert_eq!(of(json!({ "name": "web" })), 0);
    assert_eq!(places(json!({ "processes": [], "counted": {} })), 1);
    assert_eq!(of(json!({ "name": "web", "taskDefinition": "web" })), 1);
    assert_eq!(of(json!({ "name": "gone", "loadBalancer": "e-gone" })), 1);
    let retiring = json!([{ "loadBalancer": "e-old", "since": "2026-01-02T03:04:05Z" }]);
    assert_eq!(of(json!({ "name": "gone", "retiring": retiring })), 1);
}

#[test]
fn what_another_platform_has_let_in_is_nothing_to_this_one() {
    let counted = json!({ "processes": 1, "tasks": 5, "cpu": 1280, "memory": 2560 });
    let app = app(
        json!({ "processes": { "worker": { "quantity": 5 } } }),
        shown(json!({ "processes": [], "counted": counted })),
    );
    let at = |platform: &str| Usage::of(&app, app.status.as_ref(), Some(platform));
    assert!(!at("staging").grows());
    assert!(at("other").grows());
    assert_eq!(at("other").holds, amounts(NOTHING));
}

/// The edit adds up to as much as before, but for the tasks that others have scaled.
#[test]
fn larger_tasks_are_growth_however_many_of_them_others_have_scaled() {
    let spec = |web: u32, worker: u32| json!({ "processes": { "web": { "quantity": 1, "cpu": web }, "worker": { "cpu": worker } } });
    let scaled = json!([
        { "name": "web", "desired": 1, "taskDefinition": "1", "rollout": "Completed" },
        { "name": "worker", "desired": 40, "taskDefinition": "1", "rollout": "Completed" },
    ]);
    let before = app(spec(1024, 256), shown(json!({ "processes": scaled })));
    let counted = json!(counted(&before, before.status.as_ref(), "staging"));
    let of = |spec: Value| {
        let app = app(spec, shown(json!({ "processes": scaled, "counted": counted })));
        Usage::of(&app, app.status.as_ref(), Some("staging"))
    };
    let usage = of(spec(1024, 256));
    assert_eq!((usage.asks.cpu, usage.grows()), (1024 + 40 * 256, false));
    assert!(!of(spec(1024, 128)).grows());
    let usage = of(spec(256, 1024));
    assert_eq!(
        (usage.keeps.cpu, usage.asks.cpu),
        (1024 + 40 * 256, 256 + 40 * 1024)
    );
    assert!(usage.grows());
    // Nor while it is suspended, when it is not let in with anything.
    let mut suspended = spec(256, 1024);
    suspended["suspend"] = true.into();
    let suspended = app(
        suspended,
        shown(json!({ "processes": scaled, "counted": counted })),
    );
    assert!(!Usage::of(&suspended, suspended.status.as_ref(), Some("staging")).grows());
    assert_eq!(
        json!(super::counted(&suspended, suspended.status.as_ref(), "staging")),
        counted
    );
}

/// Else what it had by its `quantity` would be let in twice.
#[test]
fn a_count_that_is_left_to_others_makes_no_room_for_more() {
    let worker = json!([{ "name": "worker", "desired": 10, "taskDefinition": "1", "rollout": "Completed" }]);
    let counted = json!({ "processes": 2, "tasks": 11, "cpu": 11 * 256, "memory": 11 * 512 });
    let of = |more: u32| {
        let spec = json!({ "processes": { "worker": {}, "other": { "quantity": more } } });
        let app = app(spec, shown(json!({ "processes": worker, "counted": counted })));
        Usage::of(&app, app.status.as_ref(), Some("staging"))
    };
    assert!(!of(1).grows());
    assert!(of(2).grows());
    assert_eq!((of(2).keeps.tasks, of(2).asks.tasks), (11, 12));
}

#[test]
fn what_a_refused_app_has_from_before_there_were_limits_is_written_down_once() {
    let of = |extra: Value| {
        let app = app(spec(), shown(extra));
        kept_amounts(&app, app.status.as_ref(), "staging")
    };
    let has = of(json!({})).unwrap();
    assert_eq!((has.processes, has.tasks, has.load_balancers), (4, 3 + 1 + 1, 1));
    assert_eq!(of(json!({ "counted": {} })), None);
    assert_eq!(of(json!({ "processes": [] })), None);
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
    let usage = Usage::of(&app, app.status.as_ref(), None);
    assert_eq!((usage.asks, usage.grows()), (usage.keeps, false));
    assert_eq!(usage.asks.tasks, 3 + 7 + 1);
}

#[test]
fn a_deleted_app_asks_for_nothing_and_holds_what_it_has() {
    let mut app = app(spec(), shown(json!({})));
    let before = Usage::of(&app, app.status.as_ref(), None);
    app.metadata.deletion_timestamp = serde_json::from_value(json!("2026-01-02T03:04:05Z")).unwrap();
    let usage = Usage::of(&app, app.status.as_ref(), None);
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
    let usage = Usage::of(&app, None, None);
    assert_eq!(usage.asks.tasks, 1_000_000);
    assert_eq!(usage.asks.cpu, 262_144_000_000);
    assert_eq!(usage.asks.memory, 33_554_432_000_000);
    assert_eq!(counted(&app, None, "staging").memory, 33_554_432_000_000);
}
