//! An attempt, by what ECS says of its task.

use crate::model::log::Log;
use crate::model::name::Arn;
use crate::model::release::{Age, Attempt, Failure, Phase, ReleaseState, Sight};
use crate::plan::view::View;

/// An attempt by what ECS says of it.
pub(in crate::plan) enum Seen {
    /// None, or one that has ended.
    Over(Option<Attempt>),
    Open(Attempt),
    /// It can be tried again, since nothing of it ran, for this reason.
    NeverStarted(Attempt, String),
}

impl Seen {
    /// `log` says where the log of a task of a process is.
    pub(in crate::plan) fn of(
        state: &ReleaseState,
        attempt: Option<Attempt>,
        log: impl Fn(&str, &Arn) -> String,
    ) -> Self {
        let Some(mut attempt) = attempt.filter(Attempt::is_open) else {
            return Seen::Over(state.memory.as_ref().and_then(|memory| memory.attempt.clone()));
        };
        let process = attempt.request.process.clone();
        let task = match &state.sight {
            Sight::Unseen => return Seen::Open(attempt),
            // It may be there, and be listed late; and it can be sent again, as long as ECS knows its token.
            Sight::Missing
                if state.age < Age::Old || state.is_refused || attempt.phase == Phase::Abandoned =>
            {
                return Seen::Open(attempt);
            }
            Sight::Missing => {
                attempt.phase = Phase::Unknown;
                return Seen::Over(Some(attempt));
            }
            Sight::Refused(why) => return Seen::NeverStarted(attempt, why.clone()),
            Sight::Seen(task) => task,
        };
        attempt.task = Some(task.arn.clone());
        if attempt.phase == Phase::Abandoned {
            attempt.phase = Phase::Open;
        }
        if !task.is_stopped() {
            return Seen::Open(attempt);
        }
        let said = || task.reason.clone().or(task.stop_code.clone());
        let said = || said().unwrap_or_else(|| "ECS does not say why".into());
        if attempt.phase == Phase::Open && task.never_started(&process) {
            attempt.task = None;
            return Seen::NeverStarted(attempt, said());
        }
        let exit_code = task.exit_code(&process);
        let is_late = attempt.phase == Phase::Stopping;
        // It may have ended by itself while it was to be stopped.
        let is_stopped = is_late && task.is_stopped_by_hand();
        attempt.phase = if exit_code == Some(0) && !task.is_interrupted() {
            Phase::Succeeded
        } else {
            let code = exit_code.map_or("no exit code".into(), |code| format!("exit code {code}"));
            let log = log(&process, &task.arn);
            let reason = if is_stopped {
                format!(
                    "it did not end within {} s, and was stopped: {code}{log}",
                    attempt.timeout
                )
            } else if exit_code == Some(0) {
                format!("it was stopped before its end: {code}: {}{log}", said())
            } else {
                format!("{code}: {}{log}", said())
            };
            Phase::Failed(Failure {
                is_late,
                exit_code,
                reason,
            })
        };
        Seen::Over(Some(attempt))
    }

    /// Returns what is left to remember of an attempt that nothing waits for.
    pub(super) fn kept(self) -> Option<Attempt> {
        match self {
            Seen::Over(attempt) => attempt,
            Seen::Open(attempt) => Some(attempt),
            Seen::NeverStarted(..) => None,
        }
    }
}

/// Returns where the log of a task is, as far as its task definition says it.
pub(super) fn log(view: &View<'_>, process: &str, task: &Arn) -> String {
    let wanted = view.process(process);
    let logging = wanted.and_then(|wanted| wanted.task_definition.main.logging.as_ref());
    let found = logging.map(|logging| Log::of(logging, process, Some(task)));
    found.map(|log| format!("; its log: {log}")).unwrap_or_default()
}
