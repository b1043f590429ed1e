//! Schedules by themselves, and processes that change between a service, a schedule and neither.

use crate::model::desired::{Adopted, Desired};
use crate::model::name::schedule_name;
use crate::model::owner::Tags;
use crate::model::schedule::ScheduleState;
use crate::model::state::Observed;
use crate::plan::fixtures::world::{lines, pass};
use crate::plan::fixtures::{Process, app, arn, nothing, owner, owner_of, process, settled};
use crate::plan::tests::converge;

const AT_3: &str = "cron(0 3 * * ? *)";
const AT_4: &str = "cron(0 4 * * ? *)";
const RUNS: &str = "nightly:v1 (256 CPU units, 512 MiB, 1 variables)";

fn nightly() -> Process {
    process("nightly").at(AT_3)
}

fn short(text: &str) -> String {
    let group = crate::model::name::schedule_group("installation-1");
    text.replace(&name(), "NIGHTLY").replace(&group, "GROUP")
}

fn name() -> String {
    schedule_name(&owner(), "nightly")
}

#[track_caller]
fn check(desired: &Desired, observed: &Observed, expected: &[&str]) {
    let lines: Vec<String> = lines(desired, observed).iter().map(|line| short(line)).collect();
    assert_eq!(lines, expected);
}

#[track_caller]
fn check_pass(desired: &Desired, observed: &mut Observed, expected: &[&str]) {
    let lines: Vec<String> = pass(desired, observed).iter().map(|line| short(line)).collect();
    assert_eq!(lines, expected);
}

fn schedule(observed: &mut Observed) -> &mut ScheduleState {
    observed.schedules.get_mut(&name()).unwrap()
}

#[test]
fn the_group_and_what_it_starts_come_before_the_schedule() {
    let mut world = nothing();
    let wanted = app([nightly()]);
    check_pass(
        &wanted,
        &mut world,
        &[
            &format!("register task definition shop_acme_nightly with {RUNS}"),
            "create schedule group GROUP",
            &format!("create schedule NIGHTLY at {AT_3} Europe/Berlin, starting {RUNS}"),
        ],
    );
    check(&wanted, &world, &[]);
    check(&wanted, &settled(&wanted), &[]);
    check_pass(&app([]), &mut world, &["delete schedule NIGHTLY"]);
    // The group is the whole installation's.
    assert!(world.schedule_group.is_some());
    check(&app([]), &world, &[]);
}

#[test]
fn what_differs_is_set_again_in_one_update() {
    let wanted = app([nightly()]);
    let update = |change: fn(&mut ScheduleState), expected: &str| {
        let mut world = settled(&wanted);
        change(schedule(&mut world));
        check(
            &wanted,
            &world,
            &[&format!("update schedule NIGHTLY: {expected}")],
        );
        pass(&wanted, &mut world);
        check(&wanted, &world, &[]);
    };
    let at = format!("at {AT_3} Europe/Berlin");
    update(|found| found.expression = Some(AT_4.into()), &at);
    update(|found| found.time_zone = Some("UTC".into()), &at);
    update(|found| found.enabled = Some(false), "enabled");
    update(
        |found| found.role_arn = Some("other".into()),
        "as role arn:aws:iam::123456789012:role/scheduler",
    );
    update(
        |found| found.cluster = Some(arn("cluster", "other")),
        "in its Platform's cluster",
    );
    update(
        |found| found.task_definition = Some(arn("definition", "other")),
        &format!("starting {RUNS}"),
    );
    update(
        |found| found.is_usual = false,
        "as ours are: one task at each time, at once, with our retries",
    );
}

#[test]
fn a_field_that_the_reply_left_out_is_no_drift() {
    let wanted = app([nightly()]);
    let mut world = settled(&wanted);
    let found = schedule(&mut world);
    *found = ScheduleState {
        expression: None,
        time_zone: None,
        enabled: None,
        role_arn: None,
        cluster: None,
        capacity: None,
        placement: None,
        ..found.clone()
    };
    check(&wanted, &world, &[]);
}

#[test]
fn a_new_image_is_registered_before_the_schedule_starts_it() {
    let mut world = settled(&app([nightly()]));
    let content = "nightly:v2 (256 CPU units, 512 MiB, 1 variables)";
    check_pass(
        &app([nightly().image("nightly:v2")]),
        &mut world,
        &[
            &format!("register task definition shop_acme_nightly with {content}"),
            &format!("update schedule NIGHTLY: starting {content}"),
        ],
    );
}

#[test]
fn a_definition_that_was_deregistered_is_made_again_though_a_service_would_go_on() {
    let wanted = app([nightly()]);
    let mut world = settled(&wanted);
    for known in world.task_definitions.values_mut() {
        known.active = false;
    }
    check_pass(
        &wanted,
        &mut world,
        &[
            &format!("register task definition shop_acme_nightly with {RUNS}"),
            &format!("update schedule NIGHTLY: starting {RUNS}"),
        ],
    );
}

#[test]
fn a_process_started_by_hand_is_a_task_definition_and_nothing_else() {
    let wanted = app([process("nightly").by_hand()]);
    let mut world = nothing();
    check_pass(
        &wanted,
        &mut world,
        &[&format!("register task definition shop_acme_nightly with {RUNS}")],
    );
    check(&wanted, &settled(&wanted), &[]);
    check(&app([]), &world, &[]);
}

