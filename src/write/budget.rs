//! The layer of the door that keeps to AWS's request rates: it asks before a change is sent, and sends it or says when to
//! come again. It never waits.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Arns, Refusal, Writer};
use crate::aws::Caller;
use crate::budget::{Answer, Bucket};
use crate::change::{Change, Reply, Write};
use crate::error::Error;

/// A door through which one App writes as often as its place in the lines lets it.
pub struct Budgeted<'a> {
    pub door: &'a dyn Writer,
    /// Within whose [`calling`](crate::aws::calling) the pass is.
    pub caller: &'a Caller,
}

#[async_trait]
impl Writer for Budgeted<'_> {
    async fn write(&self, change: &Change, arns: &Arns<'_>) -> Result<Reply, Refusal> {
        let Some(bucket) = bucket_of(change) else {
            return self.door.write(change, arns).await;
        };
        let what = what(change);
        if let Answer::At(until) = self.caller.ask_to_write(bucket, &what) {
            return Err(Refusal::Later { until, bucket });
        }
        self.caller.take_turn(bucket, &what);
        match self.door.write(change, arns).await {
            Err(Refusal::Failed(Error::Aws(error)))
                // Not of the role that it was to be sent in.
                if error.is_about_rates() && error.action == change.operation() =>
            {
                // The bucket has learned from it, and has no token left.
                let until = self.caller.rejoin(bucket, &what);
                let error = Box::new(error);
                Err(Refusal::Throttled { error, until, bucket })
            }
            reply => reply,
        }
    }

    fn later(&self, change: &Change) -> Option<(Timestamp, Bucket)> {
        let bucket = bucket_of(change)?;
        match self.caller.ask_to_write(bucket, &what(change)) {
            Answer::Go => None,
            Answer::At(until) => Some((until, bucket)),
        }
    }
}

/// Tells the changes of an App apart, and not by what they write: an edit of what waits keeps its place.
fn what(change: &Change) -> String {
    format!("{} {}", change.operation(), change.resource())
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
        | Write::Scaling(_)
        | Write::Schedule(_)
        | Write::LogGroup(_)
        | Write::Task(_)
        | Write::Tags(_) => Bucket::of(change.operation()),
    }
}

#[cfg(test)]
mod tests;
