//! The `crds` command: prints the custom resource definitions, and the policy that protects them.

use std::process::ExitCode;

use super::{Ended, print};
use crate::api;

/// Prints them as YAML documents.
pub(super) fn crds() -> Ended {
    let mut text = Vec::new();
    api::print(&mut text)?;
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
