//! What is added for the names of secrets: two calls that describe, and none that tells a value.

use std::collections::BTreeSet;

use super::{BASE, SECRETS, Statement, statements, text};

pub(super) const SERVICE: &str = "secretsmanager:";
pub(super) const PARAMETERS: &str = "ssm:";

/// True for a call that none of the other policies allows.
fn describes_a_secret(action: &str) -> bool {
    action.starts_with(SERVICE) || action.starts_with(PARAMETERS)
}

#[test]
fn secrets_are_described_only_where_that_is_added() {
    let source = text("src/aws/secrets.rs");
    let called: BTreeSet<&str> = source
        .split("Call::read(\"")
        .skip(1)
        .map(|call| call.split_once('"').unwrap().0)
        .collect();
    assert_eq!(
        called,
        ["secretsmanager:DescribeSecret", "ssm:DescribeParameters"].into()
    );
    let [secrets, parameters] = &statements(SECRETS)[..] else {
        panic!("other statements")
    };
    let is = |statement: &Statement, action: &str, resource: &str| {
        assert_eq!(statement.actions, [action.to_owned()].into());
        assert_eq!(statement.resources, [resource.to_owned()].into());
        assert!(statement.condition.is_null());
    };
    let all = "arn:*:secretsmanager:*:123456789012:secret:*";
    is(secrets, "secretsmanager:DescribeSecret", all);
    // AWS ties it to no resource: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html>.
    is(parameters, "ssm:DescribeParameters", "*");
    let allowed = statements(BASE)
        .into_iter()
        .flat_map(|statement| statement.actions);
    assert_eq!(allowed.filter(|action| describes_a_secret(action)).count(), 0);
}
