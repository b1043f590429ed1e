//! The controller dies before and after every write of every operation, and calls fail on either side of their effect.
//! Whatever happens, it arrives at the same world: nothing doubled, nothing leaked, nothing foreign touched.

use crate::fake_aws::{Disturbance, Snapshot, When};
use crate::fixtures::{AppFixture, PlatformFixture, acme, app, platform, process, staging, web, worker};
use crate::world::World;

use empire_controller::model::owner::Tags;
use empire_controller::model::record::RecordKind;

/// One operation: a world, and what is done to it.
pub(crate) struct Operation {
    platform: PlatformFixture,
    before: Option<AppFixture>,
    /// The events that happen first.
    meanwhile: Box<dyn Fn(&mut World)>,
    edit: Box<dyn Fn(&mut World)>,
}

impl Operation {
    pub(crate) fn new(
        platform: PlatformFixture,
        before: Option<AppFixture>,
        edit: impl Fn(&mut World) + 'static,
    ) -> Self {
        Operation {
            platform,
            before,
            meanwhile: Box::new(|_| {}),
            edit: Box::new(edit),
        }
    }

    pub(crate) fn after(self, meanwhile: impl Fn(&mut World) + 'static) -> Self {
        let meanwhile = Box::new(meanwhile);
        Operation { meanwhile, ..self }
    }

    /// Does what the operation is about.
    pub(crate) fn act(&self, world: &mut World) {
        (self.edit)(world);
    }

    pub(crate) fn start(&self) -> World {
        let mut world = World::new(&self.platform);
        neighbours(&mut world);
        if let Some(before) = &self.before {
            world.apply(before);
        }
        world.settle();
        (self.meanwhile)(&mut world);
        world
    }
}

/// Makes resources that are not ours: beside our names, and under names much like them.
fn neighbours(world: &mut World) {
    world.apply(&app("neighbour").process("web", web()));
    world.settle();
    let mut console = world.aws.by_hand();
    console.foreign_load_balancer("e-acme-web-theirs", Tags::new());
    console.foreign_target_group("e-acme-web-theirs", Tags::new());
    console.foreign_service("shop_neighbour_web", "shop_acme_theirs", Tags::new());
    console.foreign_record("ZINTERNAL", "theirs.example.com", RecordKind::A, "192.0.2.1");
}

/// Runs one operation undisturbed, and again with every disturbance at every one of its writes. Says how many there were.
pub(crate) fn check(name: &str, operation: &Operation) -> usize {
    let base = operation.start();
    let mut undisturbed = base.fork();
    (operation.edit)(&mut undisturbed);
    undisturbed.aws.take_attempts();
    undisturbed.settle();
    let writes = undisturbed.aws.take_attempts();
    undisturbed.assert_ready();
    let expected = undisturbed.snapshot();

    let disturbances = [
        (Disturbance::Crash(When::Before), false),
        (Disturbance::Crash(When::After), false),
        (Disturbance::Crash(When::Before), true),
        (Disturbance::Crash(When::After), true),
        (Disturbance::Timeout(When::Before), false),
        (Disturbance::Timeout(When::After), false),
        (
            Disturbance::Refusal("ThrottlingException", "Rate exceeded"),
            false,
        ),
    ];
    for (disturbance, loses_status) in &disturbances {
        for (n, write) in writes.iter().enumerate() {
            let mut world = base.fork();
            world.loses_status = *loses_status;
            (operation.edit)(&mut world);
            let restarts = world.restarts;
            world.aws.disturb_write(n, disturbance.clone());
            world.settle();
            let at = format!("{name}: {disturbance:?} at write {n}, {write}");
            assert_eq!(world.aws.disturbed(), 1, "{at}");
            if matches!(disturbance, Disturbance::Crash(_)) {
                assert_eq!(world.restarts, restarts + 1, "{at}");
            }
            // A deleted service that no status speaks of any more is hidden until it has drained.
            world.aws.advance(60);
            assert_same(&at, &world.snapshot(), &expected);
            world.assert_ready();
            world.restart();
            let again = world.settle();
            assert!(again.is_empty(), "{at}, and one more pass: {again:?}");
        }
    }
    yields(name, operation, &base, &expected, &writes);
    outages(name, operation, &base, &expected);
    disturbances.len() * writes.len()
}

