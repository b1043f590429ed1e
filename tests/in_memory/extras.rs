//! What few containers have: one revision and one rollout for each edit, and nothing for what stays.

use empire_controller::aws::EcsWrites;
use empire_controller::model::container::{Container, Details};
use empire_controller::model::extras::{Extras, NamedPort, Restart, Transport};
use empire_controller::model::service::{LaunchType, NetworkMode, TaskDefinition};
use serde_json::{Value, json};

use crate::fixtures::{AppFixture, PlatformFixture, ProcessFixture, acme, app, staging, web, worker};
use crate::stories::Story;
use crate::strictness::{aws, now, refused, web as wanted_web};
use crate::world::World;
use crate::write_counts::{check_copies, check_edit_on, check_everywhere};

const FILE: &str = "arn:aws:s3:::config/shop/acme.env";

fn with(worker: ProcessFixture) -> AppFixture {
    acme().process("worker", worker)
}

fn open() -> PlatformFixture {
    staging().files(&["arn:aws:s3:::config/shop/*"])
}

fn all(process: ProcessFixture) -> ProcessFixture {
    let ports = json!({ "statsd": { "containerPort": 8_125, "protocol": "udp" } });
    let agent = json!({ "image": "registry.example/agent:v1", "restart": {}, "ports": ports });
    process
        .having("ulimits", json!({ "nofile": 1_024 }))
        .having("startTimeout", json!("1m"))
        .having(
            "restart",
            json!({ "attemptPeriod": "90s", "ignoredExitCodes": [0] }),
        )
        .having("memoryReservation", json!("64Mi"))
        .having("environmentFiles", json!([FILE]))
        .having("systemControls", json!({ "net.core.somaxconn": "1024" }))
        .having("sidecars", json!({ "agent": agent }))
}

#[test]
fn an_edit_of_each_is_one_revision_and_one_rollout() {
    for (field, value, other) in [
        ("ulimits", json!({ "nofile": 1 }), json!({ "nofile": 2 })),
        ("startTimeout", json!("1m"), json!("2m")),
        ("restart", json!({}), json!({ "ignoredExitCodes": [0] })),
        ("memoryReservation", json!("64Mi"), json!("65Mi")),
        ("sharedMemory", json!("64Mi"), json!("65Mi")),
        ("gpus", json!(1), json!(2)),
        (
            "environmentFiles",
            json!([FILE]),
            json!(["arn:aws:s3:::config/shop/b.env", FILE]),
        ),
        (
            "systemControls",
            json!({ "net.core.somaxconn": "1" }),
            json!({ "net.core.somaxconn": "2" }),
        ),
        (
            "extraHosts",
            json!({ "db": "10.0.0.7" }),
            json!({ "db": "10.0.0.8" }),
        ),
    ] {
        let having = |value: &Value| with(worker().having(field, value.clone()));
        let plain = with(worker());
        check_edit_on(&open(), &plain, &having(&value), 2);
        check_edit_on(&open(), &having(&value), &having(&other), 2);
        check_edit_on(&open(), &having(&other), &plain, 2);
        check_edit_on(&open(), &having(&value), &having(&value), 0);
    }
}

#[test]
fn a_process_of_each_kind_may_have_them() {
    let kinds = app("acme")
        .process("web", all(web().external()))
        .process("nightly", all(worker().cron("0 3 * * ? *")))
        .process("console", all(worker().noservice()));
    check_everywhere(&open(), &kinds, 3);
    check_everywhere(&open().awsvpc("sg-1"), &kinds, 3);
}

#[test]
fn what_a_hand_took_away_or_changed_comes_back() {
    let edits: [fn(&mut TaskDefinition); 2] = [
        |content| content.main.details = None,
        |content| {
            let details = Details {
                extras: Extras {
                    gpus: Some(1),
                    ..Extras::default()
                },
                ..Details::default()
            };
            content.main.details = details.kept();
        },
    ];
    check_copies(&open(), &with(all(worker())), &edits);
}

