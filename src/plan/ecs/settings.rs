//! Settings of a service that differ from what is wanted, and what of them is sent.

use super::Update;
use crate::model::service::{
    APPLICATION_GRACE_PERIOD, Capacity, DeploymentConfiguration, NETWORK_GRACE_PERIOD, ServiceUpdate,
};
use crate::plan::echo::without_echoes;

impl Update<'_> {
    /// The settings that are known to differ, and not only to be reported otherwise.
    pub(super) fn settings(&self) -> ServiceUpdate {
        let (settings, _) = without_echoes(self.view.observed, self.found, self.differing());
        settings
    }

    pub(super) fn differing(&self) -> ServiceUpdate {
        let (wanted, found) = (&self.service.settings, self.found);
        let DeploymentConfiguration {
            minimum_healthy_percent,
            maximum_percent,
            circuit_breaker,
        } = wanted.deployment;
        let percent = (minimum_healthy_percent, maximum_percent);
        let deploys_otherwise = differing(percent, found.deployment_percent).is_some()
            || differing(circuit_breaker, found.circuit_breaker).is_some();
        ServiceUpdate {
            desired_count: self.differing_count(),
            // Of another strategy, it goes out by itself.
            deployment: (deploys_otherwise && !found.rolls_otherwise()).then_some(wanted.deployment),
            zone_rebalancing: differing(wanted.zone_rebalancing, found.zone_rebalancing),
            placement: differing(wanted.placement.clone(), found.placement.clone()),
            constraints: differing_order(&wanted.constraints, found.constraints.as_ref()),
            grace_period: self
                .differing_grace_period()
                .filter(|_| self.grace_period_follows() || !self.has_default_grace_period()),
            network: wanted.network.clone().filter(|wanted| {
                let dropped = &self.view.desired.place.dropped_security_groups;
                let found = found.network.as_ref();
                found.is_some_and(|found| wanted.differs(found, dropped))
            }),
            exec: self.differing_exec(),
            capacity_providers: match &self.service.capacity {
                Capacity::LaunchType(_) => None,
                Capacity::Providers(wanted) => differing_order(wanted, found.capacity_providers.as_ref()),
            },
            rolling: false,
            redeploy: self.redeploy(),
            secrets: self.due_secrets(),
            again: self.is_tried_again(),
        }
    }

    pub(super) fn differing_grace_period(&self) -> Option<u32> {
        let (wanted, found) = (self.service.settings.grace_period?, self.found.grace_period);
        if self.grace_period_follows() {
            return Some(wanted).filter(|_| found != Some(wanted));
        }
        differing(wanted, found)
    }

    /// Either default is as good as the other where the manifest gives none: it goes along with the next rollout.
    fn has_default_grace_period(&self) -> bool {
        let defaults = [APPLICATION_GRACE_PERIOD, NETWORK_GRACE_PERIOD];
        let has_one = self
            .found
            .grace_period
            .is_some_and(|found| defaults.contains(&found));
        !self.service.given_grace_period && has_one
    }

    pub(super) fn differing_count(&self) -> Option<u32> {
        self.view
            .differing_count(self.process, self.wanted, self.found.desired)
    }
}

/// Returns the setting to send: none if it is the same, or if the reply left it out.
fn differing<T: PartialEq>(wanted: T, found: Option<T>) -> Option<T> {
    match found {
        Some(found) if found != wanted => Some(wanted),
        Some(_) | None => None,
    }
}

/// The same of a list whose order means nothing.
fn differing_order<T: Clone + Ord>(wanted: &[T], found: Option<&Vec<T>>) -> Option<Vec<T>> {
    let sorted = |all: &[T]| {
        let mut all = all.to_vec();
        all.sort();
        all
    };
    found
        .filter(|found| sorted(found) != sorted(wanted))
        .map(|_| wanted.to_vec())
}
