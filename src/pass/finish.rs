//! The end of a pass: its status and troubles, the memory for the next one, the Apps that it wakes, and its requeue.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;

use super::backoff::{delay, left, pending, scattered};
use super::binding::{is_leaving, reports_holdings};
use super::found::Found;
use super::memory::{Detailed, LastStatus, Look, Memory};
use super::requeue::{Requeue, open};
use super::start::{End, Settings, Work};
use super::wakes::Wakes;
use crate::api::app::{App, AppStatus, PlatformRecord};
use crate::api::condition::Reason;
use crate::change::Change;
use crate::desired;
use crate::error::Error;
use crate::model::class::Class;
use crate::model::desired::Desired;
use crate::model::exclusive::Exclusive;
use crate::model::owner::AppName;
use crate::model::pending::rounded;
use crate::model::state::Observed;
use crate::plan::{ObstacleKind, Pending};
use crate::reconcile::{Interruption, Outcome, Unread};
use crate::status::{self, RolloutChange, Verdict, rollout_changes, verdict_of, verdict_of_error};

/// The results of a pass: what to publish, whom to wake, and when to come back.
#[derive(Debug)]
pub struct Finished {
    /// The Platform that the App is at, where the pass came to know it.
    pub record: Option<PlatformRecord>,
    /// The status, where users can not read it already.
    pub status: Option<AppStatus>,
    /// The conditions before it.
    pub before: Vec<Condition>,
    /// The reasons and messages that somebody should hear of.
    pub troubles: Vec<(Reason, String)>,
    /// The Apps of other namespaces that have DNS names which this one asks for, each with the name.
    pub contested: BTreeSet<(AppName, String)>,
    pub done: Vec<Change>,
    /// The rollouts that have come to an end since the status before.
    pub rollouts: Vec<RolloutChange>,
    /// The changes repaired drift: the pass before left nothing to do, and nobody has edited the App or its Platform since.
    pub drifted: bool,
    /// The App has something, and a pass that wrote nothing has not seen to it that the finalizer is there.
    pub needs_finalizer: bool,
    /// Nothing is left of an App that is being deleted: it may go, and all that is remembered of it.
    pub may_go: bool,
    pub requeue: Requeue,
    pub wakes: Wakes,
}

/// A first look at AWS that takes no longer is not spoken of.
const UNSAID: SignedDuration = SignedDuration::from_secs(20);

/// Concludes a pass. `jitter` is uniform in 0..1.
pub fn finish(
    memory: &mut Memory,
    app: &App,
    end: End,
    settings: Settings,
    now: Timestamp,
    jitter: f64,
) -> Finished {
    memory.failures_before = memory.failures;
    let is_over = matches!(&end, End::Failure(_, Error::OverLimit(_)));
    memory.room = is_over.then(|| Exclusive::Room(app.namespace().unwrap_or_default()).into());
    if !matches!(&end, End::Failure(_, error) if unread(error, now, jitter).is_some()) {
        memory.unread_since = None;
    }
    let mut finished = match end {
        End::Reconciled(work, outcome) => reconciled(memory, app, *work, *outcome, settings, now, jitter),
        // Whoever leads from now on says what there is to say.
        End::Failure(record, error) if error.is_fenced() => Finished {
            record: record.map(|record| *record),
            ..Finished::quiet(Requeue::After(pending(jitter)))
        },
        // Our cache lags behind; what is wrong, if anything, the next look will say.
        End::Failure(record, error) if matches!(error, Error::Outdated { .. }) => Finished {
            record: record.map(|record| *record),
            ..Finished::quiet(memory.failed(error.class(), jitter))
        },
        End::Failure(record, error) => {
            let record = record.map(|record| *record);
            if let Some((requeue, message, until)) = unread(&error, now, jitter) {
                let since = *memory.unread_since.get_or_insert(now);
                memory.put_off();
                if until.duration_since(since) < UNSAID || memory.is_ready(app) {
                    return Finished {
                        record,
                        ..Finished::quiet(requeue)
                    };
                }
                let verdict = of_deletion(app, Verdict::Reconciling(Reason::Progressing, message));
                return Finished::saying(memory, app, record, &verdict, now, requeue);
            }
            memory.doubts = true;
            let verdict = verdict_of_error(&error).after(memory.failures);
            let requeue = memory.failed(error.class(), jitter);
            Finished::saying(memory, app, record, &verdict, now, requeue)
        }
        End::Verdict(verdict) => {
            let requeue = match verdict {
                // Its Platform's own pass, which wakes us, is on its way; a word on a definition wakes nobody.
                Verdict::Disturbed(..) | Verdict::Reconciling(Reason::UninstallUnsaid, _) => {
                    Requeue::After(pending(jitter))
                }
                Verdict::Ready(_)
                | Verdict::Suspended(_)
                | Verdict::Reconciling(..)
                | Verdict::Stalled(..)
                | Verdict::Lasting(..)
                | Verdict::Denied(..) => memory.failed(Class::Denied, jitter),
            };
            Finished::saying(memory, app, None, &verdict, now, requeue)
        }
    };
    if let Some(status) = &finished.status {
        finished.rollouts = rollout_changes(memory.status(app).as_ref(), status);
    }
    finished
}

