//! One pass over one App: which Platform, what is wanted, the reconcile, and what to say about it.

mod applied;
mod holdings;
mod leave;
mod say;

use std::any::Any;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use jiff::Timestamp;
use kube::api::{Api, Patch, PatchParams};
use kube::core::{DeserializeGuard, ObjectMeta};
use kube::runtime::controller::Action;
use kube::runtime::reflector::ObjectRef;
use kube::{Resource, ResourceExt};
use serde_json::json;
use tracing::warn;

use self::holdings::holds_anything;
use super::agenda::{Agenda, Before, agenda};
use super::claims::KubeClaims;
use super::context::Context;
use super::denials;
use super::finalizer::{self, APP_FINALIZER, Hold, has_finalizer};
use super::kubernetes::failed;
use super::memory::{Key, Look, Memory};
use super::prepare::{Bound, bind, is_suspended, request, wanted, yesterday};
use super::report::{self, api_of};
use super::resolve::annotated;
use super::uninstall::{self, Deletion};
use crate::api::app::{App, AppSpec, AppStatus, PlatformRecord};
use crate::api::condition::Reason;
use crate::api::event::EventReason;
use crate::api::platform::Platform;
use crate::aws::{AwsError, Subject, concerning};
use crate::change::{Change, PortWrite, Write};
use crate::desired::{self, Built};
use crate::error::Error;
use crate::model::desired::Desired;
use crate::model::echo::EchoMemory;
use crate::model::name::Arn;
use crate::model::state::TaskDefinitionState;
use crate::observe::Known;
use crate::reconcile::{BeforeWrites, Outcome, Request, Scope, reconcile};
use crate::status::{self, Verdict, verdict_of};
use crate::write::Door;

pub(super) async fn pass(object: Arc<DeserializeGuard<App>>, context: Arc<Context>) -> Result<Action, Error> {
    let key = ObjectRef::from_obj(&*object);
    let deletion = if object.meta().deletion_timestamp.is_some() && has_finalizer(&*object, APP_FINALIZER) {
        uninstall::deletion_of::<App>(&context.client).await
    } else {
        Ok(Deletion::Meant)
    };
    // Before the caches: that of Platforms is never filled where their definition is gone.
    if let Ok(Deletion::Keep) = deletion {
        return leave::keep(&object, &key, &context).await;
    }
    // After a start, a Platform that is not in the cache yet is not one that does not exist.
    if !context.caches.are_filled().await {
        return Ok(Action::await_change());
    }
    let app = match &object.0 {
        Ok(app) => Cow::Borrowed(app),
        Err(invalid)
            if invalid.metadata.deletion_timestamp.is_some() && annotated(&invalid.metadata).is_some() =>
        {
            Cow::Owned(leave::undecoded(&context.client, &invalid.metadata).await?)
        }
        Err(invalid) => return undecodable(&object, &invalid.error, &key, &context).await,
    };
    let _running = context.health.pass(key.to_string());
    let pass = Pass::new(&app, &key, &context);
    match deletion {
        Ok(Deletion::Meant | Deletion::Keep) => {}
        Ok(Deletion::Unsaid(message)) => return pass.waits_for_word(message).await,
        Err(error) => return pass.failed(None, &error).await,
    }
    match AssertUnwindSafe(Box::pin(pass.run())).catch_unwind().await {
        Ok(done) => done,
        // One App's trouble is not the others'.
        Err(panic) => pass.failed(None, &Error::Bug(words_of(&*panic))).await,
    }
}

fn only_named(metadata: &ObjectMeta) -> App {
    App {
        metadata: metadata.clone(),
        spec: AppSpec::default(),
        status: None,
    }
}

