//! The door: the only way to AWS and to the port claims for writing. A change goes in, and a reply or a refusal comes
//! out; what has to be read then is the caller's to read.

mod arns;
mod budget;
mod log_group;
pub mod zones;

use std::time::Instant;

use async_trait::async_trait;
use jiff::Timestamp;
use tracing::{info, warn};

pub use arns::Arns;
pub use budget::Budgeted;
pub use zones::Names;

use crate::aws::{AwsError, AwsWrites, Subject, in_time, subject, writing};
use crate::budget::Bucket;
use crate::change::{
    Change, ListenerWrite, LoadBalancerWrite, PortWrite, RecordBatch, Registration, Reply, ScalingStep,
    ScalingWrite, ScheduleWrite, ServiceWrite, TagsWrite, TargetGroupWrite, TaskWrite, Write,
};
use crate::claims::{ClaimWrites, Claimed};
use crate::error::Error;
use crate::model::owner::OWNER_TAG;

/// Writes one change.
#[async_trait]
pub trait Writer: Send + Sync {
    async fn write(&self, change: &Change, arns: &Arns<'_>) -> Result<Reply, Refusal>;

    /// Returns when to come again with a change, and what it waits for. `None`: it has its turn, which it keeps until it is
    /// written in this pass, or needs none. Asked before anything is read for it.
    fn later(&self, _change: &Change) -> Option<(Timestamp, Bucket)> {
        None
    }
}

/// The reason why a change was not written.
#[derive(Debug)]
pub enum Refusal {
    /// Somebody else claimed the port first.
    PortTaken,
    /// It was not begun, since another replica may be about to write.
    Fenced(Error),
    /// It was not begun, since AWS takes no more calls of its kind before then. It has a place in the line.
    Later { until: Timestamp, bucket: Bucket },
    /// AWS had no token for it, although there seemed to be one. It has a place in the line again.
    Throttled {
        error: Box<AwsError>,
        until: Timestamp,
        bucket: Bucket,
    },
    /// AWS or Kubernetes refused it, or a name in it has no ARN.
    Failed(Error),
}

impl From<AwsError> for Refusal {
    fn from(error: AwsError) -> Self {
        Error::from(error).into()
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        if error.is_fenced() {
            Refusal::Fenced(error)
        } else {
            Refusal::Failed(error)
        }
    }
}

/// Sends each change as one call, and leaves one line in the log for it.
pub struct Door<'a> {
    pub aws: &'a dyn AwsWrites,
    pub claims: &'a dyn ClaimWrites,
}

#[async_trait]
impl Writer for Door<'_> {
    async fn write(&self, change: &Change, arns: &Arns<'_>) -> Result<Reply, Refusal> {
        // AWS's calls are logged as they return, with what is known of them only then.
        writing(change.process(), change.resource(), self.send(change, arns)).await
    }
}

