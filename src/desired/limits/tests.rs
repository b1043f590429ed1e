//! Each limit: just within it, and just beyond.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a manifest is written where it is used"
)]

use serde_json::{Value, json};

use super::*;
use crate::desired::fixtures::build;
use crate::desired::fixtures::{app, namespace, owner, platform};
use crate::model::class::Class;
use crate::model::container::{Condition, ContainerCheck};

/// An App with one process, `api`, on a Platform with this in its spec.
fn outcome(process: Value, spec: Value) -> Result<(), String> {
    match build(
        &app(json!({ "api": process })),
        &platform(spec),
        &owner(),
        &namespace(),
    ) {
        Ok(_) => Ok(()),
        Err(error) => {
            assert_eq!(error.class(), Class::Invalid);
            Err(error.to_string())
        }
    }
}

fn refused(process: Value, spec: Value, why: &str) {
    let message = outcome(process, spec).unwrap_err();
    assert!(message.contains(why), "{why} is not in: {message}");
}

fn roles() -> Value {
    json!({
        "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
        "schedulerRoleArn": "arn:aws:iam::123456789012:role/scheduler",
    })
}

fn providers(count: usize) -> Value {
    let provider = |number| json!({ "name": format!("pool-{number}") });
    json!({
        "capacity": { "capacityProviders": (0..count).map(provider).collect::<Vec<_>>() },
        "tasks": roles(),
    })
}

#[test]
fn an_image_has_255_characters_at_most() {
    for process in [
        json!({ "command": "run" }),
        json!({ "command": "run", "noservice": true }),
    ] {
        let with = |length: usize| {
            let mut process = process.clone();
            process["image"] = json!("i".repeat(length));
            process
        };
        assert_eq!(outcome(with(255), json!({})), Ok(()));
        refused(
            with(256),
            json!({}),
            "process api: image: has 256 characters, and ECS takes at most 255",
        );
    }
}

#[test]
fn a_task_definition_has_65_536_bytes_at_most_and_the_largest_field_is_named() {
    let value = |length: usize| "x".repeat(length);
    let env = |length| json!({ "command": "run", "env": { "A": value(30_000), "B": value(length) } });
    assert_eq!(outcome(env(32_768), json!({})), Ok(()));
    assert_eq!(outcome(env(35_000), json!({})), Ok(()));
    refused(
        env(36_000),
        json!({}),
        "process api: env: the process's task definition has 66",
    );
    refused(env(36_000), json!({}), "and ECS takes at most 65536");
    // Of the 250 × 32 KiB that the schema lets through.
    let many: serde_json::Map<String, Value> = (0..250)
        .map(|number| (format!("V{number}"), json!(value(32_768))))
        .collect();
    refused(
        json!({ "command": "run", "env": many }),
        json!({}),
        "process api: env: the process's task definition has 8",
    );
    let args: Vec<String> = (0..20).map(|_| value(4_096)).collect();
    refused(
        json!({ "command": "run", "args": args, "cron": "0 3 * * ? *" }),
        json!({ "tasks": roles() }),
        "process api: command: the process's task definition",
    );
    let secret = |number| {
        let arn = format!(
            "arn:aws:secretsmanager:eu-west-9:123456789012:secret:{number}{}",
            value(400)
        );
        (format!("S{number}"), json!(arn))
    };
    let secrets: serde_json::Map<String, Value> = (0..150).map(secret).collect();
    let mut spec = json!({ "tasks": roles() });
    spec["tenancy"] = json!({ "namespaceSelector": {}, "secretArns": ["*"] });
    refused(
        json!({ "command": "run", "noservice": true, "secrets": secrets }),
        spec,
        "process api: secrets: the process's task definition",
    );
    let options: serde_json::Map<String, Value> = (0..40)
        .map(|number| (format!("option-{number}"), json!(value(2_000))))
        .collect();
    refused(
        json!({ "command": "run" }),
        json!({ "tasks": { "logging": { "driver": "syslog", "options": options } } }),
        "process api: Platform staging: tasks.logging.options: the process's task definition",
    );
}

