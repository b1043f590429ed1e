//! For tests of the core: what an App wants, and what is there once it has it. Every name differs from every other, so
//! that a swap shows.

mod carry_out;
mod settled;
pub(crate) mod world;

pub(crate) use settled::{
    created_group, created_load_balancer, definition, deployment, listener, nothing, service, settled,
};

use std::collections::{BTreeMap, BTreeSet};

use crate::model::desired::{
    Desired, DesiredProcess, DesiredRecord, ExposedPort, LoadBalancing, Place, RecordKey, Runs,
};
use crate::model::load_balancer::{
    HealthCheck, Listener, LoadBalancer, LoadBalancerKind, Scheme, TargetGroup, TargetGroupAttributes,
    TargetProtocol, TargetType,
};
use crate::model::name::{self, AppName, Arn, LoadBalancerIdentity};
use crate::model::owner::{Owner, Tags};
use crate::model::port::{Claim, PortOwner, PortRange};
use crate::model::record::{
    RecordContent, RecordKind, RecordSet, RecordStyle, normalize, ownership_name, txt_value,
};
use crate::model::service::{
    Capacity, CircuitBreaker, DeploymentConfiguration, Environment, HostPort, LaunchType, NetworkMode,
    PlacementStrategy, PortMapping, Service, ServiceSettings, TaskDefinition,
};

/// The private zone, `corp.example`.
pub(crate) const INTERNAL: &str = "Z-INTERNAL";
/// The public zone, `example.com`.
pub(crate) const EXTERNAL: &str = "Z-EXTERNAL";
pub(crate) const VPC: &str = "vpc-7";
pub(crate) const RANGE: PortRange = PortRange {
    first: 9000,
    last: 9003,
};

pub(crate) fn owner() -> Owner {
    owner_of("installation-1", "shop", "acme")
}

pub(crate) fn owner_of(installation: &str, namespace: &str, name: &str) -> Owner {
    Owner {
        installation: installation.into(),
        app: AppName {
            namespace: namespace.into(),
            name: name.into(),
        },
    }
}

/// One wanted process, as a test spells it.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub name: String,
    pub image: String,
    pub quantity: Option<u32>,
    pub scheme: Option<Scheme>,
    pub container_port: u16,
    pub host_port: HostPort,
    pub check_path: String,
    pub style: RecordStyle,
    pub names: BTreeSet<(&'static str, String)>,
    pub tags: Tags,
}

/// Two tasks, not exposed, with an image of its own.
pub(crate) fn process(name: &str) -> Process {
    Process {
        name: name.into(),
        image: format!("{name}:v1"),
        quantity: Some(2),
        scheme: None,
        container_port: 8080,
        host_port: HostPort::Dynamic,
        check_path: format!("/{name}"),
        style: RecordStyle::Cname { ttl: 60 },
        names: BTreeSet::new(),
        tags: Tags::new(),
    }
}

impl Process {
    /// Behind an internal load balancer, with its derived name in the internal zone.
    pub(crate) fn internal(mut self) -> Self {
        self.scheme = Some(Scheme::Internal);
        let name = format!("acme-{}.corp.example", self.name);
        self.names = BTreeSet::from([(INTERNAL, name)]);
        self
    }

    /// Behind an internet-facing load balancer, with its derived name in both zones.
    pub(crate) fn external(self) -> Self {
        let name = format!("acme-{}.example.com", self.name);
        let mut process = self.internal().named(EXTERNAL, &name);
        process.scheme = Some(Scheme::InternetFacing);
        process
    }

    pub(crate) fn unexposed(mut self) -> Self {
        self.scheme = None;
        self.names.clear();
        self
    }

    pub(crate) fn named(mut self, zone: &'static str, name: &str) -> Self {
        self.names.insert((zone, name.into()));
        self
    }

    pub(crate) fn unnamed(mut self) -> Self {
        self.names.clear();
        self
    }

    pub(crate) fn image(mut self, image: &str) -> Self {
        self.image = image.into();
        self
    }

