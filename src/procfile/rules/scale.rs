//! The rules of `scale`.

use std::collections::BTreeSet;

use super::{Report, between};
use crate::api::app::{Process, Scale, ScaleSchedule};
use crate::desired::{cron, listened};
use crate::model::load_balancer::ListenerProtocol;
use crate::procfile::problem::but;

pub(super) fn check(name: &str, process: &Process, report: &mut Report<'_>) {
    let Some(scale) = &process.scale else { return };
    if process.quantity.is_some() {
        report.of("scale", "not with quantity: say one or the other");
    }
    if scale.min > scale.max {
        report.of("scale.max", "must not be less than min");
    }
    let Scale {
        cpu,
        memory,
        requests_per_target,
        scale_in_cooldown,
        scale_out_cooldown,
        ..
    } = scale;
    let cooldowns = [
        ("scale.scaleInCooldown", scale_in_cooldown),
        ("scale.scaleOutCooldown", scale_out_cooldown),
    ];
    for (field, given) in cooldowns {
        between(given.as_deref(), 0, 3_600, field, report);
        if given.is_some() && cpu.is_none() && memory.is_none() && requests_per_target.is_none() {
            report.of(
                field,
                "needs cpu, memory or requestsPerTarget, which it is between two steps of",
            );
        }
    }
    if requests_per_target.is_some() && !counts_requests(name, process) {
        let message = "is for processes that are exposed by http or https with one container port";
        report.of("scale.requestsPerTarget", message);
    }
    for schedule in &scale.schedules {
        times(schedule, report);
    }
}

fn times(schedule: &ScaleSchedule, report: &mut Report<'_>) {
    let ScaleSchedule {
        cron,
        timezone,
        min,
        max,
    } = schedule;
    if let Err(why) = cron::expression(cron) {
        report.of("scale.schedules", why);
    }
    if let Some(zone) = timezone.as_deref().filter(|zone| cron::time_zone(zone).is_none()) {
        let message = "timezone: must be a time zone of the IANA database, such as Europe/Berlin";
        report.of("scale.schedules", format!("{message}{}", but(zone)));
    }
    match (min, max) {
        (None, None) => report.of("scale.schedules", "say min, max or both, which hold from then on"),
        (Some(min), Some(max)) if min > max => {
            report.of("scale.schedules", "min must not be more than max");
        }
        _ => {}
    }
}

fn counts_requests(name: &str, process: &Process) -> bool {
    let listened = listened(name, process);
    let ports: BTreeSet<u16> = listened.iter().map(|entry| entry.container_port).collect();
    let speaks_http = |protocol| matches!(protocol, ListenerProtocol::Http | ListenerProtocol::Https);
    ports.len() == 1 && listened.iter().all(|entry| speaks_http(entry.protocol))
}
