//! Services as they live: rolling out, scaling, draining, and in each other's way where they want one host port.

use std::collections::{BTreeMap, BTreeSet};

use empire_controller::model::container::PortMapping;
use empire_controller::model::name::Arn;
use empire_controller::model::owner::Tags;
use empire_controller::model::service::{Attachment, Capacity, NetworkMode, ServiceSettings};
use empire_controller::model::state::{
    Deployment, ROLLING, Rollout, ServiceState, ServiceStatus, TaskDefinitionState,
};

use super::super::echo::Echoes;
use super::super::{FAILING, LOOPING, ROLLOUT, STOPPING};
use super::definitions::Definitions;
use super::rollout::{Recorded, Revision};
use super::tasks::Tasks;

#[derive(Clone, Debug, Default)]
pub(in crate::fake_aws) struct Ecs {
    pub(in crate::fake_aws) clusters: BTreeSet<String>,
    pub(in crate::fake_aws) services: BTreeMap<(String, String), Running>,
    pub(in crate::fake_aws) definitions: Definitions,
    pub(in crate::fake_aws) tasks: Tasks,
    /// Host ports whose last task is still stopping, and until when.
    pub(super) stopping: Vec<(u16, u64)>,
    next_id: u64,
    /// Images and programs whose tasks end as soon as they start.
    pub(in crate::fake_aws) broken: BTreeSet<String>,
    /// Images and programs whose tasks run and end, again and again, so that no circuit breaker notices.
    pub(in crate::fake_aws) restless: BTreeSet<String>,
    /// Images and programs whose tasks all run for a while and end, and begin anew.
    pub(in crate::fake_aws) looping: BTreeSet<String>,
    pub(in crate::fake_aws) pace: Pace,
    /// UpdateService judges a grace period by the target groups that come with it, and not by those that there were.
    pub(in crate::fake_aws) takes_grace_period_with_groups: bool,
    /// Target groups whose health checks fail.
    pub(in crate::fake_aws) unhealthy: BTreeSet<Arn>,
}

/// The times that tasks take, in virtual seconds.
#[derive(Clone, Copy, Debug)]
pub(in crate::fake_aws) struct Pace {
    pub(in crate::fake_aws) start: u64,
    /// Until an old task is gone, the drain of its target groups included. ECS counts it as running so long.
    pub(in crate::fake_aws) drain: u64,
    /// A new task starts only where an old one has gone, as with one host port and as many instances as tasks.
    pub(in crate::fake_aws) one_by_one: bool,
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            start: ROLLOUT,
            drain: STOPPING,
            one_by_one: false,
        }
    }
}

#[derive(Clone, Debug)]
pub(in crate::fake_aws) struct Running {
    pub(in crate::fake_aws) arn: Arn,
    pub(in crate::fake_aws) capacity: Capacity,
    pub(in crate::fake_aws) settings: ServiceSettings,
    pub(in crate::fake_aws) strategy: String,
    /// ECS refuses every other one.
    pub(in crate::fake_aws) keeps_strategy: bool,
    /// ECS begins anew with the count of failed tasks whenever one is healthy, as it does unless told otherwise.
    pub(in crate::fake_aws) forgets_failures: bool,
    pub(in crate::fake_aws) desired: u32,
    pub(in crate::fake_aws) tags: Tags,
    pub(in crate::fake_aws) attachments: Vec<Attachment<Arn>>,
    /// Newest first; the first is PRIMARY, the others ACTIVE.
    pub(in crate::fake_aws) deployments: Vec<Rolling>,
    /// The revision of the last rollout that completed.
    pub(super) complete: Option<Revision>,
    /// Oldest first.
    pub(super) history: Vec<Recorded>,
    pub(in crate::fake_aws) drains_until: Option<u64>,
    pub(super) event: Option<String>,
}

