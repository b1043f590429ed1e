//! Apps that are deleted in circumstances that are not: whose manifest cannot be read, or whose Platform is gone.

use kube::core::{ApiResource, DynamicObject, ObjectMeta};
use kube::runtime::controller::Action;
use kube::{Api, Client, ResourceExt};
use tracing::warn;

use super::{Pass, only_named};
use crate::api::app::{App, DeletionPolicy};
use crate::api::condition::Reason;
use crate::controller::finalizer::{self, APP_FINALIZER};
use crate::controller::kubernetes::failed;
use crate::controller::prepare::leaves_things_behind;
use crate::controller::report::{self, EventType, Note, api_of};
use crate::error::Error;
use crate::status::Verdict;

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
    app.spec.deletion_policy = (policy == Some("Retain")).then_some(DeletionPolicy::Retain);
    Ok(app)
}

impl Pass<'_> {
    /// What an App leaves behind can be left without its Platform, where nobody can find it to take our tags off.
    pub(super) fn needs_no_platform(&self, verdict: &Verdict) -> bool {
        self.deleting
            && leaves_things_behind(self.app)
            && matches!(verdict, Verdict::Reconciling(Reason::PlatformNotFound, _))
    }

    pub(super) async fn leave_unfound(&self) -> Result<Action, Error> {
        let text = "its Platform is gone: what this App has in AWS stays as it is, with our tags, its names with their \
                    ownership records";
        warn!(app = %self.key, "{text}");
        let note = Note {
            kind: EventType::Warning,
            reason: Reason::PlatformNotFound.as_str().into(),
            action: "Delete",
            text: text.into(),
        };
        report::publish(&self.context.client, self.app, vec![note]).await;
        let api: Api<App> = api_of(&self.context.client, self.app);
        finalizer::release(&api, self.app, APP_FINALIZER).await?;
        self.context.forget(self.key);
        Ok(Action::await_change())
    }
}
