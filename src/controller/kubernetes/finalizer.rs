//! Finalizers: who may go, and who may not yet.
//!
//! kube's own `finalizer()` adds one before anything else. Ours is added just before the first write, so that an App
//! that never made anything can be deleted whatever state AWS is in.

use std::fmt::Debug;

use kube::api::{Api, Patch, PatchParams};
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::error::{failed, is_gone};
use super::report::MANAGER;
use crate::error::Error;
use crate::pass::has_finalizer;

/// On every Platform: while Apps hold anything there, it is needed to take it down.
pub(in crate::controller) const PLATFORM_FINALIZER: &str = "empire.dev/platform";

/// Adds a finalizer to an object that has to stay until we let it go.
pub(in crate::controller) async fn hold<K>(api: &Api<K>, object: &K, finalizer: &str) -> Result<(), Error>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    if has_finalizer(object.meta(), finalizer) {
        return Ok(());
    }
    apply(api, object, json!({ "finalizers": [finalizer] }))
        .await
        .map(|_| ())
}

/// Takes the finalizer away: nothing is left, and the object may go.
pub(in crate::controller) async fn release<K>(api: &Api<K>, object: &K, finalizer: &str) -> Result<(), Error>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let failed = failed("remove the finalizer");
    let live = api.get_metadata_opt(&object.name_any()).await.map_err(&failed)?;
    let Some(live) =
        live.filter(|live| live.uid() == object.uid() && has_finalizer(&live.metadata, finalizer))
    else {
        return Ok(());
    };
    // By version: somebody else's finalizer, added in the meantime, must not be lost. And not by apply, which would
    // leave one there that somebody applied together with us.
    let others: Vec<&String> = live
        .finalizers()
        .iter()
        .filter(|known| *known != finalizer)
        .collect();
    let patch = json!({ "metadata": {
        "resourceVersion": live.resource_version(),
        "finalizers": others,
    }});
    let patched = api
        .patch_metadata(&object.name_any(), &PatchParams::default(), &Patch::Merge(patch))
        .await;
    match patched {
        Ok(_) => Ok(()),
        Err(error) if is_gone(&error) => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

/// Applies our part of an object's metadata, and no more; with the UID, so that no other object of that name is meant.
/// Gives the version that this makes.
pub(in crate::controller) async fn apply<K>(
    api: &Api<K>,
    object: &K,
    mut metadata: Value,
) -> Result<Option<String>, Error>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    metadata["name"] = json!(object.name_any());
    metadata["uid"] = json!(object.uid());
    let patch = json!({
        "apiVersion": K::api_version(&()),
        "kind": K::kind(&()),
        "metadata": metadata,
    });
    let parameters = PatchParams::apply(MANAGER).force();
    let patched = api
        .patch_metadata(&object.name_any(), &parameters, &Patch::Apply(patch))
        .await
        .map_err(failed("add the finalizer"))?;
    Ok(patched.resource_version())
}
