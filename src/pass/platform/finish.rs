//! The end of a Platform's pass: its status and troubles, the memory for the next one, and its requeue.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;

use super::leaving::Leaving;
use super::lists::OldList;
use super::memory::Memory;
use super::start::{End, Facts};
use crate::api::condition::Reason;
use crate::api::platform::{
    CapacityProviderKind, HostPortCounts, Openness, Platform, PlatformStatus, SecurityGroups, Side, Zone,
    ZoneNames,
};
use crate::change::Change;
use crate::desired;
use crate::error::Error;
use crate::model::class::Class;
use crate::model::counted;
use crate::model::exclusive::Exclusive;
use crate::model::owner::AppName;
use crate::model::port::PortRange;
use crate::model::service::CapacityProviderKind as Kind;
use crate::pass::backoff::{delay, pending, spread};
use crate::pass::requeue::Requeue;
use crate::reconcile::platform::{Kept, Outcome, Ports};
use crate::status::{Verdict, conditions, verdict_of_error};

/// The results of a pass: what to publish, whom to wake, and when to come back.
#[derive(Debug)]
pub struct Finished {
    /// The status, where users can not read it already.
    pub status: Option<PlatformStatus>,
    /// The conditions before it.
    pub before: Vec<Condition>,
    /// The reasons and messages that somebody should hear of.
    pub troubles: Vec<(Reason, String)>,
    /// The number of host ports in use that were claimed, if this pass looked for them: Apps need no longer wait for that.
    pub recovered: Option<usize>,
    /// Apps that wait for any of it may go on.
    pub released: BTreeSet<Exclusive>,
    /// Apps that are gone, and why their claims could not be released. That is tried again in the next pass.
    pub unswept: Vec<(AppName, Error)>,
    /// Something failed, or is in the way of using the Platform.
    pub failed: bool,
    /// Nothing is left of a Platform that is being deleted.
    pub may_go: bool,
    pub requeue: Requeue,
}

/// The findings of a pass. A part that could not be read is as it was.
struct Findings {
    zones: ZoneNames,
    capacity_providers: BTreeMap<String, CapacityProviderKind>,
    host_ports: Option<HostPortCounts>,
    kept_names: Option<i32>,
    /// True if a look has shown that no name is kept.
    are_names_gone: bool,
    /// The names that were removed.
    removed: Vec<Change>,
    /// The troubles in the way of using the Platform.
    troubles: Vec<(Class, Verdict)>,
}

/// Concludes a pass. `jitter` is uniform in 0..1.
pub fn finish(
    memory: &mut Memory,
    platform: &Platform,
    facts: &Facts<'_>,
    end: End,
    resync_interval: Duration,
    now: Timestamp,
    jitter: f64,
) -> Finished {
    let mut findings = known(platform);
    let mut ports = Ports::default();
    match end {
        End::Obstacle(class, verdict) => findings.trouble(class, verdict),
        End::Reconciled(outcome) => ports = findings.take(platform, *outcome),
    }
    if ports.recovered.is_some() {
        memory.recovered_ports(platform);
    }
    if let Some(denied) = memory.denials.message() {
        findings.trouble(Class::Denied, Verdict::Reconciling(Reason::AccessDenied, denied));
    }
    let name = platform.name_any();
    let here = facts.tenants.iter().filter(|tenant| tenant.is_at(&name));
    let apps: Vec<String> = here.map(|tenant| tenant.app.to_string()).collect();
    let worst = findings.troubles.iter().max_by_key(|(class, _)| *class).cloned();
    let (class, verdict) = match worst {
        Some((class, verdict)) => (Some(class), verdict),
        None => (None, verdict(&facts.leaving, &apps, &facts.old_lists)),
    };
    let verdict = verdict.after(memory.failures);
    let may_go = facts.leaving == Leaving::NamesFirst && findings.are_names_gone;
    let removed = std::mem::take(&mut findings.removed);
    let status = findings.status(platform, apps.len(), &verdict, now);
    memory.failures_before = memory.failures;
    let retry = if let Some(class) = class {
        memory.failed(class, jitter)
    } else {
        memory.failures = 0;
        None
    };
    let resync = match facts.leaving {
        // A word on the definition wakes nobody.
        Leaving::Unsaid(_) | Leaving::NamesFirst => pending(jitter),
        Leaving::NotDeleted | Leaving::MayGo | Leaving::InUse => spread(resync_interval, jitter),
    };
    let before = platform.status.as_ref();
    let old = facts.old_lists.iter().map(OldList::trouble);
    Finished {
        before: before.map(|status| status.conditions.clone()).unwrap_or_default(),
        troubles: verdict.trouble().into_iter().chain(old).collect(),
        status: (before != Some(&status)).then_some(status),
        recovered: ports.recovered,
        released: ports
            .done
            .iter()
            .chain(&removed)
            .flat_map(Change::releases)
            .collect(),
        unswept: ports.unswept,
        failed: class.is_some(),
        may_go,
        requeue: retry.map_or(Requeue::Resync(resync), Requeue::After),
    }
}

