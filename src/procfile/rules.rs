//! The API server's rules beyond the schema of each field, so that a refusal comes with its line.
//!
//! The rules themselves are in `api/`, in CEL; `tests/refusals` holds these to them. A rule that is a regular expression
//! needs nothing here. Mistakes that no rule of the API can find, but the text itself shows, such as in a schedule, are
//! found here, too.

mod capacity;
mod containers;
mod scale;

use std::ops::RangeInclusive;

use super::empire::{self, protocols};
use super::problem::{Report, but};
use crate::api::app::{
    ConstraintType, Deploy, Expose, ExposeType, HealthCheck, ListenerProtocol, Placement, Process,
    StrategyType,
};
use crate::desired::command::NOTHING_BEFORE_ARGS;
use crate::desired::secrets::{NO_SECRET, is_secret};
use crate::desired::{cron, exposure, shell, text};

/// Reports what is wrong with a process of an App.
pub(super) fn check(app: &str, name: &str, process: &Process, report: &mut Report<'_>) {
    kinds(process, report);
    variables(name, process, report);
    let words = (process.command.as_ref(), &*process.args, &*process.entry_point);
    if adds_to_nothing(words) && report.is_clean() {
        report.of("args", NOTHING_BEFORE_ARGS);
    }
    if process.command.is_none() && process.shell == Some(true) && report.is_clean() {
        report.of("shell", "needs a command for it to run");
    }
    if process.shell == Some(true) && shell::takes_a_line(&process.entry_point) {
        report.of("shell", shell::TWO_SHELLS);
    }
    let exposed = exposure(name, process).is_some();
    if exposed && app.len() + 1 + name.len() > 63 {
        let message =
            format!("<app>-<process> is {app}-{name}, and has more than the 63 characters of a DNS name");
        report.of("expose", message);
    }
    if process.memory.as_deref().is_some_and(|memory| !is_memory(memory)) {
        let memory = process.memory.as_deref().unwrap_or_default();
        let message = format!(
            "must be an amount of memory from 6Mi to 32Ti, such as 512Mi or 2Gi{}",
            but(memory)
        );
        report.of("memory", message);
    }
    between(process.stop_timeout.as_deref(), 2, 3_600, "stopTimeout", report);
    if process.exec == Some(true) && process.read_only_root_filesystem == Some(true) {
        let message =
            "not with readOnlyRootFilesystem: ECS runs an agent in the container, which writes there";
        report.of("exec", message);
    }
    containers::check(process, report);
    if let Some(given) = &process.expose {
        expose(given, report);
    }
    if let Some(placed) = &process.placement {
        placement(placed, report);
    }
    if let Some(deployed) = &process.deploy {
        deploy(deployed, report);
    }
    scale::check(name, process, report);
    capacity::check(process, report);
}

/// Returns true for further words that neither a command nor an entry point comes before.
fn adds_to_nothing(words: (Option<&String>, &[String], &[String])) -> bool {
    let (command, args, entry_point) = words;
    command.is_none() && entry_point.is_empty() && !args.is_empty()
}

/// A service, a schedule, or neither.
fn kinds(process: &Process, report: &mut Report<'_>) {
    let given = [
        ("expose", process.expose.is_some()),
        ("quantity", process.quantity.is_some()),
        ("scale", process.scale.is_some()),
        ("deploy", process.deploy.is_some()),
        ("placement", process.placement.is_some()),
        ("exec", process.exec.is_some()),
        ("rollOnChange", process.roll_on_change.is_some()),
        ("cron", process.cron.is_some()),
    ];
    let given = given
        .into_iter()
        .filter(|(_, given)| *given)
        .map(|(field, _)| field);
    for field in given {
        let (cron, noservice) = (process.cron.is_some(), process.noservice == Some(true));
        if noservice {
            report.of(field, "not with noservice, of which nothing runs");
        } else if cron && !["placement", "cron"].contains(&field) {
            report.of(field, "not with cron, whose tasks come and go");
        }
    }
    match (&process.cron, &process.timezone) {
        (None, Some(_)) => report.of("timezone", "is for cron only"),
        (Some(_), Some(zone)) if cron::time_zone(zone).is_none() => {
            let message = "must be a time zone of the IANA database, such as Europe/Berlin";
            report.of("timezone", format!("{message}{}", but(zone)));
        }
        _ => {}
    }
    // What is blank or too long, the schema has refused.
    let cron = process
        .cron
        .as_deref()
        .filter(|cron| !cron.trim().is_empty() && cron.chars().count() <= 128);
    match cron.map(cron::expression) {
        Some(Err(why)) => report.of("cron", why),
        Some(Ok(expression)) if cron::is_never(&expression) => {
            let message = "names no day that there is, so that no task is ever started";
            report.warn(&super::problem::Path::default().key("cron"), message);
        }
        Some(Ok(_)) | None => {}
    }
}

