//! What a process overrides, what ECS does not take of it, and of what tenancy is asked.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a manifest is written where it is used"
)]

mod refused;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::api::app::PATHS;
use crate::desired::fixtures::build_unchecked;
use crate::desired::fixtures::{app, owner, platform, task_definition};
use crate::model::members::{ContainerMembers, Device, Flag, List, Namespace, TaskMembers, Ulimit};
use crate::model::service::TaskDefinition;
use crate::model::volume::{DockerVolume, Volume};

const TASK: &str = ".taskDefinition";

fn open() -> Value {
    json!({ "tenancy": { "namespaceSelector": {}, "overrides": PATHS.to_vec(), "sidecars": true, "fileSystems": ["*"] } })
}

/// Where tasks run in another way.
fn on(launch_type: &str) -> Value {
    let mut spec = open();
    spec["capacity"] = json!({ "launchType": launch_type });
    spec["network"] = json!({ "mode": "awsvpc", "tasks": { "subnets": ["subnet-t"] } });
    spec
}

fn process(overrides: Value) -> Value {
    json!({
        "command": "run",
        "volumes": { "data": {}, "cache": {}, "files": { "efs": { "fileSystemId": "fs-1" } } },
        "sidecars": { "proxy": { "image": "a" } },
        "overrides": overrides,
    })
}

fn built(process: Value, spec: Value) -> Result<TaskDefinition, String> {
    task_definition(&app(json!({ "api": process })), spec)
}

fn setting(on: &str, set: Value) -> Value {
    process(json!([{ "on": on, "set": set }]))
}

#[track_caller]
fn refused(process: Value, spec: Value, expected: &str) {
    let message = built(process, spec).unwrap_err();
    assert_eq!(message, format!("process api: overrides{expected}"));
}

fn all() -> Value {
    json!({
        "disableNetworking": true, "dnsSearchDomains": ["b.example.com", "a.example.com"], "dnsServers": ["10.0.0.3", "::1"],
        "dockerSecurityOptions": ["no-new-privileges", "label:user:a", "apparmor:a"], "hostname": "api-1",
        "interactive": true, "links": ["proxy", "proxy:db"], "privileged": true, "pseudoTerminal": true,
        "versionConsistency": "disabled", "volumesFrom": [{ "sourceContainer": "proxy", "readOnly": true }],
        "ulimits": [
            { "name": "nofile", "softLimit": 64, "hardLimit": 64 }, { "name": "memlock", "softLimit": -1, "hardLimit": -1 },
            { "name": "nproc", "softLimit": 1, "hardLimit": 2 },
        ],
        "linuxParameters": {
            "capabilities": { "add": ["SYS_PTRACE", "NET_ADMIN", "SYS_PTRACE"], "drop": ["ALL"] },
            "devices": [{ "hostPath": "/dev/a", "containerPath": "/dev/b", "permissions": ["write", "read", "write"] }],
            "maxSwap": 64, "swappiness": 0,
            "tmpfs": [{ "containerPath": "/run", "size": 8, "mountOptions": ["noexec", "mode=1777"] }],
        },
    })
}

fn all_of_the_task() -> Value {
    let docker = json!({
        "scope": "shared", "autoprovision": true, "driver": "rexray/ebs", "driverOpts": { "size": "8" }, "labels": { "a": "" },
    });
    json!({
        "ipcMode": "none", "pidMode": "task",
        "placementConstraints": [{ "type": "memberOf", "expression": "attribute:pool == shop" }],
        "volumes": [
            { "name": "data", "host": { "sourcePath": "/srv" } }, { "name": "cache", "dockerVolumeConfiguration": docker },
        ],
    })
}

