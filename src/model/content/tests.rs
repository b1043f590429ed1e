//! The digest says what a revision is, for good.

use super::*;
use crate::model::container::{Condition, Environment};
use crate::model::extras::{LogRouterKind, Transport};
use crate::model::members::{ContainerMembers, Device, Flag, List, Namespace, TaskMembers, Ulimit};
use crate::model::name::Arn;
use crate::model::owner::{AppName, Owner};
use crate::model::service::LaunchType;
use crate::model::service::NetworkMode;
use crate::model::state::TaskDefinitionState;

fn content() -> TaskDefinition {
    TaskDefinition {
        family: "shop_acme_web".into(),
        network_mode: NetworkMode::Bridge,
        launch_type: LaunchType::Ec2,
        execution_role_arn: None,
        task_role_arn: None,
        ephemeral_storage: None,
        architecture: None,
        volumes: SmallMap::new(),
        members: None,
        main: main(),
        sidecars: Vec::new(),
    }
}

fn main() -> Container {
    Container {
        name: "web".into(),
        image: "registry.example/acme:v42".into(),
        command: vec!["./bin/web".into()],
        cpu: 256,
        memory: 512,
        environment: Environment(SmallMap::from([
            ("EMPTY".into(), String::new()),
            ("RAILS_ENV".into(), "production".into()),
        ])),
        ports: vec![PortMapping {
            container_port: 8080,
            host_port: HostPort::Fixed(9001),
        }],
        ..Container::default()
    }
}

fn volume(content: &mut TaskDefinition, of: Option<(&str, &str, bool)>) {
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let volume = of.map_or(Volume::Scratch, |(directory, access_point, iam)| {
        Volume::FileSystem(FileSystem {
            id: "fs-1".into(),
            directory: text(directory),
            access_point: text(access_point),
            iam,
        })
    });
    content.volumes = [("data".into(), volume)].into();
}

fn mount(content: &mut TaskDefinition, path: &str, read_only: bool) {
    let mount = Mount {
        volume: "data".into(),
        read_only,
    };
    let details = Details {
        mounts: [(path.to_owned(), mount)].into(),
        ..Details::default()
    };
    content.main.details = details.kept();
}

fn details(content: &mut TaskDefinition, edit: fn(&mut Details)) {
    let mut details = Details::default();
    edit(&mut details);
    content.main.details = details.kept();
}

fn check() -> ContainerCheck {
    ContainerCheck {
        command: vec!["CMD".into(), "true".into()],
        interval: 30,
        timeout: 5,
        retries: 3,
        start_period: 0,
    }
}

fn slow() -> ContainerCheck {
    ContainerCheck {
        start_period: 1,
        ..check()
    }
}

fn healthy() -> SmallMap<String, Condition> {
    [("proxy".into(), Condition::Healthy)].into()
}

fn restart(attempt_period: u32, ignored: &[u32]) -> Restart {
    Restart {
        attempt_period,
        ignored_exit_codes: ignored.to_vec(),
    }
}

fn router(kind: LogRouterKind, file: Option<&str>) -> LogRouter {
    let options = file
        .into_iter()
        .map(|file| ("config-file-value".into(), file.into()));
    LogRouter {
        kind,
        options: options.collect(),
    }
}

fn port(container_port: u16, transport: Transport) -> NamedPort {
    NamedPort {
        container_port,
        transport,
    }
}

fn sidecar(name: &str) -> Container {
    Container {
        name: name.into(),
        ..main()
    }
}

fn owner(installation: &str) -> Owner {
    Owner {
        installation: installation.into(),
        app: AppName {
            namespace: "shop".into(),
            name: "acme".into(),
        },
    }
}

fn registered(content: &TaskDefinition, tags: Tags) -> TaskDefinitionState {
    TaskDefinitionState {
        arn: Arn("arn:aws:ecs:us-east-1:123456789012:task-definition/shop_acme_web:1".into()),
        content: content.clone(),
        active: true,
        tags,
    }
}

