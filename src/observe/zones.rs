//! Hosted zones. Of two zones of the same name, a name that the App does not have yet is looked up in both.

use std::collections::BTreeSet;

use crate::aws;
use crate::lists::{Found, Lists, Sought};
use crate::model::desired::{Desired, RecordKey};
use crate::model::record::ownership_name;
use crate::model::shared_map::SharedMap;
use crate::model::state::{LoadBalancerState, Observed, ZoneState};

/// The records of a zone that may matter: those of names that are wanted there or in the other zone of the same name, those
/// with an ownership record of ours, and those that point at a load balancer of ours.
pub(super) async fn records(
    lists: &dyn Lists,
    desired: &Desired,
    load_balancers: &SharedMap<String, LoadBalancerState>,
    zone: &str,
) -> aws::Result<Found<Option<ZoneState>>> {
    let twin = desired.place.twin(zone);
    let keys = desired.records.keys();
    let wanted = keys.filter(|key| key.zone == zone || Some(&key.zone) == twin);
    let sought = Sought {
        owner: &desired.owner,
        names: wanted.map(|key| key.name.clone()).collect(),
        hosts: load_balancers.values().map(LoadBalancerState::host).collect(),
    };
    lists.records(zone, &sought).await
}

/// Returns the zones in which a wanted name may be another's that the App does not have yet, besides the one in which it is
/// wanted. A name that it has was looked up when it was taken.
pub(super) fn unclaimed(desired: &Desired, observed: &Observed) -> BTreeSet<String> {
    let is_ours = |key: &RecordKey| {
        let ownership = ownership_name(&key.name);
        let records = observed.zones.get(&key.zone).into_iter();
        let mut records = records.flat_map(|zone| &zone.records);
        records.any(|record| record.name == ownership && desired.owner.owns_record_text(&record.text()))
    };
    let unclaimed = desired.records.keys().filter(|key| !is_ours(key));
    let twins = unclaimed.filter_map(|key| desired.place.twin(&key.zone));
    twins.cloned().collect()
}
