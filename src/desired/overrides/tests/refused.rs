//! What ECS does not take of overrides, by itself, together, or where tasks run.

use serde_json::{Value, json};

use super::{TASK, built, on, open, process, refused, setting};

#[test]
fn texts_are_judged_one_by_one() {
    let kernel = |parameters: Value| json!({ "linuxParameters": parameters });
    let tmpfs = |tmpfs: Value| kernel(json!({ "tmpfs": tmpfs }));
    let limit =
        |name: &str, soft: i32, hard: i32| json!({ "name": name, "softLimit": soft, "hardLimit": hard });
    for (set, expected) in [
        (json!({ "hostname": "a b" }), "hostname: is no host name"),
        (json!({ "hostname": "" }), "hostname: is no host name"),
        (json!({ "dnsServers": ["a"] }), "dnsServers: a is no IP address"),
        (
            json!({ "dnsSearchDomains": ["a b"] }),
            "dnsSearchDomains: a b is no domain",
        ),
        (
            json!({ "dockerSecurityOptions": ["seccomp:unconfined"] }),
            "dockerSecurityOptions: seccomp:unconfined is neither no-new-privileges nor label:… nor apparmor:…",
        ),
        (
            json!({ "dockerSecurityOptions": ["label:"] }),
            "dockerSecurityOptions: label: is neither no-new-privileges nor label:… nor apparmor:…",
        ),
        (
            json!({ "links": ["proxy:a:b c"] }),
            "links: proxy:a:b c is no name, nor two with a : between them",
        ),
        (
            json!({ "links": ["proxy:a:b"] }),
            "links: proxy:a:b is no name, nor two with a : between them",
        ),
        (
            json!({ "links": ["proxy", "proxy"] }),
            "links: proxy is there twice",
        ),
        (
            json!({ "links": ["api"] }),
            "links: api is no other container of the process itself",
        ),
        (
            json!({ "volumesFrom": [{ "sourceContainer": "proxy" }, { "sourceContainer": "proxy" }] }),
            "volumesFrom: proxy is there twice",
        ),
        (
            json!({ "ulimits": [limit("core", 1, 1), limit("core", 1, 1)] }),
            "ulimits: core is there twice",
        ),
        (
            json!({ "ulimits": [limit("core", 2, 1)] }),
            "ulimits: core: the soft limit is not within the hard one, or one is less than -1",
        ),
        (
            json!({ "ulimits": [limit("core", -1, 1)] }),
            "ulimits: core: the soft limit is not within the hard one, or one is less than -1",
        ),
        (
            json!({ "ulimits": [limit("core", -2, -1)] }),
            "ulimits: core: the soft limit is not within the hard one, or one is less than -1",
        ),
        (
            kernel(json!({ "devices": [{ "hostPath": "fuse" }] })),
            "linuxParameters.devices: fuse: has a path that is no absolute one, or has a : in it",
        ),
        (
            kernel(json!({ "devices": [{ "hostPath": "/a", "containerPath": "/a:/b" }] })),
            "linuxParameters.devices: /a: has a path that is no absolute one, or has a : in it",
        ),
        (
            kernel(json!({ "devices": [{ "hostPath": "/a" }, { "hostPath": "/a" }] })),
            "linuxParameters.devices: /a is there twice",
        ),
        (
            kernel(json!({ "maxSwap": -1 })),
            "linuxParameters.maxSwap: is less than 0",
        ),
        (
            tmpfs(json!([{ "containerPath": "/a" }])),
            "linuxParameters.tmpfs: /a needs a size: it is none of tmpfs",
        ),
        (
            tmpfs(json!([{ "containerPath": "/a", "size": 1 }, { "containerPath": "/a" }])),
            "linuxParameters.tmpfs: /a is there twice",
        ),
        (
            tmpfs(json!([{ "containerPath": "/a", "size": 1, "mountOptions": ["bind"] }])),
            "linuxParameters.tmpfs: /a: bind is no option that is taken",
        ),
        (
            tmpfs(json!([{ "containerPath": "/a", "size": 1, "mountOptions": ["mode=1,size=8"] }])),
            "linuxParameters.tmpfs: /a: mode=1,size=8 is no option that is taken",
        ),
    ] {
        refused(setting("api", set), open(), &format!("[api].set.{expected}"));
    }
}

