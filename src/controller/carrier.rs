//! The way on which DNS names are changed: the client of their Platform, under the Lease of its account.

use std::fmt;
use std::sync::Arc;

use crate::aws::Account;
use crate::budget::Place;
use crate::fence::{self, Fence, Moment};
use crate::write::zones::Outboxes;

#[derive(Clone)]
pub(super) struct Carrier {
    pub aws: Arc<dyn Account>,
    /// Where the token buckets are that it draws on.
    pub buckets: Arc<Place>,
    /// `None` outside of passes.
    pub fence: Option<Fence>,
}

/// The outbox of this replica.
pub(super) type Outbox = Outboxes<Carrier>;

impl Carrier {
    /// Returns the way of the pass that asks.
    pub(super) fn new(aws: Arc<dyn Account>, buckets: Place) -> Self {
        Carrier {
            aws,
            buckets: buckets.into(),
            fence: fence::current(),
        }
    }

    /// True if a write may be begun: a batch that may not is put again by whoever leads then.
    pub(super) fn may_send(&self) -> bool {
        let fence = self.fence.as_ref();
        fence.is_none_or(|fence| fence.is_open() && fence.may_write(Moment::now()).is_ok())
    }
}

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Carrier")
            .field("fence", &self.fence)
            .finish_non_exhaustive()
    }
}
