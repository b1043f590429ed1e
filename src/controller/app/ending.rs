//! The end of a pass over an App: what is said of it, and who hears of it.

use std::time::Instant;

use jiff::Timestamp;
use kube::api::Api;
use tracing::{debug, error, warn};

use super::Pass;
use crate::api::app::{App, AppStatus};
use crate::controller::kubernetes::finalizer;
use crate::controller::kubernetes::report::{self, api_of};
use crate::controller::memory::app_name;
use crate::controller::queue::dispatch::Ended;
use crate::error::Error;
use crate::model::class::Class;
use crate::pass::{APP_FINALIZER, End, Finished, finish, unwritten, version};
use crate::reconcile::BeforeWrites;

impl Pass<'_> {
    pub(super) async fn finish(&self, end: End) -> Ended {
        let errors = end.errors();
        let failed = errors.iter().any(|error| !error.is_a_wait());
        if let End::Failure(_, failure) = &end {
            if failure.is_a_wait() {
                debug!(app = %self.key, %failure, "not carried on");
            } else if failure.class() == Class::Bug {
                error!(app = %self.key, error = %failure, "failed");
            } else {
                warn!(app = %self.key, error = %failure, "failed");
            }
        }
        let is_later = errors.iter().any(|error| error.later().is_some());
        if !matches!(end, End::Reconciled(..)) && !is_later {
            // Names that an earlier pass has planned are not to be changed any more, as far as this one knows.
            self.context.outbox.outbox().withdraw(&app_name(self.key));
        }
        if end.is_lasting() {
            // It does not come for its turns, which others have then.
            self.context.give_up(self.key);
        }
        let is_judged = self.is_judged(&end);
        let (now, jitter) = (Timestamp::now(), fastrand::f64());
        let mut finished =
            self.remember(|memory| finish(memory, self.app, end, self.settings(), now, jitter));
        self.measure(&finished);
        self.wake(&finished, &errors);
        self.context
            .publish(self.app, report::changes(&finished.done))
            .await;
        match self.conclude(&mut finished).await {
            Ok(()) => {
                if is_judged && self.context.memories.judged(self.key) {
                    self.release_platform();
                }
                Ended {
                    requeue: finished.requeue,
                    failed,
                }
            }
            Err(error) => {
                warn!(app = %self.key, %error, "pass failed");
                let requeue = self.remember(|memory| unwritten(memory, finished.status, &error, jitter));
                Ended::failed(requeue)
            }
        }
    }

    fn wake(&self, finished: &Finished, errors: &[Error]) {
        let (context, wakes) = (self.context, &finished.wakes);
        context.wake_waiting(&wakes.released, Some(self.key));
        let Some(record) = &finished.record else {
            return;
        };
        // What is denied to one App is a matter of its Platform.
        let app = self.key.to_string();
        let is_news = context
            .platforms
            .change(&record.name, |memory| memory.note_denial(&app, errors));
        if is_news || wakes.ports_changed {
            context.wake.platform(&record.name);
        }
    }

    /// Takes the status that was written.
    async fn conclude(&self, finished: &mut Finished) -> Result<(), Error> {
        let context = self.context;
        if finished.may_go {
            let api: Api<App> = api_of(&context.client, self.app);
            finalizer::release(&api, self.app, APP_FINALIZER).await?;
            context.forget(self.key);
            if let Some(record) = &finished.record {
                context.wake.platform(&record.name);
            }
            return Ok(());
        }
        // A pass that wrote has seen to it; any other looks, since a `kubectl replace` drops the finalizer.
        let held = match finished.record.as_ref().filter(|_| finished.needs_finalizer) {
            Some(record) => self.hold(record).before_writes().await,
            None => Ok(()),
        };
        // What is wrong is said all the same.
        if let Some(status) = &finished.status {
            self.write_status(status).await?;
            finished.status = None;
        }
        let (key, before) = (self.key.to_string(), &finished.before);
        context.tell(&key, self.app, before, &finished.troubles).await;
        self.tell_holders(&finished.contested).await;
        held
    }

    pub(super) async fn write_status(&self, status: &AppStatus) -> Result<(), Error> {
        let written = report::patch_status(&self.context.client, self.app, status).await?;
        let siblings = &self.context.siblings;
        siblings.wrote(&app_name(self.key), version(written.as_deref()));
        if let Some(took) = self.context.edits.ready(self.key, status, Instant::now()) {
            let platform = status.platform.as_ref().map(|platform| platform.name.as_str());
            self.context
                .metrics
                .edit_was_ready(platform.unwrap_or_default(), took);
        }
        self.remember(|memory| memory.wrote(written.as_deref(), status.clone()));
        Ok(())
    }
}
