//! The lines that people read, in Events, in logs and in `kubectl describe`.

use crate::change::{
    Change, ListenerWrite, LoadBalancerWrite, PortWrite, RecordBatch, Registration, Reply, ServiceWrite,
    Tagged, TagsWrite, TargetGroupWrite, Verb, fold,
};
use crate::model::container::{Condition, Container, ContainerCheck, Details, Environment, HostPort};
use crate::model::extras::{Extras, LogRouter, LogRouterKind, NamedPort, Restart, Transport};
use crate::model::load_balancer::{
    Listener, ListenerAction, ListenerProtocol, LoadBalancerAttributes, Scheme, TargetGroup,
};
use crate::model::members::{ContainerMembers, Device, Flag, List, Namespace, TaskMembers, Ulimit};
use crate::model::owner::Tags;
use crate::model::record::{RecordChange, RecordContent, RecordKind, RecordSet, RecordStyle};
use crate::model::service::{
    Architecture, Attachment, CapacityProvider, CircuitBreaker, DeploymentConfiguration, PlacementConstraint,
    PlacementStrategy, ServiceUpdate, TaskDefinition, TaskNetwork,
};
use crate::model::volume::{DockerVolume, FileSystem, Mount, Volume};
use crate::plan::fixtures::{
    INTERNAL, app, balancer, claim, owner, ownership, pointer, process, settled, txt,
};

fn check(change: &Change, process: Option<&str>, verb: Verb, text: &str) {
    assert_eq!(change.to_string(), text);
    assert_eq!((change.process(), change.verb()), (process, verb), "{text}");
}

fn content() -> TaskDefinition {
    let wanted = app([process("web").internal()]).processes.remove("web").unwrap();
    TaskDefinition {
        main: Container {
            cpu: 1024,
            memory: 2048,
            environment: Environment(
                [("A".into(), "secret-1".into()), ("B".into(), "secret-2".into())].into(),
            ),
            ..wanted.task_definition.main
        },
        ..wanted.task_definition
    }
}

fn attachment(group: &str, port: u16) -> Attachment<String> {
    Attachment {
        target_group: group.into(),
        container: "web".into(),
        container_port: port,
    }
}

fn update(update: ServiceUpdate) -> Change {
    Change::of(
        "web",
        ServiceWrite::Update {
            service: "s-1".into(),
            update,
            task_definition: None,
            attachments: None,
            rollout: None,
        },
    )
}

#[test]
fn a_task_definition_says_what_most_do_without() {
    let content = TaskDefinition {
        task_role_arn: Some("arn:aws:iam::123456789012:role/apps/acme".into()),
        main: Container {
            secrets: [(
                "DATABASE_URL".into(),
                "arn:aws:ssm:us-east-1:123456789012:parameter/x".into(),
            )]
            .into(),
            process_limit: Some(512),
            stop_timeout: Some(45),
            read_only_root_filesystem: true,
            ports: Vec::new(),
            ..content().main
        },
        ..content()
    };
    let change = Change::of(
        "web",
        Registration {
            content,
            tags: Tags::new(),
        },
    );
    assert_eq!(
        change.to_string(),
        "register task definition shop_acme_web with web:v1 (1024 CPU units, 2048 MiB, 2 variables, \
         1 secret, role arn:aws:iam::123456789012:role/apps/acme, nproc 512, stop timeout 45 s, read-only root filesystem)"
    );
}

fn extras() -> Extras {
    let port = NamedPort {
        container_port: 8_125,
        transport: Transport::Udp,
    };
    Extras {
        open_files: Some(1_024),
        start_timeout: Some(60),
        restart: Some(Restart {
            attempt_period: 300,
            ignored_exit_codes: vec![0],
        }),
        memory_reservation: Some(32),
        shared_memory: Some(64),
        gpus: Some(2),
        environment_files: vec!["arn:aws:s3:::config/a.env".into()],
        system_controls: [("net.core.somaxconn".into(), "1024".into())].into(),
        extra_hosts: [("db".into(), "10.0.0.7".into())].into(),
        ports: [("statsd".into(), port)].into(),
        log_router: Some(LogRouter {
            kind: LogRouterKind::Fluentbit,
            options: [("config-file-type".into(), "file".into())].into(),
        }),
        members: None,
    }
}

