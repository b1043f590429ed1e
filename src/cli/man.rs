//! The `man` command: a page of the manual, of the program or of one of its commands.

use std::process::ExitCode;

use clap::{Args, Command};
use clap_mangen::Man;

use super::{Ended, print};

#[derive(Clone, Debug, Args)]
pub struct Manual {
    /// The command whose page is printed [default: the program's own]
    #[arg(value_name = "COMMAND")]
    pub command: Option<String>,
}

/// Prints the page, which `man -l -` shows.
pub(super) fn man(arguments: &Manual, program: Command) -> Ended {
    let name = program.get_bin_name().unwrap_or(program.get_name()).to_owned();
    match page(arguments.command.as_deref(), program) {
        Ok(page) => {
            print(&page)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            eprintln!("{name}: {error}");
            Ok(WRONG_USAGE.into())
        }
    }
}

const WRONG_USAGE: u8 = 2;

fn page(command: Option<&str>, mut program: Command) -> Result<Vec<u8>, String> {
    program.build();
    let program = match command {
        None => program,
        Some(name) => {
            let found = program.find_subcommand(name).cloned();
            found.ok_or_else(|| format!("COMMAND: {name} is no command of {}", program.get_name()))?
        }
    };
    let title = program
        .get_display_name()
        .unwrap_or(program.get_name())
        .to_owned();
    let mut page = Vec::new();
    let rendered = Man::new(program).title(title).render(&mut page);
    rendered.map_err(|error| error.to_string())?;
    Ok(page)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::{Arguments, Plugin};

    #[test]
    fn each_program_has_a_page_that_names_its_commands_and_each_command_has_one() {
        for program in [Arguments::command(), Plugin::command()] {
            let text = |command: Option<&str>| {
                let page = String::from_utf8(page(command, program.clone()).unwrap()).unwrap();
                page.replace('\\', "")
            };
            let whole = text(None);
            assert!(whole.starts_with(".ie") || whole.contains(".TH"), "{whole}");
            for command in program.get_subcommands() {
                let name = command.get_name();
                assert!(whole.contains(&format!("-{name}(1)")), "{name}: {whole}");
                let own = text(Some(name));
                for flag in command.get_arguments().filter_map(clap::Arg::get_long) {
                    assert!(own.contains(&format!("--{flag}")), "{name} --{flag}: {own}");
                }
            }
        }
        let error = page(Some("nope"), Arguments::command()).unwrap_err();
        assert!(
            error.contains("nope is no command of empire-controller"),
            "{error}"
        );
    }
}
