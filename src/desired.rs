//! App + Platform to Desired: every rule about what an App means in AWS, and every default.
//!
//! Defaults live here and not in the schema, where the API server would write them into the user's object. It fails
//! with `Invalid`, by a rule that the CRD cannot judge, or with `NotAllowed`, and a message that names process and field.

mod capacity;
pub(crate) mod command;
mod container;
mod content;
pub(crate) mod cron;
mod extras;
mod limits;
mod load_balancing;
mod log_group;
mod logging;
mod network;
mod overrides;
mod records;
mod release;
mod run;
mod scaling;
mod schedule;
pub(crate) mod secrets;
mod service;
pub(crate) mod shell;
mod sidecars;
pub(crate) mod tenancy;
pub(crate) mod text;
mod usage;
mod volumes;

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;

pub use capacity::{check_capacity, named_capacity_providers, unknown_capacity_provider};
pub use command::replaces_variables;
use load_balancing::container_ports;
pub use load_balancing::{Listened, listened};
pub use overrides::Overridden;
pub use records::ttl;
pub use run::{BuiltRun, TIMEOUT as RUN_TIMEOUT, build_run, no_process};
pub use schedule::never_started;
pub use secrets::{Asked, asked as asked_secrets};
pub use tenancy::{
    Usages, check_limits, check_retain, has_limits, names_kept_for, openness, takes_kept_names,
};
pub(crate) use text::seconds as whole_seconds;
pub use usage::{Usage, counted, kept_amounts};

use std::collections::{BTreeMap, BTreeSet};

use crate::api::app::{App, DeletionPolicy, Expose, ExposeType, Process};
use crate::api::platform::{NetworkMode as Mode, Platform, Provider};
use crate::error::Error;
use crate::model::container::{HostPort, PortMapping};
use crate::model::desired::{Adopted, Desired, DesiredProcess, LoadBalancing, Place, Runs};
use crate::model::keeping::Keeping;
use crate::model::load_balancer::LoadBalancerKind;
use crate::model::name;
use crate::model::owner::{AppName, Owner, Tags};
use crate::model::port::PortRange;
use crate::model::secret::Secrets;
use crate::model::service::{APPLICATION_GRACE_PERIOD, NETWORK_GRACE_PERIOD, NetworkMode};

const ADOPT_ANNOTATION: &str = "empire.dev/adopt";

/// The resources that an App means, and the warnings for its developer.
#[derive(Debug)]
pub struct Built {
    pub desired: Desired,
    pub warnings: Vec<String>,
    /// What is sent otherwise than without `overrides`.
    pub overridden: Vec<Overridden>,
}

/// The labels of the namespace that an App lives in.
pub type NamespaceLabels = BTreeMap<String, String>;

/// Builds what an App means, if it may ask for it.
pub fn build(
    app: &App,
    platform: &Platform,
    owner: &Owner,
    namespace: &NamespaceLabels,
    secrets: &Secrets,
) -> Result<Built, Error> {
    let resolved = secrets::Names::at(platform, secrets).resolve(app);
    let allowed = tenancy::Allowed::to(&resolved, platform, namespace);
    allowed.check()?;
    limits::check_redeploy(app)?;
    secrets::check(app, platform)?;
    let built = build_resolved(&resolved, app, platform, owner, secrets)?;
    allowed.check_overrides(&built.overridden)?;
    allowed.check_names(&built.desired.records)?;
    log_group::check(&built.desired)?;
    Ok(built)
}

/// Builds what a manifest means, also where the App may not ask for it: it may have it from before.
pub fn build_unchecked(
    app: &App,
    platform: &Platform,
    owner: &Owner,
    secrets: &Secrets,
) -> Result<Built, Error> {
    let resolved = secrets::Names::at(platform, secrets).resolve(app);
    build_resolved(&resolved, app, platform, owner, secrets)
}

