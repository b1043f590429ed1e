//! The floor of what each operation may cost in AWS writes. Claims and status are not AWS writes.

use empire_controller::model::service::TaskDefinition;
use serde_json::json;

use crate::fake_aws::Write;
use crate::fixtures::{
    AppFixture, PlatformFixture, acme, app, bare, platform, process, staging, web, worker,
};
use crate::world::World;

pub(crate) fn settled(platform: &PlatformFixture, app: &AppFixture) -> World {
    let mut world = World::new(platform);
    world.aws.by_hand().take_grace_period_with_groups();
    world.apply(app);
    world.settle();
    world.assert_ready();
    world
}

#[track_caller]
pub(crate) fn check(writes: &[Write], expected: usize) {
    let aws: Vec<String> = writes
        .iter()
        .filter(|w| w.is_aws())
        .map(|w| format!("{} {}", w.action, w.about))
        .collect();
    assert_eq!(aws.len(), expected, "{aws:#?}");
}

/// Checks the number of writes that turn `from` into `to`.
#[track_caller]
pub(crate) fn check_edit(from: &AppFixture, to: &AppFixture, expected: usize) {
    check_edit_on(&staging(), from, to, expected);
}

#[track_caller]
pub(crate) fn check_edit_on(platform: &PlatformFixture, from: &AppFixture, to: &AppFixture, expected: usize) {
    let mut world = settled(platform, from);
    world.apply(to);
    check(&world.settle(), expected);
    world.assert_ready();
    world.restart();
    check(&world.settle(), 0);
}

/// Checks that an App comes up wherever tasks may run, with so many revisions, and is left alone then.
#[track_caller]
pub(crate) fn check_everywhere(platform: &PlatformFixture, app: &AppFixture, revisions: usize) {
    for platform in [
        platform.clone(),
        platform.clone().awsvpc("sg-1"),
        platform.clone().bridge_ports(9_000, 9_010),
        platform.clone().awsvpc("sg-1").managed_instances("managed"),
        platform
            .clone()
            .awsvpc("sg-1")
            .capacity_providers(&[("FARGATE", 1)]),
    ] {
        let mut world = settled(&platform, app);
        let registered = world.aws.writes();
        let registered = registered
            .iter()
            .filter(|write| write.action == "ecs:RegisterTaskDefinition");
        assert_eq!(registered.count(), revisions);
        world.restart();
        assert_eq!(world.settle().len(), 0);
    }
}

/// Checks that the worker goes back to its own revision wherever a hand deployed a copy of it that was edited.
#[track_caller]
pub(crate) fn check_copies(platform: &PlatformFixture, app: &AppFixture, edits: &[fn(&mut TaskDefinition)]) {
    for edit in edits {
        let mut world = settled(platform, app);
        world.aws.by_hand().deploy_copy("shop_acme_worker", *edit);
        world.restart();
        let written = world.settle();
        let actions: Vec<&str> = written.iter().map(|write| write.action).collect();
        assert_eq!(actions, ["ecs:UpdateService"]);
        world.assert_ready();
    }
}

#[test]
fn creating_web_and_worker_costs_nine() {
    let mut world = World::new(&staging());
    world.apply(&acme());
    check(&world.settle(), 9);
}

#[test]
fn the_images_own_command_costs_what_any_other_does() {
    let cron = || bare().cron("0 3 * * ? *");
    let own = || {
        app("acme")
            .process("web", bare().quantity(1))
            .process("nightly", cron())
            .process("console", bare().noservice())
    };
    let fargate = || {
        platform("fargate")
            .awsvpc("sg-tasks")
            .capacity_providers(&[("FARGATE", 1)])
    };
    for platform in [staging(), fargate()] {
        let mut world = settled(&platform, &own());
        world.apply(&own());
        check(&world.settle(), 0);
        world.restart();
        check(&world.settle(), 0);
    }
    // Given one, it is released; and without it again.
    let given = || app("acme").process("worker", worker());
    let without = || app("acme").process("worker", bare().quantity(1));
    check_edit(&given(), &without(), 2);
    check_edit(&without(), &given(), 2);
}

#[test]
fn the_same_manifest_again_costs_nothing() {
    let mut world = settled(&staging(), &acme());
    world.apply(&acme());
    check(&world.settle(), 0);
}

#[test]
fn a_restart_costs_nothing() {
    let mut world = settled(&staging(), &acme());
    world.restart();
    check(&world.settle(), 0);
}

