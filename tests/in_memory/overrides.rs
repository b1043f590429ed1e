//! Members of ECS's that have no field: one revision and one rollout for each edit, nothing for what stays, and nothing at all
//! where nobody allows them.

mod strict;

use empire_controller::api::app::PATHS;
use empire_controller::model::members::{ContainerMembers, Flag, List, Namespace, TaskMembers};
use empire_controller::model::service::TaskDefinition;
use serde_json::{Value, json};

use crate::crash::{self, Operation};
use crate::fake_aws::Echo;
use crate::fixtures::{AppFixture, PlatformFixture, ProcessFixture, acme, app, staging, web, worker};
use crate::stories::Story;
use crate::world::World;
use crate::write_counts::{check_copies, check_edit_on, check_everywhere};

const TASK: &str = ".taskDefinition";

fn with(worker: ProcessFixture) -> AppFixture {
    acme().process("worker", worker)
}

fn open() -> PlatformFixture {
    staging().overrides(&PATHS)
}

/// Members that ECS takes wherever tasks run.
fn anywhere(process: ProcessFixture, name: &str) -> ProcessFixture {
    let kernel = json!({ "capabilities": { "add": ["SYS_PTRACE"], "drop": ["NET_RAW", "ALL"] } });
    let set = json!({
        "interactive": true, "pseudoTerminal": true, "versionConsistency": "disabled", "linuxParameters": kernel,
        "ulimits": [{ "name": "nofile", "softLimit": 1_024, "hardLimit": 4_096 }],
    });
    let agent = json!({ "volumesFrom": [{ "sourceContainer": name, "readOnly": true }] });
    process
        .having(
            "sidecars",
            json!({ "agent": { "image": "registry.example/agent:v1" } }),
        )
        .having(
            "overrides",
            json!([
                { "on": name, "set": set },
                { "on": "agent", "set": agent },
                { "on": TASK, "set": { "pidMode": "task" } },
            ]),
        )
}

/// Each member of a container, and another value of it.
fn members() -> Vec<(Value, Value)> {
    let kernel = |parameters: Value| json!({ "linuxParameters": parameters });
    vec![
        (json!({ "privileged": true }), json!({ "interactive": true })),
        (
            json!({ "pseudoTerminal": true }),
            json!({ "disableNetworking": true }),
        ),
        (
            json!({ "hostname": "worker-1" }),
            json!({ "hostname": "worker-2" }),
        ),
        (
            json!({ "dnsServers": ["10.0.0.2", "10.0.0.3"] }),
            json!({ "dnsServers": ["10.0.0.3", "10.0.0.2"] }),
        ),
        (
            json!({ "dnsSearchDomains": ["example.com"] }),
            json!({ "dnsSearchDomains": ["example.org"] }),
        ),
        (
            json!({ "dockerSecurityOptions": ["no-new-privileges"] }),
            json!({ "dockerSecurityOptions": ["label:user:a"] }),
        ),
        (
            json!({ "versionConsistency": "disabled" }),
            kernel(json!({ "maxSwap": 0 })),
        ),
        (
            json!({ "ulimits": [{ "name": "memlock", "softLimit": -1, "hardLimit": -1 }] }),
            json!({ "ulimits": [{ "name": "memlock", "softLimit": 0, "hardLimit": -1 }] }),
        ),
        (
            json!({ "ulimits": [{ "name": "nproc", "softLimit": 64, "hardLimit": 64 }] }),
            json!({ "ulimits": [{ "name": "nproc", "softLimit": 64, "hardLimit": 128 }] }),
        ),
        (
            kernel(json!({ "capabilities": { "add": ["NET_ADMIN"] } })),
            kernel(json!({ "capabilities": { "drop": ["NET_ADMIN"] } })),
        ),
        (
            kernel(json!({ "devices": [{ "hostPath": "/dev/fuse" }] })),
            kernel(json!({ "devices": [{ "hostPath": "/dev/fuse", "permissions": ["read"] }] })),
        ),
        (
            kernel(json!({ "maxSwap": 64, "swappiness": 0 })),
            kernel(json!({ "maxSwap": 64, "swappiness": 1 })),
        ),
        (
            kernel(json!({ "tmpfs": [{ "containerPath": "/run/a", "size": 8 }] })),
            kernel(json!({ "tmpfs": [{ "containerPath": "/run/a", "size": 8, "mountOptions": ["exec"] }] })),
        ),
    ]
}

