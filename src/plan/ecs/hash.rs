//! The hash of a rollout, which the status of an App remembers of one that was submitted, and of one that was rejected.
//!
//! It is made of the text that `Debug` makes of the parts. What was remembered by another release must still be the same:
//! otherwise an upgrade would roll out once more what has failed.

use std::fmt;
use std::fmt::Debug;

use crate::model::container::Container;
use crate::model::content;
use crate::model::desired::DesiredProcess;
use crate::model::rollout::digest;
use crate::model::service::{APPLICATION_GRACE_PERIOD, Attachment, Service, ServiceSettings, TaskDefinition};

/// Returns the hash of all that a rollout carries, and of the settings that decide if it succeeds: an edit of either is a
/// reason to try again. The number of tasks is not in it, since it changes for other reasons, nor what follows from it.
pub(super) fn of_rollout(
    wanted: &DesiredProcess,
    service: &Service,
    (redeploy, secrets): (Option<&String>, Option<&String>),
    content: Option<&TaskDefinition>,
    attachments: &[Attachment<String>],
) -> String {
    let Service {
        name: _,
        capacity,
        quantity: _,
        scaling: _,
        settings,
        progress_deadline,
        rolls_back,
        given_percent,
        given_grace_period,
        redeploy: _,
        secret_versions: _,
        tags: _,
    } = service;
    let ServiceSettings {
        deployment,
        zone_rebalancing,
        placement,
        constraints,
        grace_period,
        network,
        // It makes no rollout succeed or fail.
        exec: _,
    } = settings;
    // A default is no reason to try again, and an upgrade may bring another.
    let grace_period = match (given_grace_period, grace_period) {
        (false, Some(_)) => Some(APPLICATION_GRACE_PERIOD),
        (true, _) | (false, None) => *grace_period,
    };
    let mut attachments = attachments.to_vec();
    attachments.sort();
    let ports = wanted.load_balancing.iter().flat_map(|wanted| &wanted.ports);
    let checks: Vec<_> = ports.map(|port| &port.target_group.check).collect();
    let recorded = content.map(Recorded);
    // Their own `Debug` leaves the values out.
    let environment = content.map(|content| &content.main.environment.0);
    let mut all: Vec<&dyn Debug> = vec![
        &recorded,
        &environment,
        &attachments,
        capacity,
        given_percent,
        &deployment.circuit_breaker,
        zone_rebalancing,
        placement,
        constraints,
        &grace_period,
        network,
        progress_deadline,
        rolls_back,
        &checks,
        &redeploy,
    ];
    if let Some(secrets) = &secrets {
        all.push(secrets);
    }
    digest(&all)
}

/// A content as hashes have it: as `Debug` wrote it when a task definition was of one container, of a few fields. What came
/// later is in the digest of the content, which is only there where there is something of it.
struct Recorded<'a>(&'a TaskDefinition);

impl fmt::Debug for Recorded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TaskDefinition {
            family,
            network_mode,
            launch_type,
            execution_role_arn,
            task_role_arn,
            ephemeral_storage,
            architecture,
            volumes,
            members,
            main,
            sidecars,
        } = self.0;
        let Container {
            name,
            image,
            command,
            cpu,
            memory,
            environment,
            secrets,
            process_limit,
            stop_timeout,
            read_only_root_filesystem,
            ports,
            logging,
            details,
        } = main;
        let mut text = f.debug_struct("TaskDefinition");
        text.field("family", family)
            .field("network_mode", network_mode)
            .field("launch_type", launch_type)
            .field("execution_role_arn", execution_role_arn)
            .field("task_role_arn", task_role_arn)
            .field("container", name)
            .field("image", image)
            .field("command", command)
            .field("cpu", cpu)
            .field("memory", memory)
            .field("environment", environment)
            .field("secrets", secrets)
            .field("process_limit", process_limit)
            .field("stop_timeout", stop_timeout)
            .field("read_only_root_filesystem", read_only_root_filesystem)
            .field("ports", ports)
            .field("logging", logging);
        let more =
            ephemeral_storage.is_some() || architecture.is_some() || !volumes.is_empty() || members.is_some();
        if more || details.is_some() || !sidecars.is_empty() {
            text.field("content", &content::digest(self.0));
        }
        text.finish()
    }
}

#[cfg(test)]
mod tests;
