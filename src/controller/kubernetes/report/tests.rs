//! The Events of a pass.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tower_service::Service;

use super::{EventType, Note, NoteReason, changes, patch_status, warning};
use crate::api::condition::Reason;
use crate::change::{Change, PortWrite, ServiceWrite, Tagged, TagsWrite};
use crate::controller::memory::lock;
use crate::desired::fixtures::app;
use crate::model::owner::Tags;
use crate::plan::fixtures::{claim, owner};

fn release(process: &str, port: u16) -> Change {
    PortWrite::Release(claim(port, &owner(), process, 8080)).into()
}

fn take(process: &str, port: u16) -> Change {
    PortWrite::Claim(claim(port, &owner(), process, 8080)).into()
}

fn delete(process: &str) -> Change {
    Change::of(
        process,
        ServiceWrite::Delete {
            service: format!("s-{process}"),
        },
    )
}

fn tag(resource: &str) -> Change {
    TagsWrite::Add {
        resources: vec![Tagged::LoadBalancer(resource.into())],
        tags: Tags::from([("k".into(), "v".into())]),
    }
    .into()
}

#[test]
fn a_pass_that_wrote_nothing_says_nothing() {
    assert_eq!(changes(&[]), []);
}

#[test]
fn one_event_for_each_process_and_kind_of_change() {
    let done = [
        take("web", 9001),
        delete("worker"),
        tag("l-1"),
        take("web", 9002),
        release("web", 9003),
        take("api", 9004),
        tag("l-2"),
    ];
    let notes: Vec<_> = changes(&done)
        .into_iter()
        .map(|note| (note.reason.as_str(), note.text))
        .collect();
    let expected = [
        ("Updated", "tag l-1 with k=v; tag l-2 with k=v"),
        (
            "Created",
            "process api: claim host port 9004 for container port 8080",
        ),
        (
            "Created",
            "process web: claim host port 9001 for container port 8080; claim host port 9002 for container port 8080",
        ),
        (
            "Deleted",
            "process web: release host port 9003 of container port 8080",
        ),
        ("Deleted", "process worker: delete service s-worker"),
    ];
    assert_eq!(notes, expected.map(|(reason, text)| (reason, text.to_owned())));
}

#[test]
fn what_was_done_is_normal_and_what_is_wrong_a_warning() {
    assert!(
        changes(&[delete("web")])
            .iter()
            .all(|note| note.kind == EventType::Normal)
    );
    assert_eq!(
        warning(Reason::Conflict, "in the way"),
        Note {
            kind: EventType::Warning,
            reason: NoteReason::Condition(Reason::Conflict),
            action: "Reconcile",
            text: "in the way".into(),
        }
    );
}

type Patches = Arc<Mutex<Vec<(String, Value)>>>;

/// An API server that refuses whole statuses with this code, and takes everything else.
struct Refusing {
    code: u16,
    patches: Patches,
}

impl Service<Request<Body>> for Refusing {
    type Response = Response<Body>;
    type Error = kube::Error;
    type Future = BoxFuture<'static, kube::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<kube::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (patches, code) = (self.patches.clone(), self.code);
        async move {
            let (head, body) = request.into_parts();
            let kind = head.headers[CONTENT_TYPE].to_str().unwrap().to_owned();
            let is_whole = kind.contains("apply-patch");
            let body = body.collect().await.unwrap().to_bytes();
            lock(&patches).push((kind, serde_json::from_slice(&body).unwrap()));
            let refusal = json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code,
                "reason": "RequestEntityTooLarge", "message": "Request entity too large: limit is 3145728",
            });
            let taken = json!({
                "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
                "metadata": { "name": "acme", "namespace": "shop" },
            });
            let (code, reply) = if is_whole { (code, refusal) } else { (200, taken) };
            let reply = Body::from(reply.to_string().into_bytes());
            Ok(Response::builder().status(code).body(reply).unwrap())
        }
        .boxed()
    }
}

#[tokio::test]
async fn of_a_status_that_is_refused_as_a_whole_it_is_written_whether_it_is_ready() {
    let app = app(json!({ "web": { "command": "./bin/web" } }));
    let status = json!({
        "observedGeneration": 7,
        "conditions": [{ "type": "Ready", "status": "False", "reason": "Denied", "message": "not now" },
                       { "type": "Stalled", "status": "True", "reason": "Denied", "message": "not now" }],
        "processes": [{ "name": "web" }],
    });
    for (code, falls_back) in [
        (413, true),
        (422, true),
        (500, true),
        (403, false),
        (409, false),
        (503, false),
    ] {
        let patches = Patches::default();
        let server = Refusing {
            code,
            patches: patches.clone(),
        };
        let client = Client::new(server, "default");
        let refused = patch_status(&client, &app, &status).await;
        assert!(refused.is_err(), "it is tried again: {code}");
        let patches = lock(&patches);
        assert_eq!(patches.len(), 1 + usize::from(falls_back), "{code}: {patches:?}");
        let Some((kind, written)) = patches.get(1) else {
            continue;
        };
        assert_eq!(kind, "application/merge-patch+json");
        assert_eq!(
            written["status"],
            json!({
                "conditions": [{
                    "type": "Ready", "status": "False", "reason": "Denied",
                    "message": "not now; the rest of this status is older, since it cannot be written: Request entity too \
                                large: limit is 3145728",
                }],
            })
        );
    }
}
