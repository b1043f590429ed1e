//! Claims on host ports: sticky, unique, and released only when no task can have them.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::change::{PortWrite, Write};
use crate::model::desired::Desired;
use crate::model::load_balancer::Scheme;
use crate::model::port::Claim;
use crate::model::state::{Observed, Rollout, ServiceStatus};
use crate::plan::fixtures::plan;
use crate::plan::fixtures::world::{lines, pass, service_of};
use crate::plan::fixtures::{Process, app, arn, claim, deployment, group, nothing, owner, process, settled};
use crate::plan::{ObstacleKind, Pending};

fn web() -> Process {
    process("web").internal().claimed()
}

fn api() -> Process {
    process("api").internal().claimed()
}

/// Ports claimed and ports released, in order.
fn check(desired: &Desired, observed: &Observed, claimed: &[u16], released: &[u16]) {
    let (mut kept, mut free) = (Vec::new(), Vec::new());
    for change in plan(desired, observed).changes {
        if let Write::Port(PortWrite::Claim(claim)) = &change.write {
            kept.push(claim.port);
        } else if let Write::Port(PortWrite::Release(claim)) = &change.write {
            free.push(claim.port);
        }
    }
    assert_eq!((kept.as_slice(), free.as_slice()), (claimed, released));
}

fn with_claims(claims: impl IntoIterator<Item = Claim>) -> Observed {
    let mut world = nothing();
    world.ports.claims.extend(claims);
    world
}

fn taken(ports: impl IntoIterator<Item = u16>) -> Arc<BTreeSet<u16>> {
    Arc::new(ports.into_iter().collect())
}

#[test]
fn two_processes_in_one_plan_get_two_ports() {
    check(&app([web(), api()]), &nothing(), &[9000, 9001], &[]);
}

#[test]
fn only_an_exposed_process_on_a_platform_with_host_ports_gets_one() {
    check(
        &app([process("web").internal(), process("worker").claimed()]),
        &nothing(),
        &[],
        &[],
    );
}

#[test]
fn the_search_starts_after_the_port_that_was_handed_out_last() {
    let mut world = nothing();
    world.ports.cursor = Some(9002);
    check(&app([web(), api()]), &world, &[9003, 9000], &[]);
}

#[test]
fn a_port_of_anybody_is_not_handed_out() {
    let mut world = with_claims([claim(9002, &owner(), "web", 8080)]);
    world.ports.taken = taken([9000, 9002]);
    check(&app([web(), api()]), &world, &[9001], &[]);
}

#[test]
fn a_port_stays_with_its_owner() {
    // Also outside of a range that was changed since.
    for port in [9003, 9500] {
        let world = with_claims([claim(port, &owner(), "web", 8080)]);
        check(&app([web()]), &world, &[], &[]);
    }
}

#[test]
fn nothing_is_handed_out_before_the_ports_in_use_are_claimed() {
    let mut world = nothing();
    world.ports.recovered = false;
    let plan = plan(&app([web()]), &world);
    assert!(plan.pending.contains(&Pending::PortRecovery {
        process: "web".into()
    }));
    check(&app([web()]), &world, &[], &[]);
    // Whoever has a claim already does not wait.
    world.ports.claims.push(claim(9001, &owner(), "web", 8080));
    let plan = crate::plan::fixtures::plan(&app([web()]), &world);
    assert!(!plan.pending.contains(&Pending::PortRecovery {
        process: "web".into()
    }));
}

#[test]
fn exhaustion_names_the_numbers_and_leaves_the_others_alone() {
    let mut world = nothing();
    world.ports.taken = taken(9000..9003);
    let wanted = app([api(), web()]);
    check(&wanted, &world, &[9003], &[]);
    let plan = plan(&wanted, &world);
    let [obstacle] = &plan.obstacles[..] else {
        panic!("{:?}", plan.obstacles)
    };
    assert_eq!(
        (obstacle.process.as_str(), obstacle.kind),
        ("web", ObstacleKind::PortsExhausted)
    );
    assert_eq!(
        obstacle.message,
        "no host port is left for process web: all 4 of Platform staging (9000-9003) are allocated"
    );
    // Or the App would be said to make progress.
    let waits = |pending: &&Pending| pending.process() == "web";
    assert_eq!(plan.pending.iter().find(waits), None);
}

