//! Spans as an exporter gets them.

use opentelemetry::trace::{SpanId, SpanKind, Status};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SpanData};
use tracing::{Instrument, info_span};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;

use super::*;
use crate::aws::replay::{self, Replay};
use crate::aws::{Ecs, EcsWrites, Subject, concerning, writing};
use crate::span;

/// Returns the spans that are exported of what a future does, by their names.
async fn exported(future: impl Future<Output = ()>) -> Vec<SpanData> {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone());
    let provider = described(provider, "empire-controller-0");
    let subscriber = tracing_subscriber::registry().with(layer_of(provider.tracer("test")));
    replay::under(subscriber, future).await;
    let mut spans = exporter.get_finished_spans().unwrap();
    spans.sort_by(|one, other| one.name.cmp(&other.name));
    spans
}

fn attributes(span: &SpanData) -> Vec<(String, String)> {
    let attributes = span.attributes.iter();
    let mut attributes: Vec<_> = attributes
        .map(|attribute| (attribute.key.to_string(), attribute.value.to_string()))
        .collect();
    attributes.sort();
    attributes
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    expected.iter().map(owned).collect()
}

#[tokio::test]
async fn a_pass_is_a_span_and_each_call_to_aws_a_child_that_says_what_came_of_it() {
    let aws = Replay::new([
        replay::reply(200, "{\"serviceArns\":[]}"),
        replay::reply(
            400,
            "{\"__type\":\"AccessDeniedException\",\"Message\":\"not authorized\"}",
        ),
    ]);
    let spans = exported(async {
        let pass = span::pass("App", "shop", "acme");
        let calls = async {
            aws.clients.list_services("staging").await.unwrap();
            let delete = aws.clients.delete_service("staging", "shop_acme_web");
            let delete = writing(Some("web"), "service shop_acme_web".into(), delete);
            let app = Some("shop/acme".into());
            concerning(
                Subject {
                    app,
                    ..Subject::default()
                },
                delete,
            )
            .await
            .unwrap_err();
            // Another crate's.
            info_span!(target: "hyper", "request").in_scope(|| {});
        };
        calls.instrument(pass.clone()).await;
        span::passed(&pass, "error", true);
    })
    .await;
    let names: Vec<&str> = spans.iter().map(|span| &*span.name).collect();
    assert_eq!(names, ["ecs:DeleteService", "ecs:ListServices", "reconcile App"]);
    let [delete, list, pass] = &spans[..] else {
        panic!("{spans:?}")
    };
    let id = pass.span_context.span_id();
    assert_eq!(pass.parent_span_id, SpanId::INVALID);
    assert_eq!((delete.parent_span_id, list.parent_span_id), (id, id));
    assert_eq!(
        (&pass.span_kind, &list.span_kind),
        (&SpanKind::Internal, &SpanKind::Client)
    );
    assert_eq!(
        attributes(pass),
        pairs(&[
            ("empire.kind", "App"),
            ("empire.name", "acme"),
            ("empire.result", "error"),
            ("k8s.namespace.name", "shop"),
        ])
    );
    assert_eq!(pass.status, Status::error(""));
    assert_eq!(
        attributes(list),
        pairs(&[
            ("rpc.method", "ListServices"),
            ("rpc.service", "ecs"),
            ("rpc.system", "aws-api")
        ])
    );
    assert_eq!(list.status, Status::Unset);
    assert_eq!(
        attributes(delete),
        pairs(&[
            ("empire.process", "web"),
            ("empire.resource", "service shop_acme_web"),
            ("error.type", "AccessDeniedException"),
            ("rpc.method", "DeleteService"),
            ("rpc.service", "ecs"),
            ("rpc.system", "aws-api"),
        ])
    );
    assert_eq!(delete.status, Status::error("not authorized"));
}

#[tokio::test]
async fn a_call_that_found_nothing_is_no_error_and_a_platform_has_no_namespace() {
    let aws = Replay::new([replay::reply(
        400,
        "{\"__type\":\"ServiceNotFoundException\",\"message\":\"Service not found.\"}",
    )]);
    let spans = exported(async {
        let pass = span::pass("Platform", "", "staging");
        aws.clients
            .delete_service("staging", "shop_acme_web")
            .instrument(pass.clone())
            .await
            .unwrap();
        span::passed(&pass, "success", false);
    })
    .await;
    let [delete, pass] = &spans[..] else {
        panic!("{spans:?}")
    };
    assert_eq!((&delete.status, &pass.status), (&Status::Unset, &Status::Unset));
    assert!(attributes(delete).contains(&("error.type".into(), "ServiceNotFoundException".into())));
    assert_eq!(
        attributes(pass),
        pairs(&[
            ("empire.kind", "Platform"),
            ("empire.name", "staging"),
            ("empire.result", "success")
        ])
    );
}

#[test]
fn nothing_is_made_where_nobody_asked_for_it() {
    let traces = Traces::to(None, "").unwrap();
    assert!(traces.layer::<Registry>().is_none());
    traces.end();
}