/// Every pass yields after each write, and goes on in its turn.
fn yields(name: &str, operation: &Operation, base: &World, expected: &Snapshot, writes: &[String]) {
    let mut world = base.fork();
    world.yields = true;
    (operation.edit)(&mut world);
    world.aws.take_attempts();
    world.settle();
    assert_same(name, &world.snapshot(), expected);
    world.assert_ready();
    // A new plan goes on with what is next by then, so only the order differs.
    let operations = |writes: &[String]| {
        let mut operations: Vec<String> = writes
            .iter()
            .filter_map(|w| w.split(' ').next().map(Into::into))
            .collect();
        operations.sort();
        operations
    };
    let found = operations(&world.aws.take_attempts());
    similar_asserts::assert_eq!(found, operations(writes), "{name}");
}

/// Some AWS service cannot be read for a while, before anything was written or in the middle.
fn outages(name: &str, operation: &Operation, base: &World, expected: &Snapshot) {
    for service in [
        "ecs:",
        "elasticloadbalancing:",
        "route53:",
        "scheduler:",
        "application-autoscaling:",
        "logs:",
        "secretsmanager:",
        "ssm:",
    ] {
        for (steps, loses_status) in [(0, true), (3, false)] {
            // Where nothing speaks of scaling, nobody waits for it: decision 27.
            if loses_status && service == "application-autoscaling:" {
                continue;
            }
            let mut world = base.fork();
            world.loses_status = loses_status;
            (operation.edit)(&mut world);
            world.run(steps);
            world.restart();
            let silence = Disturbance::Timeout(When::Before);
            world.aws.disturb_read(service, silence);
            world.run(4);
            world.aws.calm();
            world.settle();
            world.aws.advance(60);
            let at = format!("{name}: {service} is silent after {steps} steps, status lost: {loses_status}");
            assert_same(&at, &world.snapshot(), expected);
            world.assert_ready();
            world.restart();
            let again = world.settle();
            assert!(again.is_empty(), "{at}, and one more pass: {again:?}");
        }
    }
}

#[track_caller]
fn assert_same(at: &str, found: &Snapshot, expected: &Snapshot) {
    if found != expected {
        eprintln!("{at}");
    }
    similar_asserts::assert_eq!(found.0, expected.0);
}

pub(crate) fn claimed() -> PlatformFixture {
    staging().bridge_ports(9000, 9010)
}

/// Every kind of operation, on a Platform with claimed host ports, where the most can go wrong.
#[test]
fn arrives_wherever_it_is_killed() {
    let edits: Vec<(&str, AppFixture)> = vec![
        ("image", acme().image("registry.example/acme:v2")),
        ("scale", acme().process("web", web().external().quantity(3))),
        ("env", acme().env("A", "1")),
        ("add", acme().process("api", process("./bin/api").exposed())),
        ("remove worker", acme().without("worker")),
        ("remove web", acme().without("web")),
        (
            "check",
            acme().process("web", web().external().quantity(2).check_path("/health")),
        ),
        (
            "container port",
            acme().process("web", web().external().quantity(2).container_port(9090)),
        ),
        (
            "hostnames",
            acme().process(
                "web",
                web().external().quantity(2).hostnames(&["shop.example.com"]),
            ),
        ),
        ("flip", acme().process("web", web().internal().quantity(2))),
        (
            "content and flip",
            acme().process("web", web().internal().quantity(2).env("A", "1")),
        ),
        ("expose", acme().process("worker", worker().exposed())),
        (
            "stop exposing",
            acme().process("web", web().unexposed().quantity(2)),
        ),
    ];
    let mut points = 0;
    for (name, edited) in edits {
        let edit = move |world: &mut World| world.apply(&edited);
        points += check(name, &Operation::new(claimed(), Some(acme()), edit));
    }
    println!("edits: {points} disturbances");
}

