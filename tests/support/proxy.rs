//! A reverse proxy in front of an AWS emulator that knows each call by name: it tells reads from writes, keeps a list of
//! the writes, and can hold one of them back, before or after it takes effect, for a test that kills its sender then.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// Lives as long as the async runtime it was started in.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

struct Shared {
    emulator: String,
    client: Client<HttpConnector, Body>,
    calls: Mutex<Calls>,
    held: Notify,
}

#[derive(Default)]
struct Calls {
    reads: HashMap<String, usize>,
    writes: Vec<String>,
    hold: Option<Hold>,
}

/// Which write never gets its reply.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hold {
    /// That many are let through first.
    pub(crate) after: usize,
    /// Whether AWS gets to see it.
    pub(crate) takes_effect: bool,
}

impl Proxy {
    pub(crate) async fn start(emulator: &str) -> Self {
        let shared = Arc::new(Shared {
            emulator: emulator.into(),
            client: Client::builder(TokioExecutor::new()).build_http(),
            calls: Mutex::default(),
            held: Notify::new(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(pass).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Proxy { url, shared }
    }

    /// The writes since this was last asked, in order, those without a reply included.
    pub(crate) fn take_writes(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.calls.lock().unwrap().writes)
    }

    /// How often something was read since the start.
    pub(crate) fn reads(&self, call: &str) -> usize {
        let calls = self.shared.calls.lock().unwrap();
        calls.reads.get(call).copied().unwrap_or_default()
    }

    /// From now on counts writes anew, and holds one.
    pub(crate) fn hold(&self, hold: Hold) {
        self.shared.calls.lock().unwrap().hold = Some(hold);
    }

    /// Waits until the write in question is held, and lets later ones pass. False if it does not come within a minute.
    pub(crate) async fn holds(&self) -> bool {
        tokio::time::timeout(Duration::from_mins(1), self.shared.held.notified())
            .await
            .is_ok()
    }
}

async fn pass(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (mut head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let call = name(&head, &body);
    let hold = shared.calls.lock().unwrap().count(&call);
    if hold.is_some_and(|hold| !hold.takes_effect) {
        shared.held.notify_one();
        std::future::pending::<()>().await;
    }
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = format!("{}{path}", shared.emulator).parse::<Uri>().unwrap();
    let reply = shared
        .client
        .request(Request::from_parts(head, Body::from(body)))
        .await;
    if hold.is_some() {
        shared.held.notify_one();
        std::future::pending::<()>().await;
    }
    match reply {
        Ok(reply) => reply.map(Body::new),
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

impl Calls {
    /// Notes a call, and says whether it is the one to hold.
    fn count(&mut self, call: &str) -> Option<Hold> {
        if ["Describe", "List", "Get"]
            .iter()
            .any(|verb| call.starts_with(verb))
        {
            *self.reads.entry(call.into()).or_default() += 1;
            return None;
        }
        self.writes.push(call.into());
        let hold = self.hold.as_mut()?;
        if hold.after == 0 {
            return self.hold.take();
        }
        hold.after -= 1;
        None
    }
}

/// The operation: a header in ECS's protocol, a form field in Elastic Load Balancing's, method and path in those of
/// Route 53 and EventBridge Scheduler.
fn name(head: &Parts, body: &[u8]) -> String {
    if let Some(target) = head.headers.get("x-amz-target") {
        let target = target.to_str().unwrap();
        return target.rsplit('.').next().unwrap().into();
    }
    let form = String::from_utf8_lossy(body);
    if let Some(action) = form.split('&').find_map(|field| field.strip_prefix("Action=")) {
        return action.into();
    }
    let path = head.uri.path().trim_end_matches('/');
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (&head.method, segments.as_slice()) {
        (&Method::GET, ["schedules"]) => return "ListSchedules".into(),
        (&Method::GET, ["schedules", ..]) => return "GetSchedule".into(),
        (&Method::POST, ["schedules", ..]) => return "CreateSchedule".into(),
        (&Method::PUT, ["schedules", ..]) => return "UpdateSchedule".into(),
        (&Method::DELETE, ["schedules", ..]) => return "DeleteSchedule".into(),
        (&Method::GET, ["schedule-groups", ..]) => return "GetScheduleGroup".into(),
        (&Method::POST, ["schedule-groups", ..]) => return "CreateScheduleGroup".into(),
        (&Method::GET, ["tags", ..]) => return "ListTagsForResource".into(),
        _ => {}
    }
    match (&head.method, path.ends_with("/rrset")) {
        (&Method::GET, true) => "ListResourceRecordSets".into(),
        (&Method::GET, false) => "GetHostedZone".into(),
        (_, true) => "ChangeResourceRecordSets".into(),
        (method, false) => format!("{method} {path}"),
    }
}
