//! The Platform of an App. Once recorded on the App, it stays that one, even if the default moves.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use kube::core::ObjectMeta;

use super::installation::Installation;
use super::met_by::call_alone;
use crate::api::app::{App, PlatformRecord, ProcessStatus};
use crate::api::condition::{ConditionType, Reason};
use crate::api::platform::Platform;
use crate::desired;
use crate::model::owner::Owner;
use crate::status::Verdict;

/// On every App that holds, or is about to make, anything.
pub const APP_FINALIZER: &str = "empire.dev/controller";

/// The record on the App, as JSON; the status holds a copy, and either suffices.
pub const RECORD_ANNOTATION: &str = "empire.dev/platform-record";
pub const DEFAULT_ANNOTATION: &str = "empire.dev/is-default-platform";

#[derive(Debug)]
pub(super) struct Resolved<'a> {
    pub platform: &'a Platform,
    pub record: PlatformRecord,
}

/// Where an App lives, and what marks its things there.
#[derive(Clone, Debug)]
pub struct Binding<'a> {
    pub platform: &'a Platform,
    pub record: PlatformRecord,
    pub owner: Owner,
}

pub fn has_finalizer(metadata: &ObjectMeta, finalizer: &str) -> bool {
    metadata
        .finalizers
        .iter()
        .flatten()
        .any(|known| known == finalizer)
}

pub fn is_leaving(app: &App) -> bool {
    app.metadata.deletion_timestamp.is_some()
}

/// Binds an App to its Platform, or gives the verdict on one that can live nowhere yet.
pub fn bind<'a>(
    app: &App,
    platforms: &'a [Platform],
    installation: &Installation,
) -> Result<Binding<'a>, Verdict> {
    let changed = |message| Verdict::Reconciling(Reason::OwnerChanged, message);
    let owner_id = installation.id().map_err(changed)?;
    // Of an App that is being deleted, too: under another id, nothing would be found to remove.
    let theirs = recorded(app).and_then(|record| record.owner_id);
    if let Some(message) = theirs.and_then(|theirs| installation.contradiction(&theirs)) {
        return Err(changed(message));
    }
    let Resolved { platform, mut record } = resolve(app, platforms)?;
    record.owner_id = Some(owner_id.into());
    if !is_leaving(app)
        && let Some(verdict) = unready(app, platform)
    {
        return Err(verdict);
    }
    let owner = Owner {
        installation: owner_id.into(),
        app: desired::app_name(app),
    };
    Ok(Binding {
        platform,
        record,
        owner,
    })
}

/// The App's Platform, or the verdict on an App that has none.
pub(super) fn resolve<'a>(app: &App, platforms: &'a [Platform]) -> Result<Resolved<'a>, Verdict> {
    let recorded = recorded(app);
    // What an App that goes would rather run on does not matter any more.
    if app.metadata.deletion_timestamp.is_none()
        && let (Some(recorded), Some(wanted)) = (&recorded, &app.spec.platform)
        && *wanted != recorded.name
    {
        return Err(Verdict::Stalled(
            Reason::PlatformChanged,
            format!(
                "platform: this App runs on Platform {}; to move it to {wanted}, make a new App",
                recorded.name
            ),
        ));
    }
    let name = match recorded
        .as_ref()
        .map(|recorded| &recorded.name)
        .or(app.spec.platform.as_ref())
    {
        Some(name) => name.clone(),
        None => default(platforms.iter())?,
    };
    let Some(platform) = platforms.iter().find(|platform| platform.name_any() == name) else {
        let held = if recorded.is_some() {
            ", which holds this App's resources: create it again"
        } else {
            ""
        };
        return Err(Verdict::Reconciling(
            Reason::PlatformNotFound,
            format!("there is no Platform {name}{held}"),
        ));
    };
    let record = record(platform);
    // A zone of the annotation's that the Platform has not is no zone of the App's, as the Platform could not lose it.
    let is_forged = || holding(app).is_some_and(|reported| goes_on(reported, &record));
    match recorded {
        Some(recorded) if !agrees(&recorded, &record) && !is_forged() => Err(Verdict::Stalled(
            Reason::PlatformChanged,
            format!(
                "Platform {name} is not where this App's resources are: they are in {}region {}, cluster {}, VPC {}",
                recorded
                    .account
                    .as_ref()
                    .map(|account| format!("account {account}, "))
                    .unwrap_or_default(),
                recorded.region,
                recorded.cluster,
                recorded.vpc_id
            ),
        )),
        None if platform.metadata.deletion_timestamp.is_some() => Err(Verdict::Reconciling(
            Reason::PlatformDeleting,
            format!("Platform {name} is being deleted and takes no new Apps"),
        )),
        Some(_) | None => Ok(Resolved { platform, record }),
    }
}

