//! The containers beside that of a process.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a manifest is written where it is used"
)]

use serde_json::{Value, json};

use crate::desired::fixtures::build;
use crate::desired::fixtures::{app, namespace, owner, platform, task_definition};
use crate::model::container::Condition;
use crate::model::service::TaskDefinition;

const SECRET: &str = "arn:aws:ssm:eu-west-9:123456789012:parameter/token";

fn built(process: Value, spec: Value) -> Result<TaskDefinition, String> {
    task_definition(&app(json!({ "api": process })), spec)
}

fn open() -> Value {
    json!({
        "tasks": {
            "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
            "logging": { "driver": "awslogs", "options": { "awslogs-stream-prefix": "{process}" } },
        },
        "tenancy": { "namespaceSelector": {}, "secretArns": ["*"], "sidecars": true },
    })
}

fn beside(sidecars: Value) -> Result<TaskDefinition, String> {
    built(json!({ "command": "./bin/api", "sidecars": sidecars }), open())
}

#[test]
fn a_sidecar_has_what_it_says_and_the_platforms_logging() {
    let content = beside(json!({
        "proxy": {
            "image": "registry.example/proxy:v3", "command": "envoy -c 'a b'", "args": ["-l", "info"], "cpu": 64, "memory": "128Mi",
            "env": { "LEVEL": "info" }, "secrets": { "TOKEN": SECRET }, "user": "101", "stopTimeout": "30s",
            "readOnlyRootFilesystem": true, "healthCheck": { "command": "./check" }, "essential": true,
        },
        "agent": { "image": "registry.example/agent:v1", "essential": false, "dependsOn": { "api": "START" } },
    }))
    .unwrap();
    let [agent, proxy] = &content.sidecars[..] else {
        panic!("{content:?}")
    };
    assert_eq!(
        (&*agent.name, &*agent.image),
        ("agent", "registry.example/agent:v1")
    );
    assert_eq!((agent.cpu, agent.memory, agent.command.len()), (0, 0, 0));
    assert!(agent.details().optional && agent.environment.0.is_empty());
    assert_eq!(agent.details().depends_on["api"], Condition::Start);
    assert_eq!(proxy.command, ["envoy", "-c", "a b", "-l", "info"]);
    assert_eq!((proxy.cpu, proxy.memory), (64, 128));
    assert_eq!(
        (&*proxy.environment.0["LEVEL"], &*proxy.secrets["TOKEN"]),
        ("info", SECRET)
    );
    assert_eq!(proxy.environment.0.len(), 1);
    assert_eq!(
        (proxy.stop_timeout, proxy.read_only_root_filesystem),
        (Some(30), true)
    );
    assert_eq!(proxy.details().user.as_deref(), Some("101"));
    assert!(proxy.details().health_check.is_some() && !proxy.details().optional);
    for container in content.containers() {
        assert_eq!(container.logging, content.main.logging);
        assert!(container.logging.is_some());
    }
}

/// So that a task is as large with sidecars as without: its size on Fargate, and what limits count.
#[test]
fn sidecars_take_from_the_size_of_the_task() {
    let sized = |launch_type: &str| {
        let mut spec = open();
        spec["capacity"] = json!({ "launchType": launch_type });
        spec["network"] = json!({ "mode": "awsvpc", "tasks": { "subnets": ["subnet-t"] } });
        let sidecars =
            json!({ "proxy": { "image": "a", "cpu": 64, "memory": "128Mi" }, "agent": { "image": "b" } });
        let process = json!({ "command": "a", "cpu": 512, "memory": "1Gi", "sidecars": sidecars });
        built(process, spec).unwrap()
    };
    for launch_type in ["FARGATE", "EC2"] {
        let content = sized(launch_type);
        assert_eq!((content.main.cpu, content.main.memory), (512 - 64, 1_024 - 128));
        assert_eq!((content.cpu(), content.memory()), (512, 1_024));
    }
    for (sidecar, expected) in [
        (
            json!({ "cpu": 255 }),
            "cpu: sidecars take 255 of the 256 CPU units of a task, and the process's own container needs 2 at least",
        ),
        (
            json!({ "memory": "1Gi" }),
            "memory: sidecars take 1024 of the 512 MiB of a task, and the process's own container needs 6 at least",
        ),
    ] {
        let mut sidecar = sidecar;
        sidecar["image"] = json!("a");
        assert_eq!(
            beside(json!({ "proxy": sidecar })).unwrap_err(),
            format!("process api: {expected}")
        );
    }
}

