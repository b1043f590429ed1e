//! The release phase: a task that succeeds once for each new content before anything is given it. What is next is read off
//! what was recorded and what ECS says of it.
//!
//! ```text
//!  new content ──record──▶ Open ──run──▶ task ──exit code 0──▶ Succeeded: services and schedules go on
//!       ▲                   ▲              │
//!       │ edit, redeploy    └─never started┤
//!       └──────────────────────────────────┴─any other end──▶ Failed, Unknown: the old release goes on
//! ```

mod seen;

pub(super) use seen::Seen;
use seen::log;

use super::view::View;
use super::{Obstacle, ObstacleKind, Pending, Plan};
use crate::change::{Change, TaskWrite};
use crate::model::name::family;
use crate::model::part::Part;
use crate::model::pending::Stage;
use crate::model::release::{
    Age, Attempt, Failure, Phase, Release, ReleaseMemory, ReleaseState, Sight, TaskRequest,
};

/// The release phase, and what is next in it.
#[derive(Debug, Default)]
pub(super) struct Phasing {
    /// Nothing is given new content.
    pub(super) is_closed: bool,
    memory: Option<Box<ReleaseMemory>>,
    next: Next,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Next {
    #[default]
    Nothing,
    Wait(Stage),
    Run,
    Stop,
    Stuck(ObstacleKind, String),
}

pub(super) fn plan(view: &View<'_>, phasing: &Phasing, plan: &mut Plan) {
    let Phasing {
        is_closed: _,
        memory,
        next,
    } = phasing;
    plan.release.clone_from(memory);
    let attempt = memory.as_ref().and_then(|memory| memory.attempt.as_ref());
    let wanted = view.desired.release.as_ref().map(|wanted| &wanted.process);
    let Some(process) = attempt.map(|attempt| &attempt.request.process).or(wanted) else {
        return;
    };
    let family = family(&view.desired.owner.app, process);
    let (write, stage) = match next {
        Next::Nothing => return,
        Next::Wait(stage) => (None, stage.clone()),
        Next::Run => {
            let attempt = attempt.map_or(0, |attempt| attempt.number);
            (Some(TaskWrite::Run { family, attempt }), Stage::Start)
        }
        Next::Stop => (Some(TaskWrite::Stop { family }), Stage::Stopping),
        Next::Stuck(kind, message) => {
            return plan.obstacles.push(Obstacle {
                process: process.clone(),
                kind: *kind,
                message: format!("process {process}: {message}"),
            });
        }
    };
    plan.changes.extend(write.map(|write| Change::of(process, write)));
    plan.pending.push(Pending::Release {
        process: process.clone(),
        stage,
    });
}

impl Phasing {
    pub(super) fn of(view: &View<'_>) -> Self {
        let state = &view.observed.release;
        let is_unread = view.is_unread(&Part::Tasks) || view.is_unread(&Part::Ecs);
        let Some(wanted) = &view.desired.release else {
            return if is_unread {
                Phasing::open(state.memory.clone())
            } else {
                Phasing::unwanted(view, state)
            };
        };
        let memory = state.memory.clone().unwrap_or_default();
        if is_unread {
            return Phasing {
                is_closed: memory.succeeded.as_ref() != Some(&wanted.digest),
                memory: Some(memory),
                next: Next::Nothing,
            };
        }
        let mut succeeded = memory.succeeded;
        // Somebody says so; or the status is lost, and what runs was released.
        if wanted.is_released || state.memory.is_none() && runs_already(view) {
            succeeded = Some(wanted.digest.clone());
        }
        let seen = Seen::of(state, memory.attempt, |process, task| log(view, process, task));
        if let Seen::Over(Some(attempt)) = &seen
            && attempt.phase == Phase::Succeeded
        {
            succeeded = Some(attempt.digest.clone());
        }
        let is_closed = succeeded.as_ref() != Some(&wanted.digest);
        let (attempt, next) = if is_closed {
            seen.next(view, state, wanted)
        } else {
            (seen.kept(), Next::Nothing)
        };
        Phasing {
            is_closed,
            memory: Some(Box::new(ReleaseMemory { succeeded, attempt })),
            next,
        }
    }

    fn open(memory: Option<Box<ReleaseMemory>>) -> Self {
        Phasing {
            is_closed: false,
            memory,
            next: Next::Nothing,
        }
    }

