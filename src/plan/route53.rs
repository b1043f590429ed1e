//! DNS names: which are ours, which may move, and the exact batches that move them.
//!
//! A change is a compare-and-swap: DELETE of exactly what was listed, CREATE of what is wanted, never UPSERT. Name and
//! ownership record travel in one batch.

mod left;
mod taken;

use std::collections::BTreeSet;
use std::sync::Arc;

pub(super) use self::left::has_names;
use self::left::{Fate, fate};
use self::taken::{is_unclear, taken};
use super::view::{View, ownership_text};
use super::{Obstacle, ObstacleKind, Pending, Plan};
use crate::change::{BatchSize, Change, RecordBatch};
use crate::model::desired::{DesiredRecord, RecordKey};
use crate::model::exclusive::Exclusive;
use crate::model::keeping::kept_text;
use crate::model::part::Part;
use crate::model::pending::EDITS_FOLLOW;
use crate::model::record::{
    RecordChange, RecordContent, RecordKind, RecordSet, RecordStyle, ownership_name, txt_value,
};
use crate::model::state::{LoadBalancerState, ZoneState};

/// The names that are kept for one namespace in one zone. What it releases beyond that is free at once, lest an App whose names
/// change again and again fill the zone.
const MOST_KEPT: usize = 100;

pub(super) fn plan(view: &View<'_>, plan: &mut Plan) {
    // Where a name leads, and is to lead, is not known; but with the App, all of its names go.
    if view.is_unread(&Part::LoadBalancing) && !view.desired.processes.is_empty() {
        return;
    }
    for zone_id in &view.desired.place.zones {
        if view.is_unread(&Part::Zone(zone_id.clone())) {
            continue;
        }
        let Some(zone) = view.observed.zones.get(zone_id) else {
            missing(view, plan, zone_id);
            continue;
        };
        let mut by_name: Vec<Vec<RecordChange>> = Vec::new();
        let mut room = MOST_KEPT.saturating_sub(zone.kept);
        for name in names(view, zone_id, zone) {
            let key = RecordKey {
                zone: zone_id.clone(),
                name: name.clone(),
            };
            let changes = match view.desired.records.get(&key) {
                Some(wanted) => point(view, plan, (&key, zone), wanted),
                None => match fate(view, zone, &name) {
                    // That it is ours, nobody says any more.
                    Fate::Stays => removals(ownership_records(zone, &name)),
                    Fate::Open => Vec::new(),
                    Fate::Goes => release(view, plan, zone, &name, &mut room),
                },
            };
            if changes.is_empty() {
                continue;
            }
            // By itself, since each name is answered by itself.
            let alone = Change::from(batch(zone_id, changes.clone()));
            if view.is_deferred(&alone) {
                plan.deferred.push(alone);
            } else {
                by_name.push(changes);
            }
        }
        plan.changes
            .extend(batches(zone_id, by_name).into_iter().map(Change::from));
    }
    if !view.desired.retains {
        foreign_pointers(view, plan);
    }
}

/// Records that alone hold an unwanted load balancer, and are not ours to take away.
fn foreign_pointers(view: &View<'_>, plan: &mut Plan) {
    for load_balancer in view.unwanted_load_balancers() {
        let (process, target) = (view.user_of(load_balancer), &load_balancer.name);
        if view.is_named_by_us(target) || view.is_kept(target) {
            continue;
        }
        let goes = "remove the record, and the load balancer goes too";
        let advice = match view.load_balancing(process) {
            None if view.edits_wait(process) => format!("{goes}; {EDITS_FOLLOW}"),
            None => goes.into(),
            Some(wanted) => match view.load_balancer(&wanted.load_balancer.name) {
                Some(new) if view.is_in_use(process, wanted) => {
                    format!("point it at {} or remove it", new.host())
                }
                // Not yet the time to point anything there.
                Some(_) | None => continue,
            },
        };
        for pointer in view.pointers(target) {
            let (name, kind) = (&pointer.record.name, pointer.record.kind.as_str());
            plan.awaits.insert(Exclusive::name(pointer.zone_id, name));
            plan.obstacles.push(Obstacle {
                process: process.into(),
                kind: ObstacleKind::Foreign,
                message: format!(
                    "process {process}: the {kind} record {name} is not this App's and points at load balancer {target}, \
                     which nothing wants any more: {advice}"
                ),
            });
        }
    }
}

/// Says of each process that wants names in a zone that there is no such zone. What was in it went with it.
fn missing(view: &View<'_>, plan: &mut Plan, zone_id: &str) {
    let records = view.desired.records.iter().filter(|(key, _)| key.zone == zone_id);
    let processes: BTreeSet<&String> = records.map(|(_, record)| &record.process).collect();
    plan.obstacles
        .extend(processes.into_iter().map(|process| Obstacle {
            process: process.clone(),
            kind: ObstacleKind::ZoneNotFound,
            message: format!(
                "process {process}: hosted zone {zone_id}, in which it has names, was not found"
            ),
        }));
}

