//! What buckets hold and who waits for their tokens, to be shown.

use jiff::Timestamp;

use super::Place;
use super::bucket::Bucket;
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
