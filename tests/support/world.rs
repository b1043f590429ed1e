//! The controller's part, played on the in-memory AWS and on virtual time: passes over every App, with what
//! `controller/app.rs` remembers between them, until nothing moves any more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use empire_controller::api::app::{App, AppStatus, PlatformRecord};
use empire_controller::api::platform::Platform;
use empire_controller::change::Change;
use empire_controller::controller::ports;
use empire_controller::desired::{self, Built, NamespaceLabels};
use empire_controller::dry_run::{DryRun, dry_run};
use empire_controller::error::Error;
use empire_controller::model::desired::Desired;
use empire_controller::model::echo::EchoMemory;
use empire_controller::model::name::Arn;
use empire_controller::model::owner::{AppName, Owner};
use empire_controller::model::state::Observed;
use empire_controller::observe::Known;
use empire_controller::plan::Pending;
use empire_controller::reconcile::{
    BeforeWrites, Contradicted, Interruption, Outcome, Permission, Request, Scope, reconcile,
};
use empire_controller::status::{self, Verdict, verdict_of, verdict_of_error};
use empire_controller::write::Door;
use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};

use crate::fake_aws::{FakeAws, RETIRE_AFTER, Snapshot, Write};
use crate::fixtures::{AppFixture, EXTERNAL_ZONE, INTERNAL_ZONE, PlatformFixture};

pub(crate) const INSTALLATION: &str = "installation-1";
/// Virtual seconds between two passes.
const STEP: u64 = 10;
/// Far more than any story needs.
const STEPS: usize = 400;
/// Virtual seconds after which all of AWS is read again.
const RESYNC: u64 = 600;
/// The same, where something of somebody else's is in the way.
const BLOCKED: u64 = 300;

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) aws: FakeAws,
    platform: Platform,
    apps: BTreeMap<String, Held>,
    /// The labels of every namespace.
    pub(crate) namespace: NamespaceLabels,
    /// What a controller forgets when it dies.
    recovered: bool,
    cursor: Option<u16>,
    /// Whether a crash also loses the App's status.
    pub(crate) loses_status: bool,
    /// Whether each pass yields after its first write.
    pub(crate) yields: bool,
    /// What failed, and is not tried again while this holds it.
    pub(crate) held: Vec<(Change, Error)>,
    pub(crate) restarts: usize,
    /// Of the last pass.
    pub(crate) reads: Vec<String>,
}

#[derive(Clone, Debug)]
struct Held {
    app: App,
    deleting: bool,
    memory: Option<Memory>,
    /// Passes in a row.
    failures: u32,
    /// It may have written something.
    has_finalizer: bool,
}

#[derive(Clone, Debug)]
struct Memory {
    generation: Option<i64>,
    platform_generation: Option<i64>,
    observed: Observed,
    echoes: EchoMemory,
    due: u64,
    pending: Vec<Pending>,
    only_pending: bool,
    contradicted: Contradicted,
}

/// What one pass over one App came to.
#[derive(Debug)]
pub(crate) struct Pass {
    pub(crate) app: String,
    pub(crate) result: Result<Outcome, Error>,
    pub(crate) verdict: Verdict,
}

impl Pass {
    fn moves(&self) -> bool {
        match &self.result {
            Ok(outcome) => {
                !(outcome.done.is_empty()
                    && outcome.plan.pending.is_empty()
                    && outcome.early.is_empty()
                    && !outcome.stale)
            }
            Err(_) => false,
        }
    }
}

/// Lets a pass write as often as it wants to, or once.
struct Turn {
    yields: bool,
    asked: AtomicBool,
}