#[test]
fn all_members_are_put_in() {
    let overrides = json!([{ "on": "api", "set": all() }, { "on": TASK, "set": all_of_the_task() }]);
    let content = built(process(overrides), open()).unwrap();
    let members = content.main.members();
    let texts = |texts: &[&str]| -> Vec<String> { texts.iter().map(|text| (*text).to_owned()).collect() };
    let expected = ContainerMembers {
        flags: [
            Flag::DisableNetworking,
            Flag::Interactive,
            Flag::Privileged,
            Flag::PseudoTerminal,
            Flag::VersionInconsistency,
        ]
        .into(),
        lists: [
            (List::AddedCapabilities, texts(&["NET_ADMIN", "SYS_PTRACE"])),
            (List::DroppedCapabilities, texts(&["ALL"])),
            (List::DnsSearchDomains, texts(&["b.example.com", "a.example.com"])),
            (List::DnsServers, texts(&["10.0.0.3", "::1"])),
            (
                List::DockerSecurityOptions,
                texts(&["apparmor:a", "label:user:a", "no-new-privileges"]),
            ),
            (List::Links, texts(&["proxy", "proxy:db"])),
        ]
        .into(),
        hostname: Some("api-1".into()),
        devices: [(
            "/dev/a".into(),
            Device {
                path: Some("/dev/b".into()),
                permissions: texts(&["read", "write"]),
            },
        )]
        .into(),
        max_swap: Some(64),
        swappiness: Some(0),
        tmpfs: [("/run".into(), texts(&["noexec", "mode=1777"]))].into(),
        ulimits: [
            ("memlock".into(), Ulimit { soft: -1, hard: -1 }),
            ("nproc".into(), Ulimit { soft: 1, hard: 2 }),
        ]
        .into(),
        volumes_from: [("proxy".into(), true)].into(),
    };
    assert_eq!(*members, expected);
    assert_eq!(content.main.details().extras.open_files, Some(64));
    assert_eq!(content.main.details().tmpfs, [("/run".into(), 8)].into());
    let expected = TaskMembers {
        pid_mode: Some(Namespace::Task),
        ipc_mode: Some(Namespace::None),
        fault_injection: false,
        placement_constraints: vec!["attribute:pool == shop".into()],
    };
    assert_eq!(*content.members(), expected);
    assert_eq!(content.volumes["data"], Volume::Host("/srv".into()));
    let docker = DockerVolume {
        shared: true,
        autoprovision: Some(true),
        driver: Some("rexray/ebs".into()),
        options: [("size".into(), "8".into())].into(),
        labels: [("a".into(), String::new())].into(),
    };
    assert_eq!(content.volumes["cache"], Volume::Docker(Box::new(docker)));
    assert_eq!(content.sidecars[0].members(), &ContainerMembers::none());
}

fn overridden(process: Value, spec: Value) -> BTreeSet<String> {
    let app = app(json!({ "api": process }));
    let built = build_unchecked(&app, &platform(spec), &owner()).unwrap();
    assert!(built.overridden.iter().all(|found| found.process == "api"));
    built.overridden.into_iter().map(|found| found.path).collect()
}

