//! When an App gets its next pass.

use std::time::Duration;

/// The next pass over an object, as the last one asks for it. An edit, or a release that it waits for, comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requeue {
    After(Duration),
    /// At once, in its turn: it was interrupted between two writes, keeps its rank, and goes on from there.
    Yielded,
    /// Only an edit helps.
    Never,
}
