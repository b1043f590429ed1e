//! Schedules and their group. What is written is what is there: EventBridge Scheduler answers with an ARN alone.

use super::{definition_arn, unknown};
use crate::aws::Aws;
use crate::error::Error;
use crate::model::owner::Owner;
use crate::model::schedule::{Schedule, ScheduleGroup, ScheduleGroupState, ScheduleTarget};
use crate::model::service::TaskDefinition;
use crate::model::state::Observed;

pub(super) async fn create_group(
    aws: &dyn Aws,
    observed: &mut Observed,
    group: &ScheduleGroup,
) -> Result<(), Error> {
    observed.schedule_group = Some(ScheduleGroupState {
        arn: aws.create_schedule_group(group).await?,
        is_deleting: false,
        tags: group.tags.clone(),
    });
    Ok(())
}

pub(super) async fn create(
    aws: &dyn Aws,
    observed: &mut Observed,
    owner: &Owner,
    schedule: &Schedule,
    content: &TaskDefinition,
) -> Result<(), Error> {
    let target = target(observed, content, owner)?;
    aws.create_schedule(schedule, &target).await?;
    fold(observed, schedule, &target);
    Ok(())
}

pub(super) async fn update(
    aws: &dyn Aws,
    observed: &mut Observed,
    owner: &Owner,
    schedule: &Schedule,
    content: &TaskDefinition,
) -> Result<(), Error> {
    let target = target(observed, content, owner)?;
    rewrite(aws, observed, schedule, &target).await
}

async fn rewrite(
    aws: &dyn Aws,
    observed: &mut Observed,
    schedule: &Schedule,
    target: &ScheduleTarget,
) -> Result<(), Error> {
    aws.update_schedule(schedule, target).await?;
    fold(observed, schedule, target);
    Ok(())
}

fn fold(observed: &mut Observed, schedule: &Schedule, target: &ScheduleTarget) {
    observed
        .schedules
        .insert(schedule.name.clone(), schedule.written(target));
}

fn target(observed: &Observed, content: &TaskDefinition, owner: &Owner) -> Result<ScheduleTarget, Error> {
    Ok(ScheduleTarget {
        cluster: observed
            .cluster
            .clone()
            .ok_or_else(|| unknown("cluster of", &content.family))?,
        task_definition: definition_arn(observed, content, owner)?,
    })
}

pub(super) async fn release(
    aws: &dyn Aws,
    observed: &mut Observed,
    group: &str,
    name: &str,
) -> Result<(), Error> {
    let found = observed.schedules.get(name);
    let released = found.and_then(|found| found.released(group));
    let (schedule, target) = released.ok_or_else(|| unknown("schedule", name))?;
    rewrite(aws, observed, &schedule, &target).await
}
