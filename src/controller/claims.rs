//! Host port claims as `PortAllocation` objects. The object's name is the port, so the API server itself sees to it that
//! two owners never hold one.

use async_trait::async_trait;
use kube::api::{Api, DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams, Preconditions};
use kube::{Client, CustomResourceExt, Resource, ResourceExt};
use serde_json::json;

use super::kubernetes::failed;
use super::uninstall;
use crate::api::app::App;
use crate::api::platform::Platform;
use crate::api::port_allocation::{AppReference, PortAllocation, PortAllocationSpec};
use crate::claims::{Claimed, Claims};
use crate::error::Error;
use crate::model::owner::AppName;
use crate::model::port::{Claim, PortOwner};

/// The label that claims are listed by.
const PLATFORM_LABEL: &str = "empire.dev/platform";

pub(super) struct KubeClaims<'a> {
    pub client: &'a Client,
    pub platform: &'a Platform,
}

impl KubeClaims<'_> {
    fn api(&self) -> Api<PortAllocation> {
        Api::all(self.client.clone())
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
    async fn list(&self, platform: &str) -> Result<Vec<Claim>, Error> {
        let selector = ListParams::default().labels(&format!("{PLATFORM_LABEL}={platform}"));
        let definition = PortAllocation::crd_name();
        let found = uninstall::list(&self.api(), definition, self.client, &selector)
            .await
            .map_err(failed("list PortAllocations"))?;
        Ok(found.iter().filter_map(claim_of).collect())
    }

    async fn claim(&self, claim: &Claim) -> Result<Claimed, Error> {
        let name = name_of(claim);
        let failed = || failed("create PortAllocation");
        let uid = self.uid(&claim.owner.app).await.map_err(failed())?;
        let allocation = PortAllocation {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                labels: Some([(PLATFORM_LABEL.into(), claim.owner.platform.clone())].into()),
                owner_references: self.platform.owner_ref(&()).map(|reference| vec![reference]),
                ..ObjectMeta::default()
            },
            spec: PortAllocationSpec {
                platform: claim.owner.platform.clone(),
                port: claim.port.into(),
                app: AppReference {
                    namespace: claim.owner.app.namespace.clone(),
                    name: claim.owner.app.name.clone(),
                    uid,
                },
                process: claim.owner.process.clone(),
                container_port: claim.owner.container_port.into(),
                retained: claim.retained.then_some(true),
            },
        };
        match self.api().create(&PostParams::default(), &allocation).await {
            Ok(_) => Ok(Claimed::Yes),
            Err(kube::Error::Api(status)) if status.is_already_exists() => {
                let held = self.api().get_opt(&name).await.map_err(failed())?;
                let held = held.as_ref().and_then(claim_of);
                let ours = held.is_some_and(|held| held.is_same(claim));
                Ok(if ours { Claimed::Yes } else { Claimed::Taken })
            }
            Err(error) => Err(failed()(error)),
        }
    }

    async fn set_retained(&self, claim: &Claim, retained: bool) -> Result<(), Error> {
        let name = name_of(claim);
        let failed = || failed("patch PortAllocation");
        let held = self.api().get_opt(&name).await.map_err(failed())?;
        let Some(held) = held.filter(|held| claim_of(held).is_some_and(|held| held.is_same(claim))) else {
            return Ok(());
        };
        // Only the object that was looked at.
        let patch = json!({
            "metadata": { "uid": held.uid() },
            "spec": { "retained": retained.then_some(true) },
        });
        self.api()
            .patch(&name, &PatchParams::default(), &Patch::Merge(patch))
            .await
            .map_err(failed())?;
        Ok(())
    }

    async fn free(&self, claim: &Claim) -> Result<(), Error> {
        let name = name_of(claim);
        let failed = || failed("delete PortAllocation");
        let Some(held) = self.api().get_opt(&name).await.map_err(failed())? else {
            return Ok(());
        };
        if !claim_of(&held).is_some_and(|held| held.is_same(claim)) {
            return Ok(());
        }
        // Only the object that was looked at: somebody else may have claimed the port since.
        let preconditions = Preconditions {
            uid: held.uid(),
            resource_version: None,
        };
        let parameters = DeleteParams {
            preconditions: Some(preconditions),
            ..DeleteParams::default()
        };
        match self.api().delete(&name, &parameters).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
            Err(error) => Err(failed()(error)),
        }
    }
}

fn name_of(claim: &Claim) -> String {
    format!("{}-{}", claim.owner.platform, claim.port)
}

fn claim_of(allocation: &PortAllocation) -> Option<Claim> {
    let spec = &allocation.spec;
    let owner = PortOwner {
        platform: spec.platform.clone(),
        app: AppName {
            namespace: spec.app.namespace.clone(),
            name: spec.app.name.clone(),
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
