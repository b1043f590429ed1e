//! The requests that each method sends, and their number.

use aws_sdk_ecs::config::http::HttpResponse;
use serde_json::{Value, json};

use super::{
    CLUSTER, DEFINITION_ARN, GROUP_ARN, SERVICE_ARN, attachment, network, service, service_json, tags,
    tags_json, with,
};
use crate::aws::replay::{self, Replay};
use crate::aws::{AwsError, Ecs, EcsWrites, Fault};
use crate::model::class::Class;
use crate::model::name::Arn;
use crate::model::rollout::ServiceDeploymentStatus;
use crate::model::service::{
    Capacity, CapacityProvider, CapacityProviderKind, CircuitBreaker, DeploymentConfiguration, LaunchType,
    PlacementConstraint, Service, ServiceSettings, ServiceUpdate,
};

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("shop_acme_p{number}")).collect()
}

fn described(names: &[String]) -> HttpResponse {
    let services: Vec<Value> = names
        .iter()
        .rev()
        .map(|name| with(service_json(), json!({"serviceName": name})))
        .collect();
    replay::json(&json!({"services": services, "failures": []}))
}

#[tokio::test]
async fn lists_every_page_and_takes_names_out_of_both_forms_of_arn() {
    let aws = Replay::new([
        replay::json(&json!({
            "serviceArns": [SERVICE_ARN, "arn:aws:ecs:us-east-1:123456789012:service/blog_front_web"],
            "nextToken": "token-1",
        })),
        replay::json(&json!({"serviceArns": [], "nextToken": "token-2"})),
        replay::json(&json!({"serviceArns": ["arn:aws:ecs:us-east-1:123456789012:service/staging/other"]})),
    ]);
    let listed = aws.clients.list_services(CLUSTER).await.unwrap();
    assert_eq!(listed, ["shop_acme_web", "blog_front_web", "other"]);
    let sent = aws.sent();
    assert!(sent.iter().all(|sent| sent.target == "ListServices"));
    let bodies: Vec<Value> = sent.iter().map(replay::Sent::json).collect();
    assert_eq!(
        bodies,
        [
            json!({"cluster": "staging", "maxResults": 100}),
            json!({"cluster": "staging", "maxResults": 100, "nextToken": "token-1"}),
            json!({"cluster": "staging", "maxResults": 100, "nextToken": "token-2"}),
        ]
    );
}

/// Replies in AWS's words, and in those of an emulator that knows neither the type nor Managed Instances.
#[tokio::test]
async fn tells_what_capacity_providers_are_made_of() {
    let group =
        json!({ "autoScalingGroupArn": "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:1" });
    let aws = Replay::new([replay::json(&json!({
        "capacityProviders": [
            { "name": "managed", "type": "MANAGED_INSTANCES", "status": "ACTIVE" },
            { "name": "also", "managedInstancesProvider": { "infrastructureRoleArn": "arn:aws:iam::123456789012:role/i" } },
            { "name": "own", "type": "EC2_AUTOSCALING", "autoScalingGroupProvider": group },
            { "name": "old", "autoScalingGroupProvider": group },
            { "name": "unasked", "autoScalingGroupProvider": group },
        ],
        "failures": [{ "arn": "arn:aws:ecs:us-east-1:123456789012:capacity-provider/gone", "reason": "MISSING" }],
    }))]);
    let names = ["managed", "also", "own", "old", "gone"].map(str::to_owned);
    let kinds = aws.clients.capacity_provider_kinds(&names).await.unwrap();
    let expected = [
        ("also", CapacityProviderKind::ManagedInstances),
        ("managed", CapacityProviderKind::ManagedInstances),
        ("old", CapacityProviderKind::AutoScalingGroup),
        ("own", CapacityProviderKind::AutoScalingGroup),
    ];
    let found: Vec<(&str, CapacityProviderKind)> =
        kinds.iter().map(|(name, kind)| (name.as_str(), *kind)).collect();
    assert_eq!(found, expected);
    let sent = aws.only();
    assert_eq!(sent.target, "DescribeCapacityProviders");
    assert_eq!(sent.json(), json!({ "capacityProviders": names }));
}

