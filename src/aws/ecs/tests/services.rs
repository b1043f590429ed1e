//! Reading services.

use serde_json::{Value, json};

use super::{CLUSTER, DEFINITION_ARN, SERVICE_ARN, attachment, network, service, service_json, tags, with};
use crate::aws::Ecs;
use crate::aws::replay::{self, Replay};
use crate::model::name::Arn;
use crate::model::service::{CircuitBreaker, LaunchType, PlacementStrategy};
use crate::model::state::{Deployment, ROLLING, Rollout, ServiceState, ServiceStatus};

async fn read(service: Value) -> ServiceState {
    let aws = Replay::new([replay::json(&json!({"services": [service], "failures": []}))]);
    let names = ["shop_acme_web".to_owned()];
    let mut found = aws.clients.describe_services(CLUSTER, &names).await.unwrap();
    found.remove(0)
}

#[tokio::test]
async fn reads_what_was_written() {
    let found = read(service_json()).await;
    let settings = service().settings;
    assert_eq!(
        found,
        ServiceState {
            name: "shop_acme_web".into(),
            arn: Arn(SERVICE_ARN.into()),
            status: ServiceStatus::Active,
            task_definition: Arn(DEFINITION_ARN.into()),
            desired: 2,
            running: 2,
            pending: 0,
            deployments: vec![Deployment {
                id: "ecs-svc/1111111111111111111".into(),
                primary: true,
                task_definition: Arn(DEFINITION_ARN.into()),
                rollout: Rollout::Completed,
                desired: 2,
                running: 2,
                pending: 0,
                failed: 0,
                created: Some(1_700_000_000),
                reason: Some("ECS deployment ecs-svc/1111111111111111111 completed.".into()),
            }],
            attachments: vec![attachment()],
            deployment_percent: Some((100, 200)),
            circuit_breaker: Some(settings.deployment.circuit_breaker),
            strategy: Some(ROLLING.into()),
            zone_rebalancing: Some(settings.zone_rebalancing),
            placement: Some(settings.placement),
            constraints: Some(settings.constraints),
            launch_type: Some(LaunchType::Ec2),
            unlike_ours: Vec::new(),
            capacity_providers: None,
            grace_period: settings.grace_period,
            network: None,
            exec: Some(false),
            tags: tags(),
            newest_event: Some("(service shop_acme_web) has reached a steady state.".into()),
        }
    );
}

#[tokio::test]
async fn a_circuit_breaker_that_somebody_switched_is_seen() {
    for (enable, rollback) in [(false, false), (true, false), (true, true)] {
        let breaker = json!({"enable": enable, "rollback": rollback});
        let configuration = json!({
            "deploymentCircuitBreaker": breaker, "minimumHealthyPercent": 100, "maximumPercent": 200,
        });
        let found = read(with(
            service_json(),
            json!({"deploymentConfiguration": configuration}),
        ))
        .await;
        assert_eq!(found.circuit_breaker, Some(CircuitBreaker { enable, rollback }));
        assert_eq!(found.deployment_percent, Some((100, 200)));
    }
}

#[tokio::test]
async fn the_strategy_that_somebody_chose_is_seen() {
    for strategy in [
        "ROLLING",
        "BLUE_GREEN",
        "LINEAR",
        "CANARY",
        "ONE_THAT_IS_YET_TO_COME",
    ] {
        let configuration = json!({"deploymentConfiguration": {"strategy": strategy}});
        let found = read(with(service_json(), configuration)).await;
        assert_eq!(found.strategy.as_deref(), Some(strategy));
        assert_eq!(found.rolls_otherwise(), strategy != "ROLLING");
    }
}

#[tokio::test]
async fn what_a_reply_leaves_out_is_unknown() {
    let found = read(with(
        service_json(),
        json!({
            "availabilityZoneRebalancing": null, "deploymentConfiguration": null,
            "healthCheckGracePeriodSeconds": null, "placementStrategy": null, "placementConstraints": null, "networkConfiguration": null,
            "events": null, "tags": null, "loadBalancers": null, "deployments": null,
        }),
    ))
    .await;
    assert_eq!(found.zone_rebalancing, None);
    assert_eq!((found.deployment_percent, found.circuit_breaker), (None, None));
    assert!(found.strategy.is_none() && !found.rolls_otherwise());
    assert_eq!((found.constraints, found.capacity_providers), (None, None));
    assert_eq!(found.grace_period, None);
    assert_eq!(found.placement, None);
    assert_eq!(found.network, None);
    assert_eq!(found.newest_event, None);
    assert_eq!(
        (found.attachments.len(), found.deployments.len(), found.tags.len()),
        (0, 0, 0)
    );
}

