//! Variables and their precedence, roles, limits and images.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a manifest is written where it is used"
)]

use serde_json::{Value, json};

use crate::desired::fixtures::build;
use crate::desired::fixtures::{app_with, namespace, owner, platform};
use crate::error::Error;
use crate::model::class::Class;
use crate::model::service::TaskDefinition;

const ROLE: &str = "arn:aws:iam::123456789012:role/apps/acme";

fn arn(secret: &str) -> String {
    format!("arn:aws:secretsmanager:eu-west-9:123456789012:secret:shop/{secret}")
}

/// A Platform on which everything is allowed.
fn generous() -> Value {
    json!({
        "tasks": { "executionRoleArn": "arn:aws:iam::123456789012:role/execution" },
        "tenancy": { "namespaceSelector": {}, "taskRoleArns": ["*"], "secretArns": ["*"] },
    })
}

fn built(app: Value, process: Value, spec: Value) -> Result<TaskDefinition, Error> {
    let mut app = app_with(json!({ "spec": app }));
    let process = serde_json::from_value(process).unwrap();
    app.spec.processes.insert("api".into(), process);
    let mut built = build(&app, &platform(spec), &owner(), &namespace())?.desired;
    Ok(built.processes.remove("api").unwrap().task_definition)
}

fn allowed(app: Value, process: Value) -> TaskDefinition {
    built(app, process, generous()).unwrap()
}

fn refused(app: Value, process: Value, spec: Value) -> String {
    let error = built(app, process, spec).unwrap_err();
    assert_eq!(error.class(), Class::Invalid);
    error.to_string()
}

fn fargate() -> Value {
    json!({
        "capacity": { "launchType": "FARGATE" },
        "network": { "mode": "awsvpc", "tasks": { "subnets": ["subnet-t"] } },
    })
}

#[test]
fn a_task_has_the_apps_role_its_own_image_and_its_limits() {
    let content = allowed(
        json!({ "taskRoleArn": ROLE }),
        json!({
            "command": "run", "image": "registry.example/api:v7", "ulimits": { "nproc": 512 }, "stopTimeout": "1m30s",
            "readOnlyRootFilesystem": true,
        }),
    );
    assert_eq!(content.task_role_arn.as_deref(), Some(ROLE));
    assert_eq!(content.main.image, "registry.example/api:v7");
    assert_eq!(
        (content.main.process_limit, content.main.stop_timeout),
        (Some(512), Some(90))
    );
    assert!(content.main.read_only_root_filesystem);
    let plain = allowed(json!({}), json!({ "command": "run" }));
    assert_eq!(plain.main.image, "registry.example/acme:v42");
    assert_eq!((plain.main.process_limit, plain.main.stop_timeout), (None, None));
    assert_eq!(plain.task_role_arn, None);
    assert!(!plain.main.read_only_root_filesystem && plain.main.secrets.is_empty());
}

#[test]
fn a_name_of_the_process_hides_that_of_the_app_be_it_a_value_or_a_secret() {
    let content = allowed(
        json!({
            "env": { "BOTH_VALUES": "app", "SECRET_HERE": "app", "KEPT": "app" },
            "secrets": { "BOTH_SECRETS": arn("app"), "VALUE_HERE": arn("app"), "KEPT_SECRET": arn("app") },
        }),
        json!({
            "command": "run",
            "env": { "BOTH_VALUES": "process", "VALUE_HERE": "process" },
            "secrets": { "BOTH_SECRETS": arn("process"), "SECRET_HERE": arn("process") },
        }),
    );
    let values = content.main.environment.0;
    let users: Vec<(&str, &str)> = values
        .iter()
        .filter(|(name, _)| *name != "SOURCE" && !name.starts_with("EMPIRE_"))
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        users,
        [
            ("BOTH_VALUES", "process"),
            ("KEPT", "app"),
            ("VALUE_HERE", "process")
        ]
    );
    let secrets: Vec<(&str, &str)> = content
        .main
        .secrets
        .iter()
        .map(|(name, arn)| (name.as_str(), arn.rsplit('/').next().unwrap()))
        .collect();
    assert_eq!(
        secrets,
        [
            ("BOTH_SECRETS", "process"),
            ("KEPT_SECRET", "app"),
            ("SECRET_HERE", "process")
        ]
    );
}

