//! AWS reports a field otherwise than it was sent. However it does, nothing is written for it, no task is rolled for it,
//! and what a hand changed is still set back.

use empire_controller::model::container::{Container, Details, HostPort, Logging};
use empire_controller::model::load_balancer::Probe;
use empire_controller::model::service::{
    Architecture, CapacityProvider, CircuitBreaker, PlacementConstraint, TaskDefinition,
};
use empire_controller::model::small_map::SmallMap;
use empire_controller::model::state::ServiceState;
use serde_json::json;

use crate::fake_aws::Echo;
use crate::fixtures::{AppFixture, PlatformFixture, acme, app, staging, web, worker};
use crate::world::World;

const V1: &str = "registry.example/acme:v1";
const V2: &str = "registry.example/acme:v2";

/// An App with one process of each kind, each with an empty variable.
fn kinds() -> AppFixture {
    app("acme")
        .process("web", web().external().env("EMPTY", ""))
        .process("worker", worker().env("EMPTY", ""))
        .process(
            "nightly",
            worker().any_quantity().cron("0 3 * * ? *").env("EMPTY", ""),
        )
        .process("console", worker().any_quantity().noservice().env("EMPTY", ""))
}

/// The same, where the worker has all that a container may have.
fn with_containers() -> AppFixture {
    let full = worker()
        .env("EMPTY", "")
        .health_check("./bin/check")
        .docker_label("team", "retail")
        .tmpfs("/run/a")
        .beside("proxy", "registry.example/proxy:v1")
        .beside("agent", "registry.example/agent:v1")
        .after("proxy", "START")
        .architecture("arm64")
        .volume("data", json!({}))
        .mount("/data", "data")
        .having("restart", json!({}))
        .having("memoryReservation", json!("64Mi"));
    kinds().process("worker", full)
}

/// Changes what most containers do without.
fn edit(container: &mut Container, edit: fn(&mut Details)) {
    let mut details = container.details().clone();
    edit(&mut details);
    container.details = details.kept();
}

fn actions(world: &mut World) -> Vec<&'static str> {
    let written = world.settle();
    written.iter().map(|write| write.action).collect()
}

/// A settled world that is started again and looks at everything.
#[track_caller]
fn assert_writes_nothing(world: &mut World) {
    for _ in 0..2 {
        world.restart();
        assert_eq!(actions(world), Vec::<&str>::new());
        world.assert_ready();
    }
}

fn settled(platform: &PlatformFixture, app: &AppFixture, echo: fn(&mut TaskDefinition)) -> World {
    let mut world = World::new(platform);
    world.aws.echo(Echo::Definition(echo));
    world.apply(app);
    world.settle();
    world.assert_ready();
    world
}

fn drops_what_is_empty(content: &mut TaskDefinition) {
    content.main.environment.0.retain(|_, value| !value.is_empty());
}

#[test]
fn no_echo_of_a_task_definition_is_written_for() {
    let echoes: [fn(&mut TaskDefinition); 23] = [
        drops_what_is_empty,
        // Defaults are dropped, or others filled in.
        |content| edit(&mut content.main, |details| details.health_check = None),
        |content| {
            edit(&mut content.main, |details| {
                if let Some(check) = &mut details.health_check {
                    (check.interval, check.start_period) = (60, 10);
                }
                details.labels = SmallMap::new();
            });
        },
        |content| content.sidecars.reverse(),
        |content| {
            content.sidecars.retain(|sidecar| sidecar.name != "agent");
            edit(&mut content.main, |details| details.depends_on = SmallMap::new());
        },
        // As the adapter reads a mount with options.
        |content| content.main.name.push_str(" with tmpfs"),
        // As the adapter reads a definition that holds what none of ours does.
        |content| {
            content
                .main
                .name
                .push_str(" with systemControls, mountPoints, volumes");
        },
        |content| content.volumes = SmallMap::new(),
        |content| edit(&mut content.main, |details| details.mounts = SmallMap::new()),
        |content| edit(&mut content.main, |details| details.extras.restart = None),
        |content| {
            edit(&mut content.main, |details| {
                details.extras.memory_reservation = Some(65);
            });
        },
        |content| content.architecture = None,
        |content| content.architecture = Some(Architecture::X8664),
        |content| content.main.image = content.main.image.to_uppercase(),
        |content| content.main.command.reverse(),
        |content| content.main.command.clear(),
        |content| content.main.cpu = 0,
        |content| content.main.memory += 4,
        |content| content.main.stop_timeout = Some(30),
        |content| content.main.process_limit = Some(1_024),
        |content| content.main.read_only_root_filesystem ^= true,
        |content| content.execution_role_arn = Some("arn:aws:iam::123456789012:role/default".into()),
        |content| {
            content.main.logging = Some(Logging {
                driver: "json-file".into(),
                options: [("mode".into(), "non-blocking".into())].into(),
                secret_options: SmallMap::default(),
            });
        },
    ];
    for platform in [
        staging(),
        staging().awsvpc("sg-1"),
        staging().bridge_ports(9_000, 9_010),
    ] {
        let platform = platform.sidecars();
        for echo in echoes {
            let mut world = settled(&platform, &with_containers(), echo);
            assert_writes_nothing(&mut world);
            // Nor is anything written twice for a release.
            world.restart();
            world.apply(&with_containers().image(V2));
            let written = actions(&mut world);
            assert_eq!(count(&written, "ecs:RegisterTaskDefinition"), 4);
            assert_eq!(count(&written, "ecs:UpdateService"), 2);
            assert_eq!(count(&written, "scheduler:UpdateSchedule"), 1);
            assert_writes_nothing(&mut world);
        }
    }
}

