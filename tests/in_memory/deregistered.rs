//! Task definitions that somebody has deregistered: what runs them goes on, and what begins a rollout registers them again.

use crate::fake_aws::{Disturbance, When};
use crate::fixtures::{AppFixture, PlatformFixture, ProcessFixture, app, staging, worker};
use crate::world::World;

const WORKER: &str = "shop_acme_worker";

fn of(worker: ProcessFixture) -> AppFixture {
    app("acme").process("worker", worker.quantity(2))
}

/// A settled App, of which the revision that its worker runs is deregistered.
fn deregistered(platform: &PlatformFixture, app: &AppFixture) -> World {
    let mut world = World::new(platform);
    world.aws.by_hand().take_grace_period_with_groups();
    world.apply(app);
    world.settle();
    world.assert_ready();
    world.aws.by_hand().deregister_running(WORKER);
    world
}

fn written(world: &mut World) -> Vec<&'static str> {
    let written = world.settle();
    world.assert_ready();
    let of_ecs = written.iter().map(|write| write.action);
    of_ecs.filter(|action| action.starts_with("ecs:")).collect()
}

#[test]
fn what_runs_it_goes_on_and_scales_without_a_new_revision() {
    let mut world = deregistered(&staging(), &of(worker()));
    world.aws.advance(700);
    assert!(written(&mut world).is_empty());
    world.apply(&app("acme").process("worker", worker().quantity(3)));
    assert_eq!(written(&mut world), ["ecs:UpdateService"]);
    world.restart();
    assert!(written(&mut world).is_empty());
    assert_eq!(world.aws.by_hand().active_revisions(WORKER), 0);
}

#[test]
fn whatever_begins_a_rollout_registers_it_again_once() {
    const BOTH: [&str; 2] = ["ecs:RegisterTaskDefinition", "ecs:UpdateService"];
    let other = staging().capacity_providers(&[("on-demand", 1), ("spot", 3)]);
    let spot = staging().capacity_providers(&[("on-demand", 1), ("spot", 1)]);
    let network = |group| staging().awsvpc(group);
    let redeployed = of(worker()).redeploy("once");
    let plain = of(worker());
    for restarts in [false, true] {
        let check = |from: &PlatformFixture, to: &PlatformFixture, edited: &AppFixture| {
            let mut world = deregistered(from, &plain);
            world.set_platform(to);
            world.apply(edited);
            if restarts {
                world.restart();
            }
            assert_eq!(written(&mut world), BOTH, "restarts: {restarts}");
            world.restart();
            assert!(written(&mut world).is_empty());
            assert_eq!(world.aws.by_hand().active_revisions(WORKER), 1);
        };
        check(&staging(), &staging(), &redeployed);
        check(&spot, &other, &plain);
        check(&network("sg-1"), &network("sg-2"), &plain);
        check(&staging(), &staging(), &of(worker().internal()));
    }
}

#[test]
fn a_move_to_another_load_balancer_registers_it_again_once() {
    for restarts in [false, true] {
        let mut world = deregistered(&staging(), &of(worker().internal()));
        world.apply(&of(worker().external()));
        if restarts {
            world.restart();
        }
        let both = [
            "ecs:RegisterTaskDefinition",
            "ecs:UpdateService",
            "ecs:UpdateService",
        ];
        assert_eq!(written(&mut world), both);
        assert_eq!(world.aws.by_hand().active_revisions(WORKER), 1);
    }
}

#[test]
fn there_is_one_active_revision_wherever_the_controller_is_killed() {
    let base = deregistered(&staging(), &of(worker()));
    let redeployed = of(worker()).redeploy("once");
    for disturbance in [
        Disturbance::Crash(When::Before),
        Disturbance::Crash(When::After),
        Disturbance::Timeout(When::Before),
        Disturbance::Timeout(When::After),
    ] {
        for n in 0..3 {
            let mut world = base.fork();
            world.apply(&redeployed);
            world.aws.disturb_write(n, disturbance.clone());
            world.settle();
            world.assert_ready();
            assert_eq!(world.aws.disturbed(), 1);
            assert_eq!(
                world.aws.by_hand().active_revisions(WORKER),
                1,
                "{disturbance:?} at {n}"
            );
        }
    }
}
