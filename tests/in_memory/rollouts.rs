//! Releases that fail, and what becomes of them: told to their ends, and tried again only when somebody asks for it.

use serde_json::json;

use crate::fake_aws::{Disturbance, When, Write};
use crate::fixtures::{AppFixture, PlatformFixture, acme, app, process, staging, web, worker};
use crate::stories::Story;
use crate::world::World;

const V2: &str = "registry.example/acme:v2";
const V3: &str = "registry.example/acme:v3";

/// Adds what `kubectl get` would show.
fn told(story: Story) -> Story {
    story.tells_the_status("shop/acme")
}

fn restless() -> AppFixture {
    app("acme").process("worker", worker().quantity(2))
}

#[test]
fn a_release_that_ecs_takes_back_is_not_tried_again_until_somebody_asks() {
    let story = Story::on(&staging())
        .then("created", |world| world.apply(&acme()))
        .then_in_vain("an image that does not start", |world| {
            world.aws.by_hand().break_tasks(V2);
            world.apply(&acme().image(V2));
        });
    let story = told(story)
        .then_in_vain("a resync", |world| world.aws.advance(700))
        .then_in_vain("a restart", World::restart)
        .then_in_vain("the same manifest, with one more task", |world| {
            world.apply(&acme().image(V2).process("web", web().external().quantity(3)));
        })
        .then("the image is made good, and a redeploy asked for", |world| {
            world.aws.by_hand().mend_tasks();
            world.apply(
                &acme()
                    .image(V2)
                    .process("web", web().external().quantity(3))
                    .redeploy("once"),
            );
        });
    let story = told(story)
        .then_in_vain("another that does not start", |world| {
            world.aws.by_hand().break_tasks(V3);
            world.apply(&acme().image(V3).redeploy("once"));
        })
        .then("taken back in the manifest", |world| {
            world.apply(&acme().image(V2).redeploy("once"));
        });
    told(story).reads("rollback.txt");
}

#[test]
fn without_rollback_the_failed_release_stays_beside_the_old_tasks() {
    let careful = |image: &str| {
        let worker = worker().deploy(json!({ "circuitBreaker": { "rollback": false } }));
        app("acme").image(image).process("worker", worker)
    };
    let story = Story::on(&staging())
        .then("created", |world| {
            world.apply(&careful("registry.example/acme:v1"));
        })
        .then_in_vain("an image that does not start", |world| {
            world.aws.by_hand().break_tasks(V2);
            world.apply(&careful(V2));
        })
        .shows_the_world();
    let story = told(story)
        .then_in_vain("a resync", |world| world.aws.advance(700))
        .then("one that does", |world| world.apply(&careful(V3)));
    told(story).reads("no-rollback.txt");
}

#[test]
fn a_release_that_takes_too_long_is_stopped_and_rolled_back() {
    let story = Story::on(&staging())
        .then("created", |world| world.apply(&restless()))
        .then_in_vain("an image whose tasks end again and again", |world| {
            world.aws.by_hand().unsettle_tasks(V2);
            world.apply(&restless().image(V2));
        })
        .shows_the_world();
    let story = told(story)
        .then_in_vain("a resync", |world| world.aws.advance(700))
        .then("made good, with a redeploy", |world| {
            world.aws.by_hand().mend_tasks();
            world.apply(&restless().image(V2).redeploy("once"));
        });
    told(story).reads("deadline.txt");
}

#[test]
fn a_first_release_that_takes_too_long_is_left_alone_and_may_yet_complete() {
    let story = Story::on(&staging()).then_in_vain("created, and its tasks end again and again", |world| {
        world.aws.by_hand().unsettle_tasks("registry.example/acme:v1");
        world.apply(&restless());
    });
    let story = told(story).then_in_vain("they no longer do", |world| {
        world.aws.by_hand().mend_tasks();
        world.aws.advance(400);
    });
    told(story).reads("first-deadline.txt");
}

