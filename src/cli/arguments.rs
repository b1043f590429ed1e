//! The program that was asked for, by the name it was called, and its arguments.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::{CommandFactory, Parser, Subcommand};

use super::Ended;
use super::commands::{AppCommand, Called};
use super::completion::{Completion, completion};
use super::crds::crds;
use super::man::{Manual, man};
use super::plugin::Plugin;
use crate::config::Config;

/// Runs apps described as an extended Procfile on Amazon ECS.
#[derive(Debug, Parser)]
#[command(name = "empire-controller", version, disable_help_subcommand = true)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Reconcile Apps until stopped
    Run(Config),
    #[command(flatten)]
    Print(Print),
}

/// The commands that end.
#[derive(Debug, Subcommand)]
pub enum Print {
    /// Print the custom resource definitions, and the policy that protects them
    Crds,
    #[command(flatten)]
    App(AppCommand),
    /// Print a script by which a shell completes the words of this program
    Completion(Completion),
    /// Print a page of the manual, for `man -l -`
    Man(Manual),
}

impl Print {
    /// Does it, and ends.
    pub async fn execute(self, program: &'static str) -> Ended {
        match self {
            Print::Crds => crds(),
            Print::App(command) => {
                let called = Called {
                    program,
                    namespace: None,
                };
                command.execute(called).await
            }
            Print::Completion(arguments) => completion(&arguments),
            Print::Man(arguments) => man(&arguments, Arguments::command()),
        }
    }
}

/// The program, by the name that it was called.
#[derive(Debug)]
pub enum Program {
    Run(Config),
    Print(Print),
    /// `kubectl-empire`: a plugin of kubectl.
    Plugin(Plugin),
    /// `kubectl_complete-empire`: the words that kubectl wants to have completed for it.
    Completions(Vec<String>),
}

const PLUGIN: &str = "kubectl-empire";
const COMPLETIONS: &str = "kubectl_complete-empire";

impl Program {
    /// Parses the arguments of the process; or returns the status with which it ends, once the error is printed.
    pub fn of_process() -> Result<Self, u8> {
        Self::of(std::env::args_os()).map_err(|(error, status)| {
            // Whoever closed standard error does not want to know.
            let _ = error.print();
            status
        })
    }

    fn of(words: impl Iterator<Item = OsString>) -> Result<Self, (clap::Error, u8)> {
        let words: Vec<OsString> = words.collect();
        let called = words.first().map(Path::new).and_then(Path::file_stem);
        let parsed = match called.and_then(OsStr::to_str) {
            Some(PLUGIN) => Plugin::try_parse_from(&words).map(Program::Plugin),
            Some(COMPLETIONS) => {
                let words = words
                    .iter()
                    .skip(1)
                    .map(|word| word.to_string_lossy().into_owned());
                Ok(Program::Completions(words.collect()))
            }
            Some(_) | None => Arguments::try_parse_from(&words).map(|arguments| match arguments.command {
                Command::Run(config) => Program::Run(config),
                Command::Print(command) => Program::Print(command),
            }),
        };
        parsed.map_err(|error| {
            let status = status(&error, &words);
            (error, status)
        })
    }

    /// The name by which it complains.
    pub fn name(&self) -> &'static str {
        match self {
            Program::Run(_) | Program::Print(_) => "empire-controller",
            Program::Plugin(_) | Program::Completions(_) => "kubectl empire",
        }
    }
}

