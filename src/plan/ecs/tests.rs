//! Services: what is compared, what is repaired, and what is left alone.

use crate::model::desired::{Desired, Runs};
use crate::model::load_balancer::Scheme;
use crate::model::owner::Tags;
use crate::model::service::{CircuitBreaker, PlacementStrategy, ServiceSettings, TaskNetwork};
use crate::model::state::{Observed, Rollout, ServiceState, ServiceStatus};
use crate::plan::fixtures::world::{
    finish, ghost, lines, lines_around, pass, refused, remove_load_balancer, service_of,
};
use crate::plan::fixtures::{
    Process, app, arn, balancer, deployment, group, nothing, owner_of, process, settled,
};

const ROLLOUT: &str = "~ web: waiting for the rollout of service shop_acme_web";
const RUNS: &str = "web:v1 (256 CPU units, 512 MiB, port 8080, 1 variables)";
const RUNS_UNEXPOSED: &str = "web:v1 (256 CPU units, 512 MiB, 1 variables)";

const OFF: CircuitBreaker = CircuitBreaker {
    enable: false,
    rollback: false,
};

fn web() -> Process {
    process("web").internal()
}

fn check(desired: &Desired, observed: &Observed, expected: &[&str]) {
    similar_asserts::assert_eq!(lines(desired, observed), expected);
}

/// One field of web's service changed by hand, and what that leads to.
fn repair(change: impl Fn(&mut ServiceState), expected: &[&str]) {
    let wanted = app([web()]);
    let mut world = settled(&wanted);
    change(service_of(&mut world, "web"));
    check(&wanted, &world, expected);
}

fn settings_of<'a>(wanted: &'a mut Desired, process: &str) -> &'a mut ServiceSettings {
    match &mut wanted.processes.get_mut(process).unwrap().runs {
        Runs::Service(service) => &mut service.settings,
        Runs::Schedule(_) | Runs::ByHand(_) => panic!("{process} has no service"),
    }
}

#[test]
fn repairs_what_was_changed_by_hand() {
    repair(
        |s| s.desired = 5,
        &["update service shop_acme_web: 2 tasks", ROLLOUT],
    );
    repair(
        |s| s.deployment_percent = Some((0, 100)),
        &["update service shop_acme_web: 100/200 percent, circuit breaker with rollback"],
    );
    repair(
        |s| s.circuit_breaker = Some(OFF),
        &["update service shop_acme_web: 100/200 percent, circuit breaker with rollback"],
    );
    repair(
        |s| s.zone_rebalancing = Some(false),
        &["update service shop_acme_web: zone rebalancing on"],
    );
    repair(
        |s| s.placement = Some(vec![PlacementStrategy::spread("host")]),
        &["update service shop_acme_web: placement [spread instanceId]"],
    );
    repair(
        |s| s.grace_period = Some(0),
        &["update service shop_acme_web: grace period 60 s"],
    );
    repair(
        |s| {
            s.deployment_percent = Some((0, 100));
            s.desired = 3;
            s.grace_period = Some(7);
        },
        &[
            "update service shop_acme_web: 2 tasks, 100/200 percent, circuit breaker with rollback, grace period 60 s",
            ROLLOUT,
        ],
    );
    repair(
        |s| s.attachments[0].container_port = 9999,
        &["update service shop_acme_web: target groups [web-internal-group]"],
    );
    repair(
        |s| s.attachments.push(ghost("web")),
        &["update service shop_acme_web: target groups [web-internal-group]"],
    );
}

#[test]
fn a_deployment_strategy_that_a_hand_has_chosen_is_set_back_by_itself_and_holds_up_no_release() {
    let back =
        "update service shop_acme_web: rolling deployments, 100/200 percent, circuit breaker with rollback";
    for strategy in ["BLUE_GREEN", "LINEAR", "CANARY"] {
        repair(|s| s.strategy = Some(strategy.into()), &[back]);
    }
    repair(|s| s.strategy = Some("ROLLING".into()), &[]);
    repair(|s| s.strategy = None, &[]);
    // AWS takes it only while nothing rolls out.
    repair(
        |s| {
            s.strategy = Some("BLUE_GREEN".into());
            s.deployment_percent = Some((50, 100));
            s.deployments[0].rollout = Rollout::InProgress;
        },
        &[ROLLOUT],
    );
    let wanted = app([process("web").image("web:v2").quantity(3)]);
    let mut world = settled(&app([process("web")]));
    service_of(&mut world, "web").strategy = Some("BLUE_GREEN".into());
    let register = "register task definition shop_acme_web with web:v2 (256 CPU units, 512 MiB, 1 variables)";
    check(&wanted, &world, &[back]);
    let deferred = refused(&wanted, &world, back);
    similar_asserts::assert_eq!(lines_around(&wanted, &world, &deferred), [register]);
    service_of(&mut world, "web").deployment_percent = Some((50, 100));
    let scaled = app([process("web").quantity(3)]);
    similar_asserts::assert_eq!(
        lines_around(&scaled, &world, &deferred),
        ["update service shop_acme_web: 3 tasks"]
    );
}

