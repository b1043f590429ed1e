//! Apps that are deleted in unusual circumstances: whose manifest cannot be read, whose Platform is gone, or whose
//! definition is being deleted.

use kube::core::{ApiResource, DynamicObject, ObjectMeta};
use kube::{Api, Client, ResourceExt};
use tracing::{info, warn};

use super::{Pass, only_named};
use crate::api::UNINSTALL_ANNOTATION;
use crate::api::app::{App, DeletionPolicy};
use crate::api::condition::Reason;
use crate::api::event::EventReason;
use crate::controller::context::Context;
use crate::controller::kubernetes::failed;
use crate::controller::kubernetes::finalizer;
use crate::controller::kubernetes::report::{EventType, Note, NoteReason, api_of};
use crate::controller::memory::Key;
use crate::controller::packed::PackedApp;
use crate::error::Error;
use crate::pass::{APP_FINALIZER, Requeue};

/// An App that cannot be decoded, as far as its deletion needs it: what it holds is found by its name alone, and whether
/// that stays can be read in any manifest.
pub(super) async fn undecoded(client: &Client, metadata: &ObjectMeta) -> Result<App, Error> {
    let mut app = only_named(metadata);
    let namespace = app.namespace().unwrap_or_default();
    let apps: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), &namespace, &ApiResource::erase::<App>(&()));
    let found = apps
        .get_opt(&app.name_any())
        .await
        .map_err(failed("get the App"))?;
    let policy = found
        .as_ref()
        .and_then(|found| found.data.pointer("/spec/deletionPolicy")?.as_str());
    app.spec.deletion_policy = match policy {
        Some("Retain") => Some(DeletionPolicy::Retain),
        Some("Delete") => Some(DeletionPolicy::Delete),
        Some(_) | None => None,
    };
    Ok(app)
}

/// Lets an App go without a look at AWS: its definition says to keep what is there. Needs nothing of the App but its name,
/// and no Platform.
pub(super) async fn keep(object: &PackedApp, key: &Key, context: &Context) -> Result<Requeue, Error> {
    let text = format!(
        "its definition is being deleted and says {UNINSTALL_ANNOTATION}: keep: what this App has in AWS stays as it is, with \
         our tags, its names with their ownership records"
    );
    info!(app = %key, "{text}");
    let note = Note {
        kind: EventType::Normal,
        reason: NoteReason::Event(EventReason::Kept),
        action: "Delete",
        text,
    };
    context.publish(object, vec![note]).await;
    finalizer::release(&api_of(&context.client, object), object, APP_FINALIZER).await?;
    context.forget(key);
    if let Some(record) = object.recorded() {
        context.wake.platform(&record.name);
    }
    Ok(Requeue::Never)
}

impl Pass<'_> {
    pub(super) async fn leave_unfound(&self) -> Result<(), Error> {
        let text = "its Platform is gone: what this App has in AWS stays as it is, with our tags, its names with their \
                    ownership records";
        warn!(app = %self.key, "{text}");
        let note = Note {
            kind: EventType::Warning,
            reason: NoteReason::Condition(Reason::PlatformNotFound),
            action: "Delete",
            text: text.into(),
        };
        self.context.publish(self.app, vec![note]).await;
        let api: Api<App> = api_of(&self.context.client, self.app);
        finalizer::release(&api, self.app, APP_FINALIZER).await?;
        self.context.forget(self.key);
        Ok(())
    }
}