/// The Platform that an App is bound to. Its status counts where it shows that the App holds something, since a
/// `kubectl replace` drops the annotation, and whoever edits an App may forge it; and of an App that is deleted in any case,
/// since it names the Platform before anything is made there. The annotation is written before the status, so one that goes
/// on from the status is the newer, but for its owner id.
pub fn recorded(app: &App) -> Option<PlatformRecord> {
    match (annotated(&app.metadata), holding(app)) {
        (Some(annotated), Some(reported)) if goes_on(reported, &annotated) => Some(PlatformRecord {
            // The status has a new one first.
            owner_id: reported.owner_id.clone().or(annotated.owner_id),
            ..annotated
        }),
        (annotated, reported) => reported.cloned().or(annotated),
    }
}

/// The Platform of a status that shows that the App holds something, or may, where it is deleted.
fn holding(app: &App) -> Option<&PlatformRecord> {
    reported(app).filter(|_| is_leaving(app) || reports_holdings(app))
}

/// The Platform of an App's status, which only the controller writes.
fn reported(app: &App) -> Option<&PlatformRecord> {
    app.status.as_ref()?.platform.as_ref()
}

/// Returns true if the controller has taken an App in at this Platform: its status says so before anything is made, and
/// before finalizer and annotation are there, which anybody could write.
pub(super) fn is_accepted(app: &App, platform: &str) -> bool {
    reported(app).is_some_and(|reported| reported.name == platform)
}

/// Returns true if an App's status shows anything that it holds.
pub fn reports_holdings(app: &App) -> bool {
    let holds = |process: &ProcessStatus| {
        process.task_definition.is_some() || process.load_balancer.is_some() || !process.host_ports.is_empty()
    };
    let status = app.status.as_ref();
    status.is_some_and(|status| status.processes.iter().any(holds))
}

/// The record in an object's metadata, which can be read even where the rest cannot.
pub fn annotated(metadata: &ObjectMeta) -> Option<PlatformRecord> {
    let text = metadata.annotations.as_ref()?.get(RECORD_ANNOTATION)?;
    serde_json::from_str(text).ok()
}

/// Returns the Platform that an App without a record would be bound to, if it is known.
pub fn platform_of<'a>(app: &App, platforms: &[&'a Platform]) -> Option<&'a Platform> {
    let name = match &app.spec.platform {
        Some(name) => name.clone(),
        None => default(platforms.iter().copied()).ok()?,
    };
    platforms
        .iter()
        .find(|platform| platform.name_any() == name)
        .copied()
}

/// Returns the name of the one Platform that is for Apps that name none. One that is being deleted takes none, and leaves its place
/// to another.
pub(super) fn default<'a>(platforms: impl Iterator<Item = &'a Platform>) -> Result<String, Verdict> {
    let is_default = |platform: &&'a Platform| {
        platform
            .annotations()
            .get(DEFAULT_ANNOTATION)
            .is_some_and(|v| v == "true")
    };
    let is_leaving = |platform: &&'a Platform| platform.metadata.deletion_timestamp.is_some();
    let (leaving, staying): (Vec<_>, Vec<_>) = platforms.filter(is_default).partition(is_leaving);
    let defaults = if staying.is_empty() { leaving } else { staying };
    let mut defaults: Vec<String> = defaults.into_iter().map(ResourceExt::name_any).collect();
    defaults.sort();
    match defaults.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(Verdict::Reconciling(
            Reason::NoDefaultPlatform,
            format!("platform is not set, and no Platform is annotated {DEFAULT_ANNOTATION}: \"true\""),
        )),
        several => Err(Verdict::Reconciling(
            Reason::AmbiguousDefaultPlatform,
            format!(
                "platform is not set, and several are the default: {}",
                several.join(", ")
            ),
        )),
    }
}

/// The AWS account that a Platform is in, if it has a role: without, it is the controller's own.
pub fn account(platform: &Platform) -> Option<String> {
    let role = platform.spec.role_arn.as_ref()?;
    role.split(':').nth(4).map(Into::into)
}

