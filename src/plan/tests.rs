//! The plan as a whole: what order things come in, what they cost, and that enough is enough.

mod expose;
mod foreign;
mod large;
pub(super) mod random;
mod replace;
mod review;

use super::fixtures::world::{apply, finish, lines, lines_around, pass, pass_around, refused, service_of};
use super::fixtures::{Process, app, claim, nothing, owner, owner_of, process, settled};
use super::{Obstacle, ObstacleKind, Pending, Plan};
use crate::change::{Change, Deferred, ServiceWrite};
use crate::model::container::HostPort;
use crate::model::desired::{Desired, DesiredProcess};
use crate::model::record::RecordStyle;
use crate::model::state::Observed;
use crate::plan::fixtures::plan;

fn web() -> Process {
    process("web").external()
}

fn api() -> Process {
    process("api")
        .internal()
        .container_port(7070)
        .check_path("/healthz")
}

fn worker() -> Process {
    process("worker").quantity(4)
}

fn check(desired: &Desired, observed: &Observed, expected: &[&str]) {
    similar_asserts::assert_eq!(lines(desired, observed), expected);
}

/// Carries out whole passes, with time in between, until nothing is left to do: all that was written.
pub(super) fn converge(desired: &Desired, observed: &mut Observed) -> Vec<String> {
    let mut written = Vec::new();
    for _ in 0..20 {
        written.extend(pass(desired, observed));
        if plan(desired, observed).is_settled() {
            return written;
        }
        finish(observed);
        super::fixtures::world::elapse(desired, observed);
    }
    panic!(
        "does not come to rest:\n{:#?}\nafter {written:#?}",
        lines(desired, observed)
    );
}

#[test]
fn nothing_wanted_and_nothing_there_is_an_empty_plan() {
    assert_eq!(plan(&app([]), &nothing()), Plan::default());
    assert!(plan(&app([]), &Observed::default()).is_settled());
}

#[test]
fn what_is_as_wanted_is_an_empty_plan() {
    for wanted in [
        app([worker()]),
        app([web(), api(), worker()]),
        app([web().claimed(), api().claimed()]),
        app([web().style(RecordStyle::Alias)]),
        app([web().unnamed()]),
        app([web().tagged("cost-center", "42")]),
    ] {
        let mut planned = plan(&wanted, &settled(&wanted));
        assert_eq!(planned.rollouts.len(), wanted.processes.len());
        planned.rollouts.clear();
        assert_eq!(planned, Plan::default());
    }
}

#[test]
fn what_was_made_from_nothing_is_what_was_wanted() {
    for wanted in [
        app([worker()]),
        app([web(), api(), worker()]),
        app([web().claimed(), api().claimed()]),
        app([web().style(RecordStyle::Alias)]),
        app([web().unnamed()]),
    ] {
        let mut world = nothing();
        converge(&wanted, &mut world);
        random::assert_same(&wanted, &world, &settled(&wanted));
    }
}

#[test]
fn a_service_comes_after_what_it_needs_and_names_come_last() {
    let wanted = app([process("web").internal().claimed()]);
    let mut world = nothing();
    let written = pass(&wanted, &mut world);
    similar_asserts::assert_eq!(
        written,
        [
            "claim host port 9000 for container port 8080",
            "create internal application load balancer web-internal",
            "create target group web-internal-group checking /web",
            "set deregistration delay of target group web-internal-group to 30 s",
            "create listener HTTP 80 of load balancer web-internal to web-internal-group",
            "register task definition shop_acme_web with web:v1 (256 CPU units, 512 MiB, port 8080 on host port 9000, 1 variables)",
            "create service shop_acme_web with 2 tasks behind web-internal-group:8080",
            "change records in zone Z-INTERNAL: +acme-web.corp.example CNAME web-internal.ELB.example (TTL 60 s), \
             +_empire.acme-web.corp.example TXT",
        ]
    );
    check(
        &wanted,
        &world,
        &[
            "~ web: waiting for the rollout of service shop_acme_web",
            "~ web: waiting for load balancer web-internal to become active",
        ],
    );
    finish(&mut world);
    check(&wanted, &world, &[]);
}

#[test]
fn an_app_goes_names_first_and_ports_last() {
    let mut world = settled(&app([process("web").internal().claimed(), worker()]));
    let nothing_wanted = app([]);
    similar_asserts::assert_eq!(
        pass(&nothing_wanted, &mut world),
        [
            "delete service shop_acme_worker",
            "change records in zone Z-INTERNAL: -acme-web.corp.example CNAME web-internal.ELB.example. (TTL 60 s), \
             -_empire.acme-web.corp.example TXT",
            "delete service shop_acme_web",
        ]
    );
    check(
        &nothing_wanted,
        &world,
        &[
            "~ web: waiting for the deleted service shop_acme_web to drain",
            "~ worker: waiting for the deleted service shop_acme_worker to drain",
        ],
    );
    finish(&mut world);
    similar_asserts::assert_eq!(
        pass(&nothing_wanted, &mut world),
        [
            "delete load balancer web-internal",
            "delete target group web-internal-group",
            "release host port 9000 of container port 8080",
        ]
    );
    check(&nothing_wanted, &world, &[]);
    assert!(world.load_balancers.is_empty() && world.target_groups.is_empty());
    assert!(world.services.is_empty() && world.ports.claims.is_empty());
    assert!(world.zones.values().all(|zone| zone.records.is_empty()));
}

