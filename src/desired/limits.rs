//! Limits of AWS that no field's schema can hold, since they are of several fields together, or of some processes only.

use super::Builder;
use crate::api::REDEPLOY_ANNOTATION;
use crate::api::app::App;
use crate::error::Error;
use crate::model::container::{Container, Details};
use crate::model::members::TMPFS as TMPFS_MEMBER;
use crate::model::schedule::Schedule;
use crate::model::service::{Capacity, TaskDefinition};
use crate::model::volume::{FileSystem, Volume};

/// Bytes: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html>.
const TASK_DEFINITION: usize = 65_536;
/// Characters: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html>.
const IMAGE: usize = 255;
/// <https://docs.aws.amazon.com/scheduler/latest/APIReference/API_EcsParameters.html>
const PROVIDERS_OF_A_SCHEDULE: usize = 6;
/// Characters: <https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html>.
const SCHEDULE_EXPRESSION: usize = 256;
/// Characters of a name, so that `_empire.` fits before it:
/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html>.
const DNS_NAME: usize = 245;
/// Characters between two dots.
const DNS_LABEL: usize = 63;
/// Characters.
const REDEPLOY: usize = 256;

impl Builder<'_> {
    pub(super) fn check_task_definition(&self, content: &TaskDefinition) -> Result<(), Error> {
        for container in content.containers() {
            let characters = container.image.chars().count();
            if characters > IMAGE {
                let field = self.container_field(&container.name, "image");
                let why = format!("has {characters} characters, and ECS takes at most {IMAGE}");
                return Err(self.invalid(&field, &why));
            }
        }
        let parts = parts(content);
        let total = total(&parts);
        if total <= TASK_DEFINITION {
            return Ok(());
        }
        let (field, bytes) = parts
            .into_iter()
            .max_by_key(|(_, bytes)| *bytes)
            .unwrap_or_default();
        let field = match field {
            LOGGING if self.process.extras.logging.is_some() => "logging.options".into(),
            SECRET_LOGGING if self.process.extras.logging.is_some() => "logging.secretOptions".into(),
            LOGGING | SECRET_LOGGING => {
                let is_routed = content.main.logs_to_router();
                let field = if is_routed {
                    field.replace("logging", "logRouting")
                } else {
                    field.into()
                };
                format!("Platform {}: {field}", self.platform_name())
            }
            field => field.into(),
        };
        Err(self.invalid(
            &field,
            &format!(
                "the process's task definition has {total} bytes, {bytes} of them by this, and ECS takes at most \
                 {TASK_DEFINITION}"
            ),
        ))
    }

    pub(super) fn check_schedule(&self, schedule: &Schedule) -> Result<(), Error> {
        let characters = schedule.timing.expression.chars().count();
        if characters > SCHEDULE_EXPRESSION {
            return Err(self.invalid(
                "cron",
                &format!(
                    "is {characters} characters as EventBridge Scheduler has it, which takes at most {SCHEDULE_EXPRESSION}"
                ),
            ));
        }
        let platform = self.platform_name();
        if let Capacity::Providers(providers) = &schedule.capacity
            && providers.len() > PROVIDERS_OF_A_SCHEDULE
        {
            let whose = match self.process.capacity {
                Some(_) => "has".into(),
                None => format!("Platform {platform} has"),
            };
            return Err(self.invalid(
                "cron",
                &format!(
                    "{whose} {} capacity.capacityProviders, and EventBridge Scheduler takes at most \
                     {PROVIDERS_OF_A_SCHEDULE}",
                    providers.len()
                ),
            ));
        }
        if !is_role_of_a_schedule(&schedule.role_arn) {
            return Err(self.invalid(
                "cron",
                &format!(
                    "Platform {platform} has a tasks.schedulerRoleArn with other characters than letters, digits and \
                     _ + = , . @ - /, which EventBridge Scheduler does not take"
                ),
            ));
        }
        Ok(())
    }
}

/// The value is kept in the status of each process. What an App has that is deleted is known all the same.
pub(super) fn check_redeploy(app: &App) -> Result<(), Error> {
    if app.metadata.deletion_timestamp.is_some() {
        return Ok(());
    }
    let annotations = app.metadata.annotations.as_ref();
    let value = annotations.and_then(|all| all.get(REDEPLOY_ANNOTATION));
    let characters = value.map_or(0, |value| value.chars().count());
    if characters <= REDEPLOY {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "metadata.annotations[{REDEPLOY_ANNOTATION}]: has {characters} characters, and at most {REDEPLOY} are taken"
    )))
}