/// Every name in a zone that is wanted, or whose ownership record is ours. Without one, a name that is not wanted is
/// not ours either, wherever it points.
fn names(view: &View<'_>, zone_id: &str, zone: &ZoneState) -> BTreeSet<String> {
    let wanted = view
        .desired
        .records
        .keys()
        .filter(|key| key.zone == zone_id)
        .map(|key| key.name.clone());
    let owned = zone.records.iter().filter_map(|record| record.marks());
    let ours = owned.filter(|name| {
        let text = ownership_text(zone, name);
        text.is_some_and(|text| view.desired.owner.owns_record_text(&text))
    });
    let ours = ours.map(Into::into);
    wanted.chain(ours).collect()
}

fn point(
    view: &View<'_>,
    plan: &mut Plan,
    (key, zone): (&RecordKey, &ZoneState),
    wanted: &DesiredRecord,
) -> Vec<RecordChange> {
    let name = key.name.as_str();
    let found = pointers(zone, name);
    if let Some(taken) = taken(view, (key, zone), wanted, &found) {
        plan.awaits.insert(Exclusive::Name(taken.key));
        plan.contested
            .extend(taken.by.map(|holder| (holder, name.to_owned())));
        plan.obstacles.push(Obstacle {
            process: wanted.process.clone(),
            kind: ObstacleKind::Foreign,
            message: taken.message,
        });
        return Vec::new();
    }
    if is_unclear(view, key, zone) {
        return Vec::new();
    }
    let changes = view
        .load_balancer(&wanted.load_balancer)
        .map(|load_balancer| changes(view, zone, name, wanted, &found, load_balancer));
    let serves = view
        .load_balancing(&wanted.process)
        .is_some_and(|balancing| view.serves(&wanted.process, balancing));
    match changes {
        Some(changes) if serves || changes.is_empty() => changes,
        Some(_) | None if waits_for_its_own(view, plan, wanted, &found) => {
            // It is wanted all the time, and is nobody else's meanwhile.
            let is_kept = view.desired.keeping.until.is_some();
            if is_kept {
                removals(found)
            } else {
                deletes(zone, name)
            }
        }
        Some(_) | None => {
            wait_to_serve(view, plan, &wanted.process, &wanted.load_balancer);
            Vec::new()
        }
    }
}

/// The new holder of a name lacks a host port, and the old one, which is going, has one until its names are gone.
fn waits_for_its_own(view: &View<'_>, plan: &Plan, wanted: &DesiredRecord, found: &[&RecordSet]) -> bool {
    let lacks_port = |o: &Obstacle| o.kind == ObstacleKind::PortsExhausted && o.process == wanted.process;
    let is_going = |record: &&RecordSet| {
        let points_at = view.pointed_at(record);
        let is_going = |process: &str| !view.is_service(process) && !view.keeps(process);
        points_at.is_some_and(|old| is_going(view.user_of(old)))
    };
    plan.obstacles.iter().any(lacks_port) && found.iter().any(is_going)
}

/// From what a name is to what it should be.
fn changes(
    view: &View<'_>,
    zone: &ZoneState,
    name: &str,
    wanted: &DesiredRecord,
    found: &[&RecordSet],
    load_balancer: &LoadBalancerState,
) -> Vec<RecordChange> {
    let record = record(name, wanted.style, load_balancer);
    let ownership = ownership(name, &view.desired.owner.record_text(&wanted.process));
    let mut changes = swap(found, record, same_pointer);
    changes.extend(swap(&ownership_records(zone, name), ownership, |one, other| {
        one.text() == other.text()
    }));
    changes
}

/// Seconds. Only we and our operators read it.
const OWNERSHIP_TTL: u32 = 300;

fn ownership(name: &str, text: &str) -> RecordSet {
    RecordSet {
        name: ownership_name(name),
        kind: RecordKind::Txt,
        content: RecordContent::Values {
            ttl: OWNERSHIP_TTL,
            values: vec![txt_value(text)],
        },
    }
}

fn record(name: &str, style: RecordStyle, load_balancer: &LoadBalancerState) -> RecordSet {
    match style {
        RecordStyle::Cname { ttl } => RecordSet {
            name: name.into(),
            kind: RecordKind::Cname,
            content: RecordContent::Values {
                ttl,
                values: vec![load_balancer.dns_name.clone()],
            },
        },
        RecordStyle::Alias => RecordSet {
            name: name.into(),
            kind: RecordKind::A,
            content: RecordContent::Alias {
                target: load_balancer.dns_name.clone(),
                zone_id: load_balancer.zone_id.clone(),
                evaluate_target_health: false,
            },
        },
    }
}

fn swap(
    found: &[&RecordSet],
    wanted: RecordSet,
    same: impl Fn(&RecordSet, &RecordSet) -> bool,
) -> Vec<RecordChange> {
    if let [only] = found
        && same(only, &wanted)
    {
        return Vec::new();
    }
    let deletes = found.iter().map(|record| RecordChange::Delete((*record).clone()));
    deletes.chain([RecordChange::Create(wanted)]).collect()
}