/// `app` has ARNs in the place of names, and `written` what the manifest says.
fn build_resolved(
    app: &App,
    written: &App,
    platform: &Platform,
    owner: &Owner,
    secrets: &Secrets,
) -> Result<Built, Error> {
    let names = secrets::Names::at(platform, secrets);
    let mut warnings = Vec::new();
    let mut processes = BTreeMap::new();
    let mut all_overridden = Vec::new();
    for (name, process) in &app.spec.processes {
        let builder = Builder {
            app,
            platform,
            owner,
            name,
            process,
            secrets,
        };
        let (mut built, overridden) = builder.build()?;
        if let Some(said) = written.spec.processes.get(name) {
            built.awaited_secret = names.awaited(&written.spec, said);
            if let Runs::Service(service) = &mut built.runs {
                service.secret_versions = secrets::versions(written, said, platform, secrets);
            }
        }
        all_overridden.extend(overridden);
        let hint = built.hint.iter();
        warnings.extend(hint.map(|hint| format!("process {name}: {hint}")));
        processes.insert(name.clone(), built);
    }
    let records = records::build(app, platform, &processes)?;
    // A release is of what the App says: an ARN in the place of its name is no other content.
    let release = release::build(written, platform, owner, secrets)?;
    let place = place(platform);
    let log_group = log_group::build(platform, owner, &place, &processes);
    Ok(Built {
        desired: Desired {
            owner: owner.clone(),
            place,
            processes,
            release,
            records,
            log_group,
            secrets: names.arns(written),
            keeping: Keeping::default(),
            adopts: adopts(app),
            adopted: Adopted::default(),
            retains: false,
        },
        warnings,
        overridden: all_overridden,
    })
}

/// Returns the part of a Platform that says where Apps run.
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
        split_horizon: records::are_same_named(platform),
        dropped_security_groups: dropped_security_groups(platform),
        log_groups: log_group::rule(platform),
        host_ports: spec.network.host_ports.as_ref().and_then(|ports| {
            Some(PortRange {
                first: ports.first.try_into().ok()?,
                last: ports.last.try_into().ok()?,
            })
        }),
    }
}

/// Returns the security groups that tasks were given before, where the spec names none any more.
fn dropped_security_groups(platform: &Platform) -> BTreeSet<String> {
    let tasks = platform.spec.network.tasks.as_ref();
    let names_none = tasks.is_some_and(|tasks| tasks.security_groups.is_empty());
    let status = platform.status.as_ref().filter(|_| names_none);
    let given = status.and_then(|status| status.security_groups.as_ref());
    given
        .map(|given| given.tasks.iter().cloned().collect())
        .unwrap_or_default()
}

/// Returns true if an App's resources in AWS stay when the App is deleted. An App without a policy has its Platform's.
pub fn retains(app: &App, platform: Option<&Platform>) -> bool {
    let of_platform = platform.and_then(|platform| platform.spec.deletion_policy);
    app.spec.deletion_policy.or(of_platform) == Some(DeletionPolicy::Retain)
}

/// Returns true if what an App has adopted stays when it would be deleted. Only its own manifest says otherwise.
pub fn keeps_adopted(app: &App) -> bool {
    app.spec.deletion_policy != Some(DeletionPolicy::Delete)
}

/// Returns true if an App is to take over resources without an owner's tags.
fn adopts(app: &App) -> bool {
    let annotations = app.metadata.annotations.as_ref();
    annotations
        .and_then(|all| all.get(ADOPT_ANNOTATION))
        .is_some_and(|value| value == "true")
}

/// Returns the name of an App, as its resources carry it.
pub fn app_name(app: &App) -> AppName {
    AppName {
        namespace: app.metadata.namespace.as_deref().unwrap_or_default().into(),
        name: app.metadata.name.as_deref().unwrap_or_default().into(),
    }
}

/// Returns how a process is exposed; `None` if it is not. One named `web` is exposed by http unless it says otherwise.
pub(crate) fn exposure(name: &str, process: &Process) -> Option<Expose> {
    match &process.expose {
        Some(expose) if expose.type_ == Some(ExposeType::None) => None,
        Some(expose) => Some(expose.clone()),
        None if name == "web" && process.cron.is_none() && process.noservice != Some(true) => {
            Some(Expose::default())
        }
        None => None,
    }
}

fn platform_tags(platform: &Platform) -> Tags {
    let tags = platform.spec.tags.iter();
    tags.map(|(key, value)| (key.into(), value.into())).collect()
}

struct Builder<'a> {
    app: &'a App,
    platform: &'a Platform,
    owner: &'a Owner,
    name: &'a str,
    process: &'a Process,
    secrets: &'a Secrets,
}