#[test]
fn volumes_and_constraints_are_judged_one_by_one() {
    let volume = |volume: Value| json!({ "volumes": [volume] });
    let docker = |docker: Value| volume(json!({ "name": "data", "dockerVolumeConfiguration": docker }));
    let constraint = json!({ "type": "memberOf", "expression": "attribute:a == b" });
    for (set, expected) in [
        (
            volume(json!({ "name": "gone", "host": {} })),
            "volumes[gone]: is none of the process's volumes",
        ),
        (
            volume(json!({ "name": "files", "host": { "sourcePath": "/srv" } })),
            "volumes[files]: is a file system by the process's volumes",
        ),
        (
            volume(json!({ "name": "data", "host": { "sourcePath": "srv" } })),
            "volumes[data].host.sourcePath: is no absolute path, or has a : in it",
        ),
        (
            volume(json!({ "name": "data", "host": { "sourcePath": "/srv:/etc" } })),
            "volumes[data].host.sourcePath: is no absolute path, or has a : in it",
        ),
        (
            volume(json!({ "name": "data", "host": {}, "dockerVolumeConfiguration": {} })),
            "volumes[data]: host or dockerVolumeConfiguration, not both",
        ),
        (
            json!({ "volumes": [{ "name": "data" }, { "name": "data" }] }),
            "volumes[data]: is there twice",
        ),
        (
            docker(json!({ "autoprovision": true })),
            "volumes[data].dockerVolumeConfiguration.autoprovision: is for scope shared",
        ),
        (
            docker(json!({ "driver": "" })),
            "volumes[data].dockerVolumeConfiguration.driver: is empty or has control characters",
        ),
        (
            docker(json!({ "driverOpts": { "": "a" } })),
            "volumes[data].dockerVolumeConfiguration.driverOpts: has a name that is empty, or control characters",
        ),
        (
            docker(json!({ "labels": { "a": "\n" } })),
            "volumes[data].dockerVolumeConfiguration.labels: has a name that is empty, or control characters",
        ),
        (
            json!({ "placementConstraints": [{ "type": "memberOf", "expression": "" }] }),
            "placementConstraints: has an expression that is empty or has control characters",
        ),
        (
            json!({ "placementConstraints": vec![constraint; 11] }),
            "placementConstraints: are 11 with those of the process and of Platform staging, and ECS takes at most 10",
        ),
        (
            json!({ "enableFaultInjection": true }),
            "enableFaultInjection: not with network mode bridge, where ECS injects none",
        ),
    ] {
        refused(
            setting(TASK, set),
            open(),
            &format!("[.taskDefinition].set.{expected}"),
        );
    }
    let mut controls = setting(TASK, json!({ "ipcMode": "host" }));
    controls["systemControls"] = json!({ "kernel.sem": "1", "net.core.somaxconn": "1" });
    refused(
        controls,
        open(),
        "[.taskDefinition].set.ipcMode: not host with kernel.sem in systemControls, which would be the instance's",
    );
}

#[test]
fn members_are_judged_together() {
    let kernel = |parameters: Value| json!({ "linuxParameters": parameters });
    refused(
        setting("api", kernel(json!({ "swappiness": 1 }))),
        open(),
        "[api].set.linuxParameters.swappiness: ECS ignores it without maxSwap",
    );
    let tmpfs = |path: &str| kernel(json!({ "tmpfs": [{ "containerPath": path, "size": 1 }] }));
    for path in ["", "run", "run/x", "/a\nb"] {
        let expected = format!(
            "[api].set.linuxParameters.tmpfs: {path}: {}",
            crate::desired::text::NO_MOUNT
        );
        refused(setting("api", tmpfs(path)), open(), &expected);
    }
    refused(
        setting("api", tmpfs("/a/")),
        open(),
        "[api].set.linuxParameters.tmpfs: /a/: must be below /, without a / at its end and without //, . and .. in it, such as /var/tmp",
    );
    let mut mounted = setting("api", tmpfs("/a"));
    mounted["mounts"] = json!({ "/a": { "volume": "data" } });
    refused(
        mounted,
        open(),
        "[api].set.linuxParameters.tmpfs: /a: is also in mounts",
    );
    let mut exposed = setting("api", json!({ "disableNetworking": true }));
    exposed["expose"] = json!({});
    refused(
        exposed,
        open(),
        "[api].set.disableNetworking: the container has ports",
    );
    let mut logging = process(json!([{ "on": "api", "remove": ["logConfiguration"] }]));
    logging["logging"] = json!({ "driver": "json-file" });
    let mut spec = open();
    spec["tenancy"]["logging"] = json!(true);
    refused(
        logging,
        spec,
        "[api].remove: logConfiguration is that of its logging: leave that out",
    );
    // They wait for each other.
    let circle = json!([
        { "on": "api", "set": { "links": ["proxy"] } },
        { "on": "proxy", "set": { "volumesFrom": [{ "sourceContainer": "api" }] } },
    ]);
    let message = built(process(circle), open()).unwrap_err();
    assert!(message.contains("wait for each other"), "{message}");
    // The process's own file systems in memory keep their size.
    let mut options = setting(
        "api",
        kernel(json!({ "tmpfs": [{ "containerPath": "/a", "mountOptions": ["exec"] }] })),
    );
    options["tmpfs"] = json!({ "/a": "64Mi" });
    let content = built(options, open()).unwrap();
    assert_eq!(content.main.details().tmpfs, [("/a".into(), 64)].into());
    assert_eq!(
        content.main.members().tmpfs,
        [("/a".into(), vec!["exec".into()])].into()
    );
}

