//! A Procfile that is no YAML: a command per line, as the platforms that invented it read it.
//!
//! They take all that follows `name:` for the command, and so do not mind what has a meaning in YAML: `:: `, a quote or
//! `//`. What looks as if it were meant to be YAML is left to the reader of that, and to its messages.

use std::rc::Rc;

use super::problem::{Problem, shown};
use super::words::is_continued;
use super::yaml::{Node, Scalar, Value};

/// No command begins with these, and much of YAML does.
const OF_YAML: &str = "{*&!|>@%";

/// The processes of such a text, or the lines that are none; nothing, if it is a text of another kind.
pub(super) fn read(text: &str) -> Option<Result<Rc<Node>, Vec<Problem>>> {
    let mut lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    let (mut processes, mut strays) = (Vec::new(), Vec::new());
    while let Some((index, first)) = lines.next() {
        let (at, mut line) = (index + 1, first.trim_end().to_owned());
        if line.is_empty()
            || ["#", "//"]
                .iter()
                .any(|comment| line.trim_start().starts_with(comment))
        {
            continue;
        }
        while is_continued(&line)
            && let Some((_, next)) = lines.next()
        {
            line.pop();
            line = format!("{} {}", line.trim_end(), next.trim());
        }
        if line.starts_with([' ', '\t', '-', '{', '[']) {
            return None;
        }
        if let Some((name, command)) = line.split_once(':').filter(|(name, _)| is_name(name)) {
            let command = without_comment(command).trim();
            let is_list = command.starts_with('[') && !command.starts_with("[ ");
            if is_list || command.starts_with(|c| OF_YAML.contains(c)) {
                return None;
            }
            processes.push((scalar(at, name), scalar(at, command)));
        } else {
            let message = format!(
                "`{}` is neither a process, such as `web: ./bin/web`, nor a comment, which begins with #",
                shown(&line)
            );
            strays.push(Problem::new(at, None, "", message));
        }
    }
    let (first, _) = processes.first()?;
    Some(if strays.is_empty() {
        Ok(Rc::new(Node::new(first.line, Value::Map(processes))))
    } else {
        Err(strays)
    })
}

/// As other readers of Procfiles have it, so also what no App can be called, and is refused with its name.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
}

/// Cuts a comment off: a `#` that begins a word outside of quotes, where both YAML and a shell end.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (None, '#') if before.is_whitespace() => return &line[..at],
            (None, '\'' | '"') if before != '\\' => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
        before = c;
    }
    line
}

/// A text that is no number, truth value or null, whatever it is.
fn scalar(line: usize, text: &str) -> Rc<Node> {
    let scalar = Scalar {
        text: text.into(),
        plain: false,
        continued: 0,
    };
    Rc::new(Node::new(line, Value::Scalar(scalar)))
}