/// Stored before a change of the schema. Only an edit helps, and an edit wakes us.
async fn undecodable(
    object: &DeserializeGuard<App>,
    why: &str,
    key: &Key,
    context: &Context,
) -> Result<Action, Error> {
    warn!(app = %key, error = why, "cannot be decoded");
    let message = format!("this App cannot be read: {why}");
    let app = only_named(Resource::meta(object));
    let verdict = Verdict::Stalled(Reason::InvalidSpec, message.clone());
    let AppStatus {
        observed_generation,
        conditions,
        ..
    } = status::compute(&app, None, None, &verdict, Timestamp::now());
    // The rest of its status says what it holds, and is still good.
    let patch = json!({ "status": { "observedGeneration": observed_generation, "conditions": conditions } });
    let api: Api<DeserializeGuard<App>> = api_of(&context.client, object);
    api.patch_status(&object.name_any(), &PatchParams::default(), &Patch::Merge(patch))
        .await
        .map_err(failed("patch the status"))?;
    let trouble = (Reason::InvalidSpec, message);
    report::tell(context, &key.to_string(), &app, &[], &[trouble]).await;
    Ok(Action::await_change())
}

pub(super) fn words_of(panic: &(dyn Any + Send)) -> String {
    let words = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    format!("a pass panicked: {}", words.unwrap_or("without words"))
}

struct Pass<'a> {
    app: &'a App,
    key: &'a Key,
    context: &'a Context,
    now: Timestamp,
    deleting: bool,
    /// No status speaks of this generation yet.
    is_new: bool,
    /// What had been let go by other Apps when this pass began.
    releases: u64,
}

impl<'a> Pass<'a> {
    fn new(app: &'a App, key: &'a Key, context: &'a Context) -> Self {
        let mut pass = Pass {
            app,
            key,
            context,
            now: Timestamp::now(),
            deleting: app.metadata.deletion_timestamp.is_some(),
            is_new: false,
            releases: context.memories.releases(),
        };
        pass.is_new = pass.status().map(|status| status.observed_generation) != app.metadata.generation;
        pass
    }

    async fn run(&self) -> Result<Action, Error> {
        if self.deleting && !has_finalizer(self.app, APP_FINALIZER) {
            self.context.forget(self.key);
            return Ok(Action::await_change());
        }
        if self.is_new {
            self.remember(|memory| memory.built = false);
        }
        if !self.deleting {
            self.warn_of_processes_without_value().await;
        }
        let platforms = self.context.caches.platforms();
        let context = self.context;
        let namespace = self.app.namespace().unwrap_or_default();
        let labels = match context.namespaces.labels(&context.client, &namespace).await {
            Ok(labels) => labels,
            Err(error) => return self.failed(None, &error).await,
        };
        // A deletion remembers nothing; and a definition that is being deleted itself cannot be brought up to date.
        if !self.deleting
            && let Some(verdict) = context.stopped_writes()
        {
            return self.waits(verdict).await;
        }
        let bound = match bind(self.app, &platforms, labels, &context.installation) {
            Ok(bound) => bound,
            Err(verdict) if self.needs_no_platform(&verdict) => return self.leave_unfound().await,
            Err(verdict) => return self.waits(verdict).await,
        };
        match self.reconcile(&bound).await {
            Ok((desired, outcome, before)) => self.conclude(&bound, &desired, outcome, before).await,
            Err(error) => self.failed(Some(&bound.record), &error).await,
        }
    }

    async fn reconcile(&self, bound: &Bound<'_>) -> Result<(Desired, Outcome, Before), Error> {
        let (context, platform) = (self.context, bound.platform);
        let Built { desired, warnings } = self.wanted(bound).await?;
        self.announce(bound, &desired).await?;
        if !self.deleting {
            let never = desired::never_started(&desired, yesterday(self.now));
            let shell = warnings.into_iter().map(|text| (EventReason::ShellSyntax, text));
            let never = never.into_iter().map(|text| (EventReason::NeverStarted, text));
            self.warn_once(shell.chain(never)).await;
        }
        let status = self.status();
        let look = self.recall(|memory| memory.look.clone()).flatten();
        let retire_after = context.config.retire_after;
        let whole = request(
            self.app,
            status.as_ref(),
            &desired,
            platform,
            retire_after,
            self.now,
        );
        let known = Known {
            task_definitions: look.as_ref().map(task_definitions_of).unwrap_or_default(),
            port_cursor: context.ports.cursor(platform),
            ports_recovered: context.ports.are_recovered(platform),
            rollouts: self
                .recall(|memory| memory.rollouts.clone())
                .flatten()
                .unwrap_or(whole.known.rollouts),
            echoes: self.echoes(whole.known.echoes),
            ..whole.known
        };
        let contradicted = look.as_ref().map(|look| look.contradicted.clone());
        let (scope, held, before) = self.scope(platform, look);
        let request = Request {
            known,
            scope,
            held,
            contradicted: contradicted.unwrap_or_default(),
            ..whole
        };
        let aws = context.aws(platform).await;
        let claims = KubeClaims {
            client: &context.client,
            platform,
        };
        // Should this pass end without a word, the next one must not believe in what was there before it; but what is
        // not to be tried yet stays so.
        self.remember(Memory::doubt);
        let subject = Subject {
            app: Some(desired.owner.app.to_string()),
            ..Subject::default()
        };
        let before_writes = self.hold(&bound.record);
        let door = Door {
            aws: &*aws,
            claims: &claims,
        };
        let pass = reconcile(&*aws, &claims, &door, &before_writes, request);
        let outcome = concerning(subject, pass).await?;
        self.remember(|memory| {
            memory.rollouts = Some(outcome.plan.rollouts.clone());
            memory.echoes = Some(outcome.plan.echoes.clone());
        });
        Ok((desired, outcome, before))
    }

