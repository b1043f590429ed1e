//! The wiring: what is watched, what runs, and how it all stops.

use std::sync::{Arc, Mutex};

use futures::{FutureExt, Stream, StreamExt, TryStreamExt};
use kube::core::DeserializeGuard;
use kube::runtime::reflector::store::Writer;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::{WatchStreamExt, reflector, watcher};
use kube::{Api, Client, Resource};
use tokio::sync::watch;
use tracing::{error, info, warn};

use super::context::{Caches, Connect, Context, Wake};
use super::feed::{Neighbours, feed, lead, leave, strip};
use super::known_run::KnownRun;
use super::kubernetes::claims::ClaimCache;
use super::kubernetes::namespaces::Namespaces;
use super::kubernetes::watches::PAGE;
use super::kubernetes::{claims, definitions, installation, namespaces, transport, watches};
use super::leadership::campaign::{campaign, give_back};
use super::leadership::store::LeaseStore;
use super::leadership::{Leases, Scope};
use super::memory::edits::Edits;
use super::memory::{Failures, Memories, Platforms, Published, RunMemories};
use super::packed::PackedApp;
use super::queue::dispatch::{Source, dispatch};
use super::readers::Readers;
use super::shown::Shown;
use super::siblings::Siblings;
use super::{app, kubernetes, lines, lost, one_off, platform, zones};
use crate::api::platform::Platform;
use crate::budget::Budget;
use crate::config::Config;
use crate::error::Error;
use crate::health::Health;
use crate::metrics::Metrics;
use crate::model::class::Class;
use crate::pass::{self, Installation, Requeue};

/// Reconciles until `stopped` resolves; then finishes the writes under way.
pub async fn run(
    client: Client,
    config: Config,
    connect: Box<dyn Connect>,
    health: Health,
    metrics: Metrics,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let client = transport::bounded(client, health.clone(), metrics.clone());
    let stopping = heeding(stopped);
    let mut early = stopping.clone();
    let installation = tokio::select! {
        found = begin(&client, &config, &health) => found?,
        _ = early.wait_for(|stopping| *stopping) => return Ok(()),
    };

    let (apps, app_writer) = reflector::store::<PackedApp>();
    let (platforms, platform_writer) = reflector::store::<DeserializeGuard<Platform>>();
    let (runs, run_writer) = reflector::store::<KnownRun>();
    let [apps_filled, platforms_filled, claims_heard] = [(); 3].map(|()| watch::Sender::new(false));
    let filled = [&apps_filled, &platforms_filled, &claims_heard].map(watch::Sender::subscribe);
    let (limit, wake) = (config.pass_deadline, Wake::new(config.concurrency, &metrics));
    let leases = Arc::new(leases_of(&installation, &config));
    let budget = Arc::new(Mutex::new(Budget::new(config.aws_rate.clone())));
    show_queues(&health, &wake, &leases, &budget);
    let caches = Caches {
        apps: apps.clone(),
        platforms: platforms.clone(),
        runs: runs.clone(),
        filled: filled.clone(),
    };
    let store = LeaseStore::new(&client, &config.namespace, config.lease_duration);
    let context = Arc::new(Context {
        caches,
        siblings: Siblings::default(),
        claims: ClaimCache::default(),
        client: client.clone(),
        budget,
        config,
        installation,
        leases: leases.clone(),
        memories: Memories::default(),
        run_memories: RunMemories::default(),
        published: Published::default(),
        platforms: Platforms::default(),
        inventory: Arc::default(),
        readers: Readers::default(),
        outbox: Arc::default(),
        failures: Failures::default(),
        namespaces: Namespaces::default(),
        wake: wake.clone(),
        connect,
        health: health.clone(),
        metrics,
        edits: Edits::default(),
        stopping,
    });
    let shown = Shown::of(&context);
    context.metrics.show(move |gauges| shown.fill(gauges));
    let stopped = stopped_of(&context);

    let app_events = apps_watched(&context, app_writer, apps_filled);
    let platform_events = platforms_watched(&context, platform_writer, platforms_filled);
    tokio::spawn(tell_when_ready(context.caches.clone(), health.clone()));
    watch_beside(&context, claims_heard, stopped.clone());
    let again = |key: &str, error: &Error| again(key, error, &context);
    let [apps_filled, platforms_filled, _] = filled;
    let lead_app = |app: &PackedApp| leases.led(&Scope::of_app(app, &context.caches.platforms));
    let lead_platform = |platform: &_| leases.led(&Scope::of_platform(platform));
    let working = Box::pin(futures::future::join5(
        beside_apps(&context, run_writer, stopped.clone()),
        feed(app_events.take_until(stopped.clone()), &apps, &wake.apps),
        feed(
            platform_events.take_until(stopped.clone()),
            &platforms,
            &wake.platforms,
        ),
        dispatch(
            &wake.apps,
            source(&apps, apps_filled, &context),
            (limit, lead_app),
            |app| app::pass(app, context.clone()),
            again,
            stopped.clone(),
        ),
        dispatch(
            &wake.platforms,
            source(&platforms, platforms_filled, &context),
            (limit, lead_platform),
            |platform| platform::pass(platform, context.clone()),
            again,
            stopped.clone(),
        ),
    ));
    let closing = async {
        stopped.await;
        leases.close();
    };
    let acquired = |scopes: &[Scope]| lead(&context, scopes);
    let given = |scope: &Scope| leave(&context, scope);
    let stopping = context.stopping.clone();
    let campaign = campaign(&leases, &store, &health, acquired, given, stopping);
    tokio::select! {
        lost = campaign => return Err(lost),
        _ = futures::future::join(working, closing) => {}
    }
    give_back(&leases, &store).await;
    Ok(())
}

