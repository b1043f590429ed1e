//! One AWS service that is out of reach holds up what depends on it, says so, and holds up nothing else.

use crate::fake_aws::{Disturbance, When};
use crate::fixtures::{AppFixture, acme, app, process, staging, web, worker};
use crate::world::World;

const KEY: &str = "shop/acme";
const V2: &str = "registry.example/acme:v2";
const BALANCING: &str = "elasticloadbalancing:";
const NAMES: &str = "route53:";
const CLOCK: &str = "scheduler:";
const ECS: &str = "ecs:";

fn outages() -> [Disturbance; 3] {
    [
        Disturbance::Timeout(When::Before),
        Disturbance::Refusal("ServiceUnavailable", "out of order"),
        Disturbance::Refusal("AccessDeniedException", "not you"),
    ]
}

fn settled(app: &AppFixture) -> World {
    World::settled(&staging(), app)
}

fn workers() -> AppFixture {
    app("acme").process("worker", worker())
}

/// Every write that was tried, by its action.
fn actions(world: &World) -> Vec<String> {
    let attempts = world.aws.take_attempts();
    let action = |attempt: &String| attempt.split(' ').next().unwrap().to_owned();
    attempts.iter().map(action).collect()
}

#[track_caller]
fn assert_says(world: &World, words: &str) {
    let conditions = world.status(KEY).conditions;
    assert!(
        conditions
            .iter()
            .any(|condition| condition.message.contains(words)),
        "{words}: {conditions:#?}"
    );
}

#[test]
fn what_an_app_neither_wants_nor_has_is_not_asked_for() {
    let mut world = settled(&workers());
    for restarts in [false, true] {
        if restarts {
            world.restart();
        }
        world.aws.advance(700);
        world.step();
        assert!(!world.reads.is_empty());
        for elsewhere in [BALANCING, NAMES, CLOCK] {
            let asked = world.reads.iter().any(|read| read.starts_with(elsewhere));
            assert!(!asked, "{:#?}", world.reads);
        }
    }
    assert_eq!(world.status(KEY).holds, Some(Vec::new()));
    world.apply(&acme().process("nightly", process("./n").cron("0 3 * * ? *")));
    world.settle();
    world.assert_ready();
    let holds = world.status(KEY).holds.unwrap();
    assert_eq!(holds[..2], ["LoadBalancers", "Schedules"]);
    assert!(
        holds[2..].iter().all(|part| part.starts_with("Zone/")),
        "{holds:?}"
    );
}

#[test]
fn a_worker_is_made_released_scaled_and_deleted_whatever_else_is_out_of_reach() {
    for outage in outages() {
        let mut world = World::new(&staging());
        for elsewhere in [BALANCING, NAMES, CLOCK] {
            world.aws.disturb_read(elsewhere, outage.clone());
        }
        world.apply(&workers());
        world.settle();
        world.assert_ready();
        world.restart();
        for elsewhere in [BALANCING, NAMES, CLOCK] {
            world.aws.disturb_read(elsewhere, outage.clone());
        }
        let next = app("acme").process("worker", worker().quantity(3)).image(V2);
        world.apply(&next);
        world.settle();
        world.assert_ready();
        assert_eq!(world.aws.desired_count("shop_acme_worker"), Some(3));
        world.delete(KEY);
        world.settle();
        assert!(!world.holds(KEY));
    }
}

#[test]
fn an_exposed_process_gets_its_image_and_its_count_while_load_balancers_cannot_be_read() {
    for outage in outages() {
        let mut world = settled(&acme());
        world.aws.disturb_read(BALANCING, outage);
        world.aws.take_attempts();
        let next = acme()
            .image(V2)
            .process("web", web().external().quantity(3).check_path("/new"));
        world.apply(&next.process("api", web().exposed()));
        world.run(30);
        assert_eq!(world.aws.desired_count("shop_acme_web"), Some(3));
        assert_eq!(world.aws.desired_count("shop_acme_api"), None);
        let actions = actions(&world);
        let count = |action: &str| actions.iter().filter(|found| *found == action).count();
        assert_eq!(count("ecs:UpdateService"), 2, "{actions:?}");
        assert!(
            !actions.iter().any(|action| action.starts_with(BALANCING)),
            "{actions:?}"
        );
        assert!(
            !actions.iter().any(|action| action.starts_with(NAMES)),
            "{actions:?}"
        );
        assert!(!world.reason(KEY).starts_with("Ready"), "{}", world.reason(KEY));
        assert_says(&world, "load balancers cannot be read");
        assert_says(&world, "elasticloadbalancing:Describe");
        let web = world
            .status(KEY)
            .processes
            .into_iter()
            .find(|p| p.name == "web")
            .unwrap();
        assert!(
            web.load_balancer.is_some() && !web.hostnames.is_empty(),
            "{web:?}"
        );

        world.aws.calm();
        world.settle();
        world.assert_ready();
        assert!(!world.aws.load_balancers_of(KEY, "api").is_empty());
        // Each image once.
        assert_eq!(count("ecs:RegisterTaskDefinition"), 3, "{actions:?}");
        assert!(!self::actions(&world).contains(&"ecs:UpdateService".to_owned()));
    }
}

