//! Problems and warnings, and the places in the text that they are about.

use std::collections::BTreeMap;
use std::fmt::{Display, Formatter, Result};

use crate::model::on_one_line;

/// The characters of a name that a message shows; a name that is longer is wrong anyway.
const SHOWN: usize = 80;

/// A part of a Procfile that cannot be carried over, or that does something else here than elsewhere. It never holds values
/// of environment variables, since they may be secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// From 1; of what an alias stands for, not of the alias. 0: the text as a whole.
    pub line: usize,
    pub process: Option<String>,
    /// From the process on, such as `expose.check.timeout`; empty for the process as a whole.
    pub key: String,
    pub message: String,
}

impl Problem {
    pub(super) fn new(line: usize, process: Option<&str>, key: &str, message: impl Into<String>) -> Self {
        Self {
            line,
            process: process.map(shown),
            key: key.into(),
            message: message.into(),
        }
    }
}

impl Display for Problem {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        if let Some(process) = &self.process {
            write!(f, "process {process}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// Holds everything found in a text.
#[derive(Default)]
pub(super) struct Found {
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
}

impl Found {
    /// Each thing once, in the order of the text.
    pub(super) fn in_order(mut self) -> Self {
        self.problems.sort();
        self.problems.dedup();
        self.warnings.sort();
        self.warnings.dedup();
        // Of the text as a whole: after what it is a remark on.
        let whole = self.warnings.partition_point(|warning| warning.line == 0);
        self.warnings.rotate_left(whole);
        self
    }
}

/// Ends a message that says what a value must be with the value that it is.
pub(super) fn but(value: &str) -> String {
    format!(", not \"{}\"", shown(value))
}

/// A name on one line of reasonable length.
pub(super) fn shown(name: &str) -> String {
    let mut shown = on_one_line(name.chars().take(SHOWN));
    if name.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// A place in the text of a process, and in the `Process` that is made of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Path {
    /// As the user spelt it, such as `environment.RAILS_ENV`.
    pub(super) source: String,
    /// As the API spells it, such as `env.RAILS_ENV`.
    pub(super) target: String,
}

impl Path {
    /// Returns the path of an entry below, by a name that both have.
    pub(super) fn key(&self, name: &str) -> Self {
        self.spelt(name, name)
    }

    /// Returns the path of an entry below, by the user's name and the API's.
    pub(super) fn spelt(&self, source: &str, target: &str) -> Self {
        let join = |path: &str, name: &str| match path {
            "" => shown(name),
            path => format!("{path}.{}", shown(name)),
        };
        Self {
            source: join(&self.source, source),
            target: join(&self.target, target),
        }
    }

    /// Returns true if the value there may be secret, and is not to be shown.
    pub(super) fn is_secret(&self) -> bool {
        let field = self.target.split(['.', '[']).next();
        ["env", "secrets", "command", "args"]
            .iter()
            .any(|secret| field == Some(secret))
    }

    /// An item of a list.
    pub(super) fn item(&self, index: usize) -> Self {
        Self {
            source: format!("{}[{index}]", self.source),
            target: format!("{}[{index}]", self.target),
        }
    }

    /// The same place in the text, as something else in the API.
    pub(super) fn as_target(&self, target: &str) -> Self {
        Self {
            source: self.source.clone(),
            target: target.into(),
        }
    }
}

/// Collects what is found in the text of one process, and where its fields come from.
pub(super) struct Report<'a> {
    process: &'a str,
    found: &'a mut Found,
    /// The number of problems before this process.
    before: usize,
    /// By target: the line and the source.
    places: BTreeMap<String, (usize, String)>,
}

impl<'a> Report<'a> {
    /// Returns the report of a process that begins on a line.
    pub(super) fn new(process: &'a str, line: usize, found: &'a mut Found) -> Self {
        Self {
            process,
            before: found.problems.len(),
            found,
            places: BTreeMap::from([(String::new(), (line, String::new()))]),
        }
    }

    pub(super) fn is_clean(&self) -> bool {
        self.found.problems.len() == self.before
    }

    /// Remembers where a field comes from.
    pub(super) fn place(&mut self, path: &Path, line: usize) {
        self.places
            .insert(path.target.clone(), (line, path.source.clone()));
    }

    /// Adds a problem in the text.
    pub(super) fn at(&mut self, path: &Path, line: usize, message: impl Into<String>) {
        let problem = Problem::new(line, Some(self.process), &path.source, message);
        self.found.problems.push(problem);
    }

    /// Adds a warning about a place that is known.
    pub(super) fn warn(&mut self, path: &Path, message: &str) {
        let line = self.places.get(&path.target).or_else(|| self.places.get(""));
        let line = line.map_or(0, |(line, _)| *line);
        let warning = Problem::new(line, Some(self.process), &path.source, message);
        self.found.warnings.push(warning);
    }

    /// Adds a warning about the text as a whole.
    pub(super) fn warn_of_all(&mut self, message: &str) {
        self.found.warnings.push(Problem::new(0, None, "", message));
    }

    /// Adds a problem with a field of the API, at the place that it comes from, or that of the field around it.
    pub(super) fn of(&mut self, target: &str, message: impl Into<String>) {
        let mut known = target;
        loop {
            if let Some((line, source)) = self.places.get(known) {
                let rest = &target[known.len()..];
                let rest = if source.is_empty() {
                    rest.trim_start_matches('.')
                } else {
                    rest
                };
                let key = format!("{source}{rest}");
                let problem = Problem::new(*line, Some(self.process), &key, message);
                return self.found.problems.push(problem);
            }
            known = &known[..known.rfind(['.', '[']).unwrap_or(0)];
        }
    }
}
