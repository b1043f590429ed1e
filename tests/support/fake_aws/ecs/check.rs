//! The refusals of RegisterTaskDefinition, CreateService and UpdateService.

use std::collections::BTreeSet;

use empire_controller::aws::Result;
use empire_controller::model::container::{Condition, Container, HostPort};
use empire_controller::model::name::Arn;
use empire_controller::model::service::{
    Attachment, Capacity, LaunchType, NetworkMode, PlacementConstraint, ServiceSettings, TaskDefinition,
};

use super::super::{State, refuse};
use super::{capacity, extras, members, volumes};

const TARGET_GROUPS_PER_SERVICE: usize = 5;
pub(super) const NO_BALANCERS: &str =
    "Health check grace period is only valid for services configured to use load balancers";

/// Refuses what RegisterTaskDefinition refuses.
pub(super) fn check_content(action: &'static str, content: &TaskDefinition) -> Result<()> {
    let refused = |message: String| refuse(action, "ClientException", message);
    let names: BTreeSet<&str> = content.containers().map(|container| &*container.name).collect();
    let count = content.containers().count();
    if names.len() != count {
        return refused("Container names must be unique.".into());
    }
    let is_name = |name: &&str| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        (1..=255).contains(&name.len()) && name.chars().all(is_part)
    };
    if !names.iter().all(is_name) {
        return refused(
            "Container name should consist of 1 to 255 letters, digits, underscores and hyphens.".into(),
        );
    }
    if content.containers().all(|container| container.details().optional) {
        return refused("All containers are marked as non-essential. At least one must be essential.".into());
    }
    // What is no ARN would be the name of a parameter, and found out by the first task that starts:
    // <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Secret.html>.
    let mut secrets = content
        .containers()
        .flat_map(|container| container.secrets.values());
    if let Some(name) = secrets.find(|secret| !secret.starts_with("arn:")) {
        return refused(format!("{name} is no ARN"));
    }
    // Each of ours has a limit of its own, be there one of the task or not.
    if content.main.memory == 0 {
        return refused("Invalid setting for container. At least one of 'memory' or 'memoryReservation' must be specified.".into());
    }
    let size = (content.cpu(), content.memory());
    if content.launch_type == LaunchType::Fargate && !is_fargate_size(size) {
        return refused("No Fargate configuration exists for given values.".into());
    }
    if count > 10 {
        return refused("The maximum number of containers per task definition is 10.".into());
    }
    for container in content.containers() {
        check_container(action, content, container)?;
    }
    volumes::check(action, content)?;
    extras::check(action, content)?;
    members::check(action, content)?;
    // About what the request has; AWS does not document what it counts.
    let length =
        content.containers().map(length).sum::<usize>() + volumes::length(content) + members::length(content);
    if length > 65_536 {
        return refused(format!(
            "Actual length: '{length}'. Max allowed length is '65536' bytes."
        ));
    }
    let has_secrets = |container: &Container| {
        !container.secrets.is_empty() || container.details().repository_credentials.is_some()
    };
    if content.containers().any(has_secrets) && content.execution_role_arn.is_none() {
        let message = "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.";
        return refused(message.into());
    }
    if let Some(size) = content.ephemeral_storage
        && (content.launch_type != LaunchType::Fargate || !(21..=200).contains(&size))
    {
        return refused("Ephemeral storage is 21 to 200 GiB, and supported on Fargate only.".into());
    }
    // <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RuntimePlatform.html> says where it is available.
    if content.architecture.is_some() && content.launch_type == LaunchType::External {
        return refused("A CPU architecture is not supported on external instances.".into());
    }
    if has_circle(content) {
        return refused("The container dependencies have a circle.".into());
    }
    if content.launch_type == LaunchType::ManagedInstances && content.network_mode == NetworkMode::Bridge {
        let message = "Managed Instances do not support network mode bridge.";
        return refuse(action, "ClientException", message);
    }
    Ok(())
}

/// Some rows of <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html>, as many as the
/// tests need: CPU units and MiB.
fn is_fargate_size((cpu, memory): (u32, u32)) -> bool {
    match cpu {
        256 => matches!(memory, 512 | 1_024 | 2_048),
        512 => matches!(memory, 1_024 | 2_048 | 3_072 | 4_096),
        1_024 => (2..=8).any(|gibibytes| memory == gibibytes * 1_024),
        _ => false,
    }
}

