//! When an App gets its next pass, and what that need not do again.
//!
//! What is pending is looked at in seconds, and nothing else is read for it. What AWS refused is not sent again before
//! its own time, however often the App is looked at in between.

use std::time::Duration;

use jiff::Timestamp;

use super::backoff::{delay, pending, release, spread};
use crate::change::{Change, ServiceWrite, Write};
use crate::error::Error;
use crate::model::class::Class;
use crate::model::pending::Stage;
use crate::plan::Pending;
use crate::reconcile::Outcome;

/// The next pass over an object, as the last one asks for it. An edit, or a release that it waits for, comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requeue {
    /// Something failed or is pending, and is looked at again after this time.
    After(Duration),
    /// Likewise after `after`; and after `turn`, as urgently as an edit: AWS has a token then, which is kept for seconds.
    Turn { turn: Duration, after: Duration },
    /// All is well, and is compared with AWS again after this time: later than what is not well, where slots are few.
    Resync(Duration),
    /// At once, in its turn: it was interrupted between two writes, keeps its rank, and goes on from there.
    Yielded,
    /// Only an edit helps.
    Never,
}

impl Requeue {
    /// No later than that, if there is a next pass at all.
    #[must_use]
    pub fn within(self, limit: Option<Duration>) -> Self {
        match (self, limit) {
            (Requeue::After(after) | Requeue::Resync(after), Some(limit)) => Requeue::After(after.min(limit)),
            (Requeue::Turn { turn, after }, Some(limit)) => Requeue::Turn {
                turn,
                after: after.min(limit),
            },
            (requeue, _) => requeue,
        }
    }
}

/// The work that a pass leaves open.
#[derive(Clone, Debug)]
pub(super) struct Open {
    /// When the App is looked at again.
    pub after: Duration,
    /// When AWS has a token for it.
    pub turn: Option<Duration>,
    /// Nothing is open but what is pending and what backs off, so that the next pass need read nothing else.
    pub only_pending: bool,
    /// The changes that failed and are not tried again before `backing_off_until`.
    pub backing_off: Vec<(Change, Error)>,
    pub backing_off_until: Timestamp,
    /// When everything is read again.
    pub everything_at: Timestamp,
}

impl Open {
    /// Returns when its next pass comes, of an App that is not settled.
    pub(super) fn requeue(&self) -> Requeue {
        let after = self.after;
        self.turn
            .map_or(Requeue::After(after), |turn| Requeue::Turn { turn, after })
    }
}

/// The facts that the pass began with.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Before {
    /// When everything was to be read again, if this pass read only what was pending.
    pub everything_at: Option<Timestamp>,
    pub backing_off_until: Option<Timestamp>,
}

/// An attempt of the release phase is recorded by then, and its task can be started; or a change of secrets.
const RECORDED: Duration = Duration::from_secs(1);

