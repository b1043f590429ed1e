//! From what a pass left undone to one verdict, and from an error to its reason.

use std::collections::BTreeSet;

use super::request::{with_request, without_requests};
use super::rollout::progress;
use crate::api::condition::Reason;
use crate::change::{
    Change, ListenerWrite, LoadBalancerWrite, RecordBatch, ServiceWrite, TargetGroupWrite, Write, names_of,
};
use crate::error::Error;
use crate::model::class::Class;
use crate::model::counted;
use crate::model::owner::has_no_owner;
use crate::model::record::RecordChange;
use crate::model::state::{Observed, ServiceState};
use crate::plan::{ObstacleKind, Pending};
use crate::reconcile::Outcome;

/// The meaning of the conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Ready(String),
    /// Told to change nothing, while something would have to change.
    Suspended(String),
    Reconciling(Reason, String),
    Stalled(Reason, String),
    /// Throttled, or out of order for a moment: Ready stays as it is within a generation.
    Disturbed(Reason, String),
    /// The same for several passes in a row: Reconciling says so, and Ready is lost once it has for [`super::LASTING`].
    Lasting(Reason, String),
    /// AWS denies a call, or more of a thing, and nothing shows that the App does not serve: Ready stays as it is within a
    /// generation, and Reconciling says why.
    Denied(Reason, String),
}

/// So many passes in a row fail before a disturbance lasts.
const PASSES: u32 = 3;

impl Verdict {
    /// Returns the reason and message that somebody should hear of, and none where work is merely under way.
    pub fn trouble(&self) -> Option<(Reason, String)> {
        match self {
            Verdict::Ready(_)
            | Verdict::Suspended(_)
            | Verdict::Reconciling(
                Reason::Progressing
                | Reason::ReleaseInProgress
                | Reason::RolloutInProgress
                | Reason::Deleting,
                _,
            )
            // Its own pass is on its way.
            | Verdict::Disturbed(Reason::PlatformNotReady | Reason::Progressing, _) => None,
            Verdict::Reconciling(reason, message)
            | Verdict::Stalled(reason, message)
            | Verdict::Disturbed(reason, message)
            | Verdict::Lasting(reason, message)
            | Verdict::Denied(reason, message) => Some((*reason, message.clone())),
        }
    }

    /// The verdict on a pass before which so many in a row have failed.
    #[must_use]
    pub fn after(self, failures: u32) -> Self {
        match self {
            Verdict::Disturbed(reason, message)
                // A Platform's own pass is on its way, and so is a turn.
                if failures + 1 >= PASSES
                    && !matches!(reason, Reason::PlatformNotReady | Reason::Progressing) =>
            {
                Verdict::Lasting(reason, message)
            }
            Verdict::Ready(_)
            | Verdict::Suspended(_)
            | Verdict::Reconciling(..)
            | Verdict::Stalled(..)
            | Verdict::Disturbed(..)
            | Verdict::Lasting(..)
            | Verdict::Denied(..) => self,
        }
    }
}

pub fn verdict_of(outcome: &Outcome, suspended: bool) -> Verdict {
    let changes = outcome.plan.changes.iter().map(ToString::to_string);
    let changes: Vec<String> = changes.chain(unrecorded(outcome)).collect();
    if suspended && !changes.is_empty() {
        return Verdict::Suspended(format!(
            "suspended with {} pending: {}{}",
            counted(changes.len() as u64, "change"),
            changes.join("; "),
            scaled_meanwhile(outcome)
        ));
    }
    let Findings {
        waiting,
        missing,
        denied,
        stuck,
        mut disturbed,
        raced,
        in_line,
    } = findings(outcome);
    disturbed.extend(raced);
    // It may yet serve as it should.
    let moves = waiting.first().or(in_line.first().filter(|_| !stuck.is_empty()));
    // What failed says more than what is merely under way.
    let unmet = [missing.as_slice(), &denied].concat();
    let only_denied = missing.is_empty() && waiting.is_empty() && stuck.is_empty();
    if let Some((reason, _)) = denied.first().filter(|_| only_denied) {
        Verdict::Denied(*reason, joined(&[&denied, &disturbed]))
    } else if let Some((reason, _)) = unmet.first().or(moves) {
        Verdict::Reconciling(*reason, joined(&[&unmet, &stuck, &disturbed, &waiting, &in_line]))
    } else if let Some((reason, _)) = stuck.first() {
        Verdict::Stalled(*reason, joined(&[&stuck, &disturbed]))
    } else if let Some((reason, _)) = disturbed.first().or(in_line.first()) {
        Verdict::Disturbed(*reason, joined(&[&disturbed, &in_line]))
    } else {
        let Observed {
            services, schedules, ..
        } = &outcome.observed;
        let services = counted(services.len() as u64, "service");
        let mut message = match schedules.len() as u64 {
            0 => format!("{services} as the manifest wants"),
            many => format!(
                "{services} and {} as the manifest wants",
                counted(many, "schedule")
            ),
        };
        let echoed: Vec<&str> = outcome.plan.echoed.keys().map(String::as_str).collect();
        if !echoed.is_empty() {
            message.push_str(
                "; AWS reports otherwise than it was sent, and it is not sent again before it changes: ",
            );
            message.push_str(&echoed.join(", "));
        }
        if suspended {
            message.push_str(&scaled_meanwhile(outcome));
        }
        Verdict::Ready(message)
    }
}

