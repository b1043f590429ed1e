//! An App, as far as a Platform cares.

use kube::core::ObjectMeta;

use crate::api::app::App;
use crate::model::owner::AppName;
use crate::pass::binding::{APP_FINALIZER, annotated, has_finalizer, recorded, reports_holdings};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    pub app: AppName,
    /// The name of the Platform that it is bound to.
    pub platform: Option<String>,
    /// True if it holds, or may hold, anything.
    pub holds: bool,
    pub is_deleted: bool,
}

impl Tenant {
    /// Makes one of an App's metadata, and of the App where it can be read.
    pub fn of(metadata: &ObjectMeta, app: Option<&App>) -> Self {
        let (record, reports) = match app {
            Some(app) => (recorded(app), reports_holdings(app)),
            None => (annotated(metadata), false),
        };
        Tenant {
            app: AppName {
                namespace: metadata.namespace.clone().unwrap_or_default(),
                name: metadata.name.clone().unwrap_or_default(),
            },
            platform: record.map(|record| record.name),
            // A `kubectl replace` drops the finalizer, for as long as it takes its App to notice.
            holds: reports || has_finalizer(metadata, APP_FINALIZER),
            is_deleted: metadata.deletion_timestamp.is_some(),
        }
    }

    pub fn is_at(&self, platform: &str) -> bool {
        self.holds && self.platform.as_deref() == Some(platform)
    }
}