#[test]
fn a_move_to_another_load_balancer_that_fails_moves_no_name() {
    let flipped = || acme().process("web", web().internal().quantity(2));
    let story = Story::on(&staging())
        .then("created", |world| world.apply(&acme()))
        .for_a_moment("internal, where no task is healthy", 1, move |world| {
            world.apply(&flipped());
        })
        .then_in_vain("that shows", |world| {
            let all = world.aws.load_balancers_of("shop/acme", "web");
            let was = world.aws.pointed_at("ZINTERNAL", "acme.example.com").unwrap();
            let new = all.into_iter().find(|name| *name != was).unwrap();
            world.aws.by_hand().set_healthy(&new, false);
        })
        .shows_the_world();
    let story = told(story)
        .then_in_vain("a resync", |world| world.aws.advance(700))
        .then("made good, with a redeploy", move |world| {
            let all = world.aws.load_balancers_of("shop/acme", "web");
            for name in all {
                world.aws.by_hand().set_healthy(&name, true);
            }
            world.apply(&flipped().redeploy("once"));
        });
    told(story).reads("failed-flip.txt");
}

#[test]
fn a_process_that_cannot_start_holds_up_no_other() {
    let story = Story::on(&staging())
        .then("created", |world| world.apply(&acme()))
        .then_in_vain("a worker that does not start, in a new release", |world| {
            world.aws.by_hand().break_tasks("./bin/wrong");
            world.apply(
                &acme()
                    .image(V2)
                    .process("worker", process("./bin/wrong").quantity(1)),
            );
        })
        .shows_the_world();
    told(story).reads("sibling.txt");
}

#[test]
fn how_tasks_are_placed_and_replaced() {
    let on_spot = |weight| staging().capacity_providers(&[("on-demand", 1), ("spot", weight)]);
    let one = |worker| app("acme").process("worker", worker);
    let placed = || {
        worker()
            .deploy(json!({ "minimumHealthyPercent": 0, "maximumPercent": 100, "circuitBreaker": { "enable": false } }))
            .placement(json!({ "constraints": [{ "type": "distinctInstance" }] }))
    };
    Story::on(&on_spot(1))
        .then("created with a redeploy", |world| {
            world.apply(&one(worker()).redeploy("old"));
        })
        .then("a redeploy", |world| world.apply(&one(worker()).redeploy("new")))
        .then("the same one, after a restart", World::restart)
        .then("none", |world| world.apply(&one(worker())))
        .then("the same one again", |world| {
            world.apply(&one(worker()).redeploy("new"));
        })
        .then("few at a time, each on an instance of its own", |world| {
            world.apply(&one(placed()));
        })
        .then("as before", |world| world.apply(&one(worker())))
        .then("more on spot", |world| world.set_platform(&on_spot(3)))
        .then("in the other order", |world| {
            world.set_platform(&staging().capacity_providers(&[("spot", 3), ("on-demand", 1)]));
        })
        .reads("deploy.txt");
}

/// The in-memory ECS refuses what Managed Instances do not take.
#[test]
fn managed_instances_run_what_they_take() {
    let managed = staging().awsvpc("sg-1").managed_instances("managed-1");
    let mut world = World::new(&managed);
    world.apply(&acme());
    world.settle();
    let written = world.settle();
    assert!(written.is_empty(), "{written:?}");
    world.apply(&acme().image(V2));
    attempts(&mut world, 2);
    world.restart();
    let written = world.settle();
    assert!(written.is_empty(), "{written:?}");
}

/// Every attempt at a rollout costs one write, and there are no more than these.
#[track_caller]
fn attempts(world: &mut World, expected: usize) {
    let written = world.settle();
    let updates = written.iter().filter(|write| write.action == "ecs:UpdateService");
    assert_eq!(updates.count(), expected);
}