/// `failures` are the passes in a row that failed, this one included; `wait` is until the next replaced load balancer
/// has waited long enough; `jitter` is uniform in 0..1.
pub(super) fn open(
    outcome: &Outcome,
    before: Before,
    failures: u32,
    wait: Option<Duration>,
    resync: Duration,
    now: Timestamp,
    jitter: f64,
) -> Open {
    // What AWS has no token for comes at its turn, which the line knows better than any backoff.
    let unread = || {
        let unread = outcome.unread.iter().filter(|unread| !unread.is_in_line());
        unread.map(|unread| unread.error.class())
    };
    let counts = |error: &&Error| outcome.later.is_empty() || !error.is_about_rates();
    let classes = || {
        let failed = outcome.failures.iter().map(|(_, error)| error);
        failed.filter(counts).map(Error::class).chain(unread())
    };
    let worst = |passing: bool| {
        let class = classes().filter(|class| class.is_passing() == passing).max()?;
        delay(class, failures, jitter)
    };
    let (soon, lasting) = (worst(true), worst(false));

    let mut backing_off: Vec<(Change, Error)> = outcome.backing_off.clone();
    backing_off.extend(
        outcome
            .failures
            .iter()
            .filter(|(_, error)| !error.class().is_passing())
            .cloned(),
    );
    let backing_off_until = match lasting {
        Some(lasting) => now + lasting,
        None => before.backing_off_until.unwrap_or(now),
    };
    let obstructed = (!outcome.plan.obstacles.is_empty()).then(|| delay(Class::Conflict, 1, jitter));
    let obstructed = obstructed.flatten().map(|delay| now + delay);
    let everything_at = match (before.everything_at, obstructed) {
        (Some(due), Some(obstructed)) => due.min(obstructed),
        (Some(due), None) | (None, Some(due)) => due,
        (None, None) => now + spread(resync, jitter),
    };
    let only_pending = !outcome.plan.pending.is_empty()
        && outcome.plan.changes.is_empty()
        && outcome.not_ready.is_empty()
        && soon.is_none()
        && outcome.unread.is_empty()
        && !outcome.stale;
    // ECS rolls back what was stopped, which no plan waits for.
    let is_stop = |change: &Change| matches!(change.write, Write::Service(ServiceWrite::StopRollout { .. }));
    let in_line = |pending: &Pending| matches!(pending, Pending::Budget { .. });
    let is_release = |pending: &Pending| matches!(pending, Pending::Releasing { .. });
    let releases = outcome.plan.pending.iter().any(is_release);
    let is_record = |pending: &Pending| {
        matches!(
            pending,
            Pending::SecretChange { .. }
                | Pending::Release {
                    stage: Stage::Record(None),
                    ..
                }
        )
    };
    let records = outcome.plan.pending.iter().any(is_record).then_some(RECORDED);
    let releases = releases.then(|| release(jitter));
    let wait = [wait, releases, records].into_iter().flatten().min();
    let waits = !outcome.plan.pending.iter().all(in_line)
        || !outcome.not_ready.is_empty()
        || outcome.done.iter().any(is_stop);
    let until = |time: Timestamp| Duration::try_from(time.duration_since(now)).unwrap_or_default();
    // Whatever else is open: a place in a line is given up soon after its time.
    let reads = outcome.unread.iter().filter_map(|unread| unread.error.later());
    let turns = outcome
        .later
        .iter()
        .map(|later| later.until)
        .chain(reads.map(|(until, _)| until));
    let turn = turns.map(until).min();
    let after = soon.unwrap_or_else(|| {
        let pending = waits.then(|| wait.unwrap_or(Duration::MAX).min(pending(jitter)));
        let retry = (!backing_off.is_empty() || unread().next().is_some()).then(|| until(backing_off_until));
        [pending, retry]
            .into_iter()
            .flatten()
            .fold(until(everything_at), Duration::min)
    });
    Open {
        after: turn.map_or(after, |turn| turn.min(after)),
        turn,
        only_pending,
        backing_off,
        backing_off_until,
        everything_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Bucket;
    use crate::plan::{Obstacle, ObstacleKind};
    use crate::reconcile::Later;

    const RESYNC: Duration = Duration::from_mins(10);

    fn outcome() -> Outcome {
        Outcome::default()
    }

    fn rolling_out(mut outcome: Outcome) -> Outcome {
        outcome.plan.pending.push(Pending::Rollout {
            process: "web".into(),
            service: "shop_acme_web".into(),
        });
        outcome
    }

    fn failed(mut outcome: Outcome, error: Error) -> Outcome {
        let service = "shop_acme_worker".into();
        let change = Change::of("worker", ServiceWrite::Delete { service });
        outcome.failures.push((change, error));
        outcome
    }

    fn refused() -> Error {
        Error::Forbidden {
            action: "test",
            message: "no".into(),
        }
    }

    fn transient() -> Error {
        Error::Outdated { action: "test" }
    }

    fn after(outcome: &Outcome, before: Before, failures: u32) -> Open {
        open(outcome, before, failures, None, RESYNC, now(), 0.5)
    }

    fn now() -> Timestamp {
        "2026-01-02T03:04:05Z".parse().unwrap()
    }

    fn seconds(open: &Open) -> u64 {
        open.after.as_secs()
    }

    #[test]
    fn a_settled_app_is_looked_at_again_when_a_resync_is_due() {
        assert_eq!(seconds(&after(&outcome(), Before::default(), 0)), 600);
    }

    #[test]
    fn something_pending_is_looked_at_soon_and_alone() {
        let open = after(&rolling_out(outcome()), Before::default(), 0);
        assert_eq!(seconds(&open), 20);
        assert!(open.only_pending);
    }

    #[test]
    fn a_target_group_goes_soon_after_its_load_balancer_whatever_else_is_waited_for() {
        let mut releasing = rolling_out(outcome());
        releasing.plan.pending.push(Pending::Releasing {
            process: "web".into(),
            target_group: "e-acme-web".into(),
        });
        assert_eq!(seconds(&after(&releasing, Before::default(), 0)), 12);
    }

    #[test]
    fn a_look_at_what_is_pending_leaves_the_resync_when_it_is_due() {
        let before = Before {
            everything_at: Some(now() + Duration::from_secs(7)),
            backing_off_until: None,
        };
        let open = after(&rolling_out(outcome()), before, 0);
        assert_eq!(seconds(&open), 7);
        assert_eq!(open.everything_at, now() + Duration::from_secs(7));
    }

    fn in_line(mut outcome: Outcome, seconds: u64) -> Outcome {
        let bucket = Bucket::EcsRegistrations;
        outcome.plan.pending.push(Pending::Budget {
            process: "web".into(),
            bucket: bucket.as_str().into(),
            minutes: 1,
        });
        outcome.later.push(Later {
            process: "web".into(),
            bucket,
            until: now() + Duration::from_secs(seconds),
        });
        outcome
    }

    #[test]
    fn a_change_that_waits_in_line_comes_at_its_time_whatever_else_is_open() {
        let open = after(&in_line(outcome(), 47), Before::default(), 0);
        assert_eq!((seconds(&open), open.only_pending), (47, true));
        assert!(open.backing_off.is_empty());
        let check = |outcome: Outcome, failures: u32, expected: u64| {
            assert_eq!(seconds(&after(&outcome, Before::default(), failures)), expected);
        };
        check(in_line(in_line(outcome(), 47), 5), 0, 5);
        check(in_line(rolling_out(outcome()), 47), 0, 20);
        let turn = after(&in_line(rolling_out(outcome()), 47), Before::default(), 0).requeue();
        let [turn_in, looked_at_in] = [47, 20].map(Duration::from_secs);
        let expected = Requeue::Turn {
            turn: turn_in,
            after: looked_at_in,
        };
        assert_eq!(turn, expected, "one that looks sooner does not lose its turn");
        check(in_line(rolling_out(outcome()), 7), 0, 7);
        // Else one that fails for long would lose its place each time.
        check(failed(in_line(outcome(), 3), transient()), 5, 3);
        check(failed(in_line(outcome(), 47), transient()), 5, 8);
        // It asks again before it is due, so as to keep its place.
        check(in_line(outcome(), 3000), 0, 600);
    }

    #[test]
    fn what_was_refused_keeps_its_own_time_beside_a_rollout() {
        let first = after(&failed(rolling_out(outcome()), refused()), Before::default(), 3);
        assert_eq!(seconds(&first), 20);
        assert!(first.only_pending);
        assert_eq!(first.backing_off_until, now() + Duration::from_mins(4));

        // A pass in between tries nothing again and leaves the time as it is.
        let mut between = rolling_out(outcome());
        between.backing_off = first.backing_off;
        let before = Before {
            everything_at: Some(first.everything_at),
            backing_off_until: Some(now() + Duration::from_secs(12)),
        };
        let second = after(&between, before, 3);
        assert_eq!(second.backing_off.len(), 1);
        assert_eq!(seconds(&second), 12);
    }

    #[test]
    fn trouble_of_a_moment_decides_alone_and_reads_everything_again() {
        let open = after(&failed(rolling_out(outcome()), transient()), Before::default(), 5);
        assert_eq!(seconds(&open), 8);
        assert!(!open.only_pending);
        assert!(open.backing_off.is_empty());
    }

    #[test]
    fn a_rollout_that_is_over_its_time_does_not_wait_for_the_resync() {
        let mut late = outcome();
        late.plan.obstacles.push(Obstacle {
            process: "web".into(),
            kind: ObstacleKind::RolloutFailed,
            message: "not complete within 600 s".into(),
        });
        let before = Before {
            everything_at: Some(now() + Duration::from_hours(6)),
            backing_off_until: None,
        };
        assert_eq!(seconds(&after(&late, before, 0)), 300);
    }

    #[test]
    fn a_name_that_another_holds_is_asked_for_every_five_minutes() {
        let mut blocked = outcome();
        blocked.plan.obstacles.push(Obstacle {
            process: "web".into(),
            kind: ObstacleKind::Foreign,
            message: "taken".into(),
        });
        assert_eq!(seconds(&after(&blocked, Before::default(), 0)), 300);
    }
}