/// Returns when to come again and what to say where AWS was not read yet, and until when that is certain.
fn unread(error: &Error, now: Timestamp, jitter: f64) -> Option<(Requeue, String, Timestamp)> {
    if error.is_not_listed() {
        // It is woken once the list is there, mostly in a moment.
        let message = "AWS is being read, once for all Apps, as after each start";
        return Some((Requeue::After(pending(jitter)), message.into(), now));
    }
    let (until, bucket) = error.later()?;
    let after = Duration::try_from(until.duration_since(now)).unwrap_or_default();
    let pending = Pending::Budget {
        process: String::new(),
        bucket: bucket.as_str().into(),
        minutes: rounded(until.as_second() - now.as_second()),
    };
    let turn = Requeue::Turn { turn: after, after };
    Some((turn, pending.to_string(), until))
}

/// Takes back that a pass was finished, where its status could not be written or its finalizers not be changed: the next
/// one goes on from what this one came to, and reads everything.
pub fn unwritten(memory: &mut Memory, status: Option<AppStatus>, error: &Error, jitter: f64) -> Requeue {
    if let Some(status) = status {
        memory.status = LastStatus::Unwritten(status.into());
    }
    memory.invalidate();
    memory.failures = memory.failures_before;
    memory.failed(error.class(), jitter)
}

