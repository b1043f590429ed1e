//! Task definitions between the model and the SDK.
//!
//! A definition that was registered by hand may hold what the model has no field for: a proxy, a port twice, another volume. It must
//! never count as what we want. Its main container is then read under a name that no container can have and that says
//! what was found, `web with mountPoints, volumes` or, of another container, `web with proxy.portMappings`: unequal to all that
//! is wanted, while ports and image can still be read.

use std::collections::BTreeSet;

use aws_sdk_ecs::types::{self as sdk, Compatibility};

use super::{container, members, volumes};
use crate::aws::Result;
use crate::aws::error::Call;
use crate::aws::wire::{from_i32, text, to_i32};
use crate::model::name::Arn;
use crate::model::owner::Tags;
use crate::model::service::{Architecture, LaunchType, NetworkMode, TaskDefinition};
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
    let mut foreign = foreign_fields(found);
    let network_mode = match found.network_mode() {
        Some(sdk::NetworkMode::Awsvpc) => NetworkMode::Awsvpc,
        Some(sdk::NetworkMode::Host) => NetworkMode::Host,
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
    let family = found.family().unwrap_or_default();
    let containers = found.container_definitions();
    let place = main_container(family, containers);
    let empty = sdk::ContainerDefinition::builder().build();
    let main = containers.get(place).unwrap_or(&empty);
    let main = container::read(main, network_mode, &mut foreign);
    let others = containers.iter().enumerate().filter(|(n, _)| *n != place);
    let (mut sidecars, mut foreign_beside) = (Vec::new(), BTreeSet::new());
    for (_, other) in others {
        let mut foreign = BTreeSet::new();
        let sidecar = container::read(other, network_mode, &mut foreign);
        foreign_beside.extend(
            foreign
                .into_iter()
                .map(|field| format!("{}.{field}", sidecar.name)),
        );
        sidecars.push(sidecar);
    }
    sidecars.sort();

    let mut content = TaskDefinition {
        family: family.to_owned(),
        network_mode,
        launch_type,
        execution_role_arn: text(found.execution_role_arn()),
        task_role_arn: text(found.task_role_arn()),
        ephemeral_storage: found
            .ephemeral_storage()
            .map(|storage| from_i32(storage.size_in_gib())),
        architecture: architecture(found, &mut foreign),
        volumes: volumes::read(found.volumes(), &mut foreign),
        members: members::read_task(found, &mut foreign),
        main,
        sidecars,
    };
    if text(found.cpu()) != task_cpu(&content) {
        foreign.insert("cpu");
    }
    if text(found.memory()) != task_memory(&content) {
        foreign.insert("memory");
    }
    let foreign: Vec<String> = foreign
        .into_iter()
        .map(str::to_owned)
        .chain(foreign_beside)
        .collect();
    if !foreign.is_empty() {
        let main = &mut content.main.name;
        *main = format!("{main} with {}", foreign.join(", "));
    }
    content
}

/// Returns the place of the container of the process, whose name a family ends with; else the first.
fn main_container(family: &str, containers: &[sdk::ContainerDefinition]) -> usize {
    let process = family.rsplit('_').next();
    let mut containers = containers.iter();
    containers
        .position(|container| container.name() == process)
        .unwrap_or_default()
}

/// Fields beside the containers that are set although we never set them. AWS fills in defaults, which do not count.
fn foreign_fields(found: &sdk::TaskDefinition) -> BTreeSet<&'static str> {
    let platform = found.runtime_platform();
    let system = platform.and_then(sdk::RuntimePlatform::operating_system_family);
    [
        ("containerDefinitions", found.container_definitions().is_empty()),
        (
            "inferenceAccelerators",
            !found.inference_accelerators().is_empty(),
        ),
        ("proxyConfiguration", found.proxy_configuration().is_some()),
        (
            "runtimePlatform",
            system.is_some_and(|system| *system != sdk::OsFamily::Linux),
        ),
    ]
    .into_iter()
    .filter_map(|(field, is_set)| is_set.then_some(field))
    .collect()
}

fn architecture(found: &sdk::TaskDefinition, foreign: &mut BTreeSet<&'static str>) -> Option<Architecture> {
    match found.runtime_platform()?.cpu_architecture()?.as_str() {
        "ARM64" => Some(Architecture::Arm64),
        "X86_64" => Some(Architecture::X8664),
        _ => {
            foreign.insert("runtimePlatform");
            None
        }
    }
}

pub(super) fn network_mode(network_mode: NetworkMode) -> sdk::NetworkMode {
    match network_mode {
        NetworkMode::Bridge => sdk::NetworkMode::Bridge,
        NetworkMode::Awsvpc => sdk::NetworkMode::Awsvpc,
        NetworkMode::Host => sdk::NetworkMode::Host,
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

pub(super) fn task_cpu(content: &TaskDefinition) -> Option<String> {
    content.task_cpu().map(|cpu| cpu.to_string())
}

pub(super) fn task_memory(content: &TaskDefinition) -> Option<String> {
    content.task_memory().map(|memory| memory.to_string())
}

pub(super) fn ephemeral_storage(content: &TaskDefinition) -> Option<sdk::EphemeralStorage> {
    let size = content.ephemeral_storage?;
    Some(sdk::EphemeralStorage::builder().size_in_gib(to_i32(size)).build())
}

/// Fargate wants the operating system besides, and elsewhere it is as the instances are:
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html#runtime-platform>.
pub(super) fn runtime_platform(content: &TaskDefinition) -> Option<sdk::RuntimePlatform> {
    let architecture = match content.architecture? {
        Architecture::Arm64 => sdk::CpuArchitecture::Arm64,
        Architecture::X8664 => sdk::CpuArchitecture::X8664,
    };
    let system = match content.launch_type {
        LaunchType::Fargate => Some(sdk::OsFamily::Linux),
        LaunchType::Ec2 | LaunchType::External | LaunchType::ManagedInstances => None,
    };
    let platform = sdk::RuntimePlatform::builder().cpu_architecture(architecture);
    Some(platform.set_operating_system_family(system).build())
}

/// AWS may quote what it refuses; values of environment variables must not reach a log. Shorter ones than four
/// characters give nothing away and would only garble the words.
pub(super) fn without_values(message: &str, content: &TaskDefinition) -> String {
    let values = content
        .containers()
        .flat_map(|container| container.environment.0.values());
    let mut values: Vec<&String> = values.filter(|value| value.len() >= 4).collect();
    // The longest first, since a shorter one may be a part of it.
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    values.into_iter().fold(message.to_owned(), |message, value| {
        message.replace(value.as_str(), "***")
    })
}
