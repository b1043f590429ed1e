//! Apps that wait in line for AWS's request rates, on virtual time.

use std::collections::{BTreeMap, BTreeSet};

use empire_controller::budget::{Bucket, Shares};
use empire_controller::change::Change;
use empire_controller::plan::Pending;

use crate::fake_aws::{Disturbance, Snapshot, Write};
use crate::fixtures::{AppFixture, acme, app, staging, web, worker};
use crate::world::{Pass, World};

const REGISTER: &str = "ecs:RegisterTaskDefinition";

/// Writes alone are slow. Registrations: one at the beginning, and then one in 20 s.
fn slow() -> World {
    const SLOW: f64 = 0.05;
    let writes = [
        Bucket::EcsServiceWrites,
        Bucket::EcsRegistrations,
        Bucket::Elbv2Writes,
        Bucket::Elbv2LoadBalancers,
    ];
    let plenty = Shares::all(1000.0);
    let shares = writes
        .into_iter()
        .fold(plenty, |shares, bucket| shares.with(bucket, SLOW));
    World::at_rates(&staging(), shares)
}

fn workers(count: usize) -> AppFixture {
    (0..count).fold(app("acme"), |app, n| app.process(&format!("w{n}"), worker()))
}

fn outcome_of(pass: &Pass) -> &empire_controller::reconcile::Outcome {
    pass.result.as_ref().unwrap()
}

/// Nothing has failed, is backing off, or is seen as stale: it merely waits.
#[track_caller]
fn assert_nothing_failed(passes: &[(u64, Pass)]) {
    for (_, pass) in passes {
        let outcome = outcome_of(pass);
        let troubles: Vec<_> = outcome.troubles().collect();
        assert!(troubles.is_empty() && !outcome.stale, "{troubles:?}");
        assert_eq!(outcome.plan.changes, Vec::<Change>::new());
    }
}

/// In no order, and without the ids that AWS gives.
fn lines(writes: Vec<Write>) -> Vec<String> {
    let is_id = |part: &&str| part.len() == 16 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let lines = writes.into_iter().map(|write| {
        let parts = write.about.split(['/', ' ', '"']).filter(|part| !is_id(part));
        format!("{} {}", write.action, parts.collect::<Vec<_>>().join(" "))
    });
    let mut lines: Vec<String> = lines.collect();
    lines.sort();
    lines
}

#[test]
fn an_app_comes_when_its_turn_does_and_says_what_it_waits_for() {
    let mut world = slow();
    world.apply(&workers(5));
    let mut messages = Vec::new();
    let mut passes = Vec::new();
    while world.aws.writes().len() < 10 {
        passes.extend(world.run_seconds(1));
        let message = world.reason("shop/acme");
        if messages.last() != Some(&message) {
            messages.push(message);
        }
    }
    assert_nothing_failed(&passes);
    // The others' times are of rollouts, which are looked at every 10 s.
    let times: Vec<u64> = passes.iter().map(|(time, _)| *time).collect();
    assert!(times.iter().all(|time| time % 10 <= 1), "{times:?}");
    let registered = passes.iter().filter(|(_, pass)| {
        let done = &outcome_of(pass).done;
        done.iter().any(|change| change.operation() == REGISTER)
    });
    let registered: Vec<u64> = registered.map(|(time, _)| *time).collect();
    assert_eq!(registered, [0, 20, 40, 60, 80]);
    let of_line = |message: &&String| message.contains("w4: waiting in line");
    let of_line: Vec<&String> = messages.iter().filter(of_line).collect();
    let says = "w4: waiting in line for AWS to take more calls of ecs/registrations, about 5 min";
    assert!(of_line[0].contains(says), "{of_line:?}");
    assert!(
        of_line
            .iter()
            .all(|message| !message.contains("w0: waiting in line")),
        "{of_line:?}"
    );
    assert!(of_line.last().unwrap().contains("about 1 min"), "{of_line:?}");
    world.settle();
    world.assert_ready();
    let writes = world.aws.writes();
    assert_eq!(writes.len(), 10, "two for each process, as without a line");
}

