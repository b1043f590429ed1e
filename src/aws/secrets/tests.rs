//! Requests, and replies in the shape of Secrets Manager and of SSM.

use serde_json::{Value, json};

use super::*;
use crate::aws::replay::{self, Replay};
use crate::model::class::Class;

const ARN: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop/db-AbCdEf";

/// The operation and the body of each request.
fn requests(aws: &Replay) -> Vec<(String, Value)> {
    let sent = aws.sent().into_iter();
    sent.map(|sent| (sent.target.clone(), sent.json())).collect()
}

fn secret(more: &Value) -> Value {
    let mut secret = json!({
        "ARN": ARN,
        "Name": "shop/db",
        "VersionIdsToStages": { "v-1": ["AWSPREVIOUS"], "v-2": ["AWSCURRENT", "mine"], "v-3": ["AWSPENDING"] },
    });
    let fields = secret.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    secret
}

#[tokio::test]
async fn a_secret_is_described_by_its_name_and_its_current_version_told() {
    let aws = Replay::new([replay::json(&secret(&json!({})))]);
    let found = aws.clients.describe_secret("shop/db").await.unwrap().unwrap();
    let expected = SecretState {
        arn: ARN.into(),
        current: Some("v-2".into()),
        is_deleted: false,
    };
    assert_eq!(found, expected);
    let sent = ("DescribeSecret".into(), json!({ "SecretId": "shop/db" }));
    assert_eq!(requests(&aws), [sent]);
}

#[tokio::test]
async fn one_that_is_scheduled_for_deletion_says_so_and_one_without_a_value_has_no_version() {
    let deleted = secret(&json!({ "DeletedDate": 1_764_550_000.5, "VersionIdsToStages": null }));
    let aws = Replay::new([replay::json(&deleted)]);
    let found = aws.clients.describe_secret("shop/db").await.unwrap().unwrap();
    assert!(found.is_deleted);
    assert_eq!(found.current, None);
}

#[tokio::test]
async fn one_that_is_not_there_is_no_error_and_a_denial_is_one() {
    let refused = |code: &str| {
        let status = if code.starts_with("Internal") { 500 } else { 400 };
        replay::json_error(status, code, "said")
    };
    let aws = Replay::new([refused("ResourceNotFoundException")]);
    assert_eq!(aws.clients.describe_secret("shop/db").await.unwrap(), None);
    for (code, class) in [
        ("AccessDeniedException", Class::Denied),
        ("ThrottlingException", Class::Throttled),
        ("InternalServiceError", Class::Transient),
    ] {
        let aws = Replay::new([refused(code)]);
        let error = aws.clients.describe_secret("shop/db").await.unwrap_err();
        assert_eq!(error.class(), class, "{code}");
    }
}

#[tokio::test]
async fn parameters_are_described_together_and_all_of_their_pages_are_read() {
    let page = |name: &str, version: u64, next: Value| {
        replay::json(&json!({
            "Parameters": [{ "Name": name, "Version": version, "LastModifiedDate": 1_764_550_000.0 }],
            "NextToken": next,
        }))
    };
    let aws = Replay::new([page("/shop/db", 3, json!("more")), page("token", 1, Value::Null)]);
    let names = ["/shop/db".to_owned(), "token".to_owned(), "/gone".to_owned()];
    let found = aws.clients.parameter_versions(&names).await.unwrap();
    let versions: Vec<(&str, &str)> = found
        .iter()
        .map(|(name, version)| (&**name, &**version))
        .collect();
    assert_eq!(
        versions,
        [("/shop/db", "3 1764550000"), ("token", "1 1764550000")]
    );
    let filter = json!([{ "Key": "Name", "Option": "Equals", "Values": names }]);
    let first = json!({ "ParameterFilters": filter, "MaxResults": 50 });
    let mut second = first.clone();
    second["NextToken"] = json!("more");
    let operation = || String::from("DescribeParameters");
    assert_eq!(requests(&aws), [(operation(), first), (operation(), second)]);
}