/// `tenancy` can grant each, and nothing that is not asked.
#[test]
fn each_path_is_asked_of_what_differs_and_no_other() {
    let mut spec = open();
    spec["tasks"] = json!({ "logging": { "driver": "json-file" } });
    let overrides = json!([
        { "on": "api", "set": all(), "remove": ["logConfiguration"] }, { "on": TASK, "set": all_of_the_task() },
    ]);
    let mut asked = overridden(process(overrides), spec);
    let faults = json!({ "enableFaultInjection": true });
    asked.extend(overridden(setting(TASK, faults), on("EC2")));
    assert_eq!(asked.iter().map(String::as_str).collect::<Vec<_>>(), PATHS);
    assert_eq!(overridden(process(json!([])), open()), BTreeSet::new());
    // One at a time: what is set is what is asked.
    let members = all().as_object().cloned().unwrap().into_iter();
    for (name, value) in members.filter(|(name, _)| name != "linuxParameters") {
        let asked = overridden(setting("api", json!({ name.clone(): value })), open());
        assert_eq!(asked, [format!("containerDefinitions.{name}")].into());
    }
    let parameters = all()["linuxParameters"].clone();
    for (name, value) in parameters.as_object().cloned().unwrap() {
        let path = |name: &str| format!("containerDefinitions.linuxParameters.{name}");
        let cases = match name.as_str() {
            "capabilities" => ["add", "drop"]
                .map(|way| {
                    (
                        json!({ "capabilities": { way: value[way].clone() } }),
                        format!("capabilities.{way}"),
                    )
                })
                .into(),
            // ECS ignores it without the other.
            "swappiness" => Vec::new(),
            _ => vec![(json!({ name.clone(): value }), name.clone())],
        };
        for (parameter, expected) in cases {
            let asked = overridden(setting("api", json!({ "linuxParameters": parameter })), open());
            assert_eq!(asked, [path(&expected)].into());
        }
    }
    let task = all_of_the_task().as_object().cloned().unwrap().into_iter();
    for (name, value) in task.filter(|(name, _)| name != "volumes") {
        let asked = overridden(setting(TASK, json!({ name.clone(): value })), open());
        assert_eq!(asked, [name].into());
    }
    // A directory of the instance by another name.
    let bind = json!({ "driverOpts": { "type": "none", "o": "bind", "device": "/" } });
    let volume =
        |docker: &Value| json!({ "volumes": [{ "name": "cache", "dockerVolumeConfiguration": docker }] });
    let both = ["volumes.dockerVolumeConfiguration", "volumes.host"].map(String::from);
    assert_eq!(
        overridden(setting(TASK, volume(&bind)), open()),
        both.clone().into()
    );
    let other = json!({ "driver": "rexray/ebs", "driverOpts": { "device": "a" } });
    assert_eq!(
        overridden(setting(TASK, volume(&other)), open()),
        [both[0].clone()].into()
    );
    for (on, set, path) in [
        (
            "proxy",
            json!({ "privileged": true }),
            "containerDefinitions.privileged",
        ),
        (
            "api",
            json!({ "ulimits": [{ "name": "nproc", "softLimit": 1, "hardLimit": 1 }] }),
            "containerDefinitions.ulimits",
        ),
        (
            "proxy",
            json!({ "linuxParameters": { "tmpfs": [{ "containerPath": "/a", "size": 1 }] } }),
            "containerDefinitions.linuxParameters.tmpfs",
        ),
        (
            TASK,
            json!({ "volumes": [{ "name": "data", "host": { "sourcePath": "/" } }] }),
            "volumes.host",
        ),
    ] {
        assert_eq!(overridden(setting(on, set), open()), [path.to_owned()].into());
    }
}

#[test]
fn what_is_so_anyway_is_asked_of_nobody() {
    for (on, set) in [
        (
            "api",
            json!({ "privileged": false, "versionConsistency": "enabled", "dnsServers": [] }),
        ),
        (
            "api",
            json!({ "linuxParameters": { "capabilities": {}, "devices": [] } }),
        ),
        (
            TASK,
            json!({ "enableFaultInjection": false, "volumes": [{ "name": "data", "host": {} }] }),
        ),
    ] {
        assert_eq!(overridden(setting(on, set.clone()), open()), BTreeSet::new());
        let same = built(
            setting(on, set),
            json!({ "tenancy": { "namespaceSelector": {}, "sidecars": true, "fileSystems": ["*"] } }),
        );
        assert_eq!(same, built(process(json!([])), open()));
    }
    // Nothing is sent by the Platform that could be taken away.
    let removing = process(json!([{ "on": "api", "remove": ["logConfiguration"] }]));
    assert_eq!(overridden(removing, open()), BTreeSet::new());
}

