//! Task definitions: written, and read back in AWS's words.

use serde_json::{Value, json};

use super::overrides::overridden;
use super::{DEFINITION_ARN, bridge, definition, tags, tags_json, with};
use crate::aws::replay::{self, Replay};
use crate::aws::{AwsError, Ecs, EcsWrites, Fault};
use crate::model::class::Class;
use crate::model::container::{Condition, Container, ContainerCheck, Details, Environment, HostPort};
use crate::model::extras::{Extras, LogRouter, LogRouterKind, NamedPort, Restart, Transport};
use crate::model::name::Arn;
use crate::model::service::{Architecture, LaunchType, NetworkMode, TaskDefinition};
use crate::model::small_map::SmallMap;
use crate::model::state::TaskDefinitionState;
use crate::model::volume::{FileSystem, Mount, Volume};

/// Returns the request that RegisterTaskDefinition sent.
pub(super) async fn written(content: &TaskDefinition) -> Value {
    let aws = Replay::new([replay::json(
        &json!({"taskDefinition": {"taskDefinitionArn": DEFINITION_ARN}}),
    )]);
    let state = aws
        .clients
        .register_task_definition(content, &tags())
        .await
        .unwrap();
    assert_eq!(
        state,
        TaskDefinitionState {
            arn: Arn(DEFINITION_ARN.into()),
            content: content.clone(),
            active: true,
            tags: tags(),
        }
    );
    let sent = aws.only();
    assert_eq!(sent.target, "RegisterTaskDefinition");
    sent.json()
}

/// Every part that most definitions do without.
pub(super) fn full() -> TaskDefinition {
    let secret = |name: &str, arn: &str| (name.to_owned(), arn.to_owned());
    TaskDefinition {
        task_role_arn: Some("arn:aws:iam::123456789012:role/apps/acme".into()),
        main: Container {
            secrets: SmallMap::from([
                secret(
                    "API_KEY",
                    "arn:aws:ssm:us-east-1:123456789012:parameter/shop/api-key",
                ),
                secret(
                    "DATABASE_URL",
                    "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop/database-a1b2c3",
                ),
            ]),
            process_limit: Some(512),
            stop_timeout: Some(45),
            read_only_root_filesystem: true,
            ..bridge().main
        },
        ..bridge()
    }
}

/// Returns the task definition as AWS reports it: defaults filled in, `environment` and `requiresAttributes` in an order of its own.
pub(super) fn reported(mut sent: Value) -> Value {
    let is_awsvpc = sent["networkMode"] == "awsvpc";
    let definition = sent.as_object_mut().unwrap();
    definition.remove("tags");
    for field in ["volumes", "placementConstraints"] {
        definition.entry(field).or_insert_with(|| json!([]));
    }
    let faults = definition.entry("enableFaultInjection");
    faults.or_insert(json!(false));
    for container in definition["containerDefinitions"].as_array_mut().unwrap() {
        let container = container.as_object_mut().unwrap();
        for field in ["environment", "secrets"] {
            if let Some(list) = container.get_mut(field) {
                list.as_array_mut().unwrap().reverse();
            }
        }
        for field in ["mountPoints", "volumesFrom", "systemControls"] {
            container.entry(field).or_insert_with(|| json!([]));
        }
        container.entry("portMappings").or_insert_with(|| json!([]));
        for mapping in container["portMappings"].as_array_mut().unwrap() {
            if is_awsvpc {
                mapping["hostPort"] = mapping["containerPort"].clone();
            }
        }
        if let Some(logging) = container.get_mut("logConfiguration") {
            let logging = logging.as_object_mut().unwrap();
            logging.entry("secretOptions").or_insert_with(|| json!([]));
        }
    }
    let compatibilities = if is_awsvpc {
        json!(["EC2", "FARGATE"])
    } else {
        json!(["EXTERNAL", "EC2"])
    };
    with(
        sent,
        json!({
            "taskDefinitionArn": DEFINITION_ARN,
            "revision": 7,
            "status": "ACTIVE",
            "requiresAttributes": [
                {"name": "ecs.capability.execution-role-awslogs"},
                {"name": "com.amazonaws.ecs.capability.docker-remote-api.1.19"},
            ],
            "compatibilities": compatibilities,
            "registeredAt": 1_700_000_000.789,
            "registeredBy": "arn:aws:sts::123456789012:assumed-role/empire/session",
        }),
    )
}

