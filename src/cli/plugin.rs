//! `kubectl empire`: what people do with their Apps, with their own rights. kubectl runs the program under this name when
//! it finds `kubectl-empire` on the `PATH`.

use clap::{CommandFactory, Parser, Subcommand};

use super::Ended;
use super::cluster::ClusterArguments;
use super::commands::{AppCommand, Called};
use super::man::{Manual, man};

/// Looks after Apps of Empire Controller.
#[derive(Debug, Parser)]
#[command(
    name = "kubectl-empire",
    bin_name = "kubectl empire",
    version,
    disable_help_subcommand = true
)]
pub struct Plugin {
    /// Flags before the command count for it.
    #[command(flatten)]
    pub cluster: ClusterArguments,

    #[command(subcommand)]
    pub command: PluginCommand,
}

#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    #[command(flatten)]
    App(AppCommand),
    /// Print a page of the manual, for `man -l -`
    Man(Manual),
}

impl Plugin {
    /// Does it, and ends.
    pub async fn execute(self, program: &'static str) -> Ended {
        match self.command {
            PluginCommand::App(command) => {
                let called = Called {
                    program,
                    namespace: self.cluster.namespace,
                };
                command.execute(called).await
            }
            PluginCommand::Man(arguments) => man(&arguments, Plugin::command()),
        }
    }
}
