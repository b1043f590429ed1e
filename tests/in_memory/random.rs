//! Edits, hand changes, crashes and lost replies in a random order: whatever came before, the last manifest is what the
//! world is in the end, and no step on the way there was unsafe. A failure names its seed, and happens again.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use empire_controller::api::app::PATHS;
use empire_controller::change::Change;
use empire_controller::desired;
use empire_controller::model::owner::{AppName, Owner};
use empire_controller::model::record::RecordKind;
use empire_controller::model::secret::Secrets;
use fastrand::Rng;
use serde_json::json;

use crate::crash::without_revisions;
use crate::fake_aws::{Disturbance, When};
use crate::fixtures::{
    AppFixture, PlatformFixture, ProcessFixture, app, platform, process, staging, web, worker,
};
use crate::foretold::by_process;
use crate::world::{INSTALLATION, World};

/// Returns the seeds to try: `SEEDS=5000` tries more of them, and `SEEDS=1706..1707` one alone.
pub(crate) fn seeds() -> Range<u64> {
    let seeds = std::env::var("SEEDS").unwrap_or_else(|_| "900".into());
    let (first, end) = seeds.split_once("..").unwrap_or(("0", &seeds));
    first.parse().unwrap()..end.parse().unwrap()
}

const STEPS: u64 = 12;
const BROKEN: &str = "registry.example/acme:broken";

pub(crate) fn some<T: Clone>(random: &mut Rng, all: &[T]) -> T {
    all[random.usize(..all.len())].clone()
}

fn some_web(random: &mut Rng) -> ProcessFixture {
    let scheme = some(
        random,
        &[ProcessFixture::internal as fn(_) -> _, ProcessFixture::external],
    );
    let mut web = web().quantity(random.u32(1..4));
    if random.u8(..4) == 0 {
        return web.unexposed();
    }
    web = scheme(web);
    if random.bool() {
        web = web.container_port(some(random, &[8080, 9090]));
    }
    if random.u8(..3) == 0 {
        web = web.hostnames(&[some(random, &["shop.example.com", "www.example.com"])]);
    }
    if random.u8(..3) == 0 {
        web = web.check_path("/health");
    }
    web
}

/// Spoken otherwise than by http on port 80.
fn another_web(random: &mut Rng) -> ProcessFixture {
    let web = web().quantity(random.u32(1..4));
    let web = if random.bool() {
        web.internal()
    } else {
        web.external()
    };
    match random.u8(..7) {
        0 => web.tcp(),
        1 => web.tls(&["one"]),
        2 => web.https(&["one"]),
        3 => web.https(&["two", "one"]).idle_timeout("2m"),
        4 => web.listeners(&[(80, "http", 8080), (81, "http", 9000)]),
        5 => web
            .listeners(&[(443, "https", 8080), (81, "http", 9000), (82, "http", 9000)])
            .certificates(&["one"]),
        _ => web.listeners(&[(5000, "tcp", 8080), (5001, "tcp", 9000)]),
    }
}

fn some_app(random: &mut Rng) -> AppFixture {
    let mut app = app("acme").image(some(
        random,
        &["registry.example/acme:v1", "registry.example/acme:v2"],
    ));
    if random.u8(..6) > 0 {
        let web = if random.u8(..3) == 0 {
            another_web(random)
        } else {
            some_web(random)
        };
        app = app.process("web", web);
    }
    if random.bool() {
        let worker = worker().quantity(random.u32(1..3));
        app = app.process(
            "worker",
            if random.u8(..3) == 0 {
                worker.exposed()
            } else {
                worker
            },
        );
    }
    if random.u8(..3) == 0 {
        app = app.process("api", process("./bin/api").exposed());
    }
    if random.bool() {
        let job = match random.u8(..4) {
            0 => worker(),
            1 => worker().noservice(),
            2 => worker().cron("0 3 * * *"),
            _ => worker().cron("0 4 * * ? *").time_zone("Europe/Berlin"),
        };
        app = app.process("job", job);
    }
    // Of its own, so that the rest of a seed's story is what it was before there were sidecars.
    let mut beside = Rng::with_seed(random.get_seed());
    let always = match beside.u8(..9) {
        0 => worker().beside("proxy", "registry.example/proxy:v1"),
        1 => worker()
            .beside("proxy", "registry.example/proxy:v2")
            .after("proxy", "START"),
        2 => worker().health_check("./bin/check"),
        3 => worker().volume("data", json!({})).mount("/data", "data"),
        4 => worker()
            .having("restart", json!({}))
            .having("startTimeout", json!("1m")),
        5 => worker().overriding("always", &json!({ "interactive": true })),
        6 => worker().secrets(&[("DB", "secretsmanager:shop/db:password")]),
        7 => worker()
            .secrets(&[("DB", "secretsmanager:shop/db"), ("TOKEN", "/shop/token")])
            .rolling_on_change(),
        _ => worker(),
    };
    app.process("always", always)
}

