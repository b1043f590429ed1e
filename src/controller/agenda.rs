//! What a pass leaves open, and when to come back to it.
//!
//! What is pending is looked at in seconds, and nothing else is read for it. What AWS refused is not sent again before
//! its own time, however often the App is looked at in between.

use std::time::Duration;

use jiff::Timestamp;

use super::backoff::{delay, pending, spread};
use crate::change::Change;
use crate::error::Error;
use crate::model::class::Class;
use crate::reconcile::Outcome;

#[derive(Clone, Debug)]
pub(super) struct Agenda {
    /// When the App is looked at again.
    pub after: Duration,
    /// Nothing is open but what is pending and what is held, so that the next pass need read nothing else.
    pub only_pending: bool,
    /// What failed and is not tried again before `held_until`.
    pub held: Vec<(Change, Error)>,
    pub held_until: Timestamp,
    /// When everything is read again.
    pub due: Timestamp,
}

/// What the pass began with.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Before {
    /// When everything was to be read again, if this pass read only what was pending.
    pub due: Option<Timestamp>,
    pub held_until: Option<Timestamp>,
}

/// `failures` are the passes in a row that failed, this one included; `wait` is until the next replaced load balancer
/// has waited long enough; `chance` is uniform in 0..1.
pub(super) fn agenda(
    outcome: &Outcome,
    before: Before,
    failures: u32,
    wait: Option<Duration>,
    resync: Duration,
    now: Timestamp,
    chance: impl Fn() -> f64,
) -> Agenda {
    let unread = || outcome.unread.iter().map(|unread| unread.error.class());
    let classes = || {
        let failures = outcome.failures.iter().map(|(_, error)| error.class());
        failures.chain(unread())
    };
    let worst = |passing: bool| {
        let class = classes().filter(|class| is_passing(*class) == passing).max()?;
        delay(class, failures, chance())
    };
    let (soon, lasting) = (worst(true), worst(false));

    let mut held: Vec<(Change, Error)> = outcome.held.clone();
    held.extend(
        outcome
            .failures
            .iter()
            .filter(|(_, error)| !is_passing(error.class()))
            .cloned(),
    );
    let held_until = match lasting {
        Some(lasting) => now + lasting,
        None => before.held_until.unwrap_or(now),
    };
    let obstructed = (!outcome.plan.obstacles.is_empty()).then(|| delay(Class::Conflict, 1, chance()));
    let obstructed = obstructed.flatten().map(|delay| now + delay);
    let due = match (before.due, obstructed) {
        (Some(due), Some(obstructed)) => due.min(obstructed),
        (Some(due), None) | (None, Some(due)) => due,
        (None, None) => now + spread(resync, chance()),
    };
    let only_pending = !outcome.plan.pending.is_empty()
        && outcome.plan.changes.is_empty()
        && outcome.early.is_empty()
        && soon.is_none()
        && outcome.unread.is_empty()
        && !outcome.stale;
    let waits = !outcome.plan.pending.is_empty() || !outcome.early.is_empty();
    let until = |time: Timestamp| Duration::try_from(time.duration_since(now)).unwrap_or_default();
    let after = soon.unwrap_or_else(|| {
        let pending = waits.then(|| wait.unwrap_or(Duration::MAX).min(pending(chance())));
        let held = (!held.is_empty() || unread().next().is_some()).then(|| until(held_until));
        [pending, held]
            .into_iter()
            .flatten()
            .fold(until(due), Duration::min)
    });
    Agenda {
        after,
        only_pending,
        held,
        held_until,
        due,
    }
}

/// Over in a moment, so that it is simply tried again with everything else.
fn is_passing(class: Class) -> bool {
    match class {
        Class::Transient | Class::Throttled => true,
        Class::Denied | Class::Refused | Class::Conflict | Class::Invalid | Class::Bug => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::ServiceWrite;
    use crate::plan::{Obstacle, ObstacleKind, Pending};

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

    fn after(outcome: &Outcome, before: Before, failures: u32) -> Agenda {
        agenda(outcome, before, failures, None, RESYNC, now(), || 0.5)
    }

    fn now() -> Timestamp {
        "2026-01-02T03:04:05Z".parse().unwrap()
    }

    fn seconds(agenda: &Agenda) -> u64 {
        agenda.after.as_secs()
    }

    #[test]
    fn a_settled_app_is_looked_at_again_when_a_resync_is_due() {
        assert_eq!(seconds(&after(&outcome(), Before::default(), 0)), 600);
    }

    #[test]
    fn something_pending_is_looked_at_soon_and_alone() {
        let agenda = after(&rolling_out(outcome()), Before::default(), 0);
        assert_eq!(seconds(&agenda), 20);
        assert!(agenda.only_pending);
    }

    #[test]
    fn a_look_at_what_is_pending_does_not_put_the_resync_off() {
        let before = Before {
            due: Some(now() + Duration::from_secs(7)),
            held_until: None,
        };
        let agenda = after(&rolling_out(outcome()), before, 0);
        assert_eq!(seconds(&agenda), 7);
        assert_eq!(agenda.due, now() + Duration::from_secs(7));
    }

    #[test]
    fn what_was_refused_keeps_its_own_time_beside_a_rollout() {
        let first = after(&failed(rolling_out(outcome()), refused()), Before::default(), 3);
        assert_eq!(seconds(&first), 20);
        assert!(first.only_pending);
        assert_eq!(first.held_until, now() + Duration::from_mins(4));

        // A pass in between tries nothing again and leaves the time as it is.
        let mut between = rolling_out(outcome());
        between.held = first.held;
        let before = Before {
            due: Some(first.due),
            held_until: Some(now() + Duration::from_secs(12)),
        };
        let second = after(&between, before, 3);
        assert_eq!(second.held.len(), 1);
        assert_eq!(seconds(&second), 12);
    }

    #[test]
    fn trouble_of_a_moment_decides_alone_and_reads_everything_again() {
        let agenda = after(&failed(rolling_out(outcome()), transient()), Before::default(), 5);
        assert_eq!(seconds(&agenda), 8);
        assert!(!agenda.only_pending);
        assert!(agenda.held.is_empty());
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
            due: Some(now() + Duration::from_hours(6)),
            held_until: None,
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
