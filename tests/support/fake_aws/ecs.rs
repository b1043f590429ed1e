//! ECS: services that roll out, drain and compete for host ports. Task definitions never change and never collide.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use empire_controller::aws::{self, Result};
use empire_controller::model::name::Arn;
use empire_controller::model::owner::Tags;
use empire_controller::model::service::{
    Attachment, HostPort, LaunchType, NetworkMode, Service, ServiceSettings, ServiceUpdate, TaskDefinition,
};
use empire_controller::model::state::{
    Deployment, Rollout, ServiceState, ServiceStatus, TaskDefinitionState,
};

use super::{DRAINING, FakeAws, ROLLOUT, STOPPING, State, refuse};

const LIST_SERVICES: &str = "ecs:ListServices";
const DESCRIBE_SERVICES: &str = "ecs:DescribeServices";
const DESCRIBE_TASK_DEFINITION: &str = "ecs:DescribeTaskDefinition";
const REGISTER_TASK_DEFINITION: &str = "ecs:RegisterTaskDefinition";
const CREATE_SERVICE: &str = "ecs:CreateService";
const UPDATE_SERVICE: &str = "ecs:UpdateService";
const DELETE_SERVICE: &str = "ecs:DeleteService";
const TAG_RESOURCE: &str = "ecs:TagResource";

const TARGET_GROUPS_PER_SERVICE: usize = 5;

#[derive(Clone, Debug, Default)]
pub(super) struct Ecs {
    pub(super) clusters: BTreeSet<String>,
    pub(super) services: BTreeMap<(String, String), Running>,
    pub(super) definitions: Vec<TaskDefinitionState>,
    /// Host ports whose last task is still stopping, and until when.
    stopping: Vec<(u16, u64)>,
}

#[derive(Clone, Debug)]
pub(super) struct Running {
    pub(super) arn: Arn,
    pub(super) launch_type: LaunchType,
    pub(super) settings: ServiceSettings,
    pub(super) desired: u32,
    pub(super) tags: Tags,
    pub(super) attachments: Vec<Attachment<Arn>>,
    /// Newest first; the first is PRIMARY, the others ACTIVE.
    pub(super) deployments: Vec<Rolling>,
    pub(super) drains_until: Option<u64>,
    event: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Rolling {
    id: u64,
    pub(super) definition: Arn,
    pub(super) attachments: Vec<Attachment<Arn>>,
    running: u32,
    completed: bool,
    /// When it gets where it goes: its tasks up, or, once replaced, its tasks gone. `None` until nothing hinders it.
    arrives: Option<u64>,
}

impl Running {
    pub(super) fn is_draining(&self) -> bool {
        self.drains_until.is_some()
    }

    pub(super) fn definition(&self) -> &Arn {
        &self.deployments[0].definition
    }

    /// Target groups that any of its deployments registers tasks in.
    pub(super) fn target_groups(&self) -> BTreeSet<&Arn> {
        let of_deployments = self.deployments.iter().flat_map(|d| &d.attachments);
        of_deployments
            .chain(&self.attachments)
            .map(|a| &a.target_group)
            .collect()
    }

    /// In words, for a snapshot.
    pub(super) fn counts(&self) -> String {
        let running: Vec<u32> = self.deployments.iter().map(|d| d.running).collect();
        let status = if self.is_draining() { "DRAINING" } else { "ACTIVE" };
        format!("{status} {} wanted {running:?} running", self.desired)
    }

    fn state(&self, name: &str) -> ServiceState {
        let deployment = |(index, rolling): (usize, &Rolling)| Deployment {
            id: format!("ecs-svc/{}", rolling.id),
            primary: index == 0,
            task_definition: rolling.definition.clone(),
            rollout: if rolling.completed {
                Rollout::Completed
            } else {
                Rollout::InProgress
            },
            desired: if index == 0 { self.desired } else { 0 },
            running: rolling.running,
            pending: 0,
        };
        ServiceState {
            name: name.into(),
            arn: self.arn.clone(),
            status: if self.is_draining() {
                ServiceStatus::Draining
            } else {
                ServiceStatus::Active
            },
            task_definition: self.definition().clone(),
            desired: self.desired,
            running: self.deployments.iter().map(|d| d.running).sum(),
            pending: 0,
            deployments: self.deployments.iter().enumerate().map(deployment).collect(),
            attachments: self.attachments.clone(),
            deployment_percent: Some((
                self.settings.minimum_healthy_percent,
                self.settings.maximum_percent,
            )),
            zone_rebalancing: Some(self.settings.zone_rebalancing),
            placement: Some(self.settings.placement.clone()),
            grace_period: self.settings.grace_period,
            network: self.settings.network.clone(),
            tags: self.tags.clone(),
            newest_event: self.event.clone(),
        }
    }
}

impl Ecs {
    pub(super) fn definition(&self, arn: &Arn) -> Option<&TaskDefinitionState> {
        self.definitions.iter().find(|known| &known.arn == arn)
    }

