//! The release phase: a task that runs once for each new content, before any service is given it.

mod lost;

use empire_controller::api::app::{ReleaseAttempt, ReleasePhase};

use crate::crash::{Operation, check as check_crashes};
use crate::fake_aws::{Fate, Write};
use crate::fixtures::{AppFixture, acme, process, staging, web, worker};
use crate::world::World;
use crate::write_counts::{check, check_edit, settled};

const KEY: &str = "shop/acme";
const HOUR: u64 = 3_600;

pub(crate) fn releasing() -> AppFixture {
    acme()
        .process("migrate", process("./bin/migrate").noservice())
        .release("migrate")
}

fn v2() -> AppFixture {
    releasing().image("registry.example/acme:v2")
}

fn attempt(world: &World) -> ReleaseAttempt {
    world.status(KEY).release.unwrap().attempt.unwrap()
}

/// The tasks that were started, in all.
fn tasks(world: &World) -> usize {
    world.aws.by_hand().tasks().0
}

fn at(writes: &[Write], action: &str) -> usize {
    writes.iter().position(|write| write.action == action).unwrap()
}

#[track_caller]
fn settle_with(world: &mut World, app: &AppFixture, fates: &[Fate]) -> Vec<Write> {
    world.aws.by_hand().run_tasks(fates);
    world.apply(app);
    world.settle()
}

#[track_caller]
fn failed(world: &World, reason: &str, said: &str) {
    let told = world.reason(KEY);
    assert!(
        told.starts_with(&format!("{reason}: process migrate: ")),
        "{told}"
    );
    assert!(told.contains(said), "{told}");
    for service in ["shop_acme_web", "shop_acme_worker"] {
        assert_eq!(world.aws.image_of(service), "registry.example/acme:v1");
    }
}

#[test]
fn runs_before_any_service_is_made() {
    let mut world = World::new(&staging());
    world.apply(&releasing());
    let writes = world.settle();
    // Without it they are nine.
    check(&writes, 11);
    world.assert_ready();
    let run = at(&writes, "ecs:RunTask");
    let others = [
        "ecs:CreateService",
        "elasticloadbalancing:CreateLoadBalancer",
        "route53:ChangeResourceRecordSets",
    ];
    for other in others {
        assert!(run < at(&writes, other), "{other}");
    }
    assert_eq!(tasks(&world), 1);
    assert_eq!(
        (attempt(&world).phase, attempt(&world).exit_code),
        (ReleasePhase::Succeeded, Some(0))
    );
    world.restart();
    check(&world.settle(), 0);
}

#[test]
fn runs_once_for_each_new_content_and_for_nothing_else() {
    // Revisions, the task, and the services.
    check_edit(&releasing(), &v2(), 3 + 1 + 2);
    check_edit(&releasing(), &releasing().env("A", "1"), 3 + 1 + 2);
    for (edit, writes) in [
        (releasing().process("web", web().external().quantity(3)), 1),
        (releasing().redeploy("1"), 2),
        (
            releasing().process("web", web().external().quantity(2).check_path("/health")),
            1,
        ),
        (acme(), 0),
        // Another deadline is no other content.
        (releasing().release_within("migrate", "10m"), 0),
        // Its own size is, which may be why it failed.
        (
            releasing().process("migrate", process("./bin/migrate").noservice().memory("1Gi")),
            2,
        ),
        (releasing().process("worker", worker().env("A", "1")), 3),
        // A process of which nothing is to run is content like any other.
        (releasing().without("worker"), 2),
    ] {
        check_edit(&releasing(), &edit, writes);
    }
    check_edit(&acme(), &releasing(), 2);
}

#[test]
fn older_content_is_new_content() {
    let mut world = settled(&staging(), &releasing());
    for (n, content) in [v2(), releasing(), v2(), releasing()].iter().enumerate() {
        world.apply(content);
        world.settle();
        world.assert_ready();
        assert_eq!(tasks(&world), n + 2);
    }
}

#[test]
fn no_edit_of_the_platform_runs_it_again() {
    let mut world = settled(&staging(), &releasing());
    world.set_platform(&staging().tag("team", "shop"));
    world.restart();
    world.settle();
    world.assert_ready();
    assert_eq!(tasks(&world), 1);
    // Every revision is another, and every service rolls.
    world.set_platform(&staging().logging("awslogs", &[("awslogs-group", "acme")]));
    world.restart();
    let writes = world.settle();
    assert_eq!(
        writes.iter().filter(|w| w.action == "ecs:UpdateService").count(),
        2
    );
    world.assert_ready();
    assert_eq!(tasks(&world), 1);
}

