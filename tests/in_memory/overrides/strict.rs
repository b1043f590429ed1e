//! The in-memory AWS takes no member that ECS does not.

use empire_controller::aws::EcsWrites;
use empire_controller::model::container::{Container, Details};
use empire_controller::model::extras::Extras;
use empire_controller::model::members::{
    ContainerMembers, Device, Flag, List, Namespace, TaskMembers, Ulimit,
};
use empire_controller::model::service::{LaunchType, NetworkMode, TaskDefinition};
use empire_controller::model::volume::{DockerVolume, Volume};

use crate::strictness::{aws, now, refused, web as wanted_web};

fn of(members: ContainerMembers) -> TaskDefinition {
    let details = Details {
        extras: Extras {
            members: members.kept(),
            ..Extras::default()
        },
        ..Details::default()
    };
    TaskDefinition {
        main: Container {
            details: details.kept(),
            ..wanted_web().task_definition.main
        },
        ..wanted_web().task_definition
    }
}

fn task(members: TaskMembers) -> TaskDefinition {
    TaskDefinition {
        members: members.kept(),
        ..wanted_web().task_definition
    }
}

fn on_fargate(mut content: TaskDefinition) -> TaskDefinition {
    content.launch_type = LaunchType::Fargate;
    content.network_mode = NetworkMode::Awsvpc;
    (content.main.cpu, content.main.memory) = (256, 512);
    content
}

fn list(list: List, text: &str) -> ContainerMembers {
    let mut members = ContainerMembers::none();
    members.set_list(list, vec![text.into()]);
    members
}

fn flag(flag: Flag) -> ContainerMembers {
    ContainerMembers {
        flags: [flag].into(),
        ..ContainerMembers::none()
    }
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html>
#[test]
fn the_in_memory_aws_takes_none_on_fargate_that_ecs_does_not() {
    let none = ContainerMembers::none;
    let device = || [("/dev/fuse".into(), Device::default())].into();
    for (members, what) in [
        (flag(Flag::Privileged), "privileged"),
        (flag(Flag::DisableNetworking), "disableNetworking"),
        (list(List::Links, "other"), "links"),
        (list(List::DnsServers, "10.0.0.2"), "dnsServers"),
        (list(List::DnsSearchDomains, "example.com"), "dnsSearchDomains"),
        (
            list(List::DockerSecurityOptions, "no-new-privileges"),
            "dockerSecurityOptions",
        ),
        (list(List::AddedCapabilities, "NET_ADMIN"), "capabilities"),
        (
            ContainerMembers {
                devices: device(),
                ..none()
            },
            "devices",
        ),
        (
            ContainerMembers {
                max_swap: Some(0),
                ..none()
            },
            "maxSwap",
        ),
        (
            ContainerMembers {
                swappiness: Some(0),
                ..none()
            },
            "swappiness",
        ),
        (
            ContainerMembers {
                ulimits: [("core".into(), Ulimit { soft: 0, hard: 0 })].into(),
                ..none()
            },
            "ulimits",
        ),
    ] {
        refuses(&on_fargate(of(members)), &format!("do not support {what}"));
    }
    let volumes = |volume: Volume| {
        let mut content = wanted_web().task_definition;
        content.volumes = [("data".into(), volume)].into();
        content
    };
    for (content, what) in [
        (volumes(Volume::Host("/srv".into())), "sourcePath"),
        (
            volumes(Volume::Docker(Box::default())),
            "dockerVolumeConfiguration",
        ),
        (
            task(TaskMembers {
                pid_mode: Some(Namespace::Host),
                ..TaskMembers::none()
            }),
            "pidMode",
        ),
        (
            task(TaskMembers {
                ipc_mode: Some(Namespace::Task),
                ..TaskMembers::none()
            }),
            "ipcMode",
        ),
        (
            task(TaskMembers {
                placement_constraints: vec!["a".into()],
                ..TaskMembers::none()
            }),
            "constraints",
        ),
    ] {
        refuses(&on_fargate(content), &format!("do not support {what}"));
    }
}

#[test]
fn the_in_memory_aws_takes_none_that_ecs_does_not() {
    let none = ContainerMembers::none;
    for (members, what) in [
        (list(List::Links, "other"), "Links are"),
        (list(List::DnsServers, "10.0.0.2"), "DNS servers are"),
        (list(List::DnsSearchDomains, "a"), "DNS search domains are"),
        (flag(Flag::DisableNetworking), "Disabled networking is"),
        (
            ContainerMembers {
                hostname: Some("a".into()),
                ..none()
            },
            "Hostname is",
        ),
    ] {
        let mut content = of(members);
        content.network_mode = NetworkMode::Awsvpc;
        let message = format!("{what} not supported on container when networkMode=awsvpc");
        refuses(&content, &message);
    }
    let faults = TaskMembers {
        fault_injection: true,
        ..TaskMembers::none()
    };
    refuses(&task(faults), "Fault injection is supported");
    let autoprovision = DockerVolume {
        autoprovision: Some(true),
        ..DockerVolume::default()
    };
    let mut docker = wanted_web().task_definition;
    docker.volumes = [("data".into(), Volume::Docker(Box::new(autoprovision)))].into();
    refuses(&docker, "Autoprovision");
    for (members, message) in [
        (list(List::Links, "other"), "no other container"),
        (list(List::Links, "web"), "no other container"),
        (
            ContainerMembers {
                volumes_from: [("gone".into(), false)].into(),
                ..none()
            },
            "no other container",
        ),
        (
            ContainerMembers {
                swappiness: Some(101),
                ..none()
            },
            "Swappiness",
        ),
        (
            ContainerMembers {
                tmpfs: [("/run".into(), vec!["ro".into()])].into(),
                ..none()
            },
            "A tmpfs needs a size",
        ),
        (
            ContainerMembers {
                ulimits: [("core".into(), Ulimit { soft: 2, hard: 1 })].into(),
                ..none()
            },
            "above its hard limit",
        ),
        (
            list(List::DockerSecurityOptions, &"x".repeat(65_536)),
            "Max allowed length is",
        ),
    ] {
        refuses(&of(members), message);
    }
    now(aws().register_task_definition(&of(flag(Flag::Privileged)), wanted_web().tags())).unwrap();
}

#[track_caller]
fn refuses(content: &TaskDefinition, message: &str) {
    let aws = aws();
    let registered = now(aws.register_task_definition(content, wanted_web().tags()));
    refused(registered, "ClientException", message);
}
