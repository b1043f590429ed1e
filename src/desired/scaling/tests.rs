//! What `scale` means, and what of it is refused.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a manifest is written where it is used"
)]

use serde_json::{Value, json};

use crate::desired::fixtures::build;
use crate::desired::fixtures::{app, namespace, owner, platform};
use crate::model::desired::DesiredProcess;
use crate::model::scaling::{Metric, Range};

fn built(process: Value, spec: Value) -> Result<DesiredProcess, String> {
    let built = build(
        &app(json!({ "web": process })),
        &platform(spec),
        &owner(),
        &namespace(),
    );
    let mut built = built.map_err(|error| error.to_string())?;
    Ok(built.desired.processes.remove("web").unwrap())
}

fn scaled(scale: Value) -> Value {
    json!({ "command": "run", "scale": scale })
}

#[test]
fn a_scaled_process_has_a_range_a_policy_for_each_metric_and_an_action_for_each_time() {
    let scale = json!({
        "min": 2, "max": 20, "cpu": 60, "memory": 70, "requestsPerTarget": 1000,
        "scaleInCooldown": "5m", "scaleOutCooldown": "30s",
        "schedules": [
            { "cron": "0 8 * * 1-5", "timezone": "europe/berlin", "min": 6 },
            { "cron": "0 20 ? * 2-6 *", "min": 2, "max": 10 },
        ],
    });
    let wanted = built(scaled(scale), json!({})).unwrap();
    let service = wanted.service().unwrap();
    assert_eq!((service.quantity, service.first_count()), (None, 2));
    let scaling = wanted.scaling().unwrap();
    assert_eq!(scaling.range, Range { min: 2, max: 20 });
    let policies: Vec<_> = scaling
        .policies
        .iter()
        .map(|p| {
            (
                p.name(),
                p.metric,
                p.value,
                p.scale_in_cooldown,
                p.scale_out_cooldown,
            )
        })
        .collect();
    let (slow, fast) = (Some(300), Some(30));
    assert_eq!(
        policies,
        [
            ("empire-cpu".into(), Metric::Cpu, 60, slow, fast),
            ("empire-memory".into(), Metric::Memory, 70, slow, fast),
            ("empire-requests".into(), Metric::Requests(()), 1_000, slow, fast),
        ]
    );
    let mut actions: Vec<_> = scaling
        .actions
        .values()
        .map(|a| (a.expression.as_str(), a.time_zone.as_str(), a.min, a.max))
        .collect();
    actions.sort_unstable();
    assert_eq!(
        actions,
        [
            ("cron(0 20 ? * 2-6 *)", "UTC", Some(2), Some(10)),
            ("cron(0 8 ? * MON-FRI *)", "Europe/Berlin", Some(6), None),
        ]
    );
    assert!(scaling.actions.keys().all(|name| name.starts_with("empire-")));
    // A metric that is not given is nobody's.
    let plain = built(scaled(json!({ "min": 0, "max": 3 })), json!({})).unwrap();
    assert_eq!(plain.scaling().unwrap().policies, []);
    assert_eq!(plain.service().unwrap().first_count(), 0);
}

/// The same time keeps its action, whatever range it sets.
#[test]
fn an_action_is_named_after_its_time() {
    let names = |schedule: Value| {
        let wanted = built(
            scaled(json!({ "min": 1, "max": 9, "schedules": [schedule] })),
            json!({}),
        );
        let scaling = wanted.unwrap().scaling().unwrap().clone();
        scaling.actions.into_keys().next().unwrap()
    };
    let morning = names(json!({ "cron": "0 8 * * *", "min": 3 }));
    assert_eq!(names(json!({ "cron": "0 8 * * ? *", "max": 5 })), morning);
    assert_ne!(names(json!({ "cron": "0 9 * * *", "min": 3 })), morning);
    let there = json!({ "cron": "0 8 * * *", "timezone": "Asia/Tokyo", "min": 3 });
    assert_ne!(names(there), morning);
}

