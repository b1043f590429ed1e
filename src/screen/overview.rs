//! The status of an App as text: a line for each fact, a row for each process, and what else there is of each.

use std::fmt::Write;

use anstyle::Style;
use jiff::Timestamp;

use super::layout::{
    BAD, BUSY, Cell, FAINT, GOOD, PLAIN, STRONG, Width, age, bar, cell, headline, paint, table, wrap,
};
use super::runs;
use super::status::{Condition, Event, Exposure, PlatformSummary, Process, Release, Rollout, Status};
use crate::api::app::{ExecStatus, LogsStatus, RolloutStatus, ScaleStatus};

/// Up to so many columns a bar is short.
const SLIM: usize = 100;
const LABEL: usize = 16;
/// Below so many columns an Event has lines of its own, since its row would have no room for what it says.
const SLIM_EVENTS: usize = 60;

impl Status {
    /// One screen, with colours.
    pub fn text(&self, now: Timestamp, width: Width) -> String {
        let mut lines = self.heading(now, width);
        lines.push(String::new());
        lines.extend(self.table(now, width));
        for process in &self.processes {
            let details = details(process, now, width);
            if !details.is_empty() {
                lines.push(String::new());
                lines.extend(headline(&[(STRONG, &process.name)], width));
                lines.extend(details);
            }
        }
        if let Some(runs) = self.runs.as_deref().filter(|runs| !runs.is_empty()) {
            lines.push(String::new());
            lines.extend(runs::lines(runs, now, width));
        }
        lines.push(String::new());
        lines.extend(events(self.events.as_deref(), now, width));
        lines.join("\n") + "\n"
    }

    fn heading(&self, now: Timestamp, width: Width) -> Vec<String> {
        let mut lines = self.title(width);
        lines.extend(verdict(&self.ready, now, width));
        if let Some(also) = &self.also
            && (also.reason.as_str(), also.message.as_str())
                != (self.ready.reason.as_str(), self.ready.message.as_str())
        {
            lines.extend(verdict(also, now, width));
        }
        if self.observed_generation < self.generation {
            let text = if self.observed_generation < 0 {
                "No controller has seen it yet.".to_owned()
            } else {
                format!(
                    "This is of generation {}; the controller has not come to generation {} yet.",
                    self.observed_generation, self.generation
                )
            };
            lines.extend(painted(BUSY, &text, width));
        }
        if let Some(since) = self.deleting {
            lines.push(paint(BUSY, &format!("Being deleted for {}.", age(since, now))));
        }
        if self.suspended {
            let text = "Suspended: nothing is changed in AWS before it is resumed.";
            lines.extend(painted(BUSY, text, width));
        }
        if let Some(platform) = &self.platform {
            let told = format!("there is no Platform {}", platform.name);
            if !self.ready.message.contains(&told) {
                lines.extend(platform_line(platform, now, width));
            }
        }
        lines.extend(labelled("Image", &self.image, width));
        if let Some(url) = &self.url {
            lines.extend(labelled("URL", url, width));
        }
        if let Some(release) = &self.release {
            lines.extend(labelled("Release", &release_line(release, now), width));
        }
        lines
    }

    fn title(&self, width: Width) -> Vec<String> {
        let app = format!("App {}", self.app);
        headline(&[(STRONG, &app), (PLAIN, &self.place())], width)
    }

    fn place(&self) -> String {
        let Some(platform) = &self.platform else {
            return ", on no Platform yet".into();
        };
        let PlatformSummary {
            name,
            region,
            cluster,
            ..
        } = platform;
        let place = match (region, cluster) {
            (Some(region), Some(cluster)) => format!(" ({region}, cluster {cluster})"),
            _ => String::new(),
        };
        format!(" on Platform {name}{place}")
    }

    fn table(&self, now: Timestamp, width: Width) -> Vec<String> {
        let head = ["PROCESS", "TASKS", "ROLLOUT", "RUNS"].map(|head| cell(FAINT, head));
        let mut rows = vec![head.to_vec()];
        let slim = width.is_some_and(|width| width < SLIM);
        rows.extend(self.processes.iter().map(|process| row(process, slim, now)));
        table(&rows, width)
    }
}

