//! Objects as caches keep them: of each the metadata that the queue asks for, and what else anybody does.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::ops::Deref;

use kube::Resource;
use kube::core::{DeserializeGuard, ObjectMeta};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

/// An object of kind `K`, of which `T` is kept.
#[derive(Clone, Debug)]
pub(super) struct Cached<K, T> {
    pub meta: ObjectMeta,
    kept: T,
    kind: PhantomData<fn() -> K>,
}

impl<K, T> Cached<K, T> {
    pub(super) fn of(meta: ObjectMeta, kept: T) -> Self {
        Cached {
            meta,
            kept,
            kind: PhantomData,
        }
    }
}

/// Returns the part of an object's metadata that the queue and others ask for, and the rest. Labels, annotations and the like are
/// in the rest: a map of one takes more than half a kilobyte.
pub(super) fn split(mut metadata: ObjectMeta) -> (ObjectMeta, ObjectMeta) {
    let asked_for = ObjectMeta {
        name: metadata.name.take(),
        namespace: metadata.namespace.take(),
        uid: metadata.uid.take(),
        resource_version: metadata.resource_version.take(),
        generation: metadata.generation.take(),
        deletion_timestamp: metadata.deletion_timestamp.take(),
        finalizers: metadata.finalizers.take(),
        ..ObjectMeta::default()
    };
    (asked_for, metadata)
}

impl<K, T> Deref for Cached<K, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.kept
    }
}

impl<'de, K, T> Deserialize<'de> for Cached<K, T>
where
    K: Resource + DeserializeOwned,
    Self: From<DeserializeGuard<K>>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DeserializeGuard::deserialize(deserializer).map(Self::from)
    }
}

impl<K: Resource<DynamicType = ()>, T> Resource for Cached<K, T> {
    type DynamicType = ();
    type Scope = K::Scope;

    fn kind((): &()) -> Cow<'_, str> {
        K::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        K::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        K::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        K::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.meta
    }
}
