//! Scaled processes: their stories, what they cost, whose count it is, and every way to kill the controller on the way.

use empire_controller::api::app::ScaleStatus;
use empire_controller::model::owner::Tags;
use empire_controller::model::scaling::{Metric, Range, ScheduledActionState};
use serde_json::{Value, json};

use crate::crash::{self, Operation};
use crate::fake_aws::{Disturbance, Echo};
use crate::fixtures::{AppFixture, ProcessFixture, app, process, staging, web};
use crate::stories::Story;
use crate::world::World;
use crate::write_counts::{check, check_edit, settled};

const KEY: &str = "shop/acme";
const WORKER: &str = "shop_acme_worker";
const WEB: &str = "shop_acme_web";

fn worker(scale: Value) -> AppFixture {
    app("acme").process("worker", process("./bin/worker").scale(scale))
}

fn by_cpu() -> Value {
    json!({ "min": 2, "max": 10, "cpu": 60 })
}

fn office_hours() -> Value {
    json!({
        "min": 2, "max": 10, "cpu": 60,
        "schedules": [
            { "cron": "0 8 * * 1-5", "timezone": "Europe/Berlin", "min": 6, "max": 20 },
            { "cron": "0 20 * * 1-5", "timezone": "Europe/Berlin", "min": 2, "max": 10 },
        ],
    })
}

fn counted(quantity: u32) -> AppFixture {
    app("acme").process("worker", process("./bin/worker").quantity(quantity))
}

fn by_requests(web: ProcessFixture) -> AppFixture {
    app("acme").process(
        "web",
        web.scale(json!({ "min": 2, "max": 10, "requestsPerTarget": 1000 })),
    )
}

fn count(world: &World) -> u32 {
    world.aws.desired_count(WORKER).unwrap()
}

fn range(world: &World) -> Range {
    world.aws.scalable_target(WORKER).unwrap().range
}

/// The one of ours whose range begins so.
fn action(world: &World, min: u32) -> String {
    let target = world.aws.scalable_target(WORKER).unwrap();
    let mut actions = target.actions.into_iter();
    actions.find(|(_, action)| action.min == Some(min)).unwrap().0
}

#[test]
fn a_scaled_process_lives_and_goes() {
    Story::on(&staging().tag("cost-center", "42"))
        .then("scaled by its CPU", |world| world.apply(&worker(by_cpu())))
        .shows_the_world()
        .then("AWS adds tasks", |world| world.aws.by_hand().scale(WORKER, 7))
        .then("a new image", |world| {
            world.apply(&worker(by_cpu()).image("registry.example/acme:v2"));
        })
        .then("another range, by its memory, and at times", |world| {
            let mut scale = office_hours();
            scale["cpu"] = Value::Null;
            scale["memory"] = json!(70);
            scale["scaleOutCooldown"] = json!("30s");
            scale["max"] = json!(5);
            world.apply(&worker(scale).image("registry.example/acme:v2"));
        })
        .then("the times go", |world| {
            world.apply(&worker(by_cpu()).image("registry.example/acme:v2"));
        })
        .then("a quantity instead", |world| {
            world.apply(&counted(3).image("registry.example/acme:v2"));
        })
        .then("scaled again", |world| {
            world.apply(&worker(by_cpu()).image("registry.example/acme:v2"));
        })
        .then("by the clock instead", |world| {
            world.apply(&app("acme").process("worker", process("./bin/worker").cron("0 3 * * ? *")));
        })
        .then("scaled once more", |world| world.apply(&worker(by_cpu())))
        .then("the App is deleted", |world| world.delete(KEY))
        .shows_the_world()
        .reads("scaling.txt");
}

#[test]
fn requests_are_counted_where_the_names_lead() {
    Story::on(&staging())
        .then("behind an internal load balancer", |world| {
            world.apply(&by_requests(web().exposed()));
        })
        .then("behind an external one", |world| {
            world.apply(&by_requests(web().external()));
        })
        .shows_the_world()
        .then("behind none", |world| {
            world.apply(&app("acme").process("web", process("./bin/web").unexposed().scale(by_cpu())));
        })
        .reads("scaling-by-requests.txt");
}

