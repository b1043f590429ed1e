//! Lists that AWS, or the API server, answers successfully and without all that is there: empty, without the App, or with
//! a page missing. Whatever they leave out, nothing is destroyed for it, nothing is made twice, and the end is the same.

use std::collections::BTreeSet;

use fastrand::Rng;
use serde_json::json;

use crate::adopted;
use crate::crash::{Operation, claimed};
use crate::fake_aws::{Disturbance, Short, When, Write};
use crate::fixtures::{AppFixture, PlatformFixture, acme, app, platform, process, staging, web, worker};
use crate::random;
use crate::world::World;

const KEY: &str = "shop/acme";

const SHORT: [Short; 5] = [
    Short::Empty,
    Short::Without(KEY),
    Short::FirstOnly,
    Short::HalfOnly,
    Short::OtherHalfOnly,
];

/// Every write, without what AWS numbers in the order of creation.
fn told(writes: &[Write]) -> Vec<String> {
    let is_id = |part: &str| part.len() == 16 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let word = |word: &str| {
        let parts = word
            .split('/')
            .filter(|part| !is_id(part.trim_matches([')', '"', ','])));
        parts.collect::<Vec<_>>().join("/")
    };
    let line = |write: &Write| {
        let about: Vec<String> = write.about.split(' ').map(word).collect();
        format!("{} {}", write.action, about.join(" "))
    };
    let mut lines: Vec<String> = writes.iter().map(line).collect();
    lines.sort();
    lines
}

/// An operation as it goes when every list is whole.
struct Undisturbed {
    base: World,
    lists: Vec<crate::fake_aws::Asked>,
    writes: Vec<String>,
    end: World,
    steps: usize,
}

impl Undisturbed {
    fn of(operation: &Operation) -> Self {
        let base = operation.start();
        let mut end = base.fork();
        operation.act(&mut end);
        end.aws.watch_lists();
        let writes = told(&end.settle());
        let lists = end.aws.take_lists();
        end.assert_ready();
        end.aws.advance(60);
        // How many steps something is written in.
        let mut stepping = base.fork();
        operation.act(&mut stepping);
        let (mut steps, mut last) = (0, 0);
        while last + 3 > steps {
            let before = stepping.aws.writes().len();
            stepping.run(1);
            steps += 1;
            if stepping.aws.writes().len() > before || stepping.reason_or_gone(KEY) != "Ready" {
                last = steps;
            }
        }
        Undisturbed {
            base,
            lists,
            writes,
            end,
            steps: last,
        }
    }

    /// Returns the worlds on the way, at each step that is unlike the one before.
    fn middles(&self, operation: &Operation) -> Vec<(usize, World)> {
        let mut middle = self.base.fork();
        operation.act(&mut middle);
        let (mut middles, mut seen) = (Vec::new(), String::new());
        for step in 0..=self.steps {
            let moment = middle.moment();
            if std::mem::replace(&mut seen, moment.clone()) != moment {
                middles.push((step, middle.fork()));
            }
            middle.run(1);
        }
        middles
    }

    fn writes_of(&self, world: &World) -> Vec<Write> {
        world.aws.writes().split_off(self.base.aws.writes().len())
    }

    /// Returns the differences: in what was written, in what came of it, or in what the App says.
    fn differences(&self, world: &World, writes: &[Write]) -> Vec<String> {
        let mut differences = differing("written", &self.writes, &told(writes));
        if world.holds(KEY) && world.reason(KEY) != "Ready" {
            differences.push(world.reason(KEY));
        }
        world.aws.advance(60);
        let lines = |world: &World| -> Vec<String> { world.snapshot().0.lines().map(Into::into).collect() };
        differences.extend(differing("there", &lines(&self.end), &lines(world)));
        differences
    }
}

/// Returns the lines that only one of two texts has, each as often as it has more of it.
fn differing(what: &str, expected: &[String], found: &[String]) -> Vec<String> {
    let count = |all: &[String], line: &String| all.iter().filter(|other| *other == line).count();
    let lines: BTreeSet<&String> = expected.iter().chain(found).collect();
    let mut differing = Vec::new();
    for line in lines {
        let (expected, found) = (count(expected, line), count(found, line));
        if expected != found {
            differing.push(format!("{what} {found} times, not {expected}: {line}"));
        }
    }
    differing
}

/// The points that were tried, and what went wrong at some of them.
#[derive(Default)]
struct Tried {
    points: usize,
    wrong: Vec<String>,
}

impl Tried {
    fn note(&mut self, at: &str, differences: &[String]) {
        self.points += 1;
        if !differences.is_empty() {
            self.wrong.push(format!("{at}:\n  {}", differences.join("\n  ")));
        }
    }
}

