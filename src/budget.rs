//! The budget of calls to AWS: a token bucket for each that AWS has, and a line of the changes that wait for its tokens.
//!
//! Whoever asks is told to go, or when to ask again, and never waits here. It must not know what a call is for, nor have a
//! clock: time is an argument.

mod bucket;
mod line;
mod turns;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub use bucket::{Bucket, Limit};
pub use line::KEPT;
use line::Line;

use crate::model::rank::Rank;

/// The account whose buckets they are, and the region.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// `None` for the controller's own.
    pub account: Option<String>,
    pub region: String,
    /// Another endpoint than AWS's own, which has buckets of its own.
    pub endpoint_url: Option<String>,
}

/// The App that asks, and the urgency of its pass.
#[derive(Clone, Debug)]
pub struct Asker {
    pub namespace: String,
    pub app: String,
    pub rank: Rank,
}

/// The answer to an App that asks for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The token is taken.
    Go,
    /// The time to ask again. The place in the line is kept until then and for [`KEPT`] more.
    At(Timestamp),
}

/// Holds the buckets of all places.
#[derive(Debug)]
pub struct Budget {
    /// The share of AWS's rates that is ours.
    share: f64,
    lines: BTreeMap<(Place, Bucket), Line>,
}

impl Budget {
    /// Makes full buckets that hold, and get, this share of what AWS documents.
    pub fn new(share: f64) -> Self {
        Budget {
            share,
            lines: BTreeMap::new(),
        }
    }

    /// Asks for a token. `what` tells the changes of one App apart: one that asks again has its place from before.
    pub fn ask(
        &mut self,
        now: Timestamp,
        place: &Place,
        bucket: Bucket,
        asker: &Asker,
        what: &str,
    ) -> Answer {
        self.line(now, place, bucket).ask(now, asker, what)
    }

    /// Gives up the places of an App that it did not ask for since then, for it has no use for them any more: nobody is to
    /// wait behind them.
    pub fn give_up(&mut self, namespace: &str, app: &str, since: Timestamp) {
        for line in self.lines.values_mut() {
            line.give_up(namespace, app, since);
        }
    }

    /// Learns that AWS had no token where we believed in one.
    pub fn throttled(&mut self, now: Timestamp, place: &Place, bucket: Bucket) {
        self.line(now, place, bucket).throttled(now);
    }

    fn line(&mut self, now: Timestamp, place: &Place, bucket: Bucket) -> &mut Line {
        let mut place = place.clone();
        if bucket.is_global() {
            place.region = String::new();
        }
        let limit = bucket.limit().times(self.share);
        self.lines
            .entry((place, bucket))
            .or_insert_with(|| Line::new(limit, now))
    }
}

#[cfg(test)]
mod tests;
