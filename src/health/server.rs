//! The HTTP server of health and metrics. Whoever can reach it can hold it up for seconds at most: a connection carries one
//! request, has a limit on its time and on that of its head, and there are few of them.

use std::convert::Infallible;
use std::io::{Error, ErrorKind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, ALLOW, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::Health;
use crate::metrics::{Format, Metrics};

/// The limits of what all peers can take together.
#[derive(Clone, Copy)]
struct Limits {
    /// The time for the head of a request.
    head: Duration,
    /// The time for a request as a whole, until the reply is out.
    whole: Duration,
    /// The number of connections at a time. Further ones wait for one of them to end.
    connections: usize,
}

const LIMITS: Limits = Limits {
    head: Duration::from_secs(5),
    whole: Duration::from_secs(30),
    connections: 64,
};
/// The pause after a failure to accept that is not the peer's: too many open files, say.
const PAUSE: Duration = Duration::from_secs(1);

type Reply = Response<Full<Bytes>>;

struct Pages {
    health: Health,
    metrics: Metrics,
}

/// Serves `/healthz`, `/readyz`, `/queue` and `/metrics` for as long as it is polled.
pub async fn serve(listeners: Vec<TcpListener>, health: Health, metrics: Metrics) -> Result<(), Error> {
    let pages = Arc::new(Pages { health, metrics });
    serve_within(LIMITS, listeners, pages).await
}

async fn serve_within(limits: Limits, listeners: Vec<TcpListener>, pages: Arc<Pages>) -> Result<(), Error> {
    let free = Arc::new(Semaphore::new(limits.connections));
    let accepting = listeners
        .into_iter()
        .map(|listener| accept(limits, listener, pages.clone(), free.clone()));
    futures::future::try_join_all(accepting).await.map(|_| ())
}

async fn accept(
    limits: Limits,
    listener: TcpListener,
    pages: Arc<Pages>,
    free: Arc<Semaphore>,
) -> Result<(), Error> {
    loop {
        let slot = free.clone().acquire_owned().await.map_err(Error::other)?;
        match listener.accept().await {
            Ok((stream, _)) => {
                let pages = pages.clone();
                tokio::spawn(async move {
                    // A peer that is slow or gone is its own trouble.
                    let _ = tokio::time::timeout(limits.whole, answer(limits, stream, pages)).await;
                    drop(slot);
                });
            }
            Err(error) if is_of_the_peer(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection to --health-address");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn is_of_the_peer(error: &Error) -> bool {
    [
        ErrorKind::ConnectionAborted,
        ErrorKind::ConnectionRefused,
        ErrorKind::ConnectionReset,
    ]
    .contains(&error.kind())
}

async fn answer(limits: Limits, stream: TcpStream, pages: Arc<Pages>) -> hyper::Result<()> {
    let service = service_fn(move |request| {
        let reply = pages.reply(&request);
        std::future::ready(Ok::<_, Infallible>(reply))
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

impl Pages {
    fn reply(&self, request: &Request<Incoming>) -> Reply {
        if ![Method::GET, Method::HEAD].contains(request.method()) {
            let mut reply = plain(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD only\n".into());
            let allowed = hyper::header::HeaderValue::from_static("GET, HEAD");
            reply.headers_mut().insert(ALLOW, allowed);
            return reply;
        }
        let now = Instant::now();
        match request.uri().path() {
            "/healthz" => verdict(&self.health.stuck(now)),
            "/readyz" => verdict(&self.health.unready(now)),
            "/queue" => typed(StatusCode::OK, "application/json", self.health.queue() + "\n"),
            "/metrics" => {
                let accept = request.headers().get(ACCEPT);
                let format = Format::accepted(accept.and_then(|accept| accept.to_str().ok()));
                match self.metrics.text(format) {
                    Ok(text) => typed(StatusCode::OK, format.content_type(), text),
                    Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
                }
            }
            _ => plain(
                StatusCode::NOT_FOUND,
                "/healthz, /readyz, /queue and /metrics are here\n".into(),
            ),
        }
    }
}

fn verdict(wrong: &[String]) -> Reply {
    if wrong.is_empty() {
        return plain(StatusCode::OK, "ok\n".into());
    }
    plain(StatusCode::SERVICE_UNAVAILABLE, wrong.join("\n") + "\n")
}

fn plain(status: StatusCode, text: String) -> Reply {
    typed(status, "text/plain; charset=utf-8", text)
}

fn typed(status: StatusCode, content_type: &'static str, text: String) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(text)));
    *reply.status_mut() = status;
    let content_type = hyper::header::HeaderValue::from_static(content_type);
    reply.headers_mut().insert(CONTENT_TYPE, content_type);
    reply
}

#[cfg(test)]
mod tests;
