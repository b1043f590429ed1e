//! For tests of the core: what an App wants, and what is there once it has it. Every name differs from every other, so
//! that a swap shows.

mod aws;
mod load_balancing;
pub(crate) mod log_group;
mod scaling;
mod settled;
pub(crate) mod world;

pub(crate) use load_balancing::{balancer, balancer_of_kind, check, group, group_of_kind};
pub(crate) use settled::{
    cluster, created_group, created_load_balancer, definition, deployment, listening, nothing, service,
    settled,
};

use std::collections::BTreeSet;

use super::Plan;
use crate::change::Deferred;
use crate::model::container::{Container, Environment, HostPort, PortMapping};
use crate::model::desired::{Desired, DesiredProcess, DesiredRecord, Place, RecordKey, Runs};
use crate::model::load_balancer::{ListenerProtocol, Scheme};
use crate::model::log_group::LogGroups;
use crate::model::name::{self, Arn};
use crate::model::owner::{AppName, Owner, Tags};
use crate::model::port::{Claim, PortOwner, PortRange};
use crate::model::record::{
    RecordContent, RecordKind, RecordSet, RecordStyle, normalize, ownership_name, txt_value,
};
use crate::model::scaling::Scaling;
use crate::model::schedule::{Schedule, Timing};
use crate::model::secret::SecretVersions;
use crate::model::service::{
    Capacity, CircuitBreaker, DeploymentConfiguration, LaunchType, NetworkMode, PlacementStrategy, Service,
    ServiceSettings, TaskDefinition,
};
use crate::model::small_map::SmallMap;
use crate::model::state::Observed;

/// The private zone, `corp.example`.
pub(crate) const INTERNAL: &str = "Z-INTERNAL";
/// The public zone, `example.com`.
pub(crate) const EXTERNAL: &str = "Z-EXTERNAL";
pub(crate) const VPC: &str = "vpc-7";
pub(crate) const RANGE: PortRange = PortRange {
    first: 9000,
    last: 9003,
};

/// Plans everything.
pub(crate) fn plan(desired: &Desired, observed: &Observed) -> Plan {
    super::plan(desired, observed, &Deferred::new())
}

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
    /// Port, protocol, and the container port if it is another.
    pub listeners: Vec<(u16, ListenerProtocol, Option<u16>)>,
    pub certificates: Vec<String>,
    pub redirects: bool,
    pub idle_timeout: u32,
    pub host_port: HostPort,
    pub check_path: String,
    pub style: RecordStyle,
    pub names: BTreeSet<(&'static str, String)>,
    pub tags: Tags,
    pub runs: Kind,
    /// In place of a quantity.
    pub scaling: Option<Scaling>,
    /// Images of containers beside it.
    pub sidecars: Vec<&'static str>,
}

/// The thing that starts its tasks.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Service,
    At(&'static str),
    ByHand,
}

/// Two tasks, not exposed, with an image of its own.
pub(crate) fn process(name: &str) -> Process {
    Process {
        name: name.into(),
        image: format!("{name}:v1"),
        quantity: Some(2),
        scheme: None,
        container_port: 8080,
        listeners: vec![(80, ListenerProtocol::Http, None)],
        certificates: Vec::new(),
        redirects: false,
        idle_timeout: 60,
        host_port: HostPort::Dynamic,
        check_path: format!("/{name}"),
        style: RecordStyle::Cname { ttl: 60 },
        names: BTreeSet::new(),
        tags: Tags::new(),
        runs: Kind::Service,
        scaling: None,
        sidecars: Vec::new(),
    }
}

fn beside(image: &str) -> Container {
    Container {
        name: "proxy".into(),
        image: image.into(),
        memory: 64,
        ..Container::default()
    }
}

impl Process {
    /// With a container beside it.
    pub(crate) fn beside(mut self, image: &'static str) -> Self {
        self.sidecars = vec![image];
        self
    }

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

    /// On port 443, with these certificates, and a redirect on port 80.
    pub(crate) fn https(mut self, certificates: &[&str]) -> Self {
        self.listeners = vec![(443, ListenerProtocol::Https, None)];
        self.certificates = certificates.iter().map(|arn| (*arn).to_owned()).collect();
        self.redirects = true;
        self
    }

    /// Behind a network load balancer.
    pub(crate) fn tcp(mut self, port: u16) -> Self {
        self.listeners = vec![(port, ListenerProtocol::Tcp, None)];
        self
    }

