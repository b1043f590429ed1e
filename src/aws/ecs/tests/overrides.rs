//! What only overrides say: written, and read back in AWS's words.

use serde_json::{Value, json};

use super::bridge;
use super::task_definitions::{read, reported, written};
use crate::model::container::{Container, Details};
use crate::model::extras::Extras;
use crate::model::members::{ContainerMembers, Device, Flag, List, Namespace, TaskMembers, Ulimit};
use crate::model::service::TaskDefinition;
use crate::model::volume::{DockerVolume, Volume};

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// A definition with each of them.
pub(super) fn overridden() -> TaskDefinition {
    let mut members = ContainerMembers {
        flags: [
            Flag::DisableNetworking,
            Flag::Interactive,
            Flag::Privileged,
            Flag::PseudoTerminal,
            Flag::VersionInconsistency,
        ]
        .into(),
        hostname: Some("web-1".into()),
        devices: [
            ("/dev/fuse".into(), Device::default()),
            (
                "/dev/snd".into(),
                Device {
                    path: Some("/dev/sound".into()),
                    permissions: texts(&["mknod", "read", "write"]),
                },
            ),
        ]
        .into(),
        max_swap: Some(0),
        swappiness: Some(0),
        tmpfs: [("/run".into(), texts(&["noexec", "mode=1777"]))].into(),
        ulimits: [
            ("memlock".into(), Ulimit { soft: -1, hard: -1 }),
            ("nofile".into(), Ulimit { soft: 1, hard: 2 }),
        ]
        .into(),
        volumes_from: [("other".into(), true)].into(),
        ..ContainerMembers::none()
    };
    for (list, given) in [
        (List::AddedCapabilities, &["NET_ADMIN", "SYS_PTRACE"]),
        (List::DroppedCapabilities, &["CHOWN", "MKNOD"]),
        (List::DnsSearchDomains, &["b.example.com", "a.example.com"]),
        (List::DnsServers, &["10.0.0.3", "10.0.0.2"]),
        (
            List::DockerSecurityOptions,
            &["label:user:a", "no-new-privileges"],
        ),
        (List::Links, &["other:db", "other"]),
    ] {
        members.set_list(list, texts(given));
    }
    let details = Details {
        tmpfs: [("/run".into(), 64), ("/tmp".into(), 8)].into(),
        extras: Extras {
            members: members.kept(),
            ..Extras::default()
        },
        ..Details::default()
    };
    let docker = DockerVolume {
        shared: true,
        autoprovision: Some(true),
        driver: Some("rexray/ebs".into()),
        options: [("size".into(), "8".into())].into(),
        labels: [("team".into(), "retail".into())].into(),
    };
    let task = TaskMembers {
        pid_mode: Some(Namespace::Task),
        ipc_mode: Some(Namespace::None),
        fault_injection: true,
        placement_constraints: texts(&["attribute:b == c", "attribute:a == b"]),
    };
    TaskDefinition {
        volumes: [
            ("data".into(), Volume::Docker(Box::new(docker))),
            ("plain".into(), Volume::Docker(Box::default())),
            ("sock".into(), Volume::Host("/var/run/docker.sock".into())),
        ]
        .into(),
        members: task.kept(),
        main: Container {
            details: details.kept(),
            ..bridge().main
        },
        ..bridge()
    }
}

#[tokio::test]
async fn overrides_are_written_as_aws_has_them() {
    let sent = written(&overridden()).await;
    let container = &sent["containerDefinitions"][0];
    for (field, expected) in [
        ("disableNetworking", json!(true)),
        ("interactive", json!(true)),
        ("privileged", json!(true)),
        ("pseudoTerminal", json!(true)),
        ("versionConsistency", json!("disabled")),
        ("hostname", json!("web-1")),
        ("dnsSearchDomains", json!(["b.example.com", "a.example.com"])),
        ("dnsServers", json!(["10.0.0.3", "10.0.0.2"])),
        (
            "dockerSecurityOptions",
            json!(["label:user:a", "no-new-privileges"]),
        ),
        ("links", json!(["other:db", "other"])),
        (
            "volumesFrom",
            json!([{"sourceContainer": "other", "readOnly": true}]),
        ),
        (
            "ulimits",
            json!([
                {"name": "memlock", "softLimit": -1, "hardLimit": -1},
                {"name": "nofile", "softLimit": 1, "hardLimit": 2},
            ]),
        ),
        (
            "linuxParameters",
            json!({
                "capabilities": {"add": ["NET_ADMIN", "SYS_PTRACE"], "drop": ["CHOWN", "MKNOD"]},
                "devices": [
                    {"hostPath": "/dev/fuse"},
                    {"hostPath": "/dev/snd", "containerPath": "/dev/sound", "permissions": ["mknod", "read", "write"]},
                ],
                "maxSwap": 0,
                "swappiness": 0,
                "tmpfs": [
                    {"containerPath": "/run", "size": 64, "mountOptions": ["noexec", "mode=1777"]},
                    {"containerPath": "/tmp", "size": 8},
                ],
            }),
        ),
    ] {
        assert_eq!(container[field], expected, "{field}");
    }
    for (field, expected) in [
        ("pidMode", json!("task")),
        ("ipcMode", json!("none")),
        ("enableFaultInjection", json!(true)),
        (
            "placementConstraints",
            json!([
                {"type": "memberOf", "expression": "attribute:b == c"},
                {"type": "memberOf", "expression": "attribute:a == b"},
            ]),
        ),
        (
            "volumes",
            json!([
                {"name": "data", "dockerVolumeConfiguration": {
                    "scope": "shared", "autoprovision": true, "driver": "rexray/ebs",
                    "driverOpts": {"size": "8"}, "labels": {"team": "retail"},
                }},
                {"name": "plain", "dockerVolumeConfiguration": {"scope": "task"}},
                {"name": "sock", "host": {"sourcePath": "/var/run/docker.sock"}},
            ]),
        ),
    ] {
        assert_eq!(sent[field], expected, "{field}");
    }
}

#[tokio::test]
async fn nothing_of_them_is_sent_where_nothing_is_said() {
    let sent = written(&bridge()).await;
    for field in [
        "pidMode",
        "ipcMode",
        "enableFaultInjection",
        "placementConstraints",
        "volumes",
    ] {
        assert_eq!(sent[field], Value::Null, "{field}");
    }
    let container = &sent["containerDefinitions"][0];
    for field in [
        "privileged",
        "links",
        "linuxParameters",
        "ulimits",
        "hostname",
        "volumesFrom",
    ] {
        assert_eq!(container[field], Value::Null, "{field}");
    }
}

/// In sets, AWS may have another order.
#[tokio::test]
async fn sets_are_read_in_one_order() {
    let mut found = reported(written(&overridden()).await);
    let container = &mut found["containerDefinitions"][0];
    for pointer in [
        "/dockerSecurityOptions",
        "/ulimits",
        "/linuxParameters/capabilities/add",
        "/linuxParameters/devices/1/permissions",
        "/linuxParameters/devices",
        "/linuxParameters/tmpfs",
    ] {
        let list = container.pointer_mut(pointer).unwrap();
        list.as_array_mut().unwrap().reverse();
    }
    assert_eq!(read(found).await.content, overridden());
}