/// A plan shows all that is sent, but what may be a secret of a driver's.
#[test]
fn a_task_definition_says_what_only_overrides_say() {
    let mut members = ContainerMembers {
        flags: [Flag::Privileged, Flag::VersionInconsistency].into(),
        hostname: Some("web-1".into()),
        devices: [("/dev/fuse".into(), Device::default())].into(),
        max_swap: Some(0),
        ulimits: [("memlock".into(), Ulimit { soft: -1, hard: -1 })].into(),
        ..ContainerMembers::none()
    };
    members.set_list(
        List::AddedCapabilities,
        vec!["NET_ADMIN".into(), "NET_RAW".into()],
    );
    let details = Details {
        extras: Extras {
            members: members.kept(),
            ..Extras::default()
        },
        ..Details::default()
    };
    let task = TaskMembers {
        pid_mode: Some(Namespace::Host),
        ..TaskMembers::none()
    };
    let docker = |shared| {
        Volume::Docker(Box::new(DockerVolume {
            shared,
            options: ["device", "password", "type"]
                .map(|name| (name.into(), format!("{name}-4")))
                .into(),
            labels: [("a".into(), "b".into())].into(),
            ..DockerVolume::default()
        }))
    };
    let content = TaskDefinition {
        volumes: [
            ("a".into(), Volume::Host("/srv".into())),
            ("b".into(), docker(true)),
            ("c".into(), docker(false)),
        ]
        .into(),
        members: task.kept(),
        main: Container {
            ports: Vec::new(),
            details: details.kept(),
            ..content().main
        },
        ..content()
    };
    let registration = |content: TaskDefinition| {
        let tags = Tags::new();
        Change::of("web", Registration { content, tags })
    };
    let change = registration(content.clone()).to_string();
    let members = ", volume a of the instance's /srv, volume b of Docker's driver local device=device-4 password type=type-4, shared, 1 label, \
                   volume c of Docker's driver local device=device-4 password type=type-4, 1 label, \
                   pidMode=host, privileged=true, versionConsistency=disabled, \
                   linuxParameters.capabilities.add=NET_ADMIN NET_RAW, hostname=web-1, linuxParameters.devices=/dev/fuse, \
                   linuxParameters.maxSwap=0, ulimits=memlock -1 -1)";
    assert!(change.ends_with(members), "{change}");
    let needs = registration(content.clone()).added_policy();
    assert!(needs.is_some_and(|needs| needs.contains("deploy/iam/privileged.json")));
    let mut sidecar = content;
    sidecar.sidecars.push(std::mem::take(&mut sidecar.main));
    assert_eq!(registration(sidecar).added_policy(), needs);
    assert_eq!(registration(self::content()).added_policy(), None);
}

fn mount(volume: &str, read_only: bool) -> Mount {
    Mount {
        volume: volume.into(),
        read_only,
    }
}

