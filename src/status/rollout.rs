//! Rollouts in a status: their progress for people, and their memory for the next pass.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::app::{
    AppStatus, ExecStatus, ProcessStatus, RejectedRollout, RolloutProgress, RolloutStatus,
    SecretChangeStatus, SubmittedRollout,
};
use crate::model::desired::{Desired, DesiredProcess};
use crate::model::rollout::{Exec, Progress, Rejection, RolloutMemory, SecretChange, Submission};
use crate::model::shared_map::SharedMap;
use crate::model::state::{Rollout, ServiceState};
use crate::plan::deadline;
use crate::reconcile::Outcome;

/// Returns the memory of each process's rollouts in a status.
pub fn rollouts(status: Option<&AppStatus>) -> SharedMap<String, RolloutMemory> {
    let processes = status.into_iter().flat_map(|status| &status.processes);
    processes
        .map(|process| (process.name.clone(), memory(process)))
        .collect()
}

fn memory(process: &ProcessStatus) -> RolloutMemory {
    let submission = |submitted: SubmittedRollout| Submission {
        hash: submitted.hash,
        deployment: submitted.deployment_id,
        redeploy: submitted.redeploy,
        secrets: submitted.secrets,
        secret_change: submitted.secret_change.map(|change| SecretChange {
            versions: change.versions,
            after: change.after,
        }),
        complete: submitted.complete,
        progress: submitted.progress.as_ref().map(progress_of),
    };
    let rejection = |rejected: RejectedRollout| Rejection {
        hash: rejected.hash,
        message: rejected.message,
    };
    RolloutMemory {
        submitted: process.submitted.clone().map(submission),
        rejected: process.rejected.clone().map(rejection),
        exec: process.exec.map(|_| Exec {
            lacked_by: process.exec_lacked_by.clone(),
        }),
    }
}

/// The other way round.
pub(super) fn remembered(
    memory: Option<&RolloutMemory>,
) -> (Option<SubmittedRollout>, Option<RejectedRollout>) {
    let RolloutMemory {
        submitted,
        rejected,
        exec: _,
    } = memory.cloned().unwrap_or_default();
    let submitted = submitted.map(|submitted| SubmittedRollout {
        hash: submitted.hash,
        deployment_id: submitted.deployment,
        redeploy: submitted.redeploy,
        secrets: submitted.secrets,
        secret_change: submitted.secret_change.map(|change| SecretChangeStatus {
            versions: change.versions,
            after: change.after,
        }),
        complete: submitted.complete,
        progress: submitted.progress.and_then(remembered_progress),
    });
    let rejected = rejected.map(|rejected| RejectedRollout {
        hash: rejected.hash,
        message: super::cut(&rejected.message),
    });
    (submitted, rejected)
}

/// Returns what users are told of ECS Exec, and the deployments whose tasks may lack it.
pub(super) fn exec(memory: Option<&RolloutMemory>) -> (Option<ExecStatus>, Vec<String>) {
    let Some(Exec { lacked_by }) = memory.and_then(|memory| memory.exec.clone()) else {
        return (None, Vec::new());
    };
    let status = if lacked_by.is_empty() {
        ExecStatus::Enabled
    } else {
        ExecStatus::NextRollout
    };
    (Some(status), lacked_by)
}

fn progress_of(progress: &RolloutProgress) -> Progress {
    let count = |number: i32| number.try_into().unwrap_or(0);
    Progress {
        most_new: count(progress.most_new),
        fewest_old: count(progress.fewest_old),
        most_desired: progress.most_desired.map(count),
        failed: count(progress.failed),
        faltered: progress.faltered,
        since: progress.since.0.as_second(),
    }
}

/// The other way round.
fn remembered_progress(progress: Progress) -> Option<RolloutProgress> {
    let count = |number: u32| number.try_into().unwrap_or(i32::MAX);
    Some(RolloutProgress {
        most_new: count(progress.most_new),
        fewest_old: count(progress.fewest_old),
        most_desired: progress.most_desired.map(count),
        failed: count(progress.failed),
        faltered: progress.faltered,
        since: Time(Timestamp::from_second(progress.since).ok()?),
    })
}

pub(super) fn rollout_status(service: &ServiceState, memory: Option<&RolloutMemory>) -> RolloutStatus {
    let primary = service.primary();
    let submitted = memory.and_then(|memory| memory.submitted.as_ref());
    let is_submitted = primary.map(|primary| &primary.id) == submitted.map(|submitted| &submitted.deployment);
    let is_rejected = memory.is_some_and(|memory| memory.rejected.is_some());
    match primary.map(|primary| primary.rollout) {
        Some(Rollout::Failed) => RolloutStatus::Failed,
        _ if is_rejected && is_submitted => RolloutStatus::Failed,
        _ if is_rejected => RolloutStatus::RolledBack,
        Some(Rollout::Completed) if service.is_rolled_out() => RolloutStatus::Completed,
        Some(Rollout::Completed | Rollout::InProgress) | None => RolloutStatus::InProgress,
    }
}

