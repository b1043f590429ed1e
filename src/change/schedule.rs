//! Schedules, and the group that they are in.

use std::collections::BTreeSet;
use std::fmt;

use super::task_definition::Content;
use super::{Basis, Reply};
use crate::model::content::digest;
use crate::model::echo::Echo;
use crate::model::exclusive::Exclusive;
use crate::model::named::Named;
use crate::model::schedule::{Schedule, ScheduleGroup, ScheduleGroupState, SchedulePart, Timing};
use crate::model::service::TaskDefinition;
use crate::model::state::Observed;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScheduleWrite {
    /// For all Apps of the installation.
    CreateGroup {
        group: ScheduleGroup,
    },
    Create {
        schedule: Schedule,
        task_definition: TaskDefinition,
    },
    /// All of it is sent.
    Update {
        schedule: Schedule,
        task_definition: TaskDefinition,
        differing: BTreeSet<SchedulePart>,
    },
    /// It loses its owner, and nothing else.
    Release {
        group: String,
        schedule: String,
    },
    Delete {
        group: String,
        schedule: String,
    },
}

impl ScheduleWrite {
    pub(super) fn releases(&self) -> Vec<Exclusive> {
        match self {
            ScheduleWrite::Release { schedule, .. } | ScheduleWrite::Delete { schedule, .. } => {
                vec![Exclusive::Schedule(schedule.clone())]
            }
            ScheduleWrite::CreateGroup { .. }
            | ScheduleWrite::Create { .. }
            | ScheduleWrite::Update { .. } => Vec::new(),
        }
    }

    /// A schedule goes once the service that the process is to be instead is there.
    pub(super) fn rests_on(&self, service: Option<Named>) -> Basis {
        match self {
            ScheduleWrite::CreateGroup { .. }
            | ScheduleWrite::Create { .. }
            | ScheduleWrite::Update { .. } => Basis::Lists,
            ScheduleWrite::Release { schedule, .. } => Basis::singly([Named::Schedule(schedule.clone())]),
            ScheduleWrite::Delete { schedule, .. } => {
                let itself = Named::Schedule(schedule.clone());
                Basis::singly(service.into_iter().chain([itself]))
            }
        }
    }

    pub(super) fn things(&self) -> Vec<Named> {
        match self {
            ScheduleWrite::CreateGroup { .. } => Vec::new(),
            ScheduleWrite::Create { schedule, .. } | ScheduleWrite::Update { schedule, .. } => {
                vec![Named::Schedule(schedule.name.clone())]
            }
            ScheduleWrite::Release { schedule, .. } | ScheduleWrite::Delete { schedule, .. } => {
                vec![Named::Schedule(schedule.clone())]
            }
        }
    }

    pub(super) fn operation(&self) -> &'static str {
        match self {
            ScheduleWrite::CreateGroup { .. } => "scheduler:CreateScheduleGroup",
            ScheduleWrite::Create { .. } => "scheduler:CreateSchedule",
            ScheduleWrite::Update { .. } | ScheduleWrite::Release { .. } => "scheduler:UpdateSchedule",
            ScheduleWrite::Delete { .. } => "scheduler:DeleteSchedule",
        }
    }

    pub(super) fn resource(&self) -> String {
        match self {
            ScheduleWrite::CreateGroup { group } => group.name.clone(),
            ScheduleWrite::Create { schedule, .. } | ScheduleWrite::Update { schedule, .. } => {
                format!("{}/{}", schedule.group, schedule.name)
            }
            ScheduleWrite::Release { group, schedule } | ScheduleWrite::Delete { group, schedule } => {
                format!("{group}/{schedule}")
            }
        }
    }

    pub(super) fn echo(&self, observed: &Observed) -> Option<(String, Echo)> {
        let ScheduleWrite::Update {
            schedule,
            task_definition,
            ..
        } = self
        else {
            return None;
        };
        Some((
            format!("schedule {}", schedule.name),
            Echo::new(
                &[schedule, &digest(task_definition)],
                &[&observed.schedules.get(&schedule.name)],
            ),
        ))
    }

    pub(super) fn fold(&self, observed: &mut Observed, reply: Reply) {
        match (self, reply) {
            (ScheduleWrite::CreateGroup { group }, Reply::ScheduleGroup(arn)) => {
                observed.schedule_group = Some(ScheduleGroupState {
                    arn,
                    is_deleting: false,
                    tags: group.tags.clone(),
                });
            }
            (
                ScheduleWrite::Create {
                    schedule: Schedule { name, .. },
                    ..
                }
                | ScheduleWrite::Update {
                    schedule: Schedule { name, .. },
                    ..
                }
                | ScheduleWrite::Release { schedule: name, .. },
                Reply::Schedule(state),
            ) => {
                observed.schedules.insert(name.clone(), state);
            }
            (ScheduleWrite::Delete { schedule, .. }, _) => {
                observed.schedules.remove(schedule);
            }
            (
                ScheduleWrite::CreateGroup { .. }
                | ScheduleWrite::Create { .. }
                | ScheduleWrite::Update { .. }
                | ScheduleWrite::Release { .. },
                _,
            ) => {}
        }
    }
}

impl fmt::Display for ScheduleWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ScheduleWrite::CreateGroup { group } => write!(f, "create schedule group {}", group.name),
            ScheduleWrite::Create {
                schedule,
                task_definition,
            } => {
                let (timing, content) = (Times(&schedule.timing), Content(task_definition));
                write!(
                    f,
                    "create schedule {} at {timing}, starting {content}",
                    schedule.name
                )
            }
            ScheduleWrite::Update {
                schedule,
                task_definition,
                differing,
            } => update(f, schedule, task_definition, differing),
            ScheduleWrite::Release { schedule, .. } => {
                write!(f, "untag schedule {schedule} (Retain)")
            }
            ScheduleWrite::Delete { schedule, .. } => write!(f, "delete schedule {schedule}"),
        }
    }
}

fn update(
    f: &mut fmt::Formatter<'_>,
    schedule: &Schedule,
    starts: &TaskDefinition,
    differing: &BTreeSet<SchedulePart>,
) -> fmt::Result {
    let part = |part: &SchedulePart| match part {
        SchedulePart::Timing => format!("at {}", Times(&schedule.timing)),
        SchedulePart::TaskDefinition => format!("starting {}", Content(starts)),
        SchedulePart::Switch => "enabled".into(),
        SchedulePart::Role => format!("as role {}", schedule.role_arn),
        SchedulePart::Cluster => "in its Platform's cluster".into(),
        SchedulePart::Capacity => "capacity".into(),
        SchedulePart::Placement => "placement".into(),
        SchedulePart::Network => "task network".into(),
        SchedulePart::Owner => "taken over".into(),
        SchedulePart::Rest => "as ours are: one task at each time, at once, with our retries".into(),
    };
    let parts: Vec<String> = differing.iter().map(part).collect();
    write!(f, "update schedule {}: {}", schedule.name, parts.join(", "))
}

struct Times<'a>(&'a Timing);

impl fmt::Display for Times<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Timing {
            expression,
            time_zone,
        } = self.0;
        write!(f, "{expression} {time_zone}")
    }
}
