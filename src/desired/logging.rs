//! Where containers log: as the Platform says, as an App says for one of its own, or to a log router beside it.

use std::collections::BTreeMap;

use super::Builder;
use super::container::Fields;
use super::extras::{is_printed, is_s3_object};
use super::log_group;
use super::secrets::{NO_ARN, NO_SECRET, is_arn, is_secret};
use crate::api::app;
use crate::api::platform::LogRouting;
use crate::error::Error;
use crate::model::container::{Logging, ROUTED};
use crate::model::extras::{LogRouter, LogRouterKind};
use crate::model::on_one_line;
use crate::model::owner::AppName;
use crate::model::service::{LaunchType, TaskDefinition};
use crate::model::small_map::SmallMap;

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LogConfiguration.html>
const FARGATE_DRIVERS: [&str; 3] = ["awsfirelens", "awslogs", "splunk"];
/// Options of FireLens: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_FirelensConfiguration.html>.
const METADATA: &str = "enable-ecs-log-metadata";
const FILE_TYPE: &str = "config-file-type";
const FILE: &str = "config-file-value";

impl Builder<'_> {
    /// Returns where a container logs. A log router never logs to itself.
    pub(super) fn logging(&self, fields: &Fields<'_>) -> Result<Option<Logging>, Error> {
        if let Some(own) = &fields.extras.logging {
            return self.own_logging(fields, own).map(Some);
        }
        let tasks = self.platform.spec.tasks.as_ref();
        let routing = tasks.and_then(|tasks| tasks.log_routing.as_ref());
        if let (Some(routing), None) = (routing, fields.log_router) {
            let LogRouting {
                options,
                secret_options,
            } = routing;
            let logging = self.platform_logging("logRouting", ROUTED, options, secret_options);
            return logging.map(Some);
        }
        let logging = tasks.and_then(|tasks| tasks.logging.as_ref());
        let logging = logging.map(|logging| {
            let (options, secrets) = (&logging.options, &logging.secret_options);
            if logging.group.is_none() {
                return self.platform_logging("logging", &logging.driver, options, secrets);
            }
            let options = log_group::options(self.platform, &self.owner.app, self.name, options);
            self.platform_logging("logging", &logging.driver, &options, secrets)
        });
        logging.transpose()
    }

    fn own_logging(&self, fields: &Fields<'_>, own: &app::ContainerLogging) -> Result<Logging, Error> {
        let app::ContainerLogging {
            driver,
            options,
            secret_options,
        } = own;
        if self.launch_type() == LaunchType::Fargate && !FARGATE_DRIVERS.contains(&&**driver) {
            let why = format!("Fargate has {} only", FARGATE_DRIVERS.join(", "));
            return Err(self.invalid(&fields.field("logging.driver"), &why));
        }
        let needs_reader = self.launch_type() == LaunchType::Fargate && driver == "awslogs";
        if needs_reader && self.secrets_reader().is_none() {
            let platform = self.platform_name();
            let why =
                format!("Platform {platform} has no tasks.executionRoleArn, which Fargate needs for awslogs");
            return Err(self.invalid(&fields.field("logging.driver"), &why));
        }
        // A router writes them into its own settings.
        let is_line = |(name, value): (&String, &String)| is_printed(name) && is_printed(value);
        if let Some((name, _)) = options.iter().chain(secret_options).find(|pair| !is_line(*pair)) {
            let why = format!(
                "{}: has no name or value, or one with a control character",
                on_one_line(name.chars())
            );
            return Err(self.invalid(&fields.field("logging.options"), &why));
        }
        if let Some(missing) = self.missing_option(own) {
            let why = format!("{driver} needs {missing}");
            return Err(self.invalid(&fields.field("logging.options"), &why));
        }
        let field = fields.field("logging.secretOptions");
        if let Some((name, _)) = secret_options.iter().find(|(_, arn)| !is_secret(arn)) {
            return Err(self.invalid(&field, &format!("{name}: {NO_SECRET}")));
        }
        if !secret_options.is_empty() && self.secrets_reader().is_none() {
            return Err(self.without_reader(&field));
        }
        Ok(Logging {
            driver: driver.clone(),
            options: self.named(options),
            secret_options: secret_options.clone().into(),
        })
    }

    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LogConfiguration.html>
    fn missing_option(&self, own: &app::ContainerLogging) -> Option<&'static str> {
        let needed: &[&str] = match (&*own.driver, self.launch_type()) {
            ("awslogs", LaunchType::Fargate) => &["awslogs-group", "awslogs-region", "awslogs-stream-prefix"],
            ("awslogs", _) => &["awslogs-group", "awslogs-region"],
            ("splunk", _) => &["splunk-token", "splunk-url"],
            _ => &[],
        };
        let is_given = |name: &str| own.options.contains_key(name) || own.secret_options.contains_key(name);
        needed.iter().copied().find(|name| !is_given(name))
    }

    /// Returns where the App itself says that a container logs.
    pub(super) fn said(&self, container: &str) -> Option<&app::ContainerLogging> {
        if container == self.name {
            return self.process.extras.logging.as_ref();
        }
        self.process.sidecars.get(container)?.extras.logging.as_ref()
    }

    fn platform_logging(
        &self,
        field: &str,
        driver: &str,
        options: &BTreeMap<String, String>,
        secrets: &BTreeMap<String, String>,
    ) -> Result<Logging, Error> {
        let refused = |why: &str| {
            let platform = self.platform_name();
            let field = format!("Platform {platform}: tasks.{field}.secretOptions");
            Err(self.invalid(&field, why))
        };
        if let Some((name, _)) = secrets.iter().find(|(_, arn)| !is_arn(arn)) {
            return refused(&format!("{name}: {NO_ARN}"));
        }
        if !secrets.is_empty() && self.secrets_reader().is_none() {
            return refused("it has no tasks.executionRoleArn, the role by which ECS would read them");
        }
        Ok(Logging {
            driver: driver.into(),
            options: self.named(options),
            secret_options: secrets.clone().into(),
        })
    }

    /// Puts the names of the process's own into values that ask for them.
    pub(super) fn named(&self, values: &BTreeMap<String, String>) -> SmallMap<String, String> {
        let AppName { namespace, name } = &self.owner.app;
        let named = |value: &String| {
            let value = value.replace("{namespace}", namespace);
            value.replace("{app}", name).replace("{process}", self.name)
        };
        let values = values.iter();
        values.map(|(key, value)| (key.clone(), named(value))).collect()
    }

    pub(super) fn log_router(&self, fields: &Fields<'_>) -> Result<Option<LogRouter>, Error> {
        let Some(given) = fields.log_router else {
            return Ok(None);
        };
        let options = &given.options;
        let field = fields.field("logRouter.options");
        let refused = |why: &str| Err(self.invalid(&field, why));
        if let Some(unknown) = options
            .keys()
            .find(|name| ![METADATA, FILE_TYPE, FILE].contains(&&***name))
        {
            return refused(&format!("FireLens has no {unknown}"));
        }
        if options
            .get(METADATA)
            .is_some_and(|value| !matches!(&**value, "true" | "false"))
        {
            return refused(&format!("{METADATA} is true or false"));
        }
        let file = (options.get(FILE_TYPE).map(String::as_str), options.get(FILE));
        match file {
            (None, None) => {}
            (Some("file"), Some(path)) if path.starts_with('/') => {}
            (Some("s3"), Some(arn)) if is_s3_object(arn) => {
                if self.launch_type() == LaunchType::Fargate {
                    return refused(&format!("Fargate takes no {FILE_TYPE} but file"));
                }
                if self.secrets_reader().is_none() {
                    return Err(self.without_reader(&field));
                }
            }
            _ => {
                return refused(&format!(
                    "{FILE_TYPE} is file, with an absolute path as {FILE}, or s3, with the ARN of an object"
                ));
            }
        }
        Ok(Some(LogRouter {
            kind: match given.type_ {
                app::LogRouterType::Fluentbit => LogRouterKind::Fluentbit,
                app::LogRouterType::Fluentd => LogRouterKind::Fluentd,
            },
            options: options.clone().into(),
        }))
    }

    /// Checks that containers that log to a log router have one, which does not log to itself:
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_firelens.html>.
    pub(super) fn check_log_router(&self, content: &TaskDefinition) -> Result<(), Error> {
        let is_router = |name: &str| content.log_router().is_some_and(|router| router.name == name);
        for container in content.containers() {
            let name = &*container.name;
            if container.details().extras.log_router.is_some() && !is_router(name) {
                let why = "another container of the task is a log router, and ECS takes one";
                return Err(self.invalid(&self.container_field(name, "logRouter"), why));
            }
            if !container.logs_to_router() {
                continue;
            }
            let why = match content.log_router() {
                Some(router) if router.name == name => "a log router cannot log to itself",
                // What it is told becomes its settings, which may name its secrets.
                Some(router)
                    if self.said(name).is_some() && !self.process.sidecars.contains_key(&*router.name) =>
                {
                    "the log router is the Platform's, and takes what the Platform sends there alone"
                }
                Some(_) => continue,
                None => "awsfirelens needs a sidecar with a logRouter, and no container of the task is one",
            };
            return Err(self.invalid(&self.container_field(name, "logging.driver"), why));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