#[test]
fn everything_but_names_goes_on_while_a_zone_cannot_be_read() {
    for outage in outages() {
        let mut world = settled(&acme());
        world.aws.disturb_read(NAMES, outage);
        world.aws.take_attempts();
        let renamed = web()
            .external()
            .quantity(2)
            .hostnames(&["www.example.com"])
            .check_path("/new");
        world.apply(&acme().image(V2).process("web", renamed));
        world.run(30);
        let mut actions = actions(&world);
        actions.sort();
        actions.dedup();
        assert_eq!(
            actions,
            [
                "ecs:RegisterTaskDefinition",
                "ecs:UpdateService",
                "elasticloadbalancing:ModifyTargetGroup"
            ]
        );
        assert_says(&world, "hosted zone ZINTERNAL cannot be read");
        world.aws.calm();
        world.settle();
        world.assert_ready();
        assert!(world.aws.pointed_at("ZINTERNAL", "www.example.com").is_some());
    }
}

/// Somebody may be sent there by a name in that zone.
#[test]
fn a_load_balancer_stays_while_a_zone_that_may_name_it_cannot_be_read() {
    for outage in outages() {
        let mut world = settled(&acme());
        let old = world.aws.load_balancers_of(KEY, "web").remove(0);
        world.aws.disturb_read(NAMES, outage);
        world.apply(&acme().process("web", web().internal().quantity(2)));
        world.run(100);
        assert!(world.aws.load_balancers_of(KEY, "web").contains(&old));
        world.apply(&workers().process("web", worker().unexposed().quantity(2)));
        world.run(100);
        assert!(world.aws.load_balancers_of(KEY, "web").contains(&old));
        world.apply(&workers());
        world.run(100);
        assert!(world.aws.load_balancers_of(KEY, "web").contains(&old));
        assert_eq!(world.aws.desired_count("shop_acme_web"), Some(2));
        world.aws.calm();
        world.settle();
        world.assert_ready();
        assert!(world.aws.load_balancers_of(KEY, "web").is_empty());
        assert_eq!(world.aws.violations(), Vec::<String>::new());
    }
}

#[test]
fn nothing_of_ecs_is_written_while_ecs_cannot_be_read_and_the_rest_is() {
    for outage in outages() {
        for read in [
            ECS,
            "ecs:ListServices",
            "ecs:DescribeServices",
            "ecs:DescribeTaskDefinition",
        ] {
            let mut world = settled(&acme());
            let before = world.status(KEY);
            world.restart();
            world.aws.disturb_read(read, outage.clone());
            world.aws.take_attempts();
            world.apply(
                &acme()
                    .image(V2)
                    .process("web", web().external().quantity(2).check_path("/new")),
            );
            world.run(5);
            assert_eq!(
                actions(&world),
                ["elasticloadbalancing:ModifyTargetGroup"],
                "{read}"
            );
            assert_says(&world, "services cannot be read");
            let status = world.status(KEY);
            assert_eq!(status.processes_complete, before.processes_complete);
            let counts = |status: &empire_controller::api::app::AppStatus| {
                let of = |p: &empire_controller::api::app::ProcessStatus| (p.running, p.submitted.clone());
                status.processes.iter().map(of).collect::<Vec<_>>()
            };
            assert_eq!(counts(&status), counts(&before));
            world.aws.calm();
            world.settle();
            world.assert_ready();
        }
    }
}