    fn newest(&self, family: &str) -> Option<&TaskDefinitionState> {
        let of_family = |known: &&TaskDefinitionState| known.active && known.content.family == family;
        self.definitions.iter().rev().find(of_family)
    }

    /// The fixed host port of a task definition.
    pub(super) fn host_port(&self, definition: &Arn) -> Option<u16> {
        match self.definition(definition)?.content.port?.host_port {
            HostPort::Fixed(port) => Some(port),
            HostPort::Dynamic | HostPort::Claimed | HostPort::SameAsContainer => None,
        }
    }

    fn host_ports(&self, service: &Running) -> Vec<u16> {
        let definitions = service.deployments.iter().map(|d| &d.definition);
        definitions
            .filter_map(|definition| self.host_port(definition))
            .collect()
    }

    pub(super) fn tick(&mut self, now: u64, alive: &BTreeSet<Arn>) {
        self.stopping.retain(|(_, until)| *until > now);
        let gone: Vec<(String, String)> = self
            .services
            .iter()
            .filter(|(_, service)| service.drains_until.is_some_and(|until| until <= now))
            .map(|(key, _)| key.clone())
            .collect();
        for key in gone {
            // INACTIVE comes while tasks are still stopping.
            if let Some(service) = self.services.remove(&key) {
                let ports = self.host_ports(&service);
                self.stopping
                    .extend(ports.into_iter().map(|port| (port, now + STOPPING)));
            }
        }
        for key in self.services.keys().cloned().collect::<Vec<_>>() {
            let mut service = self.services[&key].clone();
            if !service.is_draining() {
                let obstacle = self.obstacle(&key, &service, alive);
                service.tick(now, obstacle);
                self.services.insert(key, service);
            }
        }
    }

