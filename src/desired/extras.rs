//! What few containers have: see [`Extras`].

use std::net::IpAddr;
use std::ops::RangeInclusive;

use super::container::Fields;
use super::{Builder, text};
use crate::api::app;
use crate::error::Error;
use crate::model::container::{Condition, Container};
use crate::model::extras::{Extras, NamedPort, Restart, Transport};
use crate::model::service::{LaunchType, NetworkMode, TaskDefinition};
use crate::model::small_map::SmallMap;

/// Seconds: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html>.
const FARGATE_START_TIMEOUT: u32 = 120;
/// Seconds: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerRestartPolicy.html>.
const ATTEMPT_PERIOD: RangeInclusive<u32> = 60..=1_800;
/// MiB: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html>.
const LEAST_MEMORY: u32 = 6;
/// Of a task: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/use-environment-file.html>.
const ENVIRONMENT_FILES: usize = 10;
/// Characters: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html>.
const PORT_NAME: usize = 64;

impl Builder<'_> {
    pub(super) fn extras(&self, fields: &Fields<'_>) -> Result<Extras, Error> {
        let given = fields.extras;
        let on_fargate = self.launch_type() == LaunchType::Fargate;
        let refused = |field: &str, why: &str| Err(self.invalid(&fields.field(field), why));
        let number = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok());
        let gpus = number(given.gpus).filter(|gpus| *gpus > 0);
        if gpus.is_some() && on_fargate {
            return refused("gpus", "Fargate has none");
        }
        let shared_memory = self.amount(fields, "sharedMemory", given.shared_memory.as_ref(), 1)?;
        if shared_memory.is_some() && on_fargate {
            return refused("sharedMemory", "Fargate takes none");
        }
        let limits = fields.ulimits;
        Ok(Extras {
            open_files: number(limits.and_then(|limits| limits.nofile)),
            start_timeout: self.start_timeout(fields)?,
            restart: given
                .restart
                .as_ref()
                .map(|restart| self.restart(fields, restart))
                .transpose()?,
            memory_reservation: self.amount(
                fields,
                "memoryReservation",
                given.memory_reservation.as_ref(),
                LEAST_MEMORY,
            )?,
            shared_memory,
            gpus,
            environment_files: self.environment_files(fields)?,
            system_controls: self.system_controls(fields)?,
            extra_hosts: self.extra_hosts(fields)?,
            ports: self.named_ports(fields)?,
            log_router: self.log_router(fields)?,
            members: None,
        })
    }

    /// Returns the ulimit `nproc`.
    pub(super) fn process_limit(&self, fields: &Fields<'_>) -> Result<Option<u32>, Error> {
        let limit = fields.ulimits.and_then(|limits| limits.nproc);
        let limit = limit.and_then(|limit| limit.try_into().ok());
        if limit.is_some() && self.launch_type() == LaunchType::Fargate {
            return Err(self.invalid(&fields.field("ulimits.nproc"), "Fargate takes no such limit"));
        }
        Ok(limit)
    }

    fn amount(
        &self,
        fields: &Fields<'_>,
        name: &str,
        given: Option<&String>,
        least: u32,
    ) -> Result<Option<u32>, Error> {
        let Some(given) = given else {
            return Ok(None);
        };
        let amount = text::mebibytes(given).filter(|amount| *amount >= least);
        let why = || format!("{given} is no amount of memory of {least}Mi or more");
        let amount = amount.ok_or_else(|| self.invalid(&fields.field(name), &why()))?;
        Ok(Some(amount))
    }

    fn start_timeout(&self, fields: &Fields<'_>) -> Result<Option<u32>, Error> {
        let Some(given) = &fields.extras.start_timeout else {
            return Ok(None);
        };
        let field = fields.field("startTimeout");
        let seconds = self.seconds(&field, given)?;
        if seconds > FARGATE_START_TIMEOUT && self.launch_type() == LaunchType::Fargate {
            return Err(self.invalid(&field, &format!("Fargate waits {FARGATE_START_TIMEOUT}s at most")));
        }
        Ok(Some(seconds))
    }

    fn restart(&self, fields: &Fields<'_>, given: &app::Restart) -> Result<Restart, Error> {
        let field = fields.field("restart.attemptPeriod");
        let period = given.attempt_period.as_ref();
        let period = period.map(|period| self.seconds(&field, period)).transpose()?;
        let mut codes: Vec<u32> = given
            .ignored_exit_codes
            .iter()
            .filter_map(|code| u32::try_from(*code).ok())
            .collect();
        codes.sort_unstable();
        codes.dedup();
        Ok(Restart {
            attempt_period: self.within(
                &field,
                period.unwrap_or(Restart::ATTEMPT_PERIOD),
                "s",
                ATTEMPT_PERIOD,
            )?,
            ignored_exit_codes: codes,
        })
    }

    fn environment_files(&self, fields: &Fields<'_>) -> Result<Vec<String>, Error> {
        const FIELD: &str = "environmentFiles";
        let files = &fields.extras.environment_files;
        if let Some(file) = files.iter().find(|file| !is_environment_file(file)) {
            let why = format!("{file} is no ARN of an object in S3 that ends with .env");
            return Err(self.invalid(&fields.field(FIELD), &why));
        }
        if !files.is_empty() && self.secrets_reader().is_none() {
            return Err(self.without_reader(&fields.field(FIELD)));
        }
        Ok(files.clone())
    }

    fn system_controls(&self, fields: &Fields<'_>) -> Result<SmallMap<String, String>, Error> {
        let controls = &fields.extras.system_controls;
        let is_one = |name: &str, value: &str| {
            let is_part = |c: char| c.is_ascii_alphanumeric() || "_.-/".contains(c);
            is_namespaced(name) && name.chars().all(is_part) && is_printed(value)
        };
        if let Some((name, _)) = controls.iter().find(|(name, value)| !is_one(name, value)) {
            let why = format!(
                "{name}: is no parameter of a container's own with a value, such as net.core.somaxconn: \"1024\""
            );
            return Err(self.invalid(&fields.field("systemControls"), &why));
        }
        Ok(controls.clone().into())
    }

    /// Docker writes them: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html>.
    fn extra_hosts(&self, fields: &Fields<'_>) -> Result<SmallMap<String, String>, Error> {
        let hosts = &fields.extras.extra_hosts;
        let refused = |why: &str| Err(self.invalid(&fields.field("extraHosts"), why));
        if !hosts.is_empty() && self.network_mode() == NetworkMode::Awsvpc {
            return refused("not with network mode awsvpc, where ECS takes none");
        }
        let is_host = |name: &str, address: &str| {
            let is_part = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            !name.is_empty() && name.chars().all(is_part) && address.parse::<IpAddr>().is_ok()
        };
        if let Some((name, _)) = hosts.iter().find(|(name, address)| !is_host(name, address)) {
            return refused(&format!("{name}: is no name with its IP address"));
        }
        Ok(hosts.clone().into())
    }

    fn named_ports(&self, fields: &Fields<'_>) -> Result<SmallMap<String, NamedPort>, Error> {
        let mut ports = SmallMap::new();
        for (name, port) in fields.ports.into_iter().flatten() {
            let refused = |why: &str| Err(self.invalid(&fields.field(&format!("ports.{name}")), why));
            if !is_port_name(name) {
                return refused(
                    "a name has at most 64 lower case letters, digits, hyphens and underscores, and begins with none of these",
                );
            }
            let Some(container_port) = u16::try_from(port.container_port).ok().filter(|port| *port > 0)
            else {
                return refused("containerPort is no port");
            };
            let transport = match port.protocol {
                None | Some(app::Transport::Tcp) => Transport::Tcp,
                Some(app::Transport::Udp) => Transport::Udp,
            };
            let port = NamedPort {
                container_port,
                transport,
            };
            ports.insert(name.clone(), port);
        }
        Ok(ports)
    }

    /// Checks what the containers of a task have together.
    pub(super) fn check_extras(&self, content: &TaskDefinition) -> Result<(), Error> {
        let mut files = 0;
        let mut names: Vec<&str> = Vec::new();
        let main = content.main.ports.iter();
        let mut taken: Vec<(u16, Transport)> =
            main.map(|port| (port.container_port, Transport::Tcp)).collect();
        for container in content.containers() {
            let extras = &container.details().extras;
            let field = |field: &str| self.container_field(&container.name, field);
            files += extras.environment_files.len();
            if files > ENVIRONMENT_FILES {
                let why = format!("ECS takes {ENVIRONMENT_FILES} files in a task, sidecars included");
                return Err(self.invalid(&field("environmentFiles"), &why));
            }
            let reserved = extras.memory_reservation.unwrap_or(0);
            if container.memory > 0 && reserved >= container.memory {
                let why = format!(
                    "is {reserved} MiB, and must be below the container's hard limit, which is {} MiB",
                    container.memory
                );
                return Err(self.invalid(&field("memoryReservation"), &why));
            }
            for (name, port) in &extras.ports {
                let refused = |why: &str| Err(self.invalid(&field(&format!("ports.{name}")), why));
                if names.contains(&&**name) {
                    return refused("another container of the task has a port of that name");
                }
                names.push(name);
                let number = (port.container_port, port.transport);
                // With one address for the whole task, there is one of each.
                if content.network_mode.is_shared() {
                    if taken.contains(&number) {
                        let mode = content.network_mode.as_str();
                        return refused(&format!(
                            "another container of the task has that port, with network mode {mode}"
                        ));
                    }
                    taken.push(number);
                }
            }
        }
        self.check_reserved(content)?;
        self.check_restarts(content)
    }

    /// A task gets no more memory than it has, and that includes what is reserved.
    fn check_reserved(&self, content: &TaskDefinition) -> Result<(), Error> {
        let reserved = |container: &Container| {
            let extras = &container.details().extras;
            extras.memory_reservation.unwrap_or(container.memory)
        };
        let sum = content.containers().map(reserved).fold(0, u32::saturating_add);
        let has_one = |container: &&Container| container.details().extras.memory_reservation.is_some();
        if let Some(container) = content
            .containers()
            .find(has_one)
            .filter(|_| sum > content.memory())
        {
            let why = format!(
                "the containers reserve {sum} MiB together, more than the {} MiB of the task",
                content.memory()
            );
            return Err(self.invalid(&self.container_field(&container.name, "memoryReservation"), &why));
        }
        Ok(())
    }

    /// One that is started again and again never ends.
    fn check_restarts(&self, content: &TaskDefinition) -> Result<(), Error> {
        for container in content.containers() {
            for (name, condition) in &container.details().depends_on {
                let is_of_end = matches!(condition, Condition::Complete | Condition::Success);
                let other = content.containers().find(|other| other.name == *name);
                let restart = other.and_then(|other| other.details().extras.restart.as_ref());
                if restart.is_some_and(|restart| is_of_end && !restart.ignored_exit_codes.contains(&0)) {
                    let why =
                        format!("{name} has restart, and so does not end: add 0 to its ignoredExitCodes");
                    return Err(self.invalid(&self.container_field(&container.name, "dependsOn"), &why));
                }
            }
        }
        Ok(())
    }
}

