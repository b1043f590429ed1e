//! ECS services between the model and the SDK. A field that a reply leaves out is `None`: unknown, not drift.

use aws_sdk_ecs::primitives::DateTime;
use aws_sdk_ecs::types as sdk;

use super::read_tags;
use crate::aws::Result;
use crate::aws::error::Call;
use crate::aws::wire::{from_i32, to_i32, unless_empty};
use crate::model::name::Arn;
use crate::model::rollout::{ServiceDeployment, ServiceDeploymentStatus};
use crate::model::service::{
    Attachment, CapacityProvider, CircuitBreaker, DeploymentConfiguration, LaunchType, PlacementConstraint,
    PlacementStrategy, TaskNetwork,
};
use crate::model::state::{Deployment, Rollout, ServiceState, ServiceStatus};

/// `None` for an inactive service, which is as good as gone.
pub(super) fn read(call: Call, service: &sdk::Service) -> Result<Option<ServiceState>> {
    let status = match service.status() {
        Some("INACTIVE") => return Ok(None),
        Some("DRAINING") => ServiceStatus::Draining,
        Some(_) | None => ServiceStatus::Active,
    };
    let required = |field: Option<&str>, what: &str| {
        field
            .map(str::to_owned)
            .ok_or_else(|| call.bug(format!("a service without {what}")))
    };
    Ok(Some(ServiceState {
        name: required(service.service_name(), "a name")?,
        arn: Arn(required(service.service_arn(), "an ARN")?),
        status,
        task_definition: Arn(required(service.task_definition(), "a task definition")?),
        desired: from_i32(service.desired_count()),
        running: from_i32(service.running_count()),
        pending: from_i32(service.pending_count()),
        deployments: exactly(service.deployments().iter().filter_map(deployment)),
        attachments: exactly(service.load_balancers().iter().filter_map(attachment)),
        deployment_percent: deployment_percent(service),
        circuit_breaker: circuit_breaker(service),
        strategy: strategy(service),
        zone_rebalancing: service
            .availability_zone_rebalancing()
            .map(|setting| *setting == sdk::AvailabilityZoneRebalancing::Enabled),
        placement: service
            .placement_strategy
            .as_ref()
            .map(|all| all.iter().map(placement).collect()),
        constraints: service
            .placement_constraints
            .as_ref()
            .map(|all| all.iter().map(constraint).collect()),
        launch_type: service.launch_type().and_then(read_launch_type),
        unlike_ours: unlike_ours(service),
        capacity_providers: service
            .capacity_provider_strategy
            .as_ref()
            .filter(|all| !all.is_empty())
            .map(|all| all.iter().map(capacity_provider).collect()),
        grace_period: service.health_check_grace_period_seconds().map(from_i32),
        network: network(service),
        exec: Some(service.enable_execute_command()),
        tags: read_tags(service.tags()),
        newest_event: newest_event(service.events()),
    }))
}

/// A service in the reply to a write, where it is never missing nor inactive.
pub(super) fn read_written(call: Call, service: Option<&sdk::Service>) -> Result<ServiceState> {
    let service = service.ok_or_else(|| call.bug("no service in the reply"))?;
    read(call, service)?.ok_or_else(|| call.bug("an inactive service in the reply"))
}

/// Returns things in no more room than they need: a filter does not say beforehand how many they are.
fn exactly<T>(things: impl Iterator<Item = T>) -> Vec<T> {
    let mut things: Vec<T> = things.collect();
    things.shrink_to_fit();
    things
}

/// `None` for one that was completely replaced.
fn deployment(deployment: &sdk::Deployment) -> Option<Deployment> {
    if deployment.status() == Some("INACTIVE") {
        return None;
    }
    let (desired, running) = (deployment.desired_count(), deployment.running_count());
    let rollout = match deployment
        .rollout_state()
        .map(sdk::DeploymentRolloutState::as_str)
    {
        Some("COMPLETED") => Rollout::Completed,
        Some("FAILED") => Rollout::Failed,
        // Not reported for every kind of deployment.
        None if running >= desired => Rollout::Completed,
        Some(_) | None => Rollout::InProgress,
    };
    Some(Deployment {
        id: deployment.id().unwrap_or_default().to_owned(),
        primary: deployment.status() == Some("PRIMARY"),
        task_definition: Arn(deployment.task_definition().unwrap_or_default().to_owned()),
        rollout,
        desired: from_i32(desired),
        running: from_i32(running),
        pending: from_i32(deployment.pending_count()),
        failed: from_i32(deployment.failed_tasks()),
        created: deployment.created_at().map(DateTime::secs),
        reason: deployment.rollout_state_reason().map(str::to_owned),
    })
}

