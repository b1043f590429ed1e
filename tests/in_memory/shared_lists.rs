//! Lists that are read once for all Apps: what that costs, and what is found out by it, when.

use crate::fake_aws::{Disturbance, When};
use crate::fixtures::{AppFixture, EXTERNAL_ZONE, INTERNAL_ZONE, acme, app, process, staging, web, worker};
use crate::world::World;

/// Longer than the resync interval.
const RESYNC: u64 = 700;

fn one_http_process(number: usize) -> AppFixture {
    app(&format!("app-{number:04}")).process("web", web().exposed())
}

fn fleet(size: usize) -> World {
    let mut world = World::sharing(&staging());
    for number in 0..size {
        world.apply(&one_http_process(number));
    }
    world.settle();
    world.assert_ready();
    world
}

fn settled(app: &AppFixture) -> World {
    let mut world = World::sharing(&staging());
    world.apply(app);
    world.settle();
    world.assert_ready();
    world
}

/// Calls, by what they ask for.
fn of<'a>(calls: &'a [String], action: &str) -> Vec<&'a String> {
    calls.iter().filter(|call| call.contains(action)).collect()
}

#[test]
fn a_hundred_apps_cost_two_dozen_calls_a_resync_and_their_passes_none() {
    let mut world = fleet(100);
    world.aws.advance(RESYNC);
    let passes = world.step();
    // Of schedules, for which new Apps asked, until nobody has for a while.
    let schedules = of(world.swept(), "scheduler:").len();
    assert!(
        schedules <= 1 && world.swept().len() - schedules <= 25,
        "{:#?}",
        world.swept()
    );
    assert!(
        passes
            .iter()
            .all(|pass| pass.result.as_ref().unwrap().done.is_empty())
    );
    assert_eq!(world.reads, Vec::<String>::new(), "of the last pass");

    // After a start: one sweep, and the task definitions, which nothing else says.
    world.restart();
    assert_eq!(world.settle().len(), 0);
    world.assert_ready();
    assert!(world.swept().len() <= 25, "{:#?}", world.swept());
}

#[test]
fn after_a_start_a_settled_app_reads_its_task_definition_and_nothing_else() {
    let mut world = settled(&one_http_process(1));
    world.jitter = 0.5;
    world.restart();
    world.step();
    assert_eq!(of(&world.reads, "ecs:DescribeTaskDefinition").len(), 1);
    assert_eq!(world.reads.len(), 1, "{:#?}", world.reads);

    // The details that AWS gives singly are read in the course of an hour, each App's in its turn.
    world.aws.advance(RESYNC);
    world.step();
    assert_eq!(world.reads, Vec::<String>::new());
    world.aws.advance(1_800);
    world.step();
    assert_eq!(of(&world.reads, "DescribeListeners").len(), 1);
    assert_eq!(world.reads.len(), 3, "{:#?}", world.reads);
    world.aws.advance(RESYNC);
    world.step();
    assert_eq!(world.reads, Vec::<String>::new());
}

#[test]
fn an_edit_soon_after_a_start_reads_the_details_before_it_writes() {
    let mut world = settled(&one_http_process(1));
    world.jitter = 0.5;
    world.restart();
    world.step();
    world.apply(&one_http_process(1).image("registry.example/app:v2"));
    world.step();
    assert_eq!(of(&world.reads, "DescribeListeners").len(), 1);
    world.settle();
    world.assert_ready();
}

#[test]
fn an_edit_waits_for_no_list_and_for_no_detail() {
    let mut world = settled(&acme());
    world.aws.advance(RESYNC);
    world.step();
    world.apply(&acme().image("registry.example/acme:v2"));
    world.step();
    let newest = of(&world.reads, "ecs:DescribeTaskDefinition").len();
    assert_eq!((newest, world.reads.len()), (2, 2), "{:#?}", world.reads);
    // Then what AWS gives singly is looked at, since the App is not settled.
    world.step();
    assert!(
        !of(&world.reads, "DescribeListeners").is_empty(),
        "{:#?}",
        world.reads
    );
    world.settle();
    world.assert_ready();
}

#[test]
fn a_new_app_is_made_without_a_look_at_each_of_its_names() {
    let mut world = settled(&acme());
    let other = app("other").process("worker", worker());
    world.apply(&other);
    world.step();
    assert_eq!(of(&world.reads, "ecs:DescribeServices"), Vec::<&String>::new());
    world.settle();
    world.assert_ready();
}

#[test]
fn a_change_by_hand_is_found_by_the_sweep_which_wakes_that_app_alone() {
    let mut world = fleet(3);
    world.aws.by_hand().set_count("shop_app-0001_web", 7);
    world.aws.advance(60);
    assert_eq!(world.pass_due().len(), 0, "nobody looks before its time");
    world.aws.advance(RESYNC - 120);
    let woken: Vec<String> = world.pass_due().into_iter().map(|pass| pass.app).collect();
    assert!(woken.contains(&"shop/app-0001".into()), "{woken:?}");
    assert_eq!(world.aws.desired_count("shop_app-0001_web"), Some(1));
}

