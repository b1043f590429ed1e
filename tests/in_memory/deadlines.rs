//! Rollouts that take long: which of them come further all the time, and which are late.

use serde_json::json;

use crate::fixtures::{AppFixture, PlatformFixture, ProcessFixture, app, staging, web, worker};
use crate::world::World;

const V2: &str = "registry.example/acme:v2";

fn settled(platform: &PlatformFixture, app: &AppFixture) -> World {
    World::settled(platform, app)
}

fn minutes(process: ProcessFixture, minutes: u32) -> ProcessFixture {
    process.deploy(json!({ "progressDeadline": format!("{minutes}m") }))
}

/// Returns the number of rollouts that the controller has stopped.
fn stopped(world: &World) -> usize {
    let writes = world.aws.writes();
    let stops = writes
        .iter()
        .filter(|write| write.action == "ecs:StopServiceDeployment");
    stops.count()
}

/// Releases the next image, and waits until nothing moves any more.
#[track_caller]
fn completes(world: &mut World, app: AppFixture) {
    world.apply(&app.image(V2));
    world.settle();
    assert_eq!(stopped(world), 0);
    world.assert_ready();
}

#[test]
fn old_tasks_that_drain_for_longer_than_the_deadline_make_no_release_late() {
    for (delay, deadline, drain) in [("95s", 1, 125), ("9m", 10, 570), ("20m", 10, 1_230)] {
        let web = web().internal().quantity(2).deregistration_delay(delay);
        let app = app("acme").process("web", minutes(web, deadline));
        let mut world = settled(&staging(), &app);
        world.aws.by_hand().set_pace(15, drain);
        completes(&mut world, app);
    }
}

#[test]
fn eight_tasks_one_after_the_other_each_in_time_are_not_late() {
    let platform = staging().bridge_ports(9_000, 9_010);
    let app = app("acme").process("web", minutes(web().internal().quantity(8), 1));
    let mut world = settled(&platform, &app);
    world.aws.by_hand().set_pace(40, 50);
    world.aws.by_hand().leave_no_room();
    let begun = world.aws.now();
    completes(&mut world, app);
    assert!(world.aws.now() - begun > 8 * 90);
}

#[test]
fn a_slow_start_within_the_deadline_is_not_late() {
    let app = app("acme").process("worker", minutes(worker().quantity(2), 1));
    let mut world = settled(&staging(), &app);
    world.aws.by_hand().set_pace(55, 12);
    completes(&mut world, app);
}

#[test]
fn a_deadline_too_short_for_its_own_drain_is_widened_and_the_status_says_to_what() {
    let of = |app: &AppFixture, platform: &PlatformFixture| {
        let mut world = World::new(platform);
        world.apply(app);
        world.step();
        let status = world.status("shop/acme").processes.remove(0);
        (
            status.progress_deadline_seconds,
            status.message.unwrap_or_default(),
        )
    };
    let web = |delay| {
        app("acme").process(
            "web",
            minutes(web().internal().quantity(2).deregistration_delay(delay), 1),
        )
    };
    let (widened, message) = of(&web("95s"), &staging());
    assert_eq!(widened, Some(125));
    assert!(
        message.contains("deploy.progressDeadline is too short") && message.contains("125 s"),
        "{message}"
    );
    assert_eq!(of(&web("30s"), &staging()).0, None);
    // Where a new task starts only once an old one is gone, it needs its time, too.
    let claimed = staging().bridge_ports(9_000, 9_010);
    assert_eq!(of(&web("95s"), &claimed).0, Some(185));
}

#[test]
fn a_release_that_hangs_is_stopped_at_its_deadline() {
    let app = app("acme").process("worker", minutes(worker().quantity(2), 1));
    let mut world = settled(&staging(), &app);
    world.aws.by_hand().unsettle_tasks(V2);
    world.apply(&app.image(V2));
    world.run(6);
    assert_eq!(stopped(&world), 0);
    world.run(1);
    assert_eq!(stopped(&world), 1);
    let reason = world.reason("shop/acme");
    assert!(reason.contains("no progress for 60 s"), "{reason}");
}

/// The controller is started anew every minute, knowing what its status says, or not even that.
#[derive(Clone, Copy, Debug)]
enum Starts {
    Once,
    EveryMinute,
    EveryMinuteWithoutStatus,
}

#[test]
fn a_crash_loop_of_tasks_that_ran_ends_at_the_deadline_whatever_its_breaker_does() {
    for enable in [true, false] {
        for starts in [
            Starts::Once,
            Starts::EveryMinute,
            Starts::EveryMinuteWithoutStatus,
        ] {
            let at = format!("breaker {enable}, {starts:?}");
            let worker = worker().quantity(2).deploy(json!({
                "progressDeadline": "5m", "circuitBreaker": { "enable": enable },
            }));
            let app = app("acme").process("worker", worker);
            let mut world = settled(&staging(), &app);
            world.aws.by_hand().forget_failures("shop_acme_worker");
            world.aws.by_hand().loop_tasks(V2);
            world.apply(&app.image(V2));
            let begun = world.aws.now();
            while stopped(&world) == 0 && world.aws.now() < begun + 3_600 {
                match starts {
                    Starts::Once => {}
                    Starts::EveryMinute | Starts::EveryMinuteWithoutStatus => {
                        world.loses_status = matches!(starts, Starts::EveryMinuteWithoutStatus);
                        world.restart();
                    }
                }
                world.run(6);
            }
            let took = world.aws.now() - begun;
            assert!((300..=420).contains(&took), "{at}: {took} s");
            world.loses_status = false;
            world.settle();
            assert_eq!(stopped(&world), 1, "{at}");
            let reason = world.reason("shop/acme");
            assert!(reason.starts_with("RolloutFailed: "), "{at}: {reason}");
        }
    }
}

#[test]
fn ecs_itself_gives_up_on_workers_that_run_and_end() {
    let app = app("acme").process("worker", worker().quantity(2));
    let mut world = settled(&staging(), &app);
    world.aws.by_hand().loop_tasks(V2);
    world.apply(&app.image(V2));
    world.run(30);
    assert_eq!(stopped(&world), 0);
    let reason = world.reason("shop/acme");
    assert!(reason.contains("circuit breaker"), "{reason}");
}

/// As it is with a rollout that was begun by a release of the controller that kept no progress.
#[test]
fn a_rollout_of_which_nothing_is_known_counts_from_its_creation() {
    let app = app("acme").process("worker", minutes(worker().quantity(2), 5));
    let mut world = settled(&staging(), &app);
    world.aws.by_hand().set_pace(15, 900);
    world.apply(&app.image(V2));
    world.run(40);
    assert_eq!(stopped(&world), 0);
    // A task that is lost, and none of it is known: neither that there were two.
    world.loses_status = true;
    world.restart();
    world.aws.by_hand().loop_tasks(V2);
    world.run(10);
    assert_eq!(stopped(&world), 1);
}
