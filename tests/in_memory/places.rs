//! Processes with a capacity and with security groups of their own.

use serde_json::{Value, json};

use empire_controller::aws::EcsWrites;
use empire_controller::model::service::{CapacityProvider, ServiceUpdate, TaskNetwork};

use crate::crash::{Operation, check as check_crashes};
use crate::fake_aws::FakeAws;
use crate::fixtures::{AppFixture, PlatformFixture, ProcessFixture, acme, app, staging, web, worker};
use crate::stories::Story;
use crate::strictness::{CLUSTER, now, refused};
use crate::world::World;
use crate::write_counts::{check, check_edit_on, settled};

const KEY: &str = "shop/acme";
const WORKER: &str = "shop_acme_worker";

/// On Fargate, with Spot for who asks for it.
fn offering() -> PlatformFixture {
    staging()
        .awsvpc("sg-tasks")
        .capacity_providers(&[("FARGATE", 1), ("FARGATE_SPOT", 0)])
        .security_groups(&["sg-db", "sg-cache"])
}

fn with(worker: ProcessFixture) -> AppFixture {
    acme().process("worker", worker)
}

fn spot(percent: u32) -> AppFixture {
    with(worker().capacity(json!({ "spot": percent })))
}

fn behind(groups: &[&str]) -> AppFixture {
    with(worker().security_groups(groups))
}

fn nightly(capacity: Value) -> AppFixture {
    acme().process("nightly", worker().cron("0 3 * * ? *").capacity(capacity))
}

#[test]
fn a_share_is_shown_kept_and_given_back() {
    Story::on(&offering())
        .then("created", |world| world.apply(&spot(75)))
        .shows_the_world()
        .then("less of Spot", |world| world.apply(&spot(50)))
        .then("another strategy by hand", |world| {
            world.aws.by_hand().set_capacity(WORKER, &[("FARGATE", 1)]);
        })
        .then("as the Platform again, and behind a group of its own", |world| {
            world.apply(&behind(&["sg-db"]));
        })
        .then("other groups by hand", |world| {
            world.aws.by_hand().set_security_groups(WORKER, &["sg-tasks"]);
        })
        .then("as all others", |world| world.apply(&acme()))
        .shows_the_world()
        .reads("places.txt");
}

#[test]
fn each_costs_one_write_to_its_service_or_schedule() {
    let both = with(
        worker()
            .capacity(json!({ "spot": 75 }))
            .security_groups(&["sg-db"]),
    );
    for (from, to, expected) in [
        (acme(), spot(75), 1),
        (spot(75), spot(50), 1),
        (spot(75), spot(75), 0),
        (spot(75), acme(), 1),
        (acme(), behind(&["sg-db"]), 1),
        (behind(&["sg-db"]), behind(&["sg-db", "sg-cache"]), 1),
        (behind(&["sg-db"]), acme(), 1),
        (acme(), both, 1),
        (nightly(json!({ "spot": 0 })), nightly(json!({ "spot": 100 })), 1),
        // The same shares, in other words.
        (
            spot(75),
            with(worker().capacity(json!({ "capacityProviders": [
                { "name": "FARGATE_SPOT", "weight": 3 }, { "name": "FARGATE" },
            ] }))),
            0,
        ),
    ] {
        check_edit_on(&offering(), &from, &to, expected);
    }
}

/// What was made by a version without these fields has none of them.
#[test]
fn a_platform_that_offers_more_rolls_only_whose_shares_are_its_own() {
    let before = staging().awsvpc("sg-tasks").capacity_providers(&[("FARGATE", 1)]);
    let mut world = settled(&before, &acme());
    world.set_platform(&before.security_groups(&["sg-db"]));
    check(&world.settle(), 0);
    let mut world = settled(&offering(), &spot(75));
    let more = offering().capacity_providers(&[("FARGATE", 1), ("FARGATE_SPOT", 1)]);
    world.set_platform(&more);
    check(&world.settle(), 1);
    world.assert_ready();
}

#[test]
fn what_the_platform_does_not_offer_is_refused_and_what_runs_goes_on() {
    let mut world = settled(&offering(), &spot(75));
    world.set_platform(&offering().capacity_providers(&[("FARGATE", 1)]));
    check(&world.settle(), 0);
    assert_eq!(
        world.reason(KEY),
        "NotAllowed: process worker: capacity.spot: Platform staging does not allow FARGATE_SPOT: it is none of its \
         capacity.capacityProviders, among which one may have weight 0"
    );
    world.set_platform(&offering());
    check(&world.settle(), 0);
    world.assert_ready();
    world.apply(&behind(&["sg-admin"]));
    check(&world.settle(), 0);
    assert_eq!(
        world.reason(KEY),
        "NotAllowed: process worker: securityGroups: Platform staging does not allow sg-admin: it matches nothing in \
         tenancy.securityGroups"
    );
}

