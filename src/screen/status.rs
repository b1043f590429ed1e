//! The status of an App as plain data: what one screen shows, and `-o json` prints.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition as KubeCondition;
use kube::ResourceExt;
use serde::Serialize;

use super::runs::{Run, runs};
use super::{Facts, Sight, platform_of, time_of};
use crate::api::app::{
    App, ExecStatus, LogsStatus, Process as Wanted, ProcessStatus, ReleaseAttempt, ReleasePhase,
    RolloutStatus, ScaleStatus,
};
use crate::api::condition::ConditionType;
use crate::desired::{Listened, listened};
use crate::model::name::last_segment;

/// The most Events that are shown, the newest first.
const EVENTS: usize = 10;

/// An App. Fields may be added, none is taken away.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// `namespace/name`.
    pub app: String,
    pub generation: i64,
    /// The generation that the rest is about; -1 if no controller has seen the App.
    pub observed_generation: i64,
    pub ready: Condition,
    /// `Reconciling` or `Stalled`, where one is there.
    pub also: Option<Condition>,
    pub suspended: bool,
    /// Since when, if it is being deleted.
    pub deleting: Option<Timestamp>,
    pub platform: Option<PlatformSummary>,
    pub image: String,
    pub url: Option<String>,
    /// The last attempt of the release phase.
    pub release: Option<Release>,
    /// Processes that are complete, of those with a service: `2/3`.
    pub processes_complete: Option<String>,
    pub processes: Vec<Process>,
    /// Those that have not ended, and then the newest; `null` if they may not be read.
    pub runs: Option<Vec<Run>>,
    /// The newest first; `null` if they may not be read.
    pub events: Option<Vec<Event>>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    #[serde(rename = "type")]
    pub kind: String,
    pub status: String,
    pub reason: String,
    pub message: String,
    pub since: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlatformSummary {
    pub name: String,
    pub region: Option<String>,
    pub cluster: Option<String>,
    /// Its condition `Ready`; `null` if it is not there, or may not be read.
    pub ready: Option<Condition>,
    /// False if there is none of the name; `null` if it may not be read.
    pub exists: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    pub process: String,
    pub attempt: i32,
    pub phase: ReleasePhase,
    /// When it was recorded.
    pub since: Timestamp,
    /// The id of its task.
    pub task: Option<String>,
    pub exit_code: Option<i32>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    pub name: String,
    /// False while it is being removed.
    pub wanted: bool,
    pub desired: i32,
    pub running: i32,
    pub pending: i32,
    /// The range in which AWS scales it now.
    pub scale: Option<ScaleStatus>,
    pub rollout: Option<Rollout>,
    /// Family and revision of its task definition.
    pub task_definition: Option<String>,
    pub schedule: Option<Schedule>,
    pub hostnames: Vec<String>,
    pub load_balancer: Option<LoadBalancer>,
    pub retiring: Vec<Retiring>,
    /// Those by which it can be reached.
    pub ports: Vec<Exposure>,
    /// ECS Exec, where `exec` has turned it on: `Enabled` or `NextRollout`.
    pub exec: Option<ExecStatus>,
    /// Where its own container logs.
    pub logs: Option<LogsStatus>,
    pub message: Option<String>,
    /// ECS's message on the rollout that failed and is not submitted again.
    pub rejected: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rollout {
    /// `InProgress`, `Completed`, `Failed` or `RolledBack`.
    pub state: RolloutStatus,
    /// The most tasks of the new release that ran at once, and the fewest of those before it that were left; while in
    /// progress.
    pub new: Option<i32>,
    pub old: Option<i32>,
    /// The tasks of the new release that failed, as ECS counts them.
    pub failed: Option<i32>,
    /// When it last advanced.
    pub advanced: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    pub expression: String,
    pub time_zone: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadBalancer {
    pub name: String,
    pub dns_name: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Retiring {
    pub load_balancer: String,
    pub since: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exposure {
    /// The load balancer's, where it has one.
    pub port: Option<u16>,
    pub protocol: Option<String>,
    pub container_port: i32,
    /// The one claimed on the container instances, where its Platform allocates them.
    pub host_port: Option<i32>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    pub time: Option<Timestamp>,
    /// `Normal` or `Warning`.
    #[serde(rename = "type")]
    pub kind: String,
    pub reason: String,
    pub message: String,
}

/// The status of an App, from what is known of it.
pub fn status(facts: &Facts) -> Status {
    let app = &facts.app;
    let found = app.status.clone().unwrap_or_default();
    let conditions = &found.conditions;
    let also = [ConditionType::Stalled, ConditionType::Reconciling];
    Status {
        app: named(app),
        generation: app.metadata.generation.unwrap_or_default(),
        observed_generation: app
            .status
            .as_ref()
            .map_or(NOT_SEEN, |status| status.observed_generation),
        ready: ConditionType::Ready
            .find(conditions)
            .map_or_else(unknown, condition),
        also: also
            .into_iter()
            .find_map(|kind| kind.find(conditions))
            .map(condition),
        suspended: app.spec.suspend.unwrap_or_default(),
        deleting: app.metadata.deletion_timestamp.as_ref().map(|time| time.0),
        platform: platform(facts),
        image: app.spec.image.clone(),
        url: found.url,
        release: found.release.and_then(|release| release.attempt).map(release),
        processes_complete: found.processes_complete,
        processes: processes(app, &found.processes),
        runs: facts.runs.as_deref().map(|found| runs(&app.name_any(), found)),
        events: events(facts),
    }
}

/// The generation that an App has been seen at before any controller has.
const NOT_SEEN: i64 = -1;

pub(super) fn named(app: &App) -> String {
    format!("{}/{}", app.namespace().unwrap_or_default(), app.name_any())
}

fn unknown() -> Condition {
    Condition {
        kind: ConditionType::Ready.as_str().into(),
        status: "Unknown".into(),
        reason: String::new(),
        message: String::new(),
        since: None,
    }
}

pub(super) fn condition(found: &KubeCondition) -> Condition {
    Condition {
        kind: found.type_.clone(),
        status: found.status.clone(),
        reason: found.reason.clone(),
        message: found.message.clone(),
        since: Some(found.last_transition_time.0),
    }
}

fn platform(facts: &Facts) -> Option<PlatformSummary> {
    let record = facts
        .app
        .status
        .as_ref()
        .and_then(|status| status.platform.as_ref());
    let seen = facts.platform.platform();
    let name = platform_of(&facts.app)?;
    let conditions = seen.and_then(|platform| platform.status.as_ref());
    let conditions = conditions.map_or(&[][..], |status| &status.conditions);
    let cluster = seen.map(|platform| {
        let named = platform.spec.cluster.clone();
        named.unwrap_or_else(|| "default".into())
    });
    Some(PlatformSummary {
        name: name.into(),
        region: record
            .map(|record| record.region.clone())
            .or(seen.map(|platform| platform.spec.region.clone())),
        cluster: record.map(|record| record.cluster.clone()).or(cluster),
        ready: ConditionType::Ready.find(conditions).map(condition),
        exists: match facts.platform {
            Sight::Seen(_) => Some(true),
            Sight::Missing => Some(false),
            Sight::Hidden => None,
        },
    })
}

fn release(attempt: ReleaseAttempt) -> Release {
    Release {
        process: attempt.request.process,
        attempt: attempt.number,
        phase: attempt.phase,
        since: attempt.recorded.0,
        task: attempt.task.map(|arn| last_segment(&arn).to_owned()),
        exit_code: attempt.exit_code,
    }
}

/// Those of the manifest and those that the status still lists.
fn processes(app: &App, found: &[ProcessStatus]) -> Vec<Process> {
    let mut names: Vec<&str> = app.spec.processes.keys().map(String::as_str).collect();
    names.extend(found.iter().map(|process| process.name.as_str()));
    names.sort_unstable();
    names.dedup();
    let of = |name: &str| {
        let status = found.iter().find(|process| process.name == name);
        process(name, app.spec.processes.get(name), status)
    };
    names.into_iter().map(of).collect()
}

fn process(name: &str, wanted: Option<&Wanted>, found: Option<&ProcessStatus>) -> Process {
    let found = found.cloned().unwrap_or_default();
    let listeners = wanted.map(|wanted| listened(name, wanted)).unwrap_or_default();
    let progress = found
        .submitted
        .as_ref()
        .and_then(|submitted| submitted.progress.as_ref());
    let rollout = found.rollout.map(|state| {
        let progress = progress.filter(|_| state == RolloutStatus::InProgress);
        Rollout {
            state,
            new: progress.map(|progress| progress.most_new),
            old: progress.map(|progress| progress.fewest_old),
            failed: progress.map(|progress| progress.failed),
            advanced: progress.map(|progress| progress.since.0),
        }
    });
    let ports = ports(&listeners, &found);
    Process {
        name: name.into(),
        wanted: wanted.is_some(),
        desired: found.desired,
        running: found.running,
        pending: found.pending,
        scale: found.scale,
        rollout,
        task_definition: found.task_definition.map(|arn| last_segment(&arn).to_owned()),
        schedule: found.schedule.map(|schedule| Schedule {
            expression: schedule.expression,
            time_zone: schedule.time_zone,
        }),
        hostnames: found.hostnames,
        load_balancer: found.load_balancer.map(|name| LoadBalancer {
            name,
            dns_name: found.load_balancer_dns_name,
        }),
        retiring: found
            .retiring
            .into_iter()
            .map(|retiring| Retiring {
                load_balancer: retiring.load_balancer,
                since: retiring.since.0,
            })
            .collect(),
        ports,
        exec: found.exec,
        logs: found.logs,
        message: found.message,
        rejected: found.rejected.map(|rejected| rejected.message),
    }
}

fn ports(listeners: &[Listened], found: &ProcessStatus) -> Vec<Exposure> {
    let claimed = |container_port: i32| {
        let claims = &found.host_ports;
        let claim = claims.iter().find(|claim| claim.container_port == container_port);
        claim.map(|claim| claim.host_port)
    };
    let served = found.load_balancer.is_some();
    let mut ports: Vec<Exposure> = Vec::new();
    for listener in listeners {
        let container_port = listener.container_port.into();
        let port = Exposure {
            port: served.then_some(listener.port),
            protocol: served.then(|| listener.protocol.as_str().to_owned()),
            container_port,
            host_port: claimed(container_port),
        };
        if !ports.contains(&port) {
            ports.push(port);
        }
    }
    for claim in &found.host_ports {
        if !ports
            .iter()
            .any(|port| port.container_port == claim.container_port)
        {
            ports.push(Exposure {
                port: None,
                protocol: None,
                container_port: claim.container_port,
                host_port: Some(claim.host_port),
            });
        }
    }
    ports
}

fn events(facts: &Facts) -> Option<Vec<Event>> {
    let mut events: Vec<_> = facts.events.as_ref()?.iter().collect();
    events.sort_by_key(|event| std::cmp::Reverse(time_of(event)));
    let event = |event: &&k8s_openapi::api::core::v1::Event| Event {
        time: time_of(event),
        kind: event.type_.clone().unwrap_or_default(),
        reason: event.reason.clone().unwrap_or_default(),
        message: event.message.clone().unwrap_or_default(),
    };
    Some(events.iter().take(EVENTS).map(event).collect())
}
