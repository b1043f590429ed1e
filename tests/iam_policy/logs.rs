//! What is added for the log groups of Apps: those of our names, and of them those that are ours.

use serde_json::json;

use super::{LOGS, OWNER_ID, OWNER_TAG, Statement, all_allowing, allowing, calls, statements, wanted};

pub(super) const SERVICE: &str = "logs:";
const GROUPS: &str = "arn:*:logs:*:123456789012:log-group:/empire/*";

fn on_groups(statement: &Statement) -> bool {
    statement.resources.iter().eq([GROUPS])
}

#[test]
fn what_exists_is_changed_only_with_our_owner_tag() {
    let (policy, calls) = (statements(LOGS), calls(Some(SERVICE)));
    let key = format!("aws:ResourceTag/{OWNER_TAG}");
    let changes = calls.iter().filter(|(verb, _)| *verb != "read");
    for action in changes.flat_map(|(_, actions)| actions) {
        let mut all = all_allowing(&policy, action);
        assert!(all.all(on_groups), "{action}");
        let owned = all_allowing(&policy, action)
            .filter(|statement| *wanted(statement, "StringEquals", &key) == OWNER_ID);
        let is_made = action == "logs:CreateLogGroup";
        assert_eq!(owned.count(), usize::from(!is_made), "{action}");
    }
}

/// A group is tagged by the call that makes it, and what has no owner by adoption; what has another one never is.
#[test]
fn what_is_made_has_our_owner_tag_from_the_start() {
    let policy = statements(LOGS);
    let key = format!("aws:RequestTag/{OWNER_TAG}");
    let making = allowing(&policy, "logs:CreateLogGroup", &key);
    assert_eq!(making.condition, json!({"StringEquals": {&key: OWNER_ID}}));
    let tagging = allowing(&policy, "logs:TagResource", &key);
    let owned = format!("aws:ResourceTag/{OWNER_TAG}");
    assert_eq!(
        tagging.condition,
        json!({"StringEquals": {key: OWNER_ID}, "StringEqualsIfExists": {owned: OWNER_ID}})
    );
}

/// Logs are people's to read, with their own credentials.
#[test]
fn nothing_that_is_logged_is_read() {
    for file in super::FILES {
        for statement in statements(file) {
            let mut actions = statement.actions.iter();
            let reads = |action: &String| {
                ["logs:Get", "logs:Filter", "logs:Start"]
                    .iter()
                    .any(|a| action.starts_with(a))
            };
            assert!(!actions.any(reads), "{file}: {}", statement.sid);
        }
    }
}
