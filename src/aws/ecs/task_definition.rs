//! Task definitions between the model and the SDK.
//!
//! A definition that was registered by hand may hold what the model has no field for: a user, a mount, a second
//! container. It must never count as what we want. Its container is then read under a name that no container can have
//! and that says what was found, `web with user, mountPoints`: unequal to all that is wanted, while ports and image can
//! still be read.

use std::collections::BTreeSet;

use aws_sdk_ecs::types::{self as sdk, Compatibility};

use crate::aws::Result;
use crate::aws::error::Call;
use crate::aws::wire::{from_i32, to_i32};
use crate::model::name::Arn;
use crate::model::owner::Tags;
use crate::model::service::{
    Environment, HostPort, LaunchType, Logging, NetworkMode, PortMapping, TaskDefinition,
};
use crate::model::small_map::SmallMap;
use crate::model::state::TaskDefinitionState;

pub(super) fn read(call: Call, found: &sdk::TaskDefinition, tags: Tags) -> Result<TaskDefinitionState> {
    let arn = found
        .task_definition_arn()
        .ok_or_else(|| call.bug("a task definition without an ARN"))?;
    Ok(TaskDefinitionState {
        arn: Arn(arn.to_owned()),
        content: content(found),
        active: found.status() == Some(&sdk::TaskDefinitionStatus::Active),
        tags,
    })
}

fn content(found: &sdk::TaskDefinition) -> TaskDefinition {
    let empty = sdk::ContainerDefinition::builder().build();
    let container = found.container_definitions().first().unwrap_or(&empty);
    let mut foreign = foreign_fields(found);
    foreign.extend(foreign_container_fields(container));

    let network_mode = match found.network_mode() {
        Some(sdk::NetworkMode::Awsvpc) => NetworkMode::Awsvpc,
        Some(sdk::NetworkMode::Bridge) | None => NetworkMode::Bridge,
        Some(_) => {
            foreign.insert("networkMode");
            NetworkMode::Bridge
        }
    };
    let launch_type = match found.requires_compatibilities() {
        [Compatibility::Ec2] => LaunchType::Ec2,
        [Compatibility::Fargate] => LaunchType::Fargate,
        [Compatibility::External] => LaunchType::External,
        [Compatibility::ManagedInstances] => LaunchType::ManagedInstances,
        _ => {
            foreign.insert("requiresCompatibilities");
            LaunchType::Ec2
        }
    };
    let mappings = container.port_mappings().iter();
    let mut ports: Vec<PortMapping> = mappings
        .filter_map(|mapping| port_mapping(mapping, network_mode))
        .collect();
    ports.sort_by_key(|port| port.container_port);
    foreign.extend((ports.len() != container.port_mappings().len()).then_some("portMappings"));
    let logging = container.log_configuration().map(|configuration| {
        let secret_options = secrets_of(configuration.secret_options());
        let is_all = secret_options.len() == configuration.secret_options().len();
        foreign.extend((!is_all).then_some("secretOptions"));
        Logging {
            driver: configuration.log_driver().as_str().to_owned(),
            options: configuration.options().map(ordered).unwrap_or_default(),
            secret_options,
        }
    });
    let environment: SmallMap<String, String> = container
        .environment()
        .iter()
        .filter_map(environment_variable)
        .collect();
    foreign.extend((environment.len() != container.environment().len()).then_some("environment"));
    let secrets = secrets_of(container.secrets());
    foreign.extend((secrets.len() != container.secrets().len()).then_some("secrets"));
    let process_limit = match container.ulimits() {
        [] => None,
        [only] => {
            let limit = process_limit(only);
            foreign.extend(limit.is_none().then_some("ulimits"));
            limit
        }
        _ => {
            foreign.insert("ulimits");
            None
        }
    };

    let mut content = TaskDefinition {
        family: found.family().unwrap_or_default().to_owned(),
        network_mode,
        launch_type,
        execution_role_arn: text(found.execution_role_arn()),
        task_role_arn: text(found.task_role_arn()),
        container: container.name().unwrap_or_default().to_owned(),
        image: container.image().unwrap_or_default().to_owned(),
        command: container.command().to_vec(),
        cpu: from_i32(container.cpu()),
        memory: from_i32(container.memory().unwrap_or(0)),
        environment: Environment(environment),
        secrets,
        process_limit,
        stop_timeout: container
            .stop_timeout()
            .map(from_i32)
            .filter(|seconds| *seconds != 0),
        read_only_root_filesystem: container.readonly_root_filesystem() == Some(true),
        ports,
        logging,
    };
    if text(found.cpu()) != task_size(&content, content.cpu) {
        foreign.insert("cpu");
    }
    if text(found.memory()) != task_size(&content, content.memory) {
        foreign.insert("memory");
    }
    if !foreign.is_empty() {
        let fields: Vec<&str> = foreign.into_iter().collect();
        content.container = format!("{} with {}", content.container, fields.join(", "));
    }
    content
}

