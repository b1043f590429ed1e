//! What few containers have, between the model and the SDK.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_ecs::types as sdk;
use aws_sdk_ecs::types::builders::ContainerDefinitionBuilder;

use super::logging::ordered;
use super::members;
use crate::aws::Result;
use crate::aws::error::Call;
use crate::aws::wire::{from_i32, to_i32};
use crate::model::extras::{Extras, LogRouter, LogRouterKind, NamedPort, Restart, Transport};
use crate::model::service::NetworkMode;
use crate::model::small_map::SmallMap;

/// Returns them and, in `foreign`, the fields that hold what the model cannot.
pub(super) fn read(
    found: &sdk::ContainerDefinition,
    ports: SmallMap<String, NamedPort>,
    foreign: &mut BTreeSet<&'static str>,
) -> Extras {
    let number = |number: Option<i32>| number.map(from_i32).filter(|number| *number != 0);
    let [_, open_files] = read_ulimits(found.ulimits());
    let files = found.environment_files().iter();
    let files = files.filter(|file| *file.r#type() == sdk::EnvironmentFileType::S3);
    let environment_files: Vec<String> = files.map(|file| file.value().to_owned()).collect();
    let is_all = environment_files.len() == found.environment_files().len();
    foreign.extend((!is_all).then_some("environmentFiles"));
    let controls = found.system_controls().iter();
    let controls = controls.filter_map(|one| Some((one.namespace.clone()?, one.value.clone()?)));
    let system_controls: SmallMap<String, String> = controls.collect();
    let is_all = system_controls.len() == found.system_controls().len();
    foreign.extend((!is_all).then_some("systemControls"));
    let hosts = found.extra_hosts().iter();
    let hosts = hosts.map(|host| (host.hostname().to_owned(), host.ip_address().to_owned()));
    let extra_hosts: SmallMap<String, String> = hosts.collect();
    let is_all = extra_hosts.len() == found.extra_hosts().len();
    foreign.extend((!is_all).then_some("extraHosts"));
    let parameters = found.linux_parameters();
    let shared_memory = parameters.and_then(sdk::LinuxParameters::shared_memory_size);
    Extras {
        open_files,
        start_timeout: number(found.start_timeout()),
        restart: found.restart_policy().and_then(restart),
        memory_reservation: number(found.memory_reservation()),
        shared_memory: number(shared_memory),
        gpus: gpus(found.resource_requirements(), foreign),
        environment_files,
        system_controls,
        extra_hosts,
        ports,
        log_router: log_router(found, foreign),
        members: members::read(found, foreign),
    }
}

/// Returns `nproc` and `nofile`, of limits that are soft and hard alike.
pub(super) fn read_ulimits(found: &[sdk::Ulimit]) -> [Option<u32>; 2] {
    let limit = |name: &sdk::UlimitName| {
        let mut limits = found.iter().filter(|limit| limit.name() == name);
        let limit = limits
            .next()
            .filter(|limit| limit.soft_limit() == limit.hard_limit());
        let limit = limit.filter(|limit| limit.hard_limit() >= 0);
        limit.map(|limit| from_i32(limit.hard_limit()))
    };
    [limit(&sdk::UlimitName::Nproc), limit(&sdk::UlimitName::Nofile)]
}

/// `None` for a policy that is there and turned off.
fn restart(found: &sdk::ContainerRestartPolicy) -> Option<Restart> {
    let mut codes: Vec<u32> = found
        .ignored_exit_codes()
        .iter()
        .map(|code| from_i32(*code))
        .collect();
    codes.sort_unstable();
    let period = found.restart_attempt_period().map(from_i32);
    found.enabled().then(|| Restart {
        attempt_period: period.unwrap_or(Restart::ATTEMPT_PERIOD),
        ignored_exit_codes: codes,
    })
}

fn gpus(found: &[sdk::ResourceRequirement], foreign: &mut BTreeSet<&'static str>) -> Option<u32> {
    let gpus = match found {
        [] => return None,
        [only] if *only.r#type() == sdk::ResourceType::Gpu && only.sharing_strategy().is_none() => {
            only.value().parse().ok()
        }
        _ => None,
    };
    foreign.extend(gpus.is_none().then_some("resourceRequirements"));
    gpus
}

/// Returns the mappings that have a name, and nothing that we would never write. In awsvpc and host, AWS fills in the
/// container port as the host port.
pub(super) fn read_ports(
    found: &[sdk::PortMapping],
    network_mode: NetworkMode,
) -> SmallMap<String, NamedPort> {
    let port = |mapping: &sdk::PortMapping| {
        let name = mapping.name().filter(|name| !name.is_empty())?;
        let transport = match mapping.protocol() {
            None | Some(sdk::TransportProtocol::Tcp) => Transport::Tcp,
            Some(sdk::TransportProtocol::Udp) => Transport::Udp,
            Some(_) => return None,
        };
        let container_port = u16::try_from(mapping.container_port()?).ok()?;
        let host_port = mapping.host_port().unwrap_or(0);
        let is_own = match network_mode {
            NetworkMode::Awsvpc | NetworkMode::Host => {
                host_port == 0 || host_port == i32::from(container_port)
            }
            NetworkMode::Bridge => host_port == 0,
        };
        let port = NamedPort {
            container_port,
            transport,
        };
        (is_own && mapping.app_protocol().is_none()).then(|| (name.to_owned(), port))
    };
    found.iter().filter_map(port).collect()
}

