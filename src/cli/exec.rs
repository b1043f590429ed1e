//! `kubectl empire exec`: a command in a task, by the AWS CLI and with the AWS credentials of whoever runs it.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};

use clap::Args;
use serde::Serialize;

use super::cluster::{ClusterArguments, app_name};
use super::{Ended, Failure, Output, print};
use crate::api::app::{App, ExecStatus, PlatformRecord};
use crate::desired::no_process;
use crate::model::name::family;
use crate::model::owner::AppName;

const SHELL: &str = "/bin/sh";

/// The word that stands for the task in a command: the first command finds it.
const TASK: &str = "$task";

#[derive(Clone, Debug, Args)]
pub struct Exec {
    /// The App
    #[arg(value_name = "APP", value_parser = app_name)]
    pub name: String,

    /// The process, one with a service
    #[arg(value_name = "PROCESS")]
    pub process: String,

    /// Command and its arguments [default: /bin/sh]
    #[arg(value_name = "COMMAND", last = true)]
    pub words: Vec<String>,

    /// Run the AWS CLI, instead of printing what it would be run with
    #[arg(long)]
    pub run: bool,

    /// Id or ARN of the task [default: one of those that run]
    #[arg(long)]
    pub task: Option<String>,

    /// Name of the container [default: that of the process]
    #[arg(long)]
    pub container: Option<String>,

    #[command(flatten)]
    pub cluster: ClusterArguments,

    /// Format of what is printed
    #[arg(short, long, value_enum, default_value = "text", conflicts_with = "run")]
    pub output: Output,
}

/// The commands of the AWS CLI, word by word.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Commands {
    /// `namespace/name`.
    app: String,
    /// Prints the ARN of a task, or `None`; missing where the task is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    list_tasks: Option<Vec<String>>,
    /// With `$task` where the task is to stand.
    execute_command: Vec<String>,
}

