//! What a pass released, and so whom it wakes: the Apps that wait for that very thing.

use std::collections::BTreeSet;

use crate::change::{Change, PortWrite, Write};
use crate::model::exclusive::Exclusive;

/// What others should hear of a pass.
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
                Write::Port(PortWrite::Claim(_) | PortWrite::Free(_))
            )
        };
        Wakes {
            released: done.iter().flat_map(Change::releases).collect(),
            ports_changed: done.iter().any(is_port),
        }
    }
}
