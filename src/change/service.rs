//! Services, and their rollouts.

mod text;

use std::collections::BTreeSet;
use std::fmt::Debug;

use super::tags::remove_owner;
use super::{Basis, Reply};
use crate::model::content::digest;
use crate::model::echo::Echo;
use crate::model::exclusive::Exclusive;
use crate::model::name::Arn;
use crate::model::named::Named;
use crate::model::owner::Tags;
use crate::model::rollout::{Exec, ServiceDeploymentStatus};
use crate::model::service::{Attachment, Service, ServiceUpdate, TaskDefinition};
use crate::model::state::{Observed, ServiceState, ServiceStatus};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ServiceWrite {
    Create {
        service: Service,
        task_definition: TaskDefinition,
        attachments: Vec<Attachment<String>>,
        /// The hash of its first rollout.
        rollout: String,
    },
    Update {
        service: String,
        update: ServiceUpdate,
        task_definition: Option<TaskDefinition>,
        attachments: Option<Vec<Attachment<String>>>,
        /// The hash of the rollout that it starts, if it starts one.
        rollout: Option<String>,
    },
    /// Ends one that takes too long: ECS brings back what was complete before.
    StopRollout {
        service: String,
        /// ECS's record of it.
        deployment: Arn,
    },
    Delete {
        service: String,
    },
    Tag {
        service: String,
        tags: Tags,
    },
    /// Takes the owner's tag away. Those that say of which App and process it was stay.
    Untag {
        service: String,
    },
}

