//! Kubernetes around the passes, on the in-memory AWS and on virtual time: passes over every App when they are due or
//! something wakes them, until nothing moves any more. The passes are the product's own.

#[path = "late_answers.rs"]
mod late;
#[path = "world_passes.rs"]
mod passes;
#[path = "world_platform.rs"]
mod platform_held;
#[path = "world_room.rs"]
mod room;
#[path = "world_runs.rs"]
mod runs;
#[path = "shared_lists.rs"]
mod shared;
#[path = "world_sweeps.rs"]
mod sweeps;
#[path = "world_time.rs"]
mod time;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use empire_controller::api::app::{App, AppStatus};
use empire_controller::budget::{Budget, Shares};
use empire_controller::desired::NamespaceLabels;
use empire_controller::dry_run::{DryRun, dry_run};
use empire_controller::error::Error;
use empire_controller::lists::live_secrets;
use empire_controller::model::exclusive::Exclusive;
use empire_controller::pass::{
    Installation, Memory, RECORD_ANNOTATION, Settings, Sibling, asked_secrets, bind, check_room, platform,
    request, wanted,
};
use empire_controller::reconcile::{Outcome, Request};
use empire_controller::write::zones::Outboxes;
use futures::FutureExt;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use serde_json::Value;

use self::late::Flown;
use self::platform_held::{HeldPlatform, default_platform};
pub(crate) use self::runs::OneRun;
use self::shared::{Shared, time_of};
use self::time::Dice;
use crate::fake_aws::{FakeAws, RETIRE_AFTER, Snapshot, Write};
use crate::fixtures::{AppFixture, EXTERNAL_ZONE, INTERNAL_ZONE, PlatformFixture};

pub(crate) const INSTALLATION: &str = "installation-1";
/// Virtual seconds from one step to the next, at least.
const STEP: u64 = 10;
/// Far more than any story needs.
const STEPS: usize = 400;
/// A name waits so long for others, in seconds.
const COMPANY: i64 = 2;
/// Passes in a row in which nothing moves, and nothing will.
const QUIET: u32 = 3;
/// So many times what AWS gives.
const PLENTY: f64 = 1e6;
const SETTINGS: Settings = Settings {
    retire_after: Duration::from_secs(RETIRE_AFTER),
    resync_interval: Duration::from_mins(10),
};

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing that goes wrong by itself"
)]
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) aws: FakeAws,
    platform: HeldPlatform,
    apps: BTreeMap<String, Held>,
    installation: Installation,
    /// The labels of every namespace.
    pub(crate) namespace: NamespaceLabels,
    /// True if a crash also loses the App's status.
    pub(crate) loses_status: bool,
    /// The Runs that are under way, as Apps count them.
    pub(crate) runs: Vec<Arc<Sibling>>,
    /// True if each pass yields after its first write.
    pub(crate) yields: bool,
    /// True if the API server takes no status.
    pub(crate) refuses_status: bool,
    /// True if the API server takes no finalizer either.
    pub(crate) refuses_finalizer: bool,
    /// True if the cache of Apps, by which the Platform's pass goes, shows none.
    pub(crate) hides_apps: bool,
    pub(crate) restarts: usize,
    /// The lists that all Apps share; without it, each pass reads its own.
    shared: Option<Shared>,
    /// The DNS names that wait to be changed.
    outbox: Outboxes<()>,
    /// True if they wait for company; else each pass sends its own at once.
    pub(crate) gathers: bool,
    /// True if they are answered in the middle of the next pass.
    pub(crate) answers_late: bool,
    flown: Flown,
    /// The Apps that were answered in the middle of a pass.
    answered: BTreeSet<String>,
    /// The token buckets, as full as nobody could ever empty them unless a test says otherwise.
    pub(crate) budget: Arc<Mutex<Budget>>,
    /// The reads of the last pass.
    pub(crate) reads: Vec<String>,
    /// The Apps that were woken by what others released.
    pub(crate) woken: Vec<String>,
    /// The Apps of which others asked for a name, each with the name.
    pub(crate) contested: BTreeSet<(String, String)>,
    /// The nouns of the changes that repaired drift.
    pub(crate) repaired: Vec<&'static str>,
    /// The patches that the API server was sent.
    pub(crate) patches: Patches,
    /// Spreads waits, from 0, as short as each may be, up to 1.
    pub(crate) jitter: f64,
    /// Spreads waits unlike each other, where everything takes its time.
    dice: Option<Dice>,
}

