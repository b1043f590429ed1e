//! DNS names: the exact batches, and whose a name is.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::change::{BatchSize, Change, RecordBatch, Write, names_of};
use crate::model::desired::{Desired, Place};
use crate::model::exclusive::Exclusive;
use crate::model::keeping::{Keeping, kept_text};
use crate::model::load_balancer::Scheme;
use crate::model::owner::Owner;
use crate::model::part::Part;
use crate::model::record::{RecordChange, RecordContent, RecordKind, RecordSet, RecordStyle, ownership_name};
use crate::model::state::{Observed, Rollout};
use crate::plan::fixtures::plan;
use crate::plan::fixtures::world::{legible, lines, pass, service_of};
use crate::plan::fixtures::{
    EXTERNAL, INTERNAL, Process, app, balancer, deployment, owner, owner_of, ownership, place, pointer,
    process, settled, txt,
};

const NAME: &str = "acme-web.corp.example";
const TO_WEB: RecordStyle = RecordStyle::Cname { ttl: 60 };

fn web() -> Process {
    process("web").internal()
}

fn check(desired: &Desired, observed: &Observed, expected: &[&str]) {
    similar_asserts::assert_eq!(lines(desired, observed), expected);
}

fn records(world: &mut Observed) -> &mut Vec<Arc<RecordSet>> {
    &mut world.zones.get_mut(INTERNAL).unwrap().records
}

/// A world in which everything but web's one name is as wanted, and these records are listed.
fn listed(records_found: impl IntoIterator<Item = RecordSet>) -> Observed {
    let mut world = settled(&app([web(), process("api").internal().unnamed()]));
    *records(&mut world) = records_found.into_iter().map(Arc::new).collect();
    world
}

#[test]
fn where_services_could_not_be_read_a_name_waits_for_nothing_else() {
    let wanted = app([web()]);
    let mut world = settled(&wanted);
    records(&mut world).clear();
    world.services.clear();
    let waits = "~ web: waiting for load balancer web-internal to serve before names point to it";
    assert!(lines(&wanted, &world).contains(&waits.to_owned()));
    world.unread.insert(Part::Ecs);
    check(&wanted, &world, &[]);
}

/// Checks the plan for web's name, where these records are listed.
fn judge(found: &[RecordSet], expected: &str) {
    judge_as(TO_WEB, found, expected);
}

fn judge_as(style: RecordStyle, found: &[RecordSet], expected: &str) {
    let wanted = app([web().style(style), process("api").internal().unnamed()]);
    let world = listed(found.to_vec());
    let expected: Vec<String> = match expected {
        "" => Vec::new(),
        said if said.starts_with('!') => vec![said.to_owned()],
        changes => vec![format!("change records in zone Z-INTERNAL: {changes}")],
    };
    similar_asserts::assert_eq!(lines(&wanted, &world), expected);
}

fn cname(ttl: u32, process: &str) -> RecordSet {
    pointer(
        NAME,
        RecordStyle::Cname { ttl },
        &balancer(process, Scheme::Internal),
    )
}

fn alias(process: &str) -> RecordSet {
    pointer(NAME, RecordStyle::Alias, &balancer(process, Scheme::Internal))
}

fn elsewhere() -> RecordSet {
    pointer(NAME, TO_WEB, "elsewhere")
}

fn ours() -> RecordSet {
    ownership(NAME, &owner(), "web")
}

fn beside(kind: &str) -> RecordSet {
    RecordSet {
        name: NAME.into(),
        kind: RecordKind::Other(kind.into()),
        content: RecordContent::Values {
            ttl: 5,
            values: vec!["x".into()],
        },
    }
}

fn routed(kind: RecordKind) -> RecordSet {
    RecordSet {
        name: NAME.into(),
        kind,
        content: RecordContent::Routed { target: None },
    }
}

const NEW: &str = "+acme-web.corp.example CNAME web-internal.ELB.example (TTL 60 s)";

