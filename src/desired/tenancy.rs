//! Tenancy: who may run Apps on a Platform, and what they may ask for. It is checked in every pass that would change
//! something: an App that is no longer allowed keeps what it has. A deletion is checked only where it is to retain.

mod ask;
mod limits;
mod lists;
pub(crate) mod pattern;
mod place;

use std::collections::BTreeMap;

pub use self::limits::{Usages, check_limits, has_limits};
use self::lists::{
    CERTIFICATES, EXEC, FILE_SYSTEMS, FILES, IMAGES, LOGGING, OVERRIDES, SECRETS, SIDECARS, TASK_ROLES,
};
use super::secrets::{ADDED, Judged, judged};
use super::{ADOPT_ANNOTATION, NamespaceLabels, Overridden, adopts, app_name, exposure, retains, text};
use crate::api::app::{App, DeletionPolicy, Extras, LogRouter, Sidecar, Volume};
use crate::api::platform::{Grant, LabelSelector, Openness, Platform, Tenancy};
use crate::error::Error;
use crate::model::desired::{DesiredRecord, RecordKey};
use crate::model::owner::AppName;
use crate::model::record::normalize;

/// Returns what Apps may ask for at a Platform, in one word.
pub fn openness(platform: &Platform) -> Openness {
    match &platform.spec.tenancy {
        Some(Tenancy { grants: Some(_), .. }) => Openness::Granted,
        Some(_) | None => Openness::Open,
    }
}

/// Seconds: a week.
const KEPT_FOR: u32 = 7 * 24 * 60 * 60;

/// Returns the seconds for which a name that an App releases is kept for its namespace. `None`: it is free at once.
pub fn names_kept_for(platform: &Platform) -> Option<u32> {
    let tenancy = platform.spec.tenancy.as_ref()?;
    tenancy.grants.as_ref()?;
    let given = tenancy.keep_names_for.as_deref().and_then(text::seconds);
    Some(given.unwrap_or(KEPT_FOR)).filter(|seconds| *seconds > 0)
}

/// Returns true if an App may take names that are kept for other namespaces.
pub fn takes_kept_names(app: &App, platform: &Platform, namespace: &NamespaceLabels) -> bool {
    Allowed::to(app, platform, namespace).any(|selected| selected.grant.take_names == Some(true))
}

/// Checks if an App that is being deleted may leave behind what it has.
pub fn check_retain(app: &App, platform: &Platform, namespace: &NamespaceLabels) -> Result<(), Error> {
    Allowed::to(app, platform, namespace).retain().map_err(|error| {
        Error::NotAllowed(format!(
            "{error}; it is neither removed nor released until it is, or until deletionPolicy is Delete"
        ))
    })
}

/// A grant that selects the namespace of an App.
struct Selected<'a> {
    /// Its place in the list.
    place: usize,
    grant: &'a Grant,
    /// The grant with the names of the App's own in its patterns.
    expanded: Grant,
}

/// All that an App may ask for.
pub(super) struct Allowed<'a> {
    app: &'a App,
    name: AppName,
    platform: &'a Platform,
    tenancy: Option<&'a Tenancy>,
    /// True if the Platform takes Apps of its namespace.
    is_taken: bool,
    /// The grants that select its namespace; `None` where there is no list, and all that has none in `tenancy` itself is
    /// open.
    grants: Option<Vec<Selected<'a>>>,
}

