//! Names that Apps have released and that are kept in the Platform's zones for their namespaces. What is over goes, and with the
//! Platform all of it; each by a batch that compares, so that a name which was taken meanwhile stays.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Request, owned_by, write};
use crate::aws::{Aws, AwsError, Fault};
use crate::change::{Change, Write, names_of};
use crate::error::Error;
use crate::lists::{KeptNames, Live};
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
        let until = crate::model::keeping::kept_until(&text);
        self.all || until.is_some_and(|until| until <= self.now.as_str())
    }
}

/// The names that are kept.
#[derive(Debug, Default)]
pub struct Kept {
    /// The number of those that stay, and of those that could not be removed yet; `None` while it is not known.
    pub count: Option<usize>,
    pub done: Vec<Change>,
}

/// Removes what is over.
pub(super) async fn sweep(
    aws: &dyn Aws,
    lists: &dyn KeptNames,
    door: &dyn Writer,
    request: &Request,
) -> Result<Kept, Error> {
    let mut kept = Kept {
        count: Some(0),
        done: Vec::new(),
    };
    let mut failed = None;
    for zone in &request.kept.zones {
        if let Err(error) = sweep_zone(aws, lists, door, request, zone, &mut kept).await {
            failed.get_or_insert(error);
        }
    }
    failed.map_or(Ok(kept), Err)
}

async fn sweep_zone(
    aws: &dyn Aws,
    lists: &dyn KeptNames,
    door: &dyn Writer,
    request: &Request,
    zone: &str,
    kept: &mut Kept,
) -> Result<(), Error> {
    let Request {
        installation,
        kept: sweep,
        ..
    } = request;
    let live = Live(aws);
    let lists: &dyn KeptNames = if sweep.all { &live } else { lists };
    let Some(found) = lists.kept(zone, installation).await? else {
        kept.count = None;
        return Ok(());
    };
    let (over, left): (Vec<Arc<RecordSet>>, Vec<_>) =
        found.into_iter().partition(|record| sweep.is_over(record));
    let mut count = left.len();
    // Of no App: a batch of records names no ARN.
    let nobody = AppName {
        namespace: "".into(),
        name: "".into(),
    };
    let (desired, observed) = (owned_by(&nobody, request), Observed::default());
    for change in removal(zone, over) {
        let (names, before) = (names_in(&change), kept.done.len());
        match write(door, &desired, &observed, change, &mut kept.done).await {
            Ok(()) if kept.done.len() > before => lists.removed(zone, &names),
            // Somebody has taken one of them; the others go by the next list.
            Ok(())
            | Err(Error::Aws(AwsError {
                fault: Fault::Stale, ..
            })) => count += names.len(),
            Err(error) => return Err(error),
        }
    }
    kept.count = kept.count.map(|known| known + count);
    Ok(())
}

fn names_in(change: &Change) -> BTreeSet<String> {
    match &change.write {
        Write::Records(batch) => names_of(&batch.changes).into_keys().collect(),
        Write::Port(_)
        | Write::LoadBalancer(_)
        | Write::TargetGroup(_)
        | Write::Listener(_)
        | Write::TaskDefinition(_)
        | Write::Service(_)
        | Write::Schedule(_)
        | Write::Tags(_) => BTreeSet::new(),
    }
}
