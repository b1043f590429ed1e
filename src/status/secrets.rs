//! The secrets that an App names, in its status: the ARN of each, by which a restart knows it and tenancy judges it.

use std::collections::BTreeMap;

use crate::api::app::{AppStatus, SecretStatus};
use crate::model::desired::Desired;

/// Returns the ARN of each name that a status shows.
pub fn secrets(status: Option<&AppStatus>) -> BTreeMap<String, String> {
    let shown = status.into_iter().flat_map(|status| &status.secrets);
    shown
        .map(|secret| (secret.name.clone(), secret.arn.clone()))
        .collect()
}

/// The other way round.
pub(super) fn remembered(desired: &Desired) -> Vec<SecretStatus> {
    let known = desired.secrets.iter();
    let known = known.map(|(name, arn)| SecretStatus {
        name: name.clone(),
        arn: arn.clone(),
    });
    known.collect()
}
