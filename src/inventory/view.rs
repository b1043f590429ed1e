//! The lists of one pass, out of the inventory.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::load_balancers::by_name;
use super::touched::Touched;
use super::{Age, Clock, Inventory, Key, Learned, singly};
use crate::aws::{Aws, AwsError, Result};
use crate::budget::Place;
use crate::change::Change;
use crate::lists::{Found, Lists, Live, LoadBalancing, Schedules, Sought, Wanted};
use crate::model::desired::{Desired, RecordKey};
use crate::model::name::{family, schedule_group};
use crate::model::named::Named;
use crate::model::owner::{AppName, Owner};
use crate::model::part::Part;
use crate::model::pending::Pending;
use crate::model::rank::Rank;
use crate::model::shared_map::SharedMap;
use crate::model::state::{LoadBalancerState, Observed, ServiceState, ZoneState};

/// What Apps wait for is looked at by the keeper of the list, and is no older than that; else a pass reads it itself.
const A_MOMENT: SignedDuration = SignedDuration::from_secs(15);

/// Finds what one App has. What the inventory has no word of is read by name, and so is everything where it is to be looked
/// at now; the inventory has it from then on.
pub struct View<'a> {
    pub inventory: &'a Inventory,
    pub aws: &'a dyn Aws,
    pub app: AppName,
    pub place: Place,
    pub resync: Duration,
    /// Everything is read by name.
    pub now: bool,
    /// Of the pass. But for a resync, it is about to write, and what it finds in an old list is read by name before.
    pub rank: Rank,
    pub clock: Clock<'a>,
}

impl View<'_> {
    fn key(&self, name: &str) -> Key {
        Key {
            place: self.place.clone(),
            name: name.into(),
        }
    }

    /// True if all that an App has or wants is read by name.
    fn looks_closely(&self, age: Age) -> bool {
        self.now || age == Age::Old && self.rank != Rank::Resync
    }

    /// True if what could not be read by name is taken from an old list, which showed it.
    fn goes_by_the_list(&self, age: Age, is_known: bool, error: &AwsError) -> bool {
        age == Age::Old && is_known && !self.now && error.later().is_none() && error.class().is_passing()
    }

    /// Asks for the lists of these parts, so that they are all swept from now on.
    pub fn want(&self, desired: &Desired, parts: &[Part]) {
        for part in parts {
            match part {
                Part::Ecs => {
                    self.inventory.services.want(&self.key(&desired.place.cluster));
                }
                Part::LoadBalancing => {
                    self.inventory.load_balancers.want(&self.key(""));
                }
                Part::Zone(id) => {
                    self.inventory.records.want(&Key::of_zone(&self.place, id));
                }
                Part::Schedules => {
                    let group = schedule_group(&desired.owner.installation);
                    self.inventory.schedules.want(&self.key(&group));
                }
                // Each App's own; and of secrets a pass knows before it begins.
                Part::Scaling | Part::Tasks | Part::LogGroup | Part::Secrets => {}
            }
        }
    }

    /// Takes what a pass that began then has read by name, and then what it has written.
    pub fn learned(&self, desired: &Desired, observed: &Observed, done: &[Change], begun: Timestamp) {
        let read = Touched::fresh(&observed.fresh);
        self.take(desired, observed, &read, Learned::Read(begun));
        let written = Touched::by(done, observed);
        self.take(desired, observed, &written, Learned::Written((self.clock)()));
        if let Some(unit) = self.inventory.load_balancers.known(&self.key("")) {
            unit.content().share(observed);
        }
        let group = schedule_group(&desired.owner.installation);
        if written.schedules
            && let Some(unit) = self.inventory.schedules.known(&self.key(&group))
        {
            let (group, names) = (observed.schedule_group.as_ref(), observed.schedules.keys());
            unit.content().found(&desired.owner, group, names, (self.clock)());
        }
        self.note_singly(desired, observed);
    }

    /// Notes how many calls take what AWS gives singly of the App, as far as that could be read.
    fn note_singly(&self, desired: &Desired, observed: &Observed) {
        let is_read = |part: &Part| !observed.unread.contains(part);
        if let Some(unit) = self.inventory.load_balancers.known(&self.key(""))
            && is_read(&Part::LoadBalancing)
        {
            let calls = singly::of_load_balancing(desired, observed);
            unit.content().singly.note(&self.app, calls);
        }
        if let Some(unit) = self.inventory.services.known(&self.key(&desired.place.cluster)) {
            let mut services = unit.content();
            if is_read(&Part::Scaling) {
                let calls = singly::of_scaling(observed.scaling.len());
                services.singly.note(&self.app, calls);
            }
            if is_read(&Part::LogGroup) {
                let calls = singly::of_log_groups(observed.log_group.iter().count());
                services.log_groups.note(&self.app, calls);
            }
        }
        let group = schedule_group(&desired.owner.installation);
        if let Some(unit) = self.inventory.schedules.known(&self.key(&group))
            && is_read(&Part::Schedules)
        {
            let calls = observed.schedules.len();
            unit.content().singly.note(&self.app, calls);
        }
    }

    fn take(&self, desired: &Desired, observed: &Observed, touched: &Touched, learned: Learned) {
        let inventory = self.inventory;
        if let Some(unit) = inventory.services.known(&self.key(&desired.place.cluster)) {
            unit.content()
                .learned(&observed.services, &touched.services, learned);
        }
        if let Some(unit) = inventory.load_balancers.known(&self.key("")) {
            unit.content()
                .learned(&self.app, observed, &touched.load_balancing, learned);
        }
        for (zone, names) in &touched.names {
            let unit = inventory.records.known(&Key::of_zone(&self.place, zone));
            if let (Some(state), Some(unit)) = (observed.zones.get(zone), unit) {
                unit.content().learned(&state.records, names, learned);
            }
        }
    }

    /// Notes what the App waits for after a pass.
    pub fn awaits(&self, desired: &Desired, pending: &[Pending]) {
        let Touched {
            services,
            load_balancing,
            ..
        } = Touched::for_pending(pending);
        let cluster = self.key(&desired.place.cluster);
        if let Some(unit) = self.inventory.services.known(&cluster) {
            unit.content().awaited.note(&self.app, services);
        }
        if let Some(unit) = self.inventory.load_balancers.known(&self.key("")) {
            unit.content()
                .awaited
                .note(&self.app, load_balancing.load_balancers);
        }
    }
}