/// A name that a process would have by itself; those that are written down are the schema's to judge.
pub(super) fn check_name(process: &str, name: &str) -> Result<(), Error> {
    if let Some(label) = name.split('.').find(|label| label.len() > DNS_LABEL) {
        return Err(Error::Invalid(format!(
            "process {process}: expose: a part of its name {name} has {} characters, and DNS takes at most {DNS_LABEL}: the \
             Platform's dns.nameTemplates would have to put dots between names",
            label.len()
        )));
    }
    let characters = name.len();
    if characters <= DNS_NAME {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "process {process}: expose: its name {name} has {characters} characters, and a DNS name with its ownership record \
         takes at most {DNS_NAME}: the Platform's zone would have to be a shorter one"
    )))
}

/// The path and name of a role, as
/// <https://docs.aws.amazon.com/scheduler/latest/APIReference/API_Target.html> has it.
fn is_role_of_a_schedule(arn: &str) -> bool {
    let name = arn.split_once(":role/").map_or("", |(_, name)| name);
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_+=,.@-/".contains(c))
}

const LOGGING: &str = "tasks.logging.options";
const SECRET_LOGGING: &str = "tasks.logging.secretOptions";

/// The bytes that each field takes in the request, so that what is too large can be named. It is never more than what is
/// sent: what counts on ECS's side is not documented, and what it may take is ECS's to refuse.
fn parts(content: &TaskDefinition) -> Vec<(&'static str, usize)> {
    const FRAME: usize = r#"{"family":"","containerDefinitions":[]}"#.len();
    let roles = [&content.execution_role_arn, &content.task_role_arn];
    let roles: usize = roles.into_iter().flatten().map(String::len).sum();
    let sidecars = content.sidecars.iter();
    let volumes = |overridden: bool| {
        let is_overridden = |volume: &Volume| matches!(volume, Volume::Host(_) | Volume::Docker(_));
        let all = content.volumes.iter();
        all.filter(move |(_, volume)| is_overridden(volume) == overridden)
    };
    let mut parts = vec![
        ("image", FRAME + content.family.len() + roles),
        (
            "volumes",
            volumes(false)
                .map(|(name, volume)| of_volume((name, volume)))
                .sum(),
        ),
        (
            OVERRIDES,
            of_members(content.members().texts())
                + volumes(true)
                    .map(|(name, volume)| of_volume((name, volume)))
                    .sum::<usize>(),
        ),
        (
            "sidecars",
            sidecars.map(|sidecar| total(&of_container(sidecar))).sum(),
        ),
    ];
    for (field, bytes) in of_container(&content.main) {
        match parts.iter_mut().find(|(known, _)| *known == field) {
            Some((_, sum)) => *sum += bytes,
            None => parts.push((field, bytes)),
        }
    }
    parts
}

const OVERRIDES: &str = "overrides";