/// `None` for one without an ARN, or in a state that is unheard of.
pub(super) fn deployed(deployment: &sdk::ServiceDeploymentBrief) -> Option<ServiceDeployment> {
    let status = match deployment.status()?.as_str() {
        "PENDING" | "IN_PROGRESS" => ServiceDeploymentStatus::Ongoing,
        "SUCCESSFUL" => ServiceDeploymentStatus::Successful,
        "STOP_REQUESTED" | "STOPPED" => ServiceDeploymentStatus::Stopped,
        "ROLLBACK_REQUESTED" | "ROLLBACK_IN_PROGRESS" | "ROLLBACK_SUCCESSFUL" | "ROLLBACK_FAILED" => {
            ServiceDeploymentStatus::RolledBack
        }
        _ => return None,
    };
    Some(ServiceDeployment {
        arn: Arn(deployment.service_deployment_arn()?.to_owned()),
        created: deployment.created_at().map_or(0, DateTime::secs),
        status,
        reason: deployment.status_reason().map(str::to_owned),
    })
}

/// `None` for a classic load balancer, which has a name instead of a target group.
fn attachment(balancer: &sdk::LoadBalancer) -> Option<Attachment<Arn>> {
    Some(Attachment {
        target_group: Arn(balancer.target_group_arn()?.to_owned()),
        container: balancer.container_name().unwrap_or_default().to_owned(),
        container_port: balancer
            .container_port()
            .and_then(|port| u16::try_from(port).ok())
            .unwrap_or(0),
    })
}

fn deployment_percent(service: &sdk::Service) -> Option<(u32, u32)> {
    let configuration = service.deployment_configuration()?;
    let (minimum, maximum) = (
        configuration.minimum_healthy_percent()?,
        configuration.maximum_percent()?,
    );
    Some((from_i32(minimum), from_i32(maximum)))
}

fn circuit_breaker(service: &sdk::Service) -> Option<CircuitBreaker> {
    let breaker = service.deployment_configuration()?.deployment_circuit_breaker()?;
    Some(CircuitBreaker {
        enable: breaker.enable(),
        rollback: breaker.rollback(),
    })
}

fn strategy(service: &sdk::Service) -> Option<String> {
    let strategy = service.deployment_configuration()?.strategy()?;
    Some(strategy.as_str().to_owned())
}

fn constraint(constraint: &sdk::PlacementConstraint) -> PlacementConstraint {
    let kind = constraint.r#type().map(sdk::PlacementConstraintType::as_str);
    PlacementConstraint {
        kind: kind.unwrap_or_default().to_owned(),
        expression: constraint.expression().unwrap_or_default().to_owned(),
    }
}

fn capacity_provider(provider: &sdk::CapacityProviderStrategyItem) -> CapacityProvider {
    CapacityProvider {
        name: provider.capacity_provider().to_owned(),
        weight: from_i32(provider.weight()),
        base: from_i32(provider.base()),
    }
}

/// AWS reports the `memory` of `binpack` in capitals; every other field as it was sent.
fn placement(strategy: &sdk::PlacementStrategy) -> PlacementStrategy {
    let kind = strategy
        .r#type()
        .map(sdk::PlacementStrategyType::as_str)
        .unwrap_or_default();
    let field = strategy.field().unwrap_or_default();
    PlacementStrategy {
        kind: kind.to_owned(),
        field: if kind == "binpack" {
            field.to_ascii_lowercase()
        } else {
            field.to_owned()
        },
    }
}

fn network(service: &sdk::Service) -> Option<TaskNetwork> {
    let configuration = service.network_configuration()?.awsvpc_configuration()?;
    Some(TaskNetwork {
        subnets: configuration.subnets().iter().cloned().collect(),
        security_groups: configuration.security_groups().iter().cloned().collect(),
        assign_public_ip: configuration.assign_public_ip() == Some(&sdk::AssignPublicIp::Enabled),
    })
}

/// AWS lists the newest first; the times are asked all the same, and the first wins a tie.
fn newest_event(events: &[sdk::ServiceEvent]) -> Option<String> {
    let newest = events.iter().rev().max_by_key(|event| event.created_at())?;
    newest.message().map(str::to_owned)
}

fn read_launch_type(found: &sdk::LaunchType) -> Option<LaunchType> {
    LaunchType::named(found.as_str())
}