/// Fields beside the container that are set although we never set them. AWS fills in defaults, which do not count.
fn foreign_fields(found: &sdk::TaskDefinition) -> BTreeSet<&'static str> {
    let platform = found.runtime_platform().is_some_and(|platform| {
        platform
            .cpu_architecture()
            .is_some_and(|cpu| *cpu != sdk::CpuArchitecture::X8664)
            || platform
                .operating_system_family()
                .is_some_and(|os| *os != sdk::OsFamily::Linux)
    });
    [
        ("containerDefinitions", found.container_definitions().len() != 1),
        ("volumes", !found.volumes().is_empty()),
        ("placementConstraints", !found.placement_constraints().is_empty()),
        (
            "inferenceAccelerators",
            !found.inference_accelerators().is_empty(),
        ),
        (
            "pidMode",
            found.pid_mode().is_some_and(|mode| !mode.as_str().is_empty()),
        ),
        (
            "ipcMode",
            found.ipc_mode().is_some_and(|mode| !mode.as_str().is_empty()),
        ),
        ("proxyConfiguration", found.proxy_configuration().is_some()),
        ("ephemeralStorage", found.ephemeral_storage().is_some()),
        ("runtimePlatform", platform),
        (
            "enableFaultInjection",
            found.enable_fault_injection() == Some(true),
        ),
    ]
    .into_iter()
    .filter_map(|(field, is_set)| is_set.then_some(field))
    .collect()
}

fn foreign_container_fields(container: &sdk::ContainerDefinition) -> BTreeSet<&'static str> {
    let number = |number: Option<i32>| number.is_some_and(|number| number != 0);
    let versions = container.version_consistency();
    [
        ("essential", container.essential() == Some(false)),
        ("memoryReservation", number(container.memory_reservation())),
        ("links", !container.links().is_empty()),
        (
            "restartPolicy",
            container
                .restart_policy()
                .is_some_and(sdk::ContainerRestartPolicy::enabled),
        ),
        ("entryPoint", !container.entry_point().is_empty()),
        ("environmentFiles", !container.environment_files().is_empty()),
        ("mountPoints", !container.mount_points().is_empty()),
        ("volumesFrom", !container.volumes_from().is_empty()),
        ("linuxParameters", container.linux_parameters().is_some()),
        ("dependsOn", !container.depends_on().is_empty()),
        ("startTimeout", number(container.start_timeout())),
        (
            "versionConsistency",
            versions == Some(&sdk::VersionConsistency::Disabled),
        ),
        ("hostname", is_text(container.hostname())),
        ("user", is_text(container.user())),
        ("workingDirectory", is_text(container.working_directory())),
        ("disableNetworking", container.disable_networking() == Some(true)),
        ("privileged", container.privileged() == Some(true)),
        ("dnsServers", !container.dns_servers().is_empty()),
        ("dnsSearchDomains", !container.dns_search_domains().is_empty()),
        ("extraHosts", !container.extra_hosts().is_empty()),
        (
            "dockerSecurityOptions",
            !container.docker_security_options().is_empty(),
        ),
        ("interactive", container.interactive() == Some(true)),
        ("pseudoTerminal", container.pseudo_terminal() == Some(true)),
        (
            "dockerLabels",
            container.docker_labels().is_some_and(|labels| !labels.is_empty()),
        ),
        ("healthCheck", container.health_check().is_some()),
        ("systemControls", !container.system_controls().is_empty()),
        (
            "resourceRequirements",
            !container.resource_requirements().is_empty(),
        ),
        (
            "firelensConfiguration",
            container.firelens_configuration().is_some(),
        ),
        (
            "repositoryCredentials",
            container.repository_credentials().is_some(),
        ),
        ("credentialSpecs", !container.credential_specs().is_empty()),
    ]
    .into_iter()
    .filter_map(|(field, is_set)| is_set.then_some(field))
    .collect()
}

fn is_text(text: Option<&str>) -> bool {
    text.is_some_and(|text| !text.is_empty())
}

