//! A door that leads nowhere: each change is answered as AWS would. ARNs and what else AWS alone can know is made up.

use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;

use crate::change::{
    Change, ListenerWrite, LoadBalancerWrite, Reply, ScalingStep, ScalingWrite, ScheduleWrite, ServiceWrite,
    TargetGroupWrite, TaskWrite, Write,
};
use crate::error::Error;
use crate::model::load_balancer::LoadBalancer;
use crate::model::name::Arn;
use crate::model::release::{Started, TaskState};
use crate::model::service::{Attachment, Capacity, Service, ServiceUpdate};
use crate::model::state::{
    Deployment, ListenerState, LoadBalancerState, ROLLING, Rollout, ServiceState, ServiceStatus,
    TargetGroupState, TaskDefinitionState,
};
use crate::write::{Arns, Refusal, Writer};

#[derive(Default)]
pub(super) struct Invent {
    made: AtomicU32,
}

#[async_trait]
impl Writer for Invent {
    async fn write(&self, change: &Change, arns: &Arns<'_>) -> Result<Reply, Refusal> {
        Ok(match &change.write {
            Write::LoadBalancer(LoadBalancerWrite::Create { load_balancer }) => {
                Reply::LoadBalancer(self.load_balancer(load_balancer))
            }
            Write::TargetGroup(TargetGroupWrite::Create { target_group }) => {
                let arn = self.arn("targetgroup", &target_group.name);
                Reply::TargetGroup(TargetGroupState::of(target_group, arn))
            }
            Write::Listener(ListenerWrite::Create {
                load_balancer,
                listener,
            }) => {
                let arn = self.arn("listener", load_balancer);
                Reply::Listener(ListenerState::of(arn, listener, arns.action(listener)?))
            }
            Write::Listener(ListenerWrite::Modify {
                load_balancer,
                listener,
            }) => {
                let arn = arns.listener(load_balancer, listener.port)?;
                Reply::Listener(ListenerState::of(arn, listener, arns.action(listener)?))
            }
            Write::TaskDefinition(registration) => Reply::TaskDefinition(TaskDefinitionState {
                arn: self.arn("task-definition", &registration.content.family),
                content: registration.content.clone(),
                active: true,
                tags: registration.tags.clone(),
            }),
            Write::Service(write) => self.service(write, arns)?,
            Write::Scaling(ScalingWrite {
                service,
                step: ScalingStep::Register { .. },
            }) => Reply::ScalableTarget(Some(self.arn("scalable-target", service))),
            Write::Schedule(ScheduleWrite::CreateGroup { group }) => {
                Reply::ScheduleGroup(self.arn("schedule-group", &group.name))
            }
            Write::Schedule(
                ScheduleWrite::Create {
                    schedule,
                    task_definition,
                }
                | ScheduleWrite::Update {
                    schedule,
                    task_definition,
                    ..
                },
            ) => Reply::Schedule(schedule.written(&arns.target(task_definition)?)),
            Write::Schedule(ScheduleWrite::Release { group, schedule }) => {
                let (schedule, target) = arns.released(group, schedule)?;
                Reply::Schedule(schedule.written(&target))
            }
            Write::Task(TaskWrite::Run { family, .. }) => Reply::Started(Started::Task(TaskState {
                arn: self.arn("task", family),
                started_by: None,
                status: "PENDING".into(),
                has_started: false,
                containers: Vec::new(),
                stop_code: None,
                reason: None,
            })),
            Write::LoadBalancer(
                LoadBalancerWrite::SetSubnets { .. }
                | LoadBalancerWrite::SetSecurityGroups { .. }
                | LoadBalancerWrite::ModifyAttributes { .. }
                | LoadBalancerWrite::Delete { .. },
            )
            | Write::TargetGroup(
                TargetGroupWrite::Modify { .. }
                | TargetGroupWrite::ModifyAttributes { .. }
                | TargetGroupWrite::Delete { .. },
            )
            | Write::Listener(
                ListenerWrite::Delete { .. }
                | ListenerWrite::AddCertificate { .. }
                | ListenerWrite::RemoveCertificate { .. },
            )
            | Write::Scaling(ScalingWrite {
                step:
                    ScalingStep::SetRange(_)
                    | ScalingStep::Deregister
                    | ScalingStep::PutPolicy(_)
                    | ScalingStep::DeletePolicy(_)
                    | ScalingStep::PutAction { .. }
                    | ScalingStep::DeleteAction(_)
                    | ScalingStep::Tag(_)
                    | ScalingStep::Untag,
                ..
            })
            | Write::Schedule(ScheduleWrite::Delete { .. })
            | Write::LogGroup(_)
            | Write::Task(TaskWrite::Stop { .. })
            | Write::Port(_)
            | Write::Tags(_)
            | Write::Records(_) => Reply::Done,
        })
    }
}