impl Door<'_> {
    async fn send(&self, change: &Change, arns: &Arns<'_>) -> Result<Reply, Refusal> {
        let aws = self.aws;
        match &change.write {
            Write::Port(write) => {
                let sent = Instant::now();
                let result = match in_time(change.operation()) {
                    Ok(()) => self.claim(write).await,
                    Err(late) => Err(late.into()),
                };
                log(change.operation(), sent, &result);
                result
            }
            Write::LoadBalancer(write) => self.load_balancer(write, arns).await,
            Write::TargetGroup(write) => self.target_group(write, arns).await,
            Write::Listener(write) => self.listener(write, arns).await,
            Write::TaskDefinition(Registration { content, tags }) => {
                let state = aws.register_task_definition(content, tags).await?;
                Ok(Reply::TaskDefinition(state))
            }
            Write::Service(write) => self.service(write, arns).await,
            Write::Scaling(write) => self.scaling(write, arns).await,
            Write::Schedule(write) => self.schedule(write, arns).await,
            Write::LogGroup(write) => log_group::send(aws, write, arns).await,
            Write::Task(write) => self.task(write, arns).await,
            Write::Tags(TagsWrite::Add { resources, tags }) => {
                aws.add_tags(&arns.tagged(resources)?, tags).await?;
                Ok(Reply::Done)
            }
            Write::Tags(TagsWrite::Remove { resources }) => {
                aws.remove_tags(&arns.tagged(resources)?, &[OWNER_TAG]).await?;
                Ok(Reply::Done)
            }
            Write::Records(RecordBatch { zone, changes }) => {
                aws.change_records(zone, changes).await?;
                Ok(Reply::Done)
            }
        }
    }

    async fn claim(&self, write: &PortWrite) -> Result<Reply, Refusal> {
        match write {
            PortWrite::Claim(claim) => match self.claims.claim(claim).await? {
                Claimed::Yes => {}
                Claimed::Taken => return Err(Refusal::PortTaken),
            },
            PortWrite::Release(claim) => self.claims.release(claim).await?,
            PortWrite::Retain(claim) => self.claims.set_retained(claim, true).await?,
            PortWrite::TakeBack(claim) => self.claims.set_retained(claim, false).await?,
        }
        Ok(Reply::Done)
    }

    async fn load_balancer(&self, write: &LoadBalancerWrite, arns: &Arns<'_>) -> Result<Reply, Refusal> {
        let aws = self.aws;
        match write {
            LoadBalancerWrite::Create { load_balancer } => {
                let state = aws.create_load_balancer(load_balancer).await?;
                return Ok(Reply::LoadBalancer(state));
            }
            LoadBalancerWrite::SetSubnets {
                load_balancer,
                subnets,
            } => {
                let arn = arns.load_balancer(load_balancer)?;
                aws.set_subnets(&arn, subnets).await?;
            }
            LoadBalancerWrite::SetSecurityGroups {
                load_balancer,
                security_groups,
            } => {
                let arn = arns.load_balancer(load_balancer)?;
                aws.set_security_groups(&arn, security_groups).await?;
            }
            LoadBalancerWrite::ModifyAttributes {
                load_balancer,
                attributes,
            } => {
                let arn = arns.load_balancer(load_balancer)?;
                aws.modify_load_balancer_attributes(&arn, *attributes).await?;
            }
            LoadBalancerWrite::Delete { load_balancer } => {
                aws.delete_load_balancer(&arns.load_balancer(load_balancer)?)
                    .await?;
            }
        }
        Ok(Reply::Done)
    }

    async fn target_group(&self, write: &TargetGroupWrite, arns: &Arns<'_>) -> Result<Reply, Refusal> {
        let aws = self.aws;
        match write {
            TargetGroupWrite::Create { target_group } => {
                let state = aws.create_target_group(target_group).await?;
                return Ok(Reply::TargetGroup(state));
            }
            TargetGroupWrite::Modify { target_group, check } => {
                aws.modify_target_group(&arns.target_group(target_group)?, check)
                    .await?;
            }
            TargetGroupWrite::ModifyAttributes {
                target_group,
                attributes,
            } => {
                let arn = arns.target_group(target_group)?;
                aws.modify_target_group_attributes(&arn, attributes).await?;
            }
            TargetGroupWrite::Delete { target_group } => {
                aws.delete_target_group(&arns.target_group(target_group)?).await?;
            }
        }
        Ok(Reply::Done)
    }

    async fn listener(&self, write: &ListenerWrite, arns: &Arns<'_>) -> Result<Reply, Refusal> {
        let aws = self.aws;
        match write {
            ListenerWrite::Create {
                load_balancer,
                listener,
            } => {
                let (in_front, action) = (arns.load_balancer(load_balancer)?, arns.action(listener)?);
                let state = aws.create_listener(&in_front, listener, &action).await?;
                return Ok(Reply::Listener(state));
            }
            ListenerWrite::Modify {
                load_balancer,
                listener,
            } => {
                let arn = arns.listener(load_balancer, listener.port)?;
                let state = aws
                    .modify_listener(&arn, listener, &arns.action(listener)?)
                    .await?;
                return Ok(Reply::Listener(state));
            }
            ListenerWrite::Delete { load_balancer, port } => {
                aws.delete_listener(&arns.listener(load_balancer, *port)?).await?;
            }
            ListenerWrite::AddCertificate {
                load_balancer,
                port,
                certificate,
            } => {
                let arn = arns.listener(load_balancer, *port)?;
                aws.add_listener_certificate(&arn, certificate).await?;
            }
            ListenerWrite::RemoveCertificate {
                load_balancer,
                port,
                certificate,
            } => {
                let arn = arns.listener(load_balancer, *port)?;
                aws.remove_listener_certificate(&arn, certificate).await?;
            }
        }
        Ok(Reply::Done)
    }

    async fn service(&self, write: &ServiceWrite, arns: &Arns<'_>) -> Result<Reply, Refusal> {
        let (aws, cluster) = (self.aws, arns.cluster_name());
        match write {
            ServiceWrite::Create {
                service,
                task_definition,
                attachments,
                rollout: _,
            } => {
                let definition = arns.task_definition(task_definition)?;
                let attachments = arns.attachments(attachments)?;
                let state = aws
                    .create_service(cluster, service, &definition, &attachments)
                    .await?;
                return Ok(Reply::Service(state));
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
                let (definition, attachments) = (definition.as_ref(), attachments.as_deref());
                let state = aws
                    .update_service(cluster, service, update, definition, attachments)
                    .await?;
                return Ok(Reply::Service(state));
            }
            ServiceWrite::StopRollout { deployment, .. } => aws.stop_service_deployment(deployment).await?,
            ServiceWrite::Delete { service } => aws.delete_service(cluster, service).await?,
            ServiceWrite::Tag { service, tags } => aws.tag_service(&arns.service(service)?, tags).await?,
            ServiceWrite::Untag { service } => {
                aws.untag_service(&arns.service(service)?, &[OWNER_TAG]).await?;
            }
        }
        Ok(Reply::Done)
    }

    async fn task(&self, write: &TaskWrite, arns: &Arns<'_>) -> Result<Reply, Refusal> {
        const REASON: &str =
            "Stopped by Empire Controller: it has taken too long, or what it was started for is deleted";
        let (aws, cluster) = (self.aws, arns.cluster_name());
        match write {
            TaskWrite::Run { .. } => {
                let request = &arns.release()?.request;
                Ok(Reply::Started(aws.run_task(cluster, request).await?))
            }
            TaskWrite::Stop { family } => {
                let task = arns.release()?.task.as_ref();
                let task = task.ok_or_else(|| Error::Bug(format!("no task of {family} is known")))?;
                aws.stop_task(cluster, task, REASON).await?;
                Ok(Reply::Done)
            }
        }
    }

    async fn scaling(&self, write: &ScalingWrite, arns: &Arns<'_>) -> Result<Reply, Refusal> {
        let (aws, cluster) = (self.aws, arns.cluster_name());
        let ScalingWrite { service, step } = write;
        match step {
            ScalingStep::Register { range, tags } => {
                let arn = aws
                    .register_scalable_target(cluster, service, *range, Some(tags))
                    .await?;
                return Ok(Reply::ScalableTarget(arn));
            }
            ScalingStep::SetRange(range) => {
                aws.register_scalable_target(cluster, service, *range, None)
                    .await?;
            }
            ScalingStep::Deregister => aws.deregister_scalable_target(cluster, service).await?,
            ScalingStep::PutPolicy(policy) => aws.put_scaling_policy(cluster, service, policy).await?,
            ScalingStep::DeletePolicy(name) => aws.delete_scaling_policy(cluster, service, name).await?,
            ScalingStep::PutAction { name, action } => {
                aws.put_scheduled_action(cluster, service, name, action).await?;
            }
            ScalingStep::DeleteAction(name) => aws.delete_scheduled_action(cluster, service, name).await?,
            ScalingStep::Tag(tags) => {
                aws.tag_scalable_target(&arns.scalable_target(service)?, tags)
                    .await?;
            }
            ScalingStep::Untag => {
                let arn = arns.scalable_target(service)?;
                aws.untag_scalable_target(&arn, &[OWNER_TAG]).await?;
            }
        }
        Ok(Reply::Done)
    }

    /// The reply is what was sent: EventBridge Scheduler answers with an ARN alone.
    async fn schedule(&self, write: &ScheduleWrite, arns: &Arns<'_>) -> Result<Reply, Refusal> {
        let aws = self.aws;
        match write {
            ScheduleWrite::CreateGroup { group } => {
                Ok(Reply::ScheduleGroup(aws.create_schedule_group(group).await?))
            }
            ScheduleWrite::Create {
                schedule,
                task_definition,
            } => {
                let target = arns.target(task_definition)?;
                aws.create_schedule(schedule, &target).await?;
                Ok(Reply::Schedule(schedule.written(&target)))
            }
            ScheduleWrite::Update {
                schedule,
                task_definition,
                ..
            } => {
                let target = arns.target(task_definition)?;
                aws.update_schedule(schedule, &target).await?;
                Ok(Reply::Schedule(schedule.written(&target)))
            }
            ScheduleWrite::Release { group, schedule } => {
                let (schedule, target) = arns.released(group, schedule)?;
                aws.update_schedule(&schedule, &target).await?;
                Ok(Reply::Schedule(schedule.written(&target)))
            }
            ScheduleWrite::Delete { group, schedule } => {
                aws.delete_schedule(group, schedule).await?;
                Ok(Reply::Done)
            }
        }
    }
}

/// Writes the line of a port claim. Those of AWS's calls are written where the id of the request is known.
fn log(operation: &str, sent: Instant, result: &Result<Reply, Refusal>) {
    let Subject {
        app,
        platform,
        process,
        resource,
    } = subject();
    let milliseconds = u64::try_from(sent.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (result, error) = match result {
        Ok(_) => ("ok", None),
        Err(Refusal::PortTaken) => ("PortTaken", None),
        Err(Refusal::Fenced(error)) => ("Fenced", Some(error.to_string())),
        Err(Refusal::Later { bucket, .. }) => ("Later", Some(bucket.as_str().to_owned())),
        Err(Refusal::Throttled { error, .. }) => ("Throttled", Some(error.to_string())),
        Err(Refusal::Failed(error)) => ("failed", Some(error.to_string())),
    };
    if error.is_none() {
        info!(
            app,
            platform, process, resource, operation, milliseconds, result, "Kubernetes write"
        );
    } else {
        warn!(
            app,
            platform, process, resource, operation, milliseconds, result, error, "Kubernetes write failed"
        );
    }
}

#[cfg(test)]
mod tests;