#[test]
fn no_echo_of_a_host_port_is_written_for() {
    let dynamic: fn(&mut TaskDefinition) = |content| {
        for port in &mut content.main.ports {
            port.host_port = HostPort::Dynamic;
        }
    };
    let fixed: fn(&mut TaskDefinition) = |content| {
        for port in &mut content.main.ports {
            port.host_port = HostPort::Fixed(32_768);
        }
    };
    for (platform, echo) in [(staging(), fixed), (staging().awsvpc("sg-1"), dynamic)] {
        let mut world = settled(&platform, &kinds(), echo);
        assert_writes_nothing(&mut world);
    }
}

fn count(written: &[&str], action: &str) -> usize {
    written.iter().filter(|written| **written == action).count()
}

#[test]
fn a_variable_that_is_empty_is_told_from_one_that_is_not_there() {
    let mut world = settled(&staging(), &kinds(), drops_what_is_empty);
    world.restart();
    let without = app("acme")
        .process("web", web().external())
        .process("worker", worker())
        .process("nightly", worker().any_quantity().cron("0 3 * * ? *"))
        .process("console", worker().any_quantity().noservice());
    world.apply(&without);
    let written = actions(&mut world);
    assert_eq!(count(&written, "ecs:RegisterTaskDefinition"), 4, "{written:?}");
    assert_writes_nothing(&mut world);
}

#[test]
fn a_status_that_is_lost_costs_no_write() {
    let mut world = settled(&staging(), &kinds(), drops_what_is_empty);
    world.loses_status = true;
    assert_writes_nothing(&mut world);
}

#[test]
fn a_platform_that_has_all_its_tags_goes_on_working() {
    let full = (0..47).fold(staging(), |platform, n| platform.tag(&format!("k{n}"), "v"));
    let echoes: [fn(&mut TaskDefinition); 2] = [
        |_| {},
        |content| content.architecture = content.architecture.or(Some(Architecture::X8664)),
    ];
    for echo in echoes {
        let mut world = settled(&full, &kinds(), echo);
        assert_writes_nothing(&mut world);
    }
}

#[test]
fn content_that_is_wanted_again_is_not_registered_again() {
    let mut world = settled(&staging(), &kinds(), drops_what_is_empty);
    world.apply(&kinds().image(V2));
    world.settle();
    for image in [V1, V2, V1] {
        world.restart();
        world.apply(&kinds().image(image));
        let written = actions(&mut world);
        assert_eq!(count(&written, "ecs:RegisterTaskDefinition"), 0, "{written:?}");
        assert_eq!(count(&written, "ecs:UpdateService"), 2);
        assert_eq!(count(&written, "scheduler:UpdateSchedule"), 1);
        world.assert_ready();
    }
    // Nor is that of a process that comes back, be it as another kind of process.
    world.apply(&kinds().without("worker").without("nightly"));
    world.settle();
    world.apply(&kinds().process("nightly", worker().env("EMPTY", "")));
    assert_eq!(count(&actions(&mut world), "ecs:RegisterTaskDefinition"), 0);
    world.assert_ready();
}

/// A process that nothing runs: only the status tells which of its revisions is the wanted one.
#[test]
fn content_that_is_wanted_again_is_not_registered_again_although_the_status_was_lost() {
    for releases in [2, 5, 10] {
        let once = |image: String| app("acme").process("job", worker().noservice()).image(&image);
        let image = |n: usize| format!("registry.example/acme:v{n}");
        let mut world = settled(&staging(), &once(image(1)), |_| {});
        for n in 2..=releases {
            world.apply(&once(image(n)));
            world.settle();
        }
        world.apply(&once(image(1)));
        assert_eq!(actions(&mut world), [""; 0]);
        world.loses_status = true;
        world.restart();
        assert_eq!(actions(&mut world), [""; 0], "{releases}");
        world.apply(&once(image(2)));
        assert_eq!(actions(&mut world), [""; 0], "{releases}");
        world.apply(&once(image(releases + 1)));
        assert_eq!(actions(&mut world), ["ecs:RegisterTaskDefinition"], "{releases}");
    }
}

