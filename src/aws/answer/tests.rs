//! The log line of each call.

use serde_json::{Value, json};

use super::super::replay::{self, Replay, identified, logged};
use super::super::{AwsClients, Ecs, EcsWrites, Elbv2};
use super::{Subject, concerning, writing};
use crate::model::name::Arn;

/// A line without what differs from run to run.
fn steady(mut line: Value) -> Value {
    let fields = line.as_object_mut().unwrap();
    assert!(fields.remove("timestamp").is_some());
    assert!(fields.remove("milliseconds").unwrap().is_u64());
    fields.remove("target");
    line
}

/// Returns the log lines of deleting a process's service, and a target group beside it.
async fn of_deletion(aws: &AwsClients) -> Vec<Value> {
    let subject = Subject {
        app: Some("shop/acme".into()),
        ..Subject::default()
    };
    let deletion = aws.delete_service("default", "shop_acme_web");
    let writing = writing(Some("web"), "shop_acme_web".into(), deletion);
    let (lines, _) = logged(concerning(subject, writing)).await;
    lines.into_iter().map(steady).collect()
}

#[tokio::test]
async fn each_write_is_one_line_that_says_whose_and_of_what_and_how_it_ended() {
    let deleted = replay::json(&json!({"service": {"serviceName": "shop_acme_web"}}));
    let aws = Replay::new([identified(deleted, "r-1")]);
    let expected = json!({
        "level": "INFO", "message": "AWS write", "app": "shop/acme", "process": "web", "resource": "shop_acme_web",
        "operation": "ecs:DeleteService", "request_id": "r-1", "result": "ok",
    });
    assert_eq!(of_deletion(&aws.clients).await, [expected]);
}

#[tokio::test]
async fn each_refusal_of_a_write_is_one_line_with_the_words_of_aws() {
    for (status, code, level, message) in [
        (
            400,
            "AccessDeniedException",
            "WARN",
            "AWS call denied: the operator must act",
        ),
        (400, "InvalidParameterException", "WARN", "AWS call refused"),
        (400, "ThrottlingException", "WARN", "AWS call failed for now"),
        (
            400,
            "SerializationException",
            "ERROR",
            "AWS call failed: a mistake of ours",
        ),
        (400, "ServiceNotFoundException", "INFO", "AWS write: not there"),
    ] {
        let refused = replay::json_error(status, code, "in its words");
        let aws = Replay::new([identified(refused, "r-2")]);
        let expected = json!({
            "level": level, "message": message, "app": "shop/acme", "process": "web", "resource": "shop_acme_web",
            "operation": "ecs:DeleteService", "request_id": "r-2", "result": code, "error": "in its words",
        });
        assert_eq!(of_deletion(&aws.clients).await, [expected]);
    }
}

#[tokio::test]
async fn a_read_is_a_line_only_if_it_fails() {
    let listed = replay::json(&json!({"serviceArns": []}));
    let denied = replay::xml_error(403, "AccessDenied", "not you");
    let gone = replay::xml_error(400, "LoadBalancerNotFound", "no such");
    let aws = Replay::new([listed, gone, identified(denied, "r-3")]);
    let arn = Arn("arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/e/1".into());
    let reads = async {
        aws.clients.list_services("default").await.unwrap();
        assert_eq!(aws.clients.describe_listeners(&arn).await.unwrap(), None);
        aws.clients.describe_target_groups().await.unwrap_err()
    };
    let (lines, error) = logged(reads).await;
    assert_eq!(error.request_id.as_deref(), Some("r-3"));
    let expected = json!({
        "level": "WARN", "message": "AWS call denied: the operator must act",
        "operation": "elasticloadbalancing:DescribeTargetGroups", "request_id": "r-3", "result": "AccessDenied",
        "error": "not you",
    });
    let lines: Vec<Value> = lines.into_iter().map(steady).collect();
    assert_eq!(lines, [expected]);
}
