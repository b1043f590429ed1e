//! The load balancers and target groups of one account in one region, with their tags.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use super::entries::Entries;
use super::owned::{Awaited, Owned};
use super::singly::Singly;
use super::sweep::{Apps, Content, Found, Key};
use super::{Clock, Learned, Unit};
use crate::aws::{Aws, Result};
use crate::lists::{LoadBalancing, Wanted, read_tags};
use crate::model::name::{Arn, load_balancer_prefix};
use crate::model::owner::AppName;
use crate::model::shared_map::SharedMap;
use crate::model::state::{LoadBalancerState, Observed, TargetGroupState};

/// As many as one call takes:
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTags.html>.
const TAGS_BATCH: usize = 20;

/// More are not asked for by name, one a call, but listed, 200 a call.
const FEW: usize = 3;

#[derive(Debug, Default)]
pub struct LoadBalancers {
    listed: Wanted,
    /// As the last list that was not empty says.
    account: Option<String>,
    pub(super) balancers: Entries<LoadBalancerState>,
    target_groups: Entries<TargetGroupState>,
    pub(super) awaited: Awaited,
    /// The calls for listeners, certificates and attributes.
    pub(super) singly: Singly,
}

/// The steps of a sweep.
#[derive(Clone, Debug)]
pub enum Step {
    List,
    /// Once more, since the first time something was missing.
    ListAgain,
    Tags(Listed),
    /// What both lists left out.
    ByName(Wanted),
    /// The statuses of those that Apps wait for.
    Statuses,
}

/// Load balancers and target groups whose tags are to be read.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    asked: Timestamp,
    load_balancers: Vec<Arc<LoadBalancerState>>,
    target_groups: Vec<Arc<TargetGroupState>>,
}

impl Listed {
    /// Reads their tags.
    async fn tagged(mut self, aws: &dyn Aws) -> Result<Self> {
        read_tags(aws, &mut self.load_balancers, &mut self.target_groups).await?;
        Ok(self)
    }

    /// Divides them into batches that one call takes.
    fn batches(self) -> impl Iterator<Item = Listed> {
        let asked = self.asked;
        let balancers = batches(self.load_balancers).map(move |load_balancers| Listed {
            asked,
            load_balancers,
            ..Listed::default()
        });
        let groups = batches(self.target_groups).map(move |target_groups| Listed {
            asked,
            target_groups,
            ..Listed::default()
        });
        balancers.chain(groups)
    }
}

/// What is known of names like an App's, and the names of which nothing is.
pub(super) struct Slice {
    pub found: LoadBalancing,
    pub unknown: Wanted,
}

/// What the two lists show.
#[derive(Debug, Default)]
struct Shown {
    names: Wanted,
    account: Option<String>,
    /// Those of Apps: where one is as it was, what is known, so that it is not there twice until all tags are read.
    of_apps: Listed,
}

impl Shown {
    fn see_account(&mut self, arn: &Arn) {
        if self.account.is_none() {
            self.account = arn.account().map(Into::into);
        }
    }

    /// Reads both lists, one after the other.
    async fn read(unit: &Unit<LoadBalancers>, aws: &dyn Aws, apps: &Apps, asked: Timestamp) -> Result<Self> {
        let mut shown = Shown::default();
        shown.of_apps.asked = asked;
        aws.each_load_balancer(&mut |found| {
            shown.see_account(&found.arn);
            shown.names.load_balancers.insert(found.name.clone());
            if apps.has_load_balancer(&found.name) {
                let found = unit.content().balancers.known_or(found);
                shown.of_apps.load_balancers.push(found);
            }
        })
        .await?;
        aws.each_target_group(&mut |found| {
            shown.see_account(&found.arn);
            shown.names.target_groups.insert(found.name.clone());
            if apps.has_load_balancer(&found.name) {
                let found = unit.content().target_groups.known_or(found);
                shown.of_apps.target_groups.push(found);
            }
        })
        .await?;
        Ok(shown)
    }
}

