//! What a container has, be it the one of a process or one beside it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::command::Variables;
use super::secrets::is_credentials;
use super::{Builder, text};
use crate::api::app::{self, DependencyCondition, Process, Sidecar};
use crate::error::Error;
use crate::model::container::{Condition, ContainerCheck, Details};
use crate::model::service::{Architecture, LaunchType};
use crate::model::small_map::SmallMap;

/// Seconds and numbers: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html>.
const CHECK_INTERVAL: RangeInclusive<u32> = 5..=300;
const CHECK_TIMEOUT: RangeInclusive<u32> = 2..=60;
const CHECK_RETRIES: RangeInclusive<u32> = 1..=10;
const CHECK_START_PERIOD: RangeInclusive<u32> = 0..=300;
/// GiB: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_EphemeralStorage.html>.
const EPHEMERAL_STORAGE: RangeInclusive<u32> = 21..=200;

const NO_CREDENTIALS: &str =
    "must be the ARN of a secret in Secrets Manager, or secretsmanager: and its name";

/// The fields that a process and a sidecar have alike.
pub(super) struct Fields<'a> {
    /// The path of the container in the process, with a dot: empty for the process's own.
    pub prefix: String,
    pub variables: Variables<'a>,
    pub essential: bool,
    pub entry_point: &'a [String],
    pub health_check: Option<&'a app::ContainerCheck>,
    pub user: Option<&'a String>,
    pub working_directory: Option<&'a String>,
    pub init: bool,
    pub docker_labels: &'a BTreeMap<String, String>,
    pub repository_credentials: Option<&'a String>,
    pub tmpfs: Option<&'a BTreeMap<String, String>>,
    pub depends_on: &'a BTreeMap<String, DependencyCondition>,
    pub mounts: &'a BTreeMap<String, app::Mount>,
    pub ulimits: Option<&'a app::Ulimits>,
    pub ports: Option<&'a BTreeMap<String, app::SidecarPort>>,
    pub log_router: Option<&'a app::LogRouter>,
    pub extras: &'a app::Extras,
}

impl<'a> Fields<'a> {
    pub(super) fn of_process(process: &'a Process, variables: Variables<'a>) -> Self {
        Fields {
            prefix: String::new(),
            variables,
            essential: true,
            entry_point: &process.entry_point,
            health_check: process.health_check.as_ref(),
            user: process.user.as_ref(),
            working_directory: process.working_directory.as_ref(),
            init: process.init == Some(true),
            docker_labels: &process.docker_labels,
            repository_credentials: process.repository_credentials.as_ref(),
            tmpfs: Some(&process.tmpfs),
            depends_on: &process.depends_on,
            mounts: &process.mounts,
            ulimits: process.ulimits.as_ref(),
            ports: None,
            log_router: None,
            extras: &process.extras,
        }
    }

    pub(super) fn of_sidecar(prefix: String, sidecar: &'a Sidecar, variables: Variables<'a>) -> Self {
        Fields {
            prefix,
            variables,
            essential: sidecar.essential != Some(false),
            entry_point: &sidecar.entry_point,
            health_check: sidecar.health_check.as_ref(),
            user: sidecar.user.as_ref(),
            working_directory: sidecar.working_directory.as_ref(),
            init: sidecar.init == Some(true),
            docker_labels: &sidecar.docker_labels,
            repository_credentials: sidecar.repository_credentials.as_ref(),
            tmpfs: None,
            depends_on: &sidecar.depends_on,
            mounts: &sidecar.mounts,
            ulimits: sidecar.ulimits.as_ref(),
            ports: Some(&sidecar.ports),
            log_router: sidecar.log_router.as_ref(),
            extras: &sidecar.extras,
        }
    }

    pub(super) fn field(&self, field: &str) -> String {
        format!("{}{field}", self.prefix)
    }
}

