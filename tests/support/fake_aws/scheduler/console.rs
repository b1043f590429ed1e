//! Drift of schedules: changes by hand, and schedules that were never ours.

use empire_controller::model::name::{Arn, schedule_group};
use empire_controller::model::owner::Tags;
use empire_controller::model::schedule::ScheduleState;

use super::super::console::Console;
use super::{DELETING, Group};
use crate::world::INSTALLATION;

impl Console<'_> {
    /// Every one, whoever's it is.
    pub(crate) fn change_schedules(&mut self, change: fn(&mut ScheduleState)) {
        self.state().scheduler.schedules.values_mut().for_each(change);
    }

    pub(crate) fn delete_schedules(&mut self) {
        self.state().scheduler.schedules.clear();
    }

    pub(crate) fn delete_schedule_group(&mut self) {
        let until = self.state().now + DELETING;
        for group in self.state().scheduler.groups.values_mut() {
            group.deleted_by = Some(until);
        }
    }

    /// Under the name of ours.
    pub(crate) fn foreign_schedule_group(&mut self, tags: Tags) {
        let name = schedule_group(INSTALLATION);
        let group = Group {
            arn: Arn(format!(
                "arn:aws:scheduler:us-east-1:123456789012:schedule-group/{name}"
            )),
            tags,
            deleted_by: None,
        };
        self.state().scheduler.groups.insert(name, group);
    }

    pub(crate) fn deregister_task_definitions(&mut self) {
        for definition in self.state().ecs.definitions.iter_mut() {
            definition.active = false;
        }
    }

    /// Another installation, in another cluster, has an App of the same name.
    pub(crate) fn register_for_another(&mut self, family: &str, tags: Tags) {
        let state = self.state();
        let mut definition = state.ecs.newest(family).unwrap().clone();
        let revision = state.ecs.definitions.len() + 1;
        definition.arn = Arn(format!(
            "arn:aws:ecs:us-east-1:123456789012:task-definition/{family}:{revision}"
        ));
        definition.tags = tags;
        state.ecs.definitions.push(definition);
    }
}
