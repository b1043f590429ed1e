//! Names that a process wants and cannot have, and what its developer is told of who has them: of an App of another namespace
//! nothing but that there is one.

use std::sync::Arc;

use crate::model::desired::DesiredRecord;
use crate::model::owner::{AppName, owner_in_record_text};
use crate::model::record::{RecordKind, RecordSet, RecordStyle};
use crate::model::state::ZoneState;
use crate::plan::view::{View, ownership_text};

/// The reason why a wanted name cannot be the App's.
pub(super) struct Taken {
    /// In words for the App's developer.
    pub message: String,
    /// The App of another namespace that has it.
    pub by: Option<AppName>,
}

/// Decides if a wanted name is somebody else's.
pub(super) fn taken(
    view: &View<'_>,
    zone: &ZoneState,
    name: &str,
    wanted: &DesiredRecord,
    pointers: &[&RecordSet],
) -> Option<Taken> {
    let process = &wanted.process;
    let somehow = |message: &str| Taken {
        message: format!("process {process}: the name {name} {message}"),
        by: None,
    };
    if let Some(other) = beside(zone, name, wanted.style) {
        return Some(somehow(&format!(
            "has a record of type {other} that is not this App's to replace"
        )));
    }
    if let Some(text) = ownership_text(zone, name) {
        return held(view, name, process, &text);
    }
    let foreign = pointers
        .iter()
        .any(|record| view.pointed_at(record).is_none() && !view.points_at_adopted(record));
    foreign.then(|| somehow("has a record that carries no ownership record of this App"))
}

/// Decides if an ownership record says that a name is another's.
fn held(view: &View<'_>, name: &str, process: &str, text: &str) -> Option<Taken> {
    let owner = &view.desired.owner;
    if owner.owns_record_text(text) {
        return None;
    }
    let platform = &view.desired.place.platform;
    let ask = format!("choose another, or ask the operator of Platform {platform}, who can see whose it is");
    let holder = owner_in_record_text(text);
    let (message, by) = match holder {
        None => {
            let message =
                format!("process {process}: the record _empire.{name} exists and is not this App's");
            return Some(Taken { message, by: None });
        }
        Some(holder) if holder.installation != owner.installation => {
            let message = format!("is held by another installation of this controller: {ask}");
            (message, None)
        }
        Some(holder) if holder.app.namespace != owner.app.namespace => {
            let message = format!("is held by an App of another namespace: {ask}");
            (message, Some(holder.app))
        }
        Some(holder) => (format!("is held by App {}", holder.app), None),
    };
    let message = format!("process {process}: the name {name} {message}");
    Some(Taken { message, by })
}

/// The type of a record set of a name that Route 53 would not have beside ours, whoever owns the name: a CNAME stands
/// alone, and a simple record does not go with a routed one.
fn beside(zone: &ZoneState, name: &str, style: RecordStyle) -> Option<&'static str> {
    let records = || zone.records.iter().map(Arc::as_ref);
    let of_name = || records().filter(|r| r.name == name);
    let is_pointer = |r: &RecordSet| matches!(r.kind, RecordKind::A | RecordKind::Cname);
    if of_name().any(|r| is_pointer(r) && r.is_routed()) {
        return Some("A or CNAME with a routing policy");
    }
    let alone = matches!(style, RecordStyle::Cname { .. });
    let other = of_name().find(|r| alone && !is_pointer(r))?;
    Some(match &other.kind {
        RecordKind::Txt => "TXT",
        RecordKind::A | RecordKind::Cname => "A or CNAME",
        RecordKind::Other(_) => "other than A, CNAME or TXT",
    })
}
