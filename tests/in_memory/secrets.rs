//! Secrets by name: what a name stands for is what ECS is given and tenancy is asked, and to write one for the other is no change.

use crate::crash::{Operation, check as check_crashes};
use crate::fixtures::{AppFixture, PlatformFixture, acme, staging};
use crate::world::World;
use crate::write_counts::{check_edit_on, settled};

const KEY: &str = "shop/acme";
const NAME: &str = "/shop/token";
const ARN: &str = "arn:aws:ssm:us-east-1:123456789012:parameter/shop/token";

/// Apps may have the parameters of shop.
fn shared() -> PlatformFixture {
    staging().secrets(&["arn:aws:ssm:us-east-1:123456789012:parameter/shop/*"])
}

fn with(secret: &str) -> AppFixture {
    acme().secret("TOKEN", secret)
}

#[test]
fn a_parameter_by_name_costs_what_its_arn_costs_and_to_write_one_for_the_other_nothing() {
    let platform = shared();
    check_edit_on(&platform, &acme(), &with(NAME), 4);
    check_edit_on(&platform, &acme(), &with(ARN), 4);
    check_edit_on(&platform, &with(ARN), &with(NAME), 0);
    check_edit_on(&platform, &with(NAME), &with("ssm:/shop/token"), 0);
    check_edit_on(&platform, &with(NAME), &with("/shop/other"), 4);
}

#[test]
fn a_name_that_stands_for_what_is_not_allowed_is_refused_before_any_write() {
    let mut world = World::new(&shared());
    world.apply(&with("/bank/token"));
    assert_eq!(world.settle().len(), 0);
    let reason = world.reason(KEY);
    assert!(reason.starts_with("NotAllowed"), "{reason}");
    assert!(reason.contains("secrets: TOKEN"), "{reason}");
    assert!(reason.contains("parameter/bank/token"), "{reason}");
}

#[test]
fn ecs_is_given_the_arn_in_the_region_of_the_platform_and_the_account_of_its_role() {
    let world = settled(&shared(), &with(NAME));
    for service in ["shop_acme_web", "shop_acme_worker"] {
        assert_eq!(
            world.aws.secret_of(service, "TOKEN").as_deref(),
            Some(ARN),
            "{service}"
        );
    }
}

#[test]
fn a_name_survives_a_crash_at_every_write() {
    let edit = |world: &mut World| world.apply(&with(NAME));
    let points = check_crashes("a secret by name", &Operation::new(shared(), Some(acme()), edit));
    println!("a secret by name: {points} disturbances");
}
