//! Drift of where tasks run: on which capacity and instances, and in which network.

use empire_controller::model::service::{Capacity, CapacityProvider, PlacementConstraint, TaskNetwork};

use super::super::console::Console;

impl Console<'_> {
    /// By their kinds: of those with an expression, there is none.
    pub(crate) fn set_constraints(&mut self, service: &str, kinds: &[&str]) {
        let constraint = |kind: &&str| PlacementConstraint {
            kind: (*kind).into(),
            expression: String::new(),
        };
        self.service(service).settings.constraints = kinds.iter().map(constraint).collect();
    }

    pub(crate) fn set_task_subnets(&mut self, service: &str, subnets: &[&str]) {
        self.network(service).subnets = subnets.iter().map(|&subnet| subnet.into()).collect();
    }

    pub(crate) fn set_security_groups(&mut self, service: &str, groups: &[&str]) {
        self.network(service).security_groups = groups.iter().map(|&group| group.into()).collect();
    }

    /// By name and weight.
    pub(crate) fn set_capacity(&mut self, service: &str, providers: &[(&str, u32)]) {
        let providers = providers.iter().map(|&(name, weight)| CapacityProvider {
            name: name.into(),
            weight,
            base: 0,
        });
        self.service(service).capacity = Capacity::Providers(providers.collect());
    }

    fn network(&mut self, service: &str) -> &mut TaskNetwork {
        self.service(service).settings.network.as_mut().unwrap()
    }
}
