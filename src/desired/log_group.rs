//! The log group of an App, and what is filled into the options of those who log there.

use std::collections::BTreeMap;

use super::platform_tags;
use crate::api::app::DeletionPolicy;
use crate::api::platform::{Logging, Platform};
use crate::error::Error;
use crate::model::desired::{Desired, DesiredProcess, Place};
use crate::model::log;
use crate::model::log_group::{LogGroup, LogGroups};
use crate::model::name::{self, LOG_GROUPS};
use crate::model::owner::{AppName, Owner};

/// A full buffer loses lines instead of holding up the container that writes them, which is ECS's own default since June 2025, and an
/// account may choose another. It is said here, so that no setting of the account changes what tasks do:
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LogConfiguration.html>.
const MODE: (&str, &str) = ("mode", "non-blocking");
/// More than ECS's own 10m: AWS saw no loss with it, up to 5 MB of logs a second
/// (<https://aws.amazon.com/blogs/containers/preventing-log-loss-with-non-blocking-mode-in-the-awslogs-container-log-driver/>).
const BUFFER: (&str, &str) = ("max-buffer-size", "25m");

/// Returns the Platform's rule for the log groups of its Apps.
pub(super) fn rule(platform: &Platform) -> LogGroups {
    let tasks = platform.spec.tasks.as_ref();
    match tasks.and_then(|tasks| tasks.logging.as_ref()) {
        Some(Logging {
            group: Some(crate::api::platform::LogGroups::PerApp),
            deletion_policy,
            ..
        }) => match deletion_policy {
            Some(DeletionPolicy::Delete) => LogGroups::Deleted,
            Some(DeletionPolicy::Retain) | None => LogGroups::Kept,
        },
        Some(_) | None => LogGroups::None,
    }
}

/// Returns the group, if any process logs there.
pub(super) fn build(
    platform: &Platform,
    owner: &Owner,
    place: &Place,
    processes: &BTreeMap<String, DesiredProcess>,
) -> Option<Box<LogGroup>> {
    if place.log_groups == LogGroups::None {
        return None;
    }
    let name = name::log_group(&place.cluster, &owner.app);
    let logging = platform.spec.tasks.as_ref()?.logging.as_ref()?;
    let mut all = processes.values();
    all.any(|process| process.task_definition.logs_to(&name))
        .then(|| {
            let mut tags = platform_tags(platform);
            tags.extend(owner.app_tags());
            Box::new(LogGroup {
                name,
                retention_days: logging.retention_days.and_then(|days| days.try_into().ok()),
                kms_key: logging.kms_key_arn.clone(),
                tags,
            })
        })
}

/// Refuses whoever would log to the group of another App: the role by which tasks log is one for all of a Platform.
pub(super) fn check(desired: &Desired) -> Result<(), Error> {
    let Desired {
        place,
        owner,
        processes,
        ..
    } = desired;
    if place.log_groups == LogGroups::None {
        return Ok(());
    }
    let own = name::log_group(&place.cluster, &owner.app);
    for (process, wanted) in processes {
        for container in wanted.task_definition.containers() {
            let Some(logging) = container.logging.as_ref() else {
                continue;
            };
            let is_hidden = logging.driver == log::DRIVER && logging.secret_options.contains_key(log::GROUP);
            let is_theirs = |group: &&String| group.starts_with(LOG_GROUPS) && **group != own;
            let group = logging.group().filter(is_theirs);
            let why = match group {
                Some(group) => format!("{group} is not this App's, which is {own}"),
                None if is_hidden => format!("a secret may name another App's, and this one's is {own}"),
                None => continue,
            };
            return Err(Error::NotAllowed(format!(
                "process {process}: container {}: {}: {why}: Platform {} has each App log to its own group under {LOG_GROUPS}",
                container.name,
                log::GROUP,
                place.platform
            )));
        }
    }
    Ok(())
}

/// Returns the options of the driver `awslogs` for a container that logs to the App's group: those given, completed.
pub(super) fn options(
    platform: &Platform,
    app: &AppName,
    process: &str,
    given: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let group = name::log_group(&super::place(platform).cluster, app);
    let defaults = [(log::PREFIX, process), MODE, BUFFER];
    let fixed = [(log::GROUP, group.as_str()), (log::REGION, &platform.spec.region)];
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let mut options: BTreeMap<String, String> = defaults.map(own).into();
    // A buffer is for this mode alone.
    if given.get(MODE.0).is_some_and(|mode| mode != MODE.1) {
        options.remove(BUFFER.0);
    }
    options.extend(given.clone());
    options.extend(fixed.map(own));
    options
}

#[cfg(test)]
mod tests;
