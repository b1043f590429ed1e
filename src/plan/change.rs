//! One change is one write. It speaks in names; only `apply` knows ARNs.

mod resource;

use std::collections::BTreeSet;

use crate::model::load_balancer::{
    HealthCheck, Listener, LoadBalancer, LoadBalancerAttributes, TargetGroup, TargetGroupAttributes,
};
use crate::model::name::Arn;
use crate::model::owner::Tags;
use crate::model::port::Claim;
use crate::model::record::RecordChange;
use crate::model::schedule::{Schedule, ScheduleGroup, SchedulePart};
use crate::model::service::{Attachment, Service, ServiceUpdate, TaskDefinition};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    ClaimPort(Claim),
    FreePort(Claim),
    /// Keeps the claim for whoever comes after this App under its name.
    RetainPort(Claim),
    /// Such a claim is a common one again.
    TakeBackPort(Claim),
    CreateLoadBalancer {
        process: String,
        load_balancer: LoadBalancer,
    },
    SetSubnets {
        process: String,
        load_balancer: String,
        subnets: Vec<String>,
    },
    SetSecurityGroups {
        process: String,
        load_balancer: String,
        security_groups: Vec<String>,
    },
    ModifyLoadBalancerAttributes {
        process: String,
        load_balancer: String,
        attributes: LoadBalancerAttributes,
    },
    DeleteLoadBalancer {
        process: String,
        load_balancer: String,
    },
    CreateTargetGroup {
        process: String,
        target_group: TargetGroup,
    },
    ModifyTargetGroup {
        process: String,
        target_group: String,
        check: HealthCheck,
    },
    ModifyTargetGroupAttributes {
        process: String,
        target_group: String,
        attributes: TargetGroupAttributes,
    },
    DeleteTargetGroup {
        process: String,
        target_group: String,
    },
    CreateListener {
        process: String,
        load_balancer: String,
        listener: Listener,
    },
    /// Everything but its further certificates.
    ModifyListener {
        process: String,
        load_balancer: String,
        listener: Listener,
    },
    DeleteListener {
        process: String,
        load_balancer: String,
        port: u16,
    },
    /// One besides the default certificate of the listener on a port.
    AddCertificate {
        process: String,
        load_balancer: String,
        port: u16,
        certificate: String,
    },
    RemoveCertificate {
        process: String,
        load_balancer: String,
        port: u16,
        certificate: String,
    },
    RegisterTaskDefinition {
        process: String,
        content: TaskDefinition,
        tags: Tags,
    },
    CreateService {
        process: String,
        service: Service,
        task_definition: TaskDefinition,
        attachments: Vec<Attachment<String>>,
        /// The hash of its first rollout.
        rollout: String,
    },
    UpdateService {
        process: String,
        service: String,
        update: ServiceUpdate,
        task_definition: Option<TaskDefinition>,
        attachments: Option<Vec<Attachment<String>>>,
        /// The hash of the rollout that it starts, if it starts one.
        rollout: Option<String>,
    },
    /// Ends one that takes too long: ECS brings back what was complete before.
    StopRollout {
        process: String,
        service: String,
        /// ECS's record of it.
        deployment: Arn,
    },
    DeleteService {
        process: String,
        service: String,
    },
    CreateScheduleGroup {
        /// The first that needs it.
        process: String,
        group: ScheduleGroup,
    },
    CreateSchedule {
        process: String,
        schedule: Schedule,
        task_definition: TaskDefinition,
    },
    /// All of it is sent.
    UpdateSchedule {
        process: String,
        schedule: Schedule,
        task_definition: TaskDefinition,
        differing: BTreeSet<SchedulePart>,
    },
    /// It loses its owner, and nothing else.
    ReleaseSchedule {
        process: String,
        group: String,
        schedule: String,
    },
    DeleteSchedule {
        process: String,
        group: String,
        schedule: String,
    },
    TagService {
        process: String,
        service: String,
        tags: Tags,
    },
    /// Takes our tags away, and no others.
    UntagService {
        process: String,
        service: String,
    },
    /// The same tags for up to 20 resources.
    AddTags {
        resources: Vec<Tagged>,
        tags: Tags,
    },
    /// Takes our tags away from up to 20 resources, and no others.
    RemoveTags {
        resources: Vec<Tagged>,
    },
    /// One atomic batch.
    ChangeRecords {
        zone: String,
        changes: Vec<RecordChange>,
    },
}

