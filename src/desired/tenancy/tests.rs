//! Tenancy: who may run Apps on a Platform, and with which roles and secrets.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a manifest is written where it is used"
)]

use serde_json::{Value, json};

use super::check;
use crate::api::condition::Reason;
use crate::desired::NamespaceLabels;
use crate::desired::fixtures::{app_with, namespace, platform};
use crate::status::{Verdict, verdict_of_error};

const ROLE: &str = "arn:aws:iam::123456789012:role/apps/acme";
const SECRET: &str = "arn:aws:secretsmanager:eu-west-9:123456789012:secret:shop/token-a1b2c3";

fn judged(app: Value, tenancy: Value, namespace: &NamespaceLabels) -> Result<(), String> {
    let (app, platform) = (
        app_with(json!({ "spec": app })),
        platform(json!({ "tenancy": tenancy })),
    );
    check(&app, &platform, namespace).map_err(|error| {
        let Verdict::Stalled(Reason::NotAllowed, message) = verdict_of_error(&error) else {
            panic!("{error}")
        };
        message
    })
}

fn is_selected(selector: Value) -> bool {
    judged(json!({}), json!({ "namespaceSelector": selector }), &namespace()).is_ok()
}

#[test]
fn namespaces_are_selected_as_kubernetes_does() {
    for (selector, expected) in [
        (json!({}), true),
        (json!({ "matchLabels": { "team": "retail" } }), true),
        (json!({ "matchLabels": { "team": "bank" } }), false),
        (
            json!({ "matchLabels": { "team": "retail", "stage": "test" } }),
            false,
        ),
        (requirement("team", "In", &["bank", "retail"]), true),
        (requirement("team", "NotIn", &["retail"]), false),
        (requirement("stage", "NotIn", &["test"]), true),
        (requirement("team", "Exists", &[]), true),
        (requirement("stage", "Exists", &[]), false),
        (requirement("stage", "DoesNotExist", &[]), true),
        // The schema refuses it; should one be stored, it opens no door.
        (requirement("team", "Nonsense", &[]), false),
    ] {
        assert_eq!(is_selected(selector.clone()), expected, "{selector}");
    }
}

fn requirement(key: &str, operator: &str, values: &[&str]) -> Value {
    json!({ "matchExpressions": [{ "key": key, "operator": operator, "values": values }] })
}

#[test]
fn without_tenancy_any_namespace_and_neither_roles_nor_secrets() {
    let none = NamespaceLabels::new();
    assert_eq!(judged(json!({}), json!(null), &none), Ok(()));
    let role = judged(json!({ "taskRoleArn": ROLE }), json!(null), &none).unwrap_err();
    assert_eq!(
        role,
        format!(
            "taskRoleArn: Platform staging does not allow {ROLE}: it matches nothing in tenancy.taskRoleArns"
        )
    );
    let secret = judged(json!({ "secrets": { "TOKEN": SECRET } }), json!(null), &none).unwrap_err();
    assert_eq!(
        secret,
        format!(
            "secrets: TOKEN: Platform staging does not allow {SECRET}: it matches nothing in tenancy.secretArns"
        )
    );
}

#[test]
fn a_list_left_out_allows_nothing() {
    let tenancy = || json!({ "namespaceSelector": {} });
    for app in [
        json!({ "taskRoleArn": ROLE }),
        json!({ "secrets": { "TOKEN": SECRET } }),
    ] {
        assert!(judged(app, tenancy(), &namespace()).is_err());
    }
}

#[test]
fn what_a_pattern_matches_is_allowed_and_what_is_not_says_where_it_stands() {
    let tenancy = || {
        json!({
            "namespaceSelector": {},
            "taskRoleArns": ["arn:aws:iam::123456789012:role/other", "arn:aws:iam::123456789012:role/apps/*"],
            "secretArns": ["arn:aws:secretsmanager:eu-west-9:123456789012:secret:shop/*"],
        })
    };
    let app = |secret: &str| {
        json!({
            "taskRoleArn": ROLE, "secrets": { "TOKEN": SECRET },
            "processes": { "api": { "command": "run", "secrets": { "KEY": secret } } },
        })
    };
    assert_eq!(judged(app(SECRET), tenancy(), &namespace()), Ok(()));
    let foreign = "arn:aws:secretsmanager:eu-west-9:123456789012:secret:bank/key";
    let message = judged(app(foreign), tenancy(), &namespace()).unwrap_err();
    assert!(
        message.starts_with("process api: secrets: KEY: Platform staging does not allow"),
        "{message}"
    );
}

#[test]
fn an_unselected_namespace_is_named() {
    let message = judged(
        json!({}),
        json!({ "namespaceSelector": { "matchLabels": { "team": "bank" } } }),
        &namespace(),
    );
    assert_eq!(
        message.unwrap_err(),
        "Platform staging takes no Apps of namespace shop: its tenancy.namespaceSelector does not select it"
    );
}
