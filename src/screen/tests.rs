//! Screens and explanations as people see them, in `tests/golden`.

use std::fmt::Write as _;
use std::path::Path;

use anstream::adapter::strip_str;
use serde_json::{Value, json};

use super::*;

const NOW: &str = "2026-11-29T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "lastTransitionTime": "2026-11-29T11:55:00Z", "observedGeneration": 3,
    })
}

fn arn(family: &str, revision: u32) -> String {
    format!("arn:aws:ecs:us-east-1:123456789012:task-definition/{family}:{revision}")
}

fn platform(conditions: &Value) -> Sight {
    let platform = json!({
        "apiVersion": "empire.dev/v1alpha1",
        "kind": "Platform",
        "metadata": { "name": "staging" },
        "spec": { "region": "us-east-1", "network": { "mode": "bridge", "vpcId": "vpc-1" } },
        "status": { "observedGeneration": 1, "conditions": conditions },
    });
    Sight::Seen(Box::new(serde_json::from_value(platform).unwrap()))
}

fn event(at: &str, kind: &str, reason: &str, message: &str) -> Event {
    let event = json!({
        "metadata": {}, "involvedObject": {},
        "eventTime": format!("2026-11-29T{at}:00.000000Z"), "type": kind, "reason": reason, "message": message,
    });
    serde_json::from_value(event).unwrap()
}

fn app(spec: &Value, status: &Value) -> App {
    let mut app = json!({
        "apiVersion": "empire.dev/v1alpha1",
        "kind": "App",
        "metadata": { "name": "acme", "namespace": "shop", "generation": 3 },
        "spec": { "image": "registry.example.com/acme:v42", "processes": {
            "console": { "noservice": true },
            "nightly": { "cron": "0 3 * * ? *", "timezone": "Europe/Berlin" },
            "web": { "quantity": 4, "expose": { "type": "https", "external": true } },
            "worker": {},
        } },
        "status": status,
    });
    for (field, value) in spec.as_object().unwrap() {
        app["spec"][field] = value.clone();
    }
    serde_json::from_value(app).unwrap()
}

fn status_of(conditions: &Value) -> Value {
    json!({
        "observedGeneration": 3,
        "conditions": conditions,
        "platform": { "name": "staging", "region": "us-east-1", "cluster": "default", "vpcId": "vpc-1" },
        "processesComplete": "1/2",
        "url": "https://www.example.com",
        "release": { "succeeded": "digest1", "attempt": {
            "number": 2, "phase": "Failed", "content": "digest2", "timeoutSeconds": 3600, "exitCode": 1,
            "since": "2026-11-29T11:40:00Z", "recorded": "2026-11-29T11:50:00Z",
            "request": { "process": "migrate", "taskDefinition": arn("shop_acme_migrate", 2), "token": "t" },
            "task": "arn:aws:ecs:us-east-1:123456789012:task/default/0123456789abcdef",
            "message": "exit code 1: Essential container in task exited",
        } },
        "processes": [
            { "name": "console", "taskDefinition": arn("shop_acme_console", 2) },
            {
                "name": "nightly", "taskDefinition": arn("shop_acme_nightly", 2),
                "schedule": { "name": "s", "expression": "cron(0 3 * * ? *)", "timeZone": "Europe/Berlin" },
            },
            { "name": "old", "desired": 0, "running": 1, "message": "waiting for the deleted service shop_acme_old to drain" },
            {
                "name": "web", "desired": 4, "running": 4, "pending": 1, "rollout": "InProgress",
                "taskDefinition": arn("shop_acme_web", 8),
                "loadBalancer": "e-acme-web-8mjrg57n9s8j",
                "loadBalancerDnsName": "e-acme-web-8mjrg57n9s8j-1.us-east-1.elb.amazonaws.com",
                "hostnames": ["www.example.com", "acme-web.example.com", "acme.example.com"],
                "hostPorts": [{ "containerPort": 8080, "hostPort": 9001 }],
                "message": "process web: waiting for the rollout of service shop_acme_web: 3 of 4 tasks run",
                "submitted": { "hash": "h", "deploymentId": "d", "progress":
                    { "since": "2026-11-29T11:59:30Z", "mostNew": 3, "fewestOld": 1, "failed": 1 } },
                "retiring": [{ "loadBalancer": "e-acme-web-1l2811gc3q97", "since": "2026-11-29T11:58:00Z" }],
            },
            {
                "name": "worker", "desired": 1, "running": 1, "rollout": "Completed",
                "taskDefinition": arn("shop_acme_worker", 3),
            },
        ],
    })
}