#[derive(Clone, Debug)]
pub(in crate::fake_aws) struct Rolling {
    pub(super) id: u64,
    pub(in crate::fake_aws) definition: Arn,
    pub(in crate::fake_aws) attachments: Vec<Attachment<Arn>>,
    pub(super) running: u32,
    /// The number of its tasks that have ended after they ran.
    pub(super) ended: u32,
    pub(super) completed: bool,
    /// When it gets where it goes: its tasks up, or, once replaced, its tasks gone. `None` until nothing hinders it.
    pub(super) arrives: Option<u64>,
    pub(super) created: u64,
    /// ECS gave it up, and says why.
    pub(super) failed: Option<String>,
    /// Since when tasks do not come up, in a row.
    pub(super) failing_since: Option<u64>,
    /// Made by ECS, to take another one back.
    pub(super) rolls_back: Option<String>,
}

/// Why tasks do not come up.
pub(super) enum Obstacle {
    /// ECS waits for better times.
    Stalls(String),
    /// The circuit breaker counts it.
    Fails(String),
    /// They run and end, for so many seconds each: too few for ECS to take them for healthy.
    Loops(u64),
}

/// Ids that no call hands out.
const ROLLBACKS: u64 = 1_000_000;

impl Running {
    pub(in crate::fake_aws) fn is_draining(&self) -> bool {
        self.drains_until.is_some()
    }

    pub(in crate::fake_aws) fn definition(&self) -> &Arn {
        &self.deployments[0].definition
    }

    /// Target groups that any of its deployments registers tasks in.
    pub(in crate::fake_aws) fn target_groups(&self) -> BTreeSet<&Arn> {
        let of_deployments = self.deployments.iter().flat_map(|d| &d.attachments);
        of_deployments
            .chain(&self.attachments)
            .map(|a| &a.target_group)
            .collect()
    }

    /// A strategy is changed only while no deployment is under way.
    pub(super) fn takes_strategy(&self) -> bool {
        let is_under_way = self.deployments.len() > 1 || !self.deployments[0].completed;
        self.strategy == ROLLING || !self.keeps_strategy && !is_under_way
    }

    /// One deployment that is complete, with as many tasks as are wanted.
    fn is_at_rest(&self) -> bool {
        let [only] = self.deployments.as_slice() else {
            return false;
        };
        only.completed && only.running == self.desired && only.arrives.is_none()
    }

    /// In words, for a snapshot.
    pub(in crate::fake_aws) fn counts(&self) -> String {
        let running: Vec<u32> = self.deployments.iter().map(|d| d.running).collect();
        let status = if self.is_draining() { "DRAINING" } else { "ACTIVE" };
        format!("{status} {} wanted {running:?} running", self.desired)
    }

    /// As AWS reports it.
    pub(super) fn echoed(&self, name: &str, echo: &Echoes) -> ServiceState {
        let mut state = self.state(name);
        if let Some(network) = &mut state.network
            && network.security_groups.is_empty()
        {
            network.security_groups.insert("sg-default-of-vpc".into());
        }
        echo.service(state)
    }

    fn state(&self, name: &str) -> ServiceState {
        let deployment = |(index, rolling): (usize, &Rolling)| Deployment {
            id: format!("ecs-svc/{}", rolling.id),
            primary: index == 0,
            task_definition: rolling.definition.clone(),
            rollout: if rolling.failed.is_some() {
                Rollout::Failed
            } else if rolling.completed {
                Rollout::Completed
            } else {
                Rollout::InProgress
            },
            desired: if index == 0 { self.desired } else { 0 },
            running: rolling.running,
            pending: 0,
            failed: rolling.failed_tasks(self.forgets_failures),
            created: rolling.created.try_into().ok(),
            reason: rolling.failed.clone().or(rolling.rolls_back.clone()),
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
                self.settings.deployment.minimum_healthy_percent,
                self.settings.deployment.maximum_percent,
            )),
            circuit_breaker: Some(self.settings.deployment.circuit_breaker),
            strategy: Some(self.strategy.clone()),
            zone_rebalancing: Some(self.settings.zone_rebalancing),
            exec: Some(self.settings.exec == Some(true)),
            placement: Some(self.settings.placement.clone()),
            constraints: Some(self.settings.constraints.clone()),
            launch_type: match &self.capacity {
                Capacity::LaunchType(launch_type) => Some(*launch_type),
                Capacity::Providers(_) => None,
            },
            unlike_ours: Vec::new(),
            capacity_providers: match &self.capacity {
                Capacity::LaunchType(_) => None,
                Capacity::Providers(all) => Some(all.clone()),
            },
            grace_period: self.settings.grace_period,
            network: self.settings.network.clone(),
            tags: self.tags.clone(),
            newest_event: self.event.clone(),
        }
    }
}

