//! When an App is looked at again. The only retry loop there is, besides the SDK's own for a single call.

use std::time::Duration;

use crate::model::class::Class;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

/// Returns the time until the next attempt after the n-th failure in a row, n from 1. `jitter` is uniform in 0..1. `None`: only an
/// edit helps.
pub fn delay(class: Class, failures: u32, jitter: f64) -> Option<Duration> {
    let doubling = |first: Duration, last: Duration| {
        first
            .saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)))
            .min(last)
    };
    match class {
        Class::Invalid => None,
        Class::Refused | Class::Denied => Some(doubling(MINUTE, 15 * MINUTE)),
        Class::Conflict => Some(spread(5 * MINUTE, jitter)),
        Class::Throttled => Some(doubling(5 * SECOND, 5 * MINUTE).mul_f64(jitter)),
        Class::Transient => Some(doubling(SECOND, 2 * MINUTE).mul_f64(jitter)),
        Class::Bug => Some(5 * MINUTE),
    }
}

/// Something is pending: in 10 to 30 s.
pub fn pending(jitter: f64) -> Duration {
    10 * SECOND + (20 * SECOND).mul_f64(jitter)
}

/// AWS lets go of a target group moments after its load balancer was deleted, and a deletion that is tried sooner is one call
/// of AWS more: in 10 to 14 s.
pub(super) fn release(jitter: f64) -> Duration {
    10 * SECOND + (4 * SECOND).mul_f64(jitter)
}

/// Give or take a fifth, so that what began together does not stay together.
pub fn spread(interval: Duration, jitter: f64) -> Duration {
    interval.mul_f64(0.8 + 0.4 * jitter)
}

/// Returns the parts of a long interval that are waited between one time and the next: give or take half of it.
pub(super) fn scattered(jitter: f64) -> f64 {
    0.5 + jitter
}

/// Returns what is left of such a wait at any moment of it: with no more of it than that, as much happens at each time as if
/// all had waited for ever.
pub(super) fn left(jitter: f64) -> f64 {
    if jitter <= 0.5 {
        jitter
    } else {
        1.5 - (2.0 * (1.0 - jitter)).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_start_as_much_is_due_at_each_time_as_ever() {
        let jitters = || (0..200).map(|n| (f64::from(n) + 0.5) / 200.0);
        for part in [0.25, 0.5, 0.75, 1.0] {
            let is_due = |after: f64| f64::from(u8::from(after <= part));
            let mut due = 0.0;
            for first in jitters().map(left) {
                due += is_due(first);
                let again = jitters().map(|jitter| is_due(first + scattered(jitter)));
                due += again.sum::<f64>() / 200.0;
            }
            assert!((due / 200.0 - part).abs() < 0.01, "{part}: {}", due / 200.0);
        }
    }

    #[test]
    fn each_class_waits_as_long_as_its_trouble_lasts() {
        for (class, failures, jitter, expected) in [
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
            let delay = delay(class, failures, jitter);
            assert_eq!(
                delay,
                expected.map(Duration::from_secs),
                "{class:?} after {failures}"
            );
        }
    }
}
