//! When waiting ends, by what the App's status says.

use serde_json::{Value, json};

use super::*;

const AT: &str = "2026-11-29T02:00:00.25Z";
const ALREADY: Duration = Duration::from_secs(2);

/// An App whose status is of a generation and has these conditions; its worker was told to redeploy at some time.
fn app(observed: i64, conditions: &[(&str, &str, &str)], redeployed: &str) -> App {
    let condition = |(kind, status, reason): &(&str, &str, &str)| -> Value {
        json!({
            "type": kind, "status": status, "reason": reason, "message": "as it is", "observedGeneration": observed,
            "lastTransitionTime": "2026-11-29T01:00:00Z",
        })
    };
    let conditions: Vec<Value> = conditions.iter().map(condition).collect();
    let submitted = json!({ "hash": "h", "deploymentId": "d", "redeploy": redeployed, "complete": true });
    serde_json::from_value(json!({
        "apiVersion": "empire.dev/v1alpha1",
        "kind": "App",
        "metadata": { "name": "acme", "generation": 3, "annotations": { "empire.dev/redeploy": AT } },
        "spec": { "image": "a", "processes": { "worker": {}, "console": { "noservice": true } } },
        "status": {
            "observedGeneration": observed,
            "conditions": conditions,
            "processes": [{ "name": "worker", "submitted": submitted }],
        },
    }))
    .unwrap()
}

const READY: &[(&str, &str, &str)] = &[("Ready", "True", "Available")];
const ROLLS: &[(&str, &str, &str)] = &[
    ("Ready", "False", "RolloutInProgress"),
    ("Reconciling", "True", "RolloutInProgress"),
];
const STUCK: &[(&str, &str, &str)] = &[
    ("Ready", "False", "RolloutFailed"),
    ("Stalled", "True", "RolloutFailed"),
];
const HALTED: &[(&str, &str, &str)] = &[("Ready", "False", "Suspended")];

#[test]
fn waiting_ends_with_what_the_edit_was_to_lead_to_or_with_what_keeps_it_from_that() {
    let scale = Action::scale(&[]).unwrap();
    let going = |action: &Action, found: &App, waited| {
        let outcome = Goal::of(action, &app(2, READY, "")).outcome(Some(found), waited);
        outcome.map(|outcome| (outcome.state, outcome.reached))
    };
    let check = |action: &Action, found: &App, expected| {
        assert_eq!(going(action, found, ALREADY), expected, "{action:?}: {found:#?}");
    };
    for action in [&scale, &Action::Resume] {
        // Of the generation before.
        check(action, &app(2, READY, AT), None);
        check(action, &app(2, STUCK, AT), None);
        check(action, &app(3, ROLLS, AT), None);
        check(action, &app(3, READY, ""), Some((State::Ready, true)));
        check(action, &app(4, READY, ""), Some((State::Ready, true)));
        check(action, &app(3, STUCK, ""), Some((State::Stalled, false)));
        check(action, &app(3, HALTED, ""), Some((State::Suspended, false)));
    }
    // An annotation is no new generation: what is Ready or Stalled may be of before.
    let redeploy = &Action::Redeploy;
    check(redeploy, &app(3, READY, "before"), None);
    check(redeploy, &app(3, READY, AT), Some((State::Ready, true)));
    check(redeploy, &app(3, ROLLS, AT), None);
    check(redeploy, &app(3, STUCK, "before"), None);
    check(redeploy, &app(3, STUCK, AT), Some((State::Stalled, false)));
    assert_eq!(
        going(redeploy, &app(3, STUCK, "before"), GRACE),
        Some((State::Stalled, false))
    );
    check(
        redeploy,
        &app(3, HALTED, "before"),
        Some((State::Suspended, false)),
    );

    check(&Action::Suspend, &app(2, READY, ""), None);
    for conditions in [READY, ROLLS, HALTED] {
        check(
            &Action::Suspend,
            &app(3, conditions, ""),
            Some((State::Suspended, true)),
        );
    }
}

#[test]
fn an_app_that_no_controller_has_seen_is_waited_for() {
    let mut unseen = app(0, &[], "");
    unseen.status = None;
    assert_eq!(
        Goal::of(&Action::Resume, &unseen).outcome(Some(&unseen), ALREADY),
        None
    );
}

#[test]
fn an_app_that_goes_is_gone_in_the_end() {
    let acme = app(3, READY, "");
    let mut deleting = acme.clone();
    deleting.metadata.deletion_timestamp = serde_json::from_value(json!("2026-11-29T01:00:00Z")).unwrap();
    let ended = |of: &App| Goal::of(&Action::Resume, of).outcome(None, ALREADY).unwrap();
    assert!(ended(&deleting).reached);
    assert!(!ended(&acme).reached);
    // It is Ready for a moment.
    let goal = Goal::of(&Action::Resume, &deleting);
    assert_eq!(goal.outcome(Some(&deleting), ALREADY), None);
}

#[test]
fn the_end_is_one_line() {
    let acme = app(3, STUCK, "");
    let text = |outcome: Outcome| outcome.text("shop/acme");
    let stuck = Goal::of(&Action::Resume, &acme)
        .outcome(Some(&acme), ALREADY)
        .unwrap();
    assert_eq!(text(stuck), "App shop/acme is Stalled, RolloutFailed: as it is");
    let ready = app(3, READY, "");
    let ready = Goal::of(&Action::Resume, &ready)
        .outcome(Some(&ready), ALREADY)
        .unwrap();
    assert_eq!(text(ready), "App shop/acme is Ready: as it is");
    let facts = screen::Facts {
        app: app(3, ROLLS, ""),
        platform: screen::Sight::Missing,
        events: None,
        runs: None,
    };
    let seen = screen::status(&facts);
    assert_eq!(
        text(Outcome::timed_out(Some(&seen), Duration::from_secs(90))),
        "App shop/acme is not there yet, RolloutInProgress: after 90 s, and it goes on: as it is"
    );
    assert_eq!(
        text(Outcome::timed_out(None, Duration::from_secs(90))),
        "App shop/acme is not there yet: after 90 s, and it goes on"
    );
}
