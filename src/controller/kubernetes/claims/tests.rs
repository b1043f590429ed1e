//! The reads of claims from API servers that can select by our fields, and from those that cannot.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use http::{Request, Response};
use kube::client::Body;
use serde_json::Value;
use tower_service::Service;

use super::*;
use crate::controller::memory::lock;
use crate::desired::fixtures::platform;
use crate::metrics::Metrics;
use crate::model::class::Class;

/// An API server with these claims, which answers the use of field selectors with a status, if there is one.
#[derive(Clone)]
struct ApiServer {
    items: Vec<Value>,
    refusal: Option<(u16, &'static str)>,
    queries: Arc<Mutex<Vec<String>>>,
}

impl Service<Request<Body>> for ApiServer {
    type Response = Response<Body>;
    type Error = kube::Error;
    type Future = Pin<Box<dyn Future<Output = kube::Result<Response<Body>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<kube::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let (code, body) = match self.refusal {
            Some((code, message)) if query.contains("fieldSelector=") => (
                code,
                json!({
                    "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                    "message": message, "reason": reason_of(code), "code": code,
                }),
            ),
            Some(_) | None => (
                200,
                json!({
                    "apiVersion": "empire.dev/v1alpha1", "kind": "PortAllocationList",
                    "metadata": { "resourceVersion": "1" }, "items": self.items,
                }),
            ),
        };
        lock(&self.queries).push(query);
        let body = Body::from(body.to_string().into_bytes());
        let response = Response::builder().status(code).body(body).unwrap();
        Box::pin(async move { Ok(response) })
    }
}

fn reason_of(code: u16) -> &'static str {
    match code {
        400 => "BadRequest",
        403 => "Forbidden",
        429 => "TooManyRequests",
        _ => "InternalError",
    }
}

fn allocation(port: u16, app: &str) -> Value {
    json!({
        "apiVersion": "empire.dev/v1alpha1",
        "kind": "PortAllocation",
        "metadata": { "name": format!("staging-{port}"), "resourceVersion": "1" },
        "spec": {
            "platform": "staging", "port": port, "process": "web", "containerPort": 8080,
            "app": { "namespace": "shop", "name": app, "uid": "" },
        },
    })
}

/// Reads the claims of App `shop/acme` live. Returns their ports and the selectors that were asked by.
async fn read(refusal: Option<(u16, &'static str)>) -> (Result<Vec<u16>, Error>, Vec<String>) {
    let queries = Arc::default();
    let server = ApiServer {
        items: vec![allocation(9000, "acme"), allocation(9001, "blog")],
        refusal,
        queries: Arc::clone(&queries),
    };
    let (client, cache) = (Client::new(server, "default"), ClaimCache::default());
    let claims = KubeClaims {
        client: &client,
        platform: &platform(json!({})),
        cache: &cache,
        metrics: &Metrics::default(),
    };
    let acme = AppName {
        namespace: "shop".into(),
        name: "acme".into(),
    };
    let found = claims.live("staging", &acme).await;
    let ports = found.map(|claims| claims.iter().map(|claim| claim.port).collect());
    let selectors = lock(&queries).iter().map(|query| selector_of(query)).collect();
    (ports, selectors)
}

fn selector_of(query: &str) -> String {
    let selectors = query.split('&').filter(|pair| pair.contains("Selector="));
    selectors.collect::<Vec<_>>().join("&")
}

const BY_FIELDS: &str =
    "fieldSelector=spec.platform%3Dstaging%2Cspec.app.namespace%3Dshop%2Cspec.app.name%3Dacme";
const BY_LABEL: &str = "labelSelector=empire.dev%2Fplatform%3Dstaging";

#[tokio::test]
async fn claims_are_selected_by_the_api_server_where_it_can() {
    let (ports, selectors) = read(None).await;
    assert_eq!(ports.unwrap(), [9000]);
    assert_eq!(selectors, [BY_FIELDS]);
}

/// As Kubernetes before 1.31 answers: <https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/>.
#[tokio::test]
async fn where_it_cannot_the_claims_of_the_platform_are_read_and_the_apps_own_kept() {
    let refusal = (400, "field label not supported: spec.platform");
    let (ports, selectors) = read(Some(refusal)).await;
    assert_eq!(ports.unwrap(), [9000]);
    assert_eq!(selectors, [BY_FIELDS, BY_LABEL]);
}

#[tokio::test]
async fn any_other_refusal_is_an_error_and_no_reason_to_read_more() {
    for (code, class) in [
        (403, Class::Denied),
        (429, Class::Transient),
        (500, Class::Transient),
    ] {
        let (ports, selectors) = read(Some((code, "in words"))).await;
        let error = ports.unwrap_err();
        assert_eq!(
            (error.class(), error.to_string().as_str()),
            (class, "list PortAllocations: in words")
        );
        assert_eq!(selectors, [BY_FIELDS]);
    }
}
