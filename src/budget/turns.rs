//! The order of the changes that wait in one namespace: by rank, and each rank keeps at least a tenth of the turns.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::allowance::{Allowance, Return};
use crate::model::rank::Rank;

const RANKS: usize = Rank::ALL.len();

/// So many turns in a row may pass over a rank that waits. The other two that may be due at the same time go before it at
/// worst, so that it has one turn in ten.
const PASSED_OVER: u8 = 7;

/// Tells changes apart: the App's name, and what it writes.
pub(super) type Name = (String, String);

/// A change that waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub rank: Rank,
    /// Lower has waited for longer.
    pub ticket: u64,
    /// When it joined the line.
    pub joined: Timestamp,
    /// When it last asked.
    pub asked: Timestamp,
    /// When it was told to ask again.
    pub until: Timestamp,
}

/// The turns of the ranks.
#[derive(Clone, Copy, Debug, Default)]
struct Ranks {
    passed_over: [u8; RANKS],
}

impl Ranks {
    /// The rank whose turn it is, of those that have something left.
    fn next(self, left: [u32; RANKS]) -> Option<usize> {
        let waits = || (0..RANKS).filter(|rank| left[*rank] > 0);
        let overdue = waits().filter(|rank| self.passed_over[*rank] >= PASSED_OVER);
        // The one that has been passed over most often; of equals, the more urgent.
        let overdue = overdue.max_by_key(|rank| (self.passed_over[*rank], RANKS - rank));
        overdue.or_else(|| waits().next())
    }

    fn take(&mut self, rank: usize, left: [u32; RANKS]) {
        for (other, passed_over) in self.passed_over.iter_mut().enumerate() {
            *passed_over = if other == rank || left[other] == 0 {
                0
            } else {
                passed_over.saturating_add(1)
            };
        }
    }
}

/// The changes of one namespace.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    pub waiting: BTreeMap<Name, Waiting>,
    /// The number of tokens that had been taken when this namespace last took one.
    pub served: u64,
    pub served_at: Timestamp,
    pub allowance: Allowance,
    ranks: Ranks,
}

impl Lane {
    pub(super) fn new(now: Timestamp, comes_back: Return) -> Self {
        Lane {
            waiting: BTreeMap::new(),
            served: 0,
            served_at: now,
            allowance: Allowance::whole(comes_back),
            ranks: Ranks::default(),
        }
    }

    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.waiting.len()).unwrap_or(u32::MAX)
    }

    fn left(&self) -> [u32; RANKS] {
        let mut left = [0; RANKS];
        for waiting in self.waiting.values() {
            left[waiting.rank as usize] += 1;
        }
        left
    }

    /// Returns the number of changes here that go before this one.
    pub(super) fn before(&self, mine: Waiting) -> u32 {
        let rank = mine.rank as usize;
        let is_before = |other: &&Waiting| other.rank == mine.rank && other.ticket < mine.ticket;
        let older = self.waiting.values().filter(is_before).count();
        let mut older = u32::try_from(older).unwrap_or(u32::MAX);
        let (mut left, mut ranks, mut before) = (self.left(), self.ranks, 0);
        while let Some(next) = ranks.next(left) {
            if next == rank {
                if older == 0 {
                    break;
                }
                older -= 1;
            }
            ranks.take(next, left);
            left[next] -= 1;
            before += 1;
        }
        before
    }

    /// Takes a turn for a change, which waits no longer.
    pub(super) fn take(&mut self, name: &Name, served: u64, now: Timestamp) {
        if let Some(taken) = self.waiting.get(name) {
            self.ranks.take(taken.rank as usize, self.left());
        }
        self.waiting.remove(name);
        (self.served, self.served_at) = (served, now);
    }
}
