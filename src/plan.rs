//! (Desired, Observed) to what can be written now, what is being waited for, and what stands in the way.
//!
//! A total function of plain data: no clock, no randomness, no calls. `reconcile` applies the changes, folds their
//! results into `Observed` and plans again, until nothing is left to change. So no step here remembers another: each
//! plan starts from what is there, which is why a crash, an edit in the middle or a hand change needs no code of its own.
//!
//! Creates come before the deletes they replace; names go before what they point at; one process's trouble never
//! holds up another's.

mod adopted;
mod echo;
mod ecs;
mod elbv2;
mod listeners;
mod log_group;
mod ports;
mod release;
mod retain;
mod retire;
mod route53;
mod run;
mod scaling;
mod schedules;
mod secrets;
mod slots;
mod subnets;
mod unattended;
mod untag;
mod view;

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

pub use echo::{replies, sent};
pub use ecs::{deadline, note_progress};
use release::Phasing;
pub use run::{NextOfRun, WantedRun, run};
pub use unattended::{Bound, recover, removal, sweep};
use view::View;

use crate::change::{Change, Deferred, RecordBatch, Write};
use crate::model::desired::Desired;
use crate::model::echo::{EchoMemory, Echoes};
use crate::model::exclusive::Exclusive;
use crate::model::owner::AppName;
pub use crate::model::pending::Pending;
use crate::model::record::RecordChange;
use crate::model::release::ReleaseMemory;
use crate::model::rollout::RolloutMemory;
use crate::model::shared_map::SharedMap;
use crate::model::state::Observed;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// In an order in which they can be applied. None depends on the result of another.
    pub changes: Vec<Change>,
    pub pending: Vec<Pending>,
    pub obstacles: Vec<Obstacle>,
    /// The things of others that are obstacles: their release is the time for another pass.
    pub awaits: BTreeSet<Exclusive>,
    /// The Apps of other namespaces that have DNS names which this one asks for, each with the name. Their own teams hear of
    /// it, and this one does not hear of them.
    pub contested: BTreeSet<(AppName, String)>,
    /// Changes that would be made, were they not deferred or backing off.
    pub deferred: Vec<Change>,
    /// Changes that wait for the release phase.
    pub held_back: Vec<Change>,
    /// (process, load balancer) of each that nobody wants and nothing names any more, but that resolvers may remember.
    pub retiring: BTreeSet<(String, String)>,
    /// By process with a service of ours: what is to be remembered of its rollouts.
    pub rollouts: SharedMap<String, RolloutMemory>,
    /// The memory of the release phase for the next pass.
    pub release: Option<Box<ReleaseMemory>>,
    /// The settings that AWS reports otherwise than they were sent, and that are therefore not sent again.
    pub echoed: Echoes,
    /// The memory of them for the next pass.
    pub echoes: EchoMemory,
    /// The services about which ECS's record of their rollouts has to be read before the plan is complete.
    pub unexplained: BTreeSet<String>,
}

/// Something that only somebody else can take out of the way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Obstacle {
    pub process: String,
    pub kind: ObstacleKind,
    pub message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObstacleKind {
    /// Our name for a thing is taken by something that is not ours.
    Foreign,
    PortsExhausted,
    LoadBalancerFailed,
    /// The Platform no longer says something that AWS cannot take back.
    PlatformIncomplete,
    /// A hosted zone in which the process wants names does not exist.
    ZoneNotFound,
    /// ECS gave it up, or it takes too long.
    RolloutFailed,
    /// The task of the release phase did not succeed.
    ReleaseFailed,
    /// Nobody saw its end.
    ReleaseUnknown,
    /// A secret that the process names is not there, or about to be gone.
    SecretMissing,
    /// AWS has not said yet what the name of a secret stands for.
    SecretUnread,
}

