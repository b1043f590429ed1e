//! What was lost of a Run: the reply to a call, the sight of its task, the controller itself. No command is run twice.

use empire_controller::api::run::RunPhase;

use super::{HOUR, console, tasks, with, world};
use crate::fake_aws::{Disturbance, Fate, When};
use crate::world::OneRun;

use serde_json::json;

const DISTURBANCES: [Disturbance; 5] = [
    Disturbance::Crash(When::Before),
    Disturbance::Crash(When::After),
    Disturbance::Timeout(When::Before),
    Disturbance::Timeout(When::After),
    Disturbance::Refusal("ThrottlingException", "Rate exceeded"),
];

/// After each of them, a moment later and days later, with lists that lag and with lists that do not.
#[test]
fn starts_exactly_one_task_or_says_that_nobody_knows() {
    for disturbance in &DISTURBANCES {
        for lag in [0, 30] {
            for after in [0, 30 * 60, 2 * HOUR, 25 * HOUR] {
                let mut world = world();
                world.aws.by_hand().list_tasks_after(lag);
                let mut one = OneRun::new(&world, "console", &with("timeout", json!("24h")));
                world.step_run(&mut one);
                world.aws.disturb_write(0, disturbance.clone());
                while world.aws.disturbed() == 0 {
                    world.step_run(&mut one);
                }
                world.aws.advance(after);
                world.finish_run(&mut one);
                let at = format!("{disturbance:?}, lag {lag}, after {after} s: {}", one.told());
                let (started, going) = tasks(&world);
                assert!(started <= 1 && going == 0, "{at}");
                match one.status().phase {
                    Some(RunPhase::Succeeded) => assert_eq!(started, 1, "{at}"),
                    Some(RunPhase::Unknown | RunPhase::Failed) => assert!(after >= 2 * HOUR, "{at}"),
                    phase => panic!("{phase:?}: {at}"),
                }
            }
        }
    }
}

/// It is stopped at its deadline, and each write of that is disturbed.
#[test]
fn is_stopped_wherever_the_controller_dies() {
    for disturbance in &DISTURBANCES {
        for write in 0..2 {
            let mut world = world();
            world.aws.by_hand().run_tasks(&[Fate::Hangs]);
            let mut one = OneRun::new(&world, "console", &with("timeout", json!("90s")));
            world.aws.disturb_write(write, disturbance.clone());
            world.finish_run(&mut one);
            assert_eq!(
                one.status().phase,
                Some(RunPhase::Failed),
                "{disturbance:?} at {write}"
            );
            assert_eq!(tasks(&world), (1, 0), "{disturbance:?} at {write}");
        }
    }
}

#[test]
fn a_deletion_just_after_a_lost_reply_leaves_no_task() {
    for lag in [0, 30] {
        for disturbance in &DISTURBANCES {
            let mut world = world();
            let mut console = world.aws.by_hand();
            console.list_tasks_after(lag);
            console.run_tasks(&[Fate::Hangs]);
            drop(console);
            let mut one = OneRun::new(&world, "console", &super::console());
            world.step_run(&mut one);
            world.aws.disturb_write(0, disturbance.clone());
            while world.aws.disturbed() == 0 {
                world.step_run(&mut one);
            }
            one.delete(&world);
            while world.step_run(&mut one) {}
            assert!(one.is_gone, "{disturbance:?}");
            assert_eq!(tasks(&world).1, 0, "{disturbance:?}, lag {lag}");
        }
    }
}

#[test]
fn the_end_of_a_task_that_nobody_saw_is_unknown() {
    let mut world = world();
    let mut one = OneRun::new(&world, "console", &console());
    world.step_run(&mut one);
    world.step_run(&mut one);
    let task = one.status().task.clone().unwrap();
    world.aws.advance(2 * HOUR);
    one.restart(&world);
    world.finish_run(&mut one);
    assert_eq!(
        one.told(),
        format!(
            "Unknown RunUnknown: nobody has seen the end of task {task}, which may have run: it is not run again"
        )
    );
    assert_eq!(tasks(&world).0, 1);
}

/// A refusal that this process has seen is one; after a start, an answer that came later may be lost.
#[test]
fn a_refusal_before_a_start_of_the_controller_excuses_nothing() {
    let mut world = world();
    let mut one = OneRun::new(&world, "console", &with("timeout", json!("24h")));
    world.step_run(&mut one);
    world
        .aws
        .disturb_write(0, Disturbance::Refusal("AccessDeniedException", "not authorized"));
    world.step_run(&mut one);
    world.aws.disturb_write(0, Disturbance::Crash(When::After));
    while world.aws.disturbed() == 0 {
        world.step_run(&mut one);
    }
    world.aws.advance(25 * HOUR);
    world.finish_run(&mut one);
    assert_eq!(one.status().phase, Some(RunPhase::Unknown), "{}", one.told());
    assert_eq!(tasks(&world).0, 1);
}

/// While ECS cannot be read nothing is started, and nothing is taken for gone.
#[test]
fn goes_on_after_an_outage() {
    for steps in 1..4 {
        let mut world = world();
        let mut one = OneRun::new(&world, "console", &console());
        for _ in 0..steps {
            world.step_run(&mut one);
        }
        world.aws.disturb_read("ecs:", Disturbance::Timeout(When::Before));
        for _ in 0..5 {
            world.step_run(&mut one);
        }
        world.aws.calm();
        world.finish_run(&mut one);
        assert_eq!(one.status().phase, Some(RunPhase::Succeeded), "{}", one.told());
        assert_eq!(tasks(&world).0, 1);
    }
}
