//! `kubectl empire status`: one screen, once or for as long as somebody watches.

use std::io::{IsTerminal, stdout};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use tokio::time::{MissedTickBehavior, interval};

use super::cluster::{ClusterArguments, app_name};
use super::{Ended, Failure, Output, print, terminal};
use crate::screen;

/// A screen that is watched is drawn again this often.
const TICK: Duration = Duration::from_secs(2);

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
pub(super) async fn status(arguments: &Status) -> Ended {
    let Status { name, watch, .. } = arguments;
    let cluster = arguments.cluster.connect().await?;
    let mut shown = screen::status(&cluster.facts(name).await?);
    arguments.show(&shown, None)?;
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    if !watch {
        return Ok(ExitCode::SUCCESS);
    }
    loop {
        ticks.tick().await;
        match cluster.look(name).await {
            Ok(Some(facts)) => {
                let found = screen::status(&facts);
                // Ages grow by themselves.
                if arguments.moves() || found != shown {
                    shown = found;
                    arguments.show(&shown, None)?;
                }
            }
            Ok(None) => {
                eprintln!("App {} is gone", shown.app);
                return Ok(ExitCode::SUCCESS);
            }
            Err(error) if arguments.moves() => arguments.show(&shown, Some(&error.to_string()))?,
            Err(error) => eprintln!("kubectl empire: {error}; looking again in {} s", TICK.as_secs()),
        }
    }
}

impl Status {
    /// True if each screen is drawn over the one before.
    fn moves(&self) -> bool {
        self.watch && self.output == Output::Text && stdout().is_terminal()
    }

    /// Prints a screen, and why it could not be looked at again.
    fn show(&self, shown: &screen::Status, trouble: Option<&str>) -> Result<(), Failure> {
        let (width, height) = terminal::size();
        let text = match self.output {
            Output::Json if self.watch => serde_json::to_string(shown)? + "\n",
            Output::Json => serde_json::to_string_pretty(shown)? + "\n",
            Output::Text => terminal::painted(&shown.text(Timestamp::now(), width)),
        };
        if !self.moves() {
            return Ok(print(text.as_bytes())?);
        }
        let trouble = trouble.map(|trouble| format!("As it was last seen; looking again: {trouble}"));
        let lines = trouble.as_deref().into_iter().chain(text.lines());
        let lines = lines.take(height.saturating_sub(1));
        let lines: Vec<String> = lines.map(|line| format!("{line}{END_OF_LINE}\n")).collect();
        Ok(print(
            format!("{HOME}{}{END_OF_SCREEN}", lines.concat()).as_bytes(),
        )?)
    }
}

// The cursor goes home, and what is left of the screen before is erased.
const HOME: &str = "\u{1b}[H";
const END_OF_LINE: &str = "\u{1b}[K";
const END_OF_SCREEN: &str = "\u{1b}[J";
