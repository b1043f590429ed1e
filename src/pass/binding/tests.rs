//! The Platform that an App belongs to for good.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a manifest is written where it is used"
)]

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};

use super::{annotated, bind, record, recorded, resolve, unready};
use crate::api::app::App;
use crate::api::condition::Reason;
use crate::api::platform::Platform;
use crate::desired::fixtures::{app_with, platform_with};
use crate::pass::Installation;
use crate::status::Verdict;

fn default() -> Value {
    json!({ "metadata": { "annotations": { "empire.dev/is-default-platform": "true" } } })
}

fn named(name: &str, mut patch: Value) -> Platform {
    patch["metadata"]["name"] = name.into();
    platform_with(patch)
}

/// The record of Platform `staging` as the fixtures have it, patched.
fn staging(patch: Value) -> Value {
    let mut record = json!({
        "name": "staging",
        "region": "eu-west-9",
        "cluster": "cluster-3",
        "vpcId": "vpc-7",
        "internalZoneId": "Z-INTERNAL",
        "externalZoneId": "Z-EXTERNAL",
    });
    for (key, value) in patch.as_object().unwrap() {
        record[key] = value.clone();
    }
    record
}

fn app(platform: Option<&str>) -> App {
    app_with(json!({ "spec": { "platform": platform } }))
}

fn annotate(platform: Option<&str>, record: &Value) -> App {
    app_with(json!({
        "metadata": { "annotations": { "empire.dev/platform-record": record.to_string() } },
        "spec": { "platform": platform },
    }))
}

/// With the record in the status alone, of an App that has a service.
fn in_status(record: &Value) -> App {
    app_with(json!({ "status": {
        "observedGeneration": 3,
        "platform": record,
        "processes": [{ "name": "web", "taskDefinition": "arn:definition/shop_acme_web:1" }],
    } }))
}

#[track_caller]
fn check(app: &App, platforms: &[Platform], expected: Result<&str, (&str, Reason, &str)>) {
    let found = resolve(app, platforms);
    match (&found, expected) {
        (Ok(resolved), Ok(name)) => {
            assert_eq!(resolved.platform.metadata.name.as_deref(), Some(name));
            assert_eq!(resolved.record, record(resolved.platform));
        }
        (Err(Verdict::Reconciling(reason, message)), Err(("Reconciling", expected, part)))
        | (Err(Verdict::Stalled(reason, message)), Err(("Stalled", expected, part))) => {
            assert_eq!(*reason, expected);
            assert!(message.contains(part), "{message}");
        }
        _ => panic!("{found:?} is not {expected:?}"),
    }
}

#[test]
fn the_platform_is_the_one_that_is_named_else_the_default() {
    let platforms = [named("blue", json!({})), named("staging", default())];
    check(&app(Some("blue")), &platforms, Ok("blue"));
    check(&app(Some("staging")), &platforms, Ok("staging"));
    check(&app(None), &platforms, Ok("staging"));
    check(
        &app(Some("green")),
        &platforms,
        Err((
            "Reconciling",
            Reason::PlatformNotFound,
            "there is no Platform green",
        )),
    );
}

#[test]
fn no_default_and_two_are_each_said_so() {
    let not = json!({ "metadata": { "annotations": { "empire.dev/is-default-platform": "false" } } });
    check(
        &app(None),
        &[named("blue", json!({})), named("green", not)],
        Err((
            "Reconciling",
            Reason::NoDefaultPlatform,
            "empire.dev/is-default-platform",
        )),
    );
    check(
        &app(None),
        &[],
        Err(("Reconciling", Reason::NoDefaultPlatform, "platform is not set")),
    );
    check(
        &app(None),
        &[named("green", default()), named("blue", default())],
        Err(("Reconciling", Reason::AmbiguousDefaultPlatform, "blue, green")),
    );
    // Whoever names one does not care.
    check(
        &app(Some("green")),
        &[named("green", default()), named("blue", default())],
        Ok("green"),
    );
}

#[test]
fn an_app_stays_where_it_is_when_the_default_moves() {
    let moved = [named("staging", json!({})), named("blue", default())];
    for app in [
        annotate(None, &staging(json!({}))),
        in_status(&staging(json!({}))),
    ] {
        check(&app, &moved, Ok("staging"));
        check(
            &app,
            &[named("staging", default()), named("blue", default())],
            Ok("staging"),
        );
        check(&app, &[named("staging", json!({}))], Ok("staging"));
    }
}

fn annotations(text: &str) -> BTreeMap<String, String> {
    [("empire.dev/platform-record".into(), text.into())].into()
}

