//! Requests, and replies in Application Auto Scaling's own shape.

use std::collections::BTreeMap;

use aws_sdk_ecs::config::http::HttpResponse;
use serde_json::{Value, json};

use crate::aws::replay::{self, Replay};
use crate::aws::{AutoScaling, AutoScalingWrites, Fault};
use crate::model::class::Class;
use crate::model::name::Arn;
use crate::model::owner::Tags;
use crate::model::scaling::{
    Metric, Range, ScalableTargetState, ScalingPolicy, ScalingPolicyState, ScheduledAction,
    ScheduledActionState,
};

const CLUSTER: &str = "staging";
const SERVICE: &str = "shop_acme_web";
const ID: &str = "service/staging/shop_acme_web";
const TARGET: &str = "arn:aws:application-autoscaling:us-east-1:123456789012:scalable-target/0ec5a1b2";
const LABEL: &str = "app/e-acme-web-abcdef/50dc6c49/targetgroup/e-acme-web-abcdef/73e2d6bc";
const RANGE: Range = Range { min: 2, max: 10 };

pub(in crate::aws) fn policy() -> ScalingPolicy {
    ScalingPolicy {
        name: "empire-requests".into(),
        metric: Metric::Requests(LABEL.into()),
        value: 1_000,
        scale_in_cooldown: Some(120),
        scale_out_cooldown: Some(30),
    }
}

pub(in crate::aws) fn scheduled_action() -> ScheduledAction {
    ScheduledAction {
        expression: "cron(0 8 ? * 2-6 *)".into(),
        time_zone: "Europe/Berlin".into(),
        min: Some(4),
        max: None,
    }
}

fn tags() -> Tags {
    Tags::from([("empire.dev/owner".into(), "i-1".into())])
}

fn arn() -> Arn {
    Arn(TARGET.into())
}

/// With the fields that every call has.
fn body(more: &Value) -> Value {
    let mut body = json!({
        "ServiceNamespace": "ecs",
        "ResourceId": ID,
        "ScalableDimension": "ecs:service:DesiredCount",
    });
    let fields = body.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    body
}

fn done() -> HttpResponse {
    replay::json(&json!({}))
}

/// The operation and the body of each request.
fn requests(aws: &Replay) -> Vec<(String, Value)> {
    let sent = aws.sent().into_iter();
    sent.map(|sent| (sent.target.clone(), sent.json())).collect()
}

/// As AWS describes it.
fn target(id: &str) -> Value {
    json!({
        "ServiceNamespace": "ecs",
        "ResourceId": id,
        "ScalableDimension": "ecs:service:DesiredCount",
        "MinCapacity": 2,
        "MaxCapacity": 10,
        "RoleARN": "arn:aws:iam::123456789012:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService",
        "CreationTime": 1_700_000_000.5,
        "SuspendedState": {
            "DynamicScalingInSuspended": false,
            "DynamicScalingOutSuspended": false,
            "ScheduledScalingSuspended": false,
        },
        "ScalableTargetARN": TARGET,
    })
}

fn described(name: &str) -> Value {
    body(&json!({
        "PolicyARN": "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:1:resource/ecs/service/staging/shop_acme_web:policyName/x",
        "PolicyName": name,
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {
            "TargetValue": 1_000.0,
            "PredefinedMetricSpecification": {
                "PredefinedMetricType": "ALBRequestCountPerTarget",
                "ResourceLabel": LABEL,
            },
            "ScaleOutCooldown": 30,
            "ScaleInCooldown": 120,
            "DisableScaleIn": false,
        },
        "Alarms": [{"AlarmName": "TargetTracking-service/staging/shop_acme_web-AlarmHigh-1", "AlarmARN": "arn:1"}],
        "CreationTime": 1_700_000_000.5,
    }))
}

fn scheduled(name: &str) -> Value {
    body(&json!({
        "ScheduledActionName": name,
        "ScheduledActionARN": "arn:aws:autoscaling:us-east-1:123456789012:scheduledAction:1:resource/ecs/x",
        "Schedule": "cron(0 8 ? * 2-6 *)",
        "Timezone": "Europe/Berlin",
        "ScalableTargetAction": {"MinCapacity": 4},
        "CreationTime": 1_700_000_000.5,
    }))
}

