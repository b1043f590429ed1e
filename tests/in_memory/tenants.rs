//! Tenancy, and the settings of tasks besides a command.

use serde_json::json;

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
