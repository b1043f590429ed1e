//! Who comes before whom, and where.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{LetIn, Sibling, let_in};
use crate::api::app::App;
use crate::api::platform::Platform;
use crate::desired::fixtures::{app_with, namespace, platform_with};
use crate::pass::DEFAULT_ANNOTATION;

/// An App of four tasks.
fn app(name: &str, created: &str, patch: &Value) -> App {
    let mut app = json!({
        "metadata": { "name": name, "creationTimestamp": created },
        "spec": { "processes": { "worker": { "quantity": 4 } } },
    });
    for (part, fields) in patch.as_object().unwrap() {
        for (name, value) in fields.as_object().unwrap() {
            app[part][name] = value.clone();
        }
    }
    app_with(app)
}

/// It gives a namespace six tasks.
fn platform(name: &str, is_default: bool) -> Platform {
    let annotations = if is_default {
        json!({ DEFAULT_ANNOTATION: "true" })
    } else {
        json!({})
    };
    let tenancy = json!({
        "namespaceSelector": {}, "grants": [{ "namespaceSelector": {}, "limits": { "tasks": 6 } }],
    });
    platform_with(
        json!({ "metadata": { "name": name, "annotations": annotations }, "spec": { "tenancy": tenancy } }),
    )
}

/// Whether an App is let in at a Platform beside others.
fn is_let_in(app: &App, others: &[App], platforms: &[Platform]) -> bool {
    let siblings: Vec<Arc<Sibling>> = others
        .iter()
        .chain([app])
        .map(|app| Arc::new(Sibling::of(app)))
        .collect();
    let status = app.status.as_ref();
    let let_in = let_in(app, status, (&platforms[0], platforms), &namespace(), &siblings);
    let_in.is_ok_and(|let_in| let_in.is_some())
}

const EARLY: &str = "2026-01-02T03:04:05Z";
const LATE: &str = "2026-01-02T03:04:06Z";

#[test]
fn the_older_app_comes_first_and_of_one_second_the_one_whose_name_does() {
    let only = [platform("staging", true)];
    let none = json!({});
    let judged = |own: (&str, &str), other: (&str, &str)| {
        is_let_in(&app(own.0, own.1, &none), &[app(other.0, other.1, &none)], &only)
    };
    assert!(judged(("b", EARLY), ("a", LATE)));
    assert!(!judged(("a", LATE), ("b", EARLY)));
    assert!(judged(("a", EARLY), ("b", EARLY)));
    assert!(!judged(("b", EARLY), ("a", EARLY)));
}

/// So that of two new ones the younger one does not come in first.
#[test]
fn an_app_counts_at_the_platform_that_it_is_at_or_names_or_would_get() {
    let named = |platform: &str| json!({ "spec": { "platform": platform } });
    let at = |platform: &str| {
        json!({ "metadata": { "annotations": {
            "empire.dev/platform-record": json!({ "name": platform, "region": "", "cluster": "", "vpcId": "" }).to_string(),
        } } })
    };
    let check = |other: &Value, is_default: bool, expected: bool| {
        let platforms = [platform("staging", is_default), platform("other", !is_default)];
        let own = app("b", LATE, &named("staging"));
        let found = is_let_in(&own, &[app("a", EARLY, other)], &platforms);
        assert_eq!(found, expected, "{other} {is_default}");
    };
    check(&named("staging"), false, false);
    check(&named("other"), true, true);
    check(&at("staging"), false, false);
    check(&at("other"), true, true);
    check(&json!({}), true, false);
    check(&json!({}), false, true);
    // With two defaults, an App that names none comes to neither.
    let platforms = [platform("staging", true), platform("other", true)];
    let own = app("b", LATE, &named("staging"));
    assert!(is_let_in(&own, &[app("a", EARLY, &json!({}))], &platforms));
}

#[test]
fn what_it_is_let_in_with_is_told_and_whether_that_is_more() {
    let only = [platform("staging", true)];
    let let_in = |app: &App| let_in(app, app.status.as_ref(), (&only[0], &only), &namespace(), &[]);
    let new = let_in(&app("a", EARLY, &json!({}))).unwrap().unwrap();
    assert_eq!((new.counted.tasks, new.grows), (4, true));
    let status = json!({ "status": {
        "observedGeneration": 3, "counted": new.counted,
        "platform": { "name": "staging", "region": "", "cluster": "", "vpcId": "" },
    } });
    let known = let_in(&app("a", EARLY, &status)).unwrap();
    let counted = new.counted;
    assert_eq!(
        known,
        Some(LetIn {
            counted,
            grows: false
        })
    );
    let deleted = json!({ "metadata": { "deletionTimestamp": LATE } });
    assert_eq!(let_in(&app("a", EARLY, &deleted)).unwrap(), None);
}
