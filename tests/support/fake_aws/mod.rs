//! The strict in-memory AWS: stateful, on virtual time, with the refusals and delays of the real one.
//!
//! It implements the `aws` traits and, so that one count covers all writes, the port claims. What AWS takes and
//! refuses is modelled as docs/aws.md describes it, one file a service; where reality is not known, the
//! stricter reading is taken. Replies hold what the SDK adapters would hand over: a listing has no tags, a deployment
//! that is over is missing. Nothing here waits: time passes when a test says so.

mod billed;
mod buckets;
mod claims;
mod console;
mod echo;
mod ecs;
mod elbv2;
mod faults;
mod invariants;
mod logs;
mod route53;
mod scaling;
mod scheduler;
mod secrets;
mod short;
mod snapshot;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use empire_controller::aws::{AwsError, Result, answered, in_time, in_turn};
use empire_controller::model::name::Arn;
use empire_controller::model::port::Claim;

pub(crate) use billed::Calls;
pub(crate) use buckets::{Bucket, Buckets, Given, bucket_of};
pub(crate) use console::Console;
pub(crate) use echo::Echo;
pub(crate) use ecs::Fate;
pub(crate) use faults::{Disturbance, When};
pub(crate) use invariants::RETIRE_AFTER;
pub(crate) use short::{Asked, Short};
pub(crate) use snapshot::Snapshot;

/// The times that things take, in virtual seconds. Real ones take longer; what counts is that they take any time at all.
pub(crate) const PROVISIONING: u64 = 45;
pub(crate) const ROLLOUT: u64 = 15;
/// So long tasks may fail before the circuit breaker gives up.
pub(crate) const FAILING: u64 = 45;
/// So long a task of a crash loop runs, and so long there is none.
pub(crate) const LOOPING: u64 = 17;
pub(crate) const STOPPING: u64 = 12;
pub(crate) const DRAINING: u64 = 25;
/// So long a network load balancer still has a zone that it leaves: "up to 3 minutes".
pub(crate) const LEAVING: u64 = 25;
/// After its load balancer is gone, AWS still counts a target group as in use for a while.
pub(crate) const RELEASING: u64 = 12;

/// One that took effect.
#[derive(Clone, Debug)]
pub(crate) struct Write {
    /// As IAM names it; claims have the prefix `claims:`.
    pub(crate) action: &'static str,
    pub(crate) about: String,
}

impl Write {
    pub(crate) fn is_aws(&self) -> bool {
        !self.action.starts_with("claims:")
    }
}

#[derive(Default)]
pub(crate) struct FakeAws {
    state: Mutex<State>,
    /// The calls since somebody last took them, as AWS counts them.
    calls: Mutex<Calls>,
    /// The buckets that calls draw on; without them, AWS takes as many as are made.
    buckets: Mutex<Option<Buckets>>,
}

#[derive(Clone, Debug, Default)]
struct State {
    /// Virtual seconds since the beginning.
    now: u64,
    ids: u64,
    ecs: ecs::Ecs,
    elbv2: elbv2::Elbv2,
    route53: route53::Route53,
    scheduler: scheduler::Scheduler,
    scaling: scaling::Scaling,
    logs: logs::Logs,
    secrets: secrets::Secrets,
    claims: Vec<Claim>,
    /// As passes see them, where that is behind.
    claims_before: Option<Vec<Claim>>,
    /// So many claims to come find that somebody else has just made them.
    rivals: u16,
    faults: faults::Faults,
    lists: short::Lists,
    echo: echo::Echoes,
    writes: Vec<Write>,
    reads: Vec<String>,
    violations: Vec<String>,
    /// Since when no record of any zone names a load balancer that one named before.
    unnamed_since: BTreeMap<String, u64>,
    /// The App whose reconcile is under way.
    acting: Option<String>,
    /// True if that App may take names that are kept for other namespaces.
    takes_names: bool,
    /// Somebody took something away by hand, and the controller has not looked since.
    unseen: bool,
    /// Not every single write is checked, and none that is refused is taken back.
    trusting: bool,
}

