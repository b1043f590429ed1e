//! Stuck rollouts, lost facts and other people's records: what a review of the pipeline found to go wrong.

use std::sync::Arc;

use super::check;
use crate::model::desired::Desired;
use crate::model::load_balancer::{HealthCheck, Probe, Scheme};
use crate::model::owner::PROCESS_TAG;
use crate::model::record::{RecordKind, RecordSet, RecordStyle};
use crate::model::small_set::SmallSet;
use crate::model::state::{Observed, Rollout};
use crate::plan::fixtures::plan;
use crate::plan::fixtures::world::{elapse, finish, lines, lines_around, pass, pass_around, service_of};
use crate::plan::fixtures::{INTERNAL, Process, app, balancer, pointer, process, settled};

const ROLLOUT: &str = "~ web: waiting for the rollout of service shop_acme_web";
const INTERNAL_RETIRES: &str = "~ web: waiting until no resolver can still name load balancer web-internal";
const EXTERNAL_RETIRES: &str = "~ web: waiting until no resolver can still name load balancer web-external";

fn internal() -> Process {
    process("web").internal()
}

/// With the names of `internal`, so that there is one batch to read.
fn external() -> Process {
    let mut external = process("web").external();
    external.names = internal().names;
    external
}

/// A flip from internal to external whose service was attached to both, and whose rollout does not complete.
fn stuck(before: Process, after: Process) -> (Desired, Observed) {
    let mut world = settled(&app([before]));
    let wanted = app([after]);
    pass(&wanted, &mut world);
    finish(&mut world);
    pass(&wanted, &mut world);
    assert_eq!(service_of(&mut world, "web").attachments.len(), 2);
    (wanted, world)
}

/// A flip whose names have moved, and whose wait has begun.
fn moved() -> (Desired, Observed) {
    let (wanted, mut world) = stuck(internal(), external());
    finish(&mut world);
    pass(&wanted, &mut world);
    (wanted, world)
}

/// As the next pass after this one would find it.
fn remember(wanted: &Desired, world: &mut Observed) {
    let retiring = plan(wanted, world).retiring;
    let (before, taken) = (world.waiting.clone(), world.replaced_ttl.clone());
    world.waiting = retiring
        .into_iter()
        .map(|(_, name)| {
            let ttl = taken.get(&name).copied().or(before.get(&name).copied().flatten());
            (name, ttl)
        })
        .collect();
    world.replaced_ttl.clear();
}

#[test]
fn a_flip_is_taken_back_although_the_rollout_that_it_began_never_completes() {
    let (_, mut world) = stuck(internal(), external());
    let back = app([internal()]);
    check(&back, &world, &[ROLLOUT, EXTERNAL_RETIRES]);
    elapse(&back, &mut world);
    assert_eq!(
        pass(&back, &mut world),
        ["update service shop_acme_web: target groups [web-internal-group]"]
    );
}

#[test]
fn without_names_nothing_is_detached_for_a_load_balancer_that_does_not_serve_yet() {
    let (wanted, mut world) = stuck(internal().unnamed(), external().unnamed());
    check(&wanted, &world, &[ROLLOUT]);
    elapse(&wanted, &mut world);
    check(&wanted, &world, &[ROLLOUT]);
}

#[test]
fn a_rollout_in_the_wait_does_not_begin_it_anew() {
    let (_, mut world) = moved();
    let edited = app([external().image("web:v2")]);
    pass(&edited, &mut world);
    check(&edited, &world, &[ROLLOUT, INTERNAL_RETIRES]);
    let old = ("web".to_owned(), balancer("web", Scheme::Internal));
    assert!(plan(&edited, &world).retiring.contains(&old));
}

#[test]
fn a_process_in_trouble_does_not_wait_with_its_names_by_itself() {
    let (wanted, mut world) = stuck(internal(), external());
    let name = balancer("web", Scheme::InternetFacing);
    world.load_balancers.get_mut(&name).unwrap().status =
        crate::model::state::LoadBalancerStatus::Failed("no addresses".into());
    check(
        &wanted,
        &world,
        &[
            ROLLOUT,
            "! web: load balancer web-external failed to come up: no addresses",
        ],
    );
    // The same for what AWS refused.
    let mut world = settled(&app([process("web")]));
    let create = [plan(&wanted, &world).changes.remove(0)].into();
    pass_around(&wanted, &mut world, &create);
    assert_eq!(lines_around(&wanted, &world, &create), [""; 0]);
}

