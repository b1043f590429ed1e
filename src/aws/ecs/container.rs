//! Containers of a task definition between the model and the SDK.

use std::collections::BTreeSet;

use aws_sdk_ecs::types as sdk;

use super::logging::{self, secrets_of, write_secret};
use super::{details, extras};
use crate::aws::Result;
use crate::aws::error::Call;
use crate::aws::wire::{from_i32, to_i32};
use crate::model::container::{Container, Environment, HostPort, PortMapping};
use crate::model::service::NetworkMode;
use crate::model::small_map::SmallMap;

/// Returns a container and, in `foreign`, the fields that hold what the model cannot.
pub(super) fn read(
    found: &sdk::ContainerDefinition,
    network_mode: NetworkMode,
    foreign: &mut BTreeSet<&'static str>,
) -> Container {
    let has_credentials = !found.credential_specs().is_empty();
    foreign.extend(has_credentials.then_some("credentialSpecs"));
    let mappings = found.port_mappings().iter();
    let named = extras::read_ports(found.port_mappings(), network_mode);
    let mut ports: Vec<PortMapping> = mappings
        .filter_map(|mapping| port_mapping(mapping, network_mode))
        .collect();
    ports.sort_by_key(|port| port.container_port);
    let known = ports.len() + named.len();
    foreign.extend((known != found.port_mappings().len()).then_some("portMappings"));
    let environment: SmallMap<String, String> = found
        .environment()
        .iter()
        .filter_map(environment_variable)
        .collect();
    foreign.extend((environment.len() != found.environment().len()).then_some("environment"));
    let secrets = secrets_of(found.secrets());
    foreign.extend((secrets.len() != found.secrets().len()).then_some("secrets"));
    let [process_limit, _] = extras::read_ulimits(found.ulimits());
    let logging = found.log_configuration();
    Container {
        name: found.name().unwrap_or_default().to_owned(),
        image: found.image().unwrap_or_default().to_owned(),
        command: found.command().to_vec(),
        cpu: from_i32(found.cpu()),
        memory: from_i32(found.memory().unwrap_or(0)),
        environment: Environment(environment),
        secrets,
        process_limit,
        stop_timeout: found.stop_timeout().map(from_i32).filter(|seconds| *seconds != 0),
        read_only_root_filesystem: found.readonly_root_filesystem() == Some(true),
        ports,
        logging: logging.map(|configuration| logging::read(configuration, foreign)),
        details: details::read(found, named, foreign),
    }
}

fn is_text(text: Option<&str>) -> bool {
    text.is_some_and(|text| !text.is_empty())
}

fn environment_variable(pair: &sdk::KeyValuePair) -> Option<(String, String)> {
    Some((pair.name.clone()?, pair.value.clone().unwrap_or_default()))
}

/// `None` for a mapping that we would never write. In awsvpc and host, AWS fills in the container port as the host port.
fn port_mapping(mapping: &sdk::PortMapping, network_mode: NetworkMode) -> Option<PortMapping> {
    let is_tcp = mapping
        .protocol()
        .is_none_or(|protocol| *protocol == sdk::TransportProtocol::Tcp);
    if !is_tcp || is_text(mapping.name()) || mapping.app_protocol().is_some() {
        return None;
    }
    let container_port = u16::try_from(mapping.container_port()?).ok()?;
    let host_port = match (
        network_mode,
        u16::try_from(mapping.host_port().unwrap_or(0)).ok()?,
    ) {
        (NetworkMode::Awsvpc | NetworkMode::Host, port) if port == 0 || port == container_port => {
            HostPort::SameAsContainer
        }
        (NetworkMode::Awsvpc | NetworkMode::Host, _) => return None,
        (NetworkMode::Bridge, 0) => HostPort::Dynamic,
        (NetworkMode::Bridge, port) => HostPort::Fixed(port),
    };
    Some(PortMapping {
        container_port,
        host_port,
    })
}

pub(super) fn write(call: Call, wanted: &Container) -> Result<sdk::ContainerDefinition> {
    let variable = |(name, value)| sdk::KeyValuePair::builder().name(name).value(value).build();
    let mut container = sdk::ContainerDefinition::builder()
        .name(&wanted.name)
        .image(&wanted.image)
        .essential(!wanted.details().optional)
        .cpu(to_i32(wanted.cpu))
        .set_memory(Some(to_i32(wanted.memory)).filter(|memory| *memory != 0))
        .set_command(Some(wanted.command.clone()).filter(|command| !command.is_empty()))
        .set_environment(Some(wanted.environment.0.iter().map(variable).collect()))
        .set_stop_timeout(wanted.stop_timeout.map(to_i32))
        .set_readonly_root_filesystem(wanted.read_only_root_filesystem.then_some(true));
    for (name, arn) in &wanted.secrets {
        container = container.secrets(write_secret(call, name, arn)?);
    }
    for limit in extras::write_ulimits(call, wanted.process_limit, wanted.details().extras.open_files)? {
        container = container.ulimits(limit);
    }
    for port in &wanted.ports {
        container = container.port_mappings(write_port(call, *port)?);
    }
    if let Some(logging) = &wanted.logging {
        container = container.log_configuration(logging::write(call, logging)?);
    }
    if let Some(details) = &wanted.details {
        container = details::write(call, container, details)?;
    }
    Ok(container.build())
}

fn write_port(call: Call, port: PortMapping) -> Result<sdk::PortMapping> {
    let host_port = match port.host_port {
        HostPort::Dynamic => Some(0),
        HostPort::Fixed(port) => Some(port.into()),
        HostPort::SameAsContainer => None,
        HostPort::Claimed => return Err(call.bug("the host port was not looked up before the call")),
    };
    Ok(sdk::PortMapping::builder()
        .container_port(port.container_port.into())
        .set_host_port(host_port)
        .protocol(sdk::TransportProtocol::Tcp)
        .build())
}
