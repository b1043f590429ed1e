//! From what a pass left undone to one verdict, and from an error to its reason.

use std::collections::BTreeSet;

use crate::api::condition::Reason;
use crate::error::{Class, Error};
use crate::model::counted;
use crate::plan::{ObstacleKind, Pending};
use crate::reconcile::Outcome;

/// What the conditions say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Ready(String),
    /// Told to change nothing, while something would have to change.
    Suspended(String),
    Reconciling(Reason, String),
    Stalled(Reason, String),
    /// Throttled, or out of order for a moment: Ready stays as it is within a generation.
    Disturbed(Reason, String),
}

impl Verdict {
    /// What somebody should hear of: not that work is under way.
    pub fn trouble(&self) -> Option<(Reason, &str)> {
        match self {
            Verdict::Ready(_)
            | Verdict::Suspended(_)
            | Verdict::Reconciling(Reason::Progressing | Reason::RolloutInProgress | Reason::Deleting, _) => {
                None
            }
            Verdict::Reconciling(reason, message)
            | Verdict::Stalled(reason, message)
            | Verdict::Disturbed(reason, message) => Some((*reason, message)),
        }
    }
}

pub fn verdict_of(outcome: &Outcome, suspended: bool) -> Verdict {
    if suspended && !outcome.plan.changes.is_empty() {
        let changes: Vec<String> = outcome.plan.changes.iter().map(ToString::to_string).collect();
        return Verdict::Suspended(format!(
            "suspended with {} pending: {}",
            counted(changes.len() as u64, "change"),
            changes.join("; ")
        ));
    }
    let (mut moving, mut stuck, mut disturbed) = (Vec::new(), Vec::new(), Vec::new());
    for pending in &outcome.plan.pending {
        let reason = match pending {
            Pending::Rollout { .. } => Reason::RolloutInProgress,
            Pending::Draining { .. }
            | Pending::Provisioning { .. }
            | Pending::Retiring { .. }
            | Pending::PortRecovery { .. }
            | Pending::Names { .. } => Reason::Progressing,
        };
        let event = match pending {
            Pending::Rollout { service, .. } => outcome
                .observed
                .services
                .get(service)
                .and_then(|service| service.newest_event.as_ref())
                .map(|event| format!(": {event}"))
                .unwrap_or_default(),
            Pending::Draining { .. }
            | Pending::Provisioning { .. }
            | Pending::Retiring { .. }
            | Pending::PortRecovery { .. }
            | Pending::Names { .. } => String::new(),
        };
        moving.push((reason, format!("{}: {pending}{event}", pending.process())));
    }
    moving.extend(
        outcome
            .early
            .iter()
            .map(|(_, error)| (Reason::Progressing, error.to_string())),
    );
    for obstacle in &outcome.plan.obstacles {
        let said = |reason| (reason, obstacle.message.clone());
        match obstacle.kind {
            ObstacleKind::Foreign => stuck.push(said(Reason::Conflict)),
            ObstacleKind::PortsExhausted => stuck.push(said(Reason::PortsExhausted)),
            ObstacleKind::LoadBalancerFailed => stuck.push(said(Reason::Refused)),
            // Its operator may yet bring it.
            ObstacleKind::ZoneNotFound => moving.push(said(Reason::ZoneNotFound)),
        }
    }
    for (change, error) in outcome.troubles() {
        let process = change
            .process()
            .map(|process| format!("process {process}: "))
            .unwrap_or_default();
        let said = (reason_of(error), format!("{process}{error}"));
        match error.class() {
            Class::Transient | Class::Throttled => disturbed.push(said),
            Class::Denied => moving.push(said),
            Class::Refused | Class::Conflict | Class::Invalid | Class::Bug => stuck.push(said),
        }
    }
    // What failed outright says more than what is merely under way.
    moving.sort_by_key(|(reason, _)| matches!(reason, Reason::RolloutInProgress | Reason::Progressing));

    if let Some((reason, message)) = told(&moving, &[&stuck, &disturbed]) {
        Verdict::Reconciling(reason, message)
    } else if let Some((reason, message)) = told(&stuck, &[&disturbed]) {
        Verdict::Stalled(reason, message)
    } else if let Some((reason, message)) = told(&disturbed, &[]) {
        Verdict::Disturbed(reason, message)
    } else {
        let services = counted(outcome.observed.services.len() as u64, "service");
        Verdict::Ready(format!("{services} as the manifest wants"))
    }
}

type Said = (Reason, String);

/// The first one's reason, and what all have to say, each thing once.
fn told(first: &[Said], others: &[&Vec<Said>]) -> Option<Said> {
    let reason = first.first()?.0;
    let mut seen = BTreeSet::new();
    let all = first.iter().chain(others.iter().flat_map(|said| said.iter()));
    let messages: Vec<&str> = all
        .map(|(_, message)| message.as_str())
        .filter(|message| seen.insert(*message))
        .collect();
    Some((reason, messages.join("; ")))
}

/// The verdict on a pass that could not even be planned.
pub fn verdict_of_error(error: &Error) -> Verdict {
    let (reason, message) = (reason_of(error), error.to_string());
    match error.class() {
        Class::Transient | Class::Throttled => Verdict::Disturbed(reason, message),
        Class::Denied => Verdict::Reconciling(reason, message),
        Class::Refused | Class::Conflict | Class::Invalid | Class::Bug => Verdict::Stalled(reason, message),
    }
}

pub fn reason_of(error: &Error) -> Reason {
    let code = match error {
        Error::Aws(error) => error.code.as_str(),
        Error::Invalid(_)
        | Error::Kubernetes { .. }
        | Error::Forbidden { .. }
        | Error::Outdated { .. }
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

/// What is not for want of a permission, but of what the Platform or the account is set to.
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