    /// Why the primary deployment of a service cannot get its tasks up.
    fn obstacle(&self, key: &(String, String), service: &Running, alive: &BTreeSet<Arn>) -> Option<String> {
        let primary = &service.deployments[0];
        if let Some(dead) = primary
            .attachments
            .iter()
            .find(|a| !alive.contains(&a.target_group))
        {
            return Some(format!(
                "(service {}) failed to register targets in {}",
                key.1, dead.target_group
            ));
        }
        let port = self.host_port(&primary.definition)?;
        let others = self.services.iter().filter(|(other, _)| *other != key);
        let taken = others
            .flat_map(|(_, other)| self.host_ports(other))
            .any(|taken| taken == port)
            || self.stopping.iter().any(|(taken, _)| *taken == port);
        taken.then(|| {
            format!(
                "(service {}) was unable to place a task because port {port} is taken",
                key.1
            )
        })
    }
}

impl Running {
    fn tick(&mut self, now: u64, obstacle: Option<String>) {
        let desired = self.desired;
        let primary = &mut self.deployments[0];
        if primary.running != desired {
            if obstacle.is_some() {
                primary.arrives = None;
                self.event = obstacle;
                return;
            }
            let arrives = *primary.arrives.get_or_insert(now + ROLLOUT);
            if now < arrives {
                return;
            }
            primary.running = desired;
            self.event = Some("has reached a steady state.".into());
        }
        primary.arrives = None;
        for replaced in &mut self.deployments[1..] {
            replaced.arrives.get_or_insert(now + STOPPING);
        }
        self.deployments
            .retain(|deployment| deployment.arrives.is_none_or(|arrives| arrives > now));
        if let [only] = self.deployments.as_mut_slice() {
            only.completed = true;
        }
    }
}

/// What CreateService and UpdateService refuse about what a service would then be.
fn check(
    state: &State,
    action: &'static str,
    launch_type: LaunchType,
    settings: &ServiceSettings,
    definition: &Arn,
    attachments: &[Attachment<Arn>],
) -> Result<()> {
    const CODE: &str = "InvalidParameterException";
    let Some(found) = state.ecs.definition(definition) else {
        return refuse(
            action,
            "ClientException",
            format!("Unable to describe task definition {definition}"),
        );
    };
    if !found.active {
        return refuse(action, "ClientException", "TaskDefinition is inactive");
    }
    let content = &found.content;
    if content.launch_type != launch_type {
        return refuse(action, CODE, "Task definition does not support launch_type.");
    }
    if (content.network_mode == NetworkMode::Awsvpc) != settings.network.is_some() {
        return refuse(
            action,
            CODE,
            "Network Configuration must be provided for awsvpc, and only for it.",
        );
    }
    if settings.maximum_percent <= settings.minimum_healthy_percent
        && settings.maximum_percent <= 100
        && settings.minimum_healthy_percent >= 100
    {
        return refuse(
            action,
            CODE,
            "minimumHealthyPercent and maximumPercent leave no room for a deployment.",
        );
    }
    let first = settings.placement.first().map(|strategy| strategy.field.as_str());
    let zones_first = first.is_none_or(|field| field == "attribute:ecs.availability-zone");
    if settings.zone_rebalancing
        && (settings.maximum_percent <= 100 || !zones_first || launch_type == LaunchType::External)
    {
        return refuse(
            action,
            CODE,
            "Availability zone rebalancing does not support these settings.",
        );
    }
    if !settings.placement.is_empty() && launch_type == LaunchType::Fargate {
        return refuse(
            action,
            CODE,
            "Placement strategies are not supported with FARGATE launch type.",
        );
    }
    if attachments.is_empty() && settings.grace_period.is_some_and(|seconds| seconds > 0) {
        return refuse(
            action,
            CODE,
            "Health check grace period is only valid for services configured to use load balancers",
        );
    }
    if attachments.len() > TARGET_GROUPS_PER_SERVICE {
        return refuse(action, CODE, "load balancers can have at most 5 items.");
    }
    for attachment in attachments {
        let mapped = content.port.map(|port| port.container_port);
        if attachment.container != content.container || mapped != Some(attachment.container_port) {
            return refuse(
                action,
                CODE,
                format!(
                    "The container {} did not have a container port {} defined.",
                    attachment.container, attachment.container_port
                ),
            );
        }
    }
    Ok(())
}

/// What they refuse about target groups that a call names.
fn check_named(
    state: &State,
    action: &'static str,
    definition: &Arn,
    attachments: &[Attachment<Arn>],
) -> Result<()> {
    const CODE: &str = "InvalidParameterException";
    let mode = state
        .ecs
        .definition(definition)
        .map(|found| found.content.network_mode);
    for Attachment { target_group, .. } in attachments {
        let Some(group) = state.elbv2.target_groups.get(target_group) else {
            return refuse(
                action,
                CODE,
                format!("The target group {target_group} does not exist."),
            );
        };
        if state.elbv2.in_front_of(target_group).is_none() {
            let message = format!(
                "The target group with targetGroupArn {target_group} does not have an associated load balancer."
            );
            return refuse(action, CODE, message);
        }
        let wanted = match mode {
            Some(NetworkMode::Awsvpc) => "ip",
            Some(NetworkMode::Bridge) | None => "instance",
        };
        if group.settings.target_type.as_str() != wanted {
            let message =
                format!("The provided target group {target_group} is incompatible with the network mode.");
            return refuse(action, CODE, message);
        }
    }
    Ok(())
}

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
        self.read(LIST_SERVICES, cluster, |state| {
            if !state.ecs.clusters.contains(cluster) {
                return refuse(LIST_SERVICES, "ClusterNotFoundException", "Cluster not found.");
            }
            let listed = state.ecs.services.iter();
            let listed = listed.filter(|((of, _), service)| of == cluster && !service.is_draining());
            Ok(listed.map(|((_, name), _)| name.clone()).collect())
        })
    }

    async fn describe_services(&self, cluster: &str, names: &[String]) -> Result<Vec<ServiceState>> {
        self.read(DESCRIBE_SERVICES, &names.join(" "), |state| {
            if !state.ecs.clusters.contains(cluster) {
                return refuse(
                    DESCRIBE_SERVICES,
                    "ClusterNotFoundException",
                    "Cluster not found.",
                );
            }
            let found = names.iter().filter_map(|name| {
                let service = state.ecs.services.get(&(cluster.into(), name.clone()))?;
                Some(service.state(name))
            });
            Ok(found.collect())
        })
    }

    async fn describe_task_definition(&self, arn_or_family: &str) -> Result<Option<TaskDefinitionState>> {
        self.read(DESCRIBE_TASK_DEFINITION, arn_or_family, |state| {
            let found = if arn_or_family.starts_with("arn:") {
                state.ecs.definition(&Arn(arn_or_family.into()))
            } else {
                state.ecs.newest(arn_or_family)
            };
            Ok(found.cloned())
        })
    }

    async fn register_task_definition(
        &self,
        content: &TaskDefinition,
        tags: &Tags,
    ) -> Result<TaskDefinitionState> {
        let about = format!("{} {}", content.family, content.image);
        self.write(REGISTER_TASK_DEFINITION, about, |state| {
            let unfinished = content
                .port
                .is_some_and(|port| port.host_port == HostPort::Claimed);
            if content.image.is_empty() || content.command.is_empty() || unfinished {
                return refuse(
                    REGISTER_TASK_DEFINITION,
                    "ClientException",
                    "Container definition is incomplete.",
                );
            }
            let of_family = |known: &&TaskDefinitionState| known.content.family == content.family;
            let revision = state.ecs.definitions.iter().filter(of_family).count() + 1;
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
            launch_type,
            quantity,
            settings,
            tags,
        } = service;
        let about = format!("{name} {} tasks {}", quantity.unwrap_or(1), named(attachments));
        self.write(CREATE_SERVICE, about, |state| {
            if !state.ecs.clusters.contains(cluster) {
                return refuse(CREATE_SERVICE, "ClusterNotFoundException", "Cluster not found.");
            }
            let key = (cluster.to_owned(), name.clone());
            match state.ecs.services.get(&key) {
                Some(found) if found.is_draining() => {
                    return refuse(
                        CREATE_SERVICE,
                        CODE,
                        "Unable to Start a service that is still Draining.",
                    );
                }
                Some(_) => {
                    return refuse(CREATE_SERVICE, CODE, "Creation of service was not idempotent.");
                }
                None => {}
            }
            check(
                state,
                CREATE_SERVICE,
                *launch_type,
                settings,
                task_definition,
                attachments,
            )?;
            check_named(state, CREATE_SERVICE, task_definition, attachments)?;
            let id = state.id();
            let arn = Arn(format!(
                "arn:aws:ecs:us-east-1:123456789012:service/{cluster}/{name}#{id}"
            ));
            let running = Running {
                arn,
                launch_type: *launch_type,
                settings: settings.clone(),
                desired: quantity.unwrap_or(1),
                tags: tags.clone(),
                attachments: attachments.to_vec(),
                deployments: vec![Rolling {
                    id,
                    definition: task_definition.clone(),
                    attachments: attachments.to_vec(),
                    running: 0,
                    completed: false,
                    arrives: None,
                }],
                drains_until: None,
                event: None,
            };
            let reply = running.state(name);
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
            deployment_percent,
            zone_rebalancing,
            placement,
            grace_period,
            network,
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
                return refuse(
                    UPDATE_SERVICE,
                    "ServiceNotActiveException",
                    "Service was not ACTIVE.",
                );
            }
            let mut service = found.clone();
            let definition = task_definition.unwrap_or(found.definition()).clone();
            let settings = &mut service.settings;
            (settings.minimum_healthy_percent, settings.maximum_percent) =
                deployment_percent.unwrap_or((settings.minimum_healthy_percent, settings.maximum_percent));
            settings.zone_rebalancing = zone_rebalancing.unwrap_or(settings.zone_rebalancing);
            settings.placement = placement.unwrap_or_else(|| settings.placement.clone());
            settings.grace_period = grace_period.or(settings.grace_period);
            settings.network = network.or_else(|| settings.network.clone());
            service.desired = desired_count.unwrap_or(service.desired);
            if let Some(attachments) = attachments {
                service.attachments = attachments.to_vec();
                check_named(state, UPDATE_SERVICE, &definition, attachments)?;
            }
            check(
                state,
                UPDATE_SERVICE,
                service.launch_type,
                &service.settings,
                &definition,
                &service.attachments,
            )?;
            let same_targets = service.attachments == found.attachments;
            if &definition != found.definition()
                || !same_targets
                || service.settings.network != found.settings.network
            {
                // The one that was not complete goes at once: nothing of it serves.
                service.deployments.retain(|deployment| deployment.running > 0);
                for replaced in &mut service.deployments {
                    (replaced.arrives, replaced.completed) = (None, true);
                }
                let primary = Rolling {
                    id: state.id(),
                    definition,
                    attachments: service.attachments.clone(),
                    running: 0,
                    completed: false,
                    arrives: None,
                };
                service.deployments.insert(0, primary);
            }
            let reply = ServiceState {
                tags: Tags::new(),
                ..service.state(name)
            };
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
}
