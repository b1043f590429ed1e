//! The scaling of a process: its range, what follows which metric, and what happens at which times.

use std::collections::BTreeMap;

use super::{Builder, cron, exposure};
use crate::api::app::{Scale, ScaleSchedule};
use crate::desired::load_balancing::{container_ports, listened};
use crate::desired::schedule::DEFAULT_TIME_ZONE;
use crate::error::Error;
use crate::model::load_balancer::ListenerProtocol;
use crate::model::rollout::digest;
use crate::model::scaling::{Metric, OURS, Range, Scaling, ScheduledAction, Tracking};

impl Builder<'_> {
    pub(super) fn scaling(&self) -> Result<Option<Scaling>, Error> {
        let Some(scale) = &self.process.scale else {
            return Ok(None);
        };
        let range = Range {
            min: count(scale.min),
            max: count(scale.max),
        };
        let mut scaling = Scaling {
            range,
            policies: self.policies(scale)?,
            actions: BTreeMap::new(),
        };
        for schedule in &scale.schedules {
            let action = self.action(schedule, scale)?;
            let times = digest(&[&action.expression, &action.time_zone]);
            let name = format!("{OURS}{times}");
            if scaling.actions.insert(name, action).is_some() {
                let why = format!("{}: is there twice: at one time, one range begins", schedule.cron);
                return Err(self.invalid("scale.schedules", &why));
            }
        }
        Ok(Some(scaling))
    }

    fn policies(&self, scale: &Scale) -> Result<Vec<Tracking>, Error> {
        let cooldown =
            |field: &str, given: Option<&String>| given.map(|given| self.seconds(field, given)).transpose();
        let scale_in_cooldown = cooldown("scale.scaleInCooldown", scale.scale_in_cooldown.as_ref())?;
        let scale_out_cooldown = cooldown("scale.scaleOutCooldown", scale.scale_out_cooldown.as_ref())?;
        if scale.requests_per_target.is_some() {
            self.check_requests()?;
        }
        let metrics = [
            (Metric::Cpu, scale.cpu),
            (Metric::Memory, scale.memory),
            (Metric::Requests(()), scale.requests_per_target),
        ];
        let given = metrics
            .into_iter()
            .filter_map(|(metric, value)| Some((metric, value?)));
        let policies = given.map(|(metric, value)| Tracking {
            metric,
            value: count(value),
            scale_in_cooldown,
            scale_out_cooldown,
        });
        Ok(policies.collect())
    }

    /// The metric is of one target group of an application load balancer:
    /// <https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PredefinedMetricSpecification.html>.
    fn check_requests(&self) -> Result<(), Error> {
        const FIELD: &str = "scale.requestsPerTarget";
        let listened = listened(self.name, self.process);
        if listened.is_empty() {
            return Err(self.invalid(
                FIELD,
                "the process is not exposed, so that no load balancer counts its requests",
            ));
        }
        if !super::place(self.platform).load_balancing {
            let why = format!(
                "Platform {} has no load balancers, which would count the requests",
                self.platform_name()
            );
            return Err(self.invalid(FIELD, &why));
        }
        let speaks_http = listened.iter().all(|entry| match entry.protocol {
            ListenerProtocol::Http | ListenerProtocol::Https => true,
            ListenerProtocol::Tcp | ListenerProtocol::Tls => false,
        });
        if !speaks_http {
            return Err(self.invalid(
                FIELD,
                "is for http and https: with tcp and tls, requests are not counted",
            ));
        }
        let ports = exposure(self.name, self.process).as_ref().map(container_ports);
        if ports.unwrap_or_default().len() > 1 {
            let why = "the process is exposed on two container ports, and the requests of one of them alone are counted: use cpu or memory";
            return Err(self.invalid(FIELD, why));
        }
        Ok(())
    }

    /// A range that a schedule leaves half open is completed by what holds then, be that of the manifest or of another schedule:
    /// AWS does nothing where the one end would lie beyond the other.
    fn action(&self, schedule: &ScaleSchedule, scale: &Scale) -> Result<ScheduledAction, Error> {
        const FIELD: &str = "scale.schedules";
        let at = |why: &str| self.invalid(FIELD, &format!("{}: {why}", schedule.cron));
        let expression = cron::expression(&schedule.cron).map_err(|why| self.invalid(FIELD, &why))?;
        let zone = schedule.timezone.as_deref().unwrap_or(DEFAULT_TIME_ZONE);
        let time_zone = cron::time_zone(zone).ok_or_else(|| {
            at(&format!(
                "timezone: {zone} is no time zone of the IANA database, such as Europe/Berlin"
            ))
        })?;
        let (min, max) = (schedule.min.map(count), schedule.max.map(count));
        let all = scale.schedules.iter();
        let maximums = all.clone().filter_map(|other| other.max).chain([scale.max]);
        let minimums = all.filter_map(|other| other.min).chain([scale.min]);
        let (least_max, most_min) = (maximums.min().map(count), minimums.max().map(count));
        if max.is_none() && min > least_max {
            return Err(at("min is more than a max that may hold then: say max, too"));
        }
        if max.is_some() && min.is_none() && max < most_min {
            return Err(at("max is less than a min that may hold then: say min, too"));
        }
        Ok(ScheduledAction {
            expression,
            time_zone,
            min,
            max,
        })
    }
}

/// The schema lets nothing below 0 through.
fn count(given: i32) -> u32 {
    given.try_into().unwrap_or(0)
}

#[cfg(test)]
mod tests;
