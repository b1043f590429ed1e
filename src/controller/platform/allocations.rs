//! The host ports of a Platform: claimed where they are in use, freed where their App is gone, and counted.

use std::collections::BTreeSet;

use tracing::{info, warn};

use super::Pass;
use crate::api::platform::HostPortCounts;
use crate::aws::Account;
use crate::claims::Claims;
use crate::controller::context::Context;
use crate::controller::kubernetes::claims::KubeClaims;
use crate::controller::platform::ports::{self, StillGone};
use crate::controller::platform::tenants::{self, Tenant};
use crate::error::Error;
use crate::model::desired::Place;
use crate::model::exclusive::Exclusive;
use crate::model::owner::{AppName, Owner};
use crate::model::port::PortRange;

impl Pass<'_> {
    /// Sees to the claims that no App's own pass looks after, and counts. `None` without host ports.
    pub(super) async fn allocations(
        &self,
        aws: &dyn Account,
        place: &Place,
        installation: &str,
        tenants: &[Tenant],
    ) -> Result<Option<HostPortCounts>, Error> {
        let (platform, context) = (self.platform, self.context);
        let Some(range) = place.host_ports else {
            return Ok(None);
        };
        let claims = KubeClaims {
            client: &context.client,
            platform,
            cache: &context.claims,
        };
        let taken = || {
            let unread = Error::Kubernetes {
                action: "list PortAllocations",
                message: "their first list is not complete".into(),
            };
            claims.taken(&place.platform).ok_or(unread)
        };
        taken()?;
        if !context.ports.are_recovered(platform) {
            let belongs = |app: &AppName, port: u16| {
                let tenant = tenants.iter().find(|tenant| &tenant.app == app);
                // After a restore from manifests, Apps are bound to no Platform yet.
                tenant
                    .and_then(|tenant| tenant.platform.as_ref())
                    .map_or_else(|| range.contains(port), |bound| *bound == place.platform)
            };
            let recovered = ports::recover(aws, &claims, place, installation, belongs).await?;
            info!(
                platform = place.platform,
                recovered, "claimed the host ports in use"
            );
            context.ports.set_recovered(platform);
            context.wake.apps(context.caches.apps_concerned(&place.platform));
        }
        if self.sweep(aws, &claims, place, installation, tenants).await? {
            let released = [Exclusive::HostPort(place.platform.clone())];
            context.wake_waiting(&released.into(), None);
        }
        Ok(Some(counts(range, &*taken()?)))
    }

    /// Frees the claims of Apps that are gone; says whether any was. One App's trouble is logged, and tried again at the
    /// next look: it is neither the Platform's nor another App's.
    async fn sweep(
        &self,
        aws: &dyn Account,
        claims: &dyn Claims,
        place: &Place,
        installation: &str,
        tenants: &[Tenant],
    ) -> Result<bool, Error> {
        let mut gone = self.context.claims.holders(&place.platform);
        for tenant in tenants {
            gone.remove(&tenant.app);
        }
        let mut freed = false;
        for app in &gone {
            let owner = Owner {
                installation: installation.into(),
                app: app.clone(),
            };
            let still_gone = Gone {
                app,
                context: self.context,
            };
            match ports::sweep(aws, claims, place, owner, &still_gone).await {
                Ok(some) => freed |= some,
                Err(error) => warn!(%app, %error, "could not free the host ports of an App that is gone"),
            }
        }
        Ok(freed)
    }
}

struct Gone<'a> {
    app: &'a AppName,
    context: &'a Context,
}

#[async_trait::async_trait]
impl StillGone for Gone<'_> {
    async fn is_still_gone(&self) -> Result<bool, Error> {
        Ok(!tenants::is_there(self.context, self.app).await?)
    }
}

fn counts(range: PortRange, taken: &BTreeSet<u16>) -> HostPortCounts {
    let within = taken.iter().filter(|port| range.contains(**port)).count();
    let allocated = i32::try_from(taken.len()).unwrap_or(i32::MAX);
    let within = i32::try_from(within).unwrap_or(i32::MAX);
    HostPortCounts {
        allocated,
        available: i32::try_from(range.size()).unwrap_or(i32::MAX) - within,
    }
}
