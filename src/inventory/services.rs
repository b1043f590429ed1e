//! The services of one cluster.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::entries::Entries;
use super::owned::Awaited;
use super::singly::Singly;
use super::sweep::{Apps, Content, Found, Key};
use super::{Clock, Learned, Unit};
use crate::aws::{Aws, Result};
use crate::model::name::{family, family_prefix};
use crate::model::owner::AppName;
use crate::model::shared_map::SharedMap;
use crate::model::state::ServiceState;

/// As many as one call describes:
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html>.
const BATCH: usize = 10;

/// What was just written is not looked at: nothing has come of it yet, or DescribeServices does not show it.
const TOO_SOON: SignedDuration = SignedDuration::from_secs(5);

#[derive(Debug, Default)]
pub struct Services {
    /// All names that the last list showed, whoever's they are.
    listed: BTreeSet<String>,
    pub(super) entries: Entries<ServiceState>,
    pub(super) awaited: Awaited,
    /// The calls for the scalable targets of services.
    pub(super) singly: Singly,
    pub(super) log_groups: Singly,
}

/// The steps of a sweep.
#[derive(Clone, Debug)]
pub enum Step {
    List,
    Describe(Vec<String>),
}

/// What is known of one App's services, and the names of which nothing is but what was written.
pub(super) struct Slice {
    pub found: SharedMap<String, ServiceState>,
    pub unknown: Vec<String>,
}

impl Services {
    /// Returns the services of an App. Of a mentioned process, too, something must be known: lists hide what drains.
    pub(super) fn slice(&self, app: &AppName, mentioned: &BTreeSet<String>) -> Slice {
        let prefix = family_prefix(app);
        let found = self.entries.beginning(&prefix);
        let found = found.map(|(name, state)| (name.clone(), state.clone())).collect();
        let listed = self.listed.range(prefix.clone()..);
        let listed = listed.take_while(|name| name.starts_with(&prefix)).cloned();
        let mentioned = mentioned.iter().map(|process| family(app, process));
        let unknown: BTreeSet<String> = listed
            .chain(mentioned)
            .filter(|name| !self.entries.knows(name))
            // What comes of a write, its reply does not show.
            .chain(self.entries.written(&prefix).cloned())
            .collect();
        Slice {
            found,
            unknown: unknown.into_iter().collect(),
        }
    }

    /// Takes the answer about some names.
    pub(super) fn described(
        &mut self,
        names: &[String],
        found: Vec<ServiceState>,
        asked: Timestamp,
    ) -> BTreeSet<AppName> {
        let found: Vec<_> = found.into_iter().map(Arc::new).collect();
        self.entries.read_all(names, &found, asked)
    }

    /// Takes what a pass came to know of some services.
    pub(super) fn learned(
        &mut self,
        found: &SharedMap<String, ServiceState>,
        names: &BTreeSet<String>,
        how: Learned,
    ) {
        for name in names {
            self.entries.learned(name, found.shared(name).cloned(), how);
        }
    }
}

#[async_trait]
impl Content for Services {
    type Step = Step;

    const ASKS_FOR_APPS: bool = true;

    fn first() -> Step {
        Step::List
    }

    fn is_about(key: &Key, cluster: &str) -> bool {
        key.name == cluster
    }

    fn account(&self) -> Option<&str> {
        let mut services = self.entries.iter();
        services.find_map(|(_, service)| service.task_definition.account())
    }

    /// What rolls out is described ten services a call, whosever they are.
    fn awaited(&self, now: Timestamp) -> Vec<Step> {
        let mut names = self.awaited.names();
        names.retain(|name| !self.entries.is_written_since(name, now - TOO_SOON));
        names
            .chunks(BATCH)
            .map(|batch| Step::Describe(batch.to_vec()))
            .collect()
    }

    async fn take(
        unit: &Unit<Self>,
        key: &Key,
        aws: &dyn Aws,
        step: Step,
        apps: &Apps,
        clock: Clock<'_>,
    ) -> Result<Found<Step>> {
        let asked = clock();
        match step {
            Step::List => {
                let listed = aws.list_services(&key.name).await?;
                let mut services = unit.content();
                services.listed = listed.into_iter().collect();
                // All that is known is described, so a list that leaves some out does no harm.
                let known = services.entries.iter().map(|(name, _)| name);
                let ours = services.listed.iter().filter(|name| apps.has_service(name));
                let names: BTreeSet<String> = known.chain(ours).cloned().chain(apps.mentioned()).collect();
                services.entries.forget_gone(&names, asked);
                let names: Vec<String> = names.into_iter().collect();
                let batches = names.chunks(BATCH).map(|batch| Step::Describe(batch.to_vec()));
                Ok(Found {
                    next: batches.collect(),
                    ..Found::changed(BTreeSet::new())
                })
            }
            Step::Describe(names) => {
                let found = aws.describe_services(&key.name, &names).await?;
                let changed = unit.content().described(&names, found, asked);
                Ok(Found::changed(changed))
            }
        }
    }
}
