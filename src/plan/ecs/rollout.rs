//! The fate of the rollout that was submitted, and the decision about the next.
//!
//! A rollback that completed looks healthy in ECS: one deployment, complete, of the release before. So the deployment that
//! was submitted is remembered. While it is ECS's primary one, it is followed; another one of the wanted content is taken
//! for ours; and where the content is another, ECS's own record tells a rollback, after which the same is not submitted
//! again, from a change by hand, which is repaired.

use super::Update;
use super::attach::attachments;
use super::hash;
use crate::change::{Change, ServiceWrite, Write};
use crate::model::part::Part;
use crate::model::rollout::{
    Exec, Progress, Rejection, RolloutMemory, ServiceDeployment, ServiceDeploymentStatus, Submission,
};
use crate::model::service::{Attachment, ServiceUpdate, TaskDefinition};
use crate::model::state::{Deployment, Rollout};
use crate::plan::{Obstacle, ObstacleKind, Pending, Plan};

/// A judgement of a rollout that the plan would start.
enum Judgement<'a> {
    Start,
    /// It failed before, and this is why.
    Rejected(&'a str),
    /// Only ECS's record of its rollouts can tell.
    Ask,
}

impl Update<'_> {
    pub(super) fn submitted(&self) -> Option<&Submission> {
        self.view.observed.rollouts.get(self.process)?.submitted.as_ref()
    }

    fn rejected(&self) -> Option<&Rejection> {
        self.view.observed.rollouts.get(self.process)?.rejected.as_ref()
    }

    fn service_deployments(&self) -> Option<&[ServiceDeployment]> {
        let known = self.view.observed.service_deployments.get(&self.found.name);
        known.map(Vec::as_slice)
    }

    /// A value of the annotation that was not carried out yet. What nothing is remembered of began with the value that
    /// there was: otherwise every App would be rolled again whose status is lost.
    pub(super) fn redeploy(&self) -> Option<String> {
        self.submitted()?;
        self.redeploy_on_the_way()
    }

    /// The same for a rollout that begins in any case.
    pub(super) fn redeploy_on_the_way(&self) -> Option<String> {
        let done = self.submitted().and_then(|submitted| submitted.redeploy.as_ref());
        self.service
            .redeploy
            .clone()
            .filter(|wanted| Some(wanted) != done)
    }

    /// The rollout failed where it stands, so that nothing takes it back, and what it is of was edited since, though not so
    /// that another one begins in any case.
    pub(super) fn is_tried_again(&self) -> bool {
        let failed = self.found.primary().filter(|p| p.rollout == Rollout::Failed);
        let failed = failed.and(self.submitted()).filter(|s| self.is_primary(s));
        self.redeploy().is_none()
            && self.changed_secrets().is_none()
            && failed.is_some_and(|failed| failed.hash != self.hash_with(None, None))
    }

    /// The hash of a rollout of what the service would then be.
    pub(super) fn hash_with(
        &self,
        content: Option<&TaskDefinition>,
        attachments: Option<&[Attachment<String>]>,
    ) -> String {
        let running = self.running_content();
        let done = self.submitted().and_then(|submitted| submitted.redeploy.as_ref());
        let attached = if self.view.is_unread(&Part::LoadBalancing) {
            // An update that leaves them as they are is only sent where they are as wanted.
            super::attach::attachments(self.process, self.wanted.load_balancing.as_ref())
        } else {
            self.view.attached(self.found)
        };
        hash::of_rollout(
            self.wanted,
            self.service,
            (self.service.redeploy.as_ref().or(done), self.secret_versions()),
            content.or(running.as_ref()),
            attachments.unwrap_or(&attached),
        )
    }

    /// As it was sent, where it is known: what AWS reports of it may read otherwise.
    pub(super) fn running_content(&self) -> Option<TaskDefinition> {
        let wanted = self.view.wanted_definition(self.process, self.wanted);
        wanted.filter(|wanted| self.runs(wanted)).or_else(|| {
            let running = self.view.observed.running_definition(self.found);
            running.map(|running| running.content.clone())
        })
    }

    /// Returns the part of an update that tells ECS about the rollout, if it starts one.
    pub(super) fn rollout_of(
        &self,
        update: &ServiceUpdate,
        content: Option<&TaskDefinition>,
        attachments: Option<&[Attachment<String>]>,
    ) -> Option<String> {
        let starts = content.is_some() || attachments.is_some() || update.starts_rollout();
        starts.then(|| self.hash_with(content, attachments))
    }

    /// True if a rollout is not to be started, and the plan says why.
    pub(super) fn is_deferred(&self, plan: &mut Plan, hash: &str) -> bool {
        match self.judge(hash) {
            Judgement::Start => false,
            Judgement::Rejected(message) => {
                let rejection = Rejection {
                    hash: hash.into(),
                    message: message.into(),
                };
                self.fails(plan, message);
                self.remember(plan, self.submitted().cloned(), Some(rejection));
                true
            }
            Judgement::Ask => {
                plan.unexplained.insert(self.found.name.clone());
                plan.pending.push(self.pending());
                true
            }
        }
    }

    fn judge(&self, hash: &str) -> Judgement<'_> {
        if let Some(rejected) = self.rejected().filter(|rejected| rejected.hash == hash) {
            return Judgement::Rejected(&rejected.message);
        }
        match self.submitted() {
            Some(submitted) if submitted.hash == hash => self.fate(submitted),
            Some(_) | None => Judgement::Start,
        }
    }

    /// Judges a service that is not what was submitted.
    fn fate(&self, submitted: &Submission) -> Judgement<'_> {
        if self.is_primary(submitted) || submitted.complete {
            return Judgement::Start;
        }
        let gave_up = |deployment: &&Deployment| {
            deployment.id == submitted.deployment && deployment.rollout == Rollout::Failed
        };
        if let Some(failed) = self.found.deployments.iter().find(gave_up) {
            return Judgement::Rejected(self.words(failed.reason.as_ref()));
        }
        match self.service_deployments() {
            None => Judgement::Ask,
            Some([newest, ..]) if newest.status.is_undone() => {
                Judgement::Rejected(self.words(newest.reason.as_ref()))
            }
            Some(_) => Judgement::Start,
        }
    }

    fn is_primary(&self, submitted: &Submission) -> bool {
        let primary = self.found.primary();
        primary.is_some_and(|primary| primary.id == submitted.deployment)
    }

    /// Once the rest is planned: what the service does now, if nothing else is due.
    pub(super) fn follow(&self, plan: &mut Plan) {
        if plan.rollouts.contains_key(self.process) {
            return;
        }
        if self.is_due(plan) {
            return self.remember(plan, self.submitted().cloned(), None);
        }
        let Some(primary) = self.found.primary() else {
            return self.remember(plan, self.submitted().cloned(), None);
        };
        let submitted = match self.submitted() {
            Some(known) if self.is_primary(known) => self.as_it_is_now(known, primary),
            Some(lost) => match self.find(plan, lost) {
                Judgement::Start => self.adopted(primary),
                Judgement::Rejected(message) => {
                    let rejection = Rejection {
                        hash: lost.hash.clone(),
                        message: message.into(),
                    };
                    return self.remember(plan, Some(lost.clone()), Some(rejection));
                }
                Judgement::Ask => {
                    plan.unexplained.insert(self.found.name.clone());
                    return self.remember(plan, Some(lost.clone()), None);
                }
            },
            None => self.adopted(primary),
        };
        let rejected = match primary.rollout {
            Rollout::Failed => {
                self.fails(plan, self.words(primary.reason.as_ref()));
                None
            }
            Rollout::InProgress if self.is_overdue() => {
                let message = format!(
                    "no progress for {} s: {}",
                    self.wanted.progress_deadline(),
                    self.words(None)
                );
                self.fails(plan, &message);
                self.stop(plan);
                Some(Rejection {
                    hash: submitted.hash.clone(),
                    message,
                })
            }
            Rollout::InProgress | Rollout::Completed => None,
        };
        self.remember(plan, Some(submitted), rejected);
    }

    /// Returns the submission with later edits that need no rollout of their own. Edits after it failed are no part of it.
    fn as_it_is_now(&self, known: &Submission, primary: &Deployment) -> Submission {
        let is_other = primary.rollout == Rollout::Failed
            || self.redeploy_on_the_way().is_some()
            || self.changed_secrets().is_some();
        let complete = known.complete || primary.rollout == Rollout::Completed;
        Submission {
            hash: if is_other {
                known.hash.clone()
            } else {
                self.hash_with(None, None)
            },
            complete,
            progress: known.progress.filter(|_| !complete),
            ..known.clone()
        }
    }

    /// Finds the end of a submitted rollout that is not ECS's primary one any more, where nothing else is due.
    fn find(&self, plan: &mut Plan, lost: &Submission) -> Judgement<'_> {
        let is = self.hash_with(None, None);
        if is == lost.hash {
            // The same was rolled out again, by hand; or not at all, where it was only to be rolled again.
            let fate = self.fate(lost);
            if let Judgement::Rejected(message) = fate {
                self.fails(plan, message);
            }
            return fate;
        }
        let content = self.view.wanted_definition(self.process, self.wanted);
        let attachments = attachments(self.process, self.wanted.load_balancing.as_ref());
        if is == self.hash_with(content.as_ref(), Some(&attachments)) {
            return Judgement::Start;
        }
        self.judge(&lost.hash)
    }

    fn adopted(&self, primary: &Deployment) -> Submission {
        let complete = primary.rollout == Rollout::Completed;
        Submission {
            hash: self.hash_with(None, None),
            deployment: primary.id.clone(),
            redeploy: match self.submitted() {
                Some(before) => before.redeploy.clone(),
                None => self.service.redeploy.clone(),
            },
            secrets: self.submitted().and_then(|before| before.secrets.clone()),
            secret_change: self.submitted().and_then(|before| before.secret_change.clone()),
            complete,
            progress: Progress::begun(self.found).filter(|_| !complete),
        }
    }

    /// True if a rollout is planned, or a step that has to come before it.
    fn is_due(&self, plan: &Plan) -> bool {
        let starts = |change: &Change| {
            matches!(
                &change.write,
                Write::Service(ServiceWrite::Update { rollout: Some(_), .. }) | Write::TaskDefinition(_)
            ) && change.process() == Some(self.process)
                && !self.view.holds_back(change)
        };
        plan.unexplained.contains(&self.found.name) || plan.changes.iter().any(starts)
    }

    /// A rollout that takes too long is taken back, if it may be and there is something to go back to: AWS knows no other
    /// end for it.
    fn stop(&self, plan: &mut Plan) {
        if !self.service.rolls_back {
            return;
        }
        let Some(all) = self.service_deployments() else {
            plan.unexplained.insert(self.found.name.clone());
            return;
        };
        let Some(newest) = all
            .first()
            .filter(|newest| newest.status == ServiceDeploymentStatus::Ongoing)
        else {
            return;
        };
        let succeeded = |d: &ServiceDeployment| d.status == ServiceDeploymentStatus::Successful;
        // ECS forgets what is older than 90 days.
        let completed = |d: &Deployment| !d.primary && d.rollout == Rollout::Completed;
        if all.iter().any(succeeded) || self.found.deployments.iter().any(completed) {
            plan.changes.push(Change::of(
                self.process,
                ServiceWrite::StopRollout {
                    service: self.found.name.clone(),
                    deployment: newest.arn.clone(),
                },
            ));
        }
    }

    /// It goes on by itself: ECS has not given it up, and it may take that long.
    pub(super) fn is_under_way(&self) -> bool {
        let primary = self.found.primary().map(|primary| primary.rollout);
        match primary {
            Some(Rollout::Failed) => false,
            Some(Rollout::InProgress) => !self.is_overdue(),
            Some(Rollout::Completed) | None => true,
        }
    }

    fn is_overdue(&self) -> bool {
        self.view.observed.overdue.contains(&self.found.name)
    }

    /// ECS's own.
    fn words<'b>(&'b self, reason: Option<&'b String>) -> &'b str {
        let said = reason.or(self.found.newest_event.as_ref());
        said.map_or("ECS does not say why", String::as_str)
    }

    fn fails(&self, plan: &mut Plan, why: &str) {
        let wanted = self.view.desired.processes.get(self.process);
        let hint = wanted.and_then(|wanted| wanted.hint.as_ref());
        let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
        plan.obstacles.push(Obstacle {
            process: self.process.into(),
            kind: ObstacleKind::RolloutFailed,
            message: format!(
                "process {}: the rollout failed, and waits for an edit or a new empire.dev/redeploy: {why}{hint}",
                self.process
            ),
        });
    }

    fn remember(&self, plan: &mut Plan, submitted: Option<Submission>, rejected: Option<Rejection>) {
        let memory = RolloutMemory {
            submitted: submitted.map(|submitted| self.with_secrets(plan, submitted)),
            rejected,
            exec: self.exec(),
        };
        plan.rollouts.insert(self.process.into(), memory);
    }

    fn remembered_exec(&self) -> Option<&Exec> {
        self.view.observed.rollouts.get(self.process)?.exec.as_ref()
    }

    fn exec(&self) -> Option<Exec> {
        let known = self.remembered_exec().map(|known| known.seen(self.found));
        let is_wanted = self.service.settings.exec == Some(true);
        match self.found.exec {
            Some(false) => None,
            // Where nobody remembers when that was, tasks may lack it.
            Some(true) if is_wanted => known.or_else(|| Some(Exec::turned_on(self.found))),
            Some(true) | None => known,
        }
    }

    /// ECS Exec as it is to be, if it is known to differ. What the manifest does not speak of is turned off if it was turned on
    /// here, and else left to whoever has.
    pub(super) fn differing_exec(&self) -> Option<bool> {
        let is_ours = self.remembered_exec().is_some();
        let wanted = self.service.settings.exec.or(is_ours.then_some(false))?;
        self.found.exec.filter(|found| *found != wanted).map(|_| wanted)
    }

    pub(super) fn pending(&self) -> Pending {
        Pending::Rollout {
            process: self.process.into(),
            service: self.found.name.clone(),
        }
    }
}
