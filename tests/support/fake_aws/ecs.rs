//! ECS: what each call does. Task definitions never change and never collide; how services live is in `service.rs`.

mod capacity;
mod check;
mod console;
mod definitions;
mod extras;
mod members;
mod rollout;
mod service;
mod tasks;
mod volumes;

use std::collections::BTreeMap;

use async_trait::async_trait;
use empire_controller::aws::{self, Result};
use empire_controller::model::name::Arn;
use empire_controller::model::owner::Tags;
use empire_controller::model::release::{Started, TaskRequest, TaskState};
use empire_controller::model::rollout::ServiceDeployment;
use empire_controller::model::service::{
    Attachment, Capacity, CapacityProviderKind, Service, ServiceUpdate, TaskDefinition,
};
use empire_controller::model::state::{ROLLING, ServiceState, TaskDefinitionState};

use super::billed::{SERVICES_BATCH, SERVICES_PAGE};
use super::scheduler::cluster_arn;
use super::short::whose;
use super::{DRAINING, FakeAws, State, refuse};
use check::{NO_BALANCERS, check, check_active, check_content, check_named};
pub(super) use service::{Ecs, Running};
pub(crate) use tasks::Fate;

const DESCRIBE_CAPACITY_PROVIDERS: &str = "ecs:DescribeCapacityProviders";
const DESCRIBE_CLUSTERS: &str = "ecs:DescribeClusters";
const LIST_SERVICES: &str = "ecs:ListServices";
const DESCRIBE_SERVICES: &str = "ecs:DescribeServices";
const DESCRIBE_TASK_DEFINITION: &str = "ecs:DescribeTaskDefinition";
const REGISTER_TASK_DEFINITION: &str = "ecs:RegisterTaskDefinition";
const CREATE_SERVICE: &str = "ecs:CreateService";
const UPDATE_SERVICE: &str = "ecs:UpdateService";
const DELETE_SERVICE: &str = "ecs:DeleteService";
const TAG_RESOURCE: &str = "ecs:TagResource";
const UNTAG_RESOURCE: &str = "ecs:UntagResource";
const LIST_SERVICE_DEPLOYMENTS: &str = "ecs:ListServiceDeployments";
const STOP_SERVICE_DEPLOYMENT: &str = "ecs:StopServiceDeployment";

fn named(attachments: &[Attachment<Arn>]) -> String {
    let names: Vec<String> = attachments
        .iter()
        .map(|a| {
            let mut path = a.target_group.0.rsplit('/').skip(1);
            format!("{}:{}", path.next().unwrap_or_default(), a.container_port)
        })
        .collect();
    format!("[{}]", names.join(", "))
}

#[async_trait]
impl aws::Ecs for FakeAws {
    async fn list_services(&self, cluster: &str) -> Result<Vec<String>> {
        let all = |state: &State| {
            if !state.ecs.clusters.contains(cluster) {
                return refuse(LIST_SERVICES, "ClusterNotFoundException", "Cluster not found.");
            }
            let listed = state.ecs.services.iter();
            let listed = listed.filter(|((of, _), service)| of == cluster && !service.is_draining());
            let listed = listed.map(|((_, name), service)| (name.clone(), whose(&service.tags)));
            Ok(Some(listed.collect()))
        };
        let found = self.list(LIST_SERVICES, cluster, all)?.unwrap_or_default();
        self.bill_more(LIST_SERVICES, found.len(), SERVICES_PAGE);
        Ok(found)
    }

    async fn describe_services(&self, cluster: &str, names: &[String]) -> Result<Vec<ServiceState>> {
        let found = self.read(DESCRIBE_SERVICES, &names.join(" "), |state| {
            if !state.ecs.clusters.contains(cluster) {
                return refuse(
                    DESCRIBE_SERVICES,
                    "ClusterNotFoundException",
                    "Cluster not found.",
                );
            }
            let found = names.iter().filter_map(|name| {
                let service = state.ecs.services.get(&(cluster.into(), name.clone()))?;
                Some(state.echo.described(service.echoed(name, &state.echo)))
            });
            Ok(found.collect())
        })?;
        self.bill_more(DESCRIBE_SERVICES, names.len(), SERVICES_BATCH);
        Ok(found)
    }

    async fn describe_cluster(&self, cluster: &str) -> Result<Option<Arn>> {
        self.read(DESCRIBE_CLUSTERS, cluster, |state| {
            Ok(state.ecs.clusters.get(cluster).map(|name| cluster_arn(name)))
        })
    }

    async fn capacity_provider_kinds(
        &self,
        names: &[String],
    ) -> Result<BTreeMap<String, CapacityProviderKind>> {
        self.read(DESCRIBE_CAPACITY_PROVIDERS, "", |_| {
            let kind = |name: &String| (name.clone(), capacity::kind(name));
            Ok(names.iter().map(kind).collect())
        })
    }

    async fn describe_task_definition(&self, arn_or_family: &str) -> Result<Option<TaskDefinitionState>> {
        self.read(DESCRIBE_TASK_DEFINITION, arn_or_family, |state| {
            let found = if arn_or_family.starts_with("arn:") {
                state.ecs.definition(&Arn(arn_or_family.into()))
            } else {
                state.ecs.newest(arn_or_family)
            };
            Ok(found.cloned().map(|mut found| {
                found.content = state.echo.definition(found.content);
                found
            }))
        })
    }