#[test]
fn a_free_name_is_taken_together_with_its_ownership_record() {
    judge(&[], &format!("{NEW}, +_empire.acme-web.corp.example TXT"));
    judge_as(
        RecordStyle::Alias,
        &[],
        "+acme-web.corp.example A alias of web-internal.ELB.example, +_empire.acme-web.corp.example TXT",
    );
}

#[test]
fn a_name_as_wanted_is_left_alone_whatever_its_case_and_dot() {
    judge(&[cname(60, "web"), ours()], "");
    judge_as(RecordStyle::Alias, &[alias("web"), ours()], "");
}

#[test]
fn another_ttl_or_type_or_target_is_one_swap() {
    let old = "-acme-web.corp.example CNAME web-internal.ELB.example. (TTL 300 s)";
    judge(&[cname(300, "web"), ours()], &format!("{old}, {NEW}"));
    let old = "-acme-web.corp.example A alias of web-internal.elb.example";
    judge(&[alias("web"), ours()], &format!("{old}, {NEW}"));
    judge_as(
        RecordStyle::Alias,
        &[cname(60, "web"), ours()],
        "-acme-web.corp.example CNAME web-internal.ELB.example. (TTL 60 s), \
         +acme-web.corp.example A alias of web-internal.ELB.example",
    );
    let old = "-acme-web.corp.example CNAME elsewhere.ELB.example. (TTL 60 s)";
    judge(&[elsewhere(), ours()], &format!("{old}, {NEW}"));
}

#[test]
fn an_alias_that_evaluates_health_or_names_another_zone_is_put_right() {
    let change: [fn(&mut String, &mut bool); 2] =
        [|_, health| *health = true, |zone, _| *zone = "Z-OTHER".into()];
    for change in change {
        let mut found = alias("web");
        if let RecordContent::Alias {
            zone_id,
            evaluate_target_health,
            ..
        } = &mut found.content
        {
            change(zone_id, evaluate_target_health);
        }
        judge_as(
            RecordStyle::Alias,
            &[found, ours()],
            "-acme-web.corp.example A alias of web-internal.elb.example, \
             +acme-web.corp.example A alias of web-internal.ELB.example",
        );
    }
}

#[test]
fn a_deletion_repeats_exactly_what_was_listed() {
    let found = cname(300, "web");
    let world = listed([found.clone(), ours()]);
    let wanted = app([web(), process("api").internal().unnamed()]);
    let [
        Change {
            write: Write::Records(RecordBatch { changes, .. }),
            ..
        },
    ] = &plan(&wanted, &world).changes[..]
    else {
        panic!()
    };
    assert_eq!(changes[0], RecordChange::Delete(found));
}

#[test]
fn a_lost_ownership_record_is_written_again_where_the_name_points_at_us() {
    judge(&[cname(60, "web")], "+_empire.acme-web.corp.example TXT");
    judge_as(
        RecordStyle::Alias,
        &[alias("web")],
        "+_empire.acme-web.corp.example TXT",
    );
    // Also where it points at another load balancer of the same App.
    judge(
        &[cname(60, "api")],
        &format!(
            "-acme-web.corp.example CNAME api-internal.ELB.example. (TTL 60 s), {NEW}, \
             +_empire.acme-web.corp.example TXT"
        ),
    );
}

#[test]
fn a_lost_name_is_written_again() {
    judge(&[ours()], NEW);
}

#[test]
fn a_name_moves_within_the_app_in_one_batch() {
    judge(
        &[cname(60, "api"), ownership(NAME, &owner(), "api")],
        &format!(
            "-acme-web.corp.example CNAME api-internal.ELB.example. (TTL 60 s), {NEW}, \
             -_empire.acme-web.corp.example TXT, +_empire.acme-web.corp.example TXT"
        ),
    );
}