impl Invent {
    /// Unlike any that AWS gives out, and unlike any other.
    fn arn(&self, kind: &str, name: &str) -> Arn {
        let made = self.made.fetch_add(1, Ordering::Relaxed);
        Arn(format!("not-made:{kind}/{name}/{made}"))
    }

    fn load_balancer(&self, wanted: &LoadBalancer) -> LoadBalancerState {
        // The plan shows it where AWS will choose a DNS name.
        let unknown = format!("<dns name of {}>", wanted.name);
        let arn = self.arn("loadbalancer/app", &wanted.name);
        LoadBalancerState::of(wanted, arn, unknown.clone(), unknown)
    }

    fn service(&self, write: &ServiceWrite, arns: &Arns<'_>) -> Result<Reply, Refusal> {
        match write {
            ServiceWrite::Create {
                service,
                task_definition,
                attachments,
                rollout: _,
            } => {
                let definition = arns.task_definition(task_definition)?;
                Ok(Reply::Service(self.created(
                    service,
                    &definition,
                    arns.attachments(attachments)?,
                )))
            }
            ServiceWrite::Update {
                service,
                update,
                task_definition,
                attachments,
                rollout: _,
            } => {
                let (definition, attachments) =
                    arns.of_update(task_definition.as_ref(), attachments.as_deref())?;
                let Some(before) = arns.observed.services.get(service) else {
                    return Err(Error::Bug(format!("{service} was not observed")).into());
                };
                Ok(Reply::Service(self.updated(
                    before.clone(),
                    update,
                    definition,
                    attachments,
                )))
            }
            ServiceWrite::StopRollout { .. }
            | ServiceWrite::Delete { .. }
            | ServiceWrite::Tag { .. }
            | ServiceWrite::Untag { .. } => Ok(Reply::Done),
        }
    }

    fn deployment(&self, task_definition: &Arn, desired: u32) -> Deployment {
        Deployment {
            id: self.arn("deployment", &task_definition.0).0,
            primary: true,
            task_definition: task_definition.clone(),
            rollout: Rollout::InProgress,
            desired,
            running: 0,
            pending: desired,
            failed: 0,
            created: None,
            reason: None,
        }
    }

    fn created(&self, wanted: &Service, definition: &Arn, attachments: Vec<Attachment<Arn>>) -> ServiceState {
        let desired = wanted.first_count();
        let settings = &wanted.settings;
        ServiceState {
            name: wanted.name.clone(),
            arn: self.arn("service", &wanted.name),
            status: ServiceStatus::Active,
            task_definition: definition.clone(),
            desired,
            running: 0,
            pending: desired,
            deployments: vec![self.deployment(definition, desired)],
            attachments,
            deployment_percent: Some((
                settings.deployment.minimum_healthy_percent,
                settings.deployment.maximum_percent,
            )),
            circuit_breaker: Some(settings.deployment.circuit_breaker),
            strategy: Some(ROLLING.into()),
            zone_rebalancing: Some(settings.zone_rebalancing),
            placement: Some(settings.placement.clone()),
            constraints: Some(settings.constraints.clone()),
            launch_type: match wanted.capacity {
                Capacity::LaunchType(launch_type) => Some(launch_type),
                Capacity::Providers(_) => None,
            },
            unlike_ours: Vec::new(),
            capacity_providers: None,
            grace_period: settings.grace_period,
            network: settings.network.clone(),
            exec: Some(settings.exec == Some(true)),
            tags: wanted.tags.clone(),
            newest_event: None,
        }
    }

    fn updated(
        &self,
        mut state: ServiceState,
        update: &ServiceUpdate,
        definition: Option<Arn>,
        attachments: Option<Vec<Attachment<Arn>>>,
    ) -> ServiceState {
        let rolls = definition.is_some() || attachments.is_some() || update.starts_rollout();
        state.change(update);
        state.task_definition = definition.unwrap_or(state.task_definition);
        state.attachments = attachments.unwrap_or(state.attachments);
        if rolls {
            for replaced in &mut state.deployments {
                replaced.primary = false;
            }
            let deployment = self.deployment(&state.task_definition, state.desired);
            state.deployments.insert(0, deployment);
        }
        state
    }
}
