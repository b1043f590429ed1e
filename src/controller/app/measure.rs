//! The counts of a finished pass over an App: its rollouts, and the drift that it repaired.

use super::Pass;
use crate::change::Change;
use crate::metrics::RolloutStep;
use crate::pass::Finished;
use crate::status::RolloutChange;

impl Pass<'_> {
    pub(super) fn measure(&self, finished: &Finished) {
        let metrics = &self.context.metrics;
        let platform = finished.record.as_ref().map(|record| record.name.as_str());
        let platform = platform.unwrap_or_default();
        for _ in finished.done.iter().filter(|change| change.starts_rollout()) {
            metrics.rolled(platform, RolloutStep::Started);
        }
        for change in &finished.rollouts {
            let step = match change {
                RolloutChange::Completed => RolloutStep::Completed,
                RolloutChange::Failed => RolloutStep::Failed,
                RolloutChange::RolledBack => RolloutStep::RolledBack,
            };
            metrics.rolled(platform, step);
        }
        // A redeploy is asked for in an annotation, which leaves the generation as it is.
        let is_repair = |change: &&Change| finished.drifted && !change.is_redeploy();
        for change in finished.done.iter().filter(is_repair) {
            metrics.repaired(platform, change.noun());
        }
    }
}
