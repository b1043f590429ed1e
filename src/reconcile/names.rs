//! DNS names, which a pass does not change itself: it takes up what became of those that it had put into the outbox, and
//! leaves there what is to be changed next.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Outcome;
use crate::aws::{Aws, AwsError, Fault};
use crate::change::{Change, RecordBatch, Reply, Write, fold, names_of};
use crate::model::class::Class;
use crate::model::desired::{Desired, RecordKey};
use crate::model::named::Named;
use crate::model::owner::process_in_record_text;
use crate::model::part::Part;
use crate::model::pending::Pending;
use crate::model::record::{RecordChange, RecordSet};
use crate::model::state::Observed;
use crate::observe::Unread;
use crate::plan::{plan, sent};
use crate::write::Names;
use crate::write::zones::Answer;

/// Takes up what became of names, and plans again.
pub(super) async fn take_up(names: &dyn Names, aws: &dyn Aws, desired: &Desired, outcome: &mut Outcome) {
    // In this order: what is answered in between is taken up.
    let flying = names.flying();
    let answers = names.answers();
    for key in std::mem::replace(&mut outcome.flying, flying) {
        outcome.deferral.unreadable.remove(&Named::Name(key));
    }
    for answer in &answers {
        outcome.flying.remove(&answer.key);
    }
    for key in &outcome.flying {
        let thing = Named::Name(key.clone());
        outcome.observed.fresh.remove(&thing);
        outcome.deferral.unreadable.insert(thing);
    }
    outcome.answered = answers.len();
    if answers.is_empty() {
        return;
    }
    let (landed, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.result.is_ok());
    let mut batches: BTreeMap<String, Vec<RecordChange>> = BTreeMap::new();
    for Answer { key, changes, .. } in landed {
        outcome.deferral.made.insert(alone(&key, changes.clone()));
        batches.entry(key.zone).or_default().extend(changes);
    }
    for (zone, changes) in batches {
        let change: Change = RecordBatch { zone, changes }.into();
        let before = sent(&change, &outcome.observed);
        fold(&mut outcome.observed, &change, Reply::Done);
        outcome.learn(&change, before);
        outcome.done.push(change);
    }
    let mut failed = Vec::new();
    for Answer {
        key, changes, result, ..
    } in refused
    {
        if let Err(error) = result {
            let change = alone(&key, changes);
            failed.extend(
                self::refused(aws, outcome, &key, error)
                    .await
                    .map(|error| (change, error)),
            );
        }
    }
    let changes = failed.iter().map(|(change, _)| change.clone());
    outcome.deferral.changes.extend(changes);
    outcome.plan = plan(desired, &outcome.observed, &outcome.deferral.changes);
    for (change, error) in failed {
        // What was refused for good, and is not wanted any more, is nobody's trouble.
        if error.class() == Class::Refused && !outcome.plan.deferred.contains(&change) {
            outcome.deferral.changes.remove(&change);
        } else if error.fault == Fault::Pending {
            outcome.not_ready.push((change, error));
        } else {
            outcome.failures.push((change, error.into()));
        }
    }
}

/// A refusal may be our own lost reply, or the name may be somebody else's, so it is read again. Returns the error unless
/// the name looks otherwise than before: then the next plan sorts it out.
async fn refused(
    aws: &dyn Aws,
    outcome: &mut Outcome,
    key: &RecordKey,
    mut error: AwsError,
) -> Option<AwsError> {
    let named = Named::Name(key.clone());
    if error.fault == Fault::Stale || error.class() == Class::Refused {
        let read = aws.list_name(&key.zone, &key.name).await;
        match (read, outcome.observed.zones.get_mut(&key.zone)) {
            (Ok(records), Some(zone)) => {
                let records: Vec<_> = records.into_iter().map(Arc::new).collect();
                let is_its = |known: &mut Arc<RecordSet>| known.about() == key.name;
                let before: Vec<_> = zone.records.extract_if(.., is_its).collect();
                let same =
                    before.len() == records.len() && before.iter().all(|record| records.contains(record));
                zone.records.extend(records);
                outcome.observed.fresh.insert(named);
                error.fault = Fault::Failed(Class::Refused);
                return same.then_some(error);
            }
            (Ok(_), None) => {}
            // It is refused until it was read.
            (Err(unread), _) if unread.later().is_some() => outcome.unread.push(Unread {
                part: Part::Zone(key.zone.clone()),
                error: unread,
            }),
            (Err(unread), _) => error = unread,
        }
    }
    // It may have been changed all the same.
    outcome.deferral.unreadable.insert(named);
    Some(error)
}

/// Puts names into the outbox: to the rest of the pass they are changes that are deferred.
pub(super) fn put(names: &dyn Names, outcome: &mut Outcome, batch: &RecordBatch) {
    for (key, changes) in split(batch) {
        let change = alone(&key, changes.clone());
        if outcome.deferral.made.contains(&change) {
            outcome.give_up(change, "made, and the reply does not show it");
            continue;
        }
        // What flew when this pass began may be answered by now, and is taken up by the next one.
        if !outcome.flying.contains(&key) {
            names.put(&key, &changes);
        }
        outcome.deferral.changes.insert(change);
    }
}

/// Leaves what is still planned in the outbox, and says that it is waited for. A pass whose names flew when it began is not
/// the last one, whatever became of them since.
pub(super) fn leave(names: &dyn Names, desired: &Desired, outcome: &mut Outcome) {
    names.forget(std::mem::take(&mut outcome.answered));
    let mut waits = names.flying();
    waits.extend(outcome.flying.iter().cloned());
    for change in &outcome.plan.deferred {
        if let Write::Records(batch) = &change.write {
            let queued = split(batch).filter(|(key, changes)| names.keep(key, changes));
            waits.extend(queued.map(|(key, _)| key));
        }
    }
    let waits = waits.into_iter().map(|key| Pending::Batch {
        process: process_of(&key, desired, &outcome.observed),
        name: key.name,
    });
    let waits: Vec<_> = waits.collect();
    outcome.wait_for(waits);
}

/// Returns the process that wants a name, or had it.
fn process_of(key: &RecordKey, desired: &Desired, observed: &Observed) -> String {
    if let Some(wanted) = desired.records.get(key) {
        return wanted.process.clone();
    }
    let records = observed.zones.get(&key.zone).into_iter();
    let records = records.flat_map(|zone| &zone.records);
    let mut texts = records
        .filter(|record| record.marks() == Some(key.name.as_str()))
        .map(|record| record.text());
    let process = texts.find_map(|text| process_in_record_text(&text).map(Into::into));
    process.unwrap_or_default()
}

/// The names of a batch and their changes.
fn split(batch: &RecordBatch) -> impl Iterator<Item = (RecordKey, Vec<RecordChange>)> {
    let of_name = |(name, changes)| {
        let zone = batch.zone.clone();
        (RecordKey { zone, name }, changes)
    };
    names_of(&batch.changes).into_iter().map(of_name)
}

fn alone(key: &RecordKey, changes: Vec<RecordChange>) -> Change {
    RecordBatch {
        zone: key.zone.clone(),
        changes,
    }
    .into()
}