#[test]
fn an_override_is_of_a_container_of_the_process_or_of_the_task_definition() {
    let interactive = || json!({ "interactive": true });
    let mut spec = open();
    spec["tasks"] = json!({ "sidecars": { "agent": { "image": "a" } } });
    for (process, expected) in [
        (
            setting("agent", interactive()),
            "[agent]: is a sidecar of Platform staging, which no App changes",
        ),
        (
            setting("gone", interactive()),
            "[gone]: is no container of the process: there are api, proxy, and .taskDefinition for the task definition",
        ),
        (
            setting("taskDefinition", interactive()),
            "[taskDefinition]: is no container of the process: there are api, proxy, and .taskDefinition for the task definition",
        ),
        (
            setting(TASK, interactive()),
            "[.taskDefinition]: has members of a container: name that in on",
        ),
        (
            process(json!([{ "on": TASK, "remove": ["logConfiguration"] }])),
            "[.taskDefinition]: has members of a container: name that in on",
        ),
        (
            setting("api", json!({ "pidMode": "task" })),
            "[api]: has members of the task definition: say .taskDefinition in on",
        ),
        (
            process(json!([{ "on": "api" }, { "on": "api", "set": interactive() }])),
            "[api]: is there twice",
        ),
        (
            setting("api", json!({ "links": ["agent"] })),
            "[api].set.links: agent is no other container of the process itself",
        ),
        (
            setting("api", json!({ "volumesFrom": [{ "sourceContainer": "agent" }] })),
            "[api].set.volumesFrom: agent is no other container of the process itself",
        ),
    ] {
        refused(process, spec.clone(), expected);
    }
    // A container may have that name without the dot.
    let mut named = setting("taskDefinition", interactive());
    named["sidecars"] = json!({ "taskDefinition": { "image": "a" } });
    let content = built(named, open()).unwrap();
    assert!(content.sidecars[0].members().flags.contains(&Flag::Interactive));
}

#[test]
fn the_bytes_of_a_task_definition_count_them() {
    let labels: serde_json::Map<String, Value> = (0..50)
        .map(|n| (format!("{n}"), json!("x".repeat(1_024))))
        .collect();
    let volumes = ["data", "cache"]
        .map(|name| json!({ "name": name, "dockerVolumeConfiguration": { "labels": labels } }));
    let message = built(setting(TASK, json!({ "volumes": volumes })), open()).unwrap_err();
    assert!(
        message.starts_with("process api: overrides: the process's task definition has"),
        "{message}"
    );
    let constraints = vec![json!({ "type": "memberOf", "expression": "x".repeat(10_000) }); 10];
    let message = built(
        setting(TASK, json!({ "placementConstraints": constraints })),
        open(),
    )
    .unwrap_err();
    assert!(
        message.starts_with("process api: overrides: the process's task definition has"),
        "{message}"
    );
}

#[test]
fn a_grant_gives_paths_to_the_namespaces_that_it_selects() {
    let privileged = || setting("api", json!({ "privileged": true }));
    let tenancy = |grants: Value| json!({ "tenancy": { "namespaceSelector": {}, "sidecars": true, "fileSystems": ["*"], "grants": grants } });
    let grant = |path: &str| json!([{ "namespaceSelector": { "matchLabels": { "team": "retail" } }, "overrides": [path], "images": ["*"], "hostnames": ["*"] }]);
    assert!(built(privileged(), tenancy(grant("containerDefinitions.privileged"))).is_ok());
    let refused = |grants: Value| built(privileged(), tenancy(grants)).unwrap_err();
    assert_eq!(
        refused(grant("containerDefinitions.interactive")),
        "process api: overrides[api]: Platform staging does not allow containerDefinitions.privileged: it matches nothing in \
         tenancy.overrides and tenancy.grants[0].overrides"
    );
    // What the schema refuses is no wildcard either.
    for text in ["*", "containerDefinitions", "containerDefinitions.*", ""] {
        assert!(refused(grant(text)).contains("does not allow"), "{text}");
    }
    // A Platform that was stored without tenancy gives none.
    let mut plain = privileged();
    plain["sidecars"] = json!({});
    plain["volumes"] = json!({});
    let message = built(plain, json!({})).unwrap_err();
    assert!(
        message.contains("does not allow containerDefinitions.privileged"),
        "{message}"
    );
}