pub(super) async fn read(definition: Value) -> TaskDefinitionState {
    let aws = Replay::new([replay::json(
        &json!({"taskDefinition": definition, "tags": tags_json()}),
    )]);
    let found = aws
        .clients
        .describe_task_definition("shop_acme_web")
        .await
        .unwrap();
    let sent = aws.only();
    assert_eq!(sent.target, "DescribeTaskDefinition");
    assert_eq!(
        sent.json(),
        json!({"taskDefinition": "shop_acme_web", "include": ["TAGS"]})
    );
    found.unwrap()
}

#[tokio::test]
async fn registers_one_container_and_nothing_that_was_not_asked_for() {
    assert_eq!(
        written(&bridge()).await,
        json!({
            "family": "shop_acme_web",
            "executionRoleArn": "arn:aws:iam::123456789012:role/ecsTaskExecutionRole",
            "networkMode": "bridge",
            "containerDefinitions": [{
                "name": "web",
                "image": "registry.example/acme:v42",
                "cpu": 256,
                "memory": 512,
                "portMappings": [{"containerPort": 8080, "hostPort": 0, "protocol": "tcp"}],
                "essential": true,
                "command": ["./bin/web", "--port", "8080"],
                "environment": [
                    {"name": "PORT", "value": "8080"},
                    {"name": "RAILS_ENV", "value": "production"},
                ],
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {"awslogs-group": "/empire", "awslogs-region": "us-east-1"},
                },
            }],
            "requiresCompatibilities": ["EC2"],
            "tags": tags_json(),
        })
    );
}

#[tokio::test]
async fn registers_roles_secrets_and_limits_in_ecs_own_fields() {
    let sent = written(&full()).await;
    assert_eq!(sent["taskRoleArn"], "arn:aws:iam::123456789012:role/apps/acme");
    let container = &sent["containerDefinitions"][0];
    assert_eq!(
        container["secrets"],
        json!([
            {"name": "API_KEY", "valueFrom": "arn:aws:ssm:us-east-1:123456789012:parameter/shop/api-key"},
            {
                "name": "DATABASE_URL",
                "valueFrom": "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop/database-a1b2c3",
            },
        ])
    );
    assert_eq!(
        container["ulimits"],
        json!([{"name": "nproc", "softLimit": 512, "hardLimit": 512}])
    );
    assert_eq!(container["stopTimeout"], 45);
    assert_eq!(container["readonlyRootFilesystem"], true);
}

#[tokio::test]
async fn fargate_gets_the_size_of_the_task_and_no_host_port() {
    let sent = written(&definition(
        NetworkMode::Awsvpc,
        LaunchType::Fargate,
        HostPort::SameAsContainer,
    ))
    .await;
    assert_eq!((&sent["cpu"], &sent["memory"]), (&json!("256"), &json!("512")));
    assert_eq!(
        sent["containerDefinitions"][0]["portMappings"],
        json!([{"containerPort": 8080, "protocol": "tcp"}])
    );
}

#[tokio::test]
async fn in_host_mode_the_ports_are_the_containers_and_come_back_as_such() {
    let wanted = definition(
        NetworkMode::Host,
        LaunchType::ManagedInstances,
        HostPort::SameAsContainer,
    );
    let sent = written(&wanted).await;
    assert_eq!(sent["networkMode"], "host");
    assert_eq!(
        sent["containerDefinitions"][0]["portMappings"],
        json!([{"containerPort": 8080, "protocol": "tcp"}])
    );
    let mut found = reported(sent);
    found["requiresCompatibilities"] = json!(["MANAGED_INSTANCES"]);
    for host_port in [json!(8080), json!(0)] {
        found["containerDefinitions"][0]["portMappings"][0]["hostPort"] = host_port;
        assert_eq!(read(found.clone()).await.content, wanted);
    }
    found["containerDefinitions"][0]["portMappings"][0]["hostPort"] = json!(80);
    assert_ne!(read(found).await.content, wanted);
}

