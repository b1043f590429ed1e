//! One namespace that storms, and an edit in another one, at AWS's token buckets, on virtual time.

use std::sync::{Arc, Mutex};

use empire_controller::budget::{Budget, Shares};
use empire_controller::change::{Change, Write};

use crate::fake_aws::Given;
use crate::fixtures::{AppFixture, app, web, worker};
use crate::makespan::{LONG, PLENTY, fleet};
use crate::world::{Pass, World};

/// The number of Apps that storm: `STORM=1000` has more of them.
fn size() -> usize {
    let size = std::env::var("STORM").unwrap_or_else(|_| "300".into());
    size.parse().unwrap()
}

/// The seconds after which the other namespace edits.
const LATER: u64 = 60;
const QUIET: &str = "quiet/acme";

/// One of the Apps of the namespace that storms.
fn one(number: usize, version: usize) -> AppFixture {
    app(&format!("app-{number:05}"))
        .namespace("storm")
        .image(&format!("registry.example/app:v{version}"))
        .process("worker", worker())
}

/// The App of the other namespace, of so many processes.
fn quiet(processes: u32, version: usize) -> AppFixture {
    let image = format!("registry.example/acme:v{version}");
    let acme = app("acme").namespace("quiet").image(&image);
    (0..processes).fold(acme, |acme, n| acme.process(&format!("w{n}"), worker()))
}

/// Lets AWS and the controller have as many tokens as AWS documents, from now on.
fn give(world: &mut World) {
    let mut budget = Budget::new(Shares::all(1.0));
    // Each App has had a pass since the start.
    budget.meet("quiet");
    world.budget = Arc::new(Mutex::new(budget));
    world.aws.give(Given::AsDocumented);
}

/// What an edit of the other namespace's App took, in seconds.
#[derive(Debug)]
struct Took {
    /// Until the last of its writes but those of names, which wait for each other.
    writes: u64,
    /// Until it is as its edit wants it.
    all: u64,
}

fn edit(world: &mut World, edited: &AppFixture) -> Took {
    let before = world.aws.now();
    world.apply(edited);
    let mut last = before;
    let is_write = |change: &Change| !matches!(change.write, Write::Records(_));
    let is_over = |world: &World| world.is_ready(QUIET);
    let mut tell = |now: u64, pass: &Pass| {
        let done = pass.result.iter().flat_map(|outcome| &outcome.done);
        if pass.app == QUIET && done.into_iter().any(is_write) {
            last = now;
        }
    };
    world.run_until(LONG, &is_over, &mut tell).unwrap();
    assert!(world.aws.take_buckets().throttled().is_empty());
    Took {
        writes: last - before,
        all: world.aws.now() - before,
    }
}

/// At most half as long again; and its writes, which a rollout takes longer than, come at once.
#[track_caller]
fn is_hardly_longer(beside: &Took, alone: &Took) {
    let told = format!("beside {} Apps {beside:?}, alone {alone:?}", size());
    println!("{told}");
    assert!(2 * beside.all <= 3 * alone.all, "{told}");
    assert!(beside.writes <= alone.writes + 2, "{told}");
}

/// Settles both namespaces, at an AWS that throttles nothing, and then gives it its buckets.
fn settled(processes: u32) -> World {
    let (mut world, size) = fleet(size(), PLENTY);
    for number in 0..size {
        world.apply(&one(number, 1));
    }
    world.apply(&quiet(processes, 1));
    world.run_until(LONG, &World::are_ready, &mut |_, _| {}).unwrap();
    give(&mut world);
    world
}

/// Every App of the namespace is edited, and then again.
fn storm(world: &mut World) {
    for version in 2..4 {
        for number in 0..size() {
            world.apply(&one(number, version));
        }
        world.run_seconds(LATER / 2);
    }
}

#[test]
fn an_edit_of_up_to_five_processes_beside_a_storm_takes_little_longer_than_alone() {
    for processes in [1, 5] {
        let alone = edit(&mut settled(processes), &quiet(processes, 2));
        let mut world = settled(processes);
        storm(&mut world);
        let beside = edit(&mut world, &quiet(processes, 2));
        is_hardly_longer(&beside, &alone);
    }
}

/// Beside one namespace that storms: two seconds a process, where AWS takes one registration a second.
#[test]
fn a_larger_edit_beside_a_storm_takes_turns_with_it() {
    const PROCESSES: u32 = 30;
    let alone = edit(&mut settled(PROCESSES), &quiet(PROCESSES, 2));
    let mut world = settled(PROCESSES);
    storm(&mut world);
    let beside = edit(&mut world, &quiet(PROCESSES, 2));
    let told = format!("beside {} Apps {beside:?}, alone {alone:?}", size());
    println!("{told}");
    assert!(beside.all <= alone.all + 2 * u64::from(PROCESSES), "{told}");
}

/// The same for load balancers, of which AWS takes one in 5 s.
#[test]
fn an_app_with_load_balancers_beside_a_storm_of_them_takes_little_longer_than_alone() {
    let exposed = |namespace: &str, name: &str, processes: usize| {
        let app = app(name).namespace(namespace);
        (0..processes).fold(app, |app, n| app.process(&format!("w{n}"), web().exposed()))
    };
    let made = |storms: bool| {
        let (mut world, _) = fleet(size(), PLENTY);
        world.apply(&exposed("quiet", "another", 1));
        world.run_until(LONG, &World::are_ready, &mut |_, _| {}).unwrap();
        give(&mut world);
        for number in 0..size() * usize::from(storms) {
            world.apply(&exposed("storm", &format!("app-{number:05}"), 1));
        }
        world.run_seconds(LATER);
        edit(&mut world, &exposed("quiet", "acme", 2))
    };
    is_hardly_longer(&made(true), &made(false));
}