fn of_members(members: Vec<(&'static str, Vec<String>)>) -> usize {
    let texts = members.into_iter().flat_map(|(_, texts)| texts);
    texts.map(|text| text.len()).sum()
}

fn of_volume((name, volume): (&String, &Volume)) -> usize {
    const SCRATCH: usize = r#"{"name":},"#.len();
    const FILE_SYSTEM: usize =
        r#""efsVolumeConfiguration":{"fileSystemId":,"transitEncryption":"ENABLED"}"#.len();
    let more = match volume {
        Volume::Scratch => 0,
        Volume::FileSystem(FileSystem {
            id,
            directory,
            access_point,
            iam: _,
        }) => {
            let texts = [Some(id), directory.as_ref(), access_point.as_ref()];
            let texts = texts.into_iter().flatten().map(|text| json(text));
            FILE_SYSTEM + texts.sum::<usize>()
        }
        Volume::Host(path) => json(path),
        Volume::Docker(volume) => {
            let texts = volume.options.iter().chain(&volume.labels);
            pairs(texts, ":,".len()) + volume.driver.as_ref().map_or(0, |driver| json(driver))
        }
    };
    json(name) + SCRATCH + more
}

fn total(parts: &[(&'static str, usize)]) -> usize {
    parts.iter().map(|(_, bytes)| bytes).sum()
}

/// The bytes of a container, by field. `image` has its name and its frame, too.
fn of_container(container: &Container) -> [(&'static str, usize); 21] {
    const FRAME: usize = r#"{"name":"","image":"","command":[]}"#.len();
    const VARIABLE: usize = r#"{"name":,"value":},"#.len();
    const SECRET: usize = r#"{"name":,"valueFrom":},"#.len();
    const CHECK: usize = r#""healthCheck":{"command":[],"interval":0,"timeout":0,"retries":0},"#.len();
    const CREDENTIALS: usize = r#""repositoryCredentials":{"credentialsParameter":},"#.len();
    const TMPFS: usize = r#"{"containerPath":,"size":0},"#.len();
    const MOUNT: usize = r#"{"sourceVolume":,"containerPath":,"readOnly":true},"#.len();
    const FILE: usize = r#"{"value":,"type":"s3"},"#.len();
    const CONTROL: usize = r#"{"namespace":,"value":},"#.len();
    const HOST: usize = r#"{"hostname":,"ipAddress":},"#.len();
    const PORT: usize = r#"{"name":,"containerPort":1,"protocol":"tcp"},"#.len();
    const DEPENDENCY: usize = r#"{"containerName":,"condition":""},"#.len();
    let Details {
        optional: _,
        entry_point,
        health_check,
        user,
        working_directory,
        init: _,
        labels,
        repository_credentials,
        tmpfs,
        depends_on,
        mounts,
        extras,
    } = container.details();
    let words = |words: &[String]| words.iter().map(|word| json(word) + ",".len()).sum::<usize>();
    let text = |text: Option<&String>, more: usize| text.map_or(0, |text| json(text) + more);
    let logging = container.logging.iter();
    let options = logging.clone().flat_map(|logging| &logging.options);
    let secret_options = logging.flat_map(|logging| &logging.secret_options);
    let routes = extras.log_router.iter().flat_map(|router| &router.options);
    let conditions = depends_on.iter();
    let conditions = conditions.map(|(name, state)| json(name) + state.as_str().len() + DEPENDENCY);
    let mut members = container.members().texts();
    // Its paths are counted where they are without options.
    members.retain(|(member, _)| *member != TMPFS_MEMBER);
    let mounts = mounts.iter();
    let mounts = mounts.map(|(path, mount)| json(path) + json(&mount.volume) + MOUNT);
    let (files, ports) = (extras.environment_files.iter(), extras.ports.keys());
    let check = health_check.as_ref();
    let check = check.map_or(0, |check| words(&check.command) + CHECK);
    [
        ("image", FRAME + container.name.len() + container.image.len()),
        ("command", words(&container.command)),
        ("entryPoint", words(entry_point)),
        ("env", pairs(container.environment.0.iter(), VARIABLE)),
        ("secrets", pairs(container.secrets.iter(), SECRET)),
        (LOGGING, pairs(options, ":,".len())),
        (SECRET_LOGGING, pairs(secret_options, SECRET)),
        ("logRouter", pairs(routes, ":,".len())),
        ("healthCheck", check),
        ("user", text(user.as_ref(), r#""user":,"#.len())),
        (
            "workingDirectory",
            text(working_directory.as_ref(), r#""workingDirectory":,"#.len()),
        ),
        ("dockerLabels", pairs(labels.iter(), ":,".len())),
        (
            "repositoryCredentials",
            text(repository_credentials.as_ref(), CREDENTIALS),
        ),
        ("tmpfs", tmpfs.keys().map(|path| json(path) + TMPFS).sum()),
        ("dependsOn", conditions.sum()),
        ("mounts", mounts.sum()),
        ("environmentFiles", files.map(|file| json(file) + FILE).sum()),
        ("systemControls", pairs(extras.system_controls.iter(), CONTROL)),
        ("extraHosts", pairs(extras.extra_hosts.iter(), HOST)),
        ("ports", ports.map(|name| json(name) + PORT).sum()),
        (OVERRIDES, of_members(members)),
    ]
}

fn pairs<'a>(pairs: impl Iterator<Item = (&'a String, &'a String)>, more: usize) -> usize {
    pairs.map(|(key, value)| json(key) + json(value) + more).sum()
}

/// Returns the number of bytes that a text has in JSON.
fn json(text: &str) -> usize {
    let escaped = text.chars().map(|c| match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        c => c.len_utf8(),
    });
    "\"\"".len() + escaped.sum::<usize>()
}

#[cfg(test)]
mod tests;
