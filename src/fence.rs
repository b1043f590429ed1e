//! The fence: nothing is begun that could still be under way when another replica may write.
//!
//! A Lease says who writes. Its holder may lose it without noticing: the process is stopped, the machine sleeps, the network
//! is gone. So each attempt at a call asks here first, and is begun only if its time-out ends before the Lease does. The
//! Lease is counted from when its last successful renewal was *sent*, since nobody else can count from earlier, and by the
//! clock that says it has run for longer: one runs through suspension, the other is the wall's.
//!
//! Renewing has no fence around it. Nor has a request that the kernel has already: docs/high-availability.md says why that
//! does no harm.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::task_local;

/// A point in time by both clocks that a Lease is measured with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Since the machine was started, its sleep included.
    pub boot: Duration,
    /// Since 1970, as the wall clock is set.
    pub wall: Duration,
}

impl Moment {
    pub fn now() -> Self {
        Moment {
            boot: since_boot(),
            wall: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        }
    }

    /// Returns the time since another moment by the clock that says more. A wall clock that was set back says nothing.
    fn since(self, past: Moment) -> Duration {
        let boot = self.boot.saturating_sub(past.boot);
        boot.max(self.wall.saturating_sub(past.wall))
    }
}

#[cfg(target_os = "linux")]
fn since_boot() -> Duration {
    use rustix::time::{ClockId, DynamicClockId, clock_gettime, clock_gettime_dynamic};
    let time = clock_gettime_dynamic(DynamicClockId::Boottime);
    let time = time.unwrap_or_else(|_| clock_gettime(ClockId::Monotonic));
    time.try_into().unwrap_or_default()
}

/// Elsewhere the monotonic clock has to do; that of macOS runs through sleep.
#[cfg(not(target_os = "linux"))]
fn since_boot() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::Monotonic).try_into().unwrap_or_default()
}

/// The fence of one Lease, shared by all that is done under it.
#[derive(Clone, Debug)]
pub struct Fence(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    lease: String,
    duration: Duration,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// When the last successful renewal was sent. `None` while the Lease is not held.
    sent: Option<Moment>,
    is_closed: bool,
    /// The passes that run under it.
    passes: usize,
}

/// A call that was not begun.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fenced {
    #[error("not begun: it could take {} s, and Lease {lease} may be another replica's in {} s", .limit.as_secs_f32(), .left.as_secs_f32())]
    Ending {
        lease: String,
        limit: Duration,
        left: Duration,
    },
    #[error("not begun: this replica is about to give Lease {lease} back")]
    Closed { lease: String },
    #[error("not begun: this pass began under Lease {lease}, and its object is not that one's any more")]
    Elsewhere { lease: String },
}

impl Fence {
    /// Makes the fence of a Lease that is not held yet. Whoever holds it does so for `duration`.
    pub fn new(lease: String, duration: Duration) -> Self {
        Fence(Arc::new(Shared {
            lease,
            duration,
            state: Mutex::default(),
        }))
    }

    /// Returns the name of the Lease.
    pub fn lease(&self) -> &str {
        &self.0.lease
    }

    /// Notes that a renewal, or the taking of the Lease, succeeded that was sent then.
    pub fn renewed(&self, sent: Moment) {
        self.state().sent = Some(sent);
    }

    /// Notes that the Lease is not held any more.
    pub fn lost(&self) {
        self.state().sent = None;
    }

    /// Lets nothing more be read from AWS: the Lease is about to be given back. A write under way may be retried.
    pub fn close(&self) {
        self.state().is_closed = true;
    }

    /// True if passes may begin, and go on.
    pub fn is_open(&self) -> bool {
        let state = self.state();
        state.sent.is_some() && !state.is_closed
    }

    /// True if no pass runs under it.
    pub fn is_idle(&self) -> bool {
        self.state().passes == 0
    }

    /// True from when the Lease was taken until it is lost or given back, also while it cannot be renewed.
    pub fn is_held(&self) -> bool {
        self.state().sent.is_some()
    }

    /// Returns the time for which nobody else can have the Lease.
    pub fn left(&self, now: Moment) -> Duration {
        let sent = self.state().sent;
        sent.map_or(Duration::ZERO, |sent| {
            self.0.duration.saturating_sub(now.since(sent))
        })
    }

    /// The time that one attempt at a write is given: half of the Lease, so that there is time to begin one between two
    /// renewals of which the first fails.
    pub fn limit(&self) -> Duration {
        self.0.duration / 2
    }

    /// Decides if a write may begin; returns its time-out.
    pub fn may_write(&self, now: Moment) -> Result<Duration, Fenced> {
        let (limit, left) = (self.limit(), self.left(now));
        if limit < left {
            return Ok(limit);
        }
        let lease = self.0.lease.clone();
        Err(Fenced::Ending { lease, limit, left })
    }

