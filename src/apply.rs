//! One write per change, its result folded into what was observed. The only place that turns names into ARNs.
//!
//! Nothing is retried
//! here: the SDK retries a call, the requeue retries an App.

mod load_balancers;
mod records;
mod rollouts;
mod schedules;
mod tags;

use std::collections::BTreeSet;

use self::rollouts::submitted;
use crate::aws::{Aws, AwsError, Fault};
use crate::change::{
    Change, ListenerWrite, LoadBalancerWrite, PortWrite, RecordBatch, Registration, ScheduleWrite,
    ServiceWrite, TagsWrite, TargetGroupWrite, Write,
};
use crate::claims::{Claimed, Claims};
use crate::error::Error;
use crate::model::desired::Desired;
use crate::model::load_balancer::{Listener, ListenerAction};
use crate::model::name::Arn;
use crate::model::owner::{Owner, TAGS};
use crate::model::rollout::ServiceDeploymentStatus;
use crate::model::service::{Attachment, TaskDefinition};
use crate::model::state::{ListenerState, Observed, ServiceStatus};

/// What became of one change.
#[derive(Debug)]
pub enum Applied {
    Done,
    /// AWS will take it later.
    Pending(AwsError),
    /// The world is not as it was observed: observe all of it again.
    Stale(AwsError),
    Failed(Error),
    /// Nothing was written, and a new plan will do better.
    Replan,
    /// Somebody else was faster, and one port fewer is left to ask for.
    PortTaken,
}

pub async fn apply(
    aws: &dyn Aws,
    claims: &dyn Claims,
    desired: &Desired,
    observed: &mut Observed,
    change: &Change,
) -> Applied {
    match write(aws, claims, desired, observed, change).await {
        Ok(applied) => applied,
        Err(Error::Aws(error)) => match error.fault {
            Fault::Pending => Applied::Pending(error),
            Fault::Absent | Fault::Stale | Fault::Inactive => Applied::Stale(error),
            Fault::GracePeriod | Fault::Full | Fault::ZoneTaken | Fault::Failed(_) => {
                Applied::Failed(error.into())
            }
        },
        Err(error) => Applied::Failed(error),
    }
}

impl Applied {
    /// True if it is not tried again in this pass.
    pub fn is_deferred(&self) -> bool {
        match self {
            Applied::Done | Applied::Replan | Applied::PortTaken => false,
            Applied::Pending(_) | Applied::Stale(_) | Applied::Failed(_) => true,
        }
    }
}

