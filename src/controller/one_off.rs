//! Kubernetes around a pass over one Run: what it goes by, the calls that it asks for, and what is said of it.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt;
use jiff::Timestamp;
use kube::api::{Api, DeleteParams, Preconditions};
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher::Event;
use kube::{Resource, ResourceExt};
use serde_json::{Value, json};
use tracing::{debug, error, warn};

use super::context::{Context, place_of};
use super::known_run::KnownRun;
use super::kubernetes::claims::KubeClaims;
use super::kubernetes::report::{self, EventType, Note, NoteReason};
use super::kubernetes::{failed, finalizer, uninstall};
use super::memory::run_name;
use super::queue::dispatch::{Ended, message_of};
use crate::api::app::App;
use crate::api::condition::Reason;
use crate::api::platform::Platform;
use crate::api::run::Run;
use crate::aws::{Kind, Subject, calling, concerning};
use crate::budget::Asker;
use crate::desired::has_limits;
use crate::error::Error;
use crate::fence::may_go_on;
use crate::model::class::Class;
use crate::model::exclusive::Exclusive;
use crate::model::owner::AppName;
use crate::model::rank::Rank;
use crate::pass::{
    Deletion, RUN_FINALIZER, Requeue, RunEnd, RunFacts, RunFinished, RunMemory, RunStep, RunWork, finish_run,
    has_finalizer, pending, start_run, version,
};
use crate::reconcile::run::{RunOutcome, reconcile};
use crate::reconcile::{BeforeWrites, Permission};
use crate::write::{Budgeted, Door};

/// Notes what the watch shows, and wakes the Apps to which an ended Run leaves room.
pub(super) fn heed(event: &Event<KnownRun>, context: &Context) {
    let siblings = &context.siblings;
    let namespaces = match event {
        Event::Apply(run) | Event::InitApply(run) => {
            let shown = version(run.meta().resource_version.as_deref());
            let is_roomy = siblings.saw_run(&run_name(run), run.sibling.clone(), shown);
            is_roomy
                .then(|| run.namespace().unwrap_or_default())
                .into_iter()
                .collect()
        }
        Event::Delete(run) => {
            context.forget_run(run);
            let is_roomy = siblings.saw_run(&run_name(run), None, Some(u64::MAX));
            is_roomy
                .then(|| run.namespace().unwrap_or_default())
                .into_iter()
                .collect()
        }
        Event::InitDone => siblings.retain_runs(|namespace, name| {
            let key = ObjectRef::new(name).within(namespace);
            context.caches.runs.get(&key).is_some()
        }),
        Event::Init => Vec::new(),
    };
    let rooms: BTreeSet<Exclusive> = namespaces.into_iter().map(Exclusive::Room).collect();
    context.wake_waiting(&rooms, None);
}

pub(super) async fn pass(object: Arc<KnownRun>, context: Arc<Context>) -> Result<Ended, Error> {
    if object.meta().deletion_timestamp.is_some() && has_finalizer(object.meta(), RUN_FINALIZER) {
        // Before the caches: that of Apps is never filled where their definition is gone.
        match uninstall::deletion_of::<Run>(&context.client).await? {
            Deletion::Meant => {}
            // Its definition is being deleted: all goes on running, or nobody has said yet what is meant.
            Deletion::Keep => return let_go(&object, &context).await,
            Deletion::Unsaid(message) => {
                warn!(run = object.name_any(), "not stopped: {message}");
                return Ok(Requeue::After(pending(fastrand::f64())).into());
            }
        }
    }
    // After a start, a Platform that is not in the cache yet is not one that does not exist.
    if !context.caches.are_filled() {
        return Ok(Requeue::After(pending(fastrand::f64())).into());
    }
    // By what the caches showed before they were filled, it may have been another Lease's.
    if !context.leases.is_under(&context.scope_of_run(&object)) {
        return Ok(Requeue::Yielded.into());
    }
    let api: Api<Run> = Api::namespaced(context.client.clone(), &object.namespace().unwrap_or_default());
    let live = api
        .get_opt(&object.name_any())
        .await
        .map_err(failed("get the Run"))?;
    // Another one of the name has an event of its own.
    let Some(run) = live.filter(|live| live.uid() == object.meta().uid) else {
        return Ok(Requeue::Never.into());
    };
    let key = ObjectRef::from_obj(&run).to_string();
    let _running = context.health.pass(key.clone());
    let pass = Pass {
        run: &run,
        key: &key,
        api: &api,
        context: &context,
    };
    let done = AssertUnwindSafe(Box::pin(pass.run())).catch_unwind().await;
    // One Run's trouble is not the others'.
    let ended = done.unwrap_or_else(|panic| Err(Error::Bug(message_of(&*panic))));
    if context.siblings.leave(&run_name(&run)) {
        let room = Exclusive::Room(run.namespace().unwrap_or_default());
        context.wake_waiting(&BTreeSet::from([room]), None);
    }
    ended
}

