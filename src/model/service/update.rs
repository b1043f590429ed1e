//! What one `UpdateService` changes of a service.

use std::fmt;

use super::{CapacityProvider, DeploymentConfiguration, PlacementConstraint, PlacementStrategy, TaskNetwork};

/// The part of a service that one `UpdateService` changes; `None` leaves a field as it is. Task definition and target
/// groups travel beside it, because they have an ARN only in the call.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceUpdate {
    pub desired_count: Option<u32>,
    pub deployment: Option<DeploymentConfiguration>,
    pub zone_rebalancing: Option<bool>,
    pub placement: Option<Vec<PlacementStrategy>>,
    pub constraints: Option<Vec<PlacementConstraint>>,
    pub grace_period: Option<u32>,
    pub network: Option<TaskNetwork>,
    /// Of the tasks that start from then on: it begins no rollout.
    pub exec: Option<bool>,
    /// AWS takes another strategy only together with a forced rollout.
    pub capacity_providers: Option<Vec<CapacityProvider>>,
    /// The deployment configuration goes out for its strategy, which somebody has changed. It holds it in any case.
    pub rolling: bool,
    /// Rolls every task again, with the value of the annotation that asked for it.
    pub redeploy: Option<String>,
    /// Rolls every task again, with the digest of the versions of their secrets, which are others than before.
    pub secrets: Option<String>,
    /// Rolls every task again, since the last rollout failed where it stands.
    pub again: bool,
}

/// As it was written before there were `exec` and `secrets`: statuses hold hashes of this text.
impl fmt::Debug for ServiceUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ServiceUpdate {
            desired_count,
            deployment,
            zone_rebalancing,
            placement,
            constraints,
            grace_period,
            network,
            exec,
            capacity_providers,
            rolling,
            redeploy,
            secrets,
            again,
        } = self;
        let mut text = f.debug_struct("ServiceUpdate");
        text.field("desired_count", desired_count)
            .field("deployment", deployment)
            .field("zone_rebalancing", zone_rebalancing)
            .field("placement", placement)
            .field("constraints", constraints)
            .field("grace_period", grace_period)
            .field("network", network)
            .field("capacity_providers", capacity_providers)
            .field("rolling", rolling)
            .field("redeploy", redeploy)
            .field("again", again);
        if let Some(exec) = exec {
            text.field("exec", exec);
        }
        if let Some(secrets) = secrets {
            text.field("secrets", secrets);
        }
        text.finish()
    }
}

impl ServiceUpdate {
    pub fn is_empty(&self) -> bool {
        *self == ServiceUpdate::default()
    }

    /// Returns true if ECS is to replace the tasks although the task definition stays.
    pub fn forces_rollout(&self) -> bool {
        self.again || self.redeploy.is_some() || self.secrets.is_some() || self.capacity_providers.is_some()
    }

    /// Returns true if ECS replaces the tasks because of it, whatever else it carries.
    pub fn starts_rollout(&self) -> bool {
        self.network.is_some() || self.forces_rollout()
    }
}