fn variables(name: &str, process: &Process, report: &mut Report<'_>) {
    let exposed = exposure(name, process).is_some();
    for (field, variables) in [("env", &process.env), ("secrets", &process.secrets)] {
        for (variable, value) in variables {
            let target = super::problem::Path::default().key(field).key(variable).target;
            if !text::is_variable(variable) {
                report.of(&target, text::NO_VARIABLE);
            } else if variable == "SOURCE" || variable.starts_with("EMPIRE_") {
                report.of(&target, empire::reserved(variable));
            } else if variable == "PORT" && exposed {
                report.of(&target, empire::wrong_port(name, process, value));
            }
            if field == "secrets" && process.env.contains_key(variable) {
                report.of(&target, "is an environment variable, too");
            }
            if field == "secrets" && !is_secret(value) {
                report.of(&target, NO_SECRET);
            }
        }
    }
}

fn expose(expose: &Expose, report: &mut Report<'_>) {
    let Expose {
        type_,
        external,
        container_port,
        listeners,
        certificate_arns,
        hostnames,
        grace_period,
        idle_timeout,
        deregistration_delay,
        check,
    } = expose;
    if *type_ == Some(ExposeType::None) {
        let more = external.is_some()
            || container_port.is_some()
            || !listeners.is_empty()
            || !certificate_arns.is_empty()
            || !hostnames.is_empty()
            || grace_period.is_some()
            || idle_timeout.is_some()
            || deregistration_delay.is_some()
            || check.is_some();
        if more {
            report.of(
                "expose",
                "type none takes no other field, since the process is not exposed",
            );
        }
        return;
    }
    if !listeners.is_empty() && (type_.is_some() || container_port.is_some()) {
        let message = "are in place of type and containerPort: say it in one way or the other";
        report.of("expose.listeners", message);
    }
    let protocols = protocols(expose);
    let speaks = |one, other| {
        protocols
            .iter()
            .any(|protocol| *protocol == one || *protocol == other)
    };
    let secure = speaks(ListenerProtocol::Https, ListenerProtocol::Tls);
    if secure && certificate_arns.is_empty() {
        report.of(
            "expose",
            "https and tls need a certificate: give its ARN in expose.certificateArns",
        );
    }
    if !secure && !certificate_arns.is_empty() {
        report.of("expose.certificateArns", "are for https and tls only");
    }
    if speaks(ListenerProtocol::Tcp, ListenerProtocol::Tls) {
        let check = check.as_ref();
        let only_http = [
            ("expose.idleTimeout", idle_timeout.is_some()),
            (
                "expose.check.path",
                check.is_some_and(|check| check.path.is_some()),
            ),
            (
                "expose.check.successCodes",
                check.is_some_and(|check| check.success_codes.is_some()),
            ),
        ];
        for (target, _) in only_http.into_iter().filter(|(_, given)| *given) {
            report.of(target, "is for http and https only");
        }
        if speaks(ListenerProtocol::Http, ListenerProtocol::Https) {
            let message =
                "http and https are for another kind of load balancer than tcp and tls: use a process each";
            report.of("expose.listeners", message);
        }
    }
    let mut ports: Vec<_> = listeners
        .iter()
        .map(|listener| listener.container_port.unwrap_or(8080))
        .collect();
    ports.sort_unstable();
    ports.dedup();
    if ports.len() > 2 {
        report.of("expose.listeners", "lead to more than two ports of the container");
    }
    between(grace_period.as_deref(), 0, 86_400, "expose.gracePeriod", report);
    between(idle_timeout.as_deref(), 1, 4_000, "expose.idleTimeout", report);
    between(
        deregistration_delay.as_deref(),
        0,
        3_600,
        "expose.deregistrationDelay",
        report,
    );
    if let Some(check) = check {
        health(check, report);
    }
}