/// All texts of a container, with some bytes for each and for the container itself.
fn length(container: &Container) -> usize {
    let details = container.details();
    let logging = container.logging.iter();
    let options = logging.flat_map(|logging| logging.options.iter().chain(&logging.secret_options));
    let check = details.health_check.iter().flat_map(|check| &check.command);
    let words = container.command.iter().chain(&details.entry_point).chain(check);
    let texts = [
        &details.user,
        &details.working_directory,
        &details.repository_credentials,
    ];
    let values = container.environment.0.iter().chain(&container.secrets);
    let values = values.map(|(name, value)| name.len() + value.len() + 20);
    let short = options.chain(&details.labels);
    let short = short.map(|(name, value)| name.len() + value.len() + 6);
    let words = words.chain(texts.into_iter().flatten());
    let words = words.map(|word| word.len() + 3);
    let names = details.tmpfs.keys().chain(details.depends_on.keys());
    let names = names.map(|name| name.len() + 20);
    let mounts = details.mounts.iter();
    let mounts = mounts.map(|(path, mount)| path.len() + mount.volume.len() + 40);
    let all = values.chain(short).chain(words).chain(names).chain(mounts);
    let more = extras::length(&details.extras);
    all.sum::<usize>() + container.name.len() + container.image.len() + more + 20
}

/// Refuses what <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html> and the types that
/// it names do not take.
fn check_container(action: &'static str, content: &TaskDefinition, container: &Container) -> Result<()> {
    const FARGATE_STOP_TIMEOUT: u32 = 120;
    let refused = |message: &str| refuse(action, "ClientException", message);
    let unfinished = container
        .ports
        .iter()
        .any(|port| port.host_port == HostPort::Claimed);
    if container.image.is_empty() || unfinished {
        return refused("Container definition is incomplete.");
    }
    if container.image.chars().count() > 255 {
        return refused("Container.image should be 255 characters or less");
    }
    if (1..6).contains(&container.memory) {
        return refused("Memory is at least 6 MiB.");
    }
    let twice = |name: &&String| container.environment.0.contains_key(*name);
    if let Some(name) = container.secrets.keys().find(twice) {
        return refused(&format!(
            "The secret name must be unique and not shared with any new or existing environment variables set on the \
             container, such as '{name}'."
        ));
    }
    let on_fargate = content.launch_type == LaunchType::Fargate;
    if on_fargate && container.process_limit.is_some() {
        return refused("Fargate does not support the ulimit nproc.");
    }
    if on_fargate
        && container
            .stop_timeout
            .is_some_and(|seconds| seconds > FARGATE_STOP_TIMEOUT)
    {
        return refused("The stop timeout is at most 120 seconds on Fargate.");
    }
    let details = container.details();
    if on_fargate && !details.tmpfs.is_empty() {
        return refused("Fargate does not support tmpfs.");
    }
    if details.tmpfs.values().any(|size| *size == 0) {
        return refused("The size of a tmpfs must be greater than 0.");
    }
    if let Some(check) = &details.health_check {
        let kind = check.command.first().map(String::as_str);
        if !matches!(kind, Some("CMD" | "CMD-SHELL")) || check.command.len() < 2 {
            return refused("The health check command must start with CMD or CMD-SHELL.");
        }
        if !(5..=300).contains(&check.interval)
            || !(2..=60).contains(&check.timeout)
            || !(1..=10).contains(&check.retries)
            || check.start_period > 300
        {
            return refused("The health check is out of range.");
        }
    }
    for (name, condition) in &details.depends_on {
        let other = content.containers().find(|other| other.name == *name);
        let Some(other) = other.map(Container::details) else {
            return refused("A container dependency names no container of the task definition.");
        };
        let is_met = match condition {
            Condition::Start => true,
            Condition::Healthy => other.health_check.is_some(),
            Condition::Complete | Condition::Success => other.optional,
        };
        if !is_met {
            return refused("A container dependency has a condition that the other container cannot meet.");
        }
    }
    Ok(())
}

/// Follows dependencies for longer than there are containers.
fn has_circle(content: &TaskDefinition) -> bool {
    let mut reached: BTreeSet<&str> = content.containers().map(|container| &*container.name).collect();
    for _ in content.containers() {
        let from = content
            .containers()
            .filter(|container| reached.contains(&*container.name));
        reached = from
            .flat_map(|container| {
                let said = container.details().depends_on.keys().map(String::as_str);
                said.chain(container.members().needs())
            })
            .collect();
    }
    !reached.is_empty()
}

