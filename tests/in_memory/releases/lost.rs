//! What was lost of a release phase: the reply to a call, the sight of a task, its record. No task is run twice.

use empire_controller::api::app::ReleasePhase;

use super::{HOUR, KEY, attempt, failed, releasing, tasks, v2};
use crate::fake_aws::{Disturbance, Fate, When};
use crate::fixtures::staging;
use crate::world::World;
use crate::write_counts::{check, settled};

/// Passes until the disturbance has struck.
fn run_until_disturbed(world: &mut World) {
    while world.aws.disturbed() == 0 {
        world.step();
        world.aws.advance(1);
    }
}

/// The call was repeated for minutes before its reply was lost, and no list shows its task yet.
#[test]
fn an_edit_just_after_a_lost_reply_starts_no_second_task_beside_the_first() {
    for edit in [v2().redeploy("1"), releasing().image("registry.example/acme:v3")] {
        let mut world = settled(&staging(), &releasing());
        world.aws.by_hand().list_tasks_after(30);
        world.apply(&v2());
        let silence = Disturbance::Timeout(When::Before);
        world.aws.disturb("ecs:RunTask", "", silence);
        world.run_seconds(300);
        assert_eq!(tasks(&world), 1);
        world.aws.calm();
        world.aws.disturb_write(0, Disturbance::Crash(When::After));
        run_until_disturbed(&mut world);
        assert_eq!(tasks(&world), 2);
        world.apply(&edit);
        // Else the world says that two ran at once.
        world.settle();
        world.assert_ready();
    }
}

#[test]
fn a_deletion_just_after_a_lost_reply_leaves_no_task() {
    let mut world = settled(&staging(), &releasing());
    let mut console = world.aws.by_hand();
    console.list_tasks_after(30);
    console.run_tasks(&[Fate::Hangs]);
    drop(console);
    world.apply(&v2());
    world.aws.disturb_write(3, Disturbance::Crash(When::After));
    run_until_disturbed(&mut world);
    world.delete(KEY);
    world.settle();
    assert!(!world.holds(KEY));
    assert_eq!(world.aws.by_hand().tasks(), (2, 0));
}

/// Whether the call took effect or not: after a day, neither its token nor its task is known to ECS.
#[test]
fn one_whose_end_nobody_saw_is_unknown_and_not_run_again() {
    for when in [When::Before, When::After] {
        for hours in [2, 25] {
            let mut world = settled(&staging(), &releasing());
            world.apply(&v2());
            // After three registrations.
            world.aws.disturb_write(3, Disturbance::Crash(when));
            run_until_disturbed(&mut world);
            let before = tasks(&world);
            assert_eq!(attempt(&world).task, None);
            world.aws.advance(hours * HOUR);
            world.settle();
            failed(
                &world,
                "ReleaseUnknown",
                "nobody has seen the end of the release, which may have run",
            );
            assert_eq!(tasks(&world), before, "{when:?}, {hours} h");
            world.restart();
            check(&world.settle(), 0);
            world.apply(&v2().redeploy("1"));
            world.settle();
            world.assert_ready();
            assert_eq!(tasks(&world), before + 1);
        }
    }
    // The task is known, and nobody looked for an hour.
    let mut world = settled(&staging(), &releasing());
    world.apply(&v2());
    world.run(3);
    let task = attempt(&world).task.unwrap();
    world.aws.advance(2 * HOUR);
    world.settle();
    failed(
        &world,
        "ReleaseUnknown",
        &format!("of task {task} of the release"),
    );
}

