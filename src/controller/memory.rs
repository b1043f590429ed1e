//! The memories of all Apps and Platforms, and what was last said of each object.

pub(super) mod edits;
mod event_rates;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use kube::runtime::reflector::ObjectRef;
use kube::{Resource, ResourceExt};

pub(super) use self::event_rates::EventRates;
use super::packed::PackedApp;
use crate::api::condition::Reason;
use crate::model::exclusive::Exclusive;
use crate::model::owner::AppName;
use crate::pass::{Memory, RunMemory, is_recent, platform, version};
use crate::status::is_same;

pub(super) type Key = ObjectRef<PackedApp>;

/// Returns the key of an App.
pub(super) fn app_key(app: &AppName) -> Key {
    ObjectRef::new(&app.name).within(&app.namespace)
}

/// Returns the name of an App.
pub(super) fn app_name(key: &Key) -> AppName {
    AppName {
        namespace: key.namespace.as_deref().unwrap_or_default().into(),
        name: key.name.as_str().into(),
    }
}

/// Names a Run among the Apps that share limits and request rates. It is no App's name.
pub(super) fn run_name(run: &impl Resource) -> AppName {
    AppName {
        namespace: run.namespace().unwrap_or_default().into(),
        name: format!("run/{}", run.name_any()).into(),
    }
}

/// By App. The map has room for up to twice as many, which is not to be room for memories.
#[derive(Default)]
pub(super) struct Memories {
    slots: Mutex<HashMap<AppName, Box<Slot>>>,
    /// Passes that yielded, the first one first.
    yielded: Mutex<VecDeque<(Timestamp, AppName)>>,
}

#[derive(Default)]
struct Slot {
    uid: Option<String>,
    memory: Memory,
    /// Something was found to be otherwise than it was known since the pass that is running began.
    is_outdated: bool,
    /// Released by others since the pass that is running began: it may have looked before that.
    missed: Option<BTreeSet<Exclusive>>,
    /// Some pass has come to where it would have said in the status at which Platform this is.
    is_judged: bool,
}

impl Memories {
    /// A pass begins.
    pub(super) fn begin(&self, key: &Key) {
        let mut slots = lock(&self.slots);
        let slot = slots.entry(app_name(key)).or_default();
        (slot.missed, slot.is_outdated) = (Some(BTreeSet::new()), false);
    }

    /// The pass is over. True if what the App waits for was released meanwhile, so that it is to look again.
    pub(super) fn end(&self, key: &Key, now: Timestamp) -> bool {
        let mut slots = lock(&self.slots);
        self.let_go(&mut slots, now);
        let Some(slot) = slots.get_mut(&app_name(key)) else {
            return false;
        };
        let missed = slot.missed.take().unwrap_or_default();
        let awaited = slot.memory.awaits(&missed) || std::mem::take(&mut slot.is_outdated);
        if awaited {
            slot.memory.invalidate();
        }
        if slot.memory.goes_on() {
            lock(&self.yielded).push_back((now, app_name(key)));
        }
        awaited
    }

    /// Lets go of what passes had come to that nobody will go on with.
    fn let_go(&self, slots: &mut HashMap<AppName, Box<Slot>>, now: Timestamp) {
        let mut yielded = lock(&self.yielded);
        while let Some((_, key)) = yielded.pop_front_if(|(at, _)| !is_recent(*at, now)) {
            if let Some(slot) = slots.get_mut(&key) {
                slot.memory.let_go(now);
            }
        }
    }

    /// Changes what is remembered of an object; another one of the same name starts with nothing. Only its own pass does,
    /// so that nobody waits for it.
    pub(super) fn change<T>(&self, key: &Key, uid: Option<&str>, change: impl FnOnce(&mut Memory) -> T) -> T {
        let mut memory = {
            let mut slots = lock(&self.slots);
            let slot = slots.entry(app_name(key)).or_default();
            if slot.uid.as_deref() == uid {
                std::mem::take(&mut slot.memory)
            } else {
                Memory::default()
            }
        };
        let done = change(&mut memory);
        let mut slots = lock(&self.slots);
        let slot = slots.entry(app_name(key)).or_default();
        (slot.uid, slot.memory) = (uid.map(Into::into), memory);
        done
    }

    /// A pass has judged where this is. True if it is the first one.
    pub(super) fn judged(&self, key: &Key) -> bool {
        let mut slots = lock(&self.slots);
        let slot = slots.entry(app_name(key)).or_default();
        !std::mem::replace(&mut slot.is_judged, true)
    }

    pub(super) fn is_judged(&self, key: &Key) -> bool {
        let slots = lock(&self.slots);
        slots.get(&app_name(key)).is_some_and(|slot| slot.is_judged)
    }

    /// Notes what the cache shows of an App. Not while a pass runs, which goes by what it took from there.
    pub(super) fn saw(&self, app: &PackedApp) {
        let mut slots = lock(&self.slots);
        let slot = slots.get_mut(&app_name(&ObjectRef::from_obj(app)));
        if let Some(slot) = slot.filter(|slot| slot.missed.is_none()) {
            slot.memory.see(version(app.meta().resource_version.as_deref()));
        }
    }