/// A text that is set: AWS leaves some out, and reports others as empty.
fn text(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

fn ordered(map: &std::collections::HashMap<String, String>) -> SmallMap<String, String> {
    map.iter()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// One that is there twice is one here.
fn secrets_of(secrets: &[sdk::Secret]) -> SmallMap<String, String> {
    let secrets = secrets.iter();
    secrets
        .map(|secret| (secret.name().to_owned(), secret.value_from().to_owned()))
        .collect()
}

fn environment_variable(pair: &sdk::KeyValuePair) -> Option<(String, String)> {
    Some((pair.name.clone()?, pair.value.clone().unwrap_or_default()))
}

/// `None` for a limit that we would never set.
fn process_limit(limit: &sdk::Ulimit) -> Option<u32> {
    let is_ours = *limit.name() == sdk::UlimitName::Nproc && limit.soft_limit() == limit.hard_limit();
    is_ours.then(|| from_i32(limit.hard_limit()))
}

/// `None` for a mapping that we would never write. In awsvpc, AWS fills in the container port as the host port.
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
        (NetworkMode::Awsvpc, port) if port == 0 || port == container_port => HostPort::SameAsContainer,
        (NetworkMode::Awsvpc, _) => return None,
        (NetworkMode::Bridge, 0) => HostPort::Dynamic,
        (NetworkMode::Bridge, port) => HostPort::Fixed(port),
    };
    Some(PortMapping {
        container_port,
        host_port,
    })
}

fn write_process_limit(call: Call, limit: u32) -> Result<sdk::Ulimit> {
    sdk::Ulimit::builder()
        .name(sdk::UlimitName::Nproc)
        .soft_limit(to_i32(limit))
        .hard_limit(to_i32(limit))
        .build()
        .map_err(|error| call.bug(error.to_string()))
}

pub(super) fn container(call: Call, content: &TaskDefinition) -> Result<sdk::ContainerDefinition> {
    let variable = |(name, value)| sdk::KeyValuePair::builder().name(name).value(value).build();
    let mut container = sdk::ContainerDefinition::builder()
        .name(&content.container)
        .image(&content.image)
        .essential(true)
        .cpu(to_i32(content.cpu))
        .memory(to_i32(content.memory))
        .set_command(Some(content.command.clone()).filter(|command| !command.is_empty()))
        .set_environment(Some(content.environment.0.iter().map(variable).collect()))
        .set_stop_timeout(content.stop_timeout.map(to_i32))
        .set_readonly_root_filesystem(content.read_only_root_filesystem.then_some(true));
    for (name, arn) in &content.secrets {
        container = container.secrets(write_secret(call, name, arn)?);
    }
    if let Some(limit) = content.process_limit {
        container = container.ulimits(write_process_limit(call, limit)?);
    }
    for port in &content.ports {
        container = container.port_mappings(write_port(call, *port)?);
    }
    if let Some(Logging {
        driver,
        options,
        secret_options,
    }) = &content.logging
    {
        let mut configuration = sdk::LogConfiguration::builder()
            .log_driver(driver.as_str().into())
            .set_options(Some(options.clone().into_iter().collect()));
        for (name, arn) in secret_options {
            configuration = configuration.secret_options(write_secret(call, name, arn)?);
        }
        let configuration = configuration.build();
        container = container.log_configuration(configuration.map_err(|error| call.bug(error.to_string()))?);
    }
    Ok(container.build())
}

fn write_secret(call: Call, name: &str, arn: &str) -> Result<sdk::Secret> {
    let secret = sdk::Secret::builder().name(name).value_from(arn).build();
    secret.map_err(|error| call.bug(error.to_string()))
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

pub(super) fn network_mode(network_mode: NetworkMode) -> sdk::NetworkMode {
    match network_mode {
        NetworkMode::Bridge => sdk::NetworkMode::Bridge,
        NetworkMode::Awsvpc => sdk::NetworkMode::Awsvpc,
    }
}

pub(super) fn compatibility(launch_type: LaunchType) -> Compatibility {
    match launch_type {
        LaunchType::Ec2 => Compatibility::Ec2,
        LaunchType::Fargate => Compatibility::Fargate,
        LaunchType::External => Compatibility::External,
        LaunchType::ManagedInstances => Compatibility::ManagedInstances,
    }
}

/// Fargate and Managed Instances want the task's own size, by which they find it an instance: that of its one container.
/// Elsewhere it would only be a second limit.
pub(super) fn task_size(content: &TaskDefinition, size: u32) -> Option<String> {
    match content.launch_type {
        LaunchType::Fargate | LaunchType::ManagedInstances => Some(size.to_string()),
        LaunchType::Ec2 | LaunchType::External => None,
    }
}

/// AWS may quote what it refuses; values of environment variables must not reach a log. Shorter ones than four
/// characters give nothing away and would only garble the words.
pub(super) fn without_values(message: &str, environment: &Environment) -> String {
    let mut values: Vec<&String> = environment.0.values().filter(|value| value.len() >= 4).collect();
    // The longest first, since a shorter one may be a part of it.
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    values.into_iter().fold(message.to_owned(), |message, value| {
        message.replace(value.as_str(), "***")
    })
}
