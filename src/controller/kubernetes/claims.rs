//! Host port claims as `PortAllocation` objects. The object's name is the port, so the API server itself sees to it that
//! two owners never hold one.

mod cache;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use kube::api::{Api, DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams, Preconditions};
use kube::core::DeserializeGuard;
use kube::{Client, CustomResourceExt, Resource, ResourceExt};
use serde_json::json;

use self::cache::Allocation;
pub(crate) use self::cache::ClaimCache;
pub(in crate::controller) use self::cache::watch;
use super::error::{failed, is_gone};
use super::uninstall;
use super::watches::LARGE_PAGE;
use crate::api::app::App;
use crate::api::platform::Platform;
use crate::api::port_allocation::{AppReference, PortAllocation, PortAllocationSpec};
use crate::claims::{ClaimWrites, Claimed, Claims};
use crate::error::Error;
use crate::metrics::{Conflict, Metrics};
use crate::model::owner::AppName;
use crate::model::port::{Claim, PortOwner};

/// The label by which people, and an API server that cannot select by fields, list claims.
const PLATFORM_LABEL: &str = "empire.dev/platform";

pub(crate) struct KubeClaims<'a> {
    pub client: &'a Client,
    pub platform: &'a Platform,
    pub cache: &'a ClaimCache,
    pub metrics: &'a Metrics,
}

impl KubeClaims<'_> {
    fn api(&self) -> Api<Allocation> {
        Api::all(self.client.clone())
    }

    /// Fills the cache where no watch does.
    pub(crate) async fn fill(&self) -> Result<(), Error> {
        let found = self.list(self.on_platform()).await;
        self.cache.fill(&found.map_err(failed("list PortAllocations"))?);
        Ok(())
    }

    fn on_platform(&self) -> ListParams {
        ListParams::default().labels(&format!("{PLATFORM_LABEL}={}", self.platform.name_any()))
    }

    async fn held(&self, claim: &Claim) -> kube::Result<Option<Allocation>> {
        self.api().get_opt(&name_of(claim)).await
    }

    async fn list(&self, selector: ListParams) -> kube::Result<Vec<Allocation>> {
        let (selector, definition) = (selector.limit(LARGE_PAGE), PortAllocation::crd_name());
        uninstall::list(&self.api(), definition, self.client, &selector, Some).await
    }

    /// The App's UID, for information: empty if it is gone.
    async fn uid(&self, app: &AppName) -> kube::Result<String> {
        let apps: Api<App> = Api::namespaced(self.client.clone(), &app.namespace);
        Ok(apps
            .get_metadata_opt(&app.name)
            .await?
            .and_then(|app| app.uid())
            .unwrap_or_default())
    }
}

#[async_trait]
impl Claims for KubeClaims<'_> {
    async fn seen(&self, platform: &str, app: &AppName) -> Result<Vec<Claim>, Error> {
        match self.cache.of(platform, app) {
            Some(claims) => Ok(claims),
            None => self.live(platform, app).await,
        }
    }

    async fn live(&self, platform: &str, app: &AppName) -> Result<Vec<Claim>, Error> {
        let AppName { namespace, name } = app;
        let fields = format!("spec.platform={platform},spec.app.namespace={namespace},spec.app.name={name}");
        let found = match self.list(ListParams::default().fields(&fields)).await {
            // It is older than Kubernetes 1.31, or its definition is older than ours.
            Err(kube::Error::Api(status)) if status.code == 400 => self.list(self.on_platform()).await,
            found => found,
        };
        let found = found.map_err(failed("list PortAllocations"))?;
        let claims = found.iter().filter_map(decoded);
        Ok(claims.filter(|claim| claim.owner.app == *app).collect())
    }

    async fn at(&self, platform: &str, port: u16) -> Result<Option<Claim>, Error> {
        // A list, which says if it is the definition that is gone.
        let named = ListParams::default().fields(&format!("metadata.name={}", name_at(platform, port)));
        let found = self.list(named).await;
        let found = found.map_err(failed("read PortAllocation"))?;
        Ok(found.iter().find_map(decoded))
    }

    fn taken(&self, platform: &str) -> Option<Arc<BTreeSet<u16>>> {
        self.cache.taken(platform)
    }

    fn holders(&self, platform: &str) -> BTreeSet<AppName> {
        self.cache.holders(platform)
    }
}