/// Takes back that a pass was finished, where its status could not be written.
pub fn unwritten(memory: &mut Memory, error: &Error, jitter: f64) -> Requeue {
    memory.failures = memory.failures_before;
    failed(memory, error, jitter)
}

/// Counts a pass that failed before it was finished, and says when the next one comes.
pub fn failed(memory: &mut Memory, error: &Error, jitter: f64) -> Requeue {
    memory
        .failed(error.class(), jitter)
        .map_or(Requeue::Never, Requeue::After)
}

impl Memory {
    fn failed(&mut self, class: Class, jitter: f64) -> Option<Duration> {
        self.failures = self.failures.saturating_add(1);
        delay(class, self.failures, jitter)
    }
}

/// The verdict on a Platform that nothing is in the way of.
fn verdict(leaving: &Leaving, apps: &[String], old_lists: &[OldList]) -> Verdict {
    let in_use = format!("in use by {}", counted(apps.len() as u64, "App"));
    let going = |unsaid: &str| {
        let apps = apps.join(", ");
        Verdict::Reconciling(
            Reason::Deleting,
            format!("{in_use}, which go first: {apps}{unsaid}"),
        )
    };
    match leaving {
        Leaving::NotDeleted => {
            // Its Apps go on by what was known.
            let said = [in_use].into_iter().chain(old_lists.iter().map(OldList::message));
            Verdict::Ready(said.collect::<Vec<_>>().join("; "))
        }
        Leaving::NamesFirst => {
            let message = "removing the DNS names that are kept here for namespaces";
            Verdict::Reconciling(Reason::Deleting, message.into())
        }
        Leaving::InUse if apps.is_empty() => {
            let message = "Runs, whose tasks are stopped, go first";
            Verdict::Reconciling(Reason::Deleting, message.into())
        }
        Leaving::MayGo | Leaving::InUse => going(""),
        Leaving::Unsaid(message) => going(&format!("; {message}")),
    }
}

/// The findings of earlier passes.
fn known(platform: &Platform) -> Findings {
    let status = platform.status.clone().unwrap_or_default();
    // Only in a Platform that nobody uses can a zone become another one.
    let same = status.apps > 0 || Some(status.observed_generation) == platform.metadata.generation;
    Findings {
        zones: status.zones.filter(|_| same).unwrap_or_default(),
        capacity_providers: status.capacity_providers,
        host_ports: status.host_ports,
        kept_names: status.kept_names,
        are_names_gone: false,
        removed: Vec::new(),
        troubles: Vec::new(),
    }
}

impl Findings {
    /// Takes up what was found out.
    fn take(&mut self, platform: &Platform, outcome: Outcome) -> Ports {
        let Outcome {
            internal_zone,
            external_zone,
            capacity_providers,
            ports,
            kept,
        } = outcome;
        let dns = platform.spec.dns.as_ref();
        let (internal, external) = (self.zones.internal.take(), self.zones.external.take());
        let zone = dns.and_then(|dns| dns.internal.as_ref());
        self.zones.internal = self.zone(zone, internal, internal_zone);
        let zone = dns.and_then(|dns| dns.external.as_ref());
        self.zones.external = self.zone(zone, external, external_zone);
        self.capacity(platform, capacity_providers);
        self.kept(platform, kept);
        match ports {
            Ok(ports) => {
                let range = desired::place(platform).host_ports;
                let counts = |ports: &Ports| Some(counts(range?, &ports.taken));
                self.host_ports = ports.as_ref().and_then(counts);
                ports.unwrap_or_default()
            }
            Err(error) => {
                self.error(&error);
                Ports::default()
            }
        }
    }

    /// The name of a zone; the one that is known, where it could not be asked for.
    fn zone(
        &mut self,
        zone: Option<&Zone>,
        known: Option<String>,
        found: Result<Option<String>, Error>,
    ) -> Option<String> {
        let name = match found {
            Ok(name) => name,
            Err(error) => {
                self.error(&error);
                return known;
            }
        };
        if let (None, Some(zone)) = (&name, zone) {
            let message = format!("dns: hosted zone {} was not found", zone.hosted_zone_id);
            let verdict = Verdict::Reconciling(Reason::ZoneNotFound, message);
            self.trouble(Class::Denied, verdict);
        }
        name
    }

