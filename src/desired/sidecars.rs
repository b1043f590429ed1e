//! The containers beside that of a process, and the order in which a task starts them.

use std::collections::{BTreeMap, BTreeSet};

use super::Builder;
use super::command::Variables;
use super::container::{CONTROLS, Fields, has_controls};
use super::secrets::{NO_SECRET, Names, is_secret};
use super::text;
use crate::api::app::Sidecar;
use crate::error::Error;
use crate::model::container::{Condition, Container, Environment};
use crate::model::service::TaskDefinition;

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html>
const CONTAINERS: usize = 10;
/// CPU units and MiB that the container of a process has at the least: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html>.
const LEAST: (u32, u32) = (2, 6);

impl Builder<'_> {
    /// Returns those of the process and of the Platform, in order of their names.
    pub(super) fn sidecars(&self) -> Result<Vec<Container>, Error> {
        let own = &self.process.sidecars;
        let of_platform = self.platform_sidecars();
        if own.len() + of_platform.map_or(0, BTreeMap::len) >= CONTAINERS {
            return Err(self.invalid(
                "sidecars",
                &format!(
                    "ECS takes {CONTAINERS} containers in a task, the process's own and the Platform's included"
                ),
            ));
        }
        let mut sidecars: BTreeMap<&String, &Sidecar> = own.iter().collect();
        for (name, sidecar) in of_platform.into_iter().flatten() {
            if sidecars.insert(name, sidecar).is_some() {
                let platform = self.platform_name();
                let why = format!("Platform {platform} runs a sidecar of that name in each task");
                return Err(self.invalid(&format!("sidecars.{name}"), &why));
            }
        }
        let sidecars = sidecars.into_iter();
        sidecars
            .map(|(name, sidecar)| self.sidecar(name, sidecar))
            .collect()
    }

    /// Returns the containers that the Platform has in each task.
    fn platform_sidecars(&self) -> Option<&BTreeMap<String, Sidecar>> {
        let tasks = self.platform.spec.tasks.as_ref()?;
        Some(&tasks.sidecars)
    }

    fn sidecar(&self, name: &str, sidecar: &Sidecar) -> Result<Container, Error> {
        let field = |field: &str| self.container_field(name, field);
        let is_own = self.process.sidecars.contains_key(name);
        // Of a Platform's, the names are still there.
        let sidecar = &*Names::at(self.platform, self.secrets).resolve_sidecar(sidecar);
        if !text::is_name(name) {
            return Err(self.invalid(&self.sidecar_path(name), text::NO_NAME));
        }
        if name == self.name {
            return Err(self.invalid(
                &self.sidecar_path(name),
                "has the name of the process's own container",
            ));
        }
        if !is_own && !sidecar.mounts.is_empty() {
            return Err(self.invalid(&field("mounts"), "a Platform has no volumes"));
        }
        let memory = match &sidecar.memory {
            None => 0,
            Some(given) => text::mebibytes(given)
                .filter(|memory| *memory >= LEAST.1)
                .ok_or_else(|| {
                    self.invalid(
                        &field("memory"),
                        &format!("{given} is no amount of memory of 6Mi or more"),
                    )
                })?,
        };
        self.check_variables(name, sidecar)?;
        let line = sidecar.command.as_ref();
        if line.is_some_and(|line| has_controls(line)) {
            return Err(self.invalid(&field("command"), CONTROLS));
        }
        let environment = Environment(if is_own {
            sidecar.env.clone().into()
        } else {
            self.named(&sidecar.env)
        });
        let secrets = sidecar.secrets.clone().into();
        let variables = Variables {
            environment: &environment,
            secrets: &secrets,
        };
        let fields = Fields::of_sidecar(field(""), sidecar, variables);
        Ok(Container {
            name: name.into(),
            image: sidecar.image.clone(),
            command: self.line(
                &fields.prefix,
                line,
                &sidecar.args,
                &sidecar.entry_point,
                Some(variables),
            )?,
            details: self.details(&fields)?,
            process_limit: self.process_limit(&fields)?,
            logging: self.logging(&fields)?,
            cpu: sidecar.cpu.and_then(|cpu| cpu.try_into().ok()).unwrap_or(0),
            memory,
            environment,
            secrets,
            stop_timeout: self.stop_timeout(&field("stopTimeout"), sidecar.stop_timeout.as_ref())?,
            read_only_root_filesystem: sidecar.read_only_root_filesystem == Some(true),
            ports: Vec::new(),
        })
    }

    fn check_variables(&self, name: &str, sidecar: &Sidecar) -> Result<(), Error> {
        let Sidecar { env, secrets, .. } = sidecar;
        for (field, variables) in [("env", env), ("secrets", secrets)] {
            if let Some(variable) = variables.keys().find(|variable| !text::is_variable(variable)) {
                return Err(self.invalid(
                    &self.container_field(name, field),
                    &format!("{variable}: {}", text::NO_VARIABLE),
                ));
            }
        }
        let field = self.container_field(name, "secrets");
        if let Some(variable) = secrets.keys().find(|variable| env.contains_key(*variable)) {
            return Err(self.invalid(&field, &format!("{variable} is also in env")));
        }
        if let Some((variable, _)) = secrets.iter().find(|(_, text)| !is_secret(text)) {
            return Err(self.invalid(&field, &format!("{variable}: {NO_SECRET}")));
        }
        if !secrets.is_empty() && self.secrets_reader().is_none() {
            return Err(self.without_reader(&field));
        }
        Ok(())
    }

    /// Returns what sidecars leave of a task's CPU units and MiB: the container of the process has all of it, so that a task is
    /// as large with sidecars as without.
    pub(super) fn rest(
        &self,
        (cpu, memory): (u32, u32),
        sidecars: &[Container],
    ) -> Result<(u32, u32), Error> {
        let left = |field: &str, whole: u32, unit: &str, of: fn(&Container) -> u32, least: u32| {
            let taken = sidecars.iter().map(of).fold(0, u32::saturating_add);
            let left = whole.saturating_sub(taken);
            if taken == 0 || left >= least {
                return Ok(left);
            }
            Err(self.invalid(
                field,
                &format!(
                    "sidecars take {taken} of the {whole} {unit} of a task, and the process's own container needs {least} at least"
                ),
            ))
        };
        let cpu = left("cpu", cpu, "CPU units", |sidecar| sidecar.cpu, LEAST.0)?;
        let memory = left("memory", memory, "MiB", |sidecar| sidecar.memory, LEAST.1)?;
        Ok((cpu, memory))
    }

    /// Checks that a task can start all its containers:
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html>.
    pub(super) fn check_order(&self, content: &TaskDefinition) -> Result<(), Error> {
        for container in content.containers() {
            for (name, condition) in &container.details().depends_on {
                let refused =
                    |why: &str| Err(self.invalid(&self.order_field(container), &format!("{name} {why}")));
                let Some(other) = content.containers().find(|other| other.name == *name) else {
                    return refused("is no container of the process's tasks");
                };
                let other = other.details();
                match condition {
                    Condition::Healthy if other.health_check.is_none() => {
                        return refused("has no healthCheck, so that it is never HEALTHY");
                    }
                    Condition::Complete | Condition::Success if !other.optional => {
                        return refused(&format!(
                            "is essential, and a task ends with it: {} is for essential: false",
                            condition.as_str()
                        ));
                    }
                    Condition::Complete | Condition::Success if other.extras.log_router.is_some() => {
                        return refused("is a log router, which goes on running: START or HEALTHY");
                    }
                    Condition::Start | Condition::Healthy | Condition::Complete | Condition::Success => {}
                }
            }
        }
        self.check_circles(content)
    }

    /// Starts one container after the other, as far as that goes.
    fn check_circles(&self, content: &TaskDefinition) -> Result<(), Error> {
        let mut started = BTreeSet::new();
        let mut waiting: Vec<&Container> = content.containers().collect();
        loop {
            let before = waiting.len();
            waiting.retain(|container| {
                let mut needed = content.needed_by(container);
                let starts = needed.all(|(name, _)| started.contains(name));
                if starts {
                    started.insert(container.name.clone());
                }
                !starts
            });
            let Some(first) = waiting.first() else {
                return Ok(());
            };
            if waiting.len() == before {
                let names: Vec<&str> = waiting.iter().map(|container| &*container.name).collect();
                let is_by_override = first.details().depends_on.is_empty() && !first.logs_to_router();
                let field = if is_by_override {
                    format!("overrides[{}].set", first.name)
                } else {
                    self.order_field(first)
                };
                return Err(self.invalid(
                    &field,
                    &format!(
                        "none of {} can start, since they wait for each other",
                        names.join(", ")
                    ),
                ));
            }
        }
    }

    fn order_field(&self, container: &Container) -> String {
        self.container_field(&container.name, "dependsOn")
    }

    /// Returns the path of a field of the container of that name.
    pub(super) fn container_field(&self, name: &str, field: &str) -> String {
        if name == self.name && !self.process.sidecars.contains_key(name) {
            return field.into();
        }
        format!("{}.{field}", self.sidecar_path(name))
    }

    /// Returns where a sidecar is said: in the process, or in the Platform.
    fn sidecar_path(&self, name: &str) -> String {
        if self.process.sidecars.contains_key(name) {
            return format!("sidecars.{name}");
        }
        format!("Platform {}: tasks.sidecars.{name}", self.platform_name())
    }
}

#[cfg(test)]
mod tests;
