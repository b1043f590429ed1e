//! The refusals of RegisterTaskDefinition that are about what few containers have.

use std::collections::BTreeSet;

use empire_controller::aws::Result;
use empire_controller::model::container::Container;
use empire_controller::model::extras::{Extras, Transport};
use empire_controller::model::service::{LaunchType, NetworkMode, TaskDefinition};

use super::super::refuse;

const ROUTER_OPTIONS: [&str; 3] = ["config-file-type", "config-file-value", "enable-ecs-log-metadata"];

/// Refuses what <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html> and the types that
/// it names do not take.
pub(super) fn check(action: &'static str, content: &TaskDefinition) -> Result<()> {
    let refused = |message: &str| refuse(action, "ClientException", message);
    let all = || content.containers().map(|container| &container.details().extras);
    // <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/use-environment-file.html>
    let files: Vec<&String> = all().flat_map(|extras| &extras.environment_files).collect();
    if files.len() > 10 {
        return refused("The maximum number of environment files is 10.");
    }
    if files.iter().any(|file| {
        !file.starts_with("arn:") || !file.contains(":s3:::") || file.strip_suffix(".env").is_none()
    }) {
        return refused("An environment file must be the ARN of an object in S3 with the extension .env.");
    }
    if !files.is_empty() && content.execution_role_arn.is_none() {
        return refused(
            "When you are specifying environment files, you must also specify a value for 'executionRoleArn'.",
        );
    }
    for container in content.containers() {
        check_container(action, content, container)?;
    }
    // <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_FirelensConfiguration.html>
    let mut routers = all().filter_map(|extras| extras.log_router.as_ref());
    let router = routers.next();
    if routers.next().is_some() {
        return refused("Only one container can have firelensConfiguration.");
    }
    if router.is_some_and(|router| {
        router
            .options
            .keys()
            .any(|name| !ROUTER_OPTIONS.contains(&&**name))
    }) {
        return refused("Invalid FireLens option.");
    }
    // <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_firelens.html>
    if router.is_none() && content.containers().any(Container::logs_to_router) {
        return refused(
            "A task definition with log driver awsfirelens must have a container with firelensConfiguration.",
        );
    }
    // <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html>
    let (mut taken, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    for container in content.containers() {
        let main = container.ports.iter();
        let main = main.map(|port| (port.container_port, Transport::Tcp));
        let named = container.details().extras.ports.iter();
        let named = named.map(|(name, port)| {
            let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
            let is_name =
                (1..=64).contains(&name.len()) && name.chars().all(is_part) && !name.starts_with('-');
            (is_name && taken.insert(name.clone())).then_some((port.container_port, port.transport))
        });
        for port in main.map(Some).chain(named) {
            let Some(port) = port else {
                return refused(
                    "The name of a port mapping is invalid, or not unique in the task definition.",
                );
            };
            // Assumed: they share one address.
            if content.network_mode != NetworkMode::Bridge && !numbers.insert(port) {
                return refused(
                    "A container port is mapped twice in a task with network mode awsvpc or host.",
                );
            }
        }
    }
    Ok(())
}

fn check_container(action: &'static str, content: &TaskDefinition, container: &Container) -> Result<()> {
    let refused = |message: &str| refuse(action, "ClientException", message);
    let on_fargate = content.launch_type == LaunchType::Fargate;
    let Extras {
        open_files: _,
        start_timeout,
        restart,
        memory_reservation,
        shared_memory,
        gpus,
        environment_files: _,
        system_controls: _,
        extra_hosts,
        ports: _,
        log_router: _,
        // See members.rs.
        members: _,
    } = &container.details().extras;
    if on_fargate && start_timeout.is_some_and(|seconds| !(2..=120).contains(&seconds)) {
        return refused("The start timeout is 2 to 120 seconds on Fargate.");
    }
    if on_fargate && gpus.is_some() {
        return refused("Fargate does not support GPU.");
    }
    if on_fargate && shared_memory.is_some() {
        return refused("Fargate does not support sharedMemorySize.");
    }
    if let Some(restart) = restart
        && (!(60..=1_800).contains(&restart.attempt_period) || restart.ignored_exit_codes.len() > 50)
    {
        return refused("The restart policy is out of range.");
    }
    if let Some(reservation) = memory_reservation
        && (*reservation < 6 || container.memory != 0 && *reservation >= container.memory)
    {
        return refused(
            "Invalid setting for container. The memory reservation must be less than the memory.",
        );
    }
    if content.network_mode == NetworkMode::Awsvpc && !extra_hosts.is_empty() {
        return refused("Extra hosts are not supported when networkMode=awsvpc.");
    }
    Ok(())
}

/// All texts, with some bytes for each.
pub(super) fn length(extras: &Extras) -> usize {
    let pairs = extras.system_controls.iter().chain(&extras.extra_hosts);
    let pairs = pairs.map(|(name, value)| name.len() + value.len() + 30);
    let words = extras.environment_files.iter().chain(extras.ports.keys());
    pairs.sum::<usize>() + words.map(|word| word.len() + 40).sum::<usize>()
}