/// By object, its status or its metadata.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Patches {
    pub(crate) statuses: usize,
    /// Finalizers and annotations of Apps, put there or taken off.
    pub(crate) metadata: usize,
    pub(crate) platform_statuses: usize,
}

#[derive(Clone, Debug)]
struct Held {
    app: App,
    memory: Memory,
    /// When its next pass is due; `None` if only an edit helps.
    due: Option<u64>,
    /// Passes in a row in which nothing moved.
    quiet: u32,
}

/// The result of one pass over one App.
#[derive(Debug)]
pub(crate) struct Pass {
    pub(crate) app: String,
    pub(crate) result: Result<Outcome, Error>,
}

impl Pass {
    fn moves(&self) -> bool {
        match &self.result {
            Ok(outcome) => {
                !(outcome.done.is_empty()
                    && outcome.plan.pending.is_empty()
                    && outcome.not_ready.is_empty()
                    && !outcome.stale)
            }
            Err(_) => false,
        }
    }

    fn is_settled(&self) -> bool {
        self.result.as_ref().is_ok_and(Outcome::is_settled)
    }
}

/// No sooner than that.
fn whole_seconds(after: Duration) -> u64 {
    after.as_secs() + u64::from(after.subsec_nanos() > 0)
}

fn not_now(action: &'static str) -> Error {
    Error::Kubernetes {
        action,
        message: "not now".into(),
    }
}

fn reason_of(conditions: &[Condition]) -> String {
    let ready = conditions.iter().find(|condition| condition.type_ == "Ready");
    let ready = ready.unwrap();
    if ready.status == "True" {
        return "Ready".into();
    }
    format!("{}: {}", ready.reason, ready.message)
}

impl World {
    pub(crate) fn new(platform: &PlatformFixture) -> Self {
        let zones = [(INTERNAL_ZONE, "example.com"), (EXTERNAL_ZONE, "example.com")];
        let mut world = World {
            aws: FakeAws::new(&["default"], &zones),
            platform: HeldPlatform {
                object: default_platform(platform),
                memory: platform::Memory::default(),
                due: Some(0),
                quiet: 0,
                moved: false,
                is_gone: false,
            },
            apps: BTreeMap::new(),
            installation: Installation::Known {
                id: INSTALLATION.into(),
                replaces: None,
            },
            namespace: NamespaceLabels::new(),
            loses_status: false,
            runs: Vec::new(),
            yields: false,
            refuses_status: false,
            refuses_finalizer: false,
            hides_apps: false,
            restarts: 0,
            shared: None,
            outbox: Outboxes::default(),
            gathers: false,
            answers_late: false,
            flown: Flown::default(),
            answered: BTreeSet::new(),
            budget: Arc::new(Mutex::new(Budget::new(Shares::all(PLENTY)))),
            reads: Vec::new(),
            woken: Vec::new(),
            contested: BTreeSet::new(),
            repaired: Vec::new(),
            patches: Patches::default(),
            jitter: 0.0,
            dice: None,
        };
        // Then a controller starts that has not seen it before.
        world.platform_pass();
        world.platform.start_anew(0);
        world
    }

    /// A world whose Apps share their lists, as the controller's do.
    pub(crate) fn sharing(platform: &PlatformFixture) -> Self {
        World {
            shared: Some(Shared::default()),
            ..World::new(platform)
        }
    }

    /// A world at these shares of AWS's documented rates.
    pub(crate) fn at_rates(platform: &PlatformFixture, shares: Shares) -> Self {
        World {
            budget: Arc::new(Mutex::new(Budget::new(shares))),
            ..World::new(platform)
        }
    }

    /// Returns the calls of the last sweep.
    pub(crate) fn swept(&self) -> &[String] {
        self.shared
            .as_ref()
            .map(|shared| shared.calls.as_slice())
            .unwrap_or_default()
    }

