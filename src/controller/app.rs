//! One pass over one App: which Platform, what is wanted, the reconcile, and what to say about it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use kube::api::Api;
use kube::core::DeserializeGuard;
use kube::runtime::controller::Action;
use kube::runtime::reflector::ObjectRef;
use tracing::{info, warn};

use super::backoff;
use super::claims::KubeClaims;
use super::context::{Context, Key, Memory};
use super::finalizer::{self, APP_FINALIZER, Hold, has_finalizer};
use super::report::{self, EventType, Note, api_of};
use super::resolve::{Resolved, resolve, unready};
use crate::api::app::{App, AppStatus, PlatformRecord};
use crate::api::condition::Reason;
use crate::api::platform::Platform;
use crate::desired::{self, Built};
use crate::error::{Class, Error};
use crate::model::desired::Desired;
use crate::model::owner::Owner;
use crate::model::record::RecordChange;
use crate::model::state::Observed;
use crate::observe::Known;
use crate::plan::Change;
use crate::reconcile::{BeforeWrites, Outcome, Request, Scope, reconcile};
use crate::status::{self, Verdict, verdict_of, verdict_of_error};

pub(super) async fn pass(object: Arc<DeserializeGuard<App>>, context: Arc<Context>) -> Result<Action, Error> {
    let key = ObjectRef::from_obj(&*object);
    let app = match &object.0 {
        Ok(app) => app,
        Err(invalid) => {
            // Stored before a change of the schema. Only an edit helps, and an edit wakes us.
            warn!(app = %key, error = %invalid.error, "cannot be decoded");
            return Ok(Action::await_change());
        }
    };
    Pass {
        app,
        key: &key,
        context: &context,
        now: Timestamp::now(),
    }
    .run()
    .await
}

struct Pass<'a> {
    app: &'a App,
    key: &'a Key,
    context: &'a Context,
    now: Timestamp,
}

