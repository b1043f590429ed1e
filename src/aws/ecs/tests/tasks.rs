//! Tasks that are run once: what is sent, and what answers mean.

use aws_sdk_ecs::config::http::HttpResponse;
use serde_json::{Value, json};

use super::{CLUSTER, network};
use crate::aws::replay::{self, Replay, Sent};
use crate::aws::{self, Ecs, EcsWrites, Fault};
use crate::model::class::Class;
use crate::model::container::Environment;
use crate::model::name::Arn;
use crate::model::release::{ContainerState, Placing, Started, TaskRequest, TaskState};
use crate::model::run::TaskOverrides;
use crate::model::service::{Capacity, CapacityProvider, LaunchType, PlacementConstraint};

const FAMILY: &str = "shop_acme_migrate";
const DEFINITION: &str = "arn:aws:ecs:us-east-1:123456789012:task-definition/shop_acme_migrate:3";
const TASK: &str = "arn:aws:ecs:us-east-1:123456789012:task/staging/0123456789abcdef";

pub(crate) fn task_request() -> TaskRequest {
    TaskRequest {
        process: "migrate".into(),
        task_definition: Arn(DEFINITION.into()),
        placing: Placing {
            capacity: Capacity::LaunchType(LaunchType::Ec2),
            constraints: Vec::new(),
            network: None,
        },
        token: "token-1".into(),
        overrides: None,
    }
}

fn stopped() -> Value {
    json!({
        "taskArn": TASK, "startedBy": "token-1", "lastStatus": "STOPPED", "desiredStatus": "STOPPED",
        "startedAt": 1_764_500_000, "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited",
        "containers": [
            { "name": "migrate", "runtimeId": "r", "exitCode": 1, "reason": "OutOfMemoryError: Container killed due to memory usage" },
            { "name": "log" },
        ],
    })
}

fn read() -> TaskState {
    TaskState {
        arn: Arn(TASK.into()),
        started_by: Some("token-1".into()),
        status: "STOPPED".into(),
        has_started: true,
        containers: [("migrate", Some(1), true), ("log", None, false)]
            .map(|(name, exit_code, is_made)| ContainerState {
                name: name.into(),
                exit_code,
                is_made,
            })
            .to_vec(),
        stop_code: Some("EssentialContainerExited".into()),
        reason: Some(
            "Essential container in task exited: OutOfMemoryError: Container killed due to memory usage"
                .into(),
        ),
    }
}

async fn run(reply: HttpResponse) -> (aws::Result<Started>, Value) {
    let aws = Replay::new([reply]);
    let started = aws.clients.run_task(CLUSTER, &task_request()).await;
    let sent = aws.only();
    assert_eq!(sent.target, "RunTask");
    (started, sent.json())
}

#[tokio::test]
async fn starts_one_task_with_its_token_and_the_tags_of_its_definition() {
    let (started, sent) = run(replay::json(&json!({ "tasks": [stopped()], "failures": [] }))).await;
    assert_eq!(started.unwrap(), Started::Task(read()));
    assert_eq!(
        sent,
        json!({
            "cluster": "staging", "taskDefinition": DEFINITION, "count": 1, "launchType": "EC2",
            "clientToken": "token-1", "startedBy": "token-1", "propagateTags": "TASK_DEFINITION",
            "enableECSManagedTags": false,
        })
    );
}

#[tokio::test]
async fn places_it_as_the_platform_says() {
    let aws = Replay::new([replay::json(&json!({ "tasks": [stopped()] }))]);
    let request = TaskRequest {
        placing: Placing {
            capacity: Capacity::Providers(vec![CapacityProvider {
                name: "FARGATE_SPOT".into(),
                weight: 2,
                base: 1,
            }]),
            constraints: vec![PlacementConstraint {
                kind: "memberOf".into(),
                expression: "attribute:a == b".into(),
            }],
            network: Some(network()),
        },
        ..task_request()
    };
    aws.clients.run_task(CLUSTER, &request).await.unwrap();
    let sent = aws.only().json();
    assert_eq!(sent.get("launchType"), None);
    assert_eq!(
        sent["capacityProviderStrategy"],
        json!([{ "capacityProvider": "FARGATE_SPOT", "weight": 2, "base": 1 }])
    );
    assert_eq!(
        sent["placementConstraints"],
        json!([{ "type": "memberOf", "expression": "attribute:a == b" }])
    );
    let awsvpc = &sent["networkConfiguration"]["awsvpcConfiguration"];
    assert!(
        awsvpc["subnets"]
            .as_array()
            .is_some_and(|subnets| !subnets.is_empty()),
        "{sent}"
    );
}

