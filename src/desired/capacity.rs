//! The compute of a Platform's capacity, and the settings that it needs.

use std::collections::BTreeMap;

use super::Builder;
use super::service::number;
use crate::api::app::{self, ProcessCapacity};
use crate::api::platform::{CapacityProviderKind, LaunchType as Launch, NetworkMode as Mode, Platform};
use crate::error::Error;
use crate::model::service::{Capacity, CapacityProvider, LaunchType};

pub(super) const FARGATE: &str = "FARGATE";
pub(super) const FARGATE_SPOT: &str = "FARGATE_SPOT";
const DEFAULT_WEIGHT: u32 = 1;

type Kinds = BTreeMap<String, CapacityProviderKind>;

/// Names the capacity providers other than AWS's own two, of which only AWS can say what they are made of.
pub fn named_capacity_providers(platform: &Platform) -> Vec<String> {
    let providers = providers(platform).iter();
    providers
        .map(|provider| provider.name.clone())
        .filter(|name| !is_of_fargate(name))
        .collect()
}

/// Finds a capacity provider that a Platform has not been told the kind of. One that Apps ran on before the controller asked
/// for kinds has none in its status, and is made of container instances: nothing else would have taken what was sent.
pub fn unknown_capacity_provider(platform: &Platform) -> Option<String> {
    let kinds = kinds(platform);
    if kinds.is_empty() && platform.status.as_ref().is_some_and(|status| status.apps > 0) {
        return None;
    }
    let names = named_capacity_providers(platform);
    names.into_iter().find(|name| !kinds.contains_key(name))
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters-managed-instances.html>: a
/// strategy is of one kind, and tasks on Managed Instances have no bridge.
pub fn check_capacity(platform: &Platform, kinds: &Kinds) -> Result<(), String> {
    let of = |kind| {
        kinds
            .iter()
            .find(|(_, found)| **found == kind)
            .map(|(name, _)| name)
    };
    let Some(managed) = of(CapacityProviderKind::ManagedInstances) else {
        return Ok(());
    };
    if let Some(group) = of(CapacityProviderKind::AutoScalingGroup) {
        return Err(format!(
            "capacity.capacityProviders: {managed} has Managed Instances and {group} an Auto Scaling group, and ECS takes \
             one kind only"
        ));
    }
    match platform.spec.network.mode {
        Mode::Awsvpc | Mode::Host => Ok(()),
        Mode::Bridge => Err(format!(
            "network.mode: bridge does not go with capacity provider {managed}, which has Managed Instances: they take awsvpc and host"
        )),
    }
}

fn kinds(platform: &Platform) -> Kinds {
    let status = platform.status.as_ref();
    status
        .map(|status| status.capacity_providers.clone())
        .unwrap_or_default()
}

fn is_of_fargate(provider: &str) -> bool {
    provider.starts_with(FARGATE)
}

/// Returns the capacity providers of a Platform: none where it has a launch type.
pub(super) fn providers(platform: &Platform) -> &[app::CapacityProvider] {
    let capacity = platform.spec.capacity.as_ref();
    capacity.map_or(&[], |capacity| &capacity.capacity_providers)
}

impl Builder<'_> {
    /// Returns where the tasks of the process run: as its own `capacity` says, which is of what the Platform has, or else as the
    /// Platform does.
    pub(super) fn capacity(&self) -> Result<Capacity, Error> {
        let Some(own) = &self.process.capacity else {
            return Ok(match providers(self.platform) {
                [] => Capacity::LaunchType(self.launch_type()),
                providers => Capacity::Providers(providers.iter().map(provider).collect()),
            });
        };
        let ProcessCapacity {
            spot,
            capacity_providers,
        } = own;
        if providers(self.platform).is_empty() {
            let platform = self.platform_name();
            return Err(self.invalid(
                "capacity",
                &format!(
                    "Platform {platform} has a launch type and no capacity.capacityProviders, which a process could have shares of"
                ),
            ));
        }
        Ok(Capacity::Providers(match number(*spot) {
            Some(percent) => spot_share(percent),
            None => capacity_providers.iter().map(provider).collect(),
        }))
    }

    /// Returns the launch type that task definitions must be compatible with.
    pub(super) fn launch_type(&self) -> LaunchType {
        if let [first, ..] = providers(self.platform) {
            return match kinds(self.platform).get(&first.name) {
                _ if is_of_fargate(&first.name) => LaunchType::Fargate,
                Some(CapacityProviderKind::ManagedInstances) => LaunchType::ManagedInstances,
                Some(CapacityProviderKind::AutoScalingGroup | CapacityProviderKind::NotFound) | None => {
                    LaunchType::Ec2
                }
            };
        }
        let capacity = self.platform.spec.capacity.as_ref();
        match capacity.and_then(|capacity| capacity.launch_type) {
            None | Some(Launch::Ec2) => LaunchType::Ec2,
            Some(Launch::Fargate) => LaunchType::Fargate,
            Some(Launch::External) => LaunchType::External,
        }
    }

    pub(super) fn check_capacity(&self) -> Result<(), Error> {
        check_capacity(self.platform, &kinds(self.platform))
            .map_err(|message| self.invalid(&format!("Platform {}", self.platform_name()), &message))
    }
}

fn provider(provider: &app::CapacityProvider) -> CapacityProvider {
    CapacityProvider {
        name: provider.name.clone(),
        weight: number(provider.weight).unwrap_or(DEFAULT_WEIGHT),
        base: number(provider.base).unwrap_or(0),
    }
}

/// Returns the smallest weights that come to a percentage of Fargate Spot: what ECS does with few tasks goes by how large they are,
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/capacity-provider-strategy-considerations.html>. A provider
/// without a task is left out, since a strategy of weights of 0 alone places none.
fn spot_share(percent: u32) -> Vec<CapacityProvider> {
    let percent = percent.min(100);
    let common = (1..=100)
        .rev()
        .find(|by: &u32| percent.is_multiple_of(*by) && (100 - percent).is_multiple_of(*by));
    let shares = [(FARGATE, 100 - percent), (FARGATE_SPOT, percent)];
    let shares = shares.into_iter().filter(|(_, share)| *share > 0);
    shares
        .map(|(name, share)| CapacityProvider {
            name: name.into(),
            weight: share / common.unwrap_or(1),
            base: 0,
        })
        .collect()
}

#[cfg(test)]
mod tests;