/// Each field that a container may have counts: by its name for that of the process.
#[test]
fn all_fields_of_all_containers_count() {
    let long = "x".repeat(65_536);
    let secret = format!("arn:aws:secretsmanager:eu-west-9:123456789012:secret:{long}");
    let spec = || {
        json!({
            "tasks": roles(),
            "tenancy": { "namespaceSelector": {}, "secretArns": ["*"], "sidecars": true, "logging": true },
        })
    };
    for (field, value) in [
        ("command", json!(long)),
        ("entryPoint", json!([long])),
        ("env", json!({ "A": long })),
        ("secrets", json!({ "A": secret })),
        ("healthCheck", json!({ "command": long })),
        ("user", json!(long)),
        ("workingDirectory", json!(format!("/{long}"))),
        ("dockerLabels", json!({ "a": long })),
        ("repositoryCredentials", json!(secret)),
    ] {
        let mut process = json!({ "command": "run" });
        process[field] = value.clone();
        let why = "the process's task definition has 6";
        refused(process, spec(), &format!("process api: {field}: {why}"));
        let mut sidecar = json!({ "image": "a" });
        sidecar[field] = value;
        let beside = json!({ "command": "run", "sidecars": { "a": sidecar } });
        refused(beside, spec(), &format!("process api: sidecars: {why}"));
    }
    let path = format!("/{long}");
    let tmpfs = json!({ "command": "run", "tmpfs": { path: "1Mi" } });
    refused(tmpfs, spec(), "process api: tmpfs: the process's");
    let directory = json!({ "fileSystemId": "fs-1", "rootDirectory": format!("/{long}") });
    let mut open = spec();
    open["tenancy"]["fileSystems"] = json!(["*"]);
    refused(
        json!({ "command": "run", "volumes": { "a": { "efs": directory } } }),
        open,
        "process api: volumes: the process's",
    );
    let volume = json!({ "a": {} });
    let mounts = json!({ format!("/{long}"): { "volume": "a" } });
    let mounted = json!({ "command": "run", "volumes": volume, "mounts": mounts });
    refused(mounted, spec(), "process api: mounts: the process's");
    let beside = json!({ "a": { "image": "a", "mounts": mounts } });
    refused(
        json!({ "command": "run", "volumes": volume, "sidecars": beside }),
        spec(),
        "process api: sidecars: the process's",
    );
    let file = json!({ "config-file-type": "file", "config-file-value": format!("/{long}") });
    let router = json!({ "a": { "image": "a", "logRouter": { "type": "fluentbit", "options": file } } });
    refused(
        json!({ "command": "run", "sidecars": router }),
        spec(),
        "process api: sidecars: the process's",
    );
    // Each container logs as the Platform says.
    let mut logs = spec();
    logs["tasks"]["logging"] = json!({ "driver": "syslog", "options": { "tag": "x".repeat(20_000) } });
    let beside = |names: &[&str]| {
        let sidecars = names
            .iter()
            .map(|name| ((*name).to_owned(), json!({ "image": "a" })));
        let sidecars: serde_json::Map<String, Value> = sidecars.collect();
        json!({ "command": "run", "sidecars": sidecars })
    };
    assert_eq!(outcome(beside(&["a", "b"]), logs.clone()), Ok(()));
    refused(
        beside(&["a", "b", "c"]),
        logs,
        "process api: sidecars: the process's",
    );
}

#[test]
fn a_dependency_counts() {
    let waits = |names: &[&str]| {
        let names = names.iter().map(|name| ((*name).to_owned(), Condition::Start));
        let details = Details {
            depends_on: names.collect(),
            ..Details::default()
        };
        let container = Container {
            details: details.kept(),
            ..Container::default()
        };
        total(&of_container(&container))
    };
    let sent = r#"{"containerName":"proxy","condition":"START"},"#.len();
    assert_eq!(waits(&["proxy"]) - waits(&[]), sent);
}