/// Whoever edits an App may write the annotation, and only the controller the status.
#[test]
fn the_status_wins_over_an_annotation_that_does_not_go_on_from_it() {
    let mut app = in_status(&staging(json!({})));
    for forged in [
        json!({ "name": "blue" }),
        json!({ "account": "222222222222" }),
        json!({ "region": "eu-west-8" }),
        json!({ "cluster": "cluster-4" }),
        json!({ "vpcId": "vpc-8" }),
        json!({ "internalZoneId": "Z-OTHER" }),
        json!({ "externalZoneId": null }),
    ] {
        app.metadata.annotations = Some(annotations(&staging(forged.clone()).to_string()));
        let found = serde_json::to_value(recorded(&app)).unwrap();
        assert_eq!(found, staging(json!({})), "{forged}");
    }
    // Of an App that holds nothing, the status is no more than where it was looked for.
    app.status.as_mut().unwrap().processes.clear();
    app.metadata.annotations = Some(annotations(&staging(json!({ "name": "blue" })).to_string()));
    assert_eq!(recorded(&app).unwrap().name, "blue");
    // Once it is deleted, nothing is sought elsewhere: it may have begun to make things there.
    app.metadata.deletion_timestamp = Some(Time(Timestamp::UNIX_EPOCH));
    assert_eq!(recorded(&app).unwrap().name, "staging");
    app.metadata.annotations = None;
    assert_eq!(recorded(&app).unwrap().name, "staging");
}

/// The controller may have been killed between the two.
#[test]
fn the_annotation_wins_where_it_is_the_newer() {
    let mut before = staging(json!({ "ownerId": "blue" }));
    before.as_object_mut().unwrap().remove("externalZoneId");
    let mut app = in_status(&before);
    for newer in [
        json!({}),
        json!({ "ownerId": "blue" }),
        json!({ "ownerId": "green" }),
    ] {
        app.metadata.annotations = Some(annotations(&staging(newer).to_string()));
        // But for the owner id, which the status has first.
        let found = serde_json::to_value(recorded(&app)).unwrap();
        assert_eq!(found, staging(json!({ "ownerId": "blue" })));
    }
}

/// Returns the owner id under which an App is bound to Platform staging, or the message of why it is not.
fn bound(app: &App, replaces: Option<&str>) -> Result<String, String> {
    let installation = Installation::Known {
        id: "green".into(),
        replaces: replaces.map(Into::into),
    };
    match bind(app, &[named("staging", json!({}))], &installation) {
        Ok(binding) => Ok(binding.record.owner_id.unwrap()),
        Err(Verdict::Reconciling(_, message) | Verdict::Stalled(_, message)) => Err(message),
        Err(verdict) => panic!("{verdict:?}"),
    }
}

/// What the status has not, and what nothing but the annotation contradicts, is forged.
#[test]
fn a_forged_owner_id_or_zone_stalls_no_app_whose_status_shows_what_it_has() {
    let mut shown = staging(json!({ "ownerId": "green" }));
    shown.as_object_mut().unwrap().remove("externalZoneId");
    let mut app = in_status(&shown);
    for forged in [
        json!({ "ownerId": "theirs" }),
        json!({ "ownerId": "green", "externalZoneId": "Z-THEIRS" }),
    ] {
        app.metadata.annotations = Some(annotations(&staging(forged).to_string()));
        assert_eq!(bound(&app, None).as_deref(), Ok("green"));
    }
    // Without a status nothing else is known of it.
    app.status = None;
    assert!(bound(&app, None).unwrap_err().contains("is not where"));
    app.metadata.annotations = Some(annotations(&staging(json!({ "ownerId": "theirs" })).to_string()));
    assert!(bound(&app, None).unwrap_err().contains("owner id theirs"));
}

#[test]
fn an_owner_id_that_is_replaced_is_what_the_status_has() {
    let mut app = in_status(&staging(json!({ "ownerId": "blue" })));
    for annotated in ["blue", "green", "theirs"] {
        let record = staging(json!({ "ownerId": annotated }));
        app.metadata.annotations = Some(annotations(&record.to_string()));
        assert_eq!(bound(&app, Some("blue")).as_deref(), Ok("green"));
        assert!(bound(&app, None).unwrap_err().contains("owner id blue"));
    }
}

#[test]
fn an_annotation_that_cannot_be_read_is_none() {
    let mut app = in_status(&staging(json!({})));
    for text in ["", "{", "[]", "{\"name\": 3}"] {
        app.metadata.annotations = Some(annotations(text));
        assert_eq!(annotated(&app.metadata), None);
        assert_eq!(recorded(&app).unwrap().name, "staging");
    }
    assert_eq!(recorded(&self::app(Some("staging"))), None);
}

