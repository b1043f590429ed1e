//! One pass over one Platform: can it be reached, what are its zones called, who lives here, which ports are taken.

mod allocations;
mod leaving;
pub mod ports;
pub(super) mod tenants;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use jiff::Timestamp;
use kube::api::Api;
use kube::core::DeserializeGuard;
use kube::{Resource, ResourceExt};
use tracing::warn;

use self::leaving::{Leaving, leaving};
use self::tenants::{Tenant, tenants};
use super::context::{Context, PlatformKey};
use super::kubernetes::finalizer::{self, PLATFORM_FINALIZER};
use super::kubernetes::report;
use super::memory::Trouble;
use super::queue::dispatch::message_of;
use crate::api::condition::Reason;
use crate::api::platform::{
    CapacityProviderKind, HostPortCounts, Platform, PlatformStatus, SecurityGroups, Side, ZoneNames,
};
use crate::aws::{Aws, Subject, concerning};
use crate::desired;
use crate::error::Error;
use crate::model::class::Class;
use crate::model::counted;
use crate::model::desired::Place;
use crate::model::service::CapacityProviderKind as Kind;
use crate::pass::{Requeue, account, delay, pending, spread};
use crate::status::{Verdict, conditions, verdict_of_error};

pub(super) async fn pass(
    object: Arc<DeserializeGuard<Platform>>,
    context: Arc<Context>,
) -> Result<Requeue, Error> {
    let key = PlatformKey::from_obj(&*object);
    // Before the caches: that of Apps is never filled where their definition is gone.
    let leaving = if object.meta().deletion_timestamp.is_some() {
        leaving(&object.name_any(), &context).await?
    } else {
        Leaving::NotDeleted
    };
    if leaving == Leaving::MayGo {
        finalizer::release(&Api::all(context.client.clone()), &*object, PLATFORM_FINALIZER).await?;
        context.published.forget(&key.to_string());
        context.failures.forget(&key.to_string());
        return Ok(Requeue::Never);
    }
    if !context.caches.are_filled().await {
        return Ok(Requeue::Never);
    }
    let _running = context.health.pass(key.to_string());
    match &object.0 {
        Ok(platform) => {
            let pass = Pass {
                platform,
                context: &context,
                key: key.to_string(),
                leaving,
            };
            let done = AssertUnwindSafe(pass.run()).catch_unwind().await;
            // One Platform's trouble is not the others'.
            done.unwrap_or_else(|panic| Err(Error::Bug(message_of(&*panic))))
        }
        Err(invalid) => {
            // Stored before a change of the schema. Only an edit helps, and an edit wakes us.
            warn!(platform = %key, error = %invalid.error, "cannot be decoded");
            Ok(Requeue::Never)
        }
    }
}

struct Pass<'a> {
    platform: &'a Platform,
    context: &'a Context,
    key: String,
    leaving: Leaving,
}

/// The findings of a pass over a Platform. A part that could not be read is as it was.
struct Findings {
    zones: ZoneNames,
    capacity_providers: BTreeMap<String, CapacityProviderKind>,
    host_ports: Option<HostPortCounts>,
    /// The troubles in the way of using it, the worst first.
    troubles: Vec<(Class, Verdict)>,
    /// A call was not begun: whoever leads from now on says what there is to say.
    fenced: Option<Error>,
}

