//! The part of an App's status that tells one process from another.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::logs::logs;
use super::rollout::{exec, progress, remembered, rollout_status, widened_deadline};
use super::{by_name, cut};
use crate::api::app::{App, HostPortStatus, ProcessStatus, Retiring, ScaleStatus, ScheduleStatus};
use crate::change::{Change, RecordBatch, Write, names_of};
use crate::model::desired::{Desired, LoadBalancing, RecordKey, Runs};
use crate::model::load_balancer::{HTTPS_PORT, ListenerProtocol};
use crate::model::name::{Arn, family};
use crate::model::owner::process_in_record_text;
use crate::model::part::Part;
use crate::model::record::normalize;
use crate::model::schedule::ScheduleState;
use crate::model::state::{Observed, ServiceState};
use crate::reconcile::Outcome;

/// Every process that is wanted or still there.
pub(super) fn all(
    app: &App,
    desired: &Desired,
    outcome: &Outcome,
    before: &[ProcessStatus],
    now: Timestamp,
) -> Vec<ProcessStatus> {
    let before = by_name(before);
    let mut names = outcome.observed.processes_of(&desired.owner);
    names.extend(desired.processes.keys().map(String::as_str));
    if !outcome.observed.unread.is_empty() {
        // Of what is not there it is not known that it is gone.
        names.extend(before.keys().copied());
    }
    names
        .into_iter()
        .map(|name| one(app, desired, outcome, name, before.get(name).copied(), now))
        .collect()
}

fn one(
    app: &App,
    desired: &Desired,
    outcome: &Outcome,
    name: &str,
    before: Option<&ProcessStatus>,
    now: Timestamp,
) -> ProcessStatus {
    let service = service(desired, outcome, name);
    let schedule = schedule(desired, outcome, name);
    let wanted_process = desired.processes.get(name);
    let wanted = wanted_process.and_then(|process| process.load_balancing.as_ref());
    let load_balancer = wanted
        .and_then(|wanted| outcome.observed.load_balancers.get(&wanted.load_balancer.name))
        .filter(|found| desired.owner.owns(&found.tags));
    let claims = outcome
        .observed
        .ports
        .claims
        .iter()
        .filter(|claim| claim.owner.app == desired.owner.app && claim.owner.process == name);
    let memory = outcome.plan.rollouts.get(name);
    let (submitted, rejected) = remembered(memory);
    let (exec, exec_lacked_by) = exec(memory);
    let found = ProcessStatus {
        name: name.into(),
        desired: count(service.map(|service| service.desired)),
        running: count(service.map(|service| service.running)),
        pending: count(service.map(|service| service.pending)),
        scale: scale(desired, outcome, name),
        rollout: service.map(|service| rollout_status(service, memory)),
        task_definition: service
            .map(|service| &service.task_definition)
            .or_else(|| schedule?.task_definition.as_ref())
            .or_else(|| registered(desired, outcome, name))
            .map(|arn| arn.0.clone()),
        schedule: schedule.map(|found| ScheduleStatus {
            name: found.name.clone(),
            expression: found.expression.clone().unwrap_or_default(),
            time_zone: found.time_zone.clone().unwrap_or_default(),
        }),
        load_balancer: load_balancer.map(|found| found.name.clone()),
        load_balancer_dns_name: load_balancer.map(|found| found.dns_name.clone()),
        host_ports: claims
            .map(|claim| HostPortStatus {
                container_port: claim.owner.container_port.into(),
                host_port: claim.port.into(),
            })
            .collect(),
        hostnames: hostnames(app, desired, outcome, name),
        logs: logs(desired, &outcome.observed, name),
        message: message(desired, outcome, name, service),
        submitted,
        rejected,
        exec,
        exec_lacked_by,
        progress_deadline_seconds: wanted_process
            .and_then(widened_deadline)
            .map(|seconds| count(Some(seconds))),
        retiring: retiring(outcome, name, before, now),
    };
    match before {
        Some(before) => as_before(found, before, &outcome.observed),
        None => found,
    }
}

/// Returns a status whose unread parts are as they were before.
fn as_before(found: ProcessStatus, before: &ProcessStatus, observed: &Observed) -> ProcessStatus {
    let before = before.clone();
    let mut status = found;
    if observed.is_unread(&Part::Ecs) {
        status = ProcessStatus {
            desired: before.desired,
            running: before.running,
            pending: before.pending,
            rollout: before.rollout,
            task_definition: before.task_definition.clone(),
            ..status
        };
    }
    if observed.is_unread(&Part::Scaling) {
        status.scale = before.scale;
    }
    if observed.is_unread(&Part::Schedules) && before.schedule.is_some() {
        status.task_definition = status.task_definition.or(before.task_definition);
        status.schedule = before.schedule;
    }
    if observed.is_unread(&Part::LoadBalancing) {
        status.load_balancer = before.load_balancer;
        status.load_balancer_dns_name = before.load_balancer_dns_name;
    }
    if observed.is_unread(&Part::LoadBalancing) || observed.has_unread_zone() {
        status.hostnames = before.hostnames;
        status.retiring = before.retiring;
    }
    status
}

