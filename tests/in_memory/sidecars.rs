//! Containers beside that of a process, and what a container may have: one revision and one rollout for each edit, and
//! nothing for what stays.

use empire_controller::aws::EcsWrites;
use empire_controller::model::container::{Condition, Container, ContainerCheck, Details};
use empire_controller::model::service::{Architecture, LaunchType, NetworkMode, TaskDefinition};

use crate::fixtures::{AppFixture, PlatformFixture, ProcessFixture, acme, app, staging, web, worker};
use crate::strictness::{aws, now, refused, web as wanted_web};
use crate::world::World;
use crate::write_counts::{check_copies, check_edit_on, check_everywhere};

const PROXY: &str = "registry.example/proxy:v1";

fn with(worker: ProcessFixture) -> AppFixture {
    acme().process("worker", worker)
}

fn open() -> PlatformFixture {
    staging().sidecars()
}

#[test]
fn an_edit_of_any_container_is_one_revision_and_one_rollout() {
    let beside = || worker().beside("proxy", PROXY);
    for (from, to, expected) in [
        (worker(), beside(), 2),
        (beside(), worker(), 2),
        (beside(), worker().beside("proxy", "registry.example/proxy:v2"), 2),
        (beside(), beside().beside("agent", "registry.example/agent:v1"), 2),
        (beside(), beside().after("proxy", "START"), 2),
        (worker(), worker().health_check("./bin/check"), 2),
        (worker(), worker().architecture("arm64"), 2),
        (worker().architecture("arm64"), worker().architecture("x86_64"), 2),
        (worker().architecture("x86_64"), worker(), 2),
        (
            worker().health_check("./bin/check"),
            worker().health_check("./bin/other"),
            2,
        ),
        (beside(), beside(), 0),
    ] {
        check_edit_on(&open(), &with(from), &with(to), expected);
    }
}

#[test]
fn a_process_of_each_kind_may_have_sidecars() {
    let kinds = app("acme")
        .process(
            "web",
            web().external().beside("proxy", PROXY).after("proxy", "START"),
        )
        .process("nightly", worker().cron("0 3 * * ? *").beside("proxy", PROXY))
        .process("console", worker().noservice().beside("proxy", PROXY));
    check_everywhere(&open(), &kinds, 3);
}

#[test]
fn a_sidecar_that_a_hand_took_away_or_put_in_comes_back_or_goes() {
    let edits: [fn(&mut TaskDefinition); 3] = [
        |content| content.sidecars.clear(),
        |content| content.sidecars[0].image = "registry.example/other".into(),
        |content| {
            content.sidecars.push(Container {
                name: "strange".into(),
                image: "registry.example/strange".into(),
                ..Container::default()
            });
        },
    ];
    let beside = with(worker().beside("proxy", PROXY));
    check_copies(&open(), &beside, &edits);
}