    /// Decides if AWS may be read: by whoever leads, to the end.
    pub fn may_read(&self, now: Moment) -> Result<(), Fenced> {
        let lease = || self.0.lease.clone();
        if self.state().is_closed {
            return Err(Fenced::Closed { lease: lease() });
        }
        let (limit, left) = (Duration::ZERO, self.left(now));
        if left.is_zero() {
            let lease = lease();
            return Err(Fenced::Ending { lease, limit, left });
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every statement leaves it whole.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

task_local! {
    /// Beside the arguments, so that no way to AWS or to the API server can be without it.
    static FENCE: Fence;
}

/// A pass under a fence, until it is dropped.
struct Running(Fence);

impl Running {
    fn new(fence: Fence) -> Self {
        fence.state().passes += 1;
        Running(fence)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.state().passes -= 1;
    }
}

/// Runs a pass under a Lease. It counts as one from now on, not only once it is polled.
pub fn under<F: Future>(fence: Fence, pass: F) -> impl Future<Output = F::Output> {
    let running = Running::new(fence.clone());
    async move {
        let _running = running;
        FENCE.scope(fence, pass).await
    }
}

/// Returns the fence of the pass that asks; `None` outside of passes, as in a dry run, which writes nothing.
pub fn current() -> Option<Fence> {
    FENCE.try_with(Clone::clone).ok()
}

/// Decides if the pass that asks may begin a write. Returns the time-out that it has then.
pub fn may_write() -> Result<Option<Duration>, Fenced> {
    current().map(|fence| fence.may_write(Moment::now())).transpose()
}

/// Decides if the pass that asks may go on to another write, and not only finish one.
pub fn may_go_on() -> bool {
    current().is_none_or(|fence| fence.is_open() && fence.may_write(Moment::now()).is_ok())
}

/// Decides if the pass that asks may begin a read of AWS.
pub fn may_read() -> Result<(), Fenced> {
    current().map_or(Ok(()), |fence| fence.may_read(Moment::now()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(15);

    /// Both clocks say the same.
    fn at(seconds: u64) -> Moment {
        clocks(seconds, seconds)
    }

    fn clocks(boot: u64, wall: u64) -> Moment {
        Moment {
            boot: Duration::from_secs(1000 + boot),
            wall: Duration::from_secs(1_700_000_000 + wall),
        }
    }

    fn held() -> Fence {
        let fence = Fence::new("empire-123456789012".into(), LEASE);
        fence.renewed(at(0));
        fence
    }

    #[test]
    fn a_write_begins_only_if_its_time_out_ends_before_the_lease() {
        let fence = held();
        let limit = Duration::from_millis(7500);
        assert_eq!(fence.may_write(at(0)), Ok(limit));
        assert_eq!(fence.may_write(at(7)), Ok(limit));
        assert!(fence.may_write(at(8)).is_err());
        fence.renewed(at(5));
        assert_eq!(fence.may_write(at(12)), Ok(limit));
        assert!(fence.may_write(at(13)).is_err());
    }

    #[test]
    fn a_lease_is_read_under_to_its_end_and_written_under_to_its_half() {
        let fence = held();
        assert!(fence.may_write(at(10)).is_err());
        assert_eq!(fence.may_read(at(14)), Ok(()));
        assert!(fence.may_read(at(15)).is_err());
        assert!(fence.is_held(), "nobody has taken it");
    }

    #[test]
    fn the_clock_counts_that_says_more() {
        let check = |now: Moment, left: u64| {
            assert_eq!(held().left(now), Duration::from_secs(left), "{now:?}");
        };
        check(clocks(5, 5), 10);
        check(clocks(5, 9), 6);
        check(clocks(9, 5), 6);
        // Suspended for an hour, on a machine whose wall clock stood still, and on one whose monotonic clock did.
        check(clocks(3600, 5), 0);
        check(clocks(5, 3600), 0);
        let set_back = Moment {
            wall: Duration::ZERO,
            ..at(5)
        };
        check(set_back, 10);
    }

    #[test]
    fn what_is_not_held_lets_nothing_begin() {
        let never = Fence::new("empire-123456789012".into(), LEASE);
        let lost = held();
        lost.lost();
        for fence in [never, lost] {
            assert!(!fence.is_held());
            assert!(fence.may_write(at(0)).is_err() && fence.may_read(at(0)).is_err());
        }
    }

    #[test]
    fn under_a_lease_that_is_given_back_no_read_begins_and_a_write_is_retried() {
        let fence = held();
        assert!(fence.is_open());
        fence.close();
        assert!(!fence.is_open() && fence.is_held());
        assert!(matches!(fence.may_read(at(0)), Err(Fenced::Closed { .. })));
        assert!(fence.may_write(at(0)).is_ok());
    }

    #[tokio::test]
    async fn a_pass_asks_the_fence_that_it_runs_under() {
        assert_eq!((may_write(), may_read()), (Ok(None), Ok(())), "a dry run");
        let fence = held();
        fence.renewed(Moment::now());
        let limit = fence.limit();
        let asked = under(fence.clone(), async { (may_write(), may_read()) }).await;
        assert_eq!(asked, (Ok(Some(limit)), Ok(())));
        let asked = async { (may_go_on(), may_write().is_ok()) };
        fence.close();
        assert_eq!(under(fence.clone(), asked).await, (false, true));
        fence.lost();
        assert!(under(fence, async { may_write().is_err() && may_read().is_err() }).await);
    }

    #[tokio::test]
    async fn a_pass_counts_until_it_has_ended_or_panicked() {
        let fence = held();
        assert!(fence.is_idle());
        let pass = under(fence.clone(), async {});
        assert!(!fence.is_idle(), "nobody has polled it yet");
        pass.await;
        assert!(fence.is_idle());
        let pass = tokio::spawn(under(fence.clone(), async { panic!("a bug") }));
        assert!(!fence.is_idle());
        assert!(pass.await.is_err() && fence.is_idle());
    }

    #[test]
    fn both_clocks_run() {
        let before = Moment::now();
        while Moment::now() == before {}
        assert!(Moment::now().since(before) > Duration::ZERO);
    }
}