#[test]
fn is_the_same_in_every_release() {
    // Another value would compare every revision that is out there by its fields, and register again what AWS echoes
    // otherwise.
    assert_eq!(digest(&content()), "1-rh4amaid4rsbmni92k9rmq2ikvdn4u5r");
    let all = TaskDefinition {
        network_mode: NetworkMode::Awsvpc,
        launch_type: LaunchType::Fargate,
        execution_role_arn: Some("arn:aws:iam::123456789012:role/execution".into()),
        task_role_arn: Some("arn:aws:iam::123456789012:role/task".into()),
        main: Container {
            secrets: SmallMap::from([(
                "TOKEN".into(),
                "arn:aws:ssm:us-east-1:123456789012:parameter/token".into(),
            )]),
            process_limit: Some(64),
            stop_timeout: Some(30),
            read_only_root_filesystem: true,
            ports: vec![PortMapping {
                container_port: 8080,
                host_port: HostPort::SameAsContainer,
            }],
            logging: Some(Logging {
                driver: "awslogs".into(),
                options: SmallMap::from([("awslogs-group".into(), "acme".into())]),
                secret_options: SmallMap::new(),
            }),
            ..main()
        },
        ..content()
    };
    assert_eq!(digest(&all), "1-cthbhpufu15v2cvb9cql34fb51m2k7eo");
}

#[test]
fn differs_with_every_field() {
    let edits: [fn(&mut TaskDefinition); 47] = [
        |c| c.family = "shop_acme_api".into(),
        |c| c.network_mode = NetworkMode::Awsvpc,
        |c| c.launch_type = LaunchType::External,
        |c| c.execution_role_arn = Some("role".into()),
        |c| c.task_role_arn = Some("role".into()),
        |c| c.main.name = "api".into(),
        |c| c.main.image.push('3'),
        |c| c.main.command.push(String::new()),
        |c| c.main.command = vec!["./bin".into(), "/web".into()],
        |c| c.main.cpu = 512,
        |c| c.main.memory = 256,
        |c| c.main.environment = Environment::default(),
        |c| drop(c.main.environment.0.remove("EMPTY")),
        |c| drop(c.main.environment.0.insert("EMPTY".into(), " ".into())),
        |c| drop(c.main.secrets.insert("TOKEN".into(), "arn".into())),
        |c| c.main.process_limit = Some(1),
        |c| c.main.stop_timeout = Some(1),
        |c| c.main.read_only_root_filesystem = true,
        |c| c.ephemeral_storage = Some(21),
        |c| c.architecture = Some(Architecture::Arm64),
        |c| c.architecture = Some(Architecture::X8664),
        |c| volume(c, None),
        |c| volume(c, Some(("", "", false))),
        |c| volume(c, Some(("/a", "", false))),
        |c| volume(c, Some(("", "/a", false))),
        |c| volume(c, Some(("", "", true))),
        |c| c.volumes = ["a", "b"].map(|name| (name.into(), Volume::Scratch)).into(),
        |c| mount(c, "/data", false),
        |c| mount(c, "/data", true),
        |c| mount(c, "/other", true),
        |c| details(c, |d| d.optional = true),
        |c| details(c, |d| d.entry_point = vec!["sh".into()]),
        |c| details(c, |d| d.health_check = Some(check())),
        |c| details(c, |d| d.health_check = Some(slow())),
        |c| details(c, |d| d.user = Some("1000".into())),
        |c| details(c, |d| d.working_directory = Some("1000".into())),
        |c| details(c, |d| d.init = true),
        |c| details(c, |d| drop(d.labels.insert("a".into(), "b".into()))),
        |c| details(c, |d| d.repository_credentials = Some("arn".into())),
        |c| details(c, |d| d.tmpfs = [("/tmp".into(), 64)].into()),
        |c| details(c, |d| d.depends_on = healthy()),
        |c| c.sidecars.push(sidecar("proxy")),
        |c| c.sidecars.extend([sidecar("agent"), sidecar("proxy")]),
        |c| c.main.ports.clear(),
        |c| c.main.ports[0].host_port = HostPort::Dynamic,
        |c| {
            c.main.logging = Some(Logging {
                driver: "json-file".into(),
                options: SmallMap::new(),
                secret_options: SmallMap::new(),
            });
        },
        |c| {
            c.main.logging = Some(Logging {
                driver: "json-file".into(),
                options: SmallMap::new(),
                secret_options: SmallMap::from([("token".into(), "arn:aws:ssm:a".into())]),
            });
        },
    ];
    all_differ(&edits);
}