#[test]
fn where_there_are_grants_each_needs_one() {
    let grant = |capacity: bool, groups: &[&str]| {
        let all = json!({
            "namespaceSelector": {}, "hostnames": ["*"], "images": ["*"], "external": true, "capacity": capacity,
            "securityGroups": groups,
        });
        offering().granting(&[all])
    };
    for (app, asked, given, field) in [
        (
            spot(75),
            grant(false, &[]),
            grant(true, &[]),
            "capacity is not true",
        ),
        (
            behind(&["sg-own"]),
            grant(true, &["sg-cache"]),
            grant(false, &["sg-own"]),
            "tenancy.securityGroups and tenancy.grants[0].securityGroups",
        ),
    ] {
        let mut world = World::new(&asked);
        world.apply(&app);
        check(&world.settle(), 0);
        let reason = world.reason(KEY);
        assert!(reason.starts_with("NotAllowed: process worker: "), "{reason}");
        assert!(reason.contains(field), "{reason}");
        world.set_platform(&given);
        world.settle();
        world.assert_ready();
    }
}

#[test]
fn a_dry_run_foretells_them() {
    let mut world = settled(&offering(), &acme());
    world.apply(&with(
        worker()
            .capacity(json!({ "spot": 75 }))
            .security_groups(&["sg-db"]),
    ));
    let foretold = world.dry_run(KEY).unwrap();
    let changes: Vec<String> = foretold.changes().map(ToString::to_string).collect();
    assert_eq!(
        changes,
        [
            "update service shop_acme_worker: task network with security groups [sg-db, sg-tasks], capacity providers \
             [FARGATE weight 1 base 0, FARGATE_SPOT weight 3 base 0]"
        ]
    );
    check(&world.settle(), 1);
    assert_eq!(world.dry_run(KEY).unwrap().changes().count(), 0);
}

/// Each port of a container is one of its instance, and the fake has one of them for all.
#[test]
fn on_the_network_of_managed_instances_a_port_is_there_once() {
    let managed = || staging().managed_instances("managed").host();
    let mut world = settled(&managed(), &acme());
    world.restart();
    check(&world.settle(), 0);
    world.apply(&app("other").process("web", web()));
    world.run(3);
    let reason = world.reason("shop/other");
    assert!(reason.contains("port 8080 is taken"), "{reason}");
    world.apply(&app("other").process("web", web().container_port(8081)));
    world.settle();
    world.assert_ready();
    world.delete("shop/other");
    world.delete(KEY);
    world.settle();
}

#[test]
fn arrives_wherever_it_is_killed() {
    let operations = [
        ("a share", acme(), spot(75)),
        ("no share", spot(75), acme()),
        ("groups", acme(), behind(&["sg-db"])),
        ("no groups", behind(&["sg-db", "sg-cache"]), acme()),
        (
            "a schedule's share",
            nightly(json!({ "spot": 0 })),
            nightly(json!({ "spot": 100 })),
        ),
    ];
    for (name, from, to) in operations {
        let edit = move |world: &mut World| world.apply(&to);
        let points = check_crashes(name, &Operation::new(offering(), Some(from), edit));
        assert!(points > 0, "{name}");
    }
    // Beside a neighbour that has port 8080.
    let host = || staging().managed_instances("managed").host();
    let other = || acme().process("web", web().container_port(8081));
    let create = Operation::new(host(), None, move |world| world.apply(&other()));
    assert!(check_crashes("create on the host's network", &create) > 0);
    let delete = Operation::new(host(), Some(other()), |world| world.delete(KEY));
    assert!(check_crashes("delete on the host's network", &delete) > 0);
}

fn provider(name: &str, weight: u32, base: u32) -> CapacityProvider {
    CapacityProvider {
        name: name.into(),
        weight,
        base,
    }
}

fn update(aws: &FakeAws, update: &ServiceUpdate) -> empire_controller::aws::Result<()> {
    now(aws.update_service(CLUSTER, WORKER, update, None, None)).map(|_| ())
}

#[test]
fn ecs_refuses_strategies_and_networks_that_are_none() {
    let world = settled(&offering(), &acme());
    for (providers, why) in [
        (vec![provider("FARGATE", 0, 0)], "weight value greater than zero"),
        (vec![], "weight value greater than zero"),
        (
            vec![provider("FARGATE", 1, 1), provider("FARGATE_SPOT", 1, 1)],
            "Only one capacity provider",
        ),
        (
            vec![provider("FARGATE", 1, 0), provider("pool", 1, 0)],
            "a mix of",
        ),
        (
            vec![provider("FARGATE", 1, 0), provider("FARGATE", 1, 0)],
            "only once",
        ),
        (vec![provider("FARGATE", 1_001, 0)], "A weight is 0 to 1,000"),
        (
            (0..21).map(|n| provider(&format!("pool-{n}"), 1, 0)).collect(),
            "a maximum of 20",
        ),
    ] {
        let with = ServiceUpdate {
            capacity_providers: Some(providers),
            ..ServiceUpdate::default()
        };
        refused(update(&world.aws, &with), "InvalidParameterException", why);
    }
    let network = |subnets: usize, groups: usize| ServiceUpdate {
        network: Some(TaskNetwork {
            subnets: (0..subnets).map(|n| format!("subnet-{n}")).collect(),
            security_groups: (0..groups).map(|n| format!("sg-{n}")).collect(),
            assign_public_ip: false,
        }),
        ..ServiceUpdate::default()
    };
    refused(
        update(&world.aws, &network(1, 6)),
        "InvalidParameterException",
        "at most 5 items",
    );
    refused(
        update(&world.aws, &network(0, 1)),
        "InvalidParameterException",
        "1 to 16",
    );
    assert!(update(&world.aws, &network(16, 5)).is_ok());
}