#[test]
fn a_lost_status_costs_one_more_attempt_and_no_redeploy() {
    let mut world = World::new(&staging());
    world.apply(&acme());
    world.settle();
    world.aws.by_hand().break_tasks(V2);
    world.apply(&acme().image(V2).redeploy("once"));
    attempts(&mut world, 2);
    world.loses_status = true;
    world.restart();
    attempts(&mut world, 2);
    world.loses_status = false;
    world.restart();
    attempts(&mut world, 0);

    world.aws.by_hand().mend_tasks();
    world.apply(&acme().image(V2).redeploy("twice"));
    attempts(&mut world, 2);
    world.assert_ready();
    world.loses_status = true;
    world.restart();
    attempts(&mut world, 0);
    world.assert_ready();
}

#[test]
fn a_redeploy_that_fails_is_no_success_although_the_old_tasks_are_of_the_same_release() {
    let mut world = settled(&staging(), &acme());
    world.apply(&acme().redeploy("once"));
    world.run(1);
    world.aws.by_hand().stop_rollout("shop_acme_worker");
    attempts(&mut world, 0);
    let reason = world.reason("shop/acme");
    assert!(reason.starts_with("RolloutFailed: process worker: "), "{reason}");
    world.restart();
    attempts(&mut world, 0);
    assert_eq!(world.reason("shop/acme"), reason);
    // Somebody rolls it again by hand, and it completes.
    world.aws.by_hand().deploy_again("shop_acme_worker", 1);
    world.aws.advance(400);
    attempts(&mut world, 0);
    world.assert_ready();
}

#[test]
fn a_failed_release_is_told_of_a_command_that_wants_a_shell() {
    let with_command = |command: &str| app("acme").process("worker", process(command).quantity(1));
    let failed = |command: &str| {
        let mut world = settled(&staging(), &with_command("./bin/worker"));
        world.apply(&with_command(command).image(V2));
        world.run(1);
        world.aws.by_hand().stop_rollout("shop_acme_worker");
        world.settle_or_not();
        world.reason("shop/acme")
    };
    let hint = "; command contains QUEUE=, which only a shell understands, and none runs it: \
                set variables in env, or set shell: true to have one";
    let reason = failed("QUEUE=low ./bin/worker");
    assert!(
        reason.starts_with("RolloutFailed: ") && reason.ends_with(hint),
        "{reason}"
    );
    let reason = failed("./bin/worker 'QUEUE=low | x'");
    assert!(
        reason.starts_with("RolloutFailed: ") && !reason.contains("shell"),
        "{reason}"
    );
}

#[test]
fn a_hand_change_is_repaired_and_not_taken_for_a_rollback() {
    let mut world = World::new(&staging());
    world.apply(&acme());
    world.settle();
    world.apply(&acme().image(V2));
    world.settle();
    world.aws.by_hand().deploy_again("shop_acme_worker", 1);
    world.aws.advance(700);
    attempts(&mut world, 1);
    world.assert_ready();
}

#[test]
fn somebody_elses_rollback_is_not_repaired() {
    let mut world = World::new(&staging());
    world.apply(&acme());
    world.settle();
    world.apply(&acme().image(V2));
    world.run(1);
    world.aws.by_hand().stop_rollout("shop_acme_worker");
    attempts(&mut world, 0);
    let reason = world.reason("shop/acme");
    assert!(reason.starts_with("RolloutFailed: process worker: "), "{reason}");
}

#[test]
fn what_an_endpoint_without_records_of_rollouts_shows_is_repaired() {
    let mut world = World::new(&staging());
    world.apply(&acme());
    world.settle();
    world.apply(&acme().image(V2));
    world.settle();
    world.aws.by_hand().deploy_again("shop_acme_worker", 1);
    world.aws.by_hand().forget_rollouts();
    world.aws.advance(700);
    attempts(&mut world, 1);
    world.assert_ready();
}

fn settled(platform: &PlatformFixture, app: &AppFixture) -> World {
    World::settled(platform, app)
}

