//! Apps as the cache keeps them: packed, since most of a large App is text, and nobody reads all of it but the App's own pass.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use kube::Resource;
use kube::core::error_boundary::InvalidObject;
use kube::core::{DeserializeGuard, ObjectMeta};

use super::cached::{Cached, split};
use super::last_applied;
use crate::api::app::{App, AppSpec, AppStatus, PlatformRecord};
use crate::packed::Packed;
use crate::pass::{Sibling, annotated, recorded};

/// An App of which all is packed but what the queue and the passes over Platforms ask for.
pub(super) type PackedApp = Cached<App, Kept>;

/// What is kept of an App beside a part of its metadata, or all of that if the rest cannot be read.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    /// A hash of its annotations.
    noted: u64,
    /// The Platform that it is bound to, as JSON: it takes a third of the memory.
    record: Option<Box<str>>,
    /// The Platform that its spec names.
    platform: Option<Box<str>>,
    /// `None` without a status.
    observed_generation: Option<i64>,
    /// `None` if the rest cannot be read.
    sibling: Option<Arc<Sibling>>,
    parts: Result<Parts, Box<str>>,
}

#[derive(Clone, Debug)]
struct Parts {
    spec: Packed<AppSpec>,
    /// Passes over other objects read it, and none of them the spec.
    rest: Packed<(ObjectMeta, Option<AppStatus>)>,
}

impl From<DeserializeGuard<App>> for PackedApp {
    fn from(mut app: DeserializeGuard<App>) -> Self {
        last_applied::compact(app.meta_mut());
        let mut noted = DefaultHasher::new();
        app.meta().annotations.hash(&mut noted);
        let noted = noted.finish();
        let record = match &app.0 {
            Ok(app) => recorded(app),
            Err(invalid) => annotated(&invalid.metadata),
        };
        let sibling = app.0.as_ref().ok();
        let sibling = sibling.map(|app| Arc::new(Sibling::bound(app, record.as_ref())));
        let record = record.and_then(|record| serde_json::to_string(&record).ok());
        let record = record.map(Into::into);
        match app.0 {
            Ok(App {
                metadata,
                spec,
                status,
            }) => {
                let observed_generation = status.as_ref().map(|status| status.observed_generation);
                let (meta, rest) = split(metadata);
                let parts = || {
                    Ok(Parts {
                        spec: Packed::new(&spec)?,
                        rest: Packed::new(&(rest, status))?,
                    })
                };
                let kept = Kept {
                    parts: parts().map_err(|error: String| error.into()),
                    noted,
                    record,
                    platform: spec.platform.map(Into::into),
                    observed_generation,
                    sibling,
                };
                Cached::of(meta, kept)
            }
            Err(InvalidObject { error, metadata }) => {
                let kept = Kept {
                    noted,
                    record,
                    platform: None,
                    observed_generation: None,
                    sibling,
                    parts: Err(error.into()),
                };
                Cached::of(metadata, kept)
            }
        }
    }
}

impl PackedApp {
    /// Returns the generation that its status speaks of.
    pub(super) fn observed_generation(&self) -> Option<i64> {
        self.observed_generation
    }

    /// Returns a hash of its annotations.
    pub(super) fn noted(&self) -> u64 {
        self.noted
    }

    pub(super) fn is_decoded(&self) -> bool {
        self.parts.is_ok()
    }

    /// Returns the Platform that it is bound to.
    pub(super) fn recorded(&self) -> Option<PlatformRecord> {
        serde_json::from_str(self.record.as_deref()?).ok()
    }

    /// Returns the App, as far as it matters to the others of its namespace, if it can be read.
    pub(super) fn sibling(&self) -> Option<&Arc<Sibling>> {
        self.sibling.as_ref()
    }

    /// Returns the App without its spec but for the Platform that it names, or why it cannot be decoded.
    pub(super) fn outline(&self) -> DeserializeGuard<App> {
        let app = self.with_spec(|_| {
            Ok(AppSpec {
                platform: self.platform.as_deref().map(Into::into),
                ..AppSpec::default()
            })
        });
        DeserializeGuard(app.map_err(|invalid| *invalid))
    }

