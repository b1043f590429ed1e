//! A task definition that holds what we never write must never count as what we want.

use serde_json::{Value, json};

use super::task_definitions::{read, reported, written};
use super::{bridge, definition, with};
use crate::model::container::HostPort;
use crate::model::service::{Architecture, LaunchType, NetworkMode, TaskDefinition};
use crate::model::volume::Volume;

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
        ("volumes", json!([{"host": {}}])),
        (
            "volumes",
            json!([{"name": "data", "host": {"sourcePath": "/srv"}, "dockerVolumeConfiguration": {"scope": "task"}}]),
        ),
        ("pidMode", json!("other")),
        ("ipcMode", json!("other")),
        ("volumes", json!([{"name": "data"}, {"name": "data"}])),
        (
            "volumes",
            json!([{"name": "data", "fsxWindowsFileServerVolumeConfiguration": {
                "fileSystemId": "fs-1", "rootDirectory": "/", "authorizationConfig": {"credentialsParameter": "a", "domain": "b"},
            }}]),
        ),
        ("volumes", json!([{"name": "data", "configuredAtLaunch": true}])),
        (
            "volumes",
            json!([{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]),
        ),
        (
            "volumes",
            json!([{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "transitEncryption": "DISABLED"}}]),
        ),
        (
            "volumes",
            json!([{"name": "data", "efsVolumeConfiguration": {
                "fileSystemId": "fs-1", "transitEncryption": "ENABLED", "transitEncryptionPort": 2049,
            }}]),
        ),
        ("placementConstraints", json!([{"type": "memberOf"}])),
        (
            "placementConstraints",
            json!([{"type": "other", "expression": "attribute:x == y"}]),
        ),
        (
            "inferenceAccelerators",
            json!([{"deviceName": "d", "deviceType": "t"}]),
        ),
        (
            "proxyConfiguration",
            json!({"type": "APPMESH", "containerName": "web"}),
        ),
        (
            "runtimePlatform",
            json!({"cpuArchitecture": "X86_64", "operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}),
        ),
        ("runtimePlatform", json!({"cpuArchitecture": "RISCV64"})),
        (
            "runtimePlatform",
            json!({"cpuArchitecture": "RISCV64", "operatingSystemFamily": "LINUX"}),
        ),
        ("cpu", json!("256")),
        ("memory", json!("512")),
        ("networkMode", json!("none")),
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
        (
            "environmentFiles",
            json!([{"value": "arn:aws:s3:::bucket/file.env", "type": "other"}]),
        ),
        (
            "mountPoints",
            json!([
                {"sourceVolume": "data", "containerPath": "/data"},
                {"sourceVolume": "more", "containerPath": "/data"},
            ]),
        ),
        ("mountPoints", json!([{"sourceVolume": "data"}])),
        ("mountPoints", json!([{"containerPath": "/data"}])),
        (
            "mountPoints",
            json!([{"sourceVolume": "", "containerPath": "/data"}]),
        ),
        (
            "dependsOn",
            json!([
                {"containerName": "other", "condition": "START"},
                {"containerName": "other", "condition": "HEALTHY"},
            ]),
        ),
        ("volumesFrom", json!([{"readOnly": true}])),
        (
            "volumesFrom",
            json!([{"sourceContainer": "other"}, {"sourceContainer": "other", "readOnly": true}]),
        ),
        (
            "linuxParameters.devices",
            json!([{"hostPath": "/dev/fuse"}, {"hostPath": "/dev/fuse", "containerPath": "/dev/other"}]),
        ),
        (
            "tmpfs",
            json!([{"containerPath": "/tmp", "size": 1}, {"containerPath": "/tmp", "size": 2}]),
        ),
        (
            "ulimits",
            json!([
                {"name": "nofile", "softLimit": 1, "hardLimit": 1},
                {"name": "nofile", "softLimit": 1, "hardLimit": 2},
            ]),
        ),
        (
            "extraHosts",
            json!([{"hostname": "a", "ipAddress": "10.0.0.3"}, {"hostname": "a", "ipAddress": "10.0.0.4"}]),
        ),
        (
            "secrets",
            json!([
                {"name": "A", "valueFrom": "arn:aws:ssm:us-east-1:123456789012:parameter/a"},
                {"name": "A", "valueFrom": "arn:aws:ssm:us-east-1:123456789012:parameter/b"},
            ]),
        ),
        ("systemControls", json!([{"namespace": "net.core.somaxconn"}])),
        (
            "systemControls",
            json!([
                {"namespace": "net.core.somaxconn", "value": "1"},
                {"namespace": "net.core.somaxconn", "value": "2"},
            ]),
        ),
        (
            "resourceRequirements",
            json!([{"type": "InferenceAccelerator", "value": "1"}]),
        ),
        ("resourceRequirements", json!([{"type": "GPU", "value": "some"}])),
        (
            "resourceRequirements",
            json!([{"type": "GPU", "value": "1"}, {"type": "GPU", "value": "1"}]),
        ),
        ("firelensConfiguration", json!({"type": "vector"})),
        (
            "credentialSpecs",
            json!(["credentialspec:arn:aws:s3:::bucket/spec"]),
        ),
    ] {
        let fields = match field {
            "linuxParameters.devices" => json!({"linuxParameters": {"devices": value}}),
            "tmpfs" => json!({"linuxParameters": {"tmpfs": value}}),
            field => json!({field: value}),
        };
        is_foreign(inside(fields).await, field).await;
    }
}

