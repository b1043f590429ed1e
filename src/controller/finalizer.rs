//! Finalizers: who may go, and who may not yet.
//!
//! kube's own `finalizer()` adds one before anything else. Ours is added just before the first write, so that an App
//! that never made anything can be deleted whatever state AWS is in. Every patch names the version that was looked at: a
//! newer one is planned anew.

use std::fmt::Debug;

use async_trait::async_trait;
use kube::api::{Api, Patch, PatchParams};
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::context::Context;
use super::report::{api_of, is_gone, words};
use super::resolve::RECORD_ANNOTATION;
use crate::api::app::{App, PlatformRecord};
use crate::error::Error;
use crate::reconcile::BeforeWrites;

/// On every App that holds, or is about to make, anything.
pub(super) const APP_FINALIZER: &str = "empire.dev/controller";
/// On every Platform: while Apps hold anything there, it is needed to take it down.
pub(super) const PLATFORM_FINALIZER: &str = "empire.dev/platform";

pub(super) fn has_finalizer(object: &impl ResourceExt, finalizer: &str) -> bool {
    object.finalizers().iter().any(|known| known == finalizer)
}

/// Puts the finalizer on an App and records its Platform, before anything is made for it.
pub(super) struct Hold<'a> {
    pub app: &'a App,
    pub record: &'a PlatformRecord,
    pub context: &'a Context,
}

#[async_trait]
impl BeforeWrites for Hold<'_> {
    async fn before_writes(&self) -> Result<(), Error> {
        let record = serde_json::to_string(self.record)
            .map_err(|error| Error::Bug(format!("a Platform's record is no JSON: {error}")))?;
        let recorded = self.app.annotations().get(RECORD_ANNOTATION) == Some(&record);
        let deleting = self.app.metadata.deletion_timestamp.is_some();
        if deleting || (has_finalizer(self.app, APP_FINALIZER) && recorded) {
            return Ok(());
        }
        let api: Api<App> = api_of(&self.context.client, self.app);
        let annotations = json!({ RECORD_ANNOTATION: record });
        patch(&api, self.app, with(self.app, APP_FINALIZER), annotations)
            .await
            .map_err(|error| failed(&error))?;
        self.context.wake_platform(&self.record.name);
        Ok(())
    }

    fn is_stopping(&self) -> bool {
        false
    }
}

/// Adds a finalizer to an object that has to stay until we let it go.
pub(super) async fn hold<K>(api: &Api<K>, object: &K, finalizer: &str) -> Result<(), Error>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    if has_finalizer(object, finalizer) {
        return Ok(());
    }
    let held = patch(api, object, with(object, finalizer), Value::Null).await;
    held.map_err(|error| failed(&error))
}

/// Takes the finalizer away: nothing is left, and the object may go.
pub(super) async fn release<K>(api: &Api<K>, object: &K, finalizer: &str) -> Result<(), Error>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let others = object.finalizers().iter().filter(|known| *known != finalizer);
    match patch(api, object, others.cloned().collect(), Value::Null).await {
        Ok(()) => Ok(()),
        Err(error) if is_gone(&error) => Ok(()),
        Err(error) => Err(failed(&error)),
    }
}

fn with(object: &impl ResourceExt, finalizer: &str) -> Vec<String> {
    let mut finalizers = object.finalizers().to_vec();
    if !has_finalizer(object, finalizer) {
        finalizers.push(finalizer.into());
    }
    finalizers
}

async fn patch<K>(api: &Api<K>, object: &K, finalizers: Vec<String>, annotations: Value) -> kube::Result<()>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let mut metadata = json!({
        "resourceVersion": object.resource_version(),
        "finalizers": finalizers,
    });
    if !annotations.is_null() {
        metadata["annotations"] = annotations;
    }
    let patch = json!({ "metadata": metadata });
    api.patch_metadata(&object.name_any(), &PatchParams::default(), &Patch::Merge(patch))
        .await?;
    Ok(())
}

fn failed(error: &kube::Error) -> Error {
    Error::Kubernetes {
        action: "patch the finalizers",
        message: words(error),
    }
}
