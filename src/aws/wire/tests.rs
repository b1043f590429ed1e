//! Lists that lead back to an earlier page, for each call that pages.

use aws_sdk_ecs::config::http::HttpResponse;
use futures::future::{BoxFuture, FutureExt};
use serde_json::json;

use super::{PAGES, Pages};
use crate::aws::replay::{self, Replay};
use crate::aws::{AutoScaling, AwsClients, AwsError, Ecs, Elbv2, Route53, Scheduler};
use crate::model::class::Class;
use crate::model::name::Arn;

type Listed<'a> = BoxFuture<'a, Result<(), AwsError>>;

/// The list of these pages, by their tokens, ends with an error after so many calls.
async fn check(
    action: &str,
    page: impl Fn(&str) -> HttpResponse,
    list: for<'a> fn(&'a AwsClients) -> Listed<'a>,
) {
    for tokens in [
        &["x", "x", "x"][..],
        &["x", "y", "x", "y"],
        &["x", "y", "z", "y", "z"],
    ] {
        let aws = Replay::new(tokens.iter().map(|token| page(token)));
        let error = list(&aws.clients).await.unwrap_err();
        assert_eq!(
            (error.action, error.code.as_str()),
            (action, "RepeatedPageToken"),
            "{error}"
        );
        assert_eq!(error.class(), Class::Transient);
        assert_eq!(aws.sent().len(), tokens.len() - 1, "{action} {tokens:?}");
    }
}

fn elbv2(action: &'static str) -> impl Fn(&str) -> HttpResponse {
    move |marker| {
        let namespace = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/";
        let result = format!("<{action}Result><NextMarker>{marker}</NextMarker></{action}Result>");
        replay::reply(
            200,
            format!("<{action}Response xmlns=\"{namespace}\">{result}</{action}Response>"),
        )
    }
}

fn record_sets(name: &str) -> HttpResponse {
    replay::reply(
        200,
        format!(
            "<ListResourceRecordSetsResponse xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">\
             <ResourceRecordSets></ResourceRecordSets><IsTruncated>true</IsTruncated><MaxItems>300</MaxItems>\
             <NextRecordName>{name}.example.com.</NextRecordName><NextRecordType>A</NextRecordType>\
             </ListResourceRecordSetsResponse>"
        ),
    )
}

fn arn() -> Arn {
    Arn("arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/acme/1".into())
}

#[tokio::test]
async fn a_list_that_leads_back_to_an_earlier_page_ends_with_an_error() {
    check(
        "ecs:ListServices",
        |token| replay::json(&json!({"serviceArns": [], "nextToken": token})),
        |aws| async { aws.list_services("staging").await.map(drop) }.boxed(),
    )
    .await;
    check(
        "ecs:ListServiceDeployments",
        |token| replay::json(&json!({"serviceDeployments": [], "nextToken": token})),
        |aws| async { aws.list_service_deployments("staging", "web").await.map(drop) }.boxed(),
    )
    .await;
    check(
        "elasticloadbalancing:DescribeLoadBalancers",
        elbv2("DescribeLoadBalancers"),
        |aws| async { aws.describe_load_balancers().await.map(drop) }.boxed(),
    )
    .await;
    check(
        "elasticloadbalancing:DescribeTargetGroups",
        elbv2("DescribeTargetGroups"),
        |aws| async { aws.describe_target_groups().await.map(drop) }.boxed(),
    )
    .await;
    check(
        "elasticloadbalancing:DescribeListeners",
        elbv2("DescribeListeners"),
        |aws| async { aws.describe_listeners(&arn()).await.map(drop) }.boxed(),
    )
    .await;
    check(
        "elasticloadbalancing:DescribeListenerCertificates",
        elbv2("DescribeListenerCertificates"),
        |aws| async { aws.describe_listener_certificates(&arn()).await.map(drop) }.boxed(),
    )
    .await;
    check("route53:ListResourceRecordSets", record_sets, |aws| {
        async { aws.list_records("Z123").await.map(drop) }.boxed()
    })
    .await;
    check(
        "scheduler:ListSchedules",
        |token| replay::json(&json!({"Schedules": [], "NextToken": token})),
        |aws| async { aws.list_schedules("empire-1", "acme-").await.map(drop) }.boxed(),
    )
    .await;
    check(
        "application-autoscaling:DescribeScalableTargets",
        |token| replay::json(&json!({"ScalableTargets": [], "NextToken": token})),
        |aws| {
            let names = ["shop_acme_web".to_owned()];
            async move { aws.scalable_targets("staging", &names).await.map(drop) }.boxed()
        },
    )
    .await;
}

#[tokio::test]
async fn an_empty_token_ends_a_list() {
    let aws = Replay::new([replay::json(&json!({"serviceArns": [], "nextToken": ""}))]);
    assert!(aws.clients.list_services("staging").await.unwrap().is_empty());
}

#[test]
fn a_list_of_more_pages_than_any_has_is_an_error() {
    let mut pages: Pages<(), Option<usize>> = Pages::default();
    let added = (0..).map(|page| pages.add("ecs:ListServices", Vec::new(), Some(Some(page))));
    let (read, error) = added
        .enumerate()
        .find_map(|(page, added)| Some((page, added.err()?)))
        .unwrap();
    assert_eq!((read, error.code.as_str()), (PAGES, "TooManyPages"));
}