    /// A world at this Platform in which this App is Ready.
    pub(crate) fn settled(platform: &PlatformFixture, app: &AppFixture) -> Self {
        let mut world = World::new(platform);
        world.apply(app);
        world.settle();
        world.assert_ready();
        world
    }

    pub(crate) fn fork(&self) -> Self {
        World {
            aws: self.aws.fork(),
            platform: self.platform.clone(),
            apps: self.apps.clone(),
            installation: self.installation.clone(),
            namespace: self.namespace.clone(),
            shared: self.shared.as_ref().map(|_| Shared::default()),
            outbox: Outboxes::default(),
            flown: Flown::default(),
            answered: BTreeSet::new(),
            budget: Arc::new(Mutex::new(Budget::new(Shares::all(PLENTY)))),
            runs: self.runs.clone(),
            reads: self.reads.clone(),
            woken: self.woken.clone(),
            contested: self.contested.clone(),
            repaired: self.repaired.clone(),
            ..*self
        }
    }

    pub(crate) fn apply(&mut self, fixture: &AppFixture) {
        self.watching(&fixture.key(), |world| world.take(fixture));
    }

    fn take(&mut self, fixture: &AppFixture) {
        let mut app = fixture.build();
        let now = self.aws.now();
        let Some(held) = self.apps.get_mut(&fixture.key()) else {
            let held = Held {
                app,
                memory: Memory::default(),
                due: Some(now),
                quiet: 0,
            };
            self.apps.insert(fixture.key(), held);
            return;
        };
        let changed = i64::from(held.app.spec != app.spec);
        let metadata = &mut held.app.metadata;
        metadata.generation = metadata.generation.map(|generation| generation + changed);
        let record = metadata
            .annotations
            .as_mut()
            .and_then(|all| all.remove_entry(RECORD_ANNOTATION));
        metadata.annotations = app.metadata.annotations.take();
        metadata.annotations.get_or_insert_default().extend(record);
        held.app.spec = app.spec;
        held.wake(now);
    }

    pub(crate) fn delete(&mut self, key: &str) {
        self.watching(key, |world| {
            let (now, time) = (world.aws.now(), world.time());
            let held = world.apps.get_mut(key).unwrap();
            let metadata = &mut held.app.metadata;
            metadata.deletion_timestamp = Some(Time(time));
            metadata.generation = metadata.generation.map(|generation| generation + 1);
            held.wake(now);
        });
    }

    /// The manifest was stored, and acted on, by a version that knew no variables in commands.
    pub(crate) fn stored_before_variables(&mut self, fixture: &AppFixture) {
        let held = self.apps.get_mut(&fixture.key()).unwrap();
        held.app.spec = fixture.build().spec;
        held.app.status.as_mut().unwrap().replaces_variables = None;
        self.restart();
    }

    /// A `kubectl replace` with the manifest drops finalizer and record.
    pub(crate) fn unmark(&mut self, key: &str) {
        let metadata = &mut self.apps.get_mut(key).unwrap().app.metadata;
        metadata.finalizers = None;
        metadata.annotations.as_mut().unwrap().remove(RECORD_ANNOTATION);
    }

    pub(crate) fn has_finalizer(&self, key: &str) -> bool {
        self.apps[key].app.metadata.finalizers.is_some()
    }

    /// Somebody writes that an App is on another Platform, as only the controller should.
    pub(crate) fn record_elsewhere(&mut self, key: &str, platform: &str) {
        let metadata = &mut self.apps.get_mut(key).unwrap().app.metadata;
        let record = metadata.annotations.as_mut().unwrap().get_mut(RECORD_ANNOTATION);
        let record = record.unwrap();
        let mut forged: Value = serde_json::from_str(record).unwrap();
        forged["name"] = platform.into();
        *record = forged.to_string();
    }

    /// Somebody takes off the finalizer of an App that is deleted, so that no pass sees to it.
    pub(crate) fn remove(&mut self, key: &str) {
        self.watching(key, |world| world.apps.remove(key).unwrap());
        self.platform.wake(self.aws.now());
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.apps.keys().cloned().collect()
    }

    pub(crate) fn holds(&self, key: &str) -> bool {
        self.apps.contains_key(key)
    }