async fn let_go(object: &KnownRun, context: &Context) -> Result<Ended, Error> {
    let api: Api<KnownRun> = Api::namespaced(context.client.clone(), &object.namespace().unwrap_or_default());
    finalizer::release(&api, object, RUN_FINALIZER).await?;
    Ok(Requeue::Never.into())
}

struct Pass<'a> {
    run: &'a Run,
    key: &'a str,
    api: &'a Api<Run>,
    context: &'a Arc<Context>,
}

impl Pass<'_> {
    async fn run(&self) -> Result<Ended, Error> {
        let (context, run) = (self.context, self.run);
        let namespace = run.namespace().unwrap_or_default();
        let app = ObjectRef::new(&run.spec.app).within(&namespace);
        let app = context.caches.apps.get(&app).map(|app| app.unpack());
        let app: Option<Result<App, String>> = app.map(|app| app.map_err(|invalid| invalid.error));
        let labels = match context.namespaces.known(&namespace) {
            Some(labels) => labels,
            None => context.namespaces.read(&context.client, &namespace).await?,
        };
        let platforms = context.caches.platforms();
        let mut facts = RunFacts {
            app: app.as_ref().map(|app| app.as_ref().map_err(String::as_str)),
            platforms: &platforms,
            installation: &context.installation,
            namespace: &labels,
            siblings: if platforms.iter().any(has_limits) {
                context.siblings.of(&namespace)
            } else {
                Vec::new()
            },
            stopped: context.stopped_writes(),
        };
        let end = match self.start(&facts) {
            RunStep::Gone => {
                finalizer::release(self.api, self.run, RUN_FINALIZER).await?;
                return Ok(Requeue::Never.into());
            }
            RunStep::Expired => return self.delete().await,
            RunStep::Conclude(RunEnd::Left(why)) => self.left(why).await?,
            RunStep::Conclude(end) => end,
            RunStep::Reconcile(work) => match self.take_room(&work, &mut facts) {
                Err(end) => end,
                Ok(()) => self.reconcile(work, &platforms).await,
            },
        };
        self.finish(&end).await
    }

    /// Lets a Run go only if its Platform is gone, and not where this version cannot read it or the cache shows it late.
    async fn left(&self, why: String) -> Result<RunEnd, Error> {
        let status = self.run.status.as_ref();
        let record = status.and_then(|status| status.platform.as_ref());
        let name = record.map(|record| record.name.as_str()).unwrap_or_default();
        let platforms: Api<Platform> = Api::all(self.context.client.clone());
        let found = platforms.get_metadata_opt(name).await;
        Ok(match found.map_err(failed("get the Platform"))? {
            None => RunEnd::Left(why),
            Some(_) => RunEnd::Waits(
                Reason::PlatformNotFound,
                format!("Platform {name} cannot be read"),
            ),
        })
    }

    fn start(&self, facts: &RunFacts<'_>) -> RunStep {
        self.remember(|memory| start_run(memory, self.run, facts, Timestamp::now()))
    }

    /// Takes the room of a Run that is about to be recorded, unless passes of others have taken it since this one was begun.
    fn take_room(&self, work: &RunWork, facts: &mut RunFacts<'_>) -> Result<(), RunEnd> {
        let Some(grown) = &work.grown else {
            return Ok(());
        };
        let mut refused = None;
        let taken = self.context.siblings.take(&run_name(self.run), grown, |others| {
            facts.siblings = others.to_vec();
            match self.start(facts) {
                RunStep::Reconcile(_) => Ok(()),
                step @ (RunStep::Gone | RunStep::Expired | RunStep::Conclude(_)) => {
                    refused = Some(step);
                    Err(Error::Outdated { action: "take room" })
                }
            }
        });
        match (taken, refused) {
            (Ok(()), _) => Ok(()),
            (Err(_), Some(RunStep::Conclude(end))) => Err(end),
            (Err(error), _) => Err(RunEnd::Failure(error)),
        }
    }

    async fn reconcile(&self, work: Box<RunWork>, platforms: &[Platform]) -> RunEnd {
        match self.reconciled(&work, platforms).await {
            Ok(outcome) => RunEnd::Reconciled(work, Box::new(outcome)),
            Err(error) => RunEnd::Failure(error),
        }
    }

    async fn reconciled(&self, work: &RunWork, platforms: &[Platform]) -> Result<RunOutcome, Error> {
        let context = self.context;
        let mut platforms = platforms.iter();
        let platform = platforms.find(|platform| platform.name_any() == work.record.name);
        let Some(platform) = platform else {
            return Err(Error::Bug(format!(
                "a pass began without Platform {}",
                work.record.name
            )));
        };
        let aws = context.aws(platform).await?;
        let claims = KubeClaims {
            client: &context.client,
            platform,
            cache: &context.claims,
            metrics: &context.metrics,
        };
        let door = Door {
            aws: &*aws,
            claims: &claims,
        };
        let AppName { namespace, name } = run_name(self.run);
        let asker = Asker {
            namespace: namespace.to_string(),
            app: name.to_string(),
            rank: Rank::Edit,
        };
        let caller = context.caller(place_of(platform), Kind::Pass(asker));
        let door = Budgeted {
            door: &door,
            caller: &caller,
        };
        let subject = Subject {
            app: Some(work.desired.owner.app.to_string()),
            ..Subject::default()
        };
        let pass = reconcile(&*aws, &door, self, &work.desired, &work.request);
        calling(caller.clone(), concerning(subject, Box::pin(pass))).await
    }

    async fn finish(&self, end: &RunEnd) -> Result<Ended, Error> {
        if let RunEnd::Failure(failure) = end {
            if failure.is_a_wait() {
                debug!(run = self.key, %failure, "not carried on");
            } else if failure.class() == Class::Bug {
                error!(run = self.key, error = %failure, "failed");
            } else {
                warn!(run = self.key, error = %failure, "failed");
            }
        }
        let (now, jitter) = (Timestamp::now(), fastrand::f64());
        let finished = self.remember(|memory| finish_run(memory, self.run, end, now, jitter));
        let RunFinished {
            status,
            needs_hold,
            is_released,
            events,
            warnings,
            troubles,
            requeue,
            failed,
        } = finished;
        if needs_hold {
            self.hold(end).await?;
        }
        if let Some(status) = &status {
            let written = report::patch_status(&self.context.client, self.run, status).await?;
            let siblings = &self.context.siblings;
            siblings.wrote(&run_name(self.run), version(written.as_deref()));
        }
        let left = match end {
            RunEnd::Left(why) => Some(format!("deleted, and its task goes on to its end: {why}")),
            RunEnd::Reconciled(..)
            | RunEnd::Waits(..)
            | RunEnd::Invalid(_)
            | RunEnd::Failure(_)
            | RunEnd::Over => None,
        };
        let left = left.map(|text| {
            let reason = NoteReason::Condition(Reason::PlatformNotFound);
            note(EventType::Warning, reason, text)
        });
        let notes = events
            .into_iter()
            .map(|(reason, text)| note(EventType::Normal, NoteReason::Event(reason), text));
        let warnings = warnings
            .into_iter()
            .map(|(reason, text)| note(EventType::Warning, NoteReason::Event(reason), text));
        let notes = notes.chain(warnings).chain(left).collect();
        self.context.publish(self.run, notes).await;
        let before = self.run.status.as_ref().map(|status| status.conditions.clone());
        let before = before.unwrap_or_default();
        self.context.tell(self.key, self.run, &before, &troubles).await;
        if is_released {
            finalizer::release(self.api, self.run, RUN_FINALIZER).await?;
            // One that is being deleted has waited for it.
            if let Some(record) = self
                .run
                .status
                .as_ref()
                .and_then(|status| status.platform.as_ref())
            {
                self.context.wake.platform(&record.name);
            }
        }
        Ok(Ended { requeue, failed })
    }

    /// Puts the finalizer on the Run, and makes its App its owner, with which it is deleted.
    async fn hold(&self, end: &RunEnd) -> Result<(), Error> {
        let owner = match end {
            RunEnd::Reconciled(work, _) => work.owner.clone(),
            RunEnd::Waits(..) | RunEnd::Invalid(_) | RunEnd::Failure(_) | RunEnd::Over | RunEnd::Left(_) => {
                None
            }
        };
        let known = self.run.owner_references().iter();
        let mut owners: Vec<Value> = known
            .filter(|known| known.kind == App::kind(&()) && known.api_version == App::api_version(&()))
            .map(|known| json!(known))
            .collect();
        if let Some(uid) = owner.filter(|_| owners.is_empty()) {
            owners.push(json!({
                "apiVersion": App::api_version(&()),
                "kind": App::kind(&()),
                "name": self.run.spec.app,
                "uid": uid,
            }));
        }
        let metadata = json!({ "finalizers": [RUN_FINALIZER], "ownerReferences": owners });
        finalizer::apply(self.api, self.run, metadata).await.map(|_| ())
    }

    async fn delete(&self) -> Result<Ended, Error> {
        let parameters = DeleteParams {
            preconditions: Some(Preconditions {
                uid: self.run.uid(),
                resource_version: None,
            }),
            ..DeleteParams::background()
        };
        match self.api.delete(&self.run.name_any(), &parameters).await {
            Ok(_) => Ok(Requeue::Never.into()),
            // Another one of the name, or none.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(Requeue::Never.into()),
            Err(error) => Err(failed("delete the Run")(error)),
        }
    }

    fn remember<T>(&self, change: impl FnOnce(&mut RunMemory) -> T) -> T {
        let uid = self.run.uid().unwrap_or_default();
        self.context.run_memories.change(&uid, change)
    }
}

/// Finalizer and record are there before a pass that writes: the one before it has put them there.
#[async_trait]
impl BeforeWrites for Pass<'_> {
    async fn before_writes(&self) -> Result<(), Error> {
        Ok(())
    }

    fn permission(&self) -> Permission {
        if self.context.is_stopping() || !may_go_on() {
            Permission::Stop
        } else {
            Permission::Go
        }
    }
}

fn note(kind: EventType, reason: NoteReason, text: String) -> Note {
    Note {
        kind,
        reason,
        action: "Run",
        text,
    }
}
