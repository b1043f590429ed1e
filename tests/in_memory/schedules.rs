//! Processes that no service runs: by the clock, or by hand. Their stories, what they cost, and every way to kill the
//! controller on the way.

use empire_controller::model::owner::Tags;

use crate::crash::{self, Operation};
use crate::fake_aws::Disturbance;
use crate::fixtures::{AppFixture, ProcessFixture, app, process, staging, web, worker};
use crate::stories::Story;
use crate::world::World;
use crate::write_counts::{check, check_edit, settled};

fn nightly() -> ProcessFixture {
    process("./bin/nightly").cron("0 3 * * ? *")
}

fn console() -> ProcessFixture {
    process("bin/rails console").noservice()
}

fn acme() -> AppFixture {
    app("acme").process("nightly", nightly())
}

fn with_service() -> AppFixture {
    app("acme").process("nightly", process("./bin/nightly").quantity(1))
}

fn by_hand() -> AppFixture {
    app("acme").process("nightly", process("./bin/nightly").noservice())
}

#[test]
fn a_cron_process_lives_and_goes() {
    let weekdays = || {
        process("./bin/nightly")
            .cron("*/15 8-17 * * 1-5")
            .time_zone("Europe/Berlin")
    };
    Story::on(&staging().tag("cost-center", "42"))
        .then("six fields", |world| world.apply(&acme()))
        .then("five fields, and a time zone", |world| {
            world.apply(&app("acme").process("nightly", weekdays()));
        })
        .then("the same in AWS's words", |world| {
            let same = process("./bin/nightly")
                .cron("cron(0/15 8-17 ? * mon-fri *)")
                .time_zone("Europe/Berlin");
            world.apply(&app("acme").process("nightly", same));
        })
        .then("a new image", |world| {
            world.apply(
                &app("acme")
                    .image("registry.example/acme:v2")
                    .process("nightly", weekdays()),
            );
        })
        .then("a second one", |world| {
            world.apply(&acme().process("hourly", process("./bin/hourly").cron("@hourly")));
        })
        .shows_the_world()
        .then("the first is removed", |world| {
            world.apply(&app("acme").process("hourly", process("./bin/hourly").cron("@hourly")));
        })
        .then("text that means nothing", |world| {
            world.apply(&app("acme").process("hourly", process("./bin/hourly").cron("0 3 1 * MON")));
        })
        .then("the App is deleted", |world| world.delete("shop/acme"))
        .shows_the_world()
        .reads("cron.txt");
}

#[test]
fn a_process_that_is_run_by_hand_is_a_task_definition() {
    let console = || app("acme").process("console", console());
    Story::on(&staging())
        .then("created", |world| world.apply(&console()))
        .then("a new image", |world| {
            world.apply(&console().image("registry.example/acme:v2"));
        })
        .then("the old image again", |world| world.apply(&console()))
        .then("the App is deleted", |world| world.delete("shop/acme"))
        .shows_the_world()
        .reads("noservice.txt");
}

#[test]
fn a_process_changes_what_runs_it() {
    Story::on(&staging())
        .then("a service", |world| world.apply(&with_service()))
        .then("becomes a schedule", |world| world.apply(&acme()))
        .then("becomes a service again", |world| {
            world.apply(&with_service());
        })
        .then("becomes a task definition", |world| world.apply(&by_hand()))
        .then("becomes a schedule", |world| world.apply(&acme()))
        .then("becomes a task definition again", |world| world.apply(&by_hand()))
        .then("becomes a service", |world| world.apply(&with_service()))
        .then("web, exposed", |world| {
            world.apply(&app("acme").process("web", web().external()));
        })
        .then("web by the clock", |world| {
            world.apply(&app("acme").process("web", process("./bin/web").cron("0 3 * * *")));
        })
        .shows_the_world()
        .reads("what-runs-it.txt");
}

#[test]
fn a_group_that_is_not_ours_is_a_conflict() {
    Story::on(&staging())
        .then("somebody's group has our name", |world| {
            world.aws.by_hand().foreign_schedule_group(Tags::new());
            world.apply(&acme().process("worker", worker()));
        })
        .then("the App is deleted", |world| world.delete("shop/acme"))
        .shows_the_world()
        .reads("foreign-schedule-group.txt");
}

#[test]
fn apps_whose_names_begin_alike_keep_off_each_others_schedules() {
    let long = "acme-accounting-and-more";
    let nightly = |name: &str| app(name).process("nightly", nightly());
    Story::on(&staging())
        .then("three of them", |world| {
            world.apply(&nightly(long));
            world.apply(&nightly("acme-accounting-and-less"));
            world.apply(&nightly(long).namespace("blog"));
        })
        .shows_the_world()
        .then("one of them changes", |world| {
            let other = process("./bin/nightly").cron("0 4 * * ? *");
            world.apply(&app(long).process("nightly", other));
        })
        .then("and goes", |world| world.delete(&format!("shop/{long}")))
        .shows_the_world()
        .reads("schedules-alike.txt");
}

