//! What the Apps of a namespace may take together: nothing is made that exceeds it, nothing that runs is touched by it, and
//! who waits for room gets it.

use serde_json::{Value, json};

use crate::fake_aws::{Disturbance, When};
use crate::fixtures::{AppFixture, PlatformFixture, acme, app, process, staging, worker};
use crate::world::{Patches, World};
use crate::write_counts::check;

const ACME: &str = "shop/acme";
const ALPHA: &str = "shop/alpha";
const BETA: &str = "shop/beta";

/// Grants everything, within these limits.
fn limited(limits: &Value) -> PlatformFixture {
    staging().granting(&[json!({
        "namespaceSelector": {}, "hostnames": ["*"], "images": ["*"], "external": true, "limits": limits,
    })])
}

fn of_tasks(tasks: u32) -> PlatformFixture {
    limited(&json!({ "tasks": tasks }))
}

/// An App of so many tasks. Without a time of creation, the name decides which one is older.
fn running(name: &str, quantity: u32) -> AppFixture {
    app(name).process("worker", worker().quantity(quantity))
}

fn settled(platform: &PlatformFixture, app: &AppFixture) -> World {
    let mut world = World::new(platform);
    world.apply(app);
    world.settle();
    world.assert_ready();
    world
}

fn refusal(name: &str, asks: u64, limit: u64, [older, younger, own]: [u64; 3]) -> String {
    format!(
        "NotAllowed: {name}: Platform staging does not allow {asks}: tenancy.grants[0].limits.{name} gives namespace shop \
         {limit}, of which older Apps take {older} and younger ones have {younger}; this App has {own}"
    )
}

#[test]
fn a_hundred_services_of_ten_thousand_tasks_are_refused_before_anything_is_written() {
    let mut world = World::new(&of_tasks(50));
    let huge = (0..100).fold(app("acme"), |app, n| {
        app.process(&format!("p{n}"), worker().quantity(10_000))
    });
    world.apply(&huge);
    world.settle();
    assert_eq!(world.aws.writes().len(), 0);
    assert_eq!(world.reason(ACME), refusal("tasks", 1_000_000, 50, [0, 0, 0]));
    assert_eq!(world.patches.metadata, 0, "it holds nothing");
    world.delete(ACME);
    world.settle();
    assert!(!world.holds(ACME));
    assert_eq!(world.aws.writes().len(), 0);
}

#[test]
fn each_thing_has_a_limit_of_its_own() {
    let all = || {
        acme()
            .process("nightly", worker().cron("0 3 * * ? *"))
            .process("console", process("run").noservice())
    };
    let ports = |limits: &Value| limited(limits).bridge_ports(9000, 9099);
    for (name, asks) in [
        ("apps", 1),
        ("processes", 4),
        ("tasks", 4),
        ("cpu", 1_024),
        ("memory", 2_048),
        ("loadBalancers", 1),
        ("hostPorts", 1),
        ("schedules", 1),
    ] {
        let mut world = World::new(&ports(&json!({ name: asks - 1 })));
        world.apply(&all());
        world.settle();
        assert_eq!(world.aws.writes().len(), 0, "{name}");
        assert_eq!(world.reason(ACME), refusal(name, asks, asks - 1, [0, 0, 0]));
        world.set_platform(&ports(&json!({ name: asks })));
        world.settle();
        world.assert_ready();
    }
}

#[test]
fn a_younger_app_waits_for_room_and_gets_it_at_once_when_the_older_one_goes() {
    let mut world = World::new(&of_tasks(6));
    world.apply(&running("alpha", 4));
    world.apply(&running("beta", 3));
    world.settle();
    assert_eq!(world.reason(ALPHA), "Ready");
    assert_eq!(world.reason(BETA), refusal("tasks", 3, 6, [4, 0, 0]));
    assert_eq!(world.aws.desired_count("shop_beta_worker"), None);

    world.woken.clear();
    world.delete(ALPHA);
    let took = world.run_until(
        100,
        &|world| !world.holds(ALPHA) && world.is_ready(BETA),
        &mut |_, _| {},
    );
    assert!(took.is_ok(), "{took:?}");
    assert!(world.woken.iter().any(|key| key == BETA), "{:?}", world.woken);
    assert_eq!(world.aws.desired_count("shop_beta_worker"), Some(3));
}

#[test]
fn a_younger_app_gets_room_at_once_when_the_older_one_shrinks() {
    let mut world = World::new(&of_tasks(6));
    world.apply(&running("alpha", 4));
    world.apply(&running("beta", 3));
    world.settle();
    world.apply(&running("alpha", 3));
    let took = world.run_until(100, &|world| world.are_ready(), &mut |_, _| {});
    assert!(took.is_ok(), "{took:?}");
}

