//! Who makes calls, so that each of them, the SDK's retries included, draws on the [budget](crate::budget) of calls.
//!
//! | caller | a write | the first read | other reads, pages and retries |
//! |---|---|---|---|
//! | a pass over an App | asked for at the [door](crate::write), before what it rests on is read | may be told to come later, but in the turn of a write | draw |
//! | a step of a sweep, a look | | may be told to come later | draw |
//! | any other | draws | draws | draw |

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::task_local;

use super::error::{AwsError, Call, Fault};
use crate::budget::{Answer, Asker, Bucket, Budget, Place};

task_local! {
    /// Beside the arguments, because only when a call begins depends on it.
    static CALLER: Arc<Caller>;
}

/// After a throttle nothing is sent for so long.
const A_MOMENT: Duration = Duration::from_secs(1);

/// Makes calls of one place, of which the budget is to know.
pub struct Caller {
    budget: Arc<Mutex<Budget>>,
    place: Place,
    kind: Kind,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    turns: Mutex<Turns>,
}

/// What calls are made for.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A pass over an App.
    Pass(Asker),
    /// A step of a sweep.
    Sweep,
    /// A look at what Apps wait for, for all of them together.
    Look,
    /// Few calls, which nobody waits behind.
    Other,
}

#[derive(Debug, Default)]
struct Turns {
    /// A bucket gave a token for the first read: all others draw.
    has_read: bool,
    /// The tokens that were asked for and given, and whose calls are not sent yet.
    given: BTreeMap<Bucket, u32>,
    /// The writes that have their turn and were not begun yet.
    unbegun: BTreeSet<(Bucket, String)>,
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Caller {
            budget: _,
            place,
            kind,
            clock: _,
            turns,
        } = self;
        f.debug_struct("Caller")
            .field("place", place)
            .field("kind", kind)
            .field("turns", turns)
            .finish_non_exhaustive()
    }
}

/// Makes calls as those of this caller.
pub async fn calling<F: Future>(caller: Arc<Caller>, calls: F) -> F::Output {
    CALLER.scope(caller, calls).await
}

fn caller() -> Option<Arc<Caller>> {
    CALLER.try_with(Clone::clone).ok()
}

/// Decides if a call may begin, before its first attempt.
pub fn in_turn(action: &'static str) -> Result<(), AwsError> {
    let (Some(caller), Some(bucket)) = (caller(), Bucket::of(action)) else {
        return Ok(());
    };
    match caller.may_begin(action, bucket) {
        Answer::Go => Ok(()),
        Answer::At(until) => Err(AwsError {
            action,
            code: "RequestRate".into(),
            message: format!("not begun: AWS's bucket {} has no token for it", bucket.as_str()),
            fault: Fault::Later { until, bucket },
            request_id: None,
        }),
    }
}

/// Notes attempts that are about to be sent.
pub fn attempted(action: &str, calls: u32) {
    if let (Some(caller), Some(bucket)) = (caller(), Bucket::of(action)) {
        caller.draw(bucket, calls);
    }
}

/// Notes what AWS answered to an attempt.
pub fn answered(error: &AwsError) {
    if let (Some(caller), Some(bucket)) = (caller(), Bucket::of(error.action))
        && error.is_about_rates()
    {
        caller.with(|budget, now| budget.throttled(now, &caller.place, bucket));
    }
}

/// True if the SDK is not to try again what AWS has throttled: the call has a turn, and comes at its next one.
pub(super) fn has_turns(call: Call) -> bool {
    let is_pass = |caller: Arc<Caller>| matches!(caller.kind, Kind::Pass(_));
    !call.is_read() && caller().is_some_and(is_pass)
}

