//! A process that runs and is exposed then: its grace period comes with its first target groups, or right after them.

use crate::fake_aws::{Disturbance, When};
use crate::fixtures::{AppFixture, ProcessFixture, app, staging, worker};
use crate::world::World;

const V2: &str = "registry.example/acme:v2";
const V3: &str = "registry.example/acme:v3";
const WORKER: &str = "shop_acme_worker";

fn of(worker: ProcessFixture) -> AppFixture {
    app("acme").process("worker", worker.quantity(2))
}

fn exposed() -> AppFixture {
    of(worker().internal().grace_period("90s"))
}

fn settled(app: &AppFixture, is_mended: bool) -> World {
    let mut world = World::new(&staging());
    if is_mended {
        world.aws.by_hand().take_grace_period_with_groups();
    }
    world.apply(app);
    world.settle();
    world.assert_ready();
    world
}

/// Turns the App into another, says how many updates of the service that took, and looks whether all is well.
#[track_caller]
fn updates(world: &mut World, app: &AppFixture, grace_period: u32) -> usize {
    world.apply(app);
    let written = world.settle();
    world.assert_ready();
    assert_eq!(world.aws.by_hand().grace_period(WORKER), Some(grace_period));
    world.restart();
    assert_eq!(world.settle().len(), 0);
    written
        .iter()
        .filter(|write| write.action == "ecs:UpdateService")
        .count()
}

#[test]
fn exposing_a_running_process_costs_one_update_or_where_ecs_wants_them_apart_two() {
    for (is_mended, expected) in [(true, 1), (false, 2)] {
        let mut world = settled(&of(worker()), is_mended);
        assert_eq!(updates(&mut world, &exposed(), 90), expected);
        // Of a process that has target groups, ECS takes everything.
        assert_eq!(
            updates(&mut world, &of(worker().external().grace_period("90s")), 90),
            2
        );
        assert_eq!(
            updates(&mut world, &of(worker().external().grace_period("30s")), 30),
            1
        );
        // Exposed no longer, and once more.
        assert_eq!(updates(&mut world, &of(worker()), 0), 1);
        assert_eq!(updates(&mut world, &exposed().image(V2), 90), expected);
    }
}

#[test]
fn a_new_image_does_not_wait_behind_an_exposure_that_ecs_wants_in_two_calls() {
    let mut world = settled(&of(worker()), false);
    assert_eq!(updates(&mut world, &exposed().image(V2), 90), 2);
}

#[test]
fn the_grace_period_arrives_wherever_the_controller_is_killed() {
    let base = settled(&of(worker()), false);
    let mut undisturbed = base.fork();
    undisturbed.apply(&exposed());
    undisturbed.aws.take_attempts();
    undisturbed.settle();
    let attempts = undisturbed.aws.take_attempts().len();
    for disturbance in [
        Disturbance::Crash(When::Before),
        Disturbance::Crash(When::After),
        Disturbance::Timeout(When::Before),
        Disturbance::Timeout(When::After),
    ] {
        for n in 0..attempts {
            let mut world = base.fork();
            world.apply(&exposed());
            world.aws.disturb_write(n, disturbance.clone());
            world.settle();
            world.assert_ready();
            assert_eq!(
                world.aws.by_hand().grace_period(WORKER),
                Some(90),
                "{disturbance:?} at {n}"
            );
        }
    }
}

/// A rollback takes back the target groups, and leaves the grace period.
#[test]
fn an_exposure_that_failed_is_tried_again_and_taken_back() {
    for is_mended in [true, false] {
        let mut world = settled(&of(worker()), is_mended);
        world.aws.by_hand().break_tasks(V2);
        world.apply(&exposed().image(V2));
        world.settle();
        world.aws.by_hand().mend_tasks();
        updates(&mut world, &exposed().image(V2).redeploy("once"), 90);

        let mut world = settled(&of(worker()), is_mended);
        world.aws.by_hand().break_tasks(V2);
        world.apply(&exposed().image(V2));
        world.settle();
        // It stays as it is until something else is sent.
        updates(&mut world, &of(worker()), 90);
        updates(&mut world, &of(worker()).image(V3), 0);
    }
}

/// Whatever else ECS refuses is refused.
#[test]
fn a_refusal_that_has_another_reason_stays_one() {
    let mut world = settled(&of(worker()), true);
    let refusal = Disturbance::Refusal("InvalidParameterException", "The target group is not to be had.");
    world.aws.disturb("ecs:UpdateService", WORKER, refusal);
    world.apply(&exposed());
    world.settle();
    let reason = world.reason("shop/acme");
    assert!(reason.contains("The target group is not to be had."), "{reason}");
}

/// A failed exposure by http leaves 60 s; one by tcp after it wants 300 s, and gets them.
#[test]
fn the_default_of_another_protocol_comes_with_the_exposure_after_one_that_failed() {
    for is_mended in [true, false] {
        let mut world = settled(&of(worker()), is_mended);
        world.aws.by_hand().break_tasks(V2);
        world.apply(&of(worker().internal()).image(V2));
        world.settle();
        updates(&mut world, &of(worker().internal().tcp()), 300);
    }
}
