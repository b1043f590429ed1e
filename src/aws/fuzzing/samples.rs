//! Requests, as far as a reply is read by what was asked.

use crate::model::container::Container;
use crate::model::load_balancer::{
    HealthCheck, LoadBalancer, LoadBalancerKind, Probe, Scheme, TargetGroup, TargetGroupAttributes,
    TargetProtocol, TargetType,
};
use crate::model::name::Arn;
use crate::model::owner::Tags;
use crate::model::release::{Placing, TaskRequest};
use crate::model::secret::SecretVersions;
use crate::model::service::{
    Capacity, CircuitBreaker, DeploymentConfiguration, LaunchType, NetworkMode, Service, ServiceSettings,
    TaskDefinition,
};
use crate::model::small_map::SmallMap;
use crate::model::small_set::SmallSet;

pub(super) fn arn(arn: &str) -> Arn {
    Arn(arn.into())
}

pub(super) fn service() -> Service {
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
            deployment: DeploymentConfiguration {
                minimum_healthy_percent: 100,
                maximum_percent: 200,
                circuit_breaker: CircuitBreaker {
                    enable: true,
                    rollback: true,
                },
            },
            zone_rebalancing: true,
            constraints: Vec::new(),
            placement: Vec::new(),
            grace_period: None,
            network: None,
            exec: None,
        },
        tags: Tags::new(),
    }
}

pub(super) fn task_definition() -> TaskDefinition {
    TaskDefinition {
        family: "shop_acme_web".into(),
        network_mode: NetworkMode::Bridge,
        launch_type: LaunchType::Ec2,
        execution_role_arn: None,
        task_role_arn: None,
        ephemeral_storage: None,
        architecture: None,
        volumes: SmallMap::new(),
        members: None,
        main: Container {
            name: "web".into(),
            image: "registry.example.com/acme:v42".into(),
            command: vec!["./bin/web".into()],
            cpu: 256,
            memory: 512,
            ..Container::default()
        },
        sidecars: Vec::new(),
    }
}

pub(super) fn load_balancer() -> LoadBalancer {
    LoadBalancer {
        name: "e-acme-web-abcdef".into(),
        kind: LoadBalancerKind::Application,
        scheme: Scheme::Internal,
        subnets: SmallSet::from(["subnet-a".into(), "subnet-b".into()]),
        security_groups: SmallSet::from(["sg-1".into()]),
        attributes: None,
        tags: Tags::new(),
    }
}

pub(super) fn target_group() -> TargetGroup {
    TargetGroup {
        name: "e-acme-web-abcdef".into(),
        vpc: "vpc-1".into(),
        protocol: TargetProtocol::Http,
        target_type: TargetType::Instance,
        check: HealthCheck {
            probe: Probe::Tcp,
            interval: 10,
            timeout: 5,
            healthy_threshold: 2,
            unhealthy_threshold: 3,
        },
        attributes: TargetGroupAttributes {
            deregistration_delay: 30,
            preserve_client_ip: None,
            cross_zone: None,
        },
        tags: Tags::new(),
    }
}

pub(super) fn task_request() -> TaskRequest {
    TaskRequest {
        process: "migrate".into(),
        task_definition: arn("arn:aws:ecs:us-east-1:123456789012:task-definition/shop_acme_migrate:1"),
        placing: Placing {
            capacity: Capacity::LaunchType(LaunchType::Fargate),
            constraints: Vec::new(),
            network: None,
        },
        token: "0123456789abcdef".into(),
        overrides: None,
    }
}
