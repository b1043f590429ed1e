//! AWS and the claims, read for real and written to in appearance only: each write is answered here as AWS would, and
//! goes nowhere. What AWS alone can know, such as an ARN, is made up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::aws::{Aws, AwsError, Ecs, Elbv2, Result, Route53, Scheduler};
use crate::claims::{Claimed, Claims};
use crate::error::Error;
use crate::model::load_balancer::{
    HealthCheck, Listener, ListenerAction, LoadBalancer, LoadBalancerAttributes, TargetGroup,
    TargetGroupAttributes,
};
use crate::model::name::Arn;
use crate::model::owner::Tags;
use crate::model::port::Claim;
use crate::model::record::{RecordChange, RecordSet};
use crate::model::rollout::ServiceDeployment;
use crate::model::schedule::{Schedule, ScheduleGroup, ScheduleGroupState, ScheduleState, ScheduleTarget};
use crate::model::service::{
    Attachment, Capacity, CapacityProviderKind, Service, ServiceUpdate, TaskDefinition,
};
use crate::model::state::{
    Deployment, ListenerState, LoadBalancerState, LoadBalancerStatus, Observed, ROLLING, Rollout,
    ServiceState, ServiceStatus, TargetGroupState, TaskDefinitionState,
};

pub(super) struct Pretend<'a> {
    /// For reads.
    aws: &'a dyn Aws,
    claims: &'a dyn Claims,
    /// An update says only what it changes.
    services: Mutex<BTreeMap<String, ServiceState>>,
    made: AtomicU32,
}

impl<'a> Pretend<'a> {
    pub(super) fn new(aws: &'a dyn Aws, claims: &'a dyn Claims) -> Self {
        Pretend {
            aws,
            claims,
            services: Mutex::default(),
            made: AtomicU32::new(1),
        }
    }

    /// What has become of the services by now.
    pub(super) fn remember(&self, observed: &Observed) {
        self.services().clone_from(&observed.services);
    }

    fn services(&self) -> MutexGuard<'_, BTreeMap<String, ServiceState>> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Unlike any that AWS gives out, and unlike any other.
    fn arn(&self, kind: &str, name: &str) -> Arn {
        let made = self.made.fetch_add(1, Ordering::Relaxed);
        Arn(format!("not-made:{kind}/{name}/{made}"))
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
}

/// What the plan shows where AWS will choose a DNS name.
fn unknown_host(load_balancer: &str) -> String {
    format!("<dns name of {load_balancer}>")
}

#[async_trait]
impl Ecs for Pretend<'_> {
    async fn list_services(&self, cluster: &str) -> Result<Vec<String>> {
        self.aws.list_services(cluster).await
    }

    async fn describe_services(&self, cluster: &str, names: &[String]) -> Result<Vec<ServiceState>> {
        let found = self.aws.describe_services(cluster, names).await?;
        let mut services = self.services();
        services.extend(found.iter().map(|found| (found.name.clone(), found.clone())));
        Ok(found)
    }

    async fn describe_cluster(&self, cluster: &str) -> Result<Option<Arn>> {
        self.aws.describe_cluster(cluster).await
    }

    async fn capacity_provider_kinds(
        &self,
        names: &[String],
    ) -> Result<BTreeMap<String, CapacityProviderKind>> {
        self.aws.capacity_provider_kinds(names).await
    }

    async fn describe_task_definition(&self, arn_or_family: &str) -> Result<Option<TaskDefinitionState>> {
        self.aws.describe_task_definition(arn_or_family).await
    }

    async fn register_task_definition(
        &self,
        content: &TaskDefinition,
        tags: &Tags,
    ) -> Result<TaskDefinitionState> {
        Ok(TaskDefinitionState {
            arn: self.arn("task-definition", &content.family),
            content: content.clone(),
            active: true,
            tags: tags.clone(),
        })
    }

