//! When an App is looked at again. The only retry loop there is, besides the SDK's own for a single call.
//!
//! kube-rs has no backoff per object and its error policy never hears of a success, so failures are counted here and
//! forgotten on success.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::class::Class;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

/// How long until the next attempt after the n-th failure in a row, n from 1. `chance` is uniform in 0..1. `None`: only an
/// edit helps.
pub(super) fn delay(class: Class, failures: u32, chance: f64) -> Option<Duration> {
    let doubling = |first: Duration, last: Duration| {
        first
            .saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)))
            .min(last)
    };
    match class {
        Class::Invalid => None,
        Class::Refused | Class::Denied => Some(doubling(MINUTE, 15 * MINUTE)),
        Class::Conflict => Some(spread(5 * MINUTE, chance)),
        Class::Throttled => Some(doubling(5 * SECOND, 5 * MINUTE).mul_f64(chance)),
        Class::Transient => Some(doubling(SECOND, 2 * MINUTE).mul_f64(chance)),
        Class::Bug => Some(5 * MINUTE),
    }
}

/// Something is pending: in 10 to 30 s.
pub(super) fn pending(chance: f64) -> Duration {
    10 * SECOND + (20 * SECOND).mul_f64(chance)
}

/// Give or take a fifth, so that what began together does not stay together.
pub(super) fn spread(interval: Duration, chance: f64) -> Duration {
    interval.mul_f64(0.8 + 0.4 * chance)
}

/// Failures in a row, by object.
#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<HashMap<String, u32>>);

impl Failures {
    /// Counts one more and says how many that makes.
    pub(super) fn count(&self, object: &str) -> u32 {
        let mut failures = self.lock();
        let count = failures.entry(object.into()).or_default();
        *count = count.saturating_add(1);
        *count
    }

    pub(super) fn in_a_row(&self, object: &str) -> u32 {
        self.lock().get(object).copied().unwrap_or_default()
    }

    pub(super) fn forget(&self, object: &str) {
        self.lock().remove(object);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        // A count is whole after every statement, so one that a panic left behind is as good as any.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_waits_as_long_as_its_trouble_lasts() {
        for (class, failures, chance, expected) in [
            (Class::Invalid, 1, 0.5, None),
            (Class::Refused, 1, 0.5, Some(60)),
            (Class::Refused, 3, 0.5, Some(240)),
            (Class::Denied, 99, 0.5, Some(900)),
            (Class::Conflict, 1, 0.0, Some(240)),
            (Class::Conflict, 9, 1.0, Some(360)),
            (Class::Throttled, 1, 1.0, Some(5)),
            (Class::Throttled, 40, 1.0, Some(300)),
            (Class::Transient, 3, 1.0, Some(4)),
            (Class::Transient, 3, 0.5, Some(2)),
            (Class::Bug, 5, 0.1, Some(300)),
        ] {
            let delay = delay(class, failures, chance);
            assert_eq!(
                delay,
                expected.map(Duration::from_secs),
                "{class:?} after {failures}"
            );
        }
    }

    #[test]
    fn failures_are_forgotten_on_success() {
        let failures = Failures::default();
        assert_eq!(failures.count("shop/acme"), 1);
        assert_eq!(failures.count("shop/acme"), 2);
        assert_eq!(failures.in_a_row("shop/acme"), 2);
        assert_eq!(failures.count("shop/other"), 1);
        failures.forget("shop/acme");
        assert_eq!(failures.in_a_row("shop/acme"), 0);
        assert_eq!(failures.count("shop/acme"), 1);
    }
}
