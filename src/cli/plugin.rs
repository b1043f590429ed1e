//! `kubectl empire`: what people do with their Apps, with their own rights. kubectl runs the program under this name when
//! it finds `kubectl-empire` on the `PATH`.

use clap::{CommandFactory, Parser, Subcommand};

use super::Ended;
use super::cluster::{ClusterArguments, OneApp};
use super::edit::{Action, edit};
use super::explain::explain;
use super::man::{Manual, man};
use super::orphans::{Orphans, orphans};
use super::plan::{Plan, plan};
use super::procfile::{Procfile, procfile};
use super::status::{Status, status};

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
    /// Show an App on one screen: processes, rollouts, ports, names, load balancers and Events
    Status(Status),
    /// Say why an App is not Ready, in order of cause, and what to do
    Explain(OneApp),
    /// Print what would change in AWS for an App, and change nothing
    Plan(Plan),
    /// Replace every task of an App
    Redeploy(OneApp),
    /// Have the controller change nothing of an App in AWS
    Suspend(OneApp),
    /// Take that back
    Resume(OneApp),
    /// Find what the controller made in AWS and whose App is gone, and delete nothing
    Orphans(Orphans),
    /// Translate a Procfile, standard or extended, into an App
    Procfile(Procfile),
    /// Print a page of the manual, for `man -l -`
    Man(Manual),
}

impl PluginCommand {
    /// Does it, and ends.
    /// `namespace` is what `--namespace` says, for the command that needs no cluster.
    pub async fn execute(self, namespace: Option<String>) -> Ended {
        match self {
            PluginCommand::Status(arguments) => status(&arguments).await,
            PluginCommand::Explain(arguments) => explain(&arguments).await,
            PluginCommand::Plan(arguments) => plan(&arguments).await,
            PluginCommand::Redeploy(arguments) => edit(Action::Redeploy, &arguments).await,
            PluginCommand::Suspend(arguments) => edit(Action::Suspend, &arguments).await,
            PluginCommand::Resume(arguments) => edit(Action::Resume, &arguments).await,
            PluginCommand::Orphans(arguments) => orphans(&arguments).await,
            PluginCommand::Procfile(arguments) => procfile(arguments, namespace),
            PluginCommand::Man(arguments) => man(&arguments, Plugin::command()),
        }
    }
}