#[test]
fn costs_what_it_must() {
    let mut world = World::new(&staging());
    world.apply(&worker(by_cpu()));
    check(&world.settle(), 4);
    world.delete(KEY);
    check(&world.settle(), 2);

    check_edit(
        &worker(by_cpu()),
        &worker(by_cpu()).image("registry.example/acme:v2"),
        2,
    );
    check_edit(
        &worker(by_cpu()),
        &worker(json!({ "min": 3, "max": 10, "cpu": 60 })),
        2,
    );
    check_edit(
        &worker(by_cpu()),
        &worker(json!({ "min": 1, "max": 9, "cpu": 60 })),
        1,
    );
    check_edit(
        &worker(by_cpu()),
        &worker(json!({ "min": 2, "max": 10, "cpu": 50 })),
        1,
    );
    check_edit(
        &worker(by_cpu()),
        &worker(json!({ "min": 2, "max": 10, "memory": 50 })),
        2,
    );
    check_edit(&worker(by_cpu()), &worker(office_hours()), 2);
    check_edit(&worker(office_hours()), &worker(by_cpu()), 2);
    // From a quantity in the range, and back to it.
    check_edit(&counted(5), &worker(by_cpu()), 2);
    check_edit(&worker(by_cpu()), &counted(2), 1);
    check_edit(
        &worker(by_cpu()),
        &app("acme").process("worker", process("./bin/worker").any_quantity()),
        1,
    );
}

/// Registering moves a count that is outside, as AWS says, or does not.
#[test]
fn the_count_is_awss_within_the_range_in_force() {
    for moves in [false, true] {
        let mut world = settled(&staging(), &counted(1));
        if moves {
            world.aws.by_hand().move_counts_as_registered();
        }
        world.apply(&worker(office_hours()));
        world.settle();
        assert_eq!(count(&world), 2);
        world.aws.by_hand().scale(WORKER, 9);
        world.restart();
        check(&world.settle(), 0);
        assert_eq!(count(&world), 9);
        // The morning sets another range, and an edit of something else leaves it.
        let morning = action(&world, 6);
        world.aws.by_hand().fire(WORKER, &morning);
        world.aws.by_hand().scale(WORKER, 18);
        world.apply(&worker(office_hours()).image("registry.example/acme:v2"));
        check(&world.settle(), 2);
        world.assert_ready();
        assert_eq!((count(&world), range(&world)), (18, Range { min: 6, max: 20 }));
        let status = world.status(KEY);
        assert_eq!(status.processes[0].scale, Some(ScaleStatus { min: 6, max: 20 }));
        assert_eq!(status.processes[0].desired, 18);
        let evening = action(&world, 2);
        world.aws.by_hand().fire(WORKER, &evening);
        world.restart();
        check(&world.settle(), 0);
        assert_eq!(count(&world), 10);
        // Somebody stops them by hand.
        world.aws.by_hand().set_count(WORKER, 0);
        world.restart();
        check(&world.settle(), 1);
        assert_eq!(count(&world), 2);
    }
}

/// What is remembered of the range may be of the night: the count of the morning stays, whatever else an edit sends.
#[test]
fn an_edit_takes_no_tasks_away_by_a_range_of_before() {
    let exposed = |port: u16| {
        let web = process("./bin/web").container_port(port).scale(office_hours());
        app("acme").process("web", web)
    };
    let mut world = settled(&staging(), &exposed(8080));
    let target = world.aws.scalable_target(WEB).unwrap();
    let mut actions = target.actions.into_iter();
    let morning = actions.find(|(_, action)| action.min == Some(6)).unwrap().0;
    world.aws.by_hand().fire(WEB, &morning);
    world.aws.by_hand().scale(WEB, 18);
    world.apply(&exposed(9090));
    world.settle();
    world.assert_ready();
    assert_eq!(world.aws.desired_count(WEB), Some(18));
}

