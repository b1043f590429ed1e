//! Every series there can be, at ten Platforms: each label with all of its values.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use empire_controller::api::app::App;
use empire_controller::api::condition::Reason;
use empire_controller::api::platform::Platform;
use empire_controller::api::run::RunPhase;
use empire_controller::budget::{Bucket, Place, State, Waits};
use empire_controller::metrics::{
    Attempt, AwsResult, BatchResult, Conflict, Controller, Gauges, Metrics, PassResult, QueueState,
    RolloutStep,
};
use empire_controller::model::rank::Rank;
use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) const PLATFORMS: usize = 10;
/// The statuses that the API server answers with, and one for no answer.
const CODES: [Option<u16>; 15] = [
    Some(200),
    Some(201),
    Some(400),
    Some(401),
    Some(403),
    Some(404),
    Some(409),
    Some(410),
    Some(422),
    Some(429),
    Some(500),
    Some(502),
    Some(503),
    Some(504),
    None,
];
/// As `Change::noun` has them.
const NOUNS: [&str; 9] = [
    "load_balancer",
    "target_group",
    "listener",
    "task_definition",
    "service",
    "schedule",
    "tags",
    "record",
    "port",
];
const ROLLOUTS: [Option<&str>; 5] = [
    Some("InProgress"),
    Some("Completed"),
    Some("Failed"),
    Some("RolledBack"),
    None,
];
const SECOND: Duration = Duration::from_secs(1);

fn platform_name(number: usize) -> String {
    format!("platform-{number}")
}

/// The actions of the policy of the controller's own calls, and that of its Platforms' roles.
fn actions() -> BTreeSet<&'static str> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/iam-policy.json");
    let policy: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let statements = policy["Statement"].as_array().unwrap().iter();
    let named = statements.flat_map(|statement| {
        let action = &statement["Action"];
        action.as_array().cloned().unwrap_or_else(|| vec![action.clone()])
    });
    let ours = |action: &String| !["ec2:", "iam:"].iter().any(|other| action.starts_with(other));
    let named = named
        .map(|action| action.as_str().unwrap().to_owned())
        .filter(ours);
    let actions: BTreeSet<&'static str> = named
        .chain(["sts:AssumeRole".to_owned()])
        .map(|action| -> &'static str { Box::leak(action.into_boxed_str()) })
        .collect();
    assert!(actions.len() > 40, "{actions:?}");
    actions
}

fn condition(reason: &str) -> Value {
    let status = if reason == "Available" { "True" } else { "False" };
    json!({
        "type": "Ready", "status": status, "reason": reason, "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    })
}

fn app(name: &str, status: &Value) -> App {
    serde_json::from_value(json!({
        "apiVersion": "empire.dev/v1alpha1",
        "kind": "App",
        "metadata": { "name": name, "namespace": "shop", "deletionTimestamp": "2026-01-01T00:00:00Z" },
        "spec": { "image": "registry.example.com/acme:v1", "processes": {} },
        "status": status,
    }))
    .unwrap()
}

fn reasons() -> Vec<&'static str> {
    let known = Reason::ALL.iter().map(|reason| reason.as_str());
    known.chain(["OfAnotherVersion"]).collect()
}

fn platforms() -> Vec<Platform> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/examples/platform.yaml");
    let example: Value = serde_saphyr::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let platform = |(number, reason): (usize, &str)| {
        let mut platform = example.clone();
        platform["metadata"]["name"] = platform_name(number % PLATFORMS).into();
        platform["status"] = json!({
            "observedGeneration": 1,
            "conditions": [condition(reason)],
            "hostPorts": { "allocated": 3, "available": 97 },
        });
        serde_json::from_value(platform).unwrap()
    };
    // Reasons of more than there are, so that each is there.
    reasons().into_iter().enumerate().map(platform).collect()
}

fn show(gauges: &Gauges) {
    let now: Timestamp = "2026-01-02T00:00:00Z".parse().unwrap();
    for platform in platforms() {
        gauges.platform(&platform);
    }
    gauges.undecodable_app();
    for number in 0..PLATFORMS {
        let record = json!({
            "name": platform_name(number), "region": "us-east-1", "cluster": "default",
            "vpcId": "vpc-0123456789abcdef0",
        });
        for (index, reason) in reasons().into_iter().enumerate() {
            let processes = ROLLOUTS.iter().enumerate().map(|(index, rollout)| {
                let mut process = json!({ "name": format!("p{index}"), "desired": 1 });
                if let Some(rollout) = rollout {
                    process["rollout"] = Value::from(*rollout);
                }
                process
            });
            let status = json!({
                "observedGeneration": 1,
                "conditions": [condition(reason)],
                "platform": record,
                "processes": processes.collect::<Vec<_>>(),
            });
            gauges.app(&app(&format!("acme-{number}-{index}"), &status), now);
        }
    }
    // One that no pass has come to.
    gauges.app(&app("new", &json!({ "observedGeneration": -1 })), now);
    for phase in RunPhase::ALL.into_iter().map(Some).chain([None]) {
        for reason in Reason::ALL.iter().copied().map(Some).chain([None]) {
            gauges.run(phase, reason, now - SECOND, now);
        }
    }
    for lease in (0..PLATFORMS).map(platform_name).chain(["none".into()]) {
        gauges.leader(&lease, true);
    }
    gauges.resync(SECOND);
    gauges.names_waiting(1);
    for list in ["services", "load_balancers", "records", "schedules", "secrets"] {
        gauges.inventory(list, SECOND);
    }
    let states = Bucket::ALL.map(|bucket| State {
        place: Place::default(),
        bucket,
        tokens: 1.0,
        rate: bucket.limit().rate,
        waiting: vec![Waits {
            namespace: "shop".into(),
            app: "acme".into(),
            what: "reads".into(),
            rank: Rank::Edit,
            since: now,
            until: now,
        }],
    });
    gauges.buckets(&states, now);
    for controller in Controller::ALL {
        let ranks = ["edit", "deletion", "repair", "resync"];
        let state = QueueState {
            waiting: ranks.map(|rank| (rank, 1, SECOND)).into(),
            running: vec![SECOND, 2 * SECOND],
            slots: 8,
        };
        gauges.queue(controller, &state);
    }
}

/// Observes all of it once.
pub(crate) fn everything(per_app: bool) -> Metrics {
    let metrics = Metrics::new(per_app);
    metrics.show(show);
    for controller in Controller::ALL {
        metrics.waited(controller, SECOND);
        for result in PassResult::ALL {
            metrics.reconciled(controller, result, SECOND);
        }
    }
    for action in actions() {
        for result in AwsResult::ALL {
            for is_read in [false, true] {
                metrics.attempted(Attempt {
                    action,
                    is_read,
                    result,
                    took: SECOND,
                });
            }
        }
    }
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        for code in CODES {
            metrics.asked_kubernetes(method, code);
        }
    }
    for conflict in Conflict::ALL {
        metrics.conflicted(conflict);
    }
    for result in BatchResult::ALL {
        metrics.sent_records(result, 100);
    }
    metrics.record_waited(SECOND);
    // An App may belong to no Platform.
    for platform in (0..PLATFORMS).map(platform_name).chain([String::new()]) {
        metrics.edit_was_ready(&platform, SECOND);
        for step in RolloutStep::ALL {
            metrics.rolled(&platform, step);
        }
        for noun in NOUNS {
            metrics.repaired(&platform, noun);
        }
    }
    metrics
}
