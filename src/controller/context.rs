//! The context that every pass shares: clients, caches, and who wakes whom.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use async_trait::async_trait;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::core::DeserializeGuard;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher::Event;
use kube::{Client, Resource, ResourceExt};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::carrier::Outbox;
use super::known_run::KnownRun;
use super::kubernetes::claims::ClaimCache;
use super::kubernetes::namespaces::Namespaces;
use super::kubernetes::report::{self, Note};
use super::leadership::{Leases, Scope};
use super::memory::edits::Edits;
use super::memory::{
    Failures, Key, Memories, Platforms, Published, RunMemories, Trouble, app_name, lock, run_name,
};
use super::packed::PackedApp;
use super::queue::dispatch::{Turns, object_of};
use super::queue::{Object, Slots};
use super::readers::Readers;
use super::siblings::Siblings;
use crate::api::condition::Reason;
use crate::api::platform::Platform;
use crate::aws::{Account, AwsClients, AwsSettings, Caller, Connections, Kind, Role, Zones};
use crate::budget::{Budget, Place};
use crate::config::Config;
use crate::error::Error;
use crate::fence::{self, Fenced};
use crate::health::Health;
use crate::inventory::Inventory;
use crate::metrics::{Conflict, Controller, Metrics};
use crate::model::exclusive::Exclusive;
use crate::model::owner::AppName;
use crate::pass::{Installation, account};
use crate::status::Verdict;

pub(super) type PlatformKey = ObjectRef<DeserializeGuard<Platform>>;

pub(super) struct Context {
    pub client: Client,
    pub config: Config,
    pub installation: Installation,
    pub leases: Arc<Leases>,
    pub caches: Caches,
    /// The same Apps, by namespace.
    pub siblings: Siblings,
    pub claims: ClaimCache,
    pub memories: Memories,
    pub run_memories: RunMemories,
    pub published: Published,
    pub platforms: Platforms,
    pub inventory: Arc<Inventory>,
    pub readers: Readers,
    /// The DNS names that wait to be changed.
    pub outbox: Arc<Outbox>,
    pub budget: Arc<Mutex<Budget>>,
    pub failures: Failures,
    pub namespaces: Namespaces,
    pub wake: Wake,
    pub connect: Box<dyn Connect>,
    pub health: Health,
    pub metrics: Metrics,
    /// When this replica, as the one that leads, first saw each generation that is not Ready yet.
    pub edits: Edits,
    /// True once the process is to end.
    pub stopping: watch::Receiver<bool>,
}

/// The objects that the watches keep.
#[derive(Clone)]
pub(super) struct Caches {
    pub apps: Store<PackedApp>,
    pub platforms: Store<DeserializeGuard<Platform>>,
    pub runs: Store<KnownRun>,
    /// True once the first two have been filled, and claims have been listed or cannot be. A store's own `wait_until_ready` wakes only
    /// the last one who asked.
    pub filled: [watch::Receiver<bool>; 3],
}

impl Caches {
    /// Waits until they are filled. False if they never will be, since the process is about to end.
    pub(super) async fn fill(self) -> bool {
        for mut cache in self.filled {
            if cache.wait_for(|filled| *filled).await.is_err() {
                return false;
            }
        }
        true
    }

    /// True if they are filled: a pass over what is being deleted may begin before.
    pub(super) fn are_filled(&self) -> bool {
        self.filled.iter().all(|filled| *filled.borrow())
    }

    /// The Platforms that can be read.
    pub(super) fn platforms(&self) -> Vec<Platform> {
        let known = self.platforms.state();
        known
            .iter()
            .filter_map(|guard| guard.0.as_ref().ok().cloned())
            .collect()
    }

    /// All Apps.
    fn all_apps(&self) -> Vec<Key> {
        let known = self.apps.state();
        known.iter().map(|app| ObjectRef::from_obj(&**app)).collect()
    }

    /// The Apps of a namespace.
    pub(super) fn apps_in(&self, namespace: &str) -> Vec<Key> {
        let mut keys = self.all_apps();
        keys.retain(|key| key.namespace.as_deref() == Some(namespace));
        keys
    }

    /// The Apps of a Platform, and those that have none yet.
    pub(super) fn apps_concerned(&self, platform: &str) -> Vec<Key> {
        let concerned = |app: &&Arc<PackedApp>| {
            app.is_decoded() && app.recorded().is_none_or(|record| record.name == platform)
        };
        let known = self.apps.state();
        known
            .iter()
            .filter(concerned)
            .map(|app| ObjectRef::from_obj(&**app))
            .collect()
    }
}

/// Names an App as the queue does.
pub(super) fn object_at(key: &Key) -> Object {
    Object {
        namespace: key.namespace.clone().unwrap_or_default(),
        name: key.name.clone(),
    }
}