async fn read(
    targets: Value,
    policies: Value,
    actions: Value,
) -> (BTreeMap<String, ScalableTargetState>, Replay) {
    let aws = Replay::new([
        replay::json(&json!({"ScalableTargets": [targets]})),
        replay::json(&json!({"Tags": {"empire.dev/owner": "i-1"}})),
        replay::json(&json!({"ScalingPolicies": policies})),
        replay::json(&json!({"ScheduledActions": actions})),
    ]);
    let asked = [SERVICE.into(), "shop_acme_worker".into()];
    let found = aws.clients.scalable_targets(CLUSTER, &asked).await.unwrap();
    (found, aws)
}

#[tokio::test]
async fn reads_targets_with_tags_actions_and_the_policies_of_our_names() {
    let policies = json!([described("empire-requests"), described("theirs")]);
    let actions = json!([scheduled("theirs"), scheduled("empire-day")]);
    let (found, aws) = read(target(ID), policies, actions).await;
    let there = ScheduledActionState {
        expression: Some("cron(0 8 ? * 2-6 *)".into()),
        time_zone: Some("Europe/Berlin".into()),
        min: Some(4),
        max: None,
        is_usual: true,
    };
    let state = ScalableTargetState {
        arn: Some(arn()),
        range: RANGE,
        tags: tags(),
        policies: BTreeMap::from([(
            "empire-requests".into(),
            ScalingPolicyState {
                metric: Some(Metric::Requests(LABEL.into())),
                value: Some("1000".into()),
                scale_in_cooldown: Some(120),
                scale_out_cooldown: Some(30),
                is_usual: true,
            },
        )]),
        // Whoever's they are: each may have set the range.
        actions: ["empire-day", "theirs"]
            .map(|name| (name.into(), there.clone()))
            .into(),
    };
    assert_eq!(found, BTreeMap::from([(SERVICE.into(), state)]));
    let of_target = body(&json!({}));
    let all = json!({
        "ServiceNamespace": "ecs",
        "ResourceIds": [ID, "service/staging/shop_acme_worker"],
        "ScalableDimension": "ecs:service:DesiredCount",
    });
    let expected = [
        ("DescribeScalableTargets", all),
        ("ListTagsForResource", json!({"ResourceARN": TARGET})),
        ("DescribeScalingPolicies", of_target.clone()),
        ("DescribeScheduledActions", of_target),
    ];
    let expected = expected.map(|(operation, body)| (operation.to_owned(), body));
    similar_asserts::assert_eq!(requests(&aws), expected);
}

type Change = fn(&mut Value);

async fn policy_of(change: Change) -> ScalingPolicyState {
    let mut reply = described("empire-requests");
    change(&mut reply);
    let (found, _) = read(target(ID), json!([reply]), json!([])).await;
    found[SERVICE].policies["empire-requests"].clone()
}

#[tokio::test]
async fn what_no_policy_of_ours_has_is_unusual() {
    let usual = policy_of(|_| ()).await;
    let changes: [(Change, ScalingPolicyState); 4] = [
        (
            |reply| reply["TargetTrackingScalingPolicyConfiguration"]["DisableScaleIn"] = true.into(),
            usual.clone(),
        ),
        (
            |reply| {
                let tracking = &mut reply["TargetTrackingScalingPolicyConfiguration"];
                tracking["PredefinedMetricSpecification"] =
                    json!({"PredefinedMetricType": "ECSServiceAverageCPUUtilizationHighResolution"});
            },
            ScalingPolicyState {
                metric: None,
                ..usual.clone()
            },
        ),
        (
            |reply| {
                let tracking = reply["TargetTrackingScalingPolicyConfiguration"].as_object_mut();
                let tracking = tracking.unwrap();
                tracking.remove("PredefinedMetricSpecification");
                let metric = json!({"MetricName": "Depth", "Namespace": "Queue", "Statistic": "Average"});
                tracking.insert("CustomizedMetricSpecification".into(), metric);
            },
            ScalingPolicyState {
                metric: None,
                ..usual.clone()
            },
        ),
        (
            |reply| {
                reply["PolicyType"] = "StepScaling".into();
                let fields = reply.as_object_mut().unwrap();
                fields.remove("TargetTrackingScalingPolicyConfiguration");
                let step = json!({"AdjustmentType": "ChangeInCapacity", "StepAdjustments": []});
                fields.insert("StepScalingPolicyConfiguration".into(), step);
            },
            ScalingPolicyState {
                metric: None,
                value: None,
                scale_in_cooldown: None,
                scale_out_cooldown: None,
                is_usual: false,
            },
        ),
    ];
    for (index, (change, expected)) in changes.into_iter().enumerate() {
        let expected = ScalingPolicyState {
            is_usual: false,
            ..expected
        };
        assert_eq!(policy_of(change).await, expected, "change {index}");
    }
}

