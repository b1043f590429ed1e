//! One pass over one Platform: can it be reached, what are its zones called, who lives here, which ports are taken.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use kube::core::DeserializeGuard;
use kube::runtime::controller::Action;
use kube::runtime::reflector::ObjectRef;
use tracing::info;

use super::backoff;
use super::claims::KubeClaims;
use super::context::Context;
use super::finalizer::{self, APP_FINALIZER, PLATFORM_FINALIZER, has_finalizer};
use super::ports;
use super::report::{self, EventType, Note, words};
use super::resolve::recorded;
use crate::api::app::App;
use crate::api::condition::Reason;
use crate::api::platform::{HostPortCounts, Platform, PlatformStatus, ZoneNames};
use crate::aws::Aws;
use crate::claims::Claims;
use crate::desired;
use crate::error::{Class, Error};
use crate::model::name::AppName;
use crate::model::port::{Claim, PortRange};
use crate::status::{Verdict, conditions, verdict_of_error};

pub(super) async fn pass(platform: Arc<Platform>, context: Arc<Context>) -> Result<Action, Error> {
    Pass {
        platform: &platform,
        context: &context,
    }
    .run()
    .await
}

struct Pass<'a> {
    platform: &'a Platform,
    context: &'a Context,
}

/// What a look at a Platform found.
#[derive(Default)]
struct Findings {
    zones: ZoneNames,
    host_ports: Option<HostPortCounts>,
}