impl Ecs {
    pub(in crate::fake_aws) fn definition(&self, arn: &Arn) -> Option<&TaskDefinitionState> {
        self.definitions.get(arn)
    }

    pub(in crate::fake_aws) fn newest(&self, family: &str) -> Option<&TaskDefinitionState> {
        let mut newest_first = self.definitions.of_family(family).rev();
        newest_first.find(|known| known.active)
    }

    /// The host ports of a task definition that are the same on each instance.
    pub(in crate::fake_aws) fn fixed_host_ports(&self, definition: &Arn) -> Vec<u16> {
        let Some(known) = self.definition(definition) else {
            return Vec::new();
        };
        let in_host = known.content.network_mode == NetworkMode::Host;
        let port = |port: &PortMapping| port.fixed_host_port().or(in_host.then_some(port.container_port));
        known.content.main.ports.iter().filter_map(port).collect()
    }

    fn host_ports(&self, service: &Running) -> Vec<u16> {
        let definitions = service.deployments.iter().map(|d| &d.definition);
        definitions
            .flat_map(|definition| self.fixed_host_ports(definition))
            .collect()
    }

    /// False if no second makes a difference.
    pub(in crate::fake_aws) fn is_busy(&self) -> bool {
        !self.stopping.is_empty() || self.services.values().any(|service| self.may_move(service))
    }

    /// What loops moves without an end.
    fn may_move(&self, service: &Running) -> bool {
        service.is_draining() || !service.is_at_rest() || !self.looping.is_empty()
    }

    pub(in crate::fake_aws) fn tick(&mut self, now: u64, alive: &BTreeSet<Arn>) {
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
        let moving = self.services.iter().filter(|(_, service)| self.may_move(service));
        for key in moving.map(|(key, _)| key.clone()).collect::<Vec<_>>() {
            let mut service = self.services[&key].clone();
            if !service.is_draining() {
                let obstacle = self.obstacle(&key, &service, alive);
                if service.tick(now, obstacle, self.pace) {
                    self.next_id += 1;
                    service.trip(ROLLBACKS + self.next_id, now);
                }
                self.services.insert(key, service);
            }
        }
    }

    /// Why the primary deployment of a service cannot get its tasks up.
    fn obstacle(&self, key: &(String, String), service: &Running, alive: &BTreeSet<Arn>) -> Option<Obstacle> {
        let primary = &service.deployments[0];
        if let Some(dead) = primary
            .attachments
            .iter()
            .find(|a| !alive.contains(&a.target_group))
        {
            return Some(Obstacle::Stalls(format!(
                "(service {}) failed to register targets in {}",
                key.1, dead.target_group
            )));
        }
        let content = self.definition(&primary.definition).map(|found| &found.content);
        let is_of = |all: &BTreeSet<String>| {
            content.is_some_and(|content| {
                let command = content.main.command.first();
                all.contains(&content.main.image) || command.is_some_and(|command| all.contains(command))
            })
        };
        if is_of(&self.broken) {
            return Some(Obstacle::Fails(format!(
                "(service {}) was unable to start tasks: CannotPullContainerError",
                key.1
            )));
        }
        if is_of(&self.looping) {
            return Some(Obstacle::Loops(LOOPING));
        }
        if is_of(&self.restless) {
            return Some(Obstacle::Stalls(format!(
                "(service {}) has started 1 tasks",
                key.1
            )));
        }
        if primary
            .attachments
            .iter()
            .any(|a| self.unhealthy.contains(&a.target_group))
        {
            return Some(Obstacle::Fails(format!(
                "(service {}) has tasks that failed ELB health checks",
                key.1
            )));
        }
        let mut ports = self.fixed_host_ports(&primary.definition).into_iter().peekable();
        ports.peek()?;
        let others = self.services.iter().filter(|(other, _)| *other != key);
        let running = others.flat_map(|(_, other)| self.host_ports(other));
        let taken: BTreeSet<u16> = running
            .chain(self.stopping.iter().map(|(port, _)| *port))
            .collect();
        let port = ports.find(|port| taken.contains(port))?;
        Some(Obstacle::Fails(format!(
            "(service {}) was unable to place a task because port {port} is taken",
            key.1
        )))
    }
}

