//! Runs as the cache keeps them: what the queue and the limits of a namespace ask for. A pass reads its Run live.

use std::sync::Arc;

use jiff::Timestamp;
use kube::Resource;
use kube::core::DeserializeGuard;

use super::cached::{Cached, split};
use crate::api::app::PlatformRecord;
use crate::api::condition::Reason;
use crate::api::run::{Run, RunPhase};
use crate::pass::{RUN_FINALIZER, Sibling, has_finalizer, is_under_way};

pub(super) type KnownRun = Cached<Run, Known>;

/// What is kept of a Run.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub app: Box<str>,
    /// Where its task is.
    pub record: Option<Box<PlatformRecord>>,
    pub phase: Option<RunPhase>,
    pub reason: Option<Reason>,
    pub made: Option<Timestamp>,
    /// As the limits of its namespace count it, while it is under way.
    pub sibling: Option<Arc<Sibling>>,
    is_under_way: bool,
    observed_generation: Option<i64>,
}

impl From<DeserializeGuard<Run>> for KnownRun {
    fn from(run: DeserializeGuard<Run>) -> Self {
        let made = run.meta().creation_timestamp.as_ref().map(|time| time.0);
        let run = match run.0 {
            Ok(run) => run,
            // Only its own pass can say what is wrong with one that cannot be read.
            Err(invalid) => {
                let known = Known {
                    app: Box::default(),
                    record: None,
                    phase: None,
                    reason: Some(Reason::InvalidSpec),
                    made,
                    sibling: None,
                    is_under_way: false,
                    observed_generation: None,
                };
                return Cached::of(split(invalid.metadata).0, known);
            }
        };
        let status = run.status.as_ref();
        let record = status.and_then(|status| status.platform.as_ref());
        let size = status.and_then(|status| status.size);
        let sibling = record.zip(size).filter(|_| is_under_way(status));
        let reason = status.and_then(|status| status.reason.as_deref());
        let known = Known {
            sibling: sibling.map(|(record, size)| Arc::new(Sibling::of_run(&run, &record.name, size))),
            record: record.cloned().map(Box::new),
            phase: status.and_then(|status| status.phase),
            reason: reason.and_then(Reason::named),
            made,
            is_under_way: is_under_way(status),
            observed_generation: status.map(|status| status.observed_generation),
            app: run.spec.app.into(),
        };
        Cached::of(split(run.metadata).0, known)
    }
}

impl KnownRun {
    /// Returns the generation that its status speaks of.
    pub(super) fn observed_generation(&self) -> Option<i64> {
        self.observed_generation
    }

    /// Returns true if it is of this App, and waits for something before it is recorded.
    pub(super) fn waits_for(&self, namespace: Option<&str>, app: &str) -> bool {
        let is_its = &*self.app == app && self.meta.namespace.as_deref() == namespace;
        is_its && !self.is_over() && !self.is_under_way
    }

    /// Returns true if it may have anything left to do.
    pub(super) fn is_open(&self) -> bool {
        !self.is_over() || self.meta.deletion_timestamp.is_some()
    }

    fn is_over(&self) -> bool {
        self.phase.is_some_and(RunPhase::is_over)
    }

    /// Returns true if its task, which has not ended for all that is known, is at this Platform.
    pub(super) fn needs(&self, platform: &str) -> bool {
        let is_there = self.record.as_ref().is_some_and(|record| record.name == platform);
        is_there && self.is_under_way && has_finalizer(&self.meta, RUN_FINALIZER)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn known(status: &Value) -> KnownRun {
        serde_json::from_value(json!({
            "apiVersion": "empire.dev/v1alpha1", "kind": "Run",
            "metadata": { "name": "console", "namespace": "shop", "uid": "1", "labels": { "a": "b" } },
            "spec": { "app": "acme", "command": "rake" },
            "status": status,
        }))
        .unwrap()
    }

    fn status(phase: &str) -> Value {
        json!({
            "observedGeneration": 1, "phase": phase, "size": { "cpu": 256, "memory": 512 },
            "platform": { "name": "staging", "region": "r", "cluster": "c", "vpcId": "v" },
            "attempt": {
                "number": 1, "phase": "Pending", "content": "d", "timeoutSeconds": 60,
                "since": "2026-01-01T00:00:00Z", "recorded": "2026-01-01T00:00:00Z",
                "request": { "process": "web", "taskDefinition": "arn", "token": "t" },
            },
        })
    }

    #[test]
    fn counts_while_it_is_under_way_and_no_longer() {
        let mut held = known(&status("Running"));
        assert!(!held.needs("staging"), "somebody has taken its finalizer off");
        held.meta.finalizers = Some(vec![RUN_FINALIZER.into()]);
        assert!(held.needs("staging") && !held.needs("other"));
        assert!(known(&status("Running")).sibling.is_some());
        assert!(known(&status("Succeeded")).sibling.is_none());
        assert!(!known(&status("Succeeded")).is_open() && known(&status("Running")).is_open());
        let fresh = known(&json!({ "observedGeneration": -1 }));
        assert!(fresh.sibling.is_none() && fresh.record.is_none());
        assert!(fresh.waits_for(Some("shop"), "acme") && !fresh.waits_for(Some("bank"), "acme"));
        assert!(!known(&status("Running")).waits_for(Some("shop"), "acme"));
        assert_eq!((&*fresh.app, &fresh.meta.labels), ("acme", &None));
    }
}
