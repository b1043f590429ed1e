//! Begins a pass over the object whose turn it is, whenever a slot is free.

use std::any::Any;
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::FutureExt;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::{Resource, ResourceExt};
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tracing::{Instrument, debug, warn};

use crate::aws::within;
use crate::controller::memory::lock;
use crate::controller::queue::{Object, Only, Queue, Slots};
use crate::error::Error;
use crate::fence::{Fence, under};
use crate::metrics::{Controller, Metrics, PassResult, QueueState};
use crate::model::rank::Rank;
use crate::pass::{Requeue, version};
use crate::span;

/// A pass that writes for longer gives its slot back, if another object waits for it.
const WRITING: Duration = Duration::from_secs(1);
/// An object that waits for longer is worth a line in the log.
const LONG: Duration = Duration::from_secs(10);
/// Between two such lines.
const SELDOM: Duration = Duration::from_mins(1);
/// The interval at which what waits is looked at, if nothing else happens.
const LOOK: Duration = Duration::from_secs(5);

/// The queue of one kind of object: fed by its watch and by passes, and emptied by [`dispatch`].
pub(in crate::controller) struct Turns {
    queue: Mutex<Queue>,
    news: Notify,
    controller: Controller,
    metrics: Metrics,
}

impl Turns {
    /// Makes an empty queue, whose passes are counted as those of this controller.
    pub(in crate::controller) fn new(slots: Slots, controller: Controller, metrics: &Metrics) -> Self {
        Turns {
            queue: Mutex::new(Queue::new(slots)),
            news: Notify::new(),
            controller,
            metrics: metrics.clone(),
        }
    }

    /// Somebody changed an object.
    pub(in crate::controller) fn changed(&self, object: &Object, rank: Rank, version: Option<u64>) {
        lock(&self.queue).changed(object, rank, version, Instant::now());
        self.news.notify_one();
    }

    /// Something that an object depends on may have changed.
    pub(in crate::controller) fn woken(&self, object: &Object) {
        lock(&self.queue).woken(object, Instant::now());
        self.news.notify_one();
    }

    pub(in crate::controller) fn removed(&self, object: &Object) {
        lock(&self.queue).removed(object);
    }

    pub(in crate::controller) fn retain(&self, there: impl Fn(&Object) -> bool) {
        lock(&self.queue).retain(there);
    }

    /// True if a pass over this object that has written for so long is to give its slot back, since another waits for it.
    pub(in crate::controller) fn is_over(&self, object: &Object, written: Duration) -> bool {
        written >= WRITING && lock(&self.queue).wants_slot_of(object, Instant::now())
    }

    /// Returns what waits, by kind, and for how long the first of it has.
    pub(in crate::controller) fn report(&self) -> Value {
        let (queue, now) = (lock(&self.queue), Instant::now());
        let waiting = |rank| {
            let (length, oldest) = queue.waiting(rank, now);
            json!({ "length": length, "oldestSeconds": oldest.as_secs() })
        };
        json!({
            "slots": queue.slots(),
            "running": queue.running(),
            "waiting": {
                "edits": waiting(Rank::Edit),
                "deletions": waiting(Rank::Deletion),
                "repairs": waiting(Rank::Repair),
                "resyncs": waiting(Rank::Resync),
            },
        })
    }

    /// Returns what waits and what runs, for the gauges.
    pub(in crate::controller) fn state(&self) -> QueueState {
        let (queue, now) = (lock(&self.queue), Instant::now());
        let waiting = |rank: Rank| {
            let (length, oldest) = queue.waiting(rank, now);
            (rank.as_str(), length, oldest)
        };
        let taken = |begun: Instant| now.saturating_duration_since(begun);
        QueueState {
            waiting: Rank::ALL.map(waiting).into(),
            running: queue.begun().into_iter().map(taken).collect(),
            slots: queue.slots(),
        }
    }

    /// Says in the log, seldom, that something waits for long.
    fn warn_of_waits(&self, kind: &str, warned: &mut Option<Instant>) {
        let now = Instant::now();
        let waiting = Rank::ALL.map(|rank| lock(&self.queue).waiting(rank, now));
        let length: usize = waiting.iter().map(|(length, _)| length).sum();
        let oldest = waiting.iter().map(|(_, age)| *age).max().unwrap_or_default();
        if oldest > LONG && warned.is_none_or(|warned| now.duration_since(warned) >= SELDOM) {
            *warned = Some(now);
            let oldest = oldest.as_secs();
            warn!(kind, length, oldest_seconds = oldest, "passes wait for a slot");
        }
    }
}

/// The end of a pass: when the next one comes, and if something failed, or is in the way.
#[derive(Clone, Copy, Debug)]
pub(in crate::controller) struct Ended {
    pub requeue: Requeue,
    pub failed: bool,
}

impl From<Requeue> for Ended {
    /// Nothing failed.
    fn from(requeue: Requeue) -> Self {
        Ended {
            requeue,
            failed: false,
        }
    }
}

impl Ended {
    pub(in crate::controller) fn failed(requeue: Requeue) -> Self {
        Ended {
            requeue,
            failed: true,
        }
    }

