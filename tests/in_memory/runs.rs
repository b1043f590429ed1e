//! One-off runs: a task that is started once, beside all else of its App.

mod lost;
mod random;

use empire_controller::api::run::RunPhase;
use serde_json::{Value, json};

use crate::fake_aws::{Disturbance, Fate, Write};
use crate::fixtures::{acme, process, staging};
use crate::golden;
use crate::releases::releasing;
use crate::world::{OneRun, World};
use crate::write_counts::{check, settled};

const KEY: &str = "shop/acme";
const HOUR: u64 = 3_600;

fn console() -> Value {
    json!({ "app": "acme", "process": "worker", "command": "./bin/console --fix", "env": { "DRY": "no" } })
}

fn with(field: &str, value: Value) -> Value {
    let mut spec = console();
    spec[field] = value;
    spec
}

/// The tasks that were started, in all, and those that have not ended.
fn tasks(world: &World) -> (usize, usize) {
    world.aws.by_hand().tasks()
}

fn world() -> World {
    settled(&staging(), &acme())
}

/// The writes for what is done to the world.
fn written<T>(world: &mut World, act: impl FnOnce(&mut World) -> T) -> (T, Vec<Write>) {
    let before = world.aws.writes().len();
    let done = act(world);
    (done, world.aws.writes().split_off(before))
}

#[track_caller]
fn ends(world: &mut World, spec: &Value, fates: &[Fate]) -> OneRun {
    world.aws.by_hand().run_tasks(fates);
    let mut one = OneRun::new(world, "console", spec);
    world.finish_run(&mut one);
    one
}

#[test]
fn is_one_write_and_ends_with_the_exit_code_of_its_command() {
    let mut world = world();
    let (one, writes) = written(&mut world, |world| ends(world, &console(), &[Fate::Exits(0)]));
    check(&writes, 1);
    assert_eq!(writes[0].action, "ecs:RunTask");
    let status = one.status().clone();
    assert_eq!(
        (status.phase, status.exit_code),
        (Some(RunPhase::Succeeded), Some(0))
    );
    assert!(
        status.task.unwrap().contains(":task/default/"),
        "{:?}",
        one.status()
    );
    assert!(status.started_at.is_some() && status.finished_at.is_some());
    assert_eq!(status.overrides.unwrap().command, ["./bin/console", "--fix"]);
    let request = status.attempt.unwrap().request;
    assert_eq!(
        (&*request.process, &*request.token),
        ("worker", "run-uid-of-console-1")
    );
    assert!(
        request
            .task_definition
            .ends_with("task-definition/shop_acme_worker:1")
    );
    assert_eq!(one.events, ["RunStarted", "RunCompleted"]);
    assert_eq!(one.run.metadata.finalizers, None, "nothing of it is left in AWS");
    // Nothing of the App has moved.
    check(&world.settle(), 0);
    world.assert_ready();
}

#[test]
fn is_recorded_with_its_finalizer_before_it_is_started() {
    let mut world = world();
    let mut one = OneRun::new(&world, "console", &console());
    world.step_run(&mut one);
    assert_eq!(one.told(), "Pending RunStarting: its task is to be started");
    assert!(one.status().attempt.is_some() && one.run.metadata.finalizers.is_some());
    assert_eq!(tasks(&world), (0, 0));
    world.step_run(&mut one);
    assert_eq!(tasks(&world), (1, 1));

    // A status that cannot be written starts none.
    let mut other = OneRun::new(&world, "other", &console());
    other.refuses_status = true;
    for _ in 0..10 {
        world.step_run(&mut other);
    }
    assert_eq!(tasks(&world).0, 1);
}

#[test]
fn a_command_that_fails_is_not_run_again() {
    let mut world = world();
    let one = ends(&mut world, &console(), &[Fate::Exits(3)]);
    assert_eq!(
        one.told(),
        "Failed RunFailed: exit code 3: Essential container in task exited"
    );
    assert_eq!(one.status().exit_code, Some(3));
    assert_eq!(tasks(&world).0, 1);
    let mut again = one;
    again.restart(&world);
    world.aws.advance(2 * HOUR);
    assert!(world.step_run(&mut again) && !world.step_run(&mut again));
    assert_eq!(tasks(&world).0, 1);
}

#[test]
fn one_whose_end_has_no_exit_code_has_failed() {
    let mut world = world();
    let one = ends(&mut world, &console(), &[Fate::Lost]);
    assert!(
        one.told().starts_with("Failed RunFailed: no exit code"),
        "{}",
        one.told()
    );
}

