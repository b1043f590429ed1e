//! The permission to write for an App: its finalizer and its record stand before the first write, and each write is asked
//! for.

use std::sync::OnceLock;
use std::time::Instant;

use async_trait::async_trait;
use kube::api::Api;
use kube::{Resource, ResourceExt};
use serde_json::json;

use crate::api::app::{App, PlatformRecord};
use crate::api::platform::Platform;
use crate::controller::context::{Context, object_at};
use crate::controller::kubernetes::report::api_of;
use crate::controller::kubernetes::{failed, finalizer};
use crate::controller::memory::Key;
use crate::error::Error;
use crate::fence::may_go_on;
use crate::pass::platform::Tenant;
use crate::pass::{APP_FINALIZER, RECORD_ANNOTATION, has_finalizer, recorded, version};
use crate::reconcile::{BeforeWrites, Permission};

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
        // As the Platform's own pass counts it: finalizer and record of a backup without its status are not enough.
        let is_counted = Tenant::of(&self.app.metadata, Some(self.app)).is_at(&self.record.name);
        if self.app.metadata.deletion_timestamp.is_some() || (held && is_recorded && is_counted) {
            return Ok(());
        }
        let api: Api<App> = api_of(&self.context.client, self.app);
        let metadata = json!({
            "finalizers": [APP_FINALIZER],
            "annotations": { RECORD_ANNOTATION: record },
        });
        self.remember(finalizer::apply(&api, self.app, metadata).await?);
        if !is_counted && self.platform_is_going().await? {
            // It counted its Apps before we were one. What was there before this pass stays: the App may have something.
            if recorded(self.app).is_none() {
                self.remember(finalizer::apply(&api, self.app, json!({})).await?);
            }
            return Err(Error::Outdated {
                action: "hold the Platform",
            });
        }
        self.context.wake.platform(&self.record.name);
        Ok(())
    }

    fn permission(&self) -> Permission {
        let writing = *self.since.get_or_init(Instant::now);
        if self.context.is_stopping() || !may_go_on() || self.is_gone() {
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

    /// True if the App was removed from Kubernetes, for all that is known: what is made for it now would have no owner.
    fn is_gone(&self) -> bool {
        let cached = self.context.caches.apps.get(self.key);
        cached.is_none_or(|cached| cached.meta().uid != self.app.metadata.uid)
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
