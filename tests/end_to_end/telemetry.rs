//! Metrics and traces of a real run: what Prometheus scrapes of the replica that leads and of the one that stands by, and
//! what an OpenTelemetry collector receives.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::json;

use super::manifests::{merge, web_app};
use super::place::{Cloud, Place};
use crate::support::control_plane::ControlPlane;
use crate::support::controller::{Controller, get, install};

/// A collector that keeps what it receives.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Bytes>>>);

impl Collector {
    /// Serves OTLP over HTTP; returns the base of its URL.
    async fn serve(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = self.0.clone();
        let take = async move |batch: Bytes| received.lock().unwrap().push(batch);
        let router = Router::new().route("/v1/traces", post(take));
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }

    fn received(&self) -> Vec<ExportTraceServiceRequest> {
        let batches = self.0.lock().unwrap();
        let decoded = |batch: &Bytes| ExportTraceServiceRequest::decode(batch.clone()).unwrap();
        batches.iter().map(decoded).collect()
    }

    fn spans(&self) -> Vec<Span> {
        let resources = self.received().into_iter().flat_map(|batch| batch.resource_spans);
        let scopes = resources.flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }
}

/// The series of a scrape, by name and labels.
fn scraped(controller: &Controller) -> BTreeMap<String, String> {
    let reply = get(controller.address(), "/metrics", "*/*").unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    let samples = body.lines().filter(|line| !line.starts_with('#'));
    let split = |line: &str| {
        let (series, value) = line.rsplit_once(' ').unwrap();
        (series.to_owned(), value.to_owned())
    };
    samples.map(split).collect()
}

/// The counts of the series of one metric, added up.
fn sum(scraped: &BTreeMap<String, String>, metric: &str) -> u64 {
    let of_it = scraped.iter().filter(|(series, _)| series.starts_with(metric));
    of_it.map(|(_, value)| value.parse::<u64>().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_measures_and_traces_what_it_does_and_a_standby_what_there_is() {
    let control_plane = ControlPlane::start(false);
    let administrator = &control_plane.kubectl;
    install(administrator);
    let collector = Collector::default();
    let endpoint = format!("--otlp-endpoint={}", collector.serve().await);
    let flags = ["--resync-interval=1s", "--lease-duration=4s", &endpoint];
    let mut one = Controller::join_as("one", administrator, &flags);
    let place = Place::under(administrator, Cloud::Moto, "measured", "ap-northeast-3").await;
    place.apply(&place.platform);
    let mut app = web_app("acme");
    merge(
        &mut app,
        &json!({ "spec": { "env": { "TOKEN": "in-no-trace" } } }),
    );
    place.converge(&app);
    let image = json!({ "spec": { "image": "registry.example.com/acme:v2" } });
    merge(&mut app, &image);
    place.converge(&app);
    let two = Controller::join_as("two", administrator, &flags[..2]);
    place.looked_at_again().await;

    let (leads, stands_by) = (scraped(&one), scraped(&two));
    for scraped in [&leads, &stands_by] {
        let apps = scraped
            .get("empire_apps{platform=\"measured\",reason=\"Available\"}")
            .map(String::as_str);
        assert_eq!(apps, Some("1"), "{scraped:?}");
        let leases = scraped
            .keys()
            .filter(|series| series.starts_with("leader_election_master_status{"));
        assert!(leases.count() > 0, "{scraped:?}");
    }
    assert!(sum(&leads, "leader_election_master_status{") >= 1, "{leads:?}");
    assert_eq!(
        sum(&stands_by, "leader_election_master_status{"),
        0,
        "{stands_by:?}"
    );
    assert_eq!(sum(&stands_by, "empire_aws_requests_total"), 0, "{stands_by:?}");
    assert_eq!(
        sum(&stands_by, "controller_runtime_reconcile_total"),
        0,
        "{stands_by:?}"
    );
    assert_eq!(
        sum(&stands_by, "empire_edit_to_ready_seconds_count"),
        0,
        "{stands_by:?}"
    );
    let of_leader = [
        (
            "empire_aws_requests_total{service=\"ecs\",operation=\"CreateService\",result=\"ok\"}",
            "1",
        ),
        ("empire_edit_to_ready_seconds_count{platform=\"measured\"}", "2"),
        (
            "empire_rollouts_total{platform=\"measured\",step=\"started\"}",
            "2",
        ),
        ("empire_platforms{reason=\"Available\"}", "1"),
    ];
    for (series, value) in of_leader {
        assert_eq!(
            leads.get(series).map(String::as_str),
            Some(value),
            "{series} of {leads:?}"
        );
    }
    assert_eq!(
        sum(&leads, "empire_repairs_total"),
        0,
        "nobody has changed anything: {leads:?}"
    );
    let open = get(two.address(), "/metrics", "application/openmetrics-text").unwrap();
    assert!(
        open.contains("application/openmetrics-text; version=1.0.0") && open.ends_with("# EOF\n"),
        "{open}"
    );

    // What it has not sent yet is sent as it ends.
    one.signal("TERM");
    one.ends();
    let spans = collector.spans();
    let create = spans.iter().find(|span| span.name == "ecs:CreateService");
    let create = create.unwrap_or_else(|| panic!("{spans:?}"));
    let pass = spans.iter().find(|span| span.span_id == create.parent_span_id);
    let pass = pass.unwrap_or_else(|| panic!("{create:?}"));
    assert_eq!((&*pass.name, &pass.trace_id), ("reconcile App", &create.trace_id));
    assert!(spans.iter().any(|span| span.name == "reconcile Platform"));
    let sent = format!("{:?}", collector.received());
    assert!(
        sent.contains("service.name") && sent.contains("empire-controller"),
        "{sent}"
    );
    assert!(sent.contains("\"acme\"") && !sent.contains("in-no-trace"));
    println!("{} spans in {} batches", spans.len(), collector.received().len());
}
