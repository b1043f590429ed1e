//! The details that AWS gives singly: listeners, attributes, scalable targets, schedules and log groups.

use std::collections::BTreeMap;

use crate::model::log_group::LogGroupState;
use crate::model::name::Arn;
use crate::model::scaling::ScalableTargetState;
use crate::model::schedule::ScheduleState;
use crate::model::shared_map::SharedMap;
use crate::model::state::{LoadBalancerState, Observed, TargetGroupState};

/// Where a pass has the details from. They cost a call each, and hardly ever change but by our own hand.
#[derive(Clone, Debug, Default)]
pub enum Details {
    /// They are read.
    #[default]
    Read,
    /// They are as an earlier pass left them; of what it did not have, they are read, unless it knew nothing of them.
    Remembered(Box<Remembered>),
    /// Nothing is known of them, and they are read another time. Of scalable targets, schedules and
    /// log groups they are read all the same.
    Unknown,
}

/// The things that had details, by name.
#[derive(Clone, Debug, Default)]
pub struct Remembered {
    load_balancers: SharedMap<String, LoadBalancerState>,
    target_groups: SharedMap<String, TargetGroupState>,
    scaling: SharedMap<String, ScalableTargetState>,
    /// By service that has one, its count then.
    counts: BTreeMap<String, u32>,
    schedules: SharedMap<String, ScheduleState>,
    cluster: Option<Arn>,
    log_group: Option<LogGroupState>,
    /// The earlier pass knew nothing of load balancers and target groups either.
    is_partial: bool,
}

impl Details {
    /// Takes the details out of what an earlier pass observed. It may have left out those of load balancing, as the first
    /// one after a start does; they are read another time then.
    pub fn of(observed: &Observed, is_partial: bool) -> Self {
        Details::Remembered(Box::new(Remembered {
            load_balancers: observed.load_balancers.clone(),
            target_groups: observed.target_groups.clone(),
            scaling: observed.scaling.clone(),
            counts: observed
                .scaling
                .keys()
                .filter_map(|name| Some((name.clone(), observed.services.get(name)?.desired)))
                .collect(),
            schedules: observed.schedules.clone(),
            cluster: observed.cluster.clone(),
            log_group: observed.log_group.clone(),
            is_partial,
        }))
    }

    /// True if nothing is known of load balancers and target groups, and they are read another time.
    pub fn are_partial(&self) -> bool {
        match self {
            Details::Read => false,
            Details::Remembered(remembered) => remembered.is_partial,
            Details::Unknown => true,
        }
    }

    fn remembered(&self) -> Option<&Remembered> {
        match self {
            Details::Remembered(remembered) => Some(remembered),
            Details::Read | Details::Unknown => None,
        }
    }

    /// Another one of the same name has another ARN.
    pub(super) fn load_balancer(&self, found: &LoadBalancerState) -> Option<&LoadBalancerState> {
        let known = self.remembered()?.load_balancers.get(&found.name);
        known.filter(|known| known.arn == found.arn)
    }

    pub(super) fn target_group(&self, found: &TargetGroupState) -> Option<&TargetGroupState> {
        let known = self.remembered()?.target_groups.get(&found.name);
        known.filter(|known| known.arn == found.arn)
    }

    /// Returns the scalable targets of the services that were looked for.
    pub(super) fn scaling(&self) -> Option<&SharedMap<String, ScalableTargetState>> {
        Some(&self.remembered()?.scaling)
    }

    /// Returns the count that a service had then.
    pub(super) fn count(&self, service: &str) -> Option<u32> {
        self.remembered()?.counts.get(service).copied()
    }

    pub(super) fn schedule(&self, name: &str) -> Option<&ScheduleState> {
        self.remembered()?.schedules.get(name)
    }

    /// Names that lists must show as long as they are there.
    pub(super) fn schedules(&self) -> impl Iterator<Item = &String> {
        self.remembered()
            .into_iter()
            .flat_map(|known| known.schedules.keys())
    }

    /// Of one that was only just made no ARN is known yet, by which its tags would be set.
    pub(super) fn log_group(&self) -> Option<&LogGroupState> {
        let known = self.remembered()?.log_group.as_ref();
        known.filter(|known| known.arn.is_some())
    }

    pub(super) fn cluster(&self) -> Option<&Arn> {
        self.remembered()?.cluster.as_ref()
    }
}