#[test]
fn content_whose_revision_is_gone_is_registered_again() {
    let mut world = settled(&staging(), &kinds(), drops_what_is_empty);
    world.apply(&kinds().image(V2));
    world.settle();
    for family in ["shop_acme_web", "shop_acme_nightly", "shop_acme_console"] {
        world.aws.by_hand().deregister(family, 1);
    }
    world.apply(&kinds().image(V1));
    let written = actions(&mut world);
    // The worker's is still there.
    assert_eq!(count(&written, "ecs:RegisterTaskDefinition"), 3, "{written:?}");
    world.assert_ready();
    assert_writes_nothing(&mut world);
}

#[test]
fn a_copy_that_a_hand_made_of_a_revision_is_set_back() {
    let echoes: [fn(&mut TaskDefinition); 3] = [
        |_| {},
        drops_what_is_empty,
        |content| content.architecture = content.architecture.or(Some(Architecture::X8664)),
    ];
    for echo in echoes {
        let mut world = settled(&staging(), &kinds(), echo);
        world
            .aws
            .by_hand()
            .deploy_copy("shop_acme_worker", |content| content.main.image = V2.into());
        world.restart();
        assert_eq!(actions(&mut world), ["ecs:UpdateService"]);
        world.assert_ready();
        let last = world.aws.writes().last().unwrap().about.clone();
        assert_eq!(last, "shop_acme_worker shop_acme_worker:1");
        assert_writes_nothing(&mut world);
    }
}

#[test]
fn a_failed_release_is_not_tried_again_because_it_reads_otherwise() {
    let deploy = json!({ "circuitBreaker": { "rollback": false } });
    let one = app("acme").process("worker", worker().env("EMPTY", "").deploy(deploy));
    let mut world = settled(&staging(), &one, drops_what_is_empty);
    world.aws.by_hand().break_tasks(V2);
    world.apply(&one.image(V2));
    world.settle();
    for _ in 0..3 {
        world.restart();
        assert_eq!(actions(&mut world), Vec::<&str>::new());
        assert!(world.reason("shop/acme").starts_with("RolloutFailed"));
    }
}

#[test]
fn security_groups_that_were_not_given_are_not_compared() {
    let platform = staging().awsvpc("sg-1").without_task_security_groups();
    let mut world = settled(&platform, &kinds(), |_| {});
    assert_writes_nothing(&mut world);
    world.apply(&acme());
    world.settle();
    assert_writes_nothing(&mut world);
}

/// With all that an update may set of a service.
fn detailed() -> AppFixture {
    let placement = json!({
        "constraints": [{ "type": "memberOf", "expression": "attribute:ecs.os-type == linux" }],
        "strategy": [{ "type": "binpack", "field": "memory" }],
    });
    app("acme")
        .process("web", web().external().quantity(2))
        .process("worker", worker().quantity(2).placement(placement).exec(true))
        .task_role("arn:aws:iam::123456789012:role/shop/acme")
}

const SERVICE_ECHOES: [fn(&mut ServiceState); 8] = [
    |service| {
        for strategy in service.placement.iter_mut().flatten() {
            strategy.field = strategy.field.to_uppercase();
        }
    },
    |service| {
        let added = PlacementConstraint {
            kind: "distinctInstance".into(),
            expression: String::new(),
        };
        service.constraints.get_or_insert_default().push(added);
    },
    |service| {
        service.circuit_breaker = Some(CircuitBreaker {
            enable: true,
            rollback: false,
        });
    },
    |service| service.exec = service.exec.map(|on| !on),
    |service| service.zone_rebalancing = service.zone_rebalancing.map(|enabled| !enabled),
    |service| service.grace_period = service.grace_period.map(|seconds| seconds + 1),
    |service| {
        if let Some(network) = &mut service.network {
            network.subnets = network.subnets.iter().map(|s| s.to_uppercase()).collect();
            network.assign_public_ip = true;
        }
    },
    |service| {
        for CapacityProvider { base, .. } in service.capacity_providers.iter_mut().flatten() {
            *base += 1;
        }
    },
];

fn service_platforms() -> [PlatformFixture; 3] {
    [
        staging().exec(),
        staging().exec().awsvpc("sg-1"),
        staging().exec().capacity_providers(&[("blue", 1), ("green", 2)]),
    ]
}

#[test]
fn no_echo_of_a_service_is_written_for() {
    for platform in service_platforms() {
        for echo in SERVICE_ECHOES {
            let mut world = World::new(&platform);
            world.aws.echo(Echo::Service(echo));
            world.apply(&detailed());
            let written = actions(&mut world);
            assert_eq!(count(&written, "ecs:UpdateService"), 0, "{written:?}");
            world.assert_ready();
            assert_writes_nothing(&mut world);
        }
    }
}

