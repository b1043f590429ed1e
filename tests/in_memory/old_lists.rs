//! Lists that cannot be read for hours: Apps stay as they are, are made and edited by what is read by name, and nothing is
//! destroyed by what an old list leaves out.

use std::collections::BTreeMap;

use crate::fake_aws::{Disturbance, Write};
use crate::fixtures::{AppFixture, acme, app, process, staging, web, worker};
use crate::world::World;

const LISTS: [&str; 5] = [
    "ecs:ListServices",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeTargetGroups",
    "route53:ListResourceRecordSets",
    "scheduler:ListSchedules",
];
const OUT_OF_ORDER: Disturbance = Disturbance::Refusal("ServiceUnavailable", "out of order");
const RESYNC: u64 = 600;
const V2: &str = "registry.example/acme:v2";

fn nightly() -> crate::fixtures::ProcessFixture {
    process("./n").cron("0 3 * * ? *")
}

fn other() -> AppFixture {
    app("other")
        .process("web", web().exposed())
        .process("worker", worker())
        .process("nightly", nightly())
}

/// One process more, with a load balancer of its own, and another image.
fn edited() -> AppFixture {
    let app = acme().image(V2).process("nightly", nightly());
    app.process("api", web().exposed())
}

fn settled() -> World {
    let mut world = World::sharing(&staging());
    world.apply(&acme().process("nightly", nightly()));
    world.settle();
    world.assert_ready();
    world
}

/// An hour and more.
fn grow_old(world: &mut World) {
    for _ in 0..7 {
        world.aws.advance(RESYNC);
        world.step();
        world.assert_ready();
    }
}

fn by_action(writes: &[Write]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for write in writes {
        *counts.entry(write.action).or_default() += 1;
    }
    counts
}

fn is_destructive(write: &Write) -> bool {
    let verb = write.action.split(':').nth(1).unwrap();
    ["Delete", "Deregister", "Remove", "Untag", "Stop"]
        .iter()
        .any(|destroys| verb.starts_with(destroys))
}

fn since(world: &World, before: usize) -> Vec<Write> {
    world.aws.writes().split_off(before)
}

#[test]
fn an_app_is_made_and_another_edited_while_a_list_cannot_be_read() {
    let live = |list: Option<&'static str>| {
        let mut world = settled();
        if let Some(list) = list {
            world.aws.disturb_list(list, OUT_OF_ORDER);
        }
        grow_old(&mut world);
        let before = world.aws.writes().len();
        world.apply(&other());
        world.apply(&edited());
        world.run(60);
        for key in world.keys() {
            assert_eq!(world.reason(&key), "Ready", "{list:?} {key}");
        }
        let writes = since(&world, before);
        assert!(!writes.iter().any(is_destructive), "{list:?}: {writes:#?}");
        world.aws.calm();
        assert_eq!(world.settle().len(), 0, "{list:?}");
        world.assert_ready();
        by_action(&writes)
    };
    let undisturbed = live(None);
    for list in LISTS {
        assert_eq!(live(Some(list)), undisturbed, "{list}");
    }
}

/// Another may have made it since: what the list does not show is not gone.
#[test]
fn what_a_create_rests_on_is_read_by_name_where_its_list_is_old() {
    for (list, read) in [
        ("ecs:ListServices", "ecs:DescribeServices"),
        (LISTS[1], LISTS[1]),
        (LISTS[2], LISTS[2]),
        (LISTS[3], LISTS[3]),
    ] {
        for is_old in [false, true] {
            let mut world = settled();
            if is_old {
                world.aws.disturb_list(list, OUT_OF_ORDER);
                grow_old(&mut world);
            }
            // Else names are sent at once, and another pass follows.
            world.gathers = true;
            world.apply(&other());
            assert_eq!(world.pass_due().last().unwrap().app, "shop/other");
            let is_of_other = |call: &&String| call.starts_with(read) && call.contains("other");
            let named = world.reads.iter().filter(is_of_other).count();
            assert_eq!(named > 0, is_old, "{list}: {:#?}", world.reads);
        }
    }
}

/// AWS refuses the very call: what rests on it waits, and nothing else.
#[test]
fn an_image_is_changed_while_nothing_of_a_list_can_be_read_by_name_either() {
    for list in LISTS {
        let mut world = settled();
        world.aws.disturb_read(list, OUT_OF_ORDER);
        grow_old(&mut world);
        let before = world.aws.writes().len();
        world.apply(&acme().process("nightly", nightly()).image(V2));
        world.run(60);
        world.assert_ready();
        world.apply(&other());
        world.run(60);
        let writes = since(&world, before);
        assert!(!writes.iter().any(is_destructive), "{list}: {writes:#?}");
        let needs_it = !list.contains(":List") || list.starts_with("route53:");
        assert_eq!(world.reason("shop/other") != "Ready", needs_it, "{list}");
        world.aws.calm();
        world.settle();
        world.assert_ready();
        let made = by_action(&since(&world, before));
        assert_eq!(made["ecs:CreateService"], 2, "{list}: {made:?}");
        assert_eq!(
            made["elasticloadbalancing:CreateLoadBalancer"], 1,
            "{list}: {made:?}"
        );
        assert_eq!(
            made["elasticloadbalancing:CreateTargetGroup"], 1,
            "{list}: {made:?}"
        );
    }
}

/// Else what the list does not show would be left behind.
#[test]
fn an_app_goes_once_its_lists_can_be_read_again() {
    let mut undisturbed = settled();
    undisturbed.delete("shop/acme");
    undisturbed.settle();
    for list in LISTS {
        let mut world = settled();
        world.aws.disturb_list(list, OUT_OF_ORDER);
        grow_old(&mut world);
        world.delete("shop/acme");
        world.run(60);
        assert!(world.holds("shop/acme"), "{list}");
        world.aws.calm();
        world.settle();
        assert!(!world.holds("shop/acme"), "{list}");
        assert_eq!(world.aws.summary(), undisturbed.aws.summary(), "{list}");
    }
}

/// A name that has come since may lead to it. Its App says what it waits for, and goes on as soon as the list is read.
#[test]
fn a_load_balancer_stays_while_the_names_of_a_zone_are_not_known() {
    let api = || web().exposed();
    let (removed, hidden) = ((acme(), "removed"), (acme().process("api", web()), "hidden"));
    for (edit, what) in [removed, hidden] {
        let mut world = World::sharing(&staging());
        world.apply(&acme().process("api", api()));
        world.settle();
        world.assert_ready();
        world
            .aws
            .disturb_list("route53:ListResourceRecordSets", OUT_OF_ORDER);
        grow_old(&mut world);
        let before = world.aws.writes().len();
        let deletions = |world: &World| {
            let made = by_action(&since(world, before));
            made.get("elasticloadbalancing:DeleteLoadBalancer").copied()
        };
        world.apply(&edit);
        world.run(120);
        assert_eq!(deletions(&world), None, "{what}");
        let reason = world.reason("shop/acme");
        for words in [
            "Progressing: api: waiting until the names of hosted zone Z",
            " can be read before load balancer e-acme-api-",
        ] {
            assert!(reason.contains(words), "{what}: {reason}");
        }
        world.aws.calm();
        let calm = world.aws.now();
        while deletions(&world).is_none() {
            assert!(
                world.aws.now() - calm < RESYNC,
                "{what}: {}",
                world.reason("shop/acme")
            );
            world.run(1);
        }
        world.settle();
        world.assert_ready();
        assert_eq!(deletions(&world), Some(1), "{what}");
    }
}