impl Pass<'_> {
    async fn run(&self) -> Result<Action, Error> {
        let deleting = self.app.metadata.deletion_timestamp.is_some();
        if deleting && !has_finalizer(self.app, APP_FINALIZER) {
            self.context.forget(self.key);
            return Ok(Action::await_change());
        }
        let installation = match self.context.installation.id() {
            Ok(installation) => installation,
            Err(message) => {
                return self
                    .waits(Verdict::Reconciling(Reason::OwnerChanged, message))
                    .await;
            }
        };
        // After a start, a Platform that is not in the cache yet is not one that does not exist.
        if self.context.platforms.wait_until_ready().await.is_err() {
            return Ok(Action::await_change());
        }
        let Resolved { platform, record } = match resolve(self.app, &self.context.platforms.state()) {
            Ok(resolved) => resolved,
            Err(verdict) => return self.waits(verdict).await,
        };
        if !deleting && let Some(verdict) = unready(self.app, &platform) {
            return self.waits(verdict).await;
        }
        self.announce(&record, deleting).await?;

        let owner = Owner {
            installation: installation.into(),
            app: desired::app_name(self.app),
        };
        let built = if deleting {
            let desired = Desired::empty(owner, desired::place(&platform));
            Ok(Built {
                desired,
                warnings: Vec::new(),
            })
        } else {
            desired::build(self.app, &platform, &owner)
        };
        let Built { desired, warnings } = match built {
            Ok(built) => built,
            Err(error) => return self.failed(&record, &error).await,
        };
        if self.is_new_generation() {
            let note = |text| Note {
                kind: EventType::Warning,
                reason: "ShellSyntax".into(),
                action: "Build",
                text,
            };
            report::publish(
                &self.context.client,
                self.app,
                warnings.into_iter().map(note).collect(),
            )
            .await;
        }
        match self.reconcile(&platform, &record, &desired).await {
            Ok(outcome) => {
                self.conclude(&platform, &record, &desired, outcome, deleting)
                    .await
            }
            Err(error) => self.failed(&record, &error).await,
        }
    }

    /// The status as we last wrote it: the watch may lag behind.
    fn status(&self) -> Option<AppStatus> {
        let remembered = self.context.memory(self.key).map(|memory| memory.status);
        remembered.or_else(|| self.app.status.clone())
    }

    fn is_new_generation(&self) -> bool {
        self.status().map(|status| status.observed_generation) != self.app.metadata.generation
    }

    /// A new generation is not Ready before it is, however long the first look at AWS takes.
    async fn announce(&self, record: &PlatformRecord, deleting: bool) -> Result<(), Error> {
        if !self.is_new_generation() {
            return Ok(());
        }
        let verdict = if deleting {
            Verdict::Reconciling(
                Reason::Deleting,
                "removing everything that this App holds in AWS".into(),
            )
        } else {
            Verdict::Reconciling(Reason::Progressing, "comparing this generation with AWS".into())
        };
        self.write_status(Some(record), None, &verdict).await.map(|_| ())
    }

    async fn reconcile(
        &self,
        platform: &Platform,
        record: &PlatformRecord,
        desired: &Desired,
    ) -> Result<Outcome, Error> {
        let context = self.context;
        let aws = context.aws(platform).await;
        let claims = KubeClaims {
            client: &context.client,
            platform,
        };
        let memory = context.memory(self.key);
        let status = self.status();
        let ttl = platform
            .spec
            .dns
            .as_ref()
            .and_then(|dns| dns.ttl_seconds)
            .and_then(|ttl| ttl.try_into().ok());
        let waits = status::waits(
            status.as_ref(),
            context.config.retire_after,
            ttl.unwrap_or(60),
            self.now,
        );
        let mentioned = status
            .iter()
            .flat_map(|status| &status.processes)
            .map(|process| process.name.clone());
        let known = Known {
            task_definitions: memory
                .as_ref()
                .map(|m| m.observed.task_definitions.clone())
                .unwrap_or_default(),
            mentioned: mentioned.collect(),
            port_cursor: context.cursor(&record.name),
            ports_recovered: context.is_recovered(&record.name),
        };
        let request = Request {
            desired,
            known,
            scope: self.scope(platform, memory),
            retiring: waits.retiring,
            waits_over: waits.over,
            suspended: self.app.spec.suspend.unwrap_or(false),
            held: Vec::new(),
        };
        reconcile(
            &*aws,
            &claims,
            &Hold {
                app: self.app,
                record,
                context,
            },
            request,
        )
        .await
    }

    /// All there is, unless this pass was woken by something that the last one knew it had to wait for.
    fn scope(&self, platform: &Platform, memory: Option<Memory>) -> Scope {
        let Some(memory) = memory else {
            return Scope::Everything;
        };
        let age = Duration::try_from(self.now.duration_since(memory.observed_at)).unwrap_or(Duration::MAX);
        let same = memory.generation == self.app.metadata.generation
            && memory.platform_generation == platform.metadata.generation
            && self.app.metadata.deletion_timestamp.is_none();
        if same && memory.only_pending && age < self.context.config.resync_interval {
            Scope::Pending {
                before: Box::new(memory.observed),
                pending: memory.pending,
            }
        } else {
            Scope::Everything
        }
    }

    async fn conclude(
        &self,
        platform: &Platform,
        record: &PlatformRecord,
        desired: &Desired,
        outcome: Outcome,
        deleting: bool,
    ) -> Result<Action, Error> {
        let context = self.context;
        context.set_cursor(&record.name, outcome.observed.ports.cursor);
        self.wake_others(&outcome, platform);
        report::publish(&context.client, self.app, report::changes(&outcome.done)).await;
        for change in &outcome.done {
            info!(app = %desired.owner.app, process = change.process(), "{change}");
        }
        if deleting && outcome.is_settled() {
            let api: Api<App> = api_of(&context.client, self.app);
            finalizer::release(&api, self.app, APP_FINALIZER).await?;
            context.forget(self.key);
            context.wake_platform(&record.name);
            return Ok(Action::await_change());
        }
        // A pass that wrote has seen to it; any other looks, since a `kubectl replace` drops the finalizer.
        let unheld = outcome.done.is_empty() && !deleting && !has_finalizer(self.app, APP_FINALIZER);
        if unheld && holds_anything(desired, &outcome.observed) {
            Hold {
                app: self.app,
                record,
                context,
            }
            .before_writes()
            .await?;
        }
        let suspended = self.app.spec.suspend.unwrap_or(false);
        let mut verdict = verdict_of(&outcome, suspended);
        if deleting
            && let Verdict::Reconciling(Reason::Progressing | Reason::RolloutInProgress, message) = verdict
        {
            verdict = Verdict::Reconciling(Reason::Deleting, message);
        }
        let status = self
            .write_status(Some(record), Some((desired, &outcome)), &verdict)
            .await?;
        let action = self.next(&outcome, &status);
        self.remember(platform, outcome, status);
        Ok(action)
    }

    fn remember(&self, platform: &Platform, outcome: Outcome, status: AppStatus) {
        let only_pending = !outcome.plan.pending.is_empty()
            && outcome.plan.changes.is_empty()
            && outcome.plan.obstacles.is_empty()
            && outcome.failures.is_empty()
            && outcome.early.is_empty()
            && !outcome.stale;
        let before = self.context.memory(self.key).filter(|_| only_pending);
        let memory = Memory {
            generation: self.app.metadata.generation,
            platform_generation: platform.metadata.generation,
            pending: outcome.plan.pending,
            only_pending,
            blocked: !outcome.plan.obstacles.is_empty(),
            // The age of the oldest part: a resync is due when that is old.
            observed_at: before
                .filter(|b| b.only_pending)
                .map_or(self.now, |b| b.observed_at),
            observed: outcome.observed,
            status,
        };
        self.context.remember(self.key, memory);
    }

    /// Whoever waited for a name or a port may go on.
    fn wake_others(&self, outcome: &Outcome, platform: &Platform) {
        let lets_go = |change: &Change| match change {
            Change::FreePort(_)
            | Change::DeleteLoadBalancer { .. }
            | Change::DeleteTargetGroup { .. }
            | Change::DeleteService { .. } => true,
            Change::ChangeRecords { changes, .. } => changes
                .iter()
                .any(|change| matches!(change, RecordChange::Delete(_))),
            Change::ClaimPort(_)
            | Change::CreateLoadBalancer { .. }
            | Change::SetSubnets { .. }
            | Change::SetSecurityGroups { .. }
            | Change::CreateTargetGroup { .. }
            | Change::ModifyTargetGroup { .. }
            | Change::ModifyTargetGroupAttributes { .. }
            | Change::CreateListener { .. }
            | Change::ModifyListener { .. }
            | Change::RegisterTaskDefinition { .. }
            | Change::CreateService { .. }
            | Change::UpdateService { .. }
            | Change::TagService { .. }
            | Change::AddTags { .. } => false,
        };
        if outcome.done.iter().any(lets_go) {
            self.context.wake_blocked(self.key);
        }
        let ports = |change: &Change| matches!(change, Change::ClaimPort(_) | Change::FreePort(_));
        if outcome.done.iter().any(ports) {
            self.context.wake_platform(&platform.name_any());
        }
    }

    /// When to look again.
    fn next(&self, outcome: &Outcome, status: &AppStatus) -> Action {
        let context = self.context;
        let worst = outcome.failures.iter().map(|(_, error)| error.class()).max();
        let blocked = (!outcome.plan.obstacles.is_empty()).then_some(Class::Conflict);
        let delay = if let Some(class) = worst.or(blocked) {
            let failures = context.failures.count(&self.key.to_string());
            backoff::delay(class, failures, fastrand::f64())
        } else {
            context.failures.forget(&self.key.to_string());
            None
        };
        let pending = !outcome.plan.pending.is_empty() || !outcome.early.is_empty();
        let pending = pending.then(|| {
            let soon = backoff::pending(fastrand::f64());
            let waits = status::waits(Some(status), context.config.retire_after, 0, self.now).next;
            waits.map_or(soon, |wait| wait.min(soon))
        });
        let resync = backoff::spread(context.config.resync_interval, fastrand::f64());
        Action::requeue([delay, pending].into_iter().flatten().min().unwrap_or(resync))
    }

    /// Something that another manifest, or its operator, must bring.
    async fn waits(&self, verdict: Verdict) -> Result<Action, Error> {
        self.write_status(None, None, &verdict).await?;
        let class = match verdict {
            Verdict::Disturbed(..) => Class::Transient,
            Verdict::Ready(_) | Verdict::Suspended(_) | Verdict::Reconciling(..) | Verdict::Stalled(..) => {
                Class::Denied
            }
        };
        Ok(self.retry(class))
    }

    async fn failed(&self, record: &PlatformRecord, error: &Error) -> Result<Action, Error> {
        if error.class() == Class::Bug {
            tracing::error!(app = %self.key, %error, "failed");
        } else {
            warn!(app = %self.key, %error, "failed");
        }
        self.write_status(Some(record), None, &verdict_of_error(error))
            .await?;
        Ok(self.retry(error.class()))
    }

    fn retry(&self, class: Class) -> Action {
        let failures = self.context.failures.count(&self.key.to_string());
        match backoff::delay(class, failures, fastrand::f64()) {
            Some(delay) => Action::requeue(delay),
            None => Action::await_change(),
        }
    }

    /// Patches the status if it differs, and says in an Event what is newly wrong.
    async fn write_status(
        &self,
        record: Option<&PlatformRecord>,
        pass: Option<(&Desired, &Outcome)>,
        verdict: &Verdict,
    ) -> Result<AppStatus, Error> {
        let before = self.status();
        let app = App {
            status: before.clone(),
            ..self.app.clone()
        };
        let status = status::compute(&app, record, pass, verdict, self.now);
        let api: Api<App> = api_of(&self.context.client, self.app);
        if before.as_ref() != Some(&status) {
            report::publish(&self.context.client, self.app, news(before.as_ref(), verdict)).await;
            report::patch_status(&api, self.app, &status).await?;
        }
        if let Some(memory) = self.context.memory(self.key) {
            self.context.remember(
                self.key,
                Memory {
                    status: status.clone(),
                    ..memory
                },
            );
        }
        Ok(status)
    }
}

