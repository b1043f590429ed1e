//! An App that is looked at again and again: by `status --watch`, and by the commands that `--wait`.

use std::io::{IsTerminal, stdout};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{MissedTickBehavior, interval};

use super::cluster::Cluster;
use super::{Failure, print, terminal};
use crate::screen::{self, Facts};

/// It is looked at this often.
const TICK: Duration = Duration::from_secs(2);

/// The form in which standard output gets each change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// One screen, on a terminal drawn over the one before.
    Screens,
    /// A line of JSON.
    Lines,
    Nothing,
}

pub(super) struct Follower<'a> {
    cluster: &'a Cluster,
    name: &'a str,
    program: &'a str,
    shown: Shown,
    /// The status as it was last seen.
    last: Option<screen::Status>,
}

impl<'a> Follower<'a> {
    pub(super) fn new(cluster: &'a Cluster, name: &'a str, program: &'a str, shown: Shown) -> Self {
        Follower {
            cluster,
            name,
            program,
            shown,
            last: None,
        }
    }

    /// The status as it was last seen.
    pub(super) fn last(&self) -> Option<&screen::Status> {
        self.last.as_ref()
    }

    /// Shows each change until `end` says that it is over, which gets `None` once the App is gone. Begins with `first`, where it is
    /// known already. An error of the API server is said, and is no end.
    pub(super) async fn until<T>(
        &mut self,
        mut first: Option<Facts>,
        end: impl Fn(Option<&Facts>) -> Option<T>,
    ) -> Result<T, Failure> {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let looked = match first.take() {
                Some(facts) => Ok(Some(facts)),
                None => self.cluster.look(self.name).await,
            };
            match looked {
                Ok(found) => {
                    if let Some(facts) = &found {
                        self.show(screen::status(facts))?;
                    }
                    if let Some(end) = end(found.as_ref()) {
                        return Ok(end);
                    }
                }
                Err(error) => self.trouble(&error.to_string())?,
            }
        }
    }

    /// True if each screen is drawn over the one before.
    fn moves(&self) -> bool {
        self.shown == Shown::Screens && stdout().is_terminal()
    }

    fn show(&mut self, found: screen::Status) -> Result<(), Failure> {
        // Ages grow by themselves.
        if self.moves() {
            draw(&found, None)?;
        } else if self.last.as_ref() != Some(&found) {
            match self.shown {
                Shown::Screens => print(terminal::painted(&found.text(Timestamp::now(), None)).as_bytes())?,
                Shown::Lines => print((serde_json::to_string(&found)? + "\n").as_bytes())?,
                Shown::Nothing => {}
            }
        }
        self.last = Some(found);
        Ok(())
    }

    fn trouble(&self, trouble: &str) -> Result<(), Failure> {
        match &self.last {
            Some(last) if self.moves() => draw(last, Some(trouble)),
            Some(_) | None => {
                eprintln!(
                    "{}: {trouble}; looking again in {} s",
                    self.program,
                    TICK.as_secs()
                );
                Ok(())
            }
        }
    }
}

/// Draws a screen over the one before, and why it could not be looked at again.
fn draw(shown: &screen::Status, trouble: Option<&str>) -> Result<(), Failure> {
    let (width, height) = terminal::size();
    let text = terminal::painted(&shown.text(Timestamp::now(), width));
    let trouble = trouble.map(|trouble| format!("As it was last seen; looking again: {trouble}"));
    let lines = trouble.as_deref().into_iter().chain(text.lines());
    let lines = lines.take(height.saturating_sub(1));
    let lines: Vec<String> = lines.map(|line| format!("{line}{END_OF_LINE}\n")).collect();
    Ok(print(
        format!("{HOME}{}{END_OF_SCREEN}", lines.concat()).as_bytes(),
    )?)
}

// The cursor goes home, and what is left of the screen before is erased.
const HOME: &str = "\u{1b}[H";
const END_OF_LINE: &str = "\u{1b}[K";
const END_OF_SCREEN: &str = "\u{1b}[J";
