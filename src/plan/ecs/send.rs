//! What of a service is sent, all in one update, or as much of it as AWS does not refuse.

use super::{Update, is_registered, register};
use crate::change::{Change, ServiceWrite};
use crate::model::service::{Attachment, ServiceUpdate, TaskDefinition};
use crate::plan::Plan;
use crate::plan::echo::without_echoes;

impl Update<'_> {
    /// What goes on where a rollout cannot begin: the count, and ECS Exec, by which somebody may want to see why.
    pub(super) fn count(&self, plan: &mut Plan) {
        let update = ServiceUpdate {
            desired_count: self.differing_count(),
            exec: self.differing_exec().filter(|on| !*on || self.has_role(None)),
            ..ServiceUpdate::default()
        };
        let (update, _) = without_echoes(self.view.observed, self.found, update);
        let has_exec = update.exec.is_some();
        if !update.is_empty() && self.update(plan, update, None, None) && has_exec {
            self.count_alone(plan);
        }
    }

    fn count_alone(&self, plan: &mut Plan) {
        let update = ServiceUpdate {
            desired_count: self.differing_count(),
            ..ServiceUpdate::default()
        };
        if !update.is_empty() {
            self.update(plan, update, None, None);
        }
    }

    /// The settings go with the content: a new percentage would govern the old rollout. But where AWS refused one or
    /// the other before, the release goes on without ECS Exec, or else scaling alone.
    pub(super) fn send(
        &self,
        plan: &mut Plan,
        content: &TaskDefinition,
        settings: ServiceUpdate,
        attachments: Option<Vec<Attachment<String>>>,
    ) {
        let runs = self.runs(content);
        let new = (!runs).then_some(content);
        if let Some(hash) = self.rollout_of(&settings, new, attachments.as_deref())
            && self.is_deferred(plan, &hash)
        {
            return self.count(plan);
        }
        if !runs && !self.view.has_log_group(content) {
            return self.count(plan);
        }
        if !runs && !is_registered(self.view, content) {
            if register(self.view, plan, self.process, self.wanted, content) {
                self.count(plan);
            }
            return;
        }
        let rest = ServiceUpdate {
            exec: None,
            ..settings.clone()
        };
        let has_exec = settings.exec.is_some();
        let has_more = !runs || attachments.is_some() || !rest.is_empty();
        let mut refused = self.update(plan, settings, new.cloned(), attachments.clone());
        if refused && has_exec && has_more {
            refused = self.update(plan, rest, new.cloned(), attachments);
        }
        if refused && has_more {
            self.count_alone(plan);
        }
    }

    /// Returns true if tasks of this content, or of the one that stays, have a role. What is not known may have one.
    fn has_role(&self, content: Option<&TaskDefinition>) -> bool {
        let stays = self.running_content();
        let content = content.or(stays.as_ref());
        content.is_none_or(|content| content.task_role_arn.is_some())
    }

    /// True if AWS refused it before.
    pub(super) fn update(
        &self,
        plan: &mut Plan,
        mut update: ServiceUpdate,
        mut task_definition: Option<TaskDefinition>,
        attachments: Option<Vec<Attachment<String>>>,
    ) -> bool {
        let rollout = self.rollout_of(&update, task_definition.as_ref(), attachments.as_deref());
        if rollout.is_some() {
            update.redeploy = self.redeploy_on_the_way();
            update.secrets = self.changed_secrets().cloned();
            if task_definition.is_none()
                && self.runs_deregistered()
                && let Some(content) = self.view.wanted_definition(self.process, self.wanted)
            {
                if !is_registered(self.view, &content) {
                    return register(self.view, plan, self.process, self.wanted, &content);
                }
                task_definition = Some(content);
            }
        }
        let stay = attachments
            .as_ref()
            .map_or(self.found.attachments.len(), Vec::len);
        if stay > 0 && rollout.is_some() {
            update.grace_period = update.grace_period.or(self.differing_grace_period());
        } else if stay == 0 && self.found.grace_period.is_some_and(|seconds| seconds > 0) {
            // A rollback takes back target groups but not the grace period, with which ECS then refuses every update.
            update.grace_period = Some(0);
        }
        if self.grace_period_follows() && self.found.attachments.is_empty() {
            update.grace_period = None;
        }
        if self.found.exec == Some(true) && !self.has_role(task_definition.as_ref()) {
            // Nor does it take back ECS Exec, with which ECS refuses tasks that have no role any more.
            update.exec = Some(false);
        }
        let change = Change::of(
            self.process,
            ServiceWrite::Update {
                service: self.found.name.clone(),
                update,
                task_definition,
                attachments,
                rollout,
            },
        );
        let refused = self.view.is_deferred(&change);
        plan.changes.push(change);
        refused
    }
}
