//! From the events of a watch to the queue: which of them ask for a pass, and of whom.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use futures::{Stream, StreamExt};
use kube::core::DeserializeGuard;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher::{self, Event};
use kube::{Resource, ResourceExt};

use super::context::Context;
use super::known_run::KnownRun;
use super::leadership::Scope;
use super::packed::PackedApp;
use super::queue::Object;
use super::queue::dispatch::{Turns, key_of, object_of};
use super::sweeper;
use crate::api::platform::Platform;
use crate::model::rank::Rank;
use crate::pass::version;

/// A kind of object whose status says up to which generation a pass has come.
pub(super) trait Observed {
    /// `None` without a status that can be read.
    fn observed_generation(&self) -> Option<i64>;
    /// Returns a hash of its annotations.
    fn noted(&self) -> u64;
}

impl Observed for PackedApp {
    fn observed_generation(&self) -> Option<i64> {
        self.observed_generation()
    }

    fn noted(&self) -> u64 {
        self.noted()
    }
}

impl Observed for KnownRun {
    fn observed_generation(&self) -> Option<i64> {
        self.observed_generation()
    }

    /// No annotation means anything.
    fn noted(&self) -> u64 {
        0
    }
}

impl Observed for DeserializeGuard<Platform> {
    fn observed_generation(&self) -> Option<i64> {
        let status = self.0.as_ref().ok()?.status.as_ref()?;
        Some(status.observed_generation)
    }

    fn noted(&self) -> u64 {
        hash(&self.meta().annotations)
    }
}

/// Asks for a pass over each object that somebody changed, for as long as there are events. They have passed the store.
pub(super) async fn feed<K>(
    events: impl Stream<Item = watcher::Result<Event<K>>>,
    store: &Store<K>,
    turns: &Turns,
) where
    K: Resource<DynamicType = ()> + Observed + Clone + 'static,
{
    let mut known = BTreeMap::new();
    let mut listed = Vec::new();
    futures::pin_mut!(events);
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Apply(object)) => {
                if let Some((object, rank, version)) = news(&mut known, &object, false) {
                    turns.changed(&object, rank, version);
                }
            }
            Ok(Event::InitApply(object)) => listed.extend(news(&mut known, &object, true)),
            // The store shows a list once it is whole.
            Ok(Event::InitDone) => {
                let is_there = |object: &Object| store.get(&key_of(object)).is_some();
                known.retain(|object, _| is_there(object));
                turns.retain(is_there);
                for (object, rank, version) in listed.drain(..) {
                    turns.changed(&object, rank, version);
                }
            }
            Ok(Event::Delete(object)) => {
                let object = object_of(&object);
                known.remove(&object);
                turns.removed(&object);
            }
            // The watch has logged its errors.
            Ok(Event::Init) | Err(_) => {}
        }
    }
}

/// Returns an object that is new or has changed, with its rank and version.
fn news<K>(
    known: &mut BTreeMap<Object, u64>,
    changed: &K,
    is_listed: bool,
) -> Option<(Object, Rank, Option<u64>)>
where
    K: Resource<DynamicType = ()> + Observed,
{
    let (object, now) = (object_of(changed), what_wakes_an_app(changed));
    let before = known.insert(object.clone(), now);
    let version = version(changed.meta().resource_version.as_deref());
    (before != Some(now)).then(|| (object, rank_of(changed, is_listed && before.is_none()), version))
}

/// Asks for a pass over all that these Leases are for, since this replica holds them from now on.
pub(super) fn lead(context: &Context, scopes: &[Scope]) {
    let Context { wake, .. } = context;
    if scopes.is_empty() {
        return;
    }
    for app in context.apps_of(|scope| scopes.contains(scope)) {
        context.edits.forget(&ObjectRef::from_obj(&*app));
        context.saw(&app);
        first(&wake.apps, &*app);
    }
    for platform in context.platforms_of(|scope| scopes.contains(scope)) {
        first(&wake.platforms, &*platform);
    }
    for run in context.runs_of(|scope| scopes.contains(scope)) {
        first(&wake.runs, &*run);
    }
}

/// Forgets all that a Lease is for: another replica writes from now on, and should the Lease come back, what was remembered
/// would be of another time.
pub(super) fn leave(context: &Context, given: &Scope) {
    sweeper::leave(context, given);
    for run in context.runs_of(|scope| scope == given) {
        context.forget_run(&run);
    }
    for app in context.apps_of(|scope| scope == given) {
        context.forget(&ObjectRef::from_obj(&*app));
    }
    for platform in context.platforms_of(|scope| scope == given) {
        context.forget_platform(&ObjectRef::from_obj(&*platform));
    }
}

/// Asks for a pass over an object as after a start: this replica has led nothing of it so far.
fn first<K>(turns: &Turns, object: &K)
where
    K: Resource<DynamicType = ()> + Observed,
{
    let version = version(object.meta().resource_version.as_deref());
    turns.changed(&object_of(object), rank_of(object, true), version);
}

/// Ranks an object that is new or has changed. After a start, one whose generation had its pass was not edited.
fn rank_of<K>(object: &K, is_first: bool) -> Rank
where
    K: Resource<DynamicType = ()> + Observed,
{
    let observed = object.observed_generation();
    let had_pass = observed.is_some() && observed == object.meta().generation;
    if object.meta().deletion_timestamp.is_some() {
        Rank::Deletion
    } else if is_first && had_pass {
        Rank::Resync
    } else {
        Rank::Edit
    }
}

/// Wakes those whom a changed Platform concerns: its Apps, those that have none yet, and the other Platforms, whose host ports may
/// have overlapped.
pub(super) struct Neighbours {
    context: Arc<Context>,
    known: HashMap<String, u64>,
    /// Changed according to a list that is not whole yet.
    listed: Vec<String>,
}

impl Neighbours {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Neighbours {
            context,
            known: HashMap::new(),
            listed: Vec::new(),
        }
    }

    pub(super) fn tell(&mut self, event: &Event<DeserializeGuard<Platform>>) {
        match event {
            Event::Apply(platform) if self.is_news(platform) => self.wake(&platform.name_any()),
            Event::InitApply(platform) if self.is_news(platform) => self.listed.push(platform.name_any()),
            Event::InitDone => {
                for name in std::mem::take(&mut self.listed) {
                    self.wake(&name);
                }
            }
            Event::Delete(platform) => {
                if self.known.remove(&platform.name_any()).is_some() {
                    self.wake(&platform.name_any());
                }
            }
            Event::Apply(_) | Event::InitApply(_) | Event::Init => {}
        }
    }

    fn is_news(&mut self, platform: &DeserializeGuard<Platform>) -> bool {
        let now = what_wakes_its_apps(platform);
        self.known.insert(platform.name_any(), now) != Some(now)
    }

    fn wake(&self, name: &str) {
        let Context { caches, wake, .. } = &*self.context;
        wake.apps(caches.apps_concerned(name));
        self.context.wake_runs(KnownRun::is_open);
        for other in caches.platforms().iter().map(ResourceExt::name_any) {
            if other != name {
                wake.platform(&other);
            }
        }
    }
}

/// Managed fields of a large App are larger than the App, and nobody here reads them.
pub(super) fn strip<K: Resource>(object: &mut K) {
    object.meta_mut().managed_fields = None;
}

/// Everything but the status, which is our own writing.
fn what_wakes_an_app<K: Resource + Observed>(object: &K) -> u64 {
    let meta = object.meta();
    hash((
        meta.uid.as_ref(),
        meta.generation,
        object.noted(),
        &meta.finalizers,
        meta.deletion_timestamp.is_some(),
    ))
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
