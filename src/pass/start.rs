//! The start of a pass: the App's binding, its desired state, the memory in its status, and the extent of the reads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::binding::{APP_FINALIZER, Binding, bind, has_finalizer, has_same_owner, is_accepted, is_leaving};
use super::held::{held, of_status};
use super::installation::Installation;
use super::memory::{Detailed, Look, Memory, is_recent, version};
use super::requeue::Before;
use super::secrets::{AskedSecrets, asked_secrets};
use super::siblings::{LetIn, Sibling, let_in};
use super::wanted::{unsaid, wanted};
use crate::api::app::{App, AppStatus, Counted, PlatformRecord, ProcessStatus};
use crate::api::condition::Reason;
use crate::api::event::EventReason;
use crate::api::platform::Platform;
use crate::change::Change;
use crate::desired::{self, NamespaceLabels};
use crate::error::Error;
use crate::model::desired::Desired;
use crate::model::name::Arn;
use crate::model::rank::Rank;
use crate::observe::{Details, Known, KnownSecrets};
use crate::reconcile::{Contradicted, Outcome, Request, Scope};
use crate::status::{self, Verdict};

/// The facts that a pass uses besides its App, as the caches show them.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    pub platforms: &'a [Platform],
    pub installation: &'a Installation,
    /// The labels of the App's namespace, where they are known.
    pub namespace: Option<NamespaceLabels>,
    /// True if they were read for this pass.
    pub namespace_is_live: bool,
    /// The Apps of its namespace, itself included or not. Without limits, they need not be there.
    pub siblings: Vec<Arc<Sibling>>,
    /// What is known of the secrets that the App names, once it was asked for.
    pub secrets: Option<KnownSecrets>,
    /// The reason why nothing may be written to AWS, if there is one.
    pub stopped: Option<Verdict>,
    pub settings: Settings,
    /// The interval at which what AWS gives singly is compared: listeners, certificates, attributes and schedules.
    pub details_interval: Duration,
}

/// Times that the operator sets.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub retire_after: Duration,
    pub resync_interval: Duration,
}

/// The end of a pass.
#[derive(Debug)]
pub enum End {
    /// It was reconciled, whatever of that failed.
    Reconciled(Box<Work>, Box<Outcome>),
    /// It got nowhere, of an App at this Platform; a deadline and a panic are errors like any other.
    Failure(Option<Box<PlatformRecord>>, Error),
    /// It waits for something that another manifest, or its operator, must bring.
    Verdict(Verdict),
}

impl End {
    /// True if the pass was not made, and the next one will not be soon.
    pub fn is_lasting(&self) -> bool {
        match self {
            End::Reconciled(..) => false,
            End::Verdict(_) => true,
            End::Failure(_, error) => !error.class().is_passing(),
        }
    }

    /// Everything that went wrong.
    pub fn errors(&self) -> Vec<Error> {
        match self {
            End::Reconciled(_, outcome) => outcome.errors().collect(),
            End::Failure(_, error) => vec![error.clone()],
            End::Verdict(_) => Vec::new(),
        }
    }
}

/// The next step of a pass.
#[derive(Debug)]
pub enum Step {
    /// The App may go: it never held anything.
    Gone,
    /// The App may go, and what it has in AWS stays: its Platform, which is gone, would be needed to find it.
    Release,
    /// The labels of the namespace are to be read live, and the pass begins again.
    ReadNamespace,
    /// What is known of these secrets is to be found, and the pass begins again.
    ReadSecrets(Box<AskedSecrets>),
    Conclude(End),
    Reconcile(Box<Work>, Box<Request>),
}

/// A pass that is to reconcile.
#[derive(Debug)]
pub struct Work {
    pub desired: Desired,
    pub record: PlatformRecord,
    /// The status to be written before anything is made.
    pub ahead: Option<AppStatus>,
    /// The App as it will be then, where it is let in with more than before: others are to count it from now on.
    pub grown: Option<Arc<Sibling>>,
    /// Warnings about the manifest that are not out yet: reason and message.
    pub warnings: Vec<(EventReason, String)>,
    /// The urgency of what it writes.
    pub rank: Rank,
    pub(super) platform_generation: Option<i64>,
    /// The amounts that it was let in with, where its namespace has limits.
    pub(super) counted: Option<Counted>,
    pub(super) ttl: u32,
    pub(super) suspended: bool,
    pub(super) before: Before,
    /// The pass read the details that AWS gives singly.
    pub(super) reads_details: bool,
    /// It left them out.
    pub(super) lacks_details: bool,
}