/// What of load balancing carries tags.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tagged {
    LoadBalancer(String),
    Listener { load_balancer: String, port: u16 },
    TargetGroup(String),
}

impl Change {
    /// The process that the change is for, where it is for one.
    pub fn process(&self) -> Option<&str> {
        match self {
            Change::ClaimPort(claim)
            | Change::FreePort(claim)
            | Change::RetainPort(claim)
            | Change::TakeBackPort(claim) => Some(&claim.owner.process),
            Change::CreateLoadBalancer { process, .. }
            | Change::SetSubnets { process, .. }
            | Change::SetSecurityGroups { process, .. }
            | Change::ModifyLoadBalancerAttributes { process, .. }
            | Change::DeleteLoadBalancer { process, .. }
            | Change::CreateTargetGroup { process, .. }
            | Change::ModifyTargetGroup { process, .. }
            | Change::ModifyTargetGroupAttributes { process, .. }
            | Change::DeleteTargetGroup { process, .. }
            | Change::CreateListener { process, .. }
            | Change::ModifyListener { process, .. }
            | Change::DeleteListener { process, .. }
            | Change::AddCertificate { process, .. }
            | Change::RemoveCertificate { process, .. }
            | Change::RegisterTaskDefinition { process, .. }
            | Change::CreateService { process, .. }
            | Change::UpdateService { process, .. }
            | Change::StopRollout { process, .. }
            | Change::DeleteService { process, .. }
            | Change::CreateScheduleGroup { process, .. }
            | Change::CreateSchedule { process, .. }
            | Change::UpdateSchedule { process, .. }
            | Change::ReleaseSchedule { process, .. }
            | Change::DeleteSchedule { process, .. }
            | Change::TagService { process, .. }
            | Change::UntagService { process, .. } => Some(process),
            Change::AddTags { .. } | Change::RemoveTags { .. } | Change::ChangeRecords { .. } => None,
        }
    }

    /// What an Event about it is called.
    pub fn verb(&self) -> Verb {
        match self {
            Change::ClaimPort(_)
            | Change::CreateLoadBalancer { .. }
            | Change::CreateTargetGroup { .. }
            | Change::CreateListener { .. }
            | Change::RegisterTaskDefinition { .. }
            | Change::CreateScheduleGroup { .. }
            | Change::CreateSchedule { .. }
            | Change::CreateService { .. } => Verb::Created,
            Change::SetSubnets { .. }
            | Change::SetSecurityGroups { .. }
            | Change::ModifyTargetGroup { .. }
            | Change::ModifyTargetGroupAttributes { .. }
            | Change::ModifyListener { .. }
            | Change::AddCertificate { .. }
            | Change::RemoveCertificate { .. }
            | Change::ModifyLoadBalancerAttributes { .. }
            | Change::UpdateService { .. }
            | Change::StopRollout { .. }
            | Change::UpdateSchedule { .. }
            | Change::ReleaseSchedule { .. }
            | Change::TagService { .. }
            | Change::UntagService { .. }
            | Change::RetainPort(_)
            | Change::TakeBackPort(_)
            | Change::RemoveTags { .. }
            | Change::AddTags { .. } => Verb::Updated,
            Change::ChangeRecords { changes, .. } => verb_of_batch(changes),
            Change::FreePort(_)
            | Change::DeleteLoadBalancer { .. }
            | Change::DeleteTargetGroup { .. }
            | Change::DeleteListener { .. }
            | Change::DeleteSchedule { .. }
            | Change::DeleteService { .. } => Verb::Deleted,
        }
    }
}

/// A batch that makes some names and takes others away changes names.
fn verb_of_batch(changes: &[RecordChange]) -> Verb {
    let creates = |change: &RecordChange| matches!(change, RecordChange::Create(_));
    if changes.iter().all(creates) {
        Verb::Created
    } else if changes.iter().any(creates) {
        Verb::Updated
    } else {
        Verb::Deleted
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    Created,
    Updated,
    Deleted,
}

#[cfg(test)]
mod tests;