#[tokio::test]
async fn a_metric_of_the_service_has_no_label_and_a_value_may_be_no_whole_number() {
    for (name, metric) in [
        ("ECSServiceAverageCPUUtilization", Metric::Cpu),
        ("ECSServiceAverageMemoryUtilization", Metric::Memory),
    ] {
        let mut reply = described("empire-it");
        reply["TargetTrackingScalingPolicyConfiguration"] = json!({
            "TargetValue": 62.5,
            "PredefinedMetricSpecification": {"PredefinedMetricType": name},
        });
        let (found, _) = read(target(ID), json!([reply]), json!([])).await;
        let expected = ScalingPolicyState {
            metric: Some(metric),
            value: Some("62.5".into()),
            scale_in_cooldown: None,
            scale_out_cooldown: None,
            is_usual: true,
        };
        assert_eq!(found[SERVICE].policies["empire-it"], expected);
    }
}

#[tokio::test]
async fn an_action_that_begins_or_ends_is_unusual() {
    for time in ["StartTime", "EndTime"] {
        let mut reply = scheduled("empire-day");
        reply[time] = 1_700_000_000.into();
        let (found, _) = read(target(ID), json!([]), json!([reply])).await;
        assert!(!found[SERVICE].actions["empire-day"].is_usual, "{time}");
    }
    let bare = json!({"ScheduledActionName": "empire-day"});
    let (found, _) = read(target(ID), json!([]), json!([bare])).await;
    let unknown = ScheduledActionState {
        expression: None,
        time_zone: None,
        min: None,
        max: None,
        is_usual: true,
    };
    assert_eq!(found[SERVICE].actions["empire-day"], unknown);
}

/// Of an emulator: tags are asked for by ARN.
#[tokio::test]
async fn a_target_without_an_arn_has_no_tags() {
    let mut bare = target(ID);
    bare.as_object_mut().unwrap().remove("ScalableTargetARN");
    let aws = Replay::new([
        replay::json(&json!({"ScalableTargets": [bare]})),
        replay::json(&json!({"ScalingPolicies": []})),
        replay::json(&json!({"ScheduledActions": []})),
    ]);
    let found = aws.clients.scalable_targets(CLUSTER, &[SERVICE.into()]).await;
    let found = &found.unwrap()[SERVICE];
    assert_eq!((&found.arn, &found.tags), (&None, &Tags::new()));
}

