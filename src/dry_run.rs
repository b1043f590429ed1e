//! The passes over an App to their end, with nothing written: the loop itself, with a door that invents the replies.
//!
//! Everything that the loop would wait for is taken as having come about: rollouts complete, load balancers become
//! active, resolvers forget. So the whole way is seen, also where a step needs the one before.

mod invent;
mod print;

use async_trait::async_trait;

use crate::aws::Aws;
use crate::change::Change;
use crate::claims::Claims;
use crate::error::Error;
use crate::lists::Live;
use crate::model::desired::Desired;
use crate::model::release::{ContainerState, ReleaseMemory, ReleaseState, Sight, TaskState};
use crate::model::state::{Deployment, LoadBalancerStatus, Observed, Rollout, ServiceState, ServiceStatus};
use crate::plan::{Obstacle, Pending, Plan};
use crate::reconcile::{BeforeWrites, Outcome, Permission, Request, Unread, carry_on, reconcile};
use invent::Invent;
pub use print::{Heading, json, text};

/// More waits than the longest way from one state to another has, by far.
const WAITS: usize = 20;

#[derive(Debug, Default)]
pub struct DryRun {
    /// Each begins when what the one before it waits for is over.
    pub steps: Vec<Step>,
    /// Each once, in the order in which they were met.
    pub obstacles: Vec<Obstacle>,
    /// The parts that could not be read: what depends on them is not in the steps.
    pub unread: Vec<Unread>,
    /// The changes that a mistake of ours keeps from being planned to the end.
    pub failures: Vec<(Change, Error)>,
}

/// Changes, and what is waited for then.
#[derive(Debug, Default)]
pub struct Step {
    pub changes: Vec<Change>,
    pub waits: Vec<Pending>,
}

/// Plans an App that is suspended as if it were not.
pub async fn dry_run(
    aws: &dyn Aws,
    claims: &dyn Claims,
    desired: &Desired,
    request: Request,
) -> Result<DryRun, Error> {
    let door = Invent::default();
    let request = Request {
        suspended: false,
        ..request
    };
    let mut outcome = Box::pin(reconcile(
        aws,
        &Live(aws),
        claims,
        (&door, None),
        &Unhindered,
        desired,
        request,
    ))
    .await?;
    let mut dry_run = DryRun {
        unread: std::mem::take(&mut outcome.unread),
        ..DryRun::default()
    };
    for _ in 0..WAITS {
        dry_run.note(&mut outcome);
        let Outcome { observed, plan, .. } = outcome;
        let mut later = observed.clone();
        let deferred = plan.deferred.iter().cloned().collect();
        time_passes(&mut later, &plan);
        if later == observed {
            break;
        }
        outcome = carry_on(aws, &door, &Unhindered, desired, later, deferred).await;
    }
    Ok(dry_run)
}

impl DryRun {
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.steps.iter().flat_map(|step| &step.changes)
    }

    /// Takes up what was done.
    fn note(&mut self, outcome: &mut Outcome) {
        let changes = std::mem::take(&mut outcome.done);
        let mut waits = outcome.plan.pending.clone();
        waits.sort_by(|one, other| one.process().cmp(other.process()));
        for obstacle in &outcome.plan.obstacles {
            if !self.obstacles.contains(obstacle) {
                self.obstacles.push(obstacle.clone());
            }
        }
        self.failures.append(&mut outcome.failures);
        match self.steps.last_mut() {
            // Only the waiting goes on.
            Some(last) if changes.is_empty() => {
                waits.retain(|wait| !last.waits.contains(wait));
                last.waits.append(&mut waits);
            }
            Some(_) | None if changes.is_empty() && waits.is_empty() => {}
            Some(_) | None => self.steps.push(Step { changes, waits }),
        }
    }
}

/// No finalizer is needed for what is not written.
struct Unhindered;

#[async_trait]
impl BeforeWrites for Unhindered {
    async fn before_writes(&self) -> Result<(), Error> {
        Ok(())
    }

    fn permission(&self) -> Permission {
        Permission::Go
    }
}

/// Everything that comes about by itself has come about.
fn time_passes(observed: &mut Observed, plan: &Plan) {
    observed
        .services
        .retain(|_, service| service.status == ServiceStatus::Active);
    observed.services.values_mut().for_each(roll_out);
    for load_balancer in observed.load_balancers.values_mut() {
        if load_balancer.status == LoadBalancerStatus::Provisioning {
            load_balancer.status = LoadBalancerStatus::Active;
        }
    }
    for (_, load_balancer) in &plan.retiring {
        let ttl = observed.replaced_ttl.remove(load_balancer);
        observed.waiting.entry(load_balancer.clone()).or_insert(ttl);
        observed.waits_over.insert(load_balancer.clone());
    }
    observed.overdue.clear();
    // A change of secrets is recorded.
    for (process, memory) in &plan.rollouts {
        let submitted = memory.submitted.as_ref();
        if submitted.is_some_and(|submitted| submitted.secret_change.is_some()) {
            observed.rollouts.insert(process.clone(), memory.clone());
        }
    }
    release(&mut observed.release, plan.release.as_deref());
    if observed
        .schedule_group
        .take_if(|group| group.is_deleting)
        .is_some()
    {
        observed.schedules.clear();
    }
    observed.ports.recovered = true;
}

/// An attempt is recorded, and its task succeeds.
fn release(state: &mut ReleaseState, planned: Option<&ReleaseMemory>) {
    let Some(memory) = planned else {
        return;
    };
    let mut memory = Box::new(memory.clone());
    let mut sight = state.sight.clone();
    if let Some(attempt) = memory.attempt.as_mut().filter(|attempt| attempt.is_open()) {
        if attempt.recorded.is_none() {
            (attempt.since, attempt.recorded) = (attempt.since.or(Some(0)), Some(0));
            sight = Sight::Unseen;
        }
        if let Some(task) = &attempt.task {
            sight = Sight::Seen(TaskState {
                arn: task.clone(),
                started_by: None,
                status: "STOPPED".into(),
                has_started: true,
                containers: vec![ContainerState {
                    name: attempt.request.process.clone(),
                    exit_code: Some(0),
                    is_made: true,
                }],
                stop_code: None,
                reason: None,
            });
        }
    }
    *state = ReleaseState {
        memory: Some(memory),
        sight,
        ..ReleaseState::default()
    };
}

fn roll_out(service: &mut ServiceState) {
    // One that was given up does not complete by itself.
    let is_over = |deployment: &Deployment| deployment.primary && deployment.rollout == Rollout::Failed;
    if service.deployments.iter().any(is_over) {
        return;
    }
    service.running = service.desired;
    service.pending = 0;
    service.deployments.retain(|deployment| deployment.primary);
    for deployment in &mut service.deployments {
        *deployment = Deployment {
            rollout: Rollout::Completed,
            desired: service.desired,
            running: service.desired,
            pending: 0,
            ..deployment.clone()
        };
    }
}