#[test]
fn nothing_rolls_after_one_that_failed_until_an_edit_or_a_redeploy() {
    let platform = staging().logging(
        "awslogs",
        &[("awslogs-group", "acme"), ("awslogs-stream-prefix", "empire")],
    );
    let mut world = settled(&platform, &releasing());
    let writes = settle_with(&mut world, &v2(), &[Fate::Exits(3)]);
    check(&writes, 3 + 1);
    failed(
        &world,
        "ReleaseFailed",
        "the release failed: exit code 3: Essential container in task exited; its log: group acme, stream empire/migrate/",
    );
    for _ in 0..3 {
        world.restart();
        check(&world.settle(), 0);
        world.aws.advance(HOUR);
    }
    failed(&world, "ReleaseFailed", "exit code 3");
    // To scale is no edit of it, and goes on.
    let scaled = || v2().process("worker", worker().quantity(3));
    world.apply(&scaled());
    check(&world.settle(), 1);
    assert_eq!(world.aws.desired_count("shop_acme_worker"), Some(3));
    failed(&world, "ReleaseFailed", "exit code 3");
    // Nor is a process that is gone: it serves on.
    world.apply(&scaled().redeploy("1"));
    let writes = world.settle();
    check(&writes, 1 + 2);
    world.assert_ready();
    assert_eq!(tasks(&world), 3);

    let mut world = settled(&platform, &releasing());
    settle_with(&mut world, &v2(), &[Fate::Exits(3)]);
    world.apply(&v2().env("A", "1"));
    world.settle();
    world.assert_ready();
    assert_eq!(tasks(&world), 3);
    // Back to what serves, which was released.
    let mut world = settled(&platform, &releasing());
    settle_with(&mut world, &v2(), &[Fate::Exits(3)]);
    world.apply(&releasing());
    check(&world.settle(), 0);
    world.assert_ready();
    assert_eq!(tasks(&world), 2);
}

#[test]
fn another_deadline_tries_one_that_took_too_long_again() {
    let mut world = settled(&staging(), &releasing());
    let within = |timeout: &str| v2().release_within("migrate", timeout);
    let writes = settle_with(&mut world, &within("5m"), &[Fate::Hangs]);
    assert_eq!(writes.last().unwrap().action, "ecs:StopTask");
    failed(
        &world,
        "ReleaseFailed",
        "it did not end within 300 s, and was stopped",
    );
    assert_eq!(attempt(&world).exit_code, Some(143));
    world.apply(&within("10m"));
    world.settle();
    world.assert_ready();
}

#[test]
fn one_that_never_started_gets_another_attempt_in_its_time() {
    let mut world = settled(&staging(), &releasing());
    let fates = [
        Fate::Refused("RESOURCE:MEMORY"),
        Fate::NeverStarts,
        Fate::Refused("AGENT"),
    ];
    settle_with(&mut world, &v2(), &fates);
    world.assert_ready();
    assert_eq!(attempt(&world).number, 4);
    assert_eq!(tasks(&world), 3);

    let mut world = settled(&staging(), &releasing());
    let fates = vec![Fate::NeverStarts; 100];
    settle_with(&mut world, &v2().release_within("migrate", "5m"), &fates);
    failed(
        &world,
        "ReleaseFailed",
        "it did not start: CannotPullContainerError: not found",
    );
    assert!((4..20).contains(&tasks(&world)), "{}", tasks(&world));
}

#[test]
fn one_that_was_lost_is_not_run_again() {
    for fate in [Fate::Lost, Fate::LostEarly] {
        let mut world = settled(&staging(), &releasing());
        settle_with(&mut world, &v2(), &[fate]);
        failed(&world, "ReleaseFailed", "no exit code: Host EC2 was terminated.");
        assert_eq!(tasks(&world), 2);
    }
}

/// A migration that caught the signal is half done, whatever its exit code says.
#[test]
fn one_whose_capacity_went_before_its_end_releases_nothing() {
    let mut world = settled(&staging(), &releasing());
    settle_with(&mut world, &v2(), &[Fate::Interrupted]);
    let told = "it was stopped before its end: exit code 0: Your Spot Task was interrupted.";
    failed(&world, "ReleaseFailed", told);
    assert_eq!(tasks(&world), 2);
}

/// Nothing else waits then, and nobody looks every few seconds.
#[test]
fn a_first_release_that_failed_is_stalled() {
    let mut world = World::new(&staging());
    check(&settle_with(&mut world, &releasing(), &[Fate::Exits(1)]), 4);
    let told = world.reason(KEY);
    let begins = "ReleaseFailed: process migrate: the release failed: exit code 1";
    assert!(told.starts_with(begins), "{told}");
    let status = world.status(KEY);
    let is_stalled = status
        .conditions
        .iter()
        .any(|condition| condition.type_ == "Stalled");
    assert!(is_stalled, "{:?}", status.conditions);
    assert_eq!(status.processes_complete.as_deref(), Some("0/2"));
}

