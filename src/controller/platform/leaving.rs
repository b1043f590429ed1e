//! The API server's answers about a Platform that is being deleted.

use kube::api::{Api, ListParams};
use kube::core::DeserializeGuard;
use kube::{CustomResourceExt, Resource, ResourceExt};

use super::tenants::{has_unjudged, live, tenants};
use crate::api::platform::Platform;
use crate::api::run::Run;
use crate::controller::context::Context;
use crate::controller::known_run::KnownRun;
use crate::controller::kubernetes::{failed, uninstall};
use crate::error::Error;
use crate::model::class::Class;
use crate::pass::Deletion;
use crate::pass::platform::{Leaving, Question, Seen, leaving, may_keep_names};
use crate::reconcile::platform::Registry;

/// Asks what has to be asked, and no more.
pub(super) async fn stage(
    platform: &DeserializeGuard<Platform>,
    context: &Context,
) -> Result<Leaving, Error> {
    let (mut apps, mut seen, mut definition) = (Vec::new(), Seen::Cached, None);
    let keeps_names = platform.0.as_ref().is_ok_and(may_keep_names);
    if context.caches.are_filled() {
        apps = tenants(context);
    }
    loop {
        match leaving(platform.meta(), &apps, keeps_names, seen, definition.as_ref()) {
            Ok(leaving @ (Leaving::MayGo | Leaving::NamesFirst)) => {
                return Ok(if runs_need(platform, context).await? {
                    Leaving::InUse
                } else {
                    leaving
                });
            }
            Ok(leaving @ (Leaving::NotDeleted | Leaving::InUse | Leaving::Unsaid(_))) => return Ok(leaving),
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

/// Returns true if a Run is to stop its task there first: those of a deleted App go after it. Where the definition of Platforms is
/// being deleted and says to keep everything, none does.
async fn runs_need(platform: &DeserializeGuard<Platform>, context: &Context) -> Result<bool, Error> {
    let name = platform.name_any();
    let runs: Api<KnownRun> = Api::all(context.client.clone());
    let needs = |run: KnownRun| run.needs(&name).then_some(());
    let (definition, all) = (Run::crd_name(), ListParams::default());
    let found = uninstall::list(&runs, definition, &context.client, &all, needs).await;
    if found.map_err(failed("list Runs"))?.is_empty() {
        return Ok(false);
    }
    let definition = uninstall::deletion_of::<Platform>(&context.client).await?;
    Ok(!matches!(definition, Deletion::Keep))
}

/// Reads all Platforms live: the names that are kept in a zone of another one, too, are that one's to remove.
pub(super) async fn platforms(context: &Context) -> Result<Vec<Platform>, Error> {
    let api: Api<DeserializeGuard<Platform>> = Api::all(context.client.clone());
    let found = api.list(&ListParams::default()).await;
    let found = found.map_err(failed("list Platforms"))?.items.into_iter();
    Ok(found.filter_map(|guard| guard.0.ok()).collect())
}
