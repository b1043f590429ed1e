//! Values that are written as text: durations, amounts of memory, shares of request rates, and what a scrape accepts.

use crate::budget::Shares;
use crate::desired::text::{bytes, mebibytes, seconds};
use crate::metrics::Format;

/// A value is the same if it is written in its smallest unit.
pub fn values(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    if let Some(seconds_of_it) = seconds(text) {
        assert_eq!(seconds(&format!("{seconds_of_it}s")), Some(seconds_of_it));
    }
    if let Some(mebibytes_of_it) = mebibytes(text) {
        assert!(mebibytes_of_it > 0);
        assert_eq!(mebibytes(&format!("{mebibytes_of_it}Mi")), Some(mebibytes_of_it));
        assert!(bytes(text).is_some_and(f64::is_finite));
    }
    if let Err(message) = text.parse::<Shares>() {
        assert!(!message.is_empty());
    }
    assert!(
        Format::accepted(Some(text)) == Format::Prometheus
            || text.to_ascii_lowercase().contains("openmetrics")
    );
}
