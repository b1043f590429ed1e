//! Writing the status patch and the Events of a pass. Both hold only what changed.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Instant;

use http::HeaderValue;
use http::header::ACCEPT;
use jiff::Timestamp;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, MicroTime};
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use kube::core::{NamespaceResourceScope, PartialObjectMeta, Request};
use kube::{Client, Resource, ResourceExt};
use serde::Serialize;
use serde_json::{Value, json};
use tracing::{debug, warn};

use super::error::{failed, is_gone, is_refused, message_of};
use crate::api::condition::Reason;
use crate::api::event::EventReason;
use crate::change::{Change, Verb};
use crate::controller::memory::{Published, Trouble};
use crate::error::Error;
use crate::status::{cut, without_requests};

pub(in crate::controller) const MANAGER: &str = "empire-controller";

/// <https://kubernetes.io/docs/reference/using-api/api-concepts/#metadata-only-fetches>
const METADATA: HeaderValue =
    HeaderValue::from_static("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::controller) enum EventType {
    Normal,
    Warning,
}

/// The reason of an Event: that of a condition, or one of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::controller) enum NoteReason {
    Condition(Reason),
    Event(EventReason),
}

impl NoteReason {
    fn as_str(self) -> &'static str {
        match self {
            NoteReason::Condition(reason) => reason.as_str(),
            NoteReason::Event(reason) => reason.as_str(),
        }
    }
}

/// One Event to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::controller) struct Note {
    pub kind: EventType,
    pub reason: NoteReason,
    pub action: &'static str,
    pub text: String,
}

/// One Event for each process and kind of change.
pub(in crate::controller) fn changes(done: &[Change]) -> Vec<Note> {
    let mut by_process: BTreeMap<(Option<&str>, Verb), Vec<String>> = BTreeMap::new();
    for change in done {
        by_process
            .entry((change.process(), change.verb()))
            .or_default()
            .push(change.to_string());
    }
    let note = |((process, verb), lines): ((Option<&str>, Verb), Vec<String>)| {
        let reason = match verb {
            Verb::Created => EventReason::Created,
            Verb::Updated => EventReason::Updated,
            Verb::Deleted => EventReason::Deleted,
        };
        let process = process
            .map(|process| format!("process {process}: "))
            .unwrap_or_default();
        Note {
            kind: EventType::Normal,
            reason: NoteReason::Event(reason),
            action: "Reconcile",
            text: format!("{process}{}", lines.join("; ")),
        }
    };
    by_process.into_iter().map(note).collect()
}

/// Publishes Events about an object, up to its [rate](crate::controller::memory::EventRates). Failing to write one fails
/// nothing.
///
/// kube's own recorder leaves the note out of its key, and would merge "created web" with "created worker".
pub(in crate::controller) async fn publish<K: Resource<DynamicType = ()>>(
    (client, published): (&Client, &Published),
    object: &K,
    notes: Vec<Note>,
) {
    // Events about cluster-scoped objects live in `default`.
    let namespace = object.namespace().unwrap_or_else(|| "default".into());
    let events: Api<Event> = Api::namespaced(client.clone(), &namespace);
    let uid = object.uid().unwrap_or_default();
    for note in notes {
        if !published
            .rates
            .take(&uid, note.kind == EventType::Warning, Instant::now())
        {
            debug!(
                object = object.name_any(),
                reason = note.reason.as_str(),
                text = note.text,
                "no Event: there were too many of this object"
            );
            continue;
        }
        let event = Event {
            metadata: ObjectMeta {
                // With a name of 253 characters it would be too long.
                name: Some(format!("{:.200}.{:016x}", object.name_any(), fastrand::u64(..))),
                namespace: Some(namespace.clone()),
                ..ObjectMeta::default()
            },
            event_time: Some(MicroTime(Timestamp::now())),
            type_: Some(match note.kind {
                EventType::Normal => "Normal".into(),
                EventType::Warning => "Warning".into(),
            }),
            reason: Some(note.reason.as_str().into()),
            action: Some(note.action.into()),
            note: Some(cut(&note.text)),
            reporting_controller: Some("empire.dev/controller".into()),
            reporting_instance: Some(MANAGER.into()),
            regarding: Some(object.object_ref(&())),
            ..Event::default()
        };
        if let Err(error) = events.create(&PostParams::default(), &event).await {
            warn!(
                error = message_of(&error),
                object = object.name_any(),
                "could not write an Event"
            );
        }
    }
}

