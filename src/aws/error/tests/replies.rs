//! From what came over the wire, or did not, to the error.

use std::net::{Ipv4Addr, TcpListener};

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_credential_types::credential_fn::provide_credentials_fn;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ecs::config::http::HttpResponse;
use aws_smithy_http_client::test_util::{NeverClient, NeverTcpConnector, StaticReplayClient};

use super::{BUG, DENIED, REFUSED, THROTTLED, TRANSIENT};
use crate::aws::clients::{self, AwsClients, Zones};
use crate::aws::replay::{self, Replay};
use crate::aws::{AwsError, Ecs, EcsWrites, Elbv2, Elbv2Writes, Route53};
use crate::metrics::Metrics;
use crate::model::container::Container;
use crate::model::name::Arn;
use crate::model::owner::Tags;
use crate::model::service::{LaunchType, NetworkMode, TaskDefinition};
use crate::model::small_map::SmallMap;

async fn ecs(reply: HttpResponse) -> AwsError {
    let aws = Replay::new([reply]);
    aws.clients.list_services("staging").await.unwrap_err()
}

async fn elbv2(reply: HttpResponse) -> AwsError {
    let aws = Replay::new([reply]);
    aws.clients.describe_target_groups().await.unwrap_err()
}

async fn route53(reply: HttpResponse) -> AwsError {
    let aws = Replay::new([reply]);
    aws.clients.list_records("Z123").await.unwrap_err()
}

#[tokio::test]
async fn the_words_of_every_service_are_read() {
    let error = ecs(replay::json_error(
        400,
        "ClusterNotFoundException",
        "Cluster not found.",
    ))
    .await;
    assert_eq!(
        error,
        AwsError {
            action: "ecs:ListServices",
            code: "ClusterNotFoundException".into(),
            message: "Cluster not found.".into(),
            fault: DENIED,
            request_id: None,
        }
    );
    let error = elbv2(replay::xml_error(403, "AccessDenied", "User is not authorized")).await;
    assert_eq!(
        error.to_string(),
        "elasticloadbalancing:DescribeTargetGroups: AccessDenied: User is not authorized"
    );
    let error = route53(replay::xml_error(400, "Throttling", "Rate exceeded")).await;
    assert_eq!(
        error.to_string(),
        "route53:ListResourceRecordSets: Throttling: Rate exceeded"
    );
    assert_eq!(error.fault, THROTTLED);
}

#[tokio::test]
async fn ecs_names_its_code_in_several_ways() {
    let qualified = "com.amazonaws.ecs.v20141113#ClusterNotFoundException";
    assert_eq!(
        ecs(replay::json_error(400, qualified, "x")).await.code,
        "ClusterNotFoundException"
    );
    let body = r#"{"__type":"AccessDeniedException","Message":"capital words"}"#;
    let error = ecs(replay::reply(400, body)).await;
    assert_eq!((error.message.as_str(), error.fault), ("capital words", DENIED));
    let mut reply = replay::reply(400, "{}");
    reply.headers_mut().insert(
        "x-amzn-errortype",
        "ServerException:http://internal.amazon.com/coral/",
    );
    assert_eq!(ecs(reply).await.fault, TRANSIENT);
}

#[tokio::test]
async fn without_a_code_the_status_decides() {
    for (status, expected) in [
        (400, REFUSED),
        (403, REFUSED),
        (429, THROTTLED),
        (500, TRANSIENT),
        (501, BUG),
        (503, TRANSIENT),
    ] {
        for body in ["", "{}", "not json", "<xml", "<ErrorResponse/>"] {
            let faults = [
                ecs(replay::reply(status, body)).await,
                elbv2(replay::reply(status, body)).await,
                route53(replay::reply(status, body)).await,
            ];
            for error in faults {
                assert_eq!(error.fault, expected, "{error} {body}");
                assert_eq!(error.code, format!("Status{status}"));
            }
        }
    }
}

