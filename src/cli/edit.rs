//! `kubectl empire redeploy`, `suspend` and `resume`: one field of an App, set as anybody could by hand.
//!
//! A merge patch of that field alone. Its field manager is not called kubectl-something, since Flux takes fields that such
//! managers own out again (<https://fluxcd.io/flux/components/kustomize/kustomizations/#controlling-the-apply-behavior-of-resources>).

mod managers;

use std::process::ExitCode;

use jiff::{Timestamp, Unit};
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde::Serialize;
use serde_json::{Value, json};

use self::managers::{applier, sets};
use super::cluster::OneApp;
use super::{Ended, Output, print};
use crate::api::REDEPLOY_ANNOTATION;
use crate::api::app::{App, Process};
use crate::controller::message_of;

const MANAGER: &str = "empire-plugin";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Redeploy,
    Suspend,
    Resume,
}

/// An edit of one field, and what it leads to. Fields may be added, none is taken away.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Edited {
    /// `namespace/name`.
    app: String,
    action: &'static str,
    /// False if it was so already, and nothing was written.
    changed: bool,
    field: &'static str,
    value: Value,
    /// What happens next.
    next: String,
    warnings: Vec<String>,
}

/// Sets the field, and prints what follows.
pub(super) async fn edit(action: Action, arguments: &OneApp) -> Ended {
    let cluster = arguments.cluster.connect().await?;
    let app = cluster.app(&arguments.name).await?;
    let edited = edited(action, &app, Timestamp::now());
    if edited.changed {
        let parameters = PatchParams {
            field_manager: Some(MANAGER.into()),
            ..PatchParams::default()
        };
        let patch = Patch::Merge(patch(&edited, &app));
        let done = cluster.apps().patch(&arguments.name, &parameters, &patch).await;
        done.map_err(|error| format!("{} App {}: {}", edited.action, edited.app, message_of(&error)))?;
    }
    for warning in &edited.warnings {
        eprintln!("kubectl empire: warning: {warning}");
    }
    let text = match arguments.output {
        Output::Json => serde_json::to_string_pretty(&edited)? + "\n",
        Output::Text => text(&edited),
    };
    print(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// With the UID, so that it cannot land on another App of the name.
fn patch(edited: &Edited, app: &App) -> Value {
    let Edited { field, value, .. } = edited;
    if *field == SUSPEND {
        json!({ "metadata": { "uid": app.uid() }, "spec": { "suspend": value } })
    } else {
        json!({ "metadata": { "uid": app.uid(), "annotations": { REDEPLOY_ANNOTATION: value } } })
    }
}

const SUSPEND: &str = "spec.suspend";
const REDEPLOY: &str = "metadata.annotations[empire.dev/redeploy]";

fn edited(action: Action, app: &App, now: Timestamp) -> Edited {
    let (name, namespace) = (app.name_any(), app.namespace().unwrap_or_default());
    let suspended = app.spec.suspend.unwrap_or_default();
    let follow = format!("kubectl empire status {name} -n {namespace} --watch");
    let deleting = app.metadata.deletion_timestamp.is_some();
    let (verb, field, value, changed, next) = match action {
        Action::Redeploy => {
            let value = now.round(Unit::Second).unwrap_or(now).to_string();
            let next = match services(app) {
                _ if deleting => "The App is being deleted: no task is replaced any more".to_owned(),
                _ if suspended => format!(
                    "The App is suspended: nothing is replaced before kubectl empire resume {name} -n {namespace}"
                ),
                services if services.is_empty() => {
                    "No process has a service: there are no tasks to replace".to_owned()
                }
                services => format!(
                    "Every task of {} is replaced, as `deploy` says. Follow it: {follow}",
                    services.join(", ")
                ),
            };
            ("redeploy", REDEPLOY, json!(value), true, next)
        }
        Action::Suspend => {
            let next = if deleting {
                format!(
                    "The App is being deleted, and stays as it is until kubectl empire resume {name} -n {namespace}"
                )
            } else {
                "The controller compares and reports, and changes nothing in AWS. Tasks go on running, and a rollout \
                 that has begun is ECS's to finish"
                    .to_owned()
            };
            ("suspend", SUSPEND, json!(true), !suspended, next)
        }
        Action::Resume => {
            let next = match (suspended, deleting) {
                (false, _) => format!("How it stands: kubectl empire status {name} -n {namespace}"),
                (true, true) => format!("Its deletion goes on. Follow it: {follow}"),
                (true, false) => format!("The controller makes what was pending. Follow it: {follow}"),
            };
            ("resume", SUSPEND, Value::Null, suspended, next)
        }
    };
    Edited {
        app: format!("{namespace}/{name}"),
        action: verb,
        changed,
        field,
        value,
        next,
        warnings: if changed { warnings(app, field) } else { Vec::new() },
    }
}

/// The processes whose tasks a service keeps.
fn services(app: &App) -> Vec<&str> {
    let has_service = |process: &Process| process.cron.is_none() && process.noservice != Some(true);
    let processes = app.spec.processes.iter();
    let names = processes.filter(|(_, process)| has_service(process));
    names.map(|(name, _)| name.as_str()).collect()
}

/// A tool that applies the App from elsewhere sets its own value again.
fn warnings(app: &App, field: &str) -> Vec<String> {
    let Some(applier) = applier(&app.metadata) else {
        return Vec::new();
    };
    let path: &[&str] = if field == SUSPEND {
        &["f:spec", "f:suspend"]
    } else {
        &["f:metadata", "f:annotations", "f:empire.dev/redeploy"]
    };
    let others = sets(&app.metadata, path, MANAGER);
    let warning = if others.is_empty() {
        format!("{applier} applies this App: should its manifest ever set {field}, this is reverted")
    } else {
        format!(
            "{applier} applies this App, and {} has set {field}: this will be reverted, change it at its source",
            others.join(", ")
        )
    };
    vec![warning]
}

fn text(edited: &Edited) -> String {
    let Edited {
        app,
        action,
        changed,
        field,
        value,
        next,
        ..
    } = edited;
    let done = match (*changed, value) {
        (false, Value::Bool(_)) => "is suspended already, nothing was written".to_owned(),
        (false, _) => "is not suspended, nothing was written".to_owned(),
        (true, Value::Null) => format!("{action}: {field} is unset"),
        (true, Value::String(value)) => format!("{action}: {field} is {value}"),
        (true, value) => format!("{action}: {field} is {value}"),
    };
    format!("App {app} {done}\n{next}.\n")
}

#[cfg(test)]
mod tests;
