//! The task definition of a process.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::command::Variables;
use super::container::Fields;
use super::secrets::{NO_SECRET, is_secret};
use super::{Builder, Overridden, text};
use crate::api::app::{App, Process};
use crate::error::Error;
use crate::model::container::{Container, Environment};
use crate::model::service::{LaunchType, TaskDefinition};
use crate::model::small_map::SmallMap;

const DEFAULT_CPU: u32 = 256;
pub(super) const DEFAULT_MEMORY: u32 = 512;
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html>
const FARGATE_STOP_TIMEOUT: u32 = 120;
/// CPU units of a task: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html>.
const MANAGED_CPU: RangeInclusive<u32> = 128..=196_608;

/// Returns the CPU units of one task.
pub(super) fn cpu(process: &Process) -> u32 {
    let cpu = process.cpu.and_then(|cpu| cpu.try_into().ok());
    cpu.unwrap_or(DEFAULT_CPU)
}

/// Returns the MiB of one task, or a text that is no amount of memory.
pub(super) fn memory(process: &Process) -> Result<u32, &str> {
    let memory = process.memory.as_deref();
    memory.map_or(Ok(DEFAULT_MEMORY), |memory| text::mebibytes(memory).ok_or(memory))
}

impl Builder<'_> {
    /// Returns the task definition, and what overrides change in it.
    pub(super) fn task_definition(
        &self,
        container_ports: &[u16],
    ) -> Result<(TaskDefinition, Vec<Overridden>), Error> {
        let plain = self.plain_task_definition(container_ports)?;
        if self.process.overrides.is_empty() {
            self.check_content(&plain)?;
            return Ok((plain, Vec::new()));
        }
        let content = self.overridden(&plain)?;
        self.check_content(&content)?;
        self.check_overridden(&content)?;
        let overridden = self.differences(&plain, &content);
        Ok((content, overridden))
    }

    fn check_content(&self, content: &TaskDefinition) -> Result<(), Error> {
        self.check_order(content)?;
        self.check_extras(content)?;
        self.check_log_router(content)?;
        self.check_task_definition(content)
    }

    fn plain_task_definition(&self, container_ports: &[u16]) -> Result<TaskDefinition, Error> {
        let sidecars = self.sidecars()?;
        let (cpu, memory) = self.rest(self.size()?, &sidecars)?;
        let (environment, secrets) = self.variables(container_ports.first())?;
        let variables = Variables {
            environment: &environment,
            secrets: &secrets,
        };
        let tasks = self.platform.spec.tasks.as_ref();
        let process = self.process;
        let fields = Fields::of_process(process, variables);
        Ok(TaskDefinition {
            family: self.family(),
            network_mode: self.network_mode(),
            launch_type: self.launch_type(),
            execution_role_arn: tasks.and_then(|tasks| tasks.execution_role_arn.clone()),
            task_role_arn: self.app.spec.task_role_arn.clone(),
            ephemeral_storage: self.ephemeral_storage()?,
            architecture: self.architecture()?,
            volumes: self.volumes()?,
            members: None,
            main: Container {
                name: self.name.into(),
                image: process.image.as_ref().unwrap_or(&self.app.spec.image).clone(),
                command: self.command(variables)?,
                details: self.details(&fields)?,
                process_limit: self.process_limit(&fields)?,
                logging: self.logging(&fields)?,
                cpu,
                memory,
                environment,
                secrets,
                stop_timeout: self.stop_timeout("stopTimeout", process.stop_timeout.as_ref())?,
                read_only_root_filesystem: process.read_only_root_filesystem.unwrap_or(false),
                ports: self.port_mappings(container_ports),
            },
            sidecars,
        })
    }

    /// Returns the role by which ECS reads secrets.
    pub(super) fn secrets_reader(&self) -> Option<&String> {
        let tasks = self.platform.spec.tasks.as_ref()?;
        tasks.execution_role_arn.as_ref()
    }

    /// CPU units and MiB.
    fn size(&self) -> Result<(u32, u32), Error> {
        let cpu = cpu(self.process);
        let memory = memory(self.process)
            .map_err(|memory| self.invalid("memory", &format!("{memory} is no amount of memory")))?;
        if self.is_on_fargate() && !is_fargate_size(cpu, memory) {
            return Err(self.invalid(
                "cpu and memory",
                &format!("Fargate has no size of {cpu} CPU units with {memory} MiB; see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html"),
            ));
        }
        if self.launch_type() == LaunchType::ManagedInstances && !MANAGED_CPU.contains(&cpu) {
            return Err(self.invalid(
                "cpu",
                &format!("{cpu} CPU units are not within the 128 to 196,608 of a task on Managed Instances"),
            ));
        }
        Ok((cpu, memory))
    }

    /// Environment variables with values, and those whose values are secret. A process's own name hides the App's, be it
    /// a value or a secret; ours hide both. Nothing of ours changes without the content changing: it would roll every
    /// task for nothing.
    fn variables(&self, port: Option<&u16>) -> Result<(Environment, SmallMap<String, String>), Error> {
        let App { spec: app, .. } = self.app;
        let process: &Process = self.process;
        let name = &self.owner.app.name;
        let mut ours = BTreeMap::from([
            ("EMPIRE_APPNAME".into(), name.to_string()),
            ("EMPIRE_PROCESS".into(), self.name.into()),
            ("SOURCE".into(), format!("{name}.{}", self.name)),
        ]);
        ours.extend(port.map(|port| ("PORT".into(), port.to_string())));

        let (mut values, mut secrets) = (BTreeMap::new(), BTreeMap::new());
        let none = BTreeMap::new();
        for (level_values, level_secrets) in [
            (&app.env, &app.secrets),
            (&process.env, &process.secrets),
            (&ours, &none),
        ] {
            if let Some(name) = level_secrets.keys().find(|name| level_values.contains_key(*name)) {
                return Err(self.invalid("secrets", &format!("{name} is also in env")));
            }
            secrets.retain(|name, _| !level_values.contains_key(name));
            values.retain(|name, _| !level_secrets.contains_key(name));
            values.extend(level_values.clone());
            secrets.extend(level_secrets.clone());
        }
        if let Some((name, _)) = secrets.iter().find(|(_, arn)| !is_secret(arn)) {
            return Err(self.invalid("secrets", &format!("{name}: {NO_SECRET}")));
        }
        if self.secrets_reader().is_none() && !secrets.is_empty() {
            return Err(self.without_reader("secrets"));
        }
        Ok((Environment(values.into()), secrets.into()))
    }

    pub(super) fn without_reader(&self, field: &str) -> Error {
        let platform = self.platform_name();
        self.invalid(
            field,
            &format!(
                "Platform {platform} has no tasks.executionRoleArn, the role by which ECS would read them"
            ),
        )
    }

    pub(super) fn stop_timeout(&self, field: &str, given: Option<&String>) -> Result<Option<u32>, Error> {
        let Some(timeout) = given else {
            return Ok(None);
        };
        let seconds = self.seconds(field, timeout)?;
        if seconds > FARGATE_STOP_TIMEOUT && self.is_on_fargate() {
            return Err(self.invalid(field, &format!("Fargate waits {FARGATE_STOP_TIMEOUT}s at most")));
        }
        Ok(Some(seconds))
    }

    fn is_on_fargate(&self) -> bool {
        self.launch_type() == LaunchType::Fargate
    }
}

/// Returns false for a size that Fargate lacks. One beyond the largest here is AWS's to judge, which has added larger ones before:
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html>.
pub(super) fn is_fargate_size(cpu: u32, memory: u32) -> bool {
    const GIB: u32 = 1_024;
    const LARGEST: (u32, u32) = (16_384, 120 * GIB);
    if cpu > LARGEST.0 || cpu == LARGEST.0 && memory > LARGEST.1 {
        return true;
    }
    let (first, last, step) = match cpu {
        256 => return [512, GIB, 2 * GIB].contains(&memory),
        512 => (GIB, 4 * GIB, GIB),
        1_024 => (2 * GIB, 8 * GIB, GIB),
        2_048 => (4 * GIB, 16 * GIB, GIB),
        4_096 => (8 * GIB, 30 * GIB, GIB),
        8_192 => (16 * GIB, 60 * GIB, 4 * GIB),
        16_384 => (32 * GIB, 120 * GIB, 8 * GIB),
        _ => return false,
    };
    (first..=last).contains(&memory) && (memory - first).is_multiple_of(step)
}

#[cfg(test)]
mod tests;
