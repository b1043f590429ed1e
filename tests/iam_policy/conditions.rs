//! The conditions that AWS offers, beside those on tags.

use serde_json::{Value, json};

use super::{FILES, Statement, all_allowing, policy, statements, wanted};

/// A condition on all values of a key holds where there is no such key: only `Null` beside it asks for one.
#[test]
fn a_condition_on_all_values_asks_for_some() {
    let mut conditions = 0;
    for Statement { sid, condition, .. } in FILES.into_iter().flat_map(statements) {
        for (operator, keys) in condition.as_object().into_iter().flatten() {
            if !operator.starts_with("ForAllValues:") {
                continue;
            }
            for key in keys.as_object().unwrap().keys() {
                assert_eq!(condition["Null"][key], "false", "{sid}: {key}");
                conditions += 1;
            }
        }
    }
    assert!(conditions >= 10, "{conditions}");
}

/// By the first policy. What is there to be added gets into one, and none out of it.
#[test]
fn nobody_gets_into_a_container_or_out_of_it() {
    for (actions, key) in [
        (
            &["ecs:CreateService", "ecs:UpdateService", "ecs:RunTask"][..],
            "ecs:enable-execute-command",
        ),
        (&["ecs:RegisterTaskDefinition"], "ecs:privileged"),
    ] {
        for action in actions {
            for statement in all_allowing(&policy(), action) {
                assert_eq!(wanted(statement, "StringNotEquals", key), "true", "{action}");
            }
        }
    }
}

/// Each is where an operator puts in what is theirs.
#[test]
fn clusters_schemes_subnets_and_security_groups_can_be_named() {
    let cluster = "arn:*:ecs:*:123456789012:cluster/*";
    for (action, operator, key, value) in [
        ("ecs:ListServices", "ArnLike", "ecs:cluster", json!(cluster)),
        ("ecs:ListTasks", "ArnLike", "ecs:cluster", json!(cluster)),
        ("ecs:RunTask", "ArnLike", "ecs:cluster", json!(cluster)),
        ("ecs:CreateService", "ArnLike", "ecs:cluster", json!(cluster)),
        ("ecs:UpdateService", "ArnLike", "ecs:cluster", json!(cluster)),
        (
            "ecs:RegisterTaskDefinition",
            "ForAllValues:StringEquals",
            "ecs:compute-compatibility",
            json!(["EC2", "EXTERNAL", "FARGATE", "MANAGED_INSTANCES"]),
        ),
        (
            "elasticloadbalancing:CreateLoadBalancer",
            "StringEquals",
            "elasticloadbalancing:Scheme",
            json!(["internal", "internet-facing"]),
        ),
        (
            "elasticloadbalancing:CreateLoadBalancer",
            "ForAllValues:StringLike",
            "elasticloadbalancing:Subnet",
            json!("subnet-*"),
        ),
        (
            "elasticloadbalancing:SetSubnets",
            "ForAllValues:StringLike",
            "elasticloadbalancing:Subnet",
            json!("subnet-*"),
        ),
        (
            "elasticloadbalancing:SetSecurityGroups",
            "ForAllValues:StringLike",
            "elasticloadbalancing:SecurityGroup",
            json!("sg-*"),
        ),
    ] {
        for statement in all_allowing(&policy(), action) {
            assert_eq!(*wanted(statement, operator, key), value, "{action}");
        }
    }
    // Of groups that are not named AWS takes the VPC's own, or none: a statement of its own.
    let policy = policy();
    let creating = all_allowing(&policy, "elasticloadbalancing:CreateLoadBalancer");
    let key = "elasticloadbalancing:SecurityGroup";
    let asked: Vec<[&Value; 2]> = creating
        .map(|statement| ["Null", "ForAllValues:StringLike"].map(|operator| wanted(statement, operator, key)))
        .collect();
    assert_eq!(
        asked,
        [[&json!("false"), &json!("sg-*")], [&json!("true"), &Value::Null]]
    );
}
