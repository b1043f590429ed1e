//! ECS through the SDK: what each call sends. How replies are read is in `service.rs` and `task_definition.rs`.

mod container;
mod details;
mod extras;
mod logging;
mod members;
mod service;
mod task;
mod task_definition;
mod volumes;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_ecs::config::Config;
use aws_sdk_ecs::config::retry::RetryConfig;
use aws_sdk_ecs::types::{
    self as sdk, PropagateTags, ServiceField, StopServiceDeploymentStopType, TaskDefinitionField,
};

use super::answer::Answering;
use super::clients::AwsClients;
use super::error::Call;
use super::wire::{every_page, to_i32, unless_absent, unless_empty};
use super::{Ecs, EcsWrites, Result};
use crate::model::class::Class;
use crate::model::name::{Arn, last_segment};
use crate::model::owner::Tags;
use crate::model::release::{Started, TaskRequest, TaskState};
use crate::model::rollout::ServiceDeployment;
use crate::model::service::{
    Attachment, Capacity, CapacityProviderKind, Service, ServiceUpdate, TaskDefinition,
};
use crate::model::state::{ServiceState, TaskDefinitionState};

const DESCRIBE_CAPACITY_PROVIDERS: Call = Call::read("ecs:DescribeCapacityProviders");
const DESCRIBE_CLUSTERS: Call = Call::read("ecs:DescribeClusters");
const LIST_SERVICES: Call = Call::read("ecs:ListServices");
const DESCRIBE_SERVICES: Call = Call::read("ecs:DescribeServices");
const DESCRIBE_TASK_DEFINITION: Call = Call::read("ecs:DescribeTaskDefinition");
const REGISTER_TASK_DEFINITION: Call = Call::create("ecs:RegisterTaskDefinition");
const CREATE_SERVICE: Call = Call::create("ecs:CreateService");
const UPDATE_SERVICE: Call = Call::modify("ecs:UpdateService");
const DELETE_SERVICE: Call = Call::delete("ecs:DeleteService");
const TAG_RESOURCE: Call = Call::modify("ecs:TagResource");
const UNTAG_RESOURCE: Call = Call::modify("ecs:UntagResource");
const LIST_SERVICE_DEPLOYMENTS: Call = Call::read("ecs:ListServiceDeployments");
const STOP_SERVICE_DEPLOYMENT: Call = Call::modify("ecs:StopServiceDeployment");

const LIST_TASKS: Call = Call::read("ecs:ListTasks");
const DESCRIBE_TASKS: Call = Call::read("ecs:DescribeTasks");
const RUN_TASK: Call = Call::create("ecs:RunTask");
const STOP_TASK: Call = Call::delete("ecs:StopTask");

const LIST_PAGE: i32 = 100;
const DESCRIBE_BATCH: usize = 10;
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeCapacityProviders.html>
const PROVIDERS_BATCH: usize = 100;

/// An emulator may know neither the type nor Managed Instances.
fn provider_kind(found: &sdk::CapacityProvider) -> CapacityProviderKind {
    let is_managed = found.managed_instances_provider().is_some()
        || found.r#type() == Some(&sdk::CapacityProviderType::ManagedInstances);
    if is_managed {
        CapacityProviderKind::ManagedInstances
    } else {
        CapacityProviderKind::AutoScalingGroup
    }
}

#[async_trait]
impl Ecs for AwsClients {
    async fn list_services(&self, cluster: &str) -> Result<Vec<String>> {
        let list = self.ecs.list_services().cluster(cluster).max_results(LIST_PAGE);
        let ask = |token| {
            let page = list.clone().set_next_token(token);
            page.send().answering(LIST_SERVICES)
        };
        every_page(LIST_SERVICES, ask, |page| {
            let arns = page.service_arns.iter().flatten();
            let names = arns.map(|arn| last_segment(arn).to_owned());
            (Some(names.collect()), page.next_token)
        })
        .await
    }