/// The schema refuses them; one that was stored before it did must not reach AWS.
#[test]
fn our_own_variables_hide_secrets_of_their_names() {
    let content = allowed(
        json!({ "secrets": { "PORT": arn("port"), "SOURCE": arn("source") } }),
        json!({ "command": "run", "expose": {} }),
    );
    assert_eq!(content.main.secrets.len(), 0);
    assert_eq!(content.main.environment.0["PORT"], "8080");
    // A process that is not exposed has no port, and may call anything else so.
    let unexposed = allowed(
        json!({}),
        json!({ "command": "run", "secrets": { "PORT": arn("port") } }),
    );
    assert_eq!(unexposed.main.secrets["PORT"], arn("port"));
}

#[test]
fn one_name_in_env_and_secrets_of_one_level_is_refused() {
    let both = || json!({ "env": { "TOKEN": "x" }, "secrets": { "TOKEN": arn("token") } });
    let mut process = both();
    process["command"] = json!("run");
    for (app, process) in [(both(), json!({ "command": "run" })), (json!({}), process)] {
        assert_eq!(
            refused(app, process, generous()),
            "process api: secrets: TOKEN is also in env"
        );
    }
}

#[test]
fn secrets_need_the_role_that_reads_them() {
    let message = refused(
        json!({ "secrets": { "TOKEN": arn("token") } }),
        json!({ "command": "run" }),
        json!({ "tenancy": { "namespaceSelector": {}, "secretArns": ["*"] } }),
    );
    assert_eq!(
        message,
        "process api: secrets: Platform staging has no tasks.executionRoleArn, the role by which ECS would read them"
    );
}

/// The schema can afford no more than to look at how an ARN begins.
#[test]
fn a_secret_is_one_of_secrets_manager_or_a_parameter_of_ssm() {
    let secret = |arn: &str| json!({ "command": "run", "secrets": { "TOKEN": arn } });
    for other in [
        "arn:aws:s3:::shop/token",
        "arn:aws:secretsmanager:eu-west-9:123456789012:token",
        "arn:aws:ssm:eu-west-9:123456789012:document/token",
        "arn:aws:ssm",
    ] {
        assert_eq!(
            refused(json!({}), secret(other), generous()),
            "process api: secrets: TOKEN: must be the ARN of a secret in Secrets Manager or of a parameter of SSM, or the name of one: secretsmanager:shop/db, /shop/db or ssm:db"
        );
    }
    for good in [
        "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/shop/token",
        "arn:aws:secretsmanager:eu-west-9:123456789012:secret:shop/token-a1b2c3:key:AWSCURRENT:",
    ] {
        assert_eq!(allowed(json!({}), secret(good)).main.secrets["TOKEN"], good);
    }
}

#[test]
fn fargate_has_no_nproc_and_waits_two_minutes_at_most() {
    let on_fargate = |process: Value| refused(json!({}), process, fargate());
    assert_eq!(
        on_fargate(json!({ "command": "run", "ulimits": { "nproc": 512 } })),
        "process api: ulimits.nproc: Fargate takes no such limit"
    );
    assert_eq!(
        on_fargate(json!({ "command": "run", "stopTimeout": "121s" })),
        "process api: stopTimeout: Fargate waits 120s at most"
    );
    let longest = built(
        json!({}),
        json!({ "command": "run", "stopTimeout": "2m" }),
        fargate(),
    );
    assert_eq!(longest.unwrap().main.stop_timeout, Some(120));
    assert_eq!(
        allowed(json!({}), json!({ "command": "run", "stopTimeout": "1h" }))
            .main
            .stop_timeout,
        Some(3600)
    );
}