/// The parameters of namespaces of its own that a container has:
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_SystemControl.html>.
fn is_namespaced(name: &str) -> bool {
    name.starts_with("net.") || is_of_ipc(name)
}

/// Returns true for those of memory segments, semaphores and message queues.
pub(super) fn is_of_ipc(name: &str) -> bool {
    const IPC: [&str; 8] = [
        "kernel.msgmax",
        "kernel.msgmnb",
        "kernel.msgmni",
        "kernel.sem",
        "kernel.shmall",
        "kernel.shmmax",
        "kernel.shmmni",
        "kernel.shm_rmid_forced",
    ];
    name.starts_with("fs.mqueue.") || IPC.contains(&name)
}

fn is_environment_file(arn: &str) -> bool {
    is_s3_object(arn) && arn.strip_suffix(".env").is_some_and(|rest| !rest.ends_with('/'))
}

/// Returns true for the ARN of an object in S3.
pub(super) fn is_s3_object(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", _, "s3", "", "", object] = parts[..] else {
        return false;
    };
    let object = object.split_once('/');
    object.is_some_and(|(bucket, key)| !bucket.is_empty() && is_printed(key))
}

/// True for text of one line.
pub(super) fn is_printed(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_control)
}

fn is_port_name(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=PORT_NAME).contains(&name.len())
        && name.starts_with(is_part)
        && name.chars().all(|c| is_part(c) || c == '-' || c == '_')
}

#[cfg(test)]
mod tests;
