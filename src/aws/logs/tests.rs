//! Requests, and replies in CloudWatch Logs' own shape.

use aws_sdk_ecs::config::http::HttpResponse;
use serde_json::{Value, json};

use crate::aws::replay::{self, Replay};
use crate::aws::{Fault, Logs, LogsWrites};
use crate::model::class::Class;
use crate::model::log_group::LogGroupState;
use crate::model::name::Arn;
use crate::model::owner::Tags;

const NAME: &str = "/empire/staging/shop/acme";
const ARN: &str = "arn:aws:logs:us-east-1:123456789012:log-group:/empire/staging/shop/acme";
const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

fn tags() -> Tags {
    Tags::from([("empire.dev/owner".into(), "i-1".into())])
}

/// As AWS describes it.
fn group(name: &str) -> Value {
    let arn = format!("arn:aws:logs:us-east-1:123456789012:log-group:{name}");
    json!({
        "logGroupName": name,
        "creationTime": 1_700_000_000_500_i64,
        "retentionInDays": 30,
        "metricFilterCount": 0,
        "arn": format!("{arn}:*"),
        "storedBytes": 0,
        "kmsKeyId": KEY,
        "logGroupClass": "STANDARD",
        "logGroupArn": arn,
    })
}

fn requests(aws: &Replay) -> Vec<(String, Value)> {
    let sent = aws.sent().into_iter();
    sent.map(|sent| (sent.target.clone(), sent.json())).collect()
}

fn target(operation: &str) -> String {
    operation.into()
}

fn done() -> HttpResponse {
    replay::json(&json!({}))
}

#[tokio::test]
async fn the_group_of_exactly_that_name_is_read_with_its_tags() {
    let aws = Replay::new([
        replay::json(&json!({ "logGroups": [group(NAME), group(&format!("{NAME}2"))], "nextToken": "more" })),
        replay::json(&json!({ "tags": { "empire.dev/owner": "i-1" } })),
    ]);
    let found = aws.clients.log_group(NAME).await.unwrap();
    assert_eq!(
        found,
        Some(LogGroupState {
            name: NAME.into(),
            arn: Some(Arn(ARN.into())),
            retention_days: Some(30),
            kms_key: Some(KEY.into()),
            tags: tags(),
        })
    );
    assert_eq!(
        requests(&aws),
        [
            (target("DescribeLogGroups"), json!({ "logGroupNamePrefix": NAME })),
            (target("ListTagsForResource"), json!({ "resourceArn": ARN })),
        ]
    );
}

#[tokio::test]
async fn a_group_whose_name_only_begins_so_is_another() {
    let other = format!("{NAME}2");
    let aws = Replay::new([replay::json(&json!({ "logGroups": [group(&other)] }))]);
    assert_eq!(aws.clients.log_group(NAME).await.unwrap(), None);
    let aws = Replay::new([done()]);
    assert_eq!(aws.clients.log_group(NAME).await.unwrap(), None);
}

#[tokio::test]
async fn all_names_that_begin_so_are_listed_page_by_page() {
    let other = "/empire/staging/shop/other";
    let aws = Replay::new([
        replay::json(&json!({ "logGroups": [group(NAME)], "nextToken": "more" })),
        replay::json(&json!({ "logGroups": [group(other)] })),
    ]);
    let found = aws.clients.log_group_names("/empire/staging/").await.unwrap();
    assert_eq!(found, [NAME, other]);
    let asked = json!({ "logGroupNamePrefix": "/empire/staging/", "limit": 50 });
    assert_eq!(requests(&aws)[0], (target("DescribeLogGroups"), asked));
}

/// An emulator may tell the older ARN alone.
#[tokio::test]
async fn a_group_is_tagged_by_the_arn_without_an_end() {
    let mut older = group(NAME);
    older.as_object_mut().unwrap().remove("logGroupArn");
    for field in ["retentionInDays", "kmsKeyId"] {
        older.as_object_mut().unwrap().remove(field);
    }
    let tags = json!({ "tags": {} });
    let aws = Replay::new([
        replay::json(&json!({ "logGroups": [older] })),
        replay::json(&tags),
    ]);
    let found = aws.clients.log_group(NAME).await.unwrap().unwrap();
    assert_eq!(found.arn, Some(Arn(ARN.into())));
    assert_eq!((found.retention_days, found.kms_key), (None, None));
}

#[tokio::test]
async fn a_group_that_went_before_its_tags_were_read_is_not_there() {
    let gone = replay::json_error(
        400,
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    );
    let aws = Replay::new([replay::json(&json!({ "logGroups": [group(NAME)] })), gone]);
    assert_eq!(aws.clients.log_group(NAME).await.unwrap(), None);
}

#[tokio::test]
async fn each_write_is_one_call() {
    let aws = Replay::new([done(), done(), done(), done(), done(), done()]);
    let (clients, arn) = (&aws.clients, Arn(ARN.into()));
    clients.create_log_group(NAME, Some(KEY), &tags()).await.unwrap();
    clients.put_retention_policy(NAME, 30).await.unwrap();
    clients.associate_kms_key(NAME, KEY).await.unwrap();
    clients.tag_log_group(&arn, &tags()).await.unwrap();
    clients
        .untag_log_group(&arn, &["empire.dev/owner"])
        .await
        .unwrap();
    clients.delete_log_group(NAME).await.unwrap();
    let tags = json!({ "empire.dev/owner": "i-1" });
    assert_eq!(
        requests(&aws),
        [
            (
                target("CreateLogGroup"),
                json!({ "logGroupName": NAME, "kmsKeyId": KEY, "tags": tags })
            ),
            (
                target("PutRetentionPolicy"),
                json!({ "logGroupName": NAME, "retentionInDays": 30 })
            ),
            (
                target("AssociateKmsKey"),
                json!({ "logGroupName": NAME, "kmsKeyId": KEY })
            ),
            (target("TagResource"), json!({ "resourceArn": ARN, "tags": tags })),
            (
                target("UntagResource"),
                json!({ "resourceArn": ARN, "tagKeys": ["empire.dev/owner"] })
            ),
            (target("DeleteLogGroup"), json!({ "logGroupName": NAME })),
        ]
    );
}

#[tokio::test]
async fn what_is_gone_is_deleted_and_what_is_there_already_is_looked_at_again() {
    let error = |code| replay::json_error(400, code, "as AWS says it");
    let aws = Replay::new([
        error("ResourceNotFoundException"),
        error("ResourceAlreadyExistsException"),
        error("LimitExceededException"),
        error("OperationAbortedException"),
    ]);
    aws.clients.delete_log_group(NAME).await.unwrap();
    let mut faults = Vec::new();
    for _ in 0..3 {
        let created = aws.clients.create_log_group(NAME, None, &tags()).await;
        faults.push(created.unwrap_err().fault);
    }
    assert_eq!(
        faults,
        [
            Fault::Stale,
            Fault::Failed(Class::Denied),
            Fault::Failed(Class::Transient),
        ]
    );
}
