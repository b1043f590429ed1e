//! A command line that wants a shell: by its words and quotes, since `'a | b'` is one argument, and `a | b` is not.
//!
//! ECS starts the words of a command line as they are. Procfiles are written for platforms that hand each line to a
//! shell, so much of what they say would reach the program as text, or name a program that is not there.

mod line;

use std::fmt::{Display, Formatter, Result};

use line::{Piece, Word};

use crate::model::on_one_line;

/// Bytes of a command line that is looked at: more than the API takes.
const LONGEST: usize = 4 * 4_096;

/// As many signs as a message names.
const SHOWN: usize = 3;

/// Programs that take a command line after `-c`.
const SHELLS: [&str; 6] = ["sh", "bash", "dash", "ash", "ksh", "zsh"];

/// First words that are no programs.
const WORDS_OF_A_SHELL: [&str; 47] = [
    "!", ".", ":", "[[", "alias", "bg", "break", "builtin", "case", "cd", "command", "continue", "coproc",
    "declare", "eval", "exec", "exit", "export", "fg", "for", "function", "getopts", "hash", "if", "jobs",
    "let", "local", "popd", "pushd", "read", "readonly", "return", "select", "set", "shift", "shopt",
    "source", "times", "trap", "type", "typeset", "ulimit", "umask", "unset", "until", "wait", "while",
];

/// First words that begin or end what is more than one simple command.
const COMPOUND: [&str; 19] = [
    "!", "[[", "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if",
    "select", "then", "until", "while", "{", "}",
];

/// Programs that a shell has in itself: it needs nothing in its place, and the image may not have them.
const BUILT_IN: [&str; 9] = [
    "[", "echo", "false", "kill", "printf", "pwd", "test", "time", "true",
];

/// Syntax of bash that the `sh` of Debian and Alpine does not have.
const OF_BASH: [&str; 9] = [
    "[[", "coproc", "declare", "function", "let", "popd", "pushd", "shopt", "source",
];

/// Holds the signs in a command line that only a shell understands, in the order of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Needs {
    signs: Vec<String>,
    /// The first sign that not every `sh` understands.
    of_bash: Option<String>,
    /// A variable is set before the program; its value may be secret.
    sets_variables: bool,
}

/// Finds the signs of a shell in a command line, and in further words that are taken as they are.
pub(crate) fn needs(command: &str, args: &[String]) -> Option<Needs> {
    if command.len() > LONGEST {
        return None;
    }
    let pieces = line::read(command.trim())?;
    let further = args.iter().map(|arg| literal(arg));
    let mut needs = Needs {
        signs: Vec::new(),
        of_bash: None,
        sets_variables: false,
    };
    let mut command = Command::default();
    for piece in pieces.into_iter().chain(further) {
        match piece {
            Piece::Control(sign) => {
                needs.add(if sign == "\n" { "a line break" } else { sign }, sign == "|&");
                command = Command::default();
            }
            Piece::Redirection(written) => {
                let sign = written.trim_start_matches(|c: char| c.is_ascii_digit());
                needs.add(
                    written,
                    ["&>", "<<<", "<(", ">("]
                        .iter()
                        .any(|of_bash| sign.starts_with(of_bash)),
                );
            }
            Piece::Word(word) => command.take(&word, &mut needs),
        }
    }
    (!needs.signs.is_empty()).then_some(needs)
}

/// Refuses a command for a shell where an entry point is one already.
pub(crate) const TWO_SHELLS: &str = "entryPoint ends with an option that takes a command line, such as -c, and would be given the \
     word sh and not the command: leave entryPoint out, or end it before the shell, such as [\"/usr/bin/tini\", \"--\"]";

/// Returns true if the last of the words wants a command line after it: it is `-c`, or a shell's options that end so.
pub(crate) fn takes_a_line(words: &[String]) -> bool {
    let Some((last, before)) = words.split_last() else {
        return false;
    };
    let is_shell = before.iter().any(|word| is_shell(word));
    let options = last
        .strip_prefix('-')
        .and_then(|options| options.strip_suffix('c'));
    options.is_some_and(|more| more.is_empty() || is_shell && more.bytes().all(|c| c.is_ascii_alphabetic()))
}

fn is_shell(word: &str) -> bool {
    SHELLS.contains(&word.rsplit('/').next().unwrap_or(word))
}

