//! Ready while a failure goes on, and while a call is denied.

use empire_controller::api::condition::Reason;

use crate::fake_aws::{Disturbance, When};
use crate::fixtures::{acme, staging, worker};
use crate::world::World;

const KEY: &str = "shop/acme";
const CREATE_LISTENER: &str = "elasticloadbalancing:CreateListener";
const SET_SUBNETS: &str = "elasticloadbalancing:SetSubnets";

fn settled() -> World {
    World::settled(&staging(), &acme())
}

/// Type and reason of each condition, with the status of `Ready`.
fn conditions(world: &World) -> Vec<(String, String)> {
    let conditions = world.status(KEY).conditions.into_iter();
    conditions
        .map(|c| (format!("{}={}", c.type_, c.status), c.reason))
        .collect()
}

#[track_caller]
fn assert_conditions(world: &World, expected: &[(&str, Reason)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(kind, reason)| ((*kind).to_owned(), reason.as_str().to_owned()))
        .collect();
    assert_eq!(conditions(world), expected);
}

fn lose_listeners(world: &mut World) {
    let load_balancer = world.aws.load_balancers_of(KEY, "web").remove(0);
    world.aws.by_hand().delete_listeners(&load_balancer);
}

fn move_subnets(world: &mut World) {
    let load_balancer = world.aws.load_balancers_of(KEY, "web").remove(0);
    let mut console = world.aws.by_hand();
    console.set_subnets(&load_balancer, &["subnet-x", "subnet-y"]);
}

/// No client is served, and observing again shows nothing new.
#[test]
fn the_same_stale_answer_after_a_new_look_is_a_refusal() {
    for (action, code, message) in [
        (CREATE_LISTENER, "TargetGroupAssociationLimit", "in use elsewhere"),
        (CREATE_LISTENER, "DuplicateListener", "there is one"),
        (CREATE_LISTENER, "LoadBalancerNotFound", "not here"),
    ] {
        let mut world = settled();
        lose_listeners(&mut world);
        world.restart();
        world.aws.disturb(action, "", Disturbance::Refusal(code, message));
        world.step();
        assert_conditions(&world, &[("Ready=True", Reason::Available)]);
        world.aws.advance(10);
        world.run(3);
        assert_conditions(
            &world,
            &[
                ("Ready=False", Reason::Refused),
                ("Stalled=True", Reason::Refused),
            ],
        );
        let reason = world.reason(KEY);
        assert!(reason.contains(code) && reason.contains(message), "{reason}");
        // And so it stays, pass after pass.
        world.run(10);
        assert!(world.reason(KEY).starts_with("Refused: process web"));

        world.aws.calm();
        world.settle();
        world.assert_ready();
    }
}

#[test]
fn a_stale_answer_that_a_new_look_explains_is_none() {
    let mut world = settled();
    let duplicate = Disturbance::Refusal("ClientException", "TaskDefinition is inactive");
    world.aws.disturb("ecs:UpdateService", "worker", duplicate);
    world.apply(&acme().process("worker", worker().quantity(4)));
    world.run(2);
    world.aws.calm();
    world.settle();
    world.assert_ready();
    // Long after, another one begins anew.
    let duplicate = Disturbance::Refusal("ClientException", "TaskDefinition is inactive");
    world.aws.disturb("ecs:UpdateService", "worker", duplicate);
    world.apply(&acme().process("worker", worker().quantity(5)));
    world.step();
    assert!(
        world.reason(KEY).starts_with("Unavailable"),
        "{}",
        world.reason(KEY)
    );
}

/// The controller is started again every half a minute: the time is in the conditions.
#[test]
fn a_disturbance_that_lasts_takes_ready_away_however_often_the_controller_restarts() {
    for restarts in [false, true] {
        let mut world = settled();
        move_subnets(&mut world);
        world.restart();
        let silence = || Disturbance::Timeout(When::Before);
        world.aws.disturb(SET_SUBNETS, "", silence());
        world.run(2);
        assert_conditions(&world, &[("Ready=True", Reason::Available)]);
        world.step();
        let beside = [
            ("Ready=True", Reason::Available),
            ("Reconciling=True", Reason::EndpointUnreachable),
        ];
        assert_conditions(&world, &beside);
        for _ in 0..4 {
            world.aws.advance(10);
            world.run(3);
            if restarts {
                world.restart();
                world.aws.disturb(SET_SUBNETS, "", silence());
            }
        }
        assert_conditions(
            &world,
            &[
                ("Ready=False", Reason::EndpointUnreachable),
                ("Reconciling=True", Reason::EndpointUnreachable),
            ],
        );
        world.aws.calm();
        world.settle();
        world.assert_ready();
        assert_conditions(&world, &[("Ready=True", Reason::Available)]);
    }
}

#[test]
fn a_denied_repair_leaves_ready_to_an_app_that_serves_and_to_no_other() {
    let refusals = [
        ("AccessDenied", "not you", Reason::AccessDenied),
        ("ExpiredToken", "too late", Reason::AccessDenied),
        ("TooManyListeners", "enough", Reason::QuotaReached),
    ];
    for (code, message, reason) in refusals {
        let mut world = settled();
        let refusal = || Disturbance::Refusal(code, message);
        world.aws.disturb(SET_SUBNETS, "", refusal());
        move_subnets(&mut world);
        world.aws.advance(600);
        world.run(30);
        assert_conditions(
            &world,
            &[("Ready=True", Reason::Available), ("Reconciling=True", reason)],
        );
        world.aws.disturb(CREATE_LISTENER, "", refusal());
        lose_listeners(&mut world);
        world.run(2);
        assert_conditions(&world, &[("Ready=False", reason), ("Reconciling=True", reason)]);

        world.aws.calm();
        world.settle();
        world.assert_ready();
    }
}

#[test]
fn a_new_generation_that_is_denied_is_not_ready() {
    let mut world = settled();
    let denied = Disturbance::Refusal("AccessDeniedException", "not you");
    world.aws.disturb("ecs:UpdateService", "", denied);
    world.apply(&acme().process("worker", worker().quantity(4)));
    world.run(2);
    assert_conditions(
        &world,
        &[
            ("Ready=False", Reason::AccessDenied),
            ("Reconciling=True", Reason::AccessDenied),
        ],
    );
}
