//! Passes of a test, which begin and end as it says.

use std::future;

use kube::core::DeserializeGuard;
use kube::runtime::reflector::store::Writer;
use kube::runtime::{reflector, watcher};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::*;
use crate::controller::packed::PackedApp;
use crate::desired::fixtures::app_with;
use crate::metrics::Format;

/// A pass that has begun, and goes on until the test ends it.
struct Began {
    object: String,
    version: String,
    end: oneshot::Sender<Requeue>,
}

struct Stage {
    turns: Arc<Turns>,
    writer: Writer<PackedApp>,
    began: mpsc::UnboundedReceiver<Began>,
    stop: Option<oneshot::Sender<()>>,
    metrics: Metrics,
    dispatch: JoinHandle<()>,
    version: u64,
}

impl Stage {
    fn new(all: usize) -> Self {
        Stage::filled_with(all, future::ready(true))
    }

    /// All caches are filled once the future resolves.
    fn filled_with(all: usize, all_filled: impl Future<Output = bool> + Send + 'static) -> Self {
        let (store, mut writer) = reflector::store::<PackedApp>();
        writer.apply_watcher_event(&watcher::Event::Init);
        writer.apply_watcher_event(&watcher::Event::InitDone);
        let (slots, metrics) = (
            Slots {
                all,
                keeps_last: true,
            },
            Metrics::default(),
        );
        let turns = Arc::new(Turns::new(slots, Controller::App, &metrics));
        let (begins, began) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let pass = move |app: Arc<PackedApp>| {
            let (end, ended) = oneshot::channel();
            let (object, version) = (object_of(&*app).to_string(), app.resource_version().unwrap());
            begins.send(Began { object, version, end }).unwrap();
            // A pass that the test drops panics.
            async move { Ok(Ended::from(ended.await.unwrap())) }
        };
        let shared = turns.clone();
        let dispatch = tokio::spawn(async move {
            let (_filled, filled) = watch::channel(true);
            let again = |_: &str, error: &Error| {
                assert!(error.to_string().contains("panicked"), "{error}");
                Requeue::After(Duration::ZERO)
            };
            let stopped = stopped.map(|_| ());
            let source = Source {
                store: &store,
                filled,
                all_filled,
            };
            let fence = Fence::new("empire".into(), Duration::MAX);
            let lead = |app: &PackedApp| (app.name_any() != "another-replicas").then(|| fence.clone());
            dispatch(&shared, source, (Duration::MAX, lead), pass, again, stopped).await;
        });
        let stop = Some(stop);
        Stage {
            turns,
            writer,
            began,
            stop,
            metrics,
            dispatch,
            version: 0,
        }
    }

    /// Somebody makes or edits an App.
    fn edit(&mut self, text: &str) {
        self.change(text, Rank::Edit, json!({}));
    }

    fn delete(&mut self, text: &str) {
        let metadata = json!({ "deletionTimestamp": "2026-01-02T03:04:05Z" });
        self.change(text, Rank::Deletion, metadata);
    }

    fn change(&mut self, text: &str, rank: Rank, mut metadata: Value) {
        self.version += 1;
        let (namespace, name) = text.split_once('/').unwrap();
        metadata["namespace"] = json!(namespace);
        metadata["name"] = json!(name);
        metadata["resourceVersion"] = json!(self.version.to_string());
        let app = PackedApp::from(DeserializeGuard(Ok(app_with(json!({ "metadata": metadata })))));
        let object = object_of(&app);
        self.writer.apply_watcher_event(&watcher::Event::Apply(app));
        self.turns.changed(&object, rank, Some(self.version));
    }

    async fn begins(&mut self) -> Began {
        let began = tokio::time::timeout(Duration::from_mins(1), self.began.recv());
        began.await.expect("no pass begins").unwrap()
    }
}

#[tokio::test]
async fn beside_a_storm_whose_passes_do_not_end_an_edit_of_another_namespace_begins() {
    let mut stage = Stage::new(8);
    for number in 0..120 {
        stage.edit(&format!("storm/{number}"));
    }
    let mut storm = Vec::new();
    for _ in 0..7 {
        storm.push(stage.begins().await);
    }
    let one = Object {
        namespace: "storm".into(),
        name: "0".into(),
    };
    assert!(!stage.turns.is_over(&one, WRITING / 2));
    assert!(stage.turns.is_over(&one, WRITING));
    stage.edit("calm/acme");
    let calm = stage.begins().await;
    assert_eq!(calm.object, "calm/acme");
    let shown = stage.turns.state();
    assert_eq!((shown.running.len(), shown.slots), (8, 8));
    assert_eq!(
        shown
            .waiting
            .iter()
            .map(|(rank, length, _)| (*rank, *length))
            .collect::<Vec<_>>(),
        [("edit", 113), ("deletion", 0), ("repair", 0), ("resync", 0)]
    );
    let report = stage.turns.report();
    assert_eq!((&report["running"], &report["slots"]), (&json!(8), &json!(8)));
    assert_eq!(report["waiting"]["edits"]["length"], 113);
    assert!(
        !stage.turns.is_over(&one, WRITING),
        "the last slot is for a third"
    );
    for began in storm.into_iter().chain([calm]) {
        began.end.send(Requeue::Never).unwrap();
    }
}

