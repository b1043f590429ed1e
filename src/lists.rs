//! The lists in which a pass finds what its App has: services by cluster, load balancers and target groups by region,
//! records by hosted zone, schedules by group. All that AWS lists or describes of many things at once is in them; what it
//! gives singly, such as listeners, is not.
//!
//! [`Live`] asks AWS each time. The controller's own answers, for all Apps, from one [`crate::inventory`].

mod live;
mod secrets;
mod tags;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;

pub use live::Live;
pub use secrets::{BATCH, KnownSecrets, each_secret, live_secrets};
pub use tags::read_tags;

use crate::aws::Result;
use crate::model::keeping::kept_until;
use crate::model::named::Named;
use crate::model::owner::{AppName, Owner, owner_in_record_text};
use crate::model::record::RecordSet;
use crate::model::schedule::ScheduleGroupState;
use crate::model::shared_map::SharedMap;
use crate::model::state::{LoadBalancerState, ServiceState, TargetGroupState, ZoneState};

/// Load balancers and target groups by name, with tags, and without listeners and attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadBalancing {
    pub load_balancers: SharedMap<String, LoadBalancerState>,
    pub target_groups: SharedMap<String, TargetGroupState>,
}

impl LoadBalancing {
    /// Puts them under their names.
    pub fn of(
        load_balancers: Vec<Arc<LoadBalancerState>>,
        target_groups: Vec<Arc<TargetGroupState>>,
    ) -> Self {
        let load_balancers = load_balancers
            .into_iter()
            .map(|found| (found.name.clone(), found));
        let target_groups = target_groups.into_iter().map(|found| (found.name.clone(), found));
        LoadBalancing {
            load_balancers: load_balancers.collect(),
            target_groups: target_groups.collect(),
        }
    }
}

/// The names of load balancers and target groups that an App wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub load_balancers: BTreeSet<String>,
    pub target_groups: BTreeSet<String>,
}

/// The records of a zone that may be an App's.
#[derive(Clone, Debug)]
pub struct Sought<'a> {
    /// Its ownership records name the App.
    pub owner: &'a Owner,
    /// Names that it wants, whoever has them.
    pub names: BTreeSet<String>,
    /// Hosts of load balancers: whatever points at one of them matters.
    pub hosts: BTreeSet<String>,
}

/// A schedule group, and the schedules in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedules {
    /// With tags. `None` if there is none, or if nobody wants anything of it.
    pub group: Option<ScheduleGroupState>,
    pub names: BTreeSet<String>,
}

/// Found in a list, with the names that were read singly for it, be it that nothing was there.
#[derive(Clone, Debug, Default)]
pub struct Found<T> {
    pub found: T,
    pub fresh: BTreeSet<Named>,
}

impl<T> Found<T> {
    /// Returns what the list alone says.
    pub fn listed(found: T) -> Self {
        Found {
            found,
            fresh: BTreeSet::new(),
        }
    }
}

/// Returns the App that has released a name and for whose namespace it is kept, by its ownership record.
pub fn kept_by(record: &RecordSet) -> Option<Owner> {
    let text = record.text();
    kept_until(&text)?;
    owner_in_record_text(&text)
}

/// Returns true for an ownership record of an installation's App that has released the name.
pub fn is_kept(record: &RecordSet, installation: &str) -> bool {
    kept_by(record).is_some_and(|owner| owner.installation == installation)
}

/// Returns true for an ownership record by which a name is kept for the namespace of an App.
pub fn is_kept_for(record: &RecordSet, owner: &Owner) -> bool {
    kept_by(record)
        .is_some_and(|by| by.installation == owner.installation && by.app.namespace == owner.app.namespace)
}

/// Finds what a Platform's own pass needs to know of hosted zones.
#[async_trait]
pub trait Zones: Send + Sync {
    /// Returns the name of a zone that is there, if that costs no call. `None` says nothing.
    fn name(&self, zone: &str) -> Option<String>;
    /// Returns the ownership records of an installation's Apps that have released the names. `None` if that is not known yet.
    async fn kept(&self, zone: &str, installation: &str) -> Result<Option<Vec<Arc<RecordSet>>>>;
    /// Takes note that the ownership records of these names were removed.
    fn removed(&self, zone: &str, names: &BTreeSet<String>);
}

/// Finds what may be an App's.
#[async_trait]
pub trait Lists: Send + Sync {
    /// Returns the services with names of the App, and those of the mentioned processes, which lists hide while they drain.
    /// Those of wanted ones are among them, if there are any.
    async fn services(
        &self,
        cluster: &str,
        app: &AppName,
        (mentioned, wanted): (&BTreeSet<String>, &BTreeSet<String>),
    ) -> Result<Found<SharedMap<String, ServiceState>>>;
    /// Returns those of the named services that are there, as they were a moment ago at most.
    async fn services_now(&self, cluster: &str, names: &[String]) -> Result<Vec<ServiceState>>;
    /// Returns those of the named load balancers that are there, likewise, with or without tags.
    async fn load_balancers_now(&self, names: &[String]) -> Result<Vec<LoadBalancerState>>;
    /// Returns everything with names like the App's: tags tell whose it is.
    async fn load_balancing(&self, app: &AppName, wanted: &Wanted) -> Result<Found<LoadBalancing>>;
    /// Returns the records that are sought, with the ownership records beside them; `None` if there is no such zone.
    async fn records(&self, zone: &str, sought: &Sought<'_>) -> Result<Found<Option<ZoneState>>>;
    /// True if the list of a zone was read lately and can be read. It costs no call.
    fn is_young(&self, zone: &str) -> bool;
    /// Returns the installation's group, and the schedules in it with names of the App.
    async fn schedules(&self, owner: &Owner, is_wanted: bool) -> Result<Schedules>;
}
