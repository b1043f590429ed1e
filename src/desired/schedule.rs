//! A cron process: when it runs, and as whom.

use super::{Builder, cron};
use crate::error::Error;
use crate::model::name;
use crate::model::schedule::{Schedule, Timing};

const DEFAULT_TIME_ZONE: &str = "UTC";

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
            None => (Vec::new(), Vec::new()),
        };
        Ok(Schedule {
            name: name::schedule_name(self.owner, self.name),
            group: name::schedule_group(&self.owner.installation),
            description: self.owner.record_text(self.name),
            timing: Timing {
                expression,
                time_zone,
            },
            enabled: true,
            role_arn,
            capacity: self.capacity(),
            placement,
            constraints,
            network: self.task_network(),
            tags: self.tags(),
        })
    }
}