    async fn create_service(
        &self,
        _: &str,
        service: &Service,
        task_definition: &Arn,
        attachments: &[Attachment<Arn>],
    ) -> Result<ServiceState> {
        let desired = service.quantity.unwrap_or(1);
        let settings = &service.settings;
        let state = ServiceState {
            name: service.name.clone(),
            arn: self.arn("service", &service.name),
            status: ServiceStatus::Active,
            task_definition: task_definition.clone(),
            desired,
            running: 0,
            pending: desired,
            deployments: vec![self.deployment(task_definition, desired)],
            attachments: attachments.to_vec(),
            deployment_percent: Some((
                settings.deployment.minimum_healthy_percent,
                settings.deployment.maximum_percent,
            )),
            circuit_breaker: Some(settings.deployment.circuit_breaker),
            strategy: Some(ROLLING.into()),
            zone_rebalancing: Some(settings.zone_rebalancing),
            placement: Some(settings.placement.clone()),
            constraints: Some(settings.constraints.clone()),
            launch_type: match service.capacity {
                Capacity::LaunchType(launch_type) => Some(launch_type),
                Capacity::Providers(_) => None,
            },
            unlike_ours: Vec::new(),
            capacity_providers: None,
            grace_period: settings.grace_period,
            network: settings.network.clone(),
            tags: service.tags.clone(),
            newest_event: None,
        };
        self.services().insert(state.name.clone(), state.clone());
        Ok(state)
    }

    async fn update_service(
        &self,
        _: &str,
        name: &str,
        update: &ServiceUpdate,
        task_definition: Option<&Arn>,
        attachments: Option<&[Attachment<Arn>]>,
    ) -> Result<ServiceState> {
        let mut services = self.services();
        let Some(state) = services.get_mut(name) else {
            let action = "ecs:UpdateService";
            return Err(AwsError::from_code(action, "ServiceNotFoundException", name));
        };
        let rolls = task_definition.is_some() || attachments.is_some() || update.starts_rollout();
        state.change(update);
        if let Some(task_definition) = task_definition {
            state.task_definition = task_definition.clone();
        }
        if let Some(attachments) = attachments {
            state.attachments = attachments.to_vec();
        }
        if rolls {
            for replaced in &mut state.deployments {
                replaced.primary = false;
            }
            let deployment = self.deployment(&state.task_definition, state.desired);
            state.deployments.insert(0, deployment);
        }
        Ok(state.clone())
    }

    async fn delete_service(&self, _: &str, _: &str) -> Result<()> {
        Ok(())
    }

    async fn tag_service(&self, _: &Arn, _: &Tags) -> Result<()> {
        Ok(())
    }

    async fn untag_service(&self, _: &Arn, _: &[&str]) -> Result<()> {
        Ok(())
    }

    async fn list_service_deployments(&self, cluster: &str, service: &str) -> Result<Vec<ServiceDeployment>> {
        self.aws.list_service_deployments(cluster, service).await
    }

    async fn stop_service_deployment(&self, _: &Arn) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl Elbv2 for Pretend<'_> {
    async fn describe_load_balancers(&self) -> Result<Vec<LoadBalancerState>> {
        self.aws.describe_load_balancers().await
    }

    async fn describe_load_balancers_named(&self, names: &[String]) -> Result<Vec<LoadBalancerState>> {
        self.aws.describe_load_balancers_named(names).await
    }

    async fn describe_target_groups(&self) -> Result<Vec<TargetGroupState>> {
        self.aws.describe_target_groups().await
    }

    async fn describe_tags(&self, arns: &[Arn]) -> Result<Vec<Tags>> {
        self.aws.describe_tags(arns).await
    }

    async fn describe_listeners(&self, load_balancer: &Arn) -> Result<Option<Vec<ListenerState>>> {
        self.aws.describe_listeners(load_balancer).await
    }

    async fn describe_load_balancer_attributes(
        &self,
        load_balancer: &Arn,
    ) -> Result<Option<LoadBalancerAttributes>> {
        self.aws.describe_load_balancer_attributes(load_balancer).await
    }

    async fn describe_listener_certificates(&self, listener: &Arn) -> Result<Option<BTreeSet<String>>> {
        self.aws.describe_listener_certificates(listener).await
    }

    async fn describe_target_group_attributes(
        &self,
        target_group: &Arn,
    ) -> Result<Option<TargetGroupAttributes>> {
        self.aws.describe_target_group_attributes(target_group).await
    }

    async fn create_load_balancer(&self, load_balancer: &LoadBalancer) -> Result<LoadBalancerState> {
        Ok(LoadBalancerState {
            name: load_balancer.name.clone(),
            arn: self.arn("load-balancer", &load_balancer.name),
            dns_name: unknown_host(&load_balancer.name),
            zone_id: unknown_host(&load_balancer.name),
            status: LoadBalancerStatus::Provisioning,
            subnets: load_balancer.subnets.clone(),
            security_groups: load_balancer.security_groups.clone(),
            tags: load_balancer.tags.clone(),
            listeners: Some(Vec::new()),
            attributes: load_balancer
                .attributes
                .map(|_| LoadBalancerAttributes::AS_CREATED),
        })
    }

    async fn set_subnets(&self, _: &Arn, _: &[String]) -> Result<()> {
        Ok(())
    }

