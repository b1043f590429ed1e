//! What becomes of an App's resources.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The fate of an App's resources in AWS when it is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    Delete,
    Retain,
}