#[test]
fn a_task_whose_start_was_not_answered_is_taken_up() {
    for (when, crashes) in [
        (When::Before, true),
        (When::After, true),
        (When::Before, false),
        (When::After, false),
    ] {
        for lag in [0, 30] {
            for minutes in [0, 30] {
                let mut world = settled(&staging(), &releasing());
                world.aws.by_hand().list_tasks_after(lag);
                world.apply(&v2());
                let disturbance = if crashes {
                    Disturbance::Crash(when)
                } else {
                    Disturbance::Timeout(when)
                };
                world.aws.disturb_write(3, disturbance);
                run_until_disturbed(&mut world);
                world.aws.advance(minutes * 60);
                // Another request with its token.
                let platform = if minutes > 0 {
                    staging().tag("team", "shop")
                } else {
                    staging()
                };
                world.set_platform(&platform);
                world.settle();
                world.assert_ready();
                assert_eq!(tasks(&world), 2, "{when:?} {crashes} {lag} {minutes}");
            }
        }
    }
}

/// The task that was started for it is found by the token of the attempt before, though its parameters are others.
#[test]
fn a_platform_that_was_edited_meanwhile_starts_no_second_task() {
    let awsvpc = |group: &str| staging().awsvpc(group);
    let mut world = settled(&awsvpc("sg-1"), &releasing());
    world.aws.by_hand().list_tasks_after(HOUR);
    world.apply(&v2());
    world.aws.disturb_write(3, Disturbance::Crash(When::After));
    run_until_disturbed(&mut world);
    world.set_platform(&awsvpc("sg-2"));
    world.run(3);
    let request = attempt(&world).request;
    assert_eq!(request.network.unwrap().security_groups, ["sg-2"]);
    world.aws.by_hand().list_tasks_after(0);
    world.settle();
    world.assert_ready();
    assert_eq!(tasks(&world), 2);
}

#[test]
fn is_recorded_before_it_is_started() {
    let mut world = settled(&staging(), &releasing());
    world.apply(&v2());
    let denied = Disturbance::Refusal("AccessDeniedException", "not authorized");
    world.aws.disturb_write(3, denied);
    world.run(3);
    let recorded = attempt(&world);
    assert_eq!(
        (recorded.number, recorded.phase, &recorded.task),
        (1, ReleasePhase::Pending, &None)
    );
    assert_eq!(recorded.request.process, "migrate");
    assert_eq!(recorded.request.token.len(), 64);
    assert!(
        recorded
            .request
            .task_definition
            .ends_with("task-definition/shop_acme_migrate:2")
    );
    assert_eq!(recorded.request.launch_type.as_deref(), Some("EC2"));
    assert_eq!(tasks(&world), 1);
    let told = world.reason(KEY);
    assert!(
        told.starts_with("AccessDenied: process migrate: ecs:RunTask"),
        "{told}"
    );

    // A status that cannot be written starts none.
    let mut world = settled(&staging(), &releasing());
    world.apply(&v2());
    world.refuses_status = true;
    world.run(10);
    assert_eq!(tasks(&world), 1);
    world.refuses_status = false;
    world.settle();
    world.assert_ready();
    assert_eq!(tasks(&world), 2);
}

/// What was refused for long is no start that nobody remembers.
#[test]
fn a_refusal_that_lasts_for_hours_ends_with_the_start() {
    let mut world = settled(&staging(), &releasing());
    let within = v2().release_within("migrate", "12h");
    world.apply(&within);
    let denied = Disturbance::Refusal("AccessDeniedException", "not authorized");
    world.aws.disturb("ecs:RunTask", "", denied);
    for _ in 0..5 {
        world.run_seconds(HOUR);
        let told = world.reason(KEY);
        assert!(told.starts_with("AccessDenied"), "{told}");
    }
    world.aws.calm();
    world.settle();
    world.assert_ready();
    assert_eq!(tasks(&world), 2);
}

/// What runs was released, if nothing says otherwise.
#[test]
fn a_lost_status_runs_nothing_again() {
    let mut world = settled(&staging(), &releasing());
    world.aws.advance(30 * HOUR);
    world.loses_status = true;
    world.restart();
    check(&world.settle(), 0);
    world.assert_ready();
    world.apply(&v2());
    world.settle();
    world.assert_ready();
    assert_eq!(tasks(&world), 2);
}