impl LoadBalancers {
    /// Returns what the App has, and what has a wanted name, be it another's.
    pub(super) fn slice(&self, app: &AppName, wanted: &Wanted) -> Slice {
        let prefix = load_balancer_prefix(app);
        let begins = |names: &BTreeSet<String>| -> BTreeSet<String> {
            let names = names.range(prefix.clone()..);
            names
                .take_while(|name| name.starts_with(&prefix))
                .cloned()
                .collect()
        };
        let mut unknown = Wanted {
            load_balancers: begins(&self.listed.load_balancers),
            target_groups: begins(&self.listed.target_groups),
        };
        unknown.load_balancers.retain(|name| !self.balancers.knows(name));
        unknown
            .target_groups
            .retain(|name| !self.target_groups.knows(name));
        Slice {
            found: LoadBalancing {
                load_balancers: its(self.balancers.beginning(&prefix), app, &wanted.load_balancers),
                target_groups: its(self.target_groups.beginning(&prefix), app, &wanted.target_groups),
            },
            unknown,
        }
    }

    /// Returns those of which no list and no read has ever said anything.
    pub(super) fn unknown(&self, wanted: &Wanted) -> Wanted {
        let mut unknown = wanted.clone();
        unknown.load_balancers.retain(|name| !self.balancers.knows(name));
        unknown
            .target_groups
            .retain(|name| !self.target_groups.knows(name));
        unknown
    }

    /// Takes what was found of load balancers that were known: nothing but their statuses. Returns whose are news.
    pub(super) fn statuses(&mut self, found: &[LoadBalancerState], asked: Timestamp) -> BTreeSet<AppName> {
        let mut changed = BTreeSet::new();
        for found in found {
            let Some(known) = self
                .balancers
                .get(&found.name)
                .filter(|known| known.arn == found.arn)
            else {
                continue;
            };
            let now = LoadBalancerState {
                status: found.status.clone(),
                ..known.clone()
            };
            let news = |all: &mut Entries<_>| all.read(&found.name, Some(now), asked);
            changed.extend(self.balancers.take(&found.name, news));
        }
        changed
    }

    /// Takes what was read by name, tags included.
    pub(super) fn read(&mut self, names: &Wanted, found: &Listed) -> BTreeSet<AppName> {
        let Listed {
            asked,
            load_balancers,
            target_groups,
        } = found;
        let mut changed = self
            .balancers
            .read_all(&names.load_balancers, load_balancers, *asked);
        changed.extend(
            self.target_groups
                .read_all(&names.target_groups, target_groups, *asked),
        );
        changed
    }

    fn listed(&mut self, found: Listed) -> BTreeSet<AppName> {
        let Listed {
            asked,
            load_balancers,
            target_groups,
        } = found;
        let mut changed = self.balancers.list_all(load_balancers, asked);
        changed.extend(self.target_groups.list_all(target_groups, asked));
        changed
    }

    /// Takes what the two lists show; returns what they should show and do not.
    fn take(&mut self, shown: &Shown, asked: Timestamp) -> Wanted {
        if let Some(account) = &shown.account {
            self.account = Some(account.clone());
        }
        self.listed.clone_from(&shown.names);
        Wanted {
            load_balancers: self.balancers.missing(&self.listed.load_balancers, asked),
            target_groups: self.target_groups.missing(&self.listed.target_groups, asked),
        }
    }

    /// Takes what a pass came to know of some of them.
    pub(super) fn learned(&mut self, app: &AppName, found: &Observed, names: &Wanted, how: Learned) {
        // A pass leaves out what is another App's.
        let is_its = |owner: Option<AppName>| owner.is_none_or(|owner| owner == *app);
        for name in &names.load_balancers {
            let state = found.load_balancers.shared(name).cloned();
            if state.is_some() || is_its(self.balancers.get(name).and_then(Owned::owner)) {
                self.balancers.learned(name, state, how);
            }
        }
        for name in &names.target_groups {
            let state = found.target_groups.shared(name).cloned();
            if state.is_some() || is_its(self.target_groups.get(name).and_then(Owned::owner)) {
                self.target_groups.learned(name, state, how);
            }
        }
    }

