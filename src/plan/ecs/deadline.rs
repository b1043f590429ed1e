//! When a rollout has taken too long: so many seconds after it last came further, which is kept in [`Progress`].

use crate::model::desired::{Desired, DesiredProcess};
use crate::model::rollout::{Progress, RolloutMemory, Submission};
use crate::model::state::{Observed, Rollout, ServiceState};

/// Notes how far the rollouts of ours have come, and which of them are late by now, in seconds since 1970.
pub fn note_progress(desired: &Desired, observed: &mut Observed, now: i64) {
    for (process, wanted) in &desired.processes {
        let service = wanted.service();
        let Some(found) = service.and_then(|service| observed.services.get(&service.name)) else {
            continue;
        };
        let mut memory = observed.rollouts.get_mut(process);
        let submitted = memory.as_mut().and_then(|memory| memory.submitted.as_mut());
        if let Some(submitted) = submitted.filter(|submitted| is_under_way(submitted, found)) {
            submitted.progress = match submitted.progress {
                Some(progress) => Some(progress.seen(found, now)),
                None => Progress::begun(found),
            };
        }
        if deadline(found, wanted, memory.as_deref()).is_some_and(|deadline| deadline <= now) {
            observed.overdue.insert(found.name.clone());
        }
    }
}

/// Returns when a rollout that is under way is late, in seconds since 1970. Never, while the new tasks run, all of them, and
/// those before them have yet to go: how long they drain is no matter of the new release.
pub fn deadline(
    found: &ServiceState,
    wanted: &DesiredProcess,
    memory: Option<&RolloutMemory>,
) -> Option<i64> {
    let service = wanted.service()?;
    let primary = found.primary()?;
    let submitted = memory.and_then(|memory| memory.submitted.as_ref());
    let submitted = submitted.filter(|submitted| submitted.deployment == primary.id);
    let is_complete = submitted.is_some_and(|submitted| submitted.complete);
    if primary.rollout != Rollout::InProgress || is_complete {
        return None;
    }
    let known = submitted.and_then(|submitted| submitted.progress);
    let progress = known.or_else(|| Progress::begun(found))?;
    let mut seconds = wanted.progress_deadline();
    if primary.running >= found.desired && !progress.faltered {
        if found.deployments.len() > 1 {
            return None;
        }
        // They wait for their load balancer to find them healthy.
        seconds = seconds.max(service.settings.grace_period.unwrap_or_default());
    }
    Some(progress.since + i64::from(seconds))
}

fn is_under_way(submitted: &Submission, found: &ServiceState) -> bool {
    let primary = found
        .primary()
        .filter(|primary| primary.id == submitted.deployment);
    !submitted.complete && primary.is_some_and(|primary| primary.rollout == Rollout::InProgress)
}

#[cfg(test)]
mod tests;