#[test]
fn a_removed_process_takes_everything_of_it_along_and_nothing_else() {
    let mut world = settled(&app([web(), api(), worker()]));
    let wanted = app([web(), worker()]);
    converge(&wanted, &mut world);
    random::assert_same(&wanted, &world, &settled(&wanted));
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of all there are")]
fn each_operation_costs_what_it_must() {
    // The App of docs/aws.md#the-floor: web (http, external, two tasks) and worker, one zone.
    let one_zone = |process: Process| {
        process
            .unnamed()
            .named(super::fixtures::INTERNAL, "a.corp.example")
    };
    let web = || one_zone(process("web").external());
    let api = || {
        let api = process("api").internal().unnamed();
        api.named(super::fixtures::INTERNAL, "b.corp.example")
    };
    let before = app([web(), worker()]);
    for (operation, before, after, writes) in [
        ("create", app([]), before.clone(), 9),
        (
            "image",
            before.clone(),
            app([web().image("v2"), worker().image("v2")]),
            4,
        ),
        ("scale", before.clone(), app([web(), worker().quantity(9)]), 1),
        (
            "check path",
            before.clone(),
            app([web().check_path("/up"), worker()]),
            1,
        ),
        (
            "container port",
            before.clone(),
            app([web().container_port(9090), worker()]),
            2,
        ),
        (
            "flip",
            before.clone(),
            app([one_zone(process("web").internal()), worker()]),
            9,
        ),
        (
            "flip and image",
            before.clone(),
            app([one_zone(process("web").internal()).image("v2"), worker()]),
            11,
        ),
        ("remove worker", before.clone(), app([web()]), 1),
        ("remove web", before.clone(), app([worker()]), 4),
        (
            "add an exposed api",
            before.clone(),
            app([web(), worker(), api()]),
            7,
        ),
        (
            "stop exposing web",
            before.clone(),
            app([process("web"), worker()]),
            5,
        ),
        (
            "expose worker",
            before.clone(),
            app([
                web(),
                one_zone(worker().external())
                    .unnamed()
                    .named(super::fixtures::INTERNAL, "w.corp.example"),
            ]),
            7,
        ),
        (
            "hostname",
            before.clone(),
            app([
                web().named(super::fixtures::INTERNAL, "shop.corp.example"),
                worker(),
            ]),
            1,
        ),
        (
            "ttl",
            before.clone(),
            app([web().style(RecordStyle::Cname { ttl: 30 }), worker()]),
            1,
        ),
        (
            "record type",
            before.clone(),
            app([web().style(RecordStyle::Alias), worker()]),
            1,
        ),
        (
            "tags",
            before.clone(),
            app([web().tagged("k", "v"), worker().tagged("k", "v")]),
            3,
        ),
        ("delete", before.clone(), app([]), 5),
        ("nothing", before.clone(), before, 0),
    ] {
        let mut world = settled(&before);
        let written = converge(&after, &mut world);
        assert_eq!(written.len(), writes, "{operation}: {written:#?}");
    }
}

#[test]
fn names_that_are_ready_together_travel_in_one_batch_per_zone() {
    let wanted = app([web(), process("api").external()]);
    let mut world = nothing();
    let written = pass(&wanted, &mut world);
    let batches = written
        .iter()
        .filter(|line| line.starts_with("change records"))
        .count();
    assert_eq!(batches, 2, "{written:#?}");
}

#[test]
fn what_did_not_work_in_this_pass_is_left_out_and_holds_up_nobody_else() {
    let wanted = app([process("web").internal(), worker()]);
    let mut world = nothing();
    let create = "create internal application load balancer web-internal";
    let deferred = refused(&wanted, &world, create);
    similar_asserts::assert_eq!(
        pass_around(&wanted, &mut world, &deferred),
        [
            "create target group web-internal-group checking /web",
            "register task definition shop_acme_web with web:v1 (256 CPU units, 512 MiB, port 8080, 1 variables)",
            "register task definition shop_acme_worker with worker:v1 (256 CPU units, 512 MiB, 1 variables)",
            "set deregistration delay of target group web-internal-group to 30 s",
            "create service shop_acme_worker with 4 tasks",
        ]
    );
    // A later pass tries again.
    converge(&wanted, &mut world);
    random::assert_same(&wanted, &world, &settled(&wanted));
}

#[test]
fn a_deferred_batch_of_names_leaves_the_plan_without_changes() {
    let wanted = app([process("web").internal()]);
    let mut world = settled(&wanted);
    for zone in world.zones.values_mut() {
        zone.records.clear();
    }
    let batch = Deferred::from_iter(plan(&wanted, &world).changes);
    assert_eq!(batch.len(), 1);
    similar_asserts::assert_eq!(lines_around(&wanted, &world, &batch), [""; 0]);
}

#[test]
fn one_process_in_trouble_does_not_stop_its_siblings() {
    let wanted = app([web(), api(), worker()]);
    let mut world = nothing();
    // Somebody else has a service of the name that web's would have.
    let stranger = settled(&app([process("web")]));
    let (name, mut service) = stranger.services.into_iter().next().unwrap();
    service.tags = owner_of("installation-2", "shop", "acme").tags("web");
    world.services.insert(name, service);
    pass(&wanted, &mut world);
    finish(&mut world);
    let left = lines(&wanted, &world);
    assert!(
        left.contains(
            &"! web: service shop_acme_web exists and does not carry this App's ownership tags".to_owned()
        ),
        "{left:#?}"
    );
    assert!(left.iter().all(|line| line.contains("web")), "{left:#?}");
    assert_eq!(service_of(&mut world, "api").running, 2);
    assert_eq!(service_of(&mut world, "worker").running, 4);
}

#[test]
fn every_kind_of_waiting_and_obstacle_names_its_process() {
    let (process, service, load_balancer) = ("web".to_owned(), "s-1".to_owned(), "l-2".to_owned());
    for (pending, words) in [
        (
            Pending::Rollout {
                process: process.clone(),
                service: service.clone(),
            },
            "waiting for the rollout of service s-1",
        ),
        (
            Pending::Draining {
                process: process.clone(),
                service,
            },
            "waiting for the deleted service s-1 to drain",
        ),
        (
            Pending::Provisioning {
                process: process.clone(),
                load_balancer: load_balancer.clone(),
            },
            "waiting for load balancer l-2 to become active",
        ),
        (
            Pending::Retiring {
                process: process.clone(),
                load_balancer: load_balancer.clone(),
                edits_wait: false,
            },
            "waiting until no resolver can still name load balancer l-2",
        ),
        (
            Pending::PortRecovery {
                process: process.clone(),
            },
            "waiting for the host ports in use to be claimed",
        ),
        (
            Pending::OldZone {
                process: process.clone(),
                zone: "Z1".into(),
                what: "load balancer l-2".into(),
            },
            "waiting until the names of hosted zone Z1 can be read before load balancer l-2 goes",
        ),
        (
            Pending::Names {
                process,
                load_balancer,
            },
            "waiting for load balancer l-2 to serve before names point to it",
        ),
    ] {
        assert_eq!((pending.process(), pending.to_string().as_str()), ("web", words));
    }
}

#[test]
fn a_plan_with_anything_in_it_is_not_settled() {
    let change = Change::of(
        "web",
        ServiceWrite::Delete {
            service: "s-1".into(),
        },
    );
    let pending = Pending::PortRecovery {
        process: "web".into(),
    };
    let obstacle = Obstacle {
        process: "web".into(),
        kind: ObstacleKind::Foreign,
        message: "in the way".into(),
    };
    assert!(Plan::default().is_settled());
    assert!(
        !Plan {
            changes: vec![change],
            ..Plan::default()
        }
        .is_settled()
    );
    assert!(
        !Plan {
            pending: vec![pending],
            ..Plan::default()
        }
        .is_settled()
    );
    assert!(
        !Plan {
            obstacles: vec![obstacle],
            ..Plan::default()
        }
        .is_settled()
    );
}

#[test]
fn what_a_process_should_run_is_known_once_its_port_is_claimed() {
    let wanted = app([process("web").internal().claimed(), worker()]);
    let mut world = nothing();
    let ports = |world: &Observed| {
        let port = |(name, process): (&String, &DesiredProcess)| {
            let content = wanted.definition(world, name, process);
            let port = content.map(|content| content.main.ports.first().map(|p| p.host_port));
            (process.task_definition.family.clone(), port)
        };
        wanted.processes.iter().map(port).collect::<Vec<_>>()
    };
    let (web, worker) = ("shop_acme_web".to_owned(), "shop_acme_worker".to_owned());
    assert_eq!(ports(&world), [(web.clone(), None), (worker.clone(), Some(None))]);
    world.ports.claims.push(claim(9002, &owner(), "web", 8080));
    assert_eq!(
        ports(&world),
        [(web, Some(Some(HostPort::Fixed(9002)))), (worker, Some(None))]
    );
}

#[test]
fn the_same_question_gets_the_same_answer() {
    let wanted = app([web(), api(), worker()]);
    let mut world = settled(&app([web().unexposed(), worker()]));
    apply(
        &mut world,
        &Change::of(
            "worker",
            ServiceWrite::Delete {
                service: "shop_acme_worker".into(),
            },
        ),
    );
    assert_eq!(plan(&wanted, &world), plan(&wanted, &world));
}
