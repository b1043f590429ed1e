//! One pass over a Run, without Kubernetes. It goes by the Run as the API server has it, since a status that is older than the
//! last one would be another attempt.
//!
//! ```text
//!  RunMemory + Run + RunFacts ──start_run──▶ RunStep ··reconcile··▶ RunEnd ──finish_run──▶ RunFinished
//! ```

mod finish;

pub use finish::{RunFinished, finish_run};

use std::sync::Arc;

use jiff::Timestamp;
use kube::ResourceExt;

use super::binding::{Binding, agrees, bind, has_finalizer, is_leaving, record};
use super::installation::Installation;
use super::siblings::{Sibling, check_room_of_run};
use crate::api::app::{App, PlatformRecord, TaskSize};
use crate::api::condition::Reason;
use crate::api::platform::Platform;
use crate::api::run::{Run, RunPhase, RunSpec, RunStatus};
use crate::desired::{self, BuiltRun, NamespaceLabels, app_name, build_run};
use crate::error::Error;
use crate::model::desired::Desired;
use crate::model::name::{Arn, family};
use crate::model::owner::{AppName, Owner};
use crate::model::release::TaskRequest;
use crate::model::secret::Secrets;
use crate::plan::WantedRun;
use crate::reconcile::run::{RunOutcome, RunRequest};
use crate::status::{self, Verdict, run_attempt, run_log};

/// On every Run whose task is, or is about to be, started.
pub const RUN_FINALIZER: &str = "empire.dev/run";

/// What this process remembers of a Run. Lost, it costs nothing but waits.
#[derive(Clone, Debug, Default)]
pub struct RunMemory {
    pub(super) failures: u32,
    /// The number of the attempt whose last answer was no, and a clear one. Never in a status: after a start, an answer to a call
    /// that was made since then may be lost.
    pub(super) refused: Option<u32>,
}

/// The facts that a pass uses besides its Run.
#[derive(Debug)]
pub struct RunFacts<'a> {
    /// The App that it names, or why it cannot be read.
    pub app: Option<Result<&'a App, &'a str>>,
    pub platforms: &'a [Platform],
    pub installation: &'a Installation,
    pub namespace: &'a NamespaceLabels,
    /// The Apps and Runs of its namespace.
    pub siblings: Vec<Arc<Sibling>>,
    /// The reason why nothing may be written to AWS, if there is one.
    pub stopped: Option<Verdict>,
}

/// The next step of a pass.
#[derive(Debug)]
pub enum RunStep {
    /// It may go, and nothing is left to say of it.
    Gone,
    /// Its time after its end is over.
    Expired,
    Conclude(RunEnd),
    Reconcile(Box<RunWork>),
}

/// The end of a pass.
#[derive(Debug)]
pub enum RunEnd {
    Reconciled(Box<RunWork>, Box<RunOutcome>),
    /// It waits for something that another manifest, or its operator, must bring.
    Waits(Reason, String),
    /// It asks for what cannot be, and can never be changed.
    Invalid(String),
    Failure(Error),
    /// It had ended before.
    Over,
    /// It may go, although its task may still run: its Platform is gone, without which nobody can stop it.
    Left(String),
}

/// A pass that is to reconcile.
#[derive(Debug)]
pub struct RunWork {
    /// Empty but for whose the task is, and where.
    pub desired: Desired,
    pub record: PlatformRecord,
    pub request: RunRequest,
    /// Why nothing may be started for it now.
    pub blocked: Option<(Reason, String)>,
    /// The App that it goes with, by UID: of the first attempt, which this pass records.
    pub owner: Option<String>,
    /// As it would be started now.
    pub size: Option<TaskSize>,
    /// What its developer should hear of its command, from the pass that records it first.
    pub hint: Option<String>,
    /// The Run as the others of its namespace are to count it, where it is about to be recorded.
    pub grown: Option<Arc<Sibling>>,
}

