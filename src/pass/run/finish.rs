//! The end of a pass over a Run: its status, what is said of it, and when it is looked at again.

use std::time::Duration;

use jiff::Timestamp;

use super::{RUN_FINALIZER, RunEnd, RunMemory, RunWork, left_of_ttl};
use crate::api::condition::Reason;
use crate::api::event::EventReason;
use crate::api::run::{Run, RunPhase, RunStatus};
use crate::change::{TaskWrite, Write};
use crate::error::Error;
use crate::model::class::Class;
use crate::model::pending::Stage;
use crate::pass::backoff::{delay, pending, spread};
use crate::pass::binding::has_finalizer;
use crate::pass::requeue::Requeue;
use crate::plan::NextOfRun;
use crate::reconcile::Permission;
use crate::reconcile::run::RunOutcome;
use crate::status::{RunUpdate, reason_of, run_status};

/// An attempt is recorded by then, and its task can be started.
const RECORDED: Duration = Duration::from_secs(1);
/// What a Run waits for does not wake it: it is looked at this often, which costs AWS nothing.
const LOOK: Duration = Duration::from_secs(30);

/// What is to be done and said after a pass.
#[derive(Debug)]
pub struct RunFinished {
    /// Only where it differs.
    pub status: Option<RunStatus>,
    /// The finalizer, and the App as its owner, are to be there before the status is written.
    pub needs_hold: bool,
    /// Nothing of it is left in AWS.
    pub is_released: bool,
    pub events: Vec<(EventReason, String)>,
    /// The same of what its developer should look at.
    pub warnings: Vec<(EventReason, String)>,
    /// What somebody should hear of.
    pub troubles: Vec<(Reason, String)>,
    pub requeue: Requeue,
    pub failed: bool,
}

/// Concludes a pass; `jitter` is uniform in 0..1.
pub fn finish_run(
    memory: &mut RunMemory,
    run: &Run,
    end: &RunEnd,
    now: Timestamp,
    jitter: f64,
) -> RunFinished {
    let failure = failure(end);
    let is_a_wait = failure.is_none_or(Error::is_a_wait);
    memory.failures = if is_a_wait {
        0
    } else {
        memory.failures.saturating_add(1)
    };
    match end {
        RunEnd::Reconciled(_, outcome) => memory.refused = refused(outcome),
        // Until its task is looked for again, the refusal grows old as well.
        RunEnd::Failure(_) if !is_a_wait => memory.refused = None,
        RunEnd::Failure(_) | RunEnd::Waits(..) | RunEnd::Invalid(_) | RunEnd::Over | RunEnd::Left(_) => {}
    }
    let status = status(run, end, now);
    let before = run.status.as_ref();
    let said = status.as_ref().or(before);
    let is_over = said
        .and_then(|status| status.phase)
        .is_some_and(RunPhase::is_over);
    let may_go = match end {
        RunEnd::Reconciled(_, outcome) => outcome.next == NextOfRun::Gone,
        RunEnd::Left(_) => true,
        RunEnd::Waits(..) | RunEnd::Invalid(_) | RunEnd::Failure(_) | RunEnd::Over => false,
    };
    let is_held = has_finalizer(&run.metadata, RUN_FINALIZER);
    let is_deleted = run.metadata.deletion_timestamp.is_some();
    let has_attempt = said.is_some_and(|status| status.attempt.is_some());
    let requeue = match failure {
        _ if may_go => Requeue::Never,
        Some(error) if !is_over => {
            let class = if is_a_wait {
                Class::Transient
            } else {
                error.class()
            };
            let after = delay(class, memory.failures.max(1), jitter);
            Requeue::After(after.unwrap_or(LOOK))
        }
        Some(_) | None => requeue(run, said, end, now, jitter),
    };
    RunFinished {
        needs_hold: has_attempt && !is_over && !is_deleted && !is_held,
        is_released: is_held && (is_over || may_go),
        events: events(run, end, said),
        warnings: warnings(end),
        troubles: said.map(troubles).unwrap_or_default(),
        requeue,
        failed: !is_a_wait,
        status: status.filter(|status| before != Some(status) && !may_go),
    }
}

fn failure(end: &RunEnd) -> Option<&Error> {
    match end {
        RunEnd::Failure(error) => Some(error),
        RunEnd::Reconciled(_, outcome) => outcome.failure.as_ref(),
        RunEnd::Waits(..) | RunEnd::Invalid(_) | RunEnd::Over | RunEnd::Left(_) => None,
    }
}

/// Returns the number of the attempt that AWS clearly did not take. Any other failure may have taken effect.
fn refused(outcome: &RunOutcome) -> Option<u32> {
    let error = outcome.failure.as_ref()?;
    let is_no = matches!(error.class(), Class::Denied | Class::Refused);
    let attempt = outcome
        .attempt
        .as_ref()
        .filter(|_| is_no && outcome.next == NextOfRun::Start);
    attempt.map(|attempt| attempt.number)
}

