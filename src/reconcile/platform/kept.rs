//! Names that Apps have released and that are kept in the Platform's zones for their namespaces. What is over goes, and with the
//! Platform all of it; each by a batch that compares, so that a name which was taken meanwhile stays.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Request, owned_by, write};
use crate::aws::{Aws, AwsError, Fault};
use crate::change::{Change, RecordBatch, names_of};
use crate::error::Error;
use crate::lists::{Live, Zones};
use crate::model::keeping::{is_over, kept_until};
use crate::model::owner::AppName;
use crate::model::record::RecordSet;
use crate::model::state::Observed;
use crate::plan::removal;
use crate::write::Writer;

/// The names to look for, and those of them to remove.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sweep {
    /// The ids of the hosted zones in which there may be some.
    pub zones: BTreeSet<String>,
    /// True if all are removed, as with the Platform: then AWS is read for it. Else those that are over.
    pub all: bool,
    /// The time, as ownership records have it.
    pub now: String,
}

impl Sweep {
    fn is_over(&self, record: &RecordSet) -> bool {
        let text = record.text();
        self.all || kept_until(&text).is_some_and(|until| is_over(until, &self.now))
    }
}

/// The names that are kept.
#[derive(Debug, Default)]
pub struct Kept {
    /// The number of those that stay, and of those that could not be removed yet; `None` while it is not known.
    pub count: Option<usize>,
    pub done: Vec<Change>,
    /// The first error, if there was one: what was done before and after it is done.
    pub failed: Option<Error>,
}

/// The names of refused batches that a pass tries one by one. The others wait for the next one.
const SINGLY: usize = 20;

/// Removes what is over.
pub(super) async fn sweep(aws: &dyn Aws, zones: &dyn Zones, door: &dyn Writer, request: &Request) -> Kept {
    let live = Live(aws);
    let mut sweeper = Sweeper {
        zones: if request.kept.all { &live } else { zones },
        door,
        request,
        singly: SINGLY,
        done: Vec::new(),
    };
    let (mut count, mut failed) = (Some(0), None);
    for zone in &request.kept.zones {
        let left = sweeper.zone(zone).await.unwrap_or_else(|error| {
            failed.get_or_insert(error);
            None
        });
        count = count.zip(left).map(|(count, left)| count + left);
    }
    Kept {
        count,
        done: sweeper.done,
        failed,
    }
}

struct Sweeper<'a> {
    zones: &'a dyn Zones,
    door: &'a dyn Writer,
    request: &'a Request,
    /// The names that may still be tried one by one.
    singly: usize,
    done: Vec<Change>,
}

/// What became of a batch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Batch {
    Removed,
    /// Somebody has changed or taken one of its names.
    Refused,
    NotBegun,
}

impl Sweeper<'_> {
    /// Returns how many names stay in a zone; `None` while its list is not known.
    async fn zone(&mut self, zone: &str) -> Result<Option<usize>, Error> {
        let Request {
            installation,
            kept: sweep,
            ..
        } = self.request;
        let Some(found) = self.zones.kept(zone, installation).await? else {
            return Ok(None);
        };
        let (over, left): (Vec<Arc<RecordSet>>, Vec<_>) =
            found.into_iter().partition(|record| sweep.is_over(record));
        let mut left = left.len();
        for batch in removal(zone, over.clone()) {
            let names = names_in(&batch);
            match self.remove(zone, batch).await? {
                Batch::Removed => {}
                // One name holds up no other; all at once would be as many calls.
                Batch::Refused if names.len() > 1 => {
                    for record in over.iter().filter(|record| names.contains(record.about())) {
                        if self.singly == 0 || !self.remove_one(zone, record).await? {
                            left += 1;
                        }
                    }
                }
                Batch::Refused | Batch::NotBegun => left += names.len(),
            }
        }
        Ok(Some(left))
    }

    /// True if it was removed.
    async fn remove_one(&mut self, zone: &str, record: &Arc<RecordSet>) -> Result<bool, Error> {
        self.singly -= 1;
        for batch in removal(zone, vec![record.clone()]) {
            if self.remove(zone, batch).await? != Batch::Removed {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn remove(&mut self, zone: &str, batch: RecordBatch) -> Result<Batch, Error> {
        // Of no App: a batch of records names no ARN.
        let nobody = AppName {
            namespace: "".into(),
            name: "".into(),
        };
        let (desired, observed) = (owned_by(&nobody, self.request), Observed::default());
        let (names, before) = (names_in(&batch), self.done.len());
        match write(self.door, &desired, &observed, batch.into(), &mut self.done).await {
            Ok(()) if self.done.len() > before => {
                self.zones.removed(zone, &names);
                Ok(Batch::Removed)
            }
            Ok(()) => Ok(Batch::NotBegun),
            Err(Error::Aws(AwsError {
                fault: Fault::Stale, ..
            })) => Ok(Batch::Refused),
            Err(error) => Err(error),
        }
    }
}

fn names_in(batch: &RecordBatch) -> BTreeSet<String> {
    names_of(&batch.changes).into_keys().collect()
}