/// Says that a suspended App's services go on being scaled: that is done in AWS.
fn scaled_meanwhile(outcome: &Outcome) -> String {
    let scaled = outcome
        .observed
        .scaling
        .iter()
        .filter(|(_, found)| !has_no_owner(&found.tags));
    let services: Vec<&str> = scaled.map(|(service, _)| service.as_str()).collect();
    if services.is_empty() {
        return String::new();
    }
    format!("; suspended, while AWS goes on scaling {}", services.join(", "))
}

/// Returns the start of the release phase, or what a changed secret leads to: neither is a change before it is recorded.
fn unrecorded(outcome: &Outcome) -> Option<String> {
    let mut pending = outcome.plan.pending.iter();
    let pending = pending.find(|pending| pending.is_to_record())?;
    let process = pending.process();
    if matches!(pending, Pending::SecretChange { .. }) {
        return Some(format!(
            "replace the tasks of {process}, as a secret of theirs has changed"
        ));
    }
    Some(format!("run the release task of {process}"))
}

/// Everything that somebody should hear of, whatever else is under way.
pub fn troubles(outcome: &Outcome) -> Vec<(Reason, String)> {
    let Findings {
        waiting: _,
        missing,
        denied,
        stuck,
        disturbed,
        raced: _,
        in_line: _,
    } = findings(outcome);
    [missing, denied, stuck, disturbed].concat()
}

type Said = (Reason, String);

/// The things that a pass left undone, by how they will end.
#[derive(Default)]
struct Findings {
    /// It comes about by itself.
    waiting: Vec<Said>,
    /// Its operator, or another manifest, may yet bring what it needs.
    missing: Vec<Said>,
    /// The same of a permission or a quota, without which the App goes on as it is.
    denied: Vec<Said>,
    stuck: Vec<Said>,
    /// It is over in a moment.
    disturbed: Vec<Said>,
    /// Something else was faster. What is there, the next look finds; until then nobody needs to hear of it.
    raced: Vec<Said>,
    /// It has a turn, which comes soon.
    in_line: Vec<Said>,
}

fn cannot_be_read(outcome: &Outcome, findings: &mut Findings) {
    // What waits in line, the plan says.
    let unread = outcome.unread.iter().filter(|unread| !unread.is_in_line());
    for unread in unread {
        let error = Error::from(unread.error.clone());
        let added = unread
            .part
            .added_policy()
            .filter(|_| error.class() == Class::Denied);
        let added = added.map(|added| format!(": {added}")).unwrap_or_default();
        let said = (reason_of(&error), format!("{unread}{added}"));
        match error.class() {
            Class::Transient | Class::Throttled => findings.disturbed.push(said),
            Class::Denied if is_denial(said.0) => findings.denied.push(said),
            Class::Denied => findings.missing.push(said),
            Class::Refused | Class::Conflict | Class::Invalid | Class::Bug => findings.stuck.push(said),
        }
    }
}