    async fn describe_services(&self, cluster: &str, names: &[String]) -> Result<Vec<ServiceState>> {
        let mut services = Vec::new();
        for batch in names.chunks(DESCRIBE_BATCH) {
            let reply = self
                .ecs
                .describe_services()
                .cluster(cluster)
                .set_services(Some(batch.to_vec()))
                .include(ServiceField::Tags)
                .send()
                .answering(DESCRIBE_SERVICES)
                .await?;
            let unreadable = reply
                .failures()
                .iter()
                .find(|failure| failure.reason() != Some("MISSING"));
            if let Some(failure) = unreadable {
                let message = failure.detail().or(failure.arn()).unwrap_or_default();
                return Err(DESCRIBE_SERVICES.reported(failure.reason().unwrap_or_default(), message));
            }
            for found in reply.services() {
                services.extend(service::read(DESCRIBE_SERVICES, found)?);
            }
        }
        Ok(services)
    }

    async fn describe_cluster(&self, cluster: &str) -> Result<Option<Arn>> {
        let reply = self
            .ecs
            .describe_clusters()
            .clusters(cluster)
            .send()
            .answering(DESCRIBE_CLUSTERS)
            .await?;
        let is_there = |found: &&sdk::Cluster| found.status() != Some("INACTIVE");
        let found = reply.clusters().iter().find(is_there);
        Ok(found.and_then(|found| found.cluster_arn().map(|arn| Arn(arn.into()))))
    }

    async fn capacity_provider_kinds(
        &self,
        names: &[String],
    ) -> Result<BTreeMap<String, CapacityProviderKind>> {
        let mut kinds = BTreeMap::new();
        for batch in names.chunks(PROVIDERS_BATCH) {
            let reply = self
                .ecs
                .describe_capacity_providers()
                .set_capacity_providers(Some(batch.to_vec()))
                .send()
                .await
                .map_err(|error| DESCRIBE_CAPACITY_PROVIDERS.failed(&error))?;
            let found = reply.capacity_providers().iter();
            kinds.extend(found.filter_map(|found| Some((found.name()?.to_owned(), provider_kind(found)))));
        }
        kinds.retain(|name, _| names.contains(name));
        Ok(kinds)
    }

    async fn describe_task_definition(&self, arn_or_family: &str) -> Result<Option<TaskDefinitionState>> {
        let reply = self
            .ecs
            .describe_task_definition()
            .task_definition(arn_or_family)
            .include(TaskDefinitionField::Tags)
            .send()
            .answering(DESCRIBE_TASK_DEFINITION)
            .await;
        let Some(reply) = unless_absent(reply)? else {
            return Ok(None);
        };
        let tags = read_tags(reply.tags());
        let found = reply.task_definition();
        found
            .map(|found| task_definition::read(DESCRIBE_TASK_DEFINITION, found, tags))
            .transpose()
    }

