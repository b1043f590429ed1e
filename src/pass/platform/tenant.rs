//! An App, as far as a Platform cares.

use kube::core::ObjectMeta;

use crate::api::app::App;
use crate::model::owner::AppName;
use crate::pass::binding::{
    APP_FINALIZER, annotated, has_finalizer, is_accepted, recorded, reports_holdings,
};

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
        let is_held = has_finalizer(metadata, APP_FINALIZER);
        let (record, holds) = match app {
            Some(app) => {
                let record = recorded(app);
                // Finalizer and annotation alone may be anybody's.
                let is_accepted = record
                    .as_ref()
                    .is_some_and(|record| is_accepted(app, &record.name));
                // A `kubectl replace` drops the finalizer, for as long as it takes its App to notice.
                (record, reports_holdings(app) || is_held && is_accepted)
            }
            None => (annotated(metadata), is_held),
        };
        Tenant {
            app: AppName {
                namespace: metadata.namespace.as_deref().unwrap_or_default().into(),
                name: metadata.name.as_deref().unwrap_or_default().into(),
            },
            platform: record.map(|record| record.name),
            holds,
            is_deleted: metadata.deletion_timestamp.is_some(),
        }
    }

    pub fn is_at(&self, platform: &str) -> bool {
        self.holds && self.platform.as_deref() == Some(platform)
    }
}

#[cfg(test)]
mod tests;
