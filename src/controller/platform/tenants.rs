//! The Apps that live on Platforms, as far as a Platform cares.

use kube::api::{Api, ListParams};
use kube::core::DeserializeGuard;
use kube::{CustomResourceExt, Resource, ResourceExt};

use crate::api::app::App;
use crate::controller::context::Context;
use crate::controller::kubernetes::failed;
use crate::controller::kubernetes::uninstall;
use crate::error::Error;
use crate::model::owner::AppName;
use crate::pass::{APP_FINALIZER, annotated, has_finalizer, recorded, reports_holdings};

/// An App, as far as a Platform cares.
pub(in crate::controller) struct Tenant {
    pub app: AppName,
    /// The name of the Platform that it is bound to.
    pub platform: Option<String>,
    /// True if it holds, or may hold, anything.
    pub holds: bool,
    pub is_deleted: bool,
}

impl Tenant {
    fn of(guard: &DeserializeGuard<App>) -> Self {
        let (record, reports) = match &guard.0 {
            Ok(app) => (recorded(app), reports_holdings(app)),
            Err(invalid) => (annotated(&invalid.metadata), false),
        };
        Tenant {
            app: AppName {
                namespace: guard.meta().namespace.clone().unwrap_or_default(),
                name: guard.name_any(),
            },
            platform: record.map(|record| record.name),
            // A `kubectl replace` drops the finalizer, for as long as it takes its App to notice.
            holds: reports || has_finalizer(guard.meta(), APP_FINALIZER),
            is_deleted: guard.meta().deletion_timestamp.is_some(),
        }
    }

    pub(in crate::controller) fn is_at(&self, platform: &str) -> bool {
        self.holds && self.platform.as_deref() == Some(platform)
    }
}

/// Returns all Apps as they were last seen.
pub(in crate::controller) fn tenants(context: &Context) -> Vec<Tenant> {
    let apps = context.caches.apps.state();
    apps.iter().map(|app| Tenant::of(app)).collect()
}

/// Reads all Apps live, since the cache may miss the newest. Where their definition is gone, there is none.
pub(in crate::controller) async fn live(context: &Context) -> Result<Vec<Tenant>, Error> {
    let apps: Api<DeserializeGuard<App>> = Api::all(context.client.clone());
    let keep = |app| Some(Tenant::of(&app));
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

/// Asks whether an App is there.
pub(in crate::controller) async fn is_there(context: &Context, app: &AppName) -> Result<bool, Error> {
    let api: Api<App> = Api::namespaced(context.client.clone(), &app.namespace);
    let found = api.get_metadata_opt(&app.name).await;
    Ok(found.map_err(failed("get an App"))?.is_some())
}
