//! What a write has started, kept for the status to remember.

use crate::aws::{AwsError, Fault};
use crate::model::name::Arn;
use crate::model::service::ServiceUpdate;
use crate::model::state::{Observed, ServiceState};

/// True if a new plan does better than an update that ECS has refused: what its refusal shows is noted, once in a pass.
pub(super) fn does_better(
    observed: &mut Observed,
    service: &str,
    update: &ServiceUpdate,
    named: Option<&Arn>,
    error: &AwsError,
) -> bool {
    match error.fault {
        // It goes out without the grace period, and that after it.
        Fault::GracePeriod => {
            update.grace_period.is_some() && observed.grace_period_follows.insert(service.into())
        }
        // What the service runs was deregistered since it was read: its content is registered again.
        Fault::Inactive if named.is_none() => {
            let running = observed.services.get(service).map(|found| &found.task_definition);
            let running = running.and_then(|arn| observed.task_definitions.get_mut(arn));
            running.is_some_and(|running| std::mem::take(&mut running.active))
        }
        Fault::Inactive
        | Fault::Absent
        | Fault::Pending
        | Fault::Stale
        | Fault::Full
        | Fault::ZoneTaken
        | Fault::Failed(_) => false,
    }
}

/// The deployment that a write has started is ours from now on. What the reply does not show is found in the next pass.
pub(super) fn submitted(
    observed: &mut Observed,
    process: Option<&str>,
    hash: &str,
    state: &ServiceState,
    redeploy: Option<&String>,
) {
    let memory = observed
        .rollouts
        .entry(process.unwrap_or_default().into())
        .or_default();
    memory.submit(hash, state, redeploy);
}