fn same_pointer(one: &RecordSet, other: &RecordSet) -> bool {
    one.kind == other.kind
        && one.target() == other.target()
        && match (&one.content, &other.content) {
            (RecordContent::Values { ttl: one, .. }, RecordContent::Values { ttl: other, .. }) => {
                one == other
            }
            (
                RecordContent::Alias {
                    zone_id: one,
                    evaluate_target_health: one_health,
                    ..
                },
                RecordContent::Alias {
                    zone_id: other,
                    evaluate_target_health: other_health,
                    ..
                },
            ) => one == other && one_health == other_health,
            (
                RecordContent::Values { .. } | RecordContent::Alias { .. } | RecordContent::Routed { .. },
                _,
            ) => false,
        }
}

/// The record sets of a name that a pointer of ours replaces.
fn pointers<'a>(zone: &'a ZoneState, name: &str) -> Vec<&'a RecordSet> {
    let is_pointer = |r: &&RecordSet| {
        r.name == name && matches!(r.kind, RecordKind::A | RecordKind::Cname) && !r.is_routed()
    };
    let records = zone.records.iter().map(Arc::as_ref);
    records.filter(is_pointer).collect()
}

fn ownership_records<'a>(zone: &'a ZoneState, name: &str) -> Vec<&'a RecordSet> {
    let ownership = ownership_name(name);
    zone.records
        .iter()
        .map(Arc::as_ref)
        .filter(|r| r.name == ownership && r.kind == RecordKind::Txt)
        .collect()
}

/// Waits for a load balancer to serve. Where services could not be read, it may, and that is what is waited for.
fn wait_to_serve(view: &View<'_>, plan: &mut Plan, process: &str, load_balancer: &str) {
    if !view.is_unread(&Part::Ecs) {
        plan.pending.push(Pending::Names {
            process: process.into(),
            load_balancer: load_balancer.into(),
        });
    }
}

/// The load balancer of ours that a name leads to.
fn target<'a>(view: &View<'a>, zone: &ZoneState, name: &str) -> Option<&'a LoadBalancerState> {
    let mut pointers = pointers(zone, name).into_iter();
    pointers.find_map(|record| view.pointed_at(record))
}

/// A name that is ours and not wanted goes; but while its process is still moving to where its other names point, it
/// stays, so that the whole move is one batch.
fn release(
    view: &View<'_>,
    plan: &mut Plan,
    zone: &ZoneState,
    name: &str,
    room: &mut usize,
) -> Vec<RecordChange> {
    if let Some(target) = target(view, zone, name)
        && let process = view.user_of(target)
        && let Some(balancing) = view.load_balancing(process)
        && balancing.load_balancer.name != target.name
        && !view.serves(process, balancing)
    {
        wait_to_serve(view, plan, process, &balancing.load_balancer.name);
        return Vec::new();
    }
    match &view.desired.keeping.until {
        Some(until) if *room > 0 => {
            *room -= 1;
            keep(zone, name, until)
        }
        Some(_) | None => deletes(zone, name),
    }
}

/// Takes a name away and leaves its ownership record, which says until when it is kept for the App's namespace.
fn keep(zone: &ZoneState, name: &str, until: &str) -> Vec<RecordChange> {
    let records = ownership_records(zone, name);
    let text = records.first().map(|record| record.text()).unwrap_or_default();
    let kept = ownership(name, &kept_text(&text, until));
    let records = [pointers(zone, name), records].concat();
    removals(records)
        .into_iter()
        .chain([RecordChange::Create(kept)])
        .collect()
}

fn deletes(zone: &ZoneState, name: &str) -> Vec<RecordChange> {
    removals([pointers(zone, name), ownership_records(zone, name)].concat())
}

fn removals(records: Vec<&RecordSet>) -> Vec<RecordChange> {
    let records = records.into_iter().cloned();
    records.map(RecordChange::Delete).collect()
}

/// As few batches as the limits allow; what belongs to one name is never torn apart.
pub(super) fn batches(zone_id: &str, by_name: Vec<Vec<RecordChange>>) -> Vec<RecordBatch> {
    let mut batches: Vec<(BatchSize, Vec<RecordChange>)> = Vec::new();
    for changes in by_name {
        if let Some((size, batch)) = batches.last_mut()
            && size.takes(&changes)
        {
            batch.extend(changes);
            continue;
        }
        let mut size = BatchSize::default();
        size.takes(&changes);
        batches.push((size, changes));
    }
    let batches = batches.into_iter();
    batches.map(|(_, changes)| batch(zone_id, changes)).collect()
}

fn batch(zone_id: &str, changes: Vec<RecordChange>) -> RecordBatch {
    RecordBatch {
        zone: zone_id.into(),
        changes,
    }
}

#[cfg(test)]
mod tests;
