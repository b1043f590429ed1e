//! What a Platform that is being deleted waits for: that it is known of each App with its record whether it is there.

use super::Pass;
use crate::api::condition::Reason;
use crate::pass::platform::Tenant;
use crate::pass::{End, annotated};
use crate::status::Verdict;

impl Pass<'_> {
    /// Returns true if a pass has come to where the status says at which Platform the App is, or to why it is at none.
    pub(super) fn is_judged(&self, end: &End) -> bool {
        let context = self.context;
        if context.stopped_writes().is_some() || context.installation.id().is_err() {
            return false;
        }
        match end {
            End::Failure(None, error) => error.is_about_tenancy(),
            End::Verdict(Verdict::Disturbed(..) | Verdict::Reconciling(Reason::UninstallUnsaid, _)) => false,
            End::Reconciled(..) | End::Failure(Some(_), _) | End::Verdict(_) => true,
        }
    }

    /// A Platform that is being deleted waits until it is known of each App with its record whether it is there.
    pub(super) fn release_platform(&self) {
        if let Some(record) = annotated(&self.app.metadata)
            && !Tenant::of(&self.app.metadata, Some(self.app)).is_at(&record.name)
        {
            self.context.wake.platform(&record.name);
        }
    }
}