    pub(super) fn forget(&self, key: &Key) {
        lock(&self.slots).remove(&app_name(key));
    }

    /// Has Apps look at everything in their next pass; those in a pass are to have another.
    pub(super) fn look_again(&self, apps: &[Key]) {
        let mut slots = lock(&self.slots);
        for app in apps {
            if let Some(slot) = slots.get_mut(&app_name(app)) {
                slot.is_outdated = slot.missed.is_some();
                slot.memory.invalidate();
            }
        }
    }

    /// Returns the Apps that wait for any of what was released; each will look at everything again.
    pub(super) fn release(&self, released: &BTreeSet<Exclusive>, but: Option<&Key>) -> Vec<Key> {
        let mut waiting = Vec::new();
        if released.is_empty() {
            return waiting;
        }
        let but = but.map(app_name);
        for (app, slot) in lock(&self.slots)
            .iter_mut()
            .filter(|(app, _)| but.as_ref() != Some(*app))
        {
            if let Some(missed) = &mut slot.missed {
                missed.extend(released.iter().cloned());
            }
            if slot.memory.awaits(released) {
                slot.memory.invalidate();
                waiting.push(app_key(app));
            }
        }
        waiting
    }
}

/// Those of Runs, by UID.
#[derive(Default)]
pub(super) struct RunMemories(Mutex<HashMap<String, RunMemory>>);

impl RunMemories {
    pub(super) fn change<T>(&self, uid: &str, change: impl FnOnce(&mut RunMemory) -> T) -> T {
        change(lock(&self.0).entry(uid.into()).or_default())
    }

    pub(super) fn forget(&self, uid: &str) {
        lock(&self.0).remove(uid);
    }
}

/// By the name of the Platform. Passes over its Apps change them, too, and so wait for each other for a moment.
#[derive(Default)]
pub(super) struct Platforms(Mutex<HashMap<String, platform::Memory>>);

impl Platforms {
    pub(super) fn change<T>(&self, name: &str, change: impl FnOnce(&mut platform::Memory) -> T) -> T {
        change(lock(&self.0).entry(name.into()).or_default())
    }

    pub(super) fn forget(&self, name: &str) {
        lock(&self.0).remove(name);
    }

    /// Forgets what passes over an App have left.
    pub(super) fn forget_app(&self, app: &str) {
        for memory in lock(&self.0).values_mut() {
            memory.forget_app(app);
        }
    }
}

/// Failures in a row of passes that ended without a memory, by object.
#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<HashMap<String, u32>>);

impl Failures {
    /// Counts one more and says how many that makes.
    pub(super) fn count(&self, object: &str) -> u32 {
        let mut failures = lock(&self.0);
        let count = failures.entry(object.into()).or_default();
        *count = count.saturating_add(1);
        *count
    }

    pub(super) fn forget(&self, object: &str) {
        lock(&self.0).remove(object);
    }
}

/// What was published in Events.
#[derive(Default)]
pub(super) struct Published {
    /// The troubles of each object, as last published.
    troubles: Mutex<HashMap<String, Vec<Trouble>>>,
    /// By App, its DNS names of which it was told that another App asks for them.
    contests: Mutex<HashMap<String, BTreeSet<String>>>,
    pub rates: EventRates,
}

pub(super) type Trouble = (Reason, String);

impl Published {
    /// Returns the troubles of an object that are new. One is new again once it has been over in between.
    pub(super) fn news(&self, object: &str, troubles: &[Trouble]) -> Vec<Trouble> {
        let before = if troubles.is_empty() {
            lock(&self.troubles).remove(object)
        } else {
            lock(&self.troubles).insert(object.into(), troubles.to_vec())
        };
        let before = before.unwrap_or_default();
        let same = |one: &Trouble, other: &Trouble| one.0 == other.0 && is_same(&one.1, &other.1);
        let mut news: Vec<Trouble> = troubles.to_vec();
        news.retain(|trouble| !before.iter().any(|before| same(before, trouble)));
        news.dedup_by(|one, other| same(one, other));
        news
    }

    /// Returns true if an App was not told yet that another one asks for this name of it. Of one that has had so many names, no
    /// more is told: whoever asks shall not fill the Events of those that are asked.
    pub(super) fn is_first_contest(&self, app: &str, name: &str) -> bool {
        const MOST: usize = 100;
        let mut contests = lock(&self.contests);
        let told = contests.entry(app.into()).or_default();
        told.len() < MOST && told.insert(name.into())
    }

    pub(super) fn forget(&self, object: &str) {
        lock(&self.troubles).remove(object);
        lock(&self.contests).remove(object);
    }
}

