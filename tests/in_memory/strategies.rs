//! Services that a hand, or whoever had them before, has turned to another deployment strategy.

use crate::fixtures::{AppFixture, acme, staging};
use crate::world::World;

const V2: &str = "registry.example/acme:v2";
const WORKER: &str = "shop_acme_worker";

fn turned(strategy: &str, for_good: bool) -> World {
    let mut world = World::new(&staging());
    world.apply(&acme());
    world.settle();
    world.assert_ready();
    world.aws.by_hand().set_strategy(WORKER, strategy, for_good);
    world.aws.advance(700);
    world
}

fn written(world: &mut World) -> Vec<&'static str> {
    world.settle().iter().map(|write| write.action).collect()
}

fn v2() -> AppFixture {
    acme().image(V2)
}

#[test]
fn another_strategy_is_set_back_by_one_write() {
    for strategy in ["BLUE_GREEN", "LINEAR", "CANARY"] {
        let mut world = turned(strategy, false);
        assert_eq!(written(&mut world), ["ecs:UpdateService"], "{strategy}");
        assert_eq!(world.aws.by_hand().strategy(WORKER), "ROLLING");
        world.assert_ready();
        world.restart();
        assert_eq!(world.settle().len(), 0);
    }
}

#[test]
fn it_is_set_back_before_a_new_release_and_after_one_that_is_under_way() {
    let mut world = turned("BLUE_GREEN", false);
    world.apply(&v2());
    // Two services get a new release, and one of them its strategy.
    assert_eq!(written(&mut world).len(), 5);
    world.assert_ready();

    world.apply(&acme());
    world.run(1);
    world.aws.by_hand().set_strategy(WORKER, "BLUE_GREEN", false);
    world.aws.advance(700);
    assert_eq!(written(&mut world), ["ecs:UpdateService"]);
    world.assert_ready();
}

#[test]
fn a_strategy_that_ecs_does_not_let_go_is_named_and_holds_up_no_release() {
    let mut world = turned("BLUE_GREEN", true);
    assert_eq!(written(&mut world).len(), 0);
    let reason = world.reason("shop/acme");
    assert!(
        reason.contains("The deployment strategy cannot be updated now."),
        "{reason}"
    );
    world.apply(&v2());
    assert_eq!(written(&mut world).len(), 4);
    assert_eq!(world.aws.by_hand().strategy(WORKER), "BLUE_GREEN");
}