#[test]
fn what_hands_change_of_a_schedule_is_repaired() {
    Story::on(&staging())
        .then("as it was", |world| world.apply(&acme()))
        .then("disabled by hand", |world| {
            let mut console = world.aws.by_hand();
            console.change_schedules(|found| found.enabled = Some(false));
            drop(console);
            world.restart();
        })
        .then("deleted by hand", |world| {
            world.aws.by_hand().delete_schedules();
            world.restart();
        })
        .then("what it starts deregistered by hand", |world| {
            world.aws.by_hand().deregister_task_definitions();
            world.restart();
        })
        .then("the group deleted by hand", |world| {
            world.aws.by_hand().delete_schedule_group();
            world.restart();
        })
        .reads("repaired-schedules.txt");
}

#[test]
fn an_app_leaves_its_schedule_and_another_takes_it_over() {
    Story::on(&staging())
        .then("created, to leave things behind", |world| {
            world.apply(&acme().retained());
        })
        .then("deleted", |world| world.delete("shop/acme"))
        .shows_the_world()
        .then("made again, without it", |world| {
            world.apply(&app("acme").process("console", console()));
        })
        .then("with it", |world| world.apply(&acme()))
        .then("told to take over", |world| world.apply(&acme().adopting()))
        .then("deleted for good", |world| world.delete("shop/acme"))
        .shows_the_world()
        .reads("retained-schedules.txt");
}

#[test]
fn the_status_says_what_starts_when() {
    let mut world = World::new(&staging());
    let weekly = process("./bin/weekly")
        .cron("0 3 * * 0")
        .time_zone("europe/berlin");
    world.apply(
        &app("acme")
            .process("weekly", weekly)
            .process("console", console()),
    );
    world.settle();
    world.assert_ready();
    let status = world.status("shop/acme");
    assert_eq!(status.processes_complete.as_deref(), Some("0/0"));
    let [console, weekly] = status.processes.as_slice() else {
        panic!("{status:?}")
    };
    let definition = |process: &str| {
        Some(format!(
            "arn:aws:ecs:us-east-1:123456789012:task-definition/shop_acme_{process}:1"
        ))
    };
    assert_eq!(console.task_definition, definition("console"));
    assert_eq!(console.schedule, None);
    assert_eq!(weekly.task_definition, definition("weekly"));
    let schedule = weekly.schedule.as_ref().unwrap();
    assert!(schedule.name.starts_with("acme-weekly-"));
    assert_eq!(
        (schedule.expression.as_str(), schedule.time_zone.as_str()),
        ("cron(0 3 ? * SUN *)", "Europe/Berlin")
    );
}

#[test]
fn costs_what_it_must() {
    let mut world = World::new(&staging());
    world.apply(&acme());
    // The group, once per installation.
    check(&world.settle(), 3);
    world.apply(&acme().process("hourly", process("./bin/hourly").cron("@hourly")));
    check(&world.settle(), 2);
    world.apply(
        &app("other")
            .process("nightly", nightly())
            .process("console", console()),
    );
    check(&world.settle(), 3);
    world.delete("shop/acme");
    check(&world.settle(), 2);

    check_edit(&acme(), &acme().image("registry.example/acme:v2"), 2);
    check_edit(&by_hand(), &by_hand().image("registry.example/acme:v2"), 1);
    let at_4 = process("./bin/nightly").cron("0 4 * * ? *");
    check_edit(&acme(), &app("acme").process("nightly", at_4), 1);
    let in_berlin = nightly().time_zone("Europe/Berlin");
    check_edit(&acme(), &app("acme").process("nightly", in_berlin), 1);
    check_edit(
        &acme(),
        &app("acme").process("nightly", process("./bin/nightly").cron("0 3 * * *")),
        0,
    );
    check_edit(&acme(), &app("acme").process("console", console()), 2);
    // The task definition is the same, and the group there.
    check_edit(&acme(), &with_service(), 2);
    check_edit(&acme(), &by_hand(), 1);
    check_edit(&by_hand(), &with_service(), 1);
    check_edit(&with_service(), &by_hand(), 1);
    check_edit(&with_service(), &acme(), 3);
}

