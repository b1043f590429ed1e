//! Where tasks run: launch types and capacity provider strategies, and what ECS refuses of them.

use empire_controller::aws::Result;
use empire_controller::model::service::{
    Capacity, CapacityProvider, CapacityProviderKind, LaunchType, TaskNetwork,
};

use super::super::refuse;

const CODE: &str = "InvalidParameterException";

/// Returns the launch type that a task definition must be compatible with, of a strategy that is one:
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CapacityProviderStrategyItem.html> and
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>.
pub(in crate::fake_aws) fn check(action: &'static str, capacity: &Capacity) -> Result<LaunchType> {
    if let Capacity::Providers(providers) = capacity {
        let refused = |message: &str| refuse(action, CODE, message);
        if providers.len() > 20 {
            return refused("A capacity provider strategy can contain a maximum of 20 capacity providers.");
        }
        if providers.iter().filter(|provider| provider.base > 0).count() > 1 {
            return refused(
                "Only one capacity provider in a capacity provider strategy can have a base defined.",
            );
        }
        if providers.iter().all(|provider| provider.weight == 0) {
            return refused("At least one capacity provider must have a weight value greater than zero.");
        }
        let range =
            |CapacityProvider { weight, base, .. }: &CapacityProvider| *weight <= 1_000 && *base <= 100_000;
        if !providers.iter().all(range) {
            return refused("A weight is 0 to 1,000, and a base 0 to 100,000.");
        }
        let mut names: Vec<&str> = providers.iter().map(|provider| &*provider.name).collect();
        names.sort_unstable();
        names.dedup();
        if names.len() < providers.len() {
            return refused("A capacity provider can be in a strategy only once.");
        }
    }
    let Some(launch_type) = launch_type(capacity) else {
        let message = "A capacity provider strategy cannot contain a mix of capacity providers using Auto Scaling groups and Fargate providers.";
        return refuse(action, CODE, message);
    };
    Ok(launch_type)
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_AwsVpcConfiguration.html>
pub(in crate::fake_aws) fn check_network(action: &'static str, network: Option<&TaskNetwork>) -> Result<()> {
    let Some(network) = network else {
        return Ok(());
    };
    if network.security_groups.len() > 5 {
        return refuse(action, CODE, "securityGroups can have at most 5 items.");
    }
    if network.subnets.is_empty() || network.subnets.len() > 16 {
        return refuse(action, CODE, "subnets has 1 to 16 items.");
    }
    Ok(())
}

/// Returns the launch type that a task definition must be compatible with. `None` for a mix that AWS refuses.
fn launch_type(capacity: &Capacity) -> Option<LaunchType> {
    let providers = match capacity {
        Capacity::LaunchType(launch_type) => return Some(*launch_type),
        Capacity::Providers(providers) => providers,
    };
    let is_fargate = |name: &str| matches!(name, "FARGATE" | "FARGATE_SPOT");
    let fargate = providers.iter().filter(|provider| is_fargate(&provider.name));
    let managed = providers
        .iter()
        .filter(|provider| kind(&provider.name) == CapacityProviderKind::ManagedInstances);
    match (fargate.count(), managed.count()) {
        (0, 0) => Some(LaunchType::Ec2),
        (all, 0) if all == providers.len() => Some(LaunchType::Fargate),
        (0, all) if all == providers.len() => Some(LaunchType::ManagedInstances),
        _ => None,
    }
}

/// Returns the kind of a capacity provider of the cluster, by its name.
pub(in crate::fake_aws) fn kind(name: &str) -> CapacityProviderKind {
    if name.starts_with("managed") {
        CapacityProviderKind::ManagedInstances
    } else {
        CapacityProviderKind::AutoScalingGroup
    }
}
