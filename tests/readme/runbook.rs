//! docs/runbook.md has a heading for each reason of a condition or an Event, and for nothing else.

use std::collections::BTreeSet;

use empire_controller::api::condition::Reason;
use empire_controller::api::event::EventReason;
use similar_asserts::assert_eq;

use super::section;

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
