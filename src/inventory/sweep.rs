//! A sweep: the reads that bring one list up to date, one step after the other, at whatever pace.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Clock, Unit};
use crate::aws::{Aws, Result};
use crate::budget::Place;
use crate::model::name::{family, load_balancer_prefix};
use crate::model::owner::AppName;

/// The AWS that a list is in, and the name of what is listed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Its region is empty for what is in none.
    pub place: Place,
    /// A cluster, a hosted zone or a schedule group; empty for load balancers.
    pub name: String,
}

impl Key {
    /// True if the list is in the AWS of a Platform. One that is in no region is in those of all of its account's Platforms.
    pub fn is_in(&self, place: &Place) -> bool {
        let Place {
            account,
            region,
            endpoint_url,
        } = &self.place;
        (account, endpoint_url) == (&place.account, &place.endpoint_url)
            && (region.is_empty() || *region == place.region)
    }
}

/// One list, and what is known of what is in it.
#[async_trait]
pub trait Content: Default + Send + Sized + 'static {
    /// True if what a sweep reads depends on the Apps that there are.
    const ASKS_FOR_APPS: bool;

    /// Cloned, since a step that is to come later is made again.
    type Step: Clone + Send + Sync;

    /// Returns the step that a sweep begins with.
    fn first() -> Self::Step;

    /// True if the list may have something of Apps in this cluster, as far as its key says.
    fn is_about(_: &Key, _cluster: &str) -> bool {
        true
    }

    /// Returns the steps that show Apps what they wait for.
    fn awaited(&self, _now: Timestamp) -> Vec<Self::Step> {
        Vec::new()
    }

    /// Returns the id of the account that it is of, as the ARN of something in it says.
    fn account(&self) -> Option<&str> {
        None
    }

    /// Makes one step.
    async fn take(
        unit: &Unit<Self>,
        key: &Key,
        aws: &dyn Aws,
        step: Self::Step,
        apps: &Apps,
        clock: Clock<'_>,
    ) -> Result<Found<Self::Step>>;
}

/// The steps that follow from one, and the Apps of which it found something else than was known.
#[derive(Debug)]
pub struct Found<Step> {
    /// The rest of what the step began to read, which follows at once.
    pub rest: Option<Step>,
    pub next: Vec<Step>,
    pub changed: BTreeSet<AppName>,
}

impl<Step> Found<Step> {
    pub(super) fn changed(changed: BTreeSet<AppName>) -> Self {
        Found {
            rest: None,
            next: Vec::new(),
            changed,
        }
    }
}

/// The Apps whose resources are described: of all others a list shows no more than the name.
#[derive(Clone, Debug, Default)]
pub struct Apps {
    /// By App, the processes that its status mentions.
    processes: BTreeMap<AppName, Vec<String>>,
    prefixes: BTreeSet<String>,
}

impl Apps {
    pub fn insert(&mut self, app: AppName, mentioned: Vec<String>) {
        self.prefixes.insert(load_balancer_prefix(&app));
        self.processes.insert(app, mentioned);
    }

    /// True for the name of a service of one of the Apps.
    pub(super) fn has_service(&self, name: &str) -> bool {
        let mut parts = name.splitn(3, '_');
        let (Some(namespace), Some(app), Some(_)) = (parts.next(), parts.next(), parts.next()) else {
            return false;
        };
        let app = AppName {
            namespace: namespace.into(),
            name: app.into(),
        };
        self.processes.contains_key(&app)
    }

    /// Returns the names of services that statuses mention.
    pub(super) fn mentioned(&self) -> impl Iterator<Item = String> {
        let mentioned = self.processes.iter();
        mentioned.flat_map(|(app, all)| all.iter().map(move |process| family(app, process)))
    }

    /// True for a name of a load balancer or target group that may be one of theirs: `e-`, some of the App's name, `-`.
    pub(super) fn has_load_balancer(&self, name: &str) -> bool {
        let ends = name.match_indices('-').map(|(at, _)| at + 1);
        let mut prefixes = ends.filter_map(|end| name.get(..end));
        prefixes.any(|prefix| self.prefixes.contains(prefix))
    }
}
