//! Words, variables in them, and shells.

use serde_json::{Value, json};

use super::replaces_variables;
use crate::api::app::App;
use crate::desired::Built;
use crate::desired::fixtures::build;
use crate::desired::fixtures::{app_with, namespace, owner, platform};
use crate::error::Error;
use crate::model::class::Class;

/// Its process `api` is exposed, and has a variable and a secret.
fn acme(process: Value) -> App {
    let mut app = app_with(json!({ "spec": {
        "env": { "WORKERS": "3", "LEVEL": "$(WORKERS) (x)" },
        "secrets": { "TOKEN": "arn:aws:secretsmanager:eu-west-9:123456789012:secret:token" },
    } }));
    let mut process: crate::api::app::Process = serde_json::from_value(process).unwrap();
    process.expose = Some(serde_json::from_value(json!({ "containerPort": 3000 })).unwrap());
    app.spec.processes.insert("api".into(), process);
    app
}

fn built(app: &App) -> Result<Built, Error> {
    let platform = platform(json!({
        "tasks": { "executionRoleArn": "arn:aws:iam::123456789012:role/execution" },
        "tenancy": { "namespaceSelector": {}, "taskRoleArns": ["*"], "secretArns": ["*"], "sidecars": true },
    }));
    build(app, &platform, &owner(), &namespace())
}

fn words(app: &App) -> Vec<String> {
    let built = built(app).unwrap();
    built.desired.processes["api"]
        .task_definition
        .main
        .command
        .clone()
}

fn hint(app: &App) -> Option<String> {
    let built = built(app).unwrap();
    built.desired.processes["api"].hint.clone()
}

fn stored(app: &App, generation: i64, replaces: Option<bool>) -> App {
    let mut app = app.clone();
    app.status = Some(crate::api::app::AppStatus {
        observed_generation: generation,
        replaces_variables: replaces,
        ..crate::api::app::AppStatus::default()
    });
    app
}

#[test]
fn a_variable_of_the_process_is_replaced_in_its_word() {
    for (command, expected) in [
        ("web -p $(PORT)", &["web", "-p", "3000"][..]),
        (
            "web -b 0.0.0.0:$(PORT)/$(WORKERS)",
            &["web", "-b", "0.0.0.0:3000/3"],
        ),
        ("web '$(PORT) x' \"$(PORT)\"", &["web", "3000 x", "3000"]),
        (
            "web $(SOURCE) $(EMPIRE_PROCESS) $(EMPIRE_APPNAME)",
            &["web", "acme.api", "api", "acme"],
        ),
        // What stands in a value is not replaced again, nor does it fall apart into words.
        ("web $(LEVEL)", &["web", "$(WORKERS) (x)"]),
        (
            "web $(NOBODY) $(nproc) $PORT ${PORT}",
            &["web", "$(NOBODY)", "$(nproc)", "$PORT", "${PORT}"],
        ),
        (
            "web $$(PORT) $$$(PORT) $$ a$$b $(",
            &["web", "$(PORT)", "$$(PORT)", "$$", "a$$b", "$("],
        ),
        ("web $(PORT $(PORT)", &["web", "$(PORT", "3000"]),
        ("web $(A$(PORT))", &["web", "$(A3000)"]),
        ("web \\$(PORT) $()", &["web", "3000", "$()"]),
    ] {
        assert_eq!(words(&acme(json!({ "command": command }))), expected, "{command}");
    }
    let args = json!({ "command": "web", "args": ["--port=$(PORT)", "a $(WORKERS) b", "$$(PORT)"] });
    assert_eq!(words(&acme(args)), ["web", "--port=3000", "a 3 b", "$(PORT)"]);
}

#[test]
fn a_secret_is_never_written_into_a_command() {
    for (process, field) in [
        (json!({ "command": "web $(TOKEN)" }), "command"),
        (json!({ "command": "web", "args": ["--token=$(TOKEN)"] }), "args"),
    ] {
        let error = built(&acme(process)).unwrap_err();
        let message = error.to_string();
        assert_eq!(error.class(), Class::Invalid);
        assert!(
            message.starts_with(&format!("process api: {field}: $(TOKEN) names a secret")),
            "{message}"
        );
    }
    let escaped = acme(json!({ "command": "web $$(TOKEN)" }));
    assert_eq!(words(&escaped), ["web", "$(TOKEN)"]);
}