#[test]
fn a_restart_without_a_status_costs_nothing() {
    let mut world = settled(&staging(), &acme());
    world.loses_status = true;
    world.restart();
    check(&world.settle(), 0);
}

#[test]
fn a_new_image_costs_two_a_process() {
    check_edit(&acme(), &acme().image("registry.example/acme:v2"), 4);
}

#[test]
fn new_content_of_one_process_costs_two() {
    check_edit(&acme(), &acme().process("worker", worker().env("A", "1")), 2);
    check_edit(&acme(), &acme().process("worker", worker().memory("1Gi")), 2);
    check_edit(
        &acme(),
        &acme().process("web", web().external().quantity(2).container_port(9090)),
        2,
    );
}

#[test]
fn scaling_and_grace_together_cost_one() {
    check_edit(&acme(), &acme().process("web", web().external().quantity(3)), 1);
    check_edit(
        &acme(),
        &acme().process("web", web().external().quantity(2).grace_period("90s")),
        1,
    );
    check_edit(
        &acme(),
        &acme().process("web", web().external().quantity(3).grace_period("90s")),
        1,
    );
}

#[test]
fn a_health_check_costs_one() {
    check_edit(
        &acme(),
        &acme().process("web", web().external().quantity(2).check_path("/health")),
        1,
    );
}

#[test]
fn a_flip_costs_nine_with_one_zone() {
    check_edit(&acme(), &acme().process("web", web().internal().quantity(2)), 9);
    check_edit(
        &acme().process("web", web()),
        &acme().process("web", web().external()),
        9,
    );
}

#[test]
fn a_flip_costs_eight_without_a_zone() {
    check_edit_on(
        &platform("staging"),
        &acme(),
        &acme().process("web", web().internal().quantity(2)),
        8,
    );
}

#[test]
fn a_flip_costs_ten_with_two_zones() {
    let split = platform("staging").split_horizon();
    check_edit_on(
        &split,
        &acme(),
        &acme().process("web", web().internal().quantity(2)),
        10,
    );
    check_edit_on(
        &split,
        &acme().process("web", web()),
        &acme().process("web", web().external()),
        10,
    );
}

#[test]
fn new_content_and_a_flip_cost_two_more_than_the_flip() {
    let edited = acme().process("web", web().internal().quantity(2).env("A", "1"));
    check_edit(&acme(), &edited, 11);
}

#[test]
fn removing_a_worker_costs_one() {
    check_edit(&acme(), &acme().without("worker"), 1);
}

#[test]
fn removing_an_exposed_process_costs_four() {
    check_edit(&acme(), &acme().without("web"), 4);
}

#[test]
fn adding_an_exposed_process_costs_seven() {
    check_edit(&acme(), &acme().process("api", process("./bin/api").exposed()), 7);
}

#[test]
fn exposing_a_running_process_costs_seven_with_one_zone() {
    check_edit(&acme(), &acme().process("worker", worker().exposed()), 7);
}

#[test]
fn to_stop_exposing_costs_five_with_one_zone() {
    check_edit(&acme(), &acme().process("web", web().unexposed().quantity(2)), 5);
}

#[test]
fn hostnames_cost_one_a_zone() {
    let named = acme().process(
        "web",
        web().external().quantity(2).hostnames(&["shop.example.com"]),
    );
    check_edit(&acme(), &named, 1);
    check_edit(&named, &acme(), 1);
    check_edit_on(&platform("staging").split_horizon(), &acme(), &named, 2);
}

#[track_caller]
fn check_platform(from: &PlatformFixture, to: &PlatformFixture, expected: usize) {
    let mut world = settled(from, &acme());
    world.set_platform(to);
    check(&world.settle(), expected);
    world.assert_ready();
    world.restart();
    check(&world.settle(), 0);
}

#[test]
fn ttl_and_record_type_cost_one_a_zone() {
    check_platform(&staging(), &staging().ttl(30), 1);
    check_platform(&staging(), &staging().alias(), 1);
    let split = platform("staging").split_horizon();
    check_platform(&split, &split.clone().alias(), 2);
}

#[test]
fn platform_tags_cost_one_a_service_and_one_for_all_load_balancing() {
    check_platform(&staging(), &staging().tag("cost-center", "42"), 3);
}

