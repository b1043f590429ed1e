//! Claims that no App's own pass looks after: those that were lost, and those whose App is gone.

use async_trait::async_trait;

use crate::aws::Account;
use crate::change::{Deferred, PortWrite, Write};
use crate::claims::Claims;
use crate::error::Error;
use crate::model::desired::{Desired, Place};
use crate::model::owner::{AppName, Owner, PROCESS_TAG, installation_and_app};
use crate::model::port::{Claim, PortOwner};
use crate::model::state::Observed;
use crate::observe::{Known, Unread, observe};
use crate::plan::plan;
use crate::write::{Arns, Door, Refusal, Writer};

/// Claims every fixed host port that a service of this Platform uses and nobody has claimed. `belongs` says whether an
/// App, which uses a port, is this Platform's. Says how many.
pub async fn recover(
    aws: &dyn Account,
    claims: &dyn Claims,
    place: &Place,
    installation: &str,
    belongs: impl Fn(&AppName, u16) -> bool + Send + Sync,
) -> Result<usize, Error> {
    let held = claims.taken(&place.platform).unwrap_or_default();
    let names = aws.list_services(&place.cluster).await?;
    if names.is_empty() {
        return Ok(0);
    }
    let door = Door { aws, claims };
    let mut recovered = 0;
    for service in aws.describe_services(&place.cluster, &names).await? {
        let Some((owner, app)) = installation_and_app(&service.tags) else {
            continue;
        };
        let Some(process) = service.tags.get(PROCESS_TAG) else {
            continue;
        };
        if owner != installation {
            continue;
        }
        let definition = aws.describe_task_definition(&service.task_definition.0).await?;
        for mapping in definition
            .into_iter()
            .flat_map(|definition| definition.content.ports)
        {
            let Some(port) = mapping.fixed_host_port() else {
                continue;
            };
            if held.contains(&port) || !belongs(&app, port) {
                continue;
            }
            let owner = PortOwner {
                platform: place.platform.clone(),
                app: app.clone(),
                process: process.clone(),
                container_port: mapping.container_port,
            };
            let claim = PortWrite::Claim(Claim::new(port, owner)).into();
            let owner = Owner {
                installation: installation.into(),
                app: app.clone(),
            };
            // A claim asks for no ARN.
            let arns = Arns {
                desired: &Desired::empty(owner, place.clone()),
                observed: &Observed::default(),
            };
            match door.write(&claim, &arns).await {
                Ok(_) => recovered += 1,
                Err(Refusal::PortTaken) => {}
                Err(Refusal::Fenced(error) | Refusal::Failed(error)) => return Err(error),
            }
        }
    }
    Ok(recovered)
}

/// Frees the claims of an App that is gone, by the rule that every claim is freed by: nothing uses the port any more.
/// Says whether any was freed.
pub(in crate::controller) async fn sweep(
    aws: &dyn Account,
    claims: &dyn Claims,
    place: &Place,
    owner: Owner,
    is_gone: &dyn StillGone,
) -> Result<bool, Error> {
    let desired = Desired::empty(owner, place.clone());
    let (observed, unread) = observe(aws, claims, &desired, Known::default()).await?;
    if let Some(Unread { error, .. }) = unread.into_iter().next() {
        return Err(error.into());
    }
    let door = Door { aws, claims };
    let mut freed = false;
    for change in plan(&desired, &observed, &Deferred::new()).changes {
        if !matches!(&change.write, Write::Port(PortWrite::Free(claim)) if !claim.retained) {
            continue;
        }
        // It may have been created again while we looked, and have found its old claim.
        if !is_gone.is_still_gone().await? {
            return Ok(freed);
        }
        let arns = Arns {
            desired: &desired,
            observed: &observed,
        };
        match door.write(&change, &arns).await {
            Ok(_) => freed = true,
            Err(Refusal::Fenced(error) | Refusal::Failed(error)) => return Err(error),
            Err(Refusal::PortTaken) => {}
        }
    }
    Ok(freed)
}

#[async_trait]
pub(in crate::controller) trait StillGone: Send + Sync {
    async fn is_still_gone(&self) -> Result<bool, Error>;
}
