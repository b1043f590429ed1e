//! The resources that one App should have in AWS. An App that is being deleted is [`Desired::empty`]: deleting is no code of its own.

use std::collections::{BTreeMap, BTreeSet};

use super::container::HostPort;
use super::keeping::Keeping;
use super::load_balancer::{Listener, ListenerAction, LoadBalancer, TargetGroup};
use super::log_group::{LogGroup, LogGroups};
use super::owner::{Owner, Tags};
use super::part::Part;
use super::port::{PortOwner, PortRange};
use super::record::RecordStyle;
use super::release::Release;
use super::scaling::Scaling;
use super::schedule::Schedule;
use super::secret::AwaitedSecret;
use super::service::{Attachment, Service, TaskDefinition};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    pub owner: Owner,
    /// Where the App lives, whatever it wants there.
    pub place: Place,
    pub processes: BTreeMap<String, DesiredProcess>,
    /// The task that is to succeed before any of them is given new content.
    pub release: Option<Box<Release>>,
    pub records: BTreeMap<RecordKey, DesiredRecord>,
    /// The log group that its tasks log to, where the Platform has one made.
    pub log_group: Option<Box<LogGroup>>,
    /// By the name of a secret in Secrets Manager, its ARN, as far as it is known.
    pub secrets: BTreeMap<String, String>,
    /// The rules for names that are released.
    pub keeping: Keeping,
    /// True if it takes over what has a wanted name and no owner's tags.
    pub adopts: bool,
    /// The rule for what it has adopted.
    pub adopted: Adopted,
    /// True if it untags what it holds, which goes on running, instead of removing it.
    pub retains: bool,
}

/// The rule for what the App has adopted. By default it is like all else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Adopted {
    /// True if it is let go of where it would be deleted.
    pub stays: bool,
    /// True if there may be some, as far as is remembered.
    pub may_be_there: bool,
}

/// The part of a Platform that the pipeline needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub platform: String,
    pub cluster: String,
    /// False where the Platform does without load balancers: then none are looked for either.
    pub load_balancing: bool,
    /// The ids of the hosted zones in which the App may hold names.
    pub zones: BTreeSet<String>,
    /// True if they have the same name: whoever has a name in one of them is to be the only one to have it in the other.
    pub split_horizon: bool,
    pub host_ports: Option<PortRange>,
    /// The security groups that tasks were given before and shall not have any more.
    pub dropped_security_groups: BTreeSet<String>,
    pub log_groups: LogGroups,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredProcess {
    pub task_definition: TaskDefinition,
    pub runs: Runs,
    /// Only with a service.
    pub load_balancing: Option<LoadBalancing>,
    /// A remark on the command, which may be the reason why its tasks fail.
    pub hint: Option<String>,
    /// A secret that is not there, or whose ARN is not known: nothing that would hold it is made or changed.
    pub awaited_secret: Option<Box<AwaitedSecret>>,
}

/// The thing that starts the tasks of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Runs {
    /// A service, which keeps them running.
    Service(Service),
    /// EventBridge Scheduler, at its times.
    Schedule(Schedule),
    /// A person, by hand: there is a task definition with these tags, and nothing else.
    ByHand(Tags),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBalancing {
    pub load_balancer: LoadBalancer,
    /// One a container port; that of the first listener comes first.
    pub ports: Vec<ExposedPort>,
    pub listeners: Vec<Listener>,
    /// The security groups that the Platform named before, where it names none any more.
    pub dropped_security_groups: BTreeSet<String>,
    /// The names of its target groups. A process has two container ports at most; which of them has which group is
    /// read off what is there (`plan/slots.rs`), and at first it is in this order.
    pub slots: [String; 2],
}

/// A container port, and the target group through which listeners reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExposedPort {
    pub container_port: u16,
    pub target_group: TargetGroup,
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/register-multiple-targetgroups.html>
pub const TARGET_GROUPS_PER_SERVICE: usize = 5;

impl LoadBalancing {
    pub fn target_groups(&self) -> impl Iterator<Item = &TargetGroup> {
        self.ports.iter().map(|port| &port.target_group)
    }

    /// Returns the same with each container port behind the other target group.
    #[must_use]
    pub fn swapped(&self) -> Self {
        let mut swapped = self.clone();
        let [first, second] = &self.slots;
        let swap = |name: &mut String| {
            *name = if name == first {
                second.clone()
            } else {
                first.clone()
            }
        };
        for port in &mut swapped.ports {
            swap(&mut port.target_group.name);
        }
        for listener in &mut swapped.listeners {
            if let ListenerAction::Forward(name) = &mut listener.action {
                swap(name);
            }
        }
        swapped
    }

    /// Returns true if a service can be attached to all of its target groups without losing those that it is attached to.
    pub fn fits_beside(&self, attached: &[Attachment<String>]) -> bool {
        let missing = self
            .target_groups()
            .filter(|group| !attached.iter().any(|a| a.target_group == group.name));
        attached.len() + missing.count() <= TARGET_GROUPS_PER_SERVICE
    }