/// Below 500 somebody else has answered, such as a captive portal, and that does not pass. From 500 on the service is out
/// of order for a moment, whichever of its parts says so.
#[tokio::test]
async fn an_html_page_is_not_the_service() {
    let pages = [
        "<!doctype html>\n<html lang=en><title>500 Internal Server Error</title>",
        "\n  <HTML><body>Sign in</body></HTML>",
    ];
    for page in pages {
        for (status, expected) in [
            (200, BUG),
            (403, BUG),
            (404, BUG),
            (500, TRANSIENT),
            (501, BUG),
            (502, TRANSIENT),
            (503, TRANSIENT),
            (504, TRANSIENT),
        ] {
            let faults = [
                ecs(replay::reply(status, page)).await,
                elbv2(replay::reply(status, page)).await,
                route53(replay::reply(status, page)).await,
            ];
            for error in faults {
                assert_eq!(error.fault, expected, "{status} {error}");
                assert_eq!(error.message, "an HTML page instead of a reply");
            }
        }
    }
}

#[tokio::test]
async fn an_action_that_is_not_known_is_a_bug() {
    let error = ecs(replay::json_error(400, "UnknownOperationException", "")).await;
    assert_eq!(error.fault, BUG);
    let error = elbv2(replay::xml_error(
        400,
        "InvalidAction",
        "Could not find operation",
    ))
    .await;
    assert_eq!(error.fault, BUG);
}

#[tokio::test]
async fn a_reply_that_broke_off_passes() {
    assert_eq!(
        ecs(replay::reply(200, "{\"serviceArns\": [\"arn")).await.fault,
        TRANSIENT
    );
    assert_eq!(
        elbv2(replay::reply(200, "<DescribeTargetGroupsResponse><Desc"))
            .await
            .fault,
        TRANSIENT
    );
}

async fn list_services(config: SdkConfig) -> AwsError {
    let clients = AwsClients::new(&config, &Zones::default(), &Metrics::default());
    clients.list_services("staging").await.unwrap_err()
}

/// Real clients' connections, to an address of this machine.
fn towards(address: std::net::SocketAddr) -> SdkConfig {
    let mut builder = replay::config(NeverClient::new()).into_builder();
    builder.set_http_client(None);
    builder
        .endpoint_url(format!("http://{address}"))
        .retry_config(clients::retries())
        .build()
}

#[tokio::test]
async fn a_refused_connection_passes() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = list_services(towards(address)).await;
    assert_eq!(
        (error.code.as_str(), error.fault),
        ("ConnectionFailure", TRANSIENT)
    );
    assert!(
        error.message.to_lowercase().contains("connection refused"),
        "{error}"
    );
}

#[tokio::test]
async fn a_connection_that_is_closed_without_a_reply_passes() {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    let closing = tokio::spawn(async move {
        loop {
            drop(listener.accept().await.unwrap());
        }
    });
    let error = list_services(towards(address)).await;
    closing.abort();
    assert_eq!(
        (error.code.as_str(), error.fault),
        ("ConnectionFailure", TRANSIENT)
    );
}

/// Waits are over at once in these tests, so the timeouts of real clients strike where nothing answers.
#[tokio::test]
async fn a_peer_that_never_answers_runs_into_the_timeouts() {
    let never = NeverClient::new();
    let config = replay::config(never.clone()).into_builder();
    let error = list_services(config.timeout_config(clients::timeouts()).build()).await;
    assert_eq!((error.code.as_str(), error.fault), ("Timeout", TRANSIENT));
    let timeouts = clients::timeouts();
    assert!(timeouts.connect_timeout() < timeouts.operation_attempt_timeout());
    assert!(timeouts.operation_attempt_timeout() < timeouts.operation_timeout());
    assert!(timeouts.connect_timeout().is_some());
}

#[tokio::test]
async fn a_connection_that_never_comes_about_runs_into_its_own_timeout() {
    let connect = clients::timeouts().connect_timeout().unwrap();
    let timeouts = TimeoutConfig::builder().connect_timeout(connect).build();
    let config = replay::config(NeverTcpConnector::new().into_client()).into_builder();
    let error = list_services(config.timeout_config(timeouts).build()).await;
    assert_eq!(
        (error.code.as_str(), error.fault),
        ("Timeout", TRANSIENT),
        "{error}"
    );
}

