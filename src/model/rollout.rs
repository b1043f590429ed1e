//! Rollouts: what was submitted to ECS, what ECS has to say about it, and what is not submitted again.

use std::fmt::Debug;

use data_encoding::{BASE32_DNSSEC, Encoding};
use sha2::{Digest, Sha256};

use super::name::Arn;

/// What is remembered of one process between two passes: a rollback that completed looks healthy in ECS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RolloutMemory {
    pub submitted: Option<Submission>,
    pub rejected: Option<Rejection>,
}

impl RolloutMemory {
    /// A write has started a rollout, which is ours from now on: the deployment, if the reply shows one.
    pub fn submit(&mut self, hash: &str, deployment: Option<&str>, redeploy: Option<&String>) {
        let before = self.submitted.take().and_then(|before| before.redeploy);
        self.rejected = None;
        self.submitted = deployment.map(|id| Submission {
            hash: hash.into(),
            deployment: id.into(),
            redeploy: redeploy.cloned().or(before),
            complete: false,
        });
    }
}

/// The rollout that we started last, or found and took for ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Of all that it carries, and of what decides how it fares.
    pub hash: String,
    /// The id of ECS's deployment.
    pub deployment: String,
    /// The last value of the redeploy annotation that was carried out.
    pub redeploy: Option<String>,
    /// It was seen complete: whatever fails after that is another one.
    pub complete: bool,
}

/// A rollout that failed and is not submitted again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    pub hash: String,
    /// Why, in ECS's own words.
    pub message: String,
}

/// ECS's record of one rollout from its beginning to its end, a rollback included. Emulators keep none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceDeployment {
    pub arn: Arn,
    /// Seconds since 1970.
    pub created: i64,
    pub status: ServiceDeploymentStatus,
    pub reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceDeploymentStatus {
    /// `PENDING` or `IN_PROGRESS`.
    Ongoing,
    Successful,
    /// `STOP_REQUESTED` or `STOPPED`: by somebody, or by a circuit breaker that does not roll back.
    Stopped,
    /// On its way back, back, or failed on the way.
    RolledBack,
}

impl ServiceDeploymentStatus {
    /// ECS, or whoever asked it to, gave up: what the service is now is not what was wanted.
    pub fn is_undone(self) -> bool {
        match self {
            ServiceDeploymentStatus::Stopped | ServiceDeploymentStatus::RolledBack => true,
            ServiceDeploymentStatus::Ongoing | ServiceDeploymentStatus::Successful => false,
        }
    }
}

/// 80 bits of SHA-256 over the parts as `Debug` writes them. Another release of the controller may write them in other
/// words, at the price of one more attempt at what was rejected.
pub fn digest(parts: &[&dyn Debug]) -> String {
    static BASE32: Encoding = BASE32_DNSSEC;
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(format!("{part:?}\0").as_bytes());
    }
    BASE32.encode(&digest.finalize()[..10])
}