#[test]
fn what_cannot_be_is_refused_with_process_and_field() {
    let with = |fields: Value| {
        let mut sidecar = json!({ "image": "a" });
        for (key, value) in fields.as_object().unwrap() {
            sidecar[key] = value.clone();
        }
        json!({ "proxy": sidecar })
    };
    let ten: serde_json::Map<String, Value> = (0..10)
        .map(|n| (format!("s{n}"), json!({ "image": "a" })))
        .collect();
    let long = "i".repeat(256);
    for (sidecars, expected) in [
        (
            json!({ "api": { "image": "a" } }),
            "sidecars.api: has the name of the process's own container",
        ),
        (
            json!({ "a.b": { "image": "a" } }),
            "sidecars.a.b: a name has at most 63 letters, digits, hyphens and underscores",
        ),
        (
            Value::Object(ten),
            "sidecars: ECS takes 10 containers in a task, the process's own and the Platform's included",
        ),
        (
            with(json!({ "image": long })),
            "sidecars.proxy.image: has 256 characters, and ECS takes at most 255",
        ),
        (
            with(json!({ "args": ["a"] })),
            "sidecars.proxy.args: need a command or an entryPoint before them: ECS cannot add words to the image's own command",
        ),
        (
            with(json!({ "command": " " })),
            "sidecars.proxy.command: is empty",
        ),
        (
            with(json!({ "command": "a \u{0}" })),
            "sidecars.proxy.command: has control characters, such as NUL",
        ),
        (
            with(json!({ "memory": "5Mi" })),
            "sidecars.proxy.memory: 5Mi is no amount of memory of 6Mi or more",
        ),
        (
            with(json!({ "env": { "1": "a" } })),
            "sidecars.proxy.env: 1: a name consists of letters, digits, _, - and ., and does not begin with a digit",
        ),
        (
            with(json!({ "env": { "A": "a" }, "secrets": { "A": SECRET } })),
            "sidecars.proxy.secrets: A is also in env",
        ),
        (
            with(json!({ "secrets": { "A": "arn:aws:s3:::a" } })),
            "sidecars.proxy.secrets: A: must be the ARN of a secret in Secrets Manager or of a parameter of SSM, or the name of one: secretsmanager:shop/db, /shop/db or ssm:db",
        ),
        (
            with(json!({ "healthCheck": { "command": "a", "interval": "1s" } })),
            "sidecars.proxy.healthCheck.interval: 1s is not within the 5s to 300s that ECS takes",
        ),
        (
            with(json!({ "dependsOn": { "other": "START" } })),
            "sidecars.proxy.dependsOn: other is no container of the process's tasks",
        ),
        (
            with(json!({ "dependsOn": { "api": "HEALTHY" } })),
            "sidecars.proxy.dependsOn: api has no healthCheck, so that it is never HEALTHY",
        ),
        (
            with(json!({ "dependsOn": { "api": "SUCCESS" } })),
            "sidecars.proxy.dependsOn: api is essential, and a task ends with it: SUCCESS is for essential: false",
        ),
    ] {
        assert_eq!(beside(sidecars).unwrap_err(), format!("process api: {expected}"));
    }
    let many = json!({ "a": { "image": "a", "env": (0..15).map(|n| (format!("V{n}"), "x".repeat(4_096))).collect::<std::collections::BTreeMap<_, _>>() } });
    let error = beside(json!({ "a": many["a"], "b": many["a"] })).unwrap_err();
    assert!(
        error.starts_with("process api: sidecars: the process's task definition has "),
        "{error}"
    );
}

#[test]
fn a_process_waits_for_its_sidecars_and_none_for_itself_in_the_end() {
    let process = |depends_on: Value, proxy: Value| {
        json!({
            "command": "a", "dependsOn": depends_on, "sidecars": {
                "migrate": { "image": "m", "essential": false },
                "proxy": { "image": "p", "healthCheck": { "command": "./check" }, "dependsOn": proxy },
            },
        })
    };
    let good = process(
        json!({ "migrate": "SUCCESS", "proxy": "HEALTHY" }),
        json!({ "migrate": "COMPLETE" }),
    );
    let content = built(good, open()).unwrap();
    let depends_on = &content.main.details().depends_on;
    assert_eq!(
        (depends_on["migrate"], depends_on["proxy"]),
        (Condition::Success, Condition::Healthy)
    );
    let circle = process(json!({ "proxy": "HEALTHY" }), json!({ "api": "START" }));
    assert_eq!(
        built(circle, open()).unwrap_err(),
        "process api: dependsOn: none of api, proxy can start, since they wait for each other"
    );
}

#[test]
fn an_entry_point_may_have_args_and_no_command() {
    let content = beside(json!({
        "proxy": { "image": "a", "entryPoint": ["envoy"], "args": ["-l", "$(LEVEL)"], "env": { "LEVEL": "info" } },
    }));
    let sidecars = content.unwrap().sidecars;
    assert_eq!(sidecars[0].command, ["-l", "info"]);
}

#[test]
fn secrets_need_the_role_that_reads_them() {
    let mut spec = open();
    spec["tasks"] = json!({});
    let sidecars = json!({ "proxy": { "image": "a", "secrets": { "A": SECRET } } });
    assert_eq!(
        built(json!({ "command": "a", "sidecars": sidecars }), spec).unwrap_err(),
        "process api: sidecars.proxy.secrets: Platform staging has no tasks.executionRoleArn, the role by which ECS would \
         read them"
    );
}

fn with_agent(mut agent: Value) -> Value {
    let mut spec = open();
    agent["image"] = json!("registry.example/agent:v1");
    spec["tasks"]["sidecars"] = json!({ "agent": agent });
    spec["tenancy"] = json!({ "namespaceSelector": {} });
    spec
}

