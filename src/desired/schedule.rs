//! A cron process: when it runs, and as whom.

use jiff::civil::Date;

use super::{Builder, cron};
use crate::error::Error;
use crate::model::desired::{Desired, Runs};
use crate::model::name;
use crate::model::schedule::{Schedule, Timing};

pub(super) const DEFAULT_TIME_ZONE: &str = "UTC";

/// Returns a warning for each process whose schedule never starts a task from `today` on. A day before the true one does no
/// harm: time zones differ by as much.
pub fn never_started(desired: &Desired, today: Date) -> Vec<String> {
    let schedules = desired
        .processes
        .iter()
        .filter_map(|(name, process)| match &process.runs {
            Runs::Schedule(schedule) => Some((name, &schedule.timing.expression)),
            Runs::Service(_) | Runs::ByHand(_) => None,
        });
    let over = schedules.filter(|(_, expression)| cron::is_over(expression, today));
    over.map(|(name, expression)| {
        format!(
            "process {name}: cron: {expression} names no day from {today} on, so that no task is ever started"
        )
    })
    .collect()
}

impl Builder<'_> {
    pub(super) fn schedule(&self, text: &str) -> Result<Schedule, Error> {
        let expression = cron::expression(text).map_err(|why| self.invalid("cron", &why))?;
        let zone = self.process.timezone.as_deref().unwrap_or(DEFAULT_TIME_ZONE);
        let time_zone = cron::time_zone(zone).ok_or_else(|| {
            self.invalid(
                "timezone",
                &format!("{zone} is no time zone of the IANA database, such as Europe/Berlin"),
            )
        })?;
        let tasks = self.platform.spec.tasks.as_ref();
        let Some(role_arn) = tasks.and_then(|tasks| tasks.scheduler_role_arn.clone()) else {
            let platform = self.platform.metadata.name.as_deref().unwrap_or_default();
            return Err(self.invalid(
                "cron",
                &format!(
                    "Platform {platform} has no tasks.schedulerRoleArn, by which EventBridge Scheduler starts the tasks"
                ),
            ));
        };
        // One task needs no spreading; what is given holds for it, too.
        let (placement, constraints) = match self.process.placement {
            Some(_) => self.placement(false)?,
            None => (Vec::new(), self.constraints()?),
        };
        let schedule = Schedule {
            name: name::schedule_name(self.owner, self.name),
            group: name::schedule_group(&self.owner.installation),
            description: self.owner.record_text(self.name),
            timing: Timing {
                expression,
                time_zone,
            },
            enabled: true,
            role_arn,
            capacity: self.capacity()?,
            placement,
            constraints,
            network: self.task_network()?,
            tags: self.tags(),
        };
        self.check_schedule(&schedule)?;
        Ok(schedule)
    }
}
