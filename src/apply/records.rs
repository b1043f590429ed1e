//! A batch of records, which may be refused as a whole for one of them.

use std::collections::BTreeSet;

use super::Applied;
use crate::aws::{Aws, AwsError, Fault};
use crate::change::{RecordBatch, names_of};
use crate::error::Error;
use crate::model::class::Class;
use crate::model::record::{RecordChange, RecordSet, normalize, ownership_name};
use crate::model::state::Observed;

/// A refused batch may be our own lost reply, or hold names that are somebody else's. The names that Route 53's message is
/// about are read again, all of them where it names none. Where they look otherwise than before, the next plan sorts
/// them out; where they do not, each of them goes alone, so that the others go together. What no message explains is
/// cut in half until the culprit stands alone.
///
/// The message decides only which names are tried together: misread, it costs calls.
pub(super) async fn refused(
    aws: &dyn Aws,
    observed: &mut Observed,
    batch: &RecordBatch,
    error: AwsError,
) -> Result<Applied, Error> {
    let RecordBatch { zone, changes } = batch;
    if error.fault != Fault::Stale && error.class() != Class::Refused {
        return Err(error.into());
    }
    let all: BTreeSet<String> = names_of(changes).into_keys().collect();
    let named = named_in(&error.message, changes);
    let Some(state) = observed.zones.get_mut(zone) else {
        return Err(error.into());
    };
    let is_known = named.is_empty() && all.len() > 1;
    let suspects = if named.is_empty() { &all } else { &named };
    let again = suspects
        .iter()
        .filter(|name| !(is_known && state.refused.read_again.contains(*name)));
    let mut listed = Vec::new();
    for name in again {
        listed.push((name, aws.list_name(zone, name).await?));
    }
    let mut differs = false;
    for (name, records) in listed {
        state.refused.read_again.insert(name.clone());
        let of_name = |known: &RecordSet| {
            &known.name == name || known.name.strip_prefix("_empire.") == Some(name.as_str())
        };
        let before: Vec<RecordSet> = state.records.extract_if(.., |known| of_name(known)).collect();
        let same = before.len() == records.len() && before.iter().all(|record| records.contains(record));
        if !same {
            differs = true;
        } else if named.len() < all.len() && named.contains(name) {
            state.refused.alone.insert(name.clone());
        }
        state.records.extend(records);
    }
    if all.len() <= 1 && !differs {
        return Ok(Applied::Failed(
            AwsError {
                fault: Fault::Failed(Class::Refused),
                ..error
            }
            .into(),
        ));
    }
    let is_explained = differs || (!named.is_empty() && named.len() < all.len());
    if !is_explained {
        state.refused.limit = Some(all.len().div_ceil(2));
    }
    Ok(Applied::Replan)
}

/// Returns the names of a batch that a message is about: by themselves, by their ownership record, or by the host that
/// they point at. Route 53's messages hold names as `[name='a.example.com.', type='CNAME']`, `DNS name a.example.com.` and
/// `targets b.example.net., type A`: <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html>.
fn named_in(message: &str, changes: &[RecordChange]) -> BTreeSet<String> {
    let is_between = |c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c));
    let said: BTreeSet<String> = message.split(is_between).map(normalize).collect();
    let points_at_one = |change: &RecordChange| {
        let target = change.record().target();
        target.is_some_and(|target| said.contains(&target))
    };
    let is_meant = |name: &String, changes: &[RecordChange]| {
        said.contains(name) || said.contains(&ownership_name(name)) || changes.iter().any(points_at_one)
    };
    let names = names_of(changes).into_iter();
    let meant = names.filter(|(name, changes)| is_meant(name, changes));
    meant.map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests;
