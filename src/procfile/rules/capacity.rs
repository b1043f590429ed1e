//! The rules of `capacity`.

use super::Report;
use crate::api::app::{Process, ProcessCapacity};

pub(super) fn check(process: &Process, report: &mut Report<'_>) {
    let Some(ProcessCapacity {
        spot,
        capacity_providers,
    }) = &process.capacity
    else {
        return;
    };
    if spot.is_some() != capacity_providers.is_empty() {
        report.of("capacity", "say spot or capacityProviders, one or the other");
    }
    let bases = capacity_providers
        .iter()
        .filter(|provider| provider.base > Some(0));
    if bases.count() > 1 {
        report.of("capacity.capacityProviders", "only one of them can have a base");
    }
    if !capacity_providers.is_empty()
        && capacity_providers
            .iter()
            .all(|provider| provider.weight == Some(0))
    {
        report.of(
            "capacity.capacityProviders",
            "one of them at least needs a weight above 0",
        );
    }
}
