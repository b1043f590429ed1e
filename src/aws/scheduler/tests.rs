//! Requests, whole each time, and replies in EventBridge Scheduler's own shape.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::aws::replay::{self, Replay, Sent};
use crate::aws::{Fault, Scheduler, SchedulerWrites};
use crate::model::name::Arn;
use crate::model::owner::Tags;
use crate::model::schedule::{Schedule, ScheduleGroup, ScheduleState, ScheduleTarget, Timing};
use crate::model::service::{
    Capacity, CapacityProvider, LaunchType, PlacementConstraint, PlacementStrategy, TaskNetwork,
};

const GROUP: &str = "empire-abcdefghijkl";
const GROUP_ARN: &str = "arn:aws:scheduler:us-east-1:123456789012:schedule-group/empire-abcdefghijkl";
const NAME: &str = "acme-nightly-0123456789abcdefghij";
const CLUSTER: &str = "arn:aws:ecs:us-east-1:123456789012:cluster/staging";
const DEFINITION: &str = "arn:aws:ecs:us-east-1:123456789012:task-definition/shop_acme_nightly:7";
const ROLE: &str = "arn:aws:iam::123456789012:role/scheduler";

pub(in crate::aws) fn schedule() -> Schedule {
    Schedule {
        name: NAME.into(),
        group: GROUP.into(),
        description: "empire.dev/owner=i-1".into(),
        timing: Timing {
            expression: "cron(0 3 * * ? *)".into(),
            time_zone: "Europe/Berlin".into(),
        },
        enabled: true,
        role_arn: ROLE.into(),
        capacity: Capacity::LaunchType(LaunchType::Ec2),
        placement: Vec::new(),
        constraints: Vec::new(),
        network: None,
        tags: Tags::from([("cost-center".into(), "42".into())]),
    }
}

/// On Fargate, with everything that a schedule can have.
fn full() -> Schedule {
    let provider = |name: &str, weight, base| CapacityProvider {
        name: name.into(),
        weight,
        base,
    };
    Schedule {
        capacity: Capacity::Providers(vec![provider("FARGATE", 1, 2), provider("FARGATE_SPOT", 3, 0)]),
        placement: vec![PlacementStrategy::spread("instanceId")],
        constraints: vec![PlacementConstraint {
            kind: "memberOf".into(),
            expression: "attribute:disk == ssd".into(),
        }],
        network: Some(TaskNetwork {
            subnets: BTreeSet::from(["subnet-a".into(), "subnet-b".into()]),
            security_groups: BTreeSet::from(["sg-tasks".into()]),
            assign_public_ip: true,
        }),
        ..schedule()
    }
}

pub(in crate::aws) fn target() -> ScheduleTarget {
    ScheduleTarget {
        cluster: Arn(CLUSTER.into()),
        task_definition: Arn(DEFINITION.into()),
    }
}

fn body() -> Value {
    json!({
        "GroupName": GROUP,
        "Description": "empire.dev/owner=i-1",
        "ScheduleExpression": "cron(0 3 * * ? *)",
        "ScheduleExpressionTimezone": "Europe/Berlin",
        "State": "ENABLED",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "NONE",
        "Target": {
            "Arn": CLUSTER,
            "RoleArn": ROLE,
            "RetryPolicy": {"MaximumEventAgeInSeconds": 900, "MaximumRetryAttempts": 10},
            "EcsParameters": {
                "TaskDefinitionArn": DEFINITION,
                "TaskCount": 1,
                "LaunchType": "EC2",
                "PropagateTags": "TASK_DEFINITION",
                "EnableECSManagedTags": false,
            },
        },
    })
}

/// Returns the request without the SDK's own token.
fn sent(sent: &Sent) -> Value {
    let mut json = sent.json();
    let token = json.as_object_mut().unwrap().remove("ClientToken");
    assert!(token.is_some());
    json
}

fn created() -> Value {
    json!({"ScheduleArn": format!("arn:aws:scheduler:us-east-1:123456789012:schedule/{GROUP}/{NAME}")})
}

#[tokio::test]
async fn creates_and_updates_with_all_of_it() {
    let aws = Replay::new([replay::json(&created()), replay::json(&created())]);
    aws.clients.create_schedule(&schedule(), &target()).await.unwrap();
    aws.clients.update_schedule(&schedule(), &target()).await.unwrap();
    let lines: Vec<String> = aws.sent().iter().map(|sent| sent.line.clone()).collect();
    let path = format!("/schedules/{NAME}");
    assert_eq!(lines, [format!("POST {path}"), format!("PUT {path}")]);
    for each in aws.sent() {
        similar_asserts::assert_eq!(sent(&each), body());
    }
}