    /// Returns the App as it was, but for what `last_applied::compact` takes away.
    pub(super) fn unpack(&self) -> Result<App, Box<InvalidObject>> {
        self.with_spec(|parts| parts.spec.unpack())
    }

    fn with_spec(
        &self,
        spec: impl FnOnce(&Parts) -> Result<AppSpec, String>,
    ) -> Result<App, Box<InvalidObject>> {
        let parts = self.parts.as_ref().map_err(|error| String::from(&**error));
        let unpacked = parts.and_then(|parts| Ok((spec(parts)?, parts.rest.unpack()?)));
        match unpacked {
            Ok((spec, (rest, status))) => Ok(App {
                metadata: joined(self.meta.clone(), rest),
                spec,
                status,
            }),
            Err(error) => Err(Box::new(InvalidObject {
                error,
                metadata: self.meta.clone(),
            })),
        }
    }
}

fn joined(meta: ObjectMeta, rest: ObjectMeta) -> ObjectMeta {
    ObjectMeta {
        name: meta.name,
        namespace: meta.namespace,
        uid: meta.uid,
        resource_version: meta.resource_version,
        generation: meta.generation,
        deletion_timestamp: meta.deletion_timestamp,
        finalizers: meta.finalizers,
        ..rest
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::desired::fixtures::app_with;

    fn packed(app: Value) -> PackedApp {
        serde_json::from_value(app).unwrap()
    }

    #[test]
    fn an_app_comes_out_as_it_went_in() {
        let app = app_with(json!({
            "metadata": { "resourceVersion": "7", "annotations": { "empire.dev/redeploy": "1" }, "labels": { "team": "a" } },
            "spec": {
                "suspend": true,
                "env": { "A": "ä\u{1f600}\"\\\n" },
                "processes": {
                    "web": { "command": "./bin/web", "expose": {}, "memory": "512Mi", "quantity": 0 },
                    "worker": {},
                },
            },
            "status": { "observedGeneration": 2, "conditions": [] },
        }));
        let packed = packed(serde_json::to_value(&app).unwrap());
        let ObjectMeta {
            name,
            uid,
            resource_version,
            ..
        } = packed.meta();
        assert_eq!((name, uid), (&app.metadata.name, &app.metadata.uid));
        assert_eq!(resource_version, &app.metadata.resource_version);
        assert_eq!(packed.unpack().unwrap(), app);
        let outline = packed.outline().0.unwrap();
        assert_eq!((&outline.metadata, &outline.status), (&app.metadata, &app.status));
        assert_eq!(outline.spec.processes.len(), 0);
        assert_eq!(packed.observed_generation(), Some(2));
    }

    #[test]
    fn one_that_cannot_be_decoded_says_why_and_keeps_its_name() {
        let packed = packed(json!({
            "apiVersion": "empire.dev/v1alpha1", "kind": "App",
            "metadata": { "name": "acme", "namespace": "shop", "generation": 1 },
            "spec": { "processes": [] },
        }));
        let invalid = packed.unpack().unwrap_err();
        assert_eq!(invalid.metadata.name.as_deref(), Some("acme"));
        assert!(
            invalid.error.contains("processes") || invalid.error.contains("map"),
            "{}",
            invalid.error
        );
    }

    #[test]
    fn text_that_repeats_itself_takes_little_memory() {
        let variables: Value = (0..30)
            .map(|number| {
                (
                    format!("VARIABLE_{number}"),
                    json!(format!("https://{number}.example.com/path")),
                )
            })
            .collect::<serde_json::Map<_, _>>()
            .into();
        let processes: Value = (0..100)
            .map(|number| {
                (
                    format!("process-{number}"),
                    json!({ "command": "run", "env": variables }),
                )
            })
            .collect::<serde_json::Map<_, _>>()
            .into();
        let app = app_with(json!({ "spec": { "processes": processes } }));
        let size = serde_json::to_vec(&app.spec).unwrap().len();
        let Parts { spec, .. } = PackedApp::from(DeserializeGuard(Ok(app))).parts.clone().unwrap();
        assert!(spec.len() * 10 < size, "{} of {size}", spec.len());
    }
}