#[test]
fn the_platform_may_be_set_to_what_is_recorded_and_to_nothing_else() {
    let platforms = [named("staging", json!({})), named("blue", json!({}))];
    check(
        &annotate(Some("staging"), &staging(json!({}))),
        &platforms,
        Ok("staging"),
    );
    check(
        &annotate(Some("blue"), &staging(json!({}))),
        &platforms,
        Err((
            "Stalled",
            Reason::PlatformChanged,
            "to move it to blue, make a new App",
        )),
    );
}

#[test]
fn a_platform_that_is_not_what_was_recorded_is_not_written_to() {
    for (field, other) in [
        ("region", "eu-west-8"),
        ("cluster", "cluster-4"),
        ("vpcId", "vpc-8"),
        ("internalZoneId", "Z-OTHER"),
        ("externalZoneId", "Z-OTHER"),
    ] {
        for app in [
            annotate(None, &staging(json!({ field: other }))),
            in_status(&staging(json!({ field: other }))),
        ] {
            check(
                &app,
                &[named("staging", json!({}))],
                Err(("Stalled", Reason::PlatformChanged, "Platform staging")),
            );
        }
    }
}

#[test]
fn a_zone_may_be_added_but_not_taken_away() {
    for field in ["internalZoneId", "externalZoneId"] {
        let mut before = staging(json!({}));
        before.as_object_mut().unwrap().remove(field);
        check(
            &annotate(None, &before),
            &[named("staging", json!({}))],
            Ok("staging"),
        );
    }
    for zone in ["internal", "external"] {
        check(
            &annotate(None, &staging(json!({}))),
            &[named("staging", json!({ "spec": { "dns": { zone: null } } }))],
            Err(("Stalled", Reason::PlatformChanged, "Platform staging")),
        );
    }
}

#[test]
fn what_does_not_bind_an_app_may_change() {
    let changed = named(
        "staging",
        json!({ "spec": {
            "tags": { "k": "v" },
            "network": { "internal": { "subnets": ["subnet-x"] } },
            "dns": { "ttlSeconds": 5, "recordType": "Alias" },
        } }),
    );
    check(&annotate(None, &staging(json!({}))), &[changed], Ok("staging"));
}

#[test]
fn a_platform_that_goes_takes_no_new_app_and_keeps_those_it_has() {
    let going = || {
        named(
            "staging",
            json!({ "metadata": { "deletionTimestamp": "2026-01-02T03:04:05Z", "finalizers": ["x"] } }),
        )
    };
    check(
        &app(Some("staging")),
        &[going()],
        Err(("Reconciling", Reason::PlatformDeleting, "takes no new Apps")),
    );
    let default = |name: &str, more: Value| {
        let mut platform = named(name, more);
        let default = [("empire.dev/is-default-platform".to_owned(), "true".to_owned())];
        platform.metadata.annotations = Some(default.into());
        platform
    };
    let leaving = json!({ "metadata": { "deletionTimestamp": "2026-01-02T03:04:05Z", "finalizers": ["x"] } });
    let left = default("staging", leaving);
    check(&app(None), &[left.clone(), default("two", json!({}))], Ok("two"));
    check(
        &app(None),
        &[left],
        Err(("Reconciling", Reason::PlatformDeleting, "takes no new Apps")),
    );
    check(&annotate(None, &staging(json!({}))), &[going()], Ok("staging"));
    check(&in_status(&staging(json!({}))), &[going()], Ok("staging"));
}

#[test]
fn a_platform_that_is_gone_while_it_holds_something_should_be_made_again() {
    check(
        &annotate(None, &staging(json!({}))),
        &[named("blue", default())],
        Err(("Reconciling", Reason::PlatformNotFound, "create it again")),
    );
}

#[test]
fn an_app_that_goes_goes_from_where_it_is_whatever_it_says() {
    let mut app = annotate(Some("blue"), &staging(json!({})));
    app.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(
        jiff::Timestamp::from_second(1_700_000_000).unwrap(),
    ));
    check(
        &app,
        &[named("staging", json!({})), named("blue", json!({}))],
        Ok("staging"),
    );
}

fn exposed(external: bool) -> App {
    app_with(json!({ "spec": { "processes": {
        "web": { "command": "run", "expose": { "external": external } },
    } } }))
}

fn worker() -> App {
    app_with(json!({ "spec": { "processes": { "worker": { "command": "run" } } } }))
}

