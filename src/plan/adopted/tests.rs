//! Adopting what others made, and leaving it behind.

mod halfway;

use std::collections::BTreeSet;

use crate::model::desired::{Adopted, Desired};
use crate::model::owner::{Tags, has_no_owner, is_adopted, left_by};
use crate::model::part::Part;
use crate::model::state::{LoadBalancerState, Observed, ServiceStatus};
use crate::plan::fixtures::plan;
use crate::plan::fixtures::world::{apply, elapse, finish, lines, pass, service_of};
use crate::plan::fixtures::{EXTERNAL, INTERNAL, Process, app, process, settled};

const STAYS: Adopted = Adopted {
    stays: true,
    may_be_there: false,
};

/// Web, which has names in both zones and a host port, and worker.
fn acme() -> Desired {
    with(web())
}

fn web() -> Process {
    let web = process("web").external().claimed();
    web.named(INTERNAL, "acme.corp.example")
        .named(EXTERNAL, "acme.example.com")
}

/// Beside worker, which is adopted, too.
fn with(web: Process) -> Desired {
    adopting(app([web, process("worker")]))
}

fn with_two_ports() -> Desired {
    with(web().listener(81, 9090))
}

fn internal() -> Desired {
    let web = process("web").internal().claimed();
    with(web.named(INTERNAL, "acme.corp.example"))
}

fn adopting(desired: Desired) -> Desired {
    Desired {
        adopts: true,
        adopted: STAYS,
        ..desired
    }
}

fn leaving() -> Desired {
    let Desired { owner, place, .. } = acme();
    Desired {
        adopted: STAYS,
        ..Desired::empty(owner, place)
    }
}

/// An App that is deleted and says that all goes.
fn deleting() -> Desired {
    Desired {
        adopted: Adopted::default(),
        ..leaving()
    }
}

/// Returns services of acme's names that somebody has made by other means, and nothing else.
fn made_by_others() -> Observed {
    let mut world = settled(&app([process("web"), process("worker")]));
    for service in world.services.values_mut() {
        service.tags = Tags::from([("team".into(), "shop".into())]);
    }
    world
}

/// Carries out what is wanted, with all the waits.
fn settle(desired: &Desired, world: &mut Observed) -> Vec<String> {
    let mut written = Vec::new();
    for _ in 0..9 {
        written.extend(pass(desired, world));
        finish(world);
        elapse(desired, world);
    }
    assert!(plan(desired, world).is_settled(), "{:?}", lines(desired, world));
    written
}

fn adopted() -> Observed {
    settle_from(made_by_others(), &acme())
}

fn settle_from(mut world: Observed, desired: &Desired) -> Observed {
    settle(desired, &mut world);
    world
}

/// The App's tags of all that AWS tags, in order.
fn tags(world: &Observed) -> Vec<&Tags> {
    let load_balancers = world.load_balancers.values();
    let listeners = load_balancers
        .clone()
        .flat_map(|found| found.listeners.iter().flatten());
    let services = world.services.values().map(|found| &found.tags);
    services
        .chain(load_balancers.map(|found| &found.tags))
        .chain(listeners.filter_map(|found| found.tags.as_ref()))
        .chain(world.target_groups.values().map(|found| &found.tags))
        .collect()
}

fn is_retaining(line: &str) -> bool {
    line.contains("(Retain)")
}

/// Nothing is the App's any more; what web's service needs is there, with what its load balancer forwards to, and nothing else.
fn assert_left_whole(world: &Observed, at: &str) {
    let owner = leaving().owner;
    assert!(tags(world).into_iter().all(|tags| !owner.owns(tags)), "{at}");
    let web = &world.services["shop_acme_web"];
    let mut behind = BTreeSet::new();
    for attachment in &web.attachments {
        let group = world.target_group_by_arn(&attachment.target_group).unwrap();
        assert!(!group.load_balancers.is_empty(), "{at}");
        behind.extend(group.load_balancers.iter().cloned());
    }
    let there: BTreeSet<_> = world
        .load_balancers
        .values()
        .map(|found| found.arn.clone())
        .collect();
    assert_eq!(there, behind, "{at}");
    let mut groups = world.target_groups.values();
    assert!(
        groups.all(|group| group.load_balancers.iter().any(|arn| there.contains(arn))),
        "{at}"
    );
    let hosts: BTreeSet<String> = world
        .load_balancers
        .values()
        .map(LoadBalancerState::host)
        .collect();
    for record in world.zones.values().flat_map(|zone| &zone.records) {
        // No ownership record is left.
        assert!(hosts.contains(&record.target().unwrap()), "{at}: {record:?}");
    }
    assert!(world.ports.claims.iter().all(|claim| claim.retained), "{at}");
    let running = world.running_definition(web).unwrap();
    for port in &running.content.main.ports {
        let mut claims = world.ports.claims.iter();
        let fixed = port.fixed_host_port();
        assert!(
            fixed.is_none_or(|port| claims.any(|claim| claim.port == port)),
            "{at}"
        );
    }
}