/// Passes asked for by other passes.
#[derive(Clone)]
pub(super) struct Wake {
    pub apps: Arc<Turns>,
    pub platforms: Arc<Turns>,
    pub runs: Arc<Turns>,
}

impl Wake {
    /// Makes the queues. Platforms have slots of their own, which are no namespace's.
    pub(super) fn new(slots: u16, metrics: &Metrics) -> Self {
        let all = slots.into();
        let turns =
            |keeps_last, controller| Arc::new(Turns::new(Slots { all, keeps_last }, controller, metrics));
        Wake {
            apps: turns(true, Controller::App),
            platforms: turns(false, Controller::Platform),
            runs: turns(true, Controller::Run),
        }
    }

    pub(super) fn apps(&self, keys: impl IntoIterator<Item = Key>) {
        for key in keys {
            self.apps.woken(&object_at(&key));
        }
    }

    pub(super) fn platform(&self, name: &str) {
        self.platforms.woken(&Object {
            namespace: String::new(),
            name: name.into(),
        });
    }

    /// Returns what waits, as `/queue` shows it.
    pub(super) fn report(&self) -> Value {
        json!({ "apps": self.apps.report(), "platforms": self.platforms.report(), "runs": self.runs.report() })
    }
}

/// The way to AWS.
#[async_trait]
pub trait Connect: Send + Sync {
    async fn connect(&self, settings: &AwsSettings) -> Arc<dyn Account>;
}

/// Where a Platform's AWS is.
pub(crate) fn settings_of(platform: &Platform) -> AwsSettings {
    AwsSettings {
        region: platform.spec.region.clone(),
        endpoint_url: platform.spec.endpoint_url.clone(),
        role: platform.spec.role_arn.clone().map(|arn| Role {
            arn,
            external_id: platform.spec.external_id.clone(),
        }),
    }
}

/// Where a Platform's AWS is, as all see it who read it or share its request rates.
pub(super) fn place_of(platform: &Platform) -> Place {
    Place {
        account: account(platform),
        region: platform.spec.region.clone(),
        endpoint_url: platform.spec.endpoint_url.clone(),
    }
}

/// The SDK's clients, one set per (region, role, endpoint), and the zones in which these meet.
#[derive(Default)]
pub struct Sdk {
    clients: tokio::sync::Mutex<HashMap<AwsSettings, Arc<dyn Account>>>,
    connections: Connections,
    zones: Zones,
    metrics: Metrics,
}

impl Sdk {
    /// Makes clients whose calls are measured.
    pub fn new(metrics: Metrics) -> Self {
        Sdk {
            metrics,
            ..Sdk::default()
        }
    }
}

#[async_trait]
impl Connect for Sdk {
    async fn connect(&self, settings: &AwsSettings) -> Arc<dyn Account> {
        let mut clients = self.clients.lock().await;
        if let Some(known) = clients.get(settings) {
            return known.clone();
        }
        let connected = AwsClients::connect(settings, &self.connections, &self.zones, &self.metrics).await;
        let connected: Arc<dyn Account> = Arc::new(connected);
        clients.insert(settings.clone(), connected.clone());
        connected
    }
}

impl Context {
    /// Connects to the AWS of a Platform, under the Lease of its account and no other.
    pub(super) async fn aws(&self, platform: &Platform) -> Result<Arc<dyn Account>, Error> {
        let scope = Scope::of_account(account(platform));
        if let Some(fence) = fence::current().filter(|_| !self.leases.is_under(&scope)) {
            let lease = fence.lease().to_owned();
            return Err(Error::Fenced {
                action: "connect to AWS",
                fenced: Fenced::Elsewhere { lease },
            });
        }
        Ok(self.connect.connect(&settings_of(platform)).await)
    }

    /// Writes Events about an object.
    pub(super) async fn publish<K: Resource<DynamicType = ()>>(&self, object: &K, notes: Vec<Note>) {
        report::publish((&self.client, &self.published), object, notes).await;
    }

    /// Writes an Event for each trouble that is news, and returns their reasons.
    pub(super) async fn tell<K: Resource<DynamicType = ()>>(
        &self,
        key: &str,
        object: &K,
        before: &[Condition],
        troubles: &[Trouble],
    ) -> Vec<Reason> {
        let told = report::tell((&self.client, &self.published), key, object, before, troubles).await;
        for _ in told.iter().filter(|reason| **reason == Reason::Conflict) {
            self.metrics.conflicted(Conflict::Owner);
        }
        told
    }

    /// Wakes the Apps that wait for any of what was just released.
    pub(super) fn wake_waiting(&self, released: &BTreeSet<Exclusive>, but: Option<&Key>) {
        self.wake.apps(self.memories.release(released, but));
    }

