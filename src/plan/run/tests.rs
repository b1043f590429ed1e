//! A Run, one look at a time.

use super::*;
use crate::model::release::{ContainerState, Placing, ReleaseMemory, TaskState};
use crate::model::service::{Capacity, LaunchType};

const TASK: &str = "arn:aws:ecs:us-east-1:123456789012:task/cluster-3/1";

fn wanted() -> WantedRun {
    WantedRun {
        uid: "uid".into(),
        request: Some(TaskRequest {
            process: "web".into(),
            task_definition: Arn("arn:1".into()),
            placing: Placing {
                capacity: Capacity::LaunchType(LaunchType::Ec2),
                constraints: Vec::new(),
                network: None,
            },
            token: String::new(),
            overrides: None,
        }),
        timeout: 60,
        digest: "digest".into(),
        is_leaving: false,
        logging: None,
    }
}

fn blocked() -> WantedRun {
    WantedRun {
        request: None,
        ..wanted()
    }
}

fn leaving() -> WantedRun {
    WantedRun {
        is_leaving: true,
        ..blocked()
    }
}

/// The first attempt was recorded a while ago, and this is seen of it.
fn seen(sight: Sight, edit: impl FnOnce(&mut ReleaseState)) -> ReleaseState {
    let (attempt, _) = run(&ReleaseState::default(), &wanted());
    let mut attempt = attempt.unwrap();
    (attempt.since, attempt.recorded) = (Some(0), Some(0));
    if let Sight::Seen(task) = &sight {
        attempt.task = Some(task.arn.clone());
    }
    let memory = ReleaseMemory {
        succeeded: None,
        attempt: Some(attempt),
    };
    let mut state = ReleaseState {
        memory: Some(Box::new(memory)),
        sight,
        age: Age::Listed,
        ..ReleaseState::default()
    };
    edit(&mut state);
    state
}

fn task(status: &str) -> TaskState {
    TaskState {
        arn: Arn(TASK.into()),
        started_by: None,
        status: status.into(),
        has_started: status != "PENDING",
        containers: vec![ContainerState {
            name: "web".into(),
            exit_code: (status == "STOPPED").then_some(0),
            is_made: true,
        }],
        stop_code: None,
        reason: None,
    }
}

fn next(state: &ReleaseState, wanted: &WantedRun) -> NextOfRun {
    run(state, wanted).1
}

fn abandon(state: &mut ReleaseState) {
    let attempt = state.memory.as_mut().unwrap().attempt.as_mut().unwrap();
    attempt.phase = Phase::Abandoned;
}

#[test]
fn the_first_attempt_is_recorded_when_it_may_be() {
    let (attempt, next) = run(&ReleaseState::default(), &wanted());
    let attempt = attempt.unwrap();
    assert_eq!(next, NextOfRun::Wait(Stage::Record(None)));
    assert_eq!((attempt.number, attempt.recorded), (1, None));
    assert_eq!(attempt.request.token, "run-uid-1");
    assert_eq!(
        run(&ReleaseState::default(), &blocked()),
        (None, NextOfRun::Blocked)
    );
    assert_eq!(run(&ReleaseState::default(), &leaving()), (None, NextOfRun::Gone));
}

#[test]
fn what_is_recorded_is_sent_as_long_as_its_app_may_have_it_and_looked_for_in_any_case() {
    let state = seen(Sight::Missing, |_| {});
    assert_eq!(next(&state, &wanted()), NextOfRun::Start);
    assert_eq!(next(&state, &blocked()), NextOfRun::Blocked);
    let running = seen(Sight::Seen(task("RUNNING")), |_| {});
    assert_eq!(
        next(&running, &blocked()),
        NextOfRun::Wait(Stage::Going("RUNNING".into()))
    );
    // Another process is another family: its task would be looked for in vain.
    let mut other = wanted();
    other.request.as_mut().unwrap().process = "other".into();
    let (attempt, then) = run(&state, &other);
    assert_eq!(then, NextOfRun::Start);
    assert_ne!(attempt.unwrap().request.process, "other");
    // Another revision is recorded first, with the same token.
    let mut other = wanted();
    other.request.as_mut().unwrap().task_definition = Arn("arn:2".into());
    let (attempt, next) = run(&state, &other);
    let attempt = attempt.unwrap();
    assert_eq!(next, NextOfRun::Wait(Stage::Record(None)));
    assert_eq!((attempt.number, &*attempt.request.token), (1, "run-uid-1"));
    assert_eq!(attempt.request.task_definition, Arn("arn:2".into()));
}

