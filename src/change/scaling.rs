//! Scalable targets of Application Auto Scaling, and their policies and scheduled actions.

use std::fmt;

use super::tags::{listed, remove_owner};
use super::{Basis, Reply, Verb};
use crate::model::echo::Echo;
use crate::model::exclusive::Exclusive;
use crate::model::named::Named;
use crate::model::owner::Tags;
use crate::model::scaling::{Metric, Range, ScalableTargetState, ScalingPolicy, ScheduledAction};
use crate::model::state::Observed;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScalingWrite {
    /// The service whose task count is scaled.
    pub service: String,
    pub step: ScalingStep,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScalingStep {
    Register {
        range: Range,
        tags: Tags,
    },
    /// The target is there.
    SetRange(Range),
    Deregister,
    PutPolicy(ScalingPolicy),
    DeletePolicy(String),
    PutAction {
        name: String,
        action: ScheduledAction,
    },
    DeleteAction(String),
    Tag(Tags),
    /// Takes the owner's tag away. Those that say of which App and process it was stay.
    Untag,
}

impl ScalingWrite {
    pub fn new(service: &str, step: ScalingStep) -> Self {
        ScalingWrite {
            service: service.into(),
            step,
        }
    }

    pub(super) fn operation(&self) -> &'static str {
        match &self.step {
            ScalingStep::Register { .. } | ScalingStep::SetRange(_) => {
                "application-autoscaling:RegisterScalableTarget"
            }
            ScalingStep::Deregister => "application-autoscaling:DeregisterScalableTarget",
            ScalingStep::PutPolicy(_) => "application-autoscaling:PutScalingPolicy",
            ScalingStep::DeletePolicy(_) => "application-autoscaling:DeleteScalingPolicy",
            ScalingStep::PutAction { .. } => "application-autoscaling:PutScheduledAction",
            ScalingStep::DeleteAction(_) => "application-autoscaling:DeleteScheduledAction",
            ScalingStep::Tag(_) => "application-autoscaling:TagResource",
            ScalingStep::Untag => "application-autoscaling:UntagResource",
        }
    }

    /// A put is an update, be it the first one.
    pub(super) fn verb(&self) -> Verb {
        match &self.step {
            ScalingStep::Register { .. } => Verb::Created,
            ScalingStep::Deregister | ScalingStep::DeletePolicy(_) | ScalingStep::DeleteAction(_) => {
                Verb::Deleted
            }
            ScalingStep::SetRange(_)
            | ScalingStep::PutPolicy(_)
            | ScalingStep::PutAction { .. }
            | ScalingStep::Tag(_)
            | ScalingStep::Untag => Verb::Updated,
        }
    }

    pub(super) fn resource(&self) -> String {
        match &self.step {
            ScalingStep::PutPolicy(ScalingPolicy { name, .. })
            | ScalingStep::DeletePolicy(name)
            | ScalingStep::PutAction { name, .. }
            | ScalingStep::DeleteAction(name) => format!("{}/{name}", self.service),
            ScalingStep::Register { .. }
            | ScalingStep::SetRange(_)
            | ScalingStep::Deregister
            | ScalingStep::Tag(_)
            | ScalingStep::Untag => self.service.clone(),
        }
    }

    pub(super) fn releases(&self) -> Vec<Exclusive> {
        match &self.step {
            ScalingStep::Deregister | ScalingStep::Untag => {
                vec![Exclusive::ScalableTarget(self.service.clone())]
            }
            ScalingStep::Register { .. }
            | ScalingStep::SetRange(_)
            | ScalingStep::PutPolicy(_)
            | ScalingStep::DeletePolicy(_)
            | ScalingStep::PutAction { .. }
            | ScalingStep::DeleteAction(_)
            | ScalingStep::Tag(_) => Vec::new(),
        }
    }

    /// A range that is set takes the place of the one that a scheduled action has set since it was read.
    pub(super) fn rests_on(&self) -> Basis {
        match &self.step {
            ScalingStep::SetRange(_) | ScalingStep::Deregister | ScalingStep::Untag => {
                Basis::singly(self.things())
            }
            ScalingStep::Register { .. }
            | ScalingStep::PutPolicy(_)
            | ScalingStep::DeletePolicy(_)
            | ScalingStep::PutAction { .. }
            | ScalingStep::DeleteAction(_)
            | ScalingStep::Tag(_) => Basis::Lists,
        }
    }

    pub(super) fn things(&self) -> Vec<Named> {
        vec![Named::ScalableTarget(self.service.clone())]
    }

    /// A range is numbers in any form.
    pub(super) fn echo(&self, observed: &Observed) -> Option<(String, Echo)> {
        let (service, found) = (&self.service, observed.scaling.get(&self.service)?);
        match &self.step {
            ScalingStep::PutPolicy(policy) => Some((
                format!("scaling policy {} of {service}", policy.name),
                Echo::new(&[policy], &[&found.policies.get(&policy.name)]),
            )),
            ScalingStep::PutAction { name, action } => Some((
                format!("scheduled action {name} of {service}"),
                Echo::new(&[action], &[&found.actions.get(name)]),
            )),
            ScalingStep::Tag(tags) => Some((
                format!("tags of the scalable target of {service}"),
                Echo::new(&[tags], &[&found.tags]),
            )),
            ScalingStep::Register { .. }
            | ScalingStep::SetRange(_)
            | ScalingStep::Deregister
            | ScalingStep::DeletePolicy(_)
            | ScalingStep::DeleteAction(_)
            | ScalingStep::Untag => None,
        }
    }

    pub(super) fn fold(&self, observed: &mut Observed, reply: Reply) {
        match &self.step {
            ScalingStep::Register { range, tags } => {
                let Reply::ScalableTarget(arn) = reply else {
                    return;
                };
                let state = ScalableTargetState {
                    arn,
                    range: *range,
                    tags: tags.clone(),
                    ..ScalableTargetState::default()
                };
                observed.scaling.insert(self.service.clone(), state);
                return;
            }
            ScalingStep::Deregister => {
                observed.scaling.remove(&self.service);
                return;
            }
            ScalingStep::SetRange(_)
            | ScalingStep::PutPolicy(_)
            | ScalingStep::DeletePolicy(_)
            | ScalingStep::PutAction { .. }
            | ScalingStep::DeleteAction(_)
            | ScalingStep::Tag(_)
            | ScalingStep::Untag => {}
        }
        if let Some(state) = observed.scaling.get_mut(&self.service) {
            self.fold_in_place(state);
        }
    }

    fn fold_in_place(&self, state: &mut ScalableTargetState) {
        match &self.step {
            ScalingStep::Register { .. } | ScalingStep::Deregister => {}
            ScalingStep::SetRange(range) => state.range = *range,
            ScalingStep::PutPolicy(policy) => {
                state.policies.insert(policy.name.clone(), policy.written());
            }
            ScalingStep::DeletePolicy(name) => {
                state.policies.remove(name);
            }
            ScalingStep::PutAction { name, action } => {
                state.actions.insert(name.clone(), action.written());
            }
            ScalingStep::DeleteAction(name) => {
                state.actions.remove(name);
            }
            ScalingStep::Tag(tags) => state.tags.extend(tags.clone()),
            ScalingStep::Untag => remove_owner(&mut state.tags),
        }
    }
}