#[test]
fn the_percentages_of_a_deployment_are_judged_by_the_fewest_tasks() {
    let mut process = scaled(json!({ "min": 1, "max": 10 }));
    process["deploy"] = json!({ "minimumHealthyPercent": 50, "maximumPercent": 150 });
    let why = built(process.clone(), json!({})).unwrap_err();
    assert!(why.contains("lets no task stop and none start"), "{why}");
    process["scale"]["min"] = json!(2);
    built(process.clone(), json!({})).unwrap();
    // At night there is one.
    process["scale"]["schedules"] = json!([{ "cron": "0 22 * * *", "min": 1 }]);
    built(process.clone(), json!({})).unwrap_err();
    process["scale"] = json!({ "min": 0, "max": 9 });
    built(process, json!({})).unwrap_err();
    let claimed = |scale: Value| {
        let ports = json!({ "network": { "hostPorts": { "first": 9000, "last": 9010 } } });
        let wanted = built(scaled(scale), ports).unwrap();
        let deployment = wanted.service().unwrap().settings.deployment;
        (deployment.minimum_healthy_percent, deployment.maximum_percent)
    };
    assert_eq!(claimed(json!({ "min": 10, "max": 20 })), (90, 100));
    let night = json!([{ "cron": "0 22 * * *", "min": 1 }]);
    assert_eq!(
        claimed(json!({ "min": 10, "max": 20, "schedules": night })),
        (100, 200)
    );
}

#[test]
fn what_cannot_be_scaled_so_is_refused_with_process_and_field() {
    let requests = json!({ "min": 1, "max": 9, "requestsPerTarget": 100 });
    let exposed = |expose: Value| json!({ "command": "run", "scale": requests, "expose": expose });
    let at = |schedules: Value| scaled(json!({ "min": 2, "max": 9, "schedules": schedules }));
    let (certificate, none) = ("arn:aws:acm:eu-west-9:123456789012:certificate/1", json!({}));
    let listeners = json!([
        { "port": 80, "protocol": "http", "containerPort": 8080 },
        { "port": 81, "protocol": "http", "containerPort": 9090 },
    ]);
    let cases = [
        (
            exposed(json!({ "type": "none" })),
            &none,
            "scale.requestsPerTarget: the process is not exposed",
        ),
        (
            exposed(json!({ "type": "tcp" })),
            &none,
            "scale.requestsPerTarget: is for http and https",
        ),
        (
            exposed(json!({ "type": "tls", "certificateArns": [certificate] })),
            &none,
            "scale.requestsPerTarget: is for http and https",
        ),
        (
            exposed(json!({ "listeners": listeners })),
            &none,
            "scale.requestsPerTarget: the process is exposed on two container ports",
        ),
        (
            exposed(json!({})),
            &json!({ "loadBalancing": { "provider": "None" }, "dns": null }),
            "scale.requestsPerTarget: Platform staging has no load balancers",
        ),
        (
            at(json!([{ "cron": "often", "min": 1 }])),
            &none,
            "scale.schedules: 1 field in \"often\": AWS takes six",
        ),
        (
            at(json!([{ "cron": "0 8 * * *", "timezone": "Mars/Base", "min": 1 }])),
            &none,
            "scale.schedules: 0 8 * * *: timezone: Mars/Base is no time zone",
        ),
        (
            at(json!([{ "cron": "0 8 * * *", "min": 10 }])),
            &none,
            "scale.schedules: 0 8 * * *: min is more than a max that may hold then: say max, too",
        ),
        (
            at(json!([{ "cron": "0 8 * * *", "max": 1 }])),
            &none,
            "scale.schedules: 0 8 * * *: max is less than a min that may hold then: say min, too",
        ),
        (
            at(json!([{ "cron": "0 8 * * *", "min": 6 }, { "cron": "0 20 * * *", "min": 2, "max": 4 }])),
            &none,
            "scale.schedules: 0 8 * * *: min is more than a max that may hold then",
        ),
        (
            at(json!([{ "cron": "0 8 * * *", "min": 3 }, { "cron": "0 8 * * ? *", "min": 4 }])),
            &none,
            "scale.schedules: 0 8 * * ? *: is there twice",
        ),
    ];
    for (process, spec, expected) in cases {
        let why = built(process.clone(), spec.clone()).unwrap_err();
        assert!(
            why.contains(&format!("process web: {expected}")),
            "{process}: {why}"
        );
    }
    for expose in [
        json!({}),
        json!({ "type": "https", "certificateArns": [certificate] }),
    ] {
        built(exposed(expose), json!({})).unwrap();
    }
}
