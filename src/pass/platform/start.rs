//! The start of a Platform's pass: what there is to look at, or why nothing may be.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kube::ResourceExt;

use super::leaving::Leaving;
use super::lists::OldList;
use super::memory::Memory;
use super::tenant::Tenant;
use crate::api::condition::Reason;
use crate::api::platform::{Openness, Platform, Zone};
use crate::desired;
use crate::model::class::Class;
use crate::model::desired::Place;
use crate::model::name::last_segment;
use crate::pass::binding::account;
use crate::pass::installation::Installation;
use crate::pass::keeping::text;
use crate::reconcile::platform::{Outcome, Request, Sweep};
use crate::status::Verdict;

/// The facts that a pass uses besides its Platform, as the caches show them.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    pub platforms: &'a [Platform],
    /// All Apps.
    pub tenants: &'a [Tenant],
    pub installation: &'a Installation,
    /// The reason why nothing may be written to AWS, if there is one.
    pub stopped: Option<Verdict>,
    pub leaving: Leaving,
    /// The lists by which its Apps are compared, and that are not read any more.
    pub old_lists: Vec<OldList>,
}

/// The next step of a pass.
#[derive(Debug)]
pub enum Step {
    Conclude(End),
    Reconcile(Box<Request>),
}

/// The end of a pass.
#[derive(Debug)]
pub enum End {
    /// It was looked at, whatever of that failed.
    Reconciled(Box<Outcome>),
    /// Something is in the way of looking at it.
    Obstacle(Class, Verdict),
}

/// Decides what a pass does.
pub fn start(memory: &Memory, platform: &Platform, facts: &Facts<'_>, now: Timestamp) -> Step {
    let changed = |message| Verdict::Reconciling(Reason::OwnerChanged, message);
    let goes = facts.leaving == Leaving::NamesFirst;
    // A definition that is being deleted itself cannot be brought up to date.
    let installation = match facts.stopped.as_ref().filter(|_| !goes) {
        Some(verdict) => Err(verdict.clone()),
        None => facts.installation.id().map_err(changed),
    };
    let installation = match installation {
        Ok(installation) => installation.to_owned(),
        Err(verdict) => return Step::Conclude(End::Obstacle(Class::Denied, verdict)),
    };
    let older = overlapping(platform, facts.platforms);
    // Nothing is made any more of one that goes.
    if let Some(older) = older.filter(|_| !goes) {
        let message =
            format!("network.hostPorts overlaps that of the older Platform {older} on the same cluster");
        let verdict = Verdict::Stalled(Reason::Conflict, message);
        return Step::Conclude(End::Obstacle(Class::Conflict, verdict));
    }
    let dns = platform.spec.dns.as_ref();
    let zone = |zone: Option<&Zone>| zone.map(|zone| zone.hosted_zone_id.clone());
    let tenants = facts.tenants.iter();
    Step::Reconcile(Box::new(Request {
        place: desired::place(platform),
        installation,
        internal_zone: zone(dns.and_then(|dns| dns.internal.as_ref())),
        external_zone: zone(dns.and_then(|dns| dns.external.as_ref())),
        capacity_providers: desired::named_capacity_providers(platform),
        apps: tenants
            .map(|tenant| (tenant.app.clone(), tenant.platform.clone()))
            .collect(),
        // Nobody claims any more of one that goes, and whose Apps they are the caches may not know.
        recovers: !goes && !memory.has_recovered_ports(platform),
        kept: sweep(platform, facts, now),
    }))
}

/// Returns true if names may be kept in the zones of a Platform.
pub fn may_keep_names(platform: &Platform) -> bool {
    let status = platform.status.as_ref();
    desired::openness(platform) == Openness::Granted
        || status.is_some_and(|status| status.kept_names.is_some())
}

/// The names that are kept in its zones. Those of a zone that another Platform has, too, stay with that one.
fn sweep(platform: &Platform, facts: &Facts<'_>, now: Timestamp) -> Sweep {
    let all = facts.leaving == Leaving::NamesFirst;
    let stays = |other: &&Platform| {
        other.name_any() != platform.name_any()
            && other.metadata.deletion_timestamp.is_none()
            && may_keep_names(other)
    };
    let others = facts.platforms.iter().filter(|other| all && stays(other));
    let others: BTreeSet<String> = others.flat_map(|other| desired::place(other).zones).collect();
    let mut zones = desired::place(platform).zones;
    zones.retain(|zone| may_keep_names(platform) && !others.contains(zone));
    Sweep {
        zones,
        all,
        now: text(now.as_second()),
    }
}

/// Finds an older Platform on the same cluster whose host ports overlap this one's.
fn overlapping(platform: &Platform, platforms: &[Platform]) -> Option<String> {
    let place = desired::place(platform);
    let range = place.host_ports?;
    let age = |platform: &Platform| {
        (
            platform.creation_timestamp().map(|time| time.0),
            platform.name_any(),
        )
    };
    // A cluster may be given by name or by ARN.
    let cluster = |place: &Place| last_segment(&place.cluster).to_owned();
    let same_cluster = |other: &Platform| {
        account(other) == account(platform)
            && other.spec.region == platform.spec.region
            && other.spec.endpoint_url == platform.spec.endpoint_url
            && cluster(&desired::place(other)) == cluster(&place)
    };
    let overlaps = |other: &Platform| {
        desired::place(other)
            .host_ports
            .is_some_and(|other| other.overlaps(range))
    };
    let older = platforms
        .iter()
        .find(|other| age(other) < age(platform) && same_cluster(other) && overlaps(other))?;
    Some(older.name_any())
}

#[cfg(test)]
mod tests;
