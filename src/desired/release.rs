//! The release phase: which task it runs, and for what content.

use super::{Builder, text};
use crate::api::app::{App, released_content};
use crate::api::platform::Platform;
use crate::api::{REDEPLOY_ANNOTATION, RELEASED_ANNOTATION};
use crate::error::Error;
use crate::model::owner::Owner;
use crate::model::release::{Placing, Release, digest};
use crate::model::secret::Secrets;

/// Seconds. A migration that is stopped in the middle is worse than one that is waited for.
const TIMEOUT: u32 = 3_600;

pub(super) fn build(
    app: &App,
    platform: &Platform,
    owner: &Owner,
    secrets: &Secrets,
) -> Result<Option<Box<Release>>, Error> {
    let Some(wanted) = &app.spec.release else {
        return Ok(None);
    };
    let process = app.spec.processes.get_key_value(&wanted.process);
    let Some((name, process)) = process.filter(|(_, process)| process.noservice == Some(true)) else {
        let message = format!(
            "release.process: {} is no process with noservice: true",
            wanted.process
        );
        return Err(Error::Invalid(message));
    };
    let timeout = match &wanted.timeout {
        Some(timeout) => text::seconds(timeout).ok_or_else(|| {
            Error::Invalid(format!(
                "release.timeout: {timeout} is no duration in whole seconds"
            ))
        })?,
        None => TIMEOUT,
    };
    let builder = Builder {
        app,
        platform,
        owner,
        name,
        process,
        secrets,
    };
    let content = released_content(&app.spec, name, process)
        .map_err(|error| Error::Bug(format!("a manifest that is no JSON: {error}")))?;
    let digest = digest(&content);
    let annotation = |name: &str| app.metadata.annotations.as_ref()?.get(name);
    let uid = app.metadata.uid.as_deref().unwrap_or_default();
    Ok(Some(Box::new(Release {
        whom: format!("{} {} {uid}", owner.installation, owner.app),
        process: name.clone(),
        generation: app.metadata.generation.unwrap_or_default(),
        is_released: annotation(RELEASED_ANNOTATION) == Some(&digest),
        digest,
        redeploy: annotation(REDEPLOY_ANNOTATION).cloned(),
        timeout,
        placing: Placing {
            capacity: builder.capacity()?,
            constraints: builder.constraints()?,
            network: builder.task_network()?,
        },
    })))
}

#[cfg(test)]
mod tests;