#[test]
fn fargate_takes_few() {
    let kernel = |parameters: Value| json!({ "linuxParameters": parameters });
    let none = "Fargate takes none";
    for (set, expected) in [
        (json!({ "privileged": true }), format!("privileged: {none}")),
        (
            json!({ "disableNetworking": true }),
            format!("disableNetworking: {none}"),
        ),
        (json!({ "links": ["proxy"] }), format!("links: {none}")),
        (json!({ "dnsServers": ["::1"] }), format!("dnsServers: {none}")),
        (
            json!({ "dnsSearchDomains": ["a"] }),
            format!("dnsSearchDomains: {none}"),
        ),
        (
            json!({ "dockerSecurityOptions": ["no-new-privileges"] }),
            format!("dockerSecurityOptions: {none}"),
        ),
        (
            json!({ "hostname": "a" }),
            "hostname: not with network mode awsvpc, where ECS takes none".into(),
        ),
        (
            kernel(json!({ "capabilities": { "add": ["SYS_PTRACE", "NET_RAW"] } })),
            "linuxParameters.capabilities.add: Fargate takes SYS_PTRACE alone".into(),
        ),
        (
            kernel(json!({ "devices": [{ "hostPath": "/dev/fuse" }] })),
            format!("linuxParameters.devices: {none}"),
        ),
        (
            kernel(json!({ "maxSwap": 0 })),
            format!("linuxParameters.maxSwap: {none}"),
        ),
        (
            kernel(json!({ "tmpfs": [{ "containerPath": "/a", "size": 1 }] })),
            format!("linuxParameters.tmpfs: {none}"),
        ),
        (
            json!({ "ulimits": [{ "name": "core", "softLimit": 0, "hardLimit": 0 }] }),
            "ulimits: Fargate takes nofile alone".into(),
        ),
        (
            json!({ "ulimits": [{ "name": "nproc", "softLimit": 1, "hardLimit": 1 }] }),
            "ulimits: Fargate takes nofile alone".into(),
        ),
    ] {
        refused(
            setting("api", set),
            on("FARGATE"),
            &format!("[api].set.{expected}"),
        );
    }
    for (set, expected) in [
        (json!({ "ipcMode": "task" }), format!("ipcMode: {none}")),
        (
            json!({ "pidMode": "host" }),
            "pidMode: Fargate takes task alone".into(),
        ),
        (
            json!({ "placementConstraints": [{ "type": "memberOf", "expression": "a" }] }),
            format!("placementConstraints: {none}"),
        ),
        (
            json!({ "volumes": [{ "name": "data", "host": { "sourcePath": "/" } }] }),
            "volumes[data]: Fargate takes none of an instance".into(),
        ),
        (
            json!({ "volumes": [{ "name": "data", "dockerVolumeConfiguration": {} }] }),
            "volumes[data]: Fargate takes none of an instance".into(),
        ),
    ] {
        refused(
            setting(TASK, set),
            on("FARGATE"),
            &format!("[.taskDefinition].set.{expected}"),
        );
    }
    let taken = json!([
        { "on": "api", "set": {
            "interactive": true, "volumesFrom": [{ "sourceContainer": "proxy" }],
            "linuxParameters": { "capabilities": { "add": ["SYS_PTRACE"], "drop": ["NET_RAW"] } },
            "ulimits": [{ "name": "nofile", "softLimit": 1, "hardLimit": 2 }],
        } },
        { "on": TASK, "set": { "pidMode": "task", "enableFaultInjection": true } },
    ]);
    assert!(built(process(taken), on("FARGATE")).is_ok());
}

#[test]
fn in_awsvpc_a_container_has_the_network_of_its_task() {
    for set in [
        json!({ "disableNetworking": true }),
        json!({ "links": ["proxy"] }),
        json!({ "dnsServers": ["::1"] }),
        json!({ "dnsSearchDomains": ["a"] }),
        json!({ "hostname": "a" }),
    ] {
        let member = set.as_object().unwrap().keys().next().unwrap().clone();
        refused(
            setting("api", set.clone()),
            on("EC2"),
            &format!("[api].set.{member}: not with network mode awsvpc, where ECS takes none"),
        );
        assert!(built(setting("api", set), open()).is_ok());
    }
    let faults = json!({ "enableFaultInjection": true });
    assert!(
        built(setting(TASK, faults), on("EC2"))
            .unwrap()
            .members()
            .fault_injection
    );
}
