//! A reverse proxy in front of an AWS emulator that knows each call by name: it has each judged before it goes on, tells
//! reads from writes, keeps a list of the writes, and can hold one of them back, before or after it takes effect, for a
//! test that kills its sender then.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::judge::judge;

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
    released: Notify,
}

#[derive(Default)]
struct Calls {
    reads: HashMap<String, usize>,
    writes: Vec<String>,
    /// The reads and writes of each controller, by the key that it signs with.
    by_key: HashMap<String, (usize, Vec<String>)>,
    faults: BTreeSet<String>,
    needs: BTreeSet<String>,
    answers: HashMap<String, Answer>,
    hold: Option<Hold>,
    delay: Duration,
}

type Answer = Box<dyn FnMut() -> (StatusCode, String) + Send>;

/// A write that never gets its reply.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hold {
    /// That many are let through first.
    pub(crate) after: usize,
    /// True if it reaches AWS.
    pub(crate) takes_effect: bool,
}

impl Proxy {
    pub(crate) async fn start(emulator: &str) -> Self {
        let shared = Arc::new(Shared {
            emulator: emulator.into(),
            client: Client::builder(TokioExecutor::new()).build_http(),
            calls: Mutex::default(),
            held: Notify::new(),
            released: Notify::new(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(pass).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Proxy { url, shared }
    }

    /// Where the emulator itself is, for what the controller does not do.
    pub(crate) fn emulator(&self) -> &str {
        &self.shared.emulator
    }

    /// The writes since this was last asked, in order, those without a reply included.
    pub(crate) fn take_writes(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.calls.lock().unwrap().writes)
    }

    /// Returns the number of reads since the start, and the writes, that were signed with a key.
    pub(crate) fn calls_of(&self, key: &str) -> (usize, Vec<String>) {
        let calls = self.shared.calls.lock().unwrap();
        calls.by_key.get(key).cloned().unwrap_or_default()
    }

    /// Lets the write that is held reach AWS at last, if it has not.
    pub(crate) fn release(&self) {
        self.shared.released.notify_one();
    }

    /// Returns the number of reads of a kind since the start.
    pub(crate) fn reads(&self, call: &str) -> usize {
        let calls = self.shared.calls.lock().unwrap();
        calls.reads.get(call).copied().unwrap_or_default()
    }

    /// From now on answers a call in place of the emulator, which does not know what AWS would say.
    pub(crate) fn answer(&self, call: &str, status: StatusCode, body: &impl ToString) {
        let body = body.to_string();
        self.answer_each(call, move || (status, body.clone()));
    }

    /// As [`Self::answer`], each time anew.
    pub(crate) fn answer_each(
        &self,
        call: &str,
        answer: impl FnMut() -> (StatusCode, String) + Send + 'static,
    ) {
        let mut calls = self.shared.calls.lock().unwrap();
        calls.answers.insert(call.into(), Box::new(answer));
    }

    /// From now on lets each call wait for so long before it goes on.
    pub(crate) fn delay(&self, delay: Duration) {
        self.shared.calls.lock().unwrap().delay = delay;
    }

    /// From now on passes a call on to the emulator again.
    pub(crate) fn pass_on(&self, call: &str) {
        self.shared.calls.lock().unwrap().answers.remove(call);
    }

    /// Returns the faults for which AWS would have refused requests since the start, each once.
    pub(crate) fn faults(&self) -> BTreeSet<String> {
        self.shared.calls.lock().unwrap().faults.clone()
    }

    /// Returns what of `deploy/iam` was needed since this was last asked.
    pub(crate) fn take_needs(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.shared.calls.lock().unwrap().needs)
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

/// A request that has arrived takes effect, though its sender is killed meanwhile.
async fn pass(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    tokio::spawn(forward(shared, request)).await.unwrap()
}

async fn forward(shared: Arc<Shared>, request: Request) -> Response {
    let (mut head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let asked = described(&shared.emulator, &head, &body);
    let verdict = tokio::task::spawn_blocking(move || judge(&asked)).await.unwrap();
    let (hold, answer, delay) = {
        let mut calls = shared.calls.lock().unwrap();
        calls.faults.extend(verdict.faults);
        // An App whose status was lost looks if it is scaled, and goes on without an answer.
        if verdict.operation != "DescribeScalableTargets" {
            calls.needs.extend(verdict.needs);
        }
        let answer = calls.answers.get_mut(&verdict.operation).map(|answer| answer());
        calls.note(&head, &verdict.operation);
        (calls.count(&verdict.operation), answer, calls.delay)
    };
    tokio::time::sleep(delay).await;
    if let Some((status, body)) = answer {
        return (status, body).into_response();
    }
    if hold.is_some_and(|hold| !hold.takes_effect) {
        shared.held.notify_one();
        shared.released.notified().await;
    }
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = format!("{}{path}", shared.emulator).parse::<Uri>().unwrap();
    let reply = shared
        .client
        .request(Request::from_parts(head, Body::from(body)))
        .await;
    if hold.is_some_and(|hold| hold.takes_effect) {
        shared.held.notify_one();
        std::future::pending::<()>().await;
    }
    match reply {
        Ok(reply) => reply.map(Body::new),
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

impl Calls {
    fn note(&mut self, head: &Parts, call: &str) {
        let signed = head
            .headers
            .get("authorization")
            .and_then(|value| value.to_str().ok());
        let key = signed.and_then(|signed| signed.split_once("Credential=")?.1.split('/').next());
        let (reads, writes) = self.by_key.entry(key.unwrap_or_default().into()).or_default();
        if is_read(call) {
            *reads += 1;
        } else {
            writes.push(call.into());
        }
    }

    /// Notes a call, and says whether it is the one to hold.
    fn count(&mut self, call: &str) -> Option<Hold> {
        if is_read(call) {
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

fn is_read(call: &str) -> bool {
    ["Describe", "List", "Get"]
        .iter()
        .any(|verb| call.starts_with(verb))
}

/// A request as the judge reads it.
fn described(emulator: &str, head: &Parts, body: &[u8]) -> Value {
    let headers: HashMap<&str, &str> = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    json!({
        "endpoint": emulator,
        "method": head.method.as_str(),
        "target": head.uri.to_string(),
        "headers": headers,
        "body": str::from_utf8(body).unwrap(),
    })
}
