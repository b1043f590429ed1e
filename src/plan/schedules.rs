//! Schedules, and the group that holds those of the whole installation.
//!
//! A schedule is made once what it starts is registered, and goes once what the process is to be instead is there. The
//! group is made by whoever needs it first, and never deleted: other Apps' schedules may be in it.

use std::collections::BTreeSet;

use super::view::View;
use super::{Obstacle, ObstacleKind, Pending, Plan};
use crate::change::{Change, ScheduleWrite};
use crate::model::desired::{DesiredProcess, Runs};
use crate::model::name;
use crate::model::owner::{Tags, process_in_record_text};
use crate::model::part::Part;
use crate::model::schedule::{Schedule, ScheduleGroup, SchedulePart, ScheduleState};
use crate::model::state::ServiceStatus;

pub(super) fn plan(view: &View<'_>, plan: &mut Plan) {
    // What a schedule starts is ECS's.
    if view.is_unread(&Part::Schedules) || view.is_unread(&Part::Ecs) {
        return;
    }
    let owner = &view.desired.owner;
    let wanted = view.desired.processes.iter();
    let wanted: Vec<_> = wanted
        .filter_map(|(name, process)| Some((name.as_str(), process, process.schedule()?)))
        .collect();
    match (wanted.first(), &view.observed.schedule_group) {
        (Some((process, ..)), None) => plan.changes.push(Change::of(
            process,
            ScheduleWrite::CreateGroup {
                group: ScheduleGroup {
                    name: name::schedule_group(&owner.installation),
                    tags: owner.shared_tags(),
                },
            },
        )),
        (Some(_), Some(group)) if !owner.shares(&group.tags) => {
            for (process, _, schedule) in &wanted {
                plan.obstacles.push(Obstacle {
                    process: (*process).into(),
                    kind: ObstacleKind::Foreign,
                    message: format!(
                        "schedule group {} exists and does not carry this installation's owner tag",
                        schedule.group
                    ),
                });
            }
        }
        (Some(_), Some(group)) if group.is_deleting => {
            for (process, _, schedule) in &wanted {
                plan.pending.push(Pending::GroupDeletion {
                    process: (*process).into(),
                    group: schedule.group.clone(),
                });
            }
        }
        (Some(_), Some(_)) => {
            for (process, wanted, schedule) in &wanted {
                keep(view, plan, process, wanted, schedule);
            }
        }
        (None, _) => {}
    }
    remove(view, plan);
}

fn keep(view: &View<'_>, plan: &mut Plan, process: &str, wanted: &DesiredProcess, schedule: &Schedule) {
    let content = &wanted.task_definition;
    let found = view.observed.schedules.get(&schedule.name);
    let owner = &view.desired.owner;
    let adopted = found.is_some_and(|found| view.desired.adopts && found.is_nobodys());
    if let Some(found) = found.filter(|found| !found.is_of(owner) && !adopted) {
        let tags = if found.is_nobodys() {
            &Tags::new()
        } else {
            &schedule.tags
        };
        return plan.foreign(process, &format!("schedule {}", schedule.name), tags);
    }
    if view.observed.registered(content, owner).is_none() {
        return;
    }
    let Some(found) = found else {
        plan.changes.push(Change::of(
            process,
            ScheduleWrite::Create {
                schedule: schedule.clone(),
                task_definition: content.clone(),
            },
        ));
        return;
    };
    let mut differing = view.differing(wanted, schedule, found);
    differing.extend(adopted.then_some(SchedulePart::Owner));
    if !differing.is_empty() {
        plan.changes.push(Change::of(
            process,
            ScheduleWrite::Update {
                schedule: schedule.clone(),
                task_definition: content.clone(),
                differing,
            },
        ));
    }
}

fn remove(view: &View<'_>, plan: &mut Plan) {
    let group = name::schedule_group(&view.desired.owner.installation);
    for found in view.observed.schedules_of(&view.desired.owner) {
        let process = process_in_record_text(&found.description).unwrap_or_default();
        if !view.is_wanted_schedule(&found.name) && view.runs_otherwise(process) {
            plan.changes.push(Change::of(
                process,
                ScheduleWrite::Delete {
                    group: group.clone(),
                    schedule: found.name.clone(),
                },
            ));
        }
    }
}

/// Those of an App that leaves things behind lose their owner. One of which a reply tells too little to write it again
/// keeps it.
pub(super) fn release(view: &View<'_>, plan: &mut Plan) {
    let group = name::schedule_group(&view.desired.owner.installation);
    for found in view.observed.schedules_of(&view.desired.owner) {
        if found.released(&group).is_some() {
            let process = process_in_record_text(&found.description).unwrap_or_default();
            plan.changes.push(Change::of(
                process,
                ScheduleWrite::Release {
                    group: group.clone(),
                    schedule: found.name.clone(),
                },
            ));
        }
    }
}

impl View<'_> {
    fn is_wanted_schedule(&self, name: &str) -> bool {
        let mut schedules = self
            .desired
            .processes
            .values()
            .filter_map(DesiredProcess::schedule);
        schedules.any(|schedule| schedule.name == name)
    }

    /// What a process is to be instead of what it was is there, so that this may go. One that is to be nothing any more
    /// waits for nothing.
    pub(super) fn runs_otherwise(&self, process: &str) -> bool {
        let Some(wanted) = self.process(process) else {
            return true;
        };
        match &wanted.runs {
            Runs::Service(_) => self
                .service(process)
                .is_some_and(|service| service.status == ServiceStatus::Active),
            Runs::Schedule(schedule) => {
                let mut ours = self.observed.schedules_of(&self.desired.owner);
                ours.any(|found| {
                    found.name == schedule.name && self.differing(wanted, schedule, found).is_empty()
                })
            }
            Runs::ByHand(_) => {
                let registered = self
                    .observed
                    .registered(&wanted.task_definition, &self.desired.owner);
                registered.is_some()
            }
        }
    }

    fn differing(
        &self,
        wanted: &DesiredProcess,
        schedule: &Schedule,
        found: &ScheduleState,
    ) -> BTreeSet<SchedulePart> {
        let mut differing = schedule.differing(found);
        let starts = found.task_definition.as_ref();
        let known = starts.and_then(|arn| self.observed.task_definitions.get(arn));
        // An inactive one cannot be started any more.
        let owner = &self.desired.owner;
        let starts_wanted = known.is_some_and(|known| {
            known.active
                && owner.owns(&known.tags)
                && self.observed.has_content(known, &wanted.task_definition, owner)
        });
        if !starts_wanted {
            differing.insert(SchedulePart::TaskDefinition);
        }
        let (cluster, found) = (self.observed.cluster.as_ref(), found.cluster.as_ref());
        if cluster.is_some_and(|cluster| found.is_some_and(|found| found != cluster)) {
            differing.insert(SchedulePart::Cluster);
        }
        differing
    }
}

#[cfg(test)]
mod tests;