    /// The container port that a target group of this name leads to.
    pub fn container_port(&self, target_group: &str) -> Option<u16> {
        let port = self
            .ports
            .iter()
            .find(|port| port.target_group.name == target_group);
        port.map(|port| port.container_port)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordKey {
    pub zone: String,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredRecord {
    pub process: String,
    /// The name of the load balancer to point at.
    pub load_balancer: String,
    pub style: RecordStyle,
}

impl Place {
    /// Returns the other hosted zone of the same name.
    pub fn twin(&self, zone: &str) -> Option<&String> {
        let mut zones = self.zones.iter().filter(|_| self.split_horizon);
        zones.find(|other| *other != zone)
    }
}

impl DesiredProcess {
    pub fn service(&self) -> Option<&Service> {
        match &self.runs {
            Runs::Service(service) => Some(service),
            Runs::Schedule(_) | Runs::ByHand(_) => None,
        }
    }

    /// Returns for how many seconds a rollout may come no further: as the manifest says, but at least as long as one old task
    /// needs to be gone and a new one to start and pass its checks. The start counts where a new task starts only when an old
    /// one is gone, or has checks to pass: the deadline runs from before it.
    pub fn progress_deadline(&self) -> u32 {
        /// The least that a manifest can give it.
        const START: u32 = 60;
        let Some(service) = self.service() else {
            return 0;
        };
        let ports = self.load_balancing.iter().flat_map(|balancing| &balancing.ports);
        let delays = ports.map(|port| port.target_group.attributes.deregistration_delay);
        let drain = delays.max().unwrap_or(0);
        let in_batches = service.settings.deployment.maximum_percent < 200;
        let task = &self.task_definition;
        let patience = task.patience();
        let start = if in_batches || patience > 0 { START } else { 0 };
        let needs = [drain, task.stop_time(), start, patience];
        let needs = needs.into_iter().fold(0, u32::saturating_add);
        service.progress_deadline.max(needs)
    }

    /// Returns the scaling of its service.
    pub fn scaling(&self) -> Option<&Scaling> {
        self.service()?.scaling.as_deref()
    }

    pub fn schedule(&self) -> Option<&Schedule> {
        match &self.runs {
            Runs::Schedule(schedule) => Some(schedule),
            Runs::Service(_) | Runs::ByHand(_) => None,
        }
    }

    /// The Platform's tags and ours, of all that is made for the process.
    pub fn tags(&self) -> &Tags {
        match &self.runs {
            Runs::Service(service) => &service.tags,
            Runs::Schedule(schedule) => &schedule.tags,
            Runs::ByHand(tags) => tags,
        }
    }
}

impl Desired {
    /// True if the App is to have something there.
    pub fn wants(&self, part: &Part) -> bool {
        let mut processes = self.processes.values();
        match part {
            Part::Ecs => true,
            Part::LoadBalancing => processes.any(|process| process.load_balancing.is_some()),
            Part::Zone(id) => self.records.keys().any(|key| &key.zone == id),
            Part::Scaling => processes.any(|process| process.scaling().is_some()),
            Part::Schedules => processes.any(|process| process.schedule().is_some()),
            Part::Tasks => self.release.is_some(),
            Part::LogGroup => self.log_group.is_some(),
            Part::Secrets => false,
        }
    }

    /// Returns all parts in which an App may hold something, but for its services, which are always looked for.
    pub fn parts(&self) -> impl Iterator<Item = Part> {
        let zones = self.place.zones.iter().cloned().map(Part::Zone);
        let log_group = self.minds_log_group().then_some(Part::LogGroup);
        [Part::LoadBalancing, Part::Scaling, Part::Schedules]
            .into_iter()
            .chain(log_group)
            .chain(zones)
    }

    /// Returns the owners for which a process needs host ports.
    pub fn port_owners(&self, process: &str) -> impl Iterator<Item = PortOwner> {
        let wanted = self.processes.get(process).into_iter();
        let ports = wanted.flat_map(|wanted| &wanted.task_definition.main.ports);
        ports
            .filter(|port| port.host_port == HostPort::Claimed)
            .map(move |port| self.port_owner(process, port.container_port))
    }

    pub fn port_owner(&self, process: &str, container_port: u16) -> PortOwner {
        PortOwner {
            platform: self.place.platform.clone(),
            app: self.owner.app.clone(),
            process: process.into(),
            container_port,
        }
    }

    pub fn empty(owner: Owner, place: Place) -> Self {
        Desired {
            owner,
            place,
            processes: BTreeMap::new(),
            release: None,
            records: BTreeMap::new(),
            log_group: None,
            secrets: BTreeMap::new(),
            keeping: Keeping::default(),
            adopts: false,
            adopted: Adopted::default(),
            retains: false,
        }
    }

    /// Returns the end of an App that is deleted and whose resources stay.
    pub fn retaining(owner: Owner, place: Place) -> Self {
        Desired {
            retains: true,
            ..Desired::empty(owner, place)
        }
    }
}
