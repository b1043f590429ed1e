//! The amounts of what a Platform can limit that an App asks for, may keep and has: by its manifest and its status alone.
//!
//! AWS is not asked, so that nothing exceeds a limit before it is known. What the manifest leaves to others, the count of a
//! process without `quantity`, is no growth of the App's, however large it is.

use std::collections::BTreeMap;

use super::content;
use super::exposure;
use super::load_balancing::container_ports;
use crate::api::app::{App, AppStatus, Counted, Process, ProcessStatus, TaskSize};
use crate::api::condition::{ConditionType, Reason};

/// Amounts of what a Platform can limit, as `tenancy.grants.limits` names them. CPU is in CPU units, memory in MiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    pub apps: u64,
    pub processes: u64,
    pub tasks: u64,
    pub cpu: u64,
    pub memory: u64,
    pub load_balancers: u64,
    pub host_ports: u64,
    pub schedules: u64,
}

impl Amounts {
    pub(super) fn plus(self, other: Self) -> Self {
        self.with(other, u64::saturating_add)
    }

    pub(super) fn minus(self, other: Self) -> Self {
        self.with(other, u64::saturating_sub)
    }

    /// Returns the larger of each.
    pub(super) fn or_more(self, other: Self) -> Self {
        self.with(other, u64::max)
    }

    fn or_less(self, other: Self) -> Self {
        self.with(other, u64::min)
    }

    /// Returns true if any is larger.
    fn exceeds(self, other: Self) -> bool {
        self.minus(other) != Amounts::default()
    }

    /// Returns the numbers of several, each with its name in a manifest.
    pub(super) fn each<const N: usize>(all: [Amounts; N]) -> [(&'static str, [u64; N]); 8] {
        [
            ("apps", all.map(|amounts| amounts.apps)),
            ("processes", all.map(|amounts| amounts.processes)),
            ("tasks", all.map(|amounts| amounts.tasks)),
            ("cpu", all.map(|amounts| amounts.cpu)),
            ("memory", all.map(|amounts| amounts.memory)),
            ("loadBalancers", all.map(|amounts| amounts.load_balancers)),
            ("hostPorts", all.map(|amounts| amounts.host_ports)),
            ("schedules", all.map(|amounts| amounts.schedules)),
        ]
    }

    fn with(self, other: Self, join: impl Fn(u64, u64) -> u64) -> Self {
        Amounts {
            apps: join(self.apps, other.apps),
            processes: join(self.processes, other.processes),
            tasks: join(self.tasks, other.tasks),
            cpu: join(self.cpu, other.cpu),
            memory: join(self.memory, other.memory),
            load_balancers: join(self.load_balancers, other.load_balancers),
            host_ports: join(self.host_ports, other.host_ports),
            schedules: join(self.schedules, other.schedules),
        }
    }
}

/// An App's usage of the limits of its namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The amounts that its manifest asks for.
    pub asks: Amounts,
    /// The amounts that it may have whatever the limits: it was let in with them, or had them before there were limits.
    pub keeps: Amounts,
    /// The amounts that it has, or may make at any time; with what is on its way out.
    pub holds: Amounts,
}

impl Usage {
    /// Returns the usage of an App at a Platform, where it is known which. Its status is an argument, since the controller may
    /// know a newer one.
    pub fn of(app: &App, status: Option<&AppStatus>, platform: Option<&str>) -> Self {
        let Parts {
            asks,
            scaled,
            keeps,
            keeps_scaled,
            holds,
        } = parts(app, status, platform);
        let keeps = keeps.plus(keeps_scaled);
        Usage {
            asks: asks.plus(scaled),
            keeps,
            holds: holds.or_more(keeps),
        }
    }

    /// Returns the usage of one task that is under way, and that nobody takes back.
    pub fn of_task(size: TaskSize) -> Self {
        let amounts = of_tasks((amount(size.cpu), amount(size.memory)), 1);
        Usage {
            asks: amounts,
            keeps: amounts,
            holds: amounts,
        }
    }

    /// Returns true if the App asks for more of anything than it may have whatever the limits.
    pub fn grows(&self) -> bool {
        self.asks.exceeds(self.keeps)
    }

    /// Returns true if the App takes less of anything than it did before.
    pub fn is_less_than(&self, before: &Usage) -> bool {
        before.asks.exceeds(self.asks) || before.holds.exceeds(self.holds)
    }
}

/// Returns the amounts that an App is let in with at a Platform, as its status keeps them.
pub fn counted(app: &App, status: Option<&AppStatus>, platform: &str) -> Counted {
    let before = status.and_then(|status| let_in_at(status, Some(platform)));
    // Of a suspended App nothing is made, and so nothing is let in that was not before.
    let sizes = match before {
        Some(before) if app.spec.suspend == Some(true) => before.sizes.clone(),
        Some(_) | None => sizes(app),
    };
    recorded(parts(app, status, Some(platform)).asks, sizes)
}

