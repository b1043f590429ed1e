//! `kubectl empire run-once`: makes a Run, follows it to its end, and ends as its command did.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, PostParams, Preconditions};
use kube::core::ObjectMeta;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

use super::cluster::{Cluster, OneApp};
use super::{Ended, Failure, Output, print};
use crate::api::condition::Reason;
use crate::api::run::{Run, RunPhase, RunSpec, RunStatus};
use crate::config::duration;
use crate::controller::message_of;
use crate::desired::{RUN_TIMEOUT, no_process};

/// It is looked at this often.
const TICK: Duration = Duration::from_secs(2);
/// A Run that is followed stays this long after its end.
const SEEN: Duration = Duration::from_mins(1);

// No exit code of a command that is usual. As coreutils' timeout and docker have them.
const TOOK_TOO_LONG: u8 = 124;
const NOT_RUN: u8 = 125;
const INTERRUPTED: u8 = 130;

#[derive(Clone, Debug, Args)]
pub struct RunOnce {
    #[command(flatten)]
    pub app: OneApp,

    /// The process whose image, variables, secrets and role the command has [default: the only one]
    #[arg(value_name = "PROCESS")]
    pub process: Option<String>,

    /// Command and its arguments [default: the process's own]
    #[arg(value_name = "COMMAND", last = true)]
    pub words: Vec<String>,

    /// Have the image's `sh -c` run the first word, with the others as $1, $2 and so on
    #[arg(long, requires = "words")]
    pub shell: bool,

    /// An environment variable beside those of the process
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = variable)]
    pub env: Vec<(String, String)>,

    /// CPU units in place of the process's; 1024 are one vCPU
    #[arg(long)]
    pub cpu: Option<i32>,

    /// Memory in place of the process's, such as 512Mi
    #[arg(long)]
    pub memory: Option<String>,

    /// Stop it after this time, 10s to 24h [default: 1h]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<Duration>,

    /// Delete the Run this long after its end, which is at least 1m where it is followed, so that its end is seen
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = duration, conflicts_with = "keep")]
    pub ttl: Duration,

    /// Never delete the Run
    #[arg(long)]
    pub keep: bool,

    /// Do not wait for its end
    #[arg(long)]
    pub detach: bool,
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.into(), value.into())),
        Some(_) | None => Err("write NAME=VALUE, such as DRY_RUN=1".into()),
    }
}

/// Makes a Run and follows it. An error of ours ends with another status than any of the command's usual ones.
pub(super) async fn run_once(arguments: &RunOnce, program: &str) -> Ended {
    match Box::pin(followed(arguments, program)).await {
        Ok(status) => Ok(status.into()),
        Err(error) => {
            eprintln!("{program}: {error}");
            Ok(ExitCode::from(NOT_RUN))
        }
    }
}

async fn followed(arguments: &RunOnce, program: &str) -> Result<u8, Failure> {
    let OneApp {
        name,
        cluster,
        output,
    } = &arguments.app;
    let cluster = cluster.connect().await?;
    // Else the Run would wait for them.
    let app = cluster.app(name).await?;
    if let Some(process) = &arguments.process
        && !app.spec.processes.contains_key(process)
    {
        return Err(no_process(name, process, app.spec.processes.keys()).into());
    }
    let runs: Api<Run> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let run = Run {
        metadata: ObjectMeta {
            generate_name: Some(format!("{name}-")),
            ..ObjectMeta::default()
        },
        spec: spec(arguments),
        status: None,
    };
    // From here on, so that nobody who interrupts it is left with a Run that they do not know of.
    let mut interrupts = signal(SignalKind::interrupt())?;
    let made = runs.create(&PostParams::default(), &run).await;
    let made = made.map_err(|error| format!("make a Run of App {name}: {}", one_line(&error)))?;
    let run = made.name_any();
    eprintln!("Run {run} of App {name} is made");
    if arguments.detach {
        return shown(&made, *output).map(|()| 0);
    }
    let timeout = arguments
        .timeout
        .unwrap_or_else(|| Duration::from_secs(RUN_TIMEOUT.into()));
    tokio::select! {
        ended = follow(&cluster, &runs, &run, (timeout, program)) => {
            let (ended, status) = ended?;
            shown(&ended, *output)?;
            Ok(status)
        }
        _ = interrupts.recv() => {
            eprintln!("\n{}", goes_on(&cluster, &run));
            Ok(INTERRUPTED)
        }
    }
}

