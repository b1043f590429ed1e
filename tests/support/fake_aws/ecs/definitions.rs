//! Task definitions in the order of their registration, found by ARN and by family.

use std::collections::BTreeMap;

use empire_controller::model::name::Arn;
use empire_controller::model::state::TaskDefinitionState;

#[derive(Clone, Debug, Default)]
pub(in crate::fake_aws) struct Definitions {
    all: Vec<TaskDefinitionState>,
    by_arn: BTreeMap<Arn, usize>,
    by_family: BTreeMap<String, Vec<usize>>,
}

impl Definitions {
    pub(in crate::fake_aws) fn push(&mut self, definition: TaskDefinitionState) {
        let at = self.all.len();
        self.by_arn.entry(definition.arn.clone()).or_insert(at);
        let family = definition.content.family.clone();
        self.by_family.entry(family).or_default().push(at);
        self.all.push(definition);
    }

    pub(in crate::fake_aws) fn len(&self) -> usize {
        self.all.len()
    }

    pub(in crate::fake_aws) fn iter(&self) -> std::slice::Iter<'_, TaskDefinitionState> {
        self.all.iter()
    }

    /// Lets each be changed, but not what it is found by.
    pub(in crate::fake_aws) fn iter_mut(&mut self) -> std::slice::IterMut<'_, TaskDefinitionState> {
        self.all.iter_mut()
    }

    pub(super) fn get(&self, arn: &Arn) -> Option<&TaskDefinitionState> {
        Some(&self.all[*self.by_arn.get(arn)?])
    }

    /// Oldest first.
    pub(super) fn of_family(&self, family: &str) -> impl DoubleEndedIterator<Item = &TaskDefinitionState> {
        let its = self.by_family.get(family).into_iter().flatten();
        its.map(|at| &self.all[*at])
    }
}