#[test]
fn a_process_changes_between_the_kinds_with_each_create_before_the_delete_it_replaces() {
    let kinds = [
        process("nightly"),
        process("nightly").internal(),
        nightly(),
        process("nightly").by_hand(),
    ];
    for from in &kinds {
        for to in &kinds {
            let (from, to) = (app([from.clone()]), app([to.clone()]));
            let mut world = settled(&from);
            converge(&to, &mut world);
            check(&to, &world, &[]);
            let (services, schedules) = (world.services.len(), world.schedules.len());
            let wanted = &to.processes["nightly"];
            assert_eq!(
                services,
                usize::from(wanted.service().is_some()),
                "{from:?} {to:?}"
            );
            assert_eq!(
                schedules,
                usize::from(wanted.schedule().is_some()),
                "{from:?} {to:?}"
            );
        }
    }
    let mut world = settled(&app([process("nightly")]));
    check_pass(
        &app([nightly()]),
        &mut world,
        &[
            "create schedule group GROUP",
            &format!("create schedule NIGHTLY at {AT_3} Europe/Berlin, starting {RUNS}"),
            "delete service shop_acme_nightly",
        ],
    );
    let mut world = settled(&app([nightly()]));
    check_pass(
        &app([process("nightly")]),
        &mut world,
        &[
            "create service shop_acme_nightly with 2 tasks",
            "delete schedule NIGHTLY",
        ],
    );
}

#[test]
fn a_group_without_our_owner_tag_is_left_alone_with_all_that_is_in_it() {
    let wanted = app([nightly()]);
    let mut world = settled(&wanted);
    world.schedule_group.as_mut().unwrap().tags = owner_of("installation-2", "shop", "acme").shared_tags();
    schedule(&mut world).enabled = Some(false);
    let conflict = "! nightly: schedule group GROUP exists and does not carry this installation's owner tag";
    check(&wanted, &world, &[conflict]);
    check(&app([]), &world, &[]);
    world.schedule_group.as_mut().unwrap().tags = Tags::new();
    check(&wanted, &world, &[conflict]);
}

#[test]
fn a_schedule_that_is_said_to_be_for_another_app_is_left_alone() {
    let wanted = app([nightly()]);
    let mut world = settled(&wanted);
    schedule(&mut world).description = owner_of("installation-1", "shop", "acme-2").record_text("nightly");
    schedule(&mut world).enabled = Some(false);
    let conflict = ["! nightly: schedule NIGHTLY exists and does not carry this App's ownership tags"];
    check(&wanted, &world, &conflict);
    check(&app([]), &world, &[]);
    let adopting = Desired {
        adopts: true,
        ..wanted
    };
    check(&adopting, &world, &conflict);
}

#[test]
fn what_an_app_retains_has_no_owner_until_another_adopts_it() {
    let wanted = app([nightly()]);
    let mut world = settled(&wanted);
    // As it is: somebody wanted it so.
    schedule(&mut world).enabled = Some(false);
    let before = world.clone();
    let Desired { owner, place, .. } = wanted.clone();
    check_pass(
        &Desired::retaining(owner, place),
        &mut world,
        &["untag schedule NIGHTLY (Retain)"],
    );
    let left = "empire.dev/app=shop/acme,empire.dev/process=nightly";
    assert_eq!(schedule(&mut world).description, left);
    schedule(&mut world).description = wanted.owner.record_text("nightly");
    assert_eq!(world.schedules, before.schedules);
    let adopting = Desired {
        adopts: true,
        ..wanted.clone()
    };
    // An older version left it without any.
    for (left, by) in [
        (left, " (App shop/acme has left it behind)"),
        (
            "empire.dev/app=blog/front,empire.dev/process=nightly",
            " (an App of another namespace has left it behind)",
        ),
        ("", ""),
    ] {
        let mut world = world.clone();
        (schedule(&mut world).description, schedule(&mut world).enabled) = (left.into(), Some(false));
        check(&app([]), &world, &[]);
        let conflict = format!(
            "! nightly: schedule NIGHTLY exists and does not carry this App's ownership tags, nor anybody's{by}: to take it \
             over, annotate the App with empire.dev/adopt: \"true\""
        );
        check(&wanted, &world, &[&conflict]);
        check_pass(
            &adopting,
            &mut world,
            &["update schedule NIGHTLY: enabled, taken over"],
        );
        check(&adopting, &world, &[]);
        // What others made stays when its process goes, also after an edit.
        let is_own = by.contains("shop/acme");
        assert_eq!(schedule(&mut world).is_adopted(), !is_own);
        schedule(&mut world).enabled = Some(false);
        check_pass(&adopting, &mut world, &["update schedule NIGHTLY: enabled"]);
        let without = |stays| Desired {
            adopted: Adopted {
                stays,
                may_be_there: false,
            },
            ..app([])
        };
        let deleted = ["delete schedule NIGHTLY"];
        check(&without(false), &world, &deleted);
        if is_own {
            check(&without(true), &world, &deleted);
        } else {
            check_pass(&without(true), &mut world, &["untag schedule NIGHTLY (Retain)"]);
            check(&without(true), &world, &[]);
            assert!(schedule(&mut world).is_adopted());
        }
    }
}

#[test]
fn a_group_that_somebody_deletes_is_waited_for() {
    let wanted = app([nightly()]);
    let mut world = settled(&wanted);
    world.schedule_group.as_mut().unwrap().is_deleting = true;
    check(
        &wanted,
        &world,
        &["~ nightly: waiting for schedule group GROUP to finish deleting"],
    );
}
