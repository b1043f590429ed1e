//! The layer of the door that keeps to AWS's request rates: it asks before a change is sent, and sends it or says when to
//! come again. It never waits.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Arns, Refusal, Writer};
use crate::budget::{Answer, Asker, Bucket, Budget, Place};
use crate::change::{Change, Reply, Write};
use crate::error::Error;

/// A door through which one App writes as often as its place in the lines lets it.
pub struct Budgeted<'a> {
    pub door: &'a dyn Writer,
    pub budget: &'a Mutex<Budget>,
    pub place: Place,
    pub asker: Asker,
    pub clock: &'a (dyn Fn() -> Timestamp + Send + Sync),
}

#[async_trait]
impl Writer for Budgeted<'_> {
    async fn write(&self, change: &Change, arns: &Arns<'_>) -> Result<Reply, Refusal> {
        let Some(bucket) = bucket_of(change) else {
            return self.door.write(change, arns).await;
        };
        if let Answer::At(until) = self.ask(bucket, change) {
            return Err(Refusal::Later { until, bucket });
        }
        let reply = self.door.write(change, arns).await;
        if matches!(&reply, Err(Refusal::Failed(Error::Aws(error))) if error.is_about_rates()) {
            let now = (self.clock)();
            self.with(|budget| budget.throttled(now, &self.place, bucket));
        }
        reply
    }
}

impl Budgeted<'_> {
    /// Gives up the places that the App has from before and that a pass, which began then and has come to its end, did not
    /// ask for.
    pub fn give_up(&self, since: Timestamp) {
        let Asker { namespace, app, .. } = &self.asker;
        self.with(|budget| budget.give_up(namespace, app, since));
    }

    fn ask(&self, bucket: Bucket, change: &Change) -> Answer {
        // Not by what it writes: an edit of what waits keeps its place.
        let what = format!("{} {}", change.operation(), change.resource());
        let now = (self.clock)();
        self.with(|budget| budget.ask(now, &self.place, bucket, &self.asker, &what))
    }

    fn with<T>(&self, ask: impl FnOnce(&mut Budget) -> T) -> T {
        // Every statement leaves it whole.
        ask(&mut self.budget.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Names go in batches, of which there are few.
fn bucket_of(change: &Change) -> Option<Bucket> {
    match &change.write {
        Write::Port(_) | Write::Records(_) => None,
        Write::LoadBalancer(_)
        | Write::TargetGroup(_)
        | Write::Listener(_)
        | Write::TaskDefinition(_)
        | Write::Service(_)
        | Write::Schedule(_)
        | Write::Tags(_) => Bucket::of(change.operation()),
    }
}

#[cfg(test)]
mod tests;
