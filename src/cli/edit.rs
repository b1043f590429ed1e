//! `kubectl empire scale`, `redeploy`, `suspend` and `resume`: a few fields of an App, set as anybody could by hand.
//!
//! A merge patch of those fields alone, for the App as it was read: what another has written meanwhile is read first. Its
//! field manager is not called kubectl-something, since Flux takes fields that such managers own out again
//! (<https://fluxcd.io/flux/components/kustomize/kustomizations/#controlling-the-apply-behavior-of-resources>).

mod counts;
mod decide;
mod managers;
mod outcome;

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, timeout};

pub(super) use self::counts::Count;
pub(super) use self::decide::{Action, services};
use self::decide::{Edited, Hints};
use self::outcome::{Goal, Outcome};
use super::cluster::OneApp;
use super::follow::{Follower, Shown};
use super::{Ended, Failure, Output, print};
use crate::api::app::App;
use crate::config::duration;
use crate::controller::message_of;
use crate::screen::Facts;

const MANAGER: &str = "empire-plugin";

/// An App that others write all the time is read again this often. The controller writes its status every few seconds at
/// the most.
const ATTEMPTS: usize = 5;

#[derive(Clone, Debug, Args)]
pub struct Edit {
    #[command(flatten)]
    pub app: OneApp,

    /// Follow the App until it is Ready; exit status 1 if it is Stalled instead
    #[arg(long)]
    pub wait: bool,

    /// How long to wait: such as 90s or 1h
    #[arg(long, requires = "wait", value_name = "DURATION", default_value = "30m", value_parser = duration)]
    pub timeout: Duration,
}

#[derive(Clone, Debug, Args)]
pub struct Scale {
    #[command(flatten)]
    pub edit: Edit,

    /// The number of tasks that a process is to have, such as web=3
    #[arg(value_name = "PROCESS=N", required = true, value_parser = counts::count)]
    pub counts: Vec<Count>,
}

/// An edit as JSON.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    edited: &'a Edited,
    /// What `--wait` has seen; `null` without it.
    outcome: Option<&'a Outcome>,
}

impl Told<'_> {
    fn json(&self) -> Result<String, Failure> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

/// Sets the fields, prints what follows, and waits for it if that is asked for.
pub(super) async fn edit(action: Action, arguments: &Edit, program: &str) -> Ended {
    let OneApp {
        name,
        cluster,
        output,
    } = &arguments.app;
    let cluster = cluster.connect().await?;
    let hints = Hints {
        program,
        waits: arguments.wait,
    };
    let apps = cluster.apps();
    let parameters = PatchParams {
        field_manager: Some(MANAGER.into()),
        ..PatchParams::default()
    };
    let read = async || cluster.app(name).await;
    let send = async |patch: &Value| apps.patch(name, &parameters, &Patch::Merge(patch)).await;
    let (edited, app) = write(&action, hints, read, send).await?;
    for warning in &edited.warnings {
        eprintln!("{program}: warning: {warning}");
    }
    if *output == Output::Text {
        print(edited.text().as_bytes())?;
    }
    let outcome = if arguments.wait {
        let shown = match output {
            Output::Text => Shown::Screens,
            Output::Json => Shown::Nothing,
        };
        let follower = Follower::new(&cluster, name, program, shown);
        Some(wait(follower, Goal::of(&action, &app), arguments.timeout).await?)
    } else {
        None
    };
    if *output == Output::Json {
        let told = Told {
            edited: &edited,
            outcome: outcome.as_ref(),
        };
        print(told.json()?.as_bytes())?;
    }
    let Some(outcome) = outcome else {
        return Ok(ExitCode::SUCCESS);
    };
    let end = outcome.text(&edited.app);
    if !outcome.reached {
        return Err(end.into());
    }
    if *output == Output::Text {
        print(format!("{end}\n").as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Decides by the App as it is read, and writes; from the beginning where another has written it in between. Returns the App
/// as it is then.
async fn write(
    action: &Action,
    hints: Hints<'_>,
    mut read: impl AsyncFnMut() -> Result<App, Failure>,
    mut send: impl AsyncFnMut(&Value) -> Result<App, kube::Error>,
) -> Result<(Edited, App), Failure> {
    let mut named = String::new();
    for _ in 0..ATTEMPTS {
        let app = read().await?;
        let edited = action.edited(&app, Timestamp::now(), hints)?;
        if !edited.changed {
            return Ok((edited, app));
        }
        match send(&edited.patch).await {
            Ok(app) => return Ok((edited, app)),
            Err(kube::Error::Api(status)) if status.code == CONFLICT => named = edited.app,
            Err(error) => {
                let message = message_of(&error);
                let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
                return Err(format!("{} App {}: {message}", edited.action, edited.app).into());
            }
        }
    }
    let verb = action.verb();
    Err(format!(
        "{verb} App {named}: others have written it each of {ATTEMPTS} times before this could; nothing is changed, try again"
    )
    .into())
}

const CONFLICT: u16 = 409;

async fn wait(mut follower: Follower<'_>, goal: Goal, patience: Duration) -> Result<Outcome, Failure> {
    let started = Instant::now();
    let end = |facts: Option<&Facts>| goal.outcome(facts.map(|facts| &facts.app), started.elapsed());
    let ended = timeout(patience, follower.until(None, end)).await;
    ended.unwrap_or_else(|_| Ok(Outcome::timed_out(follower.last(), patience)))
}

#[cfg(test)]
mod tests;