#[expect(
    clippy::too_many_lines,
    reason = "one arm a change, and the compiler sees that none is missing"
)]
async fn write(
    aws: &dyn Aws,
    claims: &dyn Claims,
    desired: &Desired,
    observed: &mut Observed,
    change: &Change,
) -> Result<Applied, Error> {
    let (cluster, owner) = (desired.place.cluster.as_str(), &desired.owner);
    match &change.write {
        Write::Port(PortWrite::Claim(claim)) => {
            let claimed = claims.claim(claim).await?;
            observed.ports.cursor = Some(claim.port);
            if claimed == Claimed::Taken {
                observed.ports.claims = claims.list(&claim.owner.platform).await?;
                let is_listed = observed.ports.claims.iter().any(|known| known.port == claim.port);
                return Ok(if is_listed {
                    Applied::PortTaken
                } else {
                    Applied::Replan
                });
            }
            observed.ports.claims.push(claim.clone());
        }
        Write::Port(PortWrite::Free(claim)) => {
            claims.free(claim).await?;
            observed.ports.claims.retain(|known| known != claim);
        }
        Write::Port(write @ (PortWrite::Retain(claim) | PortWrite::TakeBack(claim))) => {
            let retained = matches!(write, PortWrite::Retain(_));
            claims.set_retained(claim, retained).await?;
            for known in observed
                .ports
                .claims
                .iter_mut()
                .filter(|known| known.is_same(claim))
            {
                known.retained = retained;
            }
        }
        Write::LoadBalancer(LoadBalancerWrite::Create { load_balancer, .. }) => {
            let mut state = aws.create_load_balancer(load_balancer).await?;
            state.tags.clone_from(&load_balancer.tags);
            state.listeners = Some(Vec::new());
            observed.load_balancers.insert(state.name.clone(), state);
        }
        Write::LoadBalancer(LoadBalancerWrite::SetSubnets {
            load_balancer,
            subnets,
            ..
        }) => return load_balancers::set_subnets(aws, observed, load_balancer, subnets).await,
        Write::LoadBalancer(LoadBalancerWrite::SetSecurityGroups {
            load_balancer,
            security_groups,
            ..
        }) => {
            aws.set_security_groups(&load_balancer_arn(observed, load_balancer)?, security_groups)
                .await?;
            if let Some(state) = observed.load_balancers.get_mut(load_balancer) {
                state.security_groups = security_groups.iter().cloned().collect();
            }
        }
        Write::LoadBalancer(LoadBalancerWrite::ModifyAttributes {
            load_balancer,
            attributes,
            ..
        }) => {
            aws.modify_load_balancer_attributes(&load_balancer_arn(observed, load_balancer)?, *attributes)
                .await?;
            if let Some(state) = observed.load_balancers.get_mut(load_balancer) {
                state.attributes = Some(*attributes);
            }
        }
        Write::LoadBalancer(LoadBalancerWrite::Delete { load_balancer, .. }) => {
            let arn = load_balancer_arn(observed, load_balancer)?;
            aws.delete_load_balancer(&arn).await?;
            observed.load_balancers.remove(load_balancer);
            for group in observed.target_groups.values_mut() {
                group.load_balancers.remove(&arn);
            }
        }
        Write::TargetGroup(TargetGroupWrite::Create { target_group, .. }) => {
            let mut state = aws.create_target_group(target_group).await?;
            state.tags.clone_from(&target_group.tags);
            observed.target_groups.insert(state.name.clone(), state);
        }
        Write::TargetGroup(TargetGroupWrite::Modify {
            target_group, check, ..
        }) => {
            aws.modify_target_group(&target_group_arn(observed, target_group)?, check)
                .await?;
            if let Some(state) = observed.target_groups.get_mut(target_group) {
                state.check = check.clone();
            }
        }
        Write::TargetGroup(TargetGroupWrite::ModifyAttributes {
            target_group,
            attributes,
            ..
        }) => {
            aws.modify_target_group_attributes(&target_group_arn(observed, target_group)?, attributes)
                .await?;
            if let Some(state) = observed.target_groups.get_mut(target_group) {
                state.attributes = Some(attributes.clone());
            }
        }
        Write::TargetGroup(TargetGroupWrite::Delete { target_group, .. }) => {
            aws.delete_target_group(&target_group_arn(observed, target_group)?)
                .await?;
            observed.target_groups.remove(target_group);
        }
        Write::Listener(ListenerWrite::Create {
            load_balancer,
            listener,
            ..
        }) => {
            let in_front = load_balancer_arn(observed, load_balancer)?;
            let action = action(observed, listener)?;
            let mut state = aws.create_listener(&in_front, listener, &action).await?;
            if listener.protocol.is_encrypted() {
                state.more_certificates = Some(BTreeSet::new());
            }
            let listeners = listeners(observed, load_balancer)?;
            listeners.push(state);
            forward(observed, load_balancer, &in_front);
        }
        Write::Listener(ListenerWrite::Modify {
            load_balancer,
            listener,
            ..
        }) => {
            let in_front = load_balancer_arn(observed, load_balancer)?;
            let action = action(observed, listener)?;
            let found = listener_at(observed, load_balancer, listener.port)?;
            let mut state = aws.modify_listener(&found.arn, listener, &action).await?;
            if listener.protocol.is_encrypted() {
                // It had none before it was encrypted.
                state.more_certificates = Some(found.more_certificates.take().unwrap_or_default());
            }
            *found = state;
            forward(observed, load_balancer, &in_front);
        }
        Write::Listener(ListenerWrite::Delete {
            load_balancer, port, ..
        }) => {
            let in_front = load_balancer_arn(observed, load_balancer)?;
            let arn = listener_at(observed, load_balancer, *port)?.arn.clone();
            aws.delete_listener(&arn).await?;
            listeners(observed, load_balancer)?.retain(|known| known.arn != arn);
            forward(observed, load_balancer, &in_front);
        }
        Write::Listener(ListenerWrite::AddCertificate {
            load_balancer,
            port,
            certificate,
            ..
        }) => return load_balancers::add_certificate(aws, observed, load_balancer, *port, certificate).await,
        Write::Listener(ListenerWrite::RemoveCertificate {
            load_balancer,
            port,
            certificate,
            ..
        }) => {
            let found = listener_at(observed, load_balancer, *port)?;
            aws.remove_listener_certificate(&found.arn, certificate).await?;
            found
                .more_certificates
                .get_or_insert_default()
                .remove(certificate);
        }
        Write::Tags(TagsWrite::Add { resources, tags }) => {
            let arns: Result<Vec<Arn>, Error> = resources.iter().map(|r| tags::arn_of(observed, r)).collect();
            aws.add_tags(&arns?, tags).await?;
            for resource in resources {
                if let Some(known) = tags::of(observed, resource) {
                    known.extend(tags.clone());
                }
            }
        }
        Write::Tags(TagsWrite::Remove { resources }) => {
            let arns: Result<Vec<Arn>, Error> = resources.iter().map(|r| tags::arn_of(observed, r)).collect();
            aws.remove_tags(&arns?, &TAGS).await?;
            for resource in resources {
                if let Some(known) = tags::of(observed, resource) {
                    tags::remove_ours(known);
                }
            }
        }
        Write::TaskDefinition(Registration { content, tags, .. }) => {
            let mut state = aws.register_task_definition(content, tags).await?;
            // What was sent is what counts as registered: a reply in other words would be registered again and again.
            state.content = content.clone();
            state.tags.clone_from(tags);
            observed.task_definitions.insert(state.arn.clone(), state);
        }
        Write::Service(ServiceWrite::Create {
            service,
            task_definition,
            attachments,
            rollout,
        }) => {
            let arn = definition_arn(observed, task_definition, owner)?;
            let attachments = attached(observed, attachments)?;
            let mut state = aws.create_service(cluster, service, &arn, &attachments).await?;
            state.tags.clone_from(&service.tags);
            submitted(
                observed,
                change.process(),
                rollout,
                &state,
                service.redeploy.as_ref(),
            );
            observed.services.insert(state.name.clone(), state);
        }
        Write::Service(ServiceWrite::Update {
            service,
            update,
            task_definition,
            attachments,
            rollout,
        }) => {
            let tags = observed
                .services
                .get(service)
                .map(|s| s.tags.clone())
                .unwrap_or_default();
            let definition = task_definition
                .as_ref()
                .map(|content| definition_arn(observed, content, owner))
                .transpose()?;
            let attachments = attachments
                .as_ref()
                .map(|all| attached(observed, all))
                .transpose()?;
            let reply = aws
                .update_service(
                    cluster,
                    service,
                    update,
                    definition.as_ref(),
                    attachments.as_deref(),
                )
                .await;
            if let Err(error) = &reply
                && rollouts::does_better(observed, service, update, definition.as_ref(), error)
            {
                return Ok(Applied::Replan);
            }
            let mut state = reply?;
            if update.grace_period.is_some() {
                observed.grace_period_follows.remove(service);
            }
            state.tags = tags;
            if let Some(rollout) = rollout {
                submitted(
                    observed,
                    change.process(),
                    rollout,
                    &state,
                    update.redeploy.as_ref(),
                );
            }
            observed.services.insert(state.name.clone(), state);
        }
        Write::Service(ServiceWrite::StopRollout {
            service, deployment, ..
        }) => {
            aws.stop_service_deployment(deployment).await?;
            let known = observed.service_deployments.entry(service.clone());
            known.and_modify(|all| {
                for stopped in all.iter_mut().filter(|known| &known.arn == deployment) {
                    stopped.status = ServiceDeploymentStatus::Stopped;
                }
            });
        }
        Write::Service(ServiceWrite::Delete { service, .. }) => {
            aws.delete_service(cluster, service).await?;
            if let Some(state) = observed.services.get_mut(service) {
                state.status = ServiceStatus::Draining;
            }
        }
        Write::Schedule(ScheduleWrite::CreateGroup { group, .. }) => {
            schedules::create_group(aws, observed, group).await?;
        }
        Write::Schedule(ScheduleWrite::Create {
            schedule,
            task_definition,
            ..
        }) => schedules::create(aws, observed, owner, schedule, task_definition).await?,
        Write::Schedule(ScheduleWrite::Update {
            schedule,
            task_definition,
            ..
        }) => schedules::update(aws, observed, owner, schedule, task_definition).await?,
        Write::Schedule(ScheduleWrite::Release { group, schedule, .. }) => {
            schedules::release(aws, observed, group, schedule).await?;
        }
        Write::Schedule(ScheduleWrite::Delete { group, schedule, .. }) => {
            aws.delete_schedule(group, schedule).await?;
            observed.schedules.remove(schedule);
        }
        Write::Service(ServiceWrite::Tag { service, tags, .. }) => {
            let arn = observed.services.get(service).map(|s| s.arn.clone());
            aws.tag_service(&arn.ok_or_else(|| unknown("service", service))?, tags)
                .await?;
            if let Some(state) = observed.services.get_mut(service) {
                state.tags.extend(tags.clone());
            }
        }
        Write::Service(ServiceWrite::Untag { service, .. }) => {
            let arn = observed.services.get(service).map(|s| s.arn.clone());
            aws.untag_service(&arn.ok_or_else(|| unknown("service", service))?, &TAGS)
                .await?;
            if let Some(state) = observed.services.get_mut(service) {
                tags::remove_ours(&mut state.tags);
            }
        }
        Write::Records(RecordBatch { zone, changes }) => {
            return records::change(aws, observed, zone, changes).await;
        }
    }
    Ok(Applied::Done)
}

