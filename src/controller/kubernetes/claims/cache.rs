//! All claims, as the watch of PortAllocations and our own writes show them: one copy for all passes.
//!
//! The watch may be behind our own writes, so each is noted as its reply comes. Resource versions say which is newer.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex};

use futures::StreamExt;
use kube::core::DeserializeGuard;
use kube::runtime::watcher::{self, Event};
use kube::{Api, Client, ResourceExt};
use tokio::sync::watch::Sender;

use super::decoded;
use crate::api::port_allocation::PortAllocation;
use crate::controller::kubernetes::watches;
use crate::controller::memory::lock;
use crate::health::Health;
use crate::model::owner::AppName;
use crate::model::port::Claim;
use crate::pass::version;

pub(super) type Allocation = DeserializeGuard<PortAllocation>;

#[derive(Default)]
pub(crate) struct ClaimCache(Mutex<State>);

#[derive(Default)]
struct State {
    is_filled: bool,
    places: Places,
    /// The claims that the list under way has shown, and those that were written since it began.
    listing: Option<Places>,
    /// The newest version that the watch has shown.
    newest: Option<u64>,
    /// The UIDs of what we have deleted, and the watch may still show.
    freed: HashSet<String>,
}

/// By Platform.
type Places = HashMap<String, Place>;

#[derive(Default)]
struct Place {
    by_port: BTreeMap<u16, Box<Entry>>,
    by_app: HashMap<AppName, BTreeSet<u16>>,
    taken: Arc<BTreeSet<u16>>,
}

struct Entry {
    uid: Option<String>,
    version: Option<u64>,
    /// `None` if it cannot be decoded: that its port is taken, its name says.
    claim: Option<Claim>,
}

impl ClaimCache {
    /// Returns the claims of an App on a Platform; `None` before the first list is complete.
    pub(super) fn of(&self, platform: &str, app: &AppName) -> Option<Vec<Claim>> {
        self.read(platform, |place| {
            let ports = place.by_app.get(app).into_iter().flatten();
            let claims = ports.filter_map(|port| place.by_port.get(port)?.claim.clone());
            let mut claims: Vec<Claim> = claims.collect();
            claims.shrink_to_fit();
            claims
        })
    }

    /// Returns the ports of a Platform that are taken; `None` before the first list is complete.
    pub(super) fn taken(&self, platform: &str) -> Option<Arc<BTreeSet<u16>>> {
        self.read(platform, |place| place.taken.clone())
    }

    /// Returns the Apps with claims on a Platform that do not stay when their App is gone.
    pub(in crate::controller) fn holders(&self, platform: &str) -> BTreeSet<AppName> {
        let holders = self.read(platform, |place| {
            let claims = place.by_port.values().filter_map(|entry| entry.claim.as_ref());
            let claims = claims.filter(|claim| !claim.retained);
            claims.map(|claim| claim.owner.app.clone()).collect()
        });
        holders.unwrap_or_default()
    }

    fn read<T: Default>(&self, platform: &str, read: impl FnOnce(&Place) -> T) -> Option<T> {
        let state = lock(&self.0);
        let place = state.places.get(platform);
        state.is_filled.then(|| place.map(read).unwrap_or_default())
    }

    /// Takes up an object that the API server has shown us, other than by the watch.
    pub(super) fn learn(&self, allocation: &Allocation) {
        let mut state = lock(&self.0);
        if let Some(listing) = &mut state.listing {
            put(listing, allocation);
        }
        // Of an older one, the watch has shown what became of it: gone by now, it would stay here for good.
        if version_of(allocation) > state.newest {
            put(&mut state.places, allocation);
        }
    }

    /// Takes up that we have deleted an object.
    pub(super) fn forget(&self, allocation: &Allocation) {
        let mut state = lock(&self.0);
        state.remove(allocation);
        state.freed.extend(allocation.uid());
    }

    /// Holds from now on what one list has shown.
    pub(super) fn fill(&self, allocations: &[Allocation]) {
        let mut state = lock(&self.0);
        for allocation in allocations {
            put(&mut state.places, allocation);
        }
        state.is_filled = true;
    }