#[test]
fn what_a_reply_leaves_out_is_unknown_and_no_drift() {
    repair(
        |s| {
            s.deployment_percent = None;
            s.circuit_breaker = None;
            s.zone_rebalancing = None;
            s.placement = None;
            s.grace_period = None;
            s.network = None;
        },
        &[],
    );
    let mut wanted = app([process("web")]);
    let network = |subnet: &str| TaskNetwork {
        subnets: [subnet.to_owned()].into(),
        security_groups: ["sg-tasks".to_owned()].into(),
        assign_public_ip: false,
    };
    let settings = settings_of(&mut wanted, "web");
    settings.network = Some(network("subnet-1"));
    let mut world = settled(&wanted);
    check(&wanted, &world, &[]);
    service_of(&mut world, "web").network = None;
    check(&wanted, &world, &[]);
    service_of(&mut world, "web").network = Some(network("subnet-2"));
    check(
        &wanted,
        &world,
        &["update service shop_acme_web: task network with security groups [sg-tasks]"],
    );
}

#[test]
fn without_target_groups_the_grace_period_is_neither_sent_nor_compared() {
    let mut wanted = app([process("web")]);
    let mut world = settled(&wanted);
    service_of(&mut world, "web").grace_period = Some(60);
    check(&wanted, &world, &[]);
    // Nor where the Platform does without load balancers.
    settings_of(&mut wanted, "web").grace_period = None;
    check(&wanted, &world, &[]);
}

/// A release of the controller that brings another default writes nothing for that alone.
#[test]
fn a_default_grace_period_that_changed_goes_along_with_the_next_rollout() {
    let before = settled(&app([web()]));
    let wanting = |mut wanted: Desired, seconds: u32, given: bool| {
        let Runs::Service(service) = &mut wanted.processes.get_mut("web").unwrap().runs else {
            panic!("web has a service");
        };
        service.settings.grace_period = Some(seconds);
        service.given_grace_period = given;
        wanted
    };
    check(&wanting(app([web()]), 300, false), &before, &[]);
    check(
        &wanting(app([web()]), 300, true),
        &before,
        &["update service shop_acme_web: grace period 300 s"],
    );
    let edited = wanting(app([web().image("web:v2")]), 300, false);
    let mut world = before.clone();
    assert_eq!(
        pass(&edited, &mut world)[1],
        "update service shop_acme_web: web:v2 (256 CPU units, 512 MiB, port 8080, 1 variables), grace period 300 s"
    );
    let mut by_hand = before;
    service_of(&mut by_hand, "web").grace_period = Some(0);
    check(
        &wanting(app([web()]), 300, false),
        &by_hand,
        &["update service shop_acme_web: grace period 300 s"],
    );
}

#[test]
fn an_absent_quantity_starts_with_one_task_and_is_then_left_to_whoever_scales() {
    let mut web = process("web");
    web.quantity = None;
    let wanted = app([web]);
    let mut world = nothing();
    let written = pass(&wanted, &mut world);
    assert_eq!(
        written.last().unwrap(),
        "create service shop_acme_web with 1 task"
    );
    finish(&mut world);
    let service = service_of(&mut world, "web");
    (service.desired, service.running) = (9, 9);
    check(&wanted, &world, &[]);
}

#[test]
fn fewer_tasks_than_wanted_are_waited_for_and_more_are_not() {
    repair(|s| s.running = 1, &[ROLLOUT]);
    repair(|s| s.running = 3, &[]);
    // Zone rebalancing starts the new task before it stops the old one.
    repair(|s| s.pending = 1, &[]);
    repair(|s| s.deployments[0].rollout = Rollout::InProgress, &[ROLLOUT]);
    repair(|s| s.deployments.clear(), &[ROLLOUT]);
}