#[test]
fn what_a_younger_app_has_is_not_taken_from_it() {
    let mut world = World::new(&of_tasks(6));
    world.apply(&running("alpha", 1));
    world.apply(&running("beta", 5));
    world.settle();
    world.assert_ready();
    world.apply(&running("alpha", 2));
    check(&world.settle(), 0);
    assert_eq!(world.reason(ALPHA), refusal("tasks", 2, 6, [0, 5, 1]));
    assert_eq!(world.reason(BETA), "Ready");
}

/// One that asks for too much stops nobody but itself.
#[test]
fn an_older_app_that_is_refused_is_in_nobodys_way() {
    let mut world = World::new(&of_tasks(6));
    world.apply(&running("alpha", 100));
    world.apply(&running("beta", 6));
    world.settle();
    assert_eq!(world.reason(ALPHA), refusal("tasks", 100, 6, [0, 6, 0]));
    assert_eq!(world.reason(BETA), "Ready");
}

#[test]
fn namespaces_have_limits_of_their_own_and_hear_nothing_of_others() {
    let mut world = World::new(&of_tasks(6));
    world.apply(&running("alpha", 6));
    world.apply(&running("alpha", 6).namespace("bank"));
    world.apply(&running("beta", 1).namespace("bank"));
    world.settle();
    assert_eq!(
        (world.reason(ALPHA), world.reason("bank/alpha")),
        ("Ready".into(), "Ready".into())
    );
    assert_eq!(
        world.reason("bank/beta"),
        refusal("tasks", 1, 6, [6, 0, 0]).replace("shop", "bank")
    );
}

#[test]
fn a_limit_below_what_runs_writes_nothing_and_repairs_go_on() {
    let mut world = settled(&staging(), &acme());
    let ready = world.status(ACME).conditions;
    world.patches = Patches::default();
    world.set_platform(&limited(
        &json!({ "apps": 0, "tasks": 1, "cpu": 0, "memory": 0, "loadBalancers": 0 }),
    ));
    check(&world.settle(), 0);
    assert_eq!(world.status(ACME).conditions, ready);
    assert_eq!((world.patches.statuses, world.patches.metadata), (1, 0));
    let counted = world.status(ACME).counted.unwrap();
    assert_eq!((counted.tasks, counted.load_balancers), (3, 1));

    world.aws.by_hand().delete_service("shop_acme_web");
    world.settle();
    world.assert_ready();
    assert_eq!(world.aws.desired_count("shop_acme_web"), Some(2));
    world.apply(&acme().image("registry.example/acme:v2"));
    world.settle();
    world.assert_ready();

    // Nor is what was let in forgotten where a repair fails, and by whoever goes on.
    world.aws.by_hand().delete_service("shop_acme_worker");
    let refused = Disturbance::Refusal("ClientException", "No.");
    world.aws.disturb("ecs:CreateService", "worker", refused);
    world.settle_or_not();
    assert!(
        world.reason(ACME).starts_with("Refused"),
        "{}",
        world.reason(ACME)
    );
    let shown = world.status(ACME).processes;
    assert_eq!(shown.iter().map(|process| process.desired).sum::<i32>(), 2);
    world.restart();
    world.settle();
    world.assert_ready();
    assert_eq!(world.aws.desired_count("shop_acme_worker"), Some(1));
}

#[test]
fn growth_beyond_the_limit_is_refused_and_the_old_release_serves_on() {
    let mut world = settled(&of_tasks(3), &acme());
    let before = world.aws.summary();
    let grown = |quantity| acme().process("worker", worker().quantity(quantity));
    world.apply(&grown(2).image("registry.example/acme:v2"));
    check(&world.settle(), 0);
    assert_eq!(world.aws.summary(), before);
    assert_eq!(world.reason(ACME), refusal("tasks", 4, 3, [0, 0, 3]));
    world.restart();
    check(&world.settle(), 0);
    assert_eq!(world.aws.summary(), before);
    world.apply(&acme().image("registry.example/acme:v2"));
    world.settle();
    world.assert_ready();
}

/// Nor by what was there before limits were.
#[test]
fn smaller_tasks_make_no_room_for_more_than_was_let_in() {
    let mut world = settled(&limited(&json!({ "memory": 1_536 })), &acme());
    let large = |memory: &str| acme().process("worker", worker().memory(memory));
    world.apply(&large("513Mi"));
    check(&world.settle(), 0);
    assert_eq!(world.reason(ACME), refusal("memory", 1_537, 1_536, [0, 0, 1_536]));
    world.apply(&large("256Mi"));
    world.settle();
    world.assert_ready();
    world.set_platform(&limited(&json!({ "memory": 1_279 })));
    world.apply(&large("257Mi"));
    check(&world.settle(), 0);
    assert_eq!(world.reason(ACME), refusal("memory", 1_281, 1_279, [0, 0, 1_280]));
}

