//! Scalable targets of Application Auto Scaling, and what is in them.
//!
//! A target is made once its service is there, and goes before that is deleted (`ecs.rs`) and before a quantity is enforced. The
//! count of a service that is scaled is AWS's: it is set only where it is outside of the range that is in force.

use super::Plan;
use super::view::View;
use crate::change::{Change, ScalingStep, ScalingWrite};
use crate::model::desired::{DesiredProcess, LoadBalancing};
use crate::model::exclusive::Exclusive;
use crate::model::name;
use crate::model::owner::missing_tags;
use crate::model::part::Part;
use crate::model::scaling::{Metric, OURS, ScalableTargetState, Scaling, resource_label};
use crate::model::state::{LoadBalancerState, ServiceStatus};

pub(super) fn plan(view: &View<'_>, plan: &mut Plan) {
    if view.is_unread(&Part::Scaling) || view.is_unread(&Part::Ecs) {
        return;
    }
    for process in view.processes() {
        let service = name::family(&view.desired.owner.app, process);
        let found = view.observed.scaling.get(&service);
        let wanted = view.process(process);
        let scaled = Scaled {
            view,
            process,
            service: &service,
        };
        match (wanted.and_then(|wanted| Some((wanted, wanted.scaling()?))), found) {
            (None, None) => {}
            (None, Some(found)) => scaled.end(plan, wanted, found),
            (Some((wanted, scaling)), None) => scaled.begin(plan, wanted, scaling),
            (Some((wanted, scaling)), Some(found)) if view.desired.owner.owns(&found.tags) => {
                scaled.keep(plan, wanted, scaling, found);
            }
            (Some((wanted, _)), Some(found)) => scaled.not_ours(plan, wanted, found),
        }
    }
}

/// Plans to untag the targets of an App that retains its resources.
pub(super) fn release(view: &View<'_>, plan: &mut Plan) {
    let owner = &view.desired.owner;
    let ours = view
        .observed
        .scaling
        .iter()
        .filter(|(_, found)| owner.owns(&found.tags));
    for (service, _) in ours {
        let process = name::process_of_family(&owner.app, service).unwrap_or_default();
        plan.changes.push(Change::of(
            process,
            ScalingWrite::new(service, ScalingStep::Untag),
        ));
    }
}

impl View<'_> {
    /// Returns the scalable target of ours that a service has.
    pub(super) fn scalable_target(&self, service: &str) -> Option<&ScalableTargetState> {
        let found = self.observed.scaling.get(service)?;
        self.desired.owner.owns(&found.tags).then_some(found)
    }

    /// Returns the number of tasks that a service is to have, if it is known to have another.
    pub(super) fn differing_count(&self, process: &str, wanted: &DesiredProcess, found: u32) -> Option<u32> {
        let service = wanted.service()?;
        let target = self.scalable_target(&service.name);
        let count = match (&service.scaling, target) {
            (Some(scaling), Some(target)) if scaling.correction(target).is_none() => {
                target.range.nearest(found)
            }
            // Until its target is as wanted, and until the one that it has is gone, AWS may scale it.
            (Some(_), _) | (None, Some(_)) => return None,
            (None, None) => service
                .quantity
                .filter(|_| !self.observed.may_be_scaled(process))?,
        };
        (count != found).then_some(count)
    }
}

/// A service that is to be scaled, or was.
struct Scaled<'a> {
    view: &'a View<'a>,
    process: &'a str,
    service: &'a str,
}

