//! The end of a Platform: it goes once no App needs it any more.

use kube::core::ObjectMeta;

use super::tenant::Tenant;
use crate::model::owner::AppName;
use crate::pass::deletion::Deletion;

/// The stage of a Platform's deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leaving {
    NotDeleted,
    /// No App needs it any more.
    MayGo,
    /// Likewise; but names are, or may be, kept in its zones, and go first.
    NamesFirst,
    /// Apps need it, to be taken down.
    InUse,
    /// Likewise; but its definition is being deleted, too, and may yet say to keep everything. Holds what to do about it.
    Unsaid(String),
}

/// The source of what is known of Apps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The cache, which may miss the newest Apps, and stays as it is where their definition is gone.
    Cached,
    /// Likewise, and the first App of the Platform was found to be there.
    Confirmed,
    /// All Apps were listed for this.
    Live,
}

/// A question that only the API server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    IsThere(AppName),
    AllApps,
    /// The meaning of deleting a Platform now.
    Definition,
}

/// Decides how far the deletion of a Platform has come, or what has to be asked first. A cache can say that a Platform is
/// in use, as long as one App of it is found to be there, and never that it may go.
pub fn leaving(
    platform: &ObjectMeta,
    tenants: &[Tenant],
    keeps_names: bool,
    seen: Seen,
    definition: Option<&Deletion>,
) -> Result<Leaving, Question> {
    if platform.deletion_timestamp.is_none() {
        return Ok(Leaving::NotDeleted);
    }
    let name = platform.name.as_deref().unwrap_or_default();
    let mut here = tenants.iter().filter(|tenant| tenant.is_at(name)).peekable();
    if let Some(first) = here.peek() {
        if seen == Seen::Cached {
            return Err(Question::IsThere(first.app.clone()));
        }
        match definition {
            None => return Err(Question::Definition),
            Some(Deletion::Unsaid(message)) => return Ok(Leaving::Unsaid(message.clone())),
            // Only Apps that are being deleted, too, still need it.
            Some(Deletion::Keep) if !here.any(|tenant| tenant.is_deleted) => {}
            Some(Deletion::Meant | Deletion::Keep) => return Ok(Leaving::InUse),
        }
    }
    match (seen, definition) {
        (Seen::Cached | Seen::Confirmed, _) => Err(Question::AllApps),
        (Seen::Live, _) if !keeps_names => Ok(Leaving::MayGo),
        (Seen::Live, None) => Err(Question::Definition),
        (Seen::Live, Some(Deletion::Keep)) => Ok(Leaving::MayGo),
        (Seen::Live, Some(Deletion::Meant)) => Ok(Leaving::NamesFirst),
        (Seen::Live, Some(Deletion::Unsaid(message))) => Ok(Leaving::Unsaid(message.clone())),
    }
}

#[cfg(test)]
mod tests;