impl FakeAws {
    pub(crate) fn new(clusters: &[&str], zones: &[(&str, &str)]) -> Self {
        let mut state = State::default();
        state.ecs.clusters = clusters.iter().map(|&name| name.into()).collect();
        for (id, name) in zones {
            state.route53.zones.insert((*id).into(), route53::Zone::new(name));
        }
        FakeAws {
            state: Mutex::new(state),
            calls: Mutex::default(),
            buckets: Mutex::default(),
        }
    }

    /// Another world that begins as this one is.
    pub(crate) fn fork(&self) -> Self {
        FakeAws {
            state: Mutex::new(self.lock().clone()),
            calls: Mutex::default(),
            buckets: Mutex::default(),
        }
    }

    /// For a world of so many Apps that to look at all of it after every write would take too long.
    pub(crate) fn trust(&self) {
        self.lock().trusting = true;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn now(&self) -> u64 {
        self.lock().now
    }

    /// Lets time pass, second by second.
    pub(crate) fn advance(&self, seconds: u64) {
        let mut state = self.lock();
        for _ in 0..seconds {
            state.now += 1;
            state.tick();
        }
    }

    /// The controller is about to read everything.
    pub(crate) fn look(&self) {
        self.lock().unseen = false;
    }

    /// Every write that took effect, from the beginning.
    pub(crate) fn writes(&self) -> Vec<Write> {
        self.lock().writes.clone()
    }

    /// Takes the reads since the last time.
    pub(crate) fn take_reads(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().reads)
    }

    /// Returns the violations of invariants so far.
    pub(crate) fn violations(&self) -> Vec<String> {
        self.lock().violations.clone()
    }

    fn interloper(&self, action: &str) -> Option<(&'static str, console::Act)> {
        let expected = &mut self.lock().faults.interloper;
        expected.take_if(|(expected, _)| *expected == action)
    }

    /// One call that changes nothing.
    fn read<T>(
        &self,
        action: &'static str,
        about: &str,
        call: impl FnOnce(&State) -> Result<T>,
    ) -> Result<T> {
        in_time(action)?;
        in_turn(action)?;
        self.bill(action)?;
        let mut state = self.lock();
        state.faults.before_read(action).inspect_err(answered)?;
        state.reads.push(format!("{action} {about}"));
        call(&state)
    }

    /// One call that changes something, or is refused and then changes nothing at all.
    fn write<T>(
        &self,
        action: &'static str,
        about: String,
        call: impl FnOnce(&mut State) -> Result<T>,
    ) -> Result<T> {
        in_time(action)?;
        in_turn(action)?;
        if let Some((_, act)) = self.interloper(action) {
            act(&mut self.by_hand());
        }
        self.bill(action)?;
        let mut state = self.lock();
        state.faults.before_write(action, &about).inspect_err(answered)?;
        if state.trusting {
            let reply = call(&mut state)?;
            state.writes.push(Write { action, about });
            return Ok(reply);
        }
        let before = state.clone();
        let reply = match call(&mut state) {
            Ok(reply) => reply,
            Err(error) => {
                let faults = state.faults.clone();
                *state = State { faults, ..before };
                state.faults.after_write(action)?;
                return Err(error);
            }
        };
        state.check_write(&before, action, &about);
        state.writes.push(Write { action, about });
        state.faults.after_write(action)?;
        Ok(reply)
    }
}

impl State {
    fn tick(&mut self) {
        if self.ecs.is_busy() {
            let alive = self.elbv2.alive_target_groups();
            self.ecs.tick(self.now, &alive);
        }
        self.elbv2.tick(self.now);
        self.scheduler.tick(self.now);
        self.scaling.tick(&self.ecs);
    }

    fn id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    fn arn(&mut self, service: &str, path: &str) -> Arn {
        let id = self.id();
        Arn(format!(
            "arn:aws:{service}:us-east-1:123456789012:{path}/{id:016x}"
        ))
    }
}

/// A refusal, judged as the SDK adapters judge it.
fn refuse<T>(action: &'static str, code: &str, message: impl AsRef<str>) -> Result<T> {
    Err(AwsError::from_code(action, code, message.as_ref()))
}
