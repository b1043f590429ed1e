//! The ARNs that names stand for, as far as they are known, and what waits for the others.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::text::Part;
use super::text::{Text, is_parameter, split};
use super::walk;
use crate::api::app::{App, AppSpec, Process, Sidecar};
use crate::api::platform::Platform;
use crate::model::secret::{AwaitedSecret, Reading, SecretId, SecretState, SecretWait, Secrets};

/// What a Platform's tenancy is asked for a text that stands for a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::desired) enum Judged {
    /// The text.
    Arn,
    /// An ARN but for the characters that AWS has added, and what may follow them.
    Begun(String),
    /// It is refused for something else, before anything is made with it.
    Nothing,
}

/// Secrets Manager adds a hyphen and so many characters to the name of a secret:
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html>.
pub(in crate::desired) const ADDED: usize = 6;

/// Returns what tenancy is asked for a text in which names whose ARNs are known are replaced.
pub(in crate::desired) fn judged(text: &str, platform: &Platform) -> Judged {
    match Text::of(text) {
        Some(Text::Secret { name, .. }) => {
            Place::of(platform).map_or(Judged::Nothing, |place| Judged::Begun(place.secret(name)))
        }
        Some(Text::Arn(_) | Text::Parameter(_)) => Judged::Arn,
        None if text.starts_with("arn:") => Judged::Arn,
        None => Judged::Nothing,
    }
}

/// Where a Platform's tasks read secrets: in the account of the role by which ECS does so, which AWS lets be no other than theirs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    partition: &'a str,
    region: &'a str,
    account: &'a str,
}

impl<'a> Place<'a> {
    pub(super) fn of(platform: &'a Platform) -> Option<Self> {
        let tasks = platform.spec.tasks.as_ref()?;
        let role: Vec<&str> = tasks.execution_role_arn.as_ref()?.splitn(6, ':').collect();
        let ["arn", partition, _, _, account, _] = role[..] else {
            return None;
        };
        Some(Place {
            partition,
            region: &platform.spec.region,
            account,
        })
    }

    /// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html>
    fn parameter(&self, name: &str) -> String {
        self.arn("ssm", "parameter/", name.trim_start_matches('/'))
    }

    /// Returns the ARN of a secret up to the characters that AWS has added:
    /// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html>.
    fn secret(&self, name: &str) -> String {
        self.arn("secretsmanager", "secret:", name) + "-"
    }

    fn arn(&self, service: &str, kind: &str, name: &str) -> String {
        let Place {
            partition,
            region,
            account,
        } = self;
        format!("arn:{partition}:{service}:{region}:{account}:{kind}{name}")
    }

    /// Returns what AWS is asked for to see that a text means another value; `None` where that never is, or is not seen from here:
    /// in another region or account.
    pub(super) fn watched(&self, text: &str) -> Option<SecretId> {
        let arn = match Text::of(text)? {
            Text::Parameter(name) => return Some(SecretId::Parameter(name.into())),
            Text::Secret { name, part } => {
                return part.follows_current().then(|| SecretId::Secret(name.into()));
            }
            Text::Arn(arn) => arn,
        };
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let [_, _, service, region, account, resource] = parts[..] else {
            return None;
        };
        if region != self.region || account != self.account {
            return None;
        }
        if service == "ssm" {
            let name = resource.strip_prefix("parameter/")?;
            // A hierarchy begins with a slash, which its ARN has only once.
            let slash = if name.contains('/') { "/" } else { "" };
            let name = format!("{slash}{name}");
            return is_parameter(&name).then_some(SecretId::Parameter(name));
        }
        let (name, rest) = split(resource.strip_prefix("secret:")?);
        let part = Part::of(rest)?;
        let end = arn.len() - rest.map_or(0, |rest| rest.len() + 1);
        let arn = arn
            .get(..end)
            .filter(|_| !name.is_empty() && part.follows_current())?;
        Some(SecretId::Secret(arn.into()))
    }
}

/// All that names stand for at a Platform.
#[derive(Clone, Copy, Debug)]
pub(in crate::desired) struct Names<'a> {
    platform: &'a Platform,
    secrets: &'a Secrets,
}

impl<'a> Names<'a> {
    pub(in crate::desired) fn at(platform: &'a Platform, secrets: &'a Secrets) -> Self {
        Names { platform, secrets }
    }

