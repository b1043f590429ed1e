//! What a write has started, kept for the status to remember.

use crate::model::state::{Observed, ServiceState};

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