#[test]
fn a_name_of_somebody_else_is_named_as_such_and_untouched() {
    let held = |text: &str| [cname(60, "web"), txt("_empire.acme-web.corp.example", text)];
    judge(
        &held(&owner_of("installation-1", "blog", "acme").record_text("web")),
        "! web: process web: the name acme-web.corp.example is held by an App of another namespace: choose another, or ask \
         the operator of Platform staging, who can see whose it is",
    );
    for (namespace, app) in [("shop", "acme"), ("shop", "other"), ("blog", "acme")] {
        judge(
            &held(&owner_of("installation-2", namespace, app).record_text("web")),
            "! web: process web: the name acme-web.corp.example is held by another installation of this controller: choose \
             another, or ask the operator of Platform staging, who can see whose it is",
        );
    }
    judge(
        &held("something else"),
        "! web: process web: the record _empire.acme-web.corp.example exists and is not this App's",
    );
    let unowned = "! web: process web: the name acme-web.corp.example has a record that carries no ownership \
                   record of this App";
    judge(&[elsewhere()], unowned);
    judge_as(RecordStyle::Alias, &[elsewhere()], unowned);
    // A plain address.
    judge(
        &[RecordSet {
            name: NAME.into(),
            kind: RecordKind::A,
            content: RecordContent::Values {
                ttl: 60,
                values: vec!["192.0.2.7".into()],
            },
        }],
        unowned,
    );
}

/// So that its own team can be told.
#[test]
fn a_plan_names_the_app_of_another_namespace_that_has_a_name() {
    let wanted = app([web(), process("api").internal().unnamed()]);
    let check = |holder: &Owner, expected: &[&str]| {
        let world = listed([elsewhere(), ownership(NAME, holder, "web")]);
        let found = plan(&wanted, &world).contested.into_iter();
        let found: Vec<String> = found.map(|(app, name)| format!("{app} {name}")).collect();
        assert_eq!(found, expected);
    };
    check(
        &owner_of("installation-1", "blog", "front"),
        &["blog/front acme-web.corp.example"],
    );
    check(&owner_of("installation-1", "shop", "front"), &[]);
    check(&owner_of("installation-2", "blog", "front"), &[]);
    check(&owner(), &[]);
}

/// Checks web's name, wanted in the internal zone, on a Platform whose two zones have the same name, where these records are
/// listed in the other one.
fn judge_beside(here: &[RecordSet], there: &[RecordSet], expected: &[&str]) {
    let mut wanted = app([web(), process("api").internal().unnamed()]);
    wanted.place.split_horizon = true;
    let mut world = listed(here.to_vec());
    let zone = world.zones.get_mut(EXTERNAL).unwrap();
    zone.records = there.iter().cloned().map(Arc::new).collect();
    check(&wanted, &world, expected);
    // Zones of different names have nothing to do with each other.
    wanted.place.split_horizon = false;
    assert_eq!(plan(&wanted, &world).obstacles, Vec::new());
}

#[test]
fn a_name_that_another_app_has_in_the_other_zone_of_the_same_name_is_not_taken() {
    let held = |owner: &Owner| [elsewhere(), ownership(NAME, owner, "web")];
    judge_beside(
        &[],
        &held(&owner_of("installation-1", "blog", "acme")),
        &[
            "! web: process web: the name acme-web.corp.example is held by an App of another namespace, in hosted zone \
             Z-EXTERNAL, which has the same name: choose another, or ask the operator of Platform staging, who can see whose it is",
        ],
    );
    judge_beside(
        &[],
        &held(&owner_of("installation-1", "shop", "front")),
        &[
            "! web: process web: the name acme-web.corp.example is held by App shop/front, in hosted zone Z-EXTERNAL, which has \
             the same name",
        ],
    );
    // What is ours already stays.
    judge_beside(
        &[cname(60, "web"), ours()],
        &held(&owner_of("installation-1", "blog", "acme")),
        &[],
    );
}