    async fn list_service_deployments(&self, cluster: &str, service: &str) -> Result<Vec<ServiceDeployment>> {
        let list = self
            .ecs
            .list_service_deployments()
            .cluster(cluster)
            .service(service)
            .max_results(LIST_PAGE);
        let ask = |token| {
            let page = list.clone().set_next_token(token);
            page.send().answering(LIST_SERVICE_DEPLOYMENTS)
        };
        let found = every_page(LIST_SERVICE_DEPLOYMENTS, ask, |page| {
            (page.service_deployments, page.next_token)
        })
        .await;
        let found = match found {
            Ok(found) => found,
            // AWS knows the call and would never say so.
            Err(error) if error.class() == Class::Bug => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut found: Vec<_> = found.iter().filter_map(service::deployed).collect();
        found.sort_by_key(|deployment| Reverse(deployment.created));
        Ok(found)
    }

    async fn list_tasks(&self, cluster: &str, family: &str) -> Result<Vec<Arn>> {
        task::list(self, cluster, family).await
    }

    async fn describe_tasks(&self, cluster: &str, tasks: &[Arn]) -> Result<Vec<TaskState>> {
        task::describe(self, cluster, tasks).await
    }
}

#[async_trait]
impl EcsWrites for AwsClients {
    async fn register_task_definition(
        &self,
        content: &TaskDefinition,
        tags: &Tags,
    ) -> Result<TaskDefinitionState> {
        let write = |wanted| container::write(REGISTER_TASK_DEFINITION, wanted);
        let containers: Vec<_> = content.containers().map(write).collect::<Result<_>>()?;
        let reply = self
            .ecs
            .register_task_definition()
            .family(&content.family)
            .network_mode(task_definition::network_mode(content.network_mode))
            .requires_compatibilities(task_definition::compatibility(content.launch_type))
            .set_execution_role_arn(content.execution_role_arn.clone())
            .set_task_role_arn(content.task_role_arn.clone())
            .set_cpu(task_definition::task_cpu(content))
            .set_memory(task_definition::task_memory(content))
            .set_ephemeral_storage(task_definition::ephemeral_storage(content))
            .set_runtime_platform(task_definition::runtime_platform(content))
            .set_volumes(volumes::write(REGISTER_TASK_DEFINITION, &content.volumes)?)
            .set_pid_mode(members::pid_mode(content.members()))
            .set_ipc_mode(members::ipc_mode(content.members()))
            .set_placement_constraints(members::placement_constraints(content.members()))
            .set_enable_fault_injection(content.members().fault_injection.then_some(true))
            .set_container_definitions(Some(containers))
            .set_tags(write_tags(tags))
            .customize()
            .config_override(Config::builder().retry_config(RetryConfig::disabled()))
            .send()
            .answering_without(REGISTER_TASK_DEFINITION, |message| {
                task_definition::without_values(message, content)
            })
            .await?;
        let arn = reply
            .task_definition()
            .and_then(sdk::TaskDefinition::task_definition_arn);
        let arn = arn.ok_or_else(|| REGISTER_TASK_DEFINITION.bug("no ARN in the reply"))?;
        // What was sent, not what came back: should AWS ever report a field otherwise than it was sent, the plan must
        // not register it again and again.
        Ok(TaskDefinitionState {
            arn: Arn(arn.to_owned()),
            content: content.clone(),
            active: true,
            tags: tags.clone(),
        })
    }

    async fn create_service(
        &self,
        cluster: &str,
        service: &Service,
        task_definition: &Arn,
        attachments: &[Attachment<Arn>],
    ) -> Result<ServiceState> {
        let Service {
            name,
            capacity,
            quantity: _,
            scaling: _,
            settings,
            progress_deadline: _,
            rolls_back: _,
            given_percent: _,
            given_grace_period: _,
            redeploy: _,
            secret_versions: _,
            tags,
        } = service;
        let (launch_type, providers) = match capacity {
            Capacity::LaunchType(launch_type) => (Some(service::launch_type(*launch_type)), None),
            Capacity::Providers(all) => (None, Some(service::capacity_providers(CREATE_SERVICE, all)?)),
        };
        let network = settings.network.as_ref();
        let placement = settings.placement.iter().map(service::placement_strategy);
        let constraints = settings.constraints.iter().map(service::placement_constraint);
        let balancers = attachments.iter().map(service::load_balancer);
        let reply = self
            .ecs
            .create_service()
            .cluster(cluster)
            .service_name(name)
            .task_definition(&task_definition.0)
            .set_launch_type(launch_type)
            .set_capacity_provider_strategy(providers)
            .desired_count(to_i32(service.first_count()))
            .deployment_configuration(service::deployment_configuration(&settings.deployment))
            .availability_zone_rebalancing(service::zone_rebalancing(settings.zone_rebalancing))
            .set_placement_strategy(unless_empty(placement))
            .set_placement_constraints(unless_empty(constraints))
            .set_health_check_grace_period_seconds(settings.grace_period.map(to_i32))
            .set_network_configuration(service::network_configuration(CREATE_SERVICE, network)?)
            .set_load_balancers(unless_empty(balancers))
            .set_enable_execute_command(settings.exec.filter(|on| *on))
            .propagate_tags(PropagateTags::Service)
            .enable_ecs_managed_tags(false)
            .set_tags(write_tags(tags))
            .send()
            .answering(CREATE_SERVICE)
            .await?;
        let mut created = service::read_written(CREATE_SERVICE, reply.service())?;
        created.tags.clone_from(tags);
        Ok(created)
    }

