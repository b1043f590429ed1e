//! Scaling as it happens, and by hand.

use std::collections::BTreeMap;

use empire_controller::model::owner::Tags;
use empire_controller::model::scaling::{Range, ScalableTargetState};

use super::super::FakeAws;
use super::super::console::Console;

impl FakeAws {
    /// Returns the scalable target of a service, with all policies and scheduled actions that it has, whoever's they are.
    pub(crate) fn scalable_target(&self, service: &str) -> Option<ScalableTargetState> {
        let state = self.lock();
        let mut all = state.scaling.targets.iter();
        all.find(|((_, name), _)| name == service)
            .map(|(_, found)| found.clone())
    }
}

impl Console<'_> {
    /// The scalable target of a service, to be changed in any way: its range, its tags, its policies and scheduled actions.
    pub(crate) fn scaling(&mut self, service: &str) -> &mut ScalableTargetState {
        let mut all = self.state().scaling.targets.iter_mut();
        all.find(|((_, name), _)| name == service).unwrap().1
    }

    /// Registers a target that is not there, in the console with no tags.
    pub(crate) fn register(&mut self, service: &str, min: u32, max: u32, tags: Tags) {
        let state = self.state();
        let arn = state.arn("application-autoscaling", "scalable-target");
        let key = state.ecs.services.keys().find(|(_, name)| name == service);
        let target = ScalableTargetState {
            arn: Some(arn),
            range: Range { min, max },
            tags,
            policies: BTreeMap::new(),
            actions: BTreeMap::new(),
        };
        let key = key.unwrap().clone();
        assert!(state.scaling.targets.insert(key, target).is_none());
    }

    pub(crate) fn deregister_target(&mut self, service: &str) {
        self.state()
            .scaling
            .targets
            .retain(|(_, name), _| name != service);
    }

    /// As the alarms of its policies would: within the range, as it is at this time.
    pub(crate) fn scale(&mut self, service: &str, count: u32) {
        let range = self.scaling(service).range;
        let mut services = self.state().ecs.services.iter_mut();
        let found = services.find(|((_, name), _)| name == service);
        found.unwrap().1.desired = range.nearest(count);
    }

    /// The time of a scheduled action has come: it sets the range, and moves a count that is outside:
    /// <https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScheduledAction.html>.
    /// An action that would leave less room than none does nothing.
    pub(crate) fn fire(&mut self, service: &str, action: &str) {
        let target = self.scaling(service);
        let action = &target.actions[action];
        let range = Range {
            min: action.min.unwrap_or(target.range.min),
            max: action.max.unwrap_or(target.range.max),
        };
        if range.min <= range.max {
            target.range = range;
        }
        let state = self.state();
        let key = state.scaling.targets.keys().find(|(_, name)| name == service);
        let key = key.unwrap().clone();
        state.move_count(&key);
    }

    /// From now on registering moves a count that is outside of the range into it, as AWS says it does.
    pub(crate) fn move_counts_as_registered(&mut self) {
        self.state().scaling.moves_counts = true;
    }

    /// From now on a service that is deleted takes its scalable target with it within a second, as others saw it.
    pub(crate) fn take_targets_with_services(&mut self) {
        self.state().scaling.goes_with_services = true;
    }
}