    /// One more listener, of HTTP, that leads to a container port.
    pub(crate) fn listener(mut self, port: u16, container_port: u16) -> Self {
        self.listeners
            .push((port, ListenerProtocol::Http, Some(container_port)));
        self
    }

    pub(crate) fn idle_timeout(mut self, seconds: u32) -> Self {
        self.idle_timeout = seconds;
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

    /// Started by the clock, and by no service.
    pub(crate) fn at(mut self, expression: &'static str) -> Self {
        self.runs = Kind::At(expression);
        self.unexposed()
    }

    /// Started by nobody.
    pub(crate) fn by_hand(mut self) -> Self {
        self.runs = Kind::ByHand;
        self.unexposed()
    }

    fn schedule(&self, owner: &Owner, expression: &str, tags: Tags) -> Schedule {
        Schedule {
            name: name::schedule_name(owner, &self.name),
            group: name::schedule_group(&owner.installation),
            description: owner.record_text(&self.name),
            timing: Timing {
                expression: expression.into(),
                time_zone: "Europe/Berlin".into(),
            },
            enabled: true,
            role_arn: "arn:aws:iam::123456789012:role/scheduler".into(),
            capacity: Capacity::LaunchType(LaunchType::Ec2),
            placement: Vec::new(),
            constraints: Vec::new(),
            network: None,
            tags,
        }
    }

    fn build(&self, owner: &Owner) -> DesiredProcess {
        let family = name::family(&owner.app, &self.name);
        let tags = || {
            let mut tags = self.tags.clone();
            tags.extend(owner.tags(&self.name));
            tags
        };
        let load_balancing = self
            .scheme
            .map(|scheme| self.load_balancing(owner, scheme, &tags()));
        let exposed = load_balancing.iter().flat_map(|balancing| &balancing.ports);
        let mut ports: Vec<PortMapping> = exposed
            .map(|port| PortMapping {
                container_port: port.container_port,
                host_port: self.host_port,
            })
            .collect();
        ports.sort_by_key(|port| port.container_port);
        DesiredProcess {
            task_definition: TaskDefinition {
                family: family.clone(),
                network_mode: NetworkMode::Bridge,
                launch_type: LaunchType::Ec2,
                execution_role_arn: None,
                task_role_arn: None,
                ephemeral_storage: None,
                architecture: None,
                volumes: SmallMap::new(),
                members: None,
                main: Container {
                    name: self.name.clone(),
                    image: self.image.clone(),
                    command: vec![format!("./bin/{}", self.name)],
                    cpu: 256,
                    memory: 512,
                    environment: Environment(SmallMap::from([("TOKEN".into(), "hush".into())])),
                    ports,
                    ..Container::default()
                },
                sidecars: self.sidecars.iter().map(|image| beside(image)).collect(),
            },
            awaited_secret: None,
            runs: match self.runs {
                Kind::At(expression) => Runs::Schedule(self.schedule(owner, expression, tags())),
                Kind::ByHand => Runs::ByHand(tags()),
                Kind::Service => Runs::Service(Service {
                    name: family,
                    capacity: Capacity::LaunchType(LaunchType::Ec2),
                    quantity: self.quantity,
                    scaling: self.scaling.clone().map(Box::new),
                    progress_deadline: 600,
                    rolls_back: true,
                    given_percent: (None, None),
                    given_grace_period: false,
                    redeploy: None,
                    secret_versions: SecretVersions::default(),
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
                        exec: None,
                    },
                    tags: tags(),
                }),
            },
            load_balancing,
            hint: None,
        }
    }
}

pub(crate) fn place() -> Place {
    Place {
        platform: "staging".into(),
        cluster: "cluster-3".into(),
        load_balancing: true,
        zones: BTreeSet::from([INTERNAL.into(), EXTERNAL.into()]),
        split_horizon: false,
        host_ports: Some(RANGE),
        dropped_security_groups: BTreeSet::new(),
        log_groups: LogGroups::None,
    }
}

/// Returns the desired state of App `shop/acme`.
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
    match kind {
        // Theirs end with an id.
        "group" => Arn(format!("arn:targetgroup/{name}/1")),
        "balancer" => Arn(format!("arn:loadbalancer/app/{name}/1")),
        _ => Arn(format!("arn:{kind}/{name}")),
    }
}

pub(crate) fn claim(port: u16, owner: &Owner, process: &str, container_port: u16) -> Claim {
    let owner = PortOwner {
        platform: "staging".into(),
        app: owner.app.clone(),
        process: process.into(),
        container_port,
    };
    Claim::new(port, owner)
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
