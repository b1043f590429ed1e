//! What only overrides say, between the model and the SDK.

use std::collections::BTreeSet;

use aws_sdk_ecs::types as sdk;
use aws_sdk_ecs::types::builders::{ContainerDefinitionBuilder, LinuxParametersBuilder};

use crate::aws::Result;
use crate::aws::error::Call;
use crate::aws::wire::{from_i32, text, to_i32, unless_empty};
use crate::model::members::{
    ContainerMembers, DEVICES, Device, Flag, List, Namespace, PLACEMENT_CONSTRAINTS, TaskMembers, Ulimit,
    VOLUMES_FROM,
};
use crate::model::small_map::SmallMap;

/// Returns them and, in `foreign`, the fields that hold what the model cannot.
pub(super) fn read(
    found: &sdk::ContainerDefinition,
    foreign: &mut BTreeSet<&'static str>,
) -> Option<Box<ContainerMembers>> {
    let flags = [
        (Flag::DisableNetworking, found.disable_networking() == Some(true)),
        (Flag::Interactive, found.interactive() == Some(true)),
        (Flag::Privileged, found.privileged() == Some(true)),
        (Flag::PseudoTerminal, found.pseudo_terminal() == Some(true)),
        (
            Flag::VersionInconsistency,
            found.version_consistency() == Some(&sdk::VersionConsistency::Disabled),
        ),
    ];
    let flags = flags
        .into_iter()
        .filter_map(|(flag, is_set)| is_set.then_some(flag));
    let volumes_from = found.volumes_from().iter();
    let volumes_from = volumes_from
        .filter_map(|from| Some((from.source_container.clone()?, from.read_only() == Some(true))));
    let volumes_from: SmallMap<String, bool> = volumes_from.collect();
    foreign.extend((volumes_from.len() != found.volumes_from().len()).then_some(VOLUMES_FROM));
    let mut members = ContainerMembers {
        flags: flags.collect(),
        hostname: text(found.hostname()),
        ulimits: read_ulimits(found.ulimits(), foreign),
        volumes_from,
        ..ContainerMembers::none()
    };
    members.set_list(List::DnsSearchDomains, found.dns_search_domains().to_vec());
    members.set_list(List::DnsServers, found.dns_servers().to_vec());
    members.set_list(
        List::DockerSecurityOptions,
        in_order(found.docker_security_options()),
    );
    members.set_list(List::Links, found.links().to_vec());
    if let Some(parameters) = found.linux_parameters() {
        read_kernel(&mut members, parameters, foreign);
    }
    members.kept()
}

fn in_order(texts: &[String]) -> Vec<String> {
    let mut texts = texts.to_vec();
    texts.sort();
    texts
}

fn read_kernel(
    members: &mut ContainerMembers,
    found: &sdk::LinuxParameters,
    foreign: &mut BTreeSet<&'static str>,
) {
    if let Some(capabilities) = found.capabilities() {
        members.set_list(List::AddedCapabilities, in_order(capabilities.add()));
        members.set_list(List::DroppedCapabilities, in_order(capabilities.drop()));
    }
    let devices = found.devices().iter().map(|device| {
        let permissions = device.permissions().iter();
        let mut permissions: Vec<String> = permissions
            .map(|permission| permission.as_str().to_owned())
            .collect();
        permissions.sort();
        let path = text(device.container_path());
        (device.host_path().to_owned(), Device { path, permissions })
    });
    members.devices = devices.collect();
    foreign.extend((members.devices.len() != found.devices().len()).then_some(DEVICES));
    // Swap of 0 is a setting.
    members.max_swap = found.max_swap().map(from_i32);
    members.swappiness = found.swappiness().map(from_i32);
    let tmpfs = found.tmpfs().iter();
    let tmpfs = tmpfs.filter(|mount| !mount.mount_options().is_empty());
    members.tmpfs = tmpfs
        .map(|mount| (mount.container_path().to_owned(), mount.mount_options().to_vec()))
        .collect();
}

/// Returns the limits that have no field of their own: see `extras::read_ulimits`.
fn read_ulimits(found: &[sdk::Ulimit], foreign: &mut BTreeSet<&'static str>) -> SmallMap<String, Ulimit> {
    let all = found.iter().map(|limit| {
        let (soft, hard) = (limit.soft_limit(), limit.hard_limit());
        (limit.name().as_str().to_owned(), Ulimit { soft, hard })
    });
    let mut all: SmallMap<String, Ulimit> = all.collect();
    foreign.extend((all.len() != found.len()).then_some("ulimits"));
    all.retain(|name, limit| !is_plain(name, *limit));
    all
}

/// Returns true for a limit that a field of an App can say.
fn is_plain(name: &str, Ulimit { soft, hard }: Ulimit) -> bool {
    matches!(name, "nproc" | "nofile") && soft == hard && hard >= 0
}