/// Writes one Event for each trouble that is news, and returns their reasons. Those that the conditions spoke of before a
/// restart are none.
pub(in crate::controller) async fn tell<K: Resource<DynamicType = ()>>(
    (client, published): (&Client, &Published),
    key: &str,
    object: &K,
    before: &[Condition],
    troubles: &[Trouble],
) -> Vec<Reason> {
    let mut news = published.news(key, troubles);
    let said: Vec<String> = before
        .iter()
        .map(|before| without_requests(&before.message))
        .collect();
    news.retain(|(_, message)| {
        let message = without_requests(message);
        !said.iter().any(|said| said.contains(&message))
    });
    for (reason, message) in &news {
        warn!(object = key, reason = reason.as_str(), message, "trouble");
    }
    let notes = news.iter().map(|(reason, message)| warning(*reason, message));
    publish((client, published), object, notes.collect()).await;
    news.iter().map(|(reason, _)| *reason).collect()
}

/// A Warning about what is wrong.
fn warning(reason: Reason, text: &str) -> Note {
    Note {
        kind: EventType::Warning,
        reason: NoteReason::Condition(reason),
        action: "Reconcile",
        text: text.into(),
    }
}

/// Server-side apply, so that a field we no longer set goes away. Gives the object's new version; `None` if it is gone.
pub(in crate::controller) async fn patch_status<K, S>(
    client: &Client,
    object: &K,
    status: &S,
) -> Result<Option<String>, Error>
where
    K: Resource<DynamicType = ()>,
    S: Serialize,
{
    let body = json!({
        "apiVersion": K::api_version(&()),
        "kind": K::kind(&()),
        // With the UID, a status meant for an object that is gone cannot land on its successor.
        "metadata": { "name": object.name_any(), "uid": object.uid() },
        "status": status,
    });
    let parameters = PatchParams::apply(MANAGER).force();
    match patch(client, object, &parameters, &Patch::Apply(&body)).await {
        Ok(patched) => Ok(patched.resource_version()),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => {
            if is_refused(&error) {
                patch_ready(client, object, &body, &error).await;
            }
            Err(failed("patch the status")(error))
        }
    }
}

/// Writes at least whether an object is ready, where the API server does not take its status as a whole, such as one that is
/// too large: else the last one that it took would be believed for ever.
///
/// No other condition: what comes by another kind of patch stays when a later status leaves it out, and this one is in each.
async fn patch_ready<K>(client: &Client, object: &K, body: &Value, refused: &kube::Error)
where
    K: Resource<DynamicType = ()>,
{
    let conditions = body["status"]["conditions"].as_array();
    let is_ready = |condition: &&Value| condition["type"] == "Ready";
    let Some(ready) = conditions.and_then(|all| all.iter().find(is_ready)) else {
        return;
    };
    let why = cut(&format!(
        "; the rest of this status is older, since it cannot be written: {}",
        message_of(refused)
    ));
    let mut ready = ready.clone();
    if let Some(Value::String(message)) = ready.get_mut("message") {
        message.push_str(&why);
    }
    let body = json!({
        "metadata": { "uid": object.uid() },
        "status": { "conditions": [ready] },
    });
    let parameters = PatchParams {
        field_manager: Some(MANAGER.into()),
        ..PatchParams::default()
    };
    if let Err(error) = patch(client, object, &parameters, &Patch::Merge(body)).await {
        warn!(
            error = message_of(&error),
            object = object.name_any(),
            "could not write whether it is ready either"
        );
    }
}

/// Patches the status of an object. Only metadata is asked for in reply: the object can be large, and unreadable.
pub(in crate::controller) async fn patch<K>(
    client: &Client,
    object: &K,
    parameters: &PatchParams,
    patch: &Patch<impl Serialize + Debug>,
) -> kube::Result<PartialObjectMeta>
where
    K: Resource<DynamicType = ()>,
{
    let objects = Request::new(K::url_path(&(), object.namespace().as_deref()));
    let request = objects.patch_subresource("status", &object.name_any(), parameters, patch);
    let mut request = request.map_err(kube::Error::BuildRequest)?;
    request.headers_mut().insert(ACCEPT, METADATA);
    client.request(request).await
}

pub(in crate::controller) fn api_of<K>(client: &Client, object: &K) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    Api::namespaced(client.clone(), &object.namespace().unwrap_or_default())
}

#[cfg(test)]
mod tests;
