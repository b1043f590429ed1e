//! What a pass says: the status and the Events of its App. Both only where they differ from what was said before.

use std::time::Duration;

use kube::ResourceExt;
use kube::api::Api;
use kube::core::DeserializeGuard;
use kube::runtime::controller::Action;
use tracing::{error, warn};

use super::Pass;
use crate::api::app::{App, AppStatus, PlatformRecord};
use crate::api::condition::Reason;
use crate::api::event::EventReason;
use crate::controller::backoff::{delay, pending};
use crate::controller::denials;
use crate::controller::finalizer::version;
use crate::controller::prepare::Bound;
use crate::controller::report::{self, EventType, Note, NoteReason};
use crate::desired::leaves_things_behind;
use crate::error::Error;
use crate::model::class::Class;
use crate::model::desired::Desired;
use crate::reconcile::Outcome;
use crate::status::{self, Verdict, verdict_of_error};

impl Pass<'_> {
    /// A new generation is not Ready before it is, however long the first look at AWS takes; and where it is about to hold
    /// something is recorded before it does.
    pub(super) async fn announce(&self, bound: &Bound<'_>, desired: &Desired) -> Result<(), Error> {
        let grows = self
            .status()
            .is_some_and(|status| status::recorded_ahead(&status, desired).is_some());
        if !self.is_new && !grows {
            return Ok(());
        }
        let verdict = if self.deleting {
            let what = if leaves_things_behind(self.app, Some(bound.platform)) {
                "untagging everything that this App holds in AWS (Retain)"
            } else {
                "removing everything that this App holds in AWS"
            };
            Verdict::Reconciling(Reason::Deleting, what.into())
        } else {
            Verdict::Reconciling(Reason::Progressing, "comparing this generation with AWS".into())
        };
        self.write_status(Some(&bound.record), Some(desired), None, &verdict)
            .await
            .map(|_| ())
    }

    /// Once per generation, also if it took several passes until it could be understood.
    pub(super) async fn warn_once(&self, warnings: impl Iterator<Item = (EventReason, String)>) {
        let is_known = self.recall(|memory| memory.built);
        if is_known.unwrap_or(!self.is_new) {
            return self.remember(|memory| memory.built = true);
        }
        let note = |(reason, text): (EventReason, String)| Note {
            kind: EventType::Warning,
            reason: NoteReason::Event(reason),
            action: "Build",
            text,
        };
        let notes = warnings.map(note).collect();
        report::publish(&self.context.client, self.app, notes).await;
        self.remember(|memory| memory.built = true);
    }

    /// Something that another manifest, or its operator, must bring.
    pub(super) async fn waits(&self, verdict: Verdict) -> Result<Action, Error> {
        self.write_status(None, None, None, &verdict).await?;
        match verdict {
            // Its Platform's own pass, which wakes us, is on its way.
            Verdict::Disturbed(..) => Ok(Action::requeue(pending(fastrand::f64()))),
            Verdict::Ready(_)
            | Verdict::Suspended(_)
            | Verdict::Reconciling(..)
            | Verdict::Stalled(..)
            | Verdict::Lasting(..)
            | Verdict::Denied(..) => Ok(self.retry(Class::Denied, None)),
        }
    }

    pub(super) async fn failed(
        &self,
        record: Option<&PlatformRecord>,
        failure: &Error,
    ) -> Result<Action, Error> {
        // Our cache lags behind; what is wrong, if anything, the next look will say.
        if matches!(failure, Error::Outdated { .. }) {
            return Ok(self.retry(failure.class(), None));
        }
        if failure.class() == Class::Bug {
            error!(app = %self.key, error = %failure, "failed");
        } else {
            warn!(app = %self.key, error = %failure, "failed");
        }
        if let (Some(record), Some(denied)) = (record, denials::first([failure.clone()])) {
            self.tell_platform(record, Some(&denied));
        }
        let verdict = self.after_failures(verdict_of_error(failure));
        let status = self.write_status(record, None, None, &verdict).await?;
        Ok(self.retry(failure.class(), self.until_lasting(&status, &verdict)))
    }

    /// `by` is when the status is to be judged again, however long the failure is waited out.
    fn retry(&self, class: Class, by: Option<Duration>) -> Action {
        let failures = self.context.failures.count(&self.key.to_string());
        match delay(class, failures, fastrand::f64()) {
            Some(delay) => Action::requeue(by.map_or(delay, |by| by.min(delay))),
            None => Action::await_change(),
        }
    }

    /// The verdict in the light of the passes before.
    pub(super) fn after_failures(&self, verdict: Verdict) -> Verdict {
        verdict.after(self.context.failures.in_a_row(&self.key.to_string()))
    }

    /// How long until a disturbance has lasted too long.
    pub(super) fn until_lasting(&self, status: &AppStatus, verdict: &Verdict) -> Option<Duration> {
        let left = status::until_lasting(&status.conditions, self.now);
        left.filter(|left| matches!(verdict, Verdict::Lasting(..)) && !left.is_zero())
    }

    /// The status as it is: as the watch shows it, unless we know better.
    pub(super) fn status(&self) -> Option<AppStatus> {
        let seen = version(self.app.metadata.resource_version.as_deref());
        let written = self.recall(|memory| memory.written.clone()).flatten();
        match written {
            Some((written, status)) if version(Some(&written)) > seen => Some(status),
            Some(_) | None => self.app.status.clone(),
        }
    }

    /// Patches the status if it differs, and says in an Event what is newly wrong. `ahead` is what is about to be made.
    pub(super) async fn write_status(
        &self,
        record: Option<&PlatformRecord>,
        ahead: Option<&Desired>,
        pass: Option<(&Desired, &Outcome)>,
        verdict: &Verdict,
    ) -> Result<AppStatus, Error> {
        let before = self.status();
        let app = App {
            status: before.clone(),
            ..self.app.clone()
        };
        let mut status = status::compute(&app, record, pass, verdict, self.now);
        if let Some(holds) = ahead.and_then(|desired| status::recorded_ahead(&status, desired)) {
            status.holds = Some(holds);
        }
        if before.as_ref() != Some(&status) {
            let namespace = self.app.namespace().unwrap_or_default();
            let api: Api<DeserializeGuard<App>> = Api::namespaced(self.context.client.clone(), &namespace);
            if let Some(version) = report::patch_status(&api, self.app, &status).await? {
                self.remember(|memory| memory.written = Some((version, status.clone())));
            }
        }
        let troubles = match pass {
            Some((_, outcome)) => status::troubles(outcome),
            None => verdict.trouble().into_iter().collect(),
        };
        let before = before.map(|status| status.conditions).unwrap_or_default();
        report::tell(self.context, &self.key.to_string(), self.app, &before, &troubles).await;
        Ok(status)
    }
}