#[tokio::test]
async fn managed_instances_get_the_size_of_the_task() {
    let sent = written(&definition(
        NetworkMode::Awsvpc,
        LaunchType::ManagedInstances,
        HostPort::SameAsContainer,
    ))
    .await;
    assert_eq!(sent["requiresCompatibilities"], json!(["MANAGED_INSTANCES"]));
    assert_eq!((&sent["cpu"], &sent["memory"]), (&json!("256"), &json!("512")));
}

/// With all that most containers do without, and one beside it.
pub(super) fn detailed() -> TaskDefinition {
    let check = ContainerCheck {
        command: vec!["CMD-SHELL".into(), "curl -f http://localhost/ || exit 1".into()],
        interval: 30,
        timeout: 5,
        retries: 3,
        start_period: 0,
    };
    let credentials = "arn:aws:secretsmanager:us-east-1:123456789012:secret:registry-a1b2c3";
    let details = Details {
        optional: false,
        entry_point: vec!["/bin/sh".into(), "-c".into()],
        health_check: Some(check.clone()),
        user: Some("1000:1000".into()),
        working_directory: Some("/srv".into()),
        init: true,
        labels: [("team".into(), "shop".into())].into(),
        repository_credentials: Some(credentials.into()),
        tmpfs: [("/tmp".into(), 64)].into(),
        depends_on: [
            ("migrate".into(), Condition::Success),
            ("proxy".into(), Condition::Healthy),
        ]
        .into(),
        mounts: SmallMap::new(),
        extras: Extras::default(),
    };
    let sidecar = |name: &str, memory, details: Details| Container {
        name: name.into(),
        image: format!("registry.example/{name}:v1"),
        memory,
        details: details.kept(),
        ..Container::default()
    };
    let proxy = Details {
        health_check: Some(ContainerCheck {
            start_period: 10,
            ..check
        }),
        ..Details::default()
    };
    let migrate = Details {
        optional: true,
        ..Details::default()
    };
    let main = Container {
        details: details.kept(),
        ..bridge().main
    };
    TaskDefinition {
        main,
        sidecars: vec![sidecar("migrate", 0, migrate), sidecar("proxy", 128, proxy)],
        ..bridge()
    }
}

/// With all that few containers have.
pub(super) fn rare() -> TaskDefinition {
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
    let extras = Extras {
        open_files: Some(1_024),
        start_timeout: Some(60),
        restart: Some(Restart {
            attempt_period: 90,
            ignored_exit_codes: vec![0, 2],
        }),
        memory_reservation: Some(128),
        shared_memory: Some(32),
        gpus: Some(2),
        environment_files: ["b", "a"]
            .map(|file| format!("arn:aws:s3:::config/{file}.env"))
            .into(),
        system_controls: [("net.core.somaxconn".into(), "1024".into())].into(),
        extra_hosts: [("db".into(), "10.0.0.7".into())].into(),
        ports: ports.into(),
        log_router: Some(LogRouter {
            kind: LogRouterKind::Fluentd,
            options: [("config-file-type".into(), "file".into())].into(),
        }),
        members: None,
    };
    let details = Details {
        extras,
        ..Details::default()
    };
    TaskDefinition {
        main: Container {
            details: details.kept(),
            ..full().main
        },
        ..full()
    }
}