#[tokio::test]
async fn describes_ten_services_a_call_with_tags() {
    let names = names(21);
    let aws = Replay::new(names.chunks(10).map(described));
    let found = aws.clients.describe_services(CLUSTER, &names).await.unwrap();
    assert_eq!(found.len(), 21);
    let sent: Vec<Value> = aws.sent().iter().map(replay::Sent::json).collect();
    assert_eq!(sent.len(), 3);
    assert_eq!(
        sent[0],
        json!({"cluster": "staging", "services": names[..10], "include": ["TAGS"]})
    );
    assert_eq!(sent[2]["services"], json!([names[20]]));
}

#[tokio::test]
async fn describes_nothing_without_a_call() {
    let aws = Replay::new([]);
    assert_eq!(aws.clients.describe_services(CLUSTER, &[]).await.unwrap(), []);
}

#[tokio::test]
async fn leaves_out_missing_and_inactive_services() {
    let aws = Replay::new([replay::json(&json!({
        "services": [
            with(service_json(), json!({"serviceName": "gone", "status": "INACTIVE"})),
            service_json(),
        ],
        "failures": [{
            "arn": "arn:aws:ecs:us-east-1:123456789012:service/staging/never",
            "reason": "MISSING",
        }],
    }))]);
    let names = ["gone".into(), "shop_acme_web".into(), "never".into()];
    let found = aws.clients.describe_services(CLUSTER, &names).await.unwrap();
    let names: Vec<&str> = found.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["shop_acme_web"]);
}

#[tokio::test]
async fn any_other_failure_inside_a_reply_fails_the_call() {
    let aws = Replay::new([replay::json(&json!({
        "services": [service_json()],
        "failures": [
            {"arn": "arn:aws:ecs:us-east-1:123456789012:service/staging/a", "reason": "MISSING"},
            {"arn": "arn:aws:ecs:us-east-1:123456789012:service/staging/b", "reason": "UNREADABLE", "detail": "why"},
        ],
    }))]);
    let error = aws
        .clients
        .describe_services(CLUSTER, &["b".into()])
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "ecs:DescribeServices: UNREADABLE: why");
    assert_eq!(error.fault, Fault::Failed(Class::Refused));
}

#[tokio::test]
async fn creates_a_service_with_everything_in_one_call() {
    // A reply to a create holds no tags.
    let created = with(service_json(), json!({"tags": null}));
    let aws = Replay::new([replay::json(&json!({"service": created}))]);
    let state = aws
        .clients
        .create_service(CLUSTER, &service(), &Arn(DEFINITION_ARN.into()), &[attachment()])
        .await
        .unwrap();
    assert_eq!(state.tags, tags());
    assert_eq!(state.arn, Arn(SERVICE_ARN.into()));
    let sent = aws.only();
    assert_eq!(sent.target, "CreateService");
    // No clientToken: the name is the key.
    assert_eq!(
        sent.json(),
        json!({
            "cluster": "staging",
            "serviceName": "shop_acme_web",
            "taskDefinition": DEFINITION_ARN,
            "availabilityZoneRebalancing": "ENABLED",
            "loadBalancers": [
                {"targetGroupArn": GROUP_ARN, "containerName": "web", "containerPort": 8080},
            ],
            "desiredCount": 2,
            "launchType": "EC2",
            "deploymentConfiguration": {
                "strategy": "ROLLING",
                "deploymentCircuitBreaker": breaker(true),
                "maximumPercent": 200,
                "minimumHealthyPercent": 100,
            },
            "placementStrategy": [
                {"type": "spread", "field": "attribute:ecs.availability-zone"},
                {"type": "spread", "field": "instanceId"},
            ],
            "placementConstraints": [{"type": "distinctInstance"}],
            "healthCheckGracePeriodSeconds": 60,
            "tags": tags_json(),
            "enableECSManagedTags": false,
            "propagateTags": "SERVICE",
        })
    );
}

