//! A manifest, and what the App would be if it were applied: the API server is asked, with a dry run that it throws away.

use std::collections::BTreeSet;
use std::fmt::Write;

use kube::api::{Api, ApiResource, DynamicObject, PostParams};
use kube::core::{ObjectMeta, Request};
use kube::{Client, Resource, ResourceExt};
use serde_json::Value;

use super::Plan;
use crate::api::app::App;
use crate::cli::Failure;
use crate::controller::message_of;

/// Bytes: as much as the API server reads of a request.
pub(super) const MANIFEST_LIMIT: usize = 3 * 1024 * 1024;

/// The App of a manifest of one or more documents, by name if it holds several.
pub(super) fn find(manifest: &[u8], name: Option<&str>) -> Result<DynamicObject, String> {
    if manifest.len() > MANIFEST_LIMIT {
        return Err(format!("has more than {MANIFEST_LIMIT} bytes"));
    }
    let text = str::from_utf8(manifest).map_err(|error| format!("is no text: {error}"))?;
    // What it shows of the text below is for a file that somebody looks at.
    let first_line = |error: serde_saphyr::Error| {
        let error = error.to_string();
        error.lines().next().unwrap_or_default().to_owned()
    };
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(text).map_err(|error| format!("is no YAML: {}", first_line(error)))?;
    let is_app = |document: &Value| {
        document["kind"] == *App::kind(&()) && document["apiVersion"] == *App::api_version(&())
    };
    let documents: Vec<Value> = documents.into_iter().flat_map(items).collect();
    let kinds: BTreeSet<String> = documents.iter().filter_map(kind).collect();
    let mut apps = Vec::new();
    for document in documents.into_iter().filter(is_app) {
        let app: DynamicObject =
            serde_json::from_value(document).map_err(|error| format!("its App: {error}"))?;
        apps.push(app);
    }
    if let Some(name) = name {
        apps.retain(|app| app.name_any() == name);
    }
    let names: Vec<String> = apps.iter().map(ResourceExt::name_any).collect();
    match apps.pop() {
        Some(app) if apps.is_empty() => Ok(app),
        Some(_) => Err(format!("holds several Apps; name one of {}", names.join(", "))),
        None => {
            let mut message = format!("holds no App of {}", App::api_version(&()));
            if let Some(name) = name {
                let _ = write!(message, " named {name}");
            } else if !kinds.is_empty() {
                let kinds: Vec<String> = kinds.into_iter().collect();
                let _ = write!(message, ", but {}", kinds.join(", "));
            }
            Err(message)
        }
    }
}

/// The kind of a document and its version, if it says them.
fn kind(document: &Value) -> Option<String> {
    let (kind, version) = (document["kind"].as_str()?, document["apiVersion"].as_str()?);
    Some(format!("{kind} of {version}"))
}

/// A list, as kubectl prints several objects, is what it lists.
fn items(mut document: Value) -> Vec<Value> {
    match document.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => items,
        Some(_) | None => vec![document],
    }
}

/// The App as it would be in the cluster, with the status it has there.
pub(super) async fn as_applied(
    client: &Client,
    mut manifest: DynamicObject,
    plan: &Plan,
    namespace: &str,
    warnings: &mut Vec<String>,
) -> Result<App, Failure> {
    let theirs = manifest
        .metadata
        .namespace
        .get_or_insert_with(|| namespace.into());
    if let Some(ours) = &plan.cluster.namespace
        && ours != theirs
    {
        return Err(format!("says namespace {theirs}, and --namespace says {ours}").into());
    }
    let Some(name) = manifest.metadata.name.clone() else {
        return Err("its App has no metadata.name".into());
    };
    let kind = ApiResource::erase::<App>(&());
    let apps: Api<DynamicObject> = Api::namespaced_with(client.clone(), theirs, &kind);
    let live = apps.get_opt(&name).await.map_err(|error| message_of(&error))?;
    let is_new = live.is_none();
    let app = match live {
        Some(live) => edited(live, manifest),
        None => manifest,
    };
    let app = match dry_run(client, apps.resource_url(), &app, is_new).await {
        Ok(applied) => applied,
        Err(kube::Error::Api(status)) if status.is_forbidden() => {
            let message = &status.message;
            warnings.push(format!(
                "the API server was not asked whether the manifest is valid: {message}"
            ));
            app
        }
        Err(error) => return Err(message_of(&error).into()),
    };
    Ok(serde_json::from_value(serde_json::to_value(app)?)?)
}

/// An object as `kubectl apply` would leave it: the spec becomes the manifest's, annotations and labels come on top.
fn edited(live: DynamicObject, manifest: DynamicObject) -> DynamicObject {
    let ObjectMeta {
        labels, annotations, ..
    } = manifest.metadata;
    let mut object = live;
    object.labels_mut().extend(labels.into_iter().flatten());
    object.annotations_mut().extend(annotations.into_iter().flatten());
    if let (Some(fields), Value::Object(theirs)) = (object.data.as_object_mut(), manifest.data) {
        fields.retain(|field, _| field == "status");
        fields.extend(theirs.into_iter().filter(|(field, _)| field != "status"));
    }
    object
}

/// Returns an object as the API server would store it, validated as strictly as kubectl asks. Nothing is stored.
async fn dry_run(
    client: &Client,
    url: &str,
    object: &DynamicObject,
    is_new: bool,
) -> kube::Result<DynamicObject> {
    let parameters = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let body = serde_json::to_vec(object).map_err(kube::Error::SerdeError)?;
    let request = Request::new(url);
    let request = if is_new {
        request.create(&parameters, body)
    } else {
        request.replace(&object.name_any(), &parameters, body)
    };
    let mut request = request.map_err(kube::Error::BuildRequest)?;
    // kube knows this parameter of patches only.
    let strict = format!("{}&fieldValidation=Strict", request.uri());
    if let Ok(strict) = strict.parse() {
        *request.uri_mut() = strict;
    }
    client.request(request).await
}

#[cfg(test)]
mod tests;
