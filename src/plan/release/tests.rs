//! The release phase, one look at a time.

use crate::change::{Change, ServiceWrite, TaskWrite, Write};
use crate::model::desired::Desired;
use crate::model::name::Arn;
use crate::model::part::Part;
use crate::model::pending::Stage;
use crate::model::release::{
    Age, Attempt, ContainerState, Failure, Phase, Placing, Release, ReleaseMemory, ReleaseState, Sight,
    TaskState,
};
use crate::model::service::{Capacity, LaunchType};
use crate::model::state::Observed;
use crate::plan::fixtures::world::apply;
use crate::plan::fixtures::{app, plan, process, settled};
use crate::plan::{ObstacleKind, Pending, Plan};

const TASK: &str = "arn:aws:ecs:us-east-1:123456789012:task/cluster-3/1";

fn wanted(image: &str) -> Desired {
    let mut desired = app([process("migrate").by_hand(), process("web").image(image)]);
    desired.release = Some(Box::new(Release {
        whom: "acme".into(),
        process: "migrate".into(),
        generation: 1,
        digest: format!("digest of {image}"),
        redeploy: None,
        is_released: false,
        timeout: 600,
        placing: Placing {
            capacity: Capacity::LaunchType(LaunchType::Ec2),
            constraints: Vec::new(),
            network: None,
        },
    }));
    desired
}

/// The first content was released, and the second is wanted.
fn edited() -> (Desired, Observed) {
    let (before, after) = (wanted("v1"), wanted("v2"));
    let mut observed = settled(&before);
    observed.release.memory = Some(Box::new(ReleaseMemory {
        succeeded: before.release.map(|release| release.digest),
        attempt: None,
    }));
    for change in plan(&after, &observed).changes {
        assert!(matches!(change.write, Write::TaskDefinition(_)), "{change}");
        apply(&mut observed, &change);
    }
    (after, observed)
}

fn attempt(plan: &Plan) -> &Attempt {
    plan.release.as_ref().unwrap().attempt.as_ref().unwrap()
}

/// An attempt was recorded a while ago, and this is seen of it.
fn seen(sight: Sight, edit: impl FnOnce(&mut ReleaseState)) -> (Desired, Observed) {
    let (desired, mut observed) = edited();
    let mut memory = plan(&desired, &observed).release.unwrap();
    let attempt = memory.attempt.as_mut().unwrap();
    (attempt.since, attempt.recorded) = (Some(0), Some(0));
    if let Sight::Seen(task) = &sight {
        attempt.task = Some(task.arn.clone());
    }
    observed.release = ReleaseState {
        memory: Some(memory),
        sight,
        age: Age::Listed,
        ..ReleaseState::default()
    };
    edit(&mut observed.release);
    (desired, observed)
}

fn task(status: &str, exit_code: Option<i32>) -> TaskState {
    TaskState {
        arn: Arn(TASK.into()),
        started_by: None,
        status: status.into(),
        has_started: status != "PENDING",
        containers: vec![ContainerState {
            name: "migrate".into(),
            exit_code,
            is_made: status != "PENDING",
        }],
        stop_code: None,
        reason: Some("Essential container in task exited".into()),
    }
}

fn ended(exit_code: Option<i32>, edit: impl FnOnce(&mut TaskState)) -> Sight {
    let mut task = task("STOPPED", exit_code);
    edit(&mut task);
    Sight::Seen(task)
}

fn stage(plan: &Plan) -> Option<&Stage> {
    plan.pending.iter().find_map(|pending| {
        if let Pending::Release { stage, .. } = pending {
            return Some(stage);
        }
        None
    })
}

fn writes(plan: &Plan) -> Vec<&Change> {
    let is_task = |change: &&Change| matches!(change.write, Write::Task(_));
    plan.changes.iter().filter(is_task).collect()
}

/// True if the service is given the new content.
fn rolls(plan: &Plan) -> bool {
    let rolls = |change: &Change| {
        matches!(
            &change.write,
            Write::Service(ServiceWrite::Update { rollout: Some(_), .. })
        )
    };
    plan.changes.iter().any(rolls)
}

type Edit = fn(&mut Release);