#[tokio::test]
async fn overrides_what_a_run_has_otherwise_and_nothing_else() {
    let sent = async |overrides: TaskOverrides| {
        let aws = Replay::new([replay::json(&json!({ "tasks": [stopped()] }))]);
        let request = TaskRequest {
            overrides: Some(Box::new(overrides)),
            ..task_request()
        };
        aws.clients.run_task(CLUSTER, &request).await.unwrap();
        aws.only().json().get("overrides").cloned().unwrap_or_default()
    };
    assert_eq!(sent(TaskOverrides::default()).await, Value::Null);
    let all = TaskOverrides {
        command: vec!["rake".into(), "a b".into()],
        environment: Environment([("A".to_owned(), "1".to_owned())].into()),
        cpu: Some(512),
        memory: Some(1_024),
        task_cpu: Some(1_024),
        task_memory: Some(2_048),
    };
    assert_eq!(
        sent(all).await,
        json!({
            "containerOverrides": [{
                "name": "migrate", "command": ["rake", "a b"], "environment": [{ "name": "A", "value": "1" }],
                "cpu": 512, "memory": 1024,
            }],
            "cpu": "1024",
            "memory": "2048",
        })
    );
    let size = TaskOverrides {
        task_memory: Some(2_048),
        ..TaskOverrides::default()
    };
    assert_eq!(sent(size).await, json!({ "memory": "2048" }));
}

#[tokio::test]
async fn a_conflict_names_the_task_that_is_there_and_failures_say_why_there_is_none() {
    let conflict = json!({
        "__type": "ConflictException", "message": "The token is in use.", "resourceIds": [TASK],
    });
    let (started, _) = run(replay::reply(400, conflict.to_string())).await;
    assert_eq!(started.unwrap(), Started::Before(Arn(TASK.into())));
    // Without a name it is a conflict like any other.
    let bare = json!({ "__type": "ConflictException", "message": "The token is in use." });
    let (started, _) = run(replay::reply(400, bare.to_string())).await;
    assert_eq!(started.unwrap_err().fault, Fault::Stale);

    let failures = json!([{ "arn": "arn:aws:ecs:x", "reason": "RESOURCE:MEMORY", "detail": "none left" }]);
    let (started, _) = run(replay::json(&json!({ "tasks": [], "failures": failures }))).await;
    assert_eq!(
        started.unwrap(),
        Started::Nothing("RESOURCE:MEMORY none left".into())
    );
    let (started, _) = run(replay::json(&json!({}))).await;
    assert_eq!(started.unwrap(), Started::Nothing("ECS does not say why".into()));
    let denied = json!({ "__type": "AccessDeniedException", "message": "no" });
    let (started, _) = run(replay::reply(400, denied.to_string())).await;
    assert_eq!(started.unwrap_err().class(), Class::Denied);
}

#[tokio::test]
async fn lists_the_tasks_of_a_family_and_those_that_have_stopped() {
    let aws = Replay::new([
        replay::json(&json!({ "taskArns": ["arn:1"], "nextToken": "more" })),
        replay::json(&json!({ "taskArns": ["arn:2"] })),
        replay::json(&json!({ "taskArns": [TASK] })),
    ]);
    let listed = aws.clients.list_tasks(CLUSTER, FAMILY).await.unwrap();
    assert_eq!(listed, ["arn:1", "arn:2", TASK].map(|arn| Arn(arn.into())));
    let sent: Vec<Value> = aws.sent().iter().map(Sent::json).collect();
    let asked = |status: &str| json!({ "cluster": "staging", "family": FAMILY, "desiredStatus": status, "maxResults": 100 });
    assert_eq!(sent[0], asked("RUNNING"));
    assert_eq!(sent[1]["nextToken"], "more");
    assert_eq!(sent[2], asked("STOPPED"));
}

#[tokio::test]
async fn describes_a_hundred_tasks_a_call_and_leaves_out_what_is_gone() {
    let arns: Vec<Arn> = (0..101).map(|n| Arn(format!("arn:{n}"))).collect();
    let missing = json!({ "tasks": [], "failures": [{ "arn": "arn:100", "reason": "MISSING" }] });
    let aws = Replay::new([
        replay::json(&json!({ "tasks": [stopped()] })),
        replay::json(&missing),
    ]);
    let found = aws.clients.describe_tasks(CLUSTER, &arns).await.unwrap();
    assert_eq!(found, [read()]);
    assert_eq!(
        aws.sent()[1].json(),
        json!({ "cluster": "staging", "tasks": ["arn:100"] })
    );
    let other = json!({ "failures": [{ "arn": "arn:1", "reason": "OTHER" }] });
    let aws = Replay::new([replay::json(&other)]);
    assert!(aws.clients.describe_tasks(CLUSTER, &arns[..1]).await.is_err());
}

#[tokio::test]
async fn a_task_that_is_gone_is_stopped() {
    let gone =
        json!({ "__type": "InvalidParameterException", "message": "The referenced task was not found." });
    for reply in [replay::json(&json!({})), replay::reply(400, gone.to_string())] {
        let aws = Replay::new([reply]);
        let task = Arn(TASK.into());
        aws.clients.stop_task(CLUSTER, &task, "too long").await.unwrap();
        let expected = json!({ "cluster": "staging", "task": TASK, "reason": "too long" });
        assert_eq!(aws.only().json(), expected);
    }
}