#[test]
fn without_a_port_there_is_no_task_definition_and_no_service() {
    let mut world = nothing();
    world.ports.recovered = false;
    let written = pass(&app([web()]), &mut world);
    assert!(
        !written
            .iter()
            .any(|l| l.contains("task definition") || l.contains("service")),
        "{written:?}"
    );
}

#[test]
fn of_two_claims_of_one_owner_the_one_that_runs_stays() {
    let wanted = app([web()]);
    let mut world = settled(&wanted);
    assert_eq!(world.ports.claims[0].port, 9000);
    for other in [9001, 9003] {
        world.ports.claims.push(claim(other, &owner(), "web", 8080));
        check(&wanted, &world, &[], &[other]);
        world.ports.claims.pop();
    }
    // It runs the higher one.
    world.ports.claims = vec![
        claim(8999, &owner(), "web", 8080),
        claim(9000, &owner(), "web", 8080),
    ];
    check(&wanted, &world, &[], &[8999]);
    // Nothing runs: the lower one stays.
    let world = with_claims([
        claim(9002, &owner(), "web", 8080),
        claim(9001, &owner(), "web", 8080),
    ]);
    check(&wanted, &world, &[], &[9002]);
}

#[test]
fn a_port_is_released_only_when_nothing_uses_it() {
    let gone = app([]);
    let mut world = settled(&app([web()]));
    world.zones.values_mut().for_each(|zone| zone.records.clear());
    // Its service is active, then draining, then gone; its target group outlives it.
    check(&gone, &world, &[], &[]);
    service_of(&mut world, "web").status = ServiceStatus::Draining;
    check(&gone, &world, &[], &[]);
    world.services.clear();
    check(&gone, &world, &[], &[]);
    world.load_balancers.clear();
    world
        .target_groups
        .values_mut()
        .for_each(|group| group.load_balancers.clear());
    check(&gone, &world, &[], &[]);
    world.target_groups.clear();
    check(&gone, &world, &[], &[9000]);
}

#[test]
fn a_port_of_dropped_exposure_is_released_when_the_last_task_with_it_is_gone() {
    let wanted = app([process("web")]);
    let mut world = settled(&wanted);
    world.ports.claims.push(claim(9000, &owner(), "web", 8080));
    check(&wanted, &world, &[], &[9000]);
    // An older deployment may still hold it.
    let service = service_of(&mut world, "web");
    let mut old = deployment(&arn("definition", "shop_acme_web:0"), 2, Rollout::Completed);
    old.primary = false;
    service.deployments.push(old);
    check(&wanted, &world, &[], &[]);
    // So may the only one, while what it runs is not known.
    service_of(&mut world, "web").deployments.pop();
    world.task_definitions.clear();
    check(&wanted, &world, &[], &[]);
}

#[test]
fn a_port_that_a_flipped_target_group_still_serves_is_kept() {
    let wanted = app([process("web")]);
    let mut world = settled(&wanted);
    world.ports.claims.push(claim(9000, &owner(), "web", 8080));
    let group = settled(&app([web()]))
        .target_groups
        .remove(&group("web", Scheme::Internal));
    let mut group = group.unwrap();
    group.load_balancers.clear();
    world.target_groups.insert(group.name.clone(), group);
    check(&wanted, &world, &[], &[]);
}

#[test]
fn a_changed_container_port_waits_for_its_claim_and_sends_nothing_before() {
    let mut world = settled(&app([web()]));
    world.ports.recovered = false;
    let wanted = app([web().container_port(9090)]);
    similar_asserts::assert_eq!(
        lines(&wanted, &world),
        ["~ web: waiting for the host ports in use to be claimed"]
    );
    let wanted = app([web().container_port(9090).quantity(3)]);
    assert_eq!(lines(&wanted, &world)[0], "update service shop_acme_web: 3 tasks");
}

#[test]
fn a_claim_deleted_by_hand_is_taken_back() {
    let wanted = app([web()]);
    let mut world = settled(&wanted);
    world.ports.claims.clear();
    world.ports.cursor = Some(9001);
    // Its tasks have the port, so it must be no other's, and they need not be replaced.
    check(&wanted, &world, &[9000], &[]);
    world.ports.taken = taken([9000]);
    check(&wanted, &world, &[9002], &[]);
}
