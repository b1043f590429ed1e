//! What is added for scaling: of services alone, and of targets that are ours.

use serde_json::json;

use super::{AUTOSCALING, OWNER_ID, OWNER_TAG, Statement, all_allowing, allowing, calls, statements, wanted};

pub(super) const SERVICE: &str = "application-autoscaling:";
const TARGETS: &str = "arn:*:application-autoscaling:*:123456789012:scalable-target/*";

fn on_targets(statement: &Statement) -> bool {
    statement.resources.iter().eq([TARGETS])
}

#[test]
fn what_exists_is_changed_only_with_our_owner_tag() {
    let (policy, calls) = (statements(AUTOSCALING), calls(Some(SERVICE)));
    let key = format!("aws:ResourceTag/{OWNER_TAG}");
    let changes = calls.iter().filter(|(verb, _)| *verb != "read");
    for action in changes.flat_map(|(_, actions)| actions) {
        let mut owned = all_allowing(&policy, action).filter(|statement| {
            on_targets(statement) && *wanted(statement, "StringEquals", &key) == OWNER_ID
        });
        assert!(owned.next().is_some(), "{action}");
        let others = all_allowing(&policy, action)
            .filter(|statement| *wanted(statement, "StringEquals", &key) != OWNER_ID);
        let others: Vec<&str> = others.map(|statement| statement.sid.as_str()).collect();
        let expected: &[&str] = match action.trim_start_matches(SERVICE) {
            "RegisterScalableTarget" => &["RegisterServicesWithOurTag"],
            "TagResource" => &["TagWhatIsRegistered"],
            _ => &[],
        };
        assert_eq!(others, expected, "{action}");
    }
}

/// AWS has no condition on the call that tags what it makes, so what has no owner can be tagged with ours; what has another
/// one cannot.
#[test]
fn what_is_registered_is_a_service_and_has_our_owner_tag_from_the_start() {
    let policy = statements(AUTOSCALING);
    let key = format!("aws:RequestTag/{OWNER_TAG}");
    let registering = allowing(&policy, "application-autoscaling:RegisterScalableTarget", &key);
    assert!(on_targets(registering));
    assert_eq!(
        registering.condition,
        json!({"StringEquals": {
            "application-autoscaling:scalable-dimension": "ecs:service:DesiredCount",
            "application-autoscaling:service-namespace": "ecs",
            &key: OWNER_ID,
        }})
    );
    let tagging = allowing(&policy, "application-autoscaling:TagResource", &key);
    assert!(on_targets(tagging));
    let owned = format!("aws:ResourceTag/{OWNER_TAG}");
    assert_eq!(
        tagging.condition,
        json!({"StringEquals": {key: OWNER_ID}, "StringEqualsIfExists": {owned: OWNER_ID}})
    );
}

#[test]
fn alarms_are_those_of_services_and_the_linked_role_is_theirs() {
    let policy = statements(AUTOSCALING);
    for action in ["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm"] {
        for statement in all_allowing(&policy, action) {
            let alarms = "arn:*:cloudwatch:*:123456789012:alarm:TargetTracking-service/*";
            assert!(statement.resources.iter().eq([alarms]), "{action}");
        }
    }
    for statement in all_allowing(&policy, "iam:CreateServiceLinkedRole") {
        let role =
            json!({"StringEquals": {"iam:AWSServiceName": "ecs.application-autoscaling.amazonaws.com"}});
        assert_eq!(statement.condition, role);
    }
}
