//! What most containers do without, between the model and the SDK.

use std::collections::BTreeSet;

use aws_sdk_ecs::error::BuildError;
use aws_sdk_ecs::types as sdk;
use aws_sdk_ecs::types::builders::ContainerDefinitionBuilder;

use super::logging::ordered;
use super::{extras, members, volumes};
use crate::aws::Result;
use crate::aws::error::Call;
use crate::aws::wire::{from_i32, text, to_i32, unless_empty};
use crate::model::container::{Condition, ContainerCheck, Details};
use crate::model::extras::NamedPort;
use crate::model::members::ContainerMembers;
use crate::model::small_map::SmallMap;

/// Returns the details and, in `foreign`, the fields that hold what the model cannot.
pub(super) fn read(
    found: &sdk::ContainerDefinition,
    ports: SmallMap<String, NamedPort>,
    foreign: &mut BTreeSet<&'static str>,
) -> Option<Box<Details>> {
    let depends_on: SmallMap<String, Condition> = found.depends_on().iter().filter_map(dependency).collect();
    foreign.extend((depends_on.len() != found.depends_on().len()).then_some("dependsOn"));
    let parameters = found.linux_parameters();
    let in_memory = parameters.map(sdk::LinuxParameters::tmpfs).unwrap_or_default();
    let tmpfs = in_memory
        .iter()
        .map(|mount| (mount.container_path().to_owned(), from_i32(mount.size())));
    let tmpfs: SmallMap<String, u32> = tmpfs.collect();
    foreign.extend((tmpfs.len() != in_memory.len()).then_some("tmpfs"));
    let credentials = found.repository_credentials();
    let details = Details {
        optional: found.essential() == Some(false),
        entry_point: found.entry_point().to_vec(),
        health_check: found.health_check().map(read_check),
        user: text(found.user()),
        working_directory: text(found.working_directory()),
        init: parameters.and_then(sdk::LinuxParameters::init_process_enabled) == Some(true),
        labels: found.docker_labels().map(ordered).unwrap_or_default(),
        repository_credentials: text(credentials.map(sdk::RepositoryCredentials::credentials_parameter)),
        tmpfs,
        depends_on,
        mounts: volumes::read_mounts(found.mount_points(), foreign),
        extras: extras::read(found, ports, foreign),
    };
    details.kept()
}

/// What is left out has ECS's default: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html>.
fn read_check(found: &sdk::HealthCheck) -> ContainerCheck {
    let number = |number: Option<i32>, default| number.map_or(default, from_i32);
    ContainerCheck {
        command: found.command().to_vec(),
        interval: number(found.interval(), ContainerCheck::INTERVAL),
        timeout: number(found.timeout(), ContainerCheck::TIMEOUT),
        retries: number(found.retries(), ContainerCheck::RETRIES),
        start_period: number(found.start_period(), 0),
    }
}

/// `None` for a condition that AWS has added since.
fn dependency(found: &sdk::ContainerDependency) -> Option<(String, Condition)> {
    let condition = match found.condition().as_str() {
        "START" => Condition::Start,
        "COMPLETE" => Condition::Complete,
        "SUCCESS" => Condition::Success,
        "HEALTHY" => Condition::Healthy,
        _ => return None,
    };
    Some((found.container_name().to_owned(), condition))
}

pub(super) fn write(
    call: Call,
    container: ContainerDefinitionBuilder,
    wanted: &Details,
) -> Result<ContainerDefinitionBuilder> {
    let Details {
        optional: _,
        entry_point,
        health_check,
        user,
        working_directory,
        init,
        labels,
        repository_credentials,
        tmpfs,
        depends_on,
        mounts,
        extras,
    } = wanted;
    let labels = labels.clone().into_iter().collect();
    let mut container = container
        .set_entry_point(unless_empty(entry_point.iter().cloned()))
        .set_user(user.clone())
        .set_working_directory(working_directory.clone())
        .set_mount_points(volumes::write_mounts(mounts))
        .set_docker_labels(
            Some(labels).filter(|labels: &std::collections::HashMap<_, _>| !labels.is_empty()),
        );
    if let Some(check) = health_check {
        let check = write_check(check);
        container = container.health_check(check.map_err(|error| call.bug(error.to_string()))?);
    }
    if let Some(arn) = repository_credentials {
        let credentials = sdk::RepositoryCredentials::builder()
            .credentials_parameter(arn)
            .build();
        container =
            container.repository_credentials(credentials.map_err(|error| call.bug(error.to_string()))?);
    }
    let none = ContainerMembers::none();
    let members = extras.members.as_deref().unwrap_or(&none);
    let has_kernel = members::has_kernel(members);
    if *init || !tmpfs.is_empty() || extras.shared_memory.is_some() || has_kernel {
        let mut parameters = sdk::LinuxParameters::builder()
            .set_init_process_enabled(init.then_some(true))
            .set_shared_memory_size(extras.shared_memory.map(to_i32));
        for (path, size) in tmpfs {
            let mount = sdk::Tmpfs::builder()
                .container_path(path)
                .size(to_i32(*size))
                .set_mount_options(members.tmpfs.get(path).cloned())
                .build();
            parameters = parameters.tmpfs(mount.map_err(|error| call.bug(error.to_string()))?);
        }
        let parameters = members::write_kernel(call, parameters, members)?;
        container = container.linux_parameters(parameters.build());
    }
    for (name, condition) in depends_on {
        let dependency = sdk::ContainerDependency::builder()
            .container_name(name)
            .condition(condition.as_str().into())
            .build();
        container = container.depends_on(dependency.map_err(|error| call.bug(error.to_string()))?);
    }
    extras::write(call, container, extras)
}

/// Sends every number, so that what AWS fills in never differs from what was meant.
fn write_check(check: &ContainerCheck) -> std::result::Result<sdk::HealthCheck, BuildError> {
    let ContainerCheck {
        command,
        interval,
        timeout,
        retries,
        start_period,
    } = check;
    sdk::HealthCheck::builder()
        .set_command(Some(command.clone()))
        .interval(to_i32(*interval))
        .timeout(to_i32(*timeout))
        .retries(to_i32(*retries))
        .set_start_period(Some(to_i32(*start_period)).filter(|seconds| *seconds != 0))
        .build()
}
