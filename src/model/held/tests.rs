//! The things that are missed, and those that are not.

use std::collections::BTreeSet;

use super::Held;
use crate::model::desired::{Desired, RecordKey};
use crate::model::named::Named;
use crate::model::part::Part;
use crate::model::state::Observed;
use crate::plan::fixtures::{INTERNAL, app, nothing, process, settled};

fn exposed() -> Desired {
    let web = process("web").internal().claimed();
    app([web, process("nightly").at("cron(0 3 * * ? *)")])
}

fn held(desired: &Desired) -> Held {
    Held::of(&settled(desired), &desired.owner)
}

fn only(map: impl IntoIterator<Item = String>) -> String {
    let mut names = map.into_iter();
    let name = names.next().unwrap();
    assert_eq!(names.next(), None);
    name
}

fn missing(held: &Held, observed: &Observed) -> BTreeSet<Named> {
    held.missing(&exposed(), observed)
}

#[test]
fn all_that_was_there_is_missed_and_nothing_that_still_is() {
    let desired = exposed();
    let (held, there) = (held(&desired), settled(&desired));
    assert_eq!(missing(&held, &there), BTreeSet::new());
    let mut left_out = nothing();
    left_out.schedule_group.clone_from(&there.schedule_group);
    let all = missing(&held, &left_out);
    let expected = [
        Named::Service("shop_acme_web".into()),
        Named::LoadBalancer(only(there.load_balancers.keys().cloned())),
        Named::TargetGroup(only(there.target_groups.keys().cloned())),
        Named::Schedule(only(there.schedules.keys().cloned())),
        Named::Name(desired.records.keys().next().unwrap().clone()),
        Named::Port(9000),
    ];
    assert_eq!(all, expected.into());
}

/// What was read by name is not asked for again; and of a part that cannot be read, nothing is.
#[test]
fn what_was_read_by_name_or_cannot_be_read_is_not_missed() {
    let held = held(&exposed());
    let mut observed = nothing();
    observed.fresh = missing(&held, &observed);
    assert_eq!(missing(&held, &observed), BTreeSet::new());
    let mut observed = nothing();
    observed.unread = [
        Part::Ecs,
        Part::LoadBalancing,
        Part::Schedules,
        Part::Zone(INTERNAL.into()),
    ]
    .into();
    assert_eq!(missing(&held, &observed), [Named::Port(9000)].into());
    // A zone that is gone has taken its names along.
    let mut observed = settled(&exposed());
    observed.zones.clear();
    assert_eq!(missing(&held, &observed), BTreeSet::new());
}

/// A page may end between a name and its ownership record.
#[test]
fn a_name_is_missed_where_one_of_its_records_is() {
    let desired = exposed();
    let held = held(&desired);
    let key = desired.records.keys().next().unwrap();
    let whole = settled(&desired);
    for n in 0..2 {
        let mut observed = whole.clone();
        observed.zones.get_mut(INTERNAL).unwrap().records.remove(n);
        assert_eq!(missing(&held, &observed), [Named::Name(key.clone())].into());
    }
}

#[test]
fn what_has_lost_our_tags_is_missed_and_anothers_is_not() {
    let desired = exposed();
    let held_as_ours = held(&desired);
    let mut observed = settled(&desired);
    for found in observed.load_balancers.values_mut() {
        found.tags.clear();
    }
    let name = only(observed.load_balancers.keys().cloned());
    let missed = BTreeSet::from([Named::LoadBalancer(name)]);
    assert!(missing(&held_as_ours, &observed).is_superset(&missed));
    let mut vague = Held::default();
    vague.hold_wanted(&desired);
    assert!(missing(&vague, &observed).is_disjoint(&missed));
}

/// After a start nothing tells which of its two target groups a process has.
#[test]
fn of_two_target_groups_as_many_are_missed_as_are_wanted() {
    let desired = exposed();
    let mut vague = Held::default();
    vague.hold_wanted(&desired);
    assert_eq!(missing(&vague, &settled(&desired)), BTreeSet::new());
    let groups = |observed: &Observed| {
        let missing = missing(&vague, observed).into_iter();
        missing
            .filter(|named| matches!(named, Named::TargetGroup(_)))
            .count()
    };
    assert_eq!(groups(&nothing()), 2);
}

#[test]
fn a_hostname_is_looked_for_where_the_manifest_has_it_and_else_in_every_zone() {
    let desired = exposed();
    let RecordKey { name, .. } = desired.records.keys().next().unwrap();
    let mut held = Held {
        is_vague: true,
        ..Held::default()
    };
    held.hold_hostname(name);
    held.hold_hostname("old.corp.example");
    held.complete(&desired);
    let zones = |name: &str| held.names().filter(|key| key.name == name).count();
    assert_eq!((zones(name), zones("old.corp.example")), (1, 2));
}
