//! Conditions by the rules of kstatus, waits, and what a status keeps of the one before.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use serde_json::json;

use super::{
    MESSAGE_LENGTH, Verdict, Waits, compute, conditions, cut, until_lasting, verdict_of_error, waits,
};
use crate::api::app::{App, AppStatus, Counted, PlatformRecord, ProcessStatus, Retiring};
use crate::api::condition::Reason;
use crate::aws::{AwsError, Fault};
use crate::change::{Change, Deferred, ServiceWrite};
use crate::desired::fixtures::build;
use crate::desired::fixtures::{app, namespace, owner, platform};
use crate::error::Error;
use crate::model::class::Class;
use crate::model::desired::Desired;
use crate::model::state::Observed;
use crate::plan::plan;
use crate::reconcile::Outcome;

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

/// Returns the outcome of a pass that wrote nothing.
pub(super) fn outcome(desired: &Desired, observed: Observed) -> Outcome {
    Outcome {
        plan: plan(desired, &observed, &Deferred::new()),
        observed,
        ..Outcome::default()
    }
}

pub(super) fn wanted(app: &App) -> Desired {
    build(app, &platform(json!({})), &owner(), &namespace())
        .unwrap()
        .desired
}

pub(super) fn aws_error(code: &str, fault: Fault) -> AwsError {
    AwsError {
        action: "ecs:UpdateService",
        code: code.into(),
        message: format!("said AWS of {code}"),
        fault,
        request_id: None,
    }
}

pub(super) fn failure(code: &str, class: Class) -> Error {
    aws_error(code, Fault::Failed(class)).into()
}

pub(super) fn change_of(process: &str) -> Change {
    let service = format!("shop_acme_{process}");
    Change::of(process, ServiceWrite::Delete { service })
}

/// Type, status and reason of each condition.
fn said(conditions: &[Condition]) -> Vec<(&str, &str, &str)> {
    conditions
        .iter()
        .map(|c| (c.type_.as_str(), c.status.as_str(), c.reason.as_str()))
        .collect()
}

fn verdicts() -> Vec<Verdict> {
    let text = || "in words".to_owned();
    vec![
        Verdict::Ready(text()),
        Verdict::Suspended(text()),
        Verdict::Reconciling(Reason::Progressing, text()),
        Verdict::Stalled(Reason::Conflict, text()),
        Verdict::Disturbed(Reason::Throttled, text()),
        Verdict::Lasting(Reason::Unavailable, text()),
        Verdict::Denied(Reason::AccessDenied, text()),
    ]
}

#[test]
fn each_verdict_has_its_conditions() {
    let fresh = |verdict: &Verdict| conditions(&[], 3, verdict, at(0));
    let expected: [&[(&str, &str, &str)]; 7] = [
        &[("Ready", "True", "Available")],
        &[("Ready", "False", "Suspended")],
        &[
            ("Ready", "False", "Progressing"),
            ("Reconciling", "True", "Progressing"),
        ],
        &[("Ready", "False", "Conflict"), ("Stalled", "True", "Conflict")],
        &[
            ("Ready", "False", "Throttled"),
            ("Reconciling", "True", "Throttled"),
        ],
        &[
            ("Ready", "False", "Unavailable"),
            ("Reconciling", "True", "Unavailable"),
        ],
        &[
            ("Ready", "False", "AccessDenied"),
            ("Reconciling", "True", "AccessDenied"),
        ],
    ];
    for (verdict, expected) in verdicts().iter().zip(expected) {
        let found = fresh(verdict);
        assert_eq!(said(&found), expected, "{verdict:?}");
        for condition in &found {
            assert_eq!(
                (condition.observed_generation, condition.message.as_str()),
                (Some(3), "in words")
            );
        }
    }
}