/// Returns the parts of a Platform that an App's resources depend on for good; the owner is the installation's to say.
pub(super) fn record(platform: &Platform) -> PlatformRecord {
    let place = crate::desired::place(platform);
    let dns = platform.spec.dns.as_ref();
    let zone = |zone: Option<&crate::api::platform::Zone>| zone.map(|zone| zone.hosted_zone_id.clone());
    PlatformRecord {
        name: platform.name_any(),
        account: account(platform),
        region: platform.spec.region.clone(),
        cluster: place.cluster,
        vpc_id: platform.spec.network.vpc_id.clone(),
        internal_zone_id: zone(dns.and_then(|dns| dns.internal.as_ref())),
        external_zone_id: zone(dns.and_then(|dns| dns.external.as_ref())),
        owner_id: None,
    }
}

/// Returns true if the owner id that is recorded is that one, or is not recorded yet.
pub(super) fn has_same_owner(recorded: &PlatformRecord, found: &PlatformRecord) -> bool {
    recorded.owner_id.is_none() || recorded.owner_id == found.owner_id
}

/// Returns true if an App whose status has one record may have come to the other one since. The owner id is the
/// installation's to judge.
fn goes_on(reported: &PlatformRecord, annotated: &PlatformRecord) -> bool {
    reported.name == annotated.name && agrees(reported, annotated)
}

/// A zone may be added, nothing else may change.
pub(super) fn agrees(recorded: &PlatformRecord, found: &PlatformRecord) -> bool {
    let same_zone =
        |recorded: &Option<String>, found: &Option<String>| recorded.is_none() || recorded == found;
    recorded.account == found.account
        && recorded.region == found.region
        && recorded.cluster == found.cluster
        && recorded.vpc_id == found.vpc_id
        && same_zone(&recorded.internal_zone_id, &found.internal_zone_id)
        && same_zone(&recorded.external_zone_id, &found.external_zone_id)
}

/// Why an App cannot use its Platform yet.
pub(super) fn unready(app: &App, platform: &Platform) -> Option<Verdict> {
    let name = platform.name_any();
    let status = platform.status.as_ref();
    if status.map(|status| status.observed_generation) != platform.metadata.generation {
        return Some(Verdict::Disturbed(
            Reason::PlatformNotReady,
            format!("Platform {name} has not been looked at yet"),
        ));
    }
    let stalled = status.into_iter().flat_map(|status| &status.conditions);
    // Any other trouble of its own concerns only those who need what it could not find.
    let is_for_all =
        |c: &&Condition| c.type_ == ConditionType::Stalled.as_str() && c.reason == Reason::Conflict.as_str();
    if let Some(stalled) = stalled.into_iter().find(is_for_all) {
        return Some(Verdict::Reconciling(
            Reason::PlatformNotReady,
            format!("Platform {name}: {}", stalled.message),
        ));
    }
    if let Some(provider) = crate::desired::unknown_capacity_provider(platform) {
        // Why AWS has not said it, the Platform's own pass has found out.
        let (reason, why) = trouble(platform).unwrap_or_else(|| {
            let why = format!("it is not known yet what capacity provider {provider} is made of");
            (Reason::PlatformNotReady, why)
        });
        return Some(Verdict::Reconciling(reason, format!("Platform {name}: {why}")));
    }
    let names = status.and_then(|status| status.zones.as_ref());
    let dns = platform
        .spec
        .dns
        .as_ref()
        .filter(|_| crate::desired::has_names(app, platform))?;
    let zones = [
        (
            dns.internal.as_ref(),
            names.and_then(|names| names.internal.as_ref()),
        ),
        (
            dns.external
                .as_ref()
                .filter(|_| crate::desired::has_external_names(app)),
            names.and_then(|names| names.external.as_ref()),
        ),
    ];
    let missing = zones
        .into_iter()
        .find_map(|(zone, name)| zone.filter(|_| name.is_none()))?;
    // Why its name is not known, the Platform's own pass has found out.
    let (reason, why) = trouble(platform).unwrap_or_else(|| {
        let id = &missing.hosted_zone_id;
        (Reason::ZoneNotFound, format!("hosted zone {id} was not found"))
    });
    Some(Verdict::Reconciling(reason, format!("Platform {name}: {why}")))
}

/// Returns the trouble of a Platform, with its own message, in which nothing of an App is named: it may be of another namespace.
fn trouble(platform: &Platform) -> Option<(Reason, String)> {
    let conditions = &platform.status.as_ref()?.conditions;
    let ready = ConditionType::Ready.find(conditions)?;
    let reason = Reason::named(&ready.reason)?;
    let message = if reason == Reason::Deleting {
        "it is being deleted"
    } else if reason == Reason::AccessDenied {
        call_alone(&ready.message)
    } else {
        &ready.message
    };
    (ready.status != "True").then(|| (reason, message.into()))
}

#[cfg(test)]
mod tests;
