//! Rollouts: those that were submitted to ECS, ECS's reports of them, and those that are not submitted again.

use std::fmt::Debug;

use data_encoding::{BASE32_DNSSEC, Encoding};
use sha2::{Digest, Sha256};

use super::name::Arn;

/// The memory of one process's rollouts between two passes: a rollback that completed looks healthy in ECS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RolloutMemory {
    pub submitted: Option<Submission>,
    pub rejected: Option<Rejection>,
    /// `None`: ECS Exec is off, or somebody else has turned it on.
    pub exec: Option<Exec>,
}

/// ECS Exec of a service, once it was turned on here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exec {
    /// The ids of the deployments whose tasks may have been started before that: ECS replaces none for it.
    pub lacked_by: Vec<String>,
}

/// The rollout that we started last, or found and took to be ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// A hash of all that it carries, and of the settings that decide how it goes.
    pub hash: String,
    /// The id of ECS's deployment.
    pub deployment: String,
    /// The last value of the redeploy annotation that was carried out.
    pub redeploy: Option<String>,
    /// The digest of the versions of its secrets that its tasks have read, or newer ones. `None`: nothing is replaced for them, or they
    /// were never known.
    pub secrets: Option<String>,
    /// A change of them for which its tasks are to be replaced.
    pub secret_change: Option<SecretChange>,
    /// True once it was seen complete: a failure after that is of another one.
    pub complete: bool,
    /// `None` if it is complete, if ECS does not say when it began, or if it was submitted by a release of the controller
    /// that did not keep this.
    pub progress: Option<Progress>,
}

/// A change of the secrets of a process, which is recorded before its tasks are replaced for it: then a deployment that has begun
/// since is known to have read the new values, whatever became of the reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretChange {
    /// The digest of the new versions.
    pub versions: String,
    /// The id of ECS's deployment that was the primary one then.
    pub after: String,
}

/// The progress of a rollout, and when it last advanced: its time counts from there, as
/// [Kubernetes](https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#progress-deadline-seconds) counts
/// that of a Deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The most tasks of it that ran at once. ECS counts a task as running before its load balancer has found it healthy,
    /// and reports nothing better; one that is then found unhealthy is stopped, and shows as [`Self::faltered`].
    pub most_new: u32,
    /// The fewest tasks of the deployments before it that were left.
    pub fewest_old: u32,
    /// The most tasks that it was to have: more that are wanted take their time, too. `None`: not known.
    pub most_desired: Option<u32>,
    /// The lowest of ECS's counts of its failed tasks since it last advanced: ECS begins anew with the count.
    pub failed: u32,
    /// True if a task of it has failed, or was lost after it ran, since it last advanced.
    pub faltered: bool,
    /// Seconds since 1970.
    pub since: i64,
}

/// A rollout that failed and is not submitted again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    pub hash: String,
    /// ECS's own message.
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
    /// True if ECS gave up, by itself or because it was asked to: the service is not what was wanted.
    pub fn is_undone(self) -> bool {
        match self {
            ServiceDeploymentStatus::Stopped | ServiceDeploymentStatus::RolledBack => true,
            ServiceDeploymentStatus::Ongoing | ServiceDeploymentStatus::Successful => false,
        }
    }
}

/// 80 bits of SHA-256 over the parts as `Debug` writes them. Where another release of the controller wrote them otherwise, what
/// was rejected would be tried once more: see `plan/ecs/hash.rs`.
pub fn digest(parts: &[&dyn Debug]) -> String {
    static BASE32: Encoding = BASE32_DNSSEC;
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(format!("{part:?}\0").as_bytes());
    }
    BASE32.encode(&digest.finalize()[..10])
}
