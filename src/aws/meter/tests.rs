//! The counts of attempts: each of them once, by what came of it.

use crate::aws::replay::{self, Replay};
use crate::aws::{Ecs, EcsWrites, Elbv2};

#[tokio::test]
async fn each_attempt_is_counted_and_those_that_aws_throttled_as_such() {
    let throttled = || {
        replay::reply(
            400,
            "{\"__type\":\"ThrottlingException\",\"message\":\"Rate exceeded\"}",
        )
    };
    let aws = Replay::retrying([
        throttled(),
        throttled(),
        replay::reply(200, "{\"serviceArns\":[]}"),
    ]);
    aws.clients.list_services("staging").await.unwrap();
    assert_eq!(
        aws.measured(),
        [
            "empire_aws_request_duration_seconds_count{service=\"ecs\",kind=\"read\"} 3",
            "empire_aws_requests_total{service=\"ecs\",operation=\"ListServices\",result=\"ok\"} 1",
            "empire_aws_requests_total{service=\"ecs\",operation=\"ListServices\",result=\"throttled\"} 2",
        ]
        .map(ToOwned::to_owned)
    );
}

async fn result_of_delete(status: u16, body: &'static str) -> String {
    let aws = Replay::new([replay::reply(status, body)]);
    // A service that is not there is deleted.
    let _ = aws.clients.delete_service("staging", "shop_acme_web").await;
    result(&aws)
}

fn result(aws: &Replay) -> String {
    let measured = aws.measured();
    let requests: Vec<_> = measured.iter().filter(|line| line.contains("requests")).collect();
    assert_eq!(requests.len(), 1, "{measured:?}");
    requests[0].split('"').nth(5).unwrap().to_owned()
}

#[tokio::test]
async fn an_attempt_is_judged_by_the_code_and_the_message_of_its_reply() {
    let check = async |body: &'static str, expected: &str| {
        assert_eq!(result_of_delete(400, body).await, expected, "{body}");
    };
    check(
        "{\"__type\":\"AccessDeniedException\",\"Message\":\"no\"}",
        "denied",
    )
    .await;
    check(
        "{\"__type\":\"com.amazonaws.ecs#ServiceNotFoundException\"}",
        "absent",
    )
    .await;
    check(
        "{\"__type\":\"ClientException\",\"message\":\"The service is still Draining.\"}",
        "pending",
    )
    .await;
    check("{\"__type\":\"ClientException\",\"message\":\"no\"}", "refused").await;
    assert_eq!(result_of_delete(503, "").await, "transient");
    let xml = "<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>";
    let aws = Replay::new([replay::reply(400, xml)]);
    aws.clients.describe_target_groups().await.unwrap_err();
    assert_eq!(result(&aws), "throttled");
}

#[tokio::test]
async fn an_attempt_that_found_nobody_counts_too() {
    let aws = Replay::new([]);
    aws.clients.list_services("staging").await.unwrap_err();
    assert_eq!(result(&aws), "transient");
}