impl Caller {
    /// Makes a caller whose calls begin.
    pub fn new(
        budget: Arc<Mutex<Budget>>,
        place: Place,
        kind: Kind,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Arc<Self> {
        let caller = Caller {
            budget,
            place,
            kind,
            clock: Box::new(clock),
            turns: Mutex::default(),
        };
        if let Kind::Pass(asker) = &caller.kind {
            caller.with(|budget, _| budget.meet(&asker.namespace));
        }
        Arc::new(caller)
    }

    /// Asks for a token for a write of a pass. One that has its turn keeps it until it is [taken](Self::take_turn).
    pub fn ask_to_write(&self, bucket: Bucket, what: &str) -> Answer {
        let Kind::Pass(asker) = &self.kind else {
            return Answer::Go;
        };
        let turn = (bucket, what.to_owned());
        if self.turns().unbegun.contains(&turn) {
            return Answer::Go;
        }
        let answer = self.with(|budget, now| budget.ask(now, &self.place, bucket, asker, what));
        if answer == Answer::Go {
            let mut turns = self.turns();
            *turns.given.entry(bucket).or_default() += 1;
            turns.unbegun.insert(turn);
        }
        answer
    }

    /// Notes that a write is begun, so that it asks again if it is to be sent once more.
    pub fn take_turn(&self, bucket: Bucket, what: &str) {
        self.turns().unbegun.remove(&(bucket, what.to_owned()));
    }

    /// Returns when to ask again for a write that AWS has throttled.
    pub fn rejoin(&self, bucket: Bucket, what: &str) -> Timestamp {
        self.with(|budget, now| match &self.kind {
            Kind::Pass(asker) => match budget.ask(now, &self.place, bucket, asker, what) {
                Answer::At(until) => until,
                // Too many have come meanwhile to believe it.
                Answer::Go => now + A_MOMENT,
            },
            Kind::Sweep | Kind::Look | Kind::Other => now + A_MOMENT,
        })
    }

    /// Gives up the places that the App has from before and that a pass, which began then and has come to its end, did not
    /// ask for.
    pub fn give_up(&self, since: Timestamp) {
        if let Kind::Pass(Asker { namespace, app, .. }) = &self.kind {
            self.with(|budget, _| budget.give_up(namespace, app, since));
        }
    }

    fn may_begin(&self, action: &'static str, bucket: Bucket) -> Answer {
        if !Call::of(action).is_read() {
            return Answer::Go;
        }
        {
            let turns = self.turns();
            // Of a pass in two lines, each would keep the place in the other from those behind it; and what a write rests on
            // is read in its turn, which would be lost.
            if turns.has_read || !turns.unbegun.is_empty() {
                return Answer::Go;
            }
        }
        let answer = self.with(|budget, now| match &self.kind {
            Kind::Pass(asker) => Some(budget.ask_to_read(now, &self.place, bucket, asker)),
            Kind::Sweep => Some(budget.ask_to_sweep(now, &self.place, bucket)),
            Kind::Look => Some(budget.ask_to_look(now, &self.place, bucket)),
            Kind::Other => None,
        });
        if answer == Some(Answer::Go) {
            let mut turns = self.turns();
            turns.has_read = true;
            *turns.given.entry(bucket).or_default() += 1;
        }
        answer.unwrap_or(Answer::Go)
    }

    fn draw(&self, bucket: Bucket, calls: u32) {
        let mut turns = self.turns();
        let given = turns.given.entry(bucket).or_default();
        let paid = calls.min(*given);
        *given -= paid;
        drop(turns);
        if calls > paid {
            self.with(|budget, now| budget.draw(now, &self.place, bucket, calls - paid));
        }
    }

    fn with<T>(&self, ask: impl FnOnce(&mut Budget, Timestamp) -> T) -> T {
        // Every statement leaves it whole.
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        // Not before: of two callers the second would come with the earlier time.
        let now = (self.clock)();
        ask(&mut budget, now)
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was given and not used goes back, such as for a write that a read showed not to be needed.
impl Drop for Caller {
    fn drop(&mut self) {
        let given = std::mem::take(&mut self.turns().given);
        let namespace = match &self.kind {
            Kind::Pass(asker) => Some(asker.namespace.as_str()),
            Kind::Sweep | Kind::Look | Kind::Other => None,
        };
        for (bucket, tokens) in given {
            if tokens > 0 {
                self.with(|budget, now| budget.give_back(now, &self.place, bucket, tokens, namespace));
            }
        }
    }
}

#[cfg(test)]
mod tests;
