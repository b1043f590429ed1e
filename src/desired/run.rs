//! A one-off run of an App: whose task definition it runs, what its task has otherwise, and where it runs.

use super::secrets::Names;
use super::{Builder, NamespaceLabels, app_name, container_ports, exposure, tenancy, text};
use crate::api::app::{App, Process, TaskSize};
use crate::api::platform::Platform;
use crate::api::run::{Run, overrides_length, run_content};
use crate::error::Error;
use crate::model::container::{Environment, Logging};
use crate::model::owner::Owner;
use crate::model::release::{Placing, digest};
use crate::model::run::TaskOverrides;
use crate::model::secret::Secrets;

/// Seconds, of a Run that says none.
pub const TIMEOUT: u32 = 3_600;

/// ECS takes so many characters of overrides as JSON:
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html>.
const MOST: usize = 8_192;

/// The meaning of a Run, but for the revision that its process has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltRun {
    pub process: String,
    /// Seconds.
    pub timeout: u32,
    /// Of the spec.
    pub digest: String,
    pub placing: Placing,
    pub overrides: TaskOverrides,
    pub logging: Option<Logging>,
    /// The size of the task.
    pub size: TaskSize,
    /// What is wrong with a command that seems to want a shell.
    pub hint: Option<String>,
}

/// Builds what a Run of an App means, if the App may ask for it: the same as a process of the App with what the Run says.
pub fn build_run(
    run: &Run,
    app: &App,
    platform: &Platform,
    namespace: &NamespaceLabels,
    installation: &str,
    secrets: &Secrets,
) -> Result<BuiltRun, Error> {
    let (name, process) = process_of(run, app)?;
    check_variables(run, app, process)?;
    let ports = exposure(name, process).as_ref().map(container_ports);
    let process = with_run(run, process);
    let app = alone(app, name, process);
    let app = Names::at(platform, secrets).resolve(&app);
    tenancy::Allowed::to(&app, platform, namespace).check()?;
    let owner = Owner {
        installation: installation.into(),
        app: app_name(&app),
    };
    let process = app.spec.processes.get(name);
    let process = process.ok_or_else(|| Error::Bug(format!("process {name} of a Run is lost")))?;
    let builder = Builder {
        app: &app,
        platform,
        owner: &owner,
        name,
        process,
        secrets,
    };
    let (definition, overridden) = builder.task_definition(&ports.unwrap_or_default())?;
    tenancy::Allowed::to(&app, platform, namespace).check_overrides(&overridden)?;
    let spec = &run.spec;
    let is_sized = spec.cpu.is_some() || spec.memory.is_some();
    let main = &definition.main;
    let overrides = TaskOverrides {
        command: if spec.command.is_some() {
            main.command.clone()
        } else {
            Vec::new()
        },
        environment: Environment(spec.env.clone().into()),
        cpu: spec.cpu.map(|_| main.cpu),
        memory: spec.memory.as_ref().map(|_| main.memory),
        task_cpu: definition.task_cpu().filter(|_| is_sized),
        task_memory: definition.task_memory().filter(|_| is_sized),
    };
    check_length(run, &overrides)?;
    // That of the process is its App's matter.
    let hint = spec
        .command
        .as_ref()
        .and_then(|_| builder.hint(&main.environment));
    let text = run_content(spec).map_err(no_json)?;
    Ok(BuiltRun {
        process: name.clone(),
        timeout: timeout(run)?,
        digest: digest(&text),
        placing: Placing {
            capacity: builder.capacity()?,
            constraints: builder.constraints()?,
            network: builder.task_network()?,
        },
        overrides,
        logging: main.logging.clone(),
        size: TaskSize {
            cpu: definition.cpu().into(),
            memory: definition.memory().into(),
        },
        hint: hint.map(|hint| format!("process {name}: {hint}")),
    })
}

/// Returns the process that a Run is of: the one that it names, or the only one.
fn process_of<'a>(run: &Run, app: &'a App) -> Result<(&'a String, &'a Process), Error> {
    let (processes, name) = (&app.spec.processes, &run.spec.app);
    match &run.spec.process {
        Some(wanted) => processes.get_key_value(wanted).ok_or_else(|| {
            let why = no_process(name, wanted, processes.keys());
            Error::Invalid(format!("process: {why}"))
        }),
        None => match processes.first_key_value() {
            Some(only) if processes.len() == 1 => Ok(only),
            Some(_) | None => Err(Error::Invalid(format!(
                "process: App {name} has several processes: say which one's image, variables and role to run with: {}",
                joined(processes.keys())
            ))),
        },
    }
}

/// Says that an App has no process of a name, and which it has.
pub fn no_process<N: AsRef<str>>(app: &str, process: &str, known: impl Iterator<Item = N>) -> String {
    format!("App {app} has no process {process}: it has {}", joined(known))
}

