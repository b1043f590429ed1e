//! The wiring: what is watched, what wakes whom, and how it all stops.

mod app;
mod claims;
mod context;
mod definitions;
mod denials;
mod finalizer;
mod installation;
mod kubernetes;
mod memory;
mod namespaces;
mod platform;
pub mod ports;
mod preview;
mod reach;
mod report;
mod tenants;
mod uninstall;
mod watches;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt, TryFutureExt, TryStreamExt};
use kube::core::DeserializeGuard;
use kube::runtime::controller::{Action, Config as RuntimeConfig, Error as ControllerError};
use kube::runtime::reflector::ObjectRef;
use kube::runtime::{Controller, PredicateConfig, WatchStreamExt, reflector, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use tokio::sync::watch;
use tracing::{debug, error, info, warn};

use claims::ClaimCache;
use context::{Caches, Context, Ports, Wake};
pub use context::{Connect, Sdk};
use denials::Denials;
use memory::{Failures, Memories, Told};
use namespaces::Namespaces;
pub use preview::{Conclusion, MANIFEST_LIMIT, Preview, preview};
pub use reach::reach;

use crate::api::app::App;
use crate::api::platform::Platform;
use crate::config::Config;
use crate::error::Error;
use crate::health::Health;
use crate::model::class::Class;
use crate::pass::{self, Installation, Requeue, annotated};

/// Reconciles until `stopped` resolves; then finishes the writes under way.
pub async fn run(
    client: Client,
    config: Config,
    connect: Box<dyn Connect>,
    health: Health,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let client = watches::noting(client, health.clone());
    let stopping = heeding(stopped);
    let mut early = stopping.clone();
    let installation = tokio::select! {
        found = begin(&client, &config, &health) => found?,
        _ = early.wait_for(|stopping| *stopping) => return Ok(()),
    };

    let (apps, app_writer) = reflector::store::<DeserializeGuard<App>>();
    let (platforms, platform_writer) = reflector::store::<DeserializeGuard<Platform>>();
    let (wake, woken_apps, woken_platforms) = Wake::channels();
    let [apps_filled, platforms_filled, claims_heard] = [(); 3].map(|()| watch::Sender::new(false));
    let runtime = RuntimeConfig::default().concurrency(config.concurrency);
    let context = Arc::new(Context {
        caches: Caches {
            apps: apps.clone(),
            platforms: platforms.clone(),
            filled: [&apps_filled, &platforms_filled, &claims_heard].map(watch::Sender::subscribe),
        },
        claims: ClaimCache::default(),
        client: client.clone(),
        config,
        installation,
        memories: Memories::default(),
        told: Told::default(),
        failures: Failures::default(),
        denials: Denials::default(),
        ports: Ports::default(),
        namespaces: Namespaces::default(),
        wake,
        connect,
        health: health.clone(),
        stopping,
    });

    let forgetful = context.clone();
    let app_stream = watcher(Api::all(client.clone()), watcher::Config::default());
    let app_stream = watches::patient(app_stream, watches::APPS, &health)
        .modify(strip::<DeserializeGuard<App>>)
        .reflect(app_writer)
        .inspect_ok(move |event| match event {
            watcher::Event::InitDone => {
                apps_filled.send_replace(true);
            }
            watcher::Event::Delete(app) => {
                forgetful.forget(&ObjectRef::from_obj(app));
                if let Some(record) = annotated(app.meta()) {
                    forgetful.wake.platform(&record.name);
                }
            }
            watcher::Event::Init | watcher::Event::InitApply(_) | watcher::Event::Apply(_) => {}
        })
        .applied_objects()
        .predicate_filter(what_wakes_an_app, predicates_config());
    let mut neighbours = Neighbours::new(context.clone());
    let platform_stream = watcher(Api::all(client), watcher::Config::default());
    let platform_stream = watches::patient(platform_stream, watches::PLATFORMS, &health)
        .modify(strip::<DeserializeGuard<Platform>>)
        .reflect(platform_writer)
        // After the cache, so that whoever is woken finds there what woke it.
        .inspect_ok(move |event| {
            if matches!(event, watcher::Event::InitDone) {
                platforms_filled.send_replace(true);
            }
            neighbours.tell(event);
        })
        .applied_objects()
        .predicate_filter(
            what_wakes_an_app::<DeserializeGuard<Platform>>,
            predicates_config(),
        );

    let stopped = stopped_of(&context);
    let app_controller = Controller::for_stream(app_stream, apps)
        .with_config(runtime.clone())
        .reconcile_on(woken_apps)
        .graceful_shutdown_on(stopped.clone());
    let platform_controller = Controller::for_stream(platform_stream, platforms)
        .with_config(runtime)
        .reconcile_on(woken_platforms)
        .graceful_shutdown_on(stopped.clone());

    let (unfilled, gave_up) = (context.caches.clone(), stopped.clone());
    tokio::spawn(tell_when_ready(context.caches.clone(), health));
    tokio::spawn(namespaces::watch(context.clone(), stopped.clone()));
    tokio::spawn(claims::watch(context.clone(), claims_heard, stopped));
    tokio::spawn(definitions::watch(context.clone(), stopped_of(&context)));
    let run_apps = app_controller.run(
        |app, context| app::pass(app, context).map_ok(action),
        |app, error, context| again(&ObjectRef::from_obj(&*app).to_string(), error, &context),
        context.clone(),
    );
    let run_platforms = platform_controller.run(
        platform::pass,
        |platform, error, context| again(&ObjectRef::from_obj(&*platform).to_string(), error, &context),
        context,
    );
    tokio::select! {
        _ = futures::future::join(run_apps.for_each(log), run_platforms.for_each(log)) => {}
        // Before that nothing runs that could be finished, and kube waits for the caches for ever.
        () = stopped_before(unfilled, gave_up) => {}
    }
    Ok(())
}

/// Statuses of an API server that will answer later: too many requests, unavailable, gateway time-out.
const NOT_READY: [u16; 3] = [429, 503, 504];

/// Finds what the cluster has to say before anything is watched, and says it.
async fn begin(client: &Client, config: &Config, health: &Health) -> Result<Installation, Error> {
    let Config {
        namespace,
        owner_id,
        replace_owner_id,
        ..
    } = config;
    definitions::look(client, health).await?;
    let (explicit, replaced) = (owner_id.as_deref(), replace_owner_id.as_deref());
    let mut failures = 0;
    let installation = loop {
        match installation::establish(client, namespace, explicit, replaced).await {
            // It has answered before, and is not ready for this: definitions that were just applied, or a start of its own.
            Err(kube::Error::Api(status)) if NOT_READY.contains(&status.code) => {
                failures += 1;
                warn!("find the owner id: {}", status.message);
                tokio::time::sleep(pass::delay(Class::Transient, failures, 1.0).unwrap_or_default()).await;
            }
            found => break found.map_err(kubernetes::failed("find the owner id"))?,
        }
    };
    match installation.id() {
        Ok(id) => info!(owner = id, "reconciling"),
        Err(message) => error!("nothing will be written: {message}"),
    }
    Ok(installation)
}

/// True once `stopped` has resolved, whoever listens.
fn heeding(stopped: impl Future<Output = ()> + Send + 'static) -> watch::Receiver<bool> {
    let (stop, stopping) = watch::channel(false);
    tokio::spawn(async move {
        stopped.await;
        stop.send_replace(true);
        stop.closed().await;
    });
    stopping
}

async fn tell_when_ready(caches: Caches, health: Health) {
    if caches.are_filled().await {
        health.started();
    }
}

/// Resolves when the process is to end.
fn stopped_of(context: &Context) -> impl Future<Output = ()> + Clone + Send + 'static + use<> {
    let mut stopping = context.stopping.clone();
    async move {
        // The sender lives as long as anybody listens.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }
    .shared()
}

/// Resolves when the process is to end and the caches were never filled.
async fn stopped_before(caches: Caches, stopped: impl Future<Output = ()>) {
    let filled = caches.are_filled();
    futures::pin_mut!(filled, stopped);
    if let futures::future::Either::Left(_) = futures::future::select(filled, stopped).await {
        futures::future::pending::<()>().await;
    }
}

fn action(requeue: Requeue) -> Action {
    match requeue {
        Requeue::After(after) => Action::requeue(after),
        Requeue::Yielded => Action::requeue(Duration::ZERO),
        Requeue::Never => Action::await_change(),
    }
}

/// A pass that could not even write its status.
fn again(object: &str, error: &Error, context: &Context) -> Action {
    let failures = context.failures.count(object);
    match pass::delay(error.class(), failures, fastrand::f64()) {
        Some(delay) => Action::requeue(delay),
        None => Action::await_change(),
    }
}

async fn log<K: Resource>(done: Result<(ObjectRef<K>, Action), ControllerError<Error, watcher::Error>>)
where
    K::DynamicType: Clone,
{
    match done {
        Ok((object, _)) => debug!(%object, "pass done"),
        Err(ControllerError::ObjectNotFound(object)) => debug!(%object, "is gone"),
        Err(ControllerError::ReconcilerFailed(error, object)) => warn!(%object, %error, "pass failed"),
        // The watch has said it.
        Err(ControllerError::QueueError(error)) => debug!(%error, "watch failed"),
        Err(ControllerError::RunnerError(error)) => warn!(%error, "could not start a pass"),
    }
}

/// Whom a changed Platform concerns: its Apps, those that have none yet, and the other Platforms, whose host ports may
/// have overlapped.
struct Neighbours {
    context: Arc<Context>,
    known: HashMap<String, u64>,
}

impl Neighbours {
    fn new(context: Arc<Context>) -> Self {
        let known = HashMap::new();
        Neighbours { context, known }
    }

    fn tell(&mut self, event: &watcher::Event<DeserializeGuard<Platform>>) {
        let (name, changed) = match event {
            watcher::Event::Apply(platform) | watcher::Event::InitApply(platform) => {
                let name = platform.name_any();
                let now = what_wakes_its_apps(platform);
                let changed = self.known.insert(name.clone(), now) != Some(now);
                (name, changed)
            }
            watcher::Event::Delete(platform) => {
                let name = platform.name_any();
                let changed = self.known.remove(&name).is_some();
                (name, changed)
            }
            watcher::Event::Init | watcher::Event::InitDone => return,
        };
        if changed {
            let Context { caches, wake, .. } = &*self.context;
            wake.apps(caches.apps_concerned(&name));
            for other in caches.platforms().iter().map(ResourceExt::name_any) {
                if other != name {
                    wake.platform(&other);
                }
            }
        }
    }
}

/// Managed fields of a large App are larger than the App, and nobody here reads them.
fn strip<K: Resource>(object: &mut K) {
    object.meta_mut().managed_fields = None;
}

fn predicates_config() -> PredicateConfig {
    // As long as an object may go without an event before its next one counts as news.
    PredicateConfig::default().ttl(Duration::from_hours(24))
}

/// Everything but the status, which is our own writing.
#[expect(clippy::unnecessary_wraps, reason = "the signature of a predicate")]
fn what_wakes_an_app<K: Resource>(object: &K) -> Option<u64> {
    let meta = object.meta();
    Some(hash((
        meta.uid.as_ref(),
        meta.generation,
        &meta.annotations,
        &meta.finalizers,
        meta.deletion_timestamp.is_some(),
    )))
}

/// Returns a hash of the parts of a Platform that matter to Apps: its spec, its annotations, and what its own pass found out.
fn what_wakes_its_apps(guard: &DeserializeGuard<Platform>) -> u64 {
    let status = guard
        .0
        .as_ref()
        .ok()
        .and_then(|platform| platform.status.as_ref());
    let conditions: Vec<_> = status
        .into_iter()
        .flat_map(|status| &status.conditions)
        .map(|condition| (&condition.type_, &condition.status, &condition.reason))
        .collect();
    let zones = status
        .and_then(|status| status.zones.as_ref())
        .map(|zones| (&zones.internal, &zones.external));
    let observed = status.map(|status| status.observed_generation);
    hash((what_wakes_an_app(guard), observed, conditions, zones))
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