fn show_queues(health: &Health, wake: &Wake, leases: &Arc<Leases>, budget: &Arc<Mutex<Budget>>) {
    let (wake, leases, budget) = (wake.clone(), leases.clone(), budget.clone());
    health.show_queue(move || {
        let mut report = wake.report();
        report["leases"] = leases.report();
        let (states, now) = lines::states(&budget);
        report["aws"] = states.iter().map(|state| lines::report(state, now)).collect();
        report.to_string()
    });
}

/// Passes over objects of one store begin once all stores are filled.
fn source<'a, K>(
    store: &'a Store<K>,
    filled: watch::Receiver<bool>,
    context: &Context,
) -> Source<'a, K, impl Future<Output = bool> + use<K>>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    Source {
        store,
        filled,
        all_filled: context.caches.clone().fill(),
    }
}

/// Watches Apps: each event has passed the cache.
fn apps_watched(
    context: &Arc<Context>,
    cache: Writer<PackedApp>,
    filled: watch::Sender<bool>,
) -> impl Stream<Item = watcher::Result<watcher::Event<PackedApp>>> + use<> {
    let events = watches::objects(Api::all(context.client.clone()), PAGE);
    let events = watches::patient(events, watches::APPS, &context.health);
    let (context, shared) = (context.clone(), context.clone());
    // After the cache, so that whoever is woken finds there what woke it.
    let events = events
        .reflect(cache)
        .inspect_ok(move |event| shared.heed_siblings(event));
    events.inspect_ok(move |event| match event {
        watcher::Event::InitDone => {
            filled.send_replace(true);
        }
        watcher::Event::Delete(app) => {
            context.forget(&ObjectRef::from_obj(app));
            lost::tell(app, &context);
            if let Some(record) = app.recorded() {
                context.wake.platform(&record.name);
            }
        }
        // The cache shows it once the list is whole.
        watcher::Event::InitApply(app) => context.saw(app),
        watcher::Event::Apply(app) => {
            context.saw(app);
            context.memories.saw(app);
        }
        watcher::Event::Init => {}
    })
}