fn service<'a>(desired: &Desired, outcome: &'a Outcome, name: &str) -> Option<&'a ServiceState> {
    let service = outcome.observed.services.get(&family(&desired.owner.app, name))?;
    desired.owner.owns(&service.tags).then_some(service)
}

fn scale(desired: &Desired, outcome: &Outcome, name: &str) -> Option<ScaleStatus> {
    let found = outcome.observed.scaling.get(&family(&desired.owner.app, name))?;
    desired.owner.owns(&found.tags).then(|| ScaleStatus {
        min: count(Some(found.range.min)),
        max: count(Some(found.range.max)),
    })
}

fn schedule<'a>(desired: &'a Desired, outcome: &'a Outcome, name: &str) -> Option<&'a ScheduleState> {
    let mut ours = outcome.observed.schedules_of(&desired.owner);
    ours.find(|found| process_in_record_text(&found.description) == Some(name))
}

/// Returns the task definition that a process started by hand would run.
fn registered<'a>(desired: &Desired, outcome: &'a Outcome, name: &str) -> Option<&'a Arn> {
    let wanted = desired.processes.get(name)?;
    match &wanted.runs {
        Runs::ByHand(_) => {
            let found = outcome
                .observed
                .registered(&wanted.task_definition, &desired.owner);
            found.map(|found| &found.arn)
        }
        Runs::Service(_) | Runs::Schedule(_) => None,
    }
}

fn count(count: Option<u32>) -> i32 {
    count.and_then(|count| count.try_into().ok()).unwrap_or(0)
}

/// The names of a process that lead to this App: those that its developer chose first, then the derived ones, shortest
/// first.
fn hostnames(app: &App, desired: &Desired, outcome: &Outcome, name: &str) -> Vec<String> {
    let records = desired
        .records
        .iter()
        .filter(|(key, record)| record.process == name && leads_here(desired, outcome, key));
    let wanted: BTreeSet<&str> = records.map(|(key, _)| key.name.as_str()).collect();
    let process = app.spec.processes.iter().find(|(key, _)| key.as_str() == name);
    let chosen: Vec<String> = process
        .and_then(|(_, process)| process.expose.as_ref())
        .map(|expose| expose.hostnames.iter().map(|name| normalize(name)).collect())
        .unwrap_or_default();
    let mut derived: Vec<&str> = wanted
        .iter()
        .copied()
        .filter(|name| !chosen.iter().any(|chosen| chosen == name))
        .collect();
    derived.sort_by_key(|name| name.len());
    let chosen = chosen
        .iter()
        .map(String::as_str)
        .filter(|name| wanted.contains(name));
    chosen.chain(derived).map(Into::into).collect()
}

fn leads_here(desired: &Desired, outcome: &Outcome, key: &RecordKey) -> bool {
    let records = outcome.observed.zones.get(&key.zone).into_iter();
    let mut targets = records
        .flat_map(|zone| &zone.records)
        .filter(|record| record.name == key.name)
        .filter_map(|record| record.target());
    let ours = |target: String| {
        let mut balancers = outcome.observed.load_balancers.values();
        balancers.any(|l| l.host() == target && desired.owner.owns(&l.tags))
    };
    targets.any(ours)
}

fn message(
    desired: &Desired,
    outcome: &Outcome,
    name: &str,
    service: Option<&ServiceState>,
) -> Option<String> {
    let mut parts: Vec<String> = outcome
        .plan
        .obstacles
        .iter()
        .filter(|o| o.process == name)
        .map(|o| o.message.clone())
        .collect();
    let failures = outcome
        .troubles()
        .filter(|(change, _)| concerns(desired, change, name));
    parts.extend(failures.map(|(_, error)| error.to_string()));
    let not_ready = outcome
        .not_ready
        .iter()
        .filter(|(change, _)| change.process() == Some(name));
    parts.extend(not_ready.map(|(_, error)| error.to_string()));
    let pending = outcome
        .plan
        .pending
        .iter()
        .filter(|pending| pending.process() == name);
    parts.extend(pending.map(ToString::to_string));
    if parts.is_empty() {
        return None;
    }
    let unfinished = service.filter(|service| !service.is_rolled_out());
    let widened = desired.processes.get(name).and_then(widened_deadline);
    let widened = widened.filter(|_| unfinished.is_some());
    parts.extend(unfinished.map(progress).filter(|progress| !progress.is_empty()));
    parts.extend(widened.map(|seconds| {
        format!(
            "deploy.progressDeadline is too short for its tasks to drain, stop and pass their checks, and counts as {seconds} s"
        )
    }));
    Some(cut(&parts.join("; ")))
}

