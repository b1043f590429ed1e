//! The processes that log to their App's group, and what of them needs it.

use std::collections::BTreeSet;

use super::desired::{Desired, DesiredProcess};
use super::log_group::LogGroups;
use super::part::Part;
use super::service::TaskDefinition;
use super::state::Observed;

impl Desired {
    /// Returns the processes that log to the App's group.
    pub fn logging_processes(&self) -> BTreeSet<&String> {
        let Some(group) = &self.log_group else {
            return BTreeSet::new();
        };
        let logging = |(name, process): (_, &DesiredProcess)| {
            process.task_definition.logs_to(&group.name).then_some(name)
        };
        self.processes.iter().filter_map(logging).collect()
    }

    /// Returns true if the App's group is looked at, where there is one: it may be wanted, or is to be let go of.
    pub fn minds_log_group(&self) -> bool {
        let is_leaving = self.processes.is_empty();
        match self.place.log_groups {
            LogGroups::None => false,
            LogGroups::Kept => !is_leaving || self.retains,
            LogGroups::Deleted => true,
        }
    }

    /// Returns true if a group that is there is missed where it cannot be read: one that stays as it is is nobody's concern
    /// while nothing logs there.
    pub fn misses_log_group(&self) -> bool {
        self.log_group.is_some() || self.retains || self.place.log_groups == LogGroups::Deleted
    }

    /// Returns true if tasks of this content find their log group: ECS starts none without. While groups cannot be read, a
    /// revision that logs there says that it is there: none is registered before.
    pub fn has_log_group(&self, observed: &Observed, content: &TaskDefinition) -> bool {
        let Some(group) = self
            .log_group
            .as_ref()
            .filter(|group| content.logs_to(&group.name))
        else {
            return true;
        };
        if !observed.is_unread(&Part::LogGroup) {
            return observed
                .log_group
                .as_ref()
                .is_some_and(|found| self.owner.owns(&found.tags));
        }
        let mut known = observed.task_definitions.values();
        known.any(|known| self.owner.owns(&known.tags) && known.content.logs_to(&group.name))
    }
}
