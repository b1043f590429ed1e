//! What a container may have, its limits, and where it may run.

use serde_json::{Value, json};

use crate::desired::fixtures::build;
use crate::desired::fixtures::{app, namespace, owner, platform, task_definition};
use crate::model::container::{ContainerCheck, Details};
use crate::model::service::TaskDefinition;

const REGISTRY: &str = "arn:aws:secretsmanager:eu-west-9:123456789012:secret:registry-a1b2c3";

fn built(mut process: Value, spec: Value) -> Result<TaskDefinition, String> {
    process["command"] = json!("./bin/api");
    task_definition(&app(json!({ "api": process })), spec)
}

fn bridge() -> Value {
    json!({
        "tasks": { "executionRoleArn": "arn:aws:iam::123456789012:role/execution" },
        "tenancy": { "namespaceSelector": {}, "secretArns": ["*"], "sidecars": true },
    })
}

fn fargate() -> Value {
    json!({
        "capacity": { "launchType": "FARGATE" },
        "network": { "mode": "awsvpc", "tasks": { "subnets": ["subnet-t"] } },
    })
}

fn details(process: Value) -> Details {
    built(process, bridge()).unwrap().main.details().clone()
}

fn refused(process: Value, spec: Value) -> String {
    built(process, spec).unwrap_err()
}

#[test]
fn a_process_that_says_nothing_has_nothing() {
    let content = built(json!({}), bridge()).unwrap();
    assert_eq!((content.main.details, content.ephemeral_storage), (None, None));
    // Nor does one that says the defaults.
    let said = json!({ "init": false, "entryPoint": [], "tmpfs": {}, "dockerLabels": {}, "dependsOn": {}, "sidecars": {} });
    assert_eq!(built(said, bridge()).unwrap().main.details, None);
}

#[test]
fn all_of_it_reaches_the_container() {
    let found = details(json!({
        "entryPoint": ["/usr/bin/tini", "--"], "user": "1000:1000", "workingDirectory": "/srv", "init": true,
        "dockerLabels": { "team": "retail" }, "repositoryCredentials": REGISTRY,
        "tmpfs": { "/tmp": "64Mi", "/run": "1.5Mi" },
        "healthCheck": { "command": "./bin/check 'a b'" },
    }));
    let expected = Details {
        entry_point: vec!["/usr/bin/tini".into(), "--".into()],
        health_check: Some(ContainerCheck {
            command: vec!["CMD".into(), "./bin/check".into(), "a b".into()],
            interval: 30,
            timeout: 5,
            retries: 3,
            start_period: 0,
        }),
        user: Some("1000:1000".into()),
        working_directory: Some("/srv".into()),
        init: true,
        labels: [("team".into(), "retail".into())].into(),
        repository_credentials: Some(REGISTRY.into()),
        tmpfs: [("/run".into(), 2), ("/tmp".into(), 64)].into(),
        ..Details::default()
    };
    assert_eq!(found, expected);
}

#[test]
fn a_check_by_the_shell_is_one_line_and_has_its_own_times() {
    let found = details(json!({ "healthCheck": {
        "command": "curl -f http://localhost:$PORT/ || exit 1", "shell": true,
        "interval": "5s", "timeout": "1m", "retries": 10, "startPeriod": "5m",
    } }));
    let check = found.health_check.unwrap();
    assert_eq!(
        check.command,
        ["CMD-SHELL", "curl -f http://localhost:$PORT/ || exit 1"]
    );
    assert_eq!(
        (check.interval, check.timeout, check.retries, check.start_period),
        (5, 60, 10, 300)
    );
    assert_eq!(check.patience(), 300 + 10 * 65);
}

