//! What a process overrides in its task definition.
//!
//! Overrides are put into the content that all other fields come to. Each text is judged where it is put in; what ECS does not take
//! together is judged by the result, since that is what is sent. Tenancy asks of the result, too: of what differs by an override.

mod check;
mod container;

use std::collections::BTreeSet;

use super::Builder;
use super::container::is_path;
use super::extras::is_printed;
use super::text;
use crate::api::app::{
    self, ContainerMembers, DockerVolumeScope, IpcMode, Members, NO_CONTAINER, NO_TASK, Override, PidMode,
    Removed, TASK_DEFINITION, TaskMembers, VolumeMembers,
};
use crate::error::Error;
use crate::model::container::Container;
use crate::model::members::{Namespace, PLACEMENT_CONSTRAINTS, TMPFS, ULIMITS};
use crate::model::service::TaskDefinition;
use crate::model::volume::{DockerVolume, Volume};

const LOG_CONFIGURATION: &str = "logConfiguration";
const DOCKER_VOLUME: &str = "volumes.dockerVolumeConfiguration";
const HOST_VOLUME: &str = "volumes.host";

/// A member of what is sent that is not as it would be without an override.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overridden {
    pub process: String,
    /// As the override says it: a container, or the task definition.
    pub target: String,
    /// As RegisterTaskDefinition has it.
    pub path: String,
}

