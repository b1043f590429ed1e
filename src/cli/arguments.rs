//! The arguments of `empire-controller`, to what each command needs.

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use super::plan::Plan;
use super::procfile::Procfile;
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
    /// Print the custom resource definitions, and the policy that protects them
    Crds,
    /// Translate a Procfile, standard or extended, into an App
    ///
    /// What cannot be carried over is an error that names line, process and key; then nothing is written to standard
    /// output, and the exit status is 1. What would not do here what it did elsewhere is a warning on standard error.
    Procfile(Procfile),
    /// Print what would change in AWS for an App, and change nothing
    Plan(Plan),
}

impl Arguments {
    /// Parses the arguments of the process; or returns the status with which it ends, once the error is printed.
    pub fn of_process() -> Result<Self, u8> {
        Self::of(std::env::args_os()).map_err(|(error, status)| {
            // Whoever closed standard error does not want to know.
            let _ = error.print();
            status
        })
    }

    /// Wrong usage ends with status 2 everywhere but in `plan`, where that stands for changes.
    fn of(words: impl Iterator<Item = OsString>) -> Result<Self, (clap::Error, u8)> {
        let words: Vec<OsString> = words.collect();
        Self::try_parse_from(&words).map_err(|error| {
            let is_plan = words.get(1).is_some_and(|command| command == "plan");
            let status = match error.exit_code() {
                0 => 0,
                _ if is_plan => 1,
                _ => 2,
            };
            (error, status)
        })
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
            Arguments::of(words.split_whitespace().map(Into::into))
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
            assert_eq!(Arguments::of(words).unwrap_err().1, 2, "{arguments}");
        }
    }
}