/// Decides what a pass does. Until it is finished, the memory has all of AWS read again: a pass that ends in between
/// leaves nothing to believe in, but what is backing off stays so.
pub fn start(memory: &mut Memory, app: &App, facts: &Facts<'_>, now: Timestamp) -> Step {
    memory.see(version(app.metadata.resource_version.as_deref()));
    let leaving = is_leaving(app);
    if leaving && !has_finalizer(&app.metadata, APP_FINALIZER) {
        return Step::Gone;
    }
    let is_new = memory.is_new(app);
    if is_new {
        memory.warned.get_or_insert(0);
    }
    let Some(namespace) = &facts.namespace else {
        return Step::ReadNamespace;
    };
    // A deletion remembers nothing; and a definition that is being deleted itself cannot be brought up to date.
    if let Some(verdict) = facts.stopped.as_ref().filter(|_| !leaving) {
        return Step::Conclude(End::Verdict(verdict.clone()));
    }
    let binding = match bind(app, facts.platforms, facts.installation) {
        Ok(binding) => binding,
        Err(verdict) if needs_no_platform(app, &verdict) => return Step::Release,
        Err(verdict) => return Step::Conclude(End::Verdict(verdict)),
    };
    let known = memory.status(app);
    let secrets = facts.secrets.clone().unwrap_or_default();
    let wanted = wanted(app, known.as_ref(), (&binding, namespace), &secrets, now);
    // Nothing is read for whoever may not be here.
    let asked = || asked_secrets(app, known.as_ref(), binding.platform, is_new);
    if let Some(asked) = (facts.secrets.is_none() && wanted.is_ok()).then(asked).flatten() {
        return Step::ReadSecrets(asked);
    }
    let let_in = wanted.and_then(|built| {
        let platforms = (binding.platform, facts.platforms);
        let let_in = let_in(app, known.as_ref(), platforms, namespace, &facts.siblings)?;
        Ok((built.desired, built.warnings, let_in))
    });
    let (desired, warnings, let_in) = match let_in {
        Ok(wanted) => wanted,
        // What the watch says of the namespace may be old.
        Err(error) if is_to_be_asked_again(memory, app, &error) && !facts.namespace_is_live => {
            return Step::ReadNamespace;
        }
        Err(error) => {
            return Step::Conclude(not_taken(app, binding.record, error));
        }
    };
    let Binding {
        platform, ref record, ..
    } = binding;
    let warnings = unsaid(memory, app, &desired, warnings, now);
    memory.warned = app.metadata.generation;

    let rank = memory.rank(app, platform);
    let ahead = ahead(memory, app, platform, record, (&desired, let_in.as_ref()), now);
    let status = ahead.as_ref().or(known.as_ref());
    let whole = request(app, status, platform, facts.settings.retire_after, now);
    let echoes = memory.echoes.clone().unwrap_or(whole.known.echoes);
    let is_asked = memory.is_asked_to_look(app);
    // Until a pass has looked.
    memory.doubts |= is_asked;
    let (scope, backing_off, before) = scope(memory, app, platform, is_asked, now);
    // What is waited for is read by name anyway.
    let looks_now = is_asked || memory.doubts && matches!(scope, Scope::Everything);
    let details = if looks_now {
        Details::Read
    } else {
        memory.details(app, platform, facts.details_interval, now)
    };
    let look = memory.look.as_ref();
    let request = Request {
        known: Known {
            task_definitions: memory.task_definitions(),
            held: held(whole.known.held, memory, app, &binding, &desired),
            // What no reply has shown is tried again for a new generation.
            echoes: if is_new { echoes.anew() } else { echoes },
            details,
            secrets_failed: secrets.failed,
            // What is written ahead says nothing of what was lost.
            release: status::release(known.as_ref()),
            ..whole.known
        },
        looks_now,
        scope,
        backing_off,
        contradicted: look.map(|look| look.contradicted.clone()).unwrap_or_default(),
        ..whole
    };
    memory.begin();
    let work = Work {
        rank,
        platform_generation: platform.metadata.generation,
        ttl: desired::ttl(platform),
        suspended: request.suspended,
        reads_details: matches!(request.known.details, Details::Read)
            && matches!(request.scope, Scope::Everything),
        lacks_details: request.known.details.are_partial(),
        desired,
        grown: grown(app, record, ahead.as_ref(), let_in.as_ref()),
        record: binding.record,
        ahead,
        warnings,
        before,
        counted: let_in.map(|let_in| let_in.counted),
    };
    Step::Reconcile(Box::new(work), Box::new(request))
}

