//! Members of ECS's task definitions that an App has no fields for, and says by `overrides`.
//!
//! Each is as ECS has it where it says nothing. [`ContainerMembers::texts`] and [`TaskMembers::texts`] give them by AWS's names, so
//! that digests, messages and grants need not name each.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::small_map::SmallMap;

/// The members of one container.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerMembers {
    pub flags: BTreeSet<Flag>,
    /// None of them is empty.
    pub lists: SmallMap<List, Vec<String>>,
    pub hostname: Option<String>,
    /// By the path on the instance.
    pub devices: SmallMap<String, Device>,
    /// MiB.
    pub max_swap: Option<u32>,
    pub swappiness: Option<u32>,
    /// Mount options, by the path of a file system in memory.
    pub tmpfs: SmallMap<String, Vec<String>>,
    /// By name: those that a field of an App cannot say.
    pub ulimits: SmallMap<String, Ulimit>,
    /// By container; true: they are read-only in this one.
    pub volumes_from: SmallMap<String, bool>,
}

impl ContainerMembers {
    pub const fn none() -> Self {
        ContainerMembers {
            flags: BTreeSet::new(),
            lists: SmallMap::new(),
            hostname: None,
            devices: SmallMap::new(),
            max_swap: None,
            swappiness: None,
            tmpfs: SmallMap::new(),
            ulimits: SmallMap::new(),
            volumes_from: SmallMap::new(),
        }
    }

    /// Returns what a container keeps of them: nothing, where they say nothing, so that equal ones are equal.
    pub fn kept(self) -> Option<Box<Self>> {
        (self != ContainerMembers::none()).then(|| Box::new(self))
    }

    pub fn list(&self, list: List) -> &[String] {
        self.lists.get(&list).map_or(&[], Vec::as_slice)
    }

    /// Puts a list in; an empty one says nothing.
    pub fn set_list(&mut self, list: List, texts: Vec<String>) {
        if texts.is_empty() {
            self.lists.remove(&list);
        } else {
            self.lists.insert(list, texts);
        }
    }

    /// Returns the containers that must be there before this one, since it is linked to them or has their volumes.
    pub fn needs(&self) -> impl Iterator<Item = &str> {
        let links = self.list(List::Links).iter().map(|link| linked(link));
        links.chain(self.volumes_from.keys().map(String::as_str))
    }

    /// Returns each that says something, by its name within a container definition, as texts that no two values have alike.
    pub fn texts(&self) -> Vec<(&'static str, Vec<String>)> {
        let ContainerMembers {
            flags,
            lists,
            hostname,
            devices,
            max_swap,
            swappiness,
            tmpfs,
            ulimits,
            volumes_from,
        } = self;
        let number = |number: &Option<u32>| number.iter().map(u32::to_string).collect();
        let devices = devices.iter().flat_map(|(host, device)| {
            let Device { path, permissions } = device;
            [
                host.clone(),
                path.clone().unwrap_or_default(),
                permissions.join(","),
            ]
        });
        let tmpfs = tmpfs
            .iter()
            .flat_map(|(path, options)| [path.clone(), options.join(",")]);
        let ulimits = ulimits
            .iter()
            .flat_map(|(name, Ulimit { soft, hard })| [name.clone(), soft.to_string(), hard.to_string()]);
        let volumes_from = volumes_from.iter().flat_map(|(name, read_only)| {
            let mode = if *read_only { "ro" } else { "rw" };
            [name.clone(), mode.to_owned()]
        });
        let flags = flags
            .iter()
            .map(|flag| (flag.as_str(), vec![flag.value().to_owned()]));
        let lists = lists.iter().map(|(list, texts)| (list.as_str(), texts.clone()));
        let others = [
            (HOSTNAME, hostname.iter().cloned().collect()),
            (DEVICES, devices.collect()),
            (MAX_SWAP, number(max_swap)),
            (SWAPPINESS, number(swappiness)),
            (TMPFS, tmpfs.collect()),
            (ULIMITS, ulimits.collect()),
            (VOLUMES_FROM, volumes_from.collect()),
        ];
        let all = flags.chain(lists).chain(others);
        all.filter(|(_, texts): &(_, Vec<String>)| !texts.is_empty())
            .collect()
    }
}

