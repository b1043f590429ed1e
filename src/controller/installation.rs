//! Who we are in AWS. The owner id is on everything we make, so a controller that woke up under another one would find
//! nothing its own: without an explicit id it must equal the one recorded in the cluster, or nothing is written.

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use serde_json::json;

const CONFIG_MAP: &str = "empire-installation";
const KEY: &str = "ownerId";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Installation {
    Known(String),
    /// Neither is to be trusted: after a restore into another cluster, say.
    Changed {
        recorded: String,
        found: String,
    },
}

impl Installation {
    /// The owner id, or why nothing may be written.
    pub(super) fn id(&self) -> Result<&str, String> {
        match self {
            Installation::Known(id) => Ok(id),
            Installation::Changed { recorded, found } => Err(format!(
                "the ConfigMap {CONFIG_MAP} records owner id {recorded}, but this cluster's is {found}: start the \
                 controller with --owner-id {recorded} to go on with what it owns in AWS"
            )),
        }
    }
}

/// The owner id that the controller goes by, as far as can be seen: it records it.
pub(super) async fn in_use(client: &Client, namespace: &str) -> kube::Result<String> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    match maps.get_opt(CONFIG_MAP).await?.and_then(recorded) {
        Some(recorded) => Ok(recorded),
        None => of_cluster(client).await,
    }
}

fn recorded(map: ConfigMap) -> Option<String> {
    map.data?.remove(KEY)
}

async fn of_cluster(client: &Client) -> kube::Result<String> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    Ok(namespaces.get("kube-system").await?.uid().unwrap_or_default())
}

/// Finds the owner id and records it. An explicit one always wins.
pub(super) async fn establish(
    client: &Client,
    namespace: &str,
    explicit: Option<&str>,
) -> kube::Result<Installation> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let found = if let Some(id) = explicit {
        id.to_owned()
    } else {
        of_cluster(client).await?
    };
    let map = maps.get_opt(CONFIG_MAP).await?;
    let is_there = map.is_some();
    let recorded = map.and_then(recorded);
    match recorded {
        Some(recorded) if recorded == found => {}
        Some(recorded) if explicit.is_none() => return Ok(Installation::Changed { recorded, found }),
        Some(_) | None if is_there => {
            let data = json!({ "data": { KEY: found } });
            maps.patch(CONFIG_MAP, &PatchParams::default(), &Patch::Merge(data))
                .await?;
        }
        Some(_) | None => {
            let map = ConfigMap {
                metadata: ObjectMeta {
                    name: Some(CONFIG_MAP.into()),
                    ..ObjectMeta::default()
                },
                data: Some([(KEY.into(), found.clone())].into()),
                ..ConfigMap::default()
            };
            maps.create(&PostParams::default(), &map).await?;
        }
    }
    Ok(Installation::Known(found))
}

#[cfg(test)]
mod tests;