#[tokio::test]
async fn what_a_reply_reports_as_empty_is_known_to_be_empty() {
    let empty = json!({"placementStrategy": [], "availabilityZoneRebalancing": "DISABLED",
        "healthCheckGracePeriodSeconds": 0});
    let found = read(with(service_json(), empty)).await;
    assert_eq!(found.placement, Some(Vec::new()));
    assert_eq!(found.zone_rebalancing, Some(false));
    assert_eq!(found.grace_period, Some(0));
}

#[tokio::test]
async fn a_draining_service_is_still_there() {
    let found = read(with(service_json(), json!({"status": "DRAINING"}))).await;
    assert_eq!(found.status, ServiceStatus::Draining);
}

#[tokio::test]
async fn task_networks_compare_in_any_order() {
    let found = read(with(
        service_json(),
        json!({"networkConfiguration": {"awsvpcConfiguration": {
            "subnets": ["subnet-b", "subnet-a"],
            "securityGroups": ["sg-tasks"],
            "assignPublicIp": "ENABLED",
        }}}),
    ))
    .await;
    assert_eq!(found.network, Some(network()));
}

#[tokio::test]
async fn binpack_compares_in_any_case() {
    let strategy = json!({"placementStrategy": [{"type": "binpack", "field": "MEMORY"}, {"type": "random"}]});
    let found = read(with(service_json(), strategy)).await;
    let strategy = |kind: &str, field: &str| PlacementStrategy {
        kind: kind.into(),
        field: field.into(),
    };
    assert_eq!(
        found.placement,
        Some(vec![strategy("binpack", "memory"), strategy("random", "")])
    );
}

#[tokio::test]
async fn a_classic_load_balancer_is_no_attachment() {
    let classic = json!({"loadBalancers": [
        {"loadBalancerName": "classic", "containerName": "web", "containerPort": 8080},
    ]});
    assert_eq!(read(with(service_json(), classic)).await.attachments, []);
}

async fn rollout(deployment: Value) -> Option<(bool, Rollout)> {
    let base = json!({
        "id": "ecs-svc/2222222222222222222", "status": "PRIMARY", "taskDefinition": DEFINITION_ARN,
        "desiredCount": 3, "pendingCount": 1, "runningCount": 2, "failedTasks": 0,
        "createdAt": 1_700_000_000.0, "updatedAt": 1_700_000_000.0,
    });
    let found = read(with(
        service_json(),
        json!({"deployments": [with(base, deployment)]}),
    ))
    .await;
    let deployment = found.deployments.first()?;
    assert_eq!(deployment.id, "ecs-svc/2222222222222222222");
    Some((deployment.primary, deployment.rollout))
}

#[tokio::test]
async fn deployments_of_every_state() {
    let check = async |deployment: Value, expected: Option<(bool, Rollout)>| {
        assert_eq!(rollout(deployment.clone()).await, expected, "{deployment}");
    };
    check(
        json!({"rolloutState": "IN_PROGRESS"}),
        Some((true, Rollout::InProgress)),
    )
    .await;
    check(
        json!({"rolloutState": "COMPLETED"}),
        Some((true, Rollout::Completed)),
    )
    .await;
    check(json!({"rolloutState": "FAILED"}), Some((true, Rollout::Failed))).await;
    check(
        json!({"rolloutState": "SOMETHING_NEW"}),
        Some((true, Rollout::InProgress)),
    )
    .await;
    check(
        json!({"status": "ACTIVE", "rolloutState": "COMPLETED"}),
        Some((false, Rollout::Completed)),
    )
    .await;
    check(json!({"status": "INACTIVE", "rolloutState": "COMPLETED"}), None).await;
    // Without a state, the numbers decide.
    check(json!({}), Some((true, Rollout::InProgress))).await;
    check(json!({"runningCount": 3}), Some((true, Rollout::Completed))).await;
}

#[tokio::test]
async fn the_newest_event_is_found_in_any_order_and_the_first_wins_a_tie() {
    let event = |time: f64, message: &str| json!({"id": message, "createdAt": time, "message": message});
    let events =
        json!({"events": [event(1.0, "old"), event(3.0, "new"), event(3.0, "as new"), event(2.0, "mid")]});
    let found = read(with(service_json(), events)).await;
    assert_eq!(found.newest_event.as_deref(), Some("new"));
}

#[tokio::test]
async fn what_cannot_be_changed_of_a_service_is_told() {
    let found = read(with(
        service_json(),
        json!({"launchType": "FARGATE", "schedulingStrategy": "DAEMON", "deploymentController": {"type": "CODE_DEPLOY"}}),
    ))
    .await;
    assert_eq!(found.launch_type, Some(LaunchType::Fargate));
    assert_eq!(
        found.unlike_ours,
        ["scheduling strategy DAEMON", "deployment controller CODE_DEPLOY"]
    );
    let provided = read(with(service_json(), json!({"launchType": null}))).await;
    assert_eq!(provided.launch_type, None);
}