/// Watches Platforms, likewise.
fn platforms_watched(
    context: &Arc<Context>,
    cache: Writer<DeserializeGuard<Platform>>,
    filled: watch::Sender<bool>,
) -> impl Stream<Item = watcher::Result<watcher::Event<DeserializeGuard<Platform>>>> + use<> {
    let events = watches::objects(Api::all(context.client.clone()), PAGE);
    let events = watches::patient(events, watches::PLATFORMS, &context.health);
    let mut neighbours = Neighbours::new(context.clone());
    events
        .modify(strip::<DeserializeGuard<Platform>>)
        .reflect(cache)
        // After the cache, so that whoever is woken finds there what woke it.
        .inspect_ok(move |event| {
            if matches!(event, watcher::Event::InitDone) {
                filled.send_replace(true);
            }
            neighbours.tell(event);
        })
}

/// Keeps the names of zones, and passes over Runs: watches them, likewise, and nothing else waits for their list.
async fn beside_apps(
    context: &Arc<Context>,
    cache: Writer<KnownRun>,
    stopped: impl Future<Output = ()> + Clone,
) {
    let filled = watch::Sender::new(false);
    let source = source(&context.caches.runs, filled.subscribe(), context);
    let events = watches::objects(Api::all(context.client.clone()), PAGE);
    let events = watches::patient(events, watches::RUNS, &context.health);
    let events = events.reflect(cache).inspect_ok(move |event| {
        one_off::heed(event, context);
        if matches!(event, watcher::Event::InitDone) {
            filled.send_replace(true);
        }
    });
    let (turns, limit) = (&context.wake.runs, context.config.pass_deadline);
    let lead = |run: &KnownRun| context.leases.led(&context.scope_of_run(run));
    let again = |key: &str, error: &Error| again(key, error, context);
    let pass = |run| one_off::pass(run, context.clone());
    futures::join!(
        zones::keep(context.clone()),
        feed(events.take_until(stopped.clone()), &context.caches.runs, turns),
        dispatch(turns, source, (limit, lead), pass, again, stopped),
    );
}

/// Starts the watches whose objects have no passes of their own. `claims_heard` is true once the claims were listed, or
/// could not be.
fn watch_beside(
    context: &Arc<Context>,
    claims_heard: watch::Sender<bool>,
    stopped: impl Future<Output = ()> + Clone + Send + 'static,
) {
    let shared = context.clone();
    tokio::spawn(namespaces::watch(
        context.client.clone(),
        context.health.clone(),
        move |namespace, labels| {
            if shared.namespaces.learn(namespace, labels) {
                shared.wake.apps(shared.caches.apps_in(namespace));
            }
        },
        stopped.clone(),
    ));
    let shared = context.clone();
    tokio::spawn(claims::watch(
        context.client.clone(),
        context.health.clone(),
        move |event| shared.claims.heed(event),
        claims_heard,
        stopped.clone(),
    ));
    let shared = context.clone();
    tokio::spawn(async move {
        let (client, health) = (&shared.client, &shared.health);
        definitions::watch(client, health, || shared.wake_all(), stopped).await;
    });
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
    if caches.fill().await {
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

fn leases_of(installation: &Installation, config: &Config) -> Leases {
    Leases::new(
        installation.of_leases(),
        &config.identity.clone().unwrap_or_else(host_name),
        config.lease_duration,
        config.rebalance_after,
    )
}

/// Names a replica outside of a pod.
fn host_name() -> String {
    let system = rustix::system::uname();
    system.nodename().to_string_lossy().into_owned()
}

/// A pass that could not even write its status.
fn again(object: &str, error: &Error, context: &Context) -> Requeue {
    let failures = context.failures.count(object);
    match pass::delay(error.class(), failures, fastrand::f64()) {
        Some(delay) => Requeue::After(delay),
        None => Requeue::Never,
    }
}
