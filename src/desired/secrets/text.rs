//! A text that stands for a secret: an ARN, or a name.

/// In front of the name of a secret in Secrets Manager.
const SECRETS_MANAGER: &str = "secretsmanager:";
/// In front of the name of a parameter.
const SSM: &str = "ssm:";

/// Says what a secret may be.
pub(crate) const NO_SECRET: &str = "must be the ARN of a secret in Secrets Manager or of a parameter of SSM, or the name of one: \
                                    secretsmanager:shop/db, /shop/db or ssm:db";
pub(in crate::desired) const NO_ARN: &str =
    "must be the ARN of a secret in Secrets Manager or of a parameter of SSM";

/// A text that stands for a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Text<'a> {
    Arn(&'a str),
    Parameter(&'a str),
    Secret { name: &'a str, part: Part<'a> },
}

/// The part of a secret that is meant. Empty: all of it, `AWSCURRENT`, whichever version that is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Part<'a> {
    key: &'a str,
    stage: &'a str,
    version: &'a str,
}

impl<'a> Part<'a> {
    /// Reads what follows the first colon after a name or an ARN.
    pub(super) fn of(rest: Option<&'a str>) -> Option<Self> {
        let Some(rest) = rest else {
            return Some(Part::default());
        };
        let mut parts = rest.split(':');
        let mut next = || parts.next().unwrap_or_default();
        let part = Part {
            key: next(),
            stage: next(),
            version: next(),
        };
        parts.next().is_none().then_some(part)
    }

    /// Returns it as ECS takes it behind an ARN, with all colons:
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html>.
    pub(super) fn behind(self, arn: &str) -> String {
        let Part { key, stage, version } = self;
        if self == Part::default() {
            return arn.into();
        }
        format!("{arn}:{key}:{stage}:{version}")
    }

    /// ECS takes a version by its label or by its id.
    fn is_one(self) -> bool {
        let is_text = |part: &str| !part.contains(|c: char| c.is_whitespace() || c.is_control());
        self != Part::default()
            && (self.stage.is_empty() || self.version.is_empty())
            && [self.stage, self.version].into_iter().all(is_text)
            && !self.key.contains(char::is_control)
    }

    /// True if another version is meant once another one is `AWSCURRENT`. Labels of one's own move by themselves.
    pub(super) fn follows_current(self) -> bool {
        self.version.is_empty() && ["", "AWSCURRENT", "AWSPREVIOUS"].contains(&self.stage)
    }
}

impl<'a> Text<'a> {
    pub(super) fn of(text: &'a str) -> Option<Self> {
        if is_arn(text) {
            return Some(Text::Arn(text));
        }
        if let Some(text) = text.strip_prefix(SECRETS_MANAGER) {
            let (name, rest) = split(text);
            let part = Part::of(rest)?;
            let is_meant = is_name_of(name, "/_+=.@-", 512) && (rest.is_none() || part.is_one());
            return is_meant.then_some(Text::Secret { name, part });
        }
        let name = text.strip_prefix(SSM).or(text.starts_with('/').then_some(text))?;
        is_parameter(name).then_some(Text::Parameter(name))
    }
}

/// Splits a text at its first colon.
pub(super) fn split(text: &str) -> (&str, Option<&str>) {
    text.split_once(':')
        .map_or((text, None), |(name, rest)| (name, Some(rest)))
}

/// Characters: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html>.
fn is_name_of(name: &str, more: &str, longest: usize) -> bool {
    let is_valid = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
    !name.is_empty() && name.len() <= longest && name.chars().all(is_valid)
}

/// Returns true for the name of a parameter. One in a hierarchy begins with a slash, and has names between its slashes:
/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-hierarchies.html>. Nothing but a name has one
/// before it, so that `/db` is no other parameter than `db` to whoever is given its ARN.
pub(super) fn is_parameter(name: &str) -> bool {
    /// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html>
    const LONGEST: usize = 1_011;
    let is_hierarchy = || {
        let mut levels = name.split('/');
        levels.next() == Some("") && levels.clone().count() > 1 && levels.all(|level| !level.is_empty())
    };
    is_name_of(name, "/_.-", LONGEST) && (!name.contains('/') || is_hierarchy())
}

/// Returns true for an ARN that ECS reads secrets from: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Secret.html>.
pub(in crate::desired) fn is_arn(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts[..] {
        ["arn", _, "secretsmanager", _, _, resource] => resource.starts_with("secret:"),
        ["arn", _, "ssm", _, _, resource] => resource.starts_with("parameter/"),
        _ => false,
    }
}

/// Returns true for the name of a secret whose whole value is meant, as the credentials of a registry are.
pub(in crate::desired) fn is_credentials(text: &str) -> bool {
    matches!(Text::of(text), Some(Text::Secret { part, .. }) if part == Part::default())
}

/// Returns true for a text that stands for a secret, by ARN or by name.
pub(crate) fn is_secret(text: &str) -> bool {
    Text::of(text).is_some()
}