const LEFT: [&str; 7] = [
    "retain host port 9000 of container port 8080",
    "untag listener 80 of web-external, web-external (Retain)",
    "untag service shop_acme_worker (Retain)",
    "untag web-external-group (Retain)",
    "change records in zone Z-EXTERNAL: -_empire.acme-web.example.com TXT, -_empire.acme.example.com TXT",
    "change records in zone Z-INTERNAL: -_empire.acme-web.corp.example TXT, -_empire.acme.corp.example TXT",
    "untag service shop_acme_web (Retain)",
];

#[test]
fn a_service_is_marked_in_the_write_that_adopts_it_and_nothing_that_is_made_for_it_is() {
    let mut world = made_by_others();
    let first = pass(&acme(), &mut world);
    let tagged = "empire.dev/adopted=true, empire.dev/app=shop/acme, empire.dev/owner=installation-1";
    for process in ["web", "worker"] {
        let expected = format!("tag service shop_acme_{process} with {tagged}, empire.dev/process={process}");
        assert!(first.contains(&expected), "{first:?}");
    }
    let written = settle(&acme(), &mut world);
    assert!(
        !written.iter().any(|line| line.starts_with("tag ")),
        "{written:?}"
    );
    // Two services, a load balancer with a listener, a target group.
    assert_eq!(tags(&world).len(), 5);
    assert_eq!(
        tags(&world).into_iter().filter(|tags| is_adopted(tags)).count(),
        2
    );
    assert!(world.services.values().all(|found| is_adopted(&found.tags)));
    // No longer told to adopt.
    let later = Desired {
        adopts: false,
        ..acme()
    };
    assert_eq!(lines(&later, &world), [""; 0]);
}

#[test]
fn with_its_app_it_is_left_as_it_is_with_all_that_it_needs() {
    let mut world = adopted();
    let before = world.clone();
    assert_eq!(pass(&leaving(), &mut world), LEFT);
    assert_eq!(lines(&leaving(), &world), [""; 0]);
    assert_left_whole(&world, "the end");
    assert_eq!(world.ports.claims.len(), 1);
    for tags in tags(&world) {
        assert_eq!(left_by(tags).as_ref(), Some(&acme().owner.app));
    }
    assert!(world.services.values().all(|found| is_adopted(&found.tags)));
    let attachments = |world: &Observed| -> Vec<_> {
        let services = world.services.values();
        services.map(|service| service.attachments.clone()).collect()
    };
    assert_eq!(attachments(&world), attachments(&before));
    for (zone, records) in &world.zones {
        // The names stay, and their ownership records go.
        assert_eq!((before.zones[zone].records.len(), records.records.len()), (4, 2));
    }
}

#[test]
fn it_is_deleted_where_the_app_says_so() {
    let mut world = adopted();
    let written = settle(&deleting(), &mut world);
    assert!(!written.iter().any(|line| is_retaining(line)), "{written:?}");
    assert!(world.services.is_empty() && world.load_balancers.is_empty() && world.target_groups.is_empty());
}

#[test]
fn what_the_app_made_for_itself_is_deleted_beside_it() {
    let mut world = made_by_others();
    world.services.remove("shop_acme_worker");
    settle(&acme(), &mut world);
    let written = settle(&leaving(), &mut world);
    let worker: Vec<&String> = written.iter().filter(|line| line.contains("worker")).collect();
    assert_eq!(worker, ["delete service shop_acme_worker"]);
    assert!(world.services.contains_key("shop_acme_web"));
}

