//! Schedules, and the group that holds those of the whole installation.
//!
//! A schedule is made once what it starts is registered, and goes once what the process is to be instead is there. The
//! group is made by whoever needs it first, and never deleted: other Apps' schedules may be in it.

use super::view::View;
use super::{Obstacle, ObstacleKind, Pending, Plan};
use crate::change::{Change, ScheduleWrite};
use crate::model::desired::DesiredProcess;
use crate::model::exclusive::Exclusive;
use crate::model::name;
use crate::model::owner::{adopted_text, left_by_in_text, process_in_record_text};
use crate::model::part::Part;
use crate::model::schedule::{Schedule, ScheduleGroup, SchedulePart, ScheduleState};

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
    let adopted = found.is_some_and(|found| view.desired.adopts && found.has_no_owner());
    // An update sends the mark again, since it sends all.
    let is_marked = found.is_some_and(|found| {
        let is_own = left_by_in_text(&found.description).as_ref() == Some(&owner.app);
        found.is_adopted() || adopted && !is_own
    });
    let mut schedule = schedule.clone();
    if is_marked {
        schedule.description = adopted_text(&schedule.description);
    }
    if let Some(found) = found.filter(|found| !found.is_of(owner) && !adopted) {
        let advice = if found.has_no_owner() {
            view.advice_to_adopt(left_by_in_text(&found.description).as_ref())
        } else {
            String::new()
        };
        let awaited = Exclusive::Schedule(schedule.name.clone());
        return plan.foreign(process, &format!("schedule {}", schedule.name), &advice, awaited);
    }
    if view.observed.registered(content, owner).is_none() {
        return;
    }
    let is_ready = view.has_log_group(content);
    let Some(found) = found else {
        if !is_ready {
            return;
        }
        plan.changes.push(Change::of(
            process,
            ScheduleWrite::Create {
                schedule,
                task_definition: content.clone(),
            },
        ));
        return;
    };
    let mut differing = view.differing(wanted, &schedule, found);
    differing.extend(adopted.then_some(SchedulePart::Owner));
    let waits = !is_ready && differing.contains(&SchedulePart::TaskDefinition);
    if !differing.is_empty() && !waits {
        plan.changes.push(Change::of(
            process,
            ScheduleWrite::Update {
                schedule,
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
        if view.is_wanted_schedule(&found.name) || !view.runs_otherwise(process) {
            continue;
        }
        if view.desired.adopted.stays && found.is_adopted() {
            release_one(plan, &group, found);
        } else {
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

/// Plans to untag the schedules of an App that retains its resources.
pub(super) fn release(view: &View<'_>, plan: &mut Plan) {
    let group = name::schedule_group(&view.desired.owner.installation);
    for found in view.observed.schedules_of(&view.desired.owner) {
        release_one(plan, &group, found);
    }
}

/// Plans to untag a schedule. One of which a reply tells too little to write it again keeps its owner.
fn release_one(plan: &mut Plan, group: &str, found: &ScheduleState) {
    if found.released(group).is_none() {
        return;
    }
    let process = process_in_record_text(&found.description).unwrap_or_default();
    plan.changes.push(Change::of(
        process,
        ScheduleWrite::Release {
            group: group.into(),
            schedule: found.name.clone(),
        },
    ));
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
}

#[cfg(test)]
mod tests;
