//! The hashes of rollouts that are in the status of Apps.

use super::of_rollout;
use crate::model::container::{Container, Details, HostPort, Logging, PortMapping};
use crate::model::members::TaskMembers;
use crate::model::service::{Architecture, LaunchType, NetworkMode, TaskDefinition};
use crate::model::volume::Volume;
use crate::plan::ecs::attach::attachments;
use crate::plan::fixtures::{app, process};

fn hash(edit: impl FnOnce(&mut TaskDefinition)) -> String {
    let desired = app([process("web").internal()]);
    let mut wanted = desired.processes["web"].clone();
    edit(&mut wanted.task_definition);
    let attachments = attachments("web", wanted.load_balancing.as_ref());
    let service = wanted.service().unwrap();
    of_rollout(
        &wanted,
        service,
        (None, None),
        Some(&wanted.task_definition),
        &attachments,
    )
}

/// All that a task definition could say before a task had sidecars.
fn say_all(content: &mut TaskDefinition) {
    content.network_mode = NetworkMode::Awsvpc;
    content.launch_type = LaunchType::Fargate;
    content.execution_role_arn = Some("arn:aws:iam::123456789012:role/execution".into());
    content.task_role_arn = Some("arn:aws:iam::123456789012:role/task".into());
    let main = &mut content.main;
    main.command.push("a \"b\" ü\n".into());
    main.environment.0.insert("EMPTY".into(), String::new());
    let parameter = "arn:aws:ssm:us-east-1:123456789012:parameter/token";
    main.secrets.insert("SECRET".into(), parameter.into());
    main.process_limit = Some(64);
    main.stop_timeout = Some(30);
    main.read_only_root_filesystem = true;
    main.ports[0].host_port = HostPort::Fixed(9_001);
    main.ports.push(PortMapping {
        container_port: 9_090,
        host_port: HostPort::SameAsContainer,
    });
    main.logging = Some(Logging {
        driver: "awslogs".into(),
        options: [("awslogs-group".into(), "acme".into())].into(),
        secret_options: [("token".into(), parameter.into())].into(),
    });
}

/// Recorded from the release before sidecars. With others, an upgrade would roll out once more what has failed.
#[test]
fn is_the_same_as_in_the_release_before() {
    assert_eq!(hash(|_| {}), "s21kd0e9pdrpgj02");
    assert_eq!(hash(say_all), "q9u3jrao7qaqrk98");
}

#[test]
fn differs_with_all_that_came_later() {
    let edits: [fn(&mut TaskDefinition); 13] = [
        |_| {},
        |c| c.ephemeral_storage = Some(21),
        |c| c.ephemeral_storage = Some(22),
        |c| c.architecture = Some(Architecture::Arm64),
        |c| c.architecture = Some(Architecture::X8664),
        |c| c.volumes = [("data".into(), Volume::Scratch)].into(),
        |c| c.members = task("a"),
        |c| c.members = task("b"),
        |c| c.main.details = details("1000").kept(),
        |c| c.main.details = details("1001").kept(),
        |c| c.sidecars.push(Container::default()),
        |c| c.sidecars.push(beside("1")),
        // A value of a variable, which `Debug` leaves out.
        |c| c.sidecars.push(beside("2")),
    ];
    let mut hashes: Vec<String> = edits.into_iter().map(hash).collect();
    let all = hashes.len();
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), all);
}

fn details(user: &str) -> Details {
    Details {
        user: Some(user.into()),
        ..Details::default()
    }
}

fn task(constraint: &str) -> Option<Box<TaskMembers>> {
    let members = TaskMembers {
        placement_constraints: vec![constraint.into()],
        ..TaskMembers::none()
    };
    members.kept()
}

fn beside(value: &str) -> Container {
    let mut container = Container::default();
    container.environment.0.insert("A".into(), value.into());
    container
}
