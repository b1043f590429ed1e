//! App + Platform to Desired: every rule about what an App means in AWS, and every default.
//!
//! Defaults live here and not in the schema, where the API server would write them into the user's object. The only
//! way to fail is `Invalid`: what the CRD's own rules cannot judge, in words that name process and field.

mod load_balancing;
mod records;
mod service;
mod text;

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;

use load_balancing::container_port;
pub use records::ttl;

use std::collections::{BTreeMap, BTreeSet};

use crate::api::app::{App, Expose, ExposeType, Process};
use crate::api::platform::{NetworkMode as Mode, Platform, Provider};
use crate::error::Error;
use crate::model::desired::{Desired, DesiredProcess, Place, Runs};
use crate::model::name::{self, AppName};
use crate::model::owner::{Owner, Tags};
use crate::model::port::PortRange;
use crate::model::service::{
    Environment, HostPort, LaunchType, Logging, NetworkMode, PortMapping, TaskDefinition,
};

const DEFAULT_CPU: u32 = 256;
const DEFAULT_MEMORY: u32 = 512;
const DEFAULT_GRACE_PERIOD: u32 = 60;

/// What an App means, and what its developer had better know.
#[derive(Debug)]
pub struct Built {
    pub desired: Desired,
    pub warnings: Vec<String>,
}

pub fn build(app: &App, platform: &Platform, owner: &Owner) -> Result<Built, Error> {
    let mut warnings = Vec::new();
    let mut processes = BTreeMap::new();
    for (name, process) in &app.spec.processes {
        let builder = Builder {
            app,
            platform,
            owner,
            name,
            process,
        };
        warnings.extend(builder.warning());
        processes.insert(name.clone(), builder.build()?);
    }
    let records = records::build(app, platform, &processes)?;
    let place = place(platform);
    Ok(Built {
        desired: Desired {
            owner: owner.clone(),
            place,
            processes,
            records,
        },
        warnings,
    })
}

/// The part of a Platform that says where Apps live.
pub fn place(platform: &Platform) -> Place {
    let spec = &platform.spec;
    let load_balancing = spec.load_balancing.as_ref().and_then(|l| l.provider) != Some(Provider::None);
    let dns = spec.dns.as_ref().filter(|_| load_balancing);
    let zones = dns
        .into_iter()
        .flat_map(|dns| dns.internal.iter().chain(&dns.external));
    Place {
        platform: platform.metadata.name.clone().unwrap_or_default(),
        cluster: spec.cluster.clone().unwrap_or_else(|| "default".into()),
        load_balancing,
        zones: zones.map(|zone| zone.hosted_zone_id.clone()).collect(),
        host_ports: spec.network.host_ports.as_ref().and_then(|ports| {
            Some(PortRange {
                first: ports.first.try_into().ok()?,
                last: ports.last.try_into().ok()?,
            })
        }),
    }
}

/// The name of an App, as its resources carry it.
pub fn app_name(app: &App) -> AppName {
    AppName {
        namespace: app.metadata.namespace.clone().unwrap_or_default(),
        name: app.metadata.name.clone().unwrap_or_default(),
    }
}

/// Whether a process is exposed, and how: one named `web` that says nothing is http.
fn exposure(name: &str, process: &Process) -> Option<Expose> {
    match &process.expose {
        Some(expose) if expose.type_ == Some(ExposeType::None) => None,
        Some(expose) => Some(expose.clone()),
        None if name == "web" && process.cron.is_none() && process.noservice != Some(true) => {
            Some(Expose::default())
        }
        None => None,
    }
}

struct Builder<'a> {
    app: &'a App,
    platform: &'a Platform,
    owner: &'a Owner,
    name: &'a str,
    process: &'a Process,
}

