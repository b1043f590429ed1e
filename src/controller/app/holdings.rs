//! What an App holds, and which of its changes let somebody else have it.

use crate::model::desired::Desired;
use crate::model::record::RecordChange;
use crate::model::state::Observed;
use crate::plan::Change;

/// True for a change after which a name, a port or a resource may be another's.
pub(super) fn lets_go(change: &Change) -> bool {
    match change {
        Change::FreePort(_)
        | Change::DeleteLoadBalancer { .. }
        | Change::DeleteTargetGroup { .. }
        | Change::DeleteListener { .. }
        | Change::RemoveCertificate { .. }
        | Change::DeleteService { .. }
        // Whoever may adopt it.
        | Change::UntagService { .. }
        | Change::RemoveTags { .. } => true,
        Change::ChangeRecords { changes, .. } => changes
            .iter()
            .any(|change| matches!(change, RecordChange::Delete(_))),
        Change::ClaimPort(_)
        | Change::CreateLoadBalancer { .. }
        | Change::SetSubnets { .. }
        | Change::SetSecurityGroups { .. }
        | Change::CreateTargetGroup { .. }
        | Change::ModifyTargetGroup { .. }
        | Change::ModifyTargetGroupAttributes { .. }
        | Change::CreateListener { .. }
        | Change::ModifyListener { .. }
        | Change::AddCertificate { .. }
        | Change::ModifyLoadBalancerAttributes { .. }
        | Change::RegisterTaskDefinition { .. }
        | Change::CreateService { .. }
        | Change::UpdateService { .. }
        | Change::StopRollout { .. }
        | Change::CreateScheduleGroup { .. }
        | Change::CreateSchedule { .. }
        | Change::UpdateSchedule { .. }
        | Change::ReleaseSchedule { .. }
        | Change::DeleteSchedule { .. }
        | Change::TagService { .. }
        | Change::RetainPort(_)
        | Change::TakeBackPort(_)
        | Change::AddTags { .. } => false,
    }
}

/// True if anything of this App is in AWS or among the claims.
pub(super) fn holds_anything(desired: &Desired, observed: &Observed) -> bool {
    let owner = &desired.owner;
    observed
        .services
        .values()
        .any(|service| owner.owns(&service.tags))
        || observed.load_balancers.values().any(|l| owner.owns(&l.tags))
        || observed.target_groups.values().any(|g| owner.owns(&g.tags))
        || observed.schedules_of(owner).next().is_some()
        || observed
            .ports
            .claims
            .iter()
            .any(|claim| claim.owner.app == owner.app)
}
