//! Volumes of a process: one revision and one rollout for each edit, nothing for what stays, and no file system that
//! nobody allows.

use empire_controller::aws::EcsWrites;
use empire_controller::model::container::{Container, Details};
use empire_controller::model::service::{LaunchType, TaskDefinition};
use empire_controller::model::volume::{FileSystem, Mount, Volume};
use serde_json::{Value, json};

use crate::fixtures::{AppFixture, PlatformFixture, ProcessFixture, acme, app, staging, web, worker};
use crate::stories::Story;
use crate::strictness::{aws, now, refused, web as wanted_web};
use crate::world::World;
use crate::write_counts::{check_copies, check_edit_on, check_everywhere};

const ROLE: &str = "arn:aws:iam::123456789012:role/apps/acme";

fn with(worker: ProcessFixture) -> AppFixture {
    acme().task_role(ROLE).process("worker", worker)
}

fn open() -> PlatformFixture {
    staging().file_systems(&["fs-1", "fs-2/fsap-*"])
}

fn efs(more: &Value) -> Value {
    let mut efs = json!({ "fileSystemId": "fs-1" });
    for (key, value) in more.as_object().unwrap() {
        efs[key] = value.clone();
    }
    json!({ "efs": efs })
}

fn scratch() -> ProcessFixture {
    worker().volume("data", json!({})).mount("/data", "data")
}

fn stored(more: &Value) -> ProcessFixture {
    worker().volume("data", efs(more)).mount("/data", "data")
}

#[test]
fn an_edit_of_a_volume_is_one_revision_and_one_rollout() {
    let plain = || stored(&json!({}));
    for (from, to, expected) in [
        (worker(), scratch(), 2),
        (scratch(), worker(), 2),
        (scratch(), scratch().mount("/more", "data"), 2),
        (scratch(), plain(), 2),
        (plain(), stored(&json!({ "rootDirectory": "/a" })), 2),
        (plain(), stored(&json!({ "iam": true })), 2),
        (plain(), stored(&json!({ "rootDirectory": "/", "iam": false })), 0),
        (
            plain(),
            stored(&json!({ "fileSystemId": "fs-2", "accessPointId": "fsap-3" })),
            2,
        ),
        (plain(), plain(), 0),
    ] {
        check_edit_on(&open(), &with(from), &with(to), expected);
    }
}

#[test]
fn a_process_of_each_kind_may_have_volumes() {
    let with_volume = |process: ProcessFixture| {
        process
            .volume("data", efs(&json!({})))
            .volume("shared", json!({}))
            .mount("/data", "data")
            .mount("/shared", "shared")
    };
    let kinds = app("acme")
        .process("web", with_volume(web().external()))
        .process("nightly", with_volume(worker().cron("0 3 * * ? *")))
        .process("console", with_volume(worker().noservice()));
    check_everywhere(&open(), &kinds, 3);
}

#[test]
fn a_volume_that_a_hand_took_away_or_changed_comes_back() {
    let edits: [fn(&mut TaskDefinition); 3] = [
        |content| {
            content.volumes = [].into();
            content.main.details = None;
        },
        |content| content.volumes = [("data".into(), Volume::Scratch)].into(),
        |content| {
            let mount = Mount {
                volume: "data".into(),
                read_only: true,
            };
            let details = Details {
                mounts: [("/data".into(), mount)].into(),
                ..Details::default()
            };
            content.main.details = details.kept();
        },
    ];
    check_copies(&open(), &with(stored(&json!({}))), &edits);
}

#[test]
fn a_plan_tells_of_volumes_and_no_file_system_is_mounted_that_nobody_allows() {
    Story::on(&open())
        .then("a volume for a process and what runs beside it", |world| {
            world.apply(&with(scratch().beside("proxy", "registry.example/proxy:v1")));
        })
        .then("a file system in its place", |world| {
            world.apply(&with(stored(&json!({ "rootDirectory": "/acme", "iam": true }))));
        })
        .then("another, by an access point", |world| {
            world.apply(&with(stored(
                &json!({ "fileSystemId": "fs-2", "accessPointId": "fsap-3" }),
            )));
        })
        .then("all of that other", |world| {
            world.apply(&with(stored(&json!({ "fileSystemId": "fs-2" }))));
        })
        .reads("volumes.txt");
}

#[test]
fn a_file_system_is_mounted_nowhere_without_a_word_and_an_empty_volume_everywhere() {
    let mut world = World::new(&staging());
    world.apply(&acme().process("worker", stored(&json!({}))));
    let written = world.settle();
    assert!(written.iter().all(|write| !write.is_aws()), "{written:?}");
    assert_eq!(
        world.reason("shop/acme"),
        "NotAllowed: process worker: volumes.data.efs: Platform staging does not allow fs-1: it matches nothing in \
         tenancy.fileSystems"
    );
    world.apply(&acme().process("worker", scratch()));
    world.settle();
    world.assert_ready();
}

#[test]
fn the_in_memory_aws_takes_no_volume_that_ecs_does_not() {
    let file_system = || FileSystem {
        id: "fs-1".into(),
        directory: None,
        access_point: None,
        iam: false,
    };
    let of = |volume: Volume| {
        let mut content = wanted_web().task_definition;
        content.volumes = [("data".into(), volume)].into();
        content
    };
    let mounted = |details: Details| TaskDefinition {
        main: Container {
            details: details.kept(),
            ..wanted_web().task_definition.main
        },
        ..of(Volume::Scratch)
    };
    let at = |path: &str, volume: &str| Details {
        mounts: [(
            path.to_owned(),
            Mount {
                volume: volume.into(),
                read_only: false,
            },
        )]
        .into(),
        ..Details::default()
    };
    let named = |name: String| {
        let mut content = wanted_web().task_definition;
        content.volumes = [(name, Volume::Scratch)].into();
        content
    };
    let long = "Max allowed length is";
    for (content, message) in [
        (named(String::new()), "letters, digits"),
        (named("a.b".into()), "letters, digits"),
        (named("x".repeat(256)), "letters, digits"),
        (
            TaskDefinition {
                launch_type: LaunchType::External,
                ..of(Volume::FileSystem(file_system()))
            },
            "not supported on external instances",
        ),
        (
            of(Volume::FileSystem(FileSystem {
                id: String::new(),
                ..file_system()
            })),
            "file system id",
        ),
        (
            of(Volume::FileSystem(FileSystem {
                directory: Some("/a".into()),
                access_point: Some("fsap-1".into()),
                ..file_system()
            })),
            "must be omitted or /",
        ),
        (
            of(Volume::FileSystem(FileSystem {
                iam: true,
                ..file_system()
            })),
            "needs a task role",
        ),
        (
            of(Volume::FileSystem(FileSystem {
                directory: Some("x".repeat(65_536)),
                ..file_system()
            })),
            long,
        ),
        (mounted(at("/data", "other")), "Unknown volume 'other'."),
        (
            mounted(Details {
                tmpfs: [("/data".into(), 1)].into(),
                ..at("/data", "data")
            }),
            "Duplicate mount",
        ),
        (mounted(at(&"x".repeat(65_536), "data")), long),
    ] {
        let aws = aws();
        let registered = now(aws.register_task_definition(&content, wanted_web().tags()));
        refused(registered, "ClientException", message);
    }
    let aws = aws();
    now(aws.register_task_definition(&mounted(at("/data", "data")), wanted_web().tags())).unwrap();
}