    /// What no reply has shown is tried again for a new generation.
    fn echoes(&self, of_status: EchoMemory) -> EchoMemory {
        let known = self.recall(|memory| memory.echoes.clone()).flatten();
        let known = known.unwrap_or(of_status);
        if self.is_new { known.anew() } else { known }
    }

    /// What the watch says of the namespace may be old: before an App is turned away, the API server is asked.
    async fn wanted(&self, bound: &Bound<'_>) -> Result<Built, Error> {
        match wanted(self.app, bound) {
            Err(Error::NotAllowed(_)) => {
                let Context {
                    namespaces, client, ..
                } = self.context;
                let namespace = &bound.owner.app.namespace;
                let namespace = namespaces.read(client, namespace).await?;
                let bound = Bound {
                    namespace,
                    ..bound.clone()
                };
                wanted(self.app, &bound)
            }
            built => built,
        }
    }

    fn hold<'b>(&'b self, record: &'b PlatformRecord) -> Hold<'b> {
        Hold {
            app: self.app,
            key: self.key,
            record,
            context: self.context,
        }
    }

    /// All there is, unless this pass was woken by something that the last one knew it had to wait for. And what is not to
    /// be tried yet, in either case.
    fn scope(&self, platform: &Platform, look: Option<Look>) -> (Scope, Vec<(Change, Error)>, Before) {
        let same = |look: &Look| {
            look.generation == self.app.metadata.generation
                && look.platform_generation == platform.metadata.generation
        };
        let Some(look) = look.filter(same) else {
            return (Scope::Everything, Vec::new(), Before::default());
        };
        let agenda = look.agenda;
        let is_held = !agenda.held.is_empty() && self.now < agenda.held_until;
        let mut before = Before {
            due: None,
            held_until: is_held.then_some(agenda.held_until),
        };
        let in_time = self.now < agenda.due && (agenda.held.is_empty() || is_held);
        // A deletion looks at everything, so that it leaves nothing behind.
        let scope = if agenda.only_pending && in_time && !self.deleting {
            before.due = Some(agenda.due);
            Scope::Pending {
                before: Box::new(look.observed),
                pending: look.pending,
            }
        } else {
            Scope::Everything
        };
        (scope, if is_held { agenda.held } else { Vec::new() }, before)
    }