/// Decides what a pass does.
pub fn start_run(memory: &RunMemory, run: &Run, facts: &RunFacts<'_>, now: Timestamp) -> RunStep {
    let status = run.status.as_ref();
    let is_deleted = run.metadata.deletion_timestamp.is_some();
    if is_deleted && !has_finalizer(&run.metadata, RUN_FINALIZER) {
        return RunStep::Gone;
    }
    if status
        .and_then(|status| status.phase)
        .is_some_and(RunPhase::is_over)
    {
        return match left_of_ttl(run, now) {
            _ if is_deleted => RunStep::Gone,
            Some(left) if left <= 0 => RunStep::Expired,
            Some(_) | None => RunStep::Conclude(RunEnd::Over),
        };
    }
    if let Some(Verdict::Reconciling(reason, message)) = facts.stopped.as_ref().filter(|_| !is_deleted) {
        return RunStep::Conclude(RunEnd::Waits(*reason, message.clone()));
    }
    let attempt = run_attempt(status);
    if attempt.is_none() && is_deleted {
        return RunStep::Gone;
    }
    let wanted = wanted(run, facts);
    let recorded = status.and_then(|status| status.platform.as_ref());
    let (platform, record, owner) = match (recorded.filter(|_| attempt.is_some()), &wanted) {
        (Some(recorded), _) => match where_it_is(run, recorded, facts) {
            Ok((platform, owner)) => (platform, recorded.clone(), owner),
            Err(RunEnd::Waits(Reason::PlatformNotFound, message)) if is_deleted => {
                return RunStep::Conclude(RunEnd::Left(message));
            }
            Err(end) => return RunStep::Conclude(end),
        },
        (None, Ok(wanted)) => {
            let Binding {
                platform,
                record,
                owner,
            } = &wanted.binding;
            (*platform, record.clone(), owner.clone())
        }
        (None, Err(_)) => return RunStep::Conclude(wanted.err().unwrap_or(RunEnd::Over)),
    };
    let is_first = attempt.is_none();
    // One that is recorded is looked for, whatever has become of its App.
    let (wanted, blocked) = match wanted {
        Ok(wanted) => (Some(wanted), None),
        Err(RunEnd::Waits(reason, message)) => (None, Some((reason, message))),
        Err(RunEnd::Invalid(message)) => (None, Some((Reason::NotReleased, message))),
        Err(_) => (None, None),
    };
    let is_refused = attempt
        .as_ref()
        .is_some_and(|open| memory.refused == Some(open.number));
    let built = wanted.as_ref().map(|wanted| &wanted.built);
    let logging = built.and_then(|built| built.logging.clone());
    let request = RunRequest {
        is_refused,
        wanted: WantedRun {
            uid: run.uid().unwrap_or_default(),
            request: wanted.as_ref().map(Wanted::request),
            timeout: built.map_or(0, |built| built.timeout),
            digest: built.map(|built| built.digest.clone()).unwrap_or_default(),
            is_leaving: is_deleted,
            logging: run_log(status).or(logging),
        },
        attempt,
        now: now.as_second(),
    };
    let size = built.map(|built| built.size);
    RunStep::Reconcile(Box::new(RunWork {
        desired: Desired::empty(owner, desired::place(platform)),
        owner: wanted
            .as_ref()
            .filter(|_| is_first)
            .and_then(|wanted| wanted.app.uid()),
        grown: size
            .filter(|_| is_first && desired::has_limits(platform))
            .map(|size| Arc::new(Sibling::of_run(run, &record.name, size))),
        hint: built.and_then(|built| built.hint.clone()).filter(|_| is_first),
        size,
        record,
        request,
        blocked,
    }))
}

/// Returns the seconds until a Run that has ended is deleted. `None`: it is kept.
fn left_of_ttl(run: &Run, now: Timestamp) -> Option<i64> {
    let ttl = desired::whole_seconds(run.spec.ttl_after_finished.as_ref()?)?;
    let ended = run.status.as_ref()?.finished_at.as_ref()?;
    Some(ended.0.as_second() + i64::from(ttl) - now.as_second())
}

/// A Run that may be started.
struct Wanted<'a> {
    app: &'a App,
    binding: Binding<'a>,
    built: BuiltRun,
    revision: Arn,
}

impl Wanted<'_> {
    fn request(&self) -> TaskRequest {
        let BuiltRun {
            process,
            placing,
            overrides,
            ..
        } = &self.built;
        TaskRequest {
            process: process.clone(),
            task_definition: self.revision.clone(),
            placing: placing.clone(),
            token: String::new(),
            overrides: Some(Box::new(overrides.clone())),
        }
    }
}

/// Returns what a Run would be started with now, or why it waits.
fn wanted<'a>(run: &Run, facts: &RunFacts<'a>) -> Result<Wanted<'a>, RunEnd> {
    let name = &run.spec.app;
    let waits = |reason, message: String| RunEnd::Waits(reason, message);
    let app = match facts.app {
        None => {
            return Err(waits(
                Reason::AppNotFound,
                format!("there is no App {name} in this namespace"),
            ));
        }
        Some(Err(why)) => {
            return Err(waits(
                Reason::NotReleased,
                format!("App {name} cannot be read: {why}"),
            ));
        }
        Some(Ok(app)) if is_leaving(app) => {
            return Err(waits(Reason::AppNotFound, format!("App {name} is being deleted")));
        }
        Some(Ok(app)) => app,
    };
    if app.spec.suspend == Some(true) {
        let message = format!("App {name} is suspended, and nothing is started for it");
        return Err(waits(Reason::Suspended, message));
    }
    let binding = bind(app, facts.platforms, facts.installation).map_err(|verdict| match verdict {
        Verdict::Reconciling(reason, message)
        | Verdict::Stalled(reason, message)
        | Verdict::Disturbed(reason, message)
        | Verdict::Lasting(reason, message)
        | Verdict::Denied(reason, message) => RunEnd::Waits(reason, format!("App {name}: {message}")),
        Verdict::Ready(message) | Verdict::Suspended(message) => RunEnd::Waits(Reason::Suspended, message),
    })?;
    // What its App has found out: a Run has the revision that its App has registered.
    let secrets = Secrets {
        shown: status::secrets(app.status.as_ref()),
        ..Secrets::default()
    };
    let with = |run: &Run| {
        let installation = &binding.owner.installation;
        build_run(
            run,
            app,
            binding.platform,
            facts.namespace,
            installation,
            &secrets,
        )
    };
    let built = with(run);
    let built = built.map_err(|error| {
        let plain = plain(run);
        // What its App brings, another manifest of it may mend, or a newer one than the cache has.
        match with(&plain) {
            Err(Error::Invalid(message)) if plain.spec.process.is_some() => {
                waits(Reason::NotReleased, format!("App {name}: {message}"))
            }
            Ok(_) | Err(_) => refused(error),
        }
    })?;
    if let Some(why) = unjudged(app) {
        return Err(waits(Reason::NotReleased, format!("App {name}: {why}")));
    }
    let revision = revision(app, &built.process, &binding.record).ok_or_else(|| {
        let process = &built.process;
        waits(
            Reason::NotReleased,
            format!("process {process} of App {name} is not registered in AWS yet"),
        )
    })?;
    check_room_of_run(
        run,
        (app, built.size),
        (binding.platform, facts.platforms),
        facts.namespace,
        &facts.siblings,
    )
    .map_err(refused)?;
    Ok(Wanted {
        app,
        binding,
        built,
        revision,
    })
}

