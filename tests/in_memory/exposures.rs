//! https, tcp and tls, several listeners and several container ports: told as stories, counted, and cut off anywhere.

use crate::crash::{Operation, check};
use crate::fixtures::{
    AppFixture, PlatformFixture, ProcessFixture, acme, certificate, platform, process, staging, web,
};
use crate::stories::Story;
use crate::world::World;
use crate::write_counts::{check_edit, check_edit_on};

const ONE: &str = "one";
const TWO: &str = "two";
const THREE: &str = "three";

fn with(web: ProcessFixture) -> AppFixture {
    acme().process("web", web.external().quantity(2))
}

fn http() -> AppFixture {
    with(web().http())
}

fn https(certificates: &[&str]) -> AppFixture {
    with(web().https(certificates))
}

fn tcp() -> AppFixture {
    with(web().tcp())
}

/// Two container ports.
fn two_ports() -> AppFixture {
    with(web().listeners(&[(80, "http", 8080), (81, "http", 9000)]))
}

/// The same, the other way round: `PORT` is 9000.
fn turned() -> AppFixture {
    with(web().listeners(&[(81, "http", 9000), (80, "http", 8080)]))
}

fn claimed() -> PlatformFixture {
    staging().bridge_ports(9000, 9010)
}

#[test]
fn https_comes_and_goes_and_certificates_with_it() {
    Story::on(&staging())
        .then("https from the start", |world| world.apply(&https(&[ONE])))
        .shows_the_world()
        .then("two more certificates", |world| {
            world.apply(&https(&[ONE, TWO, THREE]));
        })
        .then("in another order", |world| {
            world.apply(&https(&[TWO, ONE, THREE]));
        })
        .then("one is replaced", |world| {
            world.apply(&https(&["four", ONE, THREE]));
        })
        .then("and only that is left", |world| world.apply(&https(&["four"])))
        .shows_the_world()
        .then("http", |world| world.apply(&http()))
        .shows_the_world()
        .then_in_vain("https with a certificate that is not there", |world| {
            world.aws.by_hand().lose_certificate(&certificate("lost"));
            world.apply(&https(&["lost"]));
        })
        .shows_the_world()
        .then("https with one that is", |world| world.apply(&https(&[ONE])))
        .then("the same listeners, spelt out, without the redirect", |world| {
            world.apply(&with(
                web().listeners(&[(443, "https", 8080)]).certificates(&[ONE]),
            ));
        })
        .shows_the_world()
        .then("the App is deleted", |world| world.delete("shop/acme"))
        .shows_the_world()
        .reads("https.txt");
}

#[test]
fn network_load_balancers() {
    let grpc = || process("./bin/grpc").tcp().container_port(5000);
    Story::on(&staging())
        .then("tcp", |world| {
            world.apply(&acme().without("web").process("grpc", grpc()));
        })
        .shows_the_world()
        .then("tls", |world| {
            let grpc = process("./bin/grpc").tls(&[ONE, TWO]).container_port(5000);
            world.apply(&acme().without("web").process("grpc", grpc));
        })
        .shows_the_world()
        .then("a drain delay of its own", |world| {
            let grpc = grpc().deregistration_delay("2m");
            world.apply(&acme().without("web").process("grpc", grpc));
        })
        .then("the App is deleted", |world| world.delete("shop/acme"))
        .shows_the_world()
        .reads("tcp.txt");
}

#[test]
fn a_process_changes_from_http_to_tcp() {
    Story::on(&claimed())
        .then("http", |world| world.apply(&http()))
        .then("tcp", |world| world.apply(&tcp()))
        .shows_the_world()
        .then("https, which is http's load balancer again", |world| {
            world.apply(&https(&[ONE]));
        })
        .shows_the_world()
        .reads("kinds.txt");
}

#[test]
fn a_network_load_balancer_cannot_be_given_its_first_security_group() {
    Story::on(&staging().without_external_security_groups())
        .then("tcp without security groups", |world| world.apply(&tcp()))
        .then("the Platform has some", |world| world.set_platform(&staging()))
        .shows_the_world()
        .reads("security-groups.txt");
}

#[test]
fn two_container_ports() {
    for (golden, platform) in [
        ("listeners.txt", staging()),
        ("listeners-claimed.txt", claimed()),
        ("listeners-awsvpc.txt", staging().awsvpc("sg-1")),
    ] {
        Story::on(&platform)
            .then("one container port", |world| world.apply(&http()))
            .then("a second one", |world| world.apply(&two_ports()))
            .shows_the_world()
            .then("the second one is another", |world| {
                world.apply(&with(web().listeners(&[(80, "http", 8080), (81, "http", 9001)])));
            })
            .then("one more listener for it", |world| {
                world.apply(&with(web().listeners(&[
                    (80, "http", 8080),
                    (81, "http", 9001),
                    (82, "http", 9001),
                ])));
            })
            .then("internal", |world| {
                let listeners = [(80, "http", 8080), (81, "http", 9001)];
                world.apply(&acme().process("web", web().internal().quantity(2).listeners(&listeners)));
            })
            .then("internal, with the first one alone", |world| {
                world.apply(&acme().process("web", web().internal().quantity(2).http()));
            })
            .shows_the_world()
            .then("the App is deleted", |world| world.delete("shop/acme"))
            .shows_the_world()
            .reads(golden);
    }
}