/// Wrong usage ends with status 2 everywhere but in `plan` and `orphans`, where that stands for something found.
fn status(error: &clap::Error, words: &[OsString]) -> u8 {
    let commands: Vec<String> = [Arguments::command(), Plugin::command()]
        .iter()
        .flat_map(clap::Command::get_subcommands)
        .map(|command| command.get_name().to_owned())
        .collect();
    let is_command = |word: &&OsString| commands.iter().any(|command| **word == **command);
    let of_its_own = |command: &OsString| ["plan", "orphans"].iter().any(|name| *command == **name);
    let has_own = words.iter().skip(1).find(is_command).is_some_and(of_its_own);
    match error.exit_code() {
        0 => 0,
        _ if has_own => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_procfile_needs_what_it_does_not_say_itself() {
        let parse = |arguments: &str| {
            let words = ["empire-controller", "procfile"].into_iter();
            Arguments::try_parse_from(words.chain(arguments.split(' ')))
        };
        assert!(parse("- --name acme --image a").is_ok());
        assert!(parse("Procfile --name acme --image a --platform staging").is_ok());
        for arguments in [
            "--name acme --image a",
            "- --name acme",
            "- --image a",
            "- --name Acme --image a",
            "- --name acme.shop --image a",
            "- --name -acme --image a",
            "- --name acme --image ",
            "- --name acme --image a --platform Staging",
            "- b --name acme --image a",
        ] {
            assert_eq!(parse(arguments).unwrap_err().exit_code(), 2, "{arguments}");
        }
    }

    #[test]
    fn a_plan_is_of_a_file_or_of_a_live_app() {
        let parse = |arguments: &str| {
            let words = format!("empire-controller plan {arguments}");
            Program::of(words.split_whitespace().map(Into::into))
        };
        for arguments in [
            "-f app.yaml",
            "--filename - --namespace shop",
            "acme",
            "acme -n shop -o json",
            "acme -f apps.yaml --delete --context test",
        ] {
            assert!(parse(arguments).is_ok(), "{arguments}");
        }
        for arguments in [
            "",
            "-f",
            "acme worker",
            "acme -o yaml",
            "acme --retire-after soon",
        ] {
            assert_eq!(parse(arguments).unwrap_err().1, 1, "{arguments}");
        }
        assert_eq!(parse("--help").unwrap_err().1, 0);
    }

    #[test]
    fn wrong_usage_of_any_other_command_ends_with_status_2() {
        for arguments in ["", "plane", "run --colour", "procfile", "crds plan"] {
            let words = format!("empire-controller {arguments}");
            let words = words.split_whitespace().map(Into::into);
            assert_eq!(Program::of(words).unwrap_err().1, 2, "{arguments}");
        }
    }

    #[test]
    fn whatever_prints_something_of_the_cluster_prints_it_as_json_too() {
        for program in [Arguments::command(), Plugin::command()] {
            let mut count = 0;
            for command in program.get_subcommands() {
                let argument = |name: &str| {
                    let mut arguments = command.get_arguments();
                    arguments.find(|argument| argument.get_long() == Some(name))
                };
                if argument("context").is_none() {
                    let other = ["run", "crds", "procfile", "completion", "man"];
                    assert!(other.contains(&command.get_name()), "{command}");
                    continue;
                }
                count += 1;
                let output = argument("output").map(clap::Arg::get_possible_values);
                let formats: Vec<String> = output
                    .into_iter()
                    .flatten()
                    .map(|value| value.get_name().to_owned())
                    .collect();
                assert_eq!(formats, ["text", "json"], "{command}");
            }
            assert!(count >= 8, "{count}");
        }
    }

    #[test]
    fn both_programs_take_the_same_commands_for_apps() {
        let parse = |called: &str, arguments: &str| {
            let words = format!("{called} {arguments}");
            Program::of(words.split_whitespace().map(Into::into)).map_err(|(_, status)| status)
        };
        for called in ["empire-controller", "kubectl-empire"] {
            for arguments in [
                "scale acme web=3 worker=0 -n shop --wait --timeout 90s",
                "scale acme web=3 -o json",
                "redeploy acme --wait",
                "suspend acme --context test",
                "resume acme",
                "status acme --watch",
                "explain acme",
            ] {
                assert!(parse(called, arguments).is_ok(), "{called} {arguments}");
            }
            for arguments in [
                "scale acme",
                "scale acme web",
                "scale acme web=-1",
                "scale acme web=3 --timeout 90s",
                "redeploy acme --timeout 90s",
                "redeploy acme --wait --timeout soon",
                "suspend",
                "resume app/acme",
            ] {
                assert_eq!(parse(called, arguments).unwrap_err(), 2, "{called} {arguments}");
            }
        }
    }
}
