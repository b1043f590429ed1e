//! Schedules of EventBridge Scheduler. They carry no tags: the group that they are in does, and says whose installation
//! they are of; a schedule's description says which App and process it is for.

use std::collections::BTreeSet;

use super::name::Arn;
use super::owner::{Owner, Tags, is_adopted_by_text, left_text, owner_in_record_text};
use super::service::{Capacity, PlacementConstraint, PlacementStrategy, TaskNetwork};

/// One task at each of its times. An update resets what it leaves out, so every write sends all of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Schedule {
    pub name: String,
    pub group: String,
    /// Whom it is for, in the words of an ownership record.
    pub description: String,
    pub timing: Timing,
    /// True, except where a disabled one is untagged as it is.
    pub enabled: bool,
    /// The role that EventBridge Scheduler assumes to start the task.
    pub role_arn: String,
    pub capacity: Capacity,
    pub placement: Vec<PlacementStrategy>,
    pub constraints: Vec<PlacementConstraint>,
    /// awsvpc only.
    pub network: Option<TaskNetwork>,
    /// The tags of the task definition, which its tasks take over.
    pub tags: Tags,
}

/// When.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timing {
    /// As AWS reads it: `cron(0 3 * * ? *)`.
    pub expression: String,
    /// A name of the IANA database: `Europe/Berlin`.
    pub time_zone: String,
}

/// The attempts that EventBridge Scheduler makes to start a task, and below the seconds for which it tries. AWS's own 185
/// attempts in 24 hours would start last night's job in the middle of the next day.
pub const RETRY_ATTEMPTS: u32 = 10;
pub const RETRY_SECONDS: u32 = 900;

/// The ARNs that a schedule's call takes, and that only AWS knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleTarget {
    pub cluster: Arn,
    pub task_definition: Arn,
}

/// The group that all schedules of an installation are in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScheduleGroup {
    pub name: String,
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleGroupState {
    pub arn: Arn,
    /// Somebody deletes it, and AWS takes every schedule away with it.
    pub is_deleting: bool,
    pub tags: Tags,
}

/// `None` in a field that the reply left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleState {
    pub name: String,
    pub description: String,
    pub expression: Option<String>,
    pub time_zone: Option<String>,
    pub enabled: Option<bool>,
    pub role_arn: Option<String>,
    pub cluster: Option<Arn>,
    pub task_definition: Option<Arn>,
    pub capacity: Option<Capacity>,
    pub placement: Option<Vec<PlacementStrategy>>,
    pub constraints: Option<Vec<PlacementConstraint>>,
    pub network: Option<TaskNetwork>,
    /// True if the settings that all our schedules share are so here, as far as the reply says: one task at each time, at
    /// once and for ever, with no input of its own, and our retries.
    pub is_usual: bool,
}

/// A part of a schedule that an update changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SchedulePart {
    Timing,
    TaskDefinition,
    Switch,
    Role,
    Cluster,
    Capacity,
    Placement,
    Network,
    Rest,
    /// It was nobody's.
    Owner,
}

impl Schedule {
    /// Returns the parts that are known to differ, but for the target, which the plan compares. `dropped` are the security
    /// groups that tasks are not to have any more.
    pub fn differing(&self, found: &ScheduleState, dropped: &BTreeSet<String>) -> BTreeSet<SchedulePart> {
        let mut parts = BTreeSet::new();
        let mut compare = |differs: bool, part| {
            if differs {
                parts.insert(part);
            }
        };
        let Timing {
            expression,
            time_zone,
        } = &self.timing;
        compare(
            differs(expression, found.expression.as_ref()),
            SchedulePart::Timing,
        );
        compare(differs(time_zone, found.time_zone.as_ref()), SchedulePart::Timing);
        compare(
            differs(&self.enabled, found.enabled.as_ref()),
            SchedulePart::Switch,
        );
        compare(
            differs(&self.role_arn, found.role_arn.as_ref()),
            SchedulePart::Role,
        );
        let capacity = found.capacity.as_ref().map(sorted);
        compare(
            differs(&sorted(&self.capacity), capacity.as_ref()),
            SchedulePart::Capacity,
        );
        compare(
            differs(&self.placement, found.placement.as_ref()),
            SchedulePart::Placement,
        );
        compare(
            differs(&self.constraints, found.constraints.as_ref()),
            SchedulePart::Placement,
        );
        let networks = self.network.as_ref().zip(found.network.as_ref());
        compare(
            networks.is_some_and(|(wanted, found)| wanted.differs(found, dropped)),
            SchedulePart::Network,
        );
        compare(!found.is_usual, SchedulePart::Rest);
        parts
    }

    /// Returns the schedule as it is there once it was written.
    pub fn written(&self, target: &ScheduleTarget) -> ScheduleState {
        ScheduleState {
            name: self.name.clone(),
            description: self.description.clone(),
            expression: Some(self.timing.expression.clone()),
            time_zone: Some(self.timing.time_zone.clone()),
            enabled: Some(self.enabled),
            role_arn: Some(self.role_arn.clone()),
            cluster: Some(target.cluster.clone()),
            task_definition: Some(target.task_definition.clone()),
            capacity: Some(self.capacity.clone()),
            placement: Some(self.placement.clone()),
            constraints: Some(self.constraints.clone()),
            network: self.network.clone(),
            is_usual: true,
        }
    }
}

fn sorted(capacity: &Capacity) -> Capacity {
    let mut capacity = capacity.clone();
    if let Capacity::Providers(providers) = &mut capacity {
        providers.sort();
    }
    capacity
}

fn differs<T: PartialEq>(wanted: &T, found: Option<&T>) -> bool {
    found.is_some_and(|found| found != wanted)
}

impl ScheduleState {
    /// In a group of ours, that is.
    pub fn is_of(&self, owner: &Owner) -> bool {
        owner.owns_record_text(&self.description)
    }

    /// Its description names no owner, but perhaps the App that has left it behind.
    pub fn has_no_owner(&self) -> bool {
        owner_in_record_text(&self.description).is_none()
    }

    /// Its description says that an App has adopted it.
    pub fn is_adopted(&self) -> bool {
        is_adopted_by_text(&self.description)
    }

    /// The same without its owner, whose App it still names; `None` if not enough of it is known to write it again.
    pub fn released(&self, group: &str) -> Option<(Schedule, ScheduleTarget)> {
        let schedule = Schedule {
            name: self.name.clone(),
            group: group.into(),
            description: left_text(&self.description),
            timing: Timing {
                expression: self.expression.clone()?,
                time_zone: self.time_zone.clone()?,
            },
            enabled: self.enabled?,
            role_arn: self.role_arn.clone()?,
            capacity: self.capacity.clone()?,
            placement: self.placement.clone().unwrap_or_default(),
            constraints: self.constraints.clone().unwrap_or_default(),
            network: self.network.clone(),
            tags: Tags::new(),
        };
        let target = ScheduleTarget {
            cluster: self.cluster.clone()?,
            task_definition: self.task_definition.clone()?,
        };
        Some((schedule, target))
    }
}
