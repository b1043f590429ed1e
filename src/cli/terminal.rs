//! The terminal: whether there is one, how large it is, and whether it shows colours.

use std::io::{IsTerminal, stdout};

use anstream::adapter::strip_str;

use crate::screen::Width;

/// Lines, where nobody says how many there are.
const LINES: usize = 24;

/// The columns of standard output, if it is a terminal.
pub(super) fn width() -> Width {
    size().0
}

/// Columns, if standard output is a terminal, and lines.
pub(super) fn size() -> (Width, usize) {
    if !stdout().is_terminal() {
        return (None, LINES);
    }
    match terminal_size::terminal_size() {
        Some((columns, lines)) => (Some(columns.0.into()), lines.0.into()),
        None => (Some(80), LINES),
    }
}

/// The text with its colours, if they are to be seen: on a terminal, and never with `NO_COLOR`
/// (<https://no-color.org>).
pub(super) fn painted(text: &str) -> String {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let is_dumb = set("TERM").is_none_or(|term| term == "dumb");
    if stdout().is_terminal() && !is_dumb && set("NO_COLOR").is_none() {
        text.to_owned()
    } else {
        strip_str(text).to_string()
    }
}
