//! The generations of Apps that are not Ready yet, and when this process first saw them.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use kube::Resource;

use super::{Key, app_name, lock};
use crate::api::app::AppStatus;
use crate::api::condition::ConditionType;
use crate::controller::packed::PackedApp;
use crate::model::owner::AppName;

#[derive(Default)]
pub(in crate::controller) struct Edits(Mutex<HashMap<AppName, (i64, Instant)>>);

impl Edits {
    /// Notes a generation that no pass has come to yet. One that a pass of another process has begun with was seen there,
    /// nobody knows when.
    pub(in crate::controller) fn saw(&self, key: &Key, app: &PackedApp, now: Instant) {
        let meta = app.meta();
        let observed = app.observed_generation();
        let Some(generation) = meta.generation.filter(|generation| observed < Some(*generation)) else {
            return;
        };
        if meta.deletion_timestamp.is_some() {
            return;
        }
        let mut seen = lock(&self.0);
        let known = seen.entry(app_name(key)).or_insert((generation, now));
        if known.0 < generation {
            *known = (generation, now);
        }
    }

    /// Returns how long it took until this status, if it is the first one that calls its generation Ready.
    pub(in crate::controller) fn ready(
        &self,
        key: &Key,
        status: &AppStatus,
        now: Instant,
    ) -> Option<Duration> {
        if !ConditionType::Ready.is_true(&status.conditions) {
            return None;
        }
        let (mut seen, app) = (lock(&self.0), app_name(key));
        let (generation, since) = *seen.get(&app)?;
        if generation != status.observed_generation {
            return None;
        }
        seen.remove(&app);
        Some(now.saturating_duration_since(since))
    }

    pub(in crate::controller) fn forget(&self, key: &Key) {
        lock(&self.0).remove(&app_name(key));
    }
}

#[cfg(test)]
mod tests {
    use kube::core::DeserializeGuard;
    use kube::runtime::reflector::ObjectRef;
    use serde_json::{Value, json};

    use super::*;
    use crate::desired::fixtures::app_with;

    fn app(generation: i64, observed: i64, ready: &str) -> PackedApp {
        PackedApp::from(DeserializeGuard(Ok(app_with(json!({
            "metadata": { "name": "acme", "namespace": "shop", "generation": generation },
            "status": { "observedGeneration": observed, "conditions": [condition(ready)] },
        })))))
    }

    fn condition(status: &str) -> Value {
        json!({
            "type": "Ready", "status": status, "reason": "Available", "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        })
    }

    #[test]
    fn an_edit_counts_from_when_its_generation_was_first_seen_until_that_is_ready() {
        let (edits, begun) = (Edits::default(), Instant::now());
        let at = |seconds| begun + Duration::from_secs(seconds);
        let key = ObjectRef::new("acme").within("shop");
        let ready = |app: &PackedApp, seconds| {
            let status = app.unpack().unwrap().status.unwrap();
            edits.ready(&key, &status, at(seconds))
        };
        // Another process has begun with it.
        edits.saw(&key, &app(1, 1, "False"), at(0));
        assert_eq!(ready(&app(1, 1, "True"), 5), None);
        edits.saw(&key, &app(2, 1, "True"), at(10));
        // The status of before, again, and the one that says that it is on its way.
        edits.saw(&key, &app(2, 1, "True"), at(11));
        assert_eq!(ready(&app(2, 1, "True"), 12), None);
        edits.saw(&key, &app(2, 2, "False"), at(13));
        assert_eq!(ready(&app(2, 2, "False"), 14), None);
        assert_eq!(ready(&app(2, 2, "True"), 40), Some(Duration::from_secs(30)));
        assert_eq!(ready(&app(2, 2, "True"), 50), None);
        // One that another replaces counts for nothing.
        edits.saw(&key, &app(3, 2, "True"), at(60));
        edits.saw(&key, &app(4, 2, "True"), at(70));
        assert_eq!(ready(&app(4, 3, "True"), 75), None);
        assert_eq!(ready(&app(4, 4, "True"), 80), Some(Duration::from_secs(10)));
        edits.saw(&key, &app(5, 4, "True"), at(90));
        edits.forget(&key);
        assert_eq!(ready(&app(5, 5, "True"), 95), None);
    }
}
