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
use kube::core::{CustomResourceExt, ObjectMeta};
use serde::de::DeserializeOwned;

use super::error::failed;
use super::watches::PAGE;
use crate::api::UNINSTALL_ANNOTATION;
use crate::error::Error;

/// The meaning of a deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::controller) enum Deletion {
    /// The object's own, or one that is to take all with it.
    Meant,
    /// The object goes, and all that belongs to it in AWS stays as it is, with our tags.
    Keep,
    /// The annotation is missing. Holds what to do about it.
    Unsaid(String),
}

/// Reads what the deletion of an object of this kind means.
pub(in crate::controller) async fn deletion_of<K: CustomResourceExt>(
    client: &Client,
) -> Result<Deletion, Error> {
    let name = K::crd_name();
    let failed = failed("nothing is deleted: get the CustomResourceDefinition");
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let definition = definitions.get_metadata(name).await.map_err(failed)?;
    Ok(judged(name, &definition.metadata))
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

fn judged(name: &str, definition: &ObjectMeta) -> Deletion {
    if definition.deletion_timestamp.is_none() {
        return Deletion::Meant;
    }
    let annotations = definition.annotations.as_ref();
    let said = annotations.and_then(|all| all.get(UNINSTALL_ANNOTATION));
    match said.map(String::as_str) {
        Some("delete") => Deletion::Meant,
        Some("keep") => Deletion::Keep,
        Some(_) | None => Deletion::Unsaid(format!(
            "the CustomResourceDefinition {name} is being deleted, which deletes all that it defines; nothing is deleted in \
             AWS until it is annotated {UNINSTALL_ANNOTATION}: keep (everything goes on running, and is owned again when \
             the same is applied again) or {UNINSTALL_ANNOTATION}: delete (everything goes)"
        )),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;

    fn definition(deleting: bool, said: Option<&str>) -> ObjectMeta {
        ObjectMeta {
            deletion_timestamp: deleting.then(|| Time("2026-01-02T03:04:05Z".parse().unwrap())),
            annotations: said.map(|said| [(UNINSTALL_ANNOTATION.into(), said.into())].into()),
            ..ObjectMeta::default()
        }
    }

    #[test]
    fn only_a_definition_that_goes_and_says_so_takes_everything_with_it() {
        let check = |deleting, said, expected: Deletion| {
            let found = judged("apps.empire.dev", &definition(deleting, said));
            assert_eq!(found, expected, "{deleting} {said:?}");
        };
        // While it stays, what is deleted was meant, also with an annotation that is already there.
        for said in [None, Some("keep"), Some("delete"), Some("yes")] {
            check(false, said, Deletion::Meant);
        }
        check(true, Some("delete"), Deletion::Meant);
        check(true, Some("keep"), Deletion::Keep);
        for said in [None, Some(""), Some("Delete"), Some("true")] {
            let Deletion::Unsaid(message) = judged("apps.empire.dev", &definition(true, said)) else {
                panic!("{said:?}");
            };
            for part in [
                "apps.empire.dev is being deleted",
                "uninstall: keep",
                "uninstall: delete",
            ] {
                assert!(message.contains(part), "{message}");
            }
        }
    }
}