/// Also where its program makes 0 of the signal.
#[test]
fn one_that_was_stopped_before_its_end_has_failed() {
    let mut world = world();
    let one = ends(&mut world, &console(), &[Fate::Interrupted]);
    let begins =
        "Failed RunFailed: it was stopped before its end: exit code 0: Your Spot Task was interrupted.";
    assert!(one.told().starts_with(begins), "{}", one.told());
    assert_eq!(tasks(&world).0, 1);
}

#[test]
fn a_command_that_wants_a_shell_is_told_of_once() {
    let mut world = world();
    let one = ends(
        &mut world,
        &with("command", json!("rake a && rake b")),
        &[Fate::Exits(0)],
    );
    assert_eq!(one.events, ["ShellSyntax", "RunStarted", "RunCompleted"]);
}

/// What ran nothing is no second run.
#[test]
fn what_never_started_is_started_again_within_its_time() {
    let mut world = world();
    let fates = [
        Fate::NeverStarts,
        Fate::Refused("RESOURCE:MEMORY"),
        Fate::Exits(0),
    ];
    let one = ends(&mut world, &console(), &fates);
    assert_eq!(one.status().phase, Some(RunPhase::Succeeded));
    assert_eq!(one.status().attempt.as_ref().unwrap().number, 3);

    let mut world = self::world();
    let fates = vec![Fate::Refused("RESOURCE:MEMORY"); 60];
    let one = ends(&mut world, &with("timeout", json!("2m")), &fates);
    assert_eq!(
        one.told(),
        "Failed DeadlineExceeded: it was not started within 120 s: RESOURCE:MEMORY"
    );
    assert_eq!(tasks(&world), (0, 0));
}

#[test]
fn one_that_takes_too_long_is_stopped_and_has_failed() {
    let mut world = world();
    let spec = with("timeout", json!("90s"));
    let (one, writes) = written(&mut world, |world| ends(world, &spec, &[Fate::Hangs]));
    assert!(
        one.told()
            .starts_with("Failed DeadlineExceeded: it did not end within 90 s, and was stopped"),
        "{}",
        one.told()
    );
    assert_eq!(tasks(&world), (1, 0));
    let actions: Vec<_> = writes.iter().map(|write| write.action).collect();
    assert_eq!(actions, ["ecs:RunTask", "ecs:StopTask"]);
}

#[test]
fn deleting_it_stops_its_task_and_waits_for_that() {
    let mut world = world();
    world.aws.by_hand().run_tasks(&[Fate::Hangs]);
    let mut one = OneRun::new(&world, "console", &console());
    for _ in 0..4 {
        world.step_run(&mut one);
    }
    assert_eq!(one.status().phase, Some(RunPhase::Running));
    one.delete(&world);
    world.step_run(&mut one);
    assert!(!one.is_gone, "its task goes on for a moment");
    while world.step_run(&mut one) {}
    assert!(one.is_gone);
    assert_eq!(tasks(&world), (1, 0));
    assert_eq!(one.events, ["RunStarted", "RunStopped"]);
}

#[test]
fn one_that_was_never_recorded_or_has_ended_goes_at_once() {
    let mut world = world();
    let mut one = OneRun::new(&world, "console", &json!({ "app": "other", "process": "web" }));
    world.step_run(&mut one);
    assert_eq!(
        one.told(),
        "Pending AppNotFound: there is no App other in this namespace"
    );
    one.delete(&world);
    world.step_run(&mut one);
    assert!(one.is_gone);
    let mut ended = ends(&mut world, &console(), &[]);
    ended.delete(&world);
    let ((), writes) = written(&mut world, |world| {
        world.step_run(&mut ended);
    });
    assert!(ended.is_gone);
    check(&writes, 0);
}

/// As a deleted App takes its Runs along, the App is gone when they are deleted.
#[test]
fn it_is_stopped_although_its_app_is_gone() {
    let mut world = world();
    world.aws.by_hand().run_tasks(&[Fate::Hangs]);
    let mut one = OneRun::new(&world, "console", &console());
    for _ in 0..4 {
        world.step_run(&mut one);
    }
    world.delete(KEY);
    world.settle();
    assert!(!world.holds(KEY));
    one.delete(&world);
    while world.step_run(&mut one) {}
    assert!(one.is_gone);
    assert_eq!(tasks(&world), (1, 0));
}

#[test]
fn nothing_is_started_for_a_suspended_app_and_what_runs_goes_on() {
    let mut world = world();
    world.apply(&acme().suspended());
    world.settle();
    let mut one = OneRun::new(&world, "console", &console());
    for _ in 0..5 {
        world.step_run(&mut one);
    }
    assert_eq!(
        one.told(),
        "Pending Suspended: App acme is suspended, and nothing is started for it"
    );
    assert_eq!(tasks(&world), (0, 0));
    world.apply(&acme());
    world.settle();
    world.step_run(&mut one);
    world.step_run(&mut one);
    assert_eq!(tasks(&world), (1, 1));
    world.apply(&acme().suspended());
    world.finish_run(&mut one);
    assert_eq!(one.status().phase, Some(RunPhase::Succeeded));
}