/// True if the App retains its resources and its Platform is gone: they stay with our tags, since nothing can find them.
fn needs_no_platform(app: &App, verdict: &Verdict) -> bool {
    is_leaving(app)
        && desired::retains(app, None)
        && matches!(verdict, Verdict::Reconciling(Reason::PlatformNotFound, _))
}

/// Returns an App as the others of its namespace are to count it, if it is let in with more than before.
fn grown(
    app: &App,
    record: &PlatformRecord,
    ahead: Option<&AppStatus>,
    let_in: Option<&LetIn>,
) -> Option<Arc<Sibling>> {
    let_in.filter(|let_in| let_in.grows)?;
    Some(Arc::new(Sibling::at(Some(record.name.clone()), app, ahead)))
}

/// Returns the end of a pass over an App that its Platform does not take up as it is. Its status may name the Platform: not
/// one that does not let it in, and never has.
pub fn not_taken(app: &App, record: PlatformRecord, error: Error) -> End {
    let is_its = !error.is_about_tenancy() || is_accepted(app, &record.name);
    End::Failure(is_its.then(|| Box::new(record)), error)
}

/// Returns true if a refusal may come from what the watch said of the namespace before. One that waits for room is tried again
/// and again, and asks once for each edit.
fn is_to_be_asked_again(memory: &Memory, app: &App, error: &Error) -> bool {
    let waits = matches!(error, Error::OverLimit(_)) && memory.room.is_some() && !memory.is_new(app);
    error.is_about_tenancy() && !waits
}

/// A new generation is not Ready before it is, however long the first look at AWS takes; and where the App is about to
/// hold something, at which Platform, in which parts and how much of it at the most, is recorded before it does.
fn ahead(
    memory: &Memory,
    app: &App,
    platform: &Platform,
    record: &PlatformRecord,
    (desired, let_in): (&Desired, Option<&LetIn>),
    now: Timestamp,
) -> Option<AppStatus> {
    let known = memory.status(app);
    let let_in = let_in.filter(|let_in| let_in.grows);
    let grows = let_in.is_some()
        || known
            .as_ref()
            .is_some_and(|status| status::recorded_ahead(status, desired).is_some());
    let is_known = memory
        .shown(app)
        .and_then(|status| status.platform)
        .is_some_and(|known| known.name == record.name && has_same_owner(&known, record));
    // A task is started only by an attempt that outlives this process.
    // Nor is a task replaced by one for a change that does not.
    let recorded = |status: Option<AppStatus>| {
        let status = status.unwrap_or_default();
        let processes = status.processes.into_iter();
        let submitted = processes.filter_map(|process| Some((process.name, process.submitted?)));
        let changes = submitted.filter_map(|(name, submitted)| Some((name, submitted.secret_change?)));
        (status.release, changes.collect::<Vec<_>>())
    };
    let is_recorded = recorded(memory.shown(app)) == recorded(known.clone());
    if !memory.is_new(app) && !grows && is_known && is_recorded {
        return None;
    }
    let verdict = if !is_leaving(app) {
        Verdict::Reconciling(Reason::Progressing, "comparing this generation with AWS".into())
    } else if desired::retains(app, Some(platform)) {
        let message = "untagging everything that this App holds in AWS (Retain)";
        Verdict::Reconciling(Reason::Deleting, message.into())
    } else if desired.adopted.stays && desired.adopted.may_be_there {
        let message = "removing what this App holds in AWS, and untagging what it has adopted";
        Verdict::Reconciling(Reason::Deleting, message.into())
    } else {
        let message = "removing everything that this App holds in AWS";
        Verdict::Reconciling(Reason::Deleting, message.into())
    };
    let mut status = memory.compute(app, Some(record), None, &verdict, now);
    if let Some(holds) = status::recorded_ahead(&status, desired) {
        status.holds = Some(holds);
    }
    if let Some(let_in) = let_in {
        status.counted = Some(let_in.counted.clone());
    }
    (!memory.shows(app, &status)).then_some(status)
}

