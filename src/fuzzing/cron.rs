//! When a cron process runs: expressions and time zones.

use jiff::civil::date;

use crate::desired::cron::{expression, is_never, is_over, time_zone};

/// An expression is AWS's own afterwards, and what is never due is over at any time.
pub fn cron(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    if let Some(zone) = time_zone(text) {
        assert_eq!(time_zone(&zone), Some(zone));
    }
    let Ok(written) = expression(text) else {
        return;
    };
    assert!(written.is_ascii() && written.len() <= 256, "{written}");
    assert_eq!(expression(&written), Ok(written.clone()));
    let ends = [1970, 2026, 2199].map(|year| is_over(&written, date(year, 12, 31)));
    let mut sorted = ends;
    sorted.sort_unstable();
    assert_eq!(ends, sorted, "{written}: over, and not over later");
    assert!(!is_never(&written) || ends[0], "{written}");
}
