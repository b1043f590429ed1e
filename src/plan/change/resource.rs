//! What a change writes, by the name that AWS or Kubernetes knows it by: for the log, where an operation says the rest.

use super::{Change, Tagged};
use crate::model::port::Claim;
use crate::plan::names_of;

impl Change {
    /// The name of what is written. A batch has several.
    pub fn resource(&self) -> String {
        match self {
            Change::ClaimPort(claim)
            | Change::FreePort(claim)
            | Change::RetainPort(claim)
            | Change::TakeBackPort(claim) => allocation(claim),
            Change::CreateLoadBalancer { load_balancer, .. } => load_balancer.name.clone(),
            Change::SetSubnets { load_balancer, .. }
            | Change::SetSecurityGroups { load_balancer, .. }
            | Change::ModifyLoadBalancerAttributes { load_balancer, .. }
            | Change::DeleteLoadBalancer { load_balancer, .. } => load_balancer.clone(),
            Change::CreateTargetGroup { target_group, .. } => target_group.name.clone(),
            Change::ModifyTargetGroup { target_group, .. }
            | Change::ModifyTargetGroupAttributes { target_group, .. }
            | Change::DeleteTargetGroup { target_group, .. } => target_group.clone(),
            Change::CreateListener {
                load_balancer,
                listener,
                ..
            }
            | Change::ModifyListener {
                load_balancer,
                listener,
                ..
            } => listener_of(load_balancer, listener.port),
            Change::DeleteListener {
                load_balancer, port, ..
            }
            | Change::AddCertificate {
                load_balancer, port, ..
            }
            | Change::RemoveCertificate {
                load_balancer, port, ..
            } => listener_of(load_balancer, *port),
            Change::RegisterTaskDefinition { content, .. } => content.family.clone(),
            Change::CreateService { service, .. } => service.name.clone(),
            Change::UpdateService { service, .. }
            | Change::StopRollout { service, .. }
            | Change::DeleteService { service, .. }
            | Change::TagService { service, .. }
            | Change::UntagService { service, .. } => service.clone(),
            Change::CreateScheduleGroup { group, .. } => group.name.clone(),
            Change::CreateSchedule { schedule, .. } | Change::UpdateSchedule { schedule, .. } => {
                format!("{}/{}", schedule.group, schedule.name)
            }
            Change::ReleaseSchedule { group, schedule, .. }
            | Change::DeleteSchedule { group, schedule, .. } => format!("{group}/{schedule}"),
            Change::AddTags { resources, .. } | Change::RemoveTags { resources } => {
                let names: Vec<String> = resources.iter().map(tagged).collect();
                names.join(", ")
            }
            Change::ChangeRecords { zone, changes } => {
                let names: Vec<String> = names_of(changes).into_keys().collect();
                format!("{zone}: {}", names.join(", "))
            }
        }
    }
}

fn allocation(claim: &Claim) -> String {
    format!("{}-{}", claim.owner.platform, claim.port)
}

fn tagged(resource: &Tagged) -> String {
    match resource {
        Tagged::LoadBalancer(name) | Tagged::TargetGroup(name) => name.clone(),
        Tagged::Listener { load_balancer, port } => listener_of(load_balancer, *port),
    }
}

fn listener_of(load_balancer: &str, port: u16) -> String {
    format!("{load_balancer}:{port}")
}