fn spec(arguments: &RunOnce) -> RunSpec {
    let seconds = |duration: Duration| format!("{}s", duration.as_secs());
    let ttl = if arguments.detach {
        arguments.ttl
    } else {
        arguments.ttl.max(SEEN)
    };
    let mut words = arguments.words.iter();
    let command = words.next().map(|first| {
        if arguments.shell {
            first.clone()
        } else {
            shell_words::quote(first).into_owned()
        }
    });
    RunSpec {
        app: arguments.app.name.clone(),
        process: arguments.process.clone(),
        command,
        args: words.cloned().collect(),
        shell: arguments.shell.then_some(true),
        env: arguments.env.iter().cloned().collect(),
        cpu: arguments.cpu,
        memory: arguments.memory.clone(),
        timeout: arguments.timeout.map(seconds),
        ttl_after_finished: (!arguments.keep).then(|| seconds(ttl)),
    }
}

/// Says each change on standard error until the Run has ended. An error of the API server is said, and is no end, unless it says
/// that there is nothing to see for this user.
///
/// The Run's own timeout counts from when it was recorded. One that waits for longer before that is deleted, so that nobody is kept
/// waiting, and nothing is started once nobody looks on. Returns the exit status besides.
async fn follow(
    cluster: &Cluster,
    runs: &Api<Run>,
    name: &str,
    (timeout, program): (Duration, &str),
) -> Result<(Run, u8), Failure> {
    let begun = Instant::now();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut said = String::new();
    loop {
        ticks.tick().await;
        let found = match runs.get_opt(name).await {
            Ok(Some(found)) => found,
            Ok(None) => return Err(format!("Run {name} was deleted before its end was seen").into()),
            Err(error) if is_refusal(&error) => {
                return Err(format!("{}. {}", one_line(&error), goes_on(cluster, name)).into());
            }
            Err(error) => {
                eprintln!(
                    "{program}: {}; looking again in {} s",
                    one_line(&error),
                    TICK.as_secs()
                );
                continue;
            }
        };
        if let Some(status) = &found.status {
            let line = line(status);
            if line != said && status.phase.is_some() {
                eprintln!("{line}");
                said = line;
            }
            if status.phase.is_some_and(RunPhase::is_over) {
                let code = status_of(Some(status));
                return Ok((found, code));
            }
        }
        if begun.elapsed() >= timeout && is_unrecorded(&found) {
            let late = format!("Run {name} was not begun within {} s", timeout.as_secs());
            match let_go(runs, &found).await {
                Ok(()) => {
                    eprintln!("{late}, and is deleted");
                    return Ok((found, TOOK_TOO_LONG));
                }
                Err(error) if is_refusal(&error) => {
                    let refused = one_line(&error);
                    return Err(format!("{late}, and {refused}. {}", goes_on(cluster, name)).into());
                }
                // It is another one by now, or gone.
                Err(_) => {}
            }
        }
    }
}

/// Returns true if nothing was started for it, nor may have been.
fn is_unrecorded(run: &Run) -> bool {
    let status = run.status.as_ref();
    status.is_none_or(|status| status.attempt.is_none())
}

/// True where it is of no use to ask again.
fn is_refusal(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(refused) if matches!(refused.code, 401 | 403))
}

/// Deletes a Run as it was seen, and not another that it is by now.
async fn let_go(runs: &Api<Run>, run: &Run) -> Result<(), kube::Error> {
    let parameters = DeleteParams {
        preconditions: Some(Preconditions {
            uid: run.uid(),
            resource_version: run.resource_version(),
        }),
        ..DeleteParams::default()
    };
    runs.delete(&run.name_any(), &parameters).await.map(|_| ())
}

/// One line of a status: phase, what is said of it, and where its log is.
fn line(status: &RunStatus) -> String {
    let phase = status.phase.map_or("", RunPhase::as_str);
    let message = status.message.as_deref().unwrap_or_default();
    let log = status.log.as_ref().and_then(|log| {
        let (group, stream) = (log.group.as_ref()?, log.stream.as_ref()?);
        Some(format!("; log: group {group}, stream {stream}"))
    });
    // A failure's message has it.
    let log = log.filter(|_| status.phase != Some(RunPhase::Failed));
    format!("{phase}: {message}{}", log.unwrap_or_default())
}

fn shown(run: &Run, output: Output) -> Result<(), Failure> {
    match output {
        Output::Json => print((serde_json::to_string_pretty(run)? + "\n").as_bytes())?,
        Output::Text => {}
    }
    Ok(())
}

/// Returns the exit status: that of the command, or one of ours.
fn status_of(status: Option<&RunStatus>) -> u8 {
    let Some(status) = status else { return NOT_RUN };
    let is_late = status.reason.as_deref() == Some(Reason::DeadlineExceeded.as_str());
    match (status.phase, status.exit_code) {
        (Some(RunPhase::Succeeded), _) => 0,
        (Some(RunPhase::Failed), _) if is_late => TOOK_TOO_LONG,
        // Of more than a byte, a shell sees the last one, which may be 0.
        (Some(RunPhase::Failed), Some(code)) if code != 0 => u8::try_from(code).unwrap_or(1),
        (Some(_) | None, _) => NOT_RUN,
    }
}