#[test]
fn a_name_that_nobody_or_the_app_itself_has_in_the_other_zone_is_taken() {
    let taken = format!("change records in zone Z-INTERNAL: {NEW}, +_empire.acme-web.corp.example TXT");
    judge_beside(&[], &[], &[&taken]);
    // People make what is to differ in the two.
    judge_beside(&[], &[elsewhere()], &[&taken]);
    judge_beside(
        &[],
        &[
            elsewhere(),
            txt("_empire.acme-web.corp.example", "something else"),
        ],
        &[&taken],
    );
    // A lost one is written again, as the one beside it says whose it is.
    let mut wanted = app([web().named(EXTERNAL, NAME), process("api").internal().unnamed()]);
    wanted.place.split_horizon = true;
    let mut world = settled(&wanted);
    records(&mut world).clear();
    check(&wanted, &world, &[&taken]);
}

#[test]
fn a_name_waits_while_the_other_zone_of_the_same_name_cannot_be_read() {
    let mut wanted = app([web(), process("api").internal().unnamed()]);
    wanted.place.split_horizon = true;
    let unread = |found: Vec<RecordSet>| {
        let mut world = listed(found);
        world.zones.remove(EXTERNAL);
        world.unread.insert(Part::Zone(EXTERNAL.into()));
        world
    };
    check(&wanted, &unread(vec![]), &[]);
    let new = format!(
        "change records in zone Z-INTERNAL: -acme-web.corp.example CNAME web-internal.ELB.example. (TTL 300 s), {NEW}"
    );
    check(&wanted, &unread(vec![cname(300, "web"), ours()]), &[&new]);
    // None of that id was found.
    let mut world = listed(vec![]);
    world.zones.remove(EXTERNAL);
    assert_eq!(plan(&wanted, &world).changes.len(), 1);
}

const UNTIL: &str = "2026-12-07T08:00:00Z";

/// The rules of a Platform that keeps names, a week before they are free.
fn keeping() -> Keeping {
    Keeping {
        now: "2026-11-30T07:02:18Z".into(),
        until: Some(UNTIL.into()),
        takes: false,
    }
}

/// The ownership record of a name that an App has released.
fn kept(owner: &Owner) -> RecordSet {
    txt(
        &ownership_name(NAME),
        &kept_text(&owner.record_text("web"), UNTIL),
    )
}

#[test]
fn a_name_that_is_released_leaves_its_ownership_record_where_names_are_kept() {
    let mut wanted = app([web().unnamed(), process("api").internal().unnamed()]);
    wanted.keeping = keeping();
    let mut world = listed([cname(60, "web"), ours()]);
    let gone = "change records in zone Z-INTERNAL: -acme-web.corp.example CNAME web-internal.ELB.example. (TTL 60 s), \
                -_empire.acme-web.corp.example TXT, +_empire.acme-web.corp.example TXT (free until 2026-12-07T08:00:00Z)";
    assert_eq!(pass(&wanted, &mut world), [gone]);
    assert_eq!(*records(&mut world), [kept(&owner()).into()]);
    // It is the App's no longer, and stays as it is: with the App, too.
    wanted.keeping.until = Some("2027-01-01T00:00:00Z".into());
    check(&wanted, &world, &[]);
    let mut deleted = app([]);
    deleted.keeping = keeping();
    *records(&mut world) = vec![cname(60, "web").into(), ours().into()];
    assert!(pass(&deleted, &mut world).contains(&gone.to_owned()));
    assert_eq!(*records(&mut world), [kept(&owner()).into()]);
}