#[test]
fn a_rollout_past_its_deadline_is_stopped_once_whatever_happens_then() {
    let mut world = settled(&staging(), &restless());
    world.aws.by_hand().unsettle_tasks(V2);
    world.apply(&restless().image(V2));
    let written = world.settle();
    let stops = written
        .iter()
        .filter(|write| write.action == "ecs:StopServiceDeployment");
    assert_eq!(stops.count(), 1);
    for _ in 0..3 {
        world.restart();
        assert!(world.settle().is_empty());
    }
}

/// The controller dies, or hears nothing, at every write of something that ends badly. Says how many points there were.
fn ends_alike_wherever_it_is_killed(base: &World, edit: impl Fn(&mut World), more_updates: usize) -> usize {
    let is_update = |write: &&Write| write.action == "ecs:UpdateService";
    let mut undisturbed = base.fork();
    edit(&mut undisturbed);
    undisturbed.aws.take_attempts();
    let written = undisturbed.settle();
    let writes = undisturbed.aws.take_attempts();
    let (expected, reason) = (undisturbed.snapshot(), undisturbed.reason("shop/acme"));
    let updates = written.iter().filter(is_update).count();
    let disturbances = [
        Disturbance::Crash(When::Before),
        Disturbance::Crash(When::After),
        Disturbance::Timeout(When::Before),
        Disturbance::Timeout(When::After),
    ];
    let mut points = 0;
    for disturbance in disturbances {
        for loses_status in [false, true] {
            for (n, write) in writes.iter().enumerate() {
                let at = format!("{disturbance:?} at {write}, status lost: {loses_status}");
                let mut world = base.fork();
                world.loses_status = loses_status;
                edit(&mut world);
                world.aws.disturb_write(n, disturbance.clone());
                let written = world.settle();
                assert_eq!(world.aws.disturbed(), 1, "{at}");
                assert_eq!(world.snapshot(), expected, "{at}");
                let came = world.reason("shop/acme");
                assert_eq!(came.split(':').next(), reason.split(':').next(), "{at}: {came}");
                let made = written.iter().filter(is_update).count();
                assert!(made <= updates + more_updates, "{at}: {made} updates");
                world.loses_status = false;
                world.restart();
                assert!(world.settle().is_empty(), "{at}");
                points += 1;
            }
        }
    }
    points
}

#[test]
fn what_ends_badly_ends_alike_wherever_the_controller_is_killed() {
    let mut points = 0;
    points += ends_alike_wherever_it_is_killed(
        &settled(&staging(), &acme()),
        |world| {
            world.aws.by_hand().break_tasks(V2);
            world.apply(&acme().image(V2));
        },
        1,
    );
    points += ends_alike_wherever_it_is_killed(
        &settled(&staging(), &restless()),
        |world| {
            world.aws.by_hand().unsettle_tasks(V2);
            world.apply(&restless().image(V2));
        },
        1,
    );
    println!("{points} disturbances");
}

#[test]
fn a_redeploy_is_carried_out_wherever_the_controller_is_killed() {
    let points = ends_alike_wherever_it_is_killed(
        &settled(&staging(), &acme().redeploy("old")),
        |world| world.apply(&acme().redeploy("new")),
        // What a pass that dies has started, its status does not know: one more for each service.
        2,
    );
    println!("{points} disturbances");
}

#[test]
fn what_is_set_in_one_update_arrives_wherever_the_controller_is_killed() {
    let worker = || {
        worker()
            .deploy(json!({ "minimumHealthyPercent": 50, "circuitBreaker": { "rollback": false } }))
            .placement(json!({ "constraints": [{ "type": "distinctInstance" }] }))
    };
    let points = ends_alike_wherever_it_is_killed(
        &settled(&staging(), &acme()),
        |world| world.apply(&acme().process("worker", worker())),
        0,
    );
    println!("{points} disturbances");
}
