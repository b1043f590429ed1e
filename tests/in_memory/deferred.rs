//! Changes that one failed call defers for the rest of a pass, and those that it does not.

use crate::fake_aws::Disturbance;
use crate::fixtures::{app, staging, web, worker};
use crate::world::World;

const CREATE_LOAD_BALANCER: &str = "elasticloadbalancing:CreateLoadBalancer";

/// One pass over an App with two exposed processes and one that is not, in which this call is answered like this.
fn disturbed(action: &'static str, about: &str, code: &'static str) -> (World, Vec<String>) {
    let mut world = World::new(&staging());
    world
        .aws
        .disturb(action, about, Disturbance::Refusal(code, "No."));
    let processes = app("acme").process("api", web().exposed()).process("web", web());
    world.apply(&processes.process("worker", worker()));
    world.step();
    let attempts = world.aws.take_attempts();
    (world, attempts)
}

fn count(attempts: &[String], action: &str) -> usize {
    attempts
        .iter()
        .filter(|attempt| attempt.starts_with(action))
        .count()
}

#[test]
fn a_throttled_call_is_made_once_and_every_other_one_goes_on() {
    let (mut world, attempts) = disturbed(CREATE_LOAD_BALANCER, "", "ThrottlingException");
    assert_eq!(count(&attempts, CREATE_LOAD_BALANCER), 1, "{attempts:#?}");
    assert_eq!(count(&attempts, "elasticloadbalancing:CreateTargetGroup"), 2);
    assert_eq!(world.aws.desired_count("shop_acme_worker"), Some(1));
    world.aws.calm();
    world.settle();
    world.assert_ready();
}

#[test]
fn a_process_that_is_not_as_it_was_observed_is_left_alone_and_its_siblings_are_not() {
    let (mut world, attempts) = disturbed(CREATE_LOAD_BALANCER, "e-acme-api", "DuplicateLoadBalancerName");
    assert_eq!(
        count(&attempts, "elasticloadbalancing:CreateTargetGroup e-acme-api"),
        0,
        "{attempts:#?}"
    );
    assert_eq!(world.aws.desired_count("shop_acme_web"), Some(1));
    assert_eq!(world.aws.desired_count("shop_acme_worker"), Some(1));
    assert_eq!(world.aws.desired_count("shop_acme_api"), None);
    world.aws.calm();
    world.settle();
    world.assert_ready();
}