#[test]
fn whatever_came_before_never_reconciling_and_stalled_and_ready_only_for_this_generation() {
    for first in verdicts() {
        for (generation, second) in verdicts().into_iter().flat_map(|v| [(3, v.clone()), (4, v)]) {
            let before = conditions(&[], 3, &first, at(0));
            let after = conditions(&before, generation, &second, at(9));
            let is = |kind: &str| after.iter().find(|c| c.type_ == kind).map(|c| c.status.as_str());
            assert!(
                !(is("Reconciling") == Some("True") && is("Stalled") == Some("True")),
                "{first:?} then {second:?}"
            );
            // Abnormal-true: absent when not true.
            assert!([None, Some("True")].contains(&is("Reconciling")));
            assert!([None, Some("True")].contains(&is("Stalled")));
            assert_eq!(after.iter().filter(|c| c.type_ == "Ready").count(), 1);
            assert!(after.iter().all(|c| c.observed_generation == Some(generation)));
            if is("Ready") == Some("True") {
                let was_ready = matches!(first, Verdict::Ready(_)) && generation == 3;
                let (is_ready, disturbed, stands_beside) = match second {
                    Verdict::Ready(_) => (true, false, false),
                    Verdict::Disturbed(..) => (false, true, false),
                    Verdict::Lasting(..) | Verdict::Denied(..) => (false, true, true),
                    Verdict::Suspended(_) | Verdict::Reconciling(..) | Verdict::Stalled(..) => {
                        (false, false, false)
                    }
                };
                assert_eq!(
                    (is("Reconciling").is_some(), is("Stalled")),
                    (stands_beside, None)
                );
                assert!(is_ready || (disturbed && was_ready), "{first:?} then {second:?}");
            }
        }
    }
}

#[test]
fn a_moments_trouble_leaves_ready_as_it_was_within_a_generation_and_not_across() {
    let ready = conditions(&[], 3, &Verdict::Ready("all is well".into()), at(0));
    let disturbed = Verdict::Disturbed(Reason::Unavailable, "no reply".into());
    assert_eq!(conditions(&ready, 3, &disturbed, at(9)), ready);
    assert_eq!(
        said(&conditions(&ready, 4, &disturbed, at(9))),
        [
            ("Ready", "False", "Unavailable"),
            ("Reconciling", "True", "Unavailable")
        ]
    );
}

#[test]
fn trouble_that_lasts_shows_beside_ready_and_then_takes_it_away_whoever_restarts() {
    let ready = conditions(&[], 3, &Verdict::Ready("all is well".into()), at(0));
    let disturbed = || Verdict::Disturbed(Reason::Unavailable, "no reply".into());
    // The first passes in a row are a moment's trouble.
    for failures in [0, 1] {
        assert_eq!(conditions(&ready, 3, &disturbed().after(failures), at(9)), ready);
    }
    let beside = conditions(&ready, 3, &disturbed().after(2), at(10));
    let both = [
        ("Ready", "True", "Available"),
        ("Reconciling", "True", "Unavailable"),
    ];
    assert_eq!(said(&beside), both);
    assert_eq!(until_lasting(&beside, at(40)), Some(Duration::from_mins(1)));
    // A controller that was just started has seen no failure before this one.
    assert_eq!(conditions(&beside, 3, &disturbed().after(0), at(60)), beside);
    assert_eq!(said(&conditions(&beside, 3, &disturbed().after(2), at(99))), both);
    let lost = conditions(&beside, 3, &disturbed().after(2), at(100));
    assert_eq!(
        said(&lost),
        [
            ("Ready", "False", "Unavailable"),
            ("Reconciling", "True", "Unavailable")
        ]
    );
    // What comes and goes after that does not bring it back.
    assert_eq!(said(&conditions(&lost, 3, &disturbed(), at(101)))[0].1, "False");
    let over = conditions(&lost, 3, &Verdict::Ready("well again".into()), at(102));
    assert_eq!(said(&over), [("Ready", "True", "Available")]);
}

#[test]
fn a_denial_stands_beside_ready_for_as_long_as_it_lasts_and_not_across_generations() {
    let ready = conditions(&[], 3, &Verdict::Ready("all is well".into()), at(0));
    let denied = Verdict::Denied(Reason::AccessDenied, "not you".into()).after(9);
    let mut before = ready.clone();
    for seconds in [1, 100, 10_000] {
        before = conditions(&before, 3, &denied, at(seconds));
        assert_eq!(
            said(&before),
            [
                ("Ready", "True", "Available"),
                ("Reconciling", "True", "AccessDenied")
            ]
        );
        assert_eq!(before[0], ready[0]);
    }
    assert_eq!(said(&conditions(&before, 4, &denied, at(10_001)))[0].1, "False");
    assert_eq!(
        conditions(&before, 3, &Verdict::Ready("all is well".into()), at(10_002)),
        ready
    );
}

