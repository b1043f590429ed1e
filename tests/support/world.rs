//! Kubernetes around the passes, on the in-memory AWS and on virtual time: passes over every App when they are due or
//! something wakes them, until nothing moves any more. The passes are the product's own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use empire_controller::api::app::{App, AppStatus, PlatformRecord};
use empire_controller::api::platform::{CapacityProviderKind, Platform};
use empire_controller::change::{PortWrite, Write as ChangeWrite};
use empire_controller::controller::ports;
use empire_controller::desired::{self, NamespaceLabels};
use empire_controller::dry_run::{DryRun, dry_run};
use empire_controller::error::Error;
use empire_controller::model::exclusive::Exclusive;
use empire_controller::model::owner::AppName;
use empire_controller::observe::Known;
use empire_controller::pass::{
    APP_FINALIZER, DEFAULT_ANNOTATION, End, Facts, Finished, Installation, Memory, RECORD_ANNOTATION,
    Requeue, Settings, Step, Work, bind, finish, request, start, unwritten, wanted,
};
use empire_controller::reconcile::{BeforeWrites, Outcome, Permission, Request, Scope, reconcile};
use empire_controller::write::Door;
use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::fake_aws::{FakeAws, RETIRE_AFTER, Snapshot, Write};
use crate::fixtures::{AppFixture, EXTERNAL_ZONE, INTERNAL_ZONE, PlatformFixture};

pub(crate) const INSTALLATION: &str = "installation-1";
/// Virtual seconds from one step to the next, at least.
const STEP: u64 = 10;
/// Far more than any story needs.
const STEPS: usize = 400;
/// Passes in a row in which nothing moves, and nothing will.
const QUIET: u32 = 3;
/// Every wait is as short as it may be.
const JITTER: f64 = 0.0;
const SETTINGS: Settings = Settings {
    retire_after: Duration::from_secs(RETIRE_AFTER),
    resync_interval: Duration::from_mins(10),
};

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) aws: FakeAws,
    platform: Platform,
    apps: BTreeMap<String, Held>,
    installation: Installation,
    /// The labels of every namespace.
    pub(crate) namespace: NamespaceLabels,
    /// The part that a controller forgets when it dies.
    ports: Ports,
    /// True if a crash also loses the App's status.
    pub(crate) loses_status: bool,
    /// True if each pass yields after its first write.
    pub(crate) yields: bool,
    /// True if the API server takes no status.
    pub(crate) refuses_status: bool,
    pub(crate) restarts: usize,
    /// The reads of the last pass.
    pub(crate) reads: Vec<String>,
    /// The Apps that were woken by what others released.
    pub(crate) woken: Vec<String>,
}

/// The facts about the Platform's host ports.
#[derive(Clone, Copy, Debug, Default)]
struct Ports {
    recovered: bool,
    cursor: Option<u16>,
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

/// Lets a pass write as often as it wants to, or once.
#[derive(Default)]
struct Turn {
    yields: bool,
    asked: AtomicBool,
    /// The finalizer is on the App.
    held: AtomicBool,
}

#[async_trait]
impl BeforeWrites for Turn {
    async fn before_writes(&self) -> Result<(), Error> {
        self.held.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn permission(&self) -> Permission {
        let is_first = !self.asked.swap(true, Ordering::Relaxed);
        if is_first || !self.yields {
            Permission::Go
        } else {
            Permission::Yield
        }
    }
}

/// As its own pass leaves it, and the one for all Apps that name none.
fn looked_at(mut platform: Platform, generation: Option<i64>) -> Platform {
    platform.metadata.generation = generation;
    let names = desired::named_capacity_providers(&platform);
    let status = platform.status.get_or_insert_default();
    status.observed_generation = generation.unwrap_or_default();
    for name in names {
        let kind = status.capacity_providers.entry(name);
        kind.or_insert(CapacityProviderKind::AutoScalingGroup);
    }
    let annotations = platform.metadata.annotations.get_or_insert_default();
    annotations.insert(DEFAULT_ANNOTATION.into(), "true".into());
    platform
}

impl World {
    pub(crate) fn new(platform: &PlatformFixture) -> Self {
        let zones = [(INTERNAL_ZONE, "example.com"), (EXTERNAL_ZONE, "example.com")];
        World {
            aws: FakeAws::new(&["default"], &zones),
            platform: looked_at(platform.build(), Some(1)),
            apps: BTreeMap::new(),
            installation: Installation::Known {
                id: INSTALLATION.into(),
                replaces: None,
            },
            namespace: NamespaceLabels::new(),
            ports: Ports::default(),
            loses_status: false,
            yields: false,
            refuses_status: false,
            restarts: 0,
            reads: Vec::new(),
            woken: Vec::new(),
        }
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
            reads: self.reads.clone(),
            woken: self.woken.clone(),
            ..*self
        }
    }