#[test]
fn waits_until_its_process_is_registered() {
    let mut world = World::new(&staging());
    world.apply(&acme());
    let mut one = OneRun::new(&world, "console", &console());
    world.step_run(&mut one);
    assert!(one.told().starts_with("Pending NotReleased: "), "{}", one.told());
    world.settle();
    world.finish_run(&mut one);
    assert_eq!(one.status().phase, Some(RunPhase::Succeeded));
}

#[test]
fn what_can_never_be_fails_at_once_and_makes_nothing() {
    let mut world = world();
    let spec = json!({ "app": "acme", "command": "./bin/console" });
    let (one, writes) = written(&mut world, |world| ends(world, &spec, &[]));
    assert!(
        one.told()
            .starts_with("Failed InvalidSpec: process: App acme has several processes"),
        "{}",
        one.told()
    );
    check(&writes, 0);
    assert_eq!(one.run.metadata.finalizers, None);
}

/// The App may have been edited a moment before, and the cache not show it yet.
#[test]
fn waits_for_a_process_that_its_app_does_not_have_yet() {
    let mut world = world();
    let spec = json!({ "app": "acme", "process": "migrate", "command": "./bin/migrate" });
    let mut one = OneRun::new(&world, "console", &spec);
    world.step_run(&mut one);
    assert_eq!(
        one.told(),
        "Pending NotReleased: App acme: process: App acme has no process migrate: it has web, worker"
    );
    world.apply(&acme().process("migrate", crate::fixtures::worker()));
    world.settle();
    world.finish_run(&mut one);
    assert_eq!(one.status().phase, Some(RunPhase::Succeeded));
}

/// A new start would have what was taken away meanwhile.
#[test]
fn what_never_started_is_not_started_again_for_a_suspended_app() {
    let mut world = world();
    world.aws.by_hand().run_tasks(&[Fate::NeverStarts]);
    let mut one = OneRun::new(&world, "console", &console());
    world.step_run(&mut one);
    world.step_run(&mut one);
    assert_eq!(tasks(&world), (1, 1));
    world.apply(&acme().suspended());
    world.aws.advance(60);
    for _ in 0..5 {
        world.step_run(&mut one);
    }
    assert_eq!(tasks(&world), (1, 0));
    assert!(one.told().starts_with("Pending Suspended: "), "{}", one.told());
    world.apply(&acme());
    world.settle();
    world.finish_run(&mut one);
    assert_eq!(one.status().phase, Some(RunPhase::Succeeded));
    assert_eq!(tasks(&world), (2, 0));
}

/// While new content is released, a Run has that which serves.
#[test]
fn runs_the_revision_that_serves() {
    let mut world = settled(&staging(), &releasing());
    world.aws.by_hand().run_tasks(&[Fate::Hangs]);
    world.apply(&releasing().image("registry.example/acme:v2"));
    world.run_seconds(120);
    let mut one = OneRun::new(&world, "console", &console());
    world.step_run(&mut one);
    let request = one.status().attempt.clone().unwrap().request;
    assert!(
        request.task_definition.ends_with("shop_acme_worker:1"),
        "{request:?}"
    );
}

/// Both have tasks of the family of the process.
#[test]
fn is_not_taken_for_the_release_phase_nor_the_other_way_round() {
    let mut world = settled(&staging(), &releasing());
    let migrate = json!({ "app": "acme", "process": "migrate", "command": "./bin/check" });
    world.aws.by_hand().run_tasks(&[Fate::Hangs, Fate::Exits(0)]);
    let mut one = OneRun::new(&world, "console", &migrate);
    for _ in 0..4 {
        world.step_run(&mut one);
    }
    assert_eq!(one.status().phase, Some(RunPhase::Running));
    world.apply(&releasing().image("registry.example/acme:v2"));
    world.settle();
    world.assert_ready();
    world.step_run(&mut one);
    assert_eq!(one.status().phase, Some(RunPhase::Running));
    one.delete(&world);
    while world.step_run(&mut one) {}
    assert_eq!(tasks(&world), (3, 0));
}