#[tokio::test]
async fn creates_a_fargate_worker_without_placement_load_balancers_and_grace() {
    let worker = Service {
        capacity: Capacity::LaunchType(LaunchType::Fargate),
        quantity: None,
        settings: ServiceSettings {
            zone_rebalancing: false,
            placement: Vec::new(),
            constraints: Vec::new(),
            grace_period: None,
            network: Some(network()),
            ..service().settings
        },
        ..service()
    };
    let aws = Replay::new([replay::json(&json!({"service": service_json()}))]);
    aws.clients
        .create_service(CLUSTER, &worker, &Arn(DEFINITION_ARN.into()), &[])
        .await
        .unwrap();
    assert_eq!(
        aws.only().json(),
        json!({
            "cluster": "staging",
            "serviceName": "shop_acme_web",
            "taskDefinition": DEFINITION_ARN,
            "availabilityZoneRebalancing": "DISABLED",
            "desiredCount": 1,
            "launchType": "FARGATE",
            "deploymentConfiguration": {
                "strategy": "ROLLING",
                "deploymentCircuitBreaker": breaker(true),
                "maximumPercent": 200,
                "minimumHealthyPercent": 100,
            },
            "networkConfiguration": {"awsvpcConfiguration": {
                "subnets": ["subnet-a", "subnet-b"],
                "securityGroups": ["sg-tasks"],
                "assignPublicIp": "ENABLED",
            }},
            "tags": tags_json(),
            "enableECSManagedTags": false,
            "propagateTags": "SERVICE",
        })
    );
}

async fn updated(
    update: &ServiceUpdate,
    definition: Option<&Arn>,
    attachments: Option<&[crate::model::service::Attachment<Arn>]>,
) -> Value {
    let aws = Replay::new([replay::json(&json!({"service": service_json()}))]);
    aws.clients
        .update_service(CLUSTER, "shop_acme_web", update, definition, attachments)
        .await
        .unwrap();
    let sent = aws.only();
    assert_eq!(sent.target, "UpdateService");
    sent.json()
}

/// Every task that fails counts, for as long as the rollout lasts.
fn breaker(rollback: bool) -> Value {
    json!({
        "enable": true,
        "rollback": rollback,
        "resetOnHealthyTask": false,
        "thresholdConfiguration": {"type": "BOUNDED_PERCENT", "value": 50},
    })
}

#[tokio::test]
async fn a_circuit_breaker_that_is_off_counts_nothing() {
    let off = CircuitBreaker {
        enable: false,
        rollback: false,
    };
    let update = ServiceUpdate {
        deployment: Some(DeploymentConfiguration {
            circuit_breaker: off,
            ..service().settings.deployment
        }),
        ..ServiceUpdate::default()
    };
    let sent = updated(&update, None, None).await;
    assert_eq!(
        sent["deploymentConfiguration"]["deploymentCircuitBreaker"],
        json!({"enable": false, "rollback": false})
    );
}

#[tokio::test]
async fn an_update_sends_only_what_changes() {
    let scale = ServiceUpdate {
        desired_count: Some(0),
        ..ServiceUpdate::default()
    };
    assert_eq!(
        updated(&scale, None, None).await,
        json!({"cluster": "staging", "service": "shop_acme_web", "desiredCount": 0})
    );
    let everything = ServiceUpdate {
        desired_count: Some(5),
        deployment: Some(DeploymentConfiguration {
            minimum_healthy_percent: 50,
            maximum_percent: 100,
            circuit_breaker: CircuitBreaker {
                enable: true,
                rollback: false,
            },
        }),
        zone_rebalancing: Some(false),
        exec: Some(true),
        placement: Some(service().settings.placement),
        constraints: Some(vec![PlacementConstraint {
            kind: "memberOf".into(),
            expression: "attribute:gpu == yes".into(),
        }]),
        grace_period: Some(30),
        network: Some(network()),
        capacity_providers: None,
        redeploy: None,
        secrets: None,
        rolling: false,
        again: false,
    };
    let arn = Arn(DEFINITION_ARN.into());
    assert_eq!(
        updated(&everything, Some(&arn), Some(&[attachment()])).await,
        json!({
            "cluster": "staging",
            "service": "shop_acme_web",
            "desiredCount": 5,
            "taskDefinition": DEFINITION_ARN,
            "deploymentConfiguration": {
                "strategy": "ROLLING",
                "deploymentCircuitBreaker": breaker(false),
                "maximumPercent": 100,
                "minimumHealthyPercent": 50,
            },
            "availabilityZoneRebalancing": "DISABLED",
            "placementStrategy": [
                {"type": "spread", "field": "attribute:ecs.availability-zone"},
                {"type": "spread", "field": "instanceId"},
            ],
            "placementConstraints": [{"type": "memberOf", "expression": "attribute:gpu == yes"}],
            "healthCheckGracePeriodSeconds": 30,
            "networkConfiguration": {"awsvpcConfiguration": {
                "subnets": ["subnet-a", "subnet-b"],
                "securityGroups": ["sg-tasks"],
                "assignPublicIp": "ENABLED",
            }},
            "loadBalancers": [
                {"targetGroupArn": GROUP_ARN, "containerName": "web", "containerPort": 8080},
            ],
            "enableExecuteCommand": true,
        })
    );
}