/// A Warning for a verdict that the status did not have before.
fn news(before: Option<&AppStatus>, verdict: &Verdict) -> Vec<Note> {
    let (reason, message) = match verdict {
        Verdict::Ready(_) | Verdict::Suspended(_) => return Vec::new(),
        Verdict::Reconciling(Reason::Progressing | Reason::RolloutInProgress | Reason::Deleting, _) => {
            return Vec::new();
        }
        Verdict::Reconciling(reason, message)
        | Verdict::Stalled(reason, message)
        | Verdict::Disturbed(reason, message) => (reason, message),
    };
    let known = before.into_iter().flat_map(|status| &status.conditions);
    if known
        .into_iter()
        .any(|c| c.reason == reason.as_str() && c.message == status::cut(message))
    {
        return Vec::new();
    }
    vec![Note {
        kind: EventType::Warning,
        reason: reason.as_str().into(),
        action: "Reconcile",
        text: message.clone(),
    }]
}

/// Whether anything of this App is in AWS or among the claims.
fn holds_anything(desired: &Desired, observed: &Observed) -> bool {
    let owner = &desired.owner;
    observed
        .services
        .values()
        .any(|service| owner.owns(&service.tags))
        || observed.load_balancers.values().any(|l| owner.owns(&l.tags))
        || observed.target_groups.values().any(|g| owner.owns(&g.tags))
        || observed
            .ports
            .claims
            .iter()
            .any(|claim| claim.owner.app == owner.app)
}
