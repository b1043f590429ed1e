//! Lives of Apps, told so that a reader can judge each step: `tests/golden/*.txt`, rewritten by `UPDATE_EXPECT=1`.
//!
//! `[ 45 s]` is the virtual time of a pass; below it are its changes in order, what it waits for, and what was in the way.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use empire_controller::model::owner::Tags;
use empire_controller::model::record::RecordKind;

use crate::fixtures::{PlatformFixture, acme, app, platform, process, staging, web, worker};
use crate::foretold::{anywhere, foretell};
use crate::golden;
use crate::world::{Pass, World};

pub(crate) struct Story {
    world: World,
    text: String,
}

impl Story {
    pub(crate) fn on(platform: &PlatformFixture) -> Self {
        let world = World::new(platform);
        world.aws.by_hand().take_grace_period_with_groups();
        Story {
            world,
            text: String::new(),
        }
    }

    /// Something is done, and everything that follows from it, as it was foretold.
    pub(crate) fn then(self, title: &str, act: impl FnOnce(&mut World)) -> Self {
        self.tell(title, true, act)
    }

    /// Something is done, and what follows is not what a preview hopes for.
    pub(crate) fn then_in_vain(self, title: &str, act: impl FnOnce(&mut World)) -> Self {
        self.tell(title, false, act)
    }

    fn tell(mut self, title: &str, foretold_true: bool, act: impl FnOnce(&mut World)) -> Self {
        writeln!(self.text, "== {title}").unwrap();
        act(&mut self.world);
        let start = self.world.aws.now();
        let mut told = Vec::new();
        let mut text = String::new();
        let foretold = foretell(&self.world);
        let mut done: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let written = self.world.settle_telling(&mut |now, pass| {
            tell(&mut text, &mut told, now - start, pass);
            if let Ok(outcome) = &pass.result {
                let changes = outcome.done.iter().map(anywhere);
                done.entry(pass.app.clone()).or_default().extend(changes);
            }
        });
        if foretold_true {
            came_true(title, &self.world, &foretold, &done);
        }
        self.text += &text;
        let aws = written.iter().filter(|write| write.is_aws()).count();
        writeln!(self.text, "{aws} AWS writes").unwrap();
        self
    }

    /// Something is done, and only some passes follow.
    pub(crate) fn for_a_moment(mut self, title: &str, steps: usize, act: impl FnOnce(&mut World)) -> Self {
        writeln!(self.text, "== {title}, and {steps} passes").unwrap();
        act(&mut self.world);
        let start = self.world.aws.now();
        let mut told = Vec::new();
        for _ in 0..steps {
            let passes = self.world.step();
            for pass in &passes {
                tell(&mut self.text, &mut told, self.world.aws.now() - start, pass);
            }
            self.world.aws.advance(10);
        }
        self
    }

    pub(crate) fn shows_the_world(mut self) -> Self {
        for line in self.world.aws.summary() {
            writeln!(self.text, "  = {line}").unwrap();
        }
        self
    }

    /// Adds to the story what `kubectl get` would show of an App.
    pub(crate) fn tells_the_status(mut self, key: &str) -> Self {
        let status = self.world.status(key);
        for condition in &status.conditions {
            writeln!(
                self.text,
                "  ? {} {} {}: {}",
                condition.type_, condition.status, condition.reason, condition.message
            )
            .unwrap();
        }
        for process in &status.processes {
            let rollout = process.rollout.map(|rollout| format!("{rollout:?}"));
            writeln!(
                self.text,
                "  ? {}: {}, {} of {} running",
                process.name,
                rollout.unwrap_or_default(),
                process.running,
                process.desired
            )
            .unwrap();
        }
        writeln!(
            self.text,
            "  ? {} complete",
            status.processes_complete.unwrap_or_default()
        )
        .unwrap();
        self
    }

    #[track_caller]
    pub(crate) fn reads(self, golden: &str) {
        assert_eq!(self.world.aws.violations(), Vec::<String>::new());
        golden::reads(&self.text, golden);
    }
}

