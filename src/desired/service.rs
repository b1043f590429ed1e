//! The service of a process: its capacity, the placement of its tasks, and their replacement.

use super::Builder;
use crate::api::REDEPLOY_ANNOTATION;
use crate::api::app::{self, Constraint, ConstraintType, Deploy, StrategyType};
use crate::error::Error;
use crate::model::scaling::Scaling;
use crate::model::secret::SecretVersions;
use crate::model::service::{
    CircuitBreaker, DeploymentConfiguration, LaunchType, PlacementConstraint, PlacementStrategy, Service,
    ServiceSettings,
};

const DEFAULT_PROGRESS_DEADLINE: u32 = 600;
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>
pub(super) const CONSTRAINTS: usize = 10;
const ZONE: &str = "attribute:ecs.availability-zone";

impl Builder<'_> {
    pub(super) fn service(&self, alone: bool, grace_period: Option<u32>) -> Result<Service, Error> {
        let quantity = self
            .process
            .quantity
            .map(|quantity| quantity.try_into().unwrap_or(0));
        let scaling = self.scaling()?;
        // What follows from the number of tasks follows from the fewest there may be.
        let fewest = quantity.or(scaling.as_ref().map(Scaling::fewest));
        let deploy = self.process.deploy.as_ref();
        let progress_deadline = match deploy.and_then(|deploy| deploy.progress_deadline.as_ref()) {
            Some(deadline) => self.seconds("deploy.progressDeadline", deadline)?,
            None => DEFAULT_PROGRESS_DEADLINE,
        };
        Ok(Service {
            name: self.family(),
            capacity: self.capacity()?,
            quantity,
            scaling: scaling.map(Box::new),
            settings: self.settings(fewest, alone, grace_period)?,
            progress_deadline,
            rolls_back: self.breaker().rollback.unwrap_or(true),
            given_percent: self.given_percent(),
            given_grace_period: self.given_grace_period().is_some(),
            redeploy: self
                .app
                .metadata
                .annotations
                .as_ref()
                .and_then(|annotations| annotations.get(REDEPLOY_ANNOTATION))
                .cloned(),
            secret_versions: SecretVersions::default(),
            tags: self.tags(),
        })
    }

    /// What it needs, ECS refuses to go without, or does not tell:
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html>.
    fn exec(&self) -> Result<Option<bool>, Error> {
        let process = self.process;
        if process.exec != Some(true) {
            return Ok(process.exec);
        }
        if self.app.spec.task_role_arn.is_none() {
            return Err(self.invalid(
                "exec",
                "needs the App's taskRoleArn: with that role its tasks open the connection to Systems Manager",
            ));
        }
        if process.read_only_root_filesystem == Some(true) {
            return Err(self.invalid(
                "exec",
                "not with readOnlyRootFilesystem: ECS runs an agent in the container, which writes there",
            ));
        }
        Ok(process.exec)
    }

    fn settings(
        &self,
        quantity: Option<u32>,
        alone: bool,
        grace_period: Option<u32>,
    ) -> Result<ServiceSettings, Error> {
        let (placement, constraints) = self.placement(alone)?;
        let deployment = self.deployment(quantity, alone)?;
        Ok(ServiceSettings {
            zone_rebalancing: self.is_rebalanced(alone, &deployment, &placement, &constraints),
            deployment,
            placement,
            constraints,
            grace_period,
            network: self.task_network()?,
            exec: self.exec()?,
        })
    }

    /// Returns the placement; one that is given replaces the defaults as a whole, but for the Platform's constraints.
    pub(super) fn placement(
        &self,
        alone: bool,
    ) -> Result<(Vec<PlacementStrategy>, Vec<PlacementConstraint>), Error> {
        let constraints = self.constraints()?;
        let Some(given) = &self.process.placement else {
            let strategy = if alone || self.launch_type() != LaunchType::Ec2 {
                Vec::new()
            } else {
                vec![
                    PlacementStrategy::spread(ZONE),
                    PlacementStrategy::spread("instanceId"),
                ]
            };
            return Ok((strategy, constraints));
        };
        match self.launch_type() {
            LaunchType::Fargate if !(given.strategy.is_empty() && given.constraints.is_empty()) => {
                return Err(self.invalid("placement", "Fargate has no container instances to choose from"));
            }
            // <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-placement.html>
            LaunchType::ManagedInstances if !given.strategy.is_empty() => {
                return Err(self.invalid(
                    "placement.strategy",
                    "ECS places tasks on Managed Instances by itself, and takes constraints only",
                ));
            }
            LaunchType::Ec2 | LaunchType::Fargate | LaunchType::External | LaunchType::ManagedInstances => {}
        }
        let strategies = given.strategy.iter().map(|strategy| {
            let field = strategy.field.clone().unwrap_or_default();
            match strategy.type_ {
                // One and the same to ECS, which reports the latter.
                StrategyType::Spread if field == "host" => PlacementStrategy::spread("instanceId"),
                StrategyType::Spread => PlacementStrategy::spread(&field),
                StrategyType::Binpack => PlacementStrategy {
                    kind: "binpack".into(),
                    field: field.to_ascii_lowercase(),
                },
                StrategyType::Random => PlacementStrategy {
                    kind: "random".into(),
                    field,
                },
            }
        });
        Ok((strategies.collect(), constraints))
    }

    /// Returns the Platform's constraints and the process's own, each once. An instance must meet all of them, so that no
    /// process gets around the Platform's.
    pub(super) fn constraints(&self) -> Result<Vec<PlacementConstraint>, Error> {
        let constraint = |constraint: &Constraint| PlacementConstraint {
            kind: match constraint.type_ {
                ConstraintType::DistinctInstance => "distinctInstance".into(),
                ConstraintType::MemberOf => "memberOf".into(),
            },
            expression: constraint.expression.clone().unwrap_or_default(),
        };
        let given = self.process.placement.iter();
        let own: Vec<PlacementConstraint> = given
            .flat_map(|placement| &placement.constraints)
            .map(constraint)
            .collect();
        let placement = self.platform.spec.placement.iter();
        let placement = placement.filter(|_| self.launch_type() != LaunchType::Fargate);
        let all = placement
            .flat_map(|placement| &placement.constraints)
            .map(constraint);
        let mut constraints: Vec<PlacementConstraint> = Vec::new();
        for constraint in all.filter(|constraint| !own.contains(constraint)) {
            if !constraints.contains(&constraint) {
                constraints.push(constraint);
            }
        }
        constraints.extend(own);
        if constraints.len() > CONSTRAINTS {
            return Err(self.invalid(
                "placement.constraints",
                &format!(
                    "are {} with those of Platform {}, and ECS takes at most {CONSTRAINTS}",
                    constraints.len(),
                    self.platform_name()
                ),
            ));
        }
        Ok(constraints)
    }

    /// Off where AWS refuses it:
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing.html>. With a port of the instance's own,
    /// there may be none to move to. ECS spreads tasks on Managed Instances by itself.
    fn is_rebalanced(
        &self,
        alone: bool,
        deployment: &DeploymentConfiguration,
        placement: &[PlacementStrategy],
        constraints: &[PlacementConstraint],
    ) -> bool {
        let spreads_first = placement
            .first()
            .is_none_or(|first| first == &PlacementStrategy::spread(ZONE));
        let names_zones = |constraint: &PlacementConstraint| constraint.expression.contains(ZONE);
        !alone
            && matches!(self.launch_type(), LaunchType::Ec2 | LaunchType::Fargate)
            && deployment.maximum_percent > 100
            && spreads_first
            && !constraints.iter().any(names_zones)
    }

    fn deployment(&self, quantity: Option<u32>, alone: bool) -> Result<DeploymentConfiguration, Error> {
        let (minimum, maximum) = deployment_percent(quantity, alone);
        let (given_minimum, given_maximum) = self.given_percent();
        let (minimum, maximum) = (given_minimum.unwrap_or(minimum), given_maximum.unwrap_or(maximum));
        // ECS rounds the one up and the other down.
        let tasks = u64::from(quantity.unwrap_or(100));
        let stay = (tasks * u64::from(minimum)).div_ceil(100);
        let most = tasks * u64::from(maximum) / 100;
        if tasks > 0 && stay >= tasks && most <= tasks {
            return Err(self.invalid(
                "deploy",
                &format!("minimumHealthyPercent {minimum} with maximumPercent {maximum} lets no task stop and none start"),
            ));
        }
        let breaker = self.breaker();
        let enable = breaker.enable.unwrap_or(true);
        Ok(DeploymentConfiguration {
            minimum_healthy_percent: minimum,
            maximum_percent: maximum,
            circuit_breaker: CircuitBreaker {
                enable,
                rollback: enable && breaker.rollback.unwrap_or(true),
            },
        })
    }

    fn given_percent(&self) -> (Option<u32>, Option<u32>) {
        let Deploy {
            minimum_healthy_percent,
            maximum_percent,
            circuit_breaker: _,
            progress_deadline: _,
        } = self.process.deploy.clone().unwrap_or_default();
        (number(minimum_healthy_percent), number(maximum_percent))
    }

    fn breaker(&self) -> app::CircuitBreaker {
        let deploy = self.process.deploy.as_ref();
        deploy
            .and_then(|deploy| deploy.circuit_breaker.clone())
            .unwrap_or_default()
    }
}

/// Minimum healthy and maximum percent. A port of the instance's own takes one task per instance, so n instances must do for n
/// tasks; a single one needs a second instance to be replaced without a gap.
fn deployment_percent(quantity: Option<u32>, alone: bool) -> (u32, u32) {
    match (alone, quantity) {
        (true, Some(tasks @ 2..)) => (100 * (tasks - 1) / tasks, 100),
        (true, None) => (50, 200),
        (true, Some(0 | 1)) | (false, _) => (100, 200),
    }
}

pub(super) fn number(given: Option<i32>) -> Option<u32> {
    given.and_then(|number| number.try_into().ok())
}

#[cfg(test)]
mod tests;