impl Scaled<'_> {
    fn change(&self, step: ScalingStep) -> Change {
        Change::of(self.process, ScalingWrite::new(self.service, step))
    }

    /// The target of a service that is to be deleted goes right before it.
    fn end(&self, plan: &mut Plan, wanted: Option<&DesiredProcess>, found: &ScalableTargetState) {
        let view = self.view;
        if !view.desired.owner.owns(&found.tags) {
            return;
        }
        let is_wanted = wanted.is_some_and(|wanted| wanted.service().is_some());
        let there = view.observed.services.get(self.service);
        let there = there.filter(|service| service.status == ServiceStatus::Active);
        if is_wanted || there.is_none() {
            plan.changes.push(self.change(ScalingStep::Deregister));
        } else if view.service(self.process).is_none() || view.lets_go(self.process) {
            // A service that is somebody's goes on being scaled.
            plan.changes.push(self.change(ScalingStep::Untag));
        }
    }

    fn begin(&self, plan: &mut Plan, wanted: &DesiredProcess, scaling: &Scaling) {
        let service = self.view.service(self.process);
        if service.is_some_and(|service| service.status == ServiceStatus::Active) {
            plan.changes.push(self.change(ScalingStep::Register {
                range: scaling.range,
                tags: wanted.tags().clone(),
            }));
        }
    }

    fn not_ours(&self, plan: &mut Plan, wanted: &DesiredProcess, found: &ScalableTargetState) {
        let view = self.view;
        if !view.may_adopt(&found.tags) {
            let what = format!("the scalable target of service {}", self.service);
            let awaited = Exclusive::ScalableTarget(self.service.into());
            return plan.foreign(self.process, &what, &view.advice(&found.tags), awaited);
        }
        let mut tags = wanted.tags().clone();
        tags.extend(view.desired.owner.adopting_tags(self.process, &found.tags));
        let tags = missing_tags(&tags, &found.tags);
        plan.changes.push(self.change(ScalingStep::Tag(tags)));
    }

    fn keep(&self, plan: &mut Plan, wanted: &DesiredProcess, scaling: &Scaling, found: &ScalableTargetState) {
        let tags = missing_tags(wanted.tags(), &found.tags);
        if !tags.is_empty() {
            plan.changes.push(self.change(ScalingStep::Tag(tags)));
        }
        let correction = scaling.correction(found);
        plan.changes
            .extend(correction.map(|range| self.change(ScalingStep::SetRange(range))));
        for tracking in &scaling.policies {
            let known = found.policies.get(&tracking.name());
            let label = wanted.load_balancing.as_ref().and_then(|wanted| {
                let known = known.and_then(|known| match &known.metric {
                    Some(Metric::Requests(label)) => Some(label.as_str()),
                    Some(Metric::Cpu | Metric::Memory) | None => None,
                });
                self.label(wanted, known)
            });
            // Where nobody can be sent to it yet, there is nothing to count.
            let Some(policy) = tracking.policy(label) else {
                continue;
            };
            if known.is_none_or(|known| policy.differs(known)) {
                plan.changes.push(self.change(ScalingStep::PutPolicy(policy)));
            }
        }
        let is_wanted = |name: &String| scaling.policies.iter().any(|tracking| tracking.name() == *name);
        let left = found.policies.keys().filter(|name| !is_wanted(name));
        plan.changes
            .extend(left.map(|name| self.change(ScalingStep::DeletePolicy(name.clone()))));
        for (name, action) in &scaling.actions {
            if found.actions.get(name).is_none_or(|known| action.differs(known)) {
                plan.changes.push(self.change(ScalingStep::PutAction {
                    name: name.clone(),
                    action: action.clone(),
                }));
            }
        }
        let is_left = |name: &&String| name.starts_with(OURS) && !scaling.actions.contains_key(*name);
        let left = found.actions.keys().filter(is_left);
        plan.changes
            .extend(left.map(|name| self.change(ScalingStep::DeleteAction(name.clone()))));
    }

    /// Returns the label of the load balancer that the names of the process lead to: while it is replaced, the policy moves when
    /// they do. AWS takes a label only of a target group that the service is attached to and the load balancer forwards to.
    fn label(&self, wanted: &LoadBalancing, known: Option<&str>) -> Option<String> {
        let view = self.view;
        let attached = view.attached(view.service(self.process)?);
        let labels = |load_balancer: &LoadBalancerState| -> Vec<String> {
            let groups = attached.iter().filter_map(|a| view.target_group(&a.target_group));
            let behind = groups.filter(|group| group.load_balancers.contains(&load_balancer.arn));
            behind
                .filter_map(|group| resource_label(&load_balancer.arn, &group.arn))
                .collect()
        };
        let leaving = view.unwanted_load_balancers().filter(|l| view.is_named(&l.name));
        let leaving: Vec<String> = leaving.flat_map(labels).collect();
        let as_before = leaving.iter().find(|label| known == Some(label.as_str()));
        if let Some(old) = as_before.or(leaving.first()) {
            return Some(old.clone());
        }
        let new = view.load_balancer(&wanted.load_balancer.name)?;
        let group = view.target_group(&wanted.ports.first()?.target_group.name)?;
        let label = resource_label(&new.arn, &group.arn)?;
        labels(new).contains(&label).then_some(label)
    }
}

#[cfg(test)]
mod tests;
