//! The memory of passes, and the Apps that they wake. Each of these stories once went wrong in a copy of the controller's
//! part that the tests had, and drives that part itself now.

use std::thread::sleep;
use std::time::Duration;

use empire_controller::aws::within;
use empire_controller::plan::Pending;
use futures::FutureExt;

use crate::fake_aws::{Disturbance, When};
use crate::fixtures::{AppFixture, acme, app, staging, web, worker};
use crate::world::World;

fn settled(app: &AppFixture) -> World {
    World::settled(&staging(), app)
}

fn count(world: &World, action: &str) -> usize {
    let writes = world.aws.writes();
    writes.iter().filter(|write| write.action == action).count()
}

/// No list shows it, and no status speaks of it: but the manifest does.
#[test]
fn a_service_that_drains_is_waited_for_where_the_status_was_lost() {
    let mut world = settled(&app("acme").process("worker", worker()));
    world.aws.by_hand().delete_service("shop_acme_worker");
    world.loses_status = true;
    world.restart();
    world.aws.take_attempts();
    let outcome = world.step().remove(0).result.unwrap();
    let is_draining = |pending: &Pending| matches!(pending, Pending::Draining { .. });
    assert!(outcome.plan.pending.iter().any(is_draining), "{:?}", outcome.plan);
    assert_eq!(world.aws.take_attempts(), Vec::<String>::new());
    world.loses_status = false;
    world.settle();
    world.assert_ready();
}

/// A definition that no service runs may have been deregistered since it was read.
#[test]
fn a_definition_that_nothing_runs_is_read_in_every_pass() {
    let mut world = settled(&app("acme").process("console", worker().noservice()));
    world.aws.by_hand().deregister("shop_acme_console", 1);
    world.settle();
    assert_eq!(count(&world, "ecs:RegisterTaskDefinition"), 2);
}

/// Only a status says that it was carried out.
#[test]
fn a_redeploy_is_carried_out_once_though_no_status_can_be_written() {
    let app = app("acme").process("worker", worker());
    let mut world = settled(&app);
    world.refuses_status = true;
    world.apply(&app.redeploy("once"));
    world.run(30);
    assert_eq!(count(&world, "ecs:UpdateService"), 1);
    world.refuses_status = false;
    world.settle();
    world.assert_ready();
    assert_eq!(count(&world, "ecs:UpdateService"), 1);
}

/// A wait that only a status measures is over in time.
#[test]
fn a_load_balancer_retires_though_no_status_can_be_written() {
    let mut world = settled(&acme());
    let old = world.aws.load_balancers_of("shop/acme", "web");
    world.apply(&acme().process("web", web().internal().quantity(2)));
    world.step();
    world.refuses_status = true;
    world.run(100);
    let left = world.aws.load_balancers_of("shop/acme", "web");
    assert!(left.len() == 1 && left != old, "{left:?}");
    world.refuses_status = false;
    world.settle();
    world.assert_ready();
}

/// A pass that fails as a whole forgets what it saw, and not what AWS refused.
#[test]
fn what_was_refused_backs_off_across_a_pass_that_fails() {
    const SET_SUBNETS: &str = "elasticloadbalancing:SetSubnets";
    let refused = || Disturbance::Refusal("AccessDenied", "not you");
    let mut world = settled(&acme());
    let load_balancer = world.aws.load_balancers_of("shop/acme", "web").remove(0);
    world
        .aws
        .by_hand()
        .set_subnets(&load_balancer, &["subnet-x", "subnet-y"]);
    world.aws.disturb(SET_SUBNETS, "", refused());
    // By annotation, so that the generation stays.
    world.apply(&acme().redeploy("once"));
    let outcome = world.step().remove(0).result.unwrap();
    assert_eq!((outcome.failures.len(), outcome.plan.pending.len()), (1, 2));

    world.aws.advance(10);
    world.aws.disturb_read("ecs:", Disturbance::Timeout(When::Before));
    assert!(world.step().remove(0).result.is_err());
    world.aws.calm();
    world.aws.disturb(SET_SUBNETS, "", refused());
    world.aws.advance(10);
    let outcome = world.step().remove(0).result.unwrap();
    assert_eq!((outcome.failures.len(), outcome.backing_off.len()), (0, 1));
    assert_eq!(world.aws.take_attempts(), Vec::<String>::new());
    world.aws.calm();
    world.settle();
    world.assert_ready();
}

#[test]
fn a_pass_that_yielded_goes_on_without_reading_anything() {
    let mut world = World::new(&staging());
    world.yields = true;
    // Or another pass would take up what became of its names.
    world.gathers = true;
    world.apply(&acme());
    let outcome = world.step().remove(0).result.unwrap();
    assert!(outcome.done.len() > 5, "{:?}", outcome.done);
    assert_eq!(world.reads, Vec::<String>::new());
    world.settle();
    world.assert_ready();
}

/// A hundred Apps each wait for a name of their own, and one goes on.
#[test]
fn a_release_wakes_the_one_app_that_waits_for_it() {
    let name = |n: usize| format!("n{n}.example.com");
    let named = |app: AppFixture, names: &[String]| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        app.process("web", web().internal().hostnames(&names))
    };
    let all: Vec<String> = (0..100).map(name).collect();
    let mut world = settled(&named(app("holder"), &all));
    for n in 0..100 {
        world.apply(&named(app(&format!("waits-{n}")), &[name(n)]));
    }
    world.run(6);
    for n in 0..100 {
        let reason = world.reason(&format!("shop/waits-{n}"));
        assert!(reason.starts_with("Conflict: "), "{n}: {reason}");
    }

    let mut fewer = all;
    fewer.remove(42);
    world.apply(&named(app("holder"), &fewer));
    world.woken.clear();
    let mut passes = world.pass_due();
    passes.extend(world.pass_due());
    let passes: Vec<&str> = passes.iter().map(|pass| pass.app.as_str()).collect();
    assert_eq!(world.woken, ["shop/waits-42"]);
    assert_eq!(passes, ["shop/holder", "shop/waits-42"]);
    assert!(world.reads.len() <= 10, "{:#?}", world.reads);
    assert_eq!(world.reason("shop/waits-42"), "Ready");
    assert!(world.aws.pointed_at("ZINTERNAL", &name(42)).is_some());
}

/// The call in flight ends as it would, and none begins after it. The next pass does nothing again.
#[test]
fn at_its_deadline_a_pass_begins_no_further_call() {
    const LIMIT: Duration = Duration::from_secs(1);
    let mut world = World::new(&staging());
    world.apply(&app("acme").process("clock", worker()).process("worker", worker()));
    world
        .aws
        .on_next_write("ecs:RegisterTaskDefinition", |_| sleep(LIMIT));
    let pass = within(LIMIT, async { world.step().remove(0) });
    let outcome = pass.now_or_never().unwrap().result.unwrap();
    assert_eq!(
        (outcome.done.len(), world.aws.writes().len()),
        (1, 1),
        "{outcome:?}"
    );
    let mut failures = outcome.failures.iter().map(|(_, error)| error.to_string());
    assert!(
        outcome.failures.len() > 1 && failures.all(|error| error.contains("PassDeadline")),
        "{:?}",
        outcome.failures
    );
    world.settle();
    world.assert_ready();
    assert_eq!(count(&world, "ecs:RegisterTaskDefinition"), 2);
}
