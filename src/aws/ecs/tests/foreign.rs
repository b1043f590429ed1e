//! A task definition that holds what we never write must never count as what we want.

use serde_json::{Value, json};

use super::task_definitions::{read, reported, written};
use super::{bridge, definition, with};
use crate::model::container::HostPort;
use crate::model::service::{LaunchType, NetworkMode};

/// The definition with some fields set, beside the container.
async fn outside(fields: Value) -> Value {
    with(reported(written(&bridge()).await), fields)
}

/// The same in its container.
async fn inside(fields: Value) -> Value {
    let mut definition = reported(written(&bridge()).await);
    let container = &mut definition["containerDefinitions"][0];
    *container = with(container.take(), fields);
    definition
}

async fn is_foreign(definition: Value, field: &str) {
    let found = read(definition).await.content;
    assert_eq!(found.main.name, format!("web with {field}"));
    // What the rest of the pipeline still wants to know of it.
    assert_eq!(found.main.image, bridge().main.image);
}

#[tokio::test]
async fn beside_the_container() {
    for (field, value) in [
        ("volumes", json!([{"name": "data", "host": {}}])),
        (
            "placementConstraints",
            json!([{"type": "memberOf", "expression": "attribute:x == y"}]),
        ),
        (
            "inferenceAccelerators",
            json!([{"deviceName": "d", "deviceType": "t"}]),
        ),
        ("pidMode", json!("host")),
        ("ipcMode", json!("task")),
        (
            "proxyConfiguration",
            json!({"type": "APPMESH", "containerName": "web"}),
        ),
        ("ephemeralStorage", json!({"sizeInGiB": 100})),
        (
            "runtimePlatform",
            json!({"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}),
        ),
        ("enableFaultInjection", json!(true)),
        ("cpu", json!("256")),
        ("memory", json!("512")),
        ("networkMode", json!("host")),
        ("requiresCompatibilities", json!(["EC2", "FARGATE"])),
    ] {
        is_foreign(outside(json!({field: value})).await, field).await;
    }
    is_foreign(
        outside(json!({"requiresCompatibilities": null})).await,
        "requiresCompatibilities",
    )
    .await;
}

#[tokio::test]
async fn in_the_container() {
    for (field, value) in [
        ("essential", json!(false)),
        ("memoryReservation", json!(256)),
        ("links", json!(["db"])),
        ("restartPolicy", json!({"enabled": true})),
        ("entryPoint", json!(["/bin/sh"])),
        (
            "environmentFiles",
            json!([{"value": "arn:aws:s3:::bucket/file.env", "type": "s3"}]),
        ),
        (
            "mountPoints",
            json!([{"sourceVolume": "data", "containerPath": "/data"}]),
        ),
        ("volumesFrom", json!([{"sourceContainer": "other"}])),
        ("linuxParameters", json!({"initProcessEnabled": true})),
        (
            "dependsOn",
            json!([{"containerName": "other", "condition": "START"}]),
        ),
        ("startTimeout", json!(30)),
        ("versionConsistency", json!("disabled")),
        ("hostname", json!("web")),
        ("user", json!("1000")),
        ("workingDirectory", json!("/srv")),
        ("disableNetworking", json!(true)),
        ("privileged", json!(true)),
        ("dnsServers", json!(["10.0.0.2"])),
        ("dnsSearchDomains", json!(["example.com"])),
        ("extraHosts", json!([{"hostname": "a", "ipAddress": "10.0.0.3"}])),
        ("dockerSecurityOptions", json!(["no-new-privileges"])),
        ("interactive", json!(true)),
        ("pseudoTerminal", json!(true)),
        ("dockerLabels", json!({"a": "b"})),
        (
            "ulimits",
            json!([{"name": "nofile", "softLimit": 256, "hardLimit": 256}]),
        ),
        (
            "ulimits",
            json!([{"name": "nproc", "softLimit": 256, "hardLimit": 512}]),
        ),
        (
            "ulimits",
            json!([
                {"name": "nproc", "softLimit": 256, "hardLimit": 256},
                {"name": "nofile", "softLimit": 1, "hardLimit": 2},
            ]),
        ),
        (
            "secrets",
            json!([
                {"name": "A", "valueFrom": "arn:aws:ssm:us-east-1:123456789012:parameter/a"},
                {"name": "A", "valueFrom": "arn:aws:ssm:us-east-1:123456789012:parameter/b"},
            ]),
        ),
        ("healthCheck", json!({"command": ["CMD", "true"]})),
        (
            "systemControls",
            json!([{"namespace": "net.core.somaxconn", "value": "1024"}]),
        ),
        ("resourceRequirements", json!([{"type": "GPU", "value": "1"}])),
        ("firelensConfiguration", json!({"type": "fluentbit"})),
        (
            "repositoryCredentials",
            json!({"credentialsParameter": "arn:aws:secretsmanager:us-east-1:123456789012:secret:a"}),
        ),
        (
            "credentialSpecs",
            json!(["credentialspec:arn:aws:s3:::bucket/spec"]),
        ),
    ] {
        is_foreign(inside(json!({field: value})).await, field).await;
    }
}

#[tokio::test]
async fn what_aws_fills_in_is_not_foreign() {
    let definition = outside(json!({
        "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
        "taskRoleArn": "", "cpu": "", "memory": "",
    }))
    .await;
    assert_eq!(read(definition).await.content, bridge());
    let container = inside(json!({
        "memoryReservation": 0, "links": [], "entryPoint": [], "dockerLabels": {}, "user": "", "privileged": false,
        "readonlyRootFilesystem": false, "interactive": false, "pseudoTerminal": false, "ulimits": [],
        "stopTimeout": 0, "versionConsistency": "enabled", "restartPolicy": {"enabled": false}, "environmentFiles": [], "secrets": [],
    }))
    .await;
    assert_eq!(read(container).await.content, bridge());
}

#[tokio::test]
async fn a_second_container_or_a_strange_port() {
    let two = async |mut other: Value| {
        let mut two = reported(written(&bridge()).await);
        let containers = two["containerDefinitions"].as_array_mut().unwrap();
        containers.insert(0, other.take());
        two
    };
    let other = json!({"name": "proxy", "image": "registry.example/proxy"});
    let found = read(two(other.clone()).await).await.content;
    assert_eq!((found.main, found.sidecars.len()), (bridge().main, 1));
    let linked = with(other, json!({"links": ["web"], "essential": false}));
    is_foreign(two(linked).await, "proxy.essential, proxy.links").await;

    let none = outside(json!({"containerDefinitions": []})).await;
    assert_ne!(read(none).await.content, bridge());

    let ports = json!([{"containerPort": 9090, "hostPort": 0, "protocol": "udp"}, {"containerPort": 8080, "hostPort": 0}]);
    let found = inside(json!({"portMappings": ports})).await;
    is_foreign(found.clone(), "portMappings").await;
    assert_eq!(read(found).await.content.main.ports, bridge().main.ports);

    for mapping in [
        json!({"containerPort": 8080, "hostPort": 0, "protocol": "udp"}),
        json!({"containerPort": 8080, "hostPort": 0, "protocol": "tcp", "name": "web"}),
        json!({"containerPort": 8080, "hostPort": 0, "protocol": "tcp", "appProtocol": "http"}),
        json!({"containerPortRange": "8080-8090", "protocol": "tcp"}),
    ] {
        is_foreign(inside(json!({"portMappings": [mapping]})).await, "portMappings").await;
    }
}

#[tokio::test]
async fn a_repeated_secret_option_of_logging_and_a_repeated_variable() {
    let logging = json!({
        "logDriver": "awslogs",
        "options": {"awslogs-group": "/empire", "awslogs-region": "us-east-1"},
        "secretOptions": [
            {"name": "token", "valueFrom": "arn:aws:ssm:us-east-1:123456789012:parameter/a"},
            {"name": "token", "valueFrom": "arn:aws:ssm:us-east-1:123456789012:parameter/b"},
        ],
    });
    is_foreign(
        inside(json!({"logConfiguration": logging})).await,
        "secretOptions",
    )
    .await;
    let twice = json!([
        {"name": "PORT", "value": "8080"},
        {"name": "RAILS_ENV", "value": "production"},
        {"name": "PORT", "value": "8080"},
    ]);
    is_foreign(inside(json!({"environment": twice})).await, "environment").await;
}

#[tokio::test]
async fn fargate_of_another_size() {
    let ours = definition(
        NetworkMode::Awsvpc,
        LaunchType::Fargate,
        HostPort::SameAsContainer,
    );
    let sent = reported(written(&ours).await);
    for (field, value) in [
        ("cpu", json!("1024")),
        ("memory", json!("2048")),
        ("cpu", json!(null)),
    ] {
        let found = read(with(sent.clone(), json!({field: value}))).await.content;
        assert_eq!(found.main.name, format!("web with {field}"));
    }
}

#[tokio::test]
async fn all_that_is_foreign_is_named_in_one_order() {
    let mut definition = outside(json!({"pidMode": "host", "ipcMode": "host"})).await;
    definition["containerDefinitions"][0]["user"] = json!("root");
    is_foreign(definition, "ipcMode, pidMode, user").await;
}