/// Returns the settings that cannot be changed, and that no service of ours has.
fn unlike_ours(service: &sdk::Service) -> Vec<String> {
    let strategy = service.scheduling_strategy().map(sdk::SchedulingStrategy::as_str);
    let controller = service
        .deployment_controller()
        .map(|controller| controller.r#type().as_str());
    let strategy = strategy.filter(|strategy| *strategy != "REPLICA");
    let controller = controller.filter(|controller| *controller != "ECS");
    let strategy = strategy.map(|strategy| format!("scheduling strategy {strategy}"));
    let controller = controller.map(|controller| format!("deployment controller {controller}"));
    strategy.into_iter().chain(controller).collect()
}

pub(super) fn launch_type(launch_type: LaunchType) -> sdk::LaunchType {
    match launch_type {
        LaunchType::Ec2 => sdk::LaunchType::Ec2,
        LaunchType::Fargate => sdk::LaunchType::Fargate,
        LaunchType::External => sdk::LaunchType::External,
        LaunchType::ManagedInstances => sdk::LaunchType::ManagedInstances,
    }
}

pub(super) fn deployment_configuration(wanted: &DeploymentConfiguration) -> sdk::DeploymentConfiguration {
    let DeploymentConfiguration {
        minimum_healthy_percent,
        maximum_percent,
        circuit_breaker,
    } = wanted;
    let breaker = written_breaker(*circuit_breaker);
    sdk::DeploymentConfiguration::builder()
        .strategy(sdk::DeploymentStrategy::Rolling)
        .minimum_healthy_percent(to_i32(*minimum_healthy_percent))
        .maximum_percent(to_i32(*maximum_percent))
        .deployment_circuit_breaker(breaker)
        .build()
}

/// Every failed task of a rollout counts, also one that ends after it ran: by default, ECS begins anew with the count
/// whenever a task is healthy, and so starts a worker that runs and dies for ever. As many may fail as by default: half of
/// those wanted, and three at least.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentCircuitBreaker.html>
///
/// A service without it gets it with the next deployment configuration that is sent for another reason.
fn written_breaker(wanted: CircuitBreaker) -> sdk::DeploymentCircuitBreaker {
    let CircuitBreaker { enable, rollback } = wanted;
    let breaker = sdk::DeploymentCircuitBreaker::builder()
        .enable(enable)
        .rollback(rollback);
    if !enable {
        return breaker.build();
    }
    let half = sdk::ThresholdConfiguration::builder()
        .r#type(sdk::ThresholdType::BoundedPercent)
        .value(50);
    breaker
        .reset_on_healthy_task(false)
        .set_threshold_configuration(half.build().ok())
        .build()
}

pub(super) fn placement_constraint(constraint: &PlacementConstraint) -> sdk::PlacementConstraint {
    let PlacementConstraint { kind, expression } = constraint;
    sdk::PlacementConstraint::builder()
        .r#type(kind.as_str().into())
        .set_expression(Some(expression.clone()).filter(|expression| !expression.is_empty()))
        .build()
}

pub(super) fn capacity_providers(
    call: Call,
    providers: &[CapacityProvider],
) -> Result<Vec<sdk::CapacityProviderStrategyItem>> {
    let item = |provider: &CapacityProvider| {
        let CapacityProvider { name, weight, base } = provider;
        sdk::CapacityProviderStrategyItem::builder()
            .capacity_provider(name)
            .weight(to_i32(*weight))
            .base(to_i32(*base))
            .build()
            .map_err(|error| call.bug(error.to_string()))
    };
    providers.iter().map(item).collect()
}

pub(super) fn zone_rebalancing(enabled: bool) -> sdk::AvailabilityZoneRebalancing {
    if enabled {
        sdk::AvailabilityZoneRebalancing::Enabled
    } else {
        sdk::AvailabilityZoneRebalancing::Disabled
    }
}

pub(super) fn placement_strategy(strategy: &PlacementStrategy) -> sdk::PlacementStrategy {
    let PlacementStrategy { kind, field } = strategy;
    sdk::PlacementStrategy::builder()
        .r#type(kind.as_str().into())
        .set_field(Some(field.clone()).filter(|field| !field.is_empty()))
        .build()
}

pub(super) fn load_balancer(attachment: &Attachment<Arn>) -> sdk::LoadBalancer {
    let Attachment {
        target_group,
        container,
        container_port,
    } = attachment;
    sdk::LoadBalancer::builder()
        .target_group_arn(&target_group.0)
        .container_name(container)
        .container_port((*container_port).into())
        .build()
}

pub(super) fn network_configuration(
    call: Call,
    network: Option<&TaskNetwork>,
) -> Result<Option<sdk::NetworkConfiguration>> {
    let Some(network) = network else {
        return Ok(None);
    };
    let TaskNetwork {
        subnets,
        security_groups,
        assign_public_ip,
    } = network;
    let public_ip = if *assign_public_ip {
        sdk::AssignPublicIp::Enabled
    } else {
        sdk::AssignPublicIp::Disabled
    };
    let awsvpc = sdk::AwsVpcConfiguration::builder()
        .set_subnets(Some(subnets.iter().cloned().collect()))
        .set_security_groups(unless_empty(security_groups.iter().cloned()))
        .assign_public_ip(public_ip)
        .build()
        .map_err(|error| call.bug(error.to_string()))?;
    Ok(Some(
        sdk::NetworkConfiguration::builder()
            .awsvpc_configuration(awsvpc)
            .build(),
    ))
}