impl<'a> Allowed<'a> {
    pub(super) fn to(app: &'a App, platform: &'a Platform, namespace: &NamespaceLabels) -> Self {
        let tenancy = platform.spec.tenancy.as_ref();
        let name = app_name(app);
        let selected = |grants: &'a Vec<Grant>| {
            let selected = grants.iter().enumerate();
            let selected = selected.filter(|(_, grant)| selects(&grant.namespace_selector, namespace));
            let expand = |(place, grant)| Selected {
                place,
                grant,
                expanded: expanded(grant, &name),
            };
            selected.map(expand).collect()
        };
        Allowed {
            app,
            platform,
            tenancy,
            is_taken: tenancy.is_none_or(|tenancy| selects(&tenancy.namespace_selector, namespace)),
            grants: tenancy.and_then(|tenancy| tenancy.grants.as_ref()).map(selected),
            name,
        }
    }

    /// Checks all that a manifest asks for, but names. Without a word about tenancy: any namespace, and neither roles nor
    /// secrets.
    pub(super) fn check(&self) -> Result<(), Error> {
        let app = self.app;
        if !self.is_taken {
            return Err(Error::NotAllowed(format!(
                "Platform {} takes no Apps of namespace {}: its tenancy.namespaceSelector does not select it",
                self.platform_name(),
                self.name.namespace
            )));
        }
        self.check_process("", &app.spec.secrets, Some(&app.spec.image))?;
        if let Some(role) = &app.spec.task_role_arn {
            self.pattern(&TASK_ROLES, "taskRoleArn", role)?;
        }
        for (name, process) in &app.spec.processes {
            let prefix = format!("process {name}: ");
            self.check_process(&prefix, &process.secrets, process.image.as_ref())?;
            self.check_credentials(&prefix, process.repository_credentials.as_ref())?;
            self.extras(&prefix, &process.extras)?;
            self.sidecars(&prefix, &process.sidecars)?;
            self.volumes(&prefix, &process.volumes)?;
            if process.exec == Some(true) {
                self.closed(&EXEC, &format!("{prefix}exec"), "true")?;
            }
            let expose = exposure(name, process).unwrap_or_default();
            for arn in &expose.certificate_arns {
                self.pattern(&CERTIFICATES, &format!("{prefix}expose.certificateArns"), arn)?;
            }
            if expose.external == Some(true) {
                let field = format!("{prefix}expose.external");
                self.switch("external", |grant| grant.external, &field, "true")?;
            }
        }
        self.place()?;
        if adopts(app) {
            let field = format!("metadata.annotations[{ADOPT_ANNOTATION}]");
            self.switch("adopt", |grant| grant.adopt, &field, "true")?;
        }
        self.retain()
    }

    /// Checks the names that an App gets, derived ones like those that are written down.
    pub(super) fn check_names(&self, records: &BTreeMap<RecordKey, DesiredRecord>) -> Result<(), Error> {
        let status = self.platform.status.as_ref();
        let zones = status.and_then(|status| status.zones.as_ref());
        let zones = zones
            .into_iter()
            .flat_map(|zones| zones.internal.iter().chain(&zones.external));
        let zones: Vec<String> = zones.map(|zone| normalize(zone)).collect();
        for (RecordKey { name, .. }, DesiredRecord { process, .. }) in records {
            let spec = self.app.spec.processes.get(process);
            let expose = spec.and_then(|spec| spec.expose.as_ref());
            let is_written =
                expose.is_some_and(|expose| expose.hostnames.iter().any(|host| normalize(host) == *name));
            let field = if is_written {
                format!("process {process}: expose.hostnames")
            } else {
                format!("process {process}: expose: the name that it gets by itself")
            };
            self.name(&field, name, zones.contains(name))?;
        }
        Ok(())
    }

    /// Checks what overrides change in what is sent. One that comes to what would be sent anyway asks for nothing.
    pub(super) fn check_overrides(&self, overridden: &[Overridden]) -> Result<(), Error> {
        let mut overridden = overridden.iter();
        overridden.try_for_each(
            |Overridden {
                 process,
                 target,
                 path,
             }| {
                self.pattern(
                    &OVERRIDES,
                    &format!("process {process}: overrides[{target}]"),
                    path,
                )
            },
        )
    }

    /// Checks what an App and its processes have alike; `prefix` says whose it is.
    fn check_process(
        &self,
        prefix: &str,
        secrets: &BTreeMap<String, String>,
        image: Option<&String>,
    ) -> Result<(), Error> {
        for (variable, arn) in secrets {
            self.secret(&format!("{prefix}secrets: {variable}"), arn)?;
        }
        image.map_or(Ok(()), |image| {
            self.pattern(&IMAGES, &format!("{prefix}image"), image)
        })
    }

    fn check_credentials(&self, prefix: &str, credentials: Option<&String>) -> Result<(), Error> {
        let field = format!("{prefix}repositoryCredentials");
        credentials.map_or(Ok(()), |arn| self.secret(&field, arn))
    }

    /// Checks a secret by its ARN. A name whose ARN is not known is refused where no ARN of it would do, so that who may not have a
    /// secret does not learn if there is one.
    fn secret(&self, field: &str, text: &str) -> Result<(), Error> {
        match judged(text, self.platform) {
            Judged::Arn => self.pattern(&SECRETS, field, text),
            Judged::Begun(arn) => self.listed(&SECRETS, field, text, |pattern| {
                SECRETS.syntax.may_match(pattern, &arn, ADDED)
            }),
            Judged::Nothing => Ok(()),
        }
    }

    /// Checks what ECS reads with a role of the Platform's, and where a container logs.
    fn extras(&self, prefix: &str, extras: &Extras) -> Result<(), Error> {
        let mut files = extras.environment_files.iter();
        files.try_for_each(|file| self.pattern(&FILES, &format!("{prefix}environmentFiles"), file))?;
        let Some(logging) = &extras.logging else {
            return Ok(());
        };
        self.closed(&LOGGING, &format!("{prefix}logging"), &logging.driver)?;
        let mut secrets = logging.secret_options.iter();
        secrets.try_for_each(|(option, arn)| {
            self.secret(&format!("{prefix}logging.secretOptions: {option}"), arn)
        })
    }

    /// Checks a log router: it sees what all containers of a task log, and ECS may read its file with the Platform's role.
    fn log_router(&self, prefix: &str, router: Option<&LogRouter>) -> Result<(), Error> {
        let Some(router) = router else {
            return Ok(());
        };
        self.closed(&LOGGING, &format!("{prefix}logRouter"), "a log router")?;
        let mut files = router.options.values().filter(|value| value.starts_with("arn:"));
        files.try_for_each(|file| self.pattern(&FILES, &format!("{prefix}logRouter.options"), file))
    }

    /// Checks sidecars: that there may be any, and what they ask for.
    fn sidecars(&self, prefix: &str, sidecars: &BTreeMap<String, Sidecar>) -> Result<(), Error> {
        let Some(first) = sidecars.keys().next() else {
            return Ok(());
        };
        self.closed(&SIDECARS, &format!("{prefix}sidecars"), first)?;
        for (name, sidecar) in sidecars {
            let prefix = format!("{prefix}sidecars.{name}.");
            self.check_process(&prefix, &sidecar.secrets, Some(&sidecar.image))?;
            self.check_credentials(&prefix, sidecar.repository_credentials.as_ref())?;
            self.extras(&prefix, &sidecar.extras)?;
            self.log_router(&prefix, sidecar.log_router.as_ref())?;
        }
        Ok(())
    }

    /// Checks the file systems of volumes, each with the access point by which it is mounted.
    fn volumes(&self, prefix: &str, volumes: &BTreeMap<String, Volume>) -> Result<(), Error> {
        let file_systems = volumes
            .iter()
            .filter_map(|(name, volume)| Some((name, volume.efs.as_ref()?)));
        for (name, efs) in file_systems {
            let mut asked = efs.file_system_id.clone();
            if let Some(access_point) = &efs.access_point_id {
                asked = format!("{asked}/{access_point}");
            }
            self.pattern(&FILE_SYSTEMS, &format!("{prefix}volumes.{name}.efs"), &asked)?;
        }
        Ok(())
    }

    /// Checks that an App may be retained, if it asks for that. The Platform's own policy needs no grant.
    fn retain(&self) -> Result<(), Error> {
        if !retains(self.app, None) || self.platform.spec.deletion_policy == Some(DeletionPolicy::Retain) {
            return Ok(());
        }
        self.switch("retain", |grant| grant.retain, "deletionPolicy", "Retain")
    }
}

