//! The things that changes are about, so that the inventory learns of them from the pass that made them.

use std::collections::{BTreeMap, BTreeSet};

use crate::change::{Change, Tagged, Write, names_of};
use crate::lists::Wanted;
use crate::model::named::Named;
use crate::model::pending::Pending;
use crate::model::state::Observed;

/// Names, by kind.
#[derive(Debug, Default)]
pub(super) struct Touched {
    pub services: BTreeSet<String>,
    pub load_balancing: Wanted,
    /// By zone.
    pub names: BTreeMap<String, BTreeSet<String>>,
    pub schedules: bool,
}

impl Touched {
    /// Returns what these changes have written.
    pub(super) fn by(done: &[Change], observed: &Observed) -> Self {
        // They say which load balancers forward to them.
        let groups = observed.target_groups.keys().cloned();
        let mut touched = Touched::default();
        let Touched {
            services,
            load_balancing,
            names,
            schedules,
        } = &mut touched;
        for change in done {
            match &change.write {
                // What all Apps share of these is elsewhere, or nothing.
                Write::Port(_)
                | Write::TaskDefinition(_)
                | Write::Scaling(_)
                | Write::LogGroup(_)
                | Write::Task(_) => {}
                Write::Service(_) => {
                    services.insert(change.resource());
                }
                Write::LoadBalancer(_) => {
                    load_balancing.load_balancers.insert(change.resource());
                    load_balancing.target_groups.extend(groups.clone());
                }
                Write::TargetGroup(_) => {
                    load_balancing.target_groups.insert(change.resource());
                }
                Write::Listener(_) => load_balancing.target_groups.extend(groups.clone()),
                Write::Tags(write) => {
                    for resource in write.resources() {
                        match resource {
                            Tagged::LoadBalancer(name) => {
                                load_balancing.load_balancers.insert(name.clone());
                            }
                            Tagged::TargetGroup(name) => {
                                load_balancing.target_groups.insert(name.clone());
                            }
                            Tagged::Listener { .. } => {}
                        }
                    }
                }
                Write::Records(batch) => {
                    let written = names_of(&batch.changes).into_keys();
                    names.entry(batch.zone.clone()).or_default().extend(written);
                }
                Write::Schedule(_) => *schedules = true,
            }
        }
        touched
    }

    /// Returns what was read by name, or made in this pass.
    pub(super) fn fresh(fresh: &BTreeSet<Named>) -> Self {
        let mut touched = Touched::default();
        for named in fresh {
            match named {
                Named::Service(name) => {
                    touched.services.insert(name.clone());
                }
                Named::LoadBalancer(name) => {
                    touched.load_balancing.load_balancers.insert(name.clone());
                }
                Named::TargetGroup(name) => {
                    touched.load_balancing.target_groups.insert(name.clone());
                }
                Named::Name(key) => {
                    touched
                        .names
                        .entry(key.zone.clone())
                        .or_default()
                        .insert(key.name.clone());
                }
                // Details, and what lists do not show.
                Named::Listeners(_)
                | Named::ScalableTarget(_)
                | Named::LogGroup(_)
                | Named::Schedule(_)
                | Named::ReleaseTask
                | Named::Port(_) => {}
            }
        }
        touched
    }

    /// Returns what a pass reads that waits for these.
    pub(super) fn for_pending(pending: &[Pending]) -> Self {
        let mut touched = Touched::default();
        for pending in pending {
            match pending {
                Pending::Rollout { service, .. } | Pending::Draining { service, .. } => {
                    touched.services.insert(service.clone());
                }
                Pending::Provisioning { load_balancer, .. } => {
                    touched
                        .load_balancing
                        .load_balancers
                        .insert(load_balancer.clone());
                }
                Pending::Release { .. }
                | Pending::GroupDeletion { .. }
                | Pending::PortRecovery { .. }
                | Pending::SecretChange { .. }
                | Pending::Releasing { .. }
                | Pending::ZoneChange { .. }
                | Pending::Retiring { .. }
                | Pending::Names { .. }
                | Pending::OldZone { .. }
                | Pending::Batch { .. }
                | Pending::Budget { .. } => {}
            }
        }
        touched
    }
}
