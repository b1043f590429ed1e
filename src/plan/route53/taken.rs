//! Names that a process wants and cannot have, and what its developer is told of who has them: of an App of another namespace
//! nothing but that there is one.

use std::sync::Arc;

use crate::model::desired::{DesiredRecord, RecordKey};
use crate::model::keeping::kept_until;
use crate::model::owner::{AppName, owner_in_record_text};
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
    match ownership_text(zone, name).map(|text| whose(view, &text, "")) {
        Some(Whose::Ours) => return None,
        Some(Whose::Foreign) => {
            return Some(Taken {
                message: format!("process {process}: the record _empire.{name} exists and is not this App's"),
                ..somehow("")
            });
        }
        Some(Whose::Anothers { message, by }) => {
            return Some(Taken {
                by,
                ..somehow(&message)
            });
        }
        Some(Whose::Nobodys) | None => {}
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
    let place = format!(", in hosted zone {twin}, which has the same name");
    match whose(view, &text, &place) {
        Whose::Anothers { message, by } => Some(Taken {
            key: RecordKey {
                zone: twin.clone(),
                name: key.name.clone(),
            },
            message: format!("process {process}: the name {} {message}", key.name),
            by,
        }),
        Whose::Ours | Whose::Nobodys | Whose::Foreign => None,
    }
}

/// True while it is not known if a name that the App does not have is another's in the other zone of the same name.
pub(super) fn is_unclear(view: &View<'_>, key: &RecordKey, zone: &ZoneState) -> bool {
    let twin = view.desired.place.twin(&key.zone);
    let is_ours = |text: String| view.desired.owner.owns_record_text(&text);
    twin.is_some_and(|twin| view.is_unread(&Part::Zone(twin.clone())))
        && !ownership_text(zone, &key.name).is_some_and(is_ours)
}

/// The meaning of an ownership record.
enum Whose {
    Ours,
    /// Its App has released the name, and it is not kept any more, or not from this one.
    Nobodys,
    /// No controller has written it.
    Foreign,
    Anothers {
        /// Says who has the name, and where.
        message: String,
        /// The App of another namespace that is to hear of it.
        by: Option<AppName>,
    },
}

fn whose(view: &View<'_>, text: &str, place: &str) -> Whose {
    let (owner, keeping) = (&view.desired.owner, &view.desired.keeping);
    if owner.owns_record_text(text) {
        return Whose::Ours;
    }
    let Some(holder) = owner_in_record_text(text) else {
        return Whose::Foreign;
    };
    let is_installations = holder.installation == owner.installation;
    let is_namespaces = is_installations && holder.app.namespace == owner.app.namespace;
    let platform = &view.desired.place.platform;
    let ask = format!("choose another, or ask the operator of Platform {platform}, who can see whose it is");
    let (message, by) = match kept_until(text) {
        Some(until) if is_namespaces || is_installations && keeping.takes || keeping.is_over(until) => {
            return Whose::Nobodys;
        }
        Some(until) => {
            let message = format!(
                "is kept{place} until {until} for the namespace that had it: choose another, or wait until then"
            );
            (message, None)
        }
        None if !is_installations => {
            let message = format!("is held by another installation of this controller{place}: {ask}");
            (message, None)
        }
        None if !is_namespaces => {
            let message = format!("is held by an App of another namespace{place}: {ask}");
            (message, Some(holder.app))
        }
        None => (format!("is held by App {}{place}", holder.app), None),
    };
    Whose::Anothers { message, by }
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