/// Tries each operation, all of them even if something goes wrong.
fn check_all(check: impl Fn(&str, &Operation, &mut Tried)) {
    let mut tried = Tried::default();
    for (name, operation) in operations() {
        check(name, &operation, &mut tried);
    }
    println!("{} points", tried.points);
    let Tried { points, wrong } = tried;
    assert!(
        wrong.is_empty(),
        "{} of {points}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Returns some of the points, always the same ones: `SEEDS=90000` tries all of them.
fn some_of<T>(mut points: Vec<T>) -> Vec<T> {
    let seeds = random::seeds();
    let count = (seeds.end - seeds.start).div_ceil(180);
    Rng::with_seed(12).shuffle(&mut points);
    points.truncate(count.try_into().unwrap());
    points
}

/// Every list of the operation in turn, and each kind of shortness.
fn one_list(name: &str, operation: &Operation, tried: &mut Tried) {
    let undisturbed = Undisturbed::of(operation);
    let lists = undisturbed.lists.iter().enumerate();
    let points = lists.flat_map(|(n, list)| {
        let short = SHORT.into_iter().filter(|short| list.is_shortened(*short));
        short.map(move |short| (n, list.action, short))
    });
    for (n, action, short) in some_of(points.collect()) {
        let mut world = undisturbed.base.fork();
        operation.act(&mut world);
        world.aws.shorten_list(n, short);
        let writes = world.settle();
        let at = format!("{name}: list {n}, {action}, is {short:?}");
        assert_eq!(world.aws.lists_are_whole(), 1, "{at}");
        tried.note(&at, &undisturbed.differences(&world, &writes));
    }
}

/// Every list of one pass, or of three in a row, from each step on; also just after a start.
fn whole_passes(name: &str, operation: &Operation, tried: &mut Tried) {
    let undisturbed = Undisturbed::of(operation);
    let mut points = Vec::new();
    for (step, middle) in undisturbed.middles(operation) {
        for short in [Short::Empty, Short::Without(KEY), Short::FirstOnly] {
            for (passes, restarts) in [(1, false), (1, true), (3, false), (3, true)] {
                points.push((step, middle.fork(), short, passes, restarts));
            }
        }
    }
    for (step, mut world, short, passes, restarts) in some_of(points) {
        if restarts {
            world.restart();
        }
        world.aws.shorten_all_lists(short);
        world.run(passes);
        world.aws.lists_are_whole();
        world.settle();
        let at = format!(
            "{name}: after {step} steps, restarted: {restarts}, all lists of {passes} passes are {short:?}"
        );
        tried.note(
            &at,
            &undisturbed.differences(&world, &undisturbed.writes_of(&world)),
        );
    }
}

/// The API server does not answer for some passes, from each step on.
fn api_server_gone(name: &str, operation: &Operation, tried: &mut Tried) {
    let undisturbed = Undisturbed::of(operation);
    for (step, mut world) in some_of(undisturbed.middles(operation)) {
        (world.refuses_status, world.refuses_finalizer) = (true, true);
        let silent = || Disturbance::Timeout(When::Before);
        world.aws.disturb_read("claims:", silent());
        for action in ["claims:Claim", "claims:Release", "claims:Retain"] {
            world.aws.disturb(action, "", silent());
        }
        world.run(3);
        world.aws.calm();
        (world.refuses_status, world.refuses_finalizer) = (false, false);
        world.settle();
        let at = format!("{name}: after {step} steps the API server is gone");
        tried.note(
            &at,
            &undisturbed.differences(&world, &undisturbed.writes_of(&world)),
        );
    }
}

fn edit(from: AppFixture, to: AppFixture) -> Operation {
    edit_on(claimed(), from, to)
}

fn edit_on(platform: PlatformFixture, from: AppFixture, to: AppFixture) -> Operation {
    Operation::new(platform, Some(from), move |world| world.apply(&to))
}

fn named(names: &[&str]) -> AppFixture {
    acme().process("web", web().external().quantity(2).hostnames(names))
}

fn nightly(cron: &str) -> AppFixture {
    acme().process("nightly", process("./bin/nightly").cron(cron))
}

fn delete(platform: PlatformFixture, from: AppFixture) -> Operation {
    Operation::new(platform, Some(from), |world| world.delete(KEY))
}

/// Just before, the Platform comes to grant only what others have.
fn delete_ungranted() -> Operation {
    Operation::new(claimed(), Some(acme()), |world| {
        let others = json!({
            "namespaceSelector": {}, "images": ["registry.example/neighbour:*"],
            "hostnames": ["neighbour.example.com", "neighbour-*.example.com"],
        });
        world.set_platform(&claimed().granting(&[others]));
        world.delete(KEY);
    })
}

/// From then on only the manifest speaks of what there may be.
fn lose_status(world: &mut World) {
    world.loses_status = true;
    world.restart();
    world.loses_status = false;
}

fn operations() -> Vec<(&'static str, Operation)> {
    let split = || platform("staging").split_horizon();
    let internal = || acme().process("web", web().internal().quantity(2));
    let unexposed = || acme().process("web", web().unexposed().quantity(2));
    let two_ports = || web().listeners(&[(80, "http", 8080), (81, "http", 9000)]);
    let create = |platform: PlatformFixture, app: AppFixture| {
        Operation::new(platform, None, move |world| world.apply(&app))
    };
    vec![
        ("create", create(claimed(), nightly("0 3 * * ? *"))),
        (
            "create in two zones",
            create(split(), named(&["shop.example.com"])),
        ),
        ("image", edit(acme(), acme().image("registry.example/acme:v2"))),
        ("flip", edit(acme(), internal())),
        ("flip in two zones", edit_on(split(), internal(), acme())),
        ("stop exposing", edit(acme(), unexposed())),
        ("expose", edit(unexposed(), acme())),
        (
            "container port",
            edit(
                acme(),
                acme().process("web", web().external().quantity(2).container_port(9090)),
            ),
        ),
        (
            "one listener less",
            edit_on(
                staging(),
                app("acme").process("web", two_ports()),
                app("acme").process("web", web()),
            ),
        ),
        ("remove worker", edit(acme(), acme().without("worker"))),
        ("remove web", edit(acme(), acme().without("web"))),
        (
            "add",
            edit(acme(), acme().process("api", process("./bin/api").exposed())),
        ),
        (
            "rename",
            edit_on(split(), named(&["shop.example.com"]), named(&["www.example.com"])),
        ),
        ("schedule", edit(acme(), nightly("0 3 * * ? *"))),
        (
            "another time",
            edit(nightly("0 3 * * ? *"), nightly("0 4 * * ? *")),
        ),
        ("no schedule", edit(nightly("0 3 * * ? *"), acme())),
        (
            "by the clock",
            edit(acme(), acme().process("worker", worker().cron("0 3 * * ? *"))),
        ),
        ("delete", delete(claimed(), nightly("0 3 * * ? *"))),
        (
            "delete in two zones",
            delete(split(), named(&["shop.example.com"])),
        ),
        (
            "delete and retain",
            delete(claimed(), nightly("0 3 * * ? *").retained()),
        ),
        (
            "delete what was adopted",
            Operation::new(claimed(), None, |world| world.delete(KEY)).after(|world| {
                adopted::made_by_others(world);
                world.apply(&acme().adopting());
                world.settle();
            }),
        ),
        (
            "delete without a status",
            delete(claimed(), acme()).after(lose_status),
        ),
        (
            "delete without a status and a grant",
            delete_ungranted().after(lose_status),
        ),
    ]
}

#[test]
fn a_list_that_is_short_destroys_nothing_and_makes_nothing_twice() {
    check_all(one_list);
}

#[test]
fn lists_that_are_short_for_whole_passes_destroy_nothing_and_make_nothing_twice() {
    check_all(whole_passes);
}

#[test]
fn without_the_api_server_nothing_is_destroyed() {
    check_all(api_server_gone);
}

/// It is found by name, and so not even missed.
#[test]
fn an_app_stays_ready_whatever_a_list_leaves_out() {
    for platform in [claimed(), platform("staging").split_horizon()] {
        let base = World::settled(&platform, &nightly("0 3 * * ? *"));
        for restarts in [false, true] {
            for short in SHORT {
                let mut world = base.fork();
                if restarts {
                    world.restart();
                }
                world.aws.advance(700);
                world.aws.shorten_all_lists(short);
                let writes = world.aws.writes().len();
                for _ in 0..3 {
                    world.step();
                    world.assert_ready();
                    world.aws.advance(700);
                }
                assert!(world.aws.lists_are_whole() > 0, "{short:?}");
                assert_eq!(world.aws.writes().len(), writes, "{short:?}");
            }
        }
    }
}

/// What is new is not asked for by name.
#[test]
fn a_new_process_of_a_new_app_costs_no_read_by_name() {
    let mut world = World::new(&staging());
    // Or another pass would take up what became of its names, and look at what is pending.
    world.gathers = true;
    world.apply(&acme());
    world.step();
    let by_name = [
        "DescribeLoadBalancers e-",
        "DescribeTargetGroups e-",
        "ZINTERNAL acme",
    ];
    let asked = |read: &String| by_name.iter().any(|named| read.contains(named));
    assert!(!world.reads.iter().any(asked), "{:#?}", world.reads);
    world.settle();
    world.apply(&acme().process("api", process("./bin/api").exposed()));
    world.step();
    assert!(!world.reads.iter().any(asked), "{:#?}", world.reads);
}
