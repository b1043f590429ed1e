//! Text in columns and colours. Widths are counted in characters, before colours are added.

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;

/// The columns of the terminal; `None` where there is none, and nothing is cut or broken into lines.
pub type Width = Option<usize>;

pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default();
pub(super) const BUSY: Style = AnsiColor::Yellow.on_default();
pub(super) const STRONG: Style = Style::new().bold();
pub(super) const FAINT: Style = Style::new().dimmed();
pub(super) const PLAIN: Style = Style::new();

pub(super) fn paint(style: Style, text: &str) -> String {
    if style == PLAIN || text.is_empty() {
        return text.to_owned();
    }
    format!("{style}{text}{style:#}")
}

/// Returns a name in a colour that tells it from most others.
pub fn painted_name(name: &str) -> String {
    const COLOURS: [AnsiColor; 6] = [
        AnsiColor::Cyan,
        AnsiColor::Yellow,
        AnsiColor::Green,
        AnsiColor::Magenta,
        AnsiColor::Blue,
        AnsiColor::Red,
    ];
    let sum = name.bytes().map(usize::from).sum::<usize>();
    paint(COLOURS[sum % COLOURS.len()].on_default(), name)
}

fn columns(text: &str) -> usize {
    text.chars().count()
}

/// Time that has passed, in its largest unit or two, as kubectl prints ages.
pub(super) fn age(since: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(since.as_second()).max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 if seconds % 60 != 0 => format!("{minutes}m{}s", seconds % 60),
        120..7_200 => format!("{minutes}m"),
        7_200..28_800 if minutes % 60 != 0 => format!("{hours}h{}m", minutes % 60),
        7_200..172_800 => format!("{hours}h"),
        _ => format!("{days}d"),
    }
}

/// A cell of a table.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub style: Style,
    pub text: String,
}

pub(super) fn cell(style: Style, text: impl Into<String>) -> Cell {
    Cell {
        style,
        text: text.into(),
    }
}

/// Lines in which each column is as wide as its widest cell, cut at the width.
pub(super) fn table(rows: &[Vec<Cell>], width: Width) -> Vec<String> {
    let count = rows.iter().map(Vec::len).max().unwrap_or_default();
    let widest = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| columns(&cell.text)).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..count).map(widest).collect();
    let line = |row: &Vec<Cell>| {
        let mut line = String::new();
        let mut used = 0;
        for (index, Cell { style, text }) in row.iter().enumerate() {
            let left = width.map(|width| width.saturating_sub(used));
            let is_last = row[index + 1..].iter().all(|cell| cell.text.is_empty());
            if left == Some(0) || (is_last && text.is_empty()) {
                break;
            }
            let shown = cut(text, left);
            line.push_str(&paint(*style, &shown));
            if is_last {
                break;
            }
            line.push_str(&" ".repeat(widths[index] + GAP - columns(&shown).min(widths[index])));
            used += widths[index] + GAP;
        }
        // What had no room left its padding.
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

const GAP: usize = 3;

/// The text, or as much of it as there is room for and `…`.
fn cut(text: &str, width: Width) -> String {
    match width {
        Some(width) if columns(text) > width => {
            let mut shorter: String = text.chars().take(width.saturating_sub(1)).collect();
            shorter.push('…');
            shorter
        }
        Some(_) | None => text.to_owned(),
    }
}

/// The narrowest column into which text is still broken.
const NARROW: usize = 20;

/// Breaks text between words, each line after so many spaces; a word that is too long at its end of the room.
pub(super) fn wrap(text: &str, indent: usize, width: Width) -> Vec<String> {
    let room = width.map_or(usize::MAX, |width| width.saturating_sub(indent).max(NARROW));
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace().flat_map(|word| pieces(word, room)) {
        if !line.is_empty() && columns(&line) + 1 + columns(&word) > room {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    lines.push(line);
    let margin = " ".repeat(indent);
    lines.iter().map(|line| format!("{margin}{line}")).collect()
}

/// Parts beside each other in their styles; broken into lines, without any, where there is no room.
pub(super) fn headline(parts: &[(Style, &str)], width: Width) -> Vec<String> {
    let plain: String = parts.iter().map(|(_, text)| *text).collect();
    if width.is_some_and(|width| columns(&plain) > width) {
        return wrap(&plain, 0, width);
    }
    vec![parts.iter().map(|(style, text)| paint(*style, text)).collect()]
}

/// A word in pieces for which there is room.
fn pieces(word: &str, room: usize) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    letters.chunks(room).map(|piece| piece.iter().collect()).collect()
}

/// A bar that fills up as the part becomes the whole; empty of nothing.
pub(super) fn bar(part: i32, whole: i32, width: usize) -> String {
    let part = usize::try_from(part).unwrap_or_default();
    let whole = usize::try_from(whole).unwrap_or_default();
    let full = (part.min(whole) * width).checked_div(whole).unwrap_or_default();
    format!("[{}{}]", "#".repeat(full), "-".repeat(width - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_as_kubectl_prints_it() {
        let now: Timestamp = "2026-11-29T12:00:00Z".parse().unwrap();
        let check = |seconds: i64, expected: &str| {
            let since = Timestamp::from_second(now.as_second() - seconds).unwrap();
            assert_eq!(age(since, now), expected);
        };
        check(-5, "0s");
        check(119, "119s");
        check(120, "2m");
        check(150, "2m30s");
        check(3_600, "60m");
        check(7_200, "2h");
        check(9_000, "2h30m");
        check(90_000, "25h");
        check(200_000, "2d");
    }

    #[test]
    fn a_bar_is_full_only_at_the_end() {
        assert_eq!(bar(0, 3, 10), "[----------]");
        assert_eq!(bar(2, 3, 10), "[######----]");
        assert_eq!(bar(99, 100, 10), "[#########-]");
        assert_eq!(bar(3, 3, 10), "[##########]");
        assert_eq!(bar(5, 3, 10), "[##########]");
        assert_eq!(bar(0, 0, 4), "[----]");
        assert_eq!(bar(-1, 3, 4), "[----]");
    }

    #[test]
    fn text_is_broken_between_words_and_cut_where_there_is_one_line() {
        assert_eq!(wrap("one two three", 2, Some(0)), ["  one two three"]);
        let lines = wrap("a load balancer takes its time to come up", 2, Some(24));
        assert_eq!(lines, ["  a load balancer takes", "  its time to come up"]);
        assert_eq!(wrap("as it is", 0, None), ["as it is"]);
        let lines = wrap("at e-acme-web-8mjrg57n9s8j-1.us-east-1", 2, Some(22));
        assert_eq!(lines, ["  at", "  e-acme-web-8mjrg57n9", "  s8j-1.us-east-1"]);
        let rows = [
            vec![cell(STRONG, "a"), cell(PLAIN, "b"), cell(PLAIN, "a long end")],
            vec![cell(PLAIN, "longer"), cell(PLAIN, "")],
        ];
        let lines = table(&rows, Some(15)).join("\n");
        let bare = anstream::adapter::strip_str(&lines).to_string();
        assert_eq!(bare, "a        b   a…\nlonger");
        assert!(lines.starts_with("\u{1b}[1ma\u{1b}[0m"), "{lines:?}");
    }
}
