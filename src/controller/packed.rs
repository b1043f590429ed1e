//! Apps as the cache keeps them: specs and statuses compressed, since most of a large App is text that repeats itself, and
//! nobody reads a spec but the App's own pass.

use std::borrow::Cow;

use kube::Resource;
use kube::core::error_boundary::InvalidObject;
use kube::core::{DeserializeGuard, ObjectMeta};
use lz4_flex::block::{compress_prepend_size, decompress_size_prepended};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use super::last_applied;
use crate::api::app::{App, AppSpec, PlatformRecord};
use crate::pass::{annotated, recorded};

/// An App of which spec and status are kept apart, compressed.
#[derive(Clone, Debug)]
pub(super) struct PackedApp {
    meta: ObjectMeta,
    /// The Platform that its spec names.
    platform: Option<Box<str>>,
    /// The Platform that it is bound to, where its annotation says another one or none.
    record: Option<Box<PlatformRecord>>,
    /// `None` without a status.
    observed_generation: Option<i64>,
    packed: Result<Packed, Box<str>>,
}

#[derive(Clone, Debug)]
struct Packed {
    spec: Box<[u8]>,
    status: Box<[u8]>,
}

impl PackedApp {
    pub(super) fn new(mut app: DeserializeGuard<App>) -> Self {
        last_applied::compact(app.meta_mut());
        let record = app.0.as_ref().ok().and_then(recorded);
        let record = record.filter(|record| annotated(app.meta()).as_ref() != Some(record));
        let record = record.map(Box::new);
        match app.0 {
            Ok(App {
                metadata,
                spec,
                status,
            }) => {
                let packed = || {
                    let (spec, status) = (packed(&spec)?, packed(&status)?);
                    Ok(Packed { spec, status })
                };
                PackedApp {
                    packed: packed().map_err(|error: serde_json::Error| error.to_string().into()),
                    meta: metadata,
                    platform: spec.platform.map(Into::into),
                    record,
                    observed_generation: status.map(|status| status.observed_generation),
                }
            }
            Err(InvalidObject { error, metadata }) => PackedApp {
                meta: metadata,
                platform: None,
                record,
                observed_generation: None,
                packed: Err(error.into()),
            },
        }
    }

    /// Returns the generation that its status speaks of.
    pub(super) fn observed_generation(&self) -> Option<i64> {
        self.observed_generation
    }

    pub(super) fn is_decoded(&self) -> bool {
        self.packed.is_ok()
    }

    /// Returns the Platform that it is bound to.
    pub(super) fn recorded(&self) -> Option<PlatformRecord> {
        match &self.record {
            Some(record) => Some((**record).clone()),
            None => annotated(&self.meta),
        }
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
        self.with_spec(|packed| unpacked(&packed.spec))
    }

    fn with_spec(
        &self,
        spec: impl FnOnce(&Packed) -> Result<AppSpec, String>,
    ) -> Result<App, Box<InvalidObject>> {
        let packed = self.packed.as_ref().map_err(|error| String::from(&**error));
        let unpacked = packed.and_then(|packed| Ok((spec(packed)?, unpacked(&packed.status)?)));
        let metadata = self.meta.clone();
        match unpacked {
            Ok((spec, status)) => Ok(App {
                metadata,
                spec,
                status,
            }),
            Err(error) => Err(Box::new(InvalidObject { error, metadata })),
        }
    }
}

fn packed(part: &impl Serialize) -> Result<Box<[u8]>, serde_json::Error> {
    Ok(compress_prepend_size(&serde_json::to_vec(part)?).into())
}

fn unpacked<T: DeserializeOwned>(packed: &[u8]) -> Result<T, String> {
    let part = decompress_size_prepended(packed).map_err(|error| error.to_string())?;
    serde_json::from_slice(&part).map_err(|error| error.to_string())
}

impl<'de> Deserialize<'de> for PackedApp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DeserializeGuard::deserialize(deserializer).map(PackedApp::new)
    }
}

impl Resource for PackedApp {
    type DynamicType = ();
    type Scope = <App as Resource>::Scope;

    fn kind((): &()) -> Cow<'_, str> {
        App::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        App::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        App::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        App::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.meta
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
            "metadata": { "resourceVersion": "7", "annotations": { "empire.dev/redeploy": "1" } },
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
        assert_eq!(packed.meta(), &app.metadata);
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
        let Packed { spec, .. } = PackedApp::new(DeserializeGuard(Ok(app))).packed.unwrap();
        assert!(spec.len() * 10 < size, "{} of {size}", spec.len());
    }
}
