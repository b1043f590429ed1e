//! Kubernetes around a pass over one App: what it goes by, the calls that it asks for, and what is said of it.

mod applied;
mod contested;
mod ending;
mod hold;
mod judged;
mod leave;
mod measure;
mod room;
mod secrets;

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};

use futures::FutureExt;
use jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use kube::core::ObjectMeta;
use kube::runtime::reflector::ObjectRef;
use kube::{Resource, ResourceExt};
use serde_json::json;
use tracing::warn;

use self::hold::Hold;
use super::carrier::Carrier;
use super::clock;
use super::context::{Context, place_of, settings_of};
use super::kubernetes::claims::KubeClaims;
use super::kubernetes::failed;
use super::kubernetes::report::{self, EventType, Note, NoteReason};
use super::kubernetes::uninstall;
use super::leadership;
use super::memory::Key;
use super::packed::PackedApp;
use super::queue::dispatch::{Ended, message_of};
use super::sweeper;
use crate::api::app::{App, AppSpec, AppStatus, PlatformRecord};
use crate::api::condition::Reason;
use crate::api::event::EventReason;
use crate::api::platform::Platform;
use crate::aws::{Kind, Subject, calling, concerning};
use crate::budget::Asker;
use crate::change::{PortWrite, Write};
use crate::error::Error;
use crate::model::owner::AppName;
use crate::pass::{
    APP_FINALIZER, Deletion, End, Facts, Memory, Requeue, Settings, Step, Work, annotated, has_finalizer,
    is_leaving, not_taken, pending, recorded, start,
};
use crate::reconcile::{Request, reconcile};
use crate::status::{self, Verdict};
use crate::write::zones::Desk;
use crate::write::{Budgeted, Door};

pub(super) async fn pass(object: Arc<PackedApp>, context: Arc<Context>) -> Result<Ended, Error> {
    let key = ObjectRef::from_obj(&*object);
    let deletion =
        if object.meta().deletion_timestamp.is_some() && has_finalizer(object.meta(), APP_FINALIZER) {
            uninstall::deletion_of::<App>(&context.client).await
        } else {
            Ok(Deletion::Meant)
        };
    // Before the caches: that of Platforms is never filled where their definition is gone.
    if let Ok(Deletion::Keep) = deletion {
        return leave::keep(&object, &key, &context).await.map(Ended::from);
    }
    // After a start, a Platform that is not in the cache yet is not one that does not exist.
    if !context.caches.are_filled() {
        return Ok(Requeue::After(pending(fastrand::f64())).into());
    }
    // By what the caches showed before they were filled, it may have been another Lease's.
    if !context
        .leases
        .is_under(&leadership::Scope::of_app(&object, &context.caches.platforms))
    {
        return Ok(Requeue::Yielded.into());
    }
    let app = match object.unpack() {
        Ok(app) => app,
        Err(invalid)
            if invalid.metadata.deletion_timestamp.is_some() && annotated(&invalid.metadata).is_some() =>
        {
            leave::undecoded(&context.client, &invalid.metadata).await?
        }
        Err(invalid) => {
            let requeue = undecodable(&object, &invalid.error, &key, &context).await?;
            return Ok(Ended::failed(requeue));
        }
    };
    let _running = context.health.pass(key.to_string());
    let pass = Pass {
        app: &app,
        key: &key,
        context: &context,
    };
    context.memories.begin(&key);
    let run = AssertUnwindSafe(Box::pin(pass.run(deletion))).catch_unwind();
    let ended = match run.await {
        Ok(ended) => ended,
        // One App's trouble is not the others'.
        Err(panic) => {
            pass.finish(End::Failure(None, Error::Bug(message_of(&*panic))))
                .await
        }
    };
    pass.leave_room();
    if context.memories.end(&key, Timestamp::now()) {
        // What it waits for was released after it had looked.
        context.wake.apps([key]);
    } else if let Some(shown) = context.caches.apps.get(&key) {
        context.memories.saw(&shown);
    }
    Ok(ended)
}