#[track_caller]
fn check_unready(app: &App, platform: Value, expected: Option<(Reason, &str)>) {
    let found = unready(app, &platform_with(platform));
    match (&found, expected) {
        (None, None) => {}
        (
            Some(Verdict::Reconciling(reason, message) | Verdict::Disturbed(reason, message)),
            Some((expected, part)),
        ) => {
            assert_eq!(*reason, expected);
            assert!(message.contains(part) && message.contains("staging"), "{message}");
        }
        _ => panic!("{found:?} is not {expected:?}"),
    }
}

#[test]
fn a_platform_that_was_looked_at_is_used() {
    check_unready(&exposed(true), json!({}), None);
    check_unready(&worker(), json!({}), None);
}

#[test]
fn a_platform_that_nobody_looked_at_since_it_changed_leaves_ready_alone() {
    for patch in [
        json!({ "status": null }),
        json!({ "status": { "observedGeneration": 4 } }),
    ] {
        let found = unready(&exposed(true), &platform_with(patch));
        assert!(
            matches!(found, Some(Verdict::Disturbed(Reason::PlatformNotReady, _))),
            "{found:?}"
        );
    }
}

#[test]
fn a_stalled_platform_says_why() {
    let stalled = |reason| {
        json!({ "status": { "conditions": [{
            "type": "Stalled",
            "status": "True",
            "reason": reason,
            "message": "its host ports overlap those of Platform blue",
            "lastTransitionTime": "2026-01-02T03:04:05Z",
        }] } })
    };
    let not_ready = Some((Reason::PlatformNotReady, "overlap"));
    check_unready(&worker(), stalled("Conflict"), not_ready);
    // A zone that AWS refused to name, say, is no matter to whoever has no names.
    check_unready(&worker(), stalled("Refused"), None);
}

/// They may be another team's.
#[test]
fn the_trouble_of_a_platform_is_told_without_the_apps_in_its_message() {
    let not_ready = |reason: &str, message: &str| {
        json!({ "status": { "zones": null, "conditions": [{
            "type": "Ready", "status": "False", "reason": reason, "message": message,
            "lastTransitionTime": "2026-01-02T03:04:05Z",
        }] } })
    };
    let check = |patch, expected: &str| {
        let found = unready(&exposed(true), &platform_with(patch));
        let Some(Verdict::Reconciling(_, message)) = found else {
            panic!("{found:?}");
        };
        assert_eq!(message, format!("Platform staging: {expected}"));
    };
    check(
        not_ready(
            "AccessDenied",
            "ecs:UpdateService: AccessDeniedException: not authorized to perform: ecs:UpdateService on resource: \
             arn:aws:ecs:us-east-1:123456789012:service/default/blog_front_web (met by blog/front and 2 other Apps)",
        ),
        "ecs:UpdateService: AccessDeniedException",
    );
    check(
        not_ready("Deleting", "in use by 1 App, which go first: blog/front"),
        "it is being deleted",
    );
}

#[test]
fn an_app_waits_for_the_zones_that_it_needs_and_no_others() {
    let without = |zone: &str| json!({ "status": { "zones": { zone: null } } });
    let missing = |id| Some((Reason::ZoneNotFound, id));
    check_unready(&exposed(true), without("internal"), missing("Z-INTERNAL"));
    check_unready(&exposed(true), without("external"), missing("Z-EXTERNAL"));
    check_unready(&exposed(false), without("internal"), missing("Z-INTERNAL"));
    check_unready(&exposed(false), without("external"), None);
    check_unready(&worker(), without("internal"), None);
    let none = json!({ "spec": { "loadBalancing": { "provider": "None" } }, "status": { "zones": null } });
    check_unready(&exposed(true), none, None);
    check_unready(
        &exposed(true),
        json!({ "spec": { "dns": null }, "status": { "zones": null } }),
        None,
    );
}

#[test]
fn an_app_waits_until_it_is_known_what_its_capacity_is_made_of() {
    let on = |provider: &str, status: serde_json::Value| json!({ "spec": { "capacity": { "capacityProviders": [{ "name": provider }] } }, "status": status });
    let waits = Some((Reason::PlatformNotReady, "what capacity provider pool is made of"));
    check_unready(&worker(), on("pool", json!({})), waits);
    check_unready(
        &worker(),
        on(
            "pool",
            json!({ "capacityProviders": { "pool": "ManagedInstances" } }),
        ),
        None,
    );
    check_unready(&worker(), on("FARGATE", json!({})), None);
    check_unready(&worker(), on("pool", json!({ "apps": 1 })), None);
}
