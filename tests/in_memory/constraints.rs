//! Placement constraints of a Platform: on all that runs there, whatever an App says or somebody sets by hand.

use serde_json::{Value, json};

use crate::fixtures::{AppFixture, PlatformFixture, acme, staging, worker};
use crate::stories::Story;
use crate::world::World;
use crate::write_counts::check;

fn pool(name: &str) -> Value {
    json!({ "type": "memberOf", "expression": format!("attribute:pool == {name}") })
}

fn of_pool(name: &str) -> PlatformFixture {
    staging().constraints(&json!([pool(name)]))
}

/// With a process that has a constraint of its own, and one that is started by the clock.
fn placed() -> AppFixture {
    let own = worker().placement(json!({ "constraints": [{ "type": "distinctInstance" }] }));
    acme()
        .process("worker", own)
        .process("nightly", worker().cron("0 3 * * ? *"))
}

#[test]
fn they_are_added_and_kept_and_follow_the_platform() {
    Story::on(&of_pool("shop"))
        .then("created", |world| world.apply(&placed()))
        .shows_the_world()
        .then("they are taken off by hand", |world| {
            let mut console = world.aws.by_hand();
            console.set_constraints("shop_acme_web", &[]);
            console.set_constraints("shop_acme_worker", &["distinctInstance"]);
        })
        .then("the App names the same one", |world| {
            let own =
                worker().placement(json!({ "constraints": [pool("shop"), { "type": "distinctInstance" }] }));
            world.apply(&placed().process("worker", own));
        })
        .then("another pool", |world| {
            world.apply(&placed());
            world.set_platform(&of_pool("retail"));
        })
        .then("none any more", |world| world.set_platform(&staging()))
        .shows_the_world()
        .reads("constraints.txt");
}

#[test]
fn a_dry_run_foretells_them() {
    let mut world = World::new(&staging());
    world.apply(&placed());
    world.settle();
    world.assert_ready();
    world.set_platform(&of_pool("shop"));
    let foretold = world.dry_run("shop/acme").unwrap();
    assert_eq!(foretold.changes().count(), 3);
    check(&world.settle(), 3);
    assert_eq!(world.dry_run("shop/acme").unwrap().changes().count(), 0);
}

#[test]
fn an_app_needs_a_grant_for_its_own_and_none_for_the_platforms() {
    let grant = |constraints: bool| {
        let all = json!({ "namespaceSelector": {}, "hostnames": ["*"], "images": ["*"], "external": true, "constraints": constraints });
        of_pool("shop").granting(&[all])
    };
    let mut world = World::new(&grant(false));
    world.apply(&placed());
    check(&world.settle(), 0);
    assert_eq!(
        world.reason("shop/acme"),
        "NotAllowed: process worker: placement.constraints: Platform staging does not allow distinctInstance: \
         tenancy.grants[0].constraints is not true"
    );
    world.apply(&acme());
    world.settle();
    world.assert_ready();
    world.apply(&placed());
    world.set_platform(&grant(true));
    world.settle();
    world.assert_ready();
}
