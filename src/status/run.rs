//! The status of a Run: what people read of it, and what the next pass goes on from.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::release::{attempt_of, recorded};
use super::request::{is_same, with_request};
use super::{cut, reason_of};
use crate::api::app::{PlatformRecord, ReleaseAttempt, ReleasePhase, TaskSize};
use crate::api::condition::Reason;
use crate::api::run::{RunCondition, RunLog, RunOverrides, RunPhase, RunStatus};
use crate::model::container::{Environment, Logging};
use crate::model::log::Log;
use crate::model::name::Arn;
use crate::model::pending::Stage;
use crate::model::release::Attempt;
use crate::model::run::TaskOverrides;
use crate::plan::NextOfRun;
use crate::reconcile::run::RunOutcome;

/// What a pass over a Run came to.
#[derive(Clone, Copy, Debug)]
pub enum RunUpdate<'a> {
    /// It waits for something that another manifest, or its operator, must bring; or a call failed.
    Waits(Reason, &'a str),
    /// It can never start: it asks for what cannot be.
    Invalid(&'a str),
    Reconciled {
        outcome: &'a RunOutcome,
        platform: &'a PlatformRecord,
        logging: Option<&'a Logging>,
        size: Option<TaskSize>,
        /// Why nothing may be started for it now.
        blocked: Option<&'a (Reason, String)>,
    },
}

/// Returns the status after a pass.
pub fn run_status(
    before: Option<&RunStatus>,
    generation: i64,
    update: RunUpdate<'_>,
    now: Timestamp,
) -> RunStatus {
    let before = before.cloned().unwrap_or_default();
    let mut status = RunStatus {
        observed_generation: generation,
        ..before
    };
    let (phase, reason, message) = match update {
        RunUpdate::Waits(reason, message) => {
            let phase = status.phase.unwrap_or(RunPhase::Pending);
            (phase, reason, message.to_owned())
        }
        RunUpdate::Invalid(message) => (RunPhase::Failed, Reason::InvalidSpec, message.to_owned()),
        RunUpdate::Reconciled {
            outcome,
            platform,
            logging,
            size,
            blocked,
        } => {
            remember(&mut status, outcome, now);
            if status.attempt.is_some() {
                status.platform = Some(platform.clone());
                // What it is started with may be another process than before.
                let is_recorded = matches!(outcome.next, NextOfRun::Wait(Stage::Record(_)));
                status.size = size.filter(|_| is_recorded).or(status.size);
                status.log = log(logging, status.attempt.as_ref()).or(status.log);
            }
            match (said(outcome, status.attempt.as_ref()), blocked) {
                ((RunPhase::Pending, Reason::RunStarting, _), Some((reason, message)))
                    if outcome.next == NextOfRun::Blocked =>
                {
                    (RunPhase::Pending, *reason, message.clone())
                }
                (said, _) => said,
            }
        }
    };
    if phase == RunPhase::Running {
        status.started_at.get_or_insert(Time(now));
    }
    if phase.is_over() {
        status.finished_at.get_or_insert(Time(now));
    }
    let kept = status.message.take();
    let message = cut(&message);
    let message = kept.filter(|kept| is_same(kept, &message)).unwrap_or(message);
    status.phase = Some(phase);
    status.reason = Some(reason.as_str().into());
    status.conditions = conditions(&status.conditions, generation, phase, (reason, &message), now);
    status.message = Some(message);
    status
}

fn remember(status: &mut RunStatus, outcome: &RunOutcome, now: Timestamp) {
    let overrides = outcome
        .attempt
        .as_ref()
        .and_then(|attempt| attempt.request.overrides.as_deref());
    status.overrides = overrides.map(overrides_of);
    status.attempt = outcome
        .attempt
        .clone()
        .map(|attempt| recorded(attempt, &outcome.sight, now));
    let Some(attempt) = &status.attempt else {
        return;
    };
    status.recorded_at = Some(attempt.since.clone());
    status.exit_code = attempt.exit_code;
    status.task = attempt.task.clone().or(status.task.take());
}

/// Returns phase, reason and message of a Run whose call is recorded, or is about to be.
fn said(outcome: &RunOutcome, attempt: Option<&ReleaseAttempt>) -> (RunPhase, Reason, String) {
    let Some(attempt) = attempt else {
        return (RunPhase::Pending, Reason::RunStarting, "to be started".into());
    };
    let told = |text: &str| attempt.message.clone().unwrap_or_else(|| text.into());
    let (phase, reason, message) = match attempt.phase {
        ReleasePhase::Pending | ReleasePhase::Abandoned => {
            (RunPhase::Pending, Reason::RunStarting, starting(&outcome.next))
        }
        ReleasePhase::Running => (RunPhase::Running, Reason::RunInProgress, "its task runs".into()),
        ReleasePhase::Stopping => {
            let message = format!(
                "its task runs for over {} s, and is stopped",
                attempt.timeout_seconds
            );
            (RunPhase::Running, Reason::DeadlineExceeded, message)
        }
        ReleasePhase::Succeeded => (RunPhase::Succeeded, Reason::RunSucceeded, "exit code 0".into()),
        ReleasePhase::Failed => (RunPhase::Failed, Reason::RunFailed, told("it failed")),
        ReleasePhase::TimedOut => (
            RunPhase::Failed,
            Reason::DeadlineExceeded,
            told("it took too long"),
        ),
        ReleasePhase::Unknown => {
            let task = attempt.task.as_ref().map(|task| format!(" of task {task}"));
            let message = format!(
                "nobody has seen the end{}, which may have run: it is not run again",
                task.unwrap_or_default()
            );
            (RunPhase::Unknown, Reason::RunUnknown, message)
        }
    };
    match &outcome.failure {
        Some(error) if !phase.is_over() => (phase, reason_of(error), with_request(error)),
        Some(_) | None => (phase, reason, message),
    }
}

fn starting(next: &NextOfRun) -> String {
    match next {
        NextOfRun::Wait(Stage::Record(Some(why))) => format!("it did not start, and is started again: {why}"),
        NextOfRun::Wait(Stage::Going(status)) => format!("its task is {status}"),
        NextOfRun::Wait(Stage::Abandoned) => {
            "it is not started any more, and looked for: it may have been a moment before".into()
        }
        NextOfRun::Wait(Stage::Stopping) | NextOfRun::Stop => "its task is stopped".into(),
        NextOfRun::Wait(Stage::Record(None) | Stage::Start | Stage::Other)
        | NextOfRun::Blocked
        | NextOfRun::Start
        | NextOfRun::Over
        | NextOfRun::Gone => "its task is to be started".into(),
    }
}

fn conditions(
    before: &[Condition],
    generation: i64,
    phase: RunPhase,
    (reason, message): (Reason, &str),
    now: Timestamp,
) -> Vec<Condition> {
    let is = |kind: RunCondition| match (kind, phase) {
        (RunCondition::Complete, RunPhase::Succeeded)
        | (RunCondition::Failed | RunCondition::Stalled, RunPhase::Failed | RunPhase::Unknown)
        | (RunCondition::Reconciling, RunPhase::Pending | RunPhase::Running) => true,
        (RunCondition::Finished, phase) => phase.is_over(),
        (
            RunCondition::Complete | RunCondition::Failed | RunCondition::Stalled | RunCondition::Reconciling,
            _,
        ) => false,
    };
    let all = [
        RunCondition::Complete,
        RunCondition::Failed,
        RunCondition::Finished,
        RunCondition::Reconciling,
        RunCondition::Stalled,
    ];
    // Of abnormal ones nothing is said while they are not true.
    let is_shown =
        |kind: &RunCondition| is(*kind) || !matches!(kind, RunCondition::Reconciling | RunCondition::Stalled);
    let condition = |kind: RunCondition| {
        let status = if is(kind) { "True" } else { "False" };
        let same = before
            .iter()
            .find(|known| known.type_ == kind.as_str() && known.status == status);
        Condition {
            type_: kind.as_str().into(),
            status: status.into(),
            reason: reason.as_str().into(),
            message: message.into(),
            observed_generation: Some(generation),
            last_transition_time: same.map_or(Time(now), |same| same.last_transition_time.clone()),
        }
    };
    all.into_iter().filter(is_shown).map(condition).collect()
}

/// Returns the attempt that a status remembers.
pub fn run_attempt(status: Option<&RunStatus>) -> Option<Attempt> {
    let status = status?;
    let mut attempt = attempt_of(status.attempt.clone()?);
    let overrides = status.overrides.clone().unwrap_or_default();
    attempt.request.overrides = Some(Box::new(task_overrides(overrides)));
    Some(attempt)
}

/// Returns what is known of the log of a Run, as far as its task definition says it.
pub fn run_log(status: Option<&RunStatus>) -> Option<Logging> {
    let RunLog {
        driver,
        group,
        region,
        stream_prefix,
        stream,
    } = status?.log.clone()?;
    let log = Log {
        driver,
        group,
        region,
        prefix: stream_prefix,
        stream,
        task: String::new(),
    };
    Some(log.logging())
}

fn log(logging: Option<&Logging>, attempt: Option<&ReleaseAttempt>) -> Option<RunLog> {
    let (logging, attempt) = (logging?, attempt?);
    let task = attempt.task.clone().map(Arn);
    let Log {
        driver,
        group,
        region,
        prefix,
        stream,
        task: _,
    } = Log::of(logging, &attempt.request.process, task.as_ref());
    Some(RunLog {
        driver,
        group,
        region,
        stream_prefix: prefix,
        stream,
    })
}

fn overrides_of(overrides: &TaskOverrides) -> RunOverrides {
    let TaskOverrides {
        command,
        environment,
        cpu,
        memory,
        task_cpu,
        task_memory,
    } = overrides;
    let env = environment.0.iter();
    RunOverrides {
        command: command.clone(),
        env: env.map(|(name, value)| (name.clone(), value.clone())).collect(),
        cpu: cpu.map(i64::from),
        memory: memory.map(i64::from),
        task_cpu: task_cpu.map(i64::from),
        task_memory: task_memory.map(i64::from),
    }
}

fn task_overrides(overrides: RunOverrides) -> TaskOverrides {
    let number = |number: Option<i64>| number.and_then(|number| number.try_into().ok());
    TaskOverrides {
        command: overrides.command,
        environment: Environment(overrides.env.into()),
        cpu: number(overrides.cpu),
        memory: number(overrides.memory),
        task_cpu: number(overrides.task_cpu),
        task_memory: number(overrides.task_memory),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_come_back_to_the_letter() {
        let sent = TaskOverrides {
            command: vec!["rake".into(), "a b".into()],
            environment: Environment([("A".to_owned(), " 1".to_owned())].into()),
            cpu: Some(512),
            memory: Some(1_024),
            task_cpu: Some(512),
            task_memory: Some(2_048),
        };
        assert_eq!(task_overrides(overrides_of(&sent)), sent);
    }

    #[test]
    fn one_of_two_conditions_is_true_in_the_end_and_finished_in_either_case() {
        let of = |phase| {
            let all = conditions(&[], 1, phase, (Reason::RunFailed, "m"), Timestamp::UNIX_EPOCH);
            let all = all.into_iter().filter(|condition| condition.status == "True");
            all.map(|condition| condition.type_).collect::<Vec<_>>()
        };
        assert_eq!(of(RunPhase::Pending), ["Reconciling"]);
        assert_eq!(of(RunPhase::Running), ["Reconciling"]);
        assert_eq!(of(RunPhase::Succeeded), ["Complete", "Finished"]);
        assert_eq!(of(RunPhase::Failed), ["Failed", "Finished", "Stalled"]);
        assert_eq!(of(RunPhase::Unknown), ["Failed", "Finished", "Stalled"]);
    }
}