#[test]
fn a_plan_tells_of_them_and_no_file_is_read_that_nobody_allows() {
    let other = json!(["arn:aws:s3:::config/other/acme.env"]);
    Story::on(&open())
        .then("all that few containers have", |world| {
            world.apply(&with(all(worker())));
        })
        .then("a file of somebody else", |world| {
            world.apply(&with(worker().having("environmentFiles", other)));
        })
        .reads("extras.txt");
    let mut world = World::new(&staging());
    world.apply(&with(worker().having("environmentFiles", json!([FILE]))));
    let written = world.settle();
    assert!(written.iter().all(|write| !write.is_aws()), "{written:?}");
    assert_eq!(
        world.reason("shop/acme"),
        format!(
            "NotAllowed: process worker: environmentFiles: Platform staging does not allow {FILE}: it matches nothing in \
             tenancy.fileArns"
        )
    );
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html>
#[expect(clippy::too_many_lines, reason = "a table")]
#[test]
fn the_in_memory_aws_takes_none_that_ecs_does_not() {
    let port = |container_port| NamedPort {
        container_port,
        transport: Transport::Tcp,
    };
    let of = |extras: Extras| {
        let details = Details {
            extras,
            ..Details::default()
        };
        TaskDefinition {
            execution_role_arn: Some("arn:aws:iam::123456789012:role/execution".into()),
            main: Container {
                details: details.kept(),
                ..wanted_web().task_definition.main
            },
            ..wanted_web().task_definition
        }
    };
    let fargate = |extras: Extras| {
        let mut content = of(extras);
        content.launch_type = LaunchType::Fargate;
        content.network_mode = NetworkMode::Awsvpc;
        (content.main.cpu, content.main.memory) = (256, 512);
        content
    };
    let restart = |attempt_period, codes| Extras {
        restart: Some(Restart {
            attempt_period,
            ignored_exit_codes: vec![0; codes],
        }),
        ..Extras::default()
    };
    let files = |files: &[&str]| Extras {
        environment_files: files.iter().map(|file| (*file).to_owned()).collect(),
        ..Extras::default()
    };
    let ports = |ports: &[(&str, u16)]| Extras {
        ports: ports
            .iter()
            .map(|(name, number)| ((*name).to_owned(), port(*number)))
            .collect(),
        ..Extras::default()
    };
    let reserved = |mebibytes| Extras {
        memory_reservation: Some(mebibytes),
        ..Extras::default()
    };
    let (range, name) = ("The restart policy is out of range", "The name of a port mapping");
    for (content, message) in [
        (of(restart(59, 0)), range),
        (of(restart(1_801, 0)), range),
        (of(restart(60, 51)), range),
        (of(files(&[FILE; 11])), "The maximum number of environment files"),
        (
            of(files(&["arn:aws:s3:::config/a.txt"])),
            "with the extension .env",
        ),
        (of(files(&["config/a.env"])), "with the extension .env"),
        (
            TaskDefinition {
                execution_role_arn: None,
                ..of(files(&[FILE]))
            },
            "executionRoleArn",
        ),
        (of(ports(&[("A", 9_100)])), name),
        (of(ports(&[("-a", 9_100)])), name),
        (
            fargate(ports(&[("a", 9_100), ("b", 9_100)])),
            "A container port is mapped twice",
        ),
        (of(reserved(5)), "The memory reservation must be less"),
        (of(reserved(100_000)), "The memory reservation must be less"),
        (
            fargate(Extras {
                start_timeout: Some(121),
                ..Extras::default()
            }),
            "2 to 120 seconds",
        ),
        (
            fargate(Extras {
                gpus: Some(1),
                ..Extras::default()
            }),
            "Fargate does not support GPU",
        ),
        (
            fargate(Extras {
                shared_memory: Some(64),
                ..Extras::default()
            }),
            "Fargate does not support sharedMemorySize",
        ),
        (
            fargate(Extras {
                extra_hosts: [("db".into(), "10.0.0.7".into())].into(),
                ..Extras::default()
            }),
            "not supported when networkMode=awsvpc",
        ),
        (
            of(Extras {
                system_controls: [("a.b".into(), "x".repeat(65_536))].into(),
                ..Extras::default()
            }),
            "Max allowed length is",
        ),
    ] {
        let aws = aws();
        let registered = now(aws.register_task_definition(&content, wanted_web().tags()));
        refused(registered, "ClientException", message);
    }
    let aws = aws();
    let good = of(ports(&[("a", 9_100), ("b", 9_100)]));
    now(aws.register_task_definition(&good, wanted_web().tags())).unwrap();
}