impl Builder<'_> {
    /// Returns a content as its overrides make it.
    pub(super) fn overridden(&self, content: &TaskDefinition) -> Result<TaskDefinition, Error> {
        let mut changed = content.clone();
        let mut seen = BTreeSet::new();
        for given in &self.process.overrides {
            let Override { on, set, remove } = given;
            let none = Members::default();
            let Members { container, task } = set.as_ref().unwrap_or(&none);
            let field = format!("overrides[{on}]");
            if !seen.insert(on) {
                return Err(self.invalid(&field, "is there twice"));
            }
            if on == TASK_DEFINITION {
                if *container != ContainerMembers::default() || !remove.is_empty() {
                    return Err(self.invalid(&field, NO_CONTAINER));
                }
                self.override_task(&mut changed, task)?;
                continue;
            }
            if *task != TaskMembers::default() {
                return Err(self.invalid(&field, NO_TASK));
            }
            let Some(target) = self.own_container(&mut changed, on) else {
                return Err(self.invalid(&field, &self.no_container(content, on)));
            };
            self.override_container(target, container)?;
            if remove.contains(&Removed::LogConfiguration) {
                if self.said(on).is_some() {
                    let why = format!("{LOG_CONFIGURATION} is that of its logging: leave that out");
                    return Err(self.invalid(&format!("{field}.remove"), &why));
                }
                target.logging = None;
            }
        }
        Ok(changed)
    }

    /// Returns a container of the process, and none of the Platform's.
    fn own_container<'c>(&self, content: &'c mut TaskDefinition, name: &str) -> Option<&'c mut Container> {
        if !self.is_own(name) {
            return None;
        }
        let TaskDefinition { main, sidecars, .. } = content;
        let mut all = std::iter::once(main).chain(sidecars);
        all.find(|container| container.name == name)
    }

    /// Returns true for the name of a container that the process itself has.
    fn is_own(&self, name: &str) -> bool {
        name == self.name || self.process.sidecars.contains_key(name)
    }

    fn no_container(&self, content: &TaskDefinition, name: &str) -> String {
        if content.containers().any(|container| container.name == name) {
            let platform = self.platform_name();
            return format!("is a sidecar of Platform {platform}, which no App changes");
        }
        let sidecars = self.process.sidecars.keys().map(|name| format!("{name}, "));
        format!(
            "is no container of the process: there are {}, {}and {TASK_DEFINITION} for the task definition",
            self.name,
            sidecars.collect::<String>()
        )
    }

    fn override_task(&self, content: &mut TaskDefinition, given: &TaskMembers) -> Result<(), Error> {
        let TaskMembers {
            enable_fault_injection,
            ipc_mode,
            pid_mode,
            placement_constraints,
            volumes,
        } = given;
        let expressions = placement_constraints.iter();
        let expressions: Vec<String> = expressions
            .map(|constraint| constraint.expression.clone())
            .collect();
        if !expressions.iter().all(|expression| is_printed(expression)) {
            let why = "has an expression that is empty or has control characters";
            return Err(self.invalid(&task_field(PLACEMENT_CONSTRAINTS), why));
        }
        let members = crate::model::members::TaskMembers {
            pid_mode: pid_mode.map(|mode| match mode {
                PidMode::Host => Namespace::Host,
                PidMode::Task => Namespace::Task,
            }),
            ipc_mode: ipc_mode.map(|mode| match mode {
                IpcMode::Host => Namespace::Host,
                IpcMode::None => Namespace::None,
                IpcMode::Task => Namespace::Task,
            }),
            fault_injection: *enable_fault_injection == Some(true),
            placement_constraints: expressions,
        };
        content.members = members.kept();
        let mut seen = BTreeSet::new();
        for given in volumes {
            let name = &given.name;
            let field = task_field(&format!("volumes[{name}]"));
            if !seen.insert(name) {
                return Err(self.invalid(&field, "is there twice"));
            }
            match content.volumes.get_mut(name) {
                Some(volume @ Volume::Scratch) => {
                    if let Some(other) = self.volume(&field, given)? {
                        *volume = other;
                    }
                }
                Some(_) => return Err(self.invalid(&field, "is a file system by the process's volumes")),
                None => return Err(self.invalid(&field, "is none of the process's volumes")),
            }
        }
        Ok(())
    }

    /// Returns the kind of a volume. `None`: an empty one, as it is by itself.
    fn volume(&self, field: &str, given: &VolumeMembers) -> Result<Option<Volume>, Error> {
        let VolumeMembers {
            name: _,
            host,
            docker_volume_configuration: docker,
        } = given;
        let path = host.as_ref().and_then(|host| host.source_path.as_ref());
        let Some(docker) = docker else {
            // A `:` is where Docker ends the path.
            if path.is_some_and(|path| !is_path(path) || path.contains(text::COLON)) {
                let why = "is no absolute path, or has a : in it";
                return Err(self.invalid(&format!("{field}.host.sourcePath"), why));
            }
            return Ok(path.map(|path| Volume::Host(path.clone())));
        };
        if host.is_some() {
            return Err(self.invalid(field, "host or dockerVolumeConfiguration, not both"));
        }
        let app::DockerVolume {
            scope,
            autoprovision,
            driver,
            driver_opts,
            labels,
        } = docker;
        let refused = |name: &str, why: &str| {
            Err(self.invalid(&format!("{field}.dockerVolumeConfiguration.{name}"), why))
        };
        let shared = *scope == Some(DockerVolumeScope::Shared);
        if autoprovision.is_some() && !shared {
            return refused("autoprovision", "is for scope shared");
        }
        if driver.as_ref().is_some_and(|driver| !is_printed(driver)) {
            return refused("driver", "is empty or has control characters");
        }
        for (name, texts) in [("driverOpts", driver_opts), ("labels", labels)] {
            if texts
                .iter()
                .any(|(key, value)| !is_printed(key) || value.contains(char::is_control))
            {
                return refused(name, "has a name that is empty, or control characters");
            }
        }
        Ok(Some(Volume::Docker(Box::new(DockerVolume {
            shared,
            autoprovision: *autoprovision,
            driver: driver.clone(),
            options: driver_opts.clone().into(),
            labels: labels.clone().into(),
        }))))
    }

    /// Returns what differs between a content and what its overrides made of it.
    pub(super) fn differences(&self, before: &TaskDefinition, after: &TaskDefinition) -> Vec<Overridden> {
        let mut found = Vec::new();
        let mut add = |on: &str, path: String| {
            found.push(Overridden {
                process: self.name.into(),
                target: on.into(),
                path,
            });
        };
        for (before, after) in before.containers().zip(after.containers()) {
            for member in differing(before, after) {
                add(&after.name, format!("containerDefinitions.{member}"));
            }
        }
        let texts = (before.members().texts(), after.members().texts());
        for member in unequal(&texts.0, &texts.1) {
            add(TASK_DEFINITION, member.into());
        }
        let kinds: BTreeSet<&str> = after
            .volumes
            .iter()
            .filter(|(name, volume)| before.volumes.get(*name) != Some(*volume))
            .flat_map(|(_, volume)| match volume {
                Volume::Docker(volume) if volume.may_bind() => &[DOCKER_VOLUME, HOST_VOLUME][..],
                Volume::Docker(_) => &[DOCKER_VOLUME],
                Volume::Host(_) | Volume::Scratch | Volume::FileSystem(_) => &[HOST_VOLUME],
            })
            .copied()
            .collect();
        for kind in kinds {
            add(TASK_DEFINITION, kind.into());
        }
        found
    }
}

/// Returns the names of the members of a container that are not the same.
fn differing(before: &Container, after: &Container) -> BTreeSet<&'static str> {
    let texts = (before.members().texts(), after.members().texts());
    let limits = |container: &Container| (container.process_limit, container.details().extras.open_files);
    let others = [
        (TMPFS, before.details().tmpfs != after.details().tmpfs),
        (ULIMITS, limits(before) != limits(after)),
        (LOG_CONFIGURATION, before.logging != after.logging),
    ];
    let others = others
        .into_iter()
        .filter_map(|(member, differs)| differs.then_some(member));
    unequal(&texts.0, &texts.1).into_iter().chain(others).collect()
}

type Texts = [(&'static str, Vec<String>)];

fn unequal(before: &Texts, after: &Texts) -> BTreeSet<&'static str> {
    let only = |some: &Texts, others: &Texts| {
        let some = some.iter().filter(|member| !others.contains(member));
        some.map(|(member, _)| *member).collect::<Vec<_>>()
    };
    only(before, after)
        .into_iter()
        .chain(only(after, before))
        .collect()
}

fn task_field(member: &str) -> String {
    field(TASK_DEFINITION, member)
}

fn field(on: &str, member: &str) -> String {
    format!("overrides[{on}].set.{member}")
}

#[cfg(test)]
mod tests;
