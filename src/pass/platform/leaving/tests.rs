//! A Platform goes when no App needs it, and nothing but a live list of all Apps says so.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::core::ObjectMeta;

use super::{Leaving, Question, Seen, leaving};
use crate::model::owner::AppName;
use crate::pass::deletion::Deletion;
use crate::pass::platform::Tenant;

fn tenant(name: &str, platform: &str) -> Tenant {
    Tenant {
        app: AppName {
            namespace: "shop".into(),
            name: name.into(),
        },
        platform: Some(platform.into()),
        holds: true,
        is_deleted: false,
    }
}

fn check(
    tenants: &[Tenant],
    seen: Seen,
    definition: Option<&Deletion>,
    expected: &Result<Leaving, Question>,
) {
    check_keeping(false, tenants, seen, definition, expected);
}

fn check_keeping(
    keeps_names: bool,
    tenants: &[Tenant],
    seen: Seen,
    definition: Option<&Deletion>,
    expected: &Result<Leaving, Question>,
) {
    let platform = ObjectMeta {
        name: Some("staging".into()),
        deletion_timestamp: Some(Time("2026-01-02T03:04:05Z".parse().unwrap())),
        ..ObjectMeta::default()
    };
    let found = leaving(&platform, tenants, keeps_names, seen, definition);
    assert_eq!(&found, expected, "{tenants:?} {seen:?} {definition:?}");
}

#[test]
fn one_that_is_not_deleted_asks_nothing() {
    let found = leaving(
        &ObjectMeta::default(),
        &[tenant("acme", "staging")],
        true,
        Seen::Cached,
        None,
    );
    assert_eq!(found, Ok(Leaving::NotDeleted));
}

#[test]
fn it_goes_only_where_a_live_list_shows_no_app_of_it() {
    let elsewhere = [
        tenant("other", "production"),
        Tenant {
            holds: false,
            ..tenant("acme", "staging")
        },
    ];
    for seen in [Seen::Cached, Seen::Confirmed] {
        check(&elsewhere, seen, None, &Err(Question::AllApps));
    }
    check(&elsewhere, Seen::Live, None, &Ok(Leaving::MayGo));
}

#[test]
fn an_app_of_the_cache_counts_once_it_was_found_to_be_there() {
    let here = [tenant("acme", "staging"), tenant("other", "staging")];
    let first = Question::IsThere(here[0].app.clone());
    check(&here, Seen::Cached, None, &Err(first));
    for seen in [Seen::Confirmed, Seen::Live] {
        check(&here, seen, None, &Err(Question::Definition));
        check(&here, seen, Some(&Deletion::Meant), &Ok(Leaving::InUse));
        let unsaid = Deletion::Unsaid("say".into());
        check(&here, seen, Some(&unsaid), &Ok(Leaving::Unsaid("say".into())));
    }
}

#[test]
fn where_everything_is_kept_only_apps_that_are_deleted_hold_it() {
    let here = tenant("acme", "staging");
    let deleted = Tenant {
        is_deleted: true,
        ..tenant("other", "staging")
    };
    let keep = || Some(&Deletion::Keep);
    let all = [here.clone(), deleted];
    check(&all, Seen::Confirmed, keep(), &Ok(Leaving::InUse));
    let all = [here];
    check(&all, Seen::Confirmed, keep(), &Err(Question::AllApps));
    check(&all, Seen::Live, keep(), &Ok(Leaving::MayGo));
}

/// Where everything is kept, so are they; and they are no reason to be deleted sooner than Apps are.
#[test]
fn names_that_are_kept_go_before_their_platform_unless_all_is_to_stay() {
    for seen in [Seen::Cached, Seen::Confirmed] {
        check_keeping(true, &[], seen, None, &Err(Question::AllApps));
    }
    let check = |definition, expected| check_keeping(true, &[], Seen::Live, definition, &expected);
    check(None, Err(Question::Definition));
    check(Some(&Deletion::Meant), Ok(Leaving::NamesFirst));
    check(Some(&Deletion::Keep), Ok(Leaving::MayGo));
    let unsaid = Deletion::Unsaid("say".into());
    check(Some(&unsaid), Ok(Leaving::Unsaid("say".into())));
    let here = [tenant("acme", "staging")];
    check_keeping(
        true,
        &here,
        Seen::Live,
        Some(&Deletion::Meant),
        &Ok(Leaving::InUse),
    );
}
