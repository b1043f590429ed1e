//! The refusals of RegisterTaskDefinition that are about what only overrides say.
//!
//! Messages are much like ECS's own, of which some have been quoted; docs/aws.md has the source of each refusal, and says which are
//! assumed.

use empire_controller::aws::Result;
use empire_controller::model::container::Container;
use empire_controller::model::members::{ContainerMembers, Device, Flag, List, Namespace, TaskMembers};
use empire_controller::model::service::{LaunchType, NetworkMode, TaskDefinition};
use empire_controller::model::volume::Volume;

use super::super::refuse;

pub(super) fn check(action: &'static str, content: &TaskDefinition) -> Result<()> {
    let refused = |message: String| refuse(action, "ClientException", message);
    let on_fargate = content.launch_type == LaunchType::Fargate;
    for container in content.containers() {
        if let Some(message) = of_container(content, container) {
            return refused(message);
        }
    }
    let TaskMembers {
        pid_mode,
        ipc_mode,
        fault_injection,
        placement_constraints,
    } = content.members();
    let unsupported = |what: &str| {
        refused(format!(
            "Fargate compatible task definitions do not support {what}"
        ))
    };
    if on_fargate && pid_mode.is_some_and(|mode| mode != Namespace::Task) {
        return unsupported("pidMode other than task");
    }
    if *pid_mode == Some(Namespace::None) {
        return refused("Invalid pidMode.".into());
    }
    if on_fargate && ipc_mode.is_some() {
        return unsupported("ipcMode");
    }
    if on_fargate && !placement_constraints.is_empty() {
        return unsupported("constraints");
    }
    if placement_constraints.len() > 10 || placement_constraints.iter().any(String::is_empty) {
        return refused("Invalid placement constraints.".into());
    }
    if *fault_injection && content.network_mode == NetworkMode::Bridge {
        return refused("Fault injection is supported with network modes awsvpc and host only.".into());
    }
    let of_ipc = |name: &String| name.starts_with("kernel.") || name.starts_with("fs.mqueue.");
    let mut controls = content
        .containers()
        .flat_map(|container| container.details().extras.system_controls.keys());
    if *ipc_mode == Some(Namespace::Host) && controls.any(of_ipc) {
        return refused("IPC namespace related systemControls are not supported with ipcMode host.".into());
    }
    for volume in content.volumes.values() {
        match volume {
            Volume::Scratch | Volume::FileSystem(_) => {}
            Volume::Host(_) if on_fargate => return unsupported("sourcePath"),
            Volume::Docker(_) if on_fargate => return unsupported("dockerVolumeConfiguration"),
            Volume::Host(path) => {
                if !path.starts_with('/') {
                    return refused("The source path must be absolute.".into());
                }
            }
            Volume::Docker(volume) => {
                if volume.autoprovision.is_some() && !volume.shared {
                    return refused("Autoprovision is for volumes with scope shared.".into());
                }
            }
        }
    }
    Ok(())
}

fn of_container(content: &TaskDefinition, container: &Container) -> Option<String> {
    let ContainerMembers {
        flags,
        lists,
        hostname,
        devices,
        max_swap,
        swappiness,
        tmpfs,
        ulimits,
        volumes_from,
    } = container.members();
    let on_fargate = content.launch_type == LaunchType::Fargate;
    let is_awsvpc = content.network_mode == NetworkMode::Awsvpc;
    let list = |list| lists.get(&list).map_or(&[][..], Vec::as_slice);
    if on_fargate {
        let added = list(List::AddedCapabilities).iter();
        for (what, is_there) in [
            ("privileged", flags.contains(&Flag::Privileged)),
            ("disableNetworking", flags.contains(&Flag::DisableNetworking)),
            ("links", !list(List::Links).is_empty()),
            ("dnsServers", !list(List::DnsServers).is_empty()),
            ("dnsSearchDomains", !list(List::DnsSearchDomains).is_empty()),
            (
                "dockerSecurityOptions",
                !list(List::DockerSecurityOptions).is_empty(),
            ),
            (
                "capabilities other than SYS_PTRACE",
                added.clone().any(|name| name != "SYS_PTRACE"),
            ),
            ("devices", !devices.is_empty()),
            ("maxSwap", max_swap.is_some()),
            ("swappiness", swappiness.is_some()),
            (
                "ulimits other than nofile",
                ulimits.keys().any(|name| name != "nofile"),
            ),
        ] {
            if is_there {
                return Some(format!(
                    "Fargate compatible task definitions do not support {what}"
                ));
            }
        }
    }
    // <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html>
    if content.network_mode == NetworkMode::Host && !list(List::Links).is_empty() {
        return Some("Links are not supported when networkMode=host".into());
    }
    if is_awsvpc {
        for (what, is_there) in [
            ("Links are", !list(List::Links).is_empty()),
            ("DNS servers are", !list(List::DnsServers).is_empty()),
            ("DNS search domains are", !list(List::DnsSearchDomains).is_empty()),
            ("Hostname is", hostname.is_some()),
            ("Disabled networking is", flags.contains(&Flag::DisableNetworking)),
        ] {
            if is_there {
                return Some(format!(
                    "{what} not supported on container when networkMode=awsvpc"
                ));
            }
        }
    }
    let is_other = |name: &str| {
        let mut others = content.containers().map(|other| &*other.name);
        name != container.name && others.any(|other| other == name)
    };
    let mut linked = list(List::Links).iter().filter_map(|link| link.split(':').next());
    if !linked.all(is_other) || !volumes_from.keys().all(|name| is_other(name)) {
        return Some(
            "A link or a container of volumesFrom is no other container of the task definition.".into(),
        );
    }
    if swappiness.is_some_and(|swappiness| swappiness > 100) {
        return Some("Swappiness is 0 to 100.".into());
    }
    let is_sized = |path: &String| container.details().tmpfs.contains_key(path);
    if !tmpfs.keys().all(is_sized) {
        return Some("A tmpfs needs a size.".into());
    }
    if ulimits
        .values()
        .any(|limit| limit.hard != -1 && limit.soft > limit.hard)
    {
        return Some("The soft limit of a ulimit is above its hard limit.".into());
    }
    let is_path = |device: &Device| device.path.as_ref().is_none_or(|path| path.starts_with('/'));
    if !devices
        .iter()
        .all(|(host, device)| host.starts_with('/') && is_path(device))
    {
        return Some("A device has no absolute path.".into());
    }
    None
}

/// All texts, with some bytes for each.
pub(super) fn length(content: &TaskDefinition) -> usize {
    let of_containers = content
        .containers()
        .flat_map(|container| container.members().texts());
    let texts = of_containers.chain(content.members().texts());
    let texts = texts.flat_map(|(_, texts)| texts);
    texts.map(|text| text.len() + 20).sum()
}