    /// Puts ARNs in the place of names. Without a role, which an App with secrets must have, and where an ARN is not known, names
    /// stay as they are.
    pub(in crate::desired) fn resolve<'b>(&self, app: &'b App) -> Cow<'b, App> {
        let mut processes = app.spec.processes.values();
        let is_name = |text: &String| !text.starts_with("arn:");
        let has_names = app.spec.secrets.values().any(is_name)
            || processes.any(|process| walk::of_process(process).any(|(_, text)| is_name(text)));
        let Some(place) = Place::of(self.platform).filter(|_| has_names) else {
            return Cow::Borrowed(app);
        };
        let mut resolved = app.clone();
        walk::each(&mut resolved.spec, &mut |text| self.put(&place, text));
        Cow::Owned(resolved)
    }

    /// The same of a sidecar of the Platform.
    pub(in crate::desired) fn resolve_sidecar<'b>(&self, sidecar: &'b Sidecar) -> Cow<'b, Sidecar> {
        let has_names = walk::of_sidecar("", sidecar).any(|(_, text)| !text.starts_with("arn:"));
        let Some(place) = Place::of(self.platform).filter(|_| has_names) else {
            return Cow::Borrowed(sidecar);
        };
        let mut resolved = sidecar.clone();
        walk::each_of_sidecar(&mut resolved, &mut |text| self.put(&place, text));
        Cow::Owned(resolved)
    }

    fn put(&self, place: &Place<'_>, text: &mut String) {
        let arn = match Text::of(text) {
            Some(Text::Parameter(name)) => Some(place.parameter(name)),
            Some(Text::Secret { name, part }) => self.arn(name).map(|arn| part.behind(arn)),
            Some(Text::Arn(_)) | None => None,
        };
        if let Some(arn) = arn {
            *text = arn;
        }
    }

    /// Returns the ARN of a secret. What cannot be read, or is gone, is as the status shows it.
    fn arn(&self, name: &str) -> Option<&String> {
        match self.secrets.read.get(&SecretId::Secret(name.into())) {
            Some(Reading::Secret(state)) if !state.is_deleted => Some(&state.arn),
            Some(_) | None => self.secrets.shown.get(name),
        }
    }

    /// Returns the ARNs of all secrets that an App, and its Platform in each task, give by name, as far as they are known.
    pub(in crate::desired) fn arns(&self, app: &App) -> BTreeMap<String, String> {
        let processes = app.spec.processes.values();
        let texts = processes.flat_map(|process| self.texts(&app.spec, process));
        let named = texts.filter_map(|(_, text)| match Text::of(text)? {
            Text::Secret { name, .. } => Some((name.to_owned(), self.arn(name)?.clone())),
            Text::Arn(_) | Text::Parameter(_) => None,
        });
        named.collect()
    }

    /// Returns why nothing of a process is made or changed that would hold a secret, and what ends that.
    pub(in crate::desired) fn awaited(
        &self,
        spec: &AppSpec,
        process: &Process,
    ) -> Option<Box<AwaitedSecret>> {
        let waits = self.texts(spec, process).filter_map(|(field, text)| {
            let Some(Text::Secret { name, .. }) = Text::of(text) else {
                return None;
            };
            let (wait, why) = self.wait(name)?;
            let message = format!("{field}: {why}");
            Some(Box::new(AwaitedSecret { message, wait }))
        });
        // The first of those that somebody has to do something about.
        waits.reduce(|first, next| if next.wait > first.wait { next } else { first })
    }

    fn wait(&self, name: &str) -> Option<(SecretWait, String)> {
        match self.secrets.read.get(&SecretId::Secret(name.into())) {
            Some(Reading::Secret(SecretState {
                is_deleted: false, ..
            })) => None,
            Some(Reading::Secret(_)) => {
                let why = format!("secret {name} is scheduled for deletion in Secrets Manager");
                Some((SecretWait::Missing, why))
            }
            Some(Reading::Missing | Reading::Parameter(_)) => {
                let why = format!("there is no secret {name} in Secrets Manager");
                Some((SecretWait::Missing, why))
            }
            None if self.secrets.shown.contains_key(name) => None,
            None => Some((SecretWait::Unread, format!("secret {name} is not read yet"))),
        }
    }

    /// Returns all texts that stand for secrets in the tasks of a process.
    pub(super) fn texts<'b>(
        &self,
        spec: &'b AppSpec,
        process: &'b Process,
    ) -> impl Iterator<Item = (String, &'b String)> + use<'a, 'b>
    where
        'a: 'b,
    {
        let tasks = self.platform.spec.tasks.iter();
        let sidecars = tasks.flat_map(|tasks| &tasks.sidecars);
        let platform = self.platform.metadata.name.as_deref().unwrap_or_default();
        let of_platform = sidecars.flat_map(move |(name, sidecar)| {
            walk::of_sidecar(&format!("Platform {platform}: tasks.sidecars.{name}."), sidecar)
        });
        walk::of_app(spec, process)
            .chain(walk::of_process(process))
            .chain(of_platform)
    }
}