#[test]
fn differs_with_all_that_few_containers_have() {
    let edits: [fn(&mut Extras); 17] = [
        |e| e.open_files = Some(64),
        |e| e.start_timeout = Some(64),
        |e| e.memory_reservation = Some(64),
        |e| e.shared_memory = Some(64),
        |e| e.gpus = Some(64),
        |e| e.restart = Some(restart(64, &[])),
        |e| e.restart = Some(restart(65, &[])),
        |e| e.restart = Some(restart(64, &[65])),
        |e| e.environment_files = vec!["a".into()],
        |e| e.system_controls = [("a".into(), "b".into())].into(),
        |e| e.extra_hosts = [("a".into(), "b".into())].into(),
        |e| e.ports = [("a".into(), port(64, Transport::Tcp))].into(),
        |e| e.ports = [("a".into(), port(65, Transport::Tcp))].into(),
        |e| e.ports = [("a".into(), port(64, Transport::Udp))].into(),
        |e| e.log_router = Some(router(LogRouterKind::Fluentbit, None)),
        |e| e.log_router = Some(router(LogRouterKind::Fluentd, None)),
        |e| e.log_router = Some(router(LogRouterKind::Fluentd, Some("a"))),
    ];
    let edits = edits.map(|edit| {
        move |content: &mut TaskDefinition| {
            let mut details = Details::default();
            edit(&mut details.extras);
            content.main.details = details.kept();
        }
    });
    all_differ(&edits);
}

#[test]
fn differs_with_all_that_only_overrides_say() {
    let lists = [
        List::AddedCapabilities,
        List::DroppedCapabilities,
        List::DnsSearchDomains,
        List::DnsServers,
        List::DockerSecurityOptions,
        List::Links,
    ];
    let flags = [
        Flag::DisableNetworking,
        Flag::Interactive,
        Flag::Privileged,
        Flag::PseudoTerminal,
        Flag::VersionInconsistency,
    ];
    let device = |path: Option<&str>, permissions: &[&str]| Device {
        path: path.map(str::to_owned),
        permissions: permissions.iter().map(|text| (*text).to_owned()).collect(),
    };
    let mut all: Vec<ContainerMembers> = Vec::new();
    let mut add = |edit: &dyn Fn(&mut ContainerMembers)| {
        let mut members = ContainerMembers::none();
        edit(&mut members);
        all.push(members);
    };
    for list in lists {
        add(&|m| m.set_list(list, vec!["a".into()]));
        add(&|m| m.set_list(list, vec!["a".into(), "b".into()]));
    }
    for flag in flags {
        add(&|m| m.flags = [flag].into());
    }
    add(&|m| m.hostname = Some("a".into()));
    add(&|m| m.max_swap = Some(0));
    add(&|m| m.swappiness = Some(0));
    add(&|m| m.devices = [("a".into(), device(None, &[]))].into());
    add(&|m| m.devices = [("a".into(), device(Some("b"), &[]))].into());
    add(&|m| m.devices = [("a".into(), device(None, &["b"]))].into());
    add(&|m| m.tmpfs = [("a".into(), vec!["b".into()])].into());
    add(&|m| m.ulimits = [("a".into(), Ulimit { soft: 1, hard: 2 })].into());
    add(&|m| m.ulimits = [("a".into(), Ulimit { soft: 2, hard: 2 })].into());
    add(&|m| m.volumes_from = [("a".into(), true)].into());
    add(&|m| m.volumes_from = [("a".into(), false)].into());
    let edits = all.into_iter().map(|members| {
        move |content: &mut TaskDefinition| {
            let mut details = Details::default();
            details.extras.members = members.clone().kept();
            content.main.details = details.kept();
        }
    });
    all_differ(&edits.collect::<Vec<_>>());
}

