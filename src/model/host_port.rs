//! Host ports of an App: those that it holds and those that it runs with; and its task definitions with them filled in.

use std::collections::BTreeSet;

use super::container::{HostPort, PortMapping};
use super::desired::{Desired, DesiredProcess};
use super::port::PortOwner;
use super::service::TaskDefinition;
use super::state::Observed;

impl Desired {
    /// Returns the port that a claim holds for this owner: of two, the one that is running, else the lowest.
    pub fn claimed_port(&self, observed: &Observed, owner: &PortOwner) -> Option<u16> {
        let claims = observed.ports.claims.iter();
        let held = claims.filter(|claim| &claim.owner == owner);
        let held: BTreeSet<u16> = held.map(|claim| claim.port).collect();
        let running = self.running_host_port(observed, owner);
        running
            .filter(|port| held.contains(port))
            .or_else(|| held.first().copied())
    }

    /// Returns the fixed host port that a process runs with now, if it is for this container port.
    pub fn running_host_port(&self, observed: &Observed, owner: &PortOwner) -> Option<u16> {
        let mut running = self.running_ports(observed, &owner.process).iter();
        running
            .find(|port| port.container_port == owner.container_port)?
            .fixed_host_port()
    }

    /// Returns the ports of the task definition that a process's service has now.
    pub fn running_ports<'a>(&self, observed: &'a Observed, process: &str) -> &'a [PortMapping] {
        let service = observed.service_of(&self.owner, process);
        let definition = service.and_then(|service| observed.running_definition(service));
        definition
            .map(|definition| definition.content.main.ports.as_slice())
            .unwrap_or_default()
    }

    /// Returns the wanted content of a process with its claimed ports filled in; `None` until each has a claim.
    pub fn definition(
        &self,
        observed: &Observed,
        process: &str,
        wanted: &DesiredProcess,
    ) -> Option<TaskDefinition> {
        let mut content = wanted.task_definition.clone();
        for port in &mut content.main.ports {
            if port.host_port == HostPort::Claimed {
                let owner = self.port_owner(process, port.container_port);
                port.host_port = HostPort::Fixed(self.claimed_port(observed, &owner)?);
            }
        }
        Some(content)
    }
}