/// Checks that the changes which `plan` printed were made, for each App but a suspended one; not where several wrote, and
/// got into each other's way.
fn came_true(
    title: &str,
    world: &World,
    foretold: &BTreeMap<String, Vec<String>>,
    done: &BTreeMap<String, Vec<String>>,
) {
    let moved = |all: &BTreeMap<String, Vec<String>>| -> BTreeSet<String> {
        let moved = all.iter().filter(|(_, changes)| !changes.is_empty());
        moved.map(|(app, _)| app.clone()).collect()
    };
    let writers: BTreeSet<String> = moved(foretold).union(&moved(done)).cloned().collect();
    if writers.len() == 1 && !writers.iter().any(|app| world.is_suspended(app)) {
        similar_asserts::assert_eq!(foretold, done, "{title}: what `plan` said, and what was done");
    }
}

/// One pass, unless it says what the one before said.
fn tell(text: &mut String, told: &mut Vec<(String, String)>, now: u64, pass: &Pass) {
    let mut lines = String::new();
    match &pass.result {
        Err(error) => writeln!(lines, "  failed: {error}").unwrap(),
        Ok(outcome) => {
            for change in &outcome.done {
                writeln!(lines, "  {change}").unwrap();
            }
            for (change, error) in &outcome.not_ready {
                writeln!(lines, "  not ready: {change}: {}", error.code).unwrap();
            }
            for (change, error) in outcome.troubles() {
                writeln!(lines, "  could not {change}: {error}").unwrap();
            }
            for pending in &outcome.plan.pending {
                writeln!(lines, "  … {}: {pending}", pending.process()).unwrap();
            }
            for obstacle in &outcome.plan.obstacles {
                writeln!(lines, "  ! {}", obstacle.message).unwrap();
            }
        }
    }
    if lines.is_empty() {
        lines = "  as wanted\n".into();
    }
    match told.iter_mut().find(|(app, _)| app == &pass.app) {
        Some((_, before)) if *before == lines => return,
        Some((_, before)) => before.clone_from(&lines),
        None => told.push((pass.app.clone(), lines.clone())),
    }
    write!(text, "[{now:3} s] {}\n{lines}", pass.app).unwrap();
}

fn internal() -> crate::fixtures::AppFixture {
    acme().process("web", web().internal().quantity(2))
}

#[test]
fn an_app_lives_and_goes() {
    Story::on(&staging())
        .then("created", |world| world.apply(&acme()))
        .shows_the_world()
        .then("the same again", |world| world.apply(&acme()))
        .then("a new image", |world| {
            world.apply(&acme().image("registry.example/acme:v2"));
        })
        .then("scaled, and a longer grace period", |world| {
            let web = web().external().quantity(5).grace_period("90s");
            world.apply(&acme().image("registry.example/acme:v2").process("web", web));
        })
        .then("another health check", |world| {
            let web = web()
                .external()
                .quantity(5)
                .grace_period("90s")
                .check_path("/health");
            world.apply(&acme().image("registry.example/acme:v2").process("web", web));
        })
        .then("back to the first, with an exposed api", |world| {
            world.apply(&acme().process("api", process("./bin/api").exposed()));
        })
        .then("the worker is removed", |world| {
            world.apply(
                &acme()
                    .process("api", process("./bin/api").exposed())
                    .without("worker"),
            );
        })
        .then("the App is deleted", |world| world.delete("shop/acme"))
        .shows_the_world()
        .reads("life.txt");
}

#[test]
fn an_app_becomes_internal_and_changes_its_mind() {
    Story::on(&staging())
        .then("external", |world| world.apply(&acme()))
        .then("internal", |world| world.apply(&internal()))
        .shows_the_world()
        .for_a_moment("external once more", 5, |world| world.apply(&acme()))
        .then("but internal after all, before any name has moved", |world| {
            world.apply(&internal());
        })
        .for_a_moment("external", 12, |world| world.apply(&acme()))
        .then("and internal, when the names have moved", |world| {
            world.apply(&internal());
        })
        .shows_the_world()
        .reads("flip.txt");
}