#[test]
fn what_only_a_description_shows_of_a_service_is_sent_twice_and_never_again() {
    for platform in service_platforms() {
        for echo in SERVICE_ECHOES {
            let mut world = World::new(&platform);
            world.aws.echo(Echo::Described(echo));
            world.apply(&detailed());
            let mut written = actions(&mut world);
            written.extend(actions(&mut world));
            assert!(count(&written, "ecs:UpdateService") <= 4, "{written:?}");
            world.assert_ready();
            assert_writes_nothing(&mut world);
        }
    }
}

#[test]
fn a_service_that_is_scaled_is_not_rolled_because_it_reads_otherwise() {
    for platform in service_platforms() {
        for echo in SERVICE_ECHOES {
            let mut world = World::new(&platform);
            world.aws.echo(Echo::Service(echo));
            world.apply(&detailed());
            world.settle();
            world.restart();
            let more = detailed().process("web", web().external().quantity(3));
            world.apply(&more);
            assert_eq!(actions(&mut world), ["ecs:UpdateService"]);
            let snapshot = format!("{:?}", world.status("shop/acme"));
            world.restart();
            world.settle();
            assert_eq!(format!("{:?}", world.status("shop/acme")), snapshot);
        }
    }
}

#[test]
fn what_a_hand_changed_is_set_back_although_it_reads_otherwise() {
    let upper: fn(&mut ServiceState) = |service| {
        if let Some(network) = &mut service.network {
            network.subnets = network.subnets.iter().map(|s| s.to_uppercase()).collect();
        }
    };
    let mut world = World::new(&staging().awsvpc("sg-1"));
    world.aws.echo(Echo::Service(upper));
    world.apply(&acme());
    world.settle();
    for _ in 0..3 {
        world.restart();
        world
            .aws
            .by_hand()
            .set_task_subnets("shop_acme_worker", &["subnet-theirs"]);
        assert_eq!(actions(&mut world), ["ecs:UpdateService"]);
        assert_writes_nothing(&mut world);
    }
}

#[test]
fn what_no_reply_shows_is_sent_twice_and_never_again() {
    let echoes = [
        Echo::TargetGroup(|group| {
            if let Probe::Http { path, .. } = &mut group.check.probe {
                *path = path.to_uppercase() + "/";
            }
        }),
        Echo::TargetGroup(|group| group.check.interval += 1),
        Echo::Attributes(|attributes| attributes.deregistration_delay += 1),
        Echo::Listener(|listener| listener.protocol = listener.protocol.to_lowercase()),
        Echo::Schedule(|schedule| schedule.time_zone = Some("Etc/UTC".into())),
        Echo::Schedule(|schedule| schedule.expression = Some("cron(0 03 * * ? *)".into())),
        Echo::Schedule(|schedule| schedule.is_usual = false),
        Echo::Tags(|tags| {
            let platforms = tags.remove("cost-center");
            tags.extend(platforms.map(|value| ("Cost-Center".into(), value)));
        }),
    ];
    for echo in echoes {
        let mut world = World::new(&staging().tag("cost-center", "42"));
        world.aws.echo(echo);
        world.apply(&kinds());
        world.settle();
        let made = world.aws.writes().len();
        world.run(100);
        let again = world.aws.writes().split_off(made);
        assert_eq!(again.len(), 0, "{again:?}");
        world.assert_ready();
        assert_writes_nothing(&mut world);
        let all = world.aws.writes();
        let repairs = ["ModifyTargetGroup", "ModifyListener", "UpdateSchedule", "AddTags"];
        let repairs = all
            .iter()
            .filter(|w| repairs.iter().any(|r| w.action.contains(r)));
        assert!(repairs.count() <= 4, "{all:?}");
        // Ready says what it is that reads otherwise.
        let conditions = world.status("shop/acme").conditions;
        assert!(
            conditions[0].message.contains("AWS reports otherwise"),
            "{conditions:?}"
        );
        // And an edit goes through.
        world.apply(&kinds().image(V2));
        let written = actions(&mut world);
        assert_eq!(count(&written, "ecs:RegisterTaskDefinition"), 4);
        assert_writes_nothing(&mut world);
    }
}

#[test]
fn what_a_hand_sets_to_what_it_was_before_is_set_back() {
    // To what it was before the controller wrote it first.
    let mut world = World::new(&staging());
    world.apply(&acme());
    world.settle();
    let [group] = &world.aws.target_groups_of("shop/acme", "web")[..] else {
        panic!("not one target group");
    };
    for _ in 0..3 {
        world.aws.by_hand().set_delay(group, 300);
        let written = actions(&mut world);
        assert_eq!(written, ["elasticloadbalancing:ModifyTargetGroupAttributes"]);
    }
}