fn status(run: &Run, end: &RunEnd, now: Timestamp) -> Option<RunStatus> {
    let update = match end {
        RunEnd::Reconciled(work, outcome) => {
            let RunWork {
                record,
                request,
                size,
                blocked,
                ..
            } = &**work;
            RunUpdate::Reconciled {
                outcome,
                platform: record,
                logging: request.wanted.logging.as_ref(),
                size: *size,
                blocked: blocked.as_ref(),
            }
        }
        RunEnd::Waits(reason, message) => RunUpdate::Waits(*reason, message),
        RunEnd::Invalid(message) => RunUpdate::Invalid(message),
        // What was not tried is no news.
        RunEnd::Failure(error) if error.is_a_wait() => return None,
        RunEnd::Failure(error) => {
            let message = error.to_string();
            let update = RunUpdate::Waits(reason_of(error), &message);
            return Some(run_status(run.status.as_ref(), generation(run), update, now));
        }
        RunEnd::Over => {
            let known = run.status.clone()?;
            return Some(RunStatus {
                observed_generation: generation(run),
                ..known
            });
        }
        RunEnd::Left(_) => return None,
    };
    Some(run_status(run.status.as_ref(), generation(run), update, now))
}

fn generation(run: &Run) -> i64 {
    run.metadata.generation.unwrap_or_default()
}

fn requeue(run: &Run, said: Option<&RunStatus>, end: &RunEnd, now: Timestamp, jitter: f64) -> Requeue {
    let is_over = said
        .and_then(|status| status.phase)
        .is_some_and(RunPhase::is_over);
    if is_over {
        let run = Run {
            status: said.cloned(),
            ..run.clone()
        };
        let left = left_of_ttl(&run, now);
        return left.map_or(Requeue::Never, |left| {
            Requeue::After(Duration::from_secs(left.try_into().unwrap_or_default()))
        });
    }
    let RunEnd::Reconciled(_, outcome) = end else {
        return Requeue::After(spread(LOOK, jitter));
    };
    if let Some((until, _)) = outcome.later {
        let turn = until.duration_since(now).unsigned_abs();
        return Requeue::Turn {
            turn,
            after: turn + pending(jitter),
        };
    }
    match (outcome.interrupted, &outcome.next) {
        (Some(Permission::Yield), _) => Requeue::Yielded,
        (_, NextOfRun::Wait(Stage::Record(None))) => Requeue::After(RECORDED),
        (_, _) => Requeue::After(pending(jitter)),
    }
}

fn events(run: &Run, end: &RunEnd, said: Option<&RunStatus>) -> Vec<(EventReason, String)> {
    let mut events = Vec::new();
    if let RunEnd::Reconciled(_, outcome) = end
        && let Some(change) = &outcome.done
    {
        let task = outcome.attempt.as_ref().and_then(|attempt| attempt.task.as_ref());
        let task = task.map(|task| task.0.as_str()).unwrap_or_default();
        if matches!(change.write, Write::Task(TaskWrite::Stop { .. })) {
            events.push((EventReason::RunStopped, format!("stopping task {task}")));
        } else if !task.is_empty() {
            events.push((EventReason::RunStarted, format!("started task {task}")));
        }
    }
    let was = run.status.as_ref().and_then(|status| status.phase);
    let is = said.and_then(|status| status.phase);
    if was != is && is == Some(RunPhase::Succeeded) {
        events.push((
            EventReason::RunCompleted,
            "its command ended with exit code 0".into(),
        ));
    }
    events
}

fn warnings(end: &RunEnd) -> Vec<(EventReason, String)> {
    let RunEnd::Reconciled(work, outcome) = end else {
        return Vec::new();
    };
    let hint = work.hint.clone().filter(|_| outcome.attempt.is_some());
    hint.map(|hint| (EventReason::ShellSyntax, hint))
        .into_iter()
        .collect()
}

/// Returns the reason and message of a status that are no matter of course.
fn troubles(status: &RunStatus) -> Vec<(Reason, String)> {
    let reason = status.reason.as_deref().and_then(Reason::named);
    let reason = reason.filter(|reason| {
        !matches!(
            reason,
            Reason::RunStarting | Reason::RunInProgress | Reason::RunSucceeded | Reason::Suspended
        )
    });
    let said = reason.zip(status.message.clone());
    said.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use kube::ResourceExt;

    use super::*;

    #[test]
    fn a_run_that_is_kept_is_not_looked_at_again() {
        let run: Run = serde_json::from_value(serde_json::json!({
            "apiVersion": "empire.dev/v1alpha1", "kind": "Run", "metadata": { "name": "r" },
            "spec": { "app": "acme" },
            "status": { "observedGeneration": 0, "phase": "Succeeded", "finishedAt": "2026-01-01T00:00:00Z" },
        }))
        .unwrap();
        assert_eq!(run.name_any(), "r");
        let now: Timestamp = "2026-01-01T00:00:30Z".parse().unwrap();
        let finished = finish_run(&mut RunMemory::default(), &run, &RunEnd::Over, now, 0.0);
        assert_eq!(finished.requeue, Requeue::Never);
        let mut brief = run.clone();
        brief.spec.ttl_after_finished = Some("1m".into());
        let finished = finish_run(&mut RunMemory::default(), &brief, &RunEnd::Over, now, 0.0);
        assert_eq!(finished.requeue, Requeue::After(Duration::from_secs(30)));
    }
}
