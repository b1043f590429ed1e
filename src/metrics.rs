//! The series of `/metrics`: counted where something happens, and gauges that a scrape takes from the caches.
//!
//! Labels have few values: never an App or a namespace, unless `--metrics-per-app` asks for it. Where controller-runtime
//! and client-go have a name for it, it has that name here. `docs/reference/metrics.md` lists all of them.

mod gauges;
mod labels;
mod text;

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};

pub use self::gauges::{Gauges, QueueState};
pub use self::labels::{AwsResult, BatchResult, Conflict, Controller, PassResult, RolloutStep};
pub use self::text::Format;

type Seconds = Gauge<f64, AtomicU64>;
type Timed<L> = Family<L, Histogram, fn() -> Histogram>;

/// One attempt at an AWS call.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// The action as IAM names it, such as `ecs:CreateService`.
    pub action: &'static str,
    pub is_read: bool,
    pub result: AwsResult,
    pub took: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfController {
    controller: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reconcile {
    controller: &'static str,
    result: &'static str,
}

/// controller-runtime gives a queue its controller's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfQueue {
    name: &'static str,
    controller: &'static str,
}

impl OfQueue {
    fn new(controller: Controller) -> Self {
        OfQueue {
            name: controller.as_str(),
            controller: controller.as_str(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AwsRequest {
    service: &'static str,
    operation: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AwsLatency {
    service: &'static str,
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RestRequest {
    code: String,
    method: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfPlatform {
    platform: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Rollouts {
    platform: String,
    step: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Repairs {
    platform: String,
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Conflicts {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Batches {
    result: &'static str,
}

/// Everything that is measured. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    series: Series,
    gauges: Mutex<Shown>,
}

/// The gauges, and what sets them at each scrape.
struct Shown {
    gauges: Gauges,
    source: Option<Source>,
}

type Source = Box<dyn Fn(&Gauges) + Send>;

struct Series {
    reconciles: Family<Reconcile, Counter>,
    reconcile_errors: Family<OfController, Counter>,
    reconcile_time: Timed<OfController>,
    queue_time: Timed<OfQueue>,
    aws_requests: Family<AwsRequest, Counter>,
    aws_latency: Timed<AwsLatency>,
    rest_requests: Family<RestRequest, Counter>,
    rollouts: Family<Rollouts, Counter>,
    edit_to_ready: Timed<OfPlatform>,
    repairs: Family<Repairs, Counter>,
    conflicts: Family<Conflicts, Counter>,
    record_batches: Family<Batches, Counter>,
    record_batch_names: Histogram,
    record_wait: Histogram,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Metrics")
    }
}

impl Metrics {
    /// Makes all series, those of single Apps only if `per_app` is set: there are as many of those as there are Apps.
    pub fn new(per_app: bool) -> Self {
        let mut registry = Registry::default();
        let version = [("version", env!("CARGO_PKG_VERSION"))].to_vec();
        registry.register("empire_build", "The version that runs", Info::new(version));
        let series = Series::new(&mut registry);
        let gauges = Gauges::new(&mut registry, per_app);
        Metrics(Arc::new(Inner {
            registry,
            series,
            gauges: Mutex::new(Shown { gauges, source: None }),
        }))
    }

    /// Sets what fills the gauges at each scrape. They are empty before it is called.
    pub fn show(&self, source: impl Fn(&Gauges) + Send + 'static) {
        let mut shown = self.0.gauges.lock().unwrap_or_else(PoisonError::into_inner);
        shown.source = Some(Box::new(source));
    }

    /// Writes all series as they are now.
    pub fn text(&self, format: Format) -> Result<String, fmt::Error> {
        // Held to the end, so that two scrapes do not empty each other's gauges.
        let shown = self.0.gauges.lock().unwrap_or_else(PoisonError::into_inner);
        shown.gauges.clear();
        if let Some(source) = &shown.source {
            source(&shown.gauges);
        }
        format.encode(&self.0.registry)
    }

    /// Counts a pass that has ended.
    pub fn reconciled(&self, controller: Controller, result: PassResult, took: Duration) {
        let series = &self.0.series;
        let controller = controller.as_str();
        series
            .reconciles
            .get_or_create(&Reconcile {
                controller,
                result: result.as_str(),
            })
            .inc();
        if result == PassResult::Error {
            series
                .reconcile_errors
                .get_or_create(&OfController { controller })
                .inc();
        }
        series
            .reconcile_time
            .get_or_create(&OfController { controller })
            .observe(took.as_secs_f64());
    }

    /// Notes for how long a pass waited for its slot since it was due.
    pub fn waited(&self, controller: Controller, waited: Duration) {
        let queue_time = &self.0.series.queue_time;
        queue_time
            .get_or_create(&OfQueue::new(controller))
            .observe(waited.as_secs_f64());
    }

    /// Counts an attempt at an AWS call.
    pub fn attempted(&self, attempt: Attempt) {
        let Attempt {
            action,
            is_read,
            result,
            took,
        } = attempt;
        let (service, operation) = action.split_once(':').unwrap_or(("", action));
        let series = &self.0.series;
        series
            .aws_requests
            .get_or_create(&AwsRequest {
                service,
                operation,
                result: result.as_str(),
            })
            .inc();
        let kind = if is_read { "read" } else { "write" };
        series
            .aws_latency
            .get_or_create(&AwsLatency { service, kind })
            .observe(took.as_secs_f64());
    }

    /// Counts a request to the API server: its method, and the status of its reply, `<error>` without one.
    pub fn asked_kubernetes(&self, method: &str, code: Option<u16>) {
        let code = code.map_or_else(|| "<error>".into(), |code| code.to_string());
        let method = method.to_owned();
        let requests = &self.0.series.rest_requests;
        requests.get_or_create(&RestRequest { code, method }).inc();
    }

    /// Counts a step of a rollout at a Platform.
    pub fn rolled(&self, platform: &str, step: RolloutStep) {
        let (platform, step) = (platform.into(), step.as_str());
        let rollouts = &self.0.series.rollouts;
        rollouts.get_or_create(&Rollouts { platform, step }).inc();
    }

    /// Notes how long an App took from when this replica, leading, first saw its generation until it was Ready.
    pub fn edit_was_ready(&self, platform: &str, took: Duration) {
        let platform = platform.into();
        let edits = &self.0.series.edit_to_ready;
        edits
            .get_or_create(&OfPlatform { platform })
            .observe(took.as_secs_f64());
    }

    /// Counts a write for an App that nobody had edited: drift. `kind` is the noun of what was written.
    pub fn repaired(&self, platform: &str, kind: &'static str) {
        let platform = platform.into();
        let repairs = &self.0.series.repairs;
        repairs.get_or_create(&Repairs { platform, kind }).inc();
    }

    /// Counts something that was found to belong to another.
    pub fn conflicted(&self, conflict: Conflict) {
        let kind = conflict.as_str();
        self.0.series.conflicts.get_or_create(&Conflicts { kind }).inc();
    }

    /// Counts a batch of DNS names that was sent.
    pub fn sent_records(&self, result: BatchResult, names: usize) {
        let (series, result) = (&self.0.series, result.as_str());
        series.record_batches.get_or_create(&Batches { result }).inc();
        let names = u32::try_from(names).unwrap_or(u32::MAX);
        series.record_batch_names.observe(names.into());
    }

    /// Notes how long the change of a DNS name has waited until Route 53 took it.
    pub fn record_waited(&self, waited: Duration) {
        self.0.series.record_wait.observe(waited.as_secs_f64());
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new(false)
    }
}

impl Series {
    fn new(registry: &mut Registry) -> Self {
        Series {
            reconciles: register(
                registry,
                "controller_runtime_reconcile",
                "Passes that have ended: `success` until the resync, `requeue_after` while something is pending, `requeue` where the slot was given to another, `error` where something failed",
                Family::default(),
            ),
            reconcile_errors: register(
                registry,
                "controller_runtime_reconcile_errors",
                "Passes in which something failed",
                Family::default(),
            ),
            reconcile_time: register(
                registry,
                "controller_runtime_reconcile_time_seconds",
                "Time that a pass took",
                Family::new_with_constructor(pass_time),
            ),
            queue_time: register(
                registry,
                "workqueue_queue_duration_seconds",
                "Time that a pass waited for a slot, from when it was due",
                Family::new_with_constructor(pass_time),
            ),
            aws_requests: register(
                registry,
                "empire_aws_requests",
                "Requests to AWS, each attempt of a call counted: `ok`, `absent`, `pending`, `stale`, `throttled`, `transient`, `denied`, `refused` or `bug`",
                Family::default(),
            ),
            aws_latency: register(
                registry,
                "empire_aws_request_duration_seconds",
                "Time that a request to AWS took, by service and `read` or `write`",
                Family::new_with_constructor(call_time),
            ),
            rest_requests: register(
                registry,
                "rest_client_requests",
                "Requests to the Kubernetes API server, `<error>` where no reply came",
                Family::default(),
            ),
            rollouts: register(
                registry,
                "empire_rollouts",
                "Rollouts of services that were `started`, `completed`, `failed` or `rolled_back`",
                Family::default(),
            ),
            edit_to_ready: register(
                registry,
                "empire_edit_to_ready_seconds",
                "Time from when a leader first saw a generation of an App until that was Ready; a generation that another replaces before is not counted",
                Family::new_with_constructor(ready_time),
            ),
            repairs: register(
                registry,
                "empire_repairs",
                "Writes that brought back what somebody else had changed in AWS, since nobody had edited the App or its Platform; by the kind of what was written",
                Family::default(),
            ),
            conflicts: register(
                registry,
                "empire_conflicts",
                "Names, records and port ranges found to belong to another `owner`; and claims of a `host_port` that another had claimed a moment before",
                Family::default(),
            ),
            record_batches: register(
                registry,
                "empire_record_batches",
                "Batches of DNS names that were sent to Route 53: `ok`, `refused` for one of their names, or `failed` as a whole",
                Family::default(),
            ),
            record_batch_names: register(
                registry,
                "empire_record_batch_names",
                "DNS names in a batch that was sent to Route 53",
                Histogram::new([1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0]),
            ),
            record_wait: register(
                registry,
                "empire_record_wait_seconds",
                "Time from when the change of a DNS name was ready until Route 53 took it",
                Histogram::new([2.5, 3.0, 4.0, 5.0, 10.0, 30.0, 60.0, 300.0]),
            ),
        }
    }
}

fn register<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

/// Up to the pass deadline of ten minutes.
fn pass_time() -> Histogram {
    Histogram::new([
        0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 180.0, 600.0,
    ])
}

/// Up to the time-out of an attempt, 20 s.
fn call_time() -> Histogram {
    Histogram::new([0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 20.0])
}

/// From an edit without a rollout to one that drains slowly.
fn ready_time() -> Histogram {
    Histogram::new([
        1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 180.0, 300.0, 600.0, 900.0, 1800.0, 3600.0,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauges_are_those_of_this_scrape_and_counters_stay() {
        let metrics = Metrics::new(false);
        metrics.rolled("staging", RolloutStep::Started);
        metrics.show(|gauges| {
            gauges.queue(
                Controller::App,
                &QueueState {
                    waiting: vec![("edit", 2, Duration::from_secs(3))],
                    ..QueueState::default()
                },
            );
        });
        for _ in 0..2 {
            let text = metrics.text(Format::Prometheus).unwrap();
            for line in [
                "empire_rollouts_total{platform=\"staging\",step=\"started\"} 1",
                "workqueue_depth{name=\"app\",controller=\"app\",priority=\"edit\"} 2",
            ] {
                assert!(text.lines().any(|found| found == line), "{line}\n{text}");
            }
        }
        metrics.show(|_| {});
        let text = metrics.text(Format::Prometheus).unwrap();
        assert!(!text.contains("workqueue_depth"), "{text}");
    }
}
