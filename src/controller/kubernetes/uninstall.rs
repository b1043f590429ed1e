//! The end of a definition: deleting a CustomResourceDefinition deletes every object of its kind, which a pruned folder or
//! an uninstalled chart does by mistake.
//!
//! Before anything is destroyed for a deleted App, its definition is read live, and after the App was seen to be deleted:
//! if its definition was not being deleted even then, somebody deleted this App, or the namespace it is in. Else the
//! annotation on the definition says what is meant, and until it does nothing happens. A definition that is being deleted
//! cannot be saved any more, but its annotations can still be written.

use std::fmt::Debug;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Client;
use kube::api::{Api, ListParams};
use kube::core::CustomResourceExt;
use serde::de::DeserializeOwned;

use super::error::failed;
use super::watches::PAGE;
use crate::error::Error;
use crate::pass::{Deletion, deletion};

/// Reads what the deletion of an object of this kind means.
pub(in crate::controller) async fn deletion_of<K: CustomResourceExt>(
    client: &Client,
) -> Result<Deletion, Error> {
    let name = K::crd_name();
    let failed = failed("nothing is deleted: get the CustomResourceDefinition");
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let definition = definitions.get_metadata(name).await.map_err(failed)?;
    Ok(deletion(name, &definition.metadata))
}

/// Lists objects of a kind, page by page, and keeps of each what `keep` returns; where its definition is gone, there are
/// none.
///
/// The reply to a path that the API server does not know says nothing about why, and one of several API servers may not
/// know a new definition yet. So the definition is asked for.
pub(in crate::controller) async fn list<K, T>(
    api: &Api<K>,
    definition: &str,
    client: &Client,
    parameters: &ListParams,
    keep: impl Fn(K) -> Option<T>,
) -> kube::Result<Vec<T>>
where
    K: Clone + DeserializeOwned + Debug,
{
    match pages(api, parameters, keep).await {
        Ok(found) => Ok(found),
        Err(kube::Error::Api(status)) if status.code == 404 => {
            let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
            match definitions.get_metadata_opt(definition).await? {
                None => Ok(Vec::new()),
                Some(_) => Err(kube::Error::Api(status)),
            }
        }
        Err(error) => Err(error),
    }
}

async fn pages<K, T>(
    api: &Api<K>,
    parameters: &ListParams,
    keep: impl Fn(K) -> Option<T>,
) -> kube::Result<Vec<T>>
where
    K: Clone + DeserializeOwned + Debug,
{
    let mut parameters = ListParams {
        limit: parameters.limit.or(Some(PAGE)),
        ..parameters.clone()
    };
    let mut kept = Vec::new();
    loop {
        let page = api.list(&parameters).await?;
        kept.extend(page.items.into_iter().filter_map(&keep));
        match page.metadata.continue_ {
            Some(token) if !token.is_empty() => parameters.continue_token = Some(token),
            Some(_) | None => return Ok(kept),
        }
    }
}
