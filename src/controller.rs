//! The wiring: what is watched, what wakes whom, and how it all stops.

mod app;
mod backoff;
mod claims;
mod context;
mod finalizer;
mod installation;
mod platform;
pub mod ports;
mod report;
mod resolve;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use futures::channel::mpsc;
use futures::{FutureExt, StreamExt};
use kube::core::DeserializeGuard;
use kube::runtime::controller::{Action, Config as RuntimeConfig};
use kube::runtime::reflector::ObjectRef;
use kube::runtime::{Controller, PredicateConfig, WatchStreamExt, reflector, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use tracing::{debug, error, info, warn};

pub use context::{Connect, Sdk};
use context::{Context, Wake};

use crate::api::app::App;
use crate::api::platform::Platform;
use crate::config::Config;
use crate::error::Error;
use crate::telemetry::Readiness;

/// Reconciles until `stopped` resolves; then finishes the passes under way.
pub async fn run(
    client: Client,
    config: Config,
    connect: Box<dyn Connect>,
    readiness: Readiness,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let installation = installation::establish(&client, &config.namespace, config.owner_id.as_deref())
        .await
        .map_err(|error| Error::Kubernetes {
            action: "find the owner id",
            message: error.to_string(),
        })?;
    match installation.id() {
        Ok(id) => info!(owner = id, "reconciling"),
        Err(message) => error!("nothing will be written: {message}"),
    }

    let (apps, app_writer) = reflector::store::<DeserializeGuard<App>>();
    let (platforms, platform_writer) = reflector::store::<Platform>();
    let (wake_apps, woken_apps) = mpsc::unbounded();
    let (wake_platforms, woken_platforms) = mpsc::unbounded();
    let wake = Wake {
        apps: wake_apps,
        platforms: wake_platforms,
    };
    let runtime = RuntimeConfig::default().concurrency(config.concurrency);

    let app_stream = watcher(Api::all(client.clone()), watcher::Config::default())
        .default_backoff()
        .modify(strip::<DeserializeGuard<App>>)
        .reflect(app_writer)
        .touched_objects()
        .predicate_filter(what_wakes_an_app, predicates_config());
    let platform_watch = || {
        watcher(Api::<Platform>::all(client.clone()), watcher::Config::default())
            .default_backoff()
            .modify(strip::<Platform>)
    };
    let platform_stream = platform_watch()
        .reflect(platform_writer)
        .touched_objects()
        .predicate_filter(what_wakes_an_app::<Platform>, predicates_config());
    let changed_platforms = platform_watch()
        .touched_objects()
        .predicate_filter(what_wakes_its_apps, predicates_config());

    let stopped = stopped.shared();
    let all_apps = apps.clone();
    let app_controller = Controller::for_stream(app_stream, apps.clone())
        .with_config(runtime.clone())
        // Any App may be of a Platform that appears or changes: what it resolves to is for its own pass to say.
        .watches_stream(changed_platforms, move |_| {
            all_apps
                .state()
                .iter()
                .map(|app| ObjectRef::from_obj(&**app))
                .collect::<Vec<_>>()
        })
        .reconcile_on(woken_apps)
        .graceful_shutdown_on(stopped.clone());
    let platform_controller = Controller::for_stream(platform_stream, platforms.clone())
        .with_config(runtime)
        .reconcile_on(woken_platforms)
        .graceful_shutdown_on(stopped);

    let (ready_apps, ready_platforms) = (apps.clone(), platforms.clone());
    let context = Arc::new(Context::new(
        client,
        config,
        installation,
        apps,
        platforms,
        wake,
        connect,
    ));
    tokio::spawn(async move {
        if ready_apps.wait_until_ready().await.is_ok() && ready_platforms.wait_until_ready().await.is_ok() {
            readiness.set();
        }
    });
    let run_apps = app_controller.run(
        app::pass,
        |app, error, context| again(&app.name_any(), error, &context),
        context.clone(),
    );
    let run_platforms = platform_controller.run(
        platform::pass,
        |platform, error, context| again(&format!("platform {}", platform.name_any()), error, &context),
        context,
    );
    futures::join!(
        run_apps.for_each(|done| async {
            log(done
                .map(|(object, _)| object.to_string())
                .map_err(|e| e.to_string()));
        }),
        run_platforms.for_each(|done| async {
            log(done
                .map(|(object, _)| object.to_string())
                .map_err(|e| e.to_string()));
        }),
    );
    Ok(())
}

/// A pass that could not even write its status.
fn again(object: &str, error: &Error, context: &Context) -> Action {
    let failures = context.failures.count(object);
    match backoff::delay(error.class(), failures, fastrand::f64()) {
        Some(delay) => Action::requeue(delay),
        None => Action::await_change(),
    }
}

fn log(done: Result<String, String>) {
    match done {
        Ok(object) => debug!(object, "pass done"),
        Err(error) => warn!(error, "pass failed"),
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

/// What of a Platform matters to Apps: its spec, its annotations, and what its own pass found out.
#[expect(clippy::unnecessary_wraps, reason = "the signature of a predicate")]
fn what_wakes_its_apps(platform: &Platform) -> Option<u64> {
    let status = platform.status.as_ref();
    let conditions: Vec<_> = status
        .into_iter()
        .flat_map(|status| &status.conditions)
        .map(|condition| (&condition.type_, &condition.status, &condition.reason))
        .collect();
    let zones = status
        .and_then(|status| status.zones.as_ref())
        .map(|zones| (&zones.internal, &zones.external));
    let observed = status.map(|status| status.observed_generation);
    Some(hash((what_wakes_an_app(platform), observed, conditions, zones)))
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