    pub(in crate::controller) fn heed(&self, event: &Event<Allocation>) {
        let mut state = lock(&self.0);
        match event {
            Event::Init => {
                state.listing = Some(Places::new());
                state.freed.clear();
            }
            Event::InitApply(allocation) => {
                if !state.is_freed(allocation)
                    && let Some(listing) = &mut state.listing
                {
                    put(listing, allocation);
                }
            }
            Event::InitDone => {
                state.places = state.listing.take().unwrap_or_default();
                let entries = state.places.values().flat_map(|place| place.by_port.values());
                state.newest = entries.filter_map(|entry| entry.version).max();
                state.is_filled = true;
            }
            Event::Apply(allocation) => {
                if !state.is_freed(allocation) {
                    put(&mut state.places, allocation);
                }
                state.newest = state.newest.max(version_of(allocation));
            }
            Event::Delete(allocation) => {
                state.remove(allocation);
                if let Some(uid) = allocation.uid() {
                    state.freed.remove(&uid);
                }
                state.newest = state.newest.max(version_of(allocation));
            }
        }
    }
}

impl State {
    fn is_freed(&self, allocation: &Allocation) -> bool {
        allocation.uid().is_some_and(|uid| self.freed.contains(&uid))
    }

    fn remove(&mut self, allocation: &Allocation) {
        let Some((platform, port)) = port_of(allocation) else {
            return;
        };
        for places in [Some(&mut self.places), self.listing.as_mut()]
            .into_iter()
            .flatten()
        {
            if let Some(place) = places.get_mut(&platform)
                && place
                    .by_port
                    .get(&port)
                    .is_some_and(|entry| entry.uid == allocation.uid())
            {
                place.remove(port);
                if place.by_port.is_empty() {
                    places.remove(&platform);
                }
            }
        }
    }
}

impl Place {
    fn insert(&mut self, port: u16, entry: Entry) {
        self.remove(port);
        if let Some(claim) = &entry.claim {
            self.by_app
                .entry(claim.owner.app.clone())
                .or_default()
                .insert(port);
        }
        self.by_port.insert(port, entry.into());
        Arc::make_mut(&mut self.taken).insert(port);
    }

    fn remove(&mut self, port: u16) {
        let Some(entry) = self.by_port.remove(&port) else {
            return;
        };
        Arc::make_mut(&mut self.taken).remove(&port);
        if let Some(claim) = entry.claim
            && let Some(ports) = self.by_app.get_mut(&claim.owner.app)
        {
            ports.remove(&port);
            if ports.is_empty() {
                self.by_app.remove(&claim.owner.app);
            }
        }
    }
}

fn put(places: &mut Places, allocation: &Allocation) {
    let Some((platform, port)) = port_of(allocation) else {
        return;
    };
    let place = places.entry(platform).or_default();
    let version = version_of(allocation);
    if place
        .by_port
        .get(&port)
        .is_none_or(|known| known.version <= version)
    {
        let claim = decoded(allocation);
        let uid = allocation.uid();
        place.insert(port, Entry { uid, version, claim });
    }
}

/// Reads off its name whose Platform's port an object stands for, and which one.
fn port_of(allocation: &Allocation) -> Option<(String, u16)> {
    let name = allocation.name_any();
    let (platform, port) = name.rsplit_once('-')?;
    Some((platform.into(), port.parse().ok()?))
}

fn version_of(allocation: &Allocation) -> Option<u64> {
    version(allocation.resource_version().as_deref())
}

/// Tells of each event of the watch until the process ends. `heard` becomes true with the first list, or once that has failed: who needs
/// no port must not wait for it.
pub(in crate::controller) async fn watch(
    client: Client,
    health: Health,
    seen: impl Fn(&Event<Allocation>),
    heard: Sender<bool>,
    stopped: impl Future<Output = ()>,
) {
    let api: Api<Allocation> = Api::all(client);
    let events = watches::patient(
        watches::objects(api, watches::LARGE_PAGE),
        watches::CLAIMS,
        &health,
    );
    let heed = |event: watcher::Result<Event<Allocation>>| {
        if let Ok(event) = &event {
            seen(event);
        }
        if matches!(event, Ok(Event::InitDone) | Err(_)) {
            heard.send_replace(true);
        }
    };
    events
        .take_until(stopped)
        .for_each(async |event| heed(event))
        .await;
}

#[cfg(test)]
mod tests;