/// An update that untags a schedule which somebody disabled.
#[tokio::test]
async fn sends_nothing_for_an_empty_description() {
    let aws = Replay::new([replay::json(&created())]);
    let released = Schedule {
        description: String::new(),
        enabled: false,
        ..schedule()
    };
    aws.clients.update_schedule(&released, &target()).await.unwrap();
    let mut expected = body();
    expected.as_object_mut().unwrap().remove("Description");
    expected["State"] = "DISABLED".into();
    similar_asserts::assert_eq!(sent(&aws.only()), expected);
}

#[tokio::test]
async fn sends_providers_placement_and_network_where_there_are_any() {
    let aws = Replay::new([replay::json(&created())]);
    aws.clients.create_schedule(&full(), &target()).await.unwrap();
    let mut expected = body();
    expected["Target"]["EcsParameters"] = json!({
        "TaskDefinitionArn": DEFINITION,
        "TaskCount": 1,
        "CapacityProviderStrategy": [
            {"capacityProvider": "FARGATE", "weight": 1, "base": 2},
            // Zero is what AWS reads where nothing is said.
            {"capacityProvider": "FARGATE_SPOT", "weight": 3},
        ],
        "PlacementStrategy": [{"type": "spread", "field": "instanceId"}],
        "PlacementConstraints": [{"type": "memberOf", "expression": "attribute:disk == ssd"}],
        "NetworkConfiguration": {"awsvpcConfiguration": {
            "Subnets": ["subnet-a", "subnet-b"],
            "SecurityGroups": ["sg-tasks"],
            "AssignPublicIp": "ENABLED",
        }},
        "PropagateTags": "TASK_DEFINITION",
        "EnableECSManagedTags": false,
    });
    similar_asserts::assert_eq!(sent(&aws.only()), expected);
}

async fn read(reply: Value) -> ScheduleState {
    let aws = Replay::new([replay::json(&reply)]);
    let found = aws.clients.get_schedule(GROUP, NAME).await.unwrap().unwrap();
    assert_eq!(
        aws.only().line,
        format!("GET /schedules/{NAME}?groupName={GROUP}")
    );
    found
}

/// As AWS reports it: with the defaults of what was left out, and more.
fn reported(sent: &Value) -> Value {
    let mut reply = sent.clone();
    reply["Name"] = NAME.into();
    reply["Arn"] = created()["ScheduleArn"].clone();
    reply["CreationDate"] = 1_700_000_000.into();
    reply["LastModificationDate"] = 1_700_000_000.into();
    reply["Target"]["Input"] = "".into();
    reply
}

#[tokio::test]
async fn reads_back_what_it_wrote() {
    assert_eq!(read(reported(&body())).await, {
        let mut written = schedule().written(&target());
        // Left out, they say nothing.
        (written.placement, written.constraints) = (None, None);
        written
    });
    let aws = Replay::new([replay::json(&created())]);
    aws.clients.create_schedule(&full(), &target()).await.unwrap();
    let found = read(reported(&sent(&aws.only()))).await;
    assert_eq!(found, full().written(&target()));
    assert!(full().differing(&found, &BTreeSet::new()).is_empty());
}

