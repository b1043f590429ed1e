//! The gauges of Runs.

use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::{OfReason, UNSEEN, gauge};
use crate::api::condition::Reason;
use crate::api::run::RunPhase;
use crate::metrics::Seconds;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfPhase {
    phase: &'static str,
}

pub(super) struct Runs {
    runs: Family<OfPhase, Gauge>,
    longest_pending: Family<OfReason, Seconds>,
}

impl Runs {
    pub(super) fn new(registry: &mut Registry) -> Self {
        Runs {
            runs: gauge(
                registry,
                "empire_runs",
                "Runs that are there, by phase; `Unseen` without one",
            ),
            longest_pending: gauge(
                registry,
                "empire_runs_longest_pending_seconds",
                "Time since the first of the Runs that are Pending for this reason, or were not seen yet, was made",
            ),
        }
    }

    pub(super) fn clear(&self) {
        self.runs.clear();
        self.longest_pending.clear();
    }

    pub(super) fn add(
        &self,
        phase: Option<RunPhase>,
        reason: Option<Reason>,
        made: Timestamp,
        now: Timestamp,
    ) {
        let of = OfPhase {
            phase: phase.map_or(UNSEEN, RunPhase::as_str),
        };
        self.runs.get_or_create(&of).inc();
        if matches!(phase, None | Some(RunPhase::Pending)) {
            let reason = reason.map_or(UNSEEN, Reason::as_str);
            let longest = self.longest_pending.get_or_create(&OfReason { reason });
            let age = now.duration_since(made).as_secs_f64();
            longest.set(longest.get().max(age));
        }
    }
}