#[test]
fn an_edit_of_each_member_is_one_revision_and_one_rollout() {
    let plain = with(worker());
    for (value, other) in members() {
        let having = |value: &Value| with(worker().overriding("worker", value));
        check_edit_on(&open(), &plain, &having(&value), 2);
        check_edit_on(&open(), &having(&value), &having(&other), 2);
        check_edit_on(&open(), &having(&other), &plain, 2);
        check_edit_on(&open(), &having(&value), &having(&value), 0);
    }
    let beside = || {
        let proxy = json!({ "proxy": { "image": "registry.example/proxy:v1" } });
        worker().having("sidecars", proxy).volume("data", json!({}))
    };
    let host = json!({ "volumes": [{ "name": "data", "host": { "sourcePath": "/srv" } }] });
    let docker =
        json!({ "volumes": [{ "name": "data", "dockerVolumeConfiguration": { "scope": "shared" } }] });
    let constraint = json!([{ "type": "memberOf", "expression": "attribute:pool == shop" }]);
    for (on, set) in [
        ("worker", json!({ "links": ["proxy:db"] })),
        (
            "worker",
            json!({ "volumesFrom": [{ "sourceContainer": "proxy" }] }),
        ),
        ("proxy", json!({ "privileged": true })),
        (TASK, json!({ "ipcMode": "task" })),
        (TASK, json!({ "pidMode": "host" })),
        (TASK, json!({ "placementConstraints": constraint })),
        (TASK, host),
        (TASK, docker),
    ] {
        check_edit_on(&open(), &with(beside()), &with(beside().overriding(on, &set)), 2);
        check_edit_on(&open(), &with(beside().overriding(on, &set)), &with(beside()), 2);
    }
    let faults = json!({ "enableFaultInjection": true });
    let awsvpc = open().awsvpc("sg-1");
    check_edit_on(&awsvpc, &plain, &with(worker().overriding(TASK, &faults)), 2);
}

/// An upgrade, or an override that says what is so anyway, rolls nothing and asks for nothing.
#[test]
fn what_changes_nothing_costs_nothing_and_needs_no_grant() {
    let set = json!({
        "privileged": false, "interactive": false, "versionConsistency": "enabled", "links": [],
        "linuxParameters": { "capabilities": { "add": [] } },
    });
    let task = json!({ "on": TASK, "set": { "enableFaultInjection": false } });
    let same = json!([{ "on": "worker", "set": set, "remove": ["logConfiguration"] }, task]);
    let same = worker().having("overrides", same);
    check_edit_on(&staging(), &with(worker()), &with(same.clone()), 0);
    check_edit_on(&staging(), &with(same), &with(worker()), 0);
    // A limit that the process has anyway.
    let nofile = || worker().having("ulimits", json!({ "nofile": 64 }));
    let limit = json!({ "ulimits": [{ "name": "nofile", "softLimit": 64, "hardLimit": 64 }] });
    check_edit_on(
        &staging(),
        &with(nofile()),
        &with(nofile().overriding("worker", &limit)),
        0,
    );
}

#[test]
fn a_process_of_each_kind_may_have_them() {
    let kinds = app("acme")
        .process("web", anywhere(web().external(), "web"))
        .process("nightly", anywhere(worker().cron("0 3 * * ? *"), "nightly"))
        .process("console", anywhere(worker().noservice(), "console"));
    check_everywhere(&open(), &kinds, 3);
}

#[test]
fn what_a_hand_took_away_or_put_in_comes_back_or_goes() {
    let edits: [fn(&mut TaskDefinition); 4] = [
        |content| content.main.details = None,
        |content| content.members = None,
        |content| set(content, |members| members.flags.insert(Flag::Privileged)),
        |content| {
            set(content, |members| {
                members.lists.remove(&List::AddedCapabilities).is_some()
            });
        },
    ];
    check_copies(&open(), &with(anywhere(worker(), "worker")), &edits);
    let privileged: [fn(&mut TaskDefinition); 2] = [
        |content| set(content, |members| members.flags.insert(Flag::Privileged)),
        |content| {
            let host = TaskMembers {
                pid_mode: Some(Namespace::Host),
                ..TaskMembers::none()
            };
            content.members = host.kept();
        },
    ];
    check_copies(&staging(), &with(worker()), &privileged);
}