    async fn set_security_groups(&self, _: &Arn, _: &[String]) -> Result<()> {
        Ok(())
    }

    async fn modify_load_balancer_attributes(&self, _: &Arn, _: LoadBalancerAttributes) -> Result<()> {
        Ok(())
    }

    async fn delete_load_balancer(&self, _: &Arn) -> Result<()> {
        Ok(())
    }

    async fn create_target_group(&self, target_group: &TargetGroup) -> Result<TargetGroupState> {
        Ok(TargetGroupState {
            name: target_group.name.clone(),
            arn: self.arn("target-group", &target_group.name),
            check: target_group.check.clone(),
            load_balancers: [].into(),
            tags: target_group.tags.clone(),
            // No create call takes them.
            attributes: Some(target_group.attributes.as_created()),
        })
    }

    async fn modify_target_group(&self, _: &Arn, _: &HealthCheck) -> Result<()> {
        Ok(())
    }

    async fn modify_target_group_attributes(&self, _: &Arn, _: &TargetGroupAttributes) -> Result<()> {
        Ok(())
    }

    async fn delete_target_group(&self, _: &Arn) -> Result<()> {
        Ok(())
    }

    async fn create_listener(
        &self,
        load_balancer: &Arn,
        listener: &Listener,
        action: &ListenerAction<Arn>,
    ) -> Result<ListenerState> {
        let arn = self.arn("listener", &load_balancer.0);
        self.modify_listener(&arn, listener, action).await
    }

    async fn modify_listener(
        &self,
        arn: &Arn,
        listener: &Listener,
        action: &ListenerAction<Arn>,
    ) -> Result<ListenerState> {
        Ok(ListenerState::of(arn.clone(), listener, action.clone()))
    }

    async fn delete_listener(&self, _: &Arn) -> Result<()> {
        Ok(())
    }

    async fn add_listener_certificate(&self, _: &Arn, _: &str) -> Result<()> {
        Ok(())
    }

    async fn remove_listener_certificate(&self, _: &Arn, _: &str) -> Result<()> {
        Ok(())
    }

    async fn add_tags(&self, _: &[Arn], _: &Tags) -> Result<()> {
        Ok(())
    }

    async fn remove_tags(&self, _: &[Arn], _: &[&str]) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl Route53 for Pretend<'_> {
    async fn zone_name(&self, zone_id: &str) -> Result<Option<String>> {
        self.aws.zone_name(zone_id).await
    }

    async fn list_records(&self, zone_id: &str) -> Result<Option<Vec<RecordSet>>> {
        self.aws.list_records(zone_id).await
    }

    async fn list_name(&self, zone_id: &str, name: &str) -> Result<Vec<RecordSet>> {
        self.aws.list_name(zone_id, name).await
    }

    async fn change_records(&self, _: &str, _: &[RecordChange]) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl Scheduler for Pretend<'_> {
    async fn get_schedule_group(&self, name: &str) -> Result<Option<ScheduleGroupState>> {
        self.aws.get_schedule_group(name).await
    }

    async fn list_schedule_group_tags(&self, group: &Arn) -> Result<Tags> {
        self.aws.list_schedule_group_tags(group).await
    }

    async fn list_schedules(&self, group: &str, prefix: &str) -> Result<Option<Vec<String>>> {
        self.aws.list_schedules(group, prefix).await
    }

    async fn get_schedule(&self, group: &str, name: &str) -> Result<Option<ScheduleState>> {
        self.aws.get_schedule(group, name).await
    }

    async fn create_schedule_group(&self, group: &ScheduleGroup) -> Result<Arn> {
        Ok(self.arn("schedule-group", &group.name))
    }

    async fn create_schedule(&self, _: &Schedule, _: &ScheduleTarget) -> Result<()> {
        Ok(())
    }

    async fn update_schedule(&self, _: &Schedule, _: &ScheduleTarget) -> Result<()> {
        Ok(())
    }

    async fn delete_schedule(&self, _: &str, _: &str) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl Claims for Pretend<'_> {
    async fn list(&self, platform: &str) -> std::result::Result<Vec<Claim>, Error> {
        self.claims.list(platform).await
    }

    async fn claim(&self, _: &Claim) -> std::result::Result<Claimed, Error> {
        Ok(Claimed::Yes)
    }

    async fn set_retained(&self, _: &Claim, _: bool) -> std::result::Result<(), Error> {
        Ok(())
    }

    async fn free(&self, _: &Claim) -> std::result::Result<(), Error> {
        Ok(())
    }
}
