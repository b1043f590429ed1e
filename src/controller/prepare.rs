//! What a pass over an App starts from, as does a preview of one: where the App lives, what it wants, and what its
//! status remembers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::finalizer::{APP_FINALIZER, has_finalizer};
use super::installation::Installation;
use super::resolve::{Resolved, recorded, resolve, unready};
use crate::api::app::{App, AppStatus, PlatformRecord, ProcessStatus};
use crate::api::condition::Reason;
use crate::api::platform::Platform;
use crate::desired::{self, Built, NamespaceLabels};
use crate::error::Error;
use crate::model::desired::Desired;
use crate::model::name::Arn;
use crate::model::owner::Owner;
use crate::observe::Known;
use crate::reconcile::{Contradicted, Request, Scope};
use crate::status::{self, Verdict};

/// Where an App lives, and what marks its things there.
#[derive(Clone, Debug)]
pub(super) struct Bound<'a> {
    pub platform: &'a Platform,
    pub record: PlatformRecord,
    pub owner: Owner,
    /// What its namespace is labelled with.
    pub namespace: NamespaceLabels,
}

/// Returns the day before, of which it is certain that it has begun in every time zone.
pub(super) fn yesterday(now: Timestamp) -> Date {
    let today = now.to_zoned(TimeZone::UTC).date();
    today.yesterday().unwrap_or(today)
}

/// Or the verdict on an App that can live nowhere yet.
pub(super) fn bind<'a>(
    app: &App,
    platforms: &'a [Platform],
    namespace: NamespaceLabels,
    installation: &Installation,
) -> Result<Bound<'a>, Verdict> {
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
    Ok(Bound {
        platform,
        record,
        owner,
        namespace,
    })
}

/// What is wanted: nothing, of an App that is being deleted, be it removed or let go of.
pub(super) fn wanted(app: &App, bound: &Bound<'_>) -> Result<Built, Error> {
    let (platform, owner) = (bound.platform, &bound.owner);
    if is_leaving(app) {
        let (owner, place) = (owner.clone(), desired::place(platform));
        return Ok(Built {
            desired: if desired::leaves_things_behind(app, Some(platform)) {
                Desired::retaining(owner, place)
            } else {
                Desired::empty(owner, place)
            },
            warnings: Vec::new(),
        });
    }
    desired::build(app, platform, owner, &bound.namespace)
}

/// A pass that looks at everything, by nothing but the App and the status it has.
pub(super) fn request<'a>(
    app: &App,
    status: Option<&AppStatus>,
    desired: &'a Desired,
    platform: &Platform,
    retire_after: Duration,
    now: Timestamp,
) -> Request<'a> {
    let waits = status::waits(status, retire_after, desired::ttl(platform), now);
    Request {
        desired,
        known: Known {
            mentioned: mentioned(app, status),
            rollouts: status::rollouts(status),
            revisions: status::revisions(status),
            echoes: status::echoes(status),
            reported_definitions: reported_definitions(status),
            holdings: status::holdings(status, has_finalizer(app, APP_FINALIZER)),
            ..Known::default()
        },
        scope: Scope::Everything,
        retiring: waits.retiring,
        waits_over: waits.over,
        now: now.as_second(),
        suspended: is_suspended(app, platform),
        held: Vec::new(),
        contradicted: Contradicted::new(),
    }
}

/// A service that drains is in no list. Of one whose status was lost, the manifest still speaks.
fn mentioned(app: &App, status: Option<&AppStatus>) -> BTreeSet<String> {
    let reported = status.into_iter().flat_map(|status| &status.processes);
    reported
        .map(|process| &process.name)
        .chain(app.spec.processes.keys())
        .cloned()
        .collect()
}

/// What the status says that each process runs. Of one without service and schedule nothing else does.
fn reported_definitions(status: Option<&AppStatus>) -> BTreeMap<String, Arn> {
    let reported = status.into_iter().flat_map(|status| &status.processes);
    let definition = |process: &ProcessStatus| {
        let arn = process.task_definition.clone()?;
        Some((process.name.clone(), Arn(arn)))
    };
    reported.filter_map(definition).collect()
}

/// A suspended App may let go of what it has: nothing stops for it.
pub(super) fn is_suspended(app: &App, platform: &Platform) -> bool {
    let may_leave = is_leaving(app) && desired::leaves_things_behind(app, Some(platform));
    app.spec.suspend.unwrap_or(false) && !may_leave
}

pub(super) fn is_leaving(app: &App) -> bool {
    app.metadata.deletion_timestamp.is_some()
}