#[test]
fn missing_and_changed_tags_are_put_back_and_extra_ones_stay() {
    let wanted = app([process("web").tagged("cost-center", "42").tagged("team", "shop")]);
    let mut world = settled(&wanted);
    let tags = &mut service_of(&mut world, "web").tags;
    tags.insert("by-hand".into(), "yes".into());
    tags.insert("team".into(), "blog".into());
    tags.remove("cost-center");
    check(
        &wanted,
        &world,
        &["tag service shop_acme_web with cost-center=42, team=shop"],
    );
}

#[test]
fn content_that_is_registered_already_is_used_and_not_registered_again() {
    // A pass that crashed between its two writes left the new revision.
    let mut world = settled(&app([web()]));
    let v2 = app([web().image("web:v2")]);
    let revision = settled(&v2).task_definitions.into_values().next().unwrap();
    let revision = crate::model::state::TaskDefinitionState {
        arn: arn("definition", "shop_acme_web:2"),
        ..revision
    };
    let v2_runs = "web:v2 (256 CPU units, 512 MiB, port 8080, 1 variables)";
    let update = format!("update service shop_acme_web: {v2_runs}");
    let register = format!("register task definition shop_acme_web with {v2_runs}");

    world
        .task_definitions
        .insert(revision.arn.clone(), revision.clone());
    check(&v2, &world, &[&update]);
    // But not one that was deregistered, nor one that carries no tags of ours: a family is account wide.
    for (active, tags) in [
        (false, revision.tags.clone()),
        (true, Tags::new()),
        (true, owner_of("installation-1", "blog", "acme").tags("web")),
    ] {
        let unusable = crate::model::state::TaskDefinitionState {
            active,
            tags,
            ..revision.clone()
        };
        world.task_definitions.insert(unusable.arn.clone(), unusable);
        check(&v2, &world, &[&register]);
    }
}

#[test]
fn a_change_in_the_environment_alone_is_a_new_release() {
    let mut wanted = app([process("web")]);
    let world = settled(&wanted);
    let content = &mut wanted.processes.get_mut("web").unwrap().task_definition;
    content.main.environment.0.insert("TOKEN".into(), "other".into());
    check(
        &wanted,
        &world,
        &[&format!(
            "register task definition shop_acme_web with {RUNS_UNEXPOSED}"
        )],
    );
}

#[test]
fn settings_go_along_with_the_content_they_belong_to() {
    let mut world = settled(&app([process("web")]));
    let wanted = app([process("web").image("web:v2").quantity(5)]);
    let v2 = "web:v2 (256 CPU units, 512 MiB, 1 variables)";
    similar_asserts::assert_eq!(
        pass(&wanted, &mut world),
        [
            format!("register task definition shop_acme_web with {v2}"),
            format!("update service shop_acme_web: {v2}, 5 tasks"),
        ]
    );
}

#[test]
fn content_that_is_refused_does_not_stop_scaling() {
    let world = settled(&app([process("web")]));
    let wanted = app([process("web").image("web:v2").quantity(5)]);
    let register = "register task definition shop_acme_web with web:v2 (256 CPU units, 512 MiB, 1 variables)";
    let deferred = refused(&wanted, &world, register);
    similar_asserts::assert_eq!(
        lines_around(&wanted, &world, &deferred),
        ["update service shop_acme_web: 5 tasks"]
    );
}

#[test]
fn an_edit_goes_out_in_the_middle_of_a_rollout() {
    let mut world = settled(&app([process("web")]));
    let service = service_of(&mut world, "web");
    let stuck = deployment(&service.task_definition, 2, Rollout::InProgress);
    service.deployments.insert(0, stuck);
    let wanted = app([process("web").image("web:v3")]);
    let v3 = "register task definition shop_acme_web with web:v3 (256 CPU units, 512 MiB, 1 variables)";
    check(&wanted, &world, &[v3, ROLLOUT]);
}

#[test]
fn a_draining_service_is_waited_for_whether_it_is_wanted_or_not() {
    for wanted in [app([web()]), app([web().image("web:v2")])] {
        let mut world = settled(&app([web()]));
        service_of(&mut world, "web").status = ServiceStatus::Draining;
        check(
            &wanted,
            &world,
            &["~ web: waiting for the deleted service shop_acme_web to drain"],
        );
        finish(&mut world);
        let written = pass(&wanted, &mut world);
        assert!(
            written
                .last()
                .unwrap()
                .starts_with("create service shop_acme_web"),
            "{written:?}"
        );
    }
    let mut world = settled(&app([process("web")]));
    service_of(&mut world, "web").status = ServiceStatus::Draining;
    check(
        &app([]),
        &world,
        &["~ web: waiting for the deleted service shop_acme_web to drain"],
    );
}