    pub(crate) fn quantity(mut self, quantity: u32) -> Self {
        self.quantity = Some(quantity);
        self
    }

    pub(crate) fn container_port(mut self, port: u16) -> Self {
        self.container_port = port;
        self
    }

    pub(crate) fn check_path(mut self, path: &str) -> Self {
        self.check_path = path.into();
        self
    }

    /// On a Platform with host ports.
    pub(crate) fn claimed(mut self) -> Self {
        self.host_port = HostPort::Claimed;
        self
    }

    pub(crate) fn style(mut self, style: RecordStyle) -> Self {
        self.style = style;
        self
    }

    pub(crate) fn tagged(mut self, key: &str, value: &str) -> Self {
        self.tags.insert(key.into(), value.into());
        self
    }

    fn build(&self, owner: &Owner) -> DesiredProcess {
        let family = name::family(&owner.app, &self.name);
        let tags = || {
            let mut tags = self.tags.clone();
            tags.extend(owner.tags(&self.name));
            tags
        };
        let load_balancing = self.scheme.map(|scheme| {
            let load_balancer = load_balancer_name(owner, &self.name, scheme);
            let target_group = group_of(&load_balancer, owner, &self.name);
            LoadBalancing {
                listeners: vec![Listener {
                    port: 80,
                    protocol: TargetProtocol::Http,
                    target_group: target_group.clone(),
                    tags: owner.tags(&self.name),
                }],
                ports: vec![ExposedPort {
                    container_port: self.container_port,
                    target_group: TargetGroup {
                        name: target_group,
                        vpc: VPC.into(),
                        protocol: TargetProtocol::Http,
                        target_type: TargetType::Instance,
                        check: check(&self.check_path),
                        attributes: TargetGroupAttributes {
                            deregistration_delay: 30,
                        },
                        tags: tags(),
                    },
                }],
                load_balancer: LoadBalancer {
                    name: load_balancer,
                    kind: LoadBalancerKind::Application,
                    scheme,
                    subnets: subnets(scheme),
                    security_groups: BTreeSet::from([format!("sg-{}", scheme.as_str())]),
                    tags: tags(),
                },
            }
        });
        let exposed = load_balancing.iter().flat_map(|balancing| &balancing.ports);
        let ports = exposed.map(|port| PortMapping {
            container_port: port.container_port,
            host_port: self.host_port,
        });
        DesiredProcess {
            task_definition: TaskDefinition {
                family: family.clone(),
                network_mode: NetworkMode::Bridge,
                launch_type: LaunchType::Ec2,
                execution_role_arn: None,
                task_role_arn: None,
                container: self.name.clone(),
                image: self.image.clone(),
                command: vec![format!("./bin/{}", self.name)],
                cpu: 256,
                memory: 512,
                environment: Environment(BTreeMap::from([("TOKEN".into(), "hush".into())])),
                secrets: BTreeMap::new(),
                process_limit: None,
                stop_timeout: None,
                read_only_root_filesystem: false,
                ports: ports.collect(),
                logging: None,
            },
            runs: Runs::Service(Service {
                name: family,
                capacity: Capacity::LaunchType(LaunchType::Ec2),
                quantity: self.quantity,
                progress_deadline: 600,
                rolls_back: true,
                redeploy: None,
                settings: ServiceSettings {
                    deployment: DeploymentConfiguration {
                        minimum_healthy_percent: 100,
                        maximum_percent: 200,
                        circuit_breaker: CircuitBreaker {
                            enable: true,
                            rollback: true,
                        },
                    },
                    zone_rebalancing: true,
                    constraints: Vec::new(),
                    placement: vec![PlacementStrategy::spread("instanceId")],
                    grace_period: load_balancing.as_ref().map(|_| 60),
                    network: None,
                },
                tags: tags(),
            }),
            load_balancing,
        }
    }
}