#[test]
fn what_ecs_may_have_forgotten_is_unknown_unless_it_was_refused() {
    let old = |state: &mut ReleaseState| state.age = Age::Old;
    let (attempt, next) = run(&seen(Sight::Missing, old), &wanted());
    assert_eq!((attempt.unwrap().phase, next), (Phase::Unknown, NextOfRun::Over));
    let refused = |state: &mut ReleaseState| (state.age, state.is_refused) = (Age::Old, true);
    let (attempt, next) = run(&seen(Sight::Missing, refused), &wanted());
    assert_eq!(
        (attempt.unwrap().number, next),
        (2, NextOfRun::Wait(Stage::Record(None)))
    );
}

#[test]
fn a_task_is_stopped_when_its_time_is_over_and_when_its_run_goes() {
    let overdue = |state: &mut ReleaseState| state.is_overdue = true;
    let going = || Sight::Seen(task("RUNNING"));
    let stage = Stage::Going("RUNNING".into());
    assert_eq!(next(&seen(going(), |_| {}), &wanted()), NextOfRun::Wait(stage));
    assert_eq!(next(&seen(going(), overdue), &wanted()), NextOfRun::Stop);
    assert_eq!(next(&seen(going(), |_| {}), &leaving()), NextOfRun::Stop);
    assert_eq!(
        next(&seen(Sight::Seen(task("STOPPED")), |_| {}), &leaving()),
        NextOfRun::Gone
    );
}

#[test]
fn what_was_not_started_in_time_is_looked_for_before_it_has_failed() {
    let overdue = |state: &mut ReleaseState| state.is_overdue = true;
    let (attempt, next) = run(&seen(Sight::Missing, overdue), &wanted());
    assert_eq!(attempt.unwrap().phase, Phase::Abandoned);
    assert_eq!(next, NextOfRun::Wait(Stage::Abandoned));
    let abandoned = |age: Age| {
        seen(Sight::Missing, |state| {
            abandon(state);
            state.age = age;
        })
    };
    assert_eq!(
        super::run(&abandoned(Age::New), &wanted()).1,
        NextOfRun::Wait(Stage::Abandoned)
    );
    let (attempt, next) = run(&abandoned(Age::Listed), &wanted());
    assert!(matches!(attempt.unwrap().phase, Phase::Failed(failure) if failure.is_late));
    assert_eq!(next, NextOfRun::Over);
    assert_eq!(super::run(&abandoned(Age::Listed), &leaving()).1, NextOfRun::Gone);
}

/// The end of a Run is its end, whatever is wanted.
/// It may have been started a moment before it was abandoned, and nobody has looked for an hour.
#[test]
fn an_abandoned_one_that_is_old_is_unknown() {
    let old = |state: &mut ReleaseState| {
        abandon(state);
        state.age = Age::Old;
        state.is_overdue = true;
    };
    let (attempt, next) = run(&seen(Sight::Missing, old), &wanted());
    assert_eq!((attempt.unwrap().phase, next), (Phase::Unknown, NextOfRun::Over));
}

/// ECS shows what it has just started some seconds later.
#[test]
fn a_task_that_is_known_and_not_shown_is_stopped_before_its_run_goes() {
    let mut known = seen(Sight::Missing, |_| {});
    let memory = known.memory.as_mut().unwrap();
    memory.attempt.as_mut().unwrap().task = Some(Arn("arn:task".into()));
    assert_eq!(next(&known, &leaving()), NextOfRun::Stop);
    known.memory.as_mut().unwrap().attempt.as_mut().unwrap().phase = Phase::Stopping;
    assert_eq!(next(&known, &leaving()), NextOfRun::Gone);
}

#[test]
fn nothing_follows_an_end() {
    for state in [
        seen(Sight::Seen(task("STOPPED")), |_| {}),
        seen(Sight::Missing, |state| state.age = Age::Old),
    ] {
        let (attempt, next) = run(&state, &wanted());
        assert_eq!(next, NextOfRun::Over);
        let memory = ReleaseMemory {
            succeeded: None,
            attempt,
        };
        let again = ReleaseState {
            memory: Some(Box::new(memory)),
            ..ReleaseState::default()
        };
        assert_eq!(super::run(&again, &wanted()).1, NextOfRun::Over);
    }
}