#[test]
fn a_name_is_free_at_once_where_as_many_are_kept_for_the_namespace_as_may_be() {
    let mut wanted = app([web().unnamed(), process("api").internal().unnamed()]);
    wanted.keeping = keeping();
    let text = |name: &str| txt(&ownership_name(name), &owner().record_text("web"));
    let mut world = listed([text("a.corp.example"), text("b.corp.example")]);
    let keeps = |name: &str| format!("-_empire.{name} TXT, +_empire.{name} TXT (free until {UNTIL})");
    let check_kept = |world: &mut Observed, kept, changes: String| {
        world.zones.get_mut(INTERNAL).unwrap().kept = kept;
        check(
            &wanted,
            world,
            &[&format!("change records in zone Z-INTERNAL: {changes}")],
        );
    };
    let both = format!("{}, {}", keeps("a.corp.example"), keeps("b.corp.example"));
    check_kept(&mut world, 98, both);
    let one = format!("{}, -_empire.b.corp.example TXT", keeps("a.corp.example"));
    check_kept(&mut world, 99, one);
    let none = "-_empire.a.corp.example TXT, -_empire.b.corp.example TXT";
    check_kept(&mut world, 100, none.into());
    check_kept(&mut world, 101, none.into());
}

/// What stays, stays without an owner, and a name that is kept stays kept.
#[test]
fn an_app_that_retains_its_names_keeps_none_of_them_for_its_namespace() {
    let mut wanted = Desired::retaining(owner(), place());
    wanted.keeping = keeping();
    let mut world = settled(&app([]));
    *records(&mut world) = vec![cname(60, "web").into(), ours().into()];
    check(
        &wanted,
        &world,
        &["change records in zone Z-INTERNAL: -_empire.acme-web.corp.example TXT"],
    );
    *records(&mut world) = vec![kept(&owner()).into()];
    check(&wanted, &world, &[]);
}

/// Checks the plan for web's name by these rules, where an App has released it.
fn judge_kept(keeping: &Keeping, by: &Owner, expected: &str) {
    let mut wanted = app([web(), process("api").internal().unnamed()]);
    wanted.keeping = keeping.clone();
    check(&wanted, &listed([kept(by)]), &[expected]);
}

#[test]
fn a_name_that_is_kept_is_taken_by_an_app_of_the_namespace_that_had_it() {
    let taken = format!(
        "change records in zone Z-INTERNAL: {NEW}, -_empire.acme-web.corp.example TXT (free until {UNTIL}), \
         +_empire.acme-web.corp.example TXT"
    );
    judge_kept(&keeping(), &owner(), &taken);
    judge_kept(&keeping(), &owner_of("installation-1", "shop", "front"), &taken);
    // Without any rules, too: the Platform has none any more, or another one has written it.
    judge_kept(&Keeping::default(), &owner(), &taken);
}

#[test]
fn a_name_that_is_kept_for_another_namespace_is_taken_once_it_is_free_or_by_a_grant() {
    let taken = format!(
        "change records in zone Z-INTERNAL: {NEW}, -_empire.acme-web.corp.example TXT (free until {UNTIL}), \
         +_empire.acme-web.corp.example TXT"
    );
    let waits = format!(
        "! web: process web: the name acme-web.corp.example is kept until {UNTIL} for the namespace that had it: choose \
         another, or wait until then"
    );
    let blog = owner_of("installation-1", "blog", "front");
    judge_kept(&keeping(), &blog, &waits);
    judge_kept(&Keeping::default(), &blog, &waits);
    let by_grant = Keeping {
        takes: true,
        ..keeping()
    };
    judge_kept(&by_grant, &blog, &taken);
    let later = Keeping {
        now: UNTIL.into(),
        ..keeping()
    };
    judge_kept(&later, &blog, &taken);
    // A grant is this installation's, and so are its namespaces.
    let elsewhere = owner_of("installation-2", "shop", "acme");
    judge_kept(&by_grant, &elsewhere, &waits);
    judge_kept(&later, &elsewhere, &taken);
}

/// Nobody knows who made it.
#[test]
fn a_record_at_a_name_that_is_kept_is_left_alone() {
    let mut wanted = app([web(), process("api").internal().unnamed()]);
    wanted.keeping = keeping();
    check(
        &wanted,
        &listed([elsewhere(), kept(&owner())]),
        &[
            "! web: process web: the name acme-web.corp.example has a record that carries no ownership record of this App",
        ],
    );
}

