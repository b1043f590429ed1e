//! Calls in the name of a role: assumed once, for all clients, before the first call.

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_ecs::config::http::{HttpRequest, HttpResponse};
use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use serde_json::json;

use super::{AwsClients, Role, Zones, assumed, checked};
use crate::aws::replay::{self, Sent};
use crate::aws::unconnected::config;
use crate::aws::{AwsError, Ecs, Fault, Route53};
use crate::metrics::Metrics;
use crate::model::class::Class;

const ROLE: &str = "arn:aws:iam::123456789012:role/empire";

/// Clients in the name of a role, whose calls get these replies.
async fn clients(
    replies: Vec<HttpResponse>,
    external_id: Option<&str>,
) -> (AwsClients, impl Fn() -> Vec<Sent>) {
    let events = replies
        .into_iter()
        .map(|reply| ReplayEvent::new(HttpRequest::empty(), reply));
    let http = StaticReplayClient::new(events.collect());
    // With the clock and the cache of credentials that real clients have.
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(
            "AKIDEXAMPLE",
            "an example of a key",
            None,
            None,
            "tests",
        ))
        .retry_config(RetryConfig::disabled())
        .http_client(http.clone())
        .load()
        .await;
    let role = Role {
        arn: ROLE.into(),
        external_id: external_id.map(Into::into),
    };
    let metrics = Metrics::default();
    let config = assumed(config, &role, &metrics).await;
    let clients = AwsClients::new(&config, &Zones::default(), &metrics);
    (clients, move || http.actual_requests().map(Sent::new).collect())
}

fn granted() -> HttpResponse {
    granting("ASIAASSUMED")
}

fn granting(key: &str) -> HttpResponse {
    let reply = format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
         <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/empire/empire-controller</Arn>\
         <AssumedRoleId>AROAEXAMPLE:empire-controller</AssumedRoleId></AssumedRoleUser>\
         <Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>a key</SecretAccessKey>\
         <SessionToken>a token</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials>\
         </AssumeRoleResult></AssumeRoleResponse>"
    );
    replay::reply(200, reply)
}

fn zone() -> HttpResponse {
    replay::reply(
        200,
        "<GetHostedZoneResponse><HostedZone><Id>/hostedzone/Z1</Id><Name>example.com.</Name>\
         <CallerReference>x</CallerReference></HostedZone></GetHostedZoneResponse>",
    )
}

#[tokio::test]
async fn a_role_is_assumed_once_for_all_services() {
    let replies = vec![
        granted(),
        replay::json(&json!({"serviceArns": []})),
        replay::json(&json!({"serviceArns": []})),
        zone(),
    ];
    let (clients, sent) = clients(replies, Some("shop-7")).await;
    clients.list_services("staging").await.unwrap();
    clients.list_services("staging").await.unwrap();
    clients.zone_name("Z1").await.unwrap();
    let sent = sent();
    assert_eq!(
        sent[0].form(),
        [
            "Action=AssumeRole",
            "RoleArn=arn:aws:iam::123456789012:role/empire",
            "RoleSessionName=empire-controller",
            "ExternalId=shop-7",
        ]
    );
    let keys: Vec<&str> = sent.iter().map(|sent| sent.key.as_str()).collect();
    assert_eq!(keys, ["AKIDEXAMPLE", "ASIAASSUMED", "ASIAASSUMED", "ASIAASSUMED"]);
}

#[tokio::test]
async fn without_an_external_id_none_is_sent() {
    let (clients, sent) = clients(vec![granted(), replay::json(&json!({}))], None).await;
    clients.list_services("staging").await.unwrap();
    assert!(!sent()[0].body.contains("ExternalId"));
}

/// Otherwise the SDK panics as it signs.
#[tokio::test]
async fn credentials_that_no_request_can_carry_are_refused() {
    for key in ["AS\nIA", "AS\0IA", "AS\u{7f}IA"] {
        let credentials = Credentials::new(key, "an example of a key", None, None, "tests");
        let token = Credentials::new("ASIA", "an example of a key", Some(key.into()), None, "tests");
        for given in [credentials, token] {
            let http = StaticReplayClient::new(Vec::new());
            let config = config(http.clone()).into_builder();
            let provider = SharedCredentialsProvider::new(given);
            let config = checked(config.credentials_provider(provider).build());
            let clients = AwsClients::new(&config, &Zones::default(), &Metrics::default());
            let error = clients.list_services("staging").await.unwrap_err();
            assert_eq!(error.fault, Fault::Failed(Class::Denied));
            assert!(error.to_string().contains("no request can carry"), "{error}");
            assert_eq!(http.actual_requests().count(), 0);
        }
    }
    let (clients, sent) = clients(vec![granting("ASIA&#10;ASSUMED")], None).await;
    let error = clients.list_services("staging").await.unwrap_err();
    assert_eq!((error.fault, sent().len()), (Fault::Failed(Class::Denied), 1));
}

async fn refused(status: u16, code: &str, message: &str) -> AwsError {
    let (clients, sent) = clients(vec![replay::xml_error(status, code, message)], None).await;
    let error = clients.list_services("staging").await.unwrap_err();
    assert_eq!((error.action, sent().len()), ("sts:AssumeRole", 1));
    error
}

#[tokio::test]
async fn a_role_that_may_not_be_assumed_is_the_operators_matter_and_is_named() {
    let words = "User: arn:aws:iam::123456789012:user/empire is not authorized to perform: sts:AssumeRole on resource: \
                 arn:aws:iam::123456789012:role/empire";
    let error = refused(403, "AccessDenied", words).await;
    assert_eq!(error.fault, Fault::Failed(Class::Denied));
    assert_eq!(
        error.to_string(),
        format!("sts:AssumeRole: AccessDenied: {words}")
    );
    let error = refused(400, "ValidationError", "roleArn is invalid").await;
    assert_eq!(error.fault, Fault::Failed(Class::Denied));
}

#[tokio::test]
async fn trouble_of_sts_passes_by_itself() {
    let error = refused(503, "ServiceUnavailable", "").await;
    assert_eq!(error.fault, Fault::Failed(Class::Transient));
    let error = refused(400, "Throttling", "Rate exceeded").await;
    assert_eq!(error.fault, Fault::Failed(Class::Throttled));
}