    async fn update_service(
        &self,
        cluster: &str,
        name: &str,
        update: &ServiceUpdate,
        task_definition: Option<&Arn>,
        attachments: Option<&[Attachment<Arn>]>,
    ) -> Result<ServiceState> {
        let ServiceUpdate {
            desired_count,
            deployment,
            zone_rebalancing,
            placement,
            constraints,
            grace_period,
            network,
            exec,
            capacity_providers,
            rolling: _,
            redeploy: _,
            secrets: _,
            again: _,
        } = update;
        let force = update.forces_rollout().then_some(true);
        let providers = capacity_providers
            .as_ref()
            .map(|all| service::capacity_providers(UPDATE_SERVICE, all))
            .transpose()?;
        let constraints = constraints
            .as_ref()
            .map(|all| all.iter().map(service::placement_constraint));
        let placement = placement
            .as_ref()
            .map(|strategies| strategies.iter().map(service::placement_strategy));
        let balancers = attachments.map(|all| all.iter().map(service::load_balancer));
        let reply = self
            .ecs
            .update_service()
            .cluster(cluster)
            .service(name)
            .set_task_definition(task_definition.map(|arn| arn.0.clone()))
            .set_desired_count(desired_count.map(to_i32))
            .set_deployment_configuration(deployment.as_ref().map(service::deployment_configuration))
            .set_availability_zone_rebalancing(zone_rebalancing.map(service::zone_rebalancing))
            .set_placement_strategy(placement.map(Iterator::collect))
            .set_placement_constraints(constraints.map(Iterator::collect))
            .set_capacity_provider_strategy(providers)
            .set_force_new_deployment(force)
            .set_health_check_grace_period_seconds(grace_period.map(to_i32))
            .set_network_configuration(service::network_configuration(UPDATE_SERVICE, network.as_ref())?)
            .set_load_balancers(balancers.map(Iterator::collect))
            .set_enable_execute_command(*exec)
            .send()
            .answering(UPDATE_SERVICE)
            .await?;
        service::read_written(UPDATE_SERVICE, reply.service())
    }

    async fn delete_service(&self, cluster: &str, name: &str) -> Result<()> {
        let reply = self
            .ecs
            .delete_service()
            .cluster(cluster)
            .service(name)
            .force(true)
            .send()
            .answering(DELETE_SERVICE)
            .await;
        unless_absent(reply).map(|_| ())
    }

    async fn tag_service(&self, service: &Arn, tags: &Tags) -> Result<()> {
        self.ecs
            .tag_resource()
            .resource_arn(&service.0)
            .set_tags(write_tags(tags))
            .send()
            .answering(TAG_RESOURCE)
            .await?;
        Ok(())
    }

    async fn untag_service(&self, service: &Arn, keys: &[&str]) -> Result<()> {
        self.ecs
            .untag_resource()
            .resource_arn(&service.0)
            .set_tag_keys(Some(keys.iter().map(|key| (*key).into()).collect()))
            .send()
            .answering(UNTAG_RESOURCE)
            .await?;
        Ok(())
    }

    async fn stop_service_deployment(&self, deployment: &Arn) -> Result<()> {
        self.ecs
            .stop_service_deployment()
            .service_deployment_arn(&deployment.0)
            // The only end that AWS documents as valid:
            // <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopServiceDeployment.html>
            .stop_type(StopServiceDeploymentStopType::Rollback)
            .send()
            .answering(STOP_SERVICE_DEPLOYMENT)
            .await?;
        Ok(())
    }

    async fn run_task(&self, cluster: &str, request: &TaskRequest) -> Result<Started> {
        task::run(self, cluster, request).await
    }

    async fn stop_task(&self, cluster: &str, task: &Arn, reason: &str) -> Result<()> {
        task::stop(self, cluster, task, reason).await
    }
}

fn read_tags(tags: &[sdk::Tag]) -> Tags {
    let pair = |tag: &sdk::Tag| Some((tag.key()?.into(), tag.value().unwrap_or_default().into()));
    tags.iter().filter_map(pair).collect()
}

fn write_tags(tags: &Tags) -> Option<Vec<sdk::Tag>> {
    unless_empty(
        tags.iter()
            .map(|(key, value)| sdk::Tag::builder().key(&**key).value(&**value).build()),
    )
}

#[cfg(test)]
pub(super) mod tests;
