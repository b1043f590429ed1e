//! Apps that leave behind what they have, and Apps that take over what nobody has.

use empire_controller::model::owner::{ADOPTED_TAG, APP_TAG, OWNER_TAG, Tags, is_adopted, left_by};

use crate::crash::{Operation, check};
use crate::fixtures::{PlatformFixture, acme, app, platform, staging, web, worker};
use crate::stories::Story;
use crate::world::World;

fn claimed() -> PlatformFixture {
    staging().bridge_ports(9000, 9010)
}

/// Returns a world in which acme was deleted and retained.
fn left(platform: &PlatformFixture) -> World {
    let mut world = World::new(platform);
    leave(&mut world);
    world
}

fn leave(world: &mut World) {
    world.apply(&acme().retained());
    world.settle();
    world.delete("shop/acme");
    world.settle();
}

#[test]
fn an_app_leaves_what_it_has_and_another_takes_it_over() {
    Story::on(&claimed())
        .then("created, to leave things behind", |world| {
            world.apply(&acme().retained());
        })
        .then("deleted", |world| world.delete("shop/acme"))
        .shows_the_world()
        .then("made again", |world| world.apply(&acme()))
        .then("told to take over", |world| world.apply(&acme().adopting()))
        .shows_the_world()
        .then("no longer told so", |world| world.apply(&acme()))
        .then("deleted for good", |world| world.delete("shop/acme"))
        .shows_the_world()
        .reads("retained.txt");
}

#[test]
fn what_another_has_is_never_taken_over() {
    Story::on(&staging())
        .then("a service of nobody's and one of somebody's", |world| {
            world.apply(&app("other").process("clock", worker()));
            world.settle();
            let theirs = [(OWNER_TAG, "installation-2"), (APP_TAG, "shop/acme")];
            let theirs = theirs.map(|(key, value)| (key.into(), value.into()));
            let mut console = world.aws.by_hand();
            console.foreign_service("shop_other_clock", "shop_acme_worker", Tags::new());
            console.foreign_service("shop_other_clock", "shop_acme_clock", Tags::from(theirs));
        })
        .then("an App that is told to take over", |world| {
            let acme = app("acme").process("worker", worker()).process("clock", worker());
            world.apply(&acme.adopting());
        })
        .shows_the_world()
        .reads("adopted.txt");
}

/// Services, one call for all of load balancing, and a batch a zone.
#[test]
fn letting_go_and_taking_over_cost_as_much() {
    for (platform, writes) in [
        (platform("staging"), 3),
        (staging(), 4),
        (platform("staging").split_horizon(), 5),
        (claimed(), 4),
    ] {
        let aws = |written: &[crate::fake_aws::Write]| written.iter().filter(|w| w.is_aws()).count();
        let mut world = World::new(&platform);
        world.apply(&acme().retained());
        world.settle();
        world.delete("shop/acme");
        assert_eq!(aws(&world.settle()), writes);
        assert!(!world.holds("shop/acme"));
        world.apply(&acme().adopting());
        assert_eq!(aws(&world.settle()), writes);
        world.assert_ready();
        world.restart();
        assert_eq!(aws(&world.settle()), 0);
    }
}

/// All but the owner: an operator, and an App of that name, read off it whose it was.
#[test]
fn what_is_left_says_whose_it_was() {
    let world = left(&claimed());
    let found = world.aws.by_hand().tags();
    // Two services, a load balancer with its listener, a target group.
    assert_eq!(found.len(), 5);
    for tags in found {
        assert_eq!(left_by(&tags).unwrap().to_string(), "shop/acme");
    }
}

/// Versions before 0.2.0 took all three tags off.
#[test]
fn what_an_older_version_left_is_taken_over_at_the_same_cost() {
    let mut before = World::new(&claimed());
    before.apply(&acme());
    before.settle();
    let mut world = left(&claimed());
    world
        .aws
        .by_hand()
        .edit_tags(|tags| tags.retain(|key, _| !key.starts_with("empire.dev/")));
    world.restart();
    world.apply(&acme().adopting());
    assert_eq!(world.settle().iter().filter(|write| write.is_aws()).count(), 4);
    world.assert_ready();
    // Nothing says whose the services were, so they are adopted, and marked.
    let mut console = world.aws.by_hand();
    assert_eq!(console.tags().iter().filter(|tags| is_adopted(tags)).count(), 2);
    console.edit_tags(|tags| tags.retain(|key, _| key != ADOPTED_TAG));
    drop(console);
    assert_eq!(world.snapshot(), before.snapshot());
}

#[test]
fn a_suspended_app_lets_go_all_the_same() {
    let mut world = World::new(&staging());
    world.apply(&acme().retained());
    world.settle();
    world.apply(&acme().retained().suspended());
    world.delete("shop/acme");
    assert_eq!(world.settle().iter().filter(|write| write.is_aws()).count(), 4);
    assert!(!world.holds("shop/acme"));
}

#[test]
fn takes_over_into_the_world_that_was_before() {
    let mut before = World::new(&claimed());
    before.apply(&acme());
    before.settle();
    let mut world = left(&claimed());
    world.apply(&acme().adopting());
    world.settle();
    assert_eq!(world.snapshot(), before.snapshot());
}

/// A container port keeps the target group that it has, also where that is not the one that it would get today.
#[test]
fn takes_over_the_target_group_that_is_in_use() {
    let (both, last) = ([(80, "http", 8080), (81, "http", 9090)], [(81, "http", 9090)]);
    let with = |listeners: &[(u16, &str, u16)]| {
        acme()
            .process("web", web().quantity(2).listeners(listeners))
            .retained()
    };
    let mut world = World::new(&staging());
    world.apply(&with(&both));
    world.settle();
    world.apply(&with(&last));
    world.settle();
    let before = world.snapshot();
    world.delete("shop/acme");
    world.settle();
    world.apply(&with(&last).adopting());
    assert_eq!(world.settle().iter().filter(|write| write.is_aws()).count(), 4);
    assert_eq!(world.snapshot(), before);
}

#[test]
fn arrives_when_killed_while_letting_go_and_while_taking_over() {
    let mut points = 0;
    for (name, platform) in [
        ("dynamic ports", staging()),
        ("claimed ports", claimed()),
        (
            "split horizon",
            crate::fixtures::platform("staging").split_horizon(),
        ),
        (
            "no load balancing",
            crate::fixtures::platform("staging").without_load_balancing(),
        ),
    ] {
        let go = |world: &mut World| world.delete("shop/acme");
        let leave = Operation::new(platform.clone(), Some(acme().retained()), go);
        points += check(&format!("let go on {name}"), &leave);
        let adopt = |world: &mut World| world.apply(&acme().adopting());
        let adopt = Operation::new(platform, Some(acme().retained()), adopt).after(|world| {
            world.delete("shop/acme");
            world.settle();
        });
        points += check(&format!("take over on {name}"), &adopt);
    }
    println!("retaining and adopting: {points} disturbances");
}