impl Pass<'_> {
    async fn run(&self) -> Result<Action, Error> {
        let apps = self.live_apps().await?;
        let deleting = self.platform.metadata.deletion_timestamp.is_some();
        if deleting && apps.is_empty() {
            finalizer::release(&self.api(), self.platform, PLATFORM_FINALIZER).await?;
            return Ok(Action::await_change());
        }
        if !deleting {
            finalizer::hold(&self.api(), self.platform, PLATFORM_FINALIZER).await?;
        }
        let mut findings = Findings::default();
        let (verdict, retry) = match self.context.installation.id() {
            Err(message) => (
                Verdict::Reconciling(Reason::OwnerChanged, message),
                Some(Class::Denied),
            ),
            Ok(installation) => match self.look(installation, &mut findings).await {
                Err(error) => (verdict_of_error(&error), Some(error.class())),
                Ok(Some(verdict)) => (verdict, Some(Class::Denied)),
                Ok(None) if deleting => {
                    let message = format!(
                        "waiting for {} Apps that hold resources here: {}",
                        apps.len(),
                        apps.join(", ")
                    );
                    (Verdict::Reconciling(Reason::Deleting, message), None)
                }
                Ok(None) => (
                    Verdict::Ready(format!("{} Apps hold resources here", apps.len())),
                    None,
                ),
            },
        };
        self.write_status(findings, apps.len(), &verdict).await?;
        let key = format!("platform {}", self.platform.name_any());
        let delay = if let Some(class) = retry {
            backoff::delay(class, self.context.failures.count(&key), fastrand::f64())
        } else {
            self.context.failures.forget(&key);
            None
        };
        let resync = backoff::spread(self.context.config.resync_interval, fastrand::f64());
        Ok(Action::requeue(delay.unwrap_or(resync)))
    }

    /// Names the zones, claims the ports in use and sweeps those of Apps that are gone. A verdict if the Platform cannot
    /// be used as it is.
    async fn look(&self, installation: &str, findings: &mut Findings) -> Result<Option<Verdict>, Error> {
        let (platform, context) = (self.platform, self.context);
        if let Some(older) = self.overlapping() {
            return Ok(Some(Verdict::Stalled(
                Reason::Conflict,
                format!("network.hostPorts overlaps that of the older Platform {older} on the same cluster"),
            )));
        }
        let aws = context.aws(platform).await;
        let missing = self.name_zones(&*aws, &mut findings.zones).await?;
        let place = desired::place(platform);
        if let Some(range) = place.host_ports {
            let claims = KubeClaims {
                client: &context.client,
                platform,
            };
            if !context.is_recovered(&place.platform) {
                let recovered = ports::recover(&*aws, &claims, &place, installation).await?;
                info!(
                    platform = place.platform,
                    recovered, "claimed the host ports in use"
                );
                context.set_recovered(&place.platform);
                self.wake_apps();
            }
            let held = claims.list(&place.platform).await?;
            let gone = self.owners_gone(&held).await?;
            ports::sweep(&*aws, &claims, &place, installation, gone).await?;
            findings.host_ports = Some(counts(range, &claims.list(&place.platform).await?));
        }
        Ok(missing.map(|zone| {
            Verdict::Reconciling(
                Reason::ZoneNotFound,
                format!("dns: hosted zone {zone} was not found"),
            )
        }))
    }

    /// The id of a zone that does not exist.
    async fn name_zones(&self, aws: &dyn Aws, names: &mut ZoneNames) -> Result<Option<String>, Error> {
        let Some(dns) = &self.platform.spec.dns else {
            return Ok(None);
        };
        let mut missing = None;
        for (zone, name) in [
            (&dns.internal, &mut names.internal),
            (&dns.external, &mut names.external),
        ] {
            let Some(zone) = zone else { continue };
            *name = aws.zone_name(&zone.hosted_zone_id).await?;
            if name.is_none() {
                missing = Some(zone.hosted_zone_id.clone());
            }
        }
        Ok(missing)
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
        let same_cluster = |other: &Platform| {
            other.spec.region == self.platform.spec.region
                && other.spec.endpoint_url == self.platform.spec.endpoint_url
                && desired::place(other).cluster == place.cluster
        };
        let overlaps = |other: &Platform| {
            desired::place(other)
                .host_ports
                .is_some_and(|other| other.overlaps(range))
        };
        let platforms = self.context.platforms.state();
        let older = platforms
            .iter()
            .find(|other| age(other) < age(self.platform) && same_cluster(other) && overlaps(other))?;
        Some(older.name_any())
    }

    /// The Apps that hold, or held, anything here, from a live list: a cached one may miss the newest.
    async fn live_apps(&self) -> Result<Vec<String>, Error> {
        let apps: Api<DeserializeGuard<App>> = Api::all(self.context.client.clone());
        let found = apps
            .list(&ListParams::default())
            .await
            .map_err(|error| failed("list Apps", &error))?;
        let here = |app: &App| {
            has_finalizer(app, APP_FINALIZER)
                && recorded(app).is_some_and(|record| record.name == self.platform.name_any())
        };
        let apps = found
            .items
            .into_iter()
            .filter_map(|guard| guard.0.ok())
            .filter(here);
        Ok(apps.map(|app| desired::app_name(&app).to_string()).collect())
    }

    /// The claims whose App does not exist any more.
    async fn owners_gone(&self, claims: &[Claim]) -> Result<BTreeSet<AppName>, Error> {
        let mut gone = BTreeSet::new();
        for app in claims
            .iter()
            .map(|claim| &claim.owner.app)
            .collect::<BTreeSet<_>>()
        {
            let api: Api<App> = Api::namespaced(self.context.client.clone(), &app.namespace);
            let found = api
                .get_metadata_opt(&app.name)
                .await
                .map_err(|error| failed("get an App", &error))?;
            if found.is_none() {
                gone.insert(app.clone());
            }
        }
        Ok(gone)
    }

    fn wake_apps(&self) {
        for app in self.context.apps.state() {
            let _ = self.context.wake.apps.unbounded_send(ObjectRef::from_obj(&*app));
        }
    }

    fn api(&self) -> Api<Platform> {
        Api::all(self.context.client.clone())
    }

    async fn write_status(&self, findings: Findings, apps: usize, verdict: &Verdict) -> Result<(), Error> {
        let before = self.platform.status.clone().unwrap_or_default();
        let generation = self.platform.metadata.generation.unwrap_or_default();
        // What could not be read this time is as it was.
        let Findings { zones, host_ports } = findings;
        let known = before.zones.clone().unwrap_or_default();
        let unread = matches!(verdict, Verdict::Disturbed(..));
        let zones = if unread { known } else { zones };
        let status = PlatformStatus {
            observed_generation: generation,
            conditions: conditions(&before.conditions, generation, verdict, Timestamp::now()),
            zones: (zones != ZoneNames::default()).then_some(zones),
            host_ports: host_ports.or(before.host_ports.clone().filter(|_| unread)),
            apps: apps.try_into().unwrap_or(i32::MAX),
        };
        if self.platform.status.as_ref() == Some(&status) {
            return Ok(());
        }
        if let Verdict::Reconciling(reason, message)
        | Verdict::Stalled(reason, message)
        | Verdict::Disturbed(reason, message) = verdict
            && !before
                .conditions
                .iter()
                .any(|c| c.reason == reason.as_str() && c.message == *message)
        {
            let note = Note {
                kind: EventType::Warning,
                reason: reason.as_str().into(),
                action: "Reconcile",
                text: message.clone(),
            };
            report::publish(&self.context.client, self.platform, vec![note]).await;
        }
        report::patch_status(&self.api(), self.platform, &status).await
    }
}

fn counts(range: PortRange, claims: &[Claim]) -> HostPortCounts {
    let within = claims.iter().filter(|claim| range.contains(claim.port)).count();
    let allocated = i32::try_from(claims.len()).unwrap_or(i32::MAX);
    let within = i32::try_from(within).unwrap_or(i32::MAX);
    HostPortCounts {
        allocated,
        available: i32::try_from(range.size()).unwrap_or(i32::MAX) - within,
    }
}

fn failed(action: &'static str, error: &kube::Error) -> Error {
    Error::Kubernetes {
        action,
        message: words(error),
    }
}