/// Returns true if a change is for this process, or for one of its names.
fn concerns(desired: &Desired, change: &Change, process: &str) -> bool {
    if let Write::LogGroup(_) = &change.write {
        return desired
            .logging_processes()
            .into_iter()
            .any(|logging| logging == process);
    }
    let Write::Records(RecordBatch { zone, changes }) = &change.write else {
        return change.process() == Some(process);
    };
    let names = names_of(changes);
    let mut wanted = desired.records.iter();
    wanted
        .any(|(key, record)| record.process == process && &key.zone == zone && names.contains_key(&key.name))
}

/// Since when each replaced load balancer waits: an entry stays as it is while its load balancer waits, begins anew if
/// that has lost a name in this pass, and is gone when that is wanted or named again.
fn retiring(outcome: &Outcome, name: &str, before: Option<&ProcessStatus>, now: Timestamp) -> Vec<Retiring> {
    let mine = outcome
        .plan
        .retiring
        .iter()
        .filter(|(process, _)| process == name);
    let entry = |load_balancer: &String| {
        let replaced = outcome.observed.replaced_ttl.get(load_balancer);
        let known = before
            .filter(|_| replaced.is_none())
            .and_then(|before| before.retiring.iter().find(|r| &r.load_balancer == load_balancer));
        known.cloned().unwrap_or_else(|| Retiring {
            load_balancer: load_balancer.clone(),
            since: Time(now),
            ttl_seconds: replaced.and_then(|ttl| (*ttl).try_into().ok()),
        })
    };
    mine.map(|(_, load_balancer)| entry(load_balancer)).collect()
}

/// Such as `3/3`: the complete ones of those with a service.
pub(super) fn complete(desired: &Desired, outcome: &Outcome) -> String {
    let least = |service: &ServiceState| outcome.observed.least_tasks(service);
    let is_complete = |name: &String| {
        let busy = outcome
            .plan
            .pending
            .iter()
            .any(|pending| pending.process() == name.as_str());
        let changing = outcome
            .plan
            .changes
            .iter()
            .chain(&outcome.plan.deferred)
            .chain(&outcome.plan.held_back)
            .any(|change| change.process() == Some(name.as_str()));
        let stuck = outcome
            .plan
            .obstacles
            .iter()
            .any(|obstacle| &obstacle.process == name);
        service(desired, outcome, name)
            .is_some_and(|s| s.is_rolled_out() && s.running >= least(s) && !busy && !changing && !stuck)
    };
    let with_service = desired.processes.iter();
    let with_service = with_service.filter(|(_, process)| process.service().is_some());
    let (complete, of) = with_service.fold((0, 0), |(complete, of), (name, _)| {
        (complete + usize::from(is_complete(name)), of + 1)
    });
    format!("{complete}/{of}")
}

/// Where the App answers: web, else the first exposed process; by hostname, derived name or its load balancer's name.
pub(super) fn url(app: &App, desired: &Desired, outcome: &Outcome) -> Option<String> {
    let exposed: Vec<&String> = desired
        .processes
        .iter()
        .filter(|(_, p)| p.load_balancing.is_some())
        .map(|(name, _)| name)
        .collect();
    let name = exposed
        .iter()
        .find(|name| name.as_str() == "web")
        .or(exposed.first())?;
    let balancing = desired.processes.get(*name)?.load_balancing.as_ref()?;
    let found = outcome
        .observed
        .load_balancers
        .get(&balancing.load_balancer.name)
        .filter(|found| desired.owner.owns(&found.tags));
    let host = hostnames(app, desired, outcome, name)
        .into_iter()
        .next()
        .or(found.map(|found| found.dns_name.clone()))?;
    Some(address(balancing, &host))
}

/// As clients write it. Of several listeners it is that of an encrypted one, else of the first.
fn address(balancing: &LoadBalancing, host: &str) -> String {
    let mut forwards = balancing.listeners.iter().filter(|l| l.target_group().is_some());
    let first = forwards.clone().next();
    let Some(listener) = forwards.find(|l| l.protocol.is_encrypted()).or(first) else {
        return host.into();
    };
    match (listener.protocol, listener.port) {
        (ListenerProtocol::Http, 80) => format!("http://{host}"),
        (ListenerProtocol::Https, HTTPS_PORT) => format!("https://{host}"),
        (ListenerProtocol::Http, port) => format!("http://{host}:{port}"),
        (ListenerProtocol::Https, port) => format!("https://{host}:{port}"),
        (ListenerProtocol::Tcp, port) => format!("tcp://{host}:{port}"),
        (ListenerProtocol::Tls, port) => format!("tls://{host}:{port}"),
    }
}

#[cfg(test)]
mod tests;