/// The end of a rollout, or what comes after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolloutChange {
    Completed,
    Failed,
    RolledBack,
}

/// Returns the rollouts that have come to an end from one status of an App to the next. One that was rolled back has
/// failed, too, whether a status between the two showed that or not.
pub fn rollout_changes(before: Option<&AppStatus>, after: &AppStatus) -> Vec<RolloutChange> {
    let known = |name: &str| {
        let mut processes = before.into_iter().flat_map(|status| &status.processes);
        processes.find(|process| process.name == name)
    };
    let deployment = |process: &ProcessStatus| {
        let submitted = process.submitted.as_ref();
        submitted.map(|submitted| submitted.deployment_id.clone())
    };
    let mut changes = Vec::new();
    for process in &after.processes {
        let before = known(&process.name);
        let same = before.filter(|before| deployment(before) == deployment(process));
        let was = same.and_then(|before| before.rollout);
        if was == process.rollout {
            continue;
        }
        match process.rollout {
            Some(RolloutStatus::Completed) => changes.push(RolloutChange::Completed),
            // ECS may call it failed again once it is rolled back.
            Some(RolloutStatus::Failed) if was != Some(RolloutStatus::RolledBack) => {
                changes.push(RolloutChange::Failed);
            }
            Some(RolloutStatus::RolledBack) => {
                let failed = (was != Some(RolloutStatus::Failed)).then_some(RolloutChange::Failed);
                changes.extend(failed);
                changes.push(RolloutChange::RolledBack);
            }
            Some(RolloutStatus::InProgress | RolloutStatus::Failed) | None => {}
        }
    }
    changes
}

/// Returns the progress of a rollout: `1 of 2 tasks running, 3 failed`, and ECS's newest event.
pub(super) fn progress(service: &ServiceState) -> String {
    let mut parts = Vec::new();
    if let Some(primary) = service.primary()
        && primary.rollout == Rollout::InProgress
    {
        parts.push(format!(
            "{} of {} tasks running",
            primary.running, primary.desired
        ));
        if primary.failed > 0 {
            parts.push(format!("{} failed", primary.failed));
        }
    }
    let counts = parts.join(", ");
    let event = service.newest_event.clone();
    let said = [Some(counts).filter(|counts| !counts.is_empty()), event];
    let said: Vec<String> = said.into_iter().flatten().collect();
    said.join(": ")
}

/// Returns the time until the next rollout that is under way has taken too long; `now` in seconds since 1970.
pub fn next_deadline(desired: &Desired, outcome: &Outcome, now: i64) -> Option<Duration> {
    let left = desired.processes.iter().filter_map(|(process, wanted)| {
        let found = outcome.observed.services.get(&wanted.service()?.name)?;
        let deadline = deadline(found, wanted, outcome.plan.rollouts.get(process))?;
        u64::try_from(deadline - now).ok()
    });
    left.filter(|left| *left > 0).min().map(Duration::from_secs)
}

/// Returns the seconds that a rollout may come no further, where the manifest's own are too few for its tasks to drain,
/// stop and pass their checks.
pub(super) fn widened_deadline(wanted: &DesiredProcess) -> Option<u32> {
    let widened = wanted.progress_deadline();
    wanted
        .service()
        .filter(|given| given.progress_deadline < widened)?;
    Some(widened)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn each_end_of_a_rollout_is_found_once() {
        let status = |rollout: Option<&str>, deployment: &str| -> AppStatus {
            let mut web = json!({ "name": "web", "submitted": { "hash": "1", "deploymentId": deployment } });
            if let Some(rollout) = rollout {
                web["rollout"] = Value::from(rollout);
            }
            serde_json::from_value(json!({ "observedGeneration": 1, "processes": [web] })).unwrap()
        };
        let check =
            |before: (Option<&str>, &str), after: (Option<&str>, &str), expected: &[RolloutChange]| {
                let (before, after) = (status(before.0, before.1), status(after.0, after.1));
                assert_eq!(
                    rollout_changes(Some(&before), &after),
                    expected,
                    "{before:?} {after:?}"
                );
            };
        let (going, done, failed, back) = (
            Some("InProgress"),
            Some("Completed"),
            Some("Failed"),
            Some("RolledBack"),
        );
        check((going, "1"), (going, "1"), &[]);
        check((going, "1"), (done, "1"), &[RolloutChange::Completed]);
        check((done, "1"), (done, "1"), &[]);
        // So fast that no pass saw it under way.
        check((done, "1"), (done, "2"), &[RolloutChange::Completed]);
        check((done, "1"), (going, "2"), &[]);
        check((going, "1"), (failed, "1"), &[RolloutChange::Failed]);
        check((failed, "1"), (back, "1"), &[RolloutChange::RolledBack]);
        check(
            (going, "1"),
            (back, "1"),
            &[RolloutChange::Failed, RolloutChange::RolledBack],
        );
        check((back, "1"), (failed, "1"), &[]);
        check((back, "1"), (None, "1"), &[]);
        assert_eq!(
            rollout_changes(None, &status(done, "1")),
            [RolloutChange::Completed]
        );
    }
}
