//! The two formats of a scrape, and which one a client asks for.

use std::fmt;

use prometheus_client::encoding::{prometheus_text, text};
use prometheus_client::registry::Registry;

/// A format of the series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The text format 0.0.4: <https://prometheus.io/docs/instrumenting/exposition_formats/>.
    Prometheus,
    /// OpenMetrics 1.0: <https://prometheus.io/docs/specs/om/open_metrics_spec/>.
    OpenMetrics,
}

impl Format {
    /// Returns the format for an `Accept` header: OpenMetrics where it asks for that, and for plain text no more.
    pub fn accepted(header: Option<&str>) -> Self {
        let mut open_metrics = 0;
        let mut plain = 0;
        for range in header.unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
            let media = parts.next().unwrap_or_default();
            let quality = parts
                .find_map(|part| part.strip_prefix("q=").map(thousandths))
                .unwrap_or(1000);
            match media.as_str() {
                "application/openmetrics-text" => open_metrics = open_metrics.max(quality),
                "text/plain" => plain = plain.max(quality),
                _ => {}
            }
        }
        if open_metrics > 0 && open_metrics >= plain {
            Format::OpenMetrics
        } else {
            Format::Prometheus
        }
    }

    /// Returns the value of `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Prometheus => prometheus_text::CONTENT_TYPE,
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    pub(super) fn encode(self, registry: &Registry) -> Result<String, fmt::Error> {
        let mut written = String::new();
        match self {
            Format::Prometheus => prometheus_text::encode(&mut written, registry)?,
            Format::OpenMetrics => text::encode(&mut written, registry)?,
        }
        Ok(written)
    }
}

/// Reads a weight, which has at most three decimals: <https://www.rfc-editor.org/rfc/rfc9110#name-quality-values>.
fn thousandths(weight: &str) -> u32 {
    let (whole, decimals) = weight.split_once('.').unwrap_or((weight, ""));
    let digits = format!("{whole}{decimals:0<3}");
    digits.parse().map_or(0, |weight: u32| weight.min(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_metrics_is_for_those_who_ask_for_it() {
        let check =
            |header: Option<&str>, expected| assert_eq!(Format::accepted(header), expected, "{header:?}");
        check(None, Format::Prometheus);
        check(Some("*/*"), Format::Prometheus);
        check(Some("text/plain;version=0.0.4"), Format::Prometheus);
        check(Some("application/openmetrics-text"), Format::OpenMetrics);
        check(
            Some("Application/OpenMetrics-Text; version=1.0.0; q=0.5, */*;q=0.1"),
            Format::OpenMetrics,
        );
        check(Some("application/openmetrics-text;q=0"), Format::Prometheus);
        check(
            Some("application/openmetrics-text;q=0.2,text/plain;q=0.9"),
            Format::Prometheus,
        );
        // As Prometheus 3 asks.
        check(
            Some(
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;\
                 version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,\
                 */*;q=0.1",
            ),
            Format::OpenMetrics,
        );
        assert_eq!(
            ["1", "1.000", "0.25", "0", "x"].map(thousandths),
            [1000, 1000, 250, 0, 0]
        );
    }
}