/// AWS takes the target along, others have seen.
#[test]
fn a_service_that_a_hand_has_deleted_is_scaled_again_without_a_restart() {
    for goes in [false, true] {
        let mut world = settled(&staging(), &worker(by_cpu()));
        if goes {
            world.aws.by_hand().take_targets_with_services();
        }
        world.aws.by_hand().delete_service(WORKER);
        world.run_seconds(1_800);
        world.assert_ready();
        assert_eq!(world.aws.desired_count(WORKER), Some(2));
        let target = world.aws.scalable_target(WORKER).unwrap();
        assert_eq!(target.policies.len(), 1, "{goes}");
    }
}

#[test]
fn a_schedule_of_somebody_elses_is_left_alone_with_its_range() {
    let mut world = settled(&staging(), &worker(by_cpu()));
    let sale = ScheduledActionState {
        expression: Some("cron(0 0 27 11 ? *)".into()),
        time_zone: Some("UTC".into()),
        min: Some(50),
        max: Some(100),
        is_usual: true,
    };
    world
        .aws
        .by_hand()
        .scaling(WORKER)
        .actions
        .insert("sale".into(), sale);
    world.aws.by_hand().fire(WORKER, "sale");
    world.restart();
    check(&world.settle(), 0);
    world.assert_ready();
    assert_eq!((count(&world), range(&world)), (50, Range { min: 50, max: 100 }));
    // It goes with the target.
    world.apply(&counted(3));
    check(&world.settle(), 2);
}

#[test]
fn what_hands_change_of_it_is_repaired() {
    Story::on(&staging())
        .then("as it was", |world| world.apply(&worker(office_hours())))
        .then("another range by hand", |world| {
            world.aws.by_hand().scaling(WORKER).range = Range { min: 1, max: 3 };
            world.restart();
        })
        .then("its policy and a time deleted by hand", |world| {
            let mut console = world.aws.by_hand();
            let target = console.scaling(WORKER);
            target.policies.clear();
            target.actions.pop_first();
            drop(console);
            world.restart();
        })
        .then("another value by hand, and a policy of somebody's", |world| {
            let mut console = world.aws.by_hand();
            let target = console.scaling(WORKER);
            let policy = target.policies.get_mut("empire-cpu").unwrap();
            policy.value = Some("95".into());
            let mut theirs = policy.clone();
            theirs.metric = Some(Metric::Memory);
            target.policies.insert("by-queue".into(), theirs);
            drop(console);
            world.restart();
        })
        .then("deregistered by hand", |world| {
            world.aws.by_hand().deregister_target(WORKER);
            world.restart();
        })
        .then("the service deleted by hand", |world| {
            world.aws.by_hand().delete_service(WORKER);
            world.restart();
        })
        .reads("repaired-scaling.txt");
}

#[test]
fn a_target_of_somebody_is_a_conflict_until_it_is_handed_over() {
    let mut world = settled(&staging(), &counted(3));
    world.aws.by_hand().register(WORKER, 1, 5, Tags::new());
    world.apply(&worker(by_cpu()));
    check(&world.settle(), 0);
    let reason = world.reason(KEY);
    assert!(
        reason.starts_with(
            "Conflict: the scalable target of service shop_acme_worker exists and does not carry this App's ownership tags"
        ),
        "{reason}"
    );
    world.apply(&worker(by_cpu()).adopting());
    world.settle();
    world.assert_ready();
    assert_eq!(range(&world), Range { min: 2, max: 10 });
}

