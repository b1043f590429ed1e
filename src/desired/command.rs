//! The words that ECS starts in place of an image's own command.
//!
//! Without a shell, `$(NAME)` in a word is a variable of the process. Kubernetes writes it so, too
//! (<https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/>), but takes `$$`
//! for `$` wherever it stands, which would change `kill $$`: here only `$$(` is another way to write `$(`.

use super::{Builder, shell};
use crate::api::app::{App, Process};
use crate::error::Error;
use crate::model::container::Environment;
use crate::model::small_map::SmallMap;

const OPENS: &str = "$(";
/// Refuses `args` that follow nothing.
pub(crate) const NOTHING_BEFORE_ARGS: &str =
    "need a command or an entryPoint before them: ECS cannot add words to the image's own command";

/// Returns true if `$(NAME)` in the commands of an App is a variable. An App that was stored when it was plain text keeps its
/// text until its spec is edited, so that an upgrade of the controller replaces no task.
fn replaces(app: &App) -> bool {
    let is_as_stored = |generation: i64| {
        // A deletion makes a generation, too.
        Some(generation) == app.metadata.generation || app.metadata.deletion_timestamp.is_some()
    };
    app.status.as_ref().is_none_or(|status| {
        status.replaces_variables == Some(true) || !is_as_stored(status.observed_generation)
    })
}

/// Returns what the status of an App remembers of that: nothing, unless a command of it has `$(` in it.
pub fn replaces_variables(app: &App) -> Option<bool> {
    let is_meant = |process: &Process| {
        let mut words = process.command.iter().chain(&process.args);
        process.shell != Some(true) && words.any(|word| word.contains(OPENS))
    };
    let is_seen = app.spec.processes.values().any(is_meant);
    (is_seen && replaces(app)).then_some(true)
}

/// A text with what `variable` returns in place of each `$(NAME)`, and as it is where that returns `None`; and with `literal`
/// in place of each `$$(`.
fn replaced<E>(
    text: &str,
    literal: &str,
    mut variable: impl FnMut(&str) -> Result<Option<String>, E>,
) -> Result<String, E> {
    let (mut done, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(OPENS) {
        let (before, opened) = rest.split_at(at);
        let after = &opened[OPENS.len()..];
        if let Some(before) = before.strip_suffix('$') {
            done += before;
            done += literal;
            rest = after;
            continue;
        }
        done += before;
        let name = after.split_once(')').map(|(name, _)| name);
        let value = name.map_or(Ok(None), &mut variable)?;
        if let (Some(name), Some(value)) = (name, value) {
            done += &value;
            rest = &after[name.len() + 1..];
        } else {
            done += OPENS;
            rest = after;
        }
    }
    Ok(done + rest)
}

/// The variables of a container, which `$(NAME)` in its words stands for.
#[derive(Clone, Copy)]
pub(super) struct Variables<'a> {
    pub environment: &'a Environment,
    pub secrets: &'a SmallMap<String, String>,
}

impl Builder<'_> {
    /// Returns the words that ECS starts in place of the image's own; none, if those are to run.
    pub(super) fn command(&self, variables: Variables<'_>) -> Result<Vec<String>, Error> {
        let (line, args) = (self.process.command.as_ref(), &*self.process.args);
        match line {
            Some(line) if self.process.shell == Some(true) => {
                if shell::takes_a_line(&self.process.entry_point) {
                    return Err(self.invalid("shell", shell::TWO_SHELLS));
                }
                Ok(shell::run(line, args))
            }
            Some(_) | None => {
                let variables = replaces(self.app).then_some(variables);
                self.line("", line, args, &self.process.entry_point, variables)
            }
        }
    }

    /// Returns the words of a container's command line, with the further words that are given. These are added to no image's
    /// own command, which ECS does not run with an entry point. The fields of a sidecar have its path for a prefix. Without
    /// variables, the words are as they are written.
    pub(super) fn line(
        &self,
        prefix: &str,
        line: Option<&String>,
        args: &[String],
        entry_point: &[String],
        variables: Option<Variables<'_>>,
    ) -> Result<Vec<String>, Error> {
        let field = format!("{prefix}args");
        let mut words = match line {
            Some(line) => self.words(&format!("{prefix}command"), line, variables)?,
            None if entry_point.is_empty() && !args.is_empty() => {
                return Err(self.invalid(&field, NOTHING_BEFORE_ARGS));
            }
            None => Vec::new(),
        };
        words.extend(self.with_values(&field, args.to_vec(), variables)?);
        Ok(words)
    }

    /// Splits a line into words like a shell does.
    pub(super) fn words(
        &self,
        field: &str,
        line: &str,
        variables: Option<Variables<'_>>,
    ) -> Result<Vec<String>, Error> {
        let words = shell_words::split(line)
            .map_err(|error| self.invalid(field, &format!("cannot be split like a shell: {error}")))?;
        if words.is_empty() {
            return Err(self.invalid(field, "is empty"));
        }
        self.with_values(field, words, variables)
    }

    fn with_values(
        &self,
        field: &str,
        words: Vec<String>,
        variables: Option<Variables<'_>>,
    ) -> Result<Vec<String>, Error> {
        let Some(Variables { environment, secrets }) = variables else {
            return Ok(words);
        };
        let value = |name: &str| {
            if secrets.contains_key(name) {
                let why = format!(
                    "$({name}) names a secret, whose value would be in the task definition for all to read: have the program read \
                     {name} from its environment, or write $$({name}) for this text"
                );
                return Err(self.invalid(field, &why));
            }
            Ok(environment.0.get(name).cloned())
        };
        words.iter().map(|word| replaced(word, OPENS, value)).collect()
    }

    /// Says what is wrong with a command that seems to want a shell.
    pub(super) fn hint(&self, environment: &Environment) -> Option<String> {
        let (command, args) = (self.process.command.as_deref()?, &self.process.args);
        if self.process.shell == Some(true) {
            let needs = shell::needs(command, args)?;
            return needs.of_bash().map(|of_bash| format!("command: {of_bash}"));
        }
        if shell::takes_a_line(&self.process.entry_point) {
            let words = shell_words::split(command).ok()?;
            return (words.len() > 1).then(|| {
                "entryPoint ends with -c, and runs the first word of the command alone: leave it out, and set shell: true".into()
            });
        }
        // A variable that we replace needs no shell, whatever its value is.
        let plain = |word: &str| {
            let known = |name: &str| Ok(environment.0.get(name).map(|_| "x".into()));
            replaced(word, "x(", known).unwrap_or_else(|never: std::convert::Infallible| match never {})
        };
        let needs = if replaces(self.app) {
            let args: Vec<String> = args.iter().map(|arg| plain(arg)).collect();
            shell::needs(&plain(command), &args)?
        } else {
            shell::needs(command, args)?
        };
        Some(format!("command {needs}: {}", needs.advice_in_an_app()))
    }
}

#[cfg(test)]
mod tests;