fn findings(outcome: &Outcome) -> Findings {
    let mut findings = Findings::default();
    let mut deferred = outcome.plan.deferred.iter();
    let is_unserved = deferred.any(|change| leaves_unserved(change, &outcome.observed));
    for pending in &outcome.plan.pending {
        let (reason, event) = match pending {
            Pending::Rollout { service, .. } => {
                let service = outcome.observed.services.get(service);
                let progress = service.map(progress).filter(|progress| !progress.is_empty());
                (
                    Reason::RolloutInProgress,
                    progress.map(|progress| format!(": {progress}")),
                )
            }
            Pending::Release { .. } => (Reason::ReleaseInProgress, None),
            Pending::Draining { .. }
            | Pending::Provisioning { .. }
            | Pending::ZoneChange { .. }
            | Pending::Retiring { .. }
            | Pending::PortRecovery { .. }
            | Pending::SecretChange { .. }
            | Pending::Releasing { .. }
            | Pending::GroupDeletion { .. }
            | Pending::Names { .. }
            | Pending::OldZone { .. }
            | Pending::Batch { .. }
            | Pending::Budget { .. } => (Reason::Progressing, None),
        };
        let said = match pending.process() {
            "" => pending.to_string(),
            process => format!("{process}: {pending}{}", event.unwrap_or_default()),
        };
        // A name that is to be changed may lead nowhere until then.
        if matches!(pending, Pending::Budget { .. }) && !is_unserved {
            findings.in_line.push((reason, said));
        } else {
            findings.waiting.push((reason, said));
        }
    }
    for (_, error) in &outcome.not_ready {
        findings
            .waiting
            .push((Reason::Progressing, with_request(&error.clone().into())));
    }
    for obstacle in &outcome.plan.obstacles {
        let said = |reason| (reason, obstacle.message.clone());
        match obstacle.kind {
            ObstacleKind::Foreign => findings.stuck.push(said(Reason::Conflict)),
            ObstacleKind::PortsExhausted => findings.stuck.push(said(Reason::PortsExhausted)),
            ObstacleKind::LoadBalancerFailed => findings.stuck.push(said(Reason::Refused)),
            ObstacleKind::RolloutFailed => findings.stuck.push(said(Reason::RolloutFailed)),
            ObstacleKind::ReleaseFailed => findings.stuck.push(said(Reason::ReleaseFailed)),
            ObstacleKind::SecretMissing => findings.missing.push(said(Reason::SecretNotFound)),
            // Of why, the pass speaks itself.
            ObstacleKind::SecretUnread => findings.waiting.push(said(Reason::Progressing)),
            ObstacleKind::ReleaseUnknown => findings.stuck.push(said(Reason::ReleaseUnknown)),
            ObstacleKind::PlatformIncomplete => findings.missing.push(said(Reason::InvalidPlatform)),
            ObstacleKind::ZoneNotFound => findings.missing.push(said(Reason::ZoneNotFound)),
        }
    }
    for (change, error) in outcome.troubles() {
        let added = change.added_policy().filter(|_| error.class() == Class::Denied);
        let added = added.map(|added| format!(": {added}")).unwrap_or_default();
        let said = (
            reason_of(error),
            format!("{}{}{added}", subject(change), with_request(error)),
        );
        match error.class() {
            Class::Transient if error.is_race() => findings.raced.push(said),
            Class::Transient | Class::Throttled => findings.disturbed.push(said),
            Class::Denied if is_denial(said.0) && !leaves_unserved(change, &outcome.observed) => {
                findings.denied.push(said);
            }
            Class::Denied => findings.missing.push(said),
            Class::Refused | Class::Conflict | Class::Invalid | Class::Bug => findings.stuck.push(said),
        }
    }
    cannot_be_read(outcome, &mut findings);
    // Where a pass was cut short, or put off what it had not tried itself.
    let open = outcome.plan.changes.len() + outcome.plan.deferred.len();
    let is_accounted_for = [
        &findings.waiting,
        &findings.missing,
        &findings.denied,
        &findings.stuck,
        &findings.disturbed,
        &findings.raced,
        &findings.in_line,
    ]
    .iter()
    .any(|said| !said.is_empty());
    if open > 0 && (!outcome.plan.changes.is_empty() || !is_accounted_for) {
        let said = format!("{} still to be made", counted(open as u64, "change"));
        findings.waiting.push((Reason::Progressing, said));
    }
    findings
}

/// Returns true for trouble that takes nothing away from an App that is as it was wanted: a permission, credentials or a
/// quota.
fn is_denial(reason: Reason) -> bool {
    matches!(reason, Reason::AccessDenied | Reason::QuotaReached)
}