/// A target group has the load balancers whose listeners forward to it.
fn forward(observed: &mut Observed, name: &str, in_front: &Arn) {
    let state = observed.load_balancers.get(name).into_iter();
    let served: BTreeSet<Arn> = state
        .flat_map(|state| state.listeners.iter().flatten())
        .filter_map(|listener| listener.forwards_to().cloned())
        .collect();
    for group in observed.target_groups.values_mut() {
        if served.contains(&group.arn) {
            group.load_balancers.insert(in_front.clone());
        } else {
            group.load_balancers.remove(in_front);
        }
    }
}

fn action(observed: &Observed, listener: &Listener) -> Result<ListenerAction<Arn>, Error> {
    Ok(match &listener.action {
        ListenerAction::Forward(group) => ListenerAction::Forward(target_group_arn(observed, group)?),
        ListenerAction::RedirectToHttps => ListenerAction::RedirectToHttps,
    })
}

fn listeners<'a>(
    observed: &'a mut Observed,
    load_balancer: &str,
) -> Result<&'a mut Vec<ListenerState>, Error> {
    let state = observed.load_balancers.get_mut(load_balancer);
    let state = state.ok_or_else(|| unknown("load balancer", load_balancer))?;
    Ok(state.listeners.get_or_insert_default())
}