#[test]
fn a_task_definition_says_what_its_containers_have() {
    let details = Details {
        health_check: Some(ContainerCheck {
            command: vec!["CMD".into(), "true".into()],
            interval: 10,
            timeout: 5,
            retries: 3,
            start_period: 20,
        }),
        user: Some("1000".into()),
        working_directory: Some("/srv".into()),
        init: true,
        tmpfs: [("/tmp".into(), 64)].into(),
        depends_on: [("proxy".into(), Condition::Start)].into(),
        mounts: [
            ("/data".into(), mount("data", false)),
            ("/logs".into(), mount("logs", true)),
        ]
        .into(),
        ..Details::default()
    };
    let file_system = FileSystem {
        id: "fs-1".into(),
        directory: Some("/acme".into()),
        access_point: Some("fsap-2".into()),
        iam: true,
    };
    let beside = Details {
        optional: true,
        entry_point: vec!["sh".into()],
        health_check: Some(ContainerCheck {
            command: vec!["CMD-SHELL".into(), "true".into()],
            interval: 30,
            timeout: 4,
            retries: 2,
            start_period: 0,
        }),
        labels: [("team".into(), "shop".into())].into(),
        repository_credentials: Some("arn".into()),
        extras: extras(),
        ..Details::default()
    };
    let content = TaskDefinition {
        ephemeral_storage: Some(50),
        architecture: Some(Architecture::Arm64),
        volumes: [
            ("data".into(), Volume::FileSystem(file_system)),
            ("logs".into(), Volume::Scratch),
        ]
        .into(),
        main: Container {
            ports: Vec::new(),
            details: details.kept(),
            ..content().main
        },
        sidecars: vec![Container {
            name: "proxy".into(),
            image: "proxy:v1".into(),
            environment: Environment([("A".into(), "secret-3".into())].into()),
            stop_timeout: Some(20),
            read_only_root_filesystem: true,
            details: beside.kept(),
            ..Container::default()
        }],
        ..content()
    };
    let change = Change::of(
        "web",
        Registration {
            content,
            tags: Tags::new(),
        },
    );
    assert_eq!(
        change.to_string(),
        "register task definition shop_acme_web with web:v1 (1024 CPU units, 2048 MiB, 2 variables, ephemeral storage 50 GiB, arm64, \
         volume data of fs-1 /acme by fsap-2 with the task's role, volume logs, \
         health check every 10 s, timeout 5 s, 3 unhealthy, start period 20 s, user 1000, working directory /srv, init, tmpfs /tmp 64 MiB, \
         data at /data, logs at /logs read-only, after proxy START), sidecar proxy \
         proxy:v1 (0 CPU units, memory of the task, 1 variable, stop timeout 20 s, read-only root filesystem, not essential, \
         entry point, health check every 30 s, timeout 4 s, 2 unhealthy, 1 label, repository credentials, nofile 1024, start timeout 60 s, \
         restarted if it ran for 300 s, not after exit code 0, memory reservation 32 MiB, shared memory 64 MiB, 2 GPUs, \
         variables of arn:aws:s3:::config/a.env, net.core.somaxconn=1024, host db 10.0.0.7, port statsd 8125/udp, log router fluentbit, config-file-type file)"
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of all there are")]
fn every_change_says_what_it_writes() {
    let wanted = app([process("web").external()]).processes.remove("web").unwrap();
    let mut balancing = wanted.load_balancing.clone().unwrap();
    balancing.load_balancer.name = "l-1".into();
    let mut group = balancing.ports.remove(0).target_group;
    group.name = "g-2".into();
    balancing.listeners[0].action = ListenerAction::Forward("g-2".into());
    let listener = balancing.listeners.remove(0);
    let encrypted = Listener {
        port: 443,
        protocol: ListenerProtocol::Https,
        certificates: vec!["c-1".into(), "c-2".into()],
        ..listener.clone()
    };
    let redirect = Listener {
        action: ListenerAction::RedirectToHttps,
        ..listener.clone()
    };
    let mut grpc = app([process("web").internal().tcp(5000)]);
    let grpc = grpc.processes.remove("web").unwrap().load_balancing.unwrap();
    let tcp = TargetGroup {
        name: "g-3".into(),
        ..grpc.ports[0].target_group.clone()
    };
    assert_eq!(balancing.load_balancer.scheme, Scheme::InternetFacing);
    let attributes = group.attributes.clone();
    let health = group.check.clone();
    let tags = Tags::from([("k".into(), "v".into()), ("team".into(), "shop".into())]);
    let (created, updated, deleted) = (Verb::Created, Verb::Updated, Verb::Deleted);
    for (change, verb, text) in vec![
        (
            PortWrite::Claim(claim(9001, &owner(), "web", 8080)).into(),
            created,
            "claim host port 9001 for container port 8080",
        ),
        (
            PortWrite::Release(claim(9001, &owner(), "web", 8080)).into(),
            deleted,
            "release host port 9001 of container port 8080",
        ),
        (
            Change::of(
                "web",
                LoadBalancerWrite::Create {
                    load_balancer: balancing.load_balancer,
                },
            ),
            created,
            "create internet-facing application load balancer l-1",
        ),
        (
            Change::of(
                "web",
                LoadBalancerWrite::SetSubnets {
                    load_balancer: "l-1".into(),
                    subnets: vec!["a".into(), "b".into()],
                },
            ),
            updated,
            "set subnets of load balancer l-1 to a, b",
        ),
        (
            Change::of(
                "web",
                LoadBalancerWrite::SetSecurityGroups {
                    load_balancer: "l-1".into(),
                    security_groups: vec!["x".into(), "y".into()],
                },
            ),
            updated,
            "set security groups of load balancer l-1 to x, y",
        ),
        (
            Change::of(
                "web",
                LoadBalancerWrite::Delete {
                    load_balancer: "l-1".into(),
                },
            ),
            deleted,
            "delete load balancer l-1",
        ),
        (
            Change::of("web", TargetGroupWrite::Create { target_group: group }),
            created,
            "create target group g-2 checking /web",
        ),
        (
            Change::of(
                "web",
                TargetGroupWrite::Modify {
                    target_group: "g-2".into(),
                    check: health,
                },
            ),
            updated,
            "set health check of target group g-2 to /web every 10 s, timeout 5 s, 2 healthy, 3 unhealthy",
        ),
        (
            Change::of(
                "web",
                TargetGroupWrite::ModifyAttributes {
                    target_group: "g-2".into(),
                    attributes,
                },
            ),
            updated,
            "set deregistration delay of target group g-2 to 30 s",
        ),
        (
            Change::of(
                "web",
                TargetGroupWrite::Delete {
                    target_group: "g-2".into(),
                },
            ),
            deleted,
            "delete target group g-2",
        ),
        (
            Change::of(
                "web",
                ListenerWrite::Create {
                    load_balancer: "l-1".into(),
                    listener: listener.clone(),
                },
            ),
            created,
            "create listener HTTP 80 of load balancer l-1 to g-2",
        ),
        (
            Change::of(
                "web",
                ListenerWrite::Modify {
                    load_balancer: "l-1".into(),
                    listener,
                },
            ),
            updated,
            "point listener HTTP 80 of load balancer l-1 at g-2",
        ),
        (
            Change::of(
                "web",
                ListenerWrite::Create {
                    load_balancer: "l-1".into(),
                    listener: encrypted.clone(),
                },
            ),
            created,
            "create listener HTTPS 443 of load balancer l-1 to g-2 with certificate c-1",
        ),
        (
            Change::of(
                "web",
                ListenerWrite::Modify {
                    load_balancer: "l-1".into(),
                    listener: encrypted,
                },
            ),
            updated,
            "point listener HTTPS 443 of load balancer l-1 at g-2 with certificate c-1",
        ),
        (
            Change::of(
                "web",
                ListenerWrite::Create {
                    load_balancer: "l-1".into(),
                    listener: redirect.clone(),
                },
            ),
            created,
            "create listener HTTP 80 of load balancer l-1 as a redirect to HTTPS",
        ),
        (
            Change::of(
                "web",
                ListenerWrite::Modify {
                    load_balancer: "l-1".into(),
                    listener: redirect,
                },
            ),
            updated,
            "turn listener HTTP 80 of load balancer l-1 into a redirect to HTTPS",
        ),
        (
            Change::of(
                "web",
                ListenerWrite::Delete {
                    load_balancer: "l-1".into(),
                    port: 443,
                },
            ),
            deleted,
            "delete listener 443 of load balancer l-1",
        ),
        (
            Change::of(
                "web",
                ListenerWrite::AddCertificate {
                    load_balancer: "l-1".into(),
                    port: 443,
                    certificate: "c-2".into(),
                },
            ),
            updated,
            "add certificate c-2 to listener 443 of load balancer l-1",
        ),
        (
            Change::of(
                "web",
                ListenerWrite::RemoveCertificate {
                    load_balancer: "l-1".into(),
                    port: 443,
                    certificate: "c-2".into(),
                },
            ),
            updated,
            "remove certificate c-2 from listener 443 of load balancer l-1",
        ),
        (
            Change::of(
                "web",
                LoadBalancerWrite::ModifyAttributes {
                    load_balancer: "l-1".into(),
                    attributes: LoadBalancerAttributes { idle_timeout: 90 },
                },
            ),
            updated,
            "set idle timeout of load balancer l-1 to 90 s",
        ),
        (
            Change::of(
                "web",
                TargetGroupWrite::Create {
                    target_group: tcp.clone(),
                },
            ),
            created,
            "create target group g-3 checking that the port answers",
        ),
        (
            Change::of(
                "web",
                TargetGroupWrite::ModifyAttributes {
                    target_group: "g-3".into(),
                    attributes: tcp.attributes,
                },
            ),
            updated,
            "set deregistration delay of target group g-3 to 30 s, client addresses not kept, across zones on",
        ),
        (
            Change::of(
                "web",
                Registration {
                    content: content(),
                    tags: Tags::new(),
                },
            ),
            created,
            "register task definition shop_acme_web with web:v1 (1024 CPU units, 2048 MiB, port 8080, 2 variables)",
        ),
        (
            Change::of(
                "web",
                ServiceWrite::Create {
                    service: wanted.service().unwrap().clone(),
                    task_definition: content(),
                    attachments: vec![attachment("g-2", 8080)],
                    rollout: "h".into(),
                },
            ),
            created,
            "create service shop_acme_web with 2 tasks behind g-2:8080",
        ),
        (
            Change::of(
                "web",
                ServiceWrite::Delete {
                    service: "s-1".into(),
                },
            ),
            deleted,
            "delete service s-1",
        ),
        (
            Change::of(
                "web",
                ServiceWrite::Tag {
                    service: "s-1".into(),
                    tags,
                },
            ),
            updated,
            "tag service s-1 with k=v, team=shop",
        ),
        (
            Change::of(
                "web",
                ServiceWrite::Untag {
                    service: "s-1".into(),
                },
            ),
            updated,
            "untag service s-1 (Retain)",
        ),
    ] {
        check(&change, Some("web"), verb, text);
    }
}

#[test]
fn a_change_for_several_processes_belongs_to_none() {
    check(
        &TagsWrite::Add {
            resources: vec![
                Tagged::LoadBalancer("l-1".into()),
                Tagged::Listener {
                    load_balancer: "l-1".into(),
                    port: 443,
                },
                Tagged::TargetGroup("g-2".into()),
            ],
            tags: Tags::from([("k".into(), "v".into())]),
        }
        .into(),
        None,
        Verb::Updated,
        "tag l-1, listener 443 of l-1, g-2 with k=v",
    );
    check(
        &TagsWrite::Remove {
            resources: vec![
                Tagged::LoadBalancer("l-1".into()),
                Tagged::TargetGroup("g-2".into()),
            ],
        }
        .into(),
        None,
        Verb::Updated,
        "untag l-1, g-2 (Retain)",
    );
}

#[test]
fn a_batch_of_records_creates_deletes_or_does_both() {
    let record = || ownership("a.example.com", &owner(), "web");
    let (created, deleted) = (RecordChange::Create(record()), RecordChange::Delete(record()));
    let batch = |changes| -> Change {
        RecordBatch {
            zone: "Z1".into(),
            changes,
        }
        .into()
    };
    let (creation, deletion) = ("+_empire.a.example.com TXT", "-_empire.a.example.com TXT");
    let both = vec![deleted.clone(), created.clone()];
    for (changes, verb, text) in [
        (vec![created], Verb::Created, creation.to_owned()),
        (vec![deleted], Verb::Deleted, deletion.to_owned()),
        (both, Verb::Updated, format!("{deletion}, {creation}")),
    ] {
        let text = format!("change records in zone Z1: {text}");
        check(&batch(changes), None, verb, &text);
    }
}

fn everything() -> ServiceUpdate {
    ServiceUpdate {
        again: true,
        rolling: true,
        exec: Some(true),
        desired_count: Some(3),
        deployment: Some(DeploymentConfiguration {
            minimum_healthy_percent: 50,
            maximum_percent: 150,
            circuit_breaker: CircuitBreaker {
                enable: true,
                rollback: false,
            },
        }),
        zone_rebalancing: Some(false),
        placement: Some(vec![
            PlacementStrategy::spread("host"),
            PlacementStrategy::spread("zone"),
        ]),
        constraints: Some(vec![
            PlacementConstraint {
                kind: "distinctInstance".into(),
                expression: String::new(),
            },
            PlacementConstraint {
                kind: "memberOf".into(),
                expression: "attribute:gpu == yes".into(),
            },
        ]),
        grace_period: Some(90),
        network: Some(TaskNetwork {
            subnets: ["subnet-1".to_owned()].into(),
            security_groups: ["sg-1".to_owned()].into(),
            assign_public_ip: true,
        }),
        capacity_providers: Some(vec![CapacityProvider {
            name: "spot".into(),
            weight: 3,
            base: 1,
        }]),
        redeploy: Some("again".into()),
        secrets: Some("digest".into()),
    }
}

#[test]
fn an_update_lists_just_what_it_changes() {
    let all = everything();
    let none = ServiceUpdate::default;
    for (change, text) in [
        (
            update(ServiceUpdate {
                desired_count: Some(0),
                ..none()
            }),
            "update service s-1: 0 tasks",
        ),
        (
            update(ServiceUpdate {
                zone_rebalancing: Some(true),
                ..none()
            }),
            "update service s-1: zone rebalancing on",
        ),
        (
            update(ServiceUpdate {
                placement: Some(Vec::new()),
                ..none()
            }),
            "update service s-1: placement []",
        ),
        (
            update(all.clone()),
            "update service s-1: 3 tasks, rolling deployments, 50/150 percent, circuit breaker without rollback, zone rebalancing off, \
             placement [spread host, spread zone], \
             placement constraints [distinctInstance, memberOf attribute:gpu == yes], grace period 90 s, task network with security groups [sg-1], \
             ECS Exec on, for tasks that start from now on, \
             capacity providers [spot weight 3 base 1], every task again for redeploy again, \
             every task again, as a secret of theirs has changed, every task again, as the last rollout failed",
        ),
        (
            Change::of(
                "web",
                ServiceWrite::Update {
                    service: "s-1".into(),
                    update: all,
                    task_definition: Some(TaskDefinition {
                        main: Container {
                            ports: Vec::new(),
                            ..content().main
                        },
                        ..content()
                    }),
                    attachments: Some(vec![attachment("g-1", 1), attachment("g-2", 2)]),
                    rollout: Some("h".into()),
                },
            ),
            "update service s-1: web:v1 (1024 CPU units, 2048 MiB, 2 variables), 3 tasks, rolling deployments, 50/150 percent, circuit breaker without rollback, \
             zone rebalancing off, placement [spread host, spread zone], \
             placement constraints [distinctInstance, memberOf attribute:gpu == yes], grace period 90 s, task network with security groups [sg-1], \
             ECS Exec on, for tasks that start from now on, \
             capacity providers [spot weight 3 base 1], every task again for redeploy again, \
             every task again, as a secret of theirs has changed, every task again, as the last rollout failed, \
             target groups [g-1, g-2]",
        ),
    ] {
        check(&change, Some("web"), Verb::Updated, text);
    }
}

#[test]
fn a_fixed_host_port_is_shown_and_any_other_is_not() {
    for (host_port, shown) in [
        (HostPort::Fixed(9001), "port 8080 on host port 9001"),
        (HostPort::Dynamic, "port 8080"),
        (HostPort::SameAsContainer, "port 8080"),
    ] {
        let mut content = content();
        content.main.ports[0].host_port = host_port;
        let change = Change::of(
            "web",
            Registration {
                content,
                tags: Tags::new(),
            },
        );
        assert_eq!(
            change.to_string(),
            format!(
                "register task definition shop_acme_web with web:v1 (1024 CPU units, 2048 MiB, {shown}, 2 variables)"
            )
        );
    }
}

#[test]
fn records_are_shown_as_what_they_point_at() {
    let name = "a.example.com";
    let other = RecordSet {
        name: name.into(),
        kind: RecordKind::Other("AAAA".into()),
        content: RecordContent::Routed { target: None },
    };
    let changes = vec![
        RecordChange::Delete(pointer(name, RecordStyle::Cname { ttl: 30 }, "l-1")),
        RecordChange::Create(pointer(name, RecordStyle::Alias, "l-2")),
        RecordChange::Delete(other),
        RecordChange::Create(txt("_empire.a.example.com", "text")),
    ];
    assert_eq!(
        RecordBatch {
            zone: "Z1".into(),
            changes,
        }
        .to_string(),
        "change records in zone Z1: -a.example.com CNAME l-1.ELB.example. (TTL 30 s), \
         +a.example.com A alias of l-2.elb.example, -a.example.com AAAA with a routing policy, \
         +_empire.a.example.com TXT"
    );
}

#[test]
fn no_value_of_a_variable_reaches_display_or_debug() {
    for change in [
        Change::of(
            "web",
            Registration {
                content: content(),
                tags: Tags::new(),
            },
        ),
        Change::of(
            "web",
            ServiceWrite::Update {
                service: "s-1".into(),
                update: ServiceUpdate::default(),
                task_definition: Some(content()),
                attachments: None,
                rollout: None,
            },
        ),
        Change::of(
            "web",
            ServiceWrite::Create {
                service: app([process("web")]).processes["web"].service().unwrap().clone(),
                task_definition: content(),
                attachments: Vec::new(),
                rollout: String::new(),
            },
        ),
    ] {
        for text in [change.to_string(), format!("{change:?}"), format!("{change:#?}")] {
            assert!(!text.contains("secret-"), "{text}");
        }
    }
}

#[test]
fn a_load_balancer_that_loses_a_name_has_waited_for_nothing_yet() {
    let mut observed = settled(&app([process("web").internal()]));
    let name = balancer("web", Scheme::Internal);
    observed.waits_over.insert(name.clone());
    let record = pointer("acme-web.corp.example", RecordStyle::Cname { ttl: 90 }, &name);
    let batch = RecordBatch {
        zone: INTERNAL.into(),
        changes: vec![RecordChange::Delete(record)],
    };
    fold(&mut observed, &batch.into(), Reply::Done);
    assert!(observed.waits_over.is_empty());
    assert_eq!(observed.replaced_ttl.get(&name), Some(&90));
}