#[test]
fn an_app_is_looked_at_at_once_where_somebody_asks_for_it() {
    let mut world = settled(&one_http_process(1));
    world.aws.by_hand().set_count("shop_app-0001_web", 7);
    world.apply(&one_http_process(1).look("now"));
    world.step();
    assert_eq!(world.aws.desired_count("shop_app-0001_web"), Some(1));
    assert_eq!(of(&world.reads, "ecs:ListServices"), Vec::<&String>::new());
    world.settle();
    world.step();
    assert_eq!(world.reads, Vec::<String>::new(), "once");
}

#[test]
fn what_a_lost_reply_has_made_is_found_by_its_name() {
    for action in [
        "ecs:CreateService",
        "elasticloadbalancing:CreateLoadBalancer",
        "elasticloadbalancing:CreateTargetGroup",
        "route53:ChangeResourceRecordSets",
        "scheduler:CreateSchedule",
    ] {
        let mut world = settled(&acme());
        world.aws.disturb(action, "", Disturbance::Timeout(When::After));
        let next = acme()
            .process("api", web().exposed())
            .process("nightly", process("./n").cron("0 3 * * ? *"));
        world.apply(&next);
        world.step();
        world.aws.calm();
        let writes = world.settle();
        world.assert_ready();
        let again = writes.iter().filter(|write| write.action == action).count();
        assert!(again <= 2, "{action}: {writes:#?}");
    }
}

/// The names of load balancers tell seven letters of an App's name.
#[test]
fn a_look_at_an_app_reads_nothing_of_another_whose_name_begins_alike() {
    let names = ["service-0001", "service-0002", "service-0003"];
    let one = |name: &str| app(name).process("web", web().exposed());
    let mut world = World::sharing(&staging());
    for name in names {
        world.apply(&one(name));
    }
    world.settle();
    world.assert_ready();
    world.apply(&one(names[1]).look("now"));
    let passes = world.pass_due();
    assert_eq!(passes.len(), 1);
    assert_eq!(
        of(&world.reads, ":DescribeLoadBalancers ").len(),
        1,
        "{:#?}",
        world.reads
    );
    assert_eq!(
        of(&world.reads, ":DescribeTargetGroups ").len(),
        1,
        "{:#?}",
        world.reads
    );
}

#[test]
fn what_rolls_out_is_looked_at_and_nothing_else() {
    let mut world = settled(&acme());
    world.apply(&acme().image("registry.example/acme:v2"));
    // Its details, once more than before it.
    world.run(2);
    assert_ne!(world.reason("shop/acme"), "Ready");
    for _ in 0..20 {
        if world.reason("shop/acme") == "Ready" {
            break;
        }
        world.run(1);
        let of_balancing = of(&world.reads, "elasticloadbalancing:");
        assert_eq!(of_balancing, Vec::<&String>::new(), "{:#?}", world.reads);
    }
    world.assert_ready();
}

#[test]
fn the_names_of_a_zone_that_is_gone_are_gone() {
    let mut world = settled(&acme());
    world.aws.by_hand().delete_zone(EXTERNAL_ZONE);
    world.aws.by_hand().delete_zone(INTERNAL_ZONE);
    world.aws.advance(RESYNC);
    world.run(3);
    assert!(
        world.reason("shop/acme").starts_with("ZoneNotFound: "),
        "{}",
        world.reason("shop/acme")
    );
    world.delete("shop/acme");
    world.settle();
    assert!(!world.holds("shop/acme"));
}

#[test]
fn a_rollout_that_is_stopped_is_looked_at_until_it_is_rolled_back() {
    let bad = "registry.example/acme:v2";
    let restless = || app("acme").process("worker", worker().quantity(2));
    let mut world = settled(&restless());
    world.aws.by_hand().unsettle_tasks(bad);
    world.apply(&restless().image(bad));
    world.run(100);
    let rollout = format!("{:?}", world.status("shop/acme").processes[0].rollout);
    assert!(rollout.contains("RolledBack"), "{rollout}");
}

#[test]
fn a_list_that_cannot_be_read_is_believed_and_one_that_is_denied_is_not() {
    let mut world = settled(&one_http_process(1));
    world.aws.advance(RESYNC);
    world.step();
    world.aws.disturb_read(
        "ecs:ListServices",
        Disturbance::Refusal("ServiceUnavailable", "out of order"),
    );
    world.aws.advance(RESYNC);
    world.step();
    world.assert_ready();
    world.apply(&one_http_process(1).image("registry.example/app:v2"));
    assert!(
        world
            .settle()
            .iter()
            .any(|write| write.action == "ecs:UpdateService"),
        "edits go on"
    );
    world.aws.advance(20 * RESYNC);
    world.run(30);
    world.assert_ready();
    world.aws.calm();
    assert_eq!(world.settle().len(), 0);
    world.assert_ready();

    // One that is denied is unknown at once.
    world.aws.disturb_read(
        "ecs:ListServices",
        Disturbance::Refusal("AccessDeniedException", "not you"),
    );
    world.aws.advance(RESYNC);
    world.run(2);
    let conditions = format!("{:?}", world.status("shop/app-0001").conditions);
    assert!(conditions.contains("not you"), "{conditions}");
}