/// The App does not serve as it should, for want of this change: a service or a name is gone, or all that leads to a
/// process.
fn leaves_unserved(change: &Change, observed: &Observed) -> bool {
    if let Write::Records(RecordBatch { changes, .. }) = &change.write {
        let is_delete = |change: &RecordChange| matches!(change, RecordChange::Delete(_));
        return names_of(changes)
            .values()
            .any(|changes| !changes.iter().any(is_delete));
    }
    let leads_there = matches!(
        &change.write,
        Write::LoadBalancer(LoadBalancerWrite::Create { .. })
            | Write::TargetGroup(TargetGroupWrite::Create { .. })
            | Write::Listener(ListenerWrite::Create { .. } | ListenerWrite::Modify { .. })
    );
    let is_reached = |service: &ServiceState| {
        service.attachments.iter().any(|attachment| {
            let group = observed.target_group_by_arn(&attachment.target_group);
            group.is_some_and(|group| !group.load_balancers.is_empty())
        })
    };
    // A family ends in the process, in which no `_` can be.
    let is_of_process = |service: &&ServiceState| service.name.rsplit('_').next() == change.process();
    let mut services = observed.services.values().filter(is_of_process);
    matches!(&change.write, Write::Service(ServiceWrite::Create { .. }))
        || leads_there && !services.any(is_reached)
}

/// Whom or what a failed change was for.
fn subject(change: &Change) -> String {
    match (change.process(), &change.write) {
        (Some(process), _) => format!("process {process}: "),
        (None, Write::Records(RecordBatch { changes, .. })) => {
            let names: Vec<String> = names_of(changes).into_keys().collect();
            format!("{}: ", names.join(", "))
        }
        (None, _) => String::new(),
    }
}

/// Each thing once.
fn joined(all: &[&[Said]]) -> String {
    let mut seen = BTreeSet::new();
    let messages: Vec<&str> = all
        .iter()
        .flat_map(|said| said.iter())
        .map(|(_, message)| message.as_str())
        .filter(|message| seen.insert(without_requests(message)))
        .collect();
    messages.join("; ")
}

/// The verdict on a pass that could not even be planned.
pub fn verdict_of_error(error: &Error) -> Verdict {
    let (reason, message) = (reason_of(error), with_request(error));
    match error.class() {
        Class::Transient | Class::Throttled => Verdict::Disturbed(reason, message),
        Class::Denied if is_denial(reason) => Verdict::Denied(reason, message),
        Class::Denied => Verdict::Reconciling(reason, message),
        Class::Refused | Class::Conflict | Class::Invalid | Class::Bug => Verdict::Stalled(reason, message),
    }
}

pub fn reason_of(error: &Error) -> Reason {
    let code = match error {
        Error::Aws(error) => error.code.as_str(),
        Error::NotAllowed(_) | Error::OverLimit(_) => return Reason::NotAllowed,
        Error::Invalid(_)
        | Error::Kubernetes { .. }
        | Error::Forbidden { .. }
        | Error::Outdated { .. }
        | Error::Fenced { .. }
        | Error::Bug(_) => "",
    };
    match (error.class(), code) {
        (Class::Denied, "ClusterNotFoundException") => Reason::ClusterNotFound,
        (Class::Denied, "NoSuchHostedZone") => Reason::ZoneNotFound,
        (Class::Denied, code) if is_quota(code) => Reason::QuotaReached,
        (Class::Denied, code) if is_setting(code) => Reason::InvalidPlatform,
        (Class::Denied, _) => Reason::AccessDenied,
        (Class::Transient, "ConnectionFailure" | "Timeout") => Reason::EndpointUnreachable,
        (Class::Transient, _) => Reason::Unavailable,
        (Class::Throttled, _) => Reason::Throttled,
        (Class::Refused, _) => Reason::Refused,
        (Class::Conflict, _) => Reason::Conflict,
        (Class::Invalid, _) => Reason::InvalidSpec,
        (Class::Bug, _) => Reason::InternalError,
    }
}

/// Returns true for a code that is no lack of a permission, but a setting of the Platform or the account.
fn is_setting(code: &str) -> bool {
    [
        "AvailabilityZoneNotSupported",
        "BlockedException",
        "ClientException",
        "InvalidParameterException",
        "InvalidSecurityGroup",
        "InvalidSubnet",
        "OperationNotPermitted",
        "PlatformUnknownException",
        "SubnetNotFound",
        "UnsupportedFeatureException",
        "ValidationError",
    ]
    .contains(&code)
}

fn is_quota(code: &str) -> bool {
    code.starts_with("TooMany")
        || [
            "LimitExceededException",
            "LimitsExceeded",
            "ServiceQuotaExceededException",
        ]
        .contains(&code)
}

#[cfg(test)]
mod tests;
