//! Writes to the API server, asked of the [fence](crate::fence) before they begin, as attempts at AWS are.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Method, Request, Response};
use kube::Client;
use kube::client::Body;
use tower_service::Service;

use crate::fence;

/// A client whose writes, from within a pass, begin only if the Lease of the pass outlasts their time-out. Reads, and all
/// that is sent outside of passes, go through: the Leases themselves are written so.
pub(in crate::controller) fn fenced(client: Client) -> Client {
    let namespace = client.default_namespace().to_owned();
    Client::new(Fenced(client), namespace)
}

struct Fenced(Client);

/// The API server did not answer a write within the time that the fence reckons with.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {} s", .0.as_secs_f32())]
struct TimedOut(Duration);

impl Service<Request<Body>> for Fenced {
    type Response = Response<Body>;
    type Error = kube::Error;
    type Future = Pin<Box<dyn Future<Output = kube::Result<Response<Body>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<kube::Result<()>> {
        // The client has a queue of its own.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let client = self.0.clone();
        // Asked within the future, which the pass polls: this function is called by the client's queue.
        Box::pin(async move {
            let limit = if request.method() == Method::GET {
                None
            } else {
                fence::may_write().map_err(|fenced| kube::Error::Service(fenced.into()))?
            };
            let sending = client.send(request);
            let Some(limit) = limit else {
                return sending.await;
            };
            let answer = tokio::time::timeout(limit, sending).await;
            answer.unwrap_or_else(|_| Err(kube::Error::Service(TimedOut(limit).into())))
        })
    }
}