#[test]
fn a_check_counts_as_it_is_sent() {
    let check = ContainerCheck {
        command: vec!["CMD".into(), "./check".into()],
        interval: 5,
        timeout: 2,
        retries: 1,
        start_period: 0,
    };
    let with = |health_check| {
        let details = Details {
            health_check,
            ..Details::default()
        };
        let container = Container {
            details: details.kept(),
            ..Container::default()
        };
        total(&of_container(&container))
    };
    let sent = r#""healthCheck":{"command":["CMD","./check",],"interval":5,"timeout":2,"retries":1},"#.len();
    assert_eq!(with(Some(check)) - with(None), sent);
}

/// JSON takes six bytes for a control character.
#[test]
fn bytes_are_those_of_json() {
    for text in [
        "plain",
        "a \"word\"\\\n\t\r",
        "\u{1}\u{8}\u{c}\u{1f}",
        "größer 日本 🚀",
        "\u{7f}",
    ] {
        assert_eq!(json(text), serde_json::to_string(text).unwrap().len(), "{text:?}");
    }
}

#[test]
fn a_schedule_takes_six_capacity_providers_at_most_and_a_service_twenty() {
    let cron = json!({ "command": "run", "cron": "0 3 * * ? *" });
    assert_eq!(outcome(cron.clone(), providers(6)), Ok(()));
    refused(
        cron,
        providers(7),
        "process api: cron: Platform staging has 7 capacity.capacityProviders, and EventBridge Scheduler takes at most 6",
    );
    assert_eq!(outcome(json!({ "command": "run" }), providers(20)), Ok(()));
}

#[test]
fn a_schedule_takes_a_role_of_plain_characters() {
    let cron = || json!({ "command": "run", "cron": "0 3 * * ? *" });
    let with = |role: &str| json!({ "tasks": { "schedulerRoleArn": format!("arn:aws:iam::123456789012:role/{role}") } });
    assert_eq!(outcome(cron(), with("apps/a+b=c,d.e@f-g_h")), Ok(()));
    refused(
        cron(),
        with("apps/a:b"),
        "process api: cron: Platform staging has a tasks.schedulerRoleArn",
    );
}

#[test]
fn a_name_leaves_room_for_its_ownership_record() {
    // `acme-api.` has 9 characters.
    let zone = |length: usize| {
        let labels = ["z".repeat(63), "z".repeat(63), "z".repeat(63), "z".repeat(63)].join(".");
        labels[..length - 2].to_owned() + ".y"
    };
    let named = |length: usize| {
        let mut platform = platform(json!({}));
        let zones = platform.status.as_mut().unwrap().zones.as_mut().unwrap();
        zones.internal = Some(zone(length));
        let app = app(json!({ "api": { "command": "run", "expose": {} } }));
        build(&app, &platform, &owner(), &namespace()).map(|_| ())
    };
    assert!(named(236).is_ok());
    let message = named(237).unwrap_err().to_string();
    assert!(
        message.contains("process api: expose: its name acme-api.z"),
        "{message}"
    );
    assert!(message.contains("has 246 characters"), "{message}");
}

#[test]
fn a_redeploy_annotation_has_256_characters_at_most() {
    let mut app = app(json!({ "api": { "command": "run" } }));
    let mut outcome = |length: usize| {
        let value = "x".repeat(length);
        app.metadata.annotations = Some([(REDEPLOY_ANNOTATION.into(), value)].into());
        build(&app, &platform(json!({})), &owner(), &namespace()).map(|_| ())
    };
    assert!(outcome(256).is_ok());
    let error = outcome(250_000).unwrap_err();
    assert_eq!(
        error.to_string(),
        "metadata.annotations[empire.dev/redeploy]: has 250000 characters, and at most 256 are taken"
    );
}