fn goes_on(cluster: &Cluster, run: &str) -> String {
    let namespace = &cluster.namespace;
    format!(
        "Run {run} goes on. Look: kubectl get runs.empire.dev/{run} -n {namespace}; stop it: kubectl delete runs.empire.dev/{run} -n {namespace}"
    )
}

fn one_line(error: &kube::Error) -> String {
    message_of(error).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Parser)]
    struct Called {
        #[command(flatten)]
        run: RunOnce,
    }

    fn asked(words: &[&str]) -> RunOnce {
        let words = ["run-once"].iter().chain(words);
        Called::try_parse_from(words).unwrap().run
    }

    fn told(words: &[&str]) -> Value {
        json!(spec(&asked(words)))
    }

    #[test]
    fn words_reach_the_program_as_they_are_and_a_shell_gets_its_line() {
        assert_eq!(
            told(&["acme", "web", "--", "rake", "a b", "--force"]),
            json!({ "app": "acme", "process": "web", "command": "rake", "args": ["a b", "--force"], "ttlAfterFinished": "86400s" })
        );
        assert_eq!(told(&["acme", "--", "my program"])["command"], "'my program'");
        let shell = told(&["acme", "--shell", "--", "a && b $1", "c"]);
        assert_eq!(
            (&shell["command"], &shell["args"]),
            (&json!("a && b $1"), &json!(["c"]))
        );
        assert_eq!(
            told(&["acme", "migrate", "--keep"]),
            json!({ "app": "acme", "process": "migrate" })
        );
        let brief = |more: &[&str]| {
            let words = [&["acme", "migrate", "--ttl", "0s"], more].concat();
            told(&words)["ttlAfterFinished"].clone()
        };
        assert_eq!((brief(&[]), brief(&["--detach"])), (json!("60s"), json!("0s")));
        let more = told(&[
            "acme",
            "-e",
            "A=b=c",
            "--timeout",
            "90s",
            "--memory",
            "1Gi",
            "--cpu",
            "512",
            "--keep",
        ]);
        assert_eq!(
            more,
            json!({ "app": "acme", "env": { "A": "b=c" }, "timeout": "90s", "memory": "1Gi", "cpu": 512 })
        );
        for refused in [
            ["acme", "-e", "A"],
            ["acme", "-e", "=1"],
            ["acme", "--shell", "--keep"],
        ] {
            assert!(
                Called::try_parse_from(["run-once"].iter().chain(&refused)).is_err(),
                "{refused:?}"
            );
        }
    }

    #[test]
    fn ends_as_the_command_did_and_else_as_no_command_does() {
        let of = |status: Value| status_of(Some(&serde_json::from_value(status).unwrap()));
        let ended = |phase: &str, reason: &str, code: Value| {
            of(json!({ "observedGeneration": 1, "phase": phase, "reason": reason, "exitCode": code }))
        };
        assert_eq!(ended("Succeeded", "RunSucceeded", json!(0)), 0);
        assert_eq!(ended("Failed", "RunFailed", json!(3)), 3);
        assert_eq!(ended("Failed", "RunFailed", json!(256)), 1);
        assert_eq!(ended("Failed", "RunFailed", Value::Null), NOT_RUN);
        // Stopped by hand after it had ended well.
        assert_eq!(ended("Failed", "RunFailed", json!(0)), NOT_RUN);
        assert_eq!(ended("Failed", "DeadlineExceeded", json!(143)), TOOK_TOO_LONG);
        assert_eq!(ended("Failed", "InvalidSpec", Value::Null), NOT_RUN);
        assert_eq!(ended("Unknown", "RunUnknown", Value::Null), NOT_RUN);
    }

    #[test]
    fn says_where_the_log_is_once() {
        let status: RunStatus = serde_json::from_value(json!({
            "observedGeneration": 1, "phase": "Running", "message": "its task runs",
            "log": { "driver": "awslogs", "group": "acme", "stream": "web/web/1" },
        }))
        .unwrap();
        assert_eq!(
            line(&status),
            "Running: its task runs; log: group acme, stream web/web/1"
        );
        let failed = RunStatus {
            phase: Some(RunPhase::Failed),
            message: Some("exit code 3; its log: group acme, stream web/web/1".into()),
            ..status
        };
        assert_eq!(
            line(&failed),
            "Failed: exit code 3; its log: group acme, stream web/web/1"
        );
    }
}
