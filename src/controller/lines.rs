//! The lines for AWS's request rates, as `/queue` shows them.

use std::sync::Mutex;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::memory::lock;
use crate::budget::{Budget, State};

/// So many of a line are named.
const NAMED: usize = 50;

/// Returns all buckets, and the time at which they are so. It is read under the lock: before that, others may have asked with
/// a later one.
pub(super) fn states(budget: &Mutex<Budget>) -> (Vec<State>, Timestamp) {
    let mut budget = lock(budget);
    let now = Timestamp::now();
    (budget.states(now), now)
}

/// Returns a bucket and the exact places of those first in its line.
pub(super) fn report(state: &State, now: Timestamp) -> Value {
    let named = state.waiting.iter().take(NAMED).enumerate();
    let line = named.map(|(before, waits)| {
        json!({
            "place": before + 1,
            "app": format!("{}/{}", waits.namespace, waits.app),
            "waitsFor": waits.what,
            "rank": waits.rank.as_str(),
            "waitsSeconds": now.duration_since(waits.since).as_secs().max(0),
            "inSeconds": waits.until.duration_since(now).as_secs().max(0),
        })
    });
    json!({
        "bucket": state.bucket.as_str(),
        "account": state.place.account,
        "region": state.place.region,
        "tokens": rounded(state.tokens),
        "tokensPerSecond": rounded(state.rate),
        "waiting": state.waiting.len(),
        "line": line.collect::<Vec<_>>(),
    })
}

/// To a hundredth.
fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}
