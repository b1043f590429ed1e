//! What few containers have.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a manifest is written where it is used"
)]

use serde_json::{Value, json};

use crate::desired::fixtures::{app, task_definition};
use crate::model::extras::{Extras, NamedPort, Restart, Transport};
use crate::model::service::TaskDefinition;

fn built(process: Value, spec: Value) -> Result<TaskDefinition, String> {
    task_definition(&app(json!({ "api": process })), spec)
}

fn open() -> Value {
    json!({
        "tasks": { "executionRoleArn": "arn:aws:iam::123456789012:role/execution" },
        "tenancy": { "namespaceSelector": {}, "fileArns": ["arn:aws:s3:::config/shop/*"], "sidecars": true },
    })
}

fn on(launch_type: &str) -> Value {
    let mut spec = open();
    spec["capacity"] = json!({ "launchType": launch_type });
    spec["network"] = json!({ "mode": "awsvpc", "tasks": { "subnets": ["subnet-t"] } });
    spec
}

fn with(fields: Value) -> Value {
    let mut process = json!({ "command": "run" });
    for (key, value) in fields.as_object().unwrap() {
        process[key] = value.clone();
    }
    process
}

fn beside(fields: Value) -> Value {
    let mut sidecar = with(fields);
    sidecar["image"] = json!("a");
    with(json!({ "sidecars": { "proxy": sidecar } }))
}

fn all() -> Value {
    json!({
        "ulimits": { "nproc": 64, "nofile": 65_536 }, "startTimeout": "2m", "restart": { "ignoredExitCodes": [2, 0, 2] },
        "memoryReservation": "128Mi", "sharedMemory": "64Mi", "gpus": 1,
        "environmentFiles": ["arn:aws:s3:::config/shop/a.env"], "systemControls": { "net.core.somaxconn": "1024" },
        "extraHosts": { "db.example.com": "10.0.0.7" },
    })
}

fn built_of_all() -> Extras {
    Extras {
        open_files: Some(65_536),
        start_timeout: Some(120),
        restart: Some(Restart {
            attempt_period: 300,
            ignored_exit_codes: vec![0, 2],
        }),
        memory_reservation: Some(128),
        shared_memory: Some(64),
        gpus: Some(1),
        environment_files: vec!["arn:aws:s3:::config/shop/a.env".into()],
        system_controls: [("net.core.somaxconn".into(), "1024".into())].into(),
        extra_hosts: [("db.example.com".into(), "10.0.0.7".into())].into(),
        ports: [].into(),
        log_router: None,
        members: None,
    }
}

#[test]
fn a_process_and_a_sidecar_may_have_them_alike() {
    let content = built(with(all()), open()).unwrap();
    assert_eq!(content.main.details().extras, built_of_all());
    assert_eq!(content.main.process_limit, Some(64));
    let mut fields = all();
    fields["memory"] = json!("256Mi");
    fields["ports"] = json!({ "metrics": { "containerPort": 9_100 }, "statsd": { "containerPort": 8_125, "protocol": "udp" } });
    let content = built(beside(fields), open()).unwrap();
    let ports = [
        ("metrics", 9_100, Transport::Tcp),
        ("statsd", 8_125, Transport::Udp),
    ];
    let ports = ports.map(|(name, container_port, transport)| {
        let port = NamedPort {
            container_port,
            transport,
        };
        (name.to_owned(), port)
    });
    let expected = Extras {
        ports: ports.into(),
        ..built_of_all()
    };
    assert_eq!(content.sidecars[0].details().extras, expected);
    assert_eq!(content.sidecars[0].process_limit, Some(64));
    assert_eq!(content.main.details, None);
    // What is written out as it is anyway is the same.
    let restart = json!({ "restart": { "attemptPeriod": "5m", "ignoredExitCodes": [] } });
    assert_eq!(
        built(with(restart), open()),
        built(with(json!({ "restart": {} })), open())
    );
}