#[tokio::test]
async fn what_few_have_is_written_as_aws_has_it() {
    let sent = written(&rare()).await;
    let container = &sent["containerDefinitions"][0];
    for (field, expected) in [
        (
            "ulimits",
            json!([
                {"name": "nproc", "softLimit": 512, "hardLimit": 512},
                {"name": "nofile", "softLimit": 1024, "hardLimit": 1024},
            ]),
        ),
        ("startTimeout", json!(60)),
        (
            "restartPolicy",
            json!({"enabled": true, "restartAttemptPeriod": 90, "ignoredExitCodes": [0, 2]}),
        ),
        ("memoryReservation", json!(128)),
        (
            "firelensConfiguration",
            json!({"type": "fluentd", "options": {"config-file-type": "file"}}),
        ),
        ("linuxParameters", json!({"sharedMemorySize": 32})),
        ("resourceRequirements", json!([{"type": "GPU", "value": "2"}])),
        (
            "environmentFiles",
            json!([
                {"type": "s3", "value": "arn:aws:s3:::config/b.env"},
                {"type": "s3", "value": "arn:aws:s3:::config/a.env"},
            ]),
        ),
        (
            "systemControls",
            json!([{"namespace": "net.core.somaxconn", "value": "1024"}]),
        ),
        ("extraHosts", json!([{"hostname": "db", "ipAddress": "10.0.0.7"}])),
        (
            "portMappings",
            json!([
                {"containerPort": 8080, "hostPort": 0, "protocol": "tcp"},
                {"containerPort": 9100, "protocol": "tcp", "name": "metrics"},
                {"containerPort": 8125, "protocol": "udp", "name": "statsd"},
            ]),
        ),
    ] {
        assert_eq!(container[field], expected);
    }
}

