//! Tenancy, and the settings of tasks besides a command.

use serde_json::json;

use crate::fake_aws::{Disturbance, When};
use crate::fixtures::{AppFixture, PlatformFixture, acme, staging};
use crate::stories::Story;
use crate::world::World;

const SECRET: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop/token-a1b2c3";
const ROLE: &str = "arn:aws:iam::123456789012:role/shop/acme";

fn shared() -> PlatformFixture {
    staging().tenants(&json!({ "team": "retail" }))
}

fn secretive() -> AppFixture {
    acme().secret("TOKEN", SECRET).task_role(ROLE)
}

fn label(world: &mut World, team: &str) {
    world.namespace.insert("team".into(), team.into());
}

#[test]
fn a_namespace_comes_and_goes_and_nothing_that_runs_stops() {
    Story::on(&shared())
        .then("an App of a namespace that is not selected", |world| {
            world.apply(&secretive());
        })
        .then("the namespace is labelled", |world| label(world, "retail"))
        .then("labelled otherwise, with another image", |world| {
            label(world, "bank");
            world.apply(&secretive().image("registry.example/acme:v2"));
        })
        .shows_the_world()
        .then("deleted", |world| world.delete("shop/acme"))
        .shows_the_world()
        .reads("tenancy.txt");
}

#[test]
fn a_secret_or_a_role_that_is_not_allowed_is_named() {
    let foreign = "arn:aws:secretsmanager:us-east-1:123456789012:secret:bank/token-a1b2c3";
    Story::on(&shared())
        .then("created", |world| {
            label(world, "retail");
            world.apply(&secretive());
        })
        .then("another secret", |world| {
            world.apply(&secretive().secret("TOKEN", foreign));
        })
        .then("another role", |world| {
            world.apply(&secretive().task_role("arn:aws:iam::123456789012:role/admin"));
        })
        .then("without either", |world| world.apply(&acme()))
        .reads("secrets.txt");
}

/// The Platform's own pass counts an App by what the status says, since anybody could write its metadata.
#[test]
fn the_status_names_the_platform_before_anything_is_made_and_not_before_it_lets_the_app_in() {
    let platform = |world: &World| world.status("shop/acme").platform.map(|platform| platform.name);
    let counted = |world: &mut World| {
        world.platform_pass();
        world.platform_apps()
    };
    for when in [When::Before, When::After] {
        let mut world = World::new(&shared());
        world.apply(&secretive());
        world.settle();
        assert!(world.reason("shop/acme").starts_with("NotAllowed"));
        assert_eq!((platform(&world), counted(&mut world)), (None, 0));

        // The generation is one that it has spoken of.
        label(&mut world, "retail");
        world.aws.disturb_write(0, Disturbance::Crash(when));
        world.step();
        assert_eq!(world.aws.disturbed(), 1);
        assert_eq!(platform(&world).as_deref(), Some("staging"));
        assert_eq!(counted(&mut world), 1, "killed at its first write");

        label(&mut world, "bank");
        world.step();
        assert!(world.reason("shop/acme").starts_with("NotAllowed"));
        assert_eq!(platform(&world).as_deref(), Some("staging"));
        assert_eq!(counted(&mut world), 1, "it may hold something");
    }
}

/// A status that was never written tells no Platform anything.
#[test]
fn the_status_names_the_platform_before_anything_is_made_though_it_could_not_be_written_at_first() {
    let mut world = World::new(&shared());
    world.apply(&secretive());
    world.settle();
    assert!(world.reason("shop/acme").starts_with("NotAllowed"));
    label(&mut world, "retail");
    world.refuses_status = true;
    world.step();
    world.refuses_status = false;
    assert_eq!(world.status("shop/acme").platform, None);

    world.aws.disturb_write(0, Disturbance::Crash(When::After));
    world.step();
    assert_eq!(world.aws.disturbed(), 1);
    world.platform_pass();
    assert_eq!(world.platform_apps(), 1);
}

/// The finalizer that cannot be put back hides no trouble.
#[test]
fn what_is_wrong_is_said_though_the_finalizer_cannot_be_put_back() {
    let mut world = World::new(&shared());
    label(&mut world, "retail");
    world.apply(&secretive());
    world.settle();
    world.assert_ready();
    world.unmark("shop/acme");
    world.refuses_finalizer = true;
    label(&mut world, "bank");
    world.step();
    assert!(world.reason("shop/acme").starts_with("NotAllowed"));
    assert!(!world.has_finalizer("shop/acme"));
    let written = world.patches.statuses;
    world.run(3);
    assert_eq!(world.patches.statuses, written, "nothing new to say");

    world.refuses_finalizer = false;
    world.run(10);
    assert!(world.has_finalizer("shop/acme"));
}