#[test]
fn a_rollout_that_is_stuck_freezes_no_name_that_stays_where_it_is() {
    let mut world = settled(&app([internal()]));
    let edited = internal().image("web:v2").style(RecordStyle::Cname { ttl: 5 });
    let wanted = app([edited.named(INTERNAL, "shop.corp.example")]);
    let written = pass(&wanted, &mut world);
    let batch = written.last().unwrap();
    assert!(
        batch.contains("(TTL 5 s)") && batch.contains("+shop.corp.example"),
        "{written:#?}"
    );
    assert_eq!(service_of(&mut world, "web").deployments.len(), 2);
    // And lets go of one that is not wanted any more.
    let fewer = app([internal().image("web:v2")]);
    let written = pass(&fewer, &mut world);
    assert!(
        written[0].contains("-_empire.shop.corp.example TXT"),
        "{written:#?}"
    );
}

#[test]
fn names_do_not_move_before_all_tasks_are_behind_the_new_load_balancer() {
    let (wanted, mut world) = stuck(internal(), external());
    // ECS drops the old deployment once it is empty, with one of two new tasks up.
    let deployments = &mut service_of(&mut world, "web").deployments;
    deployments.truncate(1);
    assert_eq!(deployments[0].rollout, Rollout::InProgress);
    let waits = "~ web: waiting for load balancer web-external to serve before names point to it";
    check(&wanted, &world, &[ROLLOUT, waits]);
}

/// A record that somebody else pointed at the internal load balancer of web.
fn foreign(kind: &str) -> RecordSet {
    let name = balancer("web", Scheme::Internal);
    match kind {
        "CNAME" => pointer("www.corp.example", RecordStyle::Cname { ttl: 60 }, &name),
        other => RecordSet {
            kind: RecordKind::Other(other.into()),
            ..pointer("www.corp.example", RecordStyle::Alias, &name)
        },
    }
}

/// Returns the message about it.
fn said(kind: &str, advice: &str) -> String {
    format!(
        "! web: process web: the {kind} record www.corp.example is not this App's and points at load balancer \
         web-internal, which nothing wants any more: {advice}"
    )
}

const REMOVE: &str = "remove the record, and the load balancer goes too";

#[test]
fn a_record_that_is_not_ours_holds_the_load_balancer_and_is_named() {
    for kind in ["AAAA", "CNAME"] {
        let (wanted, mut world) = moved();
        world
            .zones
            .get_mut(INTERNAL)
            .unwrap()
            .records
            .push(foreign(kind).into());
        world.waits_over.insert(balancer("web", Scheme::Internal));
        let move_it = "point it at web-external.elb.example or remove it";
        check(&wanted, &world, &[&said(kind, move_it)]);
        // Also when the process goes.
        let nothing_wanted = app([]);
        pass(&nothing_wanted, &mut world);
        check(&nothing_wanted, &world, &[&said(kind, REMOVE)]);
        world.zones.get_mut(INTERNAL).unwrap().records.clear();
        super::converge(&nothing_wanted, &mut world);
    }
}

#[test]
fn a_record_that_is_not_ours_is_not_named_before_our_own_names_have_left() {
    let mut world = settled(&app([internal()]));
    world
        .zones
        .get_mut(INTERNAL)
        .unwrap()
        .records
        .push(foreign("CNAME").into());
    let wanted = app([external()]);
    for waits in ["become active", "rollout"] {
        pass(&wanted, &mut world);
        let lines = lines(&wanted, &world);
        assert!(
            lines[0].contains(waits) && lines.iter().all(|line| line.starts_with("~ ")),
            "{lines:#?}"
        );
        finish(&mut world);
    }
    pass(&wanted, &mut world);
    let move_it = said("CNAME", "point it at web-external.elb.example or remove it");
    check(&wanted, &world, &[&move_it]);
    // Without names of its own, there is nowhere to point it before the new one serves.
    let mut world = settled(&app([internal().unnamed()]));
    world
        .zones
        .get_mut(INTERNAL)
        .unwrap()
        .records
        .push(foreign("CNAME").into());
    let wanted = app([external().unnamed()]);
    pass(&wanted, &mut world);
    assert!(lines(&wanted, &world).iter().all(|line| line.starts_with("~ ")));
    finish(&mut world);
    pass(&wanted, &mut world);
    finish(&mut world);
    check(&wanted, &world, &[&move_it]);
}