#[track_caller]
fn check_create(web: ProcessFixture, expected: usize) {
    let app = acme().without("web");
    check_edit(&app, &app.clone().process("web", web), expected);
}

#[test]
fn a_load_balancer_costs_four_and_each_extra_is_named() {
    // Two for the service, one for the names.
    check_create(web().http(), 4 + 3);
    check_create(web().tcp(), 4 + 3);
    check_create(web().tls(&[ONE]), 4 + 3);
    // The redirect; each further certificate; an idle timeout.
    check_create(web().https(&[ONE]), 4 + 3 + 1);
    check_create(web().https(&[ONE, TWO, THREE]), 4 + 3 + 1 + 2);
    check_create(web().http().idle_timeout("2m"), 4 + 3 + 1);
    check_create(web().http().idle_timeout("60s"), 4 + 3);
    // Attributes of the target group travel together, and what AWS makes it with needs no word.
    check_create(web().tcp().deregistration_delay("2m"), 4 + 3);
    check_create(web().http().deregistration_delay("5m"), 4 + 3 - 1);
    // A second container port: target group, its attributes and listener.
    check_create(
        web().listeners(&[(80, "http", 8080), (81, "http", 9000)]),
        4 + 3 + 3,
    );
}

#[test]
fn listeners_change_in_place() {
    check_edit(&http(), &https(&[ONE]), 2);
    check_edit(&https(&[ONE]), &http(), 2);
    check_edit(&https(&[ONE]), &https(&[TWO]), 1);
    check_edit(&https(&[ONE]), &https(&[ONE, TWO]), 1);
    check_edit(&https(&[ONE, TWO]), &https(&[ONE]), 1);
    check_edit(&https(&[ONE, TWO]), &https(&[TWO, ONE]), 2);
    check_edit(&http(), &with(web().idle_timeout("2m")), 1);
    check_edit(&with(web().idle_timeout("2m")), &http(), 1);
    check_edit(&http(), &with(web().deregistration_delay("2m")), 1);
    check_edit(&http(), &with(web().success_codes("200")), 1);
    let spelt_out = with(web().listeners(&[(443, "https", 8080)]).certificates(&[ONE]));
    check_edit(&https(&[ONE]), &spelt_out, 1);
}

#[test]
fn another_kind_costs_what_another_scheme_does() {
    check_edit(&http(), &tcp(), 9);
    check_edit(&tcp(), &http(), 9);
    // The redirect more.
    check_edit(&tcp(), &https(&[ONE]), 10);
}

#[test]
fn a_second_container_port_is_one_rollout() {
    for platform in [staging(), claimed(), staging().awsvpc("sg-1")] {
        // Target group, its attributes, listener; Register and UpdateService.
        check_edit_on(&platform, &http(), &two_ports(), 5);
        // Register and UpdateService; then listener and target group go.
        check_edit_on(&platform, &two_ports(), &http(), 4);
    }
}

#[test]
fn the_order_of_listeners_is_a_matter_of_content_alone() {
    // Register and UpdateService, for PORT.
    check_edit(&two_ports(), &turned(), 2);
    check_edit(&http(), &turned(), 5);
    check_edit(&turned(), &http(), 4);
}

#[test]
fn whichever_target_group_stays_is_looked_after() {
    let mut world = World::new(&staging());
    for app in [turned(), http()] {
        world.apply(&app);
        world.settle();
    }
    let [group] = world.aws.target_groups_of("shop/acme", "web").try_into().unwrap();
    world.aws.by_hand().set_delay(&group, 299);
    world.restart();
    let repaired = world.settle();
    assert_eq!(repaired.len(), 1, "{repaired:#?}");
    world.assert_ready();
}

/// From each to another, killed at every write.
#[test]
fn arrives_wherever_it_is_killed() {
    let mut points = 0;
    for (name, from, to) in [
        ("http to https", http(), https(&[ONE, TWO])),
        ("https to http", https(&[ONE, TWO]), http()),
        ("certificates", https(&[ONE, TWO]), https(&[THREE, ONE])),
        ("http to tcp", http(), tcp()),
        ("tcp to https", tcp(), https(&[ONE, TWO])),
        ("a port more", http(), two_ports()),
        ("a port less", two_ports(), https(&[ONE])),
        ("two ports to tcp", two_ports(), tcp()),
        ("a port in front", http(), turned()),
        ("another order", two_ports(), turned()),
        ("the first port goes", turned(), http()),
    ] {
        let edit = move |world: &mut World| world.apply(&to);
        points += check(name, &Operation::new(claimed(), Some(from), edit));
    }
    println!("exposures: {points} disturbances");
}

#[test]
fn arrives_when_killed_while_creating_and_deleting_each() {
    let split = || platform("staging").split_horizon();
    let mut points = 0;
    for (name, app) in [
        (
            "https",
            https(&[ONE, TWO]).process("api", process("./bin/api").tls(&[ONE])),
        ),
        ("tcp", tcp()),
        ("two ports", two_ports()),
        ("idle timeout", with(web().idle_timeout("2m"))),
    ] {
        let wanted = app.clone();
        let create = Operation::new(split(), None, move |world| world.apply(&wanted));
        points += check(&format!("create {name}"), &create);
        let delete = Operation::new(split(), Some(app), |world| world.delete("shop/acme"));
        points += check(&format!("delete {name}"), &delete);
    }
    println!("exposures created and deleted: {points} disturbances");
}