impl Builder<'_> {
    fn build(&self) -> Result<DesiredProcess, Error> {
        let exposure = exposure(self.name, self.process);
        let ports: Vec<PortMapping> = exposure.iter().map(|expose| self.port(expose)).collect();
        let load_balancing = match exposure {
            Some(expose) if place(self.platform).load_balancing => Some(self.load_balancing(&expose)?),
            Some(_) | None => None,
        };
        let grace_period = match (&self.process.expose, &load_balancing) {
            (
                Some(Expose {
                    grace_period: Some(period),
                    ..
                }),
                Some(_),
            ) => Some(self.seconds("expose.gracePeriod", period)?),
            (_, Some(_)) => Some(DEFAULT_GRACE_PERIOD),
            (_, None) => None,
        };
        let claimed = ports.iter().any(|port| port.host_port == HostPort::Claimed);
        Ok(DesiredProcess {
            task_definition: self.task_definition(ports)?,
            runs: Runs::Service(self.service(claimed, grace_period)?),
            load_balancing,
        })
    }

    fn family(&self) -> String {
        name::family(&self.owner.app, self.name)
    }

    /// The Platform's tags and ours, ours last.
    fn tags(&self) -> Tags {
        let mut tags = self.platform.spec.tags.clone();
        tags.extend(self.owner.tags(self.name));
        tags
    }

    fn network_mode(&self) -> NetworkMode {
        match self.platform.spec.network.mode {
            Mode::Bridge => NetworkMode::Bridge,
            Mode::Awsvpc => NetworkMode::Awsvpc,
        }
    }

    fn port(&self, expose: &Expose) -> PortMapping {
        let host_port = match self.network_mode() {
            NetworkMode::Awsvpc => HostPort::SameAsContainer,
            NetworkMode::Bridge if self.platform.spec.network.host_ports.is_some() => HostPort::Claimed,
            NetworkMode::Bridge => HostPort::Dynamic,
        };
        PortMapping {
            container_port: container_port(expose),
            host_port,
        }
    }

    fn task_definition(&self, ports: Vec<PortMapping>) -> Result<TaskDefinition, Error> {
        let cpu = self
            .process
            .cpu
            .and_then(|cpu| cpu.try_into().ok())
            .unwrap_or(DEFAULT_CPU);
        let memory = match &self.process.memory {
            None => DEFAULT_MEMORY,
            Some(memory) => text::mebibytes(memory).ok_or_else(|| {
                self.invalid("memory", &format!("{} is no amount of memory", memory.as_str()))
            })?,
        };
        if self.launch_type() == LaunchType::Fargate && !is_fargate_size(cpu, memory) {
            return Err(self.invalid(
                "cpu and memory",
                &format!("Fargate has no size of {cpu} CPU units with {memory} MiB; see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html"),
            ));
        }
        let mut command = shell_words::split(&self.process.command)
            .map_err(|error| self.invalid("command", &format!("cannot be split like a shell: {error}")))?;
        if command.is_empty() {
            return Err(self.invalid("command", "is empty"));
        }
        command.extend(self.process.args.iter().cloned());
        let tasks = self.platform.spec.tasks.as_ref();
        Ok(TaskDefinition {
            family: self.family(),
            network_mode: self.network_mode(),
            launch_type: self.launch_type(),
            execution_role_arn: tasks.and_then(|tasks| tasks.execution_role_arn.clone()),
            task_role_arn: None,
            container: self.name.into(),
            image: self.app.spec.image.clone(),
            command,
            cpu,
            memory,
            secrets: BTreeMap::new(),
            process_limit: None,
            stop_timeout: None,
            read_only_root_filesystem: false,
            environment: self.environment(ports.first()),
            ports,
            logging: tasks
                .and_then(|tasks| tasks.logging.as_ref())
                .map(|logging| Logging {
                    driver: logging.driver.clone(),
                    options: logging.options.clone(),
                }),
        })
    }

    /// Nothing is injected that changes without the content changing: it would roll every task for nothing.
    fn environment(&self, port: Option<&PortMapping>) -> Environment {
        let app = &self.owner.app.name;
        let mut environment = self.app.spec.env.clone();
        environment.extend(self.process.env.clone());
        environment.extend(port.map(|port| ("PORT".into(), port.container_port.to_string())));
        environment.extend([
            ("EMPIRE_APPNAME".into(), app.clone()),
            ("EMPIRE_PROCESS".into(), self.name.into()),
            ("SOURCE".into(), format!("{app}.{}", self.name)),
        ]);
        Environment(environment)
    }

    fn seconds(&self, field: &str, duration: &str) -> Result<u32, Error> {
        text::seconds(duration)
            .ok_or_else(|| self.invalid(field, &format!("{duration} is no duration in whole seconds")))
    }

    fn invalid(&self, field: &str, message: &str) -> Error {
        Error::Invalid(format!("process {}: {field}: {message}", self.name))
    }

    fn warning(&self) -> Option<String> {
        let sign = text::looks_like_shell(&self.process.command)?;
        Some(format!(
            "process {}: command contains {sign}, but no shell runs it: the program gets these characters as they are; \
             to have one, write sh -c '…'",
            self.name
        ))
    }
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html>
fn is_fargate_size(cpu: u32, memory: u32) -> bool {
    const GIB: u32 = 1_024;
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

fn set(items: &[String]) -> BTreeSet<String> {
    items.iter().cloned().collect()
}

/// Whether any process of an App, if it gets a DNS name, has one in the external zone, too.
pub fn has_external_names(app: &App) -> bool {
    let mut processes = app.spec.processes.iter();
    processes
        .any(|(name, process)| exposure(name, process).is_some_and(|expose| expose.external.unwrap_or(false)))
}

/// Whether any process of an App gets a DNS name.
pub fn has_names(app: &App, platform: &Platform) -> bool {
    place(platform).load_balancing
        && app
            .spec
            .processes
            .iter()
            .any(|(name, process)| exposure(name, process).is_some())
}