pub(super) fn write(
    call: Call,
    mut container: ContainerDefinitionBuilder,
    wanted: &ContainerMembers,
) -> Result<ContainerDefinitionBuilder> {
    let ContainerMembers {
        flags,
        lists,
        hostname,
        ulimits,
        volumes_from,
        // They are in a structure with what is no member of overrides.
        devices: _,
        max_swap: _,
        swappiness: _,
        tmpfs: _,
    } = wanted;
    for flag in flags {
        container = match flag {
            Flag::DisableNetworking => container.disable_networking(true),
            Flag::Interactive => container.interactive(true),
            Flag::Privileged => container.privileged(true),
            Flag::PseudoTerminal => container.pseudo_terminal(true),
            Flag::VersionInconsistency => container.version_consistency(sdk::VersionConsistency::Disabled),
        };
    }
    for (list, texts) in lists {
        let texts = Some(texts.clone());
        container = match list {
            List::AddedCapabilities | List::DroppedCapabilities => container,
            List::DnsSearchDomains => container.set_dns_search_domains(texts),
            List::DnsServers => container.set_dns_servers(texts),
            List::DockerSecurityOptions => container.set_docker_security_options(texts),
            List::Links => container.set_links(texts),
        };
    }
    for (name, Ulimit { soft, hard }) in ulimits {
        let limit = sdk::Ulimit::builder()
            .name(name.as_str().into())
            .soft_limit(*soft)
            .hard_limit(*hard)
            .build();
        container = container.ulimits(limit.map_err(|error| call.bug(error.to_string()))?);
    }
    for (name, read_only) in volumes_from {
        let from = sdk::VolumeFrom::builder().source_container(name);
        container = container.volumes_from(from.read_only(*read_only).build());
    }
    Ok(container.set_hostname(hostname.clone()))
}

/// Returns true if a container has parameters of the kernel for them.
pub(super) fn has_kernel(wanted: &ContainerMembers) -> bool {
    let ContainerMembers {
        flags: _,
        lists: _,
        hostname: _,
        ulimits: _,
        volumes_from: _,
        devices,
        max_swap,
        swappiness,
        // There is one of the container's own for each.
        tmpfs: _,
    } = wanted;
    let capabilities = [List::AddedCapabilities, List::DroppedCapabilities];
    max_swap.is_some()
        || swappiness.is_some()
        || !devices.is_empty()
        || capabilities.iter().any(|list| !wanted.list(*list).is_empty())
}

pub(super) fn write_kernel(
    call: Call,
    mut parameters: LinuxParametersBuilder,
    wanted: &ContainerMembers,
) -> Result<LinuxParametersBuilder> {
    let [add, drop] = [List::AddedCapabilities, List::DroppedCapabilities]
        .map(|list| unless_empty(wanted.list(list).iter().cloned()));
    if add.is_some() || drop.is_some() {
        let capabilities = sdk::KernelCapabilities::builder().set_add(add).set_drop(drop);
        parameters = parameters.capabilities(capabilities.build());
    }
    for (host, Device { path, permissions }) in &wanted.devices {
        let permissions = permissions.iter().map(|permission| permission.as_str().into());
        let device = sdk::Device::builder()
            .host_path(host)
            .set_container_path(path.clone())
            .set_permissions(unless_empty(permissions))
            .build();
        parameters = parameters.devices(device.map_err(|error| call.bug(error.to_string()))?);
    }
    Ok(parameters
        .set_max_swap(wanted.max_swap.map(to_i32))
        .set_swappiness(wanted.swappiness.map(to_i32)))
}

pub(super) fn read_task(
    found: &sdk::TaskDefinition,
    foreign: &mut BTreeSet<&'static str>,
) -> Option<Box<TaskMembers>> {
    let constraints = found.placement_constraints().iter();
    let member_of = Some(&sdk::TaskDefinitionPlacementConstraintType::MemberOf);
    let constraints = constraints.filter(|constraint| constraint.r#type() == member_of);
    let constraints: Vec<String> = constraints
        .filter_map(|constraint| text(constraint.expression()))
        .collect();
    let is_all = constraints.len() == found.placement_constraints().len();
    foreign.extend((!is_all).then_some(PLACEMENT_CONSTRAINTS));
    let mut namespace = |field, mode: Option<&str>| match mode.unwrap_or_default() {
        "" => None,
        "host" => Some(Namespace::Host),
        "task" => Some(Namespace::Task),
        "none" => Some(Namespace::None),
        _ => {
            foreign.insert(field);
            None
        }
    };
    let members = TaskMembers {
        pid_mode: namespace("pidMode", found.pid_mode().map(sdk::PidMode::as_str)),
        ipc_mode: namespace("ipcMode", found.ipc_mode().map(sdk::IpcMode::as_str)),
        fault_injection: found.enable_fault_injection() == Some(true),
        placement_constraints: constraints,
    };
    members.kept()
}

pub(super) fn pid_mode(wanted: &TaskMembers) -> Option<sdk::PidMode> {
    Some(wanted.pid_mode?.as_str().into())
}

pub(super) fn ipc_mode(wanted: &TaskMembers) -> Option<sdk::IpcMode> {
    Some(wanted.ipc_mode?.as_str().into())
}

pub(super) fn placement_constraints(
    wanted: &TaskMembers,
) -> Option<Vec<sdk::TaskDefinitionPlacementConstraint>> {
    let constraints = wanted.placement_constraints.iter().map(|expression| {
        sdk::TaskDefinitionPlacementConstraint::builder()
            .r#type(sdk::TaskDefinitionPlacementConstraintType::MemberOf)
            .expression(expression)
            .build()
    });
    unless_empty(constraints)
}