#[test]
fn the_transition_time_moves_only_with_the_status() {
    let time = |conditions: &[Condition], kind: &str| {
        conditions
            .iter()
            .find(|c| c.type_ == kind)
            .unwrap()
            .last_transition_time
            .clone()
    };
    let progressing = conditions(
        &[],
        3,
        &Verdict::Reconciling(Reason::Progressing, "a".into()),
        at(1),
    );
    let rolling = conditions(
        &progressing,
        4,
        &Verdict::Reconciling(Reason::RolloutInProgress, "b".into()),
        at(2),
    );
    // Another reason, message and generation, the same status.
    assert_eq!(
        (time(&rolling, "Ready"), time(&rolling, "Reconciling")),
        (Time(at(1)), Time(at(1)))
    );
    let ready = conditions(&rolling, 4, &Verdict::Ready("c".into()), at(3));
    assert_eq!(time(&ready, "Ready"), Time(at(3)));
    let still = conditions(&ready, 4, &Verdict::Ready("d".into()), at(4));
    assert_eq!(time(&still, "Ready"), Time(at(3)));
    let again = conditions(
        &still,
        4,
        &Verdict::Reconciling(Reason::Progressing, "e".into()),
        at(5),
    );
    assert_eq!(
        (time(&again, "Ready"), time(&again, "Reconciling")),
        (Time(at(5)), Time(at(5)))
    );
}

#[test]
fn a_message_is_cut_at_a_character_to_what_kubernetes_takes() {
    let exact = "x".repeat(MESSAGE_LENGTH);
    assert_eq!(cut(&exact), exact);
    assert_eq!(cut(""), "");
    // What a terminal would obey, such as in a cron expression.
    let shown = "cron: minute: '0/\\u{1b}[31m\\n' is no \"number\"";
    assert_eq!(cut("cron: minute: '0/\u{1b}[31m\n' is no \"number\""), shown);
    assert_eq!(cut(shown), shown);
    for long in [
        "x".repeat(1_025),
        "é".repeat(513),
        "🦀".repeat(300),
        format!("x{}", "é".repeat(900)),
    ] {
        let cut = cut(&long);
        assert!(
            cut.len() <= MESSAGE_LENGTH && cut.len() > MESSAGE_LENGTH - 8,
            "{}",
            cut.len()
        );
        assert!(long.starts_with(cut.strip_suffix('…').unwrap()));
    }
    let verdict = Verdict::Stalled(Reason::Conflict, "y".repeat(5_000));
    assert!(
        conditions(&[], 1, &verdict, at(0))
            .iter()
            .all(|c| c.message.len() <= MESSAGE_LENGTH)
    );
}

#[test]
fn what_a_refused_manifest_would_wait_for_is_not_told_any_longer() {
    let before = AppStatus {
        processes: vec![ProcessStatus {
            name: "web".into(),
            running: 2,
            message: Some("process web: secrets: DB: there is no secret shop/db".into()),
            ..ProcessStatus::default()
        }],
        ..AppStatus::default()
    };
    let after = |verdict| {
        let status = compute(&app(json!({})), Some(before.clone()), None, None, &verdict, at(0));
        let [web] = &status.processes[..] else {
            panic!("{status:?}")
        };
        (web.running, web.message.is_some())
    };
    let told = String::new;
    assert_eq!(after(Verdict::Stalled(Reason::NotAllowed, told())), (2, false));
    // It may still be so: it was not looked at.
    assert_eq!(after(Verdict::Disturbed(Reason::Unavailable, told())), (2, true));
}

fn waiting(entries: &[(&str, i64, Option<i32>)]) -> AppStatus {
    let process = |(load_balancer, since, ttl): &(&str, i64, Option<i32>)| ProcessStatus {
        name: format!("process-of-{load_balancer}"),
        retiring: vec![Retiring {
            load_balancer: (*load_balancer).into(),
            since: Time(at(*since)),
            ttl_seconds: *ttl,
        }],
        ..ProcessStatus::default()
    };
    AppStatus {
        processes: entries.iter().map(process).collect(),
        ..AppStatus::default()
    }
}

#[test]
fn a_load_balancer_waits_for_the_larger_of_the_flag_and_twice_its_ttl() {
    let check = |retire_after: u64, ttl: Option<i32>, platform_ttl: u32, waited: i64, left: Option<u64>| {
        let status = waiting(&[("l-1", 0, ttl)]);
        let Waits { over, next, .. } = waits(
            Some(&status),
            Duration::from_secs(retire_after),
            platform_ttl,
            at(waited),
        );
        let expected: &[&str] = if left.is_none() { &["l-1"] } else { &[] };
        assert_eq!(
            (over, next),
            (
                expected.iter().map(|l| (*l).to_owned()).collect(),
                left.map(Duration::from_secs)
            )
        );
    };
    // The flag.
    check(300, Some(60), 60, 0, Some(300));
    check(300, Some(60), 60, 299, Some(1));
    check(300, Some(60), 60, 300, None);
    check(300, Some(60), 60, 9_999, None);
    // Twice the TTL of the records that were replaced, whatever the Platform's is by now.
    check(300, Some(200), 60, 399, Some(1));
    check(300, Some(200), 60, 400, None);
    check(300, Some(10), 3_600, 300, None);
    // Of which nothing is known: the Platform's.
    check(300, None, 200, 399, Some(1));
    check(300, None, 200, 400, None);
    check(0, Some(0), 60, 0, None);
    // A clock that was set back.
    check(300, Some(60), 60, -50, Some(300));
}

