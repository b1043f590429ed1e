//! What a pass left undone, sorted by how it will end.

use crate::api::condition::Reason;
use crate::change::{
    Change, ListenerWrite, LoadBalancerWrite, RecordBatch, ServiceWrite, TargetGroupWrite, Write, names_of,
};
use crate::error::Error;
use crate::model::class::Class;
use crate::model::counted;
use crate::model::record::RecordChange;
use crate::model::state::{Observed, ServiceState};
use crate::plan::{ObstacleKind, Pending};
use crate::reconcile::Outcome;
use crate::status::reason::{is_denial, reason_of};
use crate::status::request::with_request;
use crate::status::rollout::progress;

pub(super) type Said = (Reason, String);

/// The things that a pass left undone, by how they will end.
#[derive(Default)]
pub(super) struct Findings {
    /// It comes about by itself.
    pub waiting: Vec<Said>,
    /// Its operator, or another manifest, may yet bring what it needs.
    pub missing: Vec<Said>,
    /// The same of a permission or a quota, without which the App goes on as it is.
    pub denied: Vec<Said>,
    pub stuck: Vec<Said>,
    /// It is over in a moment.
    pub disturbed: Vec<Said>,
    /// Something else was faster. What is there, the next look finds; until then nobody needs to hear of it.
    pub raced: Vec<Said>,
    /// It has a turn, which comes soon.
    pub in_line: Vec<Said>,
}

impl Findings {
    /// Adds what an error leaves undone, with the policy that a denied one may want; `is_unserved` says if the App serves worse for
    /// want of it.
    fn add(
        &mut self,
        error: &Error,
        mut message: String,
        policy: Option<&str>,
        is_unserved: impl FnOnce() -> bool,
    ) {
        let (class, reason) = (error.class(), reason_of(error));
        if let Some(policy) = policy.filter(|_| class == Class::Denied) {
            message = format!("{message}: {policy}");
        }
        let said = (reason, message);
        let list = match class {
            Class::Transient | Class::Throttled => &mut self.disturbed,
            Class::Denied if is_denial(reason) && !is_unserved() => &mut self.denied,
            Class::Denied => &mut self.missing,
            Class::Refused | Class::Conflict | Class::Invalid | Class::Bug => &mut self.stuck,
        };
        list.push(said);
    }
}

/// Adds what AWS did not let be read.
fn cannot_be_read(outcome: &Outcome, findings: &mut Findings) {
    // What waits in line, the plan says.
    let unread = outcome.unread.iter().filter(|unread| !unread.is_in_line());
    for unread in unread {
        let error = Error::from(unread.error.clone());
        findings.add(&error, unread.to_string(), unread.part.added_policy(), || false);
    }
}

/// Sorts all that a pass left undone.
pub(super) fn findings(outcome: &Outcome) -> Findings {
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
        let message = format!("{}{}", subject(change), with_request(error));
        if matches!(error.class(), Class::Transient) && error.is_race() {
            findings.raced.push((reason_of(error), message));
        } else {
            let is_unserved = || leaves_unserved(change, &outcome.observed);
            findings.add(error, message, change.added_policy(), is_unserved);
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