#[test]
fn what_the_launch_type_has_none_of_is_refused() {
    let (fargate, instances) = (|| on("FARGATE"), || on("EC2"));
    for (process, spec, expected) in [
        (with(json!({ "gpus": 1 })), fargate(), "gpus: Fargate has none"),
        (
            beside(json!({ "gpus": 1 })),
            fargate(),
            "sidecars.proxy.gpus: Fargate has none",
        ),
        (
            with(json!({ "sharedMemory": "64Mi" })),
            fargate(),
            "sharedMemory: Fargate takes none",
        ),
        (
            with(json!({ "startTimeout": "121s" })),
            fargate(),
            "startTimeout: Fargate waits 120s at most",
        ),
        (
            with(json!({ "extraHosts": { "db": "10.0.0.7" } })),
            instances(),
            "extraHosts: not with network mode awsvpc, where ECS takes none",
        ),
        (
            beside(json!({ "ulimits": { "nproc": 64 } })),
            fargate(),
            "sidecars.proxy.ulimits.nproc: Fargate takes no such limit",
        ),
    ] {
        assert_eq!(
            built(process, spec).unwrap_err(),
            format!("process api: {expected}")
        );
    }
}

#[test]
fn what_cannot_be_is_refused_with_process_and_field() {
    let files = |n: usize| vec!["arn:aws:s3:::config/shop/a.env"; n];
    let port = |name: &str, port: i32| json!({ "ports": { name: { "containerPort": port } } });
    for (process, spec, expected) in [
        (
            with(json!({ "sharedMemory": "much" })),
            open(),
            "sharedMemory: much is no amount of memory of 1Mi or more",
        ),
        (
            with(json!({ "memoryReservation": "5Mi" })),
            open(),
            "memoryReservation: 5Mi is no amount of memory of 6Mi or more",
        ),
        (
            with(json!({ "memoryReservation": "512Mi" })),
            open(),
            "memoryReservation: is 512 MiB, and must be below the container's hard limit, which is 512 MiB",
        ),
        (
            beside(json!({ "memory": "64Mi", "memoryReservation": "65Mi" })),
            open(),
            "sidecars.proxy.memoryReservation: is 65 MiB, and must be below the container's hard limit, which is 64 MiB",
        ),
        (
            beside(json!({ "memoryReservation": "600Mi" })),
            open(),
            "sidecars.proxy.memoryReservation: the containers reserve 1112 MiB together, more than the 512 MiB of the task",
        ),
        (
            with(
                json!({ "dependsOn": { "once": "SUCCESS" }, "sidecars": { "once": { "image": "a", "memory": "64Mi", "essential": false, "restart": {} } } }),
            ),
            open(),
            "dependsOn: once has restart, and so does not end: add 0 to its ignoredExitCodes",
        ),
        (
            with(json!({ "startTimeout": "soon" })),
            open(),
            "startTimeout: soon is no duration in whole seconds",
        ),
        (
            beside(json!({ "restart": { "attemptPeriod": "59s" } })),
            open(),
            "sidecars.proxy.restart.attemptPeriod: 59s is not within the 60s to 1800s that ECS takes",
        ),
        (
            with(json!({ "environmentFiles": files(11) })),
            open(),
            "environmentFiles: ECS takes 10 files in a task, sidecars included",
        ),
        (
            with(json!({ "systemControls": { "kernel.panic": "1" } })),
            open(),
            "systemControls: kernel.panic: is no parameter of a container's own with a value, such as net.core.somaxconn: \"1024\"",
        ),
        (
            with(json!({ "systemControls": { "somaxconn": "1" } })),
            open(),
            "systemControls: somaxconn: is no parameter of a container's own with a value, such as net.core.somaxconn: \"1024\"",
        ),
        (
            with(json!({ "systemControls": { "net.core.somaxconn": "" } })),
            open(),
            "systemControls: net.core.somaxconn: is no parameter of a container's own with a value, such as net.core.somaxconn: \"1024\"",
        ),
        (
            with(json!({ "extraHosts": { "db": "localhost" } })),
            open(),
            "extraHosts: db: is no name with its IP address",
        ),
        (
            beside(port("Metrics", 1)),
            open(),
            "sidecars.proxy.ports.Metrics: a name has at most 64 lower case letters, digits, hyphens and underscores, and \
             begins with none of these",
        ),
        (
            beside(port("metrics", 0)),
            open(),
            "sidecars.proxy.ports.metrics: containerPort is no port",
        ),
    ] {
        assert_eq!(
            built(process, spec).unwrap_err(),
            format!("process api: {expected}")
        );
    }
}

