//! What a volume may be, and where it may be mounted.

use serde_json::{Value, json};

use crate::desired::fixtures::{app_with, task_definition};
use crate::model::service::TaskDefinition;
use crate::model::volume::{FileSystem, Mount, Volume};

const ROLE: &str = "arn:aws:iam::123456789012:role/apps/acme";

fn built(mut process: Value, role: Option<&str>, launch_type: &str) -> Result<TaskDefinition, String> {
    process["command"] = json!("./bin/api");
    let mut spec = json!({ "processes": { "api": process } });
    if let Some(role) = role {
        spec["taskRoleArn"] = json!(role);
    }
    let spec = json!({ "spec": spec });
    let mut platform_spec = json!({
        "capacity": { "launchType": launch_type },
        "tenancy": { "namespaceSelector": {}, "fileSystems": ["*"], "taskRoleArns": ["*"], "sidecars": true },
    });
    if launch_type == "FARGATE" {
        platform_spec["network"] = json!({ "mode": "awsvpc", "tasks": { "subnets": ["subnet-t"] } });
    }
    task_definition(&app_with(spec), platform_spec)
}

fn mount(volume: &str, read_only: bool) -> Mount {
    Mount {
        volume: volume.into(),
        read_only,
    }
}

#[test]
fn a_process_and_its_sidecars_share_volumes() {
    for launch_type in ["EC2", "FARGATE"] {
        let process = json!({
            "volumes": {
                "shared": {},
                "data": { "efs": { "fileSystemId": "fs-1", "accessPointId": "fsap-1", "rootDirectory": "/", "iam": true } },
                "more": { "efs": { "fileSystemId": "fs-2", "rootDirectory": "/a", "iam": false } },
            },
            "mounts": { "/shared": { "volume": "shared" }, "/data": { "volume": "data", "readOnly": true } },
            "sidecars": { "proxy": { "image": "proxy", "mounts": { "/s": { "volume": "shared", "readOnly": false } } } },
        });
        let content = built(process, Some(ROLE), launch_type).unwrap();
        let data = FileSystem {
            id: "fs-1".into(),
            directory: None,
            access_point: Some("fsap-1".into()),
            iam: true,
        };
        let more = FileSystem {
            id: "fs-2".into(),
            directory: Some("/a".into()),
            access_point: None,
            iam: false,
        };
        let expected = [
            ("data".into(), Volume::FileSystem(data)),
            ("more".into(), Volume::FileSystem(more)),
            ("shared".into(), Volume::Scratch),
        ];
        assert_eq!(content.volumes, expected.into());
        assert_eq!(
            content.main.details().mounts,
            [
                ("/data".into(), mount("data", true)),
                ("/shared".into(), mount("shared", false)),
            ]
            .into()
        );
        assert_eq!(
            content.sidecars[0].details().mounts,
            [("/s".into(), mount("shared", false))].into()
        );
    }
    let none = built(json!({ "volumes": {}, "mounts": {} }), None, "EC2").unwrap();
    assert_eq!((none.volumes.len(), none.main.details), (0, None));
}

#[test]
fn what_no_volume_can_be_is_named() {
    let efs = |more: Value| {
        let mut efs = json!({ "fileSystemId": "fs-1" });
        for (key, value) in more.as_object().unwrap() {
            efs[key] = value.clone();
        }
        json!({ "volumes": { "data": { "efs": efs } } })
    };
    let name = "a name has at most 63 letters, digits, hyphens and underscores";
    let long = "x".repeat(64);
    for (process, launch_type, expected) in [
        (json!({ "volumes": { "": {} } }), "EC2", format!("volumes.: {name}")),
        (json!({ "volumes": { "a.b": {} } }), "EC2", format!("volumes.a.b: {name}")),
        (
            json!({ "volumes": { long.clone(): {} } }),
            "EC2",
            format!("volumes.{long}: {name}"),
        ),
        (
            efs(json!({})),
            "EXTERNAL",
            "volumes.data.efs: is not for instances of your own (EXTERNAL)".into(),
        ),
        (
            efs(json!({ "fileSystemId": "fs-" })),
            "EC2",
            "volumes.data.efs.fileSystemId: must be an id that begins with fs-".into(),
        ),
        (
            efs(json!({ "accessPointId": "fs-1" })),
            "EC2",
            "volumes.data.efs.accessPointId: must be an id that begins with fsap-".into(),
        ),
        (
            efs(json!({ "rootDirectory": "a" })),
            "EC2",
            "volumes.data.efs.rootDirectory: is no absolute path, such as /srv/app".into(),
        ),
        (
            efs(json!({ "rootDirectory": "/a", "accessPointId": "fsap-1" })),
            "EC2",
            "volumes.data.efs.rootDirectory: not with accessPointId: an access point has a directory of its own".into(),
        ),
        (
            efs(json!({ "iam": true })),
            "EC2",
            "volumes.data.efs.iam: needs the App's taskRoleArn, the role with which it is mounted".into(),
        ),
    ] {
        assert_eq!(
            built(process, None, launch_type).unwrap_err(),
            format!("process api: {expected}")
        );
    }
    // Its disk is its instance's there, too.
    assert!(built(json!({ "volumes": { "shared": {} } }), None, "EXTERNAL").is_ok());
}

#[test]
fn what_no_mount_can_be_is_named() {
    let absolute = "has a path that is no absolute one, such as /data";
    let written = "must be below /, without a / at its end and without //, . and .. in it, such as /var/tmp";
    for (path, volume, expected) in [
        ("data", "shared", absolute.to_owned()),
        ("", "shared", absolute.into()),
        ("/a\u{0}", "shared", absolute.into()),
        ("/", "shared", format!("/: {written}")),
        ("/a/", "shared", format!("/a/: {written}")),
        ("/a/../b", "shared", format!("/a/../b: {written}")),
        (
            "/a:ro",
            "shared",
            "/a:ro: must be without : in it, at which Docker ends the path".into(),
        ),
        ("/data", "other", "/data: other is none of the volumes".into()),
    ] {
        let mounts = json!({ path: { "volume": volume } });
        let process = json!({ "volumes": { "shared": {} }, "mounts": mounts.clone() });
        assert_eq!(
            built(process, None, "EC2").unwrap_err(),
            format!("process api: mounts: {expected}")
        );
        let beside = json!({ "proxy": { "image": "proxy", "mounts": mounts } });
        let process = json!({ "volumes": { "shared": {} }, "sidecars": beside });
        assert_eq!(
            built(process, None, "EC2").unwrap_err(),
            format!("process api: sidecars.proxy.mounts: {expected}")
        );
    }
    let twice = json!({
        "volumes": { "shared": {} }, "mounts": { "/tmp": { "volume": "shared" } }, "tmpfs": { "/tmp": "1Mi" },
    });
    assert_eq!(
        built(twice, None, "EC2").unwrap_err(),
        "process api: mounts: /tmp: is also in tmpfs"
    );
}
