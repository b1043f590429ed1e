//! The parts of what a pass observed that the next one reads, as they are kept between the two.

use std::collections::BTreeSet;

use crate::model::log_group::LogGroupState;
use crate::model::name::Arn;
use crate::model::part::Part;
use crate::model::scaling::ScalableTargetState;
use crate::model::schedule::{ScheduleGroupState, ScheduleState};
use crate::model::shared_map::SharedMap;
use crate::model::small_map::SmallMap;
use crate::model::state::{
    LoadBalancerState, Observed, PortState, ServiceState, TargetGroupState, TaskDefinitionState, ZoneState,
};
use crate::packed::Packed;

/// Thousands of Apps have one each, so that there is room for what most of them have alone.
#[derive(Clone, Debug)]
pub(super) struct Found {
    services: SharedMap<String, ServiceState>,
    /// The largest part of it, with the whole environment of each process.
    task_definitions: Box<[Packed<TaskDefinitionState>]>,
    load_balancers: SharedMap<String, LoadBalancerState>,
    target_groups: SharedMap<String, TargetGroupState>,
    zones: SmallMap<String, ZoneState>,
    rare: Option<Box<Rare>>,
    /// The host ports that were claimed. The claims themselves every pass asks for anew.
    pub ports: Box<[u16]>,
    /// See [`Observed::unread`].
    pub unread: BTreeSet<Part>,
}

/// What few Apps have.
#[derive(Clone, Debug, Default, PartialEq)]
struct Rare {
    scaling: SharedMap<String, ScalableTargetState>,
    cluster: Option<Arn>,
    group: Option<ScheduleGroupState>,
    schedules: SharedMap<String, ScheduleState>,
    log_group: Option<LogGroupState>,
}

impl Found {
    /// Keeps what AWS says. All else is of that pass alone, or in the status.
    pub(super) fn of(observed: Observed) -> Self {
        let Observed {
            services,
            task_definitions,
            revisions: _,
            load_balancers,
            target_groups,
            zones,
            scaling,
            scaled: _,
            missed_scaling: _,
            cluster,
            schedule_group,
            schedules,
            log_group,
            ports: PortState { claims, .. },
            waiting: _,
            waits_over: _,
            replaced_ttl: _,
            release: _,
            rollouts: _,
            echoes: _,
            is_whole: _,
            service_deployments: _,
            overdue: _,
            grace_period_follows: _,
            certificate_limits: _,
            zones_taken: _,
            unread,
            fresh: _,
        } = observed;
        // One that cannot be packed is read again.
        let task_definitions = task_definitions
            .values()
            .filter_map(|known| Packed::new(known).ok());
        let rare = Rare {
            scaling,
            cluster,
            group: schedule_group,
            schedules,
            log_group,
        };
        Found {
            services,
            task_definitions: task_definitions.collect(),
            load_balancers,
            target_groups,
            zones,
            rare: (rare != Rare::default()).then(|| Box::new(rare)),
            ports: claims.iter().map(|claim| claim.port).collect(),
            unread,
        }
    }

    /// Returns all of it as the next pass reads it, but for the claims.
    pub(super) fn observed(&self) -> Observed {
        Observed {
            task_definitions: self.task_definitions(),
            ..self.things()
        }
    }

    /// Returns it without the task definitions, which need not be unpacked for that.
    pub(super) fn things(&self) -> Observed {
        let Rare {
            scaling,
            cluster,
            group,
            schedules,
            log_group,
        } = self.rare.as_deref().cloned().unwrap_or_default();
        Observed {
            services: self.services.clone(),
            load_balancers: self.load_balancers.clone(),
            target_groups: self.target_groups.clone(),
            zones: self.zones.clone(),
            scaling,
            cluster,
            schedule_group: group,
            schedules,
            log_group,
            unread: self.unread.clone(),
            ..Observed::default()
        }
    }

    fn task_definitions(&self) -> SharedMap<Arn, TaskDefinitionState> {
        let known = self
            .task_definitions
            .iter()
            .filter_map(|packed| packed.unpack().ok());
        known.map(|known| (known.arn.clone(), known)).collect()
    }

    /// Returns the definitions that need not be read again: what services run never changes. Any other may have been
    /// deregistered since, which only AWS can tell.
    pub(super) fn running_definitions(&self) -> SharedMap<Arn, TaskDefinitionState> {
        let mut known = self.task_definitions();
        let is_run = |arn: &Arn| {
            self.services
                .values()
                .any(|service| service.task_definition == *arn)
        };
        known.retain(|arn, _| is_run(arn));
        known
    }
}