/// What others wait for is no reason to read anything.
#[test]
fn a_pass_in_line_reads_nothing() {
    let mut world = slow();
    world.apply(
        &app("acme")
            .process("one", worker().noservice())
            .process("two", worker().noservice()),
    );
    world.run_seconds(1);
    assert!(!world.reads.is_empty());
    let passes = world.run_seconds(25);
    assert_eq!(passes.len(), 1);
    assert_eq!(outcome_of(&passes[0].1).done.len(), 1);
    assert_eq!(world.reads, Vec::<String>::new());
}

#[test]
fn an_edit_that_waits_keeps_its_place_when_it_is_edited_again() {
    let mut world = slow();
    let edited = |image: &str| app("acme").process("one", worker().noservice()).image(image);
    world.apply(&app("first").process("one", worker().noservice()));
    world.run_seconds(1);
    world.apply(&edited("web:v1"));
    world.run_seconds(1);
    world.apply(&app("third").process("one", worker().noservice()));
    world.run_seconds(1);
    world.apply(&edited("web:v2"));
    world.run_seconds(60);
    let writes = world.aws.writes();
    let families: Vec<&str> = writes.iter().map(|write| write.about.as_str()).collect();
    let families: Vec<&str> = families
        .iter()
        .map(|about| about.split(' ').next().unwrap())
        .collect();
    assert_eq!(
        families,
        ["shop_first_one", "shop_acme_one", "shop_third_one"],
        "{writes:?}"
    );
    world.settle();
    world.assert_ready();
}

/// A whole life, edit by edit. Returns what each step wrote, and the end.
fn life(mut world: World) -> (Vec<Vec<String>>, Snapshot) {
    let steps = [
        acme(),
        acme().image("web:v2"),
        acme().process("web", web().internal()),
        acme().process("web", web().internal().hostnames(&["shop.example.com"])),
        acme()
            .process("web", web().external().https(&["one"]))
            .without("worker"),
        acme().process("api", web().exposed()),
    ];
    let mut written = Vec::new();
    for step in steps {
        world.apply(&step);
        written.push(lines(world.settle()));
        world.assert_ready();
    }
    world.delete("shop/acme");
    written.push(lines(world.settle()));
    (written, world.snapshot())
}

/// The fake takes no write that runs ahead of what it rests on.
#[test]
fn a_slow_life_writes_what_a_fast_one_does() {
    let fast = life(World::new(&staging()));
    assert_eq!(life(World::at_rates(&staging(), Shares::all(0.02))), fast);
    let mut yielding = World::at_rates(&staging(), Shares::all(0.02));
    yielding.yields = true;
    assert_eq!(life(yielding), fast);
}

/// Nothing is deleted for a replacement that waits in line.
#[test]
fn a_load_balancer_goes_on_serving_while_its_replacement_waits() {
    let mut world = slow();
    let app = |process| app("acme").process("web", process);
    world.apply(&app(web().external()));
    world.settle();
    world.assert_ready();
    let old = world.aws.load_balancers_of("shop/acme", "web");
    world.apply(&app(web().internal()));
    let passes = world.run_seconds(30);
    assert_eq!(world.aws.load_balancers_of("shop/acme", "web"), old);
    let waits = |pass: &Pass| {
        let mut pending = outcome_of(pass).plan.pending.iter();
        pending.any(|p| matches!(p, Pending::Budget { bucket, .. } if bucket == "elbv2/load-balancers"))
    };
    assert!(passes.iter().any(|(_, pass)| waits(pass)));
    assert_nothing_failed(&passes);
    world.settle();
    world.assert_ready();
    assert_ne!(world.aws.load_balancers_of("shop/acme", "web"), old);
}

