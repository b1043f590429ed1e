//! Apps as the cache keeps them: specs compressed, since most of a large App is text that repeats itself, and nobody reads
//! a spec but the App's own pass.

use std::borrow::Cow;

use kube::Resource;
use kube::core::error_boundary::InvalidObject;
use kube::core::{DeserializeGuard, ObjectMeta};
use lz4_flex::block::{compress_prepend_size, decompress_size_prepended};
use serde::{Deserialize, Deserializer};

use super::last_applied;
use crate::api::app::App;

/// An App of which the spec is kept apart, compressed.
#[derive(Clone, Debug)]
pub(super) struct PackedApp {
    /// The App without its spec but for the Platform that it names, or why it cannot be decoded.
    pub outline: DeserializeGuard<App>,
    spec: Box<[u8]>,
}

impl PackedApp {
    pub(super) fn new(mut app: DeserializeGuard<App>) -> Self {
        last_applied::compact(app.meta_mut());
        let spec = match &mut app.0 {
            Ok(app) => {
                let spec = std::mem::take(&mut app.spec);
                app.spec.platform.clone_from(&spec.platform);
                serde_json::to_vec(&spec)
            }
            Err(_) => Ok(Vec::new()),
        };
        match spec {
            Ok(spec) => PackedApp {
                outline: app,
                spec: compress_prepend_size(&spec).into(),
            },
            Err(error) => PackedApp {
                outline: DeserializeGuard(Err(unreadable(app.meta(), &error))),
                spec: Box::default(),
            },
        }
    }

    /// Returns the App as it was, but for what `last_applied::compact` takes away.
    pub(super) fn unpack(&self) -> Result<App, Box<InvalidObject>> {
        let outline = self
            .outline
            .0
            .as_ref()
            .map_err(|invalid| Box::new(invalid.clone()))?;
        let spec = decompress_size_prepended(&self.spec)
            .map_err(|error| Box::new(unreadable(&outline.metadata, &error)))?;
        let spec =
            serde_json::from_slice(&spec).map_err(|error| Box::new(unreadable(&outline.metadata, &error)))?;
        Ok(App {
            metadata: outline.metadata.clone(),
            spec,
            status: outline.status.clone(),
        })
    }
}

fn unreadable(metadata: &ObjectMeta, error: &dyn std::error::Error) -> InvalidObject {
    InvalidObject {
        error: error.to_string(),
        metadata: metadata.clone(),
    }
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
        self.outline.meta()
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.outline.meta_mut()
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
        let packed = PackedApp::new(DeserializeGuard(Ok(app)));
        assert!(packed.spec.len() * 10 < size, "{} of {size}", packed.spec.len());
    }
}