/// Every statement leaves these maps whole, so what a panic left behind is as good as any.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use kube::core::DeserializeGuard;
    use serde_json::json;

    use super::*;

    fn key(name: &str) -> Key {
        ObjectRef::new(name).within("shop")
    }

    #[test]
    fn another_object_of_the_same_name_starts_with_no_memory() {
        let memories = Memories::default();
        let remember = |uid: &str, name: &str| {
            memories.change(&key("acme"), Some(uid), |memory| {
                memory.without_value.insert(name.into());
                memory.without_value.len()
            })
        };
        assert_eq!(remember("uid-1", "web"), 1);
        assert_eq!(remember("uid-1", "worker"), 2);
        assert_eq!(remember("uid-2", "web"), 1);
        assert_eq!(remember("uid-1", "web"), 1);
    }

    #[test]
    fn a_written_status_goes_once_the_cache_shows_it_and_no_pass_goes_by_another() {
        use crate::api::app::AppStatus;
        use crate::desired::fixtures::app_with;
        let at = |version: &str| {
            let metadata = json!({ "name": "acme", "namespace": "shop", "resourceVersion": version });
            app_with(json!({ "metadata": metadata }))
        };
        let saw =
            |memories: &Memories, version| memories.saw(&PackedApp::from(DeserializeGuard(Ok(at(version)))));
        let memories = Memories::default();
        let remembers =
            |version| memories.change(&key("acme"), None, |memory| memory.status(&at(version)).is_some());
        memories.begin(&key("acme"));
        memories.change(&key("acme"), None, |memory| {
            memory.wrote(Some("7"), AppStatus::default());
        });
        saw(&memories, "7");
        assert!(remembers("6"), "the pass took version 6");
        memories.end(&key("acme"), Timestamp::UNIX_EPOCH);
        saw(&memories, "6");
        assert!(remembers("6"));
        saw(&memories, "7");
        assert!(!remembers("6"), "the next pass takes version 7");
    }

    #[test]
    fn a_release_during_a_pass_that_had_looked_before_it_is_not_missed() {
        let (port, other) = (
            Exclusive::HostPort("staging".into()),
            Exclusive::HostPort("production".into()),
        );
        let memories = Memories::default();
        let check = |released: &Exclusive, woken: &[Key], missed: bool| {
            memories.forget(&key("acme"));
            memories.begin(&key("acme"));
            let released = [released.clone()].into();
            assert_eq!(memories.release(&released, None), Vec::<Key>::new());
            memories.change(&key("acme"), None, |memory| {
                *memory = Memory::waiting_for(port.clone());
            });
            assert_eq!(memories.end(&key("acme"), Timestamp::UNIX_EPOCH), missed);
            assert_eq!(memories.release(&released, None), woken);
            assert_eq!(memories.release(&released, Some(&key("acme"))), Vec::<Key>::new());
        };
        check(&port, &[key("acme")], true);
        check(&other, &[], false);
    }

    #[test]
    fn each_trouble_is_news_once_until_it_has_been_over() {
        let published = Published::default();
        let slow = (Reason::Throttled, "slow down".to_owned());
        let taken = (Reason::Conflict, "taken".to_owned());
        let check = |object, troubles: &[&Trouble], news: &[&Trouble]| {
            let troubles: Vec<Trouble> = troubles.iter().copied().cloned().collect();
            let found = published.news(object, &troubles);
            assert_eq!(found.iter().collect::<Vec<_>>(), news, "{object}");
        };
        check("shop/acme", &[&slow], &[&slow]);
        check("shop/acme", &[&slow, &taken], &[&taken]);
        check("shop/other", &[&slow], &[&slow]);
        check("shop/acme", &[&taken], &[]);
        check("shop/acme", &[&slow, &taken], &[&slow]);
        check("shop/acme", &[], &[]);
        check("shop/acme", &[&slow], &[&slow]);
        let by_request = |id| (Reason::AccessDenied, format!("denied (request id {id})"));
        check("shop/acme", &[&by_request(1)], &[&by_request(1)]);
        check("shop/acme", &[&by_request(2)], &[]);
    }

    #[test]
    fn an_app_hears_once_of_each_name_that_others_ask_for() {
        let published = Published::default();
        assert!(published.is_first_contest("shop/acme", "acme.example.com"));
        assert!(!published.is_first_contest("shop/acme", "acme.example.com"));
        assert!(published.is_first_contest("shop/other", "acme.example.com"));
        let more =
            (0..1_000).filter(|n| published.is_first_contest("shop/acme", &format!("{n}.example.com")));
        assert_eq!(more.count(), 99);
        published.forget("shop/acme");
        assert!(published.is_first_contest("shop/acme", "acme.example.com"));
    }

    #[test]
    fn failures_are_forgotten_on_success() {
        let failures = Failures::default();
        assert_eq!(failures.count("shop/acme"), 1);
        assert_eq!(failures.count("shop/acme"), 2);
        assert_eq!(failures.count("shop/other"), 1);
        failures.forget("shop/acme");
        assert_eq!(failures.count("shop/acme"), 1);
    }
}