    async fn list_service_deployments(&self, cluster: &str, service: &str) -> Result<Vec<ServiceDeployment>> {
        self.read(LIST_SERVICE_DEPLOYMENTS, service, |state| {
            match state.ecs.services.get(&(cluster.into(), service.into())) {
                Some(found) if !found.is_draining() => Ok(found.service_deployments()),
                Some(_) | None => refuse(
                    LIST_SERVICE_DEPLOYMENTS,
                    "ServiceNotFoundException",
                    "Service not found.",
                ),
            }
        })
    }

    async fn list_tasks(&self, cluster: &str, family: &str) -> Result<Vec<Arn>> {
        self.read("ecs:ListTasks", family, |state| {
            tasks::list(state, cluster, family)
        })
    }

    async fn describe_tasks(&self, cluster: &str, arns: &[Arn]) -> Result<Vec<TaskState>> {
        self.read("ecs:DescribeTasks", "", |state| {
            tasks::describe(state, cluster, arns)
        })
    }
}

#[async_trait]
impl aws::EcsWrites for FakeAws {
    async fn register_task_definition(
        &self,
        content: &TaskDefinition,
        tags: &Tags,
    ) -> Result<TaskDefinitionState> {
        let about = format!("{} {}", content.family, content.main.image);
        self.write(REGISTER_TASK_DEFINITION, about, |state| {
            check_content(REGISTER_TASK_DEFINITION, content)?;
            let revision = state.ecs.definitions.of_family(&content.family).count() + 1;
            let registered = TaskDefinitionState {
                arn: Arn(format!(
                    "arn:aws:ecs:us-east-1:123456789012:task-definition/{}:{revision}",
                    content.family
                )),
                content: content.clone(),
                active: true,
                tags: tags.clone(),
            };
            state.ecs.definitions.push(registered.clone());
            // As the SDK adapter hands it over: what was sent.
            Ok(registered)
        })
    }