    /// Shares with the memory of an App what its pass has found.
    pub(super) fn share(&mut self, found: &Observed) {
        for (name, state) in found.load_balancers.iter_shared() {
            self.balancers.share(name, state);
        }
        for (name, state) in found.target_groups.iter_shared() {
            self.target_groups.share(name, state);
        }
    }
}

/// Moves things into batches of which one call takes the tags: a list may be as large as all that is known.
fn batches<T>(things: Vec<T>) -> impl Iterator<Item = Vec<T>> {
    let mut things = things.into_iter();
    std::iter::from_fn(move || {
        let batch: Vec<T> = things.by_ref().take(TAGS_BATCH).collect();
        (!batch.is_empty()).then_some(batch)
    })
}

/// Other Apps may have names that begin alike. What is nobody's may be adopted.
fn its<'a, T: Owned + 'a>(
    found: impl Iterator<Item = (&'a String, &'a Arc<T>)>,
    app: &AppName,
    wanted: &BTreeSet<String>,
) -> SharedMap<String, T> {
    let is_its = |(name, state): &(&String, &Arc<T>)| {
        wanted.contains(*name) || state.owner().is_none_or(|owner| owner == *app)
    };
    let its = found.filter(is_its);
    its.map(|(name, state)| (name.clone(), state.clone())).collect()
}

/// Reads load balancers and target groups by name, with their tags.
pub(super) async fn by_name(aws: &dyn Aws, names: &Wanted, asked: Timestamp) -> Result<Listed> {
    let Wanted {
        load_balancers,
        target_groups,
    } = names;
    let load_balancers: Vec<String> = load_balancers.iter().cloned().collect();
    let target_groups: Vec<String> = target_groups.iter().cloned().collect();
    let load_balancers = aws.describe_load_balancers_named(&load_balancers).await?;
    let target_groups = aws.describe_target_groups_named(&target_groups).await?;
    let found = Listed {
        asked,
        load_balancers: load_balancers.into_iter().map(Arc::new).collect(),
        target_groups: target_groups.into_iter().map(Arc::new).collect(),
    };
    found.tagged(aws).await
}

#[async_trait]
impl Content for LoadBalancers {
    type Step = Step;

    const ASKS_FOR_APPS: bool = true;

    fn first() -> Step {
        Step::List
    }

    fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    fn awaited(&self, _: Timestamp) -> Vec<Step> {
        let is_awaited = !self.awaited.names().is_empty();
        is_awaited.then_some(Step::Statuses).into_iter().collect()
    }

    async fn take(
        unit: &Unit<Self>,
        _: &Key,
        aws: &dyn Aws,
        step: Step,
        apps: &Apps,
        clock: Clock<'_>,
    ) -> Result<Found<Step>> {
        let asked = clock();
        let mut next = Vec::new();
        let changed = match step {
            Step::List | Step::ListAgain => {
                let shown = Shown::read(unit, aws, apps, asked).await?;
                let missing = unit.content().take(&shown, asked);
                let is_whole = missing == Wanted::default();
                if !is_whole && matches!(step, Step::List) {
                    next.push(Step::ListAgain);
                } else {
                    next.extend((!is_whole).then_some(Step::ByName(missing)));
                    next.extend(shown.of_apps.batches().map(Step::Tags));
                }
                BTreeSet::new()
            }
            Step::Tags(listed) => {
                let tagged = listed.tagged(aws).await?;
                unit.content().listed(tagged)
            }
            Step::Statuses => {
                let names = unit.content().awaited.names();
                let found = if names.len() > FEW {
                    aws.describe_load_balancers().await?
                } else {
                    aws.describe_load_balancers_named(&names).await?
                };
                unit.content().statuses(&found, asked)
            }
            Step::ByName(names) => {
                let found = by_name(aws, &names, asked).await?;
                unit.content().read(&names, &found)
            }
        };
        Ok(Found {
            next,
            ..Found::changed(changed)
        })
    }
}