/// One of three cannot start; and some ask for every task again.
fn some_release(random: &mut Rng) -> AppFixture {
    let mut app = some_app(random);
    if random.u8(..3) == 0 {
        app = app.image(BROKEN);
    }
    if random.bool() {
        app = app.redeploy(some(random, &["once", "twice"]));
    }
    app
}

fn some_platform(random: &mut Rng) -> PlatformFixture {
    let platform = match random.u8(..4) {
        0 => staging(),
        1 => staging().bridge_ports(9000, 9010),
        2 => staging().awsvpc("sg-1"),
        _ => platform("staging").split_horizon().bridge_ports(9000, 9005),
    };
    platform.overrides(&PATHS).any_secrets()
}

/// Somebody in the console, or the network.
fn disturb(random: &mut Rng, world: &mut World) -> String {
    let process = some(random, &["web", "worker", "api"]);
    let load_balancer = world.aws.load_balancers_of("shop/acme", process).first().cloned();
    let target_group = world.aws.target_groups_of("shop/acme", process).first().cloned();
    let n = random.usize(..8);
    match random.u8(..15) {
        0 => world.aws.disturb_write(n, Disturbance::Crash(When::Before)),
        1 => world.aws.disturb_write(n, Disturbance::Crash(When::After)),
        2 => world.aws.disturb_write(n, Disturbance::Timeout(When::After)),
        3 => world
            .aws
            .disturb_write(n, Disturbance::Refusal("ThrottlingException", "Rate exceeded")),
        4 => {
            world.loses_status = random.bool();
            world.restart();
        }
        5 => {
            if let Some(name) = load_balancer {
                world.aws.by_hand().delete_listeners(&name);
                return format!("listeners of {name} deleted");
            }
        }
        6 => {
            if let Some(name) = load_balancer {
                world.aws.by_hand().delete_load_balancer(&name);
                return format!("{name} deleted");
            }
        }
        7 => {
            if let (Some(name), Some(group)) = (load_balancer, target_group) {
                let mut console = world.aws.by_hand();
                console.delete_load_balancer(&name);
                console.delete_target_group(&group);
                return format!("{name} and {group} deleted");
            }
        }
        8 => {
            let service = format!("shop_acme_{process}");
            world.aws.by_hand().delete_service(&service);
            return format!("{service} deleted");
        }
        9 => {
            // Not the ownership record: with it and its load balancer gone, nothing says whose a name was.
            let name = some(random, &["acme.example.com", "acme-web.example.com"]);
            world.aws.by_hand().delete_records("ZINTERNAL", name);
            return format!("{name} deleted");
        }
        10 => {
            world
                .aws
                .by_hand()
                .change_schedules(|found| found.enabled = Some(false));
            return "schedules disabled".into();
        }
        11 => {
            world.aws.by_hand().delete_schedules();
            return "schedules deleted".into();
        }
        12 => {
            world.aws.by_hand().delete_schedule_group();
            return "schedule group deleted".into();
        }
        _ => {
            if let Some(name) = target_group {
                world.aws.by_hand().set_check(&name, "/elsewhere", 30);
                return format!("check of {name} changed");
            }
        }
    }
    "calls disturbed".into()
}

/// Somebody deletes the claims of ports, or the Platform's role may not ask for its zone. Drawn from no random numbers,
/// so that roads which went wrong once stay the same.
fn disturb_platform(world: &mut World, draw: u64) -> String {
    if draw.is_multiple_of(5) {
        let denied = Disturbance::Refusal("AccessDenied", "not you");
        world.aws.disturb_read("route53:GetHostedZone", denied);
        return "zones denied".into();
    }
    if draw.is_multiple_of(3) {
        world.aws.by_hand().delete_claims("shop/acme");
        if draw.is_multiple_of(2) {
            world.restart();
        }
        return "claims deleted".into();
    }
    "nothing of the Platform".into()
}