fn run() -> Change {
    Change::of(
        "migrate",
        TaskWrite::Run {
            family: "shop_acme_migrate".into(),
            attempt: 1,
        },
    )
}

#[test]
fn new_content_is_recorded_before_its_task_is_started_and_that_before_it_is_rolled_out() {
    let (desired, mut observed) = edited();
    let recorded = plan(&desired, &observed);
    assert_eq!(stage(&recorded), Some(&Stage::Record(None)));
    assert!(writes(&recorded).is_empty() && !rolls(&recorded));
    let new = attempt(&recorded);
    assert_eq!(
        (new.number, new.since, new.recorded, &new.phase),
        (1, None, None, &Phase::Open)
    );
    assert_eq!(new.request.token, desired.release.as_ref().unwrap().token(1));

    let mut memory = recorded.release.unwrap();
    memory.attempt.as_mut().unwrap().recorded = Some(0);
    observed.release.memory = Some(memory);
    let started = plan(&desired, &observed);
    assert_eq!(writes(&started), [&run()]);
    assert!(!rolls(&started));

    let (desired, observed) = seen(Sight::Seen(task("RUNNING", None)), |_| {});
    let running = plan(&desired, &observed);
    assert_eq!(stage(&running), Some(&Stage::Going("RUNNING".into())));
    assert!(writes(&running).is_empty() && !rolls(&running));

    let (desired, observed) = seen(ended(Some(0), |_| {}), |_| {});
    let succeeded = plan(&desired, &observed);
    assert!(rolls(&succeeded) && stage(&succeeded).is_none());
    let memory = succeeded.release.unwrap();
    assert_eq!(memory.succeeded, desired.release.map(|release| release.digest));
}

/// What is seen of a task, and what that means.
#[test]
fn every_end_but_an_exit_code_of_0_fails_or_is_tried_again() {
    let failed = |sight: Sight, edit: fn(&mut ReleaseState)| {
        let (desired, observed) = seen(sight, edit);
        let plan = plan(&desired, &observed);
        assert!(!rolls(&plan) && writes(&plan).is_empty());
        let obstacles: Vec<_> = plan
            .obstacles
            .iter()
            .map(|o| (o.kind, o.message.clone()))
            .collect();
        let phase = attempt(&plan).phase.clone();
        (obstacles, phase, stage(&plan).cloned())
    };
    let (said, phase, _) = failed(ended(Some(1), |_| {}), |_| {});
    assert_eq!(said[0].0, ObstacleKind::ReleaseFailed);
    assert!(
        said[0]
            .1
            .starts_with("process migrate: the release failed: exit code 1: Essential container")
    );
    assert!(matches!(
        phase,
        Phase::Failed(Failure {
            exit_code: Some(1),
            ..
        })
    ));

    // It ran, and its end is not known.
    let (said, phase, _) = failed(ended(None, |_| {}), |_| {});
    assert!(said[0].1.contains("no exit code"), "{said:?}");
    assert!(matches!(phase, Phase::Failed(Failure { exit_code: None, .. })));
    // Its program made 0 of the signal.
    for code in [
        "UserInitiated",
        "SpotInterruption",
        "TerminationNotice",
        "ServiceSchedulerInitiated",
    ] {
        let interrupted = |task: &mut TaskState| task.stop_code = Some(code.into());
        let (said, phase, _) = failed(ended(Some(0), interrupted), |_| {});
        assert!(
            said[0].1.contains("it was stopped before its end: exit code 0"),
            "{said:?}"
        );
        assert!(matches!(phase, Phase::Failed(_)));
    }
    // Somebody stopped it before it ran.
    let by_hand = |task: &mut TaskState| {
        (task.has_started, task.stop_code) = (false, Some("UserInitiated".into()));
    };
    assert!(matches!(failed(ended(None, by_hand), |_| {}).1, Phase::Failed(_)));

    let never = |task: &mut TaskState| {
        task.has_started = false;
        task.containers[0].is_made = false;
        task.stop_code = Some("TaskFailedToStart".into());
        task.reason = Some("CannotPullContainerError".into());
    };
    let (said, phase, stage) = failed(ended(None, never), |_| {});
    assert_eq!(
        stage,
        Some(Stage::Record(Some("CannotPullContainerError".into())))
    );
    assert!(said.is_empty() && phase == Phase::Open);
    let (said, ..) = failed(ended(None, never), |state| state.is_overdue = true);
    assert!(
        said[0].1.contains("it did not start: CannotPullContainerError"),
        "{said:?}"
    );
    let (_, _, stage) = failed(Sight::Refused("RESOURCE:MEMORY".into()), |_| {});
    assert_eq!(stage, Some(Stage::Record(Some("RESOURCE:MEMORY".into()))));

    let (said, phase, _) = failed(Sight::Missing, |state| state.age = Age::Old);
    assert_eq!((said[0].0, phase), (ObstacleKind::ReleaseUnknown, Phase::Unknown));
    let abandoned = |state: &mut ReleaseState| {
        set(state, Phase::Abandoned);
        state.is_overdue = true;
    };
    let (said, ..) = failed(Sight::Missing, abandoned);
    assert!(said[0].1.contains("it was not started within 600 s"), "{said:?}");
}