fn joined<N: AsRef<str>>(names: impl Iterator<Item = N>) -> String {
    let names: Vec<String> = names.map(|name| name.as_ref().to_owned()).collect();
    names.join(", ")
}

/// ECS takes no name for a secret and a variable, and no page says which of them counts where an override has it:
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Secret.html>.
fn check_variables(run: &Run, app: &App, process: &Process) -> Result<(), Error> {
    let is_secret =
        |name: &&String| process.secrets.contains_key(*name) || app.spec.secrets.contains_key(*name);
    let found = run.spec.env.keys().find(is_secret);
    found.map_or(Ok(()), |name| {
        Err(Error::Invalid(format!("env: {name} is a secret of the process")))
    })
}

/// Returns the process as it would be with what the Run says. Nobody reaches it, and nothing else starts it.
fn with_run(run: &Run, process: &Process) -> Process {
    let spec = &run.spec;
    let mut process = Process {
        noservice: Some(true),
        cron: None,
        timezone: None,
        expose: None,
        quantity: None,
        scale: None,
        deploy: None,
        exec: None,
        ..process.clone()
    };
    if spec.command.is_some() {
        process.command.clone_from(&spec.command);
        process.args.clone_from(&spec.args);
        process.shell = spec.shell;
    }
    let variables = spec.env.iter().map(|(name, value)| (name.clone(), value.clone()));
    process.env.extend(variables);
    process.cpu = spec.cpu.or(process.cpu);
    process.memory = spec.memory.clone().or(process.memory);
    process
}

/// Returns the App as far as it matters to a Run of one process: what is wrong with others is their own matter. Without its
/// status, `$(NAME)` is a variable, as in every manifest of today.
fn alone(app: &App, name: &str, process: Process) -> App {
    let mut app = app.clone();
    app.spec.processes = [(name.to_owned(), process)].into();
    app.spec.release = None;
    app.spec.deletion_policy = None;
    app.status = None;
    app
}

fn timeout(run: &Run) -> Result<u32, Error> {
    let Some(timeout) = &run.spec.timeout else {
        return Ok(TIMEOUT);
    };
    text::seconds(timeout)
        .ok_or_else(|| Error::Invalid(format!("timeout: {timeout} is no duration in whole seconds")))
}

/// Counts before anything is recorded that ECS can never take.
fn check_length(run: &Run, overrides: &TaskOverrides) -> Result<(), Error> {
    let length = overrides_length(&overrides.command, &run.spec.env).map_err(no_json)?;
    if length <= MOST {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "command, args and env: they have about {length} characters as ECS counts them, which takes {MOST}"
    )))
}