#[test]
fn a_name_that_is_kept_in_the_other_zone_of_the_same_name_is_not_taken_either() {
    let plan_beside = |holder: &Owner| {
        let mut wanted = app([web(), process("api").internal().unnamed()]);
        (wanted.place.split_horizon, wanted.keeping) = (true, keeping());
        let mut world = listed(vec![]);
        world.zones.get_mut(EXTERNAL).unwrap().records = vec![kept(holder).into()];
        plan(&wanted, &world)
    };
    let found = plan_beside(&owner_of("installation-1", "blog", "front"));
    assert_eq!((found.changes.len(), found.obstacles.len()), (0, 1));
    let found = plan_beside(&owner());
    assert_eq!((found.changes.len(), found.obstacles.len()), (1, 0));
}

/// So that this App is woken when the other one releases it.
#[test]
fn a_name_of_the_other_zone_is_awaited_there() {
    let mut wanted = app([web()]);
    wanted.place.split_horizon = true;
    let mut world = listed(vec![]);
    let zone = world.zones.get_mut(EXTERNAL).unwrap();
    zone.records = vec![ownership(NAME, &owner_of("installation-1", "blog", "acme"), "web").into()];
    let awaits = plan(&wanted, &world).awaits;
    assert_eq!(awaits, BTreeSet::from([Exclusive::name(EXTERNAL, NAME)]));
}

#[test]
fn an_ownership_record_with_a_second_value_is_not_one_that_we_wrote() {
    let mut text = ours();
    if let RecordContent::Values { values, .. } = &mut text.content {
        values.push("\"v=spf1 -all\"".into());
    }
    let held = [cname(60, "web"), text];
    judge(
        &held,
        "! web: process web: the record _empire.acme-web.corp.example exists and is not this App's",
    );
    // Nor is the name taken away with it.
    let wanted = app([web().unnamed(), process("api").internal().unnamed()]);
    check(&wanted, &listed(held), &[]);
}

#[test]
fn a_name_held_by_an_app_of_a_name_that_begins_like_ours_is_not_ours() {
    judge(
        &[ownership(
            NAME,
            &owner_of("installation-1", "shop", "acme2"),
            "web",
        )],
        "! web: process web: the name acme-web.corp.example is held by App shop/acme2",
    );
}

#[test]
fn what_route_53_would_not_have_beside_our_record_is_in_the_way_though_the_name_is_ours() {
    // A CNAME stands alone; an alias does not mind a mail exchanger.
    for found in [vec![beside("MX")], vec![beside("MX"), alias("web"), ours()]] {
        let wanted = app([web(), process("api").internal().unnamed()]);
        let plan = plan(&wanted, &listed(found));
        assert_eq!((plan.changes.len(), plan.obstacles.len()), (0, 1), "{plan:#?}");
    }
    judge_as(RecordStyle::Alias, &[beside("MX"), alias("web"), ours()], "");
    // A record with a routing policy is never ours, and nothing goes beside it.
    for style in [TO_WEB, RecordStyle::Alias] {
        for kind in [RecordKind::A, RecordKind::Cname] {
            for text in [None, Some(ours())] {
                let wanted = app([web().style(style), process("api").internal().unnamed()]);
                let found = [routed(kind.clone())].into_iter().chain(text);
                let plan = plan(&wanted, &listed(found));
                assert_eq!((plan.changes.len(), plan.obstacles.len()), (0, 1), "{plan:#?}");
            }
        }
    }
}

#[test]
fn a_name_that_another_app_lets_go_of_is_taken() {
    let stranger = owner_of("installation-1", "blog", "acme");
    let wanted = app([web(), process("api").internal().unnamed()]);
    let mut world = listed([elsewhere(), ownership(NAME, &stranger, "web")]);
    assert_eq!(plan(&wanted, &world).obstacles.len(), 1);
    records(&mut world).clear();
    assert_eq!(pass(&wanted, &mut world).len(), 1);
    assert!(plan(&wanted, &world).is_settled());
}