pub(crate) fn check(path: &str) -> HealthCheck {
    HealthCheck {
        path: path.into(),
        interval: 10,
        timeout: 5,
        healthy_threshold: 2,
        unhealthy_threshold: 3,
        success_codes: "200-399".into(),
    }
}

fn subnets(scheme: Scheme) -> BTreeSet<String> {
    ["a", "b"]
        .map(|zone| format!("subnet-{}-{zone}", scheme.as_str()))
        .into()
}

fn load_balancer_name(owner: &Owner, process: &str, scheme: Scheme) -> String {
    name::load_balancer_name(&LoadBalancerIdentity {
        owner,
        process,
        kind: LoadBalancerKind::Application,
        scheme,
        vpc: VPC,
    })
}

fn group_of(load_balancer: &str, owner: &Owner, process: &str) -> String {
    name::target_group_name(
        &owner.app,
        process,
        load_balancer,
        80,
        TargetProtocol::Http,
        TargetType::Instance,
    )
}

/// The name of the load balancer that a process of the App has while it is exposed in this way.
pub(crate) fn balancer(process: &str, scheme: Scheme) -> String {
    load_balancer_name(&owner(), process, scheme)
}

pub(crate) fn group(process: &str, scheme: Scheme) -> String {
    group_of(&balancer(process, scheme), &owner(), process)
}

pub(crate) fn place() -> Place {
    Place {
        platform: "staging".into(),
        cluster: "cluster-3".into(),
        load_balancing: true,
        zones: BTreeSet::from([INTERNAL.into(), EXTERNAL.into()]),
        host_ports: Some(RANGE),
    }
}

/// What App `shop/acme` wants.
pub(crate) fn app(processes: impl IntoIterator<Item = Process>) -> Desired {
    let mut desired = Desired::empty(owner(), place());
    for process in processes {
        let built = process.build(&desired.owner);
        if let Some(balancing) = &built.load_balancing {
            for (zone, name) in &process.names {
                let key = RecordKey {
                    zone: (*zone).into(),
                    name: name.clone(),
                };
                let record = DesiredRecord {
                    process: process.name.clone(),
                    load_balancer: balancing.load_balancer.name.clone(),
                    style: process.style,
                };
                desired.records.insert(key, record);
            }
        }
        desired.processes.insert(process.name, built);
    }
    desired
}

pub(crate) fn arn(kind: &str, name: &str) -> Arn {
    Arn(format!("arn:{kind}/{name}"))
}

pub(crate) fn claim(port: u16, owner: &Owner, process: &str, container_port: u16) -> Claim {
    Claim {
        port,
        owner: PortOwner {
            platform: "staging".into(),
            app: owner.app.clone(),
            process: process.into(),
            container_port,
        },
    }
}

pub(crate) fn dns_name(load_balancer: &str) -> String {
    format!("{load_balancer}.elb.example")
}

pub(crate) fn pointer(name: &str, style: RecordStyle, load_balancer: &str) -> RecordSet {
    let target = dns_name(load_balancer);
    let (kind, content) = match style {
        RecordStyle::Cname { ttl } => {
            // Written as AWS reported it, listed with whatever dot and case.
            let values = vec![format!("{}.", target.replace("elb", "ELB"))];
            (RecordKind::Cname, RecordContent::Values { ttl, values })
        }
        RecordStyle::Alias => (
            RecordKind::A,
            RecordContent::Alias {
                target: normalize(&target),
                zone_id: "Z-ELB".into(),
                evaluate_target_health: false,
            },
        ),
    };
    RecordSet {
        name: name.into(),
        kind,
        content,
    }
}

pub(crate) fn ownership(name: &str, owner: &Owner, process: &str) -> RecordSet {
    txt(&ownership_name(name), &owner.record_text(process))
}

pub(crate) fn txt(name: &str, text: &str) -> RecordSet {
    RecordSet {
        name: name.into(),
        kind: RecordKind::Txt,
        content: RecordContent::Values {
            ttl: 300,
            values: vec![txt_value(text)],
        },
    }
}