#[test]
fn a_schedule_waits_for_its_service_and_other_processes_do_not() {
    let nightly = |text: &str| process("./nightly").cron(text);
    for outage in outages() {
        let mut world = settled(&acme().process("nightly", nightly("0 3 * * ? *")));
        world.aws.disturb_read(CLOCK, outage);
        world.aws.take_attempts();
        world.apply(&acme().image(V2).process("nightly", nightly("0 4 * * ? *")));
        world.run(20);
        let actions = actions(&world);
        assert_eq!(
            actions.iter().filter(|a| *a == "ecs:UpdateService").count(),
            2,
            "{actions:?}"
        );
        assert!(
            !actions.iter().any(|action| action.starts_with(CLOCK)),
            "{actions:?}"
        );
        assert_says(&world, "schedules cannot be read");
        let nightly = world
            .status(KEY)
            .processes
            .into_iter()
            .find(|p| p.name == "nightly")
            .unwrap();
        assert!(nightly.schedule.is_some());
        world.aws.calm();
        world.settle();
        world.assert_ready();
    }
}

/// The parts that are known are removed, and the App stays until the rest has been read.
#[test]
fn a_deletion_waits_for_what_cannot_be_read_and_for_nothing_else() {
    let whole = || acme().process("nightly", process("./nightly").cron("0 3 * * ? *"));
    for outage in outages() {
        for (elsewhere, words) in [
            (BALANCING, "load balancers cannot be read"),
            (NAMES, "hosted zone ZINTERNAL cannot be read"),
            (CLOCK, "schedules cannot be read"),
            (ECS, "services cannot be read"),
        ] {
            for (restarts, loses_status) in [(false, false), (true, false), (true, true)] {
                let mut world = settled(&whole());
                if restarts {
                    world.loses_status = loses_status;
                    world.restart();
                }
                world.aws.disturb_read(elsewhere, outage.clone());
                world.delete(KEY);
                world.run(60);
                assert!(world.holds(KEY), "{elsewhere}");
                assert_says(&world, words);
                if elsewhere != ECS {
                    assert!(
                        world
                            .aws
                            .desired_count("shop_acme_worker")
                            .is_none_or(|count| count == 0)
                    );
                }
                world.aws.calm();
                world.settle();
                assert!(!world.holds(KEY), "{elsewhere}");
                let left = world.snapshot().0;
                for what in ["e-acme-web", "acme-nightly", "acme.example.com"] {
                    assert!(!left.contains(what), "{elsewhere}: {left}");
                }
            }
        }
    }
}

#[test]
fn what_is_left_of_an_exposure_is_found_although_its_status_was_lost_while_it_could_not_be_read() {
    for outage in outages() {
        let mut world = settled(&acme());
        world.loses_status = true;
        world.restart();
        world.loses_status = false;
        world.aws.disturb_read(BALANCING, outage);
        world.aws.take_attempts();
        world.apply(&workers().process("web", worker().unexposed()).image(V2));
        world.run(5);
        let actions = actions(&world);
        assert!(actions.contains(&"ecs:UpdateService".to_owned()), "{actions:?}");
        assert_says(&world, "load balancers cannot be read");
        world.restart();
        world.settle();
        world.assert_ready();
        assert!(world.aws.load_balancers_of(KEY, "web").is_empty());
        assert!(world.aws.target_groups_of(KEY, "web").is_empty());
    }
}

/// A cluster with a wrong name, say.
#[test]
fn no_load_balancer_is_made_for_a_service_that_cannot_be() {
    let mut world = World::new(&staging());
    let gone = Disturbance::Refusal("ClusterNotFoundException", "Cluster not found.");
    world.aws.disturb_read("ecs:ListServices", gone);
    world.apply(&acme());
    world.run(5);
    assert_eq!(actions(&world), [""; 0]);
    assert!(
        world.reason(KEY).starts_with("ClusterNotFound: "),
        "{}",
        world.reason(KEY)
    );
    world.aws.calm();
    world.settle();
    world.assert_ready();
}

/// The record of rollouts that tells a rollback from a hand change.
#[test]
fn only_the_release_in_question_waits_for_the_record_of_its_rollouts() {
    let mut world = settled(&acme());
    world.aws.by_hand().break_tasks(V2);
    world.apply(&acme().image(V2));
    world.run(2);
    // Nobody looks while they fail, and ECS brings back what was complete.
    world.aws.advance(600);
    let outage = Disturbance::Refusal("AccessDeniedException", "not you");
    world.aws.disturb_read("ecs:ListServiceDeployments", outage);
    world.run(30);
    assert_says(&world, "ecs:ListServiceDeployments");
    world.aws.calm();
    world.settle_or_not();
    assert!(
        world.reason(KEY).starts_with("RolloutFailed"),
        "{}",
        world.reason(KEY)
    );
}
