//! Everything that can go wrong, and the one place that says which [`Class`] of trouble it is.
//!
//! A thing that is absent, or not ready yet, is no error.

use jiff::Timestamp;

use crate::aws::{AwsError, Fault};
use crate::budget::Bucket;
use crate::fence::Fenced;
use crate::model::class::Class;

#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Invalid(String),
    /// The Platform's tenancy does not allow it. A change of the Platform, or of the namespace's labels, may.
    #[error("{0}")]
    NotAllowed(String),
    /// The limits of its namespace leave it no room, which they may once other Apps of it take less.
    #[error("{0}")]
    OverLimit(String),
    #[error(transparent)]
    Aws(#[from] AwsError),
    #[error("{action}: {message}")]
    Kubernetes { action: &'static str, message: String },
    /// The controller's own role lacks a permission.
    #[error("{action}: {message}")]
    Forbidden { action: &'static str, message: String },
    /// The object was changed while we looked at an older version of it: looking again is all it takes.
    #[error("{action}: the object has changed in the meantime")]
    Outdated { action: &'static str },
    /// A write that was not begun, since another replica may be about to write. AWS's own calls have [`Fault::Fenced`].
    #[error("{action}: {fenced}")]
    Fenced { action: &'static str, fenced: Fenced },
    #[error("{0}")]
    Bug(String),
}

impl Error {
    pub fn class(&self) -> Class {
        match self {
            Error::Invalid(_) | Error::NotAllowed(_) => Class::Invalid,
            Error::OverLimit(_) => Class::Conflict,
            Error::Aws(error) => error.class(),
            Error::Kubernetes { .. } | Error::Outdated { .. } | Error::Fenced { .. } => Class::Transient,
            Error::Forbidden { .. } => Class::Denied,
            Error::Bug(_) => Class::Bug,
        }
    }

    /// True for what a Platform's tenancy has refused.
    pub fn is_about_tenancy(&self) -> bool {
        matches!(self, Error::NotAllowed(_) | Error::OverLimit(_))
    }

    /// Returns the error of an AWS call, if it is one.
    pub fn aws(&self) -> Option<&AwsError> {
        if let Error::Aws(error) = self {
            Some(error)
        } else {
            None
        }
    }

    /// True for a create that found its name taken, by a call whose reply was lost or by a second controller. Should a
    /// stranger have taken it, the next plan has an obstacle that says so.
    pub fn is_race(&self) -> bool {
        let is_race = |error: &AwsError| error.fault == Fault::Stale && error.code.starts_with("Duplicate");
        self.aws().is_some_and(is_race)
    }

    /// True for a list that all Apps share and that is not read yet: no condition speaks of it.
    pub fn is_not_listed(&self) -> bool {
        self.aws().is_some_and(|error| error.fault == Fault::NotListed)
    }

    /// Returns when to come again, and the bucket, where it is a call that waits in line.
    pub fn later(&self) -> Option<(Timestamp, Bucket)> {
        self.aws().and_then(AwsError::later)
    }

    /// True for a throttle of too many calls.
    pub fn is_about_rates(&self) -> bool {
        self.aws().is_some_and(AwsError::is_about_rates)
    }

    /// True for a read that was not begun: its list is not read yet, or it waits in line.
    pub fn is_no_trouble(&self) -> bool {
        self.is_not_listed() || self.later().is_some()
    }

    /// True for what is no failure: nothing was tried, since others come first.
    pub fn is_a_wait(&self) -> bool {
        self.is_fenced() || self.is_no_trouble() || matches!(self, Error::OverLimit(_))
    }

    /// True if it was not begun: whoever leads from now on sees to it, and no condition speaks of it.
    pub fn is_fenced(&self) -> bool {
        matches!(self, Error::Fenced { .. }) || self.aws().is_some_and(|error| error.fault == Fault::Fenced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What counts as an error may page the operator, and a tenant has it in hand to ask for too much.
    #[test]
    fn to_wait_for_room_is_no_failure_and_to_be_refused_is_one() {
        assert!(Error::OverLimit("tasks".into()).is_a_wait());
        assert!(!Error::NotAllowed("image".into()).is_a_wait());
        assert!(!Error::Invalid("image".into()).is_a_wait());
        assert!(!Error::Bug("panic".into()).is_a_wait());
    }
}