#[test]
fn a_variable_of_a_container_is_replaced_in_its_check_and_in_a_sidecar() {
    let process = |check: &str, proxy: Value| json!({ "command": "web $$(PORT)", "healthCheck": { "command": check }, "sidecars": { "proxy": proxy } });
    let proxy = json!({
        "image": "p", "command": "envoy --level $(LEVEL) $(PORT)", "args": ["$(LEVEL)", "$$(LEVEL)"],
        "env": { "LEVEL": "info 2" }, "healthCheck": { "command": "check $(LEVEL)" },
    });
    let app = acme(process("check $(PORT) $(WORKERS)", proxy));
    // These fields are new: no text of them was stored before.
    for app in [app.clone(), stored(&app, 3, None)] {
        let built = built(&app).unwrap();
        let content = &built.desired.processes["api"].task_definition;
        let checks = content.containers().map(|container| {
            let check = container.details().health_check.as_ref();
            check.unwrap().command.clone()
        });
        assert_eq!(
            checks.collect::<Vec<_>>(),
            [&["CMD", "check", "3000", "3"][..], &["CMD", "check", "info 2"]]
        );
        // It has none of the process's.
        assert_eq!(
            content.sidecars[0].command,
            ["envoy", "--level", "info 2", "$(PORT)", "info 2", "$(LEVEL)"]
        );
    }
    let by_shell =
        json!({ "command": "web", "healthCheck": { "command": "check $(cat port)", "shell": true } });
    let built = built(&acme(by_shell)).unwrap();
    let main = &built.desired.processes["api"].task_definition.main;
    let check = main.details().health_check.as_ref().unwrap();
    assert_eq!(check.command, ["CMD-SHELL", "check $(cat port)"]);
}

#[test]
fn a_secret_is_never_written_into_a_check_or_a_sidecar() {
    let secret = "arn:aws:secretsmanager:eu-west-9:123456789012:secret:own";
    let with = |fields: Value| {
        let mut proxy = json!({ "image": "p", "command": "envoy", "secrets": { "OWN": secret } });
        for (key, value) in fields.as_object().unwrap() {
            proxy[key] = value.clone();
        }
        json!({ "command": "web", "sidecars": { "proxy": proxy } })
    };
    for (process, field, name) in [
        (
            json!({ "command": "web", "healthCheck": { "command": "check $(TOKEN)" } }),
            "healthCheck.command",
            "TOKEN",
        ),
        (
            with(json!({ "command": "envoy $(OWN)" })),
            "sidecars.proxy.command",
            "OWN",
        ),
        (with(json!({ "args": ["$(OWN)"] })), "sidecars.proxy.args", "OWN"),
        (
            with(json!({ "healthCheck": { "command": "check $(OWN)" } })),
            "sidecars.proxy.healthCheck.command",
            "OWN",
        ),
    ] {
        let message = built(&acme(process)).unwrap_err().to_string();
        let expected = format!("process api: {field}: $({name}) names a secret");
        assert!(message.starts_with(&expected), "{message}");
    }
}

#[test]
fn an_app_that_was_stored_as_plain_text_stays_so_until_it_is_edited() {
    let app = acme(json!({ "command": "web $(PORT) $$(PORT) $(TOKEN)" }));
    let plain = ["web", "$(PORT)", "$$(PORT)", "$(TOKEN)"];
    let before = stored(&app, 3, None);
    assert_eq!(words(&before), plain);
    assert_eq!(replaces_variables(&before), None);
    assert!(hint(&before).is_some());
    let mut deleted = stored(&before, 2, None);
    deleted.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(
        jiff::Timestamp::UNIX_EPOCH,
    ));
    assert_eq!(words(&deleted), plain);
    // It is at generation 3.
    let app = acme(json!({ "command": "web $(PORT) $$(PORT)" }));
    let replaced = ["web", "3000", "$(PORT)"];
    for now in [
        app.clone(),
        stored(&app, 2, None),
        stored(&app, -1, None),
        stored(&app, 3, Some(true)),
    ] {
        assert_eq!(words(&now), replaced);
        assert_eq!(replaces_variables(&now), Some(true));
    }
    // Nothing is remembered of what has no such text.
    for process in [
        json!({ "command": "web" }),
        json!({ "command": "echo $(PORT)", "shell": true }),
    ] {
        assert_eq!(replaces_variables(&acme(process)), None);
    }
}