/// Each App registers once, at one token in 20 s, and creates a service.
#[test]
fn another_namespace_waits_for_one_token_a_write_and_the_storm_takes_the_time_of_its_tokens() {
    const APPS: usize = 15;
    let mut world = slow();
    for n in 0..APPS {
        world.apply(&app(&format!("storm-{n}")).process("one", worker()));
    }
    let mut passes = world.run_seconds(45);
    let quiet = app("ledger")
        .namespace("bank")
        .process("one", worker())
        .process("two", worker());
    world.apply(&quiet);
    let mut registered: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    while world.aws.writes().len() < 2 * (APPS + 2) {
        passes.extend(world.run_seconds(1));
        assert!(world.aws.now() < 1000, "{:?}", world.aws.writes());
    }
    for (time, pass) in &passes {
        let done = outcome_of(pass)
            .done
            .iter()
            .filter(|change| change.operation() == REGISTER);
        let times = done.map(|_| *time);
        registered.entry(pass.app.clone()).or_default().extend(times);
    }
    assert_nothing_failed(&passes);
    // One token comes in 20 s. The next one is the storm's or the bank's, and then both have theirs in turn.
    let [first, second] = registered["bank/ledger"][..] else {
        panic!("{registered:?}");
    };
    assert!(
        first <= 45 + 2 * 20 && second <= first + 2 * 20 + 1,
        "{registered:?}"
    );
    let end = registered.values().flatten().max().unwrap();
    assert!(
        *end <= 20 * (APPS as u64 + 2 - 1) * 11 / 10,
        "{end}: {registered:?}"
    );
    // Each comes when told, and then when the turns of the other namespace have made it later.
    assert!(passes.len() < 10 * APPS, "{}", passes.len());
}

/// At a bucket that AWS has emptied for somebody else: the App comes when there is a token again, not when a backoff ends.
#[test]
fn a_throttled_write_comes_at_its_next_turn() {
    let mut world = slow();
    let refusal = Disturbance::Refusal("ThrottlingException", "Rate exceeded");
    world.aws.disturb_write(0, refusal);
    world.apply(&app("acme").process("one", worker().noservice()));
    let passes = world.run_seconds(60);
    let told = passes.iter().filter(|(_, pass)| {
        let mut troubles = outcome_of(pass).troubles();
        troubles.any(|(_, error)| error.is_about_rates())
    });
    assert_eq!(told.count(), 1);
    let registered = passes.iter().find(|(_, pass)| !outcome_of(pass).done.is_empty());
    // At nine tenths of one in 20 s.
    assert_eq!(registered.unwrap().0, 23);
    assert!(passes.len() <= 3, "{}", passes.len());
    assert_eq!(world.aws.take_attempts().len(), 2);
    world.settle();
    world.assert_ready();
}

/// Each App reads more than once when it begins, and there is one token in 5 s.
#[test]
fn passes_wait_in_line_to_read_and_say_so_if_it_takes_long() {
    let slow = Shares::all(1000.0).with(Bucket::Elbv2Reads, 0.02);
    let mut world = World::at_rates(&staging(), slow);
    for n in 0..8 {
        world.apply(&app(&format!("app-{n}")).process("web", web().exposed()));
    }
    let waits = "waiting in line for AWS to take more calls of elbv2/reads, about";
    let mut told = BTreeSet::new();
    for _ in 0..300 {
        for (_, pass) in world.run_seconds(1) {
            if let Err(error) = &pass.result {
                assert!(error.later().is_some(), "{error}");
                if world.reason(&pass.app).contains(waits) {
                    told.insert(pass.app);
                }
            }
        }
    }
    assert!(told.contains("shop/app-7"), "{told:?}");
    world.settle();
    world.assert_ready();
}

#[test]
fn an_app_whose_repair_waits_in_line_stays_ready() {
    let mut world = slow();
    let app = |name: &str| app(name).process("web", web().exposed());
    for name in ["acme", "other"] {
        world.apply(&app(name));
        world.settle();
    }
    world.assert_ready();
    // Of the one token that there is then, the other one has the repair.
    world.aws.advance(600);
    let (before, mut passes) = (world.status("shop/acme"), Vec::new());
    for name in ["other", "acme"] {
        let group = world
            .aws
            .target_groups_of(&format!("shop/{name}"), "web")
            .remove(0);
        world.aws.by_hand().set_check(&group, "/other", 60);
        world.apply(&app(name).look("now"));
        passes = world.run_seconds(1);
    }
    let waits = |pass: &Pass| {
        let mut pending = outcome_of(pass).plan.pending.iter();
        pending.any(|pending| matches!(pending, Pending::Budget { .. }))
    };
    assert!(
        passes
            .iter()
            .any(|(_, pass)| pass.app == "shop/acme" && waits(pass))
    );
    assert_eq!(world.status("shop/acme").conditions, before.conditions);
    world.settle();
    world.assert_ready();
}
