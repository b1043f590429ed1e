//! A sweep: the reads that bring one list up to date, one step after the other, at whatever pace.

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Clock, Unit};
use crate::aws::{Aws, Result};
use crate::budget::Place;
use crate::model::name::{family, family_prefix, load_balancer_prefix};
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
    /// The list of a hosted zone, which is in no region.
    pub fn of_zone(place: &Place, id: &str) -> Self {
        let place = Place {
            region: String::new(),
            ..place.clone()
        };
        Key {
            place,
            name: id.into(),
        }
    }

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

/// The Apps whose resources are described: of all others a list shows no more than the name. A sweep keeps them until its end.
#[derive(Clone, Debug, Default)]
pub struct Apps {
    /// The beginnings of the names of their services.
    services: BTreeSet<Box<str>>,
    /// The services that their statuses mention.
    mentioned: BTreeSet<Box<str>>,
    /// The beginnings of the names of their load balancers and target groups.
    load_balancers: BTreeSet<Box<str>>,
}

impl Apps {
    /// Adds an App, with the processes that its status mentions.
    pub fn insert<'a>(&mut self, app: &AppName, mentioned: impl IntoIterator<Item = &'a String>) {
        self.services.insert(family_prefix(app).into());
        self.load_balancers.insert(load_balancer_prefix(app).into());
        let mentioned = mentioned.into_iter();
        self.mentioned
            .extend(mentioned.map(|process| family(app, process).into()));
    }

    /// True for the name of a service of one of the Apps.
    pub(super) fn has_service(&self, name: &str) -> bool {
        let end = name.match_indices('_').nth(1);
        let prefix = end.and_then(|(at, _)| name.get(..=at));
        prefix.is_some_and(|prefix| self.services.contains(prefix))
    }

    /// Returns the names of services that statuses mention.
    pub(super) fn mentioned(&self) -> impl Iterator<Item = String> {
        self.mentioned.iter().map(|name| String::from(&**name))
    }

    /// True for a name of a load balancer or target group that may be one of theirs: `e-`, some of the App's name, `-`.
    pub(super) fn has_load_balancer(&self, name: &str) -> bool {
        let ends = name.match_indices('-').map(|(at, _)| at + 1);
        let mut prefixes = ends.filter_map(|end| name.get(..end));
        prefixes.any(|prefix| self.load_balancers.contains(prefix))
    }
}