/// A word that nobody meant a shell to read; what looks like one of Kubernetes' or Docker's variables was meant.
fn literal(word: &str) -> Piece<'_> {
    let control = ["&&", "||", "|", ";", "&"]
        .into_iter()
        .find(|control| *control == word);
    if let Some(control) = control {
        return Piece::Control(control);
    }
    if [">", ">>", "<", "2>", "2>&1"].contains(&word) {
        return Piece::Redirection(word);
    }
    let is_variable = |(at, _): &(usize, &str)| {
        let name = word[at + 1..].trim_start_matches(['{', '(']);
        name.starts_with(|c: char| c.is_ascii_uppercase())
    };
    let variables = word.match_indices('$').filter(is_variable);
    let written = |(at, _): (usize, &str)| {
        let rest = &word[at..];
        let end = rest[1..].find(|c: char| !c.is_ascii_alphanumeric() && !"_{(".contains(c));
        end.map_or(rest, |end| match &rest[end + 1..] {
            closed if closed.starts_with(['}', ')']) => &rest[..end + 2],
            _ => &rest[..=end],
        })
    };
    Piece::Word(Word {
        text: word.into(),
        expansions: variables.map(written).collect(),
        ..Word::default()
    })
}

impl Needs {
    fn add(&mut self, sign: &str, of_bash: bool) {
        let mut shown = on_one_line(sign.chars().take(40));
        if sign.chars().nth(40).is_some() {
            shown.push('…');
        }
        if of_bash && self.of_bash.is_none() {
            self.of_bash = Some(shown.clone());
        }
        if !self.signs.contains(&shown) {
            self.signs.push(shown);
        }
    }

    /// Tells that the command line may stand in a message: it is short, and holds no values of variables.
    pub(crate) fn may_be_shown(&self, line: &str) -> bool {
        !self.sets_variables && line.chars().count() <= 80
    }

    /// Says how to write it instead, in a Procfile of either format.
    pub(crate) fn advice(&self) -> String {
        let shell = if self.of_bash.is_some() { "bash" } else { "sh" };
        self.advice_of(&format!("write {shell} -c '…'"))
    }

    /// Says how to write it instead, in an App.
    pub(crate) fn advice_in_an_app(&self) -> String {
        if self.of_bash.is_some() {
            return self.advice();
        }
        self.advice_of("set shell: true")
    }

    fn advice_of(&self, how: &str) -> String {
        let leave_out = match &*self.signs {
            [sign] if sign == "exec" => "leave it out, or ",
            _ if self.sets_variables => "set variables in env, or ",
            _ => "",
        };
        format!("{leave_out}{how} to have one")
    }

    /// Names the sign that not every `sh` understands.
    pub(crate) fn of_bash(&self) -> Option<String> {
        let sign = self.of_bash.as_ref()?;
        Some(format!(
            "{sign} is of bash, and the sh of Debian and Alpine does not know it"
        ))
    }
}

impl Display for Needs {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let shown = &self.signs[..self.signs.len().min(SHOWN)];
        let more = if shown.len() < self.signs.len() {
            " and more"
        } else {
            ""
        };
        write!(
            f,
            "contains {}{more}, which only a shell understands, and none runs it",
            shown.join(", ")
        )
    }
}

/// One command of a line, as far as it has been read.
#[derive(Default)]
struct Command {
    program: bool,
    before: String,
    script: Script,
}

/// The command line that a shell is given as an argument: it replaces in there itself.
#[derive(Clone, Copy, Default, PartialEq)]
enum Script {
    #[default]
    NoShell,
    Options,
    ArgumentOfAnOption,
    Next,
}

impl Command {
    fn take(&mut self, word: &Word<'_>, needs: &mut Needs) {
        match word.sets {
            Some(name) if !self.program => {
                needs.add(&format!("{name}="), false);
                needs.sets_variables = true;
            }
            Some(_) | None => {
                if !self.program
                    && (WORDS_OF_A_SHELL.contains(&&*word.text) || COMPOUND.contains(&&*word.text))
                {
                    needs.add(&word.text, OF_BASH.contains(&&*word.text));
                }
                self.program = true;
            }
        }
        if self.script != Script::Next {
            for expansion in &word.expansions {
                needs.add(expansion, false);
            }
            let is_class_path = ["-cp", "-classpath", "--class-path"].contains(&&*self.before);
            if word.is_pattern && !is_class_path {
                needs.add(&word.text, false);
            }
        }
        self.script = self.script.after(&word.text);
        self.before.clone_from(&word.text);
    }
}

impl Script {
    fn after(self, word: &str) -> Self {
        let is_shell = is_shell(word);
        let is_option = word.starts_with(['-', '+']);
        match self {
            Script::ArgumentOfAnOption => Script::Options,
            Script::Options if is_option && !word.starts_with("--") && word.contains('c') => Script::Next,
            // Such as `-o pipefail`.
            Script::Options if is_option && word.ends_with('o') => Script::ArgumentOfAnOption,
            Script::Options if is_option => Script::Options,
            Script::NoShell | Script::Options | Script::Next if is_shell => Script::Options,
            Script::NoShell | Script::Options | Script::Next => Script::NoShell,
        }
    }
}