#[tokio::test]
async fn what_a_hand_changed_shows() {
    let changes: [fn(&mut Value); 13] = [
        |reply| reply["State"] = "DISABLED".into(),
        |reply| reply["ScheduleExpression"] = "rate(5 minutes)".into(),
        |reply| reply["ScheduleExpressionTimezone"] = "UTC".into(),
        |reply| reply["EndDate"] = 1_700_000_000.into(),
        |reply| reply["StartDate"] = 1_700_000_000.into(),
        |reply| {
            reply["FlexibleTimeWindow"] = json!({"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5});
        },
        |reply| reply["ActionAfterCompletion"] = "DELETE".into(),
        |reply| reply["Target"]["Input"] = "{}".into(),
        |reply| reply["Target"]["RoleArn"] = "other".into(),
        |reply| reply["Target"]["RetryPolicy"]["MaximumRetryAttempts"] = 185.into(),
        |reply| reply["Target"]["RetryPolicy"]["MaximumEventAgeInSeconds"] = 86_400.into(),
        |reply| reply["Target"]["EcsParameters"]["TaskCount"] = 2.into(),
        |reply| reply["Target"]["EcsParameters"]["LaunchType"] = "FARGATE".into(),
    ];
    for (index, change) in changes.iter().enumerate() {
        let mut reply = reported(&body());
        change(&mut reply);
        let found = read(reply).await;
        assert_eq!(
            schedule().differing(&found, &BTreeSet::new()).len(),
            1,
            "change {index}"
        );
    }
}

#[tokio::test]
async fn what_a_reply_leaves_out_is_unknown() {
    let found = read(json!({"Name": NAME})).await;
    assert!(
        schedule().differing(&found, &BTreeSet::new()).is_empty(),
        "{found:?}"
    );
    assert_eq!((found.task_definition, found.cluster), (None, None));
}

#[tokio::test]
async fn a_group_has_its_tags_from_the_start() {
    let aws = Replay::new([replay::json(&json!({"ScheduleGroupArn": GROUP_ARN}))]);
    let group = ScheduleGroup {
        name: GROUP.into(),
        tags: Tags::from([("empire.dev/owner".into(), "i-1".into())]),
    };
    let arn = aws.clients.create_schedule_group(&group).await.unwrap();
    assert_eq!(arn, Arn(GROUP_ARN.into()));
    assert_eq!(aws.only().line, format!("POST /schedule-groups/{GROUP}"));
    assert_eq!(
        sent(&aws.only()),
        json!({"Tags": [{"Key": "empire.dev/owner", "Value": "i-1"}]})
    );
}

#[tokio::test]
async fn reads_a_group_and_its_tags() {
    let group = |state: &str| json!({"Arn": GROUP_ARN, "Name": GROUP, "State": state});
    let tags = json!({"Tags": [{"Key": "empire.dev/owner", "Value": "i-1"}]});
    let aws = Replay::new([
        replay::json(&group("ACTIVE")),
        replay::json(&group("DELETING")),
        replay::json(&tags),
    ]);
    let active = aws.clients.get_schedule_group(GROUP).await.unwrap().unwrap();
    assert!(!active.is_deleting);
    let deleting = aws.clients.get_schedule_group(GROUP).await.unwrap().unwrap();
    assert!(deleting.is_deleting);
    let tags = aws.clients.list_schedule_group_tags(&active.arn).await.unwrap();
    assert_eq!(tags, Tags::from([("empire.dev/owner".into(), "i-1".into())]));
}

#[tokio::test]
async fn lists_every_page_of_the_names_that_begin_so() {
    let page = |name: &str, token: Value| json!({"Schedules": [{"Name": name}], "NextToken": token});
    let aws = Replay::new([
        replay::json(&page("acme-a", "more".into())),
        replay::json(&page("acme-b", Value::Null)),
    ]);
    let names = aws.clients.list_schedules(GROUP, "acme-").await.unwrap();
    assert_eq!(names, Some(vec!["acme-a".into(), "acme-b".into()]));
    let lines: Vec<String> = aws.sent().iter().map(|sent| sent.line.clone()).collect();
    for line in &lines {
        assert!(line.contains(&format!("ScheduleGroup={GROUP}")), "{line}");
        assert!(line.contains("NamePrefix=acme-"), "{line}");
    }
    assert!(lines[1].contains("NextToken=more"), "{lines:?}");
}

#[tokio::test]
async fn what_is_not_there_is_no_failure() {
    let gone = || replay::json_error(404, "ResourceNotFoundException", "does not exist");
    let aws = Replay::new([gone(), gone(), gone(), gone(), gone()]);
    let clients = &aws.clients;
    assert_eq!(clients.get_schedule_group(GROUP).await.unwrap(), None);
    assert_eq!(clients.list_schedules(GROUP, "acme-").await.unwrap(), None);
    assert_eq!(clients.get_schedule(GROUP, NAME).await.unwrap(), None);
    let tags = clients.list_schedule_group_tags(&Arn(GROUP_ARN.into())).await;
    assert_eq!(tags.unwrap(), Tags::new());
    clients.delete_schedule(GROUP, NAME).await.unwrap();
}

#[tokio::test]
async fn one_that_exists_already_is_looked_at_again() {
    let aws = Replay::new([replay::json_error(409, "ConflictException", "already exists")]);
    let error = aws
        .clients
        .create_schedule(&schedule(), &target())
        .await
        .unwrap_err();
    assert_eq!(
        (error.fault, error.code.as_str()),
        (Fault::Stale, "ConflictException")
    );
}