impl ServiceWrite {
    pub(super) fn operation(&self) -> &'static str {
        match self {
            ServiceWrite::Create { .. } => "ecs:CreateService",
            ServiceWrite::Update { .. } => "ecs:UpdateService",
            ServiceWrite::StopRollout { .. } => "ecs:StopServiceDeployment",
            ServiceWrite::Delete { .. } => "ecs:DeleteService",
            ServiceWrite::Tag { .. } => "ecs:TagResource",
            ServiceWrite::Untag { .. } => "ecs:UntagResource",
        }
    }

    pub(super) fn turns_on_exec(&self) -> bool {
        match self {
            ServiceWrite::Create { service, .. } => service.settings.exec == Some(true),
            ServiceWrite::Update { update, .. } => update.exec == Some(true),
            ServiceWrite::StopRollout { .. }
            | ServiceWrite::Delete { .. }
            | ServiceWrite::Tag { .. }
            | ServiceWrite::Untag { .. } => false,
        }
    }

    pub(super) fn name(&self) -> &String {
        match self {
            ServiceWrite::Create { service, .. } => &service.name,
            ServiceWrite::Update { service, .. }
            | ServiceWrite::StopRollout { service, .. }
            | ServiceWrite::Delete { service }
            | ServiceWrite::Tag { service, .. }
            | ServiceWrite::Untag { service } => service,
        }
    }

    pub(super) fn resource(&self) -> String {
        self.name().clone()
    }

    pub(super) fn releases(&self) -> Vec<Exclusive> {
        match self {
            ServiceWrite::Delete { service } | ServiceWrite::Untag { service } => {
                vec![Exclusive::Service(service.clone())]
            }
            ServiceWrite::Create { .. }
            | ServiceWrite::Update { .. }
            | ServiceWrite::StopRollout { .. }
            | ServiceWrite::Tag { .. } => Vec::new(),
        }
    }

    /// Returns the service and its scalable target for a write that sets its count: AWS may have changed both since they were read.
    pub(super) fn scaled(&self, observed: &Observed) -> Option<[Named; 2]> {
        let ServiceWrite::Update { update, service, .. } = self else {
            return None;
        };
        update.desired_count?;
        observed.scaling.get(service)?;
        Some([
            Named::Service(service.clone()),
            Named::ScalableTarget(service.clone()),
        ])
    }

    /// Target groups that come are wanted once the rollout before is complete; and those that go, once nobody is sent there.
    pub(super) fn rests_on(&self, observed: &Observed) -> Basis {
        let itself = Named::Service(self.name().clone());
        let found = observed.services.get(self.name());
        let attached = found
            .into_iter()
            .flat_map(|found| &found.attachments)
            .map(|a| &a.target_group);
        match self {
            ServiceWrite::Update {
                attachments: Some(attachments),
                ..
            } => {
                let stays = |name: &str| attachments.iter().any(|a| a.target_group == name);
                let leaving = attached.filter(|arn| !arn.name().is_some_and(stays));
                let leaving = with_those_in_front(observed, leaving);
                if leaving.is_empty() {
                    return Basis::singly([itself]);
                }
                Basis::unnamed(leaving.into_iter().chain([itself]))
            }
            ServiceWrite::Update { update, .. } if update.rolling => Basis::singly([itself]),
            // A deployment that has begun since is as good as the one to come.
            ServiceWrite::Update { update, .. } if update.secrets.is_some() => Basis::singly([itself]),
            ServiceWrite::Create { .. } | ServiceWrite::Update { .. } => Basis::Lists,
            ServiceWrite::Delete { .. } => {
                let all = with_those_in_front(observed, attached);
                if all.is_empty() {
                    return Basis::singly([itself]);
                }
                let mut zones = observed.zones.values();
                if observed.unread.is_empty() && zones.all(|zone| zone.records.is_empty()) {
                    // Where no name is left, it does not matter what is in front.
                    return Basis::unnamed([itself]);
                }
                Basis::unnamed(all.into_iter().chain([itself]))
            }
            ServiceWrite::StopRollout { .. } | ServiceWrite::Tag { .. } | ServiceWrite::Untag { .. } => {
                Basis::singly([itself])
            }
        }
    }

    pub(super) fn echo(&self, observed: &Observed) -> Option<(String, Echo)> {
        let name = self.name();
        let found = observed.services.get(name);
        match self {
            ServiceWrite::Update {
                update,
                task_definition,
                attachments,
                rollout,
                ..
            } => {
                let content = task_definition.as_ref().map(digest);
                let sent: [&dyn Debug; 4] = [update, &content, attachments, rollout];
                let found = found?;
                let mut reported: Vec<&dyn Debug> = reported(found).into();
                if update.exec.is_some() {
                    reported.push(&found.exec);
                }
                Some((format!("service {name}"), Echo::new(&sent, &reported)))
            }
            ServiceWrite::Tag { tags, .. } => Some((
                format!("tags of service {name}"),
                Echo::new(&[tags], &[&found.map(|s| &s.tags)]),
            )),
            ServiceWrite::Create { .. }
            | ServiceWrite::StopRollout { .. }
            | ServiceWrite::Delete { .. }
            | ServiceWrite::Untag { .. } => None,
        }
    }

    pub(super) fn fold(&self, observed: &mut Observed, process: Option<&str>, reply: Reply) {
        let (hash, redeploy, secrets, tags) = match self {
            ServiceWrite::Create { service, rollout, .. } => (
                Some(rollout),
                service.redeploy.as_ref(),
                service.secret_versions.known(),
                Some(&service.tags),
            ),
            ServiceWrite::Update { update, rollout, .. } => (
                rollout.as_ref(),
                update.redeploy.as_ref(),
                update.secrets.as_ref(),
                None,
            ),
            ServiceWrite::StopRollout { .. }
            | ServiceWrite::Delete { .. }
            | ServiceWrite::Tag { .. }
            | ServiceWrite::Untag { .. } => return self.fold_in_place(observed),
        };
        let Reply::Service(mut state) = reply else {
            return;
        };
        let before = observed.services.get(&state.name).map(|before| &before.tags);
        state.tags = tags.or(before).cloned().unwrap_or_default();
        if let ServiceWrite::Update { update, .. } = self
            && update.grace_period.is_some()
        {
            observed.grace_period_follows.remove(&state.name);
        }
        if self.turns_on_exec() {
            let exec = observed.services.get(&state.name).map(Exec::turned_on);
            let memory = observed
                .rollouts
                .get_or_default(process.unwrap_or_default().into());
            memory.exec = Some(exec.unwrap_or_default());
        }
        if let Some(hash) = hash {
            // The deployment that a write has started is ours from now on. A later pass finds what the reply does not show.
            let memory = observed
                .rollouts
                .get_or_default(process.unwrap_or_default().into());
            memory.submit(hash, &state, redeploy, secrets);
        }
        observed.services.insert(state.name.clone(), state);
    }

    fn fold_in_place(&self, observed: &mut Observed) {
        let name = self.name();
        let Some(state) = observed.services.get_mut(name) else {
            return;
        };
        match self {
            ServiceWrite::Create { .. } | ServiceWrite::Update { .. } => {}
            ServiceWrite::StopRollout { deployment, .. } => {
                let known = observed.service_deployments.get_mut(name).into_iter().flatten();
                for stopped in known.filter(|known| &known.arn == deployment) {
                    stopped.status = ServiceDeploymentStatus::Stopped;
                }
            }
            ServiceWrite::Delete { .. } => state.status = ServiceStatus::Draining,
            ServiceWrite::Tag { tags, .. } => state.tags.extend(tags.clone()),
            ServiceWrite::Untag { .. } => remove_owner(&mut state.tags),
        }
    }
}

/// Returns target groups, and the load balancers in front of them.
fn with_those_in_front<'a>(observed: &Observed, groups: impl Iterator<Item = &'a Arn>) -> BTreeSet<Named> {
    let mut found = BTreeSet::new();
    for name in groups.filter_map(Arn::name) {
        found.insert(Named::TargetGroup(name.into()));
        let group = observed.target_groups.get(name).into_iter();
        let in_front = group
            .flat_map(|group| &group.load_balancers)
            .filter_map(Arn::name);
        found.extend(in_front.map(|name| Named::LoadBalancer(name.into())));
    }
    found
}

/// Every part of a service that an update may change.
fn reported(found: &ServiceState) -> [&dyn Debug; 12] {
    [
        &found.task_definition,
        &found.desired,
        &found.attachments,
        &found.deployment_percent,
        &found.circuit_breaker,
        &found.strategy,
        &found.grace_period,
        &found.zone_rebalancing,
        &found.placement,
        &found.constraints,
        &found.capacity_providers,
        &found.network,
    ]
}
