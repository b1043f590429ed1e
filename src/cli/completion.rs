//! The `completion` command, and what kubectl asks for when somebody completes the words of `kubectl empire`.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;
use kube::ResourceExt;
use kube::api::ListParams;

use super::cluster::{Cluster, ClusterArguments};
use super::edit::services;
use super::plugin::Plugin;
use super::{Arguments, Ended, print};

#[derive(Clone, Debug, Args)]
pub struct Completion {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Prints a script that the shell reads.
pub(super) fn completion(arguments: &Completion) -> Ended {
    print(script(arguments.shell).as_slice())?;
    Ok(ExitCode::SUCCESS)
}

fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "empire-controller", &mut script);
    script
}

/// Completing must not keep a shell waiting for longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Prints how the last word may go on, in the form of cobra that kubectl hands to the shell
/// (<https://kubernetes.io/docs/tasks/extend-kubectl/kubectl-plugins/>): a line for each, and what the shell is to do.
pub async fn complete(words: &[String]) -> Ended {
    let mut found = completions(words);
    if found.wants_app {
        let names = tokio::time::timeout(PATIENCE, apps(words)).await;
        found.words.extend(names.unwrap_or_default());
    }
    if let Some(app) = &found.wants_count_of {
        let counts = tokio::time::timeout(PATIENCE, counts(words, app)).await;
        found.words.extend(counts.unwrap_or_default());
    }
    let last = words.last().map_or("", String::as_str);
    found.words.retain(|candidate| candidate.starts_with(last));
    let directive = match (found.wants_file, &found.wants_count_of) {
        (true, _) => FILES,
        (false, Some(_)) => NO_FILES | NO_SPACE,
        (false, None) => NO_FILES,
    };
    found.words.push(format!(":{directive}\n"));
    print(found.words.join("\n").as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// To a shell: do not complete file names instead.
const NO_FILES: u8 = 4;
/// To a shell: the word goes on.
const NO_SPACE: u8 = 2;
/// To a shell: complete file names where there are no words.
const FILES: u8 = 0;

#[derive(Debug, Default, PartialEq)]
struct Candidates {
    words: Vec<String>,
    /// The names of Apps are, too.
    wants_app: bool,
    /// The counts of this App's processes are, too.
    wants_count_of: Option<String>,
    /// A file is meant.
    wants_file: bool,
}

/// Commands, flags and their values, as far as they need no cluster.
fn completions(words: &[String]) -> Candidates {
    let mut plugin = Plugin::command();
    plugin.build();
    let (last, before) = words
        .split_last()
        .map_or(("", &[][..]), |(last, before)| (last, before));
    let at = before
        .iter()
        .position(|word| plugin.find_subcommand(word).is_some());
    let command = at.and_then(|at| plugin.find_subcommand(&before[at]));
    let scope = command.unwrap_or(&plugin);
    let valued = before.last().and_then(|word| flag(scope, word));
    if let Some(valued) = valued.filter(|argument| argument.get_action().takes_values()) {
        let possible = valued.get_possible_values();
        return Candidates {
            words: possible.iter().map(|value| value.get_name().to_owned()).collect(),
            wants_file: is_file(valued),
            ..Candidates::default()
        };
    }
    if last.starts_with('-') {
        let flags = scope.get_arguments().filter_map(|argument| {
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            Some(format!("--{}\t{help}", argument.get_long()?))
        });
        return Candidates {
            words: flags.collect(),
            ..Candidates::default()
        };
    }
    let Some(command) = command else {
        let commands = plugin.get_subcommands().map(|command| {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            format!("{}\t{about}", command.get_name())
        });
        return Candidates {
            words: commands.collect(),
            ..Candidates::default()
        };
    };
    let given = given(command, &before[at.map_or(0, |at| at + 1)..]);
    let takes = |id: &str| command.get_positionals().any(|argument| argument.get_id() == id);
    Candidates {
        words: Vec::new(),
        wants_app: takes("name") && given.is_empty(),
        wants_count_of: given
            .first()
            .filter(|_| takes("counts"))
            .map(|app| (*app).to_owned()),
        wants_file: command.get_positionals().any(is_file),
    }
}

/// Returns the words that are neither flags nor their values.
fn given<'a>(command: &Command, words: &'a [String]) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut is_value = false;
    for word in words {
        let flag = flag(command, word);
        if !is_value && flag.is_none() && !word.starts_with('-') {
            found.push(word.as_str());
        }
        is_value = !is_value && flag.is_some_and(|flag| flag.get_action().takes_values());
    }
    found
}