fn rolling() -> Facts {
    let message = "process web: waiting for the rollout of service shop_acme_web: 3 of 4 tasks run";
    let conditions = json!([
        condition("Ready", "False", "RolloutInProgress", message),
        condition("Reconciling", "True", "RolloutInProgress", message),
    ]);
    Facts {
        app: app(&json!({}), &status_of(&conditions)),
        platform: platform(&json!([condition("Ready", "True", "Available", "")])),
        events: Some(vec![
            event(
                "11:57",
                "Normal",
                "Created",
                "process web: register task definition shop_acme_web",
            ),
            event(
                "11:59",
                "Normal",
                "Updated",
                "process web: update service shop_acme_web: task definition shop_acme_web:8",
            ),
        ]),
    }
}

fn failed() -> Facts {
    let ecs = "ECS deployment ecs-svc/1 failed: tasks failed to start: CannotPullContainerError";
    let message = format!("process web: {ecs}");
    let mut status = status_of(&json!([
        condition("Ready", "False", "RolloutFailed", &message),
        condition("Stalled", "True", "RolloutFailed", &message),
    ]));
    let web = &mut status["processes"][3];
    web["rollout"] = json!("RolledBack");
    web["message"] = json!(message);
    web["rejected"] = json!({ "hash": "h", "message": ecs });
    Facts {
        app: app(&json!({}), &status),
        platform: platform(&json!([condition("Ready", "True", "Available", "")])),
        events: Some(vec![event("11:55", "Warning", "RolloutFailed", &message)]),
    }
}

fn denied() -> Facts {
    let message = "elasticloadbalancing:CreateLoadBalancer: AccessDenied: not authorized to perform: \
                   elasticloadbalancing:CreateLoadBalancer (request 0-1)";
    let conditions = json!([
        condition(
            "Ready",
            "False",
            "AccessDenied",
            &format!("process web: {message}")
        ),
        condition(
            "Reconciling",
            "True",
            "AccessDenied",
            &format!("process web: {message}")
        ),
    ]);
    Facts {
        app: app(&json!({ "suspend": true }), &status_of(&conditions)),
        platform: platform(&json!([condition(
            "Ready",
            "False",
            "AccessDenied",
            &format!("App shop/acme: {message}")
        )])),
        events: Some(vec![
            event(
                "11:40",
                "Warning",
                "ShellSyntax",
                "process worker: the command has && in it, and no shell runs it",
            ),
            event(
                "11:41",
                "Normal",
                "Created",
                "process web: create target group e-acme-web-1",
            ),
        ]),
    }
}

fn unseen() -> Facts {
    let mut app = app(&json!({ "platform": "staging" }), &Value::Null);
    app.metadata.generation = Some(1);
    Facts {
        app,
        platform: Sight::Hidden,
        events: None,
    }
}

fn outdated() -> Facts {
    let mut facts = ready(&json!([condition(
        "Ready",
        "True",
        "Available",
        "2 services as the manifest wants"
    )]));
    facts.app.metadata.generation = Some(4);
    facts
}

fn ready(conditions: &Value) -> Facts {
    let mut status = status_of(conditions);
    let processes = status["processes"].as_array_mut().unwrap();
    processes.retain(|process| process["name"] == "worker");
    let worker = json!({ "worker": {} });
    Facts {
        app: app(&json!({ "processes": worker }), &status),
        platform: platform(&json!([condition("Ready", "True", "Available", "")])),
        events: Some(Vec::new()),
    }
}