/// Nobody is asked if it may be: the operator has said so.
#[test]
fn a_task_has_what_its_platform_has_in_each() {
    let agent = json!({ "memory": "64Mi", "env": { "SERVICE": "{app}-{process}", "TEAM": "{namespace}" }, "secrets": { "TOKEN": SECRET } });
    let content = built(json!({ "command": "run" }), with_agent(agent)).unwrap();
    let [agent] = &content.sidecars[..] else {
        panic!("{content:?}")
    };
    assert_eq!(
        (&*agent.environment.0["SERVICE"], &*agent.environment.0["TEAM"]),
        ("acme-api", "shop")
    );
    assert_eq!(agent.secrets["TOKEN"], SECRET);
    assert_eq!(agent.logging, content.main.logging);
    assert_eq!((content.main.memory, content.memory()), (448, 512));
    // Beside those of an App, in order of names, which may wait for it.
    let mut spec = with_agent(json!({}));
    spec["tenancy"]["sidecars"] = json!(true);
    let beside = json!({ "image": "a", "dependsOn": { "agent": "START" } });
    let process = json!({ "command": "run", "sidecars": { "zebra": beside, "aardvark": beside } });
    let content = built(process, spec).unwrap();
    let names: Vec<&str> = content.containers().map(|container| &*container.name).collect();
    assert_eq!(names, ["api", "aardvark", "agent", "zebra"]);
}

#[test]
fn all_log_to_a_router_of_the_platform_but_itself() {
    let mut spec = with_agent(json!({ "logRouter": { "type": "fluentbit" } }));
    spec["tasks"]["logRouting"] =
        json!({ "options": { "Name": "{process}" }, "secretOptions": { "token": SECRET } });
    let content = built(json!({ "command": "run" }), spec.clone()).unwrap();
    let routed = content.main.logging.as_ref().unwrap();
    assert_eq!(
        (&*routed.driver, &*routed.options["Name"]),
        ("awsfirelens", "api")
    );
    assert_eq!(routed.secret_options["token"], SECRET);
    assert_eq!(content.sidecars[0].logging.as_ref().unwrap().driver, "awslogs");
    let mut without = spec.clone();
    without["tasks"]["executionRoleArn"] = json!(null);
    assert_eq!(
        built(json!({ "command": "run" }), without).unwrap_err(),
        "process api: Platform staging: tasks.logRouting.secretOptions: it has no tasks.executionRoleArn, the role by which \
         ECS would read them"
    );
    let long = json!({ "Name": "x".repeat(65_536) });
    spec["tasks"]["logRouting"] = json!({ "options": long });
    let error = built(json!({ "command": "run" }), spec).unwrap_err();
    assert!(
        error.starts_with("process api: Platform staging: tasks.logRouting.options: "),
        "{error}"
    );
}

#[test]
fn what_a_platform_says_of_its_sidecars_is_refused_by_its_name() {
    let named = |name: &str, process: Value| {
        let mut spec = with_agent(json!({}));
        spec["tenancy"]["sidecars"] = json!(true);
        let app = app(json!({ name: process }));
        let built = build(&app, &platform(spec), &owner(), &namespace());
        built.map(|_| ()).map_err(|error| error.to_string())
    };
    let own = |n: usize| {
        let beside = (0..n).map(|n| (format!("s{n}"), json!({ "image": "a" })));
        json!({ "command": "run", "sidecars": beside.collect::<serde_json::Map<_, _>>() })
    };
    let same = json!({ "command": "run", "sidecars": { "agent": { "image": "a" } } });
    for (name, process, expected) in [
        (
            "api",
            same,
            "process api: sidecars.agent: Platform staging runs a sidecar of that name in each task",
        ),
        (
            "agent",
            json!({ "command": "run" }),
            "process agent: Platform staging: tasks.sidecars.agent: has the name of the process's own container",
        ),
        (
            "api",
            own(9),
            "process api: sidecars: ECS takes 10 containers in a task, the process's own and the Platform's included",
        ),
    ] {
        assert_eq!(named(name, process).unwrap_err(), expected);
    }
    assert_eq!(named("api", own(8)), Ok(()));
    for (agent, expected) in [
        (
            json!({ "memory": "1Mi" }),
            "Platform staging: tasks.sidecars.agent.memory: 1Mi is no amount of memory of 6Mi or more",
        ),
        (
            json!({ "env": { "A B": "c" } }),
            "Platform staging: tasks.sidecars.agent.env: A B: a name consists of",
        ),
        (
            json!({ "dependsOn": { "proxy": "START" } }),
            "Platform staging: tasks.sidecars.agent.dependsOn: proxy is no container of the process's tasks",
        ),
        (
            json!({ "mounts": { "/a": { "volume": "a" } } }),
            "Platform staging: tasks.sidecars.agent.mounts: a Platform has no volumes",
        ),
    ] {
        let error = built(json!({ "command": "run" }), with_agent(agent)).unwrap_err();
        let expected = format!("process api: {expected}");
        assert!(error.starts_with(&expected), "{error}");
    }
}