#[tokio::test]
async fn what_another_replica_leads_holds_no_slot_and_does_not_wait() {
    let mut stage = Stage::new(1);
    stage.edit("shop/another-replicas");
    stage.edit("shop/ours");
    assert_eq!(stage.begins().await.object, "shop/ours");
    assert_eq!(stage.turns.report()["waiting"]["edits"]["length"], 0);
}

#[tokio::test]
async fn an_edit_while_a_pass_runs_is_taken_by_exactly_one_more() {
    let mut stage = Stage::new(2);
    stage.edit("shop/acme");
    let first = stage.begins().await;
    stage.edit("shop/acme");
    stage.edit("shop/acme");
    first.end.send(Requeue::Resync(Duration::MAX)).unwrap();
    let second = stage.begins().await;
    assert_eq!((first.version.as_str(), second.version.as_str()), ("1", "3"));
    // The event of what it took comes late.
    let (namespace, name) = ("shop".into(), "acme".into());
    stage
        .turns
        .changed(&Object { namespace, name }, Rank::Edit, Some(3));
    second.end.send(Requeue::Never).unwrap();
    stage.edit("shop/other");
    assert_eq!(stage.begins().await.object, "shop/other");
}

#[tokio::test]
async fn a_pass_that_panics_is_one_apps_trouble() {
    let mut stage = Stage::new(1);
    stage.edit("shop/acme");
    stage.edit("shop/other");
    drop(stage.begins().await);
    let other = stage.begins().await;
    assert_eq!(other.object, "shop/other");
    other.end.send(Requeue::Never).unwrap();
    assert_eq!(stage.begins().await.object, "shop/acme");
    let text = stage.metrics.text(Format::Prometheus).unwrap();
    for line in [
        "controller_runtime_reconcile_total{controller=\"app\",result=\"error\"} 1",
        "controller_runtime_reconcile_total{controller=\"app\",result=\"success\"} 1",
        "controller_runtime_reconcile_errors_total{controller=\"app\"} 1",
        "controller_runtime_reconcile_time_seconds_count{controller=\"app\"} 2",
        "workqueue_queue_duration_seconds_count{name=\"app\",controller=\"app\"} 3",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[tokio::test]
async fn a_stop_drops_what_waits_and_lets_what_runs_end() {
    let mut stage = Stage::new(1);
    stage.edit("shop/acme");
    let acme = stage.begins().await;
    stage.edit("shop/other");
    stage.stop.take().unwrap().send(()).unwrap();
    tokio::task::yield_now().await;
    assert!(!stage.dispatch.is_finished());
    acme.end.send(Requeue::Yielded).unwrap();
    stage.dispatch.await.unwrap();
    assert!(stage.began.recv().await.is_none(), "nothing else began");
}

#[tokio::test]
async fn before_all_caches_are_filled_only_what_is_deleted_has_a_pass_and_one_more_after_that() {
    let (fill, filled) = oneshot::channel::<()>();
    let mut stage = Stage::filled_with(1, filled.map(|filled| filled.is_ok()));
    stage.edit("shop/acme");
    stage.delete("shop/going");
    let going = stage.begins().await;
    assert_eq!(going.object, "shop/going");
    // It is not for itself to go on yet.
    going.end.send(Requeue::After(Duration::from_hours(1))).unwrap();
    stage.edit("shop/other");
    tokio::task::yield_now().await;
    assert!(stage.began.try_recv().is_err(), "a pass begins too early");
    fill.send(()).unwrap();
    for expected in ["shop/acme", "shop/other", "shop/going"] {
        let began = stage.begins().await;
        assert_eq!(began.object, expected);
        began.end.send(Requeue::Never).unwrap();
    }
}

#[tokio::test]
async fn a_process_that_ends_before_its_caches_are_filled_begins_no_pass() {
    let mut stage = Stage::filled_with(1, future::ready(false));
    stage.edit("shop/acme");
    stage.dispatch.await.unwrap();
    assert!(stage.began.recv().await.is_none());
}

/// Deletions while a cache fills, among many Apps that wait for that. The time is printed.
#[tokio::test]
async fn deletions_among_many_apps_begin_before_all_caches_are_filled() {
    let mut stage = Stage::filled_with(8, future::pending());
    for number in 0..10_000 {
        stage.edit(&format!("shop/{number}"));
    }
    let began = Instant::now();
    for number in 0..200 {
        stage.delete(&format!("shop/{number}"));
        let pass = stage.begins().await;
        assert_eq!(pass.object, format!("shop/{number}"));
        pass.end.send(Requeue::Never).unwrap();
    }
    println!("200 deletions among 10,000 Apps in {:?}", began.elapsed());
}
