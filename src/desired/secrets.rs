//! Secrets by name: what an App writes in place of an ARN, and the ARN that it means.
//!
//! A parameter's ARN follows from the Platform. All else goes by the App with ARNs in the place of names, so that the task
//! definition, tenancy and drift know nothing of names; the release phase goes by what the App says.

use std::borrow::Cow;

use crate::api::app::{App, AppSpec, Extras, Process, Sidecar};
use crate::api::platform::Platform;

const SSM: &str = "ssm:";

/// Says what a secret may be.
pub(crate) const NO_SECRET: &str = "must be the ARN of a secret in Secrets Manager or of a parameter of SSM, or the name of a parameter: \
                                    /shop/db or ssm:db";
pub(super) const NO_ARN: &str = "must be the ARN of a secret in Secrets Manager or of a parameter of SSM";

/// Returns true for an ARN that ECS reads secrets from: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Secret.html>.
pub(super) fn is_arn(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts[..] {
        ["arn", _, "secretsmanager", _, _, resource] => resource.starts_with("secret:"),
        ["arn", _, "ssm", _, _, resource] => resource.starts_with("parameter/"),
        _ => false,
    }
}

/// Returns true for a text that stands for a secret, by ARN or by name.
pub(crate) fn is_secret(text: &str) -> bool {
    is_arn(text) || parameter(text).is_some()
}

/// Returns the name of a parameter that a text gives. One in a hierarchy begins with a slash, and has names between its slashes:
/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-hierarchies.html>. Nothing but a name has one
/// before it, so that `/db` is no other parameter than `db` to whoever is given its ARN.
fn parameter(text: &str) -> Option<&str> {
    /// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html>
    const LONGEST: usize = 1_011;
    let name = text.strip_prefix(SSM).or(text.starts_with('/').then_some(text))?;
    let is_valid = |c: char| c.is_ascii_alphanumeric() || "/_.-".contains(c);
    let is_hierarchy = || {
        let mut levels = name.split('/');
        levels.next() == Some("") && levels.clone().count() > 1 && levels.all(|level| !level.is_empty())
    };
    let is_name = !name.is_empty() && name.len() <= LONGEST && name.chars().all(is_valid);
    (is_name && (!name.contains('/') || is_hierarchy())).then_some(name)
}

/// Returns what comes before a parameter's name in its ARN: the parameter is in the account of the role by which ECS reads it, which
/// is that of the tasks. <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html>
fn before_parameters(platform: &Platform) -> Option<String> {
    let tasks = platform.spec.tasks.as_ref()?;
    let role: Vec<&str> = tasks.execution_role_arn.as_ref()?.splitn(6, ':').collect();
    let ["arn", partition, _, _, account, _] = role[..] else {
        return None;
    };
    let region = &platform.spec.region;
    Some(format!("arn:{partition}:ssm:{region}:{account}:parameter/"))
}

/// Puts ARNs in the place of names. Without a role, which an App with secrets must have, names stay as they are.
pub(super) fn resolved<'a>(app: &'a App, platform: &Platform) -> Cow<'a, App> {
    let has_names = texts(&app.spec).any(|text| parameter(text).is_some());
    let Some(before) = before_parameters(platform).filter(|_| has_names) else {
        return Cow::Borrowed(app);
    };
    let mut resolved = app.clone();
    put(&before, texts_mut(&mut resolved.spec));
    Cow::Owned(resolved)
}

/// The same of one sidecar.
pub(super) fn resolved_sidecar<'a>(sidecar: &'a Sidecar, platform: &Platform) -> Cow<'a, Sidecar> {
    let has_names = of_sidecar(sidecar).any(|text| parameter(text).is_some());
    let Some(before) = before_parameters(platform).filter(|_| has_names) else {
        return Cow::Borrowed(sidecar);
    };
    let mut resolved = sidecar.clone();
    put(&before, of_sidecar_mut(&mut resolved));
    Cow::Owned(resolved)
}

fn put<'a>(before: &str, texts: impl Iterator<Item = &'a mut String>) {
    for text in texts {
        if let Some(name) = parameter(text) {
            *text = format!("{before}{}", name.trim_start_matches('/'));
        }
    }
}

/// Returns all texts that stand for secrets.
fn texts(spec: &AppSpec) -> impl Iterator<Item = &String> {
    fn of_process(process: &Process) -> impl Iterator<Item = &String> {
        let own = process.secrets.values().chain(logged(&process.extras));
        own.chain(process.sidecars.values().flat_map(of_sidecar))
    }
    let of_app = spec.secrets.values();
    of_app.chain(spec.processes.values().flat_map(of_process))
}

fn of_sidecar(sidecar: &Sidecar) -> impl Iterator<Item = &String> {
    sidecar.secrets.values().chain(logged(&sidecar.extras))
}

fn logged(extras: &Extras) -> impl Iterator<Item = &String> {
    let logging = extras.logging.iter();
    logging.flat_map(|logging| logging.secret_options.values())
}

/// The same, to be changed.
fn texts_mut(spec: &mut AppSpec) -> impl Iterator<Item = &mut String> {
    fn of_process(process: &mut Process) -> impl Iterator<Item = &mut String> {
        let own = process
            .secrets
            .values_mut()
            .chain(logged_mut(&mut process.extras));
        own.chain(process.sidecars.values_mut().flat_map(of_sidecar_mut))
    }
    let of_app = spec.secrets.values_mut();
    of_app.chain(spec.processes.values_mut().flat_map(of_process))
}

fn of_sidecar_mut(sidecar: &mut Sidecar) -> impl Iterator<Item = &mut String> {
    sidecar
        .secrets
        .values_mut()
        .chain(logged_mut(&mut sidecar.extras))
}

fn logged_mut(extras: &mut Extras) -> impl Iterator<Item = &mut String> {
    let logging = extras.logging.iter_mut();
    logging.flat_map(|logging| logging.secret_options.values_mut())
}

#[cfg(test)]
mod tests;
