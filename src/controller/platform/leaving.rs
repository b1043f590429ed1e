//! The Apps that still need a Platform which is being deleted.

use crate::api::platform::Platform;
use crate::controller::context::Context;
use crate::controller::kubernetes::uninstall::{self, Deletion};
use crate::controller::platform::tenants::{self, Tenant, tenants};
use crate::error::Error;
use crate::model::class::Class;

/// The stage of a Platform's deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    NotDeleted,
    /// No App needs it any more.
    MayGo,
    /// Apps need it, to be taken down.
    InUse,
    /// Likewise; but its definition is being deleted, too, and may yet say to keep everything. Holds what to do about it.
    Unsaid(String),
}

/// The cache may miss the newest Apps, and stays as it is where their definition is gone: it can say that a Platform is in
/// use, as long as one App of it is found to be there, and never that it may go.
pub(super) async fn leaving(name: &str, context: &Context) -> Result<Leaving, Error> {
    let mut here = Vec::new();
    if context.caches.are_filled_now() {
        here = tenants(context);
        here.retain(|tenant| tenant.is_at(name));
    }
    if let Some(first) = here.first()
        && tenants::is_there(context, &first.app).await?
    {
        let leaving = leaving_with(&here, context).await?;
        if leaving != Leaving::MayGo {
            return Ok(leaving);
        }
    }
    let mut here = tenants::live(context).await?;
    here.retain(|tenant| tenant.is_at(name));
    leaving_with(&here, context).await
}

/// Where the definition of a Platform is being deleted and says to keep everything, only Apps that are being deleted, too,
/// still need it.
async fn leaving_with(here: &[Tenant], context: &Context) -> Result<Leaving, Error> {
    if here.is_empty() {
        return Ok(Leaving::MayGo);
    }
    match uninstall::deletion_of::<Platform>(&context.client).await {
        Ok(Deletion::Keep) if !here.iter().any(|tenant| tenant.is_deleted) => Ok(Leaving::MayGo),
        Ok(Deletion::Unsaid(message)) => Ok(Leaving::Unsaid(message)),
        Ok(Deletion::Meant | Deletion::Keep) => Ok(Leaving::InUse),
        // Then it is in use, which it says in any case.
        Err(error) if error.class() == Class::Denied => Ok(Leaving::InUse),
        Err(error) => Err(error),
    }
}
