//! The API server's answers about a Platform that is being deleted.

use kube::Resource;
use kube::core::DeserializeGuard;

use super::tenants::{has_unjudged, live, tenants};
use crate::api::platform::Platform;
use crate::controller::context::Context;
use crate::controller::kubernetes::uninstall;
use crate::error::Error;
use crate::model::class::Class;
use crate::pass::Deletion;
use crate::pass::platform::{Leaving, Question, Seen, leaving};
use crate::reconcile::platform::Registry;

/// Asks what has to be asked, and no more.
pub(super) async fn stage(
    platform: &DeserializeGuard<Platform>,
    context: &Context,
) -> Result<Leaving, Error> {
    let (mut apps, mut seen, mut definition) = (Vec::new(), Seen::Cached, None);
    if context.caches.are_filled() {
        apps = tenants(context);
    }
    loop {
        match leaving(platform.meta(), &apps, seen, definition.as_ref()) {
            Ok(leaving) => return Ok(leaving),
            Err(Question::IsThere(app)) if context.is_there(&app).await? => seen = Seen::Confirmed,
            Err(Question::IsThere(_) | Question::AllApps) => {
                // Before all Apps are read: of those that are judged, the status says it then.
                if definition.is_none() && has_unjudged(platform, context).await? {
                    return Ok(Leaving::InUse);
                }
                (apps, seen) = (live(context).await?, Seen::Live);
            }
            Err(Question::Definition) => {
                let found = uninstall::deletion_of::<Platform>(&context.client).await;
                definition = Some(match found {
                    // Then it is in use, which it says in any case.
                    Err(error) if error.class() == Class::Denied => Deletion::Meant,
                    found => found?,
                });
            }
        }
    }
}