#[test]
fn a_port_is_there_once_where_a_task_has_one_address() {
    let two = |name: &str, port: i32| {
        let proxy = json!({ "image": "a", "ports": { "metrics": { "containerPort": 9_100 } } });
        let agent = json!({ "image": "b", "ports": { name: { "containerPort": port } } });
        json!({ "command": "run", "expose": {}, "sidecars": { "proxy": proxy, "agent": agent } })
    };
    let internal = |mut spec: Value| {
        spec["network"]["internal"] = json!({ "subnets": ["subnet-1", "subnet-2"] });
        spec
    };
    let fargate = || internal(on("FARGATE"));
    assert!(built(two("more", 9_100), open()).is_ok());
    for (process, expected) in [
        (
            two("more", 9_100),
            "sidecars.proxy.ports.metrics: another container of the task has that port, with network mode awsvpc",
        ),
        (
            two("more", 8_080),
            "sidecars.agent.ports.more: another container of the task has that port, with network mode awsvpc",
        ),
        (
            two("metrics", 9_101),
            "sidecars.proxy.ports.metrics: another container of the task has a port of that name",
        ),
    ] {
        assert_eq!(
            built(process, fargate()).unwrap_err(),
            format!("process api: {expected}")
        );
    }
    assert!(built(two("more", 9_101), fargate()).is_ok());
}

#[test]
fn only_files_that_are_allowed_and_can_be_read() {
    let file = |arn: &str| with(json!({ "environmentFiles": [arn] }));
    for arn in [
        "arn:aws:s3:::config/shop/a.txt",
        "arn:aws:s3:::config",
        "arn:aws:s3:::config/.env",
        "arn:aws:s3:::/a.env",
        "s3://config/a.env",
    ] {
        let mut spec = open();
        spec["tenancy"]["fileArns"] = json!(["*"]);
        assert_eq!(
            built(file(arn), spec).unwrap_err(),
            format!("process api: environmentFiles: {arn} is no ARN of an object in S3 that ends with .env")
        );
    }
    let other = "arn:aws:s3:::config/other/a.env";
    let refused = format!("Platform staging does not allow {other}: it matches nothing in tenancy.fileArns");
    assert_eq!(
        built(file(other), open()).unwrap_err(),
        format!("process api: environmentFiles: {refused}")
    );
    let sidecar = beside(json!({ "environmentFiles": [other] }));
    assert_eq!(
        built(sidecar, open()).unwrap_err(),
        format!("process api: sidecars.proxy.environmentFiles: {refused}")
    );
    let mut granted = open();
    granted["tenancy"]["grants"] = json!([
        { "namespaceSelector": {}, "images": ["*"], "fileArns": ["arn:aws:s3:::config/{app}.env"] },
    ]);
    assert!(built(file("arn:aws:s3:::config/acme.env"), granted).is_ok());
    let mut without = open();
    without["tasks"] = json!(null);
    assert_eq!(
        built(file("arn:aws:s3:::config/shop/a.env"), without).unwrap_err(),
        "process api: environmentFiles: Platform staging has no tasks.executionRoleArn, the role by which ECS would read them"
    );
}