#[test]
fn a_restart_costs_nothing_and_few_reads() {
    let whole = acme().process("console", console()).process("worker", worker());
    let mut world = settled(&staging(), &whole);
    for loses_status in [false, true] {
        world.loses_status = loses_status;
        world.restart();
        world.run(1);
        let reads = &world.reads;
        let of = |service: &str| reads.iter().filter(|read| read.starts_with(service)).count();
        assert_eq!(of("scheduler:"), 4, "{reads:#?}");
        assert_eq!(of("ecs:DescribeTaskDefinition"), 3, "{reads:#?}");
        check(&world.settle(), 0);
    }
    // An App that neither has nor wants any does not ask.
    let mut world = settled(&staging(), &app("acme").process("worker", worker()));
    world.restart();
    world.run(1);
    assert_eq!(
        world
            .reads
            .iter()
            .filter(|read| read.starts_with("scheduler:"))
            .count(),
        0
    );
}

#[test]
fn another_installation_with_an_app_of_that_name_makes_nobody_register_again_and_again() {
    let mut world = settled(&staging(), &by_hand());
    let theirs = Tags::from([("empire.dev/owner".into(), "installation-2".into())]);
    world
        .aws
        .by_hand()
        .register_for_another("shop_acme_nightly", theirs);
    world.restart();
    check(&world.settle(), 0);
    // Only the status knows which of the family is ours.
    world.loses_status = true;
    world.restart();
    check(&world.settle(), 1);
    world.loses_status = false;
    world.restart();
    check(&world.settle(), 0);
}

#[test]
fn a_cluster_that_another_pass_was_faster_in_is_looked_at_again() {
    let mut world = World::new(&staging());
    world.apply(&acme());
    let shared = |console: &mut crate::fake_aws::Console<'_>| {
        let tags = Tags::from([("empire.dev/owner".into(), "installation-1".into())]);
        console.foreign_schedule_group(tags);
    };
    world.aws.on_next_write("scheduler:CreateScheduleGroup", shared);
    world.settle();
    world.assert_ready();
}

#[test]
fn a_platform_without_a_scheduler_role_runs_no_cron() {
    let mut world = World::new(&staging().without_scheduler_role());
    world.apply(&acme());
    world.settle_or_not();
    assert_eq!(
        world.reason("shop/acme"),
        "InvalidSpec: process nightly: cron: Platform staging has no tasks.schedulerRoleArn, by which EventBridge \
         Scheduler starts the tasks"
    );
}

#[test]
fn a_denied_list_is_an_obstacle_that_the_operator_takes_away() {
    let mut world = World::new(&staging());
    world.apply(&acme());
    world.aws.disturb_read(
        "scheduler:ListSchedules",
        Disturbance::Refusal("AccessDeniedException", "not authorized"),
    );
    world.settle_or_not();
    let reason = world.reason("shop/acme");
    assert!(
        reason.starts_with("AccessDenied: ") && reason.contains("scheduler:ListSchedules"),
        "{reason}"
    );
    world.aws.calm();
    world.settle();
    world.assert_ready();
}

#[test]
fn arrives_wherever_it_is_killed() {
    let all = acme().process("console", console()).process("worker", worker());
    let edit = |to: AppFixture| move |world: &mut World| world.apply(&to);
    let at_4 = process("./bin/nightly").cron("0 4 * * *");
    let exposed = app("acme").process("nightly", process("./bin/nightly").quantity(1).exposed());
    let mut points = 0;
    for (name, from, to) in [
        ("create", None, all.clone()),
        (
            "image",
            Some(all.clone()),
            all.clone().image("registry.example/acme:v2"),
        ),
        ("time", Some(acme()), app("acme").process("nightly", at_4)),
        ("remove", Some(all.clone()), all.clone().without("nightly")),
        ("service to schedule", Some(with_service()), acme()),
        ("exposed to schedule", Some(exposed.clone()), acme()),
        ("schedule to exposed", Some(acme()), exposed.clone()),
        ("schedule to service", Some(acme()), with_service()),
        ("schedule to hand", Some(acme()), by_hand()),
        ("hand to schedule", Some(by_hand()), acme()),
        ("hand to service", Some(by_hand()), with_service()),
        ("service to hand", Some(with_service()), by_hand()),
        ("exposed to hand", Some(exposed), by_hand()),
    ] {
        points += crash::check(name, &Operation::new(staging(), from, edit(to)));
    }
    let network = Operation::new(staging().awsvpc("sg-1"), Some(acme()), |world| {
        world.set_platform(&staging().awsvpc("sg-2"));
    });
    points += crash::check("task network", &network);
    let delete = Operation::new(staging(), Some(all), |world| world.delete("shop/acme"));
    points += crash::check("delete", &delete);
    let left = || acme().retained();
    let go = |world: &mut World| world.delete("shop/acme");
    points += crash::check("let go", &Operation::new(staging(), Some(left()), go));
    let take_over = |world: &mut World| world.apply(&acme().adopting());
    let take_over = Operation::new(staging(), Some(left()), take_over).after(|world| {
        world.delete("shop/acme");
        world.settle();
    });
    points += crash::check("take over", &take_over);
    println!("schedules: {points} disturbances");
}