fn set(content: &mut TaskDefinition, edit: fn(&mut ContainerMembers) -> bool) {
    let mut details = content.main.details().clone();
    let mut members = content.main.members().clone();
    assert!(edit(&mut members));
    details.extras.members = members.kept();
    content.main.details = details.kept();
}

#[test]
fn no_echo_of_a_member_is_written_for() {
    let echoes: [fn(&mut TaskDefinition); 4] = [
        |content| content.members = None,
        |content| content.main.details = None,
        |content| {
            set(content, |members| {
                members.set_list(List::DnsServers, vec!["10.0.0.2".into()]);
                members.swappiness = Some(60);
                true
            });
        },
        |content| content.main.name.push_str(" with proxyConfiguration"),
    ];
    for echo in echoes {
        let mut world = World::new(&open());
        world.aws.echo(Echo::Definition(echo));
        world.apply(&with(anywhere(worker(), "worker")));
        world.settle();
        world.assert_ready();
        world.restart();
        assert_eq!(world.settle().len(), 0);
    }
}

#[test]
fn arrives_wherever_it_is_killed() {
    let edited = with(anywhere(worker(), "worker"));
    let edit = move |world: &mut World| world.apply(&edited);
    let points = crash::check("overrides", &Operation::new(open(), Some(acme()), edit));
    assert!(points > 0);
}

#[test]
fn a_plan_tells_of_them_and_what_nobody_allows_is_refused() {
    let granted = staging().overrides(&["containerDefinitions.linuxParameters.capabilities.add"]);
    Story::on(&open())
        .then("members of each container and of the task definition", |world| {
            let host = json!({ "name": "data", "host": { "sourcePath": "/srv" } });
            let app = anywhere(worker(), "worker").volume("data", json!({}));
            world.apply(&with(app.having(
                "overrides",
                json!([
                    { "on": "worker", "set": { "privileged": true, "linuxParameters": {
                        "devices": [{ "hostPath": "/dev/fuse", "permissions": ["read", "write"] }],
                    } } },
                    { "on": "agent", "set": { "links": ["worker:app"] } },
                    { "on": TASK, "set": { "pidMode": "task", "volumes": [host] } },
                ]),
            )));
        })
        .then("one grant is left, and is not enough", move |world| {
            world.set_platform(&granted);
        })
        .then("no more is asked than what is granted", |world| {
            let kernel = json!({ "capabilities": { "add": ["NET_ADMIN"] } });
            world.apply(&with(
                worker().overriding("worker", &json!({ "linuxParameters": kernel })),
            ));
        })
        .reads("overrides.txt");
}

#[test]
fn nothing_is_written_for_what_nobody_allows() {
    for (set, on, path) in [
        (
            json!({ "privileged": true }),
            "worker",
            "containerDefinitions.privileged",
        ),
        (json!({ "pidMode": "host" }), TASK, "pidMode"),
        (
            json!({ "linuxParameters": { "capabilities": { "add": ["SYS_ADMIN"] } } }),
            "worker",
            "containerDefinitions.linuxParameters.capabilities.add",
        ),
    ] {
        // Neither a shorter path nor a longer one is enough.
        let others: Vec<&str> = PATHS.into_iter().filter(|other| *other != path).collect();
        let mut world = World::new(&staging().overrides(&others));
        world.apply(&with(worker().overriding(on, &set)));
        let written = world.settle();
        assert!(written.iter().all(|write| !write.is_aws()), "{written:?}");
        assert_eq!(
            world.reason("shop/acme"),
            format!(
                "NotAllowed: process worker: overrides[{on}]: Platform staging does not allow {path}: it matches nothing in \
                 tenancy.overrides"
            )
        );
    }
}

#[test]
fn a_container_may_do_without_the_log_driver_of_its_platform_where_that_is_allowed() {
    let remove = json!([{ "on": "worker", "remove": ["logConfiguration"] }]);
    let silent = with(worker().having("overrides", remove));
    let logging = || staging().logging("awslogs", &[("awslogs-group", "a"), ("awslogs-region", "b")]);
    let path = ["containerDefinitions.logConfiguration"];
    check_edit_on(&logging().overrides(&path), &with(worker()), &silent, 2);
    let mut world = World::new(&logging());
    world.apply(&silent);
    world.settle();
    let reason = world.reason("shop/acme");
    assert!(
        reason.contains("does not allow containerDefinitions.logConfiguration"),
        "{reason}"
    );
}
