//! What every reconcile shares: clients, caches, and what a pass remembers for the next one. Losing any of it costs
//! reads, never correctness.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures::channel::mpsc::UnboundedSender;
use jiff::Timestamp;
use kube::Client;
use kube::core::DeserializeGuard;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher;
use tokio::sync::watch;

use super::backoff::Failures;
use super::installation::Installation;
use crate::api::app::{App, AppStatus};
use crate::api::platform::Platform;
use crate::aws::{Aws, AwsClients, AwsSettings};
use crate::config::Config;
use crate::model::state::Observed;
use crate::plan::Pending;

pub(super) type Key = ObjectRef<DeserializeGuard<App>>;

pub(super) struct Context {
    pub(super) client: Client,
    pub(super) config: Config,
    pub(super) installation: Installation,
    pub(super) apps: Store<DeserializeGuard<App>>,
    pub(super) platforms: Store<Platform>,
    pub(super) platforms_listed: Listed,
    pub(super) failures: Failures,
    pub(super) wake: Wake,
    pub(super) connect: Box<dyn Connect>,
    memories: Mutex<HashMap<Key, Memory>>,
    /// Platforms whose ports in use have been claimed since the start.
    recovered: Mutex<HashSet<String>>,
    /// By Platform, the port that was handed out last.
    cursors: Mutex<HashMap<String, u16>>,
}

/// Whether a cache holds all that there was at the start. `Store::wait_until_ready` wakes only the last of those that
/// wait (kube 5.0), and the `Controller` that the store belongs to is one of them.
#[derive(Clone)]
pub(super) struct Listed(watch::Sender<bool>);

impl Default for Listed {
    fn default() -> Self {
        Listed(watch::Sender::new(false))
    }
}

impl Listed {
    /// To be called with every event of a watch that its store has taken in.
    pub(super) fn notice<K>(&self) -> impl FnMut(&watcher::Event<K>) + use<K> {
        let listed = self.0.clone();
        move |event| {
            if matches!(event, watcher::Event::InitDone) {
                listed.send_replace(true);
            }
        }
    }

    pub(super) async fn wait(&self) {
        // The sender is `self`'s own.
        let _ = self.0.subscribe().wait_for(|listed| *listed).await;
    }
}

/// Reconciles asked for by other reconciles.
#[derive(Clone)]
pub(super) struct Wake {
    pub apps: UnboundedSender<Key>,
    pub platforms: UnboundedSender<ObjectRef<Platform>>,
}

/// How AWS is reached.
#[async_trait]
pub trait Connect: Send + Sync {
    async fn connect(&self, settings: &AwsSettings) -> Arc<dyn Aws>;
}

/// The SDK's clients, one set per (region, endpoint).
#[derive(Default)]
pub struct Sdk(tokio::sync::Mutex<HashMap<AwsSettings, Arc<dyn Aws>>>);

#[async_trait]
impl Connect for Sdk {
    async fn connect(&self, settings: &AwsSettings) -> Arc<dyn Aws> {
        let mut clients = self.0.lock().await;
        if let Some(known) = clients.get(settings) {
            return known.clone();
        }
        let connected: Arc<dyn Aws> = Arc::new(AwsClients::connect(settings).await);
        clients.insert(settings.clone(), connected.clone());
        connected
    }
}

/// What a pass leaves for the next one.
#[derive(Clone)]
pub(super) struct Memory {
    pub generation: Option<i64>,
    pub platform_generation: Option<i64>,
    pub observed: Observed,
    pub pending: Vec<Pending>,
    /// Nothing but `pending` is open, so the next pass need read nothing else.
    pub only_pending: bool,
    /// Something of somebody else's is in the way.
    pub blocked: bool,
    pub observed_at: Timestamp,
    /// The watch may lag behind our own writes.
    pub status: AppStatus,
}

impl Context {
    pub(super) fn new(
        client: Client,
        config: Config,
        installation: Installation,
        apps: Store<DeserializeGuard<App>>,
        platforms: Store<Platform>,
        platforms_listed: Listed,
        wake: Wake,
        connect: Box<dyn Connect>,
    ) -> Self {
        Context {
            client,
            config,
            installation,
            apps,
            platforms,
            platforms_listed,
            wake,
            connect,
            failures: Failures::default(),
            memories: Mutex::default(),
            recovered: Mutex::default(),
            cursors: Mutex::default(),
        }
    }

    pub(super) async fn aws(&self, platform: &Platform) -> Arc<dyn Aws> {
        let settings = AwsSettings {
            region: platform.spec.region.clone(),
            endpoint_url: platform.spec.endpoint_url.clone(),
        };
        self.connect.connect(&settings).await
    }

    pub(super) fn memory(&self, key: &Key) -> Option<Memory> {
        lock(&self.memories).get(key).cloned()
    }

    pub(super) fn remember(&self, key: &Key, memory: Memory) {
        lock(&self.memories).insert(key.clone(), memory);
    }

    pub(super) fn forget(&self, key: &Key) {
        lock(&self.memories).remove(key);
    }

    /// Apps that may go on now that something was let go.
    pub(super) fn wake_blocked(&self, but: &Key) {
        for (key, _) in lock(&self.memories)
            .iter()
            .filter(|(key, memory)| *key != but && memory.blocked)
        {
            // The receiver lives as long as the controller.
            let _ = self.wake.apps.unbounded_send(key.clone());
        }
    }

    pub(super) fn wake_platform(&self, name: &str) {
        let _ = self.wake.platforms.unbounded_send(ObjectRef::new(name));
    }

    pub(super) fn is_recovered(&self, platform: &str) -> bool {
        lock(&self.recovered).contains(platform)
    }

    pub(super) fn set_recovered(&self, platform: &str) {
        lock(&self.recovered).insert(platform.into());
    }

    pub(super) fn cursor(&self, platform: &str) -> Option<u16> {
        lock(&self.cursors).get(platform).copied()
    }

    pub(super) fn set_cursor(&self, platform: &str, port: Option<u16>) {
        if let Some(port) = port {
            lock(&self.cursors).insert(platform.into(), port);
        }
    }
}

/// Every statement leaves these maps whole, so what a panic left behind is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
