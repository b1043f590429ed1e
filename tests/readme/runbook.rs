//! docs/runbook.md has a heading for each reason of a condition or an Event, and for each alert, and for nothing else.

use std::collections::BTreeSet;

use empire_controller::api::condition::Reason;
use empire_controller::api::event::EventReason;
use serde_json::Value;
use similar_asserts::assert_eq;

use super::{read, section};

const RUNBOOK: &str = "docs/runbook.md";
const PARTS: [&str; 3] = ["- **Means.** ", "- **See.** ", "- **Do.** "];

/// Returns the headings of the third level below one of the second, each of which must have all parts.
fn headings(of: &str) -> BTreeSet<String> {
    let text = section(RUNBOOK, of);
    let mut found = BTreeSet::new();
    for entry in text.split("\n### ").skip(1) {
        let (heading, body) = entry.split_once('\n').unwrap();
        for part in PARTS {
            let line = body.lines().find_map(|line| line.strip_prefix(part));
            assert!(
                line.is_some_and(|line| !line.is_empty()),
                "{heading} lacks {part}"
            );
        }
        assert!(found.insert(heading.to_owned()), "{heading} is there twice");
    }
    found
}

#[test]
fn every_reason_of_a_condition_says_what_it_means_and_what_to_do() {
    let reasons = Reason::ALL.iter().map(|reason| reason.as_str().to_owned());
    assert_eq!(headings("Reasons of conditions"), reasons.collect());
}

#[test]
fn every_reason_of_an_event_says_what_it_means_and_what_to_do() {
    let reasons = EventReason::ALL.iter().map(|reason| reason.as_str().to_owned());
    assert_eq!(headings("Reasons of Events only"), reasons.collect());
}

#[test]
fn every_alert_says_what_it_means_and_what_to_do_and_links_to_it() {
    let rules: Value = serde_saphyr::from_str(&read("deploy/monitoring/alerts.yaml")).unwrap();
    let groups = rules["groups"].as_array().unwrap().iter();
    let mut alerts = BTreeSet::new();
    for rule in groups.flat_map(|group| group["rules"].as_array().unwrap()) {
        let alert = rule["alert"].as_str().unwrap();
        let severity = rule["labels"]["severity"].as_str().unwrap();
        assert!(["critical", "warning"].contains(&severity), "{alert}");
        let means = section(RUNBOOK, "Alerts");
        let means = means.split(&format!("### {alert}\n")).nth(1).unwrap().to_owned();
        let says = format!("- **Means.** ({severity}) ");
        assert!(means.trim_start().starts_with(&says), "{alert} is {severity}");
        // As GitHub makes an anchor of a heading.
        let link = format!("{RUNBOOK}#{}", alert.to_lowercase());
        assert_eq!(rule["annotations"]["runbook_url"], link.as_str());
        for text in ["summary", "description"] {
            assert!(rule["annotations"][text].is_string(), "{alert} has no {text}");
        }
        alerts.insert(alert.to_owned());
    }
    assert_eq!(headings("Alerts"), alerts);
}