fn health(check: &HealthCheck, report: &mut Report<'_>) {
    between(check.interval.as_deref(), 5, 300, "expose.check.interval", report);
    between(check.timeout.as_deref(), 2, 120, "expose.check.timeout", report);
    let interval = seconds(check.interval.as_deref().unwrap_or("10s"));
    let timeout = check.timeout.as_deref().and_then(seconds);
    if interval
        .zip(timeout)
        .is_some_and(|(interval, timeout)| timeout >= interval)
    {
        let message = "must be shorter than interval, which is 10s if left out";
        report.of("expose.check.timeout", message);
    }
}

fn placement(placement: &Placement, report: &mut Report<'_>) {
    for (index, constraint) in placement.constraints.iter().enumerate() {
        let takes = constraint.type_ == ConstraintType::MemberOf;
        if constraint.expression.is_some() != takes {
            let message = "memberOf needs an expression, and distinctInstance takes none";
            report.of(&format!("placement.constraints[{index}]"), message);
        }
    }
    for (index, strategy) in placement.strategy.iter().enumerate() {
        let mut refuse = |message: &str| report.of(&format!("placement.strategy[{index}]"), message);
        let field = strategy.field.as_deref().map(str::to_ascii_lowercase);
        match (strategy.type_, field.as_deref()) {
            (StrategyType::Random, None)
            | (StrategyType::Spread, Some(_))
            | (StrategyType::Binpack, Some("cpu" | "memory")) => {}
            (StrategyType::Binpack, Some(field)) => {
                refuse(&format!("binpack is by cpu or memory{}", but(field)));
            }
            (StrategyType::Random, Some(_)) | (StrategyType::Spread | StrategyType::Binpack, None) => {
                refuse("spread and binpack need a field, and random takes none");
            }
        }
    }
}

fn deploy(deploy: &Deploy, report: &mut Report<'_>) {
    between(
        deploy.progress_deadline.as_deref(),
        60,
        86_400,
        "deploy.progressDeadline",
        report,
    );
    if deploy.minimum_healthy_percent == Some(100) && deploy.maximum_percent == Some(100) {
        let message = "100 with minimumHealthyPercent 100 lets no task stop and none start";
        report.of("deploy.maximumPercent", message);
    }
}

fn between(duration: Option<&str>, least: u64, most: u64, target: &str, report: &mut Report<'_>) {
    let Some(duration) = duration else { return };
    if !seconds(duration).is_some_and(|seconds| (least..=most).contains(&seconds)) {
        let message = format!(
            "must be from {least}s to {most}s, in whole hours, minutes and seconds such as 90s, 1m30s or 1h{}",
            but(duration)
        );
        report.of(target, message);
    }
}

/// Hours, minutes and seconds, each at most once, in this order, of at most six digits.
fn seconds(duration: &str) -> Option<u64> {
    let mut total = 0;
    let mut rest = duration;
    for (unit, length) in [('h', 3_600), ('m', 60), ('s', 1)] {
        if let Some((digits, after)) = rest.split_once(unit) {
            let valid = (1..=6).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
            total += if valid {
                digits.parse::<u64>().ok()? * length
            } else {
                return None;
            };
            rest = after;
        }
    }
    (rest.is_empty() && !duration.is_empty()).then_some(total)
}

fn is_memory(quantity: &str) -> bool {
    is_amount(quantity, 6.0 * MI..=32.0 * TI)
}

/// Bytes.
const MI: f64 = 1_024.0 * 1_024.0;
const GI: f64 = 1_024.0 * MI;
const TI: f64 = 1_024.0 * GI;

fn is_amount(quantity: &str, limits: RangeInclusive<f64>) -> bool {
    text::bytes(quantity).is_some_and(|bytes| limits.contains(&bytes))
}
