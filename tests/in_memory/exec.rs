//! ECS Exec: on and off in one write that rolls nothing, and which of the tasks have it.

use serde_json::json;

use empire_controller::api::app::ExecStatus;
use empire_controller::aws::EcsWrites;
use empire_controller::model::service::ServiceUpdate;

use crate::crash::{Operation, check as check_crashes};
use crate::fake_aws::{Disturbance, When};
use crate::fixtures::{AppFixture, PlatformFixture, ProcessFixture, acme, staging, worker};
use crate::strictness::{now, refused};
use crate::world::World;
use crate::write_counts::{check, check_edit_on, settled};

const KEY: &str = "shop/acme";
const WORKER: &str = "shop_acme_worker";
const ROLE: &str = "arn:aws:iam::123456789012:role/shop/acme";

fn open() -> PlatformFixture {
    staging().exec()
}

fn with(worker: ProcessFixture) -> AppFixture {
    acme().process("worker", worker).task_role(ROLE)
}

fn on() -> AppFixture {
    with(worker().exec(true))
}

/// What the status says of the worker.
fn said(world: &World) -> Option<ExecStatus> {
    let status = world.status(KEY);
    let mut processes = status.processes.iter();
    let worker = processes.find(|process| process.name == "worker").unwrap();
    assert_eq!(
        worker.exec_lacked_by.is_empty(),
        worker.exec != Some(ExecStatus::NextRollout)
    );
    worker.exec
}

fn is_on(world: &World) -> bool {
    world.aws.by_hand().exec(WORKER)
}

#[track_caller]
fn edit(world: &mut World, app: &AppFixture, writes: usize) {
    world.apply(app);
    check(&world.settle(), writes);
    world.assert_ready();
}

#[test]
fn on_and_off_are_a_write_each_and_roll_nothing() {
    for (from, to, expected) in [
        (with(worker()), on(), 1),
        (on(), with(worker().exec(false)), 1),
        (on(), with(worker()), 1),
        (with(worker()), with(worker().exec(false)), 0),
        // Along with a rollout.
        (with(worker()), with(worker().exec(true).env("A", "1")), 2),
        // And with the role that it needs.
        (acme(), on(), 4),
        (on(), acme(), 4),
    ] {
        check_edit_on(&open(), &from, &to, expected);
    }
    let mut created = World::new(&open());
    created.apply(&on());
    check(&created.settle(), 9);
}

#[test]
fn tasks_that_run_lack_it_until_their_next_rollout() {
    let mut world = settled(&open(), &with(worker()));
    assert_eq!(said(&world), None);
    edit(&mut world, &on(), 1);
    assert!(is_on(&world));
    assert_eq!(said(&world), Some(ExecStatus::NextRollout));
    world.restart();
    check(&world.settle(), 0);
    assert_eq!(said(&world), Some(ExecStatus::NextRollout));
    // Another number of tasks is no rollout: those that run still lack it.
    edit(&mut world, &with(worker().exec(true).quantity(3)), 1);
    assert_eq!(said(&world), Some(ExecStatus::NextRollout));
    edit(&mut world, &on().redeploy("1"), 2);
    assert_eq!(said(&world), Some(ExecStatus::Enabled));
    edit(&mut world, &with(worker()).redeploy("1"), 1);
    assert!(!is_on(&world));
    assert_eq!(said(&world), None);
}

#[test]
fn a_service_that_is_made_with_it_or_rolled_out_with_it_has_it_in_all_tasks() {
    let world = settled(&open(), &on());
    assert!(is_on(&world));
    assert_eq!(said(&world), Some(ExecStatus::Enabled));
    let mut world = settled(&open(), &with(worker()));
    edit(&mut world, &with(worker().exec(true).env("A", "1")), 2);
    assert_eq!(said(&world), Some(ExecStatus::Enabled));
}

/// The manifest that does not speak of it takes nothing from who has turned it on by other means, also after an upgrade.
#[test]
fn what_others_have_turned_on_stays_unless_the_manifest_speaks_of_it() {
    let mut world = settled(&open(), &with(worker()));
    world.aws.by_hand().set_exec(WORKER, true);
    world.restart();
    check(&world.settle(), 0);
    assert_eq!(said(&world), None);
    edit(&mut world, &with(worker().exec(false)), 1);
    assert!(!is_on(&world));

    let mut world = settled(&open(), &on());
    world.aws.by_hand().set_exec(WORKER, false);
    world.restart();
    check(&world.settle(), 1);
    assert!(is_on(&world));
    assert_eq!(said(&world), Some(ExecStatus::NextRollout));
}