#[test]
fn a_record_that_is_not_ours_and_holds_up_other_edits_says_so() {
    let mut world = settled(&app([internal()]));
    world
        .zones
        .get_mut(INTERNAL)
        .unwrap()
        .records
        .push(foreign("CNAME").into());
    let wanted = app([process("web").image("web:v2")]);
    pass(&wanted, &mut world);
    let follow = format!("{REMOVE}; the other changes of the process follow then");
    check(&wanted, &world, &[&said("CNAME", &follow)]);
    let wanted = app([process("web")]);
    check(&wanted, &world, &[&said("CNAME", REMOVE)]);
}

#[test]
fn a_process_tag_that_was_changed_by_hand_is_set_back_and_deletes_nothing() {
    let wanted = app([internal()]);
    let mut world = settled(&wanted);
    let name = balancer("web", Scheme::Internal);
    let tags = &mut world.load_balancers.get_mut(&name).unwrap().tags;
    tags.insert(PROCESS_TAG.into(), "worker".into());
    check(&wanted, &world, &["tag web-internal with empire.dev/process=web"]);
    // Without one it is still ours to remove.
    world
        .load_balancers
        .get_mut(&name)
        .unwrap()
        .tags
        .remove(PROCESS_TAG);
    super::converge(&app([]), &mut world);
    assert!(world.load_balancers.is_empty());
}

#[test]
fn what_a_reply_leaves_out_is_no_difference() {
    let wanted = app([internal()]);
    let mut world = settled(&wanted);
    for state in world.load_balancers.values_mut() {
        (state.subnets, state.security_groups) = (SmallSet::new(), SmallSet::new());
    }
    for group in world.target_groups.values_mut() {
        group.check = HealthCheck {
            probe: Probe::Http {
                path: String::new(),
                success_codes: String::new(),
            },
            interval: 0,
            timeout: 0,
            healthy_threshold: 0,
            unhealthy_threshold: 0,
        };
    }
    check(&wanted, &world, &[]);
}

#[test]
fn a_renamed_process_gets_its_name_and_its_port_although_no_port_is_left() {
    let name = |process: Process| process.unnamed().named(INTERNAL, "shop.corp.example").claimed();
    let mut world = settled(&app([name(internal())]));
    world.ports.taken = Arc::new((9001..=9003).collect());
    let wanted = app([name(process("api").internal())]);
    super::converge(&wanted, &mut world);
    let held: Vec<_> = world.ports.claims.iter().filter(|c| c.port == 9000).collect();
    assert_eq!(held[0].owner.process, "api");
    assert!(
        world.zones[INTERNAL]
            .records
            .iter()
            .any(|r| r.name == "shop.corp.example")
    );
}

#[test]
fn a_service_that_was_deleted_by_hand_does_not_end_the_wait() {
    let (wanted, mut world) = moved();
    remember(&wanted, &mut world);
    world.services.clear();
    let written = pass(&wanted, &mut world);
    assert!(
        written.iter().all(|line| !line.starts_with("delete")),
        "{written:#?}"
    );
    finish(&mut world);
    check(&wanted, &world, &[INTERNAL_RETIRES]);
    // Nor does one that is gone when the names go.
    let mut world = settled(&app([internal()]));
    world.services.clear();
    world.replaced_ttl.insert(balancer("web", Scheme::Internal), 60);
    let wanted = app([process("web")]);
    let written = pass(&wanted, &mut world);
    assert!(
        written.iter().all(|line| !line.starts_with("delete")),
        "{written:#?}"
    );
}

#[test]
fn a_process_that_stops_being_exposed_says_that_its_other_edits_wait() {
    let mut world = settled(&app([internal()]));
    let wanted = app([process("web").image("web:v2")]);
    pass(&wanted, &mut world);
    let said = format!("{INTERNAL_RETIRES}; the other changes of the process follow then");
    check(&wanted, &world, &[&said]);
    check(&app([process("web")]), &world, &[INTERNAL_RETIRES]);
}

#[test]
fn a_refused_update_does_not_stop_scaling() {
    let mut world = settled(&app([internal()]));
    let wanted = app([internal().image("web:v2").quantity(5)]);
    let register = plan(&wanted, &world).changes;
    for change in register {
        crate::plan::fixtures::world::apply(&mut world, &change);
    }
    let update = [plan(&wanted, &world).changes.remove(0)].into();
    assert_eq!(
        lines_around(&wanted, &world, &update),
        ["update service shop_acme_web: 5 tasks"]
    );
    assert_eq!(crate::plan::plan(&wanted, &world, &update).deferred.len(), 1);
}