    /// Notes what the watch shows of an App's part of the limits of its namespace, and wakes those that they left no room.
    pub(super) fn heed_siblings(&self, event: &Event<PackedApp>) {
        let namespaces = self.siblings.heed(event, &self.caches.apps);
        self.wake_waiting(&namespaces.into_iter().map(Exclusive::Room).collect(), None);
        if let Event::Apply(app) | Event::Delete(app) = event {
            let (namespace, name) = (app.namespace(), app.name_any());
            self.wake_runs(|run| run.waits_for(namespace.as_deref(), &name));
        }
    }

    /// Wakes Runs: also those that another replica would have had so far, which has no reason to look at them again.
    pub(super) fn wake_runs(&self, which: impl Fn(&KnownRun) -> bool) {
        for run in self.caches.runs.state().iter().filter(|run| which(run)) {
            self.wake.runs.woken(&object_of(&**run));
        }
    }

    /// Has Apps look at everything again: something is not as they know it.
    pub(super) fn look_again(&self, apps: Vec<Key>) {
        self.memories.look_again(&apps);
        self.wake.apps(apps);
    }

    /// Wakes every App and Platform, since something that all depend on has changed.
    pub(super) fn wake_all(&self) {
        self.wake.apps(self.caches.all_apps());
        for platform in self.caches.platforms() {
            self.wake.platform(&platform.name_any());
        }
        self.wake_runs(|_| true);
    }

    /// Returns why nothing may be written to AWS, if that is so.
    pub(super) fn stopped_writes(&self) -> Option<Verdict> {
        let obstacle = self.health.obstacle().filter(|obstacle| obstacle.stops_writes)?;
        Some(Verdict::Reconciling(
            Reason::DefinitionsOutdated,
            obstacle.message,
        ))
    }

    /// Notes when the watch shows a generation of an App that this replica leads.
    pub(super) fn saw(&self, app: &PackedApp) {
        let scope = Scope::of_app(app, &self.caches.platforms);
        if app.is_decoded() && self.leases.leads(&scope) {
            self.edits.saw(&ObjectRef::from_obj(app), app, Instant::now());
        }
    }

    /// Nothing of an App that is gone is remembered.
    pub(super) fn forget(&self, key: &Key) {
        self.memories.forget(key);
        self.published.forget(&key.to_string());
        self.failures.forget(&key.to_string());
        self.platforms.forget_app(&key.to_string());
        self.edits.forget(key);
        let app = app_name(key);
        self.inventory.forget_app(&app);
        self.outbox.outbox().forget(&app);
        self.give_up(key);
    }

    /// Makes the caller of what is to be called there. Its clock is the one by which requeues go.
    pub(super) fn caller(&self, place: Place, kind: Kind) -> Arc<Caller> {
        Caller::new(self.budget.clone(), place, kind, Timestamp::now)
    }

    /// Gives up the turns for which an App waits.
    pub(super) fn give_up(&self, key: &Key) {
        let AppName { namespace, name } = app_name(key);
        lock(&self.budget).give_up(&namespace, &name, Timestamp::MAX);
    }

    /// Likewise of a Platform.
    pub(super) fn forget_platform(&self, platform: &PlatformKey) {
        self.published.forget(&platform.to_string());
        self.failures.forget(&platform.to_string());
        self.platforms.forget(&platform.name);
    }

    /// The Apps of Leases.
    pub(super) fn apps_of(&self, led: impl Fn(&Scope) -> bool) -> Vec<Arc<PackedApp>> {
        let mut apps = self.caches.apps.state();
        apps.retain(|app| led(&Scope::of_app(app, &self.caches.platforms)));
        apps
    }

    /// The Platforms of Leases.
    pub(super) fn platforms_of(&self, led: impl Fn(&Scope) -> bool) -> Vec<Arc<DeserializeGuard<Platform>>> {
        let mut platforms = self.caches.platforms.state();
        platforms.retain(|platform| led(&Scope::of_platform(platform)));
        platforms
    }

    pub(super) fn scope_of_run(&self, run: &KnownRun) -> Scope {
        Scope::of_run(run, &self.caches.apps, &self.caches.platforms)
    }

    /// Nothing of a Run that is gone, or another replica's, is remembered.
    pub(super) fn forget_run(&self, run: &KnownRun) {
        let key = ObjectRef::from_obj(run).to_string();
        self.run_memories
            .forget(run.meta().uid.as_deref().unwrap_or_default());
        self.published.forget(&key);
        self.failures.forget(&key);
        let AppName { namespace, name } = run_name(run);
        lock(&self.budget).give_up(&namespace, &name, Timestamp::MAX);
    }

    /// The Runs of Leases.
    pub(super) fn runs_of(&self, led: impl Fn(&Scope) -> bool) -> Vec<Arc<KnownRun>> {
        let mut runs = self.caches.runs.state();
        runs.retain(|run| led(&self.scope_of_run(run)));
        runs
    }

    pub(super) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }
}