#[tokio::test]
async fn asks_for_fifty_a_call_for_every_page_and_for_none_if_there_are_no_services() {
    let names: Vec<String> = (0..51).map(|n| format!("shop_acme_{n:02}")).collect();
    let aws = Replay::new([
        replay::json(&json!({"ScalableTargets": [], "NextToken": "more"})),
        replay::json(&json!({"ScalableTargets": [target("service/other/shop_acme_00")]})),
        replay::json(&json!({"ScalableTargets": []})),
    ]);
    let cluster = "arn:aws:ecs:us-east-1:123456789012:cluster/staging";
    let found = aws.clients.scalable_targets(cluster, &names).await.unwrap();
    // One that was not asked for is none of ours.
    assert!(found.is_empty());
    let asked: Vec<(usize, Value, Value)> = requests(&aws)
        .into_iter()
        .map(|(_, body)| {
            let ids = body["ResourceIds"].as_array().unwrap();
            (ids.len(), ids[0].clone(), body["NextToken"].clone())
        })
        .collect();
    let first = json!("service/staging/shop_acme_00");
    let expected = [
        (50, first.clone(), Value::Null),
        (50, first, json!("more")),
        (1, json!("service/staging/shop_acme_50"), Value::Null),
    ];
    assert_eq!(asked, expected);
    let aws = Replay::new([]);
    assert!(
        aws.clients
            .scalable_targets(CLUSTER, &[])
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn reads_every_page_of_policies_and_actions() {
    let page =
        |list: &str, item: Value, token: Value| replay::json(&json!({list: [item], "NextToken": token}));
    let aws = Replay::new([
        replay::json(&json!({"ScalableTargets": [target(ID)]})),
        replay::json(&json!({"Tags": {}})),
        page("ScalingPolicies", described("empire-a"), "more".into()),
        page("ScalingPolicies", described("empire-b"), Value::Null),
        page("ScheduledActions", scheduled("empire-c"), "more".into()),
        page("ScheduledActions", scheduled("empire-d"), Value::Null),
    ]);
    let found = aws.clients.scalable_targets(CLUSTER, &[SERVICE.into()]).await;
    let found = &found.unwrap()[SERVICE];
    let names = found.policies.keys().chain(found.actions.keys());
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["empire-a", "empire-b", "empire-c", "empire-d"]
    );
}

#[tokio::test]
async fn only_a_new_target_is_sent_tags() {
    let registered = || replay::json(&json!({"ScalableTargetARN": TARGET}));
    let aws = Replay::new([registered(), registered(), done()]);
    let clients = &aws.clients;
    for tags in [Some(&tags()), None] {
        let registering = clients.register_scalable_target(CLUSTER, SERVICE, RANGE, tags);
        assert_eq!(registering.await.unwrap(), Some(arn()));
    }
    // As an older emulator answers.
    let registering = clients.register_scalable_target(CLUSTER, SERVICE, RANGE, None);
    assert_eq!(registering.await.unwrap(), None);
    let bare = body(&json!({"MinCapacity": 2, "MaxCapacity": 10}));
    let mut tagged = bare.clone();
    tagged["Tags"] = json!({"empire.dev/owner": "i-1"});
    let bodies: Vec<Value> = requests(&aws).into_iter().map(|(_, body)| body).collect();
    similar_asserts::assert_eq!(bodies, [tagged, bare.clone(), bare]);
}

#[tokio::test]
async fn a_write_is_one_call() {
    let aws = Replay::new([done(), done(), done(), done(), done(), done(), done()]);
    let clients = &aws.clients;
    clients.tag_scalable_target(&arn(), &tags()).await.unwrap();
    clients.untag_scalable_target(&arn(), &["a", "b"]).await.unwrap();
    // Replies have what we do not read.
    clients
        .put_scaling_policy(CLUSTER, SERVICE, &policy())
        .await
        .unwrap();
    let cpu = ScalingPolicy {
        name: "empire-cpu".into(),
        metric: Metric::Cpu,
        value: 70,
        scale_in_cooldown: None,
        scale_out_cooldown: None,
    };
    clients.put_scaling_policy(CLUSTER, SERVICE, &cpu).await.unwrap();
    let memory = ScalingPolicy {
        metric: Metric::Memory,
        ..cpu
    };
    clients
        .put_scaling_policy(CLUSTER, SERVICE, &memory)
        .await
        .unwrap();
    let one = scheduled_action();
    let putting = clients.put_scheduled_action(CLUSTER, SERVICE, "empire-day", &one);
    putting.await.unwrap();
    let both = ScheduledAction {
        min: Some(0),
        max: Some(3),
        ..one
    };
    let putting = clients.put_scheduled_action(CLUSTER, SERVICE, "empire-day", &both);
    putting.await.unwrap();
    let tracking = |name: &str, tracking: Value| {
        body(&json!({
            "PolicyName": name,
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": tracking,
        }))
    };
    let of_service = |metric: &str| {
        let metric = json!({"PredefinedMetricType": metric});
        json!({"TargetValue": 70.0, "PredefinedMetricSpecification": metric})
    };
    let requested = json!({
        "TargetValue": 1_000.0,
        "PredefinedMetricSpecification": {
            "PredefinedMetricType": "ALBRequestCountPerTarget",
            "ResourceLabel": LABEL,
        },
        "ScaleInCooldown": 120,
        "ScaleOutCooldown": 30,
    });
    let scheduled = |range: Value| {
        body(&json!({
            "ScheduledActionName": "empire-day",
            "Schedule": "cron(0 8 ? * 2-6 *)",
            "Timezone": "Europe/Berlin",
            "ScalableTargetAction": range,
        }))
    };
    let tags = json!({"ResourceARN": TARGET, "Tags": {"empire.dev/owner": "i-1"}});
    let cpu = of_service("ECSServiceAverageCPUUtilization");
    let memory = of_service("ECSServiceAverageMemoryUtilization");
    let expected = [
        ("TagResource", tags),
        (
            "UntagResource",
            json!({"ResourceARN": TARGET, "TagKeys": ["a", "b"]}),
        ),
        ("PutScalingPolicy", tracking("empire-requests", requested)),
        ("PutScalingPolicy", tracking("empire-cpu", cpu)),
        ("PutScalingPolicy", tracking("empire-cpu", memory)),
        ("PutScheduledAction", scheduled(json!({"MinCapacity": 4}))),
        (
            "PutScheduledAction",
            scheduled(json!({"MinCapacity": 0, "MaxCapacity": 3})),
        ),
    ];
    let expected = expected.map(|(operation, body)| (operation.to_owned(), body));
    similar_asserts::assert_eq!(requests(&aws), expected);
}

#[tokio::test]
async fn deletes_by_name() {
    let aws = Replay::new([done(), done(), done()]);
    let clients = &aws.clients;
    clients
        .delete_scaling_policy(CLUSTER, SERVICE, "empire-cpu")
        .await
        .unwrap();
    clients
        .delete_scheduled_action(CLUSTER, SERVICE, "empire-day")
        .await
        .unwrap();
    clients
        .deregister_scalable_target(CLUSTER, SERVICE)
        .await
        .unwrap();
    let expected = [
        ("DeleteScalingPolicy", body(&json!({"PolicyName": "empire-cpu"}))),
        (
            "DeleteScheduledAction",
            body(&json!({"ScheduledActionName": "empire-day"})),
        ),
        ("DeregisterScalableTarget", body(&json!({}))),
    ];
    let expected = expected.map(|(operation, body)| (operation.to_owned(), body));
    similar_asserts::assert_eq!(requests(&aws), expected);
}

/// A target may go between two calls of one read, and all else of it with it.
#[tokio::test]
async fn what_is_not_there_is_no_failure() {
    let gone = |code: &str| replay::json_error(400, code, "No scalable target found");
    let object = || gone("ObjectNotFoundException");
    let aws = Replay::new([
        replay::json(&json!({"ScalableTargets": [target(ID)]})),
        gone("ResourceNotFoundException"),
        object(),
        object(),
        object(),
        object(),
        object(),
    ]);
    let clients = &aws.clients;
    let found = clients
        .scalable_targets(CLUSTER, &[SERVICE.into()])
        .await
        .unwrap();
    let found = &found[SERVICE];
    assert!(found.tags.is_empty() && found.policies.is_empty() && found.actions.is_empty());
    clients
        .deregister_scalable_target(CLUSTER, SERVICE)
        .await
        .unwrap();
    clients
        .delete_scaling_policy(CLUSTER, SERVICE, "empire-cpu")
        .await
        .unwrap();
    clients
        .delete_scheduled_action(CLUSTER, SERVICE, "empire-day")
        .await
        .unwrap();
}

#[tokio::test]
async fn a_put_believes_in_its_target_and_a_refusal_keeps_its_words() {
    let refused = |code: &str| replay::json_error(400, code, "words");
    let aws = Replay::new([
        refused("ObjectNotFoundException"),
        refused("ObjectNotFoundException"),
        refused("ResourceNotFoundException"),
        refused("ValidationException"),
        refused("FailedResourceAccessException"),
        refused("ConcurrentUpdateException"),
    ]);
    let clients = &aws.clients;
    let (policy, action) = (policy(), scheduled_action());
    let put = || clients.put_scaling_policy(CLUSTER, SERVICE, &policy);
    let faults = [
        put().await.unwrap_err().fault,
        clients
            .put_scheduled_action(CLUSTER, SERVICE, "empire-day", &action)
            .await
            .unwrap_err()
            .fault,
        clients
            .tag_scalable_target(&arn(), &tags())
            .await
            .unwrap_err()
            .fault,
        put().await.unwrap_err().fault,
        put().await.unwrap_err().fault,
        put().await.unwrap_err().fault,
    ];
    let expected = [
        Fault::Stale,
        Fault::Stale,
        Fault::Absent,
        Fault::Failed(Class::Refused),
        Fault::Failed(Class::Denied),
        Fault::Failed(Class::Transient),
    ];
    assert_eq!(faults, expected);
}
