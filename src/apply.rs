//! One change: sent through the door, its reply folded into what was observed, and its refusal learned from. Nothing is
//! retried here: the SDK retries a call, the requeue retries an App.

mod lesson;

use std::sync::Arc;

use jiff::Timestamp;

use crate::aws::{AwsError, Fault};
use crate::budget::Bucket;
use crate::change::{Change, Write, fold};
use crate::error::Error;
use crate::model::desired::Desired;
use crate::model::state::Observed;
use crate::write::{Arns, Refusal, Writer};

/// The result of one change.
#[derive(Debug)]
pub enum Applied {
    Done,
    /// AWS will take it later.
    Pending(AwsError),
    /// The world is not as it was observed: observe all of it again.
    Stale(AwsError),
    Failed(Error),
    /// Not begun, as nothing else of this pass is from now on.
    Fenced(Error),
    /// Not begun: AWS takes no more calls of its kind before then.
    Later {
        until: Timestamp,
        bucket: Bucket,
    },
    /// AWS takes no more calls of its kind before then, and has said so.
    Throttled {
        error: Box<AwsError>,
        until: Timestamp,
        bucket: Bucket,
    },
    /// Nothing was written, and a new plan will do better.
    Replan,
    /// Somebody else was faster, and one port fewer is left to ask for.
    PortTaken,
}

impl Applied {
    /// True if it is not tried again in this pass.
    pub fn is_deferred(&self) -> bool {
        match self {
            Applied::Done | Applied::Replan | Applied::PortTaken | Applied::Fenced(_) => false,
            Applied::Pending(_)
            | Applied::Stale(_)
            | Applied::Failed(_)
            | Applied::Later { .. }
            | Applied::Throttled { .. } => true,
        }
    }
}

pub async fn apply(
    door: &dyn Writer,
    desired: &Desired,
    observed: &mut Observed,
    change: &Change,
) -> Applied {
    let reply = door.write(change, &Arns { desired, observed }).await;
    let refused = match (reply, &change.write) {
        (Ok(reply), _) => {
            fold(observed, change, reply);
            return Applied::Done;
        }
        (Err(Refusal::PortTaken), Write::Port(write)) => {
            let port = write.claim().port;
            observed.ports.cursor = Some(port);
            Arc::make_mut(&mut observed.ports.taken).insert(port);
            Ok(Applied::PortTaken)
        }
        (Err(Refusal::PortTaken), _) => Ok(Applied::Replan),
        (Err(Refusal::Fenced(error)), _) => Ok(Applied::Fenced(error)),
        (Err(Refusal::Later { until, bucket }), _) => Ok(Applied::Later { until, bucket }),
        (Err(Refusal::Throttled { error, until, bucket }), _) => {
            Ok(Applied::Throttled { error, until, bucket })
        }
        (Err(Refusal::Failed(Error::Aws(error))), _) if lesson::learn(observed, change, &error) => {
            Ok(Applied::Replan)
        }
        (Err(Refusal::Failed(error)), _) => Err(error),
    };
    match refused {
        Ok(applied) => applied,
        Err(Error::Aws(error)) => match error.fault {
            Fault::Pending => Applied::Pending(error),
            Fault::Absent | Fault::Stale | Fault::Inactive => Applied::Stale(error),
            // A read that was to learn from the refusal.
            Fault::Fenced => Applied::Fenced(error.into()),
            Fault::GracePeriod
            | Fault::Full
            | Fault::ZoneTaken
            | Fault::NotListed
            | Fault::Later { .. }
            | Fault::Failed(_) => Applied::Failed(error.into()),
        },
        Err(error) => Applied::Failed(error),
    }
}