fn release_line(release: &Release, now: Timestamp) -> String {
    let Release {
        process,
        attempt,
        phase,
        since,
        task,
        exit_code,
    } = release;
    let exit_code = exit_code.filter(|code| *code != 0);
    let exit_code = exit_code.map_or_else(String::new, |code| format!(" with exit code {code}"));
    let task = task
        .as_ref()
        .map_or_else(String::new, |task| format!(", task {task}"));
    let since = age(*since, now);
    format!("{process} {phase:?}{exit_code}, attempt {attempt} of {since} ago{task}")
}

fn style_of(condition: &Condition) -> Style {
    match (condition.kind.as_str(), condition.status.as_str()) {
        ("Ready", "True") => GOOD,
        ("Ready", "False") | ("Stalled", _) => BAD,
        _ => BUSY,
    }
}

fn verdict(condition: &Condition, now: Timestamp, width: Width) -> Vec<String> {
    let Condition {
        kind,
        status,
        reason,
        message,
        since,
    } = condition;
    let since = since.map_or_else(String::new, |since| format!(", for {}", age(since, now)));
    let reason = if reason.is_empty() {
        String::new()
    } else {
        format!("  {reason}{since}")
    };
    let status = format!("{kind}={status}");
    let mut lines = headline(&[(style_of(condition), &status), (PLAIN, &reason)], width);
    if !message.is_empty() {
        lines.extend(wrap(message, 2, width));
    }
    lines
}

fn platform_line(platform: &PlatformSummary, now: Timestamp, width: Width) -> Vec<String> {
    let name = &platform.name;
    match (&platform.ready, platform.exists) {
        (_, Some(false)) => headline(&[(BAD, &format!("There is no Platform {name}."))], width),
        (Some(ready), _) if ready.status != "True" => {
            let since = ready
                .since
                .map_or_else(String::new, |since| format!(", for {}", age(since, now)));
            let head = format!("Platform {name} is not Ready: {}{since}", ready.reason);
            let mut lines = headline(&[(BAD, &head)], width);
            lines.extend(wrap(&ready.message, 2, width));
            lines
        }
        _ => Vec::new(),
    }
}

fn painted(style: Style, text: &str, width: Width) -> Vec<String> {
    let broken = wrap(text, 0, width);
    broken.iter().map(|line| paint(style, line)).collect()
}

/// Text after a label, which its further lines leave room for.
fn labelled(label: &str, text: &str, width: Width) -> Vec<String> {
    let mut broken = wrap(text, LABEL, width).into_iter();
    let first = broken.next().unwrap_or_default();
    let label = paint(FAINT, &format!("{label:<LABEL$}"));
    let mut lines = vec![format!("{label}{}", first.trim_start())];
    lines.extend(broken);
    lines
}

fn row(process: &Process, slim: bool, now: Timestamp) -> Vec<Cell> {
    let runs = process.task_definition.clone().unwrap_or_default();
    let name = if process.wanted {
        cell(PLAIN, &process.name)
    } else {
        cell(FAINT, format!("{} (going)", process.name))
    };
    let (tasks, rollout) = match (&process.schedule, &process.rollout) {
        (Some(schedule), _) => (
            cell(FAINT, "-"),
            cell(PLAIN, format!("{} {}", schedule.expression, schedule.time_zone)),
        ),
        (None, Some(found)) => (tasks(process), rollout(process, found, slim, now)),
        (None, None) => (cell(FAINT, "-"), cell(FAINT, "-")),
    };
    vec![name, tasks, rollout, cell(PLAIN, runs)]
}

fn tasks(process: &Process) -> Cell {
    let Process {
        desired,
        running,
        pending,
        ..
    } = process;
    let starting = match pending {
        0 => String::new(),
        pending => format!(" +{pending}"),
    };
    let style = if running >= desired { GOOD } else { BUSY };
    cell(style, format!("{running}/{desired}{starting}"))
}

fn rollout(process: &Process, rollout: &Rollout, slim: bool, now: Timestamp) -> Cell {
    match rollout.state {
        RolloutStatus::Completed => cell(GOOD, "complete"),
        RolloutStatus::Failed => cell(BAD, "failed"),
        RolloutStatus::RolledBack => cell(BAD, "failed, rolled back"),
        RolloutStatus::InProgress => {
            let (new, old) = (
                rollout.new.unwrap_or(process.running),
                rollout.old.unwrap_or_default(),
            );
            let whole = process.desired.max(new) + old;
            let mut text = bar(new, whole, if slim { 10 } else { 24 });
            let _ = write!(text, " {new} of {} new", process.desired);
            if old > 0 {
                let _ = write!(text, ", {old} old left");
            }
            if let Some(failed) = rollout.failed.filter(|failed| *failed > 0) {
                let _ = write!(text, ", {failed} failed");
            }
            if let Some(advanced) = rollout.advanced {
                let _ = write!(text, ", moved {} ago", age(advanced, now));
            }
            cell(BUSY, text)
        }
    }
}

