//! How many Events of one object are written: as many as a large release takes, and then few, so that an App whose state goes
//! back and forth does not fill the store of the API server.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::lock;

/// The Events of one object that are written at once: an App of 100 processes has one for each.
const BURST: f64 = 150.0;
/// The seconds in which another one may be written.
const EACH: f64 = 10.0;
/// Of those at once, so many are for Warnings alone.
const FOR_WARNINGS: f64 = 30.0;
/// Objects of which nothing was written for longer are as those that never had an Event: the time in which all come back.
const FORGOTTEN: Duration = Duration::from_mins(25);
/// They are gone through so often.
const CLEARED: Duration = Duration::from_mins(1);

#[derive(Clone, Copy)]
struct Left {
    events: f64,
    counted: Instant,
}

#[derive(Default)]
struct Objects {
    /// By UID.
    left: HashMap<String, Left>,
    cleared: Option<Instant>,
}

/// The Events of each object that may still be written.
#[derive(Default)]
pub(in crate::controller) struct EventRates(Mutex<Objects>);

impl EventRates {
    /// Decides if one more may be written.
    pub(in crate::controller) fn take(&self, uid: &str, is_warning: bool, now: Instant) -> bool {
        let mut objects = lock(&self.0);
        if objects
            .cleared
            .is_none_or(|cleared| now.duration_since(cleared) >= CLEARED)
        {
            objects.cleared = Some(now);
            objects
                .left
                .retain(|_, left| now.duration_since(left.counted) < FORGOTTEN);
        }
        let full = Left {
            events: BURST,
            counted: now,
        };
        let left = objects.left.entry(uid.into()).or_insert(full);
        let come = now.duration_since(left.counted).as_secs_f64() / EACH;
        *left = Left {
            events: (left.events + come).min(BURST),
            counted: now,
        };
        let kept = if is_warning { 0.0 } else { FOR_WARNINGS };
        let may = left.events >= kept + 1.0;
        if may {
            left.events -= 1.0;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_of_one_object_is_cut_off_and_warnings_last() {
        let (rates, begun) = (EventRates::default(), Instant::now());
        let count = |uid: &str, is_warning: bool, seconds: u64| {
            let now = begun + Duration::from_secs(seconds);
            (0..1_000).filter(|_| rates.take(uid, is_warning, now)).count()
        };
        assert_eq!(count("one", false, 0), 120);
        assert_eq!(count("one", true, 0), 30);
        assert_eq!(count("other", false, 0), 120);
        assert_eq!(count("one", false, 100), 0);
        assert_eq!(count("one", true, 100), 10);
        assert_eq!(count("one", false, 10_000), 120);
    }

    #[test]
    fn objects_of_long_ago_are_forgotten() {
        let (rates, begun) = (EventRates::default(), Instant::now());
        for n in 0..100 {
            rates.take(&n.to_string(), false, begun);
        }
        rates.take("new", false, begun + FORGOTTEN);
        assert_eq!(lock(&rates.0).left.len(), 1);
    }
}