#[test]
fn a_service_of_somebody_else_under_our_name_is_in_the_way_and_untouched() {
    for owner in [
        owner_of("installation-2", "shop", "acme"),
        owner_of("installation-1", "shop", "acme2"),
    ] {
        let wanted = app([process("web").image("web:v2")]);
        let mut world = settled(&app([process("web")]));
        service_of(&mut world, "web").tags = owner.tags("web");
        let left = lines(&wanted, &world);
        assert_eq!(
            left.last().unwrap(),
            "! web: service shop_acme_web exists and does not carry this App's ownership tags"
        );
        assert!(
            !left
                .iter()
                .any(|line| line.starts_with("update") || line.starts_with("delete"))
        );
        // Not wanted any more, it is none of our business.
        check(&app([]), &world, &[]);
    }
}

#[test]
fn a_service_that_was_deleted_by_hand_is_made_again_as_it_was() {
    let wanted = app([web()]);
    let mut world = settled(&wanted);
    world.services.clear();
    check(
        &wanted,
        &world,
        &["create service shop_acme_web with 2 tasks behind web-internal-group:8080"],
    );
}

#[test]
fn a_target_group_that_vanished_is_taken_out_since_no_rollout_can_complete_with_it() {
    // Of a process that is exposed no longer.
    let wanted = app([process("web")]);
    let mut world = settled(&wanted);
    service_of(&mut world, "web").attachments = vec![ghost("web")];
    check(
        &wanted,
        &world,
        &["update service shop_acme_web: grace period 0 s, target groups []"],
    );

    // With its load balancer, of one that is: attached anew at once, however far the load balancer is.
    let wanted = app([web()]);
    let mut world = settled(&wanted);
    remove_load_balancer(&mut world, &balancer("web", Scheme::Internal));
    world.target_groups.clear();
    let written = pass(&wanted, &mut world);
    assert!(
        written.contains(
            &"update service shop_acme_web: grace period 60 s, target groups [web-internal-group]".to_owned()
        ),
        "{written:#?}"
    );
}

#[test]
fn a_target_group_that_lost_its_load_balancer_for_good_is_not_named_to_ecs_again() {
    // In the middle of a flip, by hand.
    let wanted = app([process("web").external()]);
    let mut world = settled(&wanted);
    let old = settled(&app([web()]));
    world.target_groups.extend(old.target_groups);
    let old = arn("group", &group("web", Scheme::Internal));
    world
        .target_groups
        .values_mut()
        .filter(|g| g.arn == old)
        .for_each(|g| g.load_balancers.clear());
    let service = service_of(&mut world, "web");
    service.attachments[0].target_group = old;
    check(
        &wanted,
        &world,
        &["update service shop_acme_web: grace period 60 s, target groups [web-external-group]"],
    );
}

#[test]
fn a_service_waits_for_its_listener_because_ecs_refuses_it_before() {
    let wanted = app([web()]);
    let mut world = settled(&wanted);
    world.services.clear();
    for state in world.load_balancers.values_mut() {
        state.listeners = Some(Vec::new());
    }
    let left = lines(&wanted, &world);
    assert_eq!(
        left[0],
        "create listener HTTP 80 of load balancer web-internal to web-internal-group"
    );
    assert!(
        !left.iter().any(|line| line.starts_with("create service")),
        "{left:#?}"
    );
}

#[test]
fn a_running_service_gets_its_target_group_only_when_the_load_balancer_is_active() {
    let wanted = app([web()]);
    let mut world = settled(&app([process("web")]));
    pass(&wanted, &mut world);
    let service = service_of(&mut world, "web");
    assert!(service.attachments.is_empty());
    finish(&mut world);
    similar_asserts::assert_eq!(
        pass(&wanted, &mut world),
        [
            format!("register task definition shop_acme_web with {RUNS}"),
            format!(
                "update service shop_acme_web: {RUNS}, grace period 60 s, target groups [web-internal-group]"
            ),
        ]
    );
}

#[test]
fn a_removed_process_loses_its_names_before_its_service() {
    let world = settled(&app([web()]));
    let left = lines(&app([]), &world);
    assert!(left[0].starts_with("change records"), "{left:#?}");
    assert_eq!(
        left[1],
        "~ web: waiting for load balancer web-internal to serve before names point to it"
    );
    // The batch was refused in this pass: the service stays.
    let deferred = refused(&app([]), &world, &left[0]);
    let left = lines_around(&app([]), &world, &deferred);
    assert!(left.iter().all(|line| line.starts_with('~')), "{left:#?}");
}
