//! Rollouts: what was submitted to ECS, what ECS has to say about it, and what is not submitted again.

use std::fmt::Debug;

use data_encoding::{BASE32_DNSSEC, Encoding};
use sha2::{Digest, Sha256};

use super::name::Arn;
use super::state::ServiceState;

/// What is remembered of one process between two passes: a rollback that completed looks healthy in ECS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RolloutMemory {
    pub submitted: Option<Submission>,
    pub rejected: Option<Rejection>,
}

impl RolloutMemory {
    /// A write has started a rollout, which is ours from now on: the deployment, if the reply shows one.
    pub fn submit(&mut self, hash: &str, reply: &ServiceState, redeploy: Option<&String>) {
        let before = self.submitted.take().and_then(|before| before.redeploy);
        self.rejected = None;
        self.submitted = reply.primary().map(|primary| Submission {
            hash: hash.into(),
            deployment: primary.id.clone(),
            redeploy: redeploy.cloned().or(before),
            complete: false,
            progress: Progress::begun(reply),
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
    /// `None` if it is complete, if ECS does not say when it began, or if it was submitted by a release of the controller
    /// that did not keep this.
    pub progress: Option<Progress>,
}

/// How far a rollout has come, and when it last came further: its time counts from there, as
/// [Kubernetes](https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#progress-deadline-seconds) counts
/// that of a Deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The most tasks of it that ran at once. ECS counts a task as running before its load balancer has found it healthy,
    /// and reports nothing better; one that is then found unhealthy is stopped, and shows as [`Self::faltered`].
    pub most_new: u32,
    /// The fewest tasks of the deployments before it that were left.
    pub fewest_old: u32,
    /// The lowest of ECS's counts of its failed tasks since it last came further: ECS begins anew with the count.
    pub failed: u32,
    /// A task of it has failed, or was lost after it ran, since it last came further.
    pub faltered: bool,
    /// Seconds since 1970.
    pub since: i64,
}

impl Progress {
    /// Returns the progress of a rollout of which nothing is known but what ECS shows now, as right after the write that
    /// began it: its time counts from its creation. `None` if ECS does not say when that was, as emulators do not.
    pub fn begun(service: &ServiceState) -> Option<Self> {
        let primary = service.primary()?;
        Some(Progress {
            most_new: primary.running,
            fewest_old: old_tasks(service),
            failed: primary.failed,
            faltered: primary.failed > 0,
            since: primary.created?,
        })
    }

    /// Returns the progress after another look at the service, `now` in seconds since 1970. It can come further only so
    /// often as there are tasks, so that what starts and dies again and again comes to an end.
    #[must_use]
    pub fn seen(self, service: &ServiceState, now: i64) -> Self {
        let Some(primary) = service.primary() else {
            return self;
        };
        let old = old_tasks(service);
        if primary.running > self.most_new || old < self.fewest_old {
            return Progress {
                most_new: self.most_new.max(primary.running),
                fewest_old: self.fewest_old.min(old),
                failed: primary.failed,
                faltered: false,
                since: now,
            };
        }
        // ECS's own count leaves out, or forgets, tasks that end after they ran. Fewer may also be wanted by now.
        let has_lost = primary.running < self.most_new.min(service.desired);
        Progress {
            failed: self.failed.min(primary.failed),
            faltered: self.faltered || has_lost || primary.failed > self.failed,
            ..self
        }
    }
}

/// A deployment that is still listed has a task that drains, also if ECS does not count that as running any more.
fn old_tasks(service: &ServiceState) -> u32 {
    let old = service
        .deployments
        .iter()
        .filter(|deployment| !deployment.primary);
    old.map(|deployment| deployment.running.max(1)).sum()
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
