//! Screens and explanations as people see them, in `tests/golden`.

mod scenes;

use std::fmt::Write as _;
use std::path::Path;

use anstream::adapter::strip_str;
use serde_json::json;

use super::*;
use scenes::{
    condition, denied, event, failed, now, nowhere, outdated, platform, ready, rolling, uneasy, unseen,
};

#[track_caller]
fn reads(text: &str, golden: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(golden);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    similar_asserts::assert_eq!(text, expected, "{golden}: UPDATE_EXPECT=1 rewrites it");
}

fn told(scenes: &[(&str, String)]) -> String {
    let mut text = String::new();
    for (title, scene) in scenes {
        writeln!(text, "== {title}\n{}", strip_str(scene)).unwrap();
    }
    text
}

#[test]
fn the_status_is_one_screen() {
    let screen = |facts: &Facts, width| status(facts).text(now(), width);
    let scenes = [
        ("a rollout under way, not on a terminal", screen(&rolling(), None)),
        ("the same, 80 columns wide", screen(&rolling(), Some(80))),
        (
            "a rollout that failed, 120 columns wide",
            screen(&failed(), Some(120)),
        ),
        (
            "suspended, and the Platform is denied a call",
            screen(&denied(), Some(120)),
        ),
        (
            "never seen, by somebody who may see little",
            screen(&unseen(), Some(80)),
        ),
        ("Ready at the generation before", screen(&outdated(), Some(80))),
        ("Ready, and yet calls fail", screen(&uneasy(), Some(80))),
        ("on a Platform that is not there", screen(&nowhere(), Some(80))),
    ];
    reads(&told(&scenes), "status-screens.txt");
    for (title, scene) in &scenes {
        let bare = strip_str(scene).to_string();
        let narrow = title.contains("80 columns") && bare.lines().any(|line| line.chars().count() > 80);
        assert!(!narrow, "{title} is too wide");
        assert!(scene.contains("\u{1b}["), "{title} has no colours");
    }
}

#[test]
fn the_status_as_json() {
    let json = serde_json::to_string_pretty(&status(&rolling())).unwrap() + "\n";
    reads(&json, "status-json.txt");
}

#[test]
fn an_explanation_begins_with_what_the_rest_follows_from() {
    let text = |facts: &Facts| explain(facts).text(now(), Some(100));
    let scenes = [
        (
            "nothing is wrong",
            text(&ready(&json!([condition("Ready", "True", "Available", "")]))),
        ),
        ("a rollout under way", text(&rolling())),
        ("a rollout that failed", text(&failed())),
        ("the Platform is denied a call", text(&denied())),
        ("no controller has seen it", text(&unseen())),
        ("an edit that no controller has seen", text(&outdated())),
        ("Ready, and yet calls fail", text(&uneasy())),
        ("no Platform", text(&nowhere())),
    ];
    reads(&told(&scenes), "explanations.txt");
    let json = serde_json::to_string_pretty(&explain(&denied())).unwrap() + "\n";
    reads(&json, "explanation-json.txt");
}

#[test]
fn orphans_are_a_table_that_says_how_they_go() {
    let orphan = |kind: &str, name: &str, retained: bool| Orphan {
        platform: "staging".into(),
        kind: kind.into(),
        name: name.into(),
        app: "shop/gone".into(),
        process: "web".into(),
        retained,
    };
    let mut found = Orphans {
        owner: "2b1e".into(),
        ..Orphans::default()
    };
    let none = found.text(Some(100));
    found.orphans = vec![
        orphan("PortAllocation", "staging-9001", true),
        orphan("service", "shop_gone_web", false),
        orphan("target group", "e-gone-web-1", true),
    ];
    found.unread =
        vec!["records of zone Z1 of Platform staging: route53:ListResourceRecordSets: AccessDenied".into()];
    let scenes = [
        ("none", none),
        ("some, and a zone that cannot be read", found.text(Some(100))),
    ];
    reads(&told(&scenes), "orphans.txt");
    let json = serde_json::to_string_pretty(&found).unwrap() + "\n";
    reads(&json, "orphans-json.txt");
}

#[test]
fn a_cause_is_told_once_and_the_platforms_comes_first() {
    let subjects = |facts: &Facts| -> Vec<String> {
        let causes = explain(facts).causes;
        causes.into_iter().map(|cause| cause.subject).collect()
    };
    assert_eq!(subjects(&failed()), ["App", "process old"]);
    // Nothing gets better while it is suspended, and nothing that the Platform keeps from it.
    assert_eq!(subjects(&denied())[..3], ["App", "Platform staging", "App"]);
    assert_eq!(subjects(&unseen())[0], "controller");
    assert!(subjects(&ready(&json!([condition("Ready", "True", "Available", "")]))).is_empty());
}

#[test]
fn what_is_past_is_no_cause() {
    let mut facts = ready(&json!([condition("Ready", "True", "Available", "")]));
    let shell = event(
        "11:50",
        "Warning",
        "ShellSyntax",
        "process worker: no shell runs &&",
    );
    facts.events = Some(vec![event("11:40", "Warning", "AccessDenied", "denied"), shell]);
    let reasons = |facts: &Facts| -> Vec<_> {
        let causes = explain(facts).causes.into_iter();
        causes.filter_map(|cause| cause.reason).collect()
    };
    assert_eq!(reasons(&facts), ["ShellSyntax"]);
    let edit = json!([{
        "manager": "kubectl", "operation": "Apply", "time": "2026-11-29T11:55:00Z", "fieldsV1": { "f:spec": {} },
    }]);
    facts.app.metadata.managed_fields = serde_json::from_value(edit).unwrap();
    assert_eq!(reasons(&facts), [""; 0]);
}

#[test]
fn nothing_is_told_twice() {
    let pending = "suspended with 1 change pending: update service shop_acme_worker";
    let mut facts = ready(&json!([condition("Ready", "False", "Suspended", pending)]));
    facts.app.spec.suspend = Some(true);
    let causes = explain(&facts).causes;
    assert_eq!(causes.len(), 1, "{causes:#?}");
    let act = causes[0].act.as_deref().unwrap();
    assert!(act.contains("kubectl empire resume acme -n shop"), "{act}");

    let denied = |message: &str| condition("Ready", "False", "AccessDenied", message);
    let mut facts = ready(&json!([denied("Platform staging: no credentials")]));
    facts.platform = platform(&json!([denied("no credentials")]));
    let causes = explain(&facts).causes;
    assert_eq!(causes.len(), 1, "{causes:#?}");
    assert_eq!(causes[0].subject, "Platform staging");
}

#[test]
fn a_suspended_app_that_is_ready_says_so() {
    let mut facts = ready(&json!([condition("Ready", "True", "Available", "")]));
    facts.app.spec.suspend = Some(true);
    let text = strip_str(&explain(&facts).text(now(), None)).to_string();
    assert!(
        text.contains("and yet:") && text.contains("spec.suspend is true"),
        "{text}"
    );
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for facts in [
        rolling(),
        failed(),
        denied(),
        unseen(),
        outdated(),
        nowhere(),
        uneasy(),
    ] {
        for width in [40, 60, 79, 120] {
            let status = status(&facts).text(now(), Some(width));
            let explanation = explain(&facts).text(now(), Some(width));
            for line in strip_str(&format!("{status}{explanation}")).to_string().lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }
}
