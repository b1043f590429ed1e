//! Finalizers: who may go, and who may not yet.
//!
//! kube's own `finalizer()` adds one before anything else. Ours is added just before the first write, so that an App
//! that never made anything can be deleted whatever state AWS is in.

use std::fmt::Debug;
use std::sync::OnceLock;
use std::time::Instant;

use async_trait::async_trait;
use kube::api::{Api, Patch, PatchParams};
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::context::{Context, object_at};
use super::kubernetes::{failed, is_gone};
use super::memory::Key;
use super::report::{MANAGER, api_of};
use crate::api::app::{App, PlatformRecord};
use crate::api::platform::Platform;
use crate::error::Error;
use crate::pass::{APP_FINALIZER, RECORD_ANNOTATION, has_finalizer, recorded, version};
use crate::reconcile::{BeforeWrites, Permission};

/// On every Platform: while Apps hold anything there, it is needed to take it down.
pub(super) const PLATFORM_FINALIZER: &str = "empire.dev/platform";

/// Puts the finalizer on an App and records its Platform, before anything is made for it.
pub(super) struct Hold<'a> {
    pub app: &'a App,
    pub key: &'a Key,
    pub record: &'a PlatformRecord,
    pub context: &'a Context,
    /// When this pass asked for its first write.
    pub since: OnceLock<Instant>,
}

#[async_trait]
impl BeforeWrites for Hold<'_> {
    async fn before_writes(&self) -> Result<(), Error> {
        let record = serde_json::to_string(self.record)
            .map_err(|error| Error::Bug(format!("a Platform's record is no JSON: {error}")))?;
        let is_recorded = self.app.annotations().get(RECORD_ANNOTATION) == Some(&record);
        // What the cache shows may be older than what we did last.
        let held = has_finalizer(&self.app.metadata, APP_FINALIZER) && !self.is_outdated();
        if self.app.metadata.deletion_timestamp.is_some() || (held && is_recorded) {
            return Ok(());
        }
        let api: Api<App> = api_of(&self.context.client, self.app);
        let metadata = json!({
            "finalizers": [APP_FINALIZER],
            "annotations": { RECORD_ANNOTATION: record },
        });
        self.remember(apply(&api, self.app, metadata).await?);
        if recorded(self.app).is_none() && self.platform_is_going().await? {
            // It counted its Apps before we were one.
            self.remember(apply(&api, self.app, json!({})).await?);
            return Err(Error::Outdated {
                action: "hold the Platform",
            });
        }
        self.context.wake.platform(&self.record.name);
        Ok(())
    }

    fn permission(&self) -> Permission {
        let writing = *self.since.get_or_init(Instant::now);
        if self.context.is_stopping() {
            Permission::Stop
        } else if self
            .context
            .wake
            .apps
            .is_over(&object_at(self.key), writing.elapsed())
        {
            Permission::Yield
        } else {
            Permission::Go
        }
    }
}

impl Hold<'_> {
    fn is_outdated(&self) -> bool {
        let uid = self.app.metadata.uid.as_deref();
        let memories = &self.context.memories;
        let done = memories.change(self.key, uid, |memory| memory.finalized.clone());
        version(done.as_deref()) > version(self.app.metadata.resource_version.as_deref())
    }

    fn remember(&self, done: Option<String>) {
        let uid = self.app.metadata.uid.as_deref();
        self.context
            .memories
            .change(self.key, uid, |memory| memory.finalized = done);
    }

    async fn platform_is_going(&self) -> Result<bool, Error> {
        let api: Api<Platform> = Api::all(self.context.client.clone());
        let live = api
            .get_metadata_opt(&self.record.name)
            .await
            .map_err(failed("get the Platform"))?;
        Ok(live.is_none_or(|platform| platform.metadata.deletion_timestamp.is_some()))
    }
}

/// Adds a finalizer to an object that has to stay until we let it go.
pub(super) async fn hold<K>(api: &Api<K>, object: &K, finalizer: &str) -> Result<(), Error>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    if has_finalizer(object.meta(), finalizer) {
        return Ok(());
    }
    apply(api, object, json!({ "finalizers": [finalizer] }))
        .await
        .map(|_| ())
}

/// Takes the finalizer away: nothing is left, and the object may go.
pub(super) async fn release<K>(api: &Api<K>, object: &K, finalizer: &str) -> Result<(), Error>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let failed = failed("remove the finalizer");
    let live = api.get_metadata_opt(&object.name_any()).await.map_err(&failed)?;
    let Some(live) =
        live.filter(|live| live.uid() == object.uid() && has_finalizer(&live.metadata, finalizer))
    else {
        return Ok(());
    };
    // By version: somebody else's finalizer, added in the meantime, must not be lost. And not by apply, which would
    // leave one there that somebody applied together with us.
    let others: Vec<&String> = live
        .finalizers()
        .iter()
        .filter(|known| *known != finalizer)
        .collect();
    let patch = json!({ "metadata": {
        "resourceVersion": live.resource_version(),
        "finalizers": others,
    }});
    let patched = api
        .patch_metadata(&object.name_any(), &PatchParams::default(), &Patch::Merge(patch))
        .await;
    match patched {
        Ok(_) => Ok(()),
        Err(error) if is_gone(&error) => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

/// Applies our part of an object's metadata, and no more; with the UID, so that no other object of that name is meant.
/// Gives the version that this makes.
async fn apply<K>(api: &Api<K>, object: &K, mut metadata: Value) -> Result<Option<String>, Error>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    metadata["name"] = json!(object.name_any());
    metadata["uid"] = json!(object.uid());
    let patch = json!({
        "apiVersion": K::api_version(&()),
        "kind": K::kind(&()),
        "metadata": metadata,
    });
    let parameters = PatchParams::apply(MANAGER).force();
    let patched = api
        .patch_metadata(&object.name_any(), &parameters, &Patch::Apply(patch))
        .await
        .map_err(failed("add the finalizer"))?;
    Ok(patched.resource_version())
}
