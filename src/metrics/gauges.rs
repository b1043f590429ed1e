//! The gauges: what the caches and queues show when somebody scrapes. Nothing here is counted up or down by hand.

mod lines;
mod runs;

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use self::lines::Lines;
use self::runs::Runs;
use super::{Controller, OfController, OfPlatform, OfQueue, Seconds, register};
use crate::api::app::{App, RolloutStatus};
use crate::api::condition::{ConditionType, Reason};
use crate::api::platform::Platform;
use crate::api::run::RunPhase;
use crate::budget::State;

/// Stands for a reason where there is no condition yet.
const UNSEEN: &str = "Unseen";
/// Stands for a reason of another version of the controller.
const OTHER: &str = "Other";

/// The state of a queue.
#[derive(Clone, Debug, Default)]
pub struct QueueState {
    /// By rank: the number of objects that wait for a slot, and for how long the first of them has.
    pub waiting: Vec<(&'static str, usize, Duration)>,
    /// The times that the passes under way have taken so far.
    pub running: Vec<Duration>,
    pub slots: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ranked {
    name: &'static str,
    controller: &'static str,
    priority: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Apps {
    platform: String,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfReason {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Processes {
    platform: String,
    rollout: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfLease {
    name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfList {
    list: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OneApp {
    namespace: String,
    name: String,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Tasks {
    namespace: String,
    name: String,
    process: String,
    state: &'static str,
}

/// The gauges, which are empty at the beginning of each scrape.
pub struct Gauges {
    per_app: bool,
    workers: Family<OfController, Gauge>,
    slots: Family<OfController, Gauge>,
    depth: Family<Ranked, Gauge>,
    oldest: Family<Ranked, Seconds>,
    unfinished: Family<OfQueue, Seconds>,
    longest: Family<OfQueue, Seconds>,
    apps: Family<Apps, Gauge>,
    not_ready: Family<OfReason, Seconds>,
    deleting: Family<OfReason, Seconds>,
    platforms: Family<OfReason, Gauge>,
    processes: Family<Processes, Gauge>,
    ports_allocated: Family<OfPlatform, Gauge>,
    ports_free: Family<OfPlatform, Gauge>,
    leader: Family<OfLease, Gauge>,
    inventory: Family<OfList, Seconds>,
    resync: Seconds,
    names_waiting: Gauge,
    lines: Lines,
    runs: Runs,
    app_ready: Family<OneApp, Gauge>,
    app_tasks: Family<Tasks, Gauge>,
}

impl Gauges {
    pub(super) fn new(registry: &mut Registry, per_app: bool) -> Self {
        Gauges {
            per_app,
            workers: gauge(registry, "controller_runtime_active_workers", "Passes under way"),
            slots: gauge(
                registry,
                "controller_runtime_max_concurrent_reconciles",
                "Passes that may be under way at a time: `--concurrency`",
            ),
            depth: gauge(
                registry,
                "workqueue_depth",
                "Objects that wait for a slot, by rank: `edit`, `deletion`, `repair` or `resync`",
            ),
            oldest: gauge(
                registry,
                "empire_queue_oldest_seconds",
                "Time for which the first object of each rank has waited for a slot",
            ),
            unfinished: gauge(
                registry,
                "workqueue_unfinished_work_seconds",
                "Time that the passes under way have taken so far, together",
            ),
            longest: gauge(
                registry,
                "workqueue_longest_running_processor_seconds",
                "Time that the longest pass under way has taken so far",
            ),
            apps: gauge(
                registry,
                "empire_apps",
                "Apps, by Platform and by the reason of their condition Ready; `Unseen` without one",
            ),
            not_ready: gauge(
                registry,
                "empire_apps_longest_not_ready_seconds",
                "Time for which the first of the Apps that are not Ready for this reason has not been Ready",
            ),
            deleting: gauge(
                registry,
                "empire_apps_longest_deleting_seconds",
                "Time since the first of the Apps that are being deleted, and say this reason, was to go",
            ),
            platforms: gauge(
                registry,
                "empire_platforms",
                "Platforms, by the reason of their condition Ready; `Unseen` without one",
            ),
            processes: gauge(
                registry,
                "empire_processes",
                "Processes, by Platform and by the state of their newest rollout; `None` without a service",
            ),
            ports_allocated: gauge(
                registry,
                "empire_host_ports_allocated",
                "Host ports that are held, inside the range of the Platform or outside",
            ),
            ports_free: gauge(
                registry,
                "empire_host_ports_free",
                "Host ports of the range of the Platform that can still be claimed",
            ),
            inventory: gauge(
                registry,
                "empire_inventory_age_seconds",
                "Age of the oldest list of AWS by which Apps are compared: of `services`, `load_balancers`, `records`, `schedules` or `secrets`; only where this replica leads",
            ),
            resync: register(
                registry,
                "empire_resync_interval_seconds",
                "The interval at which each list of AWS is read: `--resync-interval`",
                Seconds::default(),
            ),
            names_waiting: register(
                registry,
                "empire_record_names_waiting",
                "Changes of DNS names that wait to be sent to Route 53 with others, or are on their way",
                Gauge::default(),
            ),
            lines: Lines::new(registry),
            runs: Runs::new(registry),
            leader: gauge(
                registry,
                "leader_election_master_status",
                "1 if this replica holds the Lease of that name, else 0: one Lease for each AWS account, and one for Apps without a Platform",
            ),
            app_ready: gauge(
                registry,
                "empire_app_ready",
                "1 if the App is Ready, else 0; only with `--metrics-per-app`, and without bound: one for each App",
            ),
            app_tasks: gauge(
                registry,
                "empire_app_tasks",
                "Tasks that are `desired`, `running` or `pending`; only with `--metrics-per-app`, and without bound: three for each process",
            ),
        }
    }

    pub(super) fn clear(&self) {
        let Gauges {
            per_app: _,
            workers,
            slots,
            depth,
            oldest,
            unfinished,
            longest,
            apps,
            not_ready,
            deleting,
            platforms,
            processes,
            ports_allocated,
            ports_free,
            leader,
            inventory,
            resync: _,
            names_waiting: _,
            lines,
            runs,
            app_ready,
            app_tasks,
        } = self;
        workers.clear();
        slots.clear();
        depth.clear();
        oldest.clear();
        unfinished.clear();
        longest.clear();
        apps.clear();
        not_ready.clear();
        deleting.clear();
        platforms.clear();
        processes.clear();
        ports_allocated.clear();
        ports_free.clear();
        leader.clear();
        inventory.clear();
        lines.clear();
        runs.clear();
        app_ready.clear();
        app_tasks.clear();
    }

    /// Shows the queue of a controller.
    pub fn queue(&self, controller: Controller, state: &QueueState) {
        let queue = OfQueue::new(controller);
        for (priority, length, oldest) in &state.waiting {
            let ranked = Ranked {
                name: queue.name,
                controller: queue.controller,
                priority,
            };
            self.depth.get_or_create(&ranked).set(number(*length));
            self.oldest.get_or_create(&ranked).set(oldest.as_secs_f64());
        }
        let of = OfController {
            controller: queue.controller,
        };
        self.workers.get_or_create(&of).set(number(state.running.len()));
        self.slots.get_or_create(&of).set(number(state.slots));
        let unfinished: Duration = state.running.iter().sum();
        self.unfinished
            .get_or_create(&queue)
            .set(unfinished.as_secs_f64());
        let longest = state.running.iter().max().copied().unwrap_or_default();
        self.longest.get_or_create(&queue).set(longest.as_secs_f64());
    }

    /// Shows a Lease, and if this replica holds it.
    pub fn leader(&self, lease: &str, is_held: bool) {
        let name = lease.to_owned();
        self.leader.get_or_create(&OfLease { name }).set(is_held.into());
    }

    /// Shows the interval at which lists are read.
    pub fn resync(&self, interval: Duration) {
        self.resync.set(interval.as_secs_f64());
    }

    /// Shows how many changes of DNS names are not answered yet.
    pub fn names_waiting(&self, names: usize) {
        self.names_waiting.set(i64::try_from(names).unwrap_or(i64::MAX));
    }

    /// Shows AWS's buckets, and their lines.
    pub fn buckets(&self, states: &[State], now: Timestamp) {
        self.lines.show(states, now);
    }

    /// Shows the age of the oldest list of a kind.
    pub fn inventory(&self, list: &'static str, age: Duration) {
        self.inventory
            .get_or_create(&OfList { list })
            .set(age.as_secs_f64());
    }

    /// Adds an App, as its status has it.
    pub fn app(&self, app: &App, now: Timestamp) {
        let status = app.status.as_ref();
        let platform = status.and_then(|status| status.platform.as_ref());
        let platform = platform.map(|platform| platform.name.clone()).unwrap_or_default();
        let ready = ready(status.map(|status| status.conditions.as_slice()));
        let reason = reason_of(ready);
        self.apps
            .get_or_create(&Apps {
                platform: platform.clone(),
                reason,
            })
            .inc();
        let is_ready = ready.is_some_and(|ready| ready.status == "True");
        if !is_ready {
            let since = ready.map(|ready| ready.last_transition_time.0);
            let since = since.or_else(|| app.metadata.creation_timestamp.as_ref().map(|time| time.0));
            let age = since.map_or(0.0, |since| now.duration_since(since).as_secs_f64());
            let longest = self.not_ready.get_or_create(&OfReason { reason });
            longest.set(longest.get().max(age));
        }
        if let Some(deleted) = &app.metadata.deletion_timestamp {
            let longest = self.deleting.get_or_create(&OfReason { reason });
            longest.set(longest.get().max(now.duration_since(deleted.0).as_secs_f64()));
        }
        let processes = status.into_iter().flat_map(|status| &status.processes);
        for process in processes.clone() {
            let rollout = rollout(process.rollout);
            self.processes
                .get_or_create(&Processes {
                    platform: platform.clone(),
                    rollout,
                })
                .inc();
        }
        if !self.per_app {
            return;
        }
        let namespace = app.metadata.namespace.clone().unwrap_or_default();
        let name = app.metadata.name.clone().unwrap_or_default();
        let one = OneApp {
            namespace: namespace.clone(),
            name: name.clone(),
            reason,
        };
        self.app_ready.get_or_create(&one).set(is_ready.into());
        for process in processes {
            let counts = [
                ("desired", process.desired),
                ("running", process.running),
                ("pending", process.pending),
            ];
            for (state, tasks) in counts {
                let of = Tasks {
                    namespace: namespace.clone(),
                    name: name.clone(),
                    process: process.name.clone(),
                    state,
                };
                self.app_tasks.get_or_create(&of).set(tasks.into());
            }
        }
    }

    /// Adds a Run, as its status has it, which was made at that time.
    pub fn run(&self, phase: Option<RunPhase>, reason: Option<Reason>, made: Timestamp, now: Timestamp) {
        self.runs.add(phase, reason, made, now);
    }

    /// Adds an App that cannot be read, which its status calls an invalid one.
    pub fn undecodable_app(&self) {
        let reason = Reason::InvalidSpec.as_str();
        let platform = String::new();
        self.apps.get_or_create(&Apps { platform, reason }).inc();
    }

    /// Adds a Platform, as its status has it.
    pub fn platform(&self, platform: &Platform) {
        let status = platform.status.as_ref();
        let reason = reason_of(ready(status.map(|status| status.conditions.as_slice())));
        self.platforms.get_or_create(&OfReason { reason }).inc();
        if let Some(ports) = status.and_then(|status| status.host_ports.as_ref()) {
            let platform = platform.metadata.name.clone().unwrap_or_default();
            let of = OfPlatform { platform };
            self.ports_allocated
                .get_or_create(&of)
                .set(ports.allocated.into());
            self.ports_free.get_or_create(&of).set(ports.available.into());
        }
    }
}

fn gauge<L, G>(registry: &mut Registry, name: &str, help: &str) -> Family<L, G>
where
    Family<L, G>: prometheus_client::registry::Metric + Default + Clone,
{
    register(registry, name, help, Family::default())
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn ready(conditions: Option<&[Condition]>) -> Option<&Condition> {
    ConditionType::Ready.find(conditions?)
}

/// Returns one of the closed list, so that whatever a status says, there are no more series than reasons.
fn reason_of(ready: Option<&Condition>) -> &'static str {
    let Some(ready) = ready else {
        return UNSEEN;
    };
    Reason::named(&ready.reason).map_or(OTHER, Reason::as_str)
}

fn rollout(rollout: Option<RolloutStatus>) -> &'static str {
    match rollout {
        Some(RolloutStatus::InProgress) => "InProgress",
        Some(RolloutStatus::Completed) => "Completed",
        Some(RolloutStatus::Failed) => "Failed",
        Some(RolloutStatus::RolledBack) => "RolledBack",
        None => "None",
    }
}
