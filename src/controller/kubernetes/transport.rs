//! The way of each request to the API server: a watch is noted when it begins, every other call has a time-out, and a write
//! asks the [fence](crate::fence) before it begins, as attempts at AWS do. What is sent is counted.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Method, Request, Response};
use kube::Client;
use kube::client::Body;
use tokio::time::timeout;
use tower_service::Service;

use super::watches::{lists, watched};
use crate::fence;
use crate::health::Health;
use crate::metrics::Metrics;

/// The time that a call may take, reply and all: a pass that waits for a silent API server holds a slot. A watch, which may
/// well be silent, is cut off by the connection's own time-out.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Returns a client whose watches are noted in `health`, and whose other calls end within 30 s. From within a pass, a write
/// begins only if the Lease of the pass outlasts its time-out, which is the fence's then. Reads, and all that is sent outside
/// of passes, go through: the Leases themselves are written so.
pub(in crate::controller) fn bounded(client: Client, health: Health, metrics: Metrics) -> Client {
    within(client, health, metrics, PATIENCE)
}

fn within(client: Client, health: Health, metrics: Metrics, patience: Duration) -> Client {
    let namespace = client.default_namespace().to_owned();
    let transport = Transport {
        client,
        health,
        metrics,
        patience,
    };
    Client::new(transport, namespace)
}

struct Transport {
    client: Client,
    health: Health,
    metrics: Metrics,
    patience: Duration,
}

impl Service<Request<Body>> for Transport {
    type Response = Response<Body>;
    type Error = kube::Error;
    type Future = Pin<Box<dyn Future<Output = kube::Result<Response<Body>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<kube::Result<()>> {
        // The client has a queue of its own.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        if let Some(uri) = lists::of_now(request.uri()) {
            *request.uri_mut() = uri;
        }
        let uri = request.uri();
        let watch = watched(uri.path(), uri.query().unwrap_or_default());
        let (client, health, patience) = (self.client.clone(), self.health.clone(), self.patience);
        let (metrics, method) = (self.metrics.clone(), request.method().clone());
        let call = format!("{method} {}", uri.path());
        // The fence is asked within the future, which the pass polls: this function is called by the client's queue.
        Box::pin(async move {
            let limit = if method == Method::GET {
                None
            } else {
                fence::may_write().map_err(|fenced| kube::Error::Service(fenced.into()))?
            };
            let patience = limit.map_or(patience, |limit| limit.min(patience));
            let silent = |_| {
                let message = format!("no reply within {} s to {call}", patience.as_secs_f64());
                kube::Error::Service(message.into())
            };
            let response = if watch.is_some() {
                client.send(request).await
            } else {
                let replied = timeout(patience, whole(&client, request)).await;
                replied.map_err(silent).flatten()
            };
            let status = response.as_ref().ok().map(Response::status);
            metrics.asked_kubernetes(method.as_str(), status.map(|status| status.as_u16()));
            if let Some(watch) = watch.filter(|_| status.is_some_and(|status| status.is_success())) {
                health.succeeded(watch);
            }
            response
        })
    }
}

/// Sends a request and reads the whole reply.
async fn whole(client: &Client, request: Request<Body>) -> kube::Result<Response<Body>> {
    let (head, body) = client.send(request).await?.into_parts();
    let body = body.collect_bytes().await?;
    Ok(Response::from_parts(head, body.into()))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use kube::api::{ApiResource, DynamicObject, ListParams, WatchParams};
    use kube::{Api, Config};
    use serde_json::json;

    use super::*;
    use crate::controller::kubernetes::report;
    use crate::desired::fixtures::app;
    use crate::fence::{Fence, Moment, under};
    use crate::model::class::Class;

    const SHORT: Duration = Duration::from_millis(250);

    /// A client of an API server that accepts connections, reads requests, says so much and then nothing.
    fn silent(after: &'static str) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let mut open = Vec::new();
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                if connection.read(&mut [0; 1024]).is_ok() {
                    connection.write_all(after.as_bytes()).unwrap();
                }
                open.push(connection);
            }
        });
        let config = Config::new(format!("http://{address}").parse().unwrap());
        let client = Client::try_from(config).unwrap();
        within(client, Health::default(), Metrics::default(), SHORT)
    }

    #[tokio::test]
    async fn a_call_that_is_not_answered_ends_with_an_error_that_names_it() {
        let app = app(json!({ "web": { "command": "./bin/web" } }));
        for begun in ["", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"] {
            let patched = report::patch_status(&silent(begun), &app, &json!({})).await;
            let error = patched.unwrap_err();
            assert_eq!(error.class(), Class::Transient);
            let path = "/apis/empire.dev/v1alpha1/namespaces/shop/apps/acme/status";
            let expected = format!("no reply within 0.25 s to PATCH {path}");
            let found = error.to_string();
            assert!(
                found.starts_with("patch the status: ") && found.ends_with(&expected),
                "{found}"
            );
        }
    }

    #[tokio::test]
    async fn a_pass_writes_only_under_its_lease_and_no_longer_than_that_lets_it() {
        let app = app(json!({ "web": { "command": "./bin/web" } }));
        let (client, status) = (silent(""), json!({}));
        let fence = Fence::new("empire-own-account".into(), SHORT);
        let patch = || under(fence.clone(), report::patch_status(&client, &app, &status));
        assert!(patch().await.unwrap_err().is_fenced());
        fence.renewed(Moment::now());
        let error = patch().await.unwrap_err().to_string();
        assert!(error.contains("no reply within 0.125 s to PATCH "), "{error}");
    }

    #[tokio::test]
    async fn a_watch_may_be_silent_and_the_list_before_it_may_not() {
        let kind = ApiResource::erase::<crate::api::app::App>(&());
        let apps: Api<DynamicObject> = Api::all_with(silent(""), &kind);
        let watch = WatchParams::default();
        let watched = timeout(4 * SHORT, apps.watch(&watch, "0")).await;
        assert!(watched.is_err());
        let listed = timeout(4 * SHORT, apps.list(&ListParams::default())).await;
        assert!(listed.unwrap().is_err());
    }
}