/// Also one that nobody has tagged goes on as before where there is no `scale`.
#[test]
fn who_scales_a_service_otherwise_is_left_alone() {
    let any = app("acme").process("worker", process("./bin/worker").any_quantity());
    let mut world = settled(&staging(), &any);
    world.aws.by_hand().register(WORKER, 1, 5, Tags::new());
    world.aws.by_hand().scale(WORKER, 5);
    for loses_status in [false, true] {
        world.loses_status = loses_status;
        world.restart();
        check(&world.settle(), 0);
        assert_eq!(count(&world), 5);
    }
}

#[test]
fn an_app_leaves_its_target_and_another_takes_it_over() {
    let mut world = settled(&staging(), &worker(by_cpu()).retained());
    world.delete(KEY);
    check(&world.settle(), 2);
    let left = world.aws.scalable_target(WORKER).unwrap();
    assert!(!left.tags.contains_key("empire.dev/owner") && left.tags.contains_key("empire.dev/app"));
    assert_eq!(left.policies.len(), 1);
    world.apply(&worker(by_cpu()).adopting());
    check(&world.settle(), 2);
    world.assert_ready();
}

#[test]
fn a_suspended_app_says_that_aws_goes_on() {
    let mut world = settled(&staging(), &worker(by_cpu()));
    world.apply(&worker(by_cpu()).suspended());
    world.settle();
    let said = world.status(KEY).conditions[0].message.clone();
    assert!(
        said.ends_with("; suspended, while AWS goes on scaling shop_acme_worker"),
        "{said}"
    );
    world.apply(&worker(json!({ "min": 3, "max": 4 })).suspended());
    check(&world.settle(), 0);
    let reason = world.reason(KEY);
    assert!(
        reason.starts_with("Suspended: suspended with 2 changes pending: "),
        "{reason}"
    );
    assert!(
        reason.ends_with("; suspended, while AWS goes on scaling shop_acme_worker"),
        "{reason}"
    );
}

/// A role from before there was `scale` goes on with all else.
#[test]
fn what_is_denied_names_the_policy_and_holds_up_no_release() {
    let denied = || Disturbance::Refusal("AccessDeniedException", "not authorized");
    let mut world = settled(&staging(), &counted(3));
    world.aws.disturb_read("application-autoscaling:", denied());
    world.apply(&worker(by_cpu()).image("registry.example/acme:v2"));
    world.settle_or_not();
    let reason = world.reason(KEY);
    assert!(
        reason.starts_with("AccessDenied: scalable targets cannot be read"),
        "{reason}"
    );
    assert!(reason.contains("deploy/iam/autoscaling.json"), "{reason}");
    assert_eq!(world.aws.image_of(WORKER), "registry.example/acme:v2");
    // Back to a quantity, there is nothing to wait for.
    world.apply(&counted(4).image("registry.example/acme:v2"));
    world.settle();
    world.assert_ready();
    assert_eq!(count(&world), 4);
    world.apply(&worker(by_cpu()));
    world.settle_or_not();
    world.aws.calm();
    world.settle();
    world.assert_ready();
    // What is scaled is not removed before it is known if AWS goes on.
    world.aws.disturb_read("application-autoscaling:", denied());
    world.delete(KEY);
    world.settle_or_not();
    assert!(world.holds(KEY) && world.aws.desired_count(WORKER).is_some());
    world.aws.calm();
    world.settle();
    assert!(!world.holds(KEY));
    // And an App that asks for nothing of it is not held up at all.
    let mut world = settled(&staging(), &counted(3));
    world.aws.disturb_read("application-autoscaling:", denied());
    for loses_status in [false, true] {
        world.loses_status = loses_status;
        world.restart();
        check(&world.settle(), 0);
        world.assert_ready();
    }
    world.delete(KEY);
    world.settle();
    assert!(!world.holds(KEY));
}