    pub(crate) fn is_suspended(&self, key: &str) -> bool {
        let held = self.apps.get(key);
        held.is_some_and(|held| held.app.spec.suspend == Some(true))
    }

    pub(crate) fn is_deleting(&self, key: &str) -> bool {
        let held = self.apps.get(key);
        held.is_some_and(|held| held.app.metadata.deletion_timestamp.is_some())
    }

    /// The controller is started again: nothing is in memory but what the API server holds.
    pub(crate) fn restart(&mut self) {
        self.restarts += 1;
        self.aws.calm();
        (self.outbox, self.flown) = (Outboxes::default(), Flown::default());
        self.shared = self.shared.take().map(|_| Shared::default());
        self.platform.start_anew(self.aws.now());
        for held in self.apps.values_mut() {
            held.memory = Memory::default();
            if self.loses_status {
                held.app.status = None;
            }
        }
        self.wake_all();
    }

    /// Somebody touches every App, or a resync is due.
    fn wake_all(&mut self) {
        let now = self.aws.now();
        for held in self.apps.values_mut() {
            held.wake(now);
        }
    }

    pub(crate) fn status(&self, key: &str) -> AppStatus {
        self.apps[key].app.status.clone().unwrap()
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.aws.snapshot()
    }

    /// The world and what is being waited for: equal for two passes between which nothing happened.
    pub(crate) fn moment(&self) -> String {
        let pending = self.apps.values().map(|held| held.memory.pending());
        format!("{:?} {:?}", self.snapshot(), pending.collect::<Vec<_>>())
    }

    /// `Ready`, or whatever else its condition says about it.
    pub(crate) fn reason(&self, key: &str) -> String {
        reason_of(&self.status(key).conditions)
    }

    /// The same, or that it is gone.
    pub(crate) fn reason_or_gone(&self, key: &str) -> String {
        if self.holds(key) {
            self.reason(key)
        } else {
            "Ready".into()
        }
    }

    #[track_caller]
    pub(crate) fn assert_ready(&self) {
        for key in self.apps.keys() {
            assert_eq!(self.reason(key), "Ready", "{key}");
        }
    }

    /// Passes until nothing moves any more. Says what was written, claims included.
    pub(crate) fn settle(&mut self) -> Vec<Write> {
        self.settle_telling(&mut |_, _| {})
    }

    /// The first pass over each App comes at once, the others as each asks for them, and a last one looks again.
    pub(crate) fn settle_telling(&mut self, tell: &mut dyn FnMut(u64, &Pass)) -> Vec<Write> {
        let before = self.aws.writes().len();
        let mut confirmed = false;
        self.wake_all();
        for _ in 0..STEPS {
            let passes = self.pass_due();
            let now = self.aws.now();
            for pass in &passes {
                tell(now, pass);
            }
            if self.is_quiet() {
                assert_eq!(self.aws.violations(), Vec::<String>::new());
                if confirmed && !self.platform.moved && !passes.iter().any(Pass::moves) {
                    return self.aws.writes().split_off(before);
                }
                confirmed = true;
                self.aws.advance(STEP);
                for held in self.apps.values_mut() {
                    (held.due, held.quiet) = (Some(0), QUIET);
                }
                self.platform.due = Some(0);
                continue;
            }
            let next = self.apps.values().filter(|held| held.quiet < QUIET);
            let next = next
                .map(|held| held.due)
                .chain((self.platform.quiet < QUIET).then_some(self.platform.due));
            let next = next.flatten().min().unwrap_or_default();
            self.aws.advance(STEP.max(next.saturating_sub(now)));
        }
        let reasons: Vec<_> = self.keys().iter().map(|key| self.reason(key)).collect();
        panic!("not settled after {STEPS} steps: {reasons:?}");
    }

    /// Enough steps for whatever can be done to be done.
    pub(crate) fn settle_or_not(&mut self) {
        self.run(STEPS / 10);
        assert_eq!(self.aws.violations(), Vec::<String>::new());
    }