/// That it was turned on here, the status says: without one, it takes a word in the manifest.
#[test]
fn it_is_turned_off_after_a_crash_and_left_alone_where_the_status_is_lost() {
    for (loses_status, app, stays) in [
        (false, with(worker()), false),
        (true, with(worker()), true),
        (true, with(worker().exec(false)), false),
    ] {
        let mut world = settled(&open(), &on());
        world.loses_status = loses_status;
        world.apply(&app);
        world.aws.disturb_write(0, Disturbance::Crash(When::Before));
        world.settle();
        assert_eq!(world.aws.disturbed(), 1);
        assert_eq!(is_on(&world), stays, "{loses_status}");
    }
}

/// It may be what somebody needs to see why.
#[test]
fn a_release_that_failed_holds_up_neither_on_nor_off() {
    let failed = |worker: ProcessFixture| with(worker.image("registry.example/bad:v2"));
    let mut world = settled(&open(), &with(worker()));
    world.aws.by_hand().break_tasks("registry.example/bad:v2");
    world.apply(&failed(worker()));
    world.settle();
    assert!(world.reason(KEY).starts_with("RolloutFailed"));
    for (on, worker) in [(true, worker().exec(true)), (false, worker().exec(false))] {
        world.apply(&failed(worker));
        check(&world.settle(), 1);
        assert_eq!(is_on(&world), on);
        assert!(world.reason(KEY).starts_with("RolloutFailed"));
        world.restart();
        check(&world.settle(), 0);
    }
}

/// ECS takes back the role with the release, and not that it is on.
#[test]
fn a_rollback_that_takes_the_role_away_leaves_a_service_that_can_be_scaled() {
    let mut world = settled(&open(), &acme());
    world.aws.by_hand().break_tasks("registry.example/bad:v2");
    let bad = || worker().exec(true).image("registry.example/bad:v2");
    world.apply(&with(bad()));
    world.settle();
    assert!(is_on(&world));
    world.apply(&with(bad().quantity(3)));
    check(&world.settle(), 1);
    assert_eq!(world.aws.desired_count(WORKER), Some(3));
    assert!(!is_on(&world));
    // It comes back with the role.
    world.apply(&on());
    world.settle();
    world.assert_ready();
    assert!(is_on(&world));
}

#[test]
fn a_release_goes_on_without_it_where_it_is_denied() {
    let mut world = settled(&open(), &with(worker()));
    world.apply(&with(worker().exec(true).image("registry.example/acme:v2")));
    // The first is the registration.
    let denied = Disturbance::Refusal("AccessDeniedException", "not authorized");
    world.aws.disturb_write(1, denied);
    world.run(1);
    let told = world.reason(KEY);
    assert!(told.contains("deploy/iam/exec.json"), "{told}");
    world.settle();
    world.assert_ready();
    assert!(is_on(&world));
    let writes = world.aws.writes();
    let about: Vec<&str> = writes.iter().map(|write| write.about.as_str()).collect();
    assert!(
        about.ends_with(&["shop_acme_worker shop_acme_worker:2", WORKER]),
        "{about:?}"
    );
}

#[test]
fn nobody_has_it_where_nobody_allows_it() {
    let mut world = World::new(&staging().tenants(&json!({})));
    world.apply(&on());
    check(&world.settle(), 0);
    assert_eq!(
        world.reason(KEY),
        "NotAllowed: process worker: exec: Platform staging does not allow true: tenancy.exec is not true"
    );
}

#[test]
fn without_a_role_for_its_tasks_it_is_refused_before_anything_is_made() {
    let mut world = World::new(&open());
    world.apply(&acme().process("worker", worker().exec(true)));
    check(&world.settle(), 0);
    let reason = world.reason(KEY);
    assert!(
        reason.starts_with("InvalidSpec: process worker: exec: needs the App's taskRoleArn"),
        "{reason}"
    );
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html>
#[test]
fn the_in_memory_aws_turns_it_on_for_no_tasks_without_a_role() {
    let world = settled(&open(), &acme());
    let update = ServiceUpdate {
        exec: Some(true),
        ..ServiceUpdate::default()
    };
    let writes = now(world.aws.update_service("default", WORKER, &update, None, None));
    refused(writes, "InvalidParameterException", "a valid taskRoleArn");
}

#[test]
fn arrives_when_killed_while_it_is_turned_on_and_off() {
    let mut points = 0;
    for (name, before, after) in [
        ("on", with(worker()), on()),
        ("off", on(), with(worker().exec(false))),
        (
            "with a rollout",
            with(worker()),
            with(worker().exec(true).env("A", "1")),
        ),
        ("with its role", acme(), on()),
    ] {
        let edit = move |world: &mut World| world.apply(&after);
        points += check_crashes(name, &Operation::new(open(), Some(before), edit));
    }
    println!("turning ECS Exec on and off: {points} disturbances");
}