fn only_named(metadata: &ObjectMeta) -> App {
    App {
        metadata: metadata.clone(),
        spec: AppSpec::default(),
        status: None,
    }
}

/// Stored before a change of the schema. Only an edit helps, and an edit wakes us.
async fn undecodable(object: &PackedApp, why: &str, key: &Key, context: &Context) -> Result<Requeue, Error> {
    warn!(app = %key, error = why, "cannot be decoded");
    let message = format!("this App cannot be read: {why}");
    let app = only_named(Resource::meta(object));
    let verdict = Verdict::Stalled(Reason::InvalidSpec, message.clone());
    let AppStatus {
        observed_generation,
        conditions,
        ..
    } = status::compute(&app, None, None, None, &verdict, Timestamp::now());
    context.give_up(key);
    // The rest of its status says what it holds, and is still good.
    let patch = json!({ "status": { "observedGeneration": observed_generation, "conditions": conditions } });
    report::patch(
        &context.client,
        object,
        &PatchParams::default(),
        &Patch::Merge(patch),
    )
    .await
    .map_err(failed("patch the status"))?;
    let trouble = (Reason::InvalidSpec, message);
    context.tell(&key.to_string(), &app, &[], &[trouble]).await;
    Ok(Requeue::Never)
}

struct Pass<'a> {
    app: &'a App,
    key: &'a Key,
    context: &'a Arc<Context>,
}