    /// The App has no release phase any more, and may have the same again: what is remembered stays. A task that runs goes on to
    /// its end, but is stopped if the App is deleted.
    fn unwanted(view: &View<'_>, state: &ReleaseState) -> Self {
        let Some(memory) = &state.memory else {
            return Phasing::open(None);
        };
        let mut memory = memory.clone();
        let is_leaving = view.desired.processes.is_empty();
        let (attempt, next) = match Seen::of(state, memory.attempt, |process, task| log(view, process, task))
        {
            Seen::Open(attempt) if is_leaving => leaving(state, attempt),
            seen @ (Seen::Open(_) | Seen::Over(_) | Seen::NeverStarted(..)) => (seen.kept(), Next::Nothing),
        };
        let ended = attempt
            .as_ref()
            .filter(|attempt| attempt.phase == Phase::Succeeded);
        memory.succeeded = ended.map(|ended| ended.digest.clone()).or(memory.succeeded);
        memory.attempt = attempt;
        Phasing {
            next,
            ..Phasing::open(Some(memory))
        }
    }
}

/// The App is deleted: nothing is started any more, and what runs is stopped.
pub(super) fn leaving(state: &ReleaseState, attempt: Attempt) -> (Option<Attempt>, Next) {
    match (&state.sight, &attempt.phase) {
        (Sight::Missing, _) if attempt.task.is_some() => (None, Next::Nothing),
        (Sight::Missing, Phase::Abandoned) if state.age >= Age::Listed => (None, Next::Nothing),
        (Sight::Seen(_), Phase::Open | Phase::Abandoned) => (Some(attempt), Next::Stop),
        (_, Phase::Open) if attempt.task.is_none() => {
            (Some(abandoned(attempt)), Next::Wait(Stage::Abandoned))
        }
        _ => (Some(attempt), Next::Wait(Stage::Stopping)),
    }
}

/// The call is not made from now on. Lists show by then what it may have started a moment before.
pub(super) fn abandoned(attempt: Attempt) -> Attempt {
    Attempt {
        phase: Phase::Abandoned,
        recorded: None,
        ..attempt
    }
}

impl Seen {
    /// Returns the attempt to remember, and what is next for content that was not released yet.
    fn next(self, view: &View<'_>, state: &ReleaseState, wanted: &Release) -> (Option<Attempt>, Next) {
        match self {
            Seen::Over(Some(attempt)) if attempt.is_for(wanted) && !has_more_time(&attempt, wanted) => {
                let next = stuck(&attempt);
                (Some(attempt), next)
            }
            Seen::Open(attempt) if attempt.task.is_some() => going(state, wanted, attempt),
            Seen::Open(attempt) => starting(view, state, wanted, attempt),
            Seen::NeverStarted(attempt, why) if attempt.is_for(wanted) => {
                if state.is_overdue {
                    fail(attempt, format!("it did not start: {why}"))
                } else {
                    let again = Again {
                        since: attempt.since,
                        why: Some(why),
                    };
                    record(view, wanted, Some(&attempt), again)
                }
            }
            Seen::Over(attempt) => record(view, wanted, attempt.as_ref(), Again::default()),
            Seen::NeverStarted(attempt, _) => record(view, wanted, Some(&attempt), Again::default()),
        }
    }
}

/// It took too long, and would have longer now.
fn has_more_time(attempt: &Attempt, wanted: &Release) -> bool {
    let is_late = matches!(&attempt.phase, Phase::Failed(failure) if failure.is_late);
    is_late && wanted.timeout > attempt.timeout
}

/// The task is there.
fn going(state: &ReleaseState, wanted: &Release, mut attempt: Attempt) -> (Option<Attempt>, Next) {
    if attempt.is_for(wanted) {
        attempt.timeout = wanted.timeout;
    }
    let next = match (&state.sight, &attempt.phase) {
        (_, Phase::Stopping) => Next::Wait(Stage::Stopping),
        (Sight::Seen(_), _) if state.is_overdue => Next::Stop,
        _ if !attempt.is_for(wanted) => Next::Wait(Stage::Other),
        (Sight::Seen(task), _) => Next::Wait(Stage::Going(task.status.clone())),
        _ => Next::Wait(Stage::Start),
    };
    (Some(attempt), next)
}

/// The task is not known to be there. With the same token, it is started once.
fn starting(
    view: &View<'_>,
    state: &ReleaseState,
    wanted: &Release,
    attempt: Attempt,
) -> (Option<Attempt>, Next) {
    let is_absent = state.sight == Sight::Missing && state.age >= Age::Listed;
    let is_wanted = attempt.is_for(wanted);
    if attempt.phase == Phase::Abandoned {
        return match (is_absent, is_wanted) {
            (false, _) => (Some(attempt), Next::Wait(Stage::Abandoned)),
            (true, is_wanted) if !is_wanted || !state.is_overdue => {
                record(view, wanted, Some(&attempt), Again::default())
            }
            (true, _) => {
                let why = attempt.refusal.as_ref().map(|why| format!(": {why}"));
                let why = why.unwrap_or_default();
                let reason = format!("it was not started within {} s{why}", wanted.timeout);
                fail(attempt, reason)
            }
        };
    }
    if !is_wanted || state.is_overdue {
        return (Some(abandoned(attempt)), Next::Wait(Stage::Abandoned));
    }
    let mut attempt = Attempt {
        timeout: wanted.timeout,
        ..attempt
    };
    if state.is_refused && state.age >= Age::Aging && is_absent {
        let again = Again {
            since: attempt.since,
            why: None,
        };
        return record(view, wanted, Some(&attempt), again);
    }
    let process = view.process(&wanted.process);
    if process.is_some_and(|process| !view.has_log_group(&process.task_definition)) {
        return (Some(attempt), Next::Wait(Stage::Start));
    }
    match request(view, wanted, &attempt.request.token) {
        Some(request) if request != attempt.request => {
            attempt.request = request;
            (Some(attempt), Next::Wait(Stage::Record(None)))
        }
        _ => (Some(attempt), Next::Run),
    }
}

fn fail(attempt: Attempt, reason: String) -> (Option<Attempt>, Next) {
    let phase = Phase::Failed(Failure {
        is_late: true,
        exit_code: None,
        reason,
    });
    let attempt = Attempt { phase, ..attempt };
    let next = stuck(&attempt);
    (Some(attempt), next)
}

fn stuck(attempt: &Attempt) -> Next {
    const ADVICE: &str = "nothing else is changed before an edit or a new empire.dev/redeploy";
    match &attempt.phase {
        Phase::Failed(failure) => Next::Stuck(
            ObstacleKind::ReleaseFailed,
            format!("the release failed: {}; {ADVICE}", failure.reason),
        ),
        Phase::Unknown => {
            let task = attempt.task.as_ref().map(|task| format!(" of task {}", task.0));
            Next::Stuck(
                ObstacleKind::ReleaseUnknown,
                format!(
                    "nobody has seen the end{} of the release, which may have run: it is not run again by itself, and {ADVICE}",
                    task.unwrap_or_default()
                ),
            )
        }
        Phase::Open | Phase::Abandoned | Phase::Stopping | Phase::Succeeded => Next::Nothing,
    }
}

/// What an attempt has of one before it for which nothing ran.
#[derive(Default)]
struct Again {
    since: Option<i64>,
    why: Option<String>,
}

/// Returns the next attempt, which this pass records: the first for its content, or another one. It waits for its task definition.
fn record(
    view: &View<'_>,
    wanted: &Release,
    before: Option<&Attempt>,
    again: Again,
) -> (Option<Attempt>, Next) {
    // No two of a generation have the same token.
    let same = before.filter(|before| before.digest == wanted.digest);
    let number = same.map_or(1, |before| before.number.saturating_add(1));
    let Some(request) = request(view, wanted, &wanted.token(number)) else {
        return (before.cloned(), Next::Nothing);
    };
    let attempt = Attempt {
        number,
        digest: wanted.digest.clone(),
        redeploy: wanted.redeploy.clone(),
        timeout: wanted.timeout,
        since: again.since,
        recorded: None,
        request,
        task: None,
        phase: Phase::Open,
        refusal: None,
    };
    (Some(attempt), Next::Wait(Stage::Record(again.why)))
}

/// `None` until the task definition is registered, and its log group is there.
fn request(view: &View<'_>, wanted: &Release, token: &str) -> Option<TaskRequest> {
    let process = view.process(&wanted.process)?;
    let content = view.wanted_definition(&wanted.process, process)?;
    let known = view.observed.registered(&content, &view.desired.owner)?;
    view.has_log_group(&content).then(|| TaskRequest {
        process: wanted.process.clone(),
        task_definition: known.arn.clone(),
        placing: wanted.placing.clone(),
        token: token.into(),
        overrides: None,
    })
}

/// True if each service has the content that is wanted.
fn runs_already(view: &View<'_>) -> bool {
    let services = view.desired.processes.iter();
    let mut services = services
        .filter(|(_, wanted)| wanted.service().is_some())
        .peekable();
    services.peek().is_some()
        && services.all(|(process, wanted)| {
            let found = view.service(process);
            let running = found.and_then(|found| view.observed.running_definition(found));
            let content = view.wanted_definition(process, wanted);
            let (Some(running), Some(content)) = (running, content) else {
                return false;
            };
            view.observed.has_content(running, &content, &view.desired.owner)
        })
}

#[cfg(test)]
mod tests;
