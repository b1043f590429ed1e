//! One object of the queue: the pass that runs over it, and the one to come.

use std::time::{Duration, Instant};

use crate::model::rank::Rank;

#[derive(Debug, Default)]
pub(super) struct Entry {
    pub next: Option<Next>,
    /// When AWS has a token for it, unless a pass begins before.
    pub turn: Option<Instant>,
    /// Of few, and large.
    pub running: Option<Box<Running>>,
    /// When its last pass began.
    pub began: Option<Instant>,
    /// By what was last heard of it.
    pub is_deleted: bool,
}

/// A pass to come: it waits once it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Next {
    pub rank: Rank,
    pub due: Instant,
    /// AWS has a token for it.
    pub is_turn: bool,
}

impl Next {
    /// Returns the rank that it has among namespaces.
    pub(super) fn urgency(self) -> Rank {
        if self.is_turn { Rank::Edit } else { self.rank }
    }
}

#[derive(Debug)]
pub(super) struct Running {
    pub rank: Rank,
    /// The version of the object that the pass took.
    pub version: Option<u64>,
    /// The time from when it was due until it began.
    pub waited: Duration,
    /// The object was deleted since: what the pass finds to do later is void.
    pub gone: bool,
}

impl Entry {
    pub(super) fn waiting(&self, now: Instant) -> Option<Next> {
        let turn = self.turn.map(|due| Next {
            rank: Rank::Repair,
            due,
            is_turn: true,
        });
        let due = [turn, self.next].into_iter().flatten();
        due.filter(|next| self.running.is_none() && next.due <= now)
            .min_by_key(|next| !next.is_turn)
    }

    /// A place in the line of a namespace: lower goes first.
    pub(super) fn place(&self, next: Next) -> (bool, Rank, Option<Instant>, Instant) {
        let (rank, since) = match next.rank {
            Rank::Edit | Rank::Deletion => (next.rank, None),
            // A repair is as old as its object's last pass, so that it goes before a resync that fell due since.
            Rank::Repair => (Rank::Repair, self.began),
            Rank::Resync => (Rank::Repair, Some(next.due)),
        };
        (!next.is_turn, rank, since, next.due)
    }

    /// Asks for a pass at once.
    pub(super) fn ask(&mut self, rank: Rank, now: Instant) {
        match self.next {
            Some(next) if next.due <= now && next.rank <= rank => {}
            Some(_) | None => {
                self.next = Some(Next {
                    rank,
                    due: now,
                    is_turn: false,
                });
            }
        }
    }
}
