//! The scalable targets of an App's services.

use std::collections::BTreeSet;

use super::details::Details;
use crate::aws::{self, Aws};
use crate::model::desired::Desired;
use crate::model::name::family;
use crate::model::named::Named;
use crate::model::part::Evidence;
use crate::model::scaling::ScalableTargetState;
use crate::model::state::{Observed, ServiceState, ServiceStatus};

/// Reads those of the processes that are to have one, and, where others may have one, those of all that are known. What an earlier
/// pass left is not read again.
pub(super) async fn read(
    aws: &dyn Aws,
    desired: &Desired,
    (details, evidence, mentioned): (&Details, Evidence, &BTreeSet<String>),
    observed: &mut Observed,
) -> aws::Result<()> {
    let app = &desired.owner.app;
    let wanted = desired
        .processes
        .iter()
        .filter(|(_, process)| process.scaling().is_some());
    let wanted: BTreeSet<String> = wanted.map(|(name, _)| family(app, name)).collect();
    let mut names = wanted.clone();
    if evidence > Evidence::No {
        let known = desired.processes.keys().chain(mentioned);
        names.extend(known.map(|process| family(app, process)));
        names.extend(observed.services.keys().cloned());
    }
    if let Some(known) = details.scaling() {
        // Of a service that had none, only one that is to have one is asked for again.
        names.retain(|name| match known.get(name) {
            Some(target) => may_have_changed(target, observed.services.get(name), details.count(name)),
            None => wanted.contains(name),
        });
        observed.scaling.clone_from(known);
    }
    again(aws, desired, observed, names.into_iter().collect()).await
}

/// Returns true if a target that is remembered is to be read again: AWS may take it along with its service, and a scheduled action
/// changes its range, and mostly the count with it.
fn may_have_changed(
    target: &ScalableTargetState,
    service: Option<&ServiceState>,
    count_before: Option<u32>,
) -> bool {
    let active = service.filter(|service| service.status == ServiceStatus::Active);
    active.is_none_or(|service| !target.actions.is_empty() && count_before != Some(service.desired))
}

/// Reads those of the named services.
pub(super) async fn again(
    aws: &dyn Aws,
    desired: &Desired,
    observed: &mut Observed,
    services: Vec<String>,
) -> aws::Result<()> {
    if services.is_empty() {
        return Ok(());
    }
    let found = aws.scalable_targets(&desired.place.cluster, &services).await?;
    observed.scaling.retain(|name, _| !services.contains(name));
    observed.scaling.extend(found);
    observed
        .fresh
        .extend(services.into_iter().map(Named::ScalableTarget));
    Ok(())
}