/// The schema refuses most of it; what was stored before it did must not reach AWS.
#[test]
fn what_ecs_does_not_take_is_refused_with_process_and_field() {
    let check = |fields: Value| {
        let mut check = json!({ "command": "true" });
        for (key, value) in fields.as_object().unwrap() {
            check[key] = value.clone();
        }
        json!({ "healthCheck": check })
    };
    for (process, expected) in [
        (check(json!({ "command": "" })), "healthCheck.command: is empty"),
        (
            check(json!({ "command": "'" })),
            "healthCheck.command: cannot be split like a shell: missing closing quote",
        ),
        (
            check(json!({ "interval": "4s" })),
            "healthCheck.interval: 4s is not within the 5s to 300s that ECS takes",
        ),
        (
            check(json!({ "timeout": "61s" })),
            "healthCheck.timeout: 61s is not within the 2s to 60s that ECS takes",
        ),
        (
            check(json!({ "retries": 11 })),
            "healthCheck.retries: 11 is not within the 1 to 10 that ECS takes",
        ),
        (
            check(json!({ "startPeriod": "301s" })),
            "healthCheck.startPeriod: 301s is not within the 0s to 300s that ECS takes",
        ),
        (
            json!({ "tmpfs": { "/tmp": "lots" } }),
            "tmpfs: /tmp: lots is no amount of memory",
        ),
        (
            json!({ "ephemeralStorage": "50Gi" }),
            "ephemeralStorage: is for Fargate only: elsewhere a task has the disk of its instance",
        ),
        (
            json!({ "dependsOn": { "proxy": "START" } }),
            "dependsOn: proxy is no container of the process's tasks",
        ),
        (
            json!({ "dependsOn": { "api": "START" } }),
            "dependsOn: none of api can start, since they wait for each other",
        ),
    ] {
        assert_eq!(refused(process, bridge()), format!("process api: {expected}"));
    }
}

/// Of the process, and of each sidecar, at which the schema does not look.
#[test]
fn texts_are_judged_in_every_container() {
    let user = "user: is no user, nor a user and a group, by name or id, such as 1000 or app:app";
    let directory = "workingDirectory: is no absolute path, such as /srv/app";
    let name = "dockerLabels: has a name that is empty or has control characters";
    let refusals = [
        ("user", json!(""), user),
        ("user", json!("a b"), user),
        ("user", json!(":app"), user),
        ("user", json!("app:"), user),
        ("user", json!("a:b:c"), user),
        ("user", json!("a\u{0}"), user),
        ("workingDirectory", json!(""), directory),
        ("workingDirectory", json!("srv"), directory),
        ("workingDirectory", json!("/srv\n"), directory),
        ("workingDirectory", json!("/srv\u{7f}"), directory),
        ("dockerLabels", json!({ "": "a" }), name),
        ("dockerLabels", json!({ "a\n": "a" }), name),
        (
            "dockerLabels",
            json!({ "a": "\u{0}" }),
            "dockerLabels: a: has control characters, such as NUL",
        ),
    ];
    for (field, value, expected) in refusals {
        assert_eq!(
            refused(json!({ field: value.clone() }), bridge()),
            format!("process api: {expected}")
        );
        let beside = json!({ "sidecars": { "proxy": { "image": "p", field: value } } });
        assert_eq!(
            refused(beside, bridge()),
            format!("process api: sidecars.proxy.{expected}")
        );
    }
    for path in ["", "tmp", "/tmp\u{0}"] {
        assert_eq!(
            refused(json!({ "tmpfs": { path: "64Mi" } }), bridge()),
            "process api: tmpfs: has a path that is no absolute one, such as /tmp"
        );
    }
    for path in ["/", "//", "/tmp/", "/a//b", "/./tmp", "/a/..", "/../tmp", "/a/."] {
        assert_eq!(
            refused(json!({ "tmpfs": { path: "64Mi" } }), bridge()),
            format!(
                "process api: tmpfs: {path}: must be below /, without a / at its end and without //, . and .. in it, such as \
                 /var/tmp"
            )
        );
    }
    assert!(built(json!({ "tmpfs": { "/a/..b/.c": "1Mi" } }), bridge()).is_ok());
    for fields in [
        json!({ "user": "0", "workingDirectory": "/", "dockerLabels": { "enable": "" } }),
        json!({ "user": "größe:1000", "workingDirectory": "/srv/a b", "dockerLabels": { "a b": "1\n\t2" } }),
    ] {
        assert!(built(fields.clone(), bridge()).is_ok(), "{fields}");
        let mut beside = fields;
        beside["image"] = json!("p");
        built(json!({ "sidecars": { "proxy": beside } }), bridge()).unwrap();
    }
}

#[test]
fn a_registrys_secret_needs_a_role_that_reads_it_and_a_grant() {
    let process = || json!({ "repositoryCredentials": REGISTRY });
    let mut without_role = bridge();
    without_role["tasks"] = json!({});
    assert_eq!(
        refused(process(), without_role),
        "process api: repositoryCredentials: Platform staging has no tasks.executionRoleArn, the role by which ECS would \
         read them"
    );
    let mut without_grant = bridge();
    without_grant["tenancy"] = json!({ "namespaceSelector": {} });
    assert_eq!(
        refused(process(), without_grant),
        format!(
            "process api: repositoryCredentials: Platform staging does not allow {REGISTRY}: it matches nothing in \
             tenancy.secretArns"
        )
    );
}