#[async_trait]
impl ClaimWrites for KubeClaims<'_> {
    async fn claim(&self, claim: &Claim) -> Result<Claimed, Error> {
        let failed = || failed("create PortAllocation");
        let uid = self.uid(&claim.owner.app).await.map_err(failed())?;
        let allocation = PortAllocation {
            metadata: ObjectMeta {
                name: Some(name_of(claim)),
                labels: Some([(PLATFORM_LABEL.into(), claim.owner.platform.clone())].into()),
                owner_references: self.platform.owner_ref(&()).map(|reference| vec![reference]),
                ..ObjectMeta::default()
            },
            spec: PortAllocationSpec {
                platform: claim.owner.platform.clone(),
                port: claim.port.into(),
                app: AppReference {
                    namespace: claim.owner.app.namespace.to_string(),
                    name: claim.owner.app.name.to_string(),
                    uid,
                },
                process: claim.owner.process.clone(),
                container_port: claim.owner.container_port.into(),
                retained: claim.retained.then_some(true),
            },
        };
        let allocations: Api<PortAllocation> = Api::all(self.client.clone());
        let held = match allocations.create(&PostParams::default(), &allocation).await {
            Ok(created) => Some(DeserializeGuard(Ok(created))),
            Err(kube::Error::Api(status)) if status.is_already_exists() => {
                self.held(claim).await.map_err(failed())?
            }
            Err(error) => return Err(failed()(error)),
        };
        // Another's is not asked for again until it is seen to be free.
        if let Some(held) = &held {
            self.cache.learn(held);
        }
        let is_ours = held.as_ref().is_some_and(|held| is_held_by(held, claim));
        if is_ours {
            return Ok(Claimed::Yes);
        }
        self.metrics.conflicted(Conflict::HostPort);
        Ok(Claimed::Taken)
    }

    async fn set_retained(&self, claim: &Claim, retained: bool) -> Result<(), Error> {
        let failed = || failed("patch PortAllocation");
        let held = self.held(claim).await.map_err(failed())?;
        let Some(held) = held.filter(|held| is_held_by(held, claim)) else {
            return Ok(());
        };
        // Only the object that was looked at.
        let patch = json!({
            "metadata": { "uid": held.uid() },
            "spec": { "retained": retained.then_some(true) },
        });
        let (api, parameters) = (self.api(), PatchParams::default());
        let patched = api
            .patch(&name_of(claim), &parameters, &Patch::Merge(patch))
            .await;
        self.cache.learn(&patched.map_err(failed())?);
        Ok(())
    }

    async fn release(&self, claim: &Claim) -> Result<(), Error> {
        let failed = || failed("delete PortAllocation");
        let held = self.held(claim).await.map_err(failed())?;
        let Some(held) = held.filter(|held| is_held_by(held, claim)) else {
            return Ok(());
        };
        // Only the object that was looked at: somebody else may have claimed the port since.
        let preconditions = Preconditions {
            uid: held.uid(),
            resource_version: None,
        };
        let parameters = DeleteParams {
            preconditions: Some(preconditions),
            ..DeleteParams::default()
        };
        match self.api().delete(&name_of(claim), &parameters).await {
            // Somebody's finalizer keeps it for now.
            Ok(deleted) if deleted.is_left() => return Ok(()),
            Ok(_) => {}
            Err(error) if is_gone(&error) => {}
            Err(error) => return Err(failed()(error)),
        }
        self.cache.forget(&held);
        Ok(())
    }
}

fn name_of(claim: &Claim) -> String {
    name_at(&claim.owner.platform, claim.port)
}

fn name_at(platform: &str, port: u16) -> String {
    format!("{platform}-{port}")
}

fn decoded(allocation: &Allocation) -> Option<Claim> {
    claim_of(allocation.0.as_ref().ok()?)
}

fn is_held_by(allocation: &Allocation, claim: &Claim) -> bool {
    decoded(allocation).is_some_and(|held| held.is_same(claim))
}

fn claim_of(allocation: &PortAllocation) -> Option<Claim> {
    let spec = &allocation.spec;
    let owner = PortOwner {
        platform: spec.platform.clone(),
        app: AppName {
            namespace: spec.app.namespace.as_str().into(),
            name: spec.app.name.as_str().into(),
        },
        process: spec.process.clone(),
        container_port: spec.container_port.try_into().ok()?,
    };
    Some(Claim {
        port: spec.port.try_into().ok()?,
        owner,
        retained: spec.retained.unwrap_or(false),
    })
}

#[cfg(test)]
mod tests;