/// Versions before this one wrote no mark, and what it means stays as it was.
#[test]
fn what_was_adopted_before_there_was_a_mark_is_deleted() {
    let mut world = settled(&acme());
    assert_eq!(lines(&acme(), &world), [""; 0]);
    let written = settle(&leaving(), &mut world);
    assert!(!written.iter().any(|line| is_retaining(line)), "{written:?}");
    assert!(world.services.is_empty() && world.load_balancers.is_empty());
}

/// Nothing is left that costs and serves nobody.
#[test]
fn without_its_service_all_goes_as_of_any_app() {
    let gone = |world: &mut Observed| drop(world.services.remove("shop_acme_web"));
    let draining = |world: &mut Observed| service_of(world, "web").status = ServiceStatus::Draining;
    let unmarked = |world: &mut Observed| drop(service_of(world, "web").tags.remove("empire.dev/adopted"));
    for without in [gone, draining, unmarked] {
        let mut world = adopted();
        without(&mut world);
        let written = settle(&leaving(), &mut world);
        let retained: Vec<&String> = written.iter().filter(|line| is_retaining(line)).collect();
        assert_eq!(retained, ["untag service shop_acme_worker (Retain)"]);
        assert!(world.load_balancers.is_empty() && world.target_groups.is_empty());
        assert!(world.ports.claims.is_empty());
        assert!(world.zones.values().all(|zone| zone.records.is_empty()));
    }
}

#[test]
fn what_was_made_for_a_service_that_is_refused_goes() {
    let mut world = made_by_others();
    let web = world.services.get_mut("shop_acme_web").unwrap();
    web.unlike_ours = vec!["scheduling strategy DAEMON".into()];
    pass(&acme(), &mut world);
    assert_eq!(world.load_balancers.len(), 1);
    settle(&leaving(), &mut world);
    assert!(world.load_balancers.is_empty() && world.target_groups.is_empty());
    assert!(!is_adopted(&world.services["shop_acme_web"].tags));
}

#[test]
fn a_process_that_is_removed_leaves_it_and_one_that_comes_back_takes_it_again() {
    let mut world = adopted();
    let before = world.clone();
    let without = adopting(app([process("worker")]));
    let left: Vec<&str> = LEFT.into_iter().filter(|line| !line.contains("worker")).collect();
    assert_eq!(settle(&without, &mut world), left);
    settle(&acme(), &mut world);
    assert_eq!(tags(&world), tags(&before));
    assert_eq!(world.ports.claims, before.ports.claims);
}

#[test]
fn a_process_that_becomes_a_schedule_lets_go_of_nothing_before_that_is_there() {
    let mut world = adopted();
    let nightly = with(process("web").at("cron(0 3 * * ? *)"));
    for _ in 0..9 {
        let changes = plan(&nightly, &world).changes;
        let lines: Vec<String> = changes.iter().map(ToString::to_string).collect();
        let lets_go = lines
            .iter()
            .any(|line| is_retaining(line) || line.starts_with("retain "));
        assert!(!lets_go || !world.schedules.is_empty(), "{lines:?}");
        let takes_names = lines.iter().any(|line| line.starts_with("change records"));
        assert!(!takes_names || !world.schedules.is_empty(), "{lines:?}");
        for change in &changes {
            apply(&mut world, change);
        }
    }
    assert_eq!(world.schedules.len(), 1);
    assert!(has_no_owner(&world.services["shop_acme_web"].tags));
    assert_eq!(world.load_balancers.len(), 1);
}

/// As of any App: what is replaced costs nothing any more, and its name is free to come back to.
#[test]
fn a_load_balancer_that_is_replaced_is_deleted_and_may_come_back() {
    let mut world = adopted();
    for (wanted, replaced) in [
        (internal(), "delete load balancer web-external"),
        (acme(), "delete load balancer web-internal"),
        (with(process("web")), "delete load balancer web-external"),
        (
            acme(),
            "create internet-facing application load balancer web-external",
        ),
    ] {
        let written = settle(&wanted, &mut world);
        assert!(
            written.iter().any(|line| line.starts_with(replaced)),
            "{written:?}"
        );
        assert!(!written.iter().any(|line| is_retaining(line)), "{written:?}");
        assert!(world.load_balancers.len() < 2);
    }
    settle(&leaving(), &mut world);
    assert_left_whole(&world, "the end");
}