/// Returns a grant with the App's own names in its patterns. Neither has a character that a pattern or its fields give a
/// meaning.
fn expanded(grant: &Grant, app: &AppName) -> Grant {
    let expand = |patterns: &[String]| -> Vec<String> {
        let patterns = patterns.iter();
        patterns
            .map(|pattern| {
                let pattern = pattern.replace("{namespace}", &app.namespace);
                pattern.replace("{app}", &app.name)
            })
            .collect()
    };
    Grant {
        hostnames: expand(&grant.hostnames),
        certificate_arns: expand(&grant.certificate_arns),
        task_role_arns: expand(&grant.task_role_arns),
        secret_arns: expand(&grant.secret_arns),
        images: expand(&grant.images),
        file_arns: expand(&grant.file_arns),
        ..grant.clone()
    }
}

/// Returns true if a selector selects a namespace, as in Kubernetes: <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors>. One
/// that makes no sense, which the schema refuses, selects nothing.
fn selects(selector: &LabelSelector, namespace: &NamespaceLabels) -> bool {
    let mut labels = selector.match_labels.iter().flatten();
    let mut requirements = selector.match_expressions.iter().flatten();
    labels.all(|(key, value)| namespace.get(key) == Some(value))
        && requirements.all(|requirement| {
            let found = namespace.get(&requirement.key);
            let is_listed =
                || found.is_some_and(|found| requirement.values.iter().flatten().any(|v| v == found));
            match requirement.operator.as_str() {
                "In" => is_listed(),
                "NotIn" => !is_listed(),
                "Exists" => found.is_some(),
                "DoesNotExist" => found.is_none(),
                _ => false,
            }
        })
}

#[cfg(test)]
mod tests;
