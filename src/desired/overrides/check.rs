//! What ECS does not take of members together, or where tasks run.

use super::{field, task_field};
use crate::desired::container::is_path;
use crate::desired::extras::is_of_ipc;
use crate::desired::service::CONSTRAINTS;
use crate::desired::{Builder, text};
use crate::error::Error;
use crate::model::container::Container;
use crate::model::members::{
    DEVICES, FAULT_INJECTION, Flag, HOSTNAME, IPC_MODE, List, MAX_SWAP, Namespace, PID_MODE,
    PLACEMENT_CONSTRAINTS, SWAPPINESS, TMPFS, ULIMITS,
};
use crate::model::service::{LaunchType, NetworkMode, TaskDefinition};
use crate::model::volume::Volume;

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html>
const NOT_ON_FARGATE: [&str; 9] = [
    "disableNetworking",
    "dnsSearchDomains",
    "dnsServers",
    "dockerSecurityOptions",
    "links",
    "privileged",
    DEVICES,
    MAX_SWAP,
    SWAPPINESS,
];
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html> says it of some; docs/aws.md of which.
const NOT_IN_AWSVPC: [&str; 5] = [
    "disableNetworking",
    "dnsSearchDomains",
    "dnsServers",
    LINKS,
    HOSTNAME,
];
/// Of network mode bridge alone: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html>.
const LINKS: &str = "links";

impl Builder<'_> {
    /// Checks a content that overrides have changed.
    pub(in crate::desired) fn check_overridden(&self, content: &TaskDefinition) -> Result<(), Error> {
        for container in content.containers() {
            if let Some((member, why)) = refusal(content, container) {
                return Err(self.invalid(&field(&container.name, member), &why));
            }
        }
        if let Some((member, why)) = refusal_of_task(content) {
            return Err(self.invalid(&task_field(&member), &why));
        }
        let own = content.members().placement_constraints.len();
        let all = if own == 0 { 0 } else { self.constraints()?.len() };
        if own + all > CONSTRAINTS {
            let why = format!(
                "are {} with those of the process and of Platform {}, and ECS takes at most {CONSTRAINTS}",
                own + all,
                self.platform_name()
            );
            return Err(self.invalid(&task_field(PLACEMENT_CONSTRAINTS), &why));
        }
        Ok(())
    }
}

/// Returns a member of a container that is refused, and why.
fn refusal(content: &TaskDefinition, container: &Container) -> Option<(&'static str, String)> {
    let members = container.members();
    let (details, on_fargate) = (container.details(), content.launch_type == LaunchType::Fargate);
    let said = |member: &str| format!("Fargate takes {member}");
    for (member, _) in members.texts() {
        if on_fargate && NOT_ON_FARGATE.contains(&member) {
            return Some((member, said("none")));
        }
        let is_refused = match content.network_mode {
            NetworkMode::Bridge => false,
            NetworkMode::Awsvpc => NOT_IN_AWSVPC.contains(&member),
            NetworkMode::Host => member == LINKS,
        };
        if is_refused {
            let mode = content.network_mode.as_str();
            return Some((
                member,
                format!("not with network mode {mode}, where ECS takes none"),
            ));
        }
    }
    let added = List::AddedCapabilities;
    if on_fargate && members.list(added).iter().any(|name| name != "SYS_PTRACE") {
        return Some((added.as_str(), said("SYS_PTRACE alone")));
    }
    let is_limited = container.process_limit.is_some() || members.ulimits.keys().any(|name| name != "nofile");
    if on_fargate && is_limited {
        return Some((ULIMITS, said("nofile alone")));
    }
    if on_fargate && !details.tmpfs.is_empty() {
        return Some((TMPFS, said("none")));
    }
    let mut paths = details.tmpfs.keys();
    let is_wrong =
        |path: &&String| !is_path(path) || !text::is_mount(path) || details.mounts.contains_key(*path);
    if let Some(path) = paths.find(is_wrong) {
        let why = if details.mounts.contains_key(path) {
            "is also in mounts"
        } else {
            text::NO_MOUNT
        };
        return Some((TMPFS, format!("{path}: {why}")));
    }
    if members.swappiness.is_some() && members.max_swap.is_none() {
        return Some((SWAPPINESS, "ECS ignores it without maxSwap".into()));
    }
    let no_network = Flag::DisableNetworking;
    let has_ports = !container.ports.is_empty() || !details.extras.ports.is_empty();
    if members.flags.contains(&no_network) && has_ports {
        return Some((no_network.as_str(), "the container has ports".into()));
    }
    None
}

/// Returns a member of a task definition that is refused, and why.
fn refusal_of_task(content: &TaskDefinition) -> Option<(String, String)> {
    let members = content.members();
    let refused = |member: &str, why: &str| Some((member.to_owned(), why.to_owned()));
    if content.launch_type == LaunchType::Fargate {
        if members.ipc_mode.is_some() {
            return refused(IPC_MODE, "Fargate takes none");
        }
        if members.pid_mode.is_some_and(|mode| mode != Namespace::Task) {
            return refused(PID_MODE, "Fargate takes task alone");
        }
        if !members.placement_constraints.is_empty() {
            return refused(PLACEMENT_CONSTRAINTS, "Fargate takes none");
        }
        let is_of_instance = |volume: &Volume| matches!(volume, Volume::Host(_) | Volume::Docker(_));
        let mut volumes = content.volumes.iter();
        if let Some((name, _)) = volumes.find(|(_, volume)| is_of_instance(volume)) {
            return refused(&format!("volumes[{name}]"), "Fargate takes none of an instance");
        }
    }
    // <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fault-injection.html>
    if members.fault_injection && content.network_mode == NetworkMode::Bridge {
        return refused(
            FAULT_INJECTION,
            "not with network mode bridge, where ECS injects none",
        );
    }
    // <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html>
    let mut controls = content
        .containers()
        .flat_map(|container| container.details().extras.system_controls.keys());
    if members.ipc_mode == Some(Namespace::Host)
        && let Some(name) = controls.find(|name| is_of_ipc(name))
    {
        return refused(
            IPC_MODE,
            &format!("not host with {name} in systemControls, which would be the instance's"),
        );
    }
    None
}
