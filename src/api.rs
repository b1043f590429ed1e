//! The resources that users write and read, as the API server is told of them.
//!
//! Types, their descriptions, and the rules by which the API server refuses a bad manifest. No behaviour: what a field
//! means in AWS, and what it defaults to when left out, is `desired.rs`'s to say. `crds/` holds what [`definitions`] and
//! [`protection()`] return, as files; `tests/crds.rs` compares them.

pub mod app;
pub mod condition;
pub mod event;
pub mod platform;
pub mod port_allocation;
mod protection;
pub mod run;
mod schema;

use std::io::{Error, Write};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde::Serialize;

pub use protection::{UNINSTALL_ANNOTATION, protection};

/// The digest of a content that counts as released, whatever became of the task of the release phase.
pub const RELEASED_ANNOTATION: &str = "empire.dev/released";

/// On an App: a new value rolls every task again.
pub const REDEPLOY_ANNOTATION: &str = "empire.dev/redeploy";

/// The custom resource definitions, in the order in which they are printed.
pub fn definitions() -> [CustomResourceDefinition; 4] {
    [
        app::App::crd(),
        platform::Platform::crd(),
        port_allocation::PortAllocation::crd(),
        run::Run::crd(),
    ]
    .map(schema::refined)
}

/// A definition, or another manifest, as a YAML document without the `---` before it.
pub fn to_yaml(manifest: &impl Serialize) -> Result<String, Error> {
    serde_saphyr::to_string(manifest).map_err(Error::other)
}

/// Prints the definitions and what protects them as YAML documents, which `kubectl apply --server-side -f -` takes.
pub fn print(out: &mut impl Write) -> Result<(), Error> {
    for definition in definitions() {
        write!(out, "---\n{}", to_yaml(&definition)?)?;
    }
    for manifest in protection() {
        write!(out, "---\n{}", to_yaml(&manifest)?)?;
    }
    Ok(())
}