#[test]
fn the_next_wait_to_end_is_the_shortest_of_those_that_have_not() {
    let status = waiting(&[
        ("l-1", -500, Some(60)),
        ("l-2", -100, Some(60)),
        ("l-3", -50, Some(60)),
    ]);
    let Waits { over, next, .. } = waits(Some(&status), Duration::from_mins(5), 60, at(0));
    assert_eq!(
        (over, next),
        (vec!["l-1".to_owned()], Some(Duration::from_secs(200)))
    );
    let nothing = waits(None, Duration::from_mins(5), 60, at(0));
    assert_eq!((nothing.over, nothing.next), (Vec::new(), None));
}

#[test]
fn a_pass_without_an_outcome_keeps_what_was_known_and_changes_the_conditions() {
    let mut app = app(json!({ "web": { "command": "run" } }));
    let record = PlatformRecord {
        name: "staging".into(),
        ..PlatformRecord::default()
    };
    let before = AppStatus {
        observed_generation: 2,
        platform: Some(record.clone()),
        processes_complete: Some("1/1".into()),
        url: Some("http://acme.corp.example".into()),
        ..waiting(&[("l-1", 0, Some(60))])
    };
    app.status = Some(before.clone());
    let verdict = Verdict::Reconciling(Reason::PlatformNotFound, "there is no Platform staging".into());
    let after = compute(&app, app.status.clone(), None, None, &verdict, at(7));
    assert_eq!(
        after,
        AppStatus {
            observed_generation: 3,
            conditions: conditions(&[], 3, &verdict, at(7)),
            ..before
        }
    );
    let other = PlatformRecord {
        name: "other".into(),
        ..PlatformRecord::default()
    };
    assert_eq!(
        compute(&app, app.status.clone(), Some(&other), None, &verdict, at(7)).platform,
        Some(other)
    );
}

#[test]
fn what_one_platform_has_let_in_is_forgotten_at_another() {
    let record = |name: &str| PlatformRecord {
        name: name.into(),
        ..PlatformRecord::default()
    };
    let before = AppStatus {
        platform: Some(record("staging")),
        counted: Some(Counted::default()),
        ..AppStatus::default()
    };
    let counted = |platform: Option<&PlatformRecord>| {
        let verdict = &verdicts()[2];
        compute(
            &app(json!({})),
            Some(before.clone()),
            platform,
            None,
            verdict,
            at(7),
        )
        .counted
    };
    assert_eq!(counted(None), Some(Counted::default()));
    assert_eq!(counted(Some(&record("staging"))), Some(Counted::default()));
    assert_eq!(counted(Some(&record("other"))), None);
}

#[test]
fn an_unchanged_pass_leaves_an_unchanged_status() {
    let mut app = app(json!({ "web": { "command": "run" }, "worker": { "command": "run" } }));
    let desired = wanted(&app);
    let outcome = outcome(&desired, crate::plan::fixtures::settled(&desired));
    let verdict = super::verdict_of(&outcome, false);
    let first = compute(
        &app,
        app.status.clone(),
        None,
        Some((&desired, &outcome)),
        &verdict,
        at(0),
    );
    app.status = Some(first.clone());
    assert_eq!(
        compute(
            &app,
            app.status.clone(),
            None,
            Some((&desired, &outcome)),
            &verdict,
            at(99)
        ),
        first
    );
    assert_eq!(said(&first.conditions), [("Ready", "True", "Available")]);
    assert_eq!(first.processes_complete.as_deref(), Some("2/2"));
}

#[test]
fn the_same_trouble_met_by_another_request_leaves_the_status_as_it_is() {
    let met = |id: u8| {
        let error = AwsError {
            request_id: Some(format!("r-{id}")),
            ..aws_error("AccessDeniedException", Fault::Failed(Class::Denied))
        };
        verdict_of_error(&error.into())
    };
    let first = conditions(&[], 3, &met(1), at(0));
    assert!(
        first
            .iter()
            .all(|condition| condition.message.ends_with("(request id r-1)")),
        "{first:?}"
    );
    assert_eq!(conditions(&first, 3, &met(2), at(9)), first);
}
