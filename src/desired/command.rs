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

impl Builder<'_> {
    /// Returns the words that ECS starts in place of the image's own; none, if those are to run.
    pub(super) fn command(
        &self,
        environment: &Environment,
        secrets: &SmallMap<String, String>,
    ) -> Result<Vec<String>, Error> {
        let Some(line) = &self.process.command else {
            return match &*self.process.args {
                [] => Ok(Vec::new()),
                _ => Err(self.invalid("args", "need a command before them")),
            };
        };
        if self.process.shell == Some(true) {
            return Ok(shell::run(line, &self.process.args));
        }
        let command = shell_words::split(line)
            .map_err(|error| self.invalid("command", &format!("cannot be split like a shell: {error}")))?;
        if command.is_empty() {
            return Err(self.invalid("command", "is empty"));
        }
        let fields = [("command", &command), ("args", &self.process.args)];
        let words = fields
            .iter()
            .flat_map(|(field, words)| words.iter().map(move |word| (field, word)));
        if !replaces(self.app) {
            return Ok(words.map(|(_, word)| word.clone()).collect());
        }
        let replace = |(field, word): (&&str, &String)| {
            replaced(word, OPENS, |name| {
                if secrets.contains_key(name) {
                    let why = format!(
                        "$({name}) names a secret, whose value would be in the task definition for all to read: have the program read \
                         {name} from its environment, or write $$({name}) for this text"
                    );
                    return Err(self.invalid(field, &why));
                }
                Ok(environment.0.get(name).cloned())
            })
        };
        words.map(replace).collect()
    }

    /// Says what is wrong with a command that seems to want a shell.
    pub(super) fn hint(&self, environment: &Environment) -> Option<String> {
        let (command, args) = (self.process.command.as_deref()?, &self.process.args);
        if self.process.shell == Some(true) {
            let needs = shell::needs(command, args)?;
            return needs.of_bash().map(|of_bash| format!("command: {of_bash}"));
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
