//! The gauges of AWS's token buckets, and of the lines for their tokens.

use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::{gauge, number};
use crate::budget::{Bucket, State};
use crate::metrics::Seconds;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfBucket {
    bucket: &'static str,
}

pub(super) struct Lines {
    tokens: Family<OfBucket, Seconds>,
    token_rate: Family<OfBucket, Seconds>,
    in_line: Family<OfBucket, Gauge>,
    longest_in_line: Family<OfBucket, Seconds>,
}

impl Lines {
    pub(super) fn new(registry: &mut Registry) -> Self {
        Lines {
            tokens: gauge(
                registry,
                "empire_aws_tokens",
                "Calls that AWS is believed to take at once, by its bucket; of several accounts and regions the fewest",
            ),
            token_rate: gauge(
                registry,
                "empire_aws_tokens_per_second",
                "Calls a second that AWS is believed to take, by its bucket: less after a throttle; of several accounts and regions the fewest",
            ),
            in_line: gauge(
                registry,
                "empire_aws_waiting",
                "Changes, and passes that are to read, which wait in line for AWS to take more calls, by its bucket",
            ),
            longest_in_line: gauge(
                registry,
                "empire_aws_longest_wait_seconds",
                "Time for which the one that joined first has waited in the line of a bucket of AWS",
            ),
        }
    }

    pub(super) fn clear(&self) {
        self.tokens.clear();
        self.token_rate.clear();
        self.in_line.clear();
        self.longest_in_line.clear();
    }

    pub(super) fn show(&self, states: &[State], now: Timestamp) {
        for of in Bucket::ALL {
            let bucket = of.as_str();
            let its = || states.iter().filter(|state| state.bucket == of);
            let fewest = |number: fn(&State) -> f64| its().map(number).reduce(f64::min);
            let (Some(tokens), Some(rate)) = (fewest(|state| state.tokens), fewest(|state| state.rate))
            else {
                continue;
            };
            let since = its()
                .flat_map(|state| &state.waiting)
                .map(|waits| waits.since)
                .min();
            let waited = since.map_or(0.0, |since| now.duration_since(since).as_secs_f64());
            let waiting = its().map(|state| state.waiting.len()).sum();
            let of = OfBucket { bucket };
            self.tokens.get_or_create(&of).set(tokens);
            self.token_rate.get_or_create(&of).set(rate);
            self.in_line.get_or_create(&of).set(number(waiting));
            self.longest_in_line.get_or_create(&of).set(waited);
        }
    }
}
