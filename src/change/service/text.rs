//! The text of a write to a service.

use std::fmt;

use super::ServiceWrite;
use crate::change::tags::listed;
use crate::change::task_definition::Content;
use crate::model::counted;
use crate::model::service::{
    Attachment, Capacity, CapacityProvider, CircuitBreaker, DeploymentConfiguration, ServiceUpdate,
};

impl fmt::Display for ServiceWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self {
            ServiceWrite::Create {
                service, attachments, ..
            } => {
                let tasks = counted(service.first_count(), "task");
                write!(f, "create service {name} with {tasks}")?;
                if let Capacity::Providers(providers) = &service.capacity {
                    write!(f, " on capacity providers {}", shares(providers))?;
                }
                behind(f, attachments)
            }
            ServiceWrite::Update {
                update,
                task_definition,
                attachments,
                ..
            } => {
                write!(f, "update service {name}:")?;
                let mut separator = " ";
                if let Some(content) = task_definition {
                    write!(f, "{separator}{}", Content(content))?;
                    separator = ", ";
                }
                settings(f, update, &mut separator)?;
                if let Some(attachments) = attachments {
                    let names: Vec<&str> = attachments.iter().map(|a| a.target_group.as_str()).collect();
                    write!(f, "{separator}target groups [{}]", names.join(", "))?;
                }
                Ok(())
            }
            ServiceWrite::StopRollout { .. } => write!(f, "roll back the rollout of service {name}"),
            ServiceWrite::Delete { .. } => write!(f, "delete service {name}"),
            ServiceWrite::Tag { tags, .. } => write!(f, "tag service {name} with {}", listed(tags)),
            ServiceWrite::Untag { .. } => write!(f, "untag service {name} (Retain)"),
        }
    }
}

fn settings(f: &mut fmt::Formatter<'_>, update: &ServiceUpdate, separator: &mut &str) -> fmt::Result {
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
    } = update;
    let mut parts = Vec::new();
    parts.extend(desired_count.map(|count| counted(count, "task")));
    parts.extend(rolling.then(|| "rolling deployments".to_owned()));
    parts.extend(deployment.as_ref().map(deploying));
    parts.extend(zone_rebalancing.map(|on| format!("zone rebalancing {}", if on { "on" } else { "off" })));
    parts.extend(placement.as_ref().map(|strategies| {
        let fields: Vec<String> = strategies
            .iter()
            .map(|s| format!("{} {}", s.kind, s.field))
            .collect();
        format!("placement [{}]", fields.join(", "))
    }));
    parts.extend(constraints.as_ref().map(|constraints| {
        let all: Vec<String> = constraints
            .iter()
            .map(|c| format!("{} {}", c.kind, c.expression).trim_end().to_owned())
            .collect();
        format!("placement constraints [{}]", all.join(", "))
    }));
    parts.extend(grace_period.map(|seconds| format!("grace period {seconds} s")));
    parts.extend(network.as_ref().map(|network| {
        let groups: Vec<&str> = network.security_groups.iter().map(|group| &**group).collect();
        match groups[..] {
            [] => "task network".to_owned(),
            _ => format!("task network with security groups [{}]", groups.join(", ")),
        }
    }));
    parts.extend(exec.map(|on| {
        let text = if on {
            "ECS Exec on, for tasks that start from now on"
        } else {
            "ECS Exec off"
        };
        text.to_owned()
    }));
    let providers = capacity_providers.as_ref();
    parts.extend(providers.map(|providers| format!("capacity providers {}", shares(providers))));
    parts.extend(
        redeploy
            .as_ref()
            .map(|value| format!("every task again for redeploy {value}")),
    );
    let changed = secrets.as_ref();
    parts.extend(changed.map(|_| "every task again, as a secret of theirs has changed".to_owned()));
    parts.extend(again.then(|| "every task again, as the last rollout failed".to_owned()));
    for part in parts {
        write!(f, "{separator}{part}")?;
        *separator = ", ";
    }
    Ok(())
}

fn shares(providers: &[CapacityProvider]) -> String {
    let providers = providers.iter();
    let all: Vec<String> = providers
        .map(|p| format!("{} weight {} base {}", p.name, p.weight, p.base))
        .collect();
    format!("[{}]", all.join(", "))
}

fn deploying(deployment: &DeploymentConfiguration) -> String {
    let DeploymentConfiguration {
        minimum_healthy_percent,
        maximum_percent,
        circuit_breaker,
    } = deployment;
    let breaker = match circuit_breaker {
        CircuitBreaker { enable: false, .. } => "off",
        CircuitBreaker { rollback: false, .. } => "without rollback",
        CircuitBreaker { rollback: true, .. } => "with rollback",
    };
    format!("{minimum_healthy_percent}/{maximum_percent} percent, circuit breaker {breaker}")
}

fn behind(f: &mut fmt::Formatter<'_>, attachments: &[Attachment<String>]) -> fmt::Result {
    for attachment in attachments {
        write!(
            f,
            " behind {}:{}",
            attachment.target_group, attachment.container_port
        )?;
    }
    Ok(())
}
