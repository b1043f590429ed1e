//! Secrets and parameters by name: what is known of those that an App names, and never their values.

use std::collections::BTreeMap;
use std::fmt;

/// The most that one App may have AWS asked for.
pub const ASKED: usize = 250;

/// A secret or a parameter, as AWS is asked for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretId {
    /// In Secrets Manager, by its name or its ARN.
    Secret(String),
    /// Of SSM, by its name.
    Parameter(String),
}

impl fmt::Display for SecretId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretId::Secret(name) => write!(f, "secret {name}"),
            SecretId::Parameter(name) => write!(f, "parameter {name}"),
        }
    }
}

/// A secret in Secrets Manager, without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretState {
    /// With the six characters that tell it from one that is made again under its name.
    pub arn: String,
    /// The id of the version that is `AWSCURRENT`; `None` of one that has no value yet.
    pub current: Option<String>,
    /// True between its deletion and the end of its recovery window: nobody can read its value.
    pub is_deleted: bool,
}

/// The answer of AWS about one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    Secret(SecretState),
    /// What tells one value of a parameter from the next.
    Parameter(String),
    Missing,
}

/// Everything that a pass knows of the secrets that its App names. The default is nothing, as right after a start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secrets {
    /// What was read. One that is not there was not read yet, or could not be.
    pub read: BTreeMap<SecretId, Reading>,
    /// By name in Secrets Manager, the ARN that the App's status shows.
    pub shown: BTreeMap<String, String>,
}

/// Why nothing of a process is changed that would hold a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwaitedSecret {
    /// With the field and the variable, such as `secrets: DB: there is no secret shop/db in Secrets Manager`.
    pub message: String,
    pub wait: SecretWait,
}

/// How such a wait ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretWait {
    /// AWS says what the name stands for.
    Unread,
    /// Somebody makes the secret, or restores it.
    Missing,
}

/// The versions of the secrets of a process, where its tasks are replaced when they change.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretVersions {
    /// Nothing is replaced for them.
    #[default]
    Ignored,
    /// Not all of them are known.
    Unknown,
    /// A digest of all of them.
    Known(String),
}

impl SecretVersions {
    pub fn known(&self) -> Option<&String> {
        match self {
            SecretVersions::Known(digest) => Some(digest),
            SecretVersions::Ignored | SecretVersions::Unknown => None,
        }
    }
}
