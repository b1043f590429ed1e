//! Apps in the states that people ask about.

use serde_json::{Value, json};

use super::*;

const NOW: &str = "2026-11-29T12:00:00Z";

pub(super) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub(super) fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "lastTransitionTime": "2026-11-29T11:55:00Z", "observedGeneration": 3,
    })
}

fn arn(family: &str, revision: u32) -> String {
    format!("arn:aws:ecs:us-east-1:123456789012:task-definition/{family}:{revision}")
}

pub(super) fn platform(conditions: &Value) -> Sight {
    let platform = json!({
        "apiVersion": "empire.dev/v1alpha1",
        "kind": "Platform",
        "metadata": { "name": "staging" },
        "spec": { "region": "us-east-1", "network": { "mode": "bridge", "vpcId": "vpc-1" } },
        "status": { "observedGeneration": 1, "conditions": conditions },
    });
    Sight::Seen(Box::new(serde_json::from_value(platform).unwrap()))
}

pub(super) fn event(at: &str, kind: &str, reason: &str, message: &str) -> Event {
    let event = json!({
        "metadata": {}, "involvedObject": {},
        "eventTime": format!("2026-11-29T{at}:00.000000Z"), "type": kind, "reason": reason, "message": message,
    });
    serde_json::from_value(event).unwrap()
}

/// Returns a Run, made at that time of the day.
fn run(name: &str, app: &str, at: &str, status: &Value) -> Run {
    let mut run = json!({
        "apiVersion": "empire.dev/v1alpha1",
        "kind": "Run",
        "metadata": { "name": name, "creationTimestamp": format!("2026-11-29T{at}:00Z") },
        "spec": { "app": app, "process": "worker" },
    });
    if let Some(status) = status.as_object() {
        run["status"] = json!({ "observedGeneration": 1 });
        for (field, value) in status {
            run["status"][field] = value.clone();
        }
    }
    serde_json::from_value(run).unwrap()
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

pub(super) fn rolling() -> Facts {
    let message = "process web: waiting for the rollout of service shop_acme_web: 3 of 4 tasks run";
    let conditions = json!([
        condition("Ready", "False", "RolloutInProgress", message),
        condition("Reconciling", "True", "RolloutInProgress", message),
    ]);
    Facts {
        app: app(&json!({}), &status_of(&conditions)),
        platform: platform(&json!([condition("Ready", "True", "Available", "")])),
        runs: Some(vec![
            run(
                "fix-orders-x7k2p",
                "acme",
                "11:50",
                &json!({
                    "phase": "Failed", "reason": "RunFailed", "exitCode": 3, "finishedAt": "2026-11-29T11:52:00Z",
                    "message": "exit code 3: Essential container in task exited; log: group acme, stream acme/worker/0123",
                    "task": "arn:aws:ecs:us-east-1:123456789012:task/default/0123456789abcdef",
                }),
            ),
            run(
                "report-8fr2r",
                "acme",
                "11:30",
                &json!({
                    "phase": "Running", "reason": "RunInProgress", "startedAt": "2026-11-29T11:31:00Z",
                    "message": "its task runs",
                }),
            ),
            run("another-apps", "shop", "11:59", &json!({ "phase": "Running" })),
            run("unseen", "acme", "11:59", &Value::Null),
        ]),
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

pub(super) fn failed() -> Facts {
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
        runs: None,
        events: Some(vec![event("11:55", "Warning", "RolloutFailed", &message)]),
    }
}

pub(super) fn denied() -> Facts {
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
        runs: None,
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

pub(super) fn unseen() -> Facts {
    let mut app = app(&json!({ "platform": "staging" }), &Value::Null);
    app.metadata.generation = Some(1);
    Facts {
        app,
        platform: Sight::Hidden,
        runs: None,
        events: None,
    }
}

pub(super) fn outdated() -> Facts {
    let mut facts = ready(&json!([condition(
        "Ready",
        "True",
        "Available",
        "2 services as the manifest wants"
    )]));
    facts.app.metadata.generation = Some(4);
    facts
}

pub(super) fn ready(conditions: &Value) -> Facts {
    let mut status = status_of(conditions);
    let processes = status["processes"].as_array_mut().unwrap();
    processes.retain(|process| process["name"] == "worker");
    let worker = json!({ "worker": {} });
    Facts {
        app: app(&json!({ "processes": worker }), &status),
        platform: platform(&json!([condition("Ready", "True", "Available", "")])),
        runs: None,
        events: Some(Vec::new()),
    }
}

pub(super) fn nowhere() -> Facts {
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
        runs: None,
        events: Some(Vec::new()),
    }
}

pub(super) fn uneasy() -> Facts {
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
