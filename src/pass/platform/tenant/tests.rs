//! An App needs its Platform once it may hold something there, and not because its metadata says so.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a manifest is written where it is used"
)]

use serde_json::{Value, json};

use super::Tenant;
use crate::desired::fixtures::app_with;

fn record(platform: &str) -> Value {
    json!({ "name": platform, "region": "eu-west-9", "cluster": "cluster-3", "vpcId": "vpc-7" })
}

fn annotated(platform: &str) -> Value {
    json!({ "empire.dev/platform-record": record(platform).to_string() })
}

/// Expects that an App is counted at some of two Platforms.
#[track_caller]
fn check(metadata: Value, status: Value, expected: [bool; 2]) {
    let app = app_with(json!({ "metadata": metadata, "status": status }));
    let tenant = Tenant::of(&app.metadata, Some(&app));
    let found = ["staging", "blue"].map(|platform| tenant.is_at(platform));
    assert_eq!(found, expected, "{tenant:?}");
}

#[test]
fn an_app_that_a_pass_was_about_to_write_for_is_counted() {
    let held = json!({ "finalizers": ["empire.dev/controller"], "annotations": annotated("staging") });
    let ahead = json!({ "observedGeneration": 1, "platform": record("staging") });
    check(held, ahead.clone(), [true, false]);
    // It wrote nothing yet.
    check(json!({}), ahead, [false, false]);
}

#[test]
fn an_app_that_shows_what_it_has_is_counted_without_finalizer_and_annotation() {
    let shown = json!({
        "observedGeneration": 1, "platform": record("staging"),
        "processes": [{ "name": "web", "taskDefinition": "arn:definition/shop_acme_web:1" }],
    });
    check(json!({}), shown.clone(), [true, false]);
    check(json!({ "annotations": annotated("blue") }), shown, [true, false]);
}

/// Anybody who may write an App can write both.
#[test]
fn a_forged_annotation_with_a_bare_finalizer_is_not() {
    let forged = json!({ "finalizers": ["empire.dev/controller"], "annotations": annotated("blue") });
    for status in [
        Value::Null,
        json!({ "observedGeneration": 1 }),
        json!({ "observedGeneration": 1, "platform": record("staging") }),
    ] {
        check(forged.clone(), status, [false, false]);
    }
}

/// Its status cannot be read either.
#[test]
fn an_app_that_cannot_be_decoded_is_counted_by_its_metadata() {
    let held = json!({ "finalizers": ["empire.dev/controller"], "annotations": annotated("blue") });
    let app = app_with(json!({ "metadata": held }));
    assert!(Tenant::of(&app.metadata, None).is_at("blue"));
}
