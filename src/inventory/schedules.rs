//! The names of the schedules in one group.

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;

use super::singly::Singly;
use super::sweep::{Apps, Content, Found, Key};
use super::{Clock, Unit};
use crate::aws::{Aws, Result};
use crate::lists;
use crate::model::name::is_schedule_of;
use crate::model::owner::Owner;
use crate::model::schedule::ScheduleGroupState;

#[derive(Debug, Default)]
pub struct Schedules {
    group: Option<ScheduleGroupState>,
    names: BTreeSet<String>,
    /// An App wants something in the group.
    is_wanted: bool,
    /// When a pass last said what there is.
    found: Option<Timestamp>,
    /// The calls for each of them.
    pub(super) singly: Singly,
}

/// The steps of a sweep.
#[derive(Clone, Debug)]
pub enum Step {
    List,
    /// Once more, since the first time something was missing.
    ListAgain,
    /// One that both lists left out.
    ByName(String),
}

impl Schedules {
    /// Returns what is known; `None` of a group that nobody wanted anything of so far.
    pub(super) fn slice(&mut self, owner: &Owner, is_wanted: bool) -> Option<lists::Schedules> {
        let was_read = !is_wanted || self.is_wanted || !self.names.is_empty();
        self.is_wanted |= is_wanted;
        if !was_read {
            return None;
        }
        let names = self.names.iter().filter(|name| is_schedule_of(owner, name));
        Some(lists::Schedules {
            group: self.group.clone(),
            names: names.cloned().collect(),
        })
    }

    /// Takes what a pass over this App has read, or written.
    pub(super) fn found<'a>(
        &mut self,
        owner: &Owner,
        group: Option<&ScheduleGroupState>,
        names: impl Iterator<Item = &'a String>,
        now: Timestamp,
    ) {
        self.found = Some(now);
        self.group = group.cloned();
        self.names.retain(|name| !is_schedule_of(owner, name));
        self.names.extend(names.cloned());
    }
}

#[async_trait]
impl Content for Schedules {
    type Step = Step;

    const ASKS_FOR_APPS: bool = false;

    fn first() -> Step {
        Step::List
    }

    async fn take(
        unit: &Unit<Self>,
        key: &Key,
        aws: &dyn Aws,
        step: Step,
        _: &Apps,
        clock: Clock<'_>,
    ) -> Result<Found<Step>> {
        let asked = clock();
        let mut next = Vec::new();
        match step {
            Step::List | Step::ListAgain => {
                let listed = aws.list_schedules(&key.name, "").await?.unwrap_or_default();
                let listed: BTreeSet<String> = listed.into_iter().collect();
                let asks = !listed.is_empty() || {
                    let content = unit.content();
                    content.is_wanted || !content.names.is_empty()
                };
                let mut group = None;
                if asks {
                    group = aws.get_schedule_group(&key.name).await?;
                }
                if let Some(group) = &mut group {
                    group.tags = aws.list_schedule_group_tags(&group.arn).await?;
                }
                let mut content = unit.content();
                if content.found.is_some_and(|found| found > asked) {
                    // A pass has been there meanwhile, and knows better; the next sweep shows the rest.
                    content.names.extend(listed);
                    return Ok(Found::changed(BTreeSet::new()));
                }
                let missing: BTreeSet<String> = content.names.difference(&listed).cloned().collect();
                let is_going = group.as_ref().is_none_or(|group| group.is_deleting);
                content.names.extend(listed);
                content.group = group;
                // A group that is gone, or about to be, lists nothing.
                if is_going {
                    content.names.clear();
                } else if matches!(step, Step::List) && !missing.is_empty() {
                    next.push(Step::ListAgain);
                } else {
                    next.extend(missing.into_iter().map(Step::ByName));
                }
            }
            Step::ByName(name) => {
                if aws.get_schedule(&key.name, &name).await?.is_none() {
                    unit.content().names.remove(&name);
                }
            }
        }
        Ok(Found {
            next,
            ..Found::changed(BTreeSet::new())
        })
    }
}