#[test]
fn nobody_has_sidecars_where_nobody_allows_them() {
    let mut world = World::new(&staging());
    world.apply(&with(worker().beside("proxy", PROXY)));
    let written = world.settle();
    assert!(written.iter().all(|write| !write.is_aws()), "{written:?}");
    assert_eq!(
        world.reason("shop/acme"),
        "NotAllowed: process worker: sidecars: Platform staging does not allow proxy: tenancy.sidecars is not true"
    );
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html>
#[expect(clippy::too_many_lines, reason = "a table")]
#[test]
fn the_in_memory_aws_takes_no_container_that_ecs_does_not() {
    let check = |interval, timeout, retries, start_period| ContainerCheck {
        command: vec!["CMD".into(), "./check".into()],
        interval,
        timeout,
        retries,
        start_period,
    };
    let with = |details: Details| {
        let mut content = wanted_web().task_definition;
        content.main.details = details.kept();
        content.sidecars = vec![Container {
            name: "proxy".into(),
            image: PROXY.into(),
            ..Container::default()
        }];
        content
    };
    let checked = |health_check| {
        with(Details {
            health_check: Some(health_check),
            ..Details::default()
        })
    };
    let after = |name: &str, condition| {
        with(Details {
            depends_on: [(name.to_owned(), condition)].into(),
            ..Details::default()
        })
    };
    let edited = |edit: fn(&mut TaskDefinition)| {
        let mut content = after("proxy", Condition::Start);
        edit(&mut content);
        content
    };
    let long = |edit: fn(&mut Details, String)| {
        let mut details = Details::default();
        edit(&mut details, "x".repeat(65_536));
        with(details)
    };
    let fargate = |cpu, memory| {
        let mut content = TaskDefinition {
            launch_type: LaunchType::Fargate,
            network_mode: NetworkMode::Awsvpc,
            ..with(Details::default())
        };
        (content.main.cpu, content.main.memory) = (cpu, memory);
        content
    };
    let length = "Max allowed length is '65536' bytes";
    let range = "The health check is out of range";
    let condition = "a condition that the other container cannot meet";
    for (content, message) in [
        (checked(check(4, 5, 3, 0)), range),
        (checked(check(301, 5, 3, 0)), range),
        (checked(check(30, 1, 3, 0)), range),
        (checked(check(30, 61, 3, 0)), range),
        (checked(check(30, 5, 0, 0)), range),
        (checked(check(30, 5, 11, 0)), range),
        (checked(check(30, 5, 3, 301)), range),
        (
            checked(ContainerCheck {
                command: vec!["./check".into()],
                ..check(30, 5, 3, 0)
            }),
            "must start with CMD or CMD-SHELL",
        ),
        (after("other", Condition::Start), "names no container"),
        (after("web", Condition::Start), "a circle"),
        (after("proxy", Condition::Healthy), condition),
        (after("proxy", Condition::Complete), condition),
        (after("proxy", Condition::Success), condition),
        (
            edited(|content| content.sidecars[0].name = "web".into()),
            "unique",
        ),
        (
            edited(|content| {
                let beside = |n| Container {
                    name: format!("s{n}"),
                    image: PROXY.into(),
                    ..Container::default()
                };
                content.sidecars.extend((0..9).map(beside));
            }),
            "The maximum number of containers per task definition is 10",
        ),
        (edited(|content| content.sidecars[0].memory = 5), "at least 6 MiB"),
        (edited(|content| content.main.memory = 0), "must be specified"),
        (
            edited(|content| content.sidecars[0].name = "a.b".into()),
            "letters, digits",
        ),
        (
            edited(|content| content.sidecars[0].name = String::new()),
            "letters, digits",
        ),
        (
            edited(|content| content.sidecars[0].name = "x".repeat(256)),
            "letters, digits",
        ),
        (
            TaskDefinition {
                sidecars: Vec::new(),
                ..with(Details {
                    optional: true,
                    ..Details::default()
                })
            },
            "At least one must be essential",
        ),
        (
            with(Details {
                tmpfs: [("/tmp".into(), 0)].into(),
                ..Details::default()
            }),
            "greater than 0",
        ),
        (fargate(256, 511), "No Fargate configuration"),
        (fargate(255, 512), "No Fargate configuration"),
        (fargate(512, 512), "No Fargate configuration"),
        (long(|details, text| details.entry_point.push(text)), length),
        (long(|details, text| details.user = Some(text)), length),
        (
            long(|details, text| details.working_directory = Some(text)),
            length,
        ),
        (
            long(|details, text| drop(details.labels.insert("a".into(), text))),
            length,
        ),
        (
            long(|details, text| {
                details.tmpfs.insert(text, 1);
            }),
            length,
        ),
        (
            checked(ContainerCheck {
                command: vec!["CMD".into(), "x".repeat(65_536)],
                ..check(30, 5, 3, 0)
            }),
            length,
        ),
        (
            edited(|content| content.sidecars[0].image = String::new()),
            "incomplete",
        ),
        (
            edited(|content| content.ephemeral_storage = Some(21)),
            "Ephemeral storage",
        ),
        (
            edited(|content| {
                content.launch_type = LaunchType::External;
                content.architecture = Some(Architecture::Arm64);
            }),
            "not supported on external instances",
        ),
        (
            with(Details {
                repository_credentials: Some("arn:aws:secretsmanager:us-east-1:123456789012:secret:a".into()),
                ..Details::default()
            }),
            "executionRoleArn",
        ),
        (
            TaskDefinition {
                launch_type: LaunchType::Fargate,
                network_mode: NetworkMode::Awsvpc,
                ..with(Details {
                    tmpfs: [("/tmp".into(), 64)].into(),
                    ..Details::default()
                })
            },
            "Fargate does not support tmpfs",
        ),
    ] {
        let aws = aws();
        let registered = now(aws.register_task_definition(&content, wanted_web().tags()));
        refused(registered, "ClientException", message);
    }
    let aws = aws();
    let good = after("proxy", Condition::Start);
    now(aws.register_task_definition(&good, wanted_web().tags())).unwrap();
}