impl fmt::Display for ScalingWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let service = &self.service;
        match &self.step {
            ScalingStep::Register { range, .. } => write!(f, "scale service {service} between {range}"),
            ScalingStep::SetRange(range) => {
                write!(f, "scale service {service} between {range} from now on")
            }
            ScalingStep::Deregister => write!(f, "end the scaling of service {service}"),
            ScalingStep::PutPolicy(policy) => write!(f, "scale service {service} by {policy}"),
            ScalingStep::DeletePolicy(name) => write!(f, "delete scaling policy {name} of service {service}"),
            ScalingStep::PutAction { action, .. } => write!(f, "scale service {service} at {action}"),
            ScalingStep::DeleteAction(name) => {
                write!(f, "delete scheduled action {name} of service {service}")
            }
            ScalingStep::Tag(tags) => write!(
                f,
                "tag the scalable target of service {service} with {}",
                listed(tags)
            ),
            ScalingStep::Untag => write!(f, "untag the scalable target of service {service} (Retain)"),
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} and {} tasks", self.min, self.max)
    }
}

impl fmt::Display for ScalingPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ScalingPolicy {
            name: _,
            metric,
            value,
            scale_in_cooldown,
            scale_out_cooldown,
        } = self;
        match metric {
            Metric::Cpu => write!(f, "{value} percent of CPU")?,
            Metric::Memory => write!(f, "{value} percent of memory")?,
            Metric::Requests(label) => {
                let load_balancer = label.split('/').nth(1).unwrap_or(label);
                write!(f, "{value} requests a target and minute of {load_balancer}")?;
            }
        }
        let cooldowns = [("in", scale_in_cooldown), ("out", scale_out_cooldown)];
        for (way, seconds) in cooldowns {
            if let Some(seconds) = seconds {
                write!(f, ", cooldown {way} {seconds} s")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for ScheduledAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ScheduledAction {
            expression,
            time_zone,
            min,
            max,
        } = self;
        write!(f, "{expression} {time_zone} to")?;
        let bounds = [("min", min), ("max", max)];
        for (bound, count) in bounds {
            if let Some(count) = count {
                write!(f, " {bound} {count}")?;
            }
        }
        Ok(())
    }
}
