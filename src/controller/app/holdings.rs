//! The things that an App holds.

use crate::model::desired::Desired;
use crate::model::state::Observed;

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