fn set(state: &mut ReleaseState, phase: Phase) {
    let attempt = state.memory.as_mut().unwrap().attempt.as_mut().unwrap();
    attempt.phase = phase;
}

/// The call may have been made a moment before, and take effect.
#[test]
fn one_that_is_not_started_any_more_is_looked_for_from_then_on() {
    let edits: [(Edit, bool); 2] = [
        (|release| release.digest = "another".into(), false),
        (|_| {}, true),
    ];
    for (edit, is_overdue) in edits {
        let (mut desired, mut observed) = seen(Sight::Missing, |state| state.is_overdue = is_overdue);
        edit(desired.release.as_mut().unwrap());
        let planned = plan(&desired, &observed);
        assert!(writes(&planned).is_empty());
        assert_eq!(stage(&planned), Some(&Stage::Abandoned));
        let abandoned = attempt(&planned);
        assert_eq!((&abandoned.phase, abandoned.recorded), (&Phase::Abandoned, None));

        set(&mut observed.release, Phase::Abandoned);
        observed.release.age = Age::New;
        assert_eq!(stage(&plan(&desired, &observed)), Some(&Stage::Abandoned));
        // It was.
        let mut found = observed.clone();
        found.release.sight = Sight::Seen(task("RUNNING", None));
        assert_eq!(attempt(&plan(&desired, &found)).phase, Phase::Open);
        // It was not, for all that a list shows.
        observed.release.age = Age::Listed;
        let planned = plan(&desired, &observed);
        let is_failed = matches!(attempt(&planned).phase, Phase::Failed(_));
        assert_eq!(is_failed, is_overdue);
        assert_eq!(stage(&planned).is_some(), !is_overdue);
    }
}

#[test]
fn what_somebody_calls_released_is() {
    let (mut desired, observed) = seen(Sight::Missing, |state| set(state, Phase::Unknown));
    assert!(!rolls(&plan(&desired, &observed)));
    desired.release.as_mut().unwrap().is_released = true;
    assert!(rolls(&plan(&desired, &observed)));
}

#[test]
fn a_second_attempt_has_another_token_and_the_time_of_the_first() {
    let (desired, observed) = seen(Sight::Refused("AGENT".into()), |_| {});
    let planned = plan(&desired, &observed);
    let again = attempt(&planned);
    assert_eq!((again.number, again.since, again.recorded), (2, Some(0), None));
    assert_eq!(again.request.token, desired.release.unwrap().token(2));
}

/// With the same token: if the call before was carried out, AWS names its task.
#[test]
fn another_request_is_recorded_before_it_is_sent() {
    let (mut desired, observed) = seen(Sight::Missing, |_| {});
    assert_eq!(writes(&plan(&desired, &observed)), [&run()]);
    desired.release.as_mut().unwrap().placing.capacity = Capacity::LaunchType(LaunchType::Fargate);
    let planned = plan(&desired, &observed);
    assert!(writes(&planned).is_empty());
    let again = attempt(&planned);
    assert_eq!((again.number, again.recorded), (1, Some(0)));
    assert_eq!(again.request.token, desired.release.as_ref().unwrap().token(1));
    assert_eq!(again.request.placing, desired.release.unwrap().placing);
}