/// AWS takes away what an empty list names, and leaves alone what is not named at all.
#[tokio::test]
async fn an_update_takes_away_with_an_empty_list() {
    let bare = ServiceUpdate {
        placement: Some(Vec::new()),
        grace_period: Some(0),
        ..ServiceUpdate::default()
    };
    assert_eq!(
        updated(&bare, None, Some(&[])).await,
        json!({
            "cluster": "staging",
            "service": "shop_acme_web",
            "placementStrategy": [],
            "healthCheckGracePeriodSeconds": 0,
            "loadBalancers": [],
        })
    );
}

#[tokio::test]
async fn a_write_without_a_service_in_its_reply_is_a_bug() {
    for body in [
        json!({}),
        json!({"service": with(service_json(), json!({"status": "INACTIVE"}))}),
        json!({"service": with(service_json(), json!({"serviceArn": null}))}),
    ] {
        let aws = Replay::new([replay::json(&body)]);
        let update = ServiceUpdate::default();
        let reply = aws
            .clients
            .update_service(CLUSTER, "shop_acme_web", &update, None, None);
        assert_eq!(reply.await.unwrap_err().class(), Class::Bug, "{body}");
    }
}

async fn delete(reply: HttpResponse) -> Result<(), AwsError> {
    let aws = Replay::new([reply]);
    let result = aws.clients.delete_service(CLUSTER, "shop_acme_web").await;
    let sent = aws.only();
    assert_eq!(sent.target, "DeleteService");
    assert_eq!(
        sent.json(),
        json!({"cluster": "staging", "service": "shop_acme_web", "force": true})
    );
    result
}

#[tokio::test]
async fn deletes_by_force_and_takes_what_is_gone_for_deleted() {
    let draining = with(service_json(), json!({"status": "DRAINING"}));
    delete(replay::json(&json!({"service": draining}))).await.unwrap();
    for code in [
        "ServiceNotFoundException",
        "ServiceNotActiveException",
        "ClusterNotFoundException",
    ] {
        delete(replay::json_error(400, code, "gone")).await.unwrap();
    }
    let error = delete(replay::json_error(400, "AccessDeniedException", "no"))
        .await
        .unwrap_err();
    assert_eq!(error.class(), Class::Denied);
}

#[tokio::test]
async fn takes_tags_off_a_service_by_their_keys() {
    let aws = Replay::new([replay::json(&json!({}))]);
    let keys = ["empire.dev/owner", "empire.dev/app"];
    let service = Arn(SERVICE_ARN.into());
    aws.clients.untag_service(&service, &keys).await.unwrap();
    let sent = aws.only();
    assert_eq!(sent.target, "UntagResource");
    assert_eq!(
        sent.json(),
        json!({"resourceArn": SERVICE_ARN, "tagKeys": ["empire.dev/owner", "empire.dev/app"]})
    );
}

#[tokio::test]
async fn tags_a_service_by_its_arn() {
    let aws = Replay::new([
        replay::json(&json!({})),
        replay::json_error(
            400,
            "ResourceNotFoundException",
            "The specified resource wasn't found.",
        ),
    ]);
    let arn = Arn(SERVICE_ARN.into());
    aws.clients.tag_service(&arn, &tags()).await.unwrap();
    let gone = aws.clients.tag_service(&arn, &tags()).await.unwrap_err();
    assert_eq!(gone.fault, Fault::Absent);
    let sent = aws.sent();
    assert_eq!(sent[0].target, "TagResource");
    assert_eq!(
        sent[0].json(),
        json!({"resourceArn": SERVICE_ARN, "tags": tags_json()})
    );
}