#[test]
fn content_and_a_flip_travel_apart() {
    Story::on(&staging())
        .then("external", |world| world.apply(&acme()))
        .then("internal, with another environment", |world| {
            world.apply(&acme().process("web", web().internal().quantity(2).env("A", "1")));
        })
        .for_a_moment("external", 20, |world| {
            world.apply(&acme().process("web", web().external().quantity(2).env("A", "1")));
        })
        .then(
            "scaled and a new image while the old load balancer retires",
            |world| {
                let web = web().external().quantity(3).env("A", "1");
                world.apply(&acme().image("registry.example/acme:v2").process("web", web));
            },
        )
        .reads("content-and-flip.txt");
}

#[test]
fn exposure_comes_and_goes_with_claimed_ports() {
    let unexposed = || acme().process("web", web().unexposed().quantity(2));
    Story::on(&staging().bridge_ports(9000, 9010))
        .then("external", |world| world.apply(&acme()))
        .shows_the_world()
        .then("not exposed", |world| world.apply(&unexposed()))
        .shows_the_world()
        .then("exposed again", |world| world.apply(&acme()))
        .then("on another container port", |world| {
            world.apply(&acme().process("web", web().external().quantity(2).container_port(9090)));
        })
        .shows_the_world()
        .for_a_moment("not exposed", 4, |world| world.apply(&unexposed()))
        .then("but exposed after all", |world| world.apply(&acme()))
        .then("the App is deleted", |world| world.delete("shop/acme"))
        .shows_the_world()
        .reads("exposure.txt");
}

#[test]
fn tasks_with_their_own_addresses() {
    Story::on(&staging().awsvpc("sg-1"))
        .then("created", |world| world.apply(&acme()))
        .then("another security group for tasks", |world| {
            world.set_platform(&staging().awsvpc("sg-2"));
        })
        .then("internal", |world| world.apply(&internal()))
        .then("the App is deleted", |world| world.delete("shop/acme"))
        .shows_the_world()
        .reads("awsvpc.txt");
}

#[test]
fn names_in_two_zones() {
    let split = || platform("staging").split_horizon();
    let named = |names: &[&str]| acme().process("web", web().external().quantity(2).hostnames(names));
    Story::on(&split())
        .then("external", |world| world.apply(&acme()))
        .shows_the_world()
        .then("with a name of its own", |world| {
            world.apply(&named(&["shop.example.com"]));
        })
        .then("another TTL", |world| world.set_platform(&split().ttl(30)))
        .then("aliases instead", |world| world.set_platform(&split().alias()))
        .then("an alias at the apex", |world| {
            world.apply(&named(&["example.com"]));
        })
        .shows_the_world()
        .then("internal", |world| world.apply(&internal()))
        .shows_the_world()
        .reads("names.txt");
}

#[test]
fn no_load_balancers_at_all() {
    let none = platform("staging")
        .without_load_balancing()
        .bridge_ports(9000, 9010);
    Story::on(&none)
        .then("created", |world| world.apply(&acme()))
        .shows_the_world()
        .then("web is not exposed", |world| {
            world.apply(&acme().process("web", web().unexposed().quantity(2)));
        })
        .then("the App is deleted", |world| world.delete("shop/acme"))
        .shows_the_world()
        .reads("no-load-balancing.txt");
}

#[test]
fn two_apps_want_one_name() {
    let first = || app("first").process("web", web().hostnames(&["shop.example.com"]));
    let second = || {
        app("second")
            .namespace("blog")
            .process("web", web().hostnames(&["shop.example.com"]))
    };
    Story::on(&staging())
        .then("the first gets it", |world| world.apply(&first()))
        .then("the second does not", |world| world.apply(&second()))
        .then("the first lets go", |world| {
            world.apply(&app("first").process("web", web()));
        })
        .shows_the_world()
        .reads("one-name.txt");
}

#[test]
fn the_same_app_in_two_namespaces() {
    Story::on(&staging())
        .then("in shop", |world| world.apply(&app("acme").process("web", web())))
        .then("in blog, where nothing but the names collides", |world| {
            world.apply(&app("acme").namespace("blog").process("web", web()));
        })
        .then("shop's is deleted", |world| world.delete("shop/acme"))
        .shows_the_world()
        .reads("two-namespaces.txt");
}