#[async_trait]
impl Lists for View<'_> {
    async fn services(
        &self,
        cluster: &str,
        app: &AppName,
        (mentioned, wanted): (&BTreeSet<String>, &BTreeSet<String>),
    ) -> Result<Found<SharedMap<String, ServiceState>>> {
        let unit = self.inventory.services.want(&self.key(cluster));
        let asked = (self.clock)();
        let age = unit.readable(&self.app, self.rank, asked, self.resync)?;
        let both = || mentioned.union(wanted).cloned().collect();
        let slice = match age {
            Age::Young => unit.content().slice(app, mentioned),
            Age::Old => unit.content().slice(app, &both()),
        };
        let mut names: BTreeSet<String> = slice.unknown.iter().cloned().collect();
        if self.looks_closely(age) {
            let mentioned = mentioned.iter().map(|process| family(app, process));
            names.extend(slice.found.keys().cloned().chain(mentioned));
        }
        if names.is_empty() {
            return Ok(Found::listed(slice.found));
        }
        let names: Vec<String> = names.into_iter().collect();
        let found = match self.aws.describe_services(cluster, &names).await {
            Err(error) if self.goes_by_the_list(age, slice.unknown.is_empty(), &error) => {
                return Ok(Found::listed(slice.found));
            }
            found => found?,
        };
        let mut content = unit.content();
        content.described(&names, found, asked);
        Ok(Found {
            found: content.slice(app, mentioned).found,
            fresh: names.into_iter().map(Named::Service).collect(),
        })
    }

    async fn services_now(&self, cluster: &str, names: &[String]) -> Result<Vec<ServiceState>> {
        let unit = self.inventory.services.want(&self.key(cluster));
        let asked = (self.clock)();
        let (mut found, unknown) = unit.content().entries.read_since(names, asked - A_MOMENT);
        if !unknown.is_empty() {
            let read = self.aws.describe_services(cluster, &unknown).await?;
            found.extend(read.iter().cloned());
            unit.content().described(&unknown, read, asked);
        }
        Ok(found)
    }

    async fn load_balancers_now(&self, names: &[String]) -> Result<Vec<LoadBalancerState>> {
        let unit = self.inventory.load_balancers.want(&self.key(""));
        let asked = (self.clock)();
        let (mut found, unknown) = unit.content().balancers.read_since(names, asked - A_MOMENT);
        if !unknown.is_empty() {
            let read = self.aws.describe_load_balancers_named(&unknown).await?;
            unit.content().statuses(&read, asked);
            found.extend(read);
        }
        Ok(found)
    }

    async fn load_balancing(&self, app: &AppName, wanted: &Wanted) -> Result<Found<LoadBalancing>> {
        let unit = self.inventory.load_balancers.want(&self.key(""));
        let asked = (self.clock)();
        let age = unit.readable(&self.app, self.rank, asked, self.resync)?;
        let mut slice = unit.content().slice(app, wanted);
        if age == Age::Old {
            let unlisted = unit.content().unknown(wanted);
            slice.unknown.load_balancers.extend(unlisted.load_balancers);
            slice.unknown.target_groups.extend(unlisted.target_groups);
        }
        let mut names = slice.unknown.clone();
        if self.looks_closely(age) {
            let Wanted {
                load_balancers,
                target_groups,
            } = &mut names;
            let known = slice.found.load_balancers.keys();
            load_balancers.extend(known.chain(&wanted.load_balancers).cloned());
            let known = slice.found.target_groups.keys();
            target_groups.extend(known.chain(&wanted.target_groups).cloned());
        }
        if names == Wanted::default() {
            return Ok(Found::listed(slice.found));
        }
        let is_known = slice.unknown == Wanted::default();
        let found = match by_name(self.aws, &names, asked).await {
            Err(error) if self.goes_by_the_list(age, is_known, &error) => {
                return Ok(Found::listed(slice.found));
            }
            found => found?,
        };
        let mut content = unit.content();
        content.read(&names, &found);
        let Wanted {
            load_balancers,
            target_groups,
        } = names;
        let load_balancers = load_balancers.into_iter().map(Named::LoadBalancer);
        let target_groups = target_groups.into_iter().map(Named::TargetGroup);
        Ok(Found {
            found: content.slice(app, wanted).found,
            fresh: load_balancers.chain(target_groups).collect(),
        })
    }

    async fn records(&self, zone: &str, sought: &Sought<'_>) -> Result<Found<Option<ZoneState>>> {
        let unit = self.inventory.records.want(&Key::of_zone(&self.place, zone));
        let asked = (self.clock)();
        let age = unit.readable(&self.app, self.rank, asked, self.resync)?;
        let mut fresh = BTreeSet::new();
        // No name can be read of a zone that is gone.
        if unit.content().is_there() {
            let unknown = match age {
                Age::Young => BTreeSet::new(),
                Age::Old => unit.content().unknown(sought),
            };
            let mut names = unknown.clone();
            if self.looks_closely(age) {
                names.extend(unit.content().names_of(sought));
            }
            for name in names {
                let records = match self.aws.list_name(zone, &name).await {
                    Err(error) if self.goes_by_the_list(age, !unknown.contains(&name), &error) => continue,
                    records => records?,
                };
                unit.content().read(&[name.clone()].into(), records, asked);
                let zone = zone.into();
                fresh.insert(Named::Name(RecordKey { zone, name }));
            }
        }
        let is_old = age == Age::Old;
        let content = unit.content();
        let kept = content.kept_for(sought.owner);
        let records = content.slice(sought);
        Ok(Found {
            found: records.map(|records| ZoneState {
                records,
                is_old,
                kept,
            }),
            fresh,
        })
    }

    fn is_young(&self, zone: &str) -> bool {
        let unit = self.inventory.records.want(&Key::of_zone(&self.place, zone));
        let age = unit.readable(&self.app, self.rank, (self.clock)(), self.resync);
        matches!(age, Ok(Age::Young))
    }

    async fn schedules(&self, owner: &Owner, is_wanted: bool) -> Result<Schedules> {
        let unit = self
            .inventory
            .schedules
            .want(&self.key(&schedule_group(&owner.installation)));
        unit.readable(&self.app, self.rank, (self.clock)(), self.resync)?;
        let known = unit.content().slice(owner, is_wanted);
        // What is about to go is waited for.
        let is_settled = |known: &Schedules| known.group.as_ref().is_none_or(|group| !group.is_deleting);
        let found = if let Some(known) = known.filter(|known| !self.now && is_settled(known)) {
            known
        } else {
            let found = Live(self.aws).schedules(owner, true).await?;
            unit.content()
                .found(owner, found.group.as_ref(), found.names.iter(), (self.clock)());
            found
        };
        if !is_wanted && found.names.is_empty() {
            return Ok(Schedules::default());
        }
        Ok(found)
    }
}