#[tokio::test]
async fn a_strategy_is_changed_and_tasks_are_rolled_again_by_force() {
    let spread = vec![CapacityProvider {
        name: "spot".into(),
        weight: 3,
        base: 1,
    }];
    let update = ServiceUpdate {
        capacity_providers: Some(spread.clone()),
        ..ServiceUpdate::default()
    };
    let strategy = json!([{"capacityProvider": "spot", "weight": 3, "base": 1}]);
    assert_eq!(
        updated(&update, None, None).await,
        json!({
            "cluster": "staging", "service": "shop_acme_web", "forceNewDeployment": true,
            "capacityProviderStrategy": strategy.clone(),
        })
    );
    let again = ServiceUpdate {
        redeploy: Some("once".into()),
        ..ServiceUpdate::default()
    };
    assert_eq!(
        updated(&again, None, None).await,
        json!({"cluster": "staging", "service": "shop_acme_web", "forceNewDeployment": true})
    );
    let spot = Service {
        capacity: Capacity::Providers(spread),
        ..service()
    };
    let aws = Replay::new([replay::json(&json!({"service": service_json()}))]);
    let arn = Arn(DEFINITION_ARN.into());
    aws.clients
        .create_service(CLUSTER, &spot, &arn, &[])
        .await
        .unwrap();
    let sent = aws.only().json();
    assert_eq!(sent["capacityProviderStrategy"], strategy);
    assert_eq!(sent.get("launchType"), None);
}

#[tokio::test]
async fn records_of_rollouts_are_read_to_the_last_page_and_the_newest_comes_first() {
    let record = |id: &str, created: f64, status: &str| {
        json!({
            "serviceDeploymentArn": format!("arn:aws:ecs:us-east-1:123456789012:service-deployment/staging/shop_acme_web/{id}"),
            "serviceArn": SERVICE_ARN, "createdAt": created, "status": status,
            "statusReason": format!("why {id}"),
        })
    };
    let aws = Replay::new([
        replay::json(&json!({"serviceDeployments": [record("a", 1.5, "SUCCESSFUL")], "nextToken": "more"})),
        replay::json(&json!({"serviceDeployments": [
            record("b", 3.5, "ROLLBACK_IN_PROGRESS"), record("c", 2.5, "STOPPED"), record("d", 4.5, "UNHEARD_OF"),
        ]})),
    ]);
    let found = aws
        .clients
        .list_service_deployments(CLUSTER, "shop_acme_web")
        .await
        .unwrap();
    let told: Vec<_> = found
        .iter()
        .map(|found| (found.created, found.status, found.reason.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            (3, ServiceDeploymentStatus::RolledBack, Some("why b")),
            (2, ServiceDeploymentStatus::Stopped, Some("why c")),
            (1, ServiceDeploymentStatus::Successful, Some("why a")),
        ]
    );
    assert_eq!(aws.sent().len(), 2);
}

#[tokio::test]
async fn an_endpoint_that_keeps_no_records_of_rollouts_has_none() {
    let aws = Replay::new([replay::json_error(400, "InvalidAction", "unknown")]);
    let found = aws
        .clients
        .list_service_deployments(CLUSTER, "shop_acme_web")
        .await;
    assert!(found.unwrap().is_empty());
    let aws = Replay::new([replay::json_error(400, "AccessDeniedException", "no")]);
    let found = aws
        .clients
        .list_service_deployments(CLUSTER, "shop_acme_web")
        .await;
    assert_eq!(found.unwrap_err().class(), Class::Denied);
}

#[tokio::test]
async fn a_rollout_is_stopped_by_the_only_way_that_aws_documents() {
    let aws = Replay::new([replay::json(&json!({"serviceDeploymentArn": "arn:1"}))]);
    aws.clients
        .stop_service_deployment(&Arn("arn:1".into()))
        .await
        .unwrap();
    assert_eq!(
        aws.only().json(),
        json!({"serviceDeploymentArn": "arn:1", "stopType": "ROLLBACK"})
    );
}