/// The lines about one process besides its row.
fn details(process: &Process, now: Timestamp, width: Width) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = |label: &str, text: &str| {
        let mut broken = wrap(text, 2 + LABEL, width).into_iter();
        let first = broken.next().unwrap_or_default();
        let label = paint(FAINT, &format!("  {label:<LABEL$}"));
        lines.push(format!("{label}{}", first.trim_start()));
        lines.extend(broken);
    };
    if !process.hostnames.is_empty() {
        line("Names", &process.hostnames.join(", "));
    }
    if let Some(found) = &process.load_balancer {
        let address = found.dns_name.as_deref().unwrap_or("no address yet");
        line("Load balancer", &format!("{} ({address})", found.name));
    }
    for retiring in &process.retiring {
        let since = age(retiring.since, now);
        line(
            "Retiring",
            &format!("{}, to which no name has led for {since}", retiring.load_balancer),
        );
    }
    if !process.ports.is_empty() {
        let ports: Vec<String> = process.ports.iter().map(port).collect();
        line("Ports", &ports.join(", "));
    }
    if let Some(ScaleStatus { min, max }) = process.scale {
        line("Scaling", &format!("by AWS, from {min} to {max} tasks"));
    }
    match process.exec {
        Some(ExecStatus::Enabled) => line("ECS Exec", "enabled"),
        Some(ExecStatus::NextRollout) => line("ECS Exec", "enabled for tasks of the next rollout on"),
        None => {}
    }
    if let Some(logs) = &process.logs {
        line("Logs", &logged(logs));
    }
    let message = process.message.as_deref().unwrap_or_default();
    if !message.is_empty() {
        // Its name stands above.
        let prefix = format!("process {}: ", process.name);
        let message = message.strip_prefix(&prefix).unwrap_or(message);
        line("Message", &message.replace(&format!("; {prefix}"), "; "));
    }
    if let Some(rejected) = process
        .rejected
        .as_deref()
        .filter(|rejected| !message.contains(rejected))
    {
        line("Rejected", rejected);
    }
    lines
}

fn logged(logs: &LogsStatus) -> String {
    match (&logs.group, &logs.stream_prefix) {
        (Some(group), Some(prefix)) => format!("{}: {group}, streams {prefix}/…", logs.driver),
        (Some(group), None) => format!("{}: {group}", logs.driver),
        (None, _) => logs.driver.clone(),
    }
}

fn port(port: &Exposure) -> String {
    let mut text = match (&port.protocol, port.port) {
        (Some(protocol), Some(listener)) => format!("{protocol} {listener} to "),
        _ => String::new(),
    };
    if let Some(host_port) = port.host_port {
        let _ = write!(text, "host port {host_port} to ");
    }
    let _ = write!(text, "container port {}", port.container_port);
    text
}

fn style_of_event(event: &Event) -> Style {
    if event.kind == "Warning" { BAD } else { PLAIN }
}

fn events(events: Option<&[Event]>, now: Timestamp, width: Width) -> Vec<String> {
    match events {
        None => painted(FAINT, "Events: no right to list events here.", width),
        Some([]) => painted(FAINT, "No Events: Kubernetes keeps them for an hour.", width),
        Some(events) if width.is_some_and(|width| width < SLIM_EVENTS) => {
            let heads = events.iter().map(|event| {
                let since = event.time.map(|time| age(time, now)).unwrap_or_default();
                let head = format!("{since} {} {}", event.kind, event.reason);
                [
                    painted(style_of_event(event), &head, width),
                    wrap(&event.message, 2, width),
                ]
                .concat()
            });
            heads.flatten().collect()
        }
        Some(events) => {
            let head = ["AGE", "TYPE", "REASON", "EVENT"].map(|head| cell(FAINT, head));
            let mut rows = vec![head.to_vec()];
            rows.extend(events.iter().map(|event| {
                let style = style_of_event(event);
                let since = event.time.map(|time| age(time, now)).unwrap_or_default();
                vec![
                    cell(PLAIN, since),
                    cell(style, &event.kind),
                    cell(style, &event.reason),
                    cell(PLAIN, event.message.replace('\n', " ")),
                ]
            }));
            table(&rows, width)
        }
    }
}
