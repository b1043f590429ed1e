//! Logging of a process's own, and log routers: one revision and one rollout for each edit, and nothing for what stays.

use empire_controller::aws::EcsWrites;
use empire_controller::model::container::{Container, Details, Logging};
use empire_controller::model::extras::{Extras, LogRouter, LogRouterKind};
use empire_controller::model::service::TaskDefinition;
use serde_json::{Value, json};

use crate::crash::{self, Operation};
use crate::fixtures::{AppFixture, PlatformFixture, ProcessFixture, acme, app, staging, web, worker};
use crate::stories::Story;
use crate::strictness::{aws, now, refused, web as wanted_web};
use crate::world::World;
use crate::write_counts::{check_copies, check_edit_on, check_everywhere};

const ROUTER: &str = "registry.example/fluent-bit:v3";

fn with(worker: ProcessFixture) -> AppFixture {
    acme().process("worker", worker)
}

fn open() -> PlatformFixture {
    staging().own_logging()
}

fn routed(process: ProcessFixture, options: &Value) -> ProcessFixture {
    let router = json!({ "type": "fluentbit", "options": options });
    process
        .having(
            "logging",
            json!({ "driver": "awsfirelens", "options": { "Name": "cloudwatch_logs" } }),
        )
        .having(
            "sidecars",
            json!({ "log": { "image": ROUTER, "memory": "64Mi", "logRouter": router } }),
        )
}

#[test]
fn an_edit_of_logging_is_one_revision_and_one_rollout() {
    let own = |driver: &str| worker().having("logging", json!({ "driver": driver }));
    let plain = || routed(worker(), &json!({}));
    for (from, to, expected) in [
        (worker(), plain(), 2),
        (plain(), worker(), 2),
        (
            plain(),
            routed(worker(), &json!({ "enable-ecs-log-metadata": "false" })),
            2,
        ),
        (worker(), own("syslog"), 2),
        (own("syslog"), own("journald"), 2),
        (plain(), plain(), 0),
    ] {
        check_edit_on(&open(), &with(from), &with(to), expected);
    }
}

#[test]
fn a_process_of_each_kind_may_have_a_log_router() {
    let kinds = app("acme")
        .process("web", routed(web().external(), &json!({})))
        .process("nightly", routed(worker().cron("0 3 * * ? *"), &json!({})))
        .process("console", routed(worker().noservice(), &json!({})));
    check_everywhere(&open(), &kinds, 3);
}

#[test]
fn a_log_router_that_a_hand_took_away_comes_back() {
    let edits: [fn(&mut TaskDefinition); 2] = [
        |content| {
            content.main.logging = None;
            content.sidecars[0].details = None;
        },
        |content| content.main.logging = None,
    ];
    check_copies(&open(), &with(routed(worker(), &json!({}))), &edits);
}

#[test]
fn an_edit_arrives_wherever_it_is_killed() {
    let edit = |world: &mut World| world.apply(&with(routed(worker(), &json!({}))));
    crash::check("log router", &Operation::new(open(), Some(acme()), edit));
    let edit = |world: &mut World| world.apply(&with(worker().having("restart", json!({}))));
    crash::check("restart", &Operation::new(open(), Some(acme()), edit));
}

#[test]
fn a_plan_tells_of_a_log_router() {
    Story::on(&open())
        .then("a process with a log router", |world| {
            world.apply(&with(routed(
                worker(),
                &json!({ "enable-ecs-log-metadata": "false" }),
            )));
        })
        .then("one that nobody is", |world| {
            world.apply(&with(
                worker().having("logging", json!({ "driver": "awsfirelens" })),
            ));
        })
        .reads("log_router.txt");
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_firelens.html>
#[test]
fn the_in_memory_aws_takes_no_log_router_that_ecs_does_not() {
    let router = |name: &str| {
        let details = Details {
            extras: Extras {
                log_router: Some(LogRouter {
                    kind: LogRouterKind::Fluentbit,
                    options: [].into(),
                }),
                ..Extras::default()
            },
            ..Details::default()
        };
        Container {
            name: name.into(),
            image: ROUTER.into(),
            details: details.kept(),
            ..Container::default()
        }
    };
    let of = |sidecars: Vec<Container>| {
        let mut content = wanted_web().task_definition;
        content.main.logging = Some(Logging {
            driver: "awsfirelens".into(),
            options: [].into(),
            secret_options: [].into(),
        });
        content.sidecars = sidecars;
        content
    };
    let mut optioned = router("log");
    let mut details = optioned.details().clone();
    details.extras.log_router = Some(LogRouter {
        kind: LogRouterKind::Fluentd,
        options: [("a".into(), "b".into())].into(),
    });
    optioned.details = details.kept();
    for (content, message) in [
        (of(Vec::new()), "must have a container with firelensConfiguration"),
        (
            of(vec![router("a"), router("b")]),
            "Only one container can have firelensConfiguration",
        ),
        (of(vec![optioned]), "Invalid FireLens option"),
    ] {
        let aws = aws();
        let registered = now(aws.register_task_definition(&content, wanted_web().tags()));
        refused(registered, "ClientException", message);
    }
    let aws = aws();
    now(aws.register_task_definition(&of(vec![router("log")]), wanted_web().tags())).unwrap();
}
