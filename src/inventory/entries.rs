//! Things by name, and which fact of two is the newer one.
//!
//! AWS's lists are eventually consistent. So a page counts from when it was asked for, a write from when its reply came; and
//! for a minute after a write, a page that says otherwise is the older one, whenever it came.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use jiff::Timestamp;

use super::Learned;

/// A list may show the world before a write for so long, in seconds.
const CONSISTENT_WITHIN: i64 = 60;

#[derive(Clone, Debug)]
pub(super) struct Entries<T>(BTreeMap<String, Entry<T>>);

#[derive(Clone, Debug)]
struct Entry<T> {
    /// `None` for one that is gone. The memory of its App's last pass shares it.
    state: Option<Arc<T>>,
    /// When it was asked for, or when the reply came to the write that made it so.
    at: Timestamp,
    is_written: bool,
}

impl<T> Entry<T> {
    fn is_there(&self) -> bool {
        self.state.is_some()
    }

    /// True if a list that was asked for then may still be older.
    fn outlasts(&self, asked: Timestamp) -> bool {
        self.is_written && asked.duration_since(self.at).as_secs() < CONSISTENT_WITHIN
    }
}

impl<T: Fact> Entry<T> {
    fn is_listed_as(&self, state: Option<&T>) -> bool {
        match (self.state.as_deref(), state) {
            (Some(known), Some(state)) => known.is_listed_as(state),
            (known, state) => known.is_none() && state.is_none(),
        }
    }
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Entries(BTreeMap::new())
    }
}

/// Something that lists show, with all of it that they do.
pub(super) trait Fact: Clone + PartialEq {
    /// True if a list shows both alike.
    fn is_listed_as(&self, other: &Self) -> bool {
        self == other
    }
}

impl<T: Fact> Entries<T> {
    pub(super) fn get(&self, name: &str) -> Option<&T> {
        self.0.get(name)?.state.as_deref()
    }

    pub(super) fn shared(&self, name: &str) -> Option<&Arc<T>> {
        self.0.get(name)?.state.as_ref()
    }

    /// True if it was read then or since, be it that it is gone. The reply to a write does not show what comes of it.
    pub(super) fn is_read_since(&self, name: &str, time: Timestamp) -> bool {
        let known = self.0.get(name);
        known.is_some_and(|known| !known.is_written && known.at >= time)
    }

    /// True if a write since then made it so.
    pub(super) fn is_written_since(&self, name: &str, time: Timestamp) -> bool {
        self.0
            .get(name)
            .is_some_and(|known| known.is_written && known.at >= time)
    }