#[tokio::test]
async fn details_and_sidecars_are_written_as_aws_has_them() {
    let sent = written(&detailed()).await;
    // One has no limit of its own, and so the task has one.
    assert_eq!((&sent["memory"], &sent["cpu"]), (&json!("640"), &Value::Null));
    let [web, migrate, proxy] = &sent["containerDefinitions"].as_array().unwrap()[..] else {
        panic!("{sent}")
    };
    assert_eq!(
        web["healthCheck"],
        json!({
            "command": ["CMD-SHELL", "curl -f http://localhost/ || exit 1"], "interval": 30, "timeout": 5, "retries": 3,
        })
    );
    assert_eq!(
        web["linuxParameters"],
        json!({"initProcessEnabled": true, "tmpfs": [{"containerPath": "/tmp", "size": 64}]})
    );
    assert_eq!(
        web["dependsOn"],
        json!([
            {"containerName": "migrate", "condition": "SUCCESS"},
            {"containerName": "proxy", "condition": "HEALTHY"},
        ])
    );
    assert_eq!(
        (
            &web["entryPoint"],
            &web["user"],
            &web["workingDirectory"],
            &web["dockerLabels"]
        ),
        (
            &json!(["/bin/sh", "-c"]),
            &json!("1000:1000"),
            &json!("/srv"),
            &json!({"team": "shop"})
        )
    );
    assert_eq!(
        (&web["essential"], &migrate["essential"], &proxy["essential"]),
        (&json!(true), &json!(false), &json!(true))
    );
    assert_eq!(
        (&migrate["memory"], &proxy["memory"]),
        (&Value::Null, &json!(128))
    );
    assert_eq!(proxy["healthCheck"]["startPeriod"], 10);
    assert_eq!(
        web["repositoryCredentials"]["credentialsParameter"],
        json!("arn:aws:secretsmanager:us-east-1:123456789012:secret:registry-a1b2c3")
    );

    let storage = TaskDefinition {
        ephemeral_storage: Some(50),
        ..bridge()
    };
    assert_eq!(
        written(&storage).await["ephemeralStorage"],
        json!({"sizeInGiB": 50})
    );
    let on = |content: TaskDefinition, architecture| TaskDefinition {
        architecture: Some(architecture),
        ..content
    };
    let arm = on(bridge(), Architecture::Arm64);
    assert_eq!(
        written(&arm).await["runtimePlatform"],
        json!({"cpuArchitecture": "ARM64"})
    );
    let fargate = TaskDefinition {
        launch_type: LaunchType::Fargate,
        ..on(bridge(), Architecture::X8664)
    };
    assert_eq!(
        written(&fargate).await["runtimePlatform"],
        json!({"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"})
    );
    // A task without any of it is sent as it always was.
    let plain = written(&bridge()).await;
    let container = plain["containerDefinitions"][0].as_object().unwrap();
    let known = [
        "command",
        "cpu",
        "environment",
        "essential",
        "image",
        "logConfiguration",
        "memory",
        "name",
        "portMappings",
    ];
    assert_eq!(
        container
            .keys()
            .map(String::as_str)
            .collect::<std::collections::BTreeSet<_>>(),
        known.into()
    );
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html>
#[tokio::test]
async fn a_check_without_numbers_has_those_of_ecs() {
    let mut found = reported(written(&detailed()).await);
    found["containerDefinitions"][0]["healthCheck"] =
        json!({"command": ["CMD-SHELL", "curl -f http://localhost/ || exit 1"], "startPeriod": 0});
    assert_eq!(read(found).await.content, detailed());
}

/// AWS does not say in which order it lists containers.
#[tokio::test]
async fn the_main_container_is_found_by_its_name() {
    let mut found = reported(written(&detailed()).await);
    found["containerDefinitions"].as_array_mut().unwrap().reverse();
    assert_eq!(read(found).await.content, detailed());
}

#[tokio::test]
async fn what_was_written_is_read_again() {
    let plain = TaskDefinition {
        execution_role_arn: None,
        main: Container {
            command: Vec::new(),
            environment: Environment::default(),
            ports: Vec::new(),
            logging: None,
            ..bridge().main
        },
        ..bridge()
    };
    let mut secret_options = full();
    if let Some(logging) = &mut secret_options.main.logging {
        let arn = |name: &str| format!("arn:aws:ssm:us-east-1:123456789012:parameter/{name}");
        logging.secret_options = SmallMap::from([("a".into(), arn("a")), ("b".into(), arn("b"))]);
    }
    let contents = [
        secret_options,
        detailed(),
        rare(),
        overridden(),
        TaskDefinition {
            network_mode: NetworkMode::Awsvpc,
            main: Container {
                ports: Vec::new(),
                ..rare().main
            },
            ..rare()
        },
        bridge(),
        definition(NetworkMode::Bridge, LaunchType::Ec2, HostPort::Fixed(9001)),
        definition(NetworkMode::Awsvpc, LaunchType::Ec2, HostPort::SameAsContainer),
        definition(
            NetworkMode::Awsvpc,
            LaunchType::Fargate,
            HostPort::SameAsContainer,
        ),
        definition(
            NetworkMode::Awsvpc,
            LaunchType::ManagedInstances,
            HostPort::SameAsContainer,
        ),
        definition(NetworkMode::Bridge, LaunchType::External, HostPort::Dynamic),
        plain,
        full(),
    ];
    for content in contents {
        let found = read(reported(written(&content).await)).await;
        assert_eq!(found.content, content);
        assert!(found.active);
        assert_eq!(found.tags, tags());
        assert_eq!(found.arn, Arn(DEFINITION_ARN.into()));
    }
}

#[tokio::test]
async fn every_part_of_the_content_counts() {
    let base = reported(written(&bridge()).await);
    let check = async |pointer: &str, value: Value| {
        let mut changed = base.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        assert_ne!(read(changed).await.content, bridge(), "{pointer}");
    };
    check("/family", json!("shop_acme_other")).await;
    check("/networkMode", json!("awsvpc")).await;
    check("/requiresCompatibilities", json!(["EXTERNAL"])).await;
    check("/executionRoleArn", json!("arn:aws:iam::123456789012:role/other")).await;
    check("/containerDefinitions/0/name", json!("other")).await;
    check(
        "/containerDefinitions/0/image",
        json!("registry.example/acme:v43"),
    )
    .await;
    check("/containerDefinitions/0/command", json!(["./bin/web"])).await;
    check("/containerDefinitions/0/cpu", json!(512)).await;
    check("/containerDefinitions/0/memory", json!(1024)).await;
    check("/containerDefinitions/0/environment/0/value", json!("other")).await;
    check(
        "/containerDefinitions/0/portMappings/0/containerPort",
        json!(8081),
    )
    .await;
    check("/containerDefinitions/0/portMappings/0/hostPort", json!(9001)).await;
    check(
        "/containerDefinitions/0/logConfiguration/logDriver",
        json!("syslog"),
    )
    .await;
    check(
        "/containerDefinitions/0/logConfiguration/options/awslogs-group",
        json!("/other"),
    )
    .await;
}

#[tokio::test]
async fn every_part_that_most_do_without_counts() {
    let base = reported(written(&full()).await);
    let check = async |pointer: &str, value: Value| {
        let mut changed = base.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        assert_ne!(read(changed).await.content, full(), "{pointer}");
    };
    check("/taskRoleArn", json!("arn:aws:iam::123456789012:role/other")).await;
    check("/taskRoleArn", json!("")).await;
    check("/containerDefinitions/0/secrets/0/name", json!("OTHER")).await;
    check(
        "/containerDefinitions/0/secrets/0/valueFrom",
        json!("arn:aws:ssm:us-east-1:123456789012:parameter/other"),
    )
    .await;
    check("/containerDefinitions/0/secrets", json!([])).await;
    check("/containerDefinitions/0/ulimits", json!([])).await;
    check(
        "/containerDefinitions/0/ulimits/0",
        json!({"name": "nproc", "softLimit": 256, "hardLimit": 256}),
    )
    .await;
    check("/containerDefinitions/0/stopTimeout", json!(46)).await;
    check("/containerDefinitions/0/readonlyRootFilesystem", json!(false)).await;
}

#[tokio::test]
async fn a_deregistered_definition_is_no_longer_active() {
    let inactive = json!({"status": "INACTIVE", "deregisteredAt": 1_700_000_900.0});
    let found = read(with(reported(written(&bridge()).await), inactive)).await;
    assert!(!found.active);
    assert_eq!(found.content, bridge());
}

#[tokio::test]
async fn a_definition_that_is_not_there_is_none() {
    let aws = Replay::new([
        replay::json_error(400, "ClientException", "Unable to describe task definition."),
        replay::json_error(400, "ClientException", "Something else."),
    ]);
    assert_eq!(
        aws.clients
            .describe_task_definition("shop_acme_web")
            .await
            .unwrap(),
        None
    );
    let error = aws
        .clients
        .describe_task_definition("shop_acme_web")
        .await
        .unwrap_err();
    assert_eq!(error.class(), Class::Refused);
}

#[tokio::test]
async fn a_claim_that_was_not_looked_up_never_reaches_aws() {
    let aws = Replay::new([]);
    let claimed = definition(NetworkMode::Bridge, LaunchType::Ec2, HostPort::Claimed);
    let error = aws
        .clients
        .register_task_definition(&claimed, &tags())
        .await
        .unwrap_err();
    assert_eq!(error.class(), Class::Bug);
    assert_eq!(aws.sent().len(), 0);
}

async fn refused(content: &TaskDefinition, message: &str) -> AwsError {
    let aws = Replay::new([replay::json_error(400, "ClientException", message)]);
    aws.clients
        .register_task_definition(content, &tags())
        .await
        .unwrap_err()
}

/// AWS may quote what it refuses.
#[tokio::test]
async fn values_of_environment_variables_are_in_no_error_and_no_debug_output() {
    let secret = Environment(
        [
            ("API_KEY", "hunter2hunter2"),
            ("LONGER", "hunter2hunter2-and-more"),
            ("MODE", "on"),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .into(),
    );
    let content = TaskDefinition {
        main: Container {
            environment: secret,
            ..bridge().main
        },
        ..bridge()
    };
    let quoted =
        "Invalid value 'hunter2hunter2-and-more' beside hunter2hunter2 for LONGER based on Container.";
    let (lines, error) = replay::logged(refused(&content, quoted)).await;
    assert_eq!(lines.len(), 1);
    assert!(!lines[0].to_string().contains("hunter2"), "{lines:?}");
    assert_eq!(
        error.message,
        "Invalid value '***' beside *** for LONGER based on Container."
    );
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    let state = read(reported(written(&content).await)).await;
    let debug = format!("{content:?} {state:?}");
    assert!(debug.contains("API_KEY") && !debug.contains("hunter2"), "{debug}");
}

#[tokio::test]
async fn masking_does_not_change_the_fault() {
    let content = TaskDefinition {
        main: Container {
            environment: Environment([("WORDS".into(), "concurrent attempts".into())].into()),
            ..bridge().main
        },
        ..bridge()
    };
    let message = "Too many concurrent attempts to create a new revision of the specified family.";
    let error = refused(&content, message).await;
    assert_eq!(error.fault, Fault::Failed(Class::Throttled));
    assert!(!error.message.contains("concurrent attempts"));
}

/// ECS reports a root directory, and an authorization, where none was sent.
#[tokio::test]
async fn volumes_are_sent_and_read_back() {
    let file_system = |directory: Option<&str>, access_point: Option<&str>, iam| {
        Volume::FileSystem(FileSystem {
            id: "fs-1".into(),
            directory: directory.map(str::to_owned),
            access_point: access_point.map(str::to_owned),
            iam,
        })
    };
    let mount = |volume: &str, read_only| Mount {
        volume: volume.into(),
        read_only,
    };
    let details = Details {
        mounts: [
            ("/data".into(), mount("a", true)),
            ("/tmp".into(), mount("d", false)),
        ]
        .into(),
        ..Details::default()
    };
    let content = TaskDefinition {
        volumes: [
            ("a".into(), file_system(None, None, false)),
            ("b".into(), file_system(Some("/b"), None, true)),
            ("c".into(), file_system(None, Some("fsap-1"), false)),
            ("d".into(), Volume::Scratch),
        ]
        .into(),
        main: Container {
            details: details.kept(),
            ..bridge().main
        },
        ..bridge()
    };
    let sent = written(&content).await;
    assert_eq!(
        sent["volumes"],
        json!([
            {"name": "a", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "transitEncryption": "ENABLED"}},
            {"name": "b", "efsVolumeConfiguration": {
                "fileSystemId": "fs-1", "rootDirectory": "/b", "transitEncryption": "ENABLED",
                "authorizationConfig": {"iam": "ENABLED"},
            }},
            {"name": "c", "efsVolumeConfiguration": {
                "fileSystemId": "fs-1", "transitEncryption": "ENABLED",
                "authorizationConfig": {"accessPointId": "fsap-1", "iam": "DISABLED"},
            }},
            {"name": "d"},
        ])
    );
    assert_eq!(
        sent["containerDefinitions"][0]["mountPoints"],
        json!([
            {"sourceVolume": "a", "containerPath": "/data", "readOnly": true},
            {"sourceVolume": "d", "containerPath": "/tmp", "readOnly": false},
        ])
    );
    let mut found = reported(sent);
    assert_eq!(read(found.clone()).await.content, content);
    found["volumes"][0]["efsVolumeConfiguration"]["rootDirectory"] = json!("/");
    found["volumes"][0]["efsVolumeConfiguration"]["authorizationConfig"] = json!({"iam": "DISABLED"});
    found["volumes"][3]["host"] = json!({});
    assert_eq!(read(found).await.content, content);
    // Without any, none are sent.
    let plain = written(&bridge()).await;
    assert_eq!(plain["volumes"], Value::Null);
    assert_eq!(plain["containerDefinitions"][0]["mountPoints"], Value::Null);
}
