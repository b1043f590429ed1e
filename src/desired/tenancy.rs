//! Tenancy: who may run Apps on a Platform, and which roles and secrets they may name. It is checked in every pass that
//! would change something, and not in a deletion: an App that is no longer allowed keeps what it has until it is deleted.

mod pattern;

use super::NamespaceLabels;
use crate::api::app::App;
use crate::api::platform::{Platform, Tenancy};
use crate::error::Error;

/// Without a word about tenancy: any namespace, and neither roles nor secrets.
pub(super) fn check(app: &App, platform: &Platform, namespace: &NamespaceLabels) -> Result<(), Error> {
    let tenancy = platform.spec.tenancy.as_ref();
    let name = platform.metadata.name.as_deref().unwrap_or_default();
    if let Some(tenancy) = tenancy
        && !selects(tenancy, namespace)
    {
        let namespace = app.metadata.namespace.as_deref().unwrap_or_default();
        return Err(Error::NotAllowed(format!(
            "Platform {name} takes no Apps of namespace {namespace}: its tenancy.namespaceSelector does not select it"
        )));
    }
    let allowed = |list: &str, patterns: Option<&Vec<String>>, field: &str, arn: &str| {
        if patterns.is_some_and(|patterns| patterns.iter().any(|pattern| pattern::arn(pattern, arn))) {
            return Ok(());
        }
        Err(Error::NotAllowed(format!(
            "{field}: Platform {name} does not allow {arn}: it matches nothing in tenancy.{list}"
        )))
    };
    if let Some(role) = &app.spec.task_role_arn {
        let patterns = tenancy.map(|tenancy| &tenancy.task_role_arns);
        allowed("taskRoleArns", patterns, "taskRoleArn", role)?;
    }
    let patterns = tenancy.map(|tenancy| &tenancy.secret_arns);
    for (variable, arn) in &app.spec.secrets {
        allowed("secretArns", patterns, &format!("secrets: {variable}"), arn)?;
    }
    for (process, spec) in &app.spec.processes {
        for (variable, arn) in &spec.secrets {
            let field = format!("process {process}: secrets: {variable}");
            allowed("secretArns", patterns, &field, arn)?;
        }
    }
    Ok(())
}

/// As Kubernetes selects: <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors>. One
/// that makes no sense, which the schema refuses, selects nothing.
fn selects(tenancy: &Tenancy, namespace: &NamespaceLabels) -> bool {
    let selector = &tenancy.namespace_selector;
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
