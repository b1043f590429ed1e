//! A batch of records, which may be refused as a whole for one of them.

use super::Applied;
use crate::aws::{Aws, AwsError, Fault};
use crate::error::{Class, Error};
use crate::model::record::RecordChange;
use crate::model::state::Observed;
use crate::plan::names_of;

/// A refused batch may be our own lost reply, or hold one name that is somebody else's: its names are read again, and
/// the next plan sorts them out. If they look as before, the batch is cut in half until the culprit stands alone.
pub(super) async fn change(
    aws: &dyn Aws,
    observed: &mut Observed,
    zone: &str,
    changes: &[RecordChange],
) -> Result<Applied, Error> {
    let Err(error) = aws.change_records(zone, changes).await else {
        fold_records(observed, zone, changes);
        return Ok(Applied::Done);
    };
    if error.fault != Fault::Stale && error.class() != Class::Refused {
        return Err(error.into());
    }
    let names = names_of(changes);
    let mut listed = Vec::new();
    for name in names.keys() {
        listed.push((name.clone(), aws.list_name(zone, name).await?));
    }
    let Some(state) = observed.zones.get_mut(zone) else {
        return Err(error.into());
    };
    let before = state.records.clone();
    for (name, records) in listed {
        state
            .records
            .retain(|known| known.name != name && known.name.strip_prefix("_empire.") != Some(&name));
        state.records.extend(records);
    }
    let same =
        before.len() == state.records.len() && before.iter().all(|record| state.records.contains(record));
    match (same, names.len()) {
        (false, _) => Ok(Applied::Replan),
        (true, 0 | 1) => Ok(Applied::Failed(
            AwsError {
                fault: Fault::Failed(Class::Refused),
                ..error
            }
            .into(),
        )),
        (true, many) => {
            state.batch_limit = Some(many.div_ceil(2));
            Ok(Applied::Replan)
        }
    }
}

fn fold_records(observed: &mut Observed, zone: &str, changes: &[RecordChange]) {
    for change in changes {
        if let RecordChange::Delete(record) = change
            && let Some(target) = record.target()
            && let Some(was) = observed.load_balancers.values().find(|l| l.host() == target)
        {
            let ttl = observed.replaced_ttl.entry(was.name.clone()).or_default();
            *ttl = record.ttl().max(*ttl);
            // Whatever it waited before, the wait begins now.
            observed.waits_over.remove(&was.name);
        }
    }
    let Some(state) = observed.zones.get_mut(zone) else {
        return;
    };
    for change in changes {
        match change {
            RecordChange::Delete(record) => state.records.retain(|known| known != record),
            RecordChange::Create(record) => state.records.push(record.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