#[test]
fn a_name_that_is_not_wanted_goes_with_its_ownership_record() {
    let wanted = app([web().unnamed(), process("api").internal().unnamed()]);
    let gone = "change records in zone Z-INTERNAL: -acme-web.corp.example CNAME web-internal.ELB.example. (TTL 60 s)";
    let with_text = format!("{gone}, -_empire.acme-web.corp.example TXT");
    check(&wanted, &listed([cname(60, "web"), ours()]), &[&with_text]);
    check(
        &wanted,
        &listed([ours()]),
        &["change records in zone Z-INTERNAL: -_empire.acme-web.corp.example TXT"],
    );
    // But none without it, whatever it points at.
    for found in [
        vec![cname(60, "web")],
        vec![elsewhere()],
        vec![
            cname(60, "web"),
            ownership(NAME, &owner_of("installation-2", "shop", "acme"), "web"),
        ],
        vec![routed(RecordKind::Cname)],
        vec![txt(NAME, "v=spf1 -all")],
    ] {
        check(&wanted, &listed(found), &[]);
    }
}

#[test]
fn records_of_another_type_stay_when_a_name_goes() {
    let wanted = app([web().unnamed(), process("api").internal().unnamed()]);
    check(
        &wanted,
        &listed([beside("MX"), alias("web"), ours()]),
        &[
            "change records in zone Z-INTERNAL: -acme-web.corp.example A alias of web-internal.elb.example, \
             -_empire.acme-web.corp.example TXT",
        ],
    );
}

#[test]
fn a_process_that_is_internal_now_gives_its_public_name_up_only_when_its_names_move() {
    let mut world = settled(&app([process("web").external()]));
    let wanted = app([web()]);
    pass(&wanted, &mut world);
    let public = |world: &Observed| world.zones[EXTERNAL].records.len();
    assert_eq!(public(&world), 2);
    for _ in 0..2 {
        crate::plan::fixtures::world::finish(&mut world);
        pass(&wanted, &mut world);
    }
    assert_eq!(public(&world), 0);
    assert_eq!(
        records(&mut world)
            .iter()
            .find_map(|record| record.target())
            .map(|target| legible(&target)),
        Some("web-internal.elb.example".into())
    );
}

#[test]
fn a_rollout_that_is_under_way_holds_no_name_up_that_is_right() {
    let wanted = app([web()]);
    let mut world = settled(&wanted);
    let service = service_of(&mut world, "web");
    let mut old = deployment(&service.task_definition, 2, Rollout::Completed);
    old.primary = false;
    service.deployments.push(old);
    check(
        &wanted,
        &world,
        &["~ web: waiting for the rollout of service shop_acme_web"],
    );
}

#[test]
fn a_rollout_that_never_completes_holds_no_edit_of_the_names_up() {
    let stuck = || {
        let mut world = settled(&app([web()]));
        let service = service_of(&mut world, "web");
        let new = deployment(&service.task_definition, 2, Rollout::InProgress);
        service.deployments[0].primary = false;
        service.deployments.insert(0, new);
        world
    };
    for (wanted, expected) in [
        (
            app([web().named(INTERNAL, "shop.corp.example")]),
            "+shop.corp.example CNAME web-internal.ELB.example (TTL 60 s), +_empire.shop.corp.example TXT",
        ),
        (
            app([web().style(RecordStyle::Cname { ttl: 5 })]),
            "-acme-web.corp.example CNAME web-internal.ELB.example. (TTL 60 s), \
             +acme-web.corp.example CNAME web-internal.ELB.example (TTL 5 s)",
        ),
        (
            app([web().unnamed()]),
            "-acme-web.corp.example CNAME web-internal.ELB.example. (TTL 60 s), \
             -_empire.acme-web.corp.example TXT",
        ),
    ] {
        let rollout = "~ web: waiting for the rollout of service shop_acme_web";
        let batch = format!("change records in zone Z-INTERNAL: {expected}");
        check(&wanted, &stuck(), &[&batch, rollout]);
    }
}