#[test]
fn fargate_has_a_disk_of_its_own_and_no_tmpfs() {
    for (given, expected) in [("20.1Gi", 21), ("50G", 47), ("200Gi", 200)] {
        let content = built(json!({ "ephemeralStorage": given }), fargate()).unwrap();
        assert_eq!(content.ephemeral_storage, Some(expected), "{given}");
    }
    for (given, expected) in [
        (
            "20Gi",
            "20 GiB is not within the 21 GiB to 200 GiB that ECS takes",
        ),
        (
            "201Gi",
            "201 GiB is not within the 21 GiB to 200 GiB that ECS takes",
        ),
        ("much", "much is no amount of disk"),
    ] {
        assert_eq!(
            refused(json!({ "ephemeralStorage": given }), fargate()),
            format!("process api: ephemeralStorage: {expected}")
        );
    }
    assert_eq!(
        refused(json!({ "tmpfs": { "/tmp": "64Mi" } }), fargate()),
        "process api: tmpfs: Fargate takes none; use ephemeralStorage"
    );
}

#[test]
fn an_architecture_is_ecs_s_own_word() {
    for (given, expected) in [("arm64", "ARM64"), ("x86_64", "X86_64")] {
        for spec in [bridge(), fargate()] {
            let content = built(json!({ "architecture": given }), spec).unwrap();
            assert_eq!(content.architecture.unwrap().as_str(), expected);
        }
    }
    assert_eq!(built(json!({}), fargate()).unwrap().architecture, None);
    let anywhere = json!({ "capacity": { "launchType": "EXTERNAL" } });
    assert_eq!(
        refused(json!({ "architecture": "arm64" }), anywhere),
        "process api: architecture: ECS takes none for instances of your own (EXTERNAL)"
    );
}

/// The deadline of a rollout of a process with this in it, which says five minutes.
fn deadline(fields: Value) -> u32 {
    let mut process = json!({ "command": "./bin/api", "deploy": { "progressDeadline": "5m" } });
    let Value::Object(fields) = fields else {
        panic!("{fields}")
    };
    for (key, value) in fields {
        process[key] = value;
    }
    let app = app(json!({ "api": process }));
    let built = build(&app, &platform(bridge()), &owner(), &namespace()).unwrap();
    built.desired.processes["api"].progress_deadline()
}

#[test]
fn a_deadline_waits_as_long_as_ecs_does_for_a_check() {
    assert_eq!(deadline(json!({})), 300);
    assert_eq!(deadline(json!({ "healthCheck": { "command": "true" } })), 300);
    // Five minutes, and three times 35 s more; 30 s in which the old task ends, and a minute in which the new one starts.
    let slow = json!({ "command": "true", "startPeriod": "5m" });
    assert_eq!(deadline(json!({ "healthCheck": slow })), 300 + 3 * 35 + 30 + 60);
    // It starts once, also where it waits for an old one to end.
    let in_batches = json!({
        "healthCheck": slow, "deploy": { "progressDeadline": "5m", "minimumHealthyPercent": 0, "maximumPercent": 100 },
    });
    assert_eq!(deadline(in_batches), 300 + 3 * 35 + 30 + 60);
}

#[test]
fn a_deadline_waits_for_containers_one_after_the_other() {
    const CHECK: u32 = 300 + 3 * 35;
    const START: u32 = 60;
    let chain = |condition: &str, essential: bool| {
        let check = json!({ "command": "true", "startPeriod": "5m" });
        json!({
            "healthCheck": check, "stopTimeout": "1m", "dependsOn": { "proxy": condition },
            "sidecars": {
                "proxy": {
                    "image": "p", "healthCheck": check, "stopTimeout": "2m", "essential": essential,
                    "dependsOn": { "agent": "HEALTHY" },
                },
                "agent": { "image": "a", "healthCheck": check },
                "alone": { "image": "a", "stopTimeout": "100s" },
            },
        })
    };
    assert_eq!(
        deadline(chain("HEALTHY", true)),
        3 * CHECK + 60 + 120 + 30 + START
    );
    // It starts without waiting for the check, and stops first all the same.
    assert_eq!(deadline(chain("START", true)), 2 * CHECK + 60 + 120 + 30 + START);
    // It has ended when the process starts.
    assert_eq!(deadline(chain("SUCCESS", false)), 2 * CHECK + 120 + 30 + START);
    // Without an order, all stop at once.
    let at_once = json!({
        "stopTimeout": "10s", "sidecars": { "alone": { "image": "a", "stopTimeout": "10m" } },
    });
    assert_eq!(deadline(at_once), 600);
}
