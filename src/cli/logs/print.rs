//! The lines of a log, as people and programs read them.

use std::io::{IsTerminal, Write, stdout};

use jiff::Timestamp;
use serde::Serialize;

use super::sources::{Query, parts};
use crate::aws::LogEvent;
use crate::cli::{Failure, Output, terminal};
use crate::screen::painted_name;

/// A line as `-o json` prints it.
#[derive(Debug, Serialize)]
struct Line<'a> {
    timestamp: Timestamp,
    process: &'a str,
    container: &'a str,
    /// The id of the task.
    task: &'a str,
    message: &'a str,
}

/// Prints to standard output.
pub(super) struct Printer {
    output: Output,
    is_terminal: bool,
}

impl Printer {
    pub(super) fn new(output: Output) -> Self {
        Printer {
            output,
            is_terminal: stdout().is_terminal(),
        }
    }

    pub(super) fn print(&self, query: &Query, event: &LogEvent) -> Result<(), Failure> {
        let text = self.text(query, event)?;
        let mut out = stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush())?;
        Ok(())
    }

    /// Returns the lines of an event, each behind who has logged it.
    fn text(&self, query: &Query, event: &LogEvent) -> Result<String, Failure> {
        let (container, task) = parts(&event.stream);
        let Some(source) = query.source_of(&event.stream) else {
            return Ok(String::new());
        };
        match self.output {
            Output::Json => {
                let line = Line {
                    timestamp: Timestamp::from_millisecond(event.timestamp).unwrap_or(Timestamp::UNIX_EPOCH),
                    process: &source.process,
                    container,
                    task,
                    message: &event.message,
                };
                Ok(serde_json::to_string(&line)? + "\n")
            }
            Output::Text => {
                let who = source.who(container, task);
                let who = terminal::painted(&painted_name(&who));
                let lines = event.message.split('\n');
                let lines = lines.map(|line| format!("{who} {}\n", self.shown(line.trim_end_matches('\r'))));
                Ok(lines.collect())
            }
        }
    }

    /// What a terminal would obey, it is shown instead: whoever can write to a log shall not write to the screen.
    fn shown(&self, line: &str) -> String {
        if !self.is_terminal {
            return line.into();
        }
        let mut shown = String::new();
        for c in line.chars() {
            if c.is_control() && c != '\t' {
                shown.extend(c.escape_default());
            } else {
                shown.push(c);
            }
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::super::sources::Source;
    use super::*;

    fn printed(output: Output, is_terminal: bool, message: &str) -> String {
        let source = Source {
            process: "web".into(),
            region: "us-east-1".into(),
            group: "/g".into(),
            streams: "web/web/".into(),
        };
        let query = Query {
            region: "us-east-1".into(),
            group: "/g".into(),
            prefix: None,
            sources: vec![source],
        };
        let event = LogEvent {
            timestamp: 1_700_000_000_500,
            id: "37".into(),
            stream: "web/web/0123456789abcdef".into(),
            message: message.into(),
        };
        let printer = Printer { output, is_terminal };
        printer.text(&query, &event).unwrap()
    }

    #[test]
    fn each_line_says_who_has_logged_it() {
        assert_eq!(
            printed(Output::Text, false, "panic\r\n  at main"),
            "web/01234567 panic\nweb/01234567   at main\n"
        );
    }

    #[test]
    fn a_terminal_obeys_nothing_that_was_logged() {
        let nasty = "a\tb\u{1b}]0;title\u{7}\u{9b}2J";
        assert_eq!(
            printed(Output::Text, true, nasty),
            "web/01234567 a\tb\\u{1b}]0;title\\u{7}\\u{9b}2J\n"
        );
        assert_eq!(
            printed(Output::Text, false, nasty),
            format!("web/01234567 {nasty}\n")
        );
    }

    #[test]
    fn json_is_one_line_whatever_was_logged() {
        assert_eq!(
            printed(Output::Json, true, "a\nb"),
            "{\"timestamp\":\"2023-11-14T22:13:20.5Z\",\"process\":\"web\",\"container\":\"web\",\"task\":\"0123456789abcdef\",\"message\":\"a\\nb\"}\n"
        );
    }
}