    pub(crate) fn apply(&mut self, fixture: &AppFixture) {
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
        let (now, time) = (self.aws.now(), self.time());
        let held = self.apps.get_mut(key).unwrap();
        let metadata = &mut held.app.metadata;
        metadata.deletion_timestamp = Some(Time(time));
        metadata.generation = metadata.generation.map(|generation| generation + 1);
        held.wake(now);
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

    pub(crate) fn set_platform(&mut self, platform: &PlatformFixture) {
        let generation = self.platform.metadata.generation.map(|generation| generation + 1);
        self.platform = looked_at(platform.build(), generation);
        self.wake_all();
    }

    /// The controller is started again: nothing is in memory but what the API server holds.
    pub(crate) fn restart(&mut self) {
        self.restarts += 1;
        self.aws.calm();
        self.ports = Ports::default();
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
        let conditions = self.status(key).conditions;
        let ready = conditions
            .iter()
            .find(|condition| condition.type_ == "Ready")
            .unwrap();
        if ready.status == "True" {
            "Ready".into()
        } else {
            format!("{}: {}", ready.reason, ready.message)
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
            if self.apps.values().all(|held| held.quiet >= QUIET) {
                assert_eq!(self.aws.violations(), Vec::<String>::new());
                if confirmed && !passes.iter().any(Pass::moves) {
                    return self.aws.writes().split_off(before);
                }
                confirmed = true;
                self.aws.advance(STEP);
                for held in self.apps.values_mut() {
                    (held.due, held.quiet) = (Some(0), QUIET);
                }
                continue;
            }
            let next = self.apps.values().filter(|held| held.quiet < QUIET);
            let next = next.filter_map(|held| held.due).min().unwrap_or_default();
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

    /// Some steps, settled or not.
    pub(crate) fn run(&mut self, steps: usize) {
        for _ in 0..steps {
            self.step();
            self.aws.advance(STEP);
        }
    }

    /// One pass over each App, due or not, and what the Platform's own reconcile does.
    pub(crate) fn step(&mut self) -> Vec<Pass> {
        self.wake_all();
        self.pass_due()
    }

    /// One pass over each App that is due or was woken.
    pub(crate) fn pass_due(&mut self) -> Vec<Pass> {
        let mut passes = Vec::new();
        for key in self.keys() {
            let now = self.aws.now();
            let is_due = |held: &Held| held.due.is_some_and(|due| due <= now);
            if self.apps.get(&key).is_some_and(is_due) {
                passes.extend(self.pass(&key));
            }
            if self.aws.has_crashed() {
                self.restart();
            }
        }
        if !self.ports.recovered {
            let place = desired::place(&self.platform);
            let ours = |_: &AppName, _: u16| true;
            let recovered = now(ports::recover(&self.aws, &self.aws, &place, INSTALLATION, ours));
            self.ports.recovered = recovered.is_ok();
            if self.aws.has_crashed() {
                self.restart();
            }
            self.wake_all();
        }
        passes
    }

    /// Goes on until the pass does not yield any more. `None` if the controller died in it, or the App is gone.
    fn pass(&mut self, key: &str) -> Option<Pass> {
        let mut done = Vec::new();
        loop {
            let (mut pass, requeue) = self.pass_once(key)?;
            if let Ok(outcome) = &mut pass.result {
                done.append(&mut outcome.done);
                outcome.done.clone_from(&done);
            }
            if let Some(held) = self.apps.get_mut(key) {
                held.due = match requeue {
                    Requeue::Yielded => continue,
                    Requeue::After(after) | Requeue::Resync(after) => Some(self.aws.now() + after.as_secs()),
                    Requeue::Never => None,
                };
                held.quiet = match () {
                    () if pass.is_settled() || held.due.is_none() => QUIET,
                    () if pass.moves() => 0,
                    () => held.quiet + 1,
                };
            }
            return Some(pass);
        }
    }

    fn pass_once(&mut self, key: &str) -> Option<(Pass, Requeue)> {
        let now = self.time();
        let platforms = [self.platform.clone()];
        let facts = Facts {
            platforms: &platforms,
            installation: &self.installation,
            namespace: Some(self.namespace.clone()),
            namespace_is_live: true,
            stopped: None,
            settings: SETTINGS,
        };
        let held = self.apps.get_mut(key)?;
        let end = match start(&mut held.memory, &held.app, &facts, now) {
            Step::Gone | Step::Release => {
                self.apps.remove(key);
                return None;
            }
            Step::ReadNamespace => unreachable!("it was read"),
            Step::Conclude(end) => end,
            Step::Reconcile(work, request) => {
                let record = Box::new(work.record.clone());
                let reconciled = self.reconcile(key, work, *request);
                reconciled.unwrap_or_else(|error| End::Failure(Some(record), error))
            }
        };
        if self.aws.has_crashed() {
            return None;
        }
        let result = match &end {
            End::Reconciled(_, outcome) => Ok((**outcome).clone()),
            End::Failure(_, error) => Err(error.clone()),
            End::Verdict(verdict) => Err(Error::Bug(format!("{verdict:?}"))),
        };
        let held = self.apps.get_mut(key)?;
        let finished = finish(&mut held.memory, &held.app, end, SETTINGS, now, JITTER);
        let requeue = self.conclude(key, finished);
        let app = key.into();
        Some((Pass { app, result }, requeue))
    }

    fn reconcile(&mut self, key: &str, mut work: Box<Work>, mut request: Request) -> Result<End, Error> {
        if let Some(ahead) = work.ahead.take() {
            self.write_status(key, ahead)?;
        }
        self.aws.act_as(Some(key));
        self.aws.take_reads();
        if matches!(request.scope, Scope::Everything) {
            self.aws.look();
        }
        (request.known.port_cursor, request.known.ports_recovered) =
            (self.ports.cursor, self.ports.recovered);
        let turn = Turn {
            yields: self.yields,
            ..Turn::default()
        };
        let door = Door {
            aws: &self.aws,
            claims: &self.aws,
        };
        let pass = reconcile(&self.aws, &self.aws, &door, &turn, &work.desired, request);
        let outcome = now(pass);
        self.aws.act_as(None);
        if turn.held.into_inner() {
            self.hold(key, &work.record);
        }
        self.reads = self.aws.take_reads();
        assert_nothing_is_read_twice(&self.reads);
        let outcome = outcome?;
        for change in &outcome.done {
            if let ChangeWrite::Port(PortWrite::Claim(claim)) = &change.write {
                self.ports.cursor = Some(claim.port);
            }
        }
        Ok(End::Reconciled(work, Box::new(outcome)))
    }

    fn conclude(&mut self, key: &str, finished: Finished) -> Requeue {
        self.wake(key, &finished.wakes.released);
        if finished.may_go {
            self.apps.remove(key);
            return finished.requeue;
        }
        if let Some(record) = finished.record.as_ref().filter(|_| finished.needs_finalizer) {
            self.hold(key, record);
        }
        match finished
            .status
            .clone()
            .map(|status| self.write_status(key, status))
        {
            Some(Err(error)) => {
                let memory = &mut self.apps.get_mut(key).unwrap().memory;
                unwritten(memory, finished.status, &error, JITTER)
            }
            Some(Ok(())) | None => finished.requeue,
        }
    }

    /// Wakes the Apps that wait for what this App released.
    fn wake(&mut self, key: &str, released: &BTreeSet<Exclusive>) {
        let now = self.aws.now();
        for (other, held) in self.apps.iter_mut().filter(|(other, _)| *other != key) {
            if held.memory.awaits(released) {
                held.memory.invalidate();
                held.wake(now);
                self.woken.push(other.clone());
            }
        }
    }

    fn hold(&mut self, key: &str, record: &PlatformRecord) {
        let metadata = &mut self.apps.get_mut(key).unwrap().app.metadata;
        metadata.finalizers = Some(vec![APP_FINALIZER.into()]);
        let record = serde_json::to_string(record).unwrap();
        let annotations = metadata.annotations.get_or_insert_default();
        annotations.insert(RECORD_ANNOTATION.into(), record);
    }

    fn write_status(&mut self, key: &str, status: AppStatus) -> Result<(), Error> {
        if self.refuses_status {
            return Err(Error::Kubernetes {
                action: "patch the status",
                message: "not now".into(),
            });
        }
        let held = self.apps.get_mut(key).unwrap();
        let version = held.app.metadata.resource_version.take();
        let version = version
            .map_or(1, |version| version.parse::<u64>().unwrap() + 1)
            .to_string();
        held.memory.wrote(Some(&version), status.clone());
        held.app.metadata.resource_version = Some(version);
        held.app.status = Some(status);
        Ok(())
    }

    /// Returns what passes would do from now on, as `plan` prints it.
    pub(crate) fn dry_run(&self, key: &str) -> Result<DryRun, Error> {
        let app = &self.apps[key].app;
        let platforms = [self.platform.clone()];
        let binding = bind(app, &platforms, &self.installation).unwrap();
        let desired = wanted(app, &binding, &self.namespace)?.desired;
        let retire_after = SETTINGS.retire_after;
        let whole = request(
            app,
            app.status.as_ref(),
            &self.platform,
            retire_after,
            self.time(),
        );
        let known = Known {
            port_cursor: self.ports.cursor,
            ports_recovered: self.ports.recovered,
            ..whole.known
        };
        now(dry_run(
            &self.aws,
            &self.aws,
            &desired,
            Request { known, ..whole },
        ))
    }

    fn time(&self) -> Timestamp {
        let elapsed = SignedDuration::from_secs(self.aws.now().try_into().unwrap());
        Timestamp::UNIX_EPOCH + elapsed
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

/// Within one pass. Names that were listed again after a refused batch are another matter.
fn assert_nothing_is_read_twice(reads: &[String]) {
    let mut seen = BTreeSet::new();
    for read in reads {
        let again = read.starts_with("claims:")
            || (read.starts_with("route53:ListResourceRecordSets") && read.matches(' ').count() == 2);
        assert!(again || seen.insert(read), "read twice in one pass: {read}");
    }
}