    async fn conclude(
        &self,
        bound: &Bound<'_>,
        desired: &Desired,
        outcome: Outcome,
        before: Before,
    ) -> Result<Action, Error> {
        let context = self.context;
        let Bound { platform, record, .. } = bound;
        self.tell_others(&outcome, platform);
        report::publish(&context.client, self.app, report::changes(&outcome.done)).await;
        if self.deleting && outcome.is_settled() {
            let api: Api<App> = api_of(&context.client, self.app);
            finalizer::release(&api, self.app, APP_FINALIZER).await?;
            context.forget(self.key);
            context.wake.platform(&record.name);
            return Ok(Action::await_change());
        }
        // A pass that wrote has seen to it; any other looks, since a `kubectl replace` drops the finalizer.
        if outcome.done.is_empty() && holds_anything(desired, &outcome.observed) {
            self.hold(record).before_writes().await?;
        }
        let mut verdict = self.after_failures(verdict_of(&outcome, is_suspended(self.app, platform)));
        if self.deleting
            && let Verdict::Reconciling(Reason::Progressing | Reason::RolloutInProgress, message) = verdict
        {
            verdict = Verdict::Reconciling(Reason::Deleting, message);
        }
        let remembered = outcome.observed.clone();
        let (pending, blocked) = (outcome.plan.pending.clone(), !outcome.plan.obstacles.is_empty());
        self.tell_platform(record, denials::first(outcome.errors()).as_ref());
        let status = self
            .write_status(Some(record), None, Some((desired, &outcome)), &verdict)
            .await?;
        let agenda = self.agenda(desired, &outcome, &status, before);
        let until_lasting = self.until_lasting(&status, &verdict);
        let after = until_lasting.map_or(agenda.after, |left| left.min(agenda.after));
        self.remember(|memory| {
            memory.rollouts = None;
            memory.look = Some(Look {
                generation: self.app.metadata.generation,
                platform_generation: platform.metadata.generation,
                observed: remembered,
                pending,
                blocked,
                contradicted: outcome.contradicted,
                agenda,
            });
        });
        if blocked && context.memories.releases() != self.releases {
            // What is in the way may be gone since it was looked at.
            self.remember(Memory::doubt);
            context.wake.apps([self.key.clone()]);
        }
        Ok(Action::requeue(after))
    }

    fn agenda(&self, desired: &Desired, outcome: &Outcome, status: &AppStatus, before: Before) -> Agenda {
        let (context, object) = (self.context, self.key.to_string());
        let mut failures = 0;
        if !outcome.failures.is_empty() || !outcome.unread.is_empty() {
            failures = context.failures.count(&object);
        } else if outcome.held.is_empty() {
            context.failures.forget(&object);
        }
        let config = &context.config;
        let retired = status::waits(Some(status), config.retire_after, 0, self.now).next;
        let deadline = status::next_deadline(desired, outcome, self.now.as_second());
        let wait = [retired, deadline].into_iter().flatten().min();
        agenda(
            outcome,
            before,
            failures,
            wait,
            config.resync_interval,
            self.now,
            fastrand::f64,
        )
    }

    /// Whoever waited for a name or a port may go on.
    fn tell_others(&self, outcome: &Outcome, platform: &Platform) {
        let context = self.context;
        for change in &outcome.done {
            if let Write::Port(PortWrite::Claim(claim)) = &change.write {
                context.ports.set_cursor(platform, claim.port);
            }
        }
        if outcome.done.iter().any(Change::releases) {
            context.wake_blocked(Some(self.key));
        }
        let ports = |change: &Change| {
            matches!(
                &change.write,
                Write::Port(PortWrite::Claim(_) | PortWrite::Free(_))
            )
        };
        if outcome.done.iter().any(ports) {
            context.wake.platform(&platform.name_any());
        }
    }

    /// What is denied to one App is a matter of its Platform.
    fn tell_platform(&self, record: &PlatformRecord, denied: Option<&AwsError>) {
        if self
            .context
            .denials
            .note(&record.name, &self.key.to_string(), denied)
        {
            self.context.wake.platform(&record.name);
        }
    }

    fn recall<T>(&self, read: impl FnOnce(&Memory) -> T) -> Option<T> {
        let uid = self.app.metadata.uid.as_deref();
        self.context.memories.read(self.key, uid, read)
    }

    fn remember(&self, write: impl FnOnce(&mut Memory)) {
        let uid = self.app.metadata.uid.as_deref();
        self.context.memories.write(self.key, uid, write);
    }
}

/// The definitions that need not be read again: what services run never changes. Any other may have been deregistered
/// since, which only AWS can tell.
fn task_definitions_of(look: &Look) -> BTreeMap<Arn, TaskDefinitionState> {
    let running = look
        .observed
        .services
        .values()
        .map(|service| &service.task_definition);
    let known = |arn: &Arn| Some((arn.clone(), look.observed.task_definitions.get(arn)?.clone()));
    running.filter_map(known).collect()
}