fn listener_at<'a>(
    observed: &'a mut Observed,
    load_balancer: &str,
    port: u16,
) -> Result<&'a mut ListenerState, Error> {
    let mut listeners = listeners(observed, load_balancer)?.iter_mut();
    let found = listeners.find(|listener| listener.port == port);
    found.ok_or_else(|| unknown("listener of", load_balancer))
}

fn load_balancer_arn(observed: &Observed, name: &str) -> Result<Arn, Error> {
    observed
        .load_balancers
        .get(name)
        .map(|l| l.arn.clone())
        .ok_or_else(|| unknown("load balancer", name))
}

fn target_group_arn(observed: &Observed, name: &str) -> Result<Arn, Error> {
    observed
        .target_groups
        .get(name)
        .map(|g| g.arn.clone())
        .ok_or_else(|| unknown("target group", name))
}

fn definition_arn(observed: &Observed, content: &TaskDefinition, owner: &Owner) -> Result<Arn, Error> {
    let found = observed.registered(content, owner);
    found
        .map(|known| known.arn.clone())
        .ok_or_else(|| unknown("task definition", &content.family))
}

fn attached(observed: &Observed, attachments: &[Attachment<String>]) -> Result<Vec<Attachment<Arn>>, Error> {
    let resolve = |attachment: &Attachment<String>| {
        Ok(Attachment {
            target_group: target_group_arn(observed, &attachment.target_group)?,
            container: attachment.container.clone(),
            container_port: attachment.container_port,
        })
    };
    attachments.iter().map(resolve).collect()
}

fn unknown(what: &str, name: &str) -> Error {
    Error::Bug(format!(
        "a change names the {what} {name}, which was not observed"
    ))
}