#[test]
fn a_zone_that_is_gone_stops_no_deletion() {
    let mut world = settled(&app([web()]));
    world.zones.clear();
    check(&app([]), &world, &["delete service shop_acme_web"]);
}

#[test]
fn a_zone_that_is_gone_is_said_to_be_by_those_who_want_names_in_it() {
    let wanted = app([
        process("web").external(),
        process("api").internal(),
        process("worker"),
    ]);
    let mut world = settled(&wanted);
    world.zones.remove(EXTERNAL);
    check(
        &wanted,
        &world,
        &["! web: process web: hosted zone Z-EXTERNAL, in which it has names, was not found"],
    );
}

#[test]
fn a_zone_that_is_not_the_platforms_is_none_of_our_business() {
    let mut wanted = app([]);
    wanted.place = Place {
        zones: BTreeSet::from([EXTERNAL.into()]),
        ..place()
    };
    let mut world = settled(&app([web()]));
    world.services.clear();
    assert!(
        plan(&wanted, &world)
            .changes
            .iter()
            .all(|c| !matches!(c.write, Write::Records(_)))
    );
}

/// An App with this many names, and what it takes to give them all up.
fn batches(owner: &Owner, names: usize) -> Vec<Vec<RecordChange>> {
    let mut desired = Desired::empty(owner.clone(), place());
    desired.place.zones = BTreeSet::from([INTERNAL.into()]);
    let mut world = crate::plan::fixtures::nothing();
    for number in 0..names {
        let name = format!("n{number:05}.corp.example");
        records(&mut world).push(ownership(&name, owner, "w").into());
    }
    let changes = plan(&desired, &world).changes.into_iter();
    changes
        .map(|change| {
            let Write::Records(RecordBatch { zone, changes }) = change.write else {
                panic!("{change}");
            };
            assert_eq!(zone, INTERNAL);
            changes
        })
        .collect()
}

#[test]
fn a_batch_is_as_large_as_route_53_takes_and_no_larger() {
    let short = owner_of("i", "a", "b");
    let long = owner_of(&"i".repeat(63), &"n".repeat(63), &"a".repeat(63));
    for (owner, names) in [(&short, 2_500), (&long, 700)] {
        let batches = batches(owner, names);
        assert_eq!(batches.iter().map(Vec::len).sum::<usize>(), names);
        for pair in batches.windows(2) {
            let mut size = BatchSize::default();
            assert!(size.takes(&pair[0]) && !size.takes(&pair[1][..1]), "{size:?}");
        }
        assert!(batches.len() > 1);
    }
}

#[test]
fn no_name_is_torn_from_its_ownership_record_between_two_batches() {
    let mut web = process("web").internal().style(RecordStyle::Alias);
    for number in 0..900 {
        web = web.named(INTERNAL, &format!("n{number:05}.corp.example"));
    }
    let wanted = app([web]);
    let mut world = settled(&wanted);
    records(&mut world).clear();
    let changes = plan(&wanted, &world).changes;
    assert!(changes.len() > 1);
    for change in &changes {
        let Write::Records(RecordBatch { changes, .. }) = &change.write else {
            panic!("{change}")
        };
        assert!(names_of(changes).values().all(|of_name| of_name.len() == 2));
    }
    pass(&wanted, &mut world);
    assert!(plan(&wanted, &world).is_settled());
}

#[test]
fn a_batch_knows_which_names_it_is_about() {
    let changes = [
        RecordChange::Delete(cname(60, "web")),
        RecordChange::Create(cname(30, "web")),
        RecordChange::Create(ours()),
        RecordChange::Create(ownership("shop.corp.example", &owner(), "api")),
    ];
    let names = names_of(&changes);
    assert_eq!(
        names
            .iter()
            .map(|(name, of_name)| (name.as_str(), of_name.len()))
            .collect::<Vec<_>>(),
        [(NAME, 3), ("shop.corp.example", 1)]
    );
}
