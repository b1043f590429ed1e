//! The meaning of an App: every default, and every refusal that the schema cannot make.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a manifest is written where it is used"
)]

use serde_json::{Value, json};

use super::content::is_fargate_size;
use super::fixtures::{app, app_with, build, namespace, owner, platform, platform_with};
use super::{app_name, has_names, place, retains};
use crate::error::Error;
use crate::model::class::Class;
use crate::model::container::{HostPort, Logging, PortMapping};
use crate::model::desired::{Desired, DesiredProcess, LoadBalancing};
use crate::model::load_balancer::{
    HealthCheck, Listener, ListenerProtocol, LoadBalancerKind, Probe, Scheme, TargetProtocol, TargetType,
};
use crate::model::owner::{AppName, Tags};
use crate::model::port::PortRange;
use crate::model::service::{Capacity, LaunchType, NetworkMode, PlacementStrategy, Service, TaskNetwork};
use crate::model::small_map::SmallMap;

fn built(processes: Value, spec: Value) -> Desired {
    build(&app(processes), &platform(spec), &owner(), &namespace())
        .unwrap()
        .desired
}

/// The one process of an App, on a Platform.
fn one(process: Value, spec: Value) -> DesiredProcess {
    built(json!({ "api": process }), spec)
        .processes
        .remove("api")
        .unwrap()
}

fn service(process: &DesiredProcess) -> &Service {
    process.service().unwrap()
}

fn exposed(expose: Value) -> DesiredProcess {
    one(json!({ "command": "./bin/api", "expose": expose }), json!({}))
}

/// Why a process is refused, in words that name it.
fn refused(process: Value, spec: Value) -> String {
    let error = build(
        &app(json!({ "api": process })),
        &platform(spec),
        &owner(),
        &namespace(),
    )
    .unwrap_err();
    assert_eq!(error.class(), Class::Invalid);
    let Error::Invalid(message) = error else {
        panic!("{error}")
    };
    assert!(message.starts_with("process api: "), "{message}");
    message
}

#[test]
fn a_process_that_says_nothing_gets_every_default() {
    let process = one(json!({ "command": "./bin/api" }), json!({}));
    let definition = &process.task_definition;
    assert_eq!(definition.family, "shop_acme_api");
    assert_eq!(definition.main.name, "api");
    assert_eq!(definition.main.image, "registry.example/acme:v42");
    assert_eq!(definition.main.command, ["./bin/api"]);
    assert_eq!((definition.main.cpu, definition.main.memory), (256, 512));
    assert_eq!(
        (definition.network_mode, definition.launch_type),
        (NetworkMode::Bridge, LaunchType::Ec2)
    );
    assert_eq!(
        (&definition.execution_role_arn, &definition.main.logging),
        (&None, &None)
    );
    assert_eq!(definition.main.ports, []);
    assert_eq!(
        (service(&process).name.as_str(), service(&process).quantity),
        ("shop_acme_api", None)
    );
    assert_eq!(service(&process).settings.grace_period, None);
    assert_eq!(service(&process).settings.network, None);
    assert_eq!(process.load_balancing, None);
}

#[test]
fn what_a_process_says_is_sent() {
    let process = one(
        json!({ "command": "./bin/api --x", "args": ["a b", "$HOME"], "quantity": 4, "cpu": 1024, "memory": "2Gi" }),
        json!({
            "tasks": {
                "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
                "logging": { "driver": "awslogs", "options": { "awslogs-group": "acme" } },
            },
        }),
    );
    let definition = &process.task_definition;
    // The arguments as they are, never split.
    assert_eq!(definition.main.command, ["./bin/api", "--x", "a b", "$HOME"]);
    assert_eq!((definition.main.cpu, definition.main.memory), (1024, 2048));
    assert_eq!(service(&process).quantity, Some(4));
    assert_eq!(
        definition.execution_role_arn.as_deref(),
        Some("arn:aws:iam::123456789012:role/execution")
    );
    let options = SmallMap::from([("awslogs-group".to_owned(), "acme".to_owned())]);
    assert_eq!(
        definition.main.logging,
        Some(Logging {
            driver: "awslogs".into(),
            options,
            secret_options: SmallMap::new(),
        })
    );
}

