//! The outbox as one pass sees it.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::Notify;

use super::{Answer, Id, Outbox, Route};
use crate::aws::AwsSettings;
use crate::model::desired::RecordKey;
use crate::model::owner::AppName;
use crate::model::record::RecordChange;

/// Tells the time.
type Clock<'a> = &'a (dyn Fn() -> Timestamp + Send + Sync);

/// Takes the changes of an App's names, and says what became of them.
pub trait Names: Send + Sync {
    /// Returns what became of names since the last pass; the oldest first.
    fn answers(&self) -> Vec<Answer>;
    /// Forgets the oldest answers: a pass that took them up comes to its end.
    fn forget(&self, answers: usize);
    /// Returns the names that are being changed at this moment: what they are is not known.
    fn flying(&self) -> BTreeSet<RecordKey>;
    /// Queues the changes of a name for as long as the pass runs; without effect if just these are queued.
    fn put(&self, key: &RecordKey, changes: &[RecordChange]);
    /// Keeps all changes queued after the pass: it ends before it has planned anything.
    fn keep_all(&self);
    /// Keeps the changes of a name queued after the pass. False if just these are not.
    fn keep(&self, key: &RecordKey, changes: &[RecordChange]) -> bool;
}

/// The outbox, and a bell for whoever sends what is in it.
#[derive(Debug)]
pub struct Outboxes<C> {
    outbox: Mutex<Outbox<C>>,
    changed: Notify,
}

impl<C> Default for Outboxes<C> {
    fn default() -> Self {
        Outboxes {
            outbox: Mutex::default(),
            changed: Notify::new(),
        }
    }
}

impl<C> Outboxes<C> {
    /// Returns the outbox, for as long as it takes to look.
    pub fn outbox(&self) -> MutexGuard<'_, Outbox<C>> {
        // Every statement leaves it whole.
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Resolves once something was put, or withdrawn, since it was last asked.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Has whoever sends look again.
    pub fn ring(&self) {
        self.changed.notify_one();
    }
}

/// One App's part of the outbox, while a pass over it runs. Dropped, it withdraws what the pass has not planned.
pub struct Desk<'a, C: Clone> {
    outboxes: &'a Outboxes<C>,
    app: AppName,
    way: AwsSettings,
    carrier: C,
    clock: Clock<'a>,
}

impl<'a, C: Clone> Desk<'a, C> {
    /// Keeps back what the App has queued. `way` and `carrier` are how its names are sent.
    pub fn open(
        outboxes: &'a Outboxes<C>,
        app: AppName,
        (way, carrier): (AwsSettings, C),
        clock: Clock<'a>,
    ) -> Self {
        outboxes.outbox().hold(&app);
        Desk {
            outboxes,
            app,
            way,
            carrier,
            clock,
        }
    }

    /// Returns where a name of the App is queued.
    fn place(&self, RecordKey { zone, name }: &RecordKey) -> (Route, Id) {
        (Route::new(&self.way, zone), (self.app.clone(), name.clone()))
    }
}

impl<C: Clone> Drop for Desk<'_, C> {
    fn drop(&mut self) {
        self.outboxes.outbox().release(&self.app);
        self.outboxes.ring();
    }
}

impl<C: Clone + Send + Sync> Names for Desk<'_, C> {
    fn answers(&self) -> Vec<Answer> {
        self.outboxes.outbox().answers(&self.app, (self.clock)())
    }

    fn forget(&self, answers: usize) {
        self.outboxes.outbox().forget_answers(&self.app, answers);
    }

    fn flying(&self) -> BTreeSet<RecordKey> {
        self.outboxes.outbox().flying(&self.app)
    }

    fn put(&self, key: &RecordKey, changes: &[RecordChange]) {
        let (route, id) = self.place(key);
        let carrier = self.carrier.clone();
        self.outboxes
            .outbox()
            .put(route, id, changes, (self.clock)(), carrier);
    }

    fn keep_all(&self) {
        self.outboxes.outbox().keep_all(&self.app);
    }

    fn keep(&self, key: &RecordKey, changes: &[RecordChange]) -> bool {
        let (route, id) = self.place(key);
        self.outboxes.outbox().keep(&route, &id, changes)
    }
}