#[test]
fn something_foreign_is_in_the_way() {
    // Our names, found out by letting a first App have them.
    let mut known = World::new(&staging());
    known.apply(&acme());
    known.settle();
    let load_balancer = known.aws.load_balancers_of("shop/acme", "web").remove(0);
    let target_group = known.aws.target_groups_of("shop/acme", "web").remove(0);
    let theirs = || Tags::from([("team".into(), "theirs".into())]);
    Story::on(&staging())
        .then(
            "load balancer, target group, name and service are taken",
            |world| {
                world.apply(&app("other").process("worker", worker()));
                world.settle();
                let mut console = world.aws.by_hand();
                console.foreign_load_balancer(&load_balancer, theirs());
                console.foreign_target_group(&target_group, theirs());
                console.foreign_service("shop_other_worker", "shop_acme_worker", theirs());
                console.foreign_record("ZINTERNAL", "acme.example.com", RecordKind::A, "192.0.2.1");
                drop(console);
                world.apply(&acme());
            },
        )
        .shows_the_world()
        .then("they go", |world| {
            let mut console = world.aws.by_hand();
            console.delete_load_balancer(&load_balancer);
            console.delete_target_group(&target_group);
            console.remove_service("shop_acme_worker");
        })
        .then("the name goes, too", |world| {
            world
                .aws
                .by_hand()
                .delete_records("ZINTERNAL", "acme.example.com");
        })
        .shows_the_world()
        .reads("foreign.txt");
}

#[test]
fn what_hands_change_is_repaired() {
    let load_balancer = |world: &World| world.aws.load_balancers_of("shop/acme", "web").remove(0);
    let target_group = |world: &World| world.aws.target_groups_of("shop/acme", "web").remove(0);
    Story::on(&staging().bridge_ports(9000, 9010))
        .then("created", |world| world.apply(&acme()))
        .then(
            "the count, the check, the drain delay and the subnets are changed",
            |world| {
                let (load_balancer, target_group) = (load_balancer(world), target_group(world));
                let mut console = world.aws.by_hand();
                console.set_count("shop_acme_web", 7);
                console.set_check(&target_group, "/elsewhere", 30);
                console.set_delay(&target_group, 300);
                console.set_subnets(&load_balancer, &["subnet-x", "subnet-y"]);
            },
        )
        .then("the listener is deleted", |world| {
            let load_balancer = load_balancer(world);
            world.aws.by_hand().delete_listeners(&load_balancer);
        })
        .then("a name is deleted, and another's TTL changed", |world| {
            let mut console = world.aws.by_hand();
            console.delete_records("ZINTERNAL", "acme.example.com");
            console.set_ttl("ZINTERNAL", "acme-web.example.com", 5);
        })
        .then("an ownership record is deleted", |world| {
            world
                .aws
                .by_hand()
                .delete_records("ZINTERNAL", "_empire.acme.example.com");
        })
        .then("the service is deleted", |world| {
            world.aws.by_hand().delete_service("shop_acme_web");
        })
        .then("the load balancer is deleted", |world| {
            let load_balancer = load_balancer(world);
            world.aws.by_hand().delete_load_balancer(&load_balancer);
        })
        .then("load balancer and target group are deleted", |world| {
            let (load_balancer, target_group) = (load_balancer(world), target_group(world));
            let mut console = world.aws.by_hand();
            console.delete_load_balancer(&load_balancer);
            console.delete_target_group(&target_group);
        })
        .shows_the_world()
        .reads("drift.txt");
}

#[test]
fn suspended_nothing_changes() {
    Story::on(&staging())
        .then("created", |world| world.apply(&acme()))
        .then("suspended, with another image", |world| {
            world.apply(&acme().image("registry.example/acme:v2").suspended());
        })
        .then("let go on", |world| {
            world.apply(&acme().image("registry.example/acme:v2"));
        })
        .reads("suspended.txt");
}

#[test]
fn host_ports_run_out_and_come_back() {
    let small = || staging().bridge_ports(9000, 9001);
    let three = ["one", "two", "three"].into_iter();
    Story::on(&small())
        .then("three Apps for two ports", |world| {
            for name in three {
                world.apply(&app(name).process("web", web()));
            }
        })
        .then("the first is deleted", |world| world.delete("shop/one"))
        .shows_the_world()
        .reads("ports.txt");
}