impl Pass<'_> {
    async fn run(&self) -> Result<Requeue, Error> {
        let tenants = tenants(self.context);
        let name = self.platform.name_any();
        let here = tenants.iter().filter(|tenant| tenant.is_at(&name));
        let apps: Vec<String> = here.map(|tenant| tenant.app.to_string()).collect();
        let deleting = self.leaving != Leaving::NotDeleted;
        if !deleting {
            finalizer::hold(&self.api(), self.platform, PLATFORM_FINALIZER).await?;
        }
        let mut findings = self.known();
        let changed = |message| Verdict::Reconciling(Reason::OwnerChanged, message);
        let installation = match self.context.stopped_writes() {
            Some(verdict) => Err(verdict),
            None => self.context.installation.id().map_err(changed),
        };
        match installation {
            Err(verdict) => findings.trouble(Class::Denied, verdict),
            Ok(installation) => {
                let subject = Subject {
                    platform: Some(name.clone()),
                    ..Subject::default()
                };
                concerning(subject, self.look(installation, &tenants, &mut findings)).await;
            }
        }
        if let Some(fenced) = findings.fenced {
            return Err(fenced);
        }
        if let Some(denied) = self.context.denials.of(&name) {
            findings.trouble(Class::Denied, Verdict::Reconciling(Reason::AccessDenied, denied));
        }
        let count = apps.len();
        let ready = if deleting {
            let unsaid = match &self.leaving {
                Leaving::Unsaid(message) => format!("; {message}"),
                Leaving::NotDeleted | Leaving::MayGo | Leaving::InUse => String::new(),
            };
            let message = format!(
                "in use by {}, which go first: {}{unsaid}",
                counted(count as u64, "App"),
                apps.join(", ")
            );
            Verdict::Reconciling(Reason::Deleting, message)
        } else {
            Verdict::Ready(format!("in use by {}", counted(count as u64, "App")))
        };
        let worst = findings.troubles.iter().max_by_key(|(class, _)| *class).cloned();
        let verdict = worst.as_ref().map_or(ready, |(_, verdict)| verdict.clone());
        let verdict = verdict.after(self.context.failures.in_a_row(&self.key));
        self.write_status(findings, count, &verdict).await?;
        let config = &self.context.config;
        let retry = if let Some((class, _)) = worst {
            delay(class, self.context.failures.count(&self.key), fastrand::f64())
        } else {
            self.context.failures.forget(&self.key);
            None
        };
        let resync = match self.leaving {
            // A word on the definition wakes nobody.
            Leaving::Unsaid(_) => pending(fastrand::f64()),
            Leaving::NotDeleted | Leaving::MayGo | Leaving::InUse => {
                spread(config.resync_interval, fastrand::f64())
            }
        };
        Ok(retry.map_or(Requeue::Resync(resync), Requeue::After))
    }

    fn known(&self) -> Findings {
        let status = self.platform.status.clone().unwrap_or_default();
        // Only in a Platform that nobody uses can a zone become another one.
        let same = status.apps > 0 || Some(status.observed_generation) == self.platform.metadata.generation;
        Findings {
            zones: status.zones.filter(|_| same).unwrap_or_default(),
            capacity_providers: status.capacity_providers,
            host_ports: status.host_ports,
            troubles: Vec::new(),
            fenced: None,
        }
    }

    /// Names the zones, claims the ports in use and sweeps those of Apps that are gone.
    async fn look(&self, installation: &str, tenants: &[Tenant], findings: &mut Findings) {
        if let Some(older) = self.overlapping() {
            let message =
                format!("network.hostPorts overlaps that of the older Platform {older} on the same cluster");
            findings.trouble(Class::Conflict, Verdict::Stalled(Reason::Conflict, message));
            return;
        }
        let aws = match self.context.aws(self.platform).await {
            Ok(aws) => aws,
            Err(error) => return findings.error(&error),
        };
        self.name_zones(&*aws, findings).await;
        self.know_capacity(&*aws, findings).await;
        let place = desired::place(self.platform);
        match self.allocations(&*aws, &place, installation, tenants).await {
            Ok(counts) => findings.host_ports = counts,
            Err(error) => findings.error(&error),
        }
    }

    async fn name_zones(&self, aws: &dyn Aws, findings: &mut Findings) {
        let none = None;
        let dns = self.platform.spec.dns.as_ref();
        let (internal, external) = dns.map_or((&none, &none), |dns| (&dns.internal, &dns.external));
        for is_external in [false, true] {
            let zone = if is_external { external } else { internal };
            let found = match zone {
                None => Ok(None),
                Some(zone) => aws.zone_name(&zone.hosted_zone_id).await,
            };
            match (found, zone) {
                (Err(error), _) => findings.error(&error.into()),
                (Ok(name), zone) => {
                    if let (None, Some(zone)) = (&name, zone) {
                        let message = format!("dns: hosted zone {} was not found", zone.hosted_zone_id);
                        let verdict = Verdict::Reconciling(Reason::ZoneNotFound, message);
                        findings.trouble(Class::Denied, verdict);
                    }
                    let known = if is_external {
                        &mut findings.zones.external
                    } else {
                        &mut findings.zones.internal
                    };
                    *known = name;
                }
            }
        }
    }

    /// Asks what the capacity providers are made of, each time, since one may be replaced by another of the same name.
    async fn know_capacity(&self, aws: &dyn Aws, findings: &mut Findings) {
        let names = desired::named_capacity_providers(self.platform);
        findings.capacity_providers.retain(|name, _| names.contains(name));
        if names.is_empty() {
            return;
        }
        let found = match aws.capacity_provider_kinds(&names).await {
            Ok(found) => found,
            // An endpoint that does not know the question, an emulator, knows no Managed Instances.
            Err(error) if error.class() == Class::Bug => BTreeMap::new(),
            Err(error) => return findings.error(&error.into()),
        };
        let kind = |name: &String| match found.get(name) {
            Some(Kind::AutoScalingGroup) => CapacityProviderKind::AutoScalingGroup,
            Some(Kind::ManagedInstances) => CapacityProviderKind::ManagedInstances,
            None => CapacityProviderKind::NotFound,
        };
        findings.capacity_providers = names.iter().map(|name| (name.clone(), kind(name))).collect();
        if let Err(message) = desired::check_capacity(self.platform, &findings.capacity_providers) {
            let verdict = Verdict::Stalled(Reason::InvalidPlatform, message);
            findings.trouble(Class::Invalid, verdict);
        }
    }

    /// An older Platform on the same cluster whose host ports overlap this one's.
    fn overlapping(&self) -> Option<String> {
        let place = desired::place(self.platform);
        let range = place.host_ports?;
        let age = |platform: &Platform| {
            (
                platform.creation_timestamp().map(|time| time.0),
                platform.name_any(),
            )
        };
        // A cluster may be given by name or by ARN, which ends in its name.
        let cluster = |place: &Place| place.cluster.rsplit('/').next().map(ToOwned::to_owned);
        let same_cluster = |other: &Platform| {
            account(other) == account(self.platform)
                && other.spec.region == self.platform.spec.region
                && other.spec.endpoint_url == self.platform.spec.endpoint_url
                && cluster(&desired::place(other)) == cluster(&place)
        };
        let overlaps = |other: &Platform| {
            desired::place(other)
                .host_ports
                .is_some_and(|other| other.overlaps(range))
        };
        let platforms = self.context.caches.platforms();
        let older = platforms
            .iter()
            .find(|other| age(other) < age(self.platform) && same_cluster(other) && overlaps(other))?;
        Some(older.name_any())
    }

    fn api(&self) -> Api<Platform> {
        Api::all(self.context.client.clone())
    }

    async fn write_status(&self, findings: Findings, apps: usize, verdict: &Verdict) -> Result<(), Error> {
        let before = self.platform.status.clone().unwrap_or_default();
        let generation = self.platform.metadata.generation.unwrap_or_default();
        let Findings {
            zones,
            capacity_providers,
            host_ports,
            troubles: _,
            fenced: _,
        } = findings;
        let status = PlatformStatus {
            observed_generation: generation,
            conditions: conditions(&before.conditions, generation, verdict, Timestamp::now()),
            zones: (zones != ZoneNames::default()).then_some(zones),
            capacity_providers,
            host_ports,
            security_groups: given_security_groups(self.platform),
            apps: apps.try_into().unwrap_or(i32::MAX),
        };
        if self.platform.status.as_ref() != Some(&status) {
            report::patch_status(&self.context.client, self.platform, &status).await?;
        }
        let troubles: Vec<Trouble> = verdict.trouble().into_iter().collect();
        let (context, before) = (self.context, &before.conditions);
        context.tell(&self.key, self.platform, before, &troubles).await;
        Ok(())
    }
}

impl Findings {
    fn trouble(&mut self, class: Class, verdict: Verdict) {
        self.troubles.push((class, verdict));
    }

    fn error(&mut self, error: &Error) {
        if error.is_fenced() {
            self.fenced = Some(error.clone());
            return;
        }
        let mut verdict = verdict_of_error(error);
        if let Verdict::Denied(reason, message) = verdict {
            // Apps go on as they are; but this is where their operator looks.
            verdict = Verdict::Reconciling(reason, message);
        }
        self.trouble(error.class(), verdict);
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