    fn capacity(&mut self, platform: &Platform, found: Result<BTreeMap<String, Kind>, Error>) {
        let names = desired::named_capacity_providers(platform);
        self.capacity_providers.retain(|name, _| names.contains(name));
        let found = match found {
            Ok(found) => found,
            // An endpoint that does not know the question, an emulator, knows no Managed Instances.
            Err(error) if error.class() == Class::Bug => BTreeMap::new(),
            Err(error) => return self.error(&error),
        };
        let kind = |name: &String| match found.get(name) {
            Some(Kind::AutoScalingGroup) => CapacityProviderKind::AutoScalingGroup,
            Some(Kind::ManagedInstances) => CapacityProviderKind::ManagedInstances,
            None => CapacityProviderKind::NotFound,
        };
        self.capacity_providers = names.iter().map(|name| (name.clone(), kind(name))).collect();
        if let Err(message) = desired::check_capacity(platform, &self.capacity_providers) {
            self.trouble(Class::Invalid, Verdict::Stalled(Reason::InvalidPlatform, message));
        }
    }

    /// Takes up how many names are kept. Where there are grants, or were until this pass, some may be at any time: no number says
    /// that nobody looks for them any more.
    fn kept(&mut self, platform: &Platform, found: Kept) {
        let Kept { count, done, failed } = found;
        self.removed = done;
        if let Some(count) = count {
            let count = i32::try_from(count).unwrap_or(i32::MAX);
            let known = platform.status.as_ref().map(|status| status.observed_generation);
            let is_news = known != platform.metadata.generation;
            let may_come =
                desired::openness(platform) == Openness::Granted || is_news && self.kept_names.is_some();
            self.kept_names = Some(count).filter(|count| *count > 0 || may_come);
            self.are_names_gone = count == 0;
        }
        if let Some(error) = failed {
            self.error(&error);
        }
    }

    fn trouble(&mut self, class: Class, verdict: Verdict) {
        self.troubles.push((class, verdict));
    }

    fn error(&mut self, error: &Error) {
        let mut verdict = verdict_of_error(error);
        if let Verdict::Denied(reason, message) = verdict {
            // Apps go on as they are; but this is where their operator looks.
            verdict = Verdict::Reconciling(reason, message);
        }
        self.trouble(error.class(), verdict);
    }

    fn status(self, platform: &Platform, apps: usize, verdict: &Verdict, now: Timestamp) -> PlatformStatus {
        let generation = platform.metadata.generation.unwrap_or_default();
        let before = platform.status.as_ref();
        let before = before
            .map(|status| status.conditions.as_slice())
            .unwrap_or_default();
        let is_granted = desired::openness(platform) == Openness::Granted;
        let kept_names = self.kept_names.or(is_granted.then_some(0));
        PlatformStatus {
            observed_generation: generation,
            conditions: conditions(before, generation, verdict, now),
            zones: (self.zones != ZoneNames::default()).then_some(self.zones),
            capacity_providers: self.capacity_providers,
            host_ports: self.host_ports,
            kept_names,
            security_groups: given_security_groups(platform),
            tenancy: desired::openness(platform),
            apps: apps.try_into().unwrap_or(i32::MAX),
        }
    }
}

fn counts(range: PortRange, taken: &BTreeSet<u16>) -> HostPortCounts {
    let within = taken.iter().filter(|port| range.contains(**port)).count();
    let allocated = i32::try_from(taken.len()).unwrap_or(i32::MAX);
    let within = i32::try_from(within).unwrap_or(i32::MAX);
    HostPortCounts {
        allocated,
        available: i32::try_from(range.size()).unwrap_or(i32::MAX) - within,
    }
}

/// Returns the security groups of the spec, else those that it named before.
fn given_security_groups(platform: &Platform) -> Option<SecurityGroups> {
    let before = platform
        .status
        .as_ref()
        .and_then(|status| status.security_groups.clone());
    let before = before.unwrap_or_default();
    let given = |named: Option<&Vec<String>>, before| match named {
        Some(named) if !named.is_empty() => named.clone(),
        Some(_) | None => before,
    };
    let side = |side: &Option<Side>, before| given(side.as_ref().map(|side| &side.security_groups), before);
    let network = &platform.spec.network;
    let tasks = network.tasks.as_ref().map(|tasks| &tasks.security_groups);
    let given = SecurityGroups {
        internal: side(&network.internal, before.internal),
        external: side(&network.external, before.external),
        tasks: given(tasks, before.tasks),
    };
    (given != SecurityGroups::default()).then_some(given)
}

#[cfg(test)]
mod tests;