#[test]
fn more_time_is_given_to_a_task_that_runs() {
    let mut world = settled(&staging(), &releasing());
    world.aws.by_hand().run_tasks(&[Fate::Hangs]);
    world.apply(&v2().release_within("migrate", "5m"));
    world.run_seconds(240);
    world.apply(&v2().release_within("migrate", "20m"));
    world.run_seconds(600);
    assert_eq!(world.aws.by_hand().tasks(), (2, 1));
    world.run_seconds(600);
    failed(
        &world,
        "ReleaseFailed",
        "it did not end within 1200 s, and was stopped",
    );
}

#[test]
fn the_same_content_is_not_run_again_where_the_phase_was_away() {
    let mut world = settled(&staging(), &releasing());
    let without = acme().process("migrate", process("./bin/migrate").noservice());
    for app in [&without, &releasing()] {
        world.apply(app);
        check(&world.settle(), 0);
        world.assert_ready();
    }
    assert_eq!(tasks(&world), 1);
}

#[test]
fn what_somebody_calls_released_is_rolled_out_without_a_task() {
    let mut world = settled(&staging(), &releasing());
    settle_with(&mut world, &v2(), &[Fate::Exits(1)]);
    let content = attempt(&world).content;
    world.apply(&v2().released("another"));
    check(&world.settle(), 0);
    world.apply(&v2().released(&content));
    check(&world.settle(), 2);
    world.assert_ready();
    assert_eq!(tasks(&world), 2);
    // It is, from then on.
    world.apply(&v2());
    check(&world.settle(), 0);
    world.assert_ready();
}

#[test]
fn new_content_waits_for_the_task_of_the_content_before() {
    let mut world = settled(&staging(), &releasing());
    world.apply(&v2());
    world.run(3);
    assert_eq!(world.aws.by_hand().tasks(), (2, 1));
    world.apply(&releasing().image("registry.example/acme:v3"));
    world.step();
    assert!(
        world.reason(KEY).contains("of the release before to end"),
        "{}",
        world.reason(KEY)
    );
    world.settle();
    world.assert_ready();
    assert_eq!(tasks(&world), 3);
    assert_eq!(world.aws.image_of("shop_acme_web"), "registry.example/acme:v3");
}

#[test]
fn a_deletion_stops_it_and_a_manifest_without_it_does_not() {
    let mut world = settled(&staging(), &releasing());
    world.aws.by_hand().run_tasks(&[Fate::Hangs]);
    world.apply(&v2());
    world.run(3);
    assert_eq!(world.aws.by_hand().tasks(), (2, 1));
    let mut removed = world.fork();
    removed.apply(&acme().image("registry.example/acme:v2"));
    removed.settle();
    removed.assert_ready();
    assert_eq!(removed.aws.by_hand().tasks(), (2, 1));
    assert_eq!(removed.aws.image_of("shop_acme_web"), "registry.example/acme:v2");

    world.delete(KEY);
    let writes = world.settle();
    assert_eq!(writes.iter().filter(|w| w.action == "ecs:StopTask").count(), 1);
    assert!(!world.holds(KEY));
    assert_eq!(world.aws.by_hand().tasks(), (2, 0));
}

#[test]
fn a_suspended_app_runs_none_and_says_so() {
    let mut world = settled(&staging(), &releasing());
    world.apply(&v2().suspended());
    check(&world.settle(), 0);
    assert!(
        world.reason(KEY).starts_with("Suspended"),
        "{}",
        world.reason(KEY)
    );
    world.aws.advance(30 * HOUR);
    world.apply(&v2());
    world.settle();
    world.assert_ready();
    assert_eq!(tasks(&world), 2);
}

#[test]
fn arrives_wherever_it_is_killed() {
    let mut points = 0;
    points += check_crashes(
        "create",
        &Operation::new(staging(), None, |world| world.apply(&releasing())),
    );
    for (name, before, after) in [("image", releasing(), v2()), ("remove", releasing(), acme())] {
        let edit = move |world: &mut World| world.apply(&after);
        points += check_crashes(name, &Operation::new(staging(), Some(before), edit));
    }
    let never = |world: &mut World| {
        world.aws.by_hand().run_tasks(&[Fate::NeverStarts]);
        world.apply(&v2());
    };
    points += check_crashes(
        "never starts",
        &Operation::new(staging(), Some(releasing()), never),
    );
    println!("the release phase: {points} disturbances");
}
