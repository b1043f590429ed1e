//! The texts of an App that stand for secrets, each with its field.

use std::collections::BTreeMap;

use super::text::is_credentials;
use crate::api::app::{AppSpec, Extras, Process, Sidecar};

/// Visits those of the whole App, as in each of its processes that does not hide them.
pub(super) fn of_app<'a>(
    spec: &'a AppSpec,
    process: &'a Process,
) -> impl Iterator<Item = (String, &'a String)> {
    let hidden = |name: &String| process.env.contains_key(name) || process.secrets.contains_key(name);
    let shown = spec.secrets.iter().filter(move |(name, _)| !hidden(name));
    shown.map(|(name, text)| (format!("secrets: {name}"), text))
}

/// Visits those that a process gives itself, in its sidecars, too.
pub(super) fn of_process(process: &Process) -> impl Iterator<Item = (String, &String)> {
    let own = listed(
        "",
        &process.secrets,
        process.repository_credentials.as_ref(),
        &process.extras,
    );
    let sidecars = process.sidecars.iter();
    own.chain(sidecars.flat_map(|(name, sidecar)| of_sidecar(&format!("sidecars.{name}."), sidecar)))
}

pub(super) fn of_sidecar<'a>(
    prefix: &str,
    sidecar: &'a Sidecar,
) -> impl Iterator<Item = (String, &'a String)> + use<'a> {
    listed(
        prefix,
        &sidecar.secrets,
        sidecar.repository_credentials.as_ref(),
        &sidecar.extras,
    )
}

fn listed<'a>(
    prefix: &str,
    secrets: &'a BTreeMap<String, String>,
    credentials: Option<&'a String>,
    extras: &'a Extras,
) -> impl Iterator<Item = (String, &'a String)> + use<'a> {
    let (of_secret, of_option, of_registry) = (prefix.to_owned(), prefix.to_owned(), prefix.to_owned());
    let secrets = secrets
        .iter()
        .map(move |(name, text)| (format!("{of_secret}secrets: {name}"), text));
    let credentials = credentials
        .into_iter()
        .map(move |text| (format!("{of_registry}repositoryCredentials"), text));
    let logged = extras.logging.iter().flat_map(|logging| &logging.secret_options);
    let logged = logged.map(move |(name, text)| (format!("{of_option}logging.secretOptions: {name}"), text));
    secrets.chain(credentials).chain(logged)
}

/// Changes all of them.
pub(super) fn each(spec: &mut AppSpec, change: &mut dyn FnMut(&mut String)) {
    spec.secrets.values_mut().for_each(&mut *change);
    for process in spec.processes.values_mut() {
        process.secrets.values_mut().for_each(&mut *change);
        let credentials = process.repository_credentials.iter_mut();
        credentials
            .filter(|text| is_credentials(text))
            .for_each(&mut *change);
        logged(&mut process.extras, change);
        for sidecar in process.sidecars.values_mut() {
            each_of_sidecar(sidecar, change);
        }
    }
}

pub(super) fn each_of_sidecar(sidecar: &mut Sidecar, change: &mut dyn FnMut(&mut String)) {
    sidecar.secrets.values_mut().for_each(&mut *change);
    let credentials = sidecar.repository_credentials.iter_mut();
    credentials
        .filter(|text| is_credentials(text))
        .for_each(&mut *change);
    logged(&mut sidecar.extras, change);
}

fn logged(extras: &mut Extras, change: &mut dyn FnMut(&mut String)) {
    let options = extras.logging.iter_mut();
    let options = options.flat_map(|logging| logging.secret_options.values_mut());
    options.for_each(change);
}