/// Somebody deletes the log group, or sets its retention; a start shows it. Drawn from no random numbers either.
fn disturb_log_group(world: &mut World, draw: u64) -> String {
    const GROUP: &str = "/empire/default/shop/acme";
    if world.aws.log_group_named(GROUP).is_none() {
        return "there is no log group".into();
    }
    if draw.is_multiple_of(2) {
        world.aws.by_hand().delete_log_group(GROUP);
    } else {
        world.aws.by_hand().log_group(GROUP).retention_days = Some(1);
    }
    world.restart();
    format!(
        "log group {}",
        if draw.is_multiple_of(2) {
            "deleted"
        } else {
            "changed"
        }
    )
}

/// The secrets that Apps name.
fn with_secrets(world: &World) {
    let mut console = world.aws.by_hand();
    console.create_secret("shop/db");
    console.put_parameter("/shop/token");
}

/// Returns how often the controller was started again on the way.
fn road(seed: u64) -> usize {
    let mut random = Rng::with_seed(seed);
    let mut platform = some_platform(&mut random);
    let has_log_groups = seed % 5 == 1;
    if has_log_groups {
        platform = platform.log_groups(&json!({ "retentionDays": 30, "deletionPolicy": "Delete" }));
    }
    let last = some_app(&mut random);
    let mut direct = World::new(&platform);
    with_secrets(&direct);
    direct.apply(&last);
    direct.settle();

    let mut world = World::new(&platform);
    with_secrets(&world);
    world.aws.by_hand().break_tasks(BROKEN);
    world
        .aws
        .by_hand()
        .foreign_record("ZINTERNAL", "theirs.example.com", RecordKind::A, "192.0.2.1");
    let mut road = Vec::new();
    for _ in 0..random.u64(1..STEPS) {
        if random.bool() {
            let app = some_release(&mut random);
            road.push(format!("{app:?}"));
            world.apply(&app);
        } else {
            road.push(disturb(&mut random, &mut world));
        }
        let steps = some(&mut random, &[1, 2, 3, 5, 8, 40]);
        road.push(format!("{steps} steps"));
        // A third of the way, every pass yields after each write.
        world.yields = (seed + road.len() as u64).is_multiple_of(3);
        if seed % 4 == 3 {
            road.push(disturb_platform(&mut world, seed + road.len() as u64));
        }
        if has_log_groups && (seed + road.len() as u64).is_multiple_of(4) {
            road.push(disturb_log_group(&mut world, road.len() as u64));
        }
        if (seed + road.len() as u64).is_multiple_of(5) {
            world.aws.by_hand().rotate("shop/db");
            road.push("a secret changed".into());
        }
        world.run(steps);
    }
    world
        .aws
        .by_hand()
        .delete_records("ZINTERNAL", "theirs.example.com");
    world.apply(&last);
    let settled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        world.settle();
        world.aws.calm();
        world.settle();
    }));
    assert!(settled.is_ok(), "seed {seed}: {road:#?}\n{last:?}");
    // A deleted service that nobody speaks of any more is hidden until it has drained.
    world.aws.advance(60);
    let expected = regardless_of_the_way(&direct);
    let found = with_equal_slots(regardless_of_the_way(&world), &expected, &last, &platform);
    if found != expected {
        eprintln!(
            "seed {seed}: {road:#?}\n{last:?}\n{:#?}",
            world.status("shop/acme")
        );
    }
    similar_asserts::assert_eq!(found, expected);
    world.assert_ready();
    assert_eq!(world.platform_reason(), "Ready", "seed {seed}");
    world.restart();
    let again = world.settle();
    assert!(again.is_empty(), "seed {seed}, and one more pass: {again:?}");
    let restarts = world.restarts;

    world.delete("shop/acme");
    world.settle();
    world.aws.advance(60);
    let empty = regardless_of_the_way(&World::new(&platform));
    similar_asserts::assert_eq!(regardless_of_the_way(&world), empty);
    restarts
}

/// Returns the world without what depends on the way there: revisions, and which of the two default grace periods a
/// rollback has left, since either is as good as the other until the next rollout.
fn regardless_of_the_way(world: &World) -> String {
    let snapshot = without_revisions(&world.snapshot()).0;
    snapshot.replace("grace_period: Some(300)", "grace_period: Some(60)")
}