impl Running {
    /// True if the circuit breaker gives the newest rollout up now.
    fn tick(&mut self, now: u64, obstacle: Option<Obstacle>, pace: Pace) -> bool {
        let desired = self.desired;
        let primary = &mut self.deployments[0];
        if primary.failed.is_some() {
            // It launches no more tasks.
            return false;
        }
        if let Some(Obstacle::Loops(seconds)) = obstacle {
            let is_up = (now - primary.created) / seconds % 2 == 1;
            if !is_up {
                primary.ended += primary.running;
            }
            primary.running = if is_up { desired } else { 0 };
            self.event = Some("has started tasks.".into());
            let threshold = desired.div_ceil(2).clamp(3, 200);
            let counts = self.settings.deployment.circuit_breaker.enable && !self.forgets_failures;
            return counts && primary.ended >= threshold;
        }
        if pace.one_by_one && self.deployments.len() > 1 && obstacle.is_none() {
            self.exchange_one(now, pace);
            return false;
        }
        let primary = &mut self.deployments[0];
        if primary.running != desired {
            match obstacle {
                Some(Obstacle::Stalls(event)) => {
                    primary.arrives = None;
                    self.event = Some(event);
                    return false;
                }
                Some(Obstacle::Fails(event)) => {
                    primary.arrives = None;
                    self.event = Some(event);
                    let since = *primary.failing_since.get_or_insert(now);
                    let breaker = self.settings.deployment.circuit_breaker;
                    return breaker.enable && !primary.completed && now - since >= FAILING;
                }
                Some(Obstacle::Loops(_)) | None => primary.failing_since = None,
            }
            let arrives = *primary.arrives.get_or_insert(now + pace.start);
            if now < arrives {
                return false;
            }
            primary.running = desired;
            self.event = Some("has reached a steady state.".into());
        }
        primary.arrives = None;
        for replaced in &mut self.deployments[1..] {
            replaced.arrives.get_or_insert(now + pace.drain);
        }
        self.deployments
            .retain(|deployment| deployment.arrives.is_none_or(|arrives| arrives > now));
        self.note_completion();
        false
    }

    /// One old task goes, or one new task comes in its place.
    fn exchange_one(&mut self, now: u64, pace: Pace) {
        let [primary, old @ ..] = self.deployments.as_mut_slice() else {
            return;
        };
        let others: u32 = old.iter().map(|deployment| deployment.running).sum();
        let is_full = primary.running + others >= self.desired && others > 0;
        let takes = if is_full { pace.drain } else { pace.start };
        if now < *primary.arrives.get_or_insert(now + takes) {
            return;
        }
        primary.arrives = None;
        if !is_full {
            primary.running += 1;
        } else if let Some(going) = old.iter_mut().find(|deployment| deployment.running > 0) {
            going.running -= 1;
        }
        let wanted = self.desired;
        let has_all = primary.running >= wanted;
        let mut first = true;
        self.deployments
            .retain(|deployment| std::mem::take(&mut first) || deployment.running > 0 || !has_all);
        if has_all {
            self.note_completion();
        }
    }
}