#[test]
fn one_that_is_refused_for_long_is_recorded_anew_while_it_is_known_that_nothing_ran() {
    let refused = |state: &mut ReleaseState| (state.is_refused, state.age) = (true, Age::Aging);
    let (desired, observed) = seen(Sight::Missing, refused);
    assert_eq!(attempt(&plan(&desired, &observed)).number, 2);
    // Else the call before may have been carried out.
    let (desired, observed) = seen(Sight::Missing, |state| state.age = Age::Aging);
    assert_eq!(attempt(&plan(&desired, &observed)).number, 1);
}

#[test]
fn one_that_takes_too_long_is_stopped_and_has_failed_then() {
    let (desired, observed) = seen(Sight::Seen(task("RUNNING", None)), |state| {
        state.is_overdue = true;
    });
    let planned = plan(&desired, &observed);
    let stop = Change::of(
        "migrate",
        TaskWrite::Stop {
            family: "shop_acme_migrate".into(),
        },
    );
    assert_eq!(writes(&planned), [&stop]);
    let stopping = |state: &mut ReleaseState| {
        let attempt = state.memory.as_mut().unwrap().attempt.as_mut().unwrap();
        attempt.phase = Phase::Stopping;
    };
    let (desired, observed) = seen(Sight::Seen(task("STOPPING", None)), stopping);
    assert_eq!(stage(&plan(&desired, &observed)), Some(&Stage::Stopping));
    // Whatever it made of the signal.
    let by_hand = |task: &mut TaskState| task.stop_code = Some("UserInitiated".into());
    let (desired, observed) = seen(ended(Some(0), by_hand), stopping);
    let planned = plan(&desired, &observed);
    assert!(!rolls(&planned));
    assert_eq!(planned.obstacles[0].kind, ObstacleKind::ReleaseFailed);
    // It ended before the signal came.
    let (desired, observed) = seen(ended(Some(0), |_| {}), stopping);
    assert!(rolls(&plan(&desired, &observed)));
}

#[test]
fn what_cannot_be_read_starts_and_rolls_out_nothing() {
    for part in [Part::Tasks, Part::Ecs] {
        let (desired, mut observed) = seen(Sight::Unseen, |_| {});
        observed.unread.insert(part);
        let planned = plan(&desired, &observed);
        assert!(writes(&planned).is_empty() && !rolls(&planned));
        assert_eq!(planned.release, observed.release.memory);
    }
}

#[test]
fn a_failed_one_is_tried_again_for_another_redeploy_value_or_a_later_deadline_only() {
    let edits: [(Edit, bool, bool); 6] = [
        (|_| {}, true, false),
        (|release| release.generation = 2, true, false),
        (|release| release.redeploy = Some("1".into()), false, true),
        (|release| release.timeout = 700, true, true),
        (|release| release.timeout = 500, true, false),
        // More time is of no use to what ended by itself.
        (|release| release.timeout = 700, false, false),
    ];
    for (edit, is_late, is_tried) in edits {
        let failure = Failure {
            is_late,
            exit_code: Some(1),
            reason: "exit code 1".into(),
        };
        let (mut desired, observed) = seen(Sight::Unseen, |state| set(state, Phase::Failed(failure)));
        edit(desired.release.as_mut().unwrap());
        let planned = plan(&desired, &observed);
        assert_eq!(stage(&planned).is_some(), is_tried);
        assert_eq!(planned.obstacles.is_empty(), is_tried);
    }
}

#[test]
fn without_a_status_what_runs_was_released() {
    let desired = wanted("v1");
    let mut observed = settled(&desired);
    let planned = plan(&desired, &observed);
    assert!(planned.is_settled());
    let memory = planned.release.unwrap();
    assert_eq!(
        memory.succeeded,
        desired.release.clone().map(|release| release.digest)
    );
    // Of other content that cannot be said.
    let edited = wanted("v2");
    assert_eq!(stage(&plan(&edited, &observed)), Some(&Stage::Record(None)));
    // Nor of one that has a status, and had no release phase before.
    observed.release.memory = Some(Box::default());
    assert_eq!(stage(&plan(&desired, &observed)), Some(&Stage::Record(None)));
}
