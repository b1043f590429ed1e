//! `kubectl empire status`: one screen, once or for as long as somebody watches.

use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;

use super::cluster::{ClusterArguments, app_name};
use super::follow::{Follower, Shown};
use super::{Ended, Output, print, terminal};
use crate::screen;

#[derive(Clone, Debug, Args)]
pub struct Status {
    /// The App
    #[arg(value_name = "APP", value_parser = app_name)]
    pub name: String,

    #[command(flatten)]
    pub cluster: ClusterArguments,

    /// Format of what is printed; with --watch, json is one line for each change
    #[arg(short, long, value_enum, default_value = "text")]
    pub output: Output,

    /// Go on until the App is gone
    #[arg(short, long)]
    pub watch: bool,
}

/// Prints the status of an App.
pub(super) async fn status(arguments: &Status, program: &str) -> Ended {
    let cluster = arguments.cluster.connect().await?;
    let facts = cluster.facts(&arguments.name).await?;
    if arguments.watch {
        let shown = match arguments.output {
            Output::Json => Shown::Lines,
            Output::Text => Shown::Screens,
        };
        let mut follower = Follower::new(&cluster, &arguments.name, program, shown);
        let is_gone = |facts: Option<&screen::Facts>| facts.is_none().then_some(());
        follower.until(Some(facts), is_gone).await?;
        eprintln!("App {}/{} is gone", cluster.namespace, arguments.name);
        return Ok(ExitCode::SUCCESS);
    }
    let found = screen::status(&facts);
    let text = match arguments.output {
        Output::Json => serde_json::to_string_pretty(&found)? + "\n",
        Output::Text => terminal::painted(&found.text(Timestamp::now(), terminal::width())),
    };
    print(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