#[test]
fn differs_with_all_that_only_overrides_say_of_a_task() {
    fn task(content: &mut TaskDefinition, edit: fn(&mut TaskMembers)) {
        let mut members = TaskMembers::none();
        edit(&mut members);
        content.members = members.kept();
    }
    fn docker(content: &mut TaskDefinition, edit: fn(&mut DockerVolume)) {
        let mut volume = DockerVolume::default();
        edit(&mut volume);
        content.volumes = [("data".into(), Volume::Docker(Box::new(volume)))].into();
    }
    let edits: [fn(&mut TaskDefinition); 15] = [
        |c| task(c, |m| m.pid_mode = Some(Namespace::Host)),
        |c| task(c, |m| m.pid_mode = Some(Namespace::Task)),
        |c| task(c, |m| m.ipc_mode = Some(Namespace::Host)),
        |c| task(c, |m| m.ipc_mode = Some(Namespace::None)),
        |c| task(c, |m| m.fault_injection = true),
        |c| task(c, |m| m.placement_constraints = vec!["a".into()]),
        |c| c.volumes = [("data".into(), Volume::Scratch)].into(),
        |c| c.volumes = [("data".into(), Volume::Host("/srv".into()))].into(),
        |c| docker(c, |_| {}),
        |c| docker(c, |v| v.shared = true),
        |c| docker(c, |v| v.autoprovision = Some(true)),
        |c| docker(c, |v| v.autoprovision = Some(false)),
        |c| docker(c, |v| v.driver = Some("a".into())),
        |c| docker(c, |v| v.options = [("a".into(), "b".into())].into()),
        |c| docker(c, |v| v.labels = [("a".into(), "b".into())].into()),
    ];
    all_differ(&edits);
}

fn all_differ(edits: &[impl Fn(&mut TaskDefinition)]) {
    let mut digests = vec![digest(&content())];
    for edit in edits {
        let mut edited = content();
        edit(&mut edited);
        digests.push(digest(&edited));
    }
    let all = digests.len();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), all);
}

#[test]
fn a_digest_decides_where_it_is_ours_and_the_fields_where_it_is_not() {
    let (ours, wanted) = (owner("i-1"), content());
    let mut echoed = content();
    echoed.main.environment.0.remove("EMPTY");
    let with_digest = tagged(&ours.tags("web"), &wanted);
    let check = |found: &TaskDefinition, tags: &Tags, is_wanted, is_echo| {
        let found = registered(found, tags.clone());
        assert_eq!(
            (found.is_of(&wanted, &ours), found.is_of(&echoed, &ours)),
            (is_wanted, is_echo)
        );
    };
    check(&wanted, &with_digest, true, false);
    check(&echoed, &with_digest, true, false);
    // A release before the digest, or somebody else's.
    check(&wanted, &ours.tags("web"), true, false);
    check(&echoed, &ours.tags("web"), false, true);
    check(&echoed, &tagged(&owner("i-2").tags("web"), &wanted), false, true);
    // ECS may fill in the default of what was left out, and nothing else.
    let on = |architecture| TaskDefinition {
        architecture: Some(architecture),
        ..content()
    };
    check(&on(Architecture::X8664), &ours.tags("web"), true, false);
    check(&on(Architecture::Arm64), &ours.tags("web"), false, false);
    // A later release, which makes it in a way that this one does not know.
    let mut later = with_digest.clone();
    later.insert(CONTENT_TAG.into(), "2-something".into());
    check(&wanted, &later, true, false);
    // An older content.
    let mut other = with_digest;
    other.insert(CONTENT_TAG.into(), format!("{VERSION}something").into());
    check(&wanted, &other, false, false);
}

#[test]
fn a_platform_with_all_its_tags_goes_without() {
    let mut tags = owner("i-1").tags("web");
    tags.extend((0..46).map(|n| (format!("k{n}").into(), "".into())));
    assert_eq!(tagged(&tags, &content()).len(), 50);
    tags.insert("k46".into(), "".into());
    assert_eq!(tagged(&tags, &content()), tags);
    // A digest that is not of this content would be worse than none.
    tags.remove("k46");
    tags.insert(CONTENT_TAG.into(), "theirs".into());
    assert_eq!(tagged(&tags, &content())[CONTENT_TAG], digest(&content()));
}