    /// Second by second, settled or not. Returns the passes with the time of each.
    pub(crate) fn run_seconds(&mut self, seconds: u64) -> Vec<(u64, Pass)> {
        let mut passes = Vec::new();
        for _ in 0..seconds {
            let now = self.aws.now();
            passes.extend(self.pass_due().into_iter().map(|pass| (now, pass)));
            self.aws.advance(1);
        }
        passes
    }

    /// Some steps, settled or not.
    pub(crate) fn run(&mut self, steps: usize) {
        for _ in 0..steps {
            self.step();
            self.aws.advance(STEP);
        }
    }

    fn is_quiet(&self) -> bool {
        let apps = self.apps.values().map(|held| held.quiet);
        apps.chain([self.platform.quiet]).all(|quiet| quiet >= QUIET)
    }

    /// One pass over each App, due or not, and over the Platform if it is due.
    pub(crate) fn step(&mut self) -> Vec<Pass> {
        self.wake_all();
        self.pass_due()
    }

    /// One pass over each App that is due or was woken, and over the Platform.
    pub(crate) fn pass_due(&mut self) -> Vec<Pass> {
        let mut passes = Vec::new();
        self.sweep();
        self.send_names(0);
        let is_due = |held: &Held, now: u64| held.due.is_some_and(|due| due <= now);
        let now = self.aws.now();
        let any = self.apps.values().any(|held| is_due(held, now));
        let keys = if any { self.keys() } else { Vec::new() };
        for key in keys {
            let now = self.aws.now();
            let is_due = |held: &Held| is_due(held, now);
            if self.apps.get(&key).is_some_and(is_due) {
                passes.extend(self.watching(&key, |world| world.pass(&key)));
            }
            if self.aws.has_crashed() {
                self.restart();
            }
        }
        if self.platform.due.is_some_and(|due| due <= self.aws.now()) {
            self.platform_pass();
            if self.aws.has_crashed() {
                self.restart();
            }
        }
        passes
    }

    /// Wakes the Apps that wait for what this App, or the Platform's pass, released.
    fn wake(&mut self, but: Option<&str>, released: &BTreeSet<Exclusive>) {
        if released.is_empty() {
            return;
        }
        let now = self.aws.now();
        for (other, held) in self
            .apps
            .iter_mut()
            .filter(|(other, _)| Some(other.as_str()) != but)
        {
            if held.memory.awaits(released) {
                held.memory.invalidate();
                held.wake(now);
                self.woken.push(other.clone());
            }
        }
    }

    fn take_status(&self) -> Result<(), Error> {
        if self.refuses_status {
            Err(not_now("patch the status"))
        } else {
            Ok(())
        }
    }

    /// Returns what passes would do from now on, as `plan` prints it.
    pub(crate) fn dry_run(&self, key: &str) -> Result<DryRun, Error> {
        let app = &self.apps[key].app;
        let platforms = [self.platform.object.clone()];
        let binding = bind(app, &platforms, &self.installation).unwrap();
        let status = app.status.as_ref();
        let asked = asked_secrets(app, status, binding.platform, true);
        let none = BTreeSet::new();
        let asked = asked.as_ref().map_or(&none, |asked| &asked.all);
        let known = live_secrets(&self.aws, asked).now_or_never().unwrap()?;
        let at = (&binding, &self.namespace);
        let desired = wanted(app, status, at, &known, self.time())?.desired;
        let siblings = self.siblings(key);
        let (status, at) = (app.status.as_ref(), (binding.platform, &platforms[..]));
        check_room(app, status, at, &self.namespace, &siblings)?;
        let retire_after = SETTINGS.retire_after;
        let whole = request(
            app,
            app.status.as_ref(),
            &self.platform.object,
            retire_after,
            self.time(),
        );
        let mut known = whole.known;
        self.platform.tell(&mut known);
        now(dry_run(
            &self.aws,
            &self.aws,
            &desired,
            Request { known, ..whole },
        ))
    }

    fn time(&self) -> Timestamp {
        time_of(&self.aws)
    }
}

impl Held {
    fn wake(&mut self, now: u64) {
        (self.due, self.quiet) = (Some(now), 0);
    }
}

impl std::fmt::Debug for FakeAws {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.snapshot())
    }
}

/// The fake never waits, so neither does the pipeline.
fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().unwrap()
}
