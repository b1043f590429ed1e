//! What a pass leaves for the next one. Losing any of it costs reads, never correctness.
//!
//! A memory belongs to one object: another one of the same name, with another UID, starts with none.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::core::DeserializeGuard;
use kube::runtime::reflector::ObjectRef;

use super::agenda::Agenda;
use crate::api::app::{App, AppStatus};
use crate::api::condition::Reason;
use crate::model::echo::EchoMemory;
use crate::model::rollout::RolloutMemory;
use crate::model::state::Observed;
use crate::plan::Pending;
use crate::reconcile::Contradicted;
use crate::status::is_same;

pub(super) type Key = ObjectRef<DeserializeGuard<App>>;

#[derive(Clone, Default)]
pub(super) struct Memory {
    /// The status as we last wrote it, and the version of the object that it made: the watch may lag behind.
    pub written: Option<(String, AppStatus)>,
    /// Whether the newest generation that a pass saw has been understood; before that, its warnings are not out.
    pub built: bool,
    /// The processes without a value that Warnings were about.
    pub without_value: BTreeSet<String>,
    pub look: Option<Look>,
    /// What the last pass remembers of rollouts, until a status says so: else a redeploy would be carried out again in every
    /// pass whose status cannot be written.
    pub rollouts: Option<BTreeMap<String, RolloutMemory>>,
    /// What the last pass remembers of settings that AWS reports otherwise than they were sent. A status says only some of it.
    pub echoes: Option<EchoMemory>,
    /// The version of the object that our last change of its finalizers made.
    pub held: Option<String>,
}

impl Memory {
    /// Everything has to be read again.
    pub(super) fn doubt(&mut self) {
        if let Some(look) = &mut self.look {
            look.agenda.only_pending = false;
        }
    }
}

/// What the last pass found in AWS.
#[derive(Clone)]
pub(super) struct Look {
    pub generation: Option<i64>,
    pub platform_generation: Option<i64>,
    pub observed: Observed,
    pub pending: Vec<Pending>,
    /// Something of somebody else's is in the way.
    pub blocked: bool,
    /// What AWS answered as if the world were another.
    pub contradicted: Contradicted,
    pub agenda: Agenda,
}

/// By App.
#[derive(Default)]
pub(super) struct Memories {
    by_app: Mutex<HashMap<Key, (Option<String>, Memory)>>,
    /// How often something was let go that another App may have waited for.
    releases: AtomicU64,
}

impl Memories {
    pub(super) fn read<T>(&self, key: &Key, uid: Option<&str>, read: impl FnOnce(&Memory) -> T) -> Option<T> {
        let memories = lock(&self.by_app);
        let (owner, memory) = memories.get(key)?;
        (owner.as_deref() == uid).then(|| read(memory))
    }

    pub(super) fn write(&self, key: &Key, uid: Option<&str>, write: impl FnOnce(&mut Memory)) {
        let mut memories = lock(&self.by_app);
        let (owner, memory) = memories.entry(key.clone()).or_default();
        if owner.as_deref() != uid {
            *memory = Memory::default();
            *owner = uid.map(Into::into);
        }
        write(memory);
    }

    pub(super) fn forget(&self, key: &Key) {
        lock(&self.by_app).remove(key);
    }

    /// The number changes when something is let go: a pass that found itself blocked may have looked before that.
    pub(super) fn releases(&self) -> u64 {
        self.releases.load(Ordering::SeqCst)
    }

    /// The Apps that wait for something of somebody else's; each will look at everything again.
    pub(super) fn unblock(&self, but: Option<&Key>) -> Vec<Key> {
        self.releases.fetch_add(1, Ordering::SeqCst);
        let mut unblocked = Vec::new();
        for (key, (_, memory)) in lock(&self.by_app).iter_mut() {
            if let Some(look) = memory
                .look
                .as_mut()
                .filter(|look| look.blocked && but != Some(key))
            {
                look.agenda.only_pending = false;
                unblocked.push(key.clone());
            }
        }
        unblocked
    }
}

/// What is wrong with each object, as last told in Events.
#[derive(Default)]
pub(super) struct Told(Mutex<HashMap<String, Vec<Trouble>>>);

pub(super) type Trouble = (Reason, String);

impl Told {
    /// What of an object's troubles is news. It is not the next time, until it has been over in between.
    pub(super) fn news(&self, object: &str, troubles: &[Trouble]) -> Vec<Trouble> {
        let before = lock(&self.0).insert(object.into(), troubles.to_vec());
        let before = before.unwrap_or_default();
        let same = |one: &Trouble, other: &Trouble| one.0 == other.0 && is_same(&one.1, &other.1);
        let mut news: Vec<Trouble> = troubles.to_vec();
        news.retain(|trouble| !before.iter().any(|before| same(before, trouble)));
        news.dedup_by(|one, other| same(one, other));
        news
    }

    pub(super) fn forget(&self, object: &str) {
        lock(&self.0).remove(object);
    }
}

/// Every statement leaves these maps whole, so what a panic left behind is as good as any.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        ObjectRef::new(name).within("shop")
    }

    #[test]
    fn another_object_of_the_same_name_starts_with_no_memory() {
        let memories = Memories::default();
        memories.write(&key("acme"), Some("uid-1"), |memory| memory.built = true);
        assert_eq!(
            memories.read(&key("acme"), Some("uid-1"), |m| m.built),
            Some(true)
        );
        assert_eq!(memories.read(&key("acme"), Some("uid-2"), |m| m.built), None);
        memories.write(&key("acme"), Some("uid-2"), |_| {});
        assert_eq!(
            memories.read(&key("acme"), Some("uid-2"), |m| m.built),
            Some(false)
        );
        assert_eq!(memories.read(&key("acme"), Some("uid-1"), |m| m.built), None);
    }

    #[test]
    fn each_trouble_is_news_once_until_it_has_been_over() {
        let told = Told::default();
        let slow = (Reason::Throttled, "slow down".to_owned());
        let taken = (Reason::Conflict, "taken".to_owned());
        let check = |object, troubles: &[&Trouble], news: &[&Trouble]| {
            let troubles: Vec<Trouble> = troubles.iter().copied().cloned().collect();
            let found = told.news(object, &troubles);
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
}