fn no_json(error: impl std::fmt::Display) -> Error {
    Error::Bug(format!("a manifest that is no JSON: {error}"))
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::needless_pass_by_value,
        reason = "a manifest is written where it is used"
    )]

    use serde_json::{Value, json};

    use super::*;
    use crate::desired::fixtures::{app, app_with, namespace, platform};

    fn run(spec: Value) -> Run {
        serde_json::from_value(json!({
            "apiVersion": "empire.dev/v1alpha1",
            "kind": "Run",
            "metadata": { "name": "console", "namespace": "shop", "uid": "uid-of-console" },
            "spec": spec,
        }))
        .unwrap()
    }

    fn built(spec: Value, app: &App, on: Value) -> Result<BuiltRun, String> {
        let built = build_run(
            &run(spec),
            app,
            &platform(on),
            &namespace(),
            "installation-1",
            &Secrets::default(),
        );
        built.map_err(|error| error.to_string())
    }

    fn acme() -> App {
        app(json!({
            "web": { "command": "./bin/web", "expose": { "external": true } },
            "worker": { "command": "./bin/worker --queue $(QUEUE)", "env": { "QUEUE": "mail" }, "memory": "1Gi" },
        }))
    }

    #[test]
    fn has_what_its_process_has_and_overrides_only_what_it_says() {
        let plain = built(json!({ "app": "acme", "process": "worker" }), &acme(), json!({})).unwrap();
        assert_eq!(plain.process, "worker");
        assert_eq!(plain.overrides, TaskOverrides::default());
        assert_eq!(plain.timeout, 3_600);
        assert_eq!((plain.size.cpu, plain.size.memory), (256, 1_024));
        let more = built(
            json!({ "app": "acme", "process": "worker", "command": "rake 'a b' $(QUEUE) $(MORE)", "args": ["x"],
                    "env": { "MORE": "1" }, "memory": "2Gi", "timeout": "90s" }),
            &acme(),
            json!({}),
        )
        .unwrap();
        assert_eq!(more.overrides.command, ["rake", "a b", "mail", "1", "x"]);
        assert_eq!(more.overrides.environment.0.keys().collect::<Vec<_>>(), ["MORE"]);
        assert_eq!((more.overrides.cpu, more.overrides.memory), (None, Some(2_048)));
        // On EC2 a task has no size of its own.
        assert_eq!(
            (more.overrides.task_cpu, more.overrides.task_memory),
            (None, None)
        );
        assert_eq!(more.timeout, 90);
        assert_ne!(more.digest, plain.digest);
    }

    #[test]
    fn on_fargate_the_task_has_another_size_too() {
        let on = json!({ "capacity": { "launchType": "FARGATE" }, "network": { "mode": "awsvpc", "tasks": { "subnets": ["subnet-t1"] } } });
        let spec = json!({ "app": "acme", "process": "worker", "cpu": 512, "memory": "2Gi" });
        let app = app(json!({ "worker": { "command": "run" } }));
        let found = built(spec, &app, on.clone()).unwrap().overrides;
        assert_eq!((found.cpu, found.memory), (Some(512), Some(2_048)));
        assert_eq!((found.task_cpu, found.task_memory), (Some(512), Some(2_048)));
        let refused = built(json!({ "app": "acme", "cpu": 512, "memory": "512Mi" }), &app, on).unwrap_err();
        assert!(refused.starts_with("process worker: "), "{refused}");
    }

    #[test]
    fn a_shell_runs_the_command_where_it_is_asked_for() {
        let spec = json!({ "app": "acme", "process": "web", "command": "a && b", "shell": true });
        let found = built(spec, &acme(), json!({})).unwrap().overrides.command;
        assert_eq!(found[..2], ["sh", "-c"]);
        let hint = |spec| built(spec, &acme(), json!({})).unwrap().hint;
        let told = hint(json!({ "app": "acme", "process": "web", "command": "a && b" })).unwrap();
        assert!(told.starts_with("process web: command contains &&"), "{told}");
        assert_eq!(
            hint(json!({ "app": "acme", "process": "web", "command": "a && b", "shell": true })),
            None
        );
        assert_eq!(hint(json!({ "app": "acme", "process": "web" })), None);
    }

    #[test]
    fn port_is_that_of_its_process_and_no_secret_is_replaced() {
        let spec = json!({ "app": "acme", "process": "web", "command": "check --port $(PORT)" });
        let found = built(spec, &acme(), json!({})).unwrap().overrides.command;
        assert_eq!(found, ["check", "--port", "8080"]);
        let app = app(json!({ "worker": {
            "command": "run", "secrets": { "KEY": "arn:aws:ssm:us-east-1:123456789012:parameter/key" },
        } }));
        let refused = built(json!({ "app": "acme", "env": { "KEY": "1" } }), &app, json!({}));
        assert_eq!(refused.unwrap_err(), "env: KEY is a secret of the process");
    }

    #[test]
    fn says_which_processes_there_are() {
        assert_eq!(
            built(json!({ "app": "acme", "process": "wep" }), &acme(), json!({})).unwrap_err(),
            "process: App acme has no process wep: it has web, worker"
        );
        let several = built(json!({ "app": "acme" }), &acme(), json!({})).unwrap_err();
        assert!(
            several.contains("several processes") && several.ends_with("web, worker"),
            "{several}"
        );
        let one = app(json!({ "worker": { "command": "run" } }));
        assert_eq!(
            built(json!({ "app": "acme" }), &one, json!({})).unwrap().process,
            "worker"
        );
    }

    #[test]
    fn refuses_what_ecs_cannot_take() {
        let env: serde_json::Map<String, Value> = (0..3)
            .map(|n| (format!("A{n}"), json!("x".repeat(4_000))))
            .collect();
        let long = built(
            json!({ "app": "acme", "process": "web", "env": env }),
            &acme(),
            json!({}),
        );
        assert!(long.unwrap_err().ends_with("which takes 8192"));
    }

    #[test]
    fn may_ask_for_what_its_app_may_ask_for() {
        let app = app_with(json!({ "spec": {
            "taskRoleArn": "arn:aws:iam::123456789012:role/acme", "processes": { "web": { "command": "run" } },
        } }));
        let closed = json!({ "tenancy": { "namespaceSelector": {} } });
        let refused = built(json!({ "app": "acme" }), &app, closed).unwrap_err();
        assert!(refused.contains("taskRoleArn"), "{refused}");
        let elsewhere = json!({ "tenancy": { "namespaceSelector": { "matchLabels": { "team": "bank" } } } });
        let refused = built(json!({ "app": "acme" }), &app, elsewhere).unwrap_err();
        assert!(refused.contains("takes no Apps of namespace shop"), "{refused}");
    }
}