    /// True if anything is known of it, be it that it is gone.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The things that are there.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &Arc<T>)> {
        self.0
            .iter()
            .filter_map(|(name, entry)| Some((name, entry.state.as_ref()?)))
    }

    /// The things that are there, of those whose names begin so.
    pub(super) fn beginning(&self, prefix: &str) -> impl Iterator<Item = (&String, &Arc<T>)> {
        let from = (Bound::Included(prefix.to_owned()), Bound::Unbounded);
        let begins = self
            .0
            .range(from)
            .take_while(move |(name, _)| name.starts_with(prefix));
        begins.filter_map(|(name, entry)| Some((name, entry.state.as_ref()?)))
    }

    /// The names of things, of those whose names begin so, that nobody has read since they were written.
    pub(super) fn written(&self, prefix: &str) -> impl Iterator<Item = &String> {
        let there = self.beginning(prefix).map(|(name, _)| name);
        there.filter(|name| self.0.get(*name).is_some_and(|known| known.is_written))
    }

    /// Takes what a list shows. Returns true if that is news.
    pub(super) fn listed(&mut self, name: &str, state: impl Into<Arc<T>>, asked: Timestamp) -> bool {
        let state = state.into();
        match self.0.get(name) {
            Some(known) if known.outlasts(asked) && !known.is_listed_as(Some(&state)) => false,
            _ => self.read_shared(name, Some(state), asked),
        }
    }

    /// Takes what a read by name shows. Returns true if that is news. For a minute after a write, that it is not there is
    /// as old as such a list: DescribeServices has been empty right after CreateService.
    pub(super) fn read(&mut self, name: &str, state: Option<T>, asked: Timestamp) -> bool {
        self.read_shared(name, state.map(Arc::new), asked)
    }

    pub(super) fn read_shared(&mut self, name: &str, state: Option<Arc<T>>, asked: Timestamp) -> bool {
        let is_older = |known: &Entry<T>| {
            known.at > asked || state.is_none() && known.is_there() && known.outlasts(asked)
        };
        if self.0.get(name).is_some_and(is_older) {
            return false;
        }
        self.put(name, state, asked, false)
    }

    /// Takes what a pass came to know.
    pub(super) fn learned(&mut self, name: &str, state: Option<Arc<T>>, how: Learned) {
        match how {
            Learned::Read(asked) => self.read_shared(name, state, asked),
            Learned::Written(at) => self.put(name, state, at, true),
        };
    }

    /// Shares what a pass knows with it, details that no list shows included.
    pub(super) fn share(&mut self, name: &str, known: &Arc<T>) {
        if let Some(state) = self.0.get_mut(name).and_then(|entry| entry.state.as_mut())
            && state.is_listed_as(known)
        {
            *state = known.clone();
        }
    }

    fn put(&mut self, name: &str, state: Option<Arc<T>>, at: Timestamp, is_written: bool) -> bool {
        let Some(known) = self.0.get_mut(name) else {
            let is_news = state.is_some();
            let entry = Entry {
                state,
                at,
                is_written,
            };
            self.0.insert(name.into(), entry);
            return is_news;
        };
        (known.at, known.is_written) = (at, is_written);
        let is_news = !known.is_listed_as(state.as_deref());
        // What is as it was stays the one that others share.
        if is_news {
            known.state = state;
        }
        is_news
    }

    /// Forgets the gone that no list shows any more.
    pub(super) fn forget_gone(&mut self, listed: &BTreeSet<String>, asked: Timestamp) {
        self.0
            .retain(|name, entry| entry.is_there() || entry.outlasts(asked) || listed.contains(name));
    }

    /// Returns the things that a list which was asked for then should show, and does not: they are read by name, since a list
    /// may leave out what is there. The gone that no list shows any more are forgotten.
    pub(super) fn missing(&mut self, listed: &BTreeSet<String>, asked: Timestamp) -> BTreeSet<String> {
        self.forget_gone(listed, asked);
        let is_missing = |name: &String, entry: &Entry<T>| {
            entry.is_there() && entry.at <= asked && !entry.outlasts(asked) && !listed.contains(name)
        };
        let missing = self.0.iter().filter(|(name, entry)| is_missing(name, entry));
        missing.map(|(name, _)| name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Fact for i32 {}

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn listed(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).into()).collect()
    }

    #[test]
    fn a_page_counts_from_when_it_was_asked_for() {
        let mut entries = Entries::default();
        assert!(entries.listed("web", 1, at(100)));
        assert!(!entries.listed("web", 1, at(110)), "no news");
        assert!(!entries.listed("web", 2, at(105)), "it was asked for before");
        assert!(!entries.read("web", None, at(105)));
        assert_eq!(entries.get("web"), Some(&1));
        assert!(entries.read("web", Some(3), at(111)));
        assert!(entries.read("web", None, at(112)));
        assert!(entries.knows("web") && entries.get("web").is_none());
    }

    #[test]
    fn a_write_outlasts_lists_for_a_minute_and_of_reads_by_name_those_that_find_nothing() {
        let mut entries = Entries::default();
        entries.listed("web", 1, at(50));
        entries.learned("web", Some(Arc::new(2)), Learned::Written(at(100)));
        entries.listed("web", 1, at(159));
        assert_eq!(entries.get("web"), Some(&2));
        assert_eq!(entries.missing(&listed(&[]), at(159)), listed(&[]));
        assert!(entries.listed("web", 1, at(160)));

        entries.learned("new", Some(Arc::new(1)), Learned::Written(at(100)));
        assert!(!entries.read("new", None, at(159)), "it was just made");
        assert!(entries.read("new", Some(2), at(120)), "and rolls out");
        entries.learned("new", Some(Arc::new(1)), Learned::Written(at(130)));
        assert!(entries.read("new", None, at(190)), "it was deleted by hand");

        entries.learned("web", None, Learned::Written(at(200)));
        assert!(!entries.listed("web", 1, at(230)), "it was deleted");
        assert_eq!(entries.get("web"), None);
        assert!(entries.read("web", Some(1), at(231)), "and made again by hand");

        // One that a page agrees with is as good as read.
        entries.learned("web", Some(Arc::new(5)), Learned::Written(at(300)));
        entries.listed("web", 5, at(301));
        assert!(entries.listed("web", 6, at(302)));
    }

    #[test]
    fn what_a_list_leaves_out_is_named_and_stays_until_it_was_read() {
        let mut entries = Entries::default();
        for name in ["api", "web", "worker"] {
            entries.listed(name, 1, at(100));
        }
        entries.read("worker", None, at(101));
        entries.listed("new", 1, at(210));
        assert_eq!(entries.missing(&listed(&["api"]), at(200)), listed(&["web"]));
        assert_eq!(entries.get("web"), Some(&1));
        assert!(!entries.knows("worker"), "it is gone, and no list shows it");
        let found: Vec<&str> = entries.beginning("w").map(|(name, _)| name.as_str()).collect();
        assert_eq!(found, ["web"]);
        assert_eq!(entries.iter().count(), 3);
    }
}
