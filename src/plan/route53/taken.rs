//! Names that a process wants and cannot have, and what its developer is told of who has them: of an App of another namespace
//! nothing but that there is one.

use std::sync::Arc;

use crate::model::desired::{DesiredRecord, RecordKey};
use crate::model::owner::{AppName, Owner, owner_in_record_text};
use crate::model::part::Part;
use crate::model::record::{RecordKind, RecordSet, RecordStyle};
use crate::model::state::ZoneState;
use crate::plan::view::{View, ownership_text};

/// The reason why a wanted name cannot be the App's.
pub(super) struct Taken {
    /// The record that has to go first: in the zone in which the name is wanted, or in the other one of the same name.
    pub key: RecordKey,
    /// In words for the App's developer.
    pub message: String,
    /// The App of another namespace that has it.
    pub by: Option<AppName>,
}

/// Decides if a wanted name is somebody else's.
pub(super) fn taken(
    view: &View<'_>,
    (key, zone): (&RecordKey, &ZoneState),
    wanted: &DesiredRecord,
    pointers: &[&RecordSet],
) -> Option<Taken> {
    let (name, process) = (&key.name, &wanted.process);
    let somehow = |message: &str| Taken {
        key: key.clone(),
        message: format!("process {process}: the name {name} {message}"),
        by: None,
    };
    if let Some(other) = beside(zone, name, wanted.style) {
        return Some(somehow(&format!(
            "has a record of type {other} that is not this App's to replace"
        )));
    }
    if let Some(text) = ownership_text(zone, name) {
        if view.desired.owner.owns_record_text(&text) {
            return None;
        }
        let Some(holder) = owner_in_record_text(&text) else {
            return Some(Taken {
                message: format!("process {process}: the record _empire.{name} exists and is not this App's"),
                ..somehow("")
            });
        };
        let (message, by) = held(view, &holder, "");
        return Some(Taken {
            by,
            ..somehow(&message)
        });
    }
    if let Some(taken) = held_in_twin(view, key, process) {
        return Some(taken);
    }
    let foreign = pointers
        .iter()
        .any(|record| view.pointed_at(record).is_none() && !view.points_at_adopted(record));
    foreign.then(|| somehow("has a record that carries no ownership record of this App"))
}

/// Decides if an App has a name in the other zone of the same name. What has no ownership record there, people have made, as
/// they do where the two zones are to differ.
fn held_in_twin(view: &View<'_>, key: &RecordKey, process: &str) -> Option<Taken> {
    let twin = view.desired.place.twin(&key.zone)?;
    let text = ownership_text(view.observed.zones.get(twin)?, &key.name)?;
    if view.desired.owner.owns_record_text(&text) {
        return None;
    }
    let holder = owner_in_record_text(&text)?;
    let (message, by) = held(
        view,
        &holder,
        &format!(", in hosted zone {twin}, which has the same name"),
    );
    Some(Taken {
        key: RecordKey {
            zone: twin.clone(),
            name: key.name.clone(),
        },
        message: format!("process {process}: the name {} {message}", key.name),
        by,
    })
}

/// True while it is not known if a name that the App does not have is another's in the other zone of the same name.
pub(super) fn is_unclear(view: &View<'_>, key: &RecordKey, zone: &ZoneState) -> bool {
    let twin = view.desired.place.twin(&key.zone);
    let is_ours = |text: String| view.desired.owner.owns_record_text(&text);
    twin.is_some_and(|twin| view.is_unread(&Part::Zone(twin.clone())))
        && !ownership_text(zone, &key.name).is_some_and(is_ours)
}

/// Says who has a name that is not ours, and where, and which App is to hear of it.
fn held(view: &View<'_>, holder: &Owner, place: &str) -> (String, Option<AppName>) {
    let owner = &view.desired.owner;
    let platform = &view.desired.place.platform;
    let ask = format!("choose another, or ask the operator of Platform {platform}, who can see whose it is");
    if holder.installation != owner.installation {
        let message = format!("is held by another installation of this controller{place}: {ask}");
        return (message, None);
    }
    if holder.app.namespace != owner.app.namespace {
        let message = format!("is held by an App of another namespace{place}: {ask}");
        return (message, Some(holder.app.clone()));
    }
    (format!("is held by App {}{place}", holder.app), None)
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
