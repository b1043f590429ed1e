//! A map of few and large values: the things that one App has, by name.
//!
//! A value is apart from the map, and those that know the same thing share it until one of them changes it.

use std::borrow::Borrow;
use std::iter::Map;
use std::ops::Index;
use std::sync::Arc;
use std::vec;

use super::small_map::{self, Keys, SmallMap};

/// Is read and changed as if the values were in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedMap<K, V>(SmallMap<K, Arc<V>>);

impl<K, V> Default for SharedMap<K, V> {
    fn default() -> Self {
        SharedMap(SmallMap::new())
    }
}

impl<K: Ord, V> SharedMap<K, V> {
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a value, or shares one.
    pub fn insert(&mut self, key: K, value: impl Into<Arc<V>>) -> Option<Arc<V>> {
        self.0.insert(key, value.into())
    }

    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.0.get(key).map(Arc::as_ref)
    }

    /// Returns a value so that it can be kept elsewhere, too.
    pub fn shared<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&Arc<V>>
    where
        K: Borrow<Q>,
    {
        self.0.get(key)
    }

    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.0.contains_key(key)
    }

    pub fn retain(&mut self, is_kept: impl Fn(&K, &V) -> bool) {
        self.0.retain(|key, value| is_kept(key, value));
    }

    /// Returns what is shared, each to be changed where it is not as it should be.
    pub fn shared_mut(&mut self) -> impl Iterator<Item = (&K, &mut Arc<V>)> {
        self.0.iter_mut()
    }
}

impl<K, V> SharedMap<K, V> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn keys(&self) -> Keys<'_, K, Arc<V>> {
        self.0.keys()
    }

    pub fn values(&self) -> Values<'_, K, V> {
        self.0.values().map(|value| value)
    }

    /// Returns the values so that they can be kept elsewhere, too.
    pub fn iter_shared(&self) -> small_map::Iter<'_, K, Arc<V>> {
        self.0.iter()
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn iter(&self) -> Iter<'_, K, V> {
        self.0.iter().map(|(key, value)| (key, value))
    }
}

impl<K: Ord, V: Clone> SharedMap<K, V> {
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.0.remove(key).map(Arc::unwrap_or_clone)
    }

    /// Returns a value that others do not share any more.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.0.get_mut(key).map(Arc::make_mut)
    }

    /// Returns a value, which is the default one if there was none.
    pub fn get_or_default(&mut self, key: K) -> &mut V
    where
        K: Ord,
        V: Default,
    {
        Arc::make_mut(self.0.get_or_default(key))
    }

    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.values_mut().map(Arc::make_mut)
    }

    pub fn into_values(self) -> impl Iterator<Item = V> {
        self.0.into_values().map(Arc::unwrap_or_clone)
    }
}

type Values<'a, K, V> = Map<small_map::Values<'a, K, Arc<V>>, fn(&'a Arc<V>) -> &'a V>;
type Iter<'a, K, V> = Map<small_map::Iter<'a, K, Arc<V>>, fn((&'a K, &'a Arc<V>)) -> (&'a K, &'a V)>;
type IntoIter<K, V> = Map<vec::IntoIter<(K, Arc<V>)>, fn((K, Arc<V>)) -> (K, V)>;

impl<'a, K, V> IntoIterator for &'a SharedMap<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<K, V: Clone> IntoIterator for SharedMap<K, V> {
    type Item = (K, V);
    type IntoIter = IntoIter<K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.0
            .into_iter()
            .map(|(key, value)| (key, Arc::unwrap_or_clone(value)))
    }
}

impl<K: Ord, V, A: Into<Arc<V>>> FromIterator<(K, A)> for SharedMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, A)>>(entries: I) -> Self {
        let entries = entries.into_iter();
        SharedMap(entries.map(|(key, value)| (key, value.into())).collect())
    }
}

impl<K: Ord, V, A: Into<Arc<V>>> Extend<(K, A)> for SharedMap<K, V> {
    fn extend<I: IntoIterator<Item = (K, A)>>(&mut self, entries: I) {
        let entries = entries.into_iter();
        self.0.extend(entries.map(|(key, value)| (key, value.into())));
    }
}

impl<K: Borrow<Q> + Ord, V, Q: Ord + ?Sized> Index<&Q> for SharedMap<K, V> {
    type Output = V;

    fn index(&self, key: &Q) -> &V {
        &self.0[key]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_shared_until_it_is_changed() {
        let mut map: SharedMap<String, Vec<u8>> =
            [("web".to_owned(), vec![1]), ("worker".to_owned(), vec![2])]
                .into_iter()
                .collect();
        let other = map.clone();
        let is_shared =
            |map: &SharedMap<_, _>, key| Arc::ptr_eq(map.shared(key).unwrap(), other.shared(key).unwrap());
        assert!(is_shared(&map, "web"));
        map.get_mut("web").unwrap().push(3);
        assert_eq!((&map["web"], &other["web"]), (&vec![1, 3], &vec![1]));
        assert!(!is_shared(&map, "web"));
        assert!(is_shared(&map, "worker"), "nobody has changed it");
        assert_ne!(map, other);
        for value in map.values_mut() {
            value.truncate(1);
        }
        assert_eq!(map, other, "values count, not who shares them");
    }

    #[test]
    fn it_is_in_order_and_reads_like_a_map_of_values() {
        let mut map = SharedMap::new();
        map.insert("worker", 2);
        map.insert("web", Arc::new(1));
        assert_eq!(map.iter().collect::<Vec<_>>(), [(&"web", &1), (&"worker", &2)]);
        map.retain(|name, value| *name == "web" || *value > 2);
        assert_eq!(map.keys().collect::<Vec<_>>(), [&"web"]);
        assert_eq!(map.remove("web"), Some(1));
        assert!(map.is_empty());
    }
}