    fn result(self) -> PassResult {
        match self.requeue {
            _ if self.failed => PassResult::Error,
            Requeue::Resync(_) | Requeue::Never => PassResult::Success,
            Requeue::After(_) | Requeue::Turn { .. } => PassResult::RequeueAfter,
            Requeue::Yielded => PassResult::Requeue,
        }
    }
}

/// The objects that passes are over, and when they can begin.
pub(in crate::controller) struct Source<'a, K, F>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    pub store: &'a Store<K>,
    /// True once the store is filled: until then, what is not there may well exist.
    pub filled: watch::Receiver<bool>,
    /// Resolves once all that passes look up is there, too: with false if the process ends before. Until then, only
    /// objects that are being deleted have passes, since what would fill a cache may be gone for good.
    pub all_filled: F,
}

/// Runs passes from when the caches are filled until `stopped` resolves and those under way have ended; what waits then is
/// dropped. What `lead` gives no fence for is another replica's, and is dropped, too; a pass runs inside of its fence. `again`
/// says when a pass follows that failed or panicked, and could not even write its status.
pub(in crate::controller) async fn dispatch<K, P>(
    turns: &Turns,
    source: Source<'_, K, impl Future<Output = bool>>,
    (limit, lead): (Duration, impl Fn(&K) -> Option<Fence>),
    pass: impl Fn(Arc<K>) -> P,
    again: impl Fn(&str, &Error) -> Requeue,
    stopped: impl Future<Output = ()>,
) where
    K: Resource<DynamicType = ()> + Clone + Send + Sync + 'static,
    P: Future<Output = Result<Ended, Error>> + Send + 'static,
{
    let Source {
        store,
        mut filled,
        all_filled,
    } = source;
    let kind = K::kind(&());
    let mut passes = JoinSet::new();
    let mut warned = None;
    // The objects whose turn came before all is filled.
    let mut early = Some(BTreeSet::new());
    futures::pin_mut!(stopped, all_filled);
    tokio::select! {
        biased;
        () = &mut stopped => return,
        filled = filled.wait_for(|filled| *filled) => if filled.is_err() { return },
    }
    loop {
        let next = {
            let (mut queue, now) = (lock(&turns.queue), Instant::now());
            let only = if early.is_some() { Only::Deleted } else { Only::All };
            let take = |object: &Object| {
                if let Some(early) = &mut early {
                    early.insert(object.clone());
                }
                let found = store.get(&key_of(object))?;
                let version = version(found.meta().resource_version.as_deref());
                let fence = lead(&found)?;
                Some(((found, fence), version))
            };
            let started = queue.start(now, only, take);
            if let Some((object, _)) = &started {
                turns.metrics.waited(turns.controller, queue.waited(object));
            }
            started.ok_or_else(|| queue.next_due(now).map_or(LOOK, |due| (due - now).min(LOOK)))
        };
        let idle = match next {
            Ok((object, (found, fence))) => {
                let pass = AssertUnwindSafe(under(fence, within(limit, pass(found)))).catch_unwind();
                let span = span::pass(&kind, &object.namespace, &object.name);
                let begun = Instant::now();
                passes.spawn(async move {
                    let panicked = |panic: Box<dyn Any + Send>| Err(Error::Bug(message_of(&*panic)));
                    let ended = pass.instrument(span.clone()).await.unwrap_or_else(panicked);
                    (object, ended, begun.elapsed(), span)
                });
                continue;
            }
            Err(idle) => idle,
        };
        turns.warn_of_waits(&kind, &mut warned);
        tokio::select! {
            biased;
            () = &mut stopped => break,
            is_filled = &mut all_filled, if early.is_some() => {
                if !is_filled {
                    break;
                }
                for object in early.take().unwrap_or_default() {
                    turns.changed(&object, Rank::Deletion, None);
                }
            }
            Some(Ok((object, ended, took, span))) = passes.join_next() => {
                let ended = ended.unwrap_or_else(|error| {
                    let failed = !error.is_fenced();
                    if failed {
                        warn!(%kind, %object, %error, "pass failed");
                    } else {
                        debug!(%kind, %object, %error, "pass not begun");
                    }
                    let requeue = again(&key_of::<K>(&object).to_string(), &error);
                    Ended { requeue, failed }
                });
                let result = ended.result();
                turns.metrics.reconciled(turns.controller, result, took);
                span::passed(&span, result.as_str(), ended.failed);
                let requeue = ended.requeue;
                debug!(%kind, %object, ?requeue, "pass done");
                lock(&turns.queue).finished(&object, requeue, Instant::now());
            }
            () = turns.news.notified() => {}
            () = tokio::time::sleep(idle) => {}
        }
    }
    while passes.join_next().await.is_some() {}
}

pub(in crate::controller) fn object_of(object: &impl Resource) -> Object {
    Object {
        namespace: object.namespace().unwrap_or_default(),
        name: object.name_any(),
    }
}

pub(in crate::controller) fn key_of<K>(object: &Object) -> ObjectRef<K>
where
    K: Resource<DynamicType = ()> + 'static,
{
    let key = ObjectRef::new(&object.name);
    if object.namespace.is_empty() {
        return key;
    }
    key.within(&object.namespace)
}

pub(in crate::controller) fn message_of(panic: &(dyn Any + Send)) -> String {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    format!("a pass panicked: {}", message.unwrap_or("without a message"))
}

#[cfg(test)]
mod tests;