fn reconciled(
    memory: &mut Memory,
    app: &App,
    work: Work,
    mut outcome: Outcome,
    settings: Settings,
    now: Timestamp,
    jitter: f64,
) -> Finished {
    let Work {
        desired,
        record,
        before,
        ..
    } = work;
    if outcome.errors().any(|error| error.is_fenced()) {
        return fenced(memory, app, &desired, record, outcome, now, jitter);
    }
    let verdict = verdict_of(&outcome, work.suspended).after(memory.failures);
    let verdict = of_deletion(app, verdict);
    let mut status = memory.compute(app, Some(&record), Some((&desired, &outcome)), &verdict, now);
    status.counted = work.counted;
    if memory.status(app).as_ref() != Some(&status) {
        status.platform_generation = work.platform_generation;
    }
    let generation = work.platform_generation;
    let has_drifted = memory.was_settled(app, generation) || memory.repairs_names(app, generation);
    let drifted = has_drifted && !outcome.done.is_empty();
    let waits_for_name = |pending: &Pending| matches!(pending, Pending::Batch { .. });
    let repairs_names = has_drifted && outcome.plan.pending.iter().any(waits_for_name);

    memory.doubts = doubts(&outcome);
    if work.reads_details {
        memory.details = Detailed::Whole;
    } else if work.lacks_details {
        memory.details = Detailed::Lacking;
    }
    memory.read_details(work.reads_details, now, jitter);
    let is_yielded = outcome.interrupted == Some(Interruption::Yielded);
    if !is_yielded {
        memory.count(&outcome);
    }
    let retired = status::waits(Some(&status), settings.retire_after, work.ttl, now).next;
    let deadline = status::next_deadline(&desired, &outcome, now.as_second());
    let wait = [retired, deadline].into_iter().flatten().min();
    if work.suspended {
        // Nothing is recorded before it goes on.
        outcome.plan.pending.retain(|pending| !pending.is_to_record());
    }
    let open = open(
        &outcome,
        before,
        memory.failures,
        wait,
        settings.resync_interval,
        now,
        jitter,
    );
    let requeue = if is_yielded {
        Requeue::Yielded
    } else if outcome.is_settled() {
        Requeue::Resync(open.after)
    } else {
        open.requeue().within(until_lasting(&status, &verdict, now))
    };
    let finished = Finished {
        before: memory.conditions(app),
        troubles: status::troubles(&outcome),
        contested: std::mem::take(&mut outcome.plan.contested),
        needs_finalizer: outcome.done.is_empty() && holds_anything(&desired, &outcome.observed),
        may_go: is_leaving(app) && outcome.is_settled(),
        requeue,
        wakes: Wakes::of(&outcome.done),
        done: std::mem::take(&mut outcome.done),
        rollouts: Vec::new(),
        drifted,
        status: (!memory.shows(app, &status)).then_some(status),
        record: Some(record),
    };
    memory.echoes = Some(outcome.plan.echoes.clone());
    let is_settled = outcome.is_settled();
    if is_settled {
        memory.settled = app.metadata.generation;
    }
    let failures = outcome.failures.iter();
    let unanswered = failures.flat_map(|(change, _)| change.things()).collect();
    memory.is_under_way = false;
    let left = is_yielded.then(|| Box::new(outcome.clone()));
    memory.look = Some(Look {
        generation: app.metadata.generation,
        platform_generation: work.platform_generation,
        is_settled,
        repairs_names,
        found: Found::of(outcome.observed),
        pending: outcome.plan.pending,
        awaits: outcome.plan.awaits,
        contradicted: outcome.contradicted,
        open,
        unanswered,
        yielded: is_yielded.then_some(now),
        outcome: left,
    });
    finished
}

/// Returns the verdict on an App that may be being deleted, and then says so whatever it waits for.
fn of_deletion(app: &App, verdict: Verdict) -> Verdict {
    if is_leaving(app)
        && let Verdict::Reconciling(
            Reason::Progressing | Reason::ReleaseInProgress | Reason::RolloutInProgress,
            message,
        )
        | Verdict::Disturbed(Reason::Progressing, message) = verdict
    {
        return Verdict::Reconciling(Reason::Deleting, message);
    }
    verdict
}

/// Something is not as it was known: a write was answered otherwise than it would be, or nobody knows how; something foreign
/// is in the way, and may be gone. What AWS denies or puts off says nothing of it.
fn doubts(outcome: &Outcome) -> bool {
    let is_unclear = |error: &Error| match error.class() {
        Class::Denied | Class::Throttled => false,
        Class::Transient | Class::Refused | Class::Conflict | Class::Invalid | Class::Bug => true,
    };
    let mut obstacles = outcome.plan.obstacles.iter();
    outcome.stale
        || outcome.failures.iter().any(|(_, error)| is_unclear(error))
        || obstacles.any(|obstacle| obstacle.kind == ObstacleKind::Foreign)
}

/// Ends a pass that was not let to its end. Its status holds what it did and what it found, which the next replica goes on
/// from; the conditions stay as they are, since nothing is wrong with the App.
fn fenced(
    memory: &Memory,
    app: &App,
    desired: &Desired,
    record: PlatformRecord,
    mut outcome: Outcome,
    now: Timestamp,
    jitter: f64,
) -> Finished {
    let verdict = Verdict::Reconciling(Reason::Progressing, String::new());
    let status = memory.status(app).map(|before| AppStatus {
        conditions: before.conditions,
        observed_generation: before.observed_generation,
        ..memory.compute(app, Some(&record), Some((desired, &outcome)), &verdict, now)
    });
    Finished {
        before: memory.conditions(app),
        wakes: Wakes::of(&outcome.done),
        done: std::mem::take(&mut outcome.done),
        status: status.filter(|status| !memory.shows(app, status)),
        record: Some(record),
        ..Finished::quiet(Requeue::After(pending(jitter)))
    }
}

