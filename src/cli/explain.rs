//! `kubectl empire explain`: why an App is not Ready, and what to do.

use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;

use super::cluster::ClusterArguments;
use super::{Ended, Output, print, terminal};
use crate::screen;

#[derive(Clone, Debug, Args)]
pub struct Explain {
    /// The App
    #[arg(value_name = "APP")]
    pub name: String,

    #[command(flatten)]
    pub cluster: ClusterArguments,

    /// Format of what is printed
    #[arg(short, long, value_enum, default_value = "text")]
    pub output: Output,
}

/// Prints what keeps an App from being Ready, the first cause first.
pub(super) async fn explain(arguments: &Explain) -> Ended {
    let cluster = arguments.cluster.connect().await?;
    let found = screen::explain(&cluster.facts(&arguments.name).await?);
    let text = match arguments.output {
        Output::Json => serde_json::to_string_pretty(&found)? + "\n",
        Output::Text => terminal::painted(&found.text(Timestamp::now(), terminal::width())),
    };
    print(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
