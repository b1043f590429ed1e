//! The counts of a finished pass over an App: its rollouts, and the drift that it repaired.

use super::Pass;
use crate::api::app::AppStatus;
use crate::change::Change;
use crate::metrics::RolloutStep;
use crate::pass::Finished;
use crate::status::{RolloutChange, rollout_changes};

impl Pass<'_> {
    /// `before` is the status that the pass went on from.
    pub(super) fn measure(&self, before: Option<&AppStatus>, finished: &Finished) {
        let metrics = &self.context.metrics;
        let platform = finished.record.as_ref().map(|record| record.name.as_str());
        let platform = platform.unwrap_or_default();
        for _ in finished.done.iter().filter(|change| change.starts_rollout()) {
            metrics.rolled(platform, RolloutStep::Started);
        }
        for change in finished
            .status
            .iter()
            .flat_map(|status| rollout_changes(before, status))
        {
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