/// All there is, unless this pass was woken by something that the last one knew it had to wait for, or that one yielded.
/// And what is still backing off.
fn scope(
    memory: &Memory,
    app: &App,
    platform: &Platform,
    is_asked: bool,
    now: Timestamp,
) -> (Scope, Vec<(Change, Error)>, Before) {
    let same = |look: &&Look| {
        look.generation == app.metadata.generation && look.platform_generation == platform.metadata.generation
    };
    let Some(look) = memory.look.as_ref().filter(same) else {
        return (Scope::Everything, Vec::new(), Before::default());
    };
    let open = &look.open;
    let is_backing_off = !open.backing_off.is_empty() && now < open.backing_off_until;
    let mut before = Before {
        everything_at: None,
        backing_off_until: is_backing_off.then_some(open.backing_off_until),
    };
    let backing_off = if is_backing_off {
        open.backing_off.clone()
    } else {
        Vec::new()
    };
    if let Some(outcome) = look
        .outcome
        .as_ref()
        .filter(|_| !is_asked && look.yielded.is_some_and(|at| is_recent(at, now)))
    {
        before.everything_at = Some(open.everything_at);
        return (Scope::Interrupted(outcome.clone()), backing_off, before);
    }
    let in_time = !is_asked && now < open.everything_at && (open.backing_off.is_empty() || is_backing_off);
    // A deletion looks at everything, so that it leaves nothing behind.
    if !open.only_pending || !in_time || is_leaving(app) || memory.details == Detailed::Owed {
        return (Scope::Everything, backing_off, before);
    }
    before.everything_at = Some(open.everything_at);
    let scope = Scope::Pending {
        before: Box::new(look.found.observed()),
        pending: look.pending.clone(),
    };
    (scope, backing_off, before)
}

/// A pass that looks at everything, by nothing but the App and the status it has.
pub fn request(
    app: &App,
    status: Option<&AppStatus>,
    platform: &Platform,
    retire_after: Duration,
    now: Timestamp,
) -> Request {
    let waits = status::waits(status, retire_after, desired::ttl(platform), now);
    let holdings = status::holdings(status, has_finalizer(&app.metadata, APP_FINALIZER));
    Request {
        known: Known {
            mentioned: mentioned(app, status),
            rollouts: status::rollouts(status),
            release: status::release(status),
            revisions: status::revisions(status),
            echoes: status::echoes(status),
            reported_definitions: reported_definitions(status),
            held: of_status(status, holdings.is_new),
            holdings,
            ..Known::default()
        },
        scope: Scope::Everything,
        retiring: waits.retiring,
        waits_over: waits.over,
        now: now.as_second(),
        suspended: is_suspended(app, platform),
        looks_now: false,
        backing_off: Vec::new(),
        contradicted: Contradicted::new(),
    }
}

/// A service that drains is in no list. Of one whose status was lost, the manifest still speaks; a new App has none.
fn mentioned(app: &App, status: Option<&AppStatus>) -> BTreeSet<String> {
    let reported = status.into_iter().flat_map(|status| &status.processes);
    let reported: BTreeSet<String> = reported.map(|process| process.name.clone()).collect();
    if reported.is_empty() && has_finalizer(&app.metadata, APP_FINALIZER) {
        return app.spec.processes.keys().cloned().collect();
    }
    reported
}

/// Returns the task definition that each process runs, by its status: nothing else says it of a process without service
/// and schedule.
fn reported_definitions(status: Option<&AppStatus>) -> BTreeMap<String, Arn> {
    let reported = status.into_iter().flat_map(|status| &status.processes);
    let definition = |process: &ProcessStatus| {
        let arn = process.task_definition.clone()?;
        Some((process.name.clone(), Arn(arn)))
    };
    reported.filter_map(definition).collect()
}

/// A suspended App may release what it has: nothing stops for it.
fn is_suspended(app: &App, platform: &Platform) -> bool {
    let may_leave = is_leaving(app) && desired::retains(app, Some(platform));
    app.spec.suspend.unwrap_or(false) && !may_leave
}
