//! ECS's replies in AWS's own shape: fields that AWS always reports are there, lists come in its order.

mod calls;
mod foreign;
mod members;
mod overrides;
mod services;
mod task_definitions;
mod tasks;

use std::collections::BTreeSet;

pub(crate) use tasks::task_request;

use serde_json::{Value, json};

use crate::model::container::{Container, Environment, HostPort, Logging, PortMapping};
use crate::model::name::Arn;
use crate::model::owner::Tags;
use crate::model::secret::SecretVersions;
use crate::model::service::{
    Attachment, Capacity, CircuitBreaker, DeploymentConfiguration, LaunchType, NetworkMode,
    PlacementConstraint, PlacementStrategy, Service, ServiceSettings, TaskDefinition, TaskNetwork,
};
use crate::model::small_map::SmallMap;

const CLUSTER: &str = "staging";
const SERVICE_ARN: &str = "arn:aws:ecs:us-east-1:123456789012:service/staging/shop_acme_web";
const DEFINITION_ARN: &str = "arn:aws:ecs:us-east-1:123456789012:task-definition/shop_acme_web:7";
const GROUP_ARN: &str =
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/e-acme-web-abcdef/0123456789abcdef";

fn tags() -> Tags {
    Tags::from([
        ("cost-center".into(), "42".into()),
        ("empire.dev/app".into(), "shop/acme".into()),
    ])
}

fn tags_json() -> Value {
    json!([
        {"key": "cost-center", "value": "42"},
        {"key": "empire.dev/app", "value": "shop/acme"},
    ])
}

fn attachment() -> Attachment<Arn> {
    Attachment {
        target_group: Arn(GROUP_ARN.into()),
        container: "web".into(),
        container_port: 8080,
    }
}

fn network() -> TaskNetwork {
    TaskNetwork {
        subnets: BTreeSet::from(["subnet-a".into(), "subnet-b".into()]),
        security_groups: BTreeSet::from(["sg-tasks".into()]),
        assign_public_ip: true,
    }
}

fn deployment_configuration() -> DeploymentConfiguration {
    DeploymentConfiguration {
        minimum_healthy_percent: 100,
        maximum_percent: 200,
        circuit_breaker: CircuitBreaker {
            enable: true,
            rollback: true,
        },
    }
}

pub(in crate::aws) fn service() -> Service {
    Service {
        name: "shop_acme_web".into(),
        capacity: Capacity::LaunchType(LaunchType::Ec2),
        quantity: Some(2),
        scaling: None,
        progress_deadline: 600,
        rolls_back: true,
        given_percent: (None, None),
        given_grace_period: false,
        redeploy: None,
        secret_versions: SecretVersions::default(),
        settings: ServiceSettings {
            deployment: deployment_configuration(),
            zone_rebalancing: true,
            constraints: vec![PlacementConstraint {
                kind: "distinctInstance".into(),
                expression: String::new(),
            }],
            placement: vec![
                PlacementStrategy::spread("attribute:ecs.availability-zone"),
                PlacementStrategy::spread("instanceId"),
            ],
            grace_period: Some(60),
            network: None,
            exec: None,
        },
        tags: tags(),
    }
}

/// Returns a service that just runs, as DescribeServices reports it.
fn service_json() -> Value {
    json!({
        "serviceArn": SERVICE_ARN,
        "serviceName": "shop_acme_web",
        "clusterArn": "arn:aws:ecs:us-east-1:123456789012:cluster/staging",
        "loadBalancers": [{"targetGroupArn": GROUP_ARN, "containerName": "web", "containerPort": 8080}],
        "serviceRegistries": [],
        "status": "ACTIVE",
        "desiredCount": 2,
        "runningCount": 2,
        "pendingCount": 0,
        "launchType": "EC2",
        "taskDefinition": DEFINITION_ARN,
        "deploymentConfiguration": {
            "deploymentCircuitBreaker": {"enable": true, "rollback": true, "resetOnHealthyTask": false},
            "maximumPercent": 200,
            "minimumHealthyPercent": 100,
            "strategy": "ROLLING",
            "bakeTimeInMinutes": 0,
        },
        "deployments": [{
            "id": "ecs-svc/1111111111111111111",
            "status": "PRIMARY",
            "taskDefinition": DEFINITION_ARN,
            "desiredCount": 2,
            "pendingCount": 0,
            "runningCount": 2,
            "failedTasks": 0,
            "createdAt": 1_700_000_000.123,
            "updatedAt": 1_700_000_300.456,
            "launchType": "EC2",
            "rolloutState": "COMPLETED",
            "rolloutStateReason": "ECS deployment ecs-svc/1111111111111111111 completed.",
        }],
        "roleArn": "arn:aws:iam::123456789012:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
        "events": [
            {"id": "e-2", "createdAt": 1_700_000_300.0, "message": "(service shop_acme_web) has reached a steady state."},
            {"id": "e-1", "createdAt": 1_700_000_100.0, "message": "(service shop_acme_web) has started 2 tasks."},
        ],
        "createdAt": 1_700_000_000.123,
        "placementConstraints": [{"type": "distinctInstance"}],
        "placementStrategy": [
            {"type": "spread", "field": "attribute:ecs.availability-zone"},
            {"type": "spread", "field": "instanceId"},
        ],
        "healthCheckGracePeriodSeconds": 60,
        "schedulingStrategy": "REPLICA",
        "deploymentController": {"type": "ECS"},
        "createdBy": "arn:aws:iam::123456789012:role/empire",
        "enableECSManagedTags": false,
        "propagateTags": "SERVICE",
        "enableExecuteCommand": false,
        "availabilityZoneRebalancing": "ENABLED",
        "tags": tags_json(),
    })
}

/// A JSON object with some of its fields set; `null` takes one away.
fn with(mut object: Value, fields: Value) -> Value {
    let Value::Object(fields) = fields else {
        panic!("no object: {fields}")
    };
    for (key, value) in fields {
        let object = object.as_object_mut().unwrap();
        if value.is_null() {
            object.remove(&key);
        } else {
            object.insert(key, value);
        }
    }
    object
}

fn definition(network_mode: NetworkMode, launch_type: LaunchType, host_port: HostPort) -> TaskDefinition {
    TaskDefinition {
        family: "shop_acme_web".into(),
        network_mode,
        launch_type,
        execution_role_arn: Some("arn:aws:iam::123456789012:role/ecsTaskExecutionRole".into()),
        task_role_arn: None,
        ephemeral_storage: None,
        architecture: None,
        volumes: SmallMap::new(),
        members: None,
        main: Container {
            name: "web".into(),
            image: "registry.example/acme:v42".into(),
            command: vec!["./bin/web".into(), "--port".into(), "8080".into()],
            cpu: 256,
            memory: 512,
            environment: Environment(SmallMap::from([
                ("PORT".into(), "8080".into()),
                ("RAILS_ENV".into(), "production".into()),
            ])),
            ports: vec![PortMapping {
                container_port: 8080,
                host_port,
            }],
            logging: Some(Logging {
                driver: "awslogs".into(),
                options: SmallMap::from([
                    ("awslogs-group".into(), "/empire".into()),
                    ("awslogs-region".into(), "us-east-1".into()),
                ]),
                secret_options: SmallMap::new(),
            }),
            ..Container::default()
        },
        sidecars: Vec::new(),
    }
}

pub(in crate::aws) fn bridge() -> TaskDefinition {
    definition(NetworkMode::Bridge, LaunchType::Ec2, HostPort::Dynamic)
}
