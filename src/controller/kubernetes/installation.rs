//! The installation's identity in AWS. The owner id is on everything we make, so a controller that woke up under another one would find
//! nothing its own, and make all of it a second time. So it must equal the one recorded in the cluster, and the one
//! recorded on each App, unless the one that it replaces is named, too.

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{Api, ListParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::core::DeserializeGuard;
use kube::{Client, CustomResourceExt, ResourceExt};
use serde_json::json;

use super::uninstall;
use crate::api::app::App;
use crate::pass::{Installation, annotated, recorded as record_of};

const CONFIG_MAP: &str = "empire-installation";
const KEY: &str = "ownerId";

/// As whom the controller works here, as far as can be seen: it records the owner id. Nothing is written.
pub(crate) async fn in_use(
    client: &Client,
    namespace: &str,
    explicit: Option<&str>,
) -> kube::Result<Installation> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let recorded = match maps.get_opt(CONFIG_MAP).await {
        Ok(map) => map.and_then(recorded),
        // Who may not see it says the id, and is believed.
        Err(_) if explicit.is_some() => None,
        Err(error) => return Err(error),
    };
    let id = match (explicit, recorded) {
        (Some(found), Some(recorded)) if found != recorded => {
            return Ok(Installation::Changed {
                recorded,
                recorded_by: the_config_map(),
                found: found.into(),
                explicit: true,
            });
        }
        (None, Some(recorded)) => recorded,
        (Some(found), _) => found.into(),
        (None, None) => of_cluster(client).await?,
    };
    Ok(Installation::Known { id, replaces: None })
}

/// True if a controller has recorded its owner id in this namespace.
pub(crate) async fn is_recorded(client: &Client, namespace: &str) -> kube::Result<bool> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    Ok(maps.get_opt(CONFIG_MAP).await?.and_then(recorded).is_some())
}

fn recorded(map: ConfigMap) -> Option<String> {
    map.data?.remove(KEY)
}

async fn of_cluster(client: &Client) -> kube::Result<String> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    Ok(namespaces.get("kube-system").await?.uid().unwrap_or_default())
}

fn the_config_map() -> String {
    format!("the ConfigMap {CONFIG_MAP}")
}

/// Another owner id than this that an App records, and which App; not the one that is to be replaced.
async fn recorded_by_an_app(
    client: &Client,
    found: &str,
    replaces: Option<&str>,
) -> kube::Result<Option<(String, String)>> {
    let apps: Api<DeserializeGuard<App>> = Api::all(client.clone());
    let other = |app: DeserializeGuard<App>| {
        let record = match &app.0 {
            Ok(app) => record_of(app),
            Err(invalid) => annotated(&invalid.metadata),
        };
        let recorded = record?.owner_id?;
        let namespace = app.namespace().unwrap_or_default();
        let by = format!("App {namespace}/{}", app.name_any());
        (recorded != found && replaces != Some(recorded.as_str())).then_some((recorded, by))
    };
    let others = uninstall::list(&apps, App::crd_name(), client, &ListParams::default(), other).await?;
    Ok(others.into_iter().next())
}

/// Finds the owner id and records it. One that differs from what is recorded is taken only if that is named in `replaces`.
pub(in crate::controller) async fn establish(
    client: &Client,
    namespace: &str,
    explicit: Option<&str>,
    replaces: Option<&str>,
) -> kube::Result<Installation> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let found = if let Some(id) = explicit {
        id.to_owned()
    } else {
        of_cluster(client).await?
    };
    let map = maps.get_opt(CONFIG_MAP).await?;
    let is_there = map.is_some();
    let record = match map.and_then(recorded) {
        Some(recorded) => Some((recorded, the_config_map())),
        // Lost with the namespace, or never written.
        None => recorded_by_an_app(client, &found, replaces).await?,
    };
    match record {
        Some((recorded, _)) if recorded == found => {}
        Some((recorded, recorded_by)) if replaces != Some(recorded.as_str()) => {
            return Ok(Installation::Changed {
                recorded,
                recorded_by,
                found,
                explicit: explicit.is_some(),
            });
        }
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
            match maps.create(&PostParams::default(), &map).await {
                Ok(_) => {}
                // Another replica, started at the same time, recorded the same: what it recorded is looked at.
                Err(kube::Error::Api(status)) if status.is_already_exists() => {
                    return Box::pin(establish(client, namespace, explicit, replaces)).await;
                }
                Err(error) => return Err(without_namespace(error, namespace)),
            }
        }
    }
    Ok(Installation::Known {
        id: found,
        replaces: replaces.map(ToOwned::to_owned),
    })
}

/// Where nothing can be made, its namespace is not there.
fn without_namespace(mut error: kube::Error, namespace: &str) -> kube::Error {
    if let kube::Error::Api(status) = &mut error
        && status.is_not_found()
    {
        status.message = format!(
            "--namespace: there is no namespace {namespace}, in which the ConfigMap {CONFIG_MAP} is kept: kubectl create \
             namespace {namespace}"
        );
    }
    error
}

#[cfg(test)]
mod tests;
