//! The commands for Apps, which the program has under both of its names.

use clap::Subcommand;

use super::Ended;
use super::cluster::OneApp;
use super::edit::{Action, Edit, Scale, edit};
use super::exec::{Exec, exec};
use super::explain::explain;
use super::logs::{Logs, logs};
use super::orphans::{Orphans, orphans};
use super::plan::{Plan, plan};
use super::procfile::{Procfile, procfile};
use super::run_once::{RunOnce, run_once};
use super::status::{Status, status};

#[derive(Debug, Subcommand)]
pub enum AppCommand {
    /// Show an App on one screen: processes, rollouts, ports, names, load balancers and Events
    Status(Status),
    /// Say why an App is not Ready, in order of cause, and what to do
    Explain(OneApp),
    /// Print the commands of the AWS CLI by which a command runs in a task, or run them
    Exec(Exec),
    /// Run a command once, in a task of its own, and end as it does
    ///
    /// Makes a Run, says on standard error how it goes, and ends with the exit code of its command. 124: it took too long and
    /// was stopped, or was not begun in that time. 125: it was not run, was stopped before its end, or nobody saw its end. 130:
    /// it was interrupted here, and the Run goes on.
    RunOnce(Box<RunOnce>),
    /// Print what tasks have logged to CloudWatch Logs, of all tasks by time
    Logs(Logs),
    /// Print what would change in AWS for an App, and change nothing
    Plan(Plan),
    /// Set how many tasks processes of an App have
    Scale(Scale),
    /// Replace every task of an App
    Redeploy(Edit),
    /// Have the controller change nothing of an App in AWS
    Suspend(Edit),
    /// Have the controller go on with a suspended App
    Resume(Edit),
    /// Find what the controller made in AWS and whose App is gone, and delete nothing
    Orphans(Orphans),
    /// Translate a Procfile, standard or extended, into an App
    ///
    /// What cannot be carried over is an error that names line, process and key; then nothing is written to standard
    /// output, and the exit status is 1. What would not do here what it did elsewhere is a warning on standard error.
    Procfile(Procfile),
}

/// The program as it was called.
#[derive(Debug)]
pub struct Called {
    /// The words by which it is called again.
    pub program: &'static str,
    /// The value of `--namespace` before the command, for the one that needs no cluster.
    pub namespace: Option<String>,
}

impl AppCommand {
    /// Does it, and ends.
    pub async fn execute(self, called: Called) -> Ended {
        let program = called.program;
        match self {
            AppCommand::Status(arguments) => status(&arguments, program).await,
            AppCommand::Explain(arguments) => explain(&arguments).await,
            AppCommand::Exec(arguments) => exec(&arguments, program).await,
            AppCommand::RunOnce(arguments) => run_once(&arguments, program).await,
            AppCommand::Logs(arguments) => logs(&arguments, program).await,
            AppCommand::Plan(arguments) => plan(&arguments).await,
            AppCommand::Scale(Scale {
                counts,
                edit: arguments,
            }) => edit(Action::scale(&counts)?, &arguments, program).await,
            AppCommand::Redeploy(arguments) => edit(Action::Redeploy, &arguments, program).await,
            AppCommand::Suspend(arguments) => edit(Action::Suspend, &arguments, program).await,
            AppCommand::Resume(arguments) => edit(Action::Resume, &arguments, program).await,
            AppCommand::Orphans(arguments) => orphans(&arguments).await,
            AppCommand::Procfile(arguments) => procfile(arguments, called.namespace),
        }
    }
}
