//! When a list may be believed, and who hears of it.

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn app(name: &str) -> AppName {
    AppName {
        namespace: "shop".into(),
        name: name.into(),
    }
}

const RESYNC: Duration = Duration::from_mins(10);

fn out_of_order() -> AwsError {
    AwsError::from_code("route53:ListResourceRecordSets", "ServiceUnavailable", "")
}

#[test]
fn an_app_that_went_by_an_old_list_is_woken_once_it_is_read() {
    let unit = Unit::<Records>::default();
    unit.swept(at(0), at(5));
    unit.failed(out_of_order());
    let age = |name, rank, now| unit.readable(&app(name), rank, at(now), RESYNC).ok();
    assert_eq!(age("young", Rank::Edit, 1_204), Some(Age::Young));
    assert_eq!(age("edited", Rank::Edit, 1_205), Some(Age::Old));
    assert_eq!(age("pending", Rank::Repair, 1_205), Some(Age::Old));
    assert_eq!(age("settled", Rank::Resync, 1_205), Some(Age::Old));
    assert_eq!(age("deleted", Rank::Deletion, 1_205), None);
    let other = AwsError::from_code("route53:ListResourceRecordSets", "Throttling", "");
    assert_eq!(unit.failed(other), [app("deleted")].into());
    assert_eq!(age("deleted", Rank::Deletion, 1_206), None);
    let woken = ["deleted", "edited", "pending"].map(app);
    assert_eq!(unit.swept(at(1_300), at(1_305)), woken.into());
    assert_eq!(unit.swept(at(1_900), at(1_905)), BTreeSet::new());
}

#[test]
fn a_list_that_is_read_slowly_grows_old_without_a_failure_and_is_young_at_its_end() {
    let unit = Unit::<Records>::default();
    unit.swept(at(0), at(300));
    let age = |rank, now, resync| unit.readable(&app("app"), rank, at(now), resync);
    for rank in Rank::ALL {
        assert_eq!(age(rank, 1_499, RESYNC), Ok(Age::Young));
    }
    for rank in [Rank::Edit, Rank::Repair, Rank::Resync] {
        assert_eq!(age(rank, 1_500, RESYNC), Ok(Age::Old));
    }
    let refused = age(Rank::Deletion, 1_500, RESYNC).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "list: ListOld: the list that all Apps share is of 1970-01-01T00:00:00Z: AWS's request rates let it be read no sooner"
    );
    assert!(refused.class().is_passing());
    let second = Duration::from_secs(1);
    assert_eq!(age(Rank::Deletion, 899, second), Ok(Age::Young));
    assert_eq!(age(Rank::Edit, 900, second), Ok(Age::Old));
    // The sweep took longer than what makes a list old.
    assert_eq!(unit.swept(at(600), at(6_000)), [app("app")].into());
    assert_eq!(age(Rank::Deletion, 6_000, RESYNC), Ok(Age::Young));
}

#[test]
fn a_list_is_old_if_it_was_read_once_and_is_not_since() {
    let inventory = Inventory::default();
    let zone = |name: &str| Key {
        place: Place::default(),
        name: name.into(),
    };
    let units = ["young", "old", "never", "elsewhere"].map(|name| inventory.records.want(&zone(name)));
    let [young, old, never, elsewhere] = &units;
    young.swept(at(1_000), at(1_000));
    let slow = inventory.schedules.want(&zone("slow"));
    let at_its_end = inventory.services.want(&zone("at its end"));
    at_its_end.swept(at(10), at(1_000));
    slow.swept(at(20), at(30));
    for unit in [old, elsewhere] {
        unit.swept(at(10), at(10));
    }
    let failed = AwsError::from_code("route53:ListResourceRecordSets", "Throttling", "");
    for unit in [young, old, never] {
        unit.failed(failed.clone());
    }
    let found = |now| {
        let found = inventory.old(|key| key.name != "elsewhere", at(now), RESYNC);
        let found = found
            .into_iter()
            .map(|Old { kind, read, error }| (kind, read, error));
        found.collect::<Vec<_>>()
    };
    let failed = ("records", at(10), Some(failed));
    assert_eq!(found(1_209), []);
    assert_eq!(found(1_229), std::slice::from_ref(&failed));
    assert_eq!(found(1_230), [failed, ("schedules", at(20), None)]);
}
