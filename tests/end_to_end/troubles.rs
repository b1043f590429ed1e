//! Missing things, and an App's status for each: a reason of its own, no hot loop, and no harm to other Apps.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::aws::Seen;
use super::manifests::{app, merge, web_app};
use super::place::{Cloud, Place};

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_missing_has_a_reason_of_its_own_and_heals_when_it_comes() {
    let place = Place::new(Cloud::Ministack, "missing", "eu-west-1").await;

    let mut unplaced = web_app("unplaced");
    merge(&mut unplaced, &json!({ "spec": { "platform": "nowhere" } }));
    place.apply(&unplaced);
    let message = place
        .condition("unplaced", "Reconciling", "PlatformNotFound")
        .await;
    assert!(message.contains("nowhere"), "{message}");

    let broken = [
        (
            "no-zone",
            json!({ "dns": { "internal": { "hostedZoneId": "Z0NOTTHERE" } } }),
            "ZoneNotFound",
        ),
        (
            "no-endpoint",
            json!({ "endpointUrl": closed_port() }),
            "EndpointUnreachable",
        ),
    ];
    for (name, spec, reason) in &broken {
        let mut platform = place.platform.clone();
        merge(
            &mut platform,
            &json!({ "metadata": { "name": name }, "spec": spec }),
        );
        place.apply(&platform);
        let mut app = web_app(name);
        merge(&mut app, &json!({ "spec": { "platform": name } }));
        place.apply(&app);
        place.condition(name, "Reconciling", reason).await;
    }

    // Next to all of these, an App without trouble converges.
    place.converge(&web_app("fine"));

    let mut nowhere = place.platform.clone();
    merge(&mut nowhere, &json!({ "metadata": { "name": "nowhere" } }));
    place.apply(&nowhere);
    place.wait("app", "unplaced", "condition=Ready");
    for app in ["unplaced", "no-zone", "no-endpoint", "fine"] {
        place.delete(app);
    }
    place.kubectl(&[
        "delete",
        "platform",
        "nowhere",
        "no-zone",
        "no-endpoint",
        "--timeout=60s",
    ]);
}