#[test]
fn a_restart_costs_nothing_and_few_reads() {
    let whole = worker(office_hours()).process("other", process("./bin/other").scale(by_cpu()));
    let mut world = settled(&staging(), &whole);
    let of = |world: &World| {
        let reads = world.reads.iter();
        reads
            .filter(|read| read.starts_with("application-autoscaling:"))
            .count()
    };
    for loses_status in [false, true] {
        world.loses_status = loses_status;
        world.restart();
        world.run(1);
        // One for both targets, and three for each.
        assert_eq!(of(&world), 7, "{:#?}", world.reads);
        check(&world.settle(), 0);
    }
    // An App that neither has nor wants any does not ask.
    let mut world = settled(&staging(), &counted(3));
    world.restart();
    world.run(1);
    assert_eq!(of(&world), 0);
}

#[test]
fn a_policy_that_reads_otherwise_is_not_sent_for_ever() {
    let mut world = World::new(&staging());
    world.aws.echo(Echo::ScalableTarget(|found| {
        for policy in found.policies.values_mut() {
            policy.value = policy.value.as_ref().map(|value| format!("{value}.0"));
        }
        for action in found.actions.values_mut() {
            action.time_zone = Some("CET".into());
        }
    }));
    world.apply(&worker(office_hours()));
    world.settle();
    world.restart();
    world.settle();
    world.restart();
    check(&world.settle(), 0);
    world.assert_ready();
}

#[test]
fn limits_count_the_most_that_there_may_be() {
    let limited = staging().granting(&[json!({
        "namespaceSelector": {}, "hostnames": ["*"], "images": ["*"], "limits": { "tasks": 25 },
    })]);
    let mut world = World::new(&limited);
    world.apply(&worker(office_hours()));
    world.settle();
    world.assert_ready();
    let mut more = office_hours();
    more["schedules"][0]["max"] = json!(26);
    world.apply(&worker(more));
    check(&world.settle(), 0);
    let reason = world.reason(KEY);
    assert!(
        reason.starts_with("NotAllowed: ") && reason.contains("26"),
        "{reason}"
    );
}

/// With services that take their targets along, and without.
#[test]
fn arrives_wherever_it_is_killed() {
    let edit = |to: AppFixture| move |world: &mut World| world.apply(&to);
    let at_3 = app("acme").process("worker", process("./bin/worker").cron("0 3 * * ? *"));
    let mut points = 0;
    for (name, from, to) in [
        ("create", None, worker(office_hours())),
        (
            "range",
            Some(worker(by_cpu())),
            worker(json!({ "min": 4, "max": 5, "memory": 50 })),
        ),
        ("quantity to scale", Some(counted(1)), worker(by_cpu())),
        ("scale to quantity", Some(worker(office_hours())), counted(12)),
        ("scale to schedule", Some(worker(by_cpu())), at_3.clone()),
        ("schedule to scale", Some(at_3), worker(by_cpu())),
        ("requests", None, by_requests(web().exposed())),
        (
            "another load balancer",
            Some(by_requests(web().exposed())),
            by_requests(web().external()),
        ),
    ] {
        let operation = Operation::new(staging(), from, edit(to)).after(|world| {
            world.aws.by_hand().take_targets_with_services();
        });
        points += crash::check(name, &operation);
    }
    let go = |world: &mut World| world.delete(KEY);
    points += crash::check(
        "delete",
        &Operation::new(staging(), Some(worker(office_hours())), go),
    );
    let left = worker(by_cpu()).retained();
    points += crash::check("let go", &Operation::new(staging(), Some(left), go));
    println!("scaling: {points} disturbances");
}

/// Its names lead there, and so do the requests that count.
#[test]
fn a_load_balancer_that_is_gone_is_replaced_with_the_policy() {
    let mut world = settled(&staging(), &by_requests(web().exposed()));
    let label = |world: &World| {
        world.aws.scalable_target(WEB).unwrap().policies["empire-requests"]
            .metric
            .clone()
    };
    let before = label(&world);
    let [name] = world
        .aws
        .load_balancers_of("shop/acme", "web")
        .try_into()
        .unwrap();
    world.aws.by_hand().delete_load_balancer(&name);
    world.restart();
    world.settle();
    world.assert_ready();
    assert_ne!(label(&world), before);
}