fn nowhere() -> Facts {
    let conditions = json!([
        condition(
            "Ready",
            "False",
            "PlatformNotFound",
            "there is no Platform staging"
        ),
        condition(
            "Reconciling",
            "True",
            "PlatformNotFound",
            "there is no Platform staging"
        ),
    ]);
    let mut status = status_of(&conditions);
    status["processes"] = json!([]);
    Facts {
        platform: Sight::Missing,
        app: app(&json!({ "platform": "staging" }), &status),
        events: Some(Vec::new()),
    }
}

fn uneasy() -> Facts {
    ready(&json!([
        condition("Ready", "True", "Available", "1 service as the manifest wants"),
        condition(
            "Reconciling",
            "True",
            "Unavailable",
            "ecs:DescribeServices: time-out"
        ),
    ]))
}

#[track_caller]
fn reads(text: &str, golden: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(golden);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    similar_asserts::assert_eq!(text, expected, "{golden}: UPDATE_EXPECT=1 rewrites it");
}

fn told(scenes: &[(&str, String)]) -> String {
    let mut text = String::new();
    for (title, scene) in scenes {
        writeln!(text, "== {title}\n{}", strip_str(scene)).unwrap();
    }
    text
}

#[test]
fn the_status_is_one_screen() {
    let screen = |facts: &Facts, width| status(facts).text(now(), width);
    let scenes = [
        ("a rollout under way, not on a terminal", screen(&rolling(), None)),
        ("the same, 80 columns wide", screen(&rolling(), Some(80))),
        (
            "a rollout that failed, 120 columns wide",
            screen(&failed(), Some(120)),
        ),
        (
            "suspended, and the Platform is denied a call",
            screen(&denied(), Some(120)),
        ),
        (
            "never seen, by somebody who may see little",
            screen(&unseen(), Some(80)),
        ),
        ("Ready at the generation before", screen(&outdated(), Some(80))),
        ("Ready, and yet calls fail", screen(&uneasy(), Some(80))),
        ("on a Platform that is not there", screen(&nowhere(), Some(80))),
    ];
    reads(&told(&scenes), "status-screens.txt");
    for (title, scene) in &scenes {
        let bare = strip_str(scene).to_string();
        let narrow = title.contains("80 columns") && bare.lines().any(|line| line.chars().count() > 80);
        assert!(!narrow, "{title} is too wide");
        assert!(scene.contains("\u{1b}["), "{title} has no colours");
    }
}

#[test]
fn the_status_as_json() {
    let json = serde_json::to_string_pretty(&status(&rolling())).unwrap() + "\n";
    reads(&json, "status-json.txt");
}

#[test]
fn an_explanation_begins_with_what_the_rest_follows_from() {
    let text = |facts: &Facts| explain(facts).text(now(), Some(100));
    let scenes = [
        (
            "nothing is wrong",
            text(&ready(&json!([condition("Ready", "True", "Available", "")]))),
        ),
        ("a rollout under way", text(&rolling())),
        ("a rollout that failed", text(&failed())),
        ("the Platform is denied a call", text(&denied())),
        ("no controller has seen it", text(&unseen())),
        ("an edit that no controller has seen", text(&outdated())),
        ("Ready, and yet calls fail", text(&uneasy())),
        ("no Platform", text(&nowhere())),
    ];
    reads(&told(&scenes), "explanations.txt");
    let json = serde_json::to_string_pretty(&explain(&denied())).unwrap() + "\n";
    reads(&json, "explanation-json.txt");
}

