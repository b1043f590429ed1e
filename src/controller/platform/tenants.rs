//! The Apps that live on Platforms, as the cache shows them or the API server.

use kube::api::{Api, ListParams};
use kube::core::DeserializeGuard;
use kube::{CustomResourceExt, Resource, ResourceExt};

use crate::api::app::{App, PlatformRecord};
use crate::api::platform::Platform;
use crate::controller::context::Context;
use crate::controller::kubernetes::failed;
use crate::controller::kubernetes::uninstall;
use crate::controller::memory::app_key;
use crate::error::Error;
use crate::model::owner::AppName;
use crate::pass::platform::Tenant;
use crate::pass::{APP_FINALIZER, account, annotated, has_finalizer};
use crate::reconcile::platform::Registry;

fn tenant(app: &DeserializeGuard<App>) -> Tenant {
    Tenant::of(app.meta(), app.0.as_ref().ok())
}

/// Returns all Apps as they were last seen.
pub(super) fn tenants(context: &Context) -> Vec<Tenant> {
    let apps = context.caches.apps.state();
    apps.iter().map(|app| tenant(&app.outline())).collect()
}

/// Reads all Apps live, since the cache may miss the newest. Where their definition is gone, there is none.
pub(super) async fn live(context: &Context) -> Result<Vec<Tenant>, Error> {
    listed(context, |app| Some(tenant(&app))).await
}

/// Returns true if an App has the marks of one that holds something at this Platform, and no pass of this process has judged
/// yet if that is so: an older version may not have written it into the status.
pub(super) async fn has_unjudged(
    platform: &DeserializeGuard<Platform>,
    context: &Context,
) -> Result<bool, Error> {
    let Ok(platform) = &platform.0 else {
        return Ok(false);
    };
    let (name, account) = (platform.name_any(), account(platform));
    let keep = |app: DeserializeGuard<App>| {
        let is_its = |record: &PlatformRecord| record.name == name && record.account == account;
        let is_marked = has_finalizer(app.meta(), APP_FINALIZER)
            && annotated(app.meta()).is_some_and(|record| is_its(&record));
        (is_marked && !context.memories.is_judged(&app_key(&tenant(&app).app))).then_some(())
    };
    Ok(!listed(context, keep).await?.is_empty())
}

async fn listed<T>(
    context: &Context,
    keep: impl Fn(DeserializeGuard<App>) -> Option<T>,
) -> Result<Vec<T>, Error> {
    let apps: Api<DeserializeGuard<App>> = Api::all(context.client.clone());
    let (name, all) = (App::crd_name(), ListParams::default());
    uninstall::list(&apps, name, &context.client, &all, keep)
        .await
        .map_err(failed("list Apps"))
}

#[async_trait::async_trait]
impl Registry for Context {
    async fn is_there(&self, app: &AppName) -> Result<bool, Error> {
        let api: Api<App> = Api::namespaced(self.client.clone(), &app.namespace);
        let found = api.get_metadata_opt(&app.name).await;
        Ok(found.map_err(failed("get an App"))?.is_some())
    }
}