impl Builder<'_> {
    pub(super) fn details(&self, fields: &Fields<'_>) -> Result<Option<Box<Details>>, Error> {
        let credentials = fields.repository_credentials;
        if credentials.is_some() && self.secrets_reader().is_none() {
            return Err(self.without_reader(&fields.field("repositoryCredentials")));
        }
        if credentials.is_some_and(|text| !text.starts_with("arn:") && !is_credentials(text)) {
            return Err(self.invalid(&fields.field("repositoryCredentials"), NO_CREDENTIALS));
        }
        self.check_texts(fields)?;
        let check = fields
            .health_check
            .map(|check| self.container_check(fields, check));
        let conditions = fields.depends_on.iter();
        let conditions = conditions.map(|(name, condition)| (name.clone(), state(*condition)));
        let details = Details {
            optional: !fields.essential,
            entry_point: fields.entry_point.to_vec(),
            health_check: check.transpose()?,
            user: fields.user.cloned(),
            working_directory: fields.working_directory.cloned(),
            init: fields.init,
            labels: fields.docker_labels.clone().into(),
            repository_credentials: credentials.cloned(),
            tmpfs: self.tmpfs(fields)?,
            depends_on: conditions.collect(),
            mounts: self.mounts(fields)?,
            extras: self.extras(fields)?,
        };
        Ok(details.kept())
    }

    /// Checks what the schema leaves: a rule for each of hundreds of sidecars would cost the API server too much.
    fn check_texts(&self, fields: &Fields<'_>) -> Result<(), Error> {
        let refused = |field: &str, why: &str| Err(self.invalid(&fields.field(field), why));
        if fields.user.is_some_and(|user| !is_user(user)) {
            return refused(
                "user",
                "is no user, nor a user and a group, by name or id, such as 1000 or app:app",
            );
        }
        if fields.working_directory.is_some_and(|path| !is_path(path)) {
            return refused("workingDirectory", "is no absolute path, such as /srv/app");
        }
        if fields.tmpfs.into_iter().flatten().any(|(path, _)| !is_path(path)) {
            return refused("tmpfs", "has a path that is no absolute one, such as /tmp");
        }
        let mut mounts = fields.tmpfs.into_iter().flatten();
        if let Some((path, _)) = mounts.find(|(path, _)| !text::is_mount(path)) {
            return refused("tmpfs", &format!("{path}: {}", text::NO_MOUNT));
        }
        let labels = fields.docker_labels;
        if labels
            .keys()
            .any(|name| name.is_empty() || name.contains(char::is_control))
        {
            return refused(
                "dockerLabels",
                "has a name that is empty or has control characters",
            );
        }
        if let Some((name, _)) = labels.iter().find(|(_, value)| has_controls(value)) {
            return refused("dockerLabels", &format!("{name}: {CONTROLS}"));
        }
        Ok(())
    }

    fn container_check(
        &self,
        fields: &Fields<'_>,
        check: &app::ContainerCheck,
    ) -> Result<ContainerCheck, Error> {
        let field = |name: &str| fields.field(&format!("healthCheck.{name}"));
        let command = if check.shell == Some(true) {
            vec!["CMD-SHELL".into(), check.command.clone()]
        } else {
            let mut words = self.words(&field("command"), &check.command, Some(fields.variables))?;
            words.insert(0, "CMD".into());
            words
        };
        let seconds = |name: &str, given: &Option<String>, default, limits: RangeInclusive<u32>| {
            let given = given.as_ref().map(|given| self.seconds(&field(name), given));
            let seconds = given.transpose()?.unwrap_or(default);
            self.within(&field(name), seconds, "s", limits)
        };
        let retries = check.retries.map(|retries| retries.try_into().unwrap_or(0));
        let retries = retries.unwrap_or(ContainerCheck::RETRIES);
        Ok(ContainerCheck {
            command,
            interval: seconds(
                "interval",
                &check.interval,
                ContainerCheck::INTERVAL,
                CHECK_INTERVAL,
            )?,
            timeout: seconds("timeout", &check.timeout, ContainerCheck::TIMEOUT, CHECK_TIMEOUT)?,
            retries: self.within(&field("retries"), retries, "", CHECK_RETRIES)?,
            start_period: seconds("startPeriod", &check.start_period, 0, CHECK_START_PERIOD)?,
        })
    }

    fn tmpfs(&self, fields: &Fields<'_>) -> Result<SmallMap<String, u32>, Error> {
        let refused = |why: &str| Err(self.invalid(&fields.field("tmpfs"), why));
        let mut mounts = SmallMap::new();
        for (path, size) in fields.tmpfs.into_iter().flatten() {
            if self.launch_type() == LaunchType::Fargate {
                return refused("Fargate takes none; use ephemeralStorage");
            }
            let Some(mebibytes) = text::mebibytes(size) else {
                return refused(&format!("{path}: {size} is no amount of memory"));
            };
            mounts.insert(path.clone(), mebibytes);
        }
        Ok(mounts)
    }

    /// Returns the GiB of a task's disk. Fargate alone has a setting for it:
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html>.
    pub(super) fn ephemeral_storage(&self) -> Result<Option<u32>, Error> {
        const FIELD: &str = "ephemeralStorage";
        let Some(given) = &self.process.ephemeral_storage else {
            return Ok(None);
        };
        if self.launch_type() != LaunchType::Fargate {
            return Err(self.invalid(
                FIELD,
                "is for Fargate only: elsewhere a task has the disk of its instance",
            ));
        }
        let gibibytes = text::mebibytes(given).map(|mebibytes| mebibytes.div_ceil(1_024));
        let gibibytes =
            gibibytes.ok_or_else(|| self.invalid(FIELD, &format!("{given} is no amount of disk")))?;
        self.within(FIELD, gibibytes, " GiB", EPHEMERAL_STORAGE).map(Some)
    }

    pub(super) fn architecture(&self) -> Result<Option<Architecture>, Error> {
        let Some(given) = self.process.architecture else {
            return Ok(None);
        };
        if self.launch_type() == LaunchType::External {
            return Err(self.invalid(
                "architecture",
                "ECS takes none for instances of your own (EXTERNAL)",
            ));
        }
        Ok(Some(match given {
            app::Architecture::Arm64 => Architecture::Arm64,
            app::Architecture::X8664 => Architecture::X8664,
        }))
    }

    pub(super) fn within(
        &self,
        field: &str,
        value: u32,
        unit: &str,
        limits: RangeInclusive<u32>,
    ) -> Result<u32, Error> {
        if limits.contains(&value) {
            return Ok(value);
        }
        let (least, most) = limits.into_inner();
        Err(self.invalid(
            field,
            &format!("{value}{unit} is not within the {least}{unit} to {most}{unit} that ECS takes"),
        ))
    }
}

/// Says what [`has_controls`] finds.
pub(super) const CONTROLS: &str = "has control characters, such as NUL";

/// True for text that the schema does not let into words: control characters other than tabs and line ends.
pub(super) fn has_controls(text: &str) -> bool {
    text.contains(|c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
}

fn is_user(text: &str) -> bool {
    let is_name =
        |name: &str| !name.is_empty() && !name.contains(|c: char| c.is_control() || c.is_whitespace());
    match text.split_once(':') {
        Some((user, group)) => is_name(user) && is_name(group) && !group.contains(':'),
        None => is_name(text),
    }
}

pub(super) fn is_path(text: &str) -> bool {
    text.starts_with('/') && !text.contains(char::is_control)
}

fn state(condition: DependencyCondition) -> Condition {
    match condition {
        DependencyCondition::Start => Condition::Start,
        DependencyCondition::Healthy => Condition::Healthy,
        DependencyCondition::Complete => Condition::Complete,
        DependencyCondition::Success => Condition::Success,
    }
}

#[cfg(test)]
mod tests;
