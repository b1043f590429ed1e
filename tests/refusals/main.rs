//! Manifests that the API server refuses, each with its message, and manifests that it takes, applied with the real kubectl.
//!
//! Each table also proves itself whole: every rule of the definition must have been broken by one of its lines. That the
//! definitions are taken at all shows that their rules cost little enough.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, outside of #[test]"
)]

mod app;
mod large;
mod platform;
mod port_allocation;
mod procfile;
mod run;
mod stored;

#[path = "../support"]
mod support {
    pub(crate) mod control_plane;
    pub(crate) mod kubectl;
    pub(crate) mod script;
}

use std::sync::LazyLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use empire_controller::api::definitions;
use serde_json::{Value, json};

use support::control_plane::ControlPlane;
use support::kubectl::Kubectl;

static CONTROL_PLANE: LazyLock<ControlPlane> = LazyLock::new(|| {
    let control_plane = ControlPlane::start(false);
    let kubectl = &control_plane.kubectl;
    kubectl
        .run(&["apply", "--server-side", "-f", "crds"], "")
        .unwrap();
    until("the definitions are served", || {
        kubectl
            .run(
                &["get", "apps.empire.dev,platforms,portallocations,runs.empire.dev"],
                "",
            )
            .is_ok()
    });
    control_plane
});

fn kubectl() -> &'static Kubectl {
    &CONTROL_PLANE.kubectl
}

/// Applies for good.
fn apply(manifest: &str) {
    kubectl().run(&["apply", "-f", "-"], manifest).unwrap();
}

/// Applies as far as the last check, without storing anything.
fn try_apply(manifest: &str) -> Result<String, String> {
    kubectl().run(&["apply", "--dry-run=server", "-f", "-"], manifest)
}

fn accepted(manifest: &str) {
    if let Err(complaint) = try_apply(manifest) {
        panic!("refused:\n{manifest}\n{complaint}");
    }
    procfile::agrees_to_take(manifest);
}

/// Expects that a manifest is refused for one reason, and that reason only: `expected` has `…` for a value, between
/// field and words. Returns what kubectl complained of.
fn refused(manifest: &str, expected: &str) -> String {
    let Err(complaint) = try_apply(manifest) else {
        panic!("accepted:\n{manifest}")
    };
    let mut rest = complaint.as_str();
    for part in expected.split('…') {
        let Some((_, after)) = rest.split_once(part) else {
            panic!("{expected:?} expected:\n{manifest}\n{complaint}");
        };
        rest = after;
    }
    // Several reasons are a list, of which one may be that others were not looked for.
    let reasons = complaint
        .lines()
        .filter(|line| line.starts_with("* ") && !line.contains("were not checked"));
    assert!(
        reasons.count() <= 1,
        "more than {expected:?}:\n{manifest}\n{complaint}"
    );
    procfile::agrees_to_refuse(manifest, &complaint);
    complaint
}

/// Asserts that each rule of a kind was broken, by the words that it failed with.
fn every_rule_was_broken(kind: &str, complaints: &[String]) {
    let definition = definitions()
        .into_iter()
        .find(|definition| definition.spec.names.kind == kind);
    let schema = json!(definition.unwrap().spec.versions[0].schema)["openAPIV3Schema"].clone();
    let mut rules = Vec::new();
    collect_rules(&schema, &mut rules);
    assert!(!rules.is_empty());
    for rule in rules {
        let words: Vec<&str> = match (rule["message"].as_str(), rule["messageExpression"].as_str()) {
            (Some(message), _) => vec![message],
            // What is between quotes, unless it is an operand of CEL.
            (None, Some(expression)) => expression
                .split('\'')
                .skip(1)
                .step_by(2)
                .filter(|text| text.contains(": "))
                .collect(),
            (None, None) => panic!("{rule} says nothing"),
        };
        assert!(!words.is_empty(), "{rule} says nothing by itself");
        let broken = |complaint: &&String| words.iter().all(|words| complaint.contains(words));
        assert!(
            complaints.iter().any(|c| broken(&c)),
            "no manifest breaks {kind}'s rule {rule}"
        );
    }
}

#[test]
fn the_examples_are_accepted() {
    kubectl()
        .run(&["apply", "--dry-run=server", "-R", "-f", "deploy/examples"], "")
        .unwrap();
}

fn collect_rules(schema: &Value, rules: &mut Vec<Value>) {
    match schema {
        Value::Object(fields) => {
            let here = fields.get("x-kubernetes-validations").and_then(Value::as_array);
            rules.extend(here.into_iter().flatten().cloned());
            fields.values().for_each(|field| collect_rules(field, rules));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_rules(item, rules)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !holds() {
        assert!(Instant::now() < deadline, "gave up waiting until {what}");
        sleep(Duration::from_millis(100));
    }
}