impl Pass<'_> {
    async fn run(&self, deletion: Result<Deletion, Error>) -> Ended {
        let end = match deletion {
            Ok(Deletion::Meant | Deletion::Keep) => self.start().await,
            // Its definition is being deleted, and does not say what becomes of what the App has.
            Ok(Deletion::Unsaid(message)) => Some(End::Verdict(Verdict::Reconciling(
                Reason::UninstallUnsaid,
                message,
            ))),
            Err(error) => Some(End::Failure(None, error)),
        };
        match end {
            Some(end) => self.finish(end).await,
            None => Requeue::Never.into(),
        }
    }

    /// `None` if nothing is left to say of the App.
    async fn start(&self) -> Option<End> {
        let context = self.context;
        if !is_leaving(self.app) {
            self.warn_of_processes_without_value().await;
        }
        let (platforms, namespace) = (
            context.caches.platforms(),
            self.app.namespace().unwrap_or_default(),
        );
        let mut facts = Facts {
            platforms: &platforms,
            installation: &context.installation,
            namespace: context.namespaces.known(&namespace),
            namespace_is_live: false,
            siblings: Vec::new(),
            secrets: None,
            stopped: context.stopped_writes(),
            settings: self.settings(),
            details_interval: sweeper::details_interval(context, self.app, &platforms),
        };
        loop {
            facts.siblings = self.siblings(&platforms, &namespace);
            match self.remember(|memory| start(memory, self.app, &facts, Timestamp::now())) {
                Step::Gone => {
                    context.forget(self.key);
                    return None;
                }
                Step::Release => {
                    return self
                        .leave_unfound()
                        .await
                        .err()
                        .map(|error| End::Failure(None, error));
                }
                Step::ReadNamespace => match context.namespaces.read(&context.client, &namespace).await {
                    Ok(labels) => (facts.namespace, facts.namespace_is_live) = (Some(labels), true),
                    Err(error) => return Some(End::Failure(None, error)),
                },
                Step::ReadSecrets(asked) => {
                    match secrets::read(context, self.key, &asked, &platforms).await {
                        Ok(known) => facts.secrets = Some(known),
                        Err(error) => {
                            return Some(End::Failure(recorded(self.app).map(Box::new), error));
                        }
                    }
                }
                Step::Conclude(end) => return Some(end),
                Step::Reconcile(work, request) => {
                    if let Err(error) = self.take_room(&work, &facts) {
                        return Some(not_taken(self.app, work.record, error));
                    }
                    let record = Box::new(work.record.clone());
                    let reconciled = self.reconcile(work, *request, &platforms).await;
                    return Some(reconciled.unwrap_or_else(|error| End::Failure(Some(record), error)));
                }
            }
        }
    }

    async fn reconcile(
        &self,
        mut work: Box<Work>,
        mut request: Request,
        platforms: &[Platform],
    ) -> Result<End, Error> {
        let context = self.context;
        let is_its = |platform: &&Platform| platform.name_any() == work.record.name;
        let Some(platform) = platforms.iter().find(is_its) else {
            return Err(Error::Bug(format!(
                "a pass began without Platform {}",
                work.record.name
            )));
        };
        let aws = context.aws(platform).await?;
        if let Some(ahead) = work.ahead.take() {
            self.write_status(&ahead).await?;
        }
        let warning = |(reason, text): (EventReason, String)| Note {
            kind: EventType::Warning,
            reason: NoteReason::Event(reason),
            action: "Build",
            text,
        };
        let warnings = work.warnings.drain(..).map(warning).collect();
        context.publish(self.app, warnings).await;
        let known = &mut request.known;
        (known.port_cursor, known.ports_recovered) = context.platforms.change(&work.record.name, |memory| {
            (memory.port_cursor(platform), memory.has_recovered_ports(platform))
        });
        let claims = KubeClaims {
            client: &context.client,
            platform,
            cache: &context.claims,
            metrics: &context.metrics,
        };
        let subject = Subject {
            app: Some(work.desired.owner.app.to_string()),
            ..Subject::default()
        };
        let door = Door {
            aws: &*aws,
            claims: &claims,
        };
        let AppName { namespace, name } = &work.desired.owner.app;
        let asker = Asker {
            namespace: namespace.to_string(),
            app: name.to_string(),
            rank: work.rank,
        };
        let caller = context.caller(place_of(platform), Kind::Pass(asker));
        let door = Budgeted {
            door: &door,
            caller: &caller,
        };
        let hold = self.hold(&work.record);
        let sending = (
            settings_of(platform),
            Carrier::new(aws.clone(), place_of(platform)),
        );
        let app = work.desired.owner.app.clone();
        let desk = Desk::open(&context.outbox, app, sending, &clock::now);
        let (view, begun) = (
            sweeper::view(context, platform, &aws, &work, &request),
            clock::now(),
        );
        let written_from = Timestamp::now();
        let pass = reconcile(
            &*aws,
            &view,
            &claims,
            (&door, Some(&desk)),
            &hold,
            &work.desired,
            request,
        );
        let reconciled = calling(caller.clone(), concerning(subject, Box::pin(pass))).await;
        sweeper::keep_new(context);
        let outcome = reconciled?;
        if outcome.has_tried_everything() {
            caller.give_up(written_from);
        }
        view.learned(&work.desired, &outcome.observed, &outcome.done, begun);
        view.awaits(&work.desired, &outcome.plan.pending);
        for change in &outcome.done {
            if let Write::Port(PortWrite::Claim(claim)) = &change.write {
                context.platforms.change(&work.record.name, |memory| {
                    memory.set_port_cursor(platform, claim.port);
                });
            }
        }
        Ok(End::Reconciled(work, Box::new(outcome)))
    }

    fn hold<'b>(&'b self, record: &'b PlatformRecord) -> Hold<'b> {
        Hold {
            app: self.app,
            key: self.key,
            record,
            context: self.context,
            since: OnceLock::new(),
        }
    }

    fn settings(&self) -> Settings {
        Settings {
            retire_after: self.context.config.retire_after,
            resync_interval: self.context.config.resync_interval,
        }
    }

    fn remember<T>(&self, change: impl FnOnce(&mut Memory) -> T) -> T {
        let uid = self.app.metadata.uid.as_deref();
        self.context.memories.change(self.key, uid, change)
    }
}