#[test]
fn options_of_logging_may_name_the_process_and_be_secret() {
    let execution = "arn:aws:iam::123456789012:role/execution";
    let token = "arn:aws:ssm:us-east-1:123456789012:parameter/token";
    let logging = |role: Value, options: Value, secret_options: Value| {
        let mut tasks = json!({
            "logging": { "driver": "splunk", "options": options, "secretOptions": secret_options },
        });
        if role.is_string() {
            tasks["executionRoleArn"] = role;
        }
        json!({ "tasks": tasks })
    };
    let options = json!({
        "splunk-source": "{namespace}/{app}/{process}-{app}",
        "tag": "{{.Name}} {cluster} {Namespace} {process",
    });
    let spec = logging(json!(execution), options, json!({ "splunk-token": token }));
    let built = one(json!({ "command": "run" }), spec)
        .task_definition
        .main
        .logging;
    let expected = Logging {
        driver: "splunk".into(),
        options: SmallMap::from([
            ("splunk-source".into(), "shop/acme/api-acme".into()),
            ("tag".into(), "{{.Name}} {cluster} {Namespace} {process".into()),
        ]),
        secret_options: SmallMap::from([("splunk-token".into(), token.into())]),
    };
    assert_eq!(built, Some(expected));

    for (role, arn, fault) in [
        (
            json!(null),
            token,
            "process api: Platform staging: tasks.logging.secretOptions: it has no tasks.executionRoleArn, the role by which \
             ECS would read them",
        ),
        (
            json!(execution),
            "arn:aws:s3:::secrets",
            "process api: Platform staging: tasks.logging.secretOptions: splunk-token: must be the ARN of a secret in Secrets \
             Manager or of a parameter of SSM",
        ),
    ] {
        let spec = logging(role, json!({}), json!({ "splunk-token": arn }));
        assert_eq!(refused(json!({ "command": "run" }), spec), fault);
    }
}

