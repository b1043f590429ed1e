//! The ends of a pass over an App, and the beginning of the next one.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::{End, Interruption, Memory, Outcome, Requeue, Settings, Work, finish, unwritten};
use crate::api::app::App;
use crate::desired::fixtures::{app_with, platform};
use crate::error::Error;
use crate::pass::{Facts, Installation, Step, start};
use crate::reconcile::{Request, Scope};

const JITTER: f64 = 0.5;
const SETTINGS: Settings = Settings {
    retire_after: Duration::from_mins(5),
    resync_interval: Duration::from_mins(10),
};

fn acme() -> App {
    app_with(json!({ "spec": { "platform": "staging" } }))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn begin(memory: &mut Memory, app: &App, now: Timestamp) -> (Box<Work>, Box<Request>) {
    let facts = Facts {
        platforms: &[platform(json!({}))],
        installation: &Installation::Known {
            id: "installation-1".into(),
            replaces: Some("installation-0".into()),
        },
        namespace: Some([].into()),
        namespace_is_live: true,
        siblings: Vec::new(),
        secrets: None,
        stopped: None,
        settings: SETTINGS,
        details_interval: Duration::from_hours(1),
    };
    let step = start(memory, app, &facts, now);
    let Step::Reconcile(work, request) = step else {
        panic!("{step:?}");
    };
    (work, request)
}

/// One pass, which ends so.
fn pass(memory: &mut Memory, app: &App, second: i64, outcome: Outcome) -> Requeue {
    let (work, _) = begin(memory, app, at(second));
    let end = End::Reconciled(work, Box::new(outcome));
    finish(memory, app, end, SETTINGS, at(second), JITTER).requeue
}

fn yielded() -> Outcome {
    Outcome {
        interrupted: Some(Interruption::Yielded),
        ..Outcome::default()
    }
}

/// An annotation might be anybody's, and the status wins over it.
#[test]
fn a_new_owner_id_is_in_the_status_before_anything_is_made_under_it() {
    for (before, is_ahead) in [
        (Some("installation-0"), true),
        (Some("installation-1"), false),
        (None, false),
    ] {
        let app = app_with(json!({
            "spec": { "platform": "staging" },
            "status": { "observedGeneration": 3, "platform": {
                "name": "staging", "region": "eu-west-9", "cluster": "cluster-3", "vpcId": "vpc-7", "ownerId": before,
            } },
        }));
        let (work, _) = begin(&mut Memory::default(), &app, at(1_000));
        let ahead = work
            .ahead
            .map(|status| status.platform.unwrap().owner_id.unwrap());
        assert_eq!(
            ahead.as_deref(),
            is_ahead.then_some("installation-1"),
            "{before:?}"
        );
    }
}

#[test]
fn a_pass_that_yielded_goes_on_within_30_s_and_reads_everything_after_that() {
    let app = acme();
    for (seconds, goes_on) in [(0, true), (30, true), (31, false), (3_600, false)] {
        let mut memory = Memory::default();
        assert_eq!(pass(&mut memory, &app, 1_000, yielded()), Requeue::Yielded);
        let (_, request) = begin(&mut memory, &app, at(1_000 + seconds));
        let found = matches!(request.scope, Scope::Interrupted(_));
        assert_eq!(found, goes_on, "after {seconds} s: {:?}", request.scope);
    }
}

/// Its view is of another manifest, or of another time.
#[test]
fn a_pass_that_yielded_does_not_go_on_after_an_edit_nor_after_one_that_ended_in_between() {
    let app = acme();
    let mut memory = Memory::default();
    pass(&mut memory, &app, 1_000, yielded());
    let mut edited = app.clone();
    edited.metadata.generation = Some(4);
    let (_, request) = begin(&mut memory.clone(), &edited, at(1_001));
    assert!(matches!(request.scope, Scope::Everything), "{:?}", request.scope);
    // It began, and was never finished.
    let (_, request) = begin(&mut memory, &app, at(1_001));
    assert!(
        matches!(request.scope, Scope::Interrupted(_)),
        "{:?}",
        request.scope
    );
    let (_, request) = begin(&mut memory, &app, at(1_002));
    assert!(matches!(request.scope, Scope::Everything), "{:?}", request.scope);
}

/// A mistake of ours: the App says so, and comes again in 5 minutes.
#[test]
fn a_panic_is_an_end_like_any_other() {
    let app = acme();
    let mut memory = Memory::default();
    for failures in 1..4 {
        let (work, _) = begin(&mut memory, &app, at(1_000));
        drop(work);
        let panic = Error::Bug("a pass panicked: ours".into());
        let end = End::Failure(None, panic);
        let finished = finish(&mut memory, &app, end, SETTINGS, at(1_000), JITTER);
        assert_eq!(
            finished.requeue,
            Requeue::After(Duration::from_mins(5)),
            "{failures}"
        );
        let status = finished.status.unwrap();
        let conditions = status.conditions.iter();
        let lines: Vec<String> = conditions
            .map(|c| format!("{} {} {}: {}", c.type_, c.status, c.reason, c.message))
            .collect();
        assert_eq!(
            lines,
            [
                "Ready False InternalError: a pass panicked: ours",
                "Stalled True InternalError: a pass panicked: ours"
            ]
        );
    }
    let (_, request) = begin(&mut memory, &app, at(1_300));
    assert!(matches!(request.scope, Scope::Everything), "{:?}", request.scope);
}

/// Each such pass reads all of AWS.
#[test]
fn a_pass_comes_back_later_each_time_its_status_cannot_be_written() {
    let app = acme();
    let refused = Error::Kubernetes {
        action: "patch the status",
        message: "not now".into(),
    };
    let halves = [1, 2, 4, 8].map(|seconds| Requeue::After(Duration::from_secs(seconds).mul_f64(JITTER)));
    let mut memory = Memory::default();
    let found = [(); 4].map(|()| {
        pass(&mut memory, &app, 1_000, Outcome::default());
        unwritten(&mut memory, None, &refused, JITTER)
    });
    assert_eq!(found, halves);
    // One that failed, and could not say so, is one failure.
    let mut memory = Memory::default();
    let found = [(); 4].map(|()| {
        let end = End::Failure(None, refused.clone());
        finish(&mut memory, &app, end, SETTINGS, at(1_000), JITTER);
        unwritten(&mut memory, None, &refused, JITTER)
    });
    assert_eq!(found, halves);
    // Written, this one was none.
    pass(&mut memory, &app, 1_000, Outcome::default());
    pass(&mut memory, &app, 1_000, Outcome::default());
    assert_eq!(unwritten(&mut memory, None, &refused, JITTER), halves[0]);
}

/// Else each of its retries would read the namespace.
#[test]
fn an_app_that_waits_for_room_asks_for_its_namespace_once_an_edit() {
    let grant =
        json!({ "namespaceSelector": {}, "images": ["*"], "hostnames": ["*"], "limits": { "tasks": 0 } });
    let platforms = [platform(
        json!({ "tenancy": { "namespaceSelector": {}, "grants": [grant] } }),
    )];
    let mut facts = Facts {
        platforms: &platforms,
        installation: &Installation::Known {
            id: "installation-1".into(),
            replaces: None,
        },
        namespace: Some([].into()),
        namespace_is_live: false,
        siblings: Vec::new(),
        secrets: None,
        stopped: None,
        settings: SETTINGS,
        details_interval: Duration::from_hours(1),
    };
    let process = json!({ "worker": { "command": "run" } });
    let mut app = app_with(json!({ "spec": { "platform": "staging", "processes": process } }));
    let mut memory = Memory::default();
    for generation in [3, 4] {
        app.metadata.generation = Some(generation);
        facts.namespace_is_live = false;
        let step = start(&mut memory, &app, &facts, at(1_000));
        assert!(matches!(step, Step::ReadNamespace), "{step:?}");
        facts.namespace_is_live = true;
        for _ in 0..2 {
            let step = start(&mut memory, &app, &facts, at(1_000));
            let Step::Conclude(end @ End::Failure(None, Error::OverLimit(_))) = step else {
                panic!("{step:?}");
            };
            let finished = finish(&mut memory, &app, end, SETTINGS, at(1_000), JITTER);
            app.status = finished.status.or(app.status);
            facts.namespace_is_live = false;
        }
    }
}
