//! A map of few entries: pairs in order, one after the other.
//!
//! A `BTreeMap` makes room for eleven entries with the first one: more than half a kilobyte for the three tags that each
//! thing in AWS has. This one has room for what is in it. To insert into the middle of a large one is slow.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::iter::Map;
use std::ops::Index;
use std::slice;
use std::vec;

use serde::{Deserialize, Serialize};

/// Is read, compared and printed as a `BTreeMap` is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SmallMap<K, V>(Vec<(K, V)>);

/// A map of no more entries has room for those alone.
const FEW: usize = 8;

impl<K, V> Default for SmallMap<K, V> {
    fn default() -> Self {
        SmallMap(Vec::new())
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for SmallMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl<K: Ord, V> SmallMap<K, V> {
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let (_, value) = self.0.get(self.find(key).ok()?)?;
        Some(value)
    }

    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let at = self.find(key).ok()?;
        let (_, value) = self.0.get_mut(at)?;
        Some(value)
    }

    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.find(key).is_ok()
    }

    /// Returns the value that was there before.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.put(at, key, value);
                None
            }
        }
    }

    /// Returns the value of a key, which is the default one if there was none.
    pub fn get_or_default(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        let at = match self.find(&key) {
            Ok(at) => at,
            Err(at) => {
                self.put(at, key, V::default());
                at
            }
        };
        &mut self.0[at].1
    }

    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let at = self.find(key).ok()?;
        Some(self.0.remove(at).1)
    }

    /// Returns the place of a key, or the one where it belongs.
    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.0.binary_search_by(|(known, _)| known.borrow().cmp(key))
    }

    fn put(&mut self, at: usize, key: K, value: V) {
        if self.0.len() < FEW {
            self.0.reserve_exact(1);
        }
        self.0.insert(at, (key, value));
    }
}

impl<K, V> SmallMap<K, V> {
    pub const fn new() -> Self {
        SmallMap(Vec::new())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn iter(&self) -> Iter<'_, K, V> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        self.0.iter_mut().map(|(key, value)| (&*key, value))
    }

    pub fn keys(&self) -> Keys<'_, K, V> {
        self.0.iter().map(|(key, _)| key)
    }

    pub fn values(&self) -> Values<'_, K, V> {
        self.0.iter().map(|(_, value)| value)
    }

    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    pub fn into_keys(self) -> impl Iterator<Item = K> {
        self.0.into_iter().map(|(key, _)| key)
    }

    pub fn into_values(self) -> impl Iterator<Item = V> {
        self.0.into_iter().map(|(_, value)| value)
    }

    pub fn retain(&mut self, mut is_kept: impl FnMut(&K, &mut V) -> bool) {
        self.0.retain_mut(|(key, value)| is_kept(key, value));
    }
}

pub type Keys<'a, K, V> = Map<slice::Iter<'a, (K, V)>, fn(&'a (K, V)) -> &'a K>;
pub type Values<'a, K, V> = Map<slice::Iter<'a, (K, V)>, fn(&'a (K, V)) -> &'a V>;
pub type Iter<'a, K, V> = Map<slice::Iter<'a, (K, V)>, fn(&'a (K, V)) -> (&'a K, &'a V)>;

impl<'a, K, V> IntoIterator for &'a SmallMap<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<K, V> IntoIterator for SmallMap<K, V> {
    type Item = (K, V);
    type IntoIter = vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Of several values of one key the last one counts.
impl<K: Ord, V> FromIterator<(K, V)> for SmallMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = SmallMap(entries.into_iter().collect());
        // A stable sort; a duplicate is the later one.
        map.0.sort_by(|(one, _), (other, _)| one.cmp(other));
        map.0.dedup_by(|later, kept| {
            let is_same = later.0 == kept.0;
            if is_same {
                std::mem::swap(later, kept);
            }
            is_same
        });
        map.0.shrink_to_fit();
        map
    }
}

impl<K: Ord, V, const N: usize> From<[(K, V); N]> for SmallMap<K, V> {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl<K: Ord, V> From<BTreeMap<K, V>> for SmallMap<K, V> {
    fn from(entries: BTreeMap<K, V>) -> Self {
        SmallMap(entries.into_iter().collect())
    }
}

impl<K: Ord, V> Extend<(K, V)> for SmallMap<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<K: Borrow<Q> + Ord, V, Q: Ord + ?Sized> Index<&Q> for SmallMap<K, V> {
    type Output = V;

    fn index(&self, key: &Q) -> &V {
        &self.0[self.find(key).unwrap_or(usize::MAX)].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_in_order_and_holds_the_last_value_of_each_key() {
        let entries = [
            ("worker", 1),
            ("web", 2),
            ("worker", 3),
            ("api", 4),
            ("worker", 5),
        ];
        let (mut map, mut other) = (SmallMap::from(entries), BTreeMap::from(entries));
        let check = |map: &SmallMap<&str, i32>, other: &BTreeMap<&str, i32>| {
            assert_eq!(map.iter().collect::<Vec<_>>(), other.iter().collect::<Vec<_>>());
            assert_eq!(format!("{map:?} {map:#?}"), format!("{other:?} {other:#?}"));
        };
        check(&map, &other);
        assert_eq!(map.insert("clock", 6), other.insert("clock", 6));
        assert_eq!(map.insert("web", 7), other.insert("web", 7));
        assert_eq!(map.remove("api"), other.remove("api"));
        assert_eq!(map.remove("api"), None);
        check(&map, &other);
        assert_eq!((map["clock"], map.get("none")), (6, None));
        *map.get_or_default("new") += 1;
        assert_eq!((map["new"], map.contains_key("new"), map.len()), (1, true, 4));
        map.retain(|_, value| *value > 5);
        assert_eq!(map.keys().collect::<Vec<_>>(), [&"clock", &"web"]);
    }

    #[test]
    fn a_few_entries_take_no_more_room_than_they_need() {
        let mut map = SmallMap::new();
        for number in 0..3 {
            map.insert(number, ());
        }
        assert_eq!(map.0.capacity(), 3);
        assert_eq!(SmallMap::from([(1, ()), (1, ()), (1, ())]).0.capacity(), 1);
    }
}