/// A command line in which `exec` stands before its last command, so that signals reach the program and not the shell:
/// before one simple command, after the variables that it sets, and before the last of several that follow each other.
/// Where a shell has to stay, to wait for others or to clean up, the line is as it was.
fn with_exec(command: &str) -> String {
    let place = line::read(command).and_then(|pieces| place_of_exec(&pieces));
    match place {
        Some(at) => format!("{}exec {}", &command[..at], &command[at..]),
        None => command.into(),
    }
}

fn place_of_exec(pieces: &[Piece<'_>]) -> Option<usize> {
    let mut commands: Vec<&[Piece<'_>]> = Vec::new();
    for command in pieces.split_inclusive(|piece| matches!(piece, Piece::Control(_))) {
        match command {
            [Piece::Control(_)] if commands.is_empty() => {}
            // After the last of them, nothing follows.
            [Piece::Control("\n" | ";")] => {}
            _ => commands.push(command),
        }
    }
    let stays = |piece: &Piece<'_>| match piece {
        Piece::Control(control) => !["&&", ";", "\n"].contains(control),
        Piece::Redirection(written) => written.contains("<<"),
        Piece::Word(_) => false,
    };
    let programs: Vec<Option<&Word<'_>>> = commands.iter().map(|command| program(command)).collect();
    let mut words = programs.iter().flatten();
    if pieces.iter().any(stays)
        || words.any(|word| COMPOUND.contains(&&*word.text) || word.text == "trap")
        || matches!(programs.first(), Some(Some(word)) if word.text == "exec")
    {
        return None;
    }
    let last = programs.last().copied().flatten()?;
    let is_ours = WORDS_OF_A_SHELL.contains(&&*last.text) || BUILT_IN.contains(&&*last.text);
    (!is_ours).then_some(last.at)
}

/// The first word of a command that does not set a variable.
fn program<'a, 'b>(command: &'b [Piece<'a>]) -> Option<&'b Word<'a>> {
    command.iter().find_map(|piece| match piece {
        Piece::Word(word) if word.sets.is_none() => Some(word),
        Piece::Word(_) | Piece::Control(_) | Piece::Redirection(_) => None,
    })
}

/// Returns the words that have a shell run a command line, in which further words are `$1` and so on.
pub(crate) fn run(command: &str, args: &[String]) -> Vec<String> {
    let words = ["sh".into(), "-c".into(), with_exec(command.trim())];
    let zeroth = (!args.is_empty()).then(|| "sh".into());
    words
        .into_iter()
        .chain(zeroth)
        .chain(args.iter().cloned())
        .collect()
}

/// A command line as one that starts a shell to run it, with further words as its last; `None` if these cannot follow it.
pub(crate) fn wrapped(command: &str, args: &[String]) -> Option<String> {
    let args = args.iter().map(|arg| written(arg)).collect::<Option<Vec<_>>>()?;
    if !args.is_empty() && !command.is_empty() && !can_go_on(command) {
        return None;
    }
    let lines: Vec<&str> = [command]
        .into_iter()
        .chain(args.iter().map(String::as_str))
        .collect();
    let line = with_exec(lines.join(" ").trim());
    Some(format!("sh -c '{}'", line.replace('\'', r"'\''")))
}

/// A word that nobody meant a shell to read, so that one reads just that, and the variables in it.
fn written(word: &str) -> Option<String> {
    match literal(word) {
        Piece::Control(sign) | Piece::Redirection(sign) => Some(sign.into()),
        Piece::Word(Word { expansions, .. }) if expansions.is_empty() => {
            Some(shell_words::quote(word).into())
        }
        // To a shell, `$(NAME)` is a command.
        Piece::Word(_) if word.contains("$(") => None,
        Piece::Word(_) => {
            let escaped = word.replace('\\', r"\\").replace('"', "\\\"").replace('`', "\\`");
            Some(format!("\"{escaped}\""))
        }
    }
}

/// Tells that a further word could be written after a command line.
fn can_go_on(command: &str) -> bool {
    let continued = format!("{command} ''");
    matches!(
        line::read(&continued).as_deref(),
        Some([.., Piece::Word(_) | Piece::Redirection(_), Piece::Word(word)]) if word.at == command.len() + 1
    )
}

#[cfg(test)]
mod tests;