// ministack accepts a service in a cluster that is not there.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_ecs_cluster_is_waited_for() {
    let place = Place::under_shared(Cloud::Moto, "no-cluster", "eu-west-1").await;
    let mut platform = place.platform.clone();
    merge(&mut platform, &json!({ "spec": { "cluster": "later" } }));
    place.apply(&platform);
    place.apply(&web_app("acme"));
    let message = place.condition("acme", "Reconciling", "ClusterNotFound").await;
    assert!(message.contains("later"), "{message}");
    place
        .aws
        .ecs
        .create_cluster()
        .cluster_name("later")
        .send()
        .await
        .unwrap();
    // The controller would look again after a minute by itself: nothing in Kubernetes tells it of a cluster.
    place.kubectl(&["annotate", "app", "acme", "example.com/cluster=made"]);
    place.wait("app", "acme", "condition=Ready");
    place.delete("acme");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_schema_cannot_judge_is_stalled_with_words_that_help() {
    let place = Place::new(Cloud::Ministack, "invalid", "eu-west-2").await;
    let mut app = web_app("acme");
    merge(
        &mut app,
        &json!({ "spec": { "processes": { "web": { "command": "./bin/web 'unclosed" } } } }),
    );
    place.apply(&app);
    let message = place.condition("acme", "Stalled", "InvalidSpec").await;
    assert!(
        message.contains("web") && message.contains("command"),
        "{message}"
    );
    assert_eq!(place.aws.see().await, Seen::default());
    place.converge(&web_app("acme"));
    place.delete("acme");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_app_is_watched_and_not_touched() {
    let place = Place::new(Cloud::Ministack, "suspended", "eu-west-3").await;
    let mut acme = app("acme");
    place.converge(&acme);
    let before = place.aws.see().await;

    merge(&mut acme, &json!({ "spec": { "suspend": true } }));
    assert_eq!(place.converge(&acme), [""; 0], "in sync, so it is Ready");
    merge(
        &mut acme,
        &json!({ "spec": { "image": "registry.example.com/acme:v2" } }),
    );
    place.apply(&acme);
    let reason = "jsonpath={.status.conditions[?(@.type==\"Ready\")].reason}={.status.observedGeneration}";
    place
        .eventually("it says that it is suspended", async || {
            let found = place.kubectl(&["get", "app", "acme", "-o", reason]);
            (found == "Suspended=3").then_some(())
        })
        .await;
    place.looked_at_again().await;
    assert_eq!(place.proxy.take_writes(), [""; 0]);
    assert_eq!(place.aws.see().await, before);

    merge(&mut acme, &json!({ "spec": { "suspend": false } }));
    place.converge(&acme);
    assert_ne!(place.aws.see().await, before);
    place.delete("acme");
}

/// A denial in the words of Elastic Load Balancing: not its own resources are in question, but a call of ours.
const DENIED: &str = "<ErrorResponse xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\"><Error>\
    <Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized to perform: \
    elasticloadbalancing:DescribeLoadBalancers</Message></Error>\
    <RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>";

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_call_holds_up_what_needs_it_and_reddens_the_platform() {
    let place = Place::new(Cloud::Ministack, "denied", "ap-east-2").await;
    let mut acme = app("acme");
    place.converge(&acme);
    place
        .proxy
        .answer("DescribeLoadBalancers", StatusCode::FORBIDDEN, &DENIED);
    merge(
        &mut acme,
        &json!({ "spec": { "processes": { "worker": { "image": "registry.example.com/acme:v2" } } } }),
    );
    place.apply(&acme);
    let message = place.condition("acme", "Reconciling", "AccessDenied").await;
    assert!(
        message.contains("elasticloadbalancing:DescribeLoadBalancers"),
        "{message}"
    );
    place
        .eventually("the release that needs no load balancer", async || {
            let seen = place.aws.see().await;
            (seen.services["acme_worker"].image == "registry.example.com/acme:v2").then_some(())
        })
        .await;
    place
        .eventually("the Platform names the call", async || {
            let path = "jsonpath={.status.conditions[?(@.type==\"Ready\")]['status','reason','message']}";
            let found = place.kubectl(&["get", "platform", &place.name, "-o", path]);
            (found.starts_with("False AccessDenied") && found.contains("DescribeLoadBalancers")).then_some(())
        })
        .await;

    place.proxy.pass_on("DescribeLoadBalancers");
    place.kubectl(&["annotate", "app", "acme", "example.com/policy=mended"]);
    place.wait("app", "acme", "condition=Ready");
    place.wait("platform", &place.name, "condition=Ready");
    place.delete("acme");
    assert_eq!(place.aws.see().await, Seen::default());
}

/// The namespace controller deletes what is in it, in no particular order, while nothing new can be made there.
#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_goes_with_all_that_its_apps_have_in_aws() {
    let place = Place::new(Cloud::Ministack, "whole", "eu-north-1").await;
    place.converge(&app("acme"));
    place.converge(&web_app("shop"));
    place.kubectl(&["delete", "namespace", &place.name, "--timeout=90s"]);
    assert_eq!(place.aws.see().await, Seen::default());
    place.kubectl(&["delete", "platform", &place.name, "--timeout=60s"]);
}

/// Returns an endpoint on which nothing listens.
fn closed_port() -> Value {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    json!(format!("http://{}", listener.local_addr().unwrap()))
}

/// An App that is applied with `kubectl replace`, or by Argo CD with `Replace=true`, has neither our finalizer nor our
/// annotation, even while its Platform is being deleted.
#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_app_holds_its_platform_all_the_same() {
    let place = Place::new(Cloud::Ministack, "replaced", "eu-central-1").await;
    let mut app = web_app("acme");
    app["spec"]["platform"] = json!(place.name);
    place.converge(&app);
    place.kubectl(&["delete", "platform", "replaced", "--wait=false"]);

    place
        .try_kubectl(&["replace", "-f", "-"], &app.to_string())
        .unwrap();
    place
        .eventually("the finalizer and the record are back", async || {
            let metadata = place.kubectl(&["get", "app", "acme", "-o", "jsonpath={.metadata}"]);
            let metadata: Value = serde_json::from_str(&metadata).unwrap();
            let held = metadata["finalizers"] == json!(["empire.dev/controller"]);
            (held && metadata["annotations"]["empire.dev/platform-record"].is_string()).then_some(())
        })
        .await;
    place.looked_at_again().await;
    assert_eq!(place.proxy.take_writes(), [""; 0]);
    place.kubectl(&["get", "platform", "replaced"]);

    place.delete("acme");
    assert_eq!(place.aws.see().await, Seen::default());
    place.wait("platform", "replaced", "delete");
}
