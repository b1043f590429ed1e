//! The clock by which the inventory goes.

use std::sync::LazyLock;

use jiff::Timestamp;
use tokio::time::Instant;

/// Returns the time. It is never set back, as a wall clock may be: all that is known would then be of the future, and nothing
/// newer.
pub(super) fn now() -> Timestamp {
    static START: LazyLock<(Timestamp, Instant)> = LazyLock::new(|| (Timestamp::now(), Instant::now()));
    let (start, since) = *START;
    start + since.elapsed()
}
