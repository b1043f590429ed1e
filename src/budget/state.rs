//! What buckets hold and who waits for their tokens, to be shown.

use jiff::Timestamp;

use super::Place;
use super::bucket::Bucket;
use super::line::Line;
use super::turns::Lane;
use crate::model::rank::Rank;

/// A bucket of one place, and its line.
#[derive(Clone, Debug)]
pub struct State {
    pub place: Place,
    pub bucket: Bucket,
    pub tokens: f64,
    /// The tokens a second that AWS was found to give.
    pub rate: f64,
    /// Those first whose time comes first.
    pub waiting: Vec<Waits>,
}

/// A change, or the reads of a pass, with a place in a line.
#[derive(Clone, Debug)]
pub struct Waits {
    pub namespace: String,
    pub app: String,
    /// The operation and the name of what it writes; `reads` of a pass that is to read.
    pub what: String,
    pub rank: Rank,
    pub since: Timestamp,
    /// When it was told to ask again.
    pub until: Timestamp,
}

impl Line {
    /// Returns what it holds, and who waits: those first whose time comes first.
    pub(super) fn state(&mut self, now: Timestamp, place: &Place, bucket: Bucket) -> State {
        self.count(now);
        let of_lane = |(namespace, lane): (&String, &Lane)| {
            let waits = lane.waiting.iter().map(|((app, what), waiting)| Waits {
                namespace: namespace.clone(),
                app: app.clone(),
                what: what.clone(),
                rank: waiting.rank,
                since: waiting.joined,
                until: waiting.until,
            });
            waits.collect::<Vec<_>>()
        };
        let mut waiting: Vec<Waits> = self.lanes.iter().flat_map(of_lane).collect();
        waiting.sort_by_key(|waits| waits.until);
        State {
            place: place.clone(),
            bucket,
            tokens: self.tokens,
            rate: self.rate,
            waiting,
        }
    }
}