/// Exchanges the two target groups of a process, where that is what differs: a container port keeps the one that its
/// listeners lead to, so that which of the two it is depends on the way.
fn with_equal_slots(
    mut found: String,
    expected: &str,
    app: &AppFixture,
    platform: &PlatformFixture,
) -> String {
    let owner = Owner {
        installation: INSTALLATION.into(),
        app: AppName {
            namespace: "shop".into(),
            name: "acme".into(),
        },
    };
    let built = desired::build(
        &app.build(),
        &platform.build(),
        &owner,
        &BTreeMap::new(),
        &Secrets::default(),
    )
    .unwrap();
    let differing = |text: &str| {
        let expected: BTreeSet<&str> = expected.lines().collect();
        text.lines().filter(|line| !expected.contains(line)).count()
    };
    for balancing in built
        .desired
        .processes
        .values()
        .filter_map(|process| process.load_balancing.as_ref())
    {
        let [one, other] = &balancing.slots;
        let exchanged = found.replace(one, "\0").replace(other, one).replace('\0', other);
        let mut lines: Vec<&str> = exchanged.lines().collect();
        lines.sort_unstable();
        let exchanged = lines.join("\n");
        if differing(&exchanged) < differing(&found) {
            found = exchanged;
        }
    }
    found
}

#[test]
fn every_road_leads_to_the_last_manifest() {
    let (seeds, next) = (seeds(), AtomicU64::new(seeds().start));
    let roads = || {
        let taken = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        taken
            .take_while(|seed| seeds.contains(seed))
            .map(road)
            .sum::<usize>()
    };
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let restarts: usize = std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(roads)).collect();
        all.into_iter().map(|one| one.join().unwrap()).sum()
    });
    println!("{seeds:?}: {restarts} restarts");
}

/// Two load balancers without a name, of which one had one until moments ago, a lost status, and a third.
#[test]
fn what_a_lost_status_knew_is_waited_for() {
    road(1_706);
}

/// Two load balancers of two target groups each, of which one had no name for long, and a third of two.
#[test]
fn as_many_target_groups_come_as_go() {
    road(5_390);
}

/// One of two target groups was deleted by hand, and the other one kept for the only container port that was left.
#[test]
fn a_container_port_may_keep_either_target_group() {
    road(9_374);
}

/// Between any two manifests.
#[test]
fn whatever_is_planned_comes_true() {
    let mut steps = 0;
    for seed in seeds().step_by(3) {
        let mut random = Rng::with_seed(seed);
        let platform = some_platform(&mut random);
        let mut world = World::new(&platform);
        world.aws.by_hand().take_grace_period_with_groups();
        let mut road = Vec::new();
        for _ in 0..4 {
            let app = some_app(&mut random);
            road.push(format!("{app:?}"));
            world.apply(&app);
            let dry_run = world.dry_run("shop/acme").unwrap();
            assert!(dry_run.failures.is_empty(), "seed {seed}: {:?}", dry_run.failures);
            steps += dry_run.steps.len();
            let mut done: Vec<Change> = Vec::new();
            world.settle_telling(&mut |_, pass| {
                done.extend(pass.result.iter().flat_map(|outcome| outcome.done.clone()));
            });
            let (foretold, done) = (by_process(dry_run.changes()), by_process(done.iter()));
            if foretold != done {
                eprintln!("seed {seed}: {road:#?}");
            }
            similar_asserts::assert_eq!(foretold, done);
        }
    }
    println!("{steps} steps");
}

/// The same for two Apps that want each other's names and ports.
#[test]
fn two_apps_in_each_others_way_come_to_terms() {
    for seed in seeds().step_by(3) {
        let mut random = Rng::with_seed(seed);
        let mut world = World::new(&staging().bridge_ports(9000, 9001));
        for _ in 0..random.u64(1..STEPS) {
            let name = some(&mut random, &["one", "two", "three"]);
            let hostname = some(&mut random, &["shop.example.com", "www.example.com"]);
            let key = format!("shop/{name}");
            if random.u8(..4) == 0 && world.holds(&key) {
                world.delete(&key);
            } else if !world.is_deleting(&key) {
                world.apply(&app(name).process("web", web().hostnames(&[hostname])));
            }
            if random.u8(..4) == 0 {
                world.restart();
            }
            world.run(some(&mut random, &[1, 2, 3, 5, 8]));
        }
        world.settle();
        // With one App left, everything it wants is free.
        for name in ["two", "three"] {
            let key = format!("shop/{name}");
            if world.holds(&key) {
                world.delete(&key);
            }
        }
        world.settle();
        if !world.holds("shop/one") {
            world.apply(&app("one").process("web", web().hostnames(&["shop.example.com"])));
        }
        world.settle();
        world.assert_ready();
        assert!(world.settle().is_empty());
    }
}
