//! What a pass asks AWS for of the secrets that its App names, before it can say what the App means.

use std::collections::BTreeSet;

use super::binding::is_leaving;
use crate::api::app::{App, AppStatus};
use crate::api::platform::Platform;
use crate::desired;
use crate::model::secret::SecretId;
use crate::status;

/// Secrets that are to be read before a pass goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedSecrets {
    /// The Platform in whose AWS they are.
    pub platform: String,
    pub all: BTreeSet<SecretId>,
    /// What the pass cannot do without: what names stand for that the status does not show, and versions that are to be remembered
    /// before the first task has read them.
    pub needed: BTreeSet<SecretId>,
    /// The App was edited since it was last looked at.
    pub is_edited: bool,
}

/// Returns what a pass asks for; `None` of an App that names nothing, and of one that is deleted.
pub fn asked_secrets(
    app: &App,
    status: Option<&AppStatus>,
    platform: &Platform,
    is_edited: bool,
) -> Option<Box<AskedSecrets>> {
    if is_leaving(app) {
        return None;
    }
    let desired::Asked { named, watched } = desired::asked_secrets(app, platform);
    if named.is_empty() && watched.is_empty() {
        return None;
    }
    let shown = status::secrets(status);
    let is_unknown = |name: &&String| is_edited || !shown.contains_key(*name);
    let unknown = named.iter().filter(is_unknown).cloned().map(SecretId::Secret);
    let is_first = |process: &str| {
        let mut processes = status.into_iter().flat_map(|status| &status.processes);
        let shown = processes.find(|shown| shown.name == process);
        let submitted = shown.and_then(|shown| shown.submitted.as_ref());
        submitted.is_none_or(|submitted| submitted.secrets.is_none())
    };
    let first = watched.iter().filter(|(process, _)| is_first(process));
    let first = first.flat_map(|(_, ids)| ids).cloned();
    let needed = unknown.chain(first).collect();
    let all = named.into_iter().map(SecretId::Secret);
    Some(Box::new(AskedSecrets {
        platform: platform.metadata.name.clone().unwrap_or_default(),
        all: all.chain(watched.into_values().flatten()).collect(),
        needed,
        is_edited,
    }))
}

#[cfg(test)]
mod tests;