#[test]
fn orphans_are_a_table_that_says_how_they_go() {
    let orphan = |kind: &str, name: &str, retained: bool| Orphan {
        platform: "staging".into(),
        kind: kind.into(),
        name: name.into(),
        app: "shop/gone".into(),
        process: "web".into(),
        retained,
    };
    let mut found = Orphans {
        owner: "2b1e".into(),
        ..Orphans::default()
    };
    let none = found.text(Some(100));
    found.orphans = vec![
        orphan("PortAllocation", "staging-9001", true),
        orphan("service", "shop_gone_web", false),
        orphan("target group", "e-gone-web-1", true),
    ];
    found.unread =
        vec!["records of zone Z1 of Platform staging: route53:ListResourceRecordSets: AccessDenied".into()];
    let scenes = [
        ("none", none),
        ("some, and a zone that cannot be read", found.text(Some(100))),
    ];
    reads(&told(&scenes), "orphans.txt");
    let json = serde_json::to_string_pretty(&found).unwrap() + "\n";
    reads(&json, "orphans-json.txt");
}

#[test]
fn a_cause_is_told_once_and_the_platforms_comes_first() {
    let subjects = |facts: &Facts| -> Vec<String> {
        let causes = explain(facts).causes;
        causes.into_iter().map(|cause| cause.subject).collect()
    };
    assert_eq!(subjects(&failed()), ["App", "process old"]);
    // Nothing gets better while it is suspended, and nothing that the Platform keeps from it.
    assert_eq!(subjects(&denied())[..3], ["App", "Platform staging", "App"]);
    assert_eq!(subjects(&unseen())[0], "controller");
    assert!(subjects(&ready(&json!([condition("Ready", "True", "Available", "")]))).is_empty());
}

#[test]
fn what_is_past_is_no_cause() {
    let mut facts = ready(&json!([condition("Ready", "True", "Available", "")]));
    let shell = event(
        "11:50",
        "Warning",
        "ShellSyntax",
        "process worker: no shell runs &&",
    );
    facts.events = Some(vec![event("11:40", "Warning", "AccessDenied", "denied"), shell]);
    let reasons = |facts: &Facts| -> Vec<_> {
        let causes = explain(facts).causes.into_iter();
        causes.filter_map(|cause| cause.reason).collect()
    };
    assert_eq!(reasons(&facts), ["ShellSyntax"]);
    let edit = json!([{
        "manager": "kubectl", "operation": "Apply", "time": "2026-11-29T11:55:00Z", "fieldsV1": { "f:spec": {} },
    }]);
    facts.app.metadata.managed_fields = serde_json::from_value(edit).unwrap();
    assert_eq!(reasons(&facts), [""; 0]);
}

#[test]
fn nothing_is_told_twice() {
    let pending = "suspended with 1 change pending: update service shop_acme_worker";
    let mut facts = ready(&json!([condition("Ready", "False", "Suspended", pending)]));
    facts.app.spec.suspend = Some(true);
    let causes = explain(&facts).causes;
    assert_eq!(causes.len(), 1, "{causes:#?}");
    let act = causes[0].act.as_deref().unwrap();
    assert!(act.contains("kubectl empire resume acme -n shop"), "{act}");

    let denied = |message: &str| condition("Ready", "False", "AccessDenied", message);
    let mut facts = ready(&json!([denied("Platform staging: no credentials")]));
    facts.platform = platform(&json!([denied("no credentials")]));
    let causes = explain(&facts).causes;
    assert_eq!(causes.len(), 1, "{causes:#?}");
    assert_eq!(causes[0].subject, "Platform staging");
}

#[test]
fn a_suspended_app_that_is_ready_says_so() {
    let mut facts = ready(&json!([condition("Ready", "True", "Available", "")]));
    facts.app.spec.suspend = Some(true);
    let text = strip_str(&explain(&facts).text(now(), None)).to_string();
    assert!(
        text.contains("and yet:") && text.contains("spec.suspend is true"),
        "{text}"
    );
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for facts in [
        rolling(),
        failed(),
        denied(),
        unseen(),
        outdated(),
        nowhere(),
        uneasy(),
    ] {
        for width in [40, 60, 79, 120] {
            let status = status(&facts).text(now(), Some(width));
            let explanation = explain(&facts).text(now(), Some(width));
            for line in strip_str(&format!("{status}{explanation}")).to_string().lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }
}