/// Returns the amounts that an App has from before there were limits, unless its status keeps any already: an App that is
/// refused keeps these, whatever its status shows later.
pub fn kept_amounts(app: &App, status: Option<&AppStatus>, platform: &str) -> Option<Counted> {
    if status.is_some_and(|status| let_in_at(status, Some(platform)).is_some()) {
        return None;
    }
    let keeps = parts(app, status, Some(platform)).keeps;
    (keeps.apps > 0).then(|| recorded(keeps, sizes(app)))
}

fn recorded(amounts: Amounts, sizes: BTreeMap<String, TaskSize>) -> Counted {
    let Amounts {
        apps: _,
        processes,
        tasks,
        cpu,
        memory,
        load_balancers,
        host_ports,
        schedules,
    } = amounts;
    Counted {
        processes: signed(processes),
        tasks: signed(tasks),
        cpu: signed(cpu),
        memory: signed(memory),
        load_balancers: signed(load_balancers),
        host_ports: signed(host_ports),
        schedules: signed(schedules),
        sizes,
    }
}

fn sizes(app: &App) -> BTreeMap<String, TaskSize> {
    let free = app.spec.processes.iter().filter(|(_, process)| is_free(process));
    let sized = free.map(|(name, process)| {
        let (cpu, memory) = size(process);
        let size = TaskSize {
            cpu: signed(cpu),
            memory: signed(memory),
        };
        (name.clone(), size)
    });
    sized.collect()
}

/// A usage with the tasks apart that others scale: of a process without `quantity`, all but the first.
struct Parts {
    asks: Amounts,
    /// As large as the manifest asks for.
    scaled: Amounts,
    keeps: Amounts,
    /// As large as they were let in.
    keeps_scaled: Amounts,
    holds: Amounts,
}

fn parts(app: &App, status: Option<&AppStatus>, platform: Option<&str>) -> Parts {
    let processes = status.map(|status| &*status.processes).unwrap_or_default();
    let has_any = processes.iter().any(is_there);
    let counted = status.and_then(|status| let_in_at(status, platform));
    // To be refused as it is gives no App a place.
    let apps = u64::from(counted.is_some() || has_any);
    let of_app = |apps: u64| Amounts {
        apps,
        ..Amounts::default()
    };
    let mut parts = Parts {
        asks: of_app(1),
        scaled: Amounts::default(),
        keeps: of_app(apps),
        keeps_scaled: Amounts::default(),
        holds: of_app(apps),
    };
    let shown: BTreeMap<&str, &ProcessStatus> = processes.iter().map(|shown| (&*shown.name, shown)).collect();
    for (name, process) in &app.spec.processes {
        let is_release = app
            .spec
            .release
            .as_ref()
            .is_some_and(|release| release.process == *name);
        let asks = asked(name, process, is_release);
        parts.asks = parts.asks.plus(asks);
        if let Some(shown) = shown.get(name.as_str()) {
            let more = scaled(process, shown);
            let scaled = of_tasks(size(process), more);
            parts.scaled = parts.scaled.plus(scaled);
            let kept = counted.map_or(scaled, |counted| {
                // One that had a `quantity` is let in with all its tasks.
                let size = counted.sizes.get(name);
                size.map(|size| of_tasks((amount(size.cpu), amount(size.memory)), more))
                    .unwrap_or_default()
            });
            parts.keeps_scaled = parts.keeps_scaled.plus(kept);
            let has = has(Some(process), shown);
            parts.keeps = parts.keeps.plus(has.minus(scaled).or_less(asks));
        }
    }
    for shown in processes {
        let has = has(app.spec.processes.get(&shown.name), shown);
        let retiring = Amounts {
            load_balancers: number(shown.retiring.len()),
            ..Amounts::default()
        };
        parts.holds = parts.holds.plus(has).plus(retiring);
    }
    if let Some(counted) = counted {
        parts.keeps = let_in_with(counted, apps);
    } else if status.is_some_and(|status| is_as_it_was(app, status, platform, has_any)) {
        parts.keeps = parts.asks;
    }
    if app.metadata.deletion_timestamp.is_some() {
        (parts.asks, parts.scaled) = Default::default();
    } else if app.spec.suspend == Some(true) {
        // Nothing is made of it before it goes on, and only then it is let in or not.
        parts.asks = Amounts {
            apps: 1,
            ..parts.keeps
        };
        parts.scaled = parts.keeps_scaled;
    }
    parts
}

/// Returns what an App was let in with at a Platform: at another one, nothing is left of it.
fn let_in_at<'a>(status: &'a AppStatus, platform: Option<&str>) -> Option<&'a Counted> {
    status.counted.as_ref().filter(|_| is_at(status, platform))
}

fn is_at(status: &AppStatus, platform: Option<&str>) -> bool {
    let known = status.platform.as_ref();
    platform.is_none_or(|platform| known.is_some_and(|known| known.name == platform))
}

