//! Names of what stays: of an App that retains what it has, or of a process whose service was adopted. They go on leading where
//! they do, and are nobody's.
//!
//! A load balancer is let go of before its names, so that these are found by themselves: by the process in their ownership
//! records.

use super::{names, target};
use crate::model::desired::RecordKey;
use crate::model::owner::process_in_record_text;
use crate::model::part::Part;
use crate::model::state::ZoneState;
use crate::plan::view::{View, ownership_text};

/// The end of a name that is ours and not wanted.
pub(super) enum Fate {
    /// It loses its ownership record, and nothing else.
    Stays,
    /// It waits until that is known, or until what its process is to be instead is there.
    Open,
    Goes,
}

pub(super) fn fate(view: &View<'_>, zone: &ZoneState, name: &str) -> Fate {
    if view.desired.retains {
        return Fate::Stays;
    }
    let Some(process) = process_of(view, zone, name).filter(|process| view.keeps(process)) else {
        return Fate::Goes;
    };
    if view.is_unread(&Part::Ecs) || view.is_unread(&Part::LoadBalancing) {
        return Fate::Open;
    }
    match target(view, zone, name) {
        // Such as one that was to take the place of the other.
        Some(load_balancer) if !view.is_kept(&load_balancer.name) => Fate::Goes,
        Some(_) | None if view.lets_go(&process) => Fate::Stays,
        Some(_) | None => Fate::Open,
    }
}

/// Returns true if names of ours are of this process, and nobody wants them any more.
pub(in crate::plan) fn has_names(view: &View<'_>, process: &str) -> bool {
    view.observed.zones.iter().any(|(id, zone)| {
        names(view, id, zone).into_iter().any(|name| {
            let is_its = process_of(view, zone, &name).as_deref() == Some(process);
            let zone = id.clone();
            is_its && !view.desired.records.contains_key(&RecordKey { zone, name })
        })
    })
}

/// The process whose load balancer a name leads to, else the one that its ownership record names.
fn process_of(view: &View<'_>, zone: &ZoneState, name: &str) -> Option<String> {
    let user = target(view, zone, name).map(|load_balancer| view.user_of(load_balancer).to_owned());
    user.or_else(|| Some(process_in_record_text(&ownership_text(zone, name)?)?.to_owned()))
}