#[test]
fn counts_against_the_limits_of_its_namespace_until_it_has_ended() {
    let limited = |tasks: i32| {
        staging().granting(&[json!({
            "namespaceSelector": {}, "images": ["*"], "limits": { "tasks": tasks },
        })])
    };
    let small = || {
        acme()
            .without("web")
            .process("worker", process("./bin/worker").quantity(2))
    };
    let mut world = settled(&limited(2), &small());
    let mut one = OneRun::new(&world, "console", &console());
    world.step_run(&mut one);
    assert!(one.told().starts_with("Pending NotAllowed: "), "{}", one.told());
    assert!(one.told().contains("tasks"), "{}", one.told());
    world.set_platform(&limited(3));
    world.settle();
    world.finish_run(&mut one);
    assert_eq!(one.status().phase, Some(RunPhase::Succeeded));
    assert!(one.sibling().is_none());

    // What is under way leaves an App no room.
    world.aws.by_hand().run_tasks(&[Fate::Hangs]);
    let mut one = OneRun::new(&world, "other", &console());
    for _ in 0..4 {
        world.step_run(&mut one);
    }
    world.runs.extend(one.sibling());
    world.apply(&small().process("worker", process("./bin/worker").quantity(3)));
    world.settle();
    assert!(
        world.reason(KEY).starts_with("NotAllowed"),
        "{}",
        world.reason(KEY)
    );
}

#[test]
fn is_deleted_some_time_after_its_end_if_it_says_so() {
    let mut world = world();
    let mut one = ends(&mut world, &with("ttlAfterFinished", json!("10m")), &[]);
    let ended = world.aws.now();
    while world.step_run(&mut one) {}
    assert!(one.is_gone);
    assert_eq!(world.aws.now() - ended, 600);
    let mut kept = ends(&mut world, &console(), &[]);
    while world.step_run(&mut kept) {}
    assert!(!kept.is_gone);
}

/// Lives of Runs, each told by what changes.
#[test]
fn lives_of_runs() {
    let mut lines: Vec<String> = Vec::new();
    let mut tell = |title: &str, spec: &Value, fates: &[Fate], deletes: bool| {
        let mut world = world();
        world.aws.by_hand().run_tasks(fates);
        let mut one = OneRun::new(&world, "console", spec);
        let (begun, mut seen, mut said) = (world.aws.now(), world.aws.writes().len(), String::new());
        lines.extend([format!("# {title}"), String::new()]);
        for _ in 0..1_000 {
            if one.is_over() {
                break;
            }
            let goes_on = world.step_run(&mut one);
            let now = world.aws.now() - begun;
            let writes = world.aws.writes().split_off(seen);
            seen += writes.len();
            for write in writes {
                lines.push(format!("{now:>4} s  {}", write.action));
            }
            if !one.is_gone && one.told() != said {
                said = one.told();
                lines.push(format!("{now:>4} s  {said}"));
            }
            if deletes && one.status().phase == Some(RunPhase::Running) {
                lines.push(format!("{now:>4} s  (deleted)"));
                one.delete(&world);
                while world.step_run(&mut one) {}
            }
            if !goes_on {
                break;
            }
        }
        for write in world.aws.writes().split_off(seen) {
            lines.push(format!("        {}", write.action));
        }
        let gone = if one.is_gone { ", and is gone" } else { "" };
        let events = format!("Events: {}{gone}", one.events.join(", "));
        lines.extend([events, String::new()]);
    };
    tell("It succeeds", &console(), &[Fate::Exits(0)], false);
    tell("It fails", &console(), &[Fate::Exits(3)], false);
    let full = [
        Fate::Refused("RESOURCE:MEMORY"),
        Fate::NeverStarts,
        Fate::Exits(0),
    ];
    tell(
        "Its instances are full, and its image cannot be pulled for a moment",
        &console(),
        &full,
        false,
    );
    tell(
        "It takes too long",
        &with("timeout", json!("90s")),
        &[Fate::Hangs],
        false,
    );
    tell("It is deleted while it runs", &console(), &[Fate::Hangs], true);
    tell(
        "It asks for what can never be",
        &with("command", json!("rake 'db:migrate")),
        &[],
        false,
    );
    golden::reads(&(lines.join("\n") + "\n"), "runs.txt");
}

#[test]
fn says_why_aws_does_not_start_it_and_starts_it_once_it_does() {
    let mut world = world();
    let denied = Disturbance::Refusal("AccessDeniedException", "not authorized");
    world.aws.disturb("ecs:RunTask", "", denied);
    let mut one = OneRun::new(&world, "console", &with("timeout", json!("12h")));
    for _ in 0..20 {
        world.step_run(&mut one);
    }
    assert!(
        one.told().starts_with("Pending AccessDenied: ecs:RunTask"),
        "{}",
        one.told()
    );
    // For hours: what is clearly refused was not started.
    world.aws.advance(5 * HOUR);
    for _ in 0..5 {
        world.step_run(&mut one);
    }
    world.aws.calm();
    world.finish_run(&mut one);
    assert_eq!(one.status().phase, Some(RunPhase::Succeeded));
    assert_eq!(tasks(&world).0, 1);
}
