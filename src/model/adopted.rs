//! What was adopted: a service with the mark of [`super::owner::ADOPTED_TAG`] stays when its process or its App goes, with all
//! that it needs.

use std::collections::BTreeSet;

use super::desired::{Desired, DesiredProcess};
use super::name::{Arn, process_of_family};
use super::owner::is_adopted;
use super::state::{LoadBalancerState, Observed, ServiceState, ServiceStatus};

impl Desired {
    /// Returns true for a service of the App that was adopted and stays, since its process is to have none any more.
    pub fn leaves(&self, service: &ServiceState) -> bool {
        let process = process_of_family(&self.owner.app, &service.name);
        let wanted = process.and_then(|process| self.processes.get(process));
        self.adopted.stays
            && service.status == ServiceStatus::Active
            && self.owner.owns(&service.tags)
            && is_adopted(&service.tags)
            && wanted.and_then(DesiredProcess::service).is_none()
    }

    /// Returns the load balancers of the App that such services are attached to: they stay with them.
    pub fn left_balancers<'a>(
        &'a self,
        observed: &'a Observed,
    ) -> impl Iterator<Item = &'a LoadBalancerState> {
        let services = observed.services.values().filter(|service| self.leaves(service));
        let attached: BTreeSet<&Arn> = services
            .flat_map(|service| service.attachments.iter().map(|a| &a.target_group))
            .collect();
        let groups = observed.target_groups.values();
        let groups =
            groups.filter(move |group| attached.contains(&group.arn) && self.owner.owns(&group.tags));
        let in_front: BTreeSet<&Arn> = groups.flat_map(|group| &group.load_balancers).collect();
        let load_balancers = observed.load_balancers.values();
        load_balancers.filter(move |found| in_front.contains(&found.arn) && self.owner.owns(&found.tags))
    }
}