#[test]
fn arrives_when_killed_while_creating_and_deleting() {
    let mut points = 0;
    for (name, platform) in [
        ("dynamic ports", staging()),
        ("claimed ports", claimed()),
        ("awsvpc", staging().awsvpc("sg-1")),
        ("split horizon", platform("staging").split_horizon()),
        ("alias", staging().alias()),
        ("no load balancing", platform("staging").without_load_balancing()),
    ] {
        let create = Operation::new(platform.clone(), None, |world| world.apply(&acme()));
        points += check(&format!("create on {name}"), &create);
        let delete = Operation::new(platform, Some(acme()), |world| world.delete("shop/acme"));
        points += check(&format!("delete on {name}"), &delete);
    }
    println!("create and delete: {points} disturbances");
}

#[test]
fn arrives_when_killed_while_the_platform_changes() {
    let split = platform("staging").split_horizon();
    let mut points = 0;
    for (name, from, to) in [
        ("ttl", staging(), staging().ttl(30)),
        ("record type", split.clone(), split.alias()),
        ("tags", staging(), staging().tag("cost-center", "42")),
        (
            "subnets",
            staging(),
            staging().external_subnets(&["subnet-c", "subnet-e"]),
        ),
        (
            "security groups",
            staging(),
            staging().external_security_group("sg-other"),
        ),
        ("task network", staging().awsvpc("sg-1"), staging().awsvpc("sg-2")),
    ] {
        let edit = move |world: &mut World| world.set_platform(&to);
        points += check(name, &Operation::new(from, Some(acme()), edit));
    }
    println!("Platform edits: {points} disturbances");
}

/// An edit arrives in the middle of another one, at every step of it.
#[test]
fn arrives_when_edited_again_in_the_middle() {
    let internal = acme().process("web", web().internal().quantity(2));
    let unexposed = acme().process("web", web().unexposed().quantity(2));
    let ported = acme().process("web", web().external().quantity(2).container_port(9090));
    let all = [
        ("external", acme()),
        ("internal", internal),
        ("unexposed", unexposed),
        ("another port", ported),
        ("no web", acme().without("web")),
    ];
    let mut points = 0;
    for (from_name, from) in &all {
        for (over_name, over) in &all {
            for (to_name, to) in &all {
                if from_name == over_name || over_name == to_name {
                    continue;
                }
                let mut direct = World::new(&claimed());
                direct.apply(to);
                direct.settle();
                let mut base = World::new(&claimed());
                base.apply(from);
                base.settle();
                let mut middle = base.fork();
                middle.apply(over);
                let mut seen = String::new();
                for steps in 0..60 {
                    middle.run(1);
                    // A flip takes some fifty steps; most of them only wait.
                    let now = middle.moment();
                    if now == std::mem::replace(&mut seen, now.clone()) {
                        continue;
                    }
                    let mut world = middle.fork();
                    world.apply(to);
                    world.settle();
                    let at = format!("{from_name} to {over_name} to {to_name} after {steps} steps");
                    world.assert_ready();
                    assert_same(
                        &at,
                        &without_revisions(&world.snapshot()),
                        &without_revisions(&direct.snapshot()),
                    );
                    points += 1;
                }
            }
        }
    }
    println!("edits on edits: {points}");
}

/// Leaves out the number of revisions of a family, which depends on the way there.
pub(crate) fn without_revisions(snapshot: &Snapshot) -> Snapshot {
    let lines = snapshot.0.lines().filter(|line| !line.starts_with("family "));
    Snapshot(lines.collect::<Vec<_>>().join("\n"))
}
