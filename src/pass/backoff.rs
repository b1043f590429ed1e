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

#[cfg(test)]
mod tests {
    use super::*;

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
