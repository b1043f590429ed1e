//! The rounds of a pass: every change of a plan, then a new plan, until nothing is left to change.

use super::{BeforeWrites, Interruption, Later, Outcome, Permission, names};
use crate::apply::{Applied, apply};
use crate::aws::{Aws, AwsError, Fault};
use crate::change::{Change, LoadBalancerWrite, Write};
use crate::model::class::Class;
use crate::model::desired::Desired;
use crate::model::held::Held;
use crate::model::state::Observed;
use crate::plan::{plan, sent};
use crate::write::{Names, Writer};

/// More rounds than the longest chain of changes that hang on each other, by far.
const ROUNDS: usize = 50;

pub(super) struct Rounds<'a> {
    pub aws: &'a dyn Aws,
    pub door: &'a dyn Writer,
    /// Where names go instead of through the door; `None` in a world that is made up.
    pub names: Option<&'a dyn Names>,
    pub before_writes: &'a dyn BeforeWrites,
    pub desired: &'a Desired,
    /// What the App had; `None` in a world that is made up, in which AWS confirms nothing.
    pub held: Option<&'a Held>,
    /// Seconds since 1970.
    pub now: i64,
}

/// The end of applying one plan.
enum Round {
    Over,
    Interrupted(Interruption),
    PortTaken,
}

impl Rounds<'_> {
    /// Applies a plan that is confirmed, and plans again, until nothing is left to change.
    pub(super) async fn write(&self, outcome: &mut Outcome) {
        let mut rounds = 0;
        while rounds < ROUNDS {
            let round = self.round(outcome).await;
            outcome.plan = plan(self.desired, &outcome.observed, &outcome.deferral.changes);
            if let Round::Interrupted(by) = round {
                outcome.interrupted = (!outcome.plan.changes.is_empty()).then_some(by);
                return;
            }
            self.confirm(outcome, false).await;
            if outcome.plan.changes.is_empty() {
                return;
            }
            rounds += match round {
                // Not one of them, however many Apps begin at once: the ports come to an end.
                Round::PortTaken => 0,
                Round::Over | Round::Interrupted(_) => 1,
            };
        }
        for change in outcome.plan.changes.clone() {
            outcome.give_up(change, &format!("still planned after {ROUNDS} rounds"));
        }
        outcome.plan = plan(self.desired, &outcome.observed, &outcome.deferral.changes);
    }

    async fn round(&self, outcome: &mut Outcome) -> Round {
        for change in outcome.plan.changes.clone() {
            // It is no write, and a pass that yields first would queue it anew in each of its turns.
            if let (Write::Records(batch), Some(names)) = (&change.write, self.names) {
                names::put(names, outcome, batch);
                continue;
            }
            match self.before_writes.permission() {
                Permission::Go => {}
                Permission::Stop => return Round::Interrupted(Interruption::Stopped),
                Permission::Yield => return Round::Interrupted(Interruption::Yielded),
            }
            if outcome.deferral.concerns(&change) {
                outcome.deferral.changes.insert(change);
                continue;
            }
            if outcome.deferral.made.contains(&change) {
                outcome.give_up(change, "made, and the reply does not show it");
                continue;
            }
            let before = sent(&change, &outcome.observed);
            let behind = behind(&change, &outcome.observed);
            let applied = apply(self.door, self.desired, &mut outcome.observed, &change).await;
            if applied.is_deferred() {
                outcome.deferral.changes.insert(change.clone());
            }
            match applied {
                Applied::Done => {
                    outcome.deferral.left.extend(behind);
                    outcome.learn(&change, before);
                    outcome.deferral.made.insert(change.clone());
                    outcome.done.push(change);
                }
                Applied::Pending(error) => outcome.not_ready.push((change, error)),
                Applied::Later { until, bucket } => outcome.later.push(Later::of(&change, bucket, until)),
                Applied::Throttled { error, until, bucket } => {
                    outcome.later.push(Later::of(&change, bucket, until));
                    outcome.deferral.operations.insert(change.operation());
                    outcome.failures.push((change, (*error).into()));
                }
                Applied::Stale(error) if outcome.is_contradicted(&change, &error, self.now) => {
                    let fault = Fault::Failed(Class::Refused);
                    outcome
                        .failures
                        .push((change, AwsError { fault, ..error }.into()));
                }
                Applied::Stale(error) => {
                    outcome.stale = true;
                    let process = change.process().map(Into::into);
                    outcome.deferral.processes.extend(process);
                    outcome.failures.push((change, error.into()));
                }
                Applied::Failed(error) => {
                    if error.class() == Class::Throttled {
                        outcome.deferral.operations.insert(change.operation());
                    }
                    outcome.failures.push((change, error));
                }
                Applied::Fenced(error) => {
                    outcome.failures.push((change, error));
                    return Round::Interrupted(Interruption::Stopped);
                }
                Applied::Replan => return Round::Over,
                Applied::PortTaken => return Round::PortTaken,
            }
        }
        Round::Over
    }
}

/// Returns the target groups behind a load balancer that a change deletes.
fn behind(change: &Change, observed: &Observed) -> Vec<String> {
    let Write::LoadBalancer(LoadBalancerWrite::Delete { load_balancer }) = &change.write else {
        return Vec::new();
    };
    let Some(found) = observed.load_balancers.get(load_balancer) else {
        return Vec::new();
    };
    let groups = observed.target_groups.values();
    let behind = groups.filter(|group| group.load_balancers.contains(&found.arn));
    behind.map(|group| group.name.clone()).collect()
}