pub(super) fn write_ulimits(
    call: Call,
    process_limit: Option<u32>,
    open_files: Option<u32>,
) -> Result<Vec<sdk::Ulimit>> {
    let limits = [
        (sdk::UlimitName::Nproc, process_limit),
        (sdk::UlimitName::Nofile, open_files),
    ];
    let limits = limits
        .into_iter()
        .filter_map(|(name, limit)| Some((name, limit?)));
    let write = |(name, limit)| {
        sdk::Ulimit::builder()
            .name(name)
            .soft_limit(to_i32(limit))
            .hard_limit(to_i32(limit))
            .build()
            .map_err(|error| call.bug(error.to_string()))
    };
    limits.map(write).collect()
}

pub(super) fn write(
    call: Call,
    container: ContainerDefinitionBuilder,
    wanted: &Extras,
) -> Result<ContainerDefinitionBuilder> {
    let Extras {
        // Both are in a list or a structure with what is no extra.
        open_files: _,
        shared_memory: _,
        start_timeout,
        restart,
        memory_reservation,
        gpus,
        environment_files,
        system_controls,
        extra_hosts,
        ports,
        log_router,
        members,
    } = wanted;
    let mut container = container
        .set_start_timeout(start_timeout.map(to_i32))
        .set_memory_reservation(memory_reservation.map(to_i32));
    if let Some(restart) = restart {
        container = container.restart_policy(write_restart(call, restart)?);
    }
    if let Some(gpus) = gpus {
        let gpus = sdk::ResourceRequirement::builder()
            .r#type(sdk::ResourceType::Gpu)
            .value(gpus.to_string())
            .build();
        container = container.resource_requirements(gpus.map_err(|error| call.bug(error.to_string()))?);
    }
    if let Some(router) = log_router {
        container = container.firelens_configuration(write_log_router(call, router)?);
    }
    for file in environment_files {
        let file = sdk::EnvironmentFile::builder()
            .r#type(sdk::EnvironmentFileType::S3)
            .value(file)
            .build();
        container = container.environment_files(file.map_err(|error| call.bug(error.to_string()))?);
    }
    for (name, value) in system_controls {
        let control = sdk::SystemControl::builder().namespace(name).value(value);
        container = container.system_controls(control.build());
    }
    for (name, address) in extra_hosts {
        let host = sdk::HostEntry::builder()
            .hostname(name)
            .ip_address(address)
            .build();
        container = container.extra_hosts(host.map_err(|error| call.bug(error.to_string()))?);
    }
    for (name, port) in ports {
        container = container.port_mappings(write_port(name, *port));
    }
    if let Some(members) = members {
        container = members::write(call, container, members)?;
    }
    Ok(container)
}

fn log_router(found: &sdk::ContainerDefinition, foreign: &mut BTreeSet<&'static str>) -> Option<LogRouter> {
    let found = found.firelens_configuration()?;
    let kind = match found.r#type().as_str() {
        "fluentbit" => LogRouterKind::Fluentbit,
        "fluentd" => LogRouterKind::Fluentd,
        _ => {
            foreign.insert("firelensConfiguration");
            return None;
        }
    };
    Some(LogRouter {
        kind,
        options: found.options().map(ordered).unwrap_or_default(),
    })
}

fn write_log_router(call: Call, router: &LogRouter) -> Result<sdk::FirelensConfiguration> {
    let LogRouter { kind, options } = router;
    let kind = match kind {
        LogRouterKind::Fluentbit => sdk::FirelensConfigurationType::Fluentbit,
        LogRouterKind::Fluentd => sdk::FirelensConfigurationType::Fluentd,
    };
    let options: HashMap<String, String> = options.clone().into_iter().collect();
    sdk::FirelensConfiguration::builder()
        .r#type(kind)
        .set_options(Some(options).filter(|options| !options.is_empty()))
        .build()
        .map_err(|error| call.bug(error.to_string()))
}

fn write_restart(call: Call, restart: &Restart) -> Result<sdk::ContainerRestartPolicy> {
    let Restart {
        attempt_period,
        ignored_exit_codes,
    } = restart;
    let codes: Vec<i32> = ignored_exit_codes.iter().map(|code| to_i32(*code)).collect();
    sdk::ContainerRestartPolicy::builder()
        .enabled(true)
        .restart_attempt_period(to_i32(*attempt_period))
        .set_ignored_exit_codes(Some(codes).filter(|codes| !codes.is_empty()))
        .build()
        .map_err(|error| call.bug(error.to_string()))
}

/// Without a host port, ECS picks one, or in awsvpc takes the same.
fn write_port(name: &str, port: NamedPort) -> sdk::PortMapping {
    let NamedPort {
        container_port,
        transport,
    } = port;
    let protocol = match transport {
        Transport::Tcp => sdk::TransportProtocol::Tcp,
        Transport::Udp => sdk::TransportProtocol::Udp,
    };
    sdk::PortMapping::builder()
        .name(name)
        .container_port(container_port.into())
        .protocol(protocol)
        .build()
}
