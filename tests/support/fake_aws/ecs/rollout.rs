//! Rollouts: begun, completed, given up by the circuit breaker or stopped by somebody, and rolled back.

use empire_controller::aws::Result;
use empire_controller::model::name::Arn;
use empire_controller::model::rollout::{ServiceDeployment, ServiceDeploymentStatus};
use empire_controller::model::service::{Attachment, Capacity, TaskNetwork};

use super::super::{STOPPING, refuse};
use super::service::{Rolling, Running};

/// All that a rollout carries, and that a rollback therefore takes back: no percentages, counts or placement.
#[derive(Clone, Debug)]
pub(super) struct Revision {
    definition: Arn,
    attachments: Vec<Attachment<Arn>>,
    network: Option<TaskNetwork>,
    capacity: Capacity,
}

/// A service deployment. A rollback is a part of the one that it takes back.
#[derive(Clone, Debug)]
pub(super) struct Recorded {
    arn: Arn,
    created: u64,
    status: ServiceDeploymentStatus,
    reason: Option<String>,
}

impl Rolling {
    fn new(id: u64, definition: Arn, attachments: Vec<Attachment<Arn>>, now: u64) -> Self {
        Rolling {
            id,
            definition,
            attachments,
            running: 0,
            ended: 0,
            completed: false,
            arrives: None,
            created: now,
            failed: None,
            failing_since: None,
            rolls_back: None,
        }
    }

    pub(super) fn failed_tasks(&self, forgets: bool) -> u32 {
        let ended = if forgets { 0 } else { self.ended };
        ended.max(u32::from(self.failing_since.is_some() || self.failed.is_some()) * 3)
    }
}

impl Running {
    pub(in crate::fake_aws) fn stop_by_hand(&mut self, id: u64, now: u64) {
        self.give_up(id, now, "Service deployment stopped by request.", true);
    }

    pub(in crate::fake_aws) fn forget_rollouts(&mut self) {
        self.history.clear();
    }

    /// Begins a rollout of the service as it is to be now.
    pub(in crate::fake_aws) fn roll_out(&mut self, id: u64, definition: Arn, now: u64) {
        let primary = Rolling::new(id, definition, self.attachments.clone(), now);
        self.deployments.insert(0, primary);
        if let Some(last) = self.history.last_mut()
            && last.status == ServiceDeploymentStatus::Ongoing
        {
            last.status = ServiceDeploymentStatus::Stopped;
        }
        self.history.push(Recorded {
            arn: Arn(format!("{}/service-deployment/{id}", self.arn)),
            created: now,
            status: ServiceDeploymentStatus::Ongoing,
            reason: None,
        });
    }

    pub(super) fn note_completion(&mut self) {
        let [only] = self.deployments.as_mut_slice() else {
            return;
        };
        if only.completed {
            return;
        }
        only.completed = true;
        self.complete = Some(Revision {
            definition: only.definition.clone(),
            attachments: only.attachments.clone(),
            network: self.settings.network.clone(),
            capacity: self.capacity.clone(),
        });
        if let Some(last) = self.history.last_mut()
            && last.status == ServiceDeploymentStatus::Ongoing
        {
            last.status = ServiceDeploymentStatus::Successful;
        }
    }

    /// The circuit breaker.
    pub(super) fn trip(&mut self, id: u64, now: u64) {
        let rollback = self.settings.deployment.circuit_breaker.rollback;
        let why = "ECS deployment circuit breaker: tasks failed to start.";
        self.give_up(id, now, why, rollback);
    }

    /// Without a rollback, or where there is nothing to go back to, it stays as it is and launches no more tasks.
    fn give_up(&mut self, id: u64, now: u64, why: &str, rollback: bool) {
        let failed = &mut self.deployments[0];
        failed.failed = Some(why.into());
        let again = failed.rolls_back.is_some();
        let back = self.complete.clone().filter(|_| rollback && !again);
        if let Some(record) = self.history.last_mut() {
            record.reason = Some(why.into());
            record.status = if back.is_some() || again {
                ServiceDeploymentStatus::RolledBack
            } else {
                ServiceDeploymentStatus::Stopped
            };
        }
        let Some(back) = back else {
            return;
        };
        failed.arrives = Some(now + STOPPING);
        self.attachments.clone_from(&back.attachments);
        self.settings.network = back.network;
        self.capacity = back.capacity;
        let mut primary = Rolling::new(id, back.definition, back.attachments, now);
        primary.rolls_back = Some(format!("{why} Rolling back."));
        self.deployments.insert(0, primary);
        self.event = Some("rolling back to the last deployment that completed.".into());
    }

    pub(super) fn service_deployments(&self) -> Vec<ServiceDeployment> {
        let newest_first = self.history.iter().rev();
        newest_first
            .map(|record| ServiceDeployment {
                arn: record.arn.clone(),
                created: record.created.try_into().unwrap(),
                status: record.status,
                reason: record.reason.clone(),
            })
            .collect()
    }

    pub(super) fn has_recorded(&self, arn: &Arn) -> bool {
        self.history.iter().any(|record| &record.arn == arn)
    }

    /// By StopServiceDeployment.
    pub(super) fn stop(&mut self, action: &'static str, arn: &Arn, id: u64, now: u64) -> Result<()> {
        let newest = self.history.last().filter(|record| &record.arn == arn);
        if newest.is_none_or(|record| record.status != ServiceDeploymentStatus::Ongoing) {
            return refuse(
                action,
                "ConflictException",
                "The service deployment has ended or is about to.",
            );
        }
        if self.complete.is_none() {
            return refuse(
                action,
                "ClientException",
                "There is no service revision to roll back to.",
            );
        }
        self.give_up(id, now, "Service deployment stopped by request.", true);
        Ok(())
    }
}