/// The model has a place for them, and they are unlike what is wanted.
#[tokio::test]
async fn what_others_have_and_ours_has_not_is_a_difference() {
    for (field, value) in [
        ("essential", json!(false)),
        ("entryPoint", json!(["/bin/sh"])),
        ("linuxParameters", json!({"initProcessEnabled": true})),
        (
            "linuxParameters",
            json!({"tmpfs": [{"containerPath": "/tmp", "size": 64}]}),
        ),
        (
            "dependsOn",
            json!([{"containerName": "other", "condition": "START"}]),
        ),
        ("user", json!("1000")),
        ("workingDirectory", json!("/srv")),
        (
            "mountPoints",
            json!([{"sourceVolume": "data", "containerPath": "/data"}]),
        ),
        ("dockerLabels", json!({"a": "b"})),
        ("memoryReservation", json!(256)),
        ("firelensConfiguration", json!({"type": "fluentbit"})),
        ("restartPolicy", json!({"enabled": true})),
        (
            "environmentFiles",
            json!([{"value": "arn:aws:s3:::bucket/file.env", "type": "s3"}]),
        ),
        ("linuxParameters", json!({"sharedMemorySize": 64})),
        ("startTimeout", json!(30)),
        ("extraHosts", json!([{"hostname": "a", "ipAddress": "10.0.0.3"}])),
        (
            "ulimits",
            json!([{"name": "nofile", "softLimit": 256, "hardLimit": 256}]),
        ),
        (
            "systemControls",
            json!([{"namespace": "net.core.somaxconn", "value": "1024"}]),
        ),
        ("resourceRequirements", json!([{"type": "GPU", "value": "1"}])),
        (
            "portMappings",
            json!([
                {"containerPort": 8080, "hostPort": 0, "protocol": "tcp"},
                {"containerPort": 9100, "hostPort": 0, "protocol": "udp", "name": "metrics"},
            ]),
        ),
        ("healthCheck", json!({"command": ["CMD", "true"]})),
        (
            "repositoryCredentials",
            json!({"credentialsParameter": "arn:aws:secretsmanager:us-east-1:123456789012:secret:a"}),
        ),
    ] {
        let found = read(inside(json!({field: value})).await).await.content;
        assert_ne!(found, bridge(), "{field}");
        assert_eq!(found.main.name, "web", "{field}");
    }
    let found = read(outside(json!({"ephemeralStorage": {"sizeInGiB": 100}})).await).await;
    assert_eq!(found.content.ephemeral_storage, Some(100));
    for host in [json!(null), json!({}), json!({"sourcePath": ""})] {
        let found = read(outside(json!({"volumes": [{"name": "data", "host": host}]})).await).await;
        let expected = TaskDefinition {
            volumes: [("data".into(), Volume::Scratch)].into(),
            ..bridge()
        };
        assert_eq!(found.content, expected);
    }
    let arm = json!({"runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}});
    let found = read(outside(arm).await).await.content;
    assert_eq!(found.architecture, Some(Architecture::Arm64));
    assert!(!bridge().is_reported_as(&found));
}

/// Likewise, though an App says them by overrides alone.
#[tokio::test]
async fn what_only_overrides_say_is_a_difference() {
    for (field, value) in [
        ("links", json!(["db"])),
        ("volumesFrom", json!([{"sourceContainer": "other"}])),
        ("linuxParameters", json!({"swappiness": 0})),
        ("linuxParameters", json!({"maxSwap": 0})),
        ("linuxParameters", json!({"devices": [{"hostPath": "/dev/fuse"}]})),
        (
            "linuxParameters",
            json!({"capabilities": {"add": ["SYS_PTRACE"]}}),
        ),
        ("linuxParameters", json!({"capabilities": {"drop": ["ALL"]}})),
        (
            "linuxParameters",
            json!({"tmpfs": [{"containerPath": "/tmp", "size": 64, "mountOptions": ["noexec"]}]}),
        ),
        ("versionConsistency", json!("disabled")),
        ("hostname", json!("web")),
        ("disableNetworking", json!(true)),
        ("privileged", json!(true)),
        ("dnsServers", json!(["10.0.0.2"])),
        ("dnsSearchDomains", json!(["example.com"])),
        ("dockerSecurityOptions", json!(["no-new-privileges"])),
        ("interactive", json!(true)),
        ("pseudoTerminal", json!(true)),
        (
            "ulimits",
            json!([{"name": "memlock", "softLimit": 256, "hardLimit": 256}]),
        ),
        (
            "ulimits",
            json!([{"name": "nofile", "softLimit": -1, "hardLimit": -1}]),
        ),
        (
            "ulimits",
            json!([{"name": "nproc", "softLimit": 256, "hardLimit": 512}]),
        ),
    ] {
        let found = read(inside(json!({field: value})).await).await.content;
        assert_ne!(found, bridge(), "{field}");
        assert_eq!(found.main.name, "web", "{field}");
    }
    for (field, value) in [
        ("pidMode", json!("host")),
        ("ipcMode", json!("task")),
        ("enableFaultInjection", json!(true)),
        (
            "placementConstraints",
            json!([{"type": "memberOf", "expression": "attribute:x == y"}]),
        ),
        (
            "volumes",
            json!([{"name": "data", "host": {"sourcePath": "/srv"}}]),
        ),
        (
            "volumes",
            json!([{"name": "data", "dockerVolumeConfiguration": {"scope": "task"}}]),
        ),
    ] {
        let found = read(outside(json!({field: value})).await).await.content;
        assert_ne!(found, bridge(), "{field}");
        assert_eq!(found.main.name, "web", "{field}");
    }
}

#[tokio::test]
async fn what_aws_fills_in_is_not_foreign() {
    let definition = outside(json!({
        "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
        "taskRoleArn": "", "cpu": "", "memory": "", "pidMode": "", "ipcMode": "", "enableFaultInjection": false,
        "placementConstraints": [],
    }))
    .await;
    assert!(bridge().is_reported_as(&read(definition).await.content));
    let container = inside(json!({
        "memoryReservation": 0, "entryPoint": [], "dockerLabels": {}, "user": "", "privileged": false,
        "readonlyRootFilesystem": false, "interactive": false, "pseudoTerminal": false, "ulimits": [],
        "stopTimeout": 0, "essential": true, "dependsOn": [], "linuxParameters": {"initProcessEnabled": false, "tmpfs": [], "sharedMemorySize": 0, "capabilities": {"add": [], "drop": []}, "devices": []}, "versionConsistency": "enabled", "restartPolicy": {"enabled": false}, "environmentFiles": [], "secrets": [], "links": [], "volumesFrom": [], "hostname": "",
        "disableNetworking": false, "dnsServers": [], "dnsSearchDomains": [], "dockerSecurityOptions": [],
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
    let other = json!({"name": "proxy", "image": "registry.example/proxy", "memory": 64});
    let found = read(two(other.clone()).await).await.content;
    assert_eq!((found.main, found.sidecars.len()), (bridge().main, 1));
    let strange = with(
        other,
        json!({"credentialSpecs": ["credentialspec:a"], "essential": false}),
    );
    is_foreign(two(strange).await, "proxy.credentialSpecs").await;

    let none = outside(json!({"containerDefinitions": []})).await;
    assert_ne!(read(none).await.content, bridge());

    let ports = json!([{"containerPort": 9090, "hostPort": 0, "protocol": "udp"}, {"containerPort": 8080, "hostPort": 0}]);
    let found = inside(json!({"portMappings": ports})).await;
    is_foreign(found.clone(), "portMappings").await;
    assert_eq!(read(found).await.content.main.ports, bridge().main.ports);

    for mapping in [
        json!({"containerPort": 8080, "hostPort": 0, "protocol": "udp"}),
        json!({"containerPort": 8080, "hostPort": 9001, "protocol": "tcp", "name": "web"}),
        json!({"containerPort": 8080, "hostPort": 0, "protocol": "tcp", "name": "web", "appProtocol": "http"}),
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
    let mut definition = outside(json!({"pidMode": "other", "ipcMode": "other"})).await;
    definition["containerDefinitions"][0]["credentialSpecs"] = json!(["credentialspec:a"]);
    is_foreign(definition, "credentialSpecs, ipcMode, pidMode").await;
}