impl Finished {
    fn quiet(requeue: Requeue) -> Self {
        Finished {
            record: None,
            status: None,
            before: Vec::new(),
            troubles: Vec::new(),
            contested: BTreeSet::new(),
            done: Vec::new(),
            rollouts: Vec::new(),
            drifted: false,
            needs_finalizer: false,
            may_go: false,
            requeue,
            wakes: Wakes::default(),
        }
    }

    fn saying(
        memory: &Memory,
        app: &App,
        record: Option<PlatformRecord>,
        verdict: &Verdict,
        now: Timestamp,
        requeue: Requeue,
    ) -> Self {
        let mut status = memory.compute(app, record.as_ref(), None, verdict, now);
        // Else it would be let in by this status, which speaks of its generation.
        if let Some(record) = record.as_ref().filter(|_| memory.room.is_some()) {
            let kept = desired::kept_amounts(app, memory.status(app).as_ref(), &record.name);
            status.counted = kept.or(status.counted);
        }
        Finished {
            before: memory.conditions(app),
            troubles: verdict.trouble().into_iter().collect(),
            // The status is to be judged again, however long the failure is waited out.
            requeue: requeue.within(until_lasting(&status, verdict, now)),
            status: (!memory.shows(app, &status)).then_some(status),
            // However long it is in trouble, it may be deleted.
            needs_finalizer: record.is_some() && reports_holdings(app),
            record,
            ..Finished::quiet(requeue)
        }
    }
}

impl Memory {
    /// Notes when the details are to be read again. What was read together is read again over a whole interval; and after a
    /// start, no faster than by a controller that has run for long.
    fn read_details(&mut self, has_read: bool, now: Timestamp, jitter: f64) {
        if has_read {
            self.details_wait = Some((now, scattered(jitter)));
        } else {
            self.details_wait.get_or_insert((now, left(jitter)));
        }
    }

    /// Counts one more pass that failed, and says when the next one comes.
    fn failed(&mut self, class: Class, jitter: f64) -> Requeue {
        self.failures = self.failures.saturating_add(1);
        delay(class, self.failures, jitter).map_or(Requeue::Never, Requeue::After)
    }

    /// While something backs off, nothing has succeeded yet.
    fn count(&mut self, outcome: &Outcome) {
        let mut unread = outcome.unread.iter();
        if !outcome.failures.is_empty() || !unread.all(Unread::is_in_line) {
            self.failures = self.failures.saturating_add(1);
        } else if outcome.backing_off.is_empty() {
            self.failures = 0;
        }
    }

    pub(super) fn compute(
        &self,
        app: &App,
        record: Option<&PlatformRecord>,
        pass: Option<(&Desired, &Outcome)>,
        verdict: &Verdict,
        now: Timestamp,
    ) -> AppStatus {
        AppStatus {
            replaces_variables: desired::replaces_variables(app),
            ..status::compute(app, self.status(app), record, pass, verdict, now)
        }
    }

    fn conditions(&self, app: &App) -> Vec<Condition> {
        self.status(app)
            .map(|status| status.conditions)
            .unwrap_or_default()
    }
}

/// Returns the time until a disturbance has lasted too long.
fn until_lasting(status: &AppStatus, verdict: &Verdict, now: Timestamp) -> Option<Duration> {
    let left = status::until_lasting(&status.conditions, now);
    left.filter(|left| matches!(verdict, Verdict::Lasting(..)) && !left.is_zero())
}

/// True if anything of this App is in AWS or among the claims.
fn holds_anything(desired: &Desired, observed: &Observed) -> bool {
    let owner = &desired.owner;
    observed
        .services
        .values()
        .any(|service| owner.owns(&service.tags))
        || observed.load_balancers.values().any(|l| owner.owns(&l.tags))
        || observed.target_groups.values().any(|g| owner.owns(&g.tags))
        || observed.schedules_of(owner).next().is_some()
        || !observed.ports.claims.is_empty()
}

#[cfg(test)]
mod tests;