#[test]
fn a_command_is_split_like_a_shell_and_run_by_none() {
    for (command, words) in [
        ("./bin/web -p 80", &["./bin/web", "-p", "80"][..]),
        (
            "sh -c 'exec ./web --port $PORT'",
            &["sh", "-c", "exec ./web --port $PORT"],
        ),
        (r#"echo "a 'b' c" d\ e"#, &["echo", "a 'b' c", "d e"]),
        ("  run   it  ", &["run", "it"]),
        ("run ''", &["run", ""]),
        ("echo $PORT && ls", &["echo", "$PORT", "&&", "ls"]),
    ] {
        let process = one(json!({ "command": command }), json!({}));
        assert_eq!(process.task_definition.main.command, words, "{command}");
    }
}

#[test]
fn without_a_command_the_images_own_runs() {
    for process in [
        json!({}),
        json!({ "cron": "@daily" }),
        json!({ "noservice": true }),
    ] {
        let spec = json!({ "tasks": { "schedulerRoleArn": "arn:aws:iam::123456789012:role/scheduler" } });
        let process = one(process, spec);
        assert_eq!(process.task_definition.main.command, [""; 0]);
        assert_eq!(process.hint, None);
    }
    let message = refused(json!({ "args": ["a"] }), json!({}));
    assert!(message.contains("args: need a command"), "{message}");
}

#[test]
fn a_command_that_cannot_be_split_or_is_nothing_is_refused() {
    for command in ["./bin/web 'unclosed", "./bin/web \"unclosed"] {
        let message = refused(json!({ "command": command }), json!({}));
        assert!(
            message.contains("command: cannot be split like a shell"),
            "{message}"
        );
    }
    for command in ["   ", "# a comment"] {
        let message = refused(json!({ "command": command }), json!({}));
        assert!(message.contains("command: is empty"), "{command}: {message}");
    }
}

#[test]
fn a_command_that_looks_as_if_it_wanted_a_shell_gets_a_warning() {
    let warnings = |command: &str| {
        let app = app(json!({ "api": { "command": command } }));
        build(&app, &platform(json!({})), &owner(), &namespace())
            .unwrap()
            .warnings
    };
    for (command, sign) in [
        ("run $PORT", "$"),
        ("a && b", "&&"),
        ("a | b", "|"),
        ("a > b", ">"),
        ("QUEUE=low a", "QUEUE="),
        ("exec a", "exec"),
    ] {
        let warnings = warnings(command);
        assert_eq!(warnings.len(), 1, "{command}");
        assert!(
            warnings[0].starts_with(&format!("process api: command contains {sign}")),
            "{warnings:?}"
        );
    }
    for command in [
        "bin/rails console --price 5$",
        "sh -c 'a $B'",
        "nginx -g 'daemon off;'",
    ] {
        assert_eq!(warnings(command), [""; 0], "{command}");
    }
}

#[test]
fn memory_is_rounded_up_to_whole_mebibytes() {
    for (memory, mebibytes) in [
        ("512Mi", 512),
        ("1Gi", 1024),
        ("1.5Gi", 1536),
        ("0.1Gi", 103),
        ("500M", 477),
        ("1G", 954),
        ("536870912", 512),
        ("536870913", 513),
        ("1e9", 954),
    ] {
        let process = one(json!({ "command": "run", "memory": memory }), json!({}));
        assert_eq!(process.task_definition.main.memory, mebibytes, "{memory}");
    }
    for memory in ["0", "1Xi", "16Ei"] {
        let message = refused(json!({ "command": "run", "memory": memory }), json!({}));
        assert_eq!(
            message,
            format!("process api: memory: {memory} is no amount of memory")
        );
    }
}

#[test]
fn fargate_has_its_own_sizes() {
    for (cpu, fitting, others) in [
        (256, &[512, 1024, 2048][..], &[256, 1536, 3072][..]),
        (512, &[1024, 2048, 4096], &[512, 1536, 5120]),
        (1024, &[2048, 5120, 8192], &[1024, 9216]),
        (2048, &[4096, 16_384], &[3072, 17_408]),
        (4096, &[8192, 9216, 30_720], &[7168, 31_744]),
        (8192, &[16_384, 20_480, 61_440], &[17_408, 65_536]),
        (16_384, &[32_768, 40_960, 122_880, 131_072], &[36_864, 24_576]),
        (32_768, &[65_536, 249_856], &[]),
        (128, &[], &[512]),
        (300, &[], &[1024]),
    ] {
        assert!(
            fitting.iter().all(|memory| is_fargate_size(cpu, *memory)),
            "{cpu}"
        );
        assert!(
            !others.iter().any(|memory| is_fargate_size(cpu, *memory)),
            "{cpu}"
        );
    }
    let fargate = || json!({ "capacity": { "launchType": "FARGATE" }, "network": { "mode": "awsvpc" } });
    let message = refused(json!({ "command": "run", "cpu": 300 }), fargate());
    assert!(
        message.contains("cpu") && message.contains("300 CPU units with 512 MiB"),
        "{message}"
    );
    one(
        json!({ "command": "run", "cpu": 512, "memory": "1Gi" }),
        fargate(),
    );
    // Elsewhere any size goes.
    one(json!({ "command": "run", "cpu": 300 }), json!({}));
}

#[test]
fn variables_of_the_process_win_over_the_apps_and_ours_over_both() {
    let app = app_with(json!({ "spec": {
        "env": { "ONLY_APP": "a", "BOTH": "app", "SOURCE": "app", "EMPIRE_PROCESS": "app" },
        "processes": { "api": {
            "command": "run",
            "env": { "BOTH": "process", "ONLY_PROCESS": "p", "PORT": "1", "EMPIRE_APPNAME": "process" },
            "expose": { "containerPort": 7070 },
        } },
    } }));
    let desired = build(&app, &platform(json!({})), &owner(), &namespace())
        .unwrap()
        .desired;
    let environment = &desired.processes["api"].task_definition.main.environment.0;
    let expected = [
        ("BOTH", "process"),
        ("EMPIRE_APPNAME", "acme"),
        ("EMPIRE_PROCESS", "api"),
        ("ONLY_APP", "a"),
        ("ONLY_PROCESS", "p"),
        ("PORT", "7070"),
        ("SOURCE", "acme.api"),
    ];
    assert_eq!(
        environment
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect::<Vec<_>>(),
        expected
    );
}

#[test]
fn only_an_exposed_process_gets_a_port() {
    let port = |process: Value, spec: Value| {
        let definition = one(process, spec).task_definition;
        assert_eq!(
            definition.main.environment.0.get("PORT").cloned(),
            definition
                .main
                .ports
                .first()
                .map(|port| port.container_port.to_string())
        );
        definition
            .main
            .ports
            .first()
            .map(|port| (port.container_port, port.host_port))
    };
    let http = || json!({ "command": "run", "expose": { "type": "http" } });
    let host_ports = || json!({ "network": { "hostPorts": { "first": 9000, "last": 9100 } } });
    assert_eq!(port(json!({ "command": "run" }), json!({})), None);
    assert_eq!(
        port(
            json!({ "command": "run", "expose": { "type": "none" } }),
            json!({})
        ),
        None
    );
    assert_eq!(port(http(), json!({})), Some((8080, HostPort::Dynamic)));
    assert_eq!(port(http(), host_ports()), Some((8080, HostPort::Claimed)));
    assert_eq!(
        port(http(), json!({ "network": { "mode": "awsvpc" } })),
        Some((8080, HostPort::SameAsContainer))
    );
    assert_eq!(
        port(http(), json!({ "network": { "mode": "host" } })),
        Some((8080, HostPort::SameAsContainer))
    );
    // Without load balancers ports stay.
    let mut alone = host_ports();
    alone["loadBalancing"] = json!({ "provider": "None" });
    assert_eq!(port(http(), alone), Some((8080, HostPort::Claimed)));
}

#[test]
fn web_is_exposed_unless_it_says_otherwise_and_nobody_else_is() {
    for (name, expose, scheme) in [
        ("web", Value::Null, Some(Scheme::Internal)),
        ("web", json!({}), Some(Scheme::Internal)),
        ("web", json!({ "type": "none" }), None),
        ("web", json!({ "external": true }), Some(Scheme::InternetFacing)),
        ("web2", Value::Null, None),
        ("api", Value::Null, None),
        ("api", json!({}), Some(Scheme::Internal)),
        ("api", json!({ "type": "http" }), Some(Scheme::Internal)),
        (
            "api",
            json!({ "type": "http", "external": false }),
            Some(Scheme::Internal),
        ),
        (
            "api",
            json!({ "type": "http", "external": true }),
            Some(Scheme::InternetFacing),
        ),
    ] {
        let mut process = json!({ "command": "run" });
        if !expose.is_null() {
            process["expose"] = expose.clone();
        }
        let desired = built(json!({ name: process }), json!({}));
        let found = desired.processes[name].load_balancing.as_ref();
        assert_eq!(found.map(|b| b.load_balancer.scheme), scheme, "{name} {expose}");
        assert_eq!(desired.records.is_empty(), scheme.is_none(), "{name} {expose}");
    }
}

#[test]
fn an_exposed_process_gets_load_balancer_target_group_and_listener() {
    let process = exposed(json!({ "containerPort": 7070 }));
    let balancing = process.load_balancing.unwrap();
    let (balancer, group) = (&balancing.load_balancer, &balancing.ports[0].target_group);
    assert_eq!(
        (balancer.kind, balancer.scheme),
        (LoadBalancerKind::Application, Scheme::Internal)
    );
    assert_eq!(Vec::from_iter(&balancer.subnets), ["subnet-i1", "subnet-i2"]);
    assert_eq!(Vec::from_iter(&balancer.security_groups), ["sg-internal"]);
    assert_eq!(
        (group.vpc.as_str(), group.protocol),
        ("vpc-7", TargetProtocol::Http)
    );
    assert_eq!(group.target_type, TargetType::Instance);
    assert_eq!(group.attributes.deregistration_delay, 30);
    let [listener] = &balancing.listeners[..] else {
        panic!()
    };
    assert_eq!((listener.port, listener.protocol), (80, ListenerProtocol::Http));
    assert_eq!(listener.target_group(), Some(group.name.as_str()));
    assert_eq!(balancing.ports[0].container_port, 7070);
    for name in [&balancer.name, &group.name] {
        assert!(name.starts_with("e-acme-api-") && name.len() <= 31, "{name}");
    }
    assert_ne!(balancer.name, group.name);

    let public = exposed(json!({ "external": true })).load_balancing.unwrap();
    assert_eq!(
        Vec::from_iter(&public.load_balancer.subnets),
        ["subnet-e1", "subnet-e2"]
    );
    assert_eq!(
        Vec::from_iter(&public.load_balancer.security_groups),
        ["sg-external"]
    );
}

#[test]
fn what_cannot_change_in_place_has_another_name_and_what_can_has_not() {
    let names = |expose: Value, spec: Value| {
        let process = one(json!({ "command": "run", "expose": expose }), spec);
        let balancing = process.load_balancing.unwrap();
        (
            balancing.load_balancer.name,
            balancing.ports[0].target_group.name.clone(),
        )
    };
    let base = names(json!({}), json!({}));
    for (same, expose, spec) in [
        (
            true,
            json!({ "containerPort": 9090, "hostnames": ["a.corp.example"] }),
            json!({}),
        ),
        (true, json!({ "check": { "path": "/up" } }), json!({})),
        (
            true,
            json!({}),
            json!({ "network": { "internal": { "subnets": ["subnet-x"] } } }),
        ),
        (true, json!({}), json!({ "tags": { "k": "v" } })),
        (
            true,
            json!({}),
            json!({ "network": { "hostPorts": { "first": 9000, "last": 9001 } } }),
        ),
        (false, json!({ "external": true }), json!({})),
        (false, json!({}), json!({ "network": { "vpcId": "vpc-8" } })),
    ] {
        let other = names(expose.clone(), spec.clone());
        assert_eq!(
            (base.0 == other.0, base.1 == other.1),
            (same, same),
            "{expose} {spec}"
        );
    }
    // The target type is the target group's alone.
    let other = names(json!({}), json!({ "network": { "mode": "awsvpc" } }));
    assert_eq!((base.0 == other.0, base.1 == other.1), (true, false));
}

fn probe(path: &str) -> Probe {
    Probe::Http {
        path: path.into(),
        success_codes: "200-399".into(),
    }
}

#[test]
fn a_check_has_a_default_for_every_field() {
    let check = |check: Value| {
        let process = exposed(json!({ "check": check }));
        process.load_balancing.unwrap().ports[0]
            .target_group
            .check
            .clone()
    };
    let default = HealthCheck {
        probe: probe("/"),
        interval: 10,
        timeout: 5,
        healthy_threshold: 2,
        unhealthy_threshold: 3,
    };
    assert_eq!(
        exposed(json!({})).load_balancing.unwrap().ports[0]
            .target_group
            .check,
        default
    );
    assert_eq!(check(json!({})), default);
    assert_eq!(
        check(json!({ "path": "/health" })),
        HealthCheck {
            probe: probe("/health"),
            ..default.clone()
        }
    );
    assert_eq!(
        check(json!({ "healthyThreshold": 4, "unhealthyThreshold": 10 })),
        HealthCheck {
            healthy_threshold: 4,
            unhealthy_threshold: 10,
            ..default.clone()
        }
    );
    // The timeout is the lesser of 5 s and one second less than the interval.
    for (interval, seconds, timeout) in [("5s", 5, 4), ("6s", 6, 5), ("30s", 30, 5), ("1m30s", 90, 5)] {
        let found = check(json!({ "interval": interval }));
        assert_eq!((found.interval, found.timeout), (seconds, timeout), "{interval}");
    }
    let found = check(json!({ "interval": "1m", "timeout": "20s" }));
    assert_eq!((found.interval, found.timeout), (60, 20));
}

fn listeners_of(expose: Value) -> Vec<(u16, ListenerProtocol, Option<u16>, Vec<String>)> {
    let balancing = exposed(expose).load_balancing.unwrap();
    let leads = |listener: &Listener| {
        let group = listener.target_group()?;
        balancing.container_port(group)
    };
    let listeners = balancing.listeners.iter();
    listeners
        .map(|l| (l.port, l.protocol, leads(l), l.certificates.clone()))
        .collect()
}

#[test]
fn each_type_is_short_for_its_listeners() {
    let arns = || json!(["arn:c-1", "arn:c-2"]);
    let certificates = || vec!["arn:c-1".to_owned(), "arn:c-2".to_owned()];
    for (expose, expected) in [
        (json!({}), vec![(80, ListenerProtocol::Http, Some(8080), vec![])]),
        (
            json!({ "type": "https", "certificateArns": arns() }),
            vec![
                (443, ListenerProtocol::Https, Some(8080), certificates()),
                // The redirect.
                (80, ListenerProtocol::Http, None, vec![]),
            ],
        ),
        (
            json!({ "type": "tcp", "containerPort": 5000 }),
            vec![(5000, ListenerProtocol::Tcp, Some(5000), vec![])],
        ),
        (
            json!({ "type": "tls", "containerPort": 5000, "certificateArns": arns() }),
            vec![(443, ListenerProtocol::Tls, Some(5000), certificates())],
        ),
        (
            json!({
                "listeners": [
                    { "port": 443, "protocol": "https", "containerPort": 9000 },
                    { "port": 80, "protocol": "http" },
                    { "port": 8443, "protocol": "https", "containerPort": 9000 },
                ],
                "certificateArns": arns(),
            }),
            vec![
                (443, ListenerProtocol::Https, Some(9000), certificates()),
                (80, ListenerProtocol::Http, Some(8080), vec![]),
                (8443, ListenerProtocol::Https, Some(9000), certificates()),
            ],
        ),
    ] {
        assert_eq!(listeners_of(expose.clone()), expected, "{expose}");
    }
}

#[test]
fn the_first_listeners_container_port_is_port_and_its_target_group_outlives_the_others() {
    let listener = |port: u16, container_port: u16| json!({ "port": port, "protocol": "http", "containerPort": container_port });
    let process = exposed(json!({ "listeners": [listener(81, 9000), listener(80, 8080)] }));
    assert_eq!(process.task_definition.main.environment.0["PORT"], "9000");
    let ports: Vec<u16> = process
        .task_definition
        .main
        .ports
        .iter()
        .map(|p| p.container_port)
        .collect();
    assert_eq!(ports, [8080, 9000]);
    let groups = |expose: Value| {
        let balancing = exposed(expose).load_balancing.unwrap();
        let ports = balancing.ports.iter();
        ports
            .map(|port| (port.container_port, port.target_group.name.clone()))
            .collect::<Vec<_>>()
    };
    let two = groups(json!({ "listeners": [listener(81, 9000), listener(80, 8080)] }));
    assert_eq!(groups(json!({ "containerPort": 9000 })), two[..1]);
    assert_eq!(groups(json!({ "listeners": [listener(8000, 9000)] })), two[..1]);
    let https = json!({ "type": "https", "containerPort": 9000, "certificateArns": ["arn:c-1"] });
    assert_eq!(groups(https), two[..1]);
}

#[test]
fn tcp_and_tls_have_a_network_load_balancer_and_checks_of_their_own() {
    let balancing = |expose: Value| exposed(expose).load_balancing.unwrap();
    let tls = balancing(json!({ "type": "tls", "certificateArns": ["arn:c-1"] }));
    assert_eq!(tls.load_balancer.kind, LoadBalancerKind::Network);
    assert_eq!(tls.load_balancer.attributes, None);
    let group = &tls.ports[0].target_group;
    assert_eq!(group.protocol, TargetProtocol::Tcp);
    assert_eq!(
        (group.attributes.preserve_client_ip, group.attributes.cross_zone),
        (Some(false), Some(true))
    );
    let default = HealthCheck {
        probe: Probe::Tcp,
        interval: 10,
        timeout: 10,
        healthy_threshold: 3,
        unhealthy_threshold: 3,
    };
    assert_eq!(group.check, default);
    let check = |check: Value| {
        let tcp = balancing(json!({ "type": "tcp", "check": check }));
        tcp.ports[0].target_group.check.clone()
    };
    assert_eq!(check(json!({})), default);
    // AWS's timeout, where it is not longer than the interval.
    for (interval, timeout) in [("5s", 4), ("10s", 10), ("30s", 10)] {
        assert_eq!(
            check(json!({ "interval": interval })).timeout,
            timeout,
            "{interval}"
        );
    }
    assert_eq!(check(json!({ "timeout": "3s" })).timeout, 3);
}

#[test]
fn the_attributes_of_load_balancer_and_target_group_are_set_or_awss() {
    let balancing = |expose: Value| exposed(expose).load_balancing.unwrap();
    let (plain, other) = (
        balancing(json!({})),
        balancing(json!({
            "idleTimeout": "2m", "deregistrationDelay": "0s", "check": { "successCodes": "200" },
        })),
    );
    let idle = |balancing: &LoadBalancing| balancing.load_balancer.attributes.unwrap().idle_timeout;
    assert_eq!((idle(&plain), idle(&other)), (60, 120));
    let delay = |balancing: &LoadBalancing| balancing.ports[0].target_group.attributes.deregistration_delay;
    assert_eq!((delay(&plain), delay(&other)), (30, 0));
    let Probe::Http { success_codes, .. } = &other.ports[0].target_group.check.probe else {
        panic!()
    };
    assert_eq!(success_codes, "200");
}

#[test]
fn the_grace_period_is_a_minute_unless_it_is_set_and_none_without_a_load_balancer() {
    let grace = |process: Value, spec: Value| service(&one(process, spec)).settings.grace_period;
    let with = |expose: Value| json!({ "command": "run", "expose": expose });
    assert_eq!(grace(with(json!({})), json!({})), Some(60));
    assert_eq!(grace(with(json!({ "gracePeriod": "5m" })), json!({})), Some(300));
    assert_eq!(grace(with(json!({ "gracePeriod": "0s" })), json!({})), Some(0));
    assert_eq!(grace(json!({ "command": "run" }), json!({})), None);
    let none = json!({ "loadBalancing": { "provider": "None" } });
    assert_eq!(grace(with(json!({ "gracePeriod": "5m" })), none), None);
}

#[test]
fn deployments_leave_room_as_ports_and_instances_allow() {
    let plain = || json!({});
    let claimed = || json!({ "network": { "hostPorts": { "first": 9000, "last": 9100 } } });
    let percent = |quantity: Option<i32>, expose: bool, spec: Value| {
        let mut process = json!({ "command": "run" });
        if let Some(quantity) = quantity {
            process["quantity"] = quantity.into();
        }
        if expose {
            process["expose"] = json!({});
        }
        let deployment = service(&one(process, spec)).settings.deployment;
        (deployment.minimum_healthy_percent, deployment.maximum_percent)
    };
    for (quantity, expected) in [
        (Some(0), (100, 200)),
        (Some(1), (100, 200)),
        (Some(2), (50, 100)),
        (Some(3), (66, 100)),
        (Some(4), (75, 100)),
        (Some(7), (85, 100)),
        (Some(100), (99, 100)),
        (None, (50, 200)),
    ] {
        assert_eq!(percent(quantity, true, claimed()), expected, "{quantity:?}");
        // Without a claimed port, and on a Platform without them, there is room.
        assert_eq!(percent(quantity, false, claimed()), (100, 200), "{quantity:?}");
        assert_eq!(percent(quantity, true, plain()), (100, 200), "{quantity:?}");
        assert_eq!(percent(quantity, false, plain()), (100, 200), "{quantity:?}");
    }
}

#[test]
fn tasks_are_spread_and_rebalanced_where_that_is_allowed() {
    let spread = || {
        vec![
            PlacementStrategy::spread("attribute:ecs.availability-zone"),
            PlacementStrategy::spread("instanceId"),
        ]
    };
    let claimed = json!({ "network": { "hostPorts": { "first": 9000, "last": 9100 } } });
    let fargate = json!({ "capacity": { "launchType": "FARGATE" }, "network": { "mode": "awsvpc" } });
    let external =
        json!({ "capacity": { "launchType": "EXTERNAL" }, "loadBalancing": { "provider": "None" } });
    let ec2 = json!({ "capacity": { "launchType": "EC2" } });
    for (spec, rebalancing, placement, launch_type) in [
        (json!({}), true, spread(), LaunchType::Ec2),
        (ec2, true, spread(), LaunchType::Ec2),
        (
            json!({ "network": { "mode": "awsvpc" } }),
            true,
            spread(),
            LaunchType::Ec2,
        ),
        (claimed, false, Vec::new(), LaunchType::Ec2),
        (fargate, true, Vec::new(), LaunchType::Fargate),
        (external, false, Vec::new(), LaunchType::External),
    ] {
        let process = one(json!({ "command": "run", "expose": {} }), spec.clone());
        let settings = service(&process).settings.clone();
        assert_eq!(
            (settings.zone_rebalancing, settings.placement),
            (rebalancing, placement),
            "{spec}"
        );
        assert_eq!(
            (&service(&process).capacity, process.task_definition.launch_type),
            (&Capacity::LaunchType(launch_type), launch_type)
        );
    }
}

/// An instance has room for one task with a port, so that tasks are replaced as where host ports are claimed.
#[test]
fn host_gives_tasks_the_network_of_their_instance_and_room_for_one_of_a_port() {
    let process = |process: Value| one(process, json!({ "network": { "mode": "host" } }));
    let web = process(json!({ "command": "run", "expose": {}, "quantity": 2 }));
    assert_eq!(web.task_definition.network_mode, NetworkMode::Host);
    assert_eq!(
        web.load_balancing.as_ref().unwrap().ports[0]
            .target_group
            .target_type,
        TargetType::Instance
    );
    let settings = &service(&web).settings;
    assert_eq!(settings.network, None);
    assert_eq!(
        (
            settings.deployment.minimum_healthy_percent,
            settings.deployment.maximum_percent
        ),
        (50, 100)
    );
    assert!(settings.placement.is_empty() && !settings.zone_rebalancing);
    // One without ports is as any other.
    let worker = process(json!({ "command": "run", "quantity": 2 }));
    let settings = &service(&worker).settings;
    assert_eq!(settings.deployment.minimum_healthy_percent, 100);
    assert!(!settings.placement.is_empty() && settings.zone_rebalancing);
}

#[test]
fn awsvpc_gives_tasks_their_own_network_and_targets_by_address() {
    let spec = |tasks: Value| json!({ "network": { "mode": "awsvpc", "tasks": tasks } });
    let process = one(
        json!({ "command": "run", "expose": {} }),
        spec(json!({ "subnets": ["subnet-t"], "securityGroups": ["sg-t"], "assignPublicIp": true })),
    );
    assert_eq!(
        service(&process).settings.network,
        Some(TaskNetwork {
            subnets: ["subnet-t".to_owned()].into(),
            security_groups: ["sg-t".to_owned()].into(),
            assign_public_ip: true,
        })
    );
    assert_eq!(
        process.load_balancing.unwrap().ports[0].target_group.target_type,
        TargetType::Ip
    );
    assert_eq!(process.task_definition.network_mode, NetworkMode::Awsvpc);
    assert_eq!(
        process.task_definition.main.ports,
        [PortMapping {
            container_port: 8080,
            host_port: HostPort::SameAsContainer
        }]
    );
    let process = one(
        json!({ "command": "run" }),
        spec(json!({ "subnets": ["subnet-t"] })),
    );
    let network = service(&process).settings.network.clone().unwrap();
    assert!(network.security_groups.is_empty() && !network.assign_public_ip);
}

#[test]
fn everything_carries_the_platforms_tags_and_ours_which_win() {
    let spec = json!({ "tags": { "cost-center": "42", "empire.dev/process": "x", "empire.dev/owner": "x" } });
    let process = one(json!({ "command": "run", "expose": {} }), spec);
    let expected: Tags = [
        ("cost-center", "42"),
        ("empire.dev/app", "shop/acme"),
        ("empire.dev/owner", "installation-1"),
        ("empire.dev/process", "api"),
    ]
    .map(|(key, value)| (key.into(), value.into()))
    .into();
    let balancing = process.load_balancing.as_ref().unwrap();
    assert_eq!(service(&process).tags, expected);
    assert_eq!(balancing.load_balancer.tags, expected);
    assert_eq!(balancing.ports[0].target_group.tags, expected);
}

#[test]
fn without_load_balancing_ports_stay_but_nothing_else_of_exposure() {
    let spec = json!({ "loadBalancing": { "provider": "None" } });
    let desired = built(
        json!({ "web": { "command": "run", "expose": { "external": true } } }),
        spec,
    );
    let process = &desired.processes["web"];
    assert_eq!((&process.load_balancing, desired.records.len()), (&None, 0));
    assert_eq!(process.task_definition.main.ports[0].container_port, 8080);
    assert!(!desired.place.load_balancing && desired.place.zones.is_empty());
}

#[test]
fn a_side_that_the_platform_lacks_is_named() {
    for (external, word) in [(true, "external"), (false, "internal")] {
        let message = refused(
            json!({ "command": "run", "expose": { "external": external } }),
            json!({ "network": { word: null } }),
        );
        assert!(
            message.contains(&format!("Platform staging has no network.{word}")),
            "{message}"
        );
    }
}

#[test]
fn the_place_is_what_the_platform_says() {
    let found = place(&platform(
        json!({ "network": { "hostPorts": { "first": 9000, "last": 9100 } } }),
    ));
    assert_eq!(
        (found.platform.as_str(), found.cluster.as_str()),
        ("staging", "cluster-3")
    );
    assert!(found.load_balancing);
    assert_eq!(Vec::from_iter(&found.zones), ["Z-EXTERNAL", "Z-INTERNAL"]);
    assert_eq!(
        found.host_ports,
        Some(PortRange {
            first: 9000,
            last: 9100
        })
    );
    let bare = place(&platform(
        json!({ "cluster": null, "dns": null, "loadBalancing": { "provider": "ELBv2" } }),
    ));
    assert_eq!((bare.cluster.as_str(), bare.host_ports), ("default", None));
    assert!(bare.load_balancing && bare.zones.is_empty());
}

#[test]
fn the_same_manifest_means_the_same_every_time() {
    let processes = || json!({ "web": { "command": "run" }, "api": { "command": "run", "expose": {} } });
    assert_eq!(built(processes(), json!({})), built(processes(), json!({})));
}

#[test]
fn one_bad_process_is_named_among_the_good_ones() {
    let app = app(json!({ "api": { "command": "run" }, "web": { "command": "'" } }));
    let error = build(&app, &platform(json!({})), &owner(), &namespace()).unwrap_err();
    assert!(error.to_string().starts_with("process web: command: "), "{error}");
}

#[test]
fn an_app_has_names_if_it_exposes_anything_through_a_load_balancer() {
    let web = app(json!({ "web": { "command": "run" } }));
    let worker = app(json!({ "worker": { "command": "run" } }));
    assert!(has_names(&web, &platform(json!({}))));
    assert!(!has_names(&worker, &platform(json!({}))));
    assert!(!has_names(
        &web,
        &platform(json!({ "loadBalancing": { "provider": "None" } }))
    ));
}

#[test]
fn an_app_is_called_by_namespace_and_name() {
    let expected = AppName {
        namespace: "shop".into(),
        name: "acme".into(),
    };
    assert_eq!(app_name(&app(json!({}))), expected);
}

#[test]
fn without_zones_in_its_status_a_platform_gives_no_names() {
    let platform = platform_with(json!({ "status": { "zones": null } }));
    let app = app(json!({ "web": { "command": "run" } }));
    assert!(
        build(&app, &platform, &owner(), &namespace())
            .unwrap()
            .desired
            .records
            .is_empty()
    );
}

#[test]
fn what_becomes_of_things_is_for_the_app_to_say_and_else_for_its_platform() {
    let check = |app: Option<&str>, platform: Option<&str>, expected| {
        let app = app_with(json!({ "spec": { "deletionPolicy": app } }));
        let platform = platform_with(json!({ "spec": { "deletionPolicy": platform } }));
        assert_eq!(retains(&app, Some(&platform)), expected);
    };
    let (delete, retain) = (Some("Delete"), Some("Retain"));
    check(None, None, false);
    check(None, delete, false);
    check(None, retain, true);
    check(delete, retain, false);
    check(retain, delete, true);
    check(retain, None, true);
    assert!(!retains(&app_with(json!({})), None));
}
