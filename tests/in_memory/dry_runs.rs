//! The output of `plan`, for a reader to judge: `tests/golden/plan.txt` and `plan-json.txt`, rewritten by
//! `UPDATE_EXPECT=1`. That it comes true, the stories hold.

use std::fmt::Write;

use empire_controller::dry_run::{Heading, json, text};
use empire_controller::model::record::RecordKind;

use crate::fixtures::{acme, process, staging, web};
use crate::golden;
use crate::releases::releasing;
use crate::world::World;

fn heading(world: &World) -> Heading {
    Heading {
        app: "shop/acme".into(),
        platform: "staging".into(),
        suspended: world.is_suspended("shop/acme"),
        deleting: world.is_deleting("shop/acme"),
    }
}

/// Worlds in which something is asked for that has not been done yet.
fn moments() -> Vec<(&'static str, World)> {
    let mut empty = World::new(&staging());
    empty.apply(&acme());
    let mut settled = empty.fork();
    settled.settle();
    let after = |act: &dyn Fn(&mut World)| {
        let mut world = settled.fork();
        act(&mut world);
        world
    };
    let edited = acme()
        .process("web", web().internal().quantity(3).env("A", "1"))
        .process("api", process("./bin/api").exposed())
        .without("worker");
    vec![
        ("an empty account", empty.fork()),
        ("nothing has changed", after(&|_| {})),
        ("an edit of everything", after(&|world| world.apply(&edited))),
        (
            "web becomes internal, and the worker goes",
            after(&|world| {
                world.apply(
                    &acme()
                        .process("web", web().internal().quantity(2))
                        .without("worker"),
                );
            }),
        ),
        (
            "an edit of everything, while the App is suspended",
            after(&|world| world.apply(&edited.clone().suspended())),
        ),
        ("the App is deleted", after(&|world| world.delete("shop/acme"))),
        ("while the first rollout is under way", {
            let mut world = empty.fork();
            world.step();
            world
        }),
        ("a task runs before the release", {
            let mut world = World::new(&staging());
            world.apply(&releasing());
            world.settle();
            world.apply(&releasing().image("registry.example/acme:v2"));
            world
        }),
        ("a name is taken", {
            let world = empty.fork();
            let mut console = world.aws.by_hand();
            console.foreign_record("ZINTERNAL", "acme.example.com", RecordKind::A, "192.0.2.1");
            drop(console);
            world
        }),
    ]
}

#[test]
fn a_plan_tells_the_whole_way_in_the_order_in_which_it_is_gone() {
    let mut printed = String::new();
    for (title, world) in moments() {
        let dry_run = world.dry_run("shop/acme").unwrap();
        writeln!(printed, "== {title}\n{}", text(&heading(&world), &dry_run)).unwrap();
    }
    golden::reads(&printed, "plan.txt");
}

#[test]
fn a_plan_for_programs_says_the_same() {
    let mut printed = String::new();
    for (title, world) in moments() {
        if !["an edit of everything", "a name is taken"].contains(&title) {
            continue;
        }
        let dry_run = world.dry_run("shop/acme").unwrap();
        writeln!(
            printed,
            "== {title}\n{}",
            json(&heading(&world), &dry_run).unwrap()
        )
        .unwrap();
    }
    golden::reads(&printed, "plan-json.txt");
}