/// Plans all changes but those of `deferred`: they are planned around.
pub fn plan(desired: &Desired, observed: &Observed, deferred: &Deferred) -> Plan {
    let desired = &*slots::kept(desired, observed);
    let mut view = View::new(desired, observed, deferred);
    let mut plan = Plan::default();
    if desired.retains {
        retain::plan(&view, &mut plan);
    } else {
        let phasing = Phasing::of(&view);
        view.is_closed = phasing.is_closed;
        release::plan(&view, &phasing, &mut plan);
        secrets::plan(&view, &mut plan);
        ports::plan(&view, &mut plan);
        elbv2::plan(&view, &mut plan);
        retire::plan(&view, &mut plan);
        log_group::plan(&view, &mut plan);
        ecs::plan(&view, &mut plan);
        scaling::plan(&view, &mut plan);
        schedules::plan(&view, &mut plan);
    }
    plan.drop_echoes(observed);
    plan.drop_deferred(&view, deferred);

    // Names last, so that those which become ready together travel in one batch per zone.
    let other_changes = plan.changes.len();
    route53::plan(&view, &mut plan);
    if other_changes > 0 {
        plan.changes.truncate(other_changes);
    }
    plan.drop_echoes(observed);
    plan.drop_deferred(&view, deferred);
    plan.drop_hopeless_names(&view);
    plan.echoes = observed.echoes.kept(&plan.echoed, observed.is_whole);
    plan.pending.sort();
    plan.pending.dedup();
    plan
}

impl Plan {
    pub fn is_settled(&self) -> bool {
        self.changes.is_empty() && self.pending.is_empty() && self.obstacles.is_empty()
    }

    fn drop_deferred(&mut self, view: &View<'_>, deferred: &Deferred) {
        let planned = self.changes.extract_if(.., |change| view.holds_back(change));
        let around = self.deferred.extract_if(.., |change| view.holds_back(change));
        for change in planned.chain(around) {
            if !self.held_back.contains(&change) {
                self.held_back.push(change);
            }
        }
        for change in self.changes.extract_if(.., |change| deferred.contains(change)) {
            if !self.deferred.contains(&change) {
                self.deferred.push(change);
            }
        }
    }

    fn drop_echoes(&mut self, observed: &Observed) {
        if observed.echoes.is_empty() {
            return;
        }
        let echoed = &mut self.echoed;
        self.changes.retain(|change| match change.echo(observed) {
            Some((setting, echo)) if observed.echoes.explains(&setting, &echo) => {
                echoed.insert(setting, echo);
                false
            }
            Some(_) | None => true,
        });
    }

    /// Names of a process in trouble wait for the end of that trouble, and so for somebody else.
    fn drop_hopeless_names(&mut self, view: &View<'_>) {
        let is_in_trouble = |process: &str, load_balancer: &str| {
            let points_there = |change: &RecordChange| {
                let target = view.pointed_at(change.record());
                target.is_some_and(|target| target.name == load_balancer)
            };
            let moves_names = |change: &Change| {
                let Write::Records(RecordBatch { changes, .. }) = &change.write else {
                    return false;
                };
                changes.iter().any(points_there)
            };
            let concerns = |change: &Change| change.process() == Some(process) || moves_names(change);
            self.obstacles.iter().any(|obstacle| obstacle.process == process)
                || self.deferred.iter().any(concerns)
        };
        self.pending.retain(|pending| match pending {
            Pending::Names {
                process,
                load_balancer,
            } => !view.is_closed && !is_in_trouble(process, load_balancer),
            Pending::Rollout { .. }
            | Pending::Release { .. }
            | Pending::Draining { .. }
            | Pending::Provisioning { .. }
            | Pending::ZoneChange { .. }
            | Pending::Retiring { .. }
            | Pending::GroupDeletion { .. }
            | Pending::OldZone { .. }
            | Pending::Batch { .. }
            | Pending::Budget { .. }
            | Pending::PortRecovery { .. }
            | Pending::SecretChange { .. }
            | Pending::Releasing { .. } => true,
        });
    }

    /// Adds an obstacle. `advice` is what to do about it, where that is known.
    fn foreign(&mut self, process: &str, what: &str, advice: &str, awaited: Exclusive) {
        self.awaits.insert(awaited);
        self.obstacles.push(Obstacle {
            process: process.into(),
            kind: ObstacleKind::Foreign,
            message: format!("{what} exists and does not carry this App's ownership tags{advice}"),
        });
    }
}
