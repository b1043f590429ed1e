//! The versions of secrets: what AWS is asked for, and what has the tasks of a process replaced.

use std::collections::{BTreeMap, BTreeSet};

use super::resolve::{Names, Place};
use super::text::Text;
use super::walk;
use crate::api::app::{App, AppSpec, Process};
use crate::api::platform::Platform;
use crate::error::Error;
use crate::model::rollout::digest;
use crate::model::secret::{ASKED, Reading, SecretId, SecretVersions, Secrets};

/// What an App has AWS asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The secrets in Secrets Manager that it, or its Platform in each task, gives by name.
    pub named: BTreeSet<String>,
    /// By process, what replaces its tasks when it changes.
    pub watched: BTreeMap<String, BTreeSet<SecretId>>,
}

/// Returns what an App has AWS asked for.
pub fn asked(app: &App, platform: &Platform) -> Asked {
    let mut asked = Asked::default();
    let Some(place) = Place::of(platform) else {
        return asked;
    };
    let none = Secrets::default();
    let names = Names::at(platform, &none);
    for (name, process) in &app.spec.processes {
        let texts = names.texts(&app.spec, process);
        asked
            .named
            .extend(texts.filter_map(|(_, text)| match Text::of(text)? {
                Text::Secret { name, .. } => Some(name.to_owned()),
                Text::Arn(_) | Text::Parameter(_) => None,
            }));
        let watched = watched(&app.spec, process, &place);
        if !watched.is_empty() {
            asked.watched.insert(name.clone(), watched);
        }
    }
    asked
}

/// Refuses more than AWS is asked for.
pub(in crate::desired) fn check(app: &App, platform: &Platform) -> Result<(), Error> {
    let Asked { named, watched } = asked(app, platform);
    let mut all: BTreeSet<SecretId> = named.into_iter().map(SecretId::Secret).collect();
    all.extend(watched.into_values().flatten());
    let asked = all.len();
    if asked <= ASKED {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "secrets: {asked} of them are given by the names of Secrets Manager or have rollOnChange, and at most {ASKED} of an App may: \
         give the others by ARN"
    )))
}

/// Returns what replaces the tasks of a process when it changes: nothing of one that runs no service, since each of its tasks
/// reads its secrets as it starts. What its Platform has in each task is its operator's to replace.
fn watched(spec: &AppSpec, process: &Process, place: &Place<'_>) -> BTreeSet<SecretId> {
    let is_wanted = process.roll_on_change.or(spec.roll_on_change) == Some(true);
    let is_service = process.cron.is_none() && process.noservice != Some(true);
    if !(is_wanted && is_service) {
        return BTreeSet::new();
    }
    let texts = walk::of_app(spec, process).chain(walk::of_process(process));
    texts.filter_map(|(_, text)| place.watched(text)).collect()
}

/// Returns the versions of the secrets that the tasks of a process have read, or will. By ARN, so that to write a name for one is
/// no change.
pub(in crate::desired) fn of_process(
    app: &App,
    process: &Process,
    platform: &Platform,
    secrets: &Secrets,
) -> SecretVersions {
    let place = Place::of(platform);
    let watched = place.map(|place| watched(&app.spec, process, &place));
    let Some(watched) = watched.filter(|watched| !watched.is_empty()) else {
        return SecretVersions::Ignored;
    };
    let version = |id: &SecretId| match secrets.read.get(id)? {
        Reading::Secret(state) => Some((state.arn.clone(), state.current.clone()?)),
        Reading::Parameter(version) => Some((id.to_string(), version.clone())),
        Reading::Missing => None,
    };
    let versions: Option<BTreeMap<String, String>> = watched.iter().map(version).collect();
    versions.map_or(SecretVersions::Unknown, |versions| {
        SecretVersions::Known(digest(&[&versions]))
    })
}