#[test]
fn what_others_scale_counts_and_is_never_refused() {
    let free = || app("alpha").process("worker", worker().any_quantity());
    let mut world = settled(&of_tasks(5), &free());
    world.aws.by_hand().set_count("shop_alpha_worker", 40);
    check(&world.settle(), 0);
    world.assert_ready();
    world.apply(&free().image("registry.example/alpha:v2"));
    world.settle();
    world.assert_ready();
    assert_eq!(world.aws.desired_count("shop_alpha_worker"), Some(40));
    world.apply(&running("beta", 1));
    check(&world.settle(), 0);
    assert_eq!(world.reason(BETA), refusal("tasks", 1, 5, [40, 0, 0]));
}

/// Else an older one could be let in beside it before anything of it shows.
#[test]
fn the_status_says_what_was_let_in_before_anything_is_written() {
    for when in [When::Before, When::After] {
        let mut world = World::new(&of_tasks(5));
        world.apply(&running("beta", 5));
        world.aws.disturb_write(0, Disturbance::Crash(when));
        world.step();
        assert_eq!(world.aws.disturbed(), 1);
        assert_eq!(world.status(BETA).counted.unwrap().tasks, 5);
        world.apply(&running("alpha", 1));
        world.settle();
        assert_eq!(world.reason(BETA), "Ready");
        assert_eq!(world.reason(ALPHA), refusal("tasks", 1, 5, [0, 5, 0]));
    }
}

#[test]
fn a_suspended_app_takes_room_once_it_goes_on() {
    let mut world = World::new(&of_tasks(5));
    world.apply(&running("alpha", 5).suspended());
    world.apply(&running("beta", 1));
    world.settle();
    assert_eq!(world.reason(BETA), "Ready");
    assert!(
        world.reason(ALPHA).starts_with("Suspended"),
        "{}",
        world.reason(ALPHA)
    );
    world.apply(&running("alpha", 5));
    check(&world.settle(), 0);
    assert_eq!(world.reason(ALPHA), refusal("tasks", 5, 5, [0, 1, 0]));
}

#[test]
fn where_a_platform_has_limits_no_more_the_status_says_nothing_of_them() {
    let mut world = settled(&of_tasks(3), &acme());
    assert!(world.status(ACME).counted.is_some());
    world.set_platform(&limited(&json!(null)));
    check(&world.settle(), 0);
    world.assert_ready();
    assert_eq!(world.status(ACME).counted, None);
}

#[test]
fn a_dry_run_says_that_there_is_no_room() {
    let mut world = settled(&of_tasks(3), &acme());
    assert!(world.dry_run(ACME).is_ok());
    world.apply(&acme().process("worker", worker().quantity(2)));
    let refused = world.dry_run(ACME).unwrap_err();
    assert_eq!(
        format!("NotAllowed: {refused}"),
        refusal("tasks", 4, 3, [0, 0, 3])
    );
}

/// Nor does it get one by what its status says of the trouble.
#[test]
fn an_app_that_is_invalid_has_no_place_yet() {
    let one = limited(&json!({ "apps": 1 })).without_scheduler_role();
    let mut world = settled(&one, &running("alpha", 1));
    world.apply(&app("beta").process("nightly", worker().cron("0 3 * * ? *")));
    world.settle();
    assert!(
        world.reason(BETA).starts_with("InvalidSpec"),
        "{}",
        world.reason(BETA)
    );
    assert!(world.status(BETA).platform.is_some());
    world.apply(&running("beta", 1));
    check(&world.settle(), 0);
    assert_eq!(world.reason(BETA), refusal("apps", 1, 1, [1, 0, 0]));
}

#[test]
fn what_is_missing_when_limits_come_is_repaired() {
    let mut world = settled(&staging(), &acme());
    world.aws.by_hand().delete_service("shop_acme_worker");
    let refused = Disturbance::Refusal("ClientException", "No.");
    world.aws.disturb("ecs:CreateService", "worker", refused);
    world.settle_or_not();
    assert!(
        world.reason(ACME).starts_with("Refused"),
        "{}",
        world.reason(ACME)
    );
    world.set_platform(&of_tasks(1));
    world.restart();
    world.settle();
    world.assert_ready();
    assert_eq!(world.aws.desired_count("shop_acme_worker"), Some(1));
    assert_eq!(world.status(ACME).counted.unwrap().tasks, 3);
}

/// Its status speaks of its generation then, which is not the one that was let in.
#[test]
fn an_app_that_is_edited_while_limits_come_keeps_what_it_had() {
    let mut world = settled(&staging(), &acme());
    world.apply(&acme().process("worker", worker().quantity(9)));
    world.set_platform(&of_tasks(5));
    check(&world.settle(), 0);
    assert_eq!(world.reason(ACME), refusal("tasks", 11, 5, [0, 0, 3]));
    assert_eq!(world.status(ACME).counted.unwrap().tasks, 3);
}
