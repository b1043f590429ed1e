//! The log group of an App, in CloudWatch Logs.
//!
//! It is made before anything is given a definition that names it (`View::has_log_group`), and stays when its App, its Platform's
//! rule or all that logs there goes: it holds logs. Only where the Platform says so does it go with its App, after the services.

use super::view::View;
use super::{Obstacle, ObstacleKind, Plan};
use crate::change::{Change, LogGroupStep, LogGroupWrite};
use crate::model::exclusive::Exclusive;
use crate::model::log_group::{LogGroup, LogGroupState, LogGroups};
use crate::model::owner::{OWNER_TAG, adopted_tag, is_adopted, missing_tags};
use crate::model::part::Part;

pub(super) fn plan(view: &View<'_>, plan: &mut Plan) {
    if view.is_unread(&Part::LogGroup) {
        return;
    }
    let owner = &view.desired.owner;
    match (&view.desired.log_group, &view.observed.log_group) {
        (None, None) => {}
        (Some(wanted), None) => {
            let step = LogGroupStep::Create {
                kms_key: wanted.kms_key.clone(),
                tags: wanted.tags.clone(),
            };
            plan.changes.push(change(&wanted.name, step));
        }
        (Some(wanted), Some(found)) if owner.owns(&found.tags) => keep(plan, wanted, found),
        (Some(wanted), Some(found)) => not_ours(view, plan, wanted, found),
        (None, Some(found)) => end(view, plan, found),
    }
}

/// Plans to untag the log group of an App that retains its resources.
pub(super) fn release(view: &View<'_>, plan: &mut Plan) {
    let found = view.observed.log_group.as_ref();
    let ours = found.filter(|found| view.desired.owner.owns(&found.tags));
    plan.changes
        .extend(ours.map(|found| change(&found.name, LogGroupStep::Untag)));
}

fn change(name: &str, step: LogGroupStep) -> Change {
    LogGroupWrite {
        name: name.into(),
        step,
    }
    .into()
}

fn keep(plan: &mut Plan, wanted: &LogGroup, found: &LogGroupState) {
    let tags = missing_tags(&wanted.tags, &found.tags);
    let retention = wanted.retention_days;
    let retention = retention.filter(|days| found.retention_days != Some(*days));
    let key = wanted.kms_key.clone();
    let key = key.filter(|key| found.kms_key.as_ref() != Some(key));
    let steps = [
        (!tags.is_empty()).then_some(LogGroupStep::Tag(tags)),
        retention.map(LogGroupStep::SetRetention),
        key.map(LogGroupStep::AssociateKey),
    ];
    let steps = steps.into_iter().flatten();
    plan.changes.extend(steps.map(|step| change(&wanted.name, step)));
}

fn not_ours(view: &View<'_>, plan: &mut Plan, wanted: &LogGroup, found: &LogGroupState) {
    let name = &wanted.name;
    if view.may_adopt(&found.tags) {
        let mut tags = wanted.tags.clone();
        if view.desired.owner.marks_adopted(&found.tags) {
            tags.extend(adopted_tag());
        }
        let step = LogGroupStep::Tag(missing_tags(&tags, &found.tags));
        return plan.changes.push(change(name, step));
    }
    plan.awaits.insert(Exclusive::LogGroup(name.clone()));
    let advice = match found.tags.get(OWNER_TAG) {
        // A group outlives its installation.
        Some(owner) => format!(
            ", but those of installation {owner}: if that is gone, take its tag {OWNER_TAG} off (aws logs untag-resource), and \
             annotate the App with empire.dev/adopt: \"true\""
        ),
        None => view.advice(&found.tags),
    };
    for process in view.desired.logging_processes() {
        plan.obstacles.push(Obstacle {
            process: process.clone(),
            kind: ObstacleKind::Foreign,
            message: format!("log group {name} exists and does not carry this App's ownership tags{advice}"),
        });
    }
}

/// Nothing is to log there any more. While the App is there, the group is, too.
fn end(view: &View<'_>, plan: &mut Plan, found: &LogGroupState) {
    let (owner, desired) = (&view.desired.owner, view.desired);
    let goes = desired.processes.is_empty() && desired.place.log_groups == LogGroups::Deleted;
    let parts = [Part::Ecs, Part::Schedules];
    let may_be_used = parts
        .iter()
        .any(|part| view.is_unread(part) || view.observed.holds(part, owner));
    if !goes || may_be_used || !owner.owns(&found.tags) {
        return;
    }
    let step = if desired.adopted.stays && is_adopted(&found.tags) {
        LogGroupStep::Untag
    } else {
        LogGroupStep::Delete
    };
    plan.changes.push(change(&found.name, step));
}

#[cfg(test)]
mod tests;
