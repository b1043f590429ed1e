//! AWS error codes, as tables. A code is looked up by service before the SDK is asked whether it was a throttle.

use crate::error::Class;

/// What a failed call means to the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// What the call names is not there.
    Absent,
    /// Right, but too early: it will work without anybody's help.
    Pending,
    /// The world is not as the plan believed: look again.
    Stale,
    Failed(Class),
}

/// A failed AWS call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{action}: {code}: {message}")]
pub struct AwsError {
    /// As IAM names it, such as `ecs:CreateService`.
    pub action: &'static str,
    /// AWS's error code; ours, such as `Timeout`, where no reply came.
    pub code: String,
    /// AWS's words.
    pub message: String,
    pub fault: Fault,
}

impl AwsError {
    /// The class of an error that the pipeline did not resolve by itself.
    pub fn class(&self) -> Class {
        match self.fault {
            Fault::Absent | Fault::Pending | Fault::Stale => Class::Transient,
            Fault::Failed(class) => class,
        }
    }
}