/// Refuses a service that CreateService and UpdateService would refuse to make.
pub(super) fn check(
    state: &State,
    action: &'static str,
    capacity: &Capacity,
    settings: &ServiceSettings,
    definition: &Arn,
    attachments: &[Attachment<Arn>],
) -> Result<()> {
    const CODE: &str = "InvalidParameterException";
    let Some(found) = state.ecs.definition(definition) else {
        return refuse(
            action,
            "ClientException",
            format!("Unable to describe task definition {definition}"),
        );
    };
    let content = &found.content;
    let launch_type = capacity::check(action, capacity)?;
    capacity::check_network(action, settings.network.as_ref())?;
    if content.launch_type != launch_type {
        return refuse(action, CODE, "Task definition does not support launch_type.");
    }
    if (content.network_mode == NetworkMode::Awsvpc) != settings.network.is_some() {
        return refuse(
            action,
            CODE,
            "Network Configuration must be provided for awsvpc, and only for it.",
        );
    }
    // <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html>
    if settings.exec == Some(true) && content.task_role_arn.is_none() {
        return refuse(
            action,
            CODE,
            "The service couldn't be changed because a valid taskRoleArn is not being used.",
        );
    }
    let deployment = settings.deployment;
    if deployment.maximum_percent <= 100 && deployment.minimum_healthy_percent >= 100 {
        return refuse(
            action,
            CODE,
            "minimumHealthyPercent and maximumPercent leave no room for a deployment.",
        );
    }
    let first = settings.placement.first().map(|strategy| strategy.field.as_str());
    let zones_first = first.is_none_or(|field| field == "attribute:ecs.availability-zone");
    let to_zones =
        |constraint: &PlacementConstraint| constraint.expression.contains("attribute:ecs.availability-zone");
    if settings.zone_rebalancing
        && (deployment.maximum_percent <= 100
            || !zones_first
            || launch_type == LaunchType::External
            || settings.constraints.iter().any(to_zones))
    {
        return refuse(
            action,
            CODE,
            "Availability zone rebalancing does not support these settings.",
        );
    }
    if !settings.placement.is_empty() && launch_type == LaunchType::ManagedInstances {
        return refuse(
            action,
            CODE,
            "Placement strategies are not supported with Managed Instances.",
        );
    }
    let placed = !settings.placement.is_empty() || !settings.constraints.is_empty();
    if placed && launch_type == LaunchType::Fargate {
        return refuse(
            action,
            CODE,
            "Placement constraints and strategies are not supported with FARGATE launch type.",
        );
    }
    if attachments.is_empty() && settings.grace_period.is_some_and(|seconds| seconds > 0) {
        return refuse(action, CODE, NO_BALANCERS);
    }
    if attachments.len() > TARGET_GROUPS_PER_SERVICE {
        return refuse(action, CODE, "load balancers can have at most 5 items.");
    }
    for attachment in attachments {
        let mut mapped = content.main.ports.iter().map(|port| port.container_port);
        if attachment.container != content.main.name || mapped.all(|port| port != attachment.container_port) {
            return refuse(
                action,
                CODE,
                format!(
                    "The container {} did not have a container port {} defined.",
                    attachment.container, attachment.container_port
                ),
            );
        }
    }
    Ok(())
}

/// A service goes on with what was deregistered, and scales; but nothing is begun with it.
pub(super) fn check_active(state: &State, action: &'static str, definition: &Arn) -> Result<()> {
    match state.ecs.definition(definition) {
        Some(found) if !found.active => refuse(action, "ClientException", "TaskDefinition is inactive"),
        Some(_) | None => Ok(()),
    }
}

/// Refuses target groups that a call must not name.
pub(super) fn check_named(
    state: &State,
    action: &'static str,
    definition: &Arn,
    attachments: &[Attachment<Arn>],
) -> Result<()> {
    const CODE: &str = "InvalidParameterException";
    let mode = state
        .ecs
        .definition(definition)
        .map(|found| found.content.network_mode);
    for Attachment { target_group, .. } in attachments {
        let Some(group) = state.elbv2.target_groups.get(target_group) else {
            return refuse(
                action,
                CODE,
                format!("The target group {target_group} does not exist."),
            );
        };
        if state.elbv2.in_front_of(target_group).is_none() {
            let message = format!(
                "The target group with targetGroupArn {target_group} does not have an associated load balancer."
            );
            return refuse(action, CODE, message);
        }
        let wanted = match mode {
            Some(NetworkMode::Awsvpc) => "ip",
            Some(NetworkMode::Bridge | NetworkMode::Host) | None => "instance",
        };
        if group.settings.target_type.as_str() != wanted {
            let message =
                format!("The provided target group {target_group} is incompatible with the network mode.");
            return refuse(action, CODE, message);
        }
    }
    Ok(())
}
