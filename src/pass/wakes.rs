//! The things that a pass released, and the Apps to wake: those that wait for them.

use std::collections::BTreeSet;

use crate::change::{Change, PortWrite, Write};
use crate::model::exclusive::Exclusive;

/// The effects of a pass on other Apps and on its Platform.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wakes {
    /// Apps that wait for any of it may go on.
    pub released: BTreeSet<Exclusive>,
    /// The Platform counts its host ports.
    pub ports_changed: bool,
}

impl Wakes {
    pub(super) fn of(done: &[Change]) -> Self {
        let is_port = |change: &Change| {
            matches!(
                &change.write,
                Write::Port(PortWrite::Claim(_) | PortWrite::Release(_))
            )
        };
        Wakes {
            released: done.iter().flat_map(Change::releases).collect(),
            ports_changed: done.iter().any(is_port),
        }
    }
}
