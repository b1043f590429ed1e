//! What a write has started, kept for the status to remember.

use crate::aws::{Fault, Result};
use crate::model::service::ServiceUpdate;
use crate::model::state::{Observed, ServiceState};

/// True if ECS refused an update for its grace period, and has not in this pass before: it goes out without, and the grace
/// period after it.
pub(super) fn grace_period_follows(
    observed: &mut Observed,
    service: &str,
    update: &ServiceUpdate,
    reply: &Result<ServiceState>,
) -> bool {
    match reply {
        Err(error) => {
            error.fault == Fault::GracePeriod
                && update.grace_period.is_some()
                && observed.grace_period_follows.insert(service.into())
        }
        Ok(_) => {
            if update.grace_period.is_some() {
                observed.grace_period_follows.remove(service);
            }
            false
        }
    }
}

/// The deployment that a write has started is ours from now on. What the reply does not show is found in the next pass.
pub(super) fn submitted(
    observed: &mut Observed,
    process: &str,
    hash: &str,
    state: &ServiceState,
    redeploy: Option<&String>,
) {
    let memory = observed.rollouts.entry(process.into()).or_default();
    memory.submit(hash, state, redeploy);
}
