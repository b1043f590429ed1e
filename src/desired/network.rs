//! The network of a process's tasks.

use super::{Builder, set};
use crate::error::Error;
use crate::model::service::{NetworkMode, TaskNetwork};

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_AwsVpcConfiguration.html>
const SECURITY_GROUPS: usize = 5;

impl Builder<'_> {
    pub(super) fn task_network(&self) -> Result<Option<TaskNetwork>, Error> {
        const FIELD: &str = "securityGroups";
        let own = set(&self.process.security_groups);
        let platform = self.platform_name();
        if self.network_mode() != NetworkMode::Awsvpc {
            if own.is_empty() {
                return Ok(None);
            }
            let why =
                format!("Platform {platform} has a network mode in which tasks have those of their instance");
            return Err(self.invalid(FIELD, &why));
        }
        let tasks = self.platform.spec.network.tasks.as_ref();
        let mut security_groups = tasks.map(|tasks| set(&tasks.security_groups)).unwrap_or_default();
        // Of none at all, AWS makes the VPC's default one, and nobody could tell that from one that is not wanted any more.
        if !own.is_empty() && security_groups.is_empty() {
            let why = format!(
                "Platform {platform} has no network.tasks.securityGroups, besides which a process could have its own"
            );
            return Err(self.invalid(FIELD, &why));
        }
        security_groups.extend(own);
        if security_groups.len() > SECURITY_GROUPS {
            let all = security_groups.len();
            let why = format!(
                "are {all} with those of Platform {platform}, and ECS takes at most {SECURITY_GROUPS}"
            );
            return Err(self.invalid(FIELD, &why));
        }
        Ok(Some(TaskNetwork {
            subnets: tasks.map(|tasks| set(&tasks.subnets)).unwrap_or_default(),
            security_groups,
            assign_public_ip: tasks.and_then(|tasks| tasks.assign_public_ip).unwrap_or(false),
        }))
    }
}

#[cfg(test)]
mod tests;