fn is_file(argument: &clap::Arg) -> bool {
    let mut names = argument.get_value_names().into_iter().flatten();
    names.any(|name| name == "FILE")
}

fn flag<'a>(command: &'a Command, word: &str) -> Option<&'a clap::Arg> {
    command.get_arguments().find(|argument| {
        let long = argument.get_long().map(|long| format!("--{long}"));
        let short = argument.get_short().map(|short| format!("-{short}"));
        long.as_deref() == Some(word) || short.as_deref() == Some(word)
    })
}

/// The cluster that the words are for; none if it cannot be reached.
async fn cluster(words: &[String]) -> Option<Cluster> {
    let value = |names: [&str; 2]| {
        let mut pairs = words.windows(2).filter(|pair| names.contains(&pair[0].as_str()));
        pairs.next_back().map(|pair| pair[1].clone())
    };
    let arguments = ClusterArguments {
        namespace: value(["-n", "--namespace"]),
        context: value(["--context"; 2]),
        kubeconfig: value(["--kubeconfig"; 2]).map(Into::into),
    };
    arguments.connect().await.ok()
}

/// The names of the Apps there; none where they cannot be read.
async fn apps(words: &[String]) -> Vec<String> {
    let Some(cluster) = cluster(words).await else {
        return Vec::new();
    };
    let found = cluster.apps().list_metadata(&ListParams::default()).await;
    found.map_or_else(
        |_| Vec::new(),
        |apps| apps.items.iter().map(ResourceExt::name_any).collect(),
    )
}

/// The beginnings of counts, of each process of an App that has one; none where it cannot be read.
async fn counts(words: &[String], app: &str) -> Vec<String> {
    let Some(cluster) = cluster(words).await else {
        return Vec::new();
    };
    let found = cluster.app(app).await;
    found.map_or_else(
        |_| Vec::new(),
        |app| services(&app).iter().map(|name| format!("{name}=")).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_for_each_shell_names_each_command() {
        let command = Arguments::command();
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = String::from_utf8(script(shell)).unwrap();
            for name in command.get_subcommands().map(Command::get_name) {
                assert!(script.contains(name), "{shell}: {name}");
            }
            assert!(script.contains("resync-interval"), "{shell}");
        }
    }

    #[test]
    fn kubectl_is_told_commands_flags_values_and_when_an_app_is_meant() {
        let of = |line: &str| {
            let words: Vec<String> = line.split(' ').map(ToOwned::to_owned).collect();
            completions(&words)
        };
        let commands = of("");
        for name in ["status\t", "explain\t", "plan\t", "orphans\t"] {
            assert!(
                commands.words.iter().any(|line| line.starts_with(name)),
                "{commands:?}"
            );
        }
        let flags = of("-n shop status --");
        assert!(
            flags.words.iter().any(|line| line.starts_with("--watch\t")),
            "{flags:?}"
        );
        assert_eq!(of("status -o ").words, ["text", "json"]);
        assert!(of("status ").wants_app && of("-n shop suspend a").wants_app);
        assert!(of("scale ").wants_app && !of("scale acme ").wants_app && !of("status acme ").wants_app);
        assert!(of("scale --timeout 90s -n shop --wait ").wants_app);
        for line in [
            "-n shop scale acme ",
            "scale -n shop acme web=1 wo",
            "scale --wait acme web",
        ] {
            assert_eq!(of(line).wants_count_of.as_deref(), Some("acme"), "{line}");
        }
        assert!(of("scale acme -n ").wants_count_of.is_none() && of("status acme ").wants_count_of.is_none());
        assert!(!of("orphans ").wants_app && !of("st").wants_app);
        assert!(of("plan -f ").wants_file && of("procfile ").wants_file && of("--kubeconfig ").wants_file);
        assert!(!of("status ").wants_file && !of("status -o ").wants_file && !of("").wants_file);
    }
}
