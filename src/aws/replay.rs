//! Canned replies for the adapters' tests, and the requests that got them. Nothing here sleeps or reaches the network.

use std::sync::{Arc, LazyLock, Mutex};

use aws_config::retry::RetryConfig;
use aws_sdk_ecs::config::http::{HttpRequest, HttpResponse};
use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use aws_smithy_types::body::SdkBody;
use serde_json::Value;
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;
use tracing::{Dispatch, Subscriber};

use super::clients::{self, AwsClients, Zones};
pub(super) use super::unconnected::config;
use crate::metrics::{Format, Metrics};

/// Clients whose calls are answered by the given replies, one after the other; one more call than replies fails.
pub(crate) struct Replay {
    pub(crate) clients: AwsClients,
    http: StaticReplayClient,
    metrics: Metrics,
}

impl Replay {
    /// Without retries, so that one call is one request.
    pub(crate) fn new(replies: impl IntoIterator<Item = HttpResponse>) -> Self {
        Self::with(replies, RetryConfig::disabled(), &Zones::default())
    }

    /// Returns clients that change the same zones as others.
    pub(super) fn beside(zones: &Zones, replies: impl IntoIterator<Item = HttpResponse>) -> Self {
        Self::with(replies, RetryConfig::disabled(), zones)
    }

    /// With the retries of real clients, which do not wait here.
    pub(super) fn retrying(replies: impl IntoIterator<Item = HttpResponse>) -> Self {
        Self::with(replies, clients::retries(), &Zones::default())
    }

    fn with(replies: impl IntoIterator<Item = HttpResponse>, retries: RetryConfig, zones: &Zones) -> Self {
        let events = replies
            .into_iter()
            .map(|reply| ReplayEvent::new(HttpRequest::empty(), reply));
        let http = StaticReplayClient::new(events.collect());
        let config = config(http.clone()).into_builder().retry_config(retries).build();
        let metrics = Metrics::default();
        Replay {
            clients: AwsClients::new(&config, zones, &metrics),
            http,
            metrics,
        }
    }

    /// The series of these requests, one a line, without those of the buckets.
    pub(super) fn measured(&self) -> Vec<String> {
        let text = self.metrics.text(Format::Prometheus).unwrap();
        let lines = text.lines().filter(|line| line.starts_with("empire_aws_request"));
        let lines = lines.filter(|line| !line.contains("_bucket") && !line.contains("_sum"));
        let mut lines: Vec<String> = lines.map(ToOwned::to_owned).collect();
        lines.sort();
        lines
    }

    pub(super) fn sent(&self) -> Vec<Sent> {
        self.http.actual_requests().map(Sent::new).collect()
    }

    /// The one request that was sent.
    pub(super) fn only(&self) -> Sent {
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent.remove(0)
    }
}

/// Returns what a future logs at the default level, as the controller's JSON logs have it, and its result.
pub(crate) async fn logged<F: Future>(future: F) -> (Vec<Value>, F::Output) {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_writer(move || writer.clone())
        .finish();
    let given = under(subscriber, future).await;
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    (lines.collect(), given)
}

/// Runs a future under a subscriber of its own. Were it the only one of all tests, a test without any that comes to a line first
/// would switch that off for all: tracing-core asks only the thread's own then. So there always is another.
pub(crate) async fn under<F: Future>(
    subscriber: impl Subscriber + Send + Sync + 'static,
    future: F,
) -> F::Output {
    static ANOTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::default()));
    LazyLock::force(&ANOTHER);
    future.with_subscriber(subscriber).await
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A reply with the id of its request.
pub(crate) fn identified(mut reply: HttpResponse, id: &'static str) -> HttpResponse {
    reply.headers_mut().insert("x-amzn-requestid", id);
    reply
}

#[derive(Debug)]
pub(super) struct Sent {
    /// ECS's operation, from the header that names it.
    pub(super) target: String,
    /// Method, path and query.
    pub(super) line: String,
    /// The access key that it was signed with.
    pub(super) key: String,
    pub(super) body: String,
}

impl Sent {
    pub(super) fn new(request: &HttpRequest) -> Self {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let path = request.uri().splitn(4, '/').nth(3).unwrap_or_default();
        let body = request.body().bytes().unwrap_or_default();
        Sent {
            target: target.rsplit('.').next().unwrap_or_default().to_owned(),
            key: request
                .headers()
                .get("authorization")
                .and_then(|value| value.split_once("Credential=")?.1.split('/').next())
                .unwrap_or_default()
                .to_owned(),
            line: format!("{} /{path}", request.method()),
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The fields of a form, decoded, one a line as `key=value`; without the API's version.
    pub(super) fn form(&self) -> Vec<String> {
        self.body
            .split('&')
            .map(decoded)
            .filter(|field| !field.starts_with("Version="))
            .collect()
    }
}

fn decoded(field: &str) -> String {
    let mut parts = field.split('%');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).unwrap()
}

pub(crate) fn reply(status: u16, body: impl Into<String>) -> HttpResponse {
    HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body.into()))
}

pub(crate) fn json(body: &Value) -> HttpResponse {
    reply(200, body.to_string())
}

/// A failure as ECS reports it.
pub(crate) fn json_error(status: u16, code: &str, message: &str) -> HttpResponse {
    reply(
        status,
        serde_json::json!({"__type": code, "message": message}).to_string(),
    )
}

/// A failure as Elastic Load Balancing and Route 53 report it.
pub(super) fn xml_error(status: u16, code: &str, message: &str) -> HttpResponse {
    reply(
        status,
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
             <RequestId>r-1</RequestId></ErrorResponse>"
        ),
    )
}