#[test]
fn a_shell_runs_the_text_as_it_is() {
    for (process, expected) in [
        (
            json!({ "command": "web -p $PORT" }),
            &["sh", "-c", "exec web -p $PORT"][..],
        ),
        (
            json!({ "command": " cd app && ./web $(nproc) " }),
            &["sh", "-c", "cd app && exec ./web $(nproc)"],
        ),
        (json!({ "command": "a | b" }), &["sh", "-c", "a | b"]),
        (
            json!({ "command": "web \"$@\"", "args": ["$(PORT)", ""] }),
            &["sh", "-c", "exec web \"$@\"", "sh", "$(PORT)", ""],
        ),
    ] {
        let mut process = process;
        process["shell"] = json!(true);
        let app = acme(process);
        assert_eq!(words(&app), expected);
        assert_eq!(hint(&app), None);
    }
    let of_bash = acme(json!({ "command": "[[ -f x ]] && web", "shell": true }));
    assert!(hint(&of_bash).unwrap().contains("[[ is of bash"));
}

#[test]
fn an_entry_point_stands_before_command_and_args() {
    let tini = ["/usr/bin/tini", "--"];
    for (process, expected) in [
        (json!({ "command": "web -p $(PORT)" }), &["web", "-p", "3000"][..]),
        // The words may be all that follows it.
        (json!({ "args": ["web", "$(PORT)"] }), &["web", "3000"]),
        (json!({}), &[]),
        (
            json!({ "command": "a | b", "shell": true }),
            &["sh", "-c", "a | b"],
        ),
    ] {
        let mut process = process;
        process["entryPoint"] = json!(tini);
        let app = acme(process);
        assert_eq!(words(&app), expected);
        assert_eq!(hint(&app), None);
    }
}

#[test]
fn an_entry_point_that_is_a_shell_gets_no_other_shell_to_run() {
    let with = |entry_point: &[&str], command: &str, shell: bool| {
        acme(json!({ "entryPoint": entry_point, "command": command, "shell": shell }))
    };
    for entry_point in [
        &["/bin/sh", "-c"][..],
        &["tini", "--", "bash", "-lc"],
        &["python", "-c"],
    ] {
        let error = built(&with(entry_point, "web $PORT", true)).unwrap_err();
        assert_eq!(error.class(), Class::Invalid);
        assert_eq!(
            error.to_string(),
            "process api: shell: entryPoint ends with an option that takes a command line, such as -c, and would be given the word \
             sh and not the command: leave entryPoint out, or end it before the shell, such as [\"/usr/bin/tini\", \"--\"]"
        );
    }
    for entry_point in [
        &["/usr/bin/env"][..],
        &["web", "-sync"],
        &["sh"],
        &["bash", "--exec"],
    ] {
        assert!(
            built(&with(entry_point, "web $PORT", true)).is_ok(),
            "{entry_point:?}"
        );
    }
    // Without another, it runs one word.
    let shell = ["/bin/sh", "-c"];
    assert_eq!(
        hint(&with(&shell, "web -p 80", false)).unwrap(),
        "entryPoint ends with -c, and runs the first word of the command alone: leave it out, and set shell: true"
    );
    assert_eq!(hint(&with(&shell, "'cd app && ./web $PORT'", false)), None);
}

#[test]
fn a_command_that_wants_a_shell_is_told_of_unless_its_variables_are_ours() {
    assert_eq!(
        hint(&acme(
            json!({ "command": "web -p $(PORT) $$(x)", "args": ["$(WORKERS)"] })
        )),
        None
    );
    for command in ["web -p $PORT", "web -p $(NOBODY)", "web $(PORT) && x"] {
        assert!(hint(&acme(json!({ "command": command }))).is_some(), "{command}");
    }
}
