//! Claims and names that no App's own pass sees to: claims that were lost, or whose App is gone, and names that are kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::plan;
use super::route53::batches;
use crate::change::{Change, Deferred, PortWrite, RecordBatch, Write};
use crate::model::desired::{Desired, Place};
use crate::model::owner::AppName;
use crate::model::port::Claim;
use crate::model::record::{RecordChange, RecordSet};
use crate::model::state::Observed;

/// All Apps that there are, each with the name of the Platform that it is bound to.
pub type Bound = BTreeMap<AppName, Option<String>>;

/// Returns the claims to make for the ports that services use and nobody has claimed. An App of another Platform on the
/// same cluster has its claims there.
pub fn recover(place: &Place, in_use: Vec<Claim>, taken: &BTreeSet<u16>, apps: &Bound) -> Vec<Claim> {
    let in_range = |port| place.host_ports.is_some_and(|range| range.contains(port));
    let belongs = |claim: &Claim| match apps.get(&claim.owner.app) {
        Some(Some(bound)) => *bound == place.platform,
        // After a restore from manifests, Apps are bound to no Platform yet.
        Some(None) | None => in_range(claim.port),
    };
    let mut taken = taken.clone();
    let in_use = in_use.into_iter();
    in_use
        .filter(|claim| belongs(claim) && taken.insert(claim.port))
        .collect()
}

/// Returns the claims to release of an App that is gone, by the rule that every claim is released by: nothing uses the
/// port any more. All else that is left of it stays, and so do the claims that were retained.
pub fn sweep(gone: &Desired, observed: &Observed) -> Vec<Change> {
    let mut changes = plan(gone, observed, &Deferred::new()).changes;
    changes
        .retain(|change| matches!(&change.write, Write::Port(PortWrite::Release(claim)) if !claim.retained));
    changes
}

/// Returns the batches that remove these records of a zone, each compared with what is there.
pub fn removal(zone: &str, records: Vec<Arc<RecordSet>>) -> Vec<RecordBatch> {
    let by_name = records
        .into_iter()
        .map(|record| vec![RecordChange::Delete((*record).clone())]);
    batches(zone, by_name.collect())
}

#[cfg(test)]
mod tests;
