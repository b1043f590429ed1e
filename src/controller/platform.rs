//! Kubernetes around a pass over one Platform: what it goes by, the calls that it asks for, and what is said of it.

mod leaving;
mod tenants;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use jiff::Timestamp;
use kube::ResourceExt;
use kube::api::Api;
use kube::core::DeserializeGuard;
use tracing::{info, warn};

use self::tenants::tenants;
use super::context::{Context, PlatformKey, place_of};
use super::kubernetes::claims::KubeClaims;
use super::kubernetes::finalizer::{self, PLATFORM_FINALIZER};
use super::kubernetes::report;
use super::queue::dispatch::{Ended, message_of};
use super::sweeper;
use crate::api::platform::Platform;
use crate::aws::{Kind, Subject, calling, concerning};
use crate::error::Error;
use crate::pass::platform::{End, Facts, Finished, Leaving, Memory, Step, failed, finish, start, unwritten};
use crate::pass::{Requeue, pending};
use crate::reconcile::platform::{Outcome, Request, reconcile};
use crate::write::Door;

pub(super) async fn pass(
    object: Arc<DeserializeGuard<Platform>>,
    context: Arc<Context>,
) -> Result<Ended, Error> {
    let key = PlatformKey::from_obj(&*object).to_string();
    match pass_over(&object, &key, &context).await {
        // Whoever leads from now on says what there is to say.
        Err(error) if !error.is_fenced() => {
            warn!(platform = key, %error, "pass failed");
            let jitter = fastrand::f64();
            let count = |memory: &mut Memory| failed(memory, &error, jitter);
            let requeue = context.platforms.change(&object.name_any(), count);
            Ok(Ended::failed(requeue))
        }
        passed => passed,
    }
}

async fn pass_over(
    object: &DeserializeGuard<Platform>,
    key: &str,
    context: &Arc<Context>,
) -> Result<Ended, Error> {
    // Before the caches: that of Apps is never filled where their definition is gone.
    let leaving = leaving::stage(object, context).await?;
    if leaving == Leaving::MayGo {
        return release(object, context).await;
    }
    // What goes is known without them.
    if !context.caches.are_filled() && leaving != Leaving::NamesFirst {
        return Ok(Requeue::After(pending(fastrand::f64())).into());
    }
    let _running = context.health.pass(key.to_owned());
    match &object.0 {
        Ok(platform) => {
            let pass = Pass {
                platform,
                context,
                key,
            };
            let done = AssertUnwindSafe(pass.run(leaving)).catch_unwind().await;
            // One Platform's trouble is not the others'.
            match done.unwrap_or_else(|panic| Err(Error::Bug(message_of(&*panic))))? {
                Some(ended) => Ok(ended),
                None => release(object, context).await,
            }
        }
        Err(invalid) => {
            // Stored before a change of the schema. Only an edit helps, and an edit wakes us.
            warn!(platform = key, error = %invalid.error, "cannot be decoded");
            Ok(Ended::failed(Requeue::Never))
        }
    }
}

/// Lets a Platform go of which nothing is left.
async fn release(object: &DeserializeGuard<Platform>, context: &Context) -> Result<Ended, Error> {
    finalizer::release(&Api::all(context.client.clone()), object, PLATFORM_FINALIZER).await?;
    context.forget_platform(&PlatformKey::from_obj(object));
    Ok(Requeue::Never.into())
}

struct Pass<'a> {
    platform: &'a Platform,
    context: &'a Arc<Context>,
    key: &'a str,
}

impl Pass<'_> {
    /// `None` if nothing is left of a Platform that is being deleted.
    async fn run(&self, leaving: Leaving) -> Result<Option<Ended>, Error> {
        let context = self.context;
        if leaving == Leaving::NotDeleted {
            let api: Api<Platform> = Api::all(context.client.clone());
            finalizer::hold(&api, self.platform, PLATFORM_FINALIZER).await?;
        }
        let platforms = match leaving {
            Leaving::NamesFirst => leaving::platforms(context).await?,
            Leaving::NotDeleted | Leaving::MayGo | Leaving::InUse | Leaving::Unsaid(_) => {
                context.caches.platforms()
            }
        };
        let tenants = tenants(context);
        let facts = Facts {
            platforms: &platforms,
            tenants: &tenants,
            installation: &context.installation,
            stopped: context.stopped_writes(),
            leaving,
            old_lists: sweeper::old_lists(context, self.platform),
        };
        let end = match self.remember(|memory| start(memory, self.platform, &facts, Timestamp::now())) {
            Step::Conclude(end) => end,
            Step::Reconcile(request) => {
                let outcome = self.reconcile(&request).await?;
                if let Some(fenced) = outcome.fenced() {
                    return Err(fenced.clone());
                }
                End::Reconciled(Box::new(outcome))
            }
        };
        let (resync, now, jitter) = (context.config.resync_interval, Timestamp::now(), fastrand::f64());
        let finished =
            self.remember(|memory| finish(memory, self.platform, &facts, end, resync, now, jitter));
        self.wake(&finished);
        if finished.may_go {
            return Ok(None);
        }
        match self.conclude(&finished).await {
            Ok(()) => Ok(Some(Ended {
                requeue: finished.requeue,
                failed: finished.failed,
            })),
            Err(error) if error.is_fenced() => Err(error),
            Err(error) => {
                warn!(platform = self.key, %error, "pass failed");
                let requeue = self.remember(|memory| unwritten(memory, &error, jitter));
                Ok(Some(Ended::failed(requeue)))
            }
        }
    }

    async fn reconcile(&self, request: &Request) -> Result<Outcome, Error> {
        let (platform, context) = (self.platform, self.context);
        let aws = context.aws(platform).await?;
        let claims = KubeClaims {
            client: &context.client,
            platform,
            cache: &context.claims,
            metrics: &context.metrics,
        };
        let door = Door {
            aws: &*aws,
            claims: &claims,
        };
        let subject = Subject {
            platform: Some(platform.name_any()),
            ..Subject::default()
        };
        let zones = sweeper::zones(context, platform, &aws);
        let pass = Box::pin(reconcile(&*aws, &zones, &claims, &door, &**context, request));
        let pass = concerning(subject, pass);
        let outcome = calling(context.caller(place_of(platform), Kind::Other), pass).await;
        sweeper::keep_new(context);
        Ok(outcome)
    }

    fn wake(&self, finished: &Finished) {
        let (context, platform) = (self.context, self.platform.name_any());
        if let Some(recovered) = finished.recovered {
            info!(platform, recovered, "claimed the host ports in use");
            context.wake.apps(context.caches.apps_concerned(&platform));
        }
        for (app, error) in &finished.unswept {
            warn!(%app, %error, "could not release the host ports of an App that is gone");
        }
        context.wake_waiting(&finished.released, None);
    }

    async fn conclude(&self, finished: &Finished) -> Result<(), Error> {
        let (platform, context) = (self.platform, self.context);
        if let Some(status) = &finished.status {
            report::patch_status(&context.client, platform, status).await?;
        }
        let (before, troubles) = (&finished.before, &finished.troubles);
        context.tell(self.key, platform, before, troubles).await;
        Ok(())
    }

    fn remember<T>(&self, change: impl FnOnce(&mut Memory) -> T) -> T {
        self.context.platforms.change(&self.platform.name_any(), change)
    }
}