#[tokio::test]
async fn without_credentials_the_operator_must_act() {
    let nothing = || async {
        Err(CredentialsError::not_loaded(
            "no provider in the chain:\n  Profile: none",
        ))
    };
    let refused = || async { Err(CredentialsError::provider_error("the token was refused")) };
    let none = SharedCredentialsProvider::new(provide_credentials_fn(nothing));
    let broken = SharedCredentialsProvider::new(provide_credentials_fn(refused));
    for provider in [none, broken] {
        let http = StaticReplayClient::new(Vec::new());
        let config = replay::config(http.clone()).into_builder();
        let error = list_services(config.credentials_provider(provider).build()).await;
        assert_eq!(
            (error.code.as_str(), error.fault),
            ("NoCredentials", DENIED),
            "{error}"
        );
        assert!(
            error.message.starts_with("none in the environment, a profile") && !error.message.contains('\n'),
            "{error}"
        );
        assert_eq!(http.actual_requests().count(), 0);
    }
}

#[tokio::test]
async fn a_call_is_tried_three_times() {
    let failures = [
        (500, "ServerException"),
        (503, "SomethingNew"),
        (400, "ThrottlingException"),
    ];
    for (status, code) in failures {
        let aws = Replay::retrying((0..4).map(|_| replay::json_error(status, code, "")));
        aws.clients.list_services("staging").await.unwrap_err();
        assert_eq!(aws.sent().len(), 3, "{code}");
    }
    let aws = Replay::retrying((0..4).map(|_| replay::xml_error(503, "ServiceUnavailable", "")));
    let subnets = ["subnet-a".to_owned()];
    let error = aws
        .clients
        .set_subnets(&Arn("arn:x".into()), &subnets)
        .await
        .unwrap_err();
    assert_eq!((error.fault, aws.sent().len()), (TRANSIENT, 3));
}

#[tokio::test]
async fn a_second_try_may_succeed() {
    let page = replay::json(&serde_json::json!({"serviceArns": []}));
    let aws = Replay::retrying([replay::json_error(500, "ServerException", ""), page]);
    assert_eq!(
        aws.clients.list_services("staging").await.unwrap(),
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn what_will_not_change_is_tried_once() {
    for code in [
        "AccessDeniedException",
        "ClusterNotFoundException",
        "ClientException",
    ] {
        let aws = Replay::retrying((0..4).map(|_| replay::json_error(400, code, "")));
        aws.clients.list_services("staging").await.unwrap_err();
        assert_eq!(aws.sent().len(), 1, "{code}");
    }
}

/// A second revision would be made of it: there is no name to collide on.
#[tokio::test]
async fn a_registration_is_sent_once_whatever_comes_back() {
    let content = TaskDefinition {
        family: "shop_acme_worker".into(),
        network_mode: NetworkMode::Bridge,
        launch_type: LaunchType::Ec2,
        execution_role_arn: None,
        task_role_arn: None,
        ephemeral_storage: None,
        architecture: None,
        volumes: SmallMap::new(),
        members: None,
        main: Container {
            name: "worker".into(),
            image: "registry.example/acme:v1".into(),
            command: vec!["./bin/worker".into()],
            cpu: 256,
            memory: 512,
            ..Container::default()
        },
        sidecars: Vec::new(),
    };
    for (status, code, expected) in [
        (500, "ServerException", TRANSIENT),
        (503, "SomethingNew", TRANSIENT),
        (400, "ThrottlingException", THROTTLED),
        (429, "SomethingNew", THROTTLED),
    ] {
        let aws = Replay::retrying((0..4).map(|_| replay::json_error(status, code, "")));
        let registered = aws.clients.register_task_definition(&content, &Tags::new()).await;
        assert_eq!(registered.unwrap_err().fault, expected);
        assert_eq!(aws.sent().len(), 1, "{code}");
    }
}

/// The SDK takes it for a throttle, and tries again; in ECS it is a quota all the same.
#[tokio::test]
async fn the_table_is_asked_before_the_sdk() {
    let aws = Replay::retrying((0..4).map(|_| replay::json_error(400, "LimitExceededException", "quota")));
    let error = aws.clients.list_services("staging").await.unwrap_err();
    assert_eq!(error.fault, DENIED);
    let aws = Replay::retrying((0..4).map(|_| replay::xml_error(400, "PriorRequestNotComplete", "")));
    let error = aws
        .clients
        .list_name("Z123", "acme.example.com")
        .await
        .unwrap_err();
    assert_eq!(error.fault, THROTTLED);
}
