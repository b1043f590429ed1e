//! Task definitions.

use std::fmt;

use super::Reply;
use crate::model::container::{Container, ContainerCheck, Details};
use crate::model::counted;
use crate::model::extras::{Extras, LogRouter, NamedPort, Restart};
use crate::model::members::Flag;
use crate::model::owner::Tags;
use crate::model::service::TaskDefinition;
use crate::model::state::{Observed, TaskDefinitionState};
use crate::model::volume::{DockerVolume, FileSystem, Mount, Volume};

/// Registers a revision; there is no other write of one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Registration {
    pub content: TaskDefinition,
    pub tags: Tags,
}

#[expect(clippy::unused_self, reason = "asked of every noun")]
impl Registration {
    pub(super) fn operation(&self) -> &'static str {
        "ecs:RegisterTaskDefinition"
    }

    pub(super) fn resource(&self) -> String {
        self.content.family.clone()
    }
}

impl Registration {
    /// Returns true if a container of it is, which IAM can tell.
    pub(super) fn is_privileged(&self) -> bool {
        let mut containers = self.content.containers();
        containers.any(|container| container.members().flags.contains(&Flag::Privileged))
    }

    /// The content that was sent counts as registered: a reply in other words would be registered again and again.
    pub(super) fn fold(&self, observed: &mut Observed, reply: Reply) {
        if let Reply::TaskDefinition(state) = reply {
            let state = TaskDefinitionState {
                content: self.content.clone(),
                tags: self.tags.clone(),
                ..state
            };
            observed.task_definitions.insert(state.arn.clone(), state);
        }
    }
}

impl fmt::Display for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (family, content) = (&self.content.family, Content(&self.content));
        write!(f, "register task definition {family} with {content}")
    }
}

/// A task definition in a few words, without the values of its variables.
pub(super) struct Content<'a>(pub &'a TaskDefinition);

impl fmt::Display for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TaskDefinition {
            main,
            sidecars,
            task_role_arn,
            ephemeral_storage,
            architecture,
            volumes,
            members,
            ..
        } = self.0;
        write!(f, "{} ({} CPU units, {} MiB", main.image, main.cpu, main.memory)?;
        for port in &main.ports {
            write!(f, ", port {}", port.container_port)?;
            if let Some(host) = port.fixed_host_port() {
                write!(f, " on host port {host}")?;
            }
        }
        write!(f, ", {} variables", main.environment.0.len())?;
        if !main.secrets.is_empty() {
            write!(f, ", {}", number(main.secrets.len(), "secret"))?;
        }
        if let Some(role) = task_role_arn {
            write!(f, ", role {role}")?;
        }
        write_limits(f, main)?;
        if let Some(size) = ephemeral_storage {
            write!(f, ", ephemeral storage {size} GiB")?;
        }
        if let Some(architecture) = architecture {
            write!(f, ", {}", architecture.as_str().to_lowercase())?;
        }
        for (name, volume) in volumes {
            write!(f, ", volume {name}")?;
            write_volume(f, volume)?;
        }
        write_members(f, members.iter().flat_map(|members| members.texts()))?;
        write_details(f, main.details())?;
        f.write_str(")")?;
        for sidecar in sidecars {
            let Container {
                name,
                image,
                cpu,
                memory,
                ..
            } = sidecar;
            write!(f, ", sidecar {name} {image} ({cpu} CPU units, ")?;
            match memory {
                0 => f.write_str("memory of the task")?,
                memory => write!(f, "{memory} MiB")?,
            }
            write!(f, ", {}", number(sidecar.environment.0.len(), "variable"))?;
            if !sidecar.secrets.is_empty() {
                write!(f, ", {}", number(sidecar.secrets.len(), "secret"))?;
            }
            write_limits(f, sidecar)?;
            write_details(f, sidecar.details())?;
            f.write_str(")")?;
        }
        Ok(())
    }
}

fn number(count: usize, noun: &str) -> String {
    counted(u64::try_from(count).unwrap_or(u64::MAX), noun)
}

fn write_volume(f: &mut fmt::Formatter<'_>, volume: &Volume) -> fmt::Result {
    let FileSystem {
        id,
        directory,
        access_point,
        iam,
    } = match volume {
        Volume::Scratch => return Ok(()),
        Volume::FileSystem(file_system) => file_system,
        Volume::Host(path) => return write!(f, " of the instance's {path}"),
        Volume::Docker(volume) => return write_docker_volume(f, volume),
    };
    write!(f, " of {id}")?;
    if let Some(directory) = directory {
        write!(f, " {directory}")?;
    }
    if let Some(access_point) = access_point {
        write!(f, " by {access_point}")?;
    }
    if *iam {
        f.write_str(" with the task's role")?;
    }
    Ok(())
}

