//! The Apps of a namespace that share its limits, and who is woken when one of them takes less.

use std::collections::BTreeSet;
use std::sync::Arc;

use empire_controller::desired::has_limits;
use empire_controller::model::exclusive::Exclusive;
use empire_controller::pass::Sibling;

use super::World;

impl World {
    /// The Apps and Runs of an App's namespace, itself included, where the Platform has limits.
    pub(super) fn siblings(&self, key: &str) -> Vec<Arc<Sibling>> {
        if !has_limits(&self.platform.object) {
            return Vec::new();
        }
        let all = self.apps.iter();
        let siblings = all.filter(|(other, _)| namespace_of(other) == namespace_of(key));
        siblings
            .map(|(_, held)| Arc::new(Sibling::of(&held.app)))
            .chain(self.runs.iter().cloned())
            .collect()
    }

    /// Does something to an App, and wakes those that it leaves room.
    pub(super) fn watching<T>(&mut self, key: &str, act: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.sibling(key);
        let done = act(self);
        if let Some(before) = before
            && self.sibling(key).is_none_or(|now| now.leaves_room(&before))
        {
            let room = Exclusive::Room(namespace_of(key).into());
            self.wake(Some(key), &BTreeSet::from([room]));
        }
        done
    }

    fn sibling(&self, key: &str) -> Option<Sibling> {
        let held = self.apps.get(key);
        held.filter(|_| has_limits(&self.platform.object))
            .map(|held| Sibling::of(&held.app))
    }
}

fn namespace_of(key: &str) -> &str {
    key.split_once('/').unwrap().0
}