    async fn create_service(
        &self,
        cluster: &str,
        service: &Service,
        task_definition: &Arn,
        attachments: &[Attachment<Arn>],
    ) -> Result<ServiceState> {
        const CODE: &str = "InvalidParameterException";
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
        let about = format!("{name} {} tasks {}", service.first_count(), named(attachments));
        self.write(CREATE_SERVICE, about, |state| {
            if !state.ecs.clusters.contains(cluster) {
                return refuse(CREATE_SERVICE, "ClusterNotFoundException", "Cluster not found.");
            }
            let key = (cluster.to_owned(), name.clone());
            match state.ecs.services.get(&key) {
                Some(found) if found.is_draining() => {
                    let message = "Unable to Start a service that is still Draining.";
                    return refuse(CREATE_SERVICE, CODE, message);
                }
                Some(_) => {
                    return refuse(CREATE_SERVICE, CODE, "Creation of service was not idempotent.");
                }
                None => {}
            }
            check(
                state,
                CREATE_SERVICE,
                capacity,
                settings,
                task_definition,
                attachments,
            )?;
            check_active(state, CREATE_SERVICE, task_definition)?;
            check_named(state, CREATE_SERVICE, task_definition, attachments)?;
            let id = state.id();
            let arn = Arn(format!(
                "arn:aws:ecs:us-east-1:123456789012:service/{cluster}/{name}#{id}"
            ));
            let mut running = Running {
                arn,
                capacity: capacity.clone(),
                settings: settings.clone(),
                strategy: ROLLING.into(),
                keeps_strategy: false,
                forgets_failures: false,
                desired: service.first_count(),
                tags: tags.clone(),
                attachments: attachments.to_vec(),
                deployments: Vec::new(),
                complete: None,
                history: Vec::new(),
                drains_until: None,
                event: None,
            };
            running.roll_out(id, task_definition.clone(), state.now);
            let reply = running.echoed(name, &state.echo);
            state.ecs.services.insert(key, running);
            Ok(reply)
        })
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
        } = update.clone();
        let mut about = name.to_owned();
        about.extend(task_definition.map(|arn| format!(" {}", arn.0.rsplit('/').next().unwrap_or_default())));
        about.extend(attachments.map(|all| format!(" {}", named(all))));
        self.write(UPDATE_SERVICE, about, |state| {
            if !state.ecs.clusters.contains(cluster) {
                return refuse(UPDATE_SERVICE, "ClusterNotFoundException", "Cluster not found.");
            }
            let key = (cluster.to_owned(), name.to_owned());
            let Some(found) = state.ecs.services.get(&key) else {
                return refuse(UPDATE_SERVICE, "ServiceNotFoundException", "Service not found.");
            };
            if found.is_draining() {
                let message = "Service was not ACTIVE.";
                return refuse(UPDATE_SERVICE, "ServiceNotActiveException", message);
            }
            if deployment.is_some() && !found.takes_strategy() {
                let message = "The deployment strategy cannot be updated now.";
                return refuse(UPDATE_SERVICE, "InvalidParameterException", message);
            }
            if !state.ecs.takes_grace_period_with_groups
                && found.attachments.is_empty()
                && grace_period.is_some_and(|seconds| seconds > 0)
            {
                return refuse(UPDATE_SERVICE, "InvalidParameterException", NO_BALANCERS);
            }
            let mut service = found.clone();
            if deployment.is_some() {
                service.strategy = ROLLING.into();
                service.forgets_failures = false;
            }
            let definition = task_definition.unwrap_or(found.definition()).clone();
            let settings = &mut service.settings;
            settings.deployment = deployment.unwrap_or(settings.deployment);
            settings.zone_rebalancing = zone_rebalancing.unwrap_or(settings.zone_rebalancing);
            settings.placement = placement.unwrap_or_else(|| settings.placement.clone());
            settings.constraints = constraints.unwrap_or_else(|| settings.constraints.clone());
            settings.grace_period = grace_period.or(settings.grace_period);
            settings.network = network.or_else(|| settings.network.clone());
            settings.exec = exec.or(settings.exec);
            service.desired = desired_count.unwrap_or(service.desired);
            if let Some(providers) = capacity_providers {
                service.capacity = Capacity::Providers(providers);
            }
            if let Some(attachments) = attachments {
                service.attachments = attachments.to_vec();
                if !attachments.is_empty() {
                    service.settings.grace_period.get_or_insert(0);
                }
                check_named(state, UPDATE_SERVICE, &definition, attachments)?;
            }
            check(
                state,
                UPDATE_SERVICE,
                &service.capacity,
                &service.settings,
                &definition,
                &service.attachments,
            )?;
            let same_targets = service.attachments == found.attachments;
            let rolls_out = &definition != found.definition()
                || !same_targets
                || service.settings.network != found.settings.network
                || update.forces_rollout();
            if rolls_out || task_definition.is_some() {
                check_active(state, UPDATE_SERVICE, &definition)?;
            }
            if rolls_out {
                // The one that was not complete goes at once: nothing of it serves.
                service.deployments.retain(|deployment| deployment.running > 0);
                for replaced in &mut service.deployments {
                    replaced.arrives = None;
                }
                service.roll_out(state.id(), definition, state.now);
            }
            let mut reply = service.echoed(name, &state.echo);
            reply.tags = Tags::new();
            state.ecs.services.insert(key, service);
            Ok(reply)
        })
    }

    async fn delete_service(&self, cluster: &str, name: &str) -> Result<()> {
        self.write(DELETE_SERVICE, name.into(), |state| {
            let now = state.now;
            // A cluster or a service that is gone is what was asked for.
            if let Some(service) = state.ecs.services.get_mut(&(cluster.into(), name.into()))
                && !service.is_draining()
            {
                service.drains_until = Some(now + DRAINING);
                service.desired = 0;
            }
            Ok(())
        })
    }

    async fn tag_service(&self, service: &Arn, tags: &Tags) -> Result<()> {
        self.write(TAG_RESOURCE, service.0.clone(), |state| {
            match state
                .ecs
                .services
                .values_mut()
                .find(|known| &known.arn == service)
            {
                Some(known) => {
                    known.tags.extend(tags.clone());
                    Ok(())
                }
                None => refuse(
                    TAG_RESOURCE,
                    "InvalidParameterException",
                    "The specified service was not found.",
                ),
            }
        })
    }

    async fn untag_service(&self, service: &Arn, keys: &[&str]) -> Result<()> {
        self.write(UNTAG_RESOURCE, service.0.clone(), |state| {
            let mut services = state.ecs.services.values_mut();
            match services.find(|known| &known.arn == service) {
                Some(known) => {
                    known.tags.retain(|key, _| !keys.contains(&key.as_str()));
                    Ok(())
                }
                None => refuse(
                    UNTAG_RESOURCE,
                    "InvalidParameterException",
                    "The specified service was not found.",
                ),
            }
        })
    }

    async fn stop_service_deployment(&self, deployment: &Arn) -> Result<()> {
        self.write(STOP_SERVICE_DEPLOYMENT, deployment.0.clone(), |state| {
            let (id, now) = (state.id(), state.now);
            let mut services = state.ecs.services.values_mut();
            match services.find(|service| service.has_recorded(deployment)) {
                Some(service) => service.stop(STOP_SERVICE_DEPLOYMENT, deployment, id, now),
                None => refuse(
                    STOP_SERVICE_DEPLOYMENT,
                    "ServiceDeploymentNotFoundException",
                    "Service deployment not found.",
                ),
            }
        })
    }

    async fn run_task(&self, cluster: &str, request: &TaskRequest) -> Result<Started> {
        let revision = request.task_definition.0.rsplit('/').next().unwrap_or_default();
        self.write("ecs:RunTask", revision.into(), |state| {
            tasks::run(state, cluster, request)
        })
    }

    async fn stop_task(&self, cluster: &str, task: &Arn, _: &str) -> Result<()> {
        self.write("ecs:StopTask", task.0.clone(), |state| {
            tasks::stop(state, cluster, task)
        })
    }
}
