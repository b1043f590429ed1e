//! Edits that are a reason to try a failed release again, and signs that a release has not failed.

use serde_json::json;

use crate::fixtures::{AppFixture, PlatformFixture, acme, app, staging, web, worker};
use crate::world::World;

const V1: &str = "registry.example/acme:v1";
const V2: &str = "registry.example/acme:v2";

fn settled(platform: &PlatformFixture, app: &AppFixture) -> World {
    let mut world = World::new(platform);
    world.apply(app);
    world.settle();
    world
}

fn one(deploy: serde_json::Value) -> AppFixture {
    app("acme").process("worker", worker().quantity(2).deploy(deploy))
}

/// Returns the number of updates of a service until nothing moved any more.
fn updates(world: &mut World) -> usize {
    let written = world.settle();
    let updates = written.iter().filter(|write| write.action == "ecs:UpdateService");
    updates.count()
}

#[track_caller]
fn assert_failed(world: &World) {
    let reason = world.reason("shop/acme");
    assert!(reason.starts_with("RolloutFailed: "), "{reason}");
}

#[test]
fn a_first_release_that_failed_is_tried_again_once_its_check_is_edited() {
    let only = |path: &str| app("acme").process("web", web().internal().check_path(path));
    let mut world = World::new(&staging());
    world.aws.by_hand().break_tasks(V1);
    world.apply(&only("/wrong"));
    world.settle();
    assert_failed(&world);
    world.restart();
    assert_eq!(updates(&mut world), 0);

    world.apply(&only("/still-wrong"));
    assert_eq!(updates(&mut world), 1);
    assert_failed(&world);
    world.restart();
    assert_eq!(updates(&mut world), 0);

    world.aws.by_hand().mend_tasks();
    world.apply(&only("/right"));
    assert_eq!(updates(&mut world), 1);
    world.assert_ready();
}

#[test]
fn a_release_that_failed_without_a_rollback_is_tried_again_once_its_deployment_is_edited() {
    let careful =
        |more: &str| one(json!({ "circuitBreaker": { "rollback": false }, "progressDeadline": more }));
    let mut world = settled(&staging(), &careful("10m"));
    world.aws.by_hand().break_tasks(V2);
    world.apply(&careful("10m").image(V2));
    assert_eq!(updates(&mut world), 1);
    assert_failed(&world);
    world.aws.by_hand().mend_tasks();
    world.apply(&careful("20m").image(V2));
    assert_eq!(updates(&mut world), 1);
    world.assert_ready();
}

#[test]
fn scaling_is_no_reason_to_try_again_although_percentages_follow_from_it() {
    let claimed = staging().bridge_ports(9_000, 9_010);
    let many = |quantity| app("acme").process("web", web().internal().quantity(quantity));
    let mut world = settled(&claimed, &many(2));
    world.aws.by_hand().break_tasks(V2);
    world.apply(&many(2).image(V2));
    updates(&mut world);
    assert_failed(&world);
    world.apply(&many(4).image(V2));
    assert_eq!(updates(&mut world), 1);
    assert_failed(&world);
    let written = world.aws.writes();
    assert!(
        written.last().unwrap().about.ends_with("shop_acme_web"),
        "{written:?}"
    );
}

#[test]
fn an_edit_while_a_release_rolls_out_is_no_reason_to_try_it_again() {
    let patient = |deadline: &str| one(json!({ "progressDeadline": deadline }));
    let mut world = settled(&staging(), &patient("10m"));
    world.aws.by_hand().break_tasks(V2);
    world.apply(&patient("10m").image(V2));
    world.run(2);
    world.apply(&patient("20m").image(V2));
    assert_eq!(updates(&mut world), 0);
    assert_failed(&world);
}

#[test]
fn a_failure_of_somebody_elses_release_is_not_taken_for_one_of_ours() {
    let mut world = settled(&staging(), &acme());
    world.apply(&acme().image(V2));
    world.settle();
    world.aws.by_hand().break_tasks(V1);
    world.aws.by_hand().deploy_again("shop_acme_worker", 1);
    // Nobody looks while it fails, and ECS brings back what was complete: ours.
    for _ in 0..70 {
        world.aws.advance(10);
    }
    assert_eq!(updates(&mut world), 0);
    world.assert_ready();
}

#[test]
fn what_somebody_elses_failed_release_left_behind_is_repaired() {
    let careful = || one(json!({ "circuitBreaker": { "rollback": false } }));
    let mut world = settled(&staging(), &careful());
    world.apply(&careful().image(V2));
    world.settle();
    world.aws.by_hand().break_tasks(V1);
    world.aws.by_hand().deploy_again("shop_acme_worker", 1);
    for _ in 0..70 {
        world.aws.advance(10);
    }
    assert_eq!(updates(&mut world), 1);
    world.assert_ready();
}

/// AWS documents no other end than a rollback for a rollout that is stopped.
#[test]
fn a_release_that_takes_too_long_and_may_not_be_rolled_back_is_left_alone() {
    let careful = || one(json!({ "circuitBreaker": { "rollback": false } }));
    let mut world = settled(&staging(), &careful());
    world.aws.by_hand().unsettle_tasks(V2);
    world.apply(&careful().image(V2));
    assert_eq!(world.settle().len(), 2);
    assert_failed(&world);
    world.aws.by_hand().mend_tasks();
    world.aws.advance(400);
    assert_eq!(world.settle().len(), 0);
    world.assert_ready();
}