/// Shows what is mounted, and of other options the name: a value may say more than it should.
fn write_docker_volume(f: &mut fmt::Formatter<'_>, volume: &DockerVolume) -> fmt::Result {
    let DockerVolume {
        shared,
        autoprovision,
        driver: _,
        options,
        labels,
    } = volume;
    write!(f, " of Docker's driver {}", volume.driver_name())?;
    for (option, value) in options {
        if DockerVolume::MOUNTS.contains(&option.as_str()) {
            write!(f, " {option}={value}")?;
        } else {
            write!(f, " {option}")?;
        }
    }
    if *shared {
        f.write_str(", shared")?;
    }
    if *autoprovision == Some(true) {
        f.write_str(", made where it is missing")?;
    }
    if !labels.is_empty() {
        write!(f, ", {}", number(labels.len(), "label"))?;
    }
    Ok(())
}

fn write_limits(f: &mut fmt::Formatter<'_>, container: &Container) -> fmt::Result {
    if let Some(limit) = container.process_limit {
        write!(f, ", nproc {limit}")?;
    }
    if let Some(seconds) = container.stop_timeout {
        write!(f, ", stop timeout {seconds} s")?;
    }
    if container.logs_to_router() {
        f.write_str(", logs to the log router")?;
    } else if let Some(logging) = &container.logging {
        write!(f, ", logs to {}", logging.driver)?;
        if let Some(group) = logging.group() {
            write!(f, " {group}")?;
        }
    }
    if container.read_only_root_filesystem {
        f.write_str(", read-only root filesystem")?;
    }
    Ok(())
}

fn write_details(f: &mut fmt::Formatter<'_>, details: &Details) -> fmt::Result {
    let Details {
        optional,
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
    } = details;
    if *optional {
        f.write_str(", not essential")?;
    }
    if !entry_point.is_empty() {
        f.write_str(", entry point")?;
    }
    if let Some(check) = health_check {
        let ContainerCheck {
            command: _,
            interval,
            timeout,
            retries,
            start_period,
        } = check;
        write!(
            f,
            ", health check every {interval} s, timeout {timeout} s, {retries} unhealthy"
        )?;
        if *start_period > 0 {
            write!(f, ", start period {start_period} s")?;
        }
    }
    if let Some(user) = user {
        write!(f, ", user {user}")?;
    }
    if let Some(directory) = working_directory {
        write!(f, ", working directory {directory}")?;
    }
    if *init {
        f.write_str(", init")?;
    }
    if !labels.is_empty() {
        write!(f, ", {}", number(labels.len(), "label"))?;
    }
    if repository_credentials.is_some() {
        f.write_str(", repository credentials")?;
    }
    for (path, size) in tmpfs {
        write!(f, ", tmpfs {path} {size} MiB")?;
    }
    for (path, Mount { volume, read_only }) in mounts {
        write!(f, ", {volume} at {path}")?;
        if *read_only {
            f.write_str(" read-only")?;
        }
    }
    for (name, condition) in depends_on {
        write!(f, ", after {name} {}", condition.as_str())?;
    }
    write_extras(f, extras)
}

fn write_extras(f: &mut fmt::Formatter<'_>, extras: &Extras) -> fmt::Result {
    let Extras {
        open_files,
        start_timeout,
        restart,
        memory_reservation,
        shared_memory,
        gpus,
        environment_files,
        system_controls,
        extra_hosts,
        ports,
        log_router,
        members,
    } = extras;
    if let Some(limit) = open_files {
        write!(f, ", nofile {limit}")?;
    }
    if let Some(seconds) = start_timeout {
        write!(f, ", start timeout {seconds} s")?;
    }
    if let Some(Restart {
        attempt_period,
        ignored_exit_codes,
    }) = restart
    {
        write!(f, ", restarted if it ran for {attempt_period} s")?;
        for code in ignored_exit_codes {
            write!(f, ", not after exit code {code}")?;
        }
    }
    if let Some(mebibytes) = memory_reservation {
        write!(f, ", memory reservation {mebibytes} MiB")?;
    }
    if let Some(mebibytes) = shared_memory {
        write!(f, ", shared memory {mebibytes} MiB")?;
    }
    if let Some(gpus) = gpus {
        write!(f, ", {}", counted(u64::from(*gpus), "GPU"))?;
    }
    for file in environment_files {
        write!(f, ", variables of {file}")?;
    }
    for (name, value) in system_controls {
        write!(f, ", {name}={value}")?;
    }
    for (name, address) in extra_hosts {
        write!(f, ", host {name} {address}")?;
    }
    for (name, port) in ports {
        let NamedPort {
            container_port,
            transport,
        } = port;
        write!(f, ", port {name} {container_port}/{}", transport.as_str())?;
    }
    if let Some(LogRouter { kind, options }) = log_router {
        write!(f, ", log router {}", kind.as_str())?;
        for (name, value) in options {
            write!(f, ", {name} {value}")?;
        }
    }
    write_members(f, members.iter().flat_map(|members| members.texts()))
}

/// By AWS's names.
fn write_members(
    f: &mut fmt::Formatter<'_>,
    members: impl Iterator<Item = (&'static str, Vec<String>)>,
) -> fmt::Result {
    for (name, texts) in members {
        let texts: Vec<&str> = texts
            .iter()
            .map(String::as_str)
            .filter(|text| !text.is_empty())
            .collect();
        write!(f, ", {name}={}", texts.join(" "))?;
    }
    Ok(())
}