#[test]
fn subnets_and_security_groups_cost_one_each() {
    check_platform(
        &staging(),
        &staging().external_subnets(&["subnet-c", "subnet-e"]),
        1,
    );
    check_platform(&staging(), &staging().external_security_group("sg-other"), 1);
}

#[test]
fn the_task_network_costs_one_a_service() {
    check_platform(&staging().awsvpc("sg-1"), &staging().awsvpc("sg-2"), 2);
}

#[test]
fn deleting_the_app_costs_five() {
    let mut world = settled(&staging(), &acme());
    world.delete("shop/acme");
    check(&world.settle(), 5);
    assert!(!world.holds("shop/acme"));
}

#[test]
fn claimed_host_ports_cost_no_aws_write() {
    let ports = staging().bridge_ports(9000, 9010);
    let mut world = World::new(&ports);
    world.apply(&acme());
    check(&world.settle(), 9);
    check_edit_on(
        &ports,
        &acme(),
        &acme().process("web", web().external().quantity(2).container_port(9090)),
        2,
    );
    check_edit_on(
        &ports,
        &acme(),
        &acme().process("web", web().unexposed().quantity(2)),
        5,
    );
    world.delete("shop/acme");
    check(&world.settle(), 5);
}

#[test]
fn a_new_container_port_and_scaling_cost_two_also_where_a_host_port_is_claimed() {
    let edited = acme().process("web", web().external().quantity(3).container_port(9090));
    check_edit_on(&staging().bridge_ports(9000, 9010), &acme(), &edited, 2);
}

#[test]
fn exposure_costs_one_more_or_less_a_zone() {
    let exposed = acme().process("worker", worker().external());
    check_edit_on(&platform("staging"), &acme(), &exposed, 6);
    check_edit_on(&platform("staging"), &exposed, &acme(), 4);
    check_edit_on(&platform("staging").split_horizon(), &acme(), &exposed, 8);
    check_edit_on(&platform("staging").split_horizon(), &exposed, &acme(), 6);
}

#[test]
fn without_load_balancers_a_service_costs_two() {
    let mut world = World::new(&platform("staging").without_load_balancing());
    world.apply(&acme());
    check(&world.settle(), 4);
}

#[test]
fn a_quantity_that_nobody_wants_is_left_alone() {
    let mut world = settled(
        &staging(),
        &app("acme").process("worker", worker().any_quantity()),
    );
    world.aws.by_hand().set_count("shop_acme_worker", 7);
    check(&world.settle(), 0);
    assert_eq!(world.aws.desired_count("shop_acme_worker"), Some(7));
}

#[test]
fn a_redeploy_costs_one_a_service() {
    check_edit(&acme(), &acme().redeploy("once"), 2);
    check_edit(&acme().redeploy("once"), &acme().redeploy("twice"), 2);
    check_edit(&acme().redeploy("once"), &acme(), 0);
    check_edit(
        &acme(),
        &acme().image("registry.example/acme:v2").redeploy("once"),
        4,
    );
}

#[test]
fn percentages_breaker_deadline_and_placement_cost_one_together() {
    let placed = worker()
        .quantity(2)
        .deploy(json!({
            "minimumHealthyPercent": 50, "maximumPercent": 150, "circuitBreaker": { "enable": false },
            "progressDeadline": "20m",
        }))
        .placement(json!({ "constraints": [{ "type": "distinctInstance" }] }));
    let two = acme().process("worker", worker().quantity(2));
    check_edit(&two, &acme().process("worker", placed), 1);
    let patient = worker().deploy(json!({ "progressDeadline": "20m" }));
    check_edit(&acme(), &acme().process("worker", patient), 0);
}

/// A schedule is read singly, and written as a whole.
#[test]
fn constraints_of_a_platform_cost_one_a_service_and_a_schedule() {
    let pool =
        || staging().constraints(&json!([{ "type": "memberOf", "expression": "attribute:pool == shop" }]));
    check_platform(&staging(), &pool(), 2);
    check_platform(&pool(), &staging(), 2);
    let nightly = acme().process("nightly", worker().cron("0 3 * * ? *"));
    let mut world = settled(&staging(), &nightly);
    world.set_platform(&pool());
    check(&world.settle(), 3);
    world.assert_ready();
    world.restart();
    check(&world.settle(), 0);
}

#[test]
fn capacity_providers_cost_one_a_service() {
    let providers = |spot| staging().capacity_providers(&[("on-demand", 1), ("spot", spot)]);
    check_platform(&providers(1), &providers(2), 2);
}
