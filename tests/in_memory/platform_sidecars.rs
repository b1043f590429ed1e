//! Sidecars of a Platform: in each task of each App there, rolled where the Platform is edited, and nothing where it has none.

use serde_json::{Value, json};

use crate::crash::{self, Operation};
use crate::fixtures::{PlatformFixture, acme, app, staging, web, worker};
use crate::stories::Story;
use crate::world::World;
use crate::write_counts::{check, check_everywhere, settled};

fn with_agent(image: &str) -> PlatformFixture {
    staging().task_sidecars(json!({ "agent": { "image": image, "memory": "64Mi" } }))
}

fn of(sidecars: Value) -> PlatformFixture {
    staging().task_sidecars(sidecars)
}

#[test]
fn a_task_of_each_kind_has_them() {
    let kinds = app("acme")
        .process("web", web().external())
        .process("nightly", worker().any_quantity().cron("0 3 * * ? *"))
        .process("console", worker().any_quantity().noservice());
    let platform = with_agent("registry.example/agent:v1");
    check_everywhere(&platform, &kinds, 3);
    Story::on(&platform)
        .then(
            "a process of each kind, where the Platform has a sidecar",
            |world| {
                world.apply(&kinds);
            },
        )
        .then("another image of it", |world| {
            world.set_platform(&with_agent("registry.example/agent:v2"));
        })
        .reads("platform_sidecars.txt");
}

#[test]
fn an_edit_of_the_platform_is_one_revision_and_one_rollout_of_each_process() {
    for (from, to, expected) in [
        (staging(), with_agent("registry.example/agent:v1"), 4),
        (with_agent("registry.example/agent:v1"), staging(), 4),
        (
            with_agent("registry.example/agent:v1"),
            with_agent("registry.example/agent:v2"),
            4,
        ),
        (staging(), of(json!({})), 0),
    ] {
        let mut world = settled(&from, &acme());
        world.set_platform(&to);
        check(&world.settle(), expected);
        world.assert_ready();
        world.restart();
        check(&world.settle(), 0);
    }
}

#[test]
fn all_log_to_a_router_of_the_platform() {
    let mut router = json!({ "image": "registry.example/fluent-bit:v3", "memory": "64Mi" });
    router["logRouter"] = json!({ "type": "fluentbit" });
    let logging_to = |output: &str| {
        let routing = json!({ "options": { "Name": output, "tag": "{app}.{process}" } });
        of(json!({ "log": router.clone() })).log_routing(routing)
    };
    let mut world = settled(&logging_to("forward"), &acme());
    world.set_platform(&logging_to("stdout"));
    check(&world.settle(), 4);
    world.assert_ready();
    world.set_platform(&staging());
    check(&world.settle(), 4);
    world.assert_ready();
}

#[test]
fn an_edit_arrives_wherever_it_is_killed() {
    let to = with_agent("registry.example/agent:v1");
    let edit = move |world: &mut World| world.set_platform(&to);
    crash::check(
        "sidecars of the Platform",
        &Operation::new(staging(), Some(acme()), edit),
    );
}

#[test]
fn a_name_that_both_have_is_refused_and_nothing_is_written() {
    let mut world = World::new(&with_agent("registry.example/agent:v1").sidecars());
    world.apply(&acme().process("worker", worker().beside("agent", "registry.example/other:v1")));
    let written = world.settle();
    assert!(written.iter().all(|write| !write.is_aws()), "{written:?}");
    assert_eq!(
        world.reason("shop/acme"),
        "InvalidSpec: process worker: sidecars.agent: Platform staging runs a sidecar of that name in each task"
    );
}