#[async_trait]
impl BeforeWrites for Turn {
    async fn before_writes(&self) -> Result<(), Error> {
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

impl World {
    pub(crate) fn new(platform: &PlatformFixture) -> Self {
        let zones = [(INTERNAL_ZONE, "example.com"), (EXTERNAL_ZONE, "example.com")];
        World {
            aws: FakeAws::new(&["default"], &zones),
            platform: platform.build(),
            apps: BTreeMap::new(),
            namespace: NamespaceLabels::new(),
            recovered: false,
            cursor: None,
            loses_status: false,
            yields: false,
            held: Vec::new(),
            restarts: 0,
            reads: Vec::new(),
        }
    }

    pub(crate) fn fork(&self) -> Self {
        World {
            aws: self.aws.fork(),
            platform: self.platform.clone(),
            apps: self.apps.clone(),
            namespace: self.namespace.clone(),
            held: self.held.clone(),
            reads: self.reads.clone(),
            ..*self
        }
    }

    pub(crate) fn apply(&mut self, fixture: &AppFixture) {
        let mut app = fixture.build();
        if let Some(held) = self.apps.get(&fixture.key()) {
            let changed = i64::from(held.app.spec != app.spec);
            app.metadata.generation = held
                .app
                .metadata
                .generation
                .map(|generation| generation + changed);
            app.status.clone_from(&held.app.status);
        }
        let held = self.apps.entry(fixture.key()).or_insert(Held {
            app: app.clone(),
            deleting: false,
            memory: None,
            failures: 0,
            has_finalizer: false,
        });
        held.app = app;
    }

    pub(crate) fn delete(&mut self, key: &str) {
        self.apps.get_mut(key).unwrap().deleting = true;
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
        self.apps.get(key).is_some_and(|held| held.deleting)
    }

    pub(crate) fn set_platform(&mut self, platform: &PlatformFixture) {
        let generation = self.platform.metadata.generation.map(|generation| generation + 1);
        self.platform = platform.build();
        self.platform.metadata.generation = generation;
    }

    /// The controller is started again: nothing is in memory but what the API server holds.
    pub(crate) fn restart(&mut self) {
        self.restarts += 1;
        self.aws.calm();
        self.recovered = false;
        self.cursor = None;
        for held in self.apps.values_mut() {
            (held.memory, held.failures) = (None, 0);
            if self.loses_status {
                held.app.status = None;
            }
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
        let pending = self
            .apps
            .values()
            .map(|held| held.memory.as_ref().map(|memory| &memory.pending));
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

    pub(crate) fn settle_telling(&mut self, tell: &mut dyn FnMut(u64, &Pass)) -> Vec<Write> {
        let before = self.aws.writes().len();
        let mut quiet = 0;
        for _ in 0..STEPS {
            let passes = self.step();
            let now = self.aws.now();
            for pass in &passes {
                tell(now, pass);
            }
            quiet = if passes.iter().any(Pass::moves) {
                0
            } else {
                quiet + 1
            };
            if quiet == 3 {
                assert_eq!(self.aws.violations(), Vec::<String>::new());
                return self.aws.writes().split_off(before);
            }
            self.aws.advance(STEP);
        }
        let last: Vec<Pass> = self.step();
        panic!(
            "not settled after {STEPS} steps: {:?}",
            last.iter().map(|p| &p.verdict).collect::<Vec<_>>()
        );
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

    /// One pass over each App, and what the Platform's own reconcile does.
    pub(crate) fn step(&mut self) -> Vec<Pass> {
        let keys: Vec<String> = self.apps.keys().cloned().collect();
        let mut passes = Vec::new();
        for key in keys {
            passes.extend(self.pass(&key));
            if self.aws.has_crashed() {
                self.restart();
            }
        }
        if !self.recovered {
            let place = desired::place(&self.platform);
            let ours = |_: &AppName, _: u16| true;
            let recovered = now(ports::recover(&self.aws, &self.aws, &place, INSTALLATION, ours));
            self.recovered = recovered.is_ok();
            if self.aws.has_crashed() {
                self.restart();
            }
        }
        passes
    }

    /// `None` if the controller died in it.
    fn pass(&mut self, key: &str) -> Option<Pass> {
        self.record_ahead(key);
        let held = self.apps[key].clone();
        self.apps.get_mut(key)?.has_finalizer = true;
        self.aws.act_as(Some(key));
        self.aws.take_reads();
        let result = self.reconcile(&held);
        self.aws.act_as(None);
        if self.aws.has_crashed() {
            return None;
        }
        self.reads = self.aws.take_reads();
        assert_nothing_is_read_twice(&self.reads);
        let verdict = match &result {
            Ok((_, outcome)) => verdict_of(outcome, held.app.spec.suspend.unwrap_or(false)),
            Err(error) => verdict_of_error(error),
        }
        .after(held.failures);
        let told = result.as_ref().ok().map(|(desired, outcome)| (desired, outcome));
        let status = status::compute(&held.app, Some(&self.record()), told, &verdict, self.time());
        self.conclude(
            key,
            &held,
            result.as_ref().ok().map(|(_, outcome)| outcome),
            status,
        );
        Some(Pass {
            app: key.into(),
            result: result.map(|(_, outcome)| outcome),
            verdict,
        })
    }

    /// What a pass is about to make is remembered before it does.
    fn record_ahead(&mut self, key: &str) {
        let desired = self.desired(&self.apps[key]);
        let status = self.apps.get_mut(key).and_then(|held| held.app.status.as_mut());
        if let (Ok(desired), Some(status)) = (desired, status) {
            let ahead = status::recorded_ahead(status, &desired);
            status.holds = ahead.or(status.holds.take());
        }
    }

    fn conclude(&mut self, key: &str, held: &Held, outcome: Option<&Outcome>, status: AppStatus) {
        let now = self.aws.now();
        let Some(current) = self.apps.get_mut(key) else {
            return;
        };
        current.app.status = Some(status);
        // A pass that ended without a word leaves nothing to believe in.
        current.memory = None;
        let has_failed =
            outcome.is_none_or(|outcome| !(outcome.failures.is_empty() && outcome.unread.is_empty()));
        current.failures = if has_failed { held.failures + 1 } else { 0 };
        let Some(outcome) = outcome else {
            return;
        };
        let blocked = !outcome.plan.obstacles.is_empty();
        if held.deleting && outcome.is_settled() {
            self.apps.remove(key);
            return;
        }
        self.cursor = outcome.observed.ports.cursor.or(self.cursor);
        let only_pending = !outcome.plan.pending.is_empty()
            && outcome.plan.changes.is_empty()
            && outcome.failures.is_empty()
            && outcome.early.is_empty()
            && outcome.unread.is_empty()
            && !outcome.stale;
        let before = held
            .memory
            .as_ref()
            .filter(|before| only_pending && before.only_pending);
        current.memory = Some(Memory {
            generation: held.app.metadata.generation,
            platform_generation: self.platform.metadata.generation,
            observed: outcome.observed.clone(),
            echoes: outcome.plan.echoes.clone(),
            due: before.map_or(now + if blocked { BLOCKED } else { RESYNC }, |before| before.due),
            pending: outcome.plan.pending.clone(),
            only_pending,
            contradicted: outcome.contradicted.clone(),
        });
    }

    fn reconcile(&self, held: &Held) -> Result<(Desired, Outcome), Error> {
        let desired = self.desired(held)?;
        let request = self.request(held, &desired);
        if matches!(request.scope, Scope::Everything) {
            self.aws.look();
        }
        let mut done = Vec::new();
        let mut scope = request.scope.clone();
        loop {
            let request = Request {
                scope,
                ..self.request(held, &desired)
            };
            let turn = Turn {
                yields: self.yields,
                asked: AtomicBool::new(false),
            };
            let door = Door {
                aws: &self.aws,
                claims: &self.aws,
            };
            let mut outcome = now(reconcile(&self.aws, &self.aws, &door, &turn, request))?;
            done.append(&mut outcome.done);
            if outcome.interrupted != Some(Interruption::Yielded) {
                outcome.done = done;
                return Ok((desired, outcome));
            }
            scope = Scope::Interrupted(Box::new(outcome));
        }
    }

    /// What passes would do from now on, as `plan` tells it.
    pub(crate) fn dry_run(&self, key: &str) -> Result<DryRun, Error> {
        let held = &self.apps[key];
        let desired = self.desired(held)?;
        let mut request = self.request(held, &desired);
        request.scope = Scope::Everything;
        now(dry_run(&self.aws, &self.aws, request))
    }

    fn desired(&self, held: &Held) -> Result<Desired, Error> {
        let app = &held.app;
        let owner = Owner {
            installation: INSTALLATION.into(),
            app: AppName {
                namespace: app.metadata.namespace.clone().unwrap(),
                name: app.metadata.name.clone().unwrap(),
            },
        };
        if held.deleting {
            let place = desired::place(&self.platform);
            return Ok(if desired::leaves_things_behind(app, Some(&self.platform)) {
                Desired::retaining(owner, place)
            } else {
                Desired::empty(owner, place)
            });
        }
        let Built { desired, .. } = desired::build(app, &self.platform, &owner, &self.namespace)?;
        Ok(desired)
    }

    fn request<'a>(&self, held: &Held, desired: &'a Desired) -> Request<'a> {
        let app = &held.app;
        let waits = status::waits(
            app.status.as_ref(),
            Duration::from_secs(RETIRE_AFTER),
            desired::ttl(&self.platform),
            self.time(),
        );
        let mentioned = app
            .status
            .iter()
            .flat_map(|status| &status.processes)
            .map(|p| p.name.clone());
        let processes = app.status.iter().flat_map(|status| &status.processes);
        let reported_definitions =
            processes.filter_map(|p| Some((p.name.clone(), Arn(p.task_definition.clone()?))));
        let known = Known {
            task_definitions: held
                .memory
                .as_ref()
                .map(|memory| memory.observed.task_definitions.clone())
                .unwrap_or_default(),
            mentioned: mentioned.collect(),
            rollouts: status::rollouts(app.status.as_ref()),
            revisions: status::revisions(app.status.as_ref()),
            echoes: Self::echoes(held),
            reported_definitions: reported_definitions.collect(),
            port_cursor: self.cursor,
            ports_recovered: self.recovered,
            holdings: status::holdings(app.status.as_ref(), held.has_finalizer),
        };
        Request {
            desired,
            known,
            scope: self.scope(held),
            retiring: waits.retiring,
            waits_over: waits.over,
            now: self.time().as_second(),
            suspended: app.spec.suspend.unwrap_or(false)
                && !(held.deleting && desired::leaves_things_behind(app, Some(&self.platform))),
            held: self.held.clone(),
            contradicted: held
                .memory
                .as_ref()
                .map(|memory| memory.contradicted.clone())
                .unwrap_or_default(),
        }
    }

    fn echoes(held: &Held) -> EchoMemory {
        let status = held.app.status.as_ref();
        let memory = held.memory.as_ref();
        let known = memory.map_or_else(|| status::echoes(status), |memory| memory.echoes.clone());
        let is_new = status.map(|status| status.observed_generation) != held.app.metadata.generation;
        if is_new { known.anew() } else { known }
    }

    fn scope(&self, held: &Held) -> Scope {
        let Some(memory) = held.memory.clone() else {
            return Scope::Everything;
        };
        let same = memory.generation == held.app.metadata.generation
            && memory.platform_generation == self.platform.metadata.generation
            && !held.deleting;
        if same && memory.only_pending && self.aws.now() < memory.due {
            Scope::Pending {
                before: Box::new(memory.observed),
                pending: memory.pending,
            }
        } else {
            Scope::Everything
        }
    }

    fn record(&self) -> PlatformRecord {
        PlatformRecord {
            name: self.platform.metadata.name.clone().unwrap(),
            ..PlatformRecord::default()
        }
    }

    fn time(&self) -> Timestamp {
        let elapsed = SignedDuration::from_secs(self.aws.now().try_into().unwrap());
        Timestamp::UNIX_EPOCH + elapsed
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