/// Returns true if the manifest is the one that the App was made by before there were limits: what is missing of it is to be
/// repaired.
fn is_as_it_was(app: &App, status: &AppStatus, platform: Option<&str>, has_any: bool) -> bool {
    let ready = ConditionType::Ready.find(&status.conditions);
    let is_refused = ready.is_some_and(|ready| {
        [Reason::NotAllowed, Reason::InvalidSpec]
            .iter()
            .any(|reason| ready.reason == reason.as_str())
    });
    let is_ready = ConditionType::Ready.is_true(&status.conditions);
    Some(status.observed_generation) == app.metadata.generation
        && status.platform.is_some()
        && is_at(status, platform)
        && (is_ready || has_any && !is_refused)
}

fn let_in_with(counted: &Counted, apps: u64) -> Amounts {
    Amounts {
        apps,
        processes: amount(counted.processes),
        tasks: amount(counted.tasks),
        cpu: amount(counted.cpu),
        memory: amount(counted.memory),
        load_balancers: amount(counted.load_balancers),
        host_ports: amount(counted.host_ports),
        schedules: amount(counted.schedules),
    }
}

/// Returns what one process asks for: of a schedule and of the release phase the one task that is started each time, and of a
/// process without `quantity` the first task.
fn asked(name: &str, process: &Process, is_release: bool) -> Amounts {
    let (tasks, ports) = match (process.noservice, &process.cron) {
        (Some(true), _) => (u64::from(is_release), Vec::new()),
        (_, Some(_)) => (1, Vec::new()),
        (_, None) => {
            let quantity = process.quantity.or(most(process)).unwrap_or(1);
            let ports = exposure(name, process).as_ref().map(container_ports);
            (quantity.try_into().unwrap_or_default(), ports.unwrap_or_default())
        }
    };
    Amounts {
        processes: 1,
        load_balancers: u64::from(!ports.is_empty()),
        host_ports: number(ports.len()),
        schedules: u64::from(process.cron.is_some()),
        ..of_tasks(size(process), tasks)
    }
}

/// Returns what the status shows of a process, one that is being removed included: its size is not known any more.
fn has(process: Option<&Process>, shown: &ProcessStatus) -> Amounts {
    // One without `quantity` that was scaled to nothing may have a task again.
    let least = u64::from(
        shown.rollout.is_some()
            && process.is_some_and(|process| process.quantity.is_none() && process.scale.is_none()),
    );
    let schedules = u64::from(shown.schedule.is_some());
    Amounts {
        processes: u64::from(shown.task_definition.is_some()),
        load_balancers: u64::from(shown.load_balancer.is_some()),
        host_ports: number(shown.host_ports.len()),
        schedules,
        ..of_tasks(
            process.map(size).unwrap_or_default(),
            desired(shown).max(least).saturating_add(schedules),
        )
    }
}

/// Returns true if the status shows anything of a process in AWS.
fn is_there(shown: &ProcessStatus) -> bool {
    !shown.retiring.is_empty() || has(None, shown) != Amounts::default()
}

/// Returns the number of tasks that others have scaled a process to, beyond the first one.
fn scaled(process: &Process, shown: &ProcessStatus) -> u64 {
    if is_free(process) {
        desired(shown).saturating_sub(1)
    } else {
        0
    }
}

/// Returns true if the manifest leaves the number of tasks to others.
fn is_free(process: &Process) -> bool {
    process.quantity.is_none()
        && process.scale.is_none()
        && process.cron.is_none()
        && process.noservice != Some(true)
}

/// Returns the most tasks that AWS may scale a process to, at any time.
fn most(process: &Process) -> Option<i32> {
    let scale = process.scale.as_ref()?;
    let later = scale.schedules.iter().filter_map(|schedule| schedule.max);
    Some(later.fold(scale.max, i32::max))
}

fn desired(shown: &ProcessStatus) -> u64 {
    shown.desired.try_into().unwrap_or_default()
}

/// Returns so many tasks of so many CPU units and MiB each.
fn of_tasks((cpu, memory): (u64, u64), tasks: u64) -> Amounts {
    Amounts {
        tasks,
        cpu: tasks.saturating_mul(cpu),
        memory: tasks.saturating_mul(memory),
        ..Amounts::default()
    }
}

/// CPU units and MiB of one task. A size that makes no sense is refused elsewhere.
fn size(process: &Process) -> (u64, u64) {
    let memory = content::memory(process).unwrap_or(content::DEFAULT_MEMORY);
    (content::cpu(process).into(), memory.into())
}

fn amount(number: i64) -> u64 {
    number.try_into().unwrap_or_default()
}

fn signed(amount: u64) -> i64 {
    amount.try_into().unwrap_or(i64::MAX)
}

fn number(count: usize) -> u64 {
    count.try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
