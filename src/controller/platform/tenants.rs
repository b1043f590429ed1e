//! The Apps that live on Platforms, as the cache shows them or the API server.

use kube::api::{Api, ListParams};
use kube::core::DeserializeGuard;
use kube::{CustomResourceExt, Resource};

use crate::api::app::App;
use crate::controller::context::Context;
use crate::controller::kubernetes::failed;
use crate::controller::kubernetes::uninstall;
use crate::error::Error;
use crate::model::owner::AppName;
use crate::pass::platform::Tenant;
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
    let apps: Api<DeserializeGuard<App>> = Api::all(context.client.clone());
    let keep = |app| Some(tenant(&app));
    uninstall::list(
        &apps,
        App::crd_name(),
        &context.client,
        &ListParams::default(),
        keep,
    )
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
