//! Against an AWS that refuses every subnet of a zone that a load balancer has, or has just left.

use crate::change::{LoadBalancerWrite, Write};
use crate::model::load_balancer::{LoadBalancerKind, Scheme};
use crate::model::small_set::SmallSet;
use crate::model::state::Observed;
use crate::plan::Pending;
use crate::plan::fixtures::plan;
use crate::plan::fixtures::world::{legible, lines};
use crate::plan::fixtures::{Process, app, balancer_of_kind, process, settled};

const NETWORK: LoadBalancerKind = LoadBalancerKind::Network;
const APPLICATION: LoadBalancerKind = LoadBalancerKind::Application;

/// Such as `a b2`: a subnet of zone a, and another than `b` of zone b.
fn set(subnets: &str) -> SmallSet<String> {
    subnets.split_whitespace().map(str::to_owned).collect()
}

fn zone(subnet: &str) -> char {
    subnet.chars().next().unwrap()
}

fn is_taken(found: &SmallSet<String>, asked: &SmallSet<String>) -> bool {
    let mut new = asked.difference(found);
    new.any(|new| {
        let mut others = found.iter().chain(asked).filter(|other| *other != new);
        others.any(|other| zone(other) == zone(new))
    })
}

/// Returns the calls on the way from these subnets of a load balancer to those, with `!` before those that AWS refuses.
fn way(web: Process, kind: LoadBalancerKind, from: &str, to: &str) -> Vec<String> {
    let mut wanted = app([web]);
    let name = balancer_of_kind("web", kind, Scheme::Internal);
    let mut world = settled(&wanted);
    let web = wanted.processes.get_mut("web").unwrap();
    web.load_balancing.as_mut().unwrap().load_balancer.subnets = set(to);
    world.load_balancers.get_mut(&name).unwrap().subnets = set(from);
    let mut sent = Vec::new();
    for _ in 0..20 {
        let changes = plan(&wanted, &world).changes;
        let Some(Write::LoadBalancer(LoadBalancerWrite::SetSubnets { subnets, .. })) =
            changes.first().map(|change| &change.write)
        else {
            assert_eq!(lines(&wanted, &world), Vec::<String>::new());
            assert_eq!(world.load_balancers[&name].subnets, set(to));
            return sent;
        };
        let asked: SmallSet<String> = subnets.iter().cloned().collect();
        let found = &mut world.load_balancers.get_mut(&name).unwrap().subnets;
        let refused = kind == NETWORK && is_taken(found, &asked);
        sent.push(format!(
            "{}{}",
            if refused { "! " } else { "" },
            subnets.join(" ")
        ));
        if refused {
            world.zones_taken.entry(name.clone()).or_default().insert(asked);
        } else {
            let is_step = asked != set(to);
            let stays = found.iter().filter(|subnet| asked.contains(*subnet)).count();
            assert!(
                !is_step || stays + 1 >= found.len().min(set(to).len()),
                "{sent:?}"
            );
            *found = asked;
            world.zones_taken.clear();
        }
    }
    panic!("still on the way: {sent:#?}");
}

#[track_caller]
fn check(from: &str, to: &str, expected: &[&str]) {
    assert_eq!(
        way(process("web").internal().tcp(5000), NETWORK, from, to),
        expected
    );
}

#[test]
fn zones_come_and_go_in_one_call() {
    check("a b", "a b c", &["a b c"]);
    check("a b c", "a c", &["a c"]);
    check("a b", "b c", &["b c"]);
    check("a b", "c d", &["c d"]);
}

#[test]
fn another_subnet_of_a_zone_comes_once_the_zone_was_left() {
    check("a b", "a2 b", &["! a2 b", "b", "a2 b"]);
    let both = ["! a2 b2", "b", "a2 b", "! a2 b2", "a2", "a2 b2"];
    check("a b", "a2 b2", &both);
    check("a b", "a2 c", &["! a2 c", "b", "a2 b", "a2 c"]);
    check("a b c", "a2 b", &["! a2 b", "b c", "a2 b"]);
}

/// Whatever the names of its subnets and the order in which they are tried.
#[test]
fn every_other_set_of_subnets_is_reached_and_no_more_than_one_zone_is_away_at_a_time() {
    let sets = [
        "a b",
        "a b c",
        "a2 b2 c2",
        "b2 c",
        "a3 c3",
        "b d a2",
        "c2 d2 b3 a3",
        "a9 b9 c9 d9",
    ];
    for from in sets {
        for to in sets.iter().filter(|to| **to != from) {
            way(process("web").internal().tcp(5000), NETWORK, from, to);
        }
    }
}

#[test]
fn an_application_load_balancer_takes_all_of_them_at_once() {
    assert_eq!(
        way(process("web").internal(), APPLICATION, "a b", "a2 b2"),
        ["a2 b2"]
    );
}

#[test]
fn a_zone_that_is_not_left_yet_is_waited_for() {
    let mut wanted = app([process("web").internal().tcp(5000)]);
    let name = balancer_of_kind("web", NETWORK, Scheme::Internal);
    let mut world: Observed = settled(&wanted);
    let web = wanted.processes.get_mut("web").unwrap();
    web.load_balancing.as_mut().unwrap().load_balancer.subnets = set("a2 b");
    world.load_balancers.get_mut(&name).unwrap().subnets = set("b");
    world
        .zones_taken
        .entry(name.clone())
        .or_default()
        .insert(set("a2 b"));
    let expected = Pending::ZoneChange {
        process: "web".into(),
        load_balancer: name,
    };
    assert_eq!(plan(&wanted, &world).pending, [expected]);
    assert_eq!(
        lines(&wanted, &world)
            .iter()
            .map(|line| legible(line))
            .collect::<Vec<_>>(),
        [
            "~ web: waiting for load balancer web-internal-tcp to leave an availability zone, for another subnet of that zone"
        ]
    );
}