/// Prints the commands, or runs them.
pub(super) async fn exec(arguments: &Exec, program: &str) -> Ended {
    let app = arguments.cluster.connect().await?.app(&arguments.name).await?;
    let (commands, warning) = commands(&app, arguments, program)?;
    if let Some(warning) = warning {
        eprintln!("{program}: warning: {warning}");
    }
    if arguments.run {
        return run(&commands);
    }
    let text = match arguments.output {
        Output::Json => serde_json::to_string_pretty(&commands)? + "\n",
        Output::Text => script(&commands),
    };
    print(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Decides what is run, and what may keep it from working.
fn commands(app: &App, arguments: &Exec, program: &str) -> Result<(Commands, Option<String>), String> {
    let Exec { name, process, .. } = arguments;
    let status = app.status.as_ref();
    let processes = status
        .map(|status| status.processes.as_slice())
        .unwrap_or_default();
    let found = processes.iter().find(|known| known.name == *process);
    let wanted = app.spec.processes.get(process);
    let Some(found) = found.filter(|found| found.rollout.is_some()) else {
        if wanted.is_some() {
            return Err(format!(
                "process {process} of App {name} has no service to run a command in a task of"
            ));
        }
        return Err(no_process(name, process, app.spec.processes.keys()));
    };
    let platform = status.and_then(|status| status.platform.as_ref());
    let platform = platform.ok_or_else(|| format!("App {name} is on no Platform yet"))?;
    let owner = AppName {
        namespace: app.metadata.namespace.clone().unwrap_or_default().into(),
        name: name.clone().into(),
    };
    let warning = match found.exec {
        Some(ExecStatus::Enabled) => None,
        Some(ExecStatus::NextRollout) => Some(format!(
            "tasks of {process} that were started before `exec: true` lack it until they are replaced, such as by {program} redeploy \
             {name} -n {}",
            owner.namespace
        )),
        None if wanted.is_some_and(|wanted| wanted.exec == Some(true)) => Some(format!(
            "`exec: true` of process {process} is not carried out yet"
        )),
        None => Some(format!(
            "process {process} does not say `exec: true`, so its tasks have ECS Exec only if it was turned on by other means"
        )),
    };
    Ok((in_service(&owner, platform, arguments), warning))
}

fn in_service(app: &AppName, platform: &PlatformRecord, arguments: &Exec) -> Commands {
    let service = family(app, &arguments.process);
    let aws = |operation: &str, more: &[&str]| -> Vec<String> {
        let PlatformRecord { region, cluster, .. } = platform;
        let common = ["aws", "ecs", operation, "--region", region, "--cluster", cluster];
        common.iter().chain(more).map(|word| (*word).into()).collect()
    };
    let command = match &*arguments.words {
        [] => SHELL.into(),
        words => shell_words::join(words),
    };
    let container = arguments.container.as_ref().unwrap_or(&arguments.process);
    let task = arguments.task.as_deref();
    Commands {
        app: app.to_string(),
        list_tasks: task.is_none().then(|| {
            // One page: the AWS CLI applies a query to each.
            let query = ["--no-paginate", "--query", "taskArns[0]", "--output", "text"];
            aws(
                "list-tasks",
                &[
                    &["--service-name", &service, "--desired-status", "RUNNING"][..],
                    &query,
                ]
                .concat(),
            )
        }),
        execute_command: aws(
            "execute-command",
            &[
                "--task",
                task.unwrap_or(TASK),
                "--container",
                container,
                "--interactive",
                "--command",
                &command,
            ],
        ),
    }
}

/// Returns the commands as a shell takes them.
fn script(commands: &Commands) -> String {
    let execute = commands.execute_command.iter();
    let execute: Vec<String> = execute
        .map(|word| match word.as_str() {
            TASK => format!("\"{TASK}\""),
            word => shell_words::quote(word).into_owned(),
        })
        .collect();
    let find = commands.list_tasks.iter();
    let find = find.map(|words| format!("task=$({})\n", shell_words::join(words)));
    format!("{}{}\n", find.collect::<String>(), execute.join(" "))
}

fn run(commands: &Commands) -> Ended {
    let mut execute = commands.execute_command.clone();
    if let Some(list) = &commands.list_tasks {
        let task = first_task(list)?;
        for word in execute.iter_mut().filter(|word| *word == TASK) {
            word.clone_from(&task);
        }
    }
    // In place of this program: signals are for the session, and the status is that of the command.
    Err(unstarted(&program(&execute).exec()))
}

fn first_task(list: &[String]) -> Result<String, Failure> {
    let found = program(list)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| unstarted(&error))?;
    if !found.status.success() {
        return Err("the AWS CLI could not list the tasks".into());
    }
    match String::from_utf8_lossy(&found.stdout).trim() {
        // As the AWS CLI writes null.
        "" | "None" => Err("no task of the service runs".into()),
        task => Ok(task.into()),
    }
}

fn program(words: &[String]) -> Command {
    let mut words = words.iter();
    let mut command = Command::new(words.next().map(String::as_str).unwrap_or_default());
    command.args(words);
    command
}

fn unstarted(error: &std::io::Error) -> Failure {
    format!("run aws, the AWS CLI: {error}").into()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NO_WORDS: [&str; 0] = [];

    fn asked(process: &str, words: &[&str]) -> Exec {
        Exec {
            name: "acme".into(),
            process: process.into(),
            words: words.iter().map(|word| (*word).into()).collect(),
            run: false,
            task: None,
            container: None,
            cluster: ClusterArguments::default(),
            output: Output::Text,
        }
    }

    /// An App with a worker, of which the status says this of ECS Exec.
    fn acme(exec: &Value) -> App {
        let mut worker = json!({ "name": "worker", "rollout": "Completed" });
        if !exec.is_null() {
            worker["exec"] = exec.clone();
        }
        serde_json::from_value(json!({
            "apiVersion": "empire.dev/v1alpha1",
            "kind": "App",
            "metadata": { "namespace": "shop", "name": "acme" },
            "spec": {
                "image": "registry.example.com/acme:v1",
                "processes": { "worker": { "exec": true }, "nightly": { "cron": "0 3 * * ? *" } },
            },
            "status": {
                "observedGeneration": 1,
                "processes": [worker, { "name": "nightly" }],
                "platform": {
                    "name": "staging", "region": "eu-central-1", "cluster": "staging cluster", "vpcId": "vpc-1",
                },
            },
        }))
        .unwrap()
    }

    fn printed(arguments: &Exec) -> String {
        script(
            &commands(&acme(&json!("Enabled")), arguments, "kubectl empire")
                .unwrap()
                .0,
        )
    }

    #[test]
    fn is_two_commands_of_the_aws_cli() {
        assert_eq!(
            printed(&asked("worker", &NO_WORDS)),
            "task=$(aws ecs list-tasks --region eu-central-1 --cluster 'staging cluster' --service-name shop_acme_worker \
             --desired-status RUNNING --no-paginate --query 'taskArns[0]' --output text)\n\
             aws ecs execute-command --region eu-central-1 --cluster 'staging cluster' --task \"$task\" --container worker \
             --interactive --command /bin/sh\n"
        );
    }

    #[test]
    fn a_task_that_is_given_is_not_looked_for() {
        let given = Exec {
            task: Some("0123".into()),
            container: Some("proxy".into()),
            ..asked("worker", &["sh", "-c", "echo $HOME"])
        };
        assert_eq!(
            printed(&given),
            "aws ecs execute-command --region eu-central-1 --cluster 'staging cluster' --task 0123 --container proxy --interactive \
             --command 'sh -c '\\''echo $HOME'\\'''\n"
        );
    }

    #[test]
    fn says_what_may_keep_it_from_working() {
        let warned = |exec: &Value| {
            commands(&acme(exec), &asked("worker", &NO_WORDS), "kubectl empire")
                .unwrap()
                .1
        };
        assert_eq!(warned(&json!("Enabled")), None);
        assert!(
            warned(&json!("NextRollout"))
                .unwrap()
                .contains("kubectl empire redeploy acme -n shop")
        );
        assert!(warned(&Value::Null).unwrap().contains("is not carried out yet"));
        let refused = |process| {
            commands(&acme(&Value::Null), &asked(process, &NO_WORDS), "kubectl empire").unwrap_err()
        };
        assert_eq!(
            refused("web"),
            "App acme has no process web: it has nightly, worker"
        );
        assert_eq!(
            refused("nightly"),
            "process nightly of App acme has no service to run a command in a task of"
        );
    }
}