impl Builder<'_> {
    fn build(&self) -> Result<(DesiredProcess, Vec<Overridden>), Error> {
        self.check_capacity()?;
        let process = self.process;
        let runs = match (&process.cron, process.noservice) {
            (_, Some(true)) => Runs::ByHand(self.tags()),
            (Some(cron), _) => Runs::Schedule(self.schedule(cron)?),
            (None, _) => return self.serving(),
        };
        let (task_definition, overridden) = self.task_definition(&[])?;
        let built = DesiredProcess {
            hint: self.hint(&task_definition.main.environment),
            task_definition,
            runs,
            load_balancing: None,
            awaited_secret: None,
        };
        Ok((built, overridden))
    }

    fn serving(&self) -> Result<(DesiredProcess, Vec<Overridden>), Error> {
        let exposure = exposure(self.name, self.process);
        let ports = exposure.as_ref().map(container_ports).unwrap_or_default();
        let load_balancing = match exposure {
            Some(expose) if place(self.platform).load_balancing => Some(self.load_balancing(&expose)?),
            Some(_) | None => None,
        };
        let grace_period = match &load_balancing {
            Some(balancing) => Some(self.grace_period(balancing)?),
            None => None,
        };
        let (task_definition, overridden) = self.task_definition(&ports)?;
        let service = self.service(task_definition.is_alone_on_its_instance(), grace_period)?;
        let built = DesiredProcess {
            hint: self.hint(&task_definition.main.environment),
            task_definition,
            runs: Runs::Service(service),
            load_balancing,
            awaited_secret: None,
        };
        Ok((built, overridden))
    }

    fn given_grace_period(&self) -> Option<&String> {
        self.process.expose.as_ref()?.grace_period.as_ref()
    }

    fn grace_period(&self, balancing: &LoadBalancing) -> Result<u32, Error> {
        match (self.given_grace_period(), balancing.load_balancer.kind) {
            (Some(period), _) => self.seconds("expose.gracePeriod", period),
            (None, LoadBalancerKind::Application) => Ok(APPLICATION_GRACE_PERIOD),
            (None, LoadBalancerKind::Network) => Ok(NETWORK_GRACE_PERIOD),
        }
    }

    fn platform_name(&self) -> &str {
        self.platform.metadata.name.as_deref().unwrap_or_default()
    }

    fn family(&self) -> String {
        name::family(&self.owner.app, self.name)
    }

    /// The Platform's tags and ours, ours last.
    fn tags(&self) -> Tags {
        let mut tags = platform_tags(self.platform);
        tags.extend(self.owner.tags(self.name));
        tags
    }

    fn network_mode(&self) -> NetworkMode {
        match self.platform.spec.network.mode {
            Mode::Bridge => NetworkMode::Bridge,
            Mode::Awsvpc => NetworkMode::Awsvpc,
            Mode::Host => NetworkMode::Host,
        }
    }

    fn host_port(&self) -> HostPort {
        match self.network_mode() {
            NetworkMode::Awsvpc | NetworkMode::Host => HostPort::SameAsContainer,
            NetworkMode::Bridge if self.platform.spec.network.host_ports.is_some() => HostPort::Claimed,
            NetworkMode::Bridge => HostPort::Dynamic,
        }
    }

    fn port_mappings(&self, container_ports: &[u16]) -> Vec<PortMapping> {
        let ports: BTreeSet<u16> = container_ports.iter().copied().collect();
        let mapping = |container_port| PortMapping {
            container_port,
            host_port: self.host_port(),
        };
        ports.into_iter().map(mapping).collect()
    }

    fn seconds(&self, field: &str, duration: &str) -> Result<u32, Error> {
        text::seconds(duration)
            .ok_or_else(|| self.invalid(field, &format!("{duration} is no duration in whole seconds")))
    }

    fn invalid(&self, field: &str, message: &str) -> Error {
        Error::Invalid(format!("process {}: {field}: {message}", self.name))
    }
}

fn set(items: &[String]) -> BTreeSet<String> {
    items.iter().cloned().collect()
}

/// Returns true if a process of an App, where it gets a DNS name, has one in the external zone, too.
pub fn has_external_names(app: &App) -> bool {
    let mut processes = app.spec.processes.iter();
    processes
        .any(|(name, process)| exposure(name, process).is_some_and(|expose| expose.external.unwrap_or(false)))
}

/// Returns true if a process of an App gets a DNS name.
pub fn has_names(app: &App, platform: &Platform) -> bool {
    place(platform).load_balancing
        && app
            .spec
            .processes
            .iter()
            .any(|(name, process)| exposure(name, process).is_some())
}
