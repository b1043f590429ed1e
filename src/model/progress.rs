//! The progress of rollouts, and who has ECS Exec, read off the services that ECS reports.

use super::rollout::{Exec, Progress, RolloutMemory, Submission};
use super::state::ServiceState;

impl RolloutMemory {
    /// A write has started a rollout, which is ours from now on: the deployment, if the reply shows one.
    pub fn submit(
        &mut self,
        hash: &str,
        reply: &ServiceState,
        redeploy: Option<&String>,
        secrets: Option<&String>,
    ) {
        let before = self.submitted.take();
        let before = before.map(|before| (before.redeploy, before.secrets, before.secret_change));
        let (redone, read, change) = before.unwrap_or_default();
        self.rejected = None;
        self.submitted = reply.primary().map(|primary| Submission {
            hash: hash.into(),
            deployment: primary.id.clone(),
            redeploy: redeploy.cloned().or(redone),
            secrets: secrets.cloned().or(read),
            secret_change: change,
            complete: false,
            progress: Progress::begun(reply),
        });
    }
}

impl Exec {
    /// Returns what is known after another look at the service.
    #[must_use]
    pub fn seen(&self, service: &ServiceState) -> Self {
        let is_there = |id: &&String| service.deployments.iter().any(|found| found.id == **id);
        Exec {
            lacked_by: self.lacked_by.iter().filter(is_there).cloned().collect(),
        }
    }

    /// Returns what is known right after it was turned on, of a service that looked like this before.
    pub fn turned_on(before: &ServiceState) -> Self {
        Exec {
            lacked_by: before.deployments.iter().map(|found| found.id.clone()).collect(),
        }
    }
}

impl Progress {
    /// Returns the progress of a rollout of which nothing is known but what ECS shows now, as right after the write that
    /// began it: its time counts from its creation. `None` if ECS does not say when that was, as emulators do not.
    pub fn begun(service: &ServiceState) -> Option<Self> {
        let primary = service.primary()?;
        Some(Progress {
            most_new: primary.running,
            fewest_old: old_tasks(service),
            most_desired: Some(service.desired),
            failed: primary.failed,
            faltered: primary.failed > 0,
            since: primary.created?,
        })
    }

    /// Returns the progress after another look at the service, `now` in seconds since 1970. It can advance only so
    /// often as there are tasks, or are wanted, so that tasks which start and die again and again come to an end.
    #[must_use]
    pub fn seen(self, service: &ServiceState, now: i64) -> Self {
        let Some(primary) = service.primary() else {
            return self;
        };
        let old = old_tasks(service);
        let most_desired = self.most_desired.unwrap_or(service.desired).max(service.desired);
        let wants_more = self.most_desired.is_some_and(|before| before < most_desired);
        if primary.running > self.most_new || old < self.fewest_old || wants_more {
            return Progress {
                most_new: self.most_new.max(primary.running),
                fewest_old: self.fewest_old.min(old),
                most_desired: Some(most_desired),
                failed: primary.failed,
                faltered: false,
                since: now,
            };
        }
        // ECS's own count leaves out, or forgets, tasks that end after they ran. Fewer may also be wanted by now.
        let has_lost = primary.running < self.most_new.min(service.desired);
        Progress {
            most_desired: Some(most_desired),
            failed: self.failed.min(primary.failed),
            faltered: self.faltered || has_lost || primary.failed > self.failed,
            ..self
        }
    }
}

/// A deployment that is still listed has a task that drains, also if ECS does not count that as running any more.
fn old_tasks(service: &ServiceState) -> u32 {
    let old = service
        .deployments
        .iter()
        .filter(|deployment| !deployment.primary);
    old.map(|deployment| deployment.running.max(1)).sum()
}