/// Returns a Run of the same process that says nothing of its own.
fn plain(run: &Run) -> Run {
    Run {
        spec: RunSpec {
            app: run.spec.app.clone(),
            process: run.spec.process.clone(),
            ..RunSpec::default()
        },
        ..run.clone()
    }
}

/// Returns why nothing new is started with what an App has: its last edit may have taken away what serves still, such as a role.
fn unjudged(app: &App) -> Option<String> {
    let status = app.status.as_ref();
    if status.map(|status| status.observed_generation) != app.metadata.generation {
        return Some("its last edit was not looked at yet".into());
    }
    let conditions = status.into_iter().flat_map(|status| &status.conditions);
    let mut stalled =
        conditions.filter(|condition| condition.type_ == "Stalled" && condition.status == "True");
    let refused = [Reason::NotAllowed, Reason::InvalidSpec];
    let found = stalled.find(|condition| refused.iter().any(|reason| reason.as_str() == condition.reason))?;
    Some(format!("{}: {}", found.reason, found.message))
}

/// A Run cannot be edited, so that only what its Platform or its App may yet bring is waited for.
fn refused(error: Error) -> RunEnd {
    if let Error::Invalid(message) = error {
        RunEnd::Invalid(message)
    } else if error.is_about_tenancy() {
        RunEnd::Waits(Reason::NotAllowed, error.to_string())
    } else {
        RunEnd::Failure(error)
    }
}

/// Returns the revision that the App's own pass has said to be run, at the Platform that it is on.
fn revision(app: &App, process: &str, record: &PlatformRecord) -> Option<Arn> {
    let status = app.status.as_ref()?;
    let known = status.platform.as_ref().filter(|known| known.name == record.name);
    known?;
    let shown = status.processes.iter().find(|shown| shown.name == process)?;
    let revision = shown.task_definition.clone()?;
    // Never that of another, whatever a status says.
    let family = family(&app_name(app), process);
    let is_its = |arn: &str| {
        arn.rsplit('/')
            .next()?
            .rsplit_once(':')
            .map(|(found, _)| found == family)
    };
    is_its(&revision).unwrap_or(false).then_some(Arn(revision))
}

/// Returns the Platform at which the task of a Run is, and whose it is.
fn where_it_is<'a>(
    run: &Run,
    recorded: &PlatformRecord,
    facts: &RunFacts<'a>,
) -> Result<(&'a Platform, Owner), RunEnd> {
    let changed = |message| RunEnd::Waits(Reason::OwnerChanged, message);
    let installation = facts.installation.id().map_err(changed)?;
    let theirs = recorded.owner_id.as_ref();
    if let Some(message) = theirs.and_then(|theirs| facts.installation.contradiction(theirs)) {
        return Err(changed(message));
    }
    let name = &recorded.name;
    let mut platforms = facts.platforms.iter();
    let Some(platform) = platforms.find(|platform| platform.name_any() == *name) else {
        let message = format!("there is no Platform {name}, which is where its task is: create it again");
        return Err(RunEnd::Waits(Reason::PlatformNotFound, message));
    };
    if !agrees(recorded, &record(platform)) {
        let message = format!(
            "Platform {name} is not where its task is: that is in region {}, cluster {}",
            recorded.region, recorded.cluster
        );
        return Err(RunEnd::Waits(Reason::PlatformChanged, message));
    }
    let owner = Owner {
        installation: installation.into(),
        app: AppName {
            namespace: run.namespace().unwrap_or_default().into(),
            name: run.spec.app.as_str().into(),
        },
    };
    Ok((platform, owner))
}

/// Returns true if a Run may have a task that has not ended, by its status.
pub fn is_under_way(status: Option<&RunStatus>) -> bool {
    let is_over = |status: &RunStatus| status.phase.is_some_and(RunPhase::is_over);
    status.is_some_and(|status| status.attempt.is_some() && !is_over(status))
}
