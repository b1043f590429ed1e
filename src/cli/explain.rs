//! `kubectl empire explain`: why an App is not Ready, and what to do.

use std::process::ExitCode;

use jiff::Timestamp;

use super::cluster::OneApp;
use super::{Ended, Output, print, terminal};
use crate::screen;

/// Prints what keeps an App from being Ready, the first cause first.
pub(super) async fn explain(arguments: &OneApp) -> Ended {
    let cluster = arguments.cluster.connect().await?;
    let found = screen::explain(&cluster.facts(&arguments.name).await?);
    let text = match arguments.output {
        Output::Json => serde_json::to_string_pretty(&found)? + "\n",
        Output::Text => terminal::painted(&found.text(Timestamp::now(), terminal::width())),
    };
    print(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
