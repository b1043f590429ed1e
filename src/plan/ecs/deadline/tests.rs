//! Late rollouts, and progress.

use super::{deadline, note_progress};
use crate::model::desired::{Desired, Runs};
use crate::model::rollout::{Progress, RolloutMemory, Submission};
use crate::model::state::{Deployment, Observed, Rollout};
use crate::plan::fixtures::world::service_of;
use crate::plan::fixtures::{app, arn, deployment, process, settled};

const CREATED: i64 = 1_000;
/// As the fixtures have it.
const DEADLINE: i64 = 600;

/// One look at a rollout of two tasks, so many seconds after it began.
#[derive(Clone, Copy)]
struct Look {
    at: i64,
    new: u32,
    old: Option<u32>,
    failed: u32,
}

fn look(at: i64, new: u32, old: impl Into<Option<u32>>) -> Look {
    let old = old.into();
    Look {
        at,
        new,
        old,
        failed: 0,
    }
}

fn failing(look: Look, failed: u32) -> Look {
    Look { failed, ..look }
}

fn shown(world: &mut Observed, look: Look) {
    let service = service_of(world, "web");
    service.desired = 2;
    let definition = arn("definition", "shop_acme_web:2");
    let primary = Deployment {
        id: "ours".into(),
        running: look.new,
        failed: look.failed,
        created: Some(CREATED),
        ..deployment(&definition, 2, Rollout::InProgress)
    };
    let old = |running| Deployment {
        id: "old".into(),
        primary: false,
        running,
        ..deployment(&definition, 0, Rollout::Completed)
    };
    service.deployments = vec![primary];
    service.deployments.extend(look.old.map(old));
}

fn submitted(world: &mut Observed) {
    shown(world, look(0, 0, 2));
    let memory = RolloutMemory {
        submitted: Some(Submission {
            hash: "hash".into(),
            deployment: "ours".into(),
            redeploy: None,
            secrets: None,
            secret_change: None,
            complete: false,
            progress: Progress::begun(service_of(world, "web")),
        }),
        rejected: None,
        exec: None,
    };
    world.rollouts.insert("web".into(), memory);
}

/// Returns the seconds after its beginning at which a rollout is late, as it looks at last; `None`: never.
fn late_of(wanted: &Desired, looks: &[Look]) -> Option<i64> {
    let mut world = settled(wanted);
    submitted(&mut world);
    for look in looks {
        shown(&mut world, *look);
        note_progress(wanted, &mut world, CREATED + look.at);
    }
    let memory = world.rollouts.get("web").cloned();
    let late = deadline(
        service_of(&mut world, "web"),
        &wanted.processes["web"],
        memory.as_ref(),
    );
    let now = looks.last().map_or(0, |look| look.at);
    let is_late = late.is_some_and(|late| late <= CREATED + now);
    assert_eq!(
        world.overdue.contains("shop_acme_web"),
        is_late && !looks.is_empty()
    );
    late.map(|late| late - CREATED)
}

fn late(looks: &[Look]) -> Option<i64> {
    late_of(&app([process("web")]), looks)
}

#[test]
fn the_time_counts_from_the_last_progress() {
    // Nothing has moved yet.
    assert_eq!(late(&[]), Some(DEADLINE));
    assert_eq!(late(&[look(100, 0, 2)]), Some(DEADLINE));
    // More new tasks than ever; fewer old ones than ever.
    assert_eq!(late(&[look(100, 1, 2)]), Some(100 + DEADLINE));
    assert_eq!(late(&[look(100, 1, 2), look(300, 1, 1)]), Some(300 + DEADLINE));
    // The last of them has drained, whether ECS counted it so long or not.
    assert_eq!(late(&[look(100, 2, 0), look(300, 2, None)]), Some(300 + DEADLINE));
    // The same as before is none, nor what was there before.
    assert_eq!(late(&[look(100, 1, 1), look(300, 1, 1)]), Some(100 + DEADLINE));
    assert_eq!(
        late(&[look(100, 1, 1), look(200, 0, 2), look(300, 1, 1)]),
        Some(100 + DEADLINE)
    );
}

#[test]
fn old_tasks_that_drain_make_no_rollout_late_unless_a_new_one_fails() {
    assert_eq!(late(&[look(100, 2, 2)]), None);
    // Also where ECS counts a task that drains as running no longer.
    assert_eq!(late(&[look(100, 2, 0), look(9_000, 2, 0)]), None);
    assert_eq!(
        late(&[look(100, 2, 2), failing(look(200, 2, 2), 1)]),
        Some(100 + DEADLINE)
    );
    assert_eq!(
        late(&[look(100, 2, 2), look(200, 1, 2), look(300, 2, 2)]),
        Some(100 + DEADLINE)
    );
    // An old task less, and all is well again.
    assert_eq!(late(&[look(100, 2, 2), look(200, 1, 2), look(300, 2, 1)]), None);
}

#[test]
fn what_failed_before_the_last_progress_is_forgiven_also_where_ecs_counts_anew() {
    let before = failing(look(50, 0, 2), 3);
    assert_eq!(late(&[before, failing(look(100, 2, 2), 3)]), None);
    let anew = [before, failing(look(100, 2, 2), 3), failing(look(200, 2, 2), 0)];
    assert_eq!(late(&anew), None);
    let again = [anew.as_slice(), &[failing(look(300, 2, 2), 1)]].concat();
    assert_eq!(late(&again), Some(100 + DEADLINE));
}

#[test]
fn new_tasks_that_run_and_replace_none_have_their_grace_period() {
    let mut wanted = app([process("web").internal()]);
    let mut grace = |seconds| {
        if let Runs::Service(service) = &mut wanted.processes.get_mut("web").unwrap().runs {
            service.settings.grace_period = Some(seconds);
        }
        wanted.clone()
    };
    let running = [look(100, 2, None)];
    assert_eq!(late_of(&grace(60), &running), Some(100 + DEADLINE));
    assert_eq!(late_of(&grace(900), &running), Some(1_000));
    assert_eq!(late_of(&grace(900), &[look(100, 1, None)]), Some(100 + DEADLINE));
}

#[test]
fn a_rollout_that_was_complete_is_never_late_and_one_of_which_nothing_is_known_counts_from_its_creation() {
    let wanted = app([process("web")]);
    let mut world = settled(&wanted);
    submitted(&mut world);
    shown(&mut world, look(0, 1, 1));
    let service = service_of(&mut world, "web").clone();
    let of = |memory: Option<&RolloutMemory>| deadline(&service, &wanted.processes["web"], memory);
    assert_eq!(of(None), Some(CREATED + DEADLINE));
    let mut memory = world.rollouts["web"].clone();
    let submission = memory.submitted.as_mut().unwrap();
    submission.complete = true;
    assert_eq!(of(Some(&memory)), None);
    let submission = memory.submitted.as_mut().unwrap();
    (submission.complete, submission.deployment) = (false, "another".into());
    assert_eq!(of(Some(&memory)), Some(CREATED + DEADLINE));
}