pub const HOSTNAME: &str = "hostname";
pub const DEVICES: &str = "linuxParameters.devices";
pub const MAX_SWAP: &str = "linuxParameters.maxSwap";
pub const SWAPPINESS: &str = "linuxParameters.swappiness";
pub const TMPFS: &str = "linuxParameters.tmpfs";
pub const ULIMITS: &str = "ulimits";
pub const VOLUMES_FROM: &str = "volumesFrom";

/// Returns the container that a link leads to: `db`, or `db:alias`.
pub fn linked(link: &str) -> &str {
    link.split_once(':').map_or(link, |(name, _)| name)
}

/// A member that is there or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Flag {
    DisableNetworking,
    Interactive,
    Privileged,
    PseudoTerminal,
    /// ECS does not look up the digest of the image.
    VersionInconsistency,
}

impl Flag {
    /// As AWS spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Flag::DisableNetworking => "disableNetworking",
            Flag::Interactive => "interactive",
            Flag::Privileged => "privileged",
            Flag::PseudoTerminal => "pseudoTerminal",
            Flag::VersionInconsistency => "versionConsistency",
        }
    }

    fn value(self) -> &'static str {
        match self {
            Flag::VersionInconsistency => "disabled",
            Flag::DisableNetworking | Flag::Interactive | Flag::Privileged | Flag::PseudoTerminal => "true",
        }
    }
}

/// A member that is a list of texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum List {
    /// In ascending order.
    AddedCapabilities,
    /// In ascending order.
    DroppedCapabilities,
    DnsSearchDomains,
    DnsServers,
    /// In ascending order.
    DockerSecurityOptions,
    Links,
}

impl List {
    /// As AWS spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            List::AddedCapabilities => "linuxParameters.capabilities.add",
            List::DroppedCapabilities => "linuxParameters.capabilities.drop",
            List::DnsSearchDomains => "dnsSearchDomains",
            List::DnsServers => "dnsServers",
            List::DockerSecurityOptions => "dockerSecurityOptions",
            List::Links => "links",
        }
    }
}

/// A device of the instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Device {
    /// The path in the container; `None`: as on the instance.
    pub path: Option<String>,
    /// As AWS spells them, in ascending order; none: all.
    pub permissions: Vec<String>,
}

/// A limit of the kernel; -1 is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ulimit {
    pub soft: i32,
    pub hard: i32,
}

/// The members of a task definition.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskMembers {
    pub pid_mode: Option<Namespace>,
    pub ipc_mode: Option<Namespace>,
    pub fault_injection: bool,
    /// Expressions of constraints `memberOf`.
    pub placement_constraints: Vec<String>,
}

impl TaskMembers {
    pub const fn none() -> Self {
        TaskMembers {
            pid_mode: None,
            ipc_mode: None,
            fault_injection: false,
            placement_constraints: Vec::new(),
        }
    }

    /// Returns what a task definition keeps of them.
    pub fn kept(self) -> Option<Box<Self>> {
        (self != TaskMembers::none()).then(|| Box::new(self))
    }

    /// Returns each that says something, by its name within a task definition.
    pub fn texts(&self) -> Vec<(&'static str, Vec<String>)> {
        let TaskMembers {
            pid_mode,
            ipc_mode,
            fault_injection,
            placement_constraints,
        } = self;
        let mode = |mode: &Option<Namespace>| mode.iter().map(|mode| mode.as_str().to_owned()).collect();
        let all = [
            (PID_MODE, mode(pid_mode)),
            (IPC_MODE, mode(ipc_mode)),
            (
                FAULT_INJECTION,
                fault_injection.then(|| "true".to_owned()).into_iter().collect(),
            ),
            (PLACEMENT_CONSTRAINTS, placement_constraints.clone()),
        ];
        let all = all.into_iter();
        all.filter(|(_, texts): &(_, Vec<String>)| !texts.is_empty())
            .collect()
    }
}

pub const PID_MODE: &str = "pidMode";
pub const IPC_MODE: &str = "ipcMode";
pub const FAULT_INJECTION: &str = "enableFaultInjection";
pub const PLACEMENT_CONSTRAINTS: &str = "placementConstraints";

/// The containers that share processes, or memory and semaphores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Namespace {
    /// All of the instance, and its own programs.
    Host,
    /// Those of the task.
    Task,
    /// Each has its own.
    None,
}

impl Namespace {
    /// As AWS spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Namespace::Host => "host",
            Namespace::Task => "task",
            Namespace::None => "none",
        }
    }
}

#[cfg(test)]
mod tests;
